/* SPDX-License-Identifier: MIT */
/* A queue holds so many bytes; who has more to send waits.  Queues are made small for it: IPC_SET.
 */
#include "stage/story.h"

/* Ten bytes. */
#define TEN "0123456789"

/* A queue that holds so many bytes, of which the first message takes ten. */
static actor *with_capacity(long long bytes)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.set_capacity("q", bytes));
	does(a, msg.send("q", 1, TEN));
	return a;
}

TEST(msg, full_queue_blocks_the_sender)
{
	actor *alice = with_capacity(15), *sender = forks(alice, "sender");

	begin(sender, msg.send("q", 2, "six by"));
	blocks(sender);
	does_give(alice, msg.count("q"), 1);
	does_give(alice, msg.receive("q", 100, 0, 0), TEN);
	succeeds(sender);
	does_give(alice, msg.receive("q", 100, 0, 0), "six by");
}

TEST(msg, queue_fills_to_the_last_byte)
{
	actor *a = with_capacity(25);

	does(a, msg.send_now("q", 1, TEN));
	does(a, msg.send_now("q", 1, "five "));
	does_fail(a, msg.send_now("q", 1, "1"), EAGAIN);
	does_give(a, msg.receive("q", 100, 0, 0), TEN);
	does_fail(a, msg.send_now("q", 1, TEN "1"), EAGAIN);
	does(a, msg.send_now("q", 1, TEN));
}

TEST_VARIANT(msg, queue_fills_to_the_last_byte, of_the_default)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.capacity("q"));
	long long left = outcome_of(a)->value;
	if (left > 1 << 20)
		skip("a queue of %lld bytes is too much for this test", left);
	for (; left > 0; left -= 1000)
		does(a, msg.send_sized("q", 1, left < 1000 ? left : 1000, IPC_NOWAIT));
	does_fail(a, msg.send_now("q", 1, "1"), EAGAIN);
}

TEST(msg, nowait_on_a_full_queue)
{
	actor *a = with_capacity(15);

	does_fail(a, msg.send_now("q", 1, "six by"), EAGAIN);
	does_give(a, msg.count("q"), 1);
	does_give(a, msg.receive("q", 100, 0, IPC_NOWAIT), TEN);
	does_fail(a, msg.receive("q", 100, 0, IPC_NOWAIT), ENOMSG);
}

TEST(msg, fitting_message_passes_a_waiting_one)
{
	actor *alice = with_capacity(15), *big = forks(alice, "big");

	begin(big, msg.send("q", 2, TEN));
	blocks(big);
	does(alice, msg.send("q", 3, "small"));
	blocks(big);
	does_give(alice, msg.receive("q", 100, 1, 0), TEN);
	succeeds(big);
	does_give(alice, msg.receive("q", 100, 0, 0), "small");
	does_give(alice, msg.receive("q", 100, 0, 0), TEN);
}

TEST(msg, sender_waits_for_enough_room)
{
	actor *alice = with_capacity(20);

	does(alice, msg.send("q", 2, "five "));
	actor *big = forks(alice, "big");
	begin(big, msg.send("q", 3, TEN "12345"));
	blocks(big);
	does_give(alice, msg.receive("q", 100, 2, 0), "five ");
	blocks(big);
	does_give(alice, msg.receive("q", 100, 1, 0), TEN);
	succeeds(big);
	does_give(alice, msg.count("q"), 1);
}

TEST(msg, room_serves_every_sender_that_fits)
{
	actor *alice = with_capacity(10), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");

	begin(bob, msg.send("q", 2, "five "));
	begin(carol, msg.send("q", 2, "5byte"));
	blocks(bob);
	blocks(carol);
	does_give(alice, msg.receive("q", 100, 0, 0), TEN);
	succeeds(bob);
	succeeds(carol);
	does_give(alice, msg.count("q"), 2);
}

TEST(msg, room_passes_who_does_not_fit)
{
	actor *alice = with_capacity(20);

	does(alice, msg.send("q", 4, TEN));
	actor *big = forks(alice, "big"), *small = forks(alice, "small");
	begin(big, msg.send("q", 2, TEN "12345"));
	blocks(big);
	begin(small, msg.send("q", 3, "five "));
	blocks(small);
	does_give(alice, msg.receive("q", 100, 1, 0), TEN);
	succeeds(small);
	blocks(big);
	does_give(alice, msg.receive("q", 100, 3, 0), "five ");
	blocks(big);
	does_give(alice, msg.receive("q", 100, 4, 0), TEN);
	succeeds(big);
}

TEST(msg, raised_capacity_serves_a_sender)
{
	actor *alice = with_capacity(15), *sender = forks(alice, "sender");

	begin(sender, msg.send("q", 2, "six by"));
	blocks(sender);
	does(alice, msg.set_capacity("q", 16));
	succeeds(sender);
	does_give(alice, msg.count("q"), 2);
}

TEST(msg, lowered_capacity_keeps_the_messages)
{
	actor *alice = with_capacity(40);

	does(alice, msg.send("q", 2, TEN));
	does(alice, msg.set_capacity("q", 5));
	does_give(alice, msg.count("q"), 2);
	actor *sender = forks(alice, "sender");
	begin(sender, msg.send("q", 3, "1"));
	blocks(sender);
	does_give(alice, msg.receive("q", 100, 0, 0), TEN);
	blocks(sender);
	does_give(alice, msg.receive("q", 100, 0, 0), TEN);
	succeeds(sender);
}

TEST(msg, empty_messages_have_a_limit)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	does(alice, msg.set_capacity("q", 3));
	for (int i = 0; i < 3; i++)
		does(alice, msg.send_now("q", 1, ""));
	does_fail(alice, msg.send_now("q", 1, ""), EAGAIN);
	actor *sender = forks(alice, "sender");
	begin(sender, msg.send("q", 1, ""));
	blocks(sender);
	does_give(alice, msg.receive("q", 100, 0, IPC_NOWAIT), "");
	succeeds(sender);
	does_give(alice, msg.count("q"), 3);
}
