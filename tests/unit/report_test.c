/* SPDX-License-Identifier: MIT */
/* The reports: what nobody may forge, what a crash or a full disk leaves, what counts as what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/baseline.h"
#include "report/platform.h"
#include "report/report.h"
#include "report/resume.h"
#include "report/sheet.h"

/* -- a plan of four, and a file ------------------------------------------------------------------
 */

static const struct rule flows = {MECHANISM_pipe, SHALL, "pipe.flows", "pipe", "Data # flows.", ""};
static const struct rule talks = {MECHANISM_pipe, MAY, "pipe.talks", "pipe", "It may talk.", ""};
static const struct rule wakes = {MECHANISM_mq, LINUX, "mq.wakes", "mq(7)", "All are woken.", ""};

enum { FLOWS, TALKS, WAKES, WAKES_ROW, COUNT };

static struct planned planned[COUNT];
static struct result results[COUNT];
static struct tally tally;
static const struct plan plan = {
	.tests = planned,
	.count = COUNT,
	.version = "1.0",
	.implementation = "posix",
	.again = "ipcts run",
	.seed = 7,
	.timeout_scale = 1,
	.jobs = 2,
	.shard = 1,
	.shards = 1,
};

static char directory[256], path[300];

static int set_up(void **state)
{
	(void)state;
	planned[FLOWS] = (struct planned){.name = "pipe.flows", .rule = &flows};
	planned[TALKS] = (struct planned){.name = "pipe.talks", .rule = &talks};
	planned[WAKES] = (struct planned){.name = "mq.wakes", .rule = &wakes};
	planned[WAKES_ROW] = (struct planned){.name = "mq.wakes/a row", .rule = &wakes};
	memset(results, 0, sizeof(results));
	for (int i = 0; i < COUNT; i++)
		results[i].verdict = PASS;
	tally = (struct tally){.planned = COUNT};
	unlink(path);
	return 0;
}

static int make_directory(void **state)
{
	const char *parent = getenv("TMPDIR");

	(void)state;
	snprintf(directory, sizeof(directory), "%s/ipcts-report-XXXXXX", parent ? parent : "/tmp");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/report", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void set(int number, enum verdict verdict, const char *message, const char *transcript)
{
	strcpy(results[number].message, message);
	strcpy(results[number].transcript, transcript);
	results[number].verdict = verdict;
}

static struct report *begin_report(const struct reporter *reporter)
{
	struct report *report = report_new(reporter, path, false);

	assert_non_null(report);
	report_open(report, &plan);
	return report;
}

static void tell(struct report *report, int number)
{
	if (report_as_plays(report))
		report_turn(report, (size_t)number, &results[number], COUNT);
	else
		report_result(report, (size_t)number, &results[number]);
	tally_add(&tally, &planned[number], &results[number]);
}

/* The file as it is; to be freed. */
static char *content(void)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	assert_true(file >= 0);
	assert_int_equal(fstat(file, &status), 0);
	char *text = calloc(1, (size_t)status.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(file, text, (size_t)status.st_size), status.st_size);
	close(file);
	return text;
}

static void write_file(const char *bytes, size_t size)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(file >= 0);
	assert_int_equal(write(file, bytes, size), size);
	close(file);
}

/* Everything told in this format, in the plan's order. */
static char *whole(const struct reporter *reporter)
{
	struct report *report = begin_report(reporter);

	for (int i = 0; i < COUNT; i++)
		tell(report, i);
	assert_int_equal(report_close(report, &tally), 0);
	return content();
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" in:\n%s", part, text);
}

/* How many lines begin so. */
static size_t lines_with(const char *text, const char *beginning)
{
	size_t count = 0;

	for (const char *line = text; *line; line++) {
		count += strncmp(line, beginning, strlen(beginning)) == 0;
		line = strchr(line, '\n');
		if (!line)
			break;
	}
	return count;
}

/* -- text of others ------------------------------------------------------------------------------
 */

