/* SPDX-License-Identifier: MIT */
/*
 * The stage can't be made to report a false pass, nor to leave anything behind.  Each test plays
 * stories of its own; Check gives each a process and a time limit, for some of them do all they can
 * to get away.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "posix/posix.h"
#include "stage/play.h"
#include "stage/scene.h"
#include "stage/story.h"
#include "stage/wait.h"

static struct result result;
static char parent_directory[256];

/* -- playing a story -------------------------------------------------------------------------- */

static void open_stage_with(unsigned adversaries)
{
	const struct stage_settings settings = {
		.implementation = &posix_implementation,
		.seed = 7,
		.timeout_scale = 0.2,
		.program = "/proc/self/exe",
		.adversaries = adversaries,
	};

	ck_assert_ptr_null(stage_open(&settings));
	stage_enter_worker(0);
}

static void open_stage(void)
{
	open_stage_with(0);
}

static void play_again(void (*story)(size_t row))
{
	const struct test test = {
		.rule = &rules[RULE_pipe_data_flows_one_way], .file = "here", .run = story};

	memset(&result, 0, sizeof(result));
	stage_play(&test, 0, false, &result);
}

static void play(void (*story)(size_t row))
{
	open_stage();
	play_again(story);
	stage_close();
}

static bool is_there(pid_t pid)
{
	return kill(pid, 0) == 0;
}

/* What a story leaves for the test to see: words that survive it. */
static uint64_t word(int number)
{
	return scene->words[number];
}

#define ck_assert_says(text)                                                                       \
	ck_assert_msg(strstr(result.message, text), "\"%s\" is not in \"%s\"", text, result.message)

/* -- functions that mind what an adversary does ------------------------------------------------ */

/* Some of them are SIGSTOP and SIGCONT, after which this call alone does not go on. */
static long long minds_interruptions(const char *text, const long long *n)
{
	struct epoll_event ready;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	(void)text;
	must_be(epoll_wait(epoll, &ready, 1, (int)n[0]), 0);
	return close(epoll);
}

static long long minds_famine(const char *text, const long long *n)
{
	int end = dup(STDIN_FILENO);

	(void)text;
	must_be(fcntl(end, F_DUPFD, n[0]) >= 0, 1);
	return close(end);
}

static long long minds_niceness(const char *text, const long long *n)
{
	(void)text;
	must_be(getpriority(PRIO_PROCESS, 0), n[0]);
	return 0;
}

static long long minds_processors(const char *text, const long long *n)
{
	cpu_set_t set;

	(void)text;
	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	must_be(CPU_COUNT(&set), n[0]);
	return 0;
}

/* -- functions that misbehave ----------------------------------------------------------------- */

static long long fails_in_grandchild(const char *text, const long long *n)
{
	pid_t pid = fork();

	(void)text;
	if (pid == 0) {
		if (fork() == 0)
			must_be(n[0], 1);
		_exit(0);
	}
	while (waitpid(pid, NULL, 0) < 0)
		continue;
	return 0;
}

static long long fails_after_setsid(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	if (fork() == 0) {
		setsid();
		if (fork())
			_exit(0);
		/* when everything else of the test has ended */
		while (!scene->over)
			nap(500);
		must(!"a daemon's assertion");
	}
	return 0;
}

static long long hides_and_stays(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	if (fork() == 0) {
		setsid();
		if (fork())
			_exit(0);
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		shared()[0] = (uint64_t)getpid();
		for (;;)
			pause();
	}
	awaits(&shared()[0], 1);
	return 0;
}

static long long hides_by_vfork(const char *text, const long long *n)
{
	static char program[] = "/bin/sleep", seconds[] = "1000";
	char *const arguments[] = {program, seconds, NULL};

	(void)text;
	(void)n;
	pid_t pid = vfork();
	if (pid == 0) {
		execv(program, arguments);
		_exit(0);
	}
	shared()[0] = (uint64_t)pid;
	return 0;
}

static long long ends(const char *text, const long long *n)
{
	(void)text;
	if (n[0] < 0)
		_exit((int)-n[0]);
	return raise((int)n[0]);
}

static long long waits_for_ever(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	while (pause() < 0)
		continue;
	return 0;
}

static long long spins(const char *text, const long long *n)
{
	(void)text;
	for (volatile long long i = n[0]; i >= 0;)
		continue;
	return 0;
}

static long long ignores_its_children(const char *text, const long long *n)
{
	(void)text;
	signal(SIGCHLD, SIG_IGN);
	if (fork() == 0)
		must_be(n[0], 1);
	/* until that is known */
	while (!scene_has_verdict())
		nap(500);
	return 0;
}

