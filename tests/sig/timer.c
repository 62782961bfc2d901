/* SPDX-License-Identifier: MIT */
/* Alarms and timers, as far as they send signals. */
#include <string.h>
#include <time.h>

#include "stage/story.h"

/* Long enough never to expire in a test. */
enum { LONG_S = 100000, SHORT_MS = 10 };

/* -- alarms -------------------------------------------------------------------------------------
 */

static long long sets_alarms(const char *text, const long long *n)
{
	unsigned left;

	(void)text, (void)n;
	entry(sig, alarm)(0);
	must_be(entry(sig, alarm)(LONG_S), 0);
	left = entry(sig, alarm)(2 * LONG_S);
	must(left > LONG_S / 2 && left <= LONG_S);
	left = entry(sig, alarm)(0);
	must(left > LONG_S && left <= 2 * LONG_S);
	must_be(entry(sig, alarm)(0), 0);
	return 0;
}

TEST(sig, a_new_alarm_replaces_the_old_and_tells_its_rest)
{
	actor *alice = cast("alice");

	does(alice, call(sets_alarms, "", 0, 0, 0));
}

static long long waits_for_the_alarm(const char *text, const long long *n)
{
	const struct timespec no_time = {0};
	sigset_t set;
	siginfo_t info;
	struct timespec began, ended;

	(void)text, (void)n;
	entry(sig, sigemptyset)(&set);
	entry(sig, sigaddset)(&set, SIGALRM);
	must_be(entry(sig, sigprocmask)(SIG_BLOCK, &set, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &began);
	/* there is no shorter alarm */
	entry(sig, alarm)(1);
	must_be(entry(sig, sigwaitinfo)(&set, &info), SIGALRM);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	must_be(entry(sig, alarm)(0), 0);
	must_be(entry(sig, sigtimedwait)(&set, &info, &no_time), -1);
	return (ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000;
}

TEST(sig, an_alarm_rings_once)
{
	actor *alice = cast("alice");

	does(alice, call(waits_for_the_alarm, "", 0, 0, 0));
	/* a clock that is set from time to time may stray from one that isn't */
	must(outcome_of(alice)->value >= 990);
}

static long long sets_the_alarm(const char *text, const long long *n)
{
	(void)text;
	entry(sig, alarm)((unsigned)n[0]);
	return 0;
}

static long long found_alarm(const char *text, const long long *n)
{
	(void)text, (void)n;
	return stage_alarm_found();
}

TEST(sig, a_child_inherits_no_alarm)
{
	actor *parent = cast("parent");

	does(parent, call(sets_the_alarm, "", LONG_S, 0, 0));
	actor *child = forks(parent, "child");
	does_give(child, call(found_alarm, "", 0, 0, 0), 0);
}

TEST(sig, an_alarm_survives_exec)
{
	actor *bob = cast("bob");

	does(bob, call(sets_the_alarm, "", LONG_S, 0, 0));
	execs(bob);
	does(bob, call(found_alarm, "", 0, 0, 0));
	must(outcome_of(bob)->value > LONG_S / 2);
	must(outcome_of(bob)->value <= LONG_S);
}

/* -- timers -------------------------------------------------------------------------------------
 */

static sigset_t signals;

/* From now on these are waited for. */
static void block(int signal, int other)
{
	entry(sig, sigemptyset)(&signals);
	entry(sig, sigaddset)(&signals, signal);
	if (other)
		entry(sig, sigaddset)(&signals, other);
	must_be(entry(sig, sigprocmask)(SIG_BLOCK, &signals, NULL), 0);
}

static timer_t make_timer(int signal, int value)
{
	struct sigevent notice = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
	timer_t timer;

	if (!impl->sig->timer_create)
		skip("no timers");
	notice.sigev_value.sival_int = value;
	if (entry(sig, timer_create)(CLOCK_MONOTONIC, &notice, &timer) < 0) {
		/* a timer counts as a queued signal, of which a user may have too many */
		must_be(errno, EAGAIN);
		skip("no timer can be made now");
	}
	return timer;
}

static struct timespec milliseconds(long long ms)
{
	return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

static void arm(timer_t timer, long long first, long long interval)
{
	struct itimerspec value = {.it_value = milliseconds(first),
				   .it_interval = milliseconds(interval)};

	must_be(entry(sig, timer_settime)(timer, 0, &value, NULL), 0);
}

/* Which signal comes within so many milliseconds; 0: none. */
static int comes_within(long long ms, siginfo_t *info)
{
	struct timespec time = milliseconds(ms);
	int signal;

	memset(info, 0xEE, sizeof(*info));
	signal = entry(sig, sigtimedwait)(&signals, info, &time);
	if (signal < 0)
		must_be(errno, EAGAIN);
	return signal < 0 ? 0 : signal;
}

static long long expires_once(const char *text, const long long *n)
{
	struct timespec began, ended;
	siginfo_t info;
	timer_t timer;

	(void)text, (void)n;
	block(SIGRTMIN, 0);
	timer = make_timer(SIGRTMIN, 42);
	clock_gettime(CLOCK_MONOTONIC, &began);
	arm(timer, SHORT_MS, 0);
	must_be(entry(sig, sigwaitinfo)(&signals, &info), SIGRTMIN);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	must((ended.tv_sec - began.tv_sec) * 1000000000LL + ended.tv_nsec - began.tv_nsec >=
	     SHORT_MS * 1000000LL);
	must_be(comes_within(2 * SHORT_MS, &info), 0);
	return entry(sig, timer_delete)(timer);
}

TEST(sig, a_timer_signals_when_it_has_expired)
{
	actor *alice = cast("alice");

	does_give(alice, call(expires_once, "", 0, 0, 0), 0);
}

static long long is_told_of_a_timer(const char *text, const long long *n)
{
	siginfo_t info;
	timer_t timer;

	(void)text;
	block((int)n[0], 0);
	timer = make_timer((int)n[0], (int)n[1]);
	arm(timer, 1, 0);
	memset(&info, 0xEE, sizeof(info));
	must_be(entry(sig, sigwaitinfo)(&signals, &info), n[0]);
	must_be(info.si_signo, n[0]);
	must_be(info.si_code, SI_TIMER);
	must_be(info.si_value.sival_int, n[1]);
	return entry(sig, timer_delete)(timer);
}

TEST(sig, a_timers_signal_tells_its_value)
{
	actor *alice = cast("alice");

	does_give(alice, call(is_told_of_a_timer, "", SIGUSR1, 7, 0), 0);
	does_give(alice, call(is_told_of_a_timer, "", SIGRTMIN, -1, 0), 0);
}

static long long expires_by_default(const char *text, const long long *n)
{
	siginfo_t info;
	timer_t timer;

	(void)text, (void)n;
	entry(sig, alarm)(0);
	block(SIGALRM, 0);
	if (!impl->sig->timer_create)
		skip("no timers");
	must_be(entry(sig, timer_create)(CLOCK_MONOTONIC, NULL, &timer), 0);
	arm(timer, 1, 0);
	must_be(entry(sig, sigwaitinfo)(&signals, &info), SIGALRM);
	must_be(info.si_code, SI_TIMER);
	return entry(sig, timer_delete)(timer);
}

TEST(sig, a_timer_sends_SIGALRM_by_default)
{
	actor *alice = cast("alice");

	does_give(alice, call(expires_by_default, "", 0, 0, 0), 0);
}

static long long expires_again(const char *text, const long long *n)
{
	siginfo_t info;
	timer_t timer;

	(void)text, (void)n;
	block(SIGRTMIN, 0);
	timer = make_timer(SIGRTMIN, 1);
	arm(timer, 1, 1);
	for (int i = 0; i < 5; i++)
		must_be(entry(sig, sigwaitinfo)(&signals, &info), SIGRTMIN);
	return entry(sig, timer_delete)(timer);
}

TEST(sig, a_timer_goes_off_at_every_interval)
{
	actor *alice = cast("alice");

	does_give(alice, call(expires_again, "", 0, 0, 0), 0);
}

/* Two timers: when the second has gone off, the first has done so many times. */
static long long counts_overruns(const char *text, const long long *n)
{
	timer_t often = make_timer(SIGRTMIN, 1), once = make_timer(SIGRTMIN + 1, 2);
	siginfo_t info;

	(void)text, (void)n;
	block(SIGRTMIN, SIGRTMIN + 1);
	arm(often, 1, 1);
	arm(once, 50, 0);
	entry(sig, sigdelset)(&signals, SIGRTMIN);
	must_be(entry(sig, sigwaitinfo)(&signals, &info), SIGRTMIN + 1);
	entry(sig, sigaddset)(&signals, SIGRTMIN);
	must_be(entry(sig, sigwaitinfo)(&signals, &info), SIGRTMIN);
	must_be(entry(sig, timer_delete)(once), 0);
	return entry(sig, timer_getoverrun)(often);
}

TEST(sig, expirations_without_a_signal_are_counted)
{
	actor *alice = cast("alice");

	/* one in a tick of the coarsest clock: the first is told, three more have not been */
	does(alice, call(counts_overruns, "", 0, 0, 0));
	must(outcome_of(alice)->value >= 3);
	must(outcome_of(alice)->value < 1000000);
}

static long long tells_what_is_left(const char *text, const long long *n)
{
	timer_t timer = make_timer(SIGRTMIN, 1);
	struct itimerspec value, old, off = {0};

	(void)text, (void)n;
	memset(&value, 0xEE, sizeof(value));
	must_be(entry(sig, timer_gettime)(timer, &value), 0);
	must_be(value.it_value.tv_sec, 0);
	must_be(value.it_value.tv_nsec, 0);
	arm(timer, LONG_S * 1000LL, 3000);
	must_be(entry(sig, timer_gettime)(timer, &value), 0);
	must(value.it_value.tv_sec > LONG_S / 2 && value.it_value.tv_sec <= LONG_S);
	must_be(value.it_interval.tv_sec, 3);
	must_be(value.it_interval.tv_nsec, 0);
	memset(&old, 0xEE, sizeof(old));
	must_be(entry(sig, timer_settime)(timer, 0, &off, &old), 0);
	must(old.it_value.tv_sec > LONG_S / 2 && old.it_value.tv_sec <= LONG_S);
	must_be(old.it_interval.tv_sec, 3);
	must_be(entry(sig, timer_gettime)(timer, &value), 0);
	must_be(value.it_value.tv_sec, 0);
	must_be(value.it_value.tv_nsec, 0);
	return entry(sig, timer_delete)(timer);
}

TEST(sig, a_timer_tells_what_is_left)
{
	actor *alice = cast("alice");

	does_give(alice, call(tells_what_is_left, "", 0, 0, 0), 0);
}

static long long disarms_a_timer(const char *text, const long long *n)
{
	timer_t timer = make_timer(SIGRTMIN, 1), later = make_timer(SIGRTMIN + 1, 2);
	siginfo_t info;

	(void)text, (void)n;
	block(SIGRTMIN, SIGRTMIN + 1);
	arm(timer, LONG_S * 1000LL, 0);
	/* again, sooner; then not at all */
	arm(timer, 2 * SHORT_MS, 0);
	arm(timer, 0, SHORT_MS);
	/* on a busy machine it may have expired before it was disarmed */
	comes_within(0, &info);
	arm(later, 3 * SHORT_MS, 0);
	must_be(entry(sig, sigwaitinfo)(&signals, &info), SIGRTMIN + 1);
	must_be(comes_within(0, &info), 0);
	return 0;
}

TEST(sig, a_disarmed_timer_is_silent)
{
	actor *alice = cast("alice");

	does(alice, call(disarms_a_timer, "", 0, 0, 0));
}

static long long expires_in_the_past(const char *text, const long long *n)
{
	timer_t timer = make_timer(SIGRTMIN, 1);
	struct itimerspec past = {.it_value = {.tv_nsec = 1}};
	siginfo_t info;

	(void)text, (void)n;
	block(SIGRTMIN, 0);
	must_be(entry(sig, timer_settime)(timer, TIMER_ABSTIME, &past, NULL), 0);
	must_be(entry(sig, sigwaitinfo)(&signals, &info), SIGRTMIN);
	must_be(comes_within(0, &info), 0);
	return entry(sig, timer_delete)(timer);
}

TEST(sig, a_time_in_the_past_has_expired)
{
	actor *alice = cast("alice");

	does_give(alice, call(expires_in_the_past, "", 0, 0, 0), 0);
}

/* n: nanoseconds, in the value or in the interval. */
static long long is_refused_a_time(const char *text, const long long *n)
{
	timer_t timer = make_timer(SIGRTMIN, 1);
	struct itimerspec value = {.it_value = {.tv_sec = LONG_S}};

	(void)text;
	value.it_value.tv_nsec = (long)n[0];
	must_be(entry(sig, timer_settime)(timer, 0, &value, NULL), -1);
	must_be(errno, EINVAL);
	must_be(entry(sig, timer_gettime)(timer, &value), 0);
	must_be(value.it_value.tv_sec, 0);
	return entry(sig, timer_delete)(timer);
}

TEST(sig, a_timer_refuses_what_is_no_time)
{
	actor *alice = cast("alice");

	does_give(alice, call(is_refused_a_time, "", -1, 0, 0), 0);
	does_give(alice, call(is_refused_a_time, "", 1000000000, 0, 0), 0);
}

static long long asks_for_no_clock(const char *text, const long long *n)
{
	timer_t timer;

	(void)text, (void)n;
	if (!impl->sig->timer_create)
		skip("no timers");
	must_be(entry(sig, timer_create)((clockid_t)4711, NULL, &timer), -1);
	return errno;
}

TEST(sig, a_timer_needs_a_clock)
{
	actor *alice = cast("alice");

	does_give(alice, call(asks_for_no_clock, "", 0, 0, 0), EINVAL);
}

/* -- whose they are -----------------------------------------------------------------------------
 */

/* A timer that goes off again and again; and another's whole time without it. */
static long long ticks_for_ever(const char *text, const long long *n)
{
	(void)text, (void)n;
	block(SIGRTMIN, 0);
	arm(make_timer(SIGRTMIN, 1), SHORT_MS, SHORT_MS);
	return 0;
}

static long long waits_for_the_tick(const char *text, const long long *n)
{
	siginfo_t info;

	(void)text, (void)n;
	return entry(sig, sigwaitinfo)(&signals, &info);
}

static long long hears_no_tick(const char *text, const long long *n)
{
	timer_t own = make_timer(SIGRTMIN + 1, 2);
	siginfo_t info;

	(void)text, (void)n;
	block(SIGRTMIN, SIGRTMIN + 1);
	/* what was sent before is no matter */
	while (comes_within(0, &info))
		;
	arm(own, 3 * SHORT_MS, 0);
	return entry(sig, sigwaitinfo)(&signals, &info);
}

TEST(sig, a_child_inherits_no_timer)
{
	actor *parent = cast("parent");

	does(parent, call(ticks_for_ever, "", 0, 0, 0));
	actor *child = forks(parent, "child");
	does_give(child, call(hears_no_tick, "", 0, 0, 0), SIGRTMIN + 1);
	does_give(parent, call(waits_for_the_tick, "", 0, 0, 0), SIGRTMIN);
}

TEST(sig, a_new_program_has_no_timers)
{
	actor *bob = cast("bob");

	does(bob, call(ticks_for_ever, "", 0, 0, 0));
	execs(bob);
	does_give(bob, call(hears_no_tick, "", 0, 0, 0), SIGRTMIN + 1);
}

/* -- many ---------------------------------------------------------------------------------------
 */

enum { SENT = 200 };

/* The shared words: how many have come, and how often the timer went off. */
static void counts(int signal)
{
	shared()[signal == SIGUSR2]++;
}

static long long is_ready_for_a_storm(const char *text, const long long *n)
{
	struct sigaction action = {.sa_handler = counts, .sa_flags = SA_RESTART};

	(void)text, (void)n;
	entry(sig, sigemptyset)(&action.sa_mask);
	must_be(entry(sig, sigaction)(SIGUSR2, &action, NULL), 0);
	must_be(entry(sig, sigaction)(SIGRTMIN, &action, NULL), 0);
	arm(make_timer(SIGUSR2, 0), 2, 2);
	return 0;
}

static long long sends_all(const char *text, const long long *n)
{
	const union sigval value = {0};

	(void)text;
	for (int i = 0; i < SENT; i++)
		/* other processes of this user may have filled the queue, for a while */
		while (entry(sig, sigqueue)((pid_t)n[0], SIGRTMIN, value) < 0)
			must_be(errno, EAGAIN);
	return 0;
}

TEST(sig, no_signal_is_lost_to_a_timer)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, call(is_ready_for_a_storm, "", 0, 0, 0));
	does(alice, call(sends_all, "", pid_of(bob), 0, 0));
	awaits(&shared()[0], SENT);
	awaits(&shared()[1], 3);
	does_give(bob, sig.pending(), NO_SIGNALS);
	must_be(shared()[0], SENT);
}