static void text_of_others_is_tamed(void **state)
{
	static const struct {
		void (*add)(struct sheet *sheet, const char *text);
		const char *text, *tamed;
	} rows[] = {
		{sheet_line, "a\nb\tc\rd", "a b c d"},
		{sheet_line, "\033[31mred\177", "?[31mred?"},
		{sheet_line, "\303\244\342\202\254\360\237\230\200",
		 "\303\244\342\202\254\360\237\230\200"},
		{sheet_line, "\377\303", "??"},
		{sheet_line, "\300\257", "??"},	     /* overlong '/' */
		{sheet_line, "\355\240\200", "???"}, /* half of a surrogate pair */
		{sheet_line, "\302\205x", "?x"},     /* next line */
		{sheet_line, "\342\200\250x", "?x"}, /* line separator */
		{sheet_line, "\342\200\256x", "?x"}, /* right-to-left override */
		{sheet_json, "a\"b\\c\nd\te\001", "\"a\\\"b\\\\c\\nd\\te\\u0001\""},
		{sheet_json, "\377", "\"\\ufffd\""},
		{sheet_xml, "<a b='c'>&\"\n\t\001\377",
		 "&lt;a b=&apos;c&apos;&gt;&amp;&quot;&#10;&#9;?"},
		{sheet_xml_lines, "a\n]]>\033", "a\n]]&gt;"},
		{sheet_xml, "\357\277\277", ""}, /* no character of XML */
		{sheet_shell, "mq.a/b", "mq.a/b"},
		{sheet_shell, "a b", "'a b'"},
		{sheet_shell, "a'b;$(c)", "'a'\\''b;$(c)'"},
		{sheet_shell, "", "''"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sheet sheet = {0};

		rows[i].add(&sheet, rows[i].text);
		assert_string_equal(sheet.bytes ? sheet.bytes : "", rows[i].tamed);
		sheet_free(&sheet);
	}
}

static void lines_of_others_have_a_prefix_each(void **state)
{
	struct sheet sheet = {0};

	(void)state;
	sheet_lines(&sheet, "# ", "one\n\nok 2\nlast");
	assert_string_equal(sheet.bytes, "# one\n# \n# ok 2\n# last\n");
	sheet_free(&sheet);
}

/* -- globs and baselines --------------------------------------------------------------------------
 */

static void a_glob_matches_test_rule_or_mechanism(void **state)
{
	static const struct {
		const char *glob, *test;
		bool matches;
	} rows[] = {
		{"mq.wakes", "mq.wakes", true},	   {"mq.wakes", "mq.wakes/row", true},
		{"mq", "mq.wakes/row", true},	   {"mq.*", "mq.wakes/row", true},
		{"*/row", "mq.wakes/row", true},   {"*", "mq.wakes", true},
		{"mq.wake", "mq.wakes", false},	   {"m", "mq.wakes", false},
		{"wakes", "mq.wakes", false},	   {"mq.wakes/r", "mq.wakes/row", false},
		{"", "mq.wakes", false},	   {"mq.wakes/[x]", "mq.wakes/[x]", true},
		{"[mp]*.wakes", "mq.wakes", true}, {"MQ", "mq.wakes", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (glob_matches(rows[i].glob, rows[i].test) != rows[i].matches)
			fail_msg("\"%s\" and \"%s\"", rows[i].glob, rows[i].test);
}

static void a_baseline_says_what_is_known_and_why(void **state)
{
	static const char text[] = "# comment\n\n"
				   "  mq.wakes/a*  \t no wakeups here  \r\n"
				   "mq.* other # reason\n"
				   "pipe because";
	struct baseline baseline = {0};
	char complaint[COMPLAINT_MAX];

	(void)state;
	write_file(text, sizeof(text) - 1);
	assert_true(baseline_read(&baseline, path, complaint));
	assert_int_equal(baseline.count, 3);
	assert_int_equal(baseline.deviations[0].line, 3);
	assert_string_equal(baseline_reason(&baseline, "mq.wakes/a row"), "no wakeups here");
	assert_string_equal(baseline_reason(&baseline, "mq.wakes"), "other # reason");
	assert_string_equal(baseline_reason(&baseline, "pipe.flows"), "because");
	assert_null(baseline_reason(&baseline, "sem.posts"));
	baseline_free(&baseline);
}

static void a_malformed_baseline_is_refused_by_line(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *complaint;
	} rows[] = {
		{"mq.wakes\n", 9, ":1: no reason"},
		{"# c\nmq.wakes   \n", 16, ":2: no reason"},
		{"mq a\0b\n", 7, ":1: a NUL byte"},
		{"ok ok\nmq \033[31m\n", 15, ":2: a control character"},
	};
	struct baseline baseline = {0};
	char complaint[COMPLAINT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(rows[i].text, rows[i].size);
		assert_false(baseline_read(&baseline, path, complaint));
		assert_has(complaint, rows[i].complaint);
		assert_has(complaint, path);
		assert_null(baseline.deviations);
	}
	assert_false(baseline_read(&baseline, directory, complaint));
	assert_has(complaint, directory);
	unlink(path);
	assert_false(baseline_read(&baseline, path, complaint));
	assert_has(complaint, strerror(ENOENT));
}

/* -- what counts as what -------------------------------------------------------------------------
 */

static void a_verdict_has_its_fate(void **state)
{
	(void)state;
	assert_int_equal(fate_of(&planned[FLOWS], &results[FLOWS]), PASSED);
	set(FLOWS, FAIL, "", "");
	assert_int_equal(fate_of(&planned[FLOWS], &results[FLOWS]), FAILED);
	planned[FLOWS].known = "so it is";
	assert_int_equal(fate_of(&planned[FLOWS], &results[FLOWS]), KNOWN);
	set(FLOWS, PASS, "", "");
	assert_int_equal(fate_of(&planned[FLOWS], &results[FLOWS]), SURPRISED);
	set(FLOWS, ERROR, "", "");
	assert_int_equal(fate_of(&planned[FLOWS], &results[FLOWS]), BROKEN);
	set(FLOWS, NONE, "", "");
	assert_int_equal(fate_of(&planned[FLOWS], &results[FLOWS]), BROKEN);
	set(FLOWS, SKIP, "", "");
	assert_int_equal(fate_of(&planned[FLOWS], &results[FLOWS]), SKIPPED);
	set(TALKS, FAIL, "", "");
	assert_int_equal(fate_of(&planned[TALKS], &results[TALKS]), KNOWN);
	set(TALKS, PASS, "", "");
	assert_int_equal(fate_of(&planned[TALKS], &results[TALKS]), PASSED);
}

static void add_all(void)
{
	tally = (struct tally){.planned = COUNT};
	for (int i = 0; i < COUNT; i++)
		tally_add(&tally, &planned[i], &results[i]);
}

static void a_status_is_the_worst_of_all(void **state)
{
	(void)state;
	add_all();
	assert_int_equal(tally_status(&tally), 0);
	set(TALKS, FAIL, "", ""); /* MAY */
	set(WAKES, SKIP, "absent", "");
	add_all();
	assert_int_equal(tally_status(&tally), 0);
	set(FLOWS, FAIL, "", "");
	add_all();
	assert_int_equal(tally_status(&tally), 1);
	set(WAKES, ERROR, "", "");
	add_all();
	assert_int_equal(tally_status(&tally), 2);
	tally.interrupted = 15;
	assert_int_equal(tally_status(&tally), 143);
}

static void one_result_too_few_is_no_success(void **state)
{
	(void)state;
	tally = (struct tally){.planned = COUNT};
	for (int i = 0; i < COUNT - 1; i++)
		tally_add(&tally, &planned[i], &results[i]);
	assert_int_equal(tally_status(&tally), 2);
}

/* -- TAP -----------------------------------------------------------------------------------------
 */

static void tap_has_the_plan_first_and_one_line_a_test(void **state)
{
	char *text = whole(&tap_reporter);

	(void)state;
	assert_ptr_equal(strstr(text, "TAP version 13\n1..4\n"), text);
	assert_has(text, "\nok 1 - pipe.flows: Data \\# flows.\n");
	assert_has(text, "\nok 4 - mq.wakes/a row: All are woken.\n");
	assert_int_equal(lines_with(text, "ok "), COUNT);
	free(text);
}

static void tap_holds_what_comes_too_early(void **state)
{
	struct report *report = begin_report(&tap_reporter);
	char *text;

	(void)state;
	tell(report, WAKES);
	tell(report, TALKS);
	text = content();
	assert_int_equal(lines_with(text, "ok "), 0);
	free(text);

	tell(report, FLOWS);
	text = content();
	assert_int_equal(lines_with(text, "ok "), 3);
	assert_true(strstr(text, "ok 1 ") < strstr(text, "ok 2 "));
	assert_true(strstr(text, "ok 2 ") < strstr(text, "ok 3 "));
	free(text);
	tell(report, WAKES_ROW);
	assert_int_equal(report_close(report, &tally), 0);
}

static void tap_tells_a_failure_as_a_story(void **state)
{
	set(WAKES_ROW, FAIL, "bob: mq.receive never returned", "   0.021  alice  begins\n");
	char *text = whole(&tap_reporter);

	(void)state;
	assert_has(text, "\nnot ok 4 - mq.wakes/a row: All are woken.\n"
			 "#      0.021  alice  begins\n"
			 "#   bob: mq.receive never returned\n"
			 "#   again: ipcts run --only 'mq.wakes/a row' --seed 7\n");
	free(text);
}

static void tap_cannot_be_forged(void **state)
{
	set(FLOWS, FAIL, "bad\nok 1 - forged\r\nok 2",
	    "line\nok 3 - forged\n1..9\nBail out!\n\033[2J");
	set(WAKES, SKIP, "none\nok 4 - forged # TODO x", "");
	set(WAKES_ROW, ERROR, "worse\nnot ok 9", "ok 5");
	char *text = whole(&tap_reporter);

	(void)state;
	assert_int_equal(lines_with(text, "ok "), 2);
	assert_int_equal(lines_with(text, "not ok "), 2);
	assert_int_equal(lines_with(text, "1.."), 1);
	assert_int_equal(lines_with(text, "Bail"), 0);
	assert_has(text,
		   "\nok 3 - mq.wakes: All are woken. # SKIP none ok 4 - forged \\# TODO x\n");
	assert_has(text, "\n# harness error: worse\n");
	assert_null(strchr(text, '\033'));
	free(text);
}

static void tap_tells_what_is_known(void **state)
{
	planned[FLOWS].known = "no # data";
	planned[WAKES].known = "stale";
	set(FLOWS, FAIL, "nothing came", "");
	char *text = whole(&tap_reporter);

	(void)state;
	assert_has(text, "\nnot ok 1 - pipe.flows: Data \\# flows. # TODO no \\# data\n");
	assert_has(text,
		   "\nok 3 - mq.wakes: All are woken.\n# unexpectedly passes; known: stale\n");
	free(text);
}

static void tap_of_a_run_cut_short_says_so(void **state)
{
	struct report *report = begin_report(&tap_reporter);

	(void)state;
	tell(report, FLOWS);
	tell(report, WAKES);
	tally.interrupted = 2;
	assert_int_equal(report_close(report, &tally), 0);

	char *text = content();
	assert_has(text, "\nok 3 - ");
	assert_has(text, "\nBail out! ");
	free(text);
}

/* -- JUnit ----------------------------------------------------------------------------------------
 */

/* What a parser asks first: every element that is opened is closed, in order, and there's one root.
 */
static void assert_well_formed(const char *text)
{
	char open_elements[16][32];
	size_t depth = 0, roots = 0;

	assert_ptr_equal(strstr(text, "<?xml"), text);
	for (const char *s = strchr(text + 1, '<'); s; s = strchr(s, '<')) {
		const char *end = strchr(s, '>');
		bool closing = s[1] == '/';

		assert_non_null(end);
		s += closing ? 2 : 1;
		size_t size = strcspn(s, " />");
		assert_true(size < sizeof(open_elements[0]) && depth < 16);
		if (closing) {
			assert_true(depth > 0);
			assert_memory_equal(open_elements[--depth], s, size);
			assert_int_equal(open_elements[depth][size], '\0');
		} else if (end[-1] != '/') {
			roots += depth == 0;
			snprintf(open_elements[depth++], sizeof(open_elements[0]), "%.*s",
				 (int)size, s);
		}
		s = end;
	}
	assert_int_equal(depth, 0);
	assert_int_equal(roots, 1);
	for (const char *s = text; *s; s++)
		assert_true((unsigned char)*s >= ' ' || *s == '\n' || *s == '\t');
}

static void assert_file_well_formed(void)
{
	char *text = content();

	assert_well_formed(text);
	free(text);
}

static void set_all_kinds(void)
{
	set(FLOWS, FAIL, "a <b> & \"c\" \001", "]]> </testsuite>\n\033[31m <evil>\n");
	set(TALKS, FAIL, "talks", "<story>\n");
	set(WAKES, SKIP, "not <here>", "");
	set(WAKES_ROW, ERROR, "broken > whole", "");
}

static void junit_is_well_formed_after_every_record(void **state)
{
	(void)state;
	set_all_kinds();
	struct report *report = begin_report(&junit_reporter);
	assert_file_well_formed();
	for (int i = 0; i < COUNT; i++) {
		tell(report, i);
		assert_file_well_formed();
	}
	assert_int_equal(report_close(report, &tally), 0);
	assert_file_well_formed();

	char *text = content();
	assert_has(text, "tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"2\"");
	assert_has(text, "<testcase classname=\"ipcts.mq\" name=\"mq.wakes/a row\"");
	assert_has(text, "message=\"a &lt;b&gt; &amp; &quot;c&quot; \"");
	free(text);
}

static void junit_tells_what_was_never_seen(void **state)
{
	struct report *report = begin_report(&junit_reporter);

	(void)state;
	tell(report, FLOWS);
	assert_int_equal(report_close(report, &tally), 0);
	assert_file_well_formed();
	char *text = content();
	assert_has(text, "tests=\"4\" failures=\"0\" errors=\"3\"");
	assert_has(text, "<error type=\"unseen\"");
	free(text);
}

/* -- JSON Lines and going on
 * ----------------------------------------------------------------------- */

static void json_is_one_line_a_record(void **state)
{
	set_all_kinds();
	char *text = whole(&json_reporter);

	(void)state;
	assert_int_equal(lines_with(text, "{\"ipcts\":\"1.0\","), 1);
	assert_int_equal(lines_with(text, "{\"name\":"), COUNT);
	assert_int_equal(lines_with(text, "{\"summary\":"), 1);
	assert_int_equal(lines_with(text, "{"), COUNT + 2);
	assert_has(text, "\"seed\":\"7\"");
	assert_has(text, "\"message\":\"a <b> & \\\"c\\\" \\u0001\"");
	assert_has(text, "\"known\":\"MAY: recorded, never failed\"");
	free(text);
}

static void json_is_on_disk_turn_by_turn(void **state)
{
	struct report *report = begin_report(&json_reporter);
	char *text;

	(void)state;
	assert_true(report_as_plays(report));
	report_turn(report, COUNT, NULL, FLOWS);
	text = content();
	assert_has(text, "\n{\"start\":\"pipe.flows\"}\n");
	free(text);

	report_turn(report, FLOWS, &results[FLOWS], TALKS);
	text = content();
	assert_has(text, "{\"name\":\"pipe.flows\"");
	assert_has(text, "\n{\"start\":\"pipe.talks\"}\n");
	free(text);
	assert_int_equal(report_close(report, &tally), 0);
}

static void what_was_told_is_read_back(void **state)
{
	char complaint[COMPLAINT_MAX];
	struct resume resume;

	(void)state;
	set(FLOWS, FAIL, "a \"b\" \\ \303\244 \342\202\254", "one\ttab\n\033two\n");
	results[FLOWS].how = HOW_HANG;
	results[FLOWS].seconds = 1.5;
	free(whole(&json_reporter));

	assert_true(resume_read(&resume, path, complaint));
	assert_string_equal(resume.implementation, "posix");
	assert_int_equal(resume.seed, 7);
	assert_int_equal(resume.count, COUNT);
	const struct memory *memory = resume_find(&resume, "pipe.flows");
	assert_true(memory->ended && !memory->started);
	assert_int_equal(memory->result->verdict, FAIL);
	assert_int_equal(memory->result->how, HOW_HANG);
	assert_true(memory->result->seconds > 1.49 && memory->result->seconds < 1.51);
	assert_string_equal(memory->result->message, results[FLOWS].message);
	assert_string_equal(memory->result->transcript, results[FLOWS].transcript);
	assert_null(resume_find(&resume, "mq.other"));
	resume_free(&resume);
}

/* A report on disk whose run ended in the middle, and what follows its last good line. */
static void write_cut_short(const char *tail, size_t size)
{
	struct report *report = begin_report(&json_reporter);

	report_turn(report, COUNT, NULL, FLOWS);
	report_turn(report, FLOWS, &results[FLOWS], TALKS);
	report_turn(report, COUNT, NULL, WAKES);
	report_abandoned(report, WAKES);
	assert_int_equal(close(report->fd), 0);
	report->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(report->fd, tail, size), size);
	report->error = EIO; /* no summary */
	report_close(report, &tally);
}

static void a_crash_names_what_was_running(void **state)
{
	static const struct {
		const char *tail;
		size_t size;
	} tails[] = {
		{"", 0},
		{"{\"name\":\"pipe.talks\",\"verd", 26},
		{"\0\0\0\0\0\0", 6},
		{"\0\0\0\n\0\0", 6},
		{"{\"name\":\"pipe.talks\"", 20},
	};
	char complaint[COMPLAINT_MAX];
	struct resume resume;
	struct stat status;

	(void)state;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		unlink(path);
		write_cut_short(tails[i].tail, tails[i].size);
		if (!resume_read(&resume, path, complaint))
			fail_msg("%s", complaint);
		assert_true(resume_find(&resume, "pipe.flows")->ended);
		assert_true(resume_find(&resume, "pipe.talks")->started);
		assert_false(resume_find(&resume, "mq.wakes")->started);
		assert_null(resume_find(&resume, "mq.wakes/a row"));
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(resume.good, status.st_size - (off_t)tails[i].size);
		resume_free(&resume);
	}
}

