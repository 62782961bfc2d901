/* SPDX-License-Identifier: MIT */
/* The last run, told step by step. */
#ifndef IPCTS_SCHED_STORY_H
#define IPCTS_SCHED_STORY_H

#include <stdio.h>

#include "sched/operation.h"

enum { STORY_PLACE_MAX = 96 };

/*
 * Each step with its place in the source, those of one process in one line of it as one; of a long
 * run the beginning and the end.  prefix begins each line.
 */
void story_tell(FILE *file, const char *prefix);
/* Where in the source that is, in a buffer of STORY_PLACE_MAX. */
void story_place(const struct operation *operation, char *text);

#endif
