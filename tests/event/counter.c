/* SPDX-License-Identifier: MIT */
/* Counters that can be read and added to. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "stage/story.h"

enum { CROWD_MAX = 27 };

static const struct crowd {
	const char *name;
	int count;
} crowds[] = {{"2", 2}, {"10", 10}, {"27", 27}};

#define MOST (UINT64_MAX - 1)

TEST(event, counter_adds_up)
{
	actor *a = cast("alice");

	does(a, event.counter("c", 3, 0));
	does_give(a, event.take("c"), 3);
	does_give(a, event.add("c", 1), 8);
	does(a, event.add("c", 0));
	does(a, event.add("c", 41));
	does_give(a, event.take("c"), 42);
	does(a, fd.set_flags("c", O_NONBLOCK));
	does_fail(a, event.take("c"), EAGAIN);
}

TEST(event, counter_holds_64_bits)
{
	actor *a = cast("alice");

	does(a, event.counter("c", 0, EFD_NONBLOCK));
	does(a, event.add("c", 0x0102030405060708));
	does_give(a, event.take("c"), 0x0102030405060708);
	does(a, event.add("c", MOST));
	does_give(a, event.take("c"), (long long)MOST);
	does(a, event.counter("d", 0xFFFFFFFF, EFD_NONBLOCK));
	does(a, event.add("d", 1));
	does_give(a, event.take("d"), 0x100000000);
}

TEST(event, semaphore_gives_one_at_a_time)
{
	actor *a = cast("alice");

	does(a, event.counter("c", 2, EFD_SEMAPHORE | EFD_NONBLOCK));
	does_give(a, event.take("c"), 1);
	does(a, event.add("c", 1));
	does_give(a, event.take("c"), 1);
	does_give(a, event.take("c"), 1);
	does_fail(a, event.take("c"), EAGAIN);
	does(a, event.add("c", MOST));
	does_fail(a, event.add("c", 1), EAGAIN);
}

static const struct kind {
	const char *name;
	int flags;
	long long takes;
} kinds[] = {{"counter", 0, 5}, {"semaphore", EFD_SEMAPHORE, 1}};

TEST_EACH(event, empty_counter_waits, kinds)
{
	actor *reader = cast("reader");

	does(reader, event.counter("c", 0, row->flags));
	actor *writer = forks(reader, "writer");
	begin(reader, event.take("c"));
	blocks(reader);
	does(writer, event.add("c", 0));
	blocks(reader);
	does(writer, event.add("c", 5));
	gives(reader, row->takes);
}

TEST(event, full_counter_waits)
{
	actor *writer = cast("writer");

	does(writer, event.counter("c", 0, 0));
	actor *reader = forks(writer, "reader");
	does(writer, event.add("c", MOST - 1));
	begin(writer, event.add("c", 2));
	blocks(writer);
	does_give(reader, event.take("c"), (long long)(MOST - 1));
	gives(writer, 8);
	does_give(reader, event.take("c"), 2);
	does(reader, fd.set_flags("c", O_NONBLOCK));
	does(writer, event.add("c", MOST));
	does_fail(writer, event.add("c", 1), EAGAIN);
	does_give(reader, event.take("c"), (long long)MOST);
}

enum { READ_SHORT, WRITE_SHORT, WRITE_ALL_ONES, MAKE_WITH_UNKNOWN_FLAGS, READ_LONG, WRITE_LONG };

static long long misuse(const char *text, const long long *n)
{
	uint64_t numbers[2] = {7, UINT64_MAX}, all_ones = UINT64_MAX;
	int c = handle_fd("c");

	(void)text;
	switch (n[0]) {
	case READ_SHORT:
		return impl->fd->read(c, numbers, 7);
	case WRITE_SHORT:
		return impl->fd->write(c, numbers, 4);
	case WRITE_ALL_ONES:
		return impl->fd->write(c, &all_ones, 8);
	case MAKE_WITH_UNKNOWN_FLAGS:
		return impl->event->eventfd(0, ~(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));
	case READ_LONG:
		must_be(impl->fd->read(c, numbers, 16), 8);
		must(numbers[0] == 3 && numbers[1] == UINT64_MAX);
		return impl->fd->write(c, numbers, 8);
	default:
		return -2;
	}
}

static const struct size {
	const char *name;
	int what;
	int error;
} sizes[] = {
	{"read-of-7", READ_SHORT, EINVAL},
	{"write-of-4", WRITE_SHORT, EINVAL},
	{"write-of-all-ones", WRITE_ALL_ONES, EINVAL},
	{"unknown-flags", MAKE_WITH_UNKNOWN_FLAGS, EINVAL},
	{"read-of-16-gives-8", READ_LONG, 0},
};

TEST_EACH(event, counter_refuses_bad_sizes, sizes)
{
	actor *a = cast("alice");

	does(a, event.counter("c", 3, EFD_NONBLOCK));
	if (row->error)
		does_fail(a, call(misuse, NULL, row->what, 0, 0), row->error);
	else
		does_give(a, call(misuse, NULL, row->what, 0, 0), 8);
	does_give(a, event.take("c"), 3);
}

static void gather(actor **crowd, int count, actor *parent)
{
	char name[24];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "reader%d", i + 1);
		crowd[i] = forks(parent, name);
	}
}

TEST_EACH(event, semaphore_wakes_as_many_as_added, crowds)
{
	actor *writer = cast("writer"), *readers[CROWD_MAX];

	does(writer, event.counter("c", 0, EFD_SEMAPHORE));
	gather(readers, row->count, writer);
	for (int i = 0; i < row->count; i++)
		begin(readers[i], event.take("c"));
	for (int i = 0; i < row->count; i++)
		blocks(readers[i]);
	does(writer, event.add("c", (uint64_t)row->count));
	for (int i = 0; i < row->count; i++)
		gives(readers[i], 1);
	does(writer, fd.set_flags("c", O_NONBLOCK));
	does_fail(writer, event.take("c"), EAGAIN);
}

/* Tells the story, by its own number, that it got something. */
static long long take_and_tell(const char *text, const long long *n)
{
	uint64_t count = 0;

	(void)text;
	must_be(impl->fd->read(handle_fd("c"), &count, sizeof(count)), 8);
	shared()[1] = (uint64_t)n[0];
	shared()[0]++;
	return (long long)count;
}

