/* SPDX-License-Identifier: MIT */
/* For people: a progress line while it runs, then one screen a mechanism and one for the whole. */
#include "report/platform.h"
#include "report/report.h"
#include "report/sheet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SLOWEST = 20, WIDTH_DEFAULT = 80 };

#define BOLD "\033[1m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"
#define CLEAR "\r\033[K"

/* A word of our own in a colour, if there are any. */
static void coloured(const struct report *report, struct sheet *sheet, const char *colour,
		     const char *word)
{
	if (report->colours)
		sheet_add(sheet, colour);
	sheet_add(sheet, word);
	if (report->colours)
		sheet_add(sheet, PLAIN);
}

static void human_open(struct report *report, struct sheet *sheet)
{
	const struct plan *plan = report->plan;
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct platform platform;

	report->began = report_clock();
	report->progress = isatty(report->fd) && term && *term && strcmp(term, "dumb") != 0;
	report->colours = report->progress && !(no_color && *no_color);

	platform_read(&platform);
	sheet_add(sheet, "ipcts ");
	sheet_line(sheet, plan->version);
	sheet_printf(sheet, ": %zu tests of ", plan->count);
	sheet_line(sheet, plan->implementation);
	sheet_add(sheet, " on ");
	sheet_line(sheet, platform.summary);
	sheet_printf(sheet, "\nseed %" PRIu64 ", jobs %u", plan->seed, plan->jobs);
	if (plan->shards > 1)
		sheet_printf(sheet, ", shard %u/%u", plan->shard, plan->shards);
	if (plan_has_adversaries(plan))
		sheet_printf(sheet, ", with %s", plan->adversaries);
	sheet_add(sheet, "\n");
	if (plan->swept)
		sheet_printf(sheet, "removed %u left by runs that were killed\n", plan->swept);
}

/* -- progress --------------------------------------------------------------------------------- */

