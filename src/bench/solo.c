/* SPDX-License-Identifier: MIT */
/* What one process does again and again, alone or beside another that does the same. */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Memory that a forked child has too; NULL: none. */
static void *shared(size_t size)
{
	void *place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return place == MAP_FAILED ? NULL : place;
}

static void unmap(void *place, size_t size)
{
	if (place)
		munmap(place, size);
}

/* -- P and V ------------------------------------------------------------------------------------
 */

static void *make_sem(const struct implementation *impl)
{
	sem_t *sem;

	if (!impl->sem || !impl->sem->sem_init)
		return NULL;
	sem = shared(sizeof(*sem));
	if (sem && impl->sem->sem_init(sem, 1, 1) == 0)
		return sem;
	unmap(sem, sizeof(*sem));
	return NULL;
}

static bool use_sem(const struct implementation *impl, void *sem)
{
	return impl->sem->sem_wait(sem) == 0 && impl->sem->sem_post(sem) == 0;
}

static void remove_sem(const struct implementation *impl, void *sem)
{
	impl->sem->sem_destroy(sem);
	unmap(sem, sizeof(sem_t));
}

/* An identifier in memory, for NULL is none. */
static void *kept(long id)
{
	long *memory = id < 0 ? NULL : malloc(sizeof(id));

	if (memory)
		*memory = id;
	return memory;
}

static void *make_semset(const struct implementation *impl)
{
	union semset_argument one = {.val = 1};
	int id;

	if (!impl->semset || !impl->semset->semget || !impl->semset->semop)
		return NULL;
	id = impl->semset->semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	if (id >= 0)
		impl->semset->semctl(id, 0, SETVAL, one);
	return kept(id);
}

static bool use_semset(const struct implementation *impl, void *id)
{
	struct sembuf take = {0, -1, SEM_UNDO}, give = {0, 1, SEM_UNDO};

	return impl->semset->semop((int)*(long *)id, &take, 1) == 0 &&
	       impl->semset->semop((int)*(long *)id, &give, 1) == 0;
}

static void remove_semset(const struct implementation *impl, void *id)
{
	impl->semset->semctl((int)*(long *)id, 0, IPC_RMID, (union semset_argument){0});
	free(id);
}

/* -- lock and unlock ----------------------------------------------------------------------------
 */

static void *make_mutex(const struct implementation *impl)
{
	const struct lock_calls *lock = impl->lock;
	pthread_mutexattr_t attributes;
	pthread_mutex_t *mutex;
	bool is_made;

	if (!lock || !lock->pthread_mutex_init || !lock->pthread_mutexattr_setrobust)
		return NULL;
	mutex = shared(sizeof(*mutex));
	lock->pthread_mutexattr_init(&attributes);
	lock->pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	lock->pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	is_made = mutex && lock->pthread_mutex_init(mutex, &attributes) == 0;
	lock->pthread_mutexattr_destroy(&attributes);
	if (is_made)
		return mutex;
	unmap(mutex, sizeof(*mutex));
	return NULL;
}

static bool use_mutex(const struct implementation *impl, void *mutex)
{
	return impl->lock->pthread_mutex_lock(mutex) == 0 &&
	       impl->lock->pthread_mutex_unlock(mutex) == 0;
}

static void remove_mutex(const struct implementation *impl, void *mutex)
{
	impl->lock->pthread_mutex_destroy(mutex);
	unmap(mutex, sizeof(pthread_mutex_t));
}

/* -- a message sent and received -----------------------------------------------------------------
 */

enum { SIZE = 64 };

static void *make_channel(const struct implementation *impl, const struct way *way)
{
	struct channel *c = way->is_there(impl) ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	c->impl = impl;
	c->size = SIZE;
	c->id[0] = c->id[1] = -1;
	memset(c->ends, -1, sizeof(c->ends));
	snprintf(c->name, sizeof(c->name), "ipcts-bench-%ld", (long)getpid());
	if (way->make(c))
		return c;
	way->remove(c);
	free(c);
	return NULL;
}

static bool use_channel(const struct way *way, struct channel *c)
{
	char bytes[SIZE] = {0};

	return way->send(c, 0, bytes) && way->receive(c, 0, bytes);
}

#define CHANNEL(word, way)                                                                         \
	static void *make_##word(const struct implementation *impl)                                \
	{                                                                                          \
		return make_channel(impl, way);                                                    \
	}                                                                                          \
	static bool use_##word(const struct implementation *impl, void *c)                         \
	{                                                                                          \
		(void)impl;                                                                        \
		return use_channel(way, c);                                                        \
	}                                                                                          \
	static void remove_##word(const struct implementation *impl, void *c)                      \
	{                                                                                          \
		(void)impl;                                                                        \
		(way)->remove(c);                                                                  \
		free(c);                                                                           \
	}

CHANNEL(pipe, ways[0])
CHANNEL(mq, ways[3])
CHANNEL(msg, ways[4])

#define SOLO(word, name, is_shared)                                                                \
	static const struct solo word##_solo = {name, make_##word, use_##word, remove_##word,      \
						is_shared}

SOLO(sem, "sem_wait, sem_post", true);
SOLO(semset, "semop -1, +1, UNDO", true);
SOLO(mutex, "robust mutex", true);
SOLO(pipe, "pipe: write, read", false);
SOLO(mq, "mq: send, receive", false);
SOLO(msg, "msg: send, receive", false);

const struct solo *const solos[] = {
	&sem_solo, &semset_solo, &mutex_solo, &pipe_solo, &mq_solo, &msg_solo, NULL,
};
