/* SPDX-License-Identifier: MIT */
/* Children, and how their parents learn of what becomes of them. */
#include <stdio.h>

#include "stage/story.h"

static actor *parent, *child;

static void cast_family(void)
{
	parent = cast("parent");
	child = forks(parent, "child");
}

/* The last outcome of the parent is about this child. */
static void is_about(const actor *a)
{
	must_be(outcome_of(parent)->value, pid_of(a));
}

static const struct {
	const char *name;
	int status;
	const char *told;
} statuses[] = {
	{"0", 0, "exited 0"},	    {"1", 1, "exited 1"},     {"127", 127, "exited 127"},
	{"255", 255, "exited 255"}, {"256", 256, "exited 0"}, {"minus_1", -1, "exited 255"},
};

TEST_EACH(sig, the_exit_status_is_told, statuses)
{
	cast_family();
	exits(child, row->status);
	does_give(parent, sig.reap(pid_of(child), 0), row->told);
	is_about(child);
}

TEST(sig, waiting_for_a_child_lasts_until_it_ends)
{
	cast_family();
	begin(parent, sig.reap(pid_of(child), 0));
	blocks(parent);
	exits(child, 3);
	gives(parent, "exited 3");
	is_about(child);
}

TEST(sig, any_child_will_do)
{
	cast_family();
	actor *brother = forks(parent, "brother");

	begin(parent, sig.reap_any());
	blocks(parent);
	exits(brother, 2);
	gives(parent, "exited 2");
	is_about(brother);
	exits(child, 1);
	does_give(parent, sig.reap_any(), "exited 1");
	is_about(child);
	does_fail(parent, sig.reap_any(), ECHILD);
}

TEST(sig, the_named_child_is_waited_for)
{
	cast_family();
	actor *brother = forks(parent, "brother");

	exits(brother, 2);
	begin(parent, sig.reap(pid_of(child), 0));
	blocks(parent);
	exits(child, 1);
	gives(parent, "exited 1");
	does_give(parent, sig.reap(-1, 0), "exited 2");
	is_about(brother);
}

TEST(sig, children_are_waited_for_by_group)
{
	cast_family();
	actor *brother = forks(parent, "brother"), *sister = forks(parent, "sister");

	does(brother, sig.set_group(0, 0));
	does(sister, sig.set_group(0, pid_of(brother)));
	exits(brother, 2);
	exits(child, 1);
	exits(sister, 3);
	does_give(parent, sig.reap(0, 0), "exited 1");
	is_about(child);
	does_fail(parent, sig.reap(0, 0), ECHILD);
	does(parent, sig.reap(-pid_of(brother), 0));
	does(parent, sig.reap_id(P_PGID, pid_of(brother), WEXITED));
	does_fail(parent, sig.reap(-pid_of(brother), 0), ECHILD);
	does_fail(parent, sig.reap_any(), ECHILD);
}

TEST(sig, a_child_is_reaped_once)
{
	cast_family();
	exits(child, 0);
	does_give(parent, sig.reap(pid_of(child), 0), "exited 0");
	does_fail(parent, sig.reap(pid_of(child), 0), ECHILD);
	does_fail(parent, sig.reap(pid_of(child), WNOHANG), ECHILD);
	does_fail(parent, sig.reap_id(P_PID, pid_of(child), WEXITED), ECHILD);
}

TEST(sig, only_children_are_waited_for)
{
	cast_family();
	actor *grandchild = forks(child, "grandchild");

	does_fail(child, sig.reap(pid_of(parent), 0), ECHILD);
	does_fail(parent, sig.reap(pid_of(parent), 0), ECHILD);
	exits(grandchild, 5);
	does_fail(parent, sig.reap(pid_of(grandchild), 0), ECHILD);
	does_give(child, sig.reap(pid_of(grandchild), 0), "exited 5");
}

TEST(sig, without_children_nothing_is_waited_for)
{
	actor *alice = cast("alice");

	does_fail(alice, sig.reap_any(), ECHILD);
	does_fail(alice, sig.reap(-1, WNOHANG), ECHILD);
	does_fail(alice, sig.reap_id(P_ALL, 0, WEXITED), ECHILD);
}

TEST(sig, wnohang_does_not_wait)
{
	cast_family();
	does_give(parent, sig.reap(-1, WNOHANG), "nothing");
	does_give(parent, sig.reap_id(P_ALL, 0, WEXITED | WNOHANG), "nothing");
	exits(child, 4);
	does_give(parent, sig.reap(-1, WNOHANG), "exited 4");
}

