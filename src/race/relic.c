/* SPDX-License-Identifier: MIT */
#include "race/relic.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "contract/implementation.h"

#define PREFIX "ipcts-race-"
#define JOURNAL "journal"
/* Until it is locked. */
#define NEW_JOURNAL "journal-to-be"

/* Who has no journal by then, in seconds, and nothing else, was killed before he had one. */
enum { LONGEST_BEGINNING = 600 };
enum { PATH_ROOM = 512 };

static const char *const parents[] = {"/dev/shm", "/tmp"};
enum { PARENTS = sizeof(parents) / sizeof(parents[0]) };

static char directory[64];
static int journal = -1;

/* -- what is listed ------------------------------------------------------------------------- */

static void note(const char *line, size_t size)
{
	/* a full disk: this run removes it all the same */
	if (journal >= 0 && write(journal, line, size) < 0)
		errno = 0;
}

void relic_note_key(key_t key)
{
	char line[32];

	note(line, (size_t)snprintf(line, sizeof(line), "key %08x\n", (unsigned)key));
}

void relic_note_name(const char *name)
{
	char line[128];
	int size = snprintf(line, sizeof(line), "name %s\n", name);

	if ((size_t)size < sizeof(line))
		note(line, (size_t)size);
}

static void remove_key(const struct implementation *system, key_t key)
{
	int msg = system->msg->msgget(key, 0), semset = system->semset->semget(key, 0, 0),
	    segment = system->shm->shmget(key, 0, 0);

	if (msg >= 0)
		system->msg->msgctl(msg, IPC_RMID, NULL);
	if (semset >= 0)
		system->semset->semctl(semset, 0, IPC_RMID, (union semset_argument){.val = 0});
	if (segment >= 0)
		system->shm->shmctl(segment, IPC_RMID, NULL);
}

static void remove_name(const struct implementation *system, const char *name)
{
	if (system->mq->mq_unlink)
		system->mq->mq_unlink(name);
	if (system->sem->sem_unlink)
		system->sem->sem_unlink(name);
	if (system->shm->shm_unlink)
		system->shm->shm_unlink(name);
}

/* A line that was cut short is of what was never made. */
static void remove_listed(const struct implementation *system, FILE *lines)
{
	char line[128];
	unsigned key;

	while (fgets(line, sizeof(line), lines)) {
		size_t size = strlen(line);

		if (size == 0 || line[size - 1] != '\n')
			break;
		line[size - 1] = '\0';
		if (sscanf(line, "key %x", &key) == 1 && key != 0)
			remove_key(system, (key_t)key);
		else if (strncmp(line, "name /", strlen("name /")) == 0)
			remove_name(system, line + strlen("name "));
	}
}

/* -- directories ---------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status, (void)type, (void)where;
	remove(path);
	return 0;
}

static void remove_directory(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path is a directory of this user's. */
static bool is_own(const char *path, struct stat *status)
{
	return lstat(path, status) == 0 && S_ISDIR(status->st_mode) && status->st_uid == geteuid();
}

static void sweep_run(const struct implementation *system, const char *path)
{
	char file[PATH_ROOM + sizeof(NEW_JOURNAL) + 1];
	struct stat status;

	if (!is_own(path, &status))
		return;
	snprintf(file, sizeof(file), "%s/" JOURNAL, path);
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		if (errno != ENOENT || time(NULL) - status.st_mtime < LONGEST_BEGINNING)
			return;
		snprintf(file, sizeof(file), "%s/" NEW_JOURNAL, path);
		unlink(file);
		rmdir(path);
		return;
	}
	FILE *lines = flock(fd, LOCK_EX | LOCK_NB) == 0 ? fdopen(fd, "r") : NULL;
	if (!lines) {
		close(fd);
		return;
	}
	remove_listed(system, lines);
	remove_directory(path);
	fclose(lines);
}

void relic_sweep(const struct implementation *system)
{
	char path[PATH_ROOM];

	for (size_t i = 0; i < PARENTS; i++) {
		DIR *stream = opendir(parents[i]);

		if (!stream)
			continue;
		for (const struct dirent *entry; (entry = readdir(stream));)
			if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 &&
			    snprintf(path, sizeof(path), "%s/%s", parents[i], entry->d_name) <
				    (int)sizeof(path))
				sweep_run(system, path);
		closedir(stream);
	}
}

/* Nobody sees it before it is locked.  False: errno says why not. */
static bool make_journal(void)
{
	char before[sizeof(directory) + sizeof(NEW_JOURNAL) + 1],
		after[sizeof(directory) + sizeof(JOURNAL) + 1];

	snprintf(before, sizeof(before), "%s/" NEW_JOURNAL, directory);
	snprintf(after, sizeof(after), "%s/" JOURNAL, directory);
	journal = open(before, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	return journal >= 0 && flock(journal, LOCK_EX | LOCK_NB) == 0 && rename(before, after) == 0;
}

const char *relic_open(void)
{
	for (size_t i = 0; i < PARENTS; i++) {
		snprintf(directory, sizeof(directory), "%s/" PREFIX "XXXXXX", parents[i]);
		if (!mkdtemp(directory))
			continue;
		if (make_journal())
			return directory;
		int error = errno;
		remove_directory(directory);
		errno = error;
	}
	return NULL;
}

void relic_close(const struct implementation *system)
{
	FILE *lines = journal >= 0 ? fdopen(journal, "r") : NULL;

	if (lines) {
		rewind(lines);
		remove_listed(system, lines);
	}
	remove_directory(directory);
	if (lines)
		fclose(lines);
	journal = -1;
}
