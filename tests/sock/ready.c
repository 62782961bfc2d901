/* SPDX-License-Identifier: MIT */
/* What poll and FIONREAD tell of sockets. */
#include "contract/kinds.h"
#include "stage/story.h"

enum {
	IN = POLLIN,
	OUT = POLLOUT,
	RDHUP = POLLRDHUP,
	HUP = POLLHUP,
	ERR = POLLERR,
	ASKED = IN | OUT | RDHUP
};

/* What is done before s:a is asked; the rest is done by the same process to s:a and its peer s:b.
 */
enum state { FRESH, DATA, FULL, PEER_SHUT, PEER_SHUT_DATA, SHUT, BOTH_SHUT, CLOSED, CLOSED_UNREAD };

static const struct {
	const char *name;
	int kind;
	enum state state;
	int bits;
} states[] = {
	{"unix_stream_fresh", UNIX_STREAM, FRESH, OUT},
	{"unix_stream_data", UNIX_STREAM, DATA, IN | OUT},
	{"unix_stream_full", UNIX_STREAM, FULL, 0},
	{"unix_stream_peer_shut", UNIX_STREAM, PEER_SHUT, IN | OUT | RDHUP},
	{"unix_stream_peer_shut_data", UNIX_STREAM, PEER_SHUT_DATA, IN | OUT | RDHUP},
	{"unix_stream_shut", UNIX_STREAM, SHUT, OUT},
	{"unix_stream_both_shut", UNIX_STREAM, BOTH_SHUT, IN | OUT | RDHUP | HUP},
	{"unix_stream_closed", UNIX_STREAM, CLOSED, IN | OUT | RDHUP | HUP},
	{"unix_stream_closed_unread", UNIX_STREAM, CLOSED_UNREAD, IN | OUT | RDHUP | HUP | ERR},
	{"unix_seqpacket_fresh", UNIX_SEQPACKET, FRESH, OUT},
	{"unix_seqpacket_data", UNIX_SEQPACKET, DATA, IN | OUT},
	{"unix_seqpacket_peer_shut", UNIX_SEQPACKET, PEER_SHUT, IN | OUT | RDHUP},
	{"unix_seqpacket_both_shut", UNIX_SEQPACKET, BOTH_SHUT, IN | OUT | RDHUP | HUP},
	{"unix_seqpacket_closed", UNIX_SEQPACKET, CLOSED, IN | OUT | RDHUP | HUP},
	{"unix_dgram_fresh", UNIX_DGRAM, FRESH, OUT},
	{"unix_dgram_data", UNIX_DGRAM, DATA, IN | OUT},
	{"unix_dgram_full", UNIX_DGRAM, FULL, 0},
	{"unix_dgram_peer_shut", UNIX_DGRAM, PEER_SHUT, OUT},
	{"tcp4_fresh", TCP4, FRESH, OUT},
	{"tcp4_data", TCP4, DATA, IN | OUT},
	{"tcp4_peer_shut", TCP4, PEER_SHUT, IN | OUT | RDHUP},
	{"tcp4_peer_shut_data", TCP4, PEER_SHUT_DATA, IN | OUT | RDHUP},
	{"tcp4_shut", TCP4, SHUT, OUT},
	{"tcp4_both_shut", TCP4, BOTH_SHUT, IN | OUT | RDHUP | HUP},
	{"tcp4_closed", TCP4, CLOSED, IN | OUT | RDHUP},
	{"tcp4_closed_unread", TCP4, CLOSED_UNREAD, IN | OUT | RDHUP | HUP | ERR},
	{"tcp6_fresh", TCP6, FRESH, OUT},
	{"tcp6_data", TCP6, DATA, IN | OUT},
	{"tcp6_peer_shut", TCP6, PEER_SHUT, IN | OUT | RDHUP},
	{"tcp6_closed", TCP6, CLOSED, IN | OUT | RDHUP},
	{"udp4_fresh", UDP4, FRESH, OUT},
	{"udp4_data", UDP4, DATA, IN | OUT},
	{"udp6_fresh", UDP6, FRESH, OUT},
	{"udp6_data", UDP6, DATA, IN | OUT},
};

