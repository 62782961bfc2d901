/* SPDX-License-Identifier: MIT */
/* Condition variables in shared memory. */
#include "stage/story.h"

/*
 * A page: things to take, which those who find none wait for.  A wait may return for no reason, so
 * what is told of waiters is told of those who look for a thing.
 */
struct monitor {
	pthread_mutex_t mutex;
	pthread_cond_t some, room;
	volatile int things;
	volatile long taken;
};

static struct monitor *monitor_of(const char *text)
{
	return handle_pointer(text);
}

/* Makes the monitor in its page. */
static long long set_up(const char *text, const long long *n)
{
	struct monitor *monitor = monitor_of(text);
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;

	must_be(impl->lock->pthread_mutexattr_init(&mutex), 0);
	must_be(impl->lock->pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED), 0);
	must_be(impl->lock->pthread_mutex_init(&monitor->mutex, &mutex), 0);
	must_be(impl->lock->pthread_condattr_init(&cond), 0);
	must_be(impl->lock->pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED), 0);
	must_be(impl->lock->pthread_cond_init(&monitor->some, &cond), 0);
	must_be(impl->lock->pthread_cond_init(&monitor->room, &cond), 0);
	return n[0];
}

static void lock_it(struct monitor *monitor)
{
	must_be(impl->lock->pthread_mutex_lock(&monitor->mutex), 0);
}

static void unlock_it(struct monitor *monitor)
{
	must_be(impl->lock->pthread_mutex_unlock(&monitor->mutex), 0);
}

/* Waits for a thing and takes it. */
static long long take(const char *text, const long long *n)
{
	struct monitor *monitor = monitor_of(text);

	lock_it(monitor);
	while (monitor->things == 0)
		must_be(impl->lock->pthread_cond_wait(&monitor->some, &monitor->mutex), 0);
	monitor->things--;
	monitor->taken++;
	unlock_it(monitor);
	return n[0];
}

/* Puts so many things there, with as many signals, or one broadcast. */
static long long put(const char *text, const long long *n)
{
	struct monitor *monitor = monitor_of(text);

	lock_it(monitor);
	monitor->things += (int)n[0];
	for (int i = 0; i < n[0] && !n[1]; i++)
		must_be(impl->lock->pthread_cond_signal(&monitor->some), 0);
	if (n[1])
		must_be(impl->lock->pthread_cond_broadcast(&monitor->some), 0);
	unlock_it(monitor);
	return 0;
}

static long long things_of(const char *text, const long long *n)
{
	(void)n;
	return monitor_of(text)->things;
}

enum { BY_SIGNALS, BY_BROADCAST };

/* The actor that has a monitor "m". */
static actor *with_monitor(const char *name)
{
	actor *a = cast(name);

	does(a, lock.map("m"));
	does(a, call(set_up, "m", 0, 0, 0));
	return a;
}

TEST(lock, signal_wakes_a_waiter)
{
	actor *alice = with_monitor("alice"), *bob = forks(alice, "bob");

	for (int i = 0; i < 5; i++) {
		begin(bob, call(take, "m", 0, 0, 0));
		blocks(bob);
		does(alice, call(put, "m", 1, BY_SIGNALS, 0));
		succeeds(bob);
	}
}

TEST_VARIANT(lock, signal_wakes_a_waiter, of_several)
{
	enum { WAITERS = 4 };
	actor *alice = with_monitor("alice"), *waiter[WAITERS];

	for (int i = 0; i < WAITERS; i++) {
		waiter[i] = forks(alice, "waiter");
		begin(waiter[i], call(take, "m", 0, 0, 0));
	}
	for (int i = 0; i < WAITERS; i++)
		blocks(waiter[i]);
	for (int i = 0; i < WAITERS; i++)
		does(alice, call(put, "m", 1, BY_SIGNALS, 0));
	for (int i = 0; i < WAITERS; i++)
		succeeds(waiter[i]);
	does_give(alice, call(things_of, "m", 0, 0, 0), 0);
}

TEST(lock, n_signals_wake_n_waiters)
{
	enum { WAITERS = 5, SIGNALS = 3 };
	actor *alice = with_monitor("alice"), *waiter[WAITERS];

	for (int i = 0; i < WAITERS; i++)
		waiter[i] = forks(alice, "waiter");
	for (int i = 0; i < WAITERS; i++)
		begin(waiter[i], call(take, "m", 0, 0, 0));
	for (int i = 0; i < WAITERS; i++)
		blocks(waiter[i]);
	does(alice, call(put, "m", SIGNALS, BY_SIGNALS, 0));
	does(alice, call(put, "m", WAITERS - SIGNALS, BY_SIGNALS, 0));
	for (int i = 0; i < WAITERS; i++)
		succeeds(waiter[i]);
}

