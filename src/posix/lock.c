/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "posix/posix.h"

static int posix_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

static int posix_fcntl(int fd, int command, struct flock *region)
{
	return fcntl(fd, command, region);
}

#if defined(__x86_64__) && defined(__ILP32__)
typedef long long kernel_long;
#else
typedef long kernel_long;
#endif

#ifdef SYS_futex
enum { FUTEX = SYS_futex };
#elif defined(SYS_futex_time64)
enum { FUTEX = SYS_futex_time64 };
#define kernel_long long long
#endif

static bool takes_a_number(int operation)
{
	operation &= ~FUTEX_PRIVATE;
	return operation == FUTEX_REQUEUES || operation == FUTEX_CMP_REQUEUES ||
	       operation == FUTEX_WAKES_OP || operation == FUTEX_CMP_REQUEUES_PI;
}

/* No library has a function for it. */
static long posix_futex(uint32_t *word, int operation, uint32_t value,
			const struct timespec *timeout, uint32_t second, uint32_t *other,
			uint32_t third)
{
#if defined(SYS_futex) || defined(SYS_futex_time64)
	kernel_long time[2] = {0, 0};

	if (takes_a_number(operation))
		return syscall(FUTEX, word, operation, value, (unsigned long)second, other, third);
	if (timeout) {
		time[0] = (kernel_long)timeout->tv_sec;
		time[1] = (kernel_long)timeout->tv_nsec;
	}
	return syscall(FUTEX, word, operation, value, timeout ? time : NULL, other, third);
#else
	errno = ENOSYS;
	return -1;
#endif
}

#if !defined(SYS_futex_waitv) && defined(SYS_openat2)
/* Both are of the numbers that all architectures count alike, from an offset of their own. */
#define SYS_futex_waitv (SYS_openat2 + 12)
#endif

static long posix_futex_waitv(struct futex_awaited *words, unsigned count, unsigned flags,
			      const struct timespec *deadline, clockid_t clock)
{
#ifdef SYS_futex_waitv
	/* of 64 bits on every architecture */
	int64_t time[2] = {0, 0};

	if (deadline) {
		time[0] = deadline->tv_sec;
		time[1] = deadline->tv_nsec;
	}
	return syscall(SYS_futex_waitv, words, count, flags, deadline ? time : NULL, clock);
#else
	errno = ENOSYS;
	return -1;
#endif
}

