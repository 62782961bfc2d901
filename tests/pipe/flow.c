/* SPDX-License-Identifier: MIT */
/* A stream has no boundaries, loses nothing and counts what waits. */
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/story.h"

/* What POSIX guarantees where the headers don't say. */
#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

TEST(pipe, bytes_have_no_boundaries)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "abc"));
	does(a, fd.write("p:w", "def"));
	does_give(a, fd.read("p:r", 4), "abcd");
	does_give(a, fd.read("p:r", 4), "ef");
}

TEST(pipe, read_takes_what_is_there)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	does_give(a, fd.read("p:r", 1000), "x");
	does(a, fd.write("p:w", "y"));
	does_give(a, fd.readv("p:r", 1, 100, 100), "y");
}

TEST(pipe, waiting_bytes_are_counted)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_give(a, fd.readable_bytes("p:r"), 0);
	does(a, fd.write("p:w", "abc"));
	does_give(a, fd.readable_bytes("p:r"), 3);
	does_give(a, fd.readable_bytes("p:w"), 3);
	does_give(a, fd.write_pattern("p:w", 0, 5000), 5000);
	does_give(a, fd.readable_bytes("p:r"), 5003);
	does_give(a, fd.read("p:r", 2), "ab");
	does_give(a, fd.readable_bytes("p:r"), 5001);
	does_give(a, fd.drain("p:r"), 5001);
	does_give(a, fd.readable_bytes("p:r"), 0);
}

TEST(pipe, vectors_are_one_stream)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_give(a, fd.writev("p:w", "onetwothree", 3, 3), 11);
	does_give(a, fd.readv("p:r", 2, 5, 2), "onetwothr");
	does_give(a, fd.readv("p:r", 1, 10, 10), "ee");
	does_give(a, fd.writev("p:w", "tail", 0, 4), 4);
	does_give(a, fd.readv("p:r", 0, 3, 10), "tail");
}

TEST(pipe, read_of_nothing_returns_at_once)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_give(a, fd.read("p:r", 0), 0);
	does(a, fd.write("p:w", "x"));
	does_give(a, fd.read("p:r", 0), 0);
	does_give(a, fd.readable_bytes("p:r"), 1);
}

TEST(pipe, write_of_nothing_adds_nothing)
{
	actor *parent = cast("parent");

	does(parent, pipes.make("p"));
	actor *reader = forks(parent, "reader");
	begin(reader, fd.read("p:r", 10));
	blocks(reader);
	does_give(parent, fd.write_bytes("p:w", "", 0), 0);
	blocks(reader);
	does(parent, fd.write("p:w", "x"));
	gives(reader, "x");
}

/* With an address no process has. */
static long long move_by_bad_pointer(const char *text, const long long *n)
{
	void *nowhere = (void *)(intptr_t)-4096;

	(void)text;
	if (n[0])
		return impl->fd->read(handle_fd("p:r"), nowhere, 3);
	return impl->fd->write(handle_fd("p:w"), nowhere, 3);
}

TEST(pipe, no_byte_moves_by_a_bad_pointer)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_fail(a, call(move_by_bad_pointer, NULL, 0, 0, 0), EFAULT);
	does_give(a, fd.readable_bytes("p:r"), 0);
	does(a, fd.write("p:w", "abc"));
	does_fail(a, call(move_by_bad_pointer, NULL, 1, 0, 0), EFAULT);
	does_give(a, fd.read("p:r", 10), "abc");
}

/* In the middle of the write, if a bad pointer is a signal there. */
static void writes_too(int signal)
{
	(void)signal;
	impl->fd->write(handle_fd("p:w"), "x", 1);
	_exit(0);
}

static long long writes_in_a_child(const char *text, const long long *n)
{
	pid_t child = fork();

	(void)text, (void)n;
	if (child == 0) {
		signal(SIGSEGV, writes_too);
		impl->fd->write(handle_fd("p:w"), (void *)(intptr_t)-4096, 3);
		_exit(0);
	}
	return child > 0 && waitpid(child, NULL, 0) == child ? 0 : -1;
}

TEST(pipe, handler_in_the_middle_of_a_write_holds_up_nobody)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	actor *bob = forks(a, "bob");
	does(bob, call(writes_in_a_child, NULL, 0, 0, 0));
	does(a, fd.drain("p:r"));
	does(a, fd.write("p:w", "abc"));
	does_give(a, fd.read("p:r", 10), "abc");
}

/* -- streams longer than the pipe ---------------------------------------------------------------
 */

static unsigned char byte_at(long long place)
{
	return (unsigned char)((place * 7 + place / 256) & 0xFF);
}

/* Writes n[0] bytes of the stream in pieces of n[1], n[1] + 1 ... and closes. */
static long long send_stream(const char *text, const long long *n)
{
	static unsigned char piece[10000];
	long long sent = 0;
	int end = handle_fd("p:w");

	(void)text;
	for (size_t size = (size_t)n[1]; sent < n[0]; size = size % (sizeof(piece) - 1) + 1) {
		if ((long long)size > n[0] - sent)
			size = (size_t)(n[0] - sent);
		for (size_t i = 0; i < size; i++)
			piece[i] = byte_at(sent + (long long)i);
		must_be(impl->fd->write(end, piece, size), size);
		sent += (long long)size;
	}
	must_be(impl->fd->close(end), 0);
	return sent;
}

