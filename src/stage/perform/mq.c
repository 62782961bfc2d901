/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "stage/perform.h"

unsigned remove_mq(const char *name)
{
	return impl->mq && impl->mq->mq_unlink && impl->mq->mq_unlink(name) == 0;
}

static mqd_t queue_of(const op *o)
{
	return (mqd_t)handle_number(o->handle);
}

/* -- opening ---------------------------------------------------------------------------------- */

static bool open_queue(const op *o, outcome *out, int flags, mode_t mode,
		       struct mq_attr *attributes)
{
	bool is_open = CALL(mq, mq_open, name_of(o->handle), flags, mode, attributes);

	if (is_open)
		set_handle(o->handle, out->value, NULL);
	return is_open;
}

static struct mq_attr attributes_of(long long messages, long long size)
{
	struct mq_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.mq_maxmsg = (long)messages;
	attributes.mq_msgsize = (long)size;
	return attributes;
}

PERFORM(mq, make)
{
	struct mq_attr attributes = attributes_of(o->n[0], o->n[1]);

	if (open_queue(o, out, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes))
		return;
	if (out->error == EMFILE || out->error == ENOSPC || out->error == ENOMEM)
		skip("no queue can be made: the system's or this user's share is used up");
}

PERFORM(mq, open)
{
	open_queue(o, out, (int)o->n[0], 0, NULL);
}

PERFORM(mq, create)
{
	struct mq_attr attributes = attributes_of(o->n[2], o->n[3]);

	open_queue(o, out, (int)o->n[0] | O_CREAT, (mode_t)o->n[1], &attributes);
}

PERFORM(mq, create_default)
{
	open_queue(o, out, (int)o->n[0] | O_CREAT, (mode_t)o->n[1], NULL);
}

PERFORM(mq, suppose)
{
	outcome_is(out, 0);
	set_handle(o->handle, o->n[0], NULL);
}

PERFORM(mq, close)
{
	CALL(mq, mq_close, queue_of(o));
}

PERFORM(mq, unlink)
{
	CALL(mq, mq_unlink, name_of(o->handle));
}

/* -- sending and receiving -------------------------------------------------------------------- */

PERFORM(mq, send)
{
	CALL(mq, mq_send, queue_of(o), o->bytes, o->size, (unsigned)o->n[0]);
}

PERFORM(mq, send_bytes)
{
	CALL(mq, mq_send, queue_of(o), o->bytes, o->size, (unsigned)o->n[0]);
}

PERFORM(mq, timed_send)
{
	struct timespec deadline = from_now(CLOCK_REALTIME, o->n[1]);

	CALL(mq, mq_timedsend, queue_of(o), o->bytes, o->size, (unsigned)o->n[0], &deadline);
	check_deadline(CLOCK_REALTIME, &deadline, out);
}

PERFORM(mq, timed_send_at)
{
	struct timespec deadline = {(time_t)o->n[0], (long)o->n[1]};

	CALL(mq, mq_timedsend, queue_of(o), o->bytes, o->size, 0, &deadline);
}

/* A buffer, and beyond its size bytes where nobody may write. */
enum { GUARD = 16, ROOM = OUTCOME_BYTES - GUARD };

static void poison(outcome *out, unsigned *priority)
{
	memset(out->bytes, POISON, OUTCOME_BYTES);
	memset(priority, POISON, sizeof(*priority));
}

static void received(outcome *out, size_t size, unsigned priority)
{
	for (size_t i = size; i < size + GUARD; i++)
		must_be(out->bytes[i], POISON);
	if (out->value == -1)
		return;
	must(out->value >= 0 && out->value <= (long long)size);
	outcome_has_bytes(out, (size_t)out->value);
	out->n[0] = priority;
}

static void receive(const op *o, outcome *out, size_t size)
{
	unsigned priority;

	poison(out, &priority);
	CALL(mq, mq_receive, queue_of(o), (char *)out->bytes, size, &priority);
	received(out, size, priority);
}

