/* SPDX-License-Identifier: MIT */
/* What can be done with any descriptor: ours by its class, all others as the platform does. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/ipcref.h"
#include "ref/pipe.h"
#include "ref/socket.h"
#include "ref/step.h"

extern const struct object_class event_class, mq_class;

const struct object_class *const object_classes[OBJECT_KINDS] = {
	[OBJECT_EVENT] = &event_class,
	[OBJECT_PIPE] = &pipe_class,
	[OBJECT_MQ] = &mq_class,
	[OBJECT_SOCKET] = &socket_class,
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

/* -- what only files have ---------------------------------------------------------------------- */

/* Whether it is one of ours, none of which is a file to go about in; then errno is the error. */
static bool is_ours(int fd, int error)
{
	struct handle *h = descriptor_get(fd, OBJECT_ANY);

	if (!h)
		return false;
	handle_put(h);
	errno = error;
	return true;
}

ssize_t ipcref_pread(int fd, void *buffer, size_t size, off_t offset)
{
	return is_ours(fd, ESPIPE) ? -1 : pread(fd, buffer, size, offset);
}

ssize_t ipcref_pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
	return is_ours(fd, ESPIPE) ? -1 : pwrite(fd, buffer, size, offset);
}

off_t ipcref_lseek(int fd, off_t offset, int whence)
{
	return is_ours(fd, ESPIPE) ? -1 : lseek(fd, offset, whence);
}

int ipcref_fsync(int fd)
{
	return is_ours(fd, EINVAL) ? -1 : fsync(fd);
}

int ipcref_ftruncate(int fd, off_t size)
{
	return is_ours(fd, EINVAL) ? -1 : ftruncate(fd, size);
}

int ipcref_posix_fadvise(int fd, off_t offset, off_t size, int advice)
{
	return is_ours(fd, errno) ? ESPIPE : posix_fadvise(fd, offset, size, advice);
}

int ipcref_posix_fallocate(int fd, off_t offset, off_t size)
{
	return is_ours(fd, errno) ? ESPIPE : posix_fallocate(fd, offset, size);
}

/* Objects are mapped by this library, and segments of memory by anybody. */
void *ipcref_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	struct handle *h = flags & MAP_ANONYMOUS ? NULL : descriptor_get(fd, OBJECT_ANY);
	bool is_refused = h && h->class->kind != OBJECT_SEGMENT;

	if (h)
		handle_put(h);
	if (!is_refused)
		return mmap(address, size, protection, flags, fd, offset);
	errno = ENODEV;
	return MAP_FAILED;
}

/* -- what is told and set ---------------------------------------------------------------------- */

int ipcref_fstat(int fd, struct stat *status)
{
	struct handle *h = descriptor_get(fd, OBJECT_ANY);
	int result;

	if (h && h->class->fstat) {
		result = h->class->fstat(fd, h, status);
	} else {
		result = fstat(fd, status);
		if (result == 0)
			pipe_tells(status); /* opened with O_PATH */
	}
	if (h)
		handle_put(h);
	return result;
}

int ipcref_fcntl(int fd, int command, ...)
{
	struct handle *h = descriptor_get(fd, OBJECT_ANY);
	va_list rest;
	long argument; /* or an int or a pointer, or none: as libc does it */
	int result;

	va_start(rest, command);
	argument = va_arg(rest, long);
	va_end(rest);
	if (h && h->class->fcntl)
		result = h->class->fcntl(fd, h, command, argument);
	else
		result = fcntl(fd, command, argument);
	if (h)
		handle_put(h);
	if (result >= 0 && (command == F_DUPFD || command == F_DUPFD_CLOEXEC))
		descriptor_is_copy(fd, result);
	return result;
}

int platform_ioctl(int fd, unsigned long request, void *argument)
{
#ifdef __GLIBC__
	return ioctl(fd, request, argument);
#else
	return ioctl(fd, (int)request, argument);
#endif
}

int ipcref_ioctl(int fd, unsigned long request, ...)
{
	struct handle *h = descriptor_get(fd, OBJECT_ANY);
	va_list rest;
	void *argument;
	int result;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	if (h && h->class->ioctl)
		result = h->class->ioctl(fd, h, request, argument);
	else
		result = platform_ioctl(fd, request, argument);
	if (h)
		handle_put(h);
	return result;
}

/* -- numbers ---------------------------------------------------------------------------------- */

int ipcref_close(int fd)
{
	struct handle *h = descriptor_leave(fd);
	int result = close(fd);

	descriptor_left(fd, h);
	return result;
}

int ipcref_dup(int fd)
{
	int copy = FAULT("fd/dup/copy", EMFILE) ? -1 : dup(fd);

	if (copy >= 0)
		descriptor_is_copy(fd, copy);
	return copy;
}

int ipcref_dup2(int fd, int as)
{
	bool is_closed = fd != as && fcntl(fd, F_GETFD) >= 0;
	struct handle *h = is_closed ? descriptor_leave(as) : NULL;
	int result = dup2(fd, as);

	descriptor_left(as, h);
	if (is_closed && result >= 0)
		descriptor_is_copy(fd, as);
	return result;
}

int ipcref_dup3(int fd, int as, int flags)
{
	bool is_closed = fd != as && !(flags & ~O_CLOEXEC) && fcntl(fd, F_GETFD) >= 0;
	struct handle *h = is_closed ? descriptor_leave(as) : NULL;
	int result = dup3(fd, as, flags);

	descriptor_left(as, h);
	if (result >= 0)
		descriptor_is_copy(fd, as);
	return result;
}
