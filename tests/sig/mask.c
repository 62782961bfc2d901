/* SPDX-License-Identifier: MIT */
/* Masks: what is held back, for how long, and what comes of it. */
#include "stage/story.h"

TEST(sig, a_blocked_signal_is_pending)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGUSR1, SIGUSR2, SIGRTMIN)));
	does_give(bob, sig.pending(), NO_SIGNALS);
	does(alice, sig.kill(pid_of(bob), SIGUSR2));
	does_give(bob, sig.pending(), SIGNALS(SIGUSR2));
	does(alice, sig.kill(pid_of(bob), SIGRTMIN));
	does_give(bob, sig.pending(), SIGNALS(SIGUSR2, SIGRTMIN));
	does_give(alice, sig.pending(), NO_SIGNALS);
}

TEST(sig, blocking_adds)
{
	actor *alice = cast("alice");

	does_give(alice, sig.mask(), NO_SIGNALS);
	does(alice, sig.block(SIGNALS(SIGUSR1)));
	does(alice, sig.block(SIGNALS(SIGUSR2, SIGTERM)));
	does_give(alice, sig.mask(), SIGNALS(SIGUSR1, SIGUSR2, SIGTERM));
	does(alice, sig.unblock(SIGNALS(SIGUSR2, SIGHUP)));
	does_give(alice, sig.mask(), SIGNALS(SIGUSR1, SIGTERM));
	does(alice, sig.set_mask(SIGNALS(SIGALRM)));
	does_give(alice, sig.mask(), SIGNALS(SIGALRM));
	does(alice, sig.set_mask(NO_SIGNALS));
	does_give(alice, sig.mask(), NO_SIGNALS);
}

static volatile sig_atomic_t handled;

static void count(int signal)
{
	(void)signal;
	handled++;
}

static long long unblocks_two(const char *text, const long long *n)
{
	struct sigaction action = {.sa_handler = count};
	sigset_t both;

	(void)text, (void)n;
	entry(sig, sigemptyset)(&action.sa_mask);
	entry(sig, sigemptyset)(&both);
	entry(sig, sigaddset)(&both, SIGUSR1);
	entry(sig, sigaddset)(&both, SIGUSR2);
	must_be(entry(sig, sigaction)(SIGUSR1, &action, NULL), 0);
	must_be(entry(sig, sigaction)(SIGUSR2, &action, NULL), 0);
	must_be(entry(sig, sigprocmask)(SIG_BLOCK, &both, NULL), 0);
	entry(sig, raise)(SIGUSR1);
	entry(sig, raise)(SIGUSR2);
	must_be(handled, 0);
	must_be(entry(sig, sigprocmask)(SIG_UNBLOCK, &both, NULL), 0);
	must(handled >= 1);
	return 0;
}

TEST(sig, unblocking_delivers_before_it_returns)
{
	actor *alice = cast("alice");

	does(alice, call(unblocks_two, "", 0, 0, 0));
}

TEST(sig, some_signals_are_never_blocked)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGKILL, SIGSTOP, SIGUSR1)));
	does_give(bob, sig.mask(), SIGNALS(SIGUSR1));
	does(bob, sig.set_mask(SIGNALS(SIGKILL, SIGSTOP)));
	does_give(bob, sig.mask(), NO_SIGNALS);
	does(bob, sig.block(ALL_SIGNALS));
	does(alice, sig.kill(pid_of(bob), SIGKILL));
	is_killed_by(bob, SIGKILL);
}

TEST(sig, an_unknown_way_of_masking_is_refused)
{
	actor *alice = cast("alice");

	does(alice, sig.block(SIGNALS(SIGUSR1)));
	does_fail(alice, sig.change_mask(4711, SIGNALS(SIGUSR2)), EINVAL);
	does_give(alice, sig.mask(), SIGNALS(SIGUSR1));
}

/* -- while a handler runs -----------------------------------------------------------------------
 */

TEST(sig, a_handler_runs_with_its_signal_blocked)
{
	actor *alice = cast("alice");

	does(alice, sig.handle_raising(SIGUSR1, 0, NO_SIGNALS, SIGUSR1));
	does(alice, sig.raise(SIGUSR1));
	catches(alice, SIGUSR1, 2);
	does_give(alice, sig.log(), "SIGUSR1{ } SIGUSR1{ }");
}

