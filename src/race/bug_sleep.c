/* SPDX-License-Identifier: MIT */
/* Bugs of sleeping and waking: wakeups that are lost, or that the wrong one gets. */
#include "race/bug.h"

static long long sleep_if_not_ready(void *world)
{
	struct page *page = world;

	if (!SEE(page->ready)) {
		SEE(page->waiters) = 1;
		while (atomic_load(&page->cond) == 0)
			sleep_while(&page->cond, 0);
	}
	return 0;
}

static long long wake_if_waited_for(void *world)
{
	struct page *page = world;

	SEE(page->ready) = 1;
	if (SEE(page->waiters)) {
		atomic_store(&page->cond, 1);
		rouse(&page->cond, 1);
	}
	return 0;
}

BUG(lost_wakeup) = {
	.text = "one looks and then says that he waits; the other says and then looks, too early",
	.roles = {{"waiter", sleep_if_not_ready}, {"waker", wake_if_waited_for}},
	.outcomes = {{"0 0 | 0", ALLOWED, "he didn't wait, or was woken"}},
};

/* Takes one, if there is one after all. */
static long long consume_with_if(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	if (SEE(page->count) == 0)
		await_cond(page);
	int left = --SEE(page->count);
	let_go(&page->lock);
	return left < 0 ? -1 : 0;
}

static long long produce(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	SEE(page->count)++;
	tell(page, 1);
	let_go(&page->lock);
	return 0;
}

static long long produce_two(void *world)
{
	return produce(world) + produce(world);
}

BUG(if_for_while) = {
	.text = "who is woken doesn't look again, and another was quicker",
	.roles = {{"alice", consume_with_if}, {"bob", consume_with_if}, {"carol", produce_two}},
	.outcomes = {{"0 0 0 | 0", ALLOWED, "each has one"}},
};

static long long consume(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	while (SEE(page->count) == 0)
		await_cond(page);
	SEE(page->count)--;
	let_go(&page->lock);
	return 0;
}

/* W. R. Stevens 1999 has it right; many had it so. */
static long long produce_two_told_once(void *world)
{
	struct page *page = world;

	for (int i = 0; i < 2; i++) {
		hold(&page->lock);
		if (SEE(page->count)++ == 0)
			tell(page, 1);
		let_go(&page->lock);
	}
	return 0;
}

BUG(told_only_when_it_was_empty) = {
	.text = "a signal only when the queue was empty, and two who wait",
	.roles = {{"alice", consume}, {"bob", consume}, {"carol", produce_two_told_once}},
	.outcomes = {{"0 0 0 | 0", ALLOWED, "each has one"}},
};

static long long produce_untold(void *world)
{
	struct page *page = world;

	SEE(page->count)++;
	tell(page, 1);
	return 0;
}

static long long consume_unlocked_look(void *world)
{
	struct page *page = world;

	while (SEE(page->count) == 0) {
		race_step("goes to sleep");
		uint32_t seen = atomic_load(&page->cond);

		sleep_while(&page->cond, seen);
	}
	return 0;
}

BUG(signal_without_the_lock) = {
	.text = "the condition changes between the look and the sleep",
	.roles = {{"consumer", consume_unlocked_look}, {"producer", produce_untold}},
	.outcomes = {{"0 0 | 0", ALLOWED, "he has it"}},
};

/* Two conditions, one variable. */
static long long await_a(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	while (!SEE(page->a))
		await_cond(page);
	let_go(&page->lock);
	return 0;
}

static long long await_b(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	while (!SEE(page->b))
		await_cond(page);
	let_go(&page->lock);
	return 0;
}

static long long raise_both(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	SEE(page->a) = 1;
	tell(page, 1);
	let_go(&page->lock);
	hold(&page->lock);
	SEE(page->b) = 1;
	tell(page, 1);
	let_go(&page->lock);
	return 0;
}

BUG(signal_for_broadcast) = {
	.text = "who is told waits for something else",
	.roles = {{"alice", await_a}, {"bob", await_b}, {"carol", raise_both}},
	.outcomes = {{"0 0 0 | 0", ALLOWED, "each was told"}},
};

/* A barrier whose round is known by its count. */
static long long come_twice(void *world)
{
	struct page *page = world;

	for (int round = 0; round < 2; round++) {
		uint32_t here = atomic_fetch_add(&page->cond, 1) + 1;

		race_step("has come");
		if (here % 2 == 0) {
			atomic_store(&page->cond, 0);
			rouse(&page->cond, ALL);
		}
		while (here % 2 && (here = atomic_load(&page->cond)) != 0) {
			race_step("waits at the barrier");
			sleep_while(&page->cond, here);
		}
	}
	return 0;
}

BUG(barrier_without_rounds) = {
	.text = "who is quick comes again before the slow one has left",
	.roles = {{"alice", come_twice}, {"bob", come_twice}},
	.outcomes = {{"0 0 | 0", ALLOWED, "both were by, twice"}},
};
