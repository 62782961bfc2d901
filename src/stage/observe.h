/* SPDX-License-Identifier: MIT */
/* What can be seen of a process from outside.  /proc is an acceleration: without it all is unknown.
 */
#ifndef IPCTS_STAGE_OBSERVE_H
#define IPCTS_STAGE_OBSERVE_H

#include <stdbool.h>
#include <sys/types.h>

struct look {
	char state;		/* of proc(5): R S D T t Z X; '?': unknown; '-': no such thread */
	unsigned long long ran; /* nanoseconds on a processor so far */
	bool exact;		/* ran counts every slice, not only ticks */
};

/* A thread of a process; tid == pid: its first. */
struct look look_at(pid_t pid, pid_t tid);
/* How many nanoseconds it has been on a processor, every slice counted; 0: unknown. */
unsigned long long exactly_ran(pid_t pid, pid_t tid);
/*
 * How often it has given up the processor by itself, as who sleeps does, or stops; 0: unknown. What
 * wait4(2) tells of a child of one thread as ru_nvcsw.
 */
unsigned long long times_slept(pid_t pid, pid_t tid);
/* Whether the kernel names the place where it sleeps; false: it runs, is about to, or not known. */
bool sleeps_at_a_place(pid_t pid, pid_t tid);
/* Whether this /proc tells anything. */
bool can_look(void);
/* When the process began, in ticks since boot; 0: unknown. */
long long born_at(pid_t pid);
/* The parent of a process; 0: unknown. */
pid_t parent_of(pid_t pid);
/* Calls for each child of this process, as far as /proc tells; returns how many. */
int for_each_child(void (*found)(pid_t child));

#endif
