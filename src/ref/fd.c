/* SPDX-License-Identifier: MIT */
/* What can be done with any descriptor: ours by its class, all others as the platform does. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/ipcref.h"

extern const struct object_class event_class, mq_class;

const struct object_class *const object_classes[OBJECT_KINDS] = {
	[OBJECT_EVENT] = &event_class,
	[OBJECT_MQ] = &mq_class,
};

/* -- reading and writing ---------------------------------------------------------------------- */

ssize_t ipcref_readv(int fd, const struct iovec *vector, int count)
{
	struct handle *h = descriptor_get(fd, OBJECT_ANY);
	ssize_t result = -1;

	if (!h)
		return readv(fd, vector, count);
	if (h->class->readv)
		result = h->class->readv(fd, h, vector, count);
	else
		errno = EINVAL;
	handle_put(h);
	return result;
}

ssize_t ipcref_writev(int fd, const struct iovec *vector, int count)
{
	struct handle *h = descriptor_get(fd, OBJECT_ANY);
	ssize_t result = -1;

	if (!h)
		return writev(fd, vector, count);
	if (h->class->writev)
		result = h->class->writev(fd, h, vector, count);
	else
		errno = EINVAL;
	handle_put(h);
	return result;
}

ssize_t ipcref_read(int fd, void *buffer, size_t size)
{
	const struct iovec vector = {buffer, size};

	return ipcref_readv(fd, &vector, 1);
}

ssize_t ipcref_write(int fd, const void *buffer, size_t size)
{
	const struct iovec vector = {(void *)buffer, size};

	return ipcref_writev(fd, &vector, 1);
}

/* -- numbers ---------------------------------------------------------------------------------- */

int ipcref_close(int fd)
{
	descriptor_forget(fd);
	return close(fd);
}

int ipcref_dup2(int fd, int as)
{
	if (fd != as && fcntl(fd, F_GETFD) >= 0)
		descriptor_forget(as);
	return dup2(fd, as);
}
