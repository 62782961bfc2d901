/* SPDX-License-Identifier: MIT */
/* Waiting for children: who may, for whom, and what stays for the next. */
#include <limits.h>

#include "stage/story.h"

static actor *parent, *child;

static void cast_family(void)
{
	parent = cast("parent");
	child = forks(parent, "child");
}

static long long waits_without_status(const char *text, const long long *n)
{
	(void)text;
	must_be(entry(sig, waitpid)((pid_t)n[0], NULL, 0), n[0]);
	must_be(entry(sig, wait)(NULL), n[1]);
	return 0;
}

TEST(sig, no_status_need_be_asked_for)
{
	cast_family();
	actor *brother = forks(parent, "brother");

	exits(child, 1);
	exits(brother, 2);
	does(parent, call(waits_without_status, "", pid_of(child), pid_of(brother), 0));
	does_fail(parent, sig.reap_any(), ECHILD);
}

TEST(sig, waitid_leaves_what_it_was_not_asked_for)
{
	cast_family();
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	is_stopped(child, 1);
	does_give(parent, sig.reap_id(P_PID, pid_of(child), WEXITED | WNOHANG), "nothing");
	does_give(parent, sig.reap_id(P_PID, pid_of(child), WCONTINUED | WNOHANG), "nothing");
	does_give(parent, sig.reap_id(P_PID, pid_of(child), WSTOPPED), "stopped by SIGSTOP");
	does(parent, sig.kill(pid_of(child), SIGCONT));
	is_stopped(child, 0);
	does_give(parent, sig.reap_id(P_PID, pid_of(child), WEXITED | WNOHANG), "nothing");
	does_give(parent, sig.reap_id(P_PID, pid_of(child), WSTOPPED | WNOHANG), "nothing");
	does_give(parent, sig.reap_id(P_PID, pid_of(child), WCONTINUED), "continued");
}

TEST(sig, waitid_of_group_zero_means_the_own)
{
	cast_family();
	actor *brother = forks(parent, "brother");

	does(brother, sig.set_group(0, 0));
	exits(brother, 2);
	begin(parent, sig.reap_id(P_PGID, 0, WEXITED));
	blocks(parent);
	exits(child, 1);
	gives(parent, "exited 1");
	does_fail(parent, sig.reap_id(P_PGID, 0, WEXITED), ECHILD);
	does_give(parent, sig.reap_any(), "exited 2");
}

TEST(sig, the_least_number_is_nobodys_child)
{
	cast_family();
	exits(child, 1);
	does_fail(parent, sig.reap(INT_MIN, 0), ESRCH);
	does_give(parent, sig.reap_any(), "exited 1");
}

TEST(sig, nocldwait_does_not_silence_ends)
{
	cast_family();
	does(parent, sig.handle(SIGCHLD, SA_NOCLDWAIT | SA_SIGINFO));
	exits(child, 5);
	catches(parent, SIGCHLD, 1);
	does_give(parent, sig.info(SIGCHLD), SIGCHLD);
	must_be(outcome_of(parent)->n[INFO_PID], pid_of(child));
	does_fail(parent, sig.reap_any(), ECHILD);
}

/* -- threads ------------------------------------------------------------------------------------
 */

TEST(sig, any_thread_waits_for_a_child)
{
	cast_family();
	actor *thread = cast_thread(parent, "thread");
	actor *nephew = forks(thread, "nephew");

	begin(thread, sig.reap(pid_of(child), 0));
	blocks(thread);
	exits(child, 1);
	gives(thread, "exited 1");
	exits(nephew, 2);
	does_give(parent, sig.reap(pid_of(nephew), 0), "exited 2");
}

TEST(sig, one_thread_is_told_of_a_child)
{
	cast_family();
	actor *thread = cast_thread(parent, "thread");

	begin(parent, sig.reap(pid_of(child), 0));
	begin(thread, sig.reap(pid_of(child), 0));
	blocks(parent);
	blocks(thread);
	exits(child, 7);
	returns(parent);
	returns(thread);
	actor *told = outcome_of(parent)->value > 0 ? parent : thread;
	actor *other = told == parent ? thread : parent;
	must_be(outcome_of(told)->value, pid_of(child));
	must_be(outcome_of(other)->error, ECHILD);
}

static void exits_for_all(int signal)
{
	(void)signal;
	entry(sig, exit)(9);
}

static long long is_ready_to_exit(const char *text, const long long *n)
{
	struct sigaction action = {.sa_handler = exits_for_all};

	(void)text, (void)n;
	entry(sig, sigemptyset)(&action.sa_mask);
	return entry(sig, sigaction)(SIGUSR1, &action, NULL);
}

TEST(sig, a_threads_exit_ends_the_process)
{
	cast_family();
	actor *thread = cast_thread(child, "thread");

	does(child, call(is_ready_to_exit, "", 0, 0, 0));
	does(child, sig.thread_block(SIGNALS(SIGUSR1)));
	begin(child, sig.pause());
	begin(thread, sig.pause());
	blocks(child);
	blocks(thread);
	does(parent, sig.kill(pid_of(child), SIGUSR1));
	does_give(parent, sig.reap(pid_of(child), 0), "exited 9");
}