static void what_is_no_report_is_refused_by_line(void **state)
{
	static const struct {
		const char *text, *complaint;
	} rows[] = {
		{"", ":1: not the header"},
		{"TAP version 13\n", ":1: not the header"},
		{"{\"name\":\"a\",\"verdict\":\"pass\"}\n", ":1: not the header"},
		{"{\"ipcts\":\"1\",\"implementation\":\"p\"}\n", ":1: a header without"},
		{"{\"ipcts\":\"1\",\"implementation\":\"p\",\"seed\":\"x\"}\n",
		 ":1: a header without"},
		{"{\"ipcts\":\"1\",\"implementation\":\"p\",\"seed\":\"1\"}\nrubbish\n{\"start\":"
		 "\"a\"}\n",
		 ":2: not a line of JSON"},
		{"{\"ipcts\":\"1\",\"implementation\":\"p\",\"seed\":\"1\"}\n{\"name\":\"a\"}\n",
		 ":2: a result without"},
		{"{\"ipcts\":\"1\",\"implementation\":\"p\",\"seed\":\"1\"}\n{\"x\":[1,{\"y\":"
		 "\"z\"}]}\n",
		 ":2: neither"},
	};
	char complaint[COMPLAINT_MAX];
	struct resume resume;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(rows[i].text, strlen(rows[i].text));
		assert_false(resume_read(&resume, path, complaint));
		assert_has(complaint, rows[i].complaint);
	}
	assert_false(resume_read(&resume, directory, complaint));
	assert_has(complaint, directory);
}

