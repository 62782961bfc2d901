/* SPDX-License-Identifier: MIT */
/* The platform's own IPC, as its libc and kernel offer it: one table a mechanism. */
#ifndef IPCTS_POSIX_POSIX_H
#define IPCTS_POSIX_POSIX_H

#include "contract/implementation.h"

extern const struct fd_calls posix_fd;
extern const struct sig_calls posix_sig;
extern const struct pipe_calls posix_pipe;
extern const struct fifo_calls posix_fifo;
extern const struct msg_calls posix_msg;
extern const struct mq_calls posix_mq;
extern const struct shm_calls posix_shm;
extern const struct sem_calls posix_sem;
extern const struct semset_calls posix_semset;
extern const struct sock_calls posix_sock;
extern const struct lock_calls posix_lock;
extern const struct event_calls posix_event;

extern const struct implementation posix_implementation;

#endif
