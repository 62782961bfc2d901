/* SPDX-License-Identifier: MIT */
/* Timers that can be read. */
#include <string.h>

#include "stage/story.h"

static long long microseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* Reads a timer n[0] times, which expires each n[1] milliseconds: never before its time. */
static long long read_timer(const char *text, const long long *n)
{
	const struct itimerspec times = {.it_value = {.tv_nsec = n[1] * 1000000},
					 .it_interval = {.tv_nsec = n[1] * 1000000}};
	long long began = microseconds_now();
	uint64_t expired, sum = 0;

	must_be(impl->event->timerfd_settime(handle_fd(text), 0, &times, NULL), 0);
	for (long long i = 0; i < n[0]; i++) {
		must_be(impl->fd->read(handle_fd(text), &expired, sizeof(expired)), 8);
		must(expired > 0);
		sum += expired;
		must(microseconds_now() - began >= (long long)sum * n[1] * 1000);
	}
	return 0;
}

TEST(event, timer_counts_expirations)
{
	actor *a = cast("alice");

	does(a, event.timer("t", 0));
	does(a, call(read_timer, "t", 4, 5, 0));
}

TEST(event, timer_read_waits)
{
	actor *a = cast("alice");

	does(a, event.timer("t", 0));
	actor *other = forks(a, "other");
	begin(a, event.take("t"));
	blocks(a);
	does(other, event.arm("t", 10, 0));
	gives(a, 1);
	does(a, fd.set_flags("t", O_NONBLOCK));
	does_fail(a, event.take("t"), EAGAIN);
}

TEST(event, timer_tells_time_left)
{
	actor *a = cast("alice");

	does(a, event.timer("t", 0));
	does_give(a, event.time_left("t"), 0);
	does(a, event.arm("t", 1000000, 7000));
	does(a, event.time_left("t"));
	must(outcome_of(a)->value > 0 && outcome_of(a)->value <= 1000000);
	must_be(outcome_of(a)->n[1], 7000);
	does(a, event.arm("t", 0, 0));
	does_give(a, event.time_left("t"), 0);
}

TEST(event, disarmed_timer_is_silent)
{
	actor *a = cast("alice");

	does(a, event.timer("t", TFD_NONBLOCK));
	does(a, event.arm("t", 1, 0));
	does_give(a, fd.poll("t", POLLIN, -1), POLLIN);
	does(a, event.arm("t", 1000000, 0));
	does_fail(a, event.take("t"), EAGAIN);
	does(a, event.arm("t", 5, 0));
	does(a, event.arm("t", 0, 0));
	does_give(a, fd.poll("t", POLLIN, 15), 0);
	does_fail(a, event.take("t"), EAGAIN);
}

/* -- settings -----------------------------------------------------------------------------------
 */

static const struct absolute {
	const char *name;
	int clock, milliseconds;
} absolutes[] = {
	{"monotonic-past", CLOCK_MONOTONIC, -1},
	{"monotonic-future", CLOCK_MONOTONIC, 15},
	{"realtime-past", CLOCK_REALTIME, -1},
	{"realtime-future", CLOCK_REALTIME, 15},
};

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* n: the clock, and how many milliseconds from now; below 0 is long ago. */
static long long wait_until(const char *text, const long long *n)
{
	struct itimerspec times = {.it_interval = {0, 0}};
	struct timespec now;
	uint64_t expired = 0;

	(void)text;
	if (!impl->event->timerfd_create)
		skip("event.timerfd_create is not there");
	int timer = impl->event->timerfd_create((int)n[0], 0);

	must(timer >= 0);
	must_be(clock_gettime((clockid_t)n[0], &now), 0);
	long long at = now.tv_nsec + n[1] * 1000000;
	if (n[1] < 0)
		times.it_value.tv_nsec = 1;
	else
		times.it_value = (struct timespec){.tv_sec = now.tv_sec + (time_t)(at / 1000000000),
						   .tv_nsec = (long)(at % 1000000000)};
	must_be(impl->event->timerfd_settime(timer, TFD_TIMER_ABSTIME, &times, NULL), 0);
	must_be(impl->fd->read(timer, &expired, sizeof(expired)), 8);
	must_be(expired, 1);
	must_be(clock_gettime((clockid_t)n[0], &now), 0);
	must(!is_before(&now, &times.it_value));
	return impl->fd->close(timer);
}

TEST_EACH(event, timer_takes_absolute_times, absolutes)
{
	actor *a = cast("alice");

	does(a, call(wait_until, NULL, row->clock, row->milliseconds, 0));
}

static long long set_anew(const char *text, const long long *n)
{
	const struct itimerspec times = {.it_value = {.tv_sec = 50}};
	struct itimerspec old;

	memset(&old, 0xEE, sizeof(old));
	must_be(impl->event->timerfd_settime(handle_fd(text), 0, &times, &old), 0);
	must(old.it_value.tv_sec <= n[0] && old.it_value.tv_sec >= n[0] / 2);
	must_be(old.it_interval.tv_sec, n[1]);
	must_be(old.it_interval.tv_nsec, 0);
	return 0;
}

