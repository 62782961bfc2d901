/* SPDX-License-Identifier: MIT */
/* poll, select, epoll_wait and their kin as calls: arguments, times, signals. */
#include <string.h>

#include "stage/story.h"

TEST(event, poll_tells_each_of_many)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, event.counter("c", 1, 0));
	does(a, fd.write("p:w", "x"));
	does(a, fd.close("q:w"));
	does_give(a, event.poll("p:r IN, p:w OUT, q:r IN, c IN", 0),
		  "c IN, p:r IN, p:w OUT, q:r HUP");
	does_give(a, event.take("c"), 1);
	does_give(a, fd.read("p:r", 1), "x");
	does_give(a, event.poll("p:r IN, p:w OUT, q:r IN, c IN OUT", -1),
		  "c OUT, p:w OUT, q:r HUP");
	does_give(a, event.poll("p:r IN, p:r IN", 0), "");
	does(a, fd.write("p:w", "x"));
	does_give(a, event.poll("p:r IN, p:r, p:r IN OUT", 0), "p:r IN, p:r IN");
}

static long long poll_negative(const char *text, const long long *n)
{
	struct pollfd polled[3] = {{handle_fd("p:r"), POLLIN, -1},
				   {-1, POLLIN | POLLOUT, -1},
				   {-handle_fd("p:r"), POLLIN, -1}};

	(void)text;
	(void)n;
	must_be(impl->fd->poll(polled, 3, 0), 1);
	must_be(polled[0].revents, POLLIN);
	must_be(polled[1].revents, 0);
	must_be(polled[2].revents, 0);
	return 0;
}

static long long poll_and_compare(const char *text, const long long *n)
{
	struct pollfd polled[3] = {{handle_fd("p:r"), POLLIN, 0x7777},
				   {handle_fd("p:w"), POLLIN, 0x7777},
				   {-1, POLLIN | POLLOUT, 0x7777}};

	(void)text;
	(void)n;
	must_be(impl->fd->poll(polled, 3, 0), 1);
	must(polled[0].fd == handle_fd("p:r") && polled[0].events == POLLIN);
	must(polled[1].fd == handle_fd("p:w") && polled[1].events == POLLIN);
	must(polled[2].fd == -1 && polled[2].events == (POLLIN | POLLOUT));
	return 0;
}

TEST(event, poll_leaves_what_was_asked)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	does(a, call(poll_and_compare, NULL, 0, 0, 0));
}

TEST(event, poll_skips_negative_descriptors)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	does(a, call(poll_negative, NULL, 0, 0, 0));
}

TEST(event, poll_tells_closed_descriptors)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, fd.close("q:r"));
	does_give(a, event.poll("p:r IN, q:r", -1), "q:r NVAL");
	does(a, fd.write("p:w", "x"));
	does_give(a, event.poll("p:r IN, q:r IN OUT", -1), "p:r IN, q:r NVAL");
}

TEST(event, select_refuses_closed_descriptors)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.close("p:r"));
	does_fail(a, event.select("p:r", POLLIN, 0), EBADF);
	does_fail(a, event.select("p:r", POLLOUT, -1), EBADF);
}

static const struct argument {
	const char *name;
	long long count, seconds, microseconds;
} arguments[] = {
	{"negative-count", -1, 0, 0},
	{"negative-time", 0, -1, 0},
	{"a-second-of-nanoseconds", 0, 0, 1000000},
};

static long long select_with(const char *text, const long long *n)
{
	struct timespec time = {.tv_sec = (time_t)n[1], .tv_nsec = (long)n[2] * 1000};

	(void)text;
	return impl->event->pselect((int)n[0], NULL, NULL, NULL, &time, NULL);
}

TEST_EACH(event, select_refuses_bad_arguments, arguments)
{
	actor *a = cast("alice");

	does_fail(a, call(select_with, NULL, row->count, row->seconds, row->microseconds), EINVAL);
}

/* -- all of them alike --------------------------------------------------------------------------
 */

enum call { POLL, PPOLL, SELECT, PSELECT, EPOLL_WAIT, EPOLL_PWAIT };

