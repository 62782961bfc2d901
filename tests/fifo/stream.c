/* SPDX-License-Identifier: MIT */
/* What flows through a FIFO while its users come and go. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "stage/story.h"

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

enum { CROWD_MAX = 27 };

static const struct crowd {
	const char *name;
	int count;
} crowds[] = {{"2", 2}, {"10", 10}, {"27", 27}};

static const struct leaving {
	const char *name;
	bool dies;
} leavings[] = {{"by-closing", false}, {"by-dying", true}};

/* The FIFO exists, and the two have it open. */
static void meet(actor *reader, actor *writer)
{
	does(reader, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	does(writer, fifo.open("f", O_WRONLY));
	succeeds(reader);
}

TEST(fifo, data_flows_one_way)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	meet(reader, writer);
	does(writer, fd.write("f", "one"));
	does(writer, fd.write("f", "two"));
	does_give(reader, fd.readable_bytes("f"), 6);
	does_give(reader, fd.read("f", 4), "onet");
	does_give(reader, fd.read("f", 100), "wo");
	begin(reader, fd.read("f", 100));
	blocks(reader);
	does(writer, fd.write("f", "three"));
	gives(reader, "three");
}

TEST(fifo, each_end_refuses_the_other_way)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	meet(reader, writer);
	does_fail(reader, fd.write("f", "x"), EBADF);
	does_fail(writer, fd.read("f", 1), EBADF);
	does_give(reader, fd.readable_bytes("f"), 0);
}

TEST(fifo, unread_write_waits_beyond_capacity)
{
	actor *reader = cast("reader"), *writer = cast_stranger("writer");

	meet(reader, writer);
	does(writer, pipes.capacity("f"));
	long long capacity = outcome_of(writer)->value;
	begin(writer, fd.write_pattern("f", 0, capacity + 1));
	blocks(writer);
	does_give(reader, fd.readable_bytes("f"), capacity);
	does_give(reader, fd.read_pattern("f", 0, capacity), capacity);
	gives(writer, capacity + 1);
	does_give(reader, fd.read_pattern("f", capacity, 10), 1);
}

/* Writes n[1] records of n[0] bytes, all of them the letter. */
static long long write_records(const char *letter, const long long *n)
{
	static char record[PIPE_BUF];
	size_t size = (size_t)n[0];

	memset(record, *letter, size);
	for (long long i = 0; i < n[1]; i++)
		must_be(impl->fd->write(handle_fd("f"), record, size), size);
	must_be(impl->fd->close(handle_fd("f")), 0);
	return 0;
}

/* Gives how many records of n[0] bytes came, each of one letter only. */
static long long read_records(const char *text, const long long *n)
{
	static char piece[1000];
	long long place = 0;
	char letter = 0;
	ssize_t size;

	(void)text;
	while ((size = impl->fd->read(handle_fd("f"), piece, sizeof(piece))) > 0)
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
	long long size, count;
} records[] = {{"of-PIPE_BUF", PIPE_BUF, 100}, {"of-501", 501, 300}};

