/* SPDX-License-Identifier: MIT */
/*
 * What ipcts race executes: the races, and the reference with its points, at which an engine lets
 * others go first.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <link.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "race/detection.h"
#include "race/play.h"
#include "race/relic.h"
#include "sched/guardian.h"

extern const struct implementation posix_implementation, ref_implementation;

const struct implementation *const implementations[] = {
	&ref_implementation,
	&posix_implementation,
	NULL,
};

enum { GLOBS_MAX = 64, ENGINES_MAX = 8 };

enum race_code {
	CODE_ENGINE = 256,
	CODE_POINTS,
	CODE_IMPL,
	CODE_SEED,
	CODE_RUNS,
	CODE_TIME,
	CODE_FIRST,
	CODE_BOUND,
	CODE_DEPTH,
	CODE_KILLS,
	CODE_REPLAY,
	CODE_FORMAT,
	CODE_LIST,
	CODE_DETECTION,
	CODE_SEEDS,
	CODE_HELP
};

static const struct option race_options[] = {
	{"engine", required_argument, NULL, CODE_ENGINE},
	{"points", required_argument, NULL, CODE_POINTS},
	{"impl", required_argument, NULL, CODE_IMPL},
	{"seed", required_argument, NULL, CODE_SEED},
	{"runs", required_argument, NULL, CODE_RUNS},
	{"time", required_argument, NULL, CODE_TIME},
	{"first", no_argument, NULL, CODE_FIRST},
	{"bound", required_argument, NULL, CODE_BOUND},
	{"depth", required_argument, NULL, CODE_DEPTH},
	{"kills", required_argument, NULL, CODE_KILLS},
	{"replay", required_argument, NULL, CODE_REPLAY},
	{"format", required_argument, NULL, CODE_FORMAT},
	{"list", no_argument, NULL, CODE_LIST},
	{"detection", no_argument, NULL, CODE_DETECTION},
	{"seeds", required_argument, NULL, CODE_SEEDS},
	{"help", no_argument, NULL, CODE_HELP},
	{NULL, 0, NULL, 0},
};

static struct {
	const char *globs[GLOBS_MAX];
	size_t glob_count;
	struct race_wish how; /* by the engine in hand */
	struct {
		char name[16];
		enum race_way way;
		enum engine_kind kind;
	} engines[ENGINES_MAX];
	size_t engine_count, engine;
	const char *replay;
	bool is_tap, is_list, is_detection;
	unsigned seeds; /* of a detection */
} wish;
static struct schedule replayed;

/* Where each point of the reference is. */
static const struct {
	const char *name, *place;
} points[] = {
#include "race/points.h"
};

static const char *place_of_point(const char *name)
{
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		if (strcmp(points[i].name, name) == 0)
			return points[i].place;
	return "";
}

static int take_base(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(uintptr_t *)base = info->dlpi_addr;
	return 1; /* the first is the program */
}

static uintptr_t program_base(void)
{
	uintptr_t base = 0;

	dl_iterate_phdr(take_base, &base);
	return base;
}

/* By addr2line, where there is one. */
static const char *place_of_code(const void *pc, char place[256])
{
	char command[96], *line_break;
	FILE *answer;

	snprintf(command, sizeof(command), "addr2line -s -e /proc/%ld/exe %#lx 2>/dev/null",
		 (long)getpid(), (unsigned long)((uintptr_t)pc - program_base() - 1));
	answer = popen(command, "re");
	place[0] = '\0';
	if (answer && !fgets(place, 256, answer))
		place[0] = '\0';
	if (answer)
		pclose(answer);
	line_break = strpbrk(place, "\n ");
	if (line_break)
		*line_break = '\0';
	return place;
}

/* -- what is wished --------------------------------------------------------------------------- */

static double parse_seconds(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0) || seconds > 1e6)
		refuse("race --time %s: not a number of seconds", text);
	return seconds;
}

