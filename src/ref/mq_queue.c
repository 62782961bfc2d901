/* SPDX-License-Identifier: MIT */
/*
 * The messages of a queue: a linked list, the highest priority first and the oldest first among
 * equals.
 *
 * A message is sent, or received, by one write: that of its ticket.  The journal has no part in it
 * unless more is to happen with it.  The list, the free ones and the count may be found in the
 * middle of a change after a death, and are then made anew from what has a ticket.
 */
#include "ref/mq.h"

#include <mqueue.h>

static const size_t largest_queue = (size_t)1 << 30;

size_t mq_size(uint32_t most, uint32_t message_size)
{
	size_t room = mq_room(message_size);
	uint32_t numbers = mq_numbers(most, message_size);

	return room > largest_queue / numbers ? 0 : sizeof(struct mq_queue) + room * numbers;
}

/* The message of this number; NULL: there is none, for none or for a peer's scribbling. */
static struct mq_message *message_of(const struct mq_view *view, uint32_t number)
{
	if (number == 0 || number > view->numbers)
		return NULL;
	return (struct mq_message *)(view->queue->messages +
				     (number - 1) * mq_room(view->message_size));
}

static void free_message(const struct mq_view *view, uint32_t number, struct mq_message *message)
{
	message->next = view->queue->free;
	view->queue->free = number;
}

void mq_make(struct object *object, const void *wish)
{
	const struct mq_attr *attributes = wish;
	struct mq_queue *queue = (struct mq_queue *)object;
	struct mq_view view = {.queue = queue,
			       .most = (uint32_t)attributes->mq_maxmsg,
			       .message_size = (uint32_t)attributes->mq_msgsize};

	view.numbers = mq_numbers(view.most, view.message_size);
	queue->most = view.most;
	queue->message_size = view.message_size;
	for (uint32_t number = view.numbers; number; number--)
		free_message(&view, number, message_of(&view, number));
}

/* -- order ------------------------------------------------------------------------------------ */

/* The message after which one of this priority belongs: 0 for the first; none if the list is
 * broken. */
static bool find_place(const struct mq_view *view, uint32_t priority, uint32_t *before)
{
	uint32_t next = view->queue->last;
	const struct mq_message *last = message_of(view, next);

	*before = next;
	if (last && last->priority >= priority)
		return true;
	*before = 0;
	next = view->queue->first;
	for (uint32_t steps = 0; next; steps++) {
		const struct mq_message *message = message_of(view, next);

		if (!message || steps > view->numbers)
			return false;
		if (message->priority < priority)
			return true;
		*before = next;
		next = message->next;
	}
	return true;
}

/* Puts the message behind the one before it, NULL for the first. */
static void link_message(struct mq_queue *queue, uint32_t number, struct mq_message *message,
			 struct mq_message *before)
{
	uint32_t *link = before ? &before->next : &queue->first;

	message->next = *link;
	*link = number;
	STEP("mq/send/linked-before");
	if (!message->next)
		queue->last = number;
}

/*
 * With this the message is there, or is no more.  Where somebody is to be notified, that happens
 * with it or not at all, and the journal is needed.
 */
static void set_ticket(const struct mq_view *view, struct mq_message *message, uint64_t ticket)
{
	atomic_signal_fence(memory_order_seq_cst);
	if (view->queue->registered)
		CHANGE(view->mapping, message->ticket, ticket);
	else
		*(volatile uint64_t *)&message->ticket = ticket;
	atomic_signal_fence(memory_order_seq_cst);
}

static void write_message(struct mq_message *message, const char *bytes, size_t size,
			  uint32_t priority)
{
	memcpy(message->bytes, bytes, size);
	message->size = (uint32_t)size;
	message->priority = priority;
}

/* The next to use of those that aren't there; NULL: there is none. */
static struct mq_message *take_free(const struct mq_view *view, uint32_t *number)
{
	struct mq_queue *queue = view->queue;
	struct mq_message *message = message_of(view, queue->free);

	*number = queue->free;
	if (message)
		queue->free = message->next;
	return message;
}

/* It is in the list, and is there with its ticket.  False: the list is broken. */
static bool list_message(const struct mq_view *view, uint32_t number, struct mq_message *message)
{
	struct mq_queue *queue = view->queue;
	uint32_t before;

	if (!find_place(view, message->priority, &before))
		return false;
	link_message(queue, number, message, message_of(view, before));
	STEP("mq/send/linked");
	queue->count++;
	STEP("mq/send/counted");
	/* before it is there: one who dies in between has woken somebody for nothing */
	bell_ring(&queue->receivers.bell, view->mapping);
	return true;
}