TEST_EACH(fifo, small_writes_stay_together, records)
{
	actor *reader = cast("reader");
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(reader, fifo.make("f"));
	does(reader, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does(reader, fd.set_flags("f", 0));
	does(alice, fifo.open("f", O_WRONLY));
	does(bob, fifo.open("f", O_WRONLY));
	begin(alice, call(write_records, "a", row->size, row->count, 0));
	begin(bob, call(write_records, "b", row->size, row->count, 0));
	does_give(reader, call(read_records, NULL, row->size, 0, 0), 2 * row->count);
	succeeds(alice);
	succeeds(bob);
}

/* -- the end, and a new beginning ---------------------------------------------------------------
 */

TEST_EACH(fifo, end_is_told_when_the_last_writer_is_gone, leavings)
{
	actor *reader = cast("reader"), *alice = cast("alice"), *bob = cast("bob");

	meet(reader, alice);
	does(bob, fifo.open("f", O_WRONLY));
	begin(reader, fd.read("f", 10));
	blocks(reader);
	if (row->dies)
		dies(alice);
	else
		does(alice, fd.close("f"));
	blocks(reader);
	does(bob, fd.write("f", "still here"));
	gives(reader, "still here");
	begin(reader, fd.read("f", 10));
	blocks(reader);
	if (row->dies)
		dies(bob);
	else
		does(bob, fd.close("f"));
	gives(reader, 0);
}

/* All of them have the FIFO open in one way, and one peer in the other. */
static actor *crowd_with_a_peer(actor **crowd, int count, int flags, int peer_flags)
{
	actor *peer = cast("peer");
	char name[24];

	does(peer, fifo.make("f"));
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "opener%d", i + 1);
		crowd[i] = cast(name);
		does(crowd[i], sig.ignore(SIGPIPE));
		begin(crowd[i], fifo.open("f", flags));
	}
	does(peer, fifo.open("f", peer_flags));
	for (int i = 0; i < count; i++)
		succeeds(crowd[i]);
	return peer;
}

TEST_EACH(fifo, last_close_wakes_every_reader, crowds)
{
	actor *readers[CROWD_MAX];
	actor *writer = crowd_with_a_peer(readers, row->count, O_RDONLY, O_WRONLY);

	for (int i = 0; i < row->count; i++)
		begin(readers[i], fd.read("f", 1));
	for (int i = 0; i < row->count; i++)
		blocks(readers[i]);
	does(writer, fd.close("f"));
	for (int i = 0; i < row->count; i++)
		gives(readers[i], 0);
}

TEST_EACH(fifo, last_close_fails_every_writer, crowds)
{
	actor *writers[CROWD_MAX];
	actor *reader = crowd_with_a_peer(writers, row->count, O_WRONLY, O_RDONLY);

	does(writers[0], fd.fill("f", 64));
	for (int i = 0; i < row->count; i++)
		begin(writers[i], fd.write("f", "x"));
	for (int i = 0; i < row->count; i++)
		blocks(writers[i]);
	does(reader, fd.close("f"));
	for (int i = 0; i < row->count; i++)
		fails(writers[i], EPIPE);
}

TEST(fifo, stream_goes_on_with_a_new_writer)
{
	actor *reader = cast("reader"), *first = cast("first"), *second = cast("second");

	meet(reader, first);
	does(first, fd.close("f"));
	does_give(reader, fd.read("f", 10), 0);
	does(second, fifo.open("f", O_WRONLY));
	begin(reader, fd.read("f", 10));
	blocks(reader);
	does(second, fd.write("f", "anew"));
	gives(reader, "anew");
	does(second, fd.close("f"));
	does_give(reader, fd.read("f", 10), 0);
}

TEST(fifo, write_goes_on_with_a_new_reader)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(writer, sig.ignore(SIGPIPE));
	meet(reader, writer);
	does(reader, fd.close("f"));
	does_fail(writer, fd.write("f", "lost"), EPIPE);
	does(reader, fifo.open("f", O_RDONLY));
	does(writer, fd.write("f", "found"));
	does_give(reader, fd.read("f", 10), "found");
}

TEST(fifo, data_stays_while_somebody_has_it_open)
{
	actor *reader = cast("reader"), *writer = cast("writer"), *late = cast_stranger("late");

	meet(reader, writer);
	does(writer, fd.write("f", "for later"));
	does(reader, fd.close("f"));
	does(late, fifo.open("f", O_RDONLY));
	does(writer, fd.close("f"));
	does_give(late, fd.read("f", 100), "for later");
	does_give(late, fd.read("f", 100), 0);
}

