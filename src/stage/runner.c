/* SPDX-License-Identifier: MIT */
/*
 * The runner stands on fork, shared anonymous memory, atomics, kill and waitpid alone, for the rest
 * is what it judges.  Every test has a seat, a word that says whose it is: nobody's, a worker's, or
 * done.  A worker takes a seat with one compare-and-swap, so that a worker may die at any instant
 * and its tests are still known.
 */
#include "stage/runner.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAITING = 0, DONE = -1 }; /* seats; else the number of a worker, from 1 */

/* Of the parent's turns, each of which sleeps for 10 ms. */
enum { TURN_NS = 10 * 1000 * 1000, FORK_PATIENCE = 1000, TERM_PATIENCE = 500 };
/* The stage bounds every test; this is for a worker that hangs all the same. */
enum { WORKER_PATIENCE = 300 * 100 };

struct worker {
	pid_t pid;	/* 0: there's none */
	size_t number;	/* of the test it was last seen with */
	unsigned turns; /* since */
};

struct house {
	struct run *run;
	struct tally *tally;
	struct result *results; /* shared: one a test, untouched until it has something to say */
	_Atomic int *seats;	/* shared: one a test */
	_Atomic int *closed;	/* shared: no test is begun any more */
	bool *told;
	size_t first; /* not told */
	unsigned worker_count, alive;
	struct worker workers[JOBS_MAX];
};

static volatile sig_atomic_t interrupted;

static void note_signal(int number)
{
	if (number != SIGCHLD)
		interrupted = number;
}

/* -- in a worker ------------------------------------------------------------------------------ */

static void abandon(int number)
{
	stage_abandon();
	_exit(128 + number);
}

/* A signal ignored since before the program began stays so, as nohup wants. */
static void handle(int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler}, old;

	sigemptyset(&action.sa_mask);
	if (number != SIGCHLD && number != SIGTERM && sigaction(number, NULL, &old) == 0 &&
	    old.sa_handler == SIG_IGN)
		return;
	sigaction(number, &action, NULL);
}

/* The first seat from hint on that was free, now the worker's; count if there's none. */
static size_t take_seat(struct house *house, size_t hint, int worker)
{
	size_t count = house->run->plan.count;

	for (size_t i = hint; i < count && !*house->closed; i++) {
		int free_seat = WAITING;

		if (atomic_compare_exchange_strong(&house->seats[i], &free_seat, worker))
			return i;
	}
	return count;
}

static void set_result(struct result *result, enum verdict verdict, enum how how,
		       const char *message)
{
	snprintf(result->message, sizeof(result->message), "%s", message);
	result->how = how;
	result->verdict = verdict;
}

static void play(struct house *house, size_t number)
{
	struct part *part = &house->run->parts[number];
	struct result *result = &house->results[number];
	double began = report_clock();

	stage_play(part->test, part->row, house->run->planned[number].known != NULL, result);
	if (result->seconds <= 0)
		result->seconds = report_clock() - began;
	if (result->verdict == NONE)
		set_result(result, ERROR, HOW_PLAIN, "the test has ended without a verdict");
}

/* What has just been played and what is next, for the reports that are written here. */
static void tell_turn(struct house *house, size_t played, size_t next)
{
	struct run *run = house->run;
	const struct result *result = played < run->plan.count ? &house->results[played] : NULL;

	for (size_t i = 0; i < run->report_count; i++)
		if (report_as_plays(run->reports[i]))
			report_turn(run->reports[i], played, result, next);
}

static void work(struct house *house, int worker)
{
	size_t count = house->run->plan.count, played = count, next = 0;

	do {
		next = take_seat(house, next, worker);
		tell_turn(house, played, next);
		if (played < count)
			house->seats[played] = DONE;
		if (next < count)
			play(house, next);
		played = next;
	} while (next < count);
}

_Noreturn static void worker_main(struct house *house, unsigned index, pid_t parent)
{
	sigset_t none;

	handle(SIGINT, abandon);
	handle(SIGTERM, abandon);
	handle(SIGHUP, abandon);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	for (size_t i = 0; i < house->run->report_count; i++)
		if (!report_as_plays(house->run->reports[i]))
			close(house->run->reports[i]->fd);

	stage_enter_worker(index);
	work(house, (int)index + 1);
	_exit(0);
}

/* -- telling the reports ---------------------------------------------------------------------- */

static void tell_test(struct house *house, size_t number)
{
	struct run *run = house->run;

	house->told[number] = true;
	tally_add(house->tally, &run->planned[number], &house->results[number]);
	for (size_t i = 0; i < run->report_count; i++)
		if (!report_as_plays(run->reports[i]))
			report_result(run->reports[i], number, &house->results[number]);
}