TEST(event, counter_wakes_one_reader)
{
	actor *writer = cast("writer"), *readers[2];

	does(writer, event.counter("c", 0, 0));
	gather(readers, 2, writer);
	for (int i = 0; i < 2; i++) {
		begin(readers[i], call(take_and_tell, NULL, i, 0, 0));
		blocks(readers[i]);
	}
	does(writer, event.add("c", 7));
	awaits(&shared()[0], 1);
	actor *first = readers[shared()[1]], *second = readers[1 - shared()[1]];
	gives(first, 7);
	blocks(second);
	does(writer, event.add("c", 8));
	gives(second, 8);
}

enum { ADDED = 2000 };

static long long add_many(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	for (uint64_t i = 0; i < ADDED; i++) {
		uint64_t count = i % 3;

		must_be(impl->fd->write(handle_fd("c"), &count, sizeof(count)), 8);
	}
	return 0;
}

/* Takes until, all told, so many have been taken; the last is woken by who finds all taken. */
static long long take_many(const char *text, const long long *n)
{
	uint64_t count, last = 1;

	(void)text;
	while (shared()[0] < (uint64_t)n[0]) {
		must_be(impl->fd->read(handle_fd("c"), &count, sizeof(count)), 8);
		must(count > 0 && (!n[1] || count == 1));
		if (atomic_fetch_add(&shared()[0], count) + count >= (uint64_t)n[0]) {
			shared()[1]++;
			must_be(impl->fd->write(handle_fd("c"), &last, sizeof(last)), 8);
		}
	}
	return 0;
}