TEST(sig, unknown_options_are_refused)
{
	cast_family();
	exits(child, 1);
	does_fail(parent, sig.reap(pid_of(child), 0x4000), EINVAL);
	does_fail(parent, sig.reap_id(P_PID, pid_of(child), WEXITED | 0x4000), EINVAL);
	does_give(parent, sig.reap(pid_of(child), 0), "exited 1");
}

TEST(sig, waitid_needs_something_to_wait_for)
{
	cast_family();
	exits(child, 1);
	does_fail(parent, sig.reap_id(P_PID, pid_of(child), 0), EINVAL);
	does_fail(parent, sig.reap_id(P_PID, pid_of(child), WNOHANG), EINVAL);
	does_give(parent, sig.reap(pid_of(child), 0), "exited 1");
}

/* -- waitid -------------------------------------------------------------------------------------
 */

static void tells(const actor *a, int code, int status)
{
	const outcome *out = outcome_of(parent);

	must_be(out->n[INFO_SIGNO], SIGCHLD);
	must_be(out->n[INFO_CODE], code);
	must_be(out->n[INFO_PID], pid_of(a));
	must_be(out->n[INFO_STATUS], status);
}

static long long user_of(actor *a)
{
	does(a, sig.uid());
	return outcome_of(a)->value;
}

TEST(sig, waitid_tells_of_an_exit)
{
	cast_family();
	long long user = user_of(child);

	begin(parent, sig.reap_id(P_PID, pid_of(child), WEXITED));
	blocks(parent);
	exits(child, 9);
	gives(parent, "exited 9");
	tells(child, CLD_EXITED, 9);
	must_be(outcome_of(parent)->n[INFO_UID], user);
	does_fail(parent, sig.reap_any(), ECHILD);
}

TEST(sig, waitid_tells_of_a_death)
{
	cast_family();
	does(parent, sig.kill(pid_of(child), SIGKILL));
	does_give(parent, sig.reap_id(P_ALL, 0, WEXITED), "killed by SIGKILL");
	tells(child, CLD_KILLED, SIGKILL);
}

TEST(sig, waitid_tells_of_stop_and_continue)
{
	cast_family();
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	does_give(parent, sig.reap_id(P_PID, pid_of(child), WSTOPPED), "stopped by SIGSTOP");
	tells(child, CLD_STOPPED, SIGSTOP);
	does(parent, sig.kill(pid_of(child), SIGCONT));
	does_give(parent, sig.reap_id(P_PID, pid_of(child), WCONTINUED), "continued");
	tells(child, CLD_CONTINUED, SIGCONT);
}

TEST(sig, wnowait_leaves_the_news)
{
	cast_family();
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	for (int i = 0; i < 2; i++)
		does_give(parent, sig.reap_id(P_PID, pid_of(child), WSTOPPED | WNOWAIT),
			  "stopped by SIGSTOP");
	does_give(parent, sig.reap(pid_of(child), WUNTRACED), "stopped by SIGSTOP");
	does(parent, sig.kill(pid_of(child), SIGKILL));
	for (int i = 0; i < 2; i++)
		does_give(parent, sig.reap_id(P_PID, pid_of(child), WEXITED | WNOWAIT),
			  "killed by SIGKILL");
	does_give(parent, sig.reap(pid_of(child), 0), "killed by SIGKILL");
	does_fail(parent, sig.reap(pid_of(child), 0), ECHILD);
}

/* -- stops, told or not --------------------------------------------------------------------------
 */

TEST(sig, a_stop_is_told_only_if_asked_for)
{
	actor *boss = cast("boss");

	cast_family();
	begin(parent, sig.reap(pid_of(child), 0));
	blocks(parent);
	does(boss, sig.kill(pid_of(child), SIGSTOP));
	is_stopped(child, 1);
	blocks(parent);
	does(boss, sig.kill(pid_of(child), SIGCONT));
	is_stopped(child, 0);
	blocks(parent);
	does(boss, sig.kill(pid_of(child), SIGTERM));
	gives(parent, "killed by SIGTERM");
}

TEST(sig, a_stop_is_told_once)
{
	cast_family();
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	does_give(parent, sig.reap(pid_of(child), WUNTRACED), "stopped by SIGSTOP");
	does_give(parent, sig.reap(pid_of(child), WUNTRACED | WNOHANG), "nothing");
	does(parent, sig.kill(pid_of(child), SIGCONT));
	does_give(parent, sig.reap(pid_of(child), WCONTINUED), "continued");
	does_give(parent, sig.reap(pid_of(child), WUNTRACED | WCONTINUED | WNOHANG), "nothing");
}

/* -- many, and none ------------------------------------------------------------------------------
 */

enum { BROOD = 12 };

