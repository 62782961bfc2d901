/* SPDX-License-Identifier: MIT */
/*
 * The POSIX message queue, in a file that is as large as all the messages it may hold: opening,
 * sending, receiving, attributes.
 */
#include "ref/mq.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ref/futex.h"
#include "ref/ipcref.h"
#include "ref/namespace.h"

/* What a queue has if nobody says. */
enum { DEFAULT_MESSAGES = 10, DEFAULT_SIZE = 8192 };
enum { PRIORITIES = 32768, LOOKS_EVERY_MS = 16 };

/* -- opening ---------------------------------------------------------------------------------- */

static int create(const char *path, int flags, mode_t mode, const struct mq_attr *wish)
{
	struct mq_attr attributes = {.mq_maxmsg = DEFAULT_MESSAGES, .mq_msgsize = DEFAULT_SIZE};

	if (wish)
		attributes = *wish;
	if (attributes.mq_maxmsg <= 0 || attributes.mq_maxmsg > MQ_MOST_MESSAGES ||
	    attributes.mq_msgsize <= 0 || attributes.mq_msgsize > MQ_LARGEST_SIZE) {
		errno = EINVAL;
		return -1;
	}
	size_t size = mq_size((uint32_t)attributes.mq_maxmsg, (uint32_t)attributes.mq_msgsize);
	if (!size) {
		errno = ENOMEM;
		return -1;
	}
	int fd = object_create(path, false, OBJECT_MQ, size, mode & 0777, mq_make, &attributes);

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
	struct mapping mapping;
	struct stat status;

	if (FAULT("mq/open/file", EMFILE, ENFILE))
		return -1;
	int fd = open(path, O_RDWR | O_CLOEXEC | (flags & O_NONBLOCK));
	if (fd < 0)
		return -1;
	if (object_map(&mapping, fd, OBJECT_MQ, sizeof(struct mq_queue))) {
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

/* A slash alone is a directory to Linux, and nothing that could be there. */
static bool queue_path(char path[PATH_MAX], const char *name)
{
	if (strcmp(name, "/") != 0)
		return namespace_posix_path(path, "mq", name);
	errno = ENOENT;
	return false;
}

mqd_t ipcref_mq_open(const char *name, int flags, ...)
{
	const struct mq_attr *attributes = NULL;
	char path[PATH_MAX];
	mode_t mode = 0;
	bool is_new = false;
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
	if (!queue_path(path, name))
		return (mqd_t)-1;

	/* who comes second to create, opens; who finds it gone then, creates */
	do {
		fd = flags & O_EXCL && flags & O_CREAT ? -1 : open_existing(path, flags);
		if (fd >= 0 || !(flags & O_CREAT) || (errno != ENOENT && !(flags & O_EXCL)))
			break;
		fd = create(path, flags, mode, attributes);
		is_new = fd >= 0;
	} while (fd < 0 && errno == EEXIST && !(flags & O_EXCL));
	mqd_t queue = descriptor_adopt(fd, OBJECT_MQ, rights_of(flags));
	int error = errno;

	if (queue < 0 && is_new)
		unlink(path); /* what could not be opened isn't there */
	errno = error;
	return queue;
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

	if (!queue_path(path, name) || FAULT("mq/unlink/name", EACCES) || unlink(path) < 0)
		return -1;
	STEP("mq/unlink/gone");
	return 0;
}

/* -- sending and receiving -------------------------------------------------------------------- */

/* A call that may have to wait. */
struct call {
	int fd;
	struct handle *handle;
	struct mq_view view;
	const struct timespec *deadline;
	/* what it sends; a call that receives has none */
	const char *bytes;
	size_t size;
	unsigned priority;
	struct mq_waiter *waiter; /* NULL: it hasn't waited, or isn't counted */
	struct vigil vigil;
};

/* False with errno: it is no queue. */
static bool begin(struct call *call, int fd, struct handle *h, const struct timespec *deadline)
{
	call->fd = fd;
	call->handle = h;
	call->deadline = deadline;
	call->bytes = NULL;
	call->waiter = NULL;
	call->vigil.is_kept = false;
	call->vigil.looks = 0;
	return mq_see(&call->view, &h->mapping);
}

/* Whether the size is right; false with errno. */
static bool is_fit(bool is_right)
{
	if (!is_right)
		errno = EMSGSIZE;
	return is_right;
}

/* Does what is due since somebody died, or was killed before he had done it. */
static void catch_up(const struct mq_view *view)
{
	mq_drop_of_the_dead(view);
	mq_admit(view);
}

static void enter(const struct mq_view *view)
{
	mapping_lock(view->mapping);
	catch_up(view);
}

static void leave(struct call *call)
{
	mapping_unlock(call->view.mapping);
	if (call->vigil.is_kept)
		vigil_end(&call->vigil);
}

static int give_up(struct call *call, int error)
{
	leave(call);
	errno = error;
	return -1;
}

/*
 * Sleeps until the bell is rung.  All who wait are woken for one message, lest it is left lying
 * when one of them dies; and who waits behind others looks now and then whether they live.  The
 * first of them is never woken in vain.
 */
static int sleep_in(struct call *call, struct mq_line *line)
{
	struct sleep sleep = {.deadline = call->deadline, .clock = CLOCK_REALTIME};

	if (!call->vigil.is_kept && !call->deadline && kernel_minds_the_dead() &&
	    !mq_is_behind_others(line, call->waiter))
		return bell_sleep(&line->bell, call->view.mapping, &sleep);
	/* a signal that comes just when one looks is not to be missed, hence the vigil */
	sleep.looks_every = LOOKS_EVERY_MS;
	return bell_sleep_in_vigil(&line->bell, call->view.mapping, &sleep, &call->vigil);
}

/* Waits a while for something to send or to receive; 0 or an error, the object locked. */
static int await(struct call *call, struct mq_line *line)
{
	if (!call->waiter) {
		if (call->handle->waits &&
		    (bell_look_out(&line->bell, call->view.mapping, &call->vigil) ||
		     bell_give_way(&line->bell, call->view.mapping, &call->vigil)))
			return 0;
		if (descriptor_mustnt_wait(call->fd, call->handle))
			return EAGAIN;
		/* only who must wait has his deadline looked at */
		if (call->deadline && !duration_is_valid(call->deadline))
			return EINVAL;
		call->waiter = mq_begin_to_wait(&call->view, line);
		if (call->waiter && call->bytes &&
		    !mq_offer(&call->view, call->waiter, call->bytes, call->size, call->priority)) {
			mq_end_to_wait(&call->view, line, call->waiter);
			call->waiter = NULL;
		}
	}
	int result = sleep_in(call, line);

	catch_up(&call->view);
	return result;
}

/* Whether an error says that there was no message, or no room, as long as the call waited. */
static bool is_refusal(int error)
{
	return error == EAGAIN || error == ETIMEDOUT || error == EINTR;
}

/* Room for who hasn't waited, or isn't counted. */
static bool has_room(const struct mq_view *view)
{
	return view->queue->free && mq_room_left(view) > 0;
}

static bool is_sent(const struct call *call)
{
	return call->waiter && call->waiter->message;
}

static bool may_send(const struct call *call)
{
	return is_sent(call) || has_room(&call->view);
}

static int send_message(struct call *call)
{
	struct mq_view *view = &call->view;
	struct mq_line *line = &view->queue->senders;
	int error = 0;

	enter(view);
	while (!error && !may_send(call))
		error = await(call, line);
	if (is_refusal(error)) {
		mq_settle(view);
		if (may_send(call))
			error = 0;
	}
	bool is_done = is_sent(call);

	if (call->waiter)
		mq_end_to_wait(view, line, call->waiter);
	if (error)
		return give_up(call, error);
	if (is_done) {
		leave(call);
		return 0;
	}
	if (view->queue->registered)
		mq_settle(view);
	bool is_first = view->queue->count == mq_given(view);

	if (!mq_put(view, call->bytes, call->size, call->priority))
		return give_up(call, EBADMSG);
	if (is_first && view->queue->registered)
		mq_notify_registered(view, call->fd);
	leave(call);
	return 0;
}

int ipcref_mq_timedsend(mqd_t queue, const char *bytes, size_t size, unsigned priority,
			const struct timespec *deadline)
{
	struct handle *h = descriptor_get(queue, OBJECT_MQ);
	struct call call;
	int result = -1;

	if (!h)
		return -1;
	if (!(h->end & 02))
		errno = EBADF;
	else if (priority >= PRIORITIES)
		errno = EINVAL;
	else if (begin(&call, queue, h, deadline) && is_fit(size <= call.view.message_size)) {
		call.bytes = bytes ? bytes : "";
		call.size = size;
		call.priority = priority;
		result = send_message(&call);
	}
	handle_put(h);
	return result;
}

int ipcref_mq_send(mqd_t queue, const char *bytes, size_t size, unsigned priority)
{
	return ipcref_mq_timedsend(queue, bytes, size, priority, NULL);
}

static ssize_t receive_message(struct call *call, char *bytes, size_t size, unsigned *priority)
{
	struct mq_view *view = &call->view;
	struct mq_line *line = &view->queue->receivers;
	int error = 0;

	enter(view);
	while (!error && !mq_messages_for(view, call->waiter))
		error = await(call, line);
	/* what is his by now he has received before his time was up */
	if (is_refusal(error)) {
		mq_settle(view);
		if (mq_messages_for(view, call->waiter))
			error = 0;
	}
	uint64_t own = call->waiter ? call->waiter->message : 0;

	if (call->waiter)
		mq_end_to_wait(view, line, call->waiter);
	if (error)
		return give_up(call, error);
	ssize_t result = mq_take(view, own, bytes, size, priority);

	if (result < 0)
		return give_up(call, EBADMSG);
	mq_admit(view);
	leave(call);
	return result;
}

ssize_t ipcref_mq_timedreceive(mqd_t queue, char *bytes, size_t size, unsigned *priority,
			       const struct timespec *deadline)
{
	struct handle *h = descriptor_get(queue, OBJECT_MQ);
	struct call call;
	ssize_t result = -1;

	if (!h)
		return -1;
	if (!(h->end & 04))
		errno = EBADF;
	else if (begin(&call, queue, h, deadline) && is_fit(size >= call.view.message_size))
		result = receive_message(&call, bytes, size, priority);
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
	struct mq_view view;

	if (!h)
		return -1;
	bool is_seen = mq_see(&view, &h->mapping);
	if (is_seen) {
		memset(attributes, 0, sizeof(*attributes));
		attributes->mq_flags = descriptor_is_nonblocking(queue) ? O_NONBLOCK : 0;
		attributes->mq_maxmsg = (long)view.most;
		attributes->mq_msgsize = (long)view.message_size;
		enter(&view);
		mq_settle(&view);
		attributes->mq_curmsgs = (long)mq_messages_for(&view, NULL);
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
	int result = fcntl(queue, F_SETFL, attributes->mq_flags & O_NONBLOCK);

	STEP("mq/setattr/set");
	return result;
}

/* -- as a descriptor -------------------------------------------------------------------------- */

/* Of the queue, whatever this descriptor may do with it, as Linux tells it. */
static short ready(int fd, struct handle *h)
{
	struct mq_view view;
	short events = 0;

	(void)fd;
	if (!mq_see(&view, &h->mapping))
		return POLLERR;
	enter(&view);
	mq_settle(&view);
	if (mq_messages_for(&view, NULL) > 0)
		events |= POLLIN | POLLRDNORM;
	if (has_room(&view))
		events |= POLLOUT | POLLWRNORM;
	mapping_unlock(view.mapping);
	return events;
}

/* Whichever of its descriptors of the queue a process closes, it is no longer registered. */
static void closing(int fd, struct handle *h)
{
	struct mq_view view;

	if (((struct mq_queue *)h->mapping.object)->registered && mq_see(&view, &h->mapping))
		mq_end_own_registration(&view, fd);
}

/* The mode is the queue's, not the file's. */
static int mq_fstat(int fd, struct handle *h, struct stat *status)
{
	if (fstat(fd, status) < 0)
		return -1;
	status->st_mode = (status->st_mode & ~(mode_t)0777) | (h->mapping.object->mode & 0777);
	return 0;
}

/*
 * A line on its state, as of Linux (mq_overview(7)), each time from the beginning.  Which signal is
 * to be sent, only the process knows that asked for it.
 */
static ssize_t mq_readv(int fd, struct handle *h, const struct iovec *vector, int count)
{
	char line[96], *left = line;
	struct mq_registration who = {0};
	struct mq_view view;

	(void)fd;
	if (!(h->end & 04)) {
		errno = EBADF;
		return -1;
	}
	if (!mq_see(&view, &h->mapping))
		return -1;
	enter(&view);
	unsigned long bytes = mq_bytes(&view);
	uint32_t registered = view.queue->registered;
	if (registered > 0 && registered <= MQ_REGISTRATIONS)
		who = view.queue->registrations[registered - 1];
	mapping_unlock(view.mapping);

	int size = snprintf(line, sizeof(line),
			    "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", bytes,
			    (int)who.how, 0, (int)who.pid);
	for (int i = 0; i < count && left < line + size; i++) {
		size_t room = (size_t)(line + size - left);
		size_t part = vector[i].iov_len < room ? vector[i].iov_len : room;

		memcpy(vector[i].iov_base, left, part);
		left += part;
	}
	return left - line;
}

const struct object_class mq_class = {
	.kind = OBJECT_MQ,
	.least = sizeof(struct mq_queue),
	.repair = mq_repair,
	.readv = mq_readv,
	.ready = ready,
	.closing = closing,
	.fstat = mq_fstat,
};
