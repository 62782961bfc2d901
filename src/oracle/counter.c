/* SPDX-License-Identifier: MIT */
/*
 * The monitor of counters.
 *
 * Never below zero: each put as early as it can have been, each take as late.  If the count falls
 * below zero so, it does so in every order, and else in this one it doesn't.
 *
 * Who finds too little must have had a moment with so little: each take as early, each put as late,
 * which is the least that there can have been.  But what is taken early for the one who finds
 * nothing may lack for another later; so what passes here is still to be searched.
 */
#include <stdlib.h>

#include "oracle/judge.h"
#include "oracle/order.h"
#include "oracle/proof.h"

struct change {
	uint64_t moment;
	int64_t by;
};

struct counter {
	const struct history *history;
	int64_t initial;
	uint32_t *returns;
	/* what can't have been taken by then, nor put after it: least of any stretch, in a tree */
	struct change *takes, *puts;
	size_t take_count, put_count, leaves;
	int64_t *least;
};

static bool is_take(const struct event *event)
{
	return event->kind == EVENT_TAKE || event->kind == EVENT_DRAIN;
}

/* How much was taken at most: who was killed may have drained it of whatever there was. */
static int64_t most_of(const struct event *take)
{
	bool is_open = take->kind == EVENT_DRAIN && take->returned == NEVER;

	return is_open ? INT64_MAX / 1024 : take->value;
}

/* -- never below zero ------------------------------------------------------------------------- */

static enum judgement check_takes(const struct counter *counter, struct violation *violation)
{
	const struct history *history = counter->history;
	int64_t most = counter->initial;
	size_t begun = 0;
	char text[TOLD_MAX];

	for (const uint32_t *next = counter->returns; *next != NEVER_RETURNED; next++) {
		const struct event *event = &history->events[*next];

		if (!is_take(event))
			continue;
		for (; begun < history->count && history->events[begun].invoked <= event->returned;
		     begun++)
			if (history->events[begun].kind == EVENT_PUT)
				most += history->events[begun].value;
		most -= event->value;
		if (most < 0)
			return refuse_to_be(violation, event, NULL, NULL,
					    "%s, and with it more was taken by then than there can "
					    "have been (%lld more)",
					    told(history, event, text), (long long)-most);
	}
	return CAN_BE;
}

/* -- too little ------------------------------------------------------------------------------- */

/* How many of these are before the moment, or at it. */
static size_t until(const struct change *changes, size_t count, uint64_t moment, bool or_at)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (changes[middle].moment < moment || (or_at && changes[middle].moment == moment))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int64_t sum_of(const struct change *changes, size_t count)
{
	return count ? changes[count - 1].by : 0;
}

/* The least that there can have been at a moment. */
static int64_t least_at(const struct counter *counter, uint64_t moment)
{
	size_t takes = until(counter->takes, counter->take_count, moment, true);
	size_t puts = until(counter->puts, counter->put_count, moment, false);

	return counter->initial + sum_of(counter->puts, puts) - sum_of(counter->takes, takes);
}

/* Of takes' invocations from one to before another: the least of the least. */
static int64_t least_of(const struct counter *counter, size_t from, size_t to)
{
	int64_t least = INT64_MAX;

	for (from += counter->leaves, to += counter->leaves; from < to; from /= 2, to /= 2) {
		if (from % 2 && counter->least[from++] < least)
			least = counter->least[from - 1];
		if (to % 2 && counter->least[--to] < least)
			least = counter->least[to];
	}
	return least;
}

/* The least changes only at invocations of takes, but for returns of puts, which make it more. */
static bool make_tree(struct counter *counter)
{
	const struct history *history = counter->history;
	size_t room = history->count + 1;
	int64_t sum = 0;

	counter->takes = malloc(room * sizeof(*counter->takes));
	counter->puts = malloc(room * sizeof(*counter->puts));
	counter->least = malloc(2 * room * sizeof(*counter->least));
	if (!counter->takes || !counter->puts || !counter->least)
		return false;
	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];

		if (is_take(event))
			counter->takes[counter->take_count++] =
				(struct change){event->invoked, sum += most_of(event)};
	}
	sum = 0;
	for (const uint32_t *next = counter->returns; *next != NEVER_RETURNED; next++) {
		const struct event *event = &history->events[*next];

		if (event->kind == EVENT_PUT)
			counter->puts[counter->put_count++] =
				(struct change){event->returned, sum += event->value};
	}
	counter->leaves = counter->take_count;
	for (size_t i = 0; i < counter->leaves; i++)
		counter->least[counter->leaves + i] = least_at(counter, counter->takes[i].moment);
	for (size_t i = counter->leaves; i-- > 1;) {
		int64_t left = counter->least[2 * i], right = counter->least[2 * i + 1];

		counter->least[i] = left < right ? left : right;
	}
	return true;
}

static enum judgement check_empty(struct counter *counter, struct violation *violation)
{
	const struct history *history = counter->history;
	char text[TOLD_MAX];

	if (!make_tree(counter))
		return unknown(violation, "no memory to judge it");
	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];

		if (event->kind != EVENT_EMPTY || event->returned == NEVER)
			continue;
		size_t from = until(counter->takes, counter->take_count, event->invoked, true);
		size_t to = until(counter->takes, counter->take_count, event->returned, true);
		int64_t least = least_at(counter, event->invoked), later = INT64_MAX;

		if (from < to)
			later = least_of(counter, from, to);
		if (later < least)
			least = later;
		if (least >= event->value)
			return refuse_to_be(violation, event, NULL, NULL,
					    "%s, though at each moment there were %lld at least",
					    told(history, event, text), (long long)least);
	}
	return CAN_BE;
}

/* -- the whole -------------------------------------------------------------------------------- */

bool judge_counter_decides(const struct history *history)
{
	for (size_t i = 0; i < history->count; i++)
		if (history->events[i].kind != EVENT_PUT && history->events[i].kind != EVENT_TAKE)
			return false;
	return true;
}

enum judgement judge_counter(const struct history *history, int64_t initial,
			     struct violation *violation)
{
	struct counter counter = {
		.history = history,
		.initial = initial,
		.returns = returns_of(history),
	};
	enum judgement judgement;

	if (counter.returns)
		judgement = check_takes(&counter, violation);
	else
		judgement = unknown(violation, "no memory to judge it");
	if (judgement == CAN_BE && !judge_counter_decides(history)) {
		judgement = check_empty(&counter, violation);
		if (judgement == CAN_BE)
			judgement = unknown(violation, "not only of puts and takes");
	}
	free(counter.returns);
	free(counter.takes);
	free(counter.puts);
	free(counter.least);
	return judgement;
}