bool mq_put(const struct mq_view *view, const char *bytes, size_t size, uint32_t priority)
{
	uint32_t number;
	struct mq_message *message = take_free(view, &number);

	STEP("mq/send/taken");
	if (!message)
		return false;
	write_message(message, bytes, size, priority);
	STEP("mq/send/copied");
	if (!list_message(view, number, message))
		return false;
	set_ticket(view, message, ++view->queue->last_ticket);
	STEP("mq/send/sent");
	return true;
}

bool mq_offer(const struct mq_view *view, struct mq_waiter *waiter, const char *bytes, size_t size,
	      uint32_t priority)
{
	uint32_t number;

	if (!view->queue->free)
		mq_forget_dead_senders(view);
	struct mq_message *message = take_free(view, &number);
	if (!message)
		return false;
	CHANGE(view->mapping, waiter->sends, number);
	write_message(message, bytes, size, priority);
	STEP("mq/wait/offered");
	return true;
}

void mq_withdraw(const struct mq_view *view, struct mq_waiter *waiter)
{
	uint32_t number = waiter->sends;
	struct mq_message *message = message_of(view, number);

	if (!number)
		return;
	CHANGE(view->mapping, waiter->sends, 0);
	/* else it is sent, and perhaps received and sent again by others */
	if (message && !waiter->message)
		free_message(view, number, message);
	STEP("mq/wait/withdrawn");
}

void mq_admit(const struct mq_view *view)
{
	struct mq_queue *queue = view->queue;
	struct mq_waiter *waiter;

	for (int i = 0; queue->senders.count && i < MQ_WAITERS && mq_room_left(view) > 0; i++) {
		struct mq_message *message;

		waiter = mq_longest_waiter(&queue->senders);
		message = waiter ? message_of(view, waiter->sends) : NULL;
		if (!message || !list_message(view, waiter->sends, message))
			break;
		bell_ring(&queue->senders.bell, view->mapping);
		CHANGE(view->mapping, message->ticket, ++queue->last_ticket);
		CHANGE(view->mapping, waiter->message, message->ticket);
		STEP("mq/admit/sent");
		mapping_commit(view->mapping);
	}
}

/* Where a message is in the list: its number, and that of the one before it; 0: none. */
struct place {
	uint32_t number, before;
};

/* Of the message with this ticket, or of the first that is nobody's own (0). */
static struct place find_message(const struct mq_view *view, uint64_t ticket)
{
	struct place place = {view->queue->first, 0};

	for (uint32_t steps = 0; steps < view->numbers; steps++) {
		const struct mq_message *message = message_of(view, place.number);

		if (!message)
			break;
		if (ticket ? message->ticket == ticket : !mq_is_given(view, message->ticket))
			return place;
		place = (struct place){message->next, place.number};
	}
	return (struct place){0, 0};
}

/* It is no more, from its ticket on. */
static void remove_message(const struct mq_view *view, struct place place)
{
	struct mq_queue *queue = view->queue;
	struct mq_message *message = message_of(view, place.number),
			  *before = message_of(view, place.before);

	bell_ring(&queue->senders.bell, view->mapping);
	set_ticket(view, message, 0);
	STEP("mq/receive/received");
	*(before ? &before->next : &queue->first) = message->next;
	if (!message->next)
		queue->last = place.before;
	STEP("mq/receive/unlinked");
	free_message(view, place.number, message);
	STEP("mq/receive/freed");
	queue->count--;
	STEP("mq/receive/counted");
}

ssize_t mq_take(const struct mq_view *view, uint64_t ticket, char *bytes, size_t size,
		unsigned *priority)
{
	struct place place = find_message(view, ticket);
	struct mq_message *message = message_of(view, place.number);
	size_t length = message ? *(volatile uint32_t *)&message->size : 0;

	/* which is no more than there is room for, of the message and for it */
	if (!message || length > view->message_size || length > size)
		return -1;
	memcpy(bytes, message->bytes, length);
	if (priority)
		*priority = message->priority;
	STEP("mq/receive/copied");

	remove_message(view, place);
	return (ssize_t)length;
}