TEST(event, setting_tells_the_old_time)
{
	actor *a = cast("alice");

	does(a, event.timer("t", 0));
	does(a, call(set_anew, "t", 0, 0, 0));
	does(a, event.arm("t", 9000000, 7000));
	does(a, call(set_anew, "t", 9000, 7, 0));
	does(a, event.time_left("t"));
	must(outcome_of(a)->value > 0 && outcome_of(a)->value <= 50000);
	must_be(outcome_of(a)->n[1], 0);
}

TEST(event, spent_timer_is_disarmed)
{
	actor *a = cast("alice");

	does(a, event.timer("t", 0));
	does(a, event.arm("t", 1, 0));
	does_give(a, fd.poll("t", POLLIN, -1), POLLIN);
	does_give(a, event.time_left("t"), 0);
	does_give(a, event.take("t"), 1);
	does_give(a, event.time_left("t"), 0);
}

TEST(event, interval_follows_the_first_time)
{
	actor *a = cast("alice");
	enum { INTERVAL = 7000000 };

	does(a, event.timer("t", 0));
	does(a, event.arm("t", 1, INTERVAL));
	does_give(a, event.take("t"), 1);
	does(a, event.time_left("t"));
	must(outcome_of(a)->value > 0 && outcome_of(a)->value <= INTERVAL);
	must_be(outcome_of(a)->n[1], INTERVAL);
}

/* -- refusals -----------------------------------------------------------------------------------
 */

enum misuse {
	CLOCK,
	FLAG,
	NANOSECONDS,
	NEGATIVE,
	SETTING_FLAG,
	NO_TIMER,
	CLOSED,
	SHORT,
	READ_CLOSED
};

static long long misuse(const char *text, const long long *n)
{
	struct itimerspec times = {.it_value = {.tv_sec = 5}};
	int timer = handle_fd(text);
	char bytes[7];

	switch (n[0]) {
	case CLOCK:
		return impl->event->timerfd_create(12345, 0);
	case FLAG:
		return impl->event->timerfd_create(CLOCK_MONOTONIC, 1);
	case NANOSECONDS:
		times.it_value.tv_nsec = 1000000000;
		return impl->event->timerfd_settime(timer, 0, &times, NULL);
	case NEGATIVE:
		times.it_value.tv_nsec = -1;
		return impl->event->timerfd_settime(timer, 0, &times, NULL);
	case SETTING_FLAG:
		return impl->event->timerfd_settime(timer, 0x100, &times, NULL);
	case NO_TIMER:
		return impl->event->timerfd_settime(handle_fd("p:r"), 0, &times, NULL);
	case CLOSED:
		return impl->event->timerfd_settime(handle_fd("p:w"), 0, &times, NULL);
	case READ_CLOSED:
		return impl->event->timerfd_gettime(handle_fd("p:w"), &times);
	default:
		return impl->fd->read(timer, bytes, sizeof(bytes));
	}
}

static const struct refusal {
	const char *name;
	enum misuse what;
	int error;
} refusals[] = {
	{"unknown-clock", CLOCK, EINVAL},
	{"unknown-flag", FLAG, EINVAL},
	{"a-second-of-nanoseconds", NANOSECONDS, EINVAL},
	{"negative-nanoseconds", NEGATIVE, EINVAL},
	{"unknown-flag-of-setting", SETTING_FLAG, EINVAL},
	{"set-a-pipe", NO_TIMER, EINVAL},
	{"set-closed", CLOSED, EBADF},
	{"ask-closed", READ_CLOSED, EBADF},
	{"read-of-7", SHORT, EINVAL},
};

TEST_EACH(event, timer_errors, refusals)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, event.timer("t", TFD_NONBLOCK));
	does(a, fd.close("p:w"));
	does_fail(a, call(misuse, "t", row->what, 0, 0), row->error);
	does_give(a, event.time_left("t"), 0);
}

/* -- children and signals -----------------------------------------------------------------------
 */

TEST(event, timer_is_inherited)
{
	actor *parent = cast("parent");

	does(parent, event.timer("t", 0));
	does(parent, event.timer("u", TFD_CLOEXEC));
	does_give(parent, fd.cloexec("t"), 0);
	does_give(parent, fd.cloexec("u"), 1);
	actor *child = forks(parent, "child");
	does(parent, event.arm("t", 1, 0));
	does_give(child, event.take("t"), 1);
	does(parent, fd.set_flags("t", O_NONBLOCK));
	does_fail(parent, event.take("t"), EAGAIN);
	does(child, event.arm("t", 9000000, 7000));
	execs(child);
	does(child, event.time_left("t"));
	must(outcome_of(child)->value > 0);
	must_be(outcome_of(child)->n[1], 7000);
	does_give(child, fd.is_open("u"), 0);
}

TEST(event, timer_wait_is_interrupted)
{
	actor *a = cast("alice");

	does(a, event.timer("t", 0));
	actor *other = forks(a, "other");
	does(a, sig.handle(SIGUSR1, 0));
	does(a, sig.handle(SIGUSR2, SA_RESTART));
	begin(a, event.take("t"));
	blocks(a);
	poke(a, SIGUSR2);
	catches(a, SIGUSR2, 1);
	blocks(a);
	poke(a, SIGUSR1);
	fails(a, EINTR);
	does(other, event.arm("t", 1, 0));
	does_give(a, event.take("t"), 1);
}
