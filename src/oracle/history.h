/* SPDX-License-Identifier: MIT */
/*
 * A history: operations of several processes on one object, each with the moments of its invocation
 * and of its return (Herlihy & Wing 1990).  Each process writes to a part of shared memory that is
 * its own, so that recording orders nobody.
 */
#ifndef IPCTS_ORACLE_HISTORY_H
#define IPCTS_ORACLE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_PUT,   /* the value is put into it; of a counter, so much is added */
	EVENT_TAKE,  /* the value is taken out of it; of a counter, so much is taken */
	EVENT_EMPTY, /* there was nothing to take */
	EVENT_HOLD,  /* the object is held alone from the return on until EVENT_DROP's invocation */
	EVENT_SHARE, /* held with others */
	EVENT_DROP,
};

#define NEVER UINT64_MAX

struct event {
	uint64_t invoked, returned; /* nanoseconds; NEVER: it hasn't returned */
	int64_t value;		    /* no two puts of a queue have the same */
	int32_t rank;		    /* a higher one is taken first */
	uint16_t actor, kind;
};

struct history {
	struct event *events; /* allocated; by invocation */
	size_t count;
	unsigned actors;
};

/* What processes write to. */
struct recorder;
/* For so many actors, of so many events each; before they are forked.  NULL: no memory. */
struct recorder *recorder_new(unsigned actors, size_t room);
void recorder_free(struct recorder *recorder);
uint64_t recorder_clock(void);
/* The operation that was invoked then has just returned.  What there's no room for is left out. */
void recorder_note(struct recorder *recorder, unsigned actor, enum event_kind kind, int64_t value,
		   int32_t rank, uint64_t invoked);

/* All that was written.  False: no memory. */
bool history_read(struct history *history, const struct recorder *recorder);
void history_free(struct history *history);

#endif
