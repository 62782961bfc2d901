/* SPDX-License-Identifier: MIT */
/* By digits, the lowest first; digits in which no two differ are left out. */
#include "oracle/order.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

static void order_by_digit(const struct keyed *from, struct keyed *to, size_t count, unsigned shift)
{
	size_t places[DIGITS] = {0}, place = 0;

	for (size_t i = 0; i < count; i++)
		places[from[i].key >> shift & (DIGITS - 1)]++;
	for (size_t digit = 0; digit < DIGITS; digit++) {
		size_t here = places[digit];

		places[digit] = place;
		place += here;
	}
	for (size_t i = 0; i < count; i++)
		to[places[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
}

bool order(struct keyed *items, size_t count)
{
	struct keyed *from = items, *to = plenty(count + 1, sizeof(*to)), *spare = to;
	uint64_t differing = 0;

	if (!to)
		return false;
	for (size_t i = 1; i < count; i++)
		differing |= items[i].key ^ items[0].key;
	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
		struct keyed *kept = from;

		if (!(differing >> shift & (DIGITS - 1)))
			continue;
		order_by_digit(from, to, count, shift);
		from = to;
		to = kept;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(*items));
	free(spare);
	return true;
}

/* -- by return -------------------------------------------------------------------------------- */

/* Those under way, in the order of their returns: as many as there are actors, so a few. */
struct pending {
	struct keyed *items;
	size_t first, end, room;
};

static bool pend(struct pending *pending, uint64_t returned, uint32_t number)
{
	size_t at, count = pending->end - pending->first;

	if (pending->end == pending->room && pending->first > count) {
		memcpy(pending->items, pending->items + pending->first,
		       count * sizeof(*pending->items));
		pending->first = 0;
		pending->end = count;
	} else if (pending->end == pending->room) {
		size_t room = pending->room ? 2 * pending->room : 256;
		struct keyed *items = realloc(pending->items, room * sizeof(*items));

		if (!items)
			return false;
		pending->items = items;
		pending->room = room;
	}
	for (at = pending->end++; at > pending->first && pending->items[at - 1].key > returned;
	     at--)
		pending->items[at] = pending->items[at - 1];
	pending->items[at] = (struct keyed){returned, number};
	return true;
}

uint32_t *returns_of(const struct history *history)
{
	uint32_t *numbers = plenty(history->count + 1, sizeof(*numbers));
	struct pending pending = {0};
	size_t count = 0;

	for (size_t i = 0; numbers && i < history->count; i++) {
		const struct event *event = &history->events[i];

		while (pending.first < pending.end &&
		       pending.items[pending.first].key < event->invoked)
			numbers[count++] = pending.items[pending.first++].number;
		if (event->returned != NEVER && !pend(&pending, event->returned, (uint32_t)i)) {
			free(numbers);
			numbers = NULL;
		}
	}
	while (numbers && pending.first < pending.end)
		numbers[count++] = pending.items[pending.first++].number;
	if (numbers)
		numbers[count] = NEVER_RETURNED;
	free(pending.items);
	return numbers;
}

/* -- memory ----------------------------------------------------------------------------------- */

void *plenty(size_t count, size_t size)
{
#ifdef MADV_HUGEPAGE
	const size_t huge = (size_t)1 << 21;

	if (count >= huge / size * 2 && count < SIZE_MAX / 2 / size) {
		size_t whole = (count * size + huge - 1) / huge * huge;
		void *memory = aligned_alloc(huge, whole);

		if (memory)
			madvise(memory, whole, MADV_HUGEPAGE);
		return memory;
	}
#endif
	return size && count > SIZE_MAX / size ? NULL : malloc(count * size);
}
