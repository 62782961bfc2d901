/* SPDX-License-Identifier: MIT */
/* Locks, and what serves as one: a number that they protect, which is nothing but plain memory. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

#include "fault/threads.h"
#include "ref/ipcref.h"

/* Protected by one of these. */
static uint64_t number, twin;

static pthread_mutex_t mutex;
static pthread_cond_t not_empty, not_full;
static pthread_rwlock_t rwlock;
static pthread_spinlock_t spin;
static pthread_barrier_t barrier;
static sem_t sem;
static int set, counter;

static void count_up(void)
{
	MUST(number == twin);
	number++;
	twin++;
}

static void begin_count(void)
{
	number = twin = 0;
}

static void end_count(void)
{
	MUST(number == (uint64_t)THREADS * TURNS && twin == number);
}

static struct timespec soon(void)
{
	struct timespec moment;

	clock_gettime(CLOCK_REALTIME, &moment);
	moment.tv_sec += 100;
	return moment;
}

/* -- mutexes ---------------------------------------------------------------------------------- */

static void make_mutex(int type, int robustness)
{
	pthread_mutexattr_t attributes;

	begin_count();
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, type);
	pthread_mutexattr_setrobust(&attributes, robustness);
	MUST_BE_0(ipcref_mutex_init(&mutex, &attributes));
	pthread_mutexattr_destroy(&attributes);
}

static void mutex_begin(void)
{
	make_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
}

static void robust_begin(void)
{
	make_mutex(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ROBUST);
}

static void mutex_play(unsigned thread)
{
	const struct timespec deadline = soon();

	for (int i = 0; i < TURNS; i++) {
		int result = i % 3 ? EBUSY : ipcref_mutex_trylock(&mutex);

		if (result == EBUSY && thread % 2)
			result = ipcref_mutex_timedlock(&mutex, &deadline);
		else if (result == EBUSY)
			result = ipcref_mutex_lock(&mutex);
		MUST_BE_0(result);
		count_up();
		MUST_BE_0(ipcref_mutex_unlock(&mutex));
	}
}

static void mutex_end(void)
{
	end_count();
	MUST_BE_0(ipcref_mutex_destroy(&mutex));
}

/* A room for one number at a time: odd threads put, and even ones take. */
static void cond_begin(void)
{
	make_mutex(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED);
	MUST_BE_0(ipcref_cond_init(&not_empty, NULL));
	MUST_BE_0(ipcref_cond_init(&not_full, NULL));
}

static void cond_play(unsigned thread)
{
	const struct timespec deadline = soon();
	uint64_t wanted = thread % 2;

	for (int i = 0; i < TURNS; i++) {
		MUST_BE_0(ipcref_mutex_lock(&mutex));
		while (number == wanted)
			MUST_BE_0(wanted ? ipcref_cond_timedwait(&not_full, &mutex, &deadline)
					 : ipcref_cond_wait(&not_empty, &mutex));
		number = wanted;
		MUST_BE_0(wanted ? ipcref_cond_signal(&not_empty)
				 : ipcref_cond_broadcast(&not_full));
		MUST_BE_0(ipcref_mutex_unlock(&mutex));
	}
}

static void cond_end(void)
{
	MUST(number == 0);
	MUST_BE_0(ipcref_cond_destroy(&not_empty));
	MUST_BE_0(ipcref_cond_destroy(&not_full));
	MUST_BE_0(ipcref_mutex_destroy(&mutex));
}

/* -- others ----------------------------------------------------------------------------------- */

static void rwlock_begin(void)
{
	begin_count();
	MUST_BE_0(ipcref_rwlock_init(&rwlock, NULL));
}

static void rwlock_play(unsigned thread)
{
	const struct timespec deadline = soon();

	(void)thread;
	for (int i = 0; i < TURNS; i++) {
		MUST_BE_0(i % 2 ? ipcref_rwlock_rdlock(&rwlock)
				: ipcref_rwlock_timedrdlock(&rwlock, &deadline));
		MUST(number == twin);
		MUST_BE_0(ipcref_rwlock_unlock(&rwlock));
		MUST_BE_0(ipcref_rwlock_wrlock(&rwlock));
		count_up();
		MUST_BE_0(ipcref_rwlock_unlock(&rwlock));
	}
}

static void rwlock_end(void)
{
	end_count();
	MUST_BE_0(ipcref_rwlock_destroy(&rwlock));
}

static void spin_begin(void)
{
	begin_count();
	MUST_BE_0(ipcref_spin_init(&spin, PTHREAD_PROCESS_PRIVATE));
}

