/* SPDX-License-Identifier: MIT */
/*
 * A fault that one order of one actor is to meet: which, and at the how many-th of the points that
 * the actor passes in it.  The director sets it; whoever knows the points (fault/) carries it out.
 */
#ifndef IPCTS_STAGE_INJECTION_H
#define IPCTS_STAGE_INJECTION_H

#include <stdatomic.h>
#include <stdint.h>

enum { INJECTION_POINT_MAX = 64, INJECTION_POINTS = 512, INJECTION_ERRORS = 256 };
enum { INJECTION_COURSE = 1024, INJECTION_NAMELESS = 0xffff };
enum { POINT_UNSEEN, POINT_PASSED, POINT_HIT };

struct injection {
	/* of the turn */
	int kind;	    /* whoever carries it out says which */
	unsigned nth;	    /* from 1; 0: nothing is done */
	unsigned after_end; /* the same of the recoverer */

	/* of the order */
	int actor;		 /* index; -1: nobody's */
	uint32_t order;		 /* its number, as in the mailbox */
	int at;			 /* the nth, or that of the recoverer */
	int does;		 /* what is done there */
	int counts_threads;	 /* also those that the implementation has started there */
	_Atomic uint32_t passed; /* points that count */

	/* of a tracer, if it is one who carries it out */
	_Atomic uint32_t tracer, held;
	int denied; /* the errno of what it was refused */
	int is_traced;

	/* what came of it */
	uint16_t course[INJECTION_COURSE]; /* the first points that the order has passed */

	_Atomic uint32_t injected;			 /* faults of all orders of the turn */
	_Atomic(unsigned char) errors[INJECTION_ERRORS]; /* by errno: whether it was refused so */
	char point[INJECTION_POINT_MAX];		 /* where the last was injected */
	_Atomic(unsigned char) seen[INJECTION_POINTS];	 /* POINT_... */
};

#endif
