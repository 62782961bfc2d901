/* SPDX-License-Identifier: MIT */
/* What follows from the figures of one run, and how they stand to what the reference aims at. */
#ifndef IPCTS_COMMAND_CONCLUSION_H
#define IPCTS_COMMAND_CONCLUSION_H

#include "bench/bench.h"

/* Keeps the figures of a cell. */
void conclusion_keep(const struct cell *cell, const struct runner *runners, size_t count);

/* Each is told what it says line by line; what wasn't measured isn't concluded from. */
typedef void say_line(void *to, const char *line);
void conclusion_say_what_follows(say_line *say, void *to);
void conclusion_say_targets(say_line *say, void *to);

#endif
