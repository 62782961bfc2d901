/* SPDX-License-Identifier: MIT */
/* Robust mutexes: what is left by a holder that dies. */
#include <stdio.h>

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

TEST(lock, all_mutexes_of_the_dead_are_told)
{
	enum { COUNT = 6 };
	actor *alice = cast("alice");
	char m[COUNT][8];

	for (int i = 0; i < COUNT; i++) {
		snprintf(m[i], sizeof(m[i]), "m%d", i);
		make(alice, m[i]);
	}
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
