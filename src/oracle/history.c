/* SPDX-License-Identifier: MIT */
#include "oracle/history.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "oracle/order.h"

/* A process's part: nobody else writes to its lines of the cache. */
struct part {
	_Alignas(64) _Atomic size_t count;
	size_t left_out;
	struct event spare;
};

struct recorder {
	size_t size, room;
	unsigned actors;
	struct event *events; /* of the first actor, then of the next */
	struct part parts[];
};

/* -- changes ---------------------------------------------------------------------------------- */

int64_t changes_of(const signed char changes[COUNTERS])
{
	uint64_t value = 0;

	for (unsigned i = 0; i < COUNTERS; i++)
		value |= (uint64_t)(unsigned char)changes[i] << 8 * i;
	return (int64_t)value;
}

int change_of(int64_t changes, unsigned counter)
{
	return (signed char)((uint64_t)changes >> 8 * counter);
}

/* -- recording -------------------------------------------------------------------------------- */

struct recorder *recorder_new(unsigned actors, size_t room)
{
	size_t head = sizeof(struct recorder) + actors * sizeof(struct part);
	size_t size = head + actors * room * sizeof(struct event);
	struct recorder *recorder = mmap(NULL, size, PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (recorder == MAP_FAILED)
		return NULL;
	recorder->size = size;
	recorder->room = room;
	recorder->actors = actors;
	recorder->events = (struct event *)(void *)((char *)recorder + head);
	return recorder;
}

void recorder_free(struct recorder *recorder)
{
	munmap(recorder, recorder->size);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

struct event *recorder_invoke(struct recorder *recorder, unsigned actor, enum event_kind kind,
			      int64_t value, int32_t rank)
{
	struct part *part = &recorder->parts[actor];
	size_t count = atomic_load_explicit(&part->count, memory_order_relaxed);
	bool is_full = count == recorder->room;
	struct event *event =
		is_full ? &part->spare : &recorder->events[actor * recorder->room + count];

	part->left_out += is_full;
	*event = (struct event){
		.returned = NEVER,
		.value = value,
		.rank = rank,
		.actor = (uint16_t)actor,
		.kind = (uint8_t)kind,
	};
	event->invoked = now();
	if (!is_full)
		atomic_store_explicit(&part->count, count + 1, memory_order_release);
	/* nothing of the operation happens before the moment that is written down */
	atomic_thread_fence(memory_order_seq_cst);
	return event;
}

void recorder_return(struct event *event)
{
	/* whatever it did can be seen by all before the moment that is written down */
	atomic_thread_fence(memory_order_seq_cst);
	event->returned = now();
}

void recorder_forget(struct recorder *recorder, unsigned actor)
{
	struct part *part = &recorder->parts[actor];

	if (part->left_out)
		part->left_out--;
	else
		atomic_fetch_sub_explicit(&part->count, 1, memory_order_release);
}

/* -- reading ---------------------------------------------------------------------------------- */

static int by_invocation(const void *one, const void *other)
{
	const struct event *a = one, *b = other;

	if (a->invoked != b->invoked)
		return a->invoked > b->invoked ? 1 : -1;
	if (a->actor != b->actor)
		return a->actor > b->actor ? 1 : -1;
	return (a->returned > b->returned) - (a->returned < b->returned);
}

void history_sort(struct history *history)
{
	qsort(history->events, history->count, sizeof(struct event), by_invocation);
}

/* What an actor has written that isn't read yet. */
struct unread {
	const struct event *next, *end;
};

/* Whose next event was invoked first, and until when nobody else has one. */
static struct unread *first_of(struct unread *unread, unsigned actors, uint64_t *alone_until)
{
	struct unread *first = NULL;

	*alone_until = NEVER;
	for (unsigned i = 0; i < actors; i++) {
		if (unread[i].next == unread[i].end)
			continue;
		if (!first || unread[i].next->invoked < first->next->invoked) {
			if (first)
				*alone_until = first->next->invoked;
			first = &unread[i];
		} else if (unread[i].next->invoked < *alone_until) {
			*alone_until = unread[i].next->invoked;
		}
	}
	return first;
}

/* Each one's are in order already. */
static void merge(struct history *history, struct unread *unread)
{
	struct unread *first;
	uint64_t alone_until;

	while ((first = first_of(unread, history->actors, &alone_until))) {
		do
			history->events[history->count++] = *first->next++;
		while (first->next < first->end && first->next->invoked < alone_until);
	}
}

bool history_read(struct history *history, const struct recorder *recorder)
{
	struct unread *unread = calloc(recorder->actors + 1, sizeof(*unread));
	size_t count = 0;

	*history = (struct history){.actors = recorder->actors};
	for (unsigned i = 0; unread && i < recorder->actors; i++) {
		size_t written = atomic_load(&recorder->parts[i].count);

		unread[i].next = &recorder->events[i * recorder->room];
		unread[i].end = unread[i].next + written;
		count += written + recorder->parts[i].left_out;
	}
	history->events = plenty(count + 1, sizeof(struct event));
	if (unread && history->events)
		merge(history, unread);
	free(unread);
	if (history->events && history->count == count)
		return true;
	history_free(history);
	return false;
}

bool history_of(struct history *part, const struct history *whole, unsigned object)
{
	*part = (struct history){plenty(whole->count + 1, sizeof(struct event)), 0, whole->actors};
	if (!part->events)
		return false;
	for (size_t i = 0; i < whole->count; i++)
		if (whole->events[i].object == object)
			part->events[part->count++] = whole->events[i];
	return true;
}

void history_free(struct history *history)
{
	free(history->events);
	*history = (struct history){0};
}
