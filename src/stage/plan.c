/* SPDX-License-Identifier: MIT */
/* The plan of a run: what of the catalogue is chosen, in the catalogue's order. */
#include "stage/runner.h"

#include <stdlib.h>
#include <string.h>

size_t test_rows(const struct test *test)
{
	return test->rows ? test->row_count : 1;
}

bool glob_is_known(const char *glob)
{
	char name[TEST_NAME_MAX];

	for (const struct test *test = stage_tests(); test; test = test->next)
		for (size_t row = 0; row < test_rows(test); row++)
			if (glob_matches(glob, test_name(test, row, name, sizeof(name))))
				return true;
	return false;
}

static bool is_selected(const struct selection *selection, const struct test *test,
			const char *name)
{
	if (!(selection->grades & 1u << test->rule->grade))
		return false;
	for (size_t i = 0; i < selection->glob_count; i++)
		if (glob_matches(selection->globs[i], name))
			return true;
	return selection->glob_count == 0;
}

static size_t catalogue_size(void)
{
	size_t size = 0;

	for (const struct test *test = stage_tests(); test; test = test->next)
		size += test_rows(test);
	return size;
}

static bool plan_add(struct run *run, const struct test *test, size_t row, const char *name,
		     const struct baseline *baseline)
{
	char *copy = strdup(name);

	if (!copy)
		return false;
	run->parts[run->plan.count] = (struct part){test, row};
	run->planned[run->plan.count++] = (struct planned){
		.name = copy,
		.rule = test->rule,
		.known = baseline ? baseline_reason(baseline, name) : NULL,
	};
	return true;
}

bool runner_plan(struct run *run, const struct selection *selection,
		 const struct baseline *baseline)
{
	char name[TEST_NAME_MAX];

	run->plan.count = 0;
	run->selected = 0;
	run->plan.shard = selection->shard;
	run->plan.shards = selection->shards;
	run->parts = calloc(catalogue_size() + 1, sizeof(*run->parts));
	run->planned = calloc(catalogue_size() + 1, sizeof(*run->planned));
	run->plan.tests = run->planned;
	if (!run->parts || !run->planned)
		return false;

	for (const struct test *test = stage_tests(); test; test = test->next) {
		for (size_t row = 0; row < test_rows(test); row++) {
			test_name(test, row, name, sizeof(name));
			if (!is_selected(selection, test, name) ||
			    run->selected++ % selection->shards != selection->shard - 1)
				continue;
			if (!plan_add(run, test, row, name, baseline))
				return false;
		}
	}
	return true;
}
