/* SPDX-License-Identifier: MIT */
/*
 * The monitor of queues whose receivers ask for types.  Of one type, what was put first is taken
 * first, whatever is asked for: so each type by itself is a queue.  If nobody asks for any, all of
 * them together are one, and if everybody wants the lowest of all, one with ranks; if everybody
 * asks for one type, there's nothing more to it.
 */
#include <stdlib.h>

#include "oracle/judge.h"
#include "oracle/order.h"
#include "oracle/proof.h"

enum asking { FOR_ANY, FOR_ONE, FOR_LOWEST, FOR_SOME };

enum { TYPES_MAX = 64 };

static bool is_empty(const struct event *event)
{
	return event->kind == EVENT_EMPTY || event->kind == EVENT_EMPTY_EXCEPT;
}

static bool is_take(const struct event *event)
{
	return event->kind == EVENT_TAKE || event->kind == EVENT_TAKE_EXCEPT;
}

static enum asking asking_of(const struct history *history)
{
	bool is_any = true, is_one = true, is_lowest = true;
	int32_t highest = 0;

	for (size_t i = 0; i < history->count; i++)
		if (history->events[i].kind == EVENT_PUT && history->events[i].rank > highest)
			highest = history->events[i].rank;

	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];

		if (!is_take(event) && !is_empty(event))
			continue;
		bool is_plain = event->kind == EVENT_TAKE || event->kind == EVENT_EMPTY;

		is_any &= is_plain && event->asked == 0;
		is_one &= is_plain && event->asked > 0;
		is_lowest &= is_plain && event->asked < 0 && -event->asked >= highest;
	}
	return is_any ? FOR_ANY : is_one ? FOR_ONE : is_lowest ? FOR_LOWEST : FOR_SOME;
}

/* Nobody gets what it hasn't asked for. */
static enum judgement check_asked(const struct history *history, struct violation *violation)
{
	char text[TOLD_MAX];

	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];

		if (is_take(event) && event->returned != NEVER &&
		    !model_is_asked_for(event, event->rank))
			return refuse_to_be(violation, event, NULL, NULL,
					    "%s, and it is of type %d", told(history, event, text),
					    (int)event->rank);
	}
	return CAN_BE;
}

/* The types, each once; false: too many. */
static bool find_types(const struct history *history, int32_t types[TYPES_MAX], size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];
		size_t known = 0;

		if (event->kind != EVENT_PUT && !(is_take(event) && event->returned != NEVER))
			continue;
		while (known < *count && types[known] != event->rank)
			known++;
		if (known == TYPES_MAX)
			return false;
		types[known] = event->rank;
		*count += known == *count;
	}
	return true;
}

/* Of the killed, nobody knows what they took; who found nothing did so of all it asked for. */
static bool concerns(const struct event *event, int32_t type)
{
	if (is_empty(event) || (is_take(event) && event->returned == NEVER))
		return model_is_asked_for(event, type);
	return event->rank == type;
}

/* What is of the type, or all, as a queue of one rank, or one from which the lowest comes first. */
static enum judgement judge_part(const struct history *history, const int32_t *type, bool has_ranks,
				 struct violation *violation)
{
	struct history part = {plenty(history->count + 1, sizeof(struct event)), 0,
			       history->actors};
	enum judgement judgement;

	if (!part.events)
		return unknown(violation, "no memory to judge it");
	for (size_t i = 0; i < history->count; i++) {
		struct event *event = &part.events[part.count];

		*event = history->events[i];
		if (type && !concerns(event, *type))
			continue;
		if (is_take(event))
			event->kind = EVENT_TAKE;
		else if (is_empty(event))
			event->kind = EVENT_EMPTY;
		event->rank = has_ranks ? event->rank : 0;
		part.count++;
	}
	judgement = judge_ranks(&part, has_ranks, violation);
	history_free(&part);
	return judgement;
}

bool judge_types_decides(const struct history *history)
{
	return asking_of(history) != FOR_SOME;
}

enum judgement judge_types(const struct history *history, struct violation *violation)
{
	enum judgement judgement = check_asked(history, violation);
	enum asking asking = asking_of(history);
	int32_t types[TYPES_MAX];
	size_t count;

	if (judgement != CAN_BE)
		return judgement;
	if (asking == FOR_ANY || asking == FOR_LOWEST)
		return judge_part(history, NULL, asking == FOR_LOWEST, violation);
	if (!find_types(history, types, &count))
		return unknown(violation, "more than 64 types");
	for (size_t i = 0; judgement == CAN_BE && i < count; i++)
		judgement = judge_part(history, &types[i], false, violation);
	if (judgement != CAN_BE || asking == FOR_ONE)
		return judgement;
	return unknown(violation, "of several types at a time");
}
