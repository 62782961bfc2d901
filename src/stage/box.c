/* SPDX-License-Identifier: MIT */
/*
 * The box of one test: a process for the director, in a group of its own, and beneath it whatever
 * the test starts.  The worker outside it is the subreaper, so that nothing leaves the box by
 * forking twice or by setsid; it says "passed" only when the director came to its end, every
 * process has ended, and none of them has said otherwise.
 */
#include "stage/play.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/actor.h"
#include "stage/adversary.h"
#include "stage/director.h"
#include "stage/estate.h"
#include "stage/observe.h"
#include "stage/perform.h"
#include "stage/runner.h"
#include "stage/scene.h"
#include "stage/wait.h"

/* In turns of TURN_MS. */
enum { DIRECTOR_PATIENCE = 6000, END_PATIENCE = 1000 };

static struct stage_settings settings;
static char program[PATH_MAX];
static bool is_subreaper;
static volatile pid_t running; /* the director, for stage_abandon */

/* -- which tests there are -------------------------------------------------------------------- */

static struct test *first_test;
static bool is_sorted;

/* In an order that doesn't depend on the linker's. */
static int compare(const struct test *a, const struct test *b)
{
	int by_mechanism = (int)a->rule->mechanism - (int)b->rule->mechanism;
	int by_file = strcmp(a->file, b->file);

	if (by_mechanism)
		return by_mechanism;
	return by_file ? by_file : a->line - b->line;
}

/* By every program that is executed, also an actor, who never asks for them: so unsorted at first.
 */
void stage_register(struct test *test)
{
	test->next = first_test;
	first_test = test;
	is_sorted = false;
}

static struct test *merge(struct test *a, struct test *b)
{
	struct test *merged = NULL, **end = &merged;

	while (a && b) {
		struct test **first = compare(a, b) <= 0 ? &a : &b;

		*end = *first;
		end = &(*end)->next;
		*first = *end;
	}
	*end = a ? a : b;
	return merged;
}

/* The first count of a list; *rest: what comes after them. */
static struct test *sort(struct test *list, size_t count, struct test **rest)
{
	if (count == 1) {
		*rest = list->next;
		list->next = NULL;
		return list;
	}
	struct test *half = sort(list, count / 2, rest);

	return merge(half, sort(*rest, count - count / 2, rest));
}

const struct test *stage_tests(void)
{
	size_t count = 0;

	if (is_sorted)
		return first_test;
	for (const struct test *test = first_test; test; test = test->next)
		count++;
	if (count)
		first_test = sort(first_test, count, &(struct test *){NULL});
	is_sorted = true;
	return first_test;
}

static const char *row_name(const struct test *test, size_t row)
{
	const char *name;

	memcpy(&name, test->rows + row * test->row_size, sizeof(name));
	return name;
}

const char *test_name(const struct test *test, size_t row, char *buffer, size_t size)
{
	const char *variant = test->variant;

	if (test->rows)
		variant = row_name(test, row);
	snprintf(buffer, size, "%s%s%s", test->rule->name, variant ? "/" : "",
		 variant ? variant : "");
	return buffer;
}

/* -- the run ---------------------------------------------------------------------------------- */

static bool is_program(const char *path)
{
	return realpath(path, program) && access(program, X_OK) == 0;
}

/* Where to find ourselves when the working directory is another one. */
static void find_program(const char *name)
{
	char path[PATH_MAX];
	const char *directories = getenv("PATH");

	if (strchr(name, '/') && is_program(name))
		return;
	while (!strchr(name, '/') && directories && *directories) {
		size_t size = strcspn(directories, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)size, directories, name);
		if (is_program(path))
			return;
		directories += size + (directories[size] == ':');
	}
	snprintf(program, sizeof(program), "/proc/self/exe");
}

/* Where what is judged may keep its objects in this run. */
static void enter_common(void)
{
	char common[PATH_MAX];

	if (impl->enter && estate_make_common(common, sizeof(common)))
		impl->enter(common);
}

const char *stage_open(const struct stage_settings *given)
{
	const char *parent = getenv("TMPDIR");

	settings = *given;
	impl = settings.implementation;
	find_program(settings.program);
	estate_open(parent && *parent ? parent : "/tmp");
	enter_common();
	return NULL;
}

unsigned stage_swept(void)
{
	return estate_swept();
}

void stage_close(void)
{
	estate_close();
}

