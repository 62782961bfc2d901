/* SPDX-License-Identifier: MIT */
/* The engines, and what they have in common. */
#include "sched/engine.h"

#include <string.h>

static const char *const names[ENGINE_KINDS] = {
	[ENGINE_EVERY] = "every",   [ENGINE_BOUNDED] = "bounded", [ENGINE_POS] = "pos",
	[ENGINE_PCT] = "pct",	    [ENGINE_RANDOM] = "random",	  [ENGINE_NOISE] = "noise",
	[ENGINE_REPLAY] = "replay",
};

const char *engine_name(enum engine_kind kind)
{
	return kind < ENGINE_KINDS ? names[kind] : NULL;
}

bool engine_find(const char *name, enum engine_kind *kind)
{
	for (unsigned k = 0; k < ENGINE_KINDS; k++)
		if (strcmp(name, names[k]) == 0) {
			*kind = k;
			return true;
		}
	return false;
}

/* splitmix64: any seed will do, and it is the same everywhere. */
static uint64_t random_of(uint64_t *state)
{
	uint64_t value = *state += 0x9e3779b97f4a7c15u;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
	value = (value ^ value >> 27) * 0x94d049bb133111ebu;
	return value ^ value >> 31;
}

/* Less than limit; which is small, so that the bias is nothing. */
static uint64_t random_below(uint64_t *state, uint64_t limit)
{
	return random_of(state) % limit;
}

static unsigned lowest(uint64_t set)
{
	return (unsigned)__builtin_ctzll(set);
}

static uint64_t bit(unsigned actor)
{
	return UINT64_C(1) << actor;
}

static bool is_eligible(const struct moment *moment, unsigned actor)
{
	return actor < ACTORS_MAX && (moment->eligible & bit(actor));
}

unsigned by_default(const struct engine *engine, const struct moment *moment)
{
	if (is_eligible(moment, moment->running))
		return moment->running;
	if (engine->shadowed && is_eligible(moment, BUFFER_FROM + moment->running))
		return BUFFER_FROM + moment->running;

	uint64_t set = moment->eligible;
	if (engine->shadowed && (set & (bit(BUFFER_FROM) - 1)))
		set &= bit(BUFFER_FROM) - 1;
	uint64_t above = moment->running < ACTORS_MAX ? set & -bit(moment->running) : 0;
	return lowest(above ? above : set);
}

void engine_init(struct engine *engine, enum engine_kind kind, uint64_t seed)
{
	*engine = (struct engine){0};
	engine->kind = kind;
	engine->seed = seed;
	engine->bound = 2;
	engine->depth = 3;
}

/* ---- every, bounded: depth first ---- */

/*
 * Who can be tried here: all, or, once as many preemptions are spent as are allowed, only the one
 * who runs.
 */
static uint64_t candidates(const struct engine *engine, const struct moment *moment)
{
	if (engine->kind == ENGINE_BOUNDED && is_eligible(moment, moment->running) &&
	    engine->preemptions >= engine->bound)
		return bit(moment->running) | moment->mortal;
	return moment->eligible | moment->mortal;
}

/*
 * Sleep sets: who was tried from a moment need not be tried again from one that was reached by
 * something that doesn't conflict with it, until something does.
 */
static void fall_asleep(struct engine *engine, const struct moment *moment, unsigned chosen,
			uint64_t tried)
{
	engine->asleep |= tried;
	engine->asleep &= ~bit(chosen);
	for (uint64_t rest = engine->asleep; rest; rest &= rest - 1)
		if (operations_may_conflict(&moment->next[lowest(rest)], &moment->next[chosen]))
			engine->asleep &= ~bit(lowest(rest));
}

/* At a moment at which there is a choice; the default comes first, so that the first schedule has
 * no preemption at all. */
