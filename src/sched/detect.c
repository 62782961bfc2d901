/* SPDX-License-Identifier: MIT */
#include "sched/detect.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sched/clock.h"
#include "sched/options.h"
#include "sched/real.h"
#include "sched/runtime.h"

bool runtime_threads;
/* Nobody in this world has begun it: what becomes of it is told by its exit status. */
static bool first_of_all;

int detect_status(int status)
{
	if (world && first_of_all && atomic_load(&world->reports) && race_options.exitcode)
		return race_options.exitcode;
	return status;
}

static void at_exit(void)
{
	int status = detect_status(0);

	party_end();
	if (!status)
		return;
	fflush(NULL);
	REAL(_exit)(status);
}

void detect_start(void)
{
	options_read();
	/* the explorer wants to know what is where, even if nothing is to be detected */
	if (race_options.detect || getenv(ARENA_ENVIRONMENT))
		world_start();
	if (!world || !race_options.detect)
		return;
	stack_start();
	first_of_all = party_of(getppid()) == PARTIES && party_of(getpid()) == PARTIES;
	runtime_mode |= MODE_DETECTING;
	party_begin();
	atexit(at_exit);
}

void detect_forked(unsigned party)
{
	place_forked();
	first_of_all = false;
	runtime_threads = false;
	party_become(party);
}

void detect_renew(void)
{
	if (!world)
		return;
	self.party = false;
	world_renew();
	place_forget();
	if (!race_options.detect)
		return;
	stack_start();
	party_begin();
}
