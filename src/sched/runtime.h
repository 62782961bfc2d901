/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the runtime say to each other that a program built by ipcts-cc carries within
 * it: the instrumentation (every access to memory), the wrappers (calls that map, block or
 * synchronise), the scheduler (who goes next) and the detector (what is ordered with what).
 *
 * Nothing of it is instrumented itself, nor allocates; all of it survives fork.
 */
#ifndef IPCTS_SCHED_RUNTIME_H
#define IPCTS_SCHED_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sched/arena.h"
#include "sched/operation.h"

/* What this process is under; bits of runtime_mode. */
enum {
	MODE_SCHEDULED = 1, /* one process at a time, and an engine says which */
	MODE_NOISY = 2,	    /* all at once, with delays at the same points */
	MODE_DETECTING = 4,
};
extern unsigned runtime_mode;

/* This process's (or thread's) number in the arena, by first appearance. */
unsigned runtime_self(void);

/*
 * Joins the arena that the environment names, or makes one.  It is what a constructor does before
 * all others; who may come first all the same (the instrumentation of another constructor) calls it
 * again, which does nothing.
 */
void runtime_start(void);

/* The address of code as it is told: relative to where the program was loaded. */
uint64_t runtime_pc(const void *pc);
/* The program's number in the arena. */
unsigned runtime_module(void);
/* The process is about to end: others may go first, then the turn goes on once it is dead. */
void runtime_dies(void);

/* There will be others, processes or threads, who share something with this one, be it only
 * signals. */
void runtime_begets(void);

/* ---- places: where memory is, whatever address a process has it at (place.c) ---- */

struct place {
	uint32_t segment; /* by first appearance in the arena */
	uint64_t offset;
};

/* Whether the address is in a mapping that others may share, and where. */
bool place_of(const void *address, struct place *place);
/* This process has mapped, or no longer has, that part of a segment. */
void place_map_segment(void *address, size_t length, uint32_t segment, uint64_t offset);
void place_unmap(void *address, size_t length);

/* ---- what the instrumentation calls (runtime.c) ---- */

/* Before each access to a shared place.  order is a memory order of C11, for atomics; of others it
 * is relaxed if the access comes next, and sequentially consistent if a call has it done already.
 */
void runtime_access(const struct place *place, const void *address, size_t size, unsigned access,
		    int order, const void *pc);
/* A fence, or a call of which the scheduler knows nothing else: stores before it have reached
 * memory. */
void runtime_fence(const void *pc);
void runtime_drain(void);
/* After an atomic update that left the value as it was: nobody waits for such a write. */
void runtime_unchanged(void);

/* ---- the scheduler (schedule.c): nothing unless MODE_SCHEDULED or MODE_NOISY ---- */

enum wakening { WOKEN, TIMED_OUT, INTERRUPTED };
enum { FOREVER = -1 };

/* Another may go first; comes back when the operation is this process's to do. */
void sched_point(const struct operation *next);
/*
 * It can't be done now: waits until somebody wakes what it is about, until the timeout (in virtual
 * nanoseconds; FOREVER: none), or until a signal's handler has run.  Only under MODE_SCHEDULED.
 */
enum wakening sched_block(const struct operation *next, int64_t timeout);
/* The first of them: those who wait for the key try again.  Returns how many do. */
unsigned sched_wake(uint64_t key);
/* At most so many of those who wait for the key go on; which is for the engine to say. */
unsigned sched_wake_some(uint64_t key, unsigned count);
/* Nanoseconds since the run began: what clocks show. */
int64_t sched_now(void);

/* The number an engine, and every replay, knows something by: memory, or what the kernel numbers.
 */
uint64_t key_of_place(const struct place *place);
uint64_t key_of_address(const void *address); /* also if it isn't shared */
uint64_t key_of_object(unsigned kind, uint64_t device, uint64_t number);

#endif
