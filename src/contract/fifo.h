/* SPDX-License-Identifier: MIT */
/* The named pipe: a pipe that unrelated processes find by a path. */
#ifndef IPCTS_CONTRACT_FIFO_H
#define IPCTS_CONTRACT_FIFO_H

#include <sys/stat.h>

struct fifo_calls {
	int (*mkfifo)(const char *path, mode_t mode);
	int (*mkfifoat)(int directory, const char *path, mode_t mode);
	int (*mknod)(const char *path, mode_t mode, dev_t device);
	int (*open)(const char *path, int flags, mode_t mode);
	int (*stat)(const char *path, struct stat *status);
	int (*chmod)(const char *path, mode_t mode);
	int (*unlink)(const char *path);
	int (*link)(const char *from, const char *to);
	int (*rename)(const char *from, const char *to);
};

#endif
