/* SPDX-License-Identifier: MIT */
/*
 * The search.  What is known of an object at a moment is a set of configurations: a state that it
 * may be in, and which of the operations under way have had their effect by then.  An operation
 * that returns must have had it: from each configuration in which it hasn't, others under way may
 * have had theirs before it, in any order, and then it does; configurations from which it can't
 * are given up.  When there are none left, there's no such order (Lowe's just-in-time
 * linearization).  Whenever nobody is at it, all that is left of the past is the states.
 *
 * In queues with different values it is known beforehand who takes what.  So what is put behind
 * something that, for sure, is taken after it, and that its take would get, is given up at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/judge.h"
#include "oracle/order.h"
#include "oracle/proof.h"

const struct search_limits usual_limits = {.states = 1 << 17, .steps = 4000};

enum { SLOTS = 64 };

struct configuration {
	uint64_t done; /* the slots whose operations have had their effect */
	struct state state;
};

/* Configurations, no two the same. */
struct set {
	char *bytes;
	size_t size, room; /* of bytes */
	size_t *places;	   /* of each, in bytes */
	size_t count, most;
	struct entry {
		uint32_t round, number;
	} * table; /* of twice a power of two */
	size_t table_size;
	uint32_t round; /* entries of another are free */
};

struct search {
	const struct history *history;
	const struct model *model;
	const struct search_limits *limits;
	size_t steps;
	uint32_t slots[SLOTS]; /* which event is under way */
	uint64_t under_way;
	struct set now, begun, next;
	const struct event **takes; /* of each put, what took it; NULL: not known beforehand */
	bool is_some_lost;	    /* the killed may have taken what nobody else did */
};

/* -- sets ------------------------------------------------------------------------------------- */

static size_t size_of(uint32_t items)
{
	size_t size = sizeof(struct configuration) + items * sizeof(uint32_t);

	return (size + 7) / 8 * 8;
}

static struct configuration *configuration_at(const struct set *set, size_t number)
{
	return (struct configuration *)(void *)(set->bytes + set->places[number]);
}

static bool grow(void *pointer, size_t *most, size_t least, size_t size)
{
	void **place = pointer;
	size_t wanted = *most ? *most : 64;
	void *grown;

	while (wanted < least)
		wanted *= 2;
	if (wanted == *most)
		return true;
	grown = realloc(*place, wanted * size);
	if (!grown)
		return false;
	*place = grown;
	*most = wanted;
	return true;
}

static void set_clear(struct set *set)
{
	set->count = set->size = 0;
	set->round++;
}

static void set_free(struct set *set)
{
	free(set->bytes);
	free(set->places);
	free(set->table);
}

/* Room for one more, which isn't in the set before set_keep. */
static struct configuration *set_draft(struct set *set, uint32_t items)
{
	if (!grow(&set->bytes, &set->room, set->size + size_of(items), 1) ||
	    !grow(&set->places, &set->most, set->count + 1, sizeof(*set->places)))
		return NULL;
	set->places[set->count] = set->size;
	return configuration_at(set, set->count);
}

static uint64_t hash_of(const struct configuration *one)
{
	uint64_t hash = one->done * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)one->state.word;

	for (uint32_t i = 0; i < one->state.count; i++)
		hash = (hash ^ one->state.items[i]) * UINT64_C(0xD6E8FEB86659FD93) + (hash >> 29);
	hash *= UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ hash >> 32;
}

static bool is_same(const struct configuration *one, const struct configuration *other)
{
	return one->done == other->done && one->state.word == other->state.word &&
	       one->state.count == other->state.count &&
	       memcmp(one->state.items, other->state.items,
		      one->state.count * sizeof(one->state.items[0])) == 0;
}

static struct entry *entry_of(const struct set *set, const struct configuration *one)
{
	size_t mask = set->table_size - 1;

	for (size_t at = hash_of(one) & mask;; at = (at + 1) & mask) {
		struct entry *entry = &set->table[at];

		if (entry->round != set->round ||
		    is_same(one, configuration_at(set, entry->number)))
			return entry;
	}
}

static bool set_widen(struct set *set)
{
	if (set->table && 2 * (set->count + 1) <= set->table_size)
		return true;
	set->table_size = set->table ? 2 * set->table_size : 128;
	free(set->table);
	set->table = calloc(set->table_size, sizeof(*set->table));
	if (!set->table)
		return false;
	set->round = 1;
	for (uint32_t i = 0; i < set->count; i++)
		*entry_of(set, configuration_at(set, i)) = (struct entry){set->round, i};
	return true;
}

