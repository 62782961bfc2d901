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
#include "oracle/values.h"

/* Moments of the history are numbered, from 1: the same time, the same moment; the last is NEVER.
 */
struct moments {
	uint32_t *invoked, *returned; /* of each event */
	uint32_t count;
	/* Where neighbours lead to: the next (or the last before) that isn't struck off; there's
	   one before the first and one behind the last.  NULL: nobody asks. */
	uint32_t *next, *previous;
};

/* A value's life: put and, if it was, taken, somewhere from one moment to another. */
struct life {
	uint32_t put, taken; /* events' numbers */
	uint32_t from, until;
};

static const uint32_t NOBODY = UINT32_MAX; /* has taken it */

enum { TAKERS_MAX = 32, TRIES_MAX = 200 };

struct queue {
	const struct history *history;
	bool is_lowest_first; /* ranks are types */
	bool has_ranks;	      /* that differ */
	struct violation *violation;
	uint32_t *returns;
	struct life *lives;  /* by rank, the highest first, then by the put's invocation */
	uint32_t *by_return; /* lives' numbers: by rank, then by the put's return */
	uint32_t *life_of;   /* of each event that is a put */
	size_t count;
	struct values values;
	struct moments moments;
	/* of the killed */
	uint32_t takers[TAKERS_MAX];
	unsigned taker_count, tries;
	uint32_t used;
	struct life *kept; /* what is in the way, and would have to be taken by one of them; NULL */
};

static const struct event *put_of(const struct queue *queue, const struct life *life)
{
	return &queue->history->events[life->put];
}

/* NULL: nobody has. */
static const struct event *taken_of(const struct queue *queue, const struct life *life)
{
	return life->taken == NOBODY ? NULL : &queue->history->events[life->taken];
}

/* -- moments ---------------------------------------------------------------------------------- */

/* Follows neighbours, and shortens the way for who comes next. */
static uint32_t find(uint32_t *neighbours, uint32_t at)
{
	while (neighbours[at] != at) {
		neighbours[at] = neighbours[neighbours[at]];
		at = neighbours[at];
	}
	return at;
}

/* Invocations and returns, each in order, one beside the other. */
static void number_moments(struct moments *moments, const struct history *history,
			   const uint32_t *returns)
{
	const struct event *events = history->events;
	uint64_t time = 0;

	for (uint32_t invoked = 0; invoked < history->count || *returns != NEVER_RETURNED;) {
		bool is_invocation = invoked < history->count &&
				     (*returns == NEVER_RETURNED ||
				      events[invoked].invoked <= events[*returns].returned);
		uint64_t next = is_invocation ? events[invoked].invoked : events[*returns].returned;

		moments->count += moments->count == 0 || next != time;
		time = next;
		if (is_invocation)
			moments->invoked[invoked++] = moments->count;
		else
			moments->returned[*returns++] = moments->count;
	}
	moments->count++;
	for (size_t i = 0; i < history->count; i++)
		if (events[i].returned == NEVER)
			moments->returned[i] = moments->count;
}

static bool make_moments(struct moments *moments, const struct history *history,
			 const uint32_t *returns, bool is_asked)
{
	size_t count = history->count + 1, room = 2 * history->count + 4;

	moments->invoked = plenty(count, sizeof(uint32_t));
	moments->returned = plenty(count, sizeof(uint32_t));
	moments->next = is_asked ? plenty(room, sizeof(uint32_t)) : NULL;
	moments->previous = is_asked ? plenty(room, sizeof(uint32_t)) : NULL;
	if (!moments->invoked || !moments->returned ||
	    (is_asked && (!moments->next || !moments->previous)))
		return false;
	number_moments(moments, history, returns);
	return true;
}

static void free_moments(struct moments *moments)
{
	free(moments->invoked);
	free(moments->returned);
	free(moments->next);
	free(moments->previous);
}

static void restore(struct moments *moments)
{
	for (uint32_t i = 0; moments->next && i < moments->count + 2; i++)
		moments->next[i] = moments->previous[i] = i;
}

/* All that are strictly between. */
static void strike(struct moments *moments, uint32_t after, uint32_t before)
{
	uint32_t at = find(moments->next, after + 1);

	while (at < before) {
		moments->next[at] = at + 1;
		moments->previous[at] = at - 1;
		at = find(moments->next, at + 1);
	}
}

/* Narrows an interval to its first and its last moment that isn't struck off; false: all are. */
static bool narrow(struct moments *moments, uint32_t *from, uint32_t *until)
{
	uint32_t first = find(moments->next, *from), last = find(moments->previous, *until);

	if (first > last)
		return false;
	*from = first;
	*until = last;
	return true;
}

