/* SPDX-License-Identifier: MIT */
#include "fault/campaign/campaign.h"

/* The signals of these stories wait for it, as they always do where there are no masks. */
static void blocks_signals(actor *a)
{
	if (impl->sig && impl->sig->sigprocmask)
		does(a, sig.block(SIGNALS(SIGRTMIN, SIGUSR2)));
}

/* The reference has a mailbox for it then. */
static void awaits_signals(actor *a)
{
	blocks_signals(a);
	does(a, sig.pending());
}

/* The value of the next that is pending; 0: there is none. */
static long long next_of(actor *a, int signal)
{
	begin(a, sig.timed_wait(SIGNALS(signal), 0));
	returns(a);
	if (outcome_of(a)->value != -1) {
		must_be(outcome_of(a)->value, signal);
		return outcome_of(a)->n[INFO_VALUE];
	}
	must_be(outcome_of(a)->error, EAGAIN);
	return 0;
}

/* One of these was queued by who suffered, and then another by somebody else. */
static void gets_what_was_queued(actor *a, int value, int next)
{
	long long first = next_of(a, SIGRTMIN);

	must(first == value || first == next);
	must(ending() != SUCCEEDED || first == value);
	must(ending() != REFUSED || first == next);
	if (first == value)
		must_be(next_of(a, SIGRTMIN), next);
	must_be(next_of(a, SIGRTMIN), 0);
}

CAMPAIGN(sig, queue, "a signal is queued with its value, behind others, or isn't")
{
	actor *alice = cast("alice"), *bob = cast("bob"), *victim = cast("victim");

	awaits_signals(bob);
	does(alice, sig.queue(pid_of(bob), SIGRTMIN, 6));
	suffers(victim, sig.queue(pid_of(bob), SIGRTMIN, 7));
	does(alice, sig.queue(pid_of(bob), SIGRTMIN, 8));
	must_be(next_of(bob, SIGRTMIN), 6);
	gets_what_was_queued(bob, 7, 8);
}

CAMPAIGN(sig, queue_once, "a signal that doesn't queue pends once, whoever sends it again")
{
	actor *alice = cast("alice"), *bob = cast("bob"), *victim = cast("victim");

	awaits_signals(bob);
	does(alice, sig.queue(pid_of(bob), SIGUSR2, 6));
	suffers(victim, sig.queue(pid_of(bob), SIGUSR2, 7));
	must_be(next_of(bob, SIGUSR2), 6);
	must_be(next_of(bob, SIGUSR2), 0);
	does(alice, sig.queue(pid_of(bob), SIGUSR2, 8));
	must_be(next_of(bob, SIGUSR2), 8);
}

CAMPAIGN(sig, queue_to_waiter, "a signal that is queued wakes who waits for it, or the next does")
{
	actor *alice = cast("alice"), *waiter = cast("waiter"), *victim = cast("victim");

	awaits_signals(waiter);
	begin(waiter, sig.wait_info(SIGNALS(SIGRTMIN)));
	blocks(waiter);
	suffers(victim, sig.queue(pid_of(waiter), SIGRTMIN, 7));
	/* he who waits and isn't woken has nothing to be woken for */
	bool is_queued = ending() == SUCCEEDED || (ending() == DIED && rests(waiter));
	if (!is_queued)
		does(alice, sig.queue(pid_of(waiter), SIGRTMIN, 8));
	succeeds(waiter);
	must_be(outcome_of(waiter)->n[INFO_VALUE], is_queued ? 7 : 8);
	must_be(next_of(waiter, SIGRTMIN), 0);
}

