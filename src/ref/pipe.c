/* SPDX-License-Identifier: MIT */
/*
 * The pipe.  Who reads or writes locks it, copies, rings, and makes it so with one store: of how
 * many bytes have been read or written ever.  Only packets and resizing need the journal.
 */
#include "ref/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/namespace.h"
#include "ref/step.h"

/* How often who waits looks whether there still is a peer, whose death rings no bell. */
enum { LOOK_AFTER_PEERS_MS = 20 };

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

static struct pipe *pipe_of(const struct mapping *mapping)
{
	return (struct pipe *)mapping->object;
}

/* -- who has an end ---------------------------------------------------------------------------
 */

/* Each end is a byte of the file: locked, shared, by every description that has it. */
static struct flock byte_of(unsigned end, short type)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)end, .l_len = 1};
}

#ifdef F_OFD_SETLK
bool pipe_take_end(int fd, unsigned ends)
{
	for (unsigned end = PIPE_WRITES; end <= PIPE_READS; end <<= 1) {
		struct flock lock = byte_of(end, F_RDLCK);

		if (!(ends & end) || fcntl(fd, F_OFD_SETLK, &lock) == 0)
			continue;
		if (errno == EINVAL) /* of a kernel that has no such locks */
			errno = ENOSYS;
		return false;
	}
	return true;
}

int pipe_has_others(int fd, unsigned end)
{
	struct flock lock = byte_of(end, F_WRLCK);

	return fcntl(fd, F_OFD_GETLK, &lock) < 0 ? -1 : lock.l_type != F_UNLCK;
}
#else
bool pipe_take_end(int fd, unsigned ends)
{
	(void)fd;
	(void)ends;
	errno = ENOSYS;
	return false;
}

int pipe_has_others(int fd, unsigned end)
{
	(void)fd;
	(void)end;
	errno = ENOSYS;
	return -1;
}
#endif

/* Whether anybody has this end: 1 or 0, or -1 with errno. */
static int has(int fd, const struct handle *h, unsigned end)
{
	int number, result;

	if (h->end & end)
		return 1;
	do {
		number = descriptor_number(fd, h);
		result = pipe_has_others(number, end);
	} while (number != descriptor_number(fd, h)); /* closed meanwhile by another thread */
	return result;
}

/*
 * How long after the kernel was asked it need not be asked again.  Who knows that the last reader
 * died was told by the kernel, and that takes it longer, after it has let go of the locks; and who
 * closed the end has said so in the pipe.
 */
enum { TRUST_NS = 2000 };

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* The same of the readers, for each write must know; the pipe is locked. */
static int has_readers(int fd, struct handle *h)
{
	uint32_t closings = pipe_of(&h->mapping)->closings;
	uint64_t begun = now();

	if (h->closings == closings && begun - h->looked_at < TRUST_NS)
		return 1;
	int result = has(fd, h, PIPE_READS);

	h->closings = closings;
	h->looked_at = result > 0 ? begun : 0;
	return result;
}

/* From now on everybody asks again. */
static void say_closed(struct pipe *pipe)
{
	pipe->closings++;
}

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
static void mark_time(int fd, const struct handle *h, bool is_read)
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

	pipe->capacity = PIPE_CAPACITY;
	pipe->is_named = *(const bool *)wish;
	/* a nameless one is born with its writer */
	pipe->writers_seen = pipe->readers_seen = pipe->is_named ? 0 : 1;
}

bool pipe_write(int fd, mode_t mode, bool is_named)
{
	return fchmod(fd, pipe_file_mode(mode)) == 0 &&
	       object_write(fd, OBJECT_PIPE, offsetof(struct pipe, halves) + PIPE_CAPACITY, mode,
			    make_pipe, &is_named) &&
	       ftruncate(fd, pipe_length(mode)) == 0;
}

/* Opens once more a file that has no name, or one that nobody looks for. */
static int open_again(int fd, const char *nameless, int flags)
{
	char self[32];

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
	bool is_made = pipe_write(made[0], 0600, false) && pipe_take_end(made[0], PIPE_READS) &&
		       pipe_take_end(made[1], PIPE_WRITES);
	/* packets are the writer's to make: the end that reads doesn't say so (Linux) */
	return descriptor_adopt_both(made, is_made, OBJECT_PIPE, PIPE_READS, PIPE_WRITES | packets,
				     ends);
}

