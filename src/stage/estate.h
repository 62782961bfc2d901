/* SPDX-License-Identifier: MIT */
/*
 * The estate: what tests create in the system and what must not outlive them.  The objects of the
 * running test are listed in the scene; a journal in the run's directory lists those of the whole
 * run, so that the next run can remove what a killed one has left.
 */
#ifndef IPCTS_STAGE_ESTATE_H
#define IPCTS_STAGE_ESTATE_H

#include <stdbool.h>
#include <stddef.h>

enum object_kind {
	OBJECT_NAME = 1, /* "/ipcts-...": a queue, a semaphore or shared memory of POSIX */
	OBJECT_KEY,	 /* a System V key, of whichever kind of object */
	OBJECT_MSG,	 /* a System V identifier without a key */
	OBJECT_SEMSET,
	OBJECT_SEGMENT,
};

enum { OBJECT_MAX = 256, OBJECT_NAME_MAX = 64 };

struct object {
	int kind;
	int number; /* key or identifier */
	char name[OBJECT_NAME_MAX];
};

struct object_list {
	_Atomic int count;
	_Atomic int lock;
	struct object objects[OBJECT_MAX];
};

/* The runner's: makes directory and journal, removes what killed runs have left. */
void estate_open(const char *parent);
unsigned estate_swept(void);
void estate_close(void);
/* The run's directory, or NULL and why there's none. */
const char *estate_directory(void);
const char *estate_no_directory(void);
/* Makes one in it where every user may make files, and nobody remove another's. */
bool estate_make_common(char *path, size_t size);
/* The run's own name, which no other run has. */
const char *estate_run_name(void);

/* In a worker: whose objects they are from now on. */
void estate_enter(unsigned worker);
/* In any process of the box: the object exists, or is about to. */
void estate_add(enum object_kind kind, int number, const char *name);
/* Removes all of the running test, through the implementation; in a process that may be lost. */
void estate_clear(void);
/* Whether anything is left to clear. */
bool estate_is_clear(void);
/* In the runner, in a process that may be lost: removes what the journal says of a worker. */
void estate_mourn(unsigned worker);
/* Removes a directory's content. */
void remove_content(const char *directory);

/* The journal's descriptor, for programs executed anew; -1: none. */
int estate_fd(void);
void estate_attach(int fd);

#endif
