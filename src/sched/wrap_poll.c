/* SPDX-License-Identifier: MIT */
/* The other ways to wait for descriptors, as poll is in wrap_file.c. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

enum { MILLISECOND = 1000000, SECOND = 1000000000 };

static int64_t nanoseconds(const struct timespec *timeout)
{
	return timeout ? timeout->tv_sec * INT64_C(1000000000) + timeout->tv_nsec : FOREVER;
}

/* A mask that holds while it waits: what is due is taken before. */
static bool begin_mask(const sigset_t *mask, sigset_t *before)
{
	if (!mask)
		return false;
	model_sigprocmask(SIG_SETMASK, mask, before);
	return true;
}

static void end_mask(bool masks, const sigset_t *before)
{
	int saved = errno;

	if (masks)
		model_sigprocmask(SIG_SETMASK, before, NULL);
	errno = saved;
}

/* ---- poll ---- */

WRAP(int, ppoll,
     (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask))
{
	sigset_t before;

	if (!MODELLED)
		return REAL(ppoll)(fds, count, timeout, mask);
	bool masks = begin_mask(mask, &before);
	int64_t left = nanoseconds(timeout);
	int ready = model_poll(HERE, fds, count,
			       left < 0 ? -1 : (int)((left + MILLISECOND - 1) / MILLISECOND));
	end_mask(masks, &before);
	return ready;
}

/* ---- select ---- */

struct selection {
	int count;
	fd_set *sets[3];
};

int __real_select(int count, fd_set *reads, fd_set *writes, fd_set *others,
		  struct timeval *timeout);

/* The sets stay as they were if there is nothing. */
static int try_select(void *argument)
{
	struct selection *selection = argument;
	struct timeval now = {0, 0};
	fd_set tries[3];

	for (int set = 0; set < 3; set++)
		if (selection->sets[set])
			tries[set] = *selection->sets[set];
	int ready = REAL(select)(selection->count, selection->sets[0] ? &tries[0] : NULL,
				 selection->sets[1] ? &tries[1] : NULL,
				 selection->sets[2] ? &tries[2] : NULL, &now);
	for (int set = 0; set < 3 && ready > 0; set++)
		if (selection->sets[set])
			*selection->sets[set] = tries[set];
	return ready;
}

static int model_select(const void *pc, int count, fd_set *reads, fd_set *writes, fd_set *others,
			int64_t left)
{
	struct selection selection = {count, {reads, writes, others}};
	int ready = model_await_files(pc, try_select, &selection, left);

	for (int set = 0; set < 3 && ready == 0; set++)
		if (selection.sets[set])
			FD_ZERO(selection.sets[set]);
	return ready;
}

int __wrap_select(int count, fd_set *reads, fd_set *writes, fd_set *others,
		  struct timeval *timeout);
int __wrap_select(int count, fd_set *reads, fd_set *writes, fd_set *others, struct timeval *timeout)
{
	if (!MODELLED)
		return REAL(select)(count, reads, writes, others, timeout);
	return model_select(HERE, count, reads, writes, others,
			    timeout ? timeout->tv_sec * INT64_C(1000000000) +
					      (int64_t)timeout->tv_usec * 1000
				    : FOREVER);
}

WRAP(int, pselect,
     (int count, fd_set *reads, fd_set *writes, fd_set *others, const struct timespec *timeout,
      const sigset_t *mask))
{
	sigset_t before;

	if (!MODELLED)
		return REAL(pselect)(count, reads, writes, others, timeout, mask);
	bool masks = begin_mask(mask, &before);
	int ready = model_select(HERE, count, reads, writes, others, nanoseconds(timeout));
	end_mask(masks, &before);
	return ready;
}

/* ---- epoll ---- */

struct waiting {
	int fd, most;
	struct epoll_event *events;
};

int __real_epoll_wait(int fd, struct epoll_event *events, int most, int milliseconds);

static int try_epoll(void *argument)
{
	struct waiting *waiting = argument;

	return REAL(epoll_wait)(waiting->fd, waiting->events, waiting->most, 0);
}

static int model_epoll(const void *pc, int fd, struct epoll_event *events, int most,
		       int milliseconds)
{
	struct waiting waiting = {fd, most, events};

	return model_await_files(pc, try_epoll, &waiting,
				 milliseconds < 0 ? FOREVER : milliseconds * INT64_C(1000000));
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int most, int milliseconds);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int most, int milliseconds)
{
	return MODELLED ? model_epoll(HERE, fd, events, most, milliseconds)
			: REAL(epoll_wait)(fd, events, most, milliseconds);
}

WRAP(int, epoll_pwait,
     (int fd, struct epoll_event *events, int most, int milliseconds, const sigset_t *mask))
{
	sigset_t before;

	if (!MODELLED)
		return REAL(epoll_pwait)(fd, events, most, milliseconds, mask);
	bool masks = begin_mask(mask, &before);
	int ready = model_epoll(HERE, fd, events, most, milliseconds);
	end_mask(masks, &before);
	return ready;
}
