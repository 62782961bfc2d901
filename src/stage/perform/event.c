/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage/perform.h"

/* -- what is ready, as text ---------------------------------------------------------------------
 */

static const struct bit {
	const char *name;
	unsigned bit;
} bits[] = {
	{"IN", POLLIN},	  {"PRI", POLLPRI}, {"OUT", POLLOUT},	{"RDHUP", POLLRDHUP},
	{"ERR", POLLERR}, {"HUP", POLLHUP}, {"NVAL", POLLNVAL},
};

enum { BITS = sizeof(bits) / sizeof(bits[0]), READY_MAX = 16, TEXT = HANDLE_MAX + 48 };

/* One that is ready: its name, and its text. */
struct ready {
	char text[TEXT];
};

static struct ready ready_of(const char *name, unsigned events)
{
	struct ready ready;
	int used = snprintf(ready.text, sizeof(ready.text), "%s", name);

	for (int i = 0; i < BITS; i++)
		if (events & bits[i].bit)
			used += snprintf(ready.text + used, sizeof(ready.text) - (size_t)used,
					 " %s", bits[i].name);
	return ready;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct ready *)a)->text, ((const struct ready *)b)->text);
}

static void tell_ready(outcome *out, struct ready *ready, int count)
{
	char *text = (char *)out->bytes;
	size_t used = 0;

	qsort(ready, (size_t)count, sizeof(*ready), by_text);
	for (int i = 0; i < count; i++)
		used += (size_t)sprintf(text + used, "%s%s", i ? ", " : "", ready[i].text);
	outcome_has_bytes(out, used);
}

static unsigned bit_of(const char *name, size_t size)
{
	for (int i = 0; i < BITS; i++)
		if (strlen(bits[i].name) == size && strncmp(bits[i].name, name, size) == 0)
			return bits[i].bit;
	return 0;
}

/* "p:r IN OUT, q:w": the names, and what is asked of them. */
static int parse(const char *list, size_t size, char names[][HANDLE_MAX], struct pollfd *polled)
{
	const char *end = list + size;
	int count = 0;
	bool named = false;

	memset(polled, POISON, READY_MAX * sizeof(*polled));
	while (list < end) {
		size_t word = strcspn(list, " ,");

		if (!named) {
			must(count < READY_MAX);
			snprintf(names[count], HANDLE_MAX, "%.*s", (int)word, list);
			polled[count].fd = handle_fd(names[count]);
			polled[count++].events = 0;
			named = true;
		} else {
			polled[count - 1].events |= (short)bit_of(list, word);
		}
		list += word;
		named = named && *list != ',';
		list += strspn(list, " ,");
	}
	return count;
}

PERFORM(event, poll)
{
	char names[READY_MAX][HANDLE_MAX];
	struct pollfd polled[READY_MAX];
	struct ready ready[READY_MAX];
	int found = 0, count = parse(o->bytes, o->size, names, polled);

	if (!CALL(fd, poll, polled, (nfds_t)count, (int)o->n[0]))
		return;
	for (int i = 0; i < count; i++)
		if (polled[i].revents)
			ready[found++] = ready_of(names[i], (unsigned)polled[i].revents);
	must_be(out->value, found);
	tell_ready(out, ready, found);
}

PERFORM(event, select)
{
	int fd = handle_fd(o->handle);
	static const int asked[3] = {POLLIN, POLLOUT, POLLPRI};
	struct timeval time = {o->n[1] / 1000, o->n[1] % 1000 * 1000};
	fd_set sets[3];
	int events = 0, count = 0;

	must(fd < FD_SETSIZE);
	for (int i = 0; i < 3; i++) {
		FD_ZERO(&sets[i]);
		if (o->n[0] & asked[i])
			FD_SET(fd, &sets[i]);
	}
	if (!CALL(event, select, fd + 1, &sets[0], &sets[1], &sets[2], o->n[1] < 0 ? NULL : &time))
		return;
	for (int i = 0; i < 3; i++)
		if (FD_ISSET(fd, &sets[i])) {
			events |= asked[i];
			count++;
		}
	must_be(out->value, count);
	out->n[0] = out->value = events;
}