TEST_EACH(event, no_count_is_lost, kinds)
{
	actor *parent = cast("parent");
	long long sum = 2 * (ADDED / 3 * 3 + ADDED % 3 / 2);

	does(parent, event.counter("c", 0, row->flags));
	actor *alice = forks(parent, "alice"), *bob = forks(parent, "bob");
	actor *carol = forks(parent, "carol");
	begin(carol, call(take_many, NULL, sum, row->flags, 0));
	begin(parent, call(take_many, NULL, sum, row->flags, 0));
	begin(alice, call(add_many, NULL, 0, 0, 0));
	begin(bob, call(add_many, NULL, 0, 0, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
	succeeds(parent);
	long long taken = (long long)shared()[0];
	does(parent, fd.set_flags("c", O_NONBLOCK));
	for (begin(parent, event.take("c")), returns(parent); outcome_of(parent)->value > 0;
	     begin(parent, event.take("c")), returns(parent))
		taken += outcome_of(parent)->value;
	must_be(taken, sum + (long long)shared()[1]);
}

TEST(event, counter_is_inherited)
{
	actor *parent = cast("parent");

	does(parent, event.counter("c", 0, 0));
	does(parent, event.counter("d", 0, EFD_CLOEXEC));
	does_give(parent, fd.cloexec("c"), 0);
	does_give(parent, fd.cloexec("d"), 1);
	actor *child = forks(parent, "child");
	does(child, event.add("d", 4));
	does_give(parent, event.take("d"), 4);
	execs(child);
	does(child, event.add("c", 5));
	does_give(parent, event.take("c"), 5);
	does_give(child, fd.is_open("d"), 0);
}

/* How long it must be nothing to who waits, in milliseconds. */
enum { WAITS_ON = 60 };

TEST(event, counter_nonblocking_is_for_calls_to_come)
{
	actor *alice = cast("alice");

	does(alice, event.counter("c", 0, 0));
	actor *bob = forks(alice, "bob");
	begin(alice, event.take("c"));
	blocks(alice);
	does(bob, fd.set_flags("c", O_RDWR | O_NONBLOCK));
	does_give(bob, fd.poll("c", POLLIN, WAITS_ON), 0);
	does(bob, event.add("c", 3));
	gives(alice, 3);

	does(bob, fd.set_flags("c", O_RDWR));
	does(bob, event.add("c", MOST));
	begin(alice, event.add("c", 2));
	blocks(alice);
	does(bob, fd.set_flags("c", O_RDWR | O_NONBLOCK));
	does_give(bob, fd.poll("c", POLLOUT, WAITS_ON), 0);
	does_give(bob, event.take("c"), (long long)MOST);
	gives(alice, 8);
	does_give(bob, event.take("c"), 2);
}

TEST(event, counter_wait_is_interrupted)
{
	actor *a = cast("alice");

	does(a, event.counter("c", 0, 0));
	actor *writer = forks(a, "writer");
	does(a, sig.handle(SIGUSR1, 0));
	does(a, sig.handle(SIGUSR2, SA_RESTART));
	begin(a, event.take("c"));
	blocks(a);
	poke(a, SIGUSR2);
	catches(a, SIGUSR2, 1);
	blocks(a);
	poke(a, SIGUSR1);
	fails(a, EINTR);
	does(writer, event.add("c", 6));
	does_give(a, event.take("c"), 6);
}

/* Sends signals that whoever gets them ignores, until the first shared word is so much. */
static long long sends_ignored(const char *text, const long long *n)
{
	(void)text;
	while (shared()[0] < (unsigned long)n[1] && kill((pid_t)n[0], SIGCHLD) == 0)
		shared()[1]++;
	return 0;
}

TEST_VARIANT(event, counter_wait_is_interrupted, among_signals_that_are_ignored)
{
	enum { ROUNDS = 10, MANY = 20000 };
	actor *a = cast("alice"), *bob = cast("bob");

	does(a, event.counter("c", 0, 0));
	does(a, sig.handle(SIGUSR1, 0));
	for (unsigned long round = 1; round <= ROUNDS; round++) {
		begin(a, event.take("c"));
		blocks(a);
		begin(bob, call(sends_ignored, NULL, pid_of(a), (long long)round, 0));
		awaits(&shared()[1], round * MANY);
		poke(a, SIGUSR1);
		fails(a, EINTR);
		shared()[0] = round;
		gives(bob, 0);
	}
}

TEST(event, adding_is_interrupted)
{
	actor *a = cast("alice");

	does(a, event.counter("c", 0, 0));
	does(a, event.add("c", MOST));
	actor *reader = forks(a, "reader");
	does(a, sig.handle(SIGUSR1, 0));
	does(a, sig.handle(SIGUSR2, SA_RESTART));
	begin(a, event.add("c", 3));
	blocks(a);
	poke(a, SIGUSR2);
	catches(a, SIGUSR2, 1);
	blocks(a);
	poke(a, SIGUSR1);
	fails(a, EINTR);
	does_give(reader, event.take("c"), (long long)MOST);
	does(reader, fd.set_flags("c", O_NONBLOCK));
	does_fail(reader, event.take("c"), EAGAIN);
}

TEST_EACH(event, taking_wakes_every_adder, crowds)
{
	actor *reader = cast("reader"), *adders[CROWD_MAX];

	does(reader, event.counter("c", 0, 0));
	does(reader, event.add("c", MOST));
	gather(adders, row->count, reader);
	for (int i = 0; i < row->count; i++)
		begin(adders[i], event.add("c", 2));
	for (int i = 0; i < row->count; i++)
		blocks(adders[i]);
	does_give(reader, event.take("c"), (long long)MOST);
	for (int i = 0; i < row->count; i++)
		gives(adders[i], 8);
	does_give(reader, event.take("c"), 2 * row->count);
}
