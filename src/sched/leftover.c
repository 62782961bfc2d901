/* SPDX-License-Identifier: MIT */
#include "sched/leftover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sched/futex.h"

enum { SETTLE_LOOKS = 50, SETTLE_LOOK_NANOSECONDS = 20000000 };

void leftover_making(void)
{
	atomic_fetch_add(&arena->making, 1);
}

void leftover_made(void)
{
	int saved = errno;

	if (atomic_fetch_sub(&arena->making, 1) == 1)
		futex_rouse(&arena->making);
	errno = saved;
}

void leftover_settle(void)
{
	static const struct timespec timeout = {0, SETTLE_LOOK_NANOSECONDS};
	uint32_t making;

	for (unsigned looks = 0; looks < SETTLE_LOOKS && (making = atomic_load(&arena->making));
	     looks++)
		futex_sleep(&arena->making, making, &timeout);
	atomic_store(&arena->making, 0);
}

static struct leftover *take_place(void)
{
	for (uint32_t number = 0; number < LEFTOVERS_MAX; number++) {
		struct leftover *leftover = &arena->leftover[number];
		uint32_t none = LEFTOVER_NONE;

		if (!atomic_compare_exchange_strong(&leftover->kind, &none, LEFTOVER_BEING_NOTED))
			continue;
		uint32_t known = atomic_load(&arena->leftovers);
		while (known <= number &&
		       !atomic_compare_exchange_weak(&arena->leftovers, &known, number + 1))
			continue;
		return leftover;
	}
	return NULL;
}

bool leftover_note(enum leftover_kind kind, bool keyless, int id, const char *name)
{
	struct leftover *leftover = strlen(name) < LEFTOVER_NAME_MAX ? take_place() : NULL;

	if (!leftover)
		return false;
	snprintf(leftover->name, sizeof(leftover->name), "%s", name);
	leftover->id = id;
	leftover->keyless = keyless;
	atomic_store(&leftover->kind, kind);
	return true;
}

void leftover_forget(enum leftover_kind kind, int id, const char *name)
{
	uint32_t count = atomic_load(&arena->leftovers);

	for (uint32_t number = 0; number < count; number++) {
		struct leftover *leftover = &arena->leftover[number];

		if (atomic_load(&leftover->kind) == (uint32_t)kind && leftover->id == id &&
		    strcmp(leftover->name, name) == 0)
			atomic_store(&leftover->kind, LEFTOVER_NONE);
	}
}

void leftover_forget_all(void)
{
	memset(arena->leftover, 0, atomic_load(&arena->leftovers) * sizeof(arena->leftover[0]));
	atomic_store(&arena->leftovers, 0);
	atomic_store(&arena->making, 0);
}
