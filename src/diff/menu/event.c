/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "diff/generate.h"

static const char *const all[] = {"c", "d", "e", NULL};
#define COUNTERS NAMES("c", "d")
#define ANY NAMES("c", "d", "e")

static const struct choice choices[] = {
	{OP_event_counter, 10, MAKES, .handles = COUNTERS,
	 .n = {NUMBERS(0, 1, 5),
	       NUMBERS(0, EFD_NONBLOCK, EFD_SEMAPHORE, EFD_SEMAPHORE | EFD_NONBLOCK, 2)}},
	{OP_event_add, 20, NEEDS, .handles = COUNTERS, .n = {NUMBERS(1, 5, 0, -2, -1, 1000)}},
	{OP_event_take, 20, NEEDS, .handles = COUNTERS},
	{OP_fd_read, 1, NEEDS, .handles = COUNTERS, .n = {NUMBERS(7, 0)}},
	{OP_fd_close, 1, NEEDS | DROPS, .handles = ANY},
	{OP_fd_poll, 8, NEEDS, .handles = COUNTERS,
	 .n = {NUMBERS(POLLIN, POLLOUT, POLLIN | POLLOUT), NUMBERS(0, -1)}},
	{OP_fd_poll, 3, NEEDS | COMES_BACK, .handles = COUNTERS,
	 .n = {NUMBERS(POLLIN, POLLOUT), NUMBERS(2)}},
	{OP_event_select, 4, NEEDS, .handles = COUNTERS,
	 .n = {NUMBERS(POLLIN, POLLOUT), NUMBERS(0, -1)}},
	{OP_event_epoll, 3, MAKES | ONCE, .handles = NAMES("e"), .n = {NUMBERS(0)}},
	{OP_event_watch, 6, NEEDS | NEEDS_OTHER, .handles = NAMES("e"), .others = COUNTERS,
	 .n = {NUMBERS(EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLET,
		       EPOLLIN | EPOLLONESHOT)}},
	{OP_event_rewatch, 2, NEEDS | NEEDS_OTHER, .handles = NAMES("e"), .others = COUNTERS,
	 .n = {NUMBERS(EPOLLIN, EPOLLOUT)}},
	{OP_event_unwatch, 2, NEEDS | NEEDS_OTHER, .handles = NAMES("e"), .others = COUNTERS},
	{OP_event_wait, 8, NEEDS, .handles = NAMES("e"), .n = {NUMBERS(4, 1), NUMBERS(0, -1)}},
};

static const struct choice audits[] = {
	{OP_fd_poll, .handles = ANY, .n = {NUMBERS(POLLIN | POLLOUT)}},
};

const struct menu event_menu = {MECHANISM_event,
				all,
				choices,
				audits,
				sizeof(choices) / sizeof(choices[0]),
				sizeof(audits) / sizeof(audits[0]),
				.waiters = 1};
