/* SPDX-License-Identifier: MIT */
/* The judges of histories: what can be is let pass, and what can't be is proved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "oracle/judge.h"

#define PUT(value, rank, from, to)                                                                 \
	{                                                                                          \
		from, to, value, rank, 0, EVENT_PUT                                                \
	}
#define TAKE(value, rank, from, to)                                                                \
	{                                                                                          \
		from, to, value, rank, 1, EVENT_TAKE                                               \
	}
#define EMPTY(from, to)                                                                            \
	{                                                                                          \
		from, to, 0, 0, 1, EVENT_EMPTY                                                     \
	}
#define HOLD(actor, from, to)                                                                      \
	{                                                                                          \
		from, to, 0, 0, actor, EVENT_HOLD                                                  \
	}
#define SHARE(actor, from, to)                                                                     \
	{                                                                                          \
		from, to, 0, 0, actor, EVENT_SHARE                                                 \
	}
#define DROP(actor, from, to)                                                                      \
	{                                                                                          \
		from, to, 0, 0, actor, EVENT_DROP                                                  \
	}

/* Events are told by invocation, as a history has them. */
#define HISTORY(...)                                                                               \
	{                                                                                          \
		(struct event[]){__VA_ARGS__},                                                     \
			sizeof((struct event[]){__VA_ARGS__}) / sizeof(struct event), 3            \
	}

static const struct example {
	const char *name, *proof; /* a part of it; NULL: it can be */
	struct history history;
} queues[] =
	{
		{"in order", NULL,
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 0, 2, 3), TAKE(1, 0, 4, 5), TAKE(2, 0, 6, 7))},
		{"left in it", NULL, HISTORY(PUT(1, 0, 0, 1), PUT(2, 0, 2, 3), TAKE(1, 0, 4, 5))},
		{"puts overlap", NULL,
		 HISTORY(PUT(1, 0, 0, 3), PUT(2, 0, 1, 2), TAKE(2, 0, 4, 5), TAKE(1, 0, 6, 7))},
		{"takes overlap", NULL,
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 0, 2, 3), TAKE(2, 0, 4, 7), TAKE(1, 0, 5, 6))},
		{"taken while it is put", NULL, HISTORY(PUT(1, 0, 0, 9), TAKE(1, 0, 1, 2))},
		{"exchanged", "before the first was",
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 0, 2, 3), TAKE(2, 0, 4, 5), TAKE(1, 0, 6, 7))},
		{"overtaken for ever", "it is there still",
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 0, 2, 3), TAKE(2, 0, 4, 5))},
		{"taken twice", "it was put once",
		 HISTORY(PUT(1, 0, 0, 1), TAKE(1, 0, 2, 3), TAKE(1, 0, 4, 5))},
		{"never put", "nobody had put", HISTORY(TAKE(1, 0, 2, 3))},
		{"taken before it was put", " before ", HISTORY(TAKE(1, 0, 0, 1), PUT(1, 0, 2, 3))},
		{"by rank", NULL,
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 5, 2, 3), TAKE(2, 5, 4, 5), TAKE(1, 0, 6, 7))},
		{"against the rank", "of rank 0",
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 5, 2, 3), TAKE(1, 0, 4, 5), TAKE(2, 5, 6, 7))},
		{"the higher one came meanwhile", NULL,
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 5, 2, 5), TAKE(1, 0, 4, 6), TAKE(2, 5, 7, 8))},
		{"empty before", NULL, HISTORY(EMPTY(0, 3), PUT(1, 0, 1, 2), TAKE(1, 0, 4, 5))},
		{"empty after", NULL, HISTORY(PUT(1, 0, 0, 1), TAKE(1, 0, 2, 5), EMPTY(3, 4))},
		{"empty though it isn't", "found nothing",
		 HISTORY(PUT(1, 0, 0, 1), EMPTY(2, 3), TAKE(1, 0, 4, 5))},
		{"empty though one follows the other", "found nothing",
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 0, 2, 3), TAKE(1, 0, 5, 8), EMPTY(6, 7),
			 TAKE(2, 0, 9, 10))},
},
  counters[] =
	  {
		  {"given and taken", NULL,
		   HISTORY(PUT(2, 0, 0, 1), TAKE(1, 0, 2, 3), TAKE(1, 0, 4, 5))},
		  {"taken while it is given", NULL, HISTORY(TAKE(1, 0, 0, 2), PUT(1, 0, 1, 3))},
		  {"taken before it is given", "than there can",
		   HISTORY(TAKE(1, 0, 0, 1), PUT(1, 0, 2, 3))},
		  {"taken twice", "than there can",
		   HISTORY(PUT(1, 0, 0, 1), TAKE(1, 0, 2, 3), TAKE(1, 0, 4, 5))},
},
  locks[] = {
	  {"one after the other", NULL,
	   HISTORY(HOLD(0, 0, 1), HOLD(1, 1, 4), DROP(0, 2, 3), DROP(1, 5, 6))},
	  {"dropped while another gets it", NULL,
	   HISTORY(HOLD(0, 0, 1), HOLD(1, 1, 3), DROP(0, 2, 4))},
	  {"two alone", "had it still", HISTORY(HOLD(0, 0, 1), HOLD(1, 2, 3), DROP(0, 4, 5))},
	  {"two that share", NULL, HISTORY(SHARE(0, 0, 1), SHARE(1, 2, 3), DROP(0, 4, 5))},
	  {"one alone among those who share", "had it still",
	   HISTORY(SHARE(0, 0, 1), HOLD(1, 2, 3), DROP(0, 4, 5))},
	  {"who shares what one has alone", "had it still",
	   HISTORY(HOLD(0, 0, 1), SHARE(1, 2, 3), DROP(0, 4, 5))},
};

