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

TEST_VARIANT(mq, stop_and_continue_do_not_interrupt, sender)
{
	actor *alice = with_full_queue(), *sender = forks(alice, "sender");

	begin(sender, mq.send("q", "two", 9));
	blocks(sender);
	freeze(sender);
	thaw(sender);
	blocks(sender);
	does_give(alice, mq.receive("q"), "one");
	succeeds(sender);
	does_give(alice, mq.receive("q"), "two");
}

TEST(mq, ignored_signal_does_not_interrupt)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 4, 64));
	actor *receiver = forks(alice, "receiver");
	does(receiver, sig.ignore(SIGUSR1));
	begin(receiver, mq.receive("q"));
	blocks(receiver);
	poke(receiver, SIGUSR1);
	blocks(receiver);
	does(alice, mq.send("q", "still there", 0));
	gives(receiver, "still there");
}

TEST(mq, signal_interrupts_one_thread)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 4, 64));
	does(alice, sig.handle(SIGUSR1, 0));
	actor *first = cast_thread(alice, "first"), *second = cast_thread(alice, "second");
	begin(first, mq.receive("q"));
	blocks(first);
	begin(second, mq.receive("q"));
	blocks(second);
	poke(first, SIGUSR1);
	fails(first, EINTR);
	blocks(second);
	does(alice, mq.send("q", "for the other", 0));
	gives(second, "for the other");
}

static const struct meeting {
	const char *name;
	bool signal_first;
} meetings[] = {{"message_first", false}, {"signal_first", true}};

TEST_EACH(mq, message_and_signal_lose_nothing, meetings)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 4, 64));
	actor *receiver = forks(alice, "receiver");
	does(receiver, sig.handle(SIGUSR1, 0));
	begin(receiver, mq.receive("q"));
	blocks(receiver);
	freeze(receiver);
	if (row->signal_first)
		poke(receiver, SIGUSR1);
	does(alice, mq.send("q", "one", 0));
	poke(receiver, SIGUSR1);
	thaw(receiver);
	returns(receiver);
	catches(receiver, SIGUSR1, 1);
	must(outcome_of(receiver)->value == 3 || outcome_of(receiver)->error == EINTR);
	does_give(alice, mq.count("q"), outcome_of(receiver)->value == -1);
}

/* Shared words: a handler has begun, and may end. */
enum { BEGUN, MAY_END };

static void keeps_one(int number)
{
	(void)number;
	shared()[BEGUN] = 1;
	while (!shared()[MAY_END])
		continue;
}

static long long handles(const char *text, const long long *n)
{
	struct sigaction action = {.sa_handler = keeps_one};

	(void)text, (void)n;
	return impl->sig->sigaction(SIGUSR1, &action, NULL);
}

static const struct waiting {
	const char *name;
	bool has_time;
} waitings[] = {{"for_ever", false}, {"with_a_time", true}};

/* The actor, who waits, is in a handler. */
static void is_kept(actor *a, op waits)
{
	does(a, call(handles, NULL, 0, 0, 0));
	begin(a, waits);
	blocks(a);
	poke(a, SIGUSR1);
	awaits(&shared()[BEGUN], 1);
}

/* Now that it may end: whether the call has succeeded, and not been interrupted. */
static bool has_succeeded(actor *a)
{
	shared()[MAY_END] = 1;
	returns(a);
	must(outcome_of(a)->value >= 0 || outcome_of(a)->error == EINTR);
	return outcome_of(a)->value >= 0;
}

TEST_EACH(mq, message_during_a_handler_is_not_lost, waitings)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 4, 64));
	actor *receiver = forks(alice, "receiver");
	is_kept(receiver, row->has_time ? mq.timed_receive("q", 60000) : mq.receive("q"));
	does(alice, mq.send("q", "one", 0));
	bool is_received = has_succeeded(receiver);
	does_give(alice, mq.count("q"), !is_received);
	if (!is_received)
		does_give(alice, mq.receive("q"), "one");
}

