/* SPDX-License-Identifier: MIT */
/*
 * The memory that all processes of a program share with each other, and with the explorer if there
 * is one: who they are, what each is about to do, whose turn it is, what happened so far.  A
 * program finds it by its environment, through exec too.  Nothing in it is an address.
 */
#ifndef IPCTS_SCHED_ARENA_H
#define IPCTS_SCHED_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sched/engine.h"
#include "sched/operation.h"

enum {
	ARENA_MAGIC = 0x69706373,
	ARENA_VERSION = 4,
	/* The exit status of a program whose runtime is another version. */
	ARENA_REFUSED = 126,
	OBJECTS_MAX = 4096,
	MODULES_MAX = 32,
	MODULE_PATH_MAX = 256,
	STEPS_MAX = 1 << 18,
	REASON_MAX = 256,
	BARRIERS_MAX = 64,
	LEFTOVERS_MAX = 4096,
	LEFTOVER_NAME_MAX = 256,
};

/* Its name in the environment: "DESCRIPTOR,PATH", each of which leads to it. */
#define ARENA_ENVIRONMENT "IPCTS_ARENA"

enum segment_kind { SEGMENT_NONE, SEGMENT_FILE, SEGMENT_SYSV, SEGMENT_ANONYMOUS };

/* What makes two mappings one segment. */
struct segment_identity {
	uint32_t kind;
	uint64_t device, number;
};

/* Something that is numbered by first appearance. */
struct numbered {
	_Atomic uint32_t state; /* empty, being entered, entered */
	uint32_t kind;
	uint64_t device, number;
};

enum actor_state {
	ACTOR_NONE,
	ACTOR_READY,
	ACTOR_BLOCKED,
	ACTOR_SPINNING, /* reads over and over what nobody writes */
	ACTOR_DYING,	/* the explorer waits until it is dead */
	ACTOR_GONE,
	ACTOR_IDLE, /* a worker between two runs */
};

enum { SPIN_READS = 16, SPIN_TIMES = 20, SPIN_PATIENCE = 50, YIELD_TIMES = 3 };

/* What an actor is given the turn for: to go on, for its oldest store to reach memory, or to mask
 * signals, for its process handles others now. */
enum turn { TURN_NONE, TURN_GOES_ON, TURN_FLUSHES, TURN_MASKS };

/* A process, or a thread. */
struct actor {
	_Atomic uint32_t turn; /* a futex: enum turn */
	_Atomic int32_t pid, tid;
	_Atomic uint32_t state; /* enum actor_state */
	uint32_t parent;	/* NOBODY: the explorer's */
	uint32_t process;	/* the actor that is its first thread */
	uint32_t done;		/* times another could have gone instead, in this run */
	uint8_t module;
	bool updated;	/* its last operation was an update, which may prove to have changed nothing
			 */
	bool timed_out; /* why it goes on */
	bool interrupted;
	bool chosen;	/* one of those of whom only some are woken: see wake_left */
	bool collected; /* its parent has waited for it */
	bool spawned;	/* it is to begin with a program of its own */
	int32_t status; /* once it is gone: what waitpid told */
	uint64_t blocked_on;
	int64_t deadline; /* virtual; FOREVER: none */
	int64_t alarm;	  /* of a process: when SIGALRM comes; FOREVER: it doesn't */
	int64_t interval; /* and then again; 0: it doesn't */
	uint64_t wake_key;
	/* bits: 1 << (signal - 1).  Sent to this thread alone and not yet taken; and to its
	 * process, whichever thread takes it, which is told by the process. */
	_Atomic uint64_t signals, common;
	uint64_t handled, restarts, ignored; /* of a process */
	uint64_t masked, awaited;	     /* of a thread */
	_Atomic uint32_t masks;		     /* a futex: 1, it is to mask again what is handled */

	/* its store buffer: how many stores are in it, and may be for what it is about to do; and
	 * whose have to be empty for that: bits */
	uint32_t buffered, bears;
	uint64_t emptied;

	/* the reads since the last write by anybody, to know a loop that waits */
	uint64_t writes_seen;
	struct {
		uint64_t key, pc;
		uint32_t times;
	} reads[SPIN_READS];
};

enum ending {
	ENDING_NONE, /* it is still going on */
	ENDING_DONE, /* all exited with 0 */
	ENDING_STATUS,
	ENDING_CRASH,
	ENDING_ASSERTION,
	ENDING_DEADLOCK,
	ENDING_LIVELOCK,
	ENDING_STEPS,	     /* the budget of steps is used up */
	ENDING_TIME,	     /* a process went on without a point for too long */
	ENDING_UNKNOWN_CALL, /* it sleeps in a call the runtime doesn't know */
	ENDING_RACE,	     /* the detector said so */
	ENDING_TROUBLE,	     /* what the runtime can't do */
	ENDING_REFUSED,	     /* the next operation is what it can't do */
	ENDINGS
};

