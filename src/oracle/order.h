/* SPDX-License-Identifier: MIT */
/* Sorting, and memory to do it in: for histories of millions that is most of what judging takes. */
#ifndef IPCTS_ORACLE_ORDER_H
#define IPCTS_ORACLE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/history.h"

struct keyed {
	uint64_t key;
	uint32_t number; /* what it stands for */
};

/* Those with the same key stay as they are.  False: no memory. */
bool order(struct keyed *items, size_t count);

/*
 * The numbers of those events that have returned, in the order of their returns, and of those at
 * the same moment, of invocation: allocated, and NEVER_RETURNED behind the last.  NULL: no memory.
 */
#define NEVER_RETURNED UINT32_MAX
uint32_t *returns_of(const struct history *history);

/* Memory as of malloc, which costs less for each page if there are many of them. */
void *plenty(size_t count, size_t size);

#endif
