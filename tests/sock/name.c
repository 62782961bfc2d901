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

/* Each way to be told an address, with a buffer of half its length. */
static long long tell_short(const char *text, const long long *n)
{
	unsigned char full[200], part[200];
	struct sockaddr *whole = (struct sockaddr *)full, *cut = (struct sockaddr *)part;
	socklen_t size = sizeof(full), room;

	(void)n;
	memset(full, 0xEE, sizeof(full));
	memset(part, 0xEE, sizeof(part));
	must_be(impl->sock->getsockname(handle_fd(text), whole, &size), 0);
	room = size / 2;
	must_be(impl->sock->getsockname(handle_fd(text), cut, &room), 0);
	must_be(room, size);
	must_be(memcmp(part, full, size / 2), 0);
	for (size_t i = size / 2; i < sizeof(part); i++)
		must_be(part[i], 0xEE);
	room = 0;
	must_be(impl->sock->getsockname(handle_fd(text), cut, &room), 0);
	must_be(room, size);
	return 0;
}

TEST_EACH(sock, short_address_buffer_is_respected, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.serve("a_name_to_cut", row->kind, 1));
	does(alice, call(tell_short, "a_name_to_cut", 0, 0, 0));
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
	int fds[5], sender = impl->sock->socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)n;
	memset(names, 0, sizeof(names));
	for (int i = 0; i < 5; i++) {
		size_t size = strlen(name_of(text));

		names[i].sun_family = AF_UNIX;
		memcpy(names[i].sun_path + 1, name_of(text), size);
		memcpy(names[i].sun_path + 1 + size, ends[i], sizes[i]);
		lengths[i] =
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + size + sizes[i]);
		fds[i] = impl->sock->socket(AF_UNIX, SOCK_DGRAM, 0);
		must_be(impl->sock->bind(fds[i], (struct sockaddr *)&names[i], lengths[i]), 0);
	}
	for (int i = 0; i < 5; i++) {
		char letter = (char)('0' + i), got;

		must_be(impl->sock->sendto(sender, &letter, 1, 0, (struct sockaddr *)&names[i],
					   lengths[i]),
			1);
		must_be(impl->sock->recv(fds[i], &got, 1, MSG_DONTWAIT), 1);
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

/* -- peers of datagrams ----------------------------------------------------------------------- */

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

/* -- who doesn't ask -------------------------------------------------------------------------- */

static long long accept_nameless(const char *text, const long long *n)
{
	(void)n;
	int accepted = impl->sock->accept(handle_fd(text), NULL, NULL);

	must(accepted >= 0);
	set_handle("accepted", accepted, NULL);
	return 0;
}

static long long receive_nameless(const char *text, const long long *n)
{
	char bytes[10];

	(void)n;
	return impl->sock->recvfrom(handle_fd(text), bytes, sizeof(bytes), 0, NULL, NULL);
}

TEST_EACH(sock, nobody_has_to_ask_for_the_name, any_kind)
{
	actor *server = cast("server"), *client = cast("client");
	const char *from = "s";

	does(server, sock.serve("s", row->kind, 5));
	does(client, sock.reach("c", row->kind, "s", (int)outcome_of(server)->value));
	if (row->kind != UNIX_DGRAM && row->kind != UDP4 && row->kind != UDP6) {
		does(server, call(accept_nameless, "s", 0, 0, 0));
		from = "accepted";
	}
	does(client, sock.send("c", "xyz", 0));
	does_give(server, call(receive_nameless, from, 0, 0, 0), 3);
}

/* accept, recvfrom, getpeername and recvmsg with room for three bytes of the name. */
static long long tell_shorter(const char *text, const long long *n)
{
	unsigned char part[100];
	struct sockaddr *cut = (struct sockaddr *)part;
	socklen_t room = 3;
	char byte;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_name = part, .msg_namelen = 3};
	int h = handle_fd(text);

	memset(part, 0xEE, sizeof(part));
	message.msg_iov = &vector;
	message.msg_iovlen = 1;
	if (n[0] == 'a')
		must(impl->sock->accept(h, cut, &room) >= 0);
	else if (n[0] == 'p')
		must_be(impl->sock->getpeername(h, cut, &room), 0);
	else if (n[0] == 'r')
		must_be(impl->sock->recvfrom(h, &byte, 1, 0, cut, &room), 1);
	else
		must_be(impl->sock->recvmsg(h, &message, 0), 1);
	must_be(n[0] == 'm' ? message.msg_namelen : room, n[1]);
	for (size_t i = 3; i < sizeof(part); i++)
		must_be(part[i], 0xEE);
	return 0;
}

static void tells_shorter(int kind, int how)
{
	actor *alice = cast("alice");

	does(alice, sock.serve("s", kind, 5));
	does(alice, sock.make("c", kind));
	does(alice, sock.bind("c", "a_name_to_cut"));
	does(alice, sock.connect("c", "s"));
	if (kind == UNIX_DGRAM)
		does(alice, sock.send("c", "x", 0));
	does(alice, sock.own_name(how == 'p' ? "s" : "c"));
	long long size = outcome_of(alice)->n[ADDRESS_SIZE];
	does(alice, call(tell_shorter, how == 'p' ? "c" : "s", how, size, 0));
}

TEST_VARIANT(sock, short_address_buffer_is_respected, accept)
{
	tells_shorter(UNIX_STREAM, 'a');
}

TEST_VARIANT(sock, short_address_buffer_is_respected, getpeername)
{
	tells_shorter(UNIX_STREAM, 'p');
}

TEST_VARIANT(sock, short_address_buffer_is_respected, recvfrom)
{
	tells_shorter(UNIX_DGRAM, 'r');
}

TEST_VARIANT(sock, short_address_buffer_is_respected, recvmsg)
{
	tells_shorter(UNIX_DGRAM, 'm');
}
