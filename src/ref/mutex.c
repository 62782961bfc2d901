/* SPDX-License-Identifier: MIT */
/*
 * The mutex, in the bytes of a pthread_mutex_t: who holds it, under a guard (lock.h) that is held
 * for moments only and that the kernel, or the next, takes from a dead owner.  Nothing is left half
 * done by such a death: every change is one store that counts, and others that don't count before.
 *
 * The kernel's list of robust mutexes belongs to libc and has no place for these.  So whoever waits
 * for one looks, before long and again, whether its holder goes on living.
 */
#include "ref/mutex.h"

#include <errno.h>
#include <limits.h>

#include "ref/eventcount.h"
#include "ref/ipcref.h"
#include "ref/lock.h"
#include "ref/step.h"

/* All zero is what PTHREAD_MUTEX_INITIALIZER makes. */
struct mutex {
	struct lock guard;
	_Atomic uint16_t kind;
	uint16_t depth;		 /* how often its holder has locked it */
	_Atomic uint32_t holder; /* the thread's id; 0: nobody */
	struct life life;	 /* the holder's, if it is robust */
	struct eventcount unlockings;
};
_Static_assert(sizeof(struct mutex) <= sizeof(pthread_mutex_t),
	       "a mutex is in the bytes of a pthread_mutex_t");

enum kind {
	RECURSIVE = 1,
	ERRORCHECK = 2,
	ROBUST = 4,
	INCONSISTENT = 8, /* a holder has died, and nobody has said since that all is well */
	LOST = 16,	  /* and somebody has unlocked it all the same */
};

static struct mutex *mutex_of(pthread_mutex_t *mutex)
{
	return (struct mutex *)(void *)mutex;
}

/* -- making ----------------------------------------------------------------------------------- */

static int kind_of(const pthread_mutexattr_t *attributes, unsigned *kind)
{
	int type, robustness, protocol;

	*kind = 0;
	if (!attributes)
		return 0;
	if (pthread_mutexattr_gettype(attributes, &type) ||
	    pthread_mutexattr_getrobust(attributes, &robustness) ||
	    pthread_mutexattr_getprotocol(attributes, &protocol))
		return EINVAL;
	/* whom to run first is the kernel's to say */
	if (protocol != PTHREAD_PRIO_NONE)
		return ENOTSUP;
	if (type == PTHREAD_MUTEX_RECURSIVE)
		*kind |= RECURSIVE;
	if (type == PTHREAD_MUTEX_ERRORCHECK)
		*kind |= ERRORCHECK;
	if (robustness == PTHREAD_MUTEX_ROBUST)
		*kind |= ROBUST;
	return 0;
}

int ipcref_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
	struct mutex *m = mutex_of(mutex);
	unsigned kind;
	int error = kind_of(attributes, &kind);

	if (error)
		return error;
	*m = (struct mutex){.kind = (uint16_t)kind};
	return 0;
}

int ipcref_mutex_destroy(pthread_mutex_t *mutex)
{
	return atomic_load(&mutex_of(mutex)->holder) ? EBUSY : 0;
}

/* -- who holds it ----------------------------------------------------------------------------- */

static bool is_mine(const struct mutex *m)
{
	if (atomic_load(&m->holder) != thread_id())
		return false;
	if (!(atomic_load(&m->kind) & ROBUST))
		return true;
	/* or had it been another's, of the same number? */
	struct life life = thread_life();
	return life.birth == m->life.birth && life.image == m->life.image;
}

bool mutex_may_be_unlocked(pthread_mutex_t *mutex)
{
	struct mutex *m = mutex_of(mutex);

	/* a normal one may be unlocked by a child for its parent, as handlers of fork do */
	return !(atomic_load(&m->kind) & (RECURSIVE | ERRORCHECK | ROBUST)) || is_mine(m);
}

/* Takes it from a holder that is no more; the guard is held. */
static void leave_for_the_dead(struct mutex *m)
{
	uint32_t holder = atomic_load(&m->holder);

	if (!(atomic_load(&m->kind) & ROBUST) || !holder || life_goes_on(holder, m->life))
		return;
	atomic_fetch_or(&m->kind, INCONSISTENT);
	STEP("mutex/lock/marked");
	atomic_store(&m->holder, 0);
	STEP("mutex/lock/freed");
}

static int hold(struct mutex *m)
{
	unsigned kind = atomic_load(&m->kind);

	if (kind & ROBUST)
		m->life = thread_life();
	m->depth = 1;
	STEP("mutex/lock/about-to");
	atomic_store(&m->holder, thread_id());
	STEP("mutex/lock/held");
	return kind & INCONSISTENT ? EOWNERDEAD : 0;
}

