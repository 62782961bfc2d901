/* SPDX-License-Identifier: MIT */
/* By digits, the lowest first; digits in which no two differ are left out. */
#include "oracle/order.h"

#include <stdlib.h>
#include <string.h>

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
	struct keyed *from = items, *to = malloc((count + 1) * sizeof(*to)), *spare = to;
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
