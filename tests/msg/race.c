/* SPDX-License-Identifier: MIT */
/* System V queues that several send to and receive from at once. */
#include "race/race.h"

#include <sys/ipc.h>
#include <sys/msg.h>

struct queue {
	int id;
};

struct letter {
	long type;
	char text[8];
};

static bool make(void *world)
{
	struct queue *queue = world;

	queue->id = impl->msg->msgget(race_key(), IPC_CREAT | IPC_EXCL | 0600);
	return queue->id >= 0;
}

static void remove_queue(void *world)
{
	struct queue *queue = world;

	impl->msg->msgctl(queue->id, IPC_RMID, NULL);
}

static long long give(void *world, long type)
{
	struct queue *queue = world;
	struct letter letter = {type, "letter"};

	return answer(impl->msg->msgsnd(queue->id, &letter, sizeof(letter.text), 0));
}

/* The type of what came. */
static long long receive(void *world, long type, int flags)
{
	struct queue *queue = world;
	struct letter letter = {0, ""};
	ssize_t n = impl->msg->msgrcv(queue->id, &letter, sizeof(letter.text), type, flags);

	return n < 0 ? answer(-1) : letter.type;
}

static long long send_both(void *world)
{
	long long failure = give(world, 1);

	return failure ? failure : give(world, 2);
}

static long long receive_1(void *world)
{
	return receive(world, 1, 0);
}

static long long receive_2(void *world)
{
	return receive(world, 2, 0);
}

static long long left(void *world)
{
	long long count = 0;

	while (receive(world, 0, IPC_NOWAIT) > 0)
		count++;
	return count;
}

RACE(msg, each_type_finds_who_waits_for_it) = {
	.text = "two wait for a type each, and each gets his",
	.world = sizeof(struct queue),
	.make = make,
	.roles = {{"alice", receive_1}, {"bob", receive_2}, {"sender", send_both}},
	.after = left,
	.remove = remove_queue,
	.outcomes = {{"1 2 0 | 0", ALLOWED, "each has his"}},
};

static long long send_1(void *world)
{
	return give(world, 1);
}

static long long receive_at_once(void *world)
{
	return receive(world, 0, IPC_NOWAIT);
}

RACE(msg, each_message_goes_to_one) = {
	.text = "of two who look for a message one gets it, and it isn't lost",
	.world = sizeof(struct queue),
	.make = make,
	.roles = {{"sender", send_1}, {"alice", receive_at_once}, {"bob", receive_at_once}},
	.after = left,
	.remove = remove_queue,
	.outcomes = {{"0 1 -ENOMSG | 0", ALLOWED, "alice has it"},
		     {"0 -ENOMSG 1 | 0", ALLOWED, "bob has it"},
		     {"0 -ENOMSG -ENOMSG | 1", ALLOWED, "both were too early"}},
};

static long long receive_any(void *world)
{
	return receive(world, 0, 0);
}

RACE(msg, each_of_two_receivers_is_woken) = {
	.text = "two who receive and two who send: nobody waits for ever",
	.world = sizeof(struct queue),
	.make = make,
	.roles = {{"alice", receive_any},
		  {"bob", receive_any},
		  {"carol", send_1},
		  {"dave", send_1}},
	.after = left,
	.remove = remove_queue,
	.outcomes = {{"1 1 0 0 | 0", ALLOWED, "each has one"}},
};

/* -- deaths ------------------------------------------------------------------------------------ */

RACE(msg, who_dies_has_sent_or_not) = {
	.text = "of two who send one is killed: what he sent is there whole, or not at all",
	.world = sizeof(struct queue),
	.make = make,
	.roles = {{"victim", send_1}, {"sender", send_1}, {"alice", receive_1}},
	.mortals = 1,
	.after = left,
	.remove = remove_queue,
	.outcomes = {{"0 0 1 | 1", ALLOWED, "nobody died"},
		     {"killed 0 1 | [01]", ALLOWED, "the victim may have sent"}},
};

RACE(msg, who_dies_has_received_or_not) = {
	.text = "of two who receive one is killed: he has his message or not, the other has one",
	.world = sizeof(struct queue),
	.make = make,
	.roles = {{"victim", receive_any},
		  {"alice", receive_1},
		  {"sender", send_1},
		  {"other", send_1}},
	.mortals = 1,
	.after = left,
	.remove = remove_queue,
	.outcomes = {{"1 1 0 0 | 0", ALLOWED, "nobody died"},
		     {"killed 1 0 0 | [01]", ALLOWED, "the victim may have had his"}},
};
