/* SPDX-License-Identifier: MIT */
/* Operations and outcomes in words, for transcripts and messages. */
#ifndef IPCTS_STAGE_TELL_H
#define IPCTS_STAGE_TELL_H

#include <stddef.h>

#include "contract/op.h"

/* "mq.send(q, "one", priority 0)" */
void tell_op(const op *o, char *text, size_t size);
/* "-> 0", "-> "one", priority 0", "-> EAGAIN" */
void tell_outcome(const op *o, const outcome *out, char *text, size_t size);
/* Bytes as a quoted string, or as a count if they are many or can't be read. */
void tell_bytes(const void *bytes, size_t count, char *text, size_t size);
/* "EAGAIN", "SIGTERM"; "errno 999", "signal 99" for what has no name here. */
const char *error_name(int error);
const char *signal_name(int number);

#endif
