/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage/perform.h"

static const struct {
	int domain, type;
} kinds[SOCK_KIND_COUNT] = {
	[UNIX_STREAM] = {AF_UNIX, SOCK_STREAM}, [UNIX_SEQPACKET] = {AF_UNIX, SOCK_SEQPACKET},
	[UNIX_DGRAM] = {AF_UNIX, SOCK_DGRAM},	[TCP4] = {AF_INET, SOCK_STREAM},
	[TCP6] = {AF_INET6, SOCK_STREAM},	[UDP4] = {AF_INET, SOCK_DGRAM},
	[UDP6] = {AF_INET6, SOCK_DGRAM},
};

/* -- addresses -------------------------------------------------------------------------------- */

/* Room for any, and some more, to see what is written behind. */
struct address {
	socklen_t size;
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		unsigned char bytes[160];
	} of;
};

static struct address local_address(const char *name)
{
	bool is_abstract = name[0] == '@';
	const char *path = is_abstract ? name_of(name + 1) : path_of(name);
	struct address a = {0};

	a.of.local.sun_family = AF_UNIX;
	snprintf(a.of.local.sun_path + is_abstract, sizeof(a.of.local.sun_path) - is_abstract, "%s",
		 path);
	a.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
	return a;
}

/* Those that are no machine, by enum sock_host. */
static const struct {
	int host;
	const char *name4, *name6;
} named_hosts[] = {
	{LOOPBACK, "127.0.0.1", "::1"},		{BROADCAST, "10.77.0.255", "ff02::1"},
	{MULTICAST, "239.77.0.1", "ff15::77"},	{ANYWHERE, "0.0.0.0", "::"},
	{NO_ROUTE, "192.0.2.1", "2001:db8::1"}, {MAPPED_LOOPBACK, "127.0.0.1", "::ffff:127.0.0.1"},
};

static void name_host(int host, bool is_six, char name[INET6_ADDRSTRLEN])
{
	snprintf(name, INET6_ADDRSTRLEN, is_six ? "fd77::%x" : "10.77.0.%d", host);
	for (size_t i = 0; i < sizeof(named_hosts) / sizeof(named_hosts[0]); i++)
		if (named_hosts[i].host == host)
			strcpy(name, is_six ? named_hosts[i].name6 : named_hosts[i].name4);
}

/* The place is a port of loopback, or AT(host, port). */
static struct address internet_address(int domain, int place)
{
	char name[INET6_ADDRSTRLEN];
	struct address a = {0};

	name_host(place >> 16, domain == AF_INET6, name);
	if (domain == AF_INET) {
		a.of.in.sin_family = AF_INET;
		must_be(inet_pton(AF_INET, name, &a.of.in.sin_addr), 1);
		a.of.in.sin_port = htons((uint16_t)place);
		a.size = sizeof(a.of.in);
	} else {
		a.of.in6.sin6_family = AF_INET6;
		must_be(inet_pton(AF_INET6, name, &a.of.in6.sin6_addr), 1);
		a.of.in6.sin6_port = htons((uint16_t)place);
		a.size = sizeof(a.of.in6);
	}
	return a;
}

static struct address unknown_address(void)
{
	struct address a;

	memset(&a, POISON, sizeof(a));
	a.size = sizeof(a.of);
	return a;
}

static int port_in(const struct address *a)
{
	if (a->of.any.sa_family == AF_INET)
		return ntohs(a->of.in.sin_port);
	if (a->of.any.sa_family == AF_INET6)
		return ntohs(a->of.in6.sin6_port);
	return 0;
}

/* The name as text: up to its end, and with "@" for the zero before an abstract one. */
static void tell_local(outcome *out, const struct address *a)
{
	const char *path = a->of.local.sun_path;
	size_t head = offsetof(struct sockaddr_un, sun_path);
	size_t size = a->size > head ? a->size - head : 0;

	if (size > sizeof(a->of) - head)
		size = sizeof(a->of) - head;
	memcpy(out->bytes, path, size);
	if (size && path[0] == '\0')
		out->bytes[0] = '@';
	while (size && out->bytes[size - 1] == '\0')
		size--;
	outcome_has_bytes(out, size);
}

