/* SPDX-License-Identifier: MIT */
/* Barriers in shared memory. */
#include <signal.h>
#include <string.h>

#include "stage/story.h"

static long long come_back(actor *a)
{
	succeeds(a);
	return outcome_of(a)->value;
}

TEST(lock, barrier_releases_all)
{
	enum { COUNT = 5 };
	actor *alice = cast("alice"), *other[COUNT - 1];

	does(alice, lock.make_barrier("b", COUNT));
	for (int i = 0; i < COUNT - 1; i++)
		other[i] = forks(alice, "other");
	for (int i = 0; i < COUNT - 1; i++)
		begin(other[i], lock.barrier_wait("b"));
	for (int i = 0; i < COUNT - 1; i++)
		blocks(other[i]);
	does(alice, lock.barrier_wait("b"));
	for (int i = 0; i < COUNT - 1; i++)
		succeeds(other[i]);
}

TEST_VARIANT(lock, barrier_releases_all, threads)
{
	actor *alice = cast("alice");

	does(alice, lock.make_barrier("b", 2));
	actor *thread = cast_thread(alice, "thread");
	begin(thread, lock.barrier_wait("b"));
	blocks(thread);
	does(alice, lock.barrier_wait("b"));
	succeeds(thread);
}

TEST(lock, barrier_tells_one_of_all)
{
	enum { COUNT = 4 };
	actor *alice = cast("alice"), *all[COUNT] = {alice};
	long long told = 0;

	does(alice, lock.make_barrier("b", COUNT));
	for (int i = 1; i < COUNT; i++)
		all[i] = forks(alice, "other");
	for (int i = 0; i < COUNT; i++)
		begin(all[i], lock.barrier_wait("b"));
	for (int i = 0; i < COUNT; i++)
		told += come_back(all[i]);
	must_be(told, 1);
}

