/* SPDX-License-Identifier: MIT */
/* The futex of Linux that inherits priority: its word is the number of the thread that owns it. */
#include "stage/story.h"

/* No thread has so great a number. */
enum { NOBODY = 0x3FFFFFFF };

static actor *with_word(const char *name)
{
	actor *a = cast(name);

	does(a, lock.map("w"));
	return a;
}

/* The word names the owner, waited for or not. */
static void is_owned_by(actor *a, const actor *owner)
{
	does(a, lock.load("w"));
	must_be(outcome_of(a)->value & ~(long long)FUTEX_IS_WAITED_FOR, pid_of(owner));
}

TEST(lock, pi_futex_names_its_owner)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does(alice, lock.futex_lock_pi("w"));
	does_give(bob, lock.load("w"), pid_of(alice));
	does(alice, lock.futex_unlock_pi("w"));
	does_give(bob, lock.load("w"), 0);
	does(bob, lock.futex_lock_pi("w"));
	does_give(alice, lock.load("w"), pid_of(bob));
}

TEST(lock, pi_futex_is_handed_to_who_waits)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does(alice, lock.futex_lock_pi("w"));
	begin(bob, lock.futex_lock_pi("w"));
	blocks(bob);
	does_give(alice, lock.load("w"), pid_of(alice) | (long long)FUTEX_IS_WAITED_FOR);
	does(alice, lock.futex_unlock_pi("w"));
	succeeds(bob);
	is_owned_by(alice, bob);
	does(bob, lock.futex_unlock_pi("w"));
	does_give(alice, lock.load("w"), 0);
}

TEST_VARIANT(lock, pi_futex_is_handed_to_who_waits, frozen)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does(alice, lock.futex_lock_pi("w"));
	begin(bob, lock.futex_lock_pi("w"));
	blocks(bob);
	freeze(bob);
	does(alice, lock.futex_unlock_pi("w"));
	thaw(bob);
	succeeds(bob);
	is_owned_by(alice, bob);
}

TEST_VARIANT(lock, pi_futex_is_handed_to_who_waits, whose_owner_locked_it_alone)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	/* as an owner does that meets nobody: without the kernel */
	does(alice, lock.store("w", (unsigned)pid_of(alice)));
	begin(bob, lock.futex_lock_pi("w"));
	blocks(bob);
	does(alice, lock.futex_unlock_pi("w"));
	succeeds(bob);
	is_owned_by(alice, bob);
}

TEST(lock, pi_futex_tells_of_a_deadlock)
{
	actor *alice = with_word("alice");

	does(alice, lock.futex_lock_pi("w"));
	does_fail(alice, lock.futex_lock_pi("w"), EDEADLK);
	does_fail(alice, lock.futex_trylock_pi("w"), EDEADLK);
	is_owned_by(alice, alice);
	does(alice, lock.futex_unlock_pi("w"));
	does_give(alice, lock.load("w"), 0);
}

TEST(lock, pi_futex_is_unlocked_by_its_owner_only)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does(alice, lock.futex_lock_pi("w"));
	does_fail(bob, lock.futex_unlock_pi("w"), EPERM);
	does_give(bob, lock.load("w"), pid_of(alice));
}

TEST(lock, pi_futex_waits_until_a_deadline)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does(alice, lock.futex_lock_pi("w"));
	does_fail(bob, lock.futex_timedlock_pi("w", 15), ETIMEDOUT);
	does_fail(bob, lock.futex_timedlock_pi("w", -1000), ETIMEDOUT);
	is_owned_by(bob, alice);
	does(alice, lock.futex_unlock_pi("w"));
	does(bob, lock.futex_timedlock_pi("w", 100000));
	is_owned_by(alice, bob);
}

TEST(lock, pi_futex_is_tried_without_waiting)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does(alice, lock.futex_trylock_pi("w"));
	begin(bob, lock.futex_trylock_pi("w"));
	returns(bob);
	must_be(outcome_of(bob)->value, -1);
	is_owned_by(bob, alice);
	does(alice, lock.futex_unlock_pi("w"));
	does(bob, lock.futex_trylock_pi("w"));
	is_owned_by(alice, bob);
}

TEST(lock, pi_futex_of_nobody_is_told)
{
	actor *alice = with_word("alice");

	does(alice, lock.futex_lock_pi("w"));
	does(alice, lock.futex_unlock_pi("w"));
	does(alice, lock.store("w", NOBODY));
	does_fail(alice, lock.futex_lock_pi("w"), ESRCH);
}

TEST(lock, killed_pi_waiter_is_passed_over)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");

	does(alice, lock.futex_lock_pi("w"));
	begin(bob, lock.futex_lock_pi("w"));
	blocks(bob);
	begin(carol, lock.futex_lock_pi("w"));
	blocks(carol);
	dies(bob);
	does(alice, lock.futex_unlock_pi("w"));
	succeeds(carol);
	is_owned_by(alice, carol);
}