TEST(lock, broadcast_wakes_every_waiter)
{
	enum { WAITERS = 6 };
	actor *alice = with_monitor("alice"), *waiter[WAITERS];

	for (int i = 0; i < WAITERS; i++)
		waiter[i] = forks(alice, "waiter");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < WAITERS; i++)
			begin(waiter[i], call(take, "m", 0, 0, 0));
		for (int i = 0; i < WAITERS; i++)
			blocks(waiter[i]);
		does(alice, call(put, "m", WAITERS, BY_BROADCAST, 0));
		for (int i = 0; i < WAITERS; i++)
			succeeds(waiter[i]);
	}
}

struct order {
	const char *name;
	long long how;
	bool last_first;
};

static const struct order orders[] = {
	{"signals", BY_SIGNALS, false},
	{"signals_last_first", BY_SIGNALS, true},
	{"broadcast", BY_BROADCAST, false},
	{"broadcast_last_first", BY_BROADCAST, true},
};

TEST_EACH(lock, notifications_reach_frozen_waiters, orders)
{
	enum { WAITERS = 3 };
	actor *alice = with_monitor("alice"), *waiter[WAITERS];

	for (int i = 0; i < WAITERS; i++) {
		waiter[i] = forks(alice, "waiter");
		begin(waiter[i], call(take, "m", 0, 0, 0));
		blocks(waiter[i]);
	}
	for (int i = 0; i < WAITERS; i++)
		freeze(waiter[i]);
	does(alice, call(put, "m", WAITERS, row->how, 0));
	for (int i = 0; i < WAITERS; i++)
		thaw(waiter[row->last_first ? WAITERS - 1 - i : i]);
	for (int i = 0; i < WAITERS; i++)
		succeeds(waiter[i]);
}

/* Makers and takers of so many things, of which there is room for two. */
static long long make_many(const char *text, const long long *n)
{
	struct monitor *monitor = monitor_of(text);

	for (long long i = 0; i < n[0]; i++) {
		lock_it(monitor);
		while (monitor->things == 2)
			must_be(impl->lock->pthread_cond_wait(&monitor->room, &monitor->mutex), 0);
		monitor->things++;
		must_be(impl->lock->pthread_cond_signal(&monitor->some), 0);
		unlock_it(monitor);
	}
	return 0;
}

static long long take_many(const char *text, const long long *n)
{
	struct monitor *monitor = monitor_of(text);

	for (long long i = 0; i < n[0]; i++) {
		take(text, n);
		/* without the mutex, as one may */
		must_be(impl->lock->pthread_cond_signal(&monitor->room), 0);
	}
	return 0;
}

static long long taken_of(const char *text, const long long *n)
{
	(void)n;
	return monitor_of(text)->taken;
}

TEST(lock, no_notification_is_lost_in_a_crowd)
{
	enum { PAIRS = 2, THINGS = 500 };
	actor *alice = with_monitor("alice"), *maker[PAIRS], *taker[PAIRS];

	for (int i = 0; i < PAIRS; i++) {
		maker[i] = forks(alice, "maker");
		taker[i] = forks(alice, "taker");
	}
	for (int i = 0; i < PAIRS; i++) {
		begin(taker[i], call(take_many, "m", THINGS, 0, 0));
		begin(maker[i], call(make_many, "m", THINGS, 0, 0));
	}
	for (int i = 0; i < PAIRS; i++) {
		succeeds(taker[i]);
		succeeds(maker[i]);
	}
	does_give(alice, call(things_of, "m", 0, 0, 0), 0);
	does_give(alice, call(taken_of, "m", 0, 0, 0), PAIRS * THINGS);
}

/* -- the mutex -------------------------------------------------------------------------------- */

/* The actor that has a condition variable "c" and an error-checking mutex "m". */
static actor *with_pair(const char *name, int clock)
{
	actor *a = cast(name);

	does(a, lock.make_cond("c", clock));
	does(a, lock.make_mutex("m", PTHREAD_MUTEX_ERRORCHECK, 0));
	return a;
}

TEST(lock, waiting_releases_the_mutex)
{
	actor *alice = with_pair("alice", CLOCK_REALTIME), *bob = forks(alice, "bob");

	does(bob, lock.mutex_lock("m"));
	begin(bob, lock.cond_wait("c", "m"));
	blocks(bob);
	does(alice, lock.mutex_trylock("m"));
	does(alice, lock.cond_signal("c"));
	does(alice, lock.mutex_unlock("m"));
	succeeds(bob);
}

