/* SPDX-License-Identifier: MIT */
/*
 * Adversaries: nuisances that any system has at times, and that a test must not mind, for it has no
 * timing in it.  They act on actors only, while the story goes on; every choice they make comes
 * from the test's seed.  From the first signal that a test itself sends, catches, blocks or waits
 * for, those that interrupt (eintr, stop) leave it alone: whose signal did what can't be told then.
 */
#ifndef IPCTS_STAGE_ADVERSARY_H
#define IPCTS_STAGE_ADVERSARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/op.h"

enum adversary {
	ADVERSARY_EINTR,    /* a storm of signals, caught with SA_RESTART */
	ADVERSARY_STOP,	    /* SIGSTOP and SIGCONT */
	ADVERSARY_FAMINE,   /* the smallest limits that a common system gives */
	ADVERSARY_NICE,	    /* any niceness, SCHED_BATCH, SCHED_IDLE */
	ADVERSARY_AFFINITY, /* one processor for all, or any other at each operation */
	ADVERSARY_COUNT
};

/* Room for the list of all. */
enum { ADVERSARY_LIST_MAX = 64 };

extern const char *const adversary_names[ADVERSARY_COUNT];

/* A list of names, with commas between, as a set of 1 << adversary; 0: not such a list. */
unsigned adversaries_named(const char *list);
/* The other way round. */
const char *adversaries_list(unsigned set, char *text, size_t size);

/* In a worker, once. */
void adversaries_open(unsigned set);
/* Why one of those that there are can't be asked of this test; NULL: they can. */
const char *adversaries_excuse(const char *test_name, char *text, size_t size);
/* In the director, before the story; what it sets is inherited by all. */
void adversaries_surround(void);
/* In an actor that begins its life. */
void adversaries_meet(void);
/* In an actor, around an order. */
void adversaries_begin(enum op_code code);
void adversaries_end(void);
/* In the director, whenever it has given an order or is about to wait: somebody may be stopped. */
void adversaries_turn(void);

/* The test deals in signals itself from now on: in any process of the box. */
void adversaries_leave(void);
/* Whether the order is to do so. */
bool is_of_signals(enum op_code code);

/*
 * How often this thread has been interrupted by adversaries; and whether it has been again since
 * the number was this, which it then becomes.
 */
uint32_t interruptions(void);
bool was_interrupted(uint32_t *seen);

/* What adversaries have done in this test so far. */
unsigned adversaries_deeds(void);

#endif
