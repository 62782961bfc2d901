/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "fault/campaign/campaign.h"

enum { WAITS_LONG_MS = 600000 };

/* -- opening ---------------------------------------------------------------------------------- */

static void works(actor *a)
{
	does(a, mq.send("q", "hello", 1));
	does_give(a, mq.receive("q"), "hello");
	does_give(a, mq.count("q"), 0);
}

CAMPAIGN(mq, create, "a queue that is made is there as it was wished for, or isn't")
{
	actor *victim = cast("victim"), *alice = cast("alice");

	suffers(victim, mq.create("q", O_RDWR | O_EXCL, 0600, 3, 16));
	if (ending() == SUCCEEDED)
		does(alice, mq.open("q", O_RDWR));
	else if (ending() == REFUSED)
		does_fail(alice, mq.open("q", O_RDWR), ENOENT);
	if (ending() != SUCCEEDED)
		does(alice, mq.create("q", O_RDWR, 0600, 3, 16));
	does(alice, mq.attributes("q"));
	must_be(outcome_of(alice)->n[MQ_MESSAGES], 3);
	must_be(outcome_of(alice)->n[MQ_SIZE], 16);
	works(alice);
	does(alice, mq.unlink("q"));
	does_fail(alice, mq.open("q", O_RDWR), ENOENT);
}

CAMPAIGN(mq, open, "who opens a queue has it, or leaves it as it was")
{
	actor *alice = cast("alice"), *victim = cast("victim");

	does(alice, mq.make("q", 2, 16));
	does(alice, mq.send("q", "first", 1));
	suffers(victim, mq.open("q", O_RDWR));
	if (ending() == REFUSED)
		does(victim, mq.open("q", O_RDWR));
	if (ending() != DIED)
		does_give(victim, mq.count("q"), 1);
	does_give(alice, mq.receive("q"), "first");
	works(alice);
}

CAMPAIGN(mq, close, "who closes a queue is no longer to be notified, and others have it")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 2, 16));
	actor *victim = forks(alice, "victim");
	does(victim, mq.notify_none("q"));
	suffers(victim, mq.close("q"));
	if (ending() == REFUSED)
		does(victim, mq.close("q"));
	does(alice, mq.notify_none("q"));
	works(alice);
}

CAMPAIGN(mq, unlink, "a queue whose name is gone serves those who have it, and its name another")
{
	actor *alice = cast("alice"), *victim = cast("victim"), *bob = cast("bob");

	does(alice, mq.make("q", 2, 16));
	does(alice, mq.send("q", "old", 1));
	suffers(victim, mq.unlink("q"));
	begin(bob, mq.open("q", O_RDWR));
	returns(bob);
	bool is_gone = outcome_of(bob)->value == -1;
	must(ending() != SUCCEEDED || is_gone);
	must(ending() != REFUSED || !is_gone);
	if (is_gone)
		must_be(outcome_of(bob)->error, ENOENT);
	else
		does(alice, mq.unlink("q"));
	does(bob, mq.create("q", O_RDWR | O_EXCL, 0600, 2, 16));
	does_give(bob, mq.count("q"), 0);
	does_give(alice, mq.receive("q"), "old");
	works(alice);
	works(bob);
}

CAMPAIGN(mq, set_flags, "whether a descriptor waits is set, or stays")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 2, 16));
	actor *victim = forks(alice, "victim");
	suffers(victim, mq.set_nonblock("q", 1));
	does(alice, mq.attributes("q"));
	bool is_set = outcome_of(alice)->n[MQ_FLAGS] & O_NONBLOCK;
	must(ending() != SUCCEEDED || is_set);
	must(ending() != REFUSED || !is_set);
	does(alice, mq.set_nonblock("q", 1));
	does_fail(alice, mq.receive("q"), EAGAIN);
	works(alice);
}

/* -- sending and receiving -------------------------------------------------------------------- */

/* No message more is there. */
static void is_empty(actor *a)
{
	does_give(a, mq.count("q"), 0);
	does(a, mq.set_nonblock("q", 1));
	does_fail(a, mq.receive("q"), EAGAIN);
}

CAMPAIGN(mq, send, "a message is sent whole and takes its place by priority, or isn't sent")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 5, 16));
	does(alice, mq.send("q", "low", 1));
	does(alice, mq.send("q", "middle", 3));
	does(alice, mq.send("q", "high", 5));
	actor *victim = forks(alice, "victim");
	suffers(victim, mq.send("q", "hello", 3));
	if (!happened(alice, mq.count("q"), 3, 4))
		does(alice, mq.send("q", "hello", 3));
	does_give(alice, mq.receive("q"), "high");
	must_be(outcome_of(alice)->n[0], 5);
	does_give(alice, mq.receive("q"), "middle");
	does_give(alice, mq.receive("q"), "hello");
	must_be(outcome_of(alice)->n[0], 3);
	does_give(alice, mq.receive("q"), "low");
	is_empty(alice);
}

