/* SPDX-License-Identifier: MIT */
/*
 * libipcts-fault.so: IPC that fails on command, for programs that know nothing of it.
 *
 *	LD_PRELOAD=libipcts-fault.so FIU_ENABLE='enable name=ipc/sem/sem_post,failnum=3,onetime'
 *program
 *
 * The functions of all.points, defined before libc's.  Each looks at one word and calls libc's;
 *only where its point is enabled does it ask libfiu.  Both libfiu and this library call such
 *functions themselves, for instance a lock in each question: own_calls and is_libfiu tell these
 *from the program's.  A signal handler that interrupts a question finds own_calls set, and so never
 *waits for what its own thread holds.
 *
 * See libipcts-fault(7).
 */
#undef _FORTIFY_SOURCE /* it would define some of them, too */
#define FIU_ENABLE 1   /* the prototypes of fiu.h */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fiu.h>
#include <limits.h>
#include <link.h>
#include <linux/magic.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fault/preload/plan.h"
#include "fault/preload/point.h"

#define VISIBLE __attribute__((visibility("default")))

union semun {
	int value;
	struct semid_ds *status;
	unsigned short *values;
};

/* glibc declares these with unions of pointers to every kind of address. */
#ifdef __GLIBC__
typedef __CONST_SOCKADDR_ARG given_address;
typedef __SOCKADDR_ARG told_address;
#else
typedef const struct sockaddr *given_address;
typedef struct sockaddr *told_address;
#endif

/* -- libc's functions ------------------------------------------------------------------------- */

#define POINT(family, type, name, ...) static __typeof__(name) *next_##name;
#define SHORT_POINT POINT
#define VARIADIC_POINT POINT
#include "fault/preload/all.points"
#undef POINT
#undef SHORT_POINT
#undef VARIADIC_POINT

/* Where each pointer is: written byte by byte, as no cast makes a function's of dlsym()'s. */
static void *const nexts[POINTS] = {
#define POINT(family, type, name, ...) [P_##name] = &next_##name,
#define SHORT_POINT POINT
#define VARIADIC_POINT POINT
#include "fault/preload/all.points"
#undef POINT
#undef SHORT_POINT
#undef VARIADIC_POINT
};

/* In the constructor; or before, when the constructor of another library calls one of them. */
static void resolve(void)
{
	int saved = errno;

	own_calls++;
	for (int i = 0; i < POINTS; i++) {
		void *found = dlsym(RTLD_NEXT, points[i].function);

		/* A program can't call what none of its libraries has. */
		if (found)
			memcpy(nexts[i], &found, sizeof(found));
		attention[i] &= ~(unsigned)UNRESOLVED;
	}
	own_calls--;
	errno = saved;
}

/* -- whose call it is ------------------------------------------------------------------------- */

/* Where libfiu is: its thread that obeys fiu-ctrl is no part of the program. */
static uintptr_t libfiu_begin, libfiu_end;

static int find_libfiu(struct dl_phdr_info *object, size_t size, void *unused)
{
	uintptr_t begin = UINTPTR_MAX, end = 0, inside = (uintptr_t)fiu_fail;

	(void)size, (void)unused;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t at = object->dlpi_addr + segment->p_vaddr;

		if (segment->p_type != PT_LOAD)
			continue;
		begin = at < begin ? at : begin;
		end = at + segment->p_memsz > end ? at + segment->p_memsz : end;
	}
	if (inside < begin || inside >= end)
		return 0;
	libfiu_begin = begin;
	libfiu_end = end;
	return 1;
}

static bool is_libfiu(const void *caller)
{
	return (uintptr_t)caller >= libfiu_begin && (uintptr_t)caller < libfiu_end;
}

__attribute__((constructor)) static void begin(void)
{
	resolve();
	dl_iterate_phdr(find_libfiu, NULL);
	plan_begin();
}

/* Whether a call of the point, which attention is to be paid to, may be faulted. */
static bool is_exposed(int point, const void *caller)
{
	if (attention[point] & UNRESOLVED)
		resolve();
	return attention[point] && !own_calls && !is_libfiu(caller);
}

