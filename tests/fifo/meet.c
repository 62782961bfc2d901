/* SPDX-License-Identifier: MIT */
/* Those who open: who waits for whom, and what interrupts it. */
#include <stdio.h>
#include <sys/resource.h>

#include "stage/story.h"

enum { CROWD_MAX = 27 };

static const struct crowd {
	const char *name;
	int count;
	int flags, peer;
} crowds[] = {
	{"2-readers", 2, O_RDONLY, O_WRONLY},	{"10-readers", 10, O_RDONLY, O_WRONLY},
	{"27-readers", 27, O_RDONLY, O_WRONLY}, {"2-writers", 2, O_WRONLY, O_RDONLY},
	{"10-writers", 10, O_WRONLY, O_RDONLY}, {"27-writers", 27, O_WRONLY, O_RDONLY},
};

static const struct end {
	const char *name;
	int flags, peer;
} ends[] = {{"reader", O_RDONLY, O_WRONLY}, {"writer", O_WRONLY, O_RDONLY}};

/* Leaves the FIFO open by nobody but one reader, or one writer, or both. */
static void has_peers(actor *a, bool reader, bool writer)
{
	if (!reader && !writer)
		return;
	does(a, fifo.open("f:r", O_RDONLY | O_NONBLOCK));
	if (!writer)
		return;
	does(a, fifo.open("f:w", O_WRONLY));
	if (!reader)
		does(a, fd.close("f:r"));
}

static const struct mode {
	const char *name;
	int flags;
	bool reader, writer;
	int result; /* 0: returns; -1: waits; else this errno */
} modes[] = {
	{"O_RDONLY-alone", O_RDONLY, false, false, -1},
	{"O_RDONLY-with-a-reader", O_RDONLY, true, false, -1},
	{"O_RDONLY-with-a-writer", O_RDONLY, false, true, 0},
	{"O_RDONLY-with-both", O_RDONLY, true, true, 0},
	{"O_WRONLY-alone", O_WRONLY, false, false, -1},
	{"O_WRONLY-with-a-reader", O_WRONLY, true, false, 0},
	{"O_WRONLY-with-a-writer", O_WRONLY, false, true, -1},
	{"O_WRONLY-with-both", O_WRONLY, true, true, 0},
	{"O_RDONLY-O_NONBLOCK-alone", O_RDONLY | O_NONBLOCK, false, false, 0},
	{"O_RDONLY-O_NONBLOCK-with-a-reader", O_RDONLY | O_NONBLOCK, true, false, 0},
	{"O_RDONLY-O_NONBLOCK-with-a-writer", O_RDONLY | O_NONBLOCK, false, true, 0},
	{"O_RDONLY-O_NONBLOCK-with-both", O_RDONLY | O_NONBLOCK, true, true, 0},
	{"O_WRONLY-O_NONBLOCK-alone", O_WRONLY | O_NONBLOCK, false, false, ENXIO},
	{"O_WRONLY-O_NONBLOCK-with-a-reader", O_WRONLY | O_NONBLOCK, true, false, 0},
	{"O_WRONLY-O_NONBLOCK-with-a-writer", O_WRONLY | O_NONBLOCK, false, true, ENXIO},
	{"O_WRONLY-O_NONBLOCK-with-both", O_WRONLY | O_NONBLOCK, true, true, 0},
};

TEST_EACH(fifo, open_modes, modes)
{
	actor *peer = cast("peer"), *opener = cast("opener");

	does(peer, fifo.make("f"));
	has_peers(peer, row->reader, row->writer);
	begin(opener, fifo.open("f", row->flags));
	if (row->result < 0) {
		blocks(opener);
	} else if (row->result > 0) {
		fails(opener, row->result);
	} else {
		succeeds(opener);
		does_give(opener, fd.access_mode("f"), row->flags & O_ACCMODE);
		does_give(opener, fd.is_nonblocking("f"), (row->flags & O_NONBLOCK) != 0);
	}
}