TEST(sig, nodefer_lets_the_signal_in_again)
{
	actor *alice = cast("alice");

	does(alice, sig.handle_raising(SIGUSR1, SA_NODEFER, NO_SIGNALS, SIGUSR1));
	does(alice, sig.raise(SIGUSR1));
	does_give(alice, sig.log(), "SIGUSR1{ SIGUSR1{ } }");
}

TEST(sig, nodefer_yields_to_the_handlers_mask)
{
	actor *alice = cast("alice");

	does(alice, sig.handle_raising(SIGUSR1, SA_NODEFER, SIGNALS(SIGUSR1), SIGUSR1));
	does(alice, sig.raise(SIGUSR1));
	catches(alice, SIGUSR1, 2);
	does_give(alice, sig.log(), "SIGUSR1{ } SIGUSR1{ }");
}

TEST(sig, a_handlers_mask_holds_back_others)
{
	actor *alice = cast("alice");

	does(alice, sig.handle(SIGUSR2, 0));
	does(alice, sig.handle_raising(SIGUSR1, 0, SIGNALS(SIGUSR2), SIGUSR2));
	does(alice, sig.raise(SIGUSR1));
	catches(alice, SIGUSR2, 1);
	does_give(alice, sig.log(), "SIGUSR1{ } SIGUSR2");
}

TEST_VARIANT(sig, a_handlers_mask_holds_back_others, and_no_more)
{
	actor *alice = cast("alice");

	does(alice, sig.handle(SIGUSR2, 0));
	does(alice, sig.handle_raising(SIGUSR1, 0, SIGNALS(SIGTERM), SIGUSR2));
	does(alice, sig.raise(SIGUSR1));
	does_give(alice, sig.log(), "SIGUSR1{ SIGUSR2 }");
}

TEST(sig, a_handlers_return_restores_the_mask)
{
	actor *alice = cast("alice");

	does(alice, sig.block(SIGNALS(SIGTERM)));
	does(alice, sig.handle_masking(SIGUSR1, 0, SIGNALS(SIGUSR2, SIGHUP)));
	does(alice, sig.raise(SIGUSR1));
	does_give(alice, sig.log(), "SIGUSR1");
	does_give(alice, sig.mask(), SIGNALS(SIGTERM));
}

/* -- waiting with another mask ------------------------------------------------------------------
 */

TEST(sig, suspension_waits_with_another_mask)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, sig.block(SIGNALS(SIGUSR1, SIGUSR2)));
	begin(bob, sig.suspend(NO_SIGNALS));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	fails(bob, EINTR);
	does_give(bob, sig.log(), "SIGUSR1");
	does_give(bob, sig.mask(), SIGNALS(SIGUSR1, SIGUSR2));
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	does_give(bob, sig.log(), "SIGUSR1");
}

TEST(sig, suspension_takes_what_is_pending)
{
	actor *bob = cast("bob");

	does(bob, sig.handle(SIGUSR1, SA_RESTART));
	does(bob, sig.block(SIGNALS(SIGUSR1)));
	does(bob, sig.raise(SIGUSR1));
	does_give(bob, sig.log(), "");
	does_fail(bob, sig.suspend(NO_SIGNALS), EINTR);
	does_give(bob, sig.log(), "SIGUSR1");
	does_give(bob, sig.pending(), NO_SIGNALS);
	does_give(bob, sig.mask(), SIGNALS(SIGUSR1));
}

TEST(sig, suspension_lasts_through_what_is_blocked)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, sig.handle(SIGUSR2, 0));
	does(bob, sig.block(SIGNALS(SIGUSR1)));
	begin(bob, sig.suspend(SIGNALS(SIGUSR2)));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR2));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	fails(bob, EINTR);
	/* the old mask lets the second in, once it is back */
	catches(bob, SIGUSR2, 1);
	does_give(bob, sig.log(), "SIGUSR1 SIGUSR2");
}

TEST(sig, suspension_lasts_through_what_is_ignored)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, sig.ignore(SIGUSR2));
	begin(bob, sig.suspend(NO_SIGNALS));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR2));
	does(alice, sig.kill(pid_of(bob), SIGCHLD));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	fails(bob, EINTR);
	does_give(bob, sig.log(), "SIGUSR1");
}

TEST(sig, a_pause_ends_with_a_handler)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(SIGUSR1, SA_RESTART));
	does(bob, sig.ignore(SIGUSR2));
	begin(bob, sig.pause());
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR2));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	fails(bob, EINTR);
	does_give(bob, sig.log(), "SIGUSR1");
}
