/* SPDX-License-Identifier: MIT */
/*
 * libipcref-preload.so: programs that know nothing of it get libipcref for libc's functions.
 *
 *	LD_PRELOAD=libipcref-preload.so program
 *
 * IPCREF_PRELOAD names what is to be ours, separated by commas; the rest stays the platform's:
 *
 *	msg semset shm     System V; shm is shm_open, too
 *	mq sem             POSIX; sem is the unnamed ones, too
 *	pipe fifo event    descriptors: read, write, close, dup, poll and so on are ours then
 *
 * Without it, the first two lines.  Who opens a message queue has a descriptor, which is polled and
 * closed as any other: from then on those functions are ours, too.  What libc does to a descriptor
 *by itself is never ours: a program that uses stdio, epoll or sendfile on a pipe can't have ours
 *for it.
 *
 * The library itself means the platform whenever it calls a function of libc.  It is linked with
 * --wrap for those that are defined here (local.mk), so that it calls the platform's without
 *knowing of this file; __wrap_ is the name the linker gives.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ref/ipcref.h"

#define VISIBLE __attribute__((visibility("default")))

/* -- what is ours ----------------------------------------------------------------------------- */

enum family {
	MSG = 1 << 0,
	SEMSET = 1 << 1,
	SHM = 1 << 2,
	MQ = 1 << 3,
	SEM = 1 << 4,
	PIPE = 1 << 5,
	FIFO = 1 << 6,
	EVENT = 1 << 7,
	/* not for IPCREF_PRELOAD: a message queue of ours has been opened */
	HAS_QUEUE = 1 << 8,
	DEFAULT = MSG | SEMSET | SHM | MQ | SEM,
	DESCRIPTORS = PIPE | FIFO | EVENT | HAS_QUEUE,
	IS_KNOWN = 1 << 30
};

static unsigned family_of(const char *name, size_t length)
{
	static const struct {
		const char *name;
		enum family family;
	} families[] = {
		{"msg", MSG}, {"semset", SEMSET}, {"shm", SHM},	  {"mq", MQ},
		{"sem", SEM}, {"pipe", PIPE},	  {"fifo", FIFO}, {"event", EVENT},
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strlen(families[i].name) == length &&
		    memcmp(families[i].name, name, length) == 0)
			return families[i].family;
	fprintf(stderr, "libipcref-preload: IPCREF_PRELOAD: no such family: %.*s\n", (int)length,
		name);
	return 0;
}

static unsigned families_of(const char *names)
{
	unsigned families = 0;

	while (*names) {
		size_t length = strcspn(names, ",");

		if (length)
			families |= family_of(names, length);
		names += length + (names[length] == ',');
	}
	return families;
}

static _Atomic unsigned chosen;

static bool is_ours(unsigned families)
{
	if (!chosen) {
		const char *names = getenv("IPCREF_PRELOAD");
		unsigned none = 0, read = IS_KNOWN | (names ? families_of(names) : DEFAULT);

		/* another thread may have, and a queue besides */
		atomic_compare_exchange_strong(&chosen, &none, read);
	}
	return chosen & families;
}

/* -- what is the platform's ------------------------------------------------------------------- */

/* The function of this name in the libraries behind this one: libc's. */
static void *find_next(const char *name)
{
	int saved = errno;
	void *function = dlsym(RTLD_NEXT, name);

	if (!function) {
		fprintf(stderr, "libipcref-preload: the platform has no %s\n", name);
		abort();
	}
	errno = saved;
	return function;
}

/* Defines __wrap_NAME as the platform's function. */
#define PLATFORM(type, name, parameters, arguments)                                                \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		static void *_Atomic next;                                                         \
		type(*function) parameters;                                                        \
		void *found = next;                                                                \
                                                                                                   \
		if (!found)                                                                        \
			next = found = find_next(#name);                                           \
		memcpy(&function, &found, sizeof(function)); /* no cast leads there in ISO C */    \
		return function arguments;                                                         \
	}