static void tell_started(struct house *house, size_t number)
{
	struct run *run = house->run;

	for (size_t i = 0; i < run->report_count; i++)
		if (!report_as_plays(run->reports[i]))
			report_start(run->reports[i], number);
}

/* All that has happened since the last turn. */
static void tell_news(struct house *house)
{
	size_t count = house->run->plan.count;

	for (size_t i = house->first; i < count; i++) {
		int seat = house->seats[i];

		if (seat == DONE && !house->told[i])
			tell_test(house, i);
		else if (seat > 0)
			tell_started(house, i);
	}
	while (house->first < count && house->told[house->first])
		house->first++;
}

/* -- workers ---------------------------------------------------------------------------------- */

static bool is_anything_waiting(const struct house *house)
{
	for (size_t i = house->first; i < house->run->plan.count; i++)
		if (house->seats[i] == WAITING)
			return true;
	return false;
}

static void guarded_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

/* Signals wait meanwhile: in the child, the parent's handlers would mean nothing. */
static bool start_worker(struct house *house, unsigned index)
{
	pid_t parent = getpid();
	sigset_t guarded, old;

	guarded_signals(&guarded);
	sigprocmask(SIG_BLOCK, &guarded, &old);
	pid_t pid = fork();
	if (pid == 0)
		worker_main(house, index, parent);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return false;

	house->workers[index] = (struct worker){.pid = pid};
	house->alive++;
	return true;
}

/* As many as there's work for; fewer if the system has no room for more. */
static void start_workers(struct house *house)
{
	for (unsigned i = 0; i < house->worker_count; i++) {
		if (house->workers[i].pid)
			continue;
		if (!is_anything_waiting(house) || !start_worker(house, i))
			return;
	}
}

/* The first seat the worker holds; count if none. */
static size_t seat_of(const struct house *house, int worker)
{
	size_t i = house->first;

	while (i < house->run->plan.count && house->seats[i] != worker)
		i++;
	return i;
}

static void settle(struct house *house, size_t number)
{
	struct run *run = house->run;

	for (size_t i = 0; i < run->report_count; i++)
		if (report_as_plays(run->reports[i]))
			report_result(run->reports[i], number, &house->results[number]);
	house->seats[number] = DONE;
}

static void describe_death(int status, char *message, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(message, size, "its worker was killed by signal %d", WTERMSIG(status));
	else
		snprintf(message, size, "its worker exited with status %d", WEXITSTATUS(status));
}

/*
 * A dead worker may hold two seats: of the test it had played and of the next, which it had taken
 * but not begun, and which is free again.
 */
static void bury(struct house *house, unsigned index, int status)
{
	int worker = (int)index + 1;
	bool had_played = false;
	char message[MESSAGE_MAX];

	house->workers[index].pid = 0;
	house->alive--;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    seat_of(house, worker) == house->run->plan.count)
		return;

	stage_mourn_worker(index);
	if (interrupted)
		return;
	describe_death(status, message, sizeof(message));
	for (size_t i = 0; i < house->run->plan.count; i++) {
		if (house->seats[i] == worker && house->results[i].verdict != NONE) {
			settle(house, i);
			had_played = true;
		}
	}
	for (size_t i = 0; i < house->run->plan.count; i++) {
		if (house->seats[i] != worker)
			continue;
		if (had_played) {
			house->seats[i] = WAITING;
		} else {
			set_result(&house->results[i], ERROR, HOW_CRASH, message);
			settle(house, i);
		}
	}
}

static void reap(struct house *house)
{
	for (unsigned i = 0; i < house->worker_count; i++) {
		int status;

		if (house->workers[i].pid &&
		    waitpid(house->workers[i].pid, &status, WNOHANG) == house->workers[i].pid)
			bury(house, i, status);
	}
}

/* In turns, not seconds, so that a machine which stands still for a while kills nobody. */
static void watch(struct house *house)
{
	double patience = WORKER_PATIENCE * house->run->settings.timeout_scale;

	for (unsigned i = 0; i < house->worker_count; i++) {
		struct worker *worker = &house->workers[i];
		size_t number = seat_of(house, (int)i + 1);

		if (!worker->pid || number != worker->number)
			worker->turns = 0;
		worker->number = number;
		if (worker->pid && worker->turns++ > patience)
			kill(worker->pid, SIGKILL);
	}
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = TURN_NS}, NULL);
}