static void a_report_gone_on_with_tells_nothing_twice(void **state)
{
	(void)state;
	write_cut_short("", 0);
	struct report *report = report_new(&json_reporter, path, true);
	assert_non_null(report);
	report_open(report, &plan);
	report_resumed(report, FLOWS, &results[FLOWS]);
	report_turn(report, TALKS, &results[TALKS], COUNT);
	assert_int_equal(report_close(report, &tally), 0);

	char *text = content();
	assert_int_equal(lines_with(text, "{\"ipcts\":"), 2);
	assert_int_equal(lines_with(text, "{\"name\":\"pipe.flows\""), 1);
	assert_int_equal(lines_with(text, "{\"name\":\"pipe.talks\""), 1);
	free(text);
}

/* -- for people
 * ------------------------------------------------------------------------------------ */

static void the_last_line_counts(void **state)
{
	set_all_kinds();
	char *text = whole(&human_reporter);

	(void)state;
	assert_has(text, "\n0 passed, 2 failed, 1 skipped\n");
	assert_string_equal(strstr(text, "\n0 passed, 2"), "\n0 passed, 2 failed, 1 skipped\n");
	assert_has(text, "again: ipcts run --only pipe.flows --seed 7\n");
	assert_has(text, "    harness error: broken > whole\n");
	assert_null(strchr(text, '\033'));
	free(text);
}

