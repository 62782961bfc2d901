/* SPDX-License-Identifier: MIT */
/* What senders and receivers see at once is what one queue can have done. */
#include "../history.h"

enum { SENDERS = 2, RECEIVERS = 2, PRIORITIES = 3 };

/* n: which actor, how many. */
static long long send_many(const char *q, const long long *n)
{
	mqd_t queue = (mqd_t)handle_number(q);
	unsigned who = (unsigned)n[0];

	for (long long i = 0; i < n[1]; i++) {
		int64_t value = value_of(who, i);
		unsigned priority = (unsigned)(i * 7 / 3) % PRIORITIES;
		uint64_t invoked = recorder_clock();

		if (impl->mq->mq_send(queue, (const char *)&value, sizeof(value), priority) < 0)
			return -1;
		recorder_note(recorder, who, EVENT_PUT, value, (int32_t)priority, invoked);
	}
	return 0;
}

static long long receive_many(const char *q, const long long *n)
{
	mqd_t queue = (mqd_t)handle_number(q);
	unsigned who = (unsigned)n[0];

	for (long long i = 0; i < n[1]; i++) {
		char bytes[sizeof(int64_t)];
		unsigned priority;
		int64_t value;
		uint64_t invoked = recorder_clock();

		if (impl->mq->mq_receive(queue, bytes, sizeof(bytes), &priority) != sizeof(bytes))
			return -1;
		memcpy(&value, bytes, sizeof(value));
		recorder_note(recorder, who, EVENT_TAKE, value, (int32_t)priority, invoked);
	}
	return 0;
}

TEST(mq, what_happens_at_once_is_as_one_after_the_other)
{
	long long count = operations_of(SENDERS + RECEIVERS);
	actor *actors[SENDERS + RECEIVERS];

	begin_history(SENDERS + RECEIVERS);
	actor *alice = cast("alice");
	does(alice, mq.make("q", 8, sizeof(int64_t)));
	for (unsigned i = 0; i < SENDERS + RECEIVERS; i++)
		actors[i] = forks(alice, i < SENDERS ? "sender" : "receiver");
	for (unsigned i = 0; i < SENDERS + RECEIVERS; i++) {
		if (i < SENDERS)
			begin(actors[i], call(send_many, "q", i, count, 0));
		else
			begin(actors[i], call(receive_many, "q", i, count, 0));
	}
	for (unsigned i = 0; i < SENDERS + RECEIVERS; i++)
		gives(actors[i], 0);
	must_be_of_a_queue((SENDERS + RECEIVERS) * count);
}
