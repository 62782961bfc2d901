/* SPDX-License-Identifier: MIT */
/* What the models have in common: the names of things, and of moments. */
#include "sched/model.h"

#include "sched/schedule.h"

/* The upper bits of a key tell of what kind it is. */
#define KEY_OBJECT (UINT64_C(1) << 63)
#define KEY_PRIVATE (UINT64_C(1) << 62)

enum { OFFSET_BITS = 40, KIND_BITS = 56 };

/* Eight bytes are one: who writes four of them conflicts with who reads the word. */
uint64_t key_of_place(const struct place *place)
{
	return (uint64_t)(place->segment + 1) << OFFSET_BITS | place->offset >> 3;
}

uint64_t key_of_address(const void *address)
{
	struct place place;

	if (place_of(address, &place))
		return key_of_place(&place);
	return KEY_PRIVATE | (uint64_t)arena->actor[runtime_self()].process << KIND_BITS |
	       ((uintptr_t)address & ((UINT64_C(1) << KIND_BITS) - 1));
}

uint64_t key_of_object(unsigned kind, uint64_t device, uint64_t number)
{
	return KEY_OBJECT | (uint64_t)kind << KIND_BITS |
	       arena_number(arena->objects, OBJECTS_MAX, kind, device, number);
}

struct operation model_operation(enum operation_kind kind, uint64_t key, const void *pc)
{
	arena->shared |= !(key & KEY_PRIVATE);
	return (struct operation){
		.key = key,
		.pc = runtime_pc(pc),
		.kind = (uint8_t)kind,
		.access = ACCESS_READ | ACCESS_WRITE | ACCESS_ATOMIC,
		.module = (uint8_t)runtime_module(),
	};
}

_Noreturn int model_refuse(const void *pc, const char *call)
{
	arena->next[runtime_self()] = model_operation(OPERATION_STEP, 0, pc);
	schedule_end(ENDING_REFUSED, runtime_self(), "process %u calls %s, which can't be explored",
		     runtime_self(), call);
	schedule_stays();
}
