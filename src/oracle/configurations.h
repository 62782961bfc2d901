/* SPDX-License-Identifier: MIT */
/*
 * What the search knows at a moment: a set of states that an object may be in, each with which of
 * the operations under way have had their effect by then.
 */
#ifndef IPCTS_ORACLE_CONFIGURATIONS_H
#define IPCTS_ORACLE_CONFIGURATIONS_H

#include "oracle/model.h"

struct configuration {
	uint64_t done; /* the slots whose operations have had their effect */
	uint32_t last; /* which of them did last, since something returned, or NONE: none has */
	struct state state;
};

#define NONE UINT32_MAX

/* No two the same.  While they are few, each is compared with all others. */
struct set {
	char *bytes;
	size_t each, room; /* bytes of each, and of how many there's room for */
	size_t count;
	struct entry {
		uint32_t round, number;
	} * table;	   /* of a power of two */
	size_t table_size; /* 0: nothing is in it */
	uint32_t round;	   /* entries of another are free */
	bool is_in_table;
};

static inline struct configuration *configuration_at(const struct set *set, size_t number)
{
	return (struct configuration *)(void *)(set->bytes + number * set->each);
}

/* There's room for it. */
void configuration_copy(struct configuration *to, const struct configuration *from);

/* A set of zeros is empty. */
void set_clear(struct set *set);
void set_free(struct set *set);

/*
 * Room for one more, with so many items, which isn't in the set before set_keep; others may move.
 * NULL: no memory.
 */
struct configuration *set_draft(struct set *set, uint32_t items);
/* The draft is in the set, if it wasn't.  False: no memory. */
bool set_keep(struct set *set);

#endif
