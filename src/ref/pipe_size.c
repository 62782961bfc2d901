/* SPDX-License-Identifier: MIT */
/*
 * The capacity of a pipe.  Whoever changes it has the writers' lock, copies the ring to the other
 * half, and makes it so with one store.  Readers go on meanwhile: one who has copied looks whether
 * the ring is where it was, for by now it may have come back over what he has read.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "ref/pipe.h"
#include "ref/step.h"

/* What a wish for so many bytes gets: whole pages, a power of two of them. */
static uint32_t rounded(unsigned long size)
{
	uint32_t capacity = (uint32_t)sysconf(_SC_PAGESIZE);

	while (capacity < size)
		capacity *= 2;
	return capacity;
}

/* The ring that is to be, and the one that is, with what it holds. */
struct resizing {
	struct pipe *pipe;
	uint32_t ring, capacity, next, next_capacity;
	uint32_t head, used;
};

static void copy_to_other_half(const struct resizing *r)
{
	const char *from = r->pipe->halves[r->ring & RING_HALF];
	char *to = r->pipe->halves[r->next & RING_HALF];

	for (uint32_t position = r->head, left = r->used; left > 0;) {
		uint32_t old = position & (r->capacity - 1), new = position &(r->next_capacity - 1);
		uint32_t here = left;

		if (here > r->capacity - old)
			here = r->capacity - old;
		if (here > r->next_capacity - new)
			here = r->next_capacity - new;
		memcpy(to + new, from + old, here);
		position += here;
		left -= here;
	}
	STEP("pipe/resize/copied");
}

/*
 * The memory of the half where the ring was, unless somebody may still read there.  Not having done
 * so harms nobody.
 */
static void free_half(int fd, const struct pipe *pipe, uint32_t half)
{
#ifdef FALLOC_FL_PUNCH_HOLE
	off_t place = (off_t)((const char *)pipe->halves[half] - (const char *)pipe);

	/* whoever takes the lock after this look sees where the ring is now */
	atomic_thread_fence(memory_order_seq_cst);
	if (!lock_is_taken(&pipe->readers.lock))
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, place, PIPE_MOST);
#else
	(void)fd;
	(void)pipe;
	(void)half;
#endif
}

/* 0 or an error; the writers' lock is held. */
static int resize_locked(int fd, const struct mapping *mapping, uint32_t capacity)
{
	struct pipe *pipe = pipe_of(mapping);
	struct resizing r = {.pipe = pipe, .ring = pipe->ring, .next_capacity = capacity};

	r.capacity = pipe_capacity(r.ring);
	r.head = pipe->readers.position;
	r.used = pipe->writers.position - r.head;
	if (!object_is_there(mapping) || !pipe_is_capacity(r.capacity) || r.used > r.capacity)
		return EBADMSG;
	if (r.used > capacity)
		return EBUSY;
	if (capacity == r.capacity)
		return 0;
	r.next = capacity | ((((r.ring & RING_BITS) ^ RING_HALF) + RING_MOVE) & RING_BITS);

	off_t place = (off_t)(pipe->halves[r.next & RING_HALF] - (char *)pipe);
	if (object_allocate(fd, place, capacity))
		return ENOMEM;
	copy_to_other_half(&r);
	atomic_store_explicit(&pipe->ring, r.next, memory_order_release);
	STEP("pipe/resize/moved");
	free_half(fd, pipe, r.ring & RING_HALF);
	return 0;
}

int pipe_resize(int fd, struct handle *h, unsigned long size)
{
	struct pipe *pipe = pipe_of(&h->mapping);
	int error = EPERM;

	if (size > INT_MAX)
		error = EINVAL;
	if (size <= PIPE_MOST) {
		pipe_lock_writers(pipe);
		error = resize_locked(fd, &h->mapping, rounded(size));
		lock_drop(&pipe->writers.lock);
	}
	if (error) {
		errno = error;
		return -1;
	}
	/* there may be room for who waits for it */
	atomic_fetch_add(&pipe->changes, 1);
	STEP("pipe/resize/told");
	pipe_wake(&h->mapping, &pipe->writers);
	return (int)rounded(size);
}
