/* SPDX-License-Identifier: MIT */
/*
 * Signals that are queued, and waited for.  Everybody blocks all that are sent: to wait for another
 * is undefined.  SIGUSR1 is the play's own.
 */
#include <signal.h>

#include "contract/sig.h"
#include "diff/generate.h"

/* The numbers of real-time signals are known only when it runs. */
static long long blocked, other;
static long long sent[8], sets[6], masks[2];
#define POOL(numbers)                                                                              \
	{                                                                                          \
		numbers, sizeof(numbers) / sizeof((numbers)[0])                                    \
	}

__attribute__((constructor)) static void learn_signals(void)
{
	const int first = SIGRTMIN + 1, second = SIGRTMIN + 2, last = SIGRTMAX;

	blocked = SIGNALS(SIGUSR2, SIGTERM, first, second, last);
	other = SIGNALS(SIGRTMIN + 3);

	sent[0] = first;
	sent[1] = second;
	sent[2] = SIGUSR2;
	sent[3] = first;
	sent[4] = SIGTERM;
	sent[5] = last;
	sent[6] = 0;
	sent[7] = last + 1;

	sets[0] = SIGNALS(first);
	sets[1] = SIGNALS(first, second);
	sets[2] = SIGNALS(SIGUSR2);
	sets[3] = blocked;
	sets[4] = SIGNALS(SIGTERM, last);
	sets[5] = NO_SIGNALS;

	masks[0] = blocked;
	masks[1] = SIGNALS(SIGHUP, SIGUSR2, SIGTERM, first, second, SIGRTMIN + 3, last);
}

#define ACTORS NUMBERS(0, 1, 2, 3)
#define VALUES NUMBERS(7, 8, 0, -1)

static const struct choice choices[] = {
	{OP_sig_queue, 20, TO_ACTOR, .n = {ACTORS, POOL(sent), VALUES}},
	{OP_sig_queue_pointer, 4, TO_ACTOR, .n = {ACTORS, POOL(sent), NUMBERS(0x12345678, 0)}},
	{OP_sig_wait, 6, 0, .n = {POOL(sets)}},
	{OP_sig_wait_info, 12, 0, .n = {POOL(sets)}},
	{OP_sig_timed_wait, 8, COMES_BACK, .n = {POOL(sets), NUMBERS(0, 2, -1)}},
	{OP_sig_timed_wait, 4, 0, .n = {POOL(sets), NUMBERS(3600000)}},
	{OP_sig_block, 2, 0, .n = {POOL(sets)}},
	{OP_sig_set_mask, 2, 0, .n = {POOL(masks)}},
	{OP_sig_unblock, 1, 0, .n = {{&other, 1}}},
	{OP_sig_change_mask, 1, 0, .n = {NUMBERS(99), POOL(sets)}},
};

static const struct choice audits[] = {
	{.code = OP_sig_pending},
	{.code = OP_sig_mask},
};

static const char *const none[] = {NULL};
const struct menu sig_menu = {MECHANISM_sig,
			      none,
			      choices,
			      audits,
			      sizeof(choices) / sizeof(choices[0]),
			      sizeof(audits) / sizeof(audits[0]),
			      .waiters = 3,
			      .blocks = &blocked,
			      .outlives_exec = true};
