/* SPDX-License-Identifier: MIT */
/*
 * Sockets of AF_UNIX: making them, what they are as descriptors, and the calls by which they are
 * spoken over.  Other families are the platform's.
 */
#include "ref/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/futex.h"
#include "ref/ipcref.h"
#include "ref/namespace.h"
#include "ref/step.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

enum { BURY_EVERY = 256 };
enum { TYPE_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC };
enum { PATH_AT = offsetof(struct sockaddr_un, sun_path) };

/* -- making ----------------------------------------------------------------------------------- */

struct wish {
	uint32_t type;
	uint64_t number;
};

static void make_end(struct socket_end *end)
{
	end->name.size = PATH_AT;
	end->send_size = end->receive_size = SOCKET_SIZE;
	end->least = 1;
	end->peeks_at = end->lingers = -1;
}

static void make_socket(struct object *object, const void *given)
{
	struct socket *socket = (struct socket *)object;
	const struct wish *wish = given;
	struct mapping mapping = {.object = object};

	socket->type = wish->type;
	socket->number = wish->number;
	make_end(&socket->ends[0]);
	make_end(&socket->ends[1]);
	if (wish->number)
		return;
	socket->state = SOCKET_CONNECTED;
	for (int i = 0; i < 2; i++)
		socket_introduce(&mapping, &socket->ends[i].person);
	mapping_commit(&mapping);
}

/* Whether there is such a kind; else an error. */
static int check_kind(int type, int protocol)
{
	int plain = type & ~TYPE_FLAGS;

	if (protocol != 0 && protocol != PF_UNIX)
		return EPROTONOSUPPORT;
	return plain == SOCK_STREAM || plain == SOCK_DGRAM || plain == SOCK_SEQPACKET
		       ? 0
		       : ESOCKTNOSUPPORT;
}

/* The flags of a type, on a descriptor that has FD_CLOEXEC and nothing else. */
static bool set_flags(int fd, int type)
{
	return (!(type & SOCK_NONBLOCK) || fcntl(fd, F_SETFL, O_NONBLOCK) == 0) &&
	       ((type & SOCK_CLOEXEC) || fcntl(fd, F_SETFD, 0) == 0);
}

static bool write_socket(int fd, const struct wish *wish)
{
	return fchmod(fd, 0666) == 0 &&
	       object_write(fd, OBJECT_SOCKET, offsetof(struct socket, rings), 0666, make_socket,
			    wish) &&
	       !FAULT("sock/make/length", ENOSPC) &&
	       ftruncate(fd, (off_t)sizeof(struct socket) + 0666) == 0 &&
	       descriptor_take_end(fd, SOCKET_A);
}

/* A file with the end A, and its number as its name: in this order, for nobody to bury it. */
static int make_named(int type)
{
	const struct wish wish = {(uint32_t)(type & ~TYPE_FLAGS), socket_new_number()};
	char path[PATH_MAX], nameless[PATH_MAX];

	if (!socket_path_of(path, wish.number))
		return -1;
	int fd = object_begin(AT_FDCWD, path, 0666, nameless);
	if (fd < 0)
		return -1;
	STEP("sock/make/begun");
	bool is_made = write_socket(fd, &wish) && object_name(fd, nameless, AT_FDCWD, path) &&
		       set_flags(fd, type);
	int error = errno;

	if (*nameless)
		unlink(nameless);
	errno = error;
	if (is_made)
		return fd;
	close_keeping_errno(fd);
	return -1;
}

/* What processes that were killed have left is buried by who makes a socket. */
static void bury(const char *number)
{
	socket_bury(strtoull(number, NULL, 16));
}

/* Every process does so once, also one that came by fork and finds the count of its parent. */
static bool is_turn_to_bury(void)
{
	static _Atomic pid_t process;
	static _Atomic unsigned made;
	pid_t own = getpid();

	if (atomic_exchange(&process, own) != own)
		made = 0;
	return made++ % BURY_EVERY == 0;
}

int ipcref_socket(int domain, int type, int protocol)
{
	if (domain != AF_UNIX) {
		int fd = socket(domain, type, protocol);

		if (fd >= 0)
			descriptor_is_new(fd);
		return fd;
	}
	int error = check_kind(type, protocol);
	if (error) {
		errno = error;
		return -1;
	}
	if (FAULT("sock/make/enter", EMFILE, ENFILE, ENOBUFS, ENOMEM))
		return -1;
	int saved = errno;
	if (is_turn_to_bury())
		namespace_each("sock", bury);
	errno = saved;
	return descriptor_adopt(make_named(type), OBJECT_SOCKET, SOCKET_A);
}