static bool is_same_host(const struct address *a, const struct address *b)
{
	return a->of.any.sa_family == AF_INET ? a->of.in.sin_addr.s_addr == b->of.in.sin_addr.s_addr
					      : memcmp(&a->of.in6.sin6_addr, &b->of.in6.sin6_addr,
						       sizeof(a->of.in6.sin6_addr)) == 0;
}

/* Those that are told by name. */
static const struct {
	const char *name;
	int host;
} told_hosts[] = {
	{"loopback", LOOPBACK}, {"here", HERE},		{"there", THERE},
	{"late", LATE},		{"anywhere", ANYWHERE}, {"mapped", MAPPED_LOOPBACK},
};

/* Its place among them; -1: it isn't there. */
static int find_host(const struct address *a)
{
	for (size_t i = 0; i < sizeof(told_hosts) / sizeof(told_hosts[0]); i++) {
		struct address b = internet_address(a->of.any.sa_family, AT(told_hosts[i].host, 0));

		if (is_same_host(a, &b))
			return (int)i;
	}
	return -1;
}

int host_of(int family, const void *address)
{
	struct address a = {0};

	a.of.any.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		memcpy(&a.of.in.sin_addr, address, sizeof(a.of.in.sin_addr));
	else
		memcpy(&a.of.in6.sin6_addr, address, sizeof(a.of.in6.sin6_addr));
	int found = find_host(&a);
	return found < 0 ? -1 : told_hosts[found].host;
}

static void tell_host(outcome *out, const struct address *a)
{
	int found = find_host(a);

	strcpy((char *)out->bytes, found < 0 ? "elsewhere" : told_hosts[found].name);
	outcome_has_bytes(out, strlen((char *)out->bytes));
}

static void tell_address(outcome *out, const struct address *a)
{
	const unsigned char *behind = a->of.bytes + a->size;

	out->n[ADDRESS_SIZE] = a->size;
	out->n[ADDRESS_FAMILY] = a->of.any.sa_family;
	out->n[ADDRESS_PORT] = port_in(a);
	must(a->size <= sizeof(a->of) - 1);
	if (a->of.any.sa_family == AF_UNIX) {
		tell_local(out, a);
		return;
	}
	must_be(*behind, POISON);
	tell_host(out, a);
}

/* An address is a handle: its length, and where it is. */
static void keep_address(const char *handle, const struct address *a)
{
	struct address *kept = malloc(sizeof(*kept));

	must(kept != NULL);
	*kept = *a;
	set_handle(handle, a->size, kept);
}

/* -- what a platform may lack ----------------------------------------------------------------- */

/* Without the protocol, or with no loopback (a new network namespace has it down), there's no test.
 */
static void is_there(outcome *out, int domain)
{
	if (out->value != -1)
		return;
	switch (out->error) {
	case EADDRNOTAVAIL:
	case ENETUNREACH:
	case ENETDOWN:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
		break;
	default:
		return;
	}
	if (domain == AF_UNIX && (out->error == EADDRNOTAVAIL || out->error == ENETUNREACH))
		return;
	snprintf(out->absent, sizeof(out->absent), "%s: %s",
		 domain == AF_INET6  ? "no IPv6 loopback"
		 : domain == AF_INET ? "no IPv4 loopback"
				     : "no such socket",
		 strerror(out->error));
}

/* A host that can't be reached is no lack of this platform, but what a test wants to see. */
static void is_at(outcome *out, int domain, int place)
{
	if (place >> 16 == LOOPBACK)
		is_there(out, domain);
}

/* -- making ----------------------------------------------------------------------------------- */

static bool make(outcome *out, const char *h, int kind, int flags)
{
	bool made = CALL(sock, socket, kinds[kind].domain, kinds[kind].type | flags, 0);

	if (made)
		set_handle(h, out->value, NULL);
	is_there(out, kinds[kind].domain);
	return made;
}

PERFORM(sock, make)
{
	make(out, o->handle, (int)o->n[0], 0);
}

PERFORM(sock, make_with)
{
	make(out, o->handle, (int)o->n[0], (int)o->n[1]);
}

PERFORM(sock, make_of)
{
	if (CALL(sock, socket, (int)o->n[0], (int)o->n[1], (int)o->n[2]))
		set_handle(o->handle, out->value, NULL);
}

