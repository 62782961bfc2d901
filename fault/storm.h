/* SPDX-License-Identifier: MIT */
/*
 * A storm: a few workers use the objects of one mechanism at random, and are killed at random. What
 * is audited is what the library promises of such deaths.
 */
#ifndef FAULT_STORM_H
#define FAULT_STORM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	WORKERS = 4,
	ROUND_KILLS = 40, /* then all are killed, and the objects audited and made anew */
	LIVES = 256,	  /* workers there are in one round, at most */
};

/* A worker, in memory that all share: each new one in the place of one that was killed. */
struct worker {
	unsigned slot, life;
	pid_t pid;
	_Atomic uint64_t operations;
	/* What it is just doing, as its mechanism numbers it: 0, nothing that counts. */
	_Atomic int doing;
	_Atomic uint64_t amount;
};

struct mechanism {
	const char *name;
	/* Makes the objects; nobody works yet. */
	void (*begin)(void);
	/* A worker's first act; may be NULL. */
	void (*join)(struct worker *me);
	/* One operation, which may block only until others go on. */
	void (*work)(struct worker *me);
	/* It is dead; may be NULL. */
	void (*died)(struct worker *dead);
	/* All are dead: audits what there is, and removes it. */
	void (*end)(void);
};

extern const struct mechanism storm_mq, storm_msg, storm_pipe, storm_fifo;
extern const struct mechanism storm_sem, storm_semset, storm_event;
extern const struct mechanism storm_mutex, storm_cond, storm_rwlock, storm_barrier;
extern const struct mechanism storm_spin, storm_pair, storm_datagram, storm_connection;
extern const struct mechanism storm_sig, storm_shm, storm_registry;

/* A random number below the limit: the worker's own sequence. */
unsigned chance(unsigned limit);

/* The first failure is told, and ends the storm. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define MUST(condition)                                                                            \
	((condition) ? (void)0                                                                     \
		     : fail("%s:%d: %s (errno %d)", __FILE__, __LINE__, #condition, errno))

/* Whether this life is over, or was to be before the question came. */
bool is_killed(unsigned life);
/* A path of the storm's own directory. */
const char *storm_path(const char *name);
/* Memory that all share, all zero; of the round. */
void *share(size_t size);

#endif
