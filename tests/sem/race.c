/* SPDX-License-Identifier: MIT */
/* Semaphores that several take from at once. */
#include "race/race.h"

#include <fcntl.h>

struct permit {
	sem_t sem;
	int inside; /* how many are */
};

static bool make(void *world, unsigned value)
{
	struct permit *permit = world;

	return impl->sem->sem_init(&permit->sem, 1, value) == 0;
}

static bool make_empty(void *world)
{
	return make(world, 0);
}

static bool make_one(void *world)
{
	return make(world, 1);
}

static void destroy(void *world)
{
	struct permit *permit = world;

	impl->sem->sem_destroy(&permit->sem);
}

static long long post(void *world)
{
	struct permit *permit = world;

	return answer(impl->sem->sem_post(&permit->sem));
}

static long long take(void *world)
{
	struct permit *permit = world;

	return answer(impl->sem->sem_wait(&permit->sem));
}

static long long try(void *world)
{
	struct permit *permit = world;

	return answer(impl->sem->sem_trywait(&permit->sem));
}

/* How many permits there are, and then none. */
static long long take_all(void *world)
{
	long long count = 0;

	while (try(world) == 0)
		count++;
	return count;
}

RACE(sem, one_post_lets_one_by) = {
	.text = "of two who try, one at most gets what was posted, and nothing is lost",
	.world = sizeof(struct permit),
	.make = make_empty,
	.roles = {{"poster", post}, {"alice", try}, {"bob", try}},
	.after = take_all,
	.remove = destroy,
	.outcomes = {{"0 0 -EAGAIN | 0", ALLOWED, "alice has it"},
		     {"0 -EAGAIN 0 | 0", ALLOWED, "bob has it"},
		     {"0 -EAGAIN -EAGAIN | 1", ALLOWED, "both were too early"}},
};

RACE(sem, each_of_two_waiters_is_woken) = {
	.text = "two who wait and two who post: nobody waits for ever",
	.world = sizeof(struct permit),
	.make = make_empty,
	.roles = {{"alice", take}, {"bob", take}, {"carol", post}, {"dave", post}},
	.after = take_all,
	.remove = destroy,
	.outcomes = {{"0 0 0 0 | 0", ALLOWED, "each has what he waited for"}},
};

/* Whom he has seen inside. */
static long long pass(void *world)
{
	struct permit *permit = world;
	long long others, failure = take(world);

	if (failure)
		return failure;
	others = permit->inside++;
	race_step("inside");
	permit->inside--;
	failure = post(world);
	return failure ? failure : others;
}

static long long permits(void *world)
{
	struct permit *permit = world;
	int value = -1;

	impl->sem->sem_getvalue(&permit->sem, &value);
	return value;
}

RACE(sem, one_permit_is_one_holders) = {
	.text = "who has the one permit is alone",
	.world = sizeof(struct permit),
	.make = make_one,
	.roles = {{"alice", pass}, {"bob", pass}, {"carol", pass}},
	.after = permits,
	.remove = destroy,
	.outcomes = {{"0 0 0 | 1", ALLOWED, "one after the other"}},
};

/* -- by name ---------------------------------------------------------------------------------- */

struct name {
	char name[RACE_NAME_MAX];
};

static bool make_name(void *world)
{
	struct name *name = world;

	race_name(name->name);
	return true;
}

/* Whoever comes first makes it. */
static long long open_and_post(void *world)
{
	struct name *name = world;
	sem_t *sem = impl->sem->sem_open(name->name, O_CREAT, 0600, 5);

	if (sem == SEM_FAILED)
		return answer(-1);
	long long result = answer(impl->sem->sem_post(sem));
	impl->sem->sem_close(sem);
	return result;
}

static long long value_of_name(void *world)
{
	struct name *name = world;
	sem_t *sem = impl->sem->sem_open(name->name, 0, 0, 0);
	int value = -1;

	if (sem == SEM_FAILED)
		return answer(-1);
	impl->sem->sem_getvalue(sem, &value);
	impl->sem->sem_close(sem);
	return impl->sem->sem_unlink(name->name) < 0 ? answer(-1) : value;
}

RACE(sem, two_who_create_have_one) = {
	.text = "two who open with O_CREAT have the same semaphore, as it was made by one",
	.world = sizeof(struct name),
	.make = make_name,
	.roles = {{"alice", open_and_post}, {"bob", open_and_post}},
	.after = value_of_name,
	.outcomes = {{"0 0 | 7", ALLOWED, "both have posted to it"}},
};

/* -- deaths ----------------------------------------------------------------------------------- */

RACE(sem, who_dies_posts_once_or_not) = {
	.text = "who is killed while it posts has done so or not, and harms nobody else",
	.world = sizeof(struct permit),
	.make = make_empty,
	.roles = {{"victim", post}, {"poster", post}, {"alice", take}},
	.mortals = 1,
	.after = take_all,
	.remove = destroy,
	.outcomes = {{"0 0 0 | 1", ALLOWED, "nobody died"},
		     {"killed 0 0 | [01]", ALLOWED, "the victim may have posted"}},
};

static long long post_twice(void *world)
{
	long long failure = post(world);

	return failure ? failure : post(world);
}

RACE(sem, who_dies_takes_one_or_none) = {
	.text = "who is killed while it waits has what it waited for or not, and nobody else loses "
		"his",
	.world = sizeof(struct permit),
	.make = make_empty,
	.roles = {{"victim", take}, {"poster", post_twice}, {"alice", take}},
	.mortals = 1,
	.after = take_all,
	.remove = destroy,
	.outcomes = {{"0 0 0 | 0", ALLOWED, "nobody died"},
		     {"killed 0 0 | [01]", ALLOWED, "the victim may have had its own"}},
};
