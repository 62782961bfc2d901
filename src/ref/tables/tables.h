/* SPDX-License-Identifier: MIT */
/* The reference as an implementation to judge: one table a mechanism, as src/posix has them. */
#ifndef IPCREF_TABLES_H
#define IPCREF_TABLES_H

#include "contract/implementation.h"

extern const struct event_calls ref_event;
extern const struct fd_calls ref_fd;
extern const struct fifo_calls ref_fifo;
extern const struct lock_calls ref_lock;
extern const struct mq_calls ref_mq;
extern const struct msg_calls ref_msg;
extern const struct pipe_calls ref_pipe;
extern const struct sem_calls ref_sem;
extern const struct semset_calls ref_semset;
extern const struct shm_calls ref_shm;
extern const struct sig_calls ref_sig;
extern const struct sock_calls ref_sock;

#endif