static void add_engine(const char *name, size_t size)
{
	__typeof__(&wish.engines[0]) engine = &wish.engines[wish.engine_count];

	if (wish.engine_count == ENGINES_MAX || size >= sizeof(engine->name))
		refuse("race --engine %s: too much", name);
	memcpy(engine->name, name, size);
	engine->name[size] = '\0';
	engine->way = strcmp(engine->name, "stress") == 0  ? BY_STRESS
		      : strcmp(engine->name, "noise") == 0 ? BY_NOISE
							   : BY_TURNS;
	if (engine->way == BY_TURNS &&
	    (!engine_find(engine->name, &engine->kind) || engine->kind == ENGINE_REPLAY ||
	     engine->kind == ENGINE_NOISE))
		refuse("race --engine %s: not every, bounded, pos, pct, random, noise or stress",
		       name);
	wish.engine_count++;
}

static void parse_engines(const char *list)
{
	for (const char *name = list;;) {
		size_t size = strcspn(name, ",");

		add_engine(name, size);
		if (!name[size])
			return;
		name += size + 1;
	}
}

static void parse_points(const char *name)
{
	if (strcmp(name, "steps") != 0 && strcmp(name, "accesses") != 0)
		refuse("race --points %s: not steps or accesses", name);
	wish.how.at_accesses = name[0] == 'a';
	if (wish.how.at_accesses && !RACE_ACCESSES)
		refuse("race --points accesses: the compiler of this build has no instrumentation");
}

static void parse_implementation(const char *name)
{
	for (size_t i = 0; implementations[i]; i++)
		if (strcmp(implementations[i]->name, name) == 0) {
			impl = implementations[i];
			return;
		}
	refuse("race --impl %s: no such implementation", name);
}

/* NAME/SCHEDULE. */
static void parse_replay(const char *text)
{
	static char name[128];
	const char *slash = strchr(text, '/');

	if (!slash || (size_t)(slash - text) >= sizeof(name) ||
	    !race_schedule_read(slash + 1, &replayed))
		refuse("race --replay %s: not NAME/SCHEDULE, as a failure tells it", text);
	memcpy(name, text, (size_t)(slash - text));
	wish.replay = name;
	wish.how.schedule = &replayed;
	for (uint32_t i = 0; replayed.shadowed && i < replayed.count; i++)
		if (replayed.directives[i].to >= DEATH_FROM)
			wish.how.kills = RACE_ROLES_MAX;
}

static void parse_one(int code)
{
	switch (code) {
	case CODE_ENGINE:
		parse_engines(optarg);
		break;
	case CODE_POINTS:
		parse_points(optarg);
		break;
	case CODE_IMPL:
		parse_implementation(optarg);
		break;
	case CODE_SEED:
		wish.how.seed = number_of("race", "seed", optarg, 0, UINT64_MAX);
		break;
	case CODE_RUNS:
		wish.how.runs = number_of("race", "runs", optarg, 1, UINT64_C(1) << 40);
		break;
	case CODE_TIME:
		wish.how.seconds = parse_seconds(optarg);
		break;
	case CODE_FIRST:
		wish.how.ends_at_first = true;
		break;
	case CODE_BOUND:
		wish.how.bound = (unsigned)number_of("race", "bound", optarg, 1, 100);
		break;
	case CODE_DEPTH:
		wish.how.depth = (unsigned)number_of("race", "depth", optarg, 1, CHANGES_MAX);
		break;
	case CODE_KILLS:
		wish.how.kills = (unsigned)number_of("race", "kills", optarg, 0, RACE_ROLES_MAX);
		break;
	case CODE_REPLAY:
		parse_replay(optarg);
		break;
	case CODE_FORMAT:
		if (strcmp(optarg, "human") != 0 && strcmp(optarg, "tap") != 0)
			refuse("race --format %s: not human or tap", optarg);
		wish.is_tap = optarg[0] == 't';
		break;
	case CODE_LIST:
		wish.is_list = true;
		break;
	case CODE_DETECTION:
		wish.is_detection = true;
		break;
	case CODE_SEEDS:
		wish.seeds = (unsigned)number_of("race", "seeds", optarg, 1, 100);
		break;
	default:
		print_help();
	}
}

