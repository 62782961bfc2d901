/* SPDX-License-Identifier: MIT */
/* Who is woken, and how many; the stopped and the dead among the waiters. */
#include "../waiters.h"

enum { WAITERS = 4 };

/* Waits, and says that it is the n-th waiter who goes on. */
static long long take(const char *text, const long long *n)
{
	must_be(impl->sem->sem_wait(handle_pointer(text)), 0);
	say_that_it_goes_on(n[0]);
	return 0;
}

static actor *waiters[WAITERS];

static void let_them_wait(actor *parent)
{
	cast_waiters(parent, waiters, WAITERS);
	for (int i = 0; i < WAITERS; i++)
		begin(waiters[i], call(take, "s", i, 0, 0));
	for (int i = 0; i < WAITERS; i++)
		blocks(waiters[i]);
}

TEST(sem, one_post_wakes_one_waiter)
{
	actor *poster = cast("poster");
	bool is_gone[WAITERS] = {false};

	does(poster, sem.make("s", 0));
	let_them_wait(poster);
	for (int released = 1; released <= WAITERS; released++) {
		does(poster, sem.post("s"));
		one_goes_on(waiters, is_gone, WAITERS, released);
	}
	does_give(poster, sem.value("s"), 0);
}

static long long post_many(const char *text, const long long *n)
{
	for (long long i = 0; i < n[0]; i++)
		must_be(impl->sem->sem_post(handle_pointer(text)), 0);
	return 0;
}

static long long wait_many(const char *text, const long long *n)
{
	for (long long i = 0; i < n[0]; i++)
		must_be(impl->sem->sem_wait(handle_pointer(text)), 0);
	return 0;
}

TEST(sem, n_posts_wake_n_waiters)
{
	actor *poster = cast("poster");

	does(poster, sem.make("s", 0));
	let_them_wait(poster);
	does(poster, call(post_many, "s", WAITERS, 0, 0));
	for (int i = 0; i < WAITERS; i++)
		succeeds(waiters[i]);
	does_give(poster, sem.value("s"), 0);
}

TEST(sem, no_wakeup_is_lost_in_a_crowd)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol"),
	      *dave = forks(alice, "dave");
	begin(bob, call(wait_many, "s", 3000, 0, 0));
	begin(carol, call(wait_many, "s", 3000, 0, 0));
	begin(alice, call(post_many, "s", 4000, 0, 0));
	begin(dave, call(post_many, "s", 2000, 0, 0));
	succeeds(alice);
	succeeds(dave);
	succeeds(bob);
	succeeds(carol);
	does_give(alice, sem.value("s"), 0);
}

/* -- the stopped ------------------------------------------------------------------------------ */

TEST(sem, posts_reach_frozen_waiters)
{
	actor *poster = cast("poster");

	does(poster, sem.make("s", 0));
	actor *bob = forks(poster, "bob"), *carol = forks(poster, "carol");
	begin(bob, sem.wait("s"));
	begin(carol, sem.wait("s"));
	blocks(bob);
	blocks(carol);
	freeze(bob);
	freeze(carol);
	does(poster, sem.post("s"));
	does(poster, sem.post("s"));
	thaw(carol);
	succeeds(carol);
	thaw(bob);
	succeeds(bob);
	does_give(poster, sem.value("s"), 0);
}

TEST(sem, frozen_waiter_does_not_hold_up_others)
{
	actor *poster = cast("poster");

	does(poster, sem.make("s", 0));
	actor *bob = forks(poster, "bob"), *carol = forks(poster, "carol");
	begin(bob, sem.wait("s"));
	blocks(bob);
	begin(carol, sem.wait("s"));
	blocks(carol);
	freeze(bob);
	does(poster, sem.post("s"));
	succeeds(carol);
	thaw(bob);
	blocks(bob);
	does(poster, sem.post("s"));
	succeeds(bob);
}

TEST(sem, stop_and_continue_does_not_end_a_wait)
{
	actor *poster = cast("poster");

	does(poster, sem.make("s", 0));
	actor *waiter = forks(poster, "waiter");
	begin(waiter, sem.wait("s"));
	blocks(waiter);
	freeze(waiter);
	thaw(waiter);
	blocks(waiter);
	does(poster, sem.post("s"));
	succeeds(waiter);
}

/* -- the dead --------------------------------------------------------------------------------- */

