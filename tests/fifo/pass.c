/* SPDX-License-Identifier: MIT */
/* Openers that pass by, fail, or are of a kind of their own, and those who wait for one. */
#include <stdio.h>

#include "stage/story.h"

static const struct end {
	const char *name;
	int flags, peer;
} ends[] = {{"reader", O_RDONLY, O_WRONLY}, {"writer", O_WRONLY, O_RDONLY}};

TEST_EACH(fifo, open_for_both_releases_all, ends)
{
	actor *both = cast("both"), *alice = cast("alice"), *bob = cast("bob");
	bool reads = row->flags == O_RDONLY;

	does(both, fifo.make("f"));
	begin(alice, fifo.open("f", row->flags));
	begin(bob, fifo.open("f", row->flags));
	blocks(alice);
	blocks(bob);
	does(both, fifo.open("f", O_RDWR));
	succeeds(alice);
	succeeds(bob);
	does(reads ? both : alice, fd.write("f", "x"));
	does_give(reads ? alice : both, fd.read("f", 10), "x");
}

TEST(fifo, open_for_both_never_ends)
{
	actor *both = cast("both"), *reader = cast("reader"), *writer = cast("writer");

	does(both, fifo.make("f"));
	does(both, fifo.open("f", O_RDWR));
	does(reader, fifo.open("f", O_RDONLY));
	does(writer, fifo.open("f", O_WRONLY));
	begin(reader, fd.read("f", 10));
	blocks(reader);
	does(writer, fd.write("f", "x"));
	gives(reader, "x");
	does(reader, fd.close("f"));
	does(writer, fd.write("f", "y"));
	does(writer, fd.close("f"));
	does(reader, fifo.open("f", O_RDONLY));
	does_give(reader, fd.read("f", 10), "y");
	begin(reader, fd.read("f", 10));
	blocks(reader);
	dies(both);
	gives(reader, 0);
}

/* -- who has left before he was met -------------------------------------------------------------
 */

