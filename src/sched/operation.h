/* SPDX-License-Identifier: MIT */
/* What a process is about to do that others may notice. */
#ifndef IPCTS_SCHED_OPERATION_H
#define IPCTS_SCHED_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

/* Bits. A delayed write goes to the store buffer: nobody else sees it yet. */
enum access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_ATOMIC = 4, ACCESS_DELAYED = 8 };

/* OPERATION(kind, name): how each is told. */
#define OPERATIONS(OPERATION)                                                                      \
	OPERATION(START, "begins")                                                                 \
	OPERATION(ACCESS, "")                                                                      \
	OPERATION(FENCE, "fence")                                                                  \
	OPERATION(FORK, "fork")                                                                    \
	OPERATION(EXIT, "exits")                                                                   \
	OPERATION(AWAIT_CHILD, "wait")                                                             \
	OPERATION(THREAD_CREATE, "pthread_create")                                                 \
	OPERATION(THREAD_JOIN, "pthread_join")                                                     \
	OPERATION(KILL, "kill")                                                                    \
	OPERATION(AWAIT_SIGNAL, "waits for a signal")                                              \
	OPERATION(ALARM, "its alarm rings")                                                        \
	OPERATION(SLEEP, "sleeps")                                                                 \
	OPERATION(YIELD, "yields")                                                                 \
	OPERATION(FUTEX_WAIT, "futex wait")                                                        \
	OPERATION(FUTEX_WAKE, "futex wake")                                                        \
	OPERATION(SEM_WAIT, "sem_wait")                                                            \
	OPERATION(SEM_POST, "sem_post")                                                            \
	OPERATION(SEM_VALUE, "sem_getvalue")                                                       \
	OPERATION(MUTEX_LOCK, "pthread_mutex_lock")                                                \
	OPERATION(MUTEX_UNLOCK, "pthread_mutex_unlock")                                            \
	OPERATION(COND_WAIT, "pthread_cond_wait")                                                  \
	OPERATION(COND_SIGNAL, "pthread_cond_signal")                                              \
	OPERATION(COND_BROADCAST, "pthread_cond_broadcast")                                        \
	OPERATION(READ_LOCK, "pthread_rwlock_rdlock")                                              \
	OPERATION(WRITE_LOCK, "pthread_rwlock_wrlock")                                             \
	OPERATION(RWLOCK_UNLOCK, "pthread_rwlock_unlock")                                          \
	OPERATION(BARRIER_WAIT, "pthread_barrier_wait")                                            \
	OPERATION(SPIN_LOCK, "pthread_spin_lock")                                                  \
	OPERATION(SPIN_UNLOCK, "pthread_spin_unlock")                                              \
	OPERATION(SEMOP, "semop")                                                                  \
	OPERATION(SEMCTL, "semctl")                                                                \
	OPERATION(MSGSND, "msgsnd")                                                                \
	OPERATION(MSGRCV, "msgrcv")                                                                \
	OPERATION(MSGCTL, "msgctl")                                                                \
	OPERATION(MQ_SEND, "mq_send")                                                              \
	OPERATION(MQ_RECEIVE, "mq_receive")                                                        \
	OPERATION(FILE_READ, "read")                                                               \
	OPERATION(FILE_WRITE, "write")                                                             \
	OPERATION(FILE_CLOSE, "close")                                                             \
	OPERATION(FILE_OPEN, "open")                                                               \
	OPERATION(FILE_NAME, "change of a name")                                                   \
	OPERATION(FILE_LOCK, "lock of a file")                                                     \
	OPERATION(POLL, "poll")                                                                    \
	OPERATION(ACCEPT, "accept")                                                                \
	OPERATION(CONNECT, "connect")                                                              \
	OPERATION(STEP, "step")                                                                    \
	OPERATION(FLUSH, "")                                                                       \
	OPERATION(DIE, "is killed")

enum operation_kind {
#define OPERATION(kind, name) OPERATION_##kind,
	OPERATIONS(OPERATION)
#undef OPERATION
		OPERATION_KINDS
};

/* Two of them conflict if they have a key in common and one of them writes. */
struct operation {
	uint64_t key; /* 0: nothing that others have */
	uint64_t pc;  /* in its module, see arena.h */
	uint8_t kind;
	uint8_t access; /* enum access; a synchronisation updates */
	uint8_t size;	/* bytes, of an access; 0: more than fit */
	uint8_t module;
	uint8_t within; /* the first byte, of the eight that the key is of */
};

static inline bool operations_conflict(const struct operation *one, const struct operation *other)
{
	unsigned access = one->access | other->access;

	return one->key && one->key == other->key &&
	       (access & (ACCESS_WRITE | ACCESS_DELAYED)) == ACCESS_WRITE;
}

/* What it does is told by its key alone, and is within the eight bytes that a key of memory is of.
 */
static inline bool operation_is_local(const struct operation *operation)
{
	switch (operation->kind) {
	case OPERATION_START: /* touches nothing */
	case OPERATION_FENCE:
		return true;
	case OPERATION_ACCESS:
	case OPERATION_FLUSH:
		return (operation->access & ACCESS_DELAYED) ||
		       (operation->size && operation->within + operation->size <= 8);
	case OPERATION_FORK:
	case OPERATION_EXIT:
	case OPERATION_AWAIT_CHILD:
	case OPERATION_THREAD_CREATE:
	case OPERATION_THREAD_JOIN:
	case OPERATION_KILL:
	case OPERATION_AWAIT_SIGNAL:
	case OPERATION_ALARM:
	case OPERATION_SLEEP:
	case OPERATION_YIELD:
	case OPERATION_COND_WAIT: /* gives back the mutex, too */
	case OPERATION_POLL:
	case OPERATION_DIE:
		return false;
	default:
		return operation->key != 0;
	}
}

/* Whether it may matter which is first; true in doubt. */
static inline bool operations_may_conflict(const struct operation *one,
					   const struct operation *other)
{
	return !operation_is_local(one) || !operation_is_local(other) ||
	       operations_conflict(one, other);
}

#endif