/* The draft is in the set, if it wasn't.  False: no memory. */
static bool set_keep(struct set *set)
{
	struct configuration *draft = configuration_at(set, set->count);
	struct entry *entry;

	if (!set_widen(set))
		return false;
	entry = entry_of(set, draft);
	if (entry->round == set->round)
		return true;
	*entry = (struct entry){set->round, (uint32_t)set->count};
	set->size += size_of(draft->state.count);
	set->count++;
	return true;
}

static bool set_add(struct set *set, const struct configuration *one)
{
	struct configuration *draft = set_draft(set, one->state.count);

	if (!draft)
		return false;
	memcpy(draft, one, sizeof(*one) + one->state.count * sizeof(one->state.items[0]));
	return set_keep(set);
}

/* -- steps ------------------------------------------------------------------------------------ */

static bool is_too_much(const struct search *search)
{
	return search->begun.count + search->next.count > search->limits->states ||
	       search->steps > search->limits->steps * (search->history->count + 64);
}

/* What has just been put, if it was, is before others where it would have to be behind. */
static bool is_doomed(const struct search *search, uint32_t number, const struct state *state)
{
	const struct event *events = search->history->events;
	const struct event *take =
		search->takes && events[number].kind == EVENT_PUT ? search->takes[number] : NULL;

	for (uint32_t i = 0; take && i + 1 < state->count; i++) {
		const struct event *earlier = &events[state->items[i]];
		const struct event *taken = search->takes[state->items[i]];
		bool is_later = taken ? taken->invoked > take->returned : !search->is_some_lost;

		if (is_later &&
		    !model_overtakes(search->model, take, events[number].rank, earlier->rank))
			return true;
	}
	return false;
}

/*
 * The operation of a slot has its effect in a configuration of those that were begun with.
 * Where it goes to: next, if it is the one that returns.
 */
static bool try_slot(struct search *search, size_t number, unsigned slot, bool is_last)
{
	struct set *to = is_last ? &search->next : &search->begun;
	uint32_t count = configuration_at(&search->begun, number)->state.count;
	struct configuration *draft = set_draft(to, count + 1);

	if (!draft)
		return false;
	search->steps++;
	memcpy(draft, configuration_at(&search->begun, number),
	       sizeof(*draft) + count * sizeof(draft->state.items[0]));
	if (!model_step(search->model, search->history->events, search->slots[slot],
			&draft->state) ||
	    is_doomed(search, search->slots[slot], &draft->state))
		return true;
	draft->done |= UINT64_C(1) << slot;
	return set_keep(to);
}

/* All ways for the operation of the slot to have had its effect by now. */
static enum judgement let_return(struct search *search, unsigned returning)
{
	uint64_t bit = UINT64_C(1) << returning;

	set_clear(&search->begun);
	set_clear(&search->next);
	for (size_t i = 0; i < search->now.count; i++) {
		const struct configuration *one = configuration_at(&search->now, i);

		if (!set_add(one->done & bit ? &search->next : &search->begun, one))
			return IS_UNKNOWN;
	}
	for (size_t i = 0; i < search->begun.count; i++) {
		uint64_t left = search->under_way & ~configuration_at(&search->begun, i)->done;

		for (unsigned slot = 0; slot < SLOTS && left >> slot; slot++)
			if (left >> slot & 1 && !try_slot(search, i, slot, slot == returning))
				return IS_UNKNOWN;
		if (is_too_much(search))
			return IS_UNKNOWN;
	}
	return search->next.count ? CAN_BE : CANNOT_BE;
}

/* The slot is free again. */
static bool forget(struct search *search, unsigned slot)
{
	uint64_t bit = UINT64_C(1) << slot;

	search->under_way &= ~bit;
	set_clear(&search->now);
	for (size_t i = 0; i < search->next.count; i++) {
		struct configuration *one = configuration_at(&search->next, i);

		one->done &= ~bit;
		if (!set_add(&search->now, one))
			return false;
	}
	return true;
}

/* -- the whole -------------------------------------------------------------------------------- */

/* What must have happened, though from no state that there may have been it can. */
static enum judgement refute_return(const struct search *search, uint32_t number,
				    struct violation *violation)
{
	const struct history *history = search->history;
	const struct event *event = &history->events[number];
	const struct state *state = &configuration_at(&search->now, 0)->state;
	char what[TOLD_MAX], where[160];
	size_t count = 0;

