/* SPDX-License-Identifier: MIT */
#include "stage/restart.h"

#include <errno.h>
#include <stdbool.h>

#include "stage/adversary.h"

/* The implementation's own tables. */
static struct implementation judged;

/* A function of a table that is called until it isn't an adversary that has ended it. */
#define RESTARTED(type, table, function, parameters, arguments)                                    \
	static type restarted_##function parameters                                                \
	{                                                                                          \
		uint32_t seen = interruptions();                                                   \
		type result;                                                                       \
                                                                                                   \
		do                                                                                 \
			result = judged.table->function arguments;                                 \
		while (result == -1 && errno == EINTR && was_interrupted(&seen));                  \
		return result;                                                                     \
	}

/* -- signal(7): never restarted --------------------------------------------------------------- */

RESTARTED(int, semset, semop, (int id, struct sembuf *operations, size_t count),
	  (id, operations, count))
RESTARTED(int, semset, semtimedop,
	  (int id, struct sembuf *operations, size_t count, const struct timespec *timeout),
	  (id, operations, count, timeout))
RESTARTED(int, msg, msgsnd, (int id, const void *message, size_t size, int flags),
	  (id, message, size, flags))
RESTARTED(ssize_t, msg, msgrcv, (int id, void *message, size_t size, long type, int flags),
	  (id, message, size, type, flags))
RESTARTED(int, fd, poll, (struct pollfd * descriptors, nfds_t count, int milliseconds),
	  (descriptors, count, milliseconds))
RESTARTED(int, event, ppoll,
	  (struct pollfd * descriptors, nfds_t count, const struct timespec *timeout,
	   const sigset_t *mask),
	  (descriptors, count, timeout, mask))
RESTARTED(int, event, select,
	  (int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
	   struct timeval *timeout),
	  (count, readable, writable, exceptional, timeout))
RESTARTED(int, event, pselect,
	  (int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
	   const struct timespec *timeout, const sigset_t *mask),
	  (count, readable, writable, exceptional, timeout, mask))
RESTARTED(int, event, epoll_wait,
	  (int epoll, struct epoll_event *events, int count, int milliseconds),
	  (epoll, events, count, milliseconds))
RESTARTED(int, event, epoll_pwait,
	  (int epoll, struct epoll_event *events, int count, int milliseconds,
	   const sigset_t *mask),
	  (epoll, events, count, milliseconds, mask))

/* What is left of the time is slept, for it isn't the time that is asked for anew. */
static int restarted_nanosleep(const struct timespec *time, struct timespec *left)
{
	uint32_t seen = interruptions();
	struct timespec rest = *time;
	int result;

	do
		result = judged.sig->nanosleep(&rest, &rest);
	while (result == -1 && errno == EINTR && was_interrupted(&seen));
	if (left && result == -1)
		*left = rest;
	return result;
}

RESTARTED(int, sig, sigwaitinfo, (const sigset_t *set, siginfo_t *info), (set, info))
RESTARTED(int, sig, sigtimedwait,
	  (const sigset_t *set, siginfo_t *info, const struct timespec *timeout),
	  (set, info, timeout))

/* -- futex(2): not restarted if there's a timeout ---------------------------------------------- */

RESTARTED(int, sem, sem_timedwait, (sem_t *restrict sem, const struct timespec *restrict deadline),
	  (sem, deadline))
RESTARTED(int, sem, sem_clockwait,
	  (sem_t *restrict sem, clockid_t clock, const struct timespec *restrict deadline),
	  (sem, clock, deadline))
RESTARTED(long, lock, futex,
	  (uint32_t * word, int operation, uint32_t value, const struct timespec *timeout,
	   uint32_t second, uint32_t *other, uint32_t third),
	  (word, operation, value, timeout, second, other, third))
RESTARTED(long, lock, futex_waitv,
	  (struct futex_awaited * words, unsigned count, unsigned flags,
	   const struct timespec *deadline, clockid_t clock),
	  (words, count, flags, deadline, clock))

/* -- write(2), send(2), recv(2): interrupted in the middle, they tell how far they came -----------
 */

/* Whether the rest is to be done; what was done counts, whatever becomes of the rest. */
static bool goes_on(ssize_t result, size_t *done, size_t size, uint32_t *seen)
{
	if (result > 0)
		*done += (size_t)result;
	return result > 0 && *done < size && was_interrupted(seen);
}

static ssize_t restarted_write(int fd, const void *buffer, size_t size)
{
	uint32_t seen = interruptions();
	size_t done = 0;
	ssize_t result;

	do
		result = judged.fd->write(fd, (const char *)buffer + done, size - done);
	while (goes_on(result, &done, size, &seen));
	return done ? (ssize_t)done : result;
}

