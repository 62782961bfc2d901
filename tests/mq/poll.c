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

static const struct trigger {
	const char *name;
	unsigned flags;
} triggers[] = {{"level", 0}, {"edge", EPOLLET}};

TEST_EACH(mq, epoll_tells_readiness, triggers)
{
	actor *a = cast("alice"), *sender = cast("sender");

	does(a, mq.make("q", 1, 16));
	does(sender, mq.open("q", O_RDWR));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "q", EPOLLIN | row->flags));
	does_give(a, event.wait("e", 4, 0), "");
	begin(a, event.wait("e", 4, -1));
	blocks(a);
	does(sender, mq.send("q", "one", 0));
	gives(a, "q IN");
	does_give(a, event.wait("e", 4, 0), row->flags & EPOLLET ? "" : "q IN");
	does_give(a, mq.receive("q"), "one");
	does(sender, mq.send("q", "two", 0));
	does_give(a, event.wait("e", 4, 0), "q IN");
	does(a, event.rewatch("e", "q", EPOLLOUT | row->flags));
	does_give(a, event.wait("e", 4, 0), "");
	begin(a, event.wait("e", 4, -1));
	blocks(a);
	does_give(sender, mq.receive("q"), "two");
	gives(a, "q OUT");
}

TEST_EACH(mq, select_tells_readiness, readinesses)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 2, 16));
	for (int i = 0; i < row->messages; i++)
		does(a, mq.send("q", "text", 0));
	does_give(a, event.select("q", POLLIN | POLLOUT, 0), row->expected);
}

TEST(mq, duplicate_serves)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	does(a, fd.dup("q", "d"));
	does(a, mq.send("d", "one", 2));
	does_give(a, mq.receive("q"), "one");
	does(a, mq.set_nonblock("d", 1));
	does_fail(a, mq.receive("q"), EAGAIN);
	does(a, mq.close("q"));
	does(a, mq.send("d", "two", 2));
	does_give(a, mq.receive("d"), "two");
	does(a, fd.close("d"));
	does_fail(a, mq.count("d"), EBADF);
}

TEST(mq, fcntl_and_attributes_agree)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 1, 16));
	does_give(a, fd.is_nonblocking("q"), 0);
	does(a, fd.set_flags("q", O_NONBLOCK));
	does(a, mq.attributes("q"));
	must_be(outcome_of(a)->n[MQ_FLAGS], O_NONBLOCK);
	does_fail(a, mq.receive("q"), EAGAIN);
	does(a, mq.set_nonblock("q", 0));
	does_give(a, fd.is_nonblocking("q"), 0);
	does(a, mq.set_nonblock("q", 1));
	does_give(a, fd.is_nonblocking("q"), 1);
}

TEST(mq, descriptor_passes_over_a_socket)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	actor *bob = forks(alice, "bob");
	does(alice, mq.make("q", 1, 16));
	does(alice, mq.unlink("q"));
	does(alice, mq.send("q", "in it", 5));
	does(alice, sock.pass("s:a", "x", "q"));
	does(alice, mq.close("q"));
	does(bob, sock.take("s:b", 1, "q", 1, 0));
	does_give(bob, mq.count("q"), 1);
	does_give(bob, mq.receive("q"), "in it");
	must_be(outcome_of(bob)->n[0], 5);
	does(bob, mq.send("q", "again", 0));
	does_give(bob, mq.count("q"), 1);
}
