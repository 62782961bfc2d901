/* SPDX-License-Identifier: MIT */
/*
 * An implementation is a table of POSIX-shaped functions a mechanism: src/posix fills one with the
 * platform's, a reference or a plugin with its own.  A null table or a null function is what the
 * implementation lacks; its tests are skipped with the reason.
 */
#ifndef IPCTS_CONTRACT_IMPLEMENTATION_H
#define IPCTS_CONTRACT_IMPLEMENTATION_H

#include "contract/event.h"
#include "contract/fd.h"
#include "contract/fifo.h"
#include "contract/lock.h"
#include "contract/mq.h"
#include "contract/msg.h"
#include "contract/pipe.h"
#include "contract/sem.h"
#include "contract/semset.h"
#include "contract/shm.h"
#include "contract/sig.h"
#include "contract/sock.h"

struct implementation {
	const char *name;
	/* Why an operation ("mq.send") is a null entry; NULL: no particular reason. */
	const char *(*lacks)(const char *operation);
	/*
	 * Its objects are files of this directory from now on, also of those who are executed by
	 * this process: a run has one of its own.  NULL: its objects are no files.
	 */
	void (*enter)(const char *directory);
	/* Whose signals interrupt, in tests of anything but signals; NULL: its own. */
	const struct implementation *means;
	const struct fd_calls *fd; /* descriptors, of whatever they are */
	const struct sig_calls *sig;
	const struct pipe_calls *pipe;
	const struct fifo_calls *fifo;
	const struct msg_calls *msg;
	const struct mq_calls *mq;
	const struct shm_calls *shm;
	const struct sem_calls *sem;
	const struct semset_calls *semset;
	const struct sock_calls *sock;
	const struct lock_calls *lock;
	const struct event_calls *event;
};

#endif
