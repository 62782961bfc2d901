/* SPDX-License-Identifier: MIT */
/* Bugs of locks: of their order, of those that don't exclude, and of fences. */
#include "race/bug.h"

static long long hold_in_order(struct page *page, _Atomic uint32_t *first, _Atomic uint32_t *second)
{
	hold(first);
	hold(second);
	page->count++;
	let_go(second);
	let_go(first);
	return 0;
}

static long long hold_forwards(void *world)
{
	struct page *page = world;

	return hold_in_order(page, &page->lock, &page->other_lock);
}

static long long hold_backwards(void *world)
{
	struct page *page = world;

	return hold_in_order(page, &page->other_lock, &page->lock);
}

BUG(lock_order) = {
	.text = "two locks, in one order and in the other",
	.roles = {{"alice", hold_forwards}, {"bob", hold_backwards}},
	.after = count_and_clear,
	.outcomes = {{"0 0 | 2", ALLOWED, "one after the other"}},
};

static long long eat_0(void *world)
{
	struct page *page = world;

	return hold_in_order(page, &page->lock, &page->other_lock);
}

static long long eat_1(void *world)
{
	struct page *page = world;

	return hold_in_order(page, &page->other_lock, &page->third_lock);
}

static long long eat_2(void *world)
{
	struct page *page = world;

	return hold_in_order(page, &page->third_lock, &page->lock);
}

BUG(dining_philosophers) = {
	.text = "three who take the left fork first",
	.roles = {{"alice", eat_0}, {"bob", eat_1}, {"carol", eat_2}},
	.outcomes = {{"0 0 0 | 0", ALLOWED, "one after the other"}},
};

static bool make_two_permits(void *world)
{
	struct page *page = world;

	page->id = impl->semset->semget(race_key(), 1, IPC_CREAT | IPC_EXCL | 0600);
	return page->id >= 0 &&
	       impl->semset->semctl(page->id, 0, SETVAL, (union semset_argument){.val = 2}) == 0;
}

static void remove_permits(void *world)
{
	struct page *page = world;

	impl->semset->semctl(page->id, 0, IPC_RMID, (union semset_argument){.val = 0});
}

static long long pass(void *world)
{
	struct page *page = world;
	int others;

	impl->semset->semop(page->id, &(struct sembuf){0, -1, 0}, 1);
	others = __atomic_fetch_add(&page->holders, 1, __ATOMIC_SEQ_CST);
	race_step("inside");
	__atomic_fetch_sub(&page->holders, 1, __ATOMIC_SEQ_CST);
	impl->semset->semop(page->id, &(struct sembuf){0, 1, 0}, 1);
	return others;
}

static long long nothing_left(void *world)
{
	(void)world;
	return 0;
}

BUG(one_permit_too_many) = {
	.text = "a semaphore that is to be a lock begins with two",
	.make = make_two_permits,
	.roles = {{"alice", pass}, {"bob", pass}, {"carol", pass}},
	.after = nothing_left,
	.remove = remove_permits,
	.outcomes = {{"0 0 0 | 0", ALLOWED, "one after the other"}},
};

static long long write_if_nobody_reads(void *world)
{
	struct page *page = world;

	if (SEE(page->readers))
		return 0;
	SEE(page->a) = 1;
	SEE(page->b) = 1;
	return 0;
}

static long long read_counted(void *world)
{
	struct page *page = world;

	race_step("counts as a reader");
	atomic_fetch_add(&page->readers, 1);
	long long difference = read_pair(world);
	atomic_fetch_sub(&page->readers, 1);
	return difference;
}

BUG(reader_not_excluded) = {
	.text = "a writer looks whether anybody reads, and doesn't keep readers out",
	.roles = {{"writer", write_if_nobody_reads}, {"reader", read_counted}},
	.outcomes = {{"0 0 | 0", ALLOWED, "both, or none"}},
};

/* Lets go even if it was refused. */
static long long try_and_let_go(void *world)
{
	struct page *page = world;
	int others = 0;

	race_step("tries");
	if (atomic_exchange(&page->lock, 1) == 0) {
		others = __atomic_fetch_add(&page->holders, 1, __ATOMIC_SEQ_CST);
		race_step("inside");
		__atomic_fetch_sub(&page->holders, 1, __ATOMIC_SEQ_CST);
	}
	let_go(&page->lock);
	return others;
}

BUG(unlocks_what_another_has) = {
	.text = "who was refused the lock unlocks it",
	.roles = {{"alice", try_and_let_go}, {"bob", try_and_let_go}, {"carol", try_and_let_go}},
	.outcomes = {{"0 0 0 | 0", ALLOWED, "nobody saw another"}},
};

/* Peterson 1981, but the turn is given away before the wish is told. */
static long long enter_by_turn(struct page *page, int self)
{
	SEE(page->top) = !self;
	SEE(page->slots[self]) = 1;
	for (int looks = 0; looks < 20; looks++)
		if (!SEE(page->slots[!self]) || SEE(page->top) == self) {
			int others = __atomic_fetch_add(&page->holders, 1, __ATOMIC_SEQ_CST);

			race_step("inside");
			__atomic_fetch_sub(&page->holders, 1, __ATOMIC_SEQ_CST);
			SEE(page->slots[self]) = 0;
			return others;
		}
	return 0; /* had no patience */
}

static long long enter_0(void *world)
{
	return enter_by_turn(world, 0);
}

static long long enter_1(void *world)
{
	return enter_by_turn(world, 1);
}

BUG(peterson_in_the_wrong_order) = {
	.text = "a lock of two flags and a turn, which is given too early",
	.roles = {{"alice", enter_0}, {"bob", enter_1}},
	.outcomes = {{"0 0 | 0", ALLOWED, "nobody saw another"}},
};

/* Dekker's: right where memory is sequentially consistent, and only there. */
static long long wish_and_look(struct page *page, int self)
{
	race_stores(&page->slots[self], sizeof(page->slots[self]));
	atomic_store_explicit((_Atomic int *)&page->slots[self], 1, memory_order_relaxed);
	race_loads(&page->slots[!self]);
	return !atomic_load_explicit((_Atomic int *)&page->slots[!self], memory_order_relaxed);
}

static long long wish_0(void *world)
{
	return wish_and_look(world, 0);
}

static long long wish_1(void *world)
{
	return wish_and_look(world, 1);
}

BUG(missing_fence) = {
	.text = "each says that he comes, and looks whether the other does: without a fence",
	.roles = {{"alice", wish_0}, {"bob", wish_1}},
	.stores = 1,
	.outcomes = {{"0 0 | 0", ALLOWED, "both saw the other"},
		     {"0 1 | 0", ALLOWED, "bob was first"},
		     {"1 0 | 0", ALLOWED, "alice was first"}},
};
