/* SPDX-License-Identifier: MIT */
/* What comes and goes: segments and their attachments, objects, keys and names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fault/storm.h"
#include "ref/ipcref.h"

enum { KEYS = 6, FIRST_KEY = 0x5370 };

/* Somebody may always be quicker. */
static bool is_gone(void)
{
	return errno == EINVAL || errno == EIDRM || errno == ENOENT;
}

/* -- segments: who is attached is who is there
 * ------------------------------------------------------ */

enum { SEGMENTS = 2, SEGMENT_SIZE = 4096 };

static void shm_begin(void)
{
}

static void use_segment(int id, unsigned slot)
{
	struct shmid_ds status;
	char *one = ipcref_shmat(id, NULL, 0), *other = (char *)-1;

	if (one == (char *)-1) {
		MUST(is_gone());
		return;
	}
	one[slot] = 1;
	if (chance(2)) {
		other = ipcref_shmat(id, NULL, SHM_RDONLY);
		MUST(other == (char *)-1 ? is_gone() : other[slot] == 1);
	}
	MUST(ipcref_shmctl(id, IPC_STAT, &status) == 0);
	MUST(status.shm_segsz == SEGMENT_SIZE);
	MUST(status.shm_nattch >= (other == (char *)-1 ? 1 : 2));
	MUST(status.shm_nattch <= 2 * WORKERS);
	MUST(ipcref_shmdt(one) == 0);
	if (other != (char *)-1)
		MUST(ipcref_shmdt(other) == 0);
}

static void shm_work(struct worker *me)
{
	int id = ipcref_shmget(FIRST_KEY + (int)chance(SEGMENTS), SEGMENT_SIZE, IPC_CREAT | 0600);

	if (id < 0) {
		MUST(is_gone());
		return;
	}
	use_segment(id, me->slot);
	if (chance(10) == 0)
		MUST(ipcref_shmctl(id, IPC_RMID, NULL) == 0 || is_gone());
}

static void shm_end(void)
{
	struct shm_info info;
	struct shmid_ds status;

	for (int key = FIRST_KEY; key < FIRST_KEY + SEGMENTS; key++) {
		int id = ipcref_shmget(key, 0, 0);

		if (id < 0) {
			MUST(errno == ENOENT);
			continue;
		}
		MUST(ipcref_shmctl(id, IPC_STAT, &status) == 0);
		MUST(status.shm_nattch == 0);
		MUST(ipcref_shmctl(id, IPC_RMID, NULL) == 0);
	}
	/* those that the dead had doomed go, for somebody looks */
	ipcref_shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info);
	MUST(info.used_ids == 0);
}

const struct mechanism storm_shm = {"shm", shm_begin, NULL, shm_work, NULL, shm_end};

/* -- objects that are made and removed
 * --------------------------------------------------------------- */

static void registry_begin(void)
{
}

static void work_with_set(key_t key, int flags)
{
	int id = ipcref_semget(key, 1, flags);

	if (id < 0) {
		MUST(errno == EEXIST || is_gone());
		return;
	}
	MUST(ipcref_semctl(id, 0, GETVAL) == 0 || is_gone());
	/* what nobody else knows of is removed at once */
	if (key == IPC_PRIVATE || chance(2))
		MUST(ipcref_semctl(id, 0, IPC_RMID) == 0 || (key != IPC_PRIVATE && is_gone()));
}

static void work_with_queue(key_t key, int flags)
{
	int id = ipcref_msgget(key, flags);

	if (id < 0)
		MUST(errno == EEXIST || is_gone());
	else if (chance(2))
		MUST(ipcref_msgctl(id, IPC_RMID, NULL) == 0 || is_gone());
}

static void work_with_names(void)
{
	sem_t *sem = ipcref_sem_open("/storm", chance(2) ? O_CREAT : O_CREAT | O_EXCL, 0600, 1);
	MUST(sem != SEM_FAILED || errno == EEXIST);

	mqd_t queue = ipcref_mq_open("/storm", O_CREAT | O_RDWR, 0600, NULL);
	MUST(queue >= 0);

	if (sem != SEM_FAILED)
		MUST(ipcref_sem_close(sem) == 0);
	MUST(ipcref_mq_close(queue) == 0);
	if (chance(2))
		MUST(ipcref_sem_unlink("/storm") == 0 || errno == ENOENT);
	if (chance(2))
		MUST(ipcref_mq_unlink("/storm") == 0 || errno == ENOENT);
}

static void registry_work(struct worker *me)
{
	static const int flags[] = {0, IPC_CREAT | 0600, IPC_CREAT | IPC_EXCL | 0600};
	key_t key = FIRST_KEY + (int)chance(KEYS);

	(void)me;
	switch (chance(8)) {
	case 0:
		work_with_queue(key, flags[chance(3)]);
		break;
	case 1:
		work_with_names();
		break;
	case 2:
		work_with_set(IPC_PRIVATE, 0600);
		break;
	default:
		work_with_set(key, flags[chance(3)]);
	}
}

union semun {
	struct semid_ds *buf;
	struct seminfo *info;
};

/* No two sets that are there have the same key, and each can be removed. */
static void remove_sets(void)
{
	bool is_found[KEYS] = {false};
	struct seminfo info;
	struct semid_ds status;
	int highest = ipcref_semctl(0, 0, SEM_INFO, (union semun){.info = &info});

	for (int place = 0; place <= highest; place++) {
		int id = ipcref_semctl(place, 0, SEM_STAT, (union semun){.buf = &status});

		if (id < 0)
			continue;
		int number = status.sem_perm.__key - FIRST_KEY;
		if (number >= 0 && number < KEYS) {
			MUST(!is_found[number]);
			is_found[number] = true;
			MUST(ipcref_semget(status.sem_perm.__key, 1, 0) == id);
		}
		MUST(ipcref_semctl(id, 0, IPC_RMID) == 0);
	}
	ipcref_semctl(0, 0, SEM_INFO, (union semun){.info = &info});
	MUST(info.semusz == 0);
}

static void remove_queues(void)
{
	struct msginfo info;
	struct msqid_ds status;
	int highest = ipcref_msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&info);

	for (int place = 0; place <= highest; place++) {
		int id = ipcref_msgctl(place, MSG_STAT, &status);

		if (id >= 0)
			MUST(ipcref_msgctl(id, IPC_RMID, NULL) == 0);
	}
	ipcref_msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&info);
	MUST(info.msgpool == 0);
}

static void registry_end(void)
{
	remove_sets();
	remove_queues();
	MUST(ipcref_sem_unlink("/storm") == 0 || errno == ENOENT);
	MUST(ipcref_mq_unlink("/storm") == 0 || errno == ENOENT);
}

const struct mechanism storm_registry = {"registry",	registry_begin, NULL,
					 registry_work, NULL,		registry_end};
