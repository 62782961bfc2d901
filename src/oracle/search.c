/* SPDX-License-Identifier: MIT */
/*
 * The search.  What is known of an object at a moment is a set of configurations: a state that it
 * may be in, and which of the operations under way have had their effect by then.  An operation
 * that returns must have had it: from each configuration in which it hasn't, others under way may
 * have had theirs before it, in any order, and then it does; configurations from which it can't
 * are given up.  When there are none left, there's no such order (Lowe's just-in-time
 * linearization).  Whenever nobody is at it, all that is left of the past is the states.
 *
 * In queues with different values it is known beforehand who takes what.  So much needn't be tried:
 * what is put behind something that, for sure, is taken after it, and that its take would get, is
 * given up at once; a take that is possible at once waits for nobody; a put waits only for those
 * whose order with it matters to somebody; and of states that differ only in an order that matters
 * to nobody one is kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/configurations.h"
#include "oracle/judge.h"
#include "oracle/order.h"
#include "oracle/proof.h"
#include "oracle/values.h"

const struct search_limits usual_limits = {.states = 1 << 17, .steps = 4000};

enum { SLOTS = 64, OBJECTS = UINT8_MAX + 1 };

/* What is known of an object. */
struct object {
	uint32_t slots[SLOTS]; /* which event is under way */
	uint64_t under_way;
	struct set now, next;
	bool is_given_up;
};

struct search {
	const struct history *history;
	const struct model *model;
	const struct search_limits *limits;
	size_t steps;
	struct object *objects[OBJECTS]; /* NULL: nothing of it has happened yet */
	const struct event **takes;	 /* of each put, what took it; NULL: not known beforehand */
	bool is_some_lost;		 /* the killed may have taken what nobody else did */
};

/* -- queues whose values are all different: what needn't be tried ------------------------------ */

static bool is_put(const struct search *search, uint32_t number)
{
	return search->history->events[number].kind == EVENT_PUT;
}

/* Whether the one's take, for sure, is after the other's, though it would get it. */
static bool is_before_its_turn(const struct search *search, uint32_t one, uint32_t other)
{
	const struct event *events = search->history->events;
	const struct event *taken = search->takes[one], *take = search->takes[other];

	return take && (taken ? taken->invoked > take->returned : !search->is_some_lost) &&
	       !model_overtakes(search->model, take, events[other].rank, events[one].rank);
}

/* What is put is behind others that it would have to be before, or before some that aren't yet. */
static bool is_doomed(const struct search *search, const struct object *object, uint32_t put,
		      const struct configuration *one)
{
	uint64_t left = object->under_way & ~one->done;

	for (uint32_t i = 0; i < one->state.count; i++)
		if (is_before_its_turn(search, one->state.items[i], put))
			return true;
	for (; left; left &= left - 1) {
		uint32_t other = object->slots[__builtin_ctzll(left)];

		if (is_put(search, other) && other != put && is_before_its_turn(search, put, other))
			return true;
	}
	return false;
}

/* Whether it depends on which of two was put first that the one is taken, and by whom. */
static bool depends_on_order(const struct search *search, uint32_t one, uint32_t other)
{
	const struct event *events = search->history->events, *take = search->takes[one];

	if (!take)
		return search->is_some_lost;
	return !model_overtakes(search->model, take, events[one].rank, events[other].rank) &&
	       !model_overtakes(search->model, take, events[other].rank, events[one].rank);
}

/* Of all orders that come to the same, the last goes where it makes the first of them. */
static void settle(const struct search *search, struct state *state)
{
	uint32_t last = state->items[state->count - 1], place = state->count - 1;

	for (uint32_t i = place; i-- > 0;) {
		uint32_t other = state->items[i];

		if (depends_on_order(search, last, other) || depends_on_order(search, other, last))
			break;
		if (other > last)
			place = i;
	}
	for (uint32_t i = state->count - 1; i > place; i--)
		state->items[i] = state->items[i - 1];
	state->items[place] = last;
}

