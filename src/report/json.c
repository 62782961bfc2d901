/* SPDX-License-Identifier: MIT */
/*
 * JSON Lines: a header, {"start":...} before a test and its record after it, a summary.  Each is on
 * disk before the next test begins, and nothing is ever rewritten, so that a crash of the machine
 * costs at most what was running; resume.c reads it back.
 */
#include "report/platform.h"
#include "report/report.h"
#include "report/sheet.h"

#include <inttypes.h>

static void json_platform(struct sheet *sheet)
{
	struct platform platform;

	platform_read(&platform);
	sheet_add(sheet, "{");
	for (size_t i = 0; i < platform.count; i++) {
		const struct fact *fact = &platform.facts[i];

		sheet_printf(sheet, "%s\"%s\":", i ? "," : "", fact->name);
		if (fact->number)
			sheet_add(sheet, fact->value);
		else
			sheet_json(sheet, fact->value);
	}
	sheet_add(sheet, "}");
}

/* The seed is a string: a reader that takes numbers for floating point would round it. */
static void json_open(struct report *report, struct sheet *sheet)
{
	const struct plan *plan = report->plan;

	sheet_add(sheet, "{\"ipcts\":");
	sheet_json(sheet, plan->version);
	sheet_add(sheet, ",\"implementation\":");
	sheet_json(sheet, plan->implementation);
	sheet_printf(sheet, ",\"seed\":\"%" PRIu64 "\",\"planned\":%zu", plan->seed, plan->count);
	sheet_printf(sheet, ",\"options\":{\"jobs\":%u,\"shard\":\"%u/%u\",\"timeout_scale\":%g",
		     plan->jobs, plan->shard, plan->shards, plan->timeout_scale);
	if (plan_has_adversaries(plan)) {
		sheet_add(sheet, ",\"with\":");
		sheet_json(sheet, plan->adversaries);
	}
	sheet_add(sheet, "}");
	sheet_add(sheet, ",\"platform\":");
	json_platform(sheet);
	sheet_add(sheet, "}\n");
}

static void json_name(struct report *report, struct sheet *sheet, const char *key, size_t number)
{
	sheet_printf(sheet, "{\"%s\":", key);
	sheet_json(sheet, report->plan->tests[number].name);
	sheet_add(sheet, "}\n");
}

static void json_start(struct report *report, struct sheet *sheet, size_t number)
{
	json_name(report, sheet, "start", number);
}

static void json_abandoned(struct report *report, struct sheet *sheet, size_t number)
{
	json_name(report, sheet, "abandoned", number);
}

static void json_result(struct report *report, struct sheet *sheet, size_t number,
			const struct result *result)
{
	const struct planned *planned = &report->plan->tests[number];

	sheet_add(sheet, "{\"name\":");
	sheet_json(sheet, planned->name);
	sheet_add(sheet, ",\"rule\":");
	sheet_json(sheet, planned->rule->name);
	sheet_printf(sheet, ",\"grade\":\"%s\",\"verdict\":\"%s\",\"how\":\"%s\"",
		     grade_names[planned->rule->grade], verdict_names[result->verdict],
		     how_names[result->how]);
	if (result->faults)
		sheet_printf(sheet, ",\"faults\":%u", result->faults);
	sheet_printf(sheet, ",\"seconds\":%.6f,\"message\":", result->seconds);
	sheet_json(sheet, result->message);
	if (result->remark[0]) {
		sheet_add(sheet, ",\"remark\":");
		sheet_json(sheet, result->remark);
	}
	sheet_add(sheet, ",\"transcript\":");
	sheet_json(sheet, result->transcript);
	sheet_add(sheet, ",\"known\":");
	if (reason_known(planned))
		sheet_json(sheet, reason_known(planned));
	else
		sheet_add(sheet, "null");
	sheet_add(sheet, "}\n");
}

static void json_close(struct report *report, struct sheet *sheet, const struct tally *tally)
{
	const size_t *fates = tally->fates;

	(void)report;
	sheet_printf(sheet, "{\"summary\":{\"planned\":%zu,\"seen\":%zu", tally->planned,
		     tally->seen);
	sheet_printf(sheet, ",\"passed\":%zu,\"failed\":%zu,\"skipped\":%zu,\"errors\":%zu",
		     fates[PASSED] + fates[SURPRISED], fates[FAILED], fates[SKIPPED],
		     fates[BROKEN]);
	sheet_printf(sheet, ",\"known\":%zu,\"unexpectedly_passed\":%zu", fates[KNOWN],
		     fates[SURPRISED]);
	if (tally->faults)
		sheet_printf(sheet, ",\"faults\":%lu,\"survived\":%lu", tally->faults,
			     tally->survived);
	if (tally->points)
		sheet_printf(sheet, ",\"points\":%zu,\"points_passed\":%zu", tally->points,
			     tally->points_passed);
	sheet_printf(sheet, ",\"seconds\":%.6f,\"interrupted\":%s,\"status\":%d}}\n",
		     tally->seconds, tally->interrupted ? "true" : "false", tally_status(tally));
}

const struct reporter json_reporter = {
	.name = "json",
	.as_plays = true,
	.open = json_open,
	.start = json_start,
	.result = json_result,
	.abandoned = json_abandoned,
	.close = json_close,
};
