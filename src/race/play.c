/* SPDX-License-Identifier: MIT */
#include "race/play.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "race/hook.h"
#include "race/turns.h"
#include "report/baseline.h"

enum {
	BATCH = 64,	    /* worlds of those who all run at once */
	LOOK_MS = 50,	    /* between two looks after the dead */
	PATIENCE_MS = 5000, /* without any progress: it is for ever */
	BOX_SECONDS = 60,   /* of a run and its end, at most */
	SPINS = 300,
	PATIENCE_TURNS = 300, /* looks at whether others have come, too */
};

/* What a role answers besides. */
#define NEVER LLONG_MIN
#define DIED (LLONG_MIN + 1)
#define NO_ANSWER (LLONG_MIN + 2)
#define KILLED (LLONG_MIN + 3)

/* What the box, its roles and whoever made it share. */
struct stand {
	const struct race *race;
	const struct race_wish *wish;
	struct race_tally *tally;
	unsigned roles;
	unsigned worlds; /* how many there are */
	size_t world_size;
	double began;  /* a clock, at the first box */
	unsigned made; /* worlds that there's something to remove of */
	bool is_after; /* the box is asking what is left */
	_Atomic uint32_t batch, arrived;
	struct {
		_Alignas(64) _Atomic uint32_t instance;
	} at[RACE_ROLES_MAX];
	long long answers[BATCH][RACE_ROLES_MAX];
	char bytes[]; /* the worlds */
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double time_scale(void)
{
	const char *text = getenv("IPCTS_TIMEOUT_SCALE");
	double scale = text ? strtod(text, NULL) : 1;

	return scale > 0 ? scale : 1;
}

static void *world_of(struct stand *stand, unsigned index)
{
	return stand->bytes + index * stand->world_size;
}

/* -- outcomes --------------------------------------------------------------------------------- */

static size_t say_answer(char *text, size_t room, long long value)
{
	static const struct {
		int number;
		const char *name;
	} errors[] = {
		{EAGAIN, "EAGAIN"},
		{EBADF, "EBADF"},
		{EBUSY, "EBUSY"},
		{EEXIST, "EEXIST"},
		{EIDRM, "EIDRM"},
		{EINTR, "EINTR"},
		{EINVAL, "EINVAL"},
		{ENOENT, "ENOENT"},
		{ENOMSG, "ENOMSG"},
		{ENXIO, "ENXIO"},
		{EPIPE, "EPIPE"},
		{ETIMEDOUT, "ETIMEDOUT"},
		{ECONNREFUSED, "ECONNREFUSED"},
		{EBADMSG, "EBADMSG"},
	};

	if (value == NEVER)
		return (size_t)snprintf(text, room, "never");
	if (value == DIED)
		return (size_t)snprintf(text, room, "died");
	if (value == KILLED)
		return (size_t)snprintf(text, room, "killed");
	if (value == NO_ANSWER)
		return (size_t)snprintf(text, room, "?");
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (value == -errors[i].number)
			return (size_t)snprintf(text, room, "-%s", errors[i].name);
	return (size_t)snprintf(text, room, "%lld", value);
}

/* One who waits for ever, or has died, leaves nothing behind that could be asked for. */
static void say_outcome(const struct race *race, const long long *answers, unsigned roles,
			const long long *after, bool is_late, char text[RACE_OUTCOME_MAX])
{
	size_t size = 0;

	text[0] = '\0';
	for (unsigned role = 0; role < roles && size + 24 < RACE_OUTCOME_MAX; role++) {
		if (role)
			text[size++] = ' ';
		size += say_answer(text + size, RACE_OUTCOME_MAX - size, answers[role]);
	}
	if (race->after && after && size + 28 < RACE_OUTCOME_MAX) {
		size += (size_t)snprintf(text + size, RACE_OUTCOME_MAX - size, " | ");
		size += say_answer(text + size, RACE_OUTCOME_MAX - size, *after);
	}
	if (is_late)
		snprintf(text + size, RACE_OUTCOME_MAX - size, " late");
}

static struct race_seen *find_outcome(const struct race *race, struct race_tally *tally,
				      const char *outcome)
{
	struct race_seen *seen = tally->seen;

	while (seen < tally->seen + tally->seen_count && strcmp(seen->outcome, outcome) != 0)
		seen++;
	if (seen < tally->seen + tally->seen_count)
		return seen;
	if (tally->seen_count == RACE_SEEN_MAX) { /* the last stands for all others */
		seen = &tally->seen[RACE_SEEN_MAX - 1];
		seen->grade = FORBIDDEN;
		return seen;
	}
	tally->seen_count++;
	*seen = (struct race_seen){.run = tally->runs};
	snprintf(seen->outcome, sizeof(seen->outcome), "%s", outcome);
	for (unsigned i = 0; i < RACE_OUTCOMES_MAX && race->outcomes[i].outcome; i++)
		if (glob_matches(race->outcomes[i].outcome, outcome)) {
			seen->grade = race->outcomes[i].grade;
			seen->why = race->outcomes[i].why;
			break;
		}
	return seen;
}

static void keep_story(struct race_tally *tally)
{
	tally->schedule = turns->taken;
	tally->steps = 0;
	for (unsigned i = 0; i < turns->traced && tally->steps < RACE_STORY_MAX; i++)
		tally->story[tally->steps++] = (struct race_step){
			turns->trace[i].what, turns->trace[i].pc, turns->trace[i].role};
}

static bool is_looked_for(const struct race_wish *wish, const char *outcome)
{
	return wish->outcome && strcmp(wish->outcome, outcome) == 0;
}

/* Whether it is forbidden. */
static bool count_outcome(struct stand *stand, const long long *answers, const long long *after,
			  bool by_turns)
{
	struct race_tally *tally = stand->tally;
	char outcome[RACE_OUTCOME_MAX];

	say_outcome(stand->race, answers, stand->roles, after, by_turns && turns->is_late, outcome);
	tally->runs++;

	struct race_seen *seen = find_outcome(stand->race, tally, outcome);
	seen->times++;
	if (seen->grade != FORBIDDEN)
		return false;
	if (tally->forbidden++ > 0 && !is_looked_for(stand->wish, outcome))
		return true;
	snprintf(tally->outcome, sizeof(tally->outcome), "%s", outcome);
	if (by_turns)
		keep_story(tally);
	return true;
}

/* -- processes -------------------------------------------------------------------------------- */

/* Who runs away, or is left alone, ends by itself. */
static void be_harmless(void)
{
	struct rlimit limit = {BOX_SECONDS * 10, BOX_SECONDS * 10 + 1};

#ifdef PR_SET_PDEATHSIG
	prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	setrlimit(RLIMIT_CPU, &limit);
	signal(SIGALRM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
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

/* Who waits for a long while, without a kernel's help: nanoseconds, more and more of them. */
static void wait_a_little(unsigned *looks)
{
	struct timespec pause = {0, 50000};

	if (++*looks < SPINS)
		sched_yield();
	else
		nanosleep(&pause, NULL);
}

/* -- by turns --------------------------------------------------------------------------------- */

static void play_turns(struct stand *stand, unsigned role)
{
	be_harmless();
	race_hook_points(stand->wish->at_accesses, 0);
	turns_become(role);
	for (;;) {
		turns_enter();
		long long value = stand->race->roles[role].play(world_of(stand, 0));
		stand->answers[0][role] = value;
		turns_leave();
	}
}

/* The role whose process has ended, if one has. */
static unsigned find_dead(const pid_t *workers, unsigned count)
{
	int status;

	for (unsigned i = 0; i < count; i++)
		if (workers[i] > 0 && waitpid(workers[i], &status, WNOHANG) == workers[i])
			return i;
	return NOBODY;
}

static bool is_wanted(const struct stand *stand, double begin)
{
	const struct race_wish *wish = stand->wish;
	const struct race_tally *tally = stand->tally;

	if (wish->ends_at_first && tally->forbidden &&
	    (!wish->outcome || is_looked_for(wish, tally->outcome)))
		return false;
	return tally->runs < wish->runs && now() - begin < wish->seconds;
}

/* What it leaves behind is there once it is dead. */
static void kill_role(struct stand *stand, pid_t *workers, unsigned role)
{
	kill(workers[role], SIGKILL);
	waitpid(workers[role], NULL, 0);
	workers[role] = 0;
	stand->answers[0][role] = KILLED;
	turns_bury(role, race_hook_is_orphan);
}

/* Until the run is over, or a role has died of itself. */
static unsigned watch_turns(struct stand *stand, pid_t *workers)
{
	unsigned dead = NOBODY;

	while (dead == NOBODY) {
		if (!turns_wait(LOOK_MS))
			dead = find_dead(workers, stand->roles);
		else if (turns_victim() != NOBODY)
			kill_role(stand, workers, turns_victim());
		else
			break;
	}
	return dead;
}

static unsigned mortals_of(const struct race *race)
{
	return (1u << race->mortals) - 1;
}

/* One run.  False: the world, or those who play, are no good for another. */
static bool run_once(struct stand *stand, pid_t *workers)
{
	long long after = 0;

	for (unsigned role = 0; role < stand->roles; role++)
		stand->answers[0][role] = NO_ANSWER;
	turns_begin(stand->roles, mortals_of(stand->race));
	unsigned dead = watch_turns(stand, workers);
	if (dead != NOBODY) {
		stand->answers[0][dead] = DIED;
		count_outcome(stand, stand->answers[0], NULL, true);
		return false;
	}
	if (turns->is_stuck) {
		for (unsigned role = 0; role < stand->roles; role++)
			if (turns->role[role].state != TURNS_OVER)
				stand->answers[0][role] = NEVER;
		count_outcome(stand, stand->answers[0], NULL, true);
		return false;
	}
	stand->is_after = true;
	if (stand->race->after)
		after = stand->race->after(world_of(stand, 0));
	stand->is_after = false;
	return !count_outcome(stand, stand->answers[0], &after, true) && !turns->is_bereft;
}

enum box_end { BOX_DONE, BOX_AGAIN, BOX_SKIPPED, BOX_BROKEN };

static enum box_end run_turns(struct stand *stand, pid_t *workers)
{
	const double begin = stand->began;

	for (;;) {
		alarm(BOX_SECONDS * (unsigned)(time_scale() < 1 ? 1 : time_scale()));
		bool is_good = run_once(stand, workers);
		bool is_next = engine_next(&turns->engine);

		stand->tally->seconds = now() - begin;
		if (!is_next || !is_wanted(stand, begin))
			return BOX_DONE;
		if (!is_good)
			return BOX_AGAIN;
	}
}

/* -- all at once ------------------------------------------------------------------------------ */

/* Whoever doesn't run can't be met. */
static void meet(struct stand *stand, uint32_t instance, unsigned *patience)
{
	for (unsigned looks = 0; looks < *patience; looks++) {
		unsigned here = 0;

		for (unsigned role = 0; role < stand->roles; role++)
			here += atomic_load_explicit(&stand->at[role].instance,
						     memory_order_relaxed) >= instance;
		if (here == stand->roles)
			return;
	}
	*patience = 0;
}

static void play_at_once(struct stand *stand, unsigned role)
{
	uint64_t noise = stand->wish->way == BY_NOISE
				 ? (stand->wish->seed + role + 1) * UINT64_C(0x9e3779b97f4a7c15)
				 : 0;

	be_harmless();
	race_hook_points(false, noise);
	for (uint32_t batch = 1;; batch++) {
		unsigned looks = 0, patience = PATIENCE_TURNS;

		while (atomic_load(&stand->batch) != batch)
			wait_a_little(&looks);
		for (uint32_t i = 0; i < stand->worlds; i++) {
			atomic_store(&stand->at[role].instance, i + 1);
			meet(stand, i + 1, &patience);
			race_step("begins");
			stand->answers[i][role] = stand->race->roles[role].play(world_of(stand, i));
		}
		atomic_fetch_add(&stand->arrived, 1);
	}
}

static uint64_t progress_of(const struct stand *stand)
{
	uint64_t sum = 0;

	for (unsigned role = 0; role < stand->roles; role++)
		sum += atomic_load(&stand->at[role].instance);
	return sum + atomic_load(&stand->arrived);
}

/* Until all have played the batch.  False: somebody waits for ever, or (*dead) has died. */
static bool await_batch(struct stand *stand, const pid_t *workers, unsigned *dead)
{
	unsigned wished = stand->wish->patience_ms;
	double since = now(), patience = (wished ? wished : PATIENCE_MS) * time_scale();
	uint64_t progress = progress_of(stand);
	unsigned looks = 0;

	*dead = NOBODY;
	while (atomic_load(&stand->arrived) < stand->roles) {
		uint64_t further;

		wait_a_little(&looks);
		if (looks < SPINS || looks % SPINS)
			continue;
		if ((*dead = find_dead(workers, stand->roles)) != NOBODY)
			return false;
		further = progress_of(stand);
		if (further != progress)
			since = now();
		else if ((now() - since) * 1e3 > patience)
			return false;
		progress = further;
	}
	return true;
}

/* Of a batch that has come to no end: those before the first unfinished one were as they were. */
static void count_broken_batch(struct stand *stand, unsigned dead)
{
	for (unsigned i = 0; i < stand->worlds; i++) {
		bool is_whole = true;

		for (unsigned role = 0; role < stand->roles; role++)
			is_whole &= stand->answers[i][role] != NO_ANSWER;
		if (is_whole)
			continue;
		for (unsigned role = 0; role < stand->roles; role++)
			if (stand->answers[i][role] == NO_ANSWER)
				stand->answers[i][role] = role == dead ? DIED : NEVER;
		count_outcome(stand, stand->answers[i], NULL, false);
		return;
	}
}

static bool count_batch(struct stand *stand)
{
	bool is_good = true;

	for (unsigned i = 0; i < stand->worlds; i++) {
		long long after = 0;

		stand->is_after = true;
		if (stand->race->after)
			after = stand->race->after(world_of(stand, i));
		stand->is_after = false;
		is_good &= !count_outcome(stand, stand->answers[i], &after, false);
	}
	return is_good;
}

static enum box_end run_at_once(struct stand *stand, const pid_t *workers)
{
	const double begin = stand->began;

	for (uint32_t batch = 1;; batch++) {
		unsigned dead;

		alarm(BOX_SECONDS * (unsigned)(time_scale() < 1 ? 1 : time_scale()));
		for (unsigned i = 0; i < stand->worlds; i++)
			for (unsigned role = 0; role < stand->roles; role++)
				stand->answers[i][role] = NO_ANSWER;
		for (unsigned role = 0; role < stand->roles; role++)
			atomic_store(&stand->at[role].instance, 0);
		atomic_store(&stand->arrived, 0);
		atomic_store(&stand->batch, batch);

		bool is_whole = await_batch(stand, workers, &dead);
		bool is_good = is_whole && count_batch(stand);
		if (!is_whole)
			count_broken_batch(stand, dead);
		stand->tally->seconds = now() - begin;
		if (!is_wanted(stand, begin))
			return BOX_DONE;
		if (!is_good)
			return BOX_AGAIN;
	}
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

	be_harmless();
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
			(by_turns ? play_turns : play_at_once)(stand, begun);
		if (workers[begun] < 0)
			break;
	}
	if (begun == stand->roles)
		end = by_turns ? run_turns(stand, workers) : run_at_once(stand, workers);
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
		count_outcome(stand, stand->answers[0], &never, stand->wish->way == BY_TURNS);
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

static void prepare_engine(const struct race_wish *wish)
{
	engine_init(&turns->engine, wish->engine, wish->seed);
	turns->engine.kills = wish->kills;
	turns->engine.shadowed = wish->kills > 0;
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
	unsigned worlds = wish->way == BY_TURNS ? 1 : BATCH;
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
	prepare_engine(wish);
	while (play_box(stand))
		continue;
	tally->is_exhausted = wish->way == BY_TURNS && turns->engine.exhausted;
	tally->longest = turns->engine.longest;
	tally->widest = turns->engine.widest;
	munmap(stand, size);
}

/* -- schedules -------------------------------------------------------------------------------- */

/* "0.14.1" or "0.14.k1", at the beginning of the text; NULL: neither. */
static const char *read_directive(const char *text, struct schedule *schedule)
{
	unsigned actor, to;
	unsigned long done;
	int size = 0;
	bool dies;

	if (sscanf(text, "%u.%lu.%n", &actor, &done, &size) != 2 || !size || done > UINT32_MAX ||
	    (actor >= RACE_ROLES_MAX && actor != NOBODY))
		return NULL;
	text += size;
	dies = *text == 'k';
	if (sscanf(text + dies, "%u%n", &to, &size) != 1 || to >= RACE_ROLES_MAX ||
	    schedule->count == DIRECTIVES_MAX)
		return NULL;
	schedule->shadowed |= dies;
	schedule->directives[schedule->count++] = (struct directive){
		(uint8_t)actor, (uint8_t)(dies ? DEATH_FROM + to : to), (uint32_t)done};
	return text + dies + size;
}

bool race_schedule_read(const char *text, struct schedule *schedule)
{
	schedule->count = 0;
	schedule->shadowed = false;
	if (strcmp(text, "-") == 0)
		return true;
	for (;;) {
		text = read_directive(text, schedule);
		if (!text)
			return false;
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

enum { SHORTER_RUNS = 1000, SHORTER_BOUND = 2, SHORTER_SECONDS = 2 };

/* Whether the outcome comes of it with fewer switches: then those are the tally's. */
static bool take_if_shorter(const struct race *race, const struct race_wish *wish,
			    struct race_tally *tally, struct race_tally *trial)
{
	race_play(race, wish, trial);
	if (!trial->forbidden || strcmp(trial->outcome, tally->outcome) != 0 ||
	    trial->schedule.count >= tally->schedule.count)
		return false;
	tally->schedule = trial->schedule;
	memcpy(tally->story, trial->story, sizeof(tally->story));
	tally->steps = trial->steps;
	return true;
}

static void leave_out_switches(const struct race *race, const struct race_wish *as,
			       struct race_tally *tally, struct race_tally *trial,
			       struct schedule *shorter)
{
	const struct race_wish wish = {.engine = ENGINE_REPLAY,
				       .at_accesses = as->at_accesses,
				       .kills = as->kills,
				       .runs = 1,
				       .seconds = SHORTER_SECONDS,
				       .schedule = shorter};

	for (uint32_t i = tally->schedule.count; i-- > 0;) {
		if (i >= tally->schedule.count)
			continue; /* more than one has gone */
		*shorter = tally->schedule;
		memmove(&shorter->directives[i], &shorter->directives[i + 1],
			(shorter->count - i - 1) * sizeof(shorter->directives[0]));
		shorter->count--;
		take_if_shorter(race, &wish, tally, trial);
	}
}

void race_shorten(const struct race *race, const struct race_wish *as, struct race_tally *tally)
{
	struct race_tally *trial = race_tally_make();
	struct schedule *shorter = malloc(sizeof(*shorter));
	char outcome[RACE_OUTCOME_MAX];

	memcpy(outcome, tally->outcome, sizeof(outcome));
	for (unsigned bound = 1; trial && bound <= SHORTER_BOUND; bound++) {
		const struct race_wish wish = {.engine = ENGINE_BOUNDED,
					       .at_accesses = as->at_accesses,
					       .kills = as->kills,
					       .runs = SHORTER_RUNS,
					       .seconds = SHORTER_SECONDS,
					       .ends_at_first = true,
					       .outcome = outcome,
					       .bound = bound};

		if (tally->schedule.count > bound && take_if_shorter(race, &wish, tally, trial))
			break;
	}
	if (trial && shorter)
		leave_out_switches(race, as, tally, trial, shorter);
	free(shorter);
	if (trial)
		race_tally_free(trial);
}
