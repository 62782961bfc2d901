/* SPDX-License-Identifier: MIT */
/*
 * A message queue's object, and what its rooms know of each other: mq.c opens it, sends and
 * receives; mq_queue.c has the messages in their order, mq_line.c those who wait for them, and
 * mq_notify.c who is to be notified.
 */
#ifndef IPCREF_MQ_H
#define IPCREF_MQ_H

#include <errno.h>
#include <signal.h>

#include "ref/descriptor.h"

/* What a queue may have at most, and how large it may be. */
enum { MQ_MOST_MESSAGES = 65536, MQ_LARGEST_SIZE = 1 << 24 };

/*
 * Messages are known by number; 0 is none.  Whether one is there, its ticket alone tells: it is
 * written last when the message is sent, and first when it is received.  All else that says which
 * there are, and in what order, is made anew from the tickets if somebody dies over it.
 */
struct mq_message {
	uint64_t ticket; /* the lower, the longer is it there; 0: it isn't */
	uint32_t next, size, priority;
	char bytes[];
};

/*
 * A thread that waits; 0: none.  What it waits for may be done before it runs: others go by that
 * already.
 */
struct mq_waiter {
	uint32_t thread;
	uint32_t sends;		/* the message's number, which is the thread's until it is sent */
	uint64_t birth, ticket; /* the lower, the longer has it waited */
	/*
	 * The ticket of the message that it has sent, or that is its own to receive, for others
	 * have been told that there is none.  0: none is.
	 */
	uint64_t message;
};
enum { MQ_WAITERS = 32 };

/* Those who wait for the same: a message, or room for one. */
struct mq_line {
	_Alignas(CACHE_LINE) struct bell bell; /* has a line, as a pipe's (pipe.h) */
	_Alignas(CACHE_LINE) uint32_t
		count; /* of those below: at most, for the dead aren't counted out at once */
	struct mq_waiter waiters[MQ_WAITERS];
	uint64_t last_ticket;
};

/*
 * A process that is to be notified.  Once it is notified, or is to be no longer, its helper has
 * still to see it, and the place is taken until then.
 */
struct mq_registration {
	uint32_t state, pid;
	uint32_t number;      /* no two of a queue have the same */
	uint32_t how;	      /* SIGEV_...; what its helper does, only its process knows */
	uint32_t sender, uid; /* who has notified it */
};
enum { MQ_REGISTRATIONS = 16 };

/* What every send and receive needs is first, in the line of the cache that the lock is in. */
struct mq_queue {
	struct object object;
	uint32_t most, message_size; /* mq_maxmsg, mq_msgsize */
	uint32_t count;		     /* mq_curmsgs */
	uint32_t first, last;	     /* in the order of receiving */
	uint32_t free;
	uint64_t last_ticket;
	uint32_t registered; /* which registration, from 1; 0: nobody is */
	uint32_t last_number;
	struct mq_line receivers, senders;
	struct mq_registration registrations[MQ_REGISTRATIONS];
	struct bell ended; /* a registration: for the helpers */
	_Alignas(CACHE_LINE) char messages[];
};
_Static_assert(offsetof(struct mq_queue, receivers) == offsetof(struct object, lock) + CACHE_LINE,
	       "what every send and receive needs is in one line of the cache");

/*
 * A queue as this process has it.  The sizes are read once from the object and checked against what
 * is mapped; each number of a message is checked where it is used.
 */
struct mq_view {
	struct mapping *mapping;
	struct mq_queue *queue;
	uint32_t most, message_size;
	uint32_t numbers; /* of messages: more than there may be, see mq_numbers */
};

/* Bytes of a message and its head. */
static inline size_t mq_room(size_t message_size)
{
	return (offsetof(struct mq_message, bytes) + message_size + 15) / 16 * 16;
}

/*
 * How many messages there is memory for: besides those of the queue, what some wait to send, and
 * what is somebody's own and hasn't been taken yet.  For large messages that is little; who waits
 * and finds none waits uncounted.
 */
static inline uint32_t mq_numbers(uint32_t most, uint32_t message_size)
{
	enum { SPARE_BYTES = 1 << 18 };
	size_t spare = SPARE_BYTES / mq_room(message_size);

	return most + (spare > MQ_WAITERS ? MQ_WAITERS : spare > 0 ? (uint32_t)spare : 1);
}

