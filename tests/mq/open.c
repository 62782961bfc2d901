/* SPDX-License-Identifier: MIT */
/* Opening and making queues. */
#include <stdio.h>
#include <string.h>

#include "stage/story.h"

TEST(mq, exclusive_creation_refuses_what_exists)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, mq.make("q", 4, 64));
	does(alice, mq.send("q", "mine", 0));
	does_fail(bob, mq.create("q", O_RDWR | O_EXCL, 0600, 4, 64), EEXIST);
	does_give(alice, mq.receive("q"), "mine");
}

TEST(mq, absent_name_is_not_found)
{
	actor *a = cast("alice");

	does_fail(a, mq.open("q", O_RDWR), ENOENT);
	does_fail(a, mq.open("q", O_RDONLY | O_NONBLOCK), ENOENT);
	does(a, mq.make("q", 4, 64));
}

TEST(mq, creation_opens_what_exists)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, mq.make("q", 4, 64));
	does(alice, mq.send("q", "there", 0));
	does(bob, mq.create("q", O_RDWR, 0600, 2, 32));
	does(bob, mq.attributes("q"));
	must_be(outcome_of(bob)->n[MQ_MESSAGES], 4);
	must_be(outcome_of(bob)->n[MQ_SIZE], 64);
	must_be(outcome_of(bob)->n[MQ_CURRENT], 1);
	does_give(bob, mq.receive("q"), "there");
}

static const struct shape {
	const char *name;
	long messages, size;
} shapes[] = {{"smallest", 1, 1}, {"one_large", 1, 128}, {"many_small", 8, 1}, {"odd", 3, 77}};

TEST_EACH(mq, attributes_are_as_asked, shapes)
{
	actor *a = cast("alice");

	does(a, mq.make("q", row->messages, row->size));
	does(a, mq.attributes("q"));
	must_be(outcome_of(a)->n[MQ_MESSAGES], row->messages);
	must_be(outcome_of(a)->n[MQ_SIZE], row->size);
	must_be(outcome_of(a)->n[MQ_CURRENT], 0);
}

static const struct shape misshapes[] = {
	{"no_messages", 0, 64}, {"less_than_no_messages", -1, 64},
	{"no_size", 4, 0},	{"less_than_no_size", 4, -1},
	{"neither", 0, 0},
};

TEST_EACH(mq, attributes_must_be_positive, misshapes)
{
	actor *a = cast("alice");

	does_fail(a, mq.create("q", O_RDWR, 0600, row->messages, row->size), EINVAL);
	does_fail(a, mq.open("q", O_RDWR), ENOENT);
}

static void make_default(actor *a)
{
	begin(a, mq.create_default("q", O_RDWR | O_EXCL, 0600));
	returns(a);
	int error = outcome_of(a)->error;
	if (error == EMFILE || error == ENOSPC || error == ENOMEM)
		skip("no queue of the default size can be made: this user's share is used up");
	must(outcome_of(a)->value != -1);
}

TEST(mq, default_attributes_serve)
{
	actor *a = cast("alice");

	make_default(a);
	does(a, mq.attributes("q"));
	must(outcome_of(a)->n[MQ_MESSAGES] > 0);
	must(outcome_of(a)->n[MQ_SIZE] > 0);
	must_be(outcome_of(a)->n[MQ_CURRENT], 0);
	does(a, mq.send("q", "x", 0));
	does_give(a, mq.receive("q"), "x");
}

static long long lesser(long long a, long long b)
{
	return a < b ? a : b;
}

TEST(mq, default_attributes_are_the_systems)
{
	actor *a = cast("alice");

	make_default(a);
	does(a, mq.attributes("q"));
	must_be(outcome_of(a)->n[MQ_MESSAGES], lesser(system_setting("fs/mqueue/msg_default"),
						      system_setting("fs/mqueue/msg_max")));
	must_be(outcome_of(a)->n[MQ_SIZE], lesser(system_setting("fs/mqueue/msgsize_default"),
						  system_setting("fs/mqueue/msgsize_max")));
}

static const struct shape giants[] = {{"messages", 65537, 1}, {"size", 1, 16777217}};

TEST_EACH(mq, attributes_have_a_limit, giants)
{
	actor *a = cast("alice");

	does_fail(a, mq.create("q", O_RDWR, 0600, row->messages, row->size), EINVAL);
	does_fail(a, mq.open("q", O_RDWR), ENOENT);
}

