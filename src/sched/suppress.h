/* SPDX-License-Identifier: MIT */
/*
 * Races that are known: a file of lines "race:PATTERN" (a function, file or module in either stack)
 * or "segment:PATTERN" (the segment's name).  In a pattern * stands for anything.
 */
#ifndef IPCTS_SCHED_SUPPRESS_H
#define IPCTS_SCHED_SUPPRESS_H

#include <stdbool.h>

/* One line and exit status 2 if it can't be read. */
void suppressions_read(const char *path);
bool suppressed_frame(const char *function, const char *file, const char *module);
bool suppressed_segment(const char *name);

#endif
