/* SPDX-License-Identifier: MIT */
/*
 * Who holds what, of locks that keep no account of it themselves: to unlock one that one doesn't
 * hold is undefined, and so may be to wait for oneself, or what is left of who is killed.  None of
 * that is ever done.
 */
#ifndef IPCTS_DIFF_HOLD_H
#define IPCTS_DIFF_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/op.h"

enum { HANDLES_PER_MECHANISM = 32 };

/* Of an actor, by the numbers of handles. */
struct holding {
	uint32_t alone;
	unsigned char shared[HANDLES_PER_MECHANISM]; /* how many times */
};

struct menu;
struct choice;
struct standing;

/* Whether the actor may do it, as all stand. */
bool hold_allows(const struct menu *menu, const struct choice *choice, const op *o,
		 const struct standing *standings, int actor);
/* It has succeeded. */
void hold_changes(const struct menu *menu, const struct choice *choice, const op *o,
		  struct holding *holding);
/* Whether its death would say nothing of who is right. */
bool hold_spares(const struct standing *standing);

#endif
