/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>

#include "diff/generate.h"

static const char *const all[] = {"f:r", "f:w", "f:x", "g:r", "g:w", NULL};
#define ANY NAMES("f:r", "f:w", "f:x", "g:r", "g:w")
#define READING NAMES("f:r", "g:r", "f:x", "f:w")
#define WRITING NAMES("f:w", "g:w", "f:x", "f:r")
#define PATHS NAMES("f", "g")

static const struct choice choices[] = {
	{OP_fifo_make, 8, 0, .handles = PATHS, .n = {NUMBERS(0600)}},
	{OP_fifo_make_mode, 1, 0, .handles = PATHS, .n = {NUMBERS(0640, 0777)}},
	{OP_fifo_open, 10, MAKES, .handles = NAMES("f:r", "g:r"),
	 .n = {NUMBERS(O_RDONLY, O_RDONLY | O_NONBLOCK)}},
	{OP_fifo_open, 10, MAKES, .handles = NAMES("f:w", "g:w"),
	 .n = {NUMBERS(O_WRONLY, O_WRONLY | O_NONBLOCK)}},
	{OP_fifo_open, 4, MAKES, .handles = NAMES("f:x"),
	 .n = {NUMBERS(O_RDWR, O_RDWR | O_NONBLOCK)}},
	{OP_fifo_open_and_close, 2, 0, .handles = PATHS,
	 .n = {NUMBERS(O_RDWR, O_WRONLY | O_NONBLOCK)}},
	{OP_fifo_unlink, 1, 0, .handles = PATHS},
	{OP_fifo_mode, 1, 0, .handles = PATHS},
	{OP_fifo_rename, 1, 0, .handles = PATHS, .others = PATHS},
	{OP_fd_write, 14, NEEDS, .handles = WRITING, .texts = NAMES("one", "", "three", "a")},
	{OP_fd_write_pattern, 4, NEEDS, .handles = WRITING,
	 .n = {NUMBERS(0), NUMBERS(4096, 1, 4097, 65536, 61440, 70000)}},
	{OP_fd_read, 18, NEEDS, .handles = READING, .n = {NUMBERS(4, 1, 4096, 0, 100000)}},
	{OP_fd_drain, 1, NEEDS, .handles = READING},
	{OP_fd_set_flags, 3, NEEDS, .handles = ANY, .n = {NUMBERS(0, O_NONBLOCK)}},
	{OP_fd_flags, 1, NEEDS, .handles = ANY},
	{OP_fd_close, 6, NEEDS | DROPS, .handles = ANY},
	{OP_fd_poll, 2, NEEDS, .handles = ANY, .n = {NUMBERS(POLLIN, POLLOUT, 0), NUMBERS(0, -1)}},
};

static const struct choice audits[] = {
	{OP_fd_readable_bytes, .handles = ANY},
	{OP_fd_poll, .handles = ANY, .n = {NUMBERS(POLLIN | POLLOUT)}},
};

const struct menu fifo_menu = {MECHANISM_fifo,
			       all,
			       choices,
			       audits,
			       sizeof(choices) / sizeof(choices[0]),
			       sizeof(audits) / sizeof(audits[0]),
			       .waiters = 1,
			       .ignores_sigpipe = true};
