/* SPDX-License-Identifier: MIT */
/* Robust mutexes: who is told that their holder has died, however he did. */
#include "stage/story.h"

static void make(actor *a, const char *m)
{
	does(a, lock.make_mutex(m, PTHREAD_MUTEX_NORMAL, MUTEX_ROBUST));
}

/*
 * Makes the mutex "m" and sees that a death is told at all: where it isn't, to say so takes less
 * time than to wait for who was to be woken.
 */
static void make_and_probe(actor *a)
{
	make(a, "m");
	make(a, "probe");
	actor *mayfly = forks(a, "mayfly");
	does(mayfly, lock.mutex_lock("probe"));
	dies(mayfly);
	does_fail(a, lock.mutex_trylock("probe"), EOWNERDEAD);
}

struct type {
	const char *name;
	int type;
};

static const struct type types[] = {
	{"normal", PTHREAD_MUTEX_NORMAL},
	{"errorcheck", PTHREAD_MUTEX_ERRORCHECK},
	{"recursive", PTHREAD_MUTEX_RECURSIVE},
};

TEST_EACH(lock, killed_holder_is_told, types)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, MUTEX_ROBUST));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
	does_fail(carol, lock.mutex_trylock("m"), EBUSY);
	does(alice, lock.mutex_consistent("m"));
	does(alice, lock.mutex_unlock("m"));
	does(carol, lock.mutex_lock("m"));
}

TEST_VARIANT(lock, killed_holder_is_told, frozen)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock("m"));
	freeze(bob);
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
	dies(bob);
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
}

TEST(lock, exited_holder_is_told)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock("m"));
	exits(bob, 0);
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
	does(alice, lock.mutex_consistent("m"));
	does(alice, lock.mutex_unlock("m"));
	does(alice, lock.mutex_lock("m"));
}

TEST(lock, ended_thread_is_told)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock_in_thread("m"));
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
	does_fail(bob, lock.mutex_trylock("m"), EBUSY);
	does(alice, lock.mutex_consistent("m"));
	does(alice, lock.mutex_unlock("m"));
	does(bob, lock.mutex_lock("m"));
}

TEST_VARIANT(lock, ended_thread_is_told, of_the_same_process)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, MUTEX_ROBUST | MUTEX_PRIVATE));
	does(alice, lock.mutex_lock_in_thread("m"));
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
	does(alice, lock.mutex_consistent("m"));
	does(alice, lock.mutex_unlock("m"));
}

TEST(lock, executing_holder_is_told)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock("m"));
	execs(bob);
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
}

struct end {
	const char *name;
	bool by_exit, timed;
};

static const struct end ends[] = {
	{"killed", false, false},
	{"killed_timed", false, true},
	{"exited", true, false},
};

TEST_EACH(lock, waiter_is_woken_by_the_holders_death, ends)
{
	actor *alice = cast("alice");

	make_and_probe(alice);
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, lock.mutex_lock("m"));
	begin(carol, row->timed ? lock.mutex_timedlock("m", 100000) : lock.mutex_lock("m"));
	blocks(carol);
	if (row->by_exit)
		exits(bob, 0);
	else
		dies(bob);
	fails(carol, EOWNERDEAD);
	does(carol, lock.mutex_consistent("m"));
	does(carol, lock.mutex_unlock("m"));
	does(alice, lock.mutex_lock("m"));
}

