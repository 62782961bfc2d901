/* SPDX-License-Identifier: MIT */
/* Robust mutexes: how one is recovered whose holder has died, and what becomes of it else. */
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

/* Locks, counts who is told of a death, recovers, and unlocks. */
static long long recover(const char *text, const long long *n)
{
	pthread_mutex_t *mutex = handle_pointer(text);
	int result = impl->lock->pthread_mutex_lock(mutex);

	if (result == EOWNERDEAD) {
		atomic_fetch_add(&shared()[0], 1);
		result = impl->lock->pthread_mutex_consistent(mutex);
	}
	must_be(result, 0);
	must_be(impl->lock->pthread_mutex_unlock(mutex), 0);
	return n[0];
}

TEST(lock, death_is_told_once)
{
	actor *alice = cast("alice");

	make_and_probe(alice);
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does(alice, call(recover, "m", 0, 0, 0));
	must_be(shared()[0], 1);
	does(alice, call(recover, "m", 0, 0, 0));
	does(carol, call(recover, "m", 0, 0, 0));
	must_be(shared()[0], 1);
}

TEST_VARIANT(lock, death_is_told_once, to_one_of_those_who_wait)
{
	enum { WAITERS = 4 };
	actor *alice = cast("alice"), *waiter[WAITERS];

	make_and_probe(alice);
	actor *holder = forks(alice, "holder");
	for (int i = 0; i < WAITERS; i++)
		waiter[i] = forks(alice, "waiter");
	does(holder, lock.mutex_lock("m"));
	for (int i = 0; i < WAITERS; i++)
		begin(waiter[i], call(recover, "m", 0, 0, 0));
	for (int i = 0; i < WAITERS; i++)
		blocks(waiter[i]);
	dies(holder);
	for (int i = 0; i < WAITERS; i++)
		succeeds(waiter[i]);
	must_be(shared()[0], 1);
}

/* Bob dies with the mutex "m", and alice doesn't recover it. */
static void lose(actor *alice, actor *bob)
{
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
	does(alice, lock.mutex_unlock("m"));
}

TEST(lock, unlocked_without_consistent_is_lost)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	lose(alice, bob);
	for (int i = 0; i < 2; i++) {
		does_fail(alice, lock.mutex_lock("m"), ENOTRECOVERABLE);
		does_fail(carol, lock.mutex_lock("m"), ENOTRECOVERABLE);
		does_fail(carol, lock.mutex_timedlock("m", 100000), ENOTRECOVERABLE);
		does_fail(carol, lock.mutex_timedlock("m", -100000), ENOTRECOVERABLE);
	}
	does_fail(carol, lock.mutex_unlock("m"), EPERM);
}

TEST_VARIANT(lock, unlocked_without_consistent_is_lost, to_who_tries)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	lose(alice, bob);
	does_fail(carol, lock.mutex_trylock("m"), ENOTRECOVERABLE);
}

TEST(lock, trying_a_lost_mutex_changes_nothing)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	lose(alice, bob);
	does_fail(carol, lock.mutex_trylock("m"), ENOTRECOVERABLE);
	does_fail(alice, lock.mutex_trylock("m"), ENOTRECOVERABLE);
	does_fail(alice, lock.mutex_lock("m"), ENOTRECOVERABLE);
	does_fail(carol, lock.mutex_lock("m"), ENOTRECOVERABLE);
}

TEST(lock, lost_mutex_wakes_who_waits)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
	begin(carol, lock.mutex_lock("m"));
	blocks(carol);
	does(alice, lock.mutex_unlock("m"));
	fails(carol, ENOTRECOVERABLE);
}

TEST(lock, lost_mutex_wakes_all_who_wait)
{
	enum { WAITERS = 3 };
	actor *alice = cast("alice"), *waiter[WAITERS];

	make(alice, "m");
	actor *holder = forks(alice, "holder");
	for (int i = 0; i < WAITERS; i++)
		waiter[i] = forks(alice, "waiter");
	does(holder, lock.mutex_lock("m"));
	dies(holder);
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
	for (int i = 0; i < WAITERS; i++)
		begin(waiter[i], lock.mutex_lock("m"));
	for (int i = 0; i < WAITERS; i++)
		blocks(waiter[i]);
	does(alice, lock.mutex_unlock("m"));
	for (int i = 0; i < WAITERS; i++)
		fails(waiter[i], ENOTRECOVERABLE);
}

