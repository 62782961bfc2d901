/* SPDX-License-Identifier: MIT */
/* Locks, in a file that is mapped. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fault/fuzz.h"
#include "ref/lock.h"

static struct locks {
	_Alignas(LOCK_SPACE) pthread_mutex_t mutex;
	_Alignas(LOCK_SPACE) pthread_rwlock_t rwlock;
	_Alignas(LOCK_SPACE) pthread_barrier_t barrier;
	/* without a guard */
	_Alignas(LOCK_SPACE) pthread_cond_t cond;
	pthread_spinlock_t spin;
} * locks;
enum { GUARDS = offsetof(struct locks, cond) / LOCK_SPACE };

static int locks_begin(void)
{
	static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE,
				    PTHREAD_MUTEX_ERRORCHECK};
	unsigned how = next_byte();
	int fd = open(namespace_file("locks", 0), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	pthread_mutexattr_t attributes;

	if (fd < 0 || ftruncate(fd, sizeof(*locks)) < 0)
		return -1;
	locks = mmap(NULL, sizeof(*locks), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, types[how % 3]);
	pthread_mutexattr_setrobust(&attributes,
				    how & 8 ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED);
	ipcref_mutex_init(&locks->mutex, &attributes);
	ipcref_rwlock_init(&locks->rwlock, NULL);
	ipcref_barrier_init(&locks->barrier, NULL, 1);
	ipcref_cond_init(&locks->cond, NULL);
	ipcref_spin_init(&locks->spin, PTHREAD_PROCESS_SHARED);
	return fd;
}

/* Whether who comes is the last, as far as can be told: else he waits for those who don't come. */
static bool is_last_to_come(void)
{
	uint32_t words[2]; /* the guard, and how many are to come */

	memcpy(words, &locks->barrier, sizeof(words));
	return words[1] <= 1;
}

static void locks_operate(unsigned which)
{
	const struct timespec past = {0, 0};

	switch (which % 12) {
	case 0:
		ipcref_mutex_trylock(&locks->mutex);
		break;
	case 1:
		ipcref_mutex_timedlock(&locks->mutex, &past);
		break;
	case 2:
		ipcref_mutex_unlock(&locks->mutex);
		break;
	case 3:
		ipcref_mutex_consistent(&locks->mutex);
		break;
	case 4: /* it returns with the mutex, whoever has that */
		if (ipcref_mutex_trylock(&locks->mutex) == 0)
			ipcref_cond_timedwait(&locks->cond, &locks->mutex, &past);
		break;
	case 5:
		ipcref_cond_signal(&locks->cond);
		ipcref_cond_broadcast(&locks->cond);
		break;
	case 6:
		ipcref_rwlock_timedrdlock(&locks->rwlock, &past);
		break;
	case 7:
		ipcref_rwlock_timedwrlock(&locks->rwlock, &past);
		break;
	case 8:
		ipcref_rwlock_unlock(&locks->rwlock);
		break;
	case 9:
		if (is_last_to_come())
			ipcref_barrier_wait(&locks->barrier);
		break;
	case 10:
		ipcref_spin_trylock(&locks->spin);
		break;
	default:
		ipcref_spin_unlock(&locks->spin);
	}
}

static void locks_end(void)
{
	munmap(locks, sizeof(*locks));
}

void free_held_guards(bool all)
{
	for (unsigned i = 0; i < GUARDS; i++) {
		struct lock *guard = (struct lock *)(void *)((char *)locks + i * LOCK_SPACE);
		uint32_t owner = atomic_load(&guard->word) & LOCK_OWNER;

		if (all || (owner && thread_lives(owner, 0)))
			atomic_store(&guard->word, 0);
	}
}

const struct kind fuzz_locks = {.name = "locks",
				.begin = locks_begin,
				.operate = locks_operate,
				.end = locks_end,
				.is_kept = true,
				.guard_every = LOCK_SPACE};
