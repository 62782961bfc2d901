/* SPDX-License-Identifier: MIT */
/*
 * Points of an implementation whose source isn't ours: the system calls of the operation, each
 * before it is made and after, or every instruction.  A tracer (ptrace(2)) stops the actor there.
 */
#ifndef FAULT_TRACE_H
#define FAULT_TRACE_H

#include "stage/stage.h"

enum trace_mode { TRACE_NOTHING, TRACE_CALLS, TRACE_INSTRUCTIONS };

/* From now on, until trace_end: the idle actor's next order.  Where it can't be, the test is
 * skipped. */
void trace_begin(actor *a, enum trace_mode mode);
void trace_end(void);
/* Whether it is held at a point, and no more of that. */
bool trace_holds(void);
void trace_release(void);

#endif
