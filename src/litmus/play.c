/* SPDX-License-Identifier: MIT */
#include "litmus/play.h"

#include <errno.h>
#include <pthread.h>
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

const char *const actors_names[ACTORS] = {"processes", "threads"};

enum {
	BATCH = 512,	/* instances between two times that all wait for all */
	PATIENCE = 400, /* looks at whether the others have come to this instance, too */
	SPINS = 2000,	/* before one who waits lets others have the processor */
	DELAYS = 16,	/* how late one can be, in short whiles */
	LIMIT_SECONDS = 300,
};

/* What the roles have in common besides the memory that it's about. */
struct arena {
	const struct shape *shape;
	struct shared_memory memory;
	uint64_t batches, seed;
	_Atomic bool is_over; /* somebody has died: nobody waits for him */
	_Alignas(LINE) _Atomic uint32_t arrived;
	_Alignas(LINE) _Atomic uint32_t generation;
	struct {
		_Alignas(LINE) _Atomic uint32_t instance; /* where the role is in its batch */
	} at[ROLES_MAX];
	unsigned registers[ROLES_MAX][BATCH];
	uint64_t counts[ROLES_MAX][OUTCOMES]; /* each has counted a part */
};

/* One who plays. */
struct role {
	struct arena *arena;
	unsigned number, count; /* of how many */
	uint64_t chance;
	unsigned patience; /* for the rest of the batch */
};

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#else
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

/* xorshift (Marsaglia 2003). */
static unsigned roll(struct role *role, unsigned sides)
{
	role->chance ^= role->chance << 13;
	role->chance ^= role->chance >> 7;
	role->chance ^= role->chance << 17;
	return (unsigned)(role->chance >> 33) % sides;
}

/* False: there is nobody to wait for. */
static bool wait_for_all(const struct role *role)
{
	struct arena *arena = role->arena;
	uint32_t generation = atomic_load(&arena->generation);

	if (atomic_fetch_add(&arena->arrived, 1) + 1 == role->count) {
		atomic_store(&arena->arrived, 0);
		atomic_store(&arena->generation, generation + 1);
		return !atomic_load(&arena->is_over);
	}
	for (unsigned spins = 0; atomic_load(&arena->generation) == generation; spins++) {
		if (atomic_load(&arena->is_over))
			return false;
		if (spins < SPINS)
			pause_briefly();
		else
			sched_yield();
	}
	return !atomic_load(&arena->is_over);
}

static bool are_here(const struct role *role, uint32_t instance)
{
	for (unsigned other = 0; other < role->count; other++)
		if (atomic_load_explicit(&role->arena->at[other].instance, memory_order_relaxed) <
		    instance)
			return false;
	return true;
}

/* Whoever isn't running can't be met: not in this batch. */
static void meet(struct role *role, uint32_t instance)
{
	atomic_store_explicit(&role->arena->at[role->number].instance, instance,
			      memory_order_relaxed);
	for (unsigned looks = 0; looks < role->patience; looks++) {
		if (are_here(role, instance))
			return;
		pause_briefly();
	}
	role->patience = 0;
}

static _Atomic uint32_t *instance_of(const struct role *role, unsigned instance)
{
	return role->arena->memory.views[role->number] + instance * INSTANCE;
}

/* What is in this processor's cache, and what isn't, is chance. */
static void touch(const struct role *role, _Atomic uint32_t *instance, unsigned which)
{
	(void)role;
	for (unsigned location = 0; location < LOCATIONS; location++)
		if (which >> location & 1)
			(void)atomic_load_explicit(instance + location * WORDS_OF_LINE,
						   memory_order_relaxed);
}

static void play_batch(struct role *role)
{
	const struct shape *shape = role->arena->shape;

	role->patience = PATIENCE;
	for (unsigned i = 0; i < BATCH; i++) {
		_Atomic uint32_t *instance = instance_of(role, i);
		unsigned delay = roll(role, DELAYS);

		touch(role, instance, roll(role, 1 << LOCATIONS));
		meet(role, i + 1);
		/* as late as not at all, half of the time */
		for (unsigned j = DELAYS / 2; j < delay; j++)
			pause_briefly();
		role->arena->registers[role->number][i] = shape->perform(role->number, instance);
	}
}

/* Each does a part; and there all is as it was at first. */
static void count_batch(struct role *role)
{
	struct arena *arena = role->arena;

	for (unsigned i = role->number; i < BATCH; i += role->count) {
		unsigned registers[ROLES_MAX], last[LOCATIONS];
		_Atomic uint32_t *instance = instance_of(role, i);

		for (unsigned other = 0; other < ROLES_MAX; other++)
			registers[other] = arena->registers[other][i];
		for (unsigned location = 0; location < LOCATIONS; location++) {
			last[location] = atomic_load_explicit(instance + location * WORDS_OF_LINE,
							      memory_order_relaxed);
			atomic_store_explicit(instance + location * WORDS_OF_LINE, 0,
					      memory_order_relaxed);
		}
		arena->counts[role->number]
			     [shape_outcome(arena->shape, registers, last) % OUTCOMES]++;
	}
	atomic_store(&arena->at[role->number].instance, 0);
}

static void play_role(struct role *role)
{
	for (uint64_t batch = 0; batch < role->arena->batches; batch++) {
		if (!wait_for_all(role))
			return;
		play_batch(role);
		if (!wait_for_all(role))
			return;
		count_batch(role);
	}
}

/* -- those who play --------------------------------------------------------------------------- */

