/* SPDX-License-Identifier: MIT */
/* What a set is for, and what one call does: all of it or nothing. */
#include <stdio.h>

#include "stage/story.h"

static int semop_one(const char *s, int number, int amount, int flags)
{
	struct sembuf operation = {
		.sem_num = (unsigned short)number,
		.sem_op = (short)amount,
		.sem_flg = (short)flags,
	};

	return impl->semset->semop((int)handle_number(s), &operation, 1);
}

static int semop_two(const char *s, int from, int amount, int to, int to_amount)
{
	struct sembuf operations[2] = {
		{.sem_num = (unsigned short)from, .sem_op = (short)amount},
		{.sem_num = (unsigned short)to, .sem_op = (short)to_amount},
	};

	return impl->semset->semop((int)handle_number(s), operations, 2);
}

/* Words that all share: what is protected, who is inside, who is done. */
enum { COUNTER, HOLDERS, DONE };

/* Adds one so many times, by reading and then writing. */
static long long add_up(const char *text, const long long *n)
{
	for (long long i = 0; i < n[0]; i++) {
		must_be(semop_one(text, 0, -1, 0), 0);
		must_be(atomic_fetch_add(&shared()[HOLDERS], 1), 0);
		uint64_t seen = atomic_load_explicit(&shared()[COUNTER], memory_order_relaxed);
		atomic_store_explicit(&shared()[COUNTER], seen + 1, memory_order_relaxed);
		atomic_fetch_sub(&shared()[HOLDERS], 1);
		must_be(semop_one(text, 0, 1, 0), 0);
	}
	return 0;
}

enum { ADDITIONS = 500 };

TEST(semset, initial_value_one_keeps_one_holder_at_a_time)
{
	actor *alice = cast("alice"), *carol = cast_stranger("carol");

	does(alice, semset.make("mutex", "1"));
	actor *bob = forks(alice, "bob");
	does(carol, semset.get("mutex", 1, 0));
	begin(alice, call(add_up, "mutex", ADDITIONS, 0, 0));
	begin(bob, call(add_up, "mutex", ADDITIONS, 0, 0));
	begin(carol, call(add_up, "mutex", ADDITIONS, 0, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
	must_be(shared()[COUNTER], 3 * ADDITIONS);
	does_give(carol, semset.value("mutex", 0), 1);
}

TEST_VARIANT(semset, initial_value_one_keeps_one_holder_at_a_time, the_second_waits)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	does(alice, semset.make("mutex", "1"));
	does(bob, semset.get("mutex", 1, 0));
	does(alice, semset.op("mutex", "0-1"));
	begin(bob, semset.op("mutex", "0-1"));
	blocks(bob);
	does(alice, semset.op("mutex", "0+1"));
	succeeds(bob);
	does_fail(alice, semset.op("mutex", "0-1n"), EAGAIN);
}

TEST_VARIANT(semset, initial_value_one_keeps_one_holder_at_a_time, threads)
{
	actor *alice = cast("alice");

	does(alice, semset.make_private("mutex", "1"));
	actor *thread = cast_thread(alice, "thread"), *other = cast_thread(alice, "other");
	begin(alice, call(add_up, "mutex", ADDITIONS, 0, 0));
	begin(thread, call(add_up, "mutex", ADDITIONS, 0, 0));
	begin(other, call(add_up, "mutex", ADDITIONS, 0, 0));
	succeeds(alice);
	succeeds(thread);
	succeeds(other);
	must_be(shared()[COUNTER], 3 * ADDITIONS);
}

TEST(semset, initial_value_zero_orders_two_processes)
{
	actor *first = cast("first");

	does(first, semset.make("done", "0"));
	actor *second = forks(first, "second");
	begin(second, semset.op("done", "0-1"));
	blocks(second);
	does(first, semset.op("done", "0+1"));
	succeeds(second);
	does_give(first, semset.value("done", 0), 0);
}

TEST(semset, taking_waits_for_the_whole_amount)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.op("s", "0-3"));
	blocks(bob);
	does(alice, semset.op("s", "0+2"));
	blocks(bob);
	does_give(alice, semset.value("s", 0), 2);
	does(alice, semset.op("s", "0+2"));
	succeeds(bob);
	does_give(alice, semset.value("s", 0), 1);
}

TEST(semset, adding_never_waits)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.op("s", "0-5"));
	blocks(bob);
	does(alice, semset.op("s", "0+3"));
	does_give(alice, semset.value("s", 0), 3);
	does(alice, semset.op("s", "0+3"));
	succeeds(bob);
	does_give(alice, semset.value("s", 0), 1);
}

TEST(semset, zero_operation_waits_for_zero)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "2 0"));
	actor *bob = forks(alice, "bob");
	does(bob, semset.op("s", "1=0"));
	begin(bob, semset.op("s", "0=0"));
	blocks(bob);
	does(alice, semset.op("s", "0-1"));
	blocks(bob);
	does(alice, semset.op("s", "0-1"));
	succeeds(bob);
	does_give(alice, semset.values("s"), "0 0");
}

