/* SPDX-License-Identifier: MIT */
/*
 * A history: operations of several processes on one object or on several, each with the moments of
 * its invocation and of its return (Herlihy & Wing 1990).  Each process writes to a part of shared
 * memory that is its own, so that recording orders nobody.
 *
 * An operation is written down when it is invoked, and again when it returns.  Whoever is killed in
 * between leaves it without a return: whether it has happened, nobody knows.
 */
#ifndef IPCTS_ORACLE_HISTORY_H
#define IPCTS_ORACLE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_PUT,	   /* the value is put into it; of a counter, so much is added */
	EVENT_TAKE,	   /* the value is taken out of it; of a counter, so much is taken */
	EVENT_TAKE_EXCEPT, /* the value, which isn't of the type that was not asked for */
	EVENT_EMPTY,	   /* there was nothing to take, or less than the value */
	EVENT_EMPTY_EXCEPT,
	EVENT_DRAIN, /* of a counter: all that was in it, which is the value, and not nothing */
	EVENT_HOLD,  /* the object is held alone from the return on until EVENT_DROP's invocation */
	EVENT_SHARE, /* held with others */
	EVENT_DROP,
	EVENT_BUSY,    /* it could not be held alone */
	EVENT_WRITE,   /* it has the value from then on */
	EVENT_READ,    /* it had the value, which was looked at */
	EVENT_SWAP,    /* it had what was asked for, and has the value from then on */
	EVENT_CHANGE,  /* of a set of counters: all changes of the value at once */
	EVENT_REFUSED, /* ... could not be made */
	EVENT_KINDS
};

#define NEVER UINT64_MAX

struct event {
	uint64_t invoked, returned; /* nanoseconds; NEVER: it hasn't returned */
	int64_t value;		    /* no two puts of a queue have the same */
	int64_t asked; /* a type, as msgrcv is asked for it; what a swap wants to find */
	int32_t rank;  /* a higher one is taken first; with types: the type */
	uint16_t actor;
	uint8_t kind, object;
};

struct history {
	struct event *events; /* allocated; by invocation */
	size_t count;
	unsigned actors;
};

/*
 * The value of EVENT_CHANGE and EVENT_REFUSED: what is added to each of eight counters, or
 * MUST_BE_ZERO: the counter waits for zero.  Of EVENT_READ: what each of them was.
 */
enum { COUNTERS = 8, MUST_BE_ZERO = -128 };
int64_t changes_of(const signed char changes[COUNTERS]);
int change_of(int64_t changes, unsigned counter);

/* What processes write to. */
struct recorder;
/* For so many actors, of so many events each; before they are forked.  NULL: no memory. */
struct recorder *recorder_new(unsigned actors, size_t room);
void recorder_free(struct recorder *recorder);

/*
 * The actor's next operation is about to be invoked; what comes of it is filled in before
 * recorder_return.  What there's no room for is written over by the next, and left out.
 */
struct event *recorder_invoke(struct recorder *recorder, unsigned actor, enum event_kind kind,
			      int64_t value, int32_t rank);
/* It has just returned. */
void recorder_return(struct event *event);
/* The actor's last operation has come to nothing, and is of no interest. */
void recorder_forget(struct recorder *recorder, unsigned actor);

/* All that was written.  False: no memory, or something was left out. */
bool history_read(struct history *history, const struct recorder *recorder);
/* What concerns one object.  False: no memory. */
bool history_of(struct history *part, const struct history *whole, unsigned object);
/* By invocation, as judges want it. */
void history_sort(struct history *history);
void history_free(struct history *history);

#endif