static void a_screen_tells_which_rules_hold(void **state)
{
	set(WAKES_ROW, FAIL, "asleep", "");
	set(TALKS, SKIP, "silent", "");
	char *text = whole(&human_reporter);

	(void)state;
	assert_has(text, "pipe  anonymous pipe: 1 passed, 0 failed, 1 skipped\n"
			 "  SHALL 1 of 1 rules hold\n"
			 "  skipped silent\n    pipe.talks\n");
	assert_has(text, "mq  POSIX message queue: 1 passed, 1 failed, 0 skipped\n"
			 "  LINUX 0 of 1 rules hold\n");
	free(text);
}

static void lines_of_a_test_cannot_forge_the_last_one(void **state)
{
	set(FLOWS, FAIL, "x\n4 passed, 0 failed, 0 skipped", "y\n4 passed, 0 failed, 0 skipped\n");
	char *text = whole(&human_reporter);

	(void)state;
	assert_int_equal(lines_with(text, "4 passed"), 0);
	assert_int_equal(lines_with(text, "3 passed, 1 failed, 0 skipped\n"), 1);
	free(text);
}

static void a_result_too_few_is_told(void **state)
{
	struct report *report = begin_report(&human_reporter);

	(void)state;
	for (int i = 0; i < COUNT - 1; i++)
		tell(report, i);
	assert_int_equal(report_close(report, &tally), 0);
	char *text = content();
	assert_has(text, "no verdict");
	assert_has(text, "3 of 4 planned tests have a result\n");
	assert_lacks(text, "all held");
	free(text);
}