static void stop_workers(struct house *house)
{
	*house->closed = 1;
	for (unsigned turn = 0; house->alive; turn++) {
		for (unsigned i = 0; i < house->worker_count; i++)
			if (house->workers[i].pid && (turn == 0 || turn == TERM_PATIENCE))
				kill(house->workers[i].pid, turn ? SIGKILL : SIGTERM);
		reap(house);
		if (house->alive)
			nap();
	}
}

/* What was running when the run was interrupted: its result, if any, would be the signal's. */
static void tell_abandoned(struct house *house)
{
	struct run *run = house->run;

	for (size_t number = 0; number < run->plan.count; number++)
		for (size_t i = 0; house->seats[number] > 0 && i < run->report_count; i++)
			report_abandoned(run->reports[i], number);
}

/* -- the run ---------------------------------------------------------------------------------- */

static void *share(size_t size)
{
	void *memory = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static bool house_open(struct house *house)
{
	size_t count = house->run->plan.count;

	house->results = share(count * sizeof(*house->results));
	house->seats = share((count + 1) * sizeof(*house->seats));
	house->told = calloc(count + 1, sizeof(*house->told));
	if (!house->results || !house->seats || !house->told)
		return false;
	house->closed = &house->seats[count];
	return true;
}

void runner_free(struct run *run)
{
	struct house *house = run->house;
	size_t count = run->plan.count;

	if (house) {
		if (house->results)
			munmap(house->results, count ? count * sizeof(*house->results) : 1);
		if (house->seats)
			munmap(house->seats, (count + 1) * sizeof(*house->seats));
		free(house->told);
		free(house);
	}
	for (size_t i = 0; run->planned && i < count; i++)
		free((char *)run->planned[i].name);
	free(run->planned);
	free(run->parts);
	*run = (struct run){0};
}

static void copy_result(struct result *to, const struct result *from)
{
	strcpy(to->message, from->message);
	if (from->transcript[0])
		strcpy(to->transcript, from->transcript);
	to->how = from->how;
	to->seconds = from->seconds;
	to->verdict = from->verdict;
}

/* What an earlier run has found counts; what it was playing when it died has broken it. */
static void recall(struct house *house, size_t number, const struct memory *memory)
{
	struct run *run = house->run;
	struct result *result = &house->results[number];

	if (memory->ended)
		copy_result(result, memory->result);
	else
		set_result(result, FAIL, HOW_CRASH, "was running when the machine or the run died");
	house->seats[number] = DONE;
	house->told[number] = true;
	tally_add(house->tally, &run->planned[number], result);
	for (size_t i = 0; i < run->report_count; i++) {
		if (memory->ended)
			report_resumed(run->reports[i], number, result);
		else
			report_result(run->reports[i], number, result);
	}
}

static void recall_all(struct house *house)
{
	const struct resume *resume = house->run->resume;

	for (size_t i = 0; resume && i < house->run->plan.count; i++) {
		const struct memory *memory = resume_find(resume, house->run->planned[i].name);

		if (memory && (memory->ended || memory->started))
			recall(house, i, memory);
	}
}

void runner_catch_signals(void)
{
	sigset_t guarded;

	handle(SIGINT, note_signal);
	handle(SIGTERM, note_signal);
	handle(SIGHUP, note_signal);
	handle(SIGCHLD, note_signal);
	guarded_signals(&guarded);
	sigprocmask(SIG_UNBLOCK, &guarded, NULL);
}

/* NULL, or why there are tests left. */
static const char *supervise(struct house *house)
{
	unsigned without = 0;

	while (!interrupted) {
		start_workers(house);
		tell_news(house);
		if (!house->alive && !is_anything_waiting(house))
			return NULL;
		/* not one process to be had: somebody else may yet end */
		without = house->alive ? 0 : without + 1;
		if (without > FORK_PATIENCE)
			return "no process can be started (fork fails), so tests are left";
		nap();
		reap(house);
		watch(house);
	}
	return NULL;
}

const char *runner_run(struct run *run, struct tally *tally)
{
	struct house *house = run->house = calloc(1, sizeof(*house));
	double began = report_clock();

	*tally = (struct tally){.planned = run->plan.count};
	if (!house)
		return "no memory for the workers";
	house->run = run;
	house->tally = tally;
	house->worker_count = run->plan.jobs < JOBS_MAX ? run->plan.jobs : JOBS_MAX;
	if (!house_open(house))
		return "no shared memory for the results";

	recall_all(house);
	const char *trouble = supervise(house);
	if (interrupted) {
		stop_workers(house);
		tell_news(house);
		tell_abandoned(house);
	}
	tally->interrupted = interrupted;
	tally->seconds = report_clock() - began;
	return trouble;
}

unsigned runner_processors(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) > 0)
		return (unsigned)CPU_COUNT(&cpus);
	return 1;
}
