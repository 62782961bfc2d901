/* SPDX-License-Identifier: MIT */
/* Sorting by numbers, which for histories of millions is most of what judging takes. */
#ifndef IPCTS_ORACLE_ORDER_H
#define IPCTS_ORACLE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keyed {
	uint64_t key;
	uint32_t number; /* what it stands for */
};

/* Those with the same key stay as they are.  False: no memory. */
bool order(struct keyed *items, size_t count);

#endif