/* -- files
 * ----------------------------------------------------------------------------------------- */

static void a_full_disk_is_told_by_every_format(void **state)
{
	static const struct reporter *const reporters[] = {
		&human_reporter,
		&tap_reporter,
		&junit_reporter,
		&json_reporter,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(reporters) / sizeof(reporters[0]); i++) {
		struct report *report = report_new(reporters[i], "/dev/full", false);

		if (!report)
			skip();
		report_open(report, &plan);
		tell(report, FLOWS);
		assert_int_equal(report_close(report, &tally), ENOSPC);
	}
}

static void a_file_that_cannot_be_is_refused(void **state)
{
	(void)state;
	errno = 0;
	assert_null(report_new(&tap_reporter, directory, false));
	assert_int_equal(errno, EISDIR);
}

static void an_older_report_stays_until_the_run_begins(void **state)
{
	(void)state;
	write_file("old and long enough to be seen behind a new one", 47);
	struct report *report = report_new(&tap_reporter, path, false);
	assert_non_null(report);
	char *text = content();
	assert_has(text, "old");
	free(text);

	report_open(report, &plan);
	text = content();
	assert_lacks(text, "old");
	assert_lacks(text, "behind");
	free(text);
	report_close(report, &tally);
}

static void every_format_has_a_name(void **state)
{
	(void)state;
	assert_ptr_equal(reporter_named("human"), &human_reporter);
	assert_ptr_equal(reporter_named("tap"), &tap_reporter);
	assert_ptr_equal(reporter_named("junit"), &junit_reporter);
	assert_ptr_equal(reporter_named("json"), &json_reporter);
	assert_null(reporter_named("xml"));
}

