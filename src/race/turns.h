/* SPDX-License-Identifier: MIT */
/*
 * Turns: of several processes one goes at a time, and an engine says which.  Whoever has the turn
 * asks the engine, in memory that all share, and hands it over; what sleeps on a futex sleeps in
 * here, so that a wakeup that is lost is seen at once.  Processes play one run after the other.
 *
 * The engine, and how turns are handed over, are the explorer's (sched/schedule.c), whose programs
 * may do whatever they like: fork, wait for anything, have handlers, run over with no end.  Here
 * all roles are there from the first, and a futex is all that they can sleep on, for the reference
 * has nothing else; so who is awake, and who was first, is told by its queue, and none of what a
 * program needs besides costs a step anything.
 */
#ifndef IPCTS_RACE_TURNS_H
#define IPCTS_RACE_TURNS_H

#include <stdatomic.h>

#include "race/race.h"
#include "sched/engine.h"

enum {
	TRACE_MAX = 4096,
	TURNS_BUDGET = 20000, /* steps of a run: more is no end at all */
	TURNS_PASSES = 40,    /* how often time may pass in one */
};

enum turns_state { TURNS_READY, TURNS_BLOCKED, TURNS_OVER };

struct turns_step {
	const char *what; /* as the processes have it, which are forks of one */
	const void *pc;	  /* NULL: what has its place in its name, if any */
	unsigned role;
};

struct turns {
	struct engine engine;
	unsigned count;
	struct operation next[ACTORS_MAX]; /* of roles, and of their deaths */
	struct turns_role {
		_Atomic uint32_t turn; /* a futex: 1, it is this one's */
		enum turns_state state;
		uint32_t done;
		uint64_t key, since; /* of a sleep: for what, and who was before */
		int64_t deadline;    /* nanoseconds of any clock; -1: none */
		bool timed_out;
		bool is_mortal;
		unsigned buffered,
			bears; /* stores that others don't see, now and in its next step */
	} role[RACE_ROLES_MAX];
	_Atomic uint32_t is_over; /* a futex: the run is, or a role is to be killed */
	unsigned running, victim; /* NOBODY: none */
	uint32_t kills;		  /* that may come yet */
	bool is_bereft;		  /* one was killed */
	uint32_t steps, passes, traced;
	uint64_t sleeps, yielding;
	unsigned stores; /* that a role may have in its store buffer */
	uint64_t unseen; /* bits from BUFFER_FROM on: those who have any */
	bool is_stuck, is_late;
	struct schedule taken;
	struct turns_step trace[TRACE_MAX];
};

/* Those of this process and of all its forks; NULL: there are none. */
extern struct turns *turns;

/* -- who has them played ---------------------------------------------------------------------- */

struct turns *turns_make(void);
/* Begins a run of so many; those of the roles whose bits are set may be killed. */
void turns_begin(unsigned count, unsigned mortals);
/* Until the run is over, a role is to be killed, or so many milliseconds have passed: false. */
bool turns_wait(int milliseconds);
/* The role that is to be killed now; NOBODY: none is. */
unsigned turns_victim(void);
/*
 * After its death.  The kernel wakes one for each robust futex whose owner dies: of those who sleep
 * for an orphan the one who has slept longest goes on.
 */
void turns_bury(unsigned victim, bool (*is_orphan)(uint64_t key));

/* -- who plays -------------------------------------------------------------------------------- */

void turns_become(unsigned role);
/* Waits for the first turn of a run. */
void turns_enter(void);
/* Its part in it is played. */
void turns_leave(void);
/* Whether there is a run, and this process plays in it. */
bool turns_are_on(void);

/* Another may go first.  The key: what it is about; 1: who knows. */
void turns_point(enum operation_kind kind, uint64_t key, const char *what);
/* The same of the code at pc, which is about to access what the key is about. */
void turns_access(uint64_t key, unsigned access, const char *what, const void *pc);
/*
 * The next that it does is to store to what the key is about, which others may see later; is to
 * load, for which it needn't wait until they do.
 */
void turns_store(void *address, size_t size, uint64_t key, const char *what);
void turns_load(uint64_t key, const char *what);
/* The others first, if they can. */
void turns_yield(const char *what);
/* Sleeps until it is woken; false: time has passed instead, for nobody could go. */
bool turns_sleep(uint64_t key, int64_t deadline, const char *what);
/* Those who have slept longest; how many were there. */
unsigned turns_wake(uint64_t key, unsigned count);
/* They sleep for the other from now on; how many. */
unsigned turns_move(uint64_t key, unsigned count, uint64_t other);

#endif
