/* SPDX-License-Identifier: MIT */
#include "command/command.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "stage/adversary.h"

static const char help[] =
	"Usage: ipcts run [OPTION]... [GLOB]...     judge the platform's IPC\n"
	"       ipcts list [OPTION]... [GLOB]...    show mechanisms, rules and tests\n"
	"       ipcts explain RULE...               show what a rule asks for, and why\n"
	"       ipcts diff [OPTION]... [MECHANISM]...  do the same on two implementations\n"
	"       ipcts bench [OPTION]...             how fast, as ratios of one run\n"
	"       ipcts fault [OPTION]... [GLOB]...   let faults befall each operation in turn\n"
	"       ipcts stress [OPTION]... [MECHANISM]...  many at once, and whether that can be\n"
	"       ipcts explore [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
	"                                           look for a schedule that it fails under\n"
	"       ipcts explore --replay FILE         play one again\n"
	"       ipcts litmus [OPTION]... [SHAPE]... how memory is ordered between processes\n"
	"       ipcts race [OPTION]... [GLOB]...    roles at once, by an engine's schedules or "
	"all\n"
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
	"  --known FILE          what is known to fail here, lines of GLOB and reason;\n"
	"                        may be repeated\n"
	"  --format FORMAT       human (default), tap, junit or json; may be repeated\n"
	"  --output FILE         where the format before it goes (standard output)\n"
	"  --with LIST           with what a test must not mind: eintr,stop,famine,nice,affinity\n"
	"  --resume FILE         go on with the run whose JSON report FILE is\n"
	"  --timeline FOLDER     draw what no order of operations explains, as FOLDER/TEST.html\n"
	"list:\n"
	"  --rules               rules, with grade and clause\n"
	"  --tests               tests, with their place\n"
	"  --untested            rules that have no test\n"
	"  --untestable          promises that no test can see kept, and why\n"
	"  --coverage            rules and tests of each page of the documents\n"
	"  --lacks               functions that the implementation (--impl) lacks, and why\n"
	"diff:\n"
	"  --impl NAME,NAME      the implementations to compare (posix,ref)\n"
	"  --only MECHANISM      only this one; may be repeated (all that have a menu)\n"
	"  --seed N              the seed of all that is done (random)\n"
	"  --steps N             how many operations, about (10000)\n"
	"  --actors N            at most so many actors at a time, 1 to 4 (4)\n"
	"  --without GLOB        no operation of this name; may be repeated\n"
	"  --known FILE          divergences that are explained, lines of GLOB and reason\n"
	"bench:\n"
	"  --impl NAME,...       the implementations to compare, the first the measure (all)\n"
	"  --only GLOB           only what is named so; may be repeated\n"
	"  --size N,...          sizes of messages, in bytes (1,64,4096,65536,1048576)\n"
	"  --repetitions N       turns of each (7)\n"
	"  --turn N              milliseconds of a turn (40)\n"
	"  --seed N              the seed of the order of turns (random)\n"
	"  --format FORMAT       table (default), json or html\n"
	"  --output FILE         where to (standard output)\n"
	"  --targets             also what the reference aims at, met or not\n"
	"  --detection           how soon engines of race find known bugs, and no other figures;\n"
	"                        with --engine LIST, --seeds N (20), --seed N, --time S (1)\n"
	"fault: all of run but --grade, --with and --resume, and\n"
	"  --mechanism NAME      only campaigns of this mechanism\n"
	"  --kind KIND           only faults of this kind: kill, recovery, signal, stop, delay,\n"
	"                        refuse, famine, short\n"
	"  --point GLOB          only at points so named, as in src/ref\n"
	"  --at WHAT             what a point is: points of the source (of ref), calls (each\n"
	"                        system call, before it and after; of any other) or instructions\n"
	"  --replay TURN         only the one that a failure has named\n"
	"  --every-point         fail if a point of the reference was never passed\n"
	"  --smoke               each kind of fault at each point once, in whatever campaign\n"
	"stress:\n"
	"  --mechanism GLOB      only this one, or tests so named; may be repeated (all)\n"
	"  --impl NAME,...       the implementations to judge, one after the other (posix,ref)\n"
	"  --operations N        how many operations each history has, at least (1000000)\n"
	"  --seed N              the seed of what is done (random)\n"
	"  --timeline FOLDER     where to draw what can't be (the current one)\n"
	"explore: of programs that ipcts-cc has built\n"
	"  --engine ENGINE       who goes next: every, bounded, pos (default), pct, random, noise\n"
	"  --seed N              the seed of every random choice (random)\n"
	"  --runs N              at most so many schedules\n"
	"  --time SECONDS        at most so long (60, if neither is said)\n"
	"  --bound N             preemptions, of bounded (2)\n"
	"  --depth N             ordered events that a bug needs, of pct (3)\n"
	"  --reduce              with every: of schedules that differ only in the order of what\n"
	"                        doesn't conflict, one\n"
	"  --steps N             a run that is longer is given up (100000)\n"
	"  --detect              detect races, too\n"
	"  --save FILE           where the failing schedule goes (PROGRAM.replay)\n"
	"  --timeout-scale X     wait X times as long for a process that doesn't go on (1)\n"
	"litmus: a SHAPE may be a glob, as SB*\n"
	"  --memory GLOB         only this kind of shared memory; may be repeated\n"
	"  --instances N         how many of each (100000)\n"
	"  --seed N              the seed of who is late (random)\n"
	"  --model NAME          what forbids: sc, tso, armv8, riscv or c11 (as this machine)\n"
	"  --format FORMAT       human (default) or tap\n"
	"  --list                the shapes, and what the models allow\n"
	"race:\n"
	"  --engine LIST         who goes next: every, bounded, pos (default), pct, random, by "
	"turns\n"
	"                        at the points of the reference; noise or stress, all at once\n"
	"  --points WHICH        turns at accesses of the reference to shared memory, or at steps\n"
	"                        that have a name (where the compiler knows of no accesses)\n"
	"  --impl NAME           ref (default) or posix, which knows noise and stress only\n"
	"  --seed N              the seed of the engine (random)\n"
	"  --runs N, --time S    at most so many of each race, for so many seconds (2)\n"
	"  --first               no more of a race once it has had a forbidden outcome\n"
	"  --bound N, --depth N  preemptions of bounded (2), depth of pct's bugs (3)\n"
	"  --replay SCHEDULE     only the one that a failure has named\n"
	"  --format FORMAT       human (default) or tap\n"
	"  --list                the races, with their roles and outcomes\n"
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
	OPTION_WITH,
	OPTION_RULES,
	OPTION_TESTS,
	OPTION_UNTESTED,
	OPTION_UNTESTABLE,
	OPTION_COVERAGE,
	OPTION_LACKS,
	OPTION_MECHANISM,
	OPTION_KIND,
	OPTION_POINT,
	OPTION_REPLAY,
	OPTION_AT,
	OPTION_EVERY_POINT,
	OPTION_SMOKE,
	OPTION_PAIR,
	OPTION_STEPS,
	OPTION_ACTORS,
	OPTION_WITHOUT,
	OPTION_STRESSED,
	OPTION_OPERATIONS,
	OPTION_TIMELINE,
	OPTION_HELP,
};

