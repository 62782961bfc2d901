/* SPDX-License-Identifier: MIT */
/* epoll: levels and edges, who is told, and what it refuses. */
#include <string.h>

#include "stage/story.h"

TEST(event, level_is_told_until_it_ends)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN));
	does_give(a, event.wait("e", 4, 0), "");
	does(a, fd.write("p:w", "xyz"));
	for (int i = 0; i < 3; i++) {
		does_give(a, event.wait("e", 4, -1), "p:r IN");
		does(a, fd.read("p:r", 1));
	}
	does_give(a, event.wait("e", 4, 0), "");
}

TEST(event, edge_is_told_once)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN | EPOLLET));
	does_give(a, event.wait("e", 4, 0), "");
	does(a, fd.write("p:w", "xyz"));
	does_give(a, event.wait("e", 4, -1), "p:r IN");
	does_give(a, event.wait("e", 4, 0), "");
	does_give(a, fd.read("p:r", 1), "x");
	does_give(a, event.wait("e", 4, 0), "");
	does(a, fd.close("p:w"));
	does_give(a, event.wait("e", 4, -1), "p:r IN HUP");
	does_give(a, event.wait("e", 4, 0), "");
}

enum { A_PIPE, A_FIFO, A_STREAM, A_DATAGRAM, A_COUNTER };

static const struct written {
	const char *name;
	int kind;
} writtens[] = {
	{"pipe", A_PIPE},	  {"fifo", A_FIFO},	  {"stream", A_STREAM},
	{"datagram", A_DATAGRAM}, {"counter", A_COUNTER},
};

static void make(actor *a, int kind)
{
	switch (kind) {
	case A_PIPE:
		does(a, pipes.make("x"));
		break;
	case A_FIFO:
		does(a, fifo.make("x"));
		does(a, fifo.open("x:r", O_RDONLY | O_NONBLOCK));
		does(a, fifo.open("x:w", O_WRONLY));
		break;
	case A_COUNTER:
		does(a, event.counter("x:r", 0, 0));
		does(a, fd.dup("x:r", "x:w"));
		break;
	default:
		does(a, event.pair("x", kind == A_STREAM ? SOCK_STREAM : SOCK_DGRAM));
		break;
	}
}

TEST_EACH(event, every_write_is_an_edge, writtens)
{
	actor *a = cast("alice");

	make(a, row->kind);
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "x:r", EPOLLIN | EPOLLET));
	does_give(a, event.wait("e", 4, 0), "");
	for (int i = 0; i < 3; i++) {
		does(a, event.add("x:w", 1));
		does_give(a, event.wait("e", 4, 0), "x:r IN");
		does_give(a, event.wait("e", 4, 0), "");
	}
}

static const struct trigger {
	const char *name;
	unsigned flags;
} triggers[] = {{"level", 0}, {"edge", EPOLLET}, {"oneshot", EPOLLONESHOT}};

TEST_EACH(event, what_is_ready_is_told_when_added, triggers)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN | row->flags));
	does_give(a, event.wait("e", 4, 0), "p:r IN");
	does(a, event.rewatch("e", "p:r", EPOLLIN | row->flags));
	does_give(a, event.wait("e", 4, 0), "p:r IN");
	does(a, event.rewatch("e", "p:r", EPOLLPRI | row->flags));
	does_give(a, event.wait("e", 4, 0), "");
	does(a, event.rewatch("e", "p:r", EPOLLIN | row->flags));
	does_give(a, event.wait("e", 4, 0), "p:r IN");
}

TEST(event, oneshot_is_told_once)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN | EPOLLONESHOT));
	does(a, fd.write("p:w", "x"));
	does_give(a, event.wait("e", 4, -1), "p:r IN");
	does(a, fd.write("p:w", "x"));
	does_give(a, event.wait("e", 4, 0), "");
	does(a, fd.close("p:w"));
	does_give(a, event.wait("e", 4, 0), "");
	does(a, event.rewatch("e", "p:r", EPOLLIN | EPOLLONESHOT));
	does_give(a, event.wait("e", 4, -1), "p:r IN HUP");
	does_give(a, event.wait("e", 4, 0), "");
}

