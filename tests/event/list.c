/* SPDX-License-Identifier: MIT */
/* What is watched by an epoll: descriptors that come, go, are closed, duplicated and nested. */
#include <string.h>
#include <sys/mman.h>

#include "stage/story.h"

#ifndef EPOLLEXCLUSIVE
#define EPOLLEXCLUSIVE (1u << 28)
#endif

TEST(event, closed_descriptor_is_no_longer_watched)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.dup("p:r", "p:r2"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN));
	does(a, fd.write("p:w", "x"));
	does(a, fd.close("p:r"));
	does_give(a, event.wait("e", 4, 0), "p:r IN");
	does(a, fd.close("p:r2"));
	does_give(a, event.wait("e", 4, 0), "");
}

TEST_VARIANT(event, closed_descriptor_is_no_longer_watched, in_a_child)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN));
	actor *child = forks(a, "child");
	does(a, fd.write("p:w", "x"));
	does(a, fd.close("p:r"));
	does_give(a, event.wait("e", 4, 0), "p:r IN");
	dies(child);
	does_give(a, event.wait("e", 4, 0), "");
}

TEST(event, unwatched_is_not_told)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN));
	does(a, fd.write("p:w", "x"));
	does(a, event.unwatch("e", "p:r"));
	does_give(a, event.wait("e", 4, 0), "");
	does(a, event.watch("e", "p:r", EPOLLIN));
	does_give(a, event.wait("e", 4, 0), "p:r IN");
}

static long long watch_with_data(const char *text, const long long *n)
{
	struct epoll_event watched = {.events = EPOLLIN}, events[3];
	struct epoll_event untouched;
	int e = handle_fd(text);

	(void)n;
	watched.data.u64 = 0x8877665544332211;
	must_be(impl->event->epoll_ctl(e, EPOLL_CTL_ADD, handle_fd("p:r"), &watched), 0);
	memset(events, 0xEE, sizeof(events));
	memset(&untouched, 0xEE, sizeof(untouched));
	must_be(impl->event->epoll_wait(e, events, 3, 0), 1);
	must_be(events[0].events, EPOLLIN);
	must(events[0].data.u64 == 0x8877665544332211);
	must(memcmp(&events[1], &untouched, sizeof(untouched)) == 0);
	return 0;
}

TEST(event, users_data_comes_back)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	does(a, event.epoll("e", 0));
	does(a, call(watch_with_data, "e", 0, 0, 0));
}

TEST(event, ready_ones_take_turns)
{
	actor *a = cast("alice");
	static const char *const names[] = {"p", "q", "r"};
	bool told[3] = {false};

	does(a, event.epoll("e", 0));
	for (int i = 0; i < 3; i++) {
		does(a, event.counter(names[i], 1, 0));
		does(a, event.watch("e", names[i], EPOLLIN));
	}
	for (int i = 0; i < 3; i++) {
		does(a, event.wait("e", 1, 0));
		must_be(outcome_of(a)->size, 4);
		told[outcome_of(a)->bytes[0] - 'p'] = true;
	}
	must(told[0] && told[1] && told[2]);
	does_give(a, event.wait("e", 4, 0), "p IN, q IN, r IN");
}

TEST(event, added_while_waiting_is_told)
{
	actor *a = cast("alice");

	does(a, event.epoll("e", 0));
	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	actor *thread = cast_thread(a, "thread");
	begin(a, event.wait("e", 4, -1));
	blocks(a);
	does(thread, event.watch("e", "p:r", EPOLLIN));
	gives(a, "p:r IN");
}

TEST(event, epoll_is_inherited)
{
	actor *parent = cast("parent");

	does(parent, pipes.make("p"));
	does(parent, event.epoll("e", 0));
	does(parent, event.epoll("x", EPOLL_CLOEXEC));
	does(parent, event.watch("e", "p:r", EPOLLIN));
	actor *child = forks(parent, "child");
	does(parent, fd.write("p:w", "x"));
	does_give(child, event.wait("e", 4, 0), "p:r IN");
	execs(child);
	does_give(child, event.wait("e", 4, 0), "p:r IN");
	does_give(child, fd.is_open("x"), 0);
	does(child, event.unwatch("e", "p:r"));
	does_give(parent, event.wait("e", 4, 0), "");
}

