/* SPDX-License-Identifier: MIT */
/* Runs: each begun, watched, judged and cleared away. */
#include "sched/explore.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sched/futex.h"
#include "sched/guardian.h"
#include "sched/leftover.h"
#include "sched/process.h"
#include "sched/runtime.h"
#include "sched/schedule.h"
#include "sched/story.h"

/* Nanoseconds between two looks at whoever has the turn. */
enum { LOOK_EVERY = 20000000, LOOK_EVERY_MS = LOOK_EVERY / 1000000 };
enum { START_SECONDS = 10, POINT_SECONDS = 5, DEATH_MILLISECONDS = 5000, CLEAR_LOOKS = 500 };
enum { CLEAR_LOOK_NANOSECONDS = 2000000 };
/* A process that is asleep in so many looks in a row, without a step, won't wake by itself. */
enum { SLEEPING_LOOKS = 25 };
enum { RACE_STATUS = 66, NOT_BEGUN = 127 };
enum { MINIMISING_RUNS = 2000, MINIMISING_SECONDS = 20 };

static const struct {
	const char *name;
	bool fails;
} endings[ENDINGS] = {
	[ENDING_NONE] = {"none", false},
	[ENDING_DONE] = {"done", false},
	[ENDING_STATUS] = {"exit status", true},
	[ENDING_CRASH] = {"crash", true},
	[ENDING_ASSERTION] = {"failed assertion", true},
	[ENDING_DEADLOCK] = {"deadlock", true},
	[ENDING_LIVELOCK] = {"livelock", true},
	[ENDING_STEPS] = {"too many steps", false},
	[ENDING_TIME] = {"too much time", true},
	[ENDING_UNKNOWN_CALL] = {"unknown call", false},
	[ENDING_RACE] = {"data race", true},
	[ENDING_TROUBLE] = {"trouble", false},
	[ENDING_REFUSED] = {"refused call", false},
};

bool ending_fails(enum ending ending)
{
	return endings[ending].fails;
}

const char *ending_name(enum ending ending)
{
	return endings[ending].name;
}

bool ending_find(const char *name, enum ending *ending)
{
	for (unsigned e = 0; e < ENDINGS; e++)
		if (strcmp(name, endings[e].name) == 0) {
			*ending = e;
			return true;
		}
	return false;
}

bool run_ends_alike(const struct run_end *one, const struct run_end *other)
{
	return one->ending == other->ending &&
	       (one->ending != ENDING_ASSERTION || strcmp(one->reason, other->reason) == 0) &&
	       ((one->ending != ENDING_CRASH && one->ending != ENDING_STATUS) ||
		one->status == other->status);
}

static bool refuse_exploration(struct exploration *exploration, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse_exploration(struct exploration *exploration, const char *format, ...)
{
	va_list rest;

	if (exploration->refusal[0])
		return false;
	va_start(rest, format);
	vsnprintf(exploration->refusal, sizeof(exploration->refusal), format, rest);
	va_end(rest);
	return false;
}

static int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static double seconds_since(int64_t began)
{
	return (double)(clock_now() - began) / 1e9;
}

/* ---- the program, up to before its main ---- */

static cpu_set_t all_processors;

/* Whoever hands over and whoever goes on are on one processor: a switch costs a fraction, there. */
static void pin(void)
{
	cpu_set_t one;
	int processor = sched_getcpu();

	CPU_ZERO(&one);
	CPU_SET(processor < 0 ? 0 : processor, &one);
	sched_getaffinity(0, sizeof(all_processors), &all_processors);
	sched_setaffinity(0, sizeof(one), &one);
}

static void quiet_detector(void)
{
	const char *options = getenv("IPCTS_RACE_OPTIONS");
	char *quiet = NULL;

	if (asprintf(&quiet, "%s%sdetect=0", options ? options : "",
		     options && *options ? ":" : "") > 0)
		setenv("IPCTS_RACE_OPTIONS", quiet, 1);
	free(quiet);
}

static _Noreturn void become_program(const struct exploration *exploration, const char *path)
{
	int null = open("/dev/null", O_RDONLY);

	dup2(null, STDIN_FILENO);
	if (exploration->output >= 0) {
		dup2(exploration->output, STDOUT_FILENO);
		dup2(exploration->output, STDERR_FILENO);
	}
	personality(ADDR_NO_RANDOMIZE);
	if (!exploration->detects)
		quiet_detector();
	execv(path, exploration->arguments);
	_exit(NOT_BEGUN);
}

static const char *why_it_ended(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_BEGUN)
		return "%s: it can't be executed";
	if (WIFEXITED(status) && WEXITSTATUS(status) == ARENA_REFUSED)
		return "%s: built with another version of ipcts-cc";
	return "%s: it ended before its main began";
}

