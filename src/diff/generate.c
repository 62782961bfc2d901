/* SPDX-License-Identifier: MIT */
#include "diff/generate.h"

#include <stdio.h>
#include <string.h>

static const struct menu *const menus[MECHANISM_COUNT] = {
	[MECHANISM_mq] = &mq_menu,	   [MECHANISM_msg] = &msg_menu,
	[MECHANISM_semset] = &semset_menu, [MECHANISM_sem] = &sem_menu,
	[MECHANISM_shm] = &shm_menu,	   [MECHANISM_pipe] = &pipe_menu,
	[MECHANISM_fifo] = &fifo_menu,	   [MECHANISM_event] = &event_menu,
	[MECHANISM_lock] = &lock_menu,	   [MECHANISM_sock] = &sock_menu,
	[MECHANISM_sig] = &sig_menu,
};

const struct menu *menu_of(enum mechanism mechanism)
{
	return menus[mechanism];
}

/* -- handles ---------------------------------------------------------------------------------- */

uint32_t handle_bit(const struct menu *menu, const char *name)
{
	for (unsigned i = 0; name && menu->handles[i]; i++)
		if (strcmp(menu->handles[i], name) == 0)
			return 1u << i;
	return 0;
}

static uint32_t end_bits(const struct menu *menu, const char *name, const char *one,
			 const char *other)
{
	char a[HANDLE_MAX + 2], b[HANDLE_MAX + 2];

	snprintf(a, sizeof(a), "%s%s", name, one);
	snprintf(b, sizeof(b), "%s%s", name, other);
	return handle_bit(menu, a) | handle_bit(menu, b);
}

bool choice_fits(const struct menu *menu, const struct choice *choice, const op *o, uint32_t had)
{
	if ((choice->does & NEEDS) && !(handle_bit(menu, o->handle) & had))
		return false;
	if ((choice->does & NEEDS_OTHER) && !(handle_bit(menu, o->other) & had))
		return false;
	return !(choice->does & ONCE) || !(handle_bit(menu, o->handle) & had);
}

uint32_t handles_after(const struct menu *menu, const struct choice *choice, const op *o,
		       uint32_t had)
{
	if (choice->does & DROPS)
		had &= ~handle_bit(menu, o->handle);
	if (choice->does & MAKES)
		had |= handle_bit(menu, o->handle);
	if (choice->does & MAKES_OTHER)
		had |= handle_bit(menu, o->other);
	if (choice->does & MAKES_ENDS)
		had |= end_bits(menu, o->handle, ":r", ":w");
	if (choice->does & MAKES_PAIR)
		had |= end_bits(menu, o->handle, ":a", ":b");
	return had;
}

/* -- who ------------------------------------------------------------------------------------- */

enum who { IDLE, BLOCKED, DEAF, LIVING, MORTAL };

static bool is_one(const struct standing *s, enum who who)
{
	if (!s->is_cast || s->is_gone)
		return false;
	switch (who) {
	case IDLE:
		return !s->is_blocked;
	case BLOCKED:
		return s->is_blocked;
	case DEAF:
		return s->is_blocked && s->is_poked;
	case MORTAL:
		return !hold_spares(s);
	default:
		return true;
	}
}

static int count_of(const struct standing *standings, enum who who)
{
	int count = 0;

	for (int i = 0; i < DIFF_ACTORS; i++)
		count += is_one(&standings[i], who);
	return count;
}

static bool is_somebody(const struct standing *standings, long long actor)
{
	return actor >= 0 && actor < DIFF_ACTORS && is_one(&standings[actor], LIVING);
}

bool can_do(const struct menu *menu, const struct choice *choice, const op *o,
	    const struct standing standings[DIFF_ACTORS], int actor)
{
	if (choice->does & FEW && count_of(standings, BLOCKED) > 1)
		return false;
	if (choice->does & TO_ACTOR && !is_somebody(standings, o->n[0]))
		return false;
	return choice_fits(menu, choice, o, standings[actor].handles) &&
	       hold_allows(menu, choice, o, standings, actor);
}

/* -- drawing ---------------------------------------------------------------------------------- */

