/* SPDX-License-Identifier: MIT */
/* ipcts bench: ratios of one run, as a table, as JSON, or as a picture. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"
#include "command/command.h"
#include "command/conclusion.h"
#include "stage/play.h"

enum format { TABLE, JSON, HTML };

enum code {
	CODE_IMPL = 256,
	CODE_ONLY,
	CODE_SIZE,
	CODE_REPETITIONS,
	CODE_TURN,
	CODE_SEED,
	CODE_FORMAT,
	CODE_OUTPUT,
	CODE_TARGETS,
	CODE_HELP
};

static const struct option options[] = {
	{"impl", required_argument, NULL, CODE_IMPL},
	{"only", required_argument, NULL, CODE_ONLY},
	{"size", required_argument, NULL, CODE_SIZE},
	{"repetitions", required_argument, NULL, CODE_REPETITIONS},
	{"turn", required_argument, NULL, CODE_TURN},
	{"seed", required_argument, NULL, CODE_SEED},
	{"format", required_argument, NULL, CODE_FORMAT},
	{"output", required_argument, NULL, CODE_OUTPUT},
	{"targets", no_argument, NULL, CODE_TARGETS},
	{"help", no_argument, NULL, CODE_HELP},
	{NULL, 0, NULL, 0},
};

enum { LIST_MAX = 16 };

static struct {
	const struct implementation *impls[LIST_MAX];
	const char *names[LIST_MAX]; /* of ways and solos */
	size_t sizes[LIST_MAX];
	size_t impl_count, name_count, size_count;
	unsigned long repetitions, milliseconds;
	unsigned long long seed;
	enum format format;
	const char *output;
	bool has_targets;
} wish;

/* -- what is wished ------------------------------------------------------------------------------
 */

static void parse_implementations(const char *list)
{
	for (const char *name = list;;) {
		size_t size = strcspn(name, ","), i = 0;

		while (implementations[i] && (strlen(implementations[i]->name) != size ||
					      strncmp(implementations[i]->name, name, size) != 0))
			i++;
		if (!implementations[i] || wish.impl_count == LIST_MAX - 1)
			refuse("bench --impl %s: no such implementations", list);
		wish.impls[wish.impl_count++] = implementations[i];
		if (!name[size])
			return;
		name += size + 1;
	}
}

static void parse_sizes(const char *list)
{
	char text[32];

	for (const char *number = list;;) {
		size_t size = strcspn(number, ",");

		if (wish.size_count == LIST_MAX || size >= sizeof(text))
			refuse("bench --size %s: too much", list);
		memcpy(text, number, size);
		text[size] = '\0';
		wish.sizes[wish.size_count++] =
			(size_t)number_of("bench", "size", text, 1, 1 << 26);
		if (!number[size])
			return;
		number += size + 1;
	}
}

static bool is_known(const char *name)
{
	for (size_t i = 0; ways[i]; i++)
		if (glob_matches(name, ways[i]->name))
			return true;
	for (size_t i = 0; solos[i]; i++)
		if (glob_matches(name, solos[i]->name))
			return true;
	return false;
}

static bool is_wanted(const char *name)
{
	for (size_t i = 0; i < wish.name_count; i++)
		if (glob_matches(wish.names[i], name))
			return true;
	return wish.name_count == 0;
}