static bool server_comes(struct exploration *exploration)
{
	const char *name = exploration->arguments[0];
	int64_t began = clock_now();

	while (atomic_load(&arena->server) == SERVER_STARTING) {
		schedule_watch(LOOK_EVERY);
		if (seconds_since(began) > START_SECONDS * exploration->patience)
			return refuse_exploration(exploration, "%s: it doesn't come to its main",
						  name);
	}
	if (atomic_load(&arena->server) == SERVER_ENDED)
		return refuse_exploration(exploration, why_it_ended(arena->server_status), name);
	return true;
}

/* ---- its guardian ---- */

static bool server_is(enum server_state state)
{
	return atomic_load(&arena->server) == (uint32_t)state;
}

static struct guardian guardian;

static void kill_actors(void)
{
	for (unsigned actor = 0; actor < atomic_load(&arena->actors); actor++) {
		pid_t pid = atomic_load(&arena->actor[actor].pid);
		if (pid > 0 && atomic_load(&arena->actor[actor].state) != ACTOR_GONE)
			kill(pid, SIGKILL);
	}
}

/* Until the explorer is gone.  The server, or 0: it has ended before it was one. */
static pid_t watch_over(int ends, pid_t server)
{
	uint32_t starting = SERVER_STARTING;
	int status = NOT_BEGUN << 8;

	while (!guardian_sees_the_end(ends, server_is(SERVER_STARTING) ? LOOK_EVERY_MS : -1)) {
		if (server > 0 && waitpid(server, &status, WNOHANG) != server)
			continue;
		arena->server_status = status;
		atomic_compare_exchange_strong(&arena->server, &starting, SERVER_ENDED);
		server = 0;
	}
	return server;
}

/* No process is left, of whatever run: all descend from this one, and are its children at last. */
static void end_all(pid_t server, bool in_run)
{
	for (unsigned looks = 0; looks < CLEAR_LOOKS; looks++) {
		pid_t collected;

		if (server > 0)
			kill(server, SIGKILL);
		if (in_run)
			kill_actors();
		process_kill_children(getpid());
		while ((collected = waitpid(-1, NULL, WNOHANG)) > 0)
			if (collected == server)
				server = 0;
		if (collected < 0)
			return;
		nanosleep(&(struct timespec){0, CLEAR_LOOK_NANOSECONDS}, NULL);
	}
}

struct guarded {
	const struct exploration *exploration;
	const char *path;
};

/*
 * The program is the guardian's child, so that nothing of it is lost when the explorer is killed.
 * Who has the turn then comes to its next point, or at least past what it is making.
 */
static void guard(int ends, void *argument)
{
	const struct guarded *guarded = argument;

	atomic_store(&arena->guardian_pid, getpid());
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid_t server = fork();
	if (server == 0)
		become_program(guarded->exploration, guarded->path);
	guardian_hide();
	server = watch_over(ends, server);
	bool in_run = server_is(SERVER_ASKED) || server_is(SERVER_BUSY);
	if (in_run) {
		schedule_end(ENDING_TROUBLE, NOBODY, "the explorer is gone");
		leftover_settle();
	}
	end_all(server, in_run);
	leftover_remove(false);
}

static void set_engine(const struct exploration *exploration, enum engine_kind kind)
{
	engine_init(&arena->engine, kind, exploration->seed);
	arena->engine.shadowed = exploration->stores || exploration->kills;
	arena->engine.kills = exploration->kills;
}

