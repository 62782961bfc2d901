/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "sched/model.h"
#include "sched/real.h"

int REAL(sem_trywait)(sem_t *sem);
int REAL(sem_post)(sem_t *sem);
int REAL(sem_getvalue)(sem_t *sem, int *value);

int model_sem_wait(const void *pc, sem_t *sem, clockid_t clock, const struct timespec *timeout)
{
	struct operation waits = model_operation(OPERATION_SEM_WAIT, key_of_address(sem), pc);

	sched_point(&waits);
	while (REAL(sem_trywait)(sem) < 0) {
		if (errno != EAGAIN)
			return -1;
		enum wakening why =
			sched_block(&waits, timeout ? model_until(clock, timeout) : FOREVER);
		if (why != WOKEN) {
			errno = why == TIMED_OUT ? ETIMEDOUT : EINTR;
			return -1;
		}
	}
	return 0;
}

int model_sem_trywait(const void *pc, sem_t *sem)
{
	struct operation tries = model_operation(OPERATION_SEM_WAIT, key_of_address(sem), pc);

	sched_point(&tries);
	int result = REAL(sem_trywait)(sem);
	if (result < 0)
		runtime_unchanged();
	return result;
}

int model_sem_post(const void *pc, sem_t *sem)
{
	struct operation posts = model_operation(OPERATION_SEM_POST, key_of_address(sem), pc);

	sched_point(&posts);
	int result = REAL(sem_post)(sem);
	sched_wake(posts.key);
	return result;
}

int model_sem_getvalue(const void *pc, sem_t *sem, int *value)
{
	struct operation reads = model_operation(OPERATION_SEM_VALUE, key_of_address(sem), pc);

	reads.access = ACCESS_READ;
	sched_point(&reads);
	return REAL(sem_getvalue)(sem, value);
}
