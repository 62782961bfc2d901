/* SPDX-License-Identifier: MIT */
/*
 * Happens-before: a party is a thread of a process, and knows of each other party up to which epoch
 * all it did came before; a sync object carries such knowledge from who releases to who acquires.
 */
#ifndef IPCTS_SCHED_CLOCK_H
#define IPCTS_SCHED_CLOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "sched/shadow.h"
#include "sched/world.h"

/* What an edge is by; SYNC_KIND(NAME, what a report calls it). */
#define SYNC_KINDS(SYNC_KIND)                                                                      \
	SYNC_KIND(OTHER, "something")                                                              \
	SYNC_KIND(ATOMIC, "an atomic")                                                             \
	SYNC_KIND(FUTEX, "a futex")                                                                \
	SYNC_KIND(MUTEX, "a mutex")                                                                \
	SYNC_KIND(RWLOCK, "a read-write lock")                                                     \
	SYNC_KIND(BARRIER, "a barrier")                                                            \
	SYNC_KIND(SPIN, "a spin lock")                                                             \
	SYNC_KIND(ONCE, "pthread_once")                                                            \
	SYNC_KIND(SEM, "a POSIX semaphore")                                                        \
	SYNC_KIND(SEMSET, "a System V semaphore")                                                  \
	SYNC_KIND(MSG, "a System V message queue")                                                 \
	SYNC_KIND(MQ, "a POSIX message queue")                                                     \
	SYNC_KIND(PIPE, "a pipe or FIFO")                                                          \
	SYNC_KIND(SOCKET, "a socket")                                                              \
	SYNC_KIND(EVENT, "an eventfd or the like")                                                 \
	SYNC_KIND(FILE, "a file")                                                                  \
	SYNC_KIND(FILE_LOCK, "the lock of a file")                                                 \
	SYNC_KIND(SIGNAL, "a signal")

enum sync_kind {
#define SYNC_KIND(name, words) SYNC_##name,
	SYNC_KINDS(SYNC_KIND)
#undef SYNC_KIND
		SYNC_KIND_COUNT
};

/* This process has had more than one thread: atomics that it alone sees order something, too. */
extern bool runtime_threads;

/*
 * The name of a sync object: of one in memory, and of one that the kernel numbers.  0: nobody else
 * has that memory, neither a process nor a thread, so that there is nothing to order.
 */
uint64_t sync_key_of(const void *address);
/* False: it isn't of shared memory. */
bool sync_place(uint64_t key, struct place *place);
uint64_t sync_key(enum sync_kind kind, uint64_t device, uint64_t number);
/* NULL: there is none, or no room. */
struct sync_object *sync_find(uint64_t key, enum sync_kind kind, bool make);

/* True if the lock wasn't this party's already, and is to be given back. */
bool sync_lock(struct sync_object *object);
void sync_unlock(struct sync_object *object);
/* With the lock: what the object carries becomes, or is added to by, what this party knows. */
void sync_assign(struct sync_object *object, const _Atomic epoch *clock);
void sync_join(struct sync_object *object, const _Atomic epoch *clock);
void sync_clear(struct sync_object *object);
/* Adds one moment to what is known. */
void epoch_learn(_Atomic epoch *clock, epoch when);
/* Adds to what the party knows; with the lock, or in the manner of a seqlock (sync_read_begin). */
void sync_learn(struct sync_object *object, _Atomic epoch *clock);
uint32_t sync_read_begin(struct sync_object *object);

/* Whole edges. */
void sync_acquire(uint64_t key, enum sync_kind kind);
void sync_release(uint64_t key, enum sync_kind kind);
/* Also what the dead gave back who had it: locks of files, robust mutexes, undone semaphores. */
void sync_acquire_kept(uint64_t key, enum sync_kind kind);
void sync_keep(uint64_t key, enum sync_kind kind);

/* This party goes into its next epoch: what it does now isn't known to who acquired before. */
void party_advance(void);
/* Knows all that another did, who is dead or stands still. */
void party_join(unsigned other);
/* Joins all the parties of a process, which is dead. */
void party_join_process(pid_t pid);
/* Joins all who are dead. */
void party_join_dead(void);

/* This thread becomes a party, if it isn't one. */
void party_begin(void);
/* Before a fork or a pthread_create; the child's number, or PARTIES. */
unsigned party_prepare(void);
/* libc is about to begin a program, and won't tell which process that will be. */
void party_spawns(void);
/* There was no child after all. */
void party_abandon(unsigned child);
/* In the child, as its first act. */
void party_become(unsigned child);
void party_end(void);

/* A signal is sent to a process, or has come, whoever sent it (wrap_signal.c). */
void signal_sent(pid_t target);
void signal_taken(void);

#endif
