/* SPDX-License-Identifier: MIT */
/* Process groups and sessions, as what signals are sent to. */
#include "stage/story.h"

static actor *cast_catcher(const char *name)
{
	actor *a = cast(name);

	does(a, sig.handle(SIGUSR1, 0));
	return a;
}

/* A group of two, and somebody else beside it. */
static actor *leader, *member, *outsider;

static void cast_group(void)
{
	leader = cast_catcher("leader");
	member = cast_catcher("member");
	outsider = cast_catcher("outsider");
	does(leader, sig.set_group(0, 0));
	does(member, sig.set_group(0, pid_of(leader)));
}

static void only_the_group_catches(void)
{
	catches(leader, SIGUSR1, 1);
	catches(member, SIGUSR1, 1);
	does_give(leader, sig.log(), "SIGUSR1");
	does_give(member, sig.log(), "SIGUSR1");
	does_give(outsider, sig.log(), "");
}

TEST(sig, a_group_is_signalled_at_once)
{
	cast_group();
	does(outsider, sig.kill(-pid_of(leader), SIGUSR1));
	only_the_group_catches();
}

TEST(sig, killpg_reaches_the_group)
{
	cast_group();
	does(outsider, sig.kill_group(pid_of(leader), SIGUSR1));
	only_the_group_catches();
}

TEST(sig, zero_means_the_own_group)
{
	cast_group();
	does(member, sig.kill(0, SIGUSR1));
	only_the_group_catches();
}

TEST(sig, a_group_without_members_is_not_found)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(ALL_SIGNALS));
	does_fail(alice, sig.kill(-pid_of(bob), SIGTERM), ESRCH);
	does_fail(alice, sig.kill_group(pid_of(bob), SIGTERM), ESRCH);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_group_outlives_its_leader)
{
	cast_group();
	exits(leader, 0);
	does_give(member, sig.group(), pid_of(leader));
	does(outsider, sig.kill(-pid_of(leader), SIGUSR1));
	catches(member, SIGUSR1, 1);
	does_give(outsider, sig.log(), "");
	exits(member, 0);
	does_fail(outsider, sig.kill(-pid_of(leader), SIGUSR1), ESRCH);
}

TEST(sig, a_child_is_born_into_its_parents_group)
{
	actor *parent = cast("parent");

	does(parent, sig.new_session());
	actor *child = forks(parent, "child");
	does_give(child, sig.group(), pid_of(parent));
	does_give(child, sig.session_of(0), pid_of(parent));
	does_give(parent, sig.group_of(pid_of(child)), pid_of(parent));
}

TEST(sig, a_process_founds_a_group)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does_give(alice, sig.set_group(0, 0), 0);
	does_give(alice, sig.group(), pid_of(alice));
	does_give(alice, sig.group_of(0), pid_of(alice));
	does_give(bob, sig.group_of(pid_of(alice)), pid_of(alice));
}

TEST(sig, a_parent_moves_its_child)
{
	actor *parent = cast("parent");
	actor *elder = forks(parent, "elder"), *younger = forks(parent, "younger");

	does(parent, sig.set_group(pid_of(elder), 0));
	does(parent, sig.set_group(pid_of(younger), pid_of(elder)));
	does_give(elder, sig.group(), pid_of(elder));
	does_give(younger, sig.group(), pid_of(elder));
}

TEST(sig, a_child_that_has_executed_is_not_moved)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	execs(child);
	does_fail(parent, sig.set_group(pid_of(child), pid_of(child)), EACCES);
	does(parent, sig.group());
	does_give(child, sig.group(), outcome_of(parent)->value);
}

TEST(sig, only_oneself_and_children_are_moved)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does_fail(alice, sig.set_group(pid_of(bob), pid_of(bob)), ESRCH);
	does(alice, sig.group());
	does_give(bob, sig.group(), outcome_of(alice)->value);
}

TEST(sig, no_group_of_another_session_is_joined)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.new_session());
	does_fail(alice, sig.set_group(0, pid_of(bob)), EPERM);
	does(alice, sig.set_group(0, 0));
	does_give(alice, sig.group(), pid_of(alice));
}

TEST_VARIANT(sig, no_group_of_another_session_is_joined, or_one_that_is_not)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does_fail(alice, sig.set_group(0, pid_of(bob)), EPERM);
}

TEST(sig, a_session_leader_is_not_moved)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	does(child, sig.new_session());
	does_fail(child, sig.set_group(0, 0), EPERM);
	does_fail(parent, sig.set_group(pid_of(child), 0), EPERM);
}

TEST(sig, a_negative_group_is_refused)
{
	actor *alice = cast("alice");

	does_fail(alice, sig.set_group(0, -1), EINVAL);
}

TEST(sig, the_group_of_nobody_is_not_found)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	exits(child, 0);
	does(parent, sig.reap(pid_of(child), 0));
	does_fail(parent, sig.group_of(pid_of(child)), ESRCH);
	does_fail(parent, sig.session_of(pid_of(child)), ESRCH);
}

TEST(sig, a_session_begins_with_its_leader)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does_give(alice, sig.new_session(), pid_of(alice));
	does_give(alice, sig.group(), pid_of(alice));
	does_give(alice, sig.session_of(0), pid_of(alice));
	does_give(bob, sig.session_of(pid_of(alice)), pid_of(alice));
}

TEST(sig, a_group_leader_begins_no_session)
{
	actor *alice = cast("alice");

	does(alice, sig.set_group(0, 0));
	does(alice, sig.session_of(0));
	long long session = outcome_of(alice)->value;
	does_fail(alice, sig.new_session(), EPERM);
	does_give(alice, sig.session_of(0), session);
}

TEST(sig, a_number_in_use_as_a_group_begins_no_session)
{
	cast_group();
	/* the founder has gone to another group, but the one of its number lives on */
	does(outsider, sig.set_group(0, 0));
	does(leader, sig.set_group(0, pid_of(outsider)));
	does_fail(leader, sig.new_session(), EPERM);
	does_give(leader, sig.group(), pid_of(outsider));
	exits(member, 0);
	does_give(leader, sig.new_session(), pid_of(leader));
}

TEST(sig, killpg_refuses_what_is_no_signal)
{
	cast_group();
	does_fail(outsider, sig.kill_group(pid_of(leader), -1), EINVAL);
	does_fail(outsider, sig.kill_group(pid_of(leader), 1000), EINVAL);
	does_give(outsider, sig.kill_group(pid_of(leader), 0), 0);
	does_give(member, sig.log(), "");
}

TEST(sig, queue_reaches_no_group)
{
	cast_group();
	does_fail(outsider, sig.queue(-pid_of(leader), SIGUSR1, 1), ESRCH);
	does_fail(leader, sig.queue(0, SIGUSR1, 1), ESRCH);
	does_give(leader, sig.log(), "");
	does_give(member, sig.log(), "");
}

TEST(sig, the_group_of_a_stranger_is_told)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.new_session());
	does_give(alice, sig.group_of(pid_of(bob)), pid_of(bob));
	does_give(alice, sig.session_of(pid_of(bob)), pid_of(bob));
}
