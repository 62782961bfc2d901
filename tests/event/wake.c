/* SPDX-License-Identifier: MIT */
/* Who waits for readiness, and what wakes whom. */
#include <stdio.h>

#include "stage/story.h"

enum { CROWD_MAX = 27 };

/*
 * Somebody waits for the bits of x:r or x:w and a peer, its child, does one thing.  Steps are
 * letters: to make (P pipe, S sockets, F FIFO open for reading, C counter of 0, M full counter,
 * f fill x:w), of the two alone (r, W: close an end), and the peer's deed besides those:
 * w write a byte, d drain, o open the FIFO and write, 1 add, t take, h shut down, x die.
 */
static const struct cause {
	const char *name, *made, *alone, *peers, *deed, *handle;
	int asked, told;
} causes[] = {
	{"data-in-a-pipe", "P", "W", "", "w", "x:r", POLLIN, POLLIN},
	{"writer-closes", "P", "W", "", "W", "x:r", POLLIN, POLLHUP},
	{"writer-dies", "P", "W", "", "x", "x:r", POLLIN, POLLHUP},
	{"room-in-a-pipe", "Pf", "r", "", "d", "x:w", POLLOUT, POLLOUT},
	{"reader-closes", "Pf", "r", "", "r", "x:w", POLLOUT, POLLERR},
	{"reader-dies", "Pf", "r", "", "x", "x:w", POLLOUT, POLLERR},
	{"fifo-writer-comes", "F", "", "", "o", "x:r", POLLIN, POLLIN},
	{"data-in-a-stream", "S", "W", "r", "w", "x:r", POLLIN, POLLIN},
	{"stream-peer-closes", "S", "W", "r", "W", "x:r", POLLIN, POLLIN | POLLHUP},
	{"stream-peer-dies", "S", "W", "r", "x", "x:r", POLLIN, POLLIN | POLLHUP},
	{"stream-peer-shuts-down", "S", "W", "r", "h", "x:r", POLLIN, POLLIN},
	{"room-in-a-stream", "Sf", "r", "", "d", "x:w", POLLOUT, POLLOUT},
	{"counter-is-added-to", "C", "", "", "1", "x:r", POLLIN, POLLIN},
	{"counter-is-taken", "M", "", "", "t", "x:r", POLLOUT, POLLOUT},
};

static op step(char letter)
{
	switch (letter) {
	case 'P':
		return pipes.make("x");
	case 'S':
		return event.pair("x", SOCK_STREAM);
	case 'C':
		return event.counter("x:r", 0, 0);
	case 'M':
		return event.counter("x:r", 0, 0);
	case 'f':
		return fd.fill("x:w", 512);
	case 'r':
		return fd.close("x:r");
	case 'W':
		return fd.close("x:w");
	case 'w':
		return fd.write("x:w", "x");
	case 'd':
		return fd.drain("x:r");
	case '1':
		return event.add("x:r", 1);
	case 't':
		return event.take("x:r");
	default:
		return event.shutdown("x:w", SHUT_WR);
	}
}

static void take_steps(actor *a, const char *steps)
{
	for (; *steps; steps++) {
		if (*steps == 'F') {
			does(a, fifo.make("x"));
			does(a, fifo.open("x:r", O_RDONLY | O_NONBLOCK));
		} else if (*steps == 'o') {
			does(a, fifo.open("x:w", O_WRONLY));
			does(a, fd.write("x:w", "x"));
		} else if (*steps == 'x') {
			dies(a);
		} else {
			does(a, step(*steps));
		}
		if (*steps == 'M')
			does(a, event.add("x:r", UINT64_MAX - 1));
	}
}

static actor *peer_of(actor *a, const struct cause *row)
{
	take_steps(a, row->made);
	actor *peer = forks(a, "peer");
	take_steps(a, row->alone);
	take_steps(peer, row->peers);
	return peer;
}

TEST_EACH(event, poll_is_woken, causes)
{
	actor *a = cast("poller"), *peer = peer_of(a, row);

	begin(a, fd.poll(row->handle, row->asked, -1));
	blocks(a);
	take_steps(peer, row->deed);
	gives(a, row->told);
}