int ipcref_pipe(int ends[2])
{
	return ipcref_pipe2(ends, 0);
}

/* -- what a process goes by ------------------------------------------------------------------- */

/* The pipe as it is now that it is locked, checked against what is mapped. */
struct view {
	struct mapping *mapping;
	struct pipe *pipe;
	char *ring;
	uint32_t half, capacity;
	uint32_t head, tail;
	uint32_t used;
};

/* False with errno EBADMSG: a peer has scribbled over it. */
static bool see(struct view *view, struct mapping *mapping)
{
	struct pipe *pipe = pipe_of(mapping);

	*view = (struct view){
		.mapping = mapping,
		.pipe = pipe,
		.half = pipe->half & 1,
		.capacity = pipe->capacity,
		.head = pipe->head,
		.tail = pipe->tail,
	};
	view->ring = pipe->halves[view->half];
	view->used = view->tail - view->head;
	if (object_is_there(mapping) && view->capacity > 0 && view->capacity <= PIPE_MOST &&
	    (view->capacity & (view->capacity - 1)) == 0 && view->used <= view->capacity)
		return true;
	errno = EBADMSG;
	return false;
}

/* How many bytes the vector has; -1 with errno EINVAL. */
static ssize_t size_of(const struct iovec *vector, int count)
{
	size_t size = 0;

	for (int i = 0; count >= 0 && count <= IOV_MAX && i < count; i++) {
		if (vector[i].iov_len > (size_t)SSIZE_MAX - size) {
			count = -1;
			break;
		}
		size += vector[i].iov_len;
	}
	if (count >= 0 && count <= IOV_MAX)
		return (ssize_t)size;
	errno = EINVAL;
	return -1;
}

/* A place in a vector. */
struct cursor {
	const struct iovec *vector;
	size_t offset;
};

enum direction { INTO_RING, OUT_OF_RING };

/* Copies so many bytes between the place and the ring, from a position in the stream on. */
static void copy(struct cursor *cursor, const struct view *view, uint32_t position, size_t size,
		 enum direction direction)
{
	while (size > 0) {
		uint32_t place = position & (view->capacity - 1);
		size_t here = cursor->vector->iov_len - cursor->offset;
		char *bytes = (char *)cursor->vector->iov_base + cursor->offset;

		if (here == 0) {
			cursor->vector++;
			cursor->offset = 0;
			continue;
		}
		if (here > size)
			here = size;
		if (here > view->capacity - place)
			here = view->capacity - place;
		if (direction == INTO_RING)
			memcpy(view->ring + place, bytes, here);
		else
			memcpy(bytes, view->ring + place, here);
		cursor->offset += here;
		position += (uint32_t)here;
		size -= here;
	}
}

/*
 * Waits until the bell is rung or it's time to look; 0 or an error, the pipe locked.  A call that
 * has moved something is ended by every handler, for it can't be restarted.
 */
static int await(int fd, struct handle *h, struct bell *bell, bool has_moved, struct vigil *vigil)
{
	const struct sleep sleep = {
		.when_interrupted = has_moved ? SLEEP_ENDS : SLEEP_RESTARTS,
		.looks_every = LOOK_AFTER_PEERS_MS,
	};

	if (h->waits && bell_look_out(bell, &h->mapping, vigil))
		return 0;
	if (descriptor_mustnt_wait(fd, h))
		return EAGAIN;
	return bell_sleep_in_vigil(bell, &h->mapping, &sleep, vigil);
}

/* -- reading ---------------------------------------------------------------------------------- */

/* What a read of so many bytes gives, and what it takes out: more, of a packet. */
struct portion {
	uint32_t given, taken;
	bool is_packet;
};

