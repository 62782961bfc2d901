/* SPDX-License-Identifier: MIT */
/* System calls that have no function of their own: of them, the futex. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/clock.h"
#include "sched/real.h"

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif

static long futex(const long argument[6])
{
	uint64_t key = sync_key_of((const void *)argument[0]);
	int operation = (int)argument[1] & FUTEX_CMD_MASK;
	bool waits = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET ||
		     operation == FUTEX_LOCK_PI || operation == FUTEX_TRYLOCK_PI ||
		     operation == FUTEX_WAIT_REQUEUE_PI;

	if (!waits)
		sync_release(key, SYNC_FUTEX);
	long result = REAL(syscall)(SYS_futex, argument[0], argument[1], argument[2], argument[3],
				    argument[4], argument[5]);

	if (waits && !result) {
		int saved = errno;

		sync_acquire(key, SYNC_FUTEX);
		errno = saved;
	}
	return result;
}

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	va_list rest;
	long argument[6];

	va_start(rest, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(rest, long);
	va_end(rest);
	if (number == SYS_futex && self.party)
		return futex(argument);
	return REAL(syscall)(number, argument[0], argument[1], argument[2], argument[3],
			     argument[4], argument[5]);
}

WRAP(int, sched_yield, (void))
{
	return REAL(sched_yield)();
}

WRAP(int, usleep, (unsigned microseconds))
{
	return REAL(usleep)(microseconds);
}