/* -- who is told --------------------------------------------------------------------------------
 */

/* Counts, in a word of the story, who was told. */
static long long wait_and_tell(const char *text, const long long *n)
{
	struct epoll_event events[4];

	must_be(impl->event->epoll_wait(handle_fd(text), events, 4, -1), 1);
	shared()[n[0]] = 1;
	shared()[0]++;
	return 0;
}

#ifndef EPOLLEXCLUSIVE
#define EPOLLEXCLUSIVE (1u << 28)
#endif

TEST(event, exclusive_wakes_at_least_one)
{
	actor *writer = cast("writer"), *waiters[3];
	static const char *const names[] = {"alice", "bob", "carol"};

	does(writer, pipes.make("p"));
	for (int i = 0; i < 3; i++) {
		waiters[i] = forks(writer, names[i]);
		does(waiters[i], event.epoll("e", 0));
		begin(waiters[i], event.watch("e", "p:r", EPOLLIN | EPOLLEXCLUSIVE));
		returns(waiters[i]);
		if (outcome_of(waiters[i])->error == EINVAL)
			skip("no EPOLLEXCLUSIVE here");
		must_be(outcome_of(waiters[i])->value, 0);
		begin(waiters[i], call(wait_and_tell, "e", i + 1, 0, 0));
		blocks(waiters[i]);
	}
	does(writer, fd.write("p:w", "x"));
	awaits(&shared()[0], 1);
	for (int i = 0; i < 3; i++)
		if (shared()[i + 1])
			succeeds(waiters[i]);
		else
			dies(waiters[i]);
}

TEST(event, edge_wakes_one_waiter)
{
	actor *writer = cast("writer"), *waiters[2];

	does(writer, pipes.make("p"));
	does(writer, event.epoll("e", 0));
	does(writer, event.watch("e", "p:r", EPOLLIN | EPOLLET));
	for (int i = 0; i < 2; i++) {
		waiters[i] = forks(writer, i ? "bob" : "alice");
		begin(waiters[i], call(wait_and_tell, "e", i + 1, 0, 0));
		blocks(waiters[i]);
	}
	does(writer, fd.write("p:w", "x"));
	awaits(&shared()[0], 1);
	int first = shared()[1] ? 0 : 1;
	succeeds(waiters[first]);
	blocks(waiters[1 - first]);
	does(writer, fd.write("p:w", "x"));
	succeeds(waiters[1 - first]);
}

TEST(event, epoll_watches_epoll)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, event.epoll("inner", 0));
	does(a, event.epoll("outer", 0));
	does(a, event.watch("outer", "inner", EPOLLIN));
	does(a, event.watch("inner", "p:r", EPOLLIN));
	actor *writer = forks(a, "writer");
	does_give(a, event.wait("outer", 4, 0), "");
	begin(a, event.wait("outer", 4, -1));
	blocks(a);
	does(writer, fd.write("p:w", "x"));
	gives(a, "inner IN");
	does_give(a, event.wait("outer", 4, 0), "inner IN");
	does_give(a, event.wait("inner", 4, 0), "p:r IN");
	does_give(a, fd.read("p:r", 1), "x");
	does_give(a, event.wait("outer", 4, 0), "");
}

TEST_VARIANT(event, epoll_watches_epoll, by_edges)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, event.epoll("inner", 0));
	does(a, event.epoll("outer", 0));
	does(a, event.watch("inner", "p:r", EPOLLIN));
	does(a, event.watch("outer", "inner", EPOLLIN | EPOLLET));
	does(a, fd.write("p:w", "x"));
	does_give(a, event.wait("outer", 4, -1), "inner IN");
	does_give(a, event.wait("outer", 4, 0), "");
	does_give(a, event.wait("inner", 4, 0), "p:r IN");
}

