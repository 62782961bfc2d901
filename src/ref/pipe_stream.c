/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing.  Who has his side's lock copies, and makes it so with one store: of his
 * side's position.  Only then he looks whether the other side sleeps.  If he is
 * killed in between, it finds out by itself when it next looks after its peers.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "ref/pipe.h"
#include "ref/step.h"

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

enum {
	/* Copied between two stores of a position: what is large comes while it goes. */
	PIECE = 16384,
	/* A ring that has moved so often under one read is somebody's who means harm. */
	MOST_MOVES = 100,
	/* And so are positions that are never the same at two looks. */
	MOST_LOOKS = 1000,
};

/* -- what a call goes by ---------------------------------------------------------------------- */

/* Leaves alone what is large, and of no use until one sleeps. */
static void begin(struct pipe_call *call, int fd, struct handle *h)
{
	call->fd = fd;
	call->h = h;
	call->pipe = pipe_of(&h->mapping);
	call->vigil.is_kept = false;
	call->sleeps = 0;
}

/* The pipe as one side sees it that has its lock, checked against what is mapped. */
struct view {
	struct pipe *pipe;
	char *half;
	uint32_t ring, capacity;
	uint32_t position; /* of one's own side */
	uint32_t used;	   /* at least, for a reader; at most, for a writer */
};

/* The ring last: whoever has put more into it than it could hold before has moved it before. */
static void see_ring(struct view *view)
{
	view->ring = atomic_load_explicit(&view->pipe->ring, memory_order_acquire);
	view->capacity = pipe_capacity(view->ring);
	view->half = view->pipe->halves[view->ring & RING_HALF];
}

static uint32_t look_at(struct pipe_side *own, const struct pipe_side *other)
{
	uint32_t position = atomic_load_explicit(&other->position, memory_order_acquire);

	atomic_store_explicit(&own->seen, position, memory_order_relaxed);
	return position;
}

/* False with errno EBADMSG: a peer has scribbled over it. */
static bool is_sound(const struct view *view, const struct mapping *mapping)
{
	if (object_is_there(mapping) && pipe_is_capacity(view->capacity) &&
	    view->used <= view->capacity)
		return true;
	errno = EBADMSG;
	return false;
}

/* For who wants so many bytes; the readers' lock is held. */
static bool see_unread(struct view *view, const struct mapping *mapping, size_t wanted)
{
	struct pipe *pipe = pipe_of(mapping);

	view->pipe = pipe;
	view->position = atomic_load_explicit(&pipe->readers.position, memory_order_relaxed);
	view->used =
		atomic_load_explicit(&pipe->readers.seen, memory_order_relaxed) - view->position;
	see_ring(view);
	if (view->used < wanted || view->used > view->capacity) {
		view->used = look_at(&pipe->readers, &pipe->writers) - view->position;
		see_ring(view);
	}
	return is_sound(view, mapping);
}

/* For who has so many bytes; the writers' lock is held, under which the ring moves. */
static bool see_room(struct view *view, const struct mapping *mapping, size_t wanted)
{
	struct pipe *pipe = pipe_of(mapping);

	view->pipe = pipe;
	view->position = atomic_load_explicit(&pipe->writers.position, memory_order_relaxed);
	view->used =
		view->position - atomic_load_explicit(&pipe->writers.seen, memory_order_relaxed);
	see_ring(view);
	if (view->used > view->capacity || view->capacity - view->used < wanted)
		view->used = view->position - look_at(&pipe->writers, &pipe->readers);
	return is_sound(view, mapping);
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

/* -- copying ---------------------------------------------------------------------------------- */

/* A place in a vector. */
struct cursor {
	const struct iovec *vector;
	size_t offset;
};

enum direction { INTO_RING, OUT_OF_RING };

/* Copies so many bytes between the place and the ring, from a position in the stream on. */
static void copy(struct cursor *cursor, const struct view *view, size_t size,
		 enum direction direction)
{
	uint32_t position = view->position;

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
			memcpy(view->half + place, bytes, here);
		else
			memcpy(bytes, view->half + place, here);
		cursor->offset += here;
		position += (uint32_t)here;
		size -= here;
	}
}

/* Makes it so. */
static void move_to(struct pipe_side *side, uint32_t position)
{
	atomic_store_explicit(&side->position, position, memory_order_release);
}

/* -- packets ---------------------------------------------------------------------------------- */

/*
 * The number of the first packet that was not read yet, by who goes by this position of the
 * readers: packets_written, if there is none.
 */
static uint32_t first_packet(const struct pipe *pipe, uint32_t position)
{
	uint32_t first = atomic_load_explicit(&pipe->packets_read, memory_order_relaxed);
	uint32_t end = atomic_load_explicit(&pipe->packets_written, memory_order_acquire);

	/* ahead of the position, by no more than there ever is */
	for (unsigned i = 0; i < PIPE_PACKETS && first != end; i++, first++)
		if (pipe->packet[first % PIPE_PACKETS].start - position <= PIPE_MOST)
			return first;
	return end;
}

