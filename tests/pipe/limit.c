/* SPDX-License-Identifier: MIT */
/* What fits into a pipe, and who is refused instead of waiting. */
#include <limits.h>
#include <stdio.h>

#include "stage/story.h"

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

/* -- without waiting ----------------------------------------------------------------------------
 */

TEST(pipe, nonblocking_read)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	does(reader, fd.set_flags("p:r", O_NONBLOCK));
	actor *writer = forks(reader, "writer");
	does(reader, fd.close("p:w"));
	does_fail(reader, fd.read("p:r", 10), EAGAIN);
	does_fail(reader, fd.readv("p:r", 1, 1, 1), EAGAIN);
	does(writer, fd.write("p:w", "data"));
	does_give(reader, fd.read("p:r", 10), "data");
	does_fail(reader, fd.read("p:r", 10), EAGAIN);
	does(writer, fd.write("p:w", "tail"));
	does(writer, fd.close("p:w"));
	does_give(reader, fd.read("p:r", 10), "tail");
	does_give(reader, fd.read("p:r", 10), 0);
	does_give(reader, fd.readv("p:r", 1, 1, 1), 0);
}

/* From a full pipe so many bytes are read; what a write then does is told by its count. */
static const struct small {
	const char *name;
	long long room, size;
} smalls[] = {
	{"1-into-0", 0, 1},
	{"PIPE_BUF-into-0", 0, PIPE_BUF},
	{"2-into-1", 1, 2},
	{"PIPE_BUF-into-1", 1, PIPE_BUF},
	{"PIPE_BUF-into-PIPE_BUF-less-1", PIPE_BUF - 1, PIPE_BUF},
	{"PIPE_BUF-into-PIPE_BUF", PIPE_BUF, PIPE_BUF},
	{"PIPE_BUF-into-all", LLONG_MAX, PIPE_BUF},
	{"PIPE_BUF-less-1-into-all", LLONG_MAX, PIPE_BUF - 1},
};

TEST_EACH(pipe, nonblocking_small_write_is_all_or_nothing, smalls)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.fill("p:w", 64));
	long long full = outcome_of(a)->value;
	if (row->room == LLONG_MAX)
		does_give(a, fd.drain("p:r"), full);
	else if (row->room)
		does_give(a, fd.read_pattern("p:r", 0, row->room), row->room);
	does(a, fd.readable_bytes("p:r"));
	long long before = outcome_of(a)->value;
	does(a, fd.set_flags("p:w", O_NONBLOCK));
	begin(a, fd.write_pattern("p:w", full, row->size));
	returns(a);
	long long written = outcome_of(a)->value == -1 ? 0 : outcome_of(a)->value;
	must(written || outcome_of(a)->error == EAGAIN);
	must(written == row->size || (written == 0 && before > 0));
	does_give(a, fd.readable_bytes("p:r"), before + written);
}

static const struct large {
	const char *name;
	int eighths; /* of a full pipe that are read before */
} larges[] = {{"into-nothing", 0}, {"into-half", 4}, {"into-all", 8}};

TEST_EACH(pipe, nonblocking_large_write_takes_what_fits, larges)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.fill("p:w", 64));
	long long full = outcome_of(a)->value, room = full / 8 * row->eighths;
	for (long long place = 0; place < room; place += outcome_of(a)->value)
		does(a, fd.read_pattern("p:r", place, room - place));
	does(a, fd.set_flags("p:w", O_NONBLOCK));
	begin(a, fd.write_pattern("p:w", full, 2 * full + PIPE_BUF));
	if (room == 0) {
		fails(a, EAGAIN);
		does_give(a, fd.readable_bytes("p:r"), full);
		return;
	}
	succeeds(a);
	long long written = outcome_of(a)->value;
	must(written > 0 && written < 2 * full + PIPE_BUF);
	must(room < full || written >= PIPE_BUF);
	does_give(a, fd.readable_bytes("p:r"), full - room + written);
	for (long long place = room; place < full + written; place += outcome_of(a)->value)
		does(a, fd.read_pattern("p:r", place, full + written - place));
}

TEST(pipe, nonblocking_is_of_the_description)
{
	actor *parent = cast("parent");

	does(parent, pipes.make("p"));
	does(parent, fd.dup("p:r", "p:r2"));
	actor *child = forks(parent, "child");
	does(child, fd.set_flags("p:r", O_NONBLOCK));
	does_give(parent, fd.is_nonblocking("p:r"), 1);
	does_give(parent, fd.is_nonblocking("p:r2"), 1);
	does_give(parent, fd.is_nonblocking("p:w"), 0);
	does_fail(parent, fd.read("p:r2", 1), EAGAIN);
	does(parent, fd.fill("p:w", 4096));
	begin(child, fd.write("p:w", "x"));
	blocks(child);
	does(parent, fd.drain("p:r"));
	gives(child, 1);
}

