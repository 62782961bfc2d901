/* SPDX-License-Identifier: MIT */
/*
 * The FIFO: a pipe whose file is at a path, where its openers meet.  What isn't one of these files
 * goes to the platform.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/ipcref.h"
#include "ref/pipe.h"
#include "ref/socket.h"
#include "ref/step.h"

#ifndef O_PATH
#define O_PATH 0
#endif

/* -- its file --------------------------------------------------------------------------------- */

int ipcref_mkfifoat(int directory, const char *path, mode_t mode)
{
	char nameless[PATH_MAX];
	struct stat status;
	int fd = object_begin(directory, path, mode & 0777, nameless);

	if (fd < 0)
		return -1;
	bool is_made = fstat(fd, &status) == 0 && pipe_write(fd, status.st_mode & 0777, true) &&
		       object_name(fd, nameless, directory, path);
	int error = errno;

	if (*nameless)
		unlinkat(directory, nameless, 0);
	close(fd);
	errno = error;
	return is_made ? 0 : -1;
}

int ipcref_mkfifo(const char *path, mode_t mode)
{
	return ipcref_mkfifoat(AT_FDCWD, path, mode);
}

int ipcref_mknod(const char *path, mode_t mode, dev_t device)
{
	return S_ISFIFO(mode) ? ipcref_mkfifo(path, mode) : mknod(path, mode, device);
}

int ipcref_stat(const char *path, struct stat *status)
{
	if (stat(path, status) < 0)
		return -1;
	if (!pipe_tells(status))
		socket_tells(status);
	return 0;
}

/* Whether the file of this path is likely to be one of ours: its length is that of a pipe. */
static bool seems_ours(const char *path)
{
	struct stat status;
	int saved = errno;
	bool is_likely = stat(path, &status) == 0 && pipe_tells(&status);

	errno = saved;
	return is_likely;
}

/* Opens it if it is one: true, and *fd is -1 with errno if it may not be opened. */
static bool open_ours(const char *path, int flags, int *fd, struct mapping *mapping)
{
	const int kept = O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_DIRECTORY;

	if (!seems_ours(path))
		return false;
	*fd = FAULT("fifo/open/file", EMFILE, ENFILE, ENOMEM) ? -1
							      : open(path, O_RDWR | (flags & kept));
	if (*fd < 0)
		return errno != ENOENT;
	if (object_map(mapping, *fd, OBJECT_PIPE, sizeof(struct pipe))) {
		mapping->repair = NULL;
		return true;
	}
	int error = errno;

	close(*fd);
	*fd = -1;
	errno = error;
	return error != EINVAL; /* which it is, if it is none */
}

int ipcref_chmod(const char *path, mode_t mode)
{
	struct mapping mapping;
	int fd, result;

	if (socket_chmod(path, mode, &result))
		return result;
	if (!open_ours(path, O_CLOEXEC, &fd, &mapping))
		return chmod(path, mode);
	if (fd < 0)
		return -1;
	object_unmap(&mapping);
	/* in this order: the mode first, for that may be refused */
	result = fchmod(fd, pipe_file_mode(mode));
	if (result == 0)
		result = ftruncate(fd, pipe_length(mode));
	int error = errno;

	close(fd);
	errno = error;
	return result;
}

/* -- opening ---------------------------------------------------------------------------------- */

struct opening {
	struct mapping mapping;
	struct pipe *pipe;
	int fd, flags;
	unsigned ends;
};

static bool is_permitted(const struct opening *opening)
{
	struct stat status;

	return fstat(opening->fd, &status) == 0 && pipe_tells(&status) &&
	       object_permits(status.st_mode & 0777, status.st_uid, status.st_gid, opening->ends);
}

/* With the last descriptor went what was not read. */
static void discard_what_nobody_has(const struct opening *opening)
{
	if (descriptor_has_others(opening->fd, PIPE_READS) ||
	    descriptor_has_others(opening->fd, PIPE_WRITES))
		return;
	pipe_discard(opening->pipe);
	STEP("fifo/open/discarded");
}

