/* SPDX-License-Identifier: MIT */
#include "race/detection.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { SEEDS_MAX = 100, DETECTION_PATIENCE_MS = 1000 };

/* Of all who have played, for each box waits for its roles. */
static double processor_time(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int compare(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return (a > b) - (a < b);
}

static double median_of(double *values, unsigned count)
{
	if (count == 0)
		return 0;
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct detection detect_bug(const struct race *bug, const struct detector *detector, unsigned seeds,
			    uint64_t seed, double seconds, struct race_tally *tally)
{
	double runs[SEEDS_MAX], times[SEEDS_MAX];
	struct detection result = {.seeds = seeds < SEEDS_MAX ? seeds : SEEDS_MAX};

	for (unsigned i = 0; i < result.seeds; i++) {
		const struct race_wish wish = {.way = detector->way,
					       .engine = detector->engine,
					       .seed = seed + i,
					       .runs = UINT64_C(1) << 40,
					       .seconds = seconds,
					       .patience_ms = DETECTION_PATIENCE_MS,
					       .ends_at_first = true};
		double before = processor_time();

		race_play(bug, &wish, tally);
		times[i] = processor_time() - before;
		runs[i] = (double)tally->runs;
		result.found += tally->forbidden > 0;
	}
	result.runs = median_of(runs, result.seeds);
	result.seconds = median_of(times, result.seeds);
	return result;
}

void detection_say(const struct detection *detection, struct sheet *sheet)
{
	char text[40];

	if (detection->found * 2 < detection->seeds)
		snprintf(text, sizeof(text), "%u of %u", detection->found, detection->seeds);
	else
		snprintf(text, sizeof(text), "%.0f in %.3f s", detection->runs, detection->seconds);
	sheet_printf(sheet, " %18s", text);
}
