/* SPDX-License-Identifier: MIT */
/*
 * Sending and receiving.  Each call looks whether there is a peer, locks, does what it can, and
 * else sleeps until the queue has changed or it is time to look again: a peer's death rings no
 * bell.  In this order, for what a peer has sent before its death is there when it is gone.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/socket.h"
#include "ref/step.h"

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

enum { NANOSECONDS = 1000000000, NOBODY = 65534 };
/* A part of a long send is worth a record of its own. */
enum { LEAST_PART = 1024 };

/* How many bytes the vector has; -1 with errno EMSGSIZE. */
static ssize_t size_of(const struct msghdr *message)
{
	size_t count = message->msg_iovlen, size = 0;

	for (size_t i = 0; count <= IOV_MAX && i < count; i++) {
		if (message->msg_iov[i].iov_len > (size_t)SSIZE_MAX - size) {
			errno = EINVAL;
			return -1;
		}
		size += message->msg_iov[i].iov_len;
	}
	if (count <= IOV_MAX)
		return (ssize_t)size;
	errno = EMSGSIZE;
	return -1;
}

/* Of a stream, some bytes may go and others not. */
static bool may_be_short(const struct socket *socket, ssize_t size, int flags)
{
	return socket->type == SOCK_STREAM && size > 1 && !(flags & MSG_OOB);
}

/* -- waiting ---------------------------------------------------------------------------------- */

void waiting_begin(struct waiting *waiting, int fd, struct handle *h, int flags, uint32_t timeout)
{
	*waiting = (struct waiting){.fd = fd, .h = h, .flags = flags, .timeout = timeout};
	waiting->vigil = &waiting->own;
	if (!timeout)
		return;
	clock_gettime(CLOCK_MONOTONIC, &waiting->deadline);
	waiting->deadline.tv_sec += timeout / 1000;
	waiting->deadline.tv_nsec += timeout % 1000 * 1000000L;
	if (waiting->deadline.tv_nsec >= NANOSECONDS) {
		waiting->deadline.tv_sec++;
		waiting->deadline.tv_nsec -= NANOSECONDS;
	}
}

/* Asked once: what is set while a call waits is for the calls to come. */
static bool may_wait(struct waiting *waiting)
{
	if (!waiting->has_slept)
		waiting->has_slept =
			!(waiting->flags & MSG_DONTWAIT) &&
			!descriptor_is_nonblocking(descriptor_number(waiting->fd, waiting->h));
	return waiting->has_slept;
}

/* A call that has moved something, or has a timeout, can't be restarted. */
int waiting_await(struct waiting *waiting, struct bell *bell, struct mapping *mapping,
		  bool has_moved)
{
	const struct sleep sleep = {
		.deadline = waiting->timeout ? &waiting->deadline : NULL,
		.clock = CLOCK_MONOTONIC,
		.when_interrupted = has_moved || waiting->timeout ? SLEEP_ENDS : SLEEP_RESTARTS,
		.looks_every = SOCKET_LOOKS_EVERY_MS,
	};
	int error = EAGAIN;

	if (may_wait(waiting))
		error = bell_sleep_in_vigil(bell, mapping, &sleep, waiting->vigil);
	return error == ETIMEDOUT ? EAGAIN : error;
}

/* -- what is sent beside the bytes ------------------------------------------------------------ */

struct outgoing {
	int fd;
	struct handle *h;
	const struct msghdr *message;
	int flags;
	size_t size;
	struct record record;  /* as far as it is known: of whom, if that was claimed */
	struct rights *rights; /* still to be sent, with the first record */
	struct waiting waiting;
};

#ifdef SCM_CREDENTIALS
/* Whether this process may say that it is so. */
static int check_claim(const struct ucred *claim)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;

	if (geteuid() == 0)
		return kill(claim->pid, 0) < 0 && errno == ESRCH ? ESRCH : 0;
	getresuid(&uid, &euid, &suid);
	getresgid(&gid, &egid, &sgid);
	bool is_true = claim->pid == getpid() &&
		       (claim->uid == uid || claim->uid == euid || claim->uid == suid) &&
		       (claim->gid == gid || claim->gid == egid || claim->gid == sgid);
	return is_true ? 0 : EPERM;
}
#endif

