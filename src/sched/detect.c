/* SPDX-License-Identifier: MIT */
#include "sched/detect.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sched/channel.h"
#include "sched/clock.h"
#include "sched/options.h"
#include "sched/real.h"
#include "sched/runtime.h"

enum { STREAMS = 64 };

bool runtime_threads;

/* What becomes of it all is told by the exit status of who has begun it. */
int detect_status(int status)
{
	if (self.party && atomic_load(&world->party[self.number].first) &&
	    atomic_load(&world->reports) && race_options.exitcode)
		return race_options.exitcode;
	return status;
}

/* libc is about to write what is left in its streams, wherever they lead. */
static void send_what_is_left(void)
{
	for (int fd = 0; fd < STREAMS; fd++)
		channel_sends(fd, NULL, 0);
}

static void at_exit(void)
{
	int status = detect_status(0);

	send_what_is_left();
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
	runtime_mode |= MODE_DETECTING;
	party_begin();
	atexit(at_exit);
}

void detect_forked(unsigned party)
{
	place_forked();
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