static void parse_one(int code)
{
	switch (code) {
	case CODE_IMPL:
		parse_implementations(optarg);
		break;
	case CODE_ONLY:
		if (!is_known(optarg) || wish.name_count == LIST_MAX)
			refuse("bench --only %s: matches nothing that is measured", optarg);
		wish.names[wish.name_count++] = optarg;
		break;
	case CODE_SIZE:
		parse_sizes(optarg);
		break;
	case CODE_REPETITIONS:
		wish.repetitions = number_of("bench", "repetitions", optarg, 1, REPETITIONS_MAX);
		break;
	case CODE_TURN:
		wish.milliseconds = number_of("bench", "turn", optarg, 1, 60000);
		break;
	case CODE_SEED:
		wish.seed = number_of("bench", "seed", optarg, 0, -1ULL);
		break;
	case CODE_FORMAT:
		if (strcmp(optarg, "table") != 0 && strcmp(optarg, "json") != 0 &&
		    strcmp(optarg, "html") != 0)
			refuse("bench --format %s: not table, json or html", optarg);
		wish.format = optarg[0] == 't' ? TABLE : optarg[0] == 'j' ? JSON : HTML;
		break;
	case CODE_OUTPUT:
		wish.output = optarg;
		break;
	case CODE_TARGETS:
		wish.has_targets = true;
		break;
	default:
		print_help();
	}
}

