/* SPDX-License-Identifier: MIT */
/* Options of sockets. */
#include <string.h>

#include "stage/story.h"

static const struct kind {
	const char *name;
	int kind, domain, type, protocol;
} all[] = {
	{"unix_stream", UNIX_STREAM, AF_UNIX, SOCK_STREAM, -1},
	{"unix_seqpacket", UNIX_SEQPACKET, AF_UNIX, SOCK_SEQPACKET, -1},
	{"unix_dgram", UNIX_DGRAM, AF_UNIX, SOCK_DGRAM, -1},
	{"tcp4", TCP4, AF_INET, SOCK_STREAM, IPPROTO_TCP},
	{"tcp6", TCP6, AF_INET6, SOCK_STREAM, IPPROTO_TCP},
	{"udp4", UDP4, AF_INET, SOCK_DGRAM, IPPROTO_UDP},
	{"udp6", UDP6, AF_INET6, SOCK_DGRAM, IPPROTO_UDP},
};

TEST_EACH(sock, type_is_told, all)
{
	actor *alice = cast("alice");

	does(alice, sock.make_with("s", row->kind, SOCK_NONBLOCK | SOCK_CLOEXEC));
	does_give(alice, sock.option("s", SOL_SOCKET, SO_TYPE), row->type);
	does(alice, sock.pair("p", row->kind));
	does_give(alice, sock.option("p:b", SOL_SOCKET, SO_TYPE), row->type);
}

TEST_EACH(sock, domain_and_protocol_are_told, all)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_give(alice, sock.option("s", SOL_SOCKET, SO_DOMAIN), row->domain);
	if (row->protocol >= 0)
		does_give(alice, sock.option("s", SOL_SOCKET, SO_PROTOCOL), row->protocol);
}

static const struct {
	const char *name;
	int kind;
} connecting[] = {
	{"unix_stream", UNIX_STREAM},
	{"unix_seqpacket", UNIX_SEQPACKET},
	{"tcp4", TCP4},
	{"tcp6", TCP6},
};

TEST_EACH(sock, listening_is_told, connecting)
{
	actor *alice = cast("alice");

	does(alice, sock.make("fresh", row->kind));
	does_give(alice, sock.option("fresh", SOL_SOCKET, SO_ACCEPTCONN), 0);
	does(alice, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(alice)->value;
	does_give(alice, sock.option("s", SOL_SOCKET, SO_ACCEPTCONN), 1);
	does(alice, sock.reach("c", row->kind, "s", port));
	does(alice, sock.accept("s", "accepted"));
	does_give(alice, sock.option("accepted", SOL_SOCKET, SO_ACCEPTCONN), 0);
	does_give(alice, sock.option("c", SOL_SOCKET, SO_ACCEPTCONN), 0);
	does_give(alice, sock.option("s", SOL_SOCKET, SO_ACCEPTCONN), 1);
}

TEST_EACH(sock, fresh_socket_has_no_error, all)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_give(alice, sock.option("s", SOL_SOCKET, SO_ERROR), 0);
	does(alice, sock.pair("p", row->kind));
	does_give(alice, sock.option("p:a", SOL_SOCKET, SO_ERROR), 0);
}

TEST_EACH(sock, buffer_sizes_can_be_set, all)
{
	actor *alice = cast("alice");
	const int options[] = {SO_SNDBUF, SO_RCVBUF};

	does(alice, sock.make("s", row->kind));
	for (int i = 0; i < 2; i++) {
		does(alice, sock.set_option("s", SOL_SOCKET, options[i], 20000));
		does(alice, sock.option("s", SOL_SOCKET, options[i]));
		long long small = outcome_of(alice)->value;
		does(alice, sock.set_option("s", SOL_SOCKET, options[i], 60000));
		does(alice, sock.option("s", SOL_SOCKET, options[i]));
		must(small >= 20000);
		must(outcome_of(alice)->value >= 60000 && outcome_of(alice)->value > small);
	}
}

TEST_EACH(sock, unknown_option_is_refused, all)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_fail(alice, sock.option("s", SOL_SOCKET, 12345), ENOPROTOOPT);
	does_fail(alice, sock.set_option("s", SOL_SOCKET, 12345, 1), ENOPROTOOPT);
}

static long long get_short(const char *text, const long long *n)
{
	unsigned char whole[sizeof(int)], part[8];
	socklen_t size = sizeof(whole), room = 2;

	(void)n;
	memset(part, 0xEE, sizeof(part));
	must_be(impl->sock->getsockopt(handle_fd(text), SOL_SOCKET, SO_TYPE, whole, &size), 0);
	must_be(size, sizeof(whole));
	must_be(impl->sock->getsockopt(handle_fd(text), SOL_SOCKET, SO_TYPE, part, &room), 0);
	must(room <= 2);
	must_be(memcmp(whole, part, room), 0);
	for (size_t i = 2; i < sizeof(part); i++)
		must_be(part[i], 0xEE);
	return 0;
}

TEST_EACH(sock, short_option_buffer_is_respected, all)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does(alice, call(get_short, "s", 0, 0, 0));
}

/* In microseconds. */
static long long get_timeout(const char *text, const long long *n)
{
	struct timeval value;
	socklen_t size = sizeof(value);

	memset(&value, 0xEE, sizeof(value));
	must_be(impl->sock->getsockopt(handle_fd(text), SOL_SOCKET, (int)n[0], &value, &size), 0);
	must_be(size, sizeof(value));
	return (long long)value.tv_sec * 1000000 + value.tv_usec;
}

