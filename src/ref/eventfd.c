/* SPDX-License-Identifier: MIT */
/* The counter of eventfd(2): a number to add to, and to take all or, of a semaphore, one of. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/ipcref.h"
#include "ref/namespace.h"
#include "ref/step.h"

struct counter {
	struct object object;
	uint32_t is_semaphore;
	uint64_t count; /* at most UINT64_MAX - 1 */
	struct bell added, taken;
};

static struct counter *counter_of(struct handle *h)
{
	return (struct counter *)h->mapping.object;
}

/* -- making ----------------------------------------------------------------------------------- */

struct wish {
	unsigned initial;
	int flags;
};

static void make_counter(struct object *object, const void *given)
{
	struct counter *counter = (struct counter *)object;
	const struct wish *wish = given;

	counter->count = wish->initial;
	counter->is_semaphore = (wish->flags & EFD_SEMAPHORE) != 0;
}

int ipcref_eventfd(unsigned initial, int flags)
{
	const struct wish wish = {initial, flags};
	char path[PATH_MAX];

	if (flags & ~(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC)) {
		errno = EINVAL;
		return -1;
	}
	if (!namespace_path(path, "event", "nameless"))
		return -1;
	int fd = object_create(path, true, OBJECT_EVENT, sizeof(struct counter), 0600, make_counter,
			       &wish);

	if (fd >= 0 && (flags & EFD_NONBLOCK))
		fcntl(fd, F_SETFL, O_NONBLOCK);
	if (fd >= 0 && !(flags & EFD_CLOEXEC))
		fcntl(fd, F_SETFD, 0);
	return descriptor_adopt(fd, OBJECT_EVENT, 0);
}

/* -- taking and adding ------------------------------------------------------------------------ */

enum { LOOKS_EVERY_MS = 16 };

/*
 * Waits, the object locked, for a change; 0 or an error.  All who wait are woken, and some of them
 * in vain: hence the vigil, in which no handler is missed.
 */
static int await(int fd, struct handle *h, struct bell *bell, struct vigil *vigil)
{
	const struct sleep sleep = {.when_interrupted = SLEEP_RESTARTS,
				    .looks_every = LOOKS_EVERY_MS};

	if (h->waits && bell_look_out(bell, &h->mapping, vigil))
		return 0;
	/* what is set while a call waits is for the calls to come */
	if (!vigil->is_kept && descriptor_mustnt_wait(fd, h))
		return EAGAIN;
	return bell_sleep_in_vigil(bell, &h->mapping, &sleep, vigil);
}

/* 0 or an error. */
static int take(int fd, struct handle *h, uint64_t *taken)
{
	struct counter *counter = counter_of(h);
	struct vigil vigil = {.is_kept = false};
	int error;

	mapping_lock(&h->mapping);
	error = object_is_there(&h->mapping) ? 0 : EBADMSG;
	while (!error && counter->count == 0)
		error = await(fd, h, &counter->added, &vigil);
	if (!error) {
		uint64_t count = counter->count;

		*taken = counter->is_semaphore ? 1 : count;
		CHANGE(&h->mapping, counter->count, count - *taken);
		STEP("event/take/taken");
		bell_ring(&counter->taken, &h->mapping);
	}
	mapping_unlock(&h->mapping);
	vigil_end(&vigil);
	return error;
}

/* 0 or an error. */
static int add(int fd, struct handle *h, uint64_t number)
{
	struct counter *counter = counter_of(h);
	struct vigil vigil = {.is_kept = false};
	int error;

	if (number == UINT64_MAX)
		return EINVAL;
	mapping_lock(&h->mapping);
	error = object_is_there(&h->mapping) ? 0 : EBADMSG;
	while (!error && UINT64_MAX - counter->count <= number)
		error = await(fd, h, &counter->taken, &vigil);
	if (!error) {
		CHANGE(&h->mapping, counter->count, counter->count + number);
		STEP("event/add/added");
		bell_ring(&counter->added, &h->mapping);
	}
	mapping_unlock(&h->mapping);
	vigil_end(&vigil);
	return error;
}

/* -- as a descriptor -------------------------------------------------------------------------- */

static size_t room_in(const struct iovec *vector, int count)
{
	size_t room = 0;

	for (int i = 0; i < count && room < sizeof(uint64_t); i++)
		room += vector[i].iov_len;
	return room;
}

static ssize_t counter_readv(int fd, struct handle *h, const struct iovec *vector, int count)
{
	uint64_t number = 0;
	const char *from = (const char *)&number;
	size_t left = sizeof(number);
	int error = room_in(vector, count) < left ? EINVAL : take(fd, h, &number);

	if (error) {
		errno = error;
		return -1;
	}
	for (int i = 0; left; i++) {
		size_t part = vector[i].iov_len < left ? vector[i].iov_len : left;

		memcpy(vector[i].iov_base, from, part);
		from += part;
		left -= part;
	}
	return sizeof(number);
}

/* Each part is a number of its own, until one is longer than that. */
static ssize_t counter_writev(int fd, struct handle *h, const struct iovec *vector, int count)
{
	ssize_t written = 0;

	for (int i = 0; i < count; i++) {
		uint64_t number;
		int error = EINVAL;

		if (vector[i].iov_len >= sizeof(number)) {
			memcpy(&number, vector[i].iov_base, sizeof(number));
			error = add(fd, h, number);
		}
		if (error && written)
			break;
		if (error) {
			errno = error;
			return -1;
		}
		written += sizeof(number);
		if (vector[i].iov_len > sizeof(number))
			break;
	}
	return written;
}

static short ready(int fd, struct handle *h)
{
	short events = 0;

	(void)fd;
	mapping_lock(&h->mapping);
	uint64_t count = counter_of(h)->count;

	if (count > 0)
		events |= POLLIN;
	if (count < UINT64_MAX - 1)
		events |= POLLOUT;
	mapping_unlock(&h->mapping);
	return events;
}

const struct object_class event_class = {
	.kind = OBJECT_EVENT,
	.least = sizeof(struct counter),
	.readv = counter_readv,
	.writev = counter_writev,
	.ready = ready,
};
