/* SPDX-License-Identifier: MIT */
/*
 * The scene: the memory that the director, all actors and whatever they start share while one test
 * is played.  A verdict, once written here, stays, whoever wrote it and however it ends.
 */
#ifndef IPCTS_STAGE_SCENE_H
#define IPCTS_STAGE_SCENE_H

#include <sched.h>

#include "report/report.h"
#include "stage/adversary.h"
#include "stage/estate.h"
#include "stage/injection.h"
#include "stage/stage.h"

enum {
	ACTOR_MAX = 128,
	PROCESS_MAX = 1024,
	ACTOR_NAME_MAX = 24,
	SIGNAL_MAX = 129,
	HANDLES_MAX = 160,
	SCENE_FD = 900, /* where the scene's descriptor is kept, if limits allow */
};

/* What an actor is doing; the words it and the director wait for. */
enum { ACTOR_FREE, ACTOR_STARTING, ACTOR_IDLE, ACTOR_BUSY, ACTOR_GONE };

enum kin { KIN_CHILD, KIN_STRANGER, KIN_FORKED, KIN_THREAD };

/* What a name of the story stands for in one process. */
struct handle {
	char name[HANDLE_MAX];
	long long number;
	void *pointer;
};

/* The mailbox of an actor: one operation at a time, and what came of it. */
struct mailbox {
	char name[ACTOR_NAME_MAX];
	enum kin kin;
	int host;   /* the actor whose process it is: itself, unless it's a thread */
	int parent; /* the actor that forked it; -1: the director did */
	_Atomic int pid, tid;
	_Atomic(uint32_t) ordered; /* how many operations it was given */
	_Atomic(uint32_t) entered; /* ... it has begun to perform */
	_Atomic(uint32_t) done;	   /* ... it has come back from */
	_Atomic(uint32_t) caught[SIGNAL_MAX];
	_Atomic(uint32_t) stops; /* by an adversary */

	/* the director's notes */
	uint32_t judged; /* operations whose outcome has been asked for */
	bool watched;	 /* the operation in hand was stated to be blocked */
	bool begun_told; /* the transcript has its beginning */
	bool gone;	 /* killed, exited: no more of it */
	bool is_frozen;
	int status; /* of waitpid, once gone; -1: not known */
	double begun;

	/* the order, with what its pointers point to */
	op order;
	bool has_handle, has_other, has_bytes;
	char handle[HANDLE_MAX], other[HANDLE_MAX];
	outcome outcome;
	struct handle kept[HANDLES_MAX]; /* across an exec */
	unsigned kept_count;
	/* aligned for whatever an operation carries (questions.h) */
	_Alignas(long long) unsigned char order_bytes[OUTCOME_BYTES + 1];
	_Alignas(long long) unsigned char outcome_bytes[OUTCOME_BYTES];
};

/* What runs beneath the box, whether cast or forked by somebody. */
struct scene {
	/* settings, the same for all tests of a worker */
	char program[4096];
	char directory[4096]; /* the actors'; "": there's none */
	char no_directory[128];
	char run_name[32];
	char implementation[64];
	double timeout_scale;
	uint64_t run_seed;
	bool has_proc;
	int fd; /* of the scene itself; -1: strangers can't find it */
	unsigned worker;
	unsigned adversaries; /* 1 << adversary, or'ed */
	cpu_set_t processors; /* that they may choose from */

	/* the test */
	_Atomic int verdict, how; /* enum verdict, once written stays */
	_Atomic int message_lock;
	_Atomic(uint32_t) over; /* the director has come to its end */
	_Atomic(uint32_t) news; /* counts all that the director may wait for */
	char message[MESSAGE_MAX];
	char remark[REMARK_MAX];
	char test_name[200];
	uint64_t seed;
	long long serial; /* of the test, in this worker's run */
	double began;
	bool is_brief;
	_Atomic int director;
	_Atomic(uint32_t) process_count;
	_Atomic int processes[PROCESS_MAX];
	struct injection injection;
	_Atomic int left_alone; /* by adversaries that interrupt */
	_Atomic(uint32_t) deeds[ADVERSARY_COUNT];
	_Atomic int uses_paths;
	struct object_list objects;
	int actor_count;
	size_t transcript_size;
	bool transcript_full;
	char transcript[TRANSCRIPT_MAX];
	_Atomic(unsigned long) words[SHARED_WORDS];
	struct mailbox actors[ACTOR_MAX];
};

extern struct scene *scene;

/* Makes the scene of this worker; NULL: no memory. */
struct scene *scene_make(void);
/* In a program executed anew: finds the scene at a descriptor.  False: it isn't there. */
bool scene_attach(int fd);
/* Everything of the last test is gone. */
void scene_clear(void);

/* The first verdict counts; printf-like. */
void scene_verdict(enum verdict verdict, enum how how, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, in any process of the box, which then ends. */
_Noreturn void scene_end(enum verdict verdict, enum how how, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool scene_has_verdict(void);
/* Something has happened that the director may wait for. */
void scene_news(void);
/* This process is one of the box; one too many ends the test. */
void scene_enlist(void);
/* Whether what this process forks from now on is to be: not so, if it waits for all of them itself.
 */
void scene_enlists(bool enlists);
/*
 * This process, and what it forks, belongs to the test of this serial.  Where nobody can tell whose
 * orphans are whose, one of them may see the next test's scene, and must not play in it.
 */
void scene_join(long long serial);
bool scene_is_own(void);

#endif
