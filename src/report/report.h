/* SPDX-License-Identifier: MIT */
/* What is said of a run: verdicts, the plan, and the formats that tell them. */
#ifndef IPCTS_REPORT_REPORT_H
#define IPCTS_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/rule.h"

enum verdict {
	NONE, /* not yet run, or running */
	PASS,
	FAIL,  /* the implementation under test broke the rule */
	SKIP,  /* absent, denied, or not for this machine: with a reason */
	ERROR, /* the harness, or the test itself, failed: never the implementation's fault */
	VERDICT_COUNT
};

/* Why an unhappy verdict is one. */
enum how { HOW_PLAIN, HOW_HANG, HOW_CRASH, HOW_ABSENT, HOW_DENIED, HOW_ENVIRONMENT, HOW_COUNT };

enum { MESSAGE_MAX = 512, REMARK_MAX = 160, TRANSCRIPT_MAX = 16 * 1024 };

/* What came of one test; lives in memory that the runner and its workers share. */
struct result {
	_Atomic int verdict; /* enum verdict, written last */
	int how;	     /* enum how */
	double seconds;
	unsigned processes;		 /* started for it; 0: not counted */
	unsigned faults;		 /* injected into it */
	char message[MESSAGE_MAX];	 /* one line; "" for PASS */
	char remark[REMARK_MAX];	 /* one line, whatever the verdict; mostly "" */
	char transcript[TRANSCRIPT_MAX]; /* lines, "" for PASS */
};

extern const char *const verdict_names[VERDICT_COUNT]; /* "pass" ... */
extern const char *const how_names[HOW_COUNT];	       /* "plain", "hang" ... */

/* -- the plan --------------------------------------------------------------------------------- */

/* A test of the plan; its number, from 0, is its place in it. */
struct planned {
	const char *name; /* "mq.every_receiver_is_woken", "fifo.open_modes/rdonly" */
	const struct rule *rule;
	const char *known; /* why it is known to fail here; NULL: it isn't */
};

struct plan {
	const struct planned *tests;
	size_t count;
	const char *version;	    /* of this program */
	const char *implementation; /* what is judged */
	const char *again;	    /* the command that runs one test again: name and seed follow */
	const char *adversaries;    /* what acts against the tests: "eintr,stop"; "": nothing */
	uint64_t seed;
	double timeout_scale;
	unsigned jobs;
	unsigned shard, shards; /* 1 of 1: everything */
	unsigned swept;		/* objects of killed runs, removed before this one */
};

static inline bool plan_has_adversaries(const struct plan *plan)
{
	return plan->adversaries && *plan->adversaries;
}

/* What a result means in this plan. */
enum fate {
	PASSED,
	FAILED,
	SKIPPED,
	BROKEN,	   /* an error of the harness */
	KNOWN,	   /* failed, as the baseline says, or as a MAY rule may */
	SURPRISED, /* passed, though the baseline says it fails */
	FATE_COUNT
};
enum fate fate_of(const struct planned *planned, const struct result *result);
/* Why a KNOWN is one. */
const char *reason_known(const struct planned *planned);

struct tally {
	size_t planned, seen, fates[FATE_COUNT];
	unsigned processes;
	unsigned long faults, survived;
	size_t points, points_passed; /* of the implementation; 0: it has none that are counted */
	double seconds;		      /* of the whole run */
	int interrupted;	      /* the signal that ended the run early; 0: none did */
};
void tally_add(struct tally *tally, const struct planned *planned, const struct result *result);
/* 0: all held; 1: something failed; 2: the harness did, or a planned test has no result. */
int tally_status(const struct tally *tally);

/* -- reports ---------------------------------------------------------------------------------- */

struct report;
struct sheet;

/*
 * A format.  Each function adds to a sheet what is to be written at the end of the file; any may be
 * NULL.
 */
struct reporter {
	const char *name;
	bool in_order; /* wants the results in the plan's order; others as they come */
	bool as_plays; /* told by whoever plays the test, at once, if the file allows it */
	void (*open)(struct report *report, struct sheet *sheet);
	void (*start)(struct report *report, struct sheet *sheet, size_t number);
	void (*result)(struct report *report, struct sheet *sheet, size_t number,
		       const struct result *result);
	void (*abandoned)(struct report *report, struct sheet *sheet, size_t number);
	void (*close)(struct report *report, struct sheet *sheet, const struct tally *tally);
};

extern const struct reporter human_reporter, tap_reporter, junit_reporter, json_reporter;
/* By its name; NULL: no such format. */
const struct reporter *reporter_named(const char *name);

/* One format written to one file; lives in shared memory, for workers write to it too. */
struct report {
	const struct reporter *reporter;
	const char *path; /* "-": standard output */
	int fd;
	bool regular;	   /* a regular file: may be rewritten in place */
	bool goes_on;	   /* after an earlier report in the same file, whose results count */
	_Atomic int error; /* the errno of the first write that failed; no further one is made */
	const struct plan *plan;
	const struct result **results; /* those told, in the plan's order */
	size_t next;	      /* the first one not told, if the format wants them in order */
	bool *started;	      /* told so, as far as this process knows */
	size_t seen;	      /* results told */
	unsigned long faults; /* of these */
	double began;
	long long base, end; /* in a file rewritten in place: its first byte, its footer's */
	double drawn;	     /* when a progress line was drawn last */
	bool colours, progress;
};

/*
 * Opens the file ("-": standard output; append: after what it has).  NULL: errno says why not.
 * The path is borrowed.
 */
struct report *report_new(const struct reporter *reporter, const char *path, bool append);
/* The run begins.  The plan is borrowed until the end. */
void report_open(struct report *report, const struct plan *plan);
/* Whether start and result are to be told by the process that plays. */
bool report_as_plays(const struct report *report);
/* A test starts; telling it twice is harmless. */
void report_start(struct report *report, size_t number);
/* A test has ended; in any order.  The result must stay where it is until report_close. */
void report_result(struct report *report, size_t number, const struct result *result);
/*
 * The same, by the process that plays: one test has ended (result; or none: NULL) and another is
 * about to start (or none: start == plan->count), and both are on disk when this returns.
 */
void report_turn(struct report *report, size_t number, const struct result *result, size_t start);
/* An earlier run has had this result: told, unless it is in the file already. */
void report_resumed(struct report *report, size_t number, const struct result *result);
/* A test has been started and given up, with the whole run. */
void report_abandoned(struct report *report, size_t number);
/* The run has ended.  Returns 0, or the errno of the first write that failed. */
int report_close(struct report *report, const struct tally *tally);

/* For formats that rewrite in place: the sheet goes to base + at.  Empties it. */
void report_place(struct report *report, struct sheet *sheet, long long at);
/* After a write that failed: the bytes that have been at base + at are so again, and end the file.
 */
void report_restore(struct report *report, const char *bytes, size_t size, long long at);

/* Seconds of the monotonic clock. */
double report_clock(void);

#endif