typedef bool judge(const struct history *history, struct violation *violation);

static void is_judged(const struct example *example, judge *is_one)
{
	struct violation violation = {.count = 0};
	bool can_be = is_one(&example->history, &violation);

	if (can_be != !example->proof || (!can_be && !strstr(violation.proof, example->proof)))
		fail_msg("%s: %s", example->name, can_be ? "can be" : violation.proof);
}

#define IS_JUDGED(table, judge)                                                                    \
	for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++)                            \
	is_judged(&(table)[i], judge)

static bool judge_empty_counter(const struct history *history, struct violation *violation)
{
	return judge_counter(history, 0, violation);
}

static void queues_are_judged(void **state)
{
	(void)state;
	IS_JUDGED(queues, judge_queue);
}

static void counters_are_judged(void **state)
{
	(void)state;
	IS_JUDGED(counters, judge_empty_counter);
}

static void locks_are_judged(void **state)
{
	(void)state;
	IS_JUDGED(locks, judge_lock);
}

static void a_recorder_keeps_what_was_written(void **state)
{
	struct recorder *recorder = recorder_new(2, 2);
	struct history history;

	(void)state;
	assert_non_null(recorder);
	recorder_note(recorder, 1, EVENT_PUT, 7, 3, 200);
	recorder_note(recorder, 0, EVENT_TAKE, 7, 0, 100);
	recorder_note(recorder, 0, EVENT_DROP, 0, 0, 300);
	recorder_note(recorder, 0, EVENT_DROP, 0, 0, 400); /* there's no room for it */
	assert_true(history_read(&history, recorder));
	assert_int_equal(history.count, 3);
	assert_int_equal(history.events[0].kind, EVENT_TAKE);
	assert_int_equal(history.events[1].value, 7);
	assert_int_equal(history.events[1].rank, 3);
	assert_true(history.events[2].returned >= history.events[0].returned);
	history_free(&history);
	recorder_free(recorder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues_are_judged),
		cmocka_unit_test(counters_are_judged),
		cmocka_unit_test(locks_are_judged),
		cmocka_unit_test(a_recorder_keeps_what_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
