/* SPDX-License-Identifier: MIT */
/* Which event has a value, of those that no two have. */
#ifndef IPCTS_ORACLE_VALUES_H
#define IPCTS_ORACLE_VALUES_H

#include "oracle/history.h"

struct values {
	const struct event *events;
	uint32_t *numbers; /* of events, from 1; 0: a free place */
	size_t mask;
};

/* Of a history of less than UINT32_MAX events.  False: no memory. */
bool values_begin(struct values *values, const struct history *history);
void values_end(struct values *values);

/*
 * Where the number of the event with this value is, from 1, or 0, where it is to be; it must be the
 * number of an event that has it.
 */
uint32_t *values_place(const struct values *values, int64_t value);

#endif
