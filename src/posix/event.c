/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "posix/posix.h"

/* Not every library has a wrapper. */
static int posix_pidfd_open(pid_t pid, unsigned flags)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, flags);
#else
	(void)pid;
	(void)flags;
	errno = ENOSYS;
	return -1;
#endif
}

/* Parameters' types differ between libraries: unsigned or not, an enumeration or not. */
static int posix_eventfd(unsigned initial, int flags)
{
	return eventfd(initial, flags);
}

static int posix_timerfd_create(int clock, int flags)
{
	return timerfd_create(clock, flags);
}

const struct event_calls posix_event = {
	.ppoll = ppoll,
	.select = select,
	.pselect = pselect,
	.eventfd = posix_eventfd,
	.epoll_create1 = epoll_create1,
	.epoll_ctl = epoll_ctl,
	.epoll_wait = epoll_wait,
	.epoll_pwait = epoll_pwait,
	.timerfd_create = posix_timerfd_create,
	.timerfd_settime = timerfd_settime,
	.timerfd_gettime = timerfd_gettime,
	.pidfd_open = posix_pidfd_open,
	.socketpair = socketpair,
	.shutdown = shutdown,
};
