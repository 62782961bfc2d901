/* SPDX-License-Identifier: MIT */
/* The judges of histories: what can be is let pass, and what can't be is proved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/judge.h"
#include "oracle/timeline.h"

#define PUT(value, rank, from, to)                                                                 \
	{                                                                                          \
		from, to, value, 0, rank, 0, EVENT_PUT, 0                                          \
	}
#define TAKE(value, rank, from, to)                                                                \
	{                                                                                          \
		from, to, value, 0, rank, 1, EVENT_TAKE, 0                                         \
	}
#define EMPTY(from, to)                                                                            \
	{                                                                                          \
		from, to, 1, 0, 0, 1, EVENT_EMPTY, 0                                               \
	}
#define HOLD(actor, from, to)                                                                      \
	{                                                                                          \
		from, to, 0, 0, 0, actor, EVENT_HOLD, 0                                            \
	}
#define SHARE(actor, from, to)                                                                     \
	{                                                                                          \
		from, to, 0, 0, 0, actor, EVENT_SHARE, 0                                           \
	}
#define BUSY(actor, from, to)                                                                      \
	{                                                                                          \
		from, to, 0, 0, 0, actor, EVENT_BUSY, 0                                            \
	}
#define DROP(actor, from, to)                                                                      \
	{                                                                                          \
		from, to, 0, 0, 0, actor, EVENT_DROP, 0                                            \
	}

/* Events are told by invocation, as a history has them. */
#define HISTORY(...)                                                                               \
	{                                                                                          \
		(struct event[]){__VA_ARGS__},                                                     \
			sizeof((struct event[]){__VA_ARGS__}) / sizeof(struct event), 3            \
	}

static struct example {
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
		{"of another rank than it was put with", "with rank",
		 HISTORY(PUT(1, 3, 0, 1), TAKE(1, 2, 2, 3))},
		{"by rank", NULL,
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 5, 2, 3), TAKE(2, 5, 4, 5), TAKE(1, 0, 6, 7))},
		{"against the rank", "put 2 of rank 5",
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 5, 2, 3), TAKE(1, 0, 4, 5), TAKE(2, 5, 6, 7))},
		{"two of a higher rank, without a gap", "and then 2 others, without a gap",
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 5, 2, 3), TAKE(1, 0, 4, 11), PUT(3, 5, 5, 6),
			 TAKE(2, 5, 7, 8), PUT(4, 5, 7, 9), TAKE(3, 5, 10, 12), TAKE(4, 5, 13, 14))},
		{"two of a higher rank, with a gap", NULL,
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 5, 2, 3), TAKE(1, 0, 4, 11), PUT(3, 5, 5, 8),
			 TAKE(2, 5, 7, 8), TAKE(3, 5, 10, 12))},
		{"in order, but for what is of a higher rank", "of a higher rank was there",
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 0, 2, 3), PUT(3, 5, 4, 5), TAKE(1, 0, 6, 20),
			 TAKE(2, 0, 6, 9), TAKE(3, 5, 10, 11), PUT(4, 5, 4, 5),
			 TAKE(4, 5, 10, 12))},
		{"the higher one came meanwhile", NULL,
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 5, 2, 5), TAKE(1, 0, 4, 6), TAKE(2, 5, 7, 8))},
		{"empty before", NULL, HISTORY(EMPTY(0, 3), PUT(1, 0, 1, 2), TAKE(1, 0, 4, 5))},
		{"empty after", NULL, HISTORY(PUT(1, 0, 0, 1), TAKE(1, 0, 2, 5), EMPTY(3, 4))},
		{"empty though it isn't", "found nothing",
		 HISTORY(PUT(1, 0, 0, 1), EMPTY(2, 3), TAKE(1, 0, 4, 5))},
		{"empty though one comes as the other goes", "without a gap",
		 HISTORY(PUT(1, 0, 0, 1), EMPTY(2, 9), PUT(2, 0, 3, 4), TAKE(1, 0, 5, 6),
			 TAKE(2, 0, 10, 11))},
		{"taken by one who was killed", NULL,
		 HISTORY(PUT(1, 0, 0, 1), TAKE(0, 0, 2, NEVER), EMPTY(4, 5))},
		{"one was killed, and two are lost", "found nothing",
		 HISTORY(PUT(1, 0, 0, 1), PUT(2, 0, 0, 1), TAKE(0, 0, 2, NEVER), EMPTY(4, 5))},
		{"lost before anybody was killed", "found nothing",
		 HISTORY(PUT(1, 0, 0, 1), EMPTY(2, 3), TAKE(0, 0, 4, NEVER))},
		{"put by one who was killed, and taken", NULL,
		 HISTORY(PUT(1, 0, 0, NEVER), TAKE(1, 0, 2, 3))},
		{"put by one who was killed, or not", NULL,
		 HISTORY(PUT(1, 0, 0, NEVER), PUT(2, 0, 2, 3), TAKE(2, 0, 4, 5), EMPTY(6, 7))},
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
		  {"empty before it is given", NULL, HISTORY(EMPTY(0, 2), PUT(1, 0, 1, 3))},
		  {"empty though it was given", "at each moment there were 1 at least",
		   HISTORY(PUT(1, 0, 0, 1), EMPTY(2, 3), TAKE(1, 0, 4, 5))},
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
	  {"busy while another has it", NULL,
	   HISTORY(HOLD(0, 0, 1), BUSY(1, 2, 3), DROP(0, 4, 5))},
	  {"busy though it is free", "nobody can have had it",
	   HISTORY(HOLD(0, 0, 1), DROP(0, 2, 3), BUSY(1, 4, 5), HOLD(0, 6, 7), DROP(0, 8, 9))},
	  {"dropped, and wasn't held", "didn't have it", HISTORY(DROP(0, 0, 1))},
	  {"who shares what one has alone", "had it still",
	   HISTORY(HOLD(0, 0, 1), SHARE(1, 2, 3), DROP(0, 4, 5))},
};

