/* SPDX-License-Identifier: MIT */
/* What it costs that somebody looks at every system call. */
#ifndef FAULT_TRACE_COST_H
#define FAULT_TRACE_COST_H

#include <stdbool.h>

/* Nanoseconds of the cheapest system call, without a tracer and with one as in trace.c.  False:
 * nothing can be traced here. */
bool trace_cost(double *plain, double *traced);

#endif
