/* SPDX-License-Identifier: MIT */
/*
 * Sockets: pairs that all have, datagrams with names, and conversations of which either side may
 * die.  What was sent is received, once and in order; who has lost his peer is told, and nobody
 * else is; no name outlives its socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault/storm_letters.h"
#include "ref/ipcref.h"

static int type;

static void ignore_sigpipe(void)
{
	signal(SIGPIPE, SIG_IGN);
}

/* As little as it can be, so that it is often full. */
static void make_narrow(int fd)
{
	int least = 1;

	MUST(ipcref_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)) == 0);
}

/* -- names ------------------------------------------------------------------------------------ */

struct address {
	struct sockaddr_un name;
	socklen_t size;
};

static const struct sockaddr *name_of(const struct address *address)
{
	return (const struct sockaddr *)&address->name;
}

static struct address path_address(const char *path)
{
	struct address address = {.name.sun_family = AF_UNIX, .size = sizeof(address.name)};

	snprintf(address.name.sun_path, sizeof(address.name.sun_path), "%s", path);
	return address;
}

/* An abstract name with up to two numbers in it, which name_tells reads. */
static struct address abstract_address(const char *what, unsigned one, unsigned other)
{
	struct address address = {.name.sun_family = AF_UNIX};
	char *name = address.name.sun_path + 1;
	int length =
		snprintf(name, sizeof(address.name.sun_path) - 1, "%s-%u-%u", what, one, other);

	address.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)length;
	return address;
}

static void name_tells(const struct address *address, const char *what, unsigned *one,
		       unsigned *other)
{
	struct address same;

	*one = *other = 0;
	MUST(sscanf(address->name.sun_path + 1 + strlen(what), "-%u-%u", one, other) == 2);
	same = abstract_address(what, *one, *other);
	MUST(same.size == address->size && memcmp(&same.name, &address->name, same.size) == 0);
}

static int bound_socket(const struct address *address)
{
	int fd = ipcref_socket(AF_UNIX, type, 0);

	MUST(fd >= 0);
	MUST(ipcref_bind(fd, name_of(address), address->size) == 0);
	return fd;
}

