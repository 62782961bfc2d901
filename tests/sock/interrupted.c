/* SPDX-License-Identifier: MIT */
/* Signals amidst calls that wait. */
#include "contract/kinds.h"
#include "stage/story.h"

TEST_EACH(sock, signal_interrupts_receive, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, 0));
	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	must_be(caught(bob, SIGUSR1), 1);
	does(alice, sock.send("s:a", "whole", 0));
	does_give(bob, sock.receive("s:b", 100, 0), "whole");
}

TEST_EACH(sock, signal_restarts_receive, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, SA_RESTART));
	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	poke(bob, SIGUSR1);
	catches(bob, SIGUSR1, 1);
	blocks(bob);
	does(alice, sock.send("s:a", "whole", 0));
	gives(bob, "whole");
}

TEST_EACH(sock, timed_receive_is_not_restarted, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, SA_RESTART));
	does(bob, sock.set_timeout("s:b", SO_RCVTIMEO, 100000));
	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
}

enum { PIECE = 20000 };

TEST_EACH(sock, signal_interrupts_send, unix_messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, fd.fill("s:b", PIECE));
	long long sum = outcome_of(bob)->value;
	begin(bob, sock.send_pattern("s:b", PIECE, 0));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	does_give(alice, fd.drain("s:a"), sum);
}

TEST_EACH(sock, signal_restarts_send, unix_messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, SA_RESTART));
	does(bob, fd.fill("s:b", PIECE));
	long long pieces = outcome_of(bob)->value / PIECE;
	begin(bob, sock.send_pattern("s:b", PIECE, 0));
	blocks(bob);
	poke(bob, SIGUSR1);
	catches(bob, SIGUSR1, 1);
	blocks(bob);
	for (long long i = 0; i < pieces; i++)
		does_give(alice, sock.receive("s:a", 10, 0), 10);
	gives(bob, PIECE);
	does_give(alice, sock.receive("s:a", 10, 0), 10);
	does_fail(alice, sock.receive("s:a", 10, MSG_DONTWAIT), EAGAIN);
}

enum { LONG = 1 << 20, SMALL_BUFFER = 30000 };

/* Buffers that grow by themselves might hold it all. */
static actor *part_with_small_buffers(actor *writer, int kind)
{
	does(writer, sock.pair("s", kind));
	does(writer, sock.set_option("s:a", SOL_SOCKET, SO_SNDBUF, SMALL_BUFFER));
	does(writer, sock.set_option("s:b", SOL_SOCKET, SO_RCVBUF, SMALL_BUFFER));
	actor *reader = forks(writer, "reader");
	does(reader, fd.close("s:a"));
	return reader;
}

static void send_is_cut_short(int kind, int flags)
{
	actor *writer = cast("writer"), *reader = part_with_small_buffers(writer, kind);

	does(writer, sig.handle(SIGUSR1, flags));
	begin(writer, sock.send_pattern("s:a", LONG, 0));
	blocks(writer);
	poke(writer, SIGUSR1);
	succeeds(writer);
	long long sum = outcome_of(writer)->value;
	must(sum > 0 && sum < LONG);
	does(writer, sock.shutdown("s:a", SHUT_WR));
	does_give(reader, sock.receive_to_end("s:b"), sum);
}

TEST_EACH(sock, interrupted_send_tells_what_was_sent, streams)
{
	send_is_cut_short(row->kind, 0);
}

/* There is nothing to begin again, whatever the handler wants. */
TEST_VARIANT(sock, interrupted_send_tells_what_was_sent, and_is_not_restarted)
{
	send_is_cut_short(UNIX_STREAM, SA_RESTART);
}

TEST_EACH(sock, interrupted_waitall_gives_what_came, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, 0));
	does(alice, sock.send("s:a", "not all", 0));
	begin(bob, sock.receive("s:b", 100, MSG_WAITALL));
	blocks(bob);
	poke(bob, SIGUSR1);
	gives(bob, "not all");
	does(alice, sock.send("s:a", "the rest", 0));
	does_give(bob, sock.receive("s:b", 100, 0), "the rest");
}

TEST_EACH(sock, signal_interrupts_accept, connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	does(server, sig.handle(SIGUSR1, 0));
	begin(server, sock.accept("s", "accepted"));
	blocks(server);
	poke(server, SIGUSR1);
	fails(server, EINTR);
	does(server, sig.handle(SIGUSR1, SA_RESTART));
	begin(server, sock.accept("s", "accepted"));
	blocks(server);
	poke(server, SIGUSR1);
	catches(server, SIGUSR1, 2);
	blocks(server);
	does(client, sock.reach("c", row->kind, "s", port));
	succeeds(server);
}

