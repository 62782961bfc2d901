/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

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
	.socketpair = socketpair,
	.shutdown = shutdown,
};
