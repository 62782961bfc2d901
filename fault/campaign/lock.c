/* SPDX-License-Identifier: MIT */
#include "fault/campaign/campaign.h"

enum { WAITS_LONG_MS = 600000 };

/* -- mutexes ---------------------------------------------------------------------------------- */

static void make(actor *a)
{
	does(a, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, MUTEX_ROBUST));
}

/* Takes the mutex, whose last owner may have died. */
static void takes_over(actor *a)
{
	begin(a, lock.mutex_lock("m"));
	returns(a);
	if (outcome_of(a)->value == -1) {
		must_be(outcome_of(a)->error, EOWNERDEAD);
		does(a, lock.mutex_consistent("m"));
	}
}

static void is_told_of_a_death(actor *a)
{
	does_fail(a, lock.mutex_lock("m"), EOWNERDEAD);
	does(a, lock.mutex_consistent("m"));
	does(a, lock.mutex_unlock("m"));
}

/* It can be locked and unlocked as if nothing had been. */
static void is_as_new(actor *a, actor *other)
{
	takes_over(a);
	does_fail(other, lock.mutex_trylock("m"), EBUSY);
	does(a, lock.mutex_unlock("m"));
	does(other, lock.mutex_lock("m"));
	does(other, lock.mutex_unlock("m"));
}

CAMPAIGN(lock, mutex_lock, "a robust mutex whose owner dies at any instant can be had by the next")
{
	actor *alice = cast("alice");

	make(alice);
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	suffers(victim, lock.mutex_lock("m"));
	if (ending() == SUCCEEDED)
		does(victim, lock.mutex_unlock("m"));
	is_as_new(alice, bob);
}

CAMPAIGN(lock, mutex_unlock, "a robust mutex is unlocked, or its owner's death is told")
{
	actor *alice = cast("alice");

	make(alice);
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	actor *waiter = forks(alice, "waiter");
	does(victim, lock.mutex_lock("m"));
	begin(waiter, lock.mutex_lock("m"));
	blocks(waiter);
	suffers(victim, lock.mutex_unlock("m"));
	returns(waiter);
	if (outcome_of(waiter)->value == -1) {
		must_be(outcome_of(waiter)->error, EOWNERDEAD);
		must(ending() == DIED);
		does(waiter, lock.mutex_consistent("m"));
	}
	does(waiter, lock.mutex_unlock("m"));
	is_as_new(alice, bob);
}

CAMPAIGN(lock, mutex_wait, "who waits for a mutex has it, or leaves it to others")
{
	actor *alice = cast("alice");

	make(alice);
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock("m"));
	suffers_beside(victim, lock.mutex_lock("m"), bob, lock.mutex_unlock("m"));
	succeeds(bob);
	if (ending() == SUCCEEDED)
		does(victim, lock.mutex_unlock("m"));
	is_as_new(alice, bob);
}

CAMPAIGN(lock, mutex_recover, "who recovers a mutex may die of it, and the next recovers it")
{
	actor *alice = cast("alice");

	make(alice);
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(victim, lock.mutex_lock("m"), EOWNERDEAD);
	suffers(victim, lock.mutex_consistent("m"));
	if (ending() == SUCCEEDED)
		does(victim, lock.mutex_unlock("m"));
	else if (ending() == DIED)
		is_told_of_a_death(alice);
	actor *carol = forks(alice, "carol");
	is_as_new(alice, carol);
}

/* What locking it has given: it is had, and whole. */
static void makes_good(pthread_mutex_t *mutex, int error)
{
	if (error == EOWNERDEAD)
		error = entry(lock, pthread_mutex_consistent)(mutex);
	must_be(error, 0);
}

/* Takes it over from a dead owner. */
static long long recovers(const char *m, const long long *n)
{
	pthread_mutex_t *mutex = handle_pointer(m);

	(void)n;
	makes_good(mutex, entry(lock, pthread_mutex_lock)(mutex));
	return 0;
}

static long long has_for_a_moment(const char *m, const long long *n)
{
	recovers(m, n);
	return entry(lock, pthread_mutex_unlock)(handle_pointer(m));
}