TEST(sock, signal_interrupts_connect)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", UNIX_STREAM, 0));
	does(client, sig.handle(SIGUSR1, 0));
	for (int i = 0; i < 100; i++) {
		does(client, sock.make_with("c", UNIX_STREAM, SOCK_NONBLOCK));
		begin(client, sock.connect("c", "s"));
		returns(client);
		if (outcome_of(client)->error)
			break;
	}
	does(client, sock.make("d", UNIX_STREAM));
	begin(client, sock.connect("d", "s"));
	blocks(client);
	poke(client, SIGUSR1);
	fails(client, EINTR);
}

enum { STORM = 1 << 20, STORM_SIGNALS = 200 };

static unsigned char pattern_at(long long at)
{
	return (unsigned char)(at * 7 + at / 251);
}

/* Sends STORM bytes in calls of all lengths; one that fails with EINTR has sent nothing. */
static long long send_storm(const char *text, const long long *n)
{
	static unsigned char piece[30000];
	long long sent = 0;

	(void)text, (void)n;
	for (size_t size = 1; sent < STORM; size = size * 3 % sizeof(piece) + 1) {
		for (size_t i = 0; i < size; i++)
			piece[i] = pattern_at(sent + (long long)i);
		ssize_t got = impl->sock->send(handle_fd("s:a"), piece, size, 0);

		must(got > 0 || errno == EINTR);
		sent += got > 0 ? got : 0;
	}
	must_be(impl->sock->shutdown(handle_fd("s:a"), SHUT_WR), 0);
	shared()[0] = (uint64_t)sent;
	return sent;
}

static long long receive_storm(const char *text, const long long *n)
{
	static unsigned char piece[20000];
	long long received = 0;

	(void)text, (void)n;
	for (size_t size = 1;; size = size * 5 % sizeof(piece) + 1) {
		ssize_t got = impl->sock->recv(handle_fd("s:b"), piece, size, 0);

		if (got < 0) {
			must_be(errno, EINTR);
			continue;
		}
		for (ssize_t i = 0; i < got; i++)
			must_be(piece[i], pattern_at(received + i));
		received += got;
		if (got == 0)
			return received;
	}
}

TEST_EACH(sock, bytes_are_conserved_under_signals, streams)
{
	actor *writer = cast("writer"), *reader = part_with_small_buffers(writer, row->kind);

	does(writer, sig.handle(SIGUSR1, 0));
	does(reader, sig.handle(SIGUSR1, 0));
	begin(writer, call(send_storm, NULL, 0, 0, 0));
	begin(reader, call(receive_storm, NULL, 0, 0, 0));
	for (int i = 0; i < STORM_SIGNALS; i++) {
		poke(writer, SIGUSR1);
		poke(reader, SIGUSR1);
	}
	succeeds(writer);
	gives(reader, (long long)shared()[0]);
}

/* -- with a timeout, or without a call -------------------------------------------------------- */

TEST_EACH(sock, timed_send_is_not_restarted, unix_messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, SA_RESTART));
	does(bob, sock.set_timeout("s:b", SO_SNDTIMEO, 100000));
	does(bob, fd.fill("s:b", PIECE));
	long long sum = outcome_of(bob)->value;
	begin(bob, sock.send_pattern("s:b", PIECE, 0));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	does_give(alice, fd.drain("s:a"), sum);
}

TEST_EACH(sock, timed_accept_is_not_restarted, connections)
{
	actor *server = cast("server");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	does(server, sig.handle(SIGUSR1, SA_RESTART));
	does(server, sock.set_timeout("s", SO_RCVTIMEO, 100000));
	begin(server, sock.accept("s", "accepted"));
	blocks(server);
	poke(server, SIGUSR1);
	fails(server, EINTR);
	does(server, sock.reach("c", row->kind, "s", port));
	does(server, sock.accept("s", "accepted"));
}

TEST_EACH(sock, arrival_raises_SIGIO, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGIO, 0));
	does(bob, fd.fcntl("s:b", F_SETOWN, pid_of(bob)));
	does(bob, fd.set_flags("s:b", O_RDWR | O_ASYNC));
	must_be(caught(bob, SIGIO), 0);
	does(alice, sock.send("s:a", "x", 0));
	catches(bob, SIGIO, 1);
	does_give(bob, sock.receive("s:b", 9, 0), "x");
	must_be(caught(alice, SIGIO), 0);
}

TEST_VARIANT(sock, arrival_raises_SIGIO, chosen_before_there_was_a_connection)
{
	actor *server = cast("server"), *bob = cast("bob");

	does(server, sock.serve("s", UNIX_STREAM, 5));
	does(bob, sock.make("c", UNIX_STREAM));
	does(bob, sig.handle(SIGIO, 0));
	does(bob, fd.fcntl("c", F_SETOWN, pid_of(bob)));
	does(bob, sock.connect("c", "s"));
	does(server, sock.accept("s", "accepted"));
	does(bob, fd.set_flags("c", O_RDWR | O_ASYNC));
	must_be(caught(bob, SIGIO), 0);
	does(server, sock.send("accepted", "x", 0));
	catches(bob, SIGIO, 1);
	does_give(bob, sock.receive("c", 9, 0), "x");
}
