/* SPDX-License-Identifier: MIT */
/* Messages: their size, their bytes, their priority. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "stage/story.h"

TEST(mq, every_byte_is_kept)
{
	actor *a = cast("alice");
	char bytes[128];

	does(a, mq.make("q", 2, sizeof(bytes)));
	for (int half = 0; half < 2; half++) {
		for (int i = 0; i < 128; i++)
			bytes[i] = (char)(half * 128 + i);
		does(a, mq.send_bytes("q", bytes, sizeof(bytes), 0));
		begin(a, mq.receive("q"));
		gives_bytes(a, bytes, sizeof(bytes));
	}
}

TEST(mq, empty_message_is_a_message)
{
	actor *sender = cast("sender");

	does(sender, mq.make("q", 4, 64));
	actor *receiver = forks(sender, "receiver");
	does(sender, mq.send("q", "", 4));
	does_give(sender, mq.count("q"), 1);
	does_give(receiver, mq.receive("q"), "");
	must_be(outcome_of(receiver)->n[0], 4);
	does_give(sender, mq.count("q"), 0);
	begin(receiver, mq.receive("q"));
	blocks(receiver);
	does(sender, mq.send("q", "", 5));
	gives(receiver, "");
	must_be(outcome_of(receiver)->n[0], 5);
}

TEST(mq, largest_message_passes_whole)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 10));
	does(a, mq.send("q", "0123456789", 0));
	does_give(a, mq.receive_room("q", 10), "0123456789");
}

TEST(mq, too_long_message_is_refused)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 10));
	does_fail(a, mq.send("q", "0123456789 ", 0), EMSGSIZE);
	does_fail(a, mq.timed_send("q", "0123456789 ", 0, 1000), EMSGSIZE);
	does_give(a, mq.count("q"), 0);
}

TEST(mq, little_room_is_refused)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 2, 10));
	does(a, mq.send("q", "short", 0));
	does_fail(a, mq.receive_room("q", 9), EMSGSIZE);
	does_fail(a, mq.receive_room("q", 0), EMSGSIZE);
	does_give(a, mq.count("q"), 1);
	does_give(a, mq.receive_room("q", 10), "short");
	does_fail(a, mq.receive_room("q", 9), EMSGSIZE); /* rather than wait */
}

static long long limit_of_priorities(actor *a)
{
	does(a, mq.priority_limit());
	long long limit = outcome_of(a)->value;
	if (limit < 0)
		skip("MQ_PRIO_MAX has no limit");
	return limit;
}

static const struct priority {
	const char *name;
	long long above_zero, below_limit;
} priorities[] = {
	{"lowest", 0, 0},
	{"one", 1, 0},
	{"that_all_systems_have", 31, 0},
	{"highest", 0, 1},
};

TEST_EACH(mq, priority_is_told, priorities)
{
	actor *a = cast("alice");
	long long limit = limit_of_priorities(a);
	long long priority = row->below_limit ? limit - row->below_limit : row->above_zero;

	does(a, mq.make("q", 1, 10));
	does(a, mq.send("q", "text", (unsigned)priority));
	does_give(a, mq.receive("q"), "text");
	must_be(outcome_of(a)->n[0], priority);
}

TEST(mq, priority_has_a_limit)
{
	actor *a = cast("alice");
	long long limit = limit_of_priorities(a);

	does(a, mq.make("q", 2, 10));
	if (limit <= UINT_MAX)
		does_fail(a, mq.send("q", "text", (unsigned)limit), EINVAL);
	if (limit < UINT_MAX)
		does_fail(a, mq.send("q", "text", UINT_MAX), EINVAL);
	does_give(a, mq.count("q"), 0);
}

TEST(mq, priority_limit_is_told)
{
	actor *a = cast("alice");

	must(limit_of_priorities(a) >= 32);
}

static long long receives_bytes_only(const char *h, const long long *n)
{
	char bytes[64];

	(void)n;
	return impl->mq->mq_receive((mqd_t)handle_number(h), bytes, sizeof(bytes), NULL);
}

TEST(mq, priority_need_not_be_asked)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 2, 64));
	does(a, mq.send("q", "four", 3));
	does_give(a, call(receives_bytes_only, "q", 0, 0, 0), 4);
}

TEST(mq, priorities_order_all_messages)
{
	static const unsigned order[8] = {3, 1, 3, 7, 0, 1, 7, 3};
	static const char *const sorted = "dgachbfe"; /* by priority, then by age */
	actor *a = cast("alice");
	char text[2] = "a";

	does(a, mq.make("q", 8, 1));
	for (int i = 0; i < 8; i++) {
		text[0] = (char)('a' + i);
		does(a, mq.send("q", text, order[i]));
	}
	for (int i = 0; i < 8; i++) {
		text[0] = sorted[i];
		does_give(a, mq.receive("q"), text);
		must_be(outcome_of(a)->n[0], order[sorted[i] - 'a']);
	}
}

static long long receives_in_vain(const char *h, const long long *n)
{
	char bytes[64], before[64];
	unsigned priority = 0x5A5A;
	const struct timespec past = {1, 0};

	memset(bytes, 0x5A, sizeof(bytes));
	memcpy(before, bytes, sizeof(bytes));
	mqd_t queue = (mqd_t)handle_number(h);
	must_be(n[2] ? impl->mq->mq_timedreceive(queue, bytes, (size_t)n[0], &priority, &past)
		     : impl->mq->mq_receive(queue, bytes, (size_t)n[0], &priority),
		-1);
	must_be(errno, n[1]);
	must(memcmp(bytes, before, sizeof(bytes)) == 0);
	must_be(priority, 0x5A5A);
	return 0;
}

static const struct vain {
	const char *name;
	const char *text; /* NULL: the queue is empty */
	long long room;
	bool is_blocking;
	int error;
} vains[] = {
	{"no_message", NULL, 64, false, EAGAIN},
	{"too_late", NULL, 64, true, ETIMEDOUT},
	{"too_little_room", "text", 9, false, EMSGSIZE},
};

TEST_EACH(mq, failed_receive_leaves_the_buffer, vains)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 2, 10));
	does(a, mq.set_nonblock("q", !row->is_blocking));
	if (row->text)
		does(a, mq.send("q", row->text, 3));
	does(a, call(receives_in_vain, "q", row->room, row->error, row->is_blocking));
}
