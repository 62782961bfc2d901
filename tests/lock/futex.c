/* SPDX-License-Identifier: MIT */
/* The futex of Linux. */
#include <stdio.h>

#include "stage/story.h"

/* All bits, as a number that an operation is given. */
static const unsigned all_bits = 0xFFFFFFFFu;

static actor *with_word(const char *name)
{
	actor *a = cast(name);

	does(a, lock.map("w"));
	return a;
}

TEST(lock, futex_waits_while_the_word_is_the_same)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does(alice, lock.store("w", 7));
	does_fail(bob, lock.futex_wait("w", 0, 8), EAGAIN);
	does_fail(bob, lock.futex_wait("w", FUTEX_PRIVATE, 0), EAGAIN);
	begin(bob, lock.futex_wait("w", 0, 7));
	blocks(bob);
	/* the word alone wakes nobody */
	does(alice, lock.store("w", 9));
	blocks(bob);
	does_give(alice, lock.futex_wake("w", 0, 1), 1);
	gives(bob, 0);
}

TEST(lock, futex_wake_wakes_so_many)
{
	enum { WAITERS = 5 };
	actor *alice = with_word("alice"), *waiter[WAITERS];

	for (int i = 0; i < WAITERS; i++) {
		waiter[i] = forks(alice, "waiter");
		begin(waiter[i], lock.futex_wait("w", 0, 0));
		blocks(waiter[i]);
	}
	does_give(alice, lock.futex_wake("w", 0, 2), 2);
	does_give(alice, lock.futex_wake("w", 0, 1), 1);
	does_give(alice, lock.futex_wake("w", 0, 0x7FFFFFFF), 2);
	for (int i = 0; i < WAITERS; i++)
		gives(waiter[i], 0);
	does_give(alice, lock.futex_wake("w", 0, 0x7FFFFFFF), 0);
}

TEST(lock, futex_wake_is_not_remembered)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does_give(alice, lock.futex_wake("w", 0, 1), 0);
	begin(bob, lock.futex_wait("w", 0, 0));
	blocks(bob);
	does_give(alice, lock.futex_wake("w", 0, 1), 1);
	gives(bob, 0);
}

TEST(lock, futex_key_is_the_memory_not_the_address)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, lock.map_file("w", "f"));
	does(bob, lock.map("other"));
	does(bob, lock.map_file("w", "f"));
	begin(bob, lock.futex_wait("w", 0, 0));
	blocks(bob);
	does_give(alice, lock.futex_wake("w", 0, 1), 1);
	gives(bob, 0);
}

TEST_VARIANT(lock, futex_key_is_the_memory_not_the_address, mapped_twice)
{
	actor *alice = cast("alice");

	does(alice, lock.map_file("w", "f"));
	does(alice, lock.map_file("again", "f"));
	actor *thread = cast_thread(alice, "thread");
	begin(thread, lock.futex_wait("w", 0, 0));
	blocks(thread);
	does_give(alice, lock.futex_wake("again", FUTEX_PRIVATE, 1), 0);
	does_give(alice, lock.futex_wake("again", 0, 1), 1);
	gives(thread, 0);
}

TEST(lock, same_address_of_another_process_is_another_futex)
{
	actor *alice = cast("alice");

	/* a page that is copied, not shared, when forked */
	does(alice, shm.map_anonymous("w", 4096, MAP_PRIVATE));
	does(alice, lock.store("w", 0));
	actor *bob = forks(alice, "bob"), *thread = cast_thread(alice, "thread");
	begin(thread, lock.futex_wait("w", 0, 0));
	blocks(thread);
	does_give(bob, lock.futex_wake("w", 0, 1), 0);
	blocks(thread);
	does_give(alice, lock.futex_wake("w", 0, 1), 1);
	gives(thread, 0);
}

TEST_VARIANT(lock, same_address_of_another_process_is_another_futex, by_private_flag)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");
	actor *thread = cast_thread(alice, "thread");

	begin(thread, lock.futex_wait("w", FUTEX_PRIVATE, 0));
	blocks(thread);
	does_give(bob, lock.futex_wake("w", FUTEX_PRIVATE, 1), 0);
	does_give(bob, lock.futex_wake("w", 0, 1), 0);
	does_give(alice, lock.futex_wake("w", 0, 1), 0);
	blocks(thread);
	does_give(alice, lock.futex_wake("w", FUTEX_PRIVATE, 1), 1);
	gives(thread, 0);
}

TEST(lock, futex_timeout_is_not_early)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does_fail(alice, lock.futex_timedwait("w", 0, 20), ETIMEDOUT);
	does_fail(alice, lock.futex_timedwait("w", 0, 0), ETIMEDOUT);
	does_fail(alice, lock.futex_timedwait("w", 1, 20), EAGAIN);
	does_give(bob, lock.futex_wake("w", 0, 1), 0);
	begin(bob, lock.futex_timedwait("w", 0, 100000));
	blocks(bob);
	does_give(alice, lock.futex_wake("w", 0, 1), 1);
	gives(bob, 0);
}

