/* SPDX-License-Identifier: MIT */
/*
 * The System V semaphore set: values that are changed together or not at all.
 *
 * Who can't go on leaves his request in the set and sleeps.  Whoever changes a value then does,
 * in the order of their coming, all requests that have become possible, whoever's they are: so no
 * value that would have let somebody go on passes unseen, and who is counted is who waits.
 *
 * What a dead process's SEM_UNDO gives back no kernel does here: whoever comes next does it, and
 * whoever sleeps meanwhile looks now and then.
 *
 * semset.c gets sets and operates on them, semset_request.c does a request and has those who wait,
 * semset_undo.c has what the end of a process is to undo, and semset_control.c is semctl.
 */
#ifndef IPCREF_SEMSET_H
#define IPCREF_SEMSET_H

#include <sys/sem.h>

#include "ref/registry.h"

enum {
	SEMSET_MOST_SEMAPHORES = 1024, /* of a set */
	SEMSET_MOST_OPERATIONS = 100,  /* of one call */
	SEMSET_GREATEST_VALUE = 32767,
	SEMSET_GREATEST_ADJUSTMENT = 32767,
	SEMSET_MOST_UNDOERS = 256, /* processes that have something to be undone in one set */
	SEMSET_MOST_WAITERS = 128, /* of a set; who comes later waits without being counted */
};
/* What is no error: the request can't be done yet. */
enum { SEMSET_MUST_WAIT = -1 };

/* One word of the journal. */
struct semset_semaphore {
	uint32_t value;
	uint32_t process; /* the last that operated on it */
};

/* A thread and its process, and what tells them from others of the same ids. */
struct semset_who {
	uint32_t process, thread;
	uint64_t process_birth;
	struct life life; /* of the thread: what exec makes of it waits no more */
};

struct semset_request {
	struct semset_who who;
	uint32_t count;
	struct sembuf operations[SEMSET_MOST_OPERATIONS];
};

struct semset_waiter {
	uint64_t ticket; /* in the order of coming; 0: the place is free */
	int32_t outcome; /* SEMSET_MUST_WAIT, 0 or an error */
	struct semset_request request;
};

/* What a process's end does to each of the semaphores. */
struct semset_undoer {
	uint32_t process; /* 0: the place is free */
	uint64_t birth;
	int16_t adjustments[];
};

struct semset {
	struct ipc_object ipc;
	uint32_t count;
	uint32_t undoers;    /* places in use */
	int64_t operated_at; /* sem_otime */
	uint64_t last_ticket;
	struct bell changed;
	struct semset_waiter waiters[SEMSET_MOST_WAITERS];
	_Alignas(8) struct semset_semaphore semaphores[]; /* and behind them the undoers */
};

static inline size_t semset_undoer_size(uint32_t count)
{
	return (sizeof(struct semset_undoer) + count * sizeof(int16_t) + 7) / 8 * 8;
}

/* The longest changes: a large request with undo, all values at once, a whole undo. */
static inline uint32_t semset_journal_words(uint32_t count)
{
	return 2 * SEMSET_MOST_OPERATIONS + count + SEMSET_MOST_UNDOERS;
}

static inline size_t semset_size(uint32_t count)
{
	return sizeof(struct semset) + count * sizeof(struct semset_semaphore) +
	       SEMSET_MOST_UNDOERS * semset_undoer_size(count) +
	       semset_journal_words(count) * sizeof(struct old_word);
}

extern struct ipc_class semset_class;

/* A set as this process has it; the count is read once and checked against what is mapped. */
struct semset_view {
	struct handle *handle;
	struct mapping *mapping;
	struct semset *set;
	uint32_t count;
};

static inline bool semset_see(struct semset_view *view, struct mapping *mapping)
{
	view->mapping = mapping;
	view->set = (struct semset *)mapping->object;
	view->count = *(volatile uint32_t *)&view->set->count;
	return object_is_there(mapping) && view->count > 0 &&
	       view->count <= SEMSET_MOST_SEMAPHORES && semset_size(view->count) <= mapping->size;
}

static inline struct semset_undoer *semset_undoer_at(const struct semset_view *view, unsigned place)
{
	char *first = (char *)&view->set->semaphores[view->count];

	return (struct semset_undoer *)(first + place * semset_undoer_size(view->count));
}

/* The set of this identifier, to be put back; false with errno. */
bool semset_find(struct semset_view *view, int id);
/* Locks it as it is to be seen; false with errno: it is removed. */
bool semset_lock(const struct semset_view *view);

/* -- for all below, the set is locked --------------------------------------------------------- */

/*
 * Does all operations in their order, and leaves it to the caller to commit them; or none, and
 * answers why not (*stopped is the operation that can't be done).
 */
int semset_attempt(const struct semset_view *view, const struct semset_request *request,
		   uint32_t *stopped);
/* A place to wait in with this request; NULL: there is none. */
struct semset_waiter *semset_enter(const struct semset_view *view,
				   const struct semset_request *request, uint64_t *ticket);
/* A waiter's request as it is now, for a peer may change it while it is looked at. */
void semset_read_request(const struct semset_waiter *waiter, struct semset_request *request);
/*
 * Values have changed: commits that.  All waiters are told before, for if this process dies now one
 * of them must come to do what it has left to do.
 */
void semset_publish(const struct semset_view *view);
/* Who died with the lock may have served some and not others. */
void semset_repair(struct mapping *mapping);

/* Remembers that the end of this process is to undo the operation; 0 or an error. */
int semset_remember(const struct semset_view *view, const struct semset_who *who,
		    const struct sembuf *operation);
/* Who has given back all that he took has nothing to be undone. */
void semset_forget_if_balanced(const struct semset_view *view, const struct semset_who *who);
/* Does what the end of each process that is dead was to do. */
void semset_look_after_the_dead(const struct semset_view *view);

/* This thread. */
const struct semset_who *semset_myself(void);
bool semset_lives(const struct semset_who *who);

#endif