TEST(fifo, strangers_meet_by_a_name)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, fifo.make("f"));
	begin(alice, fifo.open("f", O_RDONLY));
	blocks(alice);
	does(bob, fifo.open("f", O_WRONLY));
	succeeds(alice);
	does(bob, fd.write("f", "we have never met"));
	does_give(alice, fd.read("f", 100), "we have never met");
}

TEST(fifo, nonblocking_open_for_reading_returns)
{
	actor *reader = cast("reader"), *writer = cast_stranger("writer");

	does(reader, fifo.make("f"));
	does(reader, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does(writer, fifo.open("f", O_WRONLY));
	does(writer, fd.write("f", "x"));
	does_give(reader, fd.read("f", 10), "x");
}

TEST(fifo, nonblocking_open_for_writing_needs_a_reader)
{
	actor *reader = cast("reader"), *writer = cast_stranger("writer");

	does(reader, fifo.make("f"));
	does_fail(writer, fifo.open("f", O_WRONLY | O_NONBLOCK), ENXIO);
	does(reader, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does(writer, fifo.open("f", O_WRONLY | O_NONBLOCK));
	does(writer, fd.close("f"));
	does(reader, fd.close("f"));
	does_fail(writer, fifo.open("f", O_WRONLY | O_NONBLOCK), ENXIO);
}

TEST(fifo, open_for_both_never_waits)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	does(a, fifo.open("f", O_RDWR));
	does(a, fd.write("f", "to myself"));
	does_give(a, fd.read("f", 100), "to myself");
	begin(a, fd.read("f", 100));
	blocks(a);
}

TEST_EACH(fifo, one_opener_releases_all, crowds)
{
	actor *parent = cast("parent"), *crowd[CROWD_MAX];
	char name[24];

	does(parent, fifo.make("f"));
	for (int i = 0; i < row->count; i++) {
		snprintf(name, sizeof(name), "opener%d", i + 1);
		crowd[i] = cast(name);
		begin(crowd[i], fifo.open("f", row->flags));
	}
	for (int i = 0; i < row->count; i++)
		blocks(crowd[i]);
	does(parent, fifo.open("f", row->peer));
	for (int i = 0; i < row->count; i++)
		succeeds(crowd[i]);
}

static const struct passer {
	const char *name;
	int flags, peer;
} passers[] = {
	{"writer-waits", O_WRONLY, O_RDONLY | O_NONBLOCK},
	{"writer-waits-for-one-who-waits", O_WRONLY, O_RDONLY},
	{"reader-waits", O_RDONLY, O_WRONLY},
};

TEST_EACH(fifo, opener_who_comes_and_goes_is_enough, passers)
{
	actor *waiter = cast("waiter"), *passer = cast("passer");

	does(waiter, fifo.make("f"));
	begin(waiter, fifo.open("f", row->flags));
	blocks(waiter);
	does(passer, fifo.open_and_close("f", row->peer));
	succeeds(waiter);
}

enum { MEETINGS = 200 };

/* Opens, reads one byte and the end, closes; so many times. */
static long long meet_as_reader(const char *text, const long long *n)
{
	const char *path = path_of(text);

	for (long long i = 0; i < n[0]; i++) {
		char bytes[4];
		int end = impl->fifo->open(path, O_RDONLY, 0);

		must(end >= 0);
		must_be(impl->fd->read(end, bytes, 1), 1);
		must_be(bytes[0], (char)i);
		must_be(impl->fd->read(end, bytes, 1), 0);
		must_be(impl->fd->close(end), 0);
		shared()[0] = (uint64_t)i + 1;
	}
	return 0;
}

/* Waits in between until the reader has closed: else it would write to the last meeting's. */
static long long meet_as_writer(const char *text, const long long *n)
{
	const char *path = path_of(text);

	for (long long i = 0; i < n[0]; i++) {
		char byte = (char)i;
		int end = impl->fifo->open(path, O_WRONLY, 0);

		must(end >= 0);
		must_be(impl->fd->write(end, &byte, 1), 1);
		must_be(impl->fd->close(end), 0);
		awaits(&shared()[0], (uint64_t)i + 1);
	}
	return 0;
}

TEST(fifo, openers_find_each_other_again_and_again)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(reader, fifo.make("f"));
	begin(writer, call(meet_as_writer, "f", MEETINGS, 0, 0));
	begin(reader, call(meet_as_reader, "f", MEETINGS, 0, 0));
	succeeds(reader);
	succeeds(writer);
}