CAMPAIGN(lock, mutex_take_over, "who takes a mutex over from the dead may die of it at any instant")
{
	actor *alice = cast("alice");

	make(alice);
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	suffers(victim, call(recovers, "m", 0, 0, 0));
	if (ending() == SUCCEEDED)
		does(victim, lock.mutex_unlock("m"));
	else if (ending() == DIED) /* of his, or the one before */
		is_told_of_a_death(alice);
	actor *carol = forks(alice, "carol");
	is_as_new(alice, carol);
}

/* The same; 1: it is lost. */
static long long has_what_is_left(const char *m, const long long *n)
{
	pthread_mutex_t *mutex = handle_pointer(m);
	int error = entry(lock, pthread_mutex_lock)(mutex);

	(void)n;
	if (error == ENOTRECOVERABLE)
		return 1;
	makes_good(mutex, error);
	return entry(lock, pthread_mutex_unlock)(mutex);
}

/* Unlocked by one who was told of the last owner's death, and has not made it consistent. */
CAMPAIGN(lock, mutex_lose, "a mutex that is not made consistent is lost for all, or its owner died")
{
	actor *alice = cast("alice");

	make(alice);
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	actor *waiter = forks(alice, "waiter"), *other = forks(alice, "other");
	does(bob, lock.mutex_lock("m"));
	dies(bob);
	does_fail(victim, lock.mutex_lock("m"), EOWNERDEAD);
	begin(waiter, call(has_what_is_left, "m", 0, 0, 0));
	blocks(waiter);
	begin(other, call(has_what_is_left, "m", 0, 0, 0));
	blocks(other);
	suffers(victim, lock.mutex_unlock("m"));
	returns(waiter);
	returns(other);
	must_be(outcome_of(waiter)->value, outcome_of(other)->value);
	if (outcome_of(waiter)->value == 0) {
		must(ending() == DIED);
		is_as_new(alice, waiter);
	} else {
		does_fail(alice, lock.mutex_trylock("m"), ENOTRECOVERABLE);
	}
}

CAMPAIGN(lock, mutex_timedlock, "who waits for a mutex for a time has it, or leaves it to others")
{
	actor *alice = cast("alice");

	make(alice);
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	actor *waiter = forks(alice, "waiter");
	does(bob, lock.mutex_lock("m"));
	begin(waiter, call(has_for_a_moment, "m", 0, 0, 0));
	blocks(waiter);
	suffers_beside(victim, lock.mutex_timedlock("m", WAITS_LONG_MS), bob,
		       lock.mutex_unlock("m"));
	succeeds(bob);
	if (ending() == SUCCEEDED)
		does(victim, lock.mutex_unlock("m"));
	succeeds(waiter);
	is_as_new(alice, bob);
}

/* What others hold for an instant only is waited for too. */
CAMPAIGN(lock, mutex_contended, "who waits for one who is just locking a mutex may die of it")
{
	actor *alice = cast("alice");

	make(alice);
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	actor *carol = forks(alice, "carol");
	if (!halts(bob, call(has_for_a_moment, "m", 0, 0, 0)))
		return;
	suffers_beside(victim, lock.mutex_lock("m"), carol, sig.kill(pid_of(bob), SIGCONT));
	succeeds(carol);
	if (ending() == SUCCEEDED)
		does(victim, lock.mutex_unlock("m"));
	succeeds(bob);
	is_as_new(alice, bob);
}

/* -- condition variables ---------------------------------------------------------------------- */

static actor *makes_cond(const char *name)
{
	actor *a = cast(name);

	make(a);
	does(a, lock.make_cond("c", CLOCK_REALTIME));
	return a;
}

static void waits_for_cond(actor *a)
{
	takes_over(a);
	begin(a, lock.cond_wait("c", "m"));
	blocks(a);
}

/* The wait is over, and the mutex is had. */
static void is_told(actor *a)
{
	returns(a);
	if (outcome_of(a)->value == -1) {
		must_be(outcome_of(a)->error, EOWNERDEAD);
		must(ending() == DIED);
		does(a, lock.mutex_consistent("m"));
	}
	does(a, lock.mutex_unlock("m"));
}

