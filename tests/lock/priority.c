/* SPDX-License-Identifier: MIT */
/*
 * The priority that a mutex gives its holder, by a ceiling or by inheritance.  What is seen is who
 * runs first of several on one processor: SCHED_FIFO leaves no choice.
 */
#include <string.h>

#include "stage/story.h"

/* Runs, and tells in which turn, once there is a byte in the pipe "p". */
static long long run_when_woken(const char *text, const long long *n)
{
	char byte;

	(void)n;
	must_be(impl->fd->read(handle_fd(text), &byte, 1), 1);
	return (long long)atomic_fetch_add(&shared()[0], 1);
}

/* Whether somebody runs at once whom this wakes. */
static bool other_runs_first(void)
{
	unsigned long before = shared()[0];

	must_be(impl->fd->write(handle_fd("p:w"), "!", 1), 1);
	return shared()[0] != before;
}

static long long wake(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	return other_runs_first();
}

static void waits_to_run(actor *a)
{
	begin(a, call(run_when_woken, "p:r", 0, 0, 0));
	blocks(a);
}

/*
 * The low one, who has made the pipe "p", at priority 1, and the middle one above it.  Where the
 * latter doesn't run first when woken there's no more to be seen.
 */
static void run_in_order(actor *low, actor *middle, int priority)
{
	does(low, lock.run_in_real_time(1));
	does(middle, lock.run_in_real_time(priority));
	waits_to_run(middle);
	does(low, call(wake, NULL, 0, 0, 0));
	gives(middle, 0);
	if (outcome_of(low)->value == 0)
		skip("who has a higher priority does not run first here");
}

static void lock_mutex(const char *m)
{
	must_be(impl->lock->pthread_mutex_lock(handle_pointer(m)), 0);
}

static void unlock_mutex(const char *m)
{
	must_be(impl->lock->pthread_mutex_unlock(handle_pointer(m)), 0);
}

/* -- up to a ceiling -------------------------------------------------------------------------- */

static long long wake_while_holding(const char *text, const long long *n)
{
	lock_mutex(text);
	must(!other_runs_first());
	unlock_mutex(text);
	must_be(shared()[0], 2);
	return n[0];
}

TEST(lock, ceiling_raises_the_holder)
{
	actor *low = cast("low");

	does(low, lock.make_ceiling_mutex("m", 3));
	does(low, pipes.make("p"));
	actor *middle = forks(low, "middle");
	run_in_order(low, middle, 2);
	waits_to_run(middle);
	does(low, call(wake_while_holding, "m", 0, 0, 0));
	gives(middle, 1);
}

/* Who holds the mutexes "below" and "above" the other's priority falls with the latter. */
static long long unlock_the_upper(const char *text, const long long *n)
{
	(void)text;
	lock_mutex("below");
	lock_mutex("above");
	must(!other_runs_first());
	unlock_mutex("above");
	must_be(shared()[0], 2);
	unlock_mutex("below");
	return n[0];
}

/* And not with the former. */
static long long unlock_the_lower(const char *text, const long long *n)
{
	(void)text;
	lock_mutex("above");
	lock_mutex("below");
	unlock_mutex("below");
	must(!other_runs_first());
	unlock_mutex("above");
	must_be(shared()[0], 2);
	return n[0];
}

static void hold_two(op unlocking)
{
	actor *low = cast("low");

	does(low, lock.make_ceiling_mutex("below", 2));
	does(low, lock.make_ceiling_mutex("above", 4));
	does(low, pipes.make("p"));
	actor *middle = forks(low, "middle");
	run_in_order(low, middle, 3);
	waits_to_run(middle);
	does(low, unlocking);
	gives(middle, 1);
}

TEST(lock, highest_of_the_ceilings_counts)
{
	hold_two(call(unlock_the_upper, NULL, 0, 0, 0));
}

TEST_VARIANT(lock, highest_of_the_ceilings_counts, when_the_lower_is_unlocked)
{
	hold_two(call(unlock_the_lower, NULL, 0, 0, 0));
}

/* -- by inheritance --------------------------------------------------------------------------- */

static void make(actor *a, const char *m)
{
	does(a, lock.make_mutex(m, PTHREAD_MUTEX_NORMAL, MUTEX_INHERITS));
}

