/* SPDX-License-Identifier: MIT */
/*
 * Objects that outlive their processes.  What a run has made is noted, so that a run that is killed
 * leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/shm.h>

#include "sched/leftover.h"
#include "sched/model.h"
#include "sched/real.h"
#include "sched/schedule.h"

int REAL(semget)(key_t key, int count, int flags);
int REAL(msgget)(key_t key, int flags);
int REAL(shmget)(key_t key, size_t size, int flags);
int REAL(shm_open)(const char *name, int flags, mode_t mode);
sem_t *REAL(sem_open)(const char *name, int flags, ...);
mqd_t REAL(mq_open)(const char *name, int flags, ...);

static void note(enum leftover_kind kind, bool keyless, int id, const char *name)
{
	if (!leftover_note(kind, keyless, id, name))
		schedule_end(ENDING_TROUBLE, runtime_self(),
			     "more than %u IPC objects at a time, or too long a name",
			     LEFTOVERS_MAX);
}

static void point(const void *pc, bool may_make)
{
	model_name_point(pc, may_make ? OPERATION_FILE_NAME : OPERATION_FILE_OPEN, may_make);
}

/*
 * Whether it makes something is known if nothing may be there at first: otherwise that is EEXIST,
 * and it is tried again.
 */
#define MAKE_OR_FIND(creates, excludes, result, bad, kind, keyless, id, name, call)                \
	do {                                                                                       \
		int exclusive = (creates) ? (excludes) : 0;                                        \
		leftover_making();                                                                 \
		result = call;                                                                     \
		if (result != (bad) && (creates))                                                  \
			note(kind, keyless, id, name);                                             \
		leftover_made();                                                                   \
		if (result != (bad) && (creates))                                                  \
			break;                                                                     \
		if (result == (bad) && errno == EEXIST && (creates) && !(flags & (excludes))) {    \
			exclusive = 0;                                                             \
			result = call;                                                             \
		}                                                                                  \
		if (result == (bad))                                                               \
			runtime_unchanged();                                                       \
	} while (0)

/* ---- by key ---- */

int model_semget(const void *pc, key_t key, int count, int flags)
{
	bool creates = key == IPC_PRIVATE || (flags & IPC_CREAT);
	int id;

	point(pc, creates);
	MAKE_OR_FIND(creates, IPC_EXCL, id, -1, LEFTOVER_SEMSET, key == IPC_PRIVATE, id, "",
		     REAL(semget)(key, count, flags | exclusive));
	return id;
}

int model_msgget(const void *pc, key_t key, int flags)
{
	bool creates = key == IPC_PRIVATE || (flags & IPC_CREAT);
	int id;

	point(pc, creates);
	MAKE_OR_FIND(creates, IPC_EXCL, id, -1, LEFTOVER_MSG, key == IPC_PRIVATE, id, "",
		     REAL(msgget)(key, flags | exclusive));
	return id;
}

int model_shmget(const void *pc, key_t key, size_t size, int flags)
{
	bool creates = key == IPC_PRIVATE || (flags & IPC_CREAT);
	int id;

	point(pc, creates);
	MAKE_OR_FIND(creates, IPC_EXCL, id, -1, LEFTOVER_SHM, key == IPC_PRIVATE, id, "",
		     REAL(shmget)(key, size, flags | exclusive));
	return id;
}

/* ---- by name ---- */

int model_shm_open(const void *pc, const char *name, int flags, mode_t mode)
{
	bool creates = flags & O_CREAT;
	int fd;

	point(pc, creates);
	MAKE_OR_FIND(creates, O_EXCL, fd, -1, LEFTOVER_SHM_NAME, false, 0, name,
		     REAL(shm_open)(name, flags | exclusive, mode));
	return fd;
}

sem_t *model_sem_open(const void *pc, const char *name, int flags, mode_t mode, unsigned value)
{
	bool creates = flags & O_CREAT;
	sem_t *sem;

	point(pc, creates);
	MAKE_OR_FIND(creates, O_EXCL, sem, SEM_FAILED, LEFTOVER_SEM_NAME, false, 0, name,
		     REAL(sem_open)(name, flags | exclusive, mode, value));
	return sem;
}

mqd_t model_mq_open(const void *pc, const char *name, int flags, mode_t mode,
		    struct mq_attr *attributes)
{
	bool creates = flags & O_CREAT;
	mqd_t queue;

	point(pc, creates);
	MAKE_OR_FIND(creates, O_EXCL, queue, (mqd_t)-1, LEFTOVER_MQ_NAME, false, 0, name,
		     REAL(mq_open)(name, flags | exclusive, mode, attributes));
	return queue;
}

/* ---- and what is no more ---- */

int model_removed(enum leftover_kind kind, int id, const char *name, int result)
{
	if (result == 0)
		leftover_forget(kind, id, name);
	return result;
}
