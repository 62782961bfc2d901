/* SPDX-License-Identifier: MIT */
/*
 * The message queue of System V: a linked list of messages in the order of their sending, each with
 * a type by which it may be taken from the midst.  A message is a chain of small blocks; those that
 * are free are one chain, from whose front messages are cut and to whose front they are put back,
 * so that a message of any size comes and goes with a few changes.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <time.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/registry.h"
#include "ref/step.h"

#ifndef MSG_EXCEPT
#define MSG_EXCEPT 020000
#endif
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

/* The limits of Linux, where they are settings: bytes of a message, bytes of a queue, queues. */
enum { MOST_OF_MESSAGE = 8192, MOST_OF_QUEUE = 16384, MOST_QUEUES = 32000 };

enum { BLOCK_SIZE = 32, FIRST_BYTES = 12, MORE_BYTES = 28 };

/* Blocks are known by number; 0 is none. */
union block {
	uint32_t rest; /* the next block of this message, or of those that are free */
	struct {
		uint32_t rest, next; /* the next message */
		int64_t type;
		uint32_t size; /* of the whole text */
		char bytes[FIRST_BYTES];
	} first;
	struct {
		uint32_t rest;
		char bytes[MORE_BYTES];
	} more;
};
_Static_assert(sizeof(union block) == BLOCK_SIZE, "nothing is lost between the members");

/*
 * As many as any messages need that msg_qbytes lets in: so many are there at most, and each takes
 * one block; those of 13 bytes take most blocks more.
 */
enum { BLOCKS = MOST_OF_QUEUE + MOST_OF_QUEUE / (FIRST_BYTES + 1) };
/*
 * What a privileged user may raise msg_qbytes to: the file doesn't grow.  A queue of more than
 * MOST_OF_QUEUE bytes is full, too, when its blocks don't suffice for another message.
 */
enum { MOST_OF_RAISED_QUEUE = BLOCKS * MORE_BYTES };

struct queue {
	struct ipc_object ipc;
	uint64_t capacity, bytes;	    /* msg_qbytes, msg_cbytes */
	uint64_t count;			    /* msg_qnum */
	int32_t last_sender, last_receiver; /* msg_lspid, msg_lrpid */
	int64_t sent_at, received_at;	    /* msg_stime, msg_rtime */
	uint32_t first, last;		    /* in the order of sending */
	uint32_t free, free_count;
	struct bell sent, received;
	_Alignas(16) union block blocks[BLOCKS];
};

static struct ipc_class msg_class = {
	.class = {.kind = OBJECT_MSG, .least = sizeof(struct queue)},
	.name = "msg",
	.most = MOST_QUEUES,
	.handles = HANDLE_TABLE(NULL),
};

static struct queue *queue_of(const struct handle *h)
{
	return (struct queue *)h->mapping.object;
}

/* Somebody may write there at this moment: read once, what is checked is what is used. */
static uint32_t once(const uint32_t *word)
{
	return *(const volatile uint32_t *)word;
}

/* The block of this number; NULL: there is none, for none or for a peer's scribbling. */
static union block *block_of(struct queue *queue, uint32_t number)
{
	return number > 0 && number <= BLOCKS ? &queue->blocks[number - 1] : NULL;
}

static uint32_t blocks_for(size_t size)
{
	if (size <= FIRST_BYTES)
		return 1;
	return 1 + (uint32_t)((size - FIRST_BYTES + MORE_BYTES - 1) / MORE_BYTES);
}

static int give_up(struct handle *h, int error)
{
	mapping_unlock(&h->mapping);
	errno = error;
	return -1;
}

/* -- getting ---------------------------------------------------------------------------------- */

static void make_queue(struct object *object, const void *wish)
{
	struct queue *queue = (struct queue *)object;

	(void)wish;
	queue->capacity = MOST_OF_QUEUE;
	for (uint32_t number = 1; number < BLOCKS; number++)
		block_of(queue, number)->rest = number + 1;
	queue->free = 1;
	queue->free_count = BLOCKS;
}

