/* SPDX-License-Identifier: MIT */
#include "command/command.h"

#include <stdlib.h>
#include <string.h>

#include "contract/entry.h"
#include "contract/implementation.h"

/* From the tree's root, wherever it was built. */
const char *place_of(const struct test *test)
{
	const char *place = NULL;

	for (const char *s = test->file; (s = strstr(s, "tests/")); s++)
		place = s;
	return place ? place : test->file;
}

size_t tests_of(enum rule_id rule)
{
	size_t count = 0;

	for (const struct test *test = stage_tests(); test; test = test->next)
		if (test->rule == &rules[rule])
			count += test_rows(test);
	return count;
}

bool is_listed(const struct selection *selection, enum grade grade, const char *name)
{
	if (!(selection->grades & 1u << grade))
		return false;
	for (size_t i = 0; i < selection->glob_count; i++)
		if (glob_matches(selection->globs[i], name))
			return true;
	return selection->glob_count == 0;
}

static void list_mechanism(struct sheet *sheet, const struct selection *selection,
			   enum mechanism mechanism)
{
	size_t count = 0, tests = 0, untested = 0;

	for (int rule = 0; rule < RULE_COUNT; rule++) {
		if (rules[rule].mechanism != mechanism ||
		    !is_listed(selection, rules[rule].grade, rules[rule].name))
			continue;
		count++;
		tests += tests_of((enum rule_id)rule);
		untested += tests_of((enum rule_id)rule) == 0;
	}
	if (count || selection->glob_count == 0)
		sheet_printf(sheet, "%-7s %-24s %4zu rules %4zu tests %4zu untested\n",
			     mechanism_names[mechanism], mechanism_titles[mechanism], count, tests,
			     untested);
}

static void list_mechanisms(struct sheet *sheet, const struct selection *selection)
{
	for (int mechanism = 0; mechanism < MECHANISM_COUNT; mechanism++)
		list_mechanism(sheet, selection, (enum mechanism)mechanism);
}

static void list_rules(struct sheet *sheet, const struct selection *selection, bool untested_only)
{
	for (int rule = 0; rule < RULE_COUNT; rule++) {
		if (!is_listed(selection, rules[rule].grade, rules[rule].name) ||
		    (untested_only && tests_of((enum rule_id)rule) > 0))
			continue;
		sheet_printf(sheet, "%-52s %-5s  %s\n", rules[rule].name,
			     grade_names[rules[rule].grade], rules[rule].clause);
	}
}

static void list_untestables(struct sheet *sheet, const struct selection *selection)
{
	for (const struct untestable *it = untestables; it->name; it++)
		if (is_listed(selection, it->grade, it->name))
			sheet_printf(sheet, "%-52s %-5s  %s\n    %s\n    untestable: %s\n",
				     it->name, grade_names[it->grade], it->clause, it->text,
				     it->reason);
}

static void list_tests(struct sheet *sheet, const struct selection *selection)
{
	char name[TEST_NAME_MAX];

	for (const struct test *test = stage_tests(); test; test = test->next) {
		for (size_t row = 0; row < test_rows(test); row++) {
			test_name(test, row, name, sizeof(name));
			if (!is_listed(selection, test->rule->grade, name))
				continue;
			sheet_line(sheet, name);
			sheet_printf(sheet, "  %s:%d\n", place_of(test), test->line);
		}
	}
}

/* Whether an entry is among those chosen. */
static bool is_chosen(const struct selection *selection, const char *name)
{
	for (size_t i = 0; i < selection->glob_count; i++)
		if (glob_matches(selection->globs[i], name))
			return true;
	return selection->glob_count == 0;
}

static void list_lack(struct sheet *sheet, const struct implementation *implementation,
		      const char *name)
{
	const char *why = implementation->lacks ? implementation->lacks(name) : NULL;

	sheet_printf(sheet, "%-40s %s\n", name, why ? why : "is not there");
}

/* Of a table that isn't there not each function. */
static void list_lacks(struct sheet *sheet, const struct options *options)
{
	const struct implementation *implementation = options->implementation;
	const char *lacked = "";

	for (const struct entry *entry = entries; entry->name; entry++) {
		if (has_entry(implementation, entry) ||
		    !is_chosen(&options->selection, entry->name))
			continue;
		if (has_table(implementation, entry))
			list_lack(sheet, implementation, entry->name);
		else if (strcmp(lacked, entry->table) != 0)
			list_lack(sheet, implementation, lacked = entry->table);
	}
}

static bool glob_is_entry(const char *glob)
{
	for (const struct entry *entry = entries; entry->name; entry++)
		if (glob_matches(glob, entry->name))
			return true;
	return false;
}

static bool glob_is_rule(const char *glob)
{
	for (int rule = 0; rule < RULE_COUNT; rule++)
		if (glob_matches(glob, rules[rule].name))
			return true;
	for (const struct untestable *it = untestables; it->name; it++)
		if (glob_matches(glob, it->name))
			return true;
	return false;
}

static void check_glob(const char *glob, enum view view)
{
	if (view == VIEW_LACKS && !glob_is_entry(glob))
		refuse("%s: matches no function", glob);
	if (view != VIEW_LACKS && !glob_is_rule(glob) && !glob_is_known(glob))
		refuse("%s: matches no rule and no test", glob);
}

int list_command(int argc, char **argv)
{
	struct options options;
	struct sheet sheet = {0};

	parse_options(&options, argc, argv, list_options);
	for (size_t i = 0; i < options.selection.glob_count; i++)
		check_glob(options.globs[i], options.view);

	if (options.view == VIEW_MECHANISMS)
		list_mechanisms(&sheet, &options.selection);
	else if (options.view == VIEW_TESTS)
		list_tests(&sheet, &options.selection);
	else if (options.view == VIEW_UNTESTABLE)
		list_untestables(&sheet, &options.selection);
	else if (options.view == VIEW_COVERAGE)
		list_coverage(&sheet, &options.selection);
	else if (options.view == VIEW_LACKS)
		list_lacks(&sheet, &options);
	else
		list_rules(&sheet, &options.selection, options.view == VIEW_UNTESTED);
	free(options.globs);
	return print(&sheet);
}