/* -- pairs ------------------------------------------------------------------------------------ */

/* Two descriptions of one nameless file. */
static bool open_both(int ends[2])
{
	char path[PATH_MAX], nameless[PATH_MAX], self[32];

	if (!namespace_path(path, "sock", "pair"))
		return false;
	ends[0] = object_begin(AT_FDCWD, path, 0666, nameless);
	if (ends[0] < 0)
		return false;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", ends[0]);
	ends[1] = FAULT("sock/pair/open-again", EMFILE, ENFILE, ENOMEM)
			  ? -1
			  : open(*nameless ? nameless : self, O_RDWR | O_CLOEXEC);
	int error = errno;

	if (*nameless)
		unlink(nameless);
	errno = error;
	if (ends[1] >= 0)
		return true;
	close_keeping_errno(ends[0]);
	return false;
}

static int make_pair(int type, int ends[2])
{
	const struct wish wish = {(uint32_t)(type & ~TYPE_FLAGS), 0};
	int made[2];

	if (!open_both(made))
		return -1;
	STEP("sock/pair/begun");
	bool is_made = write_socket(made[0], &wish) && descriptor_take_end(made[1], SOCKET_B) &&
		       set_flags(made[0], type) && set_flags(made[1], type);
	if (descriptor_adopt_both(made, is_made, OBJECT_SOCKET, SOCKET_A, SOCKET_B, ends) < 0)
		return -1;
	if (rights_join(ends))
		return 0;
	int error = errno;

	ipcref_close(ends[0]);
	ipcref_close(ends[1]);
	errno = error;
	return -1;
}

int ipcref_socketpair(int domain, int type, int protocol, int ends[2])
{
	if (domain != AF_UNIX) {
		int result = socketpair(domain, type, protocol, ends);

		for (int i = 0; result == 0 && i < 2; i++)
			descriptor_is_new(ends[i]);
		return result;
	}
	int error = check_kind(type, protocol);
	if (!error)
		return FAULT("sock/pair/enter", EMFILE, ENFILE, ENOBUFS, ENOMEM)
			       ? -1
			       : make_pair(type, ends);
	errno = error;
	return -1;
}

/* -- what a process goes by ------------------------------------------------------------------- */

struct handle *socket_get(int fd, bool *is_ours)
{
	struct handle *h = descriptor_get(fd, OBJECT_ANY);

	*is_ours = h;
	if (!h || h->class->kind == OBJECT_SOCKET)
		return h;
	handle_put(h);
	errno = ENOTSOCK;
	return NULL;
}

/* Both queues' bells, for all who wait for whatever. */
static void ring_all(struct mapping *mapping)
{
	struct socket *socket = socket_of(mapping);

	for (int i = 0; i < 2; i++) {
		bell_ring(&socket->queues[i].put, mapping);
		bell_ring(&socket->queues[i].made_room, mapping);
	}
}

/* Perhaps the end is nobody's now. */
static void socket_closed(struct handle *h)
{
	struct socket *socket = socket_of(&h->mapping);
	uint64_t number = socket->number;
	bool listened = socket->state == SOCKET_LISTENS;

	mapping_lock(&h->mapping);
	ring_all(&h->mapping);
	mapping_unlock(&h->mapping);
	if (number)
		socket_bury(number);
	if (listened)
		socket_wake_pending(&h->mapping);
}

static ssize_t socket_readv(int fd, struct handle *h, const struct iovec *vector, int count)
{
	struct msghdr message = {.msg_iov = (struct iovec *)vector, .msg_iovlen = (size_t)count};
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += vector[i].iov_len;
	if (count < 0 || count > 1024) {
		errno = EINVAL;
		return -1;
	}
	return size ? socket_receive(fd, h, &message, 0, NULL) : 0;
}

static ssize_t socket_writev(int fd, struct handle *h, const struct iovec *vector, int count)
{
	const struct msghdr message = {.msg_iov = (struct iovec *)vector,
				       .msg_iovlen = (size_t)count};

	if (count < 0 || count > 1024) {
		errno = EINVAL;
		return -1;
	}
	return socket_send(fd, h, &message, 0);
}

static int socket_fstat(int fd, struct handle *h, struct stat *status)
{
	(void)h;
	if (fstat(fd, status) < 0)
		return -1;
	socket_tells(status);
	status->st_mode = S_IFSOCK | 0777;
	status->st_nlink = 1;
	return 0;
}

