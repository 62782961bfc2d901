/* SPDX-License-Identifier: MIT */
/* struct mq_attr: the stage poisons it before every call. */
#include "stage/story.h"

TEST(mq, attributes_are_filled)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 3, 77));
	does(a, mq.send("q", "one", 0));
	does(a, mq.send("q", "two", 5));
	does(a, mq.attributes("q"));
	must_be(outcome_of(a)->n[MQ_FLAGS] & O_NONBLOCK, 0);
	must_be(outcome_of(a)->n[MQ_MESSAGES], 3);
	must_be(outcome_of(a)->n[MQ_SIZE], 77);
	must_be(outcome_of(a)->n[MQ_CURRENT], 2);
}

TEST(mq, count_follows_the_messages)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 2, 16));
	does_give(alice, mq.count("q"), 0);
	does(alice, mq.send("q", "one", 0));
	does_give(alice, mq.count("q"), 1);
	does(alice, mq.send("q", "two", 0));
	does_give(alice, mq.count("q"), 2);
	actor *bob = forks(alice, "bob");
	begin(bob, mq.send("q", "three", 0));
	blocks(bob);
	does_give(alice, mq.count("q"), 2);
	does(alice, mq.receive("q"));
	succeeds(bob);
	does_give(alice, mq.count("q"), 2);
	does(alice, mq.receive("q"));
	does(alice, mq.receive("q"));
	begin(bob, mq.receive("q"));
	blocks(bob);
	does(alice, mq.send("q", "four", 0));
	gives(bob, "four");
	does_give(alice, mq.count("q"), 0);
}

TEST(mq, failed_operations_leave_the_count)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 4));
	does(a, mq.set_nonblock("q", 1));
	does_fail(a, mq.send("q", "too long", 0), EMSGSIZE);
	does_fail(a, mq.receive("q"), EAGAIN);
	does_give(a, mq.count("q"), 0);
	does(a, mq.send("q", "one", 0));
	does_fail(a, mq.send("q", "two", 0), EAGAIN);
	does_fail(a, mq.receive_room("q", 3), EMSGSIZE);
	does_give(a, mq.count("q"), 1);
}

TEST(mq, flags_show_nonblocking)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 4));
	does(a, mq.open("q:n", O_RDWR | O_NONBLOCK));
	does(a, mq.attributes("q:n"));
	must_be(outcome_of(a)->n[MQ_FLAGS] & O_NONBLOCK, O_NONBLOCK);
	does(a, mq.attributes("q"));
	must_be(outcome_of(a)->n[MQ_FLAGS] & O_NONBLOCK, 0);
	does(a, mq.set_nonblock("q", 1));
	does(a, mq.attributes("q"));
	must_be(outcome_of(a)->n[MQ_FLAGS] & O_NONBLOCK, O_NONBLOCK);
	does(a, mq.set_nonblock("q", 0));
	does(a, mq.attributes("q"));
	must_be(outcome_of(a)->n[MQ_FLAGS] & O_NONBLOCK, 0);
}

/* The maker's own descriptor, too. */
TEST_VARIANT(mq, flags_show_nonblocking, of_the_making)
{
	actor *a = cast("alice");

	does(a, mq.create("q", O_RDWR | O_NONBLOCK, 0600, 1, 4));
	does(a, mq.attributes("q"));
	must_be(outcome_of(a)->n[MQ_FLAGS] & O_NONBLOCK, O_NONBLOCK);
	does_fail(a, mq.receive("q"), EAGAIN);
}

TEST(mq, set_attributes_gives_the_old)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 3, 77));
	does(a, mq.send("q", "one", 0));
	does(a, mq.set_attributes("q", O_NONBLOCK, 0, 0, 0));
	must_be(outcome_of(a)->n[MQ_FLAGS] & O_NONBLOCK, 0);
	must_be(outcome_of(a)->n[MQ_MESSAGES], 3);
	must_be(outcome_of(a)->n[MQ_SIZE], 77);
	must_be(outcome_of(a)->n[MQ_CURRENT], 1);
	does(a, mq.set_attributes("q", 0, 0, 0, 0));
	must_be(outcome_of(a)->n[MQ_FLAGS] & O_NONBLOCK, O_NONBLOCK);
	must_be(outcome_of(a)->n[MQ_CURRENT], 1);
}

TEST(mq, only_the_flags_are_set)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 3, 77));
	does(a, mq.send("q", "one", 0));
	does(a, mq.set_attributes("q", O_NONBLOCK, 1, 1, 0));
	does(a, mq.attributes("q"));
	must_be(outcome_of(a)->n[MQ_FLAGS] & O_NONBLOCK, O_NONBLOCK);
	must_be(outcome_of(a)->n[MQ_MESSAGES], 3);
	must_be(outcome_of(a)->n[MQ_SIZE], 77);
	must_be(outcome_of(a)->n[MQ_CURRENT], 1);
	does(a, mq.send("q", "longer than one byte", 0));
}

TEST(mq, nonblocking_starts_and_ends)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 1, 16));
	actor *bob = forks(alice, "bob");
	does(alice, mq.set_nonblock("q", 1));
	does_fail(bob, mq.receive("q"), EAGAIN);
	does(alice, mq.set_nonblock("q", 0));
	begin(bob, mq.receive("q"));
	blocks(bob);
	does(alice, mq.send("q", "one", 0));
	gives(bob, "one");
}

TEST(mq, nonblocking_is_of_the_opening)
{
	actor *alice = cast("alice"), *carol = cast("carol");

	does(alice, mq.make("q", 1, 16));
	actor *child = forks(alice, "child");
	does(carol, mq.open("q", O_RDWR));
	does(child, mq.set_nonblock("q", 1));
	does_fail(alice, mq.receive("q"), EAGAIN);
	begin(carol, mq.receive("q"));
	blocks(carol);
	does(child, mq.send("q", "one", 0));
	gives(carol, "one");
}

TEST(mq, unknown_flags_are_refused)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	does_fail(a, mq.set_attributes("q", O_NONBLOCK | O_APPEND, 0, 0, 0), EINVAL);
	does(a, mq.attributes("q"));
	must_be(outcome_of(a)->n[MQ_FLAGS], 0);
}

static const struct direction {
	const char *name;
	int flags;
} directions[] = {{"read_only", O_RDONLY}, {"write_only", O_WRONLY}};

TEST_EACH(mq, attributes_need_no_access, directions)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 3, 77));
	does(a, mq.open("q:one_way", row->flags));
	does(a, mq.set_nonblock("q:one_way", 1));
	does(a, mq.attributes("q:one_way"));
	must_be(outcome_of(a)->n[MQ_FLAGS] & O_NONBLOCK, O_NONBLOCK);
	must_be(outcome_of(a)->n[MQ_MESSAGES], 3);
	must_be(outcome_of(a)->n[MQ_SIZE], 77);
	does(a, sig.block(SIGNALS(SIGUSR1)));
	does(a, mq.notify_signal("q:one_way", SIGUSR1, 0));
	does(a, mq.send("q", "x", 0));
	does_give(a, sig.pending(), SIGNALS(SIGUSR1));
}
