/* SPDX-License-Identifier: MIT */
/* Mutexes in shared memory. */
#include "stage/story.h"

/* A page: the mutex, and what it protects. */
struct table {
	pthread_mutex_t mutex;
	volatile unsigned long counter;
	_Atomic int holders;
};

/* How long a change takes, so that others come in between if they can. */
enum { PAUSE = 100 };

/* Adds one so many times, by reading and then writing, once so many others are there too. */
static long long add_up(const char *text, const long long *n)
{
	struct table *table = handle_pointer(text);

	atomic_fetch_add(&shared()[0], 1);
	awaits(&shared()[0], (uint64_t)n[1]);
	for (long long i = 0; i < n[0]; i++) {
		must_be(impl->lock->pthread_mutex_lock(&table->mutex), 0);
		must_be(atomic_fetch_add(&table->holders, 1), 0);
		unsigned long seen = table->counter;
		for (volatile int pause = 0; pause < PAUSE; pause++)
			continue;
		table->counter = seen + 1;
		atomic_fetch_sub(&table->holders, 1);
		must_be(impl->lock->pthread_mutex_unlock(&table->mutex), 0);
	}
	return 0;
}

static long long counter_of(const char *text, const long long *n)
{
	(void)n;
	return (long long)((struct table *)handle_pointer(text))->counter;
}

enum { ADDITIONS = 10000 };

struct mutex {
	const char *name;
	int type, kind;
};

static const struct mutex mutexes[] = {
	{"normal", PTHREAD_MUTEX_NORMAL, 0},
	{"default", PTHREAD_MUTEX_DEFAULT, 0},
	{"errorcheck", PTHREAD_MUTEX_ERRORCHECK, 0},
	{"recursive", PTHREAD_MUTEX_RECURSIVE, 0},
	{"robust", PTHREAD_MUTEX_NORMAL, MUTEX_ROBUST},
	{"robust_recursive", PTHREAD_MUTEX_RECURSIVE, MUTEX_ROBUST},
	{"inheriting", PTHREAD_MUTEX_NORMAL, MUTEX_INHERITS},
};

TEST_EACH(lock, mutex_keeps_one_holder_at_a_time, mutexes)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(alice, call(add_up, "m", ADDITIONS, 3, 0));
	begin(bob, call(add_up, "m", ADDITIONS, 3, 0));
	begin(carol, call(add_up, "m", ADDITIONS, 3, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
	does_give(bob, call(counter_of, "m", 0, 0, 0), 3 * ADDITIONS);
}

static const struct mutex thread_mutexes[] = {
	{"private", PTHREAD_MUTEX_NORMAL, MUTEX_PRIVATE},
	{"shared", PTHREAD_MUTEX_NORMAL, 0},
	{"recursive", PTHREAD_MUTEX_RECURSIVE, MUTEX_PRIVATE},
};

TEST_EACH(lock, mutex_keeps_threads_apart, thread_mutexes)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *thread = cast_thread(alice, "thread");
	does(alice, lock.mutex_lock("m"));
	does_fail(thread, lock.mutex_trylock("m"), EBUSY);
	begin(thread, lock.mutex_lock("m"));
	blocks(thread);
	does(alice, lock.mutex_unlock("m"));
	succeeds(thread);
	does(thread, lock.mutex_unlock("m"));
	begin(alice, call(add_up, "m", ADDITIONS, 2, 0));
	begin(thread, call(add_up, "m", ADDITIONS, 2, 0));
	succeeds(alice);
	succeeds(thread);
	does_give(alice, call(counter_of, "m", 0, 0, 0), 2 * ADDITIONS);
}

TEST(lock, mutex_in_a_file_serves_strangers)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, lock.map_file("m", "f"));
	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	/* another page before it, so that the two have it at different addresses */
	does(bob, lock.map("other"));
	does(bob, lock.map_file("m", "f"));
	does(alice, lock.mutex_lock("m"));
	does_fail(bob, lock.mutex_trylock("m"), EBUSY);
	begin(bob, lock.mutex_lock("m"));
	blocks(bob);
	does(alice, lock.mutex_unlock("m"));
	succeeds(bob);
	does(bob, lock.mutex_unlock("m"));
	begin(alice, call(add_up, "m", ADDITIONS, 2, 0));
	begin(bob, call(add_up, "m", ADDITIONS, 2, 0));
	succeeds(alice);
	succeeds(bob);
	does_give(alice, call(counter_of, "m", 0, 0, 0), 2 * ADDITIONS);
}

TEST_EACH(lock, locked_mutex_makes_others_wait, mutexes)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_lock("m"));
	begin(bob, lock.mutex_lock("m"));
	blocks(bob);
	does(alice, lock.mutex_unlock("m"));
	succeeds(bob);
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
	does(bob, lock.mutex_unlock("m"));
	does(alice, lock.mutex_trylock("m"));
}

