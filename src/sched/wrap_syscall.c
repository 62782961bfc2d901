/* SPDX-License-Identifier: MIT */
/* System calls by their number: the futex, those that make processes, and those that are refused.
 */
#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/arguments.h"
#include "sched/clock.h"
#include "sched/detect.h"
#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif

static long really(const void *pc, const long argument[ARGUMENTS_MAX])
{
	if (MODELLED)
		return model_futex(pc, (uint32_t *)argument[0], (int)argument[1],
				   (uint32_t)argument[2], (const struct timespec *)argument[3],
				   (uint32_t *)argument[4], (uint32_t)argument[5]);
	return REAL(syscall)(SYS_futex, ARGUMENTS(argument));
}

static long futex(const void *pc, const long argument[ARGUMENTS_MAX])
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

/* A process that is made without fork. */
static bool forks(long number, const long argument[ARGUMENTS_MAX])
{
#ifdef SYS_fork
	if (number == SYS_fork)
		return true;
#endif
#ifdef SYS_clone3
	if (number == SYS_clone3)
		return !(*(const uint64_t *)argument[0] & CLONE_VM);
#endif
	return number == SYS_clone && !(argument[0] & CLONE_VM);
}

/* And has nothing in common with its parent. */
static bool only_forks(long number, const long argument[ARGUMENTS_MAX])
{
#ifdef SYS_clone3
	const struct clone_args *clone = (const void *)argument[0];

	if (number == SYS_clone3)
		return clone->flags == 0 && clone->stack == 0 && clone->exit_signal == SIGCHLD;
#endif
	return number != SYS_clone || (argument[0] == SIGCHLD && argument[1] == 0);
}

/* What the model would have to know of, and doesn't. */
static const char *stranger(long number)
{
	switch (number) {
#ifdef SYS_io_uring_setup
	case SYS_io_uring_setup:
		return "io_uring_setup";
#endif
#ifdef SYS_alarm
	case SYS_alarm:
		return "syscall(SYS_alarm)";
#endif
#ifdef SYS_vfork
	case SYS_vfork:
		return "syscall(SYS_vfork)";
#endif
	case SYS_setitimer:
		return "syscall(SYS_setitimer)";
	case SYS_timer_create:
		return "timer_create";
	case SYS_timerfd_create:
		return "timerfd_create";
	case SYS_signalfd4:
		return "signalfd";
	default:
		return NULL;
	}
}

static long fork_by(long number, const long argument[ARGUMENTS_MAX])
{
	unsigned child = party_prepare();

	runtime_begets();
	long result = REAL(syscall)(number, ARGUMENTS(argument));

	if (result == 0)
		detect_forked(child);
	else if (result < 0)
		party_abandon(child);
	return result;
}

static bool asks_for_life(long number)
{
	return number == SYS_kill || number == SYS_tkill || number == SYS_tgkill;
}

pid_t __wrap_fork(void);

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	const char *call;
	va_list rest;
	long argument[ARGUMENTS_MAX];

	va_start(rest, number);
	read_arguments(rest, argument);
	va_end(rest);
	if (number == SYS_futex && (self.party || MODELLED))
		return futex(HERE, argument);
	if (MODELLED && (call = stranger(number)))
		return model_refuse(HERE, call);
	if (forks(number, argument) && MODELLED)
		return only_forks(number, argument)
			       ? __wrap_fork()
			       : model_refuse(HERE, "clone with other flags than SIGCHLD");
	if (forks(number, argument))
		return fork_by(number, argument);
	long result = REAL(syscall)(number, ARGUMENTS(argument));

	if (result == -1 && errno == ESRCH && asks_for_life(number)) {
		party_join_dead();
		errno = ESRCH;
	}
	return result;
}

WRAP(int, sched_yield, (void))
{
	return MODELLED ? model_sched_yield(HERE) : REAL(sched_yield)();
}
