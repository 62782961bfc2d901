/* SPDX-License-Identifier: MIT */
/* System V semaphores: who adds comes before who subtracts, and who subtracts before who waits for
 * 0. */
#include <errno.h>
#include <stdarg.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "sched/clock.h"
#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

enum { ABOVE_ZERO, ZERO, SIDES, MEMBERS_MAX = 32000 };

static uint64_t key_of(int id, unsigned member, unsigned side)
{
	return sync_key(SYNC_SEMSET, (uint64_t)id, (uint64_t)member * SIDES + side);
}

static void before(int id, const struct sembuf *operations, size_t count)
{
	for (size_t i = 0; i < count && self.party; i++) {
		const struct sembuf *it = &operations[i];

		/* first, for it may be killed as soon as it has it */
		if (it->sem_flg & SEM_UNDO)
			sync_keep(key_of(id, it->sem_num, ABOVE_ZERO), SYNC_SEMSET);
		if (it->sem_op)
			sync_release(key_of(id, it->sem_num, it->sem_op > 0 ? ABOVE_ZERO : ZERO),
				     SYNC_SEMSET);
	}
}

static int after(int id, const struct sembuf *operations, size_t count, int result)
{
	int saved = errno;

	for (size_t i = 0; !result && i < count && self.party; i++) {
		const struct sembuf *it = &operations[i];

		if (it->sem_op <= 0)
			sync_acquire_kept(key_of(id, it->sem_num, it->sem_op ? ABOVE_ZERO : ZERO),
					  SYNC_SEMSET);
	}
	errno = saved;
	return result;
}

WRAP(int, semop, (int id, struct sembuf *operations, size_t count))
{
	before(id, operations, count);
	return after(id, operations, count,
		     MODELLED ? model_semtimedop(HERE, id, operations, count, NULL)
			      : REAL(semop)(id, operations, count));
}

#ifdef HAVE_SEMTIMEDOP
WRAP(int, semtimedop,
     (int id, struct sembuf *operations, size_t count, const struct timespec *timeout))
{
	before(id, operations, count);
	return after(id, operations, count,
		     MODELLED ? model_semtimedop(HERE, id, operations, count, timeout)
			      : REAL(semtimedop)(id, operations, count, timeout));
}
#endif

WRAP(int, semget, (key_t key, int count, int flags))
{
	return EXPLORED ? model_semget(HERE, key, count, flags) : REAL(semget)(key, count, flags);
}

union semun {
	int value;
	struct semid_ds *status;
	unsigned short *all;
};

static unsigned members_of(int id);

/* Of one, or of all that there are. */
static void each_member(int id, int member, bool all,
			void (*act)(uint64_t key, enum sync_kind kind))
{
	unsigned first = all ? 0 : (unsigned)member, end = all ? members_of(id) : first + 1;

	for (unsigned i = first; i < end && i < MEMBERS_MAX; i++)
		for (unsigned side = 0; side < SIDES; side++)
			act(key_of(id, i, side), SYNC_SEMSET);
}

int __real_semctl(int id, int member, int command, ...);
int __wrap_semctl(int id, int member, int command, ...);
int __wrap_semctl(int id, int member, int command, ...)
{
	va_list rest;

	va_start(rest, command);
	union semun argument = va_arg(rest, union semun);

	va_end(rest);
	if (self.party && (command == SETVAL || command == SETALL || command == IPC_RMID))
		each_member(id, member, command != SETVAL, sync_release);
	if (MODELLED)
		model_sysv_point(HERE, OPERATION_SEMCTL, id);
	int result = REAL(semctl)(id, member, command, argument);
	int saved = errno;

	if (EXPLORED && command == IPC_RMID)
		model_removed(LEFTOVER_SEMSET, id, "", result);
	if (MODELLED)
		model_sysv_changed(OPERATION_SEMCTL, id);
	/* what tells that somebody has been here: values, and when the last operation was */
	if (self.party && result >= 0 &&
	    (command == GETVAL || command == GETALL || command == IPC_STAT || command == GETPID))
		each_member(id, member, command == GETALL || command == IPC_STAT, sync_acquire);
	errno = saved;
	return result;
}

static unsigned members_of(int id)
{
	struct semid_ds status;
	int saved = errno;
	bool found = !REAL(semctl)(id, 0, IPC_STAT, (union semun){.status = &status});

	errno = saved;
	return found ? (unsigned)status.sem_nsems : 0;
}