static uint32_t switches_of(const struct handle *h)
{
	return socket_of(&h->mapping)->ends[end_of(h)].switches;
}

/* Whom to signal the kernel knows, and nothing that a hostile peer can write says. */
static bool set_async(int fd, struct handle *h, bool is_on)
{
	struct socket_end *own = &socket_of(&h->mapping)->ends[end_of(h)];

	if (is_on == !!(own->switches & SWITCH_ASYNC))
		return true;
	if (rights_fcntl(h, F_SETFL, O_NONBLOCK | (is_on ? O_ASYNC : 0)) < 0)
		return false;
	/* chosen before there was a carrier */
	if (rights_fcntl(h, F_GETOWN, 0) == 0)
		rights_fcntl(h, F_SETOWN, fcntl(fd, F_GETOWN));
	mapping_lock(&h->mapping);
	CHANGE(&h->mapping, own->switches, own->switches ^ SWITCH_ASYNC);
	mapping_unlock(&h->mapping);
	return true;
}

/* Whether the command says whom to signal, or how. */
static bool chooses_owner(int command)
{
#ifdef F_SETSIG
	if (command == F_SETSIG)
		return true;
#endif
#ifdef F_SETOWN_EX
	if (command == F_SETOWN_EX)
		return true;
#endif
	return command == F_SETOWN;
}

static int socket_fcntl(int fd, struct handle *h, int command, long argument)
{
	if (command == F_SETFL)
		return set_async(fd, h, argument & O_ASYNC)
			       ? fcntl(fd, F_SETFL, argument & O_NONBLOCK)
			       : -1;
	int result = fcntl(fd, command, argument);
	if (result >= 0 && chooses_owner(command))
		rights_fcntl(h, command, argument);
	if (command == F_GETFL && result >= 0)
		result = O_RDWR | (result & O_NONBLOCK) |
			 (switches_of(h) & SWITCH_ASYNC ? O_ASYNC : 0);
	return result;
}

/* How much there is to receive: of a datagram, in the first; -1 with errno. */
static int readable(struct handle *h)
{
	const struct socket *socket = socket_of(&h->mapping);
	struct queue_view view;
	struct record record = {0};
	int result = -1;

	if (socket->state == SOCKET_LISTENS) {
		errno = EINVAL;
		return -1;
	}
	mapping_lock(&h->mapping);
	if (!queue_see(&view, &h->mapping, end_of(h)))
		result = -1;
	else if (has_connections(socket))
		result = (int)view.queue->bytes;
	else if (view.used == 0 || queue_at(&view, view.head, &record))
		result = (int)record.size;
	mapping_unlock(&h->mapping);
	return result;
}

/* Whether the first is an urgent byte, or one that was received; -1 with errno. */
static int at_mark(struct handle *h)
{
	struct queue_view view;
	struct record record;
	int result = -1;

	if (socket_of(&h->mapping)->type != SOCK_STREAM) {
		errno = EINVAL;
		return -1;
	}
	mapping_lock(&h->mapping);
	if (queue_see(&view, &h->mapping, end_of(h))) {
		if (view.used == 0)
			result = 0;
		else if (queue_at(&view, view.head, &record))
			result = (record.flags & (RECORD_IS_URGENT | RECORD_WAS_TAKEN)) != 0;
	}
	mapping_unlock(&h->mapping);
	return result;
}

static int socket_ioctl(int fd, struct handle *h, unsigned long request, void *argument)
{
	int value;

	if (request == FIONREAD)
		value = readable(h);
#ifdef SIOCATMARK
	else if (request == SIOCATMARK)
		value = at_mark(h);
#endif
	else
		return platform_ioctl(fd, request, argument);
	if (value < 0)
		return -1;
	*(int *)argument = value;
	return 0;
}

int ipcref_sockatmark(int fd)
{
	struct handle *h = descriptor_get(fd, OBJECT_SOCKET);
	int result;

	if (!h)
		return sockatmark(fd);
	result = at_mark(h);
	handle_put(h);
	return result;
}

/* -- readiness -------------------------------------------------------------------------------- */

/* Whether there is room where datagrams of a connected socket go. */
static bool peer_has_room(struct mapping *mapping)
{
	const struct socket *socket = socket_of(mapping);
	struct socket_file file;
	struct queue_view view;
	bool has_room = true;

	if (socket->state != SOCKET_CONNECTED || !socket_open_number(&file, socket_peer(mapping)))
		return true;
	mapping_lock(&file.mapping);
	if (queue_see(&view, &file.mapping, 0))
		has_room = queue_is_writable(&view, socket->ends[0].send_size);
	mapping_unlock(&file.mapping);
	socket_close(&file);
	return has_room;
}

