/* SPDX-License-Identifier: MIT */
/* What mutexes, condition variables, read-write locks and barriers are made with. */
#include <string.h>

#include "stage/story.h"

/* -- attributes of a mutex -------------------------------------------------------------------- */

enum attribute { SHARING, TYPE, ROBUSTNESS, PROTOCOL, ATTRIBUTES };

static int get(const pthread_mutexattr_t *attributes, enum attribute which, int *value)
{
	*value = (int)0xEEEEEEEEu;
	switch (which) {
	case SHARING:
		return impl->lock->pthread_mutexattr_getpshared(attributes, value);
	case TYPE:
		return impl->lock->pthread_mutexattr_gettype(attributes, value);
	case ROBUSTNESS:
		return impl->lock->pthread_mutexattr_getrobust(attributes, value);
	default:
		return impl->lock->pthread_mutexattr_getprotocol(attributes, value);
	}
}

static int set(pthread_mutexattr_t *attributes, enum attribute which, int value)
{
	switch (which) {
	case SHARING:
		return impl->lock->pthread_mutexattr_setpshared(attributes, value);
	case TYPE:
		return impl->lock->pthread_mutexattr_settype(attributes, value);
	case ROBUSTNESS:
		return impl->lock->pthread_mutexattr_setrobust(attributes, value);
	default:
		return impl->lock->pthread_mutexattr_setprotocol(attributes, value);
	}
}

static int default_of(enum attribute which)
{
	static const int defaults[ATTRIBUTES] = {PTHREAD_PROCESS_PRIVATE, PTHREAD_MUTEX_DEFAULT,
						 PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE};

	return defaults[which];
}

/* All of them but one have their defaults. */
static void others_are_default(const pthread_mutexattr_t *attributes, int which)
{
	int value;

	for (int other = 0; other < ATTRIBUTES; other++) {
		if (other == which)
			continue;
		must_be(get(attributes, (enum attribute)other, &value), 0);
		must_be(value, default_of((enum attribute)other));
	}
}

static void make_attributes(pthread_mutexattr_t *attributes)
{
	memset(attributes, 0xEE, sizeof(*attributes));
	must_be(impl->lock->pthread_mutexattr_init(attributes), 0);
}

static long long look_at_defaults(const char *text, const long long *n)
{
	pthread_mutexattr_t attributes;

	(void)text;
	(void)n;
	make_attributes(&attributes);
	others_are_default(&attributes, ATTRIBUTES);
	return impl->lock->pthread_mutexattr_destroy(&attributes);
}

TEST(lock, mutex_attributes_have_defaults)
{
	actor *alice = cast("alice");

	does_give(alice, call(look_at_defaults, NULL, 0, 0, 0), 0);
}

struct setting {
	const char *name;
	enum attribute which;
	int value;
};

static const struct setting settings[] = {
	{"shared", SHARING, PTHREAD_PROCESS_SHARED},
	{"private", SHARING, PTHREAD_PROCESS_PRIVATE},
	{"normal", TYPE, PTHREAD_MUTEX_NORMAL},
	{"errorcheck", TYPE, PTHREAD_MUTEX_ERRORCHECK},
	{"recursive", TYPE, PTHREAD_MUTEX_RECURSIVE},
	{"robust", ROBUSTNESS, PTHREAD_MUTEX_ROBUST},
	{"stalled", ROBUSTNESS, PTHREAD_MUTEX_STALLED},
	{"inheriting", PROTOCOL, PTHREAD_PRIO_INHERIT},
	{"not_inheriting", PROTOCOL, PTHREAD_PRIO_NONE},
};

static long long set_and_look(const char *text, const long long *n)
{
	enum attribute which = (enum attribute)n[0];
	pthread_mutexattr_t attributes;
	int value;

	(void)text;
	make_attributes(&attributes);
	int error = set(&attributes, which, (int)n[1]);
	if (error == ENOTSUP && which == PROTOCOL)
		skip("mutexes don't inherit priority here");
	must_be(error, 0);
	must_be(get(&attributes, which, &value), 0);
	must_be(value, n[1]);
	others_are_default(&attributes, (int)which);
	return impl->lock->pthread_mutexattr_destroy(&attributes);
}

TEST_EACH(lock, mutex_attributes_are_kept, settings)
{
	actor *alice = cast("alice");

	does_give(alice, call(set_and_look, NULL, row->which, row->value, 0), 0);
}

