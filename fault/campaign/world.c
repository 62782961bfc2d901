/* SPDX-License-Identifier: MIT */
#include "fault/campaign/world.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

/* The reference has its names where this says; it looks when it needs it first. */
static const char place[] = "IPCREF_NAMESPACE";

static bool has_worlds(void)
{
	return impl->enter;
}

static long long enters_world(const char *text, const long long *n)
{
	const char *path = path_of("world");
	char absolute[PATH_MAX];

	(void)text;
	(void)n;
	if (!has_worlds())
		return 0;
	must_be(mkdir(path, 0777), 0);
	must(realpath(path, absolute));
	return setenv(place, absolute, 1);
}

actor *cast_alone(const char *name)
{
	actor *a = cast(name);

	does(a, call(enters_world, "", 0, 0, 0));
	return a;
}

static bool is_registry(const char *name)
{
	const char *dot = strrchr(name, '.');

	return strcmp(dot, ".registry") == 0;
}

/* Neither of the directory itself, nor what every world has: the mark and the registries. */
static bool is_left(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       strncmp(name, ".ipcref-", strlen(".ipcref-")) != 0 && !is_registry(name);
}

static long long count_names(void)
{
	const char *path = getenv(place);
	DIR *stream = path ? opendir(path) : NULL;
	long long count = 0;

	must(stream);
	for (const struct dirent *entry; (entry = readdir(stream));)
		count += is_left(entry->d_name);
	closedir(stream);
	return count;
}

static long long count_identifiers(void)
{
	union {
		struct msginfo info;
		struct msqid_ds status;
	} queues;
	struct seminfo sets;
	union {
		struct shm_info info;
		struct shmid_ds status;
	} segments;

	must_be(impl->msg->msgctl(0, MSG_INFO, &queues.status), 0);
	must_be(impl->semset->semctl(0, 0, SEM_INFO, (union semset_argument){.info = &sets}), 0);
	must_be(impl->shm->shmctl(0, SHM_INFO, &segments.status), 0);
	return queues.info.msgpool + sets.semusz + segments.info.used_ids;
}

long long count_what_is_left(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	return has_worlds() ? count_names() + count_identifiers() : 0;
}