TEST(sem, killed_waiter_takes_no_post)
{
	actor *poster = cast("poster");

	does(poster, sem.make("s", 0));
	actor *waiter = forks(poster, "waiter"), *heir = forks(poster, "heir");
	begin(waiter, sem.wait("s"));
	blocks(waiter);
	dies(waiter);
	does(poster, sem.post("s"));
	does_give(poster, sem.value("s"), 1);
	does(heir, sem.wait("s"));
	does_give(poster, sem.value("s"), 0);
}

TEST_VARIANT(sem, killed_waiter_takes_no_post, named)
{
	actor *poster = cast("poster"), *waiter = cast_stranger("waiter");

	does(poster, sem.create("s", 0));
	does(waiter, sem.open("s"));
	begin(waiter, sem.wait("s"));
	blocks(waiter);
	dies(waiter);
	does(poster, sem.post("s"));
	does_give(poster, sem.value("s"), 1);
	does(poster, sem.trywait("s"));
}

TEST(sem, killed_among_waiters_others_are_woken)
{
	actor *poster = cast("poster");

	does(poster, sem.make("s", 0));
	let_them_wait(poster);
	dies(waiters[0]);
	dies(waiters[2]);
	does(poster, sem.post("s"));
	does(poster, sem.post("s"));
	succeeds(waiters[1]);
	succeeds(waiters[3]);
	does_give(poster, sem.value("s"), 0);
	does(poster, sem.post("s"));
	does_give(poster, sem.value("s"), 1);
}

TEST(sem, killed_in_the_wake_leaves_the_post)
{
	actor *poster = cast("poster");

	does(poster, sem.make("s", 0));
	actor *bob = forks(poster, "bob"), *carol = forks(poster, "carol");
	begin(bob, sem.wait("s"));
	blocks(bob);
	begin(carol, sem.wait("s"));
	blocks(carol);
	freeze(bob);
	freeze(carol);
	does(poster, sem.post("s"));
	dies(bob);
	thaw(carol);
	succeeds(carol);
	does_give(poster, sem.value("s"), 0);
}

TEST(sem, holder_takes_its_hold_to_the_grave)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 1));
	actor *holder = forks(alice, "holder"), *waiter = forks(alice, "waiter");
	does(holder, sem.wait("s"));
	begin(waiter, sem.wait("s"));
	blocks(waiter);
	dies(holder);
	blocks(waiter);
	does_fail(alice, sem.trywait("s"), EAGAIN);
	does(alice, sem.post("s"));
	succeeds(waiter);
}

/* Posts and says how often it has. */
static long long post_on_and_on(const char *text, const long long *n)
{
	for (;;) {
		must_be(impl->sem->sem_post(handle_pointer(text)), 0);
		shared()[n[0]]++;
	}
	return 0;
}

/* How many can be taken are as many as were posted, or one more that could not be told any more. */
static long long take_all(const char *text, const long long *n)
{
	uint64_t taken = 0;

	(void)n;
	while (impl->sem->sem_trywait(handle_pointer(text)) == 0)
		taken++;
	must_be(errno, EAGAIN);
	return (long long)(taken - shared()[0]);
}

TEST(sem, killed_poster_leaves_a_usable_semaphore)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *poster = forks(alice, "poster"), *bob = forks(alice, "bob");
	begin(poster, call(post_on_and_on, "s", 0, 0, 0));
	awaits(shared(), 1000);
	dies(poster);
	begin(alice, call(take_all, "s", 0, 0, 0));
	returns(alice);
	must(outcome_of(alice)->value == 0 || outcome_of(alice)->value == 1);
	begin(bob, sem.wait("s"));
	blocks(bob);
	does(alice, sem.post("s"));
	succeeds(bob);
}

TEST(sem, unnamed_one_in_a_file_serves_strangers)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, lock.map_file("s", "f"));
	does(alice, sem.init("s", 1, 0));
	/* another page before it, so that the two have it at different addresses */
	does(bob, lock.map("other"));
	does(bob, lock.map_file("s", "f"));
	begin(bob, sem.wait("s"));
	blocks(bob);
	does(alice, sem.post("s"));
	succeeds(bob);
	begin(alice, sem.wait("s"));
	blocks(alice);
	does(bob, sem.post("s"));
	succeeds(alice);
	does_give(bob, sem.value("s"), 0);
}
