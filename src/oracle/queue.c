/* SPDX-License-Identifier: MIT */
/*
 * The monitor of queues whose values are all different.
 *
 * A value is there for sure, strictly between the return of its put and the invocation of its take.
 * Of a rank, a value can be taken only at a moment at which, for sure, nothing of a higher rank is
 * there: so ranks are gone through from the highest to the lowest, and moments at which something
 * is there are struck off.  What is left of the interval of a take, from its first moment to its
 * last, is when it can have been.  Of one rank, then, a value put before another for sure must not
 * be taken after it for sure.  Who finds nothing must have a moment that isn't struck off at all.
 *
 * Takes of the killed may have taken anything: which of them took what is tried, but only of what
 * would otherwise be in the way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/judge.h"
#include "oracle/order.h"
#include "oracle/proof.h"

/* A value's life: put and, if it was, taken, somewhere from one moment to another. */
struct life {
	const struct event *put, *taken;
	uint64_t from, until;
};

/* Where neighbours lead to: the next moment (or the last before) that isn't struck off. */
struct moments {
	uint64_t *times; /* sorted, each once, NEVER at last; NULL: nobody asks */
	uint32_t *next, *previous;
	size_t count;
};

enum { TAKERS_MAX = 32, TRIES_MAX = 200 };

struct queue {
	const struct history *history;
	bool is_lowest_first; /* ranks are types */
	struct violation *violation;
	struct life *lives; /* by rank, the highest first, then by the put's invocation */
	const struct life **by_return; /* by rank, then by the put's return */
	size_t count;
	uint32_t *places; /* of lives, from 1, by value, as long as they are found and not sorted */
	size_t place_count;
	struct moments moments;
	/* of the killed */
	const struct event *takers[TAKERS_MAX];
	unsigned taker_count, tries;
	uint32_t used;
	struct life *kept; /* what is in the way, and would have to be taken by one of them; NULL */
};

/* -- moments ---------------------------------------------------------------------------------- */

static size_t moment_of(const struct moments *moments, uint64_t time)
{
	size_t low = 0, high = moments->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (moments->times[middle] < time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Follows neighbours, and shortens the way for who comes next. */
static uint32_t find(uint32_t *neighbours, uint32_t at)
{
	while (neighbours[at] != at) {
		neighbours[at] = neighbours[neighbours[at]];
		at = neighbours[at];
	}
	return at;
}

/*
 * All moments of the history, numbered from 1, so that there's one before the first and one behind
 * the last.
 */
static bool make_moments(struct moments *moments, const struct history *history)
{
	size_t room = 2 * history->count + 3, count = 0;
	struct keyed *times = malloc(room * sizeof(*times));
	bool is_made;

	moments->times = malloc(room * sizeof(*moments->times));
	moments->next = malloc(room * sizeof(*moments->next));
	moments->previous = malloc(room * sizeof(*moments->previous));
	for (size_t i = 0; times && i < history->count; i++) {
		times[count++].key = history->events[i].invoked;
		times[count++].key = history->events[i].returned;
	}
	is_made = times && moments->times && moments->next && moments->previous &&
		  order(times, count);
	for (size_t i = 0; is_made && i < count; i++)
		if (times[i].key != NEVER &&
		    (i == 0 || times[i].key != moments->times[moments->count - 1]))
			moments->times[moments->count++] = times[i].key;
	if (is_made)
		moments->times[moments->count++] = NEVER;
	free(times);
	return is_made;
}

static void free_moments(struct moments *moments)
{
	free(moments->times);
	free(moments->next);
	free(moments->previous);
}

static void restore(struct moments *moments)
{
	for (uint32_t i = 0; moments->times && i < moments->count + 2; i++)
		moments->next[i] = moments->previous[i] = i;
}

/* All that are strictly between. */
static void strike(struct moments *moments, uint64_t after, uint64_t before)
{
	uint32_t end = (uint32_t)moment_of(moments, before) + 1;
	uint32_t at = find(moments->next, (uint32_t)moment_of(moments, after) + 2);

	while (at < end) {
		moments->next[at] = at + 1;
		moments->previous[at] = at - 1;
		at = find(moments->next, at + 1);
	}
}

/* Narrows an interval to its first and its last moment that isn't struck off; false: all are. */
static bool narrow(struct moments *moments, uint64_t *from, uint64_t *until)
{
	uint32_t first = find(moments->next, (uint32_t)moment_of(moments, *from) + 1);
	uint32_t last = find(moments->previous, (uint32_t)moment_of(moments, *until) + 1);

	if (first > last)
		return false;
	*from = moments->times[first - 1];
	*until = moments->times[last - 1];
	return true;
}

/* -- lives ------------------------------------------------------------------------------------ */

/* Where a value's life is, in a table of places that are free, 0, or of the life before. */
static uint32_t *place_of(const struct queue *queue, int64_t value)
{
	size_t mask = queue->place_count - 1;
	size_t at = (size_t)((uint64_t)value * UINT64_C(0x9E3779B97F4A7C15) >> 20);

	while (queue->places[at & mask] &&
	       queue->lives[queue->places[at & mask] - 1].put->value != value)
		at++;
	return &queue->places[at & mask];
}

static enum judgement begin_lives(struct queue *queue)
{
	const struct history *history = queue->history;
	char text[TOLD_MAX];

	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];
		uint32_t *place;

		if (event->kind != EVENT_PUT)
			continue;
		place = place_of(queue, event->value);
		if (*place)
			return refuse_to_be(queue->violation, queue->lives[*place - 1].put, event,
					    NULL, "no history of a queue: %s twice",
					    told(history, event, text));
		queue->lives[queue->count++] = (struct life){.put = event};
		*place = (uint32_t)queue->count;
	}
	return CAN_BE;
}

