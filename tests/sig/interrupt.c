/* SPDX-License-Identifier: MIT */
/* What a signal interrupts, and what goes on. */
#include <limits.h>
#include <poll.h>

#include "stage/story.h"

enum { LONG_MS = 1000000 };

/* Somebody who blocks in one of these, and somebody who can end that. */
enum what { READS, WAITS_FOR_A_CHILD, WAITS_BY_ID, WAITS_FOR_ANY };

static actor *sleeper, *other, *child;

static void cast_sleeper(int flags)
{
	sleeper = cast("sleeper");
	does(sleeper, pipes.make("p"));
	does(sleeper, sig.handle(SIGUSR1, flags));
	other = forks(sleeper, "other");
	child = forks(sleeper, "child");
}

static void falls_asleep(enum what what)
{
	const op sleeps[] = {
		[READS] = fd.read("p:r", 10),
		[WAITS_FOR_A_CHILD] = sig.reap(pid_of(child), 0),
		[WAITS_BY_ID] = sig.reap_id(P_PID, pid_of(child), WEXITED),
		[WAITS_FOR_ANY] = sig.reap_any(),
	};

	begin(sleeper, sleeps[what]);
	blocks(sleeper);
}

/* What is waited for comes at last. */
static void is_ended(enum what what)
{
	if (what == READS) {
		does(other, fd.write("p:w", "bell"));
		gives(sleeper, "bell");
	} else {
		exits(child, 3);
		gives(sleeper, "exited 3");
	}
}

static const struct {
	const char *name;
	enum what what;
} ways_to_sleep[] = {{"read", READS},
		     {"waitpid", WAITS_FOR_A_CHILD},
		     {"waitid", WAITS_BY_ID},
		     {"wait", WAITS_FOR_ANY}};

TEST_EACH(sig, a_handler_interrupts, ways_to_sleep)
{
	cast_sleeper(0);
	falls_asleep(row->what);
	does(other, sig.kill(pid_of(sleeper), SIGUSR1));
	fails(sleeper, EINTR);
	does_give(sleeper, sig.log(), "SIGUSR1");
	falls_asleep(row->what);
	is_ended(row->what);
}

TEST_EACH(sig, restart_goes_on_waiting, ways_to_sleep)
{
	cast_sleeper(SA_RESTART);
	falls_asleep(row->what);
	for (unsigned i = 1; i <= 2; i++) {
		does(other, sig.kill(pid_of(sleeper), SIGUSR1));
		catches(sleeper, SIGUSR1, i);
		blocks(sleeper);
	}
	is_ended(row->what);
}

TEST_EACH(sig, what_is_not_caught_does_not_interrupt, ways_to_sleep)
{
	cast_sleeper(0);
	does(sleeper, sig.block(SIGNALS(SIGUSR1)));
	does(sleeper, sig.ignore(SIGUSR2));
	falls_asleep(row->what);
	does(other, sig.kill(pid_of(sleeper), SIGUSR1));
	does(other, sig.kill(pid_of(sleeper), SIGUSR2));
	does(other, sig.kill(pid_of(sleeper), SIGURG));
	blocks(sleeper);
	is_ended(row->what);
	does_give(sleeper, sig.pending(), SIGNALS(SIGUSR1));
}

TEST_EACH(sig, stopping_does_not_interrupt, ways_to_sleep)
{
	cast_sleeper(0);
	falls_asleep(row->what);
	freeze(sleeper);
	thaw(sleeper);
	blocks(sleeper);
	is_ended(row->what);
}

static const struct {
	const char *name;
	int flags;
} ways[] = {{"plain", 0}, {"restarting", SA_RESTART}};

TEST_EACH(sig, sleep_is_interrupted_always, ways)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(SIGUSR1, row->flags));
	begin(bob, sig.sleep(LONG_MS));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	fails(bob, EINTR);
	long long left = outcome_of(bob)->n[0];
	must(left > 0);
	must(left <= LONG_MS);
	/* what is left and what has gone by is no less than all of it, but for the rounding */
	must(left + outcome_of(bob)->n[INFO_US] / 1000 + 2 >= LONG_MS);
}

TEST_EACH(sig, poll_is_interrupted_always, ways)
{
	cast_sleeper(row->flags);
	begin(sleeper, fd.poll("p:r", POLLIN, -1));
	blocks(sleeper);
	does(other, sig.kill(pid_of(sleeper), SIGUSR1));
	catches(sleeper, SIGUSR1, 1);
	/* who waits on instead finds this */
	does(other, fd.write("p:w", "x"));
	fails(sleeper, EINTR);
}

TEST(sig, a_storm_of_signals_restarts_each_time)
{
	enum { STORM = 100 };
	cast_sleeper(SA_RESTART);
	does(sleeper, sig.handle(SIGRTMIN, SA_RESTART | SA_SIGINFO));
	falls_asleep(READS);
	for (int i = 0; i < STORM; i++)
		does(other, sig.queue(pid_of(sleeper), SIGRTMIN, i));
	catches(sleeper, SIGRTMIN, STORM);
	blocks(sleeper);
	is_ended(READS);
	must_be(caught(sleeper, SIGRTMIN), STORM);
}
