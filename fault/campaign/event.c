/* SPDX-License-Identifier: MIT */
#include <poll.h>

#include "fault/campaign/campaign.h"

CAMPAIGN(event, add, "what is added to a counter is added once, or not at all")
{
	actor *alice = cast("alice");

	does(alice, event.counter("c", 3, 0));
	actor *victim = forks(alice, "victim");
	suffers(victim, event.add("c", 4));
	begin(alice, event.take("c"));
	succeeds(alice);
	must(outcome_of(alice)->value == 3 || outcome_of(alice)->value == 7);
	must(ending() != SUCCEEDED || outcome_of(alice)->value == 7);
	must(ending() != REFUSED || outcome_of(alice)->value == 3);
	does(alice, event.add("c", 1));
	does_give(alice, event.take("c"), 1);
}

CAMPAIGN(event, take, "what is in a counter is taken once, or stays")
{
	actor *alice = cast("alice");

	does(alice, event.counter("c", 3, EFD_NONBLOCK));
	actor *victim = forks(alice, "victim");
	suffers(victim, event.take("c"));
	begin(alice, event.take("c"));
	returns(alice);
	if (outcome_of(alice)->value == -1)
		must(ending() != REFUSED && outcome_of(alice)->error == EAGAIN);
	else
		must(ending() != SUCCEEDED && outcome_of(alice)->value == 3);
	does(alice, event.add("c", 1));
	does_give(alice, event.take("c"), 1);
}

CAMPAIGN(event, wait, "who waits for a counter has what is added, or leaves it to others")
{
	actor *alice = cast("alice");

	does(alice, event.counter("c", 0, 0));
	actor *victim = forks(alice, "victim"), *giver = forks(alice, "giver");
	suffers_beside(victim, event.take("c"), giver, event.add("c", 5));
	succeeds(giver);
	does(alice, event.add("c", 1));
	begin(alice, event.take("c"));
	succeeds(alice);
	if (ending() == SUCCEEDED)
		must_be(outcome_of(alice)->value, 1);
	else if (ending() == REFUSED)
		must_be(outcome_of(alice)->value, 6);
	else
		must(outcome_of(alice)->value == 1 || outcome_of(alice)->value == 6);
}

CAMPAIGN(event, wake, "what is added wakes who waits, or the next addition does")
{
	actor *alice = cast("alice");

	does(alice, event.counter("c", 0, 0));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, event.take("c"));
	blocks(waiter);
	suffers(victim, event.add("c", 2));
	if (ending() != SUCCEEDED)
		does(alice, event.add("c", 2));
	succeeds(waiter);
	must(outcome_of(waiter)->value == 2 || outcome_of(waiter)->value == 4);
}

CAMPAIGN(event, poll, "who waits for readiness is told of it, or the next is")
{
	actor *alice = cast("alice");

	does(alice, event.counter("c", 0, 0));
	actor *victim = forks(alice, "victim"), *giver = forks(alice, "giver");
	suffers_beside(victim, fd.poll("c", POLLIN, -1), giver, event.add("c", 5));
	succeeds(giver);
	does_give(alice, fd.poll("c", POLLIN, -1), POLLIN);
	does_give(alice, event.take("c"), 5);
}

CAMPAIGN(event, counter, "a counter that is made is made whole, or costs nothing")
{
	actor *victim = cast("victim");

	suffers(victim, event.counter("c", 3, 0));
	if (ending() == REFUSED)
		does(victim, event.counter("c", 3, 0));
	if (ending() != DIED)
		does_give(victim, event.take("c"), 3);
}

CAMPAIGN(event, wait_for_room, "who waits for room in a counter adds when there is some, or not")
{
	actor *alice = cast("alice");

	does(alice, event.counter("c", 0, 0));
	does(alice, event.add("c", UINT64_MAX - 1));
	actor *victim = forks(alice, "victim"), *taker = forks(alice, "taker");
	suffers_beside(victim, event.add("c", 5), taker, event.take("c"));
	returns(taker);
	does(alice, event.add("c", 1));
	begin(alice, event.take("c"));
	succeeds(alice);
	if (ending() == DIED)
		must(outcome_of(alice)->value == 1 || outcome_of(alice)->value == 6);
	else
		must_be(outcome_of(alice)->value, ending() == SUCCEEDED ? 6 : 1);
}

CAMPAIGN(event, select, "who selects is told of readiness, or the next is")
{
	actor *alice = cast("alice");

	does(alice, event.counter("c", 0, 0));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, event.select("c", POLLIN, -1));
	blocks(waiter);
	suffers(victim, event.add("c", 5));
	if (ending() != SUCCEEDED)
		does(alice, event.add("c", 5));
	gives(waiter, POLLIN);
}

CAMPAIGN(event, poll_many, "who waits for many is told of one, and nothing of them is left to him")
{
	actor *alice = cast("alice");

	does(alice, event.counter("c", 0, 0));
	does(alice, pipes.make("p"));
	actor *victim = forks(alice, "victim"), *giver = forks(alice, "giver");
	suffers_beside(victim, event.poll("c IN, p:r IN, p:w IN", -1), giver,
		       fd.write("p:w", "hello"));
	gives(giver, 5);
	does_give(alice, fd.read("p:r", 100), "hello");
	does(alice, event.add("c", 1));
	does_give(alice, event.poll("c IN, p:r IN", -1), "c IN");
}

CAMPAIGN(event, look_first, "who polls an object first after a death finds it whole")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 5, 16));
	does(alice, mq.send("q", "low", 1));
	actor *victim = forks(alice, "victim");
	suffers(victim, mq.send("q", "high", 2));
	does(alice, fd.poll("q", POLLIN, -1));
	if (!happened(alice, mq.count("q"), 1, 2))
		does(alice, mq.send("q", "high", 2));
	does_give(alice, mq.receive("q"), "high");
	does_give(alice, mq.receive("q"), "low");
	for (int i = 0; i < 5; i++)
		does(alice, mq.send("q", "again", 0));
	does_give(alice, mq.count("q"), 5);
}
