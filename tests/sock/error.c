/* SPDX-License-Identifier: MIT */
/* What is refused, and how. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/kinds.h"
#include "stage/story.h"

TEST_EACH(sock, connect_to_nothing_fails, connections)
{
	actor *alice = cast("alice");

	does(alice, sock.make("deaf", row->kind));
	if (row->kind == TCP4 || row->kind == TCP6) {
		does(alice, sock.bind_port("deaf", row->kind, 0));
		int port = (int)outcome_of(alice)->value;
		does_fail(alice, sock.reach("c", row->kind, "", port), ECONNREFUSED);
		return;
	}
	does_fail(alice, sock.reach("c", row->kind, "nothing", 0), ENOENT);
	does(alice, sock.bind("deaf", "deaf"));
	does_fail(alice, sock.connect("c", "deaf"), ECONNREFUSED);
	does(alice, sock.listen("deaf", 1));
	does(alice, sock.connect("c", "deaf"));
}

TEST_VARIANT(sock, connect_to_nothing_fails, file)
{
	actor *alice = cast("alice");

	does(alice, fifo.make("f"));
	does_fail(alice, sock.reach("c", UNIX_STREAM, "f/s", 0), ENOTDIR);
	does_fail(alice, sock.connect("c", "no/s"), ENOENT);
}

static const struct {
	const char *name;
	int from, to;
} types[] = {
	{"stream_to_dgram", UNIX_STREAM, UNIX_DGRAM},
	{"dgram_to_stream", UNIX_DGRAM, UNIX_STREAM},
	{"seqpacket_to_stream", UNIX_SEQPACKET, UNIX_STREAM},
	{"stream_to_seqpacket", UNIX_STREAM, UNIX_SEQPACKET},
};

TEST_EACH(sock, connect_to_another_type_fails, types)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->to, 5));
	does_fail(client, sock.reach("c", row->from, "s", 0), EPROTOTYPE);
	does_fail(client, sock.peer_name("c"), ENOTCONN);
}

TEST_EACH(sock, bind_to_a_bad_path_fails, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_fail(alice, sock.bind("s", "no/s"), ENOENT);
	does(alice, fifo.make("f"));
	does_fail(alice, sock.bind("s", "f/s"), ENOTDIR);
	does(alice, sock.bind("s", "s"));
}

TEST_EACH(sock, connected_stream_cannot_connect, connections)
{
	actor *server = cast("server");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	does(server, sock.reach("c", row->kind, "s", port));
	does(server, sock.accept("s", "accepted"));
	if (port)
		does_fail(server, sock.connect_port("c", row->kind, port), EISCONN);
	else
		does_fail(server, sock.connect("c", "s"), EISCONN);
	does(server, sock.send("c", "all the same", 0));
	does_give(server, sock.receive("accepted", 100, 0), "all the same");
}

TEST_EACH(sock, unconnected_socket_has_no_peer, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_fail(alice, sock.peer_name("s"), ENOTCONN);
	does(alice, sock.serve("t", row->kind, 5));
	does_fail(alice, sock.peer_name("t"), ENOTCONN);
}

static const struct kind unconnected_receivers[] = {
	{"unix_seqpacket", UNIX_SEQPACKET},
	{"tcp4", TCP4},
	{"tcp6", TCP6},
};

TEST_EACH(sock, unconnected_receive_fails, unconnected_receivers)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_fail(alice, sock.receive("s", 1, 0), ENOTCONN);
	does(alice, sock.serve("t", row->kind, 5));
	does_fail(alice, sock.receive("t", 1, 0), ENOTCONN);
}

struct refusal {
	const char *name;
	int kind, error;
};

static const struct refusal unconnected_senders[] = {
	{"unix_stream", UNIX_STREAM, ENOTCONN},
	{"unix_seqpacket", UNIX_SEQPACKET, ENOTCONN},
	{"udp4", UDP4, EDESTADDRREQ},
	{"udp6", UDP6, EDESTADDRREQ},
};

TEST_EACH(sock, unconnected_send_fails, unconnected_senders)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_fail(alice, sock.send("s", "x", MSG_NOSIGNAL), row->error);
}

TEST_EACH(sock, unconnected_shutdown_fails, tcp_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_fail(alice, sock.shutdown("s", SHUT_RDWR), ENOTCONN);
}

static const struct refusal accepting[] = {
	{"unix_stream", UNIX_STREAM, EINVAL},
	{"unix_seqpacket", UNIX_SEQPACKET, EINVAL},
	{"tcp4", TCP4, EINVAL},
	{"tcp6", TCP6, EINVAL},
	{"unix_dgram", UNIX_DGRAM, EOPNOTSUPP},
	{"udp4", UDP4, EOPNOTSUPP},
	{"udp6", UDP6, EOPNOTSUPP},
};

TEST_EACH(sock, accept_needs_a_listener, accepting)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_fail(alice, sock.accept("s", "accepted"), row->error);
	does(alice, sock.pair("p", row->kind));
	does_fail(alice, sock.accept("p:a", "accepted"), row->error);
}

static const struct refusal listening[] = {
	{"unix_dgram", UNIX_DGRAM, EOPNOTSUPP},
	{"udp4", UDP4, EOPNOTSUPP},
	{"udp6", UDP6, EOPNOTSUPP},
	{"unix_stream", UNIX_STREAM, EINVAL},
	{"tcp4", TCP4, EINVAL},
	{"tcp6", TCP6, EINVAL},
};

TEST_EACH(sock, listen_needs_connections, listening)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_fail(alice, sock.listen("s:a", 5), row->error);
	does(alice, sock.send("s:a", "as before", 0));
	does_give(alice, sock.receive("s:b", 100, 0), "as before");
}

enum call {
	ACCEPT,
	ACCEPT_WITH,
	BIND,
	CONNECT,
	LISTEN,
	OWN_NAME,
	PEER_NAME,
	OPTION,
	SET_OPTION,
	RECEIVE,
	RECEIVE_FROM,
	TAKE,
	SEND,
	SEND_TO,
	PASS,
	SHUTDOWN,
	AT_MARK
};

static const struct {
	const char *name;
	enum call call;
	int error; /* of what is no socket */
} calls[] = {
	{"accept", ACCEPT, ENOTSOCK},
	{"accept4", ACCEPT_WITH, ENOTSOCK},
	{"bind", BIND, ENOTSOCK},
	{"connect", CONNECT, ENOTSOCK},
	{"listen", LISTEN, ENOTSOCK},
	{"getsockname", OWN_NAME, ENOTSOCK},
	{"getpeername", PEER_NAME, ENOTSOCK},
	{"getsockopt", OPTION, ENOTSOCK},
	{"setsockopt", SET_OPTION, ENOTSOCK},
	{"recv", RECEIVE, ENOTSOCK},
	{"recvfrom", RECEIVE_FROM, ENOTSOCK},
	{"recvmsg", TAKE, ENOTSOCK},
	{"send", SEND, ENOTSOCK},
	{"sendto", SEND_TO, ENOTSOCK},
	{"sendmsg", PASS, ENOTSOCK},
	{"shutdown", SHUTDOWN, ENOTSOCK},
	{"sockatmark", AT_MARK, ENOTTY},
};

