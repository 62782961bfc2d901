/* SPDX-License-Identifier: MIT */
/* Runs a program built by ipcts-cc again and again, each time with the schedule an engine wants. */
#ifndef IPCTS_SCHED_EXPLORE_H
#define IPCTS_SCHED_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sched/arena.h"

enum { REFUSAL_MAX = 512 };

/* How a run ended: what is needed to tell two endings from each other, and to come back to one. */
struct run_end {
	enum ending ending;
	unsigned actor; /* of whom the ending is told; NOBODY: of all */
	int status;	/* as waitpid tells it */
	bool spun;	/* somebody was taken for a spinner: not all schedules were really tried */
	uint32_t steps;
	uint64_t hash;
	char reason[REASON_MAX];
};

struct exploration {
	char *const *arguments; /* of the program, which is the first; NULL ends them */
	enum engine_kind engine;
	uint64_t seed;
	uint64_t runs;	/* at most; 0: no limit */
	double seconds; /* at most; 0: no limit */
	unsigned bound, depth;
	uint32_t budget; /* of steps in a run */
	uint32_t stores; /* that a process may have in its store buffer; 0: it has none */
	uint32_t kills;	 /* of processes in a run, at most */
	double patience; /* seconds in which a process has to come to its next point */
	bool shows;	 /* what the program prints goes where ours goes */
	bool detects, reduces;

	/* what became of it */
	uint64_t done; /* runs */
	bool exhausted, spun;
	uint64_t endings[ENDINGS];
	char refusal[REFUSAL_MAX]; /* why it can't be explored */
	int output;		   /* what the last run printed */
	int64_t began;
};

/* The program is started, up to before its main; false: the refusal tells why not. */
bool explore_start(struct exploration *exploration);
/* Nothing of it is left. */
void explore_stop(struct exploration *exploration);
/* One run by the arena's engine; false: a refusal. */
bool explore_run(struct exploration *exploration, struct run_end *result);
/* One run that follows a schedule. */
bool explore_again(struct exploration *exploration, const struct schedule *schedule,
		   struct run_end *result);
/* Runs until one fails (true), the engine has no more, a limit is reached, or it is refused. */
bool explore_search(struct exploration *exploration, struct run_end *found);
/* The failure with as few preemptions as are found to be enough; schedule: its own, which becomes
 * shorter.  Returns the runs it took. */
unsigned explore_minimise(struct exploration *exploration, struct schedule *schedule,
			  struct run_end *found);

/* Whether an ending is a failure of the program. */
bool ending_fails(enum ending ending);
/* "deadlock" */
const char *ending_name(enum ending ending);
bool ending_find(const char *name, enum ending *ending);
/* Whether two failures are of one kind, so that one may stand for the other. */
bool run_ends_alike(const struct run_end *one, const struct run_end *other);

/* The probability that one run of pct finds a bug of this depth, at least: 1 / (n k^(d-1)). */
double pct_bound(unsigned actors, unsigned steps, unsigned depth);
/* Runs that find with the second probability what one run finds with the first. */
double runs_needed(double probability_of_one, double probability);

/* A number of the executable's code, which another build has differently; false: it can't be read.
 */
bool executable_code(const char *path, uint64_t *code);
/* Where a shell would find the program, in a buffer of MODULE_PATH_MAX. */
bool executable_path(const char *name, char *path);
/* Whether it carries the runtime. */
bool executable_is_ours(const char *path);

#endif