/* What is told can be set, and is told again. */
static long long set_what_is_told(const char *text, const long long *n)
{
	struct timeval value;
	socklen_t size = sizeof(value);
	long long before = get_timeout(text, n);

	must_be(impl->sock->getsockopt(handle_fd(text), SOL_SOCKET, (int)n[0], &value, &size), 0);
	must_be(impl->sock->setsockopt(handle_fd(text), SOL_SOCKET, (int)n[0], &value, size), 0);
	must_be(get_timeout(text, n), before);
	return 0;
}

TEST_EACH(sock, options_of_timeouts_are_kept, all)
{
	actor *alice = cast("alice");
	const int options[] = {SO_RCVTIMEO, SO_SNDTIMEO};

	does(alice, sock.make("s", row->kind));
	for (int i = 0; i < 2; i++) {
		does_give(alice, call(get_timeout, "s", options[i], 0, 0), 0);
		does(alice, sock.set_timeout("s", options[i], 12340));
		does(alice, call(get_timeout, "s", options[i], 0, 0));
		must(outcome_of(alice)->value >= 12340000);
		does(alice, call(set_what_is_told, "s", options[i], 0, 0));
		does(alice, sock.set_timeout("s", options[i], 1999));
		does(alice, call(set_what_is_told, "s", options[i], 0, 0));
	}
}

static const struct {
	const char *name;
	int kind, level, option;
} switches[] = {
	{"keepalive", TCP4, SOL_SOCKET, SO_KEEPALIVE},
	{"broadcast", UDP4, SOL_SOCKET, SO_BROADCAST},
	{"reuseaddr", TCP6, SOL_SOCKET, SO_REUSEADDR},
	{"oobinline", TCP4, SOL_SOCKET, SO_OOBINLINE},
	{"dontroute", UDP6, SOL_SOCKET, SO_DONTROUTE},
	{"nodelay", TCP4, IPPROTO_TCP, TCP_NODELAY},
};

TEST_EACH(sock, switches_are_off_until_set, switches)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_give(alice, sock.option("s", row->level, row->option), 0);
	does(alice, sock.set_option("s", row->level, row->option, 1));
	does(alice, sock.option("s", row->level, row->option));
	must(outcome_of(alice)->value != 0);
	does(alice, sock.set_option("s", row->level, row->option, 0));
	does_give(alice, sock.option("s", row->level, row->option), 0);
}

static long long get_linger(const char *text, const long long *n)
{
	struct linger value;
	socklen_t size = sizeof(value);

	(void)n;
	memset(&value, 0xEE, sizeof(value));
	must_be(impl->sock->getsockopt(handle_fd(text), SOL_SOCKET, SO_LINGER, &value, &size), 0);
	must_be(size, sizeof(value));
	return value.l_onoff ? value.l_linger : -2;
}

TEST_EACH(sock, lingering_is_kept, connecting)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_give(alice, call(get_linger, "s", 0, 0, 0), -2);
	does(alice, sock.set_linger("s", 1, 77));
	does_give(alice, call(get_linger, "s", 0, 0, 0), 77);
	does(alice, sock.set_linger("s", 0, 77));
	does_give(alice, call(get_linger, "s", 0, 0, 0), -2);
}

static const struct {
	const char *name;
	int option;
} hops[] = {{"unicast", IPV6_UNICAST_HOPS}, {"multicast", IPV6_MULTICAST_HOPS}};

TEST_EACH(sock, hop_limits_are_kept, hops)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", UDP6));
	does(alice, sock.option("s", IPPROTO_IPV6, row->option));
	long long before = outcome_of(alice)->value;
	must(before >= 0 && before <= 255);
	if (row->option == IPV6_MULTICAST_HOPS)
		must_be(before, 1);
	for (int limit = 0; limit <= 255; limit += 85) {
		does(alice, sock.set_option("s", IPPROTO_IPV6, row->option, limit));
		does_give(alice, sock.option("s", IPPROTO_IPV6, row->option), limit);
	}
	does(alice, sock.set_option("s", IPPROTO_IPV6, row->option, -1));
	does_give(alice, sock.option("s", IPPROTO_IPV6, row->option), before);
}

TEST_EACH(sock, bad_hop_limits_are_refused, hops)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", UDP6));
	does(alice, sock.set_option("s", IPPROTO_IPV6, row->option, 7));
	does_fail(alice, sock.set_option("s", IPPROTO_IPV6, row->option, -2), EINVAL);
	does_fail(alice, sock.set_option("s", IPPROTO_IPV6, row->option, 256), EINVAL);
	does_give(alice, sock.option("s", IPPROTO_IPV6, row->option), 7);
}

static const struct {
	const char *name;
	int option;
} facts[] = {
	{"type", SO_TYPE},     {"error", SO_ERROR},	  {"acceptconn", SO_ACCEPTCONN},
	{"domain", SO_DOMAIN}, {"protocol", SO_PROTOCOL},
};

TEST_EACH(sock, facts_cannot_be_set, facts)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", UNIX_STREAM));
	does(alice, sock.option("s", SOL_SOCKET, row->option));
	long long before = outcome_of(alice)->value;
	does_fail(alice, sock.set_option("s", SOL_SOCKET, row->option, 1), ENOPROTOOPT);
	does_give(alice, sock.option("s", SOL_SOCKET, row->option), before);
}
