/* SPDX-License-Identifier: MIT */
/*
 * The judges against each other: random small histories, right ones and spoilt ones, are judged by
 * the monitors, by the search, and by a third, written here, which tries all orders on models of
 * its own and knows no shortcut.  Longer ones, too long for that, are judged by the search with its
 * shortcuts and without them.  IPCTS_HISTORIES in the environment says how many of each model,
 * IPCTS_SEED which.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/judge.h"

enum { EVENTS_MAX = 10, LONG = 20, ACTORS = 4, TYPES = 3 };

/* -- all orders ------------------------------------------------------------------------------- */

/* An object, as simple as can be. */
struct object {
	int64_t values[LONG], number;
	int32_t ranks[LONG];
	int count, counters[COUNTERS];
	int alone, shares[ACTORS]; /* alone: the actor, from 1 */
};

static bool wants(const struct event *take, int32_t type)
{
	switch (take->kind) {
	case EVENT_TAKE_EXCEPT:
	case EVENT_EMPTY_EXCEPT:
		return type != take->asked;
	default:
		if (take->asked < 0)
			return type <= -take->asked;
		return take->asked == 0 || take->asked == type;
	}
}

/* What the next receiver gets; -1: nothing. */
static int first_of(const struct model *model, const struct object *object,
		    const struct event *take)
{
	int32_t best = 0;
	int found = -1;

	for (int i = 0; i < object->count; i++) {
		int32_t merit = 0;

		if (model->kind == MODEL_QUEUE)
			merit = object->ranks[i];
		else if (!wants(take, object->ranks[i]))
			continue;
		else if (take->asked < 0)
			merit = -object->ranks[i];
		if (found < 0 || merit > best) {
			found = i;
			best = merit;
		}
	}
	return found;
}

static bool take_first(const struct model *model, struct object *object, const struct event *take)
{
	int at = first_of(model, object, take);

	if (at < 0)
		return false;
	if (take->returned != NEVER &&
	    (object->values[at] != take->value || object->ranks[at] != take->rank))
		return false;
	for (int i = at; i + 1 < object->count; i++) {
		object->values[i] = object->values[i + 1];
		object->ranks[i] = object->ranks[i + 1];
	}
	object->count--;
	return true;
}

static bool do_with_queue(const struct model *model, struct object *object,
			  const struct event *event)
{
	switch (event->kind) {
	case EVENT_PUT:
		object->values[object->count] = event->value;
		object->ranks[object->count++] = event->rank;
		return true;
	case EVENT_EMPTY:
	case EVENT_EMPTY_EXCEPT:
		return first_of(model, object, event) < 0;
	default:
		return take_first(model, object, event);
	}
}

static bool do_with_counters(struct object *object, const struct event *event)
{
	int after[COUNTERS];
	bool can = true, is_same = true;

	for (unsigned i = 0; i < COUNTERS; i++) {
		int by = change_of(event->value, i);

		after[i] = object->counters[i] + (by == MUST_BE_ZERO ? 0 : by);
		can = can && after[i] >= 0 && (by != MUST_BE_ZERO || after[i] == 0);
		is_same = is_same && object->counters[i] == by;
	}
	if (event->kind == EVENT_READ)
		return event->returned == NEVER || is_same;
	if (event->kind == EVENT_REFUSED)
		return !can;
	memcpy(object->counters, after, sizeof(after));
	return can;
}

static bool do_with_lock(struct object *object, const struct event *event)
{
	int shares = 0, me = event->actor + 1;

	for (int i = 0; i < ACTORS; i++)
		shares += object->shares[i];
	switch (event->kind) {
	case EVENT_HOLD:
		if (object->alone || shares)
			return false;
		object->alone = me;
		return true;
	case EVENT_SHARE:
		object->shares[event->actor] = 1;
		return !object->alone;
	case EVENT_BUSY:
		return object->alone || shares;
	default:
		if (object->alone != me && !object->shares[event->actor])
			return false;
		if (object->alone == me)
			object->alone = 0;
		else
			object->shares[event->actor] = 0;
		return true;
	}
}

