/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "stage/perform.h"

unsigned char pattern(long long at)
{
	return (unsigned char)((at * 31 + at / 251) & 0xFF);
}

unsigned char *pattern_from(long long from, long long count)
{
	unsigned char *bytes = malloc(count > 0 ? (size_t)count : 1);

	for (long long i = 0; bytes && i < count; i++)
		bytes[i] = pattern(from + i);
	return bytes;
}

PERFORM(fd, read)
{
	size_t size = (size_t)o->n[0];
	int fd = handle_fd(o->handle);

	memset(out->bytes, POISON, size < OUTCOME_BYTES ? size : OUTCOME_BYTES);
	if (CALL(fd, read, fd, out->bytes, size))
		outcome_has_bytes(out, (size_t)out->value);
}

PERFORM(fd, write)
{
	CALL(fd, write, handle_fd(o->handle), o->bytes, o->size);
}

PERFORM(fd, write_bytes)
{
	CALL(fd, write, handle_fd(o->handle), o->bytes, o->size);
}

PERFORM(fd, write_pattern)
{
	unsigned char *bytes = pattern_from(o->n[0], o->n[1]);

	CALL(fd, write, handle_fd(o->handle), bytes, (size_t)o->n[1]);
	free(bytes);
}

PERFORM(fd, read_pattern)
{
	unsigned char *bytes = malloc((size_t)o->n[1] + 1);

	if (CALL(fd, read, handle_fd(o->handle), bytes, (size_t)o->n[1]))
		for (long long i = 0; i < out->value; i++)
			must_be(bytes[i], pattern(o->n[0] + i));
	free(bytes);
}

/* The flags as they were, with O_NONBLOCK set from now on; -1: they can't be had. */
static int unblock(int fd)
{
	int flags = impl->fd->fcntl(fd, F_GETFL, 0);

	if (flags >= 0)
		impl->fd->fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	return flags;
}

PERFORM(fd, fill)
{
	int fd = handle_fd(o->handle), flags = unblock(fd);
	long long sum = 0;

	for (;;) {
		unsigned char *bytes = pattern_from(sum, o->n[0]);
		bool more = CALL(fd, write, fd, bytes, (size_t)o->n[0]);

		free(bytes);
		if (!more)
			break;
		sum += out->value;
		must(sum < 1LL << 30);
	}
	if (out->error == EAGAIN || out->error == EWOULDBLOCK)
		outcome_is(out, sum);
	impl->fd->fcntl(fd, F_SETFL, flags);
}

PERFORM(fd, drain)
{
	int fd = handle_fd(o->handle), flags = unblock(fd);
	long long sum = 0;

	while (CALL(fd, read, fd, out->bytes, OUTCOME_BYTES) && out->value > 0)
		sum += out->value;
	if (!out->error || out->error == EAGAIN || out->error == EWOULDBLOCK)
		outcome_is(out, sum);
	impl->fd->fcntl(fd, F_SETFL, flags);
}

PERFORM(fd, close)
{
	CALL(fd, close, handle_fd(o->handle));
}

PERFORM(fd, dup)
{
	if (CALL(fd, dup, handle_fd(o->handle)))
		set_handle(o->other, out->value, NULL);
}

PERFORM(fd, is_open)
{
	CALL(fd, fcntl, handle_fd(o->handle), F_GETFD, 0);
	if (out->error == 0 || out->error == EBADF)
		outcome_is(out, out->error == 0);
}

PERFORM(fd, set_flags)
{
	CALL(fd, fcntl, handle_fd(o->handle), F_SETFL, (long)o->n[0]);
}

PERFORM(fd, flags)
{
	CALL(fd, fcntl, handle_fd(o->handle), F_GETFL, 0);
}

PERFORM(fd, set_cloexec)
{
	CALL(fd, fcntl, handle_fd(o->handle), F_SETFD, o->n[0] ? FD_CLOEXEC : 0);
}

PERFORM(fd, cloexec)
{
	if (CALL(fd, fcntl, handle_fd(o->handle), F_GETFD, 0))
		out->value = (out->value & FD_CLOEXEC) != 0;
}

PERFORM(fd, fcntl)
{
	CALL(fd, fcntl, handle_fd(o->handle), (int)o->n[0], (long)o->n[1]);
}

