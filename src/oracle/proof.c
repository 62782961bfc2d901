/* SPDX-License-Identifier: MIT */
#include "oracle/proof.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const verbs[EVENT_KINDS] = {
	[EVENT_PUT] = "put",
	[EVENT_TAKE] = "took",
	[EVENT_TAKE_EXCEPT] = "took",
	[EVENT_EMPTY] = "found nothing",
	[EVENT_EMPTY_EXCEPT] = "found nothing",
	[EVENT_DRAIN] = "took all",
	[EVENT_HOLD] = "held it alone",
	[EVENT_SHARE] = "shared it",
	[EVENT_DROP] = "dropped it",
	[EVENT_BUSY] = "found it held",
	[EVENT_WRITE] = "wrote",
	[EVENT_READ] = "saw",
	[EVENT_SWAP] = "swapped",
	[EVENT_CHANGE] = "changed by",
	[EVENT_REFUSED] = "was refused a change by",
};

static const char *changes_told(int64_t changes, char text[96])
{
	size_t size = 0;
	unsigned last = COUNTERS;

	while (last > 1 && change_of(changes, last - 1) == 0)
		last--;
	text[0] = '\0';
	for (unsigned i = 0; i < last; i++) {
		int by = change_of(changes, i);

		if (by == MUST_BE_ZERO)
			size += (size_t)snprintf(text + size, 96 - size, "%s=0", i ? " " : "");
		else
			size += (size_t)snprintf(text + size, 96 - size, "%s%+d", i ? " " : "", by);
	}
	return text;
}

static const char *asked_told(const struct event *event, char text[48])
{
	bool is_except = event->kind == EVENT_TAKE_EXCEPT || event->kind == EVENT_EMPTY_EXCEPT;

	text[0] = '\0';
	if (is_except)
		snprintf(text, 48, " (any type but %lld)", (long long)event->asked);
	else if (event->asked > 0)
		snprintf(text, 48, " (type %lld)", (long long)event->asked);
	else if (event->asked < 0)
		snprintf(text, 48, " (the lowest type up to %lld)", (long long)-event->asked);
	return text;
}

static const char *rank_told(const struct event *event, char text[48])
{
	text[0] = '\0';
	if (event->rank)
		snprintf(text, 48, " of rank %d", (int)event->rank);
	return text;
}

const char *deed_of(const struct event *event, char text[TOLD_MAX])
{
	const char *verb = event->kind < EVENT_KINDS ? verbs[event->kind] : "did";
	bool is_open = event->returned == NEVER;
	char more[96], rank[48];

	switch (event->kind) {
	case EVENT_PUT:
	case EVENT_WRITE:
		snprintf(text, TOLD_MAX, "%s %lld%s", verb, (long long)event->value,
			 rank_told(event, more));
		break;
	case EVENT_TAKE:
	case EVENT_TAKE_EXCEPT:
	case EVENT_DRAIN:
	case EVENT_READ:
		if (is_open)
			snprintf(text, TOLD_MAX, "%s", verb);
		else
			snprintf(text, TOLD_MAX, "%s %lld%s%s", verb, (long long)event->value,
				 rank_told(event, rank), asked_told(event, more));
		break;
	case EVENT_EMPTY:
	case EVENT_EMPTY_EXCEPT:
		snprintf(text, TOLD_MAX, "%s%s", verb, asked_told(event, more));
		break;
	case EVENT_SWAP:
		snprintf(text, TOLD_MAX, "%s %lld for %lld", verb, (long long)event->asked,
			 (long long)event->value);
		break;
	case EVENT_CHANGE:
	case EVENT_REFUSED:
		snprintf(text, TOLD_MAX, "%s %s", verb, changes_told(event->value, more));
		break;
	default:
		snprintf(text, TOLD_MAX, "%s", verb);
	}
	return text;
}

const char *told(const struct history *history, const struct event *event, char text[TOLD_MAX])
{
	uint64_t origin = history->events[0].invoked;
	char deed[TOLD_MAX], until[40] = "no return";

	deed_of(event, deed);
	if (event->returned != NEVER)
		snprintf(until, sizeof(until), "%.3f us",
			 (double)(event->returned - origin) / 1000);
	snprintf(text, TOLD_MAX, "actor %u %.80s (%.3f to %s)", event->actor, deed,
		 (double)(event->invoked - origin) / 1000, until);
	return text;
}

enum judgement refuse_to_be(struct violation *violation, const struct event *a,
			    const struct event *b, const struct event *c, const char *format, ...)
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
	return CANNOT_BE;
}

enum judgement unknown(struct violation *violation, const char *why)
{
	violation->count = 0;
	snprintf(violation->proof, sizeof(violation->proof), "%s", why);
	return IS_UNKNOWN;
}