/* -- lives ------------------------------------------------------------------------------------ */

static enum judgement begin_lives(struct queue *queue)
{
	const struct history *history = queue->history;
	char text[TOLD_MAX];

	for (uint32_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];
		uint32_t *place;

		if (event->kind != EVENT_PUT)
			continue;
		place = values_place(&queue->values, event->value);
		if (*place)
			return refuse_to_be(queue->violation, &history->events[*place - 1], event,
					    NULL, "no history of a queue: %s twice",
					    told(history, event, text));
		*place = i + 1;
		queue->life_of[i] = (uint32_t)queue->count;
		queue->lives[queue->count++] = (struct life){.put = i, .taken = NOBODY};
		queue->has_ranks |= event->rank != put_of(queue, &queue->lives[0])->rank;
	}
	return CAN_BE;
}

static enum judgement end_life(struct queue *queue, struct life *life, uint32_t number)
{
	const struct history *history = queue->history;
	const struct event *put = put_of(queue, life), *taken = &history->events[number];
	char one[TOLD_MAX], other[TOLD_MAX];

	if (put->rank != taken->rank)
		return refuse_to_be(queue->violation, put, taken, NULL,
				    "%s with rank or type %d, and %s with %d",
				    told(history, put, one), (int)put->rank,
				    told(history, taken, other), (int)taken->rank);
	if (life->taken != NOBODY)
		return refuse_to_be(queue->violation, taken_of(queue, life), taken, put,
				    "%s, and %s as well: it was put once",
				    told(history, taken_of(queue, life), one),
				    told(history, taken, other));
	if (taken->returned < put->invoked)
		return refuse_to_be(queue->violation, taken, put, NULL, "%s before %s",
				    told(history, taken, one), told(history, put, other));
	life->taken = number;
	return CAN_BE;
}

/* What was taken of what was put: each value once, and in this order. */
static enum judgement end_lives(struct queue *queue)
{
	const struct history *history = queue->history;
	enum judgement judgement = CAN_BE;
	char text[TOLD_MAX];

	for (uint32_t i = 0; judgement == CAN_BE && i < history->count; i++) {
		const struct event *event = &history->events[i];

		if (event->kind != EVENT_TAKE)
			continue;
		if (event->returned == NEVER) {
			if (queue->taker_count == TAKERS_MAX)
				return unknown(queue->violation, "too many were killed");
			queue->takers[queue->taker_count++] = i;
			continue;
		}
		uint32_t place = *values_place(&queue->values, event->value);

		if (!place)
			return refuse_to_be(queue->violation, event, NULL, NULL,
					    "%s, which nobody had put", told(history, event, text));
		judgement = end_life(queue, &queue->lives[queue->life_of[place - 1]], i);
	}
	return judgement;
}

/* What was never taken, and perhaps never put, is in nobody's way. */
static void drop_unknown_puts(struct queue *queue)
{
	size_t kept = 0;

	for (size_t i = 0; i < queue->count; i++) {
		const struct life *life = &queue->lives[i];

		if (life->taken == NOBODY && put_of(queue, life)->returned == NEVER)
			continue;
		queue->life_of[life->put] = (uint32_t)kept;
		queue->lives[kept++] = *life;
	}
	queue->count = kept;
}

/* What is taken first comes first. */
static uint64_t key_of_rank(const struct queue *queue, uint32_t number)
{
	int64_t rank = put_of(queue, &queue->lives[number])->rank;

	return (uint64_t)((INT64_C(1) << 31) - (queue->is_lowest_first ? -rank : rank));
}

/* Lives' numbers; those of the same rank stay as they are.  False: no memory. */
static bool sort_by_rank(const struct queue *queue, uint32_t *numbers)
{
	struct keyed *keys = queue->has_ranks ? plenty(queue->count + 1, sizeof(*keys)) : NULL;
	bool is_done;

	if (!queue->has_ranks)
		return true;
	for (size_t i = 0; keys && i < queue->count; i++)
		keys[i] = (struct keyed){key_of_rank(queue, numbers[i]), numbers[i]};
	is_done = keys && order(keys, queue->count);
	for (size_t i = 0; is_done && i < queue->count; i++)
		numbers[i] = keys[i].number;
	free(keys);
	return is_done;
}

