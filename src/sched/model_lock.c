/* SPDX-License-Identifier: MIT */
/*
 * Process-shared locks.  Mutexes, read-write locks and spin locks are libc's own, tried; condition
 * variables and barriers are played: of libc's only the address is used.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/model.h"
#include "sched/real.h"

int REAL(pthread_mutex_trylock)(pthread_mutex_t *mutex);
int REAL(pthread_mutex_unlock)(pthread_mutex_t *mutex);
int REAL(pthread_rwlock_tryrdlock)(pthread_rwlock_t *lock);
int REAL(pthread_rwlock_trywrlock)(pthread_rwlock_t *lock);
int REAL(pthread_rwlock_unlock)(pthread_rwlock_t *lock);
int REAL(pthread_spin_trylock)(pthread_spinlock_t *lock);
int REAL(pthread_spin_unlock)(pthread_spinlock_t *lock);

typedef int try_to_lock(void *lock);

/* Waits until it can be had.  Locks aren't interrupted. */
static int lock(try_to_lock *try, void *lock, const struct operation *operation, clockid_t clock,
		const struct timespec *timeout)
{
	int error;

	while ((error = try(lock)) == EBUSY)
		if (sched_block(operation, timeout ? model_until(clock, timeout) : FOREVER) ==
		    TIMED_OUT)
			return ETIMEDOUT;
	return error;
}

static int point_and_lock(enum operation_kind kind, const void *pc, try_to_lock *try, void *object,
			  clockid_t clock, const struct timespec *timeout)
{
	struct operation locks = model_operation(kind, key_of_address(object), pc);

	sched_point(&locks);
	return lock(try, object, &locks, clock, timeout);
}

static int point_and_try(enum operation_kind kind, const void *pc, try_to_lock *try, void *object)
{
	struct operation tries = model_operation(kind, key_of_address(object), pc);

	sched_point(&tries);
	int error = try(object);
	if (error == EBUSY)
		runtime_unchanged();
	return error;
}

static int point_and_unlock(enum operation_kind kind, const void *pc, try_to_lock *unlock,
			    void *object)
{
	struct operation unlocks = model_operation(kind, key_of_address(object), pc);

	sched_point(&unlocks);
	int error = unlock(object);
	sched_wake(unlocks.key);
	return error;
}

/* ---- mutexes ---- */

static int try_mutex(void *mutex)
{
	return REAL(pthread_mutex_trylock)(mutex);
}

static int unlock_mutex(void *mutex)
{
	return REAL(pthread_mutex_unlock)(mutex);
}

/* A lock would tell what a try doesn't: that one waits for oneself. */
static bool is_own(const pthread_mutex_t *mutex)
{
#ifdef __GLIBC__
	enum { TYPE_BITS = 3 };
	return (mutex->__data.__kind & TYPE_BITS) == PTHREAD_MUTEX_ERRORCHECK &&
	       mutex->__data.__owner == (int)REAL(syscall)(SYS_gettid);
#else
	(void)mutex;
	return false;
#endif
}

int model_mutex_lock(const void *pc, pthread_mutex_t *mutex, clockid_t clock,
		     const struct timespec *timeout)
{
	if (is_own(mutex))
		return EDEADLK;
	return point_and_lock(OPERATION_MUTEX_LOCK, pc, try_mutex, mutex, clock, timeout);
}

int model_mutex_trylock(const void *pc, pthread_mutex_t *mutex)
{
	return point_and_try(OPERATION_MUTEX_LOCK, pc, try_mutex, mutex);
}

int model_mutex_unlock(const void *pc, pthread_mutex_t *mutex)
{
	return point_and_unlock(OPERATION_MUTEX_UNLOCK, pc, unlock_mutex, mutex);
}

/* ---- condition variables ---- */

int model_cond_wait(const void *pc, pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
		    const struct timespec *timeout)
{
	struct operation waits = model_operation(OPERATION_COND_WAIT, key_of_address(cond), pc);
	struct operation locks = model_operation(OPERATION_MUTEX_LOCK, key_of_address(mutex), pc);

	sched_point(&waits);
	int error = REAL(pthread_mutex_unlock)(mutex);
	if (error)
		return error;
	sched_wake(locks.key);
	enum wakening why = sched_block(&waits, timeout ? model_until(clock, timeout) : FOREVER);
	error = lock(try_mutex, mutex, &locks, clock, NULL);
	return error ? error : why == TIMED_OUT ? ETIMEDOUT : 0;
}