/* Defines NAME: the library's function if one of the families is ours, else the platform's. */
#define POLYFILL(families, type, name, parameters, arguments)                                      \
	PLATFORM(type, name, parameters, arguments)                                                \
	VISIBLE type name parameters                                                               \
	{                                                                                          \
		return is_ours(families) ? ipcref_##name arguments : __wrap_##name arguments;      \
	}

/* -- System V --------------------------------------------------------------------------------- */

union semun {
	int value;
	struct semid_ds *status;
	unsigned short *values;
};

POLYFILL(MSG, int, msgget, (key_t key, int flags), (key, flags))
POLYFILL(MSG, int, msgsnd, (int id, const void *message, size_t size, int flags),
	 (id, message, size, flags))
POLYFILL(MSG, ssize_t, msgrcv, (int id, void *message, size_t size, long type, int flags),
	 (id, message, size, type, flags))
POLYFILL(MSG, int, msgctl, (int id, int command, struct msqid_ds *status), (id, command, status))

POLYFILL(SEMSET, int, semget, (key_t key, int count, int flags), (key, count, flags))
POLYFILL(SEMSET, int, semop, (int id, struct sembuf *operations, size_t count),
	 (id, operations, count))
POLYFILL(SEMSET, int, semtimedop,
	 (int id, struct sembuf *operations, size_t count, const struct timespec *timeout),
	 (id, operations, count, timeout))
PLATFORM(int, semctl, (int id, int number, int command, union semun argument),
	 (id, number, command, argument))

/* With no fourth argument it passes on what isn't looked at, as libc does. */
VISIBLE int semctl(int id, int number, int command, ...)
{
	union semun argument;
	va_list rest;

	va_start(rest, command);
	argument = va_arg(rest, union semun);
	va_end(rest);
	return is_ours(SEMSET) ? ipcref_semctl(id, number, command, argument)
			       : __wrap_semctl(id, number, command, argument);
}

POLYFILL(SHM, int, shmget, (key_t key, size_t size, int flags), (key, size, flags))
POLYFILL(SHM, void *, shmat, (int id, const void *address, int flags), (id, address, flags))
POLYFILL(SHM, int, shmdt, (const void *address), (address))
POLYFILL(SHM, int, shmctl, (int id, int command, struct shmid_ds *status), (id, command, status))

/*
 * Linux's tables of all objects are the kernel's.  Who is told that there are none asks the
 * functions instead, as ipcs(1) does.
 */
static bool is_hidden(const char *path)
{
	static const struct {
		const char *path;
		enum family family;
	} tables[] = {
		{"/proc/sysvipc/msg", MSG},
		{"/proc/sysvipc/sem", SEMSET},
		{"/proc/sysvipc/shm", SHM},
	};

	for (size_t i = 0; path && i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (is_ours(tables[i].family) && strcmp(path, tables[i].path) == 0) {
			errno = ENOENT;
			return true;
		}
	}
	return false;
}

PLATFORM(FILE *, fopen, (const char *path, const char *mode), (path, mode))
VISIBLE FILE *fopen(const char *path, const char *mode)
{
	return is_hidden(path) ? NULL : __wrap_fopen(path, mode);
}

/* -- POSIX ------------------------------------------------------------------------------------ */

PLATFORM(mqd_t, mq_open, (const char *name, int flags, mode_t mode, struct mq_attr *attributes),
	 (name, flags, mode, attributes))

VISIBLE mqd_t mq_open(const char *name, int flags, ...)
{
	struct mq_attr *attributes = NULL;
	mode_t mode = 0;

	if (flags & O_CREAT) {
		va_list rest;

		va_start(rest, flags);
		mode = (mode_t)va_arg(rest, unsigned);
		attributes = va_arg(rest, struct mq_attr *);
		va_end(rest);
	}
	if (!is_ours(MQ))
		return __wrap_mq_open(name, flags, mode, attributes);
	mqd_t queue = ipcref_mq_open(name, flags, mode, attributes);
	if (queue >= 0)
		chosen |= HAS_QUEUE;
	return queue;
}

POLYFILL(MQ, int, mq_close, (mqd_t queue), (queue))
POLYFILL(MQ, int, mq_unlink, (const char *name), (name))
POLYFILL(MQ, int, mq_send, (mqd_t queue, const char *bytes, size_t size, unsigned priority),
	 (queue, bytes, size, priority))
