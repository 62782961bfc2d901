/* SPDX-License-Identifier: MIT */
/* Addresses in words: function, file and line. */
#ifndef IPCTS_SCHED_SYMBOL_H
#define IPCTS_SCHED_SYMBOL_H

#include <stddef.h>

#include "sched/world.h"

enum { SYMBOL_ROOM = 192, CALLS_MAX = 32 };

struct symbol {
	char function[SYMBOL_ROOM], place[SYMBOL_ROOM]; /* place: file:line, or module+offset */
	const char *module;
};

/* The calls of a stack, the innermost first, with those that were inlined; how many. */
size_t symbolise(const struct stack *stack, struct symbol *calls, size_t room);

#endif
