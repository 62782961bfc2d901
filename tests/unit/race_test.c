/* SPDX-License-Identifier: MIT */
/*
 * Races of the test's own, of which it is known how many schedules they have and what comes of
 * each; and that what an engine has found is found again, and shortened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "race/play.h"
#include "race/race.h"

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1 };

struct memory {
	int counter;
	_Atomic uint32_t flag;
	_Atomic uint32_t locks[2];
	_Alignas(8) _Atomic int x;
	_Alignas(8) _Atomic int y;
};

static bool make(void *world)
{
	(void)world;
	return true;
}

static long long counted(void *world)
{
	struct memory *memory = world;
	int count = memory->counter;

	*memory = (struct memory){0};
	return count;
}

/* -- steps that have nothing to do with each other -------------------------------------------- */

static long long step_3_times(void *world)
{
	(void)world;
	for (int i = 0; i < 3; i++)
		race_step("step");
	return 0;
}

static const struct race independent = {
	.name = "independent",
	.world = sizeof(struct memory),
	.make = make,
	.roles = {{"alice", step_3_times}, {"bob", step_3_times}},
	.outcomes = {{"0 0", ALLOWED, ""}},
};

/* -- a load and a store are two acts ---------------------------------------------------------- */

static long long add(void *world)
{
	struct memory *memory = world;
	int seen = memory->counter;

	race_step("has read");
	memory->counter = seen + 1;
	return 0;
}

static const struct race update = {
	.name = "update",
	.world = sizeof(struct memory),
	.make = make,
	.roles = {{"alice", add}, {"bob", add}},
	.after = counted,
	.outcomes = {{"0 0 | 2", ALLOWED, ""}},
};

/* -- stores that are seen later --------------------------------------------------------------- */

static void store(_Atomic int *place)
{
	race_stores(place, sizeof(*place));
	atomic_store_explicit(place, 1, memory_order_relaxed);
}

static int load(_Atomic int *place)
{
	race_loads(place);
	return atomic_load_explicit(place, memory_order_relaxed);
}

static long long store_x_load_y(void *world)
{
	struct memory *memory = world;

	store(&memory->x);
	return load(&memory->y);
}

static long long store_y_load_x(void *world)
{
	struct memory *memory = world;

	store(&memory->y);
	return load(&memory->x);
}

static long long store_x_fence_load_y(void *world)
{
	struct memory *memory = world;

	store(&memory->x);
	race_step("fence");
	return load(&memory->y);
}

static long long store_y_fence_load_x(void *world)
{
	struct memory *memory = world;

	store(&memory->y);
	race_step("fence");
	return load(&memory->x);
}

static long long store_both(void *world)
{
	struct memory *memory = world;

	store(&memory->x);
	store(&memory->y);
	return load(&memory->x) && load(&memory->y) ? 0 : -1; /* one's own are seen at once */
}

static long long load_both(void *world)
{
	struct memory *memory = world;
	int y = load(&memory->y);

	return y * 2 + load(&memory->x);
}

#define STORED_BY(identifier, alice, bob, count, ...)                                              \
	static const struct race identifier = {                                                    \
		.name = #identifier,                                                               \
		.world = sizeof(struct memory),                                                    \
		.make = make,                                                                      \
		.roles = {{"alice", alice}, {"bob", bob}},                                         \
		.stores = count,                                                                   \
		.after = counted,                                                                  \
		.outcomes = {__VA_ARGS__},                                                         \
	}

/* All but that neither sees the other's. */
#define ONE_SEES                                                                                   \
	{"0 1 | 0", ALLOWED, ""}, {"1 0 | 0", ALLOWED, ""},                                        \
	{                                                                                          \
		"1 1 | 0", ALLOWED, ""                                                             \
	}
STORED_BY(unfenced, store_x_load_y, store_y_load_x, 1, ONE_SEES);
STORED_BY(seen_at_once, store_x_load_y, store_y_load_x, 0, ONE_SEES);
STORED_BY(fenced, store_x_fence_load_y, store_y_fence_load_x, 1, ONE_SEES);
/* All but that the second is seen without the first. */
STORED_BY(in_order, store_both, load_both, 2, {"0 0 | 0", ALLOWED, ""}, {"0 1 | 0", ALLOWED, ""},
	  {"0 3 | 0", ALLOWED, ""});

/* -- sleeping --------------------------------------------------------------------------------- */

static long futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static long long wait_for_flag(void *world)
{
	struct memory *memory = world;

	while (atomic_load(&memory->flag) == 0)
		futex(&memory->flag, FUTEX_WAIT, 0);
	return 0;
}