	violation->events[count++] = *event;
	for (unsigned slot = 0; slot < SLOTS && count < CONCERNED_MAX; slot++)
		if (search->under_way >> slot & 1 && search->slots[slot] != number)
			violation->events[count++] = history->events[search->slots[slot]];
	violation->count = count;
	snprintf(violation->proof, sizeof(violation->proof),
		 "%s, which in no order with what was under way then (%zu others) can have "
		 "happened: all before it allows %zu %s, %s %s",
		 told(history, event, what), count - 1, search->now.count,
		 search->now.count == 1 ? "state" : "states",
		 search->now.count == 1 ? "which is" : "one of which is",
		 model_tell(search->model, history->events, state, where));
	return CANNOT_BE;
}

static unsigned slot_of(const struct search *search, uint32_t number)
{
	unsigned slot = 0;

	while (!(search->under_way >> slot & 1) || search->slots[slot] != number)
		slot++;
	return slot;
}

static bool enter(struct search *search, uint32_t number)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (search->under_way >> slot & 1)
			continue;
		search->slots[slot] = number;
		search->under_way |= UINT64_C(1) << slot;
		return true;
	}
	return false;
}

/* Events in the order of their returns; who is invoked by then is under way. */
static enum judgement follow(struct search *search, const struct keyed *returns,
			     struct violation *violation)
{
	const struct event *events = search->history->events;
	size_t count = search->history->count, invoked = 0;

	for (size_t i = 0; i < count && returns[i].key != NEVER; i++) {
		uint32_t number = returns[i].number;

		for (; invoked < count && events[invoked].invoked <= returns[i].key; invoked++)
			if (!enter(search, (uint32_t)invoked))
				return unknown(violation, "more than 64 operations at a time");
		unsigned slot = slot_of(search, number);
		enum judgement judgement = let_return(search, slot);

		if (judgement == CANNOT_BE)
			return refute_return(search, number, violation);
		if (judgement == IS_UNKNOWN || !forget(search, slot))
			return unknown(violation, "too many orders to try");
	}
	return CAN_BE;
}

static bool is_take(const struct event *event)
{
	return event->kind == EVENT_TAKE || event->kind == EVENT_TAKE_EXCEPT;
}

/* False: no memory.  There are none if a value is there more than once. */
static bool find_takes(struct search *search)
{
	const struct event *events = search->history->events;
	struct keyed *values = malloc((search->history->count + 1) * sizeof(*values));
	size_t count = 0;

	search->takes = calloc(search->history->count + 1, sizeof(*search->takes));
	for (uint32_t i = 0; values && i < search->history->count; i++) {
		bool is_lost = is_take(&events[i]) && events[i].returned == NEVER;

		search->is_some_lost |= is_lost;
		if (events[i].kind == EVENT_PUT || (is_take(&events[i]) && !is_lost))
			values[count++] = (struct keyed){(uint64_t)events[i].value, i};
	}
	if (!values || !search->takes || !order(values, count)) {
		free(values);
		return false;
	}
	for (size_t i = 0, same; search->takes && i < count; i += same) {
		uint32_t one = values[i].number, other = values[i + 1 < count ? i + 1 : i].number;

		for (same = 1; i + same < count && values[i + same].key == values[i].key; same++)
			continue;
		if (same == 1)
			continue;
		if (same > 2 || is_take(&events[one]) == is_take(&events[other])) {
			free(search->takes);
			search->takes = NULL;
		} else if (is_take(&events[one])) {
			search->takes[other] = &events[one];
		} else {
			search->takes[one] = &events[other];
		}
	}
	free(values);
	return true;
}

static bool begin(struct search *search)
{
	bool is_queue = search->model->kind == MODEL_QUEUE || search->model->kind == MODEL_TYPES;
	struct configuration *first = set_draft(&search->now, 0);

	if (!first || (is_queue && !find_takes(search)))
		return false;
	search->now.round = search->begun.round = search->next.round = 1;
	*first = (struct configuration){.state = {.word = search->model->initial}};
	return set_keep(&search->now);
}

enum judgement judge_by_search(const struct history *history, const struct model *model,
			       const struct search_limits *limits, struct violation *violation)
{
	struct search search = {.history = history, .model = model, .limits = limits};
	struct keyed *returns = malloc((history->count + 1) * sizeof(*returns));
	enum judgement judgement;

	for (uint32_t i = 0; returns && i < history->count; i++)
		returns[i] = (struct keyed){history->events[i].returned, i};
	if (!returns || history->count >= UINT32_MAX || !order(returns, history->count) ||
	    !begin(&search))
		judgement = unknown(violation, "no memory to judge it");
	else
		judgement = follow(&search, returns, violation);
	set_free(&search.now);
	set_free(&search.begun);
	set_free(&search.next);
	free(search.takes);
	free(returns);
	return judgement;
}
