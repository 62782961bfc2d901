/* SPDX-License-Identifier: MIT */
/* Who waits for what, and who is woken. */
#include <string.h>
#include <time.h>

#include "contract/kinds.h"
#include "stage/story.h"

TEST_EACH(sock, receive_waits_for_data, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	for (int i = 0; i < 3; i++) {
		begin(bob, sock.receive("s:b", 100, 0));
		blocks(bob);
		does(alice, sock.send("s:a", "come", 0));
		gives(bob, "come");
	}
}

TEST_EACH(sock, nonblocking_receive_does_not_wait, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, fd.set_flags("s:b", O_RDWR | O_NONBLOCK));
	does_fail(alice, sock.receive("s:b", 100, 0), EAGAIN);
	does_fail(alice, sock.take("s:b", 100, "none", 0, 0), EAGAIN);
	does_fail(alice, fd.read("s:b", 100), EAGAIN);
	does(alice, sock.send("s:a", "come", 0));
	does_give(alice, fd.poll("s:b", POLLIN, -1), POLLIN);
	does_give(alice, sock.receive("s:b", 100, 0), "come");
	does_fail(alice, sock.receive("s:b", 100, 0), EAGAIN);
}

/* How long it must be nothing to who waits, in milliseconds. */
enum { WAITS_ON = 60 };

TEST_EACH(sock, nonblocking_is_for_calls_to_come, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	begin(alice, sock.receive("s:b", 100, 0));
	blocks(alice);
	does(bob, fd.set_flags("s:b", O_RDWR | O_NONBLOCK));
	does_give(bob, fd.poll("s:b", POLLIN, WAITS_ON), 0);
	does(bob, sock.send("s:a", "late", 0));
	gives(alice, "late");
	does_fail(alice, sock.receive("s:b", 100, 0), EAGAIN);
}

TEST_EACH(sock, dontwait_receive_does_not_wait, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does_fail(bob, sock.receive("s:b", 100, MSG_DONTWAIT), EAGAIN);
	does_fail(bob, sock.take("s:b", 100, "none", 0, MSG_DONTWAIT), EAGAIN);
	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	does(alice, sock.send("s:a", "come", 0));
	gives(bob, "come");
}

/* -- sending ---------------------------------------------------------------------------------- */

enum { PIECE = 20000 };

TEST_EACH(sock, send_waits_for_room, unix_kinds)
{
	actor *writer = cast("writer");

	does(writer, sock.pair("s", row->kind));
	actor *reader = forks(writer, "reader");
	does(writer, fd.fill("s:a", PIECE));
	begin(writer, sock.send_pattern("s:a", PIECE, 0));
	blocks(writer);
	does(reader, fd.drain("s:b"));
	gives(writer, PIECE);
}

TEST_EACH(sock, nonblocking_send_does_not_wait, unix_kinds)
{
	actor *writer = cast("writer");

	does(writer, sock.pair_with("s", row->kind, SOCK_NONBLOCK));
	does(writer, fd.fill("s:a", PIECE));
	long long sum = outcome_of(writer)->value;
	does_fail(writer, sock.send_pattern("s:a", PIECE, 0), EAGAIN);
	does_fail(writer, fd.write_pattern("s:a", 0, PIECE), EAGAIN);
	does_give(writer, fd.drain("s:b"), sum);
}

TEST_EACH(sock, short_send_tells_what_was_sent, streams)
{
	actor *writer = cast("writer");

	does(writer, sock.pair("s", row->kind));
	actor *reader = forks(writer, "reader");
	does(reader, fd.close("s:a"));
	does(writer, sock.set_option("s:a", SOL_SOCKET, SO_SNDBUF, 100000));
	does(reader, sock.set_option("s:b", SOL_SOCKET, SO_RCVBUF, 100000));
	does(writer, fd.fill("s:a", 100000));
	long long sum = outcome_of(writer)->value;
	does(writer, sock.shutdown("s:a", SHUT_WR));
	does_give(reader, sock.receive_to_end("s:b"), sum);
}

/* A queue may count messages, or bytes alone, and then have room for a short one still. */
static void fills(actor *a, const char *handle)
{
	does(a, fd.fill(handle, 4096));
	does(a, fd.fill(handle, 1));
}

TEST(sock, datagram_queue_is_bounded)
{
	actor *writer = cast("writer");

	does(writer, sock.pair("s", UNIX_DGRAM));
	actor *reader = forks(writer, "reader");
	fills(writer, "s:a");
	begin(writer, sock.send("s:a", "z", 0));
	blocks(writer);
	does(reader, fd.drain("s:b"));
	gives(writer, 1);
}

