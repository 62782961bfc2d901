/* SPDX-License-Identifier: MIT */
/*
 * Locks in memory; their attributes are libc's, and the files they may be in the system's.  The
 * locks of files and the futex are the kernel's, and not here: see lacks() in ref.c.
 */
#include "ref/tables/tables.h"

#include "ref/ipcref.h"

static int open_with_mode(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

const struct lock_calls ref_lock = {
	.open = open_with_mode,
	.unlink = unlink,
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
	.pthread_mutexattr_destroy = pthread_mutexattr_destroy,
	.pthread_mutex_init = ipcref_mutex_init,
	.pthread_mutex_destroy = ipcref_mutex_destroy,
	.pthread_mutex_lock = ipcref_mutex_lock,
	.pthread_mutex_trylock = ipcref_mutex_trylock,
	.pthread_mutex_timedlock = ipcref_mutex_timedlock,
	.pthread_mutex_clocklock = ipcref_mutex_clocklock,
	.pthread_mutex_unlock = ipcref_mutex_unlock,
	.pthread_mutex_consistent = ipcref_mutex_consistent,
	.pthread_condattr_init = pthread_condattr_init,
	.pthread_condattr_setpshared = pthread_condattr_setpshared,
	.pthread_condattr_setclock = pthread_condattr_setclock,
	.pthread_condattr_getpshared = pthread_condattr_getpshared,
	.pthread_condattr_getclock = pthread_condattr_getclock,
	.pthread_condattr_destroy = pthread_condattr_destroy,
	.pthread_cond_init = ipcref_cond_init,
	.pthread_cond_destroy = ipcref_cond_destroy,
	.pthread_cond_wait = ipcref_cond_wait,
	.pthread_cond_timedwait = ipcref_cond_timedwait,
	.pthread_cond_clockwait = ipcref_cond_clockwait,
	.pthread_cond_signal = ipcref_cond_signal,
	.pthread_cond_broadcast = ipcref_cond_broadcast,
	.pthread_rwlockattr_init = pthread_rwlockattr_init,
	.pthread_rwlockattr_setpshared = pthread_rwlockattr_setpshared,
	.pthread_rwlockattr_getpshared = pthread_rwlockattr_getpshared,
	.pthread_rwlockattr_destroy = pthread_rwlockattr_destroy,
	.pthread_rwlock_init = ipcref_rwlock_init,
	.pthread_rwlock_destroy = ipcref_rwlock_destroy,
	.pthread_rwlock_rdlock = ipcref_rwlock_rdlock,
	.pthread_rwlock_tryrdlock = ipcref_rwlock_tryrdlock,
	.pthread_rwlock_timedrdlock = ipcref_rwlock_timedrdlock,
	.pthread_rwlock_clockrdlock = ipcref_rwlock_clockrdlock,
	.pthread_rwlock_wrlock = ipcref_rwlock_wrlock,
	.pthread_rwlock_trywrlock = ipcref_rwlock_trywrlock,
	.pthread_rwlock_timedwrlock = ipcref_rwlock_timedwrlock,
	.pthread_rwlock_clockwrlock = ipcref_rwlock_clockwrlock,
	.pthread_rwlock_unlock = ipcref_rwlock_unlock,
	.pthread_barrierattr_init = pthread_barrierattr_init,
	.pthread_barrierattr_setpshared = pthread_barrierattr_setpshared,
	.pthread_barrierattr_getpshared = pthread_barrierattr_getpshared,
	.pthread_barrierattr_destroy = pthread_barrierattr_destroy,
	.pthread_barrier_init = ipcref_barrier_init,
	.pthread_barrier_destroy = ipcref_barrier_destroy,
	.pthread_barrier_wait = ipcref_barrier_wait,
	.pthread_spin_init = ipcref_spin_init,
	.pthread_spin_destroy = ipcref_spin_destroy,
	.pthread_spin_lock = ipcref_spin_lock,
	.pthread_spin_trylock = ipcref_spin_trylock,
	.pthread_spin_unlock = ipcref_spin_unlock,
};