static const struct choice *next_choice(struct engine *engine, const struct moment *moment,
					uint64_t can)
{
	static const struct choice none;

	if (engine->at < engine->choices) {
		struct choice *known = &engine->path[engine->at++];
		if (!(can & bit(known->taken))) /* the program isn't deterministic */
			known->taken = (uint8_t)lowest(can);
		return known;
	}
	if (engine->at == CHOICES_MAX) {
		engine->overflow = true;
		return &none;
	}
	unsigned first = by_default(engine, moment);
	if (!(can & bit(first)))
		first = lowest(can);
	engine->path[engine->at] = (struct choice){can & ~bit(first), 0, (uint8_t)first};
	engine->choices++;
	return &engine->path[engine->at++];
}

static unsigned choose_deep(struct engine *engine, const struct moment *moment)
{
	uint64_t can = candidates(engine, moment), tried = 0;
	unsigned chosen;

	if (engine->reduces && !(can &= ~engine->asleep))
		engine->redundant = true;
	if (engine->redundant)
		return by_default(engine, moment);
	if (can & (can - 1)) {
		const struct choice *choice = next_choice(engine, moment, can);
		chosen = engine->overflow ? by_default(engine, moment) : choice->taken;
		tried = choice->tried;
	} else
		chosen = lowest(can);
	if (engine->reduces)
		fall_asleep(engine, moment, chosen, tried);
	if (is_eligible(moment, moment->running) && chosen != moment->running &&
	    is_eligible(moment, chosen))
		engine->preemptions++;
	return chosen;
}

/* The deepest choice that has somebody untried is made anew. */
static bool next_deep(struct engine *engine)
{
	engine->choices =
		engine->at; /* it ended sooner than the last one if it isn't deterministic */
	while (engine->choices > 0) {
		struct choice *last = &engine->path[engine->choices - 1];

		if (last->untried) {
			last->tried |= bit(last->taken);
			last->taken = (uint8_t)lowest(last->untried);
			last->untried &= last->untried - 1;
			return true;
		}
		engine->choices--;
	}
	engine->exhausted = !engine->overflow;
	return false;
}

/* ---- random ---- */

static unsigned choose_of(struct engine *engine, uint64_t set)
{
	for (uint64_t left = random_below(&engine->random, (uint64_t)__builtin_popcountll(set));
	     left; left--)
		set &= set - 1;
	return lowest(set);
}

/* ---- kills, of engines that choose at random: at any question alike, those of the last runs' and
 * somewhat more, so that there are runs without ---- */

static void plan_kills(struct engine *engine)
{
	uint64_t most = engine->longest + engine->longest / 4;

	for (unsigned kill = 0; kill < engine->kills; kill++)
		engine->kill[kill] = most ? 1 + (uint32_t)random_below(&engine->random, most) : 0;
}

/* NOBODY: not now. */
static unsigned choose_death(struct engine *engine, const struct moment *moment)
{
	for (unsigned kill = 0; moment->mortal && kill < engine->kills; kill++)
		if (engine->kill[kill] == engine->steps)
			return choose_of(engine, moment->mortal);
	return NOBODY;
}

/* ---- pos: partial-order sampling ---- */

static unsigned dearest(const struct engine *engine, uint64_t set)
{
	unsigned best = lowest(set);

	for (uint64_t rest = set & (set - 1); rest; rest &= rest - 1)
		if (engine->priority[lowest(rest)] > engine->priority[best])
			best = lowest(rest);
	return best;
}

/*
 * Each operation has a random priority; the dearest is done.  Those that conflict with it get
 * another, as does the next operation of the one who did it: so every order of operations that
 * conflict is about as likely as any other, and orders of those that don't cost nothing.
 */
static unsigned choose_pos(struct engine *engine, const struct moment *moment)
{
	for (uint64_t fresh = moment->eligible & ~engine->known; fresh; fresh &= fresh - 1)
		engine->priority[lowest(fresh)] = random_of(&engine->random);
	engine->known |= moment->eligible;

	unsigned chosen = dearest(engine, moment->eligible);
	const struct operation *done = &moment->next[chosen];
	for (uint64_t rest = moment->eligible & ~bit(chosen); rest; rest &= rest - 1)
		if (operations_conflict(&moment->next[lowest(rest)], done))
			engine->known &= ~bit(lowest(rest));
	engine->known &= ~bit(chosen);
	return chosen;
}