static long long closes_all(const char *text, const long long *n)
{
	(void)text;
	for (int i = 0; i < 2000; i++)
		close(i);
	must_be(n[0], 1);
	return -1;
}

/* -- stories ---------------------------------------------------------------------------------- */

#define STORY(name) static void name(size_t row __attribute__((unused)))

STORY(holds)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	actor *b = forks(a, "bob");
	begin(b, fd.read("p:r", 10));
	blocks(b);
	does_give(a, fd.write("p:w", "x"), 1);
	gives(b, "x");
}

#define CALLS(story, name, a)                                                                      \
	STORY(story)                                                                               \
	{                                                                                          \
		actor *alice = cast("alice");                                                      \
                                                                                                   \
		does(alice, call(name, "", a, 0, 0));                                              \
	}

CALLS(grandchild_fails, fails_in_grandchild, 2)
CALLS(daemon_fails, fails_after_setsid, 0)
CALLS(daemon_stays, hides_and_stays, 0)
CALLS(vforked_stays, hides_by_vfork, 0)
CALLS(actor_crashes, ends, SIGSEGV)
CALLS(actor_is_refused, ends, SIGSYS)
CALLS(actor_exits, ends, -7)
CALLS(actor_exits_with_success, ends, -256)
CALLS(actor_hangs, waits_for_ever, 0)
CALLS(actor_spins, spins, 0)
CALLS(children_are_ignored, ignores_its_children, 2)
CALLS(everything_is_closed, closes_all, 2)

STORY(story_crashes)
{
	cast("alice");
	raise(SIGSEGV);
}

STORY(story_exits)
{
	cast("alice");
	_exit(0);
}

STORY(story_hangs)
{
	for (;;)
		pause();
}

STORY(story_must)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	must(pid_of(a) == 0);
}

STORY(forgets)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	begin(a, fd.read("p:r", 1));
}

STORY(crashes_when_idle)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	poke(a, SIGSEGV);
	/* nothing is asked of it any more */
	while (kill(pid_of(a), 0) == 0 &&
	       waitid(P_PID, (id_t)pid_of(a), &(siginfo_t){0}, WEXITED | WNOWAIT) < 0)
		continue;
}

STORY(never_returns)
{
	actor *a = cast("alice"), *b = cast("bob");

	does(a, pipes.make("p"));
	does(b, pipes.make("p"));
	begin(a, fd.read("p:r", 1));
	blocks(a);
	begin(b, fd.read("p:r", 2));
	gives(b, "xy");
}

STORY(does_not_block)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	begin(a, fd.read("p:r", 1));
	blocks(a);
}

STORY(spinning_is_not_blocking)
{
	actor *a = cast("alice");

	begin(a, call(spins, "", 0, 0, 0));
	blocks(a);
}

STORY(wrong_bytes)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	does_give(a, fd.read("p:r", 5), "y");
}

STORY(wrong_error)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_fail(a, fd.write("p:r", "x"), EPIPE);
}

STORY(success_for_failure)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_fail(a, fd.write("p:w", "x"), EBADF);
}

STORY(gets_away)
{
	actor *a = cast("alice"), *b = cast_stranger("bob");

	does(a, fifo.make("f"));
	actor *c = forks(a, "carol");
	does(c, fifo.make("g"));
	begin(b, fifo.open("f", O_RDONLY));
	blocks(b);
	shared()[0] = (uint64_t)pid_of(a);
	shared()[1] = (uint64_t)pid_of(b);
	shared()[2] = (uint64_t)pid_of(c);
}

STORY(every_kind)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	actor *child = forks(a, "child"), *thread = cast_thread(a, "thread");
	actor *stranger = cast_stranger("stranger");
	does(thread, fd.write("p:w", "x"));
	does_give(child, fd.read("p:r", 5), "x");
	does(stranger, pipes.make("p"));
	execs(stranger);
	does(stranger, fd.write("p:w", "y"));
	does_give(stranger, fd.read("p:r", 5), "y");
	freeze(child);
	does(a, fd.write("p:w", "z"));
	begin(child, fd.read("p:r", 5));
	thaw(child);
	gives(child, "z");
	exits(child, 3);
	actor *other = forks(a, "other");
	dies(other);
	dies(a);
	poke(stranger, SIGTERM);
	is_killed_by(stranger, SIGTERM);
}

STORY(another_end)
{
	actor *a = cast("alice");

	exits(a, 3);
}

STORY(wrong_killer)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	poke(a, SIGTERM);
	is_killed_by(a, SIGINT);
}

STORY(is_skipped)
{
	cast("alice");
	skip("not %s", "here");
}

