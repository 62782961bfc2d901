/* SPDX-License-Identifier: MIT */
/* A director's beginning and end; its verbs are in stage.h. */
#ifndef IPCTS_STAGE_DIRECTOR_H
#define IPCTS_STAGE_DIRECTOR_H

/* In the director's process, before the story. */
void director_open(void);
/* After it: judges what was left open, ends all actors, removes all objects, and exits. */
_Noreturn void director_close(void);

#endif