static bool do_with_number(const struct model *model, struct object *object,
			   const struct event *event)
{
	bool is_open = event->returned == NEVER;
	int64_t was = object->number;

	switch (event->kind) {
	case EVENT_PUT:
		object->number += event->value;
		return true;
	case EVENT_TAKE:
		object->number -= event->value;
		return object->number >= 0;
	case EVENT_EMPTY:
		return was < event->value;
	case EVENT_DRAIN:
		object->number = 0;
		return was > 0 && (is_open || was == event->value);
	case EVENT_READ:
		return is_open || was == event->value;
	case EVENT_SWAP:
		object->number = event->value;
		return was == event->asked;
	default:
		object->number = event->value;
		return model->kind == MODEL_REGISTER;
	}
}

static bool do_it(const struct model *model, struct object *object, const struct event *event)
{
	switch (model->kind) {
	case MODEL_QUEUE:
	case MODEL_TYPES:
		return do_with_queue(model, object, event);
	case MODEL_COUNTERS:
		return do_with_counters(object, event);
	case MODEL_LOCK:
		return do_with_lock(object, event);
	default:
		return do_with_number(model, object, event);
	}
}

/* Whether those that are left can come after the others. */
static bool can_follow(const struct history *history, const struct model *model, unsigned left,
		       const struct object *object)
{
	const struct event *events = history->events;
	bool is_done = true;

	for (size_t i = 0; i < history->count; i++)
		is_done = is_done && (!(left >> i & 1) || events[i].returned == NEVER);
	if (is_done)
		return true;
	for (size_t i = 0; i < history->count; i++) {
		struct object after = *object;
		bool is_next = left >> i & 1;

		for (size_t j = 0; j < history->count; j++)
			if (left >> j & 1 && events[j].returned < events[i].invoked)
				is_next = false;
		if (is_next && do_it(model, &after, &events[i]) &&
		    can_follow(history, model, left & ~(1u << i), &after))
			return true;
	}
	return false;
}

static enum judgement judge_by_all_orders(const struct history *history, const struct model *model)
{
	struct object object = {.number = model->initial};

	for (unsigned i = 0; i < COUNTERS; i++)
		object.counters[i] = change_of(model->initial, i);
	return can_follow(history, model, (1u << history->count) - 1, &object) ? CAN_BE : CANNOT_BE;
}

/* -- random histories ------------------------------------------------------------------------- */

static uint64_t seed;

static unsigned choose(unsigned count)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % count;
}

/* An operation of the model; what it gives is made up as it happens. */
static struct event any_event(const struct model *model, int number)
{
	struct event event = {.value = 1, .actor = (uint16_t)choose(ACTORS)};
	static const uint8_t queues[] = {EVENT_PUT, EVENT_PUT, EVENT_TAKE, EVENT_TAKE, EVENT_EMPTY};
	static const uint8_t types[] = {EVENT_PUT,   EVENT_PUT,		EVENT_PUT,  EVENT_TAKE,
					EVENT_TAKE,  EVENT_TAKE_EXCEPT, EVENT_TAKE, EVENT_EMPTY,
					EVENT_EMPTY, EVENT_EMPTY_EXCEPT};
	static const uint8_t counters[] = {EVENT_PUT, EVENT_TAKE, EVENT_EMPTY, EVENT_DRAIN,
					   EVENT_READ};
	static const uint8_t sets[] = {EVENT_CHANGE, EVENT_CHANGE, EVENT_REFUSED, EVENT_READ};
	static const uint8_t registers[] = {EVENT_WRITE, EVENT_READ, EVENT_READ, EVENT_SWAP};
	signed char changes[COUNTERS] = {0};

