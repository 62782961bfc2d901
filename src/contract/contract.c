/* SPDX-License-Identifier: MIT */
/* The contract as data: rules, operations and their constructors, all from the .rules and .ops
 * files. */
#include "contract/rule.h"
#include "contract/vocabulary.h"

const struct rule rules[RULE_COUNT] = {
#define RULE(mechanism, name, grade, clause, text, seen)                                           \
	{MECHANISM_##mechanism, grade, #mechanism "." #name, clause, text, seen},
#include "contract/all.rules"
};

const struct untestable untestables[] = {
#define UNTESTABLE(mechanism, name, grade, clause, text, reason)                                   \
	{MECHANISM_##mechanism, grade, #mechanism "." #name, clause, text, reason},
#include "contract/all.rules"
	{.name = NULL},
};

const char *const mechanism_names[MECHANISM_COUNT] = {
#define M(name) #name,
	MECHANISMS(M)
#undef M
};

const char *const mechanism_titles[MECHANISM_COUNT] = {
	[MECHANISM_sig] = "signals",
	[MECHANISM_pipe] = "anonymous pipe",
	[MECHANISM_fifo] = "named pipe (FIFO)",
	[MECHANISM_msg] = "System V message queue",
	[MECHANISM_mq] = "POSIX message queue",
	[MECHANISM_shm] = "shared memory",
	[MECHANISM_sem] = "POSIX semaphore",
	[MECHANISM_semset] = "System V semaphore set",
	[MECHANISM_sock] = "socket",
	[MECHANISM_lock] = "lock",
	[MECHANISM_event] = "event and readiness",
};

const char *const grade_names[GRADE_COUNT] = {"SHALL", "MAY", "LINUX", "OURS"};

const struct op_description op_descriptions[OP_COUNT] = {
#define OP(mechanism, word, parameters, shows, ...) {#mechanism "." #word, shows},
#include "contract/all.ops"
#undef OP
};

#define OP(mechanism, word, parameters, shows, ...)                                                \
	static op construct_##mechanism##_##word parameters                                        \
	{                                                                                          \
		return (op){.code = OP_##mechanism##_##word, __VA_ARGS__};                         \
	}
#include "contract/all.ops"
#undef OP

#define OP(mechanism, word, ...) .word = construct_##mechanism##_##word,
const struct stage_vocabulary stage = {
#include "contract/stage.ops"
};
const struct fd_vocabulary fd = {
#include "contract/fd.ops"
};
const struct machine_vocabulary machine = {
#include "contract/machine.ops"
};
const struct sig_vocabulary sig = {
#include "contract/sig.ops"
};
const struct pipe_vocabulary pipes = {
#include "contract/pipe.ops"
};
const struct fifo_vocabulary fifo = {
#include "contract/fifo.ops"
};
const struct msg_vocabulary msg = {
#include "contract/msg.ops"
};
const struct mq_vocabulary mq = {
#include "contract/mq.ops"
};
const struct shm_vocabulary shm = {
#include "contract/shm.ops"
};
const struct sem_vocabulary sem = {
#include "contract/sem.ops"
};
const struct semset_vocabulary semset = {
#include "contract/semset.ops"
};
const struct sock_vocabulary sock = {
#include "contract/sock.ops"
};
const struct lock_vocabulary lock = {
#include "contract/lock.ops"
};
const struct event_vocabulary event = {
#include "contract/event.ops"
};
