/* SPDX-License-Identifier: MIT */
/*
 * A process that is left when this one is killed, however that is, and clears away what it had in
 * the system.  It has a session of its own, so that what ends this one's group, or its terminal,
 * doesn't end it.
 */
#ifndef IPCTS_SCHED_GUARDIAN_H
#define IPCTS_SCHED_GUARDIAN_H

#include <stdbool.h>
#include <sys/types.h>

struct guardian {
	pid_t pid; /* 0: there is none */
	int held;  /* by this process, and by all that it forks and doesn't execute */
};

/*
 * In the guardian, guards is called with a descriptor that comes to its end when nobody holds the
 * other: it waits for that (guardian_sees_the_end), and then clears away.  False: errno.
 */
bool guardian_post(struct guardian *guardian, void (*guards)(int ends, void *argument),
		   void *argument);
/* Of the guardian's: whether they are all gone, at once or within so many milliseconds; -1: when
 * they are. */
bool guardian_sees_the_end(int ends, int milliseconds);
/* Of the guardian's: it is seen nowhere any more, and keeps nobody waiting who reads what is told.
 */
void guardian_hide(void);
/* There is nothing more to guard: waits until it has cleared away.  False: it couldn't. */
bool guardian_dismiss(struct guardian *guardian);

#endif
