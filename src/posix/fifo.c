/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "posix/posix.h"

static int posix_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

const struct fifo_calls posix_fifo = {
	.mkfifo = mkfifo,
	.mkfifoat = mkfifoat,
	.mknod = mknod,
	.open = posix_open,
	.stat = stat,
	.chmod = chmod,
	.unlink = unlink,
	.link = link,
	.rename = rename,
};