static int wake_condition(enum operation_kind kind, const void *pc, pthread_cond_t *cond,
			  unsigned count)
{
	struct operation wakes = model_operation(kind, key_of_address(cond), pc);

	sched_point(&wakes);
	sched_wake_some(wakes.key, count);
	return 0;
}

int model_cond_signal(const void *pc, pthread_cond_t *cond)
{
	return wake_condition(OPERATION_COND_SIGNAL, pc, cond, 1);
}

int model_cond_broadcast(const void *pc, pthread_cond_t *cond)
{
	return wake_condition(OPERATION_COND_BROADCAST, pc, cond, ACTORS_MAX);
}

/* ---- read-write locks ---- */

static int try_read(void *object)
{
	return REAL(pthread_rwlock_tryrdlock)(object);
}

static int try_write(void *object)
{
	return REAL(pthread_rwlock_trywrlock)(object);
}

static int unlock_rwlock(void *object)
{
	return REAL(pthread_rwlock_unlock)(object);
}

int model_rwlock_rdlock(const void *pc, pthread_rwlock_t *object, clockid_t clock,
			const struct timespec *timeout)
{
	return point_and_lock(OPERATION_READ_LOCK, pc, try_read, object, clock, timeout);
}

int model_rwlock_wrlock(const void *pc, pthread_rwlock_t *object, clockid_t clock,
			const struct timespec *timeout)
{
	return point_and_lock(OPERATION_WRITE_LOCK, pc, try_write, object, clock, timeout);
}

int model_rwlock_tryrdlock(const void *pc, pthread_rwlock_t *object)
{
	return point_and_try(OPERATION_READ_LOCK, pc, try_read, object);
}

int model_rwlock_trywrlock(const void *pc, pthread_rwlock_t *object)
{
	return point_and_try(OPERATION_WRITE_LOCK, pc, try_write, object);
}

int model_rwlock_unlock(const void *pc, pthread_rwlock_t *object)
{
	return point_and_unlock(OPERATION_RWLOCK_UNLOCK, pc, unlock_rwlock, object);
}

/* ---- spin locks ---- */

static int try_spin(void *object)
{
	return REAL(pthread_spin_trylock)(object);
}

static int unlock_spin(void *object)
{
	return REAL(pthread_spin_unlock)(object);
}

int model_spin_lock(const void *pc, pthread_spinlock_t *object)
{
	return point_and_lock(OPERATION_SPIN_LOCK, pc, try_spin, (void *)(uintptr_t)object,
			      CLOCK_REALTIME, NULL);
}

int model_spin_trylock(const void *pc, pthread_spinlock_t *object)
{
	return point_and_try(OPERATION_SPIN_LOCK, pc, try_spin, (void *)(uintptr_t)object);
}

int model_spin_unlock(const void *pc, pthread_spinlock_t *object)
{
	return point_and_unlock(OPERATION_SPIN_UNLOCK, pc, unlock_spin, (void *)(uintptr_t)object);
}

/* ---- barriers ---- */

static struct barrier *barrier_of(uint64_t key)
{
	for (unsigned index = 0; index < BARRIERS_MAX; index++) {
		struct barrier *barrier = &arena->barrier[index];
		if (barrier->key == key || !barrier->key) {
			barrier->key = key;
			return barrier;
		}
	}
	return NULL;
}

void model_barrier_init(pthread_barrier_t *object, unsigned count)
{
	struct barrier *barrier = barrier_of(key_of_address(object));

	if (barrier) {
		barrier->count = count;
		barrier->arrived = 0;
	}
}

int model_barrier_wait(const void *pc, pthread_barrier_t *object)
{
	struct operation waits =
		model_operation(OPERATION_BARRIER_WAIT, key_of_address(object), pc);
	struct barrier *barrier = barrier_of(waits.key);

	sched_point(&waits);
	if (!barrier || !barrier->count)
		return EINVAL;
	if (++barrier->arrived == barrier->count) {
		barrier->arrived = 0;
		barrier->round++;
		sched_wake(waits.key);
		return PTHREAD_BARRIER_SERIAL_THREAD;
	}
	for (uint32_t round = barrier->round; round == barrier->round;)
		sched_block(&waits, FOREVER);
	return 0;
}
