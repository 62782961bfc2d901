/* SPDX-License-Identifier: MIT */
/* Bugs of seqlocks: a reader who is to notice that what it read has changed, and doesn't. */
#include "race/bug.h"

static long long write_seqlock(void *world)
{
	struct page *page = world;

	SEE(page->count)++;
	SEE(page->a) = 1;
	SEE(page->b) = 1;
	SEE(page->count)++;
	return 0;
}

static long long read_seqlock_once(void *world)
{
	struct page *page = world;

	if (SEE(page->count) % 2)
		return 0; /* being written */
	return read_pair(world);
}

BUG(seqlock_without_retry) = {
	.text = "the reader looks at the count before it reads, and not after it",
	.roles = {{"writer", write_seqlock}, {"reader", read_seqlock_once}},
	.outcomes = {{"0 0 | 0", ALLOWED, "both, or none"}},
};

static long long write_unmarked(void *world)
{
	struct page *page = world;

	SEE(page->a) = 1;
	SEE(page->b) = 1;
	SEE(page->count) += 2;
	return 0;
}

static long long read_seqlock(void *world)
{
	struct page *page = world;
	int before = SEE(page->count);
	long long difference = read_pair(world);

	return before % 2 || before != SEE(page->count) ? 0 : difference;
}

BUG(seqlock_without_mark) = {
	.text = "the writer counts only when it is done",
	.roles = {{"writer", write_unmarked}, {"reader", read_seqlock}},
	.outcomes = {{"0 0 | 0", ALLOWED, "both, none, or seen to change"}},
};