TEST(fifo, waiting_opener_counts_as_open)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(reader, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	blocks(reader);
	does(writer, fifo.open("f", O_WRONLY | O_NONBLOCK));
	succeeds(reader);
}

TEST(fifo, killed_opener_leaves_no_trace)
{
	actor *reader = cast("reader"), *writer = cast("writer"), *second = cast("second");

	does(writer, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	blocks(reader);
	dies(reader);
	does_fail(writer, fifo.open("f", O_WRONLY | O_NONBLOCK), ENXIO);
	begin(writer, fifo.open("f", O_WRONLY));
	blocks(writer);
	does(second, fifo.open("f", O_RDONLY));
	succeeds(writer);
}

TEST_EACH(fifo, signal_interrupts_the_open, ends)
{
	actor *a = cast("opener"), *peer = cast("peer");

	does(a, fifo.make("f"));
	does(a, sig.handle(SIGUSR1, 0));
	begin(a, fifo.open("f", row->flags));
	blocks(a);
	poke(a, SIGUSR1);
	fails(a, EINTR);
	must_be(caught(a, SIGUSR1), 1);
	begin(peer, fifo.open("f:2", row->peer));
	blocks(peer);
}

TEST_EACH(fifo, signal_with_restart_goes_on_opening, ends)
{
	actor *a = cast("opener"), *peer = cast("peer");

	does(a, fifo.make("f"));
	does(a, sig.handle(SIGUSR1, SA_RESTART));
	begin(a, fifo.open("f", row->flags));
	blocks(a);
	poke(a, SIGUSR1);
	catches(a, SIGUSR1, 1);
	blocks(a);
	does(peer, fifo.open("f:2", row->peer));
	succeeds(a);
}

TEST_EACH(fifo, two_threads_open_both_ends, ends)
{
	actor *first = cast("first"), *second = cast_thread(first, "second");

	does(first, fifo.make("f"));
	begin(first, fifo.open("f:1", row->flags));
	blocks(first);
	begin(second, fifo.open("f:2", row->peer));
	succeeds(second);
	succeeds(first);
	const char *r = row->flags == O_RDONLY ? "f:1" : "f:2";
	does(first, fd.write(row->flags == O_RDONLY ? "f:2" : "f:1", "within"));
	does_give(second, fd.read(r, 10), "within");
}

/* In microseconds: what waiting to open takes. */
static long long cost_of_opening(const char *text, const long long *n)
{
	struct rusage before, after;

	must_be(getrusage(RUSAGE_SELF, &before), 0);
	int end = impl->fifo->open(path_of(text), (int)n[0], 0);
	must(end >= 0);
	must_be(getrusage(RUSAGE_SELF, &after), 0);
	must_be(impl->fd->close(end), 0);
	return (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000LL +
	       (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000LL +
	       (after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
	       (after.ru_stime.tv_usec - before.ru_stime.tv_usec);
}

/* Who counts processor time by ticks may charge a wait with those that a busy machine under it
 * delayed: not every time. */
TEST_EACH(fifo, waiting_opener_takes_no_processor, ends)
{
	actor *a = cast("opener"), *peer = cast("peer");
	enum { MILLISECONDS = 50, LITTLE = MILLISECONDS * 1000 / 4, TIMES = 5 };
	long long cost = LITTLE;

	does(peer, fifo.make("f"));
	does(peer, pipes.make("clock"));
	for (int i = 0; i < TIMES && cost >= LITTLE; i++) {
		begin(a, call(cost_of_opening, "f", row->flags, 0, 0));
		blocks(a);
		does_give(peer, fd.poll("clock:r", POLLIN, MILLISECONDS), 0);
		does(peer, fifo.open("f", row->peer));
		succeeds(a);
		cost = outcome_of(a)->value;
		does(peer, fd.close("f"));
	}
	must(cost < LITTLE);
}