enum { PIPES = 3, WRITES = 1500 };

static long long write_singly(const char *end, const long long *n)
{
	(void)n;
	for (int i = 0; i < WRITES; i++)
		must_be(impl->fd->write(handle_fd(end), "x", 1), 1);
	return 0;
}

/* Drains the ready ones at every edge, until all is there. */
static long long drain_at_edges(const char *text, const long long *n)
{
	long long sum = 0;

	while (sum < n[0]) {
		struct epoll_event events[2];
		int ready = impl->event->epoll_wait(handle_fd(text), events, 2, -1);

		must(ready > 0);
		for (int i = 0; i < ready; i++) {
			char name[sizeof(events[i].data) + 1] = "", bytes[64];
			ssize_t size;

			memcpy(name, &events[i].data, sizeof(events[i].data));
			while ((size = impl->fd->read(handle_fd(name), bytes, sizeof(bytes))) > 0)
				sum += size;
			must(size == -1 && errno == EAGAIN);
		}
	}
	return sum;
}

TEST(event, no_edge_is_lost)
{
	actor *reader = cast("reader"), *writers[PIPES];
	static const char *const names[] = {"p", "q", "r"};
	static const char *const reads[] = {"p:r", "q:r", "r:r"};
	static const char *const writes[] = {"p:w", "q:w", "r:w"};

	does(reader, event.epoll("e", 0));
	for (int i = 0; i < PIPES; i++) {
		does(reader, pipes.make_with(names[i], O_NONBLOCK));
		does(reader, fd.set_flags(writes[i], 0));
		does(reader, event.watch("e", reads[i], EPOLLIN | EPOLLET));
	}
	for (int i = 0; i < PIPES; i++)
		writers[i] = forks(reader, writes[i]);
	begin(reader, call(drain_at_edges, "e", PIPES * WRITES, 0, 0));
	for (int i = 0; i < PIPES; i++)
		begin(writers[i], call(write_singly, writes[i], 0, 0, 0));
	for (int i = 0; i < PIPES; i++)
		succeeds(writers[i]);
	gives(reader, PIPES * WRITES);
}

TEST(event, epoll_tells_errors_unasked)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", 0));
	does(a, event.watch("e", "q:w", 0));
	actor *peer = forks(a, "peer");
	does(a, fd.close("p:w"));
	does(a, fd.close("q:r"));
	begin(a, event.wait("e", 4, -1));
	blocks(a);
	does(peer, fd.write("p:w", "data that nobody asked for"));
	blocks(a);
	does(peer, fd.close("p:w"));
	gives(a, "p:r HUP");
	does(peer, fd.close("q:r"));
	does_give(a, event.wait("e", 4, -1), "p:r HUP, q:w ERR");
}

TEST(event, duplicate_can_be_watched_too)
{
	actor *a = cast("alice");

	does(a, event.pair("s", SOCK_STREAM));
	does(a, fd.dup("s:r", "d"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "s:r", EPOLLIN));
	does(a, event.watch("e", "d", EPOLLOUT));
	does_give(a, event.wait("e", 4, 0), "d OUT");
	does(a, fd.write("s:w", "x"));
	does_give(a, event.wait("e", 4, 0), "d OUT, s:r IN");
	does(a, event.unwatch("e", "d"));
	does_give(a, event.wait("e", 4, 0), "s:r IN");
}

TEST(event, two_epolls_are_both_told)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	actor *b = forks(a, "bob");
	does(a, event.epoll("e", 0));
	does(b, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN));
	does(b, event.watch("e", "p:r", EPOLLIN | EPOLLET));
	actor *writer = forks(a, "writer");
	begin(a, event.wait("e", 4, -1));
	begin(b, event.wait("e", 4, -1));
	blocks(a);
	blocks(b);
	does(writer, fd.write("p:w", "x"));
	gives(a, "p:r IN");
	gives(b, "p:r IN");
}

