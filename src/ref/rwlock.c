/* SPDX-License-Identifier: MIT */
/*
 * The read-write lock, in the bytes of a pthread_rwlock_t: a number of readers or one writer, under
 * a guard (lock.h) that is held for moments only.  Each change is one store, so that a death under
 * the guard leaves nothing half done.
 *
 * Those who wait aren't counted, so that one that is killed, or gives up, keeps nobody out: an
 * unlocking that lets somebody in wakes all, and who comes first is let in.
 *
 * A writer that dies leaves half done what the lock protects.  To let the next one in would hide
 * that, and to keep all out for ever would hang them; so they are told, as of a robust mutex that
 * nobody has made consistent: ENOTRECOVERABLE, until the lock is made anew.  A reader that dies
 * holds on, for there is no room to note who reads.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>

#include "ref/eventcount.h"
#include "ref/ipcref.h"
#include "ref/lock.h"
#include "ref/step.h"

/* All zero is what PTHREAD_RWLOCK_INITIALIZER makes. */
struct rwlock {
	struct lock guard;
	_Atomic uint32_t writer;  /* the thread's id; 0: nobody; or LOST */
	_Atomic uint32_t readers; /* none, if there is a writer */
	struct eventcount unlockings;
	struct life life; /* the writer's */
	uint32_t world;	  /* where its id is one */
};
enum { LOST = LOCK_OWNER }; /* its last writer has died: no thread's id */
_Static_assert(sizeof(struct rwlock) <= sizeof(pthread_rwlock_t),
	       "a read-write lock is in the bytes of a pthread_rwlock_t");

static struct rwlock *rwlock_of(pthread_rwlock_t *rwlock)
{
	return (struct rwlock *)(void *)rwlock;
}

static bool is_lost(const struct rwlock *l)
{
	return atomic_load(&l->writer) == LOST;
}

static bool has_writer(const struct rwlock *l)
{
	return atomic_load(&l->writer) && !is_lost(l);
}

int ipcref_rwlock_init(pthread_rwlock_t *rwlock, const pthread_rwlockattr_t *attributes)
{
	(void)attributes; /* what serves processes serves threads */
	*rwlock_of(rwlock) = (struct rwlock){.writer = 0};
	return 0;
}

int ipcref_rwlock_destroy(pthread_rwlock_t *rwlock)
{
	struct rwlock *l = rwlock_of(rwlock);

	return has_writer(l) || atomic_load(&l->readers) ? EBUSY : 0;
}

/* -- locking ---------------------------------------------------------------------------------- */

enum way { READ, WRITE };

static bool is_kept_out(const struct rwlock *l, enum way way)
{
	return has_writer(l) || (way == WRITE && atomic_load(&l->readers));
}

/* 0, or EBUSY if somebody is in the way; the guard is held. */
static int hold(struct rwlock *l, enum way way)
{
	if (is_lost(l))
		return ENOTRECOVERABLE;
	if (is_kept_out(l, way))
		return EBUSY;
	if (way == WRITE) {
		l->life = thread_life();
		l->world = thread_world();
		STEP("rwlock/wrlock/about-to");
		atomic_store(&l->writer, thread_id());
		STEP("rwlock/wrlock/held");
		return 0;
	}
	if (atomic_load(&l->readers) == UINT32_MAX)
		return EAGAIN;
	atomic_fetch_add(&l->readers, 1);
	STEP("rwlock/rdlock/held");
	return 0;
}

static bool is_mine(const struct rwlock *l)
{
	struct life life = thread_life();

	return atomic_load(&l->writer) == thread_id() && l->life.birth == life.birth &&
	       l->life.image == life.image;
}

/*
 * Whether there is a writer that is no more: one of another PID namespace may well be.  Without the
 * guard it may be a life that is just being written.
 */
static bool is_left_by_the_dead(const struct rwlock *l)
{
	return has_writer(l) && l->world && l->world == thread_world() &&
	       !life_goes_on(atomic_load(&l->writer), l->life);
}

/* The guard is held. */
static void lose(struct rwlock *l)
{
	atomic_store(&l->writer, LOST);
	STEP("rwlock/lock/lost");
	if (eventcount_advance(&l->unlockings, false))
		futex_wake(&l->unlockings.word, INT_MAX);
}

