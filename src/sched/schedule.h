/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is.  There is no scheduler that is asked: whoever has the turn asks the engine in
 * the arena and hands it over, so that a switch costs one wakeup.  The explorer has it between
 * runs, and when a process has died, for what a process leaves behind is there only once it is
 * dead.
 */
#ifndef IPCTS_SCHED_SCHEDULE_H
#define IPCTS_SCHED_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sched/arena.h"

/* ---- those who explore ---- */

/* Forgets the last run; the engine's state stays. */
void schedule_reset(void);
/* The actor has come into the world, or a worker has a role to play: it can go. */
void schedule_admit(unsigned actor);
/* The turn goes to somebody.  running: who had it last, NOBODY at first. */
void schedule_go_on(unsigned running);
/* Until the run has ended, the holder of the turn is dying, or so much time has passed: false,
 * then. */
bool schedule_watch(int64_t nanoseconds);
/* It is dead: those who wait for what it held, or for itself, try again. */
void schedule_buried(unsigned actor);
/* The run ends, if it hasn't yet. */
void schedule_end(enum ending ending, unsigned actor, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- those who are explored ---- */

/* This process (or thread) is that actor from now on. */
void schedule_become(unsigned actor);
/* Waits for the first turn, or for the next role: then plays it. */
void schedule_enter(void);
/* A worker's role is played; the turn goes on. */
void schedule_leave(void);
/* The actor, or its process, was sent a signal: who handles it, or waits for it, goes on. */
void schedule_signal(unsigned actor, int signal);
void schedule_signal_process(unsigned actor, int signal);
/* No thread of its process takes it. */
bool schedule_all_mask(unsigned actor, int signal);
/* Each other thread of this process masks again what the process handles now: it has done so then.
 */
void schedule_masks(void);
/* The process doesn't go on until it is continued. */
void schedule_stop(unsigned actor, bool stops);
/* It was sent what kills it: this process goes on once it is dead. */
void schedule_kills(unsigned actor);
/* This thread is about to end: those who wait for the key look again. */
void schedule_thread_ends(uint64_t key);
/* All that this actor has stored reaches memory now; what is stored next may, too, be delayed. */
void schedule_drain(void);
/* What this actor does next waits until all stores of that process's threads are seen. */
void schedule_awaits_stores(unsigned process);
/* Whether there is something that it has stored and others don't see. */
bool schedule_has_stores(void);
/* The run has ended: this process does nothing more, until it is killed. */
_Noreturn void schedule_stays(void);
/* This process is about to die: the turn goes to the explorer, who waits until it is dead. */
void schedule_dies(void);

#endif
