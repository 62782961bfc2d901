/* SPDX-License-Identifier: MIT */
/* Classic mistakes, and accesses that compilers and libc make in ways of their own. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario.h"

RACY(lost_update, "two count without a lock")
{
	shared->data++;
}

OTHER(lost_update)
{
	shared->data++;
}

RACY(published_too_early, "the flag is set before what it stands for")
{
	atomic_store_explicit(&shared->flag, 1, memory_order_release);
	shared->data = 1;
}

OTHER(published_too_early)
{
	while (!atomic_load_explicit(&shared->flag, memory_order_acquire))
		;
	shared->plain_flag = shared->data;
}

RACY(flag_not_atomic, "the flag is no atomic")
{
	shared->data = 1;
	shared->plain_flag = 1;
}

OTHER(flag_not_atomic)
{
	if (*(volatile int *)&shared->plain_flag)
		shared->more[0] = shared->data;
}

RACY(two_locks, "each has a lock of its own")
{
	pthread_mutex_lock(&shared->mutex);
	shared->data++;
	pthread_mutex_unlock(&shared->mutex);
}

OTHER(two_locks)
{
	pthread_mutex_lock(&shared->other_mutex);
	shared->data++;
	pthread_mutex_unlock(&shared->other_mutex);
}

RACY(reader_without_lock, "who only reads does without the lock")
{
	pthread_mutex_lock(&shared->mutex);
	shared->data++;
	pthread_mutex_unlock(&shared->mutex);
}

OTHER(reader_without_lock)
{
	shared->plain_flag = shared->data;
}

RACY(writes_under_read_lock, "two write with a read lock each")
{
	pthread_rwlock_rdlock(&shared->rwlock);
	shared->data++;
	pthread_rwlock_unlock(&shared->rwlock);
}

OTHER(writes_under_read_lock)
{
	pthread_rwlock_rdlock(&shared->rwlock);
	shared->data++;
	pthread_rwlock_unlock(&shared->rwlock);
}

RACY(permit_too_many, "a semaphore as a lock, with two permits")
{
	sem_wait(&shared->permits);
	shared->data++;
	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
	await_flag(&shared->third, 1);
	sem_post(&shared->permits);
}

OTHER(permit_too_many)
{
	await_flag(&shared->flag, 1);
	sem_wait(&shared->permits);
	shared->data++;
	atomic_store_explicit(&shared->third, 1, memory_order_relaxed);
	sem_post(&shared->permits);
}

RACY(unlocked_too_early, "the last access is behind the unlock")
{
	pthread_mutex_lock(&shared->mutex);
	pthread_mutex_unlock(&shared->mutex);
	shared->data++;
	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
}

/* The lock comes later, so that it orders what was before the unlock, and no more. */
OTHER(unlocked_too_early)
{
	await_flag(&shared->flag, 1);
	pthread_mutex_lock(&shared->mutex);
	shared->data++;
	pthread_mutex_unlock(&shared->mutex);
}

RACY(signal_without_mutex, "a condition is signalled, but its mutex isn't held")
{
	shared->data = 1;
	pthread_cond_signal(&shared->cond);
}

OTHER(signal_without_mutex)
{
	pthread_mutex_lock(&shared->mutex);
	shared->plain_flag = shared->data;
	pthread_mutex_unlock(&shared->mutex);
}

RACY(seqlock_plain, "a seqlock whose data is no atomic")
{
	await_flag(&shared->flag, 1);
	atomic_fetch_add_explicit(&shared->ticket, 1, memory_order_acquire);
	shared->data = 1;
	atomic_fetch_add_explicit(&shared->ticket, 1, memory_order_release);
}

OTHER(seqlock_plain)
{
	unsigned before;
	int value;

	do {
		before = atomic_load_explicit(&shared->ticket, memory_order_acquire);
		value = shared->data;
		atomic_thread_fence(memory_order_acquire);
	} while (before % 2 ||
		 atomic_load_explicit(&shared->ticket, memory_order_relaxed) != before);
	shared->plain_flag = value;
	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
}

RACY(freed_too_early, "a reference count that releases nothing")
{
	shared->data = 1;
	atomic_fetch_sub_explicit(&shared->flag, 1, memory_order_relaxed);
}

OTHER(freed_too_early)
{
	if (atomic_fetch_sub_explicit(&shared->flag, 1, memory_order_acquire) == -1 || true)
		shared->data = -1;
}

/* ---- accesses
 * -------------------------------------------------------------------------------------- */

/* Nothing is ordered; the one writes in some way what the other reads, or writes. */
#define ACCESS(name, text, mine, theirs)                                                           \
	RACY(name, text)                                                                           \
	{                                                                                          \
		mine;                                                                              \
	}                                                                                          \
	OTHER(name)                                                                                \
	{                                                                                          \
		theirs;                                                                            \
	}

struct big {
	char bytes[200];
};
static struct big own;
static char line[64];

static void whole_in(void)
{
	*(struct big *)shared->text = own;
}

static void whole_out(void)
{
	own = *(struct big *)shared->text;
}

/* clang-format off */
ACCESS(by_memset, "memset of a constant size", memset(shared->text, 1, 8), shared->text[7] = 1)
ACCESS(by_memset_any, "memset of any size", memset(shared->text, 1, (size_t)(100 + shared->plain_flag)),
       shared->text[99] = 1)
ACCESS(by_memcpy, "memcpy of a constant size", memcpy(shared->text, line, 16), shared->text[15] = 1)
ACCESS(by_memcpy_read, "memcpy out of it", memcpy(line, shared->text, 16), shared->text[15] = 1)
ACCESS(by_assignment, "a structure that is assigned", whole_in(), shared->text[199] = 1)
ACCESS(by_assignment_read, "a structure that is read", whole_out(), shared->text[199] = 1)
ACCESS(by_strcpy, "strcpy", strcpy(shared->text, "hello"), shared->text[4] = 1)
ACCESS(by_snprintf, "snprintf", snprintf(shared->text, 64, "%d", 12345), shared->text[4] = 1)
ACCESS(by_bits, "two bit-fields of a word", shared->bits.one = 1, shared->bits.other = 1)
ACCESS(by_increment, "++ and a read", shared->data++, *(volatile int *)&shared->data)
ACCESS(by_odd_address, "an access in no alignment",
       *(long __attribute__((aligned(1))) *)(shared->text + 5) = 1, shared->text[12] = 1)
ACCESS(by_volatile, "volatile is no atomic", *(volatile int *)&shared->data = 1,
       *(volatile int *)&shared->data = 2)
ACCESS(by_double, "a number with a point", *(double *)(shared->text + 8) = 1.5,
       *(double *)(shared->text + 8) = 2.5)
ACCESS(by_read, "read into it",
       must(write(channel[1], "0123456789", 10) == 10 && read(channel[0], shared->text, 10) == 10),
       shared->text[9] = 1)
ACCESS(by_write, "write out of it", must(write(channel[1], shared->text, 10) == 10),
       shared->text[9] = 1)
ACCESS(by_atomic_and_plain, "atomic for one, and plain for the other",
       atomic_store(&shared->flag, 1), *(int *)&shared->flag = 2)
/* clang-format on */
