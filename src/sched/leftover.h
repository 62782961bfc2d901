/* SPDX-License-Identifier: MIT */
/*
 * What a run has made that outlives its processes: System V objects, and those that have a name.
 * They are noted in the arena as they are made, so that whoever is left can remove them.
 */
#ifndef IPCTS_SCHED_LEFTOVER_H
#define IPCTS_SCHED_LEFTOVER_H

#include <stdbool.h>

#include "sched/arena.h"

/* Who is killed between the two has made something of which nobody knows. */
void leftover_making(void);
void leftover_made(void);
/* Until nobody is between them; not for ever, for somebody may have been killed there. */
void leftover_settle(void);

/* id of System V, or the name.  False: there are too many. */
bool leftover_note(enum leftover_kind kind, bool keyless, int id, const char *name);
/* The program has removed it. */
void leftover_forget(enum leftover_kind kind, int id, const char *name);
void leftover_forget_all(void);

/* Removes them; only_keyless: those that nobody finds any more. */
void leftover_remove(bool only_keyless);

#endif