static void bring_about(actor *a, enum state state)
{
	if (state == DATA || state == PEER_SHUT_DATA)
		does(a, sock.send("s:b", "data", 0));
	if (state == FULL)
		does(a, fd.fill("s:a", 20000));
	if (state == CLOSED_UNREAD)
		does(a, sock.send("s:a", "unread", 0));
	if (state == PEER_SHUT || state == PEER_SHUT_DATA || state == BOTH_SHUT)
		does(a, sock.shutdown("s:b", SHUT_WR));
	if (state == SHUT || state == BOTH_SHUT)
		does(a, sock.shutdown("s:a", SHUT_WR));
	if (state == CLOSED_UNREAD)
		does_give(a, sock.receive("s:b", 1, MSG_PEEK), "u");
	if (state == CLOSED || state == CLOSED_UNREAD)
		does(a, fd.close("s:b"));
}

TEST_EACH(sock, poll_tells_the_state, states)
{
	actor *alice = cast("alice");
	int awaited = row->bits & ERR	  ? ERR
		      : row->bits & HUP	  ? HUP
		      : row->bits & RDHUP ? RDHUP
					  : row->bits & IN;

	does(alice, sock.pair("s", row->kind));
	bring_about(alice, row->state);
	/* what goes over a network, even this one, may take a moment */
	if (awaited)
		does(alice, fd.poll("s:a", awaited & ASKED, -1));
	does_give(alice, fd.poll("s:a", ASKED, 0), row->bits);
	does_give(alice, fd.poll("s:a", 0, 0), row->bits & (HUP | ERR));
}

TEST_EACH(sock, poll_tells_what_can_be_done, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair_with("s", row->kind, SOCK_NONBLOCK));
	does_give(alice, fd.poll("s:b", IN, 0), 0);
	does_fail(alice, sock.receive("s:b", 1, 0), EAGAIN);
	does_give(alice, fd.poll("s:a", OUT, 0), OUT);
	does(alice, sock.send("s:a", "x", 0));
	does_give(alice, fd.poll("s:b", IN, -1), IN);
	does_give(alice, sock.receive("s:b", 1, 0), "x");
	does_give(alice, fd.poll("s:b", IN, 0), 0);
	if (row->kind == UDP4 || row->kind == UDP6)
		return;
	does(alice, fd.fill("s:a", 20000));
	if (row->kind == TCP4 || row->kind == TCP6)
		return;
	does_give(alice, fd.poll("s:a", OUT, 0), 0);
	does(alice, fd.drain("s:b"));
	does_give(alice, fd.poll("s:a", OUT, -1), OUT);
	does(alice, sock.send("s:a", "y", 0));
}

/* The room is the receiver's, whose socket the sender doesn't have. */
TEST_VARIANT(sock, poll_tells_what_can_be_done, to_a_receiver_by_name)
{
	actor *receiver = cast("receiver"), *sender = cast("sender");

	does(receiver, sock.serve("s", UNIX_DGRAM, 0));
	does(sender, sock.reach("c", UNIX_DGRAM, "s", 0));
	does_give(sender, fd.poll("c", IN | OUT, 0), OUT);
	does(sender, fd.fill("c", 1));
	does_give(sender, fd.poll("c", IN | OUT, 0), 0);
	begin(sender, fd.poll("c", IN | OUT, -1));
	blocks(sender);
	does(receiver, fd.drain("s"));
	gives(sender, OUT);
	does(sender, sock.send("c", "y", 0));
}

TEST_EACH(sock, poll_tells_of_connections, connections)
{
	actor *server = cast("server");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	does_give(server, fd.poll("s", IN, 0), 0);
	does(server, sock.reach("c", row->kind, "s", port));
	does_give(server, fd.poll("s", IN, -1), IN);
	does(server, sock.accept("s", "accepted"));
	does_give(server, fd.poll("s", IN, 0), 0);
}

TEST_EACH(sock, data_ends_poll, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	begin(bob, fd.poll("s:b", IN, -1));
	blocks(bob);
	does(alice, sock.send("s:a", "x", 0));
	gives(bob, IN);
}

TEST_EACH(sock, room_ends_poll, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, fd.fill("s:b", 20000));
	begin(bob, fd.poll("s:b", OUT, -1));
	blocks(bob);
	does(alice, fd.drain("s:a"));
	gives(bob, OUT);
}

