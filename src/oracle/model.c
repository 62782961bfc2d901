/* SPDX-License-Identifier: MIT */
#include "oracle/model.h"

#include <stdio.h>
#include <string.h>

static const uint32_t NOTHING = UINT32_MAX;

/* -- queues ----------------------------------------------------------------------------------- */

bool model_is_asked_for(const struct event *take, int32_t type)
{
	if (take->kind == EVENT_TAKE_EXCEPT || take->kind == EVENT_EMPTY_EXCEPT)
		return type != take->asked;
	return take->asked == 0 || (take->asked > 0 ? type == take->asked : type <= -take->asked);
}

/* Which of two is taken first, the other having been put first. */
static bool is_preferred(const struct model *model, const struct event *take, int32_t rank,
			 int32_t to)
{
	if (model->kind == MODEL_QUEUE)
		return rank > to;
	return take->asked < 0 && rank < to;
}

bool model_overtakes(const struct model *model, const struct event *take, int32_t rank,
		     int32_t other)
{
	if (model->kind == MODEL_TYPES && !model_is_asked_for(take, other))
		return true;
	return is_preferred(model, take, rank, other);
}

/* The place of what is taken next; NOTHING. */
static uint32_t next_of(const struct model *model, const struct event *events,
			const struct event *take, const struct state *state)
{
	uint32_t best = NOTHING;

	for (uint32_t i = 0; i < state->count; i++) {
		int32_t rank = events[state->items[i]].rank;

		if (model->kind == MODEL_TYPES && !model_is_asked_for(take, rank))
			continue;
		if (best == NOTHING ||
		    is_preferred(model, take, rank, events[state->items[best]].rank))
			best = i;
	}
	return best;
}

static bool is_what_came(const struct event *take, const struct event *put)
{
	return take->returned == NEVER || (take->value == put->value && take->rank == put->rank);
}

static void copy_items(struct state *to, const struct state *from, uint32_t begin, uint32_t end)
{
	for (uint32_t i = begin; i < end; i++)
		to->items[to->count++] = from->items[i];
}

static bool step_queue(const struct model *model, const struct event *events, uint32_t number,
		       const struct state *before, struct state *after)
{
	const struct event *event = &events[number];
	uint32_t next = before->count;

	if (event->kind != EVENT_PUT)
		next = next_of(model, events, event, before);
	after->word = 0;
	after->count = 0;
	switch (event->kind) {
	case EVENT_PUT:
		copy_items(after, before, 0, before->count);
		after->items[after->count++] = number;
		return true;
	case EVENT_TAKE:
	case EVENT_TAKE_EXCEPT:
		if (next == NOTHING || !is_what_came(event, &events[before->items[next]]))
			return false;
		copy_items(after, before, 0, next);
		copy_items(after, before, next + 1, before->count);
		return true;
	case EVENT_EMPTY:
	case EVENT_EMPTY_EXCEPT:
		copy_items(after, before, 0, before->count);
		return next == NOTHING;
	default:
		return false;
	}
}

/* -- counters --------------------------------------------------------------------------------- */

static bool step_counter(const struct event *event, struct state *state)
{
	switch (event->kind) {
	case EVENT_PUT:
		state->word += event->value;
		return true;
	case EVENT_TAKE:
		state->word -= event->value;
		return state->word >= 0;
	case EVENT_EMPTY:
		return state->word < event->value;
	case EVENT_DRAIN:
		if (state->word == 0 || (event->returned != NEVER && state->word != event->value))
			return false;
		state->word = 0;
		return true;
	case EVENT_READ:
		return event->returned == NEVER || state->word == event->value;
	default:
		return false;
	}
}

/* Values as of EVENT_READ: a byte is a counter. */
static bool change(int64_t *values, int64_t changes)
{
	uint64_t changed = 0;

	for (unsigned i = 0; i < COUNTERS; i++) {
		int value = (int)((uint64_t)*values >> 8 * i & 0xFF);
		int by = change_of(changes, i);

		if (by == MUST_BE_ZERO ? value != 0 : value + by < 0 || value + by > 0xFF)
			return false;
		if (by != MUST_BE_ZERO)
			value += by;
		changed |= (uint64_t)value << 8 * i;
	}
	*values = (int64_t)changed;
	return true;
}

