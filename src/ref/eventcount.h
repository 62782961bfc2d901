/* SPDX-License-Identifier: MIT */
/*
 * An eventcount: who finds that it must wait says so (prepare), looks once more, and sleeps until
 * the next event after that; who has changed something says that there is one (advance) and wakes.
 * No event falls in between, for both are in one word.
 *
 * It has no owner and no list of those who wait: a waiter that is killed leaves nothing behind but,
 * at most, the bit that has the next event wake nobody.  A waker that is killed before it woke, or
 * the one it woke, costs the others a doze (futex.h) and not the event.
 */
#ifndef IPCREF_EVENTCOUNT_H
#define IPCREF_EVENTCOUNT_H

#include <time.h>

#include "ref/futex.h"
#include "ref/lock.h"

struct eventcount {
	_Atomic uint32_t word; /* the number of events, and in the lowest bit: somebody waits */
};
enum { EVENTCOUNT_IS_WAITED_FOR = 1, EVENTCOUNT_EVENT = 2 };

/*
 * Starts with a number that this memory hardly had before, so that nobody who has yet to leave what
 * was there takes a new event for an old one.
 */
static inline uint32_t unused_number(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return ((uint32_t)time.tv_sec * 1000000000u + (uint32_t)time.tv_nsec) * 2654435761u ^
	       thread_id();
}

static inline void eventcount_init(struct eventcount *e)
{
	atomic_init(&e->word, unused_number() & ~(uint32_t)EVENTCOUNT_IS_WAITED_FOR);
}

/* From now on an event is for this one too.  What to sleep on. */
static inline uint32_t eventcount_prepare(struct eventcount *e)
{
	return atomic_fetch_or(&e->word, EVENTCOUNT_IS_WAITED_FOR) | EVENTCOUNT_IS_WAITED_FOR;
}

static inline bool eventcount_is_waited_for(const struct eventcount *e)
{
	return atomic_load_explicit(&e->word, memory_order_relaxed) & EVENTCOUNT_IS_WAITED_FOR;
}

/*
 * 0: there was one, or somebody thought so; else EAGAIN (look again), ETIMEDOUT or EINTR.  After 0
 * the memory may be something else.
 */
static inline int eventcount_doze(struct eventcount *e, uint32_t prepared, clockid_t clock,
				  const struct timespec *deadline)
{
	return futex_doze_until(&e->word, prepared, clock, deadline);
}

/* True: somebody is to be woken by futex_wake(&e->word). */
static inline bool eventcount_advance(struct eventcount *e, bool others_wait_on)
{
	uint32_t word = atomic_load(&e->word), next;

	do {
		if (!(word & EVENTCOUNT_IS_WAITED_FOR))
			return false;
		next = word + EVENTCOUNT_EVENT;
		if (!others_wait_on)
			next &= ~(uint32_t)EVENTCOUNT_IS_WAITED_FOR;
	} while (!atomic_compare_exchange_weak(&e->word, &word, next));
	return true;
}

#endif
