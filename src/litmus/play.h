/* SPDX-License-Identifier: MIT */
/*
 * Playing a shape: so many instances of it, in batches, by as many roles as it has, which are
 * processes or threads of one.  Each instance is at another place of the memory; the roles meet
 * before it, as far as they run at the same time, and then are as late as chance wants.
 */
#ifndef IPCTS_LITMUS_PLAY_H
#define IPCTS_LITMUS_PLAY_H

#include "litmus/memory.h"

enum actors { BY_PROCESSES, BY_THREADS, ACTORS };
extern const char *const actors_names[ACTORS];

struct played {
	uint64_t counts[OUTCOMES];
	uint64_t instances;
	double seconds;
	/* Why there is nothing: the platform lacks the memory, or (is_broken) somebody died. */
	char trouble[200];
	bool is_broken;
};

void play_shape(const struct shape *shape, const struct memory_kind *kind, enum actors actors,
		uint64_t instances, uint64_t seed, struct played *played);

#endif
