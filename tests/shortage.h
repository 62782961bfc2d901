/* SPDX-License-Identifier: MIT */
/* Too few descriptors: what can't be done then isn't done by half. */
#ifndef IPCTS_TESTS_SHORTAGE_H
#define IPCTS_TESTS_SHORTAGE_H

#include "stage/story.h"

/* None needs more at a time. */
enum { ENOUGH_DESCRIPTORS = 8 };

/* Whether the actor, with room for so many further descriptors, can't do the operation for that. */
static inline bool lacks_descriptors(actor *a, int room, op o)
{
	does(a, fd.leave_room(room));
	begin(a, o);
	returns(a);
	if (outcome_of(a)->value != -1)
		return false;
	must_be(outcome_of(a)->error, EMFILE);
	must(room < ENOUGH_DESCRIPTORS);
	return true;
}

#endif
