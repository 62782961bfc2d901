/* SPDX-License-Identifier: MIT */
/*
 * Where objects that have a name are: files of a directory.  IPCREF_NAMESPACE names it, and it must
 * exist then; without it, it is ipcref in the first of /dev/shm, $TMPDIR and /tmp that is there,
 * and is made.  Worlds with different directories don't see each other.
 *
 * The directory is known by its path, not by a descriptor: a program's descriptors are its own.
 */
#ifndef IPCREF_NAMESPACE_H
#define IPCREF_NAMESPACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

/*
 * The path of what has this name among its kind.  False with errno: what the directory gave
 * (ENOENT, EACCES, ENOSPC ...), EPROTONOSUPPORT if objects of another version are in it,
 * ENAMETOOLONG.
 */
bool namespace_path(char path[PATH_MAX], const char *kind, const char *name);

/*
 * The same for a POSIX name, which has a leading slash.  EINVAL: it has none, or nothing behind it;
 * EACCES: there is another slash; ENAMETOOLONG: it has more than NAME_MAX bytes.
 */
bool namespace_posix_path(char path[PATH_MAX], const char *kind, const char *name);

/* Calls visit with the name of each that there is of the kind. */
void namespace_each(const char *kind, void (*visit)(const char *name));
/*
 * Whether the path leads to this file: so it does until it is unlinked, if all who do that to such
 * a path have locked the object that is there.
 */
bool namespace_leads_to(const char *path, const struct stat *file);

#endif
