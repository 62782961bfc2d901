/* SPDX-License-Identifier: MIT */
/* What a semaphore is for, and what it counts. */
#include <limits.h>

#include "stage/story.h"

/* A semaphore's page: the semaphore, and what it protects. */
struct table {
	sem_t sem;
	volatile unsigned long counter;
	_Atomic int holders;
};

/* Adds one so many times, by reading and then writing. */
static long long add_up(const char *text, const long long *n)
{
	struct table *table = handle_pointer(text);

	for (long long i = 0; i < n[0]; i++) {
		must_be(impl->sem->sem_wait(&table->sem), 0);
		must_be(atomic_fetch_add(&table->holders, 1), 0);
		unsigned long seen = table->counter;
		table->counter = seen + 1;
		atomic_fetch_sub(&table->holders, 1);
		must_be(impl->sem->sem_post(&table->sem), 0);
	}
	return 0;
}

static long long counter_of(const char *text, const long long *n)
{
	(void)n;
	return (long long)((struct table *)handle_pointer(text))->counter;
}

enum { ADDITIONS = 5000 };

TEST(sem, initial_value_one_keeps_one_holder_at_a_time)
{
	actor *alice = cast("alice");

	does(alice, sem.make("mutex", 1));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(alice, call(add_up, "mutex", ADDITIONS, 0, 0));
	begin(bob, call(add_up, "mutex", ADDITIONS, 0, 0));
	begin(carol, call(add_up, "mutex", ADDITIONS, 0, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
	does_give(bob, call(counter_of, "mutex", 0, 0, 0), 3 * ADDITIONS);
	does_give(carol, sem.value("mutex"), 1);
}

TEST_VARIANT(sem, initial_value_one_keeps_one_holder_at_a_time, the_second_waits)
{
	actor *alice = cast("alice");

	does(alice, sem.make("mutex", 1));
	actor *bob = forks(alice, "bob");
	does(alice, sem.wait("mutex"));
	begin(bob, sem.wait("mutex"));
	blocks(bob);
	does(alice, sem.post("mutex"));
	succeeds(bob);
	does_fail(alice, sem.trywait("mutex"), EAGAIN);
}

TEST_VARIANT(sem, initial_value_one_keeps_one_holder_at_a_time, threads)
{
	actor *alice = cast("alice");

	does(alice, sem.map("mutex"));
	does(alice, sem.init("mutex", 0, 1));
	actor *thread = cast_thread(alice, "thread"), *other = cast_thread(alice, "other");
	begin(thread, call(add_up, "mutex", ADDITIONS, 0, 0));
	begin(other, call(add_up, "mutex", ADDITIONS, 0, 0));
	begin(alice, call(add_up, "mutex", ADDITIONS, 0, 0));
	succeeds(thread);
	succeeds(other);
	succeeds(alice);
	does_give(alice, call(counter_of, "mutex", 0, 0, 0), 3 * ADDITIONS);
}

TEST(sem, initial_value_zero_orders_two_processes)
{
	actor *first = cast("first");

	does(first, sem.make("done", 0));
	actor *second = forks(first, "second");
	begin(second, sem.wait("done"));
	blocks(second);
	does(first, sem.post("done"));
	succeeds(second);
	does_give(first, sem.value("done"), 0);
}

TEST(sem, initial_value_n_admits_n_holders)
{
	actor *alice = cast("alice");

	does(alice, sem.make("seats", 2));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(alice, sem.wait("seats"));
	does(bob, sem.wait("seats"));
	begin(carol, sem.wait("seats"));
	blocks(carol);
	does(bob, sem.post("seats"));
	succeeds(carol);
}

TEST(sem, post_before_wait_is_remembered)
{
	actor *poster = cast("poster");

	does(poster, sem.make("s", 0));
	actor *waiter = forks(poster, "waiter");
	does(poster, sem.post("s"));
	does(poster, sem.post("s"));
	does(waiter, sem.wait("s"));
	does(waiter, sem.wait("s"));
	begin(waiter, sem.wait("s"));
	blocks(waiter);
}

TEST(sem, anyone_may_post)
{
	actor *holder = cast("holder");

	does(holder, sem.make("s", 1));
	actor *other = forks(holder, "other");
	does(holder, sem.wait("s"));
	does(other, sem.post("s"));
	does(other, sem.wait("s"));
	does(holder, sem.post("s"));
	does(other, sem.post("s"));
	does_give(holder, sem.value("s"), 2);
}

enum { ROUNDS = 2000 };

/* Each round: what the other has written is there, and is answered. */
static long long talk(const char *text, const long long *n)
{
	struct table *mine = handle_pointer(text), *others = handle_pointer(n[0] ? "a" : "b");

	for (unsigned long i = 1; i <= ROUNDS; i++) {
		if (n[0]) {
			must_be(impl->sem->sem_wait(&others->sem), 0);
			must_be(others->counter, i);
		}
		mine->counter = i;
		must_be(impl->sem->sem_post(&mine->sem), 0);
		if (!n[0]) {
			must_be(impl->sem->sem_wait(&others->sem), 0);
			must_be(others->counter, i);
		}
	}
	return 0;
}

TEST(sem, post_publishes_what_was_written_before)
{
	actor *alice = cast("alice");

	does(alice, sem.make("a", 0));
	does(alice, sem.make("b", 0));
	actor *bob = forks(alice, "bob");
	begin(alice, call(talk, "a", 0, 0, 0));
	begin(bob, call(talk, "b", 1, 0, 0));
	succeeds(alice);
	succeeds(bob);
}

TEST(sem, semaphores_are_independent)
{
	actor *alice = cast("alice");

	does(alice, sem.make("red", 0));
	does(alice, sem.make("blue", 0));
	actor *bob = forks(alice, "bob");
	begin(bob, sem.wait("red"));
	blocks(bob);
	does(alice, sem.post("blue"));
	blocks(bob);
	does(alice, sem.post("red"));
	succeeds(bob);
	does_give(bob, sem.value("blue"), 1);
	does_give(bob, sem.value("red"), 0);
}

/* -- its value -------------------------------------------------------------------------------- */

TEST(sem, value_counts_posts_and_waits)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 3));
	actor *bob = forks(alice, "bob");
	does_give(alice, sem.value("s"), 3);
	does(bob, sem.wait("s"));
	does_give(alice, sem.value("s"), 2);
	does(bob, sem.post("s"));
	does(bob, sem.post("s"));
	does_give(alice, sem.value("s"), 4);
	does(alice, sem.trywait("s"));
	does_give(bob, sem.value("s"), 3);
}

