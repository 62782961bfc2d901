/* SPDX-License-Identifier: MIT */
/* Stopping and continuing. */
#include "stage/story.h"

static actor *parent, *child;

/* A child in a group of its own: one that is not orphaned, and so can be stopped. */
static void cast_family(void)
{
	parent = cast("parent");
	child = forks(parent, "child");
	does(child, sig.set_group(0, 0));
}

static void parent_learns(const char *what)
{
	does_give(parent, sig.reap(pid_of(child), WUNTRACED | WCONTINUED), what);
	must_be(outcome_of(parent)->value, pid_of(child));
}

static const struct {
	const char *name;
	int number;
	const char *told;
} stops[] = {
	{"SIGSTOP", SIGSTOP, "stopped by SIGSTOP"},
	{"SIGTSTP", SIGTSTP, "stopped by SIGTSTP"},
	{"SIGTTIN", SIGTTIN, "stopped by SIGTTIN"},
	{"SIGTTOU", SIGTTOU, "stopped by SIGTTOU"},
};

TEST_EACH(sig, these_signals_stop, stops)
{
	cast_family();
	does(parent, sig.kill(pid_of(child), row->number));
	parent_learns(row->told);
	is_stopped(child, 1);
	does(parent, sig.kill(pid_of(child), SIGCONT));
	parent_learns("continued");
	does_give(child, sig.pending(), NO_SIGNALS);
}

static const struct {
	const char *name;
	int number;
} milder[] = {{"SIGTSTP", SIGTSTP}, {"SIGTTIN", SIGTTIN}, {"SIGTTOU", SIGTTOU}};

TEST_EACH(sig, stop_signals_can_be_caught, milder)
{
	cast_family();
	does(child, sig.handle(row->number, 0));
	does(parent, sig.kill(pid_of(child), row->number));
	catches(child, row->number, 1);
	does(child, sig.ignore(row->number));
	does(parent, sig.kill(pid_of(child), row->number));
	does(child, sig.restore(row->number));
	does(child, sig.block(SIGNALS(row->number)));
	does(parent, sig.kill(pid_of(child), row->number));
	does_give(child, sig.pending(), SIGNALS(row->number));
	does_give(parent, sig.reap(pid_of(child), WUNTRACED | WNOHANG), "nothing");
}

TEST(sig, sigstop_is_not_held_back)
{
	cast_family();
	does(child, sig.block(ALL_SIGNALS));
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	parent_learns("stopped by SIGSTOP");
}

TEST(sig, continuing_needs_no_leave)
{
	cast_family();
	does(child, sig.block(SIGNALS(SIGCONT)));
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	parent_learns("stopped by SIGSTOP");
	does(parent, sig.kill(pid_of(child), SIGCONT));
	parent_learns("continued");
	does(child, sig.ignore(SIGCONT));
	does(child, sig.unblock(SIGNALS(SIGCONT)));
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	parent_learns("stopped by SIGSTOP");
	does(parent, sig.kill(pid_of(child), SIGCONT));
	parent_learns("continued");
	does_give(child, sig.pending(), NO_SIGNALS);
}

TEST(sig, continuing_is_caught_as_well)
{
	cast_family();
	does(child, sig.handle(SIGCONT, 0));
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	parent_learns("stopped by SIGSTOP");
	must_be(caught(child, SIGCONT), 0);
	does(parent, sig.kill(pid_of(child), SIGCONT));
	catches(child, SIGCONT, 1);
	does_give(child, sig.log(), "SIGCONT");
}

TEST(sig, a_stopped_process_is_killed)
{
	cast_family();
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	parent_learns("stopped by SIGSTOP");
	does(parent, sig.kill(pid_of(child), SIGKILL));
	parent_learns("killed by SIGKILL");
}

TEST(sig, a_stopped_process_dies_when_continued)
{
	cast_family();
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	parent_learns("stopped by SIGSTOP");
	does(parent, sig.kill(pid_of(child), SIGTERM));
	is_stopped(child, 1);
	does_give(parent, sig.reap(pid_of(child), WNOHANG), "nothing");
	does(parent, sig.kill(pid_of(child), SIGCONT));
	does_give(parent, sig.reap(pid_of(child), 0), "killed by SIGTERM");
}