	switch (model->kind) {
	case MODEL_QUEUE:
		event.kind = queues[choose(sizeof(queues))];
		event.value = number;
		event.rank = (int32_t)choose(TYPES);
		break;
	case MODEL_TYPES:
		event.kind = types[choose(sizeof(types))];
		event.value = number;
		event.rank = 1 + (int32_t)choose(TYPES);
		event.asked = (int)choose(2 * TYPES + 1) - TYPES;
		if (event.kind == EVENT_TAKE_EXCEPT || event.kind == EVENT_EMPTY_EXCEPT)
			event.asked = 1 + choose(TYPES);
		break;
	case MODEL_COUNTER:
		event.kind = counters[choose(sizeof(counters))];
		event.value = 1 + choose(2);
		break;
	case MODEL_COUNTERS:
		event.kind = sets[choose(sizeof(sets))];
		for (int i = 0; i < 2; i++)
			changes[i] = (signed char)((int)choose(4) - 2);
		if (choose(6) == 0)
			changes[choose(2)] = MUST_BE_ZERO;
		event.value = changes_of(changes);
		break;
	default:
		event.kind = registers[choose(sizeof(registers))];
		event.value = 1 + choose(3);
		event.asked = choose(4);
	}
	return event;
}

/* The event gives what the object has, if it can give anything. */
static bool happens(const struct model *model, struct object *object, struct event *event)
{
	struct object after = *object;
	int first = -1;

	if (event->kind == EVENT_TAKE && model->kind != MODEL_COUNTER)
		first = first_of(model, object, event);
	if (event->kind == EVENT_TAKE_EXCEPT)
		first = first_of(model, object, event);
	if (first >= 0) {
		event->value = object->values[first];
		event->rank = object->ranks[first];
	}
	if (event->kind == EVENT_DRAIN ||
	    (event->kind == EVENT_READ && model->kind != MODEL_COUNTERS))
		event->value = object->number;
	if (event->kind == EVENT_READ && model->kind == MODEL_COUNTERS) {
		signed char values[COUNTERS];

		for (unsigned i = 0; i < COUNTERS; i++)
			values[i] = (signed char)object->counters[i];
		event->value = changes_of(values);
	}
	if (!do_it(model, &after, event))
		return false;
	*object = after;
	return true;
}

/* Operations one after the other, each stretched to an interval around its moment. */
static void make_right(const struct model *model, struct history *history, unsigned length)
{
	struct object object = {.number = model->initial};
	unsigned width = 3 + choose(7), pace = 1 + choose(3);
	uint64_t moment = width;

	for (unsigned i = 0; i < COUNTERS; i++)
		object.counters[i] = change_of(model->initial, i);
	history->count = 0;
	for (int tries = 0; history->count < length && tries < 100; tries++) {
		struct event event = any_event(model, tries);

		if (!happens(model, &object, &event))
			continue;
		moment += choose(pace + 1);
		event.invoked = moment - choose(width);
		event.returned = moment + choose(width);
		history->events[history->count++] = event;
	}
}

/* Actors that get it and drop it, whoever has it: most of these can't be. */
static void make_locks(struct history *history)
{
	history->count = 0;
	for (uint16_t actor = 0; actor < 3; actor++) {
		uint64_t moment = choose(8);

		for (unsigned i = choose(2); i < 2 && history->count + 2 <= EVENTS_MAX; i++) {
			unsigned kind = choose(4);
			struct event event = {.actor = actor, .invoked = moment};

			event.kind = kind == 0 ? EVENT_BUSY : kind == 1 ? EVENT_SHARE : EVENT_HOLD;
			event.returned = moment += choose(5);
			history->events[history->count++] = event;
			moment += 1 + choose(3);
			if (event.kind == EVENT_BUSY)
				continue;
			event.kind = EVENT_DROP;
			event.invoked = moment;
			event.returned = moment += choose(5);
			history->events[history->count++] = event;
			moment += 1 + choose(3);
		}
		if (history->count && choose(8) == 0)
			history->events[history->count - 1].returned = NEVER;
	}
}

