/* SPDX-License-Identifier: MIT */
/* How a connection ends, and how its peers learn of it. */
#include "contract/kinds.h"
#include "stage/story.h"

/* Alice has one end and bob, her child, the other. */
static actor *part(actor *alice, int kind)
{
	does(alice, sock.pair("s", kind));
	actor *bob = forks(alice, "bob");
	does(alice, fd.close("s:b"));
	does(bob, fd.close("s:a"));
	return bob;
}

TEST_EACH(sock, close_gives_the_end, connections)
{
	actor *alice = cast("alice"), *bob = part(alice, row->kind);

	does(alice, sock.send("s:a", "farewell", 0));
	does(alice, fd.close("s:a"));
	does_give(bob, sock.receive("s:b", 100, 0), "farewell");
	does_give(bob, sock.receive("s:b", 100, 0), "");
	does_give(bob, fd.read("s:b", 100), "");
	does_give(bob, sock.receive("s:b", 100, MSG_DONTWAIT), "");
}

TEST_EACH(sock, close_wakes_every_receiver, connections)
{
	actor *alice = cast("alice"), *bob = part(alice, row->kind);
	actor *readers[4] = {bob, forks(bob, "ben"), forks(bob, "carl"), forks(bob, "dora")};

	for (int i = 0; i < 4; i++)
		begin(readers[i], sock.receive("s:b", 100, 0));
	for (int i = 0; i < 4; i++)
		blocks(readers[i]);
	does(alice, fd.close("s:a"));
	for (int i = 0; i < 4; i++)
		gives(readers[i], "");
}

TEST_EACH(sock, death_of_the_peer_gives_the_end, connections)
{
	actor *bob = cast("bob");

	does(bob, sock.pair("s", row->kind));
	actor *alice = forks(bob, "alice");
	does(bob, fd.close("s:a"));
	does(alice, sock.send("s:a", "last words", 0));
	does_give(bob, sock.receive("s:b", 10, 0), "last words");
	does(alice, sock.send("s:a", "!", 0));
	dies(alice);
	does_give(bob, sock.receive("s:b", 10, 0), "!");
	does_give(bob, sock.receive("s:b", 10, 0), "");
}

TEST_EACH(sock, last_close_ends, connections)
{
	actor *alice = cast("alice"), *bob = part(alice, row->kind);
	actor *child = forks(alice, "child");

	does(alice, fd.dup("s:a", "copy"));
	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	does(alice, fd.close("s:a"));
	blocks(bob);
	does(alice, fd.close("copy"));
	blocks(bob);
	does(child, sock.send("s:a", "still here", 0));
	gives(bob, "still here");
	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	exits(child, 0);
	gives(bob, "");
}

TEST_EACH(sock, half_close_leaves_the_other_way, connections)
{
	actor *alice = cast("alice"), *bob = part(alice, row->kind);

	does(bob, fd.set_flags("s:b", O_RDWR | O_NONBLOCK));
	does(alice, sock.send("s:a", "that is all", 0));
	does(alice, sock.shutdown("s:a", SHUT_WR));
	does_give(bob, fd.poll("s:b", POLLIN, -1), POLLIN);
	does_give(bob, sock.receive("s:b", 100, 0), "that is all");
	does_give(bob, fd.poll("s:b", POLLIN, -1), POLLIN);
	does_give(bob, sock.receive("s:b", 100, 0), "");
	does(bob, sock.send("s:b", "but not for me", 0));
	does_give(alice, sock.receive("s:a", 100, 0), "but not for me");
}

TEST_EACH(sock, shutdown_wakes_the_peer, connections)
{
	actor *alice = cast("alice"), *bob = part(alice, row->kind);

	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	does(alice, sock.shutdown("s:a", SHUT_WR));
	gives(bob, "");
}

TEST_EACH(sock, shutdown_is_for_all_descriptors, connections)
{
	actor *alice = cast("alice"), *bob = part(alice, row->kind);
	actor *child = forks(alice, "child");

	does(alice, fd.dup("s:a", "copy"));
	does(child, sock.shutdown("s:a", SHUT_WR));
	does_give(bob, sock.receive("s:b", 100, 0), "");
	does_fail(alice, sock.send("s:a", "x", MSG_NOSIGNAL), EPIPE);
	does_fail(alice, sock.send("copy", "x", MSG_NOSIGNAL), EPIPE);
}

TEST_EACH(sock, receive_after_shutdown_gives_the_end, connections)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.shutdown("s:b", SHUT_RD));
	does_give(alice, sock.receive("s:b", 100, 0), "");
	does_give(alice, sock.receive("s:b", 100, MSG_DONTWAIT), "");
	does(alice, sock.shutdown("s:a", SHUT_RDWR));
	does_give(alice, sock.receive("s:a", 100, 0), "");
}

