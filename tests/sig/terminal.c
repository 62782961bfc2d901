/* SPDX-License-Identifier: MIT */
/* Job control: the terminal of a session, and the group in front of it. */
#include <stdio.h>

#include "stage/story.h"

/*
 * The leader of a session with a terminal, whose group is in front; a job of it in a group of its
 * own, behind; and somebody who plays the user at the terminal's other end.
 */
static actor *leader, *job, *user;

static void cast_session(void)
{
	leader = cast("leader");
	does(leader, sig.new_session());
	begin(leader, sig.make_terminal("t"));
	returns(leader);
	if (outcome_of(leader)->value == -1)
		skip("no terminal can be made here");
	does_give(leader, sig.foreground("t:s"), pid_of(leader));
	job = forks(leader, "job");
	does(job, sig.set_group(0, 0));
	user = forks(leader, "user");
	does(user, fd.close("t:s"));
	does(user, sig.ignore(SIGHUP));
}

/* The leader puts the job in front, which stops nobody who blocks SIGTTOU. */
static void job_is_in_front(void)
{
	does(leader, sig.block(SIGNALS(SIGTTOU)));
	does(leader, sig.set_foreground("t:s", pid_of(job)));
}

static void job_is(const char *what)
{
	does_give(leader, sig.reap(pid_of(job), WUNTRACED | WCONTINUED), what);
}

TEST(sig, the_group_in_front_is_told_as_it_was_set)
{
	cast_session();
	job_is_in_front();
	does_give(leader, sig.foreground("t:s"), pid_of(job));
	does_give(job, sig.foreground("t:s"), pid_of(job));
	does(job, sig.set_foreground("t:s", pid_of(leader)));
	does_give(leader, sig.foreground("t:s"), pid_of(leader));
}

TEST(sig, the_session_of_a_terminal_is_told)
{
	cast_session();
	does_give(job, sig.terminals_session("t:s"), pid_of(leader));
	does(job, pipes.make("p"));
	does_fail(job, sig.terminals_session("p:r"), ENOTTY);
}

TEST(sig, only_a_group_of_the_session_comes_to_the_front)
{
	cast_session();
	actor *stranger = cast("stranger");

	does(stranger, sig.set_group(0, 0));
	does_fail(leader, sig.set_foreground("t:s", pid_of(stranger)), EPERM);
	does_give(leader, sig.foreground("t:s"), pid_of(leader));
}

TEST(sig, a_group_in_front_cannot_be_negative)
{
	cast_session();
	does_fail(leader, sig.set_foreground("t:s", -1), EINVAL);
	does_give(leader, sig.foreground("t:s"), pid_of(leader));
}

TEST(sig, what_is_not_the_own_terminal_has_no_front)
{
	cast_session();
	actor *other = forks(leader, "other");

	does(other, pipes.make("p"));
	does_fail(other, sig.foreground("p:r"), ENOTTY);
	does_fail(other, sig.set_foreground("p:r", pid_of(leader)), ENOTTY);
	/* nor has that of the session it has left */
	does(other, sig.new_session());
	does_fail(other, sig.foreground("t:s"), ENOTTY);
	does_fail(other, sig.set_foreground("t:s", pid_of(other)), ENOTTY);
}

static long long opens_the_terminal(const char *text, const long long *n)
{
	FILE *terminal = fopen(text, "r+");

	(void)n;
	if (!terminal)
		return -1;
	fclose(terminal);
	return 0;
}

TEST(sig, a_new_session_has_no_terminal)
{
	cast_session();
	actor *other = forks(leader, "other");

	begin(other, call(opens_the_terminal, "/dev/tty", 0, 0, 0));
	returns(other);
	if (outcome_of(other)->error == ENOENT)
		skip("no /dev/tty here");
	must_be(outcome_of(other)->error, 0);
	does(other, sig.new_session());
	does_fail(other, call(opens_the_terminal, "/dev/tty", 0, 0, 0), ENXIO);
}

/* -- behind -------------------------------------------------------------------------------------
 */

TEST(sig, reading_from_behind_stops)
{
	cast_session();
	begin(job, fd.read("t:s", 10));
	job_is("stopped by SIGTTIN");
	job_is_in_front();
	does(leader, sig.kill(-pid_of(job), SIGCONT));
	job_is("continued");
	does(user, fd.write("t:m", "line\n"));
	gives(job, "line\n");
}

TEST(sig, reading_from_behind_fails_if_it_cannot_stop)
{
	cast_session();
	does(job, sig.block(SIGNALS(SIGTTIN)));
	does_fail(job, fd.read("t:s", 10), EIO);
	does(job, sig.set_mask(NO_SIGNALS));
	does(job, sig.ignore(SIGTTIN));
	does_fail(job, fd.read("t:s", 10), EIO);
}

TEST(sig, coming_to_the_front_from_behind_stops)
{
	cast_session();
	begin(job, sig.set_foreground("t:s", pid_of(job)));
	job_is("stopped by SIGTTOU");
	does_give(leader, sig.foreground("t:s"), pid_of(leader));
	job_is_in_front();
	does(leader, sig.kill(-pid_of(job), SIGCONT));
	succeeds(job);
}

static const struct {
	const char *name;
	bool ignores;
} ways[] = {{"blocking_it", false}, {"ignoring_it", true}};

TEST_EACH(sig, who_is_not_stopped_comes_to_the_front, ways)
{
	cast_session();
	if (row->ignores)
		does(job, sig.ignore(SIGTTOU));
	else
		does(job, sig.block(SIGNALS(SIGTTOU)));
	does(job, sig.set_foreground("t:s", pid_of(job)));
	does_give(leader, sig.foreground("t:s"), pid_of(job));
	does_give(job, sig.pending(), NO_SIGNALS);
}

/* -- in front -----------------------------------------------------------------------------------
 */

static const struct {
	const char *name, *typed;
	int number;
} keys[] = {{"interrupt", "\3", SIGINT}, {"quit", "\34", SIGQUIT}, {"suspend", "\32", SIGTSTP}};

TEST_EACH(sig, a_key_signals_the_group_in_front, keys)
{
	cast_session();
	actor *mate = forks(job, "mate");

	does(leader, sig.handle(row->number, 0));
	does(job, sig.handle(row->number, 0));
	does(mate, sig.handle(row->number, 0));
	job_is_in_front();
	does(user, fd.write("t:m", row->typed));
	catches(job, row->number, 1);
	catches(mate, row->number, 1);
	does_give(leader, sig.log(), "");
}

TEST(sig, the_end_of_the_leader_hangs_up)
{
	cast_session();
	actor *behind = forks(leader, "behind");

	does(behind, sig.set_group(0, 0));
	does(behind, sig.handle(SIGHUP, 0));
	does(job, sig.handle(SIGHUP, 0));
	job_is_in_front();
	exits(leader, 0);
	catches(job, SIGHUP, 1);
	does_give(behind, sig.log(), "");
}

TEST(sig, a_terminal_that_is_gone_hangs_up_on_the_leader)
{
	cast_session();
	does(leader, sig.handle(SIGHUP, 0));
	/* all copies of its far end */
	does(job, fd.close("t:m"));
	does(leader, fd.close("t:m"));
	does(user, fd.close("t:m"));
	catches(leader, SIGHUP, 1);
}
