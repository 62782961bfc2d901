/* SPDX-License-Identifier: MIT */
/*
 * What a hostile peer scribbles over: kinds of objects, one of a kind at a time, with operations of
 * which the input chooses.
 */
#ifndef FAULT_FUZZ_H
#define FAULT_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ref/ipcref.h"

struct kind {
	const char *name;
	int (*begin)(void); /* a descriptor of the object's file */
	void (*operate)(unsigned which);
	void (*end)(void);
	/* Whether this process has it mapped for ever: so it can't be lost, and is put right again.
	 */
	bool is_kept;
	/* Whether it is locks, of which each begins with a guard, so far apart; 0: an object. */
	size_t guard_every;
};

extern const struct kind fuzz_mq, fuzz_msg, fuzz_semset, fuzz_sem, fuzz_pipe, fuzz_event, fuzz_shm,
	fuzz_registry, fuzz_stream, fuzz_datagram, fuzz_listener, fuzz_sig, fuzz_locks;

/* Of the input; 0 when it is at its end. */
unsigned next_byte(void);
unsigned next_word(void);

/* The path of a file of the namespace, until the next call. */
const char *namespace_file(const char *format, int number);
/* A description of its own of a descriptor's file. */
int file_of(int fd);

extern char text[16384];
/* Of what has two. */
extern int ends[2];
void close_ends(void);

enum { LOCK_SPACE = 64 };
/*
 * A guard that somebody holds who lives is waited for, as any lock is: whoever may write to it may
 * hold it for ever.  One of nobody is not, but for what has more time than the caller: all are
 * freed.
 */
void free_held_guards(bool all);

#endif