static bool step_counters(const struct event *event, struct state *state)
{
	int64_t values = state->word;

	switch (event->kind) {
	case EVENT_CHANGE:
		return change(&state->word, event->value);
	case EVENT_REFUSED:
		return !change(&values, event->value);
	case EVENT_READ:
		return event->returned == NEVER || state->word == event->value;
	default:
		return false;
	}
}

/* -- locks and registers ---------------------------------------------------------------------- */

/* Who holds it alone, from 1, in the lowest bits; above them a bit for each who shares it. */
enum { ALONE_BITS = 16 };
#define ALONE(word) ((uint64_t)(word) & ((UINT64_C(1) << ALONE_BITS) - 1))
#define SHARER(actor) (UINT64_C(1) << (ALONE_BITS + (actor) % (64 - ALONE_BITS)))

static bool step_lock(const struct event *event, struct state *state)
{
	uint64_t word = (uint64_t)state->word, me = event->actor + UINT64_C(1);

	switch (event->kind) {
	case EVENT_HOLD:
		if (word)
			return false;
		word = me;
		break;
	case EVENT_SHARE:
		if (ALONE(word))
			return false;
		word |= SHARER(event->actor);
		break;
	case EVENT_DROP:
		if (ALONE(word) == me)
			word = 0;
		else if (word & SHARER(event->actor) && !ALONE(word))
			word &= ~SHARER(event->actor);
		else
			return false;
		break;
	case EVENT_BUSY:
		return word != 0;
	default:
		return false;
	}
	state->word = (int64_t)word;
	return true;
}

static bool step_register(const struct event *event, struct state *state)
{
	switch (event->kind) {
	case EVENT_READ:
		return event->returned == NEVER || state->word == event->value;
	case EVENT_SWAP:
		if (state->word != event->asked)
			return false;
		/* fall through */
	case EVENT_WRITE:
		state->word = event->value;
		return true;
	default:
		return false;
	}
}

bool model_step(const struct model *model, const struct event *events, uint32_t number,
		const struct state *before, struct state *after)
{
	if (model->kind == MODEL_QUEUE || model->kind == MODEL_TYPES)
		return step_queue(model, events, number, before, after);
	after->word = before->word;
	after->count = 0;
	switch (model->kind) {
	case MODEL_COUNTER:
		return step_counter(&events[number], after);
	case MODEL_COUNTERS:
		return step_counters(&events[number], after);
	case MODEL_LOCK:
		return step_lock(&events[number], after);
	default:
		return step_register(&events[number], after);
	}
}

/* -- in words --------------------------------------------------------------------------------- */

static void tell_queue(const struct event *events, const struct state *state, char text[160])
{
	size_t size = 0;

	if (state->count == 0)
		snprintf(text, 160, "nothing in it");
	for (uint32_t i = 0; i < state->count && size < 120; i++)
		size += (size_t)snprintf(text + size, 160 - size, "%s%lld", i ? ", " : "",
					 (long long)events[state->items[i]].value);
	if (size >= 120)
		snprintf(text + size, 160 - size, " ...");
}

static void tell_lock(uint64_t word, char text[160])
{
	size_t size = 0;

	if (word == 0) {
		snprintf(text, 160, "free");
	} else if (ALONE(word)) {
		snprintf(text, 160, "held by actor %u", (unsigned)(ALONE(word) - 1));
	} else {
		size = (size_t)snprintf(text, 160, "shared by");
		for (unsigned actor = 0; actor < 64 - ALONE_BITS && size < 150; actor++)
			if (word & SHARER(actor))
				size += (size_t)snprintf(text + size, 160 - size, " %u", actor);
	}
}

const char *model_tell(const struct model *model, const struct event *events,
		       const struct state *state, char text[160])
{
	size_t size = 0;

	switch (model->kind) {
	case MODEL_QUEUE:
	case MODEL_TYPES:
		tell_queue(events, state, text);
		break;
	case MODEL_LOCK:
		tell_lock((uint64_t)state->word, text);
		break;
	case MODEL_COUNTERS:
		for (unsigned i = 0; i < COUNTERS; i++)
			size += (size_t)snprintf(text + size, 160 - size, "%s%d", i ? " " : "",
						 (int)((uint64_t)state->word >> 8 * i & 0xFF));
		break;
	default:
		snprintf(text, 160, "%lld", (long long)state->word);
	}
	return text;
}
