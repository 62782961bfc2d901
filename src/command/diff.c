/* SPDX-License-Identifier: MIT */
/*
 * ipcts diff: sequences of random operations, the same on two implementations, until as many steps
 * are done as were asked for.  What diverges is tried again, shrunk, and told as a test.
 */
#include "command/command.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "diff/diff.h"

enum {
	LEAST_ACTS = 40,
	MOST_ACTS = 200,
	SHRINK_ATTEMPTS = 500,
	SHRINK_SECONDS = 60,
	TRIES = 3,
	KINDS_MAX = 64
};

/* Divergences of one name: the first is shrunk and told, the others are counted. */
struct kind_of {
	char name[DIVERGENCE_NAME];
	unsigned long long times;
};

struct tally_of {
	unsigned long long steps, failed, blocked, late, sequences, divergences, explained, skipped;
};

/* What the worker has done, for whoever tells it in the end. */
struct score {
	struct tally_of tallies[MECHANISM_COUNT];
	struct kind_of kinds[KINDS_MAX];
	size_t kind_count;
};

struct differ {
	const struct options *options;
	struct score *score; /* shared */
	struct baseline known;
	bool is_left_out[OP_COUNT];
	const struct menu *menus[MECHANISM_COUNT];
	size_t menu_count;
	const struct menu *menu; /* of the sequence in hand */
	uint64_t seed;		 /* its own */
};

static volatile sig_atomic_t interrupted;
static volatile pid_t worker;

/* In the worker. */
static void abandon(int number)
{
	stage_abandon();
	_exit(128 + number);
}

/* In the command itself, which then waits for the worker's end. */
static void note_signal(int number)
{
	interrupted = number;
	if (worker > 0)
		kill(worker, SIGTERM);
}

static void handle_ends(void (*handler)(int))
{
	const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = handler};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

static void say(struct sheet *sheet)
{
	if (print(sheet) != ALL_HELD)
		exit(TROUBLE);
	*sheet = (struct sheet){0};
}

/* -- what there is to compare ----------------------------------------------------------------- */

/* Whether the implementation has the mechanism at all. */
static bool has(const struct implementation *implementation, enum mechanism mechanism)
{
	const void *const tables[MECHANISM_COUNT] = {
#define M(name) [MECHANISM_##name] = implementation->name,
		MECHANISMS(M)
#undef M
	};

	return tables[mechanism] != NULL;
}

static bool is_chosen(const struct options *options, enum mechanism mechanism)
{
	for (size_t i = 0; i < options->selection.glob_count; i++)
		if (strcmp(options->globs[i], mechanism_names[mechanism]) == 0)
			return true;
	return options->selection.glob_count == 0;
}

static void check_mechanisms(const struct options *options)
{
	for (size_t i = 0; i < options->selection.glob_count; i++) {
		int mechanism = 0;

		while (mechanism < MECHANISM_COUNT &&
		       strcmp(options->globs[i], mechanism_names[mechanism]) != 0)
			mechanism++;
		if (mechanism == MECHANISM_COUNT || !menu_of((enum mechanism)mechanism))
			refuse("%s: no mechanism that diff knows", options->globs[i]);
	}
}

static void choose_menus(struct differ *differ, struct sheet *sheet)
{
	for (int mechanism = 0; mechanism < MECHANISM_COUNT; mechanism++) {
		const struct menu *menu = menu_of((enum mechanism)mechanism);

		if (!menu || !is_chosen(differ->options, (enum mechanism)mechanism))
			continue;
		for (int i = 0; i < 2 && menu; i++) {
			if (has(differ->options->pair[i], (enum mechanism)mechanism))
				continue;
			sheet_printf(sheet, "%s: %s does not have it\n", mechanism_names[mechanism],
				     differ->options->pair[i]->name);
			menu = NULL;
		}
		if (menu)
			differ->menus[differ->menu_count++] = menu;
	}
}

static void leave_out(struct differ *differ)
{
	for (size_t i = 0; i < differ->options->without_count; i++) {
		bool any = false;

		for (int code = 0; code < OP_COUNT; code++)
			if (glob_matches(differ->options->without[i], op_descriptions[code].name))
				any = differ->is_left_out[code] = true;
		if (!any)
			refuse("--without %s: matches no operation", differ->options->without[i]);
	}
}

