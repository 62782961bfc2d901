/* SPDX-License-Identifier: MIT */
#include "ref/namespace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ref/object.h"
#include "ref/step.h"

/* An empty file tells how the objects here are laid out: .ipcref-5. */
#define MARK ".ipcref-"
#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number
static const char version[] = MARK TEXT(OBJECT_LAYOUT);

/* NULL: not known yet.  Whoever comes first finds it out; no lock, which a child could be left. */
static _Atomic(char *) directory;

static bool join(char path[PATH_MAX], const char *parent, const char *child)
{
	if (snprintf(path, PATH_MAX, "%s/%s", parent, child) < PATH_MAX)
		return true;
	errno = ENAMETOOLONG;
	return false;
}

/* NULL with errno. */
static DIR *open_directory(const char *path)
{
	if (FAULT("namespace/read/open", EMFILE, ENFILE, ENOMEM))
		return NULL;
	return opendir(path);
}

/* Whether no objects of another version are there; else, or if it can't be told, errno. */
static bool is_of_no_other_version(const char *path)
{
	bool is_other = false;
	DIR *stream = open_directory(path);

	if (!stream)
		return false;
	for (const struct dirent *entry; (entry = readdir(stream));)
		if (strncmp(entry->d_name, MARK, sizeof(MARK) - 1) == 0)
			is_other = strcmp(entry->d_name, version) != 0;
	closedir(stream);
	errno = EPROTONOSUPPORT;
	return !is_other;
}

static bool make_mark(const char *path)
{
	if (FAULT("namespace/mark/open", EMFILE, ENFILE, ENOSPC, ENOMEM))
		return false;
	int fd = open(path, O_CREAT | O_RDONLY | O_CLOEXEC, 0444);
	if (fd < 0)
		return false;
	STEP("namespace/mark/made");
	close(fd);
	return true;
}

/* The version's mark is there, or there is no other and it can be made. */
static bool is_ours(const char *path)
{
	char mark[PATH_MAX];
	struct stat status;

	if (!join(mark, path, version))
		return false;
	if (stat(mark, &status) == 0)
		return true;
	return errno == ENOENT && is_of_no_other_version(path) && make_mark(mark);
}

/* Everybody may make objects in it, and only their owners may remove them. */
static bool make_default(char path[PATH_MAX])
{
	const char *const parents[] = {"/dev/shm", getenv("TMPDIR"), "/tmp"};

	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
		if (!parents[i] || !join(path, parents[i], "ipcref"))
			continue;
		if (mkdir(path, 01777) == 0)
			chmod(path, 01777); /* whatever the umask is */
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* NULL with errno. */
static const char *find_directory(void)
{
	const char *wish = getenv("IPCREF_NAMESPACE");
	char path[PATH_MAX], absolute[PATH_MAX];

	if (wish && *wish) {
		if (FAULT("namespace/find/path", ENOMEM) || !realpath(wish, absolute))
			return NULL;
	} else if (!make_default(absolute)) {
		return NULL;
	}
	if (!join(path, absolute, ".") || !is_ours(absolute))
		return NULL;
	char *found = FAULT("namespace/find/memory", ENOMEM) ? NULL : strdup(absolute);
	char *none = NULL;

	if (!found || atomic_compare_exchange_strong(&directory, &none, found))
		return found;
	free(found);
	return none;
}

bool namespace_path(char path[PATH_MAX], const char *kind, const char *name)
{
	char file[PATH_MAX];

	const char *parent = atomic_load(&directory);

	if (!parent && !(parent = find_directory()))
		return false;
	if (snprintf(file, sizeof(file), "%s.%s", kind, name) >= (int)sizeof(file)) {
		errno = ENAMETOOLONG;
		return false;
	}
	return join(path, parent, file);
}

bool namespace_posix_path(char path[PATH_MAX], const char *kind, const char *name)
{
	if (name[0] != '/' || name[1] == '\0') {
		errno = EINVAL;
		return false;
	}
	if (strlen(name + 1) > NAME_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (strchr(name + 1, '/')) {
		errno = EACCES;
		return false;
	}
	return namespace_path(path, kind, name + 1);
}

void namespace_each(const char *kind, void (*visit)(const char *name))
{
	char path[PATH_MAX];

	if (!namespace_path(path, kind, ""))
		return;
	char *prefix = strrchr(path, '/');

	*prefix++ = '\0';
	size_t length = strlen(prefix);
	DIR *stream = open_directory(path);

	if (!stream)
		return;
	for (const struct dirent *entry; (entry = readdir(stream));)
		if (strncmp(entry->d_name, prefix, length) == 0)
			visit(entry->d_name + length);
	closedir(stream);
}

bool namespace_leads_to(const char *path, const struct stat *file)
{
	struct stat status;

	return stat(path, &status) == 0 && status.st_dev == file->st_dev &&
	       status.st_ino == file->st_ino;
}
