/* SPDX-License-Identifier: MIT */
/*
 * The barrier, in the bytes of a pthread_barrier_t: whoever comes last begins a new round, and the
 * others, who sleep until there is one, see that theirs is over.
 *
 * Whoever leaves may destroy the barrier and use its memory, though others sleep in it yet.  So
 * these ask only the kernel whether the word is still what it was, and a barrier starts with a
 * round that this memory hardly had before.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>

#include "ref/eventcount.h"
#include "ref/ipcref.h"
#include "ref/lock.h"
#include "ref/step.h"

struct barrier {
	struct lock guard;
	uint32_t count;
	_Atomic uint32_t round;
	/* How many have come, which holds in the round it is told of only: one store begins anew.
	 */
	uint32_t come, round_of_come;
};
_Static_assert(sizeof(struct barrier) <= sizeof(pthread_barrier_t),
	       "a barrier is in the bytes of a pthread_barrier_t");

static struct barrier *barrier_of(pthread_barrier_t *barrier)
{
	return (struct barrier *)(void *)barrier;
}

int ipcref_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attributes,
			unsigned count)
{
	uint32_t round = unused_number();

	(void)attributes; /* what serves processes serves threads */
	if (count == 0)
		return EINVAL;
	*barrier_of(barrier) =
		(struct barrier){.count = count, .round = round, .round_of_come = round};
	return 0;
}

int ipcref_barrier_destroy(pthread_barrier_t *barrier)
{
	(void)barrier;
	return 0;
}

/* One more has come.  True: it is the last, and the round is over; the guard is held. */
static bool come(struct barrier *b, uint32_t round)
{
	uint32_t others = b->round_of_come == round ? b->come : 0;

	if (others >= b->count || others + 1 == b->count) {
		atomic_store(&b->round, round + 1);
		STEP("barrier/wait/opened");
		return true;
	}
	b->come = others + 1;
	STEP("barrier/wait/come");
	atomic_signal_fence(memory_order_seq_cst);
	b->round_of_come = round;
	STEP("barrier/wait/counted");
	return false;
}

static void sleep_through(struct barrier *b, uint32_t round)
{
	int answer;

	/*
	 * A wait of no time is how to ask: ETIMEDOUT if the word is the same, or EINTR if a signal
	 * was quicker, which says nothing of the word.
	 */
	do {
		answer = futex_doze_until(&b->round, round, CLOCK_MONOTONIC, NULL);
		if (answer != EAGAIN)
			answer = futex_wait(&b->round, round, 0);
	} while (answer);
	/* what the others did before they came is seen from here on: only the kernel has looked */
	atomic_thread_fence(memory_order_acquire);
}

int ipcref_barrier_wait(pthread_barrier_t *barrier)
{
	struct barrier *b = barrier_of(barrier);

	lock_take(&b->guard);
	uint32_t round = atomic_load(&b->round);
	bool is_last = come(b, round);

	lock_drop(&b->guard);
	STEP("barrier/wait/dropped");
	if (!is_last) {
		sleep_through(b, round);
		return 0;
	}
	futex_wake(&b->round, INT_MAX);
	return PTHREAD_BARRIER_SERIAL_THREAD;
}
