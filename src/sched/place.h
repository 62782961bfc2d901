/* SPDX-License-Identifier: MIT */
/* Where memory is that processes share, whatever address each has it at; beside runtime.h. */
#ifndef IPCTS_SCHED_PLACE_H
#define IPCTS_SCHED_PLACE_H

#include "sched/runtime.h"

/* A mapping of this process, or the gap between two. */
struct mapping {
	uintptr_t start, end;
	uint64_t offset;
	uint32_t segment;
	bool shared; /* false: a gap */
};

/* Outside of it nothing is shared; both change only when something is mapped or unmapped. */
extern uintptr_t place_low, place_span;
/* Counts the changes. */
extern _Atomic uint32_t place_generation;

static inline bool place_may_be_shared(uintptr_t address)
{
	return address - place_low < place_span;
}

/* What is there: a mapping, or the gap around. */
struct mapping place_find(uintptr_t address);
/* The identity of what a descriptor is of; false: nothing that can be shared. */
bool place_identify(int fd, struct segment_identity *identity, char *name, size_t room);
/* In a child that was just forked. */
void place_forked(void);
/* In a world that was just renewed. */
void place_forget(void);

#endif
