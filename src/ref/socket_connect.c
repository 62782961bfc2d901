/* SPDX-License-Identifier: MIT */
/*
 * Listening, connecting and accepting.  A connection is made when its number is in the listener's
 * queue, and accepted when it is taken out, by who has the end B already: so at every moment one of
 * both is so, or it is lost, and who has the end A can tell which.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/ipcref.h"
#include "ref/socket.h"
#include "ref/step.h"

enum { PATH_AT = offsetof(struct sockaddr_un, sun_path) };
enum { MOST_BACKLOG = 4096 };

void socket_introduce(struct mapping *mapping, struct socket_person *person)
{
	CHANGE(mapping, person->pid, (uint32_t)getpid());
	CHANGE(mapping, person->uid, (uint32_t)geteuid());
	CHANGE(mapping, person->gid, (uint32_t)getegid());
	CHANGE(mapping, person->birth, (uint32_t)thread_birth((uint32_t)getpid()));
}

/* -- who is there ----------------------------------------------------------------------------- */

/* The number in a record of a listener's queue. */
static uint64_t number_at(const struct queue_view *view, uint32_t position,
			  const struct record *record)
{
	uint64_t number = 0;
	const struct iovec part = {&number, sizeof(number)};
	struct cursor cursor = {&part, 0};

	if (record->size == sizeof(number))
		queue_copy(view, position, record, 0, &cursor, sizeof(number));
	return number;
}

static bool is_queued(struct mapping *listener, uint64_t number)
{
	struct queue_view view;
	struct record record;
	bool is_found = false;

	mapping_lock(listener);
	bool is_seen = queue_see(&view, listener, 0);
	for (uint32_t at = view.head; is_seen && !is_found && at != view.head + view.used;
	     at = queue_after(at, &record)) {
		is_seen = queue_at(&view, at, &record);
		is_found = is_seen && number_at(&view, at, &record) == number;
	}
	mapping_unlock(listener);
	return is_found;
}

uint64_t socket_peer(struct mapping *mapping)
{
	uint64_t peer;

	mapping_lock(mapping);
	peer = socket_of(mapping)->peer;
	mapping_unlock(mapping);
	return peer;
}

bool socket_hears(struct mapping *mapping, const struct socket *sender)
{
	return socket_of(mapping)->state != SOCKET_CONNECTED ||
	       socket_peer(mapping) == sender->number;
}

int socket_is_awaited(struct mapping *mapping)
{
	const struct socket *socket = socket_of(mapping);
	uint64_t listener = 0;
	struct socket_file file;
	int result;

	if (has_connections(socket) && socket->state != SOCKET_LISTENS)
		listener = socket_peer(mapping);
	if (!listener)
		return 0;
	if (!socket_open_number(&file, listener))
		return errno == ENOENT ? 0 : -1;
	result = socket_is_held(&file) && is_queued(&file.mapping, socket->number);
	socket_close(&file);
	return result;
}

/* Whether anybody else has the other end. */
static int has_other_end(int fd, const struct handle *h)
{
	int number, result;

	do {
		number = descriptor_number(fd, h);
		result = descriptor_has_others(number, end_of(h) == 0 ? SOCKET_B : SOCKET_A);
	} while (number != descriptor_number(fd, h)); /* closed meanwhile by another thread */
	return result;
}

int socket_has_peer(int fd, struct handle *h)
{
	struct socket *socket = socket_of(&h->mapping);
	bool was_there; /* known before the look, after which it may come and be so */
	int result;

	if (!has_both_ends(socket))
		return 1;
	was_there = end_of(h) == 1 || socket->number == 0 || socket->was_accepted;
	result = has_other_end(fd, h);
	if (result || was_there)
		return result;
	result = socket_is_awaited(&h->mapping);
	if (result)
		return result;
	return has_other_end(fd, h); /* accepted between the looks, or not at all */
}

void socket_notice_end(struct handle *h)
{
	struct mapping *mapping = &h->mapping;
	struct socket *socket = socket_of(mapping);
	unsigned own = end_of(h);
	struct socket_queue *unread = &socket->queues[!own];
	bool was_never_accepted = own == 0 && socket->number && !socket->was_accepted;

	if (socket->ends[own].peer_is_gone)
		return;
	CHANGE(mapping, socket->ends[own].peer_is_gone, 1);
	CHANGE(mapping, socket->ends[own].shut, SHUT_BOTH);
	/* as Linux has it, an empty record alone is no loss */
	if (was_never_accepted || unread->bytes || unread->records > 1)
		CHANGE(mapping, socket->ends[own].error, ECONNRESET);
	mapping_commit(mapping);
}

