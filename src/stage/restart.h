/* SPDX-License-Identifier: MIT */
/*
 * Calls that fail with EINTR after a handler with SA_RESTART has run, or after SIGCONT, as
 * signal(7) lists them, and transfers that are then shorter: what an adversary has interrupted is
 * begun anew, wherever the call was made.  All other calls are left as they are, for they have to
 * go on by themselves.
 */
#ifndef IPCTS_STAGE_RESTART_H
#define IPCTS_STAGE_RESTART_H

#include "contract/implementation.h"

/* In tables of its own, which live as long as the process. */
void restart_calls(struct implementation *calls);

#endif
