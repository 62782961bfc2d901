/* SPDX-License-Identifier: MIT */
/* Linux: a message queue descriptor is a file descriptor and can be polled. */
#include "stage/story.h"

static const struct readiness {
	const char *name;
	int messages, flags, expected;
} readinesses[] = {
	{"empty", 0, O_RDWR, POLLOUT},
	{"one", 1, O_RDWR, POLLIN | POLLOUT},
	{"full", 2, O_RDWR, POLLIN},
};

TEST_EACH(mq, readiness_follows_the_messages, readinesses)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 2, 16));
	for (int i = 0; i < row->messages; i++)
		does(a, mq.send("q", "text", 0));
	does_give(a, fd.poll("q", POLLIN | POLLOUT, 0), row->expected);
	does(a, mq.open("q:again", row->flags));
	does_give(a, fd.poll("q:again", POLLIN | POLLOUT, 0), row->expected);
}

TEST_VARIANT(mq, readiness_follows_the_messages, back_and_forth)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	for (int i = 0; i < 2; i++) {
		does_give(a, fd.poll("q", POLLIN | POLLOUT, 0), POLLOUT);
		does(a, mq.send("q", "text", 0));
		does_give(a, fd.poll("q", POLLIN | POLLOUT, 0), POLLIN);
		does_give(a, mq.receive("q"), "text");
	}
}

TEST(mq, poll_waits_for_a_message)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 1, 16));
	actor *bob = forks(alice, "bob");
	begin(bob, fd.poll("q", POLLIN, -1));
	blocks(bob);
	does(alice, mq.send("q", "text", 0));
	gives(bob, POLLIN);
	does_give(bob, mq.receive("q"), "text");
}

TEST(mq, poll_waits_for_room)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 1, 16));
	does(alice, mq.send("q", "text", 0));
	actor *bob = forks(alice, "bob");
	begin(bob, fd.poll("q", POLLOUT, -1));
	blocks(bob);
	does_give(alice, mq.receive("q"), "text");
	gives(bob, POLLOUT);
}