bool explore_start(struct exploration *exploration)
{
	char path[MODULE_PATH_MAX];
	const char *name = exploration->arguments[0];
	bool noisy = exploration->engine == ENGINE_NOISE;

	exploration->output = -1;
	exploration->began = clock_now();
	if (!executable_path(name, path))
		return refuse_exploration(exploration, "%s: no such program", name);
	if (!executable_is_ours(path))
		return refuse_exploration(exploration, "%s: not built with ipcts-cc", name);
	if (!exploration->shows) {
		int fd = memfd_create("output", MFD_CLOEXEC);
		if (fd >= 0)
			fcntl(fd, F_SETFL, O_APPEND);
		exploration->output = fd;
	}
	if (!arena_make(noisy ? MODE_NOISY : MODE_SCHEDULED))
		return refuse_exploration(exploration, "no memory to share: %s", strerror(errno));
	arena->budget = exploration->budget;
	arena->stores = exploration->stores;
	atomic_store(&arena->explorer_pid, getpid());
	arena_export();
	set_engine(exploration, exploration->engine);
	arena->engine.bound = exploration->bound;
	arena->engine.depth = exploration->depth;
	arena->engine.reduces = exploration->reduces && exploration->engine == ENGINE_EVERY;
	if (!noisy)
		pin();
	fflush(NULL);
	struct guarded guarded = {exploration, path};
	if (!guardian_post(&guardian, guard, &guarded))
		return refuse_exploration(exploration, "fork: %s", strerror(errno));
	return server_comes(exploration);
}

void explore_stop(struct exploration *exploration)
{
	if (guardian_dismiss(&guardian)) {
		if (CPU_COUNT(&all_processors))
			sched_setaffinity(0, sizeof(all_processors), &all_processors);
	}
	if (exploration->output >= 0)
		close(exploration->output);
	exploration->output = -1;
}

/* ---- a run ---- */

static bool begin(struct exploration *exploration)
{
	int64_t began = clock_now();

	schedule_reset();
	atomic_store(&arena->actors, 0);
	arena_enter(NOBODY);
	engine_begin(&arena->engine);
	if (exploration->output >= 0 && ftruncate(exploration->output, 0) < 0)
		return refuse_exploration(exploration, "what it prints: %s", strerror(errno));
	atomic_store(&arena->server, SERVER_ASKED);
	futex_rouse(&arena->server);
	while (server_is(SERVER_ASKED)) {
		schedule_watch(LOOK_EVERY);
		if (seconds_since(began) > START_SECONDS * exploration->patience)
			return refuse_exploration(exploration, "%s: its server doesn't fork",
						  exploration->arguments[0]);
	}
	if (server_is(SERVER_REFUSED))
		return refuse_exploration(exploration, "%s: it can't fork",
					  exploration->arguments[0]);
	if (arena->mode & MODE_SCHEDULED) {
		schedule_admit(0);
		schedule_go_on(NOBODY);
	}
	return true;
}

static bool is_crash(int status)
{
	if (!WIFSIGNALED(status))
		return false;
	switch (WTERMSIG(status)) {
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGABRT:
	case SIGSYS:
	case SIGTRAP:
	case SIGXCPU:
		return true;
	default:
		return false;
	}
}