int ipcref_msgget(key_t key, int flags)
{
	static const struct ipc_wish wish = {.size = sizeof(struct queue), .make = make_queue};
	bool is_new;

	if (FAULT("msg/get/enter", ENOMEM, ENOSPC))
		return -1;
	return ipc_get(&msg_class, key, flags, &wish, &is_new);
}

/* -- sending ---------------------------------------------------------------------------------- */

/* 0, or why the queue can't be used any more, or not by this process; it is locked. */
static int objection(const struct handle *h, unsigned bits)
{
	if (!object_is_there(&h->mapping))
		return EBADMSG;
	if (queue_of(h)->ipc.is_removed)
		return EIDRM;
	return ipc_permits(h, bits) ? 0 : EACCES;
}

/* The count is limited by msg_qbytes too, or else messages without text would have no limit. */
static bool has_room(const struct queue *queue, size_t size)
{
	return queue->bytes <= queue->capacity && size <= queue->capacity - queue->bytes &&
	       queue->count < queue->capacity && queue->free_count >= blocks_for(size);
}

/*
 * Writes the text into free blocks, from this one on, which nobody else looks at.  The last of
 * them; NULL: the chain is broken.
 */
static union block *write_text(struct queue *queue, union block *block, const char *text,
			       size_t size)
{
	size_t piece = size < FIRST_BYTES ? size : FIRST_BYTES;

	memcpy(block->first.bytes, text, piece);
	while (size > piece) {
		text += piece;
		size -= piece;
		piece = size < MORE_BYTES ? size : MORE_BYTES;
		block = block_of(queue, once(&block->rest));
		if (!block)
			return NULL;
		memcpy(block->more.bytes, text, piece);
	}
	return block;
}

/* Puts it at the end; the queue is locked, and there is room. */
static bool put(struct handle *h, int64_t type, const char *text, size_t size)
{
	struct mapping *mapping = &h->mapping;
	struct queue *queue = queue_of(h);
	uint32_t number = once(&queue->free), last = once(&queue->last);
	union block *message = block_of(queue, number), *previous = block_of(queue, last);
	union block *end = message ? write_text(queue, message, text, size) : NULL;

	if (!end || (last && !previous))
		return false;
	message->first.next = 0;
	message->first.type = type;
	message->first.size = (uint32_t)size;
	STEP("msg/send/copied");

	CHANGE(mapping, queue->free, end->rest);
	CHANGE(mapping, queue->free_count, queue->free_count - blocks_for(size));
	CHANGE(mapping, end->rest, 0);
	if (previous)
		CHANGE(mapping, previous->first.next, number);
	else
		CHANGE(mapping, queue->first, number);
	CHANGE(mapping, queue->last, number);
	CHANGE(mapping, queue->count, queue->count + 1);
	CHANGE(mapping, queue->bytes, queue->bytes + size);
	CHANGE(mapping, queue->last_sender, getpid());
	CHANGE(mapping, queue->sent_at, time(NULL));
	bell_ring(&queue->sent, mapping);
	STEP("msg/send/rung");
	return true;
}

static const struct sleep until_interrupted = {.when_interrupted = SLEEP_ENDS};

static int send_message(struct handle *h, int64_t type, const char *text, size_t size, int flags)
{
	struct queue *queue = queue_of(h);

	mapping_lock(&h->mapping);
	for (;;) {
		int error = objection(h, 02);

		if (error)
			return give_up(h, error);
		if (has_room(queue, size))
			break;
		if (flags & IPC_NOWAIT)
			return give_up(h, EAGAIN);
		error = bell_sleep(&queue->received, &h->mapping, &until_interrupted);
		if (error)
			return give_up(h, error);
	}
	if (!put(h, type, text, size))
		return give_up(h, EBADMSG);
	mapping_unlock(&h->mapping);
	return 0;
}