TEST_EACH(lock, every_waiter_gets_the_mutex, mutexes)
{
	enum { WAITERS = 4 };
	actor *alice = cast("alice"), *waiter[WAITERS];

	does(alice, lock.make_mutex("m", row->type, row->kind));
	for (int i = 0; i < WAITERS; i++)
		waiter[i] = forks(alice, "waiter");
	does(alice, lock.mutex_lock("m"));
	for (int i = 0; i < WAITERS; i++)
		begin(waiter[i], call(add_up, "m", 1, 0, 0));
	for (int i = 0; i < WAITERS; i++)
		blocks(waiter[i]);
	does(alice, lock.mutex_unlock("m"));
	for (int i = 0; i < WAITERS; i++)
		succeeds(waiter[i]);
	does_give(alice, call(counter_of, "m", 0, 0, 0), WAITERS);
}

TEST_VARIANT(lock, every_waiter_gets_the_mutex, frozen)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(alice, lock.mutex_lock("m"));
	begin(bob, call(add_up, "m", 1, 0, 0));
	begin(carol, call(add_up, "m", 1, 0, 0));
	blocks(bob);
	blocks(carol);
	freeze(bob);
	freeze(carol);
	does(alice, lock.mutex_unlock("m"));
	thaw(carol);
	thaw(bob);
	succeeds(bob);
	succeeds(carol);
}

TEST(lock, mutexes_are_independent)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	does(alice, lock.make_mutex("other", PTHREAD_MUTEX_NORMAL, 0));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_lock("m"));
	does(alice, lock.mutex_lock("other"));
	begin(bob, lock.mutex_lock("m"));
	blocks(bob);
	does(alice, lock.mutex_unlock("other"));
	blocks(bob);
	does(alice, lock.mutex_trylock("other"));
	does(alice, lock.mutex_unlock("m"));
	succeeds(bob);
	does_fail(bob, lock.mutex_trylock("other"), EBUSY);
}

TEST_EACH(lock, mutex_trylock_never_waits, mutexes)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_trylock("m"));
	does_fail(bob, lock.mutex_trylock("m"), EBUSY);
	if (row->type == PTHREAD_MUTEX_RECURSIVE) {
		does(alice, lock.mutex_trylock("m"));
		does(alice, lock.mutex_unlock("m"));
	} else if (row->type != PTHREAD_MUTEX_DEFAULT || row->kind) {
		does_fail(alice, lock.mutex_trylock("m"), EBUSY);
	}
	does(alice, lock.mutex_unlock("m"));
	does(bob, lock.mutex_trylock("m"));
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
}

/* -- types ------------------------------------------------------------------------------------ */

static const struct mutex errorchecks[] = {
	{"plain", PTHREAD_MUTEX_ERRORCHECK, 0},
	{"robust", PTHREAD_MUTEX_ERRORCHECK, MUTEX_ROBUST},
	{"inheriting", PTHREAD_MUTEX_ERRORCHECK, MUTEX_INHERITS},
};

TEST_EACH(lock, errorcheck_mutex_tells_of_relocking, errorchecks)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_lock("m"));
	does_fail(alice, lock.mutex_lock("m"), EDEADLK);
	does_fail(alice, lock.mutex_lock("m"), EDEADLK);
	does_fail(bob, lock.mutex_trylock("m"), EBUSY);
	does(alice, lock.mutex_unlock("m"));
	does(bob, lock.mutex_trylock("m"));
}

TEST(lock, normal_mutex_deadlocks_on_relocking)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	does(alice, lock.mutex_lock("m"));
	begin(alice, lock.mutex_lock("m"));
	blocks(alice);
}

static const struct mutex recursives[] = {
	{"plain", PTHREAD_MUTEX_RECURSIVE, 0},
	{"robust", PTHREAD_MUTEX_RECURSIVE, MUTEX_ROBUST},
	{"inheriting", PTHREAD_MUTEX_RECURSIVE, MUTEX_INHERITS},
};

TEST_EACH(lock, recursive_mutex_counts, recursives)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_lock("m"));
	does(alice, lock.mutex_trylock("m"));
	does(alice, lock.mutex_timedlock("m", -1000));
	begin(bob, lock.mutex_lock("m"));
	for (int i = 0; i < 3; i++) {
		blocks(bob);
		does(alice, lock.mutex_unlock("m"));
	}
	succeeds(bob);
	does_fail(alice, lock.mutex_unlock("m"), EPERM);
}

