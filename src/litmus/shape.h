/* SPDX-License-Identifier: MIT */
/*
 * Litmus shapes: a few accesses of two to four roles, whose outcomes tell how a machine orders
 * memory (Alglave, Maranget & Tautschnig 2014, whose names they have).  A shape is told once, in
 * shapes.def, and is both: what is performed, and what the models reason about.
 */
#ifndef IPCTS_LITMUS_SHAPE_H
#define IPCTS_LITMUS_SHAPE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "report/sheet.h"

enum {
	ROLES_MAX = 4,
	INSTRUCTIONS_MAX = 4, /* of a role */
	REGISTERS_MAX = 2,    /* of a role */
	OBSERVED_MAX = 6,
	VALUE_BITS = 2, /* of whatever is observed */
	OUTCOMES = 1 << (OBSERVED_MAX * VALUE_BITS),
};

enum location { LOCATION_x, LOCATION_y, LOCATION_z, LOCATIONS };
enum { SEES_x = 1 << LOCATION_x, SEES_y = 1 << LOCATION_y, SEES_z = 1 << LOCATION_z };

enum instruction_kind {
	INSTRUCTION_NONE,
	INSTRUCTION_STORE,
	INSTRUCTION_LOAD,
	INSTRUCTION_ADD, /* loads, and stores one more, as one */
	INSTRUCTION_FENCE,
};

struct instruction {
	enum instruction_kind kind;
	enum location location;
	unsigned value; /* that is stored */
	unsigned to;	/* the register that is loaded */
	memory_order order;
};

/* Each location has a cache line of its own. */
enum { LINE = 64, WORDS_OF_LINE = LINE / sizeof(uint32_t), INSTANCE = LOCATIONS * WORDS_OF_LINE };

struct shape {
	const char *name, *text;
	struct instruction roles[ROLES_MAX][INSTRUCTIONS_MAX]; /* those of no kind end them */
	unsigned seen; /* locations whose last value is part of the outcome: SEES_x and so on */
	/*
	 * Does what the role does to the INSTANCE words of an instance; its registers, VALUE_BITS
	 * each.
	 */
	unsigned (*perform)(unsigned role, _Atomic uint32_t *instance);
};

extern const struct shape shapes[];
extern const size_t shape_count;

unsigned shape_roles(const struct shape *shape);
unsigned shape_registers(const struct shape *shape, unsigned role);
/* How many values an outcome has. */
unsigned shape_observed(const struct shape *shape);
/* An outcome, of the packed registers of each role and the last values of all locations. */
unsigned shape_outcome(const struct shape *shape, const unsigned registers[ROLES_MAX],
		       const unsigned last[LOCATIONS]);

/* "0:r0=1; 1:r0=0; x=2;", as litmus7 does. */
void shape_say_outcome(const struct shape *shape, unsigned outcome, struct sheet *sheet);
/* What each role does, a line each. */
void shape_say(const struct shape *shape, const char *prefix, struct sheet *sheet);

#endif
