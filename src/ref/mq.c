/* SPDX-License-Identifier: MIT */
/*
 * The POSIX message queue: a linked list of messages, the highest priority first and the oldest
 * first among equals, in a file that is as large as all the messages it may hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/ipcref.h"
#include "ref/namespace.h"
#include "ref/step.h"

/* What a queue has if nobody says, and what it may have at most. */
enum { DEFAULT_MESSAGES = 10, DEFAULT_SIZE = 8192, MOST_MESSAGES = 65536, LARGEST_SIZE = 1 << 24 };
enum { PRIORITIES = 32768, LOOKS_EVERY_MS = 16 };
static const size_t largest_queue = (size_t)1 << 30;

/* Messages are known by number; 0 is none. */
struct message {
	uint32_t next, size, priority, unused;
	char bytes[];
};

/* A thread that waits; 0: none. */
struct waiter {
	uint32_t thread, unused;
	uint64_t birth, ticket; /* the lower, the longer has it waited */
};
enum { WAITERS = 32 };

/* Those who wait for the same: a message, or room for one. */
struct line {
	_Alignas(CACHE_LINE) struct bell bell; /* has a line, as a pipe's (pipe.h) */
	_Alignas(CACHE_LINE) uint32_t
		count; /* of those below: at most, for the dead aren't counted out at once */
	struct waiter waiters[WAITERS];
	uint64_t last_ticket;
};

/*
 * A process that is to be notified.  Once it is notified, or is to be no longer, its helper has
 * still to see it, and the place is taken until then.
 */
struct registration {
	uint32_t state, pid;
	uint32_t number;      /* no two of a queue have the same */
	uint32_t how;	      /* SIGEV_...; what its helper does, only its process knows */
	uint32_t sender, uid; /* who has notified it */
};
enum registration_state { REGISTRATION_NONE, REGISTERED, NOTIFIED, REMOVED };
enum { REGISTRATIONS = 16 };

struct queue {
	struct object object;
	uint32_t most, message_size; /* mq_maxmsg, mq_msgsize */
	uint32_t count;		     /* mq_curmsgs */
	uint32_t first, last;	     /* in the order of receiving */
	uint32_t free;
	struct line receivers, senders;
	uint32_t registered; /* which registration, from 1; 0: nobody is */
	uint32_t last_number;
	struct registration registrations[REGISTRATIONS];
	struct bell ended; /* a registration: for the helpers */
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
	struct handle *handle;
	struct mapping *mapping;
	struct queue *queue;
	uint32_t most, message_size;
	struct vigil vigil;
};

