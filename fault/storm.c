/* SPDX-License-Identifier: MIT */
/*
 *	fault/storm [--seed N] [--kills N] [--mechanism NAME]
 *
 * Kills so many workers of the reference, over all mechanisms or one, and says as TAP whether those
 * who survived went on, and whether all was in its place.  The seed decides who is killed and how
 * long after the last, and what each worker does; the scheduler decides the rest.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "fault/storm.h"

static const struct mechanism *const mechanisms[] = {
	&storm_mq,   &storm_msg,    &storm_semset,   &storm_sem,	&storm_mutex,
	&storm_cond, &storm_rwlock, &storm_barrier,  &storm_pipe,	&storm_fifo,
	&storm_spin, &storm_pair,   &storm_datagram, &storm_connection, &storm_sig,
	&storm_shm,  &storm_event,  &storm_registry,
};
enum { MECHANISMS = sizeof(mechanisms) / sizeof(mechanisms[0]) };

/* What all have in common. */
static struct shared {
	struct worker workers[WORKERS];
	_Atomic bool killed[LIVES];
	_Atomic bool has_failed;
	char failure[512];
} * shared;

static char directory[128];
static uint64_t random_state;
static unsigned hang_seconds = 20, lives;
static unsigned long total_kills, total_operations;

/* -- what mechanisms use ------------------------------------------------------------------------
 */

unsigned chance(unsigned limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % limit;
}

static void seed_with(uint64_t seed, uint64_t number)
{
	random_state = (seed + 1) * 0x9e3779b97f4a7c15u ^ (number + 1) * 0xbf58476d1ce4e5b9u;
	if (!random_state)
		random_state = 1;
	for (int i = 0; i < 8; i++)
		chance(2);
}

void fail(const char *format, ...)
{
	va_list arguments;

	if (atomic_exchange(&shared->has_failed, true))
		return;
	va_start(arguments, format);
	vsnprintf(shared->failure, sizeof(shared->failure), format, arguments);
	va_end(arguments);
}

bool is_killed(unsigned life)
{
	return life < LIVES && atomic_load(&shared->killed[life]);
}

const char *storm_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void *memory;
static size_t memory_size;

void *share(size_t size)
{
	memory_size = size;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory != MAP_FAILED)
		return memory;
	perror("storm: mmap");
	exit(2);
}

/* -- workers ------------------------------------------------------------------------------------
 */

static void work(const struct mechanism *mechanism, struct worker *me, uint64_t seed)
{
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	alarm(0);
	seed_with(seed, me->life);
	if (mechanism->join)
		mechanism->join(me);
	while (!atomic_load(&shared->has_failed)) {
		mechanism->work(me);
		atomic_fetch_add(&me->operations, 1);
	}
	_exit(1);
}

static void begin_life(const struct mechanism *mechanism, struct worker *worker, uint64_t seed)
{
	worker->slot = (unsigned)(worker - shared->workers);
	worker->life = lives++;
	atomic_store(&worker->doing, 0);

	pid_t pid = fork();
	if (pid < 0) {
		perror("storm: fork");
		exit(2);
	}
	if (pid == 0)
		work(mechanism, worker, seed);
	worker->pid = pid;
}

static void end_life(const struct mechanism *mechanism, struct worker *worker)
{
	atomic_store(&shared->killed[worker->life], true);
	kill(worker->pid, SIGKILL);

	int status;
	waitpid(worker->pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		fail("worker %u was ended by signal %d", worker->life, WTERMSIG(status));
	if (mechanism->died)
		mechanism->died(worker);
	total_kills++;
}

/* -- the watch ----------------------------------------------------------------------------------
 */

static const char *whose = "", *phase = "";

/* The storm itself hangs, in a call of the library's. */
static void on_alarm(int signal)
{
	char line[256];
	int length = snprintf(line, sizeof(line), "Bail out! %s: %s hangs\n", whose, phase);

	(void)signal;
	if (write(STDOUT_FILENO, line, (size_t)length) < 0)
		_exit(3);
	_exit(1);
}

static uint64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Each worker goes on, in the time that it has for one operation. */
static struct watch {
	uint64_t operations, since;
} watches[WORKERS];

static void watch(void)
{
	uint64_t now = milliseconds();

	for (unsigned i = 0; i < WORKERS; i++) {
		uint64_t operations = atomic_load(&shared->workers[i].operations);

		if (watches[i].operations != operations || !watches[i].since)
			watches[i] = (struct watch){operations, now};
		else if (now - watches[i].since > hang_seconds * 1000u)
			fail("worker %u (life %u, doing %d) hangs", i, shared->workers[i].life,
			     atomic_load(&shared->workers[i].doing));
	}
}

/* The moment of a kill: at once, soon, or when others have gone on for a while. */
static void wait_for_moment(void)
{
	static const unsigned most[] = {1, 50, 400, 3000, 8000};
	long microseconds = (long)chance(most[chance(sizeof(most) / sizeof(most[0]))]);

	nanosleep(&(struct timespec){0, microseconds * 1000}, NULL);
}

/* Before the last deaths, all go on: whoever was left is seen to. */
static void await_progress(void)
{
	uint64_t before[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++)
		before[i] = atomic_load(&shared->workers[i].operations);
	for (unsigned i = 0; i < WORKERS && !atomic_load(&shared->has_failed);) {
		watch();
		if (atomic_load(&shared->workers[i].operations) == before[i])
			nanosleep(&(struct timespec){0, 200000}, NULL);
		else
			i++;
	}
}

/* -- a storm ------------------------------------------------------------------------------------
 */

/* What is there though nobody has anything: only registries may be, and the storm's mailbox. */
static void audit_directory(void)
{
	DIR *stream = opendir(directory);
	char mailbox[32];

	if (!stream)
		return;
	snprintf(mailbox, sizeof(mailbox), "sig.%ld", (long)getpid());
	for (const struct dirent *entry; (entry = readdir(stream));) {
		const char *name = entry->d_name, *dot = strrchr(name, '.');

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		    strcmp(name, mailbox) != 0 && strncmp(name, ".ipcref-", 8) != 0 &&
		    !(dot && strcmp(dot, ".registry") == 0))
			fail("%s is left in the namespace", name);
	}
	closedir(stream);
}

