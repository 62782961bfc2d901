/* SPDX-License-Identifier: MIT */
/* Locks in memory; those of files are in lock_file.c. */
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "stage/perform.h"

/* -- memory ----------------------------------------------------------------------------------- */

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static bool map(const char *m, int flags, int fd, outcome *out)
{
	if (!impl->lock || !impl->lock->mmap)
		return outcome_lacks(out, "lock.mmap");
	errno = 0;

	void *page = impl->lock->mmap(NULL, page_size(), PROT_READ | PROT_WRITE, flags, fd, 0);
	if (page == MAP_FAILED)
		return outcome_is(out, -1);
	set_handle(m, 0, page);
	return outcome_is(out, 0);
}

PERFORM(lock, map)
{
	map(o->handle, MAP_SHARED | MAP_ANONYMOUS, -1, out);
}

PERFORM(lock, map_file)
{
	if (!CALL(lock, open, path_of(o->other), O_RDWR | O_CREAT, 0600))
		return;
	int fd = (int)out->value;

	if (CALL(lock, ftruncate, fd, (off_t)page_size()))
		map(o->handle, MAP_SHARED, fd, out);
	impl->fd->close(fd);
}

PERFORM(lock, unmap)
{
	CALL(lock, munmap, handle_pointer(o->handle), page_size());
}

PERFORM(lock, fill)
{
	memset(handle_pointer(o->handle), (int)o->n[0], page_size());
	outcome_is(out, 0);
}

PERFORM(lock, is_full_of)
{
	const unsigned char *page = handle_pointer(o->handle);

	out->value = 1;
	for (size_t i = 0; i < page_size(); i++)
		if (page[i] != (unsigned char)o->n[0])
			out->value = 0;
}

/* The page an object is made in. */
static void *place(const op *o, outcome *out)
{
	if (!has_handle(o->handle) && !map(o->handle, MAP_SHARED | MAP_ANONYMOUS, -1, out))
		return NULL;
	return handle_pointer(o->handle);
}

/* -- time ------------------------------------------------------------------------------------- */

/* A call of an object with a deadline, which is on CLOCK_REALTIME, or on the clock it is given. */
#define CALL_TIMED(function)                                                                       \
	do {                                                                                       \
		struct timespec deadline = from_now(CLOCK_REALTIME, o->n[0]);                      \
		CALL_ERROR(lock, function, handle_pointer(o->handle), &deadline);                  \
		check_deadline(CLOCK_REALTIME, &deadline, out);                                    \
	} while (0)
#define CALL_CLOCKED(function)                                                                     \
	do {                                                                                       \
		struct timespec deadline = from_now(CLOCK_MONOTONIC, o->n[0]);                     \
		CALL_ERROR(lock, function, handle_pointer(o->handle), CLOCK_MONOTONIC, &deadline); \
		check_deadline(CLOCK_MONOTONIC, &deadline, out);                                   \
	} while (0)

/* -- mutexes ---------------------------------------------------------------------------------- */

static bool describe_mutex(pthread_mutexattr_t *attributes, int type, long long kind, outcome *out)
{
	int shared = kind & MUTEX_PRIVATE ? PTHREAD_PROCESS_PRIVATE : PTHREAD_PROCESS_SHARED;

	if (!CALL_ERROR(lock, pthread_mutexattr_init, attributes) ||
	    !CALL_ERROR(lock, pthread_mutexattr_setpshared, attributes, shared) ||
	    !CALL_ERROR(lock, pthread_mutexattr_settype, attributes, type))
		return false;
	if (kind & MUTEX_ROBUST &&
	    !CALL_ERROR(lock, pthread_mutexattr_setrobust, attributes, PTHREAD_MUTEX_ROBUST))
		return false;
	if (kind & MUTEX_INHERITS &&
	    !CALL_ERROR(lock, pthread_mutexattr_setprotocol, attributes, PTHREAD_PRIO_INHERIT)) {
		/* an option of the standard */
		if (out->error == ENOTSUP)
			outcome_lacks(out, "PTHREAD_PRIO_INHERIT");
		return false;
	}
	return true;
}

PERFORM(lock, make_mutex)
{
	pthread_mutexattr_t attributes;
	void *mutex = place(o, out);

	if (!mutex || !describe_mutex(&attributes, (int)o->n[0], o->n[1], out))
		return;
	CALL_ERROR(lock, pthread_mutex_init, mutex, &attributes);
	if (out->error == ENOTSUP && o->n[1] & MUTEX_INHERITS)
		outcome_lacks(out, "PTHREAD_PRIO_INHERIT");
	impl->lock->pthread_mutexattr_destroy(&attributes);
}

