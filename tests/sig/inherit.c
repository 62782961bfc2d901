/* SPDX-License-Identifier: MIT */
/* What children and new programs have of signals, and what they have not. */
#include "stage/story.h"

TEST(sig, a_child_inherits_the_mask)
{
	actor *parent = cast("parent");

	does(parent, sig.block(SIGNALS(SIGUSR1, SIGTERM)));
	actor *child = forks(parent, "child");
	does_give(child, sig.mask(), SIGNALS(SIGUSR1, SIGTERM));
	does(child, sig.unblock(SIGNALS(SIGTERM)));
	does_give(parent, sig.mask(), SIGNALS(SIGUSR1, SIGTERM));
	does(parent, sig.block(SIGNALS(SIGUSR2)));
	does_give(child, sig.mask(), SIGNALS(SIGUSR1));
}

TEST(sig, a_child_inherits_no_pending_signal)
{
	actor *parent = cast("parent"), *other = cast("other");

	does(parent, sig.block(SIGNALS(SIGUSR1, SIGRTMIN)));
	does(other, sig.kill(pid_of(parent), SIGUSR1));
	does(other, sig.queue(pid_of(parent), SIGRTMIN, 1));
	actor *child = forks(parent, "child");
	does_give(child, sig.pending(), NO_SIGNALS);
	does_give(parent, sig.pending(), SIGNALS(SIGUSR1, SIGRTMIN));
}

TEST(sig, a_child_inherits_what_signals_do)
{
	actor *parent = cast("parent");

	does(parent, sig.handle(SIGUSR1, SA_RESTART));
	does(parent, sig.ignore(SIGUSR2));
	actor *child = forks(parent, "child");
	does_give(child, sig.disposition(SIGUSR1), IS_HANDLED);
	must_be(outcome_of(child)->n[ACTION_FLAGS], SA_RESTART);
	does_give(child, sig.disposition(SIGUSR2), IS_IGNORED);
	does(parent, sig.kill(pid_of(child), SIGUSR1));
	catches(child, SIGUSR1, 1);
	does(child, sig.restore(SIGUSR1));
	does_give(parent, sig.disposition(SIGUSR1), IS_HANDLED);
	does_give(parent, sig.log(), "");
}

TEST(sig, a_new_program_has_no_handlers)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(SIGUSR1, SA_SIGINFO | SA_RESTART));
	execs(bob);
	does_give(bob, sig.disposition(SIGUSR1), IS_DEFAULT);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	is_killed_by(bob, SIGUSR1);
}

TEST(sig, a_new_program_ignores_what_was_ignored)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.ignore(SIGTERM));
	execs(bob);
	does_give(bob, sig.disposition(SIGTERM), IS_IGNORED);
	does(alice, sig.kill(pid_of(bob), SIGTERM));
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_new_program_has_the_old_mask)
{
	actor *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGUSR2, SIGTERM)));
	execs(bob);
	does_give(bob, sig.mask(), SIGNALS(SIGUSR2, SIGTERM));
}

TEST(sig, a_new_program_finds_pending_signals)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGUSR1, SIGUSR2)));
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	execs(bob);
	does_give(bob, sig.pending(), SIGNALS(SIGUSR1));
	does_give(bob, sig.wait(SIGNALS(SIGUSR1)), SIGUSR1);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, queued_values_survive_exec)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	long long set = SIGNALS(SIGRTMIN);

	does(bob, sig.block(set));
	does(alice, sig.queue(pid_of(bob), SIGRTMIN, 1));
	does(alice, sig.queue(pid_of(bob), SIGRTMIN, 2));
	execs(bob);
	for (int i = 1; i <= 2; i++) {
		does_give(bob, sig.timed_wait(set, 0), SIGRTMIN);
		must_be(outcome_of(bob)->n[INFO_VALUE], i);
		must_be(outcome_of(bob)->n[INFO_PID], pid_of(alice));
	}
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_new_program_is_the_same_process)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	does(child, sig.set_group(0, 0));
	does(child, sig.session_of(0));
	long long session = outcome_of(child)->value;
	execs(child);
	does_give(child, sig.pid(), pid_of(child));
	does_give(child, sig.parent(), pid_of(parent));
	does_give(child, sig.group(), pid_of(child));
	does_give(child, sig.session_of(0), session);
}

TEST(sig, a_child_is_its_parents_after_exec)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	execs(child);
	exits(child, 8);
	does_give(parent, sig.reap(pid_of(child), 0), "exited 8");
}