TEST(semset, strangers_meet_at_a_key)
{
	actor *alice = cast("alice"), *stranger = cast_stranger("stranger");

	does(alice, semset.make("s", "0 0"));
	does(stranger, semset.get("s", 2, 0));
	begin(stranger, semset.op("s", "0-1"));
	blocks(stranger);
	does(alice, semset.op("s", "0+1"));
	succeeds(stranger);
	begin(alice, semset.op("s", "1-1"));
	blocks(alice);
	does(stranger, semset.op("s", "1+1"));
	succeeds(alice);
}

TEST(semset, set_outlives_its_creator)
{
	actor *creator = cast("creator"), *heir = cast_stranger("heir");

	does(creator, semset.make("s", "3 4"));
	does(creator, semset.op("s", "0-1"));
	dies(creator);
	does(heir, semset.get("s", 2, 0));
	does_give(heir, semset.values("s"), "2 4");
}

TEST(semset, identifier_serves_any_process)
{
	actor *alice = cast("alice"), *stranger = cast_stranger("stranger");

	does(alice, semset.get_private("s", 1, 0600));
	long long id = outcome_of(alice)->value;
	does(alice, semset.set("s", 0, 1));
	does(stranger, semset.adopt("s", id));
	does(stranger, semset.op("s", "0+1"));
	does_give(alice, semset.value("s", 0), 2);
}

/* -- all or nothing --------------------------------------------------------------------------- */

TEST(semset, operations_happen_together_or_not_at_all)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 0 0"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(bob, semset.op("s", "0-1 1-1 2+1"));
	blocks(bob);
	does_give(alice, semset.values("s"), "1 0 0");
	does(carol, semset.op("s", "0-1"));
	does(alice, semset.op("s", "1+1"));
	blocks(bob);
	does_give(alice, semset.values("s"), "0 1 0");
	does(carol, semset.op("s", "0+1"));
	succeeds(bob);
	does_give(alice, semset.values("s"), "0 0 1");
}

TEST_VARIANT(semset, operations_happen_together_or_not_at_all, with_zero)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.op("s", "1+1 0=0"));
	blocks(bob);
	does_give(alice, semset.values("s"), "1 0");
	does(alice, semset.op("s", "0-1"));
	succeeds(bob);
	does_give(alice, semset.values("s"), "0 1");
}

static const struct sequence {
	const char *name;
	const char *before, *operations;
	bool goes_on;
	const char *after;
} sequences[] = {
	{"give_then_take", "0", "0+1 0-1", true, "0"},
	{"take_then_give", "0", "0-1n 0+1", false, "0"},
	{"test_and_set", "0", "0=0 0+1", true, "1"},
	{"set_and_test", "0", "0+1 0=0n", false, "0"},
	{"take_the_last_then_test", "1 5", "0-1 0=0 1-5 1=0", true, "0 0"},
	{"one_semaphore_in_pieces", "3", "0-1 0-1 0-1 0=0 0+7", true, "7"},
	{"one_piece_too_many", "3", "0-1 0-1 0-1 0-1n", false, "3"},
};

TEST_EACH(semset, operations_go_in_the_order_of_the_array, sequences)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", row->before));
	if (row->goes_on)
		does(alice, semset.op("s", row->operations));
	else
		does_fail(alice, semset.op("s", row->operations), EAGAIN);
	does_give(alice, semset.values("s"), row->after);
}

static const struct refused {
	const char *name;
	const char *operations;
} refused[] = {
	{"take", "1-1n"},
	{"zero", "0=0n"},
	{"take_at_the_end", "0+5 2-2 1-1n"},
	{"zero_at_the_end", "0-1 1+1 2=0n"},
	{"take_in_the_middle", "0-1 1-1n 2+1"},
	{"more_than_there_is", "2+1 0-2n"},
	{"undo_too", "0-1u 1-1nu"},
};

TEST_EACH(semset, nowait_failure_has_no_effect, refused)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 0 2"));
	does_fail(alice, semset.op("s", row->operations), EAGAIN);
	does_give(alice, semset.values("s"), "1 0 2");
	for (int i = 0; i < 3; i++) {
		does_give(alice, semset.waiting("s", i), 0);
		does_give(alice, semset.waiting_for_zero("s", i), 0);
	}
}

TEST(semset, nowait_counts_for_its_own_operation)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.op("s", "0-1n 1-1"));
	blocks(bob);
	does(alice, semset.op("s", "1+1"));
	succeeds(bob);
	does_give(alice, semset.values("s"), "0 0");
}

/* "0+<amount>", whatever comes before it. */
static const char *adding(const char *before, int number, long long amount)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%d+%lld", before, number, amount);
	return text;
}

TEST(semset, overflow_has_no_effect)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "5 0"));
	begin(alice, semset.set_to_maximum("s", 1));
	returns(alice);
	long long maximum = outcome_of(alice)->value;
	does_fail(alice, semset.op("s", "0-2 1+1"), ERANGE);
	does_give(alice, semset.value("s", 0), 5);
	does_give(alice, semset.value("s", 1), maximum);
	does(alice, semset.op("s", "1-2"));
	does_fail(alice, semset.op("s", adding("0+1 ", 1, 3)), ERANGE);
	does_give(alice, semset.value("s", 0), 5);
	does(alice, semset.op("s", adding("", 1, 2)));
	does_give(alice, semset.value("s", 1), maximum);
}