void stage_judge(const struct implementation *implementation)
{
	settings.implementation = implementation;
	impl = implementation;
	enter_common();
	snprintf(scene->implementation, sizeof(scene->implementation), "%s", impl->name);
}

void stage_enter_worker(unsigned index)
{
	if (!scene_make())
		_exit(1);
	is_subreaper = !is_bare() && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
	snprintf(scene->program, sizeof(scene->program), "%s", program);
	snprintf(scene->run_name, sizeof(scene->run_name), "%s", estate_run_name());
	stage_judge(settings.implementation);
	scene->timeout_scale = settings.timeout_scale;
	scene->run_seed = settings.seed;
	adversaries_open(settings.adversaries);
	estate_enter(index);
	if (!estate_directory()) {
		snprintf(scene->no_directory, sizeof(scene->no_directory), "%s",
			 estate_no_directory());
		return;
	}
	snprintf(scene->directory, sizeof(scene->directory), "%s/%u", estate_directory(), index);
	if (mkdir(scene->directory, 0700) < 0 && errno != EEXIST) {
		snprintf(scene->no_directory, sizeof(scene->no_directory), "%.80s: %s",
			 scene->directory, strerror(errno));
		scene->directory[0] = '\0';
	}
}

/* -- processes -------------------------------------------------------------------------------- */

static bool is_actor(pid_t pid)
{
	for (int i = 0; i < scene->actor_count; i++)
		if (scene->actors[i].pid == pid)
			return true;
	return false;
}

/* In looks: who is about to end by itself is given the time for it. */
enum { GRACE = 25 };

static unsigned look;
static bool strays_seen;

/* A child of ours by waitpid is no other's, whatever its number was before. */
static void end_child(pid_t pid)
{
	if (waitpid(pid, NULL, WNOHANG) != 0)
		return;
	if (!is_actor(pid)) {
		if (look < GRACE)
			return;
		strays_seen = true;
	}
	kill(pid, SIGKILL);
}

static void end_known_children(void)
{
	uint32_t count = scene->process_count;

	for (uint32_t i = 0; i < count && i < PROCESS_MAX; i++)
		if (scene->processes[i] > 0)
			end_child(scene->processes[i]);
}

static bool has_children(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		continue;
	return pid == 0;
}

/* As parents end, their children become ours, until there are none.  False: some can't be ended. */
static bool end_children(void)
{
	for (look = 0; has_children(); look++) {
		if (look == END_PATIENCE)
			return false;
		end_known_children();
		if (look > GRACE)
			for_each_child(end_child); /* by vfork, or clone */
		if (look)
			nap(look < 2 * GRACE ? 200 : TURN_MS * 1000);
	}
	return true;
}

/* -- one test --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t seed, const char *name)
{
	uint64_t hash = seed ^ 0x9E3779B97F4A7C15u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001B3u;
	hash ^= hash >> 32;
	hash *= 0xD6E8FEB86659FD93u;
	return hash ^ hash >> 32;
}

static void skip_if_excused(void)
{
	char text[MESSAGE_MAX];
	const char *excuse = adversaries_excuse(scene->test_name, text, sizeof(text));

	if (excuse)
		skip("%s", excuse);
}

_Noreturn static void director_main(const struct test *test, size_t row)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	director_open();
	actor_surroundings();
	adversaries_surround();
	perform_with(settings.implementation);
	skip_if_excused();
	test->run(row);
	director_close();
}

/* It stays to be waited for, and so nobody else gets its number. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == pid;
}

/*
 * False: it did not come to its end.  Where there's no subreaper, whom it leaves behind is found by
 * its group only, and only as long as its number is still its own.
 */
static bool wait_for_director(pid_t pid, int *status)
{
	unsigned patience = (unsigned)(DIRECTOR_PATIENCE * scene->timeout_scale);

	for (unsigned turn = 0; turn < patience && !scene->over && !has_ended(pid); turn++)
		word_wait(&scene->over, 0, TURN_MS);
	bool came_to_end = scene->over;
	if (!is_subreaper)
		kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		continue;
	return came_to_end;
}

static void judge_director(bool came_to_end, int status)
{
	if (came_to_end || scene_has_verdict())
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		scene_verdict(ERROR, HOW_CRASH, "the story itself was killed by signal %d",
			      WTERMSIG(status));
	else if (WIFSIGNALED(status))
		scene_verdict(ERROR, HOW_HANG, "the story itself did not come to its end");
	else
		scene_verdict(ERROR, HOW_PLAIN, "the story itself exited with status %d",
			      WEXITSTATUS(status));
}