/* Locks it, and only then has run. */
static long long lock_and_run(const char *text, const long long *n)
{
	(void)n;
	lock_mutex(text);
	long long turn = (long long)atomic_fetch_add(&shared()[0], 1);
	unlock_mutex(text);
	return turn;
}

/* Wakes the middle one, who does not run, and unlocks: the high one runs, and then the other. */
static long long wake_and_unlock(const char *text, const long long *n)
{
	must(!other_runs_first());
	unlock_mutex(text);
	must_be(shared()[0], 3);
	return n[0];
}

TEST(lock, priority_is_inherited)
{
	actor *low = cast("low");

	make(low, "m");
	does(low, pipes.make("p"));
	actor *middle = forks(low, "middle"), *high = forks(low, "high");
	run_in_order(low, middle, 2);
	does(high, lock.run_in_real_time(3));
	does(low, lock.mutex_lock("m"));
	waits_to_run(middle);
	begin(high, call(lock_and_run, "m", 0, 0, 0));
	blocks(high);
	does(low, call(wake_and_unlock, "m", 0, 0, 0));
	gives(high, 1);
	gives(middle, 2);
}

TEST_VARIANT(lock, priority_is_inherited, as_long_as_somebody_waits)
{
	actor *low = cast("low");

	make(low, "m");
	does(low, pipes.make("p"));
	actor *middle = forks(low, "middle"), *high = forks(low, "high");
	run_in_order(low, middle, 2);
	does(high, lock.run_in_real_time(3));
	does(low, lock.mutex_lock("m"));
	begin(high, lock.mutex_lock("m"));
	blocks(high);
	dies(high);
	waits_to_run(middle);
	does_give(low, call(wake, NULL, 0, 0, 0), 1);
	gives(middle, 1);
}

/* Holds the one, and waits for the other. */
static long long lock_both(const char *text, const long long *n)
{
	lock_mutex("held");
	lock_mutex(text);
	unlock_mutex(text);
	unlock_mutex("held");
	return n[0];
}

TEST(lock, inherited_priority_is_passed_on)
{
	actor *low = cast("low");

	make(low, "m");
	make(low, "held");
	does(low, pipes.make("p"));
	actor *middle = forks(low, "middle"), *between = forks(low, "between"),
	      *high = forks(low, "high");
	run_in_order(low, middle, 2);
	does(between, lock.run_in_real_time(1));
	does(high, lock.run_in_real_time(3));
	does(low, lock.mutex_lock("m"));
	begin(between, call(lock_both, "m", 0, 0, 0));
	blocks(between);
	waits_to_run(middle);
	begin(high, call(lock_and_run, "held", 0, 0, 0));
	blocks(high);
	does(low, call(wake_and_unlock, "m", 0, 0, 0));
	succeeds(between);
	gives(high, 1);
	gives(middle, 2);
}

/* -- what is told of it ----------------------------------------------------------------------- */

static long long told_priority(const char *text, const long long *n)
{
	struct sched_param parameters;
	int policy = (int)0xEEEEEEEEu;

	(void)text;
	(void)n;
	memset(&parameters, 0xEE, sizeof(parameters));
	must_be(impl->lock->pthread_getschedparam(pthread_self(), &policy, &parameters), 0);
	must_be(policy, SCHED_FIFO);
	return parameters.sched_priority - sched_get_priority_min(SCHED_FIFO);
}

TEST(lock, priority_for_a_while_is_not_told)
{
	actor *low = cast("low");

	make(low, "m");
	actor *high = forks(low, "high");
	does(low, lock.run_in_real_time(1));
	does(high, lock.run_in_real_time(3));
	does(low, lock.mutex_lock("m"));
	begin(high, lock.mutex_lock("m"));
	blocks(high);
	does_give(low, call(told_priority, NULL, 0, 0, 0), 1);
	does(low, lock.mutex_unlock("m"));
	succeeds(high);
	does_give(low, call(told_priority, NULL, 0, 0, 0), 1);
}

TEST_VARIANT(lock, priority_for_a_while_is_not_told, with_a_ceiling)
{
	actor *alice = cast("alice");

	does(alice, lock.make_ceiling_mutex("m", 3));
	does(alice, lock.run_in_real_time(1));
	does(alice, lock.mutex_lock("m"));
	does_give(alice, call(told_priority, NULL, 0, 0, 0), 1);
	does(alice, lock.mutex_unlock("m"));
	does_give(alice, call(told_priority, NULL, 0, 0, 0), 1);
}
