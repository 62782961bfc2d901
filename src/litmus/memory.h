/* SPDX-License-Identifier: MIT */
/*
 * Kinds of memory that processes share.  Each role has a mapping of its own, at an address of its
 * own where the kind allows it, and all are made before there are roles: what is named by a path or
 * an identifier has lost its name by then, and nothing is left behind, whoever is killed.
 */
#ifndef IPCTS_LITMUS_MEMORY_H
#define IPCTS_LITMUS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "litmus/shape.h"

struct shared_memory {
	size_t size;
	_Atomic uint32_t *views[ROLES_MAX]; /* the same bytes */
	unsigned count;			    /* of views */
	char trouble[160];		    /* why there is none */
};

struct memory_kind {
	const char *name, *text;
	bool (*make)(struct shared_memory *memory);
	void (*unmap)(struct shared_memory *memory, unsigned view);
};

extern const struct memory_kind memory_kinds[];
extern const size_t memory_kind_count;

/* False: it can't be had, and memory->trouble says why. */
bool memory_make(const struct memory_kind *kind, struct shared_memory *memory, unsigned views,
		 size_t size);
void memory_unmake(const struct memory_kind *kind, struct shared_memory *memory);

#endif
