/* SPDX-License-Identifier: MIT */
/* What is to fail: commands, as libfiu's remote control takes them, and what comes of them. */
#ifndef IPCTS_FAULT_PRELOAD_PLAN_H
#define IPCTS_FAULT_PRELOAD_PLAN_H

#include <stdbool.h>
#include <stddef.h>

/* The faults of one call. */
struct faults {
	int error;    /* to refuse it with, or 0 */
	size_t limit; /* to transfer at most: HALF, or NO_LIMIT */
	bool dies_after;
};

enum { HALF = 0 };
#define NO_LIMIT ((size_t)-1)

/* The calls of this thread that are the library's own, or libfiu's in its name: never faulted. */
extern __thread int own_calls __attribute__((tls_model("initial-exec")));

/* Asks libfiu what is to become of a call of the point.  May die here, and takes its delay. */
struct faults strike(int point);
_Noreturn void die(void);

/* What FIU_ENABLE and FIU_CTRL_FIFO say; exits with 2 if it can't be done. */
void plan_begin(void);

#endif
