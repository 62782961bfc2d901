/* SPDX-License-Identifier: MIT */
#include "race/play.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "race/stand.h"
#include "race/turns.h"

/* -- processes -------------------------------------------------------------------------------- */

void stand_be_harmless(void)
{
	struct rlimit limit = {BOX_SECONDS * 10, BOX_SECONDS * 10 + 1};

#ifdef PR_SET_PDEATHSIG
	prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	setrlimit(RLIMIT_CPU, &limit);
	signal(SIGALRM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
}

unsigned stand_find_dead(const pid_t *workers, unsigned count)
{
	int status;

	for (unsigned i = 0; i < count; i++)
		if (workers[i] > 0 && waitpid(workers[i], &status, WNOHANG) == workers[i])
			return i;
	return NOBODY;
}

/* Those who take turns are faster on one processor. */
static void stay_on_one(void)
{
#ifdef CPU_SETSIZE
	cpu_set_t set, one;
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return;
	while (cpu > 0 && !CPU_ISSET(cpu, &set))
		cpu--;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
#endif
}

/* -- the box ---------------------------------------------------------------------------------- */

static void remove_worlds(struct stand *stand)
{
	for (; stand->made > 0; stand->made--)
		if (stand->race->remove)
			stand->race->remove(world_of(stand, stand->made - 1));
}

static bool make_worlds(struct stand *stand)
{
	memset(stand->bytes, 0, stand->worlds * stand->world_size);
	while (stand->made < stand->worlds) {
		errno = 0;
		if (!stand->race->make(world_of(stand, stand->made))) {
			snprintf(stand->tally->trouble, sizeof(stand->tally->trouble),
				 "the world can't be made: %s", strerror(errno));
			return false;
		}
		stand->made++;
	}
	return true;
}

static _Noreturn void play_in_box(struct stand *stand)
{
	bool by_turns = stand->wish->way == BY_TURNS;
	pid_t workers[RACE_ROLES_MAX];
	enum box_end end = BOX_BROKEN;
	unsigned begun = 0;

	stand_be_harmless();
	if (by_turns)
		stay_on_one();
	atomic_store(&stand->batch, 0);
	if (!make_worlds(stand)) {
		remove_worlds(stand);
		_exit(BOX_SKIPPED);
	}
	for (; begun < stand->roles; begun++) {
		workers[begun] = fork();
		if (workers[begun] == 0)
			(by_turns ? stand_play_turns : stand_play_at_once)(stand, begun);
		if (workers[begun] < 0)
			break;
	}
	if (begun == stand->roles)
		end = by_turns ? stand_run_turns(stand, workers)
			       : stand_run_at_once(stand, workers);
	for (unsigned i = 0; i < begun; i++)
		if (workers[i] > 0)
			kill(workers[i], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	remove_worlds(stand);
	_exit((int)end);
}

static volatile sig_atomic_t interrupted;

static void note_signal(int number)
{
	interrupted = number;
}

int race_interrupted(void)
{
	return interrupted;
}

static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
enum { ENDS = sizeof(ends) / sizeof(ends[0]) };

/* Whoever ends this process is not to leave worlds behind. */
static void handle_ends(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler}, before;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ENDS; i++)
		if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(ends[i], &action, NULL);
}

/* The box has been killed: by its alarm, if there was no end to what it asked for. */
static void note_killed_box(struct stand *stand, int status)
{
	long long never = NEVER;

	if (stand->is_after && WIFSIGNALED(status)) {
		stand_count(stand, stand->answers[0], &never, stand->wish->way == BY_TURNS);
	} else {
		snprintf(stand->tally->trouble, sizeof(stand->tally->trouble),
			 "who played it was killed by signal %d", WTERMSIG(status));
		stand->tally->is_broken = true;
	}
	remove_worlds(stand);
}

/* False: it's over. */
static bool play_box(struct stand *stand)
{
	int status;
	pid_t box = fork();

	if (box == 0) {
		handle_ends(SIG_DFL);
		play_in_box(stand);
	}
	if (box < 0) {
		snprintf(stand->tally->trouble, sizeof(stand->tally->trouble), "fork: %s",
			 strerror(errno));
		stand->tally->is_broken = true;
		return false;
	}
	while (waitpid(box, &status, 0) < 0 && errno == EINTR)
		if (interrupted)
			kill(box, SIGKILL);
	if (!WIFEXITED(status)) {
		note_killed_box(stand, status);
		return false;
	}
	if (WEXITSTATUS(status) == BOX_BROKEN) {
		snprintf(stand->tally->trouble, sizeof(stand->tally->trouble), "no processes");
		stand->tally->is_broken = true;
	}
	return WEXITSTATUS(status) == BOX_AGAIN && !interrupted;
}

static void prepare_engine(const struct race *race, const struct race_wish *wish)
{
	engine_init(&turns->engine, wish->engine, wish->seed);
	turns->engine.kills = wish->kills;
	turns->engine.shadowed = wish->kills > 0 || race->stores > 0;
	turns->stores = race->stores;
	if (wish->bound)
		turns->engine.bound = wish->bound;
	if (wish->depth)
		turns->engine.depth = wish->depth;
	if (wish->schedule)
		turns->engine.schedule = *wish->schedule;
}

struct race_tally *race_tally_make(void)
{
	struct race_tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return tally == MAP_FAILED ? NULL : tally;
}

void race_tally_free(struct race_tally *tally)
{
	munmap(tally, sizeof(*tally));
}

void race_play(const struct race *race, const struct race_wish *wish, struct race_tally *tally)
{
	unsigned worlds = wish->way == BY_TURNS ? 1 : STAND_WORLDS_MAX;
	size_t world_size = (race->world + 63) / 64 * 64;
	size_t size = sizeof(struct stand) + worlds * world_size;
	struct stand *stand =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*tally = (struct race_tally){0};
	signal(SIGCHLD, SIG_DFL); /* or else nobody learns how they end */
	handle_ends(note_signal);
	if (interrupted)
		return;
	if (stand == MAP_FAILED || (!turns && !turns_make())) {
		snprintf(tally->trouble, sizeof(tally->trouble), "no memory");
		tally->is_broken = true;
		return;
	}
	stand->race = race;
	stand->wish = wish;
	stand->tally = tally;
	stand->roles = race_role_count(race);
	stand->began = now();
	stand->worlds = worlds;
	stand->world_size = world_size;
	prepare_engine(race, wish);
	while (play_box(stand))
		continue;
	tally->is_exhausted = wish->way == BY_TURNS && turns->engine.exhausted;
	tally->longest = turns->engine.longest;
	tally->widest = turns->engine.widest;
	munmap(stand, size);
}
