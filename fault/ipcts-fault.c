/* SPDX-License-Identifier: MIT */
/*
 * What ipcts fault executes: the campaigns, and the reference with its points.  They are not in
 * ipcts itself, so that what it measures and judges is the reference that everybody uses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "fault/campaign/campaign.h"
#include "fault/campaign/trace_cost.h"
#include "stage/play.h"

extern const struct implementation posix_implementation, ref_implementation;

const struct implementation *const implementations[] = {
	&ref_implementation,
	&posix_implementation,
	NULL,
};

/* What options are made of, until the end. */
static struct text {
	struct text *next;
	char bytes[];
} * texts;

/* So many bytes of one, and the other. */
static const char *join(const char *one, size_t size, const char *other)
{
	struct text *text = calloc(1, sizeof(*text) + size + strlen(other) + 1);

	if (!text)
		refuse("no memory");
	memcpy(text->bytes, one, size);
	strcpy(text->bytes + size, other);
	text->next = texts;
	texts = text;
	return text->bytes;
}

static void check_kind(const char *kind)
{
	for (size_t i = 0; i < FAULT_KIND_COUNT; i++)
		if (glob_matches(kind, fault_kinds[i].name))
			return;
	refuse("--kind %s: no such kind (ipcts --help names them)", kind);
}

static bool is_campaign(const char *wanted)
{
	char name[TEST_NAME_MAX];

	for (const struct test *test = stage_tests(); test; test = test->next)
		for (size_t row = 0; row < test_rows(test); row++)
			if (strcmp(test_name(test, row, name, sizeof(name)), wanted) == 0)
				return true;
	return false;
}

/* A turn is the name of a test and, behind a colon, which of its faults. */
static void choose_turn(struct options *options)
{
	const char *colon = strchr(options->replay, ':');
	const char *name;

	if (options->selection.glob_count || options->mechanism || options->kind || options->smoke)
		refuse("--replay %s: plays that one, and nothing else can be chosen",
		       options->replay);
	if (!colon || !campaign_replay(colon + 1))
		refuse("--replay %s: not NAME/KIND:N or NAME/recovery:N,M", options->replay);
	name = join(options->replay, (size_t)(colon - options->replay), "");
	if (!is_campaign(name))
		refuse("--replay %s: there is no %s", options->replay, name);
	add_glob(options, name);
}

static void check_mechanism(const char *mechanism)
{
	if (!glob_is_known(mechanism))
		refuse("--mechanism %s: has no campaign", mechanism);
}

/* Campaigns are chosen by name or mechanism, and their rows by kind. */
static void choose(struct options *options)
{
	if (options->kind)
		check_kind(options->kind);
	if (options->mechanism) {
		if (options->selection.glob_count)
			refuse("--mechanism %s: and a GLOB besides", options->mechanism);
		check_mechanism(options->mechanism);
		add_glob(options, options->mechanism);
	}
	if (!options->kind)
		return;
	if (!options->selection.glob_count)
		add_glob(options, "*");
	for (size_t i = 0; i < options->selection.glob_count; i++) {
		const char *glob = options->globs[i];

		if (strchr(glob, '/'))
			refuse("--kind %s: %s has a kind already", options->kind, glob);
		if (!strchr(glob, '.'))
			glob = join(glob, strlen(glob), ".*");
		options->globs[i] =
			join(join(glob, strlen(glob), "/"), strlen(glob) + 1, options->kind);
	}
}

static enum trace_mode parse_at(const struct options *options)
{
	bool is_ref = options->implementation == &ref_implementation;
	enum trace_mode mode = is_ref ? TRACE_NOTHING : TRACE_CALLS;

	if (options->at) {
		if (strcmp(options->at, "points") == 0 && is_ref)
			mode = TRACE_NOTHING;
		else if (strcmp(options->at, "calls") == 0)
			mode = TRACE_CALLS;
		else if (strcmp(options->at, "instructions") == 0)
			mode = TRACE_INSTRUCTIONS;
		else
			refuse("--at %s: not %scalls or instructions", options->at,
			       is_ref ? "points, " : "");
	}
	if (mode == TRACE_NOTHING)
		return mode;
	if (options->point)
		refuse("--point %s: only the reference's own points have names", options->point);
	if (options->smoke || options->every_point)
		refuse("%s: only the reference's own points are counted",
		       options->smoke ? "--smoke" : "--every-point");
	return mode;
}

static void count_points(struct tally *tally)
{
	tally->points = point_count();
	tally->points_passed = points_passed();
}

/* Where nothing could have befallen any operation. */
static void name_missed_points(void)
{
	for (size_t i = 0; i < point_count(); i++)
		if (!point_is_passed(i))
			complain("%s: no campaign has passed this point", point_name(i));
}

static void tell_cost_of_tracer(void)
{
	double plain, traced;

	if (trace_cost(&plain, &traced))
		fprintf(stderr, "a system call takes %.0f ns, and %.0f with a tracer\n", plain,
			traced);
}

int main(int argc, char **argv)
{
	struct options options;

	if (argc > 1 && strcmp(argv[1], ACTOR_OPTION) == 0)
		actor_main(argc, argv, implementations);

	parse_options(&options, argc, argv, fault_options);
	enum trace_mode mode = parse_at(&options);

	if (options.replay)
		choose_turn(&options);
	else
		choose(&options);
	if (options.smoke)
		campaign_smoke();
	if (options.point && !campaign_only_at(options.point))
		refuse("--point %s: no point is named so", options.point);
	campaign_trace(mode);
	if (!campaign_open())
		refuse("no memory for the points");
	if (mode == TRACE_NOTHING)
		options.count_points = count_points;

	int status = run_as_wished(&options, "fault", argv[0]);
	if (mode != TRACE_NOTHING)
		tell_cost_of_tracer();
	if (!options.every_point || points_passed() == point_count())
		return status;
	name_missed_points();
	return status == ALL_HELD ? SOMETHING_FAILED : status;
}
