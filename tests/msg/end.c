/* SPDX-License-Identifier: MIT */
/* How a wait ends otherwise: by a signal, by death, by the queue's removal. */
#include "stage/story.h"

#define TEN "0123456789"

/* A queue of fifteen bytes, of which ten are taken. */
static actor *with_full_queue(void)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.set_capacity("q", 15));
	does(a, msg.send("q", 1, TEN));
	return a;
}

TEST(msg, signal_interrupts_a_receiver)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *receiver = forks(alice, "receiver");
	does(receiver, sig.handle(SIGUSR1, 0));
	begin(receiver, msg.receive("q", 100, 0, 0));
	blocks(receiver);
	poke(receiver, SIGUSR1);
	fails(receiver, EINTR);
	must_be(caught(receiver, SIGUSR1), 1);
	does(alice, msg.send("q", 1, "untouched"));
	does_give(alice, msg.receive("q", 100, 0, IPC_NOWAIT), "untouched");
}

TEST(msg, signal_interrupts_a_sender)
{
	actor *alice = with_full_queue(), *sender = forks(alice, "sender");

	does(sender, sig.handle(SIGUSR1, 0));
	begin(sender, msg.send("q", 2, "six by"));
	blocks(sender);
	poke(sender, SIGUSR1);
	fails(sender, EINTR);
	does_give(alice, msg.receive("q", 100, 0, IPC_NOWAIT), TEN);
	does_fail(alice, msg.receive("q", 100, 0, IPC_NOWAIT), ENOMSG);
}

TEST(msg, interrupted_receiver_is_not_restarted)
{
	actor *receiver = cast("receiver");

	does(receiver, msg.make("q"));
	does(receiver, sig.handle(SIGUSR1, SA_RESTART));
	begin(receiver, msg.receive("q", 100, 0, 0));
	blocks(receiver);
	poke(receiver, SIGUSR1);
	fails(receiver, EINTR);
}

TEST(msg, interrupted_sender_is_not_restarted)
{
	actor *sender = with_full_queue();

	does(sender, sig.handle(SIGUSR1, SA_RESTART));
	begin(sender, msg.send("q", 2, "six by"));
	blocks(sender);
	poke(sender, SIGUSR1);
	fails(sender, EINTR);
	does_give(sender, msg.count("q"), 1);
}

TEST(msg, ignored_signal_does_not_interrupt)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *receiver = forks(alice, "receiver");
	does(receiver, sig.ignore(SIGUSR1));
	begin(receiver, msg.receive("q", 100, 0, 0));
	blocks(receiver);
	poke(receiver, SIGUSR1);
	blocks(receiver);
	does(alice, msg.send("q", 1, "still there"));
	gives(receiver, "still there");
}

TEST(msg, signal_interrupts_one_thread)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	does(alice, sig.handle(SIGUSR1, 0));
	actor *first = cast_thread(alice, "first"), *second = cast_thread(alice, "second");
	begin(first, msg.receive("q", 100, 0, 0));
	blocks(first);
	begin(second, msg.receive("q", 100, 0, 0));
	blocks(second);
	poke(first, SIGUSR1);
	fails(first, EINTR);
	blocks(second);
	does(alice, msg.send("q", 1, "for the other"));
	gives(second, "for the other");
}

static const struct meeting {
	const char *name;
	bool signal_first;
} meetings[] = {{"message_first", false}, {"signal_first", true}};

TEST_EACH(msg, message_and_signal_lose_nothing, meetings)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *receiver = forks(alice, "receiver");
	does(receiver, sig.handle(SIGUSR1, 0));
	begin(receiver, msg.receive("q", 100, 0, 0));
	blocks(receiver);
	freeze(receiver);
	if (row->signal_first)
		poke(receiver, SIGUSR1);
	does(alice, msg.send("q", 1, "one"));
	poke(receiver, SIGUSR1);
	thaw(receiver);
	returns(receiver);
	catches(receiver, SIGUSR1, 1);
	const outcome *out = outcome_of(receiver);
	must(out->value == 3 || out->error == EINTR);
	does_give(alice, msg.count("q"), out->value == -1);
	does_give(alice, msg.bytes("q"), out->value == -1 ? 3 : 0);
}

