/* SPDX-License-Identifier: MIT */
/* The points of failure: what all.points says of them, and which of them are enabled. */
#ifndef IPCTS_FAULT_PRELOAD_POINT_H
#define IPCTS_FAULT_PRELOAD_POINT_H

#include <stdatomic.h>
#include <stdbool.h>

enum kind {
	REFUSE,	    /* the call fails, without an effect */
	SHORTEN,    /* it transfers less than asked */
	DELAY,	    /* it comes later */
	KILL,	    /* the process dies before it */
	KILL_AFTER, /* and after it */
	KINDS
};

/* A point of the kind is named by its prefix, the family, a slash, and the function. */
struct point {
	const char *function;
	const char *names[KINDS];
	const int *errnos; /* ended by 0 */
	bool may_be_short;
};

/* Numbers of points, P_read and so on. */
enum {
#define POINT(family, type, name, ...) P_##name,
#define SHORT_POINT POINT
#define VARIADIC_POINT POINT
#include "fault/preload/all.points"
#undef POINT
#undef SHORT_POINT
#undef VARIADIC_POINT
	POINTS
};

extern const struct point points[POINTS];

/*
 * What is special about the calls of each function: a bit of 1 << kind where the point of that kind
 * is enabled.  0 is what makes an idle point cheap.
 */
extern _Atomic unsigned attention[POINTS];

enum {
	UNRESOLVED = 1 << KINDS /* nobody has looked yet where libc's function is */
};

#endif
