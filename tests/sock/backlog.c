/* SPDX-License-Identifier: MIT */
/* More who connect than a listener has room for. */
#include <stdio.h>

#include "contract/kinds.h"
#include "stage/story.h"

/* "c0", "c1" ...; lives until the next one of the same number. */
static const char *client_name(int i)
{
	static char names[32][16];

	snprintf(names[i], sizeof(names[i]), "c%d", i);
	return names[i];
}

static const struct {
	const char *name;
	int kind, backlog;
} backlogs[] = {
	{"unix_stream_1", UNIX_STREAM, 1},
	{"unix_stream_20", UNIX_STREAM, 20},
	{"unix_seqpacket_1", UNIX_SEQPACKET, 1},
	{"unix_seqpacket_20", UNIX_SEQPACKET, 20},
	{"tcp4_1", TCP4, 1},
	{"tcp4_20", TCP4, 20},
	{"tcp6_1", TCP6, 1},
	{"tcp6_20", TCP6, 20},
};

TEST_EACH(sock, backlog_is_kept, backlogs)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, row->backlog));
	int port = (int)outcome_of(server)->value;
	for (int i = 0; i < row->backlog; i++)
		does(client, sock.reach(client_name(i), row->kind, "s", port));
	for (int i = 0; i < row->backlog; i++) {
		does(server, sock.accept("s", "accepted"));
		does(server, fd.close("accepted"));
	}
	does(server, fd.set_flags("s", O_RDWR | O_NONBLOCK));
	does_fail(server, sock.accept("s", "accepted"), EAGAIN);
}

enum { CROWD = 6 };

static bool is_made(int client)
{
	struct pollfd polled = {.fd = client, .events = POLLOUT};
	int error = -1;
	socklen_t size = sizeof(error), peer_size = sizeof(struct sockaddr_storage);
	struct sockaddr_storage peer;

	must(impl->fd->poll(&polled, 1, 0) >= 0);
	return polled.revents & POLLOUT &&
	       impl->sock->getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
	       error == 0 &&
	       impl->sock->getpeername(client, (struct sockaddr *)&peer, &peer_size) == 0;
}

/* Whoever is connected sends its number, the others give up; gives the set of those who are. */
static long long send_or_give_up(const char *text, const long long *n)
{
	long long made = 0;

	(void)text;
	(void)n;
	for (int i = 0; i < CROWD; i++) {
		int client = handle_fd(client_name(i));
		unsigned char number = (unsigned char)i;

		if (is_made(client)) {
			must_be(impl->sock->send(client, &number, 1, 0), 1);
			made |= 1 << i;
		} else {
			must_be(impl->fd->close(client), 0);
		}
	}
	return made;
}

/* Accepts until it has heard of all of a set; those of whom it hears nothing have given up. */
static long long accept_all(const char *text, const long long *n)
{
	for (long long left = n[0]; left;) {
		unsigned char number = 0;
		int accepted = impl->sock->accept(handle_fd(text), NULL, NULL);

		must(accepted >= 0);
		if (impl->sock->recv(accepted, &number, 1, 0) == 1) {
			must(number < CROWD && left & 1 << number);
			left &= ~(1 << number);
		}
		must_be(impl->fd->close(accepted), 0);
	}
	return 0;
}

TEST_EACH(sock, connection_made_is_not_lost, connections)
{
	actor *server = cast("server"), *client = cast("client");
	bool is_local = row->kind == UNIX_STREAM || row->kind == UNIX_SEQPACKET;

	does(server, sock.serve("s", row->kind, 1));
	int port = (int)outcome_of(server)->value;
	for (int i = 0; i < CROWD; i++) {
		does(client, sock.make_with(client_name(i), row->kind, SOCK_NONBLOCK));
		begin(client, is_local ? sock.connect(client_name(i), "s")
				       : sock.connect_port(client_name(i), row->kind, port));
		returns(client);
		int error = outcome_of(client)->error;
		must(error == 0 || error == (is_local ? EAGAIN : EINPROGRESS));
	}
	does_give(client, fd.poll("c0", POLLOUT, -1), POLLOUT);
	does(client, call(send_or_give_up, "", 0, 0, 0));
	long long made = outcome_of(client)->value;
	must(made & 1);
	does(server, call(accept_all, "s", made, 0, 0));
}
