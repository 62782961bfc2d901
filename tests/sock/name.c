/* SPDX-License-Identifier: MIT */
/* Names of sockets: how they are had, told, and set free. */
#include <string.h>

#include "contract/kinds.h"
#include "stage/story.h"

/* -- what is told ----------------------------------------------------------------------------- */

static long long told(const actor *a, int which)
{
	return outcome_of(a)->n[which];
}

TEST_EACH(sock, names_of_both_ends_agree, internet_kinds)
{
	actor *alice = cast("alice");
	bool is_six = row->kind == TCP6 || row->kind == UDP6;
	size_t size = is_six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	does(alice, sock.pair("s", row->kind));
	does_give(alice, sock.own_name("s:a"), "loopback");
	must_be(told(alice, ADDRESS_FAMILY), is_six ? AF_INET6 : AF_INET);
	must_be(told(alice, ADDRESS_SIZE), size);
	long long a = told(alice, ADDRESS_PORT);
	does_give(alice, sock.peer_name("s:b"), "loopback");
	must_be(told(alice, ADDRESS_FAMILY), is_six ? AF_INET6 : AF_INET);
	must_be(told(alice, ADDRESS_SIZE), size);
	must_be(told(alice, ADDRESS_PORT), a);
	does_give(alice, sock.own_name("s:b"), "loopback");
	long long b = told(alice, ADDRESS_PORT);
	does_give(alice, sock.peer_name("s:a"), "loopback");
	must_be(told(alice, ADDRESS_PORT), b);
	must(a > 0 && b > 0 && a != b);
}

TEST_EACH(sock, free_port_is_chosen, internet_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.serve("a", row->kind, 1));
	long long a = outcome_of(alice)->value;
	does(alice, sock.serve("b", row->kind, 1));
	long long b = outcome_of(alice)->value;
	must(a > 0 && b > 0 && a != b);
}

TEST_EACH(sock, accept_tells_who_connected, tcp_kinds)
{
	actor *server = cast("server");

	does(server, sock.serve("s", row->kind, 5));
	does(server, sock.reach("c", row->kind, "s", (int)outcome_of(server)->value));
	does(server, sock.accept("s", "accepted"));
	does(server, sock.own_name("c"));
	long long port = told(server, ADDRESS_PORT), size = told(server, ADDRESS_SIZE);
	does_give(server, sock.address("accepted/from"), "loopback");
	must_be(told(server, ADDRESS_PORT), port);
	must_be(told(server, ADDRESS_SIZE), size);
}

static long long length_of_path(size_t letters)
{
	return (long long)(offsetof(struct sockaddr_un, sun_path) + letters + 1);
}

TEST_VARIANT(sock, accept_tells_who_connected, path)
{
	actor *server = cast("server"), *client = cast_stranger("client");

	does(server, sock.serve("s", UNIX_STREAM, 5));
	does(client, sock.make("c", UNIX_STREAM));
	does(client, sock.bind("c", "client"));
	does(client, sock.connect("c", "s"));
	does(server, sock.accept("s", "accepted"));
	does_give(server, sock.address("accepted/from"), "client");
	must_be(told(server, ADDRESS_FAMILY), AF_UNIX);
	must_be(told(server, ADDRESS_SIZE), length_of_path(6));
	does_give(server, sock.peer_name("accepted"), "client");
}

TEST_EACH(sock, nameless_peer_has_no_name, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, sock.own_name("s:a"), "");
	must_be(told(alice, ADDRESS_FAMILY), AF_UNIX);
	must_be(told(alice, ADDRESS_SIZE), offsetof(struct sockaddr_un, sun_path));
	does_give(alice, sock.peer_name("s:a"), "");
	must_be(told(alice, ADDRESS_SIZE), offsetof(struct sockaddr_un, sun_path));
}

TEST_VARIANT(sock, nameless_peer_has_no_name, accepted)
{
	actor *server = cast("server");

	does(server, sock.serve("s", UNIX_STREAM, 5));
	does(server, sock.reach("c", UNIX_STREAM, "s", 0));
	does(server, sock.accept("s", "accepted"));
	does_give(server, sock.address("accepted/from"), "");
	must_be(told(server, ADDRESS_FAMILY), AF_UNIX);
	must_be(told(server, ADDRESS_SIZE), offsetof(struct sockaddr_un, sun_path));
}

TEST_EACH(sock, path_is_told_as_bound, unix_kinds)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("the_path", row->kind, 5));
	does_give(server, sock.own_name("the_path"), "the_path");
	must_be(told(server, ADDRESS_SIZE), length_of_path(8));
	must_be(told(server, ADDRESS_FAMILY), AF_UNIX);
	does(client, sock.reach("c", row->kind, "the_path", 0));
	does_give(client, sock.peer_name("c"), "the_path");
	must_be(told(client, ADDRESS_SIZE), length_of_path(8));
}

