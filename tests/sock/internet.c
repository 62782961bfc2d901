/* SPDX-License-Identifier: MIT */
/* What is particular to the protocols of the internet. */
#include <string.h>

#include "contract/kinds.h"
#include "stage/story.h"

/* -- two families of addresses ---------------------------------------------------------------- */

/* A listener of IPv6 at every address; only for IPv6, or for both. */
static int serve_both(actor *server, int only_six)
{
	does(server, sock.make("probe", TCP4));
	does(server, sock.bind_port("probe", TCP4, 0));
	does(server, fd.close("probe")); /* or its port might be the one that is given below */
	does(server, sock.make("s", TCP6));
	does(server, sock.set_option("s", IPPROTO_IPV6, IPV6_V6ONLY, only_six));
	does_give(server, sock.option("s", IPPROTO_IPV6, IPV6_V6ONLY), only_six);
	does(server, sock.bind_port("s", TCP6, AT(ANYWHERE, 0)));
	int port = (int)outcome_of(server)->value;
	does(server, sock.listen("s", 5));
	return port;
}

TEST(sock, ipv6_serves_ipv4_too)
{
	actor *server = cast("server"), *client = cast("client");
	int port = serve_both(server, 0);

	does(client, sock.reach("c", TCP4, "s", port));
	does(server, sock.accept("s", "accepted"));
	does_give(server, sock.address("accepted/from"), "mapped");
	must_be(outcome_of(server)->n[ADDRESS_FAMILY], AF_INET6);
	does_give(server, sock.own_name("accepted"), "mapped");
	does(client, sock.send("c", "from the old world", 0));
	does_give(server, sock.receive("accepted", 18, MSG_WAITALL), "from the old world");
	does(client, sock.reach("d", TCP6, "s", port));
	does(server, sock.accept("s", "accepted"));
	does_give(server, sock.address("accepted/from"), "loopback");
}

TEST(sock, ipv6_speaks_to_ipv4)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", TCP4, 5));
	int port = (int)outcome_of(server)->value;
	does(client, sock.make("c", TCP6));
	does(client, sock.set_option("c", IPPROTO_IPV6, IPV6_V6ONLY, 0));
	does(client, sock.connect_port("c", TCP6, AT(MAPPED_LOOPBACK, port)));
	does_give(client, sock.peer_name("c"), "mapped");
	does(server, sock.accept("s", "accepted"));
	does_give(server, sock.address("accepted/from"), "loopback");
	must_be(outcome_of(server)->n[ADDRESS_FAMILY], AF_INET);
}

/* On a machine of its own, for elsewhere somebody else may have the port with IPv4. */
TEST(sock, ipv6_alone_serves_no_ipv4)
{
	actor *server = cast("server");

	does(server, machine.start(HERE));
	int port = serve_both(server, 1);
	does_fail(server, sock.reach("c", TCP4, "s", port), ECONNREFUSED);
	does(server, sock.reach("d", TCP6, "s", port));
	does(server, sock.make("same", TCP4));
	does_give(server, sock.bind_port("same", TCP4, AT(ANYWHERE, port)), port);
}

/* -- ports and addresses ---------------------------------------------------------------------- */

TEST_EACH(sock, connect_binds, internet_kinds)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	does(client, sock.reach("c", row->kind, "s", port));
	does_give(client, sock.own_name("c"), "loopback");
	long long own = outcome_of(client)->n[ADDRESS_PORT];
	must(own > 0 && own != port);
	does_fail(client, sock.bind_port("c", row->kind, 0), EINVAL);
}

TEST_EACH(sock, unbound_listener_gets_a_port, tcp_kinds)
{
	actor *server = cast("server");

	does(server, sock.make("s", row->kind));
	does(server, sock.listen("s", 5));
	does_give(server, sock.own_name("s"), "anywhere");
	int port = (int)outcome_of(server)->n[ADDRESS_PORT];
	must(port > 0);
	does(server, sock.reach("c", row->kind, "s", port));
	does(server, sock.accept("s", "accepted"));
}

