/* SPDX-License-Identifier: MIT */
/* An earlier report in JSON Lines, read back so that its run can be gone on with. */
#ifndef IPCTS_REPORT_RESUME_H
#define IPCTS_REPORT_RESUME_H

#include "report/baseline.h"
#include "report/report.h"

/* What the file says of one test. */
struct memory {
	char *name;
	bool started; /* and not ended: it ran when the machine or the run died */
	bool ended;
	struct result *result; /* allocated if ended */
};

struct resume {
	const char *path;
	char *implementation;
	uint64_t seed;
	struct memory *memories;
	size_t count;
	long long good; /* the file's size without a last line that was cut off */
};

/*
 * False, and one line in complaint that names file and line, if it can't be read or is no such
 * report.  What a crash does to the end of a file (a line cut off, or zeros) is no complaint.
 */
bool resume_read(struct resume *resume, const char *path, char complaint[COMPLAINT_MAX]);
/* NULL: the file doesn't name the test. */
const struct memory *resume_find(const struct resume *resume, const char *test);
void resume_free(struct resume *resume);

#endif