static ssize_t restarted_send(int fd, const void *buffer, size_t size, int flags)
{
	uint32_t seen = interruptions();
	size_t done = 0;
	ssize_t result;

	do
		result = judged.sock->send(fd, (const char *)buffer + done, size - done, flags);
	while (goes_on(result, &done, size, &seen));
	return done ? (ssize_t)done : result;
}

/* Only what is to wait for all: any other receive gives what there is. */
static ssize_t restarted_recv(int fd, void *buffer, size_t size, int flags)
{
	bool waits = (flags & MSG_WAITALL) && !(flags & MSG_PEEK);
	uint32_t seen = interruptions();
	size_t done = 0;
	ssize_t result;

	do
		result = judged.sock->recv(fd, (char *)buffer + done, size - done, flags);
	while (goes_on(result, &done, size, &seen) && waits);
	return done ? (ssize_t)done : result;
}

/* -- what makes a process deal in signals -------------------------------------------------------
 */

static int noted_sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
	adversaries_leave();
	return judged.sig->sigaction(signal, action, old);
}

static int noted_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	adversaries_leave();
	return judged.sig->sigprocmask(how, set, old);
}

static int noted_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	adversaries_leave();
	return judged.sig->pthread_sigmask(how, set, old);
}

static void (*noted_signal(int signal, void (*handler)(int)))(int)
{
	adversaries_leave();
	return judged.sig->signal(signal, handler);
}

/* -- the tables ------------------------------------------------------------------------------- */

/* This function instead of the implementation's, if it has one. */
#define PUT(table, function, replacement)                                                          \
	(table.function = table.function ? replacement : table.function)
#define PUT_RESTARTED(table, function) PUT(table, function, restarted_##function)
#define PUT_NOTED(table, function) PUT(table, function, noted_##function)

static void restart_queues_and_sets(struct implementation *calls)
{
	static struct semset_calls semset;
	static struct msg_calls msg;

	if (calls->semset) {
		semset = *calls->semset;
		PUT_RESTARTED(semset, semop);
		PUT_RESTARTED(semset, semtimedop);
		calls->semset = &semset;
	}
	if (calls->msg) {
		msg = *calls->msg;
		PUT_RESTARTED(msg, msgsnd);
		PUT_RESTARTED(msg, msgrcv);
		calls->msg = &msg;
	}
}

static void restart_descriptors(struct implementation *calls)
{
	static struct fd_calls fd;
	static struct event_calls event;

	if (calls->fd) {
		fd = *calls->fd;
		PUT_RESTARTED(fd, poll);
		PUT_RESTARTED(fd, write);
		calls->fd = &fd;
	}
	if (calls->event) {
		event = *calls->event;
		PUT_RESTARTED(event, ppoll);
		PUT_RESTARTED(event, select);
		PUT_RESTARTED(event, pselect);
		PUT_RESTARTED(event, epoll_wait);
		PUT_RESTARTED(event, epoll_pwait);
		calls->event = &event;
	}
}

static void restart_sockets(struct implementation *calls)
{
	static struct sock_calls sock;

	if (!calls->sock)
		return;
	sock = *calls->sock;
	PUT_RESTARTED(sock, send);
	PUT_RESTARTED(sock, recv);
	calls->sock = &sock;
}

static void restart_futexes(struct implementation *calls)
{
	static struct sem_calls sem;
	static struct lock_calls lock;

	if (calls->sem) {
		sem = *calls->sem;
		PUT_RESTARTED(sem, sem_timedwait);
		PUT_RESTARTED(sem, sem_clockwait);
		calls->sem = &sem;
	}
	if (calls->lock) {
		lock = *calls->lock;
		PUT_RESTARTED(lock, futex);
		PUT_RESTARTED(lock, futex_waitv);
		calls->lock = &lock;
	}
}

static void note_signals(struct implementation *calls)
{
	static struct sig_calls sig;

	if (!calls->sig)
		return;
	sig = *calls->sig;
	PUT_RESTARTED(sig, nanosleep);
	PUT_RESTARTED(sig, sigwaitinfo);
	PUT_RESTARTED(sig, sigtimedwait);
	PUT_NOTED(sig, sigaction);
	PUT_NOTED(sig, sigprocmask);
	PUT_NOTED(sig, pthread_sigmask);
	PUT_NOTED(sig, signal);
	calls->sig = &sig;
}

void restart_calls(struct implementation *calls)
{
	judged = *calls;
	restart_queues_and_sets(calls);
	restart_descriptors(calls);
	restart_sockets(calls);
	restart_futexes(calls);
	note_signals(calls);
}