static long long reaps_a_brood(const char *text, const long long *n)
{
	pid_t pids[BROOD];
	int status;

	(void)text, (void)n;
	for (int i = 0; i < BROOD; i++) {
		pids[i] = entry(sig, fork)();
		if (pids[i] == 0)
			entry(sig, exit)(i);
		must(pids[i] > 0);
	}
	for (int i = 0; i < BROOD; i++) {
		pid_t pid = entry(sig, wait)(&status);
		int which = 0;

		while (which < BROOD && pids[which] != pid)
			which++;
		must(which < BROOD);
		must(WIFEXITED(status));
		must_be(WEXITSTATUS(status), which);
		pids[which] = 0;
	}
	must_be(entry(sig, wait)(&status), -1);
	must_be(errno, ECHILD);
	return 0;
}

TEST(sig, every_child_is_reaped)
{
	actor *alice = cast("alice");

	does(alice, call(reaps_a_brood, "", 0, 0, 0));
}

TEST(sig, an_orphan_gets_another_parent)
{
	cast_family();
	does_give(child, sig.parent(), pid_of(parent));
	dies(parent);
	does(child, sig.parent());
	must(outcome_of(child)->value != pid_of(parent));
}

/* -- SIGCHLD -------------------------------------------------------------------------------------
 */

static void cast_family_of_catcher(int flags)
{
	cast_family();
	does(parent, sig.handle(SIGCHLD, SA_SIGINFO | flags));
}

TEST(sig, sigchld_tells_of_an_exit)
{
	cast_family_of_catcher(0);
	long long user = user_of(child);

	exits(child, 5);
	catches(parent, SIGCHLD, 1);
	does_give(parent, sig.info(SIGCHLD), SIGCHLD);
	tells(child, CLD_EXITED, 5);
	must_be(outcome_of(parent)->n[INFO_UID], user);
	does_give(parent, sig.log(), "SIGCHLD");
}

TEST(sig, sigchld_tells_of_a_death)
{
	cast_family_of_catcher(0);
	does(parent, sig.kill(pid_of(child), SIGTERM));
	catches(parent, SIGCHLD, 1);
	does_give(parent, sig.info(SIGCHLD), SIGCHLD);
	tells(child, CLD_KILLED, SIGTERM);
}

TEST(sig, sigchld_tells_of_a_stop)
{
	cast_family_of_catcher(0);
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	catches(parent, SIGCHLD, 1);
	does_give(parent, sig.info(SIGCHLD), SIGCHLD);
	tells(child, CLD_STOPPED, SIGSTOP);
}

TEST(sig, sigchld_tells_of_continuing)
{
	cast_family_of_catcher(0);
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	catches(parent, SIGCHLD, 1);
	does(parent, sig.kill(pid_of(child), SIGCONT));
	catches(parent, SIGCHLD, 2);
	does_give(parent, sig.info(SIGCHLD), SIGCHLD);
	tells(child, CLD_CONTINUED, SIGCONT);
}

TEST(sig, nocldstop_silences_stops)
{
	cast_family_of_catcher(SA_NOCLDSTOP);
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	does_give(parent, sig.reap(pid_of(child), WUNTRACED), "stopped by SIGSTOP");
	does(parent, sig.kill(pid_of(child), SIGCONT));
	does_give(parent, sig.reap(pid_of(child), WCONTINUED), "continued");
	does_give(parent, sig.log(), "");
	exits(child, 1);
	catches(parent, SIGCHLD, 1);
	does_give(parent, sig.info(SIGCHLD), SIGCHLD);
	tells(child, CLD_EXITED, 1);
}

static void nothing_is_left_of_children(void)
{
	actor *brother = forks(parent, "brother");

	begin(parent, sig.reap_any());
	blocks(parent);
	exits(child, 1);
	blocks(parent);
	exits(brother, 2);
	fails(parent, ECHILD);
}

TEST(sig, ignoring_sigchld_leaves_no_zombies)
{
	cast_family();
	does(parent, sig.ignore(SIGCHLD));
	nothing_is_left_of_children();
}

TEST(sig, nocldwait_leaves_no_zombies)
{
	cast_family();
	/* restarting, for it may or may not be caught, too */
	does(parent, sig.handle(SIGCHLD, SA_NOCLDWAIT | SA_RESTART));
	nothing_is_left_of_children();
}

TEST(sig, the_default_of_sigchld_leaves_zombies)
{
	cast_family();
	does_give(parent, sig.disposition(SIGCHLD), IS_DEFAULT);
	exits(child, 6);
	does_give(parent, sig.kill(pid_of(child), 0), 0);
	does_give(parent, sig.reap(-1, WNOHANG), "exited 6");
	does_fail(parent, sig.kill(pid_of(child), 0), ESRCH);
}