TEST(sock, full_queue_blocks_every_sender)
{
	actor *receiver = cast("receiver"), *anna = cast("anna"), *ben = cast("ben");

	does(receiver, sock.serve("s", UNIX_DGRAM, 0));
	does(anna, sock.reach("c", UNIX_DGRAM, "s", 0));
	does(ben, sock.reach("c", UNIX_DGRAM, "s", 0));
	fills(anna, "c");
	begin(ben, sock.send("c", "y", 0));
	blocks(ben);
	begin(anna, sock.send("c", "z", 0));
	blocks(anna);
	does(receiver, fd.drain("s"));
	gives(ben, 1);
	gives(anna, 1);
}

/* -- who is woken ----------------------------------------------------------------------------- */

/* Takes one message and leaves a note of it. */
static long long take_one(const char *text, const long long *n)
{
	char buffer[100];
	ssize_t got = impl->sock->recv(handle_fd(text), buffer, sizeof(buffer), 0);

	must(got >= 0);
	shared()[n[0]]++;
	shared()[2]++;
	return got;
}

/* Of these two the one that has it, after which the other still waits. */
static actor *one_alone(actor *anna, actor *ben, long long value)
{
	awaits(&shared()[2], 1);
	actor *winner = shared()[0] ? anna : ben, *other = shared()[0] ? ben : anna;

	gives(winner, value);
	blocks(other);
	return other;
}

TEST_EACH(sock, one_message_wakes_one_receiver, any_kind)
{
	actor *sender = cast("sender");

	does(sender, sock.pair("s", row->kind));
	actor *anna = forks(sender, "anna"), *ben = forks(sender, "ben");
	begin(anna, call(take_one, "s:b", 0, 0, 0));
	begin(ben, call(take_one, "s:b", 1, 0, 0));
	blocks(anna);
	blocks(ben);
	does(sender, sock.send("s:a", "one", 0));
	actor *other = one_alone(anna, ben, 3);
	does(sender, sock.send("s:a", "three", 0));
	gives(other, 5);
}

enum { MANY = 3 };

/* Each waits for a byte; together they get them all. */
static void many_wait(actor *sender, int kind, actor **receivers)
{
	const char *const names[MANY] = {"anna", "ben", "carl"};

	does(sender, sock.pair("s", kind));
	for (int i = 0; i < MANY; i++)
		receivers[i] = forks(sender, names[i]);
	for (int i = 0; i < MANY; i++)
		begin(receivers[i], sock.receive("s:b", 1, 0));
	for (int i = 0; i < MANY; i++)
		blocks(receivers[i]);
}

TEST_EACH(sock, every_receiver_is_woken, any_kind)
{
	actor *sender = cast("sender"), *receivers[MANY];

	many_wait(sender, row->kind, receivers);
	for (int i = 0; i < MANY; i++)
		does(sender, sock.send("s:a", "x", 0));
	for (int i = 0; i < MANY; i++)
		gives(receivers[i], "x");
}

TEST_EACH(sock, messages_sent_together_wake_all, any_kind)
{
	actor *sender = cast("sender"), *receivers[MANY];

	many_wait(sender, row->kind, receivers);
	for (int i = 0; i < MANY; i++)
		freeze(receivers[i]);
	for (int i = 0; i < MANY; i++)
		does(sender, sock.send("s:a", "x", 0));
	for (int i = MANY - 1; i >= 0; i--)
		thaw(receivers[i]);
	for (int i = 0; i < MANY; i++)
		gives(receivers[i], "x");
}

TEST_EACH(sock, room_wakes_every_sender, unix_kinds)
{
	actor *receiver = cast("receiver"), *senders[MANY];
	const char *const names[MANY] = {"anna", "ben", "carl"};

	does(receiver, sock.pair("s", row->kind));
	for (int i = 0; i < MANY; i++)
		senders[i] = forks(receiver, names[i]);
	does(receiver, fd.fill("s:a", PIECE));
	for (int i = 0; i < MANY; i++)
		begin(senders[i], sock.send_pattern("s:a", PIECE, 0));
	for (int i = 0; i < MANY; i++)
		blocks(senders[i]);
	does(receiver, fd.drain("s:b"));
	for (int i = 0; i < MANY; i++)
		gives(senders[i], PIECE);
}

TEST_EACH(sock, stopped_receiver_misses_nothing, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	freeze(bob);
	thaw(bob);
	blocks(bob);
	freeze(bob);
	does(alice, sock.send("s:a", "meanwhile", 0));
	thaw(bob);
	gives(bob, "meanwhile");
}

