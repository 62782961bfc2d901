/* SPDX-License-Identifier: MIT */
/*
 * The POSIX message queue: a linked list of messages, the highest priority first and the oldest
 * first among equals, in a file that is as large as all the messages it may hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/ipcref.h"
#include "ref/namespace.h"
#include "ref/step.h"

/* What a queue has if nobody says, and what it may have at most. */
enum { DEFAULT_MESSAGES = 10, DEFAULT_SIZE = 8192, MOST_MESSAGES = 65536, LARGEST_SIZE = 1 << 24 };
enum { PRIORITIES = 32768 };
static const size_t largest_queue = (size_t)1 << 30;

/* Messages are known by number; 0 is none. */
struct message {
	uint32_t next, size, priority, unused;
	char bytes[];
};

struct queue {
	struct object object;
	uint32_t most, message_size; /* mq_maxmsg, mq_msgsize */
	uint32_t count;		     /* mq_curmsgs */
	uint32_t first, last;	     /* in the order of receiving */
	uint32_t free;
	struct bell sent, received;
	_Alignas(16) char messages[];
};

static size_t room_of(size_t message_size)
{
	return (sizeof(struct message) + message_size + 15) / 16 * 16;
}

/* -- what a process goes by ------------------------------------------------------------------- */

/*
 * A queue as this process has it.  The sizes are read once from the object and checked against what
 * is mapped; each number of a message is checked where it is used.
 */
struct view {
	struct mapping *mapping;
	struct queue *queue;
	uint32_t most, message_size;
};

static bool see(struct view *view, struct handle *h)
{
	struct queue *queue = (struct queue *)h->mapping.object;

	view->mapping = &h->mapping;
	view->queue = queue;
	view->most = queue->most;
	view->message_size = queue->message_size;
	if (view->most > 0 && view->most <= MOST_MESSAGES && view->message_size <= LARGEST_SIZE &&
	    view->most * room_of(view->message_size) <= h->mapping.size - sizeof(*queue))
		return true;
	errno = EBADMSG;
	return false;
}

/* The message of this number; NULL: there is none, for none or for a peer's scribbling. */
static struct message *message_of(const struct view *view, uint32_t number)
{
	if (number == 0 || number > view->most)
		return NULL;
	return (struct message *)(view->queue->messages +
				  (number - 1) * room_of(view->message_size));
}

/* -- opening ---------------------------------------------------------------------------------- */

static void make_queue(struct object *object, const void *wish)
{
	const struct mq_attr *attributes = wish;
	struct queue *queue = (struct queue *)object;
	struct mapping mapping = {.object = object};
	struct view view = {&mapping, queue, (uint32_t)attributes->mq_maxmsg,
			    (uint32_t)attributes->mq_msgsize};

	queue->most = view.most;
	queue->message_size = view.message_size;
	for (uint32_t number = 1; number < view.most; number++)
		message_of(&view, number)->next = number + 1;
	queue->free = 1;
}