/* Both mutex and condition serve as if nothing had been. */
static void tells_as_new(actor *a, actor *other)
{
	is_as_new(a, other);
	waits_for_cond(other);
	does(a, lock.cond_signal("c"));
	succeeds(other);
	does(other, lock.mutex_unlock("m"));
}

/* Waits with the mutex locked, and unlocks it. */
static long long waits_once(const char *c, const long long *n)
{
	pthread_mutex_t *mutex = handle_pointer("m");

	(void)n;
	makes_good(mutex, entry(lock, pthread_cond_wait)(handle_pointer(c), mutex));
	return entry(lock, pthread_mutex_unlock)(mutex);
}

static void begins_to_wait_once(actor *a)
{
	does(a, lock.mutex_lock("m"));
	begin(a, call(waits_once, "c", 0, 0, 0));
	blocks(a);
}

static void waits_and_suffers(op wait)
{
	actor *alice = makes_cond("alice");

	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	does(victim, lock.mutex_lock("m"));
	suffers_beside(victim, wait, bob, lock.cond_broadcast("c"));
	succeeds(bob);
	if (ending() == SUCCEEDED)
		does(victim, lock.mutex_unlock("m"));
	tells_as_new(alice, bob);
}

CAMPAIGN(lock, cond_wait, "who waits for a condition is told, and has the mutex, or leaves it")
{
	waits_and_suffers(lock.cond_wait("c", "m"));
}

CAMPAIGN(lock, cond_timedwait, "who waits for a condition for a time is told, or leaves the mutex")
{
	waits_and_suffers(lock.cond_timedwait_at("c", "m", INT32_MAX, 0));
}

CAMPAIGN(lock, cond_wait_beside, "who waits beside one who dies is told by the next signal")
{
	actor *alice = makes_cond("alice");

	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	actor *waiter = forks(alice, "waiter");
	does(victim, lock.mutex_lock("m"));
	suffers_beside(victim, lock.cond_wait("c", "m"), bob, lock.cond_signal("c"));
	succeeds(bob);
	if (ending() == SUCCEEDED)
		does(victim, lock.mutex_unlock("m"));
	waits_for_cond(waiter);
	does(alice, lock.cond_signal("c"));
	is_told(waiter);
	tells_as_new(alice, bob);
}

CAMPAIGN(lock, cond_signal, "who tells a condition and dies has told it, or the next does")
{
	actor *alice = makes_cond("alice");

	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	waits_for_cond(waiter);
	suffers(victim, lock.cond_signal("c"));
	if (ending() != SUCCEEDED)
		does(alice, lock.cond_signal("c"));
	is_told(waiter);
	tells_as_new(alice, waiter);
}

CAMPAIGN(lock, cond_broadcast,
	 "who tells all of a condition and dies has told them, or the next does")
{
	actor *alice = makes_cond("alice");

	actor *one = forks(alice, "one"), *other = forks(alice, "other");
	actor *victim = forks(alice, "victim");
	begins_to_wait_once(one);
	begins_to_wait_once(other);
	suffers(victim, lock.cond_broadcast("c"));
	if (ending() != SUCCEEDED)
		does(alice, lock.cond_broadcast("c"));
	succeeds(one);
	succeeds(other);
	tells_as_new(alice, one);
}

/* -- read-write locks ------------------------------------------------------------------------- */

static actor *makes_rwlock(const char *name)
{
	actor *a = cast(name);

	does(a, lock.make_rwlock("r", PTHREAD_PROCESS_SHARED));
	return a;
}

static void excludes(actor *writer, actor *other)
{
	does(writer, lock.wrlock("r"));
	does_fail(other, lock.tryrdlock("r"), EBUSY);
	does_fail(other, lock.trywrlock("r"), EBUSY);
	does(writer, lock.rwlock_unlock("r"));
	does(other, lock.rdlock("r"));
	does(writer, lock.rdlock("r"));
	does_fail(other, lock.trywrlock("r"), EBUSY);
	does(writer, lock.rwlock_unlock("r"));
	does(other, lock.rwlock_unlock("r"));
}

/*
 * The begun locking has the lock, and gives it back; or is told that its writer has died, as is
 * everybody from then on, and it serves when it is made anew.
 */
