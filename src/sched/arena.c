/* SPDX-License-Identifier: MIT */
/* The memory that the processes of a program share with each other and with the explorer. */
#include "sched/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/real.h"

/* Above what programs number their own descriptors by, and close all of. */
enum { DESCRIPTOR_MIN = 700 };
/* How often one looks at what another is entering, who may have been killed over it. */
enum { GLANCES = 1 << 20 };

struct arena *arena;
static int descriptor = -1;

static struct arena *map(int fd)
{
	void *memory =
		REAL(mmap)(NULL, sizeof(struct arena), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int out_of_the_way(int fd)
{
	int high = fcntl(fd, F_DUPFD, DESCRIPTOR_MIN);

	if (high < 0)
		return fd; /* a low limit: where it is, then */
	REAL(close)(fd);
	return high;
}

struct arena *arena_make(unsigned mode)
{
	int fd = (int)REAL(syscall)(SYS_memfd_create, "ipcts-arena", 0);

	if (fd < 0)
		return NULL;
	descriptor = out_of_the_way(fd);
	if (ftruncate(descriptor, sizeof(struct arena)) < 0 || !(arena = map(descriptor)))
		return NULL;
	arena->size = sizeof(struct arena);
	arena->version = ARENA_VERSION;
	arena->mode = mode;
	arena->magic = ARENA_MAGIC;
	return arena;
}

void arena_unmake(void)
{
	REAL(munmap)(arena, sizeof(struct arena));
	REAL(close)(descriptor);
	arena = NULL;
	descriptor = -1;
}

void arena_export(void)
{
	char value[64];

	snprintf(value, sizeof(value), "%d,/proc/%ld/fd/%d", descriptor, (long)getpid(),
		 descriptor);
	setenv(ARENA_ENVIRONMENT, value, 1);
}

static struct arena *if_it_is_one(int fd)
{
	struct arena *found = map(fd);

	if (!found)
		return NULL;
	if (found->magic == ARENA_MAGIC && found->version == ARENA_VERSION &&
	    found->size == sizeof(struct arena))
		return found;
	REAL(munmap)(found, sizeof(struct arena));
	return NULL;
}

static bool is_long_enough(int fd)
{
	return lseek(fd, 0, SEEK_END) >= (off_t)sizeof(struct arena);
}

struct arena *arena_join(void)
{
	const char *value = getenv(ARENA_ENVIRONMENT);
	char *rest;

	if (!value)
		return NULL;
	descriptor = (int)strtol(value, &rest, 10);
	if (is_long_enough(descriptor) && (arena = if_it_is_one(descriptor)))
		return arena;
	if (*rest != ',')
		return NULL;
	int fd = REAL(open)(rest + 1, O_RDWR);
	if (fd < 0)
		return NULL;
	descriptor = out_of_the_way(fd);
	return arena = is_long_enough(descriptor) ? if_it_is_one(descriptor) : NULL;
}

enum { EMPTY, BEING_ENTERED, ENTERED };

/*
 * Everybody goes along the table in the same order and waits at what is being entered, so that
 * nothing is entered twice.
 */
uint32_t arena_number(struct numbered *table, uint32_t room, uint32_t kind, uint64_t device,
		      uint64_t number)
{
	for (uint32_t index = 0; index < room; index++) {
		struct numbered *entry = &table[index];
		uint32_t state = EMPTY;

		if (atomic_compare_exchange_strong(&entry->state, &state, BEING_ENTERED)) {
			entry->kind = kind;
			entry->device = device;
			entry->number = number;
			atomic_store(&entry->state, ENTERED);
			return index;
		}
		for (unsigned glance = 0; state == BEING_ENTERED && glance < GLANCES; glance++)
			state = atomic_load(&entry->state);
		if (state == ENTERED && entry->kind == kind && entry->device == device &&
		    entry->number == number)
			return index;
	}
	return room; /* all that have no room are one: they conflict too often, never too seldom */
}

/* Those that are gone and waited for make room for others once there is none. */
static bool is_done_with(const struct actor *actor)
{
	return atomic_load(&actor->state) == ACTOR_GONE && actor->collected;
}

unsigned arena_actors_max(void)
{
	return arena->engine.shadowed ? SHADOWED_MAX : ACTORS_MAX;
}

unsigned arena_enter(unsigned parent)
{
	unsigned number = atomic_load(&arena->actors), most = arena_actors_max();

	if (number < most)
		atomic_store(&arena->actors, number + 1);
	else
		for (number = 0; number < most; number++)
			if (is_done_with(&arena->actor[number]))
				break;
	if (number == most)
		return NOBODY;

	struct actor *actor = &arena->actor[number];
	static const struct actor nobody;
	const struct actor *from = parent < ACTORS_MAX ? &arena->actor[parent] : &nobody;
	const struct actor *process = parent < ACTORS_MAX ? &arena->actor[from->process] : &nobody;
	*actor = (struct actor){
		.parent = parent,
		.process = number,
		.module = from->module,
		.deadline = -1,
		.alarm = -1,
		.handled = process->handled,
		.restarts = process->restarts,
		.ignored = process->ignored,
		.masked = from->masked,
	};
	arena->next[number] = (struct operation){.kind = OPERATION_START, .module = from->module};
	if (arena->engine.shadowed)
		arena->next[DEATH_FROM + number] =
			(struct operation){.kind = OPERATION_DIE, .module = from->module};
	return number;
}

unsigned arena_module(const char *path)
{
	for (unsigned index = 0; index < MODULES_MAX; index++) {
		uint32_t state = EMPTY;

		if (atomic_compare_exchange_strong(&arena->module[index].state, &state,
						   BEING_ENTERED)) {
			snprintf(arena->module[index].path, MODULE_PATH_MAX, "%s", path);
			atomic_store(&arena->module[index].state, ENTERED);
			atomic_store(&arena->modules, index + 1);
			return index;
		}
		if (state == ENTERED && strcmp(arena->module[index].path, path) == 0)
			return index;
	}
	return MODULES_MAX;
}