/* Comes to the barrier so many times; nobody may be a round ahead of who has not left it. */
static long long go_round(const char *text, const long long *n)
{
	_Atomic(unsigned long) *arrived = shared();

	for (long long round = 0; round < n[0]; round++) {
		atomic_fetch_add(&arrived[round], 1);
		int result = impl->lock->pthread_barrier_wait(handle_pointer(text));
		must(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
		must_be(arrived[round], n[1]);
		if (result == PTHREAD_BARRIER_SERIAL_THREAD)
			atomic_fetch_add(&arrived[SHARED_WORDS - 1], 1);
	}
	return 0;
}

TEST(lock, barrier_is_reusable)
{
	enum { COUNT = 3, ROUNDS = 200 };
	actor *alice = cast("alice");

	does(alice, lock.make_barrier("b", COUNT));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(alice, call(go_round, "b", ROUNDS, COUNT, 0));
	begin(bob, call(go_round, "b", ROUNDS, COUNT, 0));
	begin(carol, call(go_round, "b", ROUNDS, COUNT, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
	must_be(shared()[SHARED_WORDS - 1], ROUNDS);
}

/* Destroys the barrier as soon as it is through, and uses the memory. */
static long long pass_and_destroy(const char *text, const long long *n)
{
	pthread_barrier_t *barrier = handle_pointer(text);
	int result = impl->lock->pthread_barrier_wait(barrier);

	must(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
	must_be(impl->lock->pthread_barrier_destroy(barrier), 0);
	unsigned char *bytes = (unsigned char *)barrier;
	for (size_t i = 0; i < sizeof(*barrier); i++)
		bytes[i] = (unsigned char)n[0];
	return 0;
}

static long long is_as_left(const char *text, const long long *n)
{
	const unsigned char *bytes = handle_pointer(text);

	for (size_t i = 0; i < sizeof(pthread_barrier_t); i++)
		must_be(bytes[i], n[0]);
	return 0;
}

TEST(lock, barrier_can_be_destroyed_after_return)
{
	actor *alice = cast("alice");

	does(alice, lock.make_barrier("b", 3));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(bob, lock.barrier_wait("b"));
	begin(carol, lock.barrier_wait("b"));
	blocks(bob);
	blocks(carol);
	freeze(bob);
	/* it may wait for the others to leave, but no longer */
	begin(alice, call(pass_and_destroy, "b", 0xA5, 0, 0));
	thaw(bob);
	succeeds(carol);
	succeeds(bob);
	succeeds(alice);
	does(carol, call(is_as_left, "b", 0xA5, 0, 0));
	does(alice, lock.make_barrier("b", 1));
	does(alice, lock.barrier_wait("b"));
}

/* A page: two barriers, of which one is made anew while the other is in use. */
struct pair {
	pthread_barrier_t first, second;
};

static void make_barrier(pthread_barrier_t *barrier, unsigned count)
{
	pthread_barrierattr_t attributes;

	must_be(impl->lock->pthread_barrierattr_init(&attributes), 0);
	must_be(impl->lock->pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	must_be(impl->lock->pthread_barrier_init(barrier, &attributes, count), 0);
}

static long long make_both(const char *text, const long long *n)
{
	struct pair *pair = handle_pointer(text);

	make_barrier(&pair->first, (unsigned)n[0]);
	make_barrier(&pair->second, (unsigned)n[0]);
	return 0;
}

/* Who is told to be the one destroys the barrier at once, fills it and makes it anew. */
static void pass_and_renew(pthread_barrier_t *barrier, unsigned count)
{
	int result = impl->lock->pthread_barrier_wait(barrier);

	if (result != PTHREAD_BARRIER_SERIAL_THREAD) {
		must_be(result, 0);
		return;
	}
	must_be(impl->lock->pthread_barrier_destroy(barrier), 0);
	memset(barrier, 0xA5, sizeof(*barrier));
	make_barrier(barrier, count);
}

static long long pass_both(const char *text, const long long *n)
{
	struct pair *pair = handle_pointer(text);

	for (long long i = 0; i < n[1]; i++) {
		pass_and_renew(&pair->first, (unsigned)n[0]);
		pass_and_renew(&pair->second, (unsigned)n[0]);
	}
	return 0;
}

TEST_VARIANT(lock, barrier_can_be_destroyed_after_return, time_and_again)
{
	enum { COUNT = 3, ROUNDS = 100 };
	actor *alice = cast("alice");

	does(alice, lock.map("b"));
	does(alice, call(make_both, "b", COUNT, 0, 0));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(alice, call(pass_both, "b", COUNT, ROUNDS, 0));
	begin(bob, call(pass_both, "b", COUNT, ROUNDS, 0));
	begin(carol, call(pass_both, "b", COUNT, ROUNDS, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
}

TEST(lock, barrier_of_one_lets_through)
{
	actor *alice = cast("alice");

	does(alice, lock.make_barrier("b", 1));
	for (int i = 0; i < 3; i++)
		does_give(alice, lock.barrier_wait("b"), 1);
}

TEST(lock, barrier_of_none_is_refused)
{
	actor *alice = cast("alice");

	does_fail(alice, lock.make_barrier("b", 0), EINVAL);
}

TEST(lock, signal_does_not_end_the_wait_at_a_barrier)
{
	actor *alice = cast("alice");

	does(alice, lock.make_barrier("b", 2));
	does(alice, sig.handle(SIGUSR1, 0));
	actor *bob = forks(alice, "bob");
	begin(bob, lock.barrier_wait("b"));
	blocks(bob);
	for (unsigned i = 1; i <= 3; i++) {
		poke(bob, SIGUSR1);
		catches(bob, SIGUSR1, i);
		blocks(bob);
	}
	does(alice, lock.barrier_wait("b"));
	succeeds(bob);
}

/* One signal after the other, so often. */
static long long sends_many(const char *text, const long long *n)
{
	(void)text;
	for (long long i = 0; i < n[1]; i++)
		must_be(kill((pid_t)n[0], SIGUSR1), 0);
	return 0;
}

TEST_VARIANT(lock, signal_does_not_end_the_wait_at_a_barrier, nor_do_many)
{
	enum { MANY = 20000 };
	actor *alice = cast("alice");

	does(alice, lock.make_barrier("b", 2));
	does(alice, sig.handle(SIGUSR1, 0));
	actor *bob = forks(alice, "bob");
	begin(bob, lock.barrier_wait("b"));
	blocks(bob);
	does_give(alice, call(sends_many, NULL, pid_of(bob), MANY, 0), 0);
	blocks(bob);
	does(alice, lock.barrier_wait("b"));
	succeeds(bob);
}

TEST(lock, stopped_waiter_is_counted)
{
	actor *alice = cast("alice");

	does(alice, lock.make_barrier("b", 3));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(bob, lock.barrier_wait("b"));
	blocks(bob);
	freeze(bob);
	begin(carol, lock.barrier_wait("b"));
	blocks(carol);
	begin(alice, lock.barrier_wait("b"));
	thaw(bob);
	succeeds(bob);
	succeeds(carol);
	succeeds(alice);
}

TEST(lock, stopped_waiter_holds_up_nobody)
{
	actor *alice = cast("alice");

	does(alice, lock.make_barrier("b", 3));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(bob, lock.barrier_wait("b"));
	begin(carol, lock.barrier_wait("b"));
	blocks(bob);
	blocks(carol);
	freeze(bob);
	is_brief();
	does(alice, lock.barrier_wait("b"));
	succeeds(carol);
	thaw(bob);
	succeeds(bob);
}

TEST(lock, barrier_in_a_file_serves_strangers)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, lock.map_file("b", "f"));
	does(alice, lock.make_barrier("b", 2));
	does(bob, lock.map("other"));
	does(bob, lock.map_file("b", "f"));
	begin(bob, lock.barrier_wait("b"));
	blocks(bob);
	does(alice, lock.barrier_wait("b"));
	succeeds(bob);
}