/* Waits until the other end has, or has had, an opener since there had been so many. */
static int await_peer(struct opening *opening, unsigned peer, const _Atomic uint32_t *seen,
		      uint32_t before)
{
	const struct sleep sleep = {.when_interrupted = SLEEP_RESTARTS};
	int error = 0;

	while (!error && *seen == before && descriptor_has_others(opening->fd, peer) == 0)
		error = bell_sleep(&opening->pipe->opened, &opening->mapping, &sleep);
	return error;
}

/* Takes the ends and meets who has the others; the pipe is locked.  0 or an error. */
static int meet(struct opening *opening)
{
	struct pipe *pipe = opening->pipe;
	struct mapping *mapping = &opening->mapping;
	bool waits = !(opening->flags & O_NONBLOCK);
	uint32_t readers = pipe->readers_seen, writers = pipe->writers_seen;

	discard_what_nobody_has(opening);
	if (opening->ends == PIPE_WRITES && !waits &&
	    !descriptor_has_others(opening->fd, PIPE_READS))
		return ENXIO;
	if (!descriptor_take_end(opening->fd, opening->ends))
		return errno;
	STEP("fifo/open/has-its-end");
	if (opening->ends & PIPE_READS)
		CHANGE(mapping, pipe->readers_seen, readers + 1);
	if (opening->ends & PIPE_WRITES)
		CHANGE(mapping, pipe->writers_seen, writers + 1);
	bell_ring(&pipe->opened, mapping);
	mapping_commit(mapping);
	STEP("fifo/open/is-seen");

	if (waits && opening->ends == PIPE_READS)
		return await_peer(opening, PIPE_WRITES, &pipe->writers_seen, writers);
	if (waits && opening->ends == PIPE_WRITES)
		return await_peer(opening, PIPE_READS, &pipe->readers_seen, readers);
	if (opening->ends == PIPE_READS && !descriptor_has_others(opening->fd, PIPE_WRITES))
		opening->ends |= (writers & PIPE_SEEN) << PIPE_SEEN_SHIFT;
	return 0;
}

static int open_end(struct opening *opening)
{
	int access = opening->flags & O_ACCMODE, error = EINVAL;

	opening->pipe = (struct pipe *)opening->mapping.object;
	opening->ends = access == O_RDONLY   ? PIPE_READS
			: access == O_WRONLY ? PIPE_WRITES
					     : PIPE_READS | PIPE_WRITES;
	if (access == O_RDONLY || access == O_WRONLY || access == O_RDWR)
		error = is_permitted(opening) ? 0 : EACCES;
	if (!error) {
		mapping_lock(&opening->mapping);
		error = meet(opening);
		mapping_unlock(&opening->mapping);
	}
	object_unmap(&opening->mapping);
	if (!error)
		return descriptor_adopt(opening->fd, OBJECT_PIPE, opening->ends);
	close(opening->fd);
	errno = error;
	return -1;
}

int ipcref_open(const char *path, int flags, ...)
{
	bool makes = (flags & O_CREAT) && (flags & O_EXCL), is_path = flags & O_PATH;
	struct opening opening = {.flags = flags};
	mode_t mode = 0;
	va_list rest;

	va_start(rest, flags);
	if (flags & O_CREAT)
		mode = (mode_t)va_arg(rest, unsigned);
	va_end(rest);
	if (!makes && !is_path && open_ours(path, flags, &opening.fd, &opening.mapping))
		return opening.fd < 0 ? -1 : open_end(&opening);

	struct stat status;
	if (!is_path && stat(path, &status) == 0 && socket_tells(&status)) {
		errno = makes ? EEXIST : ENXIO;
		return -1;
	}
	int fd = open(path, flags, mode);
	if (fd >= 0)
		descriptor_is_new(fd);
	return fd;
}
