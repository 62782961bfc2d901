/* SPDX-License-Identifier: MIT */
/* The wait for any of several futexes.  They are the words of the page "w". */
#include <string.h>

#include "stage/story.h"

static actor *with_words(const char *name)
{
	actor *a = cast(name);

	does(a, lock.map("w"));
	return a;
}

static uint32_t *word(long long index)
{
	return (uint32_t *)handle_pointer("w") + index;
}

/* So many words, of the value 0. */
static void choose(struct futex_awaited *words, long long count)
{
	memset(words, 0, (size_t)count * sizeof(*words));
	for (long long i = 0; i < count; i++) {
		words[i].address = (uintptr_t)word(i);
		words[i].flags = FUTEX_OF_32_BITS;
	}
}

static long wait_at(struct futex_awaited *words, long long count)
{
	if (!impl->lock->futex_waitv)
		skip("there is no futex_waitv");
	return impl->lock->futex_waitv(words, (unsigned)count, 0, NULL, CLOCK_MONOTONIC);
}

static long long wait_at_words(const char *text, const long long *n)
{
	struct futex_awaited words[FUTEX_WORDS_MAX];

	(void)text;
	choose(words, n[0]);
	return wait_at(words, n[0]);
}

/* With the flags of who wakes. */
static long long wake_word(const char *text, const long long *n)
{
	(void)text;
	return impl->lock->futex(word(n[0]), FUTEX_WAKES | (int)n[1], 10, NULL, 0, NULL, 0);
}

static long long change_word(const char *text, const long long *n)
{
	(void)text;
	*(_Atomic(uint32_t) *)word(n[0]) = (uint32_t)n[1];
	return 0;
}

struct choice {
	const char *name;
	int count, index;
};

static const struct choice choices[] = {
	{"the_only_one", 1, 0},
	{"the_first", 3, 0},
	{"the_second", 3, 1},
	{"the_last", 3, 2},
	{"the_last_of_all", FUTEX_WORDS_MAX, FUTEX_WORDS_MAX - 1},
};

TEST_EACH(lock, any_of_several_futexes_wakes, choices)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob");

	begin(bob, call(wait_at_words, NULL, row->count, 0, 0));
	blocks(bob);
	does_give(alice, call(wake_word, NULL, row->count, 0, 0), 0);
	blocks(bob);
	does_give(alice, call(wake_word, NULL, row->index, 0, 0), 1);
	gives(bob, row->index);
}

TEST_EACH(lock, several_futexes_are_compared_first, choices)
{
	actor *alice = with_words("alice");

	does(alice, call(change_word, NULL, row->index, 1, 0));
	does_fail(alice, call(wait_at_words, NULL, row->count, 0, 0), EAGAIN);
}

TEST(lock, several_futexes_are_left_together)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");

	begin(bob, call(wait_at_words, NULL, 3, 0, 0));
	begin(carol, call(wait_at_words, NULL, 1, 0, 0));
	blocks(bob);
	blocks(carol);
	does_give(alice, call(wake_word, NULL, 2, 0, 0), 1);
	gives(bob, 2);
	does_give(alice, call(wake_word, NULL, 1, 0, 0), 0);
	does_give(alice, call(wake_word, NULL, 0, 0, 0), 1);
	gives(carol, 0);
}

TEST_VARIANT(lock, several_futexes_are_left_together, by_the_dead)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");

	begin(bob, call(wait_at_words, NULL, 3, 0, 0));
	begin(carol, call(wait_at_words, NULL, 2, 0, 0));
	blocks(bob);
	blocks(carol);
	dies(bob);
	does_give(alice, call(wake_word, NULL, 2, 0, 0), 0);
	does_give(alice, call(wake_word, NULL, 1, 0, 0), 1);
	gives(carol, 1);
}

/* The first word is the process's own, the second is shared. */
static long long wait_at_own_and_shared(const char *text, const long long *n)
{
	struct futex_awaited words[2];

	(void)text;
	(void)n;
	choose(words, 2);
	words[0].flags |= FUTEX_PRIVATE;
	return wait_at(words, 2);
}

TEST(lock, several_futexes_have_flags_of_their_own)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob"),
	      *thread = cast_thread(bob, "thread");

	begin(thread, call(wait_at_own_and_shared, NULL, 0, 0, 0));
	blocks(thread);
	does_give(alice, call(wake_word, NULL, 0, 0, 0), 0);
	does_give(alice, call(wake_word, NULL, 0, FUTEX_PRIVATE, 0), 0);
	does_give(bob, call(wake_word, NULL, 1, FUTEX_PRIVATE, 0), 0);
	blocks(thread);
	does_give(alice, call(wake_word, NULL, 1, 0, 0), 1);
	gives(thread, 1);
	begin(thread, call(wait_at_own_and_shared, NULL, 0, 0, 0));
	blocks(thread);
	does_give(bob, call(wake_word, NULL, 0, FUTEX_PRIVATE, 0), 1);
	gives(thread, 0);
}