static bool first_portion(const struct view *view, size_t size, struct portion *portion)
{
	uint32_t there = view->used;

	portion->is_packet = false;
	if (view->pipe->packets > 0) {
		const struct packet *packet =
			&view->pipe->packet[view->pipe->first_packet % PIPE_PACKETS];
		uint32_t before = packet->start - view->head, length = packet->size;

		if (before >= there || length == 0 || length > there - before) {
			errno = EBADMSG;
			return false;
		}
		portion->is_packet = before == 0;
		there = before == 0 ? length : before;
	}
	portion->given = size < there ? (uint32_t)size : there;
	portion->taken = portion->is_packet ? there : portion->given;
	return true;
}

/* Takes what is there; the pipe is locked, and not empty. */
static ssize_t take(const struct view *view, const struct iovec *vector, size_t size)
{
	struct cursor cursor = {vector, 0};
	struct pipe *pipe = view->pipe;
	struct portion portion;

	if (!first_portion(view, size, &portion))
		return -1;
	copy(&cursor, view, view->head, portion.given, OUT_OF_RING);
	STEP("pipe/read/copied");
	bell_ring(&pipe->read, view->mapping);
	STEP("pipe/read/rung");
	if (portion.is_packet) {
		CHANGE(view->mapping, pipe->packets, pipe->packets - 1);
		CHANGE(view->mapping, pipe->first_packet, pipe->first_packet + 1);
		CHANGE(view->mapping, pipe->head, view->head + portion.taken);
	} else {
		atomic_store_explicit(&pipe->head, view->head + portion.taken,
				      memory_order_release);
	}
	STEP("pipe/read/taken");
	return portion.given;
}

/* The end is told by 0: nothing is there, and nobody to write anything. */
static ssize_t read_locked(int fd, struct handle *h, const struct iovec *vector, size_t size,
			   struct vigil *vigil)
{
	struct view view;
	bool is_seen;

	while ((is_seen = see(&view, &h->mapping)) && view.used == 0) {
		if (h->waits && bell_look_out(&view.pipe->written, &h->mapping, vigil))
			continue;
		int writers = has(fd, h, PIPE_WRITES);
		int error = writers > 0 ? await(fd, h, &view.pipe->written, false, vigil) : 0;

		if (writers <= 0)
			return writers;
		if (error) {
			errno = error;
			return -1;
		}
	}
	return is_seen ? take(&view, vector, size) : -1;
}

static ssize_t pipe_readv(int fd, struct handle *h, const struct iovec *vector, int count)
{
	struct vigil vigil = {0};
	ssize_t size, result;

	if (!(h->end & PIPE_READS)) {
		errno = EBADF;
		return -1;
	}
	size = size_of(vector, count);
	if (size <= 0)
		return size;
	if (FAULT("pipe/read/enter", EIO))
		return -1;
	mapping_lock(&h->mapping);
	result = read_locked(fd, h, vector, (size_t)size, &vigil);
	mapping_unlock(&h->mapping);
	vigil_end(&vigil);
	if (result > 0)
		mark_time(fd, h, true);
	return result;
}

/* -- writing ---------------------------------------------------------------------------------- */

static bool is_in_packets(int fd, const struct handle *h)
{
	off_t end = (off_t)h->end;

	if (pipe_of(&h->mapping)->mode_has_changed)
		end = lseek(descriptor_number(fd, h), 0, SEEK_CUR);
	return end >= 0 && (end & PIPE_IN_PACKETS);
}

/* How many of the bytes left of a write of so many can be written now. */
static uint32_t room_for(const struct view *view, size_t size, size_t left, bool is_packet)
{
	uint32_t room = view->capacity - view->used;

	if (is_packet) {
		uint32_t length = left < PIPE_ATOMIC ? (uint32_t)left : PIPE_ATOMIC;

		return view->pipe->packets < view->capacity / PIPE_ATOMIC && length <= room ? length
											    : 0;
	}
	if (size <= PIPE_ATOMIC)
		return size <= room ? (uint32_t)size : 0;
	return left < room ? (uint32_t)left : room;
}

