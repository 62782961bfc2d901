/* SPDX-License-Identifier: MIT */
/* Waiting up to a time.  That nothing ends before its time is checked wherever it is performed. */
#include "stage/story.h"

enum { MINUTE = 60000 };

static actor *with_full_queue(void)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	does(a, mq.send("q", "one", 1));
	return a;
}

TEST(mq, timeout_ends_receiving)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	does_fail(a, mq.timed_receive("q", 20), ETIMEDOUT);
	does_give(a, mq.count("q"), 0);
}

TEST(mq, timeout_ends_sending)
{
	actor *a = with_full_queue();

	does_fail(a, mq.timed_send("q", "two", 9, 20), ETIMEDOUT);
	does_give(a, mq.count("q"), 1);
	does_give(a, mq.receive("q"), "one");
	does_give(a, mq.count("q"), 0);
}

static const struct past {
	const char *name;
	long milliseconds;
} pasts[] = {{"a_moment_ago", -1}, {"a_day_ago", -86400000}, {"now", 0}};

TEST_EACH(mq, past_time_ends_the_wait_at_once, pasts)
{
	actor *a = with_full_queue();

	does_fail(a, mq.timed_send("q", "two", 9, row->milliseconds), ETIMEDOUT);
	does_give(a, mq.receive("q"), "one");
	does_fail(a, mq.timed_receive("q", row->milliseconds), ETIMEDOUT);
}

TEST_VARIANT(mq, past_time_ends_the_wait_at_once, the_epoch)
{
	actor *a = with_full_queue();

	does_fail(a, mq.timed_send_at("q", "two", 0, 0), ETIMEDOUT);
	does_give(a, mq.receive("q"), "one");
	does_fail(a, mq.timed_receive_at("q", 0, 0), ETIMEDOUT);
}

TEST_EACH(mq, past_time_does_not_hinder, pasts)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	does(a, mq.timed_send("q", "one", 3, row->milliseconds));
	does_give(a, mq.timed_receive("q", row->milliseconds), "one");
	must_be(outcome_of(a)->n[0], 3);
}

static const struct nanoseconds {
	const char *name;
	long nanoseconds;
} nanoseconds[] = {{"negative", -1}, {"a_second", 1000000000}, {"more", 1999999999}};

TEST_EACH(mq, nanoseconds_must_be_valid, nanoseconds)
{
	actor *a = with_full_queue();

	does_fail(a, mq.timed_send_at("q", "two", 1, row->nanoseconds), EINVAL);
	does_give(a, mq.count("q"), 1);
	does_give(a, mq.receive("q"), "one");
	does_fail(a, mq.timed_receive_at("q", 1, row->nanoseconds), EINVAL);
}

TEST(mq, seconds_must_not_be_negative)
{
	actor *a = with_full_queue();

	does_fail(a, mq.timed_send_at("q", "two", -1, 0), EINVAL);
	does_give(a, mq.receive("q"), "one");
	does_fail(a, mq.timed_receive_at("q", -1, 0), EINVAL);
}

TEST_EACH(mq, invalid_time_is_no_timeout, nanoseconds)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	begin(a, mq.timed_send_at("q", "one", 1, row->nanoseconds));
	returns(a);
	must(outcome_of(a)->value == 0 || outcome_of(a)->error == EINVAL);
	bool was_sent = outcome_of(a)->value == 0;
	does_give(a, mq.count("q"), was_sent);
	if (!was_sent)
		does(a, mq.send("q", "one", 0));
	begin(a, mq.timed_receive_at("q", 1, row->nanoseconds));
	returns(a);
	must(outcome_of(a)->value == 3 || outcome_of(a)->error == EINVAL);
	bool is_there = outcome_of(a)->value == -1;
	does_give(a, mq.count("q"), is_there);
}

