/* SPDX-License-Identifier: MIT */
/* The spin lock, in the bytes of a pthread_spinlock_t: a word that is 1 while somebody has it. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "ref/futex.h"
#include "ref/ipcref.h"
#include "ref/step.h"

struct spin {
	_Atomic uint32_t word;
};
_Static_assert(sizeof(struct spin) <= sizeof(pthread_spinlock_t),
	       "a spin lock is in the bytes of a pthread_spinlock_t");

/* Turns before the processor is left to others, of whom one may be the holder. */
enum { TURNS = 1000 };

static struct spin *spin_of(pthread_spinlock_t *spin)
{
	return (struct spin *)(void *)(uintptr_t)spin;
}

int ipcref_spin_init(pthread_spinlock_t *spin, int pshared)
{
	(void)pshared; /* what serves processes serves threads */
	atomic_init(&spin_of(spin)->word, 0);
	return 0;
}

int ipcref_spin_destroy(pthread_spinlock_t *spin)
{
	(void)spin;
	return 0;
}

int ipcref_spin_trylock(pthread_spinlock_t *spin)
{
	if (atomic_exchange_explicit(&spin_of(spin)->word, 1, memory_order_acquire))
		return EBUSY;
	STEP("spin/lock/held");
	return 0;
}

int ipcref_spin_lock(pthread_spinlock_t *spin)
{
	for (unsigned turn = 1; ipcref_spin_trylock(spin); turn++) {
		while (atomic_load_explicit(&spin_of(spin)->word, memory_order_relaxed) &&
		       turn % TURNS) {
			pause_briefly();
			turn++;
		}
		if (turn % TURNS == 0)
			sched_yield();
	}
	return 0;
}

int ipcref_spin_unlock(pthread_spinlock_t *spin)
{
	atomic_store_explicit(&spin_of(spin)->word, 0, memory_order_release);
	STEP("spin/unlock/free");
	return 0;
}
