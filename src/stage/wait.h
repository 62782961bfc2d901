/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a word of shared memory to change.  The futex is an acceleration: without it the word
 * is looked at again and again.  Every wait is short, so a wakeup that is lost costs one turn.
 */
#ifndef IPCTS_STAGE_WAIT_H
#define IPCTS_STAGE_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { TURN_MS = 10 };

/* Returns when the word is not this any more, and after milliseconds at the latest. */
void word_wait(_Atomic(uint32_t) *word, uint32_t is, unsigned milliseconds);
void word_wait_us(_Atomic(uint32_t) *word, uint32_t is, unsigned microseconds);
/* Wakes all who wait for the word. */
void word_wake(_Atomic(uint32_t) *word);
/* Lets some microseconds go by, for whoever must look again. */
void nap(unsigned microseconds);
/*
 * Whether to do without what only makes the stage faster or its sight better: futex, /proc,
 * subreaper, memfd.  IPCTS_BARE in the environment says so, to test what is left.
 */
bool is_bare(void);
/* Seconds of the monotonic clock. */
double seconds_now(void);

#endif