STORY(minds_signals)
{
	does(cast("alice"), call(minds_interruptions, "", 500, 0, 0));
}

STORY(minds_signals_and_has_its_own)
{
	actor *a = cast("alice");

	does(a, sig.handle(SIGUSR1, 0));
	does(a, call(minds_interruptions, "", 100, 0, 0));
}

STORY(needs_descriptors)
{
	does(cast("alice"), call(minds_famine, "", 200, 0, 0));
}

STORY(needs_its_priority)
{
	does(cast("alice"), call(minds_niceness, "", getpriority(PRIO_PROCESS, 0), 0, 0));
}

/* Before the adversary: as many as the worker has. */
STORY(needs_all_processors)
{
	does(cast("alice"), call(minds_processors, "", CPU_COUNT(&scene->processors), 0, 0));
}

/* -- what is asserted ------------------------------------------------------------------------- */

START_TEST(what_holds_passes)
{
	play(holds);
	ck_assert_int_eq(result.verdict, PASS);
	ck_assert_str_eq(result.message, "");
	ck_assert_str_eq(result.transcript, "");
	ck_assert_uint_eq(result.processes, 3);
}
END_TEST

static const struct {
	void (*story)(size_t row);
	int verdict, how;
	const char *message;
} endings[] = {
	{grandchild_fails, FAIL, HOW_PLAIN, "n[0] was to be 1, but is 2"},
	{daemon_fails, FAIL, HOW_PLAIN, "a daemon's assertion"},
	{daemon_stays, ERROR, HOW_PLAIN, "left a process behind"},
	{vforked_stays, ERROR, HOW_PLAIN, "left a process behind"},
	{actor_crashes, FAIL, HOW_CRASH, "alice was killed by SIGSEGV in stage.call(ends)"},
	{actor_is_refused, SKIP, HOW_DENIED, "SIGSYS"},
	{actor_exits, FAIL, HOW_CRASH, "alice exited with status 7"},
	{actor_exits_with_success, FAIL, HOW_CRASH, "alice exited with status 0"},
	{actor_hangs, FAIL, HOW_HANG, "stage.call(waits_for_ever) never returned"},
	{actor_spins, FAIL, HOW_HANG, "stage.call(spins) never returned"},
	{children_are_ignored, FAIL, HOW_PLAIN, "n[0] was to be 1, but is 2"},
	{everything_is_closed, FAIL, HOW_PLAIN, "n[0] was to be 1, but is 2"},
	{story_crashes, ERROR, HOW_CRASH, "the story itself was killed by signal 11"},
	{story_exits, ERROR, HOW_PLAIN, "the story itself exited with status 0"},
	{story_hangs, ERROR, HOW_HANG, "the story itself did not come to its end"},
	{story_must, FAIL, HOW_PLAIN, "pid_of(a) == 0"},
	{forgets, ERROR, HOW_PLAIN, "begun and never judged"},
	{crashes_when_idle, ERROR, HOW_PLAIN, "alice was killed by SIGSEGV outside any operation"},
	{never_returns, FAIL, HOW_HANG, "bob: fd.read(p:r, 2 bytes) never returned"},
	{does_not_block, FAIL, HOW_PLAIN, "was to block, but -> \"x\""},
	{spinning_is_not_blocking, FAIL, HOW_PLAIN, "runs on and on"},
	{wrong_bytes, FAIL, HOW_PLAIN, "was to give \"y\", but -> \"x\""},
	{wrong_error, FAIL, HOW_PLAIN, "was to give EPIPE, but -> EBADF"},
	{success_for_failure, FAIL, HOW_PLAIN, "was to give EBADF, but -> 1"},
	{wrong_killer, FAIL, HOW_PLAIN, "was to be killed by SIGINT, but was killed by SIGTERM"},
	{is_skipped, SKIP, HOW_PLAIN, "not here"},
	{another_end, PASS, HOW_PLAIN, ""},
	{every_kind, PASS, HOW_PLAIN, ""},
};

START_TEST(every_ending_has_its_verdict)
{
	play(endings[_i].story);
	ck_assert_msg(result.verdict == endings[_i].verdict && result.how == endings[_i].how,
		      "%s %s: %s\n%s", verdict_names[result.verdict], how_names[result.how],
		      result.message, result.transcript);
	ck_assert_says(endings[_i].message);
	ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
}
END_TEST

