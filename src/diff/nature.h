/* SPDX-License-Identifier: MIT */
/* What of an outcome may differ by nature, and what is compared in its place. */
#ifndef IPCTS_DIFF_NATURE_H
#define IPCTS_DIFF_NATURE_H

#include "contract/op.h"

enum nature_how {
	LEFT_OUT,     /* not compared */
	NUMBERED,     /* the first that appears is 1 ... */
	A_PROCESS,    /* the actor's number, from 1; 0 for none, -1 for somebody else */
	WHETHER_ZERO, /* 0 or not */
	ITS_FLAGS,    /* the flags of a descriptor that everybody can set */
};

enum { THE_VALUE = -1, NO_MORE = -2 };

struct nature {
	enum op_code code;
	int which; /* THE_VALUE, or one of the numbers */
	enum nature_how how;
	const char *why;
};

/* Ended by one whose which is NO_MORE. */
extern const struct nature natures[];
/* NULL: it is compared as it is. */
const struct nature *nature_of(enum op_code code, int which);

#endif