static void name_ends(const char *s, const int *ends)
{
	char end[HANDLE_MAX + 2];

	snprintf(end, sizeof(end), "%s:a", s);
	set_handle(end, ends[0], NULL);
	snprintf(end, sizeof(end), "%s:b", s);
	set_handle(end, ends[1], NULL);
}

/* Bound to this port or a free one; the address is where it is. */
static bool bind_internet(outcome *out, int fd, int domain, int place, struct address *a)
{
	*a = internet_address(domain, place);
	bool bound = CALL(sock, bind, fd, &a->of.any, a->size) &&
		     CALL(sock, getsockname, fd, &a->of.any, &a->size);

	if (place >> 16 != NO_ROUTE)
		is_there(out, domain);
	return bound;
}

static bool open_socket(outcome *out, int kind, int flags, int *fd)
{
	bool opened = CALL(sock, socket, kinds[kind].domain, kinds[kind].type | flags, 0);

	is_there(out, kinds[kind].domain);
	*fd = (int)out->value;
	return opened;
}

/* The end b listens, a connects to it; what has listened is closed. */
static void connect_streams(outcome *out, int kind, int flags, int *ends)
{
	struct address a;
	int listener = -1, domain = kinds[kind].domain;

	if (open_socket(out, kind, 0, &listener) && bind_internet(out, listener, domain, 0, &a) &&
	    CALL(sock, listen, listener, 1) && open_socket(out, kind, 0, &ends[0]) &&
	    CALL(sock, connect, ends[0], &a.of.any, a.size))
		CALL(sock, accept, listener, NULL, NULL);
	is_there(out, domain);
	ends[1] = (int)out->value;
	if (listener >= 0)
		impl->fd->close(listener);
	if (ends[0] < 0 || ends[1] < 0 || !flags)
		return;
	must(!(flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)));
	for (int i = 0; i < 2; i++) {
		if (flags & SOCK_NONBLOCK)
			CALL(fd, fcntl, ends[i], F_SETFL, O_RDWR | O_NONBLOCK);
		if (flags & SOCK_CLOEXEC)
			CALL(fd, fcntl, ends[i], F_SETFD, FD_CLOEXEC);
	}
}

static void connect_datagrams(outcome *out, int kind, int flags, int *ends)
{
	struct address a, b;
	int domain = kinds[kind].domain;

	if (open_socket(out, kind, flags, &ends[0]) && open_socket(out, kind, flags, &ends[1]) &&
	    bind_internet(out, ends[0], domain, 0, &a) &&
	    bind_internet(out, ends[1], domain, 0, &b) &&
	    CALL(sock, connect, ends[0], &b.of.any, b.size))
		CALL(sock, connect, ends[1], &a.of.any, a.size);
	is_there(out, domain);
}

static void pair(const op *o, outcome *out, int flags)
{
	int kind = (int)o->n[0], ends[2] = {-1, -1};

	if (kinds[kind].domain == AF_UNIX)
		CALL(sock, socketpair, AF_UNIX, kinds[kind].type | flags, 0, ends);
	else if (kinds[kind].type == SOCK_STREAM)
		connect_streams(out, kind, flags, ends);
	else
		connect_datagrams(out, kind, flags, ends);
	is_there(out, kinds[kind].domain);
	if (out->value == -1)
		return;
	name_ends(o->handle, ends);
	out->value = 0;
}

PERFORM(sock, pair)
{
	pair(o, out, 0);
}

PERFORM(sock, pair_with)
{
	pair(o, out, (int)o->n[1]);
}

PERFORM(sock, pair_of)
{
	int ends[2] = {-1, -1};

	if (CALL(sock, socketpair, (int)o->n[0], (int)o->n[1], (int)o->n[2], ends))
		name_ends(o->handle, ends);
}

/* -- serving and reaching --------------------------------------------------------------------- */

static void serve(const op *o, outcome *out, int place)
{
	int kind = (int)o->n[0], domain = kinds[kind].domain;
	struct address a = {0};

	if (!make(out, o->handle, kind, 0))
		return;
	int fd = (int)out->value;
	if (domain == AF_UNIX) {
		a = local_address(o->handle);
		if (!CALL(sock, bind, fd, &a.of.any, a.size))
			return;
	} else if (!bind_internet(out, fd, domain, place, &a)) {
		return;
	}
	if (kinds[kind].type == SOCK_DGRAM || CALL(sock, listen, fd, (int)o->n[1]))
		out->value = domain == AF_UNIX ? 0 : port_in(&a);
}

