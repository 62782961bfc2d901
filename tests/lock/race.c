/* SPDX-License-Identifier: MIT */
/* Locks that several want at once. */
#include "race/race.h"

#include <errno.h>

struct table {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	pthread_rwlock_t rwlock;
	pthread_barrier_t barrier;
	pthread_spinlock_t spin;
	int counter, inside;
};

static bool make_mutex(void *world)
{
	struct table *table = world;
	pthread_mutexattr_t attributes;

	return impl->lock->pthread_mutexattr_init(&attributes) == 0 &&
	       impl->lock->pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
	       impl->lock->pthread_mutex_init(&table->mutex, &attributes) == 0;
}

static void remove_mutex(void *world)
{
	struct table *table = world;

	impl->lock->pthread_mutex_destroy(&table->mutex);
}

static long long add(void *world)
{
	struct table *table = world;
	int failure = impl->lock->pthread_mutex_lock(&table->mutex), seen;

	if (failure)
		return -failure;
	seen = table->counter;
	race_step("has read the counter");
	table->counter = seen + 1;
	return -impl->lock->pthread_mutex_unlock(&table->mutex);
}

static long long counted(void *world)
{
	struct table *table = world;
	long long count = table->counter;

	table->counter = 0;
	return count;
}

RACE(lock, no_addition_under_a_mutex_is_lost) = {
	.text = "three add to what a mutex protects",
	.world = sizeof(struct table),
	.make = make_mutex,
	.roles = {{"alice", add}, {"bob", add}, {"carol", add}},
	.after = counted,
	.remove = remove_mutex,
	.outcomes = {{"0 0 0 | 3", ALLOWED, "one after the other"}},
};

/* -- condition variables ----------------------------------------------------------------------- */

static bool make_cond(void *world)
{
	struct table *table = world;
	pthread_condattr_t attributes;

	return make_mutex(world) && impl->lock->pthread_condattr_init(&attributes) == 0 &&
	       impl->lock->pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
	       impl->lock->pthread_cond_init(&table->cond, &attributes) == 0;
}

static void remove_cond(void *world)
{
	struct table *table = world;

	impl->lock->pthread_cond_destroy(&table->cond);
	remove_mutex(world);
}

/* Waits until there is something, and takes one of it. */
static long long consume(void *world)
{
	struct table *table = world;
	int failure = impl->lock->pthread_mutex_lock(&table->mutex);

	while (!failure && table->counter == 0)
		failure = impl->lock->pthread_cond_wait(&table->cond, &table->mutex);
	if (failure)
		return -failure;
	int seen = table->counter;
	race_step("takes one");
	table->counter = seen - 1;
	return -impl->lock->pthread_mutex_unlock(&table->mutex);
}

static long long produce(struct table *table, int count, int (*tell)(pthread_cond_t *))
{
	int failure = impl->lock->pthread_mutex_lock(&table->mutex);

	if (failure)
		return -failure;
	int seen = table->counter;
	race_step("adds some");
	table->counter = seen + count;
	failure = tell(&table->cond);
	if (failure)
		return -failure;
	return -impl->lock->pthread_mutex_unlock(&table->mutex);
}

static long long produce_and_signal(void *world)
{
	return produce(world, 1, impl->lock->pthread_cond_signal);
}

static long long produce_and_broadcast(void *world)
{
	return produce(world, 2, impl->lock->pthread_cond_broadcast);
}

RACE(lock, each_signal_wakes_one) = {
	.text = "two wait for a condition, and two signal it",
	.world = sizeof(struct table),
	.make = make_cond,
	.roles = {{"alice", consume},
		  {"bob", consume},
		  {"carol", produce_and_signal},
		  {"dave", produce_and_signal}},
	.after = counted,
	.remove = remove_cond,
	.outcomes = {{"0 0 0 0 | 0", ALLOWED, "each has one"}},
};

RACE(lock, a_broadcast_wakes_all) = {
	.text = "two wait for a condition, and one tells both",
	.world = sizeof(struct table),
	.make = make_cond,
	.roles = {{"alice", consume}, {"bob", consume}, {"carol", produce_and_broadcast}},
	.after = counted,
	.remove = remove_cond,
	.outcomes = {{"0 0 0 | 0", ALLOWED, "each has one"}},
};

/* -- read-write locks -------------------------------------------------------------------------- */

static bool make_rwlock(void *world)
{
	struct table *table = world;
	pthread_rwlockattr_t attributes;

	return impl->lock->pthread_rwlockattr_init(&attributes) == 0 &&
	       impl->lock->pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) ==
		       0 &&
	       impl->lock->pthread_rwlock_init(&table->rwlock, &attributes) == 0;
}

static void remove_rwlock(void *world)
{
	struct table *table = world;

	impl->lock->pthread_rwlock_destroy(&table->rwlock);
}

/* Writes two words that are the same whenever nobody writes. */
static long long write_both(void *world)
{
	struct table *table = world;
	int failure = impl->lock->pthread_rwlock_wrlock(&table->rwlock);

	if (failure)
		return -failure;
	table->counter++;
	race_step("has written one");
	table->inside++;
	return -impl->lock->pthread_rwlock_unlock(&table->rwlock);
}