CAMPAIGN(sig, take, "a signal that is taken is taken once, or goes on pending")
{
	actor *alice = cast("alice"), *victim = cast("victim"), *bob = cast("bob");

	awaits_signals(victim);
	does(alice, sig.queue(pid_of(victim), SIGRTMIN, 7));
	does(alice, sig.queue(pid_of(victim), SIGRTMIN, 8));
	suffers(victim, sig.timed_wait(SIGNALS(SIGRTMIN), 0));
	if (ending() == DIED) {
		does_fail(alice, sig.queue(pid_of(victim), SIGRTMIN, 9), ESRCH);
		awaits_signals(bob);
		does(alice, sig.queue(pid_of(bob), SIGRTMIN, 9));
		must_be(next_of(bob, SIGRTMIN), 9);
		return;
	}
	if (ending() == SUCCEEDED)
		must_be(outcome_of(victim)->n[INFO_VALUE], 7);
	else
		must_be(next_of(victim, SIGRTMIN), 7);
	must_be(next_of(victim, SIGRTMIN), 8);
	must_be(next_of(victim, SIGRTMIN), 0);
}

CAMPAIGN(sig, wait, "who waits for a signal gets it, or finds it pending")
{
	actor *alice = cast("alice"), *victim = cast("victim");

	awaits_signals(victim);
	suffers_beside(victim, sig.wait_info(SIGNALS(SIGRTMIN)), alice,
		       sig.queue(pid_of(victim), SIGRTMIN, 7));
	returns(alice);
	if (ending() == DIED)
		return;
	must_be(outcome_of(alice)->value, 0);
	if (ending() == SUCCEEDED)
		must_be(outcome_of(victim)->n[INFO_VALUE], 7);
	else
		must_be(next_of(victim, SIGRTMIN), 7);
	must_be(next_of(victim, SIGRTMIN), 0);
}

/* It can be sent signals, and gets them. */
static void is_reached(actor *a, actor *by)
{
	awaits_signals(a);
	does(by, sig.queue(pid_of(a), SIGRTMIN, 7));
	must_be(next_of(a, SIGRTMIN), 7);
	must_be(next_of(a, SIGRTMIN), 0);
}

CAMPAIGN(sig, pending, "who asks for the first time what is pending can be sent signals then")
{
	actor *alice = cast("alice"), *victim = cast("victim"), *bob = cast("bob");

	blocks_signals(victim);
	suffers(victim, sig.pending());
	if (ending() != DIED)
		is_reached(victim, alice);
	else
		does_fail(alice, sig.queue(pid_of(victim), SIGRTMIN, 7), ESRCH);
	is_reached(bob, alice);
}

CAMPAIGN(sig, queue_to_self, "who sends himself a signal for the first time finds it pending")
{
	actor *victim = cast("victim");

	blocks_signals(victim);
	suffers(victim, sig.queue(pid_of(victim), SIGRTMIN, 7));
	if (ending() == REFUSED)
		does(victim, sig.queue(pid_of(victim), SIGRTMIN, 7));
	if (ending() == DIED)
		return;
	must_be(next_of(victim, SIGRTMIN), 7);
	must_be(next_of(victim, SIGRTMIN), 0);
}

CAMPAIGN(sig, bury, "what a killed process leaves behind is in nobody's way")
{
	actor *dead = cast("dead"), *alice = cast("alice"), *victim = cast("victim");
	actor *bob = cast("bob");

	awaits_signals(dead);
	does(alice, sig.queue(pid_of(dead), SIGRTMIN, 6));
	dies(dead);
	suffers(victim, sig.pending());
	if (ending() != DIED)
		is_reached(victim, alice);
	is_reached(bob, alice);
	does_fail(alice, sig.queue(pid_of(dead), SIGRTMIN, 7), ESRCH);
}

CAMPAIGN(sig, queue_first, "the first signal that is queued to somebody arrives, or the next does")
{
	actor *alice = cast("alice"), *waiter = cast("waiter"), *victim = cast("victim");

	blocks_signals(waiter);
	suffers(victim, sig.queue(pid_of(waiter), SIGRTMIN, 7));
	long long first = next_of(waiter, SIGRTMIN);
	must(ending() == SUCCEEDED ? first == 7
	     : ending() == REFUSED ? first == 0
				   : first == 7 || first == 0);
	does(alice, sig.queue(pid_of(waiter), SIGRTMIN, 8));
	must_be(next_of(waiter, SIGRTMIN), 8);
	must_be(next_of(waiter, SIGRTMIN), 0);
}
