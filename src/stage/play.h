/* SPDX-License-Identifier: MIT */
/* The stage, as a runner sees it: which tests there are, and the playing of one. */
#ifndef IPCTS_STAGE_PLAY_H
#define IPCTS_STAGE_PLAY_H

#include <stdint.h>

#include "report/report.h"
#include "stage/stage.h"

struct stage_settings {
	const struct implementation *implementation;
	/* whose objects killed runs may have left, ended by NULL; none: the implementation's only
	 */
	const struct implementation *const *known;
	uint64_t seed;	      /* of the run; each test derives its own from it and its name */
	double timeout_scale; /* multiplies every patience; 1 by default */
	const char *program;  /* argv[0], to execute ourselves anew for strangers */
	unsigned adversaries; /* 1 << adversary, or'ed: what acts against every test */
	bool tell_all;	      /* a test that passes has its transcript too */
};

/*
 * Once, in the runner, before any worker: makes the run's own directory under $TMPDIR (or does
 * without, with a reason that tests of paths are then skipped with), and removes what runs that
 * were killed have left behind, and only that.  Returns NULL, or one line saying what is
 * impossible.
 */
const char *stage_open(const struct stage_settings *settings);
/* How many objects of killed runs stage_open has removed. */
unsigned stage_swept(void);
/* Once, in the runner, after all workers: removes the run's directory. */
void stage_close(void);

/* Once in each worker process (index 0 ...), after its fork; a worker plays one test at a time. */
void stage_enter_worker(unsigned index);
/* From now on the worker's tests judge another implementation. */
void stage_judge(const struct implementation *implementation);
/*
 * Plays one test in a box of its own, removes all it left, and writes the result (verdict last).
 * brief: with the patience of is_brief(), for what is known not to come.
 */
void stage_play(const struct test *test, size_t row, bool brief, struct result *result);
/* In a worker's handler of SIGTERM or SIGINT: async-signal-safe; kills what the running test
 * started. */
void stage_abandon(void);
/* After a worker has died: kills and removes whatever its test left. */
void stage_mourn_worker(unsigned index);

/* All registered tests, sorted by mechanism, file and line (a linked list, each with its rows). */
const struct test *stage_tests(void);
/* "mq.every_receiver_is_woken", "fifo.open_modes/rdonly-nonblock": into a buffer of size bytes. */
const char *test_name(const struct test *test, size_t row, char *buffer, size_t size);

/*
 * main() of an actor that has been exec'd: argv[1] is ACTOR_OPTION.  The implementations known to
 * this program end with NULL.
 */
#define ACTOR_OPTION "--actor"
_Noreturn void actor_main(int argc, char **argv, const struct implementation *const *known);

#endif
