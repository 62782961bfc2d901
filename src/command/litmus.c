/* SPDX-License-Identifier: MIT */
/*
 * ipcts litmus: shapes of the memory model, between processes over each kind of memory that they
 * share, and between threads; what was seen, and whether this machine may do that.
 */
#include "command/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "litmus/model.h"
#include "litmus/play.h"

enum { GLOBS_MAX = 64 };

enum litmus_code {
	CODE_MEMORY = 256,
	CODE_INSTANCES,
	CODE_SEED,
	CODE_MODEL,
	CODE_FORMAT,
	CODE_LIST,
	CODE_HELP
};

static const struct option litmus_options[] = {
	{"memory", required_argument, NULL, CODE_MEMORY},
	{"instances", required_argument, NULL, CODE_INSTANCES},
	{"seed", required_argument, NULL, CODE_SEED},
	{"model", required_argument, NULL, CODE_MODEL},
	{"format", required_argument, NULL, CODE_FORMAT},
	{"list", no_argument, NULL, CODE_LIST},
	{"help", no_argument, NULL, CODE_HELP},
	{NULL, 0, NULL, 0},
};

static struct {
	const char *shapes[GLOBS_MAX], *memories[GLOBS_MAX];
	size_t shape_count, memory_count;
	uint64_t instances, seed;
	enum model model;
	bool is_tap, is_list;
} wish;

/* -- what is wished --------------------------------------------------------------------------- */

static enum model parse_model(const char *name)
{
	for (int model = 0; model < MODELS; model++)
		if (strcmp(name, model_names[model]) == 0)
			return (enum model)model;
	refuse("litmus --model %s: not sc, tso, armv8, riscv or c11", name);
}

static void add_shapes(const char *glob)
{
	size_t i = 0;

	while (i < shape_count && !glob_matches(glob, shapes[i].name))
		i++;
	if (i == shape_count)
		refuse("litmus %s: matches no shape (ipcts litmus --list)", glob);
	if (wish.shape_count == GLOBS_MAX)
		refuse("litmus %s: too many shapes", glob);
	wish.shapes[wish.shape_count++] = glob;
}

static void add_memories(const char *glob)
{
	size_t i = 0;

	while (i < memory_kind_count && !glob_matches(glob, memory_kinds[i].name))
		i++;
	if (i == memory_kind_count)
		refuse("litmus --memory %s: matches no kind of memory (ipcts litmus --list)", glob);
	if (wish.memory_count == GLOBS_MAX)
		refuse("litmus --memory %s: too many kinds", glob);
	wish.memories[wish.memory_count++] = glob;
}

static void parse_one(int code)
{
	switch (code) {
	case CODE_MEMORY:
		add_memories(optarg);
		break;
	case CODE_INSTANCES:
		wish.instances = number_of("litmus", "instances", optarg, 1, UINT64_C(1) << 40);
		break;
	case CODE_SEED:
		wish.seed = number_of("litmus", "seed", optarg, 0, UINT64_MAX);
		break;
	case CODE_MODEL:
		wish.model = parse_model(optarg);
		break;
	case CODE_FORMAT:
		if (strcmp(optarg, "human") != 0 && strcmp(optarg, "tap") != 0)
			refuse("litmus --format %s: not human or tap", optarg);
		wish.is_tap = optarg[0] == 't';
		break;
	case CODE_LIST:
		wish.is_list = true;
		break;
	default:
		print_help();
	}
}

static void parse(int argc, char **argv)
{
	int code;

	wish.instances = 100000;
	wish.seed = random_seed();
	wish.model = model_here();
	opterr = 0;
	while ((code = getopt_long(argc, argv, ":h", litmus_options, NULL)) != -1) {
		if (code == ':')
			refuse("litmus %s: needs an argument", argv[optind - 1]);
		if (code == '?')
			refuse("litmus %s: unknown option, or not to be used so", argv[optind - 1]);
		parse_one(code);
	}
	while (optind < argc)
		add_shapes(argv[optind++]);
}

