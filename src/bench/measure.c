/* SPDX-License-Identifier: MIT */
#include "bench/bench.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Looking at the clock costs as much as some of what is measured. */
enum { BATCH = 16, SOLO_BATCH = 256 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* -- processors ----------------------------------------------------------------------------------
 */

unsigned processors_here(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

/* Stays on the index-th of those this process may run on. */
static void stay_on(unsigned index)
{
	cpu_set_t set, one;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set) || index--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

/* -- one turn -------------------------------------------------------------------------------------
 */

/* What the processes of a turn tell each other besides. */
struct turn {
	_Atomic unsigned arrived;
	double ns;
	int error;
	bool is_measured;
	_Atomic bool is_over;
	unsigned long counts[2]; /* of those who are in each other's way */
};

/* A child that runs away ends by itself. */
static void be_harmless(double seconds)
{
	struct rlimit limit = {(rlim_t)seconds + 10, (rlim_t)seconds + 11};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CPU, &limit);
	alarm((unsigned)seconds + 20);
}

static void meet(struct turn *turn)
{
	atomic_fetch_add(&turn->arrived, 1);
	while (atomic_load(&turn->arrived) < 2)
		sched_yield();
}

static bool trip(const struct way *way, struct channel *c, char *bytes)
{
	return way->send(c, 0, bytes) && way->receive(c, 1, bytes);
}

/* The first byte of the last message is 1. */
static bool lead_round_trips(const struct way *way, struct channel *c, char *bytes,
			     struct turn *turn, double seconds)
{
	unsigned long count = 0;
	double began;

	for (int warm = 0; warm < BATCH; warm++)
		if (!trip(way, c, bytes))
			return false;
	began = now();
	do {
		for (int i = 0; i < BATCH; i++)
			if (!trip(way, c, bytes))
				return false;
		count += BATCH;
	} while (now() - began < seconds);
	turn->ns = (now() - began) * 1e9 / (double)count;
	return true;
}

/* Answers until the leader has had his time; who carries no bytes is ended by the leader. */
static bool follow_round_trips(const struct way *way, struct channel *c, char *bytes)
{
	for (;;)
		if (!way->receive(c, 0, bytes) || !way->send(c, 1, bytes))
			return false;
}

static bool lead_one_way(const struct way *way, struct channel *c, char *bytes, double seconds)
{
	double began = now();

	do
		for (int i = 0; i < BATCH; i++)
			if (!way->send(c, 0, bytes))
				return false;
	while (now() - began < seconds);
	bytes[0] = 1;
	return way->send(c, 0, bytes);
}

static bool follow_one_way(const struct way *way, struct channel *c, char *bytes, struct turn *turn)
{
	unsigned long count = 0;
	double began;

	if (!way->receive(c, 0, bytes))
		return false;
	began = now();
	do {
		if (!way->receive(c, 0, bytes))
			return false;
		count++;
	} while (!bytes[0]);
	turn->ns = (now() - began) * 1e9 / (double)count;
	return true;
}

static void play_pair(const struct bench *bench, const struct cell *cell, const struct way *way,
		      struct channel *c, struct turn *turn, int side)
{
	char *bytes = calloc(1, cell->size);
	bool is_done;