START_TEST(nobody_gets_away)
{
	open_stage();
	play_again(daemon_stays);
	ck_assert(word(0) != 0 && !is_there((pid_t)word(0)));
	play_again(vforked_stays);
	ck_assert(word(0) != 0 && !is_there((pid_t)word(0)));
	play_again(gets_away);
	ck_assert_int_eq(result.verdict, PASS);
	for (int i = 0; i < 3; i++)
		ck_assert(word(i) != 0 && !is_there((pid_t)word(i)));
	stage_close();
}
END_TEST

START_TEST(a_test_begins_with_nothing_of_the_last)
{
	open_stage();
	play_again(never_returns);
	ck_assert_int_eq(result.verdict, FAIL);
	play_again(holds);
	ck_assert_int_eq(result.verdict, PASS);
	ck_assert_int_eq((int)word(0), 0);
	/* the same names: nothing of the first is in the second's way */
	for (int i = 0; i < 2; i++) {
		play_again(gets_away);
		ck_assert_int_eq(result.verdict, PASS);
	}
	stage_close();
}
END_TEST

START_TEST(what_never_returned_is_told_of_everybody)
{
	play(never_returns);
	ck_assert_ptr_nonnull(strstr(result.transcript, "alice    fd.read(p:r, 1 bytes) -> never"));
	ck_assert_ptr_nonnull(strstr(result.transcript, "bob      fd.read(p:r, 2 bytes) -> never"));
}
END_TEST

START_TEST(closed_and_ignored_make_no_difference)
{
	signal(SIGCHLD, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 3; i++)
		close(i);
	signal(SIGCHLD, SIG_DFL); /* as the runner does before it starts a worker */
	open_stage();
	play_again(every_kind);
	ck_assert_int_eq(result.verdict, PASS);
	play_again(grandchild_fails);
	ck_assert_int_eq(result.verdict, FAIL);
	stage_close();
}
END_TEST

START_TEST(no_process_is_an_error)
{
	struct rlimit limit;

	open_stage();
	/* root is not bound by the limit */
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		return;
	ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &limit), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &(struct rlimit){0, limit.rlim_max}), 0);
	play_again(holds);
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &limit), 0);
	ck_assert_int_eq(result.verdict, ERROR);
	ck_assert_says("no process");
}
END_TEST

/* -- directories and journals ------------------------------------------------------------------ */

static int entries(const char *path)
{
	DIR *stream = opendir(path);
	int count = 0;

	while (stream && readdir(stream))
		count++;
	if (stream)
		closedir(stream);
	return count - 2;
}

static void make_parent(void)
{
	const char *parent = getenv("TMPDIR");

	snprintf(parent_directory, sizeof(parent_directory), "%s/ipcts-stage-XXXXXX",
		 parent ? parent : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(parent_directory));
	setenv("TMPDIR", parent_directory, 1);
}