uint64_t draw(uint64_t *state)
{
	uint64_t z = (*state += 0x9E3779B97F4A7C15u);

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static unsigned below(struct generator *g, unsigned limit)
{
	return (unsigned)(draw(&g->state) % limit);
}

static const char *one_name(struct generator *g, const char *const *names)
{
	unsigned count = 0;

	if (!names)
		return NULL;
	while (names[count])
		count++;
	return names[below(g, count)];
}

/* The plainest more often than the others. */
static long long one_number(struct generator *g, const struct pool *pool)
{
	if (pool->count == 0)
		return 0;
	return pool->numbers[below(g, 3) ? below(g, (unsigned)pool->count)
					 : below(g, (unsigned)(pool->count + 1) / 2)];
}

static op draw_op(struct generator *g, const struct choice *choice)
{
	op o = {.code = choice->code,
		.handle = one_name(g, choice->handles),
		.other = one_name(g, choice->others),
		.bytes = one_name(g, choice->texts)};

	o.empty = o.bytes && !*(const char *)o.bytes;
	for (int i = 0; i < OP_NUMBERS; i++)
		o.n[i] = one_number(g, &choice->n[i]);
	return o;
}

static const struct choice *one_choice(struct generator *g)
{
	unsigned sum = 0, at;

	for (size_t i = 0; i < g->menu->choice_count; i++)
		if (!g->is_left_out[g->menu->choices[i].code])
			sum += g->menu->choices[i].weight;
	if (sum == 0)
		return NULL;
	at = below(g, sum);
	for (size_t i = 0;; i++) {
		const struct choice *choice = &g->menu->choices[i];

		if (g->is_left_out[choice->code])
			continue;
		if (at < choice->weight)
			return choice;
		at -= choice->weight;
	}
}

static bool draw_operation(struct generator *g, const struct standing *standings, struct act *act)
{
	for (int tries = 0; tries < 200; tries++) {
		const struct choice *choice = one_choice(g);

		if (!choice)
			return false;
		op o = draw_op(g, choice);
		if (!can_do(g->menu, choice, &o, standings, act->actor))
			continue;
		act->kind = ACT_DO;
		act->choice = choice;
		act->o = o;
		return true;
	}
	return false;
}

/* -- whose turn it is ------------------------------------------------------------------------- */

/* One of those; there must be some. */
static int one_of(struct generator *g, const struct standing *standings, enum who who)
{
	unsigned at = below(g, (unsigned)count_of(standings, who));

	for (int i = 0;; i++)
		if (is_one(&standings[i], who) && at-- == 0)
			return i;
}

/* Of all, or of those that must be alone: who is one too many; -1: nobody. */
static int one_too_many(const struct standing *standings, int at_most, bool alone)
{
	int last = -1, count = 0;

	for (int i = 0; i < DIFF_ACTORS; i++) {
		if (!is_one(&standings[i], BLOCKED) || (alone && !standings[i].is_alone))
			continue;
		count++;
		if (last < 0 || standings[i].since > standings[last].since)
			last = i;
	}
	return count > at_most ? last : -1;
}

static int next_actor(const struct generator *g, const struct standing *standings)
{
	for (int i = 0; i < g->actors; i++)
		if (!standings[i].is_cast)
			return i;
	return -1;
}

static void cast_one(struct generator *g, const struct standing *standings, int actor,
		     struct act *act)
{
	unsigned kin = below(g, 8);

	act->actor = actor;
	act->kind = kin < 2 ? ACT_STRANGER : ACT_CAST;
	if (kin >= 5 && count_of(standings, IDLE)) {
		act->kind = ACT_FORK;
		act->parent = one_of(g, standings, IDLE);
	}
}

static int one_too_many_of_all(const struct generator *g, const struct standing *standings)
{
	int actor = one_too_many(standings, 1, true);

	return actor >= 0 ? actor : one_too_many(standings, g->menu->waiters, false);
}

/* Who is to be got out of where he is blocked; -1: nobody. */
static int unlucky(struct generator *g, const struct standing *standings)
{
	int idle = count_of(standings, IDLE), blocked = count_of(standings, BLOCKED);
	int actor = one_too_many_of_all(g, standings);

	if (actor < 0 && blocked && (idle == 0 || below(g, 20) == 0))
		actor = one_of(g, standings, BLOCKED);
	return actor;
}

/* Who was to be got out can't be, so that all would be luck from here on; or nobody can. */
static bool is_stuck(const struct generator *g, const struct standing *standings)
{
	int actor = one_too_many_of_all(g, standings);

	if (actor >= 0)
		return standings[actor].is_poked;
	return count_of(standings, LIVING) == count_of(standings, DEAF);
}

bool generate(struct generator *g, const struct standing standings[DIFF_ACTORS], struct act *act)
{
	int next = next_actor(g, standings);

	memset(act, 0, sizeof(*act));
	if (next >= 0 && (count_of(standings, IDLE) == 0 || below(g, 6) == 0)) {
		cast_one(g, standings, next, act);
		return true;
	}
	if (is_stuck(g, standings))
		return false;
	act->kind = ACT_POKE;
	act->actor = unlucky(g, standings);
	if (act->actor >= 0)
		return true;
	if (below(g, 120) == 0 && count_of(standings, MORTAL)) {
		act->kind = ACT_KILL;
		act->actor = one_of(g, standings, MORTAL);
		return true;
	}
	act->actor = one_of(g, standings, IDLE);
	if (below(g, 150) == 0 && !g->menu->never_execs) {
		act->kind = ACT_EXEC;
		return true;
	}
	return draw_operation(g, standings, act);
}