/* Something that needn't be right: another interval, what another got, no return, nothing. */
static void spoil(const struct model *model, struct history *history)
{
	struct event *one = &history->events[choose((unsigned)history->count)];
	struct event *other = &history->events[choose((unsigned)history->count)];
	struct event kept = *one;

	switch (choose(6)) {
	case 0:
		one->invoked = choose(16);
		one->returned = one->invoked + choose(6);
		break;
	case 1:
		one->invoked = other->invoked;
		one->returned = other->returned;
		other->invoked = kept.invoked;
		other->returned = kept.returned;
		break;
	case 2:
		if (one->kind != other->kind || one->kind == EVENT_PUT)
			break;
		one->value = other->value;
		one->rank = other->rank;
		other->value = kept.value;
		other->rank = kept.rank;
		break;
	case 3:
		*one = history->events[--history->count];
		break;
	case 4:
		one->returned = NEVER;
		break;
	default:
		if (one->kind == EVENT_EMPTY && model->kind == MODEL_QUEUE) {
			one->invoked = choose(12);
			one->returned = one->invoked + choose(3);
		} else if (model->kind == MODEL_COUNTER || model->kind == MODEL_REGISTER) {
			one->value = 1 + choose(3);
		}
	}
}

/* -- agreement -------------------------------------------------------------------------------- */

static void print_history(const struct history *history)
{
	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];

		print_error("  kind %d value %lld rank %d asked %lld actor %d from %lld to %lld\n",
			    event->kind, (long long)event->value, (int)event->rank,
			    (long long)event->asked, event->actor, (long long)event->invoked,
			    (long long)event->returned);
	}
}

struct score {
	unsigned long can_be, cannot_be, decided;
};

static const struct search_limits generous = {1 << 20, 1 << 20, false};

/* All of them say the same of the history; a monitor may also say that it doesn't know. */
static void agree(const struct model *model, const struct history *history, struct score *score)
{
	struct violation violation;
	enum judgement all = judge_by_all_orders(history, model);
	enum judgement searched = judge_by_search(history, model, &generous, &violation);
	enum judgement monitored = IS_UNKNOWN;

	if (model->kind == MODEL_QUEUE)
		monitored = judge_queue(history, &violation);
	if (model->kind == MODEL_TYPES)
		monitored = judge_types(history, &violation);
	if (model->kind == MODEL_COUNTER)
		monitored = judge_counter(history, model->initial, &violation);
	if (model->kind == MODEL_LOCK)
		monitored = judge_lock(history, &violation);
	score->can_be += all == CAN_BE;
	score->cannot_be += all == CANNOT_BE;
	score->decided += monitored != IS_UNKNOWN;
	if (searched == all && (monitored == all || monitored == IS_UNKNOWN))
		return;
	print_history(history);
	fail_msg("all orders say %d, the search %d, the monitor %d (%s)", all, searched, monitored,
		 violation.proof);
}

static unsigned long histories_wished(void)
{
	const char *wish = getenv("IPCTS_HISTORIES");

	return wish ? strtoul(wish, NULL, 10) : 20000;
}

/* Parts of a model that a monitor decides without help. */
static void simplify(const struct model *model, struct history *history, unsigned turn)
{
	for (size_t i = 0; i < history->count; i++) {
		struct event *event = &history->events[i];

		if (model->kind == MODEL_QUEUE && turn % 4 < 2)
			event->rank = turn % 4 ? event->rank != 0 : 0;
		if (model->kind != MODEL_TYPES || turn % 4 == 3)
			continue;
		if (event->kind == EVENT_TAKE_EXCEPT)
			event->kind = EVENT_TAKE;
		if (event->kind == EVENT_EMPTY_EXCEPT)
			event->kind = EVENT_EMPTY;
		event->asked =
			turn % 4 == 0 ? 0
			: event->kind == EVENT_TAKE && event->returned != NEVER
				? event->rank
				: 1 + (event->asked < 0 ? -event->asked : event->asked) % TYPES;
	}
}