TEST(lock, futex_deadline_is_absolute)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does_fail(alice, lock.futex_wait_until("w", 0, all_bits, 20), ETIMEDOUT);
	does_fail(alice, lock.futex_wait_until("w", 0, all_bits, -20), ETIMEDOUT);
	begin(bob, lock.futex_wait_until("w", 0, all_bits, 100000));
	blocks(bob);
	does_give(alice, lock.futex_wake("w", 0, 1), 1);
	gives(bob, 0);
}

TEST(lock, futex_bits_choose_whom_to_wake)
{
	actor *alice = with_word("alice");
	actor *one = forks(alice, "one"), *two = forks(alice, "two"), *any = forks(alice, "any");

	begin(one, lock.futex_wait_bits("w", 0, 1));
	begin(two, lock.futex_wait_bits("w", 0, 2));
	begin(any, lock.futex_wait("w", 0, 0));
	blocks(one);
	blocks(two);
	blocks(any);
	does_fail(alice, lock.futex_wake_bits("w", 10, 0), EINVAL);
	does_give(alice, lock.futex_wake_bits("w", 10, 4), 1);
	gives(any, 0);
	does_give(alice, lock.futex_wake_bits("w", 10, 6), 1);
	gives(two, 0);
	blocks(one);
	does_give(alice, lock.futex_wake("w", 0, 10), 1);
	gives(one, 0);
	does_fail(alice, lock.futex_wait_bits("w", 0, 0), EINVAL);
}

TEST(lock, futex_requeue_moves_waiters)
{
	enum { WAITERS = 4 };
	actor *alice = with_word("alice"), *waiter[WAITERS];

	does(alice, lock.map("v"));
	for (int i = 0; i < WAITERS; i++) {
		waiter[i] = forks(alice, "waiter");
		begin(waiter[i], lock.futex_wait("w", 0, 0));
		blocks(waiter[i]);
	}
	/* it may count those it has moved, or not */
	does(alice, lock.futex_requeue("w", "v", 1, 2));
	must(outcome_of(alice)->value == 1 || outcome_of(alice)->value == 3);
	does_give(alice, lock.futex_wake("w", 0, 10), 1);
	does_give(alice, lock.futex_wake("v", 0, 10), 2);
	for (int i = 0; i < WAITERS; i++)
		gives(waiter[i], 0);
}

TEST(lock, futex_requeue_compares_first)
{
	enum { WAITERS = 3 };
	actor *alice = with_word("alice"), *waiter[WAITERS];

	does(alice, lock.map("v"));
	for (int i = 0; i < WAITERS; i++) {
		waiter[i] = forks(alice, "waiter");
		begin(waiter[i], lock.futex_wait("w", 0, 0));
		blocks(waiter[i]);
	}
	does_fail(alice, lock.futex_cmp_requeue("w", "v", 1, 1, 10), EAGAIN);
	does_give(alice, lock.futex_wake("v", 0, 10), 0);
	does_give(alice, lock.futex_cmp_requeue("w", "v", 0, 1, 10), WAITERS);
	does_give(alice, lock.futex_wake("w", 0, 10), 0);
	does_give(alice, lock.futex_wake("v", 0, 10), WAITERS - 1);
	for (int i = 0; i < WAITERS; i++)
		gives(waiter[i], 0);
}

TEST(lock, futex_requeue_refuses_negative_counts)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does(alice, lock.map("v"));
	begin(bob, lock.futex_wait("w", 0, 0));
	blocks(bob);
	does_fail(alice, lock.futex_cmp_requeue("w", "v", 0, -1, 1), EINVAL);
	does_fail(alice, lock.futex_cmp_requeue("w", "v", 0, 1, -1), EINVAL);
	does_fail(alice, lock.futex_requeue("w", "v", 1, -1), EINVAL);
	blocks(bob);
	does_give(alice, lock.futex_wake("w", 0, 1), 1);
	gives(bob, 0);
}

/* -- FUTEX_WAKE_OP ---------------------------------------------------------------------------- */

struct arithmetic {
	const char *name;
	enum futex_arithmetic what;
	unsigned with, before, after;
};

