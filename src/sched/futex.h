/* SPDX-License-Identifier: MIT */
/* To sleep until a word of shared memory changes: what turns are handed over by. */
#ifndef IPCTS_SCHED_FUTEX_H
#define IPCTS_SCHED_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

#include "sched/real.h"

/* Of <linux/futex.h>, which isn't there where libc's headers are those of another libc. */
enum { KERNEL_FUTEX_WAIT = 0, KERNEL_FUTEX_WAKE = 1 };

/* Where time is wider than the kernel's first interface has it, there is a second. */
static inline long futex_number(void)
{
#if defined SYS_futex_time64 && defined SYS_futex
	return sizeof(time_t) > sizeof(long) ? SYS_futex_time64 : SYS_futex;
#elif defined SYS_futex
	return SYS_futex;
#else
	return SYS_futex_time64;
#endif
}

/* Comes back when woken, when the word isn't expected, after the timeout, and sometimes at random.
 */
static inline void futex_sleep(_Atomic uint32_t *word, uint32_t expected,
			       const struct timespec *timeout)
{
	REAL(syscall)(futex_number(), word, KERNEL_FUTEX_WAIT, expected, timeout, NULL, 0);
}

static inline void futex_rouse(_Atomic uint32_t *word)
{
	REAL(syscall)(futex_number(), word, KERNEL_FUTEX_WAKE, 1, NULL, NULL, 0);
}

#endif
