/* SPDX-License-Identifier: MIT */
/* Streams of bytes, which have no boundaries. */
#include <string.h>

#include "contract/kinds.h"
#include "stage/story.h"

TEST_EACH(sock, stream_keeps_order_and_no_boundaries, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, sock.send("s:a", "one", 0), 3);
	does_give(alice, sock.send("s:a", "two", 0), 3);
	does_give(alice, sock.send("s:a", "three", 0), 5);
	does_give(alice, sock.receive("s:b", 11, MSG_WAITALL), "onetwothree");
}

TEST_EACH(sock, receive_takes_what_is_there, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "three", 0));
	does_give(alice, sock.receive("s:b", 100000, 0), "three");
}

TEST_EACH(sock, rest_of_the_stream_stays, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "abcdefg", 0));
	does_give(alice, sock.receive("s:b", 1, 0), "a");
	does_give(alice, sock.receive("s:b", 4, 0), "bcde");
	does_give(alice, sock.receive("s:b", 9, 0), "fg");
	does_fail(alice, sock.receive("s:b", 9, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, waitall_waits_for_all, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(alice, sock.send("s:a", "first", 0));
	begin(bob, sock.receive("s:b", 11, MSG_WAITALL));
	blocks(bob);
	does(alice, sock.send("s:a", "secon", 0));
	blocks(bob);
	does(alice, sock.send("s:a", "d, and more", 0));
	gives(bob, "firstsecond");
	does_give(bob, sock.receive("s:b", 10, MSG_WAITALL), ", and more");
}

TEST_EACH(sock, waitall_ends_with_the_stream, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, fd.close("s:a"));
	does(alice, sock.send("s:a", "not all", 0));
	begin(bob, sock.receive("s:b", 100, MSG_WAITALL));
	blocks(bob);
	does(alice, fd.close("s:a"));
	gives(bob, "not all");
	does_give(bob, sock.receive("s:b", 100, MSG_WAITALL), "");
}

TEST_EACH(sock, peek_leaves_the_data, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "look twice", 0));
	does_give(alice, sock.receive("s:b", 100, MSG_PEEK), "look twice");
	does_give(alice, sock.receive("s:b", 4, MSG_PEEK), "look");
	does_give(alice, sock.receive("s:b", 100, 0), "look twice");
	does_fail(alice, sock.receive("s:b", 100, MSG_DONTWAIT), EAGAIN);
	does_fail(alice, sock.receive("s:b", 100, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
}

enum { LONG = 1 << 20 };

TEST_EACH(sock, long_send_returns_when_all_is_taken, streams)
{
	actor *writer = cast("writer");

	does(writer, sock.pair("s", row->kind));
	/* buffers that grow by themselves might hold it all */
	does(writer, sock.set_option("s:a", SOL_SOCKET, SO_SNDBUF, 30000));
	does(writer, sock.set_option("s:b", SOL_SOCKET, SO_RCVBUF, 30000));
	actor *reader = forks(writer, "reader");
	does(reader, fd.close("s:a"));
	begin(writer, sock.send_pattern("s:a", LONG, 0));
	blocks(writer);
	begin(reader, sock.receive_to_end("s:b"));
	gives(writer, LONG);
	does(writer, sock.shutdown("s:a", SHUT_WR));
	gives(reader, LONG);
}

/* Byte number so of the stream. */
static char byte_at(long long place)
{
	return (char)(place * 2654435761 >> 7);
}

/* Sends pieces of several sizes, so many bytes in all, of which one is always on its way. */
static long long pass_by(const char *text, const long long *n)
{
	long long sent = 0, received = 0;
	size_t before = 0;
	char piece[2000];

	(void)text;
	for (int i = 0; sent < n[0]; i++) {
		size_t size = (size_t)(1000 + i % 997);

		for (size_t j = 0; j < size; j++)
			piece[j] = byte_at(sent++);
		must_be(impl->sock->send(handle_fd("s:a"), piece, size, 0), size);
		if (before)
			must_be(impl->sock->recv(handle_fd("s:b"), piece, before, MSG_WAITALL),
				before);
		for (size_t j = 0; j < before; j++)
			must_be(piece[j], byte_at(received++));
		before = size;
	}
	return 0;
}

TEST_EACH(sock, bytes_pass_whole_for_long, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, call(pass_by, NULL, 2 << 20, 0, 0));
}