/* They are in the order of invocation already. */
static bool sort_lives(struct queue *queue)
{
	struct life *lives = queue->has_ranks ? plenty(queue->count + 1, sizeof(*lives)) : NULL;

	if (!queue->has_ranks)
		return true;
	for (uint32_t i = 0; i < queue->count; i++)
		queue->by_return[i] = i;
	if (!lives || !sort_by_rank(queue, queue->by_return)) {
		free(lives);
		return false;
	}
	for (uint32_t i = 0; i < queue->count; i++) {
		lives[i] = queue->lives[queue->by_return[i]];
		queue->life_of[lives[i].put] = i;
	}
	free(queue->lives);
	queue->lives = lives;
	return true;
}

static bool sort_by_return(struct queue *queue)
{
	const struct event *events = queue->history->events;
	size_t count = 0;

	for (const uint32_t *next = queue->returns; *next != NEVER_RETURNED; next++)
		if (events[*next].kind == EVENT_PUT)
			queue->by_return[count++] = queue->life_of[*next];
	for (uint32_t i = 0; count < queue->count; i++)
		if (put_of(queue, &queue->lives[i])->returned == NEVER)
			queue->by_return[count++] = i;
	return sort_by_rank(queue, queue->by_return);
}

/* -- what can't be ---------------------------------------------------------------------------- */

/*
 * At each moment from one to another something of the first lives is there: which, one after the
 * other, as few as can be.  So only the last of them can be there for ever.
 */
static void name_cover(struct queue *queue, size_t lives, uint32_t from, uint32_t until)
{
	struct violation *violation = queue->violation;

	for (uint32_t moment = from; moment <= until;) {
		struct life *best = NULL;

		for (size_t i = 0; i < lives; i++) {
			struct life *life = &queue->lives[i];

			if (queue->moments.returned[life->put] < moment && life->from > moment &&
			    (!best || life->from > best->from))
				best = life;
		}
		if (!best)
			return;
		if (violation->count < CONCERNED_MAX)
			violation->events[violation->count++] = *put_of(queue, best);
		if (best->taken == NOBODY)
			queue->kept = best;
		else if (violation->count < CONCERNED_MAX)
			violation->events[violation->count++] = *taken_of(queue, best);
		if (best->from == queue->moments.count)
			return;
		moment = best->from;
	}
}

/* The event can't have been from a moment on, for what was there: the first of it in words. */
static enum judgement refuse_covered(struct queue *queue, uint32_t number, uint32_t from,
				     size_t lives)
{
	const struct event *event = &queue->history->events[number];
	struct violation *violation = queue->violation;
	char what[TOLD_MAX], there[TOLD_MAX], others[64] = "";
	size_t puts = 0;

	violation->events[0] = *event;
	violation->count = 1;
	name_cover(queue, lives, from, queue->moments.returned[number]);
	for (size_t i = 1; i < violation->count; i++)
		puts += violation->events[i].kind == EVENT_PUT;
	if (puts > 1)
		snprintf(others, sizeof(others), ", and then %zu others, without a gap", puts - 1);
	snprintf(violation->proof, sizeof(violation->proof), "%s, though %s was there %s: %s%s",
		 told(queue->history, event, what),
		 event->kind == EVENT_EMPTY ? "something"
		 : queue->is_lowest_first   ? "something of a lower type"
					    : "something of a higher rank",
		 from > queue->moments.invoked[number] ? "from before it was put" : "all the time",
		 told(queue->history, &violation->events[1], there), others);
	return CANNOT_BE;
}

static enum judgement refuse_order(struct queue *queue, struct life *first, struct life *second)
{
	const struct history *history = queue->history;
	const struct moments *moments = &queue->moments;
	const struct event *taken_first = taken_of(queue, first);
	char put[TOLD_MAX], overtaken[TOLD_MAX], taken[TOLD_MAX],
		end[TOLD_MAX] = "it is there still";
	bool is_narrowed = second->until < moments->returned[second->taken] ||
			   (taken_first && first->from > moments->invoked[first->taken]);

	if (taken_first)
		told(history, taken_first, end);
	else
		queue->kept = first;
	refuse_to_be(queue->violation, put_of(queue, first), put_of(queue, second),
		     taken_of(queue, second), "%s before %s; yet %s before the first was: %s%s",
		     told(history, put_of(queue, first), overtaken),
		     told(history, put_of(queue, second), put),
		     told(history, taken_of(queue, second), taken), end,
		     is_narrowed ? "; at other moments something of a higher rank was there" : "");
	if (taken_first)
		queue->violation->events[queue->violation->count++] = *taken_first;
	return CANNOT_BE;
}

