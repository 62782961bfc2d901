/* SPDX-License-Identifier: MIT */
/* The same processes play thousands of schedules: as many as there are, and what comes of each. */
#include "sched/harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "sched/replay.h"
#include "sched/runtime.h"

#define FIRST_RUN 4
#define FIRST_HASH UINT64_C(0xf0c8e62a5e0535f9)
#define FIRST_SCHEDULE "0@1>1 1@2>0 2@2>0"

enum { KEY_COUNTER = 1, KEY_LOCK = 2, STEPS = 10000 };

struct shared {
	int counter, lock;
};

static unsigned number;
static bool failed;

static void point(enum operation_kind kind, uint64_t key, unsigned access)
{
	sched_point(
		&(struct operation){.kind = (uint8_t)kind, .key = key, .access = (uint8_t)access});
}

/* ---- roles ---- */

static void three_steps(unsigned worker, void *memory)
{
	(void)memory;
	for (unsigned step = 0; step < 3; step++)
		point(OPERATION_STEP, 100 + worker, ACCESS_WRITE);
}

static void count_unsafely(unsigned worker, void *memory)
{
	struct shared *shared = memory;

	(void)worker;
	point(OPERATION_ACCESS, KEY_COUNTER, ACCESS_READ);
	int value = shared->counter;
	point(OPERATION_ACCESS, KEY_COUNTER, ACCESS_WRITE);
	shared->counter = value + 1;
}

static void count_with_lock(unsigned worker, void *memory)
{
	struct shared *shared = memory;
	struct operation locks = {
		.kind = OPERATION_MUTEX_LOCK, .key = KEY_LOCK, .access = ACCESS_WRITE};

	sched_point(&locks);
	while (shared->lock)
		sched_block(&locks, FOREVER);
	shared->lock = 1;
	count_unsafely(worker, memory);
	point(OPERATION_MUTEX_UNLOCK, KEY_LOCK, ACCESS_WRITE);
	shared->lock = 0;
	sched_wake(KEY_LOCK);
}

/* What it has read before it has the lock may be out of date. */
static void count_with_lock_too_late(unsigned worker, void *memory)
{
	struct shared *shared = memory;
	struct operation locks = {
		.kind = OPERATION_MUTEX_LOCK, .key = KEY_LOCK, .access = ACCESS_WRITE};

	(void)worker;
	point(OPERATION_ACCESS, KEY_COUNTER, ACCESS_READ);
	int value = shared->counter;
	sched_point(&locks);
	while (shared->lock)
		sched_block(&locks, FOREVER);
	shared->lock = 1;
	point(OPERATION_ACCESS, KEY_COUNTER, ACCESS_WRITE);
	shared->counter = value + 1;
	point(OPERATION_MUTEX_UNLOCK, KEY_LOCK, ACCESS_WRITE);
	shared->lock = 0;
	sched_wake(KEY_LOCK);
}

static void lock_and_forget(unsigned worker, void *memory)
{
	struct shared *shared = memory;
	struct operation locks = {
		.kind = OPERATION_MUTEX_LOCK, .key = KEY_LOCK, .access = ACCESS_WRITE};

	(void)worker;
	sched_point(&locks);
	while (shared->lock)
		sched_block(&locks, FOREVER);
	shared->lock = 1;
}

static void many_steps(unsigned worker, void *memory)
{
	(void)memory;
	for (unsigned step = 0; step < 4000; step++)
		point(OPERATION_STEP, 100 + worker, ACCESS_WRITE);
}

static void reset(void *memory)
{
	memset(memory, 0, sizeof(struct shared));
}

/* ---- what comes of them ---- */

struct tally {
	unsigned runs, good, ended[ENDINGS];
	uint64_t steps, nanoseconds;
	bool exhausted;
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static struct tally play(void (*role)(unsigned, void *), unsigned workers, enum engine_kind kind,
			 unsigned runs)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct harness harness = {.workers = workers,
				  .role = role,
				  .reset = reset,
				  .shared = shared,
				  .steps = STEPS,
				  .patience = 1};
	struct tally tally = {0};
	bool another = harness_start(&harness, kind, 1);
	uint64_t began = now();

