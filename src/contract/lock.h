/* SPDX-License-Identifier: MIT */
/*
 * Locks: of files (record locks of a process, of an open file description, flock and lockf), in
 * shared memory (mutex, condition variable, read-write lock, barrier, spin lock), and the futex
 * that Linux builds the latter on.
 */
#ifndef IPCTS_CONTRACT_LOCK_H
#define IPCTS_CONTRACT_LOCK_H

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* One of several words that futex_waitv waits at, as Linux lays it out. */
struct futex_awaited {
	uint64_t value, address;
	uint32_t flags, reserved;
};

struct lock_calls {
	/* files */
	int (*open)(const char *path, int flags, mode_t mode);
	int (*unlink)(const char *path);
	int (*fcntl)(int fd, int command, struct flock *region);
	int (*flock)(int fd, int operation);
	int (*lockf)(int fd, int function, off_t size);
	/* the memory that the others are shared in */
	int (*ftruncate)(int fd, off_t size);
	void *(*mmap)(void *address, size_t size, int protection, int flags, int fd, off_t offset);
	int (*munmap)(void *address, size_t size);

	int (*pthread_mutexattr_init)(pthread_mutexattr_t *attributes);
	int (*pthread_mutexattr_setpshared)(pthread_mutexattr_t *attributes, int pshared);
	int (*pthread_mutexattr_settype)(pthread_mutexattr_t *attributes, int type);
	int (*pthread_mutexattr_setrobust)(pthread_mutexattr_t *attributes, int robust);
	int (*pthread_mutexattr_setprotocol)(pthread_mutexattr_t *attributes, int protocol);
	int (*pthread_mutexattr_getpshared)(const pthread_mutexattr_t *restrict attributes,
					    int *restrict pshared);
	int (*pthread_mutexattr_gettype)(const pthread_mutexattr_t *restrict attributes,
					 int *restrict type);
	int (*pthread_mutexattr_getrobust)(const pthread_mutexattr_t *restrict attributes,
					   int *restrict robust);
	int (*pthread_mutexattr_getprotocol)(const pthread_mutexattr_t *restrict attributes,
					     int *restrict protocol);
	int (*pthread_mutexattr_setprioceiling)(pthread_mutexattr_t *attributes, int ceiling);
	int (*pthread_mutexattr_getprioceiling)(const pthread_mutexattr_t *restrict attributes,
						int *restrict ceiling);
	int (*pthread_mutexattr_destroy)(pthread_mutexattr_t *attributes);
	int (*pthread_mutex_init)(pthread_mutex_t *restrict mutex,
				  const pthread_mutexattr_t *restrict attributes);
	int (*pthread_mutex_destroy)(pthread_mutex_t *mutex);
	int (*pthread_mutex_lock)(pthread_mutex_t *mutex);
	int (*pthread_mutex_trylock)(pthread_mutex_t *mutex);
	int (*pthread_mutex_timedlock)(pthread_mutex_t *restrict mutex,
				       const struct timespec *restrict deadline);
	int (*pthread_mutex_clocklock)(pthread_mutex_t *restrict mutex, clockid_t clock,
				       const struct timespec *restrict deadline);
	int (*pthread_mutex_unlock)(pthread_mutex_t *mutex);
	int (*pthread_mutex_consistent)(pthread_mutex_t *mutex);
	int (*pthread_mutex_setprioceiling)(pthread_mutex_t *restrict mutex, int ceiling,
					    int *restrict old);
	int (*pthread_mutex_getprioceiling)(const pthread_mutex_t *restrict mutex,
					    int *restrict ceiling);
	/* the priority that a mutex may raise for a while */
	int (*pthread_setschedparam)(pthread_t thread, int policy,
				     const struct sched_param *parameters);
	int (*pthread_getschedparam)(pthread_t thread, int *restrict policy,
				     struct sched_param *restrict parameters);

	int (*pthread_condattr_init)(pthread_condattr_t *attributes);
	int (*pthread_condattr_setpshared)(pthread_condattr_t *attributes, int pshared);
	int (*pthread_condattr_setclock)(pthread_condattr_t *attributes, clockid_t clock);
	int (*pthread_condattr_getpshared)(const pthread_condattr_t *restrict attributes,
					   int *restrict pshared);
	int (*pthread_condattr_getclock)(const pthread_condattr_t *restrict attributes,
					 clockid_t *restrict clock);
	int (*pthread_condattr_destroy)(pthread_condattr_t *attributes);
	int (*pthread_cond_init)(pthread_cond_t *restrict cond,
				 const pthread_condattr_t *restrict attributes);
	int (*pthread_cond_destroy)(pthread_cond_t *cond);
	int (*pthread_cond_wait)(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex);
	int (*pthread_cond_timedwait)(pthread_cond_t *restrict cond,
				      pthread_mutex_t *restrict mutex,
				      const struct timespec *restrict deadline);
	int (*pthread_cond_clockwait)(pthread_cond_t *restrict cond,
				      pthread_mutex_t *restrict mutex, clockid_t clock,
				      const struct timespec *restrict deadline);
	int (*pthread_cond_signal)(pthread_cond_t *cond);
	int (*pthread_cond_broadcast)(pthread_cond_t *cond);