/* As of tests: a name, or a mechanism. */
static bool matches(const char *glob, const char *name)
{
	size_t size = strcspn(name, ".");

	return glob_matches(glob, name) || (strlen(glob) == size && strncmp(glob, name, size) == 0);
}

static void choose(const char *glob)
{
	for (const struct race *race = race_first(); race; race = race->next) {
		if (!matches(glob, race->name))
			continue;
		if (wish.glob_count == GLOBS_MAX)
			refuse("race %s: too many names", glob);
		wish.globs[wish.glob_count++] = glob;
		return;
	}
	refuse("race %s: matches no race (ipcts race --list)", glob);
}

static void settle(void)
{
	bool is_limited = wish.how.runs > 0;

	if (wish.is_detection && !(wish.how.seconds > 0))
		wish.how.seconds = 1;
	if (!wish.seeds)
		wish.seeds = 20;
	if (!is_limited)
		wish.how.runs = UINT64_C(1) << 40;
	if (!(wish.how.seconds > 0))
		wish.how.seconds = is_limited ? 1e6 : 2;
	if (wish.replay) {
		wish.engine_count = 1;
		strcpy(wish.engines[0].name, "replay");
		wish.engines[0].way = BY_TURNS;
		wish.engines[0].kind = ENGINE_REPLAY;
	}
	if (wish.engine_count == 0 && wish.is_detection)
		parse_engines("bounded,pos,pct,random,noise,stress");
	if (wish.engine_count == 0)
		parse_engines(impl == &posix_implementation ? "stress" : "pos");
	for (size_t i = 0; wish.how.kills > 0 && i < wish.engine_count; i++)
		if (wish.engines[i].way != BY_TURNS)
			refuse("race --kills: not by %s, which has no turns", wish.engines[i].name);
	for (size_t i = 0; i < wish.engine_count; i++)
		if (wish.engines[i].way == BY_TURNS && impl == &posix_implementation)
			refuse("race --engine %s: posix has no points to take turns at: noise or "
			       "stress",
			       wish.engines[i].name);
}

static void parse(int argc, char **argv)
{
	int code;

	impl = implementations[0];
	wish.how.at_accesses = RACE_ACCESSES;
	wish.how.seed = random_seed();
	opterr = 0;
	while ((code = getopt_long(argc, argv, ":h", race_options, NULL)) != -1) {
		if (code == ':')
			refuse("race %s: needs an argument", argv[optind - 1]);
		if (code == '?')
			refuse("race %s: unknown option, or not to be used so", argv[optind - 1]);
		parse_one(code);
	}
	if (wish.replay && optind < argc)
		refuse("race --replay: plays that one, and nothing else can be chosen");
	if (wish.replay)
		choose(wish.replay);
	while (optind < argc)
		choose(argv[optind++]);
	settle();
}

/* Those that are named; else all, or where others are to survive a death all that can. */
static bool is_wanted(const struct race *race)
{
	for (size_t i = 0; i < wish.glob_count; i++)
		if (matches(wish.globs[i], race->name))
			return true;
	return wish.glob_count == 0 && race->is_bug == wish.is_detection &&
	       (wish.how.kills == 0 || race->mortals > 0);
}

/* -- what is said ----------------------------------------------------------------------------- */

static void say(struct sheet *sheet)
{
	if (print(sheet) != ALL_HELD)
		exit(TROUBLE);
	*sheet = (struct sheet){0};
}