/* Whether a put makes a difference to what is not a put, and can be before it. */
static bool minds(const struct search *search, const struct event *event, const struct event *put)
{
	if (event->kind == EVENT_TAKE || event->kind == EVENT_TAKE_EXCEPT)
		return event->returned == NEVER ||
		       model_overtakes(search->model, event, put->rank, event->rank);
	return search->model->kind == MODEL_QUEUE || model_is_asked_for(event, put->rank);
}

/* Of those under way that are left, the ones that may have to be before this put. */
static uint64_t rivals_of_put(const struct search *search, const struct object *object,
			      uint32_t put, uint64_t left)
{
	uint64_t rivals = 0;

	for (; left; left &= left - 1) {
		uint32_t other = object->slots[__builtin_ctzll(left)];
		const struct event *events = search->history->events;

		if (is_put(search, other) ? depends_on_order(search, put, other) ||
						    depends_on_order(search, other, put)
					  : minds(search, &events[other], &events[put]))
			rivals |= left & -left;
	}
	return rivals;
}

/*
 * The same, and those that may have to be before these in turn, if all of them are puts; if one
 * isn't, who knows.
 */
static uint64_t rivals_of(const struct search *search, const struct object *object, unsigned slot)
{
	uint64_t rivals = 0, seen = UINT64_C(1) << slot;

	if (!search->takes || !is_put(search, object->slots[slot]))
		return object->under_way;
	for (uint64_t next = seen; next; next = rivals & ~seen, seen |= next & -next) {
		unsigned one = (unsigned)__builtin_ctzll(next);

		if (!is_put(search, object->slots[one]))
			return object->under_way;
		rivals |= rivals_of_put(search, object, object->slots[one],
					object->under_way & ~seen & ~rivals);
	}
	return rivals;
}

/* Whether what was done last can as well be done after the put that returns: it needn't be yet. */
static bool could_wait(const struct search *search, const struct object *object, unsigned slot,
		       const struct configuration *one)
{
	const struct event *events = search->history->events, *put = &events[object->slots[slot]];
	const struct event *last = one->last == NONE ? NULL : &events[object->slots[one->last]];

	return search->takes && last && put->kind == EVENT_PUT && last->kind != EVENT_PUT &&
	       !minds(search, last, put);
}

/* -- steps ------------------------------------------------------------------------------------ */

static bool is_too_much(const struct search *search, const struct object *object)
{
	return object->now.count + object->next.count > search->limits->states ||
	       search->steps > search->limits->steps * (search->history->count + 64);
}

enum trial { IS_NOT, IS, NO_MEMORY };

/*
 * The operation of a slot has its effect in a configuration of now.  Where it goes to: next, if it
 * is the one that returns, and is forgotten there.
 */
static enum trial try_slot(struct search *search, struct object *object, uint32_t number,
			   unsigned slot, bool is_last)
{
	struct set *to = is_last ? &object->next : &object->now;
	uint32_t count = configuration_at(&object->now, number)->state.count;
	struct configuration *draft = set_draft(to, count + 1);
	uint32_t event = object->slots[slot];

	if (!draft)
		return NO_MEMORY;
	const struct configuration *one = configuration_at(&object->now, number);
	const bool is_known_put = search->takes && is_put(search, event);

	search->steps++;
	if ((is_known_put && is_doomed(search, object, event, one)) ||
	    !model_step(search->model, search->history->events, event, &one->state, &draft->state))
		return IS_NOT;
	if (is_known_put)
		settle(search, &draft->state);
	draft->done = one->done | (is_last ? 0 : UINT64_C(1) << slot);
	draft->last = is_last ? NONE : slot;
	return set_keep(to) ? IS : NO_MEMORY;
}

/* In a configuration of now the operation that returns has had its effect: it is forgotten. */
static bool go_on(struct object *object, uint32_t number, uint64_t bit)
{
	uint32_t count = configuration_at(&object->now, number)->state.count;
	struct configuration *draft = set_draft(&object->next, count);

	if (!draft)
		return false;
	configuration_copy(draft, configuration_at(&object->now, number));
	draft->done &= ~bit;
	draft->last = NONE;
	return set_keep(&object->next);
}

