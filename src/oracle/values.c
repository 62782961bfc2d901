/* SPDX-License-Identifier: MIT */
#include "oracle/values.h"

#include <stdlib.h>

#include "oracle/order.h"

bool values_begin(struct values *values, const struct history *history)
{
	size_t count = 64;

	while (count < 2 * history->count)
		count *= 2;
	*values = (struct values){history->events, plenty(count, sizeof(uint32_t)), count - 1};
	for (size_t i = 0; values->numbers && i < count; i++)
		values->numbers[i] = 0;
	return values->numbers != NULL;
}

void values_end(struct values *values)
{
	free(values->numbers);
}

uint32_t *values_place(const struct values *values, int64_t value)
{
	/* an actor's values follow each other: so do their places, but not those of all actors */
	enum { NEIGHBOURS = 8 };
	uint64_t key = (uint64_t)value / NEIGHBOURS * UINT64_C(0x9E3779B97F4A7C15);
	size_t at = (size_t)(key >> 20) * NEIGHBOURS + (uint64_t)value % NEIGHBOURS;

	while (values->numbers[at & values->mask] &&
	       values->events[values->numbers[at & values->mask] - 1].value != value)
		at++;
	return &values->numbers[at & values->mask];
}
