/* SPDX-License-Identifier: MIT */
/* Receivers that wait, and who is served. */
#include "stage/story.h"

TEST(msg, receiver_waits_for_a_message)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *receiver = forks(sender, "receiver");
	begin(receiver, msg.receive("q", 100, 0, 0));
	blocks(receiver);
	does(sender, msg.send("q", 6, "at last"));
	gives(receiver, "at last");
	must_be(outcome_of(receiver)->n[0], 6);
	does_give(sender, msg.count("q"), 0);
}

TEST(msg, receiver_waits_for_its_type)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *receiver = forks(sender, "receiver");
	begin(receiver, msg.receive("q", 100, 2, 0));
	blocks(receiver);
	does(sender, msg.send("q", 1, "one"));
	does(sender, msg.send("q", 3, "three"));
	blocks(receiver);
	does(sender, msg.send("q", 2, "two"));
	gives(receiver, "two");
	does_give(sender, msg.count("q"), 2);
}

TEST_VARIANT(msg, receiver_waits_for_its_type, at_most)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *receiver = forks(sender, "receiver");
	begin(receiver, msg.receive("q", 100, -3, 0));
	blocks(receiver);
	does(sender, msg.send("q", 4, "four"));
	blocks(receiver);
	does(sender, msg.send("q", 3, "three"));
	gives(receiver, "three");
	must_be(outcome_of(receiver)->n[0], 3);
	does_give(sender, msg.count("q"), 1);
}

TEST(msg, message_goes_to_who_wants_its_type)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *one = forks(sender, "one"), *two = forks(sender, "two"),
	      *three = forks(sender, "three");
	begin(one, msg.receive("q", 100, 1, 0));
	begin(two, msg.receive("q", 100, 2, 0));
	begin(three, msg.receive("q", 100, 3, 0));
	blocks(one);
	blocks(two);
	blocks(three);
	does(sender, msg.send("q", 3, "to three"));
	gives(three, "to three");
	blocks(one);
	does(sender, msg.send("q", 2, "to two"));
	gives(two, "to two");
	does(sender, msg.send("q", 1, "to one"));
	gives(one, "to one");
}

TEST(msg, one_message_serves_one_receiver)
{
	actor *sender = cast("sender");
	int served = 0;

	does(sender, msg.make("q"));
	does(sender, msg.set_capacity("q", strlen("the only one")));
	actor *r[3] = {forks(sender, "alice"), forks(sender, "bob"), forks(sender, "carol")};
	for (int i = 0; i < 3; i++)
		begin(r[i], msg.receive("q", 100, 1, 0));
	for (int i = 0; i < 3; i++)
		blocks(r[i]);
	does(sender, msg.send("q", 1, "the only one"));
	does(sender, msg.send("q", 2, "is taken"));
	does_give(sender, msg.count("q"), 1);
	does(sender, msg.remove("q"));
	for (int i = 0; i < 3; i++) {
		returns(r[i]);
		served += outcome_of(r[i])->value == 12;
		must(outcome_of(r[i])->value == 12 || outcome_of(r[i])->error == EIDRM);
	}
	must_be(served, 1);
}

TEST(msg, every_receiver_is_served)
{
	enum { MANY = 10 };
	static const char *const texts[MANY] = {"a",	     "bb",	  "ccc",     "dddd",
						"eeeee",     "ffffff",	  "ggggggg", "hhhhhhhh",
						"iiiiiiiii", "jjjjjjjjjj"};
	actor *sender = cast("sender"), *r[MANY];
	long long sum = 0;

	does(sender, msg.make("q"));
	for (int i = 0; i < MANY; i++) {
		r[i] = forks(sender, "receiver");
		begin(r[i], msg.receive("q", 100, 0, 0));
	}
	for (int i = 0; i < MANY; i++)
		blocks(r[i]);
	for (int i = 0; i < MANY; i++)
		does(sender, msg.send("q", 1, texts[i]));
	for (int i = 0; i < MANY; i++) {
		succeeds(r[i]);
		sum += 1 << outcome_of(r[i])->value;
	}
	must_be(sum, (2 << MANY) - 2); /* each length once */
	does_give(sender, msg.count("q"), 0);
}

static const struct thawing {
	const char *name;
	int first;
} thawings[] = {{"in_order", 0}, {"in_reverse", 1}};

TEST_EACH(msg, thawed_receivers_are_served, thawings)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *r[2] = {forks(sender, "alice"), forks(sender, "bob")};
	for (int i = 0; i < 2; i++) {
		begin(r[i], msg.receive("q", 100, 0, 0));
		blocks(r[i]);
		freeze(r[i]);
	}
	does(sender, msg.send("q", 1, "one"));
	does(sender, msg.send("q", 1, "four"));
	thaw(r[row->first]);
	thaw(r[!row->first]);
	succeeds(r[0]);
	succeeds(r[1]);
	must_be(outcome_of(r[0])->value + outcome_of(r[1])->value, 7);
	does_give(sender, msg.count("q"), 0);
}

TEST(msg, waiting_receiver_with_little_room_fails)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *narrow = forks(sender, "narrow");
	begin(narrow, msg.receive("q", 4, 0, 0));
	blocks(narrow);
	does(sender, msg.send("q", 1, "too long"));
	fails(narrow, E2BIG);
	does_give(sender, msg.count("q"), 1);
	does_give(sender, msg.receive("q", 100, 0, IPC_NOWAIT), "too long");
}

TEST_VARIANT(msg, waiting_receiver_with_little_room_fails, and_the_next_gets_it)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *narrow = forks(sender, "narrow"), *wide = forks(sender, "wide");
	begin(narrow, msg.receive("q", 4, 1, 0));
	blocks(narrow);
	begin(wide, msg.receive("q", 100, 1, 0));
	blocks(wide);
	does(sender, msg.send("q", 1, "too long"));
	gives(wide, "too long");
	does(sender, msg.send("q", 1, "fits"));
	returns(narrow); /* it has met the first one, or not */
	must(outcome_of(narrow)->error == E2BIG || outcome_of(narrow)->value == 4);
	does_give(sender, msg.count("q"), outcome_of(narrow)->error == E2BIG);
}

TEST(msg, waiting_receiver_truncates)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *narrow = forks(sender, "narrow");
	begin(narrow, msg.receive("q", 4, 0, MSG_NOERROR));
	blocks(narrow);
	does(sender, msg.send("q", 1, "headtail"));
	gives(narrow, "head");
	does_give(sender, msg.count("q"), 0);
}

TEST(msg, nowait_on_an_empty_queue)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does_fail(a, msg.receive("q", 100, 0, IPC_NOWAIT), ENOMSG);
	does(a, msg.send("q", 2, "two"));
	does_fail(a, msg.receive("q", 100, 3, IPC_NOWAIT), ENOMSG);
	does_fail(a, msg.receive("q", 100, -1, IPC_NOWAIT), ENOMSG);
	does_give(a, msg.receive("q", 100, 2, IPC_NOWAIT), "two");
}

TEST(msg, receiving_order_of_waiters)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *first = forks(sender, "first"), *second = forks(sender, "second");
	begin(first, msg.receive("q", 100, 0, 0));
	blocks(first);
	begin(second, msg.receive("q", 100, 0, 0));
	blocks(second);
	is_brief(); /* where all look for themselves the other may have it */
	does(sender, msg.send("q", 1, "one"));
	gives(first, "one");
	does(sender, msg.send("q", 1, "two"));
	gives(second, "two");
}
