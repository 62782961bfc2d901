/* SPDX-License-Identifier: MIT */
/*
 * Histories of what several processes do to one object at once, judged by what an object of the
 * kind can have done (oracle/judge.h).  ipcts stress makes them long: IPCTS_OPERATIONS in the
 * environment says how many operations a history has, about, and IPCTS_TIMELINE in which folder
 * what can't be is drawn.
 */
#ifndef IPCTS_TESTS_HISTORY_H
#define IPCTS_TESTS_HISTORY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "oracle/judge.h"
#include "oracle/timeline.h"
#include "stage/story.h"

/* Of the test; inherited by its actors. */
static struct recorder *recorder;

/* How many operations a history has usually: many of those that take no time. */
enum { FEW = 4000, MANY = 40000 };

/* Operations of each of so many actors, an even number. */
static inline long long operations_of(unsigned actors, long long usually)
{
	const char *wish = getenv("IPCTS_OPERATIONS");
	long long all = wish ? atoll(wish) : 0;

	return ((all > 0 ? all : usually) + 2 * (long long)actors - 1) / (2 * (long long)actors) *
	       2;
}

/*
 * Before they are cast; besides so many operations, each may note half as many that came to
 * nothing.
 */
static inline void begin_history(unsigned actors, long long each)
{
	recorder = recorder_new(actors, (size_t)(each + each / 2 + 64));
	if (!recorder)
		skip("no memory for the history");
}

/* -- in an actor ------------------------------------------------------------------------------ */

/* No two puts of a test have the same; whose it was can be read from it. */
static inline int64_t value_of(unsigned who, long long number)
{
	return (int64_t)(who + 1) * 100000000 + number;
}

/* Shared words: how many play this round, and how many have come to it. */
enum { PLAYERS = SHARED_WORDS - 1, COME = SHARED_WORDS - 2, PATIENT_FOR = 200000 };

/* Waits for the others, if they come soon, so that they do it at once; the seed of its choices. */
static inline uint64_t begin_round(const long long *n)
{
	_Atomic(unsigned long) *words = shared();

	words[COME]++;
	for (int i = 0; i < PATIENT_FOR && words[COME] < words[PLAYERS]; i++)
		continue;
	return test_seed() + (uint64_t)n[0] * 7919 + (uint64_t)n[2] * 104729;
}

static inline unsigned choose(uint64_t *seed, unsigned count)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % count;
}

/* Now and then something takes a while, so that others come in between. */
static inline void dwell(uint64_t *seed)
{
	if (choose(seed, 8) == 0)
		give_way();
}

/* It came to nothing, which is noted so often only: who tries does so again and again. */
static inline void note_failure(struct event *noted, enum event_kind kind, long long *left)
{
	if ((*left)-- > 0) {
		noted->kind = (uint8_t)kind;
		recorder_return(noted);
	} else {
		recorder_forget(recorder, noted->actor);
	}
}

/* -- in the story ----------------------------------------------------------------------------- */

/*
 * What an actor does in a round: its numbers are which actor it is, how many operations, and the
 * number of the first.
 */
struct player {
	actor *who;
	const char *name;
	function *does;
	const char *handle;
	long long share; /* of its operations, in the others' stead; 0: 1 */
};
#define PLAYER(who, does, handle) ((struct player){who, #does, does, handle, 1})

/*
 * In rounds, each of which ends when all are done: long enough that they do it at once, and short
 * enough that patience suffices for it.
 */
enum { SHORT_ROUND = 100, ROUND_MS = 200 };

static inline double seconds_of_clock(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static inline void play_round(const struct player *players, unsigned count, long long more,
			      long long done)
{
	shared()[COME] = 0;
	shared()[PLAYERS] = count;
	for (unsigned i = 0; i < count; i++) {
		const struct player *player = &players[i];
		long long share = player->share;

		begin(player->who, (stage.call)(player->name, stage_function_number(player->does),
						player->handle, i, more * share, done * share));
	}
	for (unsigned i = 0; i < count; i++)
		gives(players[i].who, 0);
}

static inline void play(const struct player *players, unsigned count, long long each)
{
	long long round = SHORT_ROUND;

	for (long long done = 0, more; done < each; done += more) {
		double began = seconds_of_clock();

		more = each - done < round ? each - done : round;
		play_round(players, count, more, done);
		began = (seconds_of_clock() - began) * 1000;
		if (began < ROUND_MS)
			round *= 2;
		else if (began > 2 * ROUND_MS && round > SHORT_ROUND)
			round /= 2;
	}
}

static inline double seconds_of(const struct history *history)
{
	uint64_t last = history->count ? history->events[0].invoked : 0, first = last;

	for (size_t i = 0; i < history->count; i++)
		if (history->events[i].returned != NEVER && history->events[i].returned > last)
			last = history->events[i].returned;
	return (double)(last - first) / 1e9;
}

/* " (drawn in FILE)", or nothing. */
static inline void draw(const struct history *history, const struct violation *violation,
			char text[300])
{
	const char *folder = getenv("IPCTS_TIMELINE");
	char path[280], title[400];
	bool is_drawn;

	text[0] = '\0';
	if (!folder || !*folder)
		return;
	snprintf(path, sizeof(path), "%.100s/%.140s-%s.html", folder, own_name(), impl->name);
	for (char *c = path + strlen(folder) + 1; *c; c++)
		if (*c == '/')
			*c = '-';
	snprintf(title, sizeof(title), "%.200s on %s", own_name(), impl->name);
	FILE *file = fopen(path, "w");
	is_drawn = file && timeline_write(file, history, violation, title);
	if (file)
		is_drawn = fclose(file) == 0 && is_drawn;
	if (is_drawn)
		snprintf(text, 300, "; drawn in %s", path);
	else
		snprintf(text, 300, "; not drawn in %s: %s", path, strerror(errno));
}

static inline void must_be_of(enum model_kind kind, int64_t initial)
{
	const struct model model = {kind, initial};
	struct violation violation = {.count = 0};
	struct history history;
	char drawn[300];
	double began = seconds_of_clock();

	if (!history_read(&history, recorder))
		skip("no memory for the history");
	enum judgement judgement = judge(&history, &model, &violation);

	remark("%zu operations in %.3f s, judged in %.3f s", history.count, seconds_of(&history),
	       seconds_of_clock() - began);
	if (judgement == IS_UNKNOWN)
		skip("nobody knows whether it can be: %s", violation.proof);
	if (judgement == CAN_BE)
		return;
	draw(&history, &violation, drawn);
	refute("%s%s", violation.proof, drawn);
}

#endif
