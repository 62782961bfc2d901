/* SPDX-License-Identifier: MIT */
/* Bugs of publication: what is shown before it is there, made twice, or claimed by two. */
#include "race/bug.h"

static long long publish_too_early(void *world)
{
	struct page *page = world;

	SEE(page->ready) = 1;
	SEE(page->a) = 1;
	return 0;
}

/* What is there, once there is something. */
static long long look(void *world)
{
	struct page *page = world;

	return SEE(page->ready) ? SEE(page->a) : 1;
}

BUG(broken_publication) = {
	.text = "the flag is set before the message",
	.roles = {{"writer", publish_too_early}, {"reader", look}},
	.outcomes = {{"0 1 | 0", ALLOWED, "nothing yet, or all"}},
};

static long long initialise_once(void *world)
{
	struct page *page = world;

	if (!SEE(page->ready)) {
		hold(&page->lock);
		if (!SEE(page->ready)) {
			SEE(page->ready) = 1;
			SEE(page->a) = 1;
		}
		let_go(&page->lock);
	}
	return SEE(page->a);
}

BUG(double_checked_initialisation) = {
	.text = "who finds it ready without the lock finds it unfinished",
	.roles = {{"alice", initialise_once}, {"bob", initialise_once}},
	.outcomes = {{"1 1 | 0", ALLOWED, "it is initialised"}},
};

static long long put_in_ring(void *world)
{
	struct page *page = world;
	int slot = atomic_fetch_add(&page->top, 1);

	SEE(page->slots[slot]) = 7;
	return 0;
}

static long long take_from_ring(void *world)
{
	struct page *page = world;

	return SEE(page->top) ? SEE(page->slots[0]) : 7;
}

BUG(unpublished_slot) = {
	.text = "a slot counts before it is filled",
	.roles = {{"alice", put_in_ring}, {"bob", put_in_ring}, {"taker", take_from_ring}},
	.outcomes = {{"0 0 7 | 0", ALLOWED, "nothing yet, or what was put"}},
};

static long long claim_slot(void *world)
{
	struct page *page = world;
	int slot = SEE(page->top);

	SEE(page->slots[slot]) = slot + 1;
	SEE(page->top) = slot + 1;
	return slot;
}

BUG(two_producers_one_slot) = {
	.text = "a ring of one producer, with two",
	.roles = {{"alice", claim_slot}, {"bob", claim_slot}},
	.outcomes = {{"0 1 | 0", ALLOWED, "alice first"}, {"1 0 | 0", ALLOWED, "bob first"}},
};

static bool make_set_key(void *world)
{
	struct page *page = world;

	page->id = (int)race_key();
	return true;
}

/* W. R. Stevens 1999: the creator initialises what others have found already. */
static long long open_set(void *world)
{
	struct page *page = world;
	key_t key = (key_t)page->id;
	int id = impl->semset->semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);

	if (id >= 0) {
		race_step("initialises");
		impl->semset->semctl(id, 0, SETVAL, (union semset_argument){.val = 1});
		return 1;
	}
	id = impl->semset->semget(key, 1, 0);
	race_step("uses");
	return impl->semset->semctl(id, 0, GETVAL, (union semset_argument){.val = 0});
}

static long long remove_set(void *world)
{
	struct page *page = world;
	int id = impl->semset->semget((key_t)page->id, 0, 0);

	return answer(impl->semset->semctl(id, 0, IPC_RMID, (union semset_argument){.val = 0}));
}

BUG(uninitialised_semaphore) = {
	.text = "a set that another has made has no value yet",
	.make = make_set_key,
	.roles = {{"alice", open_set}, {"bob", open_set}},
	.after = remove_set,
	.outcomes = {{"1 1 | 0", ALLOWED, "it has a value"}},
};