/* What comes of locking it now; EBUSY: another holds it, or this thread and it is normal. */
static int try_to_hold(struct mutex *m, bool waits)
{
	unsigned kind = atomic_load(&m->kind);

	if (kind & LOST)
		return ENOTRECOVERABLE;
	if (!atomic_load(&m->holder))
		return hold(m);
	if (!is_mine(m)) {
		leave_for_the_dead(m);
		return atomic_load(&m->holder) ? EBUSY : hold(m);
	}
	if (kind & ERRORCHECK)
		return waits ? EDEADLK : EBUSY;
	if (!(kind & RECURSIVE))
		return EBUSY;
	if (m->depth == UINT16_MAX)
		return EAGAIN;
	m->depth++;
	return 0;
}

/*
 * Whether there is anything new, as far as can be told without the guard, which nobody should be
 * stopped with who only looks.  A life that is just being written is a try for nothing.
 */
static bool is_worth_a_try(struct mutex *m)
{
	unsigned kind = atomic_load(&m->kind);
	uint32_t holder = atomic_load(&m->holder);

	return !holder || kind & LOST || (kind & ROBUST && !life_goes_on(holder, m->life));
}

/* -- locking ---------------------------------------------------------------------------------- */

/* Sleeps until it was unlocked or may be had: 0 or ETIMEDOUT.  The guard is given back meanwhile.
 */
static int wait_for(struct mutex *m, clockid_t clock, const struct timespec *deadline)
{
	uint32_t prepared = eventcount_prepare(&m->unlockings);
	int result;

	STEP("mutex/lock/prepared");
	lock_drop(&m->guard);
	STEP("mutex/lock/waits");
	do
		result = eventcount_doze(&m->unlockings, prepared, clock, deadline);
	while (result == EINTR || (result == EAGAIN && !is_worth_a_try(m)));
	lock_take(&m->guard);
	return result == ETIMEDOUT ? ETIMEDOUT : 0;
}

int ipcref_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline)
{
	struct mutex *m = mutex_of(mutex);
	bool has_waited = false;
	int result;

	lock_take(&m->guard);
	while ((result = try_to_hold(m, true)) == EBUSY) {
		if (deadline && !moment_is_valid(clock, deadline))
			result = EINVAL;
		else
			result = wait_for(m, clock, deadline);
		if (result)
			break;
		has_waited = true;
	}
	/* an unlocking wakes one and forgets the others, who may be there */
	if (has_waited) {
		eventcount_prepare(&m->unlockings);
		STEP("mutex/lock/others-wait");
	}
	lock_drop(&m->guard);
	return result;
}

int ipcref_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline)
{
	return ipcref_mutex_clocklock(mutex, CLOCK_REALTIME, deadline);
}

int ipcref_mutex_lock(pthread_mutex_t *mutex)
{
	return ipcref_mutex_clocklock(mutex, CLOCK_MONOTONIC, NULL);
}

int ipcref_mutex_trylock(pthread_mutex_t *mutex)
{
	struct mutex *m = mutex_of(mutex);
	int result;

	lock_take(&m->guard);
	result = try_to_hold(m, false);
	lock_drop(&m->guard);
	return result;
}

/* -- unlocking -------------------------------------------------------------------------------- */

int ipcref_mutex_unlock(pthread_mutex_t *mutex)
{
	struct mutex *m = mutex_of(mutex);
	int sleepers = 0;

	lock_take(&m->guard);
	if (!mutex_may_be_unlocked(mutex)) {
		lock_drop(&m->guard);
		return EPERM;
	}
	if (m->depth > 1) {
		m->depth--;
		lock_drop(&m->guard);
		return 0;
	}
	bool is_lost = atomic_load(&m->kind) & INCONSISTENT;

	if (is_lost)
		atomic_fetch_or(&m->kind, LOST);
	STEP("mutex/unlock/about-to");
	atomic_store(&m->holder, 0);
	STEP("mutex/unlock/free");
	if (eventcount_advance(&m->unlockings, false))
		sleepers = is_lost ? INT_MAX : 1;
	STEP("mutex/unlock/told");
	lock_drop(&m->guard);
	STEP("mutex/unlock/dropped");
	/* the next may have made an end of it by now: no more than its address is used */
	if (sleepers)
		futex_wake(&m->unlockings.word, sleepers);
	return 0;
}

int ipcref_mutex_consistent(pthread_mutex_t *mutex)
{
	struct mutex *m = mutex_of(mutex);
	int result = EINVAL;

	lock_take(&m->guard);
	if (atomic_load(&m->kind) & INCONSISTENT && is_mine(m)) {
		atomic_fetch_and(&m->kind, (uint16_t)~INCONSISTENT);
		STEP("mutex/consistent/said");
		result = 0;
	}
	lock_drop(&m->guard);
	return result;
}
