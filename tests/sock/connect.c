/* SPDX-License-Identifier: MIT */
/* The rendezvous of those who connect and those who accept. */
#include <string.h>

#include "contract/kinds.h"
#include "stage/story.h"

TEST_EACH(sock, accept_waits_for_a_connection, connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	for (int i = 0; i < 2; i++) {
		begin(server, sock.accept("s", "accepted"));
		blocks(server);
		does(client, sock.reach("c", row->kind, "s", port));
		succeeds(server);
	}
}

TEST_EACH(sock, nonblocking_accept_does_not_wait, connections)
{
	actor *server = cast("server");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	does(server, fd.set_flags("s", O_RDWR | O_NONBLOCK));
	does_fail(server, sock.accept("s", "accepted"), EAGAIN);
	does(server, sock.reach("c", row->kind, "s", port));
	does_give(server, fd.poll("s", POLLIN, -1), POLLIN);
	does(server, sock.accept("s", "accepted"));
	does_fail(server, sock.accept("s", "accepted"), EAGAIN);
}

TEST_EACH(sock, accepted_socket_is_blocking, connections)
{
	actor *server = cast("server");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	does(server, fd.set_flags("s", O_RDWR | O_NONBLOCK));
	does(server, sock.reach("c", row->kind, "s", port));
	does_give(server, fd.poll("s", POLLIN, -1), POLLIN);
	does(server, sock.accept("s", "accepted"));
	does(server, fd.flags("accepted"));
	must_be(outcome_of(server)->value & O_NONBLOCK, 0);
}

TEST_EACH(sock, connect_needs_no_accept, connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	does(client, sock.reach("c", row->kind, "s", (int)outcome_of(server)->value));
	does(client, sock.send("c", "early", 0));
	does(server, sock.accept("s", "accepted"));
	does_give(server, sock.receive("accepted", 100, 0), "early");
}

TEST_EACH(sock, connections_are_accepted_in_order, unix_connections)
{
	actor *server = cast("server"), *clients = cast("clients");
	const char *const names[] = {"anna", "ben", "carl"};

	does(server, sock.serve("s", row->kind, 5));
	for (int i = 0; i < 3; i++) {
		does(clients, sock.reach(names[i], row->kind, "s", 0));
		does(clients, sock.send(names[i], names[i], 0));
	}
	for (int i = 0; i < 3; i++) {
		does(server, sock.accept("s", "accepted"));
		does_give(server, sock.receive("accepted", 100, 0), names[i]);
	}
}

/* Connects, without waiting, as often as is possible; the client keeps its last socket only. */
static void fill_backlog(actor *client, int kind)
{
	for (int i = 0; i < 100; i++) {
		does(client, sock.make_with("c", kind, SOCK_NONBLOCK));
		begin(client, sock.connect("c", "s"));
		returns(client);
		if (outcome_of(client)->error == EAGAIN)
			return;
		must_be(outcome_of(client)->error, 0);
	}
	must(!"the queue has an end");
}

TEST_EACH(sock, full_backlog_blocks_connect, unix_connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 1));
	fill_backlog(client, row->kind);
	begin(client, sock.reach("d", row->kind, "s", 0));
	blocks(client);
	does(server, sock.accept("s", "accepted"));
	succeeds(client);
	does_fail(client, sock.connect("c", "s"), EAGAIN);
}

/* Three clients that all wait for a full listener. */
static void crowd(actor *server, actor *const clients[3])
{
	does(server, sock.serve("s", UNIX_STREAM, 1));
	fill_backlog(clients[0], UNIX_STREAM);
	for (int i = 0; i < 3; i++) {
		begin(clients[i], sock.reach("d", UNIX_STREAM, "s", 0));
		blocks(clients[i]);
	}
}

TEST_VARIANT(sock, full_backlog_blocks_connect, several)
{
	actor *server = cast("server");
	actor *const clients[] = {cast("anna"), cast("ben"), cast("carl")};

	crowd(server, clients);
	for (int i = 0; i < 3; i++)
		does(server, sock.accept("s", "accepted"));
	for (int i = 0; i < 3; i++)
		succeeds(clients[i]);
	does_fail(clients[0], sock.connect("c", "s"), EAGAIN);
}

TEST_VARIANT(sock, closed_listener_refuses_who_waits, several)
{
	actor *server = cast("server");
	actor *const clients[] = {cast("anna"), cast("ben"), cast("carl")};

	crowd(server, clients);
	dies(server);
	for (int i = 0; i < 3; i++)
		fails(clients[i], ECONNREFUSED);
}

TEST_EACH(sock, larger_backlog_lets_in, unix_connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 1));
	fill_backlog(client, row->kind);
	begin(client, sock.reach("d", row->kind, "s", 0));
	blocks(client);
	does(server, sock.listen("s", 10));
	succeeds(client);
	does(client, sock.connect("c", "s"));
}

