/* SPDX-License-Identifier: MIT */
#include "race/race.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static struct race *first;

void race_register(struct race *race)
{
	struct race **place = &first;

	while (*place)
		place = &(*place)->next;
	*place = race;
}

const struct race *race_first(void)
{
	return first;
}

unsigned race_role_count(const struct race *race)
{
	unsigned count = 0;

	while (count < RACE_ROLES_MAX && race->roles[count].play)
		count++;
	return count;
}

static const char *paths = "/tmp";
static unsigned number;

void race_enter(const char *directory)
{
	paths = directory;
}

void race_name(char name[RACE_NAME_MAX])
{
	snprintf(name, RACE_NAME_MAX, "/ipcts-race-%ld-%u", (long)getpid(), number++);
}

void race_path(char path[RACE_NAME_MAX])
{
	snprintf(path, RACE_NAME_MAX, "%s/%ld-%u", paths, (long)getpid(), number++);
}

key_t race_key(void)
{
	return (key_t)(0x49000000u ^ (unsigned)getpid() << 8 ^ number++ % 256);
}

long long answer(long long result)
{
	return result == -1 ? -(long long)errno : result;
}
