/* SPDX-License-Identifier: MIT */
/* The system call futex: waits and wakes are played, exactly, so that no wakeup is lost or
 * invented. */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "sched/futex.h"
#include "sched/model.h"

/* WAIT tells how long, WAIT_BITSET until when. */
static int64_t timeout_of(int command, int operation, const struct timespec *timeout)
{
	if (!timeout)
		return FOREVER;
	if (command == FUTEX_WAIT)
		return timeout->tv_sec * INT64_C(1000000000) + timeout->tv_nsec;
	return model_until(operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC,
			   timeout);
}

static long fails_with(int error)
{
	errno = error;
	return -1;
}

static long sleep_on(const struct operation *waits, const uint32_t *word, uint32_t value,
		     int64_t timeout)
{
	if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != value)
		return fails_with(EAGAIN);
	switch (sched_block(waits, timeout)) {
	case TIMED_OUT:
		return fails_with(ETIMEDOUT);
	case INTERRUPTED:
		return fails_with(EINTR);
	default:
		return 0;
	}
}

long model_futex(const void *pc, uint32_t *word, int operation, uint32_t value,
		 const struct timespec *timeout, uint32_t *other, uint32_t value3)
{
	int command = operation & FUTEX_CMD_MASK;
	bool waits = command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
	struct operation now = model_operation(waits ? OPERATION_FUTEX_WAIT : OPERATION_FUTEX_WAKE,
					       key_of_address(word), pc);

	if (waits)
		now.access = ACCESS_READ;
	sched_point(&now);
	switch (command) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return sleep_on(&now, word, value, timeout_of(command, operation, timeout));
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
		return sched_wake_some(now.key, value);
	case FUTEX_CMP_REQUEUE:
	case FUTEX_REQUEUE:
		if (command == FUTEX_CMP_REQUEUE &&
		    __atomic_load_n(word, __ATOMIC_SEQ_CST) != value3)
			return fails_with(EAGAIN);
		return sched_wake(
			now.key); /* who would be moved wakes too soon, which it must bear */
	default:
		return REAL(syscall)(futex_number(), word, operation, value, timeout, other,
				     value3);
	}
}
