/* SPDX-License-Identifier: MIT */
/*
 * Models: what an object of a kind does when one operation comes after the other.  Nothing is said
 * of time, of waiting or of processes here.
 */
#ifndef IPCTS_ORACLE_MODEL_H
#define IPCTS_ORACLE_MODEL_H

#include "oracle/history.h"

enum model_kind {
	/* From which of those of the highest rank the one that was put first is taken first: a pipe
	   of records, a FIFO, a POSIX message queue. */
	MODEL_QUEUE,
	/* A System V message queue: the rank is a type, and a receiver may ask for some. */
	MODEL_TYPES,
	/* A semaphore, an eventfd: it never falls below zero. */
	MODEL_COUNTER,
	/* A System V semaphore set: several counters, changed together or not at all. */
	MODEL_COUNTERS,
	/* A mutex, a read-write lock. */
	MODEL_LOCK,
	/* A word of shared memory. */
	MODEL_REGISTER,
	MODELS
};

struct model {
	enum model_kind kind;
	int64_t initial; /* of a counter or a register; of counters: a value as of EVENT_READ */
};

/* Between two operations. */
struct state {
	int64_t word;	  /* of all but queues */
	uint32_t count;	  /* of what is in a queue */
	uint32_t items[]; /* the puts' numbers in the history, in the order of putting */
};

/*
 * The history's event of this number happens in a state, which becomes another, with room for one
 * more item.  False: it can't; the other may be anything then.  What an operation without a return
 * gave is not known, so it may have given anything.
 */
bool model_step(const struct model *model, const struct event *events, uint32_t number,
		const struct state *before, struct state *after);
/*
 * Whether this take gets what is of the first rank, though something of the second was put before
 * it and is there still.
 */
bool model_overtakes(const struct model *model, const struct event *take, int32_t rank,
		     int32_t other);
/* Whether a take, or who found nothing to take, of MODEL_TYPES has asked for the type. */
bool model_is_asked_for(const struct event *take, int32_t type);
/* The state in words. */
const char *model_tell(const struct model *model, const struct event *events,
		       const struct state *state, char text[160]);

#endif
