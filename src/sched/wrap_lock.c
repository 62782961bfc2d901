/* SPDX-License-Identifier: MIT */
/* Locks of libc, of one process or several: who unlocks comes before who locks next. */
#include <errno.h>
#include <pthread.h>

#include "sched/clock.h"
#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

static uint64_t second_key(uint64_t key, uint64_t number)
{
	return sync_key(SYNC_RWLOCK, key, number);
}

/* ---- mutex ----------------------------------------------------------------------------------- */

static void note_owner(uint64_t key, enum sync_kind kind, uint32_t owner)
{
	struct sync_object *object = sync_find(key, kind, true);

	if (object)
		atomic_store_explicit(&object->writer, owner, memory_order_relaxed);
}

static void join_dead_owner(uint64_t key)
{
	struct sync_object *object = sync_find(key, SYNC_MUTEX, false);
	uint32_t owner = object ? atomic_load(&object->writer) : 0;

	if (owner)
		party_join(owner - 1);
}

static int locked(pthread_mutex_t *mutex, int result)
{
	uint64_t key = !result || result == EOWNERDEAD ? sync_key_of(mutex) : 0;

	if (!key)
		return result;

	sync_acquire(key, SYNC_MUTEX);
	if (result == EOWNERDEAD)
		join_dead_owner(key);
	note_owner(key, SYNC_MUTEX, self.number + 1);
	return result;
}

static void unlocks(pthread_mutex_t *mutex)
{
	sync_release(sync_key_of(mutex), SYNC_MUTEX);
}

WRAP(int, pthread_mutex_lock, (pthread_mutex_t * mutex))
{
	return locked(mutex, MODELLED ? model_mutex_lock(HERE, mutex, CLOCK_REALTIME, NULL)
				      : REAL(pthread_mutex_lock)(mutex));
}

WRAP(int, pthread_mutex_trylock, (pthread_mutex_t * mutex))
{
	return locked(mutex, MODELLED ? model_mutex_trylock(HERE, mutex)
				      : REAL(pthread_mutex_trylock)(mutex));
}

WRAP(int, pthread_mutex_timedlock, (pthread_mutex_t * mutex, const struct timespec *until))
{
	return locked(mutex, MODELLED ? model_mutex_lock(HERE, mutex, CLOCK_REALTIME, until)
				      : REAL(pthread_mutex_timedlock)(mutex, until));
}

#ifdef HAVE_PTHREAD_MUTEX_CLOCKLOCK
WRAP(int, pthread_mutex_clocklock,
     (pthread_mutex_t * mutex, clockid_t clock, const struct timespec *until))
{
	return locked(mutex, MODELLED ? model_mutex_lock(HERE, mutex, clock, until)
				      : REAL(pthread_mutex_clocklock)(mutex, clock, until));
}
#endif

WRAP(int, pthread_mutex_unlock, (pthread_mutex_t * mutex))
{
	unlocks(mutex);
	return MODELLED ? model_mutex_unlock(HERE, mutex) : REAL(pthread_mutex_unlock)(mutex);
}

/* ---- condition variable: what it orders it orders by its mutex ---------------------------------
 */

static int waited(pthread_mutex_t *mutex, int result)
{
	locked(mutex, result == EOWNERDEAD ? EOWNERDEAD : 0);
	return result;
}

WRAP(int, pthread_cond_wait, (pthread_cond_t * cond, pthread_mutex_t *mutex))
{
	unlocks(mutex);
	return waited(mutex, MODELLED ? model_cond_wait(HERE, cond, mutex, CLOCK_REALTIME, NULL)
				      : REAL(pthread_cond_wait)(cond, mutex));
}

WRAP(int, pthread_cond_timedwait,
     (pthread_cond_t * cond, pthread_mutex_t *mutex, const struct timespec *until))
{
	unlocks(mutex);
	return waited(mutex, MODELLED ? model_cond_wait(HERE, cond, mutex, CLOCK_REALTIME, until)
				      : REAL(pthread_cond_timedwait)(cond, mutex, until));
}

#ifdef HAVE_PTHREAD_COND_CLOCKWAIT
WRAP(int, pthread_cond_clockwait,
     (pthread_cond_t * cond, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until))
{
	unlocks(mutex);
	return waited(mutex, MODELLED ? model_cond_wait(HERE, cond, mutex, clock, until)
				      : REAL(pthread_cond_clockwait)(cond, mutex, clock, until));
}
#endif

WRAP(int, pthread_cond_signal, (pthread_cond_t * cond))
{
	return MODELLED ? model_cond_signal(HERE, cond) : REAL(pthread_cond_signal)(cond);
}

WRAP(int, pthread_cond_broadcast, (pthread_cond_t * cond))
{
	return MODELLED ? model_cond_broadcast(HERE, cond) : REAL(pthread_cond_broadcast)(cond);
}

/* ---- read-write lock: readers come after writers, and writers after all
 * -------------------------- */

static int read_locked(pthread_rwlock_t *lock, int result)
{
	if (!result)
		sync_acquire(sync_key_of(lock), SYNC_RWLOCK);
	return result;
}