/* ---- pct: probabilistic concurrency testing ---- */

static void begin_pct(struct engine *engine)
{
	uint32_t steps = engine->longest ? engine->longest : 1;

	for (unsigned change = 0; change + 1 < engine->depth && change < CHANGES_MAX; change++)
		engine->change[change] = 1 + (uint32_t)random_below(&engine->random, steps);
}

/* Priorities are random and above all changes'; a change gives the one who would go one of those.
 */
static unsigned choose_pct(struct engine *engine, const struct moment *moment)
{
	for (uint64_t fresh = moment->eligible & ~engine->known; fresh; fresh &= fresh - 1)
		engine->priority[lowest(fresh)] = random_of(&engine->random) | bit(63);
	engine->known |= moment->eligible;

	unsigned chosen = dearest(engine, moment->eligible);
	for (unsigned change = 0; change + 1 < engine->depth && change < CHANGES_MAX; change++)
		if (engine->change[change] == engine->steps) {
			engine->priority[chosen] = engine->depth - change;
			chosen = dearest(engine, moment->eligible);
		}
	return chosen;
}

/* ---- replay ---- */

/* The directives come in the order in which they are obeyed. */
static unsigned choose_replay(struct engine *engine, const struct moment *moment)
{
	const struct schedule *schedule = &engine->schedule;

	/* those that can no longer come true, for the schedule before them was changed */
	while (engine->obeyed < schedule->count) {
		const struct directive *directive = &schedule->directives[engine->obeyed];

		if (directive->actor != moment->running || directive->done > moment->done)
			break;
		engine->obeyed++;
		if (directive->done == moment->done &&
		    ((moment->eligible | moment->mortal) & bit(directive->to)))
			return directive->to;
		engine->missed++;
	}
	return by_default(engine, moment);
}

/* ---- all ---- */

void engine_begin(struct engine *engine)
{
	engine->random = engine->seed ^ engine->run * 0xd1342543de82ef95u;
	engine->steps = 0;
	engine->at = engine->preemptions = 0;
	engine->asleep = 0;
	engine->redundant = false;
	engine->known = 0;
	engine->obeyed = engine->missed = 0;
	if (engine->kind == ENGINE_PCT)
		begin_pct(engine);
	plan_kills(engine);
}

unsigned engine_choose(struct engine *engine, const struct moment *moment)
{
	engine->steps++;
	unsigned width = (unsigned)__builtin_popcountll(moment->eligible);
	if (width > engine->widest)
		engine->widest = width;

	if (engine->kind == ENGINE_EVERY || engine->kind == ENGINE_BOUNDED)
		return choose_deep(engine, moment);
	if (engine->kind == ENGINE_REPLAY)
		return choose_replay(engine, moment);
	unsigned dies = choose_death(engine, moment);
	if (dies != NOBODY)
		return dies;
	switch (engine->kind) {
	case ENGINE_POS:
		return choose_pos(engine, moment);
	case ENGINE_PCT:
		return choose_pct(engine, moment);
	case ENGINE_RANDOM:
		return choose_of(engine, moment->eligible);
	default:
		return by_default(engine, moment);
	}
}

unsigned engine_decide(struct engine *engine, const struct moment *moment, struct schedule *taken)
{
	unsigned chosen = engine_choose(engine, moment);

	if (chosen != by_default(engine, moment) && taken->count < DIRECTIVES_MAX)
		taken->directives[taken->count++] =
			(struct directive){(uint8_t)moment->running, (uint8_t)chosen, moment->done};
	return chosen;
}

bool engine_next(struct engine *engine)
{
	if (engine->steps > engine->longest)
		engine->longest = engine->steps;
	engine->run++;
	engine->redundant_runs += engine->redundant;
	switch (engine->kind) {
	case ENGINE_EVERY:
	case ENGINE_BOUNDED:
		return next_deep(engine);
	case ENGINE_REPLAY:
		return false;
	default:
		return true;
	}
}