TEST(lock, all_mutexes_of_the_dead_are_told)
{
	enum { COUNT = 6 };
	static const char *const m[COUNT] = {"m0", "m1", "m2", "m3", "m4", "m5"};
	actor *alice = cast("alice");

	for (int i = 0; i < COUNT; i++)
		make(alice, m[i]);
	actor *bob = forks(alice, "bob");
	for (int i = 0; i < COUNT; i++)
		does(bob, lock.mutex_lock(m[i]));
	/* the first, the last and one between */
	does(bob, lock.mutex_unlock(m[0]));
	does(bob, lock.mutex_unlock(m[2]));
	does(bob, lock.mutex_unlock(m[5]));
	does(bob, lock.mutex_lock(m[2]));
	dies(bob);
	does(alice, lock.mutex_trylock(m[0]));
	does_fail(alice, lock.mutex_trylock(m[1]), EOWNERDEAD);
	does_fail(alice, lock.mutex_trylock(m[2]), EOWNERDEAD);
	does_fail(alice, lock.mutex_trylock(m[3]), EOWNERDEAD);
	does_fail(alice, lock.mutex_trylock(m[4]), EOWNERDEAD);
	does(alice, lock.mutex_trylock(m[5]));
}

TEST_VARIANT(lock, all_mutexes_of_the_dead_are_told, each_to_who_waits_for_it)
{
	actor *alice = cast("alice");

	make_and_probe(alice);
	make(alice, "a");
	make(alice, "b");
	actor *holder = forks(alice, "holder"), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");
	does(holder, lock.mutex_lock("a"));
	does(holder, lock.mutex_lock("b"));
	begin(bob, lock.mutex_lock("a"));
	begin(carol, lock.mutex_lock("b"));
	blocks(bob);
	blocks(carol);
	dies(holder);
	fails(bob, EOWNERDEAD);
	fails(carol, EOWNERDEAD);
}

TEST(lock, past_deadline_is_told_of_the_death)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock("m"));
	does_fail(alice, lock.mutex_timedlock("m", -1000), ETIMEDOUT);
	dies(bob);
	does_fail(alice, lock.mutex_timedlock("m", -1000), EOWNERDEAD);
}

TEST(lock, robust_mutex_in_a_file_serves_strangers)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, lock.map_file("m", "f"));
	make(alice, "m");
	does(bob, lock.map("other"));
	does(bob, lock.map_file("m", "f"));
	does(bob, lock.mutex_lock("m"));
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
	dies(bob);
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
	does(alice, lock.mutex_consistent("m"));
	does(alice, lock.mutex_unlock("m"));
	does(alice, lock.mutex_lock("m"));
}

TEST(lock, condition_wait_is_told_of_the_death)
{
	actor *alice = cast("alice");

	make_and_probe(alice);
	does(alice, lock.make_cond("c", CLOCK_REALTIME));
	actor *bob = forks(alice, "bob"), *waiter = forks(alice, "waiter");
	does(waiter, lock.mutex_lock("m"));
	begin(waiter, lock.cond_wait("c", "m"));
	blocks(waiter);
	does(bob, lock.mutex_lock("m"));
	does(bob, lock.cond_signal("c"));
	dies(bob);
	fails(waiter, EOWNERDEAD);
	does(waiter, lock.mutex_consistent("m"));
	does(waiter, lock.mutex_unlock("m"));
	does(alice, lock.mutex_trylock("m"));
}

TEST(lock, death_leaves_other_memory)
{
	actor *alice = cast("alice");

	make(alice, "gone");
	make(alice, "held");
	actor *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock("held"));
	does(bob, lock.mutex_lock("gone"));
	does(bob, lock.mutex_unlock("gone"));
	does(alice, lock.mutex_destroy("gone"));
	does(alice, lock.fill("gone", 0x5A));
	dies(bob);
	does_fail(alice, lock.mutex_trylock("held"), EOWNERDEAD);
	does_give(alice, lock.is_full_of("gone", 0x5A), 1);
}

TEST(lock, killed_waiter_leaves_the_robust_mutex)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(alice, lock.mutex_lock("m"));
	begin(bob, lock.mutex_lock("m"));
	begin(carol, lock.mutex_lock("m"));
	blocks(bob);
	blocks(carol);
	dies(bob);
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
	blocks(carol);
	does(alice, lock.mutex_unlock("m"));
	succeeds(carol);
}
