/* SPDX-License-Identifier: MIT */
/* Sockets: making, naming, connecting; what they say to one another is in sock_talk.c. */
#include <stdio.h>
#include <string.h>

#include "stage/perform/sock_address.h"

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
