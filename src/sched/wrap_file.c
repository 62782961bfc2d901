/* SPDX-License-Identifier: MIT */
/*
 * Descriptors: what is written to one comes before what is read of it, at the other end.  What is
 * at a descriptor is asked each time, for dup, fork and SCM_RIGHTS would be hard to follow.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sched/channel.h"
#include "sched/instrument.h"
#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

static void reads_all(const struct iovec *parts, int count, size_t size, const void *pc)
{
	for (int i = 0; i < count && size; i++) {
		size_t part = parts[i].iov_len < size ? parts[i].iov_len : size;

		instrument_range(parts[i].iov_base, part, ACCESS_READ, pc);
		size -= part;
	}
}

static void writes_all(const struct iovec *parts, int count, ssize_t got, const void *pc)
{
	for (int i = 0; i < count && got > 0; i++) {
		size_t part = parts[i].iov_len < (size_t)got ? parts[i].iov_len : (size_t)got;

		instrument_filled(parts[i].iov_base, part, pc);
		got -= (ssize_t)part;
	}
}

/*
 * Under the scheduler: waits until the call wouldn't, calls, lets others look again.  Its result is
 * -1, with errno, if it was interrupted.
 */
#define CALL(kind, fd, events, call)                                                               \
	(!MODELLED ? (call)                                                                        \
	 : model_file_before(HERE, OPERATION_##kind, fd, events)                                   \
		 ? model_file_after(fd, (ssize_t)(call))                                           \
		 : -1)

/* ---- reading and writing -----------------------------------------------------------------------
 */

WRAP(ssize_t, read, (int fd, void *buffer, size_t size))
{
	ssize_t got = CALL(FILE_READ, fd, POLLIN, REAL(read)(fd, buffer, size));

	channel_received(fd, got);
	if (got > 0)
		instrument_filled(buffer, (size_t)got, HERE);
	return got;
}

WRAP(ssize_t, write, (int fd, const void *buffer, size_t size))
{
	instrument_range(buffer, size, ACCESS_READ, HERE);
	channel_sends(fd, NULL, 0);
	return MODELLED ? model_write(HERE, fd, buffer, size) : REAL(write)(fd, buffer, size);
}

WRAP(ssize_t, readv, (int fd, const struct iovec *parts, int count))
{
	ssize_t got = CALL(FILE_READ, fd, POLLIN, REAL(readv)(fd, parts, count));

	channel_received(fd, got);
	writes_all(parts, count, got, HERE);
	return got;
}

WRAP(ssize_t, writev, (int fd, const struct iovec *parts, int count))
{
	reads_all(parts, count, SIZE_MAX, HERE);
	channel_sends(fd, NULL, 0);
	return CALL(FILE_WRITE, fd, POLLOUT, REAL(writev)(fd, parts, count));
}

WRAP(ssize_t, pread, (int fd, void *buffer, size_t size, off_t offset))
{
	runtime_drain();
	ssize_t got = REAL(pread)(fd, buffer, size, offset);

	channel_received(fd, got);
	if (got > 0)
		instrument_filled(buffer, (size_t)got, HERE);
	return got;
}

WRAP(ssize_t, pwrite, (int fd, const void *buffer, size_t size, off_t offset))
{
	instrument_range(buffer, size, ACCESS_READ, HERE);
	channel_sends(fd, NULL, 0);
	return REAL(pwrite)(fd, buffer, size, offset);
}

WRAP(ssize_t, send, (int fd, const void *buffer, size_t size, int flags))
{
	instrument_range(buffer, size, ACCESS_READ, HERE);
	channel_sends(fd, NULL, 0);
	return CALL(FILE_WRITE, fd, POLLOUT, REAL(send)(fd, buffer, size, flags));
}

WRAP(ssize_t, sendto,
     (int fd, const void *buffer, size_t size, int flags, const struct sockaddr *to,
      socklen_t length))
{
	instrument_range(buffer, size, ACCESS_READ, HERE);
	channel_sends(fd, to, length);
	return CALL(FILE_WRITE, fd, POLLOUT, REAL(sendto)(fd, buffer, size, flags, to, length));
}

WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags))
{
	reads_all(message->msg_iov, (int)message->msg_iovlen, SIZE_MAX, HERE);
	channel_sends(fd, message->msg_name, message->msg_namelen);
	return CALL(FILE_WRITE, fd, POLLOUT, REAL(sendmsg)(fd, message, flags));
}

static ssize_t received(int fd, void *buffer, size_t size, ssize_t got, const void *pc)
{
	channel_received(fd, got);
	if (got > 0)
		instrument_filled(buffer, (size_t)got < size ? (size_t)got : size, pc);
	return got;
}

