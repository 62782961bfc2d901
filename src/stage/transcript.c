/* SPDX-License-Identifier: MIT */
/* What has happened, act by act, in the order in which the director learnt of it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stage/scene.h"
#include "stage/story.h"
#include "stage/tell.h"
#include "stage/transcript.h"
#include "stage/wait.h"

void transcript_note(const char *format, ...)
{
	size_t used = scene->transcript_size, room = sizeof(scene->transcript) - used;
	va_list arguments;

	if (scene->transcript_full)
		return;
	int n = snprintf(scene->transcript + used, room, "%8.3f  ", seconds_now() - scene->began);
	va_start(arguments, format);
	if ((size_t)n < room)
		n += vsnprintf(scene->transcript + used + n, room - (size_t)n, format, arguments);
	va_end(arguments);
	if ((size_t)n + 8 >= room) {
		/* the beginning of a story tells more than its thousandth line */
		scene->transcript_full = true;
		snprintf(scene->transcript + used, room, "...\n");
		return;
	}
	memcpy(scene->transcript + used + n, "\n", 2);
	scene->transcript_size = used + (size_t)n + 1;
}

/* The order as it may be told by the director. */
static op order_of(const actor *a)
{
	op o = a->order;

	o.handle = a->has_handle ? a->handle : NULL;
	o.other = a->has_other ? a->other : NULL;
	o.bytes = a->has_bytes ? a->order_bytes : NULL;
	return o;
}

void describe_order(const actor *a, char *text, size_t size)
{
	op o = order_of(a);

	tell_op(&o, text, size);
}

void describe_outcome(const actor *a, char *text, size_t size)
{
	op o = order_of(a);

	tell_outcome(&o, outcome_of(a), text, size);
}

bool is_busy(const actor *a)
{
	return a->ordered != a->judged;
}

/* Who has begun something says so before anything else is told. */
void transcript_beginnings(const actor *except)
{
	char text[256];

	for (int i = 0; i < scene->actor_count; i++) {
		actor *a = &scene->actors[i];

		if (a == except || !is_busy(a) || a->begun_told)
			continue;
		describe_order(a, text, sizeof(text));
		transcript_note("%-8s %s ...", a->name, text);
		a->begun_told = true;
	}
}

void transcript_act(const actor *a, const char *what)
{
	transcript_beginnings(NULL);
	transcript_note("%-8s %s", a->name, what);
}

void transcript_return(const actor *a)
{
	char text[256], result[256];

	transcript_beginnings(a);
	describe_order(a, text, sizeof(text));
	describe_outcome(a, result, sizeof(result));
	transcript_note("%-8s %s %s", a->name, text, result);
}
