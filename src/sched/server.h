/* SPDX-License-Identifier: MIT */
/* The program is executed once; each run is a fork of it, from before its main. */
#ifndef IPCTS_SCHED_SERVER_H
#define IPCTS_SCHED_SERVER_H

/* Returns in the child that is to be a run; the server itself never does. */
void serve_runs(void);

#endif