PERFORM(mq, receive)
{
	receive(o, out, ROOM);
}

PERFORM(mq, receive_room)
{
	receive(o, out, o->n[0] < ROOM ? (size_t)o->n[0] : ROOM);
}

static void timed_receive(const op *o, outcome *out, const struct timespec *deadline)
{
	unsigned priority;

	poison(out, &priority);
	CALL(mq, mq_timedreceive, queue_of(o), (char *)out->bytes, ROOM, &priority, deadline);
	received(out, ROOM, priority);
}

PERFORM(mq, timed_receive)
{
	struct timespec deadline = from_now(CLOCK_REALTIME, o->n[0]);

	timed_receive(o, out, &deadline);
	check_deadline(CLOCK_REALTIME, &deadline, out);
}

PERFORM(mq, timed_receive_at)
{
	struct timespec deadline = {(time_t)o->n[0], (long)o->n[1]};

	timed_receive(o, out, &deadline);
}

/* -- attributes ------------------------------------------------------------------------------- */

static void tell_attributes(outcome *out, const struct mq_attr *attributes)
{
	out->n[MQ_FLAGS] = attributes->mq_flags;
	out->n[MQ_MESSAGES] = attributes->mq_maxmsg;
	out->n[MQ_SIZE] = attributes->mq_msgsize;
	out->n[MQ_CURRENT] = attributes->mq_curmsgs;
}

static bool get_attributes(const op *o, outcome *out)
{
	struct mq_attr attributes;

	memset(&attributes, POISON, sizeof(attributes));
	if (!CALL(mq, mq_getattr, queue_of(o), &attributes))
		return false;
	tell_attributes(out, &attributes);
	return true;
}

PERFORM(mq, attributes)
{
	get_attributes(o, out);
}

PERFORM(mq, count)
{
	if (get_attributes(o, out))
		out->value = out->n[MQ_CURRENT];
}

PERFORM(mq, set_attributes)
{
	struct mq_attr attributes = attributes_of(o->n[1], o->n[2]), old;

	attributes.mq_flags = (long)o->n[0];
	attributes.mq_curmsgs = (long)o->n[3];
	memset(&old, POISON, sizeof(old));
	if (CALL(mq, mq_setattr, queue_of(o), &attributes, &old))
		tell_attributes(out, &old);
}

PERFORM(mq, set_nonblock)
{
	struct mq_attr attributes = attributes_of(0, 0);

	attributes.mq_flags = o->n[0] ? O_NONBLOCK : 0;
	CALL(mq, mq_setattr, queue_of(o), &attributes, NULL);
}

/* -- notification ----------------------------------------------------------------------------- */

static void notify(const op *o, outcome *out, int how, int signal, int value)
{
	struct sigevent event;

	memset(&event, 0, sizeof(event));
	event.sigev_notify = how;
	event.sigev_signo = signal;
	event.sigev_value.sival_int = value;
	CALL(mq, mq_notify, queue_of(o), &event);
	memset(&event, POISON, sizeof(event)); /* nobody looks at it later */
}

PERFORM(mq, notify_signal)
{
	notify(o, out, SIGEV_SIGNAL, (int)o->n[0], (int)o->n[1]);
}

PERFORM(mq, notify_none)
{
	notify(o, out, SIGEV_NONE, 0, 0);
}

PERFORM(mq, notify)
{
	notify(o, out, (int)o->n[0], (int)o->n[1], 0);
}

PERFORM(mq, notify_remove)
{
	CALL(mq, mq_notify, queue_of(o), NULL);
}

/* -- limits ----------------------------------------------------------------------------------- */

PERFORM(mq, priority_limit)
{
	CALL(mq, priority_limit, );
}

PERFORM(mq, limit_bytes)
{
	CALL(mq, limit_bytes, o->n[0]);
}