/* -- what is of IPC --------------------------------------------------------------------------- */

static bool has_status(int fd, struct stat *status)
{
	int saved = errno;
	bool has = fstat(fd, status) == 0;

	errno = saved;
	return has;
}

/* Pipes, sockets, and what is only a descriptor: event counters, epoll and the like. */
static bool is_ipc(int fd)
{
	struct stat status;

	return has_status(fd, &status) && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) ||
					   (status.st_mode & S_IFMT) == 0);
}

/* What shm_open() and memfd_create() make. */
static bool is_memory(int fd)
{
	struct statfs system;
	int saved = errno;
	bool is = fstatfs(fd, &system) == 0 &&
		  (system.f_type == TMPFS_MAGIC || system.f_type == HUGETLBFS_MAGIC);

	errno = saved;
	return is;
}

/* Whether the bytes of one call may arrive in parts. */
static bool is_stream(int fd)
{
	socklen_t size = sizeof(int);
	struct stat status;
	int type, saved = errno;
	bool is = false;

	if (has_status(fd, &status))
		is = S_ISFIFO(status.st_mode) ||
		     (S_ISSOCK(status.st_mode) &&
		      next_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
		      type == SOCK_STREAM);
	errno = saved;
	return is;
}

/* A pipe takes PIPE_BUF bytes whole. */
static bool writes_stream(int fd, size_t size)
{
	struct stat status;

	return is_stream(fd) &&
	       !(has_status(fd, &status) && S_ISFIFO(status.st_mode) && size <= PIPE_BUF);
}

/* Whether the line "begin-end rws..." of /proc/self/maps is of the address, and shared. */
static bool is_shared_line(const char *line, uintptr_t address)
{
	char *rest;
	uintptr_t from = strtoul(line, &rest, 16);
	uintptr_t to = *rest == '-' ? strtoul(rest + 1, &rest, 16) : 0;

	return address >= from && address < to && strlen(rest) > 4 && rest[4] == 's';
}

