/* SPDX-License-Identifier: MIT */
/*
 * Races: roles that act on one world at once, and what may come of it.
 *
 *	struct permit { sem_t sem; };
 *
 *	RACE(sem, one_post_lets_one_by) = {
 *		.text = "of two who try, one gets what was posted",
 *		.world = sizeof(struct permit),
 *		.make = make_empty,
 *		.roles = {{"poster", post}, {"alice", try}, {"bob", try}},
 *		.after = take_what_is_left,
 *		.outcomes = {
 *			{"0 0 -EAGAIN | 0", ALLOWED, "alice was the first"},
 *			...
 *		},
 *	};
 *
 * The text is the same whoever decides who goes next: an engine, at the points of the reference and
 * wherever it sleeps, one role at a time; or the machine, where all run at once.
 */
#ifndef IPCTS_RACE_RACE_H
#define IPCTS_RACE_RACE_H

#include <stdbool.h>
#include <stddef.h>

#include "contract/implementation.h"

enum { RACE_ROLES_MAX = 4, RACE_OUTCOMES_MAX = 16, RACE_OUTCOME_MAX = 96 };

enum race_grade { FORBIDDEN, ALLOWED };

struct race_role {
	const char *name;
	/* Its answer: a number, or -errno. */
	long long (*play)(void *world);
};

struct race_outcome {
	/*
	 * The roles' answers in their order, and after a bar what `after` says: "0 -EAGAIN | 1", a
	 * glob.  "never": it waits for ever; "died": its process did; "killed": at a point, on
	 * purpose; and "late" at the end: if nobody's patience had come to an end, somebody would
	 * have waited for ever.
	 */
	const char *outcome;
	enum race_grade grade;
	const char *why;
};

struct race {
	const char *name, *file; /* RACE's */
	int line;
	bool is_bug; /* known to be wrong: engines are measured by it (bug.h) */
	const char *text;
	size_t world; /* its size; in memory that all roles share, zero at first */
	/* Once for many races, before there are roles.  False: errno says why there is none. */
	bool (*make)(void *world);
	struct race_role roles[RACE_ROLES_MAX];
	/* So many of them, the first, may be killed: the others, and `after`, get on without. */
	unsigned mortals;
	/*
	 * So many stores that a role tells of by race_stores may be unseen by others for a while,
	 * as a processor of x86 has them; 0: each is seen at once.  Only by turns: all at once have
	 * what the machine has.
	 */
	unsigned stores;
	/* When all are done: what is left, which is taken away, so that all is as make made it. */
	long long (*after)(void *world);
	void (*remove)(void *world);
	/* What matches none is forbidden. */
	struct race_outcome outcomes[RACE_OUTCOMES_MAX];
	struct race *next;
};

void race_register(struct race *race);
const struct race *race_first(void);
unsigned race_role_count(const struct race *race);

#define RACE(mechanism, identifier)                                                                \
	static struct race race_##mechanism##_##identifier;                                        \
	__attribute__((constructor)) static void register_##mechanism##_##identifier(void)         \
	{                                                                                          \
		struct race *race = &race_##mechanism##_##identifier;                              \
                                                                                                   \
		race->name = #mechanism "." #identifier;                                           \
		race->file = __FILE__;                                                             \
		race->line = __LINE__;                                                             \
		race_register(race);                                                               \
	}                                                                                          \
	static struct race race_##mechanism##_##identifier

/* The implementation that is judged. */
extern const struct implementation *impl;

/* Within what a role does: another may go first here, or this one be late. */
void race_step(const char *what);
/* The same before a store to the world that is no fence, and before a load of it. */
void race_stores(volatile void *place, size_t size);
void race_loads(const volatile void *place);
/* A name, a path and a key that nobody else's object has; each is another one.  (Not IPC_PRIVATE:
 * what a killed run has left is found by its key.) */
enum { RACE_NAME_MAX = 96 };
void race_name(char name[RACE_NAME_MAX]);
void race_path(char path[RACE_NAME_MAX]);
key_t race_key(void);
/* Where the paths are, and whether all objects are there, or some are the system's. */
void race_enter(const char *directory, bool is_all_there);
/* result, or -errno if it is -1. */
long long answer(long long result);

#endif
