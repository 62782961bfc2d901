/* SPDX-License-Identifier: MIT */
#include "oracle/judge.h"

#include "oracle/proof.h"

/* Few orders to try, as there are of most histories that can be. */
static const struct search_limits few = {.states = 1 << 10, .steps = 64};

static bool has_monitor(const struct model *model)
{
	return model->kind != MODEL_COUNTERS && model->kind != MODEL_REGISTER;
}

/* IS_UNKNOWN: it can't decide. */
static enum judgement monitor(const struct history *history, const struct model *model,
			      struct violation *violation)
{
	switch (model->kind) {
	case MODEL_QUEUE:
		return judge_queue(history, violation);
	case MODEL_TYPES:
		return judge_types(history, violation);
	case MODEL_COUNTER:
		return judge_counter(history, model->initial, violation);
	default:
		return judge_lock(history, violation);
	}
}

/* Whether its monitor can only tell what is wrong with it, if something is. */
static bool needs_search(const struct history *history, const struct model *model)
{
	return (model->kind == MODEL_COUNTER && !judge_counter_decides(history)) ||
	       (model->kind == MODEL_TYPES && !judge_types_decides(history));
}

static enum judgement judge_one(const struct history *history, const struct model *model,
				struct violation *violation)
{
	enum judgement judgement = IS_UNKNOWN;

	if (has_monitor(model)) {
		if (needs_search(history, model) &&
		    judge_by_search(history, model, &few, violation) == CAN_BE)
			return CAN_BE;
		judgement = monitor(history, model, violation);
	}
	if (judgement != IS_UNKNOWN)
		return judgement;
	return judge_by_search(history, model, &usual_limits, violation);
}

enum judgement judge(const struct history *history, const struct model *model,
		     struct violation *violation)
{
	enum judgement judgement = CAN_BE;
	unsigned objects = 0;

	for (size_t i = 0; i < history->count; i++)
		if (history->events[i].object >= objects)
			objects = history->events[i].object + 1u;
	if (objects <= 1)
		return judge_one(history, model, violation);
	if (!has_monitor(model))
		return judge_by_search(history, model, &usual_limits, violation);
	for (unsigned object = 0; judgement == CAN_BE && object < objects; object++) {
		struct history part;

		if (!history_of(&part, history, object))
			return unknown(violation, "no memory to judge it");
		judgement = judge_one(&part, model, violation);
		history_free(&part);
	}
	return judgement;
}