/* Writes so many bytes, for which there is room; the pipe is locked. */
static void put(const struct view *view, struct cursor *cursor, uint32_t size, bool is_packet)
{
	struct pipe *pipe = view->pipe;

	copy(cursor, view, view->tail, size, INTO_RING);
	STEP("pipe/write/copied");
	bell_ring(&pipe->written, view->mapping);
	STEP("pipe/write/rung");
	if (is_packet) {
		uint32_t place = (pipe->first_packet + pipe->packets) % PIPE_PACKETS;

		/* not yet one of those that count */
		pipe->packet[place].start = view->tail;
		pipe->packet[place].size = size;
		CHANGE(view->mapping, pipe->packets, pipe->packets + 1);
		CHANGE(view->mapping, pipe->tail, view->tail + size);
		mapping_commit(view->mapping);
	} else {
		atomic_store_explicit(&pipe->tail, view->tail + size, memory_order_release);
	}
	STEP("pipe/write/put");
}

/* Writes all, unless something happens, which it tells in *error; how much it has written. */
static size_t write_locked(int fd, struct handle *h, const struct iovec *vector, size_t size,
			   int *error, struct vigil *vigil)
{
	bool is_packet = is_in_packets(fd, h);
	struct cursor cursor = {vector, 0};
	struct view view;
	size_t done = 0;

	*error = 0;
	while (done < size && !*error) {
		int readers = has_readers(fd, h);

		if (readers < 0 || !see(&view, &h->mapping)) {
			*error = errno;
		} else if (readers == 0) {
			*error = EPIPE;
		} else {
			uint32_t room = room_for(&view, size, size - done, is_packet);

			if (room)
				put(&view, &cursor, room, is_packet);
			else
				*error = await(fd, h, &view.pipe->read, done > 0, vigil);
			done += room;
		}
	}
	return done;
}

static ssize_t pipe_writev(int fd, struct handle *h, const struct iovec *vector, int count)
{
	struct vigil vigil = {0};
	ssize_t size;
	size_t done;
	int error;

	if (!(h->end & PIPE_WRITES)) {
		errno = EBADF;
		return -1;
	}
	size = size_of(vector, count);
	if (size <= 0)
		return size;
	if (FAULT("pipe/write/enter", EIO))
		return -1;
	mapping_lock(&h->mapping);
	done = write_locked(fd, h, vector, (size_t)size, &error, &vigil);
	mapping_unlock(&h->mapping);
	vigil_end(&vigil);
	if (done > 0)
		mark_time(fd, h, false);
	if (error == EPIPE)
		raise(SIGPIPE);
	if (done > 0)
		return (ssize_t)done;
	errno = error;
	return -1;
}

/* -- readiness -------------------------------------------------------------------------------- */

/* A reader that came before the first writer isn't told that there is none. */
static bool is_hung_up(int fd, const struct handle *h)
{
	uint32_t seen = pipe_of(&h->mapping)->writers_seen & PIPE_SEEN;

	return has(fd, h, PIPE_WRITES) == 0 && seen != (h->end >> PIPE_SEEN_SHIFT & PIPE_SEEN);
}

static short pipe_ready(int fd, struct handle *h)
{
	struct view view;
	short events = 0;

	mapping_lock(&h->mapping);
	if (!see(&view, &h->mapping)) {
		events = POLLERR;
	} else {
		if ((h->end & PIPE_READS) && view.used > 0)
			events |= POLLIN | POLLRDNORM;
		if ((h->end & PIPE_READS) && is_hung_up(fd, h))
			events |= POLLHUP;
		if ((h->end & PIPE_WRITES) && view.capacity - view.used >= PIPE_ATOMIC)
			events |= POLLOUT | POLLWRNORM;
		if ((h->end & PIPE_WRITES) && has(fd, h, PIPE_READS) == 0) {
			say_closed(view.pipe);
			events |= POLLERR;
		}
	}
	mapping_unlock(&h->mapping);
	return events;
}

/* Perhaps the end is nobody's now. */
static void pipe_closed(struct handle *h)
{
	mapping_lock(&h->mapping);
	say_closed(pipe_of(&h->mapping));
	bell_ring(&pipe_of(&h->mapping)->read, &h->mapping);
	bell_ring(&pipe_of(&h->mapping)->written, &h->mapping);
	mapping_unlock(&h->mapping);
}

/* -- the capacity ----------------------------------------------------------------------------- */

/* What a wish for so many bytes gets: whole pages, a power of two of them. */
static uint32_t rounded(unsigned long size)
{
	uint32_t capacity = (uint32_t)sysconf(_SC_PAGESIZE);

	while (capacity < size)
		capacity *= 2;
	return capacity;
}

