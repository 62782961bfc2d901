/* SPDX-License-Identifier: MIT */
/* From a futex of Linux to one that inherits priority. */
#include "stage/story.h"

/* The word "w" to wait at, and "v", which will be owned. */
static actor *with_words(const char *name)
{
	actor *a = cast(name);

	does(a, lock.map("w"));
	does(a, lock.map("v"));
	return a;
}

static bool is_owner(actor *a, const actor *owner)
{
	does(a, lock.load("v"));
	return (outcome_of(a)->value & ~(long long)FUTEX_IS_WAITED_FOR) == pid_of(owner);
}

static void waits_to_be_moved(actor *a)
{
	begin(a, lock.futex_wait_requeue_pi("w", "v", 0));
	blocks(a);
}

/* Bob or carol: nothing says which of two who wait is the first. */
static actor *first_of(actor *alice, actor *bob, actor *carol)
{
	actor *first = is_owner(alice, bob) ? bob : carol;

	must(is_owner(alice, first));
	return first;
}

TEST(lock, requeued_waiters_own_the_pi_futex_in_turn)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");

	waits_to_be_moved(bob);
	waits_to_be_moved(carol);
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), 2);
	actor *first = first_of(alice, bob, carol), *second = first == bob ? carol : bob;
	gives(first, 0);
	blocks(second);
	does_give(alice, lock.futex_wake("w", 0, 10), 0);
	does(first, lock.futex_unlock_pi("v"));
	gives(second, 0);
	must(is_owner(alice, second));
	does(second, lock.futex_unlock_pi("v"));
	does_give(alice, lock.load("v"), 0);
}

TEST_VARIANT(lock, requeued_waiters_own_the_pi_futex_in_turn, of_so_many)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");

	waits_to_be_moved(bob);
	waits_to_be_moved(carol);
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 0), 1);
	actor *first = first_of(alice, bob, carol), *second = first == bob ? carol : bob;
	gives(first, 0);
	does(first, lock.futex_unlock_pi("v"));
	blocks(second);
	does_give(alice, lock.load("v"), 0);
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 0), 1);
	gives(second, 0);
	must(is_owner(alice, second));
}

TEST_VARIANT(lock, requeued_waiters_own_the_pi_futex_in_turn, none)
{
	actor *alice = with_words("alice");

	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), 0);
	does_give(alice, lock.load("v"), 0);
}

TEST(lock, requeue_to_a_held_pi_futex_wakes_nobody)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");

	waits_to_be_moved(bob);
	waits_to_be_moved(carol);
	does(alice, lock.futex_lock_pi("v"));
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), 2);
	blocks(bob);
	blocks(carol);
	must(is_owner(alice, alice));
	does_give(alice, lock.futex_wake("w", 0, 10), 0);
	does(alice, lock.futex_unlock_pi("v"));
	actor *first = first_of(alice, bob, carol), *second = first == bob ? carol : bob;
	gives(first, 0);
	blocks(second);
	does(first, lock.futex_unlock_pi("v"));
	gives(second, 0);
	must(is_owner(alice, second));
}

TEST(lock, requeue_to_a_pi_futex_compares_first)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob");

	does_fail(bob, lock.futex_wait_requeue_pi("w", "v", 1), EAGAIN);
	waits_to_be_moved(bob);
	does_fail(alice, lock.futex_cmp_requeue_pi("w", "v", 1, 1, 10), EAGAIN);
	does_give(alice, lock.load("v"), 0);
	blocks(bob);
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), 1);
	gives(bob, 0);
}

TEST(lock, requeue_to_a_pi_futex_wakes_one)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob");

	waits_to_be_moved(bob);
	does_fail(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 0, 10), EINVAL);
	does_fail(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 2, 10), EINVAL);
	does_give(alice, lock.load("v"), 0);
	blocks(bob);
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), 1);
	gives(bob, 0);
}

TEST(lock, requeue_to_a_pi_futex_must_match)
{
	actor *alice = with_words("alice");

	does(alice, lock.map("other"));
	actor *bob = forks(alice, "bob");
	waits_to_be_moved(bob);
	does_fail(alice, lock.futex_cmp_requeue_pi("w", "other", 0, 1, 10), EINVAL);
	does_give(alice, lock.load("other"), 0);
	blocks(bob);
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), 1);
	gives(bob, 0);
}

TEST_VARIANT(lock, requeue_to_a_pi_futex_must_match, who_waits)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob");

	begin(bob, lock.futex_wait("w", 0, 0));
	blocks(bob);
	does_fail(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), EINVAL);
	does_give(alice, lock.load("v"), 0);
	blocks(bob);
	does_give(alice, lock.futex_wake("w", 0, 1), 1);
	gives(bob, 0);
}

TEST(lock, pi_futex_is_not_requeued_to_itself)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob");

	does_fail(alice, lock.futex_wait_requeue_pi("w", "w", 0), EINVAL);
	does_fail(alice, lock.futex_cmp_requeue_pi("w", "w", 0, 1, 10), EINVAL);
	waits_to_be_moved(bob);
	does_fail(alice, lock.futex_cmp_requeue_pi("w", "w", 0, 1, 10), EINVAL);
	does_fail(alice, lock.futex_cmp_requeue_pi("v", "v", 0, 1, 10), EINVAL);
	blocks(bob);
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), 1);
	gives(bob, 0);
}

TEST(lock, wait_for_requeue_ends_at_the_deadline)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob");

	does_fail(bob, lock.futex_timedwait_requeue_pi("w", "v", 0, 15), ETIMEDOUT);
	does_fail(bob, lock.futex_timedwait_requeue_pi("w", "v", 0, -1000), ETIMEDOUT);
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), 0);
	does_give(alice, lock.load("v"), 0);
	begin(bob, lock.futex_timedwait_requeue_pi("w", "v", 0, 100000));
	blocks(bob);
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), 1);
	gives(bob, 0);
	must(is_owner(alice, bob));
}

/* Moves one as soon as he waits; where all is slow his time may be over before that. */
static long long move_who_comes(const char *text, const long long *n)
{
	struct timespec start, now;
	long moved;

	(void)text;
	(void)n;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		moved = impl->lock->futex(handle_pointer("w"), FUTEX_CMP_REQUEUES_PI, 1, NULL, 10,
					  handle_pointer("v"), 0);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (moved == 0 && now.tv_sec - start.tv_sec < 2);
	must(moved == 0 || moved == 1);
	return 0;
}

TEST_VARIANT(lock, wait_for_requeue_ends_at_the_deadline, though_moved)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob");

	does(alice, lock.futex_lock_pi("v"));
	begin(bob, lock.futex_timedwait_requeue_pi("w", "v", 0, 100));
	does(alice, call(move_who_comes, NULL, 0, 0, 0));
	fails(bob, ETIMEDOUT);
	must(is_owner(bob, alice));
	does(alice, lock.futex_unlock_pi("v"));
	does_give(alice, lock.load("v"), 0);
	does(bob, lock.futex_lock_pi("v"));
}

TEST(lock, killed_requeued_waiter_is_passed_over)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");

	waits_to_be_moved(bob);
	does(alice, lock.futex_lock_pi("v"));
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), 1);
	waits_to_be_moved(carol);
	does_give(alice, lock.futex_cmp_requeue_pi("w", "v", 0, 1, 10), 1);
	blocks(bob);
	dies(bob);
	blocks(carol);
	does(alice, lock.futex_unlock_pi("v"));
	gives(carol, 0);
	must(is_owner(alice, carol));
}