static void judges_agree(const struct model *model, struct score *score)
{
	struct event events[EVENTS_MAX];
	struct history history = {events, 0, ACTORS};

	for (unsigned long i = 0; i < histories_wished(); i++) {
		unsigned length = 2 + choose(EVENTS_MAX - 2);

		if (model->kind == MODEL_LOCK)
			make_locks(&history);
		else
			make_right(model, &history, length);
		for (unsigned n = choose(4); n > 0 && history.count && model->kind != MODEL_LOCK;
		     n--)
			spoil(model, &history);
		if (history.count == 0)
			continue;
		simplify(model, &history, (unsigned)i);
		history_sort(&history);
		agree(model, &history, score);
	}
	print_message("model %d: %lu can be, %lu can't, %lu decided by a monitor\n", model->kind,
		      score->can_be, score->cannot_be, score->decided);
	/* both kinds are there to be told apart */
	assert_true(score->can_be > histories_wished() / 20);
	assert_true(score->cannot_be > histories_wished() / 20);
}

#define JUDGES_AGREE(name, ...)                                                                    \
	static void name(void **state)                                                             \
	{                                                                                          \
		struct score score = {0};                                                          \
                                                                                                   \
		(void)state;                                                                       \
		judges_agree(&(struct model){__VA_ARGS__}, &score);                                \
	}

JUDGES_AGREE(of_queues, MODEL_QUEUE, 0)
JUDGES_AGREE(of_types, MODEL_TYPES, 0)
JUDGES_AGREE(of_counters, MODEL_COUNTER, 1)
JUDGES_AGREE(of_sets_of_counters, MODEL_COUNTERS, 0x0201)
JUDGES_AGREE(of_locks, MODEL_LOCK, 0)
JUDGES_AGREE(of_registers, MODEL_REGISTER, 0)

/*
 * Lives that lie across each other, of two ranks: what a value of a higher rank forbids to two of
 * a lower one, by forbidding moments to each, doesn't come about by spoiling what was right.
 */
static void of_ranks(void **state)
{
	const struct model model = {MODEL_QUEUE, 0};
	struct event events[EVENTS_MAX];
	struct history history = {events, 0, ACTORS};
	struct score score = {0};

	(void)state;
	for (unsigned long i = 0; i < histories_wished(); i++) {
		history.count = 0;
		for (int value = 0; value < 4; value++) {
			uint64_t put = choose(8), take = put + choose(8);
			struct event event = {put, put + choose(3), value, 0, value / 2,
					      0,   EVENT_PUT,	    0};

			events[history.count++] = event;
			event.kind = EVENT_TAKE;
			event.invoked = take;
			event.returned = take + choose(9);
			events[history.count++] = event;
		}
		if (choose(2))
			events[history.count++] = (struct event){
				choose(16), 16 + choose(2), 1, 0, 0, 0, EVENT_EMPTY, 0};
		history_sort(&history);
		agree(&model, &history, &score);
	}
	assert_true(score.can_be > histories_wished() / 20);
	assert_true(score.cannot_be > histories_wished() / 20);
}

/* What monitors say, if they say anything. */
static enum judgement judge_by_monitor(const struct history *history, const struct model *model,
				       struct violation *violation)
{
	return model->kind == MODEL_QUEUE ? judge_queue(history, violation)
					  : judge_types(history, violation);
}

/* A search that makes nothing of values that are all different finds the same, if it can. */
static void agree_at_length(const struct model *model, const struct history *history,
			    struct score *score)
{
	static const struct search_limits plain = {1 << 9, 1 << 6, true},
					  no_worse = {1 << 10, 1 << 7, false};
	struct violation violation;
	enum judgement all = judge_by_search(history, model, &plain, &violation);

