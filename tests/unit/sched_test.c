/* SPDX-License-Identifier: MIT */
/* The engines: exactly as many schedules as there are, each seed's own again, and bugs in bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/engine.h"
#include "sched/explore.h"

enum { STEPS_ROOM = 32, ORDERS_ROOM = 4096 };

/* Actors that each do so many operations, on one key or each on its own. */
struct shape {
	unsigned actors, steps[4];
	bool conflicts;
};

/* Who went, as letters. */
struct order {
	char text[STEPS_ROOM];
};

static struct engine engine;
static struct schedule schedule;

static struct operation operation_of(const struct shape *shape, unsigned actor)
{
	return (struct operation){.key = shape->conflicts ? 1 : actor + 1,
				  .access = ACCESS_READ | ACCESS_WRITE,
				  .kind = OPERATION_STEP};
}

/* One run, as the scheduler makes it. */
static struct order run(const struct shape *shape)
{
	struct operation next[ACTORS_MAX];
	unsigned left[4];
	uint32_t done[4] = {0};
	struct moment moment = {.next = next, .running = NOBODY};
	struct order order = {""};
	size_t length = 0;

	memcpy(left, shape->steps, sizeof(left));
	for (unsigned actor = 0; actor < shape->actors; actor++)
		next[actor] = operation_of(shape, actor);
	schedule.count = 0;
	engine_begin(&engine);
	for (;;) {
		moment.eligible = 0;
		for (unsigned actor = 0; actor < shape->actors; actor++)
			if (left[actor])
				moment.eligible |= UINT64_C(1) << actor;
		if (!moment.eligible)
			return order;
		moment.done = moment.running == NOBODY ? 0 : done[moment.running]++;
		unsigned chosen = engine_decide(&engine, &moment, &schedule);
		assert_true(moment.eligible >> chosen & 1);
		left[chosen]--;
		moment.running = chosen;
		order.text[length++] = (char)('a' + chosen);
	}
}

/* ---- every, bounded ---- */

static unsigned preemptions(const struct shape *shape, const char *order)
{
	unsigned left[4], count = 0;

	memcpy(left, shape->steps, sizeof(left));
	for (; *order; order++) {
		left[*order - 'a']--;
		if (order[1] && order[1] != *order && left[*order - 'a'])
			count++;
	}
	return count;
}

/* All orders with at most so many preemptions, without an engine. */
static unsigned count_orders(const struct shape *shape, const unsigned left[4], char *order,
			     size_t length, unsigned bound)
{
	unsigned count = 0, all = 0;

	for (unsigned actor = 0; actor < shape->actors; actor++) {
		unsigned rest[4];
		if (!left[actor])
			continue;
		all++;
		memcpy(rest, left, sizeof(rest));
		rest[actor]--;
		order[length] = (char)('a' + actor);
		order[length + 1] = '\0';
		count += count_orders(shape, rest, order, length + 1, bound);
		order[length] = '\0';
	}
	return all ? count : preemptions(shape, order) <= bound;
}

static int by_text(const void *left, const void *right)
{
	return strcmp(left, right);
}

/* How many there are; each is another. */
static unsigned explore(const struct shape *shape, enum engine_kind kind, unsigned bound)
{
	static struct order orders[ORDERS_ROOM];
	unsigned count = 0;

	engine_init(&engine, kind, 0);
	engine.bound = bound;
	do {
		assert_true(count < ORDERS_ROOM);
		orders[count] = run(shape);
		if (kind == ENGINE_BOUNDED)
			assert_true(preemptions(shape, orders[count].text) <= bound);
		count++;
	} while (engine_next(&engine));
	assert_true(engine.exhausted);
	qsort(orders, count, sizeof(orders[0]), by_text);
	for (unsigned index = 1; index < count; index++)
		assert_string_not_equal(orders[index - 1].text, orders[index].text);
	return count;
}