WRAP(ssize_t, recv, (int fd, void *buffer, size_t size, int flags))
{
	return received(fd, buffer, size,
			CALL(FILE_READ, fd, POLLIN, REAL(recv)(fd, buffer, size, flags)), HERE);
}

WRAP(ssize_t, recvfrom,
     (int fd, void *buffer, size_t size, int flags, struct sockaddr *from, socklen_t *length))
{
	return received(
		fd, buffer, size,
		CALL(FILE_READ, fd, POLLIN, REAL(recvfrom)(fd, buffer, size, flags, from, length)),
		HERE);
}

WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags))
{
	ssize_t got = CALL(FILE_READ, fd, POLLIN, REAL(recvmsg)(fd, message, flags));

	channel_received(fd, got);
	writes_all(message->msg_iov, (int)message->msg_iovlen, got, HERE);
	return got;
}

/* ---- ends
 * ---------------------------------------------------------------------------------------- */

WRAP(int, close, (int fd))
{
	/* the last to close an end tells the other of it */
	channel_sends(fd, NULL, 0);
	lock_of_file_released(fd);
	return MODELLED ? model_close(HERE, fd) : REAL(close)(fd);
}

WRAP(int, shutdown, (int fd, int how))
{
	channel_sends(fd, NULL, 0);
	return (int)CALL(FILE_CLOSE, fd, 0, REAL(shutdown)(fd, how));
}

WRAP(int, dup2, (int from, int to))
{
	if (from != to)
		channel_sends(to, NULL, 0);
	return REAL(dup2)(from, to);
}

WRAP(int, dup3, (int from, int to, int flags))
{
	if (from != to)
		channel_sends(to, NULL, 0);
	return REAL(dup3)(from, to, flags);
}

WRAP(int, poll, (struct pollfd * fds, nfds_t count, int timeout))
{
	int ready =
		MODELLED ? model_poll(HERE, fds, count, timeout) : REAL(poll)(fds, count, timeout);

	for (nfds_t i = 0; ready > 0 && i < count; i++)
		if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
			channel_received(fds[i].fd, fds[i].revents & POLLHUP ? 0 : 1);
	return ready;
}

/* ---- sockets
 * ------------------------------------------------------------------------------------- */

WRAP(int, socketpair, (int domain, int type, int protocol, int ends[2]))
{
	int result = REAL(socketpair)(domain, type, protocol, ends);

	if (!result)
		channel_pair(ends);
	return result;
}

WRAP(int, listen, (int fd, int backlog))
{
	channel_offers(fd);
	return REAL(listen)(fd, backlog);
}

WRAP(int, connect, (int fd, const struct sockaddr *to, socklen_t length))
{
	channel_calls(to, length);
	int result = (int)CALL(CONNECT, fd, 0, REAL(connect)(fd, to, length));

	if (!result)
		channel_called(to, length);
	return result;
}

WRAP(int, accept, (int fd, struct sockaddr *from, socklen_t *length))
{
	int end = (int)CALL(ACCEPT, fd, POLLIN, REAL(accept)(fd, from, length));

	if (end >= 0)
		channel_accepted(end);
	return end;
}

WRAP(int, accept4, (int fd, struct sockaddr *from, socklen_t *length, int flags))
{
	int end = (int)CALL(ACCEPT, fd, POLLIN, REAL(accept4)(fd, from, length, flags));

	if (end >= 0)
		channel_accepted(end);
	return end;
}

/* ---- names: who finds one knows what came before it was made, or given away
 * ---------------------- */

int __real_openat(int directory, const char *path, int flags, ...);

#define OPEN(name, parameters, at, call, path)                                                     \
	int __wrap_##name parameters;                                                              \
	int __wrap_##name parameters                                                               \
	{                                                                                          \
		va_list rest;                                                                      \
                                                                                                   \
		va_start(rest, flags);                                                             \
		mode_t mode = flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(rest, int) : 0;       \
                                                                                                   \
		va_end(rest);                                                                      \
		if (flags & O_CREAT)                                                               \
			name_given(path);                                                          \
		int fd = MODELLED ? model_open(HERE, at, path, flags, mode) : REAL(call);          \
                                                                                                   \
		if (fd >= 0) {                                                                     \
			name_found(path);                                                          \
			channel_opened(fd);                                                        \
		} else {                                                                           \
			name_missing(path);                                                        \
		}                                                                                  \
		return fd;                                                                         \
	}

/* clang-format off */
OPEN(open, (const char *path, int flags, ...), AT_FDCWD, open(path, flags, mode), path)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD, open(path, flags, mode), path)
OPEN(openat, (int directory, const char *path, int flags, ...), directory,
     openat(directory, path, flags, mode), path)
