/* SPDX-License-Identifier: MIT */
/*
 * Limits of the machine, taken beside what is measured: a system call, a cache line that goes to
 * the other processor and back, two who wake each other, a ring with nothing but its copies, and a
 * pipe without one of them.
 */
#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/futex.h>
#endif

const char *const limit_names[LIMITS] = {"a system call", "a cache line", "a futex", "a bare ring",
					 "vmsplice"};

bool limit_perform_call(void)
{
	return syscall(SYS_getppid) >= 0;
}

/* -- ways for bytes, which no implementation has
 * --------------------------------------------------- */

enum { RING = 1 << 20 };

/* One who writes, one who reads. */
struct ring {
	_Alignas(64) _Atomic size_t written;
	_Alignas(64) _Atomic size_t read;
	_Alignas(64) char bytes[RING];
};

struct place {
	struct ring ring[2];
	_Alignas(64) _Atomic uint32_t turn;
};

static bool make(struct channel *c)
{
	c->memory = mmap(NULL, sizeof(struct place), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->memory != MAP_FAILED)
		return true;
	c->memory = NULL;
	return false;
}

static void unmap(struct channel *c)
{
	if (c->memory)
		munmap(c->memory, sizeof(struct place));
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool send_ring(struct channel *c, int direction, const char *bytes)
{
	struct ring *ring = &((struct place *)c->memory)->ring[direction];
	size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);

	for (size_t done = 0; done < c->size;) {
		size_t room =
			RING - (written - atomic_load_explicit(&ring->read, memory_order_acquire));
		size_t piece = least(least(room, c->size - done), RING - written % RING);

		memcpy(ring->bytes + written % RING, bytes + done, piece);
		done += piece;
		written += piece;
		atomic_store_explicit(&ring->written, written, memory_order_release);
	}
	return true;
}

static bool receive_ring(struct channel *c, int direction, char *bytes)
{
	struct ring *ring = &((struct place *)c->memory)->ring[direction];
	size_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);

	for (size_t done = 0; done < c->size;) {
		size_t there = atomic_load_explicit(&ring->written, memory_order_acquire) - read;
		size_t piece = least(least(there, c->size - done), RING - read % RING);

		memcpy(bytes + done, ring->bytes + read % RING, piece);
		done += piece;
		read += piece;
		atomic_store_explicit(&ring->read, read, memory_order_release);
	}
	return true;
}

/* The turn goes from even to odd and back; the bytes stay where they are. */
static bool pass_line(struct channel *c, int direction, const char *bytes)
{
	(void)bytes;
	atomic_fetch_add(&((struct place *)c->memory)->turn, 1);
	(void)direction;
	return true;
}

static bool await_line(struct channel *c, int direction, char *bytes)
{
	struct place *place = c->memory;

	(void)bytes;
	while (atomic_load_explicit(&place->turn, memory_order_acquire) % 2 != (direction == 0))
		continue;
	return true;
}

#ifdef SYS_futex
static bool pass_futex(struct channel *c, int direction, const char *bytes)
{
	struct place *place = c->memory;

	pass_line(c, direction, bytes);
	return syscall(SYS_futex, &place->turn, FUTEX_WAKE, 1, NULL, NULL, 0) >= 0;
}

static bool await_futex(struct channel *c, int direction, char *bytes)
{
	struct place *place = c->memory;

	(void)bytes;
	for (;;) {
		uint32_t turn = atomic_load(&place->turn);

		if (turn % 2 == (direction == 0))
			return true;
		syscall(SYS_futex, &place->turn, FUTEX_WAIT, turn, NULL, NULL, 0);
	}
}
#else
#define pass_futex NULL
#define await_futex NULL
#endif

/* A pipe whose writer copies nothing: the pages that are read are his. */
#ifdef SPLICE_F_GIFT
static bool make_spliced(struct channel *c)
{
	if (pipe(c->ends[0]) < 0)
		return false;
	fcntl(c->ends[0][1], F_SETPIPE_SZ, RING); /* faster, if it may be so large */
	return true;
}

static bool send_spliced(struct channel *c, int direction, const char *bytes)
{
	struct iovec rest = {(char *)(uintptr_t)bytes, c->size};

	while (rest.iov_len) {
		ssize_t n = vmsplice(c->ends[direction][1], &rest, 1, 0);

		if (n <= 0)
			return false;
		rest.iov_base = (char *)rest.iov_base + n;
		rest.iov_len -= (size_t)n;
	}
	return true;
}

static bool receive_spliced(struct channel *c, int direction, char *bytes)
{
	for (size_t done = 0; done < c->size;) {
		ssize_t n = read(c->ends[direction][0], bytes + done, c->size - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void remove_spliced(struct channel *c)
{
	close(c->ends[0][0]);
	close(c->ends[0][1]);
}
#else
#define make_spliced NULL
#define send_spliced NULL
#define receive_spliced NULL
#define remove_spliced NULL
#endif

const struct way limit_ways[LIMITS] = {
	[LIMIT_LINE] = {"a cache line", NULL, make, pass_line, await_line, unmap},
	[LIMIT_FUTEX] = {"a futex", NULL, make, pass_futex, await_futex, unmap},
	[LIMIT_RING] = {"a bare ring", NULL, make, send_ring, receive_ring, unmap},
	[LIMIT_SPLICE] = {"vmsplice", NULL, make_spliced, send_spliced, receive_spliced,
			  remove_spliced},
};