TEST(lock, mutex_is_held_when_the_wait_returns)
{
	actor *alice = with_pair("alice", CLOCK_REALTIME), *bob = forks(alice, "bob");

	does(bob, lock.mutex_lock("m"));
	begin(bob, lock.cond_wait("c", "m"));
	blocks(bob);
	does(alice, lock.mutex_lock("m"));
	does(alice, lock.cond_signal("c"));
	blocks(bob);
	does(alice, lock.mutex_unlock("m"));
	succeeds(bob);
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
	does(bob, lock.mutex_unlock("m"));
}

TEST_VARIANT(lock, mutex_is_held_when_the_wait_returns, timed_out)
{
	actor *alice = with_pair("alice", CLOCK_MONOTONIC), *bob = forks(alice, "bob");

	does(bob, lock.mutex_lock("m"));
	does_fail(bob, lock.cond_timedwait("c", "m", CLOCK_MONOTONIC, 20), ETIMEDOUT);
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
	does(bob, lock.mutex_unlock("m"));
	does(alice, lock.mutex_trylock("m"));
}

TEST(lock, notification_without_waiter_is_forgotten)
{
	actor *alice = with_pair("alice", CLOCK_MONOTONIC), *bob = forks(alice, "bob");

	does(alice, lock.cond_signal("c"));
	does(alice, lock.cond_signal("c"));
	does(alice, lock.cond_broadcast("c"));
	does(bob, lock.mutex_lock("m"));
	does_fail(bob, lock.cond_timedwait("c", "m", CLOCK_MONOTONIC, 20), ETIMEDOUT);
}

/* -- time ------------------------------------------------------------------------------------- */

struct clock {
	const char *name;
	int clock;
};

static const struct clock clocks[] = {
	{"realtime", CLOCK_REALTIME},
	{"monotonic", CLOCK_MONOTONIC},
};

TEST_EACH(lock, condition_wait_times_out, clocks)
{
	actor *alice = with_pair("alice", row->clock);

	does(alice, lock.mutex_lock("m"));
	/* who judges the outcome compares the clock with the deadline */
	does_fail(alice, lock.cond_timedwait("c", "m", row->clock, 30), ETIMEDOUT);
	does_fail(alice, lock.cond_timedwait("c", "m", row->clock, 5), ETIMEDOUT);
	does(alice, lock.mutex_unlock("m"));
}

TEST_EACH(lock, past_deadline_ends_the_condition_wait, clocks)
{
	actor *alice = with_pair("alice", row->clock), *bob = forks(alice, "bob");

	does(alice, lock.mutex_lock("m"));
	does_fail(alice, lock.cond_timedwait("c", "m", row->clock, -10), ETIMEDOUT);
	does_fail(alice, lock.cond_timedwait_at("c", "m", 0, 0), ETIMEDOUT);
	does_fail(bob, lock.mutex_trylock("m"), EBUSY);
	does(alice, lock.mutex_unlock("m"));
}

TEST(lock, invalid_deadline_of_a_condition_is_refused)
{
	actor *alice = with_pair("alice", CLOCK_REALTIME);

	does(alice, lock.mutex_lock("m"));
	does_fail(alice, lock.cond_timedwait_at("c", "m", 1, -1), EINVAL);
	does_fail(alice, lock.cond_timedwait_at("c", "m", 1, 1000000000), EINVAL);
	does(alice, lock.mutex_unlock("m"));
}

TEST_EACH(lock, condition_waits_on_a_given_clock, clocks)
{
	actor *alice = with_pair("alice", CLOCK_REALTIME), *bob = forks(alice, "bob");

	does(bob, lock.mutex_lock("m"));
	does_fail(bob, lock.cond_clockwait("c", "m", row->clock, 20), ETIMEDOUT);
	does_fail(bob, lock.cond_clockwait("c", "m", row->clock, -20), ETIMEDOUT);
	does(bob, lock.mutex_unlock("m"));
	does(alice, lock.mutex_lock("m"));
}

TEST(lock, timed_out_waiter_takes_no_notification)
{
	actor *alice = with_pair("alice", CLOCK_MONOTONIC);
	actor *late = forks(alice, "late"), *carol = forks(alice, "carol");

	does(carol, lock.mutex_lock("m"));
	begin(carol, lock.cond_wait("c", "m"));
	blocks(carol);
	does(late, lock.mutex_lock("m"));
	does_fail(late, lock.cond_timedwait("c", "m", CLOCK_MONOTONIC, 10), ETIMEDOUT);
	does(late, lock.cond_signal("c"));
	does(late, lock.mutex_unlock("m"));
	succeeds(carol);
}

