/* SPDX-License-Identifier: MIT */
/* Waiting for a signal without a handler. */
#include "stage/story.h"

TEST(sig, waiting_takes_the_signal)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, sig.block(SIGNALS(SIGUSR1)));
	begin(bob, sig.wait(SIGNALS(SIGUSR1)));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	gives(bob, SIGUSR1);
	does_give(bob, sig.pending(), NO_SIGNALS);
	does(bob, sig.unblock(SIGNALS(SIGUSR1)));
	does_give(bob, sig.log(), "");
}

TEST(sig, waiting_takes_what_is_pending)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGUSR1)));
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	does_give(bob, sig.wait(SIGNALS(SIGUSR1)), SIGUSR1);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, waiting_leaves_other_signals)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGUSR1, SIGUSR2)));
	begin(bob, sig.wait_info(SIGNALS(SIGUSR1)));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR2));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	gives(bob, SIGUSR1);
	does_give(bob, sig.pending(), SIGNALS(SIGUSR2));
}

TEST(sig, a_wait_times_out)
{
	actor *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGUSR1)));
	does_fail(bob, sig.timed_wait(SIGNALS(SIGUSR1), 20), EAGAIN);
	must(outcome_of(bob)->n[INFO_US] >= 20000);
	does(bob, sig.raise(SIGUSR1));
	does_give(bob, sig.timed_wait(SIGNALS(SIGUSR1), 20), SIGUSR1);
}

TEST(sig, a_wait_of_no_time_only_looks)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGUSR1)));
	does_fail(bob, sig.timed_wait(SIGNALS(SIGUSR1), 0), EAGAIN);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	does_give(bob, sig.timed_wait(SIGNALS(SIGUSR1), 0), SIGUSR1);
	does_fail(bob, sig.timed_wait(SIGNALS(SIGUSR1), 0), EAGAIN);
}

TEST(sig, a_timed_wait_ends_with_the_signal)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGRTMIN)));
	begin(bob, sig.timed_wait(SIGNALS(SIGRTMIN), 1000000));
	blocks(bob);
	does(alice, sig.queue(pid_of(bob), SIGRTMIN, 42));
	gives(bob, SIGRTMIN);
	must_be(outcome_of(bob)->n[INFO_CODE], SI_QUEUE);
	must_be(outcome_of(bob)->n[INFO_PID], pid_of(alice));
	must_be(outcome_of(bob)->n[INFO_VALUE], 42);
}

TEST(sig, an_impossible_time_is_refused)
{
	actor *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGUSR1)));
	does_fail(bob, sig.timed_wait(SIGNALS(SIGUSR1), -1), EINVAL);
}

static const struct {
	const char *name;
	int flags;
	long milliseconds; /* 0: sigwaitinfo */
} interrupted[] = {
	{"for_ever", 0, 0},
	{"for_ever_restarting", SA_RESTART, 0},
	{"for_a_time", 0, 1000000},
	{"for_a_time_restarting", SA_RESTART, 1000000},
};

TEST_EACH(sig, a_handler_interrupts_sigwaitinfo, interrupted)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	long long set = SIGNALS(SIGUSR1);

	does(bob, sig.handle(SIGUSR2, row->flags));
	does(bob, sig.block(set));
	begin(bob, row->milliseconds ? sig.timed_wait(set, row->milliseconds) : sig.wait_info(set));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR2));
	catches(bob, SIGUSR2, 1);
	/* who waits on instead gets this one */
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	fails(bob, EINTR);
	does_give(bob, sig.pending(), set);
	does_give(bob, sig.log(), "SIGUSR2");
	does_give(bob, sig.mask(), set);
}

TEST(sig, a_wait_for_two_takes_one)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	long long both = SIGNALS(SIGUSR1, SIGUSR2);

	does(bob, sig.block(both));
	does(alice, sig.kill(pid_of(bob), SIGUSR2));
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	does(bob, sig.wait(both));
	long long first = outcome_of(bob)->value;
	must(first == SIGUSR1 || first == SIGUSR2);
	long long second = SIGUSR1 + SIGUSR2 - first;
	does_give(bob, sig.pending(), second);
	does_give(bob, sig.wait(both), second);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, waiting_for_sigkill_is_in_vain)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGUSR1)));
	begin(bob, sig.wait_info(SIGNALS(SIGKILL, SIGSTOP, SIGUSR1)));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGKILL));
	is_killed_by(bob, SIGKILL);
}

TEST(sig, sigwait_leaves_the_rest_of_the_queue)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	long long set = SIGNALS(SIGRTMIN);

	does(bob, sig.block(set));
	for (int i = 1; i <= 3; i++)
		does(alice, sig.queue(pid_of(bob), SIGRTMIN, i));
	does_give(bob, sig.wait(set), SIGRTMIN);
	does_give(bob, sig.pending(), set);
	for (int i = 2; i <= 3; i++) {
		does_give(bob, sig.wait_info(set), SIGRTMIN);
		must_be(outcome_of(bob)->n[INFO_VALUE], i);
	}
	does_give(bob, sig.pending(), NO_SIGNALS);
}

static long long waits_without_info(const char *text, const long long *n)
{
	const struct timespec no_time = {0};
	sigset_t set;

	(void)text, (void)n;
	entry(sig, sigemptyset)(&set);
	entry(sig, sigaddset)(&set, SIGRTMIN);
	must_be(entry(sig, sigtimedwait)(&set, NULL, &no_time), SIGRTMIN);
	return entry(sig, sigwaitinfo)(&set, NULL);
}

TEST(sig, no_information_need_be_asked_for)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGRTMIN)));
	for (int i = 1; i <= 2; i++)
		does(alice, sig.queue(pid_of(bob), SIGRTMIN, i));
	does_give(bob, call(waits_without_info, "", 0, 0, 0), SIGRTMIN);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_handler_may_interrupt_sigwait)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(SIGUSR2, 0));
	does(bob, sig.block(SIGNALS(SIGUSR1)));
	begin(bob, sig.wait(SIGNALS(SIGUSR1)));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR2));
	catches(bob, SIGUSR2, 1);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	returns(bob);
	/* either way the signal is taken or there to be taken */
	if (outcome_of(bob)->error == EINTR)
		does_give(bob, sig.wait(SIGNALS(SIGUSR1)), SIGUSR1);
	else
		must_be(outcome_of(bob)->value, SIGUSR1);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_wait_that_was_stopped_misses_nothing)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	long long set = SIGNALS(SIGRTMIN);

	does(bob, sig.block(set));
	begin(bob, sig.wait(set));
	blocks(bob);
	freeze(bob);
	for (int i = 1; i <= 2; i++)
		does(alice, sig.queue(pid_of(bob), SIGRTMIN, i));
	thaw(bob);
	returns(bob);
	/* being stopped may have ended the wait, but not taken the signal */
	if (outcome_of(bob)->error == EINTR)
		does(bob, sig.wait(set));
	must_be(outcome_of(bob)->value, SIGRTMIN);
	does_give(bob, sig.wait_info(set), SIGRTMIN);
	must_be(outcome_of(bob)->n[INFO_VALUE], 2);
	does_give(bob, sig.pending(), NO_SIGNALS);
}
