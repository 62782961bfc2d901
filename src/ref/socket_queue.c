/* SPDX-License-Identifier: MIT */
/*
 * What is on its way to an end of a socket: a ring of records, each with its head, the name of who
 * sent it, and its bytes.  All begin at multiples of 8.  Of a stream bytes may be taken from the
 * first record, which is gone with the last of them.
 */
#include <errno.h>
#include <string.h>

#include "ref/socket.h"
#include "ref/step.h"

enum { ALIGNMENT = 8, ALLOCATED_AT_ONCE = 1 << 16 };

static uint32_t rounded(uint32_t size, uint32_t unit)
{
	return (size + unit - 1) / unit * unit;
}

bool queue_see(struct queue_view *view, struct mapping *mapping, unsigned end)
{
	struct socket *socket = socket_of(mapping);
	struct socket_queue *queue = &socket->queues[end];
	uint32_t head = queue->head, used = queue->tail - head;

	*view = (struct queue_view){mapping, queue, socket->rings[end], head, used};
	if (used <= SOCKET_RING && head % ALIGNMENT == 0 && used % ALIGNMENT == 0)
		return true;
	errno = EBADMSG;
	return false;
}

uint32_t queue_need(uint32_t name_size, size_t size)
{
	if (size > SOCKET_RING)
		size = SOCKET_RING;
	return (uint32_t)sizeof(struct record) + rounded(name_size, ALIGNMENT) +
	       rounded((uint32_t)size, ALIGNMENT);
}

uint32_t queue_room(const struct queue_view *view, uint32_t size, uint32_t name_size)
{
	uint32_t limit = size < SOCKET_RING ? size / ALIGNMENT * ALIGNMENT : SOCKET_RING;
	uint32_t taken = view->used + queue_need(name_size, 0);

	return taken < limit ? limit - taken : 0;
}

/* With so much room that a sender isn't woken for every record that is taken. */
bool queue_is_writable(const struct queue_view *view, uint32_t size)
{
	return view->used <= (size < SOCKET_RING ? size : SOCKET_RING) / 4;
}

/* -- bytes of the ring ------------------------------------------------------------------------ */

enum direction { INTO_RING, OUT_OF_RING };

static void copy_bytes(const struct queue_view *view, uint32_t position, void *bytes, size_t size,
		       enum direction direction)
{
	char *outside = bytes;

	while (size > 0) {
		uint32_t place = position % SOCKET_RING;
		size_t here = size < SOCKET_RING - place ? size : SOCKET_RING - place;

		if (direction == INTO_RING)
			memcpy(view->ring + place, outside, here);
		else
			memcpy(outside, view->ring + place, here);
		outside += here;
		position += (uint32_t)here;
		size -= here;
	}
}

/* The same, with the parts of a vector. */
static void copy_parts(const struct queue_view *view, uint32_t position, struct cursor *cursor,
		       size_t size, enum direction direction)
{
	while (size > 0) {
		size_t here = cursor->vector->iov_len - cursor->offset;

		if (here == 0) {
			cursor->vector++;
			cursor->offset = 0;
			continue;
		}
		if (here > size)
			here = size;
		copy_bytes(view, position, (char *)cursor->vector->iov_base + cursor->offset, here,
			   direction);
		cursor->offset += here;
		position += (uint32_t)here;
		size -= here;
	}
}

/* The memory of the ring is had when it is needed, for most of it never is. */
static int allocate(const struct queue_view *view, int fd, uint32_t tail, uint32_t need)
{
	uint32_t end = tail % SOCKET_RING + need, there = view->queue->allocated;

	end = end < SOCKET_RING ? rounded(end, ALLOCATED_AT_ONCE) : SOCKET_RING;
	if (end <= there)
		return 0;
	if (there > SOCKET_RING)
		return EBADMSG;
	off_t place = view->ring + there - (char *)view->mapping->object;
	if (object_allocate(fd, place, (off_t)(end - there)))
		return ENOBUFS;
	view->queue->allocated = end;
	return 0;
}

/* -- records ---------------------------------------------------------------------------------- */

