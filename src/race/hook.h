/* SPDX-License-Identifier: MIT */
/* Points of the reference as moments at which others may go first, or at which one is late. */
#ifndef IPCTS_RACE_HOOK_H
#define IPCTS_RACE_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "sched/operation.h"

/*
 * From now on, in this process.  at_accesses: turns are at each access to shared memory instead of
 * at points that have a name; noise_seed: 0, or who is late where there are no turns.
 */
void race_hook_points(bool at_accesses, uint64_t noise_seed);
/* The code at pc is about to access memory (access.c). */
void race_access(const void *address, unsigned access, const void *pc);

#endif
