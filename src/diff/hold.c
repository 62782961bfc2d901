/* SPDX-License-Identifier: MIT */
#include "diff/hold.h"

#include "diff/generate.h"

/* Of a handle that the menu has. */
static unsigned number_of(const struct menu *menu, const char *handle)
{
	uint32_t bit = handle_bit(menu, handle);
	unsigned number = 0;

	while (number < HANDLES_PER_MECHANISM - 1 && !(bit & 1u << number))
		number++;
	return number;
}

static bool is_held(const struct standing *standings, uint32_t bit)
{
	for (int i = 0; i < DIFF_ACTORS; i++)
		if (standings[i].holding.alone & bit)
			return true;
	return false;
}

static bool is_waited_for(const struct standing *standings)
{
	for (int i = 0; i < DIFF_ACTORS; i++)
		if (standings[i].is_blocked && standings[i].is_locked)
			return true;
	return false;
}

/* Who is let in first of several is luck, and no signal gets one of them out. */
static bool may_wait(const struct choice *choice, const struct standing *standings, bool is_alone,
		     bool is_shared)
{
	if (is_alone || (is_shared && choice->does & EXCLUDES))
		return false;
	return choice->does & COMES_BACK || !is_waited_for(standings);
}

bool hold_allows(const struct menu *menu, const struct choice *choice, const op *o,
		 const struct standing *standings, int actor)
{
	if (!(choice->does & (SHARES | EXCLUDES | RELEASES)))
		return true;
	uint32_t bit = handle_bit(menu, o->handle);
	const struct holding *holding = &standings[actor].holding;
	bool is_alone = holding->alone & bit;
	bool is_shared = holding->shared[number_of(menu, o->handle)] > 0;

	if (choice->does & RELEASES)
		return is_alone || is_shared;
	if (choice->does & SPINS && is_held(standings, bit))
		return false;
	return choice->does & NEVER_WAITS || may_wait(choice, standings, is_alone, is_shared);
}

void hold_changes(const struct menu *menu, const struct choice *choice, const op *o,
		  struct holding *holding)
{
	uint32_t bit = handle_bit(menu, o->handle);
	unsigned char *shared = &holding->shared[number_of(menu, o->handle)];

	if (choice->does & SHARES)
		(*shared)++;
	if (choice->does & EXCLUDES)
		holding->alone |= bit;
	if (choice->does & RELEASES && holding->alone & bit)
		holding->alone &= ~bit;
	else if (choice->does & RELEASES)
		(*shared)--;
}

bool hold_spares(const struct standing *standing)
{
	bool holds = standing->holding.alone != 0;

	for (int i = 0; i < HANDLES_PER_MECHANISM; i++)
		holds |= standing->holding.shared[i] > 0;
	return holds || (standing->is_blocked && standing->is_locked);
}
