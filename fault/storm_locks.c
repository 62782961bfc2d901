/* SPDX-License-Identifier: MIT */
/* Locks: what they protect is changed by one at a time, and who dies with one is told of. */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "fault/storm.h"
#include "ref/ipcref.h"

/* A moment so soon. */
static struct timespec moment_after(unsigned milliseconds)
{
	struct timespec moment;

	clock_gettime(CLOCK_REALTIME, &moment);
	moment.tv_sec += milliseconds / 1000;
	moment.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (moment.tv_nsec >= 1000000000) {
		moment.tv_sec++;
		moment.tv_nsec -= 1000000000;
	}
	return moment;
}

/* Something to do with a lock held. */
static void dawdle(void)
{
	for (unsigned i = chance(300); i > 0; i--)
		atomic_signal_fence(memory_order_seq_cst);
}

/* -- the robust mutex, and condition variables ----------------------------------------------------
 */

enum { ROOM = 3 };

static struct monitor {
	pthread_mutex_t mutex;
	pthread_cond_t not_empty, not_full;
	_Atomic unsigned holder; /* his life and 1 */
	/* Two numbers that are the same when nobody is at them; and what there is. */
	volatile uint64_t one, other;
	volatile unsigned count;
} * monitor;

static void make_mutex(int type)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_settype(&attributes, type);
	MUST(ipcref_mutex_init(&monitor->mutex, &attributes) == 0);
	pthread_mutexattr_destroy(&attributes);
}

static void mutex_begin(void)
{
	static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE,
				    PTHREAD_MUTEX_ERRORCHECK};

	monitor = share(sizeof(*monitor));
	make_mutex(types[chance(3)]);
}

/* This one has got it, and was told so. */
static void enter(struct worker *me, int told)
{
	unsigned before = atomic_load(&monitor->holder);

	if (told == EOWNERDEAD) {
		/* who died may just have got it, or given it back but for the last step */
		if (before && !is_killed(before - 1))
			fail("%u is told to be dead and isn't", before - 1);
		monitor->other = monitor->one;
		MUST(ipcref_mutex_consistent(&monitor->mutex) == 0);
	} else {
		MUST(told == 0);
		if (before)
			fail("%u and %u have the mutex at once", before - 1, me->life);
	}
	atomic_store(&monitor->holder, me->life + 1);
	if (monitor->one != monitor->other)
		fail("what the mutex protects is half changed, and nobody was told");
}

static void leave(struct worker *me)
{
	if (atomic_exchange(&monitor->holder, 0) != me->life + 1)
		fail("another came in");
	MUST(ipcref_mutex_unlock(&monitor->mutex) == 0);
}

static int lock_somehow(void)
{
	struct timespec moment = moment_after(chance(4));

	switch (chance(3)) {
	case 0:
		return ipcref_mutex_trylock(&monitor->mutex);
	case 1:
		return ipcref_mutex_timedlock(&monitor->mutex, &moment);
	default:
		return ipcref_mutex_lock(&monitor->mutex);
	}
}

static void mutex_work(struct worker *me)
{
	int told = lock_somehow();

	if (told == EBUSY || told == ETIMEDOUT)
		return;
	enter(me, told);
	monitor->one++;
	dawdle();
	monitor->other++;
	leave(me);
}

static void mutex_end(void)
{
	struct worker me = {.life = LIVES - 1};

	enter(&me, ipcref_mutex_lock(&monitor->mutex));
	leave(&me);
	MUST(ipcref_mutex_destroy(&monitor->mutex) == 0);
}

const struct mechanism storm_mutex = {"mutex", mutex_begin, NULL, mutex_work, NULL, mutex_end};

static void cond_begin(void)
{
	monitor = share(sizeof(*monitor));
	make_mutex(PTHREAD_MUTEX_NORMAL);
	MUST(ipcref_cond_init(&monitor->not_empty, NULL) == 0);
	MUST(ipcref_cond_init(&monitor->not_full, NULL) == 0);
}

static void wait_once(struct worker *me, pthread_cond_t *cond)
{
	struct timespec moment = moment_after(chance(4));
	bool is_timed = chance(2);

	atomic_store(&monitor->holder, 0);
	int told = is_timed ? ipcref_cond_timedwait(cond, &monitor->mutex, &moment)
			    : ipcref_cond_wait(cond, &monitor->mutex);
	enter(me, told == ETIMEDOUT ? 0 : told);
}

/* Of a store of so much room half put something in, and half take it out. */
static void cond_work(struct worker *me)
{
	bool puts = me->slot % 2 == 0;

	enter(me, ipcref_mutex_lock(&monitor->mutex));
	while (puts ? monitor->count == ROOM : monitor->count == 0)
		wait_once(me, puts ? &monitor->not_full : &monitor->not_empty);
	monitor->one++;
	monitor->count += puts ? 1u : -1u;
	monitor->other++;
	MUST(monitor->count <= ROOM);
	if (chance(2))
		ipcref_cond_signal(puts ? &monitor->not_empty : &monitor->not_full);
	else
		ipcref_cond_broadcast(puts ? &monitor->not_empty : &monitor->not_full);
	leave(me);
}

static void cond_end(void)
{
	MUST(ipcref_cond_destroy(&monitor->not_empty) == 0);
	MUST(ipcref_cond_destroy(&monitor->not_full) == 0);
	mutex_end();
}

const struct mechanism storm_cond = {"cond", cond_begin, NULL, cond_work, NULL, cond_end};

/* -- read-write locks ------------------------------------------------------------------------- */

/* A reader that dies holds on, and a writer's death loses the lock: there is another then. */

static struct rwlocks {
	_Atomic unsigned current;
	struct {
		pthread_rwlock_t lock;
		_Atomic unsigned readers, writers;
	} each[LIVES];
} * rwlocks;