static void spin_play(unsigned thread)
{
	(void)thread;
	for (int i = 0; i < TURNS; i++) {
		MUST_BE_0(ipcref_spin_lock(&spin));
		count_up();
		MUST_BE_0(ipcref_spin_unlock(&spin));
	}
}

static void barrier_begin(void)
{
	begin_count();
	MUST_BE_0(ipcref_barrier_init(&barrier, NULL, THREADS));
}

/* Each in his turn, and all look in between. */
static void barrier_play(unsigned thread)
{
	for (unsigned i = 0; i < TURNS; i++)
		for (unsigned turn = 0; turn < THREADS; turn++) {
			if (turn == thread)
				count_up();
			int result = ipcref_barrier_wait(&barrier);

			MUST(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
			MUST(number == i * THREADS + turn + 1);
			result = ipcref_barrier_wait(&barrier);
			MUST(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
		}
}

static void barrier_end(void)
{
	end_count();
	MUST_BE_0(ipcref_barrier_destroy(&barrier));
}

/* -- what counts ------------------------------------------------------------------------------ */

static void sem_begin(void)
{
	begin_count();
	MUST(ipcref_sem_init(&sem, 0, 1) == 0);
}

static void sem_play(unsigned thread)
{
	const struct timespec deadline = soon();

	(void)thread;
	for (int i = 0; i < TURNS; i++) {
		if (ipcref_sem_trywait(&sem) < 0)
			MUST((i % 2 ? ipcref_sem_wait(&sem)
				    : ipcref_sem_timedwait(&sem, &deadline)) == 0);
		count_up();
		MUST(ipcref_sem_post(&sem) == 0);
	}
}

/* Opened by each, and anew in each turn. */
static void named_sem_play(unsigned thread)
{
	(void)thread;
	for (int i = 0; i < TURNS; i++) {
		sem_t *named = ipcref_sem_open("/threads", O_CREAT, 0600, 1);

		MUST(named != SEM_FAILED);
		MUST(ipcref_sem_wait(named) == 0);
		count_up();
		MUST(ipcref_sem_post(named) == 0);
		MUST(ipcref_sem_close(named) == 0);
	}
}

static void named_sem_end(void)
{
	end_count();
	MUST(ipcref_sem_unlink("/threads") == 0);
}

static void semset_begin(void)
{
	begin_count();
	set = ipcref_semget(IPC_PRIVATE, 2, 0600);
	MUST(set >= 0);
	MUST(ipcref_semop(set, &(struct sembuf){0, 1, 0}, 1) == 0);
}

static void semset_play(unsigned thread)
{
	short flags = thread % 2 ? SEM_UNDO : 0;
	struct sembuf takes[] = {{0, -1, flags}, {1, 1, 0}}, gives[] = {{0, 1, flags}, {1, -1, 0}};

	for (int i = 0; i < TURNS; i++) {
		MUST(ipcref_semop(set, takes, 2) == 0);
		count_up();
		MUST(ipcref_semctl(set, 1, GETVAL) == 1);
		MUST(ipcref_semop(set, gives, 2) == 0);
	}
}

static void semset_end(void)
{
	end_count();
	MUST(ipcref_semctl(set, 0, IPC_RMID) == 0);
}

static void event_begin(void)
{
	begin_count();
	counter = ipcref_eventfd(1, EFD_SEMAPHORE);
	MUST(counter >= 0);
}

static void event_play(unsigned thread)
{
	uint64_t one = 1;

	(void)thread;
	for (int i = 0; i < TURNS; i++) {
		MUST(ipcref_read(counter, &one, sizeof(one)) == sizeof(one));
		count_up();
		MUST(ipcref_write(counter, &one, sizeof(one)) == sizeof(one));
	}
}

static void event_end(void)
{
	end_count();
	MUST(ipcref_close(counter) == 0);
}

const struct game lock_games[] = {
	{"mutex", mutex_begin, mutex_play, mutex_end},
	{"robust-mutex", robust_begin, mutex_play, mutex_end},
	{"cond", cond_begin, cond_play, cond_end},
	{"rwlock", rwlock_begin, rwlock_play, rwlock_end},
	{"spin", spin_begin, spin_play, end_count},
	{"barrier", barrier_begin, barrier_play, barrier_end},
	{"sem", sem_begin, sem_play, end_count},
	{"named-sem", begin_count, named_sem_play, named_sem_end},
	{"semset", semset_begin, semset_play, semset_end},
	{"event", event_begin, event_play, event_end},
	{NULL, NULL, NULL, NULL},
};