static bool is_wanted(const char *name, const char *const globs[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (glob_matches(globs[i], name))
			return true;
	return count == 0;
}

/* -- what is said ----------------------------------------------------------------------------- */

static void say(struct sheet *sheet)
{
	if (print(sheet) != ALL_HELD)
		exit(TROUBLE);
	*sheet = (struct sheet){0};
}

/* Which outcomes are as if one came after the other, and which others the model allows. */
struct grades {
	bool sequential[OUTCOMES], allowed[OUTCOMES];
};

static void find_grades(const struct shape *shape, struct grades *grades)
{
	model_outcomes(MODEL_SC, shape, grades->sequential);
	model_outcomes(wish.model, shape, grades->allowed);
}

/* As litmus7 has it: those forbidden have a star, those that are weak a tilde. */
static const char *mark_of(const struct grades *grades, unsigned state)
{
	return !grades->allowed[state] ? "*>" : !grades->sequential[state] ? "~>" : ":>";
}

static void say_histogram(const struct shape *shape, const struct grades *grades,
			  const struct played *played, enum actors actors, struct sheet *sheet)
{
	unsigned states = 0;

	for (unsigned state = 0; state < OUTCOMES; state++)
		states += played->counts[state] > 0;
	sheet_printf(sheet, "Histogram of %s (%u states)\n", actors_names[actors], states);
	for (unsigned state = 0; state < OUTCOMES; state++) {
		if (played->counts[state] == 0)
			continue;
		sheet_printf(sheet, "%-9" PRIu64 "%s", played->counts[state],
			     mark_of(grades, state));
		shape_say_outcome(shape, state, sheet);
		sheet_add(sheet, "\n");
	}
}

/* A shape over a kind of memory, by processes and by threads. */
struct cell {
	const struct shape *shape;
	const struct memory_kind *kind;
	struct grades grades;
	struct played played[ACTORS];
	uint64_t forbidden[ACTORS], weak[ACTORS];
	const char *trouble;
	bool is_broken;
};

static void play_cell(struct cell *cell)
{
	for (int actors = 0; actors < ACTORS && !cell->trouble; actors++) {
		struct played *played = &cell->played[actors];

		play_shape(cell->shape, cell->kind, (enum actors)actors, wish.instances, wish.seed,
			   played);
		if (played->trouble[0]) {
			cell->trouble = played->trouble;
			cell->is_broken = played->is_broken;
		}
		for (unsigned state = 0; state < OUTCOMES; state++) {
			if (!cell->grades.allowed[state])
				cell->forbidden[actors] += played->counts[state];
			else if (!cell->grades.sequential[state])
				cell->weak[actors] += played->counts[state];
		}
	}
}

static bool has_failed(const struct cell *cell)
{
	return cell->forbidden[BY_PROCESSES] > 0 || cell->forbidden[BY_THREADS] > 0;
}

static void say_failure(const struct cell *cell, struct sheet *sheet)
{
	bool both = cell->forbidden[BY_PROCESSES] && cell->forbidden[BY_THREADS];

	sheet_printf(sheet,
		     "%s forbids what is starred, and it was seen %s: %" PRIu64
		     " times by processes, %" PRIu64 " by threads\n",
		     model_names[wish.model],
		     both ? "by both"
		     : cell->forbidden[BY_PROCESSES]
			     ? "by processes only, so that it's their memory's fault"
			     : "by threads only",
		     cell->forbidden[BY_PROCESSES], cell->forbidden[BY_THREADS]);
	sheet_printf(sheet, "again: ipcts litmus ");
	sheet_shell(sheet, cell->shape->name);
	sheet_printf(sheet, " --memory %s --model %s --instances %" PRIu64 " --seed %" PRIu64 "\n",
		     cell->kind->name, model_names[wish.model], wish.instances, wish.seed);
}

static void say_cell_details(const struct cell *cell, struct sheet *sheet)
{
	for (int actors = 0; actors < ACTORS; actors++)
		say_histogram(cell->shape, &cell->grades, &cell->played[actors],
			      (enum actors)actors, sheet);
	if (has_failed(cell))
		say_failure(cell, sheet);
}

static void say_cell_for_people(const struct cell *cell)
{
	struct sheet sheet = {0};

	sheet_printf(&sheet, "\nTest %s over %s: %s\n", cell->shape->name, cell->kind->name,
		     cell->shape->text);
	shape_say(cell->shape, "  ", &sheet);
	if (cell->trouble) {
		sheet_add(&sheet, cell->is_broken ? "trouble: " : "skipped: ");
		sheet_line(&sheet, cell->trouble);
		sheet_add(&sheet, "\n");
	} else {
		say_cell_details(cell, &sheet);
		sheet_add(&sheet, has_failed(cell) ? "No\n" : "Ok\n");
	}
	say(&sheet);
}

static void say_cell_as_tap(const struct cell *cell, size_t number)
{
	struct sheet sheet = {0}, details = {0};

	sheet_printf(&sheet, "%sok %zu - %s/%s: %s",
		     has_failed(cell) || cell->is_broken ? "not " : "", number, cell->shape->name,
		     cell->kind->name, cell->shape->text);
	if (cell->trouble) {
		sheet_add(&sheet, cell->is_broken ? "\n# harness error: " : " # SKIP ");
		sheet_line(&sheet, cell->trouble);
	}
	sheet_add(&sheet, "\n");
	if (!cell->trouble) {
		say_cell_details(cell, &details);
		if (details.error)
			sheet.error = details.error;
		else
			sheet_lines(&sheet, "#   ", details.bytes);
	}
	sheet_free(&details);
	say(&sheet);
}

/* -- the list --------------------------------------------------------------------------------- */

/* Which weak outcomes the models allow: those that differ from what comes one after the other. */
static void say_shape(const struct shape *shape, struct sheet *sheet)
{
	bool allowed[MODELS][OUTCOMES];
	unsigned possible = 1u << shape_observed(shape) * VALUE_BITS;

	for (int model = 0; model < MODELS; model++)
		model_outcomes((enum model)model, shape, allowed[model]);
	sheet_printf(sheet, "%s: %s\n", shape->name, shape->text);
	shape_say(shape, "  ", sheet);
	for (unsigned state = 0; state < possible; state++) {
		bool is_weak = !allowed[MODEL_SC][state] && allowed[MODEL_C11][state];

		if (!is_weak)
			continue;
		sheet_add(sheet, "  weak: ");
		shape_say_outcome(shape, state, sheet);
		sheet_add(sheet, " allowed by");
		for (int model = 0; model < MODELS; model++)
			if (allowed[model][state])
				sheet_printf(sheet, " %s", model_names[model]);
		sheet_add(sheet, "\n");
	}
}

static int list(void)
{
	struct sheet sheet = {0};

	for (size_t i = 0; i < shape_count; i++)
		if (is_wanted(shapes[i].name, wish.shapes, wish.shape_count))
			say_shape(&shapes[i], &sheet);
	sheet_add(&sheet, "memory:\n");
	for (size_t i = 0; i < memory_kind_count; i++)
		if (is_wanted(memory_kinds[i].name, wish.memories, wish.memory_count))
			sheet_printf(&sheet, "  %s: %s\n", memory_kinds[i].name,
				     memory_kinds[i].text);
	return print(&sheet);
}

/* -- the run ---------------------------------------------------------------------------------- */

struct total {
	size_t cells, failed, skipped, broken, weak;
	uint64_t instances;
	double seconds;
};

static void count_cell(const struct cell *cell, struct total *total)
{
	total->cells++;
	total->broken += cell->is_broken;
	total->skipped += cell->trouble && !cell->is_broken;
	total->failed += has_failed(cell);
	total->weak += cell->weak[BY_PROCESSES] || cell->weak[BY_THREADS];
	for (int actors = 0; actors < ACTORS; actors++) {
		total->instances += cell->played[actors].instances;
		total->seconds += cell->played[actors].seconds;
	}
}

static void say_total(const struct total *total)
{
	struct sheet sheet = {0};

	sheet_printf(&sheet,
		     "%s%zu cells, %zu failed, %zu skipped; weak outcomes that %s allows in %zu; "
		     "%.0f instances a second\n",
		     wish.is_tap ? "# " : "\n", total->cells, total->failed, total->skipped,
		     model_names[wish.model], total->weak,
		     total->seconds > 0 ? (double)total->instances / total->seconds : 0.0);
	say(&sheet);
}

static void say_head(void)
{
	struct sheet sheet = {0};
	size_t shapes_wanted = 0, kinds_wanted = 0;

	for (size_t i = 0; i < shape_count; i++)
		shapes_wanted += is_wanted(shapes[i].name, wish.shapes, wish.shape_count);
	for (size_t i = 0; i < memory_kind_count; i++)
		kinds_wanted += is_wanted(memory_kinds[i].name, wish.memories, wish.memory_count);
	if (wish.is_tap)
		sheet_printf(&sheet, "TAP version 13\n1..%zu\n# ", shapes_wanted * kinds_wanted);
	sheet_printf(&sheet,
		     "ipcts litmus: model %s, %" PRIu64 " instances each, seed %" PRIu64 "\n",
		     model_names[wish.model], wish.instances, wish.seed);
	say(&sheet);
}

int litmus_command(int argc, char **argv)
{
	static struct cell cell;
	struct total total = {0};

	parse(argc, argv);
	if (wish.is_list)
		return list();
	say_head();
	for (size_t i = 0; i < shape_count; i++) {
		if (!is_wanted(shapes[i].name, wish.shapes, wish.shape_count))
			continue;
		for (size_t j = 0; j < memory_kind_count; j++) {
			if (!is_wanted(memory_kinds[j].name, wish.memories, wish.memory_count))
				continue;
			cell = (struct cell){.shape = &shapes[i], .kind = &memory_kinds[j]};
			find_grades(cell.shape, &cell.grades);
			play_cell(&cell);
			count_cell(&cell, &total);
			if (wish.is_tap)
				say_cell_as_tap(&cell, total.cells);
			else
				say_cell_for_people(&cell);
		}
	}
	say_total(&total);
	return total.broken ? TROUBLE : total.failed ? SOMETHING_FAILED : ALL_HELD;
}
