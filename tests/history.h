/* SPDX-License-Identifier: MIT */
/*
 * Histories of what several processes do to one object at once, judged by what an object of the
 * kind can have done (oracle/judge.h).  IPCTS_OPERATIONS in the environment says how many
 * operations a history has, about.
 */
#ifndef IPCTS_TESTS_HISTORY_H
#define IPCTS_TESTS_HISTORY_H

#include <stdlib.h>

#include "oracle/judge.h"
#include "stage/story.h"

/* Of the test; inherited by its actors. */
static struct recorder *recorder;

/* Operations of each of so many actors. */
static inline long long operations_of(unsigned actors)
{
	const char *wish = getenv("IPCTS_OPERATIONS");
	long long all = wish ? atoll(wish) : 0;

	return (all > 0 ? all : 4000) / (long long)actors;
}

/* Before they are cast. */
static inline void begin_history(unsigned actors)
{
	recorder = recorder_new(actors, (size_t)operations_of(actors) + 1);
	if (!recorder)
		skip("no memory for the history");
}

static inline struct history read_history(void)
{
	struct history history;

	if (!history_read(&history, recorder))
		skip("no memory for the history");
	return history;
}

/* So many events, as of one queue. */
static inline void must_be_of_a_queue(long long count)
{
	struct history history = read_history();
	struct violation violation;

	must_be(history.count, count);
	if (!judge_queue(&history, &violation))
		refute("%s", violation.proof);
}

/* As of one counter, which had so much at first. */
static inline void must_be_of_a_counter(int64_t initial)
{
	struct history history = read_history();
	struct violation violation;

	if (!judge_counter(&history, initial, &violation))
		refute("%s", violation.proof);
}

/* No two puts of a test have the same value. */
static inline int64_t value_of(unsigned who, long long i)
{
	return (int64_t)who << 40 | i;
}

#endif
