/* SPDX-License-Identifier: MIT */
/*
 * A bell tells those who sleep that something of an object has changed.  It is rung before the
 * change is committed, and while the lock is held; whoever hears it queues up for the lock and so
 * sees the change, or sees that who rang is dead and it didn't happen.  Hence no sleep is ever the
 * last: not if the ringer dies, nor if one of those it woke does.
 */
#ifndef IPCREF_BELL_H
#define IPCREF_BELL_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct bell {
	_Atomic uint32_t rings;
	_Atomic uint32_t is_waited_for; /* by somebody who sleeps, and whom only the kernel wakes */
	_Atomic uint32_t rung_on;	/* say_where, the last time that somebody slept */
};

struct mapping;

/* How one sleeps. */
struct sleep {
	const struct timespec *deadline; /* NULL: none */
	clockid_t clock;
	enum {
		SLEEP_RESTARTS, /* a handler with SA_RESTART does not end it, as of read */
		SLEEP_ENDS,	/* every handler ends it, as of msgrcv and semop */
	} when_interrupted;
	/* Wake up at least so often (milliseconds), for a peer's death rings no bell; 0: no need
	 * to. */
	int looks_every;
};

/*
 * Sleeps until the bell is rung, or for no reason: the object, whose lock the caller has, is
 * unlocked meanwhile, what was changed is committed, and it is locked on return.  0, ETIMEDOUT or
 * EINTR; EBADMSG, if there is no object any more.  With a limit or looks_every the kernel ends the
 * sleep by every handler: who is to go on after some sleeps in a vigil then.
 */
int bell_sleep(struct bell *bell, struct mapping *mapping, const struct sleep *sleep);
/* An operation on the object begins: what interrupted the last one is over (object.c). */
void bell_begin(const struct mapping *mapping);

/*
 * A call that wakes up every now and then (looks_every) could be awake just when a signal comes,
 * and not know of it.  So it keeps signals waiting, and lets their handlers run where it sleeps:
 * up to looks_every late, but each is told as EINTR or not as its own SA_RESTART says, and none
 * runs while the object is locked.
 */
struct vigil {
	bool is_kept;
	unsigned looks; /* how often the call looked out for a ring before it began */
	sigset_t mask;	/* as it was before */
};

/* bell_sleep in a vigil, which begins with the first sleep: never without looks_every. */
int bell_sleep_in_vigil(struct bell *bell, struct mapping *mapping, const struct sleep *sleep,
			struct vigil *vigil);
/*
 * The same of one who has no lock, for a word that still has this value: 0 or EINTR.  The mark
 * (lock.h) is there while he sleeps; NULL: there is none.
 */
struct lock;
int vigil_sleep(struct vigil *vigil, const struct sleep *sleep, _Atomic uint32_t *word,
		uint32_t value, struct lock *mark);
/*
 * The same without the sleep, which is to follow at once unless this is true: some handlers have
 * run, and *result is EINTR if one of them ends the sleep, else 0.
 */
bool vigil_look(struct vigil *vigil, const struct sleep *sleep, int *result);
/* The call is over, and nothing is locked. */
void vigil_end(struct vigil *vigil);

/*
 * Before the first sleep of a call: a short look out for a ring, if who rang last did so on another
 * processor and may soon again, for to be woken takes longer.  The object is unlocked meanwhile.
 * False: it wasn't rung, or has been so often for nothing, so that one had better sleep.
 */
bool bell_look_out(struct bell *bell, struct mapping *mapping, struct vigil *vigil);
/*
 * The same if who rang last did so on this processor: it is given to him once, for he may have been
 * put off it by the very sleeper he woke, with more to come.
 */
bool bell_give_way(struct bell *bell, struct mapping *mapping, struct vigil *vigil);

/*
 * Wakes all who sleep for it, one after the other, as soon as the object is unlocked; and who polls
 * the object (poll.c), which is to be told of whatever rings.
 */
void bell_ring(struct bell *bell, struct mapping *mapping);
/* The latter alone, by one who has made his change before, and passed a fence since. */
void bell_wake_pollers(struct mapping *mapping);

#endif
