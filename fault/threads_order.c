/* SPDX-License-Identifier: MIT */
/*
 * What orders threads, told to valgrind as C has it: whoever acquires from a word what another has
 * released to it comes after him.  A fence that releases does so to every word that its thread
 * writes later on, and one that acquires does so from every word that its thread has read before;
 * the kernel has read the one that it is asked to sleep on.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <valgrind/helgrind.h>

#include "fault/threads.h"
#include "race/hook.h"
#include "sched/arguments.h"

/* Read by this thread since its last fence; the eldest give way to others. */
enum { READ_MAX = 256 };
static _Thread_local struct reading {
	const void *word, *fence;
} readings[READ_MAX];
static _Thread_local unsigned reading_count;

/* Of this thread: its address is what comes before and after. */
static _Thread_local char fence;
static _Thread_local bool has_fenced;

static void before(const void *object)
{
	ANNOTATE_HAPPENS_BEFORE(object);
	drd_before(object);
}

static void after(const void *object)
{
	if (!object)
		return;
	ANNOTATE_HAPPENS_AFTER(object);
	drd_after(object);
}

static bool is_release(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static bool is_acquire(int order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME ||
	       order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static void is_read(const void *word)
{
	readings[reading_count++ % READ_MAX] = (struct reading){word, fence_before(word)};
}

static void acquire_what_was_read(void)
{
	unsigned count = reading_count < READ_MAX ? reading_count : READ_MAX;

	for (unsigned i = 0; i < count; i++) {
		after(readings[i].word);
		after(readings[i].fence);
	}
	reading_count = 0;
}

void race_order_before(const void *address, int order)
{
	if (!address && is_release(order)) {
		before(&fence);
		has_fenced = true;
	}
	if (!address)
		return;
	if (is_release(order))
		before(place_of(address));
	else if (has_fenced)
		comes_after_fence(place_of(address), &fence);
}

void race_order_after(const void *address, int order)
{
	if (!address && is_acquire(order))
		acquire_what_was_read();
	if (!address)
		return;
	const void *word = place_of(address);

	if (!is_acquire(order)) {
		is_read(word);
		return;
	}
	after(word);
	after(fence_before(word));
}

/* valgrind sees accesses by itself. */
void race_access(const void *address, unsigned access, const void *pc)
{
	(void)address;
	(void)access;
	(void)pc;
}

/* -- what valgrind doesn't know ---------------------------------------------------------------- */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_pthread_once(pthread_once_t *once, void (*routine)(void));
int __wrap_pthread_once(pthread_once_t *once, void (*routine)(void));

long __wrap_syscall(long number, ...)
{
	va_list rest;
	long argument[ARGUMENTS_MAX];

	va_start(rest, number);
	read_arguments(rest, argument);
	va_end(rest);
	long result = __real_syscall(number, ARGUMENTS(argument));
	int command = (int)argument[1] & FUTEX_CMD_MASK;

	if (number == SYS_futex && (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET))
		is_read(place_of((const void *)argument[0]));
	return result;
}

static _Thread_local const pthread_once_t *current;
static _Thread_local void (*current_routine)(void);

static void do_once(void)
{
	const pthread_once_t *once = current;

	current_routine();
	before(once);
}

int __wrap_pthread_once(pthread_once_t *once, void (*routine)(void))
{
	current = once;
	current_routine = routine;
	int result = __real_pthread_once(once, do_once);
	after(once);
	return result;
}
