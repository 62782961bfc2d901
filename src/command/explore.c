/* SPDX-License-Identifier: MIT */
/* ipcts explore: looks for a schedule of a program under which it fails, and tells it. */
#include "sched/explore.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command/command.h"
#include "sched/replay.h"
#include "sched/store_buffer.h"
#include "sched/story.h"

enum code {
	CODE_ENGINE = 256,
	CODE_SEED,
	CODE_RUNS,
	CODE_TIME,
	CODE_BOUND,
	CODE_DEPTH,
	CODE_STEPS,
	CODE_TIMEOUT_SCALE,
	CODE_SAVE,
	CODE_REPLAY,
	CODE_DETECT,
	CODE_REDUCE,
	CODE_MEMORY,
	CODE_STORES,
	CODE_KILLS,
	CODE_HELP
};

static const struct option options[] = {
	{"engine", required_argument, NULL, CODE_ENGINE},
	{"seed", required_argument, NULL, CODE_SEED},
	{"runs", required_argument, NULL, CODE_RUNS},
	{"time", required_argument, NULL, CODE_TIME},
	{"bound", required_argument, NULL, CODE_BOUND},
	{"depth", required_argument, NULL, CODE_DEPTH},
	{"steps", required_argument, NULL, CODE_STEPS},
	{"timeout-scale", required_argument, NULL, CODE_TIMEOUT_SCALE},
	{"save", required_argument, NULL, CODE_SAVE},
	{"replay", required_argument, NULL, CODE_REPLAY},
	{"detect", no_argument, NULL, CODE_DETECT},
	{"reduce", no_argument, NULL, CODE_REDUCE},
	{"memory", required_argument, NULL, CODE_MEMORY},
	{"stores", required_argument, NULL, CODE_STORES},
	{"kills", required_argument, NULL, CODE_KILLS},
	{"help", no_argument, NULL, CODE_HELP},
	{NULL, 0, NULL, 0},
};

enum { SECONDS_UNLESS_SAID = 60, STEPS_UNLESS_SAID = 100000, REPLAYS = 20, PERCENT_WANTED = 95 };

static struct {
	const char *save, *replay;
	bool limited, buffers;
	uint32_t stores;
	const char *only_searching; /* an option that a replay has no use for */
} wish;

static struct exploration exploration = {
	.engine = ENGINE_POS,
	.bound = 2,
	.depth = 3,
	.budget = STEPS_UNLESS_SAID,
	.patience = 1,
};
static struct replay replay;

/* ---- what is wished ---- */

static double parse_positive(const char *option, const char *text)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || *end || !(number > 0 && number <= 1e6))
		refuse("%s %s: not a number above 0", option, text);
	return number;
}