/* Who makes the first socket of a process takes away what the dead have left. */
static void have_the_dead_buried(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(ipcref_close(ipcref_socket(AF_UNIX, SOCK_DGRAM, 0)) != 0);
	MUST(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

/* -- letters, of which some have a descriptor with them --------------------------------------- */

static bool has_descriptor(const struct letter *letter)
{
	return (letter->life * 5 + letter->number) % 16 == 0;
}

enum { LABEL = offsetof(struct letter, bytes) }; /* what tells a letter from all others */

/* What can be read from it tells whose it is. */
static int descriptor_for(const struct letter *letter)
{
	int way[2] = {-1, -1};

	MUST(pipe(way) == 0);
	MUST(write(way[1], letter, LABEL) == LABEL);
	close(way[1]);
	return way[0];
}

static void check_descriptor(int fd, const struct letter *letter)
{
	struct letter label;

	MUST(read(fd, &label, sizeof(label)) == LABEL && memcmp(&label, letter, LABEL) == 0);
	close(fd);
}

/* One descriptor and no more. */
union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr header;
};

static ssize_t send_letter(int fd, const struct letter *letter, int flags, struct address *to)
{
	struct iovec part = {(void *)(uintptr_t)letter, letter->size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	union control control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
					    .cmsg_level = SOL_SOCKET,
					    .cmsg_type = SCM_RIGHTS}};
	int passed = -1;

	if (to) {
		message.msg_name = &to->name;
		message.msg_namelen = to->size;
	}
	if (has_descriptor(letter)) {
		passed = descriptor_for(letter);
		memcpy(CMSG_DATA(&control.header), &passed, sizeof(passed));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	ssize_t sent = ipcref_sendmsg(fd, &message, flags);

	if (passed >= 0)
		close(passed);
	MUST(sent == (ssize_t)letter->size || (sent < 0 && errno == EAGAIN));
	return sent;
}

/* Less than 0: there was none, or 0: nor will be. */
static ssize_t receive_letter(int fd, struct letter *letter, int flags, struct address *from)
{
	struct iovec part = {letter, sizeof(*letter)};
	union control control;
	struct msghdr message = {.msg_name = from ? &from->name : NULL,
				 .msg_namelen = from ? sizeof(from->name) : 0,
				 .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t size = ipcref_recvmsg(fd, &message, flags);
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int passed;

	MUST(size >= 0 || errno == EAGAIN);
	if (size < LABEL)
		return size;
	MUST(!(message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)));
	MUST((header && header->cmsg_type == SCM_RIGHTS) == has_descriptor(letter));
	if (header) {
		memcpy(&passed, CMSG_DATA(header), sizeof(passed));
		check_descriptor(passed, letter);
	}
	if (from)
		from->size = message.msg_namelen;
	return size;
}

/* Takes what is there, until there is no more or, for has_end, until the end. */
static void drain(int fd, bool has_end)
{
	struct letter letter;
	ssize_t size;

	while ((size = receive_letter(fd, &letter, MSG_DONTWAIT, NULL)) > 0)
		check_letter(&letter, size);
	MUST(has_end == (size == 0));
}

/* -- pairs: letters, by ends that all have ---------------------------------------------------- */

static int ends[2];

static void pair_begin(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

	begin_letters();
	ignore_sigpipe();
	type = types[chance(3)];
	MUST(ipcref_socketpair(AF_UNIX, type, 0, ends) == 0);
	make_narrow(ends[1]);
}

static bool pair_give(const struct letter *letter)
{
	return send_letter(ends[1], letter, chance(2) ? MSG_DONTWAIT : 0, NULL) >= 0;
}

static ssize_t pair_take(struct letter *letter)
{
	int flags = chance(2) ? MSG_DONTWAIT : 0;
	ssize_t size = 0;

	if (chance(10) == 0)
		size = ipcref_recv(ends[0], letter, sizeof(*letter), MSG_PEEK | MSG_DONTWAIT);
	MUST(size <= 0 || size == (ssize_t)letter->size);
	size = receive_letter(ends[0], letter, flags, NULL);
	MUST(size != 0);
	return size;
}

static void pair_work(struct worker *me)
{
	int there;

	if (is_sender(me))
		send_by(me, type == SOCK_STREAM, pair_give);
	else
		receive_by(me, pair_take);
	if (type == SOCK_STREAM && chance(100) == 0)
		MUST(ipcref_ioctl(ends[0], FIONREAD, &there) == 0 && there % LARGEST == 0);
}

static void pair_end(void)
{
	MUST(ipcref_close(ends[1]) == 0);
	drain(ends[0], type != SOCK_DGRAM);
	check_all_came();
	MUST(ipcref_close(ends[0]) == 0);
}

const struct mechanism storm_pair = {"pair", pair_begin, NULL, pair_work, account_for, pair_end};

/* -- datagrams: letters to one box, whose senders are known by their names, and replies ------- */

static struct address box_address;
static int box, own_box;

struct reply {
	uint32_t to, from, number;
};

static void datagram_begin(void)
{
	begin_letters();
	type = SOCK_DGRAM;
	box_address = chance(2) ? path_address(storm_path("box")) : abstract_address("box", 0, 0);
	box = bound_socket(&box_address);
}

static void datagram_join(struct worker *me)
{
	const struct address own = abstract_address("sender", me->life, 0);

	if (!is_sender(me))
		return;
	MUST(ipcref_close(box) == 0);
	own_box = bound_socket(&own);
	make_narrow(own_box);
	MUST(ipcref_connect(own_box, name_of(&box_address), box_address.size) == 0);
}

static bool datagram_give(const struct letter *letter)
{
	return send_letter(own_box, letter, chance(2) ? MSG_DONTWAIT : 0,
			   chance(2) ? &box_address : NULL) >= 0;
}

/* Those that have come: for this sender, and of each receiver in order. */
static void read_replies(struct worker *me)
{
	static uint32_t next[LIVES];
	struct reply reply;
	ssize_t size;

	while ((size = ipcref_recv(own_box, &reply, sizeof(reply), MSG_DONTWAIT)) >= 0) {
		MUST(size == sizeof(reply) && reply.to == me->life && reply.from < LIVES);
		MUST(reply.from < LIVES && reply.number >= next[reply.from % LIVES]);
		next[reply.from % LIVES] = reply.number + 1;
	}
	MUST(errno == EAGAIN);
}

static unsigned receiver; /* this worker's life */

static void answer(unsigned to, const struct address *address)
{
	static uint32_t number;
	const struct reply reply = {to, receiver, number++};

	if (ipcref_sendto(box, &reply, sizeof(reply), MSG_DONTWAIT, name_of(address),
			  address->size) < 0)
		MUST(errno == EAGAIN || (errno == ECONNREFUSED && is_killed(to)));
}

static ssize_t datagram_take(struct letter *letter)
{
	struct address from = {.size = 0}; /* zero behind the name, too */
	unsigned life, zero;
	ssize_t size = receive_letter(box, letter, chance(2) ? MSG_DONTWAIT : 0, &from);

	MUST(size != 0);
	if (size <= 0)
		return size;
	name_tells(&from, "sender", &life, &zero);
	MUST(life == letter->life);
	if (chance(4) == 0)
		answer(life, &from);
	return size;
}

static void datagram_work(struct worker *me)
{
	receiver = me->life;
	if (is_sender(me)) {
		send_by(me, false, datagram_give);
		read_replies(me);
	} else {
		receive_by(me, datagram_take);
	}
}

static void datagram_end(void)
{
	drain(box, false);
	check_all_came();
	MUST(ipcref_close(box) == 0);
	MUST(unlink(storm_path("box")) == 0 || box_address.name.sun_path[0] == '\0');
	have_the_dead_buried();
}

const struct mechanism storm_datagram = {"datagram",	datagram_begin, datagram_join,
					 datagram_work, account_for,	datagram_end};

/* -- conversations ------------------------------------------------------------------------------
 * Who calls, known by the name of its socket, sends bytes of which all is known, and says that they
 * are all; who is called greets, and answers how many there were.
 */

enum { MOST_CHUNKS = 8, LARGEST_CHUNK = 3000, BACKLOG = 1 };

/* The call that a caller is just making. */
struct talk {
	_Atomic unsigned number;
	_Atomic unsigned begun, sent; /* bytes */
	_Atomic bool is_given_up;
};

static struct hall {
	struct talk talks[LIVES];
	_Atomic unsigned listens[WORKERS]; /* the life, and 1, of who does in this place */
	_Atomic unsigned reaped;	   /* deaths that are over */
} * hall;

/* All are called at one socket, that they share; or each at his own. */
static bool is_shared, is_abstract;
static int listener = -1;

static bool is_caller(const struct worker *me)
{
	return me->slot % 2 == 1;
}

static struct address hall_address(unsigned slot)
{
	char name[16];

	if (is_abstract)
		return abstract_address("hall", slot, 0);
	snprintf(name, sizeof(name), "hall-%u", slot);
	return path_address(storm_path(name));
}

static void listen_at(unsigned slot)
{
	const struct address address = hall_address(slot);

	/* a path stays where it is, as ever; a name of the dead is free at once */
	if (!is_abstract)
		MUST(unlink(address.name.sun_path) == 0 || errno == ENOENT);
	listener = bound_socket(&address);
	MUST(ipcref_listen(listener, BACKLOG) == 0);
}

static void connection_begin(void)
{
	hall = share(sizeof(*hall));
	ignore_sigpipe();
	type = chance(2) ? SOCK_STREAM : SOCK_SEQPACKET;
	is_shared = chance(2);
	is_abstract = chance(2);
	if (is_shared)
		listen_at(0);
}

static void connection_join(struct worker *me)
{
	if (is_shared && is_caller(me))
		MUST(ipcref_close(listener) == 0);
	if (is_shared || is_caller(me))
		return;
	listen_at(me->slot);
	atomic_store(&hall->listens[me->slot], me->life + 1);
}

static unsigned scramble(unsigned life, unsigned number, unsigned index)
{
	uint64_t mixed = (life * 1000003u + number) * 0x9e3779b97f4a7c15u + index;

	return (unsigned)((mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9u >> 40);
}

static unsigned chunks_of(unsigned life, unsigned number)
{
	return scramble(life, number, 0) % MOST_CHUNKS;
}

static unsigned chunk_size(unsigned life, unsigned number, unsigned index)
{
	return 1 + scramble(life, number, 1 + index) % LARGEST_CHUNK;
}

static unsigned char byte_of(unsigned life, unsigned number, unsigned place)
{
	return (unsigned char)(life * 31 + number * 7 + place + place / 256);
}

static unsigned length_of(unsigned life, unsigned number)
{
	unsigned length = 0;

	for (unsigned i = 0; i < chunks_of(life, number); i++)
		length += chunk_size(life, number, i);
	return length;
}

/* -- who is called -- */

/* Whether the caller has left: how far it had come is told then. */
static void check_left(unsigned life, unsigned number, unsigned received)
{
	struct talk *talk = &hall->talks[life];
	bool has_left = is_killed(life) || atomic_load(&talk->is_given_up);
	unsigned begun = atomic_load(&talk->begun), sent = atomic_load(&talk->sent);

	if (atomic_load(&talk->number) != number)
		return; /* it is at the next call, having given up this one */
	if (!has_left)
		fail("%u calls, and is told to have left", life);
	if (received < sent || received > begun)
		fail("%u bytes came of %u, of which %u were sent and %u begun", received, life,
		     sent, begun);
}

/* One message, or part of the stream, that begins at this place; true: it is as was sent. */
static bool is_right(const unsigned char *bytes, unsigned size, unsigned life, unsigned number,
		     unsigned place, unsigned index)
{
	if (type == SOCK_SEQPACKET && size != chunk_size(life, number, index))
		return false;
	for (unsigned i = 0; i < size; i++)
		if (bytes[i] != byte_of(life, number, place + i))
			return false;
	return true;
}

/* How many bytes have come, up to the end, which is told by 0 or an error. */
static unsigned hear(int fd, unsigned life, unsigned number, int *error)
{
	unsigned char bytes[LARGEST_CHUNK];
	unsigned received = 0, index = 0;
	ssize_t size;

	while ((size = ipcref_recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		if (!is_right(bytes, (unsigned)size, life, number, received, index++))
			fail("what came of %u isn't what it sent, from byte %u on", life, received);
		received += (unsigned)size;
	}
	*error = size < 0 ? errno : 0;
	return received;
}

static void serve(int fd, const struct address *from, unsigned own_life)
{
	unsigned life, number, received;
	int error;

	name_tells(from, "caller", &life, &number);
	MUST(life < LIVES);
	life %= LIVES;
	bool is_told = ipcref_send(fd, &own_life, sizeof(own_life), 0) == sizeof(own_life);
	MUST(is_told || errno == EPIPE || errno == ECONNRESET);
	received = hear(fd, life, number, &error);
	MUST(error == 0 || error == ECONNRESET);
	if (!is_told || error || received != length_of(life, number))
		check_left(life, number, received);
	else if (ipcref_send(fd, &received, sizeof(received), 0) < 0)
		check_left(life, number, received);
	MUST(ipcref_close(fd) == 0);
}

static bool accept_one(unsigned own_life)
{
	struct address from = {.size = sizeof(from.name)};
	int fd = ipcref_accept(listener, (struct sockaddr *)&from.name, &from.size);

	if (fd < 0) {
		MUST(errno == EAGAIN);
		return false;
	}
	serve(fd, &from, own_life);
	return true;
}

/* -- who calls -- */

static unsigned killed_so_far(void)
{
	unsigned count = 0;

	for (unsigned life = 0; life < LIVES; life++)
		count += is_killed(life);
	return count;
}

/* What a caller knows of who is called: its life and 1, if it has greeted. */
struct called {
	unsigned life, reaped_before;
};

/* The connection has ended before its time: somebody must have died meanwhile. */
static void check_loss(const struct called *called)
{
	MUST(errno == EPIPE || errno == ECONNRESET);
	if (called->life ? !is_killed(called->life - 1) : killed_so_far() <= called->reaped_before)
		fail("a connection is lost, and nobody has died");
}

/* False: the connection is lost. */
static bool receive_number(int fd, unsigned *number, const struct called *called)
{
	ssize_t size = ipcref_recv(fd, number, sizeof(*number), MSG_WAITALL);

	if (size == sizeof(*number))
		return true;
	if (size >= 0) {
		MUST(size == 0);
		errno = ECONNRESET;
	}
	check_loss(called);
	return false;
}

static bool hear_greeting(int fd, struct called *called)
{
	unsigned life;

	if (!receive_number(fd, &life, called))
		return false;
	called->life = life + 1;
	return true;
}

static bool say(int fd, struct talk *talk, unsigned life, unsigned index,
		const struct called *called)
{
	unsigned char bytes[LARGEST_CHUNK];
	unsigned number = atomic_load(&talk->number), from = atomic_load(&talk->sent);
	unsigned size = chunk_size(life, number, index);

	for (unsigned i = 0; i < size; i++)
		bytes[i] = byte_of(life, number, from + i);
	atomic_store(&talk->begun, from + size);
	ssize_t sent = ipcref_send(fd, bytes, size, 0);
	if (sent != (ssize_t)size) {
		if (sent >= 0) /* as far as it went */
			errno = EPIPE;
		check_loss(called);
		return false;
	}
	atomic_store(&talk->sent, from + size);
	return true;
}

static void converse(int fd, struct talk *talk, unsigned life, struct called *called)
{
	unsigned number = atomic_load(&talk->number), chunks = chunks_of(life, number), answer;
	bool hears_first = chance(2);

	if (hears_first && !hear_greeting(fd, called))
		return;
	for (unsigned i = 0; i < chunks; i++) {
		if (chance(40) == 0) {
			atomic_store(&talk->is_given_up, true);
			return;
		}
		if (!say(fd, talk, life, i, called))
			return;
	}
	MUST(ipcref_shutdown(fd, SHUT_WR) == 0);
	if (!hears_first && !hear_greeting(fd, called))
		return;
	if (!receive_number(fd, &answer, called))
		return;
	MUST(answer == length_of(life, number));
	MUST(ipcref_recv(fd, &answer, sizeof(answer), 0) == 0);
}

static void begin_talk(struct talk *talk)
{
	/* first, for whoever was told of the last one and looks what it was */
	atomic_fetch_add(&talk->number, 1);
	atomic_store(&talk->begun, 0);
	atomic_store(&talk->sent, 0);
	atomic_store(&talk->is_given_up, false);
}

static void call(struct worker *me)
{
	struct talk *talk = &hall->talks[me->life];
	unsigned slot = is_shared ? 0 : 2 * chance(WORKERS / 2);
	unsigned listens = atomic_load(&hall->listens[slot]);
	struct called called = {0, atomic_load(&hall->reaped)};

	begin_talk(talk);
	const struct address to = hall_address(slot),
			     own = abstract_address("caller", me->life, atomic_load(&talk->number));
	int fd = bound_socket(&own);

	if (chance(2))
		make_narrow(fd);
	if (ipcref_connect(fd, name_of(&to), to.size) == 0) {
		converse(fd, talk, me->life, &called);
	} else {
		MUST(errno == ECONNREFUSED || errno == ENOENT);
		if (is_shared || (listens && !is_killed(listens - 1)))
			fail("who listens refuses");
	}
	MUST(ipcref_close(fd) == 0);
}

static void connection_work(struct worker *me)
{
	if (is_caller(me))
		call(me);
	else
		accept_one(me->life);
}

static void connection_died(struct worker *dead)
{
	if (!is_caller(dead))
		atomic_store(&hall->listens[dead->slot], 0);
	atomic_fetch_add(&hall->reaped, 1);
}

static void connection_end(void)
{
	if (is_shared) {
		MUST(ipcref_fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
		while (accept_one(LIVES))
			continue;
		MUST(ipcref_close(listener) == 0);
	}
	for (unsigned slot = 0; slot < WORKERS && !is_abstract; slot++) {
		const struct address address = hall_address(slot);

		MUST(unlink(address.name.sun_path) == 0 || errno == ENOENT);
	}
	have_the_dead_buried();
}

const struct mechanism storm_connection = {"connection",    connection_begin, connection_join,
					   connection_work, connection_died,  connection_end};