TEST_EACH(sock, closed_listener_refuses_who_waits, unix_connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 1));
	fill_backlog(client, row->kind);
	begin(client, sock.reach("d", row->kind, "s", 0));
	blocks(client);
	does(server, fd.close("s"));
	fails(client, ECONNREFUSED);
}

TEST_EACH(sock, closed_listener_resets_the_pending, connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	does(client, sock.reach("c", row->kind, "s", (int)outcome_of(server)->value));
	begin(client, sock.receive("c", 1, 0));
	blocks(client);
	dies(server);
	fails(client, ECONNRESET);
	does_give(client, sock.receive("c", 1, 0), "");
}

TEST_EACH(sock, backlog_of_nothing_lets_one_in, connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 0));
	int port = (int)outcome_of(server)->value;
	begin(server, sock.accept("s", "accepted"));
	blocks(server);
	does(client, sock.reach("c", row->kind, "s", port));
	succeeds(server);
}

static long long accept_one(const char *text, const long long *n)
{
	must(impl->sock->accept(handle_fd(text), NULL, NULL) >= 0);
	shared()[n[0]]++;
	shared()[2]++;
	return 0;
}

TEST_EACH(sock, one_connection_wakes_one_acceptor, connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	actor *anna = forks(server, "anna"), *ben = forks(server, "ben");
	begin(anna, call(accept_one, "s", 0, 0, 0));
	begin(ben, call(accept_one, "s", 1, 0, 0));
	blocks(anna);
	blocks(ben);
	does(client, sock.reach("c", row->kind, "s", port));
	awaits(&shared()[2], 1);
	actor *other = shared()[0] ? ben : anna;
	gives(shared()[0] ? anna : ben, 0);
	blocks(other);
	does(client, sock.reach("c", row->kind, "s", port));
	gives(other, 0);
}

TEST_EACH(sock, connections_made_together_wake_all, connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	int port = (int)outcome_of(server)->value;
	actor *anna = forks(server, "anna"), *ben = forks(server, "ben");
	begin(anna, call(accept_one, "s", 0, 0, 0));
	begin(ben, call(accept_one, "s", 1, 0, 0));
	blocks(anna);
	blocks(ben);
	freeze(anna);
	freeze(ben);
	does(client, sock.reach("c", row->kind, "s", port));
	does(client, sock.reach("d", row->kind, "s", port));
	thaw(ben);
	thaw(anna);
	gives(anna, 0);
	gives(ben, 0);
}

enum { STORM = 100 };

/* Connects STORM times to the socket that serves at text, and sends which time it is. */
static long long connect_often(const char *text, const long long *n)
{
	struct sockaddr_un to;

	(void)n;
	memset(&to, 0, sizeof(to));
	to.sun_family = AF_UNIX;
	strcpy(to.sun_path, path_of(text));
	for (int i = 0; i < STORM; i++) {
		unsigned char number = (unsigned char)i;
		int client = impl->sock->socket(AF_UNIX, SOCK_STREAM, 0);

		must_be(impl->sock->connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
		must_be(impl->sock->send(client, &number, 1, 0), 1);
		must_be(impl->fd->close(client), 0);
	}
	shared()[0] = 1;
	return 0;
}

static long long accept_often(const char *text, const long long *n)
{
	(void)n;
	for (int i = 0; i < STORM; i++) {
		unsigned char number;
		int accepted = impl->sock->accept(handle_fd(text), NULL, NULL);

		must(accepted >= 0);
		must_be(impl->sock->recv(accepted, &number, 1, 0), 1);
		must_be(number, i);
		must_be(impl->fd->close(accepted), 0);
	}
	return 0;
}

static long long listen_often(const char *text, const long long *n)
{
	(void)n;
	for (int i = 0; !shared()[0]; i++)
		must_be(impl->sock->listen(handle_fd(text), 1 + i % 5), 0);
	return 0;
}

TEST(sock, listening_again_loses_nobody)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", UNIX_STREAM, 5));
	actor *fickle = forks(server, "fickle");
	begin(fickle, call(listen_often, "s", 0, 0, 0));
	begin(server, call(accept_often, "s", 0, 0, 0));
	begin(client, call(connect_often, "s", 0, 0, 0));
	succeeds(client);
	succeeds(server);
	succeeds(fickle);
}

TEST_VARIANT(sock, signal_restarts_connect, unix_stream)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", UNIX_STREAM, 0));
	does(server, sock.reach("first", UNIX_STREAM, "s", 0));
	does(client, sig.handle(SIGUSR1, SA_RESTART));
	begin(client, sock.reach("c", UNIX_STREAM, "s", 0));
	blocks(client);
	poke(client, SIGUSR1);
	catches(client, SIGUSR1, 1);
	blocks(client);
	does(server, sock.accept("s", "accepted"));
	succeeds(client);
}
