/* SPDX-License-Identifier: MIT */
/*
 * ipcts stress: the tests that judge histories, with long ones, of one implementation after the
 * other; and how long it took to record and to judge each.
 */
#include "command/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HISTORIES "what_happens_at_once_is_as_one_after_the_other"

/* A history of so many has as much patience as a test; a longer one, more in proportion. */
enum { PATIENT_FOR = 100000 };

static unsigned long long operations;

/* -- what is said ----------------------------------------------------------------------------- */

/* "msg/any", of "msg.what_.../any". */
static void say_name(struct sheet *sheet, const char *name)
{
	const char *variant = strchr(name, '/');
	char text[TEST_NAME_MAX];

	snprintf(text, sizeof(text), "%.*s%s", (int)strcspn(name, "."), name,
		 variant ? variant : "");
	sheet_printf(sheet, "%-20s ", text);
}

static void say_again(struct report *report, struct sheet *sheet, const char *name)
{
	sheet_add(sheet, "    again: ipcts stress --mechanism ");
	sheet_shell(sheet, name);
	sheet_printf(sheet, " --impl %s --operations %llu --seed %" PRIu64 "\n",
		     report->plan->implementation, operations, report->plan->seed);
}

static void stress_open(struct report *report, struct sheet *sheet)
{
	sheet_printf(sheet, "%s, at least %llu operations each, seed %" PRIu64 "\n",
		     report->plan->implementation, operations, report->plan->seed);
}

static void stress_result(struct report *report, struct sheet *sheet, size_t number,
			  const struct result *result)
{
	const struct planned *planned = &report->plan->tests[number];
	enum fate fate = fate_of(planned, result);

	sheet_add(sheet, "  ");
	say_name(sheet, planned->name);
	sheet_line(sheet, result->remark[0] ? result->remark : "no history");
	sheet_add(sheet, "\n");
	if (!result->message[0])
		return;
	sheet_printf(sheet, "    %s: ",
		     fate == FAILED    ? (result->how == HOW_PLAIN ? "can't be" : "failed")
		     : fate == SKIPPED ? "not judged"
		     : fate == KNOWN   ? "known"
				       : "harness error");
	sheet_line(sheet, result->message);
	sheet_add(sheet, "\n");
	if (fate == FAILED || fate == BROKEN)
		say_again(report, sheet, planned->name);
}

static void stress_close(struct report *report, struct sheet *sheet, const struct tally *tally)
{
	const size_t *fates = tally->fates;

	(void)report;
	sheet_printf(sheet, "  %zu histories can be, %zu can't, %zu are not judged%s\n",
		     fates[PASSED] + fates[SURPRISED], fates[FAILED] + fates[KNOWN],
		     fates[SKIPPED] + fates[BROKEN],
		     tally->seen < tally->planned ? "; not all were played" : "");
}

static const struct reporter stress_reporter = {
	.name = "stress",
	.in_order = true,
	.open = stress_open,
	.result = stress_result,
	.close = stress_close,
};

/* -- what is done ----------------------------------------------------------------------------- */

/* "msg" stands for its histories; whoever says more means it.  To be freed. */
static char *glob_of(const char *wished)
{
	size_t size = strlen(wished) + sizeof("." HISTORIES);
	char *glob = malloc(size);

	if (!glob)
		refuse("%s", strerror(ENOMEM));
	snprintf(glob, size, "%s%s", wished, strchr(wished, '.') ? "" : "." HISTORIES);
	if (!glob_is_known(glob))
		refuse("stress %s: no mechanism, nor a test, that has histories", wished);
	return glob;
}

static int stress(const struct options *wished, const struct implementation *implementation,
		  const char *program)
{
	struct options options = *wished;
	size_t count = wished->selection.glob_count;
	char **globs = calloc(count + 1, sizeof(*globs));

	if (!globs)
		refuse("%s", strerror(ENOMEM));
	options.globs = NULL;
	options.selection.globs = NULL;
	options.selection.glob_count = 0;
	for (size_t i = 0; i < count; i++)
		add_glob(&options, globs[i] = glob_of(wished->globs[i]));
	if (!count)
		add_glob(&options, "*." HISTORIES);
	options.implementation = implementation;
	add_wish(&options, &stress_reporter);
	int status = run_as_wished(&options, "stress", program);

	for (size_t i = 0; i < count; i++)
		free(globs[i]);
	free(globs);
	return status;
}

int stress_command(int argc, char **argv, const char *program)
{
	struct options options;
	char text[32];
	int status = ALL_HELD;

	parse_options(&options, argc, argv, stress_options);
	operations = options.operations;
	options.jobs = 1;
	options.timeout_scale *= 1 + (double)operations / PATIENT_FOR;
	if (!options.is_drawn && access(".", W_OK) == 0)
		draw_in(".");
	if (!options.seeded)
		options.seed = random_seed();
	options.seeded = true;
	if (!options.stressed_count)
		for (; implementations[options.stressed_count]; options.stressed_count++)
			options.stressed[options.stressed_count] =
				implementations[options.stressed_count];
	snprintf(text, sizeof(text), "%llu", operations);
	setenv("IPCTS_OPERATIONS", text, 1);
	for (size_t i = 0; i < options.stressed_count && status < 128; i++) {
		int one = stress(&options, options.stressed[i], program);

		if (one > status)
			status = one;
	}
	free(options.globs);
	return status;
}