static long long raise_flag(void *world)
{
	struct memory *memory = world;

	atomic_store(&memory->flag, 1);
	futex(&memory->flag, FUTEX_WAKE, 1);
	return 0;
}

/* Only if it sees somebody, who may not be there yet. */
static long long raise_silently(void *world)
{
	struct memory *memory = world;

	race_step("raises the flag");
	atomic_store(&memory->flag, 1);
	return 0;
}

static const struct race told = {
	.name = "told",
	.world = sizeof(struct memory),
	.make = make,
	.roles = {{"waiter", wait_for_flag}, {"raiser", raise_flag}},
	.after = counted,
	.outcomes = {{"0 0 | 0", ALLOWED, ""}},
};

static const struct race untold = {
	.name = "untold",
	.world = sizeof(struct memory),
	.make = make,
	.roles = {{"waiter", wait_for_flag}, {"raiser", raise_silently}},
	.after = counted,
	.outcomes = {{"0 0 | 0", ALLOWED, ""}},
};

/* -- who wait for each other ------------------------------------------------------------------ */

static void lock(_Atomic uint32_t *word)
{
	race_step("locks");
	while (atomic_exchange(word, 1))
		futex(word, FUTEX_WAIT, 1);
}

static void unlock(_Atomic uint32_t *word)
{
	atomic_store(word, 0);
	futex(word, FUTEX_WAKE, 1);
}

static long long lock_both(struct memory *memory, int first)
{
	lock(&memory->locks[first]);
	lock(&memory->locks[!first]);
	unlock(&memory->locks[!first]);
	unlock(&memory->locks[first]);
	return 0;
}

static long long lock_forwards(void *world)
{
	return lock_both(world, 0);
}

static long long lock_backwards(void *world)
{
	return lock_both(world, 1);
}

static const struct race deadlock = {
	.name = "deadlock",
	.world = sizeof(struct memory),
	.make = make,
	.roles = {{"alice", lock_forwards}, {"bob", lock_backwards}},
	.after = counted,
	.outcomes = {{"0 0 | 0", ALLOWED, ""}},
};

/* -- who spin, and who die -------------------------------------------------------------------- */

static long long spin(void *world)
{
	struct memory *memory = world;

	while (atomic_load(&memory->flag) == 0)
		race_step("looks again");
	return 0;
}

static const struct race forever = {
	.name = "forever",
	.world = sizeof(struct memory),
	.make = make,
	.roles = {{"alice", spin}, {"bob", add}},
	.outcomes = {{"never 0", ALLOWED, ""}},
};

static long long die(void *world)
{
	race_step("dies");
	(void)world;
	raise(SIGKILL);
	return 0;
}

static const struct race death = {
	.name = "death",
	.world = sizeof(struct memory),
	.make = make,
	.roles = {{"alice", die}, {"bob", add}},
	.outcomes = {{"died *", ALLOWED, ""}},
};

static const struct race mortal = {
	.name = "mortal",
	.world = sizeof(struct memory),
	.make = make,
	.roles = {{"alice", step_3_times}, {"bob", step_3_times}},
	.mortals = 1,
	.outcomes = {{"0 0", ALLOWED, ""}, {"killed 0", ALLOWED, ""}},
};

/* Who dies with the lock never gives it back. */
static long long hold_both(void *world)
{
	return lock_both(world, 0);
}

static const struct race widowed = {
	.name = "widowed",
	.world = sizeof(struct memory),
	.make = make,
	.roles = {{"alice", hold_both}, {"bob", hold_both}},
	.mortals = 1,
	.after = counted,
	.outcomes = {{"* 0 | 0", ALLOWED, ""}},
};

static bool refuse_to_make(void *world)
{
	(void)world;
	errno = ENOSYS;
	return false;
}

static const struct race nowhere = {
	.name = "nowhere",
	.world = sizeof(struct memory),
	.make = refuse_to_make,
	.roles = {{"alice", add}, {"bob", add}},
};

/* -- tests ------------------------------------------------------------------------------------ */

static struct race_tally *tally;

static struct race_wish wish_of(enum engine_kind engine)
{
	return (struct race_wish){.engine = engine, .seed = 5, .runs = 20000, .seconds = 60};
}

static void play(const struct race *race, struct race_wish wish)
{
	race_play(race, &wish, tally);
	if (tally->is_broken)
		fail_msg("%s: %s", race->name, tally->trouble);
}

static uint64_t times(const char *outcome)
{
	for (unsigned i = 0; i < tally->seen_count; i++)
		if (strcmp(tally->seen[i].outcome, outcome) == 0)
			return tally->seen[i].times;
	return 0;
}