TEST(mq, message_in_time_is_received)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 1, 16));
	actor *receiver = forks(alice, "receiver");
	begin(receiver, mq.timed_receive("q", MINUTE));
	blocks(receiver);
	does(alice, mq.send("q", "in time", 2));
	gives(receiver, "in time");
	must_be(outcome_of(receiver)->n[0], 2);
}

TEST(mq, room_in_time_is_used)
{
	actor *alice = with_full_queue(), *sender = forks(alice, "sender");

	begin(sender, mq.timed_send("q", "two", 2, MINUTE));
	blocks(sender);
	does_give(alice, mq.receive("q"), "one");
	succeeds(sender);
	does_give(alice, mq.receive("q"), "two");
}

TEST(mq, nonblocking_does_not_wait_for_the_time)
{
	actor *a = with_full_queue();

	does(a, mq.set_nonblock("q", 1));
	does_fail(a, mq.timed_send("q", "two", 9, MINUTE), EAGAIN);
	does_give(a, mq.receive("q"), "one");
	does_fail(a, mq.timed_receive("q", MINUTE), EAGAIN);
}

TEST(mq, timed_out_receiver_takes_nothing)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 1, 16));
	actor *receiver = forks(alice, "receiver");
	does_fail(receiver, mq.timed_receive("q", 10), ETIMEDOUT);
	does(alice, mq.send("q", "one", 0));
	does_give(alice, mq.count("q"), 1);
	does_give(alice, mq.receive("q"), "one");
}

/* A constant, in memory that can't be written. */
static const struct timespec long_ago = {1, 0};

static long long sends_long_ago(const char *q, const long long *n)
{
	(void)n;
	return impl->mq->mq_timedsend((mqd_t)handle_number(q), "one", 3, 0, &long_ago);
}

static long long receives_long_ago(const char *q, const long long *n)
{
	char bytes[16];

	(void)n;
	return impl->mq->mq_timedreceive((mqd_t)handle_number(q), bytes, sizeof(bytes), NULL,
					 &long_ago);
}

TEST(mq, deadline_is_only_read)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	does_give(a, call(sends_long_ago, "q", 0, 0, 0), 0);
	does_give(a, mq.count("q"), 1);
	does_fail(a, call(sends_long_ago, "q", 0, 0, 0), ETIMEDOUT);
	does_give(a, call(receives_long_ago, "q", 0, 0, 0), 3);
	does_give(a, mq.count("q"), 0);
	does_fail(a, call(receives_long_ago, "q", 0, 0, 0), ETIMEDOUT);
}

TEST(mq, signal_interrupts_a_timed_wait)
{
	actor *a = with_full_queue();

	does(a, sig.handle(SIGUSR1, 0));
	begin(a, mq.timed_send("q", "two", 9, MINUTE));
	blocks(a);
	poke(a, SIGUSR1);
	fails(a, EINTR);
	does_give(a, mq.receive("q"), "one");
	begin(a, mq.timed_receive("q", MINUTE));
	blocks(a);
	poke(a, SIGUSR1);
	fails(a, EINTR);
	does_give(a, mq.count("q"), 0);
}

TEST(mq, restart_keeps_the_time)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	does(a, sig.handle(SIGUSR1, SA_RESTART));
	begin(a, mq.timed_receive("q", 50));
	for (unsigned i = 1; i <= 3; i++) {
		poke(a, SIGUSR1);
		catches(a, SIGUSR1, i);
	}
	fails(a, ETIMEDOUT);
}

TEST_VARIANT(mq, restart_keeps_the_time, sending)
{
	actor *a = with_full_queue();

	does(a, sig.handle(SIGUSR1, SA_RESTART));
	begin(a, mq.timed_send("q", "two", 9, 50));
	for (unsigned i = 1; i <= 3; i++) {
		poke(a, SIGUSR1);
		catches(a, SIGUSR1, i);
	}
	fails(a, ETIMEDOUT);
	does_give(a, mq.count("q"), 1);
}
