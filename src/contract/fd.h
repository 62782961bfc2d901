/* SPDX-License-Identifier: MIT */
/* Descriptors, whatever they lead to: the calls that pipes, FIFOs, sockets, queues and events
 * share. */
#ifndef IPCTS_CONTRACT_FD_H
#define IPCTS_CONTRACT_FD_H

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct fd_calls {
	ssize_t (*read)(int fd, void *buffer, size_t size);
	ssize_t (*write)(int fd, const void *buffer, size_t size);
	ssize_t (*readv)(int fd, const struct iovec *vector, int count);
	ssize_t (*writev)(int fd, const struct iovec *vector, int count);
	ssize_t (*pread)(int fd, void *buffer, size_t size, off_t offset);
	ssize_t (*pwrite)(int fd, const void *buffer, size_t size, off_t offset);
	off_t (*lseek)(int fd, off_t offset, int whence);
	int (*close)(int fd);
	int (*dup)(int fd);
	int (*dup2)(int fd, int as);
	int (*fcntl)(int fd, int command, long argument);
	int (*ioctl)(int fd, unsigned long request, void *argument);
	int (*fstat)(int fd, struct stat *status);
	int (*poll)(struct pollfd *descriptors, nfds_t count, int milliseconds);
};

#endif
