/* SPDX-License-Identifier: MIT */
/* Sockets: kinds, addresses, and what a platform may lack of both. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage/perform/sock_address.h"

const struct family_and_type kinds[SOCK_KIND_COUNT] = {
	[UNIX_STREAM] = {AF_UNIX, SOCK_STREAM}, [UNIX_SEQPACKET] = {AF_UNIX, SOCK_SEQPACKET},
	[UNIX_DGRAM] = {AF_UNIX, SOCK_DGRAM},	[TCP4] = {AF_INET, SOCK_STREAM},
	[TCP6] = {AF_INET6, SOCK_STREAM},	[UDP4] = {AF_INET, SOCK_DGRAM},
	[UDP6] = {AF_INET6, SOCK_DGRAM},
};

/* -- addresses -------------------------------------------------------------------------------- */

struct address local_address(const char *name)
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

struct address internet_address(int domain, int place)
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

struct address unknown_address(void)
{
	struct address a;

	memset(&a, POISON, sizeof(a));
	a.size = sizeof(a.of);
	return a;
}

int port_in(const struct address *a)
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

void tell_address(outcome *out, const struct address *a)
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

void keep_address(const char *handle, const struct address *a)
{
	struct address *kept = malloc(sizeof(*kept));

	must(kept != NULL);
	*kept = *a;
	set_handle(handle, a->size, kept);
}

/* -- what a platform may lack ----------------------------------------------------------------- */

void is_there(outcome *out, int domain)
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

void is_at(outcome *out, int domain, int place)
{
	if (place >> 16 == LOOPBACK)
		is_there(out, domain);
}