static void rwlock_begin(void)
{
	rwlocks = share(sizeof(*rwlocks));
	for (unsigned i = 0; i < LIVES; i++)
		MUST(ipcref_rwlock_init(&rwlocks->each[i].lock, NULL) == 0);
}

static bool try_rwlock(struct worker *me, unsigned number)
{
	struct timespec moment = moment_after(20);
	pthread_rwlock_t *lock = &rwlocks->each[number].lock;
	bool writes = chance(3) == 0;

	atomic_store(&me->doing, 1);
	int told = writes ? ipcref_rwlock_timedwrlock(lock, &moment)
			  : ipcref_rwlock_timedrdlock(lock, &moment);
	MUST(told == 0 || told == ETIMEDOUT || told == ENOTRECOVERABLE);
	if (told == 0 && writes) {
		MUST(atomic_load(&rwlocks->each[number].readers) == 0);
		MUST(atomic_fetch_add(&rwlocks->each[number].writers, 1) == 0);
		dawdle();
		atomic_fetch_sub(&rwlocks->each[number].writers, 1);
	} else if (told == 0) {
		atomic_fetch_add(&rwlocks->each[number].readers, 1);
		MUST(atomic_load(&rwlocks->each[number].writers) == 0);
		dawdle();
		atomic_fetch_sub(&rwlocks->each[number].readers, 1);
	}
	if (told == 0)
		MUST(ipcref_rwlock_unlock(lock) == 0);
	atomic_store(&me->doing, 0);
	return told == 0;
}

static void rwlock_work(struct worker *me)
{
	while (!try_rwlock(me, atomic_load(&rwlocks->current)))
		continue;
}

static void rwlock_died(struct worker *dead)
{
	if (atomic_load(&dead->doing) && atomic_load(&rwlocks->current) < LIVES - 1)
		atomic_fetch_add(&rwlocks->current, 1);
}

static void rwlock_end(void)
{
}

const struct mechanism storm_rwlock = {"rwlock",    rwlock_begin, NULL,
				       rwlock_work, rwlock_died,  rwlock_end};

/* -- barriers -------------------------------------------------------------------------------------
 */

enum { PARTIES = 3 };

static struct rounds {
	pthread_barrier_t barrier;
	_Atomic uint64_t come, gone, last;
} * rounds;

static void barrier_begin(void)
{
	rounds = share(sizeof(*rounds));
	MUST(ipcref_barrier_init(&rounds->barrier, NULL, PARTIES) == 0);
}

static void barrier_work(struct worker *me)
{
	(void)me;
	atomic_fetch_add(&rounds->come, 1);
	int told = ipcref_barrier_wait(&rounds->barrier);

	MUST(told == 0 || told == PTHREAD_BARRIER_SERIAL_THREAD);
	if (told == PTHREAD_BARRIER_SERIAL_THREAD)
		atomic_fetch_add(&rounds->last, 1);
	uint64_t gone = atomic_fetch_add(&rounds->gone, 1) + 1, come = atomic_load(&rounds->come);

	/* whoever has gone, so many had come */
	MUST(gone <= come && atomic_load(&rounds->last) * PARTIES <= come);
}

static void barrier_end(void)
{
	MUST(ipcref_barrier_destroy(&rounds->barrier) == 0);
}

const struct mechanism storm_barrier = {"barrier",    barrier_begin, NULL,
					barrier_work, NULL,	     barrier_end};

/* -- spin locks: a holder that dies holds on, so that there is another then; who turns before the
 * old one is let pass
 * ------------------------------------------------------------------------------- */

static struct spins {
	_Atomic unsigned current;
	struct {
		pthread_spinlock_t lock;
		_Atomic unsigned holders;
		volatile uint64_t one, other;
	} each[LIVES];
} * spins;

static void spin_begin(void)
{
	spins = share(sizeof(*spins));
	for (unsigned i = 0; i < LIVES; i++)
		MUST(ipcref_spin_init(&spins->each[i].lock, PTHREAD_PROCESS_SHARED) == 0);
}

static void use_spin(unsigned number)
{
	if (number != atomic_load(&spins->current))
		return; /* it was opened for those who were waiting for the dead */
	MUST(atomic_fetch_add(&spins->each[number].holders, 1) == 0);
	MUST(spins->each[number].one == spins->each[number].other);
	spins->each[number].one++;
	dawdle();
	spins->each[number].other++;
	atomic_fetch_sub(&spins->each[number].holders, 1);
}

static void spin_work(struct worker *me)
{
	unsigned number = atomic_load(&spins->current);
	pthread_spinlock_t *lock = &spins->each[number].lock;
	bool tries = chance(3) == 0;

	atomic_store(&me->amount, number);
	atomic_store(&me->doing, 1);
	int told = tries ? ipcref_spin_trylock(lock) : ipcref_spin_lock(lock);
	MUST(told == 0 || (told == EBUSY && tries));
	if (told == 0) {
		use_spin(number);
		MUST(ipcref_spin_unlock(lock) == 0);
	}
	atomic_store(&me->doing, 0);
}

static void spin_died(struct worker *dead)
{
	unsigned number = (unsigned)atomic_load(&dead->amount);

	if (!atomic_load(&dead->doing))
		return;
	if (number == atomic_load(&spins->current) && number < LIVES - 1)
		atomic_fetch_add(&spins->current, 1);
	MUST(ipcref_spin_unlock(&spins->each[number].lock) == 0);
}

static void spin_end(void)
{
	for (unsigned i = 0; i < LIVES; i++)
		MUST(ipcref_spin_destroy(&spins->each[i].lock) == 0);
}

const struct mechanism storm_spin = {"spin", spin_begin, NULL, spin_work, spin_died, spin_end};
