/* SPDX-License-Identifier: MIT */
/*
 * A socket of AF_UNIX: a file with two ends and a queue to each.
 *
 * socket() makes the file, and its descriptor is end A.  A connection is that very file: who
 * accepts it opens it once more, as end B; of a pair both ends are had at once.  So no connection
 * has more than one file and one lock.  A socket of datagrams that isn't of a pair has no end B:
 * who sends to it opens its file, and puts the datagram into the queue to A.
 *
 * Whoever has an end has locked its byte of the file (descriptor_take_end), which goes with the
 * last descriptor, whoever dies; hence a peer's end is seen, not told.  For others to find it,
 * every file but a pair's has a link in the namespace named after its number, which goes with the
 * last end; bind makes another link, at the path or, for an abstract name, in the namespace too.
 *
 * The file is open to all, for a connection's other end may be any user's: whether one may write to
 * the path is asked by the library, as its length tells.
 *
 * A listener's queue has the numbers of those that have connected.  A thread takes one lock at a
 * time: a connection is made by the change of the listener's queue, and accepted by the reverse,
 * and what its own file says of it can be told from that.
 */
#ifndef IPCREF_SOCKET_H
#define IPCREF_SOCKET_H

#include <sys/socket.h>
#include <sys/un.h>

#include "ref/descriptor.h"

/* Linux, for libraries that are older than it; where the number is another one, there's none. */
#if defined(__linux__) && !defined(__hppa__) && !defined(__sparc__)
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif
#endif

enum {
	SOCKET_RING = 1 << 19,	   /* bytes of a queue */
	SOCKET_SIZE = 212992,	   /* of a queue that nobody has set, as told */
	SOCKET_SIZE_LEAST = 4608,  /* that it can be set to */
	SOCKET_SIZE_MOST = 425984, /* the same */
	SOCKET_LOOKS_EVERY_MS = 20,
};

/* Which end a descriptor is, by its position. */
enum { SOCKET_A = 02, SOCKET_B = 04 };

