/* SPDX-License-Identifier: MIT */
/* The anonymous pipe: a bounded buffer with two ends, shared by inheritance. */
#ifndef IPCTS_CONTRACT_PIPE_H
#define IPCTS_CONTRACT_PIPE_H

struct pipe_calls {
	int (*pipe)(int ends[2]);
	int (*pipe2)(int ends[2], int flags);
};

#endif