static int write_locked(pthread_rwlock_t *lock, int result)
{
	uint64_t key = result ? 0 : sync_key_of(lock);

	if (!key)
		return result;

	sync_acquire(key, SYNC_RWLOCK);
	sync_acquire(second_key(key, 1), SYNC_RWLOCK);
	note_owner(key, SYNC_RWLOCK, self.number + 1);
	return result;
}

WRAP(int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock))
{
	return read_locked(lock, MODELLED ? model_rwlock_rdlock(HERE, lock, CLOCK_REALTIME, NULL)
					  : REAL(pthread_rwlock_rdlock)(lock));
}

WRAP(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock))
{
	return read_locked(lock, MODELLED ? model_rwlock_tryrdlock(HERE, lock)
					  : REAL(pthread_rwlock_tryrdlock)(lock));
}

WRAP(int, pthread_rwlock_timedrdlock, (pthread_rwlock_t * lock, const struct timespec *until))
{
	return read_locked(lock, MODELLED ? model_rwlock_rdlock(HERE, lock, CLOCK_REALTIME, until)
					  : REAL(pthread_rwlock_timedrdlock)(lock, until));
}

WRAP(int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock))
{
	return write_locked(lock, MODELLED ? model_rwlock_wrlock(HERE, lock, CLOCK_REALTIME, NULL)
					   : REAL(pthread_rwlock_wrlock)(lock));
}

WRAP(int, pthread_rwlock_trywrlock, (pthread_rwlock_t * lock))
{
	return write_locked(lock, MODELLED ? model_rwlock_trywrlock(HERE, lock)
					   : REAL(pthread_rwlock_trywrlock)(lock));
}

WRAP(int, pthread_rwlock_timedwrlock, (pthread_rwlock_t * lock, const struct timespec *until))
{
	return write_locked(lock, MODELLED ? model_rwlock_wrlock(HERE, lock, CLOCK_REALTIME, until)
					   : REAL(pthread_rwlock_timedwrlock)(lock, until));
}

WRAP(int, pthread_rwlock_unlock, (pthread_rwlock_t * lock))
{
	uint64_t key = sync_key_of(lock);

	if (key) {
		struct sync_object *object = sync_find(key, SYNC_RWLOCK, true);
		bool writes = object && atomic_load(&object->writer) == self.number + 1;

		if (writes)
			atomic_store(&object->writer, 0);
		sync_release(writes ? key : second_key(key, 1), SYNC_RWLOCK);
	}
	return MODELLED ? model_rwlock_unlock(HERE, lock) : REAL(pthread_rwlock_unlock)(lock);
}

/* ---- barrier: one round's arrivals come before its departures, and the next's are another's
 * ------- */

/* Alternating, so that who arrives for the next round isn't known to who is slow to leave this. */
static uint64_t round_key(uint64_t key, struct sync_object *object)
{
	uint64_t size = atomic_load(&object->peer);
	uint64_t round = size ? atomic_fetch_add(&object->count, 1) / size : 0;

	return second_key(key, 2 + round % 2);
}

WRAP(int, pthread_barrier_init,
     (pthread_barrier_t * barrier, const pthread_barrierattr_t *attributes, unsigned count))
{
	uint64_t key = sync_key_of(barrier);
	struct sync_object *object = key ? sync_find(key, SYNC_BARRIER, true) : NULL;

	if (object) {
		atomic_store(&object->peer, count);
		atomic_store(&object->count, 0);
	}
	if (MODELLED)
		model_barrier_init(barrier, count);
	return REAL(pthread_barrier_init)(barrier, attributes, count);
}

WRAP(int, pthread_barrier_wait, (pthread_barrier_t * barrier))
{
	uint64_t key = sync_key_of(barrier);

	if (key) {
		struct sync_object *object = sync_find(key, SYNC_BARRIER, true);

		key = object ? round_key(key, object) : key;
		sync_release(key, SYNC_BARRIER);
	}
	int result =
		MODELLED ? model_barrier_wait(HERE, barrier) : REAL(pthread_barrier_wait)(barrier);

	if (key && (!result || result == PTHREAD_BARRIER_SERIAL_THREAD))
		sync_acquire(key, SYNC_BARRIER);
	return result;
}

/* ---- spin lock
 * ----------------------------------------------------------------------------------- */

static int spun(pthread_spinlock_t *lock, int result)
{
	if (!result)
		sync_acquire(sync_key_of((const void *)lock), SYNC_SPIN);
	return result;
}

WRAP(int, pthread_spin_lock, (pthread_spinlock_t * lock))
{
	return spun(lock, MODELLED ? model_spin_lock(HERE, lock) : REAL(pthread_spin_lock)(lock));
}

WRAP(int, pthread_spin_trylock, (pthread_spinlock_t * lock))
{
	return spun(lock,
		    MODELLED ? model_spin_trylock(HERE, lock) : REAL(pthread_spin_trylock)(lock));
}

WRAP(int, pthread_spin_unlock, (pthread_spinlock_t * lock))
{
	sync_release(sync_key_of((const void *)lock), SYNC_SPIN);
	return MODELLED ? model_spin_unlock(HERE, lock) : REAL(pthread_spin_unlock)(lock);
}