static op call_on(const char *h, enum call which)
{
	switch (which) {
	case ACCEPT:
		return sock.accept(h, "accepted");
	case ACCEPT_WITH:
		return sock.accept_with(h, "accepted", SOCK_CLOEXEC);
	case BIND:
		return sock.bind(h, "name");
	case CONNECT:
		return sock.connect(h, "name");
	case LISTEN:
		return sock.listen(h, 1);
	case OWN_NAME:
		return sock.own_name(h);
	case PEER_NAME:
		return sock.peer_name(h);
	case OPTION:
		return sock.option(h, SOL_SOCKET, SO_TYPE);
	case SET_OPTION:
		return sock.set_option(h, SOL_SOCKET, SO_SNDBUF, 10000);
	case RECEIVE:
		return sock.receive(h, 1, 0);
	case RECEIVE_FROM:
		return sock.receive_from(h, 1, 0, "from");
	case TAKE:
		return sock.take(h, 1, "got", 1, 0);
	case SEND:
		return sock.send(h, "x", 0);
	case SEND_TO:
		return sock.send_to(h, "x", "name", 0);
	case PASS:
		return sock.pass(h, "x", "p:w");
	case SHUTDOWN:
		return sock.shutdown(h, SHUT_RDWR);
	default:
		return sock.at_mark(h);
	}
}

TEST_EACH(sock, not_a_socket, calls)
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	does(alice, fd.write("p:w", "whole"));
	does_fail(alice, call_on("p:r", row->call), row->error);
	does_give(alice, fd.read("p:r", 100), "whole");
}

TEST_EACH(sock, not_open, calls)
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	does(alice, fd.close("p:r"));
	does_fail(alice, call_on("p:r", row->call), EBADF);
}

enum { UNKNOWN = 12345 };

static const struct {
	const char *name;
	int domain, type, protocol, error;
} unknown[] = {
	{"family", UNKNOWN, SOCK_STREAM, 0, EAFNOSUPPORT},
	{"protocol", AF_UNIX, SOCK_STREAM, UNKNOWN, EPROTONOSUPPORT},
	{"protocol_of_another_type", AF_INET, SOCK_STREAM, IPPROTO_UDP, EPROTONOSUPPORT},
};