TEST_EACH(sock, address_of_another_machine_is_refused, internet_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does(alice, sock.make("t", row->kind));
	does(alice, sock.bind_port("t", row->kind, 0));
	does_fail(alice, sock.bind_port("s", row->kind, AT(NO_ROUTE, 0)), EADDRNOTAVAIL);
	does(alice, sock.bind_port("s", row->kind, 0));
}

/* Addresses of the other family, and too short ones. */
static long long bind_foreign(const char *text, const long long *n)
{
	struct sockaddr_un local;
	int s = handle_fd(text);

	(void)n;
	memset(&local, 0, sizeof(local));
	local.sun_family = AF_UNIX;
	strcpy(local.sun_path, path_of("f"));
	return impl->sock->bind(s, (struct sockaddr *)&local, sizeof(local));
}

static long long connect_foreign(const char *text, const long long *n)
{
	struct sockaddr_un local;
	int s = handle_fd(text);

	(void)n;
	memset(&local, 0, sizeof(local));
	local.sun_family = AF_UNIX;
	strcpy(local.sun_path, path_of("f"));
	return impl->sock->connect(s, (struct sockaddr *)&local, sizeof(local));
}

TEST_EACH(sock, foreign_family_is_refused, internet_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_fail(alice, call(bind_foreign, "s", 0, 0, 0), EAFNOSUPPORT);
	does_fail(alice, call(connect_foreign, "s", 0, 0, 0), EAFNOSUPPORT);
	does_fail(alice, sock.peer_name("s"), ENOTCONN);
}

static long long bind_short(const char *text, const long long *n)
{
	struct sockaddr_storage a;

	memset(&a, 0, sizeof(a));
	a.ss_family = (sa_family_t)n[0];
	return impl->sock->bind(handle_fd(text), (struct sockaddr *)&a, (socklen_t)n[1]);
}

static const struct {
	const char *name;
	int kind, family, size;
} shorts[] = {
	{"unix_stream", UNIX_STREAM, AF_UNIX, 1},
	{"tcp4", TCP4, AF_INET, 8},
	{"udp4", UDP4, AF_INET, 15},
	{"tcp6", TCP6, AF_INET6, 23},
	{"udp6", UDP6, AF_INET6, 16},
};

TEST_EACH(sock, short_address_is_refused, shorts)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_fail(alice, call(bind_short, "s", row->family, row->size, 0), EINVAL);
}

/* The server closes first, and its port lingers on in TIME_WAIT.  Both have to have asked. */
TEST_EACH(sock, waiting_port_is_reused_if_asked_for, tcp_kinds)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.make("s", row->kind));
	does(server, sock.set_option("s", SOL_SOCKET, SO_REUSEADDR, 1));
	does(server, sock.bind_port("s", row->kind, 0));
	int port = (int)outcome_of(server)->value;
	does(server, sock.listen("s", 5));
	does(client, sock.reach("c", row->kind, "s", port));
	does(server, sock.accept("s", "accepted"));
	does(server, fd.close("s"));
	does(server, fd.close("accepted"));
	does_give(client, sock.receive("c", 1, 0), "");
	does(client, fd.close("c"));
	does(server, sock.make("plain", row->kind));
	does_fail(server, sock.bind_port("plain", row->kind, port), EADDRINUSE);
	does(server, sock.make("asking", row->kind));
	does(server, sock.set_option("asking", SOL_SOCKET, SO_REUSEADDR, 1));
	does_give(server, sock.bind_port("asking", row->kind, port), port);
	does(server, sock.listen("asking", 5));
}

TEST_EACH(sock, pieces_become_one_datagram, udp_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, sock.send("s:a", "in three ", MSG_MORE), 9);
	does_give(alice, sock.send("s:a", "pieces ", MSG_MORE), 7);
	does_fail(alice, sock.receive("s:b", 100, MSG_DONTWAIT), EAGAIN);
	does_give(alice, sock.send("s:a", "at once", 0), 7);
	does_give(alice, sock.receive("s:b", 100, 0), "in three pieces at once");
	does_fail(alice, sock.receive("s:b", 100, MSG_DONTWAIT), EAGAIN);
}
