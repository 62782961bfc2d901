/* SPDX-License-Identifier: MIT */
#include "ref/bell.h"

#include <errno.h>

#include "ref/futex.h"
#include "ref/object.h"

/* A moment that no sleep outlasts: what has a limit is ended by every handler. */
static const struct timespec far_away = {.tv_sec = INT32_MAX};

static struct timespec moment_after(clockid_t clock, int milliseconds)
{
	struct timespec moment;

	clock_gettime(clock, &moment);
	moment.tv_sec += milliseconds / 1000;
	moment.tv_nsec += milliseconds % 1000 * 1000000L;
	if (moment.tv_nsec >= 1000000000) {
		moment.tv_sec++;
		moment.tv_nsec -= 1000000000;
	}
	return moment;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static int sleep_for(_Atomic uint32_t *word, uint32_t value, const struct sleep *sleep)
{
	clockid_t clock = sleep->deadline ? sleep->clock : CLOCK_MONOTONIC;

	if (sleep->looks_every) {
		const struct timespec look = moment_after(clock, sleep->looks_every);

		if (!sleep->deadline || is_before(&look, sleep->deadline)) {
			int result = futex_wait_until(word, value, clock, &look);

			return result == ETIMEDOUT ? 0 : result;
		}
	}
	if (sleep->deadline)
		return futex_wait_until(word, value, clock, sleep->deadline);
	return futex_wait_until(word, value, CLOCK_REALTIME,
				sleep->when_interrupted == SLEEP_ENDS ? &far_away : NULL);
}

/*
 * Where this thread's sleep was ended by a ring and a handler at once.  The ring may have been
 * meant for it alone, so it looks once more; if it would sleep again then, it is told of the
 * handler.
 */
static _Thread_local const struct mapping *interrupted;

void bell_begin(const struct mapping *mapping)
{
	if (interrupted == mapping)
		interrupted = NULL;
}

int bell_sleep(struct bell *bell, struct mapping *mapping, const struct sleep *sleep)
{
	uint32_t rings = atomic_load(&bell->rings);
	bool is_rung;
	int result;

	if (interrupted == mapping) {
		interrupted = NULL;
		return EINTR;
	}
	if (sleep->deadline && moment_is_past(sleep->clock, sleep->deadline))
		return ETIMEDOUT;
	atomic_store(&bell->is_waited_for, 1);
	mapping_unlock(mapping);
	result = sleep_for(&bell->rings, rings, sleep);
	is_rung = atomic_load(&bell->rings) != rings;
	mapping_lock_again(mapping);

	if (result == EINTR && sleep->when_interrupted == SLEEP_RESTARTS &&
	    (sleep->deadline || sleep->looks_every) && !some_handler_interrupts())
		return 0;
	if (!is_rung)
		return result;
	if (result == EINTR)
		interrupted = mapping;
	return 0;
}

void bell_ring(struct bell *bell, struct mapping *mapping)
{
	atomic_fetch_add(&bell->rings, 1);
	if (!atomic_load(&bell->is_waited_for))
		return;
	/* before anybody can have been moved: whoever unlocks then wakes the first */
	atomic_fetch_or(&mapping->object->lock.word, LOCK_IS_WAITED_FOR);
	futex_move(&bell->rings, &mapping->object->lock.word);
	/* last, for who dies before has moved nobody perhaps; and nobody can have come since */
	atomic_store(&bell->is_waited_for, 0);
}