/* -- epoll: what is watched is remembered as its name -------------------------------------------
 */

static void control(const op *o, outcome *out, int operation)
{
	struct epoll_event event = {.events = (uint32_t)o->n[0]};

	must(strlen(o->other) <= sizeof(event.data));
	memcpy(&event.data, o->other, strlen(o->other));
	CALL(event, epoll_ctl, handle_fd(o->handle), operation, handle_fd(o->other), &event);
}

PERFORM(event, epoll)
{
	if (CALL(event, epoll_create1, (int)o->n[0]))
		set_handle(o->handle, out->value, NULL);
}

PERFORM(event, watch)
{
	control(o, out, EPOLL_CTL_ADD);
}

PERFORM(event, rewatch)
{
	control(o, out, EPOLL_CTL_MOD);
}

PERFORM(event, unwatch)
{
	control(o, out, EPOLL_CTL_DEL);
}

PERFORM(event, wait)
{
	struct epoll_event events[READY_MAX];
	struct ready ready[READY_MAX];
	int at_most = (int)o->n[0];

	memset(events, POISON, sizeof(events));
	if (!CALL(event, epoll_wait, handle_fd(o->handle), events, at_most, (int)o->n[1]))
		return;
	must(out->value <= at_most);
	for (int i = 0; i < out->value; i++) {
		char name[sizeof(events[i].data) + 1] = "";

		memcpy(name, &events[i].data, sizeof(events[i].data));
		ready[i] = ready_of(name, events[i].events);
	}
	tell_ready(out, ready, (int)out->value);
}

/* -- counters, timers, processes, sockets -------------------------------------------------------
 */

PERFORM(event, counter)
{
	if (CALL(event, eventfd, (unsigned)o->n[0], (int)o->n[1]))
		set_handle(o->handle, out->value, NULL);
}

PERFORM(event, add)
{
	uint64_t count = (uint64_t)o->n[0];

	CALL(fd, write, handle_fd(o->handle), &count, sizeof(count));
}

PERFORM(event, take)
{
	uint64_t count;

	memset(&count, POISON, sizeof(count));
	if (CALL(fd, read, handle_fd(o->handle), &count, sizeof(count))) {
		must_be(out->value, sizeof(count));
		out->value = (long long)count;
	}
}

PERFORM(event, timer)
{
	if (CALL(event, timerfd_create, CLOCK_MONOTONIC, (int)o->n[0]))
		set_handle(o->handle, out->value, NULL);
}

static struct timespec timespec_of(long long milliseconds)
{
	return (struct timespec){.tv_sec = milliseconds / 1000,
				 .tv_nsec = milliseconds % 1000 * 1000000};
}

static long long milliseconds_of(const struct timespec *time)
{
	return (long long)time->tv_sec * 1000 + (time->tv_nsec + 999999) / 1000000;
}

PERFORM(event, arm)
{
	struct itimerspec value = {timespec_of(o->n[1]), timespec_of(o->n[0])};

	CALL(event, timerfd_settime, handle_fd(o->handle), 0, &value, NULL);
}

PERFORM(event, time_left)
{
	struct itimerspec value;

	memset(&value, POISON, sizeof(value));
	if (CALL(event, timerfd_gettime, handle_fd(o->handle), &value)) {
		out->n[0] = out->value = milliseconds_of(&value.it_value);
		out->n[1] = milliseconds_of(&value.it_interval);
	}
}

PERFORM(event, pair)
{
	char end[HANDLE_MAX + 2];
	int ends[2] = {-1, -1};

	if (!CALL(event, socketpair, AF_UNIX, (int)o->n[0], 0, ends))
		return;
	snprintf(end, sizeof(end), "%s:r", o->handle);
	set_handle(end, ends[0], NULL);
	snprintf(end, sizeof(end), "%s:w", o->handle);
	set_handle(end, ends[1], NULL);
}

PERFORM(event, shutdown)
{
	CALL(event, shutdown, handle_fd(o->handle), (int)o->n[0]);
}