POLYFILL(MQ, int, mq_timedsend,
	 (mqd_t queue, const char *bytes, size_t size, unsigned priority,
	  const struct timespec *deadline),
	 (queue, bytes, size, priority, deadline))
POLYFILL(MQ, ssize_t, mq_receive, (mqd_t queue, char *bytes, size_t size, unsigned *priority),
	 (queue, bytes, size, priority))
POLYFILL(MQ, ssize_t, mq_timedreceive,
	 (mqd_t queue, char *bytes, size_t size, unsigned *priority,
	  const struct timespec *deadline),
	 (queue, bytes, size, priority, deadline))
POLYFILL(MQ, int, mq_getattr, (mqd_t queue, struct mq_attr *attributes), (queue, attributes))
POLYFILL(MQ, int, mq_setattr, (mqd_t queue, const struct mq_attr *attributes, struct mq_attr *old),
	 (queue, attributes, old))
POLYFILL(MQ, int, mq_notify, (mqd_t queue, const struct sigevent *event), (queue, event))

POLYFILL(SHM, int, shm_open, (const char *name, int flags, mode_t mode), (name, flags, mode))
POLYFILL(SHM, int, shm_unlink, (const char *name), (name))

PLATFORM(sem_t *, sem_open, (const char *name, int flags, mode_t mode, unsigned value),
	 (name, flags, mode, value))

VISIBLE sem_t *sem_open(const char *name, int flags, ...)
{
	unsigned value = 0;
	mode_t mode = 0;

	if (flags & O_CREAT) {
		va_list rest;

		va_start(rest, flags);
		mode = (mode_t)va_arg(rest, unsigned);
		value = va_arg(rest, unsigned);
		va_end(rest);
	}
	return is_ours(SEM) ? ipcref_sem_open(name, flags, mode, value)
			    : __wrap_sem_open(name, flags, mode, value);
}

POLYFILL(SEM, int, sem_init, (sem_t * sem, int pshared, unsigned value), (sem, pshared, value))
POLYFILL(SEM, int, sem_destroy, (sem_t * sem), (sem))
POLYFILL(SEM, int, sem_close, (sem_t * sem), (sem))
POLYFILL(SEM, int, sem_unlink, (const char *name), (name))
POLYFILL(SEM, int, sem_wait, (sem_t * sem), (sem))
POLYFILL(SEM, int, sem_trywait, (sem_t * sem), (sem))
POLYFILL(SEM, int, sem_timedwait, (sem_t * sem, const struct timespec *deadline), (sem, deadline))
#ifdef HAVE_SEM_CLOCKWAIT
POLYFILL(SEM, int, sem_clockwait, (sem_t * sem, clockid_t clock, const struct timespec *deadline),
	 (sem, clock, deadline))
#endif
POLYFILL(SEM, int, sem_post, (sem_t * sem), (sem))
POLYFILL(SEM, int, sem_getvalue, (sem_t * sem, int *value), (sem, value))

/* -- descriptors: how one comes by them ------------------------------------------------------- */

POLYFILL(PIPE, int, pipe, (int ends[2]), (ends))
POLYFILL(PIPE, int, pipe2, (int ends[2], int flags), (ends, flags))

POLYFILL(FIFO, int, mkfifo, (const char *path, mode_t mode), (path, mode))
POLYFILL(FIFO, int, mkfifoat, (int directory, const char *path, mode_t mode),
	 (directory, path, mode))
POLYFILL(FIFO, int, mknod, (const char *path, mode_t mode, dev_t device), (path, mode, device))
POLYFILL(FIFO, int, stat, (const char *path, struct stat *status), (path, status))
POLYFILL(FIFO, int, chmod, (const char *path, mode_t mode), (path, mode))

PLATFORM(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode))

/* Any descriptor that is new may have the number of one of ours that is gone. */
static int open_any(const char *path, int flags, mode_t mode)
{
	if (is_hidden(path))
		return -1;
	return is_ours(DESCRIPTORS) ? ipcref_open(path, flags, mode)
				    : __wrap_open(path, flags, mode);
}

