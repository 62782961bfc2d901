/* SPDX-License-Identifier: MIT */
/*
 * Waiting for many descriptors, ours and the platform's.
 *
 * What is ours is slept for: each object has a bell for pollers, which rings with all its others.
 * The platform's descriptors, signals, and peers that died ring none of ours: they are looked after
 * at short intervals.  Signals are blocked but for that look, which is ppoll(2)'s, with the mask
 * that the wait is to have: so a handler is never missed, and a signal that was held back before
 * the call ends the wait as it does the kernel's.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

#include "ref/descriptor.h"
#include "ref/futex.h"
#include "ref/ipcref.h"
#include "ref/step.h"

/* Milliseconds from look to look: more and more. */
enum { FIRST_INTERVAL = 1, LONGEST_INTERVAL = 16 };
enum { NANOSECONDS = 1000000000 };

static const struct timespec at_once = {0, 0};

/* -- what is waited for ----------------------------------------------------------------------- */

/* One of ours among the descriptors. */
struct member {
	struct handle *h;
	struct pollfd *polled;
};

struct list {
	struct pollfd *polled, *theirs; /* the platform's: the same without ours */
	nfds_t count;
	struct member *ours;
	struct waited_word *bells; /* of ours, in their order */
	unsigned ours_count;
	int result;
};

static bool make_room(struct list *list)
{
	if (FAULT("poll/gather/memory", ENOMEM))
		return false;
	list->ours = calloc(list->count, sizeof(*list->ours));
	list->bells = calloc(list->count, sizeof(*list->bells));
	list->theirs = calloc(list->count, sizeof(*list->theirs));
	if (!list->ours || !list->bells || !list->theirs)
		return false;
	memcpy(list->theirs, list->polled, list->count * sizeof(*list->theirs));
	return true;
}

/* Finds ours.  False with errno ENOMEM. */
static bool gather(struct list *list)
{
	for (nfds_t i = 0; i < list->count; i++) {
		struct pollfd *polled = &list->polled[i];
		struct handle *h = polled->fd < 0 ? NULL : descriptor_get(polled->fd, OBJECT_ANY);

		if (!h)
			continue;
		if (!list->ours && !make_room(list)) {
			handle_put(h);
			errno = ENOMEM;
			return false;
		}
		list->ours[list->ours_count++] = (struct member){h, polled};
		list->theirs[i].fd = -1;
	}
	return true;
}

/* Also if the thread is cancelled. */
static void disperse(void *given)
{
	struct list *list = given;
	int saved = errno;

	for (unsigned i = 0; i < list->ours_count; i++)
		handle_put(list->ours[i].h);
	free(list->ours);
	free(list->bells);
	free(list->theirs);
	errno = saved;
}

/* -- looking ---------------------------------------------------------------------------------- */

/* Whatever happens to one of ours from now on, its bell tells. */
static void listen_to_ours(const struct list *list)
{
	for (unsigned i = 0; i < list->ours_count; i++) {
		struct mapping *mapping = &list->ours[i].h->mapping;
		struct bell *bell = &mapping->object->polled;

		mapping_lock(mapping); /* whoever rings has it: he sees this, or is over */
		atomic_store(&bell->is_waited_for, 1);
		list->bells[i] = (struct waited_word){&bell->rings, atomic_load(&bell->rings)};
		mapping_unlock(mapping);
	}
}

static short ready_of(const struct member *member)
{
	const struct object_class *class = member->h->class;
	short bits = class->ready ? class->ready(member->polled->fd, member->h) : POLLIN | POLLOUT;

	return bits & (short)(member->polled->events | POLLERR | POLLHUP);
}

/*
 * How many are ready; -1 and errno, EINTR after a handler.  Ours are no business of ppoll's: as
 * files they would always be ready, and then no handler runs.
 */
static int look(const struct list *list, const sigset_t *mask)
{
	int found = ppoll(list->theirs, list->count, &at_once, mask);

	if (found < 0)
		return -1;
	for (nfds_t i = 0; i < list->count; i++)
		list->polled[i].revents = list->theirs[i].revents;
	for (unsigned i = 0; i < list->ours_count; i++) {
		short bits = ready_of(&list->ours[i]);

		list->ours[i].polled->revents = bits;
		found += bits != 0;
	}
	return found;
}

/* -- waiting ---------------------------------------------------------------------------------- */

/* The interval, or less: until the end, rounded up. */
static int until(const struct timespec *end, int interval)
{
	struct timespec now;

	if (!end)
		return interval;
	clock_gettime(CLOCK_MONOTONIC, &now);
	long long left =
		(long long)(end->tv_sec - now.tv_sec) * NANOSECONDS + (end->tv_nsec - now.tv_nsec);

	left = (left + 999999) / 1000000;
	return left < 0 ? 0 : left < interval ? (int)left : interval;
}

