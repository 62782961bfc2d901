/* SPDX-License-Identifier: MIT */
#include "stage/instruction.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/actor.h"
#include "stage/bystander.h"
#include "stage/place.h"
#include "stage/scene.h"
#include "stage/verbs.h"
#include "stage/wait.h"

/* In turns: how long one act is played before what is left of its instructions is left. */
enum { ENOUGH_TURNS = 100 };
/* And one victim, where each step takes long: then it stops wherever it is. */
enum { LONG_TURNS = 400 };
/* No act has so many: something other than a processor goes these steps, or goes in circles. */
enum { MOST_STEPS = 20000 };
/* Victims that are played to see the course, until one comes through: another may be quicker. */
enum { FIRST_VICTIMS = 10 };
/* Before one looks whether a victim is asleep. */
enum { SLEEP_LOOKS = 3 };
/* And more, if it has been roused: it is to wake, unless another has what it was woken for. */
enum { AGAIN_LOOKS = 50 };

/* What the processes of one act tell each other. */
static struct course {
	_Atomic uint32_t entered, done; /* of the victim */
	_Atomic int result;
} * course;

static const struct last_act *act;

/* -- the victim ----------------------------------------------------------------------------- */

static pid_t begin_victim(void)
{
	int status;
	pid_t pid = fork_unlisted();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			skip("no process can be traced here: ptrace fails with %s",
			     strerror(errno));
		if (act->approach)
			act->approach();
		kill(getpid(), SIGSTOP);
		course->entered = 1;
		course->result = act->act();
		course->done = 1;
		_exit(0);
	}
	if (wait_for_child(pid, &status, 0, NULL) != pid || !WIFSTOPPED(status))
		_exit(1); /* it has said why */
	return pid;
}

enum stop { STEPPED, BETWEEN_NAPS, ASLEEP, ENDED };

static int signal_of(int status)
{
	int signal = WSTOPSIG(status);

	return signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
}

/*
 * Where the first victim, who came through, was after so many steps; NULL: it is on its way.  Of an
 * instruction that comes again and again the first time and the last are enough.
 */
static uintptr_t *course_of_first;
/* The last of those steps that is at a place for the first time, and isn't after this one. */
static unsigned *leaps;

static const uintptr_t NOWHERE = 0, IN_ITS_SLEEP = UINTPTR_MAX;

/* How far a victim has come. */
struct way {
	pid_t victim;
	struct sleeper sleeper; /* from the beginning, or since it was roused */
	unsigned steps; /* of the act; its sleep is one, which is over when it has been roused */
	bool is_roused, is_first;
	int status;
};

static void count_step(struct way *way, bool is_asleep)
{
	way->steps++;
	if (way->is_first && way->steps <= MOST_STEPS)
		course_of_first[way->steps] = is_asleep ? IN_ITS_SLEEP : stopped_at(way->victim);
}

enum pace { A_STEP, WITHOUT_A_STOP };

static void set_going(const struct way *way, enum pace pace)
{
	if (ptrace(pace == A_STEP ? PTRACE_SINGLESTEP : PTRACE_CONT, way->victim, NULL,
		   (void *)(intptr_t)signal_of(way->status)) == 0)
		return;
	int error = errno;
	end_child(way->victim);
	if (!way->is_first)
		scene_end(ERROR, HOW_ENVIRONMENT, "a process can't be stepped any more: %s",
			  strerror(error));
	skip("no process can be stepped here: ptrace fails with %s", strerror(error));
}

static bool is_waiting(const struct way *way)
{
	return way->is_roused ? waits_in_vain(&way->sleeper) : waits(&way->sleeper);
}

/* A stop is no sleep, but the step before it may have been one, and as short as a nap. */
static enum stop judge_stop(struct way *way, enum pace pace, const struct rusage *usage)
{
	unsigned naps = way->is_roused ? MANY_NAPS : FEW_NAPS;

	way->sleeper.before++;
	if (!act->rouse || pace != A_STEP)
		return STEPPED;
	bool has_napped = (unsigned long long)usage->ru_nvcsw >= way->sleeper.before + naps;
	return has_napped ? BETWEEN_NAPS : STEPPED;
}

/* The next stop of a victim that runs, or its sleep. */
static enum stop next_stop(struct way *way, enum pace pace)
{
	unsigned looks = 0, before = SLEEP_LOOKS + (way->is_roused ? AGAIN_LOOKS : 0);
	int options = act->rouse ? WNOHANG : 0;
	struct rusage usage;
	pid_t pid;

	while ((pid = wait_for_child(way->victim, &way->status, options, &usage)) == 0) {
		/* if it has stopped since, the next one who asks for its stop is told */
		if (looks > before && is_waiting(way))
			return ASLEEP;
		look_goes_on(&looks);
	}
	if (pid != way->victim || !WIFSTOPPED(way->status))
		return ENDED;
	return judge_stop(way, pace, &usage);
}

