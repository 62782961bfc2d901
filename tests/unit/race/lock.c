/* SPDX-License-Identifier: MIT */
/* Locks, semaphores and futexes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario.h"

/* The edge: the call, unless it is left away. */
#define EDGE(call) (broken ? (void)0 : (void)(call))

/* The file, by a description of this process's own. */
static int own = -1;

static int own_file(void)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/file", directory);
	own = open(path, O_RDWR);
	must(own >= 0);
	return own;
}

static void record(int command, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET};

	if (own < 0)
		own_file();
	must(!fcntl(own, command, &lock));
}

static char lock_file[160];

static void make_lock_file(void)
{
	int fd;

	snprintf(lock_file, sizeof(lock_file), "%s/lock", directory);
	while ((fd = open(lock_file, O_CREAT | O_EXCL | O_RDWR, 0600)) < 0)
		must(errno == EEXIST);
	close(fd);
}

#define EXCLUSION(name, text, lock, unlock)                                                        \
	static void name##_count(void)                                                             \
	{                                                                                          \
		EDGE(lock);                                                                        \
		shared->data++;                                                                    \
		EDGE(unlock);                                                                      \
	}                                                                                          \
	SCENARIO(name, text)                                                                       \
	{                                                                                          \
		name##_count();                                                                    \
	}                                                                                          \
	OTHER(name)                                                                                \
	{                                                                                          \
		name##_count();                                                                    \
	}

/* clang-format off */
EXCLUSION(mutex, "a process-shared mutex",
	  pthread_mutex_lock(&shared->mutex), pthread_mutex_unlock(&shared->mutex))
EXCLUSION(mutex_try, "a mutex that is tried until it is had",
	  ({ while (pthread_mutex_trylock(&shared->mutex)) ; }), pthread_mutex_unlock(&shared->mutex))
EXCLUSION(write_lock, "the write lock of a read-write lock",
	  pthread_rwlock_wrlock(&shared->rwlock), pthread_rwlock_unlock(&shared->rwlock))
EXCLUSION(spin, "a process-shared spin lock",
	  pthread_spin_lock(&shared->spin), pthread_spin_unlock(&shared->spin))
EXCLUSION(flock, "flock",
	  flock(own_file(), LOCK_EX), flock(own, LOCK_UN))
EXCLUSION(record_lock, "a record lock",
	  record(F_SETLKW, F_WRLCK), record(F_SETLK, F_UNLCK))
EXCLUSION(record_close, "a record lock that closing gives back",
	  record(F_SETLKW, F_WRLCK), close(own))
EXCLUSION(description_lock, "a lock of an open file description",
	  record(F_OFD_SETLKW, F_WRLCK), record(F_OFD_SETLK, F_UNLCK))
EXCLUSION(lockf, "lockf",
	  lockf(own_file(), F_LOCK, 0), lockf(own, F_ULOCK, 0))
EXCLUSION(lock_file, "a file that only one can make",
	  make_lock_file(), unlink(lock_file))
/* clang-format on */

SCENARIO(read_lock, "read locks and a write lock")
{
	EDGE(pthread_rwlock_wrlock(&shared->rwlock));
	shared->data++;
	EDGE(pthread_rwlock_unlock(&shared->rwlock));
}

OTHER(read_lock)
{
	EDGE(pthread_rwlock_rdlock(&shared->rwlock));
	shared->plain_flag = shared->data;
	EDGE(pthread_rwlock_unlock(&shared->rwlock));
}

SCENARIO(condition, "a condition variable, and its mutex")
{
	EDGE(pthread_mutex_lock(&shared->mutex));
	shared->data = 1;
	EDGE(pthread_cond_signal(&shared->cond));
	EDGE(pthread_mutex_unlock(&shared->mutex));
}

OTHER(condition)
{
	EDGE(pthread_mutex_lock(&shared->mutex));
	while (!shared->data && !broken)
		pthread_cond_wait(&shared->cond, &shared->mutex);
	EDGE(pthread_mutex_unlock(&shared->mutex));
}

SCENARIO(barrier, "a barrier, round after round")
{
	for (int i = 0; i < 10; i++) {
		shared->more[i % 2] = i;
		EDGE(pthread_barrier_wait(&shared->barrier));
	}
}