/* The value that is told, if it may be told of so many waiters. */
static long long value_with_waiters(const char *text, const long long *n)
{
	int value = 1;

	must_be(impl->sem->sem_getvalue(handle_pointer(text), &value), 0);
	return value == 0 || value == -n[0];
}

TEST(sem, value_with_waiters_is_not_positive)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(bob, sem.wait("s"));
	begin(carol, sem.wait("s"));
	blocks(bob);
	blocks(carol);
	does_give(alice, call(value_with_waiters, "s", 2, 0, 0), 1);
	does(alice, sem.post("s"));
	does(alice, sem.post("s"));
	succeeds(bob);
	succeeds(carol);
	does_give(alice, sem.value("s"), 0);
}

TEST(sem, greatest_value_can_be_held)
{
	actor *alice = cast("alice");

	if (SEM_VALUE_MAX > INT_MAX)
		skip("SEM_VALUE_MAX is more than sem_getvalue can tell");
	does(alice, sem.make("s", SEM_VALUE_MAX));
	does_give(alice, sem.value("s"), SEM_VALUE_MAX);
	does(alice, sem.wait("s"));
	does_give(alice, sem.value("s"), SEM_VALUE_MAX - 1);
}

TEST_VARIANT(sem, greatest_value_can_be_held, named)
{
	actor *alice = cast("alice");

	if (SEM_VALUE_MAX > INT_MAX)
		skip("SEM_VALUE_MAX is more than sem_getvalue can tell");
	does(alice, sem.create("s", SEM_VALUE_MAX));
	does_give(alice, sem.value("s"), SEM_VALUE_MAX);
}

TEST(sem, value_beyond_the_greatest_is_refused)
{
	actor *alice = cast("alice");

	if ((unsigned)SEM_VALUE_MAX == UINT_MAX)
		skip("no unsigned is beyond SEM_VALUE_MAX");
	does(alice, sem.map("s"));
	does_fail(alice, sem.init("s", 1, (unsigned)SEM_VALUE_MAX + 1), EINVAL);
	does_fail(alice, sem.init("s", 1, UINT_MAX), EINVAL);
}

TEST_VARIANT(sem, value_beyond_the_greatest_is_refused, named)
{
	actor *alice = cast("alice");

	if ((unsigned)SEM_VALUE_MAX == UINT_MAX)
		skip("no unsigned is beyond SEM_VALUE_MAX");
	does_fail(alice, sem.create("s", (unsigned)SEM_VALUE_MAX + 1), EINVAL);
	does_fail(alice, sem.open("s"), ENOENT);
}