static const struct waiting {
	const char *name;
	enum call call;
} waitings[] = {
	{"poll", POLL},	      {"ppoll", PPOLL},		  {"select", SELECT},
	{"pselect", PSELECT}, {"epoll_wait", EPOLL_WAIT}, {"epoll_pwait", EPOLL_PWAIT},
};

static const struct waiting pauses[] = {
	{"poll", POLL}, {"ppoll", PPOLL}, {"select", SELECT}, {"pselect", PSELECT}};

static const struct waiting masking[] = {
	{"ppoll", PPOLL}, {"pselect", PSELECT}, {"epoll_pwait", EPOLL_PWAIT}};

/* Waits for nothing, or for p:r to have data, so many milliseconds (-1: for ever). */
static long long wait_by(enum call call, int watched, long long milliseconds, const sigset_t *mask)
{
	struct pollfd polled = {.fd = watched, .events = POLLIN};
	nfds_t count = watched >= 0;
	long long ms = milliseconds < 0 ? 0 : milliseconds;
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	struct timeval coarse = {.tv_sec = ms / 1000, .tv_usec = (long)(ms % 1000) * 1000};
	struct epoll_event events[4];
	fd_set set;

	FD_ZERO(&set);
	if (watched >= 0)
		FD_SET(watched, &set);
	switch (call) {
	case POLL:
		return impl->fd->poll(&polled, count, (int)milliseconds);
	case PPOLL:
		return impl->event->ppoll(&polled, count, milliseconds < 0 ? NULL : &time, mask);
	case SELECT:
		return impl->event->select(watched + 1, &set, NULL, NULL,
					   milliseconds < 0 ? NULL : &coarse);
	case PSELECT:
		return impl->event->pselect(watched + 1, &set, NULL, NULL,
					    milliseconds < 0 ? NULL : &time, mask);
	case EPOLL_WAIT:
		return impl->event->epoll_wait(handle_fd("e"), events, 4, (int)milliseconds);
	default:
		return impl->event->epoll_pwait(handle_fd("e"), events, 4, (int)milliseconds, mask);
	}
}

/* Something that can be waited for by this call, and isn't ready. */
static void make_idle(actor *a, enum call call)
{
	does(a, pipes.make("p"));
	if (call != EPOLL_WAIT && call != EPOLL_PWAIT)
		return;
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN));
}

static long long microseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* n: the call, milliseconds, and whether to wait for p:r. */
static long long wait_its_time(const char *text, const long long *n)
{
	long long began = microseconds_now();

	(void)text;
	must_be(wait_by((enum call)n[0], n[2] ? handle_fd("p:r") : -1, n[1], NULL), 0);
	must(microseconds_now() - began >= n[1] * 1000);
	return 0;
}

TEST_EACH(event, waiting_lasts_its_time, waitings)
{
	actor *a = cast("alice");

	make_idle(a, row->call);
	does(a, call(wait_its_time, NULL, row->call, 15, 1));
}

/* Of a time that is told in seconds and parts of them both count. */
TEST_VARIANT(event, waiting_lasts_its_time, whole_seconds)
{
	enum { WAYS = 3 };
	static const enum call calls[WAYS] = {PPOLL, SELECT, PSELECT};
	actor *a = cast("alice"), *waiters[WAYS];

	make_idle(a, PSELECT);
	for (size_t i = 0; i < WAYS; i++) {
		waiters[i] = forks(a, "waiter");
		begin(waiters[i], call(wait_its_time, NULL, calls[i], 1001, 1));
	}
	for (size_t i = 0; i < WAYS; i++)
		succeeds(waiters[i]);
}

TEST_EACH(event, zero_time_does_not_wait, waitings)
{
	actor *a = cast("alice");

	make_idle(a, row->call);
	does(a, call(wait_its_time, NULL, row->call, 0, 1));
}

TEST_EACH(event, nothing_to_wait_for_is_a_pause, pauses)
{
	actor *a = cast("alice");

	does(a, call(wait_its_time, NULL, row->call, 15, 0));
}