	int (*pthread_rwlockattr_init)(pthread_rwlockattr_t *attributes);
	int (*pthread_rwlockattr_setpshared)(pthread_rwlockattr_t *attributes, int pshared);
	int (*pthread_rwlockattr_getpshared)(const pthread_rwlockattr_t *restrict attributes,
					     int *restrict pshared);
	int (*pthread_rwlockattr_destroy)(pthread_rwlockattr_t *attributes);
	int (*pthread_rwlock_init)(pthread_rwlock_t *restrict rwlock,
				   const pthread_rwlockattr_t *restrict attributes);
	int (*pthread_rwlock_destroy)(pthread_rwlock_t *rwlock);
	int (*pthread_rwlock_rdlock)(pthread_rwlock_t *rwlock);
	int (*pthread_rwlock_tryrdlock)(pthread_rwlock_t *rwlock);
	int (*pthread_rwlock_timedrdlock)(pthread_rwlock_t *restrict rwlock,
					  const struct timespec *restrict deadline);
	int (*pthread_rwlock_clockrdlock)(pthread_rwlock_t *restrict rwlock, clockid_t clock,
					  const struct timespec *restrict deadline);
	int (*pthread_rwlock_wrlock)(pthread_rwlock_t *rwlock);
	int (*pthread_rwlock_trywrlock)(pthread_rwlock_t *rwlock);
	int (*pthread_rwlock_timedwrlock)(pthread_rwlock_t *restrict rwlock,
					  const struct timespec *restrict deadline);
	int (*pthread_rwlock_clockwrlock)(pthread_rwlock_t *restrict rwlock, clockid_t clock,
					  const struct timespec *restrict deadline);
	int (*pthread_rwlock_unlock)(pthread_rwlock_t *rwlock);

	int (*pthread_barrierattr_init)(pthread_barrierattr_t *attributes);
	int (*pthread_barrierattr_setpshared)(pthread_barrierattr_t *attributes, int pshared);
	int (*pthread_barrierattr_getpshared)(const pthread_barrierattr_t *restrict attributes,
					      int *restrict pshared);
	int (*pthread_barrierattr_destroy)(pthread_barrierattr_t *attributes);
	int (*pthread_barrier_init)(pthread_barrier_t *restrict barrier,
				    const pthread_barrierattr_t *restrict attributes,
				    unsigned count);
	int (*pthread_barrier_destroy)(pthread_barrier_t *barrier);
	int (*pthread_barrier_wait)(pthread_barrier_t *barrier);

	int (*pthread_spin_init)(pthread_spinlock_t *spin, int pshared);
	int (*pthread_spin_destroy)(pthread_spinlock_t *spin);
	int (*pthread_spin_lock)(pthread_spinlock_t *spin);
	int (*pthread_spin_trylock)(pthread_spinlock_t *spin);
	int (*pthread_spin_unlock)(pthread_spinlock_t *spin);

	/* second is the timeout's place taken by a number, where the operation has a number there
	 */
	long (*futex)(uint32_t *word, int operation, uint32_t value, const struct timespec *timeout,
		      uint32_t second, uint32_t *other, uint32_t third);
	long (*futex_waitv)(struct futex_awaited *words, unsigned count, unsigned flags,
			    const struct timespec *deadline, clockid_t clock);
};

/*
 * What a test of a region answers, by number; at last, whether it changed more than the type where
 * nobody is in the way.
 */
enum region_field {
	REGION_TYPE,
	REGION_WHENCE,
	REGION_START,
	REGION_LENGTH,
	REGION_PID,
	REGION_CHANGED
};

/* How a mutex is made, besides its type. */
enum mutex_kind { MUTEX_ROBUST = 1, MUTEX_PRIVATE = 2, MUTEX_INHERITS = 4 };

/* Priorities and ceilings are told in steps above the lowest of SCHED_FIFO; nobody goes higher. */
enum { HIGHEST_STEP = 8 };

/* Linux: the numbers of futex(2), which are the same on every architecture. */
enum futex_operation {
	FUTEX_WAITS = 0,
	FUTEX_WAKES = 1,
	FUTEX_REQUEUES = 3,
	FUTEX_CMP_REQUEUES = 4,
	FUTEX_WAKES_OP = 5,
	FUTEX_LOCKS_PI = 6,
	FUTEX_UNLOCKS_PI = 7,
	FUTEX_TRYLOCKS_PI = 8,
	FUTEX_WAITS_BITSET = 9,
	FUTEX_WAKES_BITSET = 10,
	FUTEX_WAITS_REQUEUE_PI = 11,
	FUTEX_CMP_REQUEUES_PI = 12,
	FUTEX_PRIVATE = 128,
	FUTEX_ON_REAL_TIME = 256,
};

/* What futex_waitv is told of each word, besides FUTEX_PRIVATE; and how many there may be. */
enum { FUTEX_OF_32_BITS = 2, FUTEX_WORDS_MAX = 128 };

/* The highest bit of a word that somebody waits for in FUTEX_LOCK_PI. */
#define FUTEX_IS_WAITED_FOR 0x80000000u

/* What FUTEX_WAKE_OP does with the other word, and compares what it was with. */
enum futex_arithmetic {
	FUTEX_SETS,
	FUTEX_ADDS,
	FUTEX_ORS,
	FUTEX_ANDNS,
	FUTEX_XORS,
	FUTEX_SHIFTED = 8
};
enum futex_comparison { FUTEX_EQ, FUTEX_NE, FUTEX_LT, FUTEX_LE, FUTEX_GT, FUTEX_GE };

#endif
