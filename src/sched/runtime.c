/* SPDX-License-Identifier: MIT */
#include "sched/runtime.h"

#include "sched/detect.h"

unsigned runtime_mode;

void runtime_start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	detect_start();
}

__attribute__((constructor(101))) static void start(void)
{
	runtime_start();
}

void runtime_access(const struct place *place, const void *address, size_t size, unsigned access,
		    int order, const void *pc)
{
	(void)place, (void)address, (void)size, (void)access, (void)order, (void)pc;
}

void runtime_unchanged(void)
{
}
