/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of what can make wait: pipes, FIFOs, sockets, eventfds, terminals.  Whether a call
 * would, poll tells beforehand, and as nobody else runs it is still so when the call comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sched/model.h"
#include "sched/real.h"

int REAL(lockf)(int fd, int command, off_t length);
int REAL(openat)(int directory, const char *path, int flags, ...);
int REAL(poll)(struct pollfd *fds, nfds_t count, int milliseconds);

enum {
	OBJECT_PIPE = 5,
	OBJECT_SOCKETS = 6,
	OBJECT_ANONYMOUS = 7,
	OBJECT_FILES = 8,
	OBJECT_LOCK = 9,
	OBJECT_NAMES = 10
};

/*
 * A pipe is a thing of its own.  Which sockets belong together isn't known here, nor which eventfd
 * is which: all of them are one, so that at worst somebody looks again in vain.
 */
static uint64_t key_of(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return 0;
	if (S_ISFIFO(status.st_mode))
		return key_of_object(OBJECT_PIPE, status.st_dev, status.st_ino);
	if (S_ISSOCK(status.st_mode))
		return key_of_object(OBJECT_SOCKETS, 0, 0);
	if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode) ||
	    S_ISCHR(status.st_mode))
		return 0; /* never makes wait, or is the world outside */
	return key_of_object(OBJECT_ANONYMOUS, 0, 0);
}

/* All descriptors that somebody polls. */
static uint64_t all_files(void)
{
	return key_of_object(OBJECT_FILES, 0, 0);
}

static bool is_ready(int fd, short events)
{
	struct pollfd ask = {.fd = fd, .events = events};

	return REAL(poll)(&ask, 1, 0) != 0;
}

/* Somebody else may have to do something first. */
static bool wait_until_ready(const struct operation *operation, int fd, short events)
{
	int flags = REAL(fcntl)(fd, F_GETFL);

	while (!(flags & O_NONBLOCK) && !is_ready(fd, events))
		if (sched_block(operation, FOREVER) == INTERRUPTED) {
			errno = EINTR;
			return false;
		}
	return true;
}

bool model_file_before(const void *pc, enum operation_kind kind, int fd, short events)
{
	uint64_t key = key_of(fd);

	if (!key)
		return true;
	struct operation operation = model_operation(kind, key, pc);
	sched_point(&operation);
	return events == 0 || wait_until_ready(&operation, fd, events);
}

ssize_t model_file_after(int fd, ssize_t result)
{
	int saved = errno;
	uint64_t key = key_of(fd);

	if (result < 0)
		runtime_unchanged();
	if (key) {
		sched_wake(key);
		sched_wake(all_files());
	}
	errno = saved;
	return result;
}