/* 0 or an error. */
static int read_control(struct outgoing *out)
{
	struct msghdr message = *out->message;
	int error = 0;

	if (!message.msg_controllen)
		return 0;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header && !error;
	     header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level != SOL_SOCKET)
			continue;
		if (header->cmsg_len < CMSG_LEN(0))
			return EINVAL;
		if (header->cmsg_type == SCM_RIGHTS) {
			error = rights_add(out->rights, header);
			continue;
		}
		error = EINVAL;
#ifdef SCM_CREDENTIALS
		struct ucred claim;

		if (header->cmsg_type == SCM_CREDENTIALS &&
		    header->cmsg_len == CMSG_LEN(sizeof(claim))) {
			memcpy(&claim, CMSG_DATA(header), sizeof(claim));
			error = check_claim(&claim);
			out->record.flags |= RECORD_HAS_SENDER;
			out->record.pid = (uint32_t)claim.pid;
			out->record.uid = claim.uid;
			out->record.gid = claim.gid;
		}
#endif
	}
	return error;
}

/* What the receiver wants to be told of this message. */
static void tell_sender(struct record *record, uint32_t wishes)
{
	if ((wishes & (SWITCH_CREDENTIALS | SWITCH_PROCESS)) &&
	    !(record->flags & RECORD_HAS_SENDER)) {
		record->flags |= RECORD_HAS_SENDER;
		record->pid = (uint32_t)getpid();
		record->uid = getuid();
		record->gid = getgid();
	}
	if (wishes & (SWITCH_TIME | SWITCH_EXACT_TIME)) {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		record->time = (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
	}
}

/* -- sending ---------------------------------------------------------------------------------- */

/* Where it goes: to an end of a socket, our own or another. */
struct route {
	bool is_own;
	struct socket_file file; /* of another */
	struct mapping *mapping;
	unsigned end;
};

static int number_of(const struct outgoing *out, const struct route *route)
{
	return route->is_own ? descriptor_number(out->fd, out->h) : route->file.fd;
}

static void route_own(struct route *route, const struct outgoing *out)
{
	route->is_own = true;
	route->mapping = &out->h->mapping;
	route->end = !end_of(out->h);
}

/* Finds where a datagram is to go; 0 or an error, after which nothing is to be given back. */
static int route_datagram(struct route *route, const struct outgoing *out)
{
	const struct socket *socket = socket_of(&out->h->mapping);
	const struct msghdr *message = out->message;
	struct sockaddr_un to;
	int error;

	if (message->msg_name && message->msg_namelen) {
		error = socket_parse(&to, message->msg_name, message->msg_namelen);
		if (error)
			return error;
		if (!socket_find(&route->file, &to, message->msg_namelen, SOCK_DGRAM))
			return errno;
	} else if (socket->state != SOCKET_CONNECTED) {
		return ENOTCONN;
	} else if (has_both_ends(socket)) {
		route_own(route, out);
		return 0;
	} else if (!socket_open_number(&route->file, socket_peer(&out->h->mapping))) {
		return errno == ENOENT ? ECONNREFUSED : errno;
	}
	route->mapping = &route->file.mapping;
	route->end = 0;
	if (socket_hears(route->mapping, socket))
		return 0;
	socket_close(&route->file);
	return EPERM;
}

/* It is told once; the socket is locked. */
static int take_error(struct socket_end *end)
{
	uint32_t error = end->error;

	end->error = 0;
	return (int)error;
}

/*
 * Whether anything can be sent at all; the receiving socket is locked, and there was, or wasn't, a
 * peer before.  0 or an error.
 */
static int check_way(const struct outgoing *out, const struct route *route, int peer, int error)
{
	struct socket *from = socket_of(&out->h->mapping), *to = socket_of(route->mapping);
	struct socket_end *own = &from->ends[end_of(out->h)];

	if (peer == 0 && has_connections(to))
		socket_notice_end(out->h);
	/* a stream's sender hears of a reset by EPIPE alone, as of Linux */
	if (from->type == SOCK_SEQPACKET && own->error)
		return take_error(own);
	if (own->shut & SHUT_SEND)
		return EPIPE;
	if (peer < 0)
		return error;
	if (peer == 0 && !has_connections(to))
		return ECONNREFUSED;
	return peer == 0 || to->ends[route->end].shut & SHUT_RECEIVE ? EPIPE : 0;
}

/* How many bytes of those left go into the next record; 0: it must wait. */
static size_t part_of(const struct outgoing *out, const struct queue_view *view, size_t left,
		      uint32_t size)
{
	uint32_t room = queue_room(view, size, out->record.name_size);

	if (socket_of(view->mapping)->type != SOCK_STREAM)
		return left <= room ? left : 0;
	if (room < left && room < LEAST_PART)
		return 0;
	return left < room ? left : room;
}

/*
 * Descriptors go first.  What they were sent with may then not be refused any more, or they would
 * stay on the carrier until somebody receives the next ones; and where there's room for no more,
 * though nothing is to be received, they are of senders that were killed, and wait for that, too.
 */
static int send_rights(const struct outgoing *out, const struct route *route,
		       const struct queue_view *view, struct record *record)
{
	int error = queue_reserve(view, number_of(out, route), record);

	if (!error)
		error = rights_send(out->rights, route->is_own ? out->h : NULL,
				    socket_of(route->mapping), route->end, &record->ticket);
	return error == EAGAIN && view->queue->records == 0 ? ENOBUFS : error;
}

/* Puts what there is room for.  0, an error, or EAGAIN: there was none. */
static int put_part(struct outgoing *out, struct route *route, struct cursor *cursor, size_t *left,
		    bool is_urgent)
{
	struct socket *from = socket_of(&out->h->mapping), *to = socket_of(route->mapping);
	const struct socket_name *name = &from->ends[end_of(out->h)].name;
	struct record record = out->record;
	struct queue_view view;

	if (!queue_see(&view, route->mapping, route->end))
		return errno;
	size_t part = part_of(out, &view, *left, from->ends[end_of(out->h)].send_size);
	bool is_there = part > 0 || *left == 0;

	if (*left == 0)
		is_there = queue_room(&view, from->ends[end_of(out->h)].send_size,
				      record.name_size) > 0;
	if (!is_there)
		return EAGAIN;
	tell_sender(&record, to->ends[route->end].switches);
	record.size = (uint32_t)part;
	struct handle *own = route->is_own ? out->h : NULL;
	int error = 0;
	if (is_urgent)
		record.flags |= RECORD_IS_URGENT;
	else if (out->rights->count)
		error = send_rights(out, route, &view, &record);
	if (!error)
		error = queue_put(&view, number_of(out, route), &record, name->path, cursor);
	if (error)
		return error;
	if (!record.ticket)
		rights_knock(own, to, route->end);
	out->rights->count = 0;
	*left -= part;
	return 0;
}

/* Whether anybody has the end: 1 or 0, or -1 with errno. */
static int has_receiver(const struct outgoing *out, const struct route *route)
{
	return route->is_own ? socket_has_peer(out->fd, out->h) : socket_is_held(&route->file);
}

/* Sends so many bytes on the way, as one record or, of a stream, in parts.  0 or an error. */
static int send_on(struct outgoing *out, struct route *route, struct cursor *cursor, size_t *left,
		   bool has_moved, bool is_urgent)
{
	size_t size = *left;
	bool is_stream = socket_of(route->mapping)->type == SOCK_STREAM;

	for (;;) {
		int peer = has_receiver(out, route), why = errno;

		mapping_lock(route->mapping);
		int error = check_way(out, route, peer, why);
		if (!error && is_stream && size == 0) {
			mapping_unlock(route->mapping);
			return 0;
		}
		if (!error)
			error = put_part(out, route, cursor, left, is_urgent);
		bool is_done = !error && *left == 0;
		if (error == EAGAIN)
			error = waiting_await(
				&out->waiting,
				&socket_of(route->mapping)->queues[route->end].made_room,
				route->mapping, has_moved || *left < size);
		mapping_unlock(route->mapping);
		/* the carrier goes with the end: who has none may have been killed meanwhile */
		bool is_gone = error == ENOSYS && peer > 0 && has_receiver(out, route) == 0;
		if ((error && !is_gone) || is_done)
			return error;
	}
}

/* How many bytes have been sent; *error tells why no more. */
static size_t send_stream(struct outgoing *out, int *error)
{
	struct cursor cursor = {out->message->msg_iov, 0};
	struct route route = {.is_own = false};
	size_t urgent = out->flags & MSG_OOB ? 1 : 0, left = out->size - urgent;

	*error = 0;
	route_own(&route, out);
	if (left > 0 || out->size == 0)
		*error = send_on(out, &route, &cursor, &left, false, false);
	if (!*error && urgent)
		*error = send_on(out, &route, &cursor, &urgent, out->size > 1, true);
	return out->size - left - urgent;
}

/*
 * Who is told that the peer of his datagrams is gone has none any more, nor what it had sent: as
 * Linux does.
 */
static void lose_peer(struct handle *h)
{
	struct socket *socket = socket_of(&h->mapping);
	struct queue_view view;

	mapping_lock(&h->mapping);
	CHANGE(&h->mapping, socket->peer, 0);
	CHANGE(&h->mapping, socket->state, SOCKET_FRESH);
	if (queue_see(&view, &h->mapping, end_of(h)) && view.used)
		queue_advance(&view, view.head + view.used, view.queue->records, view.queue->bytes,
			      0);
	mapping_unlock(&h->mapping);
}

/* Sends a datagram on its way, or a record.  0 or an error. */
static int send_by(struct route *route, struct outgoing *out)
{
	struct cursor cursor = {out->message->msg_iov, 0};
	size_t left = out->size;
	int error = send_on(out, route, &cursor, &left, false, false);

	if (!route->is_own)
		socket_close(&route->file);
	return error;
}

static int send_message(struct outgoing *out)
{
	const struct socket *socket = socket_of(&out->h->mapping);
	const struct socket_end *from = &socket->ends[end_of(out->h)];
	struct route route = {.is_own = false};
	uint32_t name_size = from->name.size - (uint32_t)offsetof(struct sockaddr_un, sun_path);
	int error = 0;

	if (socket->type == SOCK_DGRAM && name_size <= sizeof(from->name.path))
		out->record.name_size = name_size;
	if (queue_need(out->record.name_size, out->size) > from->send_size ||
	    queue_need(out->record.name_size, out->size) > SOCKET_RING)
		return EMSGSIZE;
	if (socket->type == SOCK_DGRAM)
		error = route_datagram(&route, out);
	else
		route_own(&route, out);
	if (!error)
		error = send_by(&route, out);
	if (error == ECONNREFUSED && !(out->message->msg_name && out->message->msg_namelen))
		lose_peer(out->h);
	return error;
}

/* 0 or an error. */
static int check_flags(const struct outgoing *out)
{
	const struct socket *socket = socket_of(&out->h->mapping);

	if (out->flags & MSG_OOB && socket->type != SOCK_STREAM)
		return EOPNOTSUPP;
	if (out->flags & MSG_OOB && out->size == 0)
		return EINVAL;
	if (!has_connections(socket))
		return 0;
	if (!socket_is_connected(out->fd, out->h))
		return ENOTCONN;
	return out->message->msg_name && out->message->msg_namelen ? EISCONN : 0;
}

ssize_t socket_send(int fd, struct handle *h, const struct msghdr *message, int flags)
{
	const struct socket *socket = socket_of(&h->mapping);
	struct rights rights; /* not cleared, for most messages have none */
	struct outgoing out = {
		.fd = fd, .h = h, .message = message, .flags = flags, .rights = &rights};
	ssize_t size = size_of(message);
	size_t sent = 0;

	rights.count = 0;
	if (size < 0 || FAULT("sock/send/enter", ENOBUFS, ENOMEM))
		return -1;
	out.size = (size_t)size;
	if (may_be_short(socket, size, flags) && SHORT("sock/send/half"))
		out.size /= 2;
	int error = read_control(&out);
	if (!error)
		error = check_flags(&out);
	if (!error) {
		waiting_begin(&out.waiting, fd, h, flags, socket->ends[end_of(h)].send_timeout);
		if (socket->type == SOCK_STREAM)
			sent = send_stream(&out, &error);
		else
			error = send_message(&out);
		vigil_end(&out.waiting.own);
	}
	if (error == EPIPE && socket->type == SOCK_STREAM && !(flags & MSG_NOSIGNAL))
		raise(SIGPIPE);
	if (!error && socket->type != SOCK_STREAM)
		sent = out.size;
	if (!error || sent > 0)
		return (ssize_t)sent;
	errno = error;
	return -1;
}

/* -- receiving -------------------------------------------------------------------------------- */

struct incoming {
	int fd;
	struct handle *h;
	struct msghdr *message;
	int flags;
	size_t size, given;
	size_t length;	 /* of the message, which may be longer than what is given */
	bool is_over;	 /* whatever comes, this call gives no more */
	bool has_record; /* the first one that it gives something of */
	struct record record;
	struct socket_name name;
	uint32_t ticket; /* of the descriptors that come with it; 0: none */
	struct parcel *parcel;
	struct cursor cursor;
	struct waiting waiting;
};

static struct socket_end *own_end(const struct incoming *in)
{
	return &socket_of(&in->h->mapping)->ends[end_of(in->h)];
}

/* Whether bytes of this record are told to be another's than those that came before. */
static bool is_anothers(const struct incoming *in, const struct record *record)
{
	if (!in->has_record || !(own_end(in)->switches & (SWITCH_CREDENTIALS | SWITCH_PROCESS)))
		return false;
	return record->pid != in->record.pid || record->uid != in->record.uid ||
	       record->gid != in->record.gid;
}

/* A walk along a stream: where it is, and what it has left behind. */
struct walk {
	uint32_t position, taken, records, bytes, skipped;
};

static void pass_by(struct walk *walk, const struct record *record)
{
	walk->position = queue_after(walk->position, record);
	walk->taken = 0;
	walk->records++;
}

/* Takes of this record what is wanted. */
static void take_of(struct incoming *in, const struct queue_view *view, struct walk *walk,
		    const struct record *record)
{
	uint32_t left = record->size - walk->taken, from = walk->taken + walk->skipped;
	size_t here = in->size - in->given;

	if (walk->skipped >= left) {
		walk->skipped -= left;
		pass_by(walk, record);
		return;
	}
	left -= walk->skipped;
	if (here > left)
		here = left;
	queue_copy(view, walk->position, record, from, &in->cursor, here);
	if (!in->has_record)
		in->record = *record;
	in->has_record = true;
	/* descriptors come with the first byte that they were sent with, and none behind those */
	if (record->ticket && walk->taken == 0) {
		in->ticket = record->ticket;
		in->is_over = true;
	}
	in->given += here;
	walk->bytes += (uint32_t)here;
	walk->taken = from + (uint32_t)here;
	walk->skipped = 0;
	if (walk->taken == record->size)
		pass_by(walk, record);
}

/* Goes along the stream as far as is wanted.  False with errno EBADMSG. */
static bool walk_along(struct incoming *in, const struct queue_view *view, struct walk *walk)
{
	uint32_t end = view->head + view->used;

	while (walk->position != end && !in->is_over) {
		struct record record;

		if (!queue_at(view, walk->position, &record) || walk->taken > record.size ||
		    record.size == 0) {
			errno = EBADMSG;
			return false;
		}
		if (record.flags & (RECORD_IS_URGENT | RECORD_WAS_TAKEN)) {
			/* the mark: passed by, but not in the middle of a call */
			in->is_over = in->given > 0;
			if (in->is_over)
				break;
			if (record.flags & RECORD_IS_URGENT)
				walk->bytes += record.size;
			pass_by(walk, &record);
			continue;
		}
		in->is_over = in->given == in->size || is_anothers(in, &record);
		if (!in->is_over)
			take_of(in, view, walk, &record);
	}
	return true;
}

/*
 * The descriptors come after the message is taken.  If this process dies meanwhile, they must not
 * stay open on the carrier: so it is not known to be empty.
 */
static void leave_descriptors(const struct incoming *in, const struct queue_view *view)
{
	if (in->ticket)
		CHANGE(view->mapping, view->queue->carried, in->ticket - 1);
}

static bool take_stream(struct incoming *in, const struct queue_view *view)
{
	struct socket_end *own = own_end(in);
	bool is_peek = in->flags & MSG_PEEK;
	int32_t peeks_at = own->peeks_at;
	struct walk walk = {.position = view->head, .taken = view->queue->taken};
	size_t before = in->given;

	if (is_peek && peeks_at > 0)
		walk.skipped = (uint32_t)peeks_at;
	if (!walk_along(in, view, &walk))
		return false;
	uint32_t given = (uint32_t)(in->given - before);
	if (is_peek) {
		if (peeks_at >= 0)
			own->peeks_at = peeks_at + (int32_t)given;
	} else if (walk.records || walk.bytes) {
		STEP("sock/take/copied");
		if (peeks_at >= 0)
			own->peeks_at = given < (uint32_t)peeks_at ? peeks_at - (int32_t)given : 0;
		leave_descriptors(in, view);
		queue_advance(view, walk.position, walk.records, walk.bytes, walk.taken);
	}
	return true;
}

static bool take_message(struct incoming *in, const struct queue_view *view)
{
	if (view->used == 0)
		return true;
	if (!queue_at(view, view->head, &in->record))
		return false;
	in->has_record = in->is_over = true;
	in->length = in->record.size;
	in->ticket = in->record.ticket;
	in->given = in->size < in->length ? in->size : in->length;
	queue_copy(view, view->head, &in->record, 0, &in->cursor, in->given);
	queue_name(view, view->head, &in->record, &in->name);
	STEP("sock/take/copied");
	if (!(in->flags & MSG_PEEK)) {
		leave_descriptors(in, view);
		queue_advance(view, queue_after(view->head, &in->record), 1, in->record.size, 0);
	}
	return true;
}

/* How many bytes a receive waits for; who peeks is content with what there is. */
static size_t target_of(const struct incoming *in)
{
	size_t least = in->flags & MSG_PEEK ? 1 : own_end(in)->least;

	if ((in->flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL || least > in->size)
		least = in->size;
	return least ? least : 1;
}

/* Takes what there is: 0, or an error; EAGAIN: it isn't enough, and more may come. */
static int receive_locked(struct incoming *in, int peer)
{
	struct socket *socket = socket_of(&in->h->mapping);
	struct socket_end *own = own_end(in);
	struct queue_view view;

	if (!queue_see(&view, &in->h->mapping, end_of(in->h)) ||
	    !(socket->type == SOCK_STREAM ? take_stream(in, &view) : take_message(in, &view)))
		return errno;
	if (in->ticket)
		rights_take(in->parcel, in->h, in->ticket, in->flags,
			    in->message->msg_controllen >= CMSG_LEN(sizeof(int)));
	else
		rights_clear(in->h, view.used == 0);
	if (in->is_over || in->given >= target_of(in))
		return 0;
	if (peer == 0 && has_connections(socket))
		socket_notice_end(in->h);
	if (own->error && in->given == 0)
		return take_error(own);
	return own->error || own->shut & SHUT_RECEIVE ? 0 : EAGAIN;
}

/* 0 or an error; given may be more than nothing then. */
static int receive(struct incoming *in)
{
	struct mapping *mapping = &in->h->mapping;
	struct bell *bell = &socket_of(mapping)->queues[end_of(in->h)].put;
	bool has_looked = false;
	int peer = 1, error;

	for (;;) {
		mapping_lock(mapping);
		error = receive_locked(in, peer);
		bool is_over = error != EAGAIN;
		if (!is_over && has_looked) {
			error = waiting_await(&in->waiting, bell, mapping, in->given > 0);
			is_over = error != 0;
		}
		mapping_unlock(mapping);
		if (is_over)
			return error;
		peer = socket_has_peer(in->fd, in->h);
		if (peer < 0)
			return errno;
		has_looked = true;
	}
}

/* The urgent byte, beside the stream.  0 or an error. */
static int receive_urgent(struct incoming *in)
{
	struct mapping *mapping = &in->h->mapping;
	struct queue_view view;
	int error = EINVAL;

	mapping_lock(mapping);
	if (!queue_see(&view, mapping, end_of(in->h))) {
		error = errno;
	} else if (view.queue->has_urgent) {
		uint32_t position = view.queue->urgent;

		error = queue_at(&view, position, &in->record) && in->record.size == 1 ? 0
										       : EBADMSG;
		if (!error) {
			in->given = in->size ? 1 : 0;
			queue_copy(&view, position, &in->record, 0, &in->cursor, in->given);
		}
		if (!error && !(in->flags & MSG_PEEK)) {
			queue_mark(&view, position, RECORD_WAS_TAKEN);
			CHANGE(mapping, view.queue->has_urgent, 0);
			CHANGE(mapping, view.queue->bytes, view.queue->bytes - 1);
			STEP("sock/take/urgent");
		}
	}
	mapping_unlock(mapping);
	return error;
}

/* -- what is received beside the bytes -------------------------------------------------------- */

/* Where the next control message goes. */
struct control {
	char *place;
	size_t room;
	int flags;
};

static void give_control(struct control *control, int type, const void *data, size_t size)
{
	struct cmsghdr header = {.cmsg_level = SOL_SOCKET, .cmsg_type = type};
	size_t length = CMSG_LEN(size), space = CMSG_SPACE(size);

	if (control->room < CMSG_LEN(0)) {
		control->flags |= MSG_CTRUNC;
		return;
	}
	if (control->room < length) {
		control->flags |= MSG_CTRUNC;
		length = control->room;
	}
	if (control->room < space)
		space = control->room;
	header.cmsg_len = length;
	memcpy(control->place, &header, sizeof(header));
	memcpy(control->place + CMSG_LEN(0), data, length - CMSG_LEN(0));
	control->place += space;
	control->room -= space;
}

static void give_time(struct control *control, uint32_t wishes, uint64_t time)
{
#if defined(SCM_TIMESTAMP) && defined(SO_TIMESTAMPNS)
	const struct timespec exact = {(time_t)(time / NANOSECONDS), (long)(time % NANOSECONDS)};
	const struct timeval coarse = {exact.tv_sec, exact.tv_nsec / 1000};

	if (time && (wishes & SWITCH_EXACT_TIME))
		give_control(control, SO_TIMESTAMPNS, &exact, sizeof(exact));
	else if (time && (wishes & SWITCH_TIME))
		give_control(control, SO_TIMESTAMP, &coarse, sizeof(coarse));
#else
	(void)control, (void)wishes, (void)time;
#endif
}

/* As many as there is room for. */
static void give_descriptors(struct control *control, struct parcel *parcel, int flags)
{
	size_t room = control->room > CMSG_LEN(0)
			      ? (control->room - CMSG_LEN(0)) / sizeof(parcel->fds[0])
			      : 0;
	unsigned count = parcel->count < room ? parcel->count : (unsigned)room;

	if (parcel->is_cut || count < parcel->count)
		control->flags |= MSG_CTRUNC;
	if (count)
		give_control(control, SCM_RIGHTS, parcel->fds, count * sizeof(parcel->fds[0]));
	rights_keep(parcel, count, flags);
}

#if defined(SYS_pidfd_open) && defined(SCM_PIDFD)
static void give_process(struct control *control, const struct record *record)
{
	if (control->room < CMSG_LEN(sizeof(int))) {
		control->flags |= MSG_CTRUNC;
		return;
	}
	int process = (int)syscall(SYS_pidfd_open, (pid_t)record->pid, 0);
	if (process < 0)
		return;
	descriptor_is_new(process);
	give_control(control, SCM_PIDFD, &process, sizeof(process));
}
#endif

static void give_beside(struct incoming *in, struct control *control)
{
	const struct record *record = &in->record;
	uint32_t wishes = own_end(in)->switches;

	give_time(control, wishes, record->time);
#ifdef SCM_CREDENTIALS
	bool is_known = record->flags & RECORD_HAS_SENDER;
	struct ucred sender = {is_known ? (pid_t)record->pid : 0, is_known ? record->uid : NOBODY,
			       is_known ? record->gid : NOBODY};

	if (wishes & SWITCH_CREDENTIALS)
		give_control(control, SCM_CREDENTIALS, &sender, sizeof(sender));
#endif
	if (in->ticket)
		give_descriptors(control, in->parcel, in->flags);
#if defined(SYS_pidfd_open) && defined(SCM_PIDFD)
	if (wishes & SWITCH_PROCESS && record->flags & RECORD_HAS_SENDER)
		give_process(control, record);
#endif
}

static void give_rest(struct incoming *in)
{
	struct msghdr *message = in->message;
	struct control control = {message->msg_control, message->msg_controllen, 0};

	if (in->has_record)
		give_beside(in, &control);
	message->msg_controllen -= control.room;
	message->msg_flags = control.flags;
	if (in->given < in->length)
		message->msg_flags |= MSG_TRUNC;
	if (in->flags & MSG_OOB)
		message->msg_flags |= MSG_OOB;
	if (!message->msg_name)
		return;
	if (in->name.size > offsetof(struct sockaddr_un, sun_path))
		socket_tell(&in->name, message->msg_name, &message->msg_namelen);
	else
		message->msg_namelen = 0;
}

ssize_t socket_receive(int fd, struct handle *h, struct msghdr *message, int flags,
		       struct vigil *vigil)
{
	const struct socket *socket = socket_of(&h->mapping);
	struct parcel parcel; /* not cleared, for most messages have none */
	struct incoming in = {
		.fd = fd, .h = h, .message = message, .flags = flags, .parcel = &parcel};
	ssize_t size = size_of(message);
	int error = 0;

	if (size < 0 || FAULT("sock/receive/enter", ENOBUFS, ENOMEM))
		return -1;
	in.size = (size_t)size;
	if (may_be_short(socket, size, flags) && SHORT("sock/receive/half"))
		in.size /= 2;
	in.cursor = (struct cursor){message->msg_iov, 0};
	parcel.count = parcel.carriers = 0;
	if (has_connections(socket) && !socket_is_connected(fd, h))
		error = ENOTCONN;
	else if (flags & MSG_OOB && socket->type != SOCK_STREAM)
		error = EOPNOTSUPP;
	if (!error) {
		waiting_begin(&in.waiting, fd, h, flags, socket->ends[end_of(h)].receive_timeout);
		if (vigil)
			in.waiting.vigil = vigil;
		error = flags & MSG_OOB ? receive_urgent(&in) : receive(&in);
		vigil_end(&in.waiting.own);
	}
	if (error && in.given == 0) {
		errno = error;
		return -1;
	}
	give_rest(&in);
	return (ssize_t)(flags & MSG_TRUNC && in.length > in.given ? in.length : in.given);
}
