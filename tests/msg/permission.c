/* SPDX-License-Identifier: MIT */
/* Whose bits count for whom: user, group and others, at every call. */
#include <unistd.h>

#include "contract/rights.h"
#include "stage/story.h"

/* What the actor may do with a queue that is empty. */
static void must_have(actor *a, bool may_read, bool may_write)
{
	does(a, msg.find("q"));
	does_fail(a, msg.receive("q", 100, 0, IPC_NOWAIT), may_read ? ENOMSG : EACCES);
	if (may_read)
		does(a, msg.status("q"));
	else
		does_fail(a, msg.status("q"), EACCES);
	if (may_write)
		does(a, msg.send_now("q", 1, "x"));
	else
		does_fail(a, msg.send_now("q", 1, "x"), EACCES);
}

TEST_EACH(msg, owner_has_the_owners_bits_only, owners)
{
	actor *owner = cast_as("owner", OWNER, GROUP);

	does(owner, msg.make_mode("q", row->mode));
	must_have(owner, row->may_read, row->may_write);
	does(owner, msg.remove("q")); /* whatever the mode */
}

TEST_EACH(msg, group_has_the_groups_bits_only, members)
{
	actor *owner = cast_as("owner", OWNER, GROUP);

	does(owner, msg.make_mode("q", row->mode));
	must_have(cast_as("member", OTHER, GROUP), row->may_read, row->may_write);
}

TEST_EACH(msg, others_have_the_others_bits_only, others)
{
	actor *owner = cast_as("owner", OWNER, GROUP);

	does(owner, msg.make_mode("q", row->mode));
	must_have(cast_as("other", OTHER, OTHER_GROUP), row->may_read, row->may_write);
}

/* The queue is given to another user and group; who of the old and new ones has what? */
static const struct heir {
	const char *name;
	uid_t user;
	gid_t group;
	bool may_read, may_write;
} heirs[] = {
	{"creator", OWNER, 1000, true, true},
	{"owner", OTHER, 1000, true, true},
	{"creators_group", 1000, GROUP, true, false},
	{"owners_group", 1000, OTHER_GROUP, true, false},
	{"nobody_of_these", 1000, 1000, false, false},
};

TEST_EACH(msg, creator_and_owner_have_the_same_bits, heirs)
{
	actor *creator = cast_as("creator", OWNER, GROUP);

	does(creator, msg.make_mode("q", 0640));
	does(creator, msg.set_owner("q", OTHER, OTHER_GROUP));
	does(creator, msg.owner("q"));
	must_be(outcome_of(creator)->n[MSG_UID], OTHER);
	must_be(outcome_of(creator)->n[MSG_GID], OTHER_GROUP);
	must_be(outcome_of(creator)->n[MSG_CREATOR_UID], OWNER);
	must_be(outcome_of(creator)->n[MSG_CREATOR_GID], GROUP);
	must_have(cast_as("heir", row->user, row->group), row->may_read, row->may_write);
}

TEST(msg, permission_counts_at_each_call)
{
	actor *owner = cast_as("owner", OWNER, GROUP);
	actor *other = cast_as("other", OTHER, OTHER_GROUP);

	does(owner, msg.make_mode("q", 0666));
	does(other, msg.find("q"));
	does(other, msg.send("q", 1, "one"));
	does(owner, msg.set_mode("q", 0664));
	does_fail(other, msg.send("q", 1, "two"), EACCES);
	does_give(other, msg.receive("q", 100, 0, IPC_NOWAIT), "one");
	does(owner, msg.set_mode("q", 0662));
	does(other, msg.send("q", 1, "three"));
	does_fail(other, msg.receive("q", 100, 0, IPC_NOWAIT), EACCES);
	does_give(owner, msg.receive("q", 100, 0, IPC_NOWAIT), "three");
}

