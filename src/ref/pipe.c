/* SPDX-License-Identifier: MIT */
/* Pipes: how one is made, and what it tells. */
#include "ref/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/namespace.h"
#include "ref/step.h"

/* -- what a file tells ------------------------------------------------------------------------ */

off_t pipe_length(mode_t mode)
{
	return (off_t)sizeof(struct pipe) + (off_t)(mode & 0777);
}

/* The owner may always open it, for only so it can be told what it is. */
mode_t pipe_file_mode(mode_t mode)
{
	return object_widened(mode & 0777) | 0600;
}

bool pipe_tells(struct stat *status)
{
	off_t mode = status->st_size - pipe_length(0);

	if (!S_ISREG(status->st_mode) || mode < 0 || mode > 0777)
		return false;
	/* unless it was changed by who knows nothing of this */
	if ((status->st_mode & 0777) != pipe_file_mode((mode_t)mode))
		mode = status->st_mode & 0777;
	status->st_mode = S_IFIFO | (mode_t)mode;
	status->st_size = 0;
	status->st_blocks = 0;
	return true;
}

static int pipe_fstat(int fd, struct handle *h, struct stat *status)
{
	if (fstat(fd, status) < 0)
		return -1;
	pipe_tells(status);
	if (!pipe_of(&h->mapping)->is_named)
		status->st_nlink = 1;
	return 0;
}

/* Reading and writing mark the times of a file; nobody can ask for those of a nameless pipe. */
void pipe_mark_time(int fd, const struct handle *h, bool is_read)
{
	const struct timespec now = {.tv_nsec = UTIME_NOW}, same = {.tv_nsec = UTIME_OMIT};
	const struct timespec times[2] = {is_read ? now : same, is_read ? same : now};
	int saved = errno;

	if (pipe_of(&h->mapping)->is_named)
		futimens(descriptor_number(fd, h), times);
	errno = saved;
}

/* -- making one ------------------------------------------------------------------------------- */

static void make_pipe(struct object *object, const void *wish)
{
	struct pipe *pipe = (struct pipe *)object;

	pipe->ring = PIPE_CAPACITY;
	pipe->is_named = *(const bool *)wish;
	/* a nameless one is born with its writer */
	pipe->writers_seen = pipe->readers_seen = pipe->is_named ? 0 : 1;
}

bool pipe_write(int fd, mode_t mode, bool is_named)
{
	return fchmod(fd, pipe_file_mode(mode)) == 0 &&
	       object_write(fd, OBJECT_PIPE, offsetof(struct pipe, halves) + PIPE_CAPACITY, mode,
			    make_pipe, &is_named) &&
	       !FAULT("pipe/make/length", ENOSPC) && ftruncate(fd, pipe_length(mode)) == 0;
}

/* Opens once more a file that has no name, or one that nobody looks for. */
static int open_again(int fd, const char *nameless, int flags)
{
	char self[32];

	if (FAULT("pipe/make/open-again", EMFILE, ENFILE, ENOMEM))
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return open(*nameless ? nameless : self, flags);
}

/* Two descriptions of one nameless file. */
static bool open_both(int ends[2], int flags)
{
	char path[PATH_MAX], nameless[PATH_MAX];

	if (!namespace_path(path, "pipe", "new"))
		return false;
	ends[0] = object_begin(AT_FDCWD, path, 0600, nameless);
	if (ends[0] < 0)
		return false;
	STEP("pipe/make/begun");
	fchmod(ends[0], 0600); /* whatever the umask is */
	ends[1] = open_again(ends[0], nameless, O_RDWR | flags);
	int error = errno;

	if (*nameless)
		unlink(nameless);
	if (ends[1] >= 0 && fcntl(ends[0], F_SETFL, flags & O_NONBLOCK) == 0 &&
	    fcntl(ends[0], F_SETFD, flags & O_CLOEXEC ? FD_CLOEXEC : 0) == 0)
		return true;
	close(ends[0]);
	errno = error;
	return false;
}

int ipcref_pipe2(int ends[2], int flags)
{
	unsigned packets = flags & O_DIRECT ? PIPE_IN_PACKETS : 0;
	int made[2];

	if (flags & ~(O_NONBLOCK | O_CLOEXEC | O_DIRECT)) {
		errno = EINVAL;
		return -1;
	}
	if (FAULT("pipe/make/enter", EMFILE, ENFILE) || !open_both(made, flags & ~O_DIRECT))
		return -1;
	bool is_made = pipe_write(made[0], 0600, false) &&
		       descriptor_take_end(made[0], PIPE_READS) &&
		       descriptor_take_end(made[1], PIPE_WRITES);
	/* packets are the writer's to make: the end that reads doesn't say so (Linux) */
	return descriptor_adopt_both(made, is_made, OBJECT_PIPE, PIPE_READS, PIPE_WRITES | packets,
				     ends);
}

int ipcref_pipe(int ends[2])
{
	return ipcref_pipe2(ends, 0);
}

/* -- readiness -------------------------------------------------------------------------------- */

/* A reader that came before the first writer isn't told that there is none. */
static bool is_hung_up(int fd, const struct handle *h)
{
	uint32_t seen = pipe_of(&h->mapping)->writers_seen & PIPE_SEEN;

	return pipe_has(fd, h, PIPE_WRITES) == 0 && seen != (h->end >> PIPE_SEEN_SHIFT & PIPE_SEEN);
}