static long long wait_for_ever(const char *text, const long long *n)
{
	(void)text;
	return wait_by((enum call)n[0], handle_fd("p:r"), -1, NULL);
}

static void interrupt(const struct waiting *row, int flags)
{
	actor *a = cast("alice");

	make_idle(a, row->call);
	does(a, sig.handle(SIGUSR1, flags));
	begin(a, call(wait_for_ever, NULL, row->call, 0, 0));
	blocks(a);
	poke(a, SIGUSR1);
	fails(a, EINTR);
	must_be(caught(a, SIGUSR1), 1);
	does(a, fd.write("p:w", "x"));
	does_give(a, call(wait_for_ever, NULL, row->call, 0, 0), 1);
}

TEST_EACH(event, wait_is_interrupted, waitings)
{
	interrupt(row, 0);
}

TEST_EACH(event, wait_is_never_restarted, waitings)
{
	interrupt(row, SA_RESTART);
}

/* SIGUSR1 is held back outside the call; n: the call, and whether to let it in within. */
static long long wait_with_mask(const char *text, const long long *n)
{
	sigset_t held, within, now;
	int watched = handle_fd("p:r");

	(void)text;
	impl->sig->sigemptyset(&held);
	impl->sig->sigaddset(&held, SIGUSR1);
	must_be(impl->sig->sigprocmask(SIG_SETMASK, &held, NULL), 0);
	if (n[1]) {
		must_be(impl->sig->raise(SIGUSR1), 0);
		impl->sig->sigemptyset(&within);
	} else {
		within = held;
		must_be(impl->sig->sigprocmask(SIG_UNBLOCK, &held, NULL), 0);
	}
	long long result = wait_by((enum call)n[0], watched, -1, &within);
	int error = errno;
	must_be(impl->sig->sigprocmask(SIG_SETMASK, NULL, &now), 0);
	must_be(impl->sig->sigismember(&now, SIGUSR1), n[1] != 0);
	errno = error;
	return result;
}

TEST_EACH(event, mask_holds_for_the_wait, masking)
{
	actor *a = cast("alice");

	make_idle(a, row->call);
	does(a, sig.handle(SIGUSR1, 0));
	does_fail(a, call(wait_with_mask, NULL, row->call, 1, 0), EINTR);
	must_be(caught(a, SIGUSR1), 1);
}

TEST_EACH(event, masked_signal_waits_for_the_end, masking)
{
	actor *a = cast("alice");

	make_idle(a, row->call);
	actor *writer = forks(a, "writer");
	does(a, sig.handle(SIGUSR1, 0));
	begin(a, call(wait_with_mask, NULL, row->call, 0, 0));
	blocks(a);
	poke(a, SIGUSR1);
	blocks(a);
	must_be(caught(a, SIGUSR1), 0);
	does(writer, fd.write("p:w", "x"));
	gives(a, 1);
	catches(a, SIGUSR1, 1);
}

/* SIGUSR1 is held back by the caller, who gives no mask. */
static long long wait_without_mask(const char *text, const long long *n)
{
	sigset_t held, now;

	(void)text;
	impl->sig->sigemptyset(&held);
	impl->sig->sigaddset(&held, SIGUSR1);
	must_be(impl->sig->sigprocmask(SIG_BLOCK, &held, NULL), 0);
	long long result = wait_by((enum call)n[0], handle_fd("p:r"), -1, NULL);
	must_be(impl->sig->sigprocmask(SIG_SETMASK, NULL, &now), 0);
	must_be(impl->sig->sigismember(&now, SIGUSR1), 1);
	return result;
}

TEST_EACH(event, no_mask_leaves_the_mask, masking)
{
	actor *a = cast("alice");

	make_idle(a, row->call);
	actor *writer = forks(a, "writer");
	does(a, sig.handle(SIGUSR1, 0));
	begin(a, call(wait_without_mask, NULL, row->call, 0, 0));
	blocks(a);
	poke(a, SIGUSR1);
	blocks(a);
	does(writer, fd.write("p:w", "x"));
	gives(a, 1);
	must_be(caught(a, SIGUSR1), 0);
}
