/* SPDX-License-Identifier: MIT */
/*
 * The stores of one actor that others don't see yet, as a processor with total store order (x86)
 * has them: first in, first out, and seen by their own actor at once.
 *
 * The compiler's store follows its hook, so it can't be kept from memory.  Instead memory is as
 * this actor sees it while it has the turn: what its buffer holds is taken back when the turn goes,
 * and put again when it comes.  So also code that isn't instrumented reads what its actor has
 * stored.  Entries are this process's own; what others have to know of them is in the arena.
 */
#ifndef IPCTS_SCHED_STORE_BUFFER_H
#define IPCTS_SCHED_STORE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "sched/operation.h"

enum { STORES_MAX = 32, STORES_UNLESS_SAID = 8 };

/* The entries that a store takes: one for each eight bytes that it touches. */
unsigned store_buffer_takes(const struct operation *store);

/* The store is the next thing that this actor does. */
void store_buffer_announce(void *address, const struct operation *store);
/* Whatever was announced has been stored: it is the newest.  Returns how many there are. */
unsigned store_buffer_collect(void);
/* The oldest, as it is to be done to memory; NULL: there is none. */
const struct operation *store_buffer_oldest(void);
/* Others see the oldest from now on.  in_view: memory is as this actor sees it. */
void store_buffer_flush(bool in_view);

/*
 * Something that wasn't announced has been stored over what the buffer holds: then memory isn't
 * what this actor would see.
 */
bool store_buffer_is_overtaken(void);
/* Memory is as all others see it / as this actor sees it. */
void store_buffer_leave(void);
void store_buffer_enter(void);

#endif
