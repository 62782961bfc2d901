/* SPDX-License-Identifier: MIT */
/* What senders and receivers see at once is what one queue can have done. */
#include "../history.h"

enum { SENDERS = 2, RECEIVERS = 2, PRIORITIES = 3 };

static unsigned priorities; /* of the test; inherited */

static long long send_many(const char *q, const long long *n)
{
	mqd_t queue = (mqd_t)handle_number(q);
	uint64_t seed = begin_round(n);

	for (long long i = 0; i < n[1]; i++) {
		int64_t value = value_of((unsigned)n[0], n[2] + i);
		unsigned priority = choose(&seed, priorities);
		struct event *noted = recorder_invoke(recorder, (unsigned)n[0], EVENT_PUT, value,
						      (int32_t)priority);

		if (impl->mq->mq_send(queue, (const char *)&value, sizeof(value), priority) < 0)
			return -1;
		recorder_return(noted);
	}
	return 0;
}

/* One message, waited for or not; 0: there's none, -1: something is wrong. */
static int receive(mqd_t queue, unsigned who, bool waits, long long *failures)
{
	const struct timespec long_ago = {1, 0};
	struct event *noted = recorder_invoke(recorder, who, EVENT_TAKE, 0, 0);
	char bytes[sizeof(int64_t)];
	unsigned priority = 0;
	ssize_t size = waits ? impl->mq->mq_receive(queue, bytes, sizeof(bytes), &priority)
			     : impl->mq->mq_timedreceive(queue, bytes, sizeof(bytes), &priority,
							 &long_ago);

	if (size < 0 && errno == ETIMEDOUT) {
		note_failure(noted, EVENT_EMPTY, failures);
		return 0;
	}
	if (size != sizeof(bytes))
		return -1;
	memcpy(&noted->value, bytes, sizeof(bytes));
	noted->rank = (int32_t)priority;
	recorder_return(noted);
	return 1;
}

static long long receive_in_turn(const char *q, const long long *n, unsigned waiting)
{
	mqd_t queue = (mqd_t)handle_number(q);
	long long failures = n[1] / 2;
	uint64_t seed = begin_round(n);

	for (long long i = 0; i < n[1];) {
		int found = receive(queue, (unsigned)n[0], choose(&seed, 4) < waiting, &failures);

		if (found < 0)
			return -1;
		i += found;
	}
	return 0;
}

static long long receive_many(const char *q, const long long *n)
{
	return receive_in_turn(q, n, 4);
}

static long long try_and_receive(const char *q, const long long *n)
{
	return receive_in_turn(q, n, 1);
}

static const struct choice {
	const char *name;
	bool is_trying;
	unsigned priorities;
} choices[] = {{"waiting", false, PRIORITIES},
	       {"trying", true, 1},
	       {"trying_by_priority", true, PRIORITIES}};

TEST_EACH(mq, what_happens_at_once_is_as_one_after_the_other, choices)
{
	long long count = operations_of(SENDERS + RECEIVERS, FEW);
	struct player players[SENDERS + RECEIVERS];

	begin_history(SENDERS + RECEIVERS, count);
	priorities = row->priorities;
	actor *alice = cast("alice");
	does(alice, mq.make("q", 8, sizeof(int64_t)));
	for (unsigned i = 0; i < SENDERS; i++)
		players[i] = PLAYER(forks(alice, "sender"), send_many, "q");
	for (unsigned i = SENDERS; i < SENDERS + RECEIVERS; i++)
		players[i] = row->is_trying ? PLAYER(forks(alice, "receiver"), try_and_receive, "q")
					    : PLAYER(forks(alice, "receiver"), receive_many, "q");
	play(players, SENDERS + RECEIVERS, count);
	must_be_of(MODEL_QUEUE, 0);
}

/* -- some are killed -------------------------------------------------------------------------- */

/*
 * The last of the senders isn't killed: it sends as much as all do together usually, so that the
 * history is as long as others.  Shared words: how often each has tried, and whether it is done.
 */
enum { SURVIVOR = SENDERS - 1, IS_DONE = SENDERS + RECEIVERS };

static long long send_if_there_is_room(const char *q, const long long *n)
{
	mqd_t queue = (mqd_t)handle_number(q);
	const struct timespec long_ago = {1, 0};
	uint64_t seed = begin_round(n);

	for (long long i = 0; i < 2 * n[1];) {
		int64_t value = value_of((unsigned)n[0], i);
		unsigned priority = choose(&seed, PRIORITIES);
		struct event *noted = recorder_invoke(recorder, (unsigned)n[0], EVENT_PUT, value,
						      (int32_t)priority);

		if (impl->mq->mq_timedsend(queue, (const char *)&value, sizeof(value), priority,
					   &long_ago) == 0) {
			recorder_return(noted);
			i++;
		} else if (errno == ETIMEDOUT) {
			recorder_forget(recorder, (unsigned)n[0]);
			give_way();
		} else {
			return -1;
		}
		shared()[n[0]]++;
	}
	shared()[IS_DONE] += n[0] == SURVIVOR;
	return 0;
}

static long long receive_if_there_is_any(const char *q, const long long *n)
{
	long long failures = n[1] / 2;

	while (!shared()[IS_DONE] || shared()[n[0]] < (unsigned long)n[1]) {
		int found = receive((mqd_t)handle_number(q), (unsigned)n[0], false, &failures);

		if (found < 0)
			return -1;
		if (!found)
			give_way();
		shared()[n[0]]++;
	}
	return 0;
}

static long long receive_all(const char *q, const long long *n)
{
	long long failures = 1;
	int found;

	while ((found = receive((mqd_t)handle_number(q), (unsigned)n[0], false, &failures)) > 0)
		continue;
	return found;
}

/* Nothing is lost but what the killed were about to have, and nothing comes that was never sent. */
TEST_VARIANT(mq, what_happens_at_once_is_as_one_after_the_other, killed)
{
	enum { RECEIVER = SENDERS, DRAINER = SENDERS + RECEIVERS };
	long long count = operations_of(SENDERS + RECEIVERS, FEW);
	uint64_t seed = test_seed();
	actor *actors[SENDERS + RECEIVERS];

	begin_history(SENDERS + RECEIVERS + 1, 3 * count);
	actor *alice = cast("alice");
	does(alice, mq.make("q", 8, sizeof(int64_t)));
	/* where these calls are missing, the test is skipped for that */
	does(alice, mq.timed_send("q", "probe", 0, 0));
	does_give(alice, mq.timed_receive("q", 0), "probe");
	for (unsigned i = 0; i < SENDERS + RECEIVERS; i++)
		actors[i] = forks(alice, i < SENDERS ? "sender" : "receiver");
	for (unsigned i = 0; i < SENDERS + RECEIVERS; i++) {
		if (i < SENDERS)
			begin(actors[i], call(send_if_there_is_room, "q", i, count, 0));
		else
			begin(actors[i], call(receive_if_there_is_any, "q", i, count, 0));
	}
	awaits(&shared()[0], choose(&seed, (unsigned)count));
	dies(actors[0]);
	awaits(&shared()[RECEIVER], choose(&seed, (unsigned)count));
	dies(actors[RECEIVER]);
	gives(actors[1], 0);
	gives(actors[RECEIVER + 1], 0);
	does_give(alice, call(receive_all, "q", DRAINER, 0, 0), 0);
	must_be_of(MODEL_QUEUE, 0);
}