static long long set_nonsense(const char *text, const long long *n)
{
	enum attribute which = (enum attribute)n[0];
	pthread_mutexattr_t attributes;
	int value;

	(void)text;
	make_attributes(&attributes);
	int error = set(&attributes, which, (int)n[1]);
	must(error == EINVAL || (error == ENOTSUP && which == PROTOCOL));
	must_be(get(&attributes, which, &value), 0);
	must_be(value, default_of(which));
	others_are_default(&attributes, (int)which);
	return impl->lock->pthread_mutexattr_destroy(&attributes);
}

static const struct setting nonsense[] = {
	{"type", TYPE, 0x7FFF},
	{"negative_type", TYPE, -1},
	{"robustness", ROBUSTNESS, 0x7FFF},
	{"protocol", PROTOCOL, 0x7FFF},
};

TEST_EACH(lock, nonsense_mutex_attribute_is_refused, nonsense)
{
	actor *alice = cast("alice");

	does_give(alice, call(set_nonsense, NULL, row->which, row->value, 0), 0);
}

TEST(lock, nonsense_sharing_of_a_mutex_is_refused)
{
	actor *alice = cast("alice");

	does_give(alice, call(set_nonsense, NULL, SHARING, 0x7FFF, 0), 0);
}

/* -- attributes of the others ----------------------------------------------------------------- */

static long long look_at_condattr(const char *text, const long long *n)
{
	pthread_condattr_t attributes;
	clockid_t clock = -1;
	int sharing = -1;

	(void)text;
	(void)n;
	memset(&attributes, 0xEE, sizeof(attributes));
	must_be(impl->lock->pthread_condattr_init(&attributes), 0);
	must_be(impl->lock->pthread_condattr_getpshared(&attributes, &sharing), 0);
	must_be(sharing, PTHREAD_PROCESS_PRIVATE);
	must_be(impl->lock->pthread_condattr_getclock(&attributes, &clock), 0);
	must_be(clock, CLOCK_REALTIME);
	must_be(impl->lock->pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), 0);
	must_be(impl->lock->pthread_condattr_getpshared(&attributes, &sharing), 0);
	must_be(sharing, PTHREAD_PROCESS_PRIVATE);
	must_be(impl->lock->pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	must_be(impl->lock->pthread_condattr_getpshared(&attributes, &sharing), 0);
	must_be(sharing, PTHREAD_PROCESS_SHARED);
	must_be(impl->lock->pthread_condattr_getclock(&attributes, &clock), 0);
	must_be(clock, CLOCK_MONOTONIC);
	return impl->lock->pthread_condattr_destroy(&attributes);
}

TEST(lock, condition_attributes_are_kept)
{
	actor *alice = cast("alice");

	does_give(alice, call(look_at_condattr, NULL, 0, 0, 0), 0);
}

static long long set_cpu_clock(const char *text, const long long *n)
{
	pthread_condattr_t attributes;
	clockid_t clock = -1;

	(void)text;
	must_be(impl->lock->pthread_condattr_init(&attributes), 0);
	must_be(impl->lock->pthread_condattr_setclock(&attributes, (clockid_t)n[0]), EINVAL);
	must_be(impl->lock->pthread_condattr_getclock(&attributes, &clock), 0);
	must_be(clock, CLOCK_REALTIME);
	return impl->lock->pthread_condattr_destroy(&attributes);
}

TEST(lock, condition_waits_on_no_processors_clock)
{
	actor *alice = cast("alice");

	does_give(alice, call(set_cpu_clock, NULL, CLOCK_PROCESS_CPUTIME_ID, 0, 0), 0);
	does_give(alice, call(set_cpu_clock, NULL, CLOCK_THREAD_CPUTIME_ID, 0, 0), 0);
}