PERFORM(lock, mutex_destroy)
{
	CALL_ERROR(lock, pthread_mutex_destroy, handle_pointer(o->handle));
}

PERFORM(lock, mutex_lock)
{
	CALL_ERROR(lock, pthread_mutex_lock, handle_pointer(o->handle));
}

PERFORM(lock, mutex_trylock)
{
	CALL_ERROR(lock, pthread_mutex_trylock, handle_pointer(o->handle));
}

PERFORM(lock, mutex_timedlock)
{
	CALL_TIMED(pthread_mutex_timedlock);
}

PERFORM(lock, mutex_timedlock_at)
{
	struct timespec deadline = {(time_t)o->n[0], (long)o->n[1]};

	CALL_ERROR(lock, pthread_mutex_timedlock, handle_pointer(o->handle), &deadline);
}

PERFORM(lock, mutex_clocklock)
{
	CALL_CLOCKED(pthread_mutex_clocklock);
}

PERFORM(lock, mutex_unlock)
{
	CALL_ERROR(lock, pthread_mutex_unlock, handle_pointer(o->handle));
}

PERFORM(lock, mutex_consistent)
{
	CALL_ERROR(lock, pthread_mutex_consistent, handle_pointer(o->handle));
}

static void *lock_and_end(void *mutex)
{
	return (void *)(intptr_t)impl->lock->pthread_mutex_lock(mutex);
}

PERFORM(lock, mutex_lock_in_thread)
{
	pthread_t thread;
	void *result;

	if (!outcome_is_error(
		    out, pthread_create(&thread, NULL, lock_and_end, handle_pointer(o->handle))))
		return;
	pthread_join(thread, &result);
	outcome_is_error(out, (int)(intptr_t)result);
}

/* -- priorities ------------------------------------------------------------------------------- */

static int lowest(void)
{
	return sched_get_priority_min(SCHED_FIFO);
}

/* What there is not, and what this user may not, is neither right nor wrong. */
static void forgive(outcome *out)
{
	if (out->error == ENOTSUP)
		outcome_lacks(out, "PTHREAD_PRIO_PROTECT");
	else if (out->error == EPERM)
		outcome_lacks(out, "the right to a priority ceiling");
}

PERFORM(lock, make_ceiling_mutex)
{
	pthread_mutexattr_t attributes;
	void *mutex = place(o, out);

	if (!mutex || !describe_mutex(&attributes, PTHREAD_MUTEX_NORMAL, 0, out))
		return;
	if (CALL_ERROR(lock, pthread_mutexattr_setprotocol, &attributes, PTHREAD_PRIO_PROTECT) &&
	    CALL_ERROR(lock, pthread_mutexattr_setprioceiling, &attributes,
		       lowest() + (int)o->n[0]))
		CALL_ERROR(lock, pthread_mutex_init, mutex, &attributes);
	forgive(out);
	impl->lock->pthread_mutexattr_destroy(&attributes);
}

PERFORM(lock, mutex_set_ceiling)
{
	int old = (int)0xEEEEEEEEu;

	if (CALL_ERROR(lock, pthread_mutex_setprioceiling, handle_pointer(o->handle),
		       lowest() + (int)o->n[0], &old))
		out->value = old - lowest();
	forgive(out);
}

PERFORM(lock, mutex_get_ceiling)
{
	int ceiling = (int)0xEEEEEEEEu;

	if (CALL_ERROR(lock, pthread_mutex_getprioceiling, handle_pointer(o->handle), &ceiling))
		out->value = ceiling - lowest();
	forgive(out);
}

/* Only on the same processor does who has the higher priority keep another from running. */
static bool stay_on_one_processor(void)
{
#ifdef CPU_SET
	cpu_set_t mine, one;

	if (sched_getaffinity(0, sizeof(mine), &mine) != 0)
		return false;
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &mine)) {
			CPU_SET(i, &one);
			break;
		}
	return sched_setaffinity(0, sizeof(one), &one) == 0;
#else
	return false;
#endif
}

