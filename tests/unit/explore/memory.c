/* SPDX-License-Identifier: MIT */
/*
 * What a memory model allows, by the classic shapes: memory SHAPE KIND [COUNTS], each process's
 * part of a shape being a few stores and loads.  KIND says how they are written.  With COUNTS, a
 * file, the outcome is appended to it; otherwise the program fails if it is the one that the shape
 * is known for.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

enum { PLAIN, RELAXED, RELEASE, SEQUENTIAL, FENCED, EXCHANGED, CALLED, KINDS };
static const char *const kinds[KINDS] = {"plain",  "relaxed",	"release", "sequential",
					 "fenced", "exchanged", "called"};
enum { VALUES = 5, PROCESSES = 4 };

/* Each in words of its own. */
static struct shared {
	struct {
		_Alignas(64) int value;
		_Atomic int atomic;
	} x, y;
	int seen[VALUES];
	_Atomic int turn, wants[2], inside, begun;
	long wide[2];
	struct {
		char bytes[24];
	} record, copy;
	int answer;
} * shared;

static unsigned kind;
static int ends[2];
/* What nobody looks at, a compiler may not exchange but store. */
static volatile int before;

/* ---- an access, as the kind says ---- */

#define LOAD(place)                                                                                \
	(kind == PLAIN ? *(volatile int *)&(place).value                                           \
		       : atomic_load_explicit(&(place).atomic,                                     \
					      kind == SEQUENTIAL ? memory_order_seq_cst            \
					      : kind == RELEASE	 ? memory_order_acquire            \
								 : memory_order_relaxed))

#define STORE(place, new)                                                                          \
	do {                                                                                       \
		if (kind == PLAIN)                                                                 \
			*(volatile int *)&(place).value = (new);                                   \
		else if (kind == EXCHANGED)                                                        \
			before = atomic_exchange_explicit(&(place).atomic, (new),                  \
							  memory_order_relaxed);                   \
		else                                                                               \
			atomic_store_explicit(&(place).atomic, (new),                              \
					      kind == SEQUENTIAL ? memory_order_seq_cst            \
					      : kind == RELEASE	 ? memory_order_release            \
								 : memory_order_relaxed);           \
	} while (0)

/* Between a store and a load. */
static void fence(void)
{
	if (kind == FENCED)
		atomic_thread_fence(memory_order_seq_cst);
	else if (kind == CALLED)
		assert(write(ends[1], "", 1) == 1);
	else
		atomic_thread_fence(memory_order_acq_rel);
}

#define SEES(number, place) (seen[number] = LOAD(place))

/* What a process saw is told by its exit status: it stores nothing more. */
static int seen[VALUES];

/* ---- the shapes ---- */

static void sb_0(void)
{
	STORE(shared->x, 1);
	fence();
	SEES(0, shared->y);
}

static void sb_1(void)
{
	STORE(shared->y, 1);
	fence();
	SEES(1, shared->x);
}

static bool sb(void)
{
	return !seen[0] && !seen[1];
}

static void mp_0(void)
{
	STORE(shared->x, 1);
	STORE(shared->y, 1);
}

static void mp_1(void)
{
	SEES(0, shared->y);
	SEES(1, shared->x);
}

static bool mp(void)
{
	return seen[0] && !seen[1];
}

static void lb_0(void)
{
	SEES(0, shared->x);
	STORE(shared->y, 1);
}

static void lb_1(void)
{
	SEES(1, shared->y);
	STORE(shared->x, 1);
}

static bool lb(void)
{
	return seen[0] && seen[1];
}

static void store_x(void)
{
	STORE(shared->x, 1);
}

static void store_y(void)
{
	STORE(shared->y, 1);
}

static void iriw_2(void)
{
	SEES(0, shared->x);
	SEES(1, shared->y);
}

static void iriw_3(void)
{
	SEES(2, shared->y);
	SEES(3, shared->x);
}

static bool iriw(void)
{
	return seen[0] && !seen[1] && seen[2] && !seen[3];
}

static void two_0(void)
{
	STORE(shared->x, 1);
	STORE(shared->y, 2);
}

static void two_1(void)
{
	STORE(shared->y, 1);
	STORE(shared->x, 2);
}

