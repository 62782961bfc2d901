/* SPDX-License-Identifier: MIT */
/* Those who wait for a message, or for room for one: served in the order of their coming. */
#include "ref/mq.h"

/* Who waits is told by his thread, so that one who was killed meanwhile waits no longer. */
static bool is_there(const struct mq_waiter *waiter)
{
	const struct mq_waiter seen = *waiter;

	return seen.thread && thread_lives(seen.thread, seen.birth);
}

static const uint64_t no_ticket = UINT64_MAX;

/* How many wait longer than one with this ticket, and have nothing yet. */
static uint32_t waiting_before(const struct mq_line *line, uint64_t ticket)
{
	uint32_t count = 0;

	for (int i = 0; i < MQ_WAITERS; i++)
		if (line->waiters[i].ticket < ticket && !line->waiters[i].message &&
		    is_there(&line->waiters[i]))
			count++;
	return count;
}

struct mq_waiter *mq_longest_waiter(struct mq_line *line)
{
	struct mq_waiter *longest = NULL;

	for (int i = 0; i < MQ_WAITERS; i++) {
		struct mq_waiter *waiter = &line->waiters[i];

		if (!waiter->message && (!longest || waiter->ticket < longest->ticket) &&
		    is_there(waiter))
			longest = waiter;
	}
	return longest;
}

uint32_t mq_given(const struct mq_view *view)
{
	const struct mq_line *line = &view->queue->receivers;
	uint32_t count = 0;

	for (int i = 0; line->count && i < MQ_WAITERS; i++)
		count += line->waiters[i].message != 0;
	return count;
}

bool mq_is_given(const struct mq_view *view, uint64_t ticket)
{
	const struct mq_line *line = &view->queue->receivers;

	for (int i = 0; line->count && i < MQ_WAITERS; i++)
		if (line->waiters[i].message == ticket)
			return true;
	return false;
}

struct mq_waiter *mq_dead_receiver(const struct mq_view *view)
{
	struct mq_line *line = &view->queue->receivers;

	for (int i = 0; line->count && i < MQ_WAITERS; i++)
		if (line->waiters[i].message && !is_there(&line->waiters[i]))
			return &line->waiters[i];
	return NULL;
}

bool mq_is_offered(const struct mq_view *view, uint32_t number)
{
	const struct mq_line *line = &view->queue->senders;

	for (int i = 0; line->count && i < MQ_WAITERS; i++)
		if (line->waiters[i].thread && line->waiters[i].sends == number &&
		    !line->waiters[i].message)
			return true;
	return false;
}

void mq_forget_dead_senders(const struct mq_view *view)
{
	struct mq_line *line = &view->queue->senders;

	for (int i = 0; line->count && i < MQ_WAITERS; i++)
		if (line->waiters[i].thread && !is_there(&line->waiters[i])) {
			mq_end_to_wait(view, line, &line->waiters[i]);
			mapping_commit(view->mapping);
		}
}

/* What is left of so much. */
static uint32_t left_for(const struct mq_line *line, const struct mq_waiter *waiter, uint32_t count)
{
	uint32_t taken = 0;

	if (count && line->count)
		taken = waiting_before(line, waiter ? waiter->ticket : no_ticket);
	return count > taken ? count - taken : 0;
}

uint32_t mq_messages_for(const struct mq_view *view, const struct mq_waiter *waiter)
{
	uint32_t count = view->queue->count, given = mq_given(view);

	if (waiter && waiter->message)
		return 1;
	return left_for(&view->queue->receivers, waiter, count > given ? count - given : 0);
}

uint32_t mq_room_left(const struct mq_view *view)
{
	uint32_t count = view->queue->count, given = mq_given(view);
	uint32_t there = count > given ? count - given : 0;

	return there < view->most ? view->most - there : 0;
}

bool mq_is_waited_for(const struct mq_line *line)
{
	return waiting_before(line, no_ticket) > 0;
}

bool mq_is_behind_others(const struct mq_line *line, const struct mq_waiter *waiter)
{
	return !waiter || waiting_before(line, waiter->ticket) > 0;
}

static uint64_t own_birth(void)
{
	static _Thread_local struct mq_waiter self;

	if (self.thread != thread_id()) {
		self.thread = thread_id();
		self.birth = thread_birth(self.thread);
	}
	return self.birth;
}

struct mq_waiter *mq_begin_to_wait(const struct mq_view *view, struct mq_line *line)
{
	for (int i = 0; i < 2 * MQ_WAITERS; i++) {
		struct mq_waiter *waiter = &line->waiters[i % MQ_WAITERS];

		/* in the second round also those of the dead */
		if (waiter->thread && (i < MQ_WAITERS || is_there(waiter)))
			continue;
		if (!waiter->thread)
			CHANGE(view->mapping, line->count, line->count + 1);
		mq_withdraw(view, waiter);
		CHANGE(view->mapping, line->last_ticket, line->last_ticket + 1);
		CHANGE(view->mapping, waiter->ticket, line->last_ticket);
		CHANGE(view->mapping, waiter->birth, own_birth());
		CHANGE(view->mapping, waiter->message, 0);
		CHANGE(view->mapping, waiter->thread, thread_id());
		STEP("mq/wait/counted");
		return waiter;
	}
	return NULL;
}

void mq_end_to_wait(const struct mq_view *view, struct mq_line *line, struct mq_waiter *waiter)
{
	if (waiter->thread)
		CHANGE(view->mapping, line->count, line->count - 1);
	mq_withdraw(view, waiter);
	CHANGE(view->mapping, waiter->thread, 0);
	CHANGE(view->mapping, waiter->message, 0);
	STEP("mq/wait/over");
}