/* The counter takes the number of the end that was closed. */
TEST(event, reused_number_is_another)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN));
	does(a, fd.close("p:r"));
	does(a, event.counter("c", 1, 0));
	does(a, fd.dup_onto("c", "p:r"));
	does_give(a, event.wait("e", 4, 0), "");
	does_fail(a, event.unwatch("e", "p:r"), ENOENT);
	does(a, event.watch("e", "p:r", EPOLLIN));
	does_give(a, event.wait("e", 4, 0), "p:r IN");
	does_give(a, event.take("p:r"), 1);
}

static long long remove_without_event(const char *text, const long long *n)
{
	(void)n;
	return impl->event->epoll_ctl(handle_fd(text), EPOLL_CTL_DEL, handle_fd("p:r"), NULL);
}

TEST(event, removal_needs_no_event)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN));
	does(a, call(remove_without_event, "e", 0, 0, 0));
	does_give(a, event.wait("e", 4, 0), "");
}

/* A page that may not be touched. */
static long long wait_nowhere(const char *text, const long long *n)
{
	void *nowhere = impl->shm->mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)n;
	must(nowhere != MAP_FAILED);
	return impl->event->epoll_wait(handle_fd(text), nowhere, 4, 0);
}

TEST(event, bad_place_for_events_is_refused)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	does(a, event.epoll("e", 0));
	does(a, event.watch("e", "p:r", EPOLLIN));
	does_fail(a, call(wait_nowhere, "e", 0, 0, 0), EFAULT);
	does_give(a, event.wait("e", 4, 0), "p:r IN");
}

TEST(event, nesting_has_a_depth)
{
	static const char *const names[] = {"e1", "e2", "e3", "e4", "e5", "e6"};
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, event.epoll("e1", 0));
	does(a, event.watch("e1", "p:r", EPOLLIN));
	for (int i = 1; i < 5; i++) {
		does(a, event.epoll(names[i], 0));
		does(a, event.watch(names[i], names[i - 1], EPOLLIN));
	}
	does(a, event.epoll(names[5], 0));
	does_fail(a, event.watch(names[5], names[4], EPOLLIN), ELOOP);
	does_give(a, event.wait("e5", 4, 0), "");
	does(a, fd.write("p:w", "x"));
	does_give(a, event.wait("e5", 4, -1), "e4 IN");
	does_give(a, fd.read("p:r", 1), "x");
	does_give(a, event.wait("e5", 4, 0), "");
}

/* What is watched, by which change, and with what. */
static const struct limit {
	const char *name, *watched;
	bool changes, was_exclusive;
	unsigned events;
} limits[] = {
	{"with-oneshot", "p:r", false, false, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT},
	{"of-an-epoll", "inner", false, false, EPOLLIN | EPOLLEXCLUSIVE},
	{"by-a-change", "p:r", true, false, EPOLLIN | EPOLLEXCLUSIVE},
	{"and-a-change", "p:r", true, true, EPOLLIN},
};

TEST_EACH(event, exclusive_has_its_limits, limits)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, event.epoll("e", 0));
	does(a, event.epoll("inner", 0));
	begin(a, event.watch("e", "q:r", EPOLLIN | EPOLLEXCLUSIVE));
	returns(a);
	if (outcome_of(a)->error == EINVAL)
		skip("no EPOLLEXCLUSIVE here");
	if (row->changes) {
		does(a, event.watch("e", row->watched,
				    EPOLLIN | (row->was_exclusive ? EPOLLEXCLUSIVE : 0)));
		does_fail(a, event.rewatch("e", row->watched, row->events), EINVAL);
	} else {
		does_fail(a, event.watch("e", row->watched, row->events), EINVAL);
	}
}

/* -- no descriptor left -------------------------------------------------------------------------
 */

static op a_counter(void)
{
	return event.counter("x", 0, 0);
}

static op a_timer(void)
{
	return event.timer("x", 0);
}

static op an_epoll(void)
{
	return event.epoll("x", 0);
}

static const struct maker {
	const char *name;
	op (*operation)(void);
} makers[] = {{"counter", a_counter}, {"timer", a_timer}, {"epoll", an_epoll}};

TEST_EACH(event, descriptors_run_out, makers)
{
	actor *a = cast("alice");

	does(a, row->operation());
	does(a, fd.close("x"));
	does(a, fd.leave_room(0));
	does_fail(a, row->operation(), EMFILE);
}