TEST_EACH(sock, shutdown_leaves_what_had_come, unix_connections)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "in time", 0));
	does(alice, sock.shutdown("s:b", SHUT_RDWR));
	does_give(alice, sock.receive("s:b", 100, 0), "in time");
	does_give(alice, sock.receive("s:b", 100, 0), "");
}

TEST_EACH(sock, own_shutdown_wakes_the_receiver, connections)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	does(alice, sock.shutdown("s:b", SHUT_RD));
	gives(bob, "");
}

/* -- sending to nobody ------------------------------------------------------------------------ */

TEST_EACH(sock, send_after_shutdown_fails, connections)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.shutdown("s:a", SHUT_WR));
	does_fail(alice, sock.send("s:a", "x", MSG_NOSIGNAL), EPIPE);
	does_give(alice, sock.receive("s:b", 100, 0), "");
}

TEST_EACH(sock, send_without_peer_fails, unix_connections)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, fd.close("s:b"));
	does_fail(alice, sock.send("s:a", "x", MSG_NOSIGNAL), EPIPE);
	does_fail(alice, sock.send("s:a", "x", MSG_NOSIGNAL), EPIPE);
}

TEST_VARIANT(sock, send_without_peer_fails, ignored_signal)
{
	actor *alice = cast("alice");

	does(alice, sig.ignore(SIGPIPE));
	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, fd.close("s:b"));
	does_fail(alice, sock.send("s:a", "x", 0), EPIPE);
	does_fail(alice, fd.write("s:a", "x"), EPIPE);
}

TEST(sock, send_without_peer_raises_SIGPIPE)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, fd.close("s:b"));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGPIPE, 0));
	does_fail(bob, sock.send("s:a", "x", 0), EPIPE);
	must_be(caught(bob, SIGPIPE), 1);
	does_fail(bob, sock.send("s:a", "x", MSG_NOSIGNAL), EPIPE);
	must_be(caught(bob, SIGPIPE), 1);
	begin(alice, fd.write("s:a", "x"));
	is_killed_by(alice, SIGPIPE);
}

/* TCP learns of it by the answer to what it sends. */
TEST_VARIANT(sock, send_without_peer_raises_SIGPIPE, tcp4)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", TCP4));
	does(alice, fd.close("s:b"));
	does_give(alice, sock.receive("s:a", 1, 0), "");
	does(alice, sock.send("s:a", "x", 0));
	does(alice, fd.poll("s:a", 0, -1));
	begin(alice, sock.send("s:a", "x", 0));
	is_killed_by(alice, SIGPIPE);
}

/* A queue may count messages, or bytes alone, and then have room for a short one still. */
static void fills(actor *a, const char *handle)
{
	does(a, fd.fill(handle, 4096));
	does(a, fd.fill(handle, 1));
}

TEST_EACH(sock, close_wakes_the_sender, unix_connections)
{
	actor *alice = cast("alice"), *bob = part(alice, row->kind);

	fills(alice, "s:a");
	begin(alice, sock.send("s:a", "x", MSG_NOSIGNAL));
	blocks(alice);
	does(bob, fd.close("s:b"));
	returns(alice);
	int error = outcome_of(alice)->error;
	must(error == EPIPE || error == ECONNRESET);
	does_fail(alice, sock.send("s:a", "x", MSG_NOSIGNAL), EPIPE);
}

TEST_VARIANT(sock, close_wakes_the_sender, unix_dgram)
{
	actor *alice = cast("alice"), *bob = part(alice, UNIX_DGRAM);

	fills(alice, "s:a");
	begin(alice, sock.send("s:a", "x", 0));
	blocks(alice);
	does(bob, fd.close("s:b"));
	fails(alice, ECONNREFUSED);
}

/* -- resets ----------------------------------------------------------------------------------- */

TEST_EACH(sock, unread_data_reset_the_sender, connections)
{
	actor *alice = cast("alice"), *bob = part(alice, row->kind);

	does(alice, sock.send("s:a", "unread", 0));
	does_give(bob, sock.receive("s:b", 2, MSG_PEEK), "un");
	begin(alice, sock.receive("s:a", 100, 0));
	blocks(alice);
	does(bob, fd.close("s:b"));
	fails(alice, ECONNRESET);
	does_give(alice, sock.receive("s:a", 100, 0), "");
}

TEST(sock, unread_records_reset_who_sends)
{
	actor *alice = cast("alice"), *bob = part(alice, UNIX_SEQPACKET);

	does(alice, sock.send("s:a", "unread", 0));
	does(bob, fd.close("s:b"));
	does_fail(alice, sock.send("s:a", "more", MSG_NOSIGNAL), ECONNRESET);
	does_fail(alice, sock.send("s:a", "more", MSG_NOSIGNAL), EPIPE);
	does_give(alice, sock.receive("s:a", 100, 0), "");
}

