/* SPDX-License-Identifier: MIT */
/*
 * Threads of one process that use the reference all at once, for those who look for races between
 * threads: what one hands to another through it is plain memory, in which nothing but the reference
 * keeps order.  What it does to order is told to valgrind as its atomic accesses say it
 * (threads_order.c).
 */
#ifndef FAULT_THREADS_H
#define FAULT_THREADS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

enum {
	THREADS = 4,
	TURNS = 40, /* of each */
};

struct game {
	const char *name;
	void (*begin)(void);
	/* Of a thread, by its number. */
	void (*play)(unsigned thread);
	void (*end)(void);
};

extern const struct game lock_games[], channel_games[], table_games[]; /* ended by no name */

/* The first failure is told, and ends all. */
void fail(const char *file, int line, const char *what, int error);
#define MUST(condition) ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition, errno))
#define MUST_BE_0(result)                                                                          \
	do {                                                                                       \
		int error_ = (result);                                                             \
		error_ == 0 ? (void)0 : fail(__FILE__, __LINE__, #result, error_);                 \
	} while (0)

/* Where the word is, at whatever address it is mapped (threads_place.c). */
const void *place_of(const void *address);
/* It is written by who has fenced before; which fence that was, or NULL. */
void comes_after_fence(const void *word, const void *fence);
const void *fence_before(const void *word);

/* Tells drd what is told to helgrind, for which the same words are others (threads_drd.c). */
void drd_ignores(const void *memory, size_t size);
void drd_before(const void *object);
void drd_after(const void *object);

#endif
