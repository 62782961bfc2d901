/* SPDX-License-Identifier: MIT */
/* Events: counters and timers to wait for, and the ways to wait for many descriptors at once. */
#ifndef IPCTS_CONTRACT_EVENT_H
#define IPCTS_CONTRACT_EVENT_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <time.h>

struct event_calls {
	int (*ppoll)(struct pollfd *descriptors, nfds_t count, const struct timespec *timeout,
		     const sigset_t *mask);
	int (*select)(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
		      struct timeval *timeout);
	int (*pselect)(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
		       const struct timespec *timeout, const sigset_t *mask);
	/* Linux */
	int (*eventfd)(unsigned initial, int flags);
	int (*epoll_create1)(int flags);
	int (*epoll_ctl)(int epoll, int operation, int fd, struct epoll_event *event);
	int (*epoll_wait)(int epoll, struct epoll_event *events, int count, int milliseconds);
	int (*epoll_pwait)(int epoll, struct epoll_event *events, int count, int milliseconds,
			   const sigset_t *mask);
	int (*timerfd_create)(int clock, int flags);
	int (*timerfd_settime)(int fd, int flags, const struct itimerspec *value,
			       struct itimerspec *old);
	int (*timerfd_gettime)(int fd, struct itimerspec *value);
	/* what there is readiness of besides */
	int (*socketpair)(int domain, int type, int protocol, int ends[2]);
	int (*shutdown)(int fd, int how);
};

#endif