int ipcref_msgsnd(int id, const void *message, size_t size, int flags)
{
	if (FAULT("msg/send/enter", ENOMEM))
		return -1;
	/* the type is looked at only if the size can be right */
	if (size > MOST_OF_MESSAGE || *(const long *)message < 1) {
		errno = EINVAL;
		return -1;
	}
	struct handle *h = ipc_find(&msg_class, id);

	if (!h)
		return -1;
	int result = send_message(h, *(const long *)message, (const char *)message + sizeof(long),
				  size, flags);

	handle_put(h);
	return result;
}

/* -- receiving -------------------------------------------------------------------------------- */

/* A message, and the one before it; their numbers are 0 if there is none. */
struct found {
	uint32_t number, before;
	int64_t type;
};

/* What msgrcv's msgtyp wants: with MSG_COPY it is a position. */
static bool suits(long wanted, int flags, long position, int64_t type)
{
	if (flags & MSG_COPY)
		return position == wanted;
	if (wanted == 0)
		return true;
	if (wanted < 0)
		return wanted <= -type;
	return flags & MSG_EXCEPT ? type != wanted : type == wanted;
}

/* The message that is wanted; none is no error.  False: the list is broken. */
static bool find(struct queue *queue, long wanted, int flags, struct found *found)
{
	bool is_lowest_wanted = wanted < 0 && !(flags & MSG_COPY);
	uint32_t before = 0, number = once(&queue->first);

	*found = (struct found){0};
	for (long position = 0; number; position++) {
		const union block *message = block_of(queue, number);

		if (!message || position >= BLOCKS)
			return false;
		int64_t type = *(const volatile int64_t *)&message->first.type;
		if (type < 1)
			return false;
		if (suits(wanted, flags, position, type) &&
		    (!found->number || type < found->type)) {
			*found = (struct found){number, before, type};
			if (!is_lowest_wanted)
				return true;
		}
		before = number;
		number = once(&message->first.next);
	}
	return true;
}

/*
 * Reads the text of a message as far as there is room for it, and goes on to its last block; NULL:
 * the chain is broken.
 */
static union block *read_text(struct queue *queue, union block *block, size_t size, char *text,
			      size_t room)
{
	const char *bytes = block->first.bytes;
	size_t piece = size < FIRST_BYTES ? size : FIRST_BYTES;

	for (;;) {
		size_t copied = piece < room ? piece : room;

		memcpy(text, bytes, copied);
		text += copied;
		room -= copied;
		size -= piece;
		if (size == 0)
			return block;
		block = block_of(queue, once(&block->rest));
		if (!block)
			return NULL;
		bytes = block->more.bytes;
		piece = size < MORE_BYTES ? size : MORE_BYTES;
	}
}

/* Takes a message out of the list, which ends with this block; the queue is locked. */
static void take_out(struct handle *h, const struct found *found, size_t size, union block *end)
{
	struct mapping *mapping = &h->mapping;
	struct queue *queue = queue_of(h);
	union block *message = block_of(queue, found->number);
	union block *previous = block_of(queue, found->before);

	if (previous)
		CHANGE(mapping, previous->first.next, message->first.next);
	else
		CHANGE(mapping, queue->first, message->first.next);
	if (queue->last == found->number)
		CHANGE(mapping, queue->last, found->before);
	CHANGE(mapping, end->rest, queue->free);
	CHANGE(mapping, queue->free, found->number);
	CHANGE(mapping, queue->free_count, queue->free_count + blocks_for(size));
	CHANGE(mapping, queue->count, queue->count - 1);
	CHANGE(mapping, queue->bytes, queue->bytes - size);
	CHANGE(mapping, queue->last_receiver, getpid());
	CHANGE(mapping, queue->received_at, time(NULL));
	bell_ring(&queue->received, mapping);
	STEP("msg/receive/rung");
}