TEST(fifo, missed_writer_is_told_as_the_end)
{
	actor *reader = cast("reader"), *passer = cast("passer");

	does(reader, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	blocks(reader);
	does(passer, fifo.open_and_close("f", O_WRONLY));
	succeeds(reader);
	does_give(reader, fd.read("f", 10), 0);
	does(passer, fifo.open("f", O_WRONLY));
	begin(reader, fd.read("f", 10));
	blocks(reader);
	does(passer, fd.write("f", "back"));
	gives(reader, "back");
}

TEST(fifo, missed_reader_breaks_the_writer)
{
	actor *writer = cast("writer"), *passer = cast("passer");

	does(writer, fifo.make("f"));
	does(writer, sig.handle(SIGPIPE, 0));
	begin(writer, fifo.open("f", O_WRONLY));
	blocks(writer);
	does(passer, fifo.open_and_close("f", O_RDONLY));
	succeeds(writer);
	does_fail(writer, fd.write("f", "x"), EPIPE);
	must_be(caught(writer, SIGPIPE), 1);
	does(passer, fifo.open("f", O_RDONLY));
	does(writer, fd.write("f", "y"));
	does_give(passer, fd.read("f", 10), "y");
}

static long long write_and_leave(const char *text, const long long *n)
{
	int end = impl->fifo->open(path_of(text), O_WRONLY, 0);

	(void)n;
	must(end >= 0);
	must_be(impl->fd->write(end, "greetings", 9), 9);
	return impl->fd->close(end);
}

TEST(fifo, what_a_passer_wrote_is_read)
{
	actor *reader = cast("reader"), *passer = cast_stranger("passer");

	does(reader, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	blocks(reader);
	does(passer, call(write_and_leave, "f", 0, 0, 0));
	succeeds(reader);
	does_give(reader, fd.read("f", 100), "greetings");
	does_give(reader, fd.read("f", 100), 0);
}

TEST_VARIANT(fifo, killed_opener_leaves_no_trace, who_wrote)
{
	actor *writer = cast("writer"), *reader = cast("reader"), *second = cast("second");

	does(reader, fifo.make("f"));
	begin(writer, fifo.open("f", O_WRONLY));
	blocks(writer);
	dies(writer);
	begin(reader, fifo.open("f", O_RDONLY));
	blocks(reader);
	does(second, fifo.open("f", O_WRONLY));
	succeeds(reader);
	dies(second);
	does_give(reader, fd.read("f", 10), 0);
}

/* -- who opens nothing --------------------------------------------------------------------------
 */

TEST_EACH(fifo, open_without_a_descriptor_releases_nobody, ends)
{
	actor *waiter = cast("waiter"), *poor = cast("poor"), *peer = cast("peer");

	does(waiter, fifo.make("f"));
	begin(waiter, fifo.open("f", row->flags));
	blocks(waiter);
	does(poor, fd.leave_room(0));
	does_fail(poor, fifo.open("f", row->peer), EMFILE);
	blocks(waiter);
	does(peer, fifo.open("f", row->peer));
	succeeds(waiter);
}

#ifndef O_PATH
#define O_PATH 010000000
#endif

TEST_EACH(fifo, path_descriptor_opens_no_end, ends)
{
	actor *waiter = cast("waiter"), *looker = cast("looker"), *peer = cast("peer");

	does(waiter, fifo.make("f"));
	does(looker, fifo.open("f:path", O_PATH));
	does_fail(looker, fd.read("f:path", 1), EBADF);
	does_fail(looker, fd.write("f:path", "x"), EBADF);
	does(looker, fd.mode("f:path"));
	must(S_ISFIFO(outcome_of(looker)->value));
	begin(waiter, fifo.open("f", row->flags));
	blocks(waiter);
	does(looker, fifo.open("f:path", O_PATH));
	blocks(waiter);
	does(peer, fifo.open("f", row->peer));
	succeeds(waiter);
}

static int lowest(void)
{
	int number = 0;

	while (impl->fd->fcntl(number, F_GETFD, 0) >= 0)
		number++;
	return number;
}

/* In a gap of the numbers, and behind it. */
static long long open_at_lowest(const char *text, const long long *n)
{
	const char *path = path_of(text);
	int first = lowest();

	(void)n;
	must_be(impl->fifo->open(path, O_RDONLY | O_NONBLOCK, 0), first);
	int second = lowest();
	must_be(impl->fifo->open(path, O_WRONLY | O_NONBLOCK, 0), second);
	must_be(impl->fd->close(first), 0);
	must_be(impl->fifo->open(path, O_RDONLY | O_NONBLOCK, 0), first);
	return 0;
}

TEST(fifo, open_takes_the_lowest_descriptor)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	does(a, call(open_at_lowest, "f", 0, 0, 0));
}

TEST(fifo, creating_open_takes_what_is_there)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(reader, fifo.make("f"));
	does(reader, fifo.chmod("f", 0640));
	begin(reader, fifo.open("f", O_RDONLY | O_CREAT));
	blocks(reader);
	does(writer, fifo.open("f", O_WRONLY | O_CREAT));
	succeeds(reader);
	does(writer, fd.write("f", "x"));
	does_give(reader, fd.read("f", 10), "x");
	does_give(reader, fifo.mode("f"), S_IFIFO | 0640);
}

/* -- many that come and go ----------------------------------------------------------------------
 */

enum { WRITERS = 3, RECORDS = 60 };

struct record {
	uint32_t writer, number;
};

static long long write_by_visits(const char *text, const long long *n)
{
	const char *path = path_of(text);

	for (uint32_t i = 0; i < RECORDS; i++) {
		struct record record = {(uint32_t)n[0], i};
		int end = impl->fifo->open(path, O_WRONLY, 0);

		must(end >= 0);
		must_be(impl->fd->write(end, &record, sizeof(record)), sizeof(record));
		must_be(impl->fd->close(end), 0);
	}
	return 0;
}

static long long read_records(const char *text, const long long *n)
{
	uint32_t next[WRITERS] = {0};
	struct record record;

	(void)n;
	for (int i = 0; i < WRITERS * RECORDS; i++) {
		must_be(impl->fd->read(handle_fd(text), &record, sizeof(record)), sizeof(record));
		must(record.writer < WRITERS);
		must_be(record.number, next[record.writer]++);
	}
	return 0;
}

TEST(fifo, writers_that_come_and_go_lose_nothing)
{
	static const char *const names[WRITERS] = {"alice", "bob", "carol"};
	actor *reader = cast("reader"), *keeper = cast("keeper"), *writers[WRITERS];

	does(keeper, fifo.make("f"));
	begin(keeper, fifo.open("f", O_WRONLY));
	does(reader, fifo.open("f", O_RDONLY));
	succeeds(keeper);
	begin(reader, call(read_records, "f", 0, 0, 0));
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = cast(names[i]);
		begin(writers[i], call(write_by_visits, "f", i, 0, 0));
	}
	for (int i = 0; i < WRITERS; i++)
		succeeds(writers[i]);
	succeeds(reader);
	does_give(reader, fd.readable_bytes("f"), 0);
}