static long long look_at_rwlockattr(const char *text, const long long *n)
{
	pthread_rwlockattr_t attributes;
	int sharing = -1;

	(void)text;
	(void)n;
	memset(&attributes, 0xEE, sizeof(attributes));
	must_be(impl->lock->pthread_rwlockattr_init(&attributes), 0);
	must_be(impl->lock->pthread_rwlockattr_getpshared(&attributes, &sharing), 0);
	must_be(sharing, PTHREAD_PROCESS_PRIVATE);
	must_be(impl->lock->pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	must_be(impl->lock->pthread_rwlockattr_getpshared(&attributes, &sharing), 0);
	must_be(sharing, PTHREAD_PROCESS_SHARED);
	return impl->lock->pthread_rwlockattr_destroy(&attributes);
}

TEST(lock, rwlock_attributes_are_kept)
{
	actor *alice = cast("alice");

	does_give(alice, call(look_at_rwlockattr, NULL, 0, 0, 0), 0);
}

static long long look_at_barrierattr(const char *text, const long long *n)
{
	pthread_barrierattr_t attributes;
	int sharing = -1;

	(void)text;
	(void)n;
	memset(&attributes, 0xEE, sizeof(attributes));
	must_be(impl->lock->pthread_barrierattr_init(&attributes), 0);
	must_be(impl->lock->pthread_barrierattr_getpshared(&attributes, &sharing), 0);
	must_be(sharing, PTHREAD_PROCESS_PRIVATE);
	must_be(impl->lock->pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	must_be(impl->lock->pthread_barrierattr_getpshared(&attributes, &sharing), 0);
	must_be(sharing, PTHREAD_PROCESS_SHARED);
	return impl->lock->pthread_barrierattr_destroy(&attributes);
}

TEST(lock, barrier_attributes_are_kept)
{
	actor *alice = cast("alice");

	does_give(alice, call(look_at_barrierattr, NULL, 0, 0, 0), 0);
}

/* -- what was made is not touched by what becomes of them ------------------------------------- */

static long long make_and_change_m(const char *text, const long long *n)
{
	pthread_mutexattr_t attributes;

	(void)n;
	make_attributes(&attributes);
	must_be(set(&attributes, SHARING, PTHREAD_PROCESS_SHARED), 0);
	must_be(set(&attributes, TYPE, PTHREAD_MUTEX_RECURSIVE), 0);
	must_be(impl->lock->pthread_mutex_init(handle_pointer(text), &attributes), 0);
	must_be(set(&attributes, SHARING, PTHREAD_PROCESS_PRIVATE), 0);
	must_be(set(&attributes, TYPE, PTHREAD_MUTEX_ERRORCHECK), 0);
	must_be(impl->lock->pthread_mutexattr_destroy(&attributes), 0);
	memset(&attributes, 0x5A, sizeof(attributes));
	return 0;
}

TEST(lock, made_mutex_outlives_its_attributes)
{
	actor *alice = cast("alice");

	does(alice, lock.map("m"));
	does(alice, call(make_and_change_m, "m", 0, 0, 0));
	actor *bob = forks(alice, "bob");
	does(alice, lock.mutex_lock("m"));
	does(alice, lock.mutex_lock("m"));
	does(alice, lock.mutex_unlock("m"));
	begin(bob, lock.mutex_lock("m"));
	blocks(bob);
	does(alice, lock.mutex_unlock("m"));
	succeeds(bob);
}

static long long make_and_change_c(const char *text, const long long *n)
{
	pthread_condattr_t attributes;

	(void)n;
	must_be(impl->lock->pthread_condattr_init(&attributes), 0);
	must_be(impl->lock->pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	must_be(impl->lock->pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), 0);
	must_be(impl->lock->pthread_cond_init(handle_pointer(text), &attributes), 0);
	must_be(impl->lock->pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_PRIVATE), 0);
	must_be(impl->lock->pthread_condattr_setclock(&attributes, CLOCK_REALTIME), 0);
	must_be(impl->lock->pthread_condattr_destroy(&attributes), 0);
	memset(&attributes, 0x5A, sizeof(attributes));
	return 0;
}

TEST(lock, made_condition_outlives_its_attributes)
{
	actor *alice = cast("alice");

	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	does(alice, lock.map("c"));
	does(alice, call(make_and_change_c, "c", 0, 0, 0));
	actor *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock("m"));
	does_fail(bob, lock.cond_timedwait("c", "m", CLOCK_MONOTONIC, 15), ETIMEDOUT);
	begin(bob, lock.cond_wait("c", "m"));
	blocks(bob);
	does(alice, lock.cond_signal("c"));
	succeeds(bob);
}