/* An operation that was done. */
struct step {
	struct operation operation;
	uint8_t actor;
};

enum server_state {
	SERVER_STARTING,
	SERVER_IDLE,
	SERVER_ASKED,
	SERVER_BUSY,
	SERVER_REFUSED,
	SERVER_ENDED /* before it was one */
};

/* Wakes that are the engine's to give: so many of those who waited then. */
struct wake {
	uint64_t key;
	uint32_t left;
};

struct barrier {
	uint64_t key;
	uint32_t count, arrived, round;
};

enum leftover_kind {
	LEFTOVER_NONE,
	LEFTOVER_SEMSET,
	LEFTOVER_MSG,
	LEFTOVER_SHM,
	LEFTOVER_SHM_NAME,
	LEFTOVER_SEM_NAME,
	LEFTOVER_MQ_NAME,
	LEFTOVER_BEING_NOTED
};

/* What the run has made, and may not have removed. */
struct leftover {
	_Atomic uint32_t kind;
	int32_t id;
	bool keyless; /* IPC_PRIVATE: only who made it, and those it told, knew of it */
	char name[LEFTOVER_NAME_MAX];
};

struct arena {
	uint32_t magic, version;
	uint64_t size;
	uint32_t mode; /* of runtime.h */

	/* ---- who ---- */
	_Atomic uint32_t actors; /* ever */
	struct actor actor[ACTORS_MAX];
	struct operation next[ACTORS_MAX];

	/* ---- what is numbered ---- */
	struct numbered objects[OBJECTS_MAX];
	_Atomic uint64_t fresh; /* anonymous mappings and whatever else has no identity */
	_Atomic uint32_t modules;
	struct {
		_Atomic uint32_t state;
		char path[MODULE_PATH_MAX];
	} module[MODULES_MAX];

	/* ---- the fork server: the program, stopped before its main ---- */
	_Atomic int32_t explorer_pid, guardian_pid, server_pid;
	int32_t server_status;	 /* as waitpid tells it: SERVER_ENDED */
	_Atomic uint32_t server; /* a futex: enum server_state */

	/* ---- this run ---- */
	_Atomic uint32_t holder;   /* whose turn it is; NOBODY: the explorer's */
	uint32_t running;	   /* whose turn it was last */
	_Atomic uint32_t explorer; /* a futex: 1, it is to look */
	_Atomic uint32_t ending;   /* enum ending */
	_Atomic uint32_t ended_by; /* an actor */
	char reason[REASON_MAX];   /* of the ending, in words */
	uint32_t budget;	   /* of steps */
	uint32_t steps;
	uint64_t hash;	/* of the steps done */
	uint64_t ready; /* bits: those who can go */
	uint64_t stopped, spinning;
	uint32_t stores; /* that a store buffer holds; 0: memory is sequentially consistent */
	uint32_t kills;	 /* that may come yet */
	uint64_t writes;
	int64_t now;	     /* virtual */
	bool spun;	     /* somebody was taken for a spinner */
	bool locks_files;    /* somebody has locked one: a close may unlock */
	bool shared;	     /* something was shared: memory, or an object */
	_Atomic bool spawns; /* a program may begin before it is said which actor it is */
	uint32_t patience;   /* turns given to spinners when there was nobody else */
	struct wake wake[ACTORS_MAX];
	struct barrier barrier[BARRIERS_MAX];
	_Atomic uint32_t making;    /* a futex: how many are about to note what they make */
	_Atomic uint32_t leftovers; /* places that were used, whether or not they still are */
	struct leftover leftover[LEFTOVERS_MAX];

	struct schedule taken; /* the run's own: the switches that were no default */
	struct engine engine;
	struct step trace[STEPS_MAX];
};

/* This process's, after runtime_start(); NULL: none. */
extern struct arena *arena;

/* The number of what has this identity; it gets the next if it has none. Atomic, and survives
 * kills. */
uint32_t arena_number(struct numbered *table, uint32_t room, uint32_t kind, uint64_t device,
		      uint64_t number);
/* A new actor, not yet ready: a child to be, a worker. NOBODY: there are too many. */
unsigned arena_enter(unsigned parent);
unsigned arena_actors_max(void);
/* A module's number by its path. */
unsigned arena_module(const char *path);

/* The explorer's, or a harness's: a new one, which its children inherit. */
struct arena *arena_make(unsigned mode);
void arena_unmake(void);
/* For the environment of a program. */
void arena_export(void);
/* By the environment; NULL: there is none. */
struct arena *arena_join(void);

#endif
