/* SPDX-License-Identifier: MIT */
/* Whose bits count for whom, and what the unprivileged may not have. */
#include <stdio.h>
#include <unistd.h>

#include "contract/rights.h"
#include "stage/story.h"

static actor *cast_owner_of(int mode)
{
	actor *owner = cast_as("owner", OWNER, GROUP);

	does(owner, mq.make("probe", 1, 1));
	does(owner, mq.create("q", O_RDWR | O_EXCL, mode, 2, 16));
	return owner;
}

static void opens_or_not(actor *a, int flags, bool may)
{
	if (may)
		does(a, mq.open("q:new", flags));
	else
		does_fail(a, mq.open("q:new", flags), EACCES);
}

static void must_have(actor *a, bool may_read, bool may_write)
{
	opens_or_not(a, O_RDONLY, may_read);
	opens_or_not(a, O_WRONLY, may_write);
	opens_or_not(a, O_RDWR, may_read && may_write);
}

TEST_EACH(mq, owner_has_the_owners_bits_only, owners)
{
	actor *owner = cast_owner_of(row->mode);

	must_have(owner, row->may_read, row->may_write);
	if (!row->may_read)
		does_fail(owner, mq.create("q:new", O_RDONLY, 0600, 2, 16), EACCES);
	does(owner, mq.send("q", "it goes on", 0)); /* it was opened before */
	does(owner, mq.unlink("q"));
}

TEST_EACH(mq, group_has_the_groups_bits_only, members)
{
	cast_owner_of(row->mode);
	must_have(cast_as("member", OTHER, GROUP), row->may_read, row->may_write);
}

TEST_EACH(mq, others_have_the_others_bits_only, others)
{
	cast_owner_of(row->mode);
	must_have(cast_as("other", OTHER, OTHER_GROUP), row->may_read, row->may_write);
}

static long long is_of(const char *h, const long long *n)
{
	struct stat status;
	int result = impl->fd->fstat((int)handle_number(h), &status);

	if (result < 0)
		skip("a queue's descriptor is none of a file");
	must_be(result, 0);
	must_be(status.st_uid, n[0]);
	must_be(status.st_gid, n[1]);
	must_be(status.st_mode & 0777, n[2]);
	return 0;
}

static const struct bits {
	const char *name;
	int mode;
} modes[] = {{"0600", 0600}, {"0640", 0640}, {"0666", 0666}, {"0751", 0751}};

TEST_EACH(mq, queue_belongs_to_its_maker, modes)
{
	actor *owner = cast_owner_of(row->mode);

	does(owner, call(is_of, "q", OWNER, GROUP, row->mode));
}

/* -- limits ----------------------------------------------------------------------------------- */

TEST(mq, ceiling_binds_the_unprivileged)
{
	long long messages = system_setting("fs/mqueue/msg_max"),
		  size = system_setting("fs/mqueue/msgsize_max");
	actor *a = geteuid() == 0 ? cast_as("alice", OTHER, OTHER_GROUP) : cast("alice");

	does(a, mq.make("probe", 1, 1));
	does_fail(a, mq.create("q", O_RDWR, 0600, messages + 1, 1), EINVAL);
	does_fail(a, mq.create("q", O_RDWR, 0600, 1, size + 1), EINVAL);
	does_fail(a, mq.open("q", O_RDWR), ENOENT);
	does(a, mq.make("many", messages, 1));
	does(a, mq.make("large", 1, size));
}

/* A user whom nobody else is, so that only this test's queues count. */
static actor *cast_loner(void)
{
	return cast_as("loner", 100000 + (uid_t)getpid(), OTHER_GROUP);
}

/* As many queues as there's room for, and one that isn't made; gives how many there are. */
static long long fills_its_share(const char *text, const long long *n)
{
	struct mq_attr attributes = {.mq_maxmsg = 8, .mq_msgsize = 1024};
	char name[32];
	long long i = 0;

	(void)text;
	for (; i < n[0]; i++) {
		snprintf(name, sizeof(name), "q%lld", i);
		mqd_t q = impl->mq->mq_open(name_of(name), O_RDWR | O_CREAT | O_EXCL, 0600,
					    &attributes);
		if (q == (mqd_t)-1)
			break;
		set_handle(name, (long long)q, NULL);
	}
	return i;
}

TEST(mq, bytes_of_a_user_are_given_back)
{
	actor *a = cast_loner();

	begin(a, mq.limit_bytes(40000));
	returns(a);
	if (outcome_of(a)->value)
		skip("the bytes of a user's queues can't be limited here");
	does(a, call(fills_its_share, NULL, 6, 0, 0));
	must(outcome_of(a)->value >= 2);
	if (outcome_of(a)->value == 6)
		skip("the bytes of a user's queues are not limited here");
	does(a, mq.close("q0"));
	does_fail(a, mq.create("q", O_RDWR | O_EXCL, 0600, 8, 1024), EMFILE);
	does(a, mq.unlink("q0"));
	does(a, mq.create("q", O_RDWR | O_EXCL, 0600, 8, 1024));
	does(a, mq.unlink("q1"));
	does_fail(a, mq.create("r", O_RDWR | O_EXCL, 0600, 8, 1024), EMFILE);
	does(a, mq.close("q1"));
	does(a, mq.create("r", O_RDWR | O_EXCL, 0600, 8, 1024));
}