TEST_EACH(sig, continuing_discards_stops, milder)
{
	cast_family();
	does(child, sig.block(SIGNALS(row->number, SIGUSR1)));
	does(parent, sig.kill(pid_of(child), row->number));
	does(parent, sig.kill(pid_of(child), SIGUSR1));
	does_give(child, sig.pending(), SIGNALS(row->number, SIGUSR1));
	does(parent, sig.kill(pid_of(child), SIGCONT));
	does_give(child, sig.pending(), SIGNALS(SIGUSR1));
	/* and it doesn't stop when let in */
	does(child, sig.set_mask(SIGNALS(SIGUSR1)));
	does_give(parent, sig.reap(pid_of(child), WUNTRACED | WNOHANG), "nothing");
}

TEST_EACH(sig, stopping_discards_continues, milder)
{
	cast_family();
	does(child, sig.block(SIGNALS(SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU)));
	does(parent, sig.kill(pid_of(child), SIGCONT));
	does_give(child, sig.pending(), SIGNALS(SIGCONT));
	does(parent, sig.kill(pid_of(child), row->number));
	does_give(child, sig.pending(), SIGNALS(row->number));
}

TEST_VARIANT(sig, stopping_discards_continues, SIGSTOP)
{
	cast_family();
	does(child, sig.block(SIGNALS(SIGCONT)));
	does(parent, sig.queue(pid_of(child), SIGCONT, 1));
	does_give(child, sig.pending(), SIGNALS(SIGCONT));
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	parent_learns("stopped by SIGSTOP");
	does(parent, sig.kill(pid_of(child), SIGCONT));
	/* the one that is pending is the second: the first had a value */
	does_give(child, sig.wait_info(SIGNALS(SIGCONT)), SIGCONT);
	must_be(outcome_of(child)->n[INFO_CODE], SI_USER);
}

TEST(sig, a_whole_group_stops_and_continues)
{
	cast_family();
	actor *brother = forks(parent, "brother");

	does(brother, sig.set_group(0, pid_of(child)));
	does(parent, sig.kill(-pid_of(child), SIGTSTP));
	parent_learns("stopped by SIGTSTP");
	does_give(parent, sig.reap(pid_of(brother), WUNTRACED), "stopped by SIGTSTP");
	does(parent, sig.kill(-pid_of(child), SIGCONT));
	parent_learns("continued");
	does_give(parent, sig.reap(pid_of(brother), WCONTINUED), "continued");
}

TEST_EACH(sig, an_orphaned_group_is_not_stopped, milder)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	/* its parent is of another session: nobody there could continue it */
	does(bob, sig.new_session());
	does(alice, sig.kill(pid_of(bob), row->number));
	does_give(bob, sig.pending(), NO_SIGNALS);
	does(bob, sig.raise(row->number));
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_group_orphaned_in_its_sleep_is_woken)
{
	parent = cast("parent");
	does(parent, sig.new_session());
	child = forks(parent, "child");
	does(child, sig.set_group(0, 0));
	does(child, sig.handle(SIGHUP, 0));
	does(child, sig.handle(SIGCONT, 0));
	does(parent, sig.kill(pid_of(child), SIGTSTP));
	parent_learns("stopped by SIGTSTP");
	dies(parent);
	catches(child, SIGHUP, 1);
	catches(child, SIGCONT, 1);
}

TEST_VARIANT(sig, a_group_orphaned_in_its_sleep_is_woken, and_no_other)
{
	parent = cast("parent");
	does(parent, sig.new_session());
	child = forks(parent, "child");
	does(child, sig.set_group(0, 0));
	does(child, sig.handle(SIGHUP, 0));
	does(child, sig.handle(SIGCONT, 0));
	dies(parent);
	does_give(child, sig.log(), "");
	does_give(child, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_blocked_continue_stays_pending)
{
	cast_family();
	does(child, sig.handle(SIGCONT, 0));
	does(child, sig.block(SIGNALS(SIGCONT)));
	does(parent, sig.kill(pid_of(child), SIGSTOP));
	parent_learns("stopped by SIGSTOP");
	does(parent, sig.kill(pid_of(child), SIGCONT));
	parent_learns("continued");
	does_give(child, sig.pending(), SIGNALS(SIGCONT));
	does_give(child, sig.log(), "");
	does(child, sig.unblock(SIGNALS(SIGCONT)));
	does_give(child, sig.log(), "SIGCONT");
}

TEST(sig, continuing_who_runs_does_nothing)
{
	cast_family();
	does(parent, sig.kill(pid_of(child), SIGCONT));
	does_give(child, sig.pending(), NO_SIGNALS);
	does_give(parent, sig.reap(pid_of(child), WCONTINUED | WNOHANG), "nothing");
}
