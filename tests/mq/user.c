/* SPDX-License-Identifier: MIT */
/* Other users: what the permission bits allow them. */
#include "stage/story.h"

enum { NOBODY = 65534 };

static long long masks(const char *text, const long long *n)
{
	(void)text;
	umask((mode_t)n[0]);
	return 0;
}

/* The owner has a queue made with this mask and mode; the stranger is another user. */
static actor *owner, *stranger;

static void cast_both(int mask, int mode)
{
	owner = cast("owner");
	stranger = cast("stranger");
	does(owner, call(masks, NULL, mask, 0, 0));
	does(owner, mq.make("probe", 1, 1));
	does(owner, mq.create("q", O_RDWR | O_EXCL, mode, 2, 16));
	becomes_user(stranger, NOBODY, NOBODY);
}

static const struct asking {
	const char *name;
	int mode, flags;
	bool granted;
} askings[] = {
	{"nothing_to_read", 0600, O_RDONLY, false},   {"nothing_to_write", 0600, O_WRONLY, false},
	{"nothing_at_all", 0600, O_RDWR, false},      {"readable_to_read", 0644, O_RDONLY, true},
	{"readable_to_write", 0644, O_WRONLY, false}, {"readable_for_both", 0644, O_RDWR, false},
	{"writable_to_write", 0622, O_WRONLY, true},  {"writable_to_read", 0622, O_RDONLY, false},
	{"both_for_both", 0666, O_RDWR, true},
};

TEST_EACH(mq, permission_is_asked_for, askings)
{
	cast_both(0, row->mode);
	if (row->granted)
		does(stranger, mq.open("q", row->flags));
	else
		does_fail(stranger, mq.open("q", row->flags), EACCES);
}

TEST(mq, mode_is_masked)
{
	cast_both(022, 0666);
	does_fail(stranger, mq.open("q", O_WRONLY), EACCES);
	does(stranger, mq.open("q", O_RDONLY));
}

TEST(mq, permission_counts_at_opening)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 2, 16));
	becomes_user(a, NOBODY, NOBODY);
	does(a, mq.send("q", "still mine", 0));
	does_give(a, mq.receive("q"), "still mine");
	does_fail(a, mq.open("q:again", O_RDWR), EACCES);
}

TEST(mq, stranger_may_not_unlink)
{
	cast_both(0, 0666);
	does(owner, mq.send("q", "mine", 0));
	begin(stranger, mq.unlink("q"));
	returns(stranger);
	must_be(outcome_of(stranger)->value, -1);
	must(outcome_of(stranger)->error == EACCES || outcome_of(stranger)->error == EPERM);
	does(owner, mq.open("q:again", O_RDWR));
	does_give(owner, mq.receive("q:again"), "mine");
	does(owner, mq.unlink("q"));
	does_fail(owner, mq.open("q:again", O_RDWR), ENOENT);
}

TEST(mq, other_users_message_notifies)
{
	actor *receiver = cast("receiver");

	does(receiver, mq.make("q", 2, 16));
	does(receiver, sig.block(SIGNALS(SIGUSR1)));
	actor *sender = forks(receiver, "sender");
	becomes_user(sender, NOBODY, NOBODY);
	does_fail(sender, sig.kill(pid_of(receiver), SIGUSR1), EPERM);
	does(receiver, mq.notify_signal("q", SIGUSR1, 7));
	does(sender, mq.send("q", "from abroad", 0));
	does(receiver, sig.wait_info(SIGNALS(SIGUSR1)));
	must_be(outcome_of(receiver)->n[INFO_VALUE], 7);
}