/* Reads to the end in pieces of at most n[0]; gives the count. */
static long long receive_stream(const char *text, const long long *n)
{
	static unsigned char piece[65536];
	long long received = 0;
	ssize_t size;

	(void)text;
	while ((size = impl->fd->read(handle_fd("p:r"), piece, (size_t)n[0])) > 0) {
		for (ssize_t i = 0; i < size; i++)
			must_be(piece[i], byte_at(received + i));
		received += size;
	}
	must_be(size, 0);
	return received;
}

static const struct stream {
	const char *name;
	long long first, at_most;
} streams[] = {
	{"in-small-pieces", 1, 700},
	{"read-in-one-go", 4000, 65536},
	{"in-pieces-around-a-page", 4095, 4097},
};

TEST_EACH(pipe, any_amount_goes_through, streams)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	actor *writer = forks(reader, "writer");
	does(reader, fd.close("p:w"));
	does(writer, fd.close("p:r"));
	begin(writer, call(send_stream, NULL, 700000, row->first, 0));
	does_give(reader, call(receive_stream, NULL, row->at_most, 0, 0), 700000);
	gives(writer, 700000);
}

/* -- many at once -------------------------------------------------------------------------------
 */

enum { BYTES = 256, ROUNDS = 4 };

/* Writes every byte there is, so many times, three at a time, and closes. */
static long long write_all_bytes(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	for (int i = 0; i < ROUNDS * BYTES / 4 * 3; i += 3) {
		unsigned char three[3] = {(unsigned char)i, (unsigned char)(i + 1),
					  (unsigned char)(i + 2)};

		must_be(impl->fd->write(handle_fd("p:w"), three, 3), 3);
	}
	must_be(impl->fd->close(handle_fd("p:w")), 0);
	return 0;
}

/* Counts each byte it reads, in words that the story shares. */
static long long count_bytes(const char *text, const long long *n)
{
	unsigned char few[5];
	ssize_t size;

	(void)text;
	(void)n;
	while ((size = impl->fd->read(handle_fd("p:r"), few, sizeof(few))) > 0)
		for (ssize_t i = 0; i < size; i++)
			shared()[few[i]]++;
	return size;
}

TEST(pipe, every_byte_is_read_once)
{
	actor *parent = cast("parent");

	does(parent, pipes.make("p"));
	actor *alice = forks(parent, "alice"), *bob = forks(parent, "bob");
	does(parent, fd.close("p:w"));
	actor *carol = forks(parent, "carol");
	begin(parent, call(count_bytes, NULL, 0, 0, 0));
	begin(carol, call(count_bytes, NULL, 0, 0, 0));
	begin(alice, call(write_all_bytes, NULL, 0, 0, 0));
	begin(bob, call(write_all_bytes, NULL, 0, 0, 0));
	succeeds(alice);
	succeeds(bob);
	gives(parent, 0);
	gives(carol, 0);
	for (int i = 0; i < BYTES; i++)
		must_be(shared()[i], 2 * ROUNDS / 4 * 3);
}

/* Writes n[1] records of n[0] bytes, all of them the letter, in one buffer or in two; closes. */
static long long write_records(const char *letter, const long long *n)
{
	static char record[PIPE_BUF];
	size_t size = (size_t)n[0], half = size / 2;
	struct iovec halves[2] = {{record, half}, {record, size - half}};

	memset(record, *letter, size);
	for (long long i = 0; i < n[1]; i++)
		if (n[2])
			must_be(impl->fd->writev(handle_fd("p:w"), halves, 2), size);
		else
			must_be(impl->fd->write(handle_fd("p:w"), record, size), size);
	must_be(impl->fd->close(handle_fd("p:w")), 0);
	return 0;
}

/* In pieces of n[1] bytes; gives how many records of n[0] bytes came, each of one letter only. */
static long long read_records(const char *text, const long long *n)
{
	static char piece[PIPE_BUF];
	long long place = 0;
	char letter = 0;
	ssize_t size;

	(void)text;
	while ((size = impl->fd->read(handle_fd("p:r"), piece, (size_t)n[1])) > 0)
		for (ssize_t i = 0; i < size; i++, place++) {
			if (place % n[0] == 0)
				letter = piece[i];
			must_be(piece[i], letter);
		}
	must_be(size, 0);
	must_be(place % n[0], 0);
	return place / n[0];
}

static const struct record {
	const char *name;
	long long size, count, piece, in_two;
} records[] = {
	{"of-PIPE_BUF", PIPE_BUF, 100, 1000, 0},
	{"of-PIPE_BUF-less-1", PIPE_BUF - 1, 100, PIPE_BUF, 0},
	{"of-half-PIPE_BUF-and-1", PIPE_BUF / 2 + 1, 150, 999, 0},
	{"of-100", 100, 1000, 333, 0},
	{"of-2", 2, 3000, PIPE_BUF, 0},
	{"by-writev", PIPE_BUF, 100, 1000, 1},
};

TEST_EACH(pipe, small_writes_stay_together, records)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	actor *alice = forks(reader, "alice"), *bob = forks(reader, "bob");
	actor *carol = forks(reader, "carol");
	does(reader, fd.close("p:w"));
	begin(alice, call(write_records, "a", row->size, row->count, row->in_two));
	begin(bob, call(write_records, "b", row->size, row->count, row->in_two));
	begin(carol, call(write_records, "c", row->size, row->count, row->in_two));
	does_give(reader, call(read_records, NULL, row->size, row->piece, 0), 3 * row->count);
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
}