TEST(msg, changed_permission_reaches_waiters)
{
	actor *owner = cast_as("owner", OWNER, GROUP);
	actor *other = cast_as("other", OTHER, OTHER_GROUP);

	is_brief();
	does(owner, msg.make_mode("q", 0666));
	does(other, msg.find("q"));
	begin(other, msg.receive("q", 100, 0, 0));
	blocks(other);
	does(owner, msg.set_mode("q", 0600));
	fails(other, EACCES);
}

/* Shared words: the other user is at it; there's no more to see. */
enum { LOOKING, OVER, ROUNDS = 200 };

static long long looks_all_the_time(const char *q, const long long *n)
{
	key_t key = key_of(q);
	long long refused = 0;

	(void)n;
	while (!shared()[OVER]) {
		must_be(impl->msg->msgget(key, 0444), -1);
		must(errno == EACCES || errno == ENOENT);
		refused += errno == EACCES;
		shared()[LOOKING] = 1;
	}
	return refused;
}

static long long makes_and_removes(const char *q, const long long *n)
{
	key_t key = key_of(q);

	(void)n;
	for (int i = 0; i < ROUNDS; i++) {
		int id = impl->msg->msgget(key, IPC_CREAT | IPC_EXCL | 0600);

		must(id >= 0);
		must_be(impl->msg->msgctl(id, IPC_RMID, NULL), 0);
	}
	shared()[OVER] = 1;
	return 0;
}

TEST(msg, new_queue_is_private_from_the_start)
{
	actor *owner = cast_as("owner", OWNER, GROUP);
	actor *other = cast_as("other", OTHER, OTHER_GROUP);

	does(owner, msg.make("q"));
	does(other, msg.find("q"));
	does_fail(other, msg.status("q"), EACCES);
	does(owner, msg.remove("q"));
	begin(other, call(looks_all_the_time, "q", 0, 0, 0));
	awaits(&shared()[LOOKING], 1);
	does(owner, call(makes_and_removes, "q", 0, 0, 0));
	succeeds(other);
}

static const struct asked {
	const char *name;
	int mode, flags;
	bool may;
} asked[] = {{"of_user", 0602, 0200, true},
	     {"of_group", 0602, 0020, true},
	     {"of_others", 0602, 0002, true},
	     {"of_user_too_much", 0602, 0600, false},
	     {"of_group_too_much", 0602, 0040, false},
	     {"of_others_too_much", 0602, 0004, false}};

TEST_EACH(msg, asked_bits_stand_anywhere, asked)
{
	actor *owner = cast_as("owner", OWNER, GROUP),
	      *other = cast_as("other", OTHER, OTHER_GROUP);

	does(owner, msg.make_mode("q", row->mode));
	if (row->may)
		does(other, msg.get("q", row->flags));
	else
		does_fail(other, msg.get("q", row->flags), EACCES);
}

TEST(msg, nobody_is_no_owner)
{
	actor *owner = cast("owner");

	does(owner, msg.make_mode("q", 0600));
	does(owner, msg.owner("q"));
	long long uid = outcome_of(owner)->n[MSG_UID], gid = outcome_of(owner)->n[MSG_GID];
	does_fail(owner, msg.set_owner("q", -1, gid), EINVAL);
	does_fail(owner, msg.set_owner("q", uid, -1), EINVAL);
	does(owner, msg.owner("q"));
	must_be(outcome_of(owner)->n[MSG_UID], uid);
	must_be(outcome_of(owner)->n[MSG_GID], gid);
}

TEST(msg, few_descriptors_change_no_mode_by_half)
{
	actor *owner = cast_as("owner", OWNER, GROUP),
	      *other = cast_as("other", OTHER, OTHER_GROUP);

	does(owner, msg.make_mode("q", 0600));
	does(owner, fd.leave_room(0));
	begin(owner, msg.set_mode("q", 0666));
	returns(owner);
	if (outcome_of(owner)->value == -1) {
		must_be(outcome_of(owner)->error, EMFILE);
		does_fail(other, msg.get("q", 0600), EACCES);
	} else {
		must_have(other, true, true);
	}
}
