/* SPDX-License-Identifier: MIT */
/* System V semaphores and queues: the calls themselves, told not to wait. */
#include <errno.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "sched/model.h"
#include "sched/real.h"

int REAL(semop)(int id, struct sembuf *operations, size_t count);
int REAL(msgsnd)(int id, const void *message, size_t size, int flags);
ssize_t REAL(msgrcv)(int id, void *message, size_t size, long type, int flags);

enum { OBJECT_SEMSET = 2, OBJECT_MSG = 3, OPERATIONS_MAX = 512 };

static uint64_t key_of(enum operation_kind kind, int id)
{
	bool is_queue =
		kind == OPERATION_MSGSND || kind == OPERATION_MSGRCV || kind == OPERATION_MSGCTL;

	return key_of_object(is_queue ? OBJECT_MSG : OBJECT_SEMSET, 0, (uint64_t)id);
}

static int unchanged(void)
{
	runtime_unchanged();
	return -1;
}

/* False: it is to fail, with errno. */
static bool wait_again(const struct operation *operation, int64_t timeout)
{
	switch (sched_block(operation, timeout)) {
	case TIMED_OUT:
		errno = EAGAIN;
		return false;
	case INTERRUPTED:
		errno = EINTR;
		return false;
	default:
		return true;
	}
}

/* ---- semaphores ---- */

/* What one of them says of not waiting it says of the whole; so all are told, and one is asked. */
static bool would_wait(const struct sembuf *operations, size_t count)
{
	for (size_t index = 0; index < count; index++)
		if (operations[index].sem_flg & IPC_NOWAIT)
			return false;
	return true;
}

int model_semtimedop(const void *pc, int id, struct sembuf *operations, size_t count,
		     const struct timespec *timeout)
{
	struct operation operates =
		model_operation(OPERATION_SEMOP, key_of(OPERATION_SEMOP, id), pc);
	struct sembuf tries[OPERATIONS_MAX];
	int64_t left = timeout ? timeout->tv_sec * INT64_C(1000000000) + timeout->tv_nsec : FOREVER;

	if (count > OPERATIONS_MAX) {
		errno = E2BIG;
		return -1;
	}
	sched_point(&operates);
	for (size_t index = 0; index < count; index++) {
		tries[index] = operations[index];
		tries[index].sem_flg |= IPC_NOWAIT;
	}
	while (REAL(semop)(id, tries, count) < 0)
		if (errno != EAGAIN || !would_wait(operations, count) ||
		    !wait_again(&operates, left))
			return unchanged();
	sched_wake(operates.key);
	return 0;
}

/* ---- queues ---- */

int model_msgsnd(const void *pc, int id, const void *message, size_t size, int flags)
{
	struct operation sends =
		model_operation(OPERATION_MSGSND, key_of(OPERATION_MSGSND, id), pc);

	sched_point(&sends);
	while (REAL(msgsnd)(id, message, size, flags | IPC_NOWAIT) < 0)
		if (errno != EAGAIN || (flags & IPC_NOWAIT) || !wait_again(&sends, FOREVER))
			return unchanged();
	sched_wake(sends.key);
	return 0;
}

ssize_t model_msgrcv(const void *pc, int id, void *message, size_t size, long type, int flags)
{
	struct operation receives =
		model_operation(OPERATION_MSGRCV, key_of(OPERATION_MSGRCV, id), pc);
	ssize_t got;

	sched_point(&receives);
	while ((got = REAL(msgrcv)(id, message, size, type, flags | IPC_NOWAIT)) < 0)
		if (errno != ENOMSG || (flags & IPC_NOWAIT) || !wait_again(&receives, FOREVER))
			return unchanged();
	sched_wake(receives.key);
	return got;
}

/* ---- control ---- */

void model_sysv_point(const void *pc, enum operation_kind kind, int id)
{
	struct operation controls = model_operation(kind, key_of(kind, id), pc);

	sched_point(&controls);
}

void model_sysv_changed(enum operation_kind kind, int id)
{
	int saved = errno;

	sched_wake(key_of(kind, id));
	errno = saved;
}
