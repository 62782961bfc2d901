/* SPDX-License-Identifier: MIT */
/*
 * Descriptors on their way over a socket (SCM_RIGHTS).  Only the kernel can carry them, in the
 * queue of a socket of its own: so beside an end there is a carrier, which is one of those and
 * lives as the end's descriptors do.  That of a pair or a connection is an end of a connection of
 * the kernel's; of a listener, a listener of the kernel's; of a named socket of datagrams, one of
 * those. The two latter have names, in the namespace.
 *
 * A message with descriptors goes two ways: what comes with a ticket over the carrier, and a record
 * with the same ticket into the queue.  Both happen in the same order, for the receiving socket is
 * locked.  The carrier is first when sending and last when receiving: who is killed between the two
 * leaves something in the carrier that no record leads to, and whoever comes next throws it away.
 * What is on its way when its receiver is gone is closed by the kernel, also that which is in a
 * circle: a socket is passed together with its carrier.
 *
 * The carrier is also what the kernel raises SIGIO for, by a knock: a message without descriptors.
 * So it is only the kernel that knows whom to signal, and it asks who may.
 *
 * A carrier is a descriptor that the program doesn't know of.  Those who close descriptors that
 * they don't know may close it, and have its number again: so it is looked at before it is used.
 * It is closed by exec, and who had the end before there was a carrier has none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/namespace.h"
#include "ref/socket.h"
#include "ref/step.h"

enum { PATH_AT = offsetof(struct sockaddr_un, sun_path) };
enum { MOST_PENDING = 4096 }; /* of a listener, unless the kernel has less */
enum { MOST_STRAYS = 4096 };  /* that are thrown away at once */
enum { CARRIERS_FROM = 512 }; /* numbers out of the way of the program's own, if there are any */

struct carrier {
	_Atomic unsigned users;
	int fd;
	dev_t device; /* what it was when it became a carrier */
	ino_t file;
};

/* What goes over a carrier, with the descriptors: first those of the message, then carriers. */
struct note {
	uint32_t ticket;
	uint32_t count;		     /* of those of the message */
	uint8_t owners[RIGHTS_MOST]; /* whose carriers those behind them are */
};

/* -- carriers --------------------------------------------------------------------------------- */

static bool is_still(const struct carrier *carrier)
{
	struct stat status;

	return fstat(carrier->fd, &status) == 0 && S_ISSOCK(status.st_mode) &&
	       status.st_dev == carrier->device && status.st_ino == carrier->file;
}

static void carrier_put(struct carrier *carrier)
{
	if (atomic_fetch_sub(&carrier->users, 1) > 1)
		return;
	if (is_still(carrier))
		close(carrier->fd);
	free(carrier);
}

/* NULL: there is none any more, or never was.  The handle keeps it. */
static struct carrier *carrier_of(const struct handle *h)
{
	struct carrier *carrier = atomic_load(&h->carrier);

	return carrier && is_still(carrier) ? carrier : NULL;
}

static void give_carrier(struct handle *h, struct carrier *carrier)
{
	struct carrier *none = NULL;

	if (!atomic_compare_exchange_strong(&h->carrier, &none, carrier))
		carrier_put(carrier);
}

/* This is the carrier's descriptor.  False with errno; then it is closed. */
static bool attach(struct handle *h, int fd)
{
	struct carrier *carrier = NULL;
	struct stat status;

	int high = FAULT("sock/carrier/high-number", EMFILE)
			   ? -1
			   : fcntl(fd, F_DUPFD_CLOEXEC, CARRIERS_FROM);
	if (high >= 0) {
		close(fd);
		fd = high;
	}
	if (!FAULT("sock/carrier/memory", ENOMEM) && fstat(fd, &status) == 0)
		carrier = malloc(sizeof(*carrier));
	if (!carrier) {
		close_keeping_errno(fd);
		return false;
	}
	*carrier = (struct carrier){1, fd, status.st_dev, status.st_ino};
	give_carrier(h, carrier);
	return true;
}

