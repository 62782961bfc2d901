/* SPDX-License-Identifier: MIT */
/* drd's words for what threads_order.c tells. */
#include <valgrind/drd.h>

#include "fault/threads.h"

void drd_ignores(const void *memory, size_t size)
{
	ANNOTATE_BENIGN_RACE_SIZED(memory, size, "");
}

void drd_before(const void *object)
{
	ANNOTATE_HAPPENS_BEFORE(object);
}

void drd_after(const void *object)
{
	ANNOTATE_HAPPENS_AFTER(object);
}