/*
 * All ways for the operation of the slot to have had its effect by now, which are next.  A take, or
 * who finds nothing, that can have it at once loses nothing by that: whatever could come before it
 * still can afterwards.
 */
static enum judgement let_return(struct search *search, struct object *object, unsigned returning)
{
	const uint64_t bit = UINT64_C(1) << returning,
		       rivals = rivals_of(search, object, returning);
	const bool can_have_it_at_once = search->takes && !is_put(search, object->slots[returning]);

	set_clear(&object->next);
	for (uint32_t i = 0; i < object->now.count; i++) {
		const struct configuration *one = configuration_at(&object->now, i);
		uint64_t left = rivals & ~one->done & ~bit;
		enum trial trial = IS_NOT;

		if (one->done & bit)
			trial = go_on(object, i, bit) ? IS : NO_MEMORY;
		else if (!could_wait(search, object, returning, one))
			trial = try_slot(search, object, i, returning, true);
		if (one->done & bit || (trial == IS && can_have_it_at_once))
			left = 0;
		for (; left && trial != NO_MEMORY; left &= left - 1)
			trial = try_slot(search, object, i, (unsigned)__builtin_ctzll(left), false);
		if (trial == NO_MEMORY || is_too_much(search, object))
			return IS_UNKNOWN;
	}
	return object->next.count ? CAN_BE : CANNOT_BE;
}

/* What was next is now, and the slot is free. */
static void advance(struct object *object, unsigned slot)
{
	struct set past = object->now;

	object->now = object->next;
	object->next = past;
	object->under_way &= ~(UINT64_C(1) << slot);
}

/* -- the whole -------------------------------------------------------------------------------- */

/*
 * What must have happened, though from no state that there may have been it can; so many of them
 * were known before.
 */
static enum judgement refute_return(const struct search *search, const struct object *object,
				    uint32_t number, size_t states, struct violation *violation)
{
	const struct history *history = search->history;
	const struct event *event = &history->events[number];
	const struct state *state = &configuration_at(&object->now, 0)->state;
	char what[TOLD_MAX], where[160];
	size_t count = 0;

	violation->events[count++] = *event;
	for (unsigned slot = 0; slot < SLOTS && count < CONCERNED_MAX; slot++)
		if (object->under_way >> slot & 1 && object->slots[slot] != number)
			violation->events[count++] = history->events[object->slots[slot]];
	violation->count = count;
	snprintf(violation->proof, sizeof(violation->proof),
		 "%s, which in no order with what was under way then (%zu others) can have "
		 "happened: all before it allows %zu %s, %s %s",
		 told(history, event, what), count - 1, states, states == 1 ? "state" : "states",
		 states == 1 ? "which is" : "one of which is",
		 model_tell(search->model, history->events, state, where));
	return CANNOT_BE;
}

static unsigned slot_of(const struct object *object, uint32_t number)
{
	uint64_t left = object->under_way;

	while (object->slots[__builtin_ctzll(left)] != number)
		left &= left - 1;
	return (unsigned)__builtin_ctzll(left);
}

/* NULL: no memory. */
static struct object *object_of(struct search *search, uint32_t number)
{
	struct object **place = &search->objects[search->history->events[number].object];
	struct configuration *first;

	if (*place)
		return *place;
	*place = calloc(1, sizeof(**place));
	first = *place ? set_draft(&(*place)->now, 0) : NULL;
	if (!first)
		return NULL;
	*first = (struct configuration){.last = NONE, .state = {.word = search->model->initial}};
	return set_keep(&(*place)->now) ? *place : NULL;
}