int queue_reserve(const struct queue_view *view, int fd, const struct record *record)
{
	uint32_t head = view->used ? view->head : 0;

	return allocate(view, fd, head + view->used, queue_need(record->name_size, record->size));
}

int queue_put(const struct queue_view *view, int fd, const struct record *record, const char *name,
	      struct cursor *from)
{
	struct socket_queue *queue = view->queue;
	uint32_t head = view->used ? view->head : 0; /* where there is memory already */
	uint32_t tail = head + view->used, need = queue_need(record->name_size, record->size);
	int error = queue_reserve(view, fd, record);

	if (error)
		return error;
	copy_bytes(view, tail, (void *)record, sizeof(*record), INTO_RING);
	copy_bytes(view, tail + sizeof(*record), (void *)name, record->name_size, INTO_RING);
	copy_parts(view, tail + queue_need(record->name_size, 0), from, record->size, INTO_RING);
	STEP("sock/put/copied");
	bell_ring(&queue->put, view->mapping);
	STEP("sock/put/rung");
	if (record->flags & RECORD_IS_URGENT) {
		/* the one before becomes one as all others */
		if (queue->has_urgent)
			queue_mark(view, queue->urgent, 0);
		CHANGE(view->mapping, queue->urgent, tail);
		CHANGE(view->mapping, queue->has_urgent, 1);
	}
	CHANGE(view->mapping, queue->head, head);
	CHANGE(view->mapping, queue->records, queue->records + 1);
	CHANGE(view->mapping, queue->bytes, queue->bytes + record->size);
	if (record->ticket)
		CHANGE(view->mapping, queue->carried, record->ticket);
	CHANGE(view->mapping, queue->tail, tail + need);
	mapping_commit(view->mapping);
	STEP("sock/put/done");
	return 0;
}

bool queue_at(const struct queue_view *view, uint32_t position, struct record *record)
{
	uint32_t before = position - view->head, left = view->used - before;

	if (before <= view->used && left >= sizeof(*record)) {
		copy_bytes(view, position, record, sizeof(*record), OUT_OF_RING);
		if (record->name_size <= sizeof(((struct socket_name *)NULL)->path) &&
		    record->size <= SOCKET_RING &&
		    queue_need(record->name_size, record->size) <= left)
			return true;
	}
	errno = EBADMSG;
	return false;
}

uint32_t queue_after(uint32_t position, const struct record *record)
{
	return position + queue_need(record->name_size, record->size);
}

void queue_copy(const struct queue_view *view, uint32_t position, const struct record *record,
		uint32_t from, struct cursor *to, size_t size)
{
	copy_parts(view, position + queue_need(record->name_size, 0) + from, to, size, OUT_OF_RING);
}

void queue_name(const struct queue_view *view, uint32_t position, const struct record *record,
		struct socket_name *name)
{
	name->size = (uint32_t)offsetof(struct sockaddr_un, sun_path) + record->name_size;
	copy_bytes(view, position + sizeof(*record), name->path, record->name_size, OUT_OF_RING);
}

void queue_advance(const struct queue_view *view, uint32_t position, uint32_t records,
		   uint32_t bytes, uint32_t taken)
{
	struct socket_queue *queue = view->queue;

	bell_ring(&queue->made_room, view->mapping);
	STEP("sock/take/rung");
	if (queue->has_urgent && (int32_t)(queue->urgent - position) < 0)
		CHANGE(view->mapping, queue->has_urgent, 0);
	CHANGE(view->mapping, queue->head, position);
	CHANGE(view->mapping, queue->records, queue->records - records);
	CHANGE(view->mapping, queue->bytes, queue->bytes - bytes);
	CHANGE(view->mapping, queue->taken, taken);
	mapping_commit(view->mapping);
	STEP("sock/take/done");
}

/* The word of the flags is whole, wherever the ring ends. */
void queue_mark(const struct queue_view *view, uint32_t position, uint32_t flags)
{
	uint32_t place = (position + (uint32_t)offsetof(struct record, flags)) % SOCKET_RING;
	uint32_t *word =
		(uint32_t *)(void *)(view->ring + place / sizeof(uint32_t) * sizeof(uint32_t));

	CHANGE(view->mapping, *word, flags);
}
