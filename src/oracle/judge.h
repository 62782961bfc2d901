/* SPDX-License-Identifier: MIT */
/*
 * Judges of histories: whether the operations can have happened one after the other, each at a
 * moment between its invocation and its return, as an object of the kind does (linearizability).
 * Of two of which one has returned when the other is invoked, it is the first; of two at the same
 * nanosecond, either may be.
 *
 * Queues, counters and locks have monitors, which take time in proportion to n log n.  What they
 * can't decide, and all the rest, is searched.
 */
#ifndef IPCTS_ORACLE_JUDGE_H
#define IPCTS_ORACLE_JUDGE_H

#include "oracle/history.h"
#include "oracle/model.h"

enum judgement {
	CAN_BE,
	CANNOT_BE,
	IS_UNKNOWN /* too many ways to try, no memory, or the history isn't whole */
};

enum { CONCERNED_MAX = 12 };

struct violation {
	char proof[420];		    /* in words, one line; why nobody knows */
	struct event events[CONCERNED_MAX]; /* what it is about, in the order it is told */
	size_t count;
};

/* Each object of the history by itself, for all of them are right if each is. */
enum judgement judge(const struct history *history, const struct model *model,
		     struct violation *violation);

/* -- how: monitors and the search, each by itself ------------------------------------------------
 */

/* MODEL_QUEUE, whole. */
enum judgement judge_queue(const struct history *history, struct violation *violation);
/*
 * MODEL_TYPES: what it calls impossible is so; what can be, or not, only where either nobody asks
 * for a type, or everybody does for one, or for the lowest of all.
 */
enum judgement judge_types(const struct history *history, struct violation *violation);
bool judge_types_decides(const struct history *history);
/* MODEL_COUNTER: the same, and decided where it is only put into and taken from. */
enum judgement judge_counter(const struct history *history, int64_t initial,
			     struct violation *violation);
bool judge_counter_decides(const struct history *history);
/* MODEL_LOCK, whole. */
enum judgement judge_lock(const struct history *history, struct violation *violation);

/*
 * Any model, by trying: all states that the object can be in after each return (Wing & Gong 1993,
 * Lowe 2017).  At most so many states at a time, and so many steps for each event.
 */
struct search_limits {
	size_t states, steps;
	bool is_plain; /* without regard to which values there are: to check what is made of it */
};
extern const struct search_limits usual_limits;
enum judgement judge_by_search(const struct history *history, const struct model *model,
			       const struct search_limits *limits, struct violation *violation);

#endif
