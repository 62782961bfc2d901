/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "posix/posix.h"

static mqd_t posix_open(const char *name, int flags, mode_t mode, struct mq_attr *attributes)
{
	return mq_open(name, flags, mode, attributes);
}

static long posix_priority_limit(void)
{
	return sysconf(_SC_MQ_PRIO_MAX);
}

static int posix_limit_bytes(long long bytes)
{
#ifdef RLIMIT_MSGQUEUE
	struct rlimit limit;

	if (getrlimit(RLIMIT_MSGQUEUE, &limit) < 0)
		return -1;
	limit.rlim_cur = (rlim_t)bytes;
	return setrlimit(RLIMIT_MSGQUEUE, &limit);
#else
	(void)bytes;
	errno = ENOSYS;
	return -1;
#endif
}

const struct mq_calls posix_mq = {
	.mq_open = posix_open,
	.mq_close = mq_close,
	.mq_unlink = mq_unlink,
	.mq_send = mq_send,
	.mq_timedsend = mq_timedsend,
	.mq_receive = mq_receive,
	.mq_timedreceive = mq_timedreceive,
	.mq_getattr = mq_getattr,
	.mq_setattr = mq_setattr,
	.mq_notify = mq_notify,
	.priority_limit = posix_priority_limit,
	.limit_bytes = posix_limit_bytes,
};
