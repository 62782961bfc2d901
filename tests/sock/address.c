/* SPDX-License-Identifier: MIT */
/* The room for an address: none, or less than it takes. */
#include <string.h>

#include "contract/kinds.h"
#include "stage/story.h"

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

/* getsockname with a buffer of half the length. */
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
