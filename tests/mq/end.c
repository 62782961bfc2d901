/* SPDX-License-Identifier: MIT */
/* How a wait ends otherwise: by a signal, by death. */
#include "stage/story.h"

static actor *with_full_queue(void)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	does(a, mq.send("q", "one", 1));
	return a;
}

TEST(mq, signal_interrupts_a_receiver)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 4, 64));
	actor *receiver = forks(alice, "receiver");
	does(receiver, sig.handle(SIGUSR1, 0));
	begin(receiver, mq.receive("q"));
	blocks(receiver);
	poke(receiver, SIGUSR1);
	fails(receiver, EINTR);
	must_be(caught(receiver, SIGUSR1), 1);
	does(alice, mq.send("q", "untouched", 0));
	does_give(alice, mq.receive("q"), "untouched");
}

TEST(mq, signal_interrupts_a_sender)
{
	actor *alice = with_full_queue(), *sender = forks(alice, "sender");

	does(sender, sig.handle(SIGUSR1, 0));
	begin(sender, mq.send("q", "two", 9));
	blocks(sender);
	poke(sender, SIGUSR1);
	fails(sender, EINTR);
	does_give(alice, mq.receive("q"), "one");
	does_give(alice, mq.count("q"), 0);
}

TEST(mq, restarting_receiver_waits_on)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 4, 64));
	actor *receiver = forks(alice, "receiver");
	does(receiver, sig.handle(SIGUSR1, SA_RESTART));
	begin(receiver, mq.receive("q"));
	blocks(receiver);
	poke(receiver, SIGUSR1);
	catches(receiver, SIGUSR1, 1);
	blocks(receiver);
	does(alice, mq.send("q", "still there", 0));
	gives(receiver, "still there");
}

TEST(mq, restarting_sender_waits_on)
{
	actor *alice = with_full_queue(), *sender = forks(alice, "sender");

	does(sender, sig.handle(SIGUSR1, SA_RESTART));
	begin(sender, mq.send("q", "two", 9));
	blocks(sender);
	poke(sender, SIGUSR1);
	catches(sender, SIGUSR1, 1);
	blocks(sender);
	does_give(alice, mq.receive("q"), "one");
	succeeds(sender);
	does_give(alice, mq.receive("q"), "two");
	does_give(alice, mq.count("q"), 0);
}

TEST(mq, stop_and_continue_do_not_interrupt)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 4, 64));
	actor *receiver = forks(alice, "receiver");
	begin(receiver, mq.receive("q"));
	blocks(receiver);
	freeze(receiver);
	thaw(receiver);
	blocks(receiver);
	does(alice, mq.send("q", "still there", 0));
	gives(receiver, "still there");
}

TEST(mq, killed_receiver_takes_nothing)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 4, 64));
	actor *doomed = forks(alice, "doomed"), *next = forks(alice, "next");
	begin(doomed, mq.receive("q"));
	blocks(doomed);
	begin(next, mq.receive("q"));
	blocks(next);
	dies(doomed);
	blocks(next);
	does(alice, mq.send("q", "inherited", 0));
	gives(next, "inherited");
	does(alice, mq.send("q", "another", 0));
	does_give(alice, mq.count("q"), 1);
}

TEST(mq, killed_sender_adds_nothing)
{
	actor *alice = with_full_queue();
	actor *doomed = forks(alice, "doomed"), *next = forks(alice, "next");

	begin(doomed, mq.send("q", "never", 9));
	blocks(doomed);
	begin(next, mq.send("q", "behind", 1));
	blocks(next);
	dies(doomed);
	blocks(next);
	does_give(alice, mq.receive("q"), "one");
	succeeds(next);
	does_give(alice, mq.receive("q"), "behind");
	does_give(alice, mq.count("q"), 0);
}
