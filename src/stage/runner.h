/* SPDX-License-Identifier: MIT */
/*
 * A run: which tests of the catalogue there are to play, and playing them, several at a time, each
 * worker taking the next that nobody has taken.
 */
#ifndef IPCTS_STAGE_RUNNER_H
#define IPCTS_STAGE_RUNNER_H

#include "report/baseline.h"
#include "report/report.h"
#include "report/resume.h"
#include "stage/play.h"

enum { TEST_NAME_MAX = 200, JOBS_MAX = 256 };

struct selection {
	const char *const *globs; /* tests that match any; none given: all */
	size_t glob_count;
	unsigned grades;	/* 1 << grade, or'ed */
	unsigned shard, shards; /* every shards-th test, from the shard-th on; 1 of 1: all */
};

/* Rows of a test's table; 1 if it has none. */
size_t test_rows(const struct test *test);
/* Whether the glob chooses any test of the catalogue. */
bool glob_is_known(const char *glob);

struct part {
	const struct test *test;
	size_t row;
};

struct run {
	struct stage_settings settings;
	struct plan plan;
	struct planned *planned; /* the plan's tests */
	struct part *parts;	 /* what they are to the stage, in the same order */
	size_t selected;	 /* tests of all shards */
	struct report **reports;
	size_t report_count;
	const struct resume *resume; /* NULL: the run begins anew */
	struct house *house;	     /* the runner's own: workers and results */
};

/* Fills plan and parts: the same selection always gives the same plan.  False: no memory. */
bool runner_plan(struct run *run, const struct selection *selection,
		 const struct baseline *baseline);
/* When the reports are closed, for they read the results. */
void runner_free(struct run *run);

/* The processors this process may use. */
unsigned runner_processors(void);

/*
 * From now on SIGINT, SIGTERM and SIGHUP end a run, in good order; call it before anything is
 * created that the run would leave behind.
 */
void runner_catch_signals(void);

/*
 * Plays the plan and tells the reports, which are open, what comes; fills the tally.  Returns NULL,
 * or one line saying why it could not be played to its end.
 */
const char *runner_run(struct run *run, struct tally *tally);

#endif
