/* SPDX-License-Identifier: MIT */
/* The detector as a whole. */
#ifndef IPCTS_SCHED_DETECT_H
#define IPCTS_SCHED_DETECT_H

/* Reads IPCTS_RACE_OPTIONS and joins the world; of runtime_start. */
void detect_start(void);
/* This process was forked to be a run of its own: a world where nothing has happened. */
void detect_renew(void);
/* This process was just forked, as that party. */
void detect_forked(unsigned party);
/* The status to exit with instead: another, if there was a race. */
int detect_status(int status);

#endif
