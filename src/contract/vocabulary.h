/* SPDX-License-Identifier: MIT */
/*
 * The constructors of operations, as a test writes them: fifo.open("f", O_WRONLY).
 * (pipe(2) owns the name pipe, so that vocabulary is called pipes.)
 */
#ifndef IPCTS_CONTRACT_VOCABULARY_H
#define IPCTS_CONTRACT_VOCABULARY_H

#include "contract/op.h"

#define OP(mechanism, word, parameters, ...) op(*word) parameters;
extern const struct stage_vocabulary {
#include "contract/stage.ops"
} stage;
extern const struct fd_vocabulary {
#include "contract/fd.ops"
} fd;
extern const struct machine_vocabulary {
#include "contract/machine.ops"
} machine;
extern const struct sig_vocabulary {
#include "contract/sig.ops"
	char none;
} sig;
extern const struct pipe_vocabulary {
#include "contract/pipe.ops"
} pipes;
extern const struct fifo_vocabulary {
#include "contract/fifo.ops"
} fifo;
extern const struct msg_vocabulary {
#include "contract/msg.ops"
	char none;
} msg;
extern const struct mq_vocabulary {
#include "contract/mq.ops"
	char none;
} mq;
extern const struct shm_vocabulary {
#include "contract/shm.ops"
	char none;
} shm;
extern const struct sem_vocabulary {
#include "contract/sem.ops"
	char none;
} sem;
extern const struct semset_vocabulary {
#include "contract/semset.ops"
	char none;
} semset;
extern const struct sock_vocabulary {
#include "contract/sock.ops"
	char none;
} sock;
extern const struct lock_vocabulary {
#include "contract/lock.ops"
	char none;
} lock;
extern const struct event_vocabulary {
#include "contract/event.ops"
} event;
#undef OP

#endif