static const struct mutex owned[] = {
	{"errorcheck", PTHREAD_MUTEX_ERRORCHECK, 0},
	{"recursive", PTHREAD_MUTEX_RECURSIVE, 0},
	{"robust", PTHREAD_MUTEX_NORMAL, MUTEX_ROBUST},
	{"robust_errorcheck", PTHREAD_MUTEX_ERRORCHECK, MUTEX_ROBUST},
	{"inheriting", PTHREAD_MUTEX_ERRORCHECK, MUTEX_INHERITS},
};

TEST_EACH(lock, only_the_holder_unlocks, owned)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *bob = forks(alice, "bob"), *thread = cast_thread(alice, "thread");
	does_fail(alice, lock.mutex_unlock("m"), EPERM);
	does(alice, lock.mutex_lock("m"));
	does_fail(bob, lock.mutex_unlock("m"), EPERM);
	does_fail(thread, lock.mutex_unlock("m"), EPERM);
	does_fail(bob, lock.mutex_trylock("m"), EBUSY);
	does(alice, lock.mutex_unlock("m"));
	does_fail(alice, lock.mutex_unlock("m"), EPERM);
	does(bob, lock.mutex_trylock("m"));
}

TEST_EACH(lock, child_holds_no_mutex_of_its_parent, owned)
{
	actor *parent = cast("parent"), *bob;

	does(parent, lock.make_mutex("m", row->type, row->kind));
	bob = forks(parent, "bob");
	does(parent, lock.mutex_lock("m"));
	actor *child = forks(parent, "child");
	does_fail(child, lock.mutex_unlock("m"), EPERM);
	does_fail(child, lock.mutex_trylock("m"), EBUSY);
	dies(child);
	does_fail(bob, lock.mutex_trylock("m"), EBUSY);
	does(parent, lock.mutex_unlock("m"));
	does(bob, lock.mutex_trylock("m"));
}

TEST_EACH(lock, errorcheck_mutex_tells_of_timed_relocking, errorchecks)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_lock("m"));
	does_fail(alice, lock.mutex_timedlock("m", 100000), EDEADLK);
	does_fail(bob, lock.mutex_trylock("m"), EBUSY);
	does(alice, lock.mutex_unlock("m"));
	does(bob, lock.mutex_trylock("m"));
}

TEST(lock, deadline_ends_the_deadlock_of_a_normal_mutex)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_lock("m"));
	begin(alice, lock.mutex_timedlock("m", 15));
	returns(alice);
	int error = outcome_of(alice)->error;
	must(error == ETIMEDOUT || error == EDEADLK);
	does_fail(bob, lock.mutex_trylock("m"), EBUSY);
	does(alice, lock.mutex_unlock("m"));
	does(bob, lock.mutex_trylock("m"));
}

/* -- time ------------------------------------------------------------------------------------- */

TEST_EACH(lock, mutex_times_out, mutexes)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_lock("m"));
	does_fail(bob, lock.mutex_timedlock("m", 20), ETIMEDOUT);
	does(alice, lock.mutex_unlock("m"));
	does(alice, lock.mutex_trylock("m"));
}

TEST_EACH(lock, past_deadline_takes_a_free_mutex, mutexes)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_timedlock("m", -10000));
	does_fail(bob, lock.mutex_timedlock("m", -10000), ETIMEDOUT);
	does_fail(bob, lock.mutex_timedlock("m", 0), ETIMEDOUT);
	does_fail(bob, lock.mutex_timedlock_at("m", 0, 0), ETIMEDOUT);
	does(alice, lock.mutex_unlock("m"));
	does(bob, lock.mutex_timedlock_at("m", 0, 0));
}

enum { LONG = 100000 };

TEST(lock, mutex_is_had_before_the_deadline)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_lock("m"));
	begin(bob, lock.mutex_timedlock("m", LONG));
	blocks(bob);
	does(alice, lock.mutex_unlock("m"));
	succeeds(bob);
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
}

TEST(lock, invalid_deadline_of_a_mutex_is_refused)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_lock("m"));
	does_fail(bob, lock.mutex_timedlock_at("m", 1, -1), EINVAL);
	does_fail(bob, lock.mutex_timedlock_at("m", 1, 1000000000), EINVAL);
	does(alice, lock.mutex_unlock("m"));
	does(bob, lock.mutex_trylock("m"));
}

TEST(lock, mutex_waits_on_the_monotonic_clock)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_clocklock("m", -1000));
	does_fail(bob, lock.mutex_clocklock("m", 20), ETIMEDOUT);
	does_fail(bob, lock.mutex_clocklock("m", -1000), ETIMEDOUT);
	begin(bob, lock.mutex_clocklock("m", LONG));
	blocks(bob);
	does(alice, lock.mutex_unlock("m"));
	succeeds(bob);
}