static void has_it_or_is_told(actor *a, actor *other)
{
	returns(a);
	if (outcome_of(a)->value == 0) {
		does(a, lock.rwlock_unlock("r"));
	} else {
		must_be(outcome_of(a)->error, ENOTRECOVERABLE);
		must(ending() == DIED);
		does_fail(other, lock.tryrdlock("r"), ENOTRECOVERABLE);
		does_fail(other, lock.wrlock("r"), ENOTRECOVERABLE);
		does(a, lock.rwlock_destroy("r"));
		does(a, lock.make_rwlock("r", PTHREAD_PROCESS_SHARED));
	}
	excludes(a, other);
}

/* POSIX promises nothing of a lock whose writer has died, but nobody should wait for ever. */
CAMPAIGN(lock, wrlock, "a write lock is taken, or not, and if its owner dies that is told")
{
	actor *alice = makes_rwlock("alice");

	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	suffers(victim, lock.wrlock("r"));
	if (ending() == SUCCEEDED) {
		does_fail(bob, lock.tryrdlock("r"), EBUSY);
		does(victim, lock.rwlock_unlock("r"));
	}
	begin(alice, lock.timedrdlock("r", WAITS_LONG_MS));
	has_it_or_is_told(alice, bob);
}

CAMPAIGN(lock, wrlock_wait, "who waits to write has the lock, or leaves it to others")
{
	actor *alice = makes_rwlock("alice");

	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	does(bob, lock.rdlock("r"));
	suffers_beside(victim, lock.wrlock("r"), bob, lock.rwlock_unlock("r"));
	succeeds(bob);
	if (ending() == SUCCEEDED)
		does(victim, lock.rwlock_unlock("r"));
	begin(alice, lock.timedwrlock("r", WAITS_LONG_MS));
	has_it_or_is_told(alice, bob);
}

/* A dead reader is not known to be one: others may read, and nobody write. */
CAMPAIGN(lock, rdlock, "a read lock is taken, or not, and another can be had")
{
	actor *alice = makes_rwlock("alice");

	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	suffers(victim, lock.rdlock("r"));
	does(alice, lock.rdlock("r"));
	does(bob, lock.tryrdlock("r"));
	does(alice, lock.rwlock_unlock("r"));
	does(bob, lock.rwlock_unlock("r"));
	if (ending() == DIED)
		return;
	if (ending() == SUCCEEDED) {
		does_fail(bob, lock.trywrlock("r"), EBUSY);
		does(victim, lock.rwlock_unlock("r"));
	}
	excludes(alice, bob);
}

CAMPAIGN(lock, rdlock_wait, "who waits to read has the lock, or leaves it to others")
{
	actor *alice = makes_rwlock("alice");

	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	does(bob, lock.wrlock("r"));
	suffers_beside(victim, lock.rdlock("r"), bob, lock.rwlock_unlock("r"));
	succeeds(bob);
	does(alice, lock.timedrdlock("r", WAITS_LONG_MS));
	does(alice, lock.rwlock_unlock("r"));
	if (ending() == DIED)
		return;
	if (ending() == SUCCEEDED)
		does(victim, lock.rwlock_unlock("r"));
	excludes(alice, bob);
}

CAMPAIGN(lock, rwlock_unlock, "who unlocks has unlocked, and wakes who waits")
{
	actor *alice = makes_rwlock("alice");

	actor *victim = forks(alice, "victim"), *waiter = forks(alice, "waiter");
	does(victim, lock.wrlock("r"));
	begin(waiter, lock.wrlock("r"));
	blocks(waiter);
	suffers(victim, lock.rwlock_unlock("r"));
	has_it_or_is_told(waiter, alice);
}

CAMPAIGN(lock, read_unlock, "the last reader that unlocks lets in a writer that waits")
{
	actor *alice = makes_rwlock("alice");

	actor *victim = forks(alice, "victim"), *waiter = forks(alice, "waiter");
	does(victim, lock.rdlock("r"));
	begin(waiter, lock.wrlock("r"));
	blocks(waiter);
	suffers(victim, lock.rwlock_unlock("r"));
	if (ending() == DIED) { /* still a reader, perhaps */
		dies(waiter);
		return;
	}
	has_it_or_is_told(waiter, alice);
}