bool pipe_look_inside(const struct mapping *mapping, struct pipe_content *content)
{
	struct pipe *pipe = pipe_of(mapping);
	struct view view = {.pipe = pipe};

	for (unsigned looks = 0; looks < MOST_LOOKS; looks++) {
		uint32_t head = atomic_load(&pipe->readers.position);

		view.used = atomic_load(&pipe->writers.position) - head;
		see_ring(&view);
		uint32_t packets = atomic_load(&pipe->packets_written) - first_packet(pipe, head);
		if (atomic_load(&pipe->readers.position) != head)
			continue;
		*content = (struct pipe_content){view.used, view.capacity, packets};
		return is_sound(&view, mapping);
	}
	errno = EBADMSG;
	return false;
}

/* What is about to be written counts as one. */
static void add_packet(const struct view *view, uint32_t size)
{
	struct pipe *pipe = view->pipe;
	uint32_t number = pipe->packets_written;
	struct packet *packet = &pipe->packet[number % PIPE_PACKETS];

	packet->start = view->position;
	packet->size = size;
	pipe->packets_written = number + 1;
	STEP("pipe/write/packet-added");
}

/* A writer died when he had added a packet, and not yet moved on. */
static void drop_unfinished_packet(struct pipe *pipe)
{
	uint32_t last = pipe->packets_written - 1;

	if (pipe->packets_written != pipe->packets_read &&
	    pipe->packet[last % PIPE_PACKETS].start == pipe->writers.position)
		pipe->packets_written = last;
}

void pipe_lock_writers(struct pipe *pipe)
{
	if (!lock_take(&pipe->writers.lock))
		drop_unfinished_packet(pipe);
}

/* -- reading ---------------------------------------------------------------------------------- */

/* What a read of so many bytes gives, and what it takes out: more, of a packet. */
struct portion {
	uint32_t given, taken;
	bool is_packet, is_last; /* of this read, for a packet ends it or comes next */
};

static bool first_portion(const struct view *view, size_t size, struct portion *portion)
{
	struct pipe *pipe = view->pipe;
	uint32_t there = view->used < PIECE ? view->used : PIECE;
	uint32_t first = first_packet(pipe, view->position);

	*portion = (struct portion){.is_last = first != pipe->packets_written};
	if (portion->is_last) {
		const struct packet *packet = &pipe->packet[first % PIPE_PACKETS];
		uint32_t before = packet->start - view->position, length = packet->size;

		if (before == 0 && (length == 0 || length > view->used)) {
			errno = EBADMSG;
			return false;
		}
		portion->is_packet = before == 0;
		if (portion->is_packet)
			there = length;
		else if (before < there)
			there = before;
		pipe->packets_read = first;
	}
	portion->given = size < there ? (uint32_t)size : there;
	portion->taken = portion->is_packet ? there : portion->given;
	return true;
}

/* Whether what was copied is what was there: the ring may have moved on, over the other half. */
static bool has_stayed(const struct view *view)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&view->pipe->ring, memory_order_relaxed) == view->ring;
}

/* Takes a piece of what is there for who wants so many bytes; 0: nothing is, -1 with errno. */
static ssize_t take_piece(struct pipe_call *call, struct cursor *cursor, size_t size,
			  struct portion *portion)
{
	struct view view;

	for (unsigned moves = 0; moves < MOST_MOVES; moves++) {
		struct cursor end = *cursor;

		if (!see_unread(&view, &call->h->mapping, size))
			return -1;
		if (view.used == 0)
			return 0;
		if (!first_portion(&view, size, portion))
			return -1;
		copy(&end, &view, portion->given, OUT_OF_RING);
		STEP("pipe/read/copied");
		if (has_stayed(&view)) {
			*cursor = end;
			move_to(&call->pipe->readers, view.position + portion->taken);
			STEP("pipe/read/taken");
			return portion->given;
		}
	}
	errno = EBADMSG;
	return -1;
}

/* Takes all that is there, or as much as is wanted, in pieces; the readers' lock is held. */
static ssize_t take(struct pipe_call *call, const struct iovec *vector, size_t size)
{
	struct cursor cursor = {vector, 0};
	size_t taken = 0;

	for (;;) {
		struct portion portion;
		ssize_t piece = take_piece(call, &cursor, size - taken, &portion);

		if (piece <= 0)
			return taken ? (ssize_t)taken : piece;
		taken += (size_t)piece;
		if (taken == size || portion.is_last || SHORT("pipe/read/piece"))
			return (ssize_t)taken;
		pipe_wake(&call->h->mapping, &call->pipe->writers);
	}
}

