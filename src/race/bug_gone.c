/* SPDX-License-Identifier: MIT */
/* Bugs with what is gone: owners that died, memory that was given back, names that came again. */
#include "race/bug.h"

static bool make_dead_owner(void *world)
{
	struct page *page = world;

	page->a = 99; /* its owner, of whom nobody knows */
	return true;
}

static long long dead_again(void *world)
{
	clear(world, 0);
	make_dead_owner(world);
	return 0;
}

/* Who finds the owner dead takes the lock from him: as does another. */
static long long take_from_dead(struct page *page, int self)
{
	if (SEE(page->a) != 99)
		return 0;
	SEE(page->a) = self;
	return __atomic_fetch_add(&page->holders, 1, __ATOMIC_SEQ_CST);
}

static long long inherit_1(void *world)
{
	return take_from_dead(world, 1);
}

static long long inherit_2(void *world)
{
	return take_from_dead(world, 2);
}

BUG(stale_owner) = {
	.text = "two find that the owner of a lock has died, and both take it",
	.make = make_dead_owner,
	.roles = {{"alice", inherit_1}, {"bob", inherit_2}},
	.after = dead_again,
	.outcomes = {{"0 0 | 0", ALLOWED, "one has it"}},
};

static bool make_unfinished(void *world)
{
	struct page *page = world;

	page->ready = 1; /* the last owner died with the lock */
	page->a = 1;	 /* in the middle of a change */
	return true;
}

static long long unfinished_again(void *world)
{
	clear(world, 0);
	make_unfinished(world);
	return 0;
}

/* Is told of the death, lets go to look at it in peace, and others aren't told any more. */
static long long recover_late(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	bool has_died = atomic_exchange(&page->ready, 0);
	if (has_died) {
		let_go(&page->lock);
		hold(&page->lock);
		SEE(page->b) = SEE(page->a);
	}
	long long difference = SEE(page->a) - SEE(page->b);
	let_go(&page->lock);
	return difference;
}

BUG(not_made_consistent) = {
	.text = "who inherits a lock lets go of it before he has repaired what it protects",
	.make = make_unfinished,
	.roles = {{"alice", recover_late}, {"bob", recover_late}},
	.after = unfinished_again,
	.outcomes = {{"0 0 | 0", ALLOWED, "nobody saw what was unfinished"}},
};

static bool make_two_references(void *world)
{
	struct page *page = world;

	page->count = 2;
	return true;
}

static long long two_references_again(void *world)
{
	clear(world, 0);
	make_two_references(world);
	return 0;
}

/* Whether it was the last. */
static long long drop_reference(void *world)
{
	struct page *page = world;

	SEE(page->count)--;
	return SEE(page->count) == 0;
}

BUG(reference_count) = {
	.text = "two drop their reference by a load and a store, and look",
	.make = make_two_references,
	.roles = {{"alice", drop_reference}, {"bob", drop_reference}},
	.after = two_references_again,
	.outcomes = {{"1 0 | 0", ALLOWED, "alice was the last"},
		     {"0 1 | 0", ALLOWED, "bob was the last"}},
};

static bool make_one_reference(void *world)
{
	struct page *page = world;

	page->count = 1;
	return true;
}

static long long one_reference_again(void *world)
{
	clear(world, 0);
	make_one_reference(world);
	return 0;
}

/* Whether it has one of what is being freed. */
static long long revive(void *world)
{
	struct page *page = world;

	if (SEE(page->count) == 0)
		return 0;
	race_step("takes a reference");
	return __atomic_fetch_add(&page->count, 1, __ATOMIC_SEQ_CST) == 0;
}

static long long drop_atomically(void *world)
{
	struct page *page = world;

	race_step("drops its reference");
	__atomic_fetch_sub(&page->count, 1, __ATOMIC_SEQ_CST);
	return 0;
}

BUG(revived_reference) = {
	.text = "one sees that there is a reference, which is dropped before he takes his",
	.make = make_one_reference,
	.roles = {{"alice", revive}, {"bob", drop_atomically}},
	.after = one_reference_again,
	.outcomes = {{"0 0 | 0", ALLOWED, "he has it in time, or not at all"}},
};

/* A stack of cells 1, 2 and 3, the topmost first. */
static bool make_stack(void *world)
{
	struct page *page = world;

	page->top = 1;
	page->next[1] = 2;
	page->next[2] = 3;
	return true;
}

static int pop(struct page *page)
{
	for (;;) {
		int top = SEE(page->top);

		if (!top)
			return 0;
		int next = SEE(page->next[top]);
		race_step("exchanges the top");
		if (atomic_compare_exchange_strong(&page->top, &top, next))
			return top;
	}
}

static void push(struct page *page, int cell)
{
	int top = SEE(page->top);

	do
		SEE(page->next[cell]) = top;
	while (!atomic_compare_exchange_strong(&page->top, &top, cell));
}

static long long pop_one(void *world)
{
	struct page *page = world;

	page->slots[0] = pop(page);
	return 0;
}

static long long pop_two_push_one(void *world)
{
	struct page *page = world;
	int first = pop(page);

	page->slots[1] = pop(page);
	push(page, first);
	return 0;
}

/* Whether somebody has what is in the stack, too. */
static long long stack_again(void *world)
{
	struct page *page = world;
	int twice = page->slots[0] && page->slots[0] == page->slots[1];

	for (int cell = page->top, steps = 0; cell && steps < 4; cell = page->next[cell], steps++)
		twice |= cell == page->slots[0] || cell == page->slots[1];
	clear(page, 0);
	make_stack(page);
	return twice;
}

BUG(aba) = {
	.text = "the top of a stack is the same again, and what is beneath it isn't",
	.make = make_stack,
	.roles = {{"alice", pop_one}, {"bob", pop_two_push_one}},
	.after = stack_again,
	.outcomes = {{"0 0 | 0", ALLOWED, "each cell has one owner"}},
};