TEST(sem, post_beyond_the_greatest_overflows)
{
	actor *alice = cast("alice");

	if (SEM_VALUE_MAX > INT_MAX)
		skip("SEM_VALUE_MAX is more than sem_getvalue can tell");
	does(alice, sem.make("s", SEM_VALUE_MAX - 1));
	does(alice, sem.post("s"));
	does_fail(alice, sem.post("s"), EOVERFLOW);
	does_give(alice, sem.value("s"), SEM_VALUE_MAX);
	does(alice, sem.wait("s"));
	does(alice, sem.post("s"));
}

/* -- trying ----------------------------------------------------------------------------------- */

TEST(sem, trywait_takes_what_is_there)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 2));
	does(alice, sem.trywait("s"));
	does_give(alice, sem.value("s"), 1);
	does(alice, sem.trywait("s"));
	does_give(alice, sem.value("s"), 0);
}

TEST(sem, trywait_at_zero_fails_and_takes_nothing)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	does_fail(alice, sem.trywait("s"), EAGAIN);
	does_fail(alice, sem.trywait("s"), EAGAIN);
	does_give(alice, sem.value("s"), 0);
	does(alice, sem.post("s"));
	does_give(alice, sem.value("s"), 1);
	does(alice, sem.trywait("s"));
}

/* As many tokens as there are who hold one at most: there is always one to take. */
static long long take_and_give(const char *text, const long long *n)
{
	sem_t *tokens = handle_pointer(text);

	atomic_fetch_add(&shared()[0], 1);
	awaits(&shared()[0], 3);
	for (long long i = 0; i < n[0]; i++) {
		must_be(impl->sem->sem_trywait(tokens), 0);
		must_be(impl->sem->sem_post(tokens), 0);
	}
	return 0;
}

TEST(sem, trywait_never_misses_a_free_one)
{
	enum { TIMES = 100000 };
	actor *alice = cast("alice");

	does(alice, sem.make("tokens", 3));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(alice, call(take_and_give, "tokens", TIMES, 0, 0));
	begin(bob, call(take_and_give, "tokens", TIMES, 0, 0));
	begin(carol, call(take_and_give, "tokens", TIMES, 0, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
	does_give(alice, sem.value("tokens"), 3);
}

/* -- its memory ------------------------------------------------------------------------------- */

TEST(sem, child_shares_the_unnamed_one)
{
	actor *parent = cast("parent");

	does(parent, sem.make("s", 0));
	actor *elder = forks(parent, "elder"), *younger = forks(parent, "younger");
	begin(parent, sem.wait("s"));
	blocks(parent);
	does(elder, sem.post("s"));
	succeeds(parent);
	begin(elder, sem.wait("s"));
	blocks(elder);
	does(younger, sem.post("s"));
	succeeds(elder);
}

TEST(sem, destroyed_one_can_be_made_anew)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 1));
	actor *bob = forks(alice, "bob");
	does(bob, sem.wait("s"));
	does(alice, sem.destroy("s"));
	does(alice, sem.init("s", 1, 2));
	does(bob, sem.wait("s"));
	does(bob, sem.wait("s"));
	begin(bob, sem.wait("s"));
	blocks(bob);
	does(alice, sem.post("s"));
	succeeds(bob);
}

/* -- threads ---------------------------------------------------------------------------------- */

TEST(sem, unshared_one_serves_the_threads_of_a_process)
{
	actor *host = cast("host");

	does(host, sem.make_private("s", 0));
	actor *thread = cast_thread(host, "thread"), *other = cast_thread(host, "other");
	begin(thread, sem.wait("s"));
	begin(other, sem.wait("s"));
	blocks(thread);
	blocks(other);
	does(host, sem.post("s"));
	does(host, sem.post("s"));
	succeeds(thread);
	succeeds(other);
	does_give(host, sem.value("s"), 0);
}

TEST(sem, shared_one_serves_threads_of_several_processes)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *bob = forks(alice, "bob");
	actor *alices = cast_thread(alice, "alice's"), *bobs = cast_thread(bob, "bob's");
	begin(alices, sem.wait("s"));
	begin(bobs, sem.wait("s"));
	begin(bob, sem.wait("s"));
	blocks(alices);
	blocks(bobs);
	blocks(bob);
	for (int i = 0; i < 3; i++)
		does(alice, sem.post("s"));
	succeeds(alices);
	succeeds(bobs);
	succeeds(bob);
	does_give(alice, sem.value("s"), 0);
}