static bool see(struct view *view, struct handle *h)
{
	struct queue *queue = (struct queue *)h->mapping.object;

	view->handle = h;
	view->mapping = &h->mapping;
	view->queue = queue;
	view->most = queue->most;
	view->message_size = queue->message_size;
	view->vigil.is_kept = false;
	if (object_is_there(view->mapping) && view->most > 0 && view->most <= MOST_MESSAGES &&
	    view->message_size <= LARGEST_SIZE &&
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
	struct view view = {.mapping = &mapping,
			    .queue = queue,
			    .most = (uint32_t)attributes->mq_maxmsg,
			    .message_size = (uint32_t)attributes->mq_msgsize};

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

	return queue_path(path, name) ? unlink(path) : -1;
}

/* -- who waits -------------------------------------------------------------------------------- */

/* Who waits is told by his thread, so that one who was killed meanwhile waits no longer. */
static bool is_there(const struct waiter *waiter)
{
	const struct waiter seen = *waiter;

	return seen.thread && thread_lives(seen.thread, seen.birth);
}

static const uint64_t no_ticket = UINT64_MAX;

/* How many wait longer than one with this ticket. */
static uint32_t waiting_before(const struct line *line, uint64_t ticket)
{
	uint32_t count = 0;

	for (int i = 0; i < WAITERS; i++)
		if (line->waiters[i].ticket < ticket && is_there(&line->waiters[i]))
			count++;
	return count;
}

/* What is left, of so much, for this one, who waits, or for who hasn't waited (NULL). */
static uint32_t left_for(const struct line *line, const struct waiter *waiter, uint32_t count)
{
	uint32_t taken = 0;

	if (count && line->count)
		taken = waiting_before(line, waiter ? waiter->ticket : no_ticket);
	return count > taken ? count - taken : 0;
}

static uint32_t messages_for(const struct view *view, const struct waiter *waiter)
{
	return left_for(&view->queue->receivers, waiter, view->queue->count);
}

static uint32_t room_for(const struct view *view, const struct waiter *waiter)
{
	uint32_t count = view->queue->count;

	return left_for(&view->queue->senders, waiter, count < view->most ? view->most - count : 0);
}

static uint64_t own_birth(void)
{
	static _Thread_local struct waiter self;

	if (self.thread != thread_id()) {
		self.thread = thread_id();
		self.birth = thread_birth(self.thread);
	}
	return self.birth;
}

/* NULL: so many wait that this one isn't missed, and is served last. */
static struct waiter *begin_to_wait(const struct view *view, struct line *line)
{
	for (int i = 0; i < 2 * WAITERS; i++) {
		struct waiter *waiter = &line->waiters[i % WAITERS];

		/* in the second round also those of the dead */
		if (waiter->thread && (i < WAITERS || is_there(waiter)))
			continue;
		if (!waiter->thread)
			CHANGE(view->mapping, line->count, line->count + 1);
		CHANGE(view->mapping, line->last_ticket, line->last_ticket + 1);
		CHANGE(view->mapping, waiter->ticket, line->last_ticket);
		CHANGE(view->mapping, waiter->birth, own_birth());
		CHANGE(view->mapping, waiter->thread, thread_id());
		return waiter;
	}
	return NULL;
}

/* Others may have waited for this one to take what is there, or not to. */
static void end_to_wait(const struct view *view, struct line *line, struct waiter *waiter)
{
	if (!waiter)
		return;
	if (waiter->thread)
		CHANGE(view->mapping, line->count, line->count - 1);
	CHANGE(view->mapping, waiter->thread, 0);
	bell_ring(&line->bell, view->mapping);
}

/* -- notification ----------------------------------------------------------------------------- */

/*
 * Who registers holds a lock of the kernel on the queue's file, a byte of his own: of the old kind,
 * which belongs to the process, not to its children, and goes when it closes the queue, ends or
 * executes another program - as does the registration.
 */
static struct flock byte_of(uint32_t pid)
{
	return (struct flock){.l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = (off_t)(1 << 30) + (off_t)(pid & 0x3fffffff),
			      .l_len = 1};
}

static bool is_held(int fd, uint32_t pid)
{
	struct flock byte = byte_of(pid);
	int saved = errno;
	bool is_held;

#ifdef F_OFD_GETLK
	/* asked as a stranger, one is told of one's own process too */
	if (fcntl(fd, F_OFD_GETLK, &byte) == 0)
		is_held = byte.l_type != F_UNLCK;
	else
#endif
		is_held = thread_lives(pid, 0);
	errno = saved;
	return is_held;
}

/* Who is registered; NULL: nobody, or one that is gone.  The object is locked, as for all below. */
static struct registration *find_registered(const struct view *view, int fd)
{
	struct queue *queue = view->queue;
	uint32_t which = queue->registered;

	if (which == 0 || which > REGISTRATIONS)
		return NULL;
	struct registration *registration = &queue->registrations[which - 1];

	if (is_held(fd, registration->pid))
		return registration;
	CHANGE(view->mapping, registration->state, REGISTRATION_NONE);
	CHANGE(view->mapping, queue->registered, 0);
	return NULL;
}

static void end_registration(const struct view *view, struct registration *registration,
			     enum registration_state how)
{
	CHANGE(view->mapping, view->queue->registered, 0);
	CHANGE(view->mapping, registration->state,
	       registration->how == SIGEV_NONE ? REGISTRATION_NONE : how);
	STEP("mq/notify/ended");
	bell_ring(&view->queue->ended, view->mapping);
}

static bool is_in_state(const struct registration *registration, uint32_t number,
			enum registration_state state)
{
	return registration->number == number && registration->state == state;
}

/*
 * Waits until the signal is there, as it is when the kernel's mq_send is back; but only a moment,
 * for the process may be stopped.  The message is sent.
 */
static void await_signal(const struct view *view, const struct registration *registration)
{
	uint32_t number = registration->number;
	struct timespec moment;

	clock_gettime(CLOCK_MONOTONIC, &moment);
	moment.tv_sec += 1;
	const struct sleep sleep = {.deadline = &moment, .clock = CLOCK_MONOTONIC};

	mapping_commit(view->mapping);
	while (is_in_state(registration, number, NOTIFIED))
		if (bell_sleep(&view->queue->ended, view->mapping, &sleep) != 0)
			break;
}

/* A message has come to the empty queue. */
static void notify(const struct view *view, int fd)
{
	struct registration *registration = find_registered(view, fd);

	if (!registration || waiting_before(&view->queue->receivers, no_ticket) > 0)
		return;
	CHANGE(view->mapping, registration->sender, (uint32_t)getpid());
	CHANGE(view->mapping, registration->uid, getuid());
	end_registration(view, registration, NOTIFIED);
	if (registration->how == SIGEV_SIGNAL)
		await_signal(view, registration);
}

static void end_own_registration(const struct view *view, int fd)
{
	mapping_lock(view->mapping);
	struct registration *registration = find_registered(view, fd);

	if (registration && registration->pid == (uint32_t)getpid())
		end_registration(view, registration, REMOVED);
	mapping_unlock(view->mapping);
}

/*
 * The helper: a thread that waits for the end of the registration, and signals its own process or
 * calls the function.  So every sender can notify, whomever he may signal; and what notifies is
 * part of the sending, done with it or not at all.
 */
struct helper {
	struct mapping mapping; /* its own: it must not keep a descriptor from being closed */
	uint32_t which, number; /* of the registration: nothing else in the queue is gone by */
	struct sigevent event;
	sigset_t mask; /* of who registered */
};

static void signal_own_process(const struct sigevent *event, uint32_t sender, uint32_t uid)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = event->sigev_signo;
	info.si_code = SI_MESGQ;
	info.si_pid = (pid_t)sender;
	info.si_uid = uid;
	info.si_value = event->sigev_value;
#ifdef SYS_rt_sigqueueinfo
	if (syscall(SYS_rt_sigqueueinfo, getpid(), info.si_signo, &info) == 0)
		return;
#endif
	kill(getpid(), info.si_signo); /* rather without its cause than not at all */
}