static void parse_option(int code, char *const *argv)
{
	switch (code) {
	case CODE_ENGINE:
		if (!engine_find(optarg, &exploration.engine) ||
		    exploration.engine == ENGINE_REPLAY)
			refuse("explore --engine %s: not every, bounded, pos, pct, random or noise",
			       optarg);
		break;
	case CODE_SEED:
		exploration.seed = number_of("explore", "seed", optarg, 0, UINT64_MAX);
		break;
	case CODE_RUNS:
		exploration.runs = number_of("explore", "runs", optarg, 1, UINT64_C(1000000000000));
		wish.limited = true;
		break;
	case CODE_TIME:
		exploration.seconds = parse_positive("explore --time", optarg);
		wish.limited = true;
		break;
	case CODE_BOUND:
		exploration.bound = (unsigned)number_of("explore", "bound", optarg, 0, UINT8_MAX);
		break;
	case CODE_DEPTH:
		exploration.depth = (unsigned)number_of("explore", "depth", optarg, 1, CHANGES_MAX);
		break;
	case CODE_STEPS:
		exploration.budget = (uint32_t)number_of("explore", "steps", optarg, 1, STEPS_MAX);
		break;
	case CODE_TIMEOUT_SCALE:
		exploration.patience = parse_positive("explore --timeout-scale", optarg);
		break;
	case CODE_SAVE:
		wish.save = optarg;
		break;
	case CODE_REPLAY:
		wish.replay = optarg;
		break;
	case CODE_DETECT:
		exploration.detects = true;
		break;
	case CODE_REDUCE:
		exploration.reduces = true;
		break;
	case CODE_MEMORY:
		if (strcmp(optarg, "sc") != 0 && strcmp(optarg, "tso") != 0)
			refuse("explore --memory %s: not sc or tso", optarg);
		wish.buffers = strcmp(optarg, "tso") == 0;
		break;
	case CODE_STORES:
		wish.stores = (uint32_t)number_of("explore", "stores", optarg, 1, STORES_MAX);
		break;
	case CODE_KILLS:
		exploration.kills = (uint32_t)number_of("explore", "kills", optarg, 0, KILLS_MAX);
		break;
	case CODE_HELP:
		print_help();
	case ':':
		refuse("explore %s: an argument is missing", argv[optind - 1]);
	default:
		refuse("explore %s: no such option", argv[optind - 1]);
	}
	if (code == CODE_ENGINE || code == CODE_SEED || code == CODE_RUNS || code == CODE_TIME ||
	    code == CODE_BOUND || code == CODE_DEPTH || code == CODE_REDUCE ||
	    code == CODE_MEMORY || code == CODE_STORES || code == CODE_KILLS)
		wish.only_searching = argv[optind - 1];
}

static void parse_arguments(int argc, char **argv)
{
	const char *scale = getenv("IPCTS_TIMEOUT_SCALE");
	int code;

	if (scale && *scale)
		exploration.patience = parse_positive("IPCTS_TIMEOUT_SCALE", scale);
	exploration.seed = random_seed();
	opterr = 0;
	optind = 1;
	while ((code = getopt_long(argc, argv, "+:", options, NULL)) != -1)
		parse_option(code, argv);
	exploration.arguments = argv + optind;
	if (wish.replay && (argv[optind] || wish.only_searching))
		refuse("explore --replay %s: the file tells program, arguments and schedule",
		       wish.replay);
	if (!wish.replay && !argv[optind])
		refuse("explore: no program to explore");
	if (exploration.reduces && exploration.engine != ENGINE_EVERY)
		refuse("explore --reduce: only for --engine every");
	if (wish.stores && !wish.buffers)
		refuse("explore --stores: only for --memory tso");
	if (exploration.engine == ENGINE_NOISE && (wish.buffers || exploration.kills))
		refuse("explore --engine noise: the kernel says who goes, so neither --memory tso "
		       "nor --kills");
	if (wish.buffers)
		exploration.stores = wish.stores ? wish.stores : STORES_UNLESS_SAID;
	if (!wish.limited)
		exploration.seconds = SECONDS_UNLESS_SAID;
}

static double seconds_spent(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec * INT64_C(1000000000) + now.tv_nsec - exploration.began) / 1e9;
}

static _Noreturn void refuse_program(void)
{
	explore_stop(&exploration);
	refuse("explore %s", exploration.refusal);
}

/* ---- what is told ---- */

