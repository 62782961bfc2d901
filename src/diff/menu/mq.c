/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "diff/generate.h"

static const char *const all[] = {"q", "q:b", "q:d", "r", "bad", NULL};
#define ANY NAMES("q", "q:b", "r", "q:d", "bad")
#define OPENED NAMES("q", "q:b", "r")
#define QUEUES NAMES("q", "r")
#define TEXTS NAMES("one", "", "12345678", "2", "three", "123456789")
#define PRIORITIES NUMBERS(0, 1, 1, 2, 31, 32767, 32768)
#define MODES NUMBERS(0600, 0400, 0)
/*
 * Interrupts nobody: whether a send that waited notifies is left open, and who is notified is seen
 * by who may register.
 */
#define UNNOTICED SIGURG

static const struct choice choices[] = {
	{OP_mq_make, 6, MAKES, .handles = QUEUES, .n = {NUMBERS(2, 1, 3), NUMBERS(8, 1, 16)}},
	{OP_mq_create, 4, MAKES, .handles = OPENED,
	 .n = {NUMBERS(O_RDWR, O_RDWR | O_EXCL, O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK, O_ACCMODE),
	       MODES, NUMBERS(2, 1, 10, 0, -1), NUMBERS(8, 1, 0, -1)}},
	{OP_mq_create_default, 1, MAKES, .handles = OPENED,
	 .n = {NUMBERS(O_RDWR, O_RDWR | O_EXCL), MODES}},
	{OP_mq_open, 14, MAKES, .handles = OPENED,
	 .n = {NUMBERS(O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK, O_RDWR | O_EXCL,
		       O_ACCMODE)}},
	{OP_mq_suppose, 1, MAKES, .handles = NAMES("bad"), .n = {NUMBERS(-1, 799, 0)}},
	{OP_mq_close, 3, NEEDS | DROPS, .handles = OPENED},
	{OP_mq_unlink, 2, 0, .handles = QUEUES},
	{OP_mq_send, 25, NEEDS, .handles = ANY, .texts = TEXTS, .n = {PRIORITIES}},
	{OP_mq_receive, 32, NEEDS, .handles = ANY},
	{OP_mq_receive_room, 4, NEEDS, .handles = ANY, .n = {NUMBERS(8, 7, 16, 1, 0)}},
	{OP_mq_timed_send, 5, NEEDS | COMES_BACK, .handles = ANY, .texts = TEXTS,
	 .n = {PRIORITIES, NUMBERS(-1000, 0, 2)}},
	{OP_mq_timed_send, 4, NEEDS, .handles = ANY, .texts = TEXTS,
	 .n = {PRIORITIES, NUMBERS(3600000)}},
	{OP_mq_timed_send_at, 3, NEEDS | COMES_BACK, .handles = ANY, .texts = TEXTS,
	 .n = {NUMBERS(0, 1, -1), NUMBERS(0, 999999999, 1000000000, -1)}},
	{OP_mq_timed_receive, 5, NEEDS | COMES_BACK, .handles = ANY, .n = {NUMBERS(-1000, 0, 2)}},
	{OP_mq_timed_receive, 4, NEEDS, .handles = ANY, .n = {NUMBERS(3600000)}},
	{OP_mq_timed_receive_at, 3, NEEDS | COMES_BACK, .handles = ANY,
	 .n = {NUMBERS(0, 1, -1), NUMBERS(0, 999999999, 1000000000, -1)}},
	{OP_mq_attributes, 1, NEEDS, .handles = ANY},
	{OP_mq_set_attributes, 2, NEEDS, .handles = ANY,
	 .n = {NUMBERS(0, O_NONBLOCK, 1, O_NONBLOCK | O_APPEND), NUMBERS(0, 7), NUMBERS(0, 7),
	       NUMBERS(0, 7)}},
	{OP_mq_set_nonblock, 3, NEEDS, .handles = ANY, .n = {NUMBERS(0, 1)}},
	{OP_mq_notify_signal, 2, NEEDS, .handles = ANY, .n = {NUMBERS(UNNOTICED), NUMBERS(7)}},
	{OP_mq_notify_none, 1, NEEDS, .handles = ANY},
	{OP_mq_notify, 1, NEEDS, .handles = ANY,
	 .n = {NUMBERS(SIGEV_SIGNAL, 77), NUMBERS(UNNOTICED, 0, 100, -1)}},
	{OP_mq_notify_remove, 2, NEEDS, .handles = ANY},
	{OP_fd_dup, 1, NEEDS | MAKES_OTHER, .handles = OPENED, .others = NAMES("q:d")},
};

static const struct choice audits[] = {
	{OP_mq_attributes, .handles = ANY},
	{OP_fd_poll, .handles = NAMES("q", "q:b", "r", "q:d"), .n = {NUMBERS(POLLIN | POLLOUT)}},
};

const struct menu mq_menu = {MECHANISM_mq,
			     all,
			     choices,
			     audits,
			     sizeof(choices) / sizeof(choices[0]),
			     sizeof(audits) / sizeof(audits[0]),
			     .waiters = 3};