typedef enum judgement judges(const struct history *history, struct violation *violation);

static void is_judged(struct example *example, judges *judge_it)
{
	struct violation violation = {.count = 0};
	enum judgement judgement;

	history_sort(&example->history);
	judgement = judge_it(&example->history, &violation);
	if (judgement != (example->proof ? CANNOT_BE : CAN_BE) ||
	    (example->proof && !strstr(violation.proof, example->proof)))
		fail_msg("%s: %s", example->name, judgement == CAN_BE ? "can be" : violation.proof);
}

#define ARE_JUDGED(table, judge)                                                                   \
	for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++)                            \
	is_judged(&(table)[i], judge)

/* By the monitor, and then the search. */
static enum judgement judge_empty_counter(const struct history *history,
					  struct violation *violation)
{
	return judge(history, &(struct model){MODEL_COUNTER, 0}, violation);
}

/* The search by itself has no such words. */
static enum judgement search_queue(const struct history *history, struct violation *violation)
{
	return judge_by_search(history, &(struct model){MODEL_QUEUE, 0}, &usual_limits, violation);
}

static void queues_are_judged(void **state)
{
	(void)state;
	ARE_JUDGED(queues, judge_queue);
}

static void counters_are_judged(void **state)
{
	(void)state;
	ARE_JUDGED(counters, judge_empty_counter);
}

static void locks_are_judged(void **state)
{
	(void)state;
	ARE_JUDGED(locks, judge_lock);
}

static void both_judge_alike(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
		struct violation violation;

		history_sort(&queues[i].history);
		assert_int_equal(search_queue(&queues[i].history, &violation),
				 queues[i].proof ? CANNOT_BE : CAN_BE);
	}
}

/* Each object by itself: what would be out of order in one queue isn't in two. */
static void objects_are_judged_apart(void **state)
{
	struct history history =
		HISTORY(PUT(1, 0, 0, 1), PUT(2, 0, 2, 3), TAKE(2, 0, 4, 5), TAKE(1, 0, 6, 7));
	const struct model model = {MODEL_QUEUE, 0};
	struct violation violation;

	(void)state;
	assert_int_equal(judge(&history, &model, &violation), CANNOT_BE);
	history.events[1].object = history.events[2].object = 1;
	assert_int_equal(judge(&history, &model, &violation), CAN_BE);
}

/* The same of what has no monitor, for which all objects are followed at once. */
static void words_are_judged_apart(void **state)
{
	struct event events[] = {
		{.invoked = 0, .returned = 1, .value = 7, .kind = EVENT_WRITE, .object = 0},
		{.invoked = 2, .returned = 3, .value = 5, .kind = EVENT_READ, .object = 1},
		{.invoked = 4, .returned = 5, .value = 7, .kind = EVENT_READ, .object = 0},
	};
	struct history history = {events, 3, 1};
	const struct model model = {MODEL_REGISTER, 5};
	struct violation violation;

	(void)state;
	assert_int_equal(judge(&history, &model, &violation), CAN_BE);
	events[1].object = 0;
	assert_int_equal(judge(&history, &model, &violation), CANNOT_BE);
	assert_non_null(strstr(violation.proof, "saw 5"));
}