static long long gather(const char *text, const long long *n)
{
	char parts[] = "onetwothree";
	struct iovec vector[4] = {{parts, 3}, {NULL, 0}, {parts + 3, 3}, {parts + 6, 5}};
	struct msghdr message;

	(void)text, (void)n;
	memset(&message, 0, sizeof(message));
	message.msg_iov = vector;
	message.msg_iovlen = 4;
	return impl->sock->sendmsg(handle_fd("s:a"), &message, 0);
}

static long long scatter(const char *text, const long long *n)
{
	char a[5] = "....", b[5] = "....", c[9] = "........";
	struct iovec vector[3] = {{a, 4}, {b, 4}, {c, 8}};
	struct msghdr message;

	(void)text, (void)n;
	memset(&message, 0, sizeof(message));
	message.msg_iov = vector;
	message.msg_iovlen = 3;
	must_be(impl->sock->recvmsg(handle_fd("s:b"), &message, 0), 11);
	must(!strcmp(a, "onet") && !strcmp(b, "woth") && !strcmp(c, "ree....."));
	must_be(message.msg_iovlen, 3);
	must_be(message.msg_controllen, 0);
	must_be(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
	return 0;
}

TEST_EACH(sock, vectors_gather_and_scatter, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, call(gather, "", 0, 0, 0), 11);
	does(alice, call(scatter, "", 0, 0, 0));
}

TEST_EACH(sock, empty_send_on_a_stream_is_nothing, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, sock.send_nothing("s:a", 0), 0);
	does_fail(alice, sock.receive("s:b", 10, MSG_DONTWAIT), EAGAIN);
	does(alice, sock.send("s:a", "x", 0));
	does_give(alice, sock.receive("s:b", 10, 0), "x");
}

TEST_EACH(sock, empty_receive_on_a_stream_takes_nothing, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "x", 0));
	does_give(alice, sock.receive("s:b", 1, MSG_PEEK), "x");
	does_give(alice, sock.receive("s:b", 0, 0), 0);
	does_give(alice, sock.receive("s:b", 10, 0), "x");
}

TEST_EACH(sock, read_and_write_are_receive_and_send, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, fd.write("s:a", "written"), 7);
	does_give(alice, sock.receive("s:b", 100, 0), "written");
	does(alice, sock.send("s:b", "sent", 0));
	does_give(alice, fd.read("s:a", 100), "sent");
}

TEST_EACH(sock, trunc_drops_bytes_of_tcp, tcp_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "dropped, kept", 0));
	does_give(alice, sock.receive("s:b", 13, MSG_PEEK | MSG_WAITALL), "dropped, kept");
	does_give(alice, sock.receive("s:b", 9, MSG_TRUNC), 9);
	does_give(alice, sock.receive("s:b", 100, 0), "kept");
}

#ifdef SO_PEEK_OFF
TEST(sock, peek_moves_on_if_asked_for)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	begin(alice, sock.option("s:b", SOL_SOCKET, SO_PEEK_OFF));
	returns(alice);
	if (outcome_of(alice)->error == ENOPROTOOPT)
		skip("SO_PEEK_OFF is not there");
	must_be(outcome_of(alice)->value, -1);
	begin(alice, sock.set_option("s:b", SOL_SOCKET, SO_PEEK_OFF, 0));
	returns(alice);
	if (outcome_of(alice)->error == ENOPROTOOPT)
		skip("SO_PEEK_OFF can't be set");
	must_be(outcome_of(alice)->error, 0);
	does(alice, sock.send("s:a", "abcdef", 0));
	does_give(alice, sock.receive("s:b", 2, MSG_PEEK), "ab");
	does_give(alice, sock.receive("s:b", 2, MSG_PEEK), "cd");
	does_give(alice, sock.option("s:b", SOL_SOCKET, SO_PEEK_OFF), 4);
	does_give(alice, sock.receive("s:b", 3, 0), "abc");
	does_give(alice, sock.option("s:b", SOL_SOCKET, SO_PEEK_OFF), 1);
	does_give(alice, sock.receive("s:b", 9, MSG_PEEK), "ef");
	does_give(alice, sock.receive("s:b", 9, 0), "def");
}
#endif