	if (all == IS_UNKNOWN)
		return;
	enum judgement searched = judge_by_search(history, model, &no_worse, &violation);
	enum judgement monitored = judge_by_monitor(history, model, &violation);

	score->can_be += all == CAN_BE;
	score->cannot_be += all == CANNOT_BE;
	if (searched == all && (monitored == all || monitored == IS_UNKNOWN))
		return;
	print_history(history);
	fail_msg("the plain search says %d, the other %d, the monitor %d (%s)", all, searched,
		 monitored, violation.proof);
}

/* Of those who take, one is killed: what it took, nobody knows. */
static void kill_a_taker(struct history *history)
{
	struct event *one = &history->events[choose((unsigned)history->count)];

	if (one->kind == EVENT_TAKE || one->kind == EVENT_TAKE_EXCEPT)
		one->returned = NEVER;
}

static void judges_agree_at_length(const struct model *model)
{
	struct event events[LONG];
	struct history history = {events, 0, ACTORS};
	struct score score = {0};

	for (unsigned long i = 0; i < histories_wished() / 4; i++) {
		make_right(model, &history, EVENTS_MAX + choose(LONG - EVENTS_MAX));
		for (unsigned n = choose(3); n > 0 && history.count; n--)
			spoil(model, &history);
		if (history.count == 0)
			continue;
		simplify(model, &history, choose(3) ? 3 : (unsigned)i);
		for (unsigned n = choose(2) ? 3 : 0; n > 0; n--)
			kill_a_taker(&history);
		history_sort(&history);
		agree_at_length(model, &history, &score);
	}
	print_message("model %d, long: %lu can be, %lu can't\n", model->kind, score.can_be,
		      score.cannot_be);
	assert_true(score.can_be > histories_wished() / 80);
	assert_true(score.cannot_be > histories_wished() / 80);
}

static void of_long_queues(void **state)
{
	(void)state;
	judges_agree_at_length(&(struct model){MODEL_QUEUE, 0});
}

static void of_long_types(void **state)
{
	(void)state;
	judges_agree_at_length(&(struct model){MODEL_TYPES, 0});
}

/* Semaphores: one at a time. */
static void of_semaphores(void **state)
{
	const struct model model = {MODEL_COUNTER, 1};
	struct event events[EVENTS_MAX];
	struct history history = {events, 0, ACTORS};
	struct score score = {0};

	(void)state;
	for (unsigned long i = 0; i < histories_wished(); i++) {
		history.count = 2 + choose(EVENTS_MAX - 3);
		for (size_t j = 0; j < history.count; j++) {
			static const uint8_t kinds[] = {EVENT_PUT, EVENT_TAKE, EVENT_TAKE,
							EVENT_EMPTY};
			uint64_t moment = choose(16);

			events[j] =
				(struct event){.invoked = moment,
					       .returned = choose(8) ? moment + choose(6) : NEVER,
					       .value = 1,
					       .kind = kinds[choose(4)]};
		}
		history_sort(&history);
		agree(&model, &history, &score);
	}
	assert_true(score.decided > histories_wished() / 10);
	assert_true(score.can_be > histories_wished() / 10);
	assert_true(score.cannot_be > histories_wished() / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_queues),	  cmocka_unit_test(of_ranks),
		cmocka_unit_test(of_types),	  cmocka_unit_test(of_counters),
		cmocka_unit_test(of_semaphores),  cmocka_unit_test(of_sets_of_counters),
		cmocka_unit_test(of_locks),	  cmocka_unit_test(of_registers),
		cmocka_unit_test(of_long_queues), cmocka_unit_test(of_long_types),
	};
	const char *wish = getenv("IPCTS_SEED");

	seed = wish ? strtoull(wish, NULL, 10) : 1;
	printf("# seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