struct clock {
	const char *name;
	clockid_t clock;
};

static const struct clock clocks[] = {
	{"monotonic", CLOCK_MONOTONIC},
	{"real_time", CLOCK_REALTIME},
};

/* On this clock, for so many milliseconds at least; who says that they are over must be right. */
static long long wait_for_a_while(const char *text, const long long *n)
{
	struct timespec deadline, now;
	struct futex_awaited words[3];

	(void)text;
	choose(words, 3);
	clock_gettime((clockid_t)n[0], &deadline);
	long long nanoseconds = deadline.tv_nsec + n[1] % 1000 * 1000000;
	deadline.tv_sec += (time_t)(n[1] / 1000 + nanoseconds / 1000000000);
	deadline.tv_nsec = (long)(nanoseconds % 1000000000);
	if (!impl->lock->futex_waitv)
		skip("there is no futex_waitv");
	long woken = impl->lock->futex_waitv(words, 3, 0, &deadline, (clockid_t)n[0]);
	int error = errno;
	clock_gettime((clockid_t)n[0], &now);
	if (woken == -1 && error == ETIMEDOUT)
		must(now.tv_sec > deadline.tv_sec ||
		     (now.tv_sec == deadline.tv_sec && now.tv_nsec >= deadline.tv_nsec));
	errno = error;
	return woken;
}

TEST_EACH(lock, wait_at_several_ends_at_the_deadline, clocks)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob");

	does_fail(bob, call(wait_for_a_while, NULL, row->clock, 20, 0), ETIMEDOUT);
	does_fail(bob, call(wait_for_a_while, NULL, row->clock, 0, 0), ETIMEDOUT);
	does_fail(bob, call(wait_for_a_while, NULL, row->clock, -1000, 0), ETIMEDOUT);
	does_give(alice, call(wake_word, NULL, 1, 0, 0), 0);
	begin(bob, call(wait_for_a_while, NULL, row->clock, 100000, 0));
	blocks(bob);
	does_give(alice, call(wake_word, NULL, 1, 0, 0), 1);
	gives(bob, 1);
}

TEST(lock, wait_at_several_is_interrupted)
{
	actor *alice = with_words("alice"), *bob = forks(alice, "bob");

	does(bob, sig.handle(SIGUSR1, 0));
	begin(bob, call(wait_at_words, NULL, 3, 0, 0));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	does_give(alice, call(wake_word, NULL, 1, 0, 0), 0);
}

/* What is wrong with two words that are right else. */
struct mistake {
	const char *name;
	unsigned count, flags;
	unsigned flags_of_last, reserved_of_last, beside;
	int clock;
};

static const struct mistake mistakes[] = {
	{"no_word", 0, 0, FUTEX_OF_32_BITS, 0, 0, CLOCK_MONOTONIC},
	{"too_many", FUTEX_WORDS_MAX + 1, 0, FUTEX_OF_32_BITS, 0, 0, CLOCK_MONOTONIC},
	{"flags", 2, 1, FUTEX_OF_32_BITS, 0, 0, CLOCK_MONOTONIC},
	{"no_size", 2, 0, 0, 0, 0, CLOCK_MONOTONIC},
	{"unknown_flag", 2, 0, FUTEX_OF_32_BITS | 0x4000, 0, 0, CLOCK_MONOTONIC},
	{"reserved", 2, 0, FUTEX_OF_32_BITS, 1, 0, CLOCK_MONOTONIC},
	{"not_aligned", 2, 0, FUTEX_OF_32_BITS, 0, 1, CLOCK_MONOTONIC},
	{"clock", 2, 0, FUTEX_OF_32_BITS, 0, 0, CLOCK_PROCESS_CPUTIME_ID},
};

static long long make_a_mistake(const char *text, const long long *n)
{
	const struct mistake *m = &mistakes[n[0]];
	struct futex_awaited words[FUTEX_WORDS_MAX + 1];
	struct timespec deadline = {1, 0};

	(void)text;
	choose(words, FUTEX_WORDS_MAX + 1);
	struct futex_awaited *last = &words[m->count ? m->count - 1 : 0];
	last->flags = m->flags_of_last;
	last->reserved = m->reserved_of_last;
	last->address += m->beside;
	if (!impl->lock->futex_waitv)
		skip("there is no futex_waitv");
	return impl->lock->futex_waitv(words, m->count, m->flags, &deadline, m->clock);
}

TEST_EACH(lock, nonsense_for_several_futexes_is_refused, mistakes)
{
	actor *alice = with_words("alice");

	does_fail(alice, call(make_a_mistake, NULL, row - mistakes, 0, 0), EINVAL);
}
