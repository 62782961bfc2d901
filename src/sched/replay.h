/* SPDX-License-Identifier: MIT */
/* A schedule in a file, with what it was the schedule of: lines of a word and a value. */
#ifndef IPCTS_SCHED_REPLAY_H
#define IPCTS_SCHED_REPLAY_H

#include <stdio.h>

#include "sched/explore.h"

enum { ARGUMENTS_MAX = 256, ARGUMENTS_ROOM = 16384 };

struct replay {
	char *arguments[ARGUMENTS_MAX + 1]; /* of the program, NULL at the end; in room */
	char room[ARGUMENTS_ROOM];
	uint64_t code; /* of the executable */
	enum engine_kind engine;
	uint64_t seed, run;	/* that found it */
	uint32_t stores, kills; /* as of the exploration */
	struct run_end result;
	struct schedule schedule;
};

/* "0@5>1 ...": when 0 has gone on five times, 1 goes; "b1": its buffer; "k1": it is killed. */
void schedule_print(FILE *file, const struct schedule *schedule);
/* False: errno. */
bool replay_write(const char *path, const struct replay *replay);
/* False: the complaint tells what is wrong, and in which line. */
bool replay_read(const char *path, struct replay *replay, char *complaint, size_t size);
/* The arguments are copied; false: too many. */
bool replay_arguments(struct replay *replay, char *const *arguments);

#endif
