/* SPDX-License-Identifier: MIT */
/* How many of the same signal arrive, and in which order. */
#include "stage/story.h"

/* All that the tests here send. */
#define RT0 SIGRTMIN
#define RT1 (SIGRTMIN + 1)
#define RT2 (SIGRTMIN + 2)

TEST(sig, standard_signals_merge)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, sig.block(SIGNALS(SIGUSR1)));
	for (int i = 0; i < 3; i++)
		does(alice, sig.kill(pid_of(bob), SIGUSR1));
	does(bob, sig.unblock(SIGNALS(SIGUSR1)));
	does_give(bob, sig.log(), "SIGUSR1");
}

TEST(sig, the_first_of_merged_signals_is_told)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(carol, sig.block(SIGNALS(SIGUSR1)));
	does(alice, sig.queue(pid_of(carol), SIGUSR1, 1));
	does(bob, sig.queue(pid_of(carol), SIGUSR1, 2));
	does_give(carol, sig.wait_info(SIGNALS(SIGUSR1)), SIGUSR1);
	must_be(outcome_of(carol)->n[INFO_VALUE], 1);
	must_be(outcome_of(carol)->n[INFO_PID], pid_of(alice));
	does_give(carol, sig.pending(), NO_SIGNALS);
}

TEST(sig, real_time_signals_queue)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(RT0, SA_SIGINFO));
	does(bob, sig.block(SIGNALS(RT0)));
	for (int i = 1; i <= 4; i++)
		does(alice, sig.queue(pid_of(bob), RT0, i));
	does_give(bob, sig.log(), "");
	does(bob, sig.unblock(SIGNALS(RT0)));
	catches(bob, RT0, 4);
	does_give(bob, sig.log(), "RT0:1 RT0:2 RT0:3 RT0:4");
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, the_lowest_real_time_signal_is_first)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	long long all = SIGNALS(RT0, RT1, RT2);

	/* a handler that lets no other in: else the last to be delivered is the first to run */
	for (int s = RT0; s <= RT2; s++)
		does(bob, sig.handle_masking(s, SA_SIGINFO, all));
	does(bob, sig.block(all));
	does(alice, sig.queue(pid_of(bob), RT2, 1));
	does(alice, sig.queue(pid_of(bob), RT1, 2));
	does(alice, sig.queue(pid_of(bob), RT0, 3));
	does(alice, sig.queue(pid_of(bob), RT1, 4));
	does(alice, sig.queue(pid_of(bob), RT0, 5));
	does(bob, sig.unblock(all));
	catches(bob, RT2, 1);
	does_give(bob, sig.log(), "RT0:3 RT0:5 RT1:2 RT1:4 RT2:1");
}

static void takes(actor *a, long long set, int signal, int value)
{
	does_give(a, sig.wait_info(set), signal);
	must_be(outcome_of(a)->n[INFO_VALUE], value);
}

TEST(sig, who_waits_gets_the_lowest_first)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	long long all = SIGNALS(RT0, RT1, RT2);

	does(bob, sig.block(all));
	does(alice, sig.queue(pid_of(bob), RT2, 1));
	does(alice, sig.queue(pid_of(bob), RT1, 2));
	does(alice, sig.queue(pid_of(bob), RT0, 3));
	does(alice, sig.queue(pid_of(bob), RT1, 4));
	takes(bob, SIGNALS(RT1, RT2), RT1, 2);
	takes(bob, all, RT0, 3);
	takes(bob, all, RT1, 4);
	takes(bob, all, RT2, 1);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, one_is_taken_at_a_time)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(RT0)));
	for (int i = 1; i <= 3; i++)
		does(alice, sig.queue(pid_of(bob), RT0, i));
	for (int i = 1; i <= 3; i++) {
		does_give(bob, sig.pending(), SIGNALS(RT0));
		takes(bob, SIGNALS(RT0), RT0, i);
	}
	does_give(bob, sig.pending(), NO_SIGNALS);
	does_fail(bob, sig.timed_wait(SIGNALS(RT0), 0), EAGAIN);
}

TEST(sig, kill_queues_real_time_signals)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(RT0, 0));
	does(bob, sig.block(SIGNALS(RT0)));
	for (int i = 0; i < 3; i++)
		does(alice, sig.kill(pid_of(bob), RT0));
	does(bob, sig.unblock(SIGNALS(RT0)));
	catches(bob, RT0, 3);
	does_give(bob, sig.log(), "RT0 RT0 RT0");
}

TEST(sig, standard_signals_go_first)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	long long both = SIGNALS(SIGUSR1, RT0);

	does(bob, sig.block(both));
	does(alice, sig.queue(pid_of(bob), RT0, 1));
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	does_give(bob, sig.wait(both), SIGUSR1);
	does_give(bob, sig.wait(both), RT0);
}

/* -- many ---------------------------------------------------------------------------------------
 */

TEST(sig, the_least_queue_is_long_enough)
{
	enum { LEAST = 32 };
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(RT0)));
	for (int i = 1; i <= LEAST; i++)
		does(alice, sig.queue(pid_of(bob), RT0, i));
	for (int i = 1; i <= LEAST; i++)
		takes(bob, SIGNALS(RT0), RT0, i);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, there_are_enough_real_time_signals)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	must(SIGRTMAX - SIGRTMIN + 1 >= 8);
	does(bob, sig.block(ALL_SIGNALS));
	for (int s = SIGRTMIN; s <= SIGRTMAX; s++)
		does(alice, sig.queue(pid_of(bob), s, s));
	for (int s = SIGRTMIN; s <= SIGRTMAX; s++)
		takes(bob, ALL_SIGNALS, s, s);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

enum { MANY = 500 };

