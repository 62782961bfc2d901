/* SPDX-License-Identifier: MIT */
/* What senders and receivers see at once is what one queue can have done. */
#include "../history.h"

enum { SENDERS = 2, RECEIVERS = 2, TYPES = 3 };

struct message {
	long type;
	int64_t value;
};

/* What receivers ask for: in turn by chance, if several; and whether they wait. */
static const struct choice {
	const char *name;
	struct {
		long type;
		int flags;
	} wishes[6];
	unsigned count;
} choices[] = {
	{"any", {{0, 0}}, 1},
	{"lowest", {{-TYPES, 0}}, 1},
	{"one", {{1, IPC_NOWAIT}, {2, IPC_NOWAIT}, {3, IPC_NOWAIT}}, 3},
	{"trying", {{0, IPC_NOWAIT}}, 1}, /* of "killed", too */
	{"all_kinds",
	 {{0, 0},
	  {-2, IPC_NOWAIT},
	  {1, IPC_NOWAIT},
	  {3, IPC_NOWAIT},
	  {2, IPC_NOWAIT | MSG_EXCEPT},
	  {-TYPES, 0}},
	 6},
};

static const struct choice *chosen; /* of the test; inherited */

static long long send_many(const char *q, const long long *n)
{
	int id = (int)handle_number(q);
	uint64_t seed = begin_round(n);

	for (long long i = 0; i < n[1]; i++) {
		struct message message = {1 + choose(&seed, TYPES),
					  value_of((unsigned)n[0], n[2] + i)};
		struct event *noted = recorder_invoke(recorder, (unsigned)n[0], EVENT_PUT,
						      message.value, (int32_t)message.type);

		if (impl->msg->msgsnd(id, &message, sizeof(message.value), 0) < 0)
			return -1;
		recorder_return(noted);
	}
	return 0;
}

/* One that is wished for; 0: there's none, -1: something is wrong. */
static int receive(int id, unsigned who, unsigned wish, long long *failures)
{
	long type = chosen->wishes[wish].type;
	int flags = chosen->wishes[wish].flags;
	bool is_except = flags & MSG_EXCEPT;
	struct event *noted =
		recorder_invoke(recorder, who, is_except ? EVENT_TAKE_EXCEPT : EVENT_TAKE, 0, 0);
	struct message message;

	noted->asked = type;
	ssize_t size = impl->msg->msgrcv(id, &message, sizeof(message.value), type, flags);

	if (size < 0 && errno == ENOMSG) {
		note_failure(noted, is_except ? EVENT_EMPTY_EXCEPT : EVENT_EMPTY, failures);
		return 0;
	}
	if (size != sizeof(message.value))
		return -1;
	noted->value = message.value;
	noted->rank = (int32_t)message.type;
	recorder_return(noted);
	return 1;
}

static long long receive_many(const char *q, const long long *n)
{
	int id = (int)handle_number(q);
	long long failures = n[1] / 2;
	uint64_t seed = begin_round(n);

	for (long long i = 0; i < n[1];) {
		int found = receive(id, (unsigned)n[0], choose(&seed, chosen->count), &failures);

		if (found < 0)
			return -1;
		i += found;
	}
	return 0;
}

TEST_EACH(msg, what_happens_at_once_is_as_one_after_the_other, choices)
{
	long long count = operations_of(SENDERS + RECEIVERS, FEW);
	struct player players[SENDERS + RECEIVERS];

	begin_history(SENDERS + RECEIVERS, count);
	chosen = row;
	actor *alice = cast("alice");
	does(alice, msg.make("q"));
	does(alice, msg.set_capacity("q", 8 * sizeof(int64_t)));
	for (unsigned i = 0; i < SENDERS + RECEIVERS; i++)
		players[i] = i < SENDERS ? PLAYER(forks(alice, "sender"), send_many, "q")
					 : PLAYER(forks(alice, "receiver"), receive_many, "q");
	play(players, SENDERS + RECEIVERS, count);
	must_be_of(MODEL_TYPES, 0);
}

/* -- some are killed -------------------------------------------------------------------------- */

/*
 * The last of the senders isn't killed: it sends as much as all do together usually, so that the
 * history is as long as others.  Shared words: how often each has tried, and whether it is done.
 */
enum { SURVIVOR = SENDERS - 1, IS_DONE = SENDERS + RECEIVERS };

static long long send_if_there_is_room(const char *q, const long long *n)
{
	int id = (int)handle_number(q);
	uint64_t seed = begin_round(n);

	for (long long i = 0; i < 2 * n[1];) {
		struct message message = {1 + choose(&seed, TYPES), value_of((unsigned)n[0], i)};
		struct event *noted = recorder_invoke(recorder, (unsigned)n[0], EVENT_PUT,
						      message.value, (int32_t)message.type);

		if (impl->msg->msgsnd(id, &message, sizeof(message.value), IPC_NOWAIT) == 0) {
			recorder_return(noted);
			i++;
		} else if (errno == EAGAIN) {
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
	int id = (int)handle_number(q);
	long long failures = n[1] / 2;

	while (!shared()[IS_DONE] || shared()[n[0]] < (unsigned long)n[1]) {
		int found = receive(id, (unsigned)n[0], 0, &failures);

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
	int id = (int)handle_number(q), found;
	long long failures = 1;

	while ((found = receive(id, (unsigned)n[0], 0, &failures)) > 0)
		continue;
	return found;
}

/* Nothing is lost but what the killed were about to have, and nothing comes that was never sent. */
TEST_VARIANT(msg, what_happens_at_once_is_as_one_after_the_other, killed)
{
	enum { RECEIVER = SENDERS, DRAINER = SENDERS + RECEIVERS };
	long long count = operations_of(SENDERS + RECEIVERS, FEW);
	uint64_t seed = test_seed();
	actor *actors[SENDERS + RECEIVERS];

	begin_history(SENDERS + RECEIVERS + 1, 3 * count);
	chosen = &choices[3];
	actor *alice = cast("alice");
	does(alice, msg.make("q"));
	does(alice, msg.set_capacity("q", 8 * sizeof(int64_t)));
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
	must_be_of(MODEL_TYPES, 0);
}