OPEN(openat64, (int directory, const char *path, int flags, ...), directory,
     openat(directory, path, flags, mode), path)
/* clang-format on */

#define NAME(call)                                                                                 \
	(!MODELLED                                                                                 \
		 ? (call)                                                                          \
		 : (model_name_point(HERE, OPERATION_FILE_NAME, true), model_name_changed(call)))

WRAP(int, rename, (const char *from, const char *to))
{
	name_given(to);
	name_given(from);
	return NAME(REAL(rename)(from, to));
}

WRAP(int, link, (const char *from, const char *to))
{
	name_given(to);
	int result = NAME(REAL(link)(from, to));

	if (!result)
		name_found(to);
	return result;
}

WRAP(int, renameat, (int from_directory, const char *from, int to_directory, const char *to))
{
	name_given(to);
	name_given(from);
	return NAME(REAL(renameat)(from_directory, from, to_directory, to));
}

/* Not every libc has it, and then nobody calls it. */
#pragma weak __real_renameat2
WRAP(int, renameat2,
     (int from_directory, const char *from, int to_directory, const char *to, unsigned flags))
{
	name_given(to);
	name_given(from);
	return NAME(REAL(renameat2)(from_directory, from, to_directory, to, flags));
}

WRAP(int, linkat,
     (int from_directory, const char *from, int to_directory, const char *to, int flags))
{
	name_given(to);
	int result = NAME(REAL(linkat)(from_directory, from, to_directory, to, flags));

	if (!result)
		name_found(to);
	return result;
}

WRAP(int, symlink, (const char *target, const char *path))
{
	name_given(path);
	int result = NAME(REAL(symlink)(target, path));

	if (!result)
		name_found(path);
	return result;
}

WRAP(int, unlinkat, (int directory, const char *path, int flags))
{
	name_given(path);
	return NAME(REAL(unlinkat)(directory, path, flags));
}

WRAP(int, unlink, (const char *path))
{
	name_given(path);
	return NAME(REAL(unlink)(path));
}

WRAP(int, mkdir, (const char *path, mode_t mode))
{
	int result = NAME(REAL(mkdir)(path, mode));

	if (!result)
		name_found(path);
	return result;
}

WRAP(int, rmdir, (const char *path))
{
	name_given(path);
	return NAME(REAL(rmdir)(path));
}

WRAP(int, shm_open, (const char *name, int flags, mode_t mode))
{
	if (flags & O_CREAT)
		name_given(name);
	int fd = EXPLORED ? model_shm_open(HERE, name, flags, mode)
			  : REAL(shm_open)(name, flags, mode);

	if (fd >= 0)
		name_found(name);
	return fd;
}

WRAP(int, shm_unlink, (const char *name))
{
	name_given(name);
	int result = NAME(REAL(shm_unlink)(name));

	return EXPLORED ? model_removed(LEFTOVER_SHM_NAME, 0, name, result) : result;
}

/* ---- locks of files
 * --------------------------------------------------------------------------------- */

WRAP(int, flock, (int fd, int operation))
{
	if ((operation & ~LOCK_NB) == LOCK_UN)
		lock_of_file_released(fd);
	int result = MODELLED ? model_flock(HERE, fd, operation) : REAL(flock)(fd, operation);

	if (!result && (operation & ~LOCK_NB) != LOCK_UN)
		lock_of_file_acquired(fd);
	return result;
}

WRAP(int, lockf, (int fd, int command, off_t length))
{
	if (command == F_ULOCK)
		lock_of_file_released(fd);
	int result = MODELLED ? model_lockf(HERE, fd, command, length)
			      : REAL(lockf)(fd, command, length);

	if (!result && (command == F_LOCK || command == F_TLOCK))
		lock_of_file_acquired(fd);
	return result;
}

static int control(const void *pc, int fd, int command, void *argument)
{
	const struct flock *lock = argument;
	bool locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
		     command == F_OFD_SETLKW;

	if (locks && lock->l_type == F_UNLCK)
		lock_of_file_released(fd);
	int result = locks && MODELLED ? model_fcntl_lock(pc, fd, command, argument)
				       : REAL(fcntl)(fd, command, argument);

	if (locks && result != -1 && lock->l_type != F_UNLCK)
		lock_of_file_acquired(fd);
	return result;
}

int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
	va_list rest;

	va_start(rest, command);
	void *argument = va_arg(rest, void *);

	va_end(rest);
	return control(HERE, fd, command, argument);
}

int __wrap_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...)
{
	va_list rest;

	va_start(rest, command);
	void *argument = va_arg(rest, void *);

	va_end(rest);
	return control(HERE, fd, command, argument);
}
