/* SPDX-License-Identifier: MIT */
#include "command/command.h"

#include <stdlib.h>
#include <string.h>

/* What the test does: its story, as it goes here. */
static void explain_story(struct sheet *sheet, const struct test *test)
{
	static struct result result;

	memset(&result, 0, sizeof(result));
	stage_play(test, 0, false, &result);
	sheet_add(sheet, test->rows ? "  what the first of them does, as it goes here:\n"
				    : "  what it does, as it goes here:\n");
	sheet_lines(sheet, "    ", result.transcript);
	sheet_printf(sheet, "    %s%s", verdict_names[result.verdict],
		     result.message[0] ? ": " : "");
	sheet_line(sheet, result.message);
	sheet_add(sheet, "\n");
}

static void explain_tests(struct sheet *sheet, enum rule_id rule)
{
	const struct test *first = NULL;
	char name[TEST_NAME_MAX];

	if (tests_of(rule) == 0)
		sheet_add(sheet, "  test: none yet\n");
	for (const struct test *test = stage_tests(); test; test = test->next) {
		if (test->rule != &rules[rule])
			continue;
		sheet_printf(sheet, "  test: %s:%d\n", place_of(test), test->line);
		if (!first)
			first = test;
		for (size_t row = 0; test->rows && row < test_rows(test); row++) {
			sheet_add(sheet, "    ");
			sheet_line(sheet, test_name(test, row, name, sizeof(name)));
			sheet_add(sheet, "\n");
		}
	}
	if (first)
		explain_story(sheet, first);
}

static void explain_rule(struct sheet *sheet, enum rule_id id)
{
	static const char *const meanings[GRADE_COUNT] = {
		[SHALL] = "POSIX.1-2024 demands it",
		[MAY] = "left open by POSIX.1-2024: recorded, never failed",
		[LINUX] = "documented for Linux",
		[OURS] = "no standard promises it",
	};
	const struct rule *rule = &rules[id];

	sheet_printf(sheet, "%s\n  %s\n  grade: %s, %s\n  clause: %s\n", rule->name, rule->text,
		     grade_names[rule->grade], meanings[rule->grade], rule->clause);
	explain_tests(sheet, id);
	if (rule->seen[0])
		sheet_printf(sheet, "  seen: %s\n", rule->seen);
	sheet_printf(sheet, "  run: ipcts run --only %s\n", rule->name);
}

/* A rule is named by a glob, or by one of its tests. */
static bool names_rule(const char *word, enum rule_id rule)
{
	char *name = strndup(word, strcspn(word, "/"));
	bool yes = name && glob_matches(name, rules[rule].name);

	free(name);
	return yes;
}

static bool is_rule(const char *word)
{
	for (int rule = 0; rule < RULE_COUNT; rule++)
		if (names_rule(word, (enum rule_id)rule))
			return true;
	return false;
}

static void explain(struct sheet *sheet, const char *word)
{
	for (int rule = 0; rule < RULE_COUNT; rule++) {
		if (!names_rule(word, (enum rule_id)rule))
			continue;
		if (sheet->size)
			sheet_add(sheet, "\n");
		explain_rule(sheet, (enum rule_id)rule);
	}
}

int explain_command(int argc, char **argv, const char *program)
{
	struct options options;
	struct sheet sheet = {0};

	parse_options(&options, argc, argv, explain_options);
	if (options.selection.glob_count == 0)
		refuse("explain: which rule? (ipcts list --rules shows them)");
	for (size_t i = 0; i < options.selection.glob_count; i++)
		if (!is_rule(options.globs[i]))
			refuse("%s: no such rule", options.globs[i]);

	const struct stage_settings settings = {
		.implementation = options.implementation,
		.seed = random_seed(),
		.timeout_scale = options.timeout_scale,
		.program = program,
		.tell_all = true,
	};
	const char *trouble = stage_open(&settings);
	if (trouble)
		refuse("%s", trouble);
	stage_enter_worker(0);
	for (size_t i = 0; i < options.selection.glob_count; i++)
		explain(&sheet, options.globs[i]);
	stage_close();
	free(options.globs);
	return print(&sheet);
}
