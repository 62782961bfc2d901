/* SPDX-License-Identifier: MIT */
/* What the rooms of the signals share: sets, and what is told of a signal or a child. */
#ifndef IPCTS_STAGE_PERFORM_SIG_H
#define IPCTS_STAGE_PERFORM_SIG_H

#include "stage/perform.h"

/* A set of a story's, unpacked: until the same thread asks for the next. */
const sigset_t *set_of(long long packed);
/* As INFO_ numbers. */
void tell_siginfo(outcome *out, const siginfo_t *info);
/* To the end of the outcome's bytes. */
void add_text(outcome *out, const char *text);

#endif
