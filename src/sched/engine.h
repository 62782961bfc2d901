/* SPDX-License-Identifier: MIT */
/*
 * Who goes next: engines are pure functions of what each process is about to do, and of a seed.
 * An engine's state holds no address, for it lies in memory that processes share, and whoever runs
 * asks it.
 */
#ifndef IPCTS_SCHED_ENGINE_H
#define IPCTS_SCHED_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sched/operation.h"

enum { ACTORS_MAX = 64, NOBODY = ACTORS_MAX };
enum { CHOICES_MAX = 1 << 16, DIRECTIVES_MAX = 1 << 15, CHANGES_MAX = 32, KILLS_MAX = 8 };

/*
 * Where stores are buffered, or processes are killed, there are fewer actors, for each is three:
 * what it does itself, what its buffer does, and its death.
 */
enum { SHADOWED_MAX = 20, BUFFER_FROM = SHADOWED_MAX, DEATH_FROM = 2 * SHADOWED_MAX };
_Static_assert(3 * SHADOWED_MAX <= ACTORS_MAX, "each has a bit");

/* What an engine sees when it is asked. */
struct moment {
	const struct operation *next; /* of each actor */
	uint64_t eligible;	      /* bits: who can go; not 0 */
	uint64_t mortal;	      /* bits: whose death may come instead */
	unsigned running;	      /* who ran up to now, eligible or not; NOBODY at first */
	uint32_t done;		      /* how often it was asked, in this run, after this one */
};

/*
 * "When this one has run so often up to a moment at which others could go, the other goes." Without
 * a directive the running one goes on, or, if it can't, the next by number.  Directives alone make
 * a schedule.
 */
struct directive {
	uint8_t actor, to;
	uint32_t done;
};

struct schedule {
	uint32_t count;
	bool shadowed; /* its actors are three each */
	struct directive directives[DIRECTIVES_MAX];
};

enum engine_kind {
	ENGINE_EVERY,
	ENGINE_BOUNDED,
	ENGINE_POS,
	ENGINE_PCT,
	ENGINE_RANDOM,
	ENGINE_NOISE,
	ENGINE_REPLAY,
	ENGINE_KINDS
};

/* A moment at which more than one could go: those who have not been tried from here. */
struct choice {
	uint64_t untried, tried; /* the latter without taken */
	uint8_t taken;
};

struct engine {
	uint8_t kind; /* enum engine_kind */
	uint64_t seed;
	uint64_t run; /* from 0 */
	uint64_t random;
	uint32_t bound;		  /* preemptions, of bounded */
	uint32_t depth;		  /* of pct */
	uint32_t steps;		  /* of this run, so far: one for each question */
	bool shadowed;		  /* each actor is three */
	uint32_t kills;		  /* in a run, at most */
	uint32_t kill[KILLS_MAX]; /* pos, pct, random: before which question; 0: never */
	uint32_t longest,
		widest; /* of all runs so far: steps, and actors at a time: n and k of pct */

	/* every and bounded: a path in the tree of all schedules */
	uint32_t choices, at, preemptions;
	bool reduces;	/* one schedule for all that differ in the order of what doesn't conflict */
	bool redundant; /* this run is such a one, from here on */
	uint64_t asleep; /* bits: who has been tried from an equal moment */
	uint64_t redundant_runs;
	bool exhausted;
	bool overflow; /* more choices than there is room for: deeper ones were not tried */
	struct choice path[CHOICES_MAX];

	/* pos and pct: whose turn is dearest */
	uint64_t priority[ACTORS_MAX];
	uint64_t known; /* bits: those who have one */
	uint32_t change[CHANGES_MAX];

	/* replay */
	uint32_t obeyed, missed;
	struct schedule schedule;
};

/* The engine's name on the command line, or NULL. */
const char *engine_name(enum engine_kind kind);
/* False: no such engine. */
bool engine_find(const char *name, enum engine_kind *kind);

void engine_init(struct engine *engine, enum engine_kind kind, uint64_t seed);
/* Before each run, the first too. */
void engine_begin(struct engine *engine);
/* Who goes next: one of the eligible. */
unsigned engine_choose(struct engine *engine, const struct moment *moment);
/* The same, and kept in the schedule that was taken if it is no default. */
unsigned engine_decide(struct engine *engine, const struct moment *moment, struct schedule *taken);
/* After each run: whether there is another to try. */
bool engine_next(struct engine *engine);

/*
 * Who goes if no directive says otherwise: nobody is interrupted, and a store is delayed as long as
 * it can be.
 */
unsigned by_default(const struct engine *engine, const struct moment *moment);

#endif
