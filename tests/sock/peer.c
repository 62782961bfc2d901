/* SPDX-License-Identifier: MIT */
/* Peers of datagrams: had, changed, dissolved. */
#include "contract/kinds.h"
#include "stage/story.h"

TEST_EACH(sock, connected_datagrams_are_filtered, udp_kinds)
{
	actor *alice = cast("alice"), *carl = cast("carl");

	does(alice, sock.serve("a", row->kind, 0));
	int a = (int)outcome_of(alice)->value;
	does(alice, sock.serve("b", row->kind, 0));
	does(alice, sock.connect_port("a", row->kind, (int)outcome_of(alice)->value));
	does(carl, sock.make("c", row->kind));
	does(carl, sock.send_to_port("c", row->kind, "intruder", a));
	does(alice, sock.send_to_port("b", row->kind, "peer", a));
	does_give(alice, sock.receive("a", 100, 0), "peer");
	does_fail(alice, sock.receive("a", 100, MSG_DONTWAIT), EAGAIN);
}

TEST_VARIANT(sock, connected_datagrams_are_filtered, unix_dgram)
{
	actor *alice = cast("alice"), *carl = cast("carl");

	does(alice, sock.serve("a", UNIX_DGRAM, 0));
	does(alice, sock.serve("b", UNIX_DGRAM, 0));
	does(alice, sock.connect("a", "b"));
	does(carl, sock.make("c", UNIX_DGRAM));
	/* refused here or dropped there */
	begin(carl, sock.send_to("c", "intruder", "a", 0));
	returns(carl);
	does(alice, sock.send_to("b", "peer", "a", 0));
	does_give(alice, sock.receive("a", 100, 0), "peer");
	does_fail(alice, sock.receive("a", 100, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, datagram_peer_can_be_changed, udp_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.serve("a", row->kind, 0));
	int a = (int)outcome_of(alice)->value;
	does(alice, sock.serve("b", row->kind, 0));
	int b = (int)outcome_of(alice)->value;
	does(alice, sock.make("c", row->kind));
	does(alice, sock.connect_port("c", row->kind, a));
	does(alice, sock.send("c", "one", 0));
	does(alice, sock.connect_port("c", row->kind, b));
	does(alice, sock.send("c", "two", 0));
	does_give(alice, sock.receive("a", 100, 0), "one");
	does_give(alice, sock.receive("b", 100, 0), "two");
	does_fail(alice, sock.receive("a", 100, MSG_DONTWAIT), EAGAIN);
}

TEST_VARIANT(sock, datagram_peer_can_be_changed, unix_dgram)
{
	actor *alice = cast("alice");

	does(alice, sock.serve("a", UNIX_DGRAM, 0));
	does(alice, sock.serve("b", UNIX_DGRAM, 0));
	does(alice, sock.reach("c", UNIX_DGRAM, "a", 0));
	does(alice, sock.send("c", "one", 0));
	does(alice, sock.connect("c", "b"));
	does_give(alice, sock.peer_name("c"), "b");
	does(alice, sock.send("c", "two", 0));
	does_give(alice, sock.receive("a", 100, 0), "one");
	does_give(alice, sock.receive("b", 100, 0), "two");
}

/* Linux takes a port that it chose itself back with the peer: this one was asked for. */
static int serve_at_a_port_asked_for(actor *a, const char *h, int kind)
{
	does(a, sock.make("other", kind));
	does(a, sock.set_option("other", SOL_SOCKET, SO_REUSEPORT, 1));
	does(a, sock.bind_port("other", kind, 0));
	int port = (int)outcome_of(a)->value;
	does(a, sock.make(h, kind));
	does(a, sock.set_option(h, SOL_SOCKET, SO_REUSEPORT, 1));
	does(a, sock.bind_port(h, kind, port));
	does(a, fd.close("other"));
	return port;
}

TEST_EACH(sock, datagram_peer_can_be_dissolved, udp_kinds)
{
	actor *alice = cast("alice"), *carl = cast("carl");
	int a = serve_at_a_port_asked_for(alice, "a", row->kind);

	does(alice, sock.serve("b", row->kind, 0));
	does(alice, sock.connect_port("a", row->kind, (int)outcome_of(alice)->value));
	does(alice, sock.disconnect("a"));
	does_fail(alice, sock.peer_name("a"), ENOTCONN);
	does_fail(alice, sock.send("a", "x", 0), EDESTADDRREQ);
	does(carl, sock.make("c", row->kind));
	does(carl, sock.send_to_port("c", row->kind, "welcome", a));
	does_give(alice, sock.receive("a", 100, 0), "welcome");
}

TEST_VARIANT(sock, datagram_peer_can_be_dissolved, unix_dgram)
{
	actor *alice = cast("alice"), *carl = cast("carl");

	does(alice, sock.serve("a", UNIX_DGRAM, 0));
	does(alice, sock.serve("b", UNIX_DGRAM, 0));
	does(alice, sock.connect("a", "b"));
	does(alice, sock.disconnect("a"));
	does_fail(alice, sock.peer_name("a"), ENOTCONN);
	does(carl, sock.reach("c", UNIX_DGRAM, "a", 0));
	does(carl, sock.send("c", "welcome", 0));
	does_give(alice, sock.receive("a", 100, 0), "welcome");
}

TEST(sock, connected_datagram_may_go_elsewhere)
{
	actor *alice = cast("alice");

	does(alice, sock.serve("a", UNIX_DGRAM, 0));
	does(alice, sock.serve("b", UNIX_DGRAM, 0));
	does(alice, sock.reach("c", UNIX_DGRAM, "a", 0));
	does(alice, sock.send_to("c", "elsewhere", "b", 0));
	does(alice, sock.send("c", "to the peer", 0));
	does_give(alice, sock.receive("b", 100, 0), "elsewhere");
	does_give(alice, sock.receive("a", 100, 0), "to the peer");
}

TEST_EACH(sock, port_is_shared_only_if_both_agree, internet_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.make("a", row->kind));
	does(alice, sock.set_option("a", SOL_SOCKET, SO_REUSEPORT, 1));
	does(alice, sock.bind_port("a", row->kind, 0));
	int port = (int)outcome_of(alice)->value;
	does(alice, sock.make("b", row->kind));
	does_fail(alice, sock.bind_port("b", row->kind, port), EADDRINUSE);
	does(alice, sock.set_option("b", SOL_SOCKET, SO_REUSEPORT, 1));
	does_give(alice, sock.bind_port("b", row->kind, port), port);
}