static bool has_mode(int flags)
{
#ifdef O_TMPFILE
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return true;
#endif
	return flags & O_CREAT;
}

VISIBLE int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list rest;

	va_start(rest, flags);
	if (has_mode(flags))
		mode = (mode_t)va_arg(rest, unsigned);
	va_end(rest);
	return open_any(path, flags, mode);
}

POLYFILL(EVENT, int, eventfd, (unsigned initial, int flags), (initial, flags))

/* -- descriptors: what is done with them ------------------------------------------------------ */

POLYFILL(DESCRIPTORS, ssize_t, read, (int fd, void *buffer, size_t size), (fd, buffer, size))
POLYFILL(DESCRIPTORS, ssize_t, write, (int fd, const void *buffer, size_t size), (fd, buffer, size))
POLYFILL(DESCRIPTORS, ssize_t, readv, (int fd, const struct iovec *vector, int count),
	 (fd, vector, count))
POLYFILL(DESCRIPTORS, ssize_t, writev, (int fd, const struct iovec *vector, int count),
	 (fd, vector, count))
POLYFILL(DESCRIPTORS, ssize_t, pread, (int fd, void *buffer, size_t size, off_t offset),
	 (fd, buffer, size, offset))
POLYFILL(DESCRIPTORS, ssize_t, pwrite, (int fd, const void *buffer, size_t size, off_t offset),
	 (fd, buffer, size, offset))
POLYFILL(DESCRIPTORS, off_t, lseek, (int fd, off_t offset, int whence), (fd, offset, whence))
POLYFILL(DESCRIPTORS, int, close, (int fd), (fd))
POLYFILL(DESCRIPTORS, int, dup, (int fd), (fd))
POLYFILL(DESCRIPTORS, int, dup2, (int fd, int as), (fd, as))
POLYFILL(DESCRIPTORS, int, dup3, (int fd, int as, int flags), (fd, as, flags))
POLYFILL(DESCRIPTORS, int, fstat, (int fd, struct stat *status), (fd, status))
POLYFILL(DESCRIPTORS, int, fsync, (int fd), (fd))
POLYFILL(DESCRIPTORS, int, ftruncate, (int fd, off_t size), (fd, size))
POLYFILL(DESCRIPTORS, int, posix_fadvise, (int fd, off_t offset, off_t size, int advice),
	 (fd, offset, size, advice))
POLYFILL(DESCRIPTORS, int, posix_fallocate, (int fd, off_t offset, off_t size), (fd, offset, size))
POLYFILL(DESCRIPTORS, void *, mmap,
	 (void *address, size_t size, int protection, int flags, int fd, off_t offset),
	 (address, size, protection, flags, fd, offset))
POLYFILL(DESCRIPTORS, int, poll, (struct pollfd * descriptors, nfds_t count, int milliseconds),
	 (descriptors, count, milliseconds))
POLYFILL(DESCRIPTORS, int, ppoll,
	 (struct pollfd * descriptors, nfds_t count, const struct timespec *timeout,
	  const sigset_t *mask),
	 (descriptors, count, timeout, mask))
POLYFILL(DESCRIPTORS, int, select,
	 (int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
	  struct timeval *timeout),
	 (count, readable, writable, exceptional, timeout))
POLYFILL(DESCRIPTORS, int, pselect,
	 (int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
	  const struct timespec *timeout, const sigset_t *mask),
	 (count, readable, writable, exceptional, timeout, mask))

PLATFORM(int, fcntl, (int fd, int command, long argument), (fd, command, argument))

VISIBLE int fcntl(int fd, int command, ...)
{
	va_list rest;
	long argument; /* or an int or a pointer, or none: as libc does it */

	va_start(rest, command);
	argument = va_arg(rest, long);
	va_end(rest);
	return is_ours(DESCRIPTORS) ? ipcref_fcntl(fd, command, argument)
				    : __wrap_fcntl(fd, command, argument);
}

#ifdef __GLIBC__
typedef unsigned long ioctl_request;
#else
typedef int ioctl_request;
#endif
PLATFORM(int, ioctl, (int fd, ioctl_request request, void *argument), (fd, request, argument))

