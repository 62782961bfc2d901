/* SPDX-License-Identifier: MIT */
/* POSIX message queues: messages of a priority, found by a name, that wait until somebody reads them. */
#ifndef IPCTS_CONTRACT_MQ_H
#define IPCTS_CONTRACT_MQ_H

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <time.h>

struct mq_calls {
	mqd_t (*mq_open)(const char *name, int flags, mode_t mode, struct mq_attr *attributes);
	int (*mq_close)(mqd_t queue);
	int (*mq_unlink)(const char *name);
	int (*mq_send)(mqd_t queue, const char *bytes, size_t size, unsigned priority);
	int (*mq_timedsend)(mqd_t queue, const char *bytes, size_t size, unsigned priority,
			    const struct timespec *deadline);
	ssize_t (*mq_receive)(mqd_t queue, char *bytes, size_t size, unsigned *priority);
	ssize_t (*mq_timedreceive)(mqd_t queue, char *bytes, size_t size, unsigned *priority,
				   const struct timespec *deadline);
	int (*mq_getattr)(mqd_t queue, struct mq_attr *attributes);
	int (*mq_setattr)(mqd_t queue, const struct mq_attr *attributes, struct mq_attr *old);
	int (*mq_notify)(mqd_t queue, const struct sigevent *event);
	long (*priority_limit)(void);	      /* MQ_PRIO_MAX */
	int (*limit_bytes)(long long bytes); /* RLIMIT_MSGQUEUE */
};

/* What mq.attributes and mq.set_attributes answer: the outcome's numbers. */
enum mq_attribute { MQ_FLAGS, MQ_MESSAGES, MQ_SIZE, MQ_CURRENT, MQ_ATTRIBUTES };

#endif