CAMPAIGN(mq, receive, "a message is received whole, or stays in its place")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 3, 16));
	does(alice, mq.send("q", "low", 1));
	does(alice, mq.send("q", "hello", 3));
	does(alice, mq.send("q", "other", 3));
	actor *victim = forks(alice, "victim");
	suffers(victim, mq.receive("q"));
	if (!happened(alice, mq.count("q"), 3, 2))
		does_give(alice, mq.receive("q"), "hello");
	/* its room is free, and once */
	does(alice, mq.send("q", "last", 0));
	does_give(alice, mq.receive("q"), "other");
	does_give(alice, mq.receive("q"), "low");
	does_give(alice, mq.receive("q"), "last");
	is_empty(alice);
}

/* Somebody waits for a message, which comes. */
static void waits_for_a_message(op receive)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 2, 16));
	actor *victim = forks(alice, "victim"), *sender = forks(alice, "sender");
	suffers_beside(victim, receive, sender, mq.send("q", "hello", 1));
	succeeds(sender);
	if (!happened(alice, mq.count("q"), 1, 0))
		does_give(alice, mq.receive("q"), "hello");
	works(alice);
	is_empty(alice);
}

CAMPAIGN(mq, wait, "who waits for a message gets it, or leaves it to others")
{
	waits_for_a_message(mq.receive("q"));
}

CAMPAIGN(mq, timed_receive, "who waits for a message for a time gets it, or leaves it to others")
{
	waits_for_a_message(mq.timed_receive("q", WAITS_LONG_MS));
}

/* Somebody waits for room, which there will be. */
static void waits_for_room(op send)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 1, 16));
	does(alice, mq.send("q", "first", 1));
	actor *victim = forks(alice, "victim"), *receiver = forks(alice, "receiver");
	suffers_beside(victim, send, receiver, mq.receive("q"));
	gives(receiver, "first");
	if (!happened(alice, mq.count("q"), 0, 1))
		does(alice, mq.send("q", "other", 1));
	does_give(alice, mq.receive("q"), "other");
	works(alice);
	is_empty(alice);
}

CAMPAIGN(mq, wait_for_room, "who waits for room sends when there is some, or not at all")
{
	waits_for_room(mq.send("q", "other", 1));
}

CAMPAIGN(mq, timed_send, "who waits for room for a time sends when there is some, or not at all")
{
	waits_for_room(mq.timed_send("q", "other", 1, WAITS_LONG_MS));
}

CAMPAIGN(mq, send_to_waiter, "a message wakes who waits for it, and he alone has it")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 2, 16));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, mq.receive("q"));
	blocks(waiter);
	suffers(victim, mq.send("q", "hello", 1));
	/* he who waits and isn't woken has nothing to be woken for */
	bool is_sent = ending() == SUCCEEDED || (ending() == DIED && rests(waiter));
	if (!is_sent)
		does(alice, mq.send("q", "other", 1));
	gives(waiter, is_sent ? "hello" : "other");
	works(alice);
	is_empty(alice);
}

CAMPAIGN(mq, receive_for_waiter, "room is for who waits for it, and no message is lost or doubled")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 1, 16));
	does(alice, mq.send("q", "first", 1));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, mq.send("q", "other", 1));
	blocks(waiter);
	suffers(victim, mq.receive("q"));
	begin(alice, mq.receive("q"));
	succeeds(alice);
	if (memcmp(outcome_of(alice)->bytes, "first", 5) == 0) {
		must(ending() != SUCCEEDED);
		does_give(alice, mq.receive("q"), "other");
	} else {
		must(ending() != REFUSED);
	}
	succeeds(waiter);
	is_empty(alice);
}

/* Somebody waits for a message and is stopped before it comes: others may be told of none. */
static actor *stopped_before_it_comes(actor *sender)
{
	does(sender, mq.make("q", 2, 16));
	actor *waiter = forks(sender, "waiter");
	begin(waiter, mq.receive("q"));
	blocks(waiter);
	freeze(waiter);
	does(sender, mq.send("q", "low", 1));
	return waiter;
}

CAMPAIGN(mq, tell_of_none, "a message that others are told isn't there is his who waits")
{
	actor *alice = cast("alice"), *waiter = stopped_before_it_comes(alice);
	actor *victim = forks(alice, "victim");

	suffers(victim, mq.count("q"));
	bool is_his = ending() == SUCCEEDED && outcome_of(victim)->value == 0;
	does(alice, mq.send("q", "high", 9));
	thaw(waiter);
	succeeds(waiter);
	bool has_low = memcmp(outcome_of(waiter)->bytes, "low", 3) == 0;
	must(has_low || !is_his);
	does_give(alice, mq.receive("q"), has_low ? "high" : "low");
	works(alice);
	is_empty(alice);
}

CAMPAIGN(mq, outlive_waiter, "what was his who waited, and is dead, takes nobody's room")
{
	actor *alice = cast("alice"), *waiter = stopped_before_it_comes(alice);
	actor *victim = forks(alice, "victim");

	begin(alice, mq.count("q"));
	succeeds(alice);
	int left = (int)outcome_of(alice)->value;
	dies(waiter);
	suffers(victim, mq.count("q"));
	does_give(alice, mq.count("q"), left);
	if (left)
		does_give(alice, mq.receive("q"), "low");
	does(alice, mq.send("q", "one", 1));
	does(alice, mq.send("q", "two", 1));
	does_give(alice, mq.receive("q"), "one");
	does_give(alice, mq.receive("q"), "two");
	works(alice);
	is_empty(alice);
}

