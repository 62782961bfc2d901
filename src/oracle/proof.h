/* SPDX-License-Identifier: MIT */
/* What judges say: events in words, and what can't be. */
#ifndef IPCTS_ORACLE_PROOF_H
#define IPCTS_ORACLE_PROOF_H

#include "oracle/judge.h"

enum { TOLD_MAX = 160 };

/* "actor 1 put 17 (12.300 to 12.456 us)", from the history's beginning. */
const char *told(const struct history *history, const struct event *event, char text[TOLD_MAX]);
/* The same, without the times: "put 17". */
const char *deed_of(const struct event *event, char text[TOLD_MAX]);

/* It is this that can't be; events that are NULL are left out. */
enum judgement refuse_to_be(struct violation *violation, const struct event *a,
			    const struct event *b, const struct event *c, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* judge_queue, or of one from which the lowest rank is taken first. */
enum judgement judge_ranks(const struct history *history, bool is_lowest_first,
			   struct violation *violation);

/* Nobody knows, and why. */
enum judgement unknown(struct violation *violation, const char *why);

#endif
