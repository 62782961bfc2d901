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