PERFORM(sock, serve)
{
	serve(o, out, AT(LOOPBACK, 0));
}

PERFORM(sock, serve_at)
{
	serve(o, out, AT(o->n[2], 0));
}

PERFORM(sock, reach)
{
	int kind = (int)o->n[0], domain = kinds[kind].domain;

	if (!make(out, o->handle, kind, 0))
		return;
	struct address a = domain == AF_UNIX ? local_address(o->other)
					     : internet_address(domain, (int)o->n[1]);
	CALL(sock, connect, (int)out->value, &a.of.any, a.size);
	is_at(out, domain, (int)o->n[1]);
}

/* -- names ------------------------------------------------------------------------------------ */

PERFORM(sock, bind)
{
	struct address a = local_address(o->other);

	CALL(sock, bind, handle_fd(o->handle), &a.of.any, a.size);
}

PERFORM(sock, bind_port)
{
	struct address a;

	if (bind_internet(out, handle_fd(o->handle), kinds[o->n[0]].domain, (int)o->n[1], &a))
		out->value = port_in(&a);
}

PERFORM(sock, bind_nameless)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	CALL(sock, bind, handle_fd(o->handle), (const struct sockaddr *)&a, sizeof(a.sun_family));
}

PERFORM(sock, listen)
{
	CALL(sock, listen, handle_fd(o->handle), (int)o->n[0]);
}

PERFORM(sock, connect)
{
	struct address a = local_address(o->other);

	CALL(sock, connect, handle_fd(o->handle), &a.of.any, a.size);
}

PERFORM(sock, connect_port)
{
	int domain = kinds[o->n[0]].domain;
	struct address a = internet_address(domain, (int)o->n[1]);

	CALL(sock, connect, handle_fd(o->handle), &a.of.any, a.size);
	is_at(out, domain, (int)o->n[1]);
}

PERFORM(sock, disconnect)
{
	struct sockaddr_storage a = {.ss_family = AF_UNSPEC};

	CALL(sock, connect, handle_fd(o->handle), (const struct sockaddr *)&a, sizeof(a));
}

static void accepted(const op *o, outcome *out, const struct address *a)
{
	char from[HANDLE_MAX + 8];

	if (out->value == -1)
		return;
	set_handle(o->other, out->value, NULL);
	snprintf(from, sizeof(from), "%s/from", o->other);
	keep_address(from, a);
}

PERFORM(sock, accept)
{
	struct address a = unknown_address();

	CALL(sock, accept, handle_fd(o->handle), &a.of.any, &a.size);
	accepted(o, out, &a);
}

PERFORM(sock, accept_with)
{
	struct address a = unknown_address();

	CALL(sock, accept4, handle_fd(o->handle), &a.of.any, &a.size, (int)o->n[0]);
	accepted(o, out, &a);
}

PERFORM(sock, own_name)
{
	struct address a = unknown_address();

	if (CALL(sock, getsockname, handle_fd(o->handle), &a.of.any, &a.size))
		tell_address(out, &a);
}

PERFORM(sock, peer_name)
{
	struct address a = unknown_address();

	if (CALL(sock, getpeername, handle_fd(o->handle), &a.of.any, &a.size))
		tell_address(out, &a);
}

PERFORM(sock, address)
{
	tell_address(out, handle_pointer(o->handle));
}

PERFORM(sock, mode)
{
	struct stat status;

	memset(&status, POISON, sizeof(status));
	if (CALL(sock, stat, path_of(o->handle), &status))
		out->value = (long long)status.st_mode;
}

PERFORM(sock, change_mode)
{
	CALL(sock, chmod, path_of(o->handle), (mode_t)o->n[0]);
}

PERFORM(sock, rename)
{
	CALL(sock, rename, path_of(o->handle), path_of(o->other));
}

PERFORM(sock, unlink)
{
	CALL(sock, unlink, path_of(o->handle));
}

/* -- talk ------------------------------------------------------------------------------------- */

PERFORM(sock, send)
{
	CALL(sock, send, handle_fd(o->handle), o->bytes, o->size, (int)o->n[0]);
}

