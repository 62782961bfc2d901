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

static uintptr_t least(uintptr_t one, uintptr_t other)
{
	return one < other ? one : other;
}

static void set_view(struct view *view, struct view to)
{
	uintptr_t length = to.length;

	atomic_store_explicit(&view->length, 0, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	view->start = to.start;
	view->shadow = to.shadow;
	view->segment = to.segment;
	view->offset = to.offset;
	view->other = NULL;
	view->other_generation = UINT32_MAX;
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&view->length, length, memory_order_relaxed);
}

/* The view that has the address in it, found anew if something was mapped since. */
static struct view *view_of(uintptr_t address)
{
	struct view *view = &self.view[address >> 16 & (VIEWS - 1)];
	uint32_t generation = atomic_load_explicit(&place_generation, memory_order_relaxed);

	if (self.generation != generation) {
		for (unsigned i = 0; i < VIEWS; i++)
			atomic_store_explicit(&self.view[i].length, 0, memory_order_relaxed);
		self.generation = generation;
	}
	if (address - view->start < atomic_load_explicit(&view->length, memory_order_relaxed))
		return view;

	struct mapping mapping = place_find(address);
	uint64_t offset = mapping.offset + (address - mapping.start);

	if (!mapping.shared) {
		set_view(view, (struct view){.start = mapping.start,
					     .length = mapping.end - mapping.start});
		return view;
	}
	/* From the beginning of the block, or of the mapping if that comes later. */
	uintptr_t before = least(offset % BLOCK_SPAN, address - mapping.start);
	uintptr_t after = least(BLOCK_SPAN - offset % BLOCK_SPAN, mapping.end - address);

	set_view(view, (struct view){.start = address - before,
				     .length = before + after,
				     .shadow = words_at(mapping.segment, offset - before,
							self.number, true),
				     .segment = mapping.segment,
				     .offset = offset - before});
	return view;
}

bool shadow_place(const void *memory, struct place *place)
{
	uintptr_t address = (uintptr_t)memory;

	if (!place_may_be_shared(address))
		return false;
	if (self.busy)
		return place_of(memory, place);
	self.busy = true;
	struct view *view = view_of(address);

	place->segment = view->segment;
	place->offset = view->offset + (address - view->start);
	self.busy = false;
	return view->shadow;
}

/* The other's words for the beginning of the view. */
static struct words *words_of_other(struct view *view, unsigned party)
{
	uint32_t generation = atomic_load_explicit(&world->segment[view->segment].generation,
						   memory_order_acquire);

	if (view->other_party != party || (!view->other && view->other_generation != generation)) {
		view->other = NULL;
		view->other_party = party;
		view->other = words_at(view->segment, view->offset, party, false);
		view->other_generation = generation;
	}
	return view->other;
}

static void compare(struct view *view, uintptr_t within, unsigned party, enum shadow_kind kind,
		    uint64_t word)
{
	struct words *words = words_of_other(view, party);
	epoch known = atomic_load_explicit(&self.clock[party], memory_order_relaxed);

	if (!words)
		return;
	words += within / GRANULE;
	for (unsigned other = 0; other < 4; other++) {
		uint64_t its = atomic_load_explicit(&words->word[other], memory_order_relaxed);
		unsigned both = word_mask(its) & word_mask(word);

		if (!both || word_epoch(its) <= known || !(conflicts[kind] & 1 << other))
			continue;
		race_report(&(struct race){
			view->segment,
			view->offset + within / GRANULE * GRANULE + (unsigned)__builtin_ctz(both),
			{self.number, self.now, word_stack(word), word_mask(word), kind},
			{party, word_epoch(its), word_stack(its), word_mask(its), other}});
		return;
	}
}

void shadow_note(struct view *view, uintptr_t within, unsigned mask, enum shadow_kind kind,
		 const void *pc)
{
	if (!self.party || self.busy || atomic_load_explicit(&world->lost, memory_order_relaxed))
		return;
	_Atomic uint64_t *mine = &view->shadow[within / GRANULE].word[kind];
	uint64_t word = atomic_load_explicit(mine, memory_order_relaxed);

	self.busy = true;
	if (word_epoch(word) == self.now)
		mask |= word_mask(word);
	word = self.now << WORD_EPOCH_SHIFT | (uint64_t)stack_here(pc) << WORD_MASK_BITS | mask;
	/* Theirs is read behind ours: of two at once, one at least sees the other. */
	atomic_store_explicit(mine, word, memory_order_seq_cst);

	struct segment *segment = &world->segment[view->segment];

	for (unsigned i = 0; i < PARTIES / 64; i++) {
		uint64_t users = atomic_load_explicit(&segment->users[i], memory_order_relaxed);

		for (; users; users &= users - 1) {
			unsigned party = i * 64 + (unsigned)__builtin_ctzll(users);

			if (party == self.number ||
			    atomic_load_explicit(&self.clock[party], memory_order_relaxed) >=
				    atomic_load_explicit(&world->ended[party],
							 memory_order_relaxed))
				continue;
			compare(view, within, party, kind, word);
		}
	}
	self.busy = false;
}

/* The word is the same as it would become. */
static bool is_noted(const struct view *view, uintptr_t within, unsigned mask,
		     enum shadow_kind kind)
{
	uint64_t word = atomic_load_explicit(&view->shadow[within / GRANULE].word[kind],
					     memory_order_relaxed);

	return word_epoch(word) == self.now && !(mask & ~word_mask(word));
}

void shadow_range(const void *memory, size_t size, enum shadow_kind kind, const void *pc)
{
	uintptr_t address = (uintptr_t)memory, end = address + size;

	if (!self.party || self.busy || !size || address >= place_low + place_span ||
	    end <= place_low)
		return;
	while (address < end) {
		self.busy = true;
		struct view *view = view_of(address);
		uintptr_t start = view->start, stop = least(end, start + view->length);

		self.busy = false;
		for (; view->shadow && address < stop;) {
			unsigned first = address % GRANULE;
			unsigned count = (unsigned)least(GRANULE - first, stop - address);
			unsigned mask = ((1u << count) - 1) << first;

			if (!is_noted(view, address - start, mask, kind))
				shadow_note(view, address - start, mask, kind, pc);
			address += count;
		}
		address = stop;
	}
}