	be_harmless(bench->seconds);
	stay_on(side && cell->processors > 1);
	meet(turn);
	if (!bytes)
		is_done = false;
	else if (cell->motion == ROUND_TRIP)
		is_done = side ? follow_round_trips(way, c, bytes)
			       : lead_round_trips(way, c, bytes, turn, bench->seconds);
	else
		is_done = side ? follow_one_way(way, c, bytes, turn)
			       : lead_one_way(way, c, bytes, bench->seconds);
	if (!is_done && !turn->error)
		turn->error = errno ? errno : EIO;
	if (cell->motion == ROUND_TRIP ? !side : side)
		turn->is_measured = is_done;
	_exit(0);
}

static void play_alone(const struct bench *bench, const struct cell *cell,
		       const struct runner *runner, struct turn *turn)
{
	void *object = runner->impl ? cell->solo->make(runner->impl) : NULL;
	unsigned long count = 0;
	bool is_done = true;

	be_harmless(bench->seconds);
	stay_on(0);
	if (runner->impl && !object) {
		turn->error = errno ? errno : EIO;
		_exit(0);
	}
	double began = now(), took;
	do {
		for (int i = 0; i < SOLO_BATCH && is_done; i++)
			is_done = runner->impl ? cell->solo->perform(runner->impl, object)
					       : limit_perform_call();
		count += SOLO_BATCH;
		took = now() - began;
	} while (is_done && took < bench->seconds);
	if (!is_done)
		turn->error = errno ? errno : EIO;
	turn->ns = took * 1e9 / (double)count;
	turn->is_measured = is_done;
	if (object)
		cell->solo->remove(runner->impl, object);
	_exit(0);
}

/* Two do the same with one object until the first has had his time. */
static void play_contended(const struct bench *bench, const struct cell *cell,
			   const struct implementation *impl, void *object, struct turn *turn,
			   int side)
{
	unsigned long count = 0;
	bool is_done = true;

	be_harmless(bench->seconds);
	stay_on(side && cell->processors > 1);
	meet(turn);
	double began = now(), took = 0;
	do {
		for (int i = 0; i < SOLO_BATCH && is_done; i++)
			is_done = cell->solo->perform(impl, object);
		count += SOLO_BATCH;
		took = now() - began;
		if (!side && took >= bench->seconds)
			atomic_store(&turn->is_over, true);
	} while (is_done && !atomic_load(&turn->is_over));
	if (!is_done)
		turn->error = errno ? errno : EIO;
	turn->counts[side] = count;
	if (!side) {
		turn->ns = took * 1e9;
		turn->is_measured = is_done;
	}
	_exit(0);
}

/* The time of one pair of operations, whoever of the two does it. */
static void run_contended(const struct bench *bench, const struct cell *cell,
			  const struct implementation *impl, struct turn *turn)
{
	void *object = cell->solo->make(impl);
	pid_t pids[2];

	if (!object) {
		turn->error = errno ? errno : EIO;
		return;
	}
	for (int side = 0; side < 2; side++) {
		pids[side] = fork();
		if (pids[side] == 0)
			play_contended(bench, cell, impl, object, turn, side);
	}
	for (int side = 0; side < 2; side++) {
		if (pids[side] > 0)
			waitpid(pids[side], NULL, 0);
		atomic_store(&turn->is_over, true);
	}
	cell->solo->remove(impl, object);
	if (turn->is_measured)
		turn->ns /= (double)(turn->counts[0] + turn->counts[1]);
}

/* The measured one ends by itself; the other, which may wait for ever, then has no more to do. */
static void run_pair(const struct bench *bench, const struct cell *cell, const struct way *way,
		     struct channel *c, struct turn *turn)
{
	pid_t pids[2];
	int measured = cell->motion == ROUND_TRIP ? 0 : 1;