TEST(sock, datagram_comes_with_its_senders_name)
{
	actor *receiver = cast("receiver"), *anna = cast("anna"), *ben = cast_stranger("ben");

	does(receiver, sock.serve("s", UNIX_DGRAM, 0));
	does(anna, sock.serve("annas", UNIX_DGRAM, 0));
	does(ben, sock.serve("bens", UNIX_DGRAM, 0));
	does(anna, sock.send_to("annas", "1", "s", 0));
	does(ben, sock.send_to("bens", "2", "s", 0));
	does_give(receiver, sock.receive_from("s", 9, 0, "first"), "1");
	does_give(receiver, sock.receive_from("s", 9, 0, "second"), "2");
	does_give(receiver, sock.address("second"), "bens");
	does_give(receiver, sock.address("first"), "annas");
	must_be(told(receiver, ADDRESS_SIZE), length_of_path(5));
}

TEST(sock, socket_file_is_made)
{
	actor *alice = cast("alice");

	does_fail(alice, sock.mode("s"), ENOENT);
	does(alice, sock.serve("s", UNIX_STREAM, 1));
	does(alice, sock.mode("s"));
	must_be(outcome_of(alice)->value & S_IFMT, S_IFSOCK);
	must_be(outcome_of(alice)->value & 0777, 0755);
}

/* -- who has a name --------------------------------------------------------------------------- */

TEST_EACH(sock, name_in_use_is_refused, any_kind)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sock.serve("s", row->kind, 1));
	int port = (int)outcome_of(alice)->value;
	does(bob, sock.make("t", row->kind));
	if (port)
		does_fail(bob, sock.bind_port("t", row->kind, port), EADDRINUSE);
	else
		does_fail(bob, sock.bind("t", "s"), EADDRINUSE);
	/* it isn't bound to anything now */
	if (port)
		does(bob, sock.bind_port("t", row->kind, 0));
	else
		does(bob, sock.bind("t", "t"));
}

TEST_VARIANT(sock, name_in_use_is_refused, file)
{
	actor *alice = cast("alice");

	does(alice, fifo.make("f"));
	does(alice, sock.make("s", UNIX_STREAM));
	does_fail(alice, sock.bind("s", "f"), EADDRINUSE);
}

TEST_VARIANT(sock, name_in_use_is_refused, abstract)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sock.make("s", UNIX_DGRAM));
	does(alice, sock.bind("s", "@name"));
	does(bob, sock.make("t", UNIX_DGRAM));
	does_fail(bob, sock.bind("t", "@name"), EADDRINUSE);
}

TEST_EACH(sock, path_stays_after_close, unix_kinds)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carl = cast("carl");

	does(alice, sock.serve("s", row->kind, 5));
	does(alice, fd.close("s"));
	does_fail(bob, sock.reach("c", row->kind, "s", 0), ECONNREFUSED);
	does(carl, sock.serve("t", row->kind, 5));
	dies(carl);
	does_fail(bob, sock.reach("c", row->kind, "t", 0), ECONNREFUSED);
	does(bob, sock.make("u", row->kind));
	does_fail(bob, sock.bind("u", "s"), EADDRINUSE);
	does_fail(bob, sock.bind("u", "t"), EADDRINUSE);
}

TEST_EACH(sock, unlinked_name_is_free, unix_connections)
{
	actor *old = cast("old"), *young = cast("young"), *client = cast("client");

	does(old, sock.serve("s", row->kind, 5));
	does(client, sock.reach("c", row->kind, "s", 0));
	does(old, sock.unlink("s"));
	does_fail(client, sock.reach("d", row->kind, "s", 0), ENOENT);
	does(young, sock.serve("s", row->kind, 5));
	does(client, sock.reach("d", row->kind, "s", 0));
	does(old, sock.accept("s", "accepted"));
	does(young, sock.accept("s", "accepted"));
	does(client, sock.send("c", "to the old", 0));
	does(client, sock.send("d", "to the young", 0));
	does_give(old, sock.receive("accepted", 100, 0), "to the old");
	does_give(young, sock.receive("accepted", 100, 0), "to the young");
}

TEST_EACH(sock, renamed_path_leads_on, unix_kinds)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	does(server, sock.rename("s", "t"));
	does_fail(client, sock.reach("c", row->kind, "s", 0), ENOENT);
	does(client, sock.reach("c", row->kind, "t", 0));
	does(client, sock.send("c", "found", 0));
	if (row->kind != UNIX_DGRAM)
		does(server, sock.accept("s", "s"));
	does_give(server, sock.receive("s", 100, 0), "found");
}