static int look_and_sleep(const struct list *list, const struct timespec *end, const sigset_t *mask)
{
	for (int interval = FIRST_INTERVAL;; interval *= interval < LONGEST_INTERVAL ? 2 : 1) {
		listen_to_ours(list);
		bool is_last = end && moment_is_past(CLOCK_MONOTONIC, end);
		int found = look(list, mask);

		if (found || is_last)
			return found;
		futex_wait_any(list->bells, list->ours_count, until(end, interval));
	}
}

/* All but those that a fault gives to the thread itself. */
static sigset_t all_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGSEGV);
	sigdelset(&set, SIGBUS);
	sigdelset(&set, SIGFPE);
	sigdelset(&set, SIGILL);
	return set;
}

static int wait_for(struct list *list, const struct timespec *timeout, const sigset_t *mask)
{
	const sigset_t all = all_signals();
	struct timespec end;
	sigset_t before;
	const struct timespec *last = end_of_duration(timeout, &end);

	pthread_sigmask(SIG_SETMASK, &all, &before);
	int result = look_and_sleep(list, last, mask ? mask : &before);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

int ipcref_ppoll(struct pollfd *descriptors, nfds_t count, const struct timespec *timeout,
		 const sigset_t *mask)
{
	struct list list = {.polled = descriptors, .count = count, .result = -1};

	if (timeout && !duration_is_valid(timeout)) {
		errno = EINVAL;
		return -1;
	}
	/* if it can't be such a list, nor at such a place, the platform says so */
	if (ppoll(descriptors, count, &at_once, NULL) < 0)
		return -1;
	pthread_cleanup_push(disperse, &list);
	if (gather(&list))
		list.result = list.ours_count ? wait_for(&list, timeout, mask)
					      : ppoll(descriptors, count, timeout, mask);
	pthread_cleanup_pop(1);
	return list.result;
}

int ipcref_poll(struct pollfd *descriptors, nfds_t count, int milliseconds)
{
	const struct timespec timeout = {.tv_sec = milliseconds / 1000,
					 .tv_nsec = milliseconds % 1000 * 1000000};

	return ipcref_ppoll(descriptors, count, milliseconds < 0 ? NULL : &timeout, NULL);
}

/* -- select: the same, of sets ---------------------------------------------------------------- */

static const struct {
	short asked, told;
} bits_of_set[] = {
	{POLLIN | POLLRDNORM | POLLRDBAND, POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR},
	{POLLOUT | POLLWRNORM | POLLWRBAND, POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR},
	{POLLPRI, POLLPRI},
};
enum { SETS = sizeof(bits_of_set) / sizeof(bits_of_set[0]) };

static nfds_t list_of(fd_set *const sets[SETS], int count, struct pollfd *polled)
{
	nfds_t listed = 0;

	for (int fd = 0; fd < count; fd++) {
		short events = 0;

		for (int i = 0; i < SETS; i++)
			if (sets[i] && FD_ISSET(fd, sets[i]))
				events |= bits_of_set[i].asked;
		if (events)
			polled[listed++] = (struct pollfd){.fd = fd, .events = events};
	}
	return listed;
}

/* The sets tell what was found: how many bits.  -1 with errno EBADF, the sets as they were. */
static int tell(fd_set *const sets[SETS], const struct pollfd *polled, nfds_t listed)
{
	int bits = 0;

	for (nfds_t i = 0; i < listed; i++)
		if (polled[i].revents & POLLNVAL) {
			errno = EBADF;
			return -1;
		}
	for (nfds_t i = 0; i < listed; i++)
		for (int j = 0; j < SETS; j++) {
			if (!sets[j] || !FD_ISSET(polled[i].fd, sets[j]))
				continue;
			if (polled[i].revents & bits_of_set[j].told)
				bits++;
			else
				FD_CLR(polled[i].fd, sets[j]);
		}
	return bits;
}

int ipcref_pselect(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
		   const struct timespec *timeout, const sigset_t *mask)
{
	fd_set *const sets[SETS] = {readable, writable, exceptional};
	struct pollfd polled[FD_SETSIZE];

	if (count < 0 || count > FD_SETSIZE) {
		errno = EINVAL;
		return -1;
	}
	nfds_t listed = list_of(sets, count, polled);

	if (ipcref_ppoll(polled, listed, timeout, mask) < 0)
		return -1;
	return tell(sets, polled, listed);
}

/* Unlike Linux's it leaves the timeout as it is, which POSIX allows. */
int ipcref_select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
		  struct timeval *timeout)
{
	struct timespec fine = at_once;

	if (timeout) {
		fine.tv_sec = timeout->tv_sec + timeout->tv_usec / 1000000;
		fine.tv_nsec = timeout->tv_usec % 1000000 * 1000;
	}
	return ipcref_pselect(count, readable, writable, exceptional, timeout ? &fine : NULL, NULL);
}