PERFORM(fd, readable_bytes)
{
	int count;

	memset(&count, POISON, sizeof(count));
	if (CALL(fd, ioctl, handle_fd(o->handle), FIONREAD, &count))
		out->value = count;
}

PERFORM(fd, seek)
{
	CALL(fd, lseek, handle_fd(o->handle), (off_t)o->n[0], SEEK_SET);
}

PERFORM(fd, pread)
{
	if (CALL(fd, pread, handle_fd(o->handle), out->bytes, (size_t)o->n[0], (off_t)o->n[1]))
		outcome_has_bytes(out, (size_t)out->value);
}

PERFORM(fd, pwrite)
{
	CALL(fd, pwrite, handle_fd(o->handle), o->bytes, o->size, (off_t)o->n[0]);
}

PERFORM(fd, poll)
{
	struct pollfd descriptor = {handle_fd(o->handle), (short)o->n[0], 0};

	memset(&descriptor.revents, POISON, sizeof(descriptor.revents));
	if (CALL(fd, poll, &descriptor, 1, (int)o->n[1])) {
		must_be(descriptor.revents != 0, out->value);
		out->n[0] = out->value = descriptor.revents;
	}
}

enum { VECTOR = 3, VECTOR_ROOM = 1024 };

/* What came must be in the buffers' order, and no buffer filled beyond it. */
PERFORM(fd, readv)
{
	unsigned char buffers[VECTOR][VECTOR_ROOM];
	struct iovec vector[VECTOR];
	size_t left, used = 0;

	memset(buffers, POISON, sizeof(buffers));
	for (int i = 0; i < VECTOR; i++)
		vector[i] = (struct iovec){buffers[i], (size_t)o->n[i]};
	if (!CALL(fd, readv, handle_fd(o->handle), vector, VECTOR))
		return;
	left = (size_t)out->value;
	for (int i = 0; i < VECTOR; i++) {
		size_t here = left < (size_t)o->n[i] ? left : (size_t)o->n[i];

		memcpy(out->bytes + used, buffers[i], here);
		used += here;
		left -= here;
		must_be(buffers[i][here], POISON);
	}
	outcome_has_bytes(out, used);
}

PERFORM(fd, writev)
{
	char *text = (char *)o->bytes;
	size_t a = (size_t)o->n[0], b = (size_t)o->n[1];
	struct iovec vector[VECTOR] = {{text, a}, {text + a, b}, {text + a + b, o->size - a - b}};

	CALL(fd, writev, handle_fd(o->handle), vector, VECTOR);
}

PERFORM(fd, dup_onto)
{
	CALL(fd, dup2, handle_fd(o->handle), handle_fd(o->other));
}

PERFORM(fd, access_mode)
{
	if (CALL(fd, fcntl, handle_fd(o->handle), F_GETFL, 0))
		out->value &= O_ACCMODE;
}

PERFORM(fd, is_nonblocking)
{
	if (CALL(fd, fcntl, handle_fd(o->handle), F_GETFL, 0))
		out->value = (out->value & O_NONBLOCK) != 0;
}

PERFORM(fd, mode)
{
	struct stat status;

	memset(&status, POISON, sizeof(status));
	if (CALL(fd, fstat, handle_fd(o->handle), &status) && out->value == 0)
		out->value = (long long)status.st_mode;
}

/*
 * An emulator (valgrind) tells a limit of its own and keeps it only where it likes: then the
 * kernel's is another one.
 */
static bool is_the_kernels(rlim_t limit)
{
	FILE *file = fopen("/proc/self/limits", "r");
	unsigned long long soft = limit;
	char line[200];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Max open files %llu", &soft) == 1)
			break;
	if (file)
		fclose(file);
	return soft == limit;
}

/* The soft limit stands where, of the numbers below it, so many are free. */
PERFORM(fd, leave_room)
{
	struct rlimit limit;
	long long free_ones = 0;
	int number = 0;

	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (!is_the_kernels(limit.rlim_cur)) {
		snprintf(out->absent, sizeof(out->absent), "RLIMIT_NOFILE is emulated");
		return;
	}
	for (; free_ones < o->n[0] && (rlim_t)number < limit.rlim_max; number++)
		free_ones += impl->fd->fcntl(number, F_GETFD, 0) < 0;
	limit.rlim_cur = (rlim_t)number;
	must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
	outcome_is(out, free_ones);
}
