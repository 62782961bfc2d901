/* SPDX-License-Identifier: MIT */
/*
 * What may be done, mechanism by mechanism: operations with their weights, and for each argument
 * the pool it is drawn from, the plainest first.
 */
#ifndef IPCTS_DIFF_GENERATE_H
#define IPCTS_DIFF_GENERATE_H

#include "contract/rule.h"
#include "diff/hold.h"
#include "diff/script.h"

/* What an operation asks of an actor's handles, and does to them if it succeeds. */
enum choice_does {
	NEEDS = 1,	  /* the actor must have the handle */
	NEEDS_OTHER = 2,  /* ... and the other one */
	MAKES = 4,	  /* then it has it */
	MAKES_OTHER = 8,  /* ... the other one */
	MAKES_ENDS = 16,  /* ... h:r and h:w */
	MAKES_PAIR = 32,  /* ... h:a and h:b */
	DROPS = 64,	  /* then it has it no more */
	COMES_BACK = 128, /* has a timeout, a short one: it is waited for */
	ONCE = 256,	  /* only if the actor doesn't have the handle */
	ALONE = 1024, /* of those that block in one, only one at a time: who goes first is luck */
	FEW = 2048,   /* only while at most one is blocked: it makes all of them queue anew */
	SAYS_LITTLE = 512, /* of its outcome only whether it failed is compared */
	TO_ACTOR = 4096,   /* the first number is an actor's, who must live */
	/* of locks that are anybody's who says so: see hold.h */
	SHARES = 8192,	     /* then it holds it, as others may */
	EXCLUDES = 16384,    /* then it holds it, and nobody else does */
	RELEASES = 32768,    /* it must hold it, and doesn't then */
	NEVER_WAITS = 65536, /* it fails rather than wait, also for itself */
	SPINS = 131072	     /* it waits busily: only while nobody holds any of that name */
};

struct pool {
	const long long *numbers;
	size_t count;
};

struct choice {
	enum op_code code;
	unsigned weight, does;
	const char *const *handles, *const *others; /* ended by NULL */
	const char *const *texts;
	struct pool n[OP_NUMBERS];
};

#define NUMBERS(...)                                                                               \
	{                                                                                          \
		(const long long[]){__VA_ARGS__},                                                  \
			sizeof((const long long[]){__VA_ARGS__}) / sizeof(long long)               \
	}
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

struct menu {
	enum mechanism mechanism;
	const char *const *handles; /* all of them, ended by NULL */
	const struct choice *choices, *audits;
	size_t choice_count, audit_count;
	int waiters; /* who may be blocked at a time, so that who goes first is no matter of luck */
	const long long *blocks; /* a set of signals that all block; NULL: none */
	bool ignores_sigpipe;
	bool never_execs;   /* for handles of the stage's own would lead nowhere then */
	bool outlives_exec; /* handles do: they are no descriptors and no addresses */
};

#define MENU_OF(table) table, sizeof(table) / sizeof((table)[0])

extern const struct menu sig_menu, mq_menu, msg_menu, semset_menu, sem_menu, shm_menu, pipe_menu,
	fifo_menu, event_menu, lock_menu, sock_menu;
/* NULL: there's none. */
const struct menu *menu_of(enum mechanism mechanism);

/* The bit of a handle; 0: it is none of the menu's. */
uint32_t handle_bit(const struct menu *menu, const char *name);
/* Whether an actor with these handles can do it, and what it has after it has succeeded. */
bool choice_fits(const struct menu *menu, const struct choice *choice, const op *o, uint32_t had);
uint32_t handles_after(const struct menu *menu, const struct choice *choice, const op *o,
		       uint32_t had);

struct generator {
	const struct menu *menu;
	uint64_t state;
	int actors;		 /* at most */
	const bool *is_left_out; /* operations by code */
};

/* How an actor stands when the next act is to be chosen. */
struct standing {
	bool is_cast, is_gone, is_blocked, is_alone;
	bool is_poked;	/* since it became blocked: a signal doesn't get it out */
	bool is_locked; /* blocked in what SHARES or EXCLUDES */
	uint32_t handles;
	struct holding holding;
	unsigned since; /* the act at which it became blocked */
};

/* Whether the idle actor can do it, as all stand, and nothing of it is undefined. */
bool can_do(const struct menu *menu, const struct choice *choice, const op *o,
	    const struct standing standings[DIFF_ACTORS], int actor);

/* The next act; false: nothing more can be done. */
bool generate(struct generator *generator, const struct standing standings[DIFF_ACTORS],
	      struct act *act);
uint64_t draw(uint64_t *state);

#endif
