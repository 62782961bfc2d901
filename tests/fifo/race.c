/* SPDX-License-Identifier: MIT */
/* FIFOs that several open at once. */
#include "race/race.h"

#include <fcntl.h>

struct fifo {
	char path[RACE_NAME_MAX];
};

static bool make(void *world)
{
	struct fifo *fifo = world;

	race_path(fifo->path);
	return impl->fifo->mkfifo(fifo->path, 0600) == 0;
}

static void remove_fifo(void *world)
{
	struct fifo *fifo = world;

	impl->fifo->unlink(fifo->path);
}

/* Opens, does it once, and closes. */
static long long write_with(void *world, int flags)
{
	struct fifo *fifo = world;
	int fd = impl->fifo->open(fifo->path, O_WRONLY | flags, 0);

	if (fd < 0)
		return answer(-1);
	long long result = answer(impl->fd->write(fd, "x", 1));
	impl->fd->close(fd);
	return result;
}

static long long put(void *world)
{
	return write_with(world, 0);
}

static long long put_at_once(void *world)
{
	return write_with(world, O_NONBLOCK);
}

/* How many bytes come until the end. */
static long long take_all(void *world)
{
	struct fifo *fifo = world;
	int fd = impl->fifo->open(fifo->path, O_RDONLY, 0);
	long long count = 0;
	ssize_t n;
	char byte;

	if (fd < 0)
		return answer(-1);
	while ((n = impl->fd->read(fd, &byte, 1)) > 0)
		count++;
	if (n < 0)
		count = answer(-1);
	impl->fd->close(fd);
	return count;
}

RACE(fifo, both_ends_meet) = {
	.text = "who opens to write and who opens to read find each other",
	.world = sizeof(struct fifo),
	.make = make,
	.roles = {{"writer", put}, {"reader", take_all}},
	.remove = remove_fifo,
	.outcomes = {{"1 1", ALLOWED, "what was written is read, and then the end"}},
};

/* What is there at once. */
static long long take_at_once(void *world)
{
	struct fifo *fifo = world;
	int fd = impl->fifo->open(fifo->path, O_RDONLY | O_NONBLOCK, 0);
	char byte;

	if (fd < 0)
		return answer(-1);
	long long result = answer(impl->fd->read(fd, &byte, 1));
	impl->fd->close(fd);
	return result;
}

RACE(fifo, who_does_not_wait_is_told_what_there_is) = {
	.text = "who opens to write without waiting has a reader, or is told that there is none",
	.world = sizeof(struct fifo),
	.make = make,
	.roles = {{"writer", put_at_once}, {"reader", take_at_once}},
	.remove = remove_fifo,
	.outcomes = {{"1 1", ALLOWED, "it was written in time"},
		     {"-ENXIO 0", ALLOWED, "he opened before the reader, or after"},
		     {"1 0", ALLOWED, "the reader looked before he opened, and was still there"},
		     {"1 -EAGAIN", ALLOWED, "the reader looked before he wrote"},
		     {"-EPIPE 0", ALLOWED, "the reader was gone when he wrote"},
		     {"-EPIPE -EAGAIN", ALLOWED, "the reader was gone when he wrote"}},
};

/* -- deaths ----------------------------------------------------------------------------------- */

/* Nothing is left of who was there, and it is as good as new. */
static long long meet_again(void *world)
{
	struct fifo *fifo = world;
	int reader = impl->fifo->open(fifo->path, O_RDONLY | O_NONBLOCK, 0);
	char byte;

	if (reader < 0)
		return answer(-1);
	long long left = impl->fd->read(reader, &byte, 1);
	long long result = left == 0 ? put_at_once(world) : left;
	if (result == 1)
		result = answer(impl->fd->read(reader, &byte, 1));
	impl->fd->close(reader);
	return result;
}

RACE(fifo, who_dies_has_opened_it_or_not) = {
	.text = "who is killed while he opens and writes leaves neither a byte nor an end behind",
	.world = sizeof(struct fifo),
	.make = make,
	.roles = {{"victim", put_at_once}, {"reader", take_at_once}},
	.mortals = 1,
	.after = meet_again,
	.remove = remove_fifo,
	.outcomes = {{"1 [01] | 1", ALLOWED, "nobody died"},
		     {"1 -EAGAIN | 1", ALLOWED, "nobody died"},
		     {"-ENXIO 0 | 1", ALLOWED, "nobody died"},
		     {"-EPIPE 0 | 1", ALLOWED, "nobody died"},
		     {"-EPIPE -EAGAIN | 1", ALLOWED, "nobody died"},
		     {"killed [01] | 1", ALLOWED, "the victim may have written"},
		     {"killed -EAGAIN | 1", ALLOWED, "the victim had opened it"}},
};
