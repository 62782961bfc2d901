/* SPDX-License-Identifier: MIT */
/* The System V semaphore set: several counts under one key, changed together or not at all. */
#ifndef IPCTS_CONTRACT_SEMSET_H
#define IPCTS_CONTRACT_SEMSET_H

#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/types.h>
#include <time.h>

/* The fourth argument of semctl, which POSIX leaves to the caller to define as union semun. */
union semset_argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

#if defined(SEM_STAT) && !defined(SEM_STAT_ANY)
#define SEM_STAT_ANY 20
#endif

struct semset_calls {
	key_t (*ftok)(const char *path, int id);
	int (*semget)(key_t key, int count, int flags);
	int (*semop)(int id, struct sembuf *operations, size_t count);
	int (*semtimedop)(int id, struct sembuf *operations, size_t count,
			  const struct timespec *timeout);
	int (*semctl)(int id, int number, int command, union semset_argument argument);
};

#endif