PERFORM(sock, send_nothing)
{
	CALL(sock, send, handle_fd(o->handle), o->bytes, 0, (int)o->n[0]);
}

PERFORM(sock, send_pattern)
{
	unsigned char *bytes = pattern_from(0, o->n[0]);

	must(bytes != NULL);
	CALL(sock, send, handle_fd(o->handle), bytes, (size_t)o->n[0], (int)o->n[1]);
	free(bytes);
}

/* The call may give more than there was room for: the length a message really had. */
PERFORM(sock, receive)
{
	size_t size = (size_t)o->n[0];

	memset(out->bytes, POISON, OUTCOME_BYTES);
	if (!CALL(sock, recv, handle_fd(o->handle), out->bytes, size, (int)o->n[1]))
		return;
	outcome_has_bytes(out, (size_t)out->value < size ? (size_t)out->value : size);
	if (size < OUTCOME_BYTES)
		must_be(out->bytes[size], POISON);
}

PERFORM(sock, receive_to_end)
{
	int fd = handle_fd(o->handle);
	long long sum = 0;

	while (CALL(sock, recv, fd, out->bytes, OUTCOME_BYTES, 0) && out->value > 0) {
		for (long long i = 0; i < out->value; i++)
			must_be(out->bytes[i], pattern(sum + i));
		sum += out->value;
	}
	if (!out->error)
		out->value = sum;
}

PERFORM(sock, send_to)
{
	struct address a = local_address(o->other);

	CALL(sock, sendto, handle_fd(o->handle), o->bytes, o->size, (int)o->n[0], &a.of.any,
	     a.size);
}

PERFORM(sock, send_to_port)
{
	struct address a = internet_address(kinds[o->n[0]].domain, (int)o->n[1]);

	CALL(sock, sendto, handle_fd(o->handle), o->bytes, o->size, 0, &a.of.any, a.size);
	is_at(out, kinds[o->n[0]].domain, (int)o->n[1]);
}

PERFORM(sock, receive_from)
{
	struct address a = unknown_address();
	size_t size = (size_t)o->n[0];

	if (!CALL(sock, recvfrom, handle_fd(o->handle), out->bytes, size, (int)o->n[1], &a.of.any,
		  &a.size))
		return;
	outcome_has_bytes(out, (size_t)out->value < size ? (size_t)out->value : size);
	keep_address(o->other, &a);
}

PERFORM(sock, reply)
{
	const struct address *a = handle_pointer(o->other);

	CALL(sock, sendto, handle_fd(o->handle), o->bytes, o->size, 0, &a->of.any, a->size);
}

PERFORM(sock, shutdown)
{
	CALL(sock, shutdown, handle_fd(o->handle), (int)o->n[0]);
}

PERFORM(sock, at_mark)
{
	CALL(sock, sockatmark, handle_fd(o->handle));
}

/* -- groups ----------------------------------------------------------------------------------- */

static void membership(const op *o, outcome *out, int option4, int option6)
{
	int domain = kinds[o->n[0]].domain, h = handle_fd(o->handle);
	struct address group = internet_address(domain, AT(MULTICAST, 0)),
		       own = internet_address(AF_INET, AT(machine_number(), 0));

	if (domain == AF_INET) {
		struct ip_mreq to = {group.of.in.sin_addr, own.of.in.sin_addr};

		CALL(sock, setsockopt, h, IPPROTO_IP, option4, &to, sizeof(to));
	} else {
		struct ipv6_mreq to = {group.of.in6.sin6_addr, machine_cable()};

		CALL(sock, setsockopt, h, IPPROTO_IPV6, option6, &to, sizeof(to));
	}
}

PERFORM(sock, join_group)
{
	membership(o, out, IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP);
}

PERFORM(sock, leave_group)
{
	membership(o, out, IP_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP);
}

PERFORM(sock, send_by_cable)
{
	struct address own = internet_address(AF_INET, AT(machine_number(), 0));
	unsigned index = machine_cable();
	int h = handle_fd(o->handle);

	if (kinds[o->n[0]].domain == AF_INET)
		CALL(sock, setsockopt, h, IPPROTO_IP, IP_MULTICAST_IF, &own.of.in.sin_addr,
		     sizeof(own.of.in.sin_addr));
	else
		CALL(sock, setsockopt, h, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index));
}