/* Until the next stop; who falls asleep before this step is roused.  ASLEEP: it stays so. */
static enum stop go_on(struct way *way, enum pace pace, unsigned until)
{
	set_going(way, pace);
	enum stop stop = next_stop(way, pace);

	if (stop == STEPPED || stop == ENDED)
		return stop;
	if (way->is_roused)
		return ASLEEP;
	count_step(way, true);
	if (way->steps == until)
		return ASLEEP;
	if (stop == ASLEEP)
		see_how_one_sleeps(way->victim);
	act->rouse();
	hold_who_naps();
	way->is_roused = true;
	way->sleeper = sleeper_from_now(way->victim);
	return stop == ASLEEP ? next_stop(way, pace) : STEPPED;
}

/* As far as this step, if there's a way to it; else it has stopped earlier. */
static enum stop leap(struct way *way, unsigned to)
{
	uintptr_t place = course_of_first[to];
	long was;

	if (place == NOWHERE || !put_breakpoint(way->victim, place, &was))
		return STEPPED;
	enum stop stop = go_on(way, WITHOUT_A_STOP, 0);

	if (stop == STEPPED && take_breakpoint(way->victim, place, was))
		way->steps = to;
	return stop;
}

static void judge_crash(const struct way *way)
{
	if (WIFSIGNALED(way->status))
		scene_end(FAIL, HOW_CRASH, "%s was killed by signal %d after %u instructions",
			  act->name, WTERMSIG(way->status), way->steps);
}

/* It has ended by itself, and has been waited for. */
static void judge_end(const struct way *way)
{
	judge_crash(way);
	if (way->is_first)
		skip("a process that is stepped here does not stop");
	if (!course->done)
		scene_end(ERROR, HOW_PLAIN, "%s has exited", act->name);
}

static double in_turns(unsigned turns)
{
	return seconds_now() + patience(turns) * TURN_MS / 1e3;
}

/* Lets the victim go so many steps of the act, or as many as there are, or as there is time for. */
static enum stop go(struct way *way, unsigned steps)
{
	enum stop stop = leaps && leaps[steps] ? leap(way, leaps[steps]) : STEPPED;
	double until = in_turns(LONG_TURNS);

	for (unsigned all = 0; stop == STEPPED && way->steps < steps && !course->done; all++) {
		if (seconds_now() >= until)
			break;
		if (all == MOST_STEPS) {
			end_child(way->victim);
			skip("%s has not come to its end after %d instructions", act->name,
			     MOST_STEPS);
		}
		stop = go_on(way, A_STEP, steps);
		if (stop == STEPPED && course->entered)
			count_step(way, false);
	}
	return stop;
}

/* The victim stands still, and what is to happen meanwhile does; then it goes on to its end. */
static void hold(struct way *way)
{
	act->meanwhile();
	ptrace(PTRACE_DETACH, way->victim, NULL, (void *)(intptr_t)signal_of(way->status));
	if (!child_ends(way->victim, &way->status))
		scene_end(FAIL, HOW_PLAIN, "held after %u instructions %s comes to no end",
			  way->steps, act->name);
	judge_crash(way);
}

/* One victim, from its birth to the audit.  Returns how many steps it has gone. */
static unsigned live_and_die(unsigned steps)
{
	char place[300];

	act->prepare();
	course->entered = course->done = 0;
	struct way way = {.victim = begin_victim(), .is_first = !leaps};
	way.sleeper = sleeper_from_now(way.victim);
	if (act->beside)
		act->beside();
	enum stop stop = go(&way, steps);
	uintptr_t last = stop == ENDED ? NOWHERE : stopped_at(way.victim);

	if (stop == ENDED)
		judge_end(&way);
	else if (act->meanwhile)
		hold(&way);
	else
		end_child(way.victim);
	let_go_whom_one_holds();
	struct death death = {course->done, course->result, way.is_roused};
	const char *complaint = act->audit(&death), *what = act->meanwhile ? "held" : "killed";

	if (!complaint)
		return way.steps;
	describe_place(last, place, sizeof(place));
	if (death.came_through && !act->meanwhile)
		scene_end(FAIL, HOW_PLAIN, "%s after all of %s: %s", what, act->name, complaint);
	scene_end(FAIL, HOW_PLAIN, "%s after %u instructions of %s%s, at %s: %s", what, way.steps,
		  act->name, way.is_roused ? ", its sleep one of them" : "", place, complaint);
}

/* -- all of them ---------------------------------------------------------------------------- */

