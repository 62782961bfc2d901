/* SPDX-License-Identifier: MIT */
/* POSIX message queues. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "sched/channel.h"
#include "sched/clock.h"
#include "sched/instrument.h"
#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

/* A descriptor of Linux. */
static uint64_t key_of(mqd_t queue)
{
	struct stat status;
	int saved = errno;
	uint64_t key =
		fstat((int)queue, &status) ? 0 : sync_key(SYNC_MQ, status.st_dev, status.st_ino);

	errno = saved;
	return key;
}

static void sends(mqd_t queue, const char *text, size_t size, const void *pc)
{
	instrument_range(text, size, ACCESS_READ, pc);
	uint64_t key = self.party ? key_of(queue) : 0;

	if (!key)
		return;
	sync_release(key, SYNC_MQ);
	/* whoever is notified */
	struct sync_object *object = sync_find(key, SYNC_MQ, false);

	if (object && atomic_load(&object->writer))
		signal_sent((pid_t)atomic_load(&object->writer));
}

static ssize_t received(mqd_t queue, char *text, ssize_t got, const void *pc)
{
	uint64_t key = got >= 0 && self.party ? key_of(queue) : 0;

	if (key)
		sync_acquire(key, SYNC_MQ);
	if (got > 0)
		instrument_filled(text, (size_t)got, pc);
	return got;
}

WRAP(int, mq_send, (mqd_t queue, const char *text, size_t size, unsigned priority))
{
	sends(queue, text, size, HERE);
	return MODELLED ? model_mq_send(HERE, queue, text, size, priority, NULL)
			: REAL(mq_send)(queue, text, size, priority);
}

WRAP(int, mq_timedsend,
     (mqd_t queue, const char *text, size_t size, unsigned priority, const struct timespec *until))
{
	sends(queue, text, size, HERE);
	return MODELLED ? model_mq_send(HERE, queue, text, size, priority, until)
			: REAL(mq_timedsend)(queue, text, size, priority, until);
}

WRAP(ssize_t, mq_receive, (mqd_t queue, char *text, size_t size, unsigned *priority))
{
	return received(queue, text,
			MODELLED ? model_mq_receive(HERE, queue, text, size, priority, NULL)
				 : REAL(mq_receive)(queue, text, size, priority),
			HERE);
}

WRAP(ssize_t, mq_timedreceive,
     (mqd_t queue, char *text, size_t size, unsigned *priority, const struct timespec *until))
{
	return received(queue, text,
			MODELLED ? model_mq_receive(HERE, queue, text, size, priority, until)
				 : REAL(mq_timedreceive)(queue, text, size, priority, until),
			HERE);
}

WRAP(int, mq_notify, (mqd_t queue, const struct sigevent *event))
{
	uint64_t key = self.party ? key_of(queue) : 0;
	struct sync_object *object = key ? sync_find(key, SYNC_MQ, true) : NULL;

	if (object)
		atomic_store(&object->writer, event ? (uint32_t)self.pid : 0);
	return REAL(mq_notify)(queue, event);
}

mqd_t __real_mq_open(const char *name, int flags, ...);
mqd_t __wrap_mq_open(const char *name, int flags, ...);
mqd_t __wrap_mq_open(const char *name, int flags, ...)
{
	va_list rest;

	va_start(rest, flags);
	mode_t mode = flags & O_CREAT ? (mode_t)va_arg(rest, int) : 0;
	struct mq_attr *attributes = flags & O_CREAT ? va_arg(rest, struct mq_attr *) : NULL;

	va_end(rest);
	if (flags & O_CREAT)
		name_given(name);
	mqd_t queue = EXPLORED ? model_mq_open(HERE, name, flags, mode, attributes)
			       : REAL(mq_open)(name, flags, mode, attributes);

	if (queue != (mqd_t)-1)
		name_found(name);
	return queue;
}

WRAP(int, mq_unlink, (const char *name))
{
	name_given(name);
	if (MODELLED)
		model_name_point(HERE, OPERATION_FILE_NAME, true);
	return EXPLORED ? model_removed(LEFTOVER_MQ_NAME, 0, name, REAL(mq_unlink)(name))
			: REAL(mq_unlink)(name);
}
