/* SPDX-License-Identifier: MIT */
#include "ref/bell.h"

#include <errno.h>

#include "ref/futex.h"
#include "ref/object.h"

/* A moment that no sleep outlasts: what has a limit is ended by every handler. */
static const struct timespec far_away = {.tv_sec = INT32_MAX};

static int sleep_for(_Atomic uint32_t *word, uint32_t value, const struct sleep *sleep)
{
	if (sleep->looks_every) {
		int result = futex_wait(word, value, sleep->looks_every);

		return result == ETIMEDOUT ? 0 : result;
	}
	if (sleep->deadline)
		return futex_wait_until(word, value, sleep->clock, sleep->deadline);
	return futex_wait_until(word, value, CLOCK_REALTIME,
				sleep->when_interrupted == SLEEP_ENDS ? &far_away : NULL);
}

int bell_sleep(struct bell *bell, struct mapping *mapping, const struct sleep *sleep)
{
	uint32_t rings = atomic_load(&bell->rings);
	bool is_rung;
	int result;

	if (sleep->deadline && moment_is_past(sleep->clock, sleep->deadline))
		return ETIMEDOUT;
	atomic_store(&bell->is_waited_for, 1);
	mapping_unlock(mapping);
	result = sleep_for(&bell->rings, rings, sleep);
	is_rung = atomic_load(&bell->rings) != rings;
	mapping_lock_again(mapping);

	if (is_rung)
		return 0; /* and may have been meant for this one alone */
	if (result == EINTR && sleep->when_interrupted == SLEEP_RESTARTS &&
	    (sleep->deadline || sleep->looks_every) && !some_handler_interrupts())
		return 0;
	return result;
}

void bell_ring(struct bell *bell, struct mapping *mapping)
{
	atomic_fetch_add(&bell->rings, 1);
	if (atomic_exchange(&bell->is_waited_for, 0)) {
		/* before anybody can have been moved: whoever unlocks then wakes the first */
		atomic_fetch_or(&mapping->object->lock.word, LOCK_IS_WAITED_FOR);
		futex_move(&bell->rings, &mapping->object->lock.word);
	}
}
