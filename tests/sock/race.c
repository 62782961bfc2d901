/* SPDX-License-Identifier: MIT */
/* Sockets that several send to, receive from and connect to at once. */
#include "race/race.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct pair {
	int ends[2];
};

static bool make_of(void *world, int type)
{
	struct pair *pair = world;

	return impl->sock->socketpair(AF_UNIX, type, 0, pair->ends) == 0;
}

static bool make_packets(void *world)
{
	return make_of(world, SOCK_SEQPACKET);
}

static bool make_stream(void *world)
{
	return make_of(world, SOCK_STREAM);
}

static void remove_pair(void *world)
{
	struct pair *pair = world;

	impl->fd->close(pair->ends[0]);
	impl->fd->close(pair->ends[1]);
}

static long long put(void *world, const char *text)
{
	struct pair *pair = world;

	return answer(impl->sock->send(pair->ends[0], text, strlen(text), 0));
}

static long long put_short(void *world)
{
	return put(world, "aaa");
}

static long long put_long(void *world)
{
	return put(world, "bbbbb");
}

static long long take(void *world)
{
	struct pair *pair = world;
	char bytes[16];

	return answer(impl->sock->recv(pair->ends[1], bytes, sizeof(bytes), 0));
}

static long long take_two(void *world)
{
	long long first = take(world);

	return first < 0 ? first : first * 10 + take(world);
}

RACE(sock, packets_stay_whole) = {
	.text = "what two send at once are two packets",
	.world = sizeof(struct pair),
	.make = make_packets,
	.roles = {{"alice", put_short}, {"bob", put_long}, {"receiver", take_two}},
	.remove = remove_pair,
	.outcomes = {{"3 5 35", ALLOWED, "alice was the first"},
		     {"3 5 53", ALLOWED, "bob was the first"}},
};

static long long put_one(void *world)
{
	return put(world, "x");
}

static long long take_one(void *world)
{
	struct pair *pair = world;
	char byte;

	return answer(impl->sock->recv(pair->ends[1], &byte, 1, 0));
}

RACE(sock, each_of_two_receivers_is_woken) = {
	.text = "two who receive and two who send a byte each: nobody waits for ever",
	.world = sizeof(struct pair),
	.make = make_stream,
	.roles = {{"alice", take_one}, {"bob", take_one}, {"carol", put_one}, {"dave", put_one}},
	.remove = remove_pair,
	.outcomes = {{"1 1 1 1", ALLOWED, "each has a byte"}},
};

/* -- meeting ----------------------------------------------------------------------------------- */

struct server {
	int listener;
	struct sockaddr_un address;
};

static bool make_server(void *world)
{
	struct server *server = world;
	char path[RACE_NAME_MAX];

	race_path(path);
	server->address.sun_family = AF_UNIX;
	strcpy(server->address.sun_path, path);
	server->listener = impl->sock->socket(AF_UNIX, SOCK_STREAM, 0);
	return server->listener >= 0 &&
	       impl->sock->bind(server->listener, (struct sockaddr *)&server->address,
				sizeof(server->address)) == 0 &&
	       impl->sock->listen(server->listener, 4) == 0;
}

static void remove_server(void *world)
{
	struct server *server = world;

	impl->fd->close(server->listener);
	impl->sock->unlink(server->address.sun_path);
}

/* Connects, and says one byte, which is answered by another. */
static long long ask(void *world)
{
	struct server *server = world;
	int fd = impl->sock->socket(AF_UNIX, SOCK_STREAM, 0);
	long long result;
	char byte = 'q';

	if (fd < 0)
		return answer(-1);
	result = answer(impl->sock->connect(fd, (struct sockaddr *)&server->address,
					    sizeof(server->address)));
	if (result == 0)
		result = answer(impl->sock->send(fd, &byte, 1, 0));
	if (result == 1)
		result = answer(impl->sock->recv(fd, &byte, 1, 0));
	impl->fd->close(fd);
	return result;
}

static long long serve_one(void *world)
{
	struct server *server = world;
	int fd = impl->sock->accept(server->listener, NULL, NULL);
	char byte;

	if (fd < 0)
		return answer(-1);
	long long result = answer(impl->sock->recv(fd, &byte, 1, 0));
	if (result == 1)
		result = answer(impl->sock->send(fd, &byte, 1, 0));
	impl->fd->close(fd);
	return result;
}

static long long serve_two(void *world)
{
	long long result = serve_one(world);

	return result == 1 ? 1 + serve_one(world) : result;
}

RACE(sock, who_connects_is_accepted) = {
	.text = "two connect at once, and each is served",
	.world = sizeof(struct server),
	.make = make_server,
	.roles = {{"alice", ask}, {"bob", ask}, {"server", serve_two}},
	.remove = remove_server,
	.outcomes = {{"1 1 2", ALLOWED, "one after the other"}},
};

/* -- deaths ----------------------------------------------------------------------------------- */

/* The size of a packet that is left, which is taken away; none: 0. */
static long long take_rest(void *world)
{
	struct pair *pair = world;
	char bytes[16];
	ssize_t size = impl->sock->recv(pair->ends[1], bytes, sizeof(bytes), MSG_DONTWAIT);

	return size < 0 ? 0 : size;
}

RACE(sock, who_dies_has_sent_or_not) = {
	.text = "of two who send a packet one is killed: his is there whole, or not at all",
	.world = sizeof(struct pair),
	.make = make_packets,
	.roles = {{"victim", put_short}, {"bob", put_long}, {"receiver", take}},
	.mortals = 1,
	.after = take_rest,
	.remove = remove_pair,
	.outcomes = {{"3 5 3 | 5", ALLOWED, "nobody died"},
		     {"3 5 5 | 3", ALLOWED, "nobody died"},
		     {"killed 5 3 | 5", ALLOWED, "the victim had sent first"},
		     {"killed 5 5 | [03]", ALLOWED, "the victim may have sent"}},
};
