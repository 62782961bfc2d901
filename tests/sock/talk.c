/* SPDX-License-Identifier: MIT */
/* What a socket is for: two-way talk, between relatives and with strangers. */
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

TEST_EACH(sock, speaks_both_ways, any_kind)
{
	actor *alice = cast("alice"), *bob = part(alice, row->kind);

	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	does_give(alice, sock.send("s:a", "ping", 0), 4);
	gives(bob, "ping");
	begin(alice, sock.receive("s:a", 100, 0));
	blocks(alice);
	does_give(bob, sock.send("s:b", "pong", 0), 4);
	gives(alice, "pong");
}

TEST_EACH(sock, speaks_to_a_stranger, connections)
{
	actor *server = cast("server"), *stranger = cast_stranger("stranger");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	begin(server, sock.accept("s", "client"));
	blocks(server);
	does(stranger, sock.reach("c", row->kind, "s", port));
	succeeds(server);
	does(stranger, sock.send("c", "who are you?", 0));
	does_give(server, sock.receive("client", 100, 0), "who are you?");
	does(server, sock.send("client", "a stranger", 0));
	does_give(stranger, sock.receive("c", 100, 0), "a stranger");
}

TEST_EACH(sock, datagram_reaches_a_stranger_who_can_reply, datagrams)
{
	actor *server = cast("server"), *stranger = cast_stranger("stranger");

	does(server, sock.serve("s", row->kind, 0));
	int port = (int)outcome_of(server)->value;
	does(stranger, sock.serve("c", row->kind, 0));
	if (port)
		does(stranger, sock.send_to_port("c", row->kind, "who are you?", port));
	else
		does(stranger, sock.send_to("c", "who are you?", "s", 0));
	does_give(server, sock.receive_from("s", 100, 0, "from"), "who are you?");
	does(server, sock.reply("s", "a stranger", "from"));
	does_give(stranger, sock.receive("c", 100, 0), "a stranger");
}

TEST(sock, abstract_name_meets_a_stranger)
{
	actor *server = cast("server"), *stranger = cast_stranger("stranger");

	does(server, sock.make("s", UNIX_STREAM));
	does(server, sock.bind("s", "@s"));
	does(server, sock.listen("s", 5));
	does(stranger, sock.make("c", UNIX_STREAM));
	does(stranger, sock.connect("c", "@s"));
	does(server, sock.accept("s", "client"));
	does(stranger, sock.send("c", "hello", 0));
	does_give(server, sock.receive("client", 100, 0), "hello");
	does_fail(server, sock.mode("s"), ENOENT);
}

TEST_EACH(sock, kinship_shares_a_pair, unix_kinds)
{
	actor *parent = cast("parent");

	does(parent, sock.pair("s", row->kind));
	actor *elder = forks(parent, "elder"), *younger = forks(parent, "younger");
	does(elder, sock.send("s:a", "to my brother", 0));
	does_give(younger, sock.receive("s:b", 100, 0), "to my brother");
	does(younger, sock.send("s:b", "and back", 0));
	does_give(parent, sock.receive("s:a", 100, 0), "and back");
}

TEST_EACH(sock, directions_are_independent, connections)
{
	actor *alice = cast("alice"), *bob = part(alice, row->kind);

	does(alice, fd.fill("s:a", 100000));
	does(bob, sock.send("s:b", "still open", 0));
	does_give(alice, sock.receive("s:a", 100, 0), "still open");
}

TEST_EACH(sock, threads_talk_over_a_pair, any_kind)
{
	actor *alice = cast("alice"), *bob = cast_thread(alice, "bob");

	does(alice, sock.pair("s", row->kind));
	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	does(alice, sock.send("s:a", "ping", 0));
	gives(bob, "ping");
	does(bob, sock.send("s:b", "pong", 0));
	does_give(alice, sock.receive("s:a", 100, 0), "pong");
}

