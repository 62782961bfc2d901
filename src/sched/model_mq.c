/* SPDX-License-Identifier: MIT */
/* POSIX queues: with a deadline that is past they don't wait. */
#include <errno.h>
#include <sys/stat.h>

#include "sched/model.h"
#include "sched/real.h"

int REAL(mq_timedsend)(mqd_t queue, const char *message, size_t size, unsigned priority,
		       const struct timespec *timeout);
ssize_t REAL(mq_timedreceive)(mqd_t queue, char *message, size_t size, unsigned *priority,
			      const struct timespec *timeout);

enum { OBJECT_MQ = 4 };

static const struct timespec past = {0, 0};

static uint64_t key_of(mqd_t queue)
{
	struct stat status;

	if (fstat((int)queue, &status) < 0)
		return key_of_object(OBJECT_MQ, 0, 0);
	return key_of_object(OBJECT_MQ, status.st_dev, status.st_ino);
}

static int unchanged(void)
{
	runtime_unchanged();
	return -1;
}

/* errno is that of the call; false: so it stays. */
static bool wait_again(const struct operation *operation, const struct timespec *timeout)
{
	if (errno != ETIMEDOUT)
		return false;
	if (timeout && (timeout->tv_nsec < 0 || timeout->tv_nsec > 999999999)) {
		errno = EINVAL;
		return false;
	}
	switch (sched_block(operation, timeout ? model_until(CLOCK_REALTIME, timeout) : FOREVER)) {
	case TIMED_OUT:
		errno = ETIMEDOUT;
		return false;
	case INTERRUPTED:
		errno = EINTR;
		return false;
	default:
		return true;
	}
}

int model_mq_send(const void *pc, mqd_t queue, const char *message, size_t size, unsigned priority,
		  const struct timespec *timeout)
{
	struct operation sends = model_operation(OPERATION_MQ_SEND, key_of(queue), pc);

	sched_point(&sends);
	while (REAL(mq_timedsend)(queue, message, size, priority, &past) < 0)
		if (!wait_again(&sends, timeout))
			return unchanged();
	sched_wake(sends.key);
	return 0;
}

ssize_t model_mq_receive(const void *pc, mqd_t queue, char *message, size_t size,
			 unsigned *priority, const struct timespec *timeout)
{
	struct operation receives = model_operation(OPERATION_MQ_RECEIVE, key_of(queue), pc);
	ssize_t got;

	sched_point(&receives);
	while ((got = REAL(mq_timedreceive)(queue, message, size, priority, &past)) < 0)
		if (!wait_again(&receives, timeout))
			return unchanged();
	sched_wake(receives.key);
	return got;
}