PERFORM(lock, run_in_real_time)
{
	struct sched_param highest = {.sched_priority = lowest() + HIGHEST_STEP},
			   asked = {.sched_priority = lowest() + (int)o->n[0]};

	if (!stay_on_one_processor()) {
		outcome_lacks(out, "a processor of one's choice");
		return;
	}
	/* who may not go as high as a ceiling can lock nothing */
	if (!CALL_ERROR(lock, pthread_setschedparam, pthread_self(), SCHED_FIFO, &highest) ||
	    !CALL_ERROR(lock, pthread_setschedparam, pthread_self(), SCHED_FIFO, &asked))
		outcome_lacks(out, "the right to real-time priority");
}

/* -- condition variables ---------------------------------------------------------------------- */

PERFORM(lock, make_cond)
{
	pthread_condattr_t attributes;
	void *cond = place(o, out);

	if (!cond || !CALL_ERROR(lock, pthread_condattr_init, &attributes) ||
	    !CALL_ERROR(lock, pthread_condattr_setpshared, &attributes, PTHREAD_PROCESS_SHARED) ||
	    !CALL_ERROR(lock, pthread_condattr_setclock, &attributes, (clockid_t)o->n[0]))
		return;
	CALL_ERROR(lock, pthread_cond_init, cond, &attributes);
	impl->lock->pthread_condattr_destroy(&attributes);
}

PERFORM(lock, cond_destroy)
{
	CALL_ERROR(lock, pthread_cond_destroy, handle_pointer(o->handle));
}

PERFORM(lock, cond_wait)
{
	CALL_ERROR(lock, pthread_cond_wait, handle_pointer(o->handle), handle_pointer(o->other));
}

PERFORM(lock, cond_timedwait)
{
	clockid_t clock = (clockid_t)o->n[0];
	struct timespec deadline = from_now(clock, o->n[1]);

	while (CALL_ERROR(lock, pthread_cond_timedwait, handle_pointer(o->handle),
			  handle_pointer(o->other), &deadline))
		continue;
	check_deadline(clock, &deadline, out);
}

PERFORM(lock, cond_timedwait_at)
{
	struct timespec deadline = {(time_t)o->n[0], (long)o->n[1]};

	CALL_ERROR(lock, pthread_cond_timedwait, handle_pointer(o->handle),
		   handle_pointer(o->other), &deadline);
}

PERFORM(lock, cond_clockwait)
{
	clockid_t clock = (clockid_t)o->n[0];
	struct timespec deadline = from_now(clock, o->n[1]);

	while (CALL_ERROR(lock, pthread_cond_clockwait, handle_pointer(o->handle),
			  handle_pointer(o->other), clock, &deadline))
		continue;
	check_deadline(clock, &deadline, out);
}

PERFORM(lock, cond_signal)
{
	CALL_ERROR(lock, pthread_cond_signal, handle_pointer(o->handle));
}

PERFORM(lock, cond_broadcast)
{
	CALL_ERROR(lock, pthread_cond_broadcast, handle_pointer(o->handle));
}

/* -- read-write locks ------------------------------------------------------------------------- */

PERFORM(lock, make_rwlock)
{
	int shared = o->n[0] ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE;
	pthread_rwlockattr_t attributes;
	void *rwlock = place(o, out);

	if (!rwlock || !CALL_ERROR(lock, pthread_rwlockattr_init, &attributes) ||
	    !CALL_ERROR(lock, pthread_rwlockattr_setpshared, &attributes, shared))
		return;
	CALL_ERROR(lock, pthread_rwlock_init, rwlock, &attributes);
	impl->lock->pthread_rwlockattr_destroy(&attributes);
}

PERFORM(lock, rwlock_destroy)
{
	CALL_ERROR(lock, pthread_rwlock_destroy, handle_pointer(o->handle));
}

PERFORM(lock, rdlock)
{
	CALL_ERROR(lock, pthread_rwlock_rdlock, handle_pointer(o->handle));
}

PERFORM(lock, tryrdlock)
{
	CALL_ERROR(lock, pthread_rwlock_tryrdlock, handle_pointer(o->handle));
}

PERFORM(lock, timedrdlock)
{
	CALL_TIMED(pthread_rwlock_timedrdlock);
}

PERFORM(lock, timedrdlock_at)
{
	struct timespec deadline = {(time_t)o->n[0], (long)o->n[1]};

	CALL_ERROR(lock, pthread_rwlock_timedrdlock, handle_pointer(o->handle), &deadline);
}

PERFORM(lock, clockrdlock)
{
	CALL_CLOCKED(pthread_rwlock_clockrdlock);
}