TEST_EACH(sock, exec_keeps_the_connection, any_kind)
{
	actor *alice = cast("alice"), *bob = part(alice, row->kind);

	does(alice, sock.send("s:a", "before", 0));
	execs(bob);
	does_give(bob, sock.receive("s:b", 100, 0), "before");
	does(bob, sock.send("s:b", "after", 0));
	does_give(alice, sock.receive("s:a", 100, 0), "after");
}

TEST(sock, close_on_exec_ends_the_connection)
{
	actor *alice = cast("alice");

	does(alice, sock.pair_with("s", UNIX_STREAM, SOCK_CLOEXEC));
	actor *bob = forks(alice, "bob");
	does(alice, fd.close("s:b"));
	does_give(bob, fd.cloexec("s:b"), 1);
	begin(alice, sock.receive("s:a", 1, 0));
	blocks(alice);
	execs(bob);
	gives(alice, 0);
	does_give(bob, fd.is_open("s:b"), 0);
}

TEST_VARIANT(sock, close_on_exec_ends_the_connection, accepted)
{
	actor *server = cast("server");

	does(server, sock.make_with("s", UNIX_STREAM, SOCK_CLOEXEC));
	does_give(server, fd.cloexec("s"), 1);
	does(server, sock.bind("s", "s"));
	does(server, sock.listen("s", 5));
	for (int i = 0; i < 2; i++)
		does(server, sock.reach("c", UNIX_STREAM, "s", 0));
	does(server, sock.accept_with("s", "kept", 0));
	does(server, sock.accept_with("s", "closed", SOCK_CLOEXEC));
	does_give(server, fd.cloexec("kept"), 0);
	execs(server);
	does_give(server, fd.is_open("s"), 0);
	does_give(server, fd.is_open("kept"), 1);
	does_give(server, fd.is_open("closed"), 0);
}

TEST_EACH(sock, nonblocking_from_the_start, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair_with("s", row->kind, SOCK_NONBLOCK));
	does_fail(alice, sock.receive("s:a", 1, 0), EAGAIN);
	does_fail(alice, fd.read("s:b", 1), EAGAIN);
	does(alice, fd.flags("s:a"));
	must((outcome_of(alice)->value & O_NONBLOCK) != 0);
	does(alice, sock.pair("t", row->kind));
	does(alice, fd.flags("t:a"));
	must_be(outcome_of(alice)->value & O_NONBLOCK, 0);
}

TEST_VARIANT(sock, nonblocking_from_the_start, accepted)
{
	actor *server = cast("server");

	does(server, sock.serve("s", UNIX_STREAM, 5));
	for (int i = 0; i < 2; i++)
		does(server, sock.reach("c", UNIX_STREAM, "s", 0));
	does(server, sock.accept_with("s", "hasty", SOCK_NONBLOCK));
	does_fail(server, sock.receive("hasty", 1, 0), EAGAIN);
	does(server, sock.accept("s", "patient"));
	begin(server, sock.receive("patient", 9, 0));
	blocks(server);
	dies(server);
}

TEST_EACH(sock, one_listener_serves_many, connections)
{
	actor *server = cast("server"), *anna = cast("anna"), *ben = cast("ben");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	does(anna, sock.reach("c", row->kind, "s", port));
	does(server, sock.accept("s", "first"));
	does(ben, sock.reach("c", row->kind, "s", port));
	does(server, sock.accept("s", "second"));
	does(ben, sock.send("c", "from ben", 0));
	does(anna, sock.send("c", "from anna", 0));
	does_give(server, sock.receive("first", 100, 0), "from anna");
	does_give(server, sock.receive("second", 100, 0), "from ben");
	does(server, sock.send("second", "to ben", 0));
	does_give(ben, sock.receive("c", 100, 0), "to ben");
	does_fail(anna, sock.receive("c", 100, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, accepted_socket_outlives_the_listener, connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	does(client, sock.reach("c", row->kind, "s", (int)outcome_of(server)->value));
	does(server, sock.accept("s", "accepted"));
	does(server, fd.close("s"));
	does(client, sock.send("c", "still there?", 0));
	does_give(server, sock.receive("accepted", 100, 0), "still there?");
}
