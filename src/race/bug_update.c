/* SPDX-License-Identifier: MIT */
/* Bugs of what isn't done as one: updates, checks and pairs that others come between. */
#include "race/bug.h"

static long long add(void *world)
{
	struct page *page = world;
	int seen = SEE(page->count);

	SEE(page->count) = seen + 1;
	return 0;
}

BUG(lost_update) = {
	.text = "two add by a load and a store",
	.roles = {{"alice", add}, {"bob", add}},
	.after = count_and_clear,
	.outcomes = {{"0 0 | 2", ALLOWED, "one after the other"}},
};

/* There is room for one. */
static long long check_then_act(void *world)
{
	struct page *page = world;

	if (SEE(page->a) >= 1)
		return 0;
	race_step("acts");
	__atomic_fetch_add(&page->a, 1, __ATOMIC_SEQ_CST);
	return 1;
}

BUG(check_then_act) = {
	.text = "two look whether there is room, and then take it",
	.roles = {{"alice", check_then_act}, {"bob", check_then_act}},
	.outcomes = {{"1 0 | 0", ALLOWED, "alice"}, {"0 1 | 0", ALLOWED, "bob"}},
};

static long long enter_by_test(void *world)
{
	struct page *page = world;
	int others;

	if (SEE(page->ready))
		return 0;
	SEE(page->ready) = 1;
	others = __atomic_fetch_add(&page->holders, 1, __ATOMIC_SEQ_CST);
	race_step("inside");
	__atomic_fetch_sub(&page->holders, 1, __ATOMIC_SEQ_CST);
	SEE(page->ready) = 0;
	return others;
}

BUG(test_then_set) = {
	.text = "a lock that is looked at first, and then taken",
	.roles = {{"alice", enter_by_test}, {"bob", enter_by_test}},
	.outcomes = {{"0 0 | 0", ALLOWED, "one of them, or one after the other"}},
};

static long long write_pair(void *world)
{
	struct page *page = world;

	SEE(page->a) = 1;
	SEE(page->b) = 1;
	return 0;
}

BUG(torn_pair) = {
	.text = "two words that belong together are read without a lock",
	.roles = {{"writer", write_pair}, {"reader", read_pair}},
	.outcomes = {{"0 0 | 0", ALLOWED, "both, or none"}},
};
