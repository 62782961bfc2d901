/* SPDX-License-Identifier: MIT */
/*
 * The monitor of locks.  From the return that got it to the invocation that drops it, a lock is
 * held for sure: so the order of those who exclude each other is known.  Between the one's last
 * moment before the other and the other's first after it, somebody holds it all the time, if they
 * get it as early as they can and drop it as late: who is told that it is held must have met that.
 */
#include <stdlib.h>

#include "oracle/judge.h"
#include "oracle/proof.h"

/* From when to when an actor has it, at most; dropped is NULL: it has it still. */
struct holding {
	const struct event *got, *dropped;
	uint64_t from, until;
};

struct lock {
	const struct history *history;
	struct holding *holdings;
	size_t count;
};

static bool is_alone(const struct holding *holding)
{
	return holding->got->kind == EVENT_HOLD;
}

/* The last moment at which it is held for sure, unless it is earlier than the first. */
static uint64_t dropped_at(const struct holding *holding)
{
	return holding->dropped ? holding->dropped->invoked : NEVER;
}

static int by_got(const void *one, const void *other)
{
	const struct holding *a = one, *b = other;

	if (a->got->returned != b->got->returned)
		return a->got->returned > b->got->returned ? 1 : -1;
	return (dropped_at(a) > dropped_at(b)) - (dropped_at(a) < dropped_at(b));
}

static int by_from(const void *one, const void *other)
{
	const struct holding *a = one, *b = other;

	return (a->from > b->from) - (a->from < b->from);
}

/* -- who has it when -------------------------------------------------------------------------- */

static enum judgement find_holdings(struct lock *lock, size_t *open, struct violation *violation)
{
	const struct history *history = lock->history;
	char text[TOLD_MAX];

	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];

		if (event->kind == EVENT_HOLD || event->kind == EVENT_SHARE) {
			lock->holdings[lock->count++] =
				(struct holding){event, NULL, event->invoked, NEVER};
			open[event->actor] = lock->count;
		} else if (event->kind == EVENT_DROP && open[event->actor]) {
			struct holding *holding = &lock->holdings[open[event->actor] - 1];

			holding->dropped = event;
			holding->until = event->returned;
			open[event->actor] = 0;
		} else if (event->kind == EVENT_DROP && event->returned != NEVER) {
			return refuse_to_be(violation, event, NULL, NULL, "%s, and didn't have it",
					    told(history, event, text));
		}
	}
	return CAN_BE;
}

/* Nobody gets it while somebody who must not has it; as early as the others let it. */
static enum judgement check_holdings(struct lock *lock, struct violation *violation)
{
	const struct holding *last[2] = {NULL, NULL}; /* dropped last: alone, shared */
	char one[TOLD_MAX], other[TOLD_MAX];

	for (size_t i = 0; i < lock->count; i++) {
		struct holding *holding = &lock->holdings[i];
		bool is_shared = !is_alone(holding);

		for (int shared = 0; shared <= !is_shared; shared++) {
			if (!last[shared])
				continue;
			if (dropped_at(last[shared]) > holding->got->returned)
				return refuse_to_be(violation, last[shared]->got, holding->got,
						    last[shared]->dropped,
						    "%s, and had it still when %s",
						    told(lock->history, last[shared]->got, one),
						    told(lock->history, holding->got, other));
			if (dropped_at(last[shared]) > holding->from)
				holding->from = dropped_at(last[shared]);
		}
		/* who was killed may not have got it at all */
		if (holding->got->returned != NEVER &&
		    (!last[is_shared] || dropped_at(holding) > dropped_at(last[is_shared])))
			last[is_shared] = holding;
	}
	return CAN_BE;
}

/* And as late as those who come after it let it. */
static void find_ends(struct lock *lock)
{
	uint64_t next[2] = {NEVER, NEVER};

	for (size_t i = lock->count; i-- > 0;) {
		struct holding *holding = &lock->holdings[i];
		bool is_shared = !is_alone(holding);

		for (int shared = 0; shared <= !is_shared; shared++)
			if (next[shared] < holding->until)
				holding->until = next[shared];
		next[is_shared] = holding->got->returned;
	}
}

/* -- who is told that it is held -------------------------------------------------------------- */

static enum judgement check_busy(struct lock *lock, struct violation *violation)
{
	const struct history *history = lock->history;
	uint64_t until = 0;
	size_t begun = 0;
	char text[TOLD_MAX];

	/* the latest end of those that have begun, in the place of their own */
	qsort(lock->holdings, lock->count, sizeof(*lock->holdings), by_from);
	for (size_t i = 0; i < lock->count; i++) {
		if (lock->holdings[i].until < until)
			lock->holdings[i].until = until;
		until = lock->holdings[i].until;
	}
	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];
		size_t low = 0, high = lock->count;

		if (event->kind != EVENT_BUSY || event->returned == NEVER)
			continue;
		while (low < high) {
			begun = low + (high - low) / 2;
			if (lock->holdings[begun].from <= event->returned)
				low = begun + 1;
			else
				high = begun;
		}
		if (low == 0 || lock->holdings[low - 1].until < event->invoked)
			return refuse_to_be(violation, event, NULL, NULL,
					    "%s, though nobody can have had it then",
					    told(history, event, text));
	}
	return CAN_BE;
}

enum judgement judge_lock(const struct history *history, struct violation *violation)
{
	struct lock lock = {history, malloc((history->count + 1) * sizeof(*lock.holdings)), 0};
	size_t *open = calloc(UINT16_MAX + 1, sizeof(*open)); /* from 1 */
	enum judgement judgement;

	if (lock.holdings && open) {
		judgement = find_holdings(&lock, open, violation);
		qsort(lock.holdings, lock.count, sizeof(*lock.holdings), by_got);
		if (judgement == CAN_BE)
			judgement = check_holdings(&lock, violation);
		if (judgement == CAN_BE) {
			find_ends(&lock);
			judgement = check_busy(&lock, violation);
		}
	} else {
		judgement = unknown(violation, "no memory to judge it");
	}
	free(lock.holdings);
	free(open);
	return judgement;
}
