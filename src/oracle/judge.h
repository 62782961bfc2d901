/* SPDX-License-Identifier: MIT */
/*
 * Judges of histories: whether the operations can have happened one after the other, each at a
 * moment between its invocation and its return, as an object of the kind wants (linearizability).
 * What they complain of is impossible, whatever the order; each takes time in proportion to n log
 * n.
 */
#ifndef IPCTS_ORACLE_JUDGE_H
#define IPCTS_ORACLE_JUDGE_H

#include "oracle/history.h"

struct violation {
	char proof[640];	/* in words, one line */
	struct event events[3]; /* what it is about, in the order it is told */
	size_t count;
};

/*
 * A queue, from which of those of the highest rank the one that was put first is taken first.  Of
 * events that are no put, take or empty, nothing is said.  Values that were put and never taken
 * are in it still.
 */
bool judge_queue(const struct history *history, struct violation *violation);
/* A counter, which had so much at first and never falls below zero; what isn't taken is in it. */
bool judge_counter(const struct history *history, int64_t initial, struct violation *violation);
/* A lock: who holds it alone holds it while nobody else does. */
bool judge_lock(const struct history *history, struct violation *violation);

#endif