TEST_EACH(fifo, data_is_discarded_when_all_have_closed, leavings)
{
	actor *reader = cast("reader"), *writer = cast("writer"), *late = cast("late");

	meet(reader, writer);
	does(writer, fd.write("f", "never read"));
	if (row->dies) {
		dies(writer);
		dies(reader);
	} else {
		does(writer, fd.close("f"));
		does(reader, fd.close("f"));
	}
	does(late, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does_give(late, fd.readable_bytes("f"), 0);
	does_give(late, fd.read("f", 100), 0);
}

TEST(fifo, nonblocking_read)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(reader, fifo.make("f"));
	does(reader, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does_give(reader, fd.read("f", 10), 0);
	does(writer, fifo.open("f", O_WRONLY));
	does_fail(reader, fd.read("f", 10), EAGAIN);
	does(writer, fd.write("f", "data"));
	does_give(reader, fd.read("f", 10), "data");
	does_fail(reader, fd.read("f", 10), EAGAIN);
	does(writer, fd.close("f"));
	does_give(reader, fd.read("f", 10), 0);
}

TEST(fifo, each_open_has_its_own_flags)
{
	actor *a = cast("alice"), *writer = cast("writer");

	does(a, fifo.make("f"));
	does(a, fifo.open("f:1", O_RDONLY | O_NONBLOCK));
	does(writer, fifo.open("f", O_WRONLY));
	does(a, fifo.open("f:2", O_RDONLY));
	does_give(a, fd.is_nonblocking("f:1"), 1);
	does_give(a, fd.is_nonblocking("f:2"), 0);
	does_fail(a, fd.read("f:1", 1), EAGAIN);
	begin(a, fd.read("f:2", 10));
	blocks(a);
	does(writer, fd.write("f", "x"));
	gives(a, "x");
}

TEST(fifo, several_readers_share_the_data)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *writer = cast("writer");

	meet(alice, writer);
	does(bob, fifo.open("f", O_RDONLY));
	does(writer, fd.write("f", "abcd"));
	does_give(alice, fd.read("f", 2), "ab");
	does_give(bob, fd.read("f", 10), "cd");
	does_give(alice, fd.readable_bytes("f"), 0);
}

TEST(fifo, fork_and_exec_keep_the_ends)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	meet(reader, writer);
	actor *child = forks(writer, "child");
	does(writer, fd.close("f"));
	execs(child);
	begin(reader, fd.read("f", 10));
	blocks(reader);
	does(child, fd.write("f", "inherited"));
	gives(reader, "inherited");
	begin(reader, fd.read("f", 10));
	blocks(reader);
	exits(child, 0);
	gives(reader, 0);
}

TEST(fifo, close_on_exec_closes)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(reader, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	does(writer, fifo.open("f", O_WRONLY | O_CLOEXEC));
	succeeds(reader);
	begin(reader, fd.read("f", 10));
	blocks(reader);
	execs(writer);
	gives(reader, 0);
}

TEST(fifo, fifo_cannot_seek)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	meet(reader, writer);
	does(writer, fd.write("f", "here"));
	does_fail(reader, fd.seek("f", 0), ESPIPE);
	does_fail(writer, fd.seek("f", 2), ESPIPE);
	does_fail(reader, fd.pread("f", 2, 0), ESPIPE);
	does_fail(writer, fd.pwrite("f", "x", 0), ESPIPE);
	does_give(reader, fd.read("f", 10), "here");
}

TEST(fifo, truncating_does_nothing)
{
	actor *reader = cast("reader"), *writer = cast("writer"), *second = cast("second");

	meet(reader, writer);
	does(writer, fd.write("f", "stays"));
	does(second, fifo.open("f", O_WRONLY | O_TRUNC));
	does_give(reader, fd.readable_bytes("f"), 5);
	does_give(reader, fd.read("f", 10), "stays");
}

TEST(fifo, capacity_is_as_of_a_pipe)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	meet(reader, writer);
	does(writer, pipes.capacity("f"));
	long long capacity = outcome_of(writer)->value;
	does_give(writer, fd.fill("f", 512), capacity);
	does_give(reader, fd.drain("f"), capacity);
}