/* Whether a write of PIPE_BUF bytes need not wait. */
static bool has_room(int fd, struct handle *h, const struct pipe_content *content)
{
	return content->capacity - content->used >= PIPE_ATOMIC &&
	       (content->packets < content->capacity / PIPE_ATOMIC || !pipe_is_in_packets(fd, h));
}

static short pipe_ready(int fd, struct handle *h)
{
	struct pipe *pipe = pipe_of(&h->mapping);
	struct pipe_content content;
	short events = 0;

	if (!pipe_look_inside(&h->mapping, &content))
		return POLLERR;
	if ((h->end & PIPE_READS) && content.used > 0)
		events |= POLLIN | POLLRDNORM;
	if ((h->end & PIPE_READS) && is_hung_up(fd, h))
		events |= POLLHUP;
	if ((h->end & PIPE_WRITES) && has_room(fd, h, &content))
		events |= POLLOUT | POLLWRNORM;
	if ((h->end & PIPE_WRITES) && pipe_has(fd, h, PIPE_READS) == 0) {
		/* so the next write asks the kernel too */
		atomic_fetch_add(&pipe->changes, 1);
		events |= POLLERR;
	}
	return events;
}

/* Perhaps the end is nobody's now: everybody is to ask again. */
static void pipe_closed(struct handle *h)
{
	struct pipe *pipe = pipe_of(&h->mapping);

	atomic_fetch_add(&pipe->changes, 1);
	STEP("pipe/close/told");
	pipe_wake(&h->mapping, &pipe->readers);
	pipe_wake(&h->mapping, &pipe->writers);
}

void pipe_discard(struct pipe *pipe)
{
	uint32_t tail = pipe->writers.position;

	atomic_store(&pipe->readers.position, tail);
}

/* -- settings --------------------------------------------------------------------------------- */

/* What is noted of them: how many there had been, and two bits. */
enum { WAITS = 1, IN_PACKETS = 2, SETTING = 4 };

/* The kernel is asked only when somebody has set something since. */
static uint32_t settings_of(int fd, struct handle *h)
{
	uint32_t count =
		atomic_load_explicit(&pipe_of(&h->mapping)->settings, memory_order_acquire);
	uint32_t noted = atomic_load_explicit(&h->notes.settings, memory_order_relaxed);

	if (noted / SETTING == (count & UINT32_MAX / SETTING))
		return noted;
	int number = descriptor_number(fd, h);
	off_t end = lseek(number, 0, SEEK_CUR);

	noted = count * SETTING | (descriptor_is_nonblocking(number) ? 0 : WAITS) |
		(end >= 0 && (end & PIPE_IN_PACKETS) ? IN_PACKETS : 0);
	atomic_store_explicit(&h->notes.settings, noted, memory_order_relaxed);
	return noted;
}

bool pipe_waits(int fd, struct handle *h)
{
	return settings_of(fd, h) & WAITS;
}

bool pipe_is_in_packets(int fd, struct handle *h)
{
	return settings_of(fd, h) & IN_PACKETS;
}

/* From now on everybody asks again. */
static void say_set(struct handle *h)
{
	atomic_fetch_add(&pipe_of(&h->mapping)->settings, 1);
}

static int get_flags(int fd, struct handle *h)
{
	int flags = fcntl(fd, F_GETFL);
	unsigned access = h->end & (PIPE_READS | PIPE_WRITES);

	if (flags < 0)
		return -1;
	return (flags & O_NONBLOCK) | (pipe_is_in_packets(fd, h) ? O_DIRECT : 0) |
	       (access == PIPE_READS	? O_RDONLY
		: access == PIPE_WRITES ? O_WRONLY
					: O_RDWR);
}

static int set_flags(int fd, struct handle *h, int flags)
{
	off_t end = (off_t)(h->end & ~(unsigned)PIPE_IN_PACKETS);

	if (fcntl(fd, F_SETFL, flags & O_NONBLOCK) < 0 ||
	    lseek(fd, flags & O_DIRECT ? end | PIPE_IN_PACKETS : end, SEEK_SET) < 0)
		return -1;
	say_set(h);
	return 0;
}

static int pipe_fcntl(int fd, struct handle *h, int command, long argument)
{
	switch (command) {
	case F_GETFL:
		return get_flags(fd, h);
	case F_SETFL:
		return set_flags(fd, h, (int)argument);
#ifdef F_GETPIPE_SZ
	case F_GETPIPE_SZ:
		return (int)pipe_capacity(pipe_of(&h->mapping)->ring);
	case F_SETPIPE_SZ:
		return pipe_resize(fd, h, (unsigned)argument);
#endif
	default:
		return fcntl(fd, command, argument);
	}
}

static int pipe_ioctl(int fd, struct handle *h, unsigned long request, void *argument)
{
	struct pipe_content content;

	if (request != FIONREAD) {
		int result = platform_ioctl(fd, request, argument);

		say_set(h); /* it may have been FIONBIO */
		return result;
	}
	if (!pipe_look_inside(&h->mapping, &content))
		return -1;
	*(int *)argument = (int)content.used;
	return 0;
}

const struct object_class pipe_class = {
	.kind = OBJECT_PIPE,
	.least = sizeof(struct pipe),
	.readv = pipe_readv,
	.writev = pipe_writev,
	.ready = pipe_ready,
	.closed = pipe_closed,
	.fcntl = pipe_fcntl,
	.ioctl = pipe_ioctl,
	.fstat = pipe_fstat,
};