static void each_schedule_is_played_once(void **state)
{
	(void)state;
	play(&independent, wish_of(ENGINE_EVERY));
	assert_true(tally->is_exhausted);
	assert_int_equal(tally->runs, 70); /* 8 parts, 4 of them alice's */

	play(&update, wish_of(ENGINE_EVERY));
	assert_true(tally->is_exhausted);
	assert_int_equal(tally->runs, 6); /* 4 parts, 2 of them alice's */
	assert_int_equal(times("0 0 | 2"), 2);
	assert_int_equal(times("0 0 | 1"), 4);
	assert_int_equal(tally->forbidden, 4);
}

static void schedules_of_few_preemptions_are_few(void **state)
{
	struct race_wish wish = wish_of(ENGINE_BOUNDED);

	(void)state;
	wish.bound = 1;
	play(&independent, wish);
	assert_true(tally->is_exhausted);
	assert_int_equal(tally->runs, 8); /* who is first, and where the other goes: 0 to 3 */
}

static void a_missing_fence_is_found_by_every_engine(void **state)
{
	static const enum engine_kind engines[] = {ENGINE_EVERY, ENGINE_BOUNDED, ENGINE_POS,
						   ENGINE_PCT, ENGINE_RANDOM};

	(void)state;
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		struct race_wish wish = wish_of(engines[i]);

		wish.ends_at_first = true;
		play(&unfenced, wish);
		assert_int_equal(tally->forbidden, 1);
		assert_string_equal(tally->outcome, "0 0 | 0");
	}
}

static void stores_are_seen_in_their_order(void **state)
{
	static const struct race *const right[] = {&fenced, &seen_at_once, &in_order};

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		play(right[i], wish_of(ENGINE_EVERY));
		assert_true(tally->is_exhausted);
		assert_int_equal(tally->forbidden, 0);
		assert_int_equal(tally->seen_count, 3);
	}
}

static void a_lost_update_is_found_by_every_engine(void **state)
{
	static const enum engine_kind engines[] = {ENGINE_EVERY, ENGINE_BOUNDED, ENGINE_POS,
						   ENGINE_PCT, ENGINE_RANDOM};

	(void)state;
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		struct race_wish wish = wish_of(engines[i]);

		wish.runs = 200;
		wish.ends_at_first = true;
		play(&update, wish);
		assert_int_equal(tally->forbidden, 1);
		assert_string_equal(tally->outcome, "0 0 | 1");
	}
}

static void who_is_told_does_not_wait_for_ever(void **state)
{
	(void)state;
	play(&told, wish_of(ENGINE_EVERY));
	assert_true(tally->is_exhausted);
	assert_int_equal(tally->forbidden, 0);
}

static void a_lost_wakeup_is_seen_at_once(void **state)
{
	(void)state;
	play(&untold, wish_of(ENGINE_EVERY));
	assert_true(tally->is_exhausted);
	assert_true(times("never 0") > 0);
	assert_true(times("0 0 | 0") > 0);
}

static void a_deadlock_is_found_shortened_and_found_again(void **state)
{
	static struct schedule schedule;
	struct race_wish wish = wish_of(ENGINE_POS);

	(void)state;
	wish.ends_at_first = true;
	play(&deadlock, wish);
	assert_string_equal(tally->outcome, "never never");
	race_shorten(&deadlock, &wish, tally);
	/* who has the first lock is interrupted; perhaps bob, for whom another is to begin */
	assert_in_range(tally->schedule.count, 1, 2);
	schedule = tally->schedule;

	wish = wish_of(ENGINE_REPLAY);
	wish.schedule = &schedule;
	for (int i = 0; i < 20; i++) {
		play(&deadlock, wish);
		assert_int_equal(tally->runs, 1);
		assert_string_equal(tally->outcome, "never never");
	}
}

static void the_same_seed_finds_the_same(void **state)
{
	static struct schedule schedule;
	struct race_wish wish = wish_of(ENGINE_RANDOM);
	uint64_t runs;

	(void)state;
	wish.ends_at_first = true;
	play(&update, wish);
	runs = tally->runs;
	schedule = tally->schedule;
	play(&update, wish);
	assert_int_equal(tally->runs, runs);
	assert_memory_equal(&tally->schedule.directives, &schedule.directives,
			    schedule.count * sizeof(schedule.directives[0]));
}

static void a_loop_without_end_ends(void **state)
{
	struct race_wish wish = wish_of(ENGINE_RANDOM);

	(void)state;
	wish.runs = 3;
	play(&forever, wish);
	assert_int_equal(times("never 0"), 3);
}

