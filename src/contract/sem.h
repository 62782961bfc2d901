/* SPDX-License-Identifier: MIT */
/* The POSIX semaphore: a count in memory, or under a name, that may not fall below zero. */
#ifndef IPCTS_CONTRACT_SEM_H
#define IPCTS_CONTRACT_SEM_H

#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>

struct sem_calls {
	int (*sem_init)(sem_t *sem, int pshared, unsigned value);
	int (*sem_destroy)(sem_t *sem);
	/* mode and value count only with O_CREAT */
	sem_t *(*sem_open)(const char *name, int flags, mode_t mode, unsigned value);
	int (*sem_close)(sem_t *sem);
	int (*sem_unlink)(const char *name);
	int (*sem_wait)(sem_t *sem);
	int (*sem_trywait)(sem_t *sem);
	int (*sem_timedwait)(sem_t *restrict sem, const struct timespec *restrict deadline);
	int (*sem_clockwait)(sem_t *restrict sem, clockid_t clock,
			     const struct timespec *restrict deadline);
	int (*sem_post)(sem_t *sem);
	int (*sem_getvalue)(sem_t *restrict sem, int *restrict value);
	/* the memory that an unnamed one is shared in */
	void *(*mmap)(void *address, size_t size, int protection, int flags, int fd, off_t offset);
	int (*munmap)(void *address, size_t size);
};

#endif