PERFORM(lock, wrlock)
{
	CALL_ERROR(lock, pthread_rwlock_wrlock, handle_pointer(o->handle));
}

PERFORM(lock, trywrlock)
{
	CALL_ERROR(lock, pthread_rwlock_trywrlock, handle_pointer(o->handle));
}

PERFORM(lock, timedwrlock)
{
	CALL_TIMED(pthread_rwlock_timedwrlock);
}

PERFORM(lock, timedwrlock_at)
{
	struct timespec deadline = {(time_t)o->n[0], (long)o->n[1]};

	CALL_ERROR(lock, pthread_rwlock_timedwrlock, handle_pointer(o->handle), &deadline);
}

PERFORM(lock, clockwrlock)
{
	CALL_CLOCKED(pthread_rwlock_clockwrlock);
}

PERFORM(lock, rwlock_unlock)
{
	CALL_ERROR(lock, pthread_rwlock_unlock, handle_pointer(o->handle));
}

/* -- barriers --------------------------------------------------------------------------------- */

PERFORM(lock, make_barrier)
{
	pthread_barrierattr_t attributes;
	void *barrier = place(o, out);

	if (!barrier || !CALL_ERROR(lock, pthread_barrierattr_init, &attributes) ||
	    !CALL_ERROR(lock, pthread_barrierattr_setpshared, &attributes, PTHREAD_PROCESS_SHARED))
		return;
	CALL_ERROR(lock, pthread_barrier_init, barrier, &attributes, (unsigned)o->n[0]);
	impl->lock->pthread_barrierattr_destroy(&attributes);
}

PERFORM(lock, barrier_wait)
{
	if (!impl->lock || !impl->lock->pthread_barrier_wait) {
		outcome_lacks(out, "lock.pthread_barrier_wait");
		return;
	}
	int result = impl->lock->pthread_barrier_wait(handle_pointer(o->handle));
	if (result == PTHREAD_BARRIER_SERIAL_THREAD)
		outcome_is(out, 1);
	else
		outcome_is_error(out, result);
}

PERFORM(lock, barrier_destroy)
{
	CALL_ERROR(lock, pthread_barrier_destroy, handle_pointer(o->handle));
}

/* -- spin locks ------------------------------------------------------------------------------- */

PERFORM(lock, make_spin)
{
	void *spin = place(o, out);

	if (spin)
		CALL_ERROR(lock, pthread_spin_init, spin, PTHREAD_PROCESS_SHARED);
}

PERFORM(lock, spin_lock)
{
	CALL_ERROR(lock, pthread_spin_lock, handle_pointer(o->handle));
}

PERFORM(lock, spin_trylock)
{
	CALL_ERROR(lock, pthread_spin_trylock, handle_pointer(o->handle));
}

PERFORM(lock, spin_unlock)
{
	CALL_ERROR(lock, pthread_spin_unlock, handle_pointer(o->handle));
}

PERFORM(lock, spin_destroy)
{
	CALL_ERROR(lock, pthread_spin_destroy, handle_pointer(o->handle));
}

/* -- the futex -------------------------------------------------------------------------------- */

PERFORM(lock, store)
{
	*(_Atomic(uint32_t) *)handle_pointer(o->handle) = (uint32_t)o->n[0];
	outcome_is(out, 0);
}

PERFORM(lock, load)
{
	outcome_is(out, *(_Atomic(uint32_t) *)handle_pointer(o->handle));
}

PERFORM(lock, futex_wait)
{
	CALL(lock, futex, handle_pointer(o->handle), FUTEX_WAITS | (int)o->n[0], (uint32_t)o->n[1],
	     NULL, 0, NULL, 0);
}

PERFORM(lock, futex_timedwait)
{
	struct timespec time = {(time_t)(o->n[1] / 1000), (long)(o->n[1] % 1000 * 1000000)},
			until = from_now(CLOCK_MONOTONIC, o->n[1]);

	CALL(lock, futex, handle_pointer(o->handle), FUTEX_WAITS, (uint32_t)o->n[0], &time, 0, NULL,
	     0);
	check_deadline(CLOCK_MONOTONIC, &until, out);
}

PERFORM(lock, futex_wait_until)
{
	struct timespec deadline = from_now(CLOCK_MONOTONIC, o->n[2]);

	CALL(lock, futex, handle_pointer(o->handle), FUTEX_WAITS_BITSET, (uint32_t)o->n[0],
	     &deadline, 0, NULL, (uint32_t)o->n[1]);
	check_deadline(CLOCK_MONOTONIC, &deadline, out);
}