TEST_EACH(sock, lingering_for_no_time_resets, tcp_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.set_linger("s:a", 1, 0));
	does(alice, fd.close("s:a"));
	does_fail(alice, sock.receive("s:b", 100, 0), ECONNRESET);
	does_fail(alice, sock.send("s:b", "x", MSG_NOSIGNAL), EPIPE);
}

/* -- datagrams -------------------------------------------------------------------------------- */

TEST(sock, datagram_shutdown_is_not_the_peers)
{
	actor *alice = cast("alice"), *stranger = cast_stranger("stranger");

	does(alice, sock.serve("s", UNIX_DGRAM, 0));
	does(alice, sock.reach("c", UNIX_DGRAM, "s", 0));
	does(stranger, sock.reach("c", UNIX_DGRAM, "s", 0));
	does(alice, sock.send("c", "before", 0));
	does(alice, sock.shutdown("c", SHUT_WR));
	does_fail(alice, sock.send("c", "x", MSG_NOSIGNAL), EPIPE);
	does_give(alice, sock.receive("s", 100, 0), "before");
	does_fail(alice, sock.receive("s", 100, MSG_DONTWAIT), EAGAIN);
	does(stranger, sock.send("c", "me too", 0));
	does_give(alice, sock.receive("s", 100, 0), "me too");
}

TEST_VARIANT(sock, datagram_shutdown_is_not_the_peers, pair)
{
	actor *alice = cast("alice"), *bob = part(alice, UNIX_DGRAM);

	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	does(alice, sock.shutdown("s:a", SHUT_WR));
	blocks(bob);
	dies(bob);
}

TEST(sock, datagram_to_nobody_is_refused)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_DGRAM));
	does(alice, fd.close("s:b"));
	does_fail(alice, sock.send("s:a", "x", 0), ECONNREFUSED);
	does(alice, sock.serve("gone", UNIX_DGRAM, 0));
	does(alice, sock.make("c", UNIX_DGRAM));
	does(alice, fd.close("gone"));
	does_fail(alice, sock.send_to("c", "x", "gone", 0), ECONNREFUSED);
}

/* A port at which nobody is: one that was just left; c is connected to it. */
static int leave_port(actor *a, int kind)
{
	does(a, sock.serve("left", kind, 0));
	int port = (int)outcome_of(a)->value;
	does(a, sock.reach("c", kind, "left", port));
	does(a, fd.close("left"));
	return port;
}

TEST_EACH(sock, udp_to_nobody_is_told, udp_kinds)
{
	actor *alice = cast("alice");

	leave_port(alice, row->kind);
	does(alice, sock.send("c", "x", 0));
	does_fail(alice, sock.receive("c", 1, 0), ECONNREFUSED);
	does_fail(alice, sock.receive("c", 1, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, error_is_told_once, udp_kinds)
{
	actor *alice = cast("alice");

	leave_port(alice, row->kind);
	does_give(alice, sock.option("c", SOL_SOCKET, SO_ERROR), 0);
	does(alice, sock.send("c", "x", 0));
	does(alice, fd.poll("c", 0, -1));
	must((outcome_of(alice)->value & POLLERR) != 0);
	does_give(alice, sock.option("c", SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	does_give(alice, sock.option("c", SOL_SOCKET, SO_ERROR), 0);
	does_fail(alice, sock.receive("c", 1, MSG_DONTWAIT), EAGAIN);
}

TEST_VARIANT(sock, error_is_told_once, unix_stream)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, sock.send("s:a", "unread", 0));
	does(alice, fd.close("s:b"));
	does_give(alice, sock.option("s:a", SOL_SOCKET, SO_ERROR), ECONNRESET);
	does_give(alice, sock.option("s:a", SOL_SOCKET, SO_ERROR), 0);
	does_give(alice, sock.receive("s:a", 100, 0), "");
}

TEST_EACH(sock, udp_survives_a_refusal, udp_kinds)
{
	actor *alice = cast("alice");
	int port = leave_port(alice, row->kind);

	does(alice, sock.send("c", "x", 0));
	does_fail(alice, sock.receive("c", 1, 0), ECONNREFUSED);
	does(alice, sock.own_name("c"));
	int own = (int)outcome_of(alice)->n[ADDRESS_PORT];
	does(alice, sock.make("back", row->kind));
	begin(alice, sock.bind_port("back", row->kind, port));
	returns(alice);
	if (outcome_of(alice)->error == EADDRINUSE)
		skip("somebody else has taken the port meanwhile");
	does(alice, sock.send("c", "again", 0));
	does_give(alice, sock.receive("back", 100, 0), "again");
	does(alice, sock.send_to_port("back", row->kind, "and back", own));
	does_give(alice, sock.receive("c", 100, 0), "and back");
}