OTHER(barrier)
{
	for (int i = 0; i < 10; i++) {
		shared->more[(i + 1) % 2] = i;
		EDGE(pthread_barrier_wait(&shared->barrier));
	}
}

/* The child holds it and is killed. */
SCENARIO(robust, "a robust mutex, whose owner is killed")
{
	await_flag(&shared->flag, 1);
	kill(child, SIGKILL);
	if (!broken) {
		int result = pthread_mutex_lock(&shared->robust);

		must(result == EOWNERDEAD);
		pthread_mutex_consistent(&shared->robust);
	}
	shared->data++;
}

OTHER(robust)
{
	pthread_mutex_lock(&shared->robust);
	shared->data++;
	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
	for (;;)
		pause();
}

/* ---- semaphores
 * ---------------------------------------------------------------------------------- */

SCENARIO(semaphore, "sem_post and sem_wait")
{
	shared->data = 1;
	sem_post(&shared->sem);
}

OTHER(semaphore)
{
	EDGE(sem_wait(&shared->sem));
	must(shared->data == 1 || broken);
}

static sem_t *open_named(void)
{
	char name[32];
	pid_t one = getpid() < child ? getpid() : child;

	snprintf(name, sizeof(name), "/scenario-%d", (int)one);
	sem_t *sem = sem_open(name, O_CREAT, 0600, 0);

	must(sem != SEM_FAILED);
	return sem;
}

SCENARIO(named_semaphore, "a semaphore with a name, of which each has its own address")
{
	char name[32];
	sem_t *sem = open_named();

	shared->data = 1;
	sem_post(sem);
	int status;

	waitpid(child, &status, 0);
	snprintf(name, sizeof(name), "/scenario-%d", (int)(getpid() < child ? getpid() : child));
	sem_unlink(name);
}

OTHER(named_semaphore)
{
	sem_t *sem = open_named();

	EDGE(sem_wait(sem));
	must(shared->data == 1 || broken);
}

/* A set that both find by the directory's key; who is last removes it. */
static int open_set(void)
{
	int id = semget(ftok(directory, 1), 2, IPC_CREAT | 0600);

	must(id >= 0);
	return id;
}

static void operate(int id, unsigned short member, short value, short flags)
{
	struct sembuf operation = {member, value, flags};

	must(!semop(id, &operation, 1));
}

static void remove_set(int id)
{
	int status;

	waitpid(child, &status, 0);
	semctl(id, 0, IPC_RMID);
}

SCENARIO(semset, "System V semaphores: adding and subtracting")
{
	int id = open_set();

	shared->data = 1;
	operate(id, 0, 1, 0);
	remove_set(id);
}

OTHER(semset)
{
	int id = open_set();

	EDGE(operate(id, 0, -1, 0));
	must(shared->data == 1 || broken);
}

SCENARIO(semset_zero, "System V semaphores: waiting for zero")
{
	int id = open_set();

	operate(id, 0, 1, 0);
	operate(id, 1, 1, 0);
	shared->data = 1;
	operate(id, 0, -1, 0);
	remove_set(id);
}

OTHER(semset_zero)
{
	int id = open_set();

	operate(id, 1, -1, 0);
	EDGE(operate(id, 0, 0, 0));
	must(shared->data == 1 || broken);
}

/* What the child has taken comes back when it is killed. */
SCENARIO(semset_undo, "System V semaphores: what a death undoes")
{
	int id = open_set();

	operate(id, 0, 1, 0);
	await_flag(&shared->flag, 1);
	kill(child, SIGKILL);
	EDGE(operate(id, 0, -1, 0));
	shared->data++;
	remove_set(id);
}

OTHER(semset_undo)
{
	int id = open_set();

	operate(id, 0, -1, SEM_UNDO);
	shared->data++;
	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
	for (;;)
		pause();
}

SCENARIO(futex, "a futex that is woken")
{
	shared->data = 1;
	while (!syscall(SYS_futex, &shared->futex, FUTEX_WAKE, 1, NULL, NULL, 0) && !broken)
		;
}

OTHER(futex)
{
	EDGE(syscall(SYS_futex, &shared->futex, FUTEX_WAIT, 0, NULL, NULL, 0));
	must(shared->data == 1 || broken);
}
