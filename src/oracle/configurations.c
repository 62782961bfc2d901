/* SPDX-License-Identifier: MIT */
#include "oracle/configurations.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 12 };

static size_t size_of(uint32_t items)
{
	size_t size = sizeof(struct configuration) + items * sizeof(uint32_t);

	return (size + 7) / 8 * 8;
}

void configuration_copy(struct configuration *to, const struct configuration *from)
{
	*to = *from;
	if (from->state.count)
		memcpy(to->state.items, from->state.items,
		       from->state.count * sizeof(from->state.items[0]));
}

void set_clear(struct set *set)
{
	set->count = 0;
	set->is_in_table = false;
}

void set_free(struct set *set)
{
	free(set->bytes);
	free(set->table);
}

/* Room for one more, and for so much in each. */
static bool set_grow(struct set *set, uint32_t items)
{
	size_t each = set->each ? set->each : size_of(items);
	size_t room = set->count < set->room ? set->room : 2 * set->room + FEW;
	char *bytes;

	while (each < size_of(items))
		each *= 2;
	bytes = room < SIZE_MAX / each ? malloc(room * each) : NULL;
	if (!bytes)
		return false;
	for (size_t i = 0; i < set->count; i++)
		configuration_copy((struct configuration *)(void *)(bytes + i * each),
				   configuration_at(set, i));
	free(set->bytes);
	set->bytes = bytes;
	set->each = each;
	set->room = room;
	return true;
}

struct configuration *set_draft(struct set *set, uint32_t items)
{
	if ((set->count == set->room || size_of(items) > set->each) && !set_grow(set, items))
		return NULL;
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

static bool is_same_state(const struct state *one, const struct state *other)
{
	if (one->word != other->word || one->count != other->count)
		return false;
	for (uint32_t i = 0; i < one->count; i++)
		if (one->items[i] != other->items[i])
			return false;
	return true;
}

static bool is_same(const struct configuration *one, const struct configuration *other)
{
	return one->done == other->done && is_same_state(&one->state, &other->state);
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

/* All of them are in the table, and it has room for one more. */
static bool set_widen(struct set *set)
{
	if (set->is_in_table && 2 * (set->count + 1) <= set->table_size)
		return true;
	if (2 * (set->count + 1) > set->table_size) {
		set->table_size = set->table_size ? 2 * set->table_size : 128;
		free(set->table);
		set->table = calloc(set->table_size, sizeof(*set->table));
		set->round = 0;
		if (!set->table)
			return false;
	}
	set->round++;
	for (uint32_t i = 0; i < set->count; i++)
		*entry_of(set, configuration_at(set, i)) = (struct entry){set->round, i};
	return set->is_in_table = true;
}

bool set_keep(struct set *set)
{
	struct configuration *draft = configuration_at(set, set->count);
	struct entry *entry;

	if (set->count < FEW) {
		for (size_t i = 0; i < set->count; i++)
			if (is_same(draft, configuration_at(set, i)))
				return true;
		set->count++;
		return true;
	}
	if (!set_widen(set))
		return false;
	entry = entry_of(set, draft);
	if (entry->round != set->round)
		*entry = (struct entry){set->round, (uint32_t)set->count++};
	return true;
}
