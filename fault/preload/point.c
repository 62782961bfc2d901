/* SPDX-License-Identifier: MIT */
#include "fault/preload/point.h"

#include <errno.h>

#define LIST(...) __VA_ARGS__

#define DESCRIBE(family, name, short_too, list)                                                    \
	[P_##name] = {                                                                             \
		.function = #name,                                                                 \
		.names =                                                                           \
			{                                                                          \
				[REFUSE] = "ipc/" #family "/" #name,                               \
				[SHORTEN] = "ipc-short/" #family "/" #name,                        \
				[DELAY] = "ipc-delay/" #family "/" #name,                          \
				[KILL] = "ipc-kill/" #family "/" #name,                            \
				[KILL_AFTER] = "ipc-kill-after/" #family "/" #name,                \
			},                                                                         \
		.errnos = (const int[]){LIST list, 0},                                             \
		.may_be_short = short_too,                                                         \
	},

const struct point points[POINTS] = {
#define POINT(family, type, name, parameters, arguments, when, refusal, list)                      \
	DESCRIBE(family, name, false, list)
#define SHORT_POINT(family, type, name, parameters, arguments, when, refusal, may_be, call, list)  \
	DESCRIBE(family, name, true, list)
#define VARIADIC_POINT POINT
#include "fault/preload/all.points"
#undef POINT
#undef SHORT_POINT
#undef VARIADIC_POINT
};

_Atomic unsigned attention[POINTS] = {
#define POINT(family, type, name, ...) [P_##name] = UNRESOLVED,
#define SHORT_POINT POINT
#define VARIADIC_POINT POINT
#include "fault/preload/all.points"
};