void socket_wake_pending(struct mapping *mapping)
{
	enum { MOST = 64 }; /* more look by themselves, a little later */
	uint64_t numbers[MOST];
	unsigned count = 0;
	struct queue_view view;
	struct record record;

	mapping_lock(mapping);
	bool is_seen = queue_see(&view, mapping, 0);
	for (uint32_t at = view.head; is_seen && count < MOST && at != view.head + view.used;
	     at = queue_after(at, &record)) {
		is_seen = queue_at(&view, at, &record);
		if (is_seen)
			numbers[count++] = number_at(&view, at, &record);
	}
	mapping_unlock(mapping);
	for (unsigned i = 0; i < count; i++) {
		struct socket_file file;

		if (!socket_open_number(&file, numbers[i]))
			continue;
		mapping_lock(&file.mapping);
		bell_ring(&socket_of(&file.mapping)->queues[0].put, &file.mapping);
		bell_ring(&socket_of(&file.mapping)->queues[1].made_room, &file.mapping);
		mapping_unlock(&file.mapping);
		socket_close(&file);
		socket_bury(numbers[i]);
	}
}

/* -- listening -------------------------------------------------------------------------------- */

static int listen_locked(int fd, struct handle *h, int backlog)
{
	struct socket *socket = socket_of(&h->mapping);

	if (!has_connections(socket))
		return EOPNOTSUPP;
	socket_settle_name(fd, h);
	if (socket->state != SOCKET_LISTENS &&
	    (socket->state != SOCKET_FRESH || socket->ends[0].name.size <= PATH_AT))
		return EINVAL;
	if (backlog < 0 || backlog > MOST_BACKLOG)
		backlog = MOST_BACKLOG;
	int error = rights_name(h);

	if (error)
		return error;
	CHANGE(&h->mapping, socket->backlog, (uint32_t)backlog);
	CHANGE(&h->mapping, socket->state, SOCKET_LISTENS);
	socket_introduce(&h->mapping, &socket->ends[0].person);
	STEP("sock/listen/changed");
	bell_ring(&socket->queues[0].made_room, &h->mapping);
	return 0;
}

int ipcref_listen(int fd, int backlog)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);

	if (!is_ours)
		return listen(fd, backlog);
	if (!h)
		return -1;
	mapping_lock(&h->mapping);
	int error = listen_locked(fd, h, backlog);
	mapping_unlock(&h->mapping);
	handle_put(h);
	if (!error)
		return 0;
	errno = error;
	return -1;
}

/* -- connecting ------------------------------------------------------------------------------- */

/* It is as before unless what follows is committed. */
static void keep_name(struct mapping *mapping, const struct socket_name *name)
{
	for (size_t i = 0; i < sizeof(name->path); i += sizeof(uint32_t))
		journal_keep(mapping, name->path + i, sizeof(uint32_t));
	journal_keep(mapping, &name->size, sizeof(name->size));
}

/* Whom to, and so it is said of the peer. */
static void choose_peer(struct handle *h, const struct socket_file *peer)
{
	struct socket *socket = socket_of(&h->mapping), *to = socket_of(&peer->mapping);
	struct socket_person *person = &socket->ends[1].person, *told = &to->ends[0].person;

	keep_name(&h->mapping, &socket->ends[1].name);
	socket_copy_name(&socket->ends[1].name, &to->ends[0].name);
	STEP("sock/connect/named");
	if (has_connections(socket)) {
		CHANGE(&h->mapping, person->pid, told->pid);
		CHANGE(&h->mapping, person->uid, told->uid);
		CHANGE(&h->mapping, person->gid, told->gid);
		CHANGE(&h->mapping, person->birth, told->birth);
		socket_introduce(&h->mapping, &socket->ends[0].person);
	}
	CHANGE(&h->mapping, socket->peer, to->number);
}

/* This thread is connecting it, and nobody else.  0 or an error. */
static int begin_to_connect(struct handle *h, const struct socket_file *listener)
{
	struct socket *socket = socket_of(&h->mapping);
	int error = 0;

	mapping_lock(&h->mapping);
	if (socket->state == SOCKET_CONNECTED || end_of(h) == 1)
		error = EISCONN;
	else if (socket->state == SOCKET_LISTENS)
		error = EINVAL;
	else if (socket->state == SOCKET_CONNECTING)
		error = EALREADY;
	if (!error) {
		choose_peer(h, listener);
		CHANGE(&h->mapping, socket->connector, thread_id());
		CHANGE(&h->mapping, socket->state, SOCKET_CONNECTING);
	}
	mapping_unlock(&h->mapping);
	return error;
}

static void end_connecting(struct handle *h, enum socket_state state)
{
	struct socket *socket = socket_of(&h->mapping);

	mapping_lock(&h->mapping);
	CHANGE(&h->mapping, socket->state, state);
	bell_ring(&socket->queues[0].put, &h->mapping);
	mapping_unlock(&h->mapping);
}

