/* SPDX-License-Identifier: MIT */
/* What those who explore do of leftover.h: the runtime of the program removes nothing. */
#include <mqueue.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "sched/leftover.h"

static void remove_one(const struct leftover *leftover)
{
	switch (atomic_load(&leftover->kind)) {
	case LEFTOVER_SEMSET:
		semctl(leftover->id, 0, IPC_RMID);
		break;
	case LEFTOVER_MSG:
		msgctl(leftover->id, IPC_RMID, NULL);
		break;
	case LEFTOVER_SHM:
		shmctl(leftover->id, IPC_RMID, NULL);
		break;
	case LEFTOVER_SHM_NAME:
		shm_unlink(leftover->name);
		break;
	case LEFTOVER_SEM_NAME:
		sem_unlink(leftover->name);
		break;
	case LEFTOVER_MQ_NAME:
		mq_unlink(leftover->name);
		break;
	default:
		break;
	}
}

void leftover_remove(bool only_keyless)
{
	uint32_t count = atomic_load(&arena->leftovers);

	for (uint32_t number = 0; number < count; number++)
		if (!only_keyless || arena->leftover[number].keyless)
			remove_one(&arena->leftover[number]);
	leftover_forget_all();
}