static enum judgement end_life(struct queue *queue, struct life *life, const struct event *taken)
{
	const struct history *history = queue->history;
	char one[TOLD_MAX], other[TOLD_MAX];

	if (life->put->rank != taken->rank)
		return refuse_to_be(queue->violation, life->put, taken, NULL,
				    "%s with rank or type %d, and %s with %d",
				    told(history, life->put, one), (int)life->put->rank,
				    told(history, taken, other), (int)taken->rank);
	if (life->taken)
		return refuse_to_be(queue->violation, life->taken, taken, life->put,
				    "%s, and %s as well: it was put once",
				    told(history, life->taken, one), told(history, taken, other));
	if (taken->returned < life->put->invoked)
		return refuse_to_be(queue->violation, taken, life->put, NULL, "%s before %s",
				    told(history, taken, one), told(history, life->put, other));
	life->taken = taken;
	return CAN_BE;
}

/* What was taken of what was put: each value once, and in this order. */
static enum judgement end_lives(struct queue *queue)
{
	const struct history *history = queue->history;
	enum judgement judgement = CAN_BE;
	char text[TOLD_MAX];

	for (size_t i = 0; judgement == CAN_BE && i < history->count; i++) {
		const struct event *event = &history->events[i];

		if (event->kind != EVENT_TAKE)
			continue;
		if (event->returned == NEVER) {
			if (queue->taker_count == TAKERS_MAX)
				return unknown(queue->violation, "too many were killed");
			queue->takers[queue->taker_count++] = event;
			continue;
		}
		uint32_t place = *place_of(queue, event->value);

		if (!place)
			return refuse_to_be(queue->violation, event, NULL, NULL,
					    "%s, which nobody had put", told(history, event, text));
		judgement = end_life(queue, &queue->lives[place - 1], event);
	}
	return judgement;
}

/* What was never taken, and perhaps never put, is in nobody's way. */
static void drop_unknown_puts(struct queue *queue)
{
	size_t kept = 0;

	for (size_t i = 0; i < queue->count; i++)
		if (queue->lives[i].taken || queue->lives[i].put->returned != NEVER)
			queue->lives[kept++] = queue->lives[i];
	queue->count = kept;
}

/* What is taken first comes first. */
static uint64_t key_of_rank(const struct queue *queue, const struct life *life)
{
	int64_t rank = queue->is_lowest_first ? -(int64_t)life->put->rank : life->put->rank;

	return (uint64_t)((INT64_C(1) << 31) - rank);
}

/* They are in the order of invocation already. */
static bool sort_lives(struct queue *queue)
{
	struct keyed *keys = malloc((queue->count + 1) * sizeof(*keys));
	struct life *lives = malloc((queue->count + 1) * sizeof(*lives));
	bool is_done = keys && lives;

	for (uint32_t i = 0; is_done && i < queue->count; i++)
		keys[i] = (struct keyed){key_of_rank(queue, &queue->lives[i]), i};
	is_done = is_done && order(keys, queue->count);
	for (uint32_t i = 0; is_done && i < queue->count; i++)
		lives[i] = queue->lives[keys[i].number];
	if (is_done)
		memcpy(queue->lives, lives, queue->count * sizeof(*lives));
	for (uint32_t i = 0; is_done && i < queue->count; i++)
		keys[i] = (struct keyed){queue->lives[i].put->returned, i};
	is_done = is_done && order(keys, queue->count);
	for (uint32_t i = 0; is_done && i < queue->count; i++)
		keys[i].key = key_of_rank(queue, &queue->lives[keys[i].number]);
	is_done = is_done && order(keys, queue->count);
	for (uint32_t i = 0; is_done && i < queue->count; i++)
		queue->by_return[i] = &queue->lives[keys[i].number];
	free(keys);
	free(lives);
	return is_done;
}