/* The same by the number of a descriptor, which it may not be any more. */
static bool attach_to(int number, int fd)
{
	struct handle *h = descriptor_get(number, OBJECT_SOCKET);
	bool is_attached = true;

	if (h) {
		is_attached = attach(h, fd);
		handle_put(h);
	} else {
		close(fd);
	}
	return is_attached;
}

void rights_share(struct handle *h, int copy)
{
	struct carrier *carrier = atomic_load(&h->carrier);
	struct handle *to = carrier ? descriptor_get(copy, OBJECT_SOCKET) : NULL;

	if (!to)
		return;
	atomic_fetch_add(&carrier->users, 1);
	give_carrier(to, carrier);
	handle_put(to);
}

void rights_release(struct handle *h)
{
	struct carrier *carrier = atomic_exchange(&h->carrier, NULL);

	if (carrier)
		carrier_put(carrier);
}

/* -- carriers of a new end -------------------------------------------------------------------- */

/*
 * Whether it is for want of something, which there may be again.  Of descriptors the program has as
 * many as it knows of: if there's none for the carrier, it does without.  Other errors are those of
 * a system that has no sockets to carry anything.
 */
static bool is_want(int error)
{
	return error == ENFILE || error == ENOBUFS || error == ENOMEM || error == ENOSPC;
}

/* The same as an error of a call that makes no descriptor: 0, if it is none. */
static int want(int error)
{
	if (error == ENFILE)
		return ENOBUFS;
	return is_want(error) ? error : 0;
}

bool rights_join(const int ends[2])
{
	int made[2];

	if (FAULT("sock/carrier/pair", ENFILE, ENOBUFS, ENOMEM) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, made) < 0)
		return !is_want(errno);
	bool is_first = attach_to(ends[0], made[0]), is_second = attach_to(ends[1], made[1]);

	return is_first && is_second;
}

bool rights_path_of(char path[PATH_MAX], uint64_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "%016llx", (unsigned long long)number);
	return namespace_path(path, "carrier", name);
}

/* An address of the kernel's, whatever the path's length: *directory, if not -1, is in it. */
static bool address_of(struct sockaddr_un *address, uint64_t number, int *directory)
{
	char path[PATH_MAX];

	*directory = -1;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!rights_path_of(path, number))
		return false;
	size_t size = strlen(path);
	if (size < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, size);
		return true;
	}
	char *name = strrchr(path, '/');
	*name++ = '\0';
	*directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", *directory,
		 name);
	return *directory >= 0;
}

/* Whether the name is one that its socket, bound by somebody who died meanwhile, is gone from. */
static bool is_abandoned(int fd, const struct sockaddr_un *address)
{
	bool is_refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0;

	return is_refused && errno == ECONNREFUSED;
}

/* The socket that this is to be the carrier of is locked. */
static bool bind_anew(int fd, const struct sockaddr_un *address)
{
	const struct sockaddr *name = (const struct sockaddr *)address;

	if (bind(fd, name, sizeof(*address)) == 0)
		return true;
	return errno == EADDRINUSE && is_abandoned(fd, address) && unlink(address->sun_path) == 0 &&
	       bind(fd, name, sizeof(*address)) == 0;
}

/* Whoever may open the socket's file, and that is all, may send. */
static bool take_name(int fd, uint64_t number)
{
	struct sockaddr_un address;
	int directory;
	bool is_named = address_of(&address, number, &directory) &&
			!FAULT("sock/carrier/bind", ENOBUFS, ENOSPC) && bind_anew(fd, &address) &&
			chmod(address.sun_path, 0666) == 0;

	if (directory >= 0)
		close_keeping_errno(directory);
	return is_named;
}

