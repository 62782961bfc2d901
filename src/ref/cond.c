/* SPDX-License-Identifier: MIT */
/*
 * The condition variable, in the bytes of a pthread_cond_t: an eventcount.  A waiter prepares
 * before it unlocks the mutex, so that whoever has the mutex next, and notifies, is heard.  Nobody
 * waits for a waiter: one that is killed, or stopped, holds up neither who notifies nor who
 * destroys.
 *
 * A wait may return for no reason, as the standard has it, and does after any wakeup: what was
 * waited on may be something else by then, and isn't looked at.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>

#include "ref/eventcount.h"
#include "ref/ipcref.h"
#include "ref/mutex.h"
#include "ref/step.h"

/* All zero is what PTHREAD_COND_INITIALIZER makes. */
struct cond {
	struct eventcount notifications;
	uint32_t is_monotonic; /* the clock of its deadlines */
};
_Static_assert(sizeof(struct cond) <= sizeof(pthread_cond_t),
	       "a condition variable is in the bytes of a pthread_cond_t");

static struct cond *cond_of(pthread_cond_t *cond)
{
	return (struct cond *)(void *)cond;
}

int ipcref_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes)
{
	clockid_t clock = CLOCK_REALTIME;
	struct cond *c = cond_of(cond);

	if (attributes && pthread_condattr_getclock(attributes, &clock))
		return EINVAL;
	eventcount_init(&c->notifications);
	c->is_monotonic = clock == CLOCK_MONOTONIC;
	return 0;
}

int ipcref_cond_destroy(pthread_cond_t *cond)
{
	(void)cond;
	return 0;
}

/* -- waiting ---------------------------------------------------------------------------------- */

/* One wait: what its end needs, which may be a cancellation. */
struct wait {
	struct cond *cond;
	pthread_mutex_t *mutex;
	int error; /* of locking the mutex again */
};

static void lock_again(void *given)
{
	struct wait *wait = given;

	wait->error = ipcref_mutex_lock(wait->mutex);
}

/* The notification that had come already is another's.  Only the address is used. */
static void leave_cancelled(void *given)
{
	struct wait *wait = given;

	futex_wake(&wait->cond->notifications.word, 1);
	lock_again(wait);
}

static int sleep_for(struct wait *wait, uint32_t prepared, clockid_t clock,
		     const struct timespec *deadline)
{
	int result;

	pthread_cleanup_push(leave_cancelled, wait);
	do
		result = futex_doze_cancellably(&wait->cond->notifications.word, prepared, clock,
						deadline);
	while (result == EAGAIN || result == EINTR);
	pthread_cleanup_pop(0);
	return result;
}

int ipcref_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
			  const struct timespec *deadline)
{
	struct wait wait = {cond_of(cond), mutex, 0};

	if (deadline && !moment_is_valid(clock, deadline))
		return EINVAL;
	if (!mutex_may_be_unlocked(mutex))
		return EPERM;
	uint32_t prepared = eventcount_prepare(&wait.cond->notifications);
	STEP("cond/wait/prepared");
	int result = ipcref_mutex_unlock(mutex);

	if (result)
		return result;
	STEP("cond/wait/unlocked");
	result = sleep_for(&wait, prepared, clock, deadline);
	STEP("cond/wait/woken");
	lock_again(&wait);
	return wait.error ? wait.error : result;
}

int ipcref_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
			  const struct timespec *deadline)
{
	return ipcref_cond_clockwait(cond, mutex,
				     cond_of(cond)->is_monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME,
				     deadline);
}

int ipcref_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	return ipcref_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, NULL);
}

/* -- notifying -------------------------------------------------------------------------------- */

int ipcref_cond_signal(pthread_cond_t *cond)
{
	struct eventcount *notifications = &cond_of(cond)->notifications;

	if (eventcount_advance(notifications, true)) {
		STEP("cond/signal/told");
		futex_wake(&notifications->word, 1);
	}
	return 0;
}

int ipcref_cond_broadcast(pthread_cond_t *cond)
{
	struct eventcount *notifications = &cond_of(cond)->notifications;

	if (eventcount_advance(notifications, false)) {
		STEP("cond/broadcast/told");
		futex_wake(&notifications->word, INT_MAX);
	}
	return 0;
}
