/* SPDX-License-Identifier: MIT */
/* Mutexes with a priority ceiling.  Ceilings and priorities are steps above SCHED_FIFO's lowest. */
#include <string.h>

#include "stage/story.h"

static int lowest(void)
{
	return sched_get_priority_min(SCHED_FIFO);
}

static int highest(void)
{
	return sched_get_priority_max(SCHED_FIFO);
}

/* -- attributes ------------------------------------------------------------------------------- */

static void make_attributes(pthread_mutexattr_t *attributes)
{
	if (!impl->lock->pthread_mutexattr_getprioceiling ||
	    !impl->lock->pthread_mutexattr_setprioceiling)
		skip("attributes have no priority ceiling here");
	memset(attributes, 0xEE, sizeof(*attributes));
	must_be(impl->lock->pthread_mutexattr_init(attributes), 0);
}

static int ceiling_of(const pthread_mutexattr_t *attributes)
{
	int ceiling = (int)0xEEEEEEEEu;

	must_be(impl->lock->pthread_mutexattr_getprioceiling(attributes, &ceiling), 0);
	return ceiling;
}

static int protocol_of(const pthread_mutexattr_t *attributes)
{
	int protocol = (int)0xEEEEEEEEu;

	must_be(impl->lock->pthread_mutexattr_getprotocol(attributes, &protocol), 0);
	return protocol;
}

/* To set it may take a right. */
static void set_ceiling(pthread_mutexattr_t *attributes, int ceiling)
{
	int error = impl->lock->pthread_mutexattr_setprioceiling(attributes, ceiling);

	if (error == EPERM)
		skip("no right to a priority ceiling");
	must_be(error, 0);
}

static void protect(pthread_mutexattr_t *attributes)
{
	int error = impl->lock->pthread_mutexattr_setprotocol(attributes, PTHREAD_PRIO_PROTECT);

	if (error == ENOTSUP)
		skip("mutexes have no priority ceiling here");
	must_be(error, 0);
}

static long long look_at_default(const char *text, const long long *n)
{
	pthread_mutexattr_t attributes;

	(void)text;
	(void)n;
	make_attributes(&attributes);
	must(ceiling_of(&attributes) >= lowest());
	must(ceiling_of(&attributes) <= highest());
	return impl->lock->pthread_mutexattr_destroy(&attributes);
}

TEST(lock, default_ceiling_is_a_priority)
{
	actor *alice = cast("alice");

	does_give(alice, call(look_at_default, NULL, 0, 0, 0), 0);
}

struct ceiling {
	const char *name;
	bool from_the_top;
	int steps;
};

static const struct ceiling ceilings[] = {
	{"lowest", false, 0},
	{"next_to_lowest", false, 1},
	{"next_to_highest", true, -1},
	{"highest", true, 0},
};

static const struct ceiling nonsense[] = {
	{"too_low", false, -1},
	{"too_high", true, 1},
	{"far_too_high", true, 100000},
	{"negative", false, -100000},
};

static int priority_of(const long long *n)
{
	return (n[0] ? highest() : lowest()) + (int)n[1];
}

static long long keep(const char *text, const long long *n)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t *mutex = handle_pointer(text);
	int told = (int)0xEEEEEEEEu;

	make_attributes(&attributes);
	set_ceiling(&attributes, priority_of(n));
	must_be(ceiling_of(&attributes), priority_of(n));
	must_be(protocol_of(&attributes), PTHREAD_PRIO_NONE);
	protect(&attributes);
	must_be(ceiling_of(&attributes), priority_of(n));
	must_be(protocol_of(&attributes), PTHREAD_PRIO_PROTECT);
	must_be(impl->lock->pthread_mutex_init(mutex, &attributes), 0);
	set_ceiling(&attributes, lowest() + 2);
	must_be(impl->lock->pthread_mutexattr_destroy(&attributes), 0);
	memset(&attributes, 0x5A, sizeof(attributes));
	must_be(impl->lock->pthread_mutex_getprioceiling(mutex, &told), 0);
	must_be(told, priority_of(n));
	return impl->lock->pthread_mutex_destroy(mutex);
}

TEST_EACH(lock, ceiling_is_kept, ceilings)
{
	actor *alice = cast("alice");

	does(alice, lock.map("m"));
	does_give(alice, call(keep, "m", row->from_the_top, row->steps, 0), 0);
}

/* -- of a mutex ------------------------------------------------------------------------------- */

