/* SPDX-License-Identifier: MIT */
/* Processes as descriptors. */
#include <poll.h>

#include "stage/story.h"

static actor *parent, *child;

static void cast_family(void)
{
	parent = cast("parent");
	child = forks(parent, "child");
	does(parent, sig.pidfd("c", pid_of(child), 0));
}

TEST(sig, a_pidfd_signals_its_process)
{
	cast_family();
	does(child, sig.block(SIGNALS(SIGUSR1)));
	does(parent, sig.pidfd_send("c", SIGUSR1));
	does_give(child, sig.wait_info(SIGNALS(SIGUSR1)), SIGUSR1);
	must_be(outcome_of(child)->n[INFO_CODE], SI_USER);
	must_be(outcome_of(child)->n[INFO_PID], pid_of(parent));
	does_give(parent, sig.pidfd_send("c", 0), 0);
	does_give(child, sig.pending(), NO_SIGNALS);
	does(parent, sig.pidfd_send("c", SIGTERM));
	does_give(parent, sig.reap(pid_of(child), 0), "killed by SIGTERM");
}

TEST_VARIANT(sig, a_pidfd_signals_its_process, with_a_value)
{
	cast_family();
	does(child, sig.block(SIGNALS(SIGRTMIN)));
	for (int i = 1; i <= 2; i++)
		does(parent, sig.pidfd_queue("c", SIGRTMIN, i));
	for (int i = 1; i <= 2; i++) {
		does_give(child, sig.wait_info(SIGNALS(SIGRTMIN)), SIGRTMIN);
		must_be(outcome_of(child)->n[INFO_CODE], SI_QUEUE);
		must_be(outcome_of(child)->n[INFO_VALUE], i);
	}
}

TEST(sig, a_pidfd_needs_a_process)
{
	parent = cast("parent");
	child = forks(parent, "child");
	exits(child, 0);
	does(parent, sig.reap(pid_of(child), 0));
	does_fail(parent, sig.pidfd("c", pid_of(child), 0), ESRCH);
	does_fail(parent, sig.pidfd("c", 0, 0), EINVAL);
	does_fail(parent, sig.pidfd("c", -pid_of(parent), 0), EINVAL);
	does_fail(parent, sig.pidfd("c", pid_of(parent), 0x40000000), EINVAL);
}

TEST(sig, a_pidfd_is_never_somebody_elses)
{
	cast_family();
	exits(child, 0);
	does(parent, sig.reap(pid_of(child), 0));
	does_fail(parent, sig.pidfd_send("c", 0), ESRCH);
	does_fail(parent, sig.pidfd_send("c", SIGTERM), ESRCH);
}

TEST(sig, a_pidfd_can_be_had_of_a_zombie)
{
	cast_family();
	exits(child, 7);
	does(parent, sig.pidfd("again", pid_of(child), 0));
	does_give(parent, sig.pidfd_send("again", SIGKILL), 0);
	does_give(parent, sig.pidfd_send("c", SIGKILL), 0);
	does_give(parent, sig.reap(pid_of(child), 0), "exited 7");
}

TEST(sig, a_pidfd_is_readable_at_the_end)
{
	actor *boss = cast("boss");

	cast_family();
	does_give(parent, fd.poll("c", POLLIN, 0), 0);
	begin(parent, fd.poll("c", POLLIN, -1));
	blocks(parent);
	does(boss, sig.kill(pid_of(child), SIGSTOP));
	is_stopped(child, 1);
	blocks(parent);
	does(boss, sig.kill(pid_of(child), SIGKILL));
	gives(parent, POLLIN);
	does_give(parent, sig.reap_pidfd("c", WEXITED), "killed by SIGKILL");
}

TEST(sig, a_child_is_waited_for_by_pidfd)
{
	cast_family();
	actor *brother = forks(parent, "brother");

	does(brother, sig.pidfd("sibling", pid_of(child), 0));
	exits(child, 6);
	does_fail(brother, sig.reap_pidfd("sibling", WEXITED), ECHILD);
	does_give(parent, sig.reap_pidfd("c", WEXITED), "exited 6");
	must_be(outcome_of(parent)->n[INFO_PID], pid_of(child));
	must_be(outcome_of(parent)->n[INFO_STATUS], 6);
	does_fail(parent, sig.reap_pidfd("c", WEXITED), ECHILD);
	does_give(parent, sig.reap(pid_of(brother), WNOHANG), "nothing");
}

TEST(sig, a_pidfd_is_closed_by_exec)
{
	cast_family();
	does_give(parent, fd.cloexec("c"), 1);
}

TEST(sig, a_pidfd_serves_a_child_too)
{
	cast_family();
	actor *brother = forks(parent, "brother");

	does(child, sig.handle(SIGUSR1, SA_SIGINFO));
	does(brother, sig.pidfd_send("c", SIGUSR1));
	catches(child, SIGUSR1, 1);
	does_give(child, sig.info(SIGUSR1), SIGUSR1);
	must_be(outcome_of(child)->n[INFO_PID], pid_of(brother));
}

TEST(sig, what_is_no_pidfd_does_not_signal)
{
	parent = cast("parent");
	does(parent, pipes.make("p"));
	does_fail(parent, sig.pidfd_send("p:r", SIGUSR1), EBADF);
}
