/* SPDX-License-Identifier: MIT */
/* What every program has that carries the runtime; in two parts, so that who looks for it has it
 * not. */
#ifndef IPCTS_SCHED_MARK_H
#define IPCTS_SCHED_MARK_H

#define RUNTIME_MARK_FIRST "built by ipcts-cc, "
#define RUNTIME_MARK_SECOND "runtime 1"

#endif