TEST(semset, overflow_is_found_after_blocking)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 0"));
	begin(alice, semset.set_to_maximum("s", 0));
	returns(alice);
	long long maximum = outcome_of(alice)->value;
	actor *bob = forks(alice, "bob");
	begin(bob, semset.op("s", "1-1 0+1"));
	blocks(bob);
	does(alice, semset.op("s", "1+1"));
	fails(bob, ERANGE);
	does_give(alice, semset.value("s", 0), maximum);
	does_give(alice, semset.value("s", 1), 1);
	does_give(alice, semset.waiting("s", 1), 0);
}

TEST(semset, bad_number_has_no_effect)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 1"));
	does_fail(alice, semset.op("s", "0-1 1-1 2-1"), EFBIG);
	does_fail(alice, semset.op("s", "0+1 9=0"), EFBIG);
	does_give(alice, semset.values("s"), "1 1");
}

/* -- many at once ----------------------------------------------------------------------------- */

enum { MOVES = 400 };

/* Moves a token there (or back) so many times, waiting for it when it is elsewhere. */
static long long move(const char *text, const long long *n)
{
	for (int i = 0; i < MOVES; i++)
		must_be(semop_two(text, (int)n[0], -1, (int)n[1], 1), 0);
	shared()[DONE]++;
	return 0;
}

static long long watch_the_sum(const char *text, const long long *n)
{
	unsigned short values[3] = {0, 0, 0xEEEE};
	union semset_argument argument = {.array = values};

	do {
		must_be(impl->semset->semctl((int)handle_number(text), 0, GETALL, argument), 0);
		must_be(values[0] + values[1], n[0]);
		must_be(values[2], 0xEEEE);
	} while (shared()[DONE] < (uint64_t)n[1]);
	return 0;
}

TEST(semset, sum_is_constant_while_tokens_move)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "2 0"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(carol, call(watch_the_sum, "s", 2, 2, 0));
	begin(alice, call(move, "s", 0, 1, 0));
	begin(bob, call(move, "s", 1, 0, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
	does_give(alice, semset.values("s"), "2 0");
}

enum { MEALS = 200 };

static long long dine(const char *text, const long long *n)
{
	int left = (int)n[0], right = (int)(n[0] + 1) % 3;

	for (int i = 0; i < MEALS; i++) {
		must_be(semop_two(text, left, -1, right, -1), 0);
		must_be(atomic_fetch_add(&shared()[1 + left], 1), 0);
		must_be(atomic_fetch_add(&shared()[1 + right], 1), 0);
		shared()[1 + left]--;
		shared()[1 + right]--;
		must_be(semop_two(text, left, 1, right, 1), 0);
	}
	return 0;
}

TEST(semset, philosophers_never_starve_together)
{
	actor *plato = cast("plato");

	does(plato, semset.make("forks", "1 1 1"));
	actor *zeno = forks(plato, "zeno"), *solon = forks(plato, "solon");
	begin(plato, call(dine, "forks", 0, 0, 0));
	begin(zeno, call(dine, "forks", 1, 0, 0));
	begin(solon, call(dine, "forks", 2, 0, 0));
	succeeds(plato);
	succeeds(zeno);
	succeeds(solon);
	does_give(plato, semset.values("forks"), "1 1 1");
}

/* How many operations one call may have. */
static long long operations_allowed(const char *text, const long long *n)
{
#ifdef IPC_INFO
	struct seminfo info = {0};
	union semset_argument argument = {.info = &info};

	(void)text;
	(void)n;
	if (impl->semset->semctl(0, 0, IPC_INFO, argument) >= 0 && info.semopm > 0)
		return info.semopm;
#endif
	skip("the number of operations allowed can't be told");
}

static long long allowed_in(actor *a)
{
	begin(a, call(operations_allowed, NULL, 0, 0, 0));
	succeeds(a);
	long long allowed = outcome_of(a)->value;
	if (allowed > 20000)
		skip("%lld operations are allowed: too many to try", allowed);
	return allowed;
}

TEST(semset, many_operations_are_one)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 0"));
	long long allowed = allowed_in(alice);
	does(alice, semset.op_times("s", "0+1", allowed));
	does_give(alice, semset.value("s", 0), allowed);
	actor *bob = forks(alice, "bob");
	does(alice, semset.op("s", "0-1"));
	begin(bob, semset.op_times("s", "0-1", allowed));
	blocks(bob);
	does_give(alice, semset.value("s", 0), allowed - 1);
	does(alice, semset.op("s", "0+1"));
	succeeds(bob);
	does_give(alice, semset.value("s", 0), 0);
}

TEST(semset, too_many_operations_are_refused)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	long long allowed = allowed_in(alice);
	does_fail(alice, semset.op_times("s", "0+1", allowed + 1), E2BIG);
	does_give(alice, semset.value("s", 0), 0);
}
