/* SPDX-License-Identifier: MIT */
/* The process that is to be notified when a message comes to the empty queue. */
#include "ref/mq.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ref/futex.h"
#include "ref/ipcref.h"

enum registration_state { REGISTRATION_NONE, REGISTERED, NOTIFIED, REMOVED };

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
static struct mq_registration *find_registered(const struct mq_view *view, int fd)
{
	struct mq_queue *queue = view->queue;
	uint32_t which = queue->registered;

	if (which == 0 || which > MQ_REGISTRATIONS)
		return NULL;
	struct mq_registration *registration = &queue->registrations[which - 1];

	if (is_held(fd, registration->pid))
		return registration;
	CHANGE(view->mapping, registration->state, REGISTRATION_NONE);
	CHANGE(view->mapping, queue->registered, 0);
	return NULL;
}

static void end_registration(const struct mq_view *view, struct mq_registration *registration,
			     enum registration_state how)
{
	CHANGE(view->mapping, view->queue->registered, 0);
	CHANGE(view->mapping, registration->state,
	       registration->how == SIGEV_NONE ? REGISTRATION_NONE : how);
	STEP("mq/notify/ended");
	bell_ring(&view->queue->ended, view->mapping);
}

static bool is_in_state(const struct mq_registration *registration, uint32_t number,
			enum registration_state state)
{
	return registration->number == number && registration->state == state;
}

enum { MOMENT_MS = 1000 };

/*
 * Waits until the signal is there, as it is when the kernel's mq_send is back; but only a moment,
 * for the process may be stopped.  The message is sent once the object is unlocked for that.
 */
static void await_signal(const struct mq_view *view, const struct mq_registration *registration)
{
	uint32_t number = registration->number;
	const struct timespec moment = moment_after(CLOCK_MONOTONIC, MOMENT_MS);
	const struct sleep sleep = {.deadline = &moment, .clock = CLOCK_MONOTONIC};

	while (is_in_state(registration, number, NOTIFIED))
		if (bell_sleep(&view->queue->ended, view->mapping, &sleep) != 0)
			break;
}

void mq_notify_registered(const struct mq_view *view, int fd)
{
	struct mq_registration *registration = find_registered(view, fd);

	if (!registration || mq_is_waited_for(&view->queue->receivers))
		return;
	CHANGE(view->mapping, registration->sender, (uint32_t)getpid());
	CHANGE(view->mapping, registration->uid, getuid());
	end_registration(view, registration, NOTIFIED);
	if (registration->how == SIGEV_SIGNAL)
		await_signal(view, registration);
}

void mq_end_own_registration(const struct mq_view *view, int fd)
{
	mapping_lock(view->mapping);
	struct mq_registration *registration = find_registered(view, fd);

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
	struct mq_queue *queue = (struct mq_queue *)mapping->object;
	struct mq_registration *registration = &queue->registrations[helper->which];
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
	struct helper *helper = FAULT("mq/notify/memory", ENOMEM) ? NULL : malloc(sizeof(*helper));
	int detached = PTHREAD_CREATE_JOINABLE;
	pthread_t thread;

	if (!helper)
		return ENOMEM;
	*helper = *wish;
	helper->mapping.repair = mq_repair;
	if (!object_map(&helper->mapping, fd, OBJECT_MQ, sizeof(struct mq_queue))) {
		int refused = errno;

		free(helper);
		return refused;
	}
	int error = FAULT("mq/notify/helper", EAGAIN)
			    ? errno
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
static struct mq_registration *find_free(const struct mq_view *view, int fd)
{
	for (int i = 0; i < MQ_REGISTRATIONS; i++) {
		struct mq_registration *registration = &view->queue->registrations[i];

		if (registration->state == REGISTRATION_NONE || !is_held(fd, registration->pid))
			return registration;
	}
	return NULL;
}

/* 0 or an error. */
static int enter_registration(const struct mq_view *view, int fd, struct helper *helper)
{
	struct mq_queue *queue = view->queue;
	struct mq_registration *registration = NULL;
	uint32_t pid = (uint32_t)getpid();
	struct flock byte = byte_of(pid);

	if (!find_registered(view, fd))
		registration = find_free(view, fd);
	if (!registration)
		return EBUSY;
	if (FAULT("mq/notify/hold", ENOLCK) || fcntl(fd, F_SETLK, &byte) < 0)
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
static int register_process(const struct mq_view *view, int fd, const struct sigevent *event)
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
	struct mq_view view;
	int error = 0;

	if (!h)
		return -1;
	if (!mq_see(&view, &h->mapping))
		error = EBADMSG;
	else if (!event)
		mq_end_own_registration(&view, queue);
	else if (!is_valid_event(event))
		error = EINVAL;
	else
		error = register_process(&view, queue, event);
	handle_put(h);
	if (error)
		errno = error;
	return error ? -1 : 0;
}
