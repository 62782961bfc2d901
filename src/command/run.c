/* SPDX-License-Identifier: MIT */
#include "command/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "stage/adversary.h"

uint64_t random_seed(void)
{
	struct timespec now;
	uint32_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
		return seed;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint32_t)((uint32_t)now.tv_nsec ^ (uint32_t)now.tv_sec ^ (uint32_t)getpid() << 16);
}

static void check_globs(const struct options *options)
{
	for (size_t i = 0; i < options->selection.glob_count; i++)
		if (!glob_is_known(options->globs[i]))
			refuse("%s: matches no test", options->globs[i]);
}

static void read_baseline(const struct options *options, struct baseline *baseline)
{
	char complaint[COMPLAINT_MAX];

	*baseline = (struct baseline){0};
	for (size_t i = 0; i < options->known_count; i++)
		if (!baseline_read(baseline, options->known[i], complaint))
			refuse("%s", complaint);
	for (size_t i = 0; i < baseline->count; i++) {
		const struct deviation *deviation = &baseline->deviations[i];

		if (!glob_is_known(deviation->glob))
			refuse("%s:%d: %s: matches no test", deviation->path, deviation->line,
			       deviation->glob);
	}
}

static void read_resume(struct options *options, struct resume *resume)
{
	char complaint[COMPLAINT_MAX];

	*resume = (struct resume){0};
	if (!options->resume)
		return;
	if (!resume_read(resume, options->resume, complaint))
		refuse("%s", complaint);
	if (strcmp(resume->implementation, options->implementation->name) != 0)
		refuse("%s: a report on %s, not %s", options->resume, resume->implementation,
		       options->implementation->name);
	/* the tests still to come are those that would have come */
	if (!options->seeded)
		options->seed = resume->seed;
	options->seeded = true;
}

static bool is_standard_output(const struct wish *wish)
{
	return strcmp(wish->path, "-") == 0;
}

static bool is_same_file(const char *path, const char *other)
{
	struct stat one, two;

	return strcmp(path, other) == 0 ||
	       (stat(path, &one) == 0 && stat(other, &two) == 0 && S_ISREG(one.st_mode) &&
		one.st_dev == two.st_dev && one.st_ino == two.st_ino);
}

/* Every format has a file, and no two the same. */
static void check_wishes(struct options *options)
{
	if (options->wish_count == 0)
		add_wish(options, &human_reporter);
	for (size_t i = 0; i < options->wish_count; i++) {
		struct wish *wish = &options->wishes[i];

		if (!wish->path)
			wish->path = "-";
		for (size_t j = 0; j < i; j++)
			if (is_same_file(wish->path, options->wishes[j].path))
				refuse("--format %s and --format %s: both to %s",
				       options->wishes[j].reporter->name, wish->reporter->name,
				       is_standard_output(wish) ? "standard output" : wish->path);
		if (options->resume && !is_standard_output(wish) &&
		    wish->reporter != &json_reporter && is_same_file(wish->path, options->resume))
			refuse("--output %s: the report to be resumed", wish->path);
	}
}

/* A report that is gone on with keeps what it has, but for a line that a crash cut off. */
static struct report *open_wish(const struct wish *wish, const struct resume *resume)
{
	bool goes_on =
		resume && !is_standard_output(wish) && is_same_file(wish->path, resume->path);

	if (goes_on && truncate(wish->path, (off_t)resume->good) < 0)
		return NULL;
	return report_new(wish->reporter, wish->path, goes_on);
}

static void close_reports(struct run *run, const struct tally *tally, int *status)
{
	for (size_t i = 0; i < run->report_count; i++) {
		const char *path = run->reports[i]->path;
		int error = report_close(run->reports[i], tally);

		if (!error)
			continue;
		complain("%s: %s", strcmp(path, "-") == 0 ? "standard output" : path,
			 strerror(error));
		if (*status < 128)
			*status = TROUBLE;
	}
	run->report_count = 0;
}

static bool open_reports(struct run *run, const struct options *options)
{
	for (size_t i = 0; i < options->wish_count; i++) {
		struct report *report = open_wish(&options->wishes[i], run->resume);

		if (!report) {
			complain("%s: %s",
				 is_standard_output(&options->wishes[i]) ? "standard output"
									 : options->wishes[i].path,
				 strerror(errno));
			return false;
		}
		run->reports[run->report_count++] = report;
	}
	return true;
}

/* The earlier run may have ended because of it, so whoever looks at the terminal hears of it. */
static void name_killers(const struct run *run)
{
	for (size_t i = 0; run->resume && i < run->plan.count; i++) {
		const struct memory *memory = resume_find(run->resume, run->planned[i].name);

		if (memory && memory->started)
			complain("%s: was running when the machine or the run died",
				 run->planned[i].name);
	}
}

static int play_run(struct run *run, const struct options *options)
{
	struct tally tally;
	int status;

	for (size_t i = 0; i < run->report_count; i++)
		report_open(run->reports[i], &run->plan);
	name_killers(run);

	const char *trouble = runner_run(run, &tally);
	stage_close();
	if (options->count_points)
		options->count_points(&tally);
	if (trouble)
		complain("%s", trouble);
	status = trouble ? TROUBLE : tally_status(&tally);
	close_reports(run, &tally, &status);
	return status;
}

static int stage_run(struct run *run, const struct options *options)
{
	runner_catch_signals();
	const char *trouble = stage_open(&run->settings);

	if (trouble)
		refuse("%s", trouble);
	run->plan.swept = stage_swept();
	if (!open_reports(run, options)) {
		stage_close();
		return TROUBLE;
	}
	return play_run(run, options);
}

static void make_plan(struct run *run, const struct options *options,
		      const struct baseline *baseline, const char *command, const char *program)
{
	static char again[160], with[ADVERSARY_LIST_MAX];

	adversaries_list(options->adversaries, with, sizeof(with));
	snprintf(again, sizeof(again), "ipcts %s%s%s%s%s", command,
		 options->implementation == implementations[0] ? "" : " --impl ",
		 options->implementation == implementations[0] ? "" : options->implementation->name,
		 *with ? " --with " : "", with);
	run->settings = (struct stage_settings){
		.implementation = options->implementation,
		.seed = options->seed,
		.adversaries = options->adversaries,
		.timeout_scale = options->timeout_scale,
		.program = program,
	};
	run->plan = (struct plan){
		.version = PACKAGE_VERSION,
		.implementation = options->implementation->name,
		.again = again,
		.adversaries = with,
		.seed = options->seed,
		.timeout_scale = options->timeout_scale,
		.jobs = options->jobs,
	};
	if (!runner_plan(run, &options->selection, baseline))
		refuse("%s", strerror(ENOMEM));
	if (run->selected == 0)
		refuse("--only and --grade together choose no test");
}

int run_as_wished(struct options *options, const char *command, const char *program)
{
	struct report *reports[WISHES_MAX];
	struct run run = {.reports = reports};
	struct baseline baseline;
	struct resume resume;

	check_globs(options);
	check_wishes(options);
	read_baseline(options, &baseline);
	read_resume(options, &resume);
	if (!options->seeded)
		options->seed = random_seed();
	if (options->resume)
		run.resume = &resume;
	make_plan(&run, options, &baseline, command, program);

	/* a reader who leaves, or a limit on files, is an error of writing, and told as one */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	int status = stage_run(&run, options);

	runner_free(&run);
	baseline_free(&baseline);
	resume_free(&resume);
	free(options->globs);
	return status;
}

int run_command(int argc, char **argv, const char *program)
{
	struct options options;

	parse_options(&options, argc, argv, run_options);
	return run_as_wished(&options, "run", program);
}
