/* SPDX-License-Identifier: MIT */
/* System calls that have no function of their own: of them, the futex. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/clock.h"
#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif

static long really(const void *pc, const long argument[6])
{
	if (MODELLED)
		return model_futex(pc, (uint32_t *)argument[0], (int)argument[1],
				   (uint32_t)argument[2], (const struct timespec *)argument[3],
				   (uint32_t *)argument[4], (uint32_t)argument[5]);
	return REAL(syscall)(SYS_futex, argument[0], argument[1], argument[2], argument[3],
			     argument[4], argument[5]);
}

static long futex(const void *pc, const long argument[6])
{
	uint64_t key = sync_key_of((const void *)argument[0]);
	int operation = (int)argument[1] & FUTEX_CMD_MASK;
	bool waits = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET ||
		     operation == FUTEX_LOCK_PI || operation == FUTEX_TRYLOCK_PI ||
		     operation == FUTEX_WAIT_REQUEUE_PI;

	if (!waits)
		sync_release(key, SYNC_FUTEX);
	long result = really(pc, argument);

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
	if (number == SYS_futex && (self.party || MODELLED))
		return futex(HERE, argument);
	return REAL(syscall)(number, argument[0], argument[1], argument[2], argument[3],
			     argument[4], argument[5]);
}

WRAP(int, sched_yield, (void))
{
	return MODELLED ? model_sched_yield(HERE) : REAL(sched_yield)();
}