/* A socket of the kernel's that is to be a carrier, or to lead to one; -1 with errno. */
static int new_socket(int type)
{
	if (FAULT("sock/carrier/socket", ENOBUFS, ENOMEM))
		return -1;
	return socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* One that leads to the carrier of that number; -1 with errno: there is none. */
static int reach(uint64_t number, int type)
{
	struct sockaddr_un address;
	int directory, fd = new_socket(type);
	bool is_there = fd >= 0 && address_of(&address, number, &directory);

	if (is_there) {
		is_there = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
		if (directory >= 0)
			close_keeping_errno(directory);
	}
	if (is_there || fd < 0)
		return fd;
	close_keeping_errno(fd);
	return -1;
}

void rights_unname(struct handle *h)
{
	char path[PATH_MAX];

	rights_release(h);
	if (rights_path_of(path, socket_of(&h->mapping)->number))
		unlink(path);
}

int rights_name(struct handle *h)
{
	const struct socket *named = socket_of(&h->mapping);
	bool listens = has_connections(named);
	int type = listens ? SOCK_SEQPACKET : SOCK_DGRAM;

	if (atomic_load(&h->carrier))
		return 0;
	int fd = new_socket(type);
	if (fd < 0)
		return want(errno);
	if (!take_name(fd, named->number)) {
		close_keeping_errno(fd);
		return want(errno);
	}
	STEP("sock/carrier/named");
	if (listens && listen(fd, MOST_PENDING) < 0)
		close_keeping_errno(fd);
	else if (attach(h, fd))
		return 0;
	int error = want(errno);

	rights_unname(h);
	return error;
}

/* -- tickets ---------------------------------------------------------------------------------- */

/* 0 is none.  Not taken back if this process dies: it may be on a carrier then. */
static uint32_t new_ticket(struct socket_queue *queue)
{
	uint32_t ticket;

	do
		ticket = atomic_fetch_add(&queue->tickets, 1) + 1;
	while (ticket == 0);
	return ticket;
}

/* Whether a ticket was had after another one. */
static bool is_later(const struct socket_queue *queue, uint32_t ticket, uint32_t than)
{
	uint32_t now = atomic_load(&queue->tickets);

	return now - ticket < now - than;
}

/* -- connecting ------------------------------------------------------------------------------- */

int rights_connect(struct handle *h, struct socket *listener, uint32_t *ticket)
{
	int fd = reach(listener->number, SOCK_SEQPACKET);

	*ticket = 0;
	if (fd < 0)
		return want(errno);
	uint32_t its = new_ticket(&listener->queues[0]);
	if (FAULT("sock/carrier/ticket", ENOBUFS, ENOMEM) ||
	    send(fd, &its, sizeof(its), MSG_NOSIGNAL) != sizeof(its)) {
		close_keeping_errno(fd);
		return want(errno);
	}
	if (!attach(h, fd))
		return errno;
	*ticket = its;
	return 0;
}

/* The next that is pending; -1 with errno. */
static int accept_carrier(const struct carrier *listener)
{
	if (FAULT("sock/carrier/accept", ENFILE, ENOBUFS, ENOMEM))
		return -1;
	return accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int rights_accept(struct handle *listener, uint32_t ticket, int accepted)
{
	const struct carrier *carrier = ticket ? carrier_of(listener) : NULL;

	for (int i = 0; carrier && i < MOST_STRAYS; i++) {
		int fd = accept_carrier(carrier);
		uint32_t its;

		if (fd < 0)
			return is_want(errno) ? errno : 0;
		if (recv(fd, &its, sizeof(its), MSG_DONTWAIT) == sizeof(its) && its == ticket)
			return attach_to(accepted, fd) ? 0 : errno;
		close(fd);
	}
	return 0;
}

/* -- sending ---------------------------------------------------------------------------------- */

int rights_add(struct rights *rights, const struct cmsghdr *header)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	if (count > RIGHTS_MOST - rights->count)
		return EINVAL;
	memcpy(rights->fds + rights->count, CMSG_DATA(header), count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		if (fcntl(rights->fds[rights->count + i], F_GETFD) < 0)
			return EBADF;
	rights->count += (unsigned)count;
	return 0;
}

/* What is about to be sent, and whose carriers are in it, which these keep open. */
struct shipment {
	struct note note;
	int fds[RIGHTS_MOST];
	struct handle *owners[RIGHTS_MOST];
	unsigned count, owner_count;
};

static void load(struct shipment *shipment, const struct rights *rights)
{
	shipment->note.count = shipment->count = rights->count;
	shipment->owner_count = 0;
	memcpy(shipment->fds, rights->fds, rights->count * sizeof(int));
	for (unsigned i = 0; i < rights->count && shipment->count < RIGHTS_MOST; i++) {
		struct handle *h = descriptor_get(rights->fds[i], OBJECT_SOCKET);
		const struct carrier *carrier = h ? carrier_of(h) : NULL;

		if (carrier) {
			shipment->note.owners[shipment->owner_count] = (uint8_t)i;
			shipment->owners[shipment->owner_count++] = h;
			shipment->fds[shipment->count++] = carrier->fd;
		} else if (h) {
			handle_put(h);
		}
	}
}

/* 0 or an error. */
static int ship(const struct shipment *shipment, int carrier)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(RIGHTS_MOST * sizeof(int))];
	} control;
	size_t size = shipment->count * sizeof(int);
	struct iovec part = {(void *)&shipment->note,
			     offsetof(struct note, owners) + shipment->owner_count};
	const struct msghdr message = {.msg_iov = &part,
				       .msg_iovlen = 1,
				       .msg_control = &control,
				       .msg_controllen = CMSG_SPACE(size)};

	memset(&control, 0, CMSG_SPACE(size));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(&control.header), shipment->fds, size);
	if (FAULT("sock/rights/send", ENOBUFS, ENOMEM, ETOOMANYREFS))
		return errno;
	return sendmsg(carrier, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* As of sendmsg; that there is nobody at the other end of the carrier is no matter of the socket.
 */
static int error_of(int error)
{
	switch (error) {
	case 0:
	case EAGAIN:
	case EBADF:
	case EINVAL:
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS:
		return error;
	default:
		return ENOSYS;
	}
}

/* What leads to the carrier: our own or, to be closed, a new one.  -1 with errno: there is none. */
static int way_to(const struct handle *own, const struct socket *to)
{
	const struct carrier *carrier = own ? carrier_of(own) : NULL;

	errno = ENOSYS;
	if (own)
		return carrier ? carrier->fd : -1;
	return reach(to->number, SOCK_DGRAM);
}

void rights_knock(struct handle *own, struct socket *to, unsigned end)
{
	const uint32_t no_ticket = 0;

	if (!(to->ends[end].switches & SWITCH_ASYNC))
		return;
	int fd = way_to(own, to);
	if (fd < 0)
		return;
	send(fd, &no_ticket, sizeof(no_ticket), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (!own)
		close(fd);
}

int rights_send(const struct rights *rights, struct handle *own, struct socket *to, unsigned end,
		uint32_t *ticket)
{
	int fd = way_to(own, to);
	struct shipment shipment;

	if (fd < 0)
		return errno == EMFILE ? ENOBUFS : want(errno) ? want(errno) : ENOSYS;
	load(&shipment, rights);
	shipment.note.ticket = *ticket = new_ticket(&to->queues[end]);
	int error = ship(&shipment, fd);
	STEP("sock/rights/sent");
	for (unsigned i = 0; i < shipment.owner_count; i++)
		handle_put(shipment.owners[i]);
	if (!own)
		close(fd);
	return error_of(error);
}

/* -- receiving -------------------------------------------------------------------------------- */

/* What the first message on the carrier says; false: there is none. */
static bool look_at(int carrier, uint32_t *ticket)
{
	*ticket = 0;
	return recv(carrier, ticket, sizeof(*ticket), MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* With all descriptors that it brings, which are closed so. */
static void throw_away(int carrier)
{
	char byte;

	recv(carrier, &byte, sizeof(byte), MSG_DONTWAIT);
}

/* Whether the first message is this one, now that those before it are gone. */
static bool find(int carrier, const struct socket_queue *queue, uint32_t ticket)
{
	uint32_t first;

	for (int i = 0; i < MOST_STRAYS && look_at(carrier, &first); i++) {
		if (first == ticket)
			return true;
		if (is_later(queue, first, ticket))
			return false;
		throw_away(carrier);
	}
	return false;
}

/* Sorts what has come; what it can't be, a hostile sender has sent. */
static void unload(struct parcel *parcel, const struct note *note, size_t size,
		   const struct msghdr *message, const struct cmsghdr *header)
{
	size_t owners = offsetof(struct note, owners), count = 0;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (count > 0)
		memcpy(parcel->fds, CMSG_DATA(header), count * sizeof(int));
	parcel->count = note->count < count ? note->count : (unsigned)count;
	parcel->carriers = (unsigned)count - parcel->count;
	for (unsigned i = 0; i < parcel->carriers; i++)
		parcel->owners[i] = owners + i < size ? note->owners[i] : UINT8_MAX;
	parcel->is_cut = message->msg_flags & MSG_CTRUNC && parcel->count < note->count;
}

static void open_parcel(struct parcel *parcel, int carrier, int flags)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(RIGHTS_MOST * sizeof(int))];
	} control;
	struct note note = {.count = 0};
	struct iovec part = {&note, sizeof(note)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t size =
		recvmsg(carrier, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (flags & MSG_PEEK));

	if (size >= (ssize_t)offsetof(struct note, owners))
		unload(parcel, &note, (size_t)size, &message, CMSG_FIRSTHDR(&message));
}

void rights_take(struct parcel *parcel, struct handle *h, uint32_t ticket, int flags, bool has_room)
{
	const struct carrier *carrier = carrier_of(h);
	const struct socket_queue *queue = &socket_of(&h->mapping)->queues[end_of(h)];
	uint32_t first;

	parcel->is_cut = !(flags & MSG_PEEK);
	if (!carrier)
		return;
	/* who peeks may be beyond the first message */
	bool is_there = flags & MSG_PEEK ? look_at(carrier->fd, &first) && first == ticket
					 : find(carrier->fd, queue, ticket);
	if (is_there && has_room) {
		open_parcel(parcel, carrier->fd, flags);
	} else if (is_there) {
		parcel->is_cut = true;
		if (!(flags & MSG_PEEK))
			throw_away(carrier->fd);
	}
	STEP("sock/rights/taken");
}

void rights_clear(struct handle *h, bool is_empty)
{
	struct socket *socket = socket_of(&h->mapping);
	struct socket_queue *queue = &socket->queues[end_of(h)];
	bool is_all = is_empty && queue->carried != queue->tickets;
	const struct carrier *carrier;
	uint32_t first;

	if (!is_all && !(socket->ends[end_of(h)].switches & SWITCH_ASYNC))
		return;
	if (!(carrier = carrier_of(h)))
		return;
	for (int i = 0; i < MOST_STRAYS && look_at(carrier->fd, &first); i++) {
		if (first != 0 && !is_all)
			return;
		throw_away(carrier->fd);
	}
	if (is_all)
		queue->carried = queue->tickets;
}

int rights_fcntl(const struct handle *h, int command, long argument)
{
	const struct carrier *carrier = carrier_of(h);

	if (carrier)
		return fcntl(carrier->fd, command, argument);
	errno = ENOSYS;
	return -1;
}

void rights_keep(struct parcel *parcel, unsigned count, int flags)
{
	for (unsigned i = 0; i < parcel->count; i++)
		descriptor_is_new(parcel->fds[i]);
	for (unsigned i = 0; i < parcel->carriers; i++) {
		int fd = parcel->fds[parcel->count + i];

		if (parcel->owners[i] < count)
			attach_to(parcel->fds[parcel->owners[i]], fd);
		else
			close(fd);
	}
	for (unsigned i = 0; i < parcel->count; i++) {
		if (i >= count)
			ipcref_close(parcel->fds[i]);
		else if (!(flags & MSG_CMSG_CLOEXEC))
			fcntl(parcel->fds[i], F_SETFD, 0);
	}
}