PERFORM(lock, futex_wait_bits)
{
	CALL(lock, futex, handle_pointer(o->handle), FUTEX_WAITS_BITSET, (uint32_t)o->n[0], NULL, 0,
	     NULL, (uint32_t)o->n[1]);
}

PERFORM(lock, futex_wake)
{
	CALL(lock, futex, handle_pointer(o->handle), FUTEX_WAKES | (int)o->n[0], (uint32_t)o->n[1],
	     NULL, 0, NULL, 0);
}

PERFORM(lock, futex_wake_bits)
{
	CALL(lock, futex, handle_pointer(o->handle), FUTEX_WAKES_BITSET, (uint32_t)o->n[0], NULL, 0,
	     NULL, (uint32_t)o->n[1]);
}

PERFORM(lock, futex_requeue)
{
	CALL(lock, futex, handle_pointer(o->handle), FUTEX_REQUEUES, (uint32_t)o->n[0], NULL,
	     (uint32_t)o->n[1], handle_pointer(o->other), 0);
}

PERFORM(lock, futex_cmp_requeue)
{
	CALL(lock, futex, handle_pointer(o->handle), FUTEX_CMP_REQUEUES, (uint32_t)o->n[1], NULL,
	     (uint32_t)o->n[2], handle_pointer(o->other), (uint32_t)o->n[0]);
}

PERFORM(lock, futex_wake_op)
{
	CALL(lock, futex, handle_pointer(o->handle), FUTEX_WAKES_OP, (uint32_t)o->n[0], NULL,
	     (uint32_t)o->n[1], handle_pointer(o->other), (uint32_t)o->n[2]);
}

PERFORM(lock, futex_wait_until_real)
{
	struct timespec deadline = from_now(CLOCK_REALTIME, o->n[1]);

	CALL(lock, futex, handle_pointer(o->handle), FUTEX_WAITS_BITSET | FUTEX_ON_REAL_TIME,
	     (uint32_t)o->n[0], &deadline, 0, NULL, 0xFFFFFFFFu);
	check_deadline(CLOCK_REALTIME, &deadline, out);
}

/* Not every kernel has it. */
static void call_pi(const op *o, outcome *out, int operation, const struct timespec *deadline)
{
	CALL(lock, futex, handle_pointer(o->handle), operation, 0, deadline, 0, NULL, 0);
	if (out->error == ENOSYS)
		outcome_lacks(out, "FUTEX_LOCK_PI");
}

PERFORM(lock, futex_lock_pi)
{
	call_pi(o, out, FUTEX_LOCKS_PI, NULL);
}

PERFORM(lock, futex_timedlock_pi)
{
	struct timespec deadline = from_now(CLOCK_REALTIME, o->n[0]);

	call_pi(o, out, FUTEX_LOCKS_PI, &deadline);
	check_deadline(CLOCK_REALTIME, &deadline, out);
}

PERFORM(lock, futex_trylock_pi)
{
	call_pi(o, out, FUTEX_TRYLOCKS_PI, NULL);
}

PERFORM(lock, futex_unlock_pi)
{
	call_pi(o, out, FUTEX_UNLOCKS_PI, NULL);
}

PERFORM(lock, futex_wait_requeue_pi)
{
	CALL(lock, futex, handle_pointer(o->handle), FUTEX_WAITS_REQUEUE_PI, (uint32_t)o->n[0],
	     NULL, 0, handle_pointer(o->other), 0);
}

PERFORM(lock, futex_timedwait_requeue_pi)
{
	struct timespec deadline = from_now(CLOCK_MONOTONIC, o->n[1]);

	CALL(lock, futex, handle_pointer(o->handle), FUTEX_WAITS_REQUEUE_PI, (uint32_t)o->n[0],
	     &deadline, 0, handle_pointer(o->other), 0);
	check_deadline(CLOCK_MONOTONIC, &deadline, out);
}

PERFORM(lock, futex_cmp_requeue_pi)
{
	CALL(lock, futex, handle_pointer(o->handle), FUTEX_CMP_REQUEUES_PI, (uint32_t)o->n[1], NULL,
	     (uint32_t)o->n[2], handle_pointer(o->other), (uint32_t)o->n[0]);
}