static void read_known(struct differ *differ)
{
	char complaint[COMPLAINT_MAX];

	for (size_t i = 0; i < differ->options->known_count; i++)
		if (!baseline_read(&differ->known, differ->options->known[i], complaint))
			refuse("%s", complaint);
}

/* -- telling ---------------------------------------------------------------------------------- */

/* How to play the sequence in hand again. */
static void tell_again(const struct differ *differ, struct sheet *sheet)
{
	const struct options *options = differ->options;

	sheet_printf(sheet,
		     "again: ipcts diff --impl %s,%s --only %s --actors %d --seed %llu --steps 1",
		     options->pair[0]->name, options->pair[1]->name,
		     mechanism_names[differ->menu->mechanism], options->actors,
		     (unsigned long long)differ->seed);
	for (int code = 0; code < OP_COUNT; code++)
		if (differ->is_left_out[code])
			sheet_printf(sheet, " --without %s", op_descriptions[code].name);
	for (size_t i = 0; i < options->known_count; i++) {
		sheet_add(sheet, " --known ");
		sheet_shell(sheet, options->known[i]);
	}
	sheet_add(sheet, "\n");
}

/* What was seen of a script, for the next play writes over it. */
struct sight {
	struct script script;
	struct trace traces[2];
	struct divergence divergence;
	char message[MESSAGE_MAX];
};

static struct sight *sight_of(const struct script *script)
{
	struct sight *sight = malloc(sizeof(*sight));

	if (!sight)
		refuse("no memory for what was seen");
	sight->script = *script;
	for (int i = 0; i < 2; i++)
		sight->traces[i] = *diff_trace(i);
	sight->divergence = *diff_divergence();
	snprintf(sight->message, sizeof(sight->message), "%s", diff_message());
	return sight;
}

static void tell_divergence(const struct differ *differ, const struct sight *sight, const char *how)
{
	const char *const names[2] = {differ->options->pair[0]->name,
				      differ->options->pair[1]->name};
	struct sheet sheet = {0};

	sheet_printf(&sheet, "\ndivergence: %s%s\n", sight->divergence.name, how);
	if (sight->message[0]) {
		sheet_line(&sheet, sight->message);
		sheet_add(&sheet, "\n");
	}
	script_print(&sheet, differ->menu, &sight->script, &sight->traces[0], &sight->traces[1],
		     &sight->divergence, names);
	tell_again(differ, &sheet);
	say(&sheet);
}

/* -- shrinking -------------------------------------------------------------------------------- */

struct search {
	const struct menu *menu;
	char name[DIVERGENCE_NAME];
	double until; /* what is shrunk by then is small enough */
};

static bool diverges_alike(const struct script *script, void *context)
{
	const struct search *search = context;

	if (report_clock() > search->until)
		return false;
	return diff_replay(search->menu, script) == DIFF_DIVERGES &&
	       strcmp(diff_divergence()->name, search->name) == 0;
}

/* The script again, as it was seen; false: it doesn't diverge any more. */
static bool is_seen_again(const struct script *script, struct search *search)
{
	for (int i = 0; i < TRIES; i++)
		if (diverges_alike(script, search))
			return true;
	return false;
}

static void shrink_and_tell(struct differ *differ)
{
	struct search search = {.menu = differ->menu};
	struct sight *first = sight_of(diff_script());
	struct script *script = malloc(sizeof(*script));

	if (!script)
		refuse("no memory for a script");
	*script = first->script;
	script->count = first->divergence.step + 1;
	strcpy(search.name, first->divergence.name);
	search.until = HUGE_VAL;
	bool again = is_seen_again(script, &search);
	if (again) {
		search.until = report_clock() + SHRINK_SECONDS;
		diff_hurry(true);
		script_shrink(script, diverges_alike, &search, SHRINK_ATTEMPTS);
		diff_hurry(false);
		search.until = HUGE_VAL;
		again = is_seen_again(script, &search);
	}
	if (again) {
		struct sight *last = sight_of(script);

		tell_divergence(differ, last, "");
		free(last);
	} else {
		tell_divergence(differ, first, ", seen once and not again");
	}
	free(first);
	free(script);
}

