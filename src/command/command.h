/* SPDX-License-Identifier: MIT */
/* The command's parts: what it was asked for, the subcommands, and what it says besides reports. */
#ifndef IPCTS_COMMAND_COMMAND_H
#define IPCTS_COMMAND_COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/report.h"
#include "report/sheet.h"
#include "stage/runner.h"

/* Those that can be judged; the first is the default, NULL ends them. */
extern const struct implementation *const implementations[];

enum { ALL_HELD, SOMETHING_FAILED, TROUBLE };
enum { WISHES_MAX = 16, KNOWN_MAX = 16, WITHOUT_MAX = 64, STRESSED_MAX = 8 };

/* A format, and the file it is to be written to. */
struct wish {
	const struct reporter *reporter;
	const char *path; /* NULL: not said, which is standard output */
};

enum view {
	VIEW_MECHANISMS,
	VIEW_RULES,
	VIEW_TESTS,
	VIEW_UNTESTED,
	VIEW_UNTESTABLE,
	VIEW_COVERAGE,
	VIEW_LACKS
};

struct options {
	const struct implementation *implementation;
	struct selection selection;
	const char **globs; /* the selection's */
	unsigned jobs;
	bool seeded;
	uint64_t seed;
	double timeout_scale;
	unsigned adversaries;	      /* 1 << adversary, or'ed */
	const char *known[KNOWN_MAX]; /* baselines */
	size_t known_count;
	const char *resume;
	struct wish wishes[WISHES_MAX];
	size_t wish_count;
	enum view view;

	/* of fault */
	const char *mechanism, *kind; /* globs; NULL: all */
	const char *point, *replay, *at;
	bool every_point, smoke;
	void (*count_points)(struct tally *tally); /* NULL: there are none */

	/* of stress */
	const struct implementation *stressed[STRESSED_MAX];
	size_t stressed_count;
	unsigned long long operations;
	bool is_drawn;

	/* of diff: globs choose mechanisms */
	const struct implementation *pair[2];
	unsigned long long steps;
	int actors;
	const char *without[WITHOUT_MAX]; /* globs of operations */
	size_t without_count;
};

/* One line on standard error, whatever bytes the user gave. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, and the program ends with TROUBLE. */
_Noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Standard output gets the sheet, which is freed, or standard error a complaint: the exit status.
 */
int print(struct sheet *sheet);

extern const struct option run_options[], list_options[], explain_options[], diff_options[],
	fault_options[], stress_options[];
/* argv[0] is the subcommand's word; what is no option is a glob.  Refuses what makes no sense. */
void parse_options(struct options *options, int argc, char **argv, const struct option *known);
_Noreturn void print_help(void);
/* Chooses tests by name; borrowed. */
void add_glob(struct options *options, const char *glob);
/* From now on histories that can't be are drawn in this folder; refuses what is none. */
void draw_in(const char *folder);
/* A further report; refuses one too many. */
struct wish *add_wish(struct options *options, const struct reporter *reporter);

/* The subcommands: each returns the program's exit status. */
int run_command(int argc, char **argv, const char *program);
/* Plays what the options choose, as "ipcts COMMAND". */
int run_as_wished(struct options *options, const char *command, const char *program);
int list_command(int argc, char **argv);
int explain_command(int argc, char **argv, const char *program);
int diff_command(int argc, char **argv, const char *program);
int bench_command(int argc, char **argv);
int fault_command(int argc, char **argv);
int stress_command(int argc, char **argv, const char *program);
int explore_command(int argc, char **argv);
int litmus_command(int argc, char **argv);
int race_command(int argc, char **argv);

/* The number that the argument of a command's option is; any other is refused. */
uint64_t number_of(const char *command, const char *option, const char *text, uint64_t least,
		   uint64_t most);

/* A test's file from the tree's root, wherever it was built. */
const char *place_of(const struct test *test);
/* How many tests a rule has, each row of a table counted. */
size_t tests_of(enum rule_id rule);
/* Whether a rule, or a test, is among those chosen. */
bool is_listed(const struct selection *selection, enum grade grade, const char *name);
void list_coverage(struct sheet *sheet, const struct selection *selection);
/* A random number of 32 bits, easy to type again. */
uint64_t random_seed(void);

#endif