/* A controller and whom it steps are fastest on one processor. */
static void stay_on_this_processor(cpu_set_t *before)
{
	int here = sched_getcpu();
	cpu_set_t one;

	if (sched_getaffinity(0, sizeof(*before), before) < 0)
		CPU_ZERO(before);
	if (here < 0 || CPU_COUNT(before) == 0)
		return;
	CPU_ZERO(&one);
	CPU_SET((size_t)here, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static int by_place(const void *one, const void *other)
{
	unsigned a = *(const unsigned *)one, b = *(const unsigned *)other;

	if (course_of_first[a] != course_of_first[b])
		return course_of_first[a] < course_of_first[b] ? -1 : 1;
	return a < b ? -1 : a > b;
}

/*
 * After which of the first victim's steps others are killed: before the first and the last time of
 * each instruction, or all where places can't be told.  Notes the leaps.
 */
static unsigned choose_points(unsigned *points, unsigned steps)
{
	unsigned count = 0;

	for (unsigned i = 0; i < steps; i++)
		points[i] = i + 1;
	qsort(points, steps, sizeof(*points), by_place);
	for (unsigned i = 0; i < steps; i++) {
		uintptr_t place = course_of_first[points[i]];
		bool is_first = i == 0 || course_of_first[points[i - 1]] != place,
		     is_last = i + 1 == steps || course_of_first[points[i + 1]] != place;

		if (is_first && place != NOWHERE && place != IN_ITS_SLEEP)
			leaps[points[i]] = points[i];
		if (is_first || is_last || place == NOWHERE)
			points[count++] = points[i];
	}
	for (unsigned i = 1; i <= steps; i++)
		if (!leaps[i])
			leaps[i] = leaps[i - 1];
	return count;
}

static unsigned greatest_common_divisor(unsigned a, unsigned b)
{
	return b ? greatest_common_divisor(b, a % b) : a;
}

/*
 * Of so many points one after the other, each once, from where the seed says: as far from those
 * before as can be, so that those that there was no time for are spread over all.
 */
static unsigned nth_of(unsigned nth, unsigned all)
{
	unsigned stride = (unsigned)(all * 0.618) + 1;

	while (greatest_common_divisor(stride, all) != 1)
		stride++;
	return (unsigned)((test_seed() % all + (uint64_t)nth * stride) % all);
}

static void *reserve(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		scene_end(ERROR, HOW_ENVIRONMENT, "no memory: %s", strerror(errno));
	return memory;
}

/* What the director is told of it. */
enum { STEPS_WORD = SHARED_WORDS - 3, POINTS_WORD, STOPS_WORD };

/* How many steps it has. */
static unsigned course_of_the_first(void)
{
	double until = in_turns(ENOUGH_TURNS);
	unsigned steps, victims = 0;

	do
		steps = live_and_die(MOST_STEPS + 1);
	while (!course->done && ++victims < FIRST_VICTIMS && seconds_now() < until);
	if (steps == 0)
		skip("%s can't be begun in time where each step takes so long", act->name);
	/* the last step of who comes through is to say so */
	return steps - 1;
}

static void stop_at_each_point(void)
{
	course_of_first = reserve(MOST_STEPS + 1, sizeof(*course_of_first));
	unsigned steps = course_of_the_first();
	unsigned *points = reserve(steps + 1, sizeof(*points));

	leaps = reserve(steps + 1, sizeof(*leaps));
	unsigned count = choose_points(points, steps);

	shared()[STEPS_WORD] = steps;
	shared()[POINTS_WORD] = count;
	double until = in_turns(ENOUGH_TURNS);

	for (unsigned i = 0; i < count && seconds_now() < until; i++) {
		live_and_die(points[nth_of(i, count)]);
		shared()[STOPS_WORD] += act->meanwhile || !course->done;
	}
	free(points);
	free(leaps);
	free(course_of_first);
	leaps = NULL;
}

/* n[0]: where the act is. */
static long long stop_after_each(const char *text, const long long *n)
{
	cpu_set_t processors;

	act = (const struct last_act *)(intptr_t)n[0];
	course = mmap(NULL, sizeof(*course), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (course == MAP_FAILED)
		scene_end(ERROR, HOW_ENVIRONMENT, "no memory: %s", strerror(errno));
	attend(act->name);
	if (act->rouse)
		require_sight();
	if (act->enter)
		act->enter(text);
	stay_on_this_processor(&processors);
	stop_at_each_point();
	if (CPU_COUNT(&processors))
		sched_setaffinity(0, sizeof(processors), &processors);
	munmap(course, sizeof(*course));
	return 0;
}

void stage_is_stopped_after_each_instruction(actor *a, const char *text,
					     const struct last_act *what)
{
	stage_does(a, call(stop_after_each, text, (intptr_t)what, 0, 0));
	remark("%lu %s at %lu instructions, of %lu steps", shared()[STOPS_WORD],
	       what->meanwhile ? "halts" : "kills", shared()[POINTS_WORD], shared()[STEPS_WORD]);
}
