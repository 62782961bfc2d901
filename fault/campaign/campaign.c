/* SPDX-License-Identifier: MIT */
#include "fault/campaign/campaign.h"

#include <dirent.h>
#ifdef HAVE_MALLINFO2
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "report/baseline.h"
#include "stage/observe.h"
#include "stage/play.h"
#include "stage/scene.h"
#include "stage/tell.h"
#include "stage/transcript.h"
#include "stage/verbs.h"
#include "stage/wait.h"

const struct fault_kind_row fault_kinds[] = {
#define K(name) {#name},
	FAULT_KINDS(K)
#undef K
};

bool is_an_answer(enum fault_kind kind)
{
	return kind == FAULT_refuse || kind == FAULT_famine || kind == FAULT_short;
}

/* -- points ----------------------------------------------------------------------------------- */

static const char *const points[] = {
#include "fault/points.h"
};
enum { POINTS = sizeof(points) / sizeof(points[0]) };
_Static_assert((int)POINTS <= (int)INJECTION_POINTS, "there's room for all points");

/* Of all workers, a bit of each: somebody who suffered has passed it (1 << NO_FAULT), and what has
 * befallen somebody there. */
static _Atomic(unsigned short) *had;
_Static_assert((int)FAULT_KIND_COUNT < 16, "there's a bit for each kind");
/* In the environment, for programs executed anew. */
static const char chosen[] = "IPCTS_FAULT_POINT";

size_t point_count(void)
{
	return POINTS;
}

const char *point_name(size_t number)
{
	return points[number];
}

static int compare(const void *name, const void *point)
{
	return strcmp(name, *(const char *const *)point);
}

size_t point_number(const char *name)
{
	const char *const *found = bsearch(name, points, POINTS, sizeof(points[0]), compare);

	return found ? (size_t)(found - points) : POINTS;
}

bool point_is_chosen(size_t number)
{
	const char *glob = getenv(chosen);

	return !glob || glob_matches(glob, points[number]);
}

bool campaign_only_at(const char *glob)
{
	setenv(chosen, glob, 1);
	for (size_t i = 0; i < POINTS; i++)
		if (point_is_chosen(i))
			return true;
	return false;
}

bool point_is_passed(size_t number)
{
	return had[number];
}

size_t points_passed(void)
{
	size_t count = 0;

	for (size_t i = 0; i < POINTS; i++)
		count += point_is_passed(i);
	return count;
}

