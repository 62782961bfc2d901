/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ref/ipcref.h"

static int fd_fcntl(int fd, int command, long argument)
{
	return fcntl(fd, command, argument);
}

static int fd_ioctl(int fd, unsigned long request, void *argument)
{
#ifdef __GLIBC__
	return ioctl(fd, request, argument);
#else
	return ioctl(fd, (int)request, argument);
#endif
}

const struct fd_calls ref_fd = {
	.read = ipcref_read,
	.write = ipcref_write,
	.readv = ipcref_readv,
	.writev = ipcref_writev,
	.pread = pread,
	.pwrite = pwrite,
	.lseek = lseek,
	.close = ipcref_close,
	.dup = dup,
	.dup2 = ipcref_dup2,
	.fcntl = fd_fcntl,
	.ioctl = fd_ioctl,
	.fstat = fstat,
	.poll = ipcref_poll,
};