static void empty_directory(void)
{
	DIR *stream = opendir(directory);

	if (!stream)
		return;
	for (const struct dirent *entry; (entry = readdir(stream));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlink(storm_path(entry->d_name));
	closedir(stream);
}

static unsigned round_of(const struct mechanism *mechanism, unsigned kills, uint64_t seed)
{
	unsigned killed = 0;

	lives = 0;
	memset(shared, 0, sizeof(*shared));
	memset(watches, 0, sizeof(watches));
	whose = mechanism->name;
	phase = "making";
	alarm(hang_seconds);
	mechanism->begin();
	alarm(0);
	for (unsigned i = 0; i < WORKERS; i++)
		begin_life(mechanism, &shared->workers[i], seed);
	while (killed < kills && !atomic_load(&shared->has_failed)) {
		/* mostly one, but sometimes also who is putting right what the first has left */
		unsigned count = chance(8) ? 1 : 1 + chance(WORKERS), first = chance(WORKERS);

		wait_for_moment();
		phase = "the account of a death";
		alarm(hang_seconds);
		for (unsigned i = 0; i < count; i++, killed++) {
			struct worker *worker = &shared->workers[(first + i) % WORKERS];

			end_life(mechanism, worker);
			begin_life(mechanism, worker, seed);
			watches[worker->slot].since = 0;
		}
		alarm(0);
		watch();
	}
	await_progress();
	for (unsigned i = 0; i < WORKERS; i++) {
		total_operations += atomic_load(&shared->workers[i].operations);
		end_life(mechanism, &shared->workers[i]);
	}
	phase = "the audit";
	alarm(hang_seconds);
	if (!atomic_load(&shared->has_failed))
		mechanism->end();
	if (!atomic_load(&shared->has_failed))
		audit_directory();
	alarm(0);
	if (memory)
		munmap(memory, memory_size);
	memory = NULL;
	return killed + WORKERS;
}

/* True: nothing has failed. */
static bool storm(const struct mechanism *mechanism, unsigned number, unsigned kills, uint64_t seed)
{
	uint64_t begin = milliseconds();
	unsigned killed = 0, rounds = 0;

	total_operations = 0;
	while (killed < kills) {
		unsigned wish = kills - killed < ROUND_KILLS ? kills - killed : ROUND_KILLS;

		seed_with(seed, 1000 + rounds);
		killed += round_of(mechanism, wish > WORKERS ? wish - WORKERS : 1, seed + rounds);
		rounds++;
		if (!atomic_load(&shared->has_failed))
			continue;
		printf("not ok %u - %s: round %u: %s\n", number, mechanism->name, rounds,
		       shared->failure);
		empty_directory();
		return false;
	}
	printf("ok %u - %s: %u killed in %.1f s, %lu operations\n", number, mechanism->name, killed,
	       (double)(milliseconds() - begin) / 1000, total_operations);
	return true;
}

/* -- the command --------------------------------------------------------------------------------
 */

static void make_directory(void)
{
	const char *const parents[] = {"/dev/shm", getenv("TMPDIR"), "/tmp"};

	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
		if (!parents[i])
			continue;
		snprintf(directory, sizeof(directory), "%s/storm.XXXXXX", parents[i]);
		if (mkdtemp(directory)) {
			setenv("IPCREF_NAMESPACE", directory, 1);
			return;
		}
	}
	perror("storm: mkdtemp");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seed", required_argument, NULL, 's'},
						{"kills", required_argument, NULL, 'k'},
						{"mechanism", required_argument, NULL, 'm'},
						{NULL, 0, NULL, 0}};
	const char *wished = NULL, *scale = getenv("IPCTS_TIMEOUT_SCALE");
	unsigned long seed = (unsigned long)time(NULL), kills = 1000;
	unsigned count = 0, failed = 0;

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 's')
			seed = strtoul(optarg, NULL, 0);
		else if (option == 'k')
			kills = strtoul(optarg, NULL, 0);
		else if (option == 'm')
			wished = optarg;
		else
			return 2;
	}
	if (scale && atof(scale) > 0)
		hang_seconds = (unsigned)(hang_seconds * atof(scale)) + 1;
	for (unsigned i = 0; i < MECHANISMS; i++)
		count += !wished || strcmp(wished, mechanisms[i]->name) == 0;
	if (!count) {
		fprintf(stderr, "storm: %s: no such mechanism\n", wished);
		return 2;
	}
	make_directory();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED) {
		perror("storm: mmap");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGALRM, on_alarm);
	printf("1..%u\n# --seed %lu --kills %lu\n", count, seed, kills);
	for (unsigned i = 0, number = 1; i < MECHANISMS; i++)
		if (!wished || strcmp(wished, mechanisms[i]->name) == 0)
			failed += !storm(mechanisms[i], number++,
					 (unsigned)((kills + count - 1) / count), seed);
	printf("# %lu killed\n", total_kills);
	empty_directory();
	rmdir(directory);
	return failed != 0;
}