TEST(lock, lost_mutex_can_be_made_again)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
	does(alice, lock.mutex_unlock("m"));
	does_fail(carol, lock.mutex_lock("m"), ENOTRECOVERABLE);
	does(alice, lock.mutex_destroy("m"));
	make(alice, "m");
	does(carol, lock.mutex_lock("m"));
	dies(carol);
	does_fail(alice, lock.mutex_lock("m"), EOWNERDEAD);
}

TEST(lock, dead_recoverer_is_told)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol"),
	      *dave = forks(alice, "dave"), *erin = forks(alice, "erin");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(carol, lock.mutex_trylock("m"), EOWNERDEAD);
	dies(carol);
	does_fail(dave, lock.mutex_trylock("m"), EOWNERDEAD);
	begin(erin, lock.mutex_lock("m"));
	blocks(erin);
	dies(dave);
	fails(erin, EOWNERDEAD);
	does(erin, lock.mutex_consistent("m"));
	does(erin, lock.mutex_unlock("m"));
	does(alice, lock.mutex_lock("m"));
}

TEST(lock, dead_holder_after_consistent_is_told)
{
	actor *alice = cast("alice");

	make(alice, "m");
	for (int i = 0; i < 3; i++) {
		actor *holder = forks(alice, "holder");

		does(holder, lock.mutex_lock("m"));
		dies(holder);
		does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
		does(alice, lock.mutex_consistent("m"));
		does(alice, lock.mutex_unlock("m"));
	}
}

TEST_VARIANT(lock, dead_holder_after_consistent_is_told, with_the_mutex_still_held)
{
	actor *alice = cast("alice");

	make(alice, "m");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(carol, lock.mutex_trylock("m"), EOWNERDEAD);
	does(carol, lock.mutex_consistent("m"));
	dies(carol);
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
}

TEST(lock, recursive_robust_mutex_is_had_once)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_RECURSIVE, MUTEX_ROBUST));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	for (int i = 0; i < 3; i++)
		does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(alice, lock.mutex_trylock("m"), EOWNERDEAD);
	does(alice, lock.mutex_consistent("m"));
	does(alice, lock.mutex_lock("m"));
	does(alice, lock.mutex_unlock("m"));
	does_fail(carol, lock.mutex_trylock("m"), EBUSY);
	does(alice, lock.mutex_unlock("m"));
	does(carol, lock.mutex_trylock("m"));
}

TEST(lock, consistent_needs_an_inconsistent_mutex)
{
	actor *alice = cast("alice");

	make(alice, "m");
	does(alice, lock.make_mutex("plain", PTHREAD_MUTEX_NORMAL, 0));
	does_fail(alice, lock.mutex_consistent("m"), EINVAL);
	does(alice, lock.mutex_lock("m"));
	does_fail(alice, lock.mutex_consistent("m"), EINVAL);
	does(alice, lock.mutex_unlock("m"));
	does(alice, lock.mutex_lock("plain"));
	does_fail(alice, lock.mutex_consistent("plain"), EINVAL);
}

/* Unlocks, which wakes the first waiter, and kills it before it can have come far. */
static long long unlock_and_kill(const char *text, const long long *n)
{
	must_be(impl->lock->pthread_mutex_unlock(handle_pointer(text)), 0);
	return impl->sig->kill((pid_t)n[0], SIGKILL);
}

TEST(lock, woken_and_killed_passes_the_mutex_on)
{
	actor *alice = cast("alice");

	make_and_probe(alice);
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(alice, lock.mutex_lock("m"));
	begin(bob, lock.mutex_lock("m"));
	blocks(bob);
	begin(carol, call(recover, "m", 0, 0, 0));
	blocks(carol);
	does(alice, call(unlock_and_kill, "m", pid_of(bob), 0, 0));
	dies(bob);
	succeeds(carol);
	does(alice, call(recover, "m", 0, 0, 0));
}

/* Locks and unlocks until it is killed, and counts. */
static long long go_on_for_ever(const char *text, const long long *n)
{
	while (recover(text, n) == n[0])
		atomic_fetch_add(&shared()[1], 1);
	return 0;
}

TEST(lock, mutex_survives_a_kill_at_any_instant)
{
	enum { ROUNDS = 12 };
	actor *alice = cast("alice");

	make_and_probe(alice);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");

		begin(bob, call(go_on_for_ever, "m", 0, 0, 0));
		begin(carol, call(go_on_for_ever, "m", 0, 0, 0));
		awaits(&shared()[1], shared()[1] + 1 + test_seed() % 7 * i);
		dies(bob);
		awaits(&shared()[1], shared()[1] + 2);
		dies(carol);
		does(alice, call(recover, "m", 0, 0, 0));
	}
}
