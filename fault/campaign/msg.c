/* SPDX-License-Identifier: MIT */
#include <sys/ipc.h>
#include <sys/msg.h>

#include "fault/campaign/campaign.h"
#include "fault/campaign/world.h"

static long long has_queue(const char *q, const long long *n)
{
	bool is_there = impl->msg->msgget(key_of(q), 0) >= 0;

	(void)n;
	must(is_there || errno == ENOENT);
	return is_there;
}

static long long mode_of(const char *q, const long long *n)
{
	struct msqid_ds status;

	(void)n;
	if (impl->msg->msgctl((int)handle_number(q), IPC_STAT, &status) < 0)
		return -1;
	return status.msg_perm.mode;
}

/* A message goes in and comes out. */
static void is_of_use(actor *a)
{
	does(a, msg.send("q", 1, "hello"));
	does_give(a, msg.count("q"), 1);
	does_give(a, msg.receive("q", 100, 0, 0), "hello");
	does_give(a, msg.bytes("q"), 0);
}

CAMPAIGN(msg, send, "a message is sent whole, or not at all")
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	does(alice, msg.send("q", 1, "first"));
	actor *victim = forks(alice, "victim");
	suffers(victim, msg.send("q", 3, "hello"));
	if (!happened(alice, msg.count("q"), 1, 2))
		does(alice, msg.send("q", 3, "hello"));
	does_give(alice, msg.bytes("q"), 10);
	does_give(alice, msg.receive("q", 100, 3, 0), "hello");
	does_give(alice, msg.receive("q", 100, 0, 0), "first");
	does_fail(alice, msg.receive("q", 100, 0, IPC_NOWAIT), ENOMSG);
	does_give(alice, msg.bytes("q"), 0);
}

CAMPAIGN(msg, send_to_waiter, "a message that is sent wakes who waits for it, and he alone has it")
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, msg.receive("q", 100, 3, 0));
	blocks(waiter);
	suffers(victim, msg.send("q", 3, "hello"));
	if (ending() == REFUSED)
		does(alice, msg.send("q", 3, "hello"));
	else if (ending() == DIED)
		does(alice, msg.send("q", 3, "again"));
	returns(waiter);
	must(outcome_of(waiter)->value == 5);
	begin(alice, msg.receive("q", 100, 0, IPC_NOWAIT));
	returns(alice);
	must(ending() == DIED || outcome_of(alice)->value == -1);
	does_give(alice, msg.bytes("q"), 0);
}

CAMPAIGN(msg, receive, "a message is received whole, or stays")
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	does(alice, msg.send("q", 3, "hello"));
	does(alice, msg.send("q", 4, "other"));
	actor *victim = forks(alice, "victim");
	suffers(victim, msg.receive("q", 100, 3, 0));
	if (!happened(alice, msg.count("q"), 2, 1))
		does_give(alice, msg.receive("q", 100, 3, 0), "hello");
	does_give(alice, msg.receive("q", 100, 0, 0), "other");
	does_give(alice, msg.count("q"), 0);
	does_give(alice, msg.bytes("q"), 0);
}

CAMPAIGN(msg, wait, "who waits for a message gets it, or leaves it to others")
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *victim = forks(alice, "victim"), *sender = forks(alice, "sender");
	suffers_beside(victim, msg.receive("q", 100, 0, 0), sender, msg.send("q", 1, "hello"));
	succeeds(sender);
	if (!happened(alice, msg.count("q"), 1, 0))
		does_give(alice, msg.receive("q", 100, 0, IPC_NOWAIT), "hello");
	does_give(alice, msg.bytes("q"), 0);
}

CAMPAIGN(msg, wait_for_room, "who waits for room sends when there is some, or not at all")
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	does(alice, msg.set_capacity("q", 5));
	does(alice, msg.send("q", 1, "first"));
	actor *victim = forks(alice, "victim"), *receiver = forks(alice, "receiver");
	suffers_beside(victim, msg.send("q", 2, "other"), receiver, msg.receive("q", 9, 1, 0));
	gives(receiver, "first");
	if (!happened(alice, msg.count("q"), 0, 1))
		does(alice, msg.send("q", 2, "other"));
	does_give(alice, msg.receive("q", 9, 0, 0), "other");
}

CAMPAIGN(msg, set, "the status of a queue is set whole, and who waits for room has it")
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	does(alice, msg.set_capacity("q", 5));
	does(alice, msg.send("q", 1, "first"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, msg.send("q", 2, "other"));
	blocks(waiter);
	suffers(victim, msg.set_capacity("q", 100));
	if (!happened(alice, msg.capacity("q"), 5, 100))
		does(alice, msg.set_capacity("q", 100));
	succeeds(waiter);
	does_give(alice, msg.count("q"), 2);
}

