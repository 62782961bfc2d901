/* SPDX-License-Identifier: MIT */
/* POSIX queues that several send to and receive from at once. */
#include "race/race.h"

#include <fcntl.h>

struct queue {
	mqd_t queue;
	mqd_t at_once; /* the same, of those who don't wait */
};

static bool make(void *world, long room)
{
	struct queue *it = world;
	struct mq_attr attributes = {.mq_maxmsg = room, .mq_msgsize = 8};
	char name[RACE_NAME_MAX];

	race_name(name);
	it->queue = impl->mq->mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	if (it->queue == (mqd_t)-1)
		return false;
	it->at_once = impl->mq->mq_open(name, O_RDWR | O_NONBLOCK, 0, NULL);
	impl->mq->mq_unlink(name);
	return it->at_once != (mqd_t)-1;
}

static bool make_of_one(void *world)
{
	return make(world, 1);
}

static bool make_of_four(void *world)
{
	return make(world, 4);
}

static void remove_queue(void *world)
{
	struct queue *it = world;

	impl->mq->mq_close(it->at_once);
	impl->mq->mq_close(it->queue);
}

static long long give(void *world, char letter, unsigned priority)
{
	struct queue *it = world;

	return answer(impl->mq->mq_send(it->queue, &letter, 1, priority));
}

static long long send_1(void *world)
{
	return give(world, 1, 1);
}

static long long send_2(void *world)
{
	return give(world, 2, 2);
}

static long long receive_from(mqd_t queue)
{
	char letter[8];

	return impl->mq->mq_receive(queue, letter, sizeof(letter), NULL) < 0 ? answer(-1)
									     : letter[0];
}

static long long receive(void *world)
{
	struct queue *it = world;

	return receive_from(it->queue);
}

static long long receive_two(void *world)
{
	long long first = receive(world);

	return first < 0 ? first : first * 10 + receive(world);
}

static long long left(void *world)
{
	struct queue *it = world;
	long long count = 0;

	while (receive_from(it->at_once) > 0)
		count++;
	return count;
}

RACE(mq, each_of_two_receivers_is_woken) = {
	.text = "two who receive and two who send: nobody waits for ever",
	.world = sizeof(struct queue),
	.make = make_of_four,
	.roles = {{"alice", receive}, {"bob", receive}, {"carol", send_1}, {"dave", send_2}},
	.after = left,
	.remove = remove_queue,
	.outcomes = {{"1 2 0 0 | 0", ALLOWED, "each has one"},
		     {"2 1 0 0 | 0", ALLOWED, "each has one"}},
};

RACE(mq, who_waits_for_room_is_woken) = {
	.text = "a queue of one: two who send, and one who receives twice",
	.world = sizeof(struct queue),
	.make = make_of_one,
	.roles = {{"alice", send_1}, {"bob", send_2}, {"receiver", receive_two}},
	.after = left,
	.remove = remove_queue,
	.outcomes = {{"0 0 12 | 0", ALLOWED, "alice was the first"},
		     {"0 0 21 | 0", ALLOWED, "bob was the first"}},
};

static long long send_both(void *world)
{
	long long failure = give(world, 1, 1);

	return failure ? failure : give(world, 2, 2);
}

RACE(mq, two_producers_and_a_consumer) = {
	.text = "what two send is received once, the higher priority first if it was there",
	.world = sizeof(struct queue),
	.make = make_of_four,
	.roles = {{"alice", send_both}, {"bob", send_1}, {"receiver", receive_two}},
	.after = left,
	.remove = remove_queue,
	.outcomes = {{"0 0 11 | 1", ALLOWED, "both low ones came before the high one"},
		     {"0 0 12 | 1", ALLOWED, "one low one came before the high one"},
		     {"0 0 21 | 1", ALLOWED, "the high one came first"}},
};

/* -- deaths ------------------------------------------------------------------------------------ */

RACE(mq, who_dies_has_sent_or_not) = {
	.text = "of two who send one is killed: what he sent is there whole, or not at all",
	.world = sizeof(struct queue),
	.make = make_of_four,
	.roles = {{"victim", send_1}, {"sender", send_1}, {"alice", receive}},
	.mortals = 1,
	.after = left,
	.remove = remove_queue,
	.outcomes = {{"0 0 1 | 1", ALLOWED, "nobody died"},
		     {"killed 0 1 | [01]", ALLOWED, "the victim may have sent"}},
};

RACE(mq, who_dies_has_received_or_not) = {
	.text = "of two who receive one is killed: he has his message or not, the other has one",
	.world = sizeof(struct queue),
	.make = make_of_four,
	.roles = {{"victim", receive}, {"alice", receive}, {"sender", send_1}, {"other", send_1}},
	.mortals = 1,
	.after = left,
	.remove = remove_queue,
	.outcomes = {{"1 1 0 0 | 0", ALLOWED, "nobody died"},
		     {"killed 1 0 0 | [01]", ALLOWED, "the victim may have had his"}},
};