static void say_histogram(const struct race_tally *tally, struct sheet *sheet)
{
	sheet_printf(sheet, "Histogram (%u states)\n", tally->seen_count);
	for (unsigned i = 0; i < tally->seen_count; i++) {
		const struct race_seen *seen = &tally->seen[i];

		sheet_printf(sheet, "%-9" PRIu64 "%s", seen->times,
			     seen->grade == FORBIDDEN ? "*>" : ":>");
		sheet_printf(sheet, "%-24s %s\n", seen->outcome,
			     seen->why			? seen->why
			     : seen->grade == FORBIDDEN ? "forbidden: not in the list"
							: "");
	}
}

/* Of pct: Burckhardt et al. 2010. */
static void say_bound(const struct race_tally *tally, struct sheet *sheet)
{
	unsigned depth = wish.how.depth ? wish.how.depth : 3;
	double chance = 1 / (tally->widest * pow(tally->longest, depth - 1));

	sheet_printf(sheet,
		     "a bug of depth %u: at least 1 in %.0f of a run (%u roles, %u steps); "
		     "%.0f runs for 95 %%\n",
		     depth, 1 / chance, tally->widest, tally->longest,
		     chance < 1 ? ceil(log(0.05) / log1p(-chance)) : 1.0);
}

static void say_effort(const struct race_tally *tally, struct sheet *sheet)
{
	double rate = tally->seconds > 0 ? (double)tally->runs / tally->seconds : 0;

	if (wish.how.way != BY_TURNS) {
		sheet_printf(sheet, "%" PRIu64 " instances, %.0f a second\n", tally->runs, rate);
		return;
	}
	sheet_printf(sheet, "%" PRIu64 " schedules, %.0f a second", tally->runs, rate);
	if (wish.how.engine == ENGINE_EVERY)
		sheet_add(sheet, tally->is_exhausted ? ": all there are" : ": not all");
	if (wish.how.engine == ENGINE_BOUNDED)
		sheet_printf(sheet, ": %s of at most %u preemptions",
			     tally->is_exhausted ? "all" : "not all",
			     wish.how.bound ? wish.how.bound : 2);
	sheet_add(sheet, "\n");
	if (wish.how.engine == ENGINE_PCT && tally->longest && tally->widest)
		say_bound(tally, sheet);
}

static void say_schedule(const struct schedule *schedule, struct sheet *sheet)
{
	if (schedule->count == 0)
		sheet_add(sheet, "-");
	for (uint32_t i = 0; i < schedule->count; i++) {
		const struct directive *directive = &schedule->directives[i];
		unsigned from = !schedule->shadowed || directive->to < BUFFER_FROM ? 0
				: directive->to < DEATH_FROM			   ? BUFFER_FROM
										   : DEATH_FROM;

		sheet_printf(sheet, "%s%u.%" PRIu32 ".%s%u", i ? "," : "", directive->actor,
			     directive->done,
			     from == DEATH_FROM	   ? "k"
			     : from == BUFFER_FROM ? "b"
						   : "",
			     directive->to - from);
	}
}

static void say_story(const struct race *race, const struct race_tally *tally, struct sheet *sheet)
{
	for (unsigned i = 0; i < tally->steps; i++) {
		const struct race_step *step = &tally->story[i];
		char place[256];
		bool is_change = i > 0 && step->role != tally->story[i - 1].role;

		sheet_printf(sheet, "  %c %-10s %-32s %s\n", is_change ? '>' : ' ',
			     race->roles[step->role].name, step->what,
			     step->pc ? place_of_code(step->pc, place)
				      : place_of_point(step->what));
	}
}

static void say_failure(const struct race *race, const struct race_tally *tally,
			struct sheet *sheet)
{
	if (wish.how.way != BY_TURNS) {
		sheet_printf(sheet, "again: ipcts race --impl %s --engine %s %s\n", impl->name,
			     wish.engines[wish.engine].name, race->name);
		return;
	}
	sheet_printf(sheet, "%s, with %u switches that no one had to make:\n", tally->outcome,
		     tally->schedule.count);
	say_story(race, tally, sheet);
	sheet_printf(sheet, "again: ipcts race --impl %s%s --replay %s/", impl->name,
		     wish.how.at_accesses ? " --points accesses" : " --points steps", race->name);
	say_schedule(&tally->schedule, sheet);
	sheet_add(sheet, "\n");
}

