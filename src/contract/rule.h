/* SPDX-License-Identifier: MIT */
/*
 * A rule is one sentence an implementation must keep.  Rules are written in <mechanism>.rules, one
 * call of RULE each:
 *
 *	RULE(mq, every_receiver_is_woken, SHALL, "mq_receive: DESCRIPTION",
 *	     "N messages wake N waiting receivers.",
 *	     "Linux 5.5 to 5.13: a wakeup only when the pipe had been empty")
 *
 * mechanism, name (a sentence in the present tense), grade, source clause, the promise in our
 *words, and the real bugs of this kind ("" where none is known).  A rule is an enumerator, so that
 *a test of an unwritten rule does not compile and a rule without a test can be computed.
 */
#ifndef IPCTS_CONTRACT_RULE_H
#define IPCTS_CONTRACT_RULE_H

/* The rows of the table: one word a mechanism, the same word everywhere. */
#define MECHANISMS(M)                                                                              \
	M(sig) M(pipe) M(fifo) M(msg) M(mq) M(shm) M(sem) M(semset) M(sock) M(lock) M(event)

enum mechanism {
#define M(name) MECHANISM_##name,
	MECHANISMS(M)
#undef M
		MECHANISM_COUNT
};

enum grade {
	SHALL, /* POSIX.1-2024 says shall */
	MAY,   /* implementation-defined or unspecified: recorded, never failed */
	LINUX, /* documented Linux behaviour (man-pages) */
	OURS,  /* quality no standard promises: survival of crashes */
	GRADE_COUNT
};

enum rule_id {
#define RULE(mechanism, name, grade, clause, text, seen) RULE_##mechanism##_##name,
#include "contract/all.rules"
	RULE_COUNT
};

/*
 * A promise that no test can hold an implementation to is written beside them, with the reason:
 *
 *	UNTESTABLE(mq, close_frees_the_resources, SHALL, "mq_close: DESCRIPTION",
 *		   "The system's resources of a closed descriptor are freed.",
 *		   "what is freed inside the system can't be seen from outside")
 */
struct untestable {
	enum mechanism mechanism;
	enum grade grade;
	const char *name, *clause, *text;
	const char *reason;
};

struct rule {
	enum mechanism mechanism;
	enum grade grade;
	const char *name;   /* "mq.every_receiver_is_woken" */
	const char *clause; /* "mq_receive: DESCRIPTION", "pipe(7): Pipe capacity" */
	const char *text;
	const char *seen; /* real bugs of this kind, "" where none is known */
};

extern const struct rule rules[RULE_COUNT];
extern const struct untestable untestables[];		    /* ends with a name of NULL */
extern const char *const mechanism_names[MECHANISM_COUNT];  /* "sig", "pipe" ... */
extern const char *const mechanism_titles[MECHANISM_COUNT]; /* "signals", "anonymous pipe" ... */
extern const char *const grade_names[GRADE_COUNT];	    /* "SHALL" ... */

#endif
