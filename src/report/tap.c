/* SPDX-License-Identifier: MIT */
/*
 * The Test Anything Protocol, version 13 (whose lines version 14 reads too): the plan first, one
 * line a test in the plan's order, everything else as diagnostics.
 */
#include "report/platform.h"
#include "report/report.h"
#include "report/sheet.h"

#include <inttypes.h>
#include <string.h>

/* Text of others within a line that may end in a directive: a '#' of its own must not begin one. */
static void tap_text(struct sheet *sheet, const char *text)
{
	struct sheet line = {0};

	sheet_line(&line, text);
	for (const char *s = line.bytes; s && *s; s++)
		sheet_printf(sheet, *s == '#' || *s == '\\' ? "\\%c" : "%c", *s);
	if (line.error)
		sheet->error = line.error;
	sheet_free(&line);
}

static void tap_open(struct report *report, struct sheet *sheet)
{
	const struct plan *plan = report->plan;
	struct platform platform;

	platform_read(&platform);
	sheet_printf(sheet, "TAP version 13\n1..%zu%s\n", plan->count,
		     plan->count ? "" : " # SKIP no test in this shard");
	sheet_add(sheet, "# ipcts ");
	sheet_line(sheet, plan->version);
	sheet_add(sheet, ", implementation ");
	sheet_line(sheet, plan->implementation);
	sheet_printf(sheet, ", seed %" PRIu64, plan->seed);
	if (plan_has_adversaries(plan))
		sheet_printf(sheet, ", with %s", plan->adversaries);
	sheet_add(sheet, "\n# ");
	sheet_line(sheet, platform.summary);
	sheet_add(sheet, "\n");
	if (plan->swept)
		sheet_printf(sheet, "# removed %u left by runs that were killed\n", plan->swept);
}

static void tap_directive(struct sheet *sheet, const struct planned *planned,
			  const struct result *result, enum fate fate)
{
	if (fate == SKIPPED) {
		sheet_add(sheet, " # SKIP ");
		tap_text(sheet, result->message);
	} else if (fate == KNOWN) {
		sheet_add(sheet, " # TODO ");
		tap_text(sheet, reason_known(planned));
	}
}

static void tap_again(struct sheet *sheet, const struct plan *plan, const struct planned *planned)
{
	sheet_add(sheet, "#   again: ");
	sheet_line(sheet, plan->again);
	sheet_add(sheet, " --only ");
	sheet_shell(sheet, planned->name);
	sheet_printf(sheet, " --seed %" PRIu64 "\n", plan->seed);
}

static void tap_diagnostics(struct sheet *sheet, const struct plan *plan,
			    const struct planned *planned, const struct result *result,
			    enum fate fate)
{
	switch (fate) {
	case SURPRISED:
		sheet_lines(sheet, "# unexpectedly passes; known: ", planned->known);
		return;
	case FAILED:
	case KNOWN:
		sheet_lines(sheet, "#   ", result->transcript);
		sheet_lines(sheet, "#   ", result->message);
		tap_again(sheet, plan, planned);
		return;
	case BROKEN:
		sheet_lines(sheet, "#   ", result->transcript);
		sheet_lines(sheet, "# harness error: ",
			    result->message[0] ? result->message : "no reason given");
		return;
	default:
		return;
	}
}

static void tap_result(struct report *report, struct sheet *sheet, size_t number,
		       const struct result *result)
{
	const struct planned *planned = &report->plan->tests[number];
	enum fate fate = fate_of(planned, result);

	sheet_printf(sheet, "%sok %zu - ",
		     fate == FAILED || fate == KNOWN || fate == BROKEN ? "not " : "", number + 1);
	tap_text(sheet, planned->name);
	sheet_add(sheet, ": ");
	tap_text(sheet, planned->rule->text);
	tap_directive(sheet, planned, result, fate);
	sheet_add(sheet, "\n");
	tap_diagnostics(sheet, report->plan, planned, result, fate);
}

static void tap_close(struct report *report, struct sheet *sheet, const struct tally *tally)
{
	if (tally->faults)
		sheet_printf(sheet, "# %lu faults, %lu survived\n", tally->faults, tally->survived);
	if (tally->points)
		sheet_printf(sheet, "# points passed: %zu of %zu\n", tally->points_passed,
			     tally->points);
	if (tally->interrupted)
		sheet_printf(sheet, "Bail out! ended by signal %d, %zu of %zu tests seen\n",
			     tally->interrupted, tally->seen, report->plan->count);
	else if (tally->seen != tally->planned)
		sheet_printf(sheet, "# harness error: %zu of %zu planned tests have a result\n",
			     tally->seen, tally->planned);
}

const struct reporter tap_reporter = {
	.name = "tap",
	.in_order = true,
	.open = tap_open,
	.result = tap_result,
	.close = tap_close,
};