static bool is_pipe_or_stream(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

/* Piece by piece, each as much as there is room for. */
static ssize_t write_in_pieces(const struct operation *operation, int fd, const char *bytes,
			       size_t size)
{
	int flags = REAL(fcntl)(fd, F_GETFL);
	size_t done = 0;
	ssize_t wrote = 0;

	while (done < size) {
		if (!wait_until_ready(operation, fd, POLLOUT))
			return done ? (ssize_t)done : -1;
		REAL(fcntl)(fd, F_SETFL, flags | O_NONBLOCK);
		wrote = REAL(write)(fd, bytes + done, size - done);
		int saved = errno;
		REAL(fcntl)(fd, F_SETFL, flags);
		errno = saved;
		if (wrote < 0 && errno == EAGAIN) { /* ready, but not for so much at once */
			if (sched_block(operation, FOREVER) == INTERRUPTED) {
				errno = EINTR;
				return done ? (ssize_t)done : -1;
			}
			continue;
		}
		if (wrote < 0)
			return done ? (ssize_t)done : -1;
		done += (size_t)wrote;
		model_file_after(fd, 0);
	}
	return (ssize_t)done;
}

ssize_t model_write(const void *pc, int fd, const void *buffer, size_t size)
{
	uint64_t key = key_of(fd);

	if (!key)
		return REAL(write)(fd, buffer, size);
	struct operation writes = model_operation(OPERATION_FILE_WRITE, key, pc);
	sched_point(&writes);
	if (is_pipe_or_stream(fd) && size > 0 && !(REAL(fcntl)(fd, F_GETFL) & O_NONBLOCK))
		return write_in_pieces(&writes, fd, buffer, size);
	if (!wait_until_ready(&writes, fd, POLLOUT))
		return -1;
	return model_file_after(fd, REAL(write)(fd, buffer, size));
}

static uint64_t lock_of(int fd)
{
	struct stat status = {0};

	fstat(fd, &status);
	return key_of_object(OBJECT_LOCK, status.st_dev, status.st_ino);
}

int model_close(const void *pc, int fd)
{
	uint64_t key = key_of(fd);

	if (!key && arena->locks_files && REAL(fcntl)(fd, F_GETFD) >= 0)
		key = lock_of(fd);
	if (!key)
		return REAL(close)(fd);
	struct operation closes = model_operation(OPERATION_FILE_CLOSE, key, pc);
	sched_point(&closes);
	int result = REAL(close)(fd);
	int saved = errno;
	sched_wake(key);
	sched_wake(all_files());
	errno = saved;
	return result;
}

int model_await_files(const void *pc, int (*try)(void *argument), void *argument, int64_t timeout)
{
	struct operation polls = model_operation(OPERATION_POLL, all_files(), pc);
	int64_t end = arena->now + timeout;
	int ready;

	polls.access = ACCESS_READ;
	sched_point(&polls);
	while ((ready = try(argument)) == 0) {
		if (timeout == 0)
			return 0;
		switch (sched_block(&polls, timeout < 0 ? FOREVER : end - arena->now)) {
		case TIMED_OUT:
			return 0;
		case INTERRUPTED:
			errno = EINTR;
			return -1;
		default:
			break;
		}
	}
	return ready;
}

struct polled {
	struct pollfd *fds;
	nfds_t count;
};

static int try_poll(void *argument)
{
	struct polled *polled = argument;

	return REAL(poll)(polled->fds, polled->count, 0);
}

int model_poll(const void *pc, struct pollfd *fds, nfds_t count, int milliseconds)
{
	struct polled polled = {fds, count};

	return model_await_files(pc, try_poll, &polled,
				 milliseconds < 0 ? FOREVER : milliseconds * INT64_C(1000000));
}

int model_flock(const void *pc, int fd, int operation)
{
	struct operation locks = model_operation(OPERATION_FILE_LOCK, lock_of(fd), pc);
	int result;

	arena->locks_files = true;
	sched_point(&locks);
	while ((result = REAL(flock)(fd, operation | LOCK_NB)) < 0 && errno == EWOULDBLOCK &&
	       !(operation & LOCK_NB))
		if (sched_block(&locks, FOREVER) == INTERRUPTED) {
			errno = EINTR;
			return -1;
		}
	/* an upgrade lets go first, and an unlock anyway */
	sched_wake(locks.key);
	if (result < 0)
		runtime_unchanged();
	return result;
}

int model_fcntl_lock(const void *pc, int fd, int command, struct flock *lock)
{
	struct operation locks = model_operation(OPERATION_FILE_LOCK, lock_of(fd), pc);
	bool waits = command == F_SETLKW || command == F_OFD_SETLKW;
	int tries = command == F_SETLKW ? F_SETLK : command == F_OFD_SETLKW ? F_OFD_SETLK : command;
	int result;

	arena->locks_files = true;
	sched_point(&locks);
	while ((result = REAL(fcntl)(fd, tries, lock)) < 0 && waits &&
	       (errno == EAGAIN || errno == EACCES))
		if (sched_block(&locks, FOREVER) == INTERRUPTED) {
			errno = EINTR;
			return -1;
		}
	sched_wake(locks.key);
	if (result < 0)
		runtime_unchanged();
	return result;
}

int model_lockf(const void *pc, int fd, int command, off_t length)
{
	struct flock lock = {.l_type = command == F_ULOCK ? F_UNLCK : F_WRLCK,
			     .l_whence = SEEK_CUR,
			     .l_len = length};

	if (command != F_LOCK && command != F_TLOCK && command != F_ULOCK)
		return REAL(lockf)(fd, command, length);
	return model_fcntl_lock(pc, fd, command == F_LOCK ? F_SETLKW : F_SETLK, &lock);
}

/* ---- names ---- */

void model_name_point(const void *pc, enum operation_kind kind, bool changes)
{
	struct operation names = model_operation(kind, key_of_object(OBJECT_NAMES, 0, 0), pc);

	if (!changes)
		names.access = ACCESS_READ;
	sched_point(&names);
}

int model_name_changed(int result)
{
	if (result < 0)
		runtime_unchanged();
	return result;
}

/* Who reads a FIFO waits for who writes it, and the other way round. */
static bool has_writer(int fd)
{
	int bytes = 0;
	char byte;

	if (ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0)
		return true;
	return REAL(read)(fd, &byte, 1) < 0 && errno == EAGAIN;
}

static int open_fifo(const void *pc, int directory, const char *path, int flags,
		     const struct stat *status)
{
	struct operation opens =
		model_operation(OPERATION_FILE_OPEN,
				key_of_object(OBJECT_PIPE, status->st_dev, status->st_ino), pc);
	bool writes = (flags & O_ACCMODE) == O_WRONLY;
	int fd;

	sched_point(&opens);
	while ((fd = REAL(openat)(directory, path, flags | O_NONBLOCK)) < 0)
		if (errno != ENXIO || sched_block(&opens, FOREVER) == INTERRUPTED)
			return -1;
	sched_wake(opens.key);
	sched_wake(all_files());
	while (!writes && !has_writer(fd))
		if (sched_block(&opens, FOREVER) == INTERRUPTED) {
			REAL(close)(fd);
			errno = EINTR;
			return -1;
		}
	REAL(fcntl)(fd, F_SETFL, REAL(fcntl)(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

int model_open(const void *pc, int directory, const char *path, int flags, mode_t mode)
{
	struct stat status;

	if (!(flags & O_NONBLOCK) && (flags & O_ACCMODE) != O_RDWR &&
	    fstatat(directory, path, &status, 0) == 0 && S_ISFIFO(status.st_mode))
		return open_fifo(pc, directory, path, flags, &status);
	model_name_point(pc, OPERATION_FILE_OPEN, flags & (O_CREAT | O_TRUNC));
	return model_name_changed(REAL(openat)(directory, path, flags, mode));
}