/* A search doesn't count on values that are all different, as monitors do. */
static void a_value_may_come_twice(void **state)
{
	struct history history =
		HISTORY(PUT(1, 0, 0, 1), PUT(1, 0, 2, 3), TAKE(1, 0, 4, 5), TAKE(1, 0, 6, 7));
	struct violation violation;

	(void)state;
	assert_int_equal(search_queue(&history, &violation), CAN_BE);
	history.events[3].value = 2;
	assert_int_equal(search_queue(&history, &violation), CANNOT_BE);
}

/* A search that would take too long says so. */
static void too_much_is_unknown(void **state)
{
	struct event events[40];
	struct history history = {events, 40, 40};
	const struct model model = {MODEL_QUEUE, 0};
	const struct search_limits limits = {1000, 1000, false};
	struct violation violation;

	(void)state;
	for (uint16_t i = 0; i < 40; i++)
		events[i] = (struct event){
			i, 100u + i, i % 20, 0, 0, i, i < 20 ? EVENT_PUT : EVENT_TAKE, 0};
	assert_int_equal(judge_by_search(&history, &model, &limits, &violation), IS_UNKNOWN);
	assert_non_null(strstr(violation.proof, "too many"));
	assert_int_equal(judge(&history, &model, &violation), CAN_BE);
}

/* Whoever is concerned has a number, and nobody else; the page needs no other. */
static void what_cant_be_is_drawn(void **state)
{
	struct history history =
		HISTORY(PUT(1, 0, 0, 1000), PUT(2, 0, 2000, 3000), TAKE(2, 0, 4000, 5000),
			EMPTY(5500, NEVER), TAKE(1, 0, 6000, 7000));
	struct violation violation;
	char *page = NULL;
	size_t size;
	FILE *file = open_memstream(&page, &size);

	(void)state;
	assert_int_equal(judge_queue(&history, &violation), CANNOT_BE);
	assert_non_null(file);
	assert_true(timeline_write(file, &history, &violation, "a <queue> & its title"));
	assert_int_equal(fclose(file), 0);
	assert_non_null(strstr(page, "a &lt;queue> &amp; its title"));
	assert_non_null(strstr(page, "<li>actor 1 took 2 (4.000 to 5.000 us)</li>"));
	assert_non_null(strstr(page, ">4</text>"));
	assert_null(strstr(page, ">5</text>"));
	assert_non_null(strstr(page, "stroke-dasharray=\"4 3\"")); /* of what has no end */
	assert_null(strstr(page, "<script"));
	assert_null(strstr(page, "href"));
	free(page);
}

static void a_recorder_keeps_what_was_written(void **state)
{
	struct recorder *recorder = recorder_new(2, 2);
	struct history history;

	(void)state;
	assert_non_null(recorder);
	recorder_return(recorder_invoke(recorder, 1, EVENT_PUT, 7, 3));
	recorder_return(recorder_invoke(recorder, 0, EVENT_TAKE, 7, 3));
	recorder_invoke(recorder, 0, EVENT_EMPTY, 0, 0);
	recorder_forget(recorder, 0);
	recorder_invoke(recorder, 0, EVENT_DROP, 0, 0);
	assert_true(history_read(&history, recorder));
	assert_int_equal(history.count, 3);
	assert_int_equal(history.events[0].value, 7);
	assert_int_equal(history.events[0].rank, 3);
	assert_int_equal(history.events[1].kind, EVENT_TAKE);
	assert_true(history.events[1].invoked >= history.events[0].returned);
	assert_true(history.events[1].returned >= history.events[1].invoked);
	assert_int_equal(history.events[2].kind, EVENT_DROP);
	assert_true(history.events[2].returned == NEVER);
	history_free(&history);
	recorder_invoke(recorder, 0, EVENT_DROP, 0, 0); /* there's no room for it */
	assert_false(history_read(&history, recorder));
	recorder_free(recorder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues_are_judged),
		cmocka_unit_test(counters_are_judged),
		cmocka_unit_test(locks_are_judged),
		cmocka_unit_test(both_judge_alike),
		cmocka_unit_test(objects_are_judged_apart),
		cmocka_unit_test(words_are_judged_apart),
		cmocka_unit_test(a_value_may_come_twice),
		cmocka_unit_test(too_much_is_unknown),
		cmocka_unit_test(what_cant_be_is_drawn),
		cmocka_unit_test(a_recorder_keeps_what_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