const struct option run_options[] = {
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
	{"with", required_argument, NULL, OPTION_WITH},
	{"timeline", required_argument, NULL, OPTION_TIMELINE},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

const struct option list_options[] = {
	{"only", required_argument, NULL, OPTION_ONLY},
	{"grade", required_argument, NULL, OPTION_GRADE},
	{"impl", required_argument, NULL, OPTION_IMPL},
	{"rules", no_argument, NULL, OPTION_RULES},
	{"tests", no_argument, NULL, OPTION_TESTS},
	{"untested", no_argument, NULL, OPTION_UNTESTED},
	{"untestable", no_argument, NULL, OPTION_UNTESTABLE},
	{"coverage", no_argument, NULL, OPTION_COVERAGE},
	{"lacks", no_argument, NULL, OPTION_LACKS},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

const struct option explain_options[] = {
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

const struct option fault_options[] = {
	{"mechanism", required_argument, NULL, OPTION_MECHANISM},
	{"kind", required_argument, NULL, OPTION_KIND},
	{"point", required_argument, NULL, OPTION_POINT},
	{"replay", required_argument, NULL, OPTION_REPLAY},
	{"at", required_argument, NULL, OPTION_AT},
	{"every-point", no_argument, NULL, OPTION_EVERY_POINT},
	{"smoke", no_argument, NULL, OPTION_SMOKE},
	{"only", required_argument, NULL, OPTION_ONLY},
	{"impl", required_argument, NULL, OPTION_IMPL},
	{"jobs", required_argument, NULL, OPTION_JOBS},
	{"shard", required_argument, NULL, OPTION_SHARD},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"timeout-scale", required_argument, NULL, OPTION_TIMEOUT_SCALE},
	{"known", required_argument, NULL, OPTION_KNOWN},
	{"format", required_argument, NULL, OPTION_FORMAT},
	{"output", required_argument, NULL, OPTION_OUTPUT},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

const struct option stress_options[] = {
	{"mechanism", required_argument, NULL, OPTION_ONLY},
	{"impl", required_argument, NULL, OPTION_STRESSED},
	{"operations", required_argument, NULL, OPTION_OPERATIONS},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"timeline", required_argument, NULL, OPTION_TIMELINE},
	{"timeout-scale", required_argument, NULL, OPTION_TIMEOUT_SCALE},
	{"known", required_argument, NULL, OPTION_KNOWN},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

const struct option diff_options[] = {
	{"impl", required_argument, NULL, OPTION_PAIR},
	{"only", required_argument, NULL, OPTION_ONLY},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"steps", required_argument, NULL, OPTION_STEPS},
	{"actors", required_argument, NULL, OPTION_ACTORS},
	{"without", required_argument, NULL, OPTION_WITHOUT},
	{"known", required_argument, NULL, OPTION_KNOWN},
	{"timeout-scale", required_argument, NULL, OPTION_TIMEOUT_SCALE},
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
	uint64_t shard, shards;
	char first[16] = "";
	size_t size = strcspn(text, "/");

	strncat(first, text, size < sizeof(first) - 1 ? size : sizeof(first) - 1);
	if (!text[size] || !parse_number(first, 10, 1000000, &shard) ||
	    !parse_number(text + size + 1, 10, 1000000, &shards))
		refuse("--shard %s: not I/N", text);
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

static unsigned parse_adversaries(const char *list)
{
	unsigned set = adversaries_named(list);

	if (!set)
		refuse("--with %s: not a list of eintr, stop, famine, nice and affinity", list);
	return set;
}

static const struct implementation *parse_implementation(const char *name)
{
	for (size_t i = 0; implementations[i]; i++)
		if (strcmp(implementations[i]->name, name) == 0)
			return implementations[i];
	refuse("--impl %s: no such implementation", name);
}

static void parse_stressed(struct options *options, const char *list)
{
	options->stressed_count = 0;
	for (const char *name = list;;) {
		size_t size = strcspn(name, ",");
		char one[64] = "";

		strncat(one, name, size < sizeof(one) - 1 ? size : sizeof(one) - 1);
		if (options->stressed_count == STRESSED_MAX)
			refuse("--impl %s: more than %d", list, STRESSED_MAX);
		options->stressed[options->stressed_count++] = parse_implementation(one);
		if (!name[size])
			return;
		name += size + 1;
	}
}

static unsigned long long parse_operations(const char *text)
{
	uint64_t number;

	if (!parse_number(text, 10, 50000000, &number) || number < 100)
		refuse("--operations %s: not a number from 100 to 50000000", text);
	return number;
}

void draw_in(const char *folder)
{
	char path[PATH_MAX];

	if (!realpath(folder, path) || access(path, W_OK) < 0)
		refuse("--timeline %s: %s", folder, strerror(errno));
	setenv("IPCTS_TIMELINE", path, 1);
}

static void parse_pair(struct options *options, const char *text)
{
	char first[64] = "";
	size_t size = strcspn(text, ",");

	if (!text[size])
		refuse("--impl %s: not two names with a comma between", text);
	strncat(first, text, size < sizeof(first) - 1 ? size : sizeof(first) - 1);
	options->pair[0] = parse_implementation(first);
	options->pair[1] = parse_implementation(text + size + 1);
}

static void parse_count(struct options *options, int code, const char *text)
{
	bool is_actors = code == OPTION_ACTORS;
	uint64_t number, most = is_actors ? 4 : 1000000000000;

	if (!parse_number(text, 10, most, &number) || number == 0)
		refuse("--%s %s: not a number from 1 to %llu", is_actors ? "actors" : "steps", text,
		       (unsigned long long)most);
	if (is_actors)
		options->actors = (int)number;
	else
		options->steps = number;
}

static void add_without(struct options *options, const char *glob)
{
	if (options->without_count == WITHOUT_MAX)
		refuse("more than %d times --without", WITHOUT_MAX);
	options->without[options->without_count++] = glob;
}

struct wish *add_wish(struct options *options, const struct reporter *reporter)
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

static void parse_known(struct options *options, const char *path)
{
	if (options->known_count == KNOWN_MAX)
		refuse("more than %d baselines", KNOWN_MAX);
	options->known[options->known_count++] = path;
}

void add_glob(struct options *options, const char *glob)
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
		parse_known(options, optarg);
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
	case OPTION_WITH:
		options->adversaries |= parse_adversaries(optarg);
		break;
	case OPTION_MECHANISM:
		options->mechanism = optarg;
		break;
	case OPTION_KIND:
		options->kind = optarg;
		break;
	case OPTION_POINT:
		options->point = optarg;
		break;
	case OPTION_REPLAY:
		options->replay = optarg;
		break;
	case OPTION_AT:
		options->at = optarg;
		break;
	case OPTION_EVERY_POINT:
		options->every_point = true;
		break;
	case OPTION_SMOKE:
		options->smoke = true;
		break;
	case OPTION_PAIR:
		parse_pair(options, optarg);
		break;
	case OPTION_STRESSED:
		parse_stressed(options, optarg);
		break;
	case OPTION_OPERATIONS:
		options->operations = parse_operations(optarg);
		break;
	case OPTION_TIMELINE:
		draw_in(optarg);
		options->is_drawn = true;
		break;
	case OPTION_STEPS:
	case OPTION_ACTORS:
		parse_count(options, code, optarg);
		break;
	case OPTION_WITHOUT:
		add_without(options, optarg);
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
	case OPTION_UNTESTABLE:
		options->view = VIEW_UNTESTABLE;
		break;
	case OPTION_COVERAGE:
		options->view = VIEW_COVERAGE;
		break;
	case OPTION_LACKS:
		options->view = VIEW_LACKS;
		break;
	default:
		break;
	}
}

_Noreturn void print_help(void)
{
	struct sheet sheet = {0};

	sheet_add(&sheet, help);
	exit(print(&sheet));
}

/* argv[0] is the command's word; what is no option is a glob. */
void parse_options(struct options *options, int argc, char **argv, const struct option *known)
{
	const char *scale = getenv("IPCTS_TIMEOUT_SCALE");
	int code;

	*options = (struct options){
		.implementation = implementations[0],
		.selection = {.grades = (1u << GRADE_COUNT) - 1, .shard = 1, .shards = 1},
		.jobs = runner_processors(),
		.timeout_scale = 1,
		.steps = 10000,
		.operations = 1000000,
		.actors = 4,
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
