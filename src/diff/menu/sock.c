/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "contract/sock.h"
#include "diff/generate.h"

static const char *const all[] = {"s:a", "s:b", "t:a", "t:b", "l", "c", "x", NULL};
#define ANY NAMES("s:a", "s:b", "t:a", "t:b", "c", "x", "l")
#define TALKING NAMES("s:a", "s:b", "t:a", "t:b", "c", "x")
#define FLAGS NUMBERS(0, MSG_DONTWAIT, MSG_NOSIGNAL)

static const struct choice choices[] = {
	{OP_sock_pair, 10, MAKES_PAIR, .handles = NAMES("s", "t"),
	 .n = {NUMBERS(UNIX_STREAM, UNIX_DGRAM, UNIX_SEQPACKET)}},
	{OP_sock_make, 5, MAKES, .handles = NAMES("l", "c"),
	 .n = {NUMBERS(UNIX_STREAM, UNIX_SEQPACKET, UNIX_DGRAM)}},
	{OP_sock_bind, 4, NEEDS, .handles = NAMES("l", "c"), .others = NAMES("n", "n2")},
	{OP_sock_listen, 4, NEEDS, .handles = NAMES("l", "c"), .n = {NUMBERS(5, 0)}},
	{OP_sock_connect, 5, NEEDS, .handles = NAMES("c", "l"), .others = NAMES("n", "n2")},
	{OP_sock_accept, 4, NEEDS | MAKES_OTHER, .handles = NAMES("l"), .others = NAMES("x")},
	{OP_sock_send, 20, NEEDS, .handles = TALKING, .texts = NAMES("one", "three", "a"),
	 .n = {FLAGS}},
	{OP_sock_send_nothing, 2, NEEDS, .handles = TALKING, .n = {FLAGS}},
	{OP_sock_receive, 22, NEEDS, .handles = TALKING,
	 .n = {NUMBERS(100, 1, 0), NUMBERS(0, MSG_DONTWAIT, MSG_PEEK, MSG_DONTWAIT | MSG_TRUNC)}},
	{OP_sock_shutdown, 3, NEEDS, .handles = ANY,
	 .n = {NUMBERS(SHUT_WR, SHUT_RD, SHUT_RDWR, 3)}},
	{OP_fd_read, 3, NEEDS, .handles = TALKING, .n = {NUMBERS(4, 0, 100)}},
	{OP_fd_write, 3, NEEDS, .handles = TALKING, .texts = NAMES("one", "")},
	{OP_fd_set_flags, 3, NEEDS, .handles = ANY, .n = {NUMBERS(0, O_NONBLOCK)}},
	{OP_fd_close, 5, NEEDS | DROPS, .handles = ANY},
	{OP_sock_unlink, 1, 0, .handles = NAMES("n", "n2")},
};

static const struct choice audits[] = {
	{OP_fd_readable_bytes, .handles = ANY},
	{OP_fd_poll, .handles = ANY, .n = {NUMBERS(POLLIN | POLLOUT)}},
};

const struct menu sock_menu = {MECHANISM_sock,
			       all,
			       choices,
			       audits,
			       sizeof(choices) / sizeof(choices[0]),
			       sizeof(audits) / sizeof(audits[0]),
			       .waiters = 1,
			       .ignores_sigpipe = true};