/* The end is told by 0: nothing is there, and nobody to write anything. */
static ssize_t read_stream(struct pipe_call *call, const struct iovec *vector, size_t size)
{
	struct pipe *pipe = call->pipe;
	ssize_t result = 0;
	int error;

	for (;;) {
		uint32_t head = atomic_load_explicit(&pipe->readers.position, memory_order_relaxed);
		uint32_t tail = atomic_load_explicit(&pipe->readers.seen, memory_order_relaxed);

		if (head != tail ||
		    head != atomic_load_explicit(&pipe->writers.position, memory_order_relaxed)) {
			lock_take(&pipe->readers.lock);
			result = take(call, vector, size);
			lock_drop(&pipe->readers.lock);
		}
		if (result)
			break;
		error = pipe_await_writers(call, head);
		if (error == PIPE_END)
			return 0;
		if (error) {
			errno = error;
			return -1;
		}
	}
	atomic_store_explicit(&call->h->notes.has_waited, call->sleeps > 0, memory_order_relaxed);
	pipe_wake(&call->h->mapping, &pipe->writers);
	return result;
}

ssize_t pipe_readv(int fd, struct handle *h, const struct iovec *vector, int count)
{
	struct pipe_call call;
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
	begin(&call, fd, h);
	result = read_stream(&call, vector, (size_t)size);
	vigil_end(&call.vigil);
	if (result > 0)
		pipe_mark_time(fd, h, true);
	return result;
}

/* -- writing ---------------------------------------------------------------------------------- */

/* A write, and how far it is. */
struct writing {
	struct cursor cursor;
	size_t size, done;
	bool is_packet;
};

/* How many of the bytes left can be written now. */
static uint32_t room_for(const struct view *view, const struct writing *writing)
{
	uint32_t room = view->capacity - view->used;
	size_t left = writing->size - writing->done;

	if (writing->is_packet) {
		uint32_t length = left < PIPE_ATOMIC ? (uint32_t)left : PIPE_ATOMIC;
		uint32_t packets = view->pipe->packets_written -
				   first_packet(view->pipe, view->position - view->used);

		return packets < view->capacity / PIPE_ATOMIC && length <= room ? length : 0;
	}
	if (writing->size <= PIPE_ATOMIC)
		return left <= room ? (uint32_t)left : 0;
	if (room > PIECE)
		room = PIECE;
	return left < room ? (uint32_t)left : room;
}

/* Writes a piece, if there is room for it; the writers' lock is held.  How much, or an error. */
static int put_piece(struct pipe_call *call, struct writing *writing, uint32_t *size,
		     uint32_t *seen)
{
	struct pipe *pipe = call->pipe;
	struct view view;
	int readers = pipe_has_readers(call);

	*size = *seen = 0;
	/* packets are counted, for which one must look in any case */
	size_t wanted = writing->is_packet ? SIZE_MAX : writing->size - writing->done;

	if (readers < 0 || !see_room(&view, &call->h->mapping, wanted))
		return errno;
	if (readers == 0)
		return EPIPE;
	*seen = view.position - view.used;
	*size = room_for(&view, writing);
	if (*size == 0)
		return 0;
	copy(&writing->cursor, &view, *size, INTO_RING);
	STEP("pipe/write/copied");
	if (writing->is_packet)
		add_packet(&view, *size);
	move_to(&pipe->writers, view.position + *size);
	STEP("pipe/write/put");
	return 0;
}

/* Writes all, unless something happens: 0 or an error. */
static int write_stream(struct pipe_call *call, struct writing *writing)
{
	struct pipe *pipe = call->pipe;
	int error = 0;

	while (writing->done < writing->size && !error) {
		uint32_t size, seen;

		pipe_lock_writers(pipe);
		error = put_piece(call, writing, &size, &seen);
		lock_drop(&pipe->writers.lock);
		if (size) {
			pipe_wake(&call->h->mapping, &pipe->readers);
		} else if (!error) {
			error = pipe_await_readers(call, seen, writing->done > 0);
		}
		writing->done += size;
		if (size && writing->done < writing->size && SHORT("pipe/write/piece"))
			break;
	}
	return error;
}

ssize_t pipe_writev(int fd, struct handle *h, const struct iovec *vector, int count)
{
	struct pipe_call call;
	struct writing writing = {.cursor = {vector, 0}};
	ssize_t size;

	if (!(h->end & PIPE_WRITES)) {
		errno = EBADF;
		return -1;
	}
	size = size_of(vector, count);
	if (size <= 0)
		return size;
	if (FAULT("pipe/write/enter", EIO))
		return -1;
	writing.size = (size_t)size;
	writing.is_packet = pipe_is_in_packets(fd, h);
	begin(&call, fd, h);
	int error = write_stream(&call, &writing);

	vigil_end(&call.vigil);
	if (writing.done > 0)
		pipe_mark_time(fd, h, false);
	if (error == EPIPE)
		raise(SIGPIPE);
	if (writing.done > 0)
		return (ssize_t)writing.done;
	errno = error;
	return -1;
}