static void parse(int argc, char **argv)
{
	static const size_t usual[] = {1, 64, 4096, 65536, 1 << 20};
	int code;

	wish.repetitions = 7;
	wish.milliseconds = 40;
	wish.seed = random_seed();
	opterr = 0;
	while ((code = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (code == ':')
			refuse("bench %s: needs an argument", argv[optind - 1]);
		if (code == '?')
			refuse("bench %s: unknown option, or not to be used so", argv[optind - 1]);
		parse_one(code);
	}
	if (optind < argc)
		refuse("bench %s: not an option", argv[optind]);
	if (!wish.impl_count)
		for (; implementations[wish.impl_count]; wish.impl_count++)
			wish.impls[wish.impl_count] = implementations[wish.impl_count];
	if (!wish.size_count) {
		memcpy(wish.sizes, usual, sizeof(usual));
		wish.size_count = sizeof(usual) / sizeof(usual[0]);
	}
}

/* -- what is said ---------------------------------------------------------------------------------
 */

static const char *title_of(const struct cell *cell, char text[96])
{
	static const char *const motions[] = {"round trip", "one way"};
	const char *where = cell->processors > 1 ? "two processors" : "one processor";

	if (cell->motion == ALONE)
		snprintf(text, 96, "%s, alone", cell->solo->name);
	else if (cell->motion == CONTENDED)
		snprintf(text, 96, "%s, two at it, %s", cell->solo->name, where);
	else
		snprintf(text, 96, "%s, %zu bytes, %s", motions[cell->motion], cell->size, where);
	return text;
}

static const char *name_of_runner(const struct cell *cell, const struct runner *runner,
				  char text[96])
{
	if (!runner->impl)
		snprintf(text, 96, "(%s)", limit_names[runner->limit]);
	else
		snprintf(text, 96, "%s %s", cell->solo ? cell->solo->name : runner->way->name,
			 runner->impl->name);
	return text;
}

static void say_table(struct sheet *sheet, const struct cell *cell, const struct runner *runners,
		      size_t count)
{
	char text[96];

	sheet_printf(sheet, "\n%-38s %12s %12s %9s  to %-6s\n", title_of(cell, text), "median ns",
		     "least ns", "to first", wish.impls[0]->name);
	for (size_t i = 0; i < count; i++) {
		const struct runner *r = &runners[i];

		sheet_printf(sheet, "  %-36s ", name_of_runner(cell, r, text));
		if (r->trouble) {
			sheet_printf(sheet, "%12s  ", "-");
			sheet_line(sheet, r->trouble);
			sheet_add(sheet, "\n");
			continue;
		}
		sheet_printf(sheet, "%12.0f %12.0f %9.3g", r->median, r->least, r->ratio);
		if (r->own_ratio > 0)
			sheet_printf(sheet, " %9.3g", r->own_ratio);
		else
			sheet_printf(sheet, " %9s", "");
		if (cell->motion == ONE_WAY)
			sheet_printf(sheet, "  %.3g GB/s", (double)cell->size / r->median);
		sheet_add(sheet, "\n");
	}
}

static void say_json(struct sheet *sheet, const struct cell *cell, const struct runner *runners,
		     size_t count)
{
	char text[96];

	for (size_t i = 0; i < count; i++) {
		const struct runner *r = &runners[i];

		sheet_add(sheet, "{\"cell\":");
		sheet_json(sheet, title_of(cell, text));
		sheet_printf(sheet, ",\"processors\":%u,\"size\":%zu,\"runner\":", cell->processors,
			     cell->size);
		sheet_json(sheet, name_of_runner(cell, r, text));
		if (r->trouble) {
			sheet_add(sheet, ",\"trouble\":");
			sheet_json(sheet, r->trouble);
		} else {
			sheet_printf(sheet,
				     ",\"median_ns\":%.1f,\"least_ns\":%.1f,\"ratio\":%.4g,\"own_"
				     "ratio\":%.4g,\"ns\":[",
				     r->median, r->least, r->ratio, r->own_ratio);
			for (unsigned n = 0; n < wish.repetitions; n++)
				sheet_printf(sheet, "%s%.1f", n ? "," : "", r->ns[n]);
			sheet_add(sheet, "]");
		}
		sheet_add(sheet, "}\n");
	}
}

/* Tenfold is as long everywhere: a bar's length is the logarithm. */
static double bar(double ns)
{
	double length = 0;

	for (; ns >= 10; ns /= 10)
		length += 70;
	return length + (ns > 1 ? (ns - 1) / 9 * 70 : 0) + 2;
}

static void say_html(struct sheet *sheet, const struct cell *cell, const struct runner *runners,
		     size_t count)
{
	char text[96];

	sheet_add(sheet, "<h2>");
	sheet_xml(sheet, title_of(cell, text));
	sheet_printf(sheet, "</h2><svg width='860' height='%zu'>\n", count * 22 + 4);
	for (size_t i = 0; i < count; i++) {
		const struct runner *r = &runners[i];
		size_t y = i * 22;

		sheet_printf(sheet, "<text x='0' y='%zu'>", y + 15);
		sheet_xml(sheet, name_of_runner(cell, r, text));
		sheet_add(sheet, "</text>");
		if (r->trouble) {
			sheet_printf(sheet, "<text x='210' y='%zu'>", y + 15);
			sheet_xml(sheet, r->trouble);
			sheet_add(sheet, "</text>\n");
			continue;
		}
		sheet_printf(sheet,
			     "<rect x='210' y='%zu' width='%.0f' height='18' fill='%s'/>"
			     "<text x='%.0f' y='%zu'>%.0f ns</text>\n",
			     y, bar(r->median),
			     !r->impl			? "#bbb"
			     : r->impl == wish.impls[0] ? "#4878a8"
							: "#d08030",
			     216 + bar(r->median), y + 15, r->median);
	}
	sheet_add(sheet, "</svg>\n");
}

static void say(struct sheet *sheet, const struct cell *cell, const struct runner *runners,
		size_t count)
{
	(wish.format == JSON   ? say_json
	 : wish.format == HTML ? say_html
			       : say_table)(sheet, cell, runners, count);
}

static void say_head(struct sheet *sheet)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "seed %llu, %lu repetitions of %lu ms in shuffled turns; a ratio is to the first "
		 "of its cell",
		 wish.seed, wish.repetitions, wish.milliseconds);
	if (wish.format == TABLE)
		sheet_printf(sheet, "%s\n", text);
	if (wish.format == HTML)
		sheet_printf(sheet,
			     "<!DOCTYPE html><meta charset='utf-8'><title>ipcts bench</title>"
			     "<style>body{font:14px sans-serif}</style>\n<p>%s; a bar ten times as "
			     "slow is one step longer.</p>\n",
			     text);
}

/* -- the whole ------------------------------------------------------------------------------------
 */

/* What has been said so far goes out at once: a run may be long. */
static void put_out(struct sheet *sheet, int fd)
{
	for (size_t done = 0; done < sheet->size;) {
		ssize_t n = write(fd, sheet->bytes + done, sheet->size - done);

		if (n < 0 && errno != EINTR)
			refuse("bench: %s: %s", wish.output ? wish.output : "standard output",
			       strerror(errno));
		if (n > 0)
			done += (size_t)n;
	}
	sheet_free(sheet);
	*sheet = (struct sheet){0};
}