	for (int side = 0; side < 2; side++) {
		pids[side] = fork();
		if (pids[side] == 0)
			play_pair(bench, cell, way, c, turn, side);
	}
	if (pids[measured] > 0)
		waitpid(pids[measured], NULL, 0);
	for (int side = 0; side < 2; side++) {
		if (pids[side] <= 0)
			continue;
		kill(pids[side], SIGKILL);
		if (side != measured)
			waitpid(pids[side], NULL, 0);
	}
}

static bool take_turn(const struct bench *bench, const struct cell *cell, struct runner *runner,
		      unsigned repetition)
{
	static unsigned number;
	struct turn *turn = mmap(NULL, sizeof(*turn), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct channel c = {.impl = runner->impl, .size = cell->size, .id = {-1, -1}};

	if (turn == MAP_FAILED)
		return false;
	errno = 0;
	if (cell->motion == ALONE) {
		pid_t pid = fork();

		if (pid == 0)
			play_alone(bench, cell, runner, turn);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	} else if (cell->motion == CONTENDED) {
		run_contended(bench, cell, runner->impl, turn);
	} else {
		memset(c.ends, -1, sizeof(c.ends));
		snprintf(c.name, sizeof(c.name), "ipcts-bench-%ld-%u", (long)getpid(), number++);
		if (runner->way->make(&c))
			run_pair(bench, cell, runner->way, &c, turn);
		else
			turn->error = errno;
		runner->way->remove(&c);
	}
	bool is_measured = turn->is_measured;

	runner->ns[repetition] = turn->ns;
	if (!is_measured)
		runner->trouble = turn->error ? strerror(turn->error) : "it came to no end";
	munmap(turn, sizeof(*turn));
	return is_measured;
}

/* -- a cell ---------------------------------------------------------------------------------------
 */

/* On one processor only who sleeps lets the other run; and those that carry no bytes are no way. */
static bool is_fit(enum limit limit, const struct cell *cell)
{
	switch (limit) {
	case LIMIT_LINE:
		return cell->motion == ROUND_TRIP && cell->size <= 64 && cell->processors > 1;
	case LIMIT_FUTEX:
		return cell->motion == ROUND_TRIP && cell->size <= 64;
	case LIMIT_RING:
		return cell->processors > 1;
	case LIMIT_SPLICE:
		return cell->motion == ONE_WAY && cell->size >= 4096;
	default:
		return false;
	}
}

static size_t enter(const struct bench *bench, const struct cell *cell, struct runner *runners)
{
	size_t count = 0;

	if (cell->motion == ALONE) {
		for (size_t i = 0; bench->impls[i]; i++)
			runners[count++] = (struct runner){.impl = bench->impls[i]};
		runners[count++] = (struct runner){.limit = LIMIT_CALL};
		return count;
	}
	if (cell->motion == CONTENDED) {
		for (size_t i = 0; bench->impls[i]; i++)
			runners[count++] = (struct runner){.impl = bench->impls[i]};
		return count;
	}
	for (size_t w = 0; ways[w]; w++)
		for (size_t i = 0; bench->impls[i]; i++)
			if (bench->is_wanted(ways[w]->name) && ways[w]->is_there(bench->impls[i]))
				runners[count++] =
					(struct runner){.impl = bench->impls[i], .way = ways[w]};
	for (int limit = LIMIT_LINE; limit < LIMITS; limit++) {
		if (is_fit((enum limit)limit, cell) && limit_ways[limit].send)
			runners[count++] = (struct runner){.limit = (enum limit)limit,
							   .way = &limit_ways[limit]};
	}
	return count;
}

static unsigned long long next_random(unsigned long long *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *values, unsigned count)
{
	double sorted[REPETITIONS_MAX];

	memcpy(sorted, values, count * sizeof(*values));
	qsort(sorted, count, sizeof(*sorted), compare);
	return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* The median of the ratios of each repetition; 0: there is nothing to compare with. */
static double ratio_of(const struct runner *runner, const struct runner *other, unsigned count)
{
	double ratios[REPETITIONS_MAX];

	if (!other || other->trouble)
		return 0;
	for (unsigned i = 0; i < count; i++)
		ratios[i] = other->ns[i] > 0 ? runner->ns[i] / other->ns[i] : 0;
	return median(ratios, count);
}

/* Who does the same with the first implementation. */
static const struct runner *counterpart(const struct bench *bench, const struct runner *runner,
					const struct runner *all, size_t count)
{
	for (size_t i = 0; runner->impl && i < count; i++)
		if (all[i].impl == bench->impls[0] && all[i].way == runner->way)
			return &all[i];
	return NULL;
}

static void conclude(const struct bench *bench, struct runner *runner, const struct runner *all,
		     size_t count)
{
	unsigned turns = bench->repetitions;

	runner->median = median(runner->ns, turns);
	runner->least = runner->ns[0];
	for (unsigned i = 0; i < turns; i++)
		if (runner->ns[i] < runner->least)
			runner->least = runner->ns[i];
	runner->ratio = ratio_of(runner, &all[0], turns);
	runner->own_ratio = ratio_of(runner, counterpart(bench, runner, all, count), turns);
}

size_t measure(const struct bench *bench, const struct cell *cell, struct runner *runners)
{
	unsigned long long random = bench->seed;
	size_t order[RUNNERS_MAX], count = enter(bench, cell, runners);

	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (unsigned repetition = 0; repetition < bench->repetitions; repetition++) {
		/* nobody always comes after the same one */
		for (size_t i = count; i > 1; i--) {
			size_t j = next_random(&random) % i, kept = order[i - 1];

			order[i - 1] = order[j];
			order[j] = kept;
		}
		for (size_t i = 0; i < count; i++)
			if (!runners[order[i]].trouble)
				take_turn(bench, cell, &runners[order[i]], repetition);
	}
	for (size_t i = 0; i < count; i++)
		if (!runners[i].trouble)
			conclude(bench, &runners[i], runners, count);
	return count;
}