/* Only one is left, whatever kind it is of. */
static bool two(void)
{
	seen[0] = shared->x.value + atomic_load(&shared->x.atomic);
	seen[1] = shared->y.value + atomic_load(&shared->y.atomic);
	return seen[0] == 1 && seen[1] == 1;
}

static void coherence_0(void)
{
	STORE(shared->x, 1);
	STORE(shared->x, 2);
}

static void coherence_1(void)
{
	SEES(0, shared->x);
	SEES(1, shared->x);
}

static bool coherence(void)
{
	return seen[0] > seen[1];
}

/* A process sees its own stores, and the last of them, though nobody else does yet. */
static void own_0(void)
{
	STORE(shared->x, 1);
	SEES(0, shared->x);
	SEES(1, shared->y);
}

static void own_1(void)
{
	STORE(shared->y, 1);
	SEES(2, shared->y);
	SEES(3, shared->x);
}

static bool own(void)
{
	assert(seen[0] == 1 && seen[2] == 1);
	return !seen[1] && !seen[3];
}

static const struct shape {
	const char *name;
	void (*part[PROCESSES])(void);
	bool (*known)(void);
} shapes[] = {
	{"sb", {sb_0, sb_1}, sb},      {"mp", {mp_0, mp_1}, mp},
	{"lb", {lb_0, lb_1}, lb},      {"iriw", {store_x, store_y, iriw_2, iriw_3}, iriw},
	{"2+2w", {two_0, two_1}, two}, {"coherence", {coherence_0, coherence_1}, coherence},
	{"own", {own_0, own_1}, own},
};

static int told(void)
{
	int status = 0;

	for (unsigned value = 0; value < VALUES; value++)
		status = status * 3 + seen[value] % 3;
	return status;
}

static void learn(int status)
{
	for (unsigned value = VALUES; value-- > 0; status /= 3)
		seen[value] |= status % 3;
}

/* The first process has a part, too: then it hears what the others saw. */
static bool play(const struct shape *shape)
{
	pid_t children[PROCESSES] = {0};
	int status;

	for (unsigned part = 1; part < PROCESSES && shape->part[part]; part++)
		if ((children[part] = fork()) == 0) {
			shape->part[part]();
			_exit(told());
		}
	shape->part[0]();
	for (unsigned part = 1; part < PROCESSES && children[part]; part++) {
		assert(waitpid(children[part], &status, 0) == children[part]);
		assert(WIFEXITED(status));
		learn(WEXITSTATUS(status));
	}
	return shape->known();
}

static void note(const char *path)
{
	char line[VALUES + 1];
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);

	for (unsigned value = 0; value < VALUES; value++)
		line[value] = (char)('0' + seen[value]);
	line[VALUES] = '\n';
	assert(write(fd, line, sizeof(line)) == sizeof(line));
}

/* ---- mutual exclusion by loads and stores alone ---- */

static void critical(void)
{
	assert(atomic_fetch_add_explicit(&shared->inside, 1, memory_order_relaxed) == 0);
	atomic_fetch_sub_explicit(&shared->inside, 1, memory_order_relaxed);
}

static void set(_Atomic int *place, int value)
{
	if (kind == SEQUENTIAL)
		atomic_store(place, value);
	else
		atomic_store_explicit(place, value, memory_order_release);
}

static void peterson(int me)
{
	set(&shared->wants[me], 1);
	set(&shared->turn, !me);
	fence();
	while (atomic_load_explicit(&shared->wants[!me], memory_order_acquire) &&
	       atomic_load_explicit(&shared->turn, memory_order_acquire) == !me)
		;
	critical();
	set(&shared->wants[me], 0);
}

static void dekker(int me)
{
	set(&shared->wants[me], 1);
	fence();
	while (atomic_load_explicit(&shared->wants[!me], memory_order_acquire))
		if (atomic_load_explicit(&shared->turn, memory_order_acquire) != me) {
			set(&shared->wants[me], 0);
			while (atomic_load_explicit(&shared->turn, memory_order_acquire) != me)
				;
			set(&shared->wants[me], 1);
			fence();
		}
	critical();
	set(&shared->turn, !me);
	set(&shared->wants[me], 0);
}

static void exclude(void (*enter)(int))
{
	pid_t child = fork();

	if (child == 0) {
		enter(1);
		_exit(0);
	}
	enter(0);
	assert(waitpid(child, NULL, 0) == child);
}