TEST_EACH(sock, connection_ends_poll, connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	begin(server, fd.poll("s", IN, -1));
	blocks(server);
	does(client, sock.reach("c", row->kind, "s", port));
	gives(server, IN);
}

TEST_EACH(sock, close_ends_poll_for_nothing, unix_connections)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, fd.close("s:a"));
	begin(bob, fd.poll("s:b", 0, -1));
	blocks(bob);
	does(alice, fd.close("s:a"));
	gives(bob, HUP);
}

TEST_EACH(sock, half_close_ends_poll, connections)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	begin(bob, fd.poll("s:b", RDHUP, -1));
	blocks(bob);
	does(alice, sock.shutdown("s:a", SHUT_WR));
	gives(bob, RDHUP);
}

TEST_VARIANT(sock, half_close_ends_poll, death)
{
	actor *bob = cast("bob");

	does(bob, sock.pair("s", UNIX_STREAM));
	actor *alice = forks(bob, "alice");
	does(bob, fd.close("s:a"));
	begin(bob, fd.poll("s:b", RDHUP, -1));
	blocks(bob);
	dies(alice);
	gives(bob, RDHUP | HUP);
}

TEST_EACH(sock, waiting_bytes_are_counted, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, fd.readable_bytes("s:b"), 0);
	does(alice, sock.send("s:a", "three", 0));
	does_give(alice, sock.receive("s:b", 5, MSG_PEEK | MSG_WAITALL), "three");
	does_give(alice, fd.readable_bytes("s:b"), 5);
	does_give(alice, sock.receive("s:b", 2, 0), "th");
	does_give(alice, fd.readable_bytes("s:b"), 3);
	does_give(alice, fd.readable_bytes("s:a"), 0);
	does_give(alice, sock.receive("s:b", 9, 0), "ree");
	does_give(alice, fd.readable_bytes("s:b"), 0);
}

TEST_EACH(sock, next_datagram_is_measured, datagrams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, fd.readable_bytes("s:b"), 0);
	does(alice, sock.send("s:a", "seven..", 0));
	does(alice, sock.send("s:a", "two", 0));
	does_give(alice, sock.receive("s:b", 100, MSG_PEEK), "seven..");
	does_give(alice, fd.readable_bytes("s:b"), 7);
	does_give(alice, sock.receive("s:b", 1, 0), "s");
	does_give(alice, fd.poll("s:b", IN, -1), IN);
	does_give(alice, fd.readable_bytes("s:b"), 3);
	does_give(alice, sock.receive("s:b", 100, 0), "two");
	does_give(alice, fd.readable_bytes("s:b"), 0);
}

TEST_EACH(sock, shut_listener_is_ready, unix_connections)
{
	actor *alice = cast("alice");

	does(alice, sock.make("l", row->kind));
	does(alice, sock.bind("l", "n"));
	does(alice, sock.listen("l", 5));
	actor *bob = forks(alice, "bob");
	does_give(alice, fd.poll("l", IN, 0), 0);
	begin(bob, sock.accept("l", "x"));
	blocks(bob);
	does(alice, sock.shutdown("l", SHUT_RD));
	fails(bob, EINVAL);
	does_give(alice, fd.poll("l", IN, 0), IN);
	does_fail(alice, sock.accept("l", "x"), EINVAL);
}

TEST_EACH(sock, shut_listener_leaves_who_had_come, unix_connections)
{
	actor *alice = cast("alice");

	does(alice, sock.make("l", row->kind));
	does(alice, sock.bind("l", "n"));
	does(alice, sock.listen("l", 5));
	does(alice, sock.make("c", row->kind));
	does(alice, sock.connect("c", "n"));
	does(alice, sock.send("c", "before", 0));
	does(alice, sock.shutdown("l", SHUT_RD));
	does(alice, sock.make("d", row->kind));
	does_fail(alice, sock.connect("d", "n"), ECONNREFUSED);
	does(alice, sock.accept("l", "x"));
	does_give(alice, sock.receive("x", 100, 0), "before");
	does_fail(alice, sock.accept("l", "y"), EINVAL);
}
