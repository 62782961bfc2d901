/* SPDX-License-Identifier: MIT */
/* How long a message is, and how much of it is received. */
#include <stdlib.h>
#include <string.h>

#include "stage/story.h"

TEST(msg, every_byte_is_kept)
{
	actor *a = cast("alice");
	char bytes[256];

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	does(a, msg.make("q"));
	does(a, msg.send_bytes("q", 1, bytes, sizeof(bytes), 0));
	begin(a, msg.receive("q", 300, 0, IPC_NOWAIT));
	gives_bytes(a, bytes, sizeof(bytes));
}

TEST(msg, empty_message_is_a_message)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *receiver = forks(sender, "receiver");
	does(sender, msg.send("q", 4, ""));
	does_give(sender, msg.count("q"), 1);
	does_give(receiver, msg.receive("q", 100, 0, IPC_NOWAIT), "");
	must_be(outcome_of(receiver)->n[0], 4);
	does_give(sender, msg.count("q"), 0);
}

TEST_VARIANT(msg, empty_message_is_a_message, it_ends_a_wait)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *receiver = forks(sender, "receiver");
	begin(receiver, msg.receive("q", 0, 0, 0));
	blocks(receiver);
	does(sender, msg.send("q", 4, ""));
	gives(receiver, "");
	must_be(outcome_of(receiver)->n[0], 4);
}

TEST(msg, exact_room_is_enough)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send("q", 1, "twelve bytes"));
	does_give(a, msg.receive("q", 12, 0, IPC_NOWAIT), "twelve bytes");
}

/* The limits are the system's; what it allows may be more than an operation carries. */
static long long largest(actor *a)
{
	does(a, msg.limits());
	long long size = outcome_of(a)->n[MSG_LIMIT_SIZE];
	if (size > outcome_of(a)->n[MSG_LIMIT_CAPACITY])
		skip("the largest message (%lld) is larger than a queue", size);
	if (size >= OUTCOME_BYTES)
		skip("the largest message (%lld) is larger than this test", size);
	return size;
}

TEST(msg, largest_message_passes_whole)
{
	actor *a = cast("alice");
	long long size = largest(a);

	does(a, msg.make("q"));
	does(a, msg.send_sized("q", 1, size, IPC_NOWAIT));
	does_give(a, msg.bytes("q"), size);
	does_give(a, msg.receive("q", size, 0, IPC_NOWAIT), size);
	for (long long i = 0; i < size; i++)
		must_be(outcome_of(a)->bytes[i], 'a' + i % 26);
}

TEST(msg, message_above_the_limit_is_refused)
{
	actor *a = cast("alice");
	long long size = largest(a);

	does(a, msg.make("q"));
	does_fail(a, msg.send_sized("q", 1, size + 1, IPC_NOWAIT), EINVAL);
	does_give(a, msg.count("q"), 0);
	does_give(a, msg.bytes("q"), 0);
}

TEST(msg, absurd_size_is_refused)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does_fail(a, msg.send_sized("q", 1, -1, IPC_NOWAIT), EINVAL);
	does_give(a, msg.count("q"), 0);
	does_fail(a, msg.receive("q", -1, 0, IPC_NOWAIT), EINVAL);
}

TEST(msg, too_long_message_stays)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send("q", 3, "too long for you"));
	does(a, msg.send("q", 3, "short"));
	does_fail(a, msg.receive("q", 5, 0, IPC_NOWAIT), E2BIG);
	does_fail(a, msg.receive("q", 15, 3, 0), E2BIG);
	does_fail(a, msg.receive("q", 0, 0, 0), E2BIG);
	does_give(a, msg.count("q"), 2);
	does_give(a, msg.receive("q", 16, 0, IPC_NOWAIT), "too long for you");
	does_give(a, msg.receive("q", 5, 0, IPC_NOWAIT), "short");
}

TEST(msg, noerror_truncates)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send("q", 3, "headtail"));
	does(a, msg.send("q", 3, "next"));
	does_give(a, msg.receive("q", 4, 0, MSG_NOERROR), "head");
	must_be(outcome_of(a)->n[0], 3);
	does_give(a, msg.receive("q", 4, 0, MSG_NOERROR), "next");
	does_give(a, msg.count("q"), 0);
}

TEST(msg, no_room_takes_an_empty_piece)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send("q", 3, "lost"));
	does_give(a, msg.receive("q", 0, 0, MSG_NOERROR), "");
	must_be(outcome_of(a)->n[0], 3);
	does_give(a, msg.count("q"), 0);
}

/* The room's end is watched wherever msg.receive is performed. */
static const struct room {
	const char *name;
	long long size;
} rooms[] = {{"none", 0}, {"one", 1}, {"odd", 7}, {"a_word", 8}, {"all_but_one", 99}, {"all", 100}};

TEST_EACH(msg, receiving_stays_within_the_room, rooms)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send_sized("q", 1, 100, 0));
	does_give(a, msg.receive("q", row->size, 0, MSG_NOERROR), row->size);
	does(a, msg.send_sized("q", 1, 100, 0));
	begin(a, msg.receive("q", row->size, 0, 0));
	returns(a);
}

struct long_message {
	long type;
	char text[64];
};

static long long receives_in_vain(const char *text, const long long *n)
{
	struct long_message message, before;

	(void)text;
	memset(&message, 0x5A, sizeof(message));
	before = message;
	must_be(impl->msg->msgrcv((int)handle_number("q"), &message, (size_t)n[0], (long)n[1],
				  IPC_NOWAIT),
		-1);
	must_be(errno, n[2]);
	must(memcmp(&message, &before, sizeof(message)) == 0);
	return 0;
}

static const struct vain {
	const char *name;
	long long room, type;
	int error;
} vains[] = {{"no_message", 64, 9, ENOMSG}, {"too_long", 4, 1, E2BIG}};

TEST_EACH(msg, failed_receive_leaves_the_buffer, vains)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send("q", 1, "a long message"));
	does(a, call(receives_in_vain, NULL, row->room, row->type, row->error));
}

static const struct narrow {
	const char *name;
	long type;
	const char *text; /* NULL: too long */
} narrows[] = {
	{"of_its_type", 2, "two"}, {"at_most_the_type", -2, "two"},
	{"the_first", 0, NULL},	   {"first_of_its_type", 5, NULL},
	{"lowest", -1, NULL},
};

/* Room for three bytes: of type 5 there are "too long" and "fit", of type 1 "long". */
TEST_EACH(msg, room_is_for_the_selected_message, narrows)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send("q", 5, "too long"));
	does(a, msg.send("q", 2, "two"));
	does(a, msg.send("q", 5, "fit"));
	if (row->type == -1)
		does(a, msg.send("q", 1, "long"));
	if (row->text) {
		does_give(a, msg.receive("q", 3, row->type, IPC_NOWAIT), row->text);
		return;
	}
	does_fail(a, msg.receive("q", 3, row->type, IPC_NOWAIT), E2BIG);
	does_give(a, msg.count("q"), row->type == -1 ? 4 : 3);
	does_give(a, msg.receive("q", 100, 0, IPC_NOWAIT), "too long");
}
