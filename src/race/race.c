/* SPDX-License-Identifier: MIT */
#include "race/race.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "race/relic.h"

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

static bool objects_are_the_systems;

void race_enter(const char *directory, bool is_all_there)
{
	paths = directory;
	objects_are_the_systems = !is_all_there;
}

/* More of a process's are never there at once: after so many its names and keys come again. */
enum { OBJECTS_MAX = 256 };

/* What this process has noted, so that each is once. */
static struct {
	pid_t owner;
	bool key[OBJECTS_MAX], name[OBJECTS_MAX];
} noted;

static bool is_to_be_noted(bool *is_noted)
{
	if (noted.owner != getpid()) {
		memset(&noted, 0, sizeof(noted));
		noted.owner = getpid();
	}
	if (*is_noted || !objects_are_the_systems)
		return false;
	*is_noted = true;
	return true;
}

void race_name(char name[RACE_NAME_MAX])
{
	unsigned which = number++ % OBJECTS_MAX;

	snprintf(name, RACE_NAME_MAX, "/ipcts-race-%ld-%u", (long)getpid(), which);
	if (is_to_be_noted(&noted.name[which]))
		relic_note_name(name);
}

void race_path(char path[RACE_NAME_MAX])
{
	snprintf(path, RACE_NAME_MAX, "%s/%ld-%u", paths, (long)getpid(), number++);
}

key_t race_key(void)
{
	unsigned which = number++ % OBJECTS_MAX;
	key_t key = (key_t)(0x49000000u ^ (unsigned)getpid() << 8 ^ which);

	if (is_to_be_noted(&noted.key[which]))
		relic_note_key(key);
	return key;
}

long long answer(long long result)
{
	return result == -1 ? -(long long)errno : result;
}
