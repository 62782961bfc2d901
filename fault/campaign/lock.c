/* SPDX-License-Identifier: MIT */
#include "fault/campaign/campaign.h"

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
	actor *carol = forks(alice, "carol");
	is_as_new(alice, carol);
}

CAMPAIGN(lock, cond_wait, "who waits for a condition is told, or the next is")
{
	actor *alice = cast("alice");

	make(alice);
	does(alice, lock.make_cond("c", CLOCK_REALTIME));
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	does(victim, lock.mutex_lock("m"));
	suffers_beside(victim, lock.cond_wait("c", "m"), bob, lock.cond_broadcast("c"));
	succeeds(bob);
	if (ending() == SUCCEEDED)
		does(victim, lock.mutex_unlock("m"));
	is_as_new(alice, bob);
	actor *waiter = forks(alice, "waiter");
	does(waiter, lock.mutex_lock("m"));
	begin(waiter, lock.cond_wait("c", "m"));
	blocks(waiter);
	does(alice, lock.cond_signal("c"));
	succeeds(waiter);
	does(waiter, lock.mutex_unlock("m"));
}

static void tells(op tell)
{
	actor *alice = cast("alice");

	make(alice);
	does(alice, lock.make_cond("c", CLOCK_REALTIME));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	does(waiter, lock.mutex_lock("m"));
	begin(waiter, lock.cond_wait("c", "m"));
	blocks(waiter);
	suffers(victim, tell);
	if (ending() != SUCCEEDED)
		does(alice, lock.cond_broadcast("c"));
	succeeds(waiter);
	does(waiter, lock.mutex_unlock("m"));
	is_as_new(alice, waiter);
}

CAMPAIGN(lock, cond_signal, "who tells a condition and dies has told it, or the next does")
{
	tells(lock.cond_signal("c"));
}

CAMPAIGN(lock, cond_broadcast,
	 "who tells all of a condition and dies has told it, or the next does")
{
	tells(lock.cond_broadcast("c"));
}

/* Nobody promises anything of a read-write lock whose owner has died. */
static void passes_on(op take)
{
	actor *alice = cast("alice");

	does(alice, lock.make_rwlock("r", PTHREAD_PROCESS_SHARED));
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	suffers(victim, take);
	if (ending() == DIED)
		return;
	if (ending() == SUCCEEDED)
		does(victim, lock.rwlock_unlock("r"));
	does(alice, lock.wrlock("r"));
	does_fail(bob, lock.tryrdlock("r"), EBUSY);
	does(alice, lock.rwlock_unlock("r"));
	does(bob, lock.rdlock("r"));
	does(alice, lock.rdlock("r"));
}

CAMPAIGN(lock, rdlock, "a read lock is taken, or not, and another can be had")
{
	passes_on(lock.rdlock("r"));
}

CAMPAIGN(lock, wrlock, "a write lock is taken, or not, and another can be had")
{
	passes_on(lock.wrlock("r"));
}

CAMPAIGN(lock, rwlock_unlock, "who unlocks has unlocked, and wakes who waits")
{
	actor *alice = cast("alice");

	does(alice, lock.make_rwlock("r", PTHREAD_PROCESS_SHARED));
	actor *victim = forks(alice, "victim"), *waiter = forks(alice, "waiter");
	does(victim, lock.wrlock("r"));
	begin(waiter, lock.wrlock("r"));
	blocks(waiter);
	suffers(victim, lock.rwlock_unlock("r"));
	if (ending() == DIED) {
		dies(waiter);
		return;
	}
	succeeds(waiter);
	does(waiter, lock.rwlock_unlock("r"));
	does(alice, lock.wrlock("r"));
}

CAMPAIGN(lock, barrier_wait, "who comes last to a barrier opens it for all")
{
	actor *alice = cast("alice");

	does(alice, lock.make_barrier("b", 2));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, lock.barrier_wait("b"));
	blocks(waiter);
	suffers(victim, lock.barrier_wait("b"));
	if (ending() == DIED) { /* it may have come, or not: that it is open is told by others */
		dies(waiter);
		return;
	}
	returns(waiter);
	must_be(outcome_of(waiter)->value + outcome_of(victim)->value, 1); /* one is told so */
	begin(waiter, lock.barrier_wait("b"));
	blocks(waiter);
	begin(victim, lock.barrier_wait("b"));
	returns(victim);
	returns(waiter);
}
