/* SPDX-License-Identifier: MIT */
/* The anonymous pipe: a bounded buffer with two ends, shared by inheritance. */
#ifndef IPCTS_CONTRACT_PIPE_H
#define IPCTS_CONTRACT_PIPE_H

#include <fcntl.h>
#include <sys/types.h>
#include <sys/uio.h>

struct pipe_calls {
	int (*pipe)(int ends[2]);
	int (*pipe2)(int ends[2], int flags);
	int (*dup3)(int fd, int as, int flags);
	/* what can be asked of a file, and not of a pipe */
	int (*fsync)(int fd);
	int (*ftruncate)(int fd, off_t size);
	int (*posix_fadvise)(int fd, off_t offset, off_t size, int advice);
	int (*posix_fallocate)(int fd, off_t offset, off_t size);
	/* Linux: between a pipe and something else without copying */
	ssize_t (*splice)(int from, off_t *offset, int to, off_t *to_offset, size_t size,
			  unsigned flags);
	ssize_t (*tee)(int from, int to, size_t size, unsigned flags);
	ssize_t (*vmsplice)(int to, const struct iovec *vector, size_t count, unsigned flags);
	ssize_t (*sendfile)(int to, int from, off_t *offset, size_t size);
};

/* What a system without these calls still compiles with. */
#ifndef SPLICE_F_NONBLOCK
#define SPLICE_F_NONBLOCK 0x02
#endif

#endif
