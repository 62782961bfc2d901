/* SPDX-License-Identifier: MIT */
#include "oracle/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- proofs ----------------------------------------------------------------------------------- */

/* An event in words: "actor 1 put 17 (at 12.300 to 12.456 us)", from the history's beginning. */
static const char *told(const struct history *history, const struct event *event, char text[128])
{
	static const char *const verbs[] = {
		[EVENT_PUT] = "put",   [EVENT_TAKE] = "took",	 [EVENT_EMPTY] = "found nothing",
		[EVENT_HOLD] = "held", [EVENT_SHARE] = "shared", [EVENT_DROP] = "dropped"};
	uint64_t origin = history->events[0].invoked;
	char value[32] = "";

	if (event->kind == EVENT_PUT || event->kind == EVENT_TAKE)
		snprintf(value, sizeof(value), " %lld", (long long)event->value);
	snprintf(text, 128, "actor %u %s%s (%.3f to %.3f us)", event->actor, verbs[event->kind],
		 value, (double)(event->invoked - origin) / 1000,
		 (double)(event->returned - origin) / 1000);
	return text;
}

/* False: it is this that can't be. */
static bool complain(struct violation *violation, const struct event *a, const struct event *b,
		     const struct event *c, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
static bool complain(struct violation *violation, const struct event *a, const struct event *b,
		     const struct event *c, const char *format, ...)
{
	const struct event *const events[] = {a, b, c};
	va_list arguments;

	violation->count = 0;
	for (size_t i = 0; i < 3; i++)
		if (events[i])
			violation->events[violation->count++] = *events[i];
	va_start(arguments, format);
	vsnprintf(violation->proof, sizeof(violation->proof), format, arguments);
	va_end(arguments);
	return false;
}

static bool no_memory(struct violation *violation)
{
	return complain(violation, NULL, NULL, NULL, "no memory to judge it");
}

/* -- queues ----------------------------------------------------------------------------------- */

/* A value's life: put and, if it was, taken. */
struct life {
	const struct event *put, *taken;
};

static uint64_t taken_at(const struct life *life)
{
	return life->taken ? life->taken->invoked : NEVER;
}

static int by_value(const void *one, const void *other)
{
	const struct event *a = *(const struct event *const *)one;
	const struct event *b = *(const struct event *const *)other;

	if (a->value != b->value)
		return a->value > b->value ? 1 : -1;
	return (a->kind == EVENT_TAKE) - (b->kind == EVENT_TAKE);
}

static int by_put_invoked(const void *one, const void *other)
{
	const struct life *a = one, *b = other;

	return (a->put->invoked > b->put->invoked) - (a->put->invoked < b->put->invoked);
}

static int by_put_returned(const void *one, const void *other)
{
	const struct life *a = *(const struct life *const *)one;
	const struct life *b = *(const struct life *const *)other;

	return (a->put->returned > b->put->returned) - (a->put->returned < b->put->returned);
}

static int by_taken(const void *one, const void *other)
{
	const struct life *a = *(const struct life *const *)one;
	const struct life *b = *(const struct life *const *)other;

	return (taken_at(a) > taken_at(b)) - (taken_at(a) < taken_at(b));
}

/* Finds what was put and what was taken of each value; each once, and in this order. */
static bool pair_up(const struct history *history, const struct event **sorted, size_t count,
		    struct life *lives, size_t *found, struct violation *violation)
{
	char one[128], other[128];

	*found = 0;
	for (size_t i = 0; i < count; i++) {
		const struct event *event = sorted[i];
		struct life *last = *found ? &lives[*found - 1] : NULL;
		bool is_same = last && last->put->value == event->value;

		if (event->kind == EVENT_PUT && !is_same)
			lives[(*found)++] = (struct life){event, NULL};
		else if (event->kind == EVENT_PUT)
			return complain(violation, last->put, event, NULL,
					"no history of a queue: %s twice",
					told(history, event, one));
		else if (!is_same)
			return complain(violation, event, NULL, NULL, "%s, which nobody had put",
					told(history, event, one));
		else if (last->taken)
			return complain(violation, last->taken, event, NULL,
					"%s, and so did %s: it was put once",
					told(history, last->taken, one),
					told(history, event, other));
		else if (event->returned < last->put->invoked)
			return complain(violation, event, last->put, NULL, "%s before %s",
					told(history, event, one), told(history, last->put, other));
		else
			last->taken = event;
	}
	return true;
}

/*
 * Of values of one rank, none is taken for sure before another that was put for sure before it:
 * behind each put, the one of those put before it whose taking was begun last.
 */
static bool is_in_order(const struct history *history, const struct life *lives,
			const struct life **by_return, size_t count, int32_t rank,
			struct violation *violation)
{
	const struct life *latest = NULL;
	char put[128], overtaken[128], taken[128], end[128] = "it is there still";
	size_t before = 0;

	for (size_t i = 0; i < count; i++) {
		const struct life *life = &lives[i];

		if (life->put->rank != rank)
			continue;
		for (; before < count && by_return[before]->put->returned < life->put->invoked;
		     before++)
			if (by_return[before]->put->rank == rank &&
			    (!latest || taken_at(by_return[before]) > taken_at(latest)))
				latest = by_return[before];
		if (!latest || !life->taken || taken_at(latest) <= life->taken->returned)
			continue;
		if (latest->taken)
			told(history, latest->taken, end);
		return complain(violation, latest->put, life->put, life->taken,
				"%s before %s; yet %s before the first was: %s",
				told(history, latest->put, overtaken),
				told(history, life->put, put), told(history, life->taken, taken),
				end);
	}
	return true;
}

/* None is taken while one of a higher rank is there for sure, all the time. */
static bool is_by_rank(const struct history *history, const struct life *lives,
		       const struct life **by_return, const struct life **by_take, size_t count,
		       int32_t rank, struct violation *violation)
{
	const struct life *latest = NULL;
	char high[128], low[128];
	size_t before = 0;

	(void)lives;
	for (size_t i = 0; i < count && by_take[i]->taken; i++) {
		const struct life *life = by_take[i];

		for (; before < count && by_return[before]->put->returned < life->taken->invoked;
		     before++)
			if (by_return[before]->put->rank == rank &&
			    (!latest || taken_at(by_return[before]) > taken_at(latest)))
				latest = by_return[before];
		if (life->put->rank >= rank || !latest || taken_at(latest) <= life->taken->returned)
			continue;
		return complain(violation, latest->put, life->taken, latest->taken,
				"%s, of rank %d, and it was there while %s, of rank %d",
				told(history, latest->put, high), (int)rank,
				told(history, life->taken, low), (int)life->put->rank);
	}
	return true;
}

/* Nobody finds nothing while, at each moment of the look, something is there for sure. */
static bool is_empty_when_said(const struct history *history, const struct life **by_return,
			       size_t count, struct violation *violation)
{
	const struct life *last = NULL;
	uint64_t from = 0, until = 0; /* something is there for sure: the last such stretch */
	char put[128], look[128];
	size_t before = 0;

	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];

		if (event->kind != EVENT_EMPTY)
			continue;
		for (; before < count && by_return[before]->put->returned < event->invoked;
		     before++) {
			uint64_t put_at = by_return[before]->put->returned;

			if (put_at > until)
				from = put_at;
			if (taken_at(by_return[before]) > until) {
				until = taken_at(by_return[before]);
				last = by_return[before];
			}
		}
		if (last && from < event->invoked && until > event->returned)
			return complain(violation, last->put, event, last->taken,
					"%s, and it, or another, was there while %s",
					told(history, last->put, put), told(history, event, look));
	}
	return true;
}

