/* SPDX-License-Identifier: MIT */
#include "oracle/history.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* A process's part: nobody else writes to its lines of the cache. */
struct part {
	_Alignas(64) _Atomic size_t count;
};

struct recorder {
	size_t size, room;
	unsigned actors;
	struct event *events; /* of the first actor, then of the next */
	struct part parts[];
};

struct recorder *recorder_new(unsigned actors, size_t room)
{
	size_t head = sizeof(struct recorder) + actors * sizeof(struct part);
	size_t size = head + actors * room * sizeof(struct event);
	struct recorder *recorder =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

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

uint64_t recorder_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void recorder_note(struct recorder *recorder, unsigned actor, enum event_kind kind, int64_t value,
		   int32_t rank, uint64_t invoked)
{
	struct part *part = &recorder->parts[actor];
	size_t count = atomic_load_explicit(&part->count, memory_order_relaxed);

	if (count == recorder->room)
		return;
	recorder->events[actor * recorder->room + count] = (struct event){
		.invoked = invoked,
		.returned = recorder_clock(),
		.value = value,
		.rank = rank,
		.actor = (uint16_t)actor,
		.kind = (uint16_t)kind,
	};
	atomic_store_explicit(&part->count, count + 1, memory_order_release);
}

static int by_invocation(const void *one, const void *other)
{
	const struct event *a = one, *b = other;

	return (a->invoked > b->invoked) - (a->invoked < b->invoked);
}

bool history_read(struct history *history, const struct recorder *recorder)
{
	size_t count = 0, at = 0;

	for (unsigned i = 0; i < recorder->actors; i++)
		count += atomic_load(&recorder->parts[i].count);
	*history = (struct history){malloc((count + 1) * sizeof(struct event)), count,
				    recorder->actors};
	if (!history->events)
		return false;
	for (unsigned i = 0; i < recorder->actors; i++) {
		size_t part = atomic_load(&recorder->parts[i].count);

		memcpy(history->events + at, recorder->events + i * recorder->room,
		       part * sizeof(struct event));
		at += part;
	}
	qsort(history->events, count, sizeof(struct event), by_invocation);
	return true;
}

void history_free(struct history *history)
{
	free(history->events);
	*history = (struct history){0};
}