/* ---- stores that are more than one, and code that isn't seen ---- */

/* Others may see the first half of a record without the second, and never the other way round. */
static void copies(void)
{
	pid_t child = fork();
	char last, first;

	if (child == 0) {
		memset(&shared->copy, 1, sizeof(shared->copy));
		_exit(0);
	}
	last = *(volatile char *)&shared->copy.bytes[23];
	first = *(volatile char *)&shared->copy.bytes[0];
	assert(!last || first);
	assert(waitpid(child, NULL, 0) == child);
	for (size_t at = 0; at < sizeof(shared->copy); at++)
		assert(shared->copy.bytes[at] == 1);
}

/* It fails if the record is seen half written. */
static void halves(void)
{
	pid_t child = fork();
	char last, first;

	if (child == 0) {
		memset(&shared->copy, 1, sizeof(shared->copy));
		_exit(0);
	}
	first = *(volatile char *)&shared->copy.bytes[0];
	last = *(volatile char *)&shared->copy.bytes[23];
	assert(waitpid(child, NULL, 0) == child);
	assert(first == last || !first);
}

/* A store over others that are not yet seen, by code that isn't instrumented. */
__attribute__((no_sanitize("thread"), noinline)) static void store_unnoticed(int *at, int value)
{
	*(volatile int *)at = value;
}

static void unnoticed(void)
{
	pid_t child = fork();

	if (child == 0) {
		*(volatile int *)&shared->x.value = 1;
		assert(*(volatile int *)&shared->y.value >= 0); /* from here on it is delayed */
		store_unnoticed(&shared->x.value, 2);
		assert(*(volatile int *)&shared->y.value >= 0);
		assert(*(volatile int *)&shared->x.value == 2);
		_exit(0);
	}
	assert(*(volatile int *)&shared->y.value == 0);
	assert(waitpid(child, NULL, 0) == child);
	assert(shared->x.value == 2);
}

/* More stores than a buffer holds, each the last there is. */
static void many(void)
{
	pid_t child = fork();
	int before = 0;

	if (child == 0) {
		for (int value = 1; value <= 12; value++)
			*(volatile int *)&shared->x.value = value;
		_exit(0);
	}
	for (int look = 0; look < 4; look++) {
		int value = *(volatile int *)&shared->x.value;
		assert(value >= before);
		before = value;
	}
	assert(waitpid(child, NULL, 0) == child);
	assert(shared->x.value == 12);
}

/* A flag that others wait for in a loop comes to be seen though nothing makes it be. */
static void awaited(void)
{
	pid_t child = fork();

	if (child == 0) {
		*(volatile int *)&shared->answer = 42;
		atomic_store_explicit(&shared->x.atomic, 1, memory_order_release);
		while (!atomic_load_explicit(&shared->y.atomic, memory_order_acquire))
			;
		_exit(0);
	}
	while (!atomic_load_explicit(&shared->x.atomic, memory_order_acquire))
		;
	assert(*(volatile int *)&shared->answer == 42);
	atomic_store_explicit(&shared->y.atomic, 1, memory_order_release);
	assert(waitpid(child, NULL, 0) == child);
}

static void peterson_program(void)
{
	exclude(peterson);
}

static void dekker_program(void)
{
	exclude(dekker);
}

static const struct program programs[] = {
	{"peterson", peterson_program},
	{"dekker", dekker_program},
	{"copies", copies},
	{"halves", halves},
	{"unnoticed", unnoticed},
	{"many", many},
	{"awaited", awaited},
};

int main(int argc, char **argv)
{
	const char *name = argc > 2 ? argv[1] : "";

	while (argc > 2 && kind < KINDS && strcmp(kinds[kind], argv[2]) != 0)
		kind++;
	shared = share(sizeof(*shared));
	if (!shared || kind == KINDS || pipe(ends) < 0)
		return NOT_PLAYED;
	for (size_t index = 0; index < sizeof(shapes) / sizeof(shapes[0]); index++)
		if (strcmp(shapes[index].name, name) == 0) {
			bool known = play(&shapes[index]);
			if (argc > 3)
				note(argv[3]);
			else
				assert(!known);
			return 0;
		}
	return PLAY_PROGRAM(programs, name);
}
