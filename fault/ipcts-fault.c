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
#include "stage/play.h"

extern const struct implementation posix_implementation, ref_implementation;

const struct implementation *const implementations[] = {
	&ref_implementation,
	&posix_implementation,
	NULL,
};

static const char *join(const char *one, const char *other)
{
	size_t size = strlen(one) + strlen(other) + 1;
	char *both = malloc(size);

	if (!both)
		refuse("no memory");
	snprintf(both, size, "%s%s", one, other);
	return both;
}

static void check_kind(const char *kind)
{
	for (size_t i = 0; i < FAULT_KIND_COUNT; i++)
		if (glob_matches(kind, fault_kinds[i].name))
			return;
	refuse("--kind %s: no such kind (ipcts --help names them)", kind);
}

/* A turn is the name of a test and, behind a colon, which of its faults. */
static void choose_turn(struct options *options)
{
	const char *colon = strchr(options->replay, ':');
	char *name;

	if (options->selection.glob_count || options->mechanism || options->kind)
		refuse("--replay %s: plays that one, and nothing else can be chosen",
		       options->replay);
	if (!colon || !campaign_replay(colon + 1))
		refuse("--replay %s: not NAME/KIND:N", options->replay);
	name = strndup(options->replay, (size_t)(colon - options->replay));
	if (!name)
		refuse("no memory");
	add_glob(options, name);
}

/* Campaigns are chosen by name or mechanism, and their rows by kind. */
static void choose(struct options *options)
{
	const char *kind = join("/", options->kind ? options->kind : "*");

	if (options->kind)
		check_kind(options->kind);
	if (options->mechanism && options->selection.glob_count)
		refuse("--mechanism %s: and a GLOB besides", options->mechanism);
	if (options->mechanism)
		add_glob(options, options->mechanism);
	if (!options->kind)
		return;
	if (!options->selection.glob_count)
		add_glob(options, "*");
	for (size_t i = 0; i < options->selection.glob_count; i++) {
		const char *glob = options->globs[i];

		if (strchr(glob, '/'))
			refuse("--kind %s: %s has a kind already", options->kind, glob);
		options->globs[i] = join(strchr(glob, '.') ? glob : join(glob, ".*"), kind);
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
	if (options->point && mode != TRACE_NOTHING)
		refuse("--point %s: only the reference's own points have names", options->point);
	return mode;
}

/* The points of the reference that no operation has passed while something could befall it. */
static void tell_points(bool names)
{
	size_t count = point_count(), missed = 0;

	fprintf(stderr, "points passed: %zu of %zu", points_passed(), count);
	for (size_t i = 0; i < count; i++)
		if (names && !point_is_passed(i))
			fprintf(stderr, "%s%s", missed++ ? " " : "; never: ", point_name(i));
	fprintf(stderr, "\n");
}

int main(int argc, char **argv)
{
	struct options options;

	if (argc > 1 && strcmp(argv[1], ACTOR_OPTION) == 0)
		actor_main(argc, argv, implementations);

	parse_options(&options, argc, argv, fault_options);
	if (options.replay)
		choose_turn(&options);
	else
		choose(&options);
	campaign_trace(parse_at(&options));
	if (options.point && !campaign_only_at(options.point))
		refuse("--point %s: no point is named so", options.point);
	if (!campaign_open())
		refuse("no memory for the points");

	int status = run_as_wished(&options, "fault", argv[0]);
	if (parse_at(&options) == TRACE_NOTHING)
		tell_points(options.every_point);
	if (status == ALL_HELD && options.every_point && points_passed() < point_count())
		status = SOMETHING_FAILED;
	return status;
}
