/* SPDX-License-Identifier: MIT */
/* The command: the only file that knows everything, and that names implementations. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "report/baseline.h"
#include "report/report.h"
#include "report/resume.h"
#include "report/sheet.h"
#include "stage/play.h"
#include "stage/runner.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

extern const struct implementation posix_implementation;

/* The first is the default. */
static const struct implementation *const implementations[] = {
	&posix_implementation,
	NULL,
};

enum { ALL_HELD, SOMETHING_FAILED, TROUBLE };
enum { WISHES_MAX = 16 };

/* A format, and the file it is to be written to. */
struct wish {
	const struct reporter *reporter;
	const char *path; /* NULL: not said, which is standard output */
};

enum view { VIEW_MECHANISMS, VIEW_RULES, VIEW_TESTS, VIEW_UNTESTED };

struct options {
	const struct implementation *implementation;
	struct selection selection;
	const char **globs; /* the selection's */
	unsigned jobs;
	bool seeded;
	uint64_t seed;
	double timeout_scale;
	const char *known, *resume;
	struct wish wishes[WISHES_MAX];
	size_t wish_count;
	enum view view;
};

/* -- complaints ------------------------------------------------------------------------------- */

/* One line on standard error, whatever bytes the user gave. */
static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn static void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void vcomplain(const char *format, va_list arguments)
{
	struct sheet line = {0};
	char text[1024];

	vsnprintf(text, sizeof(text), format, arguments);
	sheet_add(&line, "ipcts: ");
	sheet_line(&line, text);
	sheet_add(&line, "\n");
	if (line.size && write(STDERR_FILENO, line.bytes, line.size) < 0)
		errno = 0; /* nobody is left to be told */
	sheet_free(&line);
}

static void complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vcomplain(format, arguments);
	va_end(arguments);
}

static void refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vcomplain(format, arguments);
	va_end(arguments);
	exit(TROUBLE);
}

