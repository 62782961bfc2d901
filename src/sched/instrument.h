/* SPDX-License-Identifier: MIT */
/* What is common to all accesses: instrumented ones, atomics, and those of calls. */
#ifndef IPCTS_SCHED_INSTRUMENT_H
#define IPCTS_SCHED_INSTRUMENT_H

#include "sched/runtime.h"
#include "sched/shadow.h"

void *__real_memcpy(void *to, const void *from, size_t size);
void *__real_memmove(void *to, const void *from, size_t size);
void *__real_memset(void *to, int byte, size_t size);

static inline bool instrument_scheduled(void)
{
	return __builtin_expect(runtime_mode & (MODE_SCHEDULED | MODE_NOISY), 0);
}

/* Somebody else may come first. */
static inline void instrument_point(const void *address, size_t size, unsigned access, int order,
				    const void *pc)
{
	struct place place;

	if (place_of(address, &place))
		runtime_access(&place, address, size, access, order, pc);
}

/* Memory that a call is about to read or write for the program. */
void instrument_range(const void *address, size_t size, unsigned access, const void *pc);
/* Memory that a call has written. */
void instrument_filled(const void *address, size_t size, const void *pc);

#endif