/* With a deadline so many seconds from now on the real-time clock. */
static long long lock_until(const char *text, const long long *n)
{
	struct timespec deadline;

	if (!impl->lock->pthread_mutex_clocklock)
		skip("no pthread_mutex_clocklock");
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += (time_t)n[0];
	errno = impl->lock->pthread_mutex_clocklock(handle_pointer(text), CLOCK_REALTIME,
						    &deadline);
	return errno ? -1 : 0;
}

TEST(lock, mutex_waits_on_the_real_time_clock)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	actor *bob = forks(alice, "bob");
	does(alice, call(lock_until, "m", -10, 0, 0));
	does_fail(bob, call(lock_until, "m", -10, 0, 0), ETIMEDOUT);
	begin(bob, call(lock_until, "m", LONG, 0, 0));
	blocks(bob);
	does(alice, lock.mutex_unlock("m"));
	succeeds(bob);
}

static const struct handling {
	const char *name;
	int flags;
} handlings[] = {{"plain", 0}, {"restarting", SA_RESTART}};

TEST_EACH(lock, signal_does_not_end_the_wait_for_a_mutex, handlings)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	does(alice, lock.make_mutex("timed", PTHREAD_MUTEX_NORMAL, 0));
	does(alice, sig.handle(SIGUSR1, row->flags));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(alice, lock.mutex_lock("m"));
	does(alice, lock.mutex_lock("timed"));
	begin(bob, lock.mutex_lock("m"));
	begin(carol, lock.mutex_timedlock("timed", LONG));
	for (unsigned i = 1; i <= 3; i++) {
		blocks(bob);
		blocks(carol);
		poke(bob, SIGUSR1);
		poke(carol, SIGUSR1);
		catches(bob, SIGUSR1, i);
		catches(carol, SIGUSR1, i);
	}
	blocks(bob);
	blocks(carol);
	does(alice, lock.mutex_unlock("m"));
	succeeds(bob);
	does(alice, lock.mutex_unlock("timed"));
	succeeds(carol);
}

/* -- cancellation ----------------------------------------------------------------------------- */

static const struct timespec far_away = {2000000000, 0};

/* A thread that is to be cancelled, at the next chance; it gives back what it has. */
static struct doomed {
	pthread_mutex_t *mutex;
	bool timed;
	int had;
} doomed;

static void *lock_though_cancelled(void *given)
{
	struct doomed *self = given;

	must_be(pthread_cancel(pthread_self()), 0);
	must_be(self->timed ? impl->lock->pthread_mutex_timedlock(self->mutex, &far_away)
			    : impl->lock->pthread_mutex_lock(self->mutex),
		0);
	self->had++;
	must_be(impl->lock->pthread_mutex_unlock(self->mutex), 0);
	pthread_testcancel();
	self->had++;
	return NULL;
}

static long long cancels_who_locks(const char *text, const long long *n)
{
	pthread_t thread;
	void *result;

	doomed = (struct doomed){handle_pointer(text), n[0] != 0, 0};
	must_be(pthread_create(&thread, NULL, lock_though_cancelled, &doomed), 0);
	must_be(pthread_join(thread, &result), 0);
	must(result == PTHREAD_CANCELED);
	return doomed.had;
}

static const struct locking {
	const char *name;
	bool timed;
} lockings[] = {{"lock", false}, {"timedlock", true}};

TEST_EACH(lock, mutex_is_no_cancellation_point, lockings)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_lock("m"));
	begin(bob, call(cancels_who_locks, "m", row->timed, 0, 0));
	blocks(bob);
	does(alice, lock.mutex_unlock("m"));
	gives(bob, 1);
}

/* -- ends ------------------------------------------------------------------------------------- */

TEST_EACH(lock, mutex_can_be_made_again, mutexes)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock("m"));
	does(bob, lock.mutex_unlock("m"));
	does(alice, lock.mutex_destroy("m"));
	does(alice, lock.fill("m", 0xA5));
	dies(bob);
	does_give(alice, lock.is_full_of("m", 0xA5), 1);
	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_ERRORCHECK, 0));
	does(alice, lock.mutex_lock("m"));
	does_fail(alice, lock.mutex_lock("m"), EDEADLK);
	does(alice, lock.mutex_unlock("m"));
}

TEST(lock, stalled_mutex_stays_locked)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	actor *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(alice, lock.mutex_trylock("m"), EBUSY);
	does_fail(alice, lock.mutex_timedlock("m", 10), ETIMEDOUT);
}

TEST_EACH(lock, killed_waiter_leaves_the_mutex, mutexes)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", row->type, row->kind));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(alice, lock.mutex_lock("m"));
	begin(bob, lock.mutex_lock("m"));
	blocks(bob);
	begin(carol, lock.mutex_lock("m"));
	blocks(carol);
	dies(bob);
	does(alice, lock.mutex_unlock("m"));
	succeeds(carol);
	does(carol, lock.mutex_unlock("m"));
	does(alice, lock.mutex_trylock("m"));
}