TEST(sig, a_parents_death_is_signalled)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	does(child, sig.handle(SIGUSR1, 0));
	does(child, sig.death_signal(SIGUSR1));
	dies(parent);
	catches(child, SIGUSR1, 1);
}

static void adopts_orphans(actor *a)
{
	begin(a, sig.adopt_orphans(1));
	returns(a);
	if (outcome_of(a)->error == EINVAL)
		skip("PR_SET_CHILD_SUBREAPER is not known here");
	must_be(outcome_of(a)->value, 0);
}

TEST(sig, a_subreaper_adopts_orphans)
{
	actor *elder = cast("elder");
	actor *parent = forks(elder, "parent");
	actor *child = forks(parent, "child");

	adopts_orphans(elder);
	does(elder, sig.kill(pid_of(parent), SIGKILL));
	does_give(elder, sig.reap(pid_of(parent), 0), "killed by SIGKILL");
	does_give(child, sig.parent(), pid_of(elder));
	does(elder, sig.kill(pid_of(child), SIGTERM));
	does_give(elder, sig.reap(pid_of(child), 0), "killed by SIGTERM");
}

TEST_VARIANT(sig, a_new_program_finds_pending_signals, of_its_thread)
{
	actor *bob = cast("bob");

	does(bob, sig.self("b"));
	does(bob, sig.thread_block(SIGNALS(SIGUSR1)));
	does(bob, sig.kill_thread("b", SIGUSR1));
	execs(bob);
	does_give(bob, sig.pending(), SIGNALS(SIGUSR1));
	does_give(bob, sig.wait(SIGNALS(SIGUSR1)), SIGUSR1);
}

TEST(sig, a_new_program_may_ignore_sigchld)
{
	actor *bob = cast("bob");

	does(bob, sig.ignore(SIGCHLD));
	execs(bob);
	does(bob, sig.disposition(SIGCHLD));
	long long now = outcome_of(bob)->value;
	must(now == IS_IGNORED || now == IS_DEFAULT);
}

TEST(sig, a_death_signal_is_not_inherited)
{
	actor *parent = cast("parent");

	does(parent, sig.death_signal(SIGUSR1));
	does_give(parent, sig.death_signal_set(), SIGUSR1);
	actor *child = forks(parent, "child");
	does_give(child, sig.death_signal_set(), 0);
	does_give(parent, sig.death_signal_set(), SIGUSR1);
}

TEST(sig, a_death_signal_survives_exec)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	does(child, sig.block(SIGNALS(SIGUSR1)));
	does(child, sig.death_signal(SIGUSR1));
	execs(child);
	does_give(child, sig.death_signal_set(), SIGUSR1);
	dies(parent);
	does_give(child, sig.wait_info(SIGNALS(SIGUSR1)), SIGUSR1);
	must_be(outcome_of(child)->n[INFO_PID], pid_of(parent));
}

TEST(sig, a_death_signal_can_be_taken_back)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	does(child, sig.handle(SIGUSR1, 0));
	does(child, sig.death_signal(SIGUSR1));
	does(child, sig.death_signal(0));
	does_give(child, sig.death_signal_set(), 0);
	does_fail(child, sig.death_signal(1000), EINVAL);
	dies(parent);
	does_give(child, sig.log(), "");
}

TEST(sig, a_subreapers_child_is_none)
{
	actor *elder = cast("elder");

	adopts_orphans(elder);
	actor *child = forks(elder, "child");
	does_give(elder, sig.adopts_orphans(), 1);
	does_give(child, sig.adopts_orphans(), 0);
}

TEST(sig, a_subreaper_is_one_after_exec)
{
	actor *elder = cast("elder");
	actor *parent = forks(elder, "parent");
	actor *child = forks(parent, "child");

	adopts_orphans(elder);
	execs(elder);
	does_give(elder, sig.adopts_orphans(), 1);
	exits(parent, 0);
	does_give(child, sig.parent(), pid_of(elder));
}

TEST(sig, a_subreaper_learns_of_an_orphans_end)
{
	actor *elder = cast("elder");
	actor *parent = forks(elder, "parent");
	actor *child = forks(parent, "child");

	adopts_orphans(elder);
	exits(parent, 0);
	does_give(elder, sig.reap(pid_of(parent), 0), "exited 0");
	does(elder, sig.handle(SIGCHLD, SA_SIGINFO));
	exits(child, 6);
	catches(elder, SIGCHLD, 1);
	does_give(elder, sig.info(SIGCHLD), SIGCHLD);
	must_be(outcome_of(elder)->n[INFO_PID], pid_of(child));
	does_give(elder, sig.reap(-1, 0), "exited 6");
}