/* Removal goes through what is under test, which may crash or hang. */
static void clear_estate(void)
{
	if (!estate_is_clear()) {
		pid_t pid = fork();

		if (pid == 0) {
			actor_surroundings();
			estate_clear();
			_exit(0);
		}
		int status;
		for (unsigned turn = 0; pid > 0 && waitpid(pid, &status, WNOHANG) == 0; turn++) {
			if (turn == END_PATIENCE)
				kill(pid, SIGKILL);
			nap(turn < 20 ? 500 : TURN_MS * 1000);
		}
		scene->objects.count = 0;
	}
	if (scene->uses_paths)
		remove_content(scene->directory);
}

static void write_result(struct result *result)
{
	int verdict = scene->verdict;

	if (verdict == NONE && scene->message_lock)
		verdict = ERROR; /* who was about to write it has been killed */
	result->how = scene->how;
	result->processes = scene->process_count;
	if (scene->adversaries)
		result->faults = adversaries_deeds();
	snprintf(result->message, sizeof(result->message), "%s",
		 verdict == PASS ? "" : scene->message);
	snprintf(result->remark, sizeof(result->remark), "%s", scene->remark);
	if (verdict == FAIL || verdict == ERROR || settings.tell_all)
		snprintf(result->transcript, sizeof(result->transcript), "%s", scene->transcript);
	result->seconds = seconds_now() - scene->began;
	result->verdict = verdict;
}

static void begin_scene(const struct test *test, size_t row, bool brief)
{
	long long serial = scene->serial;

	scene_clear();
	scene->serial = serial + 1;
	test_name(test, row, scene->test_name, sizeof(scene->test_name));
	scene->seed = mix(scene->run_seed, scene->test_name);
	scene->is_brief = brief;
	scene->began = seconds_now();
}

static void play_once(const struct test *test, size_t row, bool brief, unsigned turn,
		      struct result *result)
{
	int status = 0;

	begin_scene(test, row, brief);
	if (test->repetition)
		test->repetition->begins(test, row, turn);
	pid_t pid = running = fork();
	if (pid == 0)
		director_main(test, row);
	if (pid < 0) {
		scene_verdict(ERROR, HOW_ENVIRONMENT, "no process can be started: %s",
			      strerror(errno));
	} else {
		setpgid(pid, pid);
		scene->process_count++;
		bool came_to_end = wait_for_director(pid, &status);
		judge_director(came_to_end, status);
	}

	strays_seen = false;
	bool ended = end_children();
	running = 0;
	if (!ended)
		scene_verdict(ERROR, HOW_PLAIN, "processes of the test can't be ended");
	else if (strays_seen && is_subreaper)
		scene_verdict(ERROR, HOW_PLAIN, "the test has left a process behind");
	clear_estate();
	scene_verdict(PASS, HOW_PLAIN, "%s", "");
	write_result(result);
}

/* What is told is the last turn's, with the processes and the seconds of all; the verdict last. */
static void play_again_and_again(const struct test *test, size_t row, bool brief,
				 struct result *result)
{
	unsigned processes = 0;
	double seconds = 0;
	struct result one;
	bool goes_on = true;

	for (unsigned turn = 0; goes_on; turn++) {
		one = (struct result){.verdict = NONE};
		play_once(test, row, brief, turn, &one);
		one.processes = processes += one.processes;
		one.seconds = seconds += one.seconds;
		goes_on = test->repetition->goes_on(test, row, turn, &one);
	}
	int verdict = one.verdict;

	one.verdict = NONE;
	*result = one;
	result->verdict = verdict;
}

void stage_play(const struct test *test, size_t row, bool brief, struct result *result)
{
	if (test->repetition)
		play_again_and_again(test, row, brief, result);
	else
		play_once(test, row, brief, 0, result);
}

/* -- the worst cases -------------------------------------------------------------------------- */

void stage_abandon(void)
{
	if (running > 0)
		kill(running, SIGKILL);
	for (unsigned i = 0; scene && i < 100 && has_children(); i++) {
		end_known_children();
		nap(1000);
	}
}

void stage_mourn_worker(unsigned index)
{
	char path[PATH_MAX];

	estate_mourn(index);
	if (!estate_directory())
		return;
	snprintf(path, sizeof(path), "%s/%u", estate_directory(), index);
	remove_content(path);
}
