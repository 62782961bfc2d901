/* SPDX-License-Identifier: MIT */
/* Atomics of 16 bytes: what they order, and that they are atomic, however compilers do them. */
#include "scenario.h"

#if HAVE_WIDE
#define RELEASE (broken ? __ATOMIC_RELAXED : __ATOMIC_RELEASE)
#define ACQUIRE (broken ? __ATOMIC_RELAXED : __ATOMIC_ACQUIRE)

enum { TIMES = 2000 };

SCENARIO(wide_release, "a store of 16 bytes releases what a load of them acquires")
{
	shared->data = 1;
	__atomic_store_n(&shared->wide, 1, RELEASE);
}

OTHER(wide_release)
{
	while (!__atomic_load_n(&shared->wide, __ATOMIC_ACQUIRE))
		;
	must(shared->data == 1);
}

/* One is as good as two words: both halves are seen at once, and what the owner has written. */
static void lock_two_words(unsigned owner)
{
	struct two_words expected = {0, 0}, mine = {owner, ~0ul}, nobody = {0, 0};

	while (!__atomic_compare_exchange(&shared->two_words, &expected, &mine, false, ACQUIRE,
					  __ATOMIC_RELAXED)) {
		must(expected.second == (expected.first ? ~0ul : 0));
		expected = nobody;
	}
	shared->data++;
	__atomic_exchange(&shared->two_words, &nobody, &expected, RELEASE);
	must(expected.first == owner);
}

SCENARIO(wide_compare, "a lock by comparing and exchanging 16 bytes")
{
	lock_two_words(1);
}

OTHER(wide_compare)
{
	lock_two_words(2);
}

/* A carry goes from one half to the other. */
static void add_many(void)
{
	for (int i = 0; i < TIMES; i++)
		__atomic_fetch_add(&shared->wide, (wide)-1 >> 64, __ATOMIC_RELAXED);
	for (int i = 0; i < TIMES; i++)
		__atomic_fetch_sub(&shared->wide, 1, __ATOMIC_RELAXED);
}

SCENARIO(wide_add, "nothing but atomics of 16 bytes")
{
	add_many();
	if (broken)
		*(wide volatile *)&shared->wide = 0;
	await_flag(&shared->flag, 1);
	must(broken || __atomic_load_n(&shared->wide, __ATOMIC_RELAXED) ==
			       2 * TIMES * (((wide)-1 >> 64) - 1));
}

OTHER(wide_add)
{
	add_many();
	atomic_store(&shared->flag, 1);
}

RACY(wide_half, "an atomic of 16 bytes, and a plain access to its second half")
{
	__atomic_store_n(&shared->wide, 1, __ATOMIC_SEQ_CST);
}

OTHER(wide_half)
{
	((volatile unsigned char *)&shared->wide)[8]++;
}

static void update_all(void)
{
	wide value = 3, before = __atomic_exchange_n(&shared->wide, value, __ATOMIC_SEQ_CST);

	must(before == 0);
	must(__atomic_fetch_and(&shared->wide, 6, __ATOMIC_SEQ_CST) == 3);
	must(__atomic_fetch_or(&shared->wide, (wide)1 << 100, __ATOMIC_SEQ_CST) == 2);
	must(__atomic_fetch_xor(&shared->wide, 2, __ATOMIC_SEQ_CST) == ((wide)1 << 100 | 2));
	must(__atomic_fetch_nand(&shared->wide, 1, __ATOMIC_SEQ_CST) == (wide)1 << 100);
	must(__atomic_load_n(&shared->wide, __ATOMIC_SEQ_CST) == ~(wide)0);
	before = 1;
	must(!__atomic_compare_exchange_n(&shared->wide, &before, 7, false, __ATOMIC_SEQ_CST,
					  __ATOMIC_SEQ_CST));
	must(before == ~(wide)0);
}

/* What each does is as libatomic has it, and the last releases. */
SCENARIO(wide_values, "all there is of atomics of 16 bytes")
{
	update_all();
	shared->data = 1;
	__atomic_store_n(&shared->wide, 5, RELEASE);
}

OTHER(wide_values)
{
	while (__atomic_load_n(&shared->wide, __ATOMIC_ACQUIRE) != 5)
		;
	must(shared->data == 1);
}
#endif