VISIBLE int ioctl(int fd, ioctl_request request, ...)
{
	va_list rest;
	void *argument;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	return is_ours(DESCRIPTORS) ? ipcref_ioctl(fd, (unsigned long)request, argument)
				    : __wrap_ioctl(fd, request, argument);
}

/* libc's own would read and write without asking this file. */
VISIBLE int eventfd_read(int fd, eventfd_t *value)
{
	return read(fd, value, sizeof(*value)) == sizeof(*value) ? 0 : -1;
}

VISIBLE int eventfd_write(int fd, eventfd_t value)
{
	return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

/* -- other names of the same ------------------------------------------------------------------ */

/* Of glibc: for large files, where all files may be large anyway; with checks (_FORTIFY_SOURCE). */
#ifdef __GLIBC__
#define ALIAS(type, other, name, parameters)                                                       \
	VISIBLE type other parameters __attribute__((alias(#name)));

ALIAS(ssize_t, pread64, pread, (int fd, void *buffer, size_t size, off64_t offset))
ALIAS(ssize_t, pwrite64, pwrite, (int fd, const void *buffer, size_t size, off64_t offset))
ALIAS(off64_t, lseek64, lseek, (int fd, off64_t offset, int whence))
ALIAS(int, open64, open, (const char *path, int flags, ...))
ALIAS(int, fcntl64, fcntl, (int fd, int command, ...))
ALIAS(int, ftruncate64, ftruncate, (int fd, off64_t size))
ALIAS(int, posix_fadvise64, posix_fadvise, (int fd, off64_t offset, off64_t size, int advice))
ALIAS(int, posix_fallocate64, posix_fallocate, (int fd, off64_t offset, off64_t size))
ALIAS(void *, mmap64, mmap,
      (void *address, size_t size, int protection, int flags, int fd, off64_t offset))
ALIAS(FILE *, fopen64, fopen, (const char *path, const char *mode))

VISIBLE int stat64(const char *path, struct stat64 *status)
{
	return stat(path, (struct stat *)status);
}

VISIBLE int fstat64(int fd, struct stat64 *status)
{
	return fstat(fd, (struct stat *)status);
}

/*
 * What libc's headers make of a call whose arguments they can check: the size is the buffer's.  The
 * library's own calls are of these, too, if it is built with such checks.
 */
#define CHECKED(type, name, parameters, arguments, size, room, call)                               \
	PLATFORM(type, name, parameters, arguments)                                                \
	VISIBLE type name parameters;                                                              \
	VISIBLE type name parameters                                                               \
	{                                                                                          \
		if ((size) > (room))                                                               \
			abort();                                                                   \
		return call;                                                                       \
	}

CHECKED(ssize_t, __read_chk, (int fd, void *buffer, size_t size, size_t room),
	(fd, buffer, size, room), size, room, read(fd, buffer, size))
CHECKED(ssize_t, __pread_chk, (int fd, void *buffer, size_t size, off_t offset, size_t room),
	(fd, buffer, size, offset, room), size, room, pread(fd, buffer, size, offset))
CHECKED(ssize_t, __pread64_chk, (int fd, void *buffer, size_t size, off_t offset, size_t room),
	(fd, buffer, size, offset, room), size, room, pread(fd, buffer, size, offset))
CHECKED(int, __poll_chk, (struct pollfd * polled, nfds_t count, int milliseconds, size_t room),
	(polled, count, milliseconds, room), count, room / sizeof(*polled),
	poll(polled, count, milliseconds))
CHECKED(int, __ppoll_chk,
	(struct pollfd * polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
	 size_t room),
	(polled, count, timeout, mask, room), count, room / sizeof(*polled),
	ppoll(polled, count, timeout, mask))
/* with no mode, which nothing that makes a file may lack */
CHECKED(int, __open_2, (const char *path, int flags), (path, flags), has_mode(flags), false,
	open(path, flags))
CHECKED(int, __open64_2, (const char *path, int flags), (path, flags), has_mode(flags), false,
	open(path, flags))
CHECKED(mqd_t, __mq_open_2, (const char *name, int flags), (name, flags), flags &O_CREAT, 0,
	mq_open(name, flags))
#endif