/* Waits for the end, and signals; true: a function is to be called. */
static bool await_end(struct helper *helper)
{
	const struct sleep sleep = {.when_interrupted = SLEEP_RESTARTS};
	struct mapping *mapping = &helper->mapping;
	struct queue *queue = (struct queue *)mapping->object;
	struct registration *registration = &queue->registrations[helper->which];
	bool is_notified = false;

	mapping_lock(mapping);
	while (is_in_state(registration, helper->number, REGISTERED))
		if (bell_sleep(&queue->ended, mapping, &sleep) == EBADMSG)
			break;
	if (registration->number == helper->number) {
		is_notified = registration->state == NOTIFIED;
		if (is_notified && helper->event.sigev_notify == SIGEV_SIGNAL)
			signal_own_process(&helper->event, registration->sender, registration->uid);
		STEP("mq/notify/signalled");
		CHANGE(mapping, registration->state, REGISTRATION_NONE);
		bell_ring(&queue->ended, mapping);
	}
	mapping_unlock(mapping);
	return is_notified && helper->event.sigev_notify == SIGEV_THREAD;
}

static void *help(void *given)
{
	struct helper helper = *(struct helper *)given;

	free(given);
	bool is_called = await_end(&helper);

	object_unmap(&helper.mapping);
	if (is_called) {
		pthread_sigmask(SIG_SETMASK, &helper.mask, NULL);
		helper.event.sigev_notify_function(helper.event.sigev_value);
	}
	return NULL;
}