/* -- refusals -----------------------------------------------------------------------------------
 */

TEST(event, epoll_refuses_loops)
{
	actor *a = cast("alice");

	does(a, event.epoll("e", 0));
	does(a, event.epoll("f", 0));
	does_fail(a, event.watch("e", "e", EPOLLIN), EINVAL);
	does(a, event.watch("e", "f", EPOLLIN));
	does_fail(a, event.watch("f", "e", EPOLLIN), ELOOP);
	does_give(a, event.wait("f", 4, 0), "");
}

static op watch_again(void)
{
	return event.watch("e", "p:r", EPOLLIN);
}

static op rewatch_unknown(void)
{
	return event.rewatch("e", "p:w", EPOLLOUT);
}

static op unwatch_unknown(void)
{
	return event.unwatch("e", "p:w");
}

static op watch_closed(void)
{
	return event.watch("e", "q:r", EPOLLIN);
}

static op watch_with_closed(void)
{
	return event.watch("q:r", "p:w", EPOLLOUT);
}

static op watch_with_pipe(void)
{
	return event.watch("p:r", "p:w", EPOLLOUT);
}

static op wait_for_none(void)
{
	return event.wait("e", 0, 0);
}

static op wait_for_less(void)
{
	return event.wait("e", -1, 0);
}

static op wait_with_pipe(void)
{
	return event.wait("p:r", 4, 0);
}

static op wait_with_closed(void)
{
	return event.wait("q:r", 4, 0);
}

static op make_with_unknown_flag(void)
{
	return event.epoll("x", 1);
}

static long long control_unknown(const char *text, const long long *n)
{
	struct epoll_event watched = {.events = EPOLLIN};

	(void)n;
	return impl->event->epoll_ctl(handle_fd(text), 77, handle_fd("p:r"), &watched);
}

static op unknown_operation(void)
{
	return call(control_unknown, "e", 0, 0, 0);
}

static const struct refusal {
	const char *name;
	op (*operation)(void);
	int error;
} refusals[] = {
	{"add-twice", watch_again, EEXIST},
	{"change-unknown", rewatch_unknown, ENOENT},
	{"remove-unknown", unwatch_unknown, ENOENT},
	{"add-closed", watch_closed, EBADF},
	{"add-to-closed", watch_with_closed, EBADF},
	{"add-to-a-pipe", watch_with_pipe, EINVAL},
	{"wait-for-0-events", wait_for_none, EINVAL},
	{"wait-for-negative-events", wait_for_less, EINVAL},
	{"wait-at-a-pipe", wait_with_pipe, EINVAL},
	{"wait-at-closed", wait_with_closed, EBADF},
	{"unknown-flag", make_with_unknown_flag, EINVAL},
	{"unknown-operation", unknown_operation, EINVAL},
};

TEST_EACH(event, epoll_errors, refusals)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN));
	does(a, fd.close("q:r"));
	does_fail(a, row->operation(), row->error);
	does(a, fd.write("p:w", "x"));
	does_give(a, event.wait("e", 4, 0), "p:r IN");
}

/* A file, or the directory it is in. */
static long long open_file(const char *text, const long long *n)
{
	int file = impl->fifo->open(path_of(text), O_RDWR | O_CREAT, 0600);
	int directory = impl->fifo->open(".", O_RDONLY | O_DIRECTORY, 0);

	(void)n;
	must(file >= 0 && directory >= 0);
	set_handle("file", file, NULL);
	set_handle("dir", directory, NULL);
	return 0;
}

TEST(event, epoll_does_not_watch_files)
{
	actor *a = cast("alice");

	does(a, call(open_file, "file", 0, 0, 0));
	does(a, event.epoll("e", 0));
	does_fail(a, event.watch("e", "file", EPOLLIN), EPERM);
	does_fail(a, event.watch("e", "dir", EPOLLIN), EPERM);
	does_give(a, event.wait("e", 4, 0), "");
}
