/* SPDX-License-Identifier: MIT */
/*
 * The world of the detector: memory that all processes of a program share, beside the program's
 * own. It is sparse, holds no address, and whoever is killed while it changes leaves it usable:
 * what one party writes is its own, and the few locks are taken from the dead.
 */
#ifndef IPCTS_SCHED_WORLD_H
#define IPCTS_SCHED_WORLD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sched/arena.h"

enum {
	WORLD_MAGIC = 0x69706377,
	WORLD_VERSION = 1,
	PARTIES = 128,
	/* So many get a place of their own before those of the dead are used again. */
	PARTIES_BEFORE_REUSE = 32,
	PAST = 8, /* earlier occupants of a place that are remembered */
	IMAGES = 256,
	MODULES = 24,
	PATH_ROOM = 232,
	COMMAND_ROOM = 200,
	SEGMENTS = 1 << 15,
	SEGMENT_NAME_ROOM = 96,
	FRAMES = 14,
	REPORTED = 4096,
	/* A block of shadow tells of so much of a segment. */
	BLOCK_SPAN = 1 << 16,
	GRANULE = 8,
	/* An address space of 32 bits has less room. */
	STACKS = sizeof(void *) > 4 ? 1 << 19 : 1 << 14,
	SYNC_OBJECTS = sizeof(void *) > 4 ? 1 << 17 : 1 << 13,
	BLOCKS = sizeof(void *) > 4 ? 1 << 17 : 1 << 10,
};

#define WORLD_ENVIRONMENT "IPCTS_RACE_WORLD"

/* A moment in a party's life; each release begins a new one.  34 bits, see shadow.h. */
typedef uint64_t epoch;

enum party_state { PARTY_NONE, PARTY_CLAIMED, PARTY_ALIVE, PARTY_ENDED };

struct occupant {
	_Atomic uint64_t since; /* its first epoch; 0: none */
	_Atomic int32_t pid, tid;
	_Atomic uint32_t image;
};

/* A thread of a process; mostly a process is one. */
struct party {
	_Atomic uint32_t state; /* enum party_state */
	_Atomic uint32_t turn;	/* of its end: the lowest is the longest dead */
	_Atomic uint32_t first; /* nobody of this world has begun it */
	_Atomic uint32_t
		maker; /* who has begun it, and will want to know what it knew: party + 1 */
	_Atomic uint64_t maker_since;
	_Atomic epoch spawned; /* in which it last had libc begin a program */
	struct occupant now;
	_Atomic uint32_t past_count;
	struct occupant past[PAST];
	/* The last atomic store it made that releases nothing: what may have been meant to. */
	_Atomic uint64_t relaxed_place; /* segment << 40 | offset */
	_Atomic uint64_t relaxed_stack;
	/* What it knows of each: the last epoch of it that came before. */
	_Atomic epoch clock[PARTIES];
};

/* The code of a process: one for each exec. */
struct image {
	_Atomic uint32_t state;
	_Atomic uint32_t modules;
	char command[COMMAND_ROOM];
	struct module {
		uint64_t start, end, bias;
		char path[PATH_ROOM];
	} module[MODULES];
};

struct stack {
	_Atomic uint64_t hash;
	_Atomic uint32_t depth; /* 0: not written yet */
	uint32_t image;
	uint64_t pc[FRAMES]; /* the innermost first */
};

/* By which number a segment goes, by a hash of what it is. */
struct identity {
	_Atomic uint64_t hash;	 /* 0: unused */
	_Atomic uint32_t number; /* + 1; 0: not yet */
	uint32_t kind;
	uint64_t device, inode;
};

struct segment {
	_Atomic uint32_t named;
	_Atomic uint32_t generation; /* of its blocks */
	_Atomic uint64_t users[PARTIES / 64];
	char name[SEGMENT_NAME_ROOM];
};

/* What processes synchronise by. */
struct sync_object {
	_Atomic uint32_t holder;  /* of the lock below: a party + 1 */
	_Atomic uint32_t version; /* odd: it is being changed */
	_Atomic uint32_t kind;	  /* enum sync_kind */
	_Atomic uint32_t writer;  /* who has it alone: a party + 1 */
	_Atomic uint64_t count;
	_Atomic uint64_t peer;			/* the other end of a pair */
	_Atomic uint64_t keepers[PARTIES / 64]; /* whose death gives it back */
	_Atomic epoch clock[PARTIES];
};

struct block {
	_Atomic uint64_t key; /* segment, party, number */
	_Atomic uint32_t announced;
};

/* Four words of one party for a granule: see shadow.h. */
struct words {
	_Atomic uint64_t word[4];
};

struct world {
	_Atomic uint32_t magic;
	uint32_t version;
	uint64_t size;
	_Atomic uint32_t parties; /* ever, as places */
	_Atomic uint32_t ends;
	_Atomic uint32_t images;
	_Atomic uint32_t lost; /* the detector gave up, and has said why */
	_Atomic uint64_t fresh;
	_Atomic uint32_t reports;
	_Atomic uint64_t reported[REPORTED]; /* pairs of stacks, and places */
	_Atomic epoch ended[PARTIES];	     /* the last epoch of who is dead; ~0 of the living */
	_Atomic uint32_t segments;	     /* ever */
	struct identity identity[2 * SEGMENTS];
	struct segment segment[SEGMENTS];
	struct party party[PARTIES];
	struct image image[IMAGES];
	struct stack stack[STACKS];
	_Atomic uint64_t sync_key[SYNC_OBJECTS]; /* apart, to be looked through; 0: unused */
	struct sync_object sync[SYNC_OBJECTS];
	struct block block[BLOCKS];
	_Alignas(4096) struct words shadow[BLOCKS][BLOCK_SPAN / GRANULE];
};

/* This process's, after world_start(); NULL: nothing is detected. */
extern struct world *world;

/* Joins the world that the environment names, or makes one; again, it does nothing. */
void world_start(void);
/* A world of its own for this process, which has just been forked: nothing has happened in it. */
void world_renew(void);
/* Something can't go on, and all processes are to know: one line, once. */
void world_give_up(const char *why);
/* The number of what has this identity, by first appearance; it gets the name if it is new. */
uint32_t world_segment(const struct segment_identity *identity, const char *name);
/* A number that no other anonymous mapping has. */
uint64_t world_fresh(void);
/* The shadow of that part of the segment as far as this party wrote it; NULL: it didn't, or no
 * room. */
struct words *world_block(uint32_t segment, unsigned party, uint64_t number, bool make);
/* Whether a process (or a thread of it) still is; and whether it was one that isn't waited for. */
bool world_lives(const struct occupant *occupant);
bool world_remembers(const struct occupant *occupant);

#endif
