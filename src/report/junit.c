/* SPDX-License-Identifier: MIT */
/*
 * JUnit's XML.  In a regular file each record is written over the footer together with a new one,
 * so that the file is well-formed at every moment; the counts, in a header of fixed size, come
 * last. What can't be rewritten (a pipe) gets everything at the end.
 */
#include "report/platform.h"
#include "report/report.h"
#include "report/sheet.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { HEADER_SIZE = 320 };

static const char footer[] = "</testsuite>\n</testsuites>\n";

/* Blanks before the last '>' make the header as long as any other. */
static void junit_header(struct report *report, struct sheet *sheet, const struct tally *tally)
{
	const size_t *fates = tally->fates;
	size_t unseen = tally->planned - tally->seen;

	(void)report;
	sheet_add(sheet,
		  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ipcts\">\n");
	sheet_printf(sheet, "<testsuite name=\"ipcts\" tests=\"%zu\" failures=\"%zu\"",
		     tally->planned, fates[FAILED]);
	sheet_printf(sheet, " errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\"", fates[BROKEN] + unseen,
		     fates[SKIPPED] + fates[KNOWN], tally->seconds);
	while (sheet->size < HEADER_SIZE - 2)
		sheet_add(sheet, " ");
	sheet_add(sheet, ">\n");
}

static void junit_property(struct sheet *sheet, const char *name, const char *value)
{
	sheet_printf(sheet, "<property name=\"%s\" value=\"", name);
	sheet_xml(sheet, value);
	sheet_add(sheet, "\"/>\n");
}

static void junit_properties(const struct plan *plan, struct sheet *sheet)
{
	struct platform platform;

	platform_read(&platform);
	sheet_add(sheet, "<properties>\n");
	junit_property(sheet, "ipcts", plan->version);
	junit_property(sheet, "implementation", plan->implementation);
	sheet_printf(sheet, "<property name=\"seed\" value=\"%" PRIu64 "\"/>\n", plan->seed);
	if (plan_has_adversaries(plan))
		junit_property(sheet, "with", plan->adversaries);
	for (size_t i = 0; i < platform.count; i++)
		junit_property(sheet, platform.facts[i].name, platform.facts[i].value);
	sheet_add(sheet, "</properties>\n");
}

static void junit_case(struct sheet *sheet, const struct planned *planned, double seconds)
{
	sheet_printf(sheet, "<testcase classname=\"ipcts.%s\" name=\"",
		     mechanism_names[planned->rule->mechanism]);
	sheet_xml(sheet, planned->name);
	sheet_printf(sheet, "\" time=\"%.6f\"", seconds);
}

/* <failure type="hang" message="...">transcript</failure> */
static void junit_unhappy(struct sheet *sheet, const char *element, const struct result *result)
{
	sheet_printf(sheet, "<%s type=\"%s\" message=\"", element, how_names[result->how]);
	sheet_xml(sheet, result->message);
	sheet_add(sheet, "\">");
	sheet_xml_lines(sheet, result->transcript);
	sheet_printf(sheet, "</%s>", element);
}

static void junit_skipped(struct sheet *sheet, const char *why, const char *reason)
{
	sheet_printf(sheet, "<skipped message=\"%s", why);
	sheet_xml(sheet, reason);
	sheet_add(sheet, "\"/>");
}

static void junit_output(struct sheet *sheet, const char *text, const char *more)
{
	sheet_add(sheet, "<system-out>");
	sheet_xml_lines(sheet, text);
	sheet_xml_lines(sheet, more);
	sheet_add(sheet, "</system-out>");
}

static void junit_record(const struct plan *plan, struct sheet *sheet, size_t number,
			 const struct result *result)
{
	const struct planned *planned = &plan->tests[number];

	junit_case(sheet, planned, result->seconds);
	switch (fate_of(planned, result)) {
	case PASSED:
		sheet_add(sheet, "/>\n");
		return;
	case SURPRISED:
		sheet_add(sheet, ">");
		junit_output(sheet, "unexpectedly passes; known: ", planned->known);
		break;
	case SKIPPED:
		sheet_add(sheet, ">");
		junit_skipped(sheet, "", result->message);
		break;
	case KNOWN:
		sheet_add(sheet, ">");
		junit_skipped(sheet, "known: ", reason_known(planned));
		junit_output(sheet, result->transcript, result->message);
		break;
	case FAILED:
		sheet_add(sheet, ">");
		junit_unhappy(sheet, "failure", result);
		break;
	default:
		sheet_add(sheet, ">");
		junit_unhappy(sheet, "error", result);
		break;
	}
	sheet_add(sheet, "</testcase>\n");
}

/* Over the footer, with a new footer; on a full disk with the old one. */
static void junit_write(struct report *report, struct sheet *sheet)
{
	size_t size = sheet->size;

	if (report->error)
		return;
	sheet_add(sheet, footer);
	report_place(report, sheet, report->end);
	if (report->error) {
		report_restore(report, footer, sizeof(footer) - 1, report->end);
		return;
	}
	report->end += (long long)size;
}

static void junit_open(struct report *report, struct sheet *sheet)
{
	struct tally none = {.planned = report->plan->count, .seen = report->plan->count};

	if (!report->regular)
		return;
	junit_header(report, sheet, &none);
	junit_properties(report->plan, sheet);
	junit_write(report, sheet);
}

static void junit_result(struct report *report, struct sheet *sheet, size_t number,
			 const struct result *result)
{
	if (!report->regular)
		return;
	junit_record(report->plan, sheet, number, result);
	junit_write(report, sheet);
}

static void junit_unseen(struct report *report, struct sheet *sheet)
{
	for (size_t i = 0; i < report->plan->count; i++) {
		if (report->results[i])
			continue;
		junit_case(sheet, &report->plan->tests[i], 0);
		sheet_add(sheet, "><error type=\"unseen\" message=\"planned, but has no result\"/>"
				 "</testcase>\n");
	}
}

static void junit_close(struct report *report, struct sheet *sheet, const struct tally *tally)
{
	if (report->regular) {
		junit_unseen(report, sheet);
		junit_write(report, sheet);
		junit_header(report, sheet, tally);
		report_place(report, sheet, 0);
		/* who shares the file with us (a shell) goes on behind the report */
		lseek(report->fd, 0, SEEK_END);
		return;
	}
	junit_header(report, sheet, tally);
	junit_properties(report->plan, sheet);
	for (size_t i = 0; i < report->plan->count; i++)
		if (report->results[i])
			junit_record(report->plan, sheet, i, report->results[i]);
	junit_unseen(report, sheet);
	sheet_add(sheet, footer);
}

const struct reporter junit_reporter = {
	.name = "junit",
	.in_order = true,
	.open = junit_open,
	.result = junit_result,
	.close = junit_close,
};
