/* SPDX-License-Identifier: MIT */
/*
 * A violation as a picture: a page of HTML with one drawing, which needs nothing else.  Each actor
 * has a lane; the operations that the proof is about are numbered, and what happened around them is
 * grey.  Moments at which something begins or ends stand side by side, however long it took from
 * the one to the other.
 */
#ifndef IPCTS_ORACLE_TIMELINE_H
#define IPCTS_ORACLE_TIMELINE_H

#include <stdio.h>

#include "oracle/judge.h"

/* False: no memory, or errno says why it could not be written.  The title is in plain text. */
bool timeline_write(FILE *file, const struct history *history, const struct violation *violation,
		    const char *title);

#endif