static void give(const struct mq_view *view)
{
	struct mq_line *line = &view->queue->receivers;
	struct mq_waiter *waiter;

	if (!line->count)
		return;
	for (int i = 0; i < MQ_WAITERS && (waiter = mq_longest_waiter(line)); i++) {
		const struct mq_message *message = message_of(view, find_message(view, 0).number);

		if (!message)
			break;
		CHANGE(view->mapping, waiter->message, message->ticket);
		STEP("mq/give/given");
		mapping_commit(view->mapping);
	}
}

void mq_settle(const struct mq_view *view)
{
	uint64_t last;

	if (!view->queue->free)
		mq_forget_dead_senders(view);
	/* what is sent now may be for others who wait */
	do {
		last = view->queue->last_ticket;
		give(view);
		mq_admit(view);
	} while (view->queue->last_ticket != last);
}

void mq_drop_of_the_dead(const struct mq_view *view)
{
	struct mq_waiter *waiter;

	for (int i = 0; i < MQ_WAITERS && (waiter = mq_dead_receiver(view)); i++) {
		struct place place = find_message(view, waiter->message);

		/* or he had it, and was yet to say so */
		if (place.number)
			remove_message(view, place);
		CHANGE(view->mapping, waiter->message, 0);
		STEP("mq/give/dropped");
	}
}

/* -- after a death ---------------------------------------------------------------------------- */

static bool comes_before(const struct mq_message *one, const struct mq_message *other)
{
	if (one->priority != other->priority)
		return one->priority > other->priority;
	return one->ticket < other->ticket;
}

/*
 * Makes one list of two; no longer than so many, whatever a peer scribbles into them meanwhile.
 * The first of it, 0 of none.
 */
static uint32_t merge(const struct mq_view *view, uint32_t one, uint32_t other, uint32_t most)
{
	uint32_t first = 0, *link = &first;

	for (uint32_t steps = 0; steps < most; steps++) {
		const struct mq_message *of_one = message_of(view, one);
		const struct mq_message *of_other = message_of(view, other);
		bool is_one = of_one && !(of_other && comes_before(of_other, of_one));
		uint32_t *next = is_one ? &one : &other;
		struct mq_message *message = message_of(view, *next);

		if (!message)
			break;
		*link = *next;
		*next = message->next;
		link = &message->next;
	}
	*link = 0;
	return first;
}

/* Makes a list of all that are there, and gives its first: sorted as a list is, by merging. */
static uint32_t sort_messages(const struct mq_view *view, uint32_t *count)
{
	/* of each, a sorted list of as many messages as its bit has, or none */
	enum { LISTS = 18 };
	_Static_assert(1 << (LISTS - 1) >= MQ_MOST_MESSAGES + MQ_WAITERS,
		       "the last may have all messages");
	uint32_t lists[LISTS] = {0}, sorted = 0;

	for (uint32_t number = 1; number <= view->numbers; number++) {
		struct mq_message *message = message_of(view, number);
		uint32_t merged = number, i = 0;

		if (!message->ticket)
			continue;
		message->next = 0;
		for (; i < LISTS - 1 && lists[i]; i++) {
			merged = merge(view, lists[i], merged, 2u << i);
			lists[i] = 0;
		}
		lists[i] = merged;
		++*count;
	}
	for (unsigned i = 0; i < LISTS; i++)
		sorted = merge(view, lists[i], sorted, view->numbers);
	return sorted;
}

void mq_repair(struct mapping *mapping)
{
	struct mq_view view;
	uint32_t count = 0;

	if (!mq_see(&view, mapping))
		return;
	struct mq_queue *queue = view.queue;

	queue->first = sort_messages(&view, &count);
	STEP("mq/repair/sorted");
	queue->count = count;
	queue->last = 0; /* the next that belongs there finds its way from the first */
	queue->free = 0;
	for (uint32_t number = view.numbers; number; number--) {
		struct mq_message *message = message_of(&view, number);

		if (!message->ticket && !mq_is_offered(&view, number))
			free_message(&view, number, message);
	}
	STEP("mq/repair/done");
}

unsigned long mq_bytes(const struct mq_view *view)
{
	const struct mq_message *message = message_of(view, view->queue->first);
	unsigned long bytes = 0;

	for (uint32_t left = view->numbers; message && left > 0; left--) {
		bytes += message->size;
		message = message_of(view, message->next);
	}
	return bytes;
}
