/* SPDX-License-Identifier: MIT */
/*
 * What compilers call where the code of a program built with -fsanitize=thread reads and writes.
 * The names and their arguments are theirs.
 */
#include <string.h>

#include "sched/instrument.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

/* ---- plain accesses ------------------------------------------------------------------------ */

static void range_of(const void *address, size_t size, unsigned access, int order, const void *pc)
{
	if (!place_may_be_shared((uintptr_t)address) &&
	    !place_may_be_shared((uintptr_t)address + size - 1))
		return;
	if (runtime_mode & (MODE_SCHEDULED | MODE_NOISY)) {
		struct place place;

		if (size && place_of(address, &place))
			runtime_access(&place, address, size, access, order, pc);
	}
	if (!self.party)
		return;
	if (access & ACCESS_READ)
		shadow_range(address, size, PLAIN_READ, pc);
	if (access & ACCESS_WRITE)
		shadow_range(address, size, PLAIN_WRITE, pc);
}

void instrument_range(const void *address, size_t size, unsigned access, const void *pc)
{
	range_of(address, size, access, __ATOMIC_RELAXED, pc);
}

void instrument_filled(const void *address, size_t size, const void *pc)
{
	range_of(address, size, ACCESS_WRITE, __ATOMIC_SEQ_CST, pc);
}

static inline void read_of(const void *address, size_t size, const void *pc)
{
	if (instrument_scheduled())
		instrument_point(address, size, ACCESS_READ, __ATOMIC_RELAXED, pc);
	shadow_access(address, size, PLAIN_READ, pc);
}

static inline void write_of(const void *address, size_t size, const void *pc)
{
	if (instrument_scheduled())
		instrument_point(address, size, ACCESS_WRITE, __ATOMIC_RELAXED, pc);
	shadow_access(address, size, PLAIN_WRITE, pc);
}

#define NOTE_READ(address, size) read_of(address, size, HERE)
#define NOTE_WRITE(address, size) write_of(address, size, HERE)
#define NOTE_UPDATE(address, size) (read_of(address, size, HERE), write_of(address, size, HERE))
#define NOTE_RANGE(address, size, access) instrument_range(address, size, access, HERE)

#include "sched/plain.h"

/* A table of virtual functions is not what processes share. */
void __tsan_vptr_update(void **address, void *value);
void __tsan_vptr_update(void **address, void *value)
{
	(void)value;
	write_of(address, sizeof(void *), HERE);
}

void __tsan_vptr_read(void **address);
void __tsan_vptr_read(void **address)
{
	read_of(address, sizeof(void *), HERE);
}

/* ---- functions ----------------------------------------------------------------------------- */

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
	uintptr_t address = (uintptr_t)__builtin_frame_address(0);
	uint32_t depth = self.depth;

	/* what longjmp has left */
	while (depth && depth <= DEPTH_MAX && self.frame[depth - 1].address <= address)
		depth--;
	if (depth < DEPTH_MAX) {
		uint64_t around = depth ? self.frame[depth - 1].hash : 0;

		self.frame[depth] = (struct frame){
			pc, address, (around ^ (uintptr_t)pc) * 0xff51afd7ed558ccd + 1};
	}
	self.depth = depth + 1;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
	if (self.depth)
		self.depth--;
}

void __tsan_init(void);
void __tsan_init(void)
{
	runtime_start();
}

void __tsan_ignore_thread_begin(void);
void __tsan_ignore_thread_begin(void)
{
}

void __tsan_ignore_thread_end(void);
void __tsan_ignore_thread_end(void)
{
}
