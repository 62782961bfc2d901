/* SPDX-License-Identifier: MIT */
/* What the explored programs have in common: memory that they share, and parts that have names. */
#ifndef IPCTS_TESTS_EXPLORE_PROGRAM_H
#define IPCTS_TESTS_EXPLORE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* Of a program that doesn't come to what it is for. */
enum { NOT_PLAYED = 4 };

struct program {
	const char *name;
	void (*play)(void);
};

/* Memory that its children have, too, all zero; NULL: there is none. */
static inline void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Plays the one of that name; its exit status. */
static inline int play_program(const struct program *programs, size_t count, const char *name)
{
	for (size_t index = 0; index < count; index++)
		if (strcmp(programs[index].name, name) == 0) {
			programs[index].play();
			return 0;
		}
	fprintf(stderr, "%s: no such program\n", name);
	return NOT_PLAYED;
}

#define PLAY_PROGRAM(programs, name)                                                               \
	play_program(programs, sizeof(programs) / sizeof((programs)[0]), name)

#endif