static int create(const char *path, int flags, mode_t mode, const struct mq_attr *wish)
{
	struct mq_attr attributes = {.mq_maxmsg = DEFAULT_MESSAGES, .mq_msgsize = DEFAULT_SIZE};

	if (wish)
		attributes = *wish;
	if (attributes.mq_maxmsg <= 0 || attributes.mq_maxmsg > MOST_MESSAGES ||
	    attributes.mq_msgsize <= 0 || attributes.mq_msgsize > LARGEST_SIZE) {
		errno = EINVAL;
		return -1;
	}
	size_t room = room_of((size_t)attributes.mq_msgsize);
	if (room > largest_queue / (size_t)attributes.mq_maxmsg) {
		errno = ENOMEM;
		return -1;
	}
	size_t size = sizeof(struct queue) + room * (size_t)attributes.mq_maxmsg;
	int fd = object_create(path, false, OBJECT_MQ, size, mode & 0777, make_queue, &attributes);

	if (fd >= 0 && (flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* 04 and 02 as of a mode. */
static unsigned rights_of(int flags)
{
	int access = flags & O_ACCMODE;

	return access == O_RDWR ? 06 : access == O_WRONLY ? 02 : 04;
}

static int open_existing(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | (flags & O_NONBLOCK));
	struct mapping mapping;
	struct stat status;

	if (fd < 0)
		return -1;
	if (object_map(&mapping, fd, OBJECT_MQ, sizeof(struct queue))) {
		mode_t mode = mapping.object->mode;

		object_unmap(&mapping);
		if (fstat(fd, &status) == 0 &&
		    object_permits(mode, status.st_uid, status.st_gid, rights_of(flags)))
			return fd;
		errno = EACCES;
	}
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

mqd_t ipcref_mq_open(const char *name, int flags, ...)
{
	const struct mq_attr *attributes = NULL;
	char path[PATH_MAX];
	mode_t mode = 0;
	int fd;

	if (flags & O_CREAT) {
		va_list rest;

		va_start(rest, flags);
		mode = (mode_t)va_arg(rest, unsigned);
		attributes = va_arg(rest, const struct mq_attr *);
		va_end(rest);
	}
	if ((flags & O_ACCMODE) == O_ACCMODE) {
		errno = EINVAL;
		return (mqd_t)-1;
	}
	if (!namespace_posix_path(path, "mq", name))
		return (mqd_t)-1;

	/* who comes second to create, opens; who finds it gone then, creates */
	do {
		fd = flags & O_EXCL && flags & O_CREAT ? -1 : open_existing(path, flags);
		if (fd >= 0 || !(flags & O_CREAT) || (errno != ENOENT && !(flags & O_EXCL)))
			break;
		fd = create(path, flags, mode, attributes);
	} while (fd < 0 && errno == EEXIST && !(flags & O_EXCL));
	return descriptor_adopt(fd, OBJECT_MQ, rights_of(flags));
}

int ipcref_mq_close(mqd_t queue)
{
	struct handle *h = descriptor_get(queue, OBJECT_MQ);

	if (!h)
		return -1;
	handle_put(h);
	return ipcref_close(queue);
}

int ipcref_mq_unlink(const char *name)
{
	char path[PATH_MAX];

	return namespace_posix_path(path, "mq", name) ? unlink(path) : -1;
}

/* -- sending ---------------------------------------------------------------------------------- */

/* The message after which one of this priority belongs: 0 for the first; none if the list is
 * broken. */
static bool find_place(const struct view *view, uint32_t priority, uint32_t *before)
{
	const struct message *last = message_of(view, view->queue->last);

	if (last && last->priority >= priority) {
		*before = view->queue->last;
		return true;
	}
	*before = 0;
	for (uint32_t steps = 0, next = view->queue->first; next; steps++) {
		const struct message *message = message_of(view, next);

		if (!message || steps > view->most)
			return false;
		if (message->priority < priority)
			return true;
		*before = next;
		next = message->next;
	}
	return true;
}

/* Puts it into the list; the object is locked, and not full. */
static bool put(const struct view *view, const char *bytes, size_t size, uint32_t priority)
{
	struct queue *queue = view->queue;
	uint32_t number = queue->free, before;
	struct message *message = message_of(view, number);

	if (!message || !find_place(view, priority, &before))
		return false;
	/* nobody else looks at a free message */
	memcpy(message->bytes, bytes, size);
	message->size = (uint32_t)size;
	message->priority = priority;
	STEP("mq/send/copied");

	struct message *previous = message_of(view, before);
	uint32_t next = previous ? previous->next : queue->first;

	CHANGE(view->mapping, queue->free, message->next);
	CHANGE(view->mapping, message->next, next);
	if (previous)
		CHANGE(view->mapping, previous->next, number);
	else
		CHANGE(view->mapping, queue->first, number);
	if (!next)
		CHANGE(view->mapping, queue->last, number);
	CHANGE(view->mapping, queue->count, queue->count + 1);
	bell_ring(&queue->sent, view->mapping);
	return true;
}

static int give_up(struct view *view, int error)
{
	mapping_unlock(view->mapping);
	errno = error;
	return -1;
}

/* A deadline is looked at only by who must wait. */
static bool is_valid(const struct timespec *deadline)
{
	return !deadline || (deadline->tv_nsec >= 0 && deadline->tv_nsec < 1000000000);
}

/* Waits until there is something to send or to receive; 0 or an error, the object locked. */
static int await(const struct view *view, int fd, struct bell *bell,
		 const struct timespec *deadline)
{
	const struct sleep sleep = {.deadline = deadline, .clock = CLOCK_REALTIME};

	if (descriptor_is_nonblocking(fd))
		return EAGAIN;
	if (!is_valid(deadline))
		return EINVAL;
	return bell_sleep(bell, view->mapping, &sleep);
}

static int send_message(int fd, struct handle *h, const char *bytes, size_t size, unsigned priority,
			const struct timespec *deadline)
{
	struct view view;

	if (!(h->end & 02)) {
		errno = EBADF;
		return -1;
	}
	if (priority >= PRIORITIES) {
		errno = EINVAL;
		return -1;
	}
	if (!see(&view, h))
		return -1;
	if (size > view.message_size) {
		errno = EMSGSIZE;
		return -1;
	}
	mapping_lock(view.mapping);
	while (view.queue->count >= view.most) {
		int error = await(&view, fd, &view.queue->received, deadline);

		if (error)
			return give_up(&view, error);
	}
	if (!put(&view, bytes, size, priority))
		return give_up(&view, EBADMSG);
	mapping_unlock(view.mapping);
	return 0;
}

int ipcref_mq_timedsend(mqd_t queue, const char *bytes, size_t size, unsigned priority,
			const struct timespec *deadline)
{
	struct handle *h = descriptor_get(queue, OBJECT_MQ);
	int result;

	if (!h)
		return -1;
	result = send_message(queue, h, bytes, size, priority, deadline);
	handle_put(h);
	return result;
}

int ipcref_mq_send(mqd_t queue, const char *bytes, size_t size, unsigned priority)
{
	return ipcref_mq_timedsend(queue, bytes, size, priority, NULL);
}

/* -- receiving -------------------------------------------------------------------------------- */

/* Takes the first message; the object is locked, and not empty. -1: the list is broken. */
static ssize_t take(const struct view *view, char *bytes, size_t size, unsigned *priority)
{
	struct queue *queue = view->queue;
	uint32_t number = queue->first;
	struct message *message = message_of(view, number);
	size_t length = message ? *(volatile uint32_t *)&message->size : 0;

	if (!message || length > size)
		return -1;
	memcpy(bytes, message->bytes, length);
	if (priority)
		*priority = message->priority;
	STEP("mq/receive/copied");

	CHANGE(view->mapping, queue->first, message->next);
	if (queue->last == number)
		CHANGE(view->mapping, queue->last, 0);
	CHANGE(view->mapping, message->next, queue->free);
	CHANGE(view->mapping, queue->free, number);
	CHANGE(view->mapping, queue->count, queue->count - 1);
	bell_ring(&queue->received, view->mapping);
	return (ssize_t)length;
}

static ssize_t receive_message(int fd, struct handle *h, char *bytes, size_t size,
			       unsigned *priority, const struct timespec *deadline)
{
	struct view view;

	if (!(h->end & 04)) {
		errno = EBADF;
		return -1;
	}
	if (!see(&view, h))
		return -1;
	if (size < view.message_size) {
		errno = EMSGSIZE;
		return -1;
	}
	mapping_lock(view.mapping);
	while (view.queue->count == 0) {
		int error = await(&view, fd, &view.queue->sent, deadline);

		if (error)
			return give_up(&view, error);
	}
	ssize_t result = take(&view, bytes, size, priority);
	if (result < 0)
		return give_up(&view, EBADMSG);
	mapping_unlock(view.mapping);
	return result;
}

ssize_t ipcref_mq_timedreceive(mqd_t queue, char *bytes, size_t size, unsigned *priority,
			       const struct timespec *deadline)
{
	struct handle *h = descriptor_get(queue, OBJECT_MQ);
	ssize_t result;

	if (!h)
		return -1;
	result = receive_message(queue, h, bytes, size, priority, deadline);
	handle_put(h);
	return result;
}

ssize_t ipcref_mq_receive(mqd_t queue, char *bytes, size_t size, unsigned *priority)
{
	return ipcref_mq_timedreceive(queue, bytes, size, priority, NULL);
}

/* -- attributes ------------------------------------------------------------------------------- */

int ipcref_mq_getattr(mqd_t queue, struct mq_attr *attributes)
{
	struct handle *h = descriptor_get(queue, OBJECT_MQ);
	struct view view;

	if (!h)
		return -1;
	bool is_seen = see(&view, h);
	if (is_seen) {
		memset(attributes, 0, sizeof(*attributes));
		attributes->mq_flags = descriptor_is_nonblocking(queue) ? O_NONBLOCK : 0;
		attributes->mq_maxmsg = (long)view.most;
		attributes->mq_msgsize = (long)view.message_size;
		mapping_lock(view.mapping);
		attributes->mq_curmsgs = (long)view.queue->count;
		mapping_unlock(view.mapping);
	}
	handle_put(h);
	return is_seen ? 0 : -1;
}

int ipcref_mq_setattr(mqd_t queue, const struct mq_attr *attributes, struct mq_attr *old)
{
	struct mq_attr before;

	if (attributes->mq_flags & ~(long)O_NONBLOCK) {
		errno = EINVAL;
		return -1;
	}
	if (ipcref_mq_getattr(queue, &before) < 0)
		return -1;
	if (old)
		*old = before;
	return fcntl(queue, F_SETFL, attributes->mq_flags & O_NONBLOCK) < 0 ? -1 : 0;
}

/* -- as a descriptor -------------------------------------------------------------------------- */

static short ready(int fd, struct handle *h)
{
	struct view view;
	short events = 0;

	(void)fd;
	if (!see(&view, h))
		return POLLERR;
	mapping_lock(view.mapping);
	if (view.queue->count > 0 && (h->end & 04))
		events |= POLLIN | POLLRDNORM;
	if (view.queue->count < view.most && (h->end & 02))
		events |= POLLOUT | POLLWRNORM;
	mapping_unlock(view.mapping);
	return events;
}

const struct object_class mq_class = {
	.kind = OBJECT_MQ,
	.least = sizeof(struct queue),
	.ready = ready,
};