/* The message is there, and the queue locked and unlocked. */
static ssize_t take(struct handle *h, const struct found *found, long *type, size_t room, int flags)
{
	struct queue *queue = queue_of(h);
	union block *message = block_of(queue, found->number);
	size_t size = once(&message->first.size);

	if (size > MOST_OF_MESSAGE)
		return give_up(h, EBADMSG);
	if (size > room && !(flags & MSG_NOERROR))
		return give_up(h, E2BIG);
	union block *end = read_text(queue, message, size, (char *)(type + 1), room);
	if (!end)
		return give_up(h, EBADMSG);
	*type = (long)found->type;
	STEP("msg/receive/copied");
	if (!(flags & MSG_COPY))
		take_out(h, found, size, end);
	mapping_unlock(&h->mapping);
	return (ssize_t)(size < room ? size : room);
}

static ssize_t receive_message(struct handle *h, long *type, size_t room, long wanted, int flags)
{
	struct queue *queue = queue_of(h);
	struct found found;

	mapping_lock(&h->mapping);
	for (;;) {
		int error = objection(h, 04);

		if (error)
			return give_up(h, error);
		if (!find(queue, wanted, flags, &found))
			return give_up(h, EBADMSG);
		if (found.number)
			return take(h, &found, type, room, flags);
		if (flags & IPC_NOWAIT)
			return give_up(h, ENOMSG);
		error = bell_sleep(&queue->sent, &h->mapping, &until_interrupted);
		if (error)
			return give_up(h, error);
	}
}

ssize_t ipcref_msgrcv(int id, void *message, size_t size, long type, int flags)
{
	if (FAULT("msg/receive/enter", ENOMEM))
		return -1;
	/* what is copied isn't waited for, and is told by its position, not its type */
	if (size > SSIZE_MAX ||
	    ((flags & MSG_COPY) && (!(flags & IPC_NOWAIT) || (flags & MSG_EXCEPT)))) {
		errno = EINVAL;
		return -1;
	}
	struct handle *h = ipc_find(&msg_class, id);

	if (!h)
		return -1;
	ssize_t result = receive_message(h, message, size, type, flags);

	handle_put(h);
	return result;
}

/* -- control: one queue ----------------------------------------------------------------------- */

static void ring_all(struct handle *h)
{
	bell_ring(&queue_of(h)->sent, &h->mapping);
	bell_ring(&queue_of(h)->received, &h->mapping);
}

/* bits: what must be permitted. */
static int get_status(struct handle *h, unsigned bits, struct msqid_ds *status)
{
	const struct queue *queue = queue_of(h);

	mapping_lock(&h->mapping);
	int error = objection(h, bits);

	if (error)
		return give_up(h, error);
	memset(status, 0, sizeof(*status));
	ipc_stat(h, &status->msg_perm);
	status->msg_stime = (time_t)queue->sent_at;
	status->msg_rtime = (time_t)queue->received_at;
	status->msg_ctime = (time_t)queue->ipc.changed_at;
	status->__msg_cbytes = (unsigned long)queue->bytes;
	status->msg_qnum = (msgqnum_t)queue->count;
	status->msg_qbytes = (msglen_t)queue->capacity;
	status->msg_lspid = queue->last_sender;
	status->msg_lrpid = queue->last_receiver;
	mapping_unlock(&h->mapping);
	return 0;
}

/* Who waits looks again: there may be room now, or no permission any more. */
static int set_status(struct handle *h, const struct msqid_ds *status)
{
	struct queue *queue = queue_of(h);
	const struct ipc_perm permissions = status->msg_perm;
	uint64_t capacity = status->msg_qbytes;

	mapping_lock(&h->mapping);
	if (queue->ipc.is_removed)
		return give_up(h, EIDRM);
	if (!ipc_is_owner(h) || (capacity > MOST_OF_QUEUE && geteuid() != 0))
		return give_up(h, EPERM);
	if (capacity > MOST_OF_RAISED_QUEUE)
		return give_up(h, EINVAL);
	CHANGE(&h->mapping, queue->capacity, capacity);
	ring_all(h);
	STEP("msg/set/rung");
	if (ipc_set(&msg_class, h, &permissions) < 0) {
		int error = errno;

		mapping_undo(&h->mapping);
		return give_up(h, error);
	}
	mapping_unlock(&h->mapping);
	return 0;
}