static size_t terminal_width(const struct report *report)
{
	struct winsize size;

	if (ioctl(report->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return WIDTH_DEFAULT;
}

/* How fast it has been so far, and how long the rest takes if that stays so. */
static void tell_pace(const struct report *report, struct sheet *line)
{
	double seconds = report_clock() - report->began;
	size_t left = report->plan->count - report->seen;

	if (seconds < 1 || !report->seen)
		return;
	sheet_printf(line, "%.0f a second, ",
		     (double)(report->faults ? report->faults : report->seen) / seconds);
	sheet_printf(line, "%.0f s left  ", seconds / (double)report->seen * (double)left);
}

static void draw_progress(struct report *report, struct sheet *sheet, size_t number)
{
	struct sheet line = {0};

	/* a terminal reads slower than tests pass */
	if (report_clock() - report->drawn < 0.05)
		return;
	report->drawn = report_clock();
	sheet_printf(&line, "%zu/%zu  ", report->seen, report->plan->count);
	if (report->faults)
		sheet_printf(&line, "%lu faults, ", report->faults);
	tell_pace(report, &line);
	sheet_line(&line, report->plan->tests[number].name);
	if (!line.error && line.size >= terminal_width(report))
		line.bytes[terminal_width(report) - 1] = '\0';
	sheet_add(sheet, CLEAR);
	sheet_line(sheet, line.error ? "" : line.bytes);
	sheet_free(&line);
}

static void human_start(struct report *report, struct sheet *sheet, size_t number)
{
	if (report->progress)
		draw_progress(report, sheet, number);
}

/* A failure is told at once to who is watching, and in full later. */
static void human_result(struct report *report, struct sheet *sheet, size_t number,
			 const struct result *result)
{
	enum fate fate = fate_of(&report->plan->tests[number], result);

	report->faults += result->faults;
	if (!report->progress || (fate != FAILED && fate != BROKEN))
		return;
	sheet_add(sheet, CLEAR);
	coloured(report, sheet, RED, fate == FAILED ? "failed  " : "error   ");
	sheet_line(sheet, report->plan->tests[number].name);
	sheet_add(sheet, "\n");
	report->drawn = 0;
}

/* -- a mechanism ------------------------------------------------------------------------------ */

static bool is_of(const struct report *report, size_t number, enum mechanism mechanism)
{
	return report->plan->tests[number].rule->mechanism == mechanism;
}

/* Has the test of this number this fate, in this mechanism? */
static bool has_fate(const struct report *report, size_t number, enum mechanism mechanism,
		     enum fate fate)
{
	return report->results[number] && is_of(report, number, mechanism) &&
	       fate_of(&report->plan->tests[number], report->results[number]) == fate;
}

/* How many rules of a grade have been tested, and in how many nothing failed. */
struct holding {
	size_t tested, held;
};

/* The tests of a rule are neighbours or nearly so; what an earlier one has counted isn't again. */
static bool is_first_of_rule(const struct report *report, size_t number)
{
	for (size_t i = number; i-- > 0;) {
		if (report->plan->tests[i].rule == report->plan->tests[number].rule)
			return false;
		if (!is_of(report, i, report->plan->tests[number].rule->mechanism))
			return true;
	}
	return true;
}

static void count_rule(const struct report *report, size_t number, struct holding *holding)
{
	const struct rule *rule = report->plan->tests[number].rule;
	bool tested = false, held = true;

	for (size_t i = number; i < report->plan->count; i++) {
		if (report->plan->tests[i].rule != rule || !report->results[i])
			continue;
		int verdict = report->results[i]->verdict;

		tested |= verdict == PASS || verdict == FAIL;
		held &= verdict == PASS || verdict == SKIP;
	}
	if (!tested)
		return;
	holding[rule->grade].tested++;
	holding[rule->grade].held += held;
}

static void tell_holdings(struct sheet *sheet, const struct holding *holding)
{
	const char *separator = "";

	for (int grade = 0; grade < GRADE_COUNT; grade++) {
		if (!holding[grade].tested)
			continue;
		sheet_printf(sheet, "%s%s %zu of %zu", separator, grade_names[grade],
			     holding[grade].held, holding[grade].tested);
		separator = ", ";
	}
	sheet_add(sheet, *separator ? " rules hold\n" : "no rule was tested\n");
}

static void tell_counts(struct sheet *sheet, const size_t *fates)
{
	sheet_printf(sheet, "%zu passed, %zu failed, %zu skipped", fates[PASSED] + fates[SURPRISED],
		     fates[FAILED] + fates[BROKEN], fates[SKIPPED]);
}

static void tell_name(const struct report *report, struct sheet *sheet, const char *colour,
		      const char *word, size_t number)
{
	sheet_add(sheet, "\n  ");
	coloured(report, sheet, colour, word);
	sheet_add(sheet, " ");
	sheet_line(sheet, report->plan->tests[number].name);
	sheet_add(sheet, ": ");
	sheet_line(sheet, report->plan->tests[number].rule->text);
	sheet_add(sheet, "\n");
}

static void tell_failure(const struct report *report, struct sheet *sheet, size_t number,
			 enum fate fate)
{
	const struct planned *planned = &report->plan->tests[number];
	const struct result *result = report->results[number];

	tell_name(report, sheet, RED, fate == FAILED ? "failed" : "error", number);
	sheet_printf(sheet, "    %s, ", grade_names[planned->rule->grade]);
	sheet_line(sheet, planned->rule->clause);
	sheet_add(sheet, "\n");
	sheet_lines(sheet, "    ", result->transcript);
	sheet_lines(sheet, fate == FAILED ? "    " : "    harness error: ", result->message);
	sheet_add(sheet, "    again: ");
	sheet_line(sheet, report->plan->again);
	sheet_add(sheet, " --only ");
	sheet_shell(sheet, planned->name);
	sheet_printf(sheet, " --seed %" PRIu64 "\n", report->plan->seed);
}

static void tell_deviations(const struct report *report, struct sheet *sheet,
			    enum mechanism mechanism, enum fate fate)
{
	for (size_t i = 0; i < report->plan->count; i++) {
		if (!has_fate(report, i, mechanism, fate))
			continue;
		sheet_add(sheet, "  ");
		coloured(report, sheet, YELLOW, fate == KNOWN ? "known" : "unexpectedly passes");
		sheet_add(sheet, " ");
		sheet_line(sheet, report->plan->tests[i].name);
		sheet_add(sheet, ": ");
		sheet_line(sheet, reason_known(&report->plan->tests[i]));
		sheet_add(sheet, "\n");
	}
}

/* Is there an earlier test of the mechanism skipped for the same reason? */
static bool reason_was_told(const struct report *report, size_t number, enum mechanism mechanism)
{
	for (size_t i = 0; i < number; i++)
		if (has_fate(report, i, mechanism, SKIPPED) &&
		    strcmp(report->results[i]->message, report->results[number]->message) == 0)
			return true;
	return false;
}

/* One reason, and all tests skipped for it. */
static void tell_reason(const struct report *report, struct sheet *sheet, size_t number,
			enum mechanism mechanism)
{
	const char *reason = report->results[number]->message;

	sheet_add(sheet, "  ");
	coloured(report, sheet, YELLOW, "skipped");
	sheet_add(sheet, " ");
	sheet_line(sheet, *reason ? reason : "no reason given");
	sheet_add(sheet, "\n");
	for (size_t i = number; i < report->plan->count; i++) {
		if (!has_fate(report, i, mechanism, SKIPPED) ||
		    strcmp(report->results[i]->message, reason) != 0)
			continue;
		sheet_add(sheet, "    ");
		sheet_line(sheet, report->plan->tests[i].name);
		sheet_add(sheet, "\n");
	}
}

static void tell_skips(const struct report *report, struct sheet *sheet, enum mechanism mechanism)
{
	for (size_t i = 0; i < report->plan->count; i++)
		if (has_fate(report, i, mechanism, SKIPPED) &&
		    !reason_was_told(report, i, mechanism))
			tell_reason(report, sheet, i, mechanism);
}

static void tell_failures(const struct report *report, struct sheet *sheet,
			  enum mechanism mechanism)
{
	for (size_t i = 0; i < report->plan->count; i++) {
		if (has_fate(report, i, mechanism, FAILED))
			tell_failure(report, sheet, i, FAILED);
		else if (has_fate(report, i, mechanism, BROKEN))
			tell_failure(report, sheet, i, BROKEN);
	}
}

static void tell_mechanism(const struct report *report, struct sheet *sheet,
			   enum mechanism mechanism, struct holding *whole)
{
	struct holding holding[GRADE_COUNT] = {0};
	size_t fates[FATE_COUNT] = {0}, planned = 0;

	for (size_t i = 0; i < report->plan->count; i++) {
		if (!is_of(report, i, mechanism))
			continue;
		planned++;
		if (report->results[i])
			fates[fate_of(&report->plan->tests[i], report->results[i])]++;
		if (is_first_of_rule(report, i))
			count_rule(report, i, holding);
	}
	if (!planned)
		return;

	sheet_add(sheet, "\n");
	coloured(report, sheet, BOLD, mechanism_names[mechanism]);
	sheet_printf(sheet, "  %s: ", mechanism_titles[mechanism]);
	tell_counts(sheet, fates);
	if (fates[KNOWN])
		sheet_printf(sheet, ", %zu known", fates[KNOWN]);
	sheet_add(sheet, "\n  ");
	tell_holdings(sheet, holding);
	tell_skips(report, sheet, mechanism);
	tell_deviations(report, sheet, mechanism, KNOWN);
	tell_deviations(report, sheet, mechanism, SURPRISED);
	tell_failures(report, sheet, mechanism);
	for (int grade = 0; grade < GRADE_COUNT; grade++) {
		whole[grade].tested += holding[grade].tested;
		whole[grade].held += holding[grade].held;
	}
}

/* -- the whole -------------------------------------------------------------------------------- */

/* Of a tenth of the tests, and never more than fill a screen: where the time goes. */
static void tell_slowest(const struct report *report, struct sheet *sheet, size_t seen)
{
	size_t slowest[SLOWEST], count = 0, most = seen / 10 < SLOWEST ? seen / 10 : SLOWEST;

	for (size_t i = 0; i < report->plan->count; i++) {
		size_t place = count;

		if (!report->results[i])
			continue;
		while (place > 0 &&
		       report->results[slowest[place - 1]]->seconds < report->results[i]->seconds)
			place--;
		if (place == most)
			continue;
		if (count < most)
			count++;
		memmove(&slowest[place + 1], &slowest[place],
			(count - 1 - place) * sizeof(slowest[0]));
		slowest[place] = i;
	}
	if (count)
		sheet_add(sheet, "slowest:\n");
	for (size_t i = 0; i < count; i++) {
		sheet_printf(sheet, "  %6.2f s  ", report->results[slowest[i]]->seconds);
		sheet_line(sheet, report->plan->tests[slowest[i]].name);
		sheet_add(sheet, "\n");
	}
}

static void tell_faults(struct sheet *sheet, const struct tally *tally)
{
	if (tally->faults)
		sheet_printf(sheet, "faults: %lu, survived: %lu, %.0f a second\n", tally->faults,
			     tally->survived, (double)tally->faults / tally->seconds);
	if (tally->points)
		sheet_printf(sheet, "points passed: %zu of %zu (%zu %%)\n", tally->points_passed,
			     tally->points, tally->points_passed * 100 / tally->points);
}

static void tell_whole(const struct report *report, struct sheet *sheet, const struct tally *tally)
{
	sheet_printf(sheet, "time: %.2f s, jobs %u", tally->seconds, report->plan->jobs);
	if (tally->processes)
		sheet_printf(sheet, ", %u processes", tally->processes);
	sheet_add(sheet, "\n");
	tell_faults(sheet, tally);
	tell_slowest(report, sheet, tally->seen);
	if (tally->fates[KNOWN])
		sheet_printf(sheet, "%zu known deviations\n", tally->fates[KNOWN]);
	if (tally->fates[SURPRISED])
		sheet_printf(sheet, "%zu known deviations unexpectedly pass\n",
			     tally->fates[SURPRISED]);
	if (tally->fates[BROKEN])
		sheet_printf(sheet, "%zu harness errors, counted as failed\n",
			     tally->fates[BROKEN]);
	if (tally->interrupted)
		sheet_printf(sheet, "interrupted by signal %d: ", tally->interrupted);
	if (tally->seen != tally->planned)
		sheet_printf(sheet, "%zu of %zu planned tests have a result\n", tally->seen,
			     tally->planned);
	else if (tally->interrupted)
		sheet_add(sheet, "all planned tests have a result\n");
}

static const char *word_for(const struct tally *tally)
{
	switch (tally_status(tally)) {
	case 0:
		return tally->fates[KNOWN] ? "all held but what is known" : "all held";
	case 1:
		return "not all held";
	default:
		return "no verdict";
	}
}

static void human_close(struct report *report, struct sheet *sheet, const struct tally *tally)
{
	struct holding whole[GRADE_COUNT] = {0};

	if (report->progress)
		sheet_add(sheet, CLEAR);
	for (int mechanism = 0; mechanism < MECHANISM_COUNT; mechanism++)
		tell_mechanism(report, sheet, (enum mechanism)mechanism, whole);
	sheet_add(sheet, "\n");
	coloured(report, sheet, tally_status(tally) ? RED : GREEN, word_for(tally));
	sheet_add(sheet, ": ");
	tell_holdings(sheet, whole);
	tell_whole(report, sheet, tally);
	tell_counts(sheet, tally->fates);
	sheet_add(sheet, "\n");
}

const struct reporter human_reporter = {
	.name = "human",
	.open = human_open,
	.start = human_start,
	.result = human_result,
	.close = human_close,
};
