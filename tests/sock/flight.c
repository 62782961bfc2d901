/* SPDX-License-Identifier: MIT */
/* Sockets that are on their way over sockets. */
#include <string.h>

#include "contract/kinds.h"
#include "stage/story.h"

TEST_EACH(sock, circles_in_flight_are_collected, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	does(alice, sock.pair("s", row->kind));
	does(alice, sock.pass("s:a", "myself", "s:b"));
	does(alice, sock.pass("s:b", "the other", "s:a"));
	does(alice, sock.pass("s:a", "luggage", "p:w"));
	does(alice, fd.close("p:w"));
	does(alice, fd.close("s:a"));
	does(alice, fd.close("s:b"));
	/* some collectors run only when a socket is closed */
	does(alice, sock.pair("other", row->kind));
	does(alice, fd.close("other:a"));
	does(alice, fd.close("other:b"));
	does_give(alice, fd.read("p:r", 1), "");
}

enum { CIRCLES = 100 };

static void pass_one(int over, int passed)
{
	char byte = 'x';
	struct iovec part = {&byte, 1};
	union {
		struct cmsghdr header;
		unsigned char bytes[64];
	} control;
	struct msghdr message;

	memset(&control, 0, sizeof(control));
	memset(&message, 0, sizeof(message));
	message.msg_iov = &part;
	message.msg_iovlen = 1;
	message.msg_control = &control;
	message.msg_controllen = CMSG_SPACE(sizeof(passed));
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(passed));
	memcpy(CMSG_DATA(header), &passed, sizeof(passed));
	must_be(impl->sock->sendmsg(over, &message, 0), 1);
}

/* Circles of sockets that nobody can reach any more, one after the other. */
static long long make_circles(const char *text, const long long *n)
{
	(void)text, (void)n;
	for (int i = 0; i < CIRCLES; i++) {
		int ends[2];

		must_be(impl->sock->socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		pass_one(ends[0], ends[0]);
		pass_one(ends[1], ends[1]);
		must_be(impl->fd->close(ends[0]), 0);
		must_be(impl->fd->close(ends[1]), 0);
	}
	shared()[0] = 1;
	return 0;
}

/* Looks at the message, again and again, until all circles are made. */
static long long look_on(const char *text, const long long *n)
{
	char byte;

	(void)n;
	while (!shared()[0])
		must_be(impl->sock->recv(handle_fd(text), &byte, 1, MSG_PEEK), 1);
	return 0;
}

TEST(sock, living_sockets_are_not_collected)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	actor *bob = forks(alice, "bob"), *carl = forks(alice, "carl");
	does(alice, sock.pair("inner", UNIX_STREAM));
	does(alice, sock.send("inner:a", "precious", 0));
	does(alice, sock.pass("s:a", "x", "inner:b"));
	does(alice, fd.close("inner:b"));
	begin(bob, call(look_on, "s:b", 0, 0, 0));
	begin(carl, call(make_circles, NULL, 0, 0, 0));
	succeeds(carl);
	succeeds(bob);
	does(bob, sock.take("s:b", 10, "got", 1, 0));
	must_be(outcome_of(bob)->n[TAKEN_DESCRIPTORS], 1);
	does_give(bob, sock.receive("got", 100, 0), "precious");
}