/* The address: its size, and as much of a struct sockaddr_un; the size of no name is 2. */
struct socket_name {
	_Atomic uint32_t size;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

struct socket_person {
	_Atomic uint32_t pid, uid, gid, birth;
};

/* What belongs to an end: of B's, of a socket that has none, only the name and the person. */
struct socket_end {
	struct socket_name name;
	struct socket_person person;
	_Atomic uint32_t shut; /* bits: what can't be done any more */
	_Atomic uint32_t error;
	_Atomic uint32_t peer_is_gone; /* which was told, or is by the error */
	/* options */
	_Atomic uint32_t send_size, receive_size;
	_Atomic uint32_t send_timeout, receive_timeout; /* milliseconds; 0: none */
	_Atomic uint32_t least;				/* SO_RCVLOWAT */
	_Atomic int32_t peeks_at;			/* SO_PEEK_OFF */
	_Atomic int32_t lingers;			/* seconds; -1: not */
	_Atomic uint32_t switches;
};

enum { SHUT_RECEIVE = 1, SHUT_SEND = 2, SHUT_BOTH = SHUT_RECEIVE | SHUT_SEND };

enum socket_switch {
	SWITCH_CREDENTIALS = 1,
	SWITCH_PROCESS = 2,
	SWITCH_TIME = 4,
	SWITCH_EXACT_TIME = 8,
	SWITCH_ASYNC = 0x200, /* O_ASYNC, which its carrier has */
	/* its name may not lead here yet: if nobody has the lock, who was binding it has died */
	SWITCH_BINDING = 0x400,
	/* kept, and of no effect here */
	SWITCH_KEEPALIVE = 0x10,
	SWITCH_BROADCAST = 0x20,
	SWITCH_REUSEADDR = 0x40,
	SWITCH_INLINE = 0x80,
	SWITCH_DONTROUTE = 0x100,
};

/* What is on its way to an end: records, one behind the other in a ring (socket_queue.c). */
struct socket_queue {
	_Atomic uint32_t head, tail; /* positions, which modulo the ring's size are places */
	_Atomic uint32_t records, bytes;
	_Atomic uint32_t taken;		     /* bytes of the first record that have been */
	_Atomic uint32_t has_urgent, urgent; /* the position of the record that is */
	_Atomic uint32_t allocated;	     /* so much of the ring, from its beginning */
	/* of messages with descriptors: the last that was given, and the last in a record */
	_Atomic uint32_t tickets, carried;
	struct bell put, made_room;
};

enum socket_state { SOCKET_FRESH, SOCKET_LISTENS, SOCKET_CONNECTING, SOCKET_CONNECTED };

struct socket {
	struct object object;
	uint64_t number; /* that its file is named after; 0: a pair's, which has no name */
	uint32_t type;
	_Atomic uint32_t state;
	/*
	 * Whom it has connected to, or is about to: a listener, or a socket of datagrams.  Read
	 * under the lock, for not every processor reads so much at once.
	 */
	uint64_t peer;
	_Atomic uint32_t connector; /* the thread that is connecting it */
	_Atomic uint32_t was_accepted;
	_Atomic uint32_t backlog;
	struct socket_end ends[2];
	struct socket_queue queues[2]; /* to each */
	char rings[2][SOCKET_RING];
};

static inline struct socket *socket_of(const struct mapping *mapping)
{
	return (struct socket *)mapping->object;
}

/* Which of the two this descriptor is. */
static inline unsigned end_of(const struct handle *h)
{
	return h->end == SOCKET_B;
}

static inline bool has_connections(const struct socket *socket)
{
	return socket->type != SOCK_DGRAM;
}

/* Whether both ends are this file's: of a connection or a pair. */
static inline bool has_both_ends(const struct socket *socket)
{
	return has_connections(socket) || socket->number == 0;
}

/* To be put back; NULL with errno ENOTSOCK.  *is_ours: it isn't the platform's to answer. */
struct handle *socket_get(int fd, bool *is_ours);

/* -- a file that is found by a name (socket_name.c) ------------------------------------------- */

struct socket_file {
	int fd;
	struct mapping mapping;
};

bool socket_open(struct socket_file *file, const char *path);
/* By the number; ENOENT: there is none. */
bool socket_open_number(struct socket_file *file, uint64_t number);
void socket_close(struct socket_file *file);
/* Whether anybody has the end A. */
bool socket_is_held(const struct socket_file *file);

/* A number for a new file, and the path of it. */
uint64_t socket_new_number(void);
bool socket_path_of(char path[PATH_MAX], uint64_t number);
/* If nobody has it any more, nor will: takes away the names that go with it. */
void socket_bury(uint64_t number);

/*
 * The address, checked: 0 or an error.  What it leads to is opened by socket_find, for this type
 * and with permission: false with errno, as of connect.
 */
int socket_parse(struct sockaddr_un *to, const struct sockaddr *address, socklen_t size);
bool socket_find(struct socket_file *file, const struct sockaddr_un *to, socklen_t size,
		 uint32_t type);
/* Takes the name from the locked socket that somebody died of giving it. */
void socket_settle_name(int fd, struct handle *h);
/* Tells it to who asked; both may be NULL. */
void socket_tell(const struct socket_name *name, struct sockaddr *address, socklen_t *size);
void socket_copy_name(struct socket_name *to, const struct socket_name *from);
/* If it is a socket's file, its status becomes what a socket's is, and the answer is true. */
bool socket_tells(struct stat *status);
/* chmod, if the path leads to a socket; else false. */
bool socket_chmod(const char *path, mode_t mode, int *result);

/* -- who is at the other end (socket_connect.c) ----------------------------------------------- */

/*
 * Whether the peer is there or will be: 1 or 0, or -1 with errno.  The socket is not locked, for
 * the listener may be to be.
 */
int socket_has_peer(int fd, struct handle *h);
/* Whether it is connected, or was; not locked. */
bool socket_is_connected(int fd, struct handle *h);
/* Whether a listener that is there has still to accept it: 1 or 0, or -1 with errno. */
int socket_is_awaited(struct mapping *mapping);
/* The number of whom it has connected to, or is about to; 0: nobody.  Not locked. */
uint64_t socket_peer(struct mapping *mapping);
/* Whether a socket of datagrams hears this one; it isn't locked. */
bool socket_hears(struct mapping *mapping, const struct socket *sender);
/* There is no peer: the end of the connection, told once by an error if something was lost. Locked.
 */
void socket_notice_end(struct handle *h);
/* Who this process is, as told to a peer; by its effective ids. */
void socket_introduce(struct mapping *mapping, struct socket_person *person);
/* A listener is gone, perhaps: those who wait for it are to look. */
void socket_wake_pending(struct mapping *mapping);

/* -- queues (socket_queue.c) ------------------------------------------------------------------ */

struct record {
	uint32_t size;	    /* of what was sent */
	uint32_t flags;	    /* below */
	uint32_t name_size; /* of the name's path, which comes before it */
	uint32_t pid, uid, gid;
	uint64_t time;	 /* nanoseconds since the Epoch; 0: not asked for */
	uint32_t ticket; /* by which its descriptors are known; 0: it has none */
	uint32_t unused;
};
enum { RECORD_HAS_SENDER = 1, RECORD_IS_URGENT = 2, RECORD_WAS_TAKEN = 4 };

/* A queue as it is now that its socket is locked, checked against what is mapped. */
struct queue_view {
	struct mapping *mapping;
	struct socket_queue *queue;
	char *ring;
	uint32_t head, used;
};

/* False with errno EBADMSG: a peer has scribbled over it. */
bool queue_see(struct queue_view *view, struct mapping *mapping, unsigned end);
/* What a record with so many bytes takes up. */
uint32_t queue_need(uint32_t name_size, size_t size);
/* How many bytes there is room for, in a queue of this size. */
uint32_t queue_room(const struct queue_view *view, uint32_t size, uint32_t name_size);
bool queue_is_writable(const struct queue_view *view, uint32_t size);

struct cursor {
	const struct iovec *vector;
	size_t offset;
};

/* Memory for the record, so that it isn't refused for want of that.  0 or an error. */
int queue_reserve(const struct queue_view *view, int fd, const struct record *record);
/* Adds a record, for which there is room.  0 or an error: ENOBUFS. */
int queue_put(const struct queue_view *view, int fd, const struct record *record, const char *name,
	      struct cursor *from);
/* The record at a position; false with errno EBADMSG. */
bool queue_at(const struct queue_view *view, uint32_t position, struct record *record);
uint32_t queue_after(uint32_t position, const struct record *record);
/* Copies bytes of the record at a position, from a place in it on. */
void queue_copy(const struct queue_view *view, uint32_t position, const struct record *record,
		uint32_t from, struct cursor *to, size_t size);
void queue_name(const struct queue_view *view, uint32_t position, const struct record *record,
		struct socket_name *name);
/* The first is now that at the position, of which so many bytes have been taken. */
void queue_advance(const struct queue_view *view, uint32_t position, uint32_t records,
		   uint32_t bytes, uint32_t taken);
void queue_mark(const struct queue_view *view, uint32_t position, uint32_t flags);

/* -- descriptors on their way (socket_rights.c) ----------------------------------------------- */

enum { RIGHTS_MOST = 253 }; /* that may be passed at once */

/* What is to be sent. */
struct rights {
	unsigned count;
	int fds[RIGHTS_MOST];
};

/* What has been received: carriers come behind the descriptors that they belong to. */
struct parcel {
	bool is_cut; /* there was more */
	unsigned count, carriers;
	int fds[RIGHTS_MOST];
	uint8_t owners[RIGHTS_MOST];
};

/*
 * Carriers of a new pair; of a socket that others find by its number; of a connection, by a ticket
 * that goes with it into the listener's queue.  Where the system has no such thing, there is none;
 * if it only lacks room for one now, that is an error.
 */
bool rights_join(const int ends[2]);
int rights_name(struct handle *h);
void rights_unname(struct handle *h);
bool rights_path_of(char path[PATH_MAX], uint64_t number);
/* The listener is locked.  0 or an error. */
int rights_connect(struct handle *h, struct socket *listener, uint32_t *ticket);
int rights_accept(struct handle *listener, uint32_t ticket, int accepted);
void rights_share(struct handle *h, int copy);
void rights_release(struct handle *h);

/* Adds those of a control message.  0 or an error. */
int rights_add(struct rights *rights, const struct cmsghdr *header);
/*
 * Sends them to the end of a socket, which is locked: over our own end's carrier or, if own is
 * NULL, to that socket's.  0 or an error; EAGAIN: there is no room; ENOSYS: there is no carrier.
 */
int rights_send(const struct rights *rights, struct handle *own, struct socket *to, unsigned end,
		uint32_t *ticket);
/*
 * Takes what came with a record that has been taken, or peeked at, from the locked socket; if
 * there is no room for any, it is closed.
 */
void rights_take(struct parcel *parcel, struct handle *h, uint32_t ticket, int flags,
		 bool has_room);
/*
 * Throws away what is on the carrier to no purpose: knocks and, if nothing is in the queue to this
 * end, which is locked, whatever is there.
 */
void rights_clear(struct handle *h, bool is_empty);
/* Lets the kernel raise SIGIO, if whoever has that end wants it; as rights_send. */
void rights_knock(struct handle *own, struct socket *to, unsigned end);
/* fcntl of the carrier; -1 with errno ENOSYS: there is none. */
int rights_fcntl(const struct handle *h, int command, long argument);
/* The first so many are the program's now, the others are closed. */
void rights_keep(struct parcel *parcel, unsigned count, int flags);

/* -- calls ------------------------------------------------------------------------------------ */

/* What waits for a change: 0 or an error, the object locked. */
struct waiting {
	int fd;
	struct handle *h;
	int flags; /* MSG_DONTWAIT */
	uint32_t timeout;
	struct timespec deadline;
	bool has_slept;
	struct vigil *vigil; /* the call's own or, of several messages, the whole call's */
	struct vigil own;
};
void waiting_begin(struct waiting *waiting, int fd, struct handle *h, int flags, uint32_t timeout);
int waiting_await(struct waiting *waiting, struct bell *bell, struct mapping *mapping,
		  bool has_moved);

ssize_t socket_send(int fd, struct handle *h, const struct msghdr *message, int flags);
/* Part of a longer call that keeps the vigil, unless that is NULL. */
ssize_t socket_receive(int fd, struct handle *h, struct msghdr *message, int flags,
		       struct vigil *vigil);

extern const struct object_class socket_class;

#endif