static void say_details(const struct race *race, const struct race_tally *tally,
			struct sheet *sheet)
{
	say_histogram(tally, sheet);
	say_effort(tally, sheet);
	if (tally->forbidden)
		say_failure(race, tally, sheet);
}

static void say_for_people(const struct race *race, const struct race_tally *tally)
{
	struct sheet sheet = {0};

	sheet_printf(&sheet, "\nTest %s by %s: %s\n", race->name, wish.engines[wish.engine].name,
		     race->text);
	if (tally->trouble[0]) {
		sheet_add(&sheet, tally->is_broken ? "trouble: " : "skipped: ");
		sheet_line(&sheet, tally->trouble);
		sheet_add(&sheet, "\n");
	} else {
		say_details(race, tally, &sheet);
		sheet_add(&sheet, tally->forbidden ? "No\n" : "Ok\n");
	}
	say(&sheet);
}

static void say_as_tap(const struct race *race, const struct race_tally *tally, size_t number)
{
	struct sheet sheet = {0}, details = {0};

	sheet_printf(&sheet, "%sok %zu - %s/%s: %s",
		     tally->forbidden || tally->is_broken ? "not " : "", number, race->name,
		     wish.engines[wish.engine].name, race->text);
	if (tally->trouble[0]) {
		sheet_add(&sheet, tally->is_broken ? "\n# harness error: " : " # SKIP ");
		sheet_line(&sheet, tally->trouble);
		sheet_add(&sheet, "\n");
	} else {
		sheet_add(&sheet, "\n");
		say_details(race, tally, &details);
		if (details.error)
			sheet.error = details.error;
		else
			sheet_lines(&sheet, "#   ", details.bytes);
	}
	sheet_free(&details);
	say(&sheet);
}

static int list(void)
{
	struct sheet sheet = {0};

	for (const struct race *race = race_first(); race; race = race->next) {
		if (!is_wanted(race))
			continue;
		sheet_printf(&sheet, "%s: %s (%s:%d)\n ", race->name, race->text, race->file,
			     race->line);
		for (unsigned role = 0; role < race_role_count(race); role++)
			sheet_printf(&sheet, " %s%s", race->roles[role].name,
				     role < race->mortals ? " (may be killed)" : "");
		sheet_add(&sheet, "\n");
		for (unsigned i = 0; i < RACE_OUTCOMES_MAX && race->outcomes[i].outcome; i++)
			sheet_printf(&sheet, "    %s %-24s %s\n",
				     race->outcomes[i].grade == FORBIDDEN ? "*>" : ":>",
				     race->outcomes[i].outcome, race->outcomes[i].why);
	}
	return print(&sheet);
}

/* -- where objects are --------------------------------------------------------------------------
 */

static struct guardian guardian;

/* Whoever plays has the other end of it: what they make is removed when nobody does any more. */
static void guard(int ends, void *unused)
{
	(void)unused;
	guardian_hide();
	guardian_sees_the_end(ends, -1);
	relic_close(&posix_implementation);
}

static void close_estate(void)
{
	if (!guardian_dismiss(&guardian))
		relic_close(&posix_implementation);
}

static void open_estate(void)
{
	relic_sweep(&posix_implementation);
	const char *directory = relic_open();

	if (!directory)
		refuse("race: no directory in /dev/shm or /tmp: %s", strerror(errno));
	guardian_post(&guardian, guard, NULL);
	atexit(close_estate);
	race_enter(directory, impl->enter);
	if (impl->enter)
		impl->enter(directory);
}

/* -- the run ---------------------------------------------------------------------------------- */