/* Operands have 12 bits; with FUTEX_SHIFTED they are the number of a bit. */
static const struct arithmetic arithmetics[] = {
	{"set", FUTEX_SETS, 0x123, 0xF0F0, 0x123},
	{"add", FUTEX_ADDS, 5, 0xF0F0, 0xF0F5},
	{"add_negative", FUTEX_ADDS, 0xFFF, 0xF0F0, 0xF0EF},
	{"or", FUTEX_ORS, 0x0FF, 0xF0F0, 0xF0FF},
	{"andn", FUTEX_ANDNS, 0x0F0, 0xF0FF, 0xF00F},
	{"xor", FUTEX_XORS, 0x0FF, 0xF0F0, 0xF00F},
	{"set_bit", FUTEX_SETS | FUTEX_SHIFTED, 20, 0xF0F0, 1u << 20},
	{"add_bit", FUTEX_ADDS | FUTEX_SHIFTED, 4, 0xF0F0, 0xF100},
	{"or_bit", FUTEX_ORS | FUTEX_SHIFTED, 31, 0xF0F0, 0x8000F0F0},
	{"andn_bit", FUTEX_ANDNS | FUTEX_SHIFTED, 15, 0xF0F0, 0x70F0},
	{"xor_bit", FUTEX_XORS | FUTEX_SHIFTED, 0, 0xF0F0, 0xF0F1},
};

struct comparison {
	const char *name;
	enum futex_comparison how;
	bool less, same, greater; /* what it says of an old value that is so */
};

static const struct comparison comparisons[] = {
	{"equal", FUTEX_EQ, false, true, false},   {"not_equal", FUTEX_NE, true, false, true},
	{"less", FUTEX_LT, true, false, false},	   {"not_greater", FUTEX_LE, true, true, false},
	{"greater", FUTEX_GT, false, false, true}, {"not_less", FUTEX_GE, false, true, true},
};

static unsigned wake_op(unsigned what, unsigned with, unsigned how, unsigned than)
{
	return what << 28 | how << 24 | (with & 0xFFF) << 12 | (than & 0xFFF);
}

TEST_EACH(lock, futex_wake_op_computes_and_compares, arithmetics)
{
	actor *alice = with_word("alice");

	does(alice, lock.map("v"));
	does(alice, lock.store("v", row->before));
	does_give(alice,
		  lock.futex_wake_op("w", "v", 1, 1, wake_op(row->what, row->with, FUTEX_EQ, 0)),
		  0);
	does_give(alice, lock.load("v"), row->after);
	does_give(alice, lock.load("w"), 0);
}

/* The old value is one less, the same, one more than what it is compared with. */
static void compare(actor *alice, actor *bob, const struct comparison *c, int difference,
		    bool holds)
{
	unsigned than = 100;

	does(alice, lock.store("v", (unsigned)((int)than + difference)));
	begin(bob, lock.futex_wait("v", 0, (unsigned)((int)than + difference)));
	blocks(bob);
	does_give(alice, lock.futex_wake_op("w", "v", 1, 1, wake_op(FUTEX_SETS, 7, c->how, than)),
		  holds);
	does_give(alice, lock.load("v"), 7);
	does_give(alice, lock.futex_wake("v", 0, 1), !holds);
	gives(bob, 0);
}

static void check_comparison(size_t i)
{
	actor *alice = with_word("alice");

	does(alice, lock.map("v"));
	actor *bob = forks(alice, "bob");
	compare(alice, bob, &comparisons[i], -1, comparisons[i].less);
	compare(alice, bob, &comparisons[i], 0, comparisons[i].same);
	compare(alice, bob, &comparisons[i], 1, comparisons[i].greater);
}

TEST_VARIANT(lock, futex_wake_op_computes_and_compares, equal)
{
	check_comparison(0);
}

TEST_VARIANT(lock, futex_wake_op_computes_and_compares, not_equal)
{
	check_comparison(1);
}

TEST_VARIANT(lock, futex_wake_op_computes_and_compares, less)
{
	check_comparison(2);
}

TEST_VARIANT(lock, futex_wake_op_computes_and_compares, not_greater)
{
	check_comparison(3);
}

TEST_VARIANT(lock, futex_wake_op_computes_and_compares, greater)
{
	check_comparison(4);
}

TEST_VARIANT(lock, futex_wake_op_computes_and_compares, not_less)
{
	check_comparison(5);
}

TEST_VARIANT(lock, futex_wake_op_computes_and_compares, wakes_at_both_words)
{
	actor *alice = with_word("alice");

	does(alice, lock.map("v"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol"),
	      *dave = forks(alice, "dave");
	begin(bob, lock.futex_wait("w", 0, 0));
	begin(carol, lock.futex_wait("v", 0, 0));
	begin(dave, lock.futex_wait("v", 0, 0));
	blocks(bob);
	blocks(carol);
	blocks(dave);
	does_give(alice, lock.futex_wake_op("w", "v", 5, 5, wake_op(FUTEX_ADDS, 1, FUTEX_EQ, 0)),
		  3);
	gives(bob, 0);
	gives(carol, 0);
	gives(dave, 0);
}

/* -- signals and errors ----------------------------------------------------------------------- */

TEST(lock, futex_wait_is_interrupted)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, sig.handle(SIGUSR2, SA_RESTART));
	begin(bob, lock.futex_wait("w", 0, 0));
	blocks(bob);
	poke(bob, SIGUSR2);
	catches(bob, SIGUSR2, 1);
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	does_give(alice, lock.futex_wake("w", 0, 1), 0);
}