/* Why nobody knows; NULL: it is under way. */
static const char *enter(struct search *search, uint32_t number)
{
	struct object *object = object_of(search, number);

	if (!object)
		return "no memory to judge it";
	if (object->is_given_up)
		return NULL;
	if (!~object->under_way) {
		object->is_given_up = true;
		return "more than 64 operations at a time";
	}
	unsigned slot = (unsigned)__builtin_ctzll(~object->under_way);

	object->slots[slot] = number;
	object->under_way |= UINT64_C(1) << slot;
	return NULL;
}

/*
 * Events in the order of their returns; who is invoked by then is under way.  What is wrong of one
 * object is so whatever nobody knows of another.
 */
static enum judgement follow(struct search *search, const uint32_t *returns,
			     struct violation *violation)
{
	const struct event *events = search->history->events;
	size_t count = search->history->count;
	uint32_t invoked = 0;
	const char *why = NULL;

	for (; *returns != NEVER_RETURNED; returns++) {
		const struct event *event = &events[*returns];

		for (; invoked < count && events[invoked].invoked <= event->returned; invoked++) {
			const char *now = enter(search, invoked);

			why = now ? now : why;
		}
		struct object *object = search->objects[event->object];

		if (!object || object->is_given_up)
			continue;
		size_t states = object->now.count;
		unsigned slot = slot_of(object, *returns);
		enum judgement judgement = let_return(search, object, slot);

		if (judgement == CANNOT_BE)
			return refute_return(search, object, *returns, states, violation);
		if (judgement == IS_UNKNOWN) {
			object->is_given_up = true;
			why = "too many orders to try";
		}
		advance(object, slot);
	}
	return why ? unknown(violation, why) : CAN_BE;
}

static bool is_take(const struct event *event)
{
	return event->kind == EVENT_TAKE || event->kind == EVENT_TAKE_EXCEPT;
}

/*
 * Of one value: where the first that has it was seen, and what took it.  False: it is there more
 * than once.
 */
static bool pair(struct search *search, uint32_t *place, uint32_t number)
{
	const struct event *events = search->history->events;
	uint32_t put = number, take = *place - 1;

	if (!*place) {
		*place = number + 1;
		return true;
	}
	if (is_take(&events[number])) {
		put = take;
		take = number;
	}
	if (is_take(&events[put]) || !is_take(&events[take]) || search->takes[put])
		return false;
	search->takes[put] = &events[take];
	*place = put + 1;
	return true;
}

/* False: no memory.  There are none if a value is there more than once. */
static bool find_takes(struct search *search)
{
	const struct event *events = search->history->events;
	struct values values;
	bool is_distinct = true;

	search->takes = calloc(search->history->count + 1, sizeof(*search->takes));
	if (!search->takes || !values_begin(&values, search->history))
		return false;
	for (uint32_t i = 0; is_distinct && i < search->history->count; i++) {
		bool is_lost = is_take(&events[i]) && events[i].returned == NEVER;

		search->is_some_lost |= is_lost;
		if (events[i].kind == EVENT_PUT || (is_take(&events[i]) && !is_lost))
			is_distinct = pair(search, values_place(&values, events[i].value), i);
	}
	if (!is_distinct) {
		free(search->takes);
		search->takes = NULL;
	}
	values_end(&values);
	return true;
}

static bool begin(struct search *search)
{
	bool is_queue = search->model->kind == MODEL_QUEUE || search->model->kind == MODEL_TYPES;

	return search->history->count < UINT32_MAX &&
	       (!is_queue || search->limits->is_plain || find_takes(search));
}

enum judgement judge_by_search(const struct history *history, const struct model *model,
			       const struct search_limits *limits, struct violation *violation)
{
	struct search search = {.history = history, .model = model, .limits = limits};
	uint32_t *returns = begin(&search) ? returns_of(history) : NULL;
	enum judgement judgement = returns ? follow(&search, returns, violation)
					   : unknown(violation, "no memory to judge it");

	for (unsigned i = 0; i < OBJECTS; i++) {
		if (!search.objects[i])
			continue;
		set_free(&search.objects[i]->now);
		set_free(&search.objects[i]->next);
		free(search.objects[i]);
	}
	free(search.takes);
	free(returns);
	return judgement;
}