static void the_platform_has_facts(void **state)
{
	struct platform platform;
	bool kernel = false, page_size = false;

	(void)state;
	platform_read(&platform);
	for (size_t i = 0; i < platform.count; i++) {
		kernel |= strcmp(platform.facts[i].name, "kernel") == 0;
		page_size |= strcmp(platform.facts[i].name, "page_size") == 0 &&
			     platform.facts[i].number;
		assert_true(platform.facts[i].value[0] != '\0');
	}
	assert_true(kernel && page_size);
	assert_true(platform.summary[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(text_of_others_is_tamed, set_up),
		cmocka_unit_test_setup(lines_of_others_have_a_prefix_each, set_up),
		cmocka_unit_test_setup(a_glob_matches_test_rule_or_mechanism, set_up),
		cmocka_unit_test_setup(a_baseline_says_what_is_known_and_why, set_up),
		cmocka_unit_test_setup(a_malformed_baseline_is_refused_by_line, set_up),
		cmocka_unit_test_setup(a_verdict_has_its_fate, set_up),
		cmocka_unit_test_setup(a_status_is_the_worst_of_all, set_up),
		cmocka_unit_test_setup(one_result_too_few_is_no_success, set_up),
		cmocka_unit_test_setup(tap_has_the_plan_first_and_one_line_a_test, set_up),
		cmocka_unit_test_setup(tap_holds_what_comes_too_early, set_up),
		cmocka_unit_test_setup(tap_tells_a_failure_as_a_story, set_up),
		cmocka_unit_test_setup(tap_cannot_be_forged, set_up),
		cmocka_unit_test_setup(tap_tells_what_is_known, set_up),
		cmocka_unit_test_setup(tap_of_a_run_cut_short_says_so, set_up),
		cmocka_unit_test_setup(junit_is_well_formed_after_every_record, set_up),
		cmocka_unit_test_setup(junit_tells_what_was_never_seen, set_up),
		cmocka_unit_test_setup(json_is_one_line_a_record, set_up),
		cmocka_unit_test_setup(json_is_on_disk_turn_by_turn, set_up),
		cmocka_unit_test_setup(what_was_told_is_read_back, set_up),
		cmocka_unit_test_setup(a_crash_names_what_was_running, set_up),
		cmocka_unit_test_setup(what_is_no_report_is_refused_by_line, set_up),
		cmocka_unit_test_setup(a_report_gone_on_with_tells_nothing_twice, set_up),
		cmocka_unit_test_setup(the_last_line_counts, set_up),
		cmocka_unit_test_setup(a_screen_tells_which_rules_hold, set_up),
		cmocka_unit_test_setup(lines_of_a_test_cannot_forge_the_last_one, set_up),
		cmocka_unit_test_setup(a_result_too_few_is_told, set_up),
		cmocka_unit_test_setup(a_full_disk_is_told_by_every_format, set_up),
		cmocka_unit_test_setup(a_file_that_cannot_be_is_refused, set_up),
		cmocka_unit_test_setup(an_older_report_stays_until_the_run_begins, set_up),
		cmocka_unit_test_setup(every_format_has_a_name, set_up),
		cmocka_unit_test_setup(the_platform_has_facts, set_up),
	};

	return cmocka_run_group_tests_name("report", tests, make_directory, remove_directory);
}