/* -- notification ----------------------------------------------------------------------------- */

CAMPAIGN(mq, notify, "who asks to be notified is, once, or nobody is registered")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 2, 16));
	actor *victim = forks(alice, "victim");
	does(victim, sig.handle(SIGUSR2, SA_RESTART));
	suffers(victim, mq.notify_signal("q", SIGUSR2, 7));
	if (ending() == REFUSED)
		does(victim, mq.notify_signal("q", SIGUSR2, 7));
	if (ending() != DIED) {
		does_fail(alice, mq.notify_none("q"), EBUSY);
		does(alice, mq.send("q", "hello", 1));
		catches(victim, SIGUSR2, 1);
		does_give(alice, mq.receive("q"), "hello");
	}
	does(alice, mq.notify_none("q"));
	works(alice);
	if (ending() != DIED)
		must_be(caught(victim, SIGUSR2), 1);
}

CAMPAIGN(mq, notify_remove, "who wants to be notified no more isn't registered, or still is")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 2, 16));
	actor *victim = forks(alice, "victim");
	does(victim, sig.handle(SIGUSR2, SA_RESTART));
	does(victim, mq.notify_signal("q", SIGUSR2, 7));
	suffers(victim, mq.notify_remove("q"));
	if (ending() == REFUSED) {
		does_fail(alice, mq.notify_none("q"), EBUSY);
		does(victim, mq.notify_remove("q"));
	}
	does(alice, mq.notify_none("q"));
	works(alice);
	if (ending() != DIED)
		must_be(caught(victim, SIGUSR2), 0);
}

CAMPAIGN(mq, notify_send, "a message to the empty queue is told once, if it is sent")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 2, 16));
	actor *bob = forks(alice, "bob"), *victim = forks(alice, "victim");
	does(bob, sig.handle(SIGUSR2, SA_RESTART));
	does(bob, mq.notify_signal("q", SIGUSR2, 7));
	suffers(victim, mq.send("q", "hello", 1));
	if (!happened(alice, mq.count("q"), 0, 1)) {
		must_be(caught(bob, SIGUSR2), 0);
		does(alice, mq.send("q", "hello", 1));
	}
	catches(bob, SIGUSR2, 1);
	does(alice, mq.notify_none("q"));
	does(alice, mq.notify_remove("q"));
	does_give(alice, mq.receive("q"), "hello");
	works(alice);
	must_be(caught(bob, SIGUSR2), 1);
}

CAMPAIGN(mq, notify_beside_waiter, "a message for who waits is not told, and the asker stays")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 2, 16));
	actor *bob = forks(alice, "bob"), *victim = forks(alice, "victim");
	actor *waiter = forks(alice, "waiter");
	does(bob, sig.handle(SIGUSR2, SA_RESTART));
	does(bob, mq.notify_signal("q", SIGUSR2, 7));
	begin(waiter, mq.receive("q"));
	blocks(waiter);
	suffers(victim, mq.send("q", "hello", 1));
	if (ending() == DIED) /* whether there is a message for the waiter, nobody knows */
		dies(waiter);
	else if (ending() == REFUSED)
		does(alice, mq.send("q", "hello", 1));
	if (ending() != DIED)
		gives(waiter, "hello");
	must_be(caught(bob, SIGUSR2), 0);
	does_fail(alice, mq.notify_none("q"), EBUSY);
	does(bob, mq.notify_remove("q"));
	does(alice, mq.notify_none("q"));
}

/* The last that is done for the message. */
static void notes(union sigval told)
{
	shared()[0] += (unsigned long)told.sival_int;
}

static long long registers(const char *h, const long long *n)
{
	struct sigevent how;

	memset(&how, 0, sizeof(how));
	how.sigev_notify = SIGEV_THREAD;
	how.sigev_notify_function = notes;
	how.sigev_value.sival_int = (int)n[0];
	return entry(mq, mq_notify)((mqd_t)handle_number(h), &how);
}

static long long awaits_note(const char *text, const long long *n)
{
	(void)text;
	awaits(&shared()[0], (unsigned long)n[0]);
	return 0;
}

CAMPAIGN(mq, notify_thread, "who is to be notified by a thread and dies is registered no more")
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 2, 16));
	actor *victim = forks(alice, "victim"), *sender = forks(alice, "sender");
	does(victim, call(registers, "q", 7, 0, 0));
	suffers_beside(victim, call(awaits_note, "", 7, 0, 0), sender, mq.send("q", "hello", 1));
	succeeds(sender);
	must(ending() == DIED || shared()[0] == 7);
	does(alice, mq.notify_none("q"));
	does_give(alice, mq.receive("q"), "hello");
	is_empty(alice);
}
