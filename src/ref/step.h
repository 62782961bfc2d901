/* SPDX-License-Identifier: MIT */
/*
 * STEP marks an instant between two changes that others can see: the place where a process may be
 * killed, delayed or made to let others go first.  FAULT is a place where the world may refuse,
 * with one of the errors that follow: it is false, or true with errno set.  SHORT is a place where
 * a transfer may move less than it could, and tell so: it is true if it is to.  All are named
 * mechanism/operation/what-just-happened.  Without IPCREF_POINTS they are nothing at all.
 */
#ifndef IPCREF_STEP_H
#define IPCREF_STEP_H

#ifdef IPCREF_POINTS
#include <stdbool.h>

struct ipcref_hook {
	void (*step)(const char *point);
	bool (*fault)(const char *point, const int *errors); /* none: of SHORT */
};
/* What the points call; null members are passed by.  Not to be changed while others run. */
extern struct ipcref_hook ipcref_hook;

#define STEP(point) (ipcref_hook.step ? ipcref_hook.step(point) : (void)0)
#define FAULT(point, ...)                                                                          \
	(ipcref_hook.fault && ipcref_hook.fault(point, (const int[]){__VA_ARGS__, 0}))
#define SHORT(point) (ipcref_hook.fault && ipcref_hook.fault(point, (const int[]){0}))
#else
#define STEP(point) ((void)0)
#define FAULT(point, ...) 0
#define SHORT(point) 0
#endif

#endif