/* Whoever comes first after a writer's death sees to it that all are told. */
static long long looks_after_the_dead(const char *r, const long long *n)
{
	(void)n;
	must_be(entry(lock, pthread_rwlock_wrlock)(handle_pointer(r)), ENOTRECOVERABLE);
	return 0;
}

CAMPAIGN(lock, rwlock_lost, "that its writer has died is told by others, though one dies of it")
{
	actor *alice = makes_rwlock("alice");

	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	actor *waiter = forks(alice, "waiter");
	does(bob, lock.wrlock("r"));
	begin(waiter, lock.rdlock("r"));
	blocks(waiter);
	freeze(waiter);
	dies(bob);
	suffers(victim, call(looks_after_the_dead, "r", 0, 0, 0));
	thaw(waiter);
	fails(waiter, ENOTRECOVERABLE);
	does_fail(alice, lock.wrlock("r"), ENOTRECOVERABLE);
	does_fail(alice, lock.rwlock_unlock("r"), EPERM);
	does(alice, lock.rwlock_destroy("r"));
	does(alice, lock.make_rwlock("r", PTHREAD_PROCESS_SHARED));
	excludes(alice, waiter);
}

/* -- barriers --------------------------------------------------------------------------------- */

static void is_passed_together(actor *one, actor *other)
{
	begin(one, lock.barrier_wait("b"));
	blocks(one);
	begin(other, lock.barrier_wait("b"));
	succeeds(other);
	succeeds(one);
	must_be(outcome_of(one)->value + outcome_of(other)->value, 1); /* one is told so */
}

CAMPAIGN(lock, barrier_wait, "who comes last to a barrier opens it for all, or the next does")
{
	actor *alice = cast("alice");

	does(alice, lock.make_barrier("b", 2));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, lock.barrier_wait("b"));
	blocks(waiter);
	suffers(victim, lock.barrier_wait("b"));
	if (ending() == DIED) {
		/* if the dead has come, this begins a round that nobody ends */
		begin(alice, lock.barrier_wait("b"));
		succeeds(waiter);
		dies(alice);
		return;
	}
	succeeds(waiter);
	must_be(outcome_of(waiter)->value + outcome_of(victim)->value, 1);
	is_passed_together(waiter, victim);
	is_passed_together(victim, alice);
}

CAMPAIGN(lock, barrier_come, "who comes to a barrier has come, or the next does")
{
	actor *alice = cast("alice");

	does(alice, lock.make_barrier("b", 2));
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	suffers_beside(victim, lock.barrier_wait("b"), bob, lock.barrier_wait("b"));
	if (ending() == DIED) { /* before he had come, or after */
		rests(bob);
		begin(alice, lock.barrier_wait("b"));
	}
	succeeds(bob);
	if (ending() == DIED) {
		dies(alice);
		return;
	}
	must_be(outcome_of(bob)->value + outcome_of(victim)->value, 1);
	is_passed_together(bob, victim);
	is_passed_together(alice, bob);
}

/* -- spin locks: nothing is promised of one whose holder has died ----------------------------- */

CAMPAIGN(lock, spin_lock, "a spin lock is taken, or not, and another can have it")
{
	actor *alice = cast("alice");

	does(alice, lock.make_spin("s"));
	actor *victim = forks(alice, "victim");
	suffers(victim, lock.spin_lock("s"));
	if (ending() == DIED)
		return;
	if (ending() == SUCCEEDED) {
		does_fail(alice, lock.spin_trylock("s"), EBUSY);
		does(victim, lock.spin_unlock("s"));
	}
	does(alice, lock.spin_lock("s"));
	does(alice, lock.spin_unlock("s"));
}

CAMPAIGN(lock, spin_unlock, "a spin lock is given back, or not")
{
	actor *alice = cast("alice");

	does(alice, lock.make_spin("s"));
	actor *victim = forks(alice, "victim");
	does(victim, lock.spin_lock("s"));
	suffers(victim, lock.spin_unlock("s"));
	begin(alice, lock.spin_trylock("s"));
	returns(alice);
	if (outcome_of(alice)->value == -1)
		must(outcome_of(alice)->error == EBUSY && ending() != SUCCEEDED);
	else
		does(alice, lock.spin_unlock("s"));
}