TEST(msg, stop_and_continue_do_not_interrupt)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *receiver = forks(alice, "receiver");
	begin(receiver, msg.receive("q", 100, 0, 0));
	blocks(receiver);
	freeze(receiver);
	thaw(receiver);
	blocks(receiver);
	does(alice, msg.send("q", 1, "still there"));
	gives(receiver, "still there");
}

TEST_VARIANT(msg, stop_and_continue_do_not_interrupt, sender)
{
	actor *alice = with_full_queue(), *sender = forks(alice, "sender");

	begin(sender, msg.send("q", 2, "six by"));
	blocks(sender);
	freeze(sender);
	thaw(sender);
	blocks(sender);
	does_give(alice, msg.receive("q", 100, 0, 0), TEN);
	succeeds(sender);
	does_give(alice, msg.receive("q", 100, 0, IPC_NOWAIT), "six by");
}

TEST(msg, killed_receiver_takes_nothing)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *doomed = forks(alice, "doomed"), *next = forks(alice, "next");
	begin(doomed, msg.receive("q", 100, 0, 0));
	blocks(doomed);
	begin(next, msg.receive("q", 100, 0, 0));
	blocks(next);
	dies(doomed);
	blocks(next);
	does(alice, msg.send("q", 1, "inherited"));
	gives(next, "inherited");
	does(alice, msg.send("q", 1, "another"));
	does_give(alice, msg.count("q"), 1);
}

TEST_VARIANT(msg, killed_receiver_takes_nothing, with_its_process)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *host = forks(alice, "host");
	actor *thread = cast_thread(host, "thread");
	begin(thread, msg.receive("q", 100, 0, 0));
	blocks(thread);
	exits(host, 0);
	does(alice, msg.send("q", 1, "still here"));
	does_give(alice, msg.count("q"), 1);
	does_give(alice, msg.receive("q", 100, 0, IPC_NOWAIT), "still here");
}

TEST(msg, killed_sender_adds_nothing)
{
	actor *alice = with_full_queue(), *doomed = forks(alice, "doomed");
	actor *next = forks(alice, "next");

	begin(doomed, msg.send("q", 2, "six by"));
	blocks(doomed);
	begin(next, msg.send("q", 3, "behind"));
	blocks(next);
	dies(doomed);
	blocks(next);
	does_give(alice, msg.receive("q", 100, 0, 0), TEN);
	succeeds(next);
	does_give(alice, msg.receive("q", 100, 0, IPC_NOWAIT), "behind");
	does_give(alice, msg.count("q"), 0);
}

TEST(msg, removal_wakes_every_receiver)
{
	static const long types[] = {0, 0, 5, -5};
	actor *alice = cast("alice"), *r[5];

	does(alice, msg.make("q"));
	for (int i = 0; i < 5; i++) {
		r[i] = forks(alice, "receiver");
		begin(r[i], i < 4 ? msg.receive("q", 100, types[i], 0)
				  : msg.receive("q", 0, 0, MSG_NOERROR));
	}
	for (int i = 0; i < 5; i++)
		blocks(r[i]);
	does(alice, msg.remove("q"));
	for (int i = 0; i < 5; i++)
		fails(r[i], EIDRM);
}

TEST(msg, removal_wakes_every_sender)
{
	actor *alice = with_full_queue(), *s[4];

	for (int i = 0; i < 4; i++) {
		s[i] = forks(alice, "sender");
		begin(s[i], msg.send("q", i + 1, "six by"));
	}
	for (int i = 0; i < 4; i++)
		blocks(s[i]);
	does(alice, msg.remove("q"));
	for (int i = 0; i < 4; i++)
		fails(s[i], EIDRM);
}

