/* SPDX-License-Identifier: MIT */
/*
 * The platform beneath the reference, as a life wants it to be: what the library calls goes through
 * ref_test.c (ld's --wrap).  A child's is its parent's.
 */
#ifndef UNIT_REF_WORLD_H
#define UNIT_REF_WORLD_H

#include <stdbool.h>

struct world {
	long call;		 /* the system call that there is none of; 0: all are there */
	bool has_no_proc;	 /* no file below /proc can be opened */
	const char *its_stat;	 /* a file that is read instead of any below /proc */
	int no_tmpfile;		 /* how it says that no file can be made without a name */
	int interruptions;	 /* of posix_fallocate, before it is done */
	bool has_no_thread_data; /* pthread_setspecific */
	bool has_no_pairs;	 /* of sockets */
	bool has_no_memory;	 /* that is zero: calloc */
	/* who sleeps is to be woken: a limit of more than a moment is none; and a wake of nobody
	 * wakes nobody */
	bool has_no_limits;
	bool has_all_pairs; /* of sockets, of whatever domain */
	/* what somebody does meanwhile, once, when this is opened, or what is in it, if it ends so
	 */
	const char *opened;
	void (*meanwhile)(const char *path);
	unsigned refusals; /* there have been */
	unsigned futex_calls;
	unsigned calls_for_many; /* of these, those for several words */
};
extern struct world world;

/* This thread stays where it is when its next sleep at a futex is over, until it is cancelled. */
extern _Thread_local bool lingers;

#endif
