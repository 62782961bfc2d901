/* SPDX-License-Identifier: MIT */
/* Out-of-band data: one urgent byte beside the stream. */
#include "contract/kinds.h"
#include "stage/story.h"

/*
 * Sends text, whose last byte is urgent; it has arrived.  (AF_UNIX has such bytes since Linux 5.15,
 * if the kernel was built with them.)
 */
static void urge(actor *a, const char *text)
{
	begin(a, sock.send("s:a", text, MSG_OOB));
	returns(a);
	if (outcome_of(a)->error == EOPNOTSUPP)
		skip("no urgent data on this kind of socket");
	must(outcome_of(a)->value > 0);
	does(a, fd.poll("s:b", POLLPRI, -1));
}

TEST_EACH(sock, urgent_byte_overtakes, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "in line", 0));
	urge(alice, "!");
	does(alice, sock.send("s:a", " behind", 0));
	does_give(alice, sock.receive("s:b", 1, MSG_OOB), "!");
	does_give(alice, sock.receive("s:b", 7, MSG_WAITALL), "in line");
	does_give(alice, sock.receive("s:b", 7, MSG_WAITALL), " behind");
	does_fail(alice, sock.receive("s:b", 7, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, normal_receive_stops_at_the_mark, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, sock.at_mark("s:b"), 0);
	urge(alice, "before!");
	does(alice, sock.send("s:a", "after", 0));
	does_give(alice, sock.at_mark("s:b"), 0);
	does_give(alice, sock.receive("s:b", 100, 0), "before");
	does_give(alice, sock.at_mark("s:b"), 1);
	does_give(alice, sock.receive("s:b", 1, MSG_OOB), "!");
	does_give(alice, sock.receive("s:b", 100, 0), "after");
	does_give(alice, sock.at_mark("s:b"), 0);
}

TEST_EACH(sock, urgent_byte_is_polled_for, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, fd.poll("s:b", POLLPRI, 0), 0);
	urge(alice, "!");
	does_give(alice, fd.poll("s:b", POLLPRI, 0), POLLPRI);
	does_give(alice, sock.receive("s:b", 1, MSG_OOB), "!");
	does_give(alice, fd.poll("s:b", POLLPRI, 0), 0);
}

TEST_EACH(sock, byte_beside_the_urgent_one_is_polled_for, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	urge(alice, "x!");
	does_give(alice, fd.poll("s:b", POLLIN | POLLPRI, 0), POLLIN | POLLPRI);
	does_give(alice, sock.receive("s:b", 1, MSG_OOB), "!");
	does_give(alice, fd.poll("s:b", POLLIN | POLLPRI, 0), POLLIN);
	does_give(alice, sock.receive("s:b", 100, 0), "x");
}

TEST_EACH(sock, urgent_byte_raises_SIGURG, tcp_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGURG, SA_RESTART));
	does(bob, fd.fcntl("s:b", F_SETOWN, pid_of(bob)));
	does_give(bob, fd.fcntl("s:b", F_GETOWN, 0), pid_of(bob));
	does(alice, sock.send("s:a", "x", 0));
	does_give(bob, sock.receive("s:b", 1, 0), "x");
	must_be(caught(bob, SIGURG), 0);
	urge(alice, "!");
	catches(bob, SIGURG, 1);
	does_give(bob, sock.receive("s:b", 1, MSG_OOB), "!");
}

TEST_EACH(sock, no_urgent_byte_is_EINVAL, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	urge(alice, "!");
	does_give(alice, sock.receive("s:b", 1, MSG_OOB), "!");
	does_fail(alice, sock.receive("s:b", 1, MSG_OOB), EINVAL);
	does_fail(alice, sock.receive("s:a", 1, MSG_OOB), EINVAL);
}

static const struct kind without_urgency[] = {
	{"unix_seqpacket", UNIX_SEQPACKET},
	{"unix_dgram", UNIX_DGRAM},
	{"udp4", UDP4},
};

TEST_EACH(sock, messages_have_no_urgent_byte, without_urgency)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_fail(alice, sock.send("s:a", "!", MSG_OOB), EOPNOTSUPP);
	does_fail(alice, sock.receive("s:b", 1, MSG_DONTWAIT), EAGAIN);
	begin(alice, sock.at_mark("s:b"));
	returns(alice);
	must_be(outcome_of(alice)->value, -1);
}

TEST_EACH(sock, consumed_urgent_bytes_stay_out, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	urge(alice, "A");
	does_give(alice, sock.receive("s:b", 1, MSG_OOB), "A");
	urge(alice, "B");
	does_give(alice, sock.receive("s:b", 1, MSG_OOB), "B");
	does_fail(alice, sock.receive("s:b", 1, MSG_DONTWAIT), EAGAIN);
	urge(alice, "C");
	/* an urgent byte that is passed by may be lost, but is no part of the stream */
	does_fail(alice, sock.receive("s:b", 1, MSG_DONTWAIT), EAGAIN);
	does(alice, sock.send("s:a", "in line", 0));
	does_give(alice, sock.receive("s:b", 100, 0), "in line");
}

TEST_EACH(sock, peek_shows_no_urgent_byte, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	urge(alice, "!");
	does(alice, sock.send("s:a", "in line", 0));
	does_give(alice, sock.receive("s:b", 100, MSG_PEEK), "in line");
	does_give(alice, sock.receive("s:b", 100, 0), "in line");
}

TEST(sock, consumed_urgent_byte_is_no_reset)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	urge(alice, "ab!");
	does_give(alice, sock.receive("s:b", 2, 0), "ab");
	does_give(alice, sock.receive("s:b", 1, MSG_OOB), "!");
	does(alice, fd.close("s:b"));
	does_give(alice, sock.receive("s:a", 1, 0), "");
}

TEST_EACH(sock, urgent_byte_stays_in_line_if_asked_for, tcp_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.set_option("s:b", SOL_SOCKET, SO_OOBINLINE, 1));
	does(alice, sock.send("s:a", "before", 0));
	urge(alice, "!");
	does(alice, sock.send("s:a", "after", 0));
	does_fail(alice, sock.receive("s:b", 1, MSG_OOB), EINVAL);
	does_give(alice, sock.receive("s:b", 100, 0), "before");
	does_give(alice, sock.at_mark("s:b"), 1);
	does_give(alice, sock.receive("s:b", 6, MSG_WAITALL), "!after");
}