TEST(mq, access_is_as_opened)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 4, 64));
	does(a, mq.open("q:r", O_RDONLY));
	does(a, mq.open("q:w", O_WRONLY));
	does_fail(a, mq.send("q:r", "wrong way", 0), EBADF);
	does_give(a, mq.count("q"), 0);
	does(a, mq.send("q:w", "right way", 0));
	does_fail(a, mq.receive("q:w"), EBADF);
	does_give(a, mq.count("q:w"), 1);
	does_give(a, mq.receive("q:r"), "right way");
}

TEST_VARIANT(mq, access_is_as_opened, timed)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 4, 64));
	does(a, mq.open("q:r", O_RDONLY));
	does(a, mq.open("q:w", O_WRONLY));
	does_fail(a, mq.timed_send("q:r", "wrong way", 0, 1000), EBADF);
	does_fail(a, mq.timed_receive("q:w", 1000), EBADF);
}

static long long opens_a_name(const char *text, const long long *n)
{
	char longer[512];

	if (n[0]) {
		memset(longer, 'n', sizeof(longer));
		longer[0] = '/';
		longer[n[0]] = '\0';
		text = longer;
	}
	return (long long)impl->mq->mq_open(text, O_RDONLY, 0, NULL);
}

static const struct odd_name {
	const char *name, *text;
	int length, error;
} odd_names[] = {
	{"slash_alone", "/", 0, ENOENT},
	{"two_slashes", "/ipcts/q", 0, EACCES},
	{"too_long", "", 300, ENAMETOOLONG},
};

TEST_EACH(mq, odd_names_are_refused, odd_names)
{
	actor *a = cast("alice");

	does(a, mq.make("probe", 1, 1));
	does_fail(a, call(opens_a_name, row->text, row->length, 0, 0), row->error);
}

TEST(mq, bytes_of_a_user_are_limited)
{
	actor *a = cast("alice");

	does(a, mq.make("probe", 1, 1));
	begin(a, mq.limit_bytes(1));
	returns(a);
	if (outcome_of(a)->error == EPERM)
		skip("the bytes of a user's queues can't be limited here");
	must_be(outcome_of(a)->value, 0);
	begin(a, mq.create("q", O_RDWR, 0600, 4, 64));
	returns(a);
	must_be(outcome_of(a)->value, -1);
	must(outcome_of(a)->error == EMFILE || outcome_of(a)->error == ENOSPC ||
	     outcome_of(a)->error == ENOMEM);
	does_fail(a, mq.open("q", O_RDWR), ENOENT);
	does(a, mq.open("probe:again", O_RDWR));
}

TEST(mq, descriptors_are_limited)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	does(a, fd.leave_room(1));
	does(a, mq.open("q:last", O_RDWR));
	does_fail(a, mq.open("q:more", O_RDWR), EMFILE);
	does_fail(a, mq.create("p", O_RDWR, 0600, 1, 16), EMFILE);
	does(a, mq.close("q:last"));
	does_fail(a, mq.open("p", O_RDWR), ENOENT);
	does(a, mq.open("q:again", O_RDWR));
}

static long long creates_at_once(const char *text, const long long *n)
{
	struct mq_attr attributes;
	const char *name = name_of(text);

	memset(&attributes, 0, sizeof(attributes));
	attributes.mq_maxmsg = attributes.mq_msgsize = 1;
	shared()[0]++;
	while (shared()[0] < (uint64_t)n[0])
		continue;
	long long value =
		(long long)impl->mq->mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	if (value == -1 && errno != EEXIST)
		skip("mq_open: %s", strerror(errno));
	return value != -1;
}

TEST(mq, one_of_many_creators_succeeds)
{
	enum { MANY = 3 };
	actor *a[MANY] = {cast("alice"), cast("bob"), cast("carol")};
	long long sum = 0;

	if (!impl->mq)
		skip("no POSIX message queues");
	for (int i = 0; i < MANY; i++)
		begin(a[i], call(creates_at_once, "q", MANY, 0, 0));
	for (int i = 0; i < MANY; i++) {
		succeeds(a[i]);
		sum += outcome_of(a[i])->value;
	}
	must_be(sum, 1);
}