/* The late one may go on for no reason, but not in the other's place. */
TEST(lock, signal_is_for_who_waited_before)
{
	actor *alice = with_pair("alice", CLOCK_MONOTONIC);
	actor *bob = forks(alice, "bob"), *late = forks(alice, "late");

	does(bob, lock.mutex_lock("m"));
	begin(bob, lock.cond_wait("c", "m"));
	blocks(bob);
	freeze(bob);
	does(alice, lock.cond_signal("c"));
	does(late, lock.mutex_lock("m"));
	begin(late, lock.cond_timedwait("c", "m", CLOCK_MONOTONIC, 10));
	returns(late);
	does(late, lock.mutex_unlock("m"));
	thaw(bob);
	succeeds(bob);
}

/* -- errors, signals, ends -------------------------------------------------------------------- */

TEST(lock, condition_wait_needs_the_mutex)
{
	actor *alice = with_pair("alice", CLOCK_REALTIME), *bob = forks(alice, "bob");

	does(alice, lock.make_mutex("robust", PTHREAD_MUTEX_NORMAL, MUTEX_ROBUST));
	does_fail(alice, lock.cond_wait("c", "m"), EPERM);
	does_fail(alice, lock.cond_wait("c", "robust"), EPERM);
	does(bob, lock.mutex_lock("m"));
	does_fail(alice, lock.cond_timedwait_at("c", "m", 0, 0), EPERM);
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
	does(bob, lock.mutex_unlock("m"));
}

TEST(lock, signal_handler_does_not_end_the_condition)
{
	actor *alice = with_monitor("alice");

	does(alice, sig.handle(SIGUSR1, 0));
	actor *bob = forks(alice, "bob");
	begin(bob, call(take, "m", 0, 0, 0));
	blocks(bob);
	for (unsigned i = 1; i <= 3; i++) {
		poke(bob, SIGUSR1);
		catches(bob, SIGUSR1, i);
		blocks(bob);
	}
	does(alice, call(put, "m", 1, BY_SIGNALS, 0));
	succeeds(bob);
}

TEST(lock, condition_in_a_file_serves_strangers)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, lock.map_file("m", "f"));
	does(alice, call(set_up, "m", 0, 0, 0));
	does(bob, lock.map("other"));
	does(bob, lock.map_file("m", "f"));
	begin(bob, call(take, "m", 0, 0, 0));
	blocks(bob);
	does(alice, call(put, "m", 1, BY_SIGNALS, 0));
	succeeds(bob);
	begin(alice, call(take, "m", 0, 0, 0));
	blocks(alice);
	does(bob, call(put, "m", 1, BY_BROADCAST, 0));
	succeeds(alice);
}

TEST(lock, condition_can_be_destroyed_after_broadcast)
{
	actor *alice = with_pair("alice", CLOCK_REALTIME);
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");

	for (int i = 0; i < 2; i++) {
		does(bob, lock.mutex_lock("m"));
		begin(bob, lock.cond_wait("c", "m"));
		blocks(bob);
		does(carol, lock.mutex_lock("m"));
		begin(carol, lock.cond_wait("c", "m"));
		blocks(carol);
		freeze(bob);
		does(alice, lock.mutex_lock("m"));
		does(alice, lock.cond_broadcast("c"));
		does(alice, lock.mutex_unlock("m"));
		/* it may wait for them to leave, but no longer */
		begin(alice, lock.cond_destroy("c"));
		succeeds(carol);
		does(carol, lock.mutex_unlock("m"));
		thaw(bob);
		succeeds(bob);
		succeeds(alice);
		does(bob, lock.mutex_unlock("m"));
		does(alice, lock.make_cond("c", CLOCK_REALTIME));
	}
}

TEST(lock, condition_survives_a_killed_waiter)
{
	actor *alice = with_monitor("alice");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol"),
	      *notifier = forks(alice, "notifier");

	begin(bob, call(take, "m", 0, 0, 0));
	blocks(bob);
	dies(bob);
	/* the first notification is the dead one's, the later ones reach the living */
	for (int i = 0; i < 3; i++) {
		begin(carol, call(take, "m", 0, 0, 0));
		blocks(carol);
		begin(notifier, call(put, "m", 1, BY_BROADCAST, 0));
		succeeds(notifier);
		succeeds(carol);
	}
}