/* The thread begins with all signals blocked.  0 or an error. */
static int start_helper(const struct helper *wish, int fd)
{
	const pthread_attr_t *attributes = wish->event.sigev_notify == SIGEV_THREAD
						   ? wish->event.sigev_notify_attributes
						   : NULL;
	struct helper *helper = malloc(sizeof(*helper));
	int detached = PTHREAD_CREATE_JOINABLE;
	pthread_t thread;

	if (!helper)
		return ENOMEM;
	*helper = *wish;
	if (!object_map(&helper->mapping, fd, OBJECT_MQ, sizeof(struct queue))) {
		free(helper);
		return errno;
	}
	int error = FAULT("mq/notify/helper", EAGAIN) ? errno
					      : pthread_create(&thread, attributes, help, helper);
	if (error) {
		object_unmap(&helper->mapping);
		free(helper);
		return error;
	}
	if (attributes)
		pthread_attr_getdetachstate(attributes, &detached);
	if (detached == PTHREAD_CREATE_JOINABLE)
		pthread_detach(thread);
	return 0;
}

/* A place that is free or of a process that is gone; NULL: none. */
static struct registration *find_free(const struct view *view, int fd)
{
	for (int i = 0; i < REGISTRATIONS; i++) {
		struct registration *registration = &view->queue->registrations[i];

		if (registration->state == REGISTRATION_NONE || !is_held(fd, registration->pid))
			return registration;
	}
	return NULL;
}

/* 0 or an error. */
static int enter_registration(const struct view *view, int fd, struct helper *helper)
{
	struct queue *queue = view->queue;
	struct registration *registration = NULL;
	uint32_t pid = (uint32_t)getpid();
	struct flock byte = byte_of(pid);

	if (!find_registered(view, fd))
		registration = find_free(view, fd);
	if (!registration)
		return EBUSY;
	if (fcntl(fd, F_SETLK, &byte) < 0)
		return errno == EACCES || errno == EAGAIN ? EBUSY : errno;
	STEP("mq/notify/held");

	helper->which = (uint32_t)(registration - queue->registrations);
	helper->number = queue->last_number + 1;
	CHANGE(view->mapping, queue->last_number, helper->number);
	CHANGE(view->mapping, registration->number, helper->number);
	CHANGE(view->mapping, registration->pid, pid);
	CHANGE(view->mapping, registration->how, (uint32_t)helper->event.sigev_notify);
	CHANGE(view->mapping, registration->state, REGISTERED);
	CHANGE(view->mapping, queue->registered, helper->which + 1);
	STEP("mq/notify/entered");
	return helper->event.sigev_notify == SIGEV_NONE ? 0 : start_helper(helper, fd);
}

/* 0 or an error. */
static int register_process(const struct view *view, int fd, const struct sigevent *event)
{
	struct helper helper = {.event = *event};
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &helper.mask);
	mapping_lock(view->mapping);
	int error = enter_registration(view, fd, &helper);

	if (error)
		mapping_undo(view->mapping);
	mapping_unlock(view->mapping);
	pthread_sigmask(SIG_SETMASK, &helper.mask, NULL);
	return error;
}

static bool is_valid_event(const struct sigevent *event)
{
	switch (event->sigev_notify) {
	case SIGEV_NONE:
	case SIGEV_THREAD:
		return true;
	case SIGEV_SIGNAL:
		return event->sigev_signo >= 0 && event->sigev_signo <= SIGRTMAX;
	default:
		return false;
	}
}

int ipcref_mq_notify(mqd_t queue, const struct sigevent *event)
{
	struct handle *h = descriptor_get(queue, OBJECT_MQ);
	struct view view;
	int error = 0;

	if (!h)
		return -1;
	if (!see(&view, h))
		error = EBADMSG;
	else if (!event)
		end_own_registration(&view, queue);
	else if (!is_valid_event(event))
		error = EINVAL;
	else
		error = register_process(&view, queue, event);
	handle_put(h);
	if (error)
		errno = error;
	return error ? -1 : 0;
}

