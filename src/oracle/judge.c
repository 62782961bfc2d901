/* SPDX-License-Identifier: MIT */
#include "oracle/judge.h"

#include "oracle/proof.h"

/* IS_UNKNOWN: the model has no monitor, or it can't decide. */
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
	case MODEL_LOCK:
		return judge_lock(history, violation);
	default:
		return unknown(violation, "");
	}
}

static enum judgement judge_one(const struct history *history, const struct model *model,
				struct violation *violation)
{
	enum judgement judgement = monitor(history, model, violation);

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
	for (unsigned object = 0; judgement == CAN_BE && object < objects; object++) {
		struct history part;

		if (!history_of(&part, history, object))
			return unknown(violation, "no memory to judge it");
		judgement = judge_one(&part, model, violation);
		history_free(&part);
	}
	return judgement;
}
