/* SPDX-License-Identifier: MIT */
/* What the parts of play.c share: where a race is played, and by whom. */
#ifndef IPCTS_RACE_STAND_H
#define IPCTS_RACE_STAND_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

#include "race/play.h"

enum {
	STAND_WORLDS_MAX = 64, /* of those who all run at once */
	BOX_SECONDS = 60,      /* of a run and its end, at most */
};

/* What a role answers besides. */
#define NEVER LLONG_MIN
#define DIED (LLONG_MIN + 1)
#define NO_ANSWER (LLONG_MIN + 2)
#define KILLED (LLONG_MIN + 3)

/* What the box, its roles and whoever made it share. */
struct stand {
	const struct race *race;
	const struct race_wish *wish;
	struct race_tally *tally;
	unsigned roles;
	unsigned worlds; /* how many there are */
	size_t world_size;
	double began;  /* a clock, at the first box */
	unsigned made; /* worlds that there's something to remove of */
	bool is_after; /* the box is asking what is left */
	_Atomic uint32_t batch, arrived;
	struct {
		_Alignas(64) _Atomic uint32_t instance;
	} at[RACE_ROLES_MAX];
	long long answers[STAND_WORLDS_MAX][RACE_ROLES_MAX];
	char bytes[]; /* the worlds */
};

/* How the box has ended: it is done, or another is to go on. */
enum box_end { BOX_DONE, BOX_AGAIN, BOX_SKIPPED, BOX_BROKEN };

static inline double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static inline double time_scale(void)
{
	const char *text = getenv("IPCTS_TIMEOUT_SCALE");
	double scale = text ? strtod(text, NULL) : 1;

	return scale > 0 ? scale : 1;
}

static inline void *world_of(struct stand *stand, unsigned index)
{
	return stand->bytes + index * stand->world_size;
}

/* Seconds that a box has for one run, or batch. */
static inline unsigned box_seconds(void)
{
	return BOX_SECONDS * (unsigned)(time_scale() < 1 ? 1 : time_scale());
}

/* -- what comes of it ------------------------------------------------------------------------- */

/* Whether the outcome is forbidden.  after: NULL, there was nobody to ask. */
bool stand_count(struct stand *stand, const long long *answers, const long long *after,
		 bool by_turns);
/* Whether there is to be another run, of what began then. */
bool stand_is_wanted(const struct stand *stand, double begin);

/* -- who plays -------------------------------------------------------------------------------- */

/* Who runs away, or is left alone, ends by itself. */
void stand_be_harmless(void);
/* The role whose process has ended; NOBODY: none has. */
unsigned stand_find_dead(const pid_t *workers, unsigned count);

/* One role, in a process of its own: it doesn't come back. */
void stand_play_turns(struct stand *stand, unsigned role);
void stand_play_at_once(struct stand *stand, unsigned role);
/* The box, which has them play. */
enum box_end stand_run_turns(struct stand *stand, pid_t *workers);
enum box_end stand_run_at_once(struct stand *stand, const pid_t *workers);

#endif
