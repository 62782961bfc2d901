/* SPDX-License-Identifier: MIT */
/* The ways for bytes from one process to another, through an implementation's table. */
#include "bench/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- streams: pipe, FIFO, socket ----------------------------------------------------------------
 */

static bool write_all(struct channel *c, int direction, const char *bytes)
{
	size_t done = 0;

	while (done < c->size) {
		ssize_t n = c->impl->fd->write(c->ends[direction][1], bytes + done, c->size - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static bool read_all(struct channel *c, int direction, char *bytes)
{
	size_t done = 0;

	while (done < c->size) {
		ssize_t n = c->impl->fd->read(c->ends[direction][0], bytes + done, c->size - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void close_all(struct channel *c)
{
	for (int direction = 0; direction < 2; direction++)
		for (int end = 0; end < 2; end++)
			if (c->ends[direction][end] >= 0)
				c->impl->fd->close(c->ends[direction][end]);
}

static bool has_pipes(const struct implementation *impl)
{
	return impl->fd && impl->pipe && impl->pipe->pipe;
}

static bool make_pipes(struct channel *c)
{
	return c->impl->pipe->pipe(c->ends[0]) == 0 && c->impl->pipe->pipe(c->ends[1]) == 0;
}

static bool has_fifos(const struct implementation *impl)
{
	return impl->fd && impl->fifo && impl->fifo->mkfifo && impl->fifo->open;
}

static const char *fifo_path(const struct channel *c, int direction)
{
	static char path[128];
	const char *parent = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/%s-%d", parent && *parent ? parent : "/tmp", c->name,
		 direction);
	return path;
}

static void remove_fifos(struct channel *c)
{
	close_all(c);
	for (int direction = 0; direction < 2; direction++)
		c->impl->fifo->unlink(fifo_path(c, direction));
}

static bool make_fifos(struct channel *c)
{
	for (int direction = 0; direction < 2; direction++) {
		const char *path = fifo_path(c, direction);

		if (c->impl->fifo->mkfifo(path, 0600) < 0)
			return false;
		/* both ends at once, so that nobody waits for the other */
		int reader = c->impl->fifo->open(path, O_RDONLY | O_NONBLOCK, 0);
		int writer = c->impl->fifo->open(path, O_WRONLY, 0);

		c->ends[direction][0] = reader;
		c->ends[direction][1] = writer;
		if (reader < 0 || writer < 0 || c->impl->fd->fcntl(reader, F_SETFL, 0) < 0)
			return false;
	}
	return true;
}

static bool has_sockets(const struct implementation *impl)
{
	return impl->fd && impl->sock && impl->sock->socketpair;
}

static bool make_sockets(struct channel *c)
{
	int pair[2];

	if (c->impl->sock->socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return false;
	c->ends[0][1] = c->ends[1][0] = pair[0];
	c->ends[0][0] = c->ends[1][1] = pair[1];
	return true;
}

static void close_sockets(struct channel *c)
{
	c->impl->fd->close(c->ends[0][0]);
	c->impl->fd->close(c->ends[0][1]);
}

static const struct way pipe_way = {"pipe", has_pipes, make_pipes, write_all, read_all, close_all};
static const struct way fifo_way = {"FIFO",    has_fifos, make_fifos,
				    write_all, read_all,  remove_fifos};
static const struct way socket_way = {"socket",	 has_sockets, make_sockets,
				      write_all, read_all,    close_sockets};

/* -- queues -------------------------------------------------------------------------------------
 */

static bool has_mqs(const struct implementation *impl)
{
	return impl->mq && impl->mq->mq_open && impl->mq->mq_send && impl->mq->mq_receive;
}

static void mq_name(const struct channel *c, int direction, char name[80])
{
	snprintf(name, 80, "/%s-%d", c->name, direction);
}

static bool make_mqs(struct channel *c)
{
	for (int direction = 0; direction < 2; direction++) {
		struct mq_attr attributes;
		char name[80];

		memset(&attributes, 0, sizeof(attributes));
		attributes.mq_maxmsg = 8;
		attributes.mq_msgsize = (long)c->size;
		mq_name(c, direction, name);
		c->id[direction] = (long)c->impl->mq->mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600,
							      &attributes);
		if (c->id[direction] < 0)
			return false;
	}
	return true;
}

static bool send_mq(struct channel *c, int direction, const char *bytes)
{
	return c->impl->mq->mq_send((mqd_t)c->id[direction], bytes, c->size, 0) == 0;
}

static bool receive_mq(struct channel *c, int direction, char *bytes)
{
	return c->impl->mq->mq_receive((mqd_t)c->id[direction], bytes, c->size, NULL) >= 0;
}

static void remove_mqs(struct channel *c)
{
	for (int direction = 0; direction < 2; direction++) {
		char name[80];

		mq_name(c, direction, name);
		if (c->id[direction] >= 0)
			c->impl->mq->mq_close((mqd_t)c->id[direction]);
		c->impl->mq->mq_unlink(name);
	}
}

static bool has_msgs(const struct implementation *impl)
{
	return impl->msg && impl->msg->msgget && impl->msg->msgsnd && impl->msg->msgrcv;
}

/* msgsnd and msgrcv want the type before the bytes: they are measured with the copy that takes. */
struct typed {
	long type;
	char bytes[];
};

static bool make_msgs(struct channel *c)
{
	struct msqid_ds status;

	c->memory = malloc(sizeof(struct typed) + c->size);
	for (int direction = 0; direction < 2; direction++)
		c->id[direction] = c->impl->msg->msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	/* one that can never be sent would be waited for */
	if (!c->memory || c->id[0] < 0 || c->id[1] < 0 ||
	    c->impl->msg->msgctl((int)c->id[0], IPC_STAT, &status) < 0)
		return false;
	if (c->size <= status.msg_qbytes)
		return true;
	errno = EMSGSIZE;
	return false;
}

static bool send_msg(struct channel *c, int direction, const char *bytes)
{
	struct typed *message = c->memory;

	message->type = 1;
	memcpy(message->bytes, bytes, c->size);
	return c->impl->msg->msgsnd((int)c->id[direction], message, c->size, 0) == 0;
}

static bool receive_msg(struct channel *c, int direction, char *bytes)
{
	struct typed *message = c->memory;

	if (c->impl->msg->msgrcv((int)c->id[direction], message, c->size, 0, 0) < 0)
		return false;
	memcpy(bytes, message->bytes, c->size);
	return true;
}

static void remove_msgs(struct channel *c)
{
	for (int direction = 0; direction < 2; direction++)
		if (c->id[direction] >= 0)
			c->impl->msg->msgctl((int)c->id[direction], IPC_RMID, NULL);
	free(c->memory);
}

static const struct way mq_way = {"mq", has_mqs, make_mqs, send_mq, receive_mq, remove_mqs};
static const struct way msg_way = {"msg", has_msgs, make_msgs, send_msg, receive_msg, remove_msgs};

/* -- shared memory, with semaphores that say whose turn it is ------------------------------------
 */

struct shared_place {
	struct {
		sem_t full, empty;
	} turn[2];
	_Alignas(64) char bytes[];
};

static bool has_shared(const struct implementation *impl)
{
	return impl->sem && impl->sem->sem_init && impl->sem->mmap;
}

static bool make_shared(struct channel *c)
{
	size_t size = sizeof(struct shared_place) + 2 * c->size;
	struct shared_place *place = c->impl->sem->mmap(NULL, size, PROT_READ | PROT_WRITE,
							MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if ((void *)place == MAP_FAILED)
		return false;
	c->memory = place;
	for (int direction = 0; direction < 2; direction++)
		if (c->impl->sem->sem_init(&place->turn[direction].full, 1, 0) < 0 ||
		    c->impl->sem->sem_init(&place->turn[direction].empty, 1, 1) < 0)
			return false;
	return true;
}

static bool send_shared(struct channel *c, int direction, const char *bytes)
{
	struct shared_place *place = c->memory;

	if (c->impl->sem->sem_wait(&place->turn[direction].empty) < 0)
		return false;
	memcpy(place->bytes + (size_t)direction * c->size, bytes, c->size);
	return c->impl->sem->sem_post(&place->turn[direction].full) == 0;
}

static bool receive_shared(struct channel *c, int direction, char *bytes)
{
	struct shared_place *place = c->memory;

	if (c->impl->sem->sem_wait(&place->turn[direction].full) < 0)
		return false;
	memcpy(bytes, place->bytes + (size_t)direction * c->size, c->size);
	return c->impl->sem->sem_post(&place->turn[direction].empty) == 0;
}

static void remove_shared(struct channel *c)
{
	if (c->memory)
		c->impl->sem->munmap(c->memory, sizeof(struct shared_place) + 2 * c->size);
}

static const struct way shared_way = {"shm+sem",   has_shared,	   make_shared,
				      send_shared, receive_shared, remove_shared};

const struct way *const ways[] = {
	&pipe_way, &fifo_way, &socket_way, &mq_way, &msg_way, &shared_way, NULL,
};