/*
 * Sleeps until it was unlocked, is lost, or may be had: 0 or ETIMEDOUT.  The guard is given back
 * meanwhile.  Who unlocked it may have been killed before he said so.
 */
static int wait_for(struct rwlock *l, enum way way, clockid_t clock,
		    const struct timespec *deadline)
{
	uint32_t prepared = eventcount_prepare(&l->unlockings);
	int result;

	STEP("rwlock/lock/prepared");
	lock_drop(&l->guard);
	do
		result = eventcount_doze(&l->unlockings, prepared, clock, deadline);
	while (result == EINTR ||
	       (result == EAGAIN && is_kept_out(l, way) && !is_left_by_the_dead(l)));
	lock_take(&l->guard);
	if (result && is_left_by_the_dead(l)) {
		lose(l);
		return 0;
	}
	return result == ETIMEDOUT ? ETIMEDOUT : 0;
}

static int lock_it(pthread_rwlock_t *rwlock, enum way way, clockid_t clock,
		   const struct timespec *deadline)
{
	struct rwlock *l = rwlock_of(rwlock);
	int result;

	lock_take(&l->guard);
	while ((result = hold(l, way)) == EBUSY) {
		if (is_mine(l))
			result = EDEADLK;
		else if (deadline && !moment_is_valid(clock, deadline))
			result = EINVAL;
		else
			result = wait_for(l, way, clock, deadline);
		if (result)
			break;
	}
	lock_drop(&l->guard);
	return result;
}

static int try_it(pthread_rwlock_t *rwlock, enum way way)
{
	struct rwlock *l = rwlock_of(rwlock);
	int result;

	lock_take(&l->guard);
	result = hold(l, way);
	if (result == EBUSY && is_left_by_the_dead(l)) {
		lose(l);
		result = ENOTRECOVERABLE;
	}
	lock_drop(&l->guard);
	return result;
}

int ipcref_rwlock_rdlock(pthread_rwlock_t *rwlock)
{
	return lock_it(rwlock, READ, CLOCK_MONOTONIC, NULL);
}

int ipcref_rwlock_tryrdlock(pthread_rwlock_t *rwlock)
{
	return try_it(rwlock, READ);
}

int ipcref_rwlock_timedrdlock(pthread_rwlock_t *rwlock, const struct timespec *deadline)
{
	return lock_it(rwlock, READ, CLOCK_REALTIME, deadline);
}

int ipcref_rwlock_clockrdlock(pthread_rwlock_t *rwlock, clockid_t clock,
			      const struct timespec *deadline)
{
	return lock_it(rwlock, READ, clock, deadline);
}

int ipcref_rwlock_wrlock(pthread_rwlock_t *rwlock)
{
	return lock_it(rwlock, WRITE, CLOCK_MONOTONIC, NULL);
}

int ipcref_rwlock_trywrlock(pthread_rwlock_t *rwlock)
{
	return try_it(rwlock, WRITE);
}

int ipcref_rwlock_timedwrlock(pthread_rwlock_t *rwlock, const struct timespec *deadline)
{
	return lock_it(rwlock, WRITE, CLOCK_REALTIME, deadline);
}

int ipcref_rwlock_clockwrlock(pthread_rwlock_t *rwlock, clockid_t clock,
			      const struct timespec *deadline)
{
	return lock_it(rwlock, WRITE, clock, deadline);
}

/* -- unlocking -------------------------------------------------------------------------------- */

int ipcref_rwlock_unlock(pthread_rwlock_t *rwlock)
{
	struct rwlock *l = rwlock_of(rwlock);
	bool sleepers = false;
	int result = 0;

	lock_take(&l->guard);
	if (has_writer(l))
		atomic_store(&l->writer, 0);
	else if (atomic_load(&l->readers))
		atomic_fetch_sub(&l->readers, 1);
	else
		result = EPERM;
	STEP("rwlock/unlock/free");
	if (result == 0 && !atomic_load(&l->readers))
		sleepers = eventcount_advance(&l->unlockings, false);
	STEP("rwlock/unlock/told");
	lock_drop(&l->guard);
	STEP("rwlock/unlock/dropped");
	/* the next may have made an end of it by now: no more than its address is used */
	if (sleepers)
		futex_wake(&l->unlockings.word, INT_MAX);
	return result;
}
