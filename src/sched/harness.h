/* SPDX-License-Identifier: MIT */
/*
 * Roles that are played again and again by the same processes, each time with another schedule: a
 * run costs its switches, not a fork.  Only what a role begins anew by itself, or the reset does,
 * is as it was; so kills and what they leave behind are not for it.
 */
#ifndef IPCTS_SCHED_HARNESS_H
#define IPCTS_SCHED_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sched/arena.h"
#include "sched/engine.h"

enum { HARNESS_SECONDS = 10 };

struct harness {
	unsigned workers;
	/* A worker's part in a run; it calls sched_point and the rest of runtime.h. */
	void (*role)(unsigned worker, void *shared);
	/* Before each run, by the one who calls harness_run; NULL: nothing. */
	void (*reset)(void *shared);
	void *shared;	/* mapped by all */
	uint32_t steps; /* the budget of a run */
	double patience;

	pid_t pids[ACTORS_MAX];
};

/* An arena and its workers; false: errno.  The engine is arena->engine, already set up. */
bool harness_start(struct harness *harness, enum engine_kind kind, uint64_t seed);
/* One run; how it ended and why is in the arena.  Then engine_next tells whether there's another.
 */
enum ending harness_run(struct harness *harness);
void harness_stop(struct harness *harness);

#endif