TEST_EACH(sock, unknown_kinds_are_refused, unknown)
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	does_fail(alice, sock.make_of("s", row->domain, row->type, row->protocol), row->error);
	does_fail(alice, sock.pair_of("s", row->domain, row->type, row->protocol), row->error);
}

static const struct {
	const char *name;
	int domain, type, kind;
} networks[] = {
	{"tcp4", AF_INET, SOCK_STREAM, TCP4},
	{"tcp6", AF_INET6, SOCK_STREAM, TCP6},
	{"udp4", AF_INET, SOCK_DGRAM, UDP4},
	{"udp6", AF_INET6, SOCK_DGRAM, UDP6},
};

TEST_EACH(sock, pair_over_a_network_is_refused, networks)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", row->kind));
	does_fail(alice, sock.pair_of("p", row->domain, row->type, 0), EOPNOTSUPP);
}

TEST(sock, no_descriptor_no_socket)
{
	actor *alice = cast("alice");

	does(alice, sock.serve("s", UNIX_STREAM, 5));
	does(alice, sock.reach("c", UNIX_STREAM, "s", 0));
	does_give(alice, fd.leave_room(1), 1);
	does_fail(alice, sock.pair("p", UNIX_STREAM), EMFILE);
	does(alice, fd.dup("s", "the_last"));
	does_fail(alice, sock.make("t", UNIX_STREAM), EMFILE);
	does_fail(alice, sock.accept("s", "accepted"), EMFILE);
	does(alice, fd.close("the_last"));
	does(alice, fd.dup("s", "the_last"));
	does_fail(alice, fd.dup("s", "one_more"), EMFILE);
}

TEST_EACH(sock, failed_accept_leaves_the_connection, connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	does(client, sock.reach("c", row->kind, "s", (int)outcome_of(server)->value));
	does(client, sock.send("c", "patience", 0));
	does_give(server, fd.leave_room(1), 1);
	does(server, fd.dup("s", "the_last"));
	does_fail(server, sock.accept("s", "accepted"), EMFILE);
	does(server, fd.close("the_last"));
	does(server, sock.accept("s", "accepted"));
	does_give(server, sock.receive("accepted", 100, 0), "patience");
}

TEST_EACH(sock, bad_shutdown_is_refused, connections)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_fail(alice, sock.shutdown("s:a", 77), EINVAL);
	does_fail(alice, sock.shutdown("s:a", -1), EINVAL);
	does(alice, sock.send("s:a", "there", 0));
	does_give(alice, sock.receive("s:b", 100, 0), "there");
	does(alice, sock.send("s:b", "back", 0));
	does_give(alice, sock.receive("s:a", 100, 0), "back");
}

/* A message of so many parts, each of one byte. */
static long long send_parts(const char *text, const long long *n)
{
	char byte = 'x';
	struct iovec *parts = calloc((size_t)n[0], sizeof(*parts));
	struct msghdr message;

	memset(&message, 0, sizeof(message));
	message.msg_iov = parts;
	message.msg_iovlen = (size_t)n[0];
	for (long long i = 0; i < n[0]; i++)
		parts[i] = (struct iovec){&byte, 1};
	long long got = n[1] ? impl->sock->recvmsg(handle_fd(text), &message, 0)
			     : impl->sock->sendmsg(handle_fd(text), &message, 0);
	int error = errno;
	free(parts);
	errno = error;
	return got;
}

TEST_EACH(sock, too_many_parts_are_refused, any_kind)
{
	actor *alice = cast("alice");
	long most = sysconf(_SC_IOV_MAX);

	if (most < 0 || most > 1 << 16)
		skip("there's no bound of how many parts, or a large one");
	does(alice, sock.pair("s", row->kind));
	does_fail(alice, call(send_parts, "s:a", most + 1, false, 0), EMSGSIZE);
	does_fail(alice, sock.receive("s:b", 1, MSG_DONTWAIT), EAGAIN);
	does_give(alice, call(send_parts, "s:a", most, false, 0), most);
	does_fail(alice, call(send_parts, "s:b", most + 1, true, 0), EMSGSIZE);
	does(alice, sock.receive("s:b", 1, MSG_PEEK));
	does_give(alice, call(send_parts, "s:b", most, true, 0), most);
}

TEST_EACH(sock, unknown_flags_of_accept_are_refused, connections)
{
	actor *server = cast("server");

	does(server, sock.serve("s", row->kind, 5));
	does(server, sock.reach("c", row->kind, "s", (int)outcome_of(server)->value));
	does_fail(server, sock.accept_with("s", "accepted", 0x10), EINVAL);
	does(server, sock.accept_with("s", "accepted", 0));
}
