/* SPDX-License-Identifier: MIT */
/* What a function that stands for syscall() is called with, and passes on. */
#ifndef IPCTS_SCHED_ARGUMENTS_H
#define IPCTS_SCHED_ARGUMENTS_H

#include <stdarg.h>

enum { ARGUMENTS_MAX = 6 };

/*
 * All that there can be: how many there are only the kernel knows.  What lies beyond them may be of
 * the caller's, and is passed on to nobody who looks at it.
 */
__attribute__((no_sanitize("address"))) static inline void read_arguments(va_list rest,
									  long argument[])
{
	for (int which = 0; which < ARGUMENTS_MAX; which++)
		argument[which] = va_arg(rest, long);
}

#define ARGUMENTS(argument)                                                                        \
	(argument)[0], (argument)[1], (argument)[2], (argument)[3], (argument)[4], (argument)[5]

#endif