/* By how much they differ. */
static long long read_both(void *world)
{
	struct table *table = world;
	int failure = impl->lock->pthread_rwlock_rdlock(&table->rwlock), one, other;

	if (failure)
		return -failure;
	one = table->counter;
	race_step("has read one");
	other = table->inside;
	failure = impl->lock->pthread_rwlock_unlock(&table->rwlock);
	return failure ? -failure : one - other;
}

static long long written(void *world)
{
	struct table *table = world;

	table->inside = 0;
	return counted(world);
}

RACE(lock, a_writer_is_alone) = {
	.text = "who reads sees what one writer has written, or nothing of it",
	.world = sizeof(struct table),
	.make = make_rwlock,
	.roles = {{"alice", write_both},
		  {"bob", write_both},
		  {"carol", read_both},
		  {"dave", read_both}},
	.after = written,
	.remove = remove_rwlock,
	.outcomes = {{"0 0 0 0 | 2", ALLOWED, "one after the other"}},
};

/* -- barriers ---------------------------------------------------------------------------------- */

static bool make_barrier(void *world)
{
	struct table *table = world;
	pthread_barrierattr_t attributes;

	return impl->lock->pthread_barrierattr_init(&attributes) == 0 &&
	       impl->lock->pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) ==
		       0 &&
	       impl->lock->pthread_barrier_init(&table->barrier, &attributes, 3) == 0;
}

static void remove_barrier(void *world)
{
	struct table *table = world;

	impl->lock->pthread_barrier_destroy(&table->barrier);
}

/* Whether it was told that it's the one; and whom it has seen come, twice. */
static long long come(void *world)
{
	struct table *table = world;
	long long serial = 0;

	for (int round = 1; round <= 2; round++) {
		__atomic_fetch_add(&table->inside, 1, __ATOMIC_SEQ_CST);
		int told = impl->lock->pthread_barrier_wait(&table->barrier);

		if (told != 0 && told != PTHREAD_BARRIER_SERIAL_THREAD)
			return -told;
		if (__atomic_load_n(&table->inside, __ATOMIC_SEQ_CST) < 3 * round)
			return 9;
		serial += told != 0;
	}
	__atomic_fetch_add(&table->counter, serial, __ATOMIC_SEQ_CST);
	return 0;
}

RACE(lock, a_barrier_lets_nobody_by_too_early) = {
	.text = "three come twice; nobody goes on before all have come, and one is told each time",
	.world = sizeof(struct table),
	.make = make_barrier,
	.roles = {{"alice", come}, {"bob", come}, {"carol", come}},
	.after = written,
	.remove = remove_barrier,
	.outcomes = {{"0 0 0 | 2", ALLOWED, "one of three was told, twice"}},
};

/* -- spin locks -------------------------------------------------------------------------------- */

static bool make_spin(void *world)
{
	struct table *table = world;

	return impl->lock->pthread_spin_init(&table->spin, PTHREAD_PROCESS_SHARED) == 0;
}

static void remove_spin(void *world)
{
	struct table *table = world;

	impl->lock->pthread_spin_destroy(&table->spin);
}

static long long add_spinning(void *world)
{
	struct table *table = world;
	int failure = impl->lock->pthread_spin_lock(&table->spin), seen;

	if (failure)
		return -failure;
	seen = table->counter;
	race_step("has read the counter");
	table->counter = seen + 1;
	return -impl->lock->pthread_spin_unlock(&table->spin);
}

RACE(lock, no_addition_under_a_spin_lock_is_lost) = {
	.text = "two add to what a spin lock protects",
	.world = sizeof(struct table),
	.make = make_spin,
	.roles = {{"alice", add_spinning}, {"bob", add_spinning}},
	.after = counted,
	.remove = remove_spin,
	.outcomes = {{"0 0 | 2", ALLOWED, "one after the other"}},
};

/* -- deaths ------------------------------------------------------------------------------------ */

static bool make_robust(void *world)
{
	struct table *table = world;
	pthread_mutexattr_t attributes;

	return impl->lock->pthread_mutexattr_init(&attributes) == 0 &&
	       impl->lock->pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
	       impl->lock->pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
	       impl->lock->pthread_mutex_init(&table->mutex, &attributes) == 0;
}

/* Whoever finds a dead owner finds an addition that was made or wasn't, and goes on from there. */
static long long add_after_a_death(void *world)
{
	struct table *table = world;
	int failure = impl->lock->pthread_mutex_lock(&table->mutex), seen;

	if (failure == EOWNERDEAD)
		failure = impl->lock->pthread_mutex_consistent(&table->mutex);
	if (failure)
		return -failure;
	seen = table->counter;
	race_step("has read the counter");
	table->counter = seen + 1;
	race_step("has added");
	return -impl->lock->pthread_mutex_unlock(&table->mutex);
}

RACE(lock, a_robust_mutex_outlives_its_owner) = {
	.text = "three add to what a robust mutex protects, whoever of them dies",
	.world = sizeof(struct table),
	.make = make_robust,
	.roles = {{"alice", add_after_a_death},
		  {"bob", add_after_a_death},
		  {"carol", add_after_a_death}},
	.mortals = 2,
	.after = counted,
	.remove = remove_mutex,
	.outcomes = {{"0 0 0 | 3", ALLOWED, "one after the other"},
		     {"killed 0 0 | [23]", ALLOWED, "alice may have added"},
		     {"0 killed 0 | [23]", ALLOWED, "bob may have added"},
		     {"killed killed 0 | [123]", ALLOWED, "both may have added"}},
};