/* -- timeouts --------------------------------------------------------------------------------- */

/* A system may count in ticks of as much as TICK_MS. */
enum { TIMEOUT_MS = 40, TICK_MS = 10 };

static long long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum { RECEIVE, SEND, ACCEPT, CONNECT };

/* Connects to the listener "s" of AF_UNIX. */
static int connect_to_s(int socket_fd)
{
	struct sockaddr_un to;

	memset(&to, 0, sizeof(to));
	to.sun_family = AF_UNIX;
	strcpy(to.sun_path, path_of("s"));
	return impl->sock->connect(socket_fd, (struct sockaddr *)&to, sizeof(to));
}

/* Fails, if it does, as the call did; but not before its time.  If a busy machine lies under the
 * kernel, ticks come late and then several at once, which makes a timeout short: not every time. */
static long long wait_in_vain(const char *text, const long long *n)
{
	enum { TIMES = 5 };
	char piece[PIECE] = {0};
	int socket_fd = handle_fd(text);
	long long got = -1, waited = 0;
	int error = 0;

	for (int i = 0; i < TIMES && got < 0 && waited < TIMEOUT_MS - TICK_MS; i++) {
		long long began = milliseconds();

		errno = 0;
		if (n[0] == RECEIVE)
			got = impl->sock->recv(socket_fd, piece, sizeof(piece), 0);
		else if (n[0] == SEND)
			got = impl->sock->send(socket_fd, piece, sizeof(piece), 0);
		else if (n[0] == CONNECT)
			got = connect_to_s(socket_fd);
		else
			got = impl->sock->accept(socket_fd, NULL, NULL);
		error = errno;
		waited = milliseconds() - began;
	}
	if (got < 0)
		must(waited >= TIMEOUT_MS - TICK_MS);
	errno = error;
	return got;
}

TEST_EACH(sock, receive_timeout_is_kept, any_kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.set_timeout("s:b", SO_RCVTIMEO, TIMEOUT_MS));
	does_fail(alice, call(wait_in_vain, "s:b", RECEIVE, 0, 0), EAGAIN);
	does(alice, sock.send("s:a", "x", 0));
	does_give(alice, call(wait_in_vain, "s:b", RECEIVE, 0, 0), 1);
}

TEST_EACH(sock, send_timeout_is_kept, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.set_timeout("s:a", SO_SNDTIMEO, TIMEOUT_MS));
	does(alice, fd.fill("s:a", PIECE));
	does_fail(alice, call(wait_in_vain, "s:a", SEND, 0, 0), EAGAIN);
	does(alice, fd.drain("s:b"));
	does_give(alice, call(wait_in_vain, "s:a", SEND, 0, 0), PIECE);
}

TEST_EACH(sock, accept_timeout_is_kept, connections)
{
	actor *server = cast("server");

	does(server, sock.serve("s", row->kind, 5));
	does(server, sock.set_timeout("s", SO_RCVTIMEO, TIMEOUT_MS));
	does_fail(server, call(wait_in_vain, "s", ACCEPT, 0, 0), EAGAIN);
}

TEST_EACH(sock, waiting_connect_has_a_timeout, unix_connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 0));
	does(client, sock.reach("first", row->kind, "s", 0));
	does(client, sock.make("c", row->kind));
	does(client, sock.set_timeout("c", SO_SNDTIMEO, TIMEOUT_MS));
	does_fail(client, call(wait_in_vain, "c", CONNECT, 0, 0), EAGAIN);
	does_fail(client, sock.peer_name("c"), ENOTCONN);
	does(server, sock.accept("s", "accepted"));
	does(server, fd.set_flags("s", O_RDWR | O_NONBLOCK));
	does_fail(server, sock.accept("s", "accepted"), EAGAIN);
	does_give(client, call(wait_in_vain, "c", CONNECT, 0, 0), 0);
}

TEST_EACH(sock, low_water_mark_holds_back, streams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	begin(alice, sock.set_option("s:b", SOL_SOCKET, SO_RCVLOWAT, 4));
	returns(alice);
	if (outcome_of(alice)->error == ENOPROTOOPT)
		skip("the low-water mark can't be set");
	does_give(alice, sock.option("s:b", SOL_SOCKET, SO_RCVLOWAT), 4);
	actor *bob = forks(alice, "bob");
	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	does(alice, sock.send("s:a", "ab", 0));
	blocks(bob);
	does(alice, sock.send("s:a", "cd", 0));
	gives(bob, "abcd");
}
