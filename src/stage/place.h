/* SPDX-License-Identifier: MIT */
/* Where a process that is stepped (instruction.h) has stopped, and how to make it stop there. */
#ifndef IPCTS_STAGE_PLACE_H
#define IPCTS_STAGE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of its next instruction; 0: unknown. */
uintptr_t stopped_at(pid_t victim);
/* "libc.so.6+0x8a6de", in a file as addr2line(1) wants it; this process has the same image. */
void describe_place(uintptr_t place, char *text, size_t size);

/* A way to an instruction without a stop at all those before it.  False: there is none. */
bool put_breakpoint(pid_t victim, uintptr_t place, long *was);
/* It is as if it had never been there.  False: the victim has not come to it. */
bool take_breakpoint(pid_t victim, uintptr_t place, long was);

#endif
