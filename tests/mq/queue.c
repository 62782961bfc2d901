/* SPDX-License-Identifier: MIT */
/* What a POSIX message queue is for. */
#include "stage/story.h"

TEST(mq, sender_returns_at_once)
{
	actor *sender = cast("sender"), *receiver = cast("receiver");

	does(sender, mq.make("q", 4, 64));
	does_give(sender, mq.send("q", "later", 0), 0);
	does(receiver, mq.open("q", O_RDONLY));
	does_give(receiver, mq.receive("q"), "later");
}

TEST(mq, higher_priority_comes_first)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 4, 64));
	does(a, mq.send("q", "low", 1));
	does(a, mq.send("q", "high", 9));
	does(a, mq.send("q", "middle", 5));
	does_give(a, mq.receive("q"), "high");
	must_be(outcome_of(a)->n[0], 9);
	does(a, mq.send("q", "highest", 10));
	does_give(a, mq.receive("q"), "highest");
	does_give(a, mq.receive("q"), "middle");
	does_give(a, mq.receive("q"), "low");
}

TEST(mq, equal_priorities_keep_their_order)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 4, 64));
	does(a, mq.send("q", "one", 3));
	does(a, mq.send("q", "two", 3));
	does_give(a, mq.receive("q"), "one");
	does(a, mq.send("q", "three", 3));
	does(a, mq.send("q", "four", 3));
	does_give(a, mq.receive("q"), "two");
	does_give(a, mq.receive("q"), "three");
	does_give(a, mq.receive("q"), "four");
}

TEST(mq, message_keeps_its_boundaries)
{
	actor *sender = cast("sender");

	does(sender, mq.make("q", 4, 64));
	does(sender, mq.send("q", "one", 0));
	does(sender, mq.send("q", "two and a half", 0));
	does(sender, mq.send("q", "3", 0));
	actor *receiver = forks(sender, "receiver");
	does_give(receiver, mq.receive("q"), "one");
	does_give(receiver, mq.receive("q"), "two and a half");
	does_give(receiver, mq.receive("q"), "3");
	does_give(receiver, mq.count("q"), 0);
}

static const struct ending {
	const char *name;
	bool by_force;
} endings[] = {{"exited", false}, {"killed", true}};

TEST_EACH(mq, queue_outlives_its_creator, endings)
{
	actor *creator = cast("creator");

	does(creator, mq.make("q", 4, 64));
	does(creator, mq.send("q", "testament", 3));
	if (row->by_force)
		dies(creator);
	else
		exits(creator, 0);
	actor *heir = cast("heir");
	does(heir, mq.open("q", O_RDONLY));
	does_give(heir, mq.count("q"), 1);
	does_give(heir, mq.receive("q"), "testament");
	must_be(outcome_of(heir)->n[0], 3);
}

TEST(mq, stranger_opens_it_by_name)
{
	actor *alice = cast("alice"), *stranger = cast_stranger("stranger");

	does(alice, mq.make("q", 4, 64));
	does(stranger, mq.open("q", O_WRONLY));
	begin(alice, mq.receive("q"));
	blocks(alice);
	does(stranger, mq.send("q", "hello", 0));
	gives(alice, "hello");
}

TEST(mq, child_inherits_the_descriptor)
{
	actor *parent = cast("parent");

	does(parent, mq.make("q", 4, 64));
	does(parent, mq.unlink("q")); /* so that there's no other way to it */
	actor *child = forks(parent, "child");
	begin(child, mq.receive("q"));
	blocks(child);
	does(parent, mq.send("q", "from home", 0));
	gives(child, "from home");
}

TEST(mq, two_talk_over_two_queues)
{
	actor *alice = cast("alice");

	does(alice, mq.make("there", 4, 64));
	does(alice, mq.make("back", 4, 64));
	actor *bob = forks(alice, "bob");
	begin(bob, mq.receive("there"));
	blocks(bob);
	does(alice, mq.send("there", "ping", 0));
	gives(bob, "ping");
	begin(alice, mq.receive("back"));
	blocks(alice);
	does(bob, mq.send("back", "pong", 0));
	gives(alice, "pong");
}

TEST(mq, threads_talk_over_a_queue)
{
	actor *first = cast("first"), *second = cast_thread(first, "second");

	does(first, mq.make("q", 4, 64));
	begin(second, mq.receive("q"));
	blocks(second);
	does(first, mq.send("q", "to my sister", 0));
	gives(second, "to my sister");
}

TEST(mq, blocked_thread_is_in_nobodys_way)
{
	actor *first = cast("first"), *second = cast_thread(first, "second");

	does(first, mq.make("p", 4, 64));
	begin(second, mq.receive("p"));
	blocks(second);
	does(first, mq.make("q", 4, 64));
	does(first, mq.send("q", "other", 0));
	does_give(first, mq.receive("q"), "other");
	does(first, mq.open("p:again", O_WRONLY));
	does(first, mq.close("q"));
	blocks(second);
	does(first, mq.send("p:again", "this", 0));
	gives(second, "this");
}

TEST(mq, exec_closes_the_queue)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 4, 64));
	execs(a);
	does_fail(a, mq.count("q"), EBADF);
	does(a, mq.open("q", O_RDWR));
}

TEST(mq, kept_descriptor_survives_exec)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 4, 64));
	does(a, mq.send("q", "before", 0));
	does(a, fd.set_cloexec("q", 0));
	execs(a);
	does_give(a, mq.count("q"), 1);
	does_give(a, mq.receive("q"), "before");
}

TEST(mq, close_on_exec_is_set)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 4, 64));
	does_give(a, fd.cloexec("q"), 1);
	does(a, mq.open("q:again", O_RDONLY));
	does_give(a, fd.cloexec("q:again"), 1);
}