static void run_cell(const struct bench *bench, const struct cell *cell, int fd)
{
	struct runner runners[RUNNERS_MAX];
	struct sheet sheet = {0};

	size_t count = measure(bench, cell, runners);

	conclusion_keep(cell, runners, count);
	say(&sheet, cell, runners, count);
	put_out(&sheet, fd);
}

static void say_line_of_table(void *to, const char *line)
{
	sheet_add(to, "  ");
	sheet_line(to, line);
	sheet_add(to, "\n");
}

static void say_line_of_json(void *to, const char *line)
{
	sheet_add(to, "{\"follows\":");
	sheet_json(to, line);
	sheet_add(to, "}\n");
}

static void say_line_of_html(void *to, const char *line)
{
	sheet_add(to, "<p>");
	sheet_xml(to, line);
	sheet_add(to, "</p>\n");
}

static void say_section(const char *title, void (*section)(say_line *say, void *to), int fd)
{
	struct sheet sheet = {0};

	if (wish.format == TABLE)
		sheet_printf(&sheet, "\n%s\n", title);
	if (wish.format == HTML)
		sheet_printf(&sheet, "<h2>%s</h2>\n", title);
	section(wish.format == JSON   ? say_line_of_json
		: wish.format == HTML ? say_line_of_html
				      : say_line_of_table,
		&sheet);
	put_out(&sheet, fd);
}

/* Those whose objects are files have them in a directory of this run, and in memory if they can. */
static void enter_own_directory(const char *program)
{
	static const char memory[] = "/dev/shm";
	struct stage_settings settings = {.implementation = wish.impls[0], .program = program};

	for (size_t i = 0; i < wish.impl_count; i++)
		if (wish.impls[i]->enter)
			settings.implementation = wish.impls[i];
	if (access(memory, W_OK | X_OK) == 0)
		setenv("TMPDIR", memory, 0);
	stage_open(&settings);
}

int bench_command(int argc, char **argv)
{
	struct sheet sheet = {0};
	int fd = STDOUT_FILENO;

	/* that is measured where the races are */
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--detection") == 0)
			return race_command(argc, argv);
	parse(argc, argv);
	if (wish.output) {
		fd = open(wish.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (fd < 0)
			refuse("bench --output %s: %s", wish.output, strerror(errno));
	}
	const struct bench bench = {wish.impls, is_wanted, (unsigned)wish.repetitions,
				    (double)wish.milliseconds / 1e3, wish.seed};

	enter_own_directory(argv[0]);
	say_head(&sheet);
	put_out(&sheet, fd);
	for (size_t i = 0; solos[i]; i++)
		if (is_wanted(solos[i]->name))
			run_cell(&bench, &(struct cell){ALONE, 1, 0, solos[i]}, fd);
	for (unsigned processors = 1; processors <= 2 && processors <= processors_here();
	     processors++)
		for (size_t i = 0; solos[i]; i++)
			if (solos[i]->is_shared && is_wanted(solos[i]->name))
				run_cell(&bench, &(struct cell){CONTENDED, processors, 0, solos[i]},
					 fd);
	for (unsigned processors = 1; processors <= 2 && processors <= processors_here();
	     processors++)
		for (size_t i = 0; i < wish.size_count; i++)
			for (enum motion motion = ROUND_TRIP; motion <= ONE_WAY; motion++)
				run_cell(&bench,
					 &(struct cell){motion, processors, wish.sizes[i], NULL},
					 fd);
	say_section("what follows", conclusion_say_what_follows, fd);
	if (wish.has_targets)
		say_section("targets of the reference: medians of this run", conclusion_say_targets,
			    fd);
	stage_close();
	return ALL_HELD;
}
