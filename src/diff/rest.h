/* SPDX-License-Identifier: MIT */
/*
 * Rest: each actor has returned or sleeps, and none is awake who might wake another.  Only then is
 * what is seen of one act what the act has done, and not how far it has come.
 */
#ifndef IPCTS_DIFF_REST_H
#define IPCTS_DIFF_REST_H

#include "diff/script.h"
#include "stage/observe.h"
#include "stage/stage.h"

/* An actor that has begun an operation and, since it fell asleep in it, how it was seen. */
struct sleeper {
	actor *actor;
	bool is_known;
	struct look asleep;
};

/* Once, before any story: learns what can be seen of a sleep. */
void rest_open(void);

/* Waits until all are at rest.  NULL, or who runs on and on. */
const actor *come_to_rest(struct sleeper *const sleepers[], int count);

/*
 * Who is at rest, but expected to come back, may look for what was lost, now and then, and is given
 * the time for it: so many turns asleep, and longer while it does anything.  *is_late: it slept on
 * for long.
 */
bool comes_back_late(actor *a, unsigned turns_asleep, bool *is_late);

#endif