/* False: there has been one of this name. */
static bool is_new(struct differ *differ, const char *name)
{
	size_t i = 0;

	while (i < differ->score->kind_count && strcmp(differ->score->kinds[i].name, name) != 0)
		i++;
	if (i == KINDS_MAX)
		return false;
	if (i == differ->score->kind_count) {
		strcpy(differ->score->kinds[i].name, name);
		differ->score->kind_count++;
	}
	return differ->score->kinds[i].times++ == 0;
}

/* -- sequences -------------------------------------------------------------------------------- */

/* An operation that one of them lacks is done no more; the sequence doesn't count. */
static void note_absent(struct differ *differ)
{
	struct sheet sheet = {0};

	for (int i = 0; i < 2; i++) {
		const struct trace *trace = diff_trace(i);

		if (!trace->absent[0])
			continue;
		differ->is_left_out[trace->absent_operation] = true;
		sheet_printf(&sheet, "%s is left out, for %s lacks it: ",
			     op_descriptions[trace->absent_operation].name,
			     differ->options->pair[i]->name);
		sheet_line(&sheet, trace->absent);
		sheet_add(&sheet, "\n");
	}
	say(&sheet);
}

static void add_count(struct tally_of *tally, const struct diff_count *count)
{
	tally->steps += count->steps;
	tally->failed += count->failed;
	tally->blocked += count->blocked;
	tally->late += count->late;
}

static int play_one(struct differ *differ)
{
	struct tally_of *tally = &differ->score->tallies[differ->menu->mechanism];
	enum diff_verdict verdict = diff_generate(differ->menu, differ->seed);

	struct diff_count count = diff_count();
	tally->sequences++;
	tally->explained += count.explained;
	switch (verdict) {
	case DIFF_ABSENT:
		note_absent(differ);
		return ALL_HELD;
	case DIFF_SKIPPED:
		if (tally->skipped++ == 0)
			complain("%s: skipped: %s", mechanism_names[differ->menu->mechanism],
				 diff_message());
		return tally->skipped > 100 ? TROUBLE : ALL_HELD;
	case DIFF_TROUBLE:
		complain("%s, seed %llu: %s", mechanism_names[differ->menu->mechanism],
			 (unsigned long long)differ->seed, diff_message());
		return TROUBLE;
	case DIFF_DIVERGES:
		add_count(tally, &count);
		tally->divergences++;
		if (is_new(differ, diff_divergence()->name))
			shrink_and_tell(differ);
		return SOMETHING_FAILED;
	default:
		add_count(tally, &count);
		return ALL_HELD;
	}
}

static unsigned long long steps_done(const struct differ *differ)
{
	unsigned long long steps = 0;

	for (int i = 0; i < MECHANISM_COUNT; i++)
		steps += differ->score->tallies[i].steps;
	return steps;
}

/* A sequence's seed is the run's and its number; so the first of another run can be any of them. */
static int play_all(struct differ *differ)
{
	int status = ALL_HELD;

	for (uint64_t i = 0; steps_done(differ) < differ->options->steps; i++) {
		differ->menu = differ->menus[i % differ->menu_count];
		differ->seed = differ->options->seed + i;
		int one = play_one(differ);
		if (one > status)
			status = one;
		if (one == TROUBLE)
			break;
	}
	return status;
}