TEST(lock, futex_waiter_may_be_stopped)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	begin(bob, lock.futex_wait("w", 0, 0));
	blocks(bob);
	freeze(bob);
	does(alice, lock.store("w", 1));
	does(alice, lock.futex_wake("w", 0, 1));
	thaw(bob);
	returns(bob);
	must(outcome_of(bob)->error == 0 || outcome_of(bob)->error == EAGAIN);
}

TEST_VARIANT(lock, futex_waiter_may_be_stopped, and_waits_on_if_nothing_came)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	begin(bob, lock.futex_wait("w", 0, 0));
	blocks(bob);
	freeze(bob);
	thaw(bob);
	blocks(bob);
	does_give(alice, lock.futex_wake("w", 0, 1), 1);
	gives(bob, 0);
}

TEST(lock, killed_futex_waiter_counts_no_more)
{
	actor *alice = with_word("alice");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");

	begin(bob, lock.futex_wait("w", 0, 0));
	begin(carol, lock.futex_wait("w", 0, 0));
	blocks(bob);
	blocks(carol);
	dies(carol);
	does_give(alice, lock.futex_wake("w", 0, 10), 1);
	gives(bob, 0);
}

/* The word one byte too far; to wait with the flag given, or to wake. */
static long long beside(const char *text, const long long *n)
{
	uint32_t *word = (uint32_t *)((char *)handle_pointer(text) + 1);

	if (!impl->lock->futex)
		skip("no futex");
	return impl->lock->futex(word, (int)n[0], 0, NULL, 0, NULL, 0);
}

TEST(lock, futex_word_must_be_aligned)
{
	actor *alice = with_word("alice");

	does_fail(alice, call(beside, "w", FUTEX_WAITS, 0, 0), EINVAL);
	does_fail(alice, call(beside, "w", FUTEX_WAITS | FUTEX_PRIVATE, 0, 0), EINVAL);
	does_fail(alice, call(beside, "w", FUTEX_WAKES, 0, 0), EINVAL);
}

TEST(lock, futex_word_must_be_there)
{
	actor *alice = with_word("alice");

	does(alice, lock.unmap("w"));
	does_fail(alice, lock.futex_wait("w", 0, 0), EFAULT);
	does_fail(alice, lock.futex_wait("w", FUTEX_PRIVATE, 0), EFAULT);
}

/* Waits for so many seconds and nanoseconds, which are no time. */
static long long wait_for_no_time(const char *text, const long long *n)
{
	struct timespec time = {(time_t)n[1], (long)n[2]};

	if (!impl->lock->futex)
		skip("no futex");
	return impl->lock->futex(handle_pointer(text), (int)n[0], 0, &time, 0, NULL, all_bits);
}

TEST(lock, futex_invalid_time_is_refused)
{
	static const int operations[] = {FUTEX_WAITS, FUTEX_WAITS_BITSET};
	actor *alice = with_word("alice");

	for (int i = 0; i < 2; i++) {
		does_fail(alice, call(wait_for_no_time, "w", operations[i], 0, -1), EINVAL);
		does_fail(alice, call(wait_for_no_time, "w", operations[i], 0, 1000000000), EINVAL);
		does_fail(alice, call(wait_for_no_time, "w", operations[i], -1, 0), EINVAL);
	}
}

TEST(lock, futex_deadline_may_be_on_real_time)
{
	actor *alice = with_word("alice"), *bob = forks(alice, "bob");

	does_fail(alice, lock.futex_wait_until_real("w", 0, 15), ETIMEDOUT);
	does_fail(alice, lock.futex_wait_until_real("w", 0, -1000), ETIMEDOUT);
	begin(bob, lock.futex_wait_until_real("w", 0, 100000));
	blocks(bob);
	does_give(alice, lock.futex_wake("w", 0, 1), 1);
	gives(bob, 0);
}

static long long do_what_is_not(const char *text, const long long *n)
{
	if (!impl->lock->futex)
		skip("no futex");
	return impl->lock->futex(handle_pointer(text), (int)n[0], 0, NULL, 0, NULL, 0);
}

TEST(lock, futex_unknown_operation_is_refused)
{
	actor *alice = with_word("alice");

	does_fail(alice, call(do_what_is_not, "w", 99, 0, 0), ENOSYS);
	does_fail(alice, call(do_what_is_not, "w", 99 | FUTEX_PRIVATE, 0, 0), ENOSYS);
}