static void every_schedule_is_tried_once(void **state)
{
	(void)state;
	assert_int_equal(explore(&(struct shape){2, {3, 3}, false}, ENGINE_EVERY, 0), 20);
	assert_int_equal(explore(&(struct shape){2, {3, 3}, true}, ENGINE_EVERY, 0), 20);
	assert_int_equal(explore(&(struct shape){2, {4, 4}, true}, ENGINE_EVERY, 0), 70);
	assert_int_equal(explore(&(struct shape){3, {2, 2, 2}, true}, ENGINE_EVERY, 0), 90);
	assert_int_equal(explore(&(struct shape){3, {3, 3, 3}, true}, ENGINE_EVERY, 0), 1680);
	assert_int_equal(explore(&(struct shape){4, {2, 2, 2, 2}, true}, ENGINE_EVERY, 0), 2520);
	assert_int_equal(explore(&(struct shape){1, {9}, true}, ENGINE_EVERY, 0), 1);
	assert_int_equal(explore(&(struct shape){2, {1, 7}, true}, ENGINE_EVERY, 0), 8);
}

static void bounds_hold_and_leave_out_nothing(void **state)
{
	static const struct shape shapes[] = {
		{2, {3, 3}, true}, {2, {5, 2}, true}, {3, {2, 2, 2}, true}, {3, {3, 1, 2}, true}};
	char order[STEPS_ROOM];

	(void)state;
	assert_int_equal(explore(&shapes[0], ENGINE_BOUNDED, 0), 2);
	for (size_t index = 0; index < sizeof(shapes) / sizeof(shapes[0]); index++)
		for (unsigned bound = 0; bound < 5; bound++)
			assert_int_equal(
				explore(&shapes[index], ENGINE_BOUNDED, bound),
				count_orders(&shapes[index], shapes[index].steps, order, 0, bound));
}

/* Mazurkiewicz traces: schedules as they differ in the order of what conflicts. */
static unsigned explore_reduced(const struct shape *shape, unsigned *runs)
{
	*runs = 0;
	engine_init(&engine, ENGINE_EVERY, 0);
	engine.reduces = true;
	do {
		run(shape);
		++*runs;
	} while (engine_next(&engine));
	assert_true(engine.exhausted);
	return *runs - (unsigned)engine.redundant_runs;
}

static void a_reduction_leaves_one_of_each(void **state)
{
	unsigned runs;

	(void)state;
	assert_int_equal(explore_reduced(&(struct shape){2, {3, 3}, false}, &runs), 1);
	assert_true(runs < 20);
	assert_int_equal(explore_reduced(&(struct shape){3, {3, 3, 3}, false}, &runs), 1);
	assert_true(runs < 1680 / 10);
	assert_int_equal(explore_reduced(&(struct shape){2, {3, 3}, true}, &runs), 20);
	assert_int_equal(runs, 20);
	assert_int_equal(explore_reduced(&(struct shape){3, {2, 2, 2}, true}, &runs), 90);
	assert_int_equal(runs, 90);
}

/* ---- random ones ---- */

static const struct shape three = {3, {3, 3, 3}, true};

static void a_seed_is_a_schedule(void **state)
{
	static const enum engine_kind kinds[] = {ENGINE_POS, ENGINE_PCT, ENGINE_RANDOM};

	(void)state;
	for (size_t index = 0; index < sizeof(kinds) / sizeof(kinds[0]); index++) {
		struct order first[20];
		unsigned different = 0;

		engine_init(&engine, kinds[index], 7);
		for (unsigned number = 0; number < 20; number++) {
			first[number] = run(&three);
			assert_true(engine_next(&engine));
		}
		engine_init(&engine, kinds[index], 7);
		for (unsigned number = 0; number < 20; number++) {
			assert_string_equal(run(&three).text, first[number].text);
			engine_next(&engine);
		}
		engine_init(&engine, kinds[index], 8);
		for (unsigned number = 0; number < 20; number++) {
			different += strcmp(run(&three).text, first[number].text) != 0;
			engine_next(&engine);
		}
		assert_true(different > 0);
	}
}