TEST(msg, removal_reaches_a_stopped_receiver)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *receiver = forks(alice, "receiver");
	begin(receiver, msg.receive("q", 100, 0, 0));
	blocks(receiver);
	freeze(receiver);
	does(alice, msg.remove("q"));
	thaw(receiver);
	returns(receiver);
	must_be(outcome_of(receiver)->value, -1);
	must(outcome_of(receiver)->error == EIDRM || outcome_of(receiver)->error == EINVAL);
}

TEST_VARIANT(msg, removal_reaches_a_stopped_receiver, sender)
{
	actor *alice = with_full_queue(), *sender = forks(alice, "sender");

	begin(sender, msg.send("q", 2, "six by"));
	blocks(sender);
	freeze(sender);
	does(alice, msg.remove("q"));
	thaw(sender);
	returns(sender);
	must_be(outcome_of(sender)->value, -1);
	must(outcome_of(sender)->error == EIDRM || outcome_of(sender)->error == EINVAL);
}

/* The receiver can't run between the removal and the making. */
TEST(msg, waiter_never_gets_the_new_queue)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *receiver = forks(alice, "receiver");
	begin(receiver, msg.receive("q", 100, 0, 0));
	blocks(receiver);
	freeze(receiver);
	does(alice, msg.remove("q"));
	does(alice, msg.make("q"));
	does(alice, msg.send("q", 1, "not for you"));
	thaw(receiver);
	returns(receiver);
	must_be(outcome_of(receiver)->value, -1);
	must(outcome_of(receiver)->error == EIDRM || outcome_of(receiver)->error == EINVAL);
	does_give(alice, msg.receive("q", 100, 0, IPC_NOWAIT), "not for you");
}

TEST(msg, anybody_of_the_owner_removes)
{
	actor *maker = cast("maker"), *other = cast_stranger("other");

	does(maker, msg.make("q"));
	does(other, msg.find("q"));
	does(other, msg.remove("q"));
	does_fail(maker, msg.send("q", 1, "gone"), EINVAL);
}

/* What can be done with an identifier. */
static const struct use {
	const char *name;
	int what;
} uses[] = {
	{"send", 0},   {"send_nowait", 1}, {"receive", 2}, {"receive_nowait", 3},
	{"status", 4}, {"set", 5},	   {"remove", 6},
};

/* msgctl with IPC_SET, without asking for the status before. */
static long long sets_blindly(const char *text, const long long *n)
{
	struct msqid_ds status = {.msg_qbytes = 1};

	(void)text;
	(void)n;
	return impl->msg->msgctl((int)handle_number("q"), IPC_SET, &status);
}

static op use_of(int what)
{
	switch (what) {
	case 0:
		return msg.send("q", 1, "text");
	case 1:
		return msg.send_now("q", 1, "text");
	case 2:
		return msg.receive("q", 100, 0, 0);
	case 3:
		return msg.receive("q", 100, 0, IPC_NOWAIT);
	case 4:
		return msg.status("q");
	case 5:
		return call(sets_blindly, NULL, 0, 0, 0);
	default:
		return msg.remove("q");
	}
}

TEST_EACH(msg, removed_queue_is_invalid, uses)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send("q", 1, "there"));
	does(a, msg.remove("q"));
	does_fail(a, use_of(row->what), EINVAL);
}

TEST_EACH(msg, nonsense_identifier_is_invalid, uses)
{
	actor *a = cast("alice");

	does(a, msg.make("probe"));
	does(a, msg.suppose("q", -1));
	does_fail(a, use_of(row->what), EINVAL);
}

TEST(msg, unknown_command_is_refused)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does_fail(a, msg.control("q", -1), EINVAL);
	does_fail(a, msg.control("q", 0x5A5A), EINVAL);
	does_give(a, msg.count("q"), 0);
}
