/* SPDX-License-Identifier: MIT */
/* Waiting until a time. */
#include "stage/story.h"

enum { SHORT = 20, LONG = 100000 };

TEST(sem, timed_wait_times_out)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	does_fail(alice, sem.timedwait("s", SHORT), ETIMEDOUT);
	does_give(alice, sem.value("s"), 0);
	does(alice, sem.post("s"));
	does_give(alice, sem.value("s"), 1);
}

TEST_VARIANT(sem, timed_wait_times_out, threads)
{
	actor *alice = cast("alice");

	does(alice, sem.make_private("s", 0));
	actor *thread = cast_thread(alice, "thread");
	does_fail(thread, sem.timedwait("s", SHORT), ETIMEDOUT);
	does_give(alice, sem.value("s"), 0);
}

static const struct past {
	const char *name;
	long long seconds;
	long nanoseconds;
} pasts[] = {
	{"epoch", 0, 0},
	{"one_nanosecond_after_the_epoch", 0, 1},
	{"last_nanosecond_of_a_second", 1, 999999999},
	{"before_the_epoch", -1, 0},
};

TEST_EACH(sem, past_deadline_times_out_at_once, pasts)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	does_fail(alice, sem.timedwait_at("s", row->seconds, row->nanoseconds), ETIMEDOUT);
	does_give(alice, sem.value("s"), 0);
}

TEST_EACH(sem, past_deadline_takes_an_available_one, pasts)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 1));
	does(alice, sem.timedwait_at("s", row->seconds, row->nanoseconds));
	does_give(alice, sem.value("s"), 0);
}

static const struct past invalid[] = {
	{"minus_one_nanosecond", 0x7FFFFFFF, -1},
	{"a_second_of_nanoseconds", 0x7FFFFFFF, 1000000000},
	{"many_nanoseconds", 0, 0x7FFFFFFF},
};

TEST_EACH(sem, invalid_deadline_is_refused_when_blocking, invalid)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	does_fail(alice, sem.timedwait_at("s", row->seconds, row->nanoseconds), EINVAL);
	does_give(alice, sem.value("s"), 0);
}

TEST_EACH(sem, invalid_deadline_is_no_timeout_where_one_is_available, invalid)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 1));
	begin(alice, sem.timedwait_at("s", row->seconds, row->nanoseconds));
	returns(alice);
	int error = outcome_of(alice)->error;
	must(error == 0 || error == EINVAL);
	does_give(alice, sem.value("s"), error ? 1 : 0);
}

TEST(sem, post_ends_a_timed_wait)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *bob = forks(alice, "bob");
	begin(bob, sem.timedwait("s", LONG));
	blocks(bob);
	does(alice, sem.post("s"));
	succeeds(bob);
	does_give(alice, sem.value("s"), 0);
}

TEST(sem, timed_out_waiter_takes_no_later_post)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(carol, sem.wait("s"));
	blocks(carol);
	does_fail(bob, sem.timedwait("s", SHORT), ETIMEDOUT);
	does(alice, sem.post("s"));
	succeeds(carol);
	does(alice, sem.post("s"));
	does_give(bob, sem.value("s"), 1);
}

TEST(sem, clock_wait_uses_the_monotonic_clock)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	does_fail(alice, sem.clockwait("s", SHORT), ETIMEDOUT);
	does_give(alice, sem.value("s"), 0);
}

TEST_VARIANT(sem, clock_wait_uses_the_monotonic_clock, past)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 1));
	does(alice, sem.clockwait("s", -1));
	does_fail(alice, sem.clockwait("s", -1), ETIMEDOUT);
	does_give(alice, sem.value("s"), 0);
}

TEST_VARIANT(sem, clock_wait_uses_the_monotonic_clock, post)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *bob = forks(alice, "bob");
	begin(bob, sem.clockwait("s", LONG));
	blocks(bob);
	does(alice, sem.post("s"));
	succeeds(bob);
}

/* With a deadline so many seconds from now on the real-time clock. */
static long long wait_until(const char *text, const long long *n)
{
	struct timespec deadline;

	if (!impl->sem->sem_clockwait)
		skip("no sem_clockwait");
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += (time_t)n[0];
	return impl->sem->sem_clockwait(handle_pointer(text), CLOCK_REALTIME, &deadline);
}

TEST(sem, clock_wait_uses_the_real_time_clock)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 1));
	actor *bob = forks(alice, "bob");
	does(bob, call(wait_until, "s", -1, 0, 0));
	does_fail(bob, call(wait_until, "s", -1, 0, 0), ETIMEDOUT);
	begin(bob, call(wait_until, "s", LONG, 0, 0));
	blocks(bob);
	does(alice, sem.post("s"));
	succeeds(bob);
	does_give(alice, sem.value("s"), 0);
}
