/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

/* Functions with variable arguments, and those whose types differ between libraries. */
static int posix_fcntl(int fd, int command, long argument)
{
	return fcntl(fd, command, argument);
}

static int posix_ioctl(int fd, unsigned long request, void *argument)
{
#ifdef __GLIBC__
	return ioctl(fd, request, argument);
#else
	return ioctl(fd, (int)request, argument);
#endif
}

const struct fd_calls posix_fd = {
	.read = read,
	.write = write,
	.readv = readv,
	.writev = writev,
	.pread = pread,
	.pwrite = pwrite,
	.lseek = lseek,
	.close = close,
	.dup = dup,
	.dup2 = dup2,
	.fcntl = posix_fcntl,
	.ioctl = posix_ioctl,
	.fstat = fstat,
	.poll = poll,
};
