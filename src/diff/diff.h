/* SPDX-License-Identifier: MIT */
/*
 * The differential: one script, performed on two implementations, must look the same on both, act
 * by act.  The first is played with the generator, which sees what has come of each act before it
 * chooses the next; the second plays the script that this makes, and is compared with what the
 * first gave after every act, until it differs.
 */
#ifndef IPCTS_DIFF_DIFF_H
#define IPCTS_DIFF_DIFF_H

#include "diff/generate.h"
#include "report/baseline.h"
#include "stage/play.h"

struct diff_settings {
	const struct implementation *implementations[2];
	int actors;		      /* at most */
	int least, most;	      /* acts of a script */
	const bool *is_left_out;      /* operations by code: not generated */
	const struct baseline *known; /* explained divergences */
};

enum diff_verdict {
	DIFF_SAME,
	DIFF_DIVERGES,
	DIFF_EXPLAINED, /* differs as it is known to */
	DIFF_ABSENT,	/* one of them lacks an operation: absent_operation of its trace */
	DIFF_SKIPPED,	/* the machine lacks something: the message */
	DIFF_TROUBLE	/* of the harness: the message */
};

/* Once, after stage_enter_worker; false: no memory. */
bool diff_open(const struct diff_settings *settings);

enum diff_verdict diff_generate(const struct menu *menu, uint64_t seed);
enum diff_verdict diff_replay(const struct menu *menu, const struct script *script);

/* Whether who doesn't come back is given up soon, as a search can afford. */
void diff_hurry(bool hurried);

/* Of the last of these; the script's acts are what was generated. */
const struct script *diff_script(void);
const struct trace *diff_trace(int implementation);
const struct divergence *diff_divergence(void);
const char *diff_message(void);
/* What both have done alike: acts, among them operations that failed and that blocked; how many
 * differences were explained, and how often who was to come back on the second slept on for long.
 */
struct diff_count {
	unsigned steps, failed, blocked, explained, late;
};
struct diff_count diff_count(void);

#endif
