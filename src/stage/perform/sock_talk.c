/* SPDX-License-Identifier: MIT */
/* Sockets: what they send and receive, and the groups they hear. */
#include <stdlib.h>
#include <string.h>

#include "stage/perform/sock_address.h"

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