#ifdef FIONBIO
static long long sets_by_ioctl(const char *end, const long long *n)
{
	int is_on = (int)n[0];

	if (!impl->fd->ioctl)
		skip("fd.ioctl is not to be had");
	return impl->fd->ioctl(handle_fd(end), FIONBIO, &is_on);
}

TEST(pipe, fionbio_sets_nonblocking)
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	actor *bob = forks(alice, "bob");
	does(alice, fd.write("p:w", "x"));
	does_give(bob, fd.read("p:r", 1), "x");
	does(alice, call(sets_by_ioctl, "p:r", 1, 0, 0));
	does_give(bob, fd.is_nonblocking("p:r"), 1);
	does_give(bob, fd.is_nonblocking("p:w"), 0);
	does_fail(bob, fd.read("p:r", 1), EAGAIN);
	does(alice, call(sets_by_ioctl, "p:r", 0, 0, 0));
	does_give(bob, fd.is_nonblocking("p:r"), 0);
	begin(bob, fd.read("p:r", 1));
	blocks(bob);
	does(alice, fd.write("p:w", "y"));
	gives(bob, "y");
}
#endif

/* How long it must be nothing to who waits, in milliseconds. */
enum { WAITS_ON = 60 };

TEST(pipe, nonblocking_is_for_calls_to_come)
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	actor *bob = forks(alice, "bob");
	begin(alice, fd.read("p:r", 10));
	blocks(alice);
	does(bob, fd.set_flags("p:r", O_NONBLOCK));
	does_give(bob, fd.poll("p:r", POLLIN, WAITS_ON), 0);
	does(bob, fd.write("p:w", "late"));
	gives(alice, "late");
	does_fail(alice, fd.read("p:r", 10), EAGAIN);

	does(bob, fd.fill("p:w", 4096));
	begin(alice, fd.write("p:w", "x"));
	blocks(alice);
	does(bob, fd.set_flags("p:w", O_NONBLOCK));
	does_give(bob, fd.poll("p:w", POLLOUT, WAITS_ON), 0);
	does(bob, fd.drain("p:r"));
	gives(alice, 1);
}

TEST(pipe, io_keeps_the_flags)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.set_flags("p:r", O_NONBLOCK));
	does(a, fd.set_flags("p:w", O_NONBLOCK));
	does(a, fd.flags("p:w"));
	long long flags = outcome_of(a)->value;
	does(a, fd.write("p:w", "x"));
	does_give(a, fd.read("p:r", 10), "x");
	does_fail(a, fd.read("p:r", 10), EAGAIN);
	does_give(a, fd.is_nonblocking("p:r"), 1);
	begin(a, fd.write_pattern("p:w", 0, 1 << 21));
	returns(a);
	does_fail(a, fd.write_pattern("p:w", 0, PIPE_BUF), EAGAIN);
	does_give(a, fd.flags("p:w"), flags);
	does(a, fd.set_flags("p:w", 0));
	does_give(a, fd.is_nonblocking("p:w"), 0);
	does_give(a, fd.is_nonblocking("p:r"), 1);
}

/* -- capacity -----------------------------------------------------------------------------------
 */

static long long atomic_limit(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	return fpathconf(handle_fd("p:w"), _PC_PIPE_BUF);
}

TEST(pipe, pipe_buf_is_enough)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(atomic_limit, NULL, 0, 0, 0));
	long long limit = outcome_of(a)->value;
	must(limit >= 512);
	does(a, fd.set_flags("p:w", O_NONBLOCK));
	does_give(a, fd.write_pattern("p:w", 0, limit), limit);
}

/* What the pipe tells; the test is over where it can't. */
static long long capacity_of(actor *a)
{
	does(a, pipes.capacity("p:w"));
	return outcome_of(a)->value;
}

static const struct piece {
	const char *name;
	long long size; /* 0: the whole capacity */
} pieces[] = {
	{"of-64", 64},
	{"of-512", 512},
	{"of-4096", 4096},
	{"in-one", 0},
};

TEST_EACH(pipe, capacity_is_what_fits, pieces)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	long long capacity = capacity_of(a);
	does_give(a, fd.fill("p:w", row->size ? row->size : capacity), capacity);
	does_give(a, fd.readable_bytes("p:r"), capacity);
	does_give(a, fd.drain("p:r"), capacity);
	does_give(a, fd.fill("p:w", row->size ? row->size : capacity), capacity);
}