TEST_EACH(event, select_is_woken, causes)
{
	actor *a = cast("poller"), *peer = peer_of(a, row);

	begin(a, event.select(row->handle, row->asked, -1));
	blocks(a);
	take_steps(peer, row->deed);
	gives(a, row->asked);
}

/* As event.wait tells it. */
static const char *told(const struct cause *row)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%s%s%s%s", row->handle, row->told & POLLIN ? " IN" : "",
		 row->told & POLLOUT ? " OUT" : "", row->told & POLLERR ? " ERR" : "",
		 row->told & POLLHUP ? " HUP" : "");
	return text;
}

static void epoll_wakes(const struct cause *row, unsigned flags)
{
	actor *a = cast("poller"), *peer = peer_of(a, row);

	does(a, event.epoll("e", 0));
	does(a, event.watch("e", row->handle, (unsigned)row->asked | flags));
	begin(a, event.wait("e", 4, -1));
	blocks(a);
	take_steps(peer, row->deed);
	gives(a, told(row));
}

TEST_EACH(event, epoll_is_woken, causes)
{
	epoll_wakes(row, 0);
}

TEST_EACH(event, edge_is_told_of_each_cause, causes)
{
	epoll_wakes(row, EPOLLET);
}

TEST_VARIANT(event, poll_is_woken, by_the_end_of_a_process)
{
	actor *a = cast("poller"), *child = forks(a, "child");

	does(a, sig.pidfd("z", pid_of(child), 0));
	begin(a, fd.poll("z", POLLIN, -1));
	blocks(a);
	dies(child);
	gives(a, POLLIN);
}

TEST_VARIANT(event, poll_is_woken, by_a_timer)
{
	actor *a = cast("poller");

	does(a, event.timer("t", 0));
	actor *other = forks(a, "other");
	begin(a, fd.poll("t", POLLIN, -1));
	blocks(a);
	does(other, event.arm("t", 5, 0));
	gives(a, POLLIN);
}

/* Nothing is asked for, so that only HUP and ERR can come. */
TEST(event, errors_are_told_unasked)
{
	actor *a = cast("poller");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	actor *peer = forks(a, "peer");
	does(a, fd.close("p:w"));
	does(a, fd.close("q:r"));
	begin(a, event.poll("p:r, q:w", -1));
	blocks(a);
	does(peer, fd.write("p:w", "data that nobody asked for"));
	blocks(a);
	does(peer, fd.close("p:w"));
	gives(a, "p:r HUP");
	does(peer, fd.close("q:r"));
	does_give(a, event.poll("p:r, q:w", -1), "p:r HUP, q:w ERR");
}

/* Everybody that polls is told; which of them reads what is another matter. */
static const struct crowd {
	const char *name;
	int count;
} crowds[] = {{"2", 2}, {"10", 10}, {"27", 27}};

TEST_EACH(event, every_poller_is_woken, crowds)
{
	actor *writer = cast("writer"), *pollers[CROWD_MAX];
	char name[24];

	does(writer, pipes.make("p"));
	for (int i = 0; i < row->count; i++) {
		snprintf(name, sizeof(name), "poller%d", i + 1);
		pollers[i] = forks(writer, name);
		begin(pollers[i], fd.poll("p:r", POLLIN, -1));
	}
	for (int i = 0; i < row->count; i++)
		blocks(pollers[i]);
	does(writer, fd.write("p:w", "x"));
	for (int i = 0; i < row->count; i++)
		gives(pollers[i], POLLIN);
}

TEST(event, growing_wakes_the_poller)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	actor *poller = forks(a, "poller");
	does(a, pipes.capacity("p:w"));
	long capacity = (long)outcome_of(a)->value;
	does(a, fd.fill("p:w", 512));
	begin(poller, fd.poll("p:w", POLLOUT, -1));
	blocks(poller);
	begin(a, pipes.set_capacity("p:r", 2 * capacity));
	returns(a);
	if (outcome_of(a)->value == -1 && outcome_of(a)->error == EPERM)
		skip("this user may not have a pipe of %ld bytes", 2 * capacity);
	gives(poller, POLLOUT);
}
