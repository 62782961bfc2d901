/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>

#include "diff/generate.h"

static const char *const all[] = {"p:r", "p:w", "q:r", "q:w", "d", NULL};
#define ENDS NAMES("p:r", "p:w", "q:r", "q:w")
#define ANY NAMES("p:r", "p:w", "q:r", "q:w", "d")
#define READING NAMES("p:r", "q:r", "p:r", "d", "p:w")
#define WRITING NAMES("p:w", "q:w", "p:w", "d", "p:r")

static const struct choice choices[] = {
	{OP_pipe_make, 8, MAKES_ENDS, .handles = NAMES("p", "q")},
	{OP_pipe_make_with, 4, MAKES_ENDS, .handles = NAMES("p", "q"),
	 .n = {NUMBERS(0, O_NONBLOCK, O_CLOEXEC, O_DIRECT, 1)}},
	{OP_fd_write, 18, NEEDS, .handles = WRITING, .texts = NAMES("one", "", "three", "a")},
	{OP_fd_write_pattern, 8, NEEDS, .handles = WRITING,
	 .n = {NUMBERS(0), NUMBERS(4096, 1, 4097, 65536, 61440, 70000)}},
	{OP_fd_writev, 2, NEEDS, .handles = WRITING, .texts = NAMES("abcdefgh"),
	 .n = {NUMBERS(1, 0), NUMBERS(2, 0)}},
	{OP_fd_read, 22, NEEDS, .handles = READING, .n = {NUMBERS(4, 1, 4096, 0, 100000)}},
	{OP_fd_readv, 2, NEEDS, .handles = READING,
	 .n = {NUMBERS(1, 0), NUMBERS(2, 0), NUMBERS(3, 0)}},
	{OP_fd_drain, 2, NEEDS, .handles = READING},
	{OP_fd_fill, 2, NEEDS, .handles = WRITING, .n = {NUMBERS(4096, 1000)}},
	{OP_fd_set_flags, 4, NEEDS, .handles = ANY, .n = {NUMBERS(0, O_NONBLOCK)}},
	{OP_fd_flags, 1, NEEDS, .handles = ANY},
	{OP_fd_dup, 2, NEEDS | MAKES_OTHER, .handles = ENDS, .others = NAMES("d")},
	{OP_fd_close, 5, NEEDS | DROPS, .handles = ANY},
	{OP_fd_seek, 1, NEEDS, .handles = ANY, .n = {NUMBERS(0)}},
	{OP_fd_poll, 3, NEEDS, .handles = ANY, .n = {NUMBERS(POLLIN, POLLOUT, 0), NUMBERS(0, -1)}},
	{OP_pipe_capacity, 1, NEEDS, .handles = ANY},
	{OP_pipe_set_capacity, 2, NEEDS, .handles = ANY, .n = {NUMBERS(4096, 65536, 1, 0)}},
};

static const struct choice audits[] = {
	{OP_fd_readable_bytes, .handles = ANY},
	{OP_fd_poll, .handles = ANY, .n = {NUMBERS(POLLIN | POLLOUT)}},
};

const struct menu pipe_menu = {MECHANISM_pipe,
			       all,
			       choices,
			       audits,
			       sizeof(choices) / sizeof(choices[0]),
			       sizeof(audits) / sizeof(audits[0]),
			       .waiters = 1,
			       .ignores_sigpipe = true};
