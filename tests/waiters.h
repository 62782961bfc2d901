/* SPDX-License-Identifier: MIT */
/*
 * Some who wait for the same thing, and how many of them go on.  Of shared() the first word counts
 * those who have gone on, and the one after the n-th says that the n-th has.
 */
#ifndef IPCTS_TESTS_WAITERS_H
#define IPCTS_TESTS_WAITERS_H

#include <stdio.h>

#include "stage/story.h"

/* Of a waiter, as soon as it has what it waited for. */
static inline void say_that_it_goes_on(long long nth)
{
	shared()[1 + nth] = 1;
	shared()[0]++;
}

static inline void cast_waiters(actor *parent, actor *waiters[], int count)
{
	char name[24];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "waiter %d", i + 1);
		waiters[i] = forks(parent, name);
	}
}

/* Of those not released before, one is; the others are blocked still. */
static inline void one_goes_on(actor *waiters[], bool is_gone[], int count, int released)
{
	int more = 0;

	awaits(shared(), (uint64_t)released);
	for (int i = 0; i < count; i++) {
		if (is_gone[i])
			continue;
		if (shared()[1 + i]) {
			succeeds(waiters[i]);
			is_gone[i] = true;
			more++;
		} else {
			blocks(waiters[i]);
		}
	}
	must_be(more, 1);
	must_be(shared()[0], released);
}

#endif
