/* SPDX-License-Identifier: MIT */
/* Whose a mutex is that inherits priority, be it robust. */
#include "stage/story.h"

static void make(actor *a, const char *m)
{
	does(a, lock.make_mutex(m, PTHREAD_MUTEX_NORMAL, MUTEX_INHERITS));
}

/* From alice to bob, and from him to carol, who came last. */
static void hand_on(actor *alice, actor *bob, actor *carol)
{
	does(alice, lock.mutex_lock("m"));
	begin(bob, lock.mutex_lock("m"));
	blocks(bob);
	does(alice, lock.mutex_unlock("m"));
	succeeds(bob);
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
	begin(carol, lock.mutex_timedlock("m", 100000));
	blocks(carol);
	does(bob, lock.mutex_unlock("m"));
	succeeds(carol);
	does_fail(bob, lock.mutex_trylock("m"), EBUSY);
	does(carol, lock.mutex_unlock("m"));
	does(alice, lock.mutex_trylock("m"));
}

TEST(lock, inheriting_mutex_is_handed_on)
{
	actor *alice = cast("alice");

	make(alice, "m");
	hand_on(alice, forks(alice, "bob"), forks(alice, "carol"));
}

TEST_VARIANT(lock, inheriting_mutex_is_handed_on, to_strangers)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob"),
	      *carol = cast_stranger("carol");

	does(alice, lock.map_file("m", "f"));
	make(alice, "m");
	does(bob, lock.map("other"));
	does(bob, lock.map_file("m", "f"));
	does(carol, lock.map_file("m", "f"));
	hand_on(alice, bob, carol);
}

TEST_VARIANT(lock, inheriting_mutex_is_handed_on, past_the_dead)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(alice, lock.mutex_lock("m"));
	begin(bob, lock.mutex_lock("m"));
	blocks(bob);
	begin(carol, lock.mutex_lock("m"));
	blocks(carol);
	dies(bob);
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
	does(alice, lock.mutex_unlock("m"));
	succeeds(carol);
}

TEST(lock, inheriting_mutex_goes_to_the_highest)
{
	enum { WAITERS = 4 };
	static const int priorities[WAITERS] = {2, 4, 1, 3};
	static const int order[WAITERS] = {1, 3, 0, 2};
	actor *alice = cast("alice"), *waiter[WAITERS];

	make(alice, "m");
	for (int i = 0; i < WAITERS; i++) {
		waiter[i] = forks(alice, "waiter");
		does(waiter[i], lock.run_in_real_time(priorities[i]));
	}
	does(alice, lock.mutex_lock("m"));
	for (int i = 0; i < WAITERS; i++) {
		begin(waiter[i], lock.mutex_lock("m"));
		blocks(waiter[i]);
	}
	does(alice, lock.mutex_unlock("m"));
	for (int i = 0; i < WAITERS; i++) {
		succeeds(waiter[order[i]]);
		does_fail(alice, lock.mutex_trylock("m"), EBUSY);
		does(waiter[order[i]], lock.mutex_unlock("m"));
	}
}

/* -- a robust one whose holder dies ----------------------------------------------------------- */

TEST(lock, inheriting_robust_mutex_is_told)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, MUTEX_ROBUST | MUTEX_INHERITS));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol"),
	      *dave = forks(alice, "dave");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(carol, lock.mutex_trylock("m"), EOWNERDEAD);
	does(carol, lock.mutex_consistent("m"));
	begin(dave, lock.mutex_lock("m"));
	blocks(dave);
	dies(carol);
	fails(dave, EOWNERDEAD);
}

TEST_VARIANT(lock, inheriting_robust_mutex_is_told, of_strangers)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, lock.map_file("m", "f"));
	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, MUTEX_ROBUST | MUTEX_INHERITS));
	does(bob, lock.map("other"));
	does(bob, lock.map_file("m", "f"));
	does(bob, lock.mutex_lock("m"));
	begin(alice, lock.mutex_timedlock("m", 100000));
	blocks(alice);
	dies(bob);
	fails(alice, EOWNERDEAD);
	does(alice, lock.mutex_consistent("m"));
	does(alice, lock.mutex_unlock("m"));
	does(alice, lock.mutex_lock("m"));
}

TEST_VARIANT(lock, inheriting_robust_mutex_is_told, and_lost)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, MUTEX_ROBUST | MUTEX_INHERITS));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(alice, lock.mutex_lock("m"), EOWNERDEAD);
	begin(carol, lock.mutex_lock("m"));
	blocks(carol);
	does(alice, lock.mutex_unlock("m"));
	fails(carol, ENOTRECOVERABLE);
	does_fail(alice, lock.mutex_lock("m"), ENOTRECOVERABLE);
}