/* -- one rank after the other ----------------------------------------------------------------- */

/* When each of them can have been taken, for all that is of a higher rank. */
static enum judgement narrow_all(struct queue *queue, size_t begin, size_t end)
{
	struct moments *moments = &queue->moments;

	for (size_t i = begin; i < end; i++) {
		struct life *life = &queue->lives[i];

		life->from = life->until = moments->count;
		if (life->taken == NOBODY)
			continue;
		life->from = moments->invoked[life->taken];
		life->until = moments->returned[life->taken];
		if (!moments->next || begin == 0)
			continue;
		if (!narrow(moments, &life->from, &life->until))
			return refuse_covered(queue, life->taken, moments->invoked[life->taken],
					      begin);
		if (life->until < moments->invoked[life->put])
			return refuse_covered(queue, life->taken, moments->invoked[life->put],
					      begin);
	}
	return CAN_BE;
}

/*
 * None is taken for sure before another that was put for sure before it: before each put, the one
 * of those put before it that is taken last.
 */
static enum judgement check_order(struct queue *queue, size_t begin, size_t end)
{
	const struct moments *moments = &queue->moments;
	struct life *latest = NULL;
	size_t before = begin;

	for (size_t i = begin; i < end; i++) {
		struct life *life = &queue->lives[i];

		for (; before < end; before++) {
			struct life *other = &queue->lives[queue->by_return[before]];

			if (moments->returned[other->put] >= moments->invoked[life->put])
				break;
			if (!latest || other->from > latest->from)
				latest = other;
		}
		if (latest && life->taken != NOBODY && latest->from > life->until)
			return refuse_order(queue, latest, life);
	}
	return CAN_BE;
}

static enum judgement check_empty(struct queue *queue)
{
	for (uint32_t i = 0; i < queue->history->count; i++) {
		const struct event *event = &queue->history->events[i];

		if (event->kind != EVENT_EMPTY || event->returned == NEVER)
			continue;
		uint32_t from = queue->moments.invoked[i], until = queue->moments.returned[i];

		if (!narrow(&queue->moments, &from, &until))
			return refuse_covered(queue, i, queue->moments.invoked[i], queue->count);
	}
	return CAN_BE;
}

static enum judgement check_lives(struct queue *queue)
{
	struct moments *moments = &queue->moments;
	enum judgement judgement = CAN_BE;

	queue->kept = NULL;
	restore(moments);
	for (size_t begin = 0, end; judgement == CAN_BE && begin < queue->count; begin = end) {
		int32_t rank = put_of(queue, &queue->lives[begin])->rank;

		end = queue->has_ranks ? begin : queue->count;
		while (end < queue->count && put_of(queue, &queue->lives[end])->rank == rank)
			end++;
		judgement = narrow_all(queue, begin, end);
		if (judgement == CAN_BE)
			judgement = check_order(queue, begin, end);
		for (size_t i = begin; moments->next && i < end; i++) {
			const struct life *life = &queue->lives[i];

			if (moments->returned[life->put] < life->from)
				strike(moments, moments->returned[life->put], life->from);
		}
	}
	if (judgement == CAN_BE && moments->next)
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
		kept->taken = NOBODY;
		queue->used &= ~(1u << i);
		if (judgement != CANNOT_BE)
			return judgement;
	}
	*queue->violation = first;
	return CANNOT_BE;
}

/* -- the whole -------------------------------------------------------------------------------- */

/* Whether it matters when something is there. */
static bool asks_for_moments(const struct queue *queue)
{
	if (queue->has_ranks)
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
	queue->returns = returns_of(queue->history);
	if (!queue->returns || !sort_lives(queue) || !sort_by_return(queue) ||
	    !make_moments(&queue->moments, queue->history, queue->returns, asks_for_moments(queue)))
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
		.lives = plenty(room, sizeof(*queue.lives)),
		.by_return = plenty(room, sizeof(*queue.by_return)),
		.life_of = plenty(room, sizeof(*queue.life_of)),
	};
	enum judgement judgement = IS_UNKNOWN;

	if (queue.lives && queue.by_return && queue.life_of && history->count < UINT32_MAX / 4 &&
	    values_begin(&queue.values, history))
		judgement = judge_lives(&queue);
	else
		unknown(violation, "no memory to judge it");
	free_moments(&queue.moments);
	values_end(&queue.values);
	free(queue.returns);
	free(queue.lives);
	free(queue.by_return);
	free(queue.life_of);
	return judgement;
}