bool campaign_open(void)
{
	had = mmap(NULL, POINTS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return had != MAP_FAILED;
}

static enum trace_mode trace_mode;

void campaign_trace(enum trace_mode mode)
{
	trace_mode = mode;
}

/* -- turns ------------------------------------------------------------------------------------ */

/* The points that an order passes when nothing befalls it. */
struct course {
	unsigned count;
	uint16_t points[INJECTION_COURSE];
};

/* Of the campaign that this worker plays. */
static struct {
	unsigned nth, after_end, faults;
	struct course victims, recoverers; /* of a smoke test */
} now;
static struct {
	bool is_one;
	unsigned nth, after_end;
} replay;
static bool is_smoke;

bool campaign_replay(const char *turn)
{
	char rest;
	int count = sscanf(turn, "%u,%u%c", &replay.nth, &replay.after_end, &rest);

	replay.is_one = (count == 1 || count == 2) && strspn(turn, "0123456789,") == strlen(turn);
	return replay.is_one;
}

void campaign_smoke(void)
{
	is_smoke = true;
}

static enum fault_kind kind_of(size_t row)
{
	return (enum fault_kind)(row + 1);
}

int campaign_due(struct injection *injection, size_t point, unsigned times)
{
	unsigned before = injection->passed;
	int which = injection->at - 1 - (int)before;
	bool is_famine = injection->does == FAULT_famine && injection->at > 0;

	for (unsigned i = before; i < before + times && i < INJECTION_COURSE; i++)
		injection->course[i] = (uint16_t)point;
	injection->passed += times;
	if (which >= 0 && which < (int)times)
		return which;
	return is_famine && which < 0 ? 0 : -1;
}

static void first_turn(enum fault_kind kind)
{
	now.faults = 0;
	now.nth = now.after_end = 0;
	if (replay.is_one) {
		now.nth = replay.nth;
		now.after_end = replay.after_end;
	} else if (!is_smoke) {
		now.nth = 1;
		now.after_end = kind == FAULT_recovery;
	}
}

static void begins(const struct test *test, size_t row, unsigned turn)
{
	(void)test;
	if (turn == 0)
		first_turn(kind_of(row));
	scene->injection = (struct injection){
		.kind = (int)kind_of(row), .nth = now.nth, .after_end = now.after_end, .actor = -1};
}

static void keep_points(void)
{
	for (size_t i = 0; i < POINTS; i++) {
		if (scene->injection.seen[i] != POINT_UNSEEN)
			had[i] |= 1u << NO_FAULT;
		if (scene->injection.seen[i] == POINT_HIT)
			had[i] |= 1u << scene->injection.kind;
	}
}

/* Who has recovered unharmed has nothing further to be killed at. */
static bool next_turn(enum fault_kind kind)
{
	unsigned injected = scene->injection.injected;

	if (kind == FAULT_recovery && injected > 1) {
		now.after_end++;
	} else {
		now.nth++;
		now.after_end = kind == FAULT_recovery;
	}
	return injected > 0;
}

/* Of the last order, if nothing has befallen it. */
static void keep_course(struct course *course)
{
	const struct injection *injection = &scene->injection;

	course->count = injection->at > 0 ? 0 : injection->passed;
	if (course->count > INJECTION_COURSE)
		course->count = INJECTION_COURSE;
	memcpy(course->points, injection->course, course->count * sizeof(course->points[0]));
}

/* The next place of the course, from 1, whose point hasn't had this kind of fault; 0: none. */
static unsigned next_untried(const struct course *course, unsigned place, enum fault_kind kind)
{
	for (unsigned i = place; i < course->count; i++) {
		unsigned point = course->points[i];

		if (point == INJECTION_NAMELESS || !(had[point] & 1u << kind))
			return i + 1;
	}
	return 0;
}

/* A turn without a fault tells what there is to try, and so does a death whose recovery is left
 * alone. */
static bool next_turn_of_smoke(enum fault_kind kind)
{
	if (now.nth == 0)
		keep_course(&now.victims);
	else if (kind == FAULT_recovery && now.after_end == 0)
		keep_course(&now.recoverers);

	if (now.nth > 0 && kind == FAULT_recovery)
		now.after_end = next_untried(&now.recoverers, now.after_end, kind);
	if (now.after_end == 0)
		now.nth = next_untried(&now.victims, now.nth, kind);
	return now.nth > 0;
}

/* So that the turn can be played again without the others. */
static void name_turn(const struct test *test, size_t row, struct result *result)
{
	char name[200], turn[32] = "", text[MESSAGE_MAX + 256];

	if (now.after_end)
		snprintf(turn, sizeof(turn), ",%u", now.after_end);
	snprintf(text, sizeof(text), "at %s: %.300s [--replay %.100s:%u%s]",
		 scene->injection.point[0] ? scene->injection.point : "no point", result->message,
		 test_name(test, row, name, sizeof(name)), now.nth, turn);
	snprintf(result->message, sizeof(result->message), "%.*s", MESSAGE_MAX - 1, text);
}

static void correct(struct result *result, enum verdict verdict, const char *message)
{
	result->verdict = verdict;
	snprintf(result->message, sizeof(result->message), "%s", message);
}

/* Whoever asks for a turn that there isn't isn't told that all is well. */
static void judge_replay(struct result *result)
{
	unsigned wanted = (replay.nth > 0) + (replay.after_end > 0);

	if (scene->injection.injected < wanted)
		correct(result, ERROR,
			"--replay: there is no such turn: the operation comes to its end before");
}

static bool goes_on(const struct test *test, size_t row, unsigned turn, struct result *result)
{
	enum fault_kind kind = kind_of(row);

	(void)turn;
	keep_points();
	now.faults += scene->injection.injected;
	result->faults = now.faults;
	if (result->verdict == FAIL || result->verdict == ERROR)
		name_turn(test, row, result);
	if (result->verdict != PASS)
		return false;
	if (replay.is_one) {
		judge_replay(result);
		return false;
	}
	if (is_smoke ? next_turn_of_smoke(kind) : next_turn(kind))
		return true;
	if (!now.faults)
		correct(result, SKIP,
			is_smoke && now.victims.count
				? "other campaigns have had this at all of its points"
				: "it passes no point where this can be injected");
	return false;
}

const struct repetition campaign_repetition = {begins, goes_on};

/* -- who suffers ------------------------------------------------------------------------------ */

static struct {
	enum ending ending;
	int error;
	char what[256];
} last;

bool is_deadly(void)
{
	return scene->injection.kind == FAULT_kill || scene->injection.kind == FAULT_recovery;
}

enum ending ending(void)
{
	return last.ending;
}

int refusal(void)
{
	return last.ending == REFUSED ? last.error : 0;
}

/* The next order of the actor is to meet it. */
static void arm(actor *a, enum fault_kind does, unsigned nth, bool counts_threads)
{
	struct injection *injection = &scene->injection;

	if (trace_mode != TRACE_NOTHING)
		trace_begin(a, trace_mode);
	injection->is_traced = trace_mode != TRACE_NOTHING;
	injection->passed = 0;
	memset((void *)injection->errors, 0, sizeof(injection->errors));
	injection->does = (int)does;
	injection->at = (int)nth;
	injection->order = a->ordered + 1;
	injection->counts_threads = counts_threads;
	injection->actor = (int)(a - scene->actors);
}

static void disarm(void)
{
	scene->injection.actor = -1;
	trace_end();
}

static bool is_held(actor *a)
{
	if (trace_mode != TRACE_NOTHING || a->is_frozen)
		return a->is_frozen || trace_holds();
	return scene->injection.does == FAULT_stop && is_stopped_now(a, 1);
}

static bool is_over(actor *a, unsigned n)
{
	return is_done(a, n) || has_ended(a, n) || is_held(a);
}

static bool is_over_or_asleep(actor *a, unsigned n)
{
	return is_over(a, n) || (has_entered(a, n) && is_asleep(a));
}

/* What an actor has, and has to have no more of after an operation that failed. */
static long long count_descriptors(const char *text, const long long *n)
{
	DIR *stream = opendir("/proc/self/fd");
	long long count = 0;

	(void)text;
	(void)n;
	if (!stream)
		return 0;
	while (readdir(stream))
		count++;
	closedir(stream);
	return count;
}

static long long count_bytes(const char *text, const long long *n)
{
	(void)text;
	(void)n;
#ifdef HAVE_MALLINFO2
	return (long long)mallinfo2().uordblks;
#else
	return 0;
#endif
}

/* Files that are mapped: what is mapped with none is counted as memory. */
static long long count_mappings(const char *text, const long long *n)
{
	FILE *file = fopen("/proc/self/maps", "re");
	long long count = 0;
	char line[512];

	(void)text;
	(void)n;
	while (file && fgets(line, sizeof(line), file))
		count += strchr(line, '/') != NULL;
	if (file)
		fclose(file);
	return count;
}

static long long mappings_of(actor *a)
{
	return ask(a, call(count_mappings, "", 0, 0, 0));
}

static long long descriptors_of(actor *a)
{
	return ask(a, call(count_descriptors, "", 0, 0, 0));
}

static long long bytes_of(actor *a)
{
	return ask(a, call(count_bytes, "", 0, 0, 0));
}

/* Handlers interrupt for good. */
static long long minds_signals(const char *text, const long long *n)
{
	struct sigaction action = {.sa_handler = stage_note_signal};

	(void)text;
	(void)n;
	return sigaction(SIGUSR1, &action, NULL);
}

static void wait_for(actor *a, condition *is_true)
{
	char what[256];

	if (!look_until(a, is_true, 0)) {
		describe_order(a, what, sizeof(what));
		end_failed(HOW_HANG, "%s: %s never returned", a->name, what);
	}
}

static void note_end(const actor *a, const char *how)
{
	if (scene->injection.injected)
		transcript_note("%-8s %s at %s", a->name, how, scene->injection.point);
}

/* What a call of System V lacks is memory to it: room for a file, a lock, a descriptor to look
 * with.  To a socket, room is in buffers. */
static bool was_refused_with(int error)
{
	const _Atomic(unsigned char) *errors = scene->injection.errors;

	if (error == ENOBUFS && errors[ENOSPC])
		return true;
	if (error == ENOMEM &&
	    (errors[ENOSPC] || errors[ENOLCK] || errors[EMFILE] || errors[ENFILE]))
		return true;
	return error > 0 && error < INJECTION_ERRORS && errors[error];
}

/* It may only fail as the world refused, or as a handler interrupts. */
static void judge_return(actor *victim, long long descriptors)
{
	const outcome *out;

	stage_returns(victim);
	out = outcome_of(victim);
	last.error = out->value == -1 ? out->error : 0;
	last.ending = last.error ? REFUSED : SUCCEEDED;
	if (!last.error)
		return;
	bool is_interrupted = last.error == EINTR && (scene->injection.kind == FAULT_signal ||
						      scene->injection.kind == FAULT_stop);

	if (!was_refused_with(last.error) && !is_interrupted)
		end_failed(HOW_PLAIN, "%s: %s failed with %s, which nothing has caused",
			   victim->name, last.what, error_name(last.error));
	if (descriptors_of(victim) != descriptors)
		end_failed(HOW_PLAIN, "%s: %s failed, and left a descriptor open", victim->name,
			   last.what);
}

static void judge_death(actor *victim)
{
	last.ending = DIED;
	if (scene->injection.does != FAULT_kill || !scene->injection.injected)
		end_failed_of_end(victim);
	stage_is_killed_by(victim, SIGKILL);
	note_end(victim, "was killed");
}

/* Others go as far as they can without who is stopped. */
static void judge_stop(actor *victim, actor *other)
{
	note_end(victim, "was stopped");
	victim->is_frozen = true;
	if (other)
		settles(other);
	if (trace_holds())
		trace_release();
	else
		stage_thaw(victim);
	victim->is_frozen = false;
	scene->injection.does = NO_FAULT;
	wait_for(victim, is_over);
}

/* It is asleep: that is a point where only others can do something to it. */
static void befall_sleeper(actor *victim)
{
	struct injection *injection = &scene->injection;

	if (getenv(chosen) || is_an_answer((enum fault_kind)injection->does) ||
	    campaign_due(injection, INJECTION_NAMELESS, 1) < 0)
		return;
	snprintf(injection->point, sizeof(injection->point), "its sleep");
	injection->injected++;
	if (injection->does == FAULT_kill)
		kill(victim->pid, SIGKILL);
	else if (injection->does == FAULT_signal)
		stage_poke(victim, SIGUSR1);
	else if (injection->does == FAULT_stop)
		stage_freeze(victim);
	wait_for(victim, is_over_or_asleep);
}

/* glibc keeps the first seven pieces of memory of a size that are freed, and calloc takes none of
 * them. */
enum { REFUSALS = 10 };

/* The world goes on saying no: it must do so again and again, and cost nothing. */
static void refuse_again(actor *victim, op o, long long descriptors)
{
	long long bytes = 0, mappings = 0;

	for (int i = 0; i < REFUSALS; i++) {
		arm(victim, FAULT_famine, scene->injection.nth, false);
		stage_begin(victim, o);
		wait_for(victim, is_over);
		disarm();
		judge_return(victim, descriptors);
		if (last.ending != REFUSED)
			return; /* what it has passed once, it does not need again */
		if (i == REFUSALS - 1 && bytes_of(victim) != bytes)
			end_failed(HOW_PLAIN, "%s: %s failed, and kept %lld bytes of memory",
				   victim->name, last.what, bytes_of(victim) - bytes);
		if (i == REFUSALS - 1 && mappings_of(victim) != mappings)
			end_failed(HOW_PLAIN, "%s: %s failed, and left a file mapped", victim->name,
				   last.what);
		mappings = mappings_of(victim);
		bytes = bytes_of(victim);
	}
}

enum ending campaign_suffers(actor *victim, op o, actor *other, op others)
{
	enum fault_kind kind = (enum fault_kind)scene->injection.kind;
	long long descriptors = descriptors_of(victim);

	end_if_judged();
	if (kind == FAULT_signal)
		ask(victim, call(minds_signals, "", 0, 0, 0));
	arm(victim, kind == FAULT_recovery ? FAULT_kill : kind, scene->injection.nth, other);
	stage_begin(victim, o);
	describe_order(victim, last.what, sizeof(last.what));
	if (other) {
		wait_for(victim, is_over_or_asleep);
		if (!is_over(victim, 0))
			befall_sleeper(victim);
		stage_begin(other, others);
	}
	wait_for(victim, is_over);
	if (!is_done(victim, 0) && is_held(victim))
		judge_stop(victim, other);
	disarm();
	if (is_done(victim, 0))
		judge_return(victim, descriptors);
	else
		judge_death(victim);
	if (kind == FAULT_famine && last.ending == REFUSED)
		refuse_again(victim, o, descriptors);
	return last.ending;
}

bool campaign_halts(actor *a, op o)
{
	if (trace_mode != TRACE_NOTHING)
		return false;
	arm(a, FAULT_stop, 1, false);
	stage_begin(a, o);
	wait_for(a, is_over);
	disarm();
	scene->injection.injected = 0; /* the turn's own is yet to come */
	return true;
}

/* Turns in which a sleep is seen to be none of many naps, each a millisecond at most. */
enum { REST_TURNS = 20 };
/* And how many of those are enough to have found a dead holder, and what he has left. */
enum { NAPS_OF_A_REST = 60 };

/* Who waits by polling is asleep most of the time, whatever there is for it. */
bool campaign_rests(actor *a)
{
	unsigned long long slept = times_slept(a->pid, a->tid);

	for (unsigned turn = 0; turn < patience(REST_TURNS); turn++) {
		if (!settles(a))
			end_failed(HOW_HANG, "%s neither returns nor is blocked", a->name);
		struct look first = look_at(a->pid, a->tid);

		if (is_done(a, 0) || first.state == '?' ||
		    (slept && times_slept(a->pid, a->tid) >= slept + NAPS_OF_A_REST))
			break;
		nap(TURN_MS * 1000);
		struct look second = look_at(a->pid, a->tid);

		if (first.state == 'S' && second.state == 'S' && first.ran == second.ran)
			break;
	}
	return is_done(a, 0);
}

/* -- who looks afterwards --------------------------------------------------------------------- */

/* The first to come after a death puts right what it has left, and is killed at that. */
static void recover(actor *witness, op probe)
{
	if (scene->injection.kind != FAULT_recovery || last.ending != DIED)
		return;
	actor *recoverer = forks(witness, "recoverer");

	arm(recoverer, FAULT_kill, scene->injection.after_end, false);
	stage_begin(recoverer, probe);
	wait_for(recoverer, is_over);
	disarm();
	if (is_done(recoverer, 0))
		stage_succeeds(recoverer);
	else
		stage_is_killed_by(recoverer, SIGKILL);
}

static bool judge_look(actor *witness, bool is_before, bool is_after, const char *before,
		       const char *after)
{
	static const char *const endings[] = {
		[SUCCEEDED] = "succeeded", [REFUSED] = "failed", [DIED] = "was killed in it"};
	char what[256], result[256];

	describe_order(witness, what, sizeof(what));
	describe_outcome(witness, result, sizeof(result));
	if (!is_before && !is_after)
		end_failed(HOW_PLAIN, "half done: %s: %s was to give %s or %s, but %s",
			   witness->name, what, before, after, result);
	if (last.ending == SUCCEEDED ? !is_after : last.ending == REFUSED && !is_before)
		end_failed(HOW_PLAIN, "%s %s, but %s: %s %s", last.what, endings[last.ending],
			   witness->name, what, result);
	return is_after;
}

bool campaign_happened(actor *witness, op probe, long long before, long long after)
{
	char one[32], other[32];
	long long value;

	recover(witness, probe);
	stage_begin(witness, probe);
	stage_succeeds(witness);
	value = outcome_of(witness)->value;
	snprintf(one, sizeof(one), "%lld", before);
	snprintf(other, sizeof(other), "%lld", after);
	return judge_look(witness, value == before, value == after, one, other);
}

static bool gave(const outcome *out, const char *text)
{
	return out->has_bytes && out->size == strlen(text) &&
	       memcmp(out->bytes, text, out->size) == 0;
}

bool campaign_happened_text(actor *witness, op probe, const char *before, const char *after)
{
	recover(witness, probe);
	stage_begin(witness, probe);
	stage_succeeds(witness);
	const outcome *out = outcome_of(witness);

	return judge_look(witness, gave(out, before), gave(out, after), before, after);
}
