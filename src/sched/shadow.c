/* SPDX-License-Identifier: MIT */
#include "sched/shadow.h"

#include "sched/clock.h"

/* Kinds of another's access that an access of this kind conflicts with. */
static const uint8_t conflicts[4] = {
	[PLAIN_READ] = 1 << PLAIN_WRITE | 1 << ATOMIC_WRITE,
	[PLAIN_WRITE] = 1 << PLAIN_READ | 1 << PLAIN_WRITE | 1 << ATOMIC_READ | 1 << ATOMIC_WRITE,
	[ATOMIC_READ] = 1 << PLAIN_WRITE,
	[ATOMIC_WRITE] = 1 << PLAIN_READ | 1 << PLAIN_WRITE,
};

static struct words *words_at(uint32_t segment, uint64_t offset, unsigned party, bool make)
{
	struct words *block = world_block(segment, party, offset / BLOCK_SPAN, make);

	return block ? &block[offset % BLOCK_SPAN / GRANULE] : NULL;
}

uint64_t shadow_word(uint32_t segment, uint64_t offset, unsigned party, enum shadow_kind kind)
{
	struct words *words = words_at(segment, offset, party, false);

	return words ? atomic_load_explicit(&words->word[kind], memory_order_relaxed) : 0;
}

static uintptr_t least(uintptr_t one, uintptr_t other)
{
	return one < other ? one : other;
}

/* The view that has the address in it, found anew if something was mapped since. */
static struct view *view_of(uintptr_t address)
{
	struct view *view = &self.view[address >> 16 & (VIEWS - 1)];
	uint32_t generation = place_generation;

	if (self.generation != generation) {
		for (unsigned i = 0; i < VIEWS; i++)
			self.view[i].length = 0;
		self.generation = generation;
	}
	if (address - view->start < view->length)
		return view;

	struct mapping mapping = place_find(address);
	uint64_t offset = mapping.offset + (address - mapping.start);

	if (!mapping.shared) {
		*view = (struct view){mapping.start, mapping.end - mapping.start, NULL, 0, 0};
		return view;
	}
	/* From the beginning of the block, or of the mapping if that comes later. */
	uintptr_t before = least(offset % BLOCK_SPAN, address - mapping.start);
	uintptr_t after = least(BLOCK_SPAN - offset % BLOCK_SPAN, mapping.end - address);

	*view = (struct view){address - before, before + after,
			      words_at(mapping.segment, offset - before, self.number, true),
			      mapping.segment, offset - before};
	return view;
}

static void compare(const struct view *view, uint64_t offset, unsigned party, enum shadow_kind kind,
		    uint64_t word)
{
	struct words *words = words_at(view->segment, offset, party, false);
	epoch known = atomic_load_explicit(&self.clock[party], memory_order_relaxed);

	for (unsigned other = 0; words && other < 4; other++) {
		if (!(conflicts[kind] & 1 << other))
			continue;
		uint64_t its = atomic_load_explicit(&words->word[other], memory_order_relaxed);
		unsigned both = word_mask(its) & word_mask(word);

		if (!both || word_epoch(its) <= known)
			continue;
		race_report(&(struct race){
			view->segment,
			offset + (unsigned)__builtin_ctz(both),
			{self.number, self.now, word_stack(word), word_mask(word), kind},
			{party, word_epoch(its), word_stack(its), word_mask(its), other}});
		return;
	}
}

static void note(struct view *view, uintptr_t address, unsigned mask, enum shadow_kind kind,
		 const void *pc)
{
	uintptr_t within = address - view->start;
	_Atomic uint64_t *mine = &view->shadow[within / GRANULE].word[kind];
	uint64_t word = atomic_load_explicit(mine, memory_order_relaxed);

	if (word_epoch(word) == self.now) {
		if (!(mask & ~word_mask(word)))
			return;
		mask |= word_mask(word);
	}
	word = self.now << WORD_EPOCH_SHIFT | (uint64_t)stack_here(pc) << WORD_MASK_BITS | mask;
	atomic_store_explicit(mine, word, memory_order_relaxed);
	/* Theirs is read behind ours: of two at once, one at least sees the other. */
	atomic_thread_fence(memory_order_seq_cst);

	struct segment *segment = &world->segment[view->segment];
	uint64_t offset = view->offset + within / GRANULE * GRANULE;

	for (unsigned i = 0; i < PARTIES / 64; i++) {
		uint64_t users = atomic_load_explicit(&segment->users[i], memory_order_relaxed);

		for (; users; users &= users - 1) {
			unsigned party = i * 64 + (unsigned)__builtin_ctzll(users);

			if (party == self.number ||
			    atomic_load_explicit(&self.clock[party], memory_order_relaxed) >=
				    atomic_load_explicit(&world->ended[party],
							 memory_order_relaxed))
				continue;
			compare(view, offset, party, kind, word);
		}
	}
}

void shadow_range(const void *memory, size_t size, enum shadow_kind kind, const void *pc)
{
	uintptr_t address = (uintptr_t)memory, end = address + size;

	if (!self.party || self.busy || !size || address >= place_low + place_span ||
	    end <= place_low || atomic_load_explicit(&world->lost, memory_order_relaxed))
		return;
	self.busy = true;
	while (address < end) {
		struct view *view = view_of(address);
		uintptr_t stop = least(end, view->start + view->length);

		for (; view->shadow && address < stop;) {
			unsigned first = address % GRANULE;
			unsigned count = (unsigned)least(GRANULE - first, stop - address);

			note(view, address, ((1u << count) - 1) << first, kind, pc);
			address += count;
		}
		address = stop;
	}
	self.busy = false;
}

void shadow_look(uintptr_t address, size_t size, enum shadow_kind kind, const void *pc)
{
	shadow_range((const void *)address, size, kind, pc);
}