static bool judge_lives(const struct history *history, struct life *lives,
			const struct life **by_return, const struct life **by_take, size_t count,
			struct violation *violation)
{
	int32_t low = INT32_MAX, high = INT32_MIN;

	qsort(lives, count, sizeof(*lives), by_put_invoked);
	for (size_t i = 0; i < count; i++) {
		by_return[i] = by_take[i] = &lives[i];
		if (lives[i].put->rank < low)
			low = lives[i].put->rank;
		if (lives[i].put->rank > high)
			high = lives[i].put->rank;
	}
	qsort(by_return, count, sizeof(*by_return), by_put_returned);
	qsort(by_take, count, sizeof(*by_take), by_taken);
	for (int32_t rank = low; count && rank <= high; rank++)
		if (!is_in_order(history, lives, by_return, count, rank, violation) ||
		    !is_by_rank(history, lives, by_return, by_take, count, rank, violation))
			return false;
	return is_empty_when_said(history, by_return, count, violation);
}

bool judge_queue(const struct history *history, struct violation *violation)
{
	size_t count = 0, found = 0, room = history->count + 1;
	const struct event **sorted = malloc(room * sizeof(*sorted));
	struct life *lives = malloc(room * sizeof(*lives));
	const struct life **by_return = malloc(room * sizeof(*by_return));
	const struct life **by_take = malloc(room * sizeof(*by_take));
	bool is_one = false;

	for (size_t i = 0; sorted && i < history->count; i++)
		if (history->events[i].kind == EVENT_PUT || history->events[i].kind == EVENT_TAKE)
			sorted[count++] = &history->events[i];
	if (!sorted || !lives || !by_return || !by_take) {
		no_memory(violation);
	} else {
		qsort(sorted, count, sizeof(*sorted), by_value);
		is_one = pair_up(history, sorted, count, lives, &found, violation) &&
			 judge_lives(history, lives, by_return, by_take, found, violation);
	}
	free(sorted);
	free(lives);
	free(by_return);
	free(by_take);
	return is_one;
}

