/* SPDX-License-Identifier: MIT */
/*
 * The other side of a pipe: whether there is somebody, and waiting for it.
 *
 * Only the kernel knows who has an end, and its answer costs more than to move a message.  So a
 * write goes by signs of life, none of which is older than TRUST: a reader that sleeps, whose mark
 * the kernel takes away when he dies; readers that have moved; or the kernel's answer.  Whoever
 * closes an end lives to say so, and then all ask again.  Of a death nobody knows as soon: the
 * kernel lets go of the locks of who dies first, and then takes longer than that to tell anybody.
 */
#include <errno.h>

#include "ref/pipe.h"
#include "ref/step.h"

/* How often who waits looks whether there still is a peer, whose death rings no bell. */
enum { LOOK_AFTER_PEERS_MS = 20 };
/*
 * Turns for which one looks away before one looks out for a move, for each look holds up who is
 * about to make the next one.
 */
enum { PAUSES = 8 };

/*
 * How long a sign of life is good for, in ticks of the processor's counter, which makes at least
 * one in a nanosecond or so, and costs a third of what the clock does; or else in nanoseconds.  The
 * readers' position is looked at more often, for when it moved isn't known but by looks.
 */
enum { TRUST = 4000, LOOK = TRUST / 4 };

/* -- who is there ----------------------------------------------------------------------------- */

int pipe_has(int fd, const struct handle *h, unsigned end)
{
	int number, result;

	if (h->end & end)
		return 1;
	do {
		number = descriptor_number(fd, h);
		result = descriptor_has_others(number, end);
	} while (number != descriptor_number(fd, h)); /* closed meanwhile by another thread */
	return result;
}

/* Notes what can be seen of the readers without asking. */
static void look_for_readers(struct pipe *pipe, struct pipe_notes *notes, uint64_t time)
{
	uint32_t position = atomic_load_explicit(&pipe->readers.position, memory_order_relaxed);

	/* some time since the last look, but who knows when */
	if (position != notes->position)
		notes->lived_at = notes->looked_at;
	if (lock_is_marked(&pipe->readers.sleeper))
		notes->lived_at = time;
	notes->position = position;
	notes->looked_at = time;
}

/* A call goes by what was so before. */
static void note_changes(struct pipe_call *call)
{
	call->changes = atomic_load_explicit(&call->pipe->changes, memory_order_acquire);
}

int pipe_has_readers(struct pipe_call *call)
{
	struct pipe_notes *notes = &call->h->notes;
	uint64_t time = pipe_ticks();

	note_changes(call);
	if (time - notes->looked_at >= LOOK)
		look_for_readers(call->pipe, notes, time);
	if (time - notes->lived_at < TRUST && call->changes == notes->changes)
		return 1;
	int result = pipe_has(call->fd, call->h, PIPE_READS);

	atomic_store_explicit(&notes->changes, call->changes, memory_order_relaxed);
	notes->lived_at = result > 0 ? time : 0;
	return result;
}

/*
 * The kernel is asked for writers before one sleeps: but not at once if they had to be waited for
 * the last time too, for then the next message is likely to come before they go.
 */
static bool has_writers_for_now(const struct pipe_call *call)
{
	const struct pipe_notes *notes = &call->h->notes;

	return call->sleeps == 0 && call->changes == notes->changes && notes->has_waited;
}

static int has_writers(const struct pipe_call *call)
{
	struct pipe_notes *notes = &call->h->notes;
	int result = pipe_has(call->fd, call->h, PIPE_WRITES);

	atomic_store_explicit(&notes->changes, call->changes, memory_order_relaxed);
	return result;
}

/* -- waiting ---------------------------------------------------------------------------------- */

void pipe_wake(struct mapping *mapping, struct pipe_side *side)
{
	/* one moves and then looks who waits; who waits says so and then looks for a move */
	atomic_thread_fence(memory_order_seq_cst);
	bell_wake_pollers(mapping);
	if (!eventcount_is_waited_for(&side->moved))
		return;
	say_where(&side->woken_on);
	bool has_sleepers = eventcount_advance(&side->moved, false);

	STEP("pipe/wake/told");
	if (has_sleepers)
		futex_wake(&side->moved.word, INT_MAX);
}

static bool has_moved_from(const struct pipe_side *other, uint32_t position)
{
	return atomic_load_explicit(&other->position, memory_order_acquire) != position;
}

/*
 * Before the first sleep of a call: a short look out for the other side, if it ran on another
 * processor the last time.
 */
static bool sees_a_move(const struct pipe_call *call, const struct pipe_side *own,
			const struct pipe_side *other, uint32_t position)
{
	struct outlook outlook = {0};

	if (call->sleeps || !is_elsewhere(&own->woken_on))
		return false;
	for (int i = 0; i < PAUSES; i++)
		pause_briefly();
	do
		if (has_moved_from(other, position))
			return true;
	while (outlook_goes_on(&outlook));
	return false;
}

/* Sleeps until it moves, something changes, or it's time to look.  0 or EINTR. */
static int sleep_until_move(struct pipe_call *call, struct pipe_side *own,
			    const struct pipe_side *other, uint32_t position, bool ends_by_handler)
{
	const struct sleep sleep = {
		.when_interrupted = ends_by_handler ? SLEEP_ENDS : SLEEP_RESTARTS,
		.looks_every = LOOK_AFTER_PEERS_MS,
	};
	uint32_t prepared = eventcount_prepare(&own->moved);

	/* as in pipe_wake, the other way round */
	atomic_thread_fence(memory_order_seq_cst);
	STEP("pipe/wait/said");
	if (has_moved_from(other, position) || call->pipe->changes != call->changes)
		return 0;
	call->sleeps++;
	return vigil_sleep(&call->vigil, &sleep, &own->moved.word, prepared, &own->sleeper);
}

/* Asked until it sleeps: what is set while a call waits is for the calls to come. */
static bool may_wait(const struct pipe_call *call)
{
	return call->sleeps > 0 || pipe_waits(call->fd, call->h);
}

/*
 * By what is noted a call may wait; but notes go by a count that a hostile peer can put back, and
 * then one who mustn't would sleep for ever.  So the kernel is asked once, before the first sleep.
 */
static bool may_sleep(const struct pipe_call *call)
{
	return call->sleeps > 0 || !descriptor_mustnt_wait(call->fd, call->h);
}

int pipe_await_writers(struct pipe_call *call, uint32_t position)
{
	struct pipe *pipe = call->pipe;

	note_changes(call);
	if (!object_is_there(&call->h->mapping))
		return EBADMSG;
	bool waits = may_wait(call);

	if (waits && sees_a_move(call, &pipe->readers, &pipe->writers, position))
		return 0;
	waits = waits && may_sleep(call);
	if (!waits || !has_writers_for_now(call)) {
		int writers = has_writers(call);

		if (writers < 0)
			return errno;
		/* the last may have written something before he went */
		if (has_moved_from(&pipe->writers, position))
			return 0;
		if (writers == 0)
			return PIPE_END;
	}
	if (!waits)
		return EAGAIN;
	return sleep_until_move(call, &pipe->readers, &pipe->writers, position, false);
}

int pipe_await_readers(struct pipe_call *call, uint32_t position, bool has_moved)
{
	struct pipe *pipe = call->pipe;

	if (!may_wait(call))
		return EAGAIN;
	if (sees_a_move(call, &pipe->writers, &pipe->readers, position))
		return 0;
	if (!may_sleep(call))
		return EAGAIN;
	return sleep_until_move(call, &pipe->writers, &pipe->readers, position, has_moved);
}