/* What an end that can carry is ready for; it is locked. */
static short carries(struct handle *h)
{
	const struct socket *socket = socket_of(&h->mapping);
	const struct socket_end *own = &socket->ends[end_of(h)];
	struct queue_view in, out;
	short events = 0;

	if (!queue_see(&in, &h->mapping, end_of(h)) || !queue_see(&out, &h->mapping, !end_of(h)))
		return POLLERR;
	if (socket->type == SOCK_STREAM ? in.queue->bytes > in.queue->has_urgent : in.used > 0)
		events |= POLLIN | POLLRDNORM;
	if (in.queue->has_urgent)
		events |= POLLPRI;
	if (own->shut & SHUT_RECEIVE)
		events |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (own->shut == SHUT_BOTH)
		events |= POLLHUP;
	if (own->error)
		events |= POLLERR;
	if (queue_is_writable(&out, own->send_size))
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static short socket_ready(int fd, struct handle *h)
{
	const struct socket *socket = socket_of(&h->mapping);
	bool is_connected = socket_is_connected(fd, h), is_writable = true;
	bool is_gone = is_connected && has_connections(socket) && socket_has_peer(fd, h) == 0;
	short events;

	if (!has_both_ends(socket))
		is_writable = peer_has_room(&h->mapping);
	mapping_lock(&h->mapping);
	if (is_gone)
		socket_notice_end(h);
	events = carries(h);
	mapping_unlock(&h->mapping);
	if (socket->state == SOCKET_LISTENS)
		return events & (short)~(POLLOUT | POLLWRNORM);
	if (has_connections(socket) && !is_connected)
		events |= POLLHUP;
	if (!is_writable)
		events &= (short)~(POLLOUT | POLLWRNORM);
	return events;
}

const struct object_class socket_class = {
	.kind = OBJECT_SOCKET,
	.least = sizeof(struct socket),
	.readv = socket_readv,
	.writev = socket_writev,
	.ready = socket_ready,
	.closed = socket_closed,
	.copied = rights_share,
	.released = rights_release,
	.fcntl = socket_fcntl,
	.ioctl = socket_ioctl,
	.fstat = socket_fstat,
};

/* -- names of both ends ----------------------------------------------------------------------- */

/* Who has died in giving it a name hasn't: that is put right by who locks. */
static void tell_name(struct handle *h, unsigned end, struct sockaddr *address, socklen_t *size)
{
	struct socket_name name;

	mapping_lock(&h->mapping);
	socket_copy_name(&name, &socket_of(&h->mapping)->ends[end].name);
	mapping_unlock(&h->mapping);
	socket_tell(&name, address, size);
}

int ipcref_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);

	if (!is_ours)
		return getsockname(fd, address, size);
	if (!h)
		return -1;
	tell_name(h, end_of(h), address, size);
	handle_put(h);
	return 0;
}

int ipcref_getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);

	if (!is_ours)
		return getpeername(fd, address, size);
	if (!h)
		return -1;
	bool is_connected = socket_is_connected(fd, h);

	if (is_connected)
		tell_name(h, !end_of(h), address, size);
	handle_put(h);
	if (is_connected)
		return 0;
	errno = ENOTCONN;
	return -1;
}

/* -- the end of talk -------------------------------------------------------------------------- */

static void shut(struct handle *h, int how, bool is_connected)
{
	struct mapping *mapping = &h->mapping;
	struct socket *socket = socket_of(mapping);
	uint32_t own = (uint32_t)how + 1, peers = 0;
	unsigned end = end_of(h);

	if (has_connections(socket) && is_connected)
		peers = (own & SHUT_RECEIVE ? SHUT_SEND : 0) | (own & SHUT_SEND ? SHUT_RECEIVE : 0);
	ring_all(mapping);
	STEP("sock/shutdown/rung");
	CHANGE(mapping, socket->ends[end].shut, socket->ends[end].shut | own);
	CHANGE(mapping, socket->ends[!end].shut, socket->ends[!end].shut | peers);
}

