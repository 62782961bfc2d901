/* SPDX-License-Identifier: MIT */
/*
 * Delta debugging: whole parts of the script are left out, large ones first; then actors are
 * joined, strangers and children made plain, and arguments made the first of their pools.
 */
#include <stdlib.h>
#include <string.h>

#include "diff/generate.h"

struct shrinking {
	struct script *best, *attempt;
	still_diverges *still;
	void *context;
	int attempts; /* left */
};

/* The attempt, if it diverges still, is the best from now on. */
static bool try(struct shrinking *s)
{
	if (s->attempts <= 0)
		return false;
	s->attempts--;
	if (!s->still(s->attempt, s->context))
		return false;
	*s->best = *s->attempt;
	return true;
}

static void leave_out(struct shrinking *s, int from, int count)
{
	*s->attempt = *s->best;
	memmove(&s->attempt->acts[from], &s->attempt->acts[from + count],
		(size_t)(s->attempt->count - from - count) * sizeof(struct act));
	s->attempt->count -= count;
}

static bool leave_out_parts(struct shrinking *s)
{
	bool smaller = false;

	for (int size = (s->best->count + 1) / 2; size > 0 && s->attempts > 0; size /= 2) {
		/* from the end, so that what an act needs is still there when it is left out */
		for (int from = s->best->count - size; from > -size && s->attempts > 0;
		     from -= size) {
			int first = from < 0 ? 0 : from, count = from < 0 ? size + from : size;

			if (first + count > s->best->count)
				continue;
			leave_out(s, first, count);
			smaller |= try(s);
		}
	}
	return smaller;
}

/* All that one actor does, the other does. */
static bool join(struct shrinking *s, int one, int other)
{
	bool any = false;
	int kept = 0;

	*s->attempt = *s->best;
	for (int i = 0; i < s->best->count; i++) {
		struct act act = s->best->acts[i];

		if (act.actor == one) {
			any = true;
			if (act.kind <= ACT_FORK)
				continue;
			act.actor = other;
		}
		if (act.kind == ACT_FORK && act.parent == one)
			act.parent = other;
		if (act.kind == ACT_DO && act.choice->does & TO_ACTOR && act.o.n[0] == one)
			act.o.n[0] = other;
		s->attempt->acts[kept++] = act;
	}
	s->attempt->count = kept;
	return any && try(s);
}

static bool join_actors(struct shrinking *s)
{
	bool smaller = false;

	for (int one = DIFF_ACTORS - 1; one >= 0; one--)
		for (int other = 0; other < DIFF_ACTORS; other++)
			if (one != other && join(s, one, other)) {
				smaller = true;
				break;
			}
	return smaller;
}

static void make_plain(struct shrinking *s)
{
	for (int i = 0; i < s->best->count; i++) {
		if (s->best->acts[i].kind != ACT_STRANGER && s->best->acts[i].kind != ACT_FORK)
			continue;
		*s->attempt = *s->best;
		s->attempt->acts[i].kind = ACT_CAST;
		try(s);
	}
}

static void make_argument_plain(struct shrinking *s, int i)
{
	const struct choice *choice = s->best->acts[i].choice;
	op *o = &s->attempt->acts[i].o;

	if (choice->texts && s->best->acts[i].o.bytes != choice->texts[0]) {
		*s->attempt = *s->best;
		o->bytes = choice->texts[0];
		o->empty = !*choice->texts[0];
		try(s);
	}
	for (int n = 0; n < OP_NUMBERS; n++) {
		const struct pool *pool = &choice->n[n];

		if (pool->count == 0 || s->best->acts[i].o.n[n] == pool->numbers[0])
			continue;
		*s->attempt = *s->best;
		o->n[n] = pool->numbers[0];
		try(s);
	}
}

void script_shrink(struct script *script, still_diverges *still, void *context, int attempts)
{
	struct shrinking s = {script, malloc(sizeof(*script)), still, context, attempts};

	if (!s.attempt)
		return;
	do {
		leave_out_parts(&s);
	} while (join_actors(&s));
	make_plain(&s);
	for (int i = 0; i < s.best->count; i++)
		if (s.best->acts[i].kind == ACT_DO)
			make_argument_plain(&s, i);
	leave_out_parts(&s);
	free(s.attempt);
}