/*
 * What is pending counts for all processes of a user: a limit far below the usual one leaves room
 * for others, such as further runs of this.  Where there's none, or it is lower, nothing is lost.
 */
static void leaves_room(actor *receiver, long count)
{
	begin(receiver, sig.limit_pending(count));
	returns(receiver);
}

static void limits(actor *receiver, long count)
{
	begin(receiver, sig.limit_pending(count));
	returns(receiver);
	if (outcome_of(receiver)->error == EPERM)
		skip("how many signals may be pending can't be limited here");
	must_be(outcome_of(receiver)->value, 0);
}

enum { TRIES = 2000000 };

/* n: receiver, which signal of the real-time ones. */
static long long queues_many(const char *text, const long long *n)
{
	union sigval value = {0};
	long tries = 0;

	(void)text;
	for (int i = 1; i <= MANY; tries++) {
		value.sival_int = i;
		if (entry(sig, sigqueue)((pid_t)n[0], SIGRTMIN + (int)n[1], value) == 0) {
			i++;
			tries = 0;
			continue;
		}
		must_be(errno, EAGAIN);
		if (tries == TRIES)
			skip("other processes of this user have too many signals pending");
	}
	return 0;
}

/* n: how many senders, each with a signal of its own. */
static long long takes_many(const char *text, const long long *n)
{
	int last[2] = {0, 0};
	siginfo_t info;
	sigset_t set;

	(void)text;
	entry(sig, sigemptyset)(&set);
	for (int i = 0; i < n[0]; i++)
		entry(sig, sigaddset)(&set, SIGRTMIN + i);
	for (int i = 0; i < MANY * n[0]; i++) {
		int s = entry(sig, sigwaitinfo)(&set, &info);

		must(s >= SIGRTMIN && s < SIGRTMIN + n[0]);
		must_be(info.si_value.sival_int, ++last[s - SIGRTMIN]);
	}
	must_be(last[0], MANY);
	return 0;
}

static void passes_many(actor *sender, actor *receiver)
{
	begin(receiver, call(takes_many, "", 1, 0, 0));
	begin(sender, call(queues_many, "", pid_of(receiver), 0, 0));
	succeeds(sender);
	succeeds(receiver);
	does_give(receiver, sig.pending(), NO_SIGNALS);
}

TEST(sig, no_queued_signal_is_lost)
{
	actor *sender = cast("sender"), *receiver = cast("receiver");

	does(receiver, sig.block(SIGNALS(RT0)));
	leaves_room(receiver, 4096);
	passes_many(sender, receiver);
}

/* Whatever has become of the place of the one that was taken. */
TEST_VARIANT(sig, no_queued_signal_is_lost, when_some_are_taken_in_between)
{
	actor *sender = cast("sender"), *receiver = cast("receiver");

	does(receiver, sig.block(SIGNALS(RT0)));
	for (int i = 1; i <= 3; i++)
		does(sender, sig.queue(pid_of(receiver), RT0, i));
	for (int i = 1; i <= 5; i++) {
		does_give(receiver, sig.wait_info(SIGNALS(RT0)), RT0);
		must_be(outcome_of(receiver)->n[INFO_VALUE], i);
		if (i < 3)
			does(sender, sig.queue(pid_of(receiver), RT0, 3 + i));
	}
	does_fail(receiver, sig.timed_wait(SIGNALS(RT0), 0), EAGAIN);
}

TEST_VARIANT(sig, no_queued_signal_is_lost, though_it_is_full_at_times)
{
	actor *sender = cast("sender"), *receiver = cast("receiver");

	does(receiver, sig.block(SIGNALS(RT0)));
	limits(receiver, 64);
	passes_many(sender, receiver);
}

TEST(sig, signals_of_two_senders_are_all_taken)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(carol, sig.block(SIGNALS(RT0, RT1)));
	leaves_room(carol, 4096);
	begin(carol, call(takes_many, "", 2, 0, 0));
	begin(alice, call(queues_many, "", pid_of(carol), 0, 0));
	begin(bob, call(queues_many, "", pid_of(carol), 1, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
	does_give(carol, sig.pending(), NO_SIGNALS);
}

/* -- too many ------------------------------------------------------------------------------------
 */

TEST(sig, a_full_queue_refuses)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(RT0, RT1)));
	for (int i = 1; i <= 3; i++)
		does(alice, sig.queue(pid_of(bob), RT0, i));
	/* full whatever else this user's processes have pending, and whatever they take meanwhile
	 */
	limits(bob, 0);
	does_fail(alice, sig.queue(pid_of(bob), RT0, 4), EAGAIN);
	does_fail(alice, sig.queue(pid_of(bob), RT1, 5), EAGAIN);
	does_give(bob, sig.pending(), SIGNALS(RT0));
	for (int i = 1; i <= 3; i++)
		takes(bob, SIGNALS(RT0), RT0, i);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, the_limit_is_the_receivers)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sig.block(SIGNALS(RT0)));
	does(bob, sig.block(SIGNALS(RT0)));
	limits(bob, 0);
	does_fail(alice, sig.queue(pid_of(bob), RT0, 1), EAGAIN);
	does(bob, sig.queue(pid_of(alice), RT0, 1));
	does_give(bob, sig.pending(), NO_SIGNALS);
	does_give(alice, sig.pending(), SIGNALS(RT0));
}

TEST(sig, kill_gets_through_to_a_full_queue)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(RT0, SIGUSR1)));
	limits(bob, 0);
	does_fail(alice, sig.queue(pid_of(bob), RT0, 1), EAGAIN);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	does_give(bob, sig.wait(SIGNALS(SIGUSR1)), SIGUSR1);
	does(alice, sig.kill(pid_of(bob), SIGKILL));
	is_killed_by(bob, SIGKILL);
}