static const char *few(unsigned long long count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

static void tell_histogram(void)
{
	for (unsigned ending = 0; ending < ENDINGS; ending++)
		if (exploration.endings[ending])
			printf("%12" PRIu64 "  %s%s\n", exploration.endings[ending],
			       ending_name(ending), ending_fails(ending) ? "  *" : "");
}

static void tell_engine(void)
{
	printf("engine:    %s", engine_name(exploration.engine));
	if (exploration.engine == ENGINE_BOUNDED)
		printf(", at most %u %s", exploration.bound,
		       few(exploration.bound, "preemption", "preemptions"));
	else if (exploration.engine == ENGINE_PCT)
		printf(", depth %u", exploration.depth);
	if (exploration.engine != ENGINE_EVERY && exploration.engine != ENGINE_BOUNDED)
		printf(", seed %" PRIu64, exploration.seed);
	putchar('\n');
	if (exploration.stores)
		printf("memory:    total store order, at most %u %s delayed by each process\n",
		       exploration.stores, few(exploration.stores, "store", "stores"));
	if (exploration.kills)
		printf("kills:     at most %u in a run\n", exploration.kills);
}

static void tell_bound(void)
{
	const struct engine *engine = &arena->engine;
	double one = pct_bound(engine->widest, engine->longest, exploration.depth);

	if (exploration.engine != ENGINE_PCT || one <= 0)
		return;
	printf("bound:     a run finds a bug of depth %u with probability 1/(%u * %u^%u) = %.3g "
	       "at least;\n           %.0f %s would find it with %d %%\n",
	       exploration.depth, engine->widest, engine->longest, exploration.depth - 1, one,
	       runs_needed(one, PERCENT_WANTED / 100.0),
	       few((unsigned long long)runs_needed(one, PERCENT_WANTED / 100.0), "run", "runs"),
	       PERCENT_WANTED);
}

static const char *how_far(void)
{
	if (exploration.exhausted)
		return exploration.engine == ENGINE_EVERY
			       ? ": all there are"
			       : ": all there are with so few preemptions";
	if (exploration.engine != ENGINE_EVERY && exploration.engine != ENGINE_BOUNDED)
		return "";
	if (arena->engine.overflow)
		return ", not all: some are too long";
	return exploration.spun ? ", not all: a process that only reads was held back"
				: ", not all";
}

static void tell_summary(void)
{
	double seconds = seconds_spent();

	tell_engine();
	printf("schedules: %" PRIu64 "%s\n", exploration.done, how_far());
	if (arena->engine.redundant_runs)
		printf("           %" PRIu64
		       " of them like others but for the order of what doesn't conflict\n",
		       arena->engine.redundant_runs);
	printf("time:      %.2f s, %.0f schedules/s\n", seconds,
	       seconds > 0 ? (double)exploration.done / seconds : 0);
	tell_histogram();
	tell_bound();
}

static void tell_output(void)
{
	char bytes[4096];
	off_t at = 0;
	ssize_t size;
	bool begins = true, any = false;

	while (exploration.output >= 0 &&
	       (size = pread(exploration.output, bytes, sizeof(bytes), at)) > 0) {
		if (!any)
			printf("it printed:\n");
		any = true;
		for (ssize_t index = 0; index < size; index++) {
			if (begins)
				fputs("  | ", stdout);
			putchar(bytes[index]);
			begins = bytes[index] == '\n';
		}
		at += size;
	}
	if (!begins)
		putchar('\n');
}

/* ---- a replay ---- */

static int play_again(void)
{
	char complaint[256], path[MODULE_PATH_MAX];
	struct run_end result;
	uint64_t code;

	if (!replay_read(wish.replay, &replay, complaint, sizeof(complaint)))
		refuse("explore --replay %s: %s", wish.replay, complaint);
	exploration.arguments = replay.arguments;
	exploration.engine = ENGINE_REPLAY;
	exploration.shows = true;
	exploration.stores = replay.stores;
	exploration.kills = replay.kills;
	if (replay.result.ending == ENDING_RACE)
		exploration.detects = true;
	if (!executable_path(replay.arguments[0], path) || !executable_code(path, &code))
		refuse("explore --replay %s: %s: no such program", wish.replay,
		       replay.arguments[0]);
	if (code != replay.code)
		refuse("explore --replay %s: %s is of another build", wish.replay,
		       replay.arguments[0]);
	if (!explore_start(&exploration) || !explore_again(&exploration, &replay.schedule, &result))
		refuse_program();
	printf("%s: %s\n", ending_name(result.ending), result.reason);
	story_tell(stdout, "");
	bool same = result.hash == replay.result.hash && run_ends_alike(&result, &replay.result);
	explore_stop(&exploration);
	if (!same)
		refuse("explore --replay %s: it went another way: something besides the schedule "
		       "decides (%" PRIu32 " of %" PRIu32 " steps)",
		       wish.replay, result.steps, replay.result.steps);
	return SOMETHING_FAILED;
}

/* ---- a search ---- */

static const char *replay_path(void)
{
	static char path[MODULE_PATH_MAX];
	char name[MODULE_PATH_MAX];

	if (wish.save)
		return wish.save;
	snprintf(name, sizeof(name), "%s", exploration.arguments[0]);
	snprintf(path, sizeof(path), "%.200s.replay", basename(name));
	return path;
}

/* The replays that are not as the first was. */
static unsigned check_replay(const struct run_end *found, unsigned replays)
{
	unsigned different = 0;
	struct run_end result;

	for (unsigned time = 0; time < replays; time++) {
		if (!explore_again(&exploration, &replay.schedule, &result))
			refuse_program();
		different += result.hash != found->hash || !run_ends_alike(&result, found);
	}
	return different;
}

static int tell_failure(struct run_end *found)
{
	char path[MODULE_PATH_MAX];
	uint32_t before = arena->taken.count;

	replay.schedule = arena->taken;
	bool slow = found->ending == ENDING_TIME; /* to try once more is a matter of seconds */
	unsigned runs = slow ? 0 : explore_minimise(&exploration, &replay.schedule, found);
	unsigned replays = slow ? 1 : REPLAYS, different = check_replay(found, replays);

	printf("\n%s in run %" PRIu64 ": %s\n", ending_name(found->ending), exploration.done,
	       found->reason);
	printf("schedule:  ");
	schedule_print(stdout, &replay.schedule);
	printf("%s\n           %" PRIu32 " %s of %" PRIu32 ", in %u %s; ",
	       replay.schedule.count ? "" : "nobody is interrupted", replay.schedule.count,
	       few(replay.schedule.count, "switch", "switches"), before, runs,
	       few(runs, "run", "runs"));
	if (different)
		printf("%u of %u replays went another way\n", different, replays);
	else
		printf("%u of %u replays were the same\n", replays, replays);
	story_tell(stdout, "");
	tell_output();

	replay.engine = exploration.engine;
	replay.seed = exploration.seed;
	replay.run = exploration.done - 1;
	replay.stores = exploration.stores;
	replay.kills = exploration.kills;
	replay.result = *found;
	if (!replay_arguments(&replay, exploration.arguments))
		refuse("explore: too many arguments for a replay file");
	executable_path(exploration.arguments[0], path);
	executable_code(path, &replay.code);
	if (!replay_write(replay_path(), &replay))
		refuse("explore --save %s: %s", replay_path(), strerror(errno));
	printf("again: ipcts explore --replay %s\n", replay_path());
	return SOMETHING_FAILED;
}

/* With noise nothing can be replayed. */
static int tell_noise_failure(const struct run_end *found)
{
	printf("\n%s in run %" PRIu64 ": %s\n", ending_name(found->ending), exploration.done,
	       found->reason);
	tell_output();
	printf("noise can't be replayed: --engine pos may find a schedule\n");
	return SOMETHING_FAILED;
}

int explore_command(int argc, char **argv)
{
	struct run_end found;
	int status = ALL_HELD;

	parse_arguments(argc, argv);
	if (wish.replay)
		return play_again();
	if (!explore_start(&exploration))
		refuse_program();
	bool fails = explore_search(&exploration, &found);
	if (exploration.refusal[0])
		refuse_program();
	printf("program:   %s\n", exploration.arguments[0]);
	tell_summary();
	if (fails)
		status = exploration.engine == ENGINE_NOISE ? tell_noise_failure(&found)
							    : tell_failure(&found);
	explore_stop(&exploration);
	return status;
}
