/* SPDX-License-Identifier: MIT */
/* What C11 itself orders, by the memory orders of atomics. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scenario.h"

/* Where broken takes the order away. */
#define RELEASE (broken ? memory_order_relaxed : memory_order_release)
#define ACQUIRE (broken ? memory_order_relaxed : memory_order_acquire)

SCENARIO(store_release, "a store releases what a load acquires")
{
	shared->data = 1;
	atomic_store_explicit(&shared->flag, 1, RELEASE);
}

OTHER(store_release)
{
	while (!atomic_load_explicit(&shared->flag, memory_order_acquire))
		;
	must(shared->data == 1);
}

SCENARIO(load_acquire, "a load acquires what a store releases")
{
	shared->data = 1;
	atomic_store_explicit(&shared->flag, 1, memory_order_release);
}

OTHER(load_acquire)
{
	while (!atomic_load_explicit(&shared->flag, ACQUIRE))
		;
	must(shared->data == 1);
}

SCENARIO(fence_release, "a fence before a relaxed store releases")
{
	shared->data = 1;
	if (!broken)
		atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
}

OTHER(fence_release)
{
	await_flag(&shared->flag, 1);
	atomic_thread_fence(memory_order_acquire);
	must(shared->data == 1);
}

SCENARIO(fence_acquire, "a fence behind a relaxed load acquires")
{
	shared->data = 1;
	atomic_store_explicit(&shared->flag, 1, memory_order_release);
}

OTHER(fence_acquire)
{
	await_flag(&shared->flag, 1);
	if (!broken)
		atomic_thread_fence(memory_order_acquire);
	must(shared->data == 1);
}

SCENARIO(release_sequence, "another's relaxed update goes on with a release; its store doesn't")
{
	shared->data = 1;
	atomic_store_explicit(&shared->flag, 1, memory_order_release);
	await_flag(&shared->flag, 2);
	atomic_store_explicit(&shared->third, 1, memory_order_relaxed);
}

OTHER(release_sequence)
{
	pid_t updater = fork();

	if (!updater) {
		await_flag(&shared->flag, 1);
		if (broken)
			atomic_store_explicit(&shared->flag, 2, memory_order_relaxed);
		else
			atomic_fetch_add_explicit(&shared->flag, 1, memory_order_relaxed);
		_exit(0);
	}
	/* not before: the release itself must not be read */
	await_flag(&shared->flag, 2);
	must(atomic_load_explicit(&shared->flag, memory_order_acquire) == 2);
	must(shared->data == 1);
}

static void lock_by_exchange(void)
{
	while (atomic_exchange_explicit(&shared->flag, 1, ACQUIRE))
		;
	shared->data++;
	atomic_store_explicit(&shared->flag, 0, RELEASE);
}

SCENARIO(exchange_lock, "a lock by atomic exchange")
{
	lock_by_exchange();
}

OTHER(exchange_lock)
{
	lock_by_exchange();
}

static void lock_by_ticket(void)
{
	unsigned mine = atomic_fetch_add_explicit(&shared->ticket, 1, memory_order_relaxed);

	while (atomic_load_explicit(&shared->serving, ACQUIRE) != mine)
		;
	shared->data++;
	atomic_store_explicit(&shared->serving, mine + 1, RELEASE);
}

SCENARIO(ticket_lock, "a ticket lock")
{
	lock_by_ticket();
}

OTHER(ticket_lock)
{
	lock_by_ticket();
}

static void lock_by_compare(void)
{
	int expected;

	do
		expected = 0;
	while (!atomic_compare_exchange_weak_explicit(&shared->flag, &expected, 1, ACQUIRE,
						      memory_order_relaxed));
	shared->data++;
	atomic_fetch_sub_explicit(&shared->flag, 1, RELEASE);
}

SCENARIO(compare_lock, "a lock by compare and exchange")
{
	lock_by_compare();
}

OTHER(compare_lock)
{
	lock_by_compare();
}

static void peterson(_Atomic int *mine, _Atomic int *theirs, int their_turn)
{
	memory_order order = broken ? memory_order_relaxed : memory_order_seq_cst;

	atomic_store_explicit(mine, 1, order);
	atomic_store_explicit(&shared->turn, their_turn, order);
	while (atomic_load_explicit(theirs, order) &&
	       atomic_load_explicit(&shared->turn, order) == their_turn)
		;
	shared->data++;
	atomic_store_explicit(mine, 0, order);
}

SCENARIO(peterson, "Peterson's lock")
{
	peterson(&shared->flag, &shared->third, 2);
}

OTHER(peterson)
{
	peterson(&shared->third, &shared->flag, 1);
}

enum { ROUNDS = 50, RING = 4 };

SCENARIO(ring, "a ring of one producer and one consumer")
{
	for (int i = 0; i < ROUNDS; i++) {
		while (atomic_load_explicit(&shared->ticket, memory_order_relaxed) -
			       atomic_load_explicit(&shared->serving, memory_order_acquire) ==
		       RING)
			;
		shared->more[i % RING] = i;
		atomic_store_explicit(&shared->ticket, (unsigned)i + 1, RELEASE);
	}
}

OTHER(ring)
{
	for (int i = 0; i < ROUNDS; i++) {
		while (atomic_load_explicit(&shared->ticket, memory_order_acquire) == (unsigned)i)
			;
		must(shared->more[i % RING] == i);
		atomic_store_explicit(&shared->serving, (unsigned)i + 1, memory_order_release);
	}
}

static int initialised_once(void)
{
	if (!atomic_load_explicit(&shared->flag, ACQUIRE)) {
		pthread_mutex_lock(&shared->mutex);
		if (!atomic_load_explicit(&shared->flag, memory_order_relaxed)) {
			shared->data = 7;
			atomic_store_explicit(&shared->flag, 1, RELEASE);
		}
		pthread_mutex_unlock(&shared->mutex);
		atomic_fetch_add_explicit(&shared->third, 1, memory_order_relaxed);
		await_flag(&shared->third, 1);
	}
	return shared->data;
}

SCENARIO(double_check, "a double-checked initialisation, whose flag is acquired")
{
	initialised_once();
}

OTHER(double_check)
{
	await_flag(&shared->third, 1);
	must(initialised_once() == 7);
}

SCENARIO(all_atomic, "nothing but atomics")
{
	if (broken)
		*(int *)&shared->flag = 1;
	else
		atomic_fetch_add_explicit(&shared->flag, 1, memory_order_relaxed);
}

OTHER(all_atomic)
{
	atomic_fetch_add_explicit(&shared->flag, 1, memory_order_relaxed);
}

SCENARIO(apart, "each its own bytes of a word")
{
	((char *)shared->more)[broken ? 1 : 0] = 1;
}

OTHER(apart)
{
	((char *)shared->more)[1] = 1;
}

SCENARIO(read_only, "both read, and nobody writes")
{
	must(shared->more[3] == 0 || broken);
	if (broken)
		shared->more[3] = 1;
}

OTHER(read_only)
{
	must(shared->more[3] == 0 || broken);
}

SCENARIO(private, "a private mapping of the same file")
{
	int *mine = mmap(NULL, 4096, PROT_READ | PROT_WRITE, broken ? MAP_SHARED : MAP_PRIVATE,
			 file_fd, 0);

	must(mine != MAP_FAILED);
	mine[0]++;
}

OTHER(private)
{
	int *mine = mmap(NULL, 4096, PROT_READ | PROT_WRITE, broken ? MAP_SHARED : MAP_PRIVATE,
			 file_fd, 0);

	must(mine != MAP_FAILED);
	mine[0]++;
}