/* What a death says of the run. */
static void judge_death(unsigned actor, int status)
{
	arena->actor[actor].status = status;
	if (is_crash(status))
		schedule_end(ENDING_CRASH, actor, "process %u was killed by signal %d (%s)", actor,
			     WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WIFEXITED(status) && WEXITSTATUS(status) == RACE_STATUS)
		schedule_end(ENDING_RACE, actor, "process %u has found a data race", actor);
	else if (actor == 0 && status != 0)
		schedule_end(ENDING_STATUS, actor,
			     WIFEXITED(status) ? "the program's exit status is %d"
					       : "the program was killed by signal %d",
			     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static unsigned dying(void)
{
	for (unsigned actor = 0; actor < atomic_load(&arena->actors); actor++)
		if (atomic_load(&arena->actor[actor].state) == ACTOR_DYING)
			return actor;
	return NOBODY;
}

/* It has given the turn to the explorer, or it died while it had it. */
static bool bury(struct exploration *exploration, unsigned actor)
{
	int status = -1;

	if (!process_await_death(atomic_load(&arena->actor[actor].pid),
				 (int)(DEATH_MILLISECONDS * exploration->patience), &status)) {
		schedule_end(ENDING_TIME, actor, "process %u doesn't come to its end", actor);
		return false;
	}
	if (status < 0) /* the server knows, then, or its parent has heard */
		status = arena->actor[actor].status;
	judge_death(actor, status);
	if (atomic_load(&arena->ending) != ENDING_NONE)
		return false;
	schedule_buried(actor);
	return true;
}

/* How long the one who has the turn has not come to a point, and what it did meanwhile. */
struct vigil {
	unsigned holder;
	uint32_t steps;
	unsigned sleeping;
	int64_t since;
};

static void look(struct exploration *exploration, struct vigil *vigil)
{
	unsigned holder = atomic_load(&arena->holder);

	if (holder != vigil->holder || arena->steps != vigil->steps) {
		*vigil = (struct vigil){holder, arena->steps, 0, clock_now()};
		return;
	}
	if (holder == NOBODY)
		return;
	pid_t pid = atomic_load(&arena->actor[holder].pid);
	if (process_is_dead(pid, NULL)) {
		/* without a word: by a signal */
		if (bury(exploration, holder))
			schedule_go_on(arena->running);
		return;
	}
	char state = process_state(pid);
	if (state == 't' || state == 'T') { /* somebody debugs it */
		vigil->since = clock_now();
		return;
	}
	vigil->sleeping = state == 'S' ? vigil->sleeping + 1 : 0;
	if (vigil->sleeping > SLEEPING_LOOKS * exploration->patience) {
		char call[64];
		process_call(pid, call, sizeof(call));
		schedule_end(ENDING_UNKNOWN_CALL, holder,
			     "process %u sleeps in %s, a call the runtime doesn't know", holder,
			     call);
	} else if (seconds_since(vigil->since) > POINT_SECONDS * exploration->patience)
		schedule_end(ENDING_TIME, holder,
			     "process %u runs without an end, and shares nothing", holder);
}

static void watch(struct exploration *exploration)
{
	struct vigil vigil = {NOBODY, 0, 0, clock_now()};

	while (atomic_load(&arena->ending) == ENDING_NONE) {
		if (!schedule_watch(LOOK_EVERY)) {
			look(exploration, &vigil);
			continue;
		}
		unsigned actor = dying();
		if (actor == NOBODY || atomic_load(&arena->holder) != NOBODY)
			continue;
		if (bury(exploration, actor))
			schedule_go_on(arena->running);
	}
}

/* Nobody has turns: until all are gone. */
static void watch_noise(struct exploration *exploration)
{
	int64_t began = clock_now();

	while (!server_is(SERVER_IDLE) && atomic_load(&arena->ending) == ENDING_NONE) {
		schedule_watch(LOOK_EVERY);
		if (seconds_since(began) > START_SECONDS * exploration->patience)
			schedule_end(ENDING_TIME, NOBODY, "it hasn't ended after %g seconds",
				     START_SECONDS * exploration->patience);
	}
	if (server_is(SERVER_IDLE)) {
		judge_death(0, arena->actor[0].status);
		schedule_end(ENDING_DONE, NOBODY, "all have ended");
	}
}

/* All that is left of the run is killed, and collected by the server. */
static bool clear(struct exploration *exploration)
{
	for (unsigned looks = 0; !server_is(SERVER_IDLE); looks++) {
		kill_actors();
		if (looks > 0)
			process_kill_children(arena->server_pid);
		if (looks > CLEAR_LOOKS * exploration->patience)
			return refuse_exploration(exploration, "%s: a run can't be cleared away",
						  exploration->arguments[0]);
		if (!server_is(SERVER_IDLE))
			schedule_watch(LOOK_EVERY);
	}
	return true;
}

static bool refuse_call(struct exploration *exploration, const struct run_end *result)
{
	char place[STORY_PLACE_MAX];

	story_place(&arena->next[result->actor], place);
	return refuse_exploration(exploration, "%s: %s: %s", exploration->arguments[0], place,
				  result->reason);
}

bool explore_run(struct exploration *exploration, struct run_end *result)
{
	if (!begin(exploration))
		return false;
	if (arena->mode & MODE_SCHEDULED)
		watch(exploration);
	else
		watch_noise(exploration);
	if (!clear(exploration))
		return false;
	/* who ends by himself knows what is to stay; who was killed didn't come to removing it */
	leftover_remove(atomic_load(&arena->ending) == ENDING_DONE);
	*result = (struct run_end){
		.ending = atomic_load(&arena->ending),
		.actor = atomic_load(&arena->ended_by),
		.status = arena->actor[0].status,
		.spun = arena->spun,
		.steps = arena->steps,
		.hash = arena->hash,
	};
	snprintf(result->reason, sizeof(result->reason), "%s", arena->reason);
	if (result->ending == ENDING_CRASH && result->actor < ACTORS_MAX)
		result->status = arena->actor[result->actor].status;
	if (result->ending == ENDING_TROUBLE || result->ending == ENDING_UNKNOWN_CALL)
		return refuse_exploration(exploration, "%s: %s", exploration->arguments[0],
					  result->reason);
	if (result->ending == ENDING_REFUSED)
		return refuse_call(exploration, result);
	return true;
}

bool explore_again(struct exploration *exploration, const struct schedule *schedule,
		   struct run_end *result)
{
	set_engine(exploration, ENGINE_REPLAY);
	arena->engine.schedule.count = schedule->count;
	memcpy(arena->engine.schedule.directives, schedule->directives,
	       schedule->count * sizeof(schedule->directives[0]));
	return explore_run(exploration, result);
}

/* ---- many runs ---- */

static bool is_over(const struct exploration *exploration)
{
	return (exploration->runs && exploration->done >= exploration->runs) ||
	       (exploration->seconds > 0 &&
		seconds_since(exploration->began) >= exploration->seconds);
}

bool explore_search(struct exploration *exploration, struct run_end *found)
{
	bool another = true;

	while (another && !is_over(exploration)) {
		if (!explore_run(exploration, found))
			return false;
		exploration->done++;
		exploration->endings[found->ending]++;
		exploration->spun |= found->spun || found->ending == ENDING_STEPS;
		if (found->ending == ENDING_DONE && !arena->shared && arena->actors <= 1)
			return refuse_exploration(exploration,
						  "%s: it shares no memory, nor anything else",
						  exploration->arguments[0]);
		another = engine_next(&arena->engine);
		if (ending_fails(found->ending))
			return true;
	}
	exploration->exhausted = !another && arena->engine.exhausted && !exploration->spun;
	return false;
}

/* Without one directive, or another that is in its way: as long as the failure stays. */
unsigned explore_minimise(struct exploration *exploration, struct schedule *schedule,
			  struct run_end *found)
{
	static struct schedule attempt, taken;
	struct run_end result;
	unsigned runs = 0;
	int64_t began = clock_now();
	uint32_t chunk = schedule->count;

	while (chunk > 0) {
		bool shorter = false;
		for (uint32_t first = 0; first < schedule->count;) {
			uint32_t size =
				chunk < schedule->count - first ? chunk : schedule->count - first;
			attempt.count = schedule->count - size;
			attempt.shadowed = schedule->shadowed;
			memcpy(attempt.directives, schedule->directives,
			       first * sizeof(attempt.directives[0]));
			memcpy(attempt.directives + first, schedule->directives + first + size,
			       (attempt.count - first) * sizeof(attempt.directives[0]));
			if (++runs > MINIMISING_RUNS || seconds_since(began) > MINIMISING_SECONDS ||
			    !explore_again(exploration, &attempt, &result))
				return runs;
			taken.count = arena->taken.count;
			memcpy(taken.directives, arena->taken.directives,
			       taken.count * sizeof(taken.directives[0]));
			if (run_ends_alike(&result, found) && taken.count < schedule->count) {
				schedule->count = taken.count;
				memcpy(schedule->directives, taken.directives,
				       taken.count * sizeof(taken.directives[0]));
				*found = result;
				shorter = true;
			} else
				first += size;
		}
		if (!shorter || chunk > schedule->count)
			chunk = chunk == 1 && !shorter ? 0 : (chunk + 1) / 2;
		if (chunk > schedule->count)
			chunk = schedule->count;
	}
	return runs;
}

double pct_bound(unsigned actors, unsigned steps, unsigned depth)
{
	double bound = actors && steps ? 1.0 / actors : 0;

	for (unsigned change = 1; change < depth && bound > 0; change++)
		bound /= steps;
	return bound;
}

/* -ln(1 - x), for 0 <= x < 1, without the library of mathematics. */
static double minus_log_of_rest(double x)
{
	double sum = 0, power = x;

	for (unsigned term = 1; power / term > sum * 1e-12; term++, power *= x)
		sum += power / term;
	return sum;
}

double runs_needed(double probability_of_one, double probability)
{
	if (probability_of_one >= 1)
		return 1;
	double runs = minus_log_of_rest(probability) / minus_log_of_rest(probability_of_one);
	return runs < 1 ? 1 : runs;
}
