/* SPDX-License-Identifier: MIT */
/*
 * A baseline: what is known to fail on a platform, and why.  One line each,
 *
 *	mq.notify_*    qemu-user has no mq_notify (ENOSYS)
 *
 * a glob of tests or rules, blanks, the reason; '#' begins a line of comment.
 */
#ifndef IPCTS_REPORT_BASELINE_H
#define IPCTS_REPORT_BASELINE_H

#include <stdbool.h>
#include <stddef.h>

struct deviation {
	char *glob, *reason;
	const char *path; /* of the file, borrowed */
	int line;
};

struct baseline {
	struct deviation *deviations;
	size_t count;
};

enum { COMPLAINT_MAX = 512 };

/*
 * Adds a file's lines to those the baseline has, which are none at first.  False, and one line in
 * complaint that names file and line, if it can't be read or understood: then it has none.
 */
bool baseline_read(struct baseline *baseline, const char *path, char complaint[COMPLAINT_MAX]);
/* Why the test is known to fail; NULL if it isn't.  The first line that matches counts. */
const char *baseline_reason(const struct baseline *baseline, const char *test);
void baseline_free(struct baseline *baseline);

/*
 * Does a glob choose the test?  It may match the test's whole name ("fifo.open_modes/rdonly"), its
 * rule's ("fifo.open_modes") or its mechanism's ("fifo").  A name is always a glob of itself.
 */
bool glob_matches(const char *glob, const char *test);

#endif