static void tell_end(const struct differ *differ, double seconds)
{
	struct sheet sheet = {0};
	unsigned long long divergences = 0, explained = 0;

	for (size_t i = 0; i < differ->menu_count; i++) {
		enum mechanism mechanism = differ->menus[i]->mechanism;
		const struct tally_of *tally = &differ->score->tallies[mechanism];

		sheet_printf(&sheet,
			     "%-7s %8llu steps (%llu failed, %llu blocked, %llu came back late) in "
			     "%llu sequences, %llu "
			     "divergences, %llu explained\n",
			     mechanism_names[mechanism], tally->steps, tally->failed,
			     tally->blocked, tally->late, tally->sequences, tally->divergences,
			     tally->explained);
		divergences += tally->divergences;
		explained += tally->explained;
	}
	for (size_t i = 0; i < differ->score->kind_count; i++)
		sheet_printf(&sheet, "%s: %llu times\n", differ->score->kinds[i].name,
			     differ->score->kinds[i].times);
	sheet_printf(&sheet,
		     "%llu steps, %.0f a second, %llu divergences, %llu explained, seed %llu\n",
		     steps_done(differ), seconds > 0 ? (double)steps_done(differ) / seconds : 0,
		     divergences, explained, (unsigned long long)differ->options->seed);
	say(&sheet);
}

/*
 * In a process of its own, so that whoever kills the command has this one told: it ends whatever
 * plays, also who is blocked and can't see that nobody commands any more.
 */
_Noreturn static void work(struct differ *differ, pid_t parent)
{
	const struct options *options = differ->options;
	const struct diff_settings settings = {
		.implementations = {options->pair[0], options->pair[1]},
		.actors = options->actors,
		.least = LEAST_ACTS,
		.most = MOST_ACTS,
		.is_left_out = differ->is_left_out,
		.known = &differ->known,
	};
	sigset_t none;

	handle_ends(abandon);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(TROUBLE);
	stage_enter_worker(0);
	if (!diff_open(&settings))
		refuse("no memory for what is seen");
	_exit(play_all(differ));
}

/* The worker's exit status; as if it had been killed by a signal, where it was. */
static int await_worker(void)
{
	int status;

	while (waitpid(worker, &status, 0) < 0)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) <= TROUBLE)
		return WEXITSTATUS(status);
	stage_mourn_worker(0);
	if (interrupted)
		return 128 + interrupted;
	complain("the worker has died: status %#x", (unsigned)status);
	return TROUBLE;
}

/* Signals wait while the worker is being made. */
static bool start_worker(struct differ *differ)
{
	pid_t parent = getpid();
	sigset_t guarded, old;

	sigemptyset(&guarded);
	sigaddset(&guarded, SIGINT);
	sigaddset(&guarded, SIGTERM);
	sigaddset(&guarded, SIGHUP);
	sigprocmask(SIG_BLOCK, &guarded, &old);
	worker = fork();
	if (worker == 0)
		work(differ, parent);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return worker > 0;
}

static int open_and_play(struct differ *differ, const char *program)
{
	const struct options *options = differ->options;
	const struct stage_settings judged = {
		.implementation = options->pair[0],
		.seed = options->seed,
		.timeout_scale = options->timeout_scale,
		.program = program,
	};

	handle_ends(note_signal);
	signal(SIGPIPE, SIG_IGN);
	const char *trouble = stage_open(&judged);
	if (trouble)
		refuse("%s", trouble);

	double began = report_clock();
	int status = TROUBLE;
	if (start_worker(differ))
		status = await_worker();
	else
		complain("no process for the worker");
	stage_close();
	tell_end(differ, report_clock() - began);
	return status;
}

int diff_command(int argc, char **argv, const char *program)
{
	static struct differ differ;
	struct options options;
	struct sheet sheet = {0};

	parse_options(&options, argc, argv, diff_options);
	check_mechanisms(&options);
	if (!options.pair[0]) {
		options.pair[0] = implementations[0];
		options.pair[1] = implementations[implementations[1] ? 1 : 0];
	}
	if (!options.seeded)
		options.seed = random_seed();
	differ.options = &options;
	differ.score = mmap(NULL, sizeof(*differ.score), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (differ.score == MAP_FAILED)
		refuse("no memory for the score");
	leave_out(&differ);
	read_known(&differ);
	sheet_printf(&sheet, "%s and %s, seed %llu\n", options.pair[0]->name, options.pair[1]->name,
		     (unsigned long long)options.seed);
	choose_menus(&differ, &sheet);
	say(&sheet);
	if (differ.menu_count == 0)
		refuse("nothing to compare");
	int status = open_and_play(&differ, program);
	baseline_free(&differ.known);
	free(options.globs);
	return status;
}