/* The ring moves to the other half, which nobody looks at. */
static void move(const struct view *view, uint32_t capacity)
{
	struct pipe *pipe = view->pipe;
	char *other = pipe->halves[!view->half];

	for (uint32_t position = view->head, left = view->used; left > 0;) {
		uint32_t from = position & (view->capacity - 1), to = position & (capacity - 1);
		uint32_t here = left;

		if (here > view->capacity - from)
			here = view->capacity - from;
		if (here > capacity - to)
			here = capacity - to;
		memcpy(other + to, view->ring + from, here);
		position += here;
		left -= here;
	}
	STEP("pipe/resize/copied");
	bell_ring(&pipe->read, view->mapping);
	CHANGE(view->mapping, pipe->half, !view->half);
	CHANGE(view->mapping, pipe->capacity, capacity);
	mapping_commit(view->mapping);
	STEP("pipe/resize/moved");
}

/* The memory of the half where the ring isn't; not having done so harms nobody. */
static void free_half(int fd, const struct pipe *pipe, uint32_t half)
{
#ifdef FALLOC_FL_PUNCH_HOLE
	off_t place = (off_t)((const char *)pipe->halves[half] - (const char *)pipe);

	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, place, PIPE_MOST);
#else
	(void)fd;
	(void)pipe;
	(void)half;
#endif
}

static int resize_locked(int fd, struct handle *h, uint32_t capacity)
{
	struct view view;

	if (!see(&view, &h->mapping))
		return EBADMSG;
	if (view.used > capacity)
		return EBUSY;
	if (capacity == view.capacity)
		return 0;
	off_t place = (off_t)(view.pipe->halves[!view.half] - (char *)view.pipe);
	if (object_allocate(fd, place, capacity))
		return ENOMEM;
	move(&view, capacity);
	free_half(fd, view.pipe, view.half);
	return 0;
}

static int resize(int fd, struct handle *h, unsigned long size)
{
	int error = EPERM;

	if (size > INT_MAX)
		error = EINVAL;
	if (size <= PIPE_MOST) {
		mapping_lock(&h->mapping);
		error = resize_locked(fd, h, rounded(size));
		mapping_unlock(&h->mapping);
	}
	if (!error)
		return (int)rounded(size);
	errno = error;
	return -1;
}

/* -- flags ------------------------------------------------------------------------------------ */

static int get_flags(int fd, const struct handle *h)
{
	int flags = fcntl(fd, F_GETFL);
	unsigned access = h->end & (PIPE_READS | PIPE_WRITES);

	if (flags < 0)
		return -1;
	return (flags & O_NONBLOCK) | (is_in_packets(fd, h) ? O_DIRECT : 0) |
	       (access == PIPE_READS	? O_RDONLY
		: access == PIPE_WRITES ? O_WRONLY
					: O_RDWR);
}

static int set_flags(int fd, struct handle *h, int flags)
{
	bool is_packet = flags & O_DIRECT;

	if (fcntl(fd, F_SETFL, flags & O_NONBLOCK) < 0)
		return -1;
	if (is_packet == is_in_packets(fd, h))
		return 0;
	/* others look at the position from now on */
	pipe_of(&h->mapping)->mode_has_changed = 1;
	off_t end = (off_t)(h->end & ~(unsigned)PIPE_IN_PACKETS);
	return lseek(fd, end | (is_packet ? PIPE_IN_PACKETS : 0), SEEK_SET) < 0 ? -1 : 0;
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
		return (int)pipe_of(&h->mapping)->capacity;
	case F_SETPIPE_SZ:
		return resize(fd, h, (unsigned)argument);
#endif
	default:
		return fcntl(fd, command, argument);
	}
}

static int pipe_ioctl(int fd, struct handle *h, unsigned long request, void *argument)
{
	struct view view;
	bool is_seen;

	if (request != FIONREAD)
		return platform_ioctl(fd, request, argument);
	mapping_lock(&h->mapping);
	is_seen = see(&view, &h->mapping);
	mapping_unlock(&h->mapping);
	if (!is_seen)
		return -1;
	*(int *)argument = (int)view.used;
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
