/* SPDX-License-Identifier: MIT */
/*
 * Accesses of the reference to memory that is shared, as points: what compilers call where code
 * that is built with -fsanitize=thread reads and writes.  The names and their arguments are theirs.
 * Plain ones are as for the explorer and the detector (sched/plain.h).  Atomics aren't: theirs
 * (sched/atomic.c) carry what is ordered and what is learnt by it in shadow memory, here one goes
 * at a time.  fault/threads has threads that go all at once, and valgrind told of orders.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "race/hook.h"

#define HERE __builtin_return_address(0)

/* Of a range, where it begins is enough: who writes it writes that. */
static void note(const void *address, size_t size, unsigned access, const void *pc)
{
	(void)size;
	race_access(address, access, pc);
}

#define NOTE_READ(address, size) note(address, size, ACCESS_READ, HERE)
#define NOTE_WRITE(address, size) note(address, size, ACCESS_WRITE, HERE)
#define NOTE_UPDATE(address, size) note(address, size, ACCESS_READ | ACCESS_WRITE, HERE)
#define NOTE_RANGE(address, size, access) note(address, size, access, HERE)
#define REAL(function) function

#include "sched/plain.h"

/* An order that is stronger than what was asked for is right, too. */
#define UPDATE(bits, name, update)                                                                 \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *address,              \
						    uint##bits##_t value, int order);              \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *address,              \
						    uint##bits##_t value, int order)               \
	{                                                                                          \
		race_access((const void *)address, ACCESS_READ | ACCESS_WRITE, HERE);              \
		race_order_before((const void *)address, order);                                   \
		value = update(address, value, __ATOMIC_SEQ_CST);                                  \
		race_order_after((const void *)address, order);                                    \
		return value;                                                                      \
	}

#define EXCHANGE(bits, strength, is_weak)                                                          \
	int __tsan_atomic##bits##_compare_exchange_##strength(                                     \
		volatile uint##bits##_t *address, uint##bits##_t *expected, uint##bits##_t value,  \
		int order, int failure_order);                                                     \
	int __tsan_atomic##bits##_compare_exchange_##strength(                                     \
		volatile uint##bits##_t *address, uint##bits##_t *expected, uint##bits##_t value,  \
		int order, int failure_order)                                                      \
	{                                                                                          \
		race_access((const void *)address, ACCESS_READ | ACCESS_WRITE, HERE);              \
		race_order_before((const void *)address, order);                                   \
		int is_done = __atomic_compare_exchange_n(address, expected, value, is_weak,       \
							  __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);     \
		race_order_after((const void *)address, is_done ? order : failure_order);          \
		return is_done;                                                                    \
	}

#define ATOMIC(bits)                                                                               \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *address,          \
						  int order);                                      \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *address,          \
						  int order)                                       \
	{                                                                                          \
		race_access((const void *)address, ACCESS_READ, HERE);                             \
		uint##bits##_t value = __atomic_load_n(address, __ATOMIC_SEQ_CST);                 \
		race_order_after((const void *)address, order);                                    \
		return value;                                                                      \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *address, uint##bits##_t value,   \
					 int order);                                               \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *address, uint##bits##_t value,   \
					 int order)                                                \
	{                                                                                          \
		race_access((const void *)address, ACCESS_WRITE, HERE);                            \
		race_order_before((const void *)address, order);                                   \
		__atomic_store_n(address, value, __ATOMIC_SEQ_CST);                                \
	}                                                                                          \
	UPDATE(bits, exchange, __atomic_exchange_n)                                                \
	UPDATE(bits, fetch_add, __atomic_fetch_add)                                                \
	UPDATE(bits, fetch_sub, __atomic_fetch_sub)                                                \
	UPDATE(bits, fetch_and, __atomic_fetch_and)                                                \
	UPDATE(bits, fetch_or, __atomic_fetch_or)                                                  \
	UPDATE(bits, fetch_xor, __atomic_fetch_xor)                                                \
	UPDATE(bits, fetch_nand, __atomic_fetch_nand)                                              \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                 \
		volatile uint##bits##_t *address, uint##bits##_t expected, uint##bits##_t value,   \
		int order, int failure_order);                                                     \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                 \
		volatile uint##bits##_t *address, uint##bits##_t expected, uint##bits##_t value,   \
		int order, int failure_order)                                                      \
	{                                                                                          \
		race_access((const void *)address, ACCESS_READ | ACCESS_WRITE, HERE);              \
		race_order_before((const void *)address, order);                                   \
		int is_done = __atomic_compare_exchange_n(address, &expected, value, 0,            \
							  __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);     \
		race_order_after((const void *)address, is_done ? order : failure_order);          \
		return expected;                                                                   \
	}                                                                                          \
	EXCHANGE(bits, strong, 0)                                                                  \
	EXCHANGE(bits, weak, 1)

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	race_order_before(NULL, order);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	race_order_after(NULL, order);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
	(void)pc;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

void __tsan_init(void);
void __tsan_init(void)
{
}