static void say_head(void)
{
	struct sheet sheet = {0};
	size_t count = 0;

	for (const struct race *race = race_first(); race; race = race->next)
		count += is_wanted(race);
	if (wish.is_tap)
		sheet_printf(&sheet, "TAP version 13\n1..%zu\n# ", count * wish.engine_count);
	sheet_printf(&sheet, "ipcts race: on %s, seed %" PRIu64 "\n", impl->name, wish.how.seed);
	say(&sheet);
}

/* -- known bugs ------------------------------------------------------------------------------- */

/* By how many engines each was found, in most seeds. */
static int detect_all(struct race_tally *tally)
{
	struct sheet sheet = {0};
	struct {
		unsigned found;
		double seconds;
	} sums[ENGINES_MAX] = {{0, 0}};
	unsigned bugs = 0;

	sheet_printf(&sheet,
		     "runs and processor time to the first find, medians of %u seeds from %" PRIu64
		     ", %.3g s each at most\n%-32s",
		     wish.seeds, wish.how.seed, wish.how.seconds, "");
	for (size_t i = 0; i < wish.engine_count; i++)
		sheet_printf(&sheet, " %18s", wish.engines[i].name);
	sheet_add(&sheet, "\n");
	say(&sheet);
	for (const struct race *bug = race_first(); bug; bug = bug->next) {
		if (!is_wanted(bug))
			continue;
		sheet_printf(&sheet, "%-32s", bug->name);
		for (size_t i = 0; i < wish.engine_count; i++) {
			const struct detector detector = {wish.engines[i].name, wish.engines[i].way,
							  wish.engines[i].kind};
			struct detection detection = detect_bug(
				bug, &detector, wish.seeds, wish.how.seed, wish.how.seconds, tally);

			detection_say(&detection, &sheet);
			sums[i].found += detection.found * 2 >= detection.seeds;
			sums[i].seconds += detection.seconds;
		}
		sheet_add(&sheet, "\n");
		say(&sheet);
		bugs++;
	}
	sheet_printf(&sheet, "%-32s", "found, and time for all");
	for (size_t i = 0; i < wish.engine_count; i++) {
		char text[40];

		snprintf(text, sizeof(text), "%u of %u, %.1f s", sums[i].found, bugs,
			 sums[i].seconds);
		sheet_printf(&sheet, " %18s", text);
	}
	sheet_add(&sheet, "\n");
	return print(&sheet);
}

struct total {
	size_t played, failed, broken;
};

static void play_all(struct race_tally *tally, struct total *total)
{
	wish.how.way = wish.engines[wish.engine].way;
	wish.how.engine = wish.engines[wish.engine].kind;
	for (const struct race *race = race_first(); race; race = race->next) {
		if (!is_wanted(race))
			continue;
		race_play(race, &wish.how, tally);
		if (race_interrupted())
			refuse("race: ended by signal %d", race_interrupted());
		if (tally->forbidden && wish.how.way == BY_TURNS && !wish.replay)
			race_shorten(race, &wish.how, tally);
		total->played++;
		total->failed += tally->forbidden > 0;
		total->broken += tally->is_broken;
		if (wish.is_tap)
			say_as_tap(race, tally, total->played);
		else
			say_for_people(race, tally);
	}
}

int main(int argc, char **argv)
{
	struct race_tally *tally = race_tally_make();
	struct total total = {0, 0, 0};

	if (!tally)
		refuse("race: no memory");
	/* who takes turns sleeps where the engine sees it, in a futex */
	unsetenv("IPCREF_WAIT");
	parse(argc, argv);
	if (wish.is_list)
		return list();
	open_estate();
	if (wish.is_detection)
		return detect_all(tally);
	say_head();
	for (; wish.engine < wish.engine_count; wish.engine++)
		play_all(tally, &total);
	return total.broken ? TROUBLE : total.failed ? SOMETHING_FAILED : ALL_HELD;
}