static void who_dies_is_told(void **state)
{
	struct race_wish wish = wish_of(ENGINE_EVERY);

	(void)state;
	wish.runs = 3;
	play(&death, wish);
	assert_int_equal(tally->runs, 3);
	assert_int_equal(tally->forbidden, 0);
	wish.way = BY_STRESS;
	play(&death, wish);
	assert_int_equal(tally->forbidden, 0);
	assert_int_not_equal(tally->runs, 0);
}

static void each_death_is_played_once(void **state)
{
	struct race_wish wish = wish_of(ENGINE_EVERY);

	(void)state;
	play(&mortal, wish);
	assert_int_equal(tally->runs, 70);
	wish.kills = 1;
	play(&mortal, wish);
	assert_true(tally->is_exhausted);
	assert_int_equal(times("0 0"), 70);
	/* after k of her parts, 3 at most, and j of bob's, 4 at most: (j + k)! / (j! k!) */
	assert_int_equal(times("killed 0"), 125);
	assert_int_equal(tally->runs, 195);
}

static void a_death_is_found_shortened_and_found_again(void **state)
{
	static struct schedule schedule;
	struct race_wish wish = wish_of(ENGINE_POS);

	(void)state;
	wish.ends_at_first = true;
	wish.runs = 200;
	play(&widowed, wish);
	assert_int_equal(tally->forbidden, 0);
	wish.kills = 1;
	wish.runs = 2000;
	play(&widowed, wish);
	assert_string_equal(tally->outcome, "killed never");
	race_shorten(&widowed, &wish, tally);
	assert_in_range(tally->schedule.count, 1, 2); /* her death, perhaps after a switch */
	schedule = tally->schedule;

	wish.engine = ENGINE_REPLAY;
	wish.schedule = &schedule;
	for (int i = 0; i < 20; i++) {
		play(&widowed, wish);
		assert_int_equal(tally->runs, 1);
		assert_string_equal(tally->outcome, "killed never");
	}
}

static void what_cannot_be_made_is_skipped(void **state)
{
	(void)state;
	play(&nowhere, wish_of(ENGINE_POS));
	assert_non_null(strstr(tally->trouble, "not implemented"));
	assert_int_equal(tally->runs, 0);
}

static void schedules_are_read(void **state)
{
	static struct schedule schedule;

	(void)state;
	assert_true(race_schedule_read("-", &schedule));
	assert_int_equal(schedule.count, 0);
	assert_true(race_schedule_read("0.14.1,64.0.2", &schedule));
	assert_int_equal(schedule.count, 2);
	assert_int_equal(schedule.directives[0].done, 14);
	assert_int_equal(schedule.directives[1].actor, NOBODY);
	assert_int_equal(schedule.directives[1].to, 2);
	assert_false(schedule.shadowed);
	assert_true(race_schedule_read("0.14.k1,1.0.0", &schedule));
	assert_true(schedule.shadowed);
	assert_int_equal(schedule.directives[0].to, DEATH_FROM + 1);
	assert_int_equal(schedule.directives[1].to, 0);
	assert_true(race_schedule_read("0.14.b1", &schedule));
	assert_true(schedule.shadowed);
	assert_int_equal(schedule.directives[0].to, BUFFER_FROM + 1);
	assert_false(race_schedule_read("0.14.k", &schedule));
	assert_false(race_schedule_read("0.14.b", &schedule));
	assert_false(race_schedule_read("0.14.k9", &schedule));
	assert_false(race_schedule_read("", &schedule));
	assert_false(race_schedule_read("0.14", &schedule));
	assert_false(race_schedule_read("0.14.9", &schedule));
	assert_false(race_schedule_read("7.14.1", &schedule));
	assert_false(race_schedule_read("0.14.1,", &schedule));
	assert_false(race_schedule_read("0.14.1;", &schedule));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_schedule_is_played_once),
		cmocka_unit_test(schedules_of_few_preemptions_are_few),
		cmocka_unit_test(a_lost_update_is_found_by_every_engine),
		cmocka_unit_test(a_missing_fence_is_found_by_every_engine),
		cmocka_unit_test(stores_are_seen_in_their_order),
		cmocka_unit_test(who_is_told_does_not_wait_for_ever),
		cmocka_unit_test(a_lost_wakeup_is_seen_at_once),
		cmocka_unit_test(a_deadlock_is_found_shortened_and_found_again),
		cmocka_unit_test(the_same_seed_finds_the_same),
		cmocka_unit_test(a_loop_without_end_ends),
		cmocka_unit_test(who_dies_is_told),
		cmocka_unit_test(each_death_is_played_once),
		cmocka_unit_test(a_death_is_found_shortened_and_found_again),
		cmocka_unit_test(what_cannot_be_made_is_skipped),
		cmocka_unit_test(schedules_are_read),
	};

	tally = race_tally_make();
	return tally ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}