TEST(sock, abstract_name_goes_with_its_socket)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sock.make("s", UNIX_DGRAM));
	does(alice, sock.bind("s", "@name"));
	does(alice, fd.dup("s", "copy"));
	does(alice, fd.close("s"));
	does(bob, sock.make("s", UNIX_DGRAM));
	does_fail(bob, sock.bind("s", "@name"), EADDRINUSE);
	does(alice, fd.close("copy"));
	does(bob, sock.bind("s", "@name"));
	dies(bob);
	does(alice, sock.make("again", UNIX_DGRAM));
	does(alice, sock.bind("again", "@name"));
}

/* One name with different zeros in it; each socket gets what was sent to its own. */
static long long bind_look_alikes(const char *text, const long long *n)
{
	static const char *const ends[] = {"", "\0", "\0\0", "\0x", "x\0"};
	static const size_t sizes[] = {0, 1, 2, 2, 2};
	struct sockaddr_un names[5];
	socklen_t lengths[5];
	int fds[5], sender = entry(sock, socket)(AF_UNIX, SOCK_DGRAM, 0);

	(void)n;
	memset(names, 0, sizeof(names));
	for (int i = 0; i < 5; i++) {
		size_t size = strlen(name_of(text));

		names[i].sun_family = AF_UNIX;
		memcpy(names[i].sun_path + 1, name_of(text), size);
		memcpy(names[i].sun_path + 1 + size, ends[i], sizes[i]);
		lengths[i] =
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + size + sizes[i]);
		fds[i] = entry(sock, socket)(AF_UNIX, SOCK_DGRAM, 0);
		must_be(entry(sock, bind)(fds[i], (struct sockaddr *)&names[i], lengths[i]), 0);
	}
	for (int i = 0; i < 5; i++) {
		char letter = (char)('0' + i), got;

		must_be(entry(sock, sendto)(sender, &letter, 1, 0, (struct sockaddr *)&names[i],
					    lengths[i]),
			1);
		must_be(entry(sock, recv)(fds[i], &got, 1, MSG_DONTWAIT), 1);
		must_be(got, letter);
	}
	return 0;
}

TEST(sock, abstract_names_have_a_length)
{
	actor *alice = cast("alice");

	does(alice, call(bind_look_alikes, "name", 0, 0, 0));
}

TEST(sock, autobind_gives_a_name)
{
	actor *alice = cast("alice");
	char first[8];

	does(alice, sock.make("s", UNIX_DGRAM));
	does(alice, sock.bind_nameless("s"));
	does(alice, sock.own_name("s"));
	must_be(told(alice, ADDRESS_SIZE), offsetof(struct sockaddr_un, sun_path) + 6);
	must_be(outcome_of(alice)->size, 6);
	memcpy(first, outcome_of(alice)->bytes, 6);
	must_be(first[0], '@');
	for (int i = 1; i < 6; i++)
		must(strchr("0123456789abcdef", first[i]) != NULL);
	does(alice, sock.make("t", UNIX_DGRAM));
	does(alice, sock.bind_nameless("t"));
	does(alice, sock.own_name("t"));
	must(memcmp(first, outcome_of(alice)->bytes, 6) != 0);
}

TEST_EACH(sock, port_is_free_after_close, internet_kinds)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sock.serve("s", row->kind, 1));
	int port = (int)outcome_of(alice)->value;
	does(bob, sock.make("t", row->kind));
	does_fail(bob, sock.bind_port("t", row->kind, port), EADDRINUSE);
	does(alice, fd.close("s"));
	begin(bob, sock.bind_port("t", row->kind, port));
	returns(bob);
	if (outcome_of(bob)->error == EADDRINUSE) {
		/* perhaps somebody else's by now, who can't be in both places */
		does(bob, sock.bind_port("t", row->kind, 0));
		skip("somebody else has taken the port meanwhile");
	}
	must_be(outcome_of(bob)->value, port);
}

TEST_EACH(sock, second_bind_is_refused, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.serve("s", row->kind, 1));
	int port = (int)outcome_of(alice)->value;
	if (port)
		does_fail(alice, sock.bind_port("s", row->kind, 0), EINVAL);
	else
		does_fail(alice, sock.bind("s", "t"), EINVAL);
	does(alice, sock.own_name("s"));
	must_be(told(alice, ADDRESS_PORT), port);
	if (!port)
		does_fail(alice, sock.mode("t"), ENOENT);
}
