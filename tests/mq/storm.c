/* SPDX-License-Identifier: MIT */
/* Many senders and receivers at once. */
#include "stage/story.h"

enum { SENDERS = 3, EACH = 200, LAST = -1 };

/* What is sent: who it is from and which it is. */
struct numbered {
	int sender, number;
};

static bool is_interrupted(long long value)
{
	return value == -1 && errno == EINTR;
}

static long long sends_many(const char *h, const long long *n)
{
	mqd_t queue = (mqd_t)handle_number(h);

	for (int i = 0; i < EACH;) {
		struct numbered message = {(int)n[0], i};
		long long value =
			impl->mq->mq_send(queue, (const char *)&message, sizeof(message), 0);

		if (is_interrupted(value))
			continue;
		must_be(value, 0);
		i++;
	}
	return 0;
}

/* Until somebody says that it's the last; a sender's shared word sums up its numbers. */
static long long receives_many(const char *h, const long long *n)
{
	mqd_t queue = (mqd_t)handle_number(h);
	int last[SENDERS] = {-1, -1, -1};
	long long count = 0;

	(void)n;
	for (;;) {
		struct numbered message;
		long long value =
			impl->mq->mq_receive(queue, (char *)&message, sizeof(message), NULL);

		if (is_interrupted(value))
			continue;
		must_be(value, sizeof(message));
		if (message.sender == LAST)
			return count;
		must(message.sender >= 0 && message.sender < SENDERS);
		must(message.number > last[message.sender]);
		last[message.sender] = message.number;
		shared()[message.sender] += (uint64_t)message.number + 1;
		count++;
	}
}

static actor *boss, *senders[SENDERS], *receivers[2];

static void cast_all(void)
{
	boss = cast("boss");
	does(boss, mq.make("q", 4, sizeof(struct numbered)));
	for (int i = 0; i < 2; i++)
		receivers[i] = forks(boss, "receiver");
	for (int i = 0; i < SENDERS; i++)
		senders[i] = forks(boss, "sender");
}

static void begin_all(void)
{
	for (int i = 0; i < 2; i++)
		begin(receivers[i], call(receives_many, "q", 0, 0, 0));
	for (int i = 0; i < SENDERS; i++)
		begin(senders[i], call(sends_many, "q", i, 0, 0));
}

static void end_all(void)
{
	const struct numbered last = {LAST, 0};
	long long count = 0;

	for (int i = 0; i < SENDERS; i++)
		succeeds(senders[i]);
	for (int i = 0; i < 2; i++)
		does(boss, mq.send_bytes("q", &last, sizeof(last), 0));
	for (int i = 0; i < 2; i++) {
		succeeds(receivers[i]);
		count += outcome_of(receivers[i])->value;
	}
	must_be(count, SENDERS * EACH);
	for (int i = 0; i < SENDERS; i++)
		must_be(shared()[i], EACH * (EACH + 1) / 2);
	does_give(boss, mq.count("q"), 0);
}

TEST(mq, nothing_is_lost_or_doubled)
{
	cast_all();
	begin_all();
	end_all();
}

TEST(mq, nothing_is_lost_under_signals)
{
	cast_all();
	for (int i = 0; i < 2; i++)
		does(receivers[i], sig.handle(SIGUSR1, 0));
	for (int i = 0; i < SENDERS; i++)
		does(senders[i], sig.handle(SIGUSR1, 0));
	begin_all();
	for (int i = 0; i < 60; i++) {
		poke(receivers[i % 2], SIGUSR1);
		poke(senders[i % SENDERS], SIGUSR1);
	}
	end_all();
}

/* -- priorities ------------------------------------------------------------------------------- */

enum { PRIORITIES = 4 };

/* The number says which of its priority it is. */
static long long sends_priorities(const char *h, const long long *n)
{
	for (int i = 0; i < n[1]; i++) {
		struct numbered message = {(int)n[0], i / PRIORITIES};

		must_be(impl->mq->mq_send((mqd_t)handle_number(h), (const char *)&message,
					  sizeof(message), (unsigned)(i % PRIORITIES)),
			0);
	}
	return 0;
}

/* One receiver sees the messages of each sender and priority in their order, and, if all are there
 * before, the priorities in theirs. */
static long long receives_in_order(const char *h, const long long *n)
{
	int next[SENDERS][PRIORITIES] = {{0}};
	unsigned priority, highest = PRIORITIES - 1;

	for (int i = 0; i < n[0]; i++) {
		struct numbered message;

		must_be(impl->mq->mq_receive((mqd_t)handle_number(h), (char *)&message,
					     sizeof(message), &priority),
			sizeof(message));
		must(message.sender >= 0 && message.sender < SENDERS && priority < PRIORITIES);
		must_be(message.number, next[message.sender][priority]++);
		must(!n[1] || priority <= highest);
		highest = priority;
	}
	return 0;
}

TEST_VARIANT(mq, priorities_order_all_messages, of_many_at_once)
{
	enum { ALL = 120 };

	cast_all();
	begin(receivers[0], call(receives_in_order, "q", SENDERS * ALL, false, 0));
	for (int i = 0; i < SENDERS; i++)
		begin(senders[i], call(sends_priorities, "q", i, ALL, 0));
	for (int i = 0; i < SENDERS; i++)
		succeeds(senders[i]);
	succeeds(receivers[0]);
	does_give(boss, mq.count("q"), 0);
}

TEST_VARIANT(mq, priorities_order_all_messages, sent_by_many)
{
	enum { ALL = 2 };

	boss = cast("boss");
	does(boss, mq.make("q", SENDERS * ALL, sizeof(struct numbered)));
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = forks(boss, "sender");
		begin(senders[i], call(sends_priorities, "q", i, ALL, 0));
	}
	for (int i = 0; i < SENDERS; i++)
		succeeds(senders[i]);
	does(boss, call(receives_in_order, "q", SENDERS * ALL, true, 0));
	does_give(boss, mq.count("q"), 0);
}