/* False with errno: what is there is no queue. */
static inline bool mq_see(struct mq_view *view, struct mapping *mapping)
{
	struct mq_queue *queue = (struct mq_queue *)mapping->object;

	view->mapping = mapping;
	view->queue = queue;
	view->most = *(volatile uint32_t *)&queue->most;
	view->message_size = *(volatile uint32_t *)&queue->message_size;
	if (object_is_there(mapping) && view->most > 0 && view->most <= MQ_MOST_MESSAGES &&
	    view->message_size <= MQ_LARGEST_SIZE) {
		view->numbers = mq_numbers(view->most, view->message_size);
		if (view->numbers * mq_room(view->message_size) <= mapping->size - sizeof(*queue))
			return true;
	}
	errno = EBADMSG;
	return false;
}

/* -- the messages: the object is locked ------------------------------------------------------- */

/* Bytes of the object of such a queue; 0: there can be none so large. */
size_t mq_size(uint32_t most, uint32_t message_size);
/* Of a new object, in which all else is 0. */
void mq_make(struct object *object, const void *attributes);
/* Makes the list anew from the messages, after an owner's death in the middle of it. */
void mq_repair(struct mapping *mapping);
/*
 * Puts a message where it belongs, into a queue that isn't full, and rings for who receives. False:
 * the list is broken.
 */
bool mq_put(const struct mq_view *view, const char *bytes, size_t size, uint32_t priority);
/*
 * Takes the message with this ticket, or the first that is nobody's own (0), and rings for who
 * sends.  Its size, at most what there is room for; -1: the list is broken.
 */
ssize_t mq_take(const struct mq_view *view, uint64_t ticket, char *bytes, size_t size,
		unsigned *priority);
/*
 * Gives each message that is left to those who wait to one of them, and the room that this makes
 * to those who wait for that.  To be done before anybody is told that there is no message, or no
 * room: from then on these have been received, and sent.
 */
void mq_settle(const struct mq_view *view);
/* Sends the messages of those who wait to, as far as there is room. */
void mq_admit(const struct mq_view *view);
/* What was given to one who died before he had it has been received, and died with him. */
void mq_drop_of_the_dead(const struct mq_view *view);
/* What this one, who waits, is to send as soon as there is room; false: there is no memory. */
bool mq_offer(const struct mq_view *view, struct mq_waiter *waiter, const char *bytes, size_t size,
	      uint32_t priority);
/* He sends it no more, if he hasn't. */
void mq_withdraw(const struct mq_view *view, struct mq_waiter *waiter);
/* Of all messages. */
unsigned long mq_bytes(const struct mq_view *view);

/* -- who waits: the object is locked ---------------------------------------------------------- */

/* What is left for this one, who waits, or for who hasn't waited (NULL). */
uint32_t mq_messages_for(const struct mq_view *view, const struct mq_waiter *waiter);
/* How many there may be more; those that somebody waits to send come first (mq_admit). */
uint32_t mq_room_left(const struct mq_view *view);
bool mq_is_waited_for(const struct mq_line *line);
/* How many messages are somebody's own. */
uint32_t mq_given(const struct mq_view *view);
bool mq_is_given(const struct mq_view *view, uint64_t ticket);
/* Who has waited longest and has none of his own; NULL: nobody. */
struct mq_waiter *mq_longest_waiter(struct mq_line *line);
/* One who was given a message and is dead; NULL: nobody. */
struct mq_waiter *mq_dead_receiver(const struct mq_view *view);
/* Whether the number is that of a message that somebody waits, or died waiting, to send. */
bool mq_is_offered(const struct mq_view *view, uint32_t number);
/* Nobody sends any more what the dead have waited to. */
void mq_forget_dead_senders(const struct mq_view *view);
/* Whether somebody is to be served before this one, or nobody knows. */
bool mq_is_behind_others(const struct mq_line *line, const struct mq_waiter *waiter);
/* NULL: so many wait that this one isn't missed, and is served last. */
struct mq_waiter *mq_begin_to_wait(const struct mq_view *view, struct mq_line *line);
void mq_end_to_wait(const struct mq_view *view, struct mq_line *line, struct mq_waiter *waiter);

/* -- who is to be notified -------------------------------------------------------------------- */

/* Notifies who is registered, if nobody waits for a message; the object is locked. */
void mq_notify_registered(const struct mq_view *view, int fd);
/* The process isn't registered any more; the object isn't locked. */
void mq_end_own_registration(const struct mq_view *view, int fd);

#endif
