/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <unistd.h>

#include "posix/posix.h"

const struct pipe_calls posix_pipe = {
	.pipe = pipe,
	.pipe2 = pipe2,
};