/* Roles are on different processors, as far as there are so many. */
static void stay_on(unsigned number)
{
#ifdef CPU_SETSIZE
	cpu_set_t set, one;

	if (sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) == 0)
		return;
	number %= (unsigned)CPU_COUNT(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set) || number--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
#else
	(void)number;
#endif
}

/* Who runs away ends by himself, whatever handlers there were. */
static void be_harmless(void)
{
	static const int deadly[] = {SIGALRM, SIGSEGV, SIGBUS, SIGILL};
	struct rlimit limit = {LIMIT_SECONDS, LIMIT_SECONDS + 1};

#ifdef PR_SET_PDEATHSIG
	prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	setrlimit(RLIMIT_CPU, &limit);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], SIG_DFL);
	alarm(LIMIT_SECONDS);
}

static struct role role_of(struct arena *arena, unsigned number)
{
	struct role role = {.arena = arena, .number = number, .count = shape_roles(arena->shape)};

	/* the multiplier spreads seeds that are neighbours; and it is not to be zero */
	role.chance = (arena->seed + number + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	for (int i = 0; i < 8; i++)
		roll(&role, 2);
	return role;
}

static void *play_thread(void *context)
{
	struct role *role = context;

	stay_on(role->number);
	play_role(role);
	return NULL;
}

/* In a process of theirs; its exit status. */
static int play_threads(struct arena *arena)
{
	struct role roles[ROLES_MAX];
	pthread_t threads[ROLES_MAX];
	unsigned count = shape_roles(arena->shape), begun = 0;

	for (; begun < count; begun++) {
		roles[begun] = role_of(arena, begun);
		if (pthread_create(&threads[begun], NULL, play_thread, &roles[begun]) != 0) {
			atomic_store(&arena->is_over, true);
			break;
		}
	}
	for (unsigned i = 0; i < begun; i++)
		pthread_join(threads[i], NULL);
	return begun < count;
}

static _Noreturn void play_child(struct arena *arena, const struct memory_kind *kind,
				 enum actors actors, unsigned number)
{
	be_harmless();
	if (actors == BY_THREADS)
		_exit(play_threads(arena));

	struct role role = role_of(arena, number);

	/* the mappings of the others are of no use to it: it has the memory where it has it */
	for (unsigned i = 0; i < arena->memory.count; i++)
		if (arena->memory.views[i] != arena->memory.views[number])
			kind->unmap(&arena->memory, i);
	stay_on(number);
	play_role(&role);
	_exit(0);
}

/* Whether the child has ended as it should; others don't wait for one who hasn't. */
static void await(struct arena *arena, pid_t children[ROLES_MAX], unsigned count,
		  struct played *played)
{
	for (unsigned left = count; left > 0;) {
		int status;
		pid_t child = waitpid(-1, &status, 0);

		if (child < 0 && errno == EINTR)
			continue;
		if (child < 0)
			return;
		unsigned i = 0;
		while (i < count && children[i] != child)
			i++;
		if (i == count)
			continue; /* somebody else's */
		left--;
		if (status == 0 || played->trouble[0])
			continue;
		atomic_store(&arena->is_over, true);
		played->is_broken = true;
		if (WIFSIGNALED(status))
			snprintf(played->trouble, sizeof(played->trouble),
				 "role %u was killed by signal %d (%s)", i, WTERMSIG(status),
				 strsignal(WTERMSIG(status)));
		else
			snprintf(played->trouble, sizeof(played->trouble), "no threads");
	}
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void play_in(struct arena *arena, const struct memory_kind *kind, enum actors actors,
		    struct played *played)
{
	pid_t children[ROLES_MAX];
	unsigned count = actors == BY_THREADS ? 1 : shape_roles(arena->shape), begun = 0;
	double start = now();

	for (; begun < count; begun++) {
		children[begun] = fork();
		if (children[begun] == 0)
			play_child(arena, kind, actors, begun);
		if (children[begun] < 0) {
			snprintf(played->trouble, sizeof(played->trouble), "fork: %s",
				 strerror(errno));
			played->is_broken = true;
			atomic_store(&arena->is_over, true);
			break;
		}
	}
	await(arena, children, begun, played);
	played->seconds = now() - start;
	played->instances = arena->batches * BATCH;
	for (unsigned role = 0; role < ROLES_MAX; role++)
		for (unsigned outcome = 0; outcome < OUTCOMES; outcome++)
			played->counts[outcome] += arena->counts[role][outcome];
}

void play_shape(const struct shape *shape, const struct memory_kind *kind, enum actors actors,
		uint64_t instances, uint64_t seed, struct played *played)
{
	struct arena *arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*played = (struct played){0};
	signal(SIGCHLD, SIG_DFL); /* or else nobody learns how they end */
	if (arena == MAP_FAILED) {
		snprintf(played->trouble, sizeof(played->trouble), "mmap: %s", strerror(errno));
		played->is_broken = true;
		return;
	}
	arena->shape = shape;
	arena->batches = (instances + BATCH - 1) / BATCH;
	arena->seed = seed;
	if (memory_make(kind, &arena->memory, shape_roles(shape),
			BATCH * INSTANCE * sizeof(uint32_t))) {
		play_in(arena, kind, actors, played);
		memory_unmake(kind, &arena->memory);
	} else {
		snprintf(played->trouble, sizeof(played->trouble), "%s", arena->memory.trouble);
	}
	munmap(arena, sizeof(*arena));
}