/* Standard output gets the sheet, or standard error a complaint. */
static int print(struct sheet *sheet)
{
	size_t done = 0;
	int error = sheet->error;

	while (!error && done < sheet->size) {
		ssize_t n = write(STDOUT_FILENO, sheet->bytes + done, sheet->size - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			error = errno;
	}
	sheet_free(sheet);
	if (error)
		complain("standard output: %s", strerror(error));
	return error ? TROUBLE : ALL_HELD;
}

/* -- options ---------------------------------------------------------------------------------- */

static const char help[] =
	"Usage: ipcts run [OPTION]... [GLOB]...     judge the platform's IPC\n"
	"       ipcts list [OPTION]... [GLOB]...    show mechanisms, rules and tests\n"
	"       ipcts explain RULE...               show what a rule asks for, and why\n"
	"       ipcts --help | --version\n"
	"\n"
	"A GLOB chooses tests by name (mq.every_*), rule's name, or mechanism's (mq).\n"
	"\n"
	"run and list:\n"
	"  --only GLOB           only what matches; may be repeated\n"
	"  --grade LIST          only rules of these grades: shall,may,linux,ours\n"
	"run:\n"
	"  --impl NAME           the implementation to judge (posix)\n"
	"  --jobs N              play N tests at a time (as many as there are processors)\n"
	"  --shard I/N           only the I-th of N equal parts\n"
	"  --seed N              the seed of every random choice, decimal or 0x... (random)\n"
	"  --timeout-scale X     wait X times as long before a test is called hung (1)\n"
	"  --known FILE          what is known to fail here: lines of GLOB and reason\n"
	"  --format FORMAT       human (default), tap, junit or json; may be repeated\n"
	"  --output FILE         where the format before it goes (standard output)\n"
	"  --resume FILE         go on with the run whose JSON report FILE is\n"
	"list:\n"
	"  --rules               rules, with grade and clause\n"
	"  --tests               tests, with their place\n"
	"  --untested            rules that have no test\n"
	"\n"
	"Exit status: 0 all held, 1 something failed, 2 bad usage or trouble of our own.\n"
	"IPCTS_TIMEOUT_SCALE is the default of --timeout-scale; NO_COLOR turns colours off.\n";

enum option_code {
	OPTION_ONLY = 256,
	OPTION_GRADE,
	OPTION_IMPL,
	OPTION_JOBS,
	OPTION_SHARD,
	OPTION_SEED,
	OPTION_TIMEOUT_SCALE,
	OPTION_KNOWN,
	OPTION_FORMAT,
	OPTION_OUTPUT,
	OPTION_RESUME,
	OPTION_RULES,
	OPTION_TESTS,
	OPTION_UNTESTED,
	OPTION_HELP,
};

static const struct option run_options[] = {
	{"only", required_argument, NULL, OPTION_ONLY},
	{"grade", required_argument, NULL, OPTION_GRADE},
	{"impl", required_argument, NULL, OPTION_IMPL},
	{"jobs", required_argument, NULL, OPTION_JOBS},
	{"shard", required_argument, NULL, OPTION_SHARD},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"timeout-scale", required_argument, NULL, OPTION_TIMEOUT_SCALE},
	{"known", required_argument, NULL, OPTION_KNOWN},
	{"format", required_argument, NULL, OPTION_FORMAT},
	{"output", required_argument, NULL, OPTION_OUTPUT},
	{"resume", required_argument, NULL, OPTION_RESUME},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static const struct option list_options[] = {
	{"only", required_argument, NULL, OPTION_ONLY},
	{"grade", required_argument, NULL, OPTION_GRADE},
	{"rules", no_argument, NULL, OPTION_RULES},
	{"tests", no_argument, NULL, OPTION_TESTS},
	{"untested", no_argument, NULL, OPTION_UNTESTED},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static const struct option explain_options[] = {
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

/* The whole text is a number in this base, and at most so big. */
static bool parse_number(const char *text, int base, uint64_t most, uint64_t *number)
{
	const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";

	if (!*text || text[strspn(text, digits)])
		return false;
	errno = 0;
	*number = strtoull(text, NULL, base);
	return errno == 0 && *number <= most;
}

static unsigned parse_jobs(const char *text)
{
	uint64_t jobs;

	if (!parse_number(text, 10, JOBS_MAX, &jobs) || jobs == 0)
		refuse("--jobs %s: not a number from 1 to %d", text, JOBS_MAX);
	return (unsigned)jobs;
}

static uint64_t parse_seed(const char *text)
{
	bool hexadecimal = strncasecmp(text, "0x", 2) == 0;
	uint64_t seed;

	if (!parse_number(hexadecimal ? text + 2 : text, hexadecimal ? 16 : 10, UINT64_MAX, &seed))
		refuse("--seed %s: not a number of 64 bits, decimal or 0x...", text);
	return seed;
}

static void parse_shard(const char *text, struct selection *selection)
{
	const char *slash = strchr(text, '/');
	char *first = strndup(text, slash ? (size_t)(slash - text) : strlen(text));
	uint64_t shard = 0, shards = 0;

	if (!first)
		refuse("--shard: %s", strerror(ENOMEM));
	if (!slash || !parse_number(first, 10, 1000000, &shard) ||
	    !parse_number(slash + 1, 10, 1000000, &shards))
		refuse("--shard %s: not I/N", text);
	free(first);
	if (shard < 1 || shard > shards)
		refuse("--shard %s: impossible: the parts of N are 1/N to N/N", text);
	selection->shard = (unsigned)shard;
	selection->shards = (unsigned)shards;
}

static double parse_scale(const char *origin, const char *text)
{
	char *end;
	double scale = strtod(text, &end);

	if (!*text || *end || !(scale > 0) || scale > 10000)
		refuse("%s %s: not a number above 0, at most 10000", origin, text);
	return scale;
}

static unsigned parse_grade(const char *text, size_t size, const char *list)
{
	for (int grade = 0; grade < GRADE_COUNT; grade++)
		if (strlen(grade_names[grade]) == size &&
		    strncasecmp(grade_names[grade], text, size) == 0)
			return 1u << grade;
	refuse("--grade %s: not a list of shall, may, linux and ours", list);
}

static unsigned parse_grades(const char *list)
{
	unsigned grades = 0;

	for (const char *grade = list;;) {
		size_t size = strcspn(grade, ",");

		grades |= parse_grade(grade, size, list);
		if (!grade[size])
			return grades;
		grade += size + 1;
	}
}

static const struct implementation *parse_implementation(const char *name)
{
	for (size_t i = 0; implementations[i]; i++)
		if (strcmp(implementations[i]->name, name) == 0)
			return implementations[i];
	refuse("--impl %s: no such implementation", name);
}

static struct wish *add_wish(struct options *options, const struct reporter *reporter)
{
	if (options->wish_count == WISHES_MAX)
		refuse("more than %d reports", WISHES_MAX);
	options->wishes[options->wish_count] = (struct wish){.reporter = reporter};
	return &options->wishes[options->wish_count++];
}

static void parse_format(struct options *options, const char *name)
{
	const struct reporter *reporter = reporter_named(name);

	if (!reporter)
		refuse("--format %s: not human, tap, junit or json", name);
	add_wish(options, reporter);
}

/* Of the format before it; a second file for the same format is a report of its own. */
static void parse_output(struct options *options, const char *path)
{
	struct wish *wish = options->wish_count ? &options->wishes[options->wish_count - 1] : NULL;

	if (!*path)
		refuse("--output: the name of the file is empty");
	if (!wish)
		wish = add_wish(options, &human_reporter);
	else if (wish->path)
		wish = add_wish(options, wish->reporter);
	wish->path = path;
}

static void add_glob(struct options *options, const char *glob)
{
	const char **globs =
		realloc(options->globs, (options->selection.glob_count + 1) * sizeof(*globs));

	if (!globs)
		refuse("%s", strerror(ENOMEM));
	globs[options->selection.glob_count++] = glob;
	options->globs = globs;
	options->selection.globs = globs;
}

static void parse_option(struct options *options, int code)
{
	switch (code) {
	case OPTION_ONLY:
		add_glob(options, optarg);
		break;
	case OPTION_GRADE:
		options->selection.grades = parse_grades(optarg);
		break;
	case OPTION_IMPL:
		options->implementation = parse_implementation(optarg);
		break;
	case OPTION_JOBS:
		options->jobs = parse_jobs(optarg);
		break;
	case OPTION_SHARD:
		parse_shard(optarg, &options->selection);
		break;
	case OPTION_SEED:
		options->seed = parse_seed(optarg);
		options->seeded = true;
		break;
	case OPTION_TIMEOUT_SCALE:
		options->timeout_scale = parse_scale("--timeout-scale", optarg);
		break;
	case OPTION_KNOWN:
		options->known = optarg;
		break;
	case OPTION_FORMAT:
		parse_format(options, optarg);
		break;
	case OPTION_OUTPUT:
		parse_output(options, optarg);
		break;
	case OPTION_RESUME:
		options->resume = optarg;
		break;
	case OPTION_RULES:
		options->view = VIEW_RULES;
		break;
	case OPTION_TESTS:
		options->view = VIEW_TESTS;
		break;
	case OPTION_UNTESTED:
		options->view = VIEW_UNTESTED;
		break;
	default:
		break;
	}
}

_Noreturn static void print_help(void)
{
	struct sheet sheet = {0};

	sheet_add(&sheet, help);
	exit(print(&sheet));
}

/* argv[0] is the command's word; what is no option is a glob. */
static void parse_options(struct options *options, int argc, char **argv,
			  const struct option *known)
{
	const char *scale = getenv("IPCTS_TIMEOUT_SCALE");
	int code;

	*options = (struct options){
		.implementation = implementations[0],
		.selection = {.grades = (1u << GRADE_COUNT) - 1, .shard = 1, .shards = 1},
		.jobs = runner_processors(),
		.timeout_scale = 1,
	};
	if (scale && *scale)
		options->timeout_scale = parse_scale("IPCTS_TIMEOUT_SCALE", scale);

	opterr = 0;
	while ((code = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		if (code == 'h' || code == OPTION_HELP)
			print_help();
		if (code == ':')
			refuse("%s %s: needs an argument", argv[0], argv[optind - 1]);
		if (code == '?' && optopt > 0 && optopt < 128)
			refuse("%s -%c: unknown option", argv[0], optopt);
		if (code == '?')
			refuse("%s %s: unknown option, or not to be used so", argv[0],
			       argv[optind - 1]);
		parse_option(options, code);
	}
	while (optind < argc)
		add_glob(options, argv[optind++]);
}

/* -- run -------------------------------------------------------------------------------------- */

static uint64_t random_seed(void)
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
	if (!options->known)
		return;
	if (!baseline_read(baseline, options->known, complaint))
		refuse("%s", complaint);
	for (size_t i = 0; i < baseline->count; i++)
		if (!glob_is_known(baseline->deviations[i].glob))
			refuse("%s:%d: %s: matches no test", options->known,
			       baseline->deviations[i].line, baseline->deviations[i].glob);
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

static int play_run(struct run *run)
{
	struct tally tally;
	int status;

	for (size_t i = 0; i < run->report_count; i++)
		report_open(run->reports[i], &run->plan);
	name_killers(run);

	const char *trouble = runner_run(run, &tally);
	stage_close();
	if (trouble)
		complain("%s", trouble);
	status = trouble ? TROUBLE : tally_status(&tally);
	close_reports(run, &tally, &status);
	return status;
}

static int stage_run(struct run *run, const struct options *options)
{
	const char *trouble = stage_open(&run->settings);

	if (trouble)
		refuse("%s", trouble);
	run->plan.swept = stage_swept();
	if (!open_reports(run, options)) {
		stage_close();
		return TROUBLE;
	}
	return play_run(run);
}

static void make_plan(struct run *run, const struct options *options,
		      const struct baseline *baseline, const char *program)
{
	static char again[128];

	snprintf(again, sizeof(again), "ipcts run%s%s",
		 options->implementation == implementations[0] ? "" : " --impl ",
		 options->implementation == implementations[0] ? ""
							       : options->implementation->name);
	run->settings = (struct stage_settings){
		.implementation = options->implementation,
		.seed = options->seed,
		.timeout_scale = options->timeout_scale,
		.program = program,
	};
	run->plan = (struct plan){
		.version = PACKAGE_VERSION,
		.implementation = options->implementation->name,
		.again = again,
		.seed = options->seed,
		.timeout_scale = options->timeout_scale,
		.jobs = options->jobs,
	};
	if (!runner_plan(run, &options->selection, baseline))
		refuse("%s", strerror(ENOMEM));
	if (run->selected == 0)
		refuse("--only and --grade together choose no test");
}

static int run_command(int argc, char **argv, const char *program)
{
	struct report *reports[WISHES_MAX];
	struct run run = {.reports = reports};
	struct options options;
	struct baseline baseline;
	struct resume resume;

	parse_options(&options, argc, argv, run_options);
	check_globs(&options);
	check_wishes(&options);
	read_baseline(&options, &baseline);
	read_resume(&options, &resume);
	if (!options.seeded)
		options.seed = random_seed();
	if (options.resume)
		run.resume = &resume;
	make_plan(&run, &options, &baseline, program);

	/* a reader who leaves, or a limit on files, is an error of writing, and told as one */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	int status = stage_run(&run, &options);

	runner_free(&run);
	baseline_free(&baseline);
	resume_free(&resume);
	free(options.globs);
	return status;
}

/* -- list and explain ------------------------------------------------------------------------- */

/* From the tree's root, wherever it was built. */
static const char *place_of(const struct test *test)
{
	const char *place = NULL;

	for (const char *s = test->file; (s = strstr(s, "tests/")); s++)
		place = s;
	return place ? place : test->file;
}

static size_t tests_of(enum rule_id rule)
{
	size_t count = 0;

	for (const struct test *test = stage_tests(); test; test = test->next)
		if (test->rule == rule)
			count += test_rows(test);
	return count;
}

static bool is_listed(const struct selection *selection, enum grade grade, const char *name)
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

static void list_tests(struct sheet *sheet, const struct selection *selection)
{
	char name[TEST_NAME_MAX];

	for (const struct test *test = stage_tests(); test; test = test->next) {
		for (size_t row = 0; row < test_rows(test); row++) {
			test_name(test, row, name, sizeof(name));
			if (!is_listed(selection, rules[test->rule].grade, name))
				continue;
			sheet_line(sheet, name);
			sheet_printf(sheet, "  %s:%d\n", place_of(test), test->line);
		}
	}
}

static bool glob_is_rule(const char *glob)
{
	for (int rule = 0; rule < RULE_COUNT; rule++)
		if (glob_matches(glob, rules[rule].name))
			return true;
	return false;
}

static int list_command(int argc, char **argv)
{
	struct options options;
	struct sheet sheet = {0};

	parse_options(&options, argc, argv, list_options);
	for (size_t i = 0; i < options.selection.glob_count; i++)
		if (!glob_is_rule(options.globs[i]) && !glob_is_known(options.globs[i]))
			refuse("%s: matches no rule and no test", options.globs[i]);

	if (options.view == VIEW_MECHANISMS)
		list_mechanisms(&sheet, &options.selection);
	else if (options.view == VIEW_TESTS)
		list_tests(&sheet, &options.selection);
	else
		list_rules(&sheet, &options.selection, options.view == VIEW_UNTESTED);
	free(options.globs);
	return print(&sheet);
}

static void explain_tests(struct sheet *sheet, enum rule_id rule)
{
	char name[TEST_NAME_MAX];

	if (tests_of(rule) == 0)
		sheet_add(sheet, "  test: none yet\n");
	for (const struct test *test = stage_tests(); test; test = test->next) {
		if (test->rule != rule)
			continue;
		sheet_printf(sheet, "  test: %s:%d\n", place_of(test), test->line);
		for (size_t row = 0; test->rows && row < test_rows(test); row++) {
			sheet_add(sheet, "    ");
			sheet_line(sheet, test_name(test, row, name, sizeof(name)));
			sheet_add(sheet, "\n");
		}
	}
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
static bool explain(struct sheet *sheet, const char *word)
{
	size_t size = strcspn(word, "/");
	char *name = strndup(word, size);
	bool found = false;

	for (int rule = 0; name && rule < RULE_COUNT; rule++) {
		if (!glob_matches(name, rules[rule].name))
			continue;
		if (sheet->size)
			sheet_add(sheet, "\n");
		explain_rule(sheet, (enum rule_id)rule);
		found = true;
	}
	free(name);
	return found;
}

static int explain_command(int argc, char **argv)
{
	struct options options;
	struct sheet sheet = {0};

	parse_options(&options, argc, argv, explain_options);
	if (options.selection.glob_count == 0)
		refuse("explain: which rule? (ipcts list --rules shows them)");
	for (size_t i = 0; i < options.selection.glob_count; i++)
		if (!explain(&sheet, options.globs[i]))
			refuse("%s: no such rule", options.globs[i]);
	free(options.globs);
	return print(&sheet);
}

/* -- main ------------------------------------------------------------------------------------- */

/*
 * A descriptor that was closed must not become a report's, or a test's.  It is opened the wrong way
 * round, so that using it is an error as before.
 */
static void fill_standard_descriptors(void)
{
	for (int number = 0; number <= STDERR_FILENO; number++)
		if (fcntl(number, F_GETFD) < 0 &&
		    open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY) != number)
			return;
}

static int print_version(void)
{
	struct sheet sheet = {0};

	sheet_add(&sheet, "ipcts " PACKAGE_VERSION "\n");
	return print(&sheet);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], ACTOR_OPTION) == 0)
		actor_main(argc, argv, implementations);

	fill_standard_descriptors();
	if (argc < 2)
		refuse("run, list or explain? (ipcts --help tells more)");

	const char *command = argv[1];
	if (strcmp(command, "run") == 0)
		return run_command(argc - 1, argv + 1, argv[0]);
	if (strcmp(command, "list") == 0)
		return list_command(argc - 1, argv + 1);
	if (strcmp(command, "explain") == 0)
		return explain_command(argc - 1, argv + 1);
	if (strcmp(command, "--version") == 0)
		return print_version();
	if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0)
		print_help();
	refuse("%s: not run, list or explain (ipcts --help tells more)", command);
}