/* Whichever of its descriptors of the queue a process closes, it is no longer registered. */
static void closing(int fd, struct handle *h)
{
	struct view view;

	if (((struct queue *)h->mapping.object)->registered && see(&view, h))
		end_own_registration(&view, fd);
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
	bell_ring(&queue->receivers.bell, view->mapping);
	return true;
}

static void leave(struct view *view)
{
	mapping_unlock(view->mapping);
	vigil_end(&view->vigil);
}

static int give_up(struct view *view, int error)
{
	leave(view);
	errno = error;
	return -1;
}

/* A deadline is looked at only by who must wait. */
static bool is_valid(const struct timespec *deadline)
{
	return !deadline ||
	       (deadline->tv_sec >= 0 && deadline->tv_nsec >= 0 && deadline->tv_nsec < 1000000000);
}

/*
 * Waits until there is something to send or to receive; 0 or an error, the object locked.  All who
 * wait are woken for one message, lest it is left lying when one of them dies; a signal that comes
 * to another just then is not to be missed, hence the vigil.
 */
static int await(struct view *view, int fd, struct line *line, struct waiter **waiter,
		 const struct timespec *deadline)
{
	const struct sleep sleep = {
		.deadline = deadline, .clock = CLOCK_REALTIME, .looks_every = LOOKS_EVERY_MS};

	if (view->handle->waits && bell_look_out(&line->bell, view->mapping, &view->vigil))
		return 0;
	if (descriptor_mustnt_wait(fd, view->handle))
		return EAGAIN;
	if (!is_valid(deadline))
		return EINVAL;
	if (!*waiter)
		*waiter = begin_to_wait(view, line);
	return bell_sleep_in_vigil(&line->bell, view->mapping, &sleep, &view->vigil);
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
	struct waiter *waiter = NULL;
	int error = 0;

	while (!error && !room_for(&view, waiter))
		error = await(&view, fd, &view.queue->senders, &waiter, deadline);
	end_to_wait(&view, &view.queue->senders, waiter);
	if (error)
		return give_up(&view, error);
	bool is_first = view.queue->count == 0;

	if (!put(&view, bytes, size, priority))
		return give_up(&view, EBADMSG);
	if (is_first && view.queue->registered)
		notify(&view, fd);
	leave(&view);
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
	bell_ring(&queue->senders.bell, view->mapping);
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
	struct waiter *waiter = NULL;
	int error = 0;

	while (!error && !messages_for(&view, waiter))
		error = await(&view, fd, &view.queue->receivers, &waiter, deadline);
	end_to_wait(&view, &view.queue->receivers, waiter);
	if (error)
		return give_up(&view, error);
	ssize_t result = take(&view, bytes, size, priority);
	if (result < 0)
		return give_up(&view, EBADMSG);
	leave(&view);
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
		attributes->mq_curmsgs = (long)messages_for(&view, NULL);
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

/* Of the queue, whatever this descriptor may do with it, as Linux tells it. */
static short ready(int fd, struct handle *h)
{
	struct view view;
	short events = 0;

	(void)fd;
	if (!see(&view, h))
		return POLLERR;
	mapping_lock(view.mapping);
	if (messages_for(&view, NULL) > 0)
		events |= POLLIN | POLLRDNORM;
	if (room_for(&view, NULL) > 0)
		events |= POLLOUT | POLLWRNORM;
	mapping_unlock(view.mapping);
	return events;
}

/* The mode is the queue's, not the file's. */
static int mq_fstat(int fd, struct handle *h, struct stat *status)
{
	if (fstat(fd, status) < 0)
		return -1;
	status->st_mode = (status->st_mode & ~(mode_t)0777) | (h->mapping.object->mode & 0777);
	return 0;
}

const struct object_class mq_class = {
	.kind = OBJECT_MQ,
	.least = sizeof(struct queue),
	.ready = ready,
	.closing = closing,
	.fstat = mq_fstat,
};