/* Puts the number into the listener's queue.  0, an error, or EAGAIN: it is full. */
static int enqueue(struct socket_file *listener, struct handle *h, uint64_t number)
{
	struct socket *socket = socket_of(&listener->mapping);
	const struct iovec part = {&number, sizeof(number)};
	struct cursor cursor = {&part, 0};
	struct record record = {.size = sizeof(number)};
	struct queue_view view;

	if (socket->state != SOCKET_LISTENS || socket->ends[0].shut & SHUT_RECEIVE)
		return ECONNREFUSED;
	if (!queue_see(&view, &listener->mapping, 0))
		return errno;
	if (view.queue->records > socket->backlog ||
	    queue_room(&view, SOCKET_RING, 0) < sizeof(number))
		return EAGAIN;
	int error = rights_connect(h, socket, &record.ticket);

	if (error)
		return error;
	error = queue_put(&view, listener->fd, &record, "", &cursor);
	if (error)
		rights_release(h);
	return error;
}

static int await_a_place(struct socket_file *listener, uint64_t number, struct waiting *waiting)
{
	struct bell *room = &socket_of(&listener->mapping)->queues[0].made_room;

	for (;;) {
		if (!socket_is_held(listener))
			return ECONNREFUSED;
		mapping_lock(&listener->mapping);
		int error = enqueue(listener, waiting->h, number);
		bool is_full = error == EAGAIN;
		if (is_full)
			error = waiting_await(waiting, room, &listener->mapping, false);
		mapping_unlock(&listener->mapping);
		if (error || !is_full)
			return error;
	}
}

/* Who was connecting it has died: whether that was before it was connected, the listener tells. */
static void settle(int fd, struct handle *h)
{
	struct socket *socket = socket_of(&h->mapping);

	if (socket->state != SOCKET_CONNECTING || thread_lives(socket->connector, 0))
		return;
	int peer = socket_has_peer(fd, h);

	if (peer < 0)
		return; /* it can't be told now */
	bool is_made = peer == 1 || socket->was_accepted;
	end_connecting(h, is_made ? SOCKET_CONNECTED : SOCKET_FRESH);
}

bool socket_is_connected(int fd, struct handle *h)
{
	const struct socket *socket = socket_of(&h->mapping);

	/* it may be accepted before who connects has said so */
	if (end_of(h) == 1 && socket->number)
		return true;
	settle(fd, h);
	return socket->state == SOCKET_CONNECTED;
}

static int connect_to_listener(int fd, struct handle *h, struct socket_file *listener)
{
	struct socket *socket = socket_of(&h->mapping);
	struct waiting waiting;
	int error;

	if (socket_of(&listener->mapping)->state != SOCKET_LISTENS &&
	    socket->state != SOCKET_CONNECTED)
		return ECONNREFUSED;
	settle(fd, h);
	error = begin_to_connect(h, listener);
	if (error == EALREADY) {
		/* who has died in saying that it is connected is undone only now */
		settle(fd, h);
		error = begin_to_connect(h, listener);
	}
	if (error)
		return error;
	STEP("sock/connect/begun");
	waiting_begin(&waiting, fd, h, 0, socket->ends[0].send_timeout);
	error = await_a_place(listener, socket->number, &waiting);
	STEP("sock/connect/queued");
	end_connecting(h, error ? SOCKET_FRESH : SOCKET_CONNECTED);
	vigil_end(&waiting.own);
	return error;
}

static int connect_datagrams(struct handle *h, struct socket_file *to)
{
	struct socket *socket = socket_of(&h->mapping);
	int error = 0;

	if (!socket_hears(&to->mapping, socket))
		return EPERM;
	mapping_lock(&h->mapping);
	if (has_both_ends(socket)) {
		error = EISCONN;
	} else {
		choose_peer(h, to);
		CHANGE(&h->mapping, socket->state, SOCKET_CONNECTED);
	}
	mapping_unlock(&h->mapping);
	return error;
}

static int disconnect(struct handle *h)
{
	struct socket *socket = socket_of(&h->mapping);

	if (has_both_ends(socket))
		return EINVAL;
	mapping_lock(&h->mapping);
	CHANGE(&h->mapping, socket->peer, 0);
	CHANGE(&h->mapping, socket->state, SOCKET_FRESH);
	mapping_unlock(&h->mapping);
	return 0;
}

static int connect_ours(int fd, struct handle *h, const struct sockaddr *address, socklen_t size)
{
	const struct socket *socket = socket_of(&h->mapping);
	struct socket_file peer;
	struct sockaddr_un to;
	int error;

	if (size >= sizeof(address->sa_family) && address->sa_family == AF_UNSPEC)
		return disconnect(h);
	error = socket_parse(&to, address, size);
	if (error)
		return error;
	if (!socket_find(&peer, &to, size, socket->type))
		return errno;
	error = has_connections(socket) ? connect_to_listener(fd, h, &peer)
					: connect_datagrams(h, &peer);
	socket_close(&peer);
	return error;
}

