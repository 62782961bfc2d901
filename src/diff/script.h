/* SPDX-License-Identifier: MIT */
/*
 * A script is a list of acts, each by one actor: it is cast, does an operation, is sent a signal,
 * is killed.  An act that can't be performed when its turn comes (the actor is blocked or dead, or
 * has no such handle) is left out, so that any part of a script is a script.  A trace is what has
 * been seen at each of its acts.
 */
#ifndef IPCTS_DIFF_SCRIPT_H
#define IPCTS_DIFF_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/vocabulary.h"

enum { DIFF_ACTORS = 4, ACTS_MAX = 240, SEEN_MAX = 128, SHOWN_BYTES = 48, DIVERGENCE_NAME = 96 };

enum act_kind { ACT_CAST, ACT_STRANGER, ACT_FORK, ACT_EXEC, ACT_DO, ACT_POKE, ACT_KILL };

struct choice;

struct act {
	enum act_kind kind;
	int actor, parent;	     /* by number; the parent of who is forked */
	const struct choice *choice; /* what the operation was drawn from */
	op o;			     /* its pointers are to constants */
};

struct script {
	int count;
	struct act acts[ACTS_MAX];
};

enum seen_how { SEEN_RETURNED, SEEN_BLOCKED };

/* What was seen of one operation, without what may differ by nature. */
struct seen {
	int actor;
	enum seen_how how;
	bool is_audit;
	op o;
	long long value;
	int error;
	long long n[OUTCOME_NUMBERS];
	bool has_bytes;
	size_t size;
	uint64_t hash; /* of all bytes */
	char bytes[SHOWN_BYTES];
};

/* The operation itself, if there's one, then whoever was blocked before, then the audit. */
struct step {
	bool performed;
	int count;
	struct seen seen[SEEN_MAX];
};

struct trace {
	int count; /* steps seen */
	struct step steps[ACTS_MAX];
	char absent[96];      /* not empty: the implementation lacks an operation */
	int absent_operation; /* which */
};

struct divergence {
	bool found, explained;
	int step, place;	    /* of what is seen */
	char name[DIVERGENCE_NAME]; /* "mq.receive/bytes" */
};

extern const char *const diff_actor_names[DIFF_ACTORS];

/* The operation as a test writes it: mq.send("q", "one", 3). */
void constructor_text(const op *o, char *text, size_t size);
/* What was seen, in words: -> "one" [3], blocked. */
void seen_text(const struct seen *seen, char *text, size_t size);

struct sheet;
struct menu;
/* The script as a TEST of what the first implementation gave, up to where the second differed. */
void script_print(struct sheet *sheet, const struct menu *menu, const struct script *script,
		  const struct trace *first, const struct trace *second,
		  const struct divergence *divergence, const char *const names[2]);

/* Whether a part of the script diverges still. */
typedef bool still_diverges(const struct script *script, void *context);
/* Makes it as small as it gets by leaving out acts, joining actors and simplifying arguments. */
void script_shrink(struct script *script, still_diverges *still, void *context, int attempts);

#endif