TEST(pipe, unread_write_waits_beyond_capacity)
{
	actor *writer = cast("writer");

	does(writer, pipes.make("p"));
	actor *reader = forks(writer, "reader");
	long long capacity = capacity_of(writer);
	begin(writer, fd.write_pattern("p:w", 0, capacity + 1));
	blocks(writer);
	does_give(reader, fd.readable_bytes("p:r"), capacity);
	does_give(reader, fd.read_pattern("p:r", 0, capacity), capacity);
	gives(writer, capacity + 1);
	does_give(reader, fd.read_pattern("p:r", capacity, 10), 1);
}

static long page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* A user who already has many pipes gets no more room. */
static void resize(actor *a, long size)
{
	begin(a, pipes.set_capacity("p:w", size));
	returns(a);
	if (outcome_of(a)->value == -1 && outcome_of(a)->error == EPERM)
		skip("this user may not have a pipe of %ld bytes", size);
	must(outcome_of(a)->value >= size);
}

TEST(pipe, capacity_can_grow)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	long old = (long)capacity_of(a), wanted = old + page_size() + 1;
	does(a, fd.write("p:w", "here before"));
	resize(a, wanted);
	long long told = outcome_of(a)->value;
	must_be(told % page_size(), 0);
	does_give(a, pipes.capacity("p:r"), told);
	does_give(a, pipes.capacity("p:w"), told);
	does_give(a, fd.drain("p:r"), 11);
	does_give(a, fd.fill("p:w", page_size()), told);
	does(a, fd.drain("p:r"));
	resize(a, 1);
	must_be(capacity_of(a), page_size());
	does_give(a, fd.fill("p:w", 64), page_size());
}

TEST(pipe, growing_wakes_the_writer)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	actor *alice = forks(a, "writer"), *bob = forks(a, "another");
	long capacity = (long)capacity_of(a);
	does(a, fd.fill("p:w", page_size()));
	begin(alice, fd.write("p:w", "x"));
	begin(bob, fd.write("p:w", "x"));
	blocks(alice);
	blocks(bob);
	resize(a, 2 * capacity);
	gives(alice, 1);
	gives(bob, 1);
	does_give(a, fd.readable_bytes("p:r"), capacity + 2);
}

TEST(pipe, shrinking_below_content_is_refused)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	long long capacity = capacity_of(a), pages = 3 * page_size();
	if (capacity <= pages)
		skip("a pipe of %lld bytes", capacity);
	does_give(a, fd.write_pattern("p:w", 0, pages), pages);
	does_fail(a, pipes.set_capacity("p:w", page_size()), EBUSY);
	must_be(capacity_of(a), capacity);
	does_give(a, fd.readable_bytes("p:r"), pages);
	does_give(a, fd.read_pattern("p:r", 0, pages), pages);
	does(a, pipes.set_capacity("p:w", page_size()));
}

TEST(pipe, resizing_keeps_every_byte)
{
	actor *a = cast("alice");
	long long page = page_size(), written = 0, read = 0;

	does(a, pipes.make("p"));
	long old = (long)capacity_of(a);
	for (int turn = 0; turn < 20; turn++) {
		does_give(a, fd.write_pattern("p:w", written, 3 * page), 3 * page);
		written += 3 * page;
		resize(a, turn % 2 ? old : 2 * old);
		does_give(a, fd.readable_bytes("p:r"), written - read);
		does_give(a, fd.read_pattern("p:r", read, 2 * page + 1), 2 * page + 1);
		read += 2 * page + 1;
		resize(a, 8 * (long)page);
		does_give(a, fd.read_pattern("p:r", read, 2 * page), written - read);
		read = written;
	}
}

/* Writes the pattern to its end; told by a word that all is over. */
enum { OVER, STREAM = 800000 };

static unsigned char byte_at(long long place)
{
	return (unsigned char)((place * 11 + place / 256) & 0xFF);
}

static long long send_all(const char *text, const long long *n)
{
	static unsigned char piece[7000];

	(void)text;
	(void)n;
	for (long long sent = 0; sent < STREAM; sent += (long long)sizeof(piece)) {
		long long left = STREAM - sent;
		size_t size = left < (long long)sizeof(piece) ? (size_t)left : sizeof(piece);

		for (size_t i = 0; i < size; i++)
			piece[i] = byte_at(sent + (long long)i);
		must_be(impl->fd->write(handle_fd("p:w"), piece, size), size);
	}
	return impl->fd->close(handle_fd("p:w"));
}