const struct lock_calls posix_lock = {
	.open = posix_open,
	.unlink = unlink,
	.fcntl = posix_fcntl,
	.flock = flock,
	.lockf = lockf,
	.ftruncate = ftruncate,
	.mmap = mmap,
	.munmap = munmap,
	.pthread_mutexattr_init = pthread_mutexattr_init,
	.pthread_mutexattr_setpshared = pthread_mutexattr_setpshared,
	.pthread_mutexattr_settype = pthread_mutexattr_settype,
	.pthread_mutexattr_setrobust = pthread_mutexattr_setrobust,
	.pthread_mutexattr_setprotocol = pthread_mutexattr_setprotocol,
	.pthread_mutexattr_getpshared = pthread_mutexattr_getpshared,
	.pthread_mutexattr_gettype = pthread_mutexattr_gettype,
	.pthread_mutexattr_getrobust = pthread_mutexattr_getrobust,
	.pthread_mutexattr_getprotocol = pthread_mutexattr_getprotocol,
#ifdef HAVE_PTHREAD_MUTEXATTR_SETPRIOCEILING
	.pthread_mutexattr_setprioceiling = pthread_mutexattr_setprioceiling,
#endif
#ifdef HAVE_PTHREAD_MUTEXATTR_GETPRIOCEILING
	.pthread_mutexattr_getprioceiling = pthread_mutexattr_getprioceiling,
#endif
	.pthread_mutexattr_destroy = pthread_mutexattr_destroy,
	.pthread_mutex_init = pthread_mutex_init,
	.pthread_mutex_destroy = pthread_mutex_destroy,
	.pthread_mutex_lock = pthread_mutex_lock,
	.pthread_mutex_trylock = pthread_mutex_trylock,
	.pthread_mutex_timedlock = pthread_mutex_timedlock,
#ifdef HAVE_PTHREAD_MUTEX_CLOCKLOCK
	.pthread_mutex_clocklock = pthread_mutex_clocklock,
#endif
	.pthread_mutex_unlock = pthread_mutex_unlock,
	.pthread_mutex_consistent = pthread_mutex_consistent,
#ifdef HAVE_PTHREAD_MUTEX_SETPRIOCEILING
	.pthread_mutex_setprioceiling = pthread_mutex_setprioceiling,
#endif
#ifdef HAVE_PTHREAD_MUTEX_GETPRIOCEILING
	.pthread_mutex_getprioceiling = pthread_mutex_getprioceiling,
#endif
	.pthread_setschedparam = pthread_setschedparam,
	.pthread_getschedparam = pthread_getschedparam,
	.pthread_condattr_init = pthread_condattr_init,
	.pthread_condattr_setpshared = pthread_condattr_setpshared,
	.pthread_condattr_setclock = pthread_condattr_setclock,
	.pthread_condattr_getpshared = pthread_condattr_getpshared,
	.pthread_condattr_getclock = pthread_condattr_getclock,
	.pthread_condattr_destroy = pthread_condattr_destroy,
	.pthread_cond_init = pthread_cond_init,
	.pthread_cond_destroy = pthread_cond_destroy,
	.pthread_cond_wait = pthread_cond_wait,
	.pthread_cond_timedwait = pthread_cond_timedwait,
#ifdef HAVE_PTHREAD_COND_CLOCKWAIT
	.pthread_cond_clockwait = pthread_cond_clockwait,
#endif
	.pthread_cond_signal = pthread_cond_signal,
	.pthread_cond_broadcast = pthread_cond_broadcast,
	.pthread_rwlockattr_init = pthread_rwlockattr_init,
	.pthread_rwlockattr_setpshared = pthread_rwlockattr_setpshared,
	.pthread_rwlockattr_getpshared = pthread_rwlockattr_getpshared,
	.pthread_rwlockattr_destroy = pthread_rwlockattr_destroy,
	.pthread_rwlock_init = pthread_rwlock_init,
	.pthread_rwlock_destroy = pthread_rwlock_destroy,
	.pthread_rwlock_rdlock = pthread_rwlock_rdlock,
	.pthread_rwlock_tryrdlock = pthread_rwlock_tryrdlock,
	.pthread_rwlock_timedrdlock = pthread_rwlock_timedrdlock,
#ifdef HAVE_PTHREAD_RWLOCK_CLOCKRDLOCK
	.pthread_rwlock_clockrdlock = pthread_rwlock_clockrdlock,
#endif
	.pthread_rwlock_wrlock = pthread_rwlock_wrlock,
	.pthread_rwlock_trywrlock = pthread_rwlock_trywrlock,
	.pthread_rwlock_timedwrlock = pthread_rwlock_timedwrlock,
#ifdef HAVE_PTHREAD_RWLOCK_CLOCKWRLOCK
	.pthread_rwlock_clockwrlock = pthread_rwlock_clockwrlock,
#endif
	.pthread_rwlock_unlock = pthread_rwlock_unlock,
	.pthread_barrierattr_init = pthread_barrierattr_init,
	.pthread_barrierattr_setpshared = pthread_barrierattr_setpshared,
	.pthread_barrierattr_getpshared = pthread_barrierattr_getpshared,
	.pthread_barrierattr_destroy = pthread_barrierattr_destroy,
	.pthread_barrier_init = pthread_barrier_init,
	.pthread_barrier_destroy = pthread_barrier_destroy,
	.pthread_barrier_wait = pthread_barrier_wait,
	.pthread_spin_init = pthread_spin_init,
	.pthread_spin_destroy = pthread_spin_destroy,
	.pthread_spin_lock = pthread_spin_lock,
	.pthread_spin_trylock = pthread_spin_trylock,
	.pthread_spin_unlock = pthread_spin_unlock,
	.futex = posix_futex,
	.futex_waitv = posix_futex_waitv,
};
