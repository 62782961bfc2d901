/* SPDX-License-Identifier: MIT */
/* The transcript of a story, kept in the scene; and an order and its outcome as they are told. */
#ifndef IPCTS_STAGE_TRANSCRIPT_H
#define IPCTS_STAGE_TRANSCRIPT_H

#include "stage/stage.h"

/* An operation is begun, and its outcome has not been judged. */
bool is_busy(const actor *a);

void describe_order(const actor *a, char *text, size_t size);
void describe_outcome(const actor *a, char *text, size_t size);

/* One line, with its time. */
void transcript_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What an actor does or undergoes; who has begun something says so first. */
void transcript_act(const actor *a, const char *what);
/* An operation and its outcome. */
void transcript_return(const actor *a);
/* All that is begun and not told yet, but for what one actor (or NULL) has begun. */
void transcript_beginnings(const actor *except);

#endif
