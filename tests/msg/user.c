/* SPDX-License-Identifier: MIT */
/* Other users: what the permission bits allow them. */
#include "stage/story.h"

enum { NOBODY = 65534 };

/* The owner has a queue of this mode with a message in it; the stranger, another user, has its id.
 */
static actor *owner, *stranger;

static void cast_both(int mode)
{
	owner = cast("owner");
	does(owner, msg.make_mode("q", mode));
	if (mode & 0200)
		does(owner, msg.send("q", 1, "mine"));
	stranger = forks(owner, "stranger");
	becomes_user(stranger, NOBODY, NOBODY);
}

static const struct asking {
	const char *name;
	int mode, what;
	bool granted;
} askings[] = {
	{"send_without", 0600, 's', false},
	{"send_to_readable", 0644, 's', false},
	{"send_to_writable", 0622, 's', true},
	{"receive_without", 0600, 'r', false},
	{"receive_from_writable", 0622, 'r', false},
	{"receive_from_readable", 0644, 'r', true},
	{"status_without", 0600, '?', false},
	{"status_of_writable", 0622, '?', false},
	{"status_of_readable", 0644, '?', true},
	{"get_for_nothing", 0600, 'g', true},
	{"get_for_reading", 0600, 'R', false},
	{"get_for_reading_what_is_readable", 0644, 'R', true},
	{"get_for_writing_what_is_readable", 0644, 'W', false},
	{"get_for_writing_what_is_writable", 0622, 'W', true},
};

static op asked(int what)
{
	switch (what) {
	case 's':
		return msg.send("q", 2, "yours");
	case 'r':
		return msg.receive("q", 100, 0, 0);
	case '?':
		return msg.status("q");
	case 'R':
		return msg.get("q", 0444);
	case 'W':
		return msg.get("q", 0222);
	default:
		return msg.get("q", 0);
	}
}

TEST_EACH(msg, permission_is_asked_for, askings)
{
	cast_both(row->mode);
	if (row->granted) {
		does(stranger, asked(row->what));
		return;
	}
	does_fail(stranger, asked(row->what), EACCES);
	does_give(owner, msg.count("q"), 1);
}

TEST(msg, stranger_may_not_remove)
{
	cast_both(0666);
	does_fail(stranger, msg.remove("q"), EPERM);
	does_give(owner, msg.count("q"), 1);
	does(owner, msg.find("q"));
	does_give(owner, msg.receive("q", 100, 0, IPC_NOWAIT), "mine");
	does(owner, msg.remove("q"));
	does_fail(owner, msg.find("q"), ENOENT);
}

TEST(msg, stranger_may_not_change)
{
	cast_both(0666);
	does(owner, msg.capacity("q"));
	long long capacity = outcome_of(owner)->value;
	does_fail(stranger, msg.set_mode("q", 0606), EPERM);
	does_fail(stranger, msg.set_capacity("q", 1), EPERM);
	does(owner, msg.owner("q"));
	must_be(outcome_of(owner)->n[MSG_MODE], 0666);
	does_give(owner, msg.capacity("q"), capacity);
}

TEST(msg, new_owner_may_remove)
{
	cast_both(0600);
	does_fail(stranger, msg.remove("q"), EPERM);
	does(owner, msg.set_owner("q", NOBODY, 0));
	does(owner, msg.owner("q"));
	must_be(outcome_of(owner)->n[MSG_UID], NOBODY);
	must_be(outcome_of(owner)->n[MSG_CREATOR_UID], 0);
	does_give(stranger, msg.receive("q", 100, 0, IPC_NOWAIT), "mine");
	does(stranger, msg.remove("q"));
	does_fail(owner, msg.find("q"), ENOENT);
}

TEST(msg, creator_keeps_its_right)
{
	actor *creator = cast("creator");

	becomes_user(creator, NOBODY, NOBODY);
	does(creator, msg.make("q"));
	does(creator, msg.set_owner("q", 0, 0));
	does(creator, msg.remove("q"));
	does_fail(creator, msg.find("q"), ENOENT);
}

TEST(msg, capacity_is_raised_by_privilege_only)
{
	actor *a = cast("alice");

	renounces(a);
	does(a, msg.make("q"));
	does(a, msg.capacity("q"));
	long long capacity = outcome_of(a)->value;
	does_fail(a, msg.set_capacity("q", capacity + 1), EPERM);
	does_give(a, msg.capacity("q"), capacity);
}

TEST(msg, privilege_raises_the_capacity)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.capacity("q"));
	long long capacity = outcome_of(a)->value;
	if (capacity > 1 << 20)
		skip("a queue of %lld bytes is too much for this test", capacity);
	begin(a, msg.set_capacity("q", capacity + 1000));
	returns(a);
	if (outcome_of(a)->error == EPERM)
		skip("without CAP_SYS_RESOURCE");
	must_be(outcome_of(a)->value, 0);
	does_give(a, msg.capacity("q"), capacity + 1000);
	for (long long left = capacity + 1000; left > 0; left -= 1000)
		does(a, msg.send_sized("q", 1, left < 1000 ? left : 1000, IPC_NOWAIT));
	does_fail(a, msg.send_now("q", 1, "x"), EAGAIN);
}

TEST(msg, copy_needs_read_permission)
{
	cast_both(0622);
	does_give(owner, msg.receive("q", 100, 0, MSG_COPY | IPC_NOWAIT), "mine");
	does_fail(stranger, msg.receive("q", 100, 0, MSG_COPY | IPC_NOWAIT), EACCES);
}

TEST(msg, stat_any_needs_no_permission)
{
	cast_both(0600);
	begin(stranger, msg.status_by_index("q", MSG_STAT));
	returns(stranger);
	must_be(outcome_of(stranger)->value, -1);
	begin(stranger, msg.status_by_index("q", MSG_STAT_ANY));
	returns(stranger);
	if (outcome_of(stranger)->error == EINVAL)
		skip("no MSG_STAT_ANY: Linux has it since 4.17");
	must(outcome_of(stranger)->value >= 0);
	must_be(outcome_of(stranger)->n[MSG_COUNT], 1);
	must_be(outcome_of(stranger)->n[MSG_BYTES], 4);
}
