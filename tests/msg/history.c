/* SPDX-License-Identifier: MIT */
/* What senders and receivers see at once is what one queue can have done. */
#include "../history.h"

enum { SENDERS = 2, RECEIVERS = 2, TYPES = 3 };

struct message {
	long type;
	int64_t value;
};

static long long send_many(const char *q, const long long *n)
{
	int id = (int)handle_number(q);
	unsigned who = (unsigned)n[0];

	for (long long i = 0; i < n[1]; i++) {
		struct message message = {1 + i * 7 / 3 % TYPES, value_of(who, i)};
		uint64_t invoked = recorder_clock();

		if (impl->msg->msgsnd(id, &message, sizeof(message.value), 0) < 0)
			return -1;
		/* the lowest type is received first, if it is asked for; else all are of one rank
		 */
		recorder_note(recorder, who, EVENT_PUT, message.value,
			      n[2] ? (int32_t)-message.type : 0, invoked);
	}
	return 0;
}

static long long receive_many(const char *q, const long long *n)
{
	int id = (int)handle_number(q);
	unsigned who = (unsigned)n[0];

	for (long long i = 0; i < n[1]; i++) {
		struct message message;
		uint64_t invoked = recorder_clock();

		if (impl->msg->msgrcv(id, &message, sizeof(message.value), (long)n[2], 0) !=
		    sizeof(message.value))
			return -1;
		recorder_note(recorder, who, EVENT_TAKE, message.value, 0, invoked);
	}
	return 0;
}

static const struct choice {
	const char *name;
	long long type; /* that is received */
} choices[] = {{"any", 0}, {"lowest", -TYPES}};

TEST_EACH(msg, what_happens_at_once_is_as_one_after_the_other, choices)
{
	long long count = operations_of(SENDERS + RECEIVERS);
	actor *actors[SENDERS + RECEIVERS];

	begin_history(SENDERS + RECEIVERS);
	actor *alice = cast("alice");
	does(alice, msg.make("q"));
	does(alice, msg.set_capacity("q", 8 * sizeof(int64_t)));
	for (unsigned i = 0; i < SENDERS + RECEIVERS; i++)
		actors[i] = forks(alice, i < SENDERS ? "sender" : "receiver");
	for (unsigned i = 0; i < SENDERS + RECEIVERS; i++) {
		if (i < SENDERS)
			begin(actors[i], call(send_many, "q", i, count, row->type));
		else
			begin(actors[i], call(receive_many, "q", i, count, row->type));
	}
	for (unsigned i = 0; i < SENDERS + RECEIVERS; i++)
		gives(actors[i], 0);
	must_be_of_a_queue((SENDERS + RECEIVERS) * count);
}