int ipcref_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);

	if (!is_ours)
		return connect(fd, address, size);
	if (!h)
		return -1;
	int error = FAULT("sock/connect/enter", ENOBUFS, ENOMEM)
			    ? errno
			    : connect_ours(fd, h, address, size);
	handle_put(h);
	if (!error)
		return 0;
	errno = error;
	return -1;
}

/* -- accepting -------------------------------------------------------------------------------- */

/* Opens the file of who has connected, and takes the end B.  The descriptor, or -1 with errno. */
static int take_end(uint64_t number, int flags)
{
	char path[PATH_MAX];
	int fd;

	if (!socket_path_of(path, number))
		return -1;
	if (FAULT("sock/accept/open", EMFILE, ENFILE, ENOMEM))
		return -1;
	fd = open(path, O_RDWR | O_CLOEXEC | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0));
	if (fd < 0)
		return -1;
	if (!descriptor_take_end(fd, SOCKET_B)) {
		close_keeping_errno(fd);
		return -1;
	}
	if (!(flags & SOCK_CLOEXEC))
		fcntl(fd, F_SETFD, 0);
	STEP("sock/accept/has-the-end");
	return descriptor_adopt(fd, OBJECT_SOCKET, SOCKET_B);
}

/*
 * Takes the first of the queue.  0, an error, or EAGAIN: there is none.  One whose file is gone is
 * dropped.  After an error *accepted, if it isn't -1, is to be closed when nothing is locked.
 */
static int dequeue(struct handle *h, int flags, int *accepted)
{
	struct mapping *mapping = &h->mapping;
	struct socket *socket = socket_of(mapping);
	struct queue_view view;
	struct record record;

	for (;;) {
		if (socket->state != SOCKET_LISTENS)
			return EINVAL;
		if (!queue_see(&view, mapping, 0))
			return errno;
		/* who had connected before it was shut is there */
		if (view.used == 0)
			return socket->ends[0].shut & SHUT_RECEIVE ? EINVAL : EAGAIN;
		if (!queue_at(&view, view.head, &record))
			return errno;
		*accepted = take_end(number_at(&view, view.head, &record), flags);
		if (*accepted < 0 && errno != ENOENT)
			return errno;
		int error = *accepted < 0 ? 0 : rights_accept(h, record.ticket, *accepted);
		if (error)
			return error;
		queue_advance(&view, queue_after(view.head, &record), 1, record.size, 0);
		if (*accepted >= 0)
			return 0;
	}
}

static int await_connection(int fd, struct handle *h, int flags, int *accepted)
{
	struct socket *socket = socket_of(&h->mapping);
	struct waiting waiting;
	int error;

	waiting_begin(&waiting, fd, h, 0, socket->ends[0].receive_timeout);
	mapping_lock(&h->mapping);
	while ((error = dequeue(h, flags, accepted)) == EAGAIN) {
		error = waiting_await(&waiting, &socket->queues[0].put, &h->mapping, false);
		if (error)
			break;
	}
	mapping_unlock(&h->mapping);
	vigil_end(&waiting.own);
	if (error && *accepted >= 0)
		ipcref_close(*accepted);
	return error;
}

static int accept_ours(int fd, struct handle *h, struct sockaddr *address, socklen_t *size,
		       int flags, int *accepted)
{
	int error;

	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return EINVAL;
	if (!has_connections(socket_of(&h->mapping)))
		return EOPNOTSUPP;
	error = await_connection(fd, h, flags, accepted);
	if (error)
		return error;
	struct handle *new = descriptor_get(*accepted, OBJECT_SOCKET);
	if (!new)
		return 0; /* closed by another thread */
	struct socket *socket = socket_of(&new->mapping);

	socket->was_accepted = 1;
	socket_tell(&socket->ends[0].name, address, size);
	handle_put(new);
	return 0;
}

int ipcref_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	bool is_ours;
	int accepted = -1;
	struct handle *h = socket_get(fd, &is_ours);

	if (!is_ours) {
		accepted = accept4(fd, address, size, flags);
		if (accepted >= 0)
			descriptor_is_new(accepted);
		return accepted;
	}
	if (!h)
		return -1;
	int error = FAULT("sock/accept/enter", EMFILE, ENFILE, ENOBUFS, ENOMEM)
			    ? errno
			    : accept_ours(fd, h, address, size, flags, &accepted);
	handle_put(h);
	if (!error)
		return accepted;
	errno = error;
	return -1;
}

int ipcref_accept(int fd, struct sockaddr *address, socklen_t *size)
{
	return ipcref_accept4(fd, address, size, 0);
}
