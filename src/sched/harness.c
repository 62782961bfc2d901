/* SPDX-License-Identifier: MIT */
#include "sched/harness.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched/runtime.h"
#include "sched/schedule.h"

enum { LOOK_EVERY = 100000000, LOOKS_A_SECOND = 10 };

static cpu_set_t all_processors;

static _Noreturn void work(struct harness *harness, unsigned worker, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(1);
	schedule_become(worker);
	runtime_mode |= arena->mode;
	for (;;) {
		schedule_enter();
		harness->role(worker, harness->shared);
		schedule_leave();
	}
}

static bool hire(struct harness *harness)
{
	pid_t self = getpid();

	fflush(NULL);
	atomic_store(&arena->actors, 0);
	for (unsigned worker = 0; worker < harness->workers; worker++) {
		unsigned actor = arena_enter(NOBODY);
		pid_t pid = fork();
		if (pid == 0)
			work(harness, actor, self);
		if (pid < 0)
			return false;
		harness->pids[worker] = pid;
		atomic_store(&arena->actor[actor].pid, pid);
		atomic_store(&arena->actor[actor].state, ACTOR_IDLE);
	}
	return true;
}

static void dismiss(struct harness *harness)
{
	for (unsigned worker = 0; worker < harness->workers; worker++) {
		if (harness->pids[worker] <= 0)
			continue;
		kill(harness->pids[worker], SIGKILL);
		waitpid(harness->pids[worker], NULL, 0);
		harness->pids[worker] = 0;
	}
}

bool harness_start(struct harness *harness, enum engine_kind kind, uint64_t seed)
{
	cpu_set_t one;
	int processor = sched_getcpu();

	if (!arena_make(MODE_SCHEDULED))
		return false;
	arena->budget = harness->steps;
	atomic_store(&arena->explorer_pid, getpid());
	engine_init(&arena->engine, kind, seed);
	CPU_ZERO(&one);
	CPU_SET(processor < 0 ? 0 : processor, &one);
	sched_getaffinity(0, sizeof(all_processors), &all_processors);
	sched_setaffinity(0, sizeof(one), &one);
	return hire(harness);
}

/* The worker whose turn it is may have died of what it did. */
static void look(struct harness *harness, unsigned looks)
{
	unsigned holder = atomic_load(&arena->holder);
	int status;

	if (holder < harness->workers &&
	    waitpid(harness->pids[holder], &status, WNOHANG) == harness->pids[holder]) {
		harness->pids[holder] = 0;
		schedule_end(ENDING_CRASH, holder, "process %u ended with status %#x", holder,
			     (unsigned)status);
	} else if (looks > HARNESS_SECONDS * LOOKS_A_SECOND * harness->patience)
		schedule_end(ENDING_TIME, holder, "process %u doesn't come to its next point",
			     holder);
}

enum ending harness_run(struct harness *harness)
{
	schedule_reset();
	if (harness->reset)
		harness->reset(harness->shared);
	engine_begin(&arena->engine);
	for (unsigned worker = 0; worker < harness->workers; worker++)
		schedule_admit(worker);
	schedule_go_on(NOBODY);

	uint32_t steps = 0;
	for (unsigned looks = 0; atomic_load(&arena->ending) == ENDING_NONE;) {
		if (schedule_watch(LOOK_EVERY))
			continue;
		looks = steps == arena->steps ? looks + 1 : 0;
		steps = arena->steps;
		look(harness, looks);
	}
	enum ending ending = atomic_load(&arena->ending);
	if (ending != ENDING_DONE) { /* they are in the midst of it, and can't be called back */
		dismiss(harness);
		hire(harness);
	}
	return ending;
}

void harness_stop(struct harness *harness)
{
	dismiss(harness);
	sched_setaffinity(0, sizeof(all_processors), &all_processors);
	arena_unmake();
}
