/* SPDX-License-Identifier: MIT */
/* Readiness as POSIX promises it: when it's told, and that what is told holds. */
#include <limits.h>

#include "stage/story.h"

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

TEST(event, hangup_follows_the_last_writer)
{
	actor *reader = cast("reader"), *alice = cast("alice"), *bob = cast("bob");

	does(reader, fifo.make("f"));
	does(reader, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does_give(reader, fd.poll("f", 0, 0), 0);
	does(alice, fifo.open("f", O_WRONLY));
	does(bob, fifo.open("f", O_WRONLY));
	does_give(reader, fd.poll("f", 0, 0), 0);
	does(alice, fd.close("f"));
	does_give(reader, fd.poll("f", 0, 0), 0);
	dies(bob);
	does_give(reader, fd.poll("f", 0, 0), POLLHUP);
	does_give(reader, fd.poll("f", 0, 0), POLLHUP);
	does(alice, fifo.open("f", O_WRONLY));
	does_give(reader, fd.poll("f", 0, 0), 0);
}

TEST(event, hangup_excludes_output)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	does(a, fd.close("p:w"));
	does(a, fd.poll("p:r", POLLIN | POLLOUT, 0));
	int bits = (int)outcome_of(a)->value;
	must(bits & POLLIN);
	must(bits & POLLHUP);
	must(!(bits & POLLOUT));
	does_give(a, fd.read("p:r", 10), "x");
	does(a, fd.poll("p:r", POLLOUT, 0));
	must_be(outcome_of(a)->value, POLLHUP);
}

/* Reads a full pipe byte by byte: as soon as OUT is told, PIPE_BUF bytes go in. */
static long long read_until_writable(const char *text, const long long *n)
{
	static char bytes[PIPE_BUF];
	long long read = 0;

	(void)text;
	for (; read < n[0]; read++) {
		struct pollfd polled = {.fd = handle_fd("p:w"), .events = POLLOUT};

		must(impl->fd->poll(&polled, 1, 0) >= 0);
		if (polled.revents & POLLOUT)
			break;
		must_be(impl->fd->read(handle_fd("p:r"), bytes, 1), 1);
	}
	must(read > 0);
	must_be(impl->fd->write(handle_fd("p:w"), bytes, sizeof(bytes)), sizeof(bytes));
	return read;
}

TEST(event, ready_pipe_takes_pipe_buf)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.fill("p:w", 512));
	long long full = outcome_of(a)->value;
	does(a, fd.set_flags("p:w", O_NONBLOCK));
	does(a, call(read_until_writable, NULL, full, 0, 0));
	must(outcome_of(a)->value >= PIPE_BUF);
}

TEST(event, room_for_pipe_buf_is_told)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.fill("p:w", PIPE_BUF));
	does_give(a, fd.poll("p:w", POLLOUT, 0), 0);
	does(a, fd.read("p:r", PIPE_BUF));
	must_be(outcome_of(a)->value, PIPE_BUF);
	does_give(a, fd.poll("p:w", POLLOUT, 0), POLLOUT);
}

enum { WRITES = 2000 };

static long long write_bytes(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	for (int i = 0; i < WRITES; i++)
		must_be(impl->fd->write(handle_fd("p:w"), "xyz", (size_t)i % 3 + 1), i % 3 + 1);
	return impl->fd->close(handle_fd("p:w"));
}

static long long poll_and_read(const char *text, const long long *n)
{
	long long sum = 0;

	(void)text;
	(void)n;
	for (;;) {
		struct pollfd polled = {.fd = handle_fd("p:r"), .events = POLLIN};
		char bytes[2];

		must_be(impl->fd->poll(&polled, 1, -1), 1);
		ssize_t size = impl->fd->read(polled.fd, bytes, sizeof(bytes));
		if (size == 0)
			return sum;
		must(size > 0);
		sum += size;
	}
}