	for (; another && tally.runs < runs; tally.runs++) {
		tally.ended[harness_run(&harness)]++;
		tally.good += shared->counter == (int)workers;
		tally.steps += arena->steps;
		another = engine_next(&arena->engine);
	}
	tally.nanoseconds = now() - began;
	tally.exhausted = arena->engine.exhausted;
	harness_stop(&harness);
	munmap(shared, sizeof(*shared));
	return tally;
}

static void verdict(bool holds, const char *name)
{
	failed |= !holds;
	printf("%sok %u - %s\n", holds ? "" : "not ", ++number, name);
}

/* Each begins (a step of its own), so that three steps are four. */
static void counts_schedules(void)
{
	struct tally tally = play(three_steps, 2, ENGINE_EVERY, 1000);

	printf("# %u schedules\n", tally.runs);
	verdict(tally.runs == 70 && tally.exhausted && tally.ended[ENDING_DONE] == 70,
		"two processes of four steps have 70 schedules");
}

static void counts_lost_updates(void)
{
	struct tally tally = play(count_unsafely, 2, ENGINE_EVERY, 1000);

	printf("# %u schedules, %u good\n", tally.runs, tally.good);
	verdict(tally.runs == 20 && tally.good == 8 && tally.exhausted,
		"12 of the 20 schedules of a counter lose an update");
}

static void locks_help(void)
{
	struct tally tally = play(count_with_lock, 2, ENGINE_EVERY, 100000);

	printf("# %u schedules\n", tally.runs);
	verdict(tally.exhausted && tally.good == tally.runs &&
			tally.ended[ENDING_DONE] == tally.runs,
		"no schedule of a counter with a lock loses one");
}

static void finds_deadlocks(void)
{
	struct tally tally = play(lock_and_forget, 2, ENGINE_POS, 20);

	verdict(tally.ended[ENDING_DEADLOCK] == 20,
		"a lock that isn't given back is a deadlock, and others begin after it");
}

/* The numbers are the same on every machine, and the schedule is found again by its string. */
static void is_portable(void)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct harness harness = {.workers = 3,
				  .role = count_with_lock_too_late,
				  .reset = reset,
				  .shared = shared,
				  .steps = STEPS,
				  .patience = 1};
	static struct schedule schedule;
	char *text = NULL;
	size_t size = 0;
	unsigned run = 0, same = 0;

	if (!harness_start(&harness, ENGINE_POS, 42)) {
		verdict(false, "there is no harness");
		return;
	}
	while (harness_run(&harness) == ENDING_DONE && shared->counter > 1 && run < 1000) {
		engine_next(&arena->engine);
		run++;
	}
	uint64_t hash = arena->hash;
	schedule = arena->taken;
	FILE *file = open_memstream(&text, &size);
	schedule_print(file, &schedule);
	fclose(file);
	printf("# run %u, hash %016" PRIx64 ", schedule %s\n", run, hash, text);
	verdict(run == FIRST_RUN && hash == FIRST_HASH && strcmp(text, FIRST_SCHEDULE) == 0,
		"a seed finds the same schedule on every machine");
	for (unsigned time = 0; time < 1000; time++) {
		engine_init(&arena->engine, ENGINE_REPLAY, 0);
		arena->engine.schedule = schedule;
		same += harness_run(&harness) == ENDING_DONE && arena->hash == hash &&
			shared->counter == 1;
	}
	verdict(same == 1000, "a thousand replays are the same");
	harness_stop(&harness);
	free(text);
	munmap(shared, sizeof(*shared));
}

static void tells_its_speed(void)
{
	struct tally short_runs = play(count_with_lock, 3, ENGINE_POS, 3000);
	struct tally switches = play(many_steps, 2, ENGINE_RANDOM, 20);
	struct tally points = play(many_steps, 1, ENGINE_POS, 100);

	printf("# %.0f schedules/s of three processes with a lock\n",
	       short_runs.runs * 1e9 / (double)short_runs.nanoseconds);
	printf("# %.0f ns a step, half of which switch\n",
	       (double)switches.nanoseconds / (double)switches.steps);
	printf("# %.0f ns a point without a switch\n",
	       (double)points.nanoseconds / (double)points.steps);
	verdict(short_runs.good == 3000, "three processes count 3000 times");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..7\n");
	counts_schedules();
	counts_lost_updates();
	locks_help();
	finds_deadlocks();
	is_portable();
	tells_its_speed();
	return failed;
}
