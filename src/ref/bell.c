/* SPDX-License-Identifier: MIT */
#include "ref/bell.h"

#include <errno.h>

#include "ref/futex.h"
#include "ref/object.h"

/* How often a sleeper looks for itself. */
enum { LOOK_MS = 250 };

static int sleep_for(_Atomic uint32_t *word, uint32_t value, const struct sleep *sleep)
{
	int look = sleep->looks_every ? sleep->looks_every : LOOK_MS;

	if (sleep->deadline) {
		struct timespec moment = moment_after(sleep->clock, look);

		if (moment_is_before(sleep->deadline, &moment))
			return futex_wait_until(word, value, sleep->clock, sleep->deadline);
	}
	int result = futex_wait(word, value, look);

	return result == ETIMEDOUT ? 0 : result;
}

int bell_sleep(struct bell *bell, struct mapping *mapping, const struct sleep *sleep)
{
	uint32_t rings = atomic_load(&bell->rings);
	int result;

	if (sleep->deadline && moment_is_past(sleep->clock, sleep->deadline))
		return ETIMEDOUT;
	bell->sleepers++;
	mapping_unlock(mapping);
	result = sleep_for(&bell->rings, rings, sleep);
	if (mapping_lock_again(mapping) && result == 0)
		result = EINTR;
	if (bell->called)
		bell->called--;
	else if (bell->sleepers)
		bell->sleepers--;

	if (result == EINTR && sleep->when_interrupted == SLEEP_RESTARTS &&
	    !some_handler_interrupts())
		return 0;
	return result;
}

static void ring(struct bell *bell, struct mapping *mapping, uint32_t count)
{
	if (count > bell->sleepers)
		count = bell->sleepers;
	if (count == 0)
		return;
	bell->sleepers -= count;
	bell->called += count;
	atomic_fetch_add(&bell->rings, 1);
	/* first, so that whoever unlocks after they have been moved wakes one */
	atomic_fetch_or(&mapping->object->lock.word, LOCK_IS_WAITED_FOR);
	futex_move(&bell->rings, count, &mapping->object->lock.word);
}

void bell_ring(struct bell *bell, struct mapping *mapping)
{
	ring(bell, mapping, 1);
}

void bell_ring_all(struct bell *bell, struct mapping *mapping)
{
	ring(bell, mapping, INT32_MAX);
}