TEST(event, told_data_is_there)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	does(reader, fd.set_flags("p:r", O_NONBLOCK));
	actor *writer = forks(reader, "writer");
	does(reader, fd.close("p:w"));
	begin(reader, call(poll_and_read, NULL, 0, 0, 0));
	begin(writer, call(write_bytes, NULL, 0, 0, 0));
	succeeds(writer);
	gives(reader, WRITES / 3 * 6 + WRITES % 3 * (WRITES % 3 + 1) / 2);
}

static long long open_file(const char *text, const long long *n)
{
	int file = impl->fifo->open(path_of(text), O_RDWR | O_CREAT, 0600);

	(void)n;
	must(file >= 0);
	set_handle(text, file, NULL);
	return 0;
}

TEST(event, regular_file_is_always_ready)
{
	actor *a = cast("alice");

	does(a, call(open_file, "file", 0, 0, 0));
	does_give(a, fd.poll("file", POLLIN | POLLOUT, 0), POLLIN | POLLOUT);
	does_give(a, event.select("file", POLLIN | POLLOUT, 0), POLLIN | POLLOUT);
	does_give(a, fd.poll("file", POLLIN, -1), POLLIN);
}

TEST(event, data_before_the_wait_is_told)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	for (int i = 0; i < 2; i++) {
		does_give(a, fd.poll("p:r", POLLIN, -1), POLLIN);
		does_give(a, event.select("p:r", POLLIN, -1), POLLIN);
	}
	does_give(a, fd.read("p:r", 1), "x");
	does_give(a, fd.poll("p:r", POLLIN, 0), 0);
	does_give(a, event.select("p:r", POLLIN, 0), 0);
}

/* -- by other names -----------------------------------------------------------------------------
 */

static const struct kind {
	const char *name;
	char kind;
} kinds[] = {{"pipe", 'P'}, {"fifo", 'F'}, {"stream", 'S'}};

static void make(actor *a, char kind)
{
	if (kind == 'P') {
		does(a, pipes.make("x"));
	} else if (kind == 'S') {
		does(a, event.pair("x", SOCK_STREAM));
	} else {
		does(a, fifo.make("x"));
		does(a, fifo.open("x:r", O_RDONLY | O_NONBLOCK));
		does(a, fifo.open("x:w", O_WRONLY));
	}
}

TEST_EACH(event, normal_data_has_its_own_bit, kinds)
{
	actor *a = cast("alice");

	make(a, row->kind);
	does_give(a, fd.poll("x:r", POLLRDNORM, 0), 0);
	does(a, fd.write("x:w", "x"));
	does_give(a, fd.poll("x:r", POLLRDNORM, -1), POLLRDNORM);
	does_give(a, fd.poll("x:r", POLLIN | POLLRDNORM, -1), POLLIN | POLLRDNORM);
	does_give(a, fd.poll("x:r", POLLIN, -1), POLLIN);
}

TEST_EACH(event, normal_room_has_its_own_bit, kinds)
{
	actor *a = cast("alice");

	make(a, row->kind);
	does_give(a, fd.poll("x:w", POLLWRNORM, -1), POLLWRNORM);
	does_give(a, fd.poll("x:w", POLLOUT | POLLWRNORM, -1), POLLOUT | POLLWRNORM);
	does(a, fd.fill("x:w", 512));
	does_give(a, fd.poll("x:w", POLLWRNORM, 0), 0);
}

TEST(event, nonblocking_changes_no_readiness)
{
	actor *a = cast("alice");

	does(a, pipes.make_with("p", O_NONBLOCK));
	actor *writer = forks(a, "writer");
	begin(a, fd.poll("p:r", POLLIN, -1));
	blocks(a);
	does(writer, fd.write("p:w", "x"));
	gives(a, POLLIN);
	does_give(a, fd.read("p:r", 10), "x");
	begin(a, event.select("p:r", POLLIN, -1));
	blocks(a);
	does(writer, fd.write("p:w", "y"));
	gives(a, POLLIN);
}
