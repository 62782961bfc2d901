/* SPDX-License-Identifier: MIT */
/*
 * Classic bugs of programs that share memory, each as small as it can be: what engines are measured
 * by (ipcts race --detection).  Each access to what is shared is a point, by SEE; the outcomes that
 * are listed are those that the program's author had in mind.  They stand in bug_*.c, by what is
 * wrong.
 */
#ifndef IPCTS_RACE_BUG_H
#define IPCTS_RACE_BUG_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "race/race.h"

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif
/* As <linux/futex.h> has it, which not every libc comes with. */
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, ALL = 1 << 30 };

struct page {
	_Atomic uint32_t lock, other_lock, third_lock, cond;
	_Atomic int ready, waiters, top, readers;
	int a, b, count, holders;
	int slots[4], next[4];
	int id;
};

/* Another may go first; compilers aren't to know better. */
#define SEE(place) (*(race_step(#place), (volatile __typeof__(place) *)&(place)))

static inline bool make(void *world)
{
	(void)world;
	return true;
}

static inline void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static inline void rouse(_Atomic uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

/* These are right. */
static inline void hold(_Atomic uint32_t *lock)
{
	race_step("locks");
	while (atomic_exchange(lock, 1))
		sleep_while(lock, 1);
}

static inline void let_go(_Atomic uint32_t *lock)
{
	race_step("unlocks");
	atomic_store(lock, 0);
	rouse(lock, 1);
}

static inline void await_cond(struct page *page)
{
	uint32_t seen = atomic_load(&page->cond);

	let_go(&page->lock);
	sleep_while(&page->cond, seen);
	hold(&page->lock);
}

static inline void tell(struct page *page, int count)
{
	atomic_fetch_add(&page->cond, 1);
	rouse(&page->cond, count);
}

/* All is as it was at first. */
static inline long long clear(struct page *page, long long result)
{
	memset(page, 0, sizeof(*page));
	return result;
}

static inline long long count_and_clear(void *world)
{
	struct page *page = world;

	return clear(page, page->count);
}

static inline long long only_clear(void *world)
{
	return clear(world, 0);
}

static inline long long read_pair(void *world)
{
	struct page *page = world;
	int one = SEE(page->a);

	return one - SEE(page->b);
}

#define BUG(identifier)                                                                            \
	static struct race bug_##identifier;                                                       \
	__attribute__((constructor)) static void register_##identifier(void)                       \
	{                                                                                          \
		bug_##identifier.name = "bug." #identifier;                                        \
		bug_##identifier.file = __FILE__;                                                  \
		bug_##identifier.line = __LINE__;                                                  \
		bug_##identifier.is_bug = true;                                                    \
		bug_##identifier.world = sizeof(struct page);                                      \
		if (!bug_##identifier.make)                                                        \
			bug_##identifier.make = make;                                              \
		if (!bug_##identifier.after)                                                       \
			bug_##identifier.after = only_clear;                                       \
		race_register(&bug_##identifier);                                                  \
	}                                                                                          \
	static struct race bug_##identifier

#endif