static long long receive_all(const char *text, const long long *n)
{
	static unsigned char piece[9000];
	long long received = 0;
	ssize_t size;

	(void)text;
	(void)n;
	while ((size = impl->fd->read(handle_fd("p:r"), piece, sizeof(piece))) > 0) {
		for (ssize_t i = 0; i < size; i++)
			must_be(piece[i], byte_at(received + i));
		received += size;
	}
	must_be(size, 0);
	shared()[OVER] = 1;
	return received;
}

/* One page, two, four ... eight times what it was, until the stream is over; refusals don't matter.
 */
static long long resize_until_over(const char *text, const long long *n)
{
	(void)text;
#ifdef F_SETPIPE_SZ
	for (unsigned i = 0; !shared()[OVER]; i++)
		impl->fd->fcntl(handle_fd("p:r"), F_SETPIPE_SZ, (long)(n[0] << i % 5));
#else
	(void)n;
#endif
	return 0;
}

TEST(pipe, resizing_while_streaming_keeps_every_byte)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	capacity_of(reader);
	actor *writer = forks(reader, "writer");
	does(reader, fd.close("p:w"));
	actor *third = forks(reader, "third");
	begin(third, call(resize_until_over, NULL, page_size(), 0, 0));
	begin(writer, call(send_all, NULL, 0, 0, 0));
	does_give(reader, call(receive_all, NULL, 0, 0, 0), STREAM);
	succeeds(writer);
	succeeds(third);
}

/* -- limits of users ----------------------------------------------------------------------------
 */

static long long limit_told(const char *path)
{
	FILE *file = fopen(path, "r");
	long long number = -1;

	if (file && fscanf(file, "%lld", &number) != 1)
		number = -1;
	if (file)
		fclose(file);
	return number;
}

/* A user nobody else is: so its pipes are those of this test alone. */
static void becomes_loner(actor *a)
{
	uid_t user = (uid_t)(1710000000 + pid_of(a));

	becomes_user(a, user, user);
}

TEST(pipe, capacity_has_a_limit)
{
	actor *a = cast("alice");
	long long limit = limit_told("/proc/sys/fs/pipe-max-size");

	if (limit <= 0)
		skip("no /proc/sys/fs/pipe-max-size");
	if (geteuid() == 0)
		becomes_loner(a);
	does(a, pipes.make("p"));
	long long capacity = capacity_of(a);
	does(a, fd.write("p:w", "here"));
	does_fail(a, pipes.set_capacity("p:w", (long)limit + 1), EPERM);
	must_be(capacity_of(a), capacity);
	does_give(a, fd.read("p:r", 10), "here");
}

/*
 * Makes pipes, as large as allowed (n[0]), until one is smaller than the first; that one is p. None
 * will be when they have twice the bytes that are limited (n[1]).
 */
static long long exhaust_soft_limit(const char *text, const long long *n)
{
	long long first = 0;

	(void)text;
	for (int i = 0; i < 2000 && i * n[0] < 2 * n[1]; i++) {
		int ends[2];
		long long size = 0;

		if (impl->pipe->pipe(ends) < 0)
			skip("no smaller pipe before there are no descriptors left");
#ifdef F_GETPIPE_SZ
		size = impl->fd->fcntl(ends[0], F_GETPIPE_SZ, 0);
		first = first ? first : size;
		if (size == first)
			impl->fd->fcntl(ends[0], F_SETPIPE_SZ, (long)n[0]);
#endif
		set_handle("p:r", ends[0], NULL);
		set_handle("p:w", ends[1], NULL);
		if (size < first)
			return size;
	}
	skip("no pipe is smaller for all that there are");
}

TEST(pipe, works_over_the_soft_limit)
{
	actor *a = cast("alice");
	long long soft = limit_told("/proc/sys/fs/pipe-user-pages-soft");
	long long largest = limit_told("/proc/sys/fs/pipe-max-size");

	if (soft <= 0 || largest <= 0)
		skip("no soft limit here");
	becomes_loner(a);
	does(a, call(exhaust_soft_limit, NULL, largest, soft * (long long)page_size(), 0));
	long long size = outcome_of(a)->value;
	does_give(a, fd.fill("p:w", page_size()), size);
	does_give(a, fd.read_pattern("p:r", 0, size - 1), size - 1);
	does_give(a, fd.write("p:w", "x"), 1);
	does_give(a, fd.readable_bytes("p:r"), 2);
}