/* By attributes; by a mutex with the ceiling 2. */
static long long set_nonsense(const char *text, const long long *n)
{
	pthread_mutexattr_t attributes;
	int old, before, change;

	make_attributes(&attributes);
	before = ceiling_of(&attributes);
	must_be(impl->lock->pthread_mutexattr_setprioceiling(&attributes, priority_of(n)), EINVAL);
	must_be(ceiling_of(&attributes), before);
	change = impl->lock->pthread_mutex_setprioceiling(handle_pointer(text), priority_of(n),
							  &old);
	must_be(change, EINVAL);
	return impl->lock->pthread_mutexattr_destroy(&attributes);
}

TEST_EACH(lock, nonsense_ceiling_is_refused, nonsense)
{
	actor *alice = cast("alice");

	does(alice, lock.make_ceiling_mutex("m", 2));
	does_give(alice, call(set_nonsense, "m", row->from_the_top, row->steps, 0), 0);
}

static long long try_nonsense(const char *text, const long long *n)
{
	int old;

	return impl->lock->pthread_mutex_setprioceiling(handle_pointer(text), priority_of(n), &old);
}

TEST_EACH(lock, refused_ceiling_changes_nothing, nonsense)
{
	actor *alice = cast("alice");

	does(alice, lock.make_ceiling_mutex("m", 2));
	does(alice, call(try_nonsense, "m", row->from_the_top, row->steps, 0));
	if (outcome_of(alice)->value == 0)
		skip("a ceiling that is no priority is taken");
	does_give(alice, lock.mutex_get_ceiling("m"), 2);
	/* nor is it locked */
	does_give(alice, lock.mutex_set_ceiling("m", 3), 2);
}

TEST(lock, changed_ceiling_tells_the_old_one)
{
	actor *alice = cast("alice");

	does(alice, lock.make_ceiling_mutex("m", 2));
	actor *bob = forks(alice, "bob");
	does_give(alice, lock.mutex_set_ceiling("m", 4), 2);
	does_give(bob, lock.mutex_get_ceiling("m"), 4);
	/* who has it still locked would keep bob out */
	does_give(bob, lock.mutex_set_ceiling("m", 1), 4);
	does_give(alice, lock.mutex_set_ceiling("m", 1), 1);
	does_give(alice, lock.mutex_get_ceiling("m"), 1);
}

TEST_VARIANT(lock, changed_ceiling_tells_the_old_one, and_lets_lock)
{
	actor *alice = cast("alice");

	does(alice, lock.make_ceiling_mutex("m", 2));
	actor *bob = forks(alice, "bob");
	does(bob, lock.run_in_real_time(4));
	does_fail(bob, lock.mutex_trylock("m"), EINVAL);
	does_give(alice, lock.mutex_set_ceiling("m", 4), 2);
	does(bob, lock.mutex_trylock("m"));
	does(bob, lock.mutex_unlock("m"));
}

TEST(lock, change_of_a_ceiling_waits_for_the_holder)
{
	actor *alice = cast("alice");

	does(alice, lock.make_ceiling_mutex("m", 4));
	actor *bob = forks(alice, "bob");
	does(bob, lock.run_in_real_time(1));
	does(bob, lock.mutex_lock("m"));
	begin(alice, lock.mutex_set_ceiling("m", 2));
	blocks(alice);
	does_give(bob, lock.mutex_get_ceiling("m"), 4);
	does(bob, lock.mutex_unlock("m"));
	gives(alice, 4);
	does_give(bob, lock.mutex_get_ceiling("m"), 2);
	does(bob, lock.mutex_lock("m"));
	does(bob, lock.mutex_unlock("m"));
}

TEST(lock, mutex_without_protocol_has_no_ceiling)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	does_fail(alice, lock.mutex_get_ceiling("m"), EINVAL);
	does_fail(alice, lock.mutex_set_ceiling("m", 2), EINVAL);
	does(alice, lock.mutex_trylock("m"));
}

/* -- who may lock ----------------------------------------------------------------------------- */

TEST(lock, who_is_above_the_ceiling_is_refused)
{
	actor *high = cast("high");

	does(high, lock.make_ceiling_mutex("m", 2));
	actor *at = forks(high, "at"), *low = forks(high, "low");
	does(high, lock.run_in_real_time(3));
	does(at, lock.run_in_real_time(2));
	does(low, lock.run_in_real_time(0));
	does_fail(high, lock.mutex_lock("m"), EINVAL);
	does_fail(high, lock.mutex_trylock("m"), EINVAL);
	does_fail(high, lock.mutex_timedlock("m", 100000), EINVAL);
	does(at, lock.mutex_lock("m"));
	does_fail(low, lock.mutex_trylock("m"), EBUSY);
	does(at, lock.mutex_unlock("m"));
	does(low, lock.mutex_lock("m"));
	does(low, lock.mutex_unlock("m"));
}
