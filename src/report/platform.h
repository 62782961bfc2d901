/* SPDX-License-Identifier: MIT */
/* Facts of the platform that a verdict depends on. */
#ifndef IPCTS_REPORT_PLATFORM_H
#define IPCTS_REPORT_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

enum { FACT_MAX = 64 };

struct fact {
	const char *name; /* "kernel", "msgmax", "rlimit_nofile" */
	char value[160];
	bool number; /* value is one, in decimal */
};

struct platform {
	struct fact facts[FACT_MAX]; /* what could be read, without help of /proc or with it */
	size_t count;
	char summary[320]; /* one line: system, architecture, libc */
};

void platform_read(struct platform *platform);

#endif