CAMPAIGN(msg, remove, "a queue that is removed is no more, for all who wait too")
{
	actor *alice = cast_alone("alice");

	does(alice, msg.make("q"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, msg.receive("q", 100, 0, 0));
	blocks(waiter);
	suffers(victim, msg.remove("q"));
	if (!happened(alice, call(has_queue, "q", 0, 0, 0), 1, 0))
		does(alice, msg.remove("q"));
	fails(waiter, EIDRM);
	leaves_nothing(alice);
	does(alice, msg.make("q"));
	does_give(alice, msg.count("q"), 0);
}

CAMPAIGN(msg, make, "a queue that is made is there and empty, or isn't")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	suffers(victim, msg.get("q", IPC_CREAT | IPC_EXCL | 0600));
	if (happened(alice, call(has_queue, "q", 0, 0, 0), 0, 1))
		does(alice, msg.find("q"));
	else
		does(alice, msg.make("q"));
	is_of_use(alice);
	does(alice, msg.remove("q"));
	leaves_nothing(alice);
}

CAMPAIGN(msg, make_in_little_room, "a queue for which there is no room is made when there is some")
{
	/* for the registry and one queue */
	actor *alice = cast_confined("alice", 1300000);
	actor *victim = forks(alice, "victim");

	does(alice, msg.make("p"));
	does_fail(victim, msg.make("q"), ENOMEM);
	does_give(alice, call(has_queue, "q", 0, 0, 0), 0);
	does(alice, msg.remove("p"));
	suffers(victim, msg.make("q"));
	if (happened(alice, call(has_queue, "q", 0, 0, 0), 0, 1))
		does(alice, msg.find("q"));
	else
		does(alice, msg.make("q"));
	is_of_use(alice);
	does(alice, msg.remove("q"));
	leaves_nothing(alice);
}

CAMPAIGN(msg, make_private, "a queue without a key that isn't made leaves nothing")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	suffers(victim, msg.make_private("q"));
	if (ending() == DIED) /* nobody knows whether there is one */
		return;
	if (ending() == REFUSED) {
		leaves_nothing(alice);
		does(victim, msg.make_private("q"));
	}
	is_of_use(victim);
	does(victim, msg.remove("q"));
	leaves_nothing(alice);
}

CAMPAIGN(msg, remove_private, "the identifier of a queue that is removed is free, whoever looks")
{
	actor *alice = cast_alone("alice");

	does(alice, msg.make_private("q"));
	actor *victim = forks(alice, "victim");
	suffers(victim, msg.remove("q"));
	if (ending() == DIED) { /* it is half removed at most, and who comes next completes that */
		begin(alice, msg.remove("q"));
		returns(alice);
		must(outcome_of(alice)->value == 0 || outcome_of(alice)->error == EINVAL);
	} else if (ending() == REFUSED) {
		does(alice, msg.remove("q"));
	}
	leaves_nothing(alice);
}

CAMPAIGN(msg, find, "a queue is found, or it stays as it is for who comes later")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	does(alice, msg.make("q"));
	does(alice, msg.send("q", 1, "first"));
	suffers(victim, msg.find("q"));
	if (ending() == REFUSED)
		does(victim, msg.find("q"));
	if (ending() != DIED)
		does_give(victim, msg.receive("q", 100, 0, 0), "first");
	else
		does_give(alice, msg.receive("q", 100, 0, 0), "first");
	is_of_use(alice);
	does(alice, msg.remove("q"));
	leaves_nothing(alice);
}

CAMPAIGN(msg, set_mode, "the mode of a queue is changed, or as it was")
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *victim = forks(alice, "victim");
	suffers(victim, msg.set_mode("q", 0640));
	if (!happened(alice, call(mode_of, "q", 0, 0, 0), 0600, 0640))
		does(alice, msg.set_mode("q", 0640));
	does_give(alice, call(mode_of, "q", 0, 0, 0), 0640);
	is_of_use(alice);
}

CAMPAIGN(msg, usage, "what all queues hold is told as it is, or not at all")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	does(alice, msg.make("q"));
	does(alice, msg.send("q", 1, "hello"));
	suffers(victim, msg.usage());
	if (ending() == SUCCEEDED && impl->enter) {
		must_be(outcome_of(victim)->n[MSG_USED_QUEUES], 1);
		must_be(outcome_of(victim)->n[MSG_USED_MESSAGES], 1);
	}
	does_give(alice, msg.receive("q", 100, 0, 0), "hello");
	does(alice, msg.remove("q"));
	leaves_nothing(alice);
}