static int remove_queue(struct handle *h)
{
	return ipc_is_owner(h) ? ipc_remove(&msg_class, h, ring_all) : -1;
}

static int control(int id, int command, struct msqid_ds *status)
{
	struct handle *h = ipc_find(&msg_class, id);
	int result;

	if (!h) {
		if (errno == EBADMSG && command == IPC_RMID)
			return ipc_remove_broken(&msg_class, id);
		/* who may not even look at it doesn't own it */
		if (errno == EACCES && command != IPC_STAT)
			errno = EPERM;
		return -1;
	}
	if (command == IPC_STAT)
		result = get_status(h, 04, status);
	else if (command == IPC_SET)
		result = set_status(h, status);
	else
		result = remove_queue(h);
	handle_put(h);
	return result;
}

/* -- control: all queues ---------------------------------------------------------------------- */

#ifdef MSG_INFO
static int get_status_at(int place, unsigned bits, struct msqid_ds *status)
{
	int id = ipc_at(&msg_class, place);
	struct handle *h = id < 0 ? NULL : ipc_find(&msg_class, id);

	if (!h)
		return -1;
	int result = get_status(h, bits, status);

	handle_put(h);
	return result < 0 ? -1 : id;
}

/*
 * The messages and bytes of all queues that this process may look at.  False with errno: it can't
 * look at them.
 */
static bool add_up(int highest, struct msginfo *info)
{
	struct msqid_ds status;

	info->msgmap = info->msgtql = 0;
	for (int place = 0; place <= highest; place++)
		if (get_status_at(place, 0, &status) >= 0) {
			info->msgmap += (int)status.msg_qnum;
			info->msgtql += (int)status.__msg_cbytes;
		} else if (ipc_is_shortage(errno)) {
			return false;
		}
	return true;
}

static int get_info(int command, struct msginfo *info)
{
	int highest, saved = errno;
	unsigned count;

	memset(info, 0, sizeof(*info));
	highest = ipc_highest(&msg_class, &count);
	if (highest < 0)
		return -1;
	info->msgmax = MOST_OF_MESSAGE;
	info->msgmnb = MOST_OF_QUEUE;
	info->msgmni = MOST_QUEUES;
	info->msgssz = BLOCK_SIZE;
	info->msgseg = (unsigned short)BLOCKS;
	info->msgpool = MOST_QUEUES * (MOST_OF_QUEUE / 1024);
	info->msgmap = info->msgtql = MOST_OF_QUEUE;
	if (command == MSG_INFO) {
		info->msgpool = (int)count;
		if (!add_up(highest, info))
			return -1;
	}
	errno = saved;
	return highest;
}
#endif

/* Whether the command is one that reads or fills a structure. */
static bool needs_status(int command)
{
	switch (command) {
	case IPC_STAT:
	case IPC_SET:
#ifdef MSG_INFO
	case IPC_INFO:
	case MSG_INFO:
	case MSG_STAT:
	case MSG_STAT_ANY:
#endif
		return true;
	default:
		return false;
	}
}

int ipcref_msgctl(int id, int command, struct msqid_ds *status)
{
	if (id >= 0 && needs_status(command) && !status) {
		errno = EFAULT;
		return -1;
	}
	if (id >= 0)
		switch (command) {
		case IPC_STAT:
		case IPC_SET:
		case IPC_RMID:
			return control(id, command, status);
#ifdef MSG_INFO
		case IPC_INFO:
		case MSG_INFO:
			return get_info(command, (struct msginfo *)status);
		case MSG_STAT:
			return get_status_at(id, 04, status);
		case MSG_STAT_ANY:
			return get_status_at(id, 0, status);
#endif
		}
	errno = EINVAL;
	return -1;
}
