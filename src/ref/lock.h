/* SPDX-License-Identifier: MIT */
/*
 * The lock of a shared object: a word that holds the thread id of its owner.  The kernel looks at
 * it when the owner dies (set_robust_list(2)), marks it and wakes who waits; where there is no such
 * kernel, who waits looks after the owner himself.
 *
 * Nothing but the word is in shared memory: no pointer that a hostile peer could bend.  A robust
 * pthread_mutex_t has such pointers, which is why this isn't one.
 */
#ifndef IPCREF_LOCK_H
#define IPCREF_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct lock {
	_Atomic uint32_t word; /* 0: free; else the owner's thread id, and the bits below */
};

enum lock_bits {
	LOCK_OWNER = 0x3fffffff,
	LOCK_OWNER_DIED = 0x40000000,
};
#define LOCK_IS_WAITED_FOR 0x80000000u

/*
 * Takes the lock.  False: the last owner died with it, and left what it protects in the middle of
 * a change.  A thread takes one lock at a time.
 */
bool lock_take(struct lock *lock);
/* The same after a sleep in which others may have come to wait for the lock (bell.c). */
bool lock_take_again(struct lock *lock);
/* Nothing of it is touched when it is free, for the next may make an end of it. */
void lock_drop(struct lock *lock);
/*
 * The same for a lock to whose waiters others are moved (bell.c), who sleep without looking: it is
 * known to be waited for until a wake finds nobody.  For who was woken may be killed before he has
 * the lock, and then it is the next owner who is to wake the next.
 */
void lock_drop_among_sleepers(struct lock *lock);
/* Whether somebody has it at the moment. */
static inline bool lock_is_taken(const struct lock *lock)
{
	return atomic_load_explicit(&lock->word, memory_order_relaxed) & LOCK_OWNER;
}
/*
 * The last before such a sleep: if this thread dies in it, or as soon as it is woken, the kernel
 * wakes the next of those who wait for the lock.
 */
void lock_drop_to_sleep(struct lock *lock);

/*
 * A mark in the place of a lock: nobody waits for it, and it says no more than that the thread that
 * set it is alive, for the kernel takes it away from the dead.  False: it can't be set, for another
 * thread's is there, or no kernel would.
 */
bool lock_mark(struct lock *mark);
void lock_unmark(struct lock *mark);
static inline bool lock_is_marked(const struct lock *mark)
{
	return lock_is_taken(mark);
}

/* Whether the kernel looks after locks whose owner dies. */
bool kernel_minds_the_dead(void);

/* This thread's id; never 0. */
uint32_t thread_id(void);
/*
 * Whether the thread is still there: a zombie isn't, nor one that the kernel is taking down.  A
 * birth that isn't 0 is compared with thread_birth(), for ids are used again.
 */
bool thread_lives(uint32_t id, uint64_t birth);
/* Whether the process is: its first thread may have ended before others. */
bool process_lives(uint32_t id, uint64_t birth);
/* When the thread was born, in ticks since the system's start; 0: nobody knows. */
uint64_t thread_birth(uint32_t id);

/*
 * What tells a thread from a later one of the same id, and from what becomes of it by exec: the
 * lower bits of its birth, and where its program's stack begins.  0: nobody knows.
 */
struct life {
	uint32_t birth, image;
};
/* This thread's. */
struct life thread_life(void);
/* The PID namespace in which this thread's id is one; 0: nobody knows. */
uint32_t thread_world(void);
/* Whether it is still going on, as far as can be told. */
bool life_goes_on(uint32_t id, struct life life);

#endif
