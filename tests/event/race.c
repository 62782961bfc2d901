/* SPDX-License-Identifier: MIT */
/* Counters that several add to and take from at once. */
#include "race/race.h"

#include <poll.h>
#include <sys/eventfd.h>

struct counter {
	int fd;
};

static bool make_with(void *world, int flags)
{
	struct counter *counter = world;

	counter->fd = impl->event->eventfd(0, flags);
	return counter->fd >= 0;
}

static bool make(void *world)
{
	return make_with(world, 0);
}

static bool make_semaphore(void *world)
{
	return make_with(world, EFD_SEMAPHORE);
}

static void remove_counter(void *world)
{
	struct counter *counter = world;

	impl->fd->close(counter->fd);
}

static long long add(void *world, uint64_t value)
{
	struct counter *counter = world;

	return impl->fd->write(counter->fd, &value, sizeof(value)) < 0 ? answer(-1) : 0;
}

static long long add_1(void *world)
{
	return add(world, 1);
}

static long long add_2(void *world)
{
	return add(world, 2);
}

static long long take(void *world)
{
	struct counter *counter = world;
	uint64_t value = 0;

	return impl->fd->read(counter->fd, &value, sizeof(value)) < 0 ? answer(-1)
								      : (long long)value;
}

/* What is left. */
static long long take_rest(void *world)
{
	struct counter *counter = world;
	struct pollfd readable = {counter->fd, POLLIN, 0};
	long long sum = 0;

	while (impl->fd->poll(&readable, 1, 0) == 1)
		sum += take(world);
	return sum;
}

RACE(event, nothing_that_is_added_is_lost) = {
	.text = "what two add is taken once, or is left",
	.world = sizeof(struct counter),
	.make = make,
	.roles = {{"alice", add_1}, {"bob", add_2}, {"taker", take}},
	.after = take_rest,
	.remove = remove_counter,
	.outcomes = {{"0 0 1 | 2", ALLOWED, "bob was late"},
		     {"0 0 2 | 1", ALLOWED, "alice was late"},
		     {"0 0 3 | 0", ALLOWED, "both were there"}},
};

RACE(event, each_of_two_takers_is_woken) = {
	.text = "two take one each of what is added at once: nobody waits for ever",
	.world = sizeof(struct counter),
	.make = make_semaphore,
	.roles = {{"alice", take}, {"bob", take}, {"adder", add_2}},
	.after = take_rest,
	.remove = remove_counter,
	.outcomes = {{"1 1 0 | 0", ALLOWED, "each has one"}},
};

/* -- deaths ----------------------------------------------------------------------------------- */

RACE(event, who_dies_adds_once_or_not) = {
	.text = "who is killed while it adds has done so or not, and wakes whoever waits if it has",
	.world = sizeof(struct counter),
	.make = make_semaphore,
	.roles = {{"victim", add_1}, {"adder", add_1}, {"taker", take}},
	.mortals = 1,
	.after = take_rest,
	.remove = remove_counter,
	.outcomes = {{"0 0 1 | 1", ALLOWED, "nobody died"},
		     {"killed 0 1 | [01]", ALLOWED, "the victim may have added"}},
};

RACE(event, who_dies_takes_one_or_none) = {
	.text = "who is killed while it takes has one or none, and nobody else loses his",
	.world = sizeof(struct counter),
	.make = make_semaphore,
	.roles = {{"victim", take}, {"taker", take}, {"adder", add_2}},
	.mortals = 1,
	.after = take_rest,
	.remove = remove_counter,
	.outcomes = {{"1 1 0 | 0", ALLOWED, "nobody died"},
		     {"killed 1 0 | [01]", ALLOWED, "the victim may have had his"}},
};
