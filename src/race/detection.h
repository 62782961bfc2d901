/* SPDX-License-Identifier: MIT */
/* How soon engines find bugs that are known to be there (bug.h). */
#ifndef IPCTS_RACE_DETECTION_H
#define IPCTS_RACE_DETECTION_H

#include "race/play.h"
#include "report/sheet.h"

struct detector {
	const char *name;
	enum race_way way;
	enum engine_kind engine;
};

/* Of a bug and an engine, over several seeds. */
struct detection {
	unsigned found, seeds;
	double runs, seconds; /* medians of the first find, of processor time; of all seeds */
};

/* At most so many processor seconds, about, for a seed. */
struct detection detect_bug(const struct race *bug, const struct detector *detector, unsigned seeds,
			    uint64_t seed, double seconds, struct race_tally *tally);
/* "6 in 0.004 s", or in how many of the seeds it was found, if that's not most of them. */
void detection_say(const struct detection *detection, struct sheet *sheet);

#endif