/* -- counters --------------------------------------------------------------------------------- */

static int by_return_of(const void *one, const void *other)
{
	const struct event *a = *(const struct event *const *)one;
	const struct event *b = *(const struct event *const *)other;

	return (a->returned > b->returned) - (a->returned < b->returned);
}

/*
 * Each put as early as it can have been, each take as late: if the count falls below zero so, it
 * does so in every order, and else in this one it doesn't.
 */
bool judge_counter(const struct history *history, int64_t initial, struct violation *violation)
{
	const struct event **by_return = malloc((history->count + 1) * sizeof(*by_return));
	int64_t most = initial;
	size_t begun = 0;
	bool is_one = true;
	char text[128];

	if (!by_return)
		return no_memory(violation);
	for (size_t i = 0; i < history->count; i++)
		by_return[i] = &history->events[i];
	qsort(by_return, history->count, sizeof(*by_return), by_return_of);
	for (size_t i = 0; is_one && i < history->count; i++) {
		const struct event *event = by_return[i];

		if (event->kind != EVENT_TAKE)
			continue;
		for (; begun < history->count && history->events[begun].invoked <= event->returned;
		     begun++)
			if (history->events[begun].kind == EVENT_PUT)
				most += history->events[begun].value;
		most -= event->value;
		if (most < 0)
			is_one = complain(violation, event, NULL, NULL,
					  "%s, and with it more was taken by then than there can "
					  "have been",
					  told(history, event, text));
	}
	free(by_return);
	return is_one;
}

/* -- locks ------------------------------------------------------------------------------------ */

/* From when to when an actor has it for sure. */
struct holding {
	const struct event *got, *dropped; /* NULL: it has it still */
};

static uint64_t dropped_at(const struct holding *holding)
{
	return holding->dropped ? holding->dropped->invoked : NEVER;
}

static int by_got(const void *one, const void *other)
{
	const struct holding *a = one, *b = other;

	return (a->got->returned > b->got->returned) - (a->got->returned < b->got->returned);
}

static bool judge_holdings(const struct history *history, const struct holding *holdings,
			   size_t count, struct violation *violation)
{
	const struct holding *last[2] = {NULL, NULL}; /* dropped last: alone, shared */
	char one[128], other[128];

	for (size_t i = 0; i < count; i++) {
		const struct holding *holding = &holdings[i];
		bool is_shared = holding->got->kind == EVENT_SHARE;

		for (int shared = 0; shared <= !is_shared; shared++)
			if (last[shared] && dropped_at(last[shared]) > holding->got->returned)
				return complain(violation, last[shared]->got, holding->got,
						last[shared]->dropped,
						"%s, and had it still when %s",
						told(history, last[shared]->got, one),
						told(history, holding->got, other));
		if (!last[is_shared] || dropped_at(holding) > dropped_at(last[is_shared]))
			last[is_shared] = holding;
	}
	return true;
}

bool judge_lock(const struct history *history, struct violation *violation)
{
	struct holding *holdings = malloc((history->count + 1) * sizeof(*holdings));
	size_t *open = calloc(history->actors + 1, sizeof(*open)); /* from 1 */
	size_t count = 0;
	bool is_one = holdings && open;

	for (size_t i = 0; is_one && i < history->count; i++) {
		const struct event *event = &history->events[i];

		if (event->kind == EVENT_HOLD || event->kind == EVENT_SHARE) {
			holdings[count++] = (struct holding){event, NULL};
			open[event->actor] = count;
		} else if (event->kind == EVENT_DROP && open[event->actor]) {
			holdings[open[event->actor] - 1].dropped = event;
			open[event->actor] = 0;
		}
	}
	if (is_one) {
		qsort(holdings, count, sizeof(*holdings), by_got);
		is_one = judge_holdings(history, holdings, count, violation);
	} else {
		no_memory(violation);
	}
	free(holdings);
	free(open);
	return is_one;
}