TEST_EACH(mq, room_during_a_handler_is_used_or_left, waitings)
{
	actor *alice = with_full_queue(), *sender = forks(alice, "sender");

	is_kept(sender,
		row->has_time ? mq.timed_send("q", "two", 9, 60000) : mq.send("q", "two", 9));
	does_give(alice, mq.receive("q"), "one");
	bool is_sent = has_succeeded(sender);
	does_give(alice, mq.count("q"), is_sent);
	if (is_sent)
		does_give(alice, mq.receive("q"), "two");
}

TEST_VARIANT(mq, refused_message_is_a_waiters, in_a_handler)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 4, 64));
	actor *receiver = forks(alice, "receiver"), *other = forks(alice, "other");
	is_kept(receiver, mq.timed_receive("q", 60000));
	does(alice, mq.send("q", "one", 0));
	begin(other, mq.timed_receive_at("q", 1, 0));
	returns(other);
	bool is_refused = outcome_of(other)->value < 0;
	if (is_refused)
		must_be(outcome_of(other)->error, ETIMEDOUT);
	must_be(has_succeeded(receiver), is_refused);
	does_give(alice, mq.count("q"), 0);
}

/* Of an empty queue, one of whom waits before the other; gives who made it. */
static actor *with_two_receivers(actor **first, actor **second)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 4, 64));
	*first = forks(alice, "doomed"), *second = forks(alice, "next");
	begin(*first, mq.receive("q"));
	blocks(*first);
	begin(*second, mq.receive("q"));
	blocks(*second);
	return alice;
}

TEST(mq, killed_receiver_takes_nothing)
{
	actor *doomed, *next, *alice = with_two_receivers(&doomed, &next);

	dies(doomed);
	blocks(next);
	does(alice, mq.send("q", "inherited", 0));
	gives(next, "inherited");
	does(alice, mq.send("q", "another", 0));
	does_give(alice, mq.count("q"), 1);
}

TEST_VARIANT(mq, killed_receiver_takes_nothing, stopped_before_another)
{
	actor *doomed, *next, *alice = with_two_receivers(&doomed, &next);

	freeze(doomed);
	does(alice, mq.send("q", "inherited", 0));
	dies(doomed);
	gives(next, "inherited");
	does_give(alice, mq.count("q"), 0);
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

/* Of a queue of one message's room: what there is, and then nothing. */
static void must_be_sound(actor *boss)
{
	does(boss, mq.set_nonblock("q", 1));
	does(boss, mq.count("q"));
	if (outcome_of(boss)->value)
		does_give(boss, mq.receive("q"), "four");
	does_fail(boss, mq.receive("q"), EAGAIN);
	does_give(boss, mq.count("q"), 0);
	does(boss, mq.set_nonblock("q", 0));
}

/* Each round, one who waits is killed just when it may be served: it was, or it wasn't. */
TEST(mq, deaths_leave_the_queue_sound)
{
	actor *boss = cast("boss");

	does(boss, mq.make("q", 1, 16));
	for (int i = 0; i < 5; i++) {
		actor *receiver = forks(boss, "receiver"), *sender = forks(boss, "sender");
		begin(receiver, mq.receive("q"));
		blocks(receiver);
		begin(boss, mq.send("q", "four", 0));
		dies(receiver);
		succeeds(boss);
		must_be_sound(boss);
		does(boss, mq.send("q", "four", 0));
		begin(sender, mq.send("q", "four", 0));
		blocks(sender);
		begin(boss, mq.receive("q"));
		dies(sender);
		gives(boss, "four");
		must_be_sound(boss);
	}
}

TEST_VARIANT(mq, killed_receiver_takes_nothing, with_its_process)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 4, 64));
	actor *host = forks(alice, "host");
	actor *thread = cast_thread(host, "thread");
	begin(thread, mq.receive("q"));
	blocks(thread);
	exits(host, 0);
	does(alice, mq.send("q", "still here", 0));
	does_give(alice, mq.count("q"), 1);
	does_give(alice, mq.receive("q"), "still here");
}