/* Opens a stage in another process, which creates a file there and waits to be killed. */
static pid_t run_elsewhere(void)
{
	_Atomic(uint32_t) *ready =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (pid == 0) {
		open_stage();
		int made = chdir(scene->directory) == 0 ? mkfifo(path_of("f"), 0600) : -1;
		*ready = made == 0 ? 1 : 2;
		for (;;)
			pause();
	}
	while (!*ready)
		nap(500);
	ck_assert_uint_eq(*ready, 1);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(a_killed_run_is_swept_and_only_that)
{
	make_parent();
	pid_t killed = run_elsewhere(), alive = run_elsewhere();
	char other[300];

	snprintf(other, sizeof(other), "%s/ipcts-%u-abc", parent_directory, (unsigned)geteuid());
	ck_assert_int_eq(mkdir(other, 0700), 0);
	end(killed);
	ck_assert_int_eq(entries(parent_directory), 3);

	open_stage();
	ck_assert_uint_eq(stage_swept(), 1);
	/* the live run, the directory of somebody else, and our own */
	ck_assert_int_eq(entries(parent_directory), 3);
	stage_close();
	ck_assert_int_eq(entries(parent_directory), 2);

	end(alive);
	open_stage();
	ck_assert_uint_eq(stage_swept(), 1);
	stage_close();
	ck_assert_int_eq(entries(parent_directory), 1);
	rmdir(other);
	rmdir(parent_directory);
}
END_TEST

START_TEST(without_a_directory_what_needs_one_is_skipped)
{
	setenv("TMPDIR", "/nonexistent", 1);
	open_stage();
	play_again(holds);
	ck_assert_int_eq(result.verdict, PASS);
	play_again(gets_away);
	ck_assert_int_eq(result.verdict, SKIP);
	ck_assert_int_eq(result.how, HOW_ENVIRONMENT);
	ck_assert_says("/nonexistent");
	stage_close();
}
END_TEST

/* A test that minds what it must not mind, and what it says then. */
static const struct {
	enum adversary adversary;
	void (*story)(size_t row);
	const char *message;
} intolerant[] = {
	{ADVERSARY_EINTR, minds_signals, "errno 4"},
	{ADVERSARY_STOP, minds_signals, "errno 4"},
	{ADVERSARY_FAMINE, needs_descriptors, "was to be 1, but is 0"},
	{ADVERSARY_NICE, needs_its_priority, "getpriority"},
	{ADVERSARY_AFFINITY, needs_all_processors, "CPU_COUNT"},
};

START_TEST(an_adversary_acts_and_who_minds_it_is_found)
{
	enum adversary adversary = intolerant[_i].adversary;

	open_stage();
	play_again(intolerant[_i].story);
	ck_assert_msg(result.verdict == PASS, "%s", result.message);
	ck_assert_uint_eq(result.faults, 0);
	stage_close();
	if (adversary == ADVERSARY_AFFINITY && CPU_COUNT(&scene->processors) < 2)
		return;

	open_stage_with(1u << adversary);
	play_again(intolerant[_i].story);
	ck_assert_int_eq(result.verdict, FAIL);
	ck_assert_says(intolerant[_i].message);
	ck_assert_uint_gt(scene->deeds[adversary], 0);
	ck_assert_uint_eq(result.faults, scene->deeds[adversary]);
	stage_close();
}
END_TEST

START_TEST(adversaries_change_no_verdict_and_leave_nothing)
{
	open_stage_with(1u << _i);
	play_again(every_kind);
	ck_assert_msg(result.verdict == PASS, "%s\n%s", result.message, result.transcript);
	play_again(never_returns);
	ck_assert_says("never returned");
	play_again(daemon_stays);
	ck_assert_says("left a process behind");
	ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
	stage_close();
}
END_TEST

START_TEST(who_deals_in_signals_is_left_alone)
{
	open_stage_with(1u << ADVERSARY_EINTR | 1u << ADVERSARY_STOP);
	play_again(minds_signals_and_has_its_own);
	ck_assert_msg(result.verdict == PASS, "%s", result.message);
	stage_close();
}
END_TEST

START_TEST(adversaries_have_names)
{
	char text[ADVERSARY_LIST_MAX];

	ck_assert_uint_eq(adversaries_named("eintr,stop,famine,nice,affinity"),
			  (1u << ADVERSARY_COUNT) - 1);
	ck_assert_str_eq(adversaries_list((1u << ADVERSARY_COUNT) - 1, text, sizeof(text)),
			 "eintr,stop,famine,nice,affinity");
	ck_assert_str_eq(adversaries_list(adversaries_named("stop"), text, sizeof(text)), "stop");
	ck_assert_str_eq(adversaries_list(0, text, sizeof(text)), "");
	ck_assert_uint_eq(adversaries_named(""), 0);
	ck_assert_uint_eq(adversaries_named("eintr,"), 0);
	ck_assert_uint_eq(adversaries_named("eintr,storm"), 0);
}
END_TEST

static Suite *stage_suite(void)
{
	Suite *suite = suite_create("stage");
	TCase *cases = tcase_create("stage");

	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, what_holds_passes);
	tcase_add_loop_test(cases, every_ending_has_its_verdict, 0,
			    sizeof(endings) / sizeof(endings[0]));
	tcase_add_test(cases, nobody_gets_away);
	tcase_add_test(cases, a_test_begins_with_nothing_of_the_last);
	tcase_add_test(cases, what_never_returned_is_told_of_everybody);
	tcase_add_test(cases, closed_and_ignored_make_no_difference);
	tcase_add_test(cases, no_process_is_an_error);
	tcase_add_test(cases, a_killed_run_is_swept_and_only_that);
	tcase_add_test(cases, without_a_directory_what_needs_one_is_skipped);
	tcase_add_loop_test(cases, an_adversary_acts_and_who_minds_it_is_found, 0,
			    sizeof(intolerant) / sizeof(intolerant[0]));
	tcase_add_loop_test(cases, adversaries_change_no_verdict_and_leave_nothing, 0,
			    ADVERSARY_COUNT);
	tcase_add_test(cases, who_deals_in_signals_is_left_alone);
	tcase_add_test(cases, adversaries_have_names);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(int argc, char **argv)
{
	static const struct implementation *const known[] = {&posix_implementation, NULL};

	if (argc > 1 && strcmp(argv[1], ACTOR_OPTION) == 0)
		actor_main(argc, argv, known);

	SRunner *runner = srunner_create(stage_suite());

	/* a process a test, or a misbehaving one takes the others with it */
	srunner_set_fork_status(runner, CK_FORK);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
