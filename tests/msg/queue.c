/* SPDX-License-Identifier: MIT */
/* What a System V message queue is for. */
#include "stage/story.h"

TEST(msg, sender_returns_at_once)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	does_give(sender, msg.send("q", 1, "later"), 0);
	actor *receiver = cast("receiver");
	does(receiver, msg.find("q"));
	does_give(receiver, msg.receive("q", 100, 0, 0), "later");
}

TEST(msg, message_keeps_its_boundaries)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	does(sender, msg.send("q", 1, "one"));
	does(sender, msg.send("q", 1, "two and a half"));
	does(sender, msg.send("q", 1, "3"));
	actor *receiver = forks(sender, "receiver");
	does_give(receiver, msg.receive("q", 100, 0, 0), "one");
	does_give(receiver, msg.receive("q", 100, 0, 0), "two and a half");
	does_give(receiver, msg.receive("q", 100, 0, 0), "3");
	does_fail(receiver, msg.receive("q", 100, 0, IPC_NOWAIT), ENOMSG);
}

TEST(msg, type_selects_the_message)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	does(sender, msg.send("q", 7, "for seven"));
	does(sender, msg.send("q", 8, "for eight"));
	does(sender, msg.send("q", 8, "for eight again"));
	actor *eight = forks(sender, "eight");
	does_give(eight, msg.receive("q", 100, 8, 0), "for eight");
	must_be(outcome_of(eight)->n[0], 8);
	does_give(eight, msg.receive("q", 100, 8, 0), "for eight again");
	does_fail(eight, msg.receive("q", 100, 8, IPC_NOWAIT), ENOMSG);
	does_give(eight, msg.receive("q", 100, 7, 0), "for seven");
}

TEST(msg, queue_outlives_its_creator)
{
	actor *creator = cast("creator");

	does(creator, msg.make("q"));
	does(creator, msg.send("q", 3, "testament"));
	exits(creator, 0);
	actor *heir = cast_stranger("heir");
	does(heir, msg.find("q"));
	does_give(heir, msg.count("q"), 1);
	does_give(heir, msg.receive("q", 100, 3, 0), "testament");
}

TEST_VARIANT(msg, queue_outlives_its_creator, killed)
{
	actor *creator = cast("creator");

	does(creator, msg.make("q"));
	does(creator, msg.send("q", 3, "testament"));
	dies(creator);
	actor *heir = cast("heir");
	does(heir, msg.find("q"));
	does_give(heir, msg.receive("q", 100, 3, 0), "testament");
}

TEST(msg, stranger_finds_the_queue_by_its_key)
{
	actor *alice = cast("alice"), *stranger = cast_stranger("stranger");

	does(alice, msg.make("q"));
	does(stranger, msg.find("q"));
	begin(alice, msg.receive("q", 100, 0, 0));
	blocks(alice);
	does(stranger, msg.send("q", 1, "hello"));
	gives(alice, "hello");
}

TEST(msg, two_talk_over_one_queue)
{
	enum { TO_ALICE = 1, TO_BOB = 2 };
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *bob = forks(alice, "bob");
	begin(bob, msg.receive("q", 100, TO_BOB, 0));
	blocks(bob);
	does(alice, msg.send("q", TO_BOB, "ping"));
	gives(bob, "ping");
	begin(alice, msg.receive("q", 100, TO_ALICE, 0));
	blocks(alice);
	does(bob, msg.send("q", TO_ALICE, "pong"));
	gives(alice, "pong");
}

TEST(msg, identifier_passes_to_a_child)
{
	actor *parent = cast("parent");

	does(parent, msg.make_private("q"));
	actor *child = forks(parent, "child");
	begin(child, msg.receive("q", 100, 0, 0));
	blocks(child);
	does(parent, msg.send("q", 1, "from home"));
	gives(child, "from home");
}

TEST(msg, identifier_survives_exec)
{
	actor *a = cast("alice");

	does(a, msg.make_private("q"));
	does(a, msg.send("q", 1, "before"));
	execs(a);
	does(a, msg.send("q", 1, "after"));
	does_give(a, msg.receive("q", 100, 0, 0), "before");
	does_give(a, msg.receive("q", 100, 0, 0), "after");
}

TEST(msg, threads_talk_over_a_queue)
{
	actor *main_thread = cast("main");
	actor *second = cast_thread(main_thread, "second");

	does(main_thread, msg.make("q"));
	begin(second, msg.receive("q", 100, 0, 0));
	blocks(second);
	does(main_thread, msg.send("q", 1, "to my sister"));
	gives(second, "to my sister");
}

TEST(msg, two_queues_are_independent)
{
	actor *alice = cast("alice");

	does(alice, msg.make("p"));
	does(alice, msg.make("q"));
	actor *bob = cast_thread(alice, "bob");
	begin(bob, msg.receive("p", 100, 0, 0));
	blocks(bob);
	does(alice, msg.send("q", 1, "other"));
	does_give(alice, msg.receive("q", 100, 0, 0), "other");
	does(alice, msg.remove("q"));
	blocks(bob);
	does(alice, msg.send("p", 1, "this"));
	gives(bob, "this");
}
