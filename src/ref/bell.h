/* SPDX-License-Identifier: MIT */
/*
 * A bell tells those who sleep that something of an object has changed.  It is rung before the
 * change is committed, and while the lock is held; whoever hears it queues up for the lock and so
 * sees the change, or sees that who rang is dead and it didn't happen.
 *
 * One who is woken may die before it takes what it was woken for, and the others sleep on: so
 * every sleeper looks for itself now and then.  That is the only use of time here.
 */
#ifndef IPCREF_BELL_H
#define IPCREF_BELL_H

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

struct bell {
	_Atomic uint32_t rings;
	/* Under the lock.  Who dies asleep stays counted, which costs a futile ring or two. */
	uint32_t sleepers; /* asleep, and not rung for */
	uint32_t called;   /* rung for, and not back yet */
};

struct mapping;

/* How one sleeps. */
struct sleep {
	const struct timespec *deadline; /* NULL: none */
	clockid_t clock;		 /* of the deadline */
	enum {
		SLEEP_RESTARTS, /* a handler with SA_RESTART does not end it, as of read */
		SLEEP_ENDS,	/* every handler ends it, as of msgrcv and semop */
	} when_interrupted;
	/* Looks at least so often (milliseconds): for a peer's death rings no bell; 0: as usual. */
	int looks_every;
};

/*
 * Sleeps until the bell is rung, or for no reason: the object, whose lock the caller has, is
 * unlocked meanwhile (which commits) and locked on return.  0, ETIMEDOUT or EINTR; either may come
 * together with what was waited for, so that the caller looks for that first:
 *
 *	int error = 0;
 *
 *	while (there is nothing) {
 *		if (error)
 *			give up
 *		error = bell_sleep(...);
 *	}
 */
int bell_sleep(struct bell *bell, struct mapping *mapping, const struct sleep *sleep);
/* Wakes one of those who sleep for it, as soon as the object is unlocked ... */
void bell_ring(struct bell *bell, struct mapping *mapping);
/* ... or all, one after the other. */
void bell_ring_all(struct bell *bell, struct mapping *mapping);

#endif
