/* SPDX-License-Identifier: MIT */
/*
 * What a run that is killed leaves behind: a directory, and objects of the system that its races
 * had made.  A journal in the directory has the keys and names of the latter, each before it is
 * used, and is locked as long as any process of the run lives.  The run's guardian removes what it
 * lists; if that is killed, too, the next run reads those that nobody locks, and does.
 */
#ifndef IPCTS_RACE_RELIC_H
#define IPCTS_RACE_RELIC_H

#include <stddef.h>
#include <sys/types.h>

struct implementation;

/* Removes what killed runs of this user have left, whose objects were this implementation's. */
void relic_sweep(const struct implementation *system);
/* Makes the directory of this run, with its journal: NULL, and errno, if there can't be one. */
const char *relic_open(void);
/* An object of the system by this key, or name, is about to be. */
void relic_note_key(key_t key);
void relic_note_name(const char *name);
/* At the end of the run: the directory goes, and what is listed, if anything is there still. */
void relic_close(const struct implementation *system);

#endif