/* -- what can't be ---------------------------------------------------------------------------- */

/*
 * At each moment from one to another something of the first lives is there: which, one after the
 * other, as few as can be.  So only the last of them can be there for ever.
 */
static void name_cover(struct queue *queue, size_t lives, uint64_t from, uint64_t until)
{
	struct violation *violation = queue->violation;

	for (uint64_t moment = from; moment <= until;) {
		struct life *best = NULL;

		for (size_t i = 0; i < lives; i++) {
			struct life *life = &queue->lives[i];

			if (life->put->returned < moment && life->from > moment &&
			    (!best || life->from > best->from))
				best = life;
		}
		if (!best)
			return;
		if (violation->count < CONCERNED_MAX)
			violation->events[violation->count++] = *best->put;
		if (best->taken && violation->count < CONCERNED_MAX)
			violation->events[violation->count++] = *best->taken;
		if (!best->taken)
			queue->kept = best;
		if (best->from == NEVER)
			return;
		moment = best->from;
	}
}

/* The event can't have been from a moment on, for what was there: the first of it in words. */
static enum judgement refuse_covered(struct queue *queue, const struct event *event, uint64_t from,
				     size_t lives)
{
	struct violation *violation = queue->violation;
	char what[TOLD_MAX], there[TOLD_MAX], others[64] = "";
	size_t puts = 0;

	violation->events[0] = *event;
	violation->count = 1;
	name_cover(queue, lives, from, event->returned);
	for (size_t i = 1; i < violation->count; i++)
		puts += violation->events[i].kind == EVENT_PUT;
	if (puts > 1)
		snprintf(others, sizeof(others), ", and then %zu others, without a gap", puts - 1);
	snprintf(violation->proof, sizeof(violation->proof), "%s, though %s was there %s: %s%s",
		 told(queue->history, event, what),
		 event->kind == EVENT_EMPTY ? "something"
		 : queue->is_lowest_first   ? "something of a lower type"
					    : "something of a higher rank",
		 from > event->invoked ? "from before it was put" : "all the time",
		 told(queue->history, &violation->events[1], there), others);
	return CANNOT_BE;
}

static enum judgement refuse_order(struct queue *queue, struct life *first, struct life *second)
{
	const struct history *history = queue->history;
	char put[TOLD_MAX], overtaken[TOLD_MAX], taken[TOLD_MAX],
		end[TOLD_MAX] = "it is there still";
	bool is_narrowed = second->until < second->taken->returned ||
			   (first->taken && first->from > first->taken->invoked);

	if (first->taken)
		told(history, first->taken, end);
	else
		queue->kept = first;
	refuse_to_be(queue->violation, first->put, second->put, second->taken,
		     "%s before %s; yet %s before the first was: %s%s",
		     told(history, first->put, overtaken), told(history, second->put, put),
		     told(history, second->taken, taken), end,
		     is_narrowed ? "; at other moments something of a higher rank was there" : "");
	if (first->taken)
		queue->violation->events[queue->violation->count++] = *first->taken;
	return CANNOT_BE;
}

/* -- one rank after the other ----------------------------------------------------------------- */

/* When each of them can have been taken, for all that is of a higher rank. */
static enum judgement narrow_all(struct queue *queue, size_t begin, size_t end)
{
	for (size_t i = begin; i < end; i++) {
		struct life *life = &queue->lives[i];

		life->from = life->taken ? life->taken->invoked : NEVER;
		life->until = life->taken ? life->taken->returned : NEVER;
		if (!life->taken || !queue->moments.times || begin == 0)
			continue;
		if (!narrow(&queue->moments, &life->from, &life->until))
			return refuse_covered(queue, life->taken, life->taken->invoked, begin);
		if (life->until < life->put->invoked)
			return refuse_covered(queue, life->taken, life->put->invoked, begin);
	}
	return CAN_BE;
}

/*
 * None is taken for sure before another that was put for sure before it: before each put, the one
 * of those put before it that is taken last.
 */
static enum judgement check_order(struct queue *queue, size_t begin, size_t end)
{
	const struct life *latest = NULL;
	size_t before = begin;

