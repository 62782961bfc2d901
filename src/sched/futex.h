/* SPDX-License-Identifier: MIT */
/* To sleep until a word of shared memory changes: what turns are handed over by. */
#ifndef IPCTS_SCHED_FUTEX_H
#define IPCTS_SCHED_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

#include "sched/real.h"

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif

/* Comes back when woken, when the word isn't expected, after the timeout, and sometimes at random.
 */
static inline void futex_sleep(_Atomic uint32_t *word, uint32_t expected,
			       const struct timespec *timeout)
{
	REAL(syscall)(SYS_futex, word, FUTEX_WAIT, expected, timeout, NULL, 0);
}

static inline void futex_rouse(_Atomic uint32_t *word)
{
	REAL(syscall)(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

#endif
