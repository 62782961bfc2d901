/* SPDX-License-Identifier: MIT */
/*
 * Playing a race again and again.  Its roles are processes that live for many runs; they and their
 * world are in a box, a process that is made anew when a run has left them in no state for another.
 */
#ifndef IPCTS_RACE_PLAY_H
#define IPCTS_RACE_PLAY_H

#include <stdint.h>

#include "race/race.h"
#include "sched/engine.h"

enum race_way { BY_TURNS, BY_STRESS, BY_NOISE };

struct race_wish {
	enum race_way way;
	enum engine_kind engine; /* of turns */
	bool at_accesses;	 /* and where they are: see hook.h */
	uint64_t seed;
	uint64_t runs; /* at most */
	double seconds;
	bool ends_at_first;		 /* that is forbidden */
	const char *outcome;		 /* or at that one; NULL: whichever it is */
	unsigned patience_ms;		 /* of all at once, without progress; 0: as usual */
	unsigned bound, depth;		 /* of engines that have one */
	unsigned kills;			 /* of roles that may be killed, in a run */
	const struct schedule *schedule; /* of a replay */
};

enum { RACE_SEEN_MAX = 64, RACE_STORY_MAX = 600 };

struct race_seen {
	char outcome[RACE_OUTCOME_MAX];
	enum race_grade grade;
	const char *why;     /* NULL: it isn't in the list */
	uint64_t times, run; /* the first one, from 1 */
};

/* What a step of the story was, and whose. */
struct race_step {
	const char *what;
	const void *pc; /* of an access; NULL: it is none */
	unsigned role;
};

struct race_tally {
	struct race_seen seen[RACE_SEEN_MAX];
	unsigned seen_count;
	uint64_t runs, forbidden;
	double seconds;
	bool is_exhausted;	  /* there is no other schedule (of so few preemptions) */
	uint32_t longest, widest; /* steps of a run, and how many could go at once */
	/* Of the first forbidden one, by turns. */
	char outcome[RACE_OUTCOME_MAX];
	struct schedule schedule;
	struct race_step story[RACE_STORY_MAX];
	unsigned steps;
	/* Why there is nothing to tell: the implementation lacks it, or (is_broken) else. */
	char trouble[160];
	bool is_broken;
};

/* NULL: no memory.  It is shared with those who play. */
struct race_tally *race_tally_make(void);
void race_tally_free(struct race_tally *tally);

void race_play(const struct race *race, const struct race_wish *wish, struct race_tally *tally);
/* The signal that has asked for an end, since a race was played first: none is played any more. */
int race_interrupted(void);
/*
 * Looks for a schedule of fewer switches with the same outcome, by trying those of few preemptions,
 * and by leaving out switches; the tally's schedule and story are those of what was found.
 */
void race_shorten(const struct race *race, const struct race_wish *as, struct race_tally *tally);

/* "0.14.1,1.3.k0", or "-" for one without directives; "k0": 0 is killed; "b0": its
 * oldest store is seen.  False: no schedule. */
bool race_schedule_read(const char *text, struct schedule *schedule);

#endif
