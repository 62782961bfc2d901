/* SPDX-License-Identifier: MIT */
/*
 * Shadow memory: for each granule of a segment and each party four words, the last access of each
 * kind, which only this party writes.  Of a word: 34 bits the epoch, 22 the stack, 8 the bytes.
 *
 * An access looks whether it is the same as its party's last one; if not it is noted, and compared
 * with the others' words: of two that conflict, whoever comes second sees the first's.
 */
#ifndef IPCTS_SCHED_SHADOW_H
#define IPCTS_SCHED_SHADOW_H

#include "sched/place.h"
#include "sched/world.h"

enum shadow_kind { PLAIN_READ, PLAIN_WRITE, ATOMIC_READ, ATOMIC_WRITE };

enum { VIEWS = 8, DEPTH_MAX = 256, SEEN = 64, STACKS_KNOWN = 256 };
enum {
	WORD_MASK_BITS = 8,
	WORD_STACK_BITS = 22,
	WORD_EPOCH_SHIFT = WORD_MASK_BITS + WORD_STACK_BITS
};

static inline epoch word_epoch(uint64_t word)
{
	return word >> WORD_EPOCH_SHIFT;
}

static inline uint32_t word_stack(uint64_t word)
{
	return (uint32_t)(word >> WORD_MASK_BITS) & ((1u << WORD_STACK_BITS) - 1);
}

static inline unsigned word_mask(uint64_t word)
{
	return (unsigned)word & ((1u << WORD_MASK_BITS) - 1);
}

/* A part of this process's memory that is all in one block of shadow, or all not shared. */
struct view {
	uintptr_t start;
	_Atomic uintptr_t length; /* 0 while the rest changes: a handler may come in between */
	struct words *shadow;	  /* of start; NULL: it isn't shared */
	uint64_t offset;	  /* of start */
	uint32_t segment;
	/* Another party's, the last that was asked for; NULL: it had none in that generation. */
	uint32_t other_party, other_generation;
	struct words *other;
};

struct frame {
	const void *pc; /* where it was called */
	uintptr_t address;
	uint64_t hash; /* of it and all around it */
};

/* What a thread knows of itself. */
struct self {
	bool party; /* it takes part */
	bool busy;  /* a handler that interrupts the runtime leaves it alone */
	unsigned number;
	int pid;
	epoch now;
	_Atomic epoch *clock; /* of the party */
	uint32_t generation;  /* of the views */
	uint32_t depth;
	struct view view[VIEWS];
	struct frame frame[DEPTH_MAX];
	struct {
		uint64_t hash;
		uint32_t stack;
	} known[STACKS_KNOWN];
	/* Versions of sync objects that this thread has learned: see atomic.c. */
	_Atomic uint64_t seen[SEEN];
	bool has_fence_released, has_fence_pending;
	_Atomic epoch fence_released[PARTIES]; /* at the last fence that releases */
	_Atomic epoch
		fence_pending[PARTIES]; /* read by relaxed loads; the next fence acquires it */
};
extern _Thread_local struct self self;

/* Of any length. */
void shadow_range(const void *memory, size_t size, enum shadow_kind kind, const void *pc);
/* Of the bytes of one granule, whose first is so far within the view; not the same as the last. */
void shadow_note(struct view *view, uintptr_t within, unsigned mask, enum shadow_kind kind,
		 const void *pc);
/* As place_of, for a party, and faster. */
bool shadow_place(const void *memory, struct place *place);

/* Of at most 8 bytes within a granule, and in any alignment. */
static inline void shadow_access(const void *memory, size_t size, enum shadow_kind kind,
				 const void *pc)
{
	uintptr_t address = (uintptr_t)memory;

	if (!place_may_be_shared(address))
		return;
	struct view *view = &self.view[address >> 16 & (VIEWS - 1)];
	uintptr_t within = address - view->start;

	if (within < atomic_load_explicit(&view->length, memory_order_relaxed) &&
	    self.generation == atomic_load_explicit(&place_generation, memory_order_relaxed)) {
		if (!view->shadow)
			return;
		unsigned first = address & (GRANULE - 1);

		if (first + size <= GRANULE) {
			uint64_t word = atomic_load_explicit(
				&view->shadow[within / GRANULE].word[kind], memory_order_relaxed);
			unsigned mask = ((1u << size) - 1) << first;

			if (word_epoch(word) == self.now && !(mask & ~word_mask(word)))
				return;
			shadow_note(view, within, mask, kind, pc);
			return;
		}
	}
	shadow_range(memory, size, kind, pc);
}

/* The number of the stack with that innermost; hash is the stack's, and has not been met of late.
 */
uint32_t stack_enter(const void *pc, uint64_t hash);
/* This process's code, for stacks' addresses to be understood by others. */
void stack_start(void);

/* Of this process's code; with it the hashes of two programs' stacks differ. */
extern uint32_t stack_own_image;

/* The number of the stack with that innermost. */
static inline uint32_t stack_here(const void *pc)
{
	uint32_t depth = self.depth < DEPTH_MAX ? self.depth : DEPTH_MAX;
	uint64_t around = depth ? self.frame[depth - 1].hash : 0;
	uint64_t hash = ((around ^ (uintptr_t)pc) + stack_own_image) * 0x9e3779b97f4a7c15 | 1;
	unsigned at = (unsigned)(hash >> 48) % STACKS_KNOWN;

	return self.known[at].hash == hash ? self.known[at].stack : stack_enter(pc, hash);
}

struct race {
	uint32_t segment;
	uint64_t offset; /* of the first byte that both touch */
	struct accessor {
		unsigned party;
		epoch when;
		uint32_t stack;
		unsigned mask;
		enum shadow_kind kind;
	} here, there;
};
void race_report(const struct race *race);

#endif
