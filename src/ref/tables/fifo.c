/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include <stdio.h>
#include <unistd.h>

#include "ref/ipcref.h"

static int open_all(const char *path, int flags, mode_t mode)
{
	return ipcref_open(path, flags, mode);
}

const struct fifo_calls ref_fifo = {
	.mkfifo = ipcref_mkfifo,
	.mkfifoat = ipcref_mkfifoat,
	.mknod = ipcref_mknod,
	.open = open_all,
	.stat = ipcref_stat,
	.chmod = ipcref_chmod,
	/* a FIFO's file is a file as any other */
	.unlink = unlink,
	.link = link,
	.rename = rename,
};
