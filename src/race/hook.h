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
/* An atomic access in that order, one of __ATOMIC_..., is about to be; has been.  NULL: a fence. */
void race_order_before(const void *address, int order);
void race_order_after(const void *address, int order);

/*
 * Whether the kernel may have woken somebody for the futex because its owner died, or whoever had
 * just given it back, or had been woken to take it: nobody has it now.  Also true of what this
 * process doesn't have.
 */
bool race_hook_is_orphan(uint64_t key);

#endif