static long long make_and_change_r(const char *text, const long long *n)
{
	pthread_rwlockattr_t attributes;

	(void)n;
	must_be(impl->lock->pthread_rwlockattr_init(&attributes), 0);
	must_be(impl->lock->pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	must_be(impl->lock->pthread_rwlock_init(handle_pointer(text), &attributes), 0);
	must_be(impl->lock->pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_PRIVATE), 0);
	must_be(impl->lock->pthread_rwlockattr_destroy(&attributes), 0);
	memset(&attributes, 0x5A, sizeof(attributes));
	return 0;
}

TEST(lock, made_rwlock_outlives_its_attributes)
{
	actor *alice = cast("alice");

	does(alice, lock.map("r"));
	does(alice, call(make_and_change_r, "r", 0, 0, 0));
	actor *bob = forks(alice, "bob");
	does(alice, lock.wrlock("r"));
	begin(bob, lock.rdlock("r"));
	blocks(bob);
	does(alice, lock.rwlock_unlock("r"));
	succeeds(bob);
}

static long long make_and_change_b(const char *text, const long long *n)
{
	pthread_barrierattr_t attributes;

	must_be(impl->lock->pthread_barrierattr_init(&attributes), 0);
	must_be(impl->lock->pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	must_be(impl->lock->pthread_barrier_init(handle_pointer(text), &attributes, (unsigned)n[0]),
		0);
	must_be(impl->lock->pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_PRIVATE),
		0);
	must_be(impl->lock->pthread_barrierattr_destroy(&attributes), 0);
	memset(&attributes, 0x5A, sizeof(attributes));
	return 0;
}

TEST(lock, made_barrier_outlives_its_attributes)
{
	actor *alice = cast("alice");

	does(alice, lock.map("b"));
	does(alice, call(make_and_change_b, "b", 2, 0, 0));
	actor *bob = forks(alice, "bob");
	begin(bob, lock.barrier_wait("b"));
	blocks(bob);
	does(alice, lock.barrier_wait("b"));
	succeeds(bob);
}

/* -- made by a constant, or by no attributes -------------------------------------------------- */

static pthread_mutex_t constant_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t constant_cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t constant_rwlock = PTHREAD_RWLOCK_INITIALIZER;

static long long adopt_constants(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	set_handle("m", 0, &constant_mutex);
	set_handle("c", 0, &constant_cond);
	set_handle("r", 0, &constant_rwlock);
	return 0;
}

TEST(lock, constant_makes_a_mutex)
{
	actor *alice = cast("alice"), *thread = cast_thread(alice, "thread");

	does(alice, call(adopt_constants, NULL, 0, 0, 0));
	does(alice, lock.mutex_lock("m"));
	does_fail(thread, lock.mutex_trylock("m"), EBUSY);
	begin(thread, lock.mutex_lock("m"));
	blocks(thread);
	does(alice, lock.mutex_unlock("m"));
	succeeds(thread);
	does(thread, lock.mutex_unlock("m"));
	does(alice, lock.mutex_destroy("m"));
}

TEST(lock, constant_makes_a_condition)
{
	actor *alice = cast("alice"), *thread = cast_thread(alice, "thread");

	does(alice, call(adopt_constants, NULL, 0, 0, 0));
	does(alice, lock.mutex_lock("m"));
	does_fail(alice, lock.cond_timedwait("c", "m", CLOCK_REALTIME, 15), ETIMEDOUT);
	begin(alice, lock.cond_wait("c", "m"));
	blocks(alice);
	does(thread, lock.mutex_lock("m"));
	does(thread, lock.cond_signal("c"));
	does(thread, lock.mutex_unlock("m"));
	succeeds(alice);
	does(alice, lock.cond_destroy("c"));
}

TEST(lock, constant_makes_a_rwlock)
{
	actor *alice = cast("alice"), *thread = cast_thread(alice, "thread");

	does(alice, call(adopt_constants, NULL, 0, 0, 0));
	does(alice, lock.rdlock("r"));
	does(thread, lock.tryrdlock("r"));
	does(thread, lock.rwlock_unlock("r"));
	begin(thread, lock.wrlock("r"));
	blocks(thread);
	does(alice, lock.rwlock_unlock("r"));
	succeeds(thread);
	does_fail(alice, lock.tryrdlock("r"), EBUSY);
	does(thread, lock.rwlock_unlock("r"));
	does(alice, lock.rwlock_destroy("r"));
}