/* Numbers that are the same on every machine: a schedule found here is found there. */
static void seeds_are_portable(void **state)
{
	(void)state;
	engine_init(&engine, ENGINE_POS, 42);
	assert_string_equal(run(&three).text, "acbaccbab");
	engine_init(&engine, ENGINE_RANDOM, 42);
	assert_string_equal(run(&three).text, "bbaabaccc");
}

static void sampling_reaches_all_orders(void **state)
{
	static const struct shape shape = {2, {3, 3}, true};
	static const enum engine_kind kinds[] = {ENGINE_POS, ENGINE_RANDOM};

	(void)state;
	for (size_t index = 0; index < sizeof(kinds) / sizeof(kinds[0]); index++) {
		struct order seen[20];
		unsigned count = 0;

		engine_init(&engine, kinds[index], 1);
		for (unsigned number = 0; number < 2000; number++) {
			struct order order = run(&shape);
			unsigned known = 0;
			while (known < count && strcmp(seen[known].text, order.text) != 0)
				known++;
			if (known == count)
				seen[count++] = order;
			engine_next(&engine);
		}
		assert_int_equal(count, 20);
	}
}

/* A bug of depth 2: all of b between a's first step and its second. */
static void pct_finds_what_it_promises(void **state)
{
	static const struct shape shape = {2, {10, 3}, true};
	unsigned found = 0, runs = 20000;

	(void)state;
	engine_init(&engine, ENGINE_PCT, 5);
	engine.depth = 2;
	for (unsigned number = 0; number < runs; number++) {
		found += strncmp(run(&shape).text, "abbba", 5) == 0;
		engine_next(&engine);
	}
	assert_true(found >= runs * pct_bound(2, 13, 2));
	assert_true(pct_bound(2, 13, 2) == 1.0 / 2 / 13);
	assert_int_equal((int)runs_needed(0.5, 0.95), 4);      /* 4.3 */
	assert_int_equal((int)runs_needed(0.001, 0.95), 2994); /* 2994.2 */
	assert_int_equal((int)runs_needed(1, 0.95), 1);
}

/* ---- replay ---- */

static void directives_are_the_schedule(void **state)
{
	static const enum engine_kind kinds[] = {ENGINE_POS, ENGINE_PCT, ENGINE_RANDOM,
						 ENGINE_EVERY};
	static struct engine other;

	(void)state;
	for (size_t index = 0; index < sizeof(kinds) / sizeof(kinds[0]); index++) {
		engine_init(&engine, kinds[index], 3);
		for (unsigned number = 0; number < 200; number++) {
			struct order order = run(&three);
			other = engine;
			engine_init(&engine, ENGINE_REPLAY, 0);
			engine.schedule = schedule;
			assert_string_equal(run(&three).text, order.text);
			assert_int_equal(engine.missed, 0);
			assert_false(engine_next(&engine));
			engine = other;
			engine_next(&engine);
		}
	}
}

/* Directives that can't come true are passed by. */
static void a_schedule_of_something_else_ends(void **state)
{
	(void)state;
	engine_init(&engine, ENGINE_REPLAY, 0);
	engine.schedule.count = 3;
	engine.schedule.directives[0] = (struct directive){0, 63, 0};
	engine.schedule.directives[1] = (struct directive){0, 2, 1};
	engine.schedule.directives[2] = (struct directive){1, 0, 99};
	assert_string_equal(run(&three).text, "aacccabbb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_schedule_is_tried_once),
		cmocka_unit_test(bounds_hold_and_leave_out_nothing),
		cmocka_unit_test(a_reduction_leaves_one_of_each),
		cmocka_unit_test(a_seed_is_a_schedule),
		cmocka_unit_test(seeds_are_portable),
		cmocka_unit_test(sampling_reaches_all_orders),
		cmocka_unit_test(pct_finds_what_it_promises),
		cmocka_unit_test(directives_are_the_schedule),
		cmocka_unit_test(a_schedule_of_something_else_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