int ipcref_shutdown(int fd, int how)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);

	if (!is_ours)
		return shutdown(fd, how);
	if (!h)
		return -1;
	int error = how == SHUT_RD || how == SHUT_WR || how == SHUT_RDWR ? 0 : EINVAL;
	if (!error) {
		bool is_connected = socket_is_connected(fd, h);

		mapping_lock(&h->mapping);
		shut(h, how, is_connected);
		mapping_unlock(&h->mapping);
	}
	handle_put(h);
	if (!error)
		return 0;
	errno = error;
	return -1;
}

/* -- messages --------------------------------------------------------------------------------- */

ssize_t ipcref_sendmsg(int fd, const struct msghdr *message, int flags)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);
	ssize_t result;

	if (!is_ours)
		return sendmsg(fd, message, flags);
	if (!h)
		return -1;
	result = socket_send(fd, h, message, flags);
	handle_put(h);
	return result;
}

ssize_t ipcref_recvmsg(int fd, struct msghdr *message, int flags)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);
	ssize_t result;

	if (!is_ours)
		return recvmsg(fd, message, flags);
	if (!h)
		return -1;
	result = socket_receive(fd, h, message, flags, NULL);
	handle_put(h);
	return result;
}

ssize_t ipcref_sendto(int fd, const void *buffer, size_t size, int flags,
		      const struct sockaddr *address, socklen_t address_size)
{
	struct iovec part = {(void *)buffer, size};
	const struct msghdr message = {.msg_name = (void *)address,
				       .msg_namelen = address ? address_size : 0,
				       .msg_iov = &part,
				       .msg_iovlen = 1};

	return ipcref_sendmsg(fd, &message, flags);
}

ssize_t ipcref_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *address,
			socklen_t *address_size)
{
	struct iovec part = {buffer, size};
	struct msghdr message = {.msg_name = address,
				 .msg_namelen = address && address_size ? *address_size : 0,
				 .msg_iov = &part,
				 .msg_iovlen = 1};
	ssize_t result = ipcref_recvmsg(fd, &message, flags);

	if (result >= 0 && address && address_size)
		*address_size = message.msg_namelen;
	return result;
}

ssize_t ipcref_send(int fd, const void *buffer, size_t size, int flags)
{
	return ipcref_sendto(fd, buffer, size, flags, NULL, 0);
}

ssize_t ipcref_recv(int fd, void *buffer, size_t size, int flags)
{
	return ipcref_recvfrom(fd, buffer, size, flags, NULL, NULL);
}

#ifdef MSG_WAITFORONE
/* Libraries disagree about the type of the flags. */
#ifdef __GLIBC__
#define FLAGS_OF_MANY
#else
#define FLAGS_OF_MANY (unsigned)
#endif

int ipcref_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);
	unsigned sent = 0;

	if (!is_ours)
		return sendmmsg(fd, messages, count, FLAGS_OF_MANY flags);
	if (!h)
		return -1;
	handle_put(h);
	for (; sent < count; sent++) {
		ssize_t size = ipcref_sendmsg(fd, &messages[sent].msg_hdr, flags);

		if (size < 0)
			break;
		messages[sent].msg_len = (unsigned)size;
	}
	return sent || !count ? (int)sent : -1;
}

/* How many were received; of none, errno tells why. */
static unsigned receive_many(int fd, struct handle *h, struct mmsghdr *messages, unsigned count,
			     int flags, const struct timespec *end)
{
	int plain = flags & ~MSG_WAITFORONE;
	struct vigil vigil = {.is_kept = false};
	unsigned received = 0;

	/* one vigil, for a signal that comes between two messages */
	while (received < count) {
		ssize_t size = socket_receive(fd, h, &messages[received].msg_hdr, plain, &vigil);

		if (size < 0)
			break;
		messages[received++].msg_len = (unsigned)size;
		if (flags & MSG_WAITFORONE)
			plain |= MSG_DONTWAIT;
		/* looked at after each, as Linux does */
		if (end && moment_is_past(CLOCK_MONOTONIC, end))
			break;
	}
	vigil_end(&vigil);
	return received;
}

int ipcref_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
		    struct timespec *timeout)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);
	struct timespec end;

	if (!is_ours)
		return recvmmsg(fd, messages, count, FLAGS_OF_MANY flags, timeout);
	if (!h)
		return -1;
	if (timeout && !duration_is_valid(timeout)) {
		handle_put(h);
		errno = EINVAL;
		return -1;
	}
	unsigned received =
		receive_many(fd, h, messages, count, flags, end_of_duration(timeout, &end));

	handle_put(h);
	return received || !count ? (int)received : -1;
}
#endif
