/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include <poll.h>

#include "ref/ipcref.h"

static int fcntl_all(int fd, int command, long argument)
{
	return ipcref_fcntl(fd, command, argument);
}

static int ioctl_all(int fd, unsigned long request, void *argument)
{
	return ipcref_ioctl(fd, request, argument);
}

const struct fd_calls ref_fd = {
	.read = ipcref_read,
	.write = ipcref_write,
	.readv = ipcref_readv,
	.writev = ipcref_writev,
	.pread = ipcref_pread,
	.pwrite = ipcref_pwrite,
	.lseek = ipcref_lseek,
	.close = ipcref_close,
	.dup = ipcref_dup,
	.dup2 = ipcref_dup2,
	.fcntl = fcntl_all,
	.ioctl = ioctl_all,
	.fstat = ipcref_fstat,
	.poll = ipcref_poll,
};