/* Asked only where the point is enabled; allocates nothing, for signal handlers. */
static bool is_shared(const void *address)
{
	int saved = errno, maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	char line[64], bytes[512];
	size_t length = 0;
	bool is = false;
	ssize_t got;

	while (maps >= 0 && !is && (got = next_read(maps, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (bytes[i] != '\n') {
				if (length < sizeof(line) - 1)
					line[length++] = bytes[i];
				continue;
			}
			line[length] = '\0';
			length = 0;
			is = is || is_shared_line(line, (uintptr_t)address);
		}
	}
	if (maps >= 0)
		next_close(maps);
	errno = saved;
	return is;
}

/* -- less than asked -------------------------------------------------------------------------- */

/* At least 1 of what isn't nothing: a transfer of nothing would be an end. */
static size_t less(size_t size, size_t limit)
{
	if (limit == HALF)
		limit = size > 1 ? size / 2 : 1;
	return size < limit ? size : limit;
}

static size_t size_of_vector(const struct iovec *vector, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += vector[i].iov_len;
	return size;
}

/* The first element that isn't empty, and less of it than of all. */
static struct iovec less_of_vector(const struct iovec *vector, size_t count, size_t limit)
{
	struct iovec first = vector[0];

	for (size_t i = 1; i < count && first.iov_len == 0; i++)
		first = vector[i];
	first.iov_len = less(first.iov_len, limit);
	return first;
}

static ssize_t read_less(int fd, const struct iovec *vector, int count, size_t limit)
{
	struct iovec first = less_of_vector(vector, (size_t)count, limit);

	return next_readv(fd, &first, 1);
}

static ssize_t write_less(int fd, const struct iovec *vector, int count, size_t limit)
{
	struct iovec first = less_of_vector(vector, (size_t)count, limit);

	return next_writev(fd, &first, 1);
}

static ssize_t send_less(int fd, const struct msghdr *message, int flags, size_t limit)
{
	struct msghdr shorter = *message;
	struct iovec first;

	if (message->msg_iovlen > 0) {
		first = less_of_vector(message->msg_iov, message->msg_iovlen, limit);
		shorter.msg_iov = &first;
		shorter.msg_iovlen = 1;
	}
	return next_sendmsg(fd, &shorter, flags);
}

static ssize_t receive_less(int fd, struct msghdr *message, int flags, size_t limit)
{
	struct msghdr asked = *message;
	struct iovec first;
	ssize_t received;

	if (message->msg_iovlen > 0) {
		first = less_of_vector(message->msg_iov, message->msg_iovlen, limit);
		message->msg_iov = &first;
		message->msg_iovlen = 1;
	}
	received = next_recvmsg(fd, message, flags);
	message->msg_iov = asked.msg_iov;
	message->msg_iovlen = asked.msg_iovlen;
	return received;
}

/* -- refusals --------------------------------------------------------------------------------- */

static int minus_one(int error)
{
	errno = error;
	return -1;
}

/* Linux closes it whatever close() returns, so who doesn't try again must not be left with it. */
static int closed_all_the_same(int fd, int error)
{
	if (error != EBADF)
		next_close(fd);
	return minus_one(error);
}

/* The flags are those of send(). */
static int unsent(int error, int flags)
{
	if (error == EPIPE && !(flags & MSG_NOSIGNAL))
		raise(SIGPIPE);
	return minus_one(error);
}

#define MINUS_ONE minus_one(faults.error)
#define ERROR_CODE faults.error
#define NOWHERE (minus_one(faults.error), (void *)-1)
#define NO_SEMAPHORE (minus_one(faults.error), SEM_FAILED)
#define UNSENT(flags) unsent(faults.error, flags)
#define CLOSED_ALL_THE_SAME closed_all_the_same(fd, faults.error)

/* -- the functions ---------------------------------------------------------------------------- */

#define BY_CALLER(...) (const void *caller, __VA_ARGS__)
#define FROM_HERE(...) (__builtin_return_address(0), __VA_ARGS__)
#define RARE __attribute__((noinline, cold)) static

/* What attention is to be paid to.  Where libfiu says so, CALL is made instead of libc's. */
#define DEFINE_FAULT(type, name, parameters, arguments, when, refusal, may_be_short, call)         \
	RARE type fault_##name BY_CALLER parameters                                                \
	{                                                                                          \
		struct faults faults;                                                              \
		type result;                                                                       \
		size_t limit;                                                                      \
                                                                                                   \
		if (!is_exposed(P_##name, caller) || !(when))                                      \
			return next_##name arguments;                                              \
		faults = strike(P_##name);                                                         \
		if (faults.error)                                                                  \
			return refusal;                                                            \
		limit = faults.limit;                                                              \
		result = limit != NO_LIMIT && (may_be_short) ? call : next_##name arguments;       \
		if (faults.dies_after)                                                             \
			die();                                                                     \
		return result;                                                                     \
	}

#define DEFINE(type, name, parameters, arguments)                                                  \
	VISIBLE type name parameters                                                               \
	{                                                                                          \
		if (__builtin_expect(attention[P_##name] == 0, 1))                                 \
			return next_##name arguments;                                              \
		return fault_##name FROM_HERE arguments;                                           \
	}

#define SHORT_POINT(family, type, name, parameters, arguments, when, refusal, may_be_short, call,  \
		    errnos)                                                                        \
	DEFINE_FAULT(type, name, parameters, arguments, when, refusal, may_be_short, call)         \
	DEFINE(type, name, parameters, arguments)
#define POINT(family, type, name, parameters, arguments, when, refusal, errnos)                    \
	DEFINE_FAULT(type, name, parameters, arguments, when, refusal, false,                      \
		     next_##name arguments)                                                        \
	DEFINE(type, name, parameters, arguments)
#define VARIADIC_POINT(family, type, name, parameters, arguments, when, refusal, errnos)           \
	DEFINE_FAULT(type, name, parameters, arguments, when, refusal, false, next_##name arguments)
#include "fault/preload/all.points"
#undef POINT
#undef SHORT_POINT
#undef VARIADIC_POINT

/* -- optional arguments ----------------------------------------------------------------------- */

VISIBLE mqd_t mq_open(const char *queue, int flags, ...)
{
	struct mq_attr *attributes = NULL;
	mode_t mode = 0;
	va_list rest;

	va_start(rest, flags);
	if (flags & O_CREAT) {
		mode = (mode_t)va_arg(rest, unsigned);
		attributes = va_arg(rest, struct mq_attr *);
	}
	va_end(rest);
	return fault_mq_open FROM_HERE(queue, flags, mode, attributes);
}

VISIBLE sem_t *sem_open(const char *path, int flags, ...)
{
	unsigned value = 0;
	mode_t mode = 0;
	va_list rest;

	va_start(rest, flags);
	if (flags & O_CREAT) {
		mode = (mode_t)va_arg(rest, unsigned);
		value = va_arg(rest, unsigned);
	}
	va_end(rest);
	return fault_sem_open FROM_HERE(path, flags, mode, value);
}

/* With no fourth argument it passes on what isn't looked at, as libc does. */
VISIBLE int semctl(int id, int number, int command, ...)
{
	union semun argument;
	va_list rest;

	va_start(rest, command);
	argument = va_arg(rest, union semun);
	va_end(rest);
	return fault_semctl FROM_HERE(id, number, command, argument);
}

VISIBLE void *mremap(void *old, size_t old_size, size_t size, int flags, ...)
{
	void *address = NULL;
	va_list rest;

	va_start(rest, flags);
	if (flags & MREMAP_FIXED)
		address = va_arg(rest, void *);
	va_end(rest);
	return fault_mremap FROM_HERE(old, old_size, size, flags, address);
}

/* -- other names of the same ------------------------------------------------------------------ */

/* Of glibc: for large files, where all files may be large anyway; with checks (_FORTIFY_SOURCE). */
#ifdef __GLIBC__
#define ALIAS(type, other, name, parameters)                                                       \
	VISIBLE type other parameters __attribute__((alias(#name)));

ALIAS(int, ftruncate64, ftruncate, (int fd, off64_t size))
ALIAS(int, posix_fallocate64, posix_fallocate, (int fd, off64_t offset, off64_t size))
ALIAS(void *, mmap64, mmap,
      (void *address, size_t size, int protection, int flags, int fd, off64_t offset))

/* What libc's headers make of a call whose arguments they can check: the size is the buffer's. */
#define CHECKED(type, name, parameters, size, room, call)                                          \
	VISIBLE type name parameters;                                                              \
	VISIBLE type name parameters                                                               \
	{                                                                                          \
		if ((size) > (room))                                                               \
			abort();                                                                   \
		return call;                                                                       \
	}

CHECKED(ssize_t, __read_chk, (int fd, void *buffer, size_t size, size_t room), size, room,
	read(fd, buffer, size))
CHECKED(ssize_t, __recv_chk, (int fd, void *buffer, size_t size, size_t room, int flags), size,
	room, recv(fd, buffer, size, flags))
CHECKED(ssize_t, __recvfrom_chk,
	(int fd, void *buffer, size_t size, size_t room, int flags, told_address address,
	 socklen_t *address_size),
	size, room, recvfrom(fd, buffer, size, flags, address, address_size))
CHECKED(int, __poll_chk, (struct pollfd * polled, nfds_t count, int milliseconds, size_t room),
	count, room / sizeof(*polled), poll(polled, count, milliseconds))
CHECKED(int, __ppoll_chk,
	(struct pollfd * polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
	 size_t room),
	count, room / sizeof(*polled), ppoll(polled, count, timeout, mask))
/* with no mode, which nothing that makes a queue may lack */
CHECKED(mqd_t, __mq_open_2, (const char *queue, int flags), flags &O_CREAT, 0,
	mq_open(queue, flags))
#endif