	for (size_t i = begin; i < end; i++) {
		struct life *life = &queue->lives[i];

		for (; before < end && queue->by_return[before]->put->returned < life->put->invoked;
		     before++)
			if (!latest || queue->by_return[before]->from > latest->from)
				latest = queue->by_return[before];
		if (latest && life->taken && latest->from > life->until)
			return refuse_order(queue, (struct life *)latest, life);
	}
	return CAN_BE;
}

static enum judgement check_empty(struct queue *queue)
{
	for (size_t i = 0; i < queue->history->count; i++) {
		const struct event *event = &queue->history->events[i];
		uint64_t from = event->invoked, until = event->returned;

		if (event->kind == EVENT_EMPTY && event->returned != NEVER &&
		    !narrow(&queue->moments, &from, &until))
			return refuse_covered(queue, event, event->invoked, queue->count);
	}
	return CAN_BE;
}

static enum judgement check_lives(struct queue *queue)
{
	enum judgement judgement = CAN_BE;

	queue->kept = NULL;
	restore(&queue->moments);
	for (size_t begin = 0, end; judgement == CAN_BE && begin < queue->count; begin = end) {
		for (end = begin; end < queue->count &&
				  queue->lives[end].put->rank == queue->lives[begin].put->rank;
		     end++)
			continue;
		judgement = narrow_all(queue, begin, end);
		if (judgement == CAN_BE)
			judgement = check_order(queue, begin, end);
		for (size_t i = begin; queue->moments.times && i < end; i++)
			if (queue->lives[i].put->returned < queue->lives[i].from)
				strike(&queue->moments, queue->lives[i].put->returned,
				       queue->lives[i].from);
	}
	if (judgement == CAN_BE && queue->moments.times)
		judgement = check_empty(queue);
	return judgement;
}

/* What is in the way was taken by one of the killed, or can't be. */
static enum judgement check_with_takers(struct queue *queue)
{
	enum judgement judgement = check_lives(queue);
	struct life *kept = queue->kept;
	struct violation first = *queue->violation;

	if (judgement == CAN_BE || !kept)
		return judgement;
	for (unsigned i = 0; i < queue->taker_count; i++) {
		if (queue->used >> i & 1)
			continue;
		if (queue->tries++ == TRIES_MAX)
			return unknown(queue->violation, "too many were killed as they took");
		queue->used |= 1u << i;
		kept->taken = queue->takers[i];
		judgement = check_with_takers(queue);
		kept->taken = NULL;
		queue->used &= ~(1u << i);
		if (judgement != CANNOT_BE)
			return judgement;
	}
	*queue->violation = first;
	return CANNOT_BE;
}

/* -- the whole -------------------------------------------------------------------------------- */

static bool needs_moments(const struct queue *queue)
{
	if (queue->count && queue->lives[0].put->rank != queue->lives[queue->count - 1].put->rank)
		return true;
	for (size_t i = 0; i < queue->history->count; i++)
		if (queue->history->events[i].kind == EVENT_EMPTY)
			return true;
	return false;
}

static enum judgement judge_lives(struct queue *queue)
{
	enum judgement judgement = begin_lives(queue);

	if (judgement == CAN_BE)
		judgement = end_lives(queue);
	if (judgement != CAN_BE)
		return judgement;
	drop_unknown_puts(queue);
	if (!sort_lives(queue) ||
	    (needs_moments(queue) && !make_moments(&queue->moments, queue->history)))
		return unknown(queue->violation, "no memory to judge it");
	return check_with_takers(queue);
}

enum judgement judge_queue(const struct history *history, struct violation *violation)
{
	return judge_ranks(history, false, violation);
}

enum judgement judge_ranks(const struct history *history, bool is_lowest_first,
			   struct violation *violation)
{
	size_t room = history->count + 1;
	struct queue queue = {
		.history = history,
		.is_lowest_first = is_lowest_first,
		.violation = violation,
		.lives = malloc(room * sizeof(*queue.lives)),
		.by_return = malloc(room * sizeof(*queue.by_return)),
		.place_count = 64,
	};
	enum judgement judgement = IS_UNKNOWN;

	while (queue.place_count < 2 * room)
		queue.place_count *= 2;
	queue.places = calloc(queue.place_count, sizeof(*queue.places));
	if (queue.lives && queue.by_return && queue.places && history->count < UINT32_MAX / 4)
		judgement = judge_lives(&queue);
	else
		unknown(violation, "no memory to judge it");
	free_moments(&queue.moments);
	free(queue.lives);
	free(queue.by_return);
	free(queue.places);
	return judgement;
}
