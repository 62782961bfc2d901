/* SPDX-License-Identifier: MIT */
#include "fault/campaign/world.h"

#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* As root one needs no more than a mount namespace; others make it in a user namespace. */
static bool has_own_mounts(void)
{
	return (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static long long confines(const char *text, const long long *n)
{
	const char *path = getenv(place);
	char options[64];

	(void)text;
	snprintf(options, sizeof(options), "size=%lld", n[0]);
	if (!has_worlds() || !path)
		skip("names are the system's own");
	if (!has_own_mounts() || mount("tmpfs", path, "tmpfs", 0, options) < 0)
		skip("no file system of one's own to be had here");
	return 0;
}

actor *cast_confined(const char *name, size_t bytes)
{
	actor *a = cast_alone(name);

	does(a, call(confines, "", (long long)bytes, 0, 0));
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

/* Whether there have ever been identifiers of this kind: to ask for them would make a registry. */
static bool has_registry(const char *kind)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.registry", getenv(place), kind);
	return access(path, F_OK) == 0;
}

static long long count_identifiers(void)
{
	union {
		struct msginfo info;
		struct msqid_ds status;
	} queues = {0};
	struct seminfo sets = {0};
	union {
		struct shm_info info;
		struct shmid_ds status;
	} segments = {0};

	if (has_registry("msg"))
		must(impl->msg->msgctl(0, MSG_INFO, &queues.status) >= 0);
	if (has_registry("sem"))
		must(impl->semset->semctl(0, 0, SEM_INFO, (union semset_argument){.info = &sets}) >=
		     0);
	if (has_registry("shm"))
		must(impl->shm->shmctl(0, SHM_INFO, &segments.status) >= 0);
	return queues.info.msgpool + sets.semusz + segments.info.used_ids;
}

long long count_what_is_left(const char *text, const long long *n)
{
	long long identifiers = has_worlds() ? count_identifiers() : 0;

	(void)text;
	(void)n;
	/* who asks for identifiers clears away what the dead have left, and so that is asked first
	 */
	return has_worlds() ? identifiers + count_names() : 0;
}
