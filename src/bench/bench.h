/* SPDX-License-Identifier: MIT */
/*
 * How fast a mechanism is, beside others and beside what the machine can do at all.  Machines are
 * shared and noisy, and no figure of one run compares with another's: so all that is compared is
 * measured in turns within one run, a short while each, and told as a ratio.
 */
#ifndef IPCTS_BENCH_BENCH_H
#define IPCTS_BENCH_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "contract/implementation.h"

/* -- ways for bytes from one process to another -------------------------------------------------
 */

/* Two processes and a way from the first to the second, and one back. */
struct channel {
	const struct implementation *impl;
	size_t size;   /* of the messages, in bytes */
	char name[64]; /* of objects that need one; no other channel of this machine has it */
	long id[2];    /* by direction: descriptors or identifiers */
	int ends[2][2];
	void *memory;
};

/* Each answers whether it could, else errno. */
struct way {
	const char *name;
	bool (*is_there)(const struct implementation *impl);
	bool (*make)(struct channel *c); /* before there are two processes */
	bool (*send)(struct channel *c, int direction, const char *bytes);
	bool (*receive)(struct channel *c, int direction, char *bytes);
	void (*remove)(struct channel *c);
};

extern const struct way *const ways[];

/* -- what one process does alone, or two with the same
 * --------------------------------------------------------------
 */

struct solo {
	const char *name;
	/* What perform works on; NULL: it isn't there, or can't be made. */
	void *(*make)(const struct implementation *impl);
	bool (*perform)(const struct implementation *impl, void *object);
	void (*remove)(const struct implementation *impl, void *object);
	/* The object is one of a forked child's too, so that two can be in each other's way. */
	bool is_shared;
};

extern const struct solo *const solos[];

/* -- limits: what no mechanism can be faster than ------------------------------------------------
 */

enum limit { LIMIT_CALL, LIMIT_LINE, LIMIT_FUTEX, LIMIT_RING, LIMIT_SPLICE, LIMITS };
extern const char *const limit_names[LIMITS];
/* All but LIMIT_CALL's; those of a line and a futex carry no bytes, only whose turn it is. */
extern const struct way limit_ways[LIMITS];
bool limit_perform_call(void);

/* -- measuring ----------------------------------------------------------------------------------
 */

enum motion { ROUND_TRIP, ONE_WAY, ALONE, CONTENDED };

/* What is compared: by all that can do it. */
struct cell {
	enum motion motion;
	unsigned processors; /* the two processes have one between them, or one each */
	size_t size;	     /* of the messages, in bytes */
	const struct solo *solo;
};

enum { REPETITIONS_MAX = 64, RUNNERS_MAX = 32 };

/* One who runs in a cell, and how it went: nanoseconds an operation, by repetition. */
struct runner {
	const struct implementation *impl; /* NULL: a limit */
	const struct way *way;
	enum limit limit;
	const char *trouble; /* why there is nothing; NULL: there is */
	double ns[REPETITIONS_MAX];
	double least, median;
	/* Medians of the ratios of each repetition; 0: there is nothing to compare with. */
	double ratio;	  /* to the cell's first */
	double own_ratio; /* to the same with the first implementation */
};

struct bench {
	const struct implementation *const *impls;
	bool (*is_wanted)(const char *name); /* of a way or a solo */
	unsigned repetitions;
	double seconds; /* a turn */
	unsigned long long seed;
};

/* Those who run in the cell, in turns; runners has room for RUNNERS_MAX.  Gives how many. */
size_t measure(const struct bench *bench, const struct cell *cell, struct runner *runners);

/* How many processors this process may run on. */
unsigned processors_here(void);

#endif
