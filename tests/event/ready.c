/* SPDX-License-Identifier: MIT */
/* What poll, select and epoll tell of every kind of descriptor, state by state. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "stage/story.h"

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)

/*
 * A state is reached by steps, a letter each.  The first makes something with two ends, x:r and x:w
 * (of a socket each end does both; what follows "C" has only x:r):
 *	P pipe   F FIFO, open for reading only   S stream   G datagram   Q seqpacket sockets
 *	C counter of 0   T timer   Z process, a child   N signal descriptor of SIGUSR1
 *	E epoll that watches a pipe, q:r
 * and the others change it:
 *	w write a byte to x:w   f fill it   b read a byte from x:r   d drain   c write a byte to x:r
 *	r close x:r   W close x:w   o open the FIFO for writing, as x:w   O ... for reading, as x:r
 *	h shut x:w down for writing   H shut x:r down for writing
 *	1 add 1 to the counter   m add all it can hold   t take
 *	a arm the timer and wait until it expires   A arm it for an hour   k the child ends
 *	n raise SIGUSR1   g read the signal   q write a byte to the watched pipe   e read it
 */
static void make(actor *a, char kind)
{
	switch (kind) {
	case 'P':
		does(a, pipes.make("x"));
		break;
	case 'F':
		does(a, fifo.make("x"));
		does(a, fifo.open("x:r", O_RDONLY | O_NONBLOCK));
		break;
	case 'S':
		does(a, event.pair("x", SOCK_STREAM));
		break;
	case 'G':
		does(a, event.pair("x", SOCK_DGRAM));
		break;
	case 'Q':
		does(a, event.pair("x", SOCK_SEQPACKET));
		break;
	case 'C':
		does(a, event.counter("x:r", 0, 0));
		break;
	case 'T':
		does(a, event.timer("x:r", 0));
		break;
	case 'N':
		does(a, sig.block(SIGNALS(SIGUSR1)));
		does(a, sig.signalfd("x:r", SIGNALS(SIGUSR1), 0));
		break;
	default:
		does(a, pipes.make("q"));
		does(a, event.epoll("x:r", 0));
		does(a, event.watch("x:r", "q:r", EPOLLIN));
		break;
	}
}

static op step(char letter)
{
	switch (letter) {
	case 'w':
		return fd.write("x:w", "x");
	case 'f':
		return fd.fill("x:w", 512);
	case 'b':
		return fd.read("x:r", 1);
	case 'd':
		return fd.drain("x:r");
	case 'r':
		return fd.close("x:r");
	case 'W':
		return fd.close("x:w");
	case 'o':
		return fifo.open("x:w", O_WRONLY);
	case 'O':
		return fifo.open("x:r", O_RDONLY);
	case 'h':
		return event.shutdown("x:w", SHUT_WR);
	case 'H':
		return event.shutdown("x:r", SHUT_WR);
	case 'c':
		return fd.write("x:r", "x");
	case '1':
		return event.add("x:r", 1);
	case 'm':
		return event.add("x:r", UINT64_MAX - 1);
	case 't':
		return event.take("x:r");
	case 'a':
		return event.arm("x:r", 1, 0);
	case 'A':
		return event.arm("x:r", 3600000, 0);
	case 'n':
		return sig.raise(SIGUSR1);
	case 'g':
		return sig.read_signalfd("x:r");
	case 'q':
		return fd.write("q:w", "x");
	default:
		return fd.read("q:r", 1);
	}
}

static void reach(actor *a, const char *steps)
{
	actor *child = NULL;

	if (*steps == 'Z') {
		child = forks(a, "child");
		does(a, sig.pidfd("x:r", pid_of(child), 0));
	} else {
		make(a, *steps);
	}
	while (*++steps) {
		if (*steps == 'k') {
			exits(child, 0);
			continue;
		}
		does(a, step(*steps));
		if (*steps == 'a')
			does_give(a, fd.poll("x:r", POLLIN, -1), POLLIN);
	}
}

struct state {
	const char *name, *steps, *handle;
	int bits; /* of ALL that were asked for, and of ERR and HUP */
};

#define IN POLLIN
#define OUT POLLOUT
#define ERR POLLERR
#define HUP POLLHUP
#define RDHUP POLLRDHUP

#define PIPE_STATES                                                                                \
	{"pipe-read-end-empty", "P", "x:r", 0}, {"pipe-read-end-with-a-byte", "Pw", "x:r", IN},    \
		{"pipe-read-end-full", "Pf", "x:r", IN},                                           \
		{"pipe-read-end-drained", "Pfd", "x:r", 0},                                        \
		{"pipe-read-end-with-data-and-no-writer", "PwW", "x:r", IN | HUP},                 \
		{"pipe-read-end-with-no-writer", "PW", "x:r", HUP},                                \
		{"pipe-read-end-at-the-end", "PwWb", "x:r", HUP},                                  \
		{"pipe-write-end-empty", "P", "x:w", OUT},                                         \
		{"pipe-write-end-with-a-byte", "Pw", "x:w", OUT},                                  \
		{"pipe-write-end-full", "Pf", "x:w", 0},                                           \
		{"pipe-write-end-full-but-one", "Pfb", "x:w", 0},                                  \
		{"pipe-write-end-drained", "Pfd", "x:w", OUT},                                     \
		{"pipe-write-end-full-again", "Pfdf", "x:w", 0},                                   \
		{"pipe-write-end-with-no-reader", "Pr", "x:w", OUT | ERR},                         \
		{"pipe-write-end-with-data-and-no-reader", "Pwr", "x:w", OUT | ERR},

#define FIFO_STATES                                                                                \
	{"fifo-reader-before-the-first-writer", "F", "x:r", 0},                                    \
		{"fifo-reader-with-a-writer", "Fo", "x:r", 0},                                     \
		{"fifo-reader-with-a-byte", "Fow", "x:r", IN},                                     \
		{"fifo-reader-with-data-and-no-writer", "FowW", "x:r", IN | HUP},                  \
		{"fifo-reader-after-the-last-writer", "FoW", "x:r", HUP},                          \
		{"fifo-reader-drained-after-the-last-writer", "FowWb", "x:r", HUP},                \
		{"fifo-reader-with-a-new-writer", "FoWo", "x:r", 0},                               \
		{"fifo-reader-after-the-second-writer", "FoWoW", "x:r", HUP},                      \
		{"fifo-writer", "Fo", "x:w", OUT}, {"fifo-writer-with-a-byte", "Fow", "x:w", OUT}, \
		{"fifo-writer-full", "Fof", "x:w", 0},                                             \
		{"fifo-writer-full-but-one", "Fofb", "x:w", 0},                                    \
		{"fifo-writer-drained", "Fofd", "x:w", OUT},                                       \
		{"fifo-writer-with-no-reader", "For", "x:w", OUT | ERR},                           \
		{"fifo-writer-with-a-new-reader", "ForO", "x:w", OUT},

#define SOCKET_STATES                                                                              \
	{"stream-idle", "S", "x:r", OUT}, {"stream-with-a-byte", "Sw", "x:r", IN | OUT},           \
		{"stream-read", "Swb", "x:r", OUT}, {"stream-congested", "Sf", "x:w", 0},          \
		{"stream-relieved", "Sfd", "x:w", OUT},                                            \
		{"stream-peer-closed", "SW", "x:r", IN | OUT | RDHUP | HUP},                       \
		{"stream-peer-closed-after-data", "SwW", "x:r", IN | OUT | RDHUP | HUP},           \
		{"stream-peer-closed-with-data-unread", "ScW", "x:r",                              \
		 IN | OUT | RDHUP | HUP | ERR},                                                    \
		{"stream-peer-shut-down-writing", "Sh", "x:r", IN | OUT | RDHUP},                  \
		{"stream-both-shut-down-writing", "ShH", "x:r", IN | OUT | RDHUP | HUP},           \
		{"stream-shut-down-writing", "SH", "x:r", OUT},                                    \
		{"datagram-idle", "G", "x:r", OUT}, {"datagram-with-one", "Gw", "x:r", IN | OUT},  \
		{"datagram-read", "Gwb", "x:r", OUT}, {"datagram-congested", "Gf", "x:w", 0},      \
		{"datagram-relieved", "Gfd", "x:w", OUT}, {"seqpacket-idle", "Q", "x:r", OUT},     \
		{"seqpacket-with-one", "Qw", "x:r", IN | OUT},                                     \
		{"seqpacket-congested", "Qf", "x:w", 0},                                           \
		{"seqpacket-peer-closed", "QW", "x:r", IN | OUT | RDHUP | HUP},                    \
		{"seqpacket-peer-shut-down-writing", "Qh", "x:r", IN | OUT | RDHUP},

#define COUNTER_STATES                                                                             \
	{"counter-of-0", "C", "x:r", OUT}, {"counter-of-1", "C1", "x:r", IN | OUT},                \
		{"counter-taken", "C1t", "x:r", OUT}, {"counter-full", "Cm", "x:r", IN},           \
		{"counter-taken-from-full", "Cmt", "x:r", OUT},

#define TIMER_STATES                                                                               \
	{"timer-disarmed", "T", "x:r", 0}, {"timer-armed", "TA", "x:r", 0},                        \
		{"timer-expired", "Ta", "x:r", IN}, {"timer-read", "Tat", "x:r", 0},               \
		{"timer-armed-again", "TaA", "x:r", 0},

#define PROCESS_STATES {"process-running", "Z", "x:r", 0}, {"process-ended", "Zk", "x:r", IN},

#define SIGNAL_STATES                                                                              \
	{"signal-none", "N", "x:r", 0}, {"signal-pending", "Nn", "x:r", IN},                       \
		{"signal-read", "Nng", "x:r", 0},

#define EPOLL_STATES                                                                               \
	{"epoll-with-nothing-ready", "E", "x:r", 0}, {"epoll-with-one-ready", "Eq", "x:r", IN},    \
		{"epoll-with-none-ready-any-more", "Eqe", "x:r", 0},

static const struct state pipe_states[] = {PIPE_STATES};
static const struct state fifo_states[] = {FIFO_STATES};
static const struct state socket_states[] = {SOCKET_STATES};
static const struct state counter_states[] = {COUNTER_STATES};
static const struct state timer_states[] = {TIMER_STATES};
static const struct state process_states[] = {PROCESS_STATES};
static const struct state signal_states[] = {SIGNAL_STATES};
static const struct state epoll_states[] = {EPOLL_STATES};
static const struct state states[] = {
	PIPE_STATES FIFO_STATES SOCKET_STATES COUNTER_STATES TIMER_STATES PROCESS_STATES
		SIGNAL_STATES EPOLL_STATES};

/* Asked for everything, for nothing, and for one thing at a time. */
static void poll_tells(const struct state *row)
{
	static const int asked[] = {ALL, 0, POLLIN, POLLOUT, POLLRDHUP};
	actor *a = cast("alice");

	reach(a, row->steps);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		does_give(a, fd.poll(row->handle, asked[i], 0), row->bits & (asked[i] | ERR | HUP));
}

TEST_EACH(event, pipe_readiness, pipe_states)
{
	poll_tells(row);
}

TEST_EACH(event, fifo_readiness, fifo_states)
{
	poll_tells(row);
}

TEST_EACH(event, socket_readiness, socket_states)
{
	poll_tells(row);
}

TEST_EACH(event, counter_readiness, counter_states)
{
	poll_tells(row);
}

TEST_EACH(event, timer_readiness, timer_states)
{
	poll_tells(row);
}

TEST_EACH(event, process_readiness, process_states)
{
	poll_tells(row);
}

TEST_EACH(event, signal_readiness, signal_states)
{
	poll_tells(row);
}

TEST_EACH(event, epoll_readiness, epoll_states)
{
	poll_tells(row);
}

TEST_EACH(event, select_agrees_with_poll, states)
{
	actor *a = cast("alice");
	int readable = row->bits & (IN | HUP | ERR) ? IN : 0;
	int writable = row->bits & (OUT | ERR) ? OUT : 0;

	reach(a, row->steps);
	does_give(a, event.select(row->handle, IN | OUT | POLLPRI, 0), readable | writable);
	does_give(a, event.select(row->handle, IN, 0), readable);
	does_give(a, event.select(row->handle, OUT, 0), writable);
	does_give(a, event.select(row->handle, 0, 0), 0);
}

/* As event.wait tells it: "x:r IN HUP". */
static const char *ready_text(const struct state *row)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%s%s%s%s%s", row->handle, row->bits & IN ? " IN" : "",
		 row->bits & OUT ? " OUT" : "", row->bits & RDHUP ? " RDHUP" : "",
		 row->bits & ERR ? " ERR" : "", row->bits & HUP ? " HUP" : "");
	return row->bits ? text : "";
}

TEST_EACH(event, epoll_agrees_with_poll, states)
{
	actor *a = cast("alice");

	reach(a, row->steps);
	does(a, event.epoll("level", 0));
	does(a, event.epoll("edge", 0));
	does(a, event.watch("level", row->handle, ALL));
	does(a, event.watch("edge", row->handle, ALL | EPOLLET));
	for (int i = 0; i < 3; i++)
		does_give(a, event.wait("level", 10, 0), ready_text(row));
	does_give(a, event.wait("edge", 10, 0), ready_text(row));
	does_give(a, event.wait("edge", 10, 0), "");
}

/* -- what POSIX says of them --------------------------------------------------------------------
 */

TEST(event, hangup_follows_the_last_writer)
{
	actor *reader = cast("reader"), *alice = cast("alice"), *bob = cast("bob");

	does(reader, fifo.make("f"));
	does(reader, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does_give(reader, fd.poll("f", 0, 0), 0);
	does(alice, fifo.open("f", O_WRONLY));
	does(bob, fifo.open("f", O_WRONLY));
	does_give(reader, fd.poll("f", 0, 0), 0);
	does(alice, fd.close("f"));
	does_give(reader, fd.poll("f", 0, 0), 0);
	dies(bob);
	does_give(reader, fd.poll("f", 0, 0), POLLHUP);
	does_give(reader, fd.poll("f", 0, 0), POLLHUP);
	does(alice, fifo.open("f", O_WRONLY));
	does_give(reader, fd.poll("f", 0, 0), 0);
}

TEST(event, hangup_excludes_output)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	does(a, fd.close("p:w"));
	does(a, fd.poll("p:r", POLLIN | POLLOUT, 0));
	int bits = (int)outcome_of(a)->value;
	must(bits & POLLIN);
	must(bits & POLLHUP);
	must(!(bits & POLLOUT));
	does_give(a, fd.read("p:r", 10), "x");
	does(a, fd.poll("p:r", POLLOUT, 0));
	must_be(outcome_of(a)->value, POLLHUP);
}

/* Reads a full pipe byte by byte: as soon as OUT is told, PIPE_BUF bytes go in. */
static long long read_until_writable(const char *text, const long long *n)
{
	static char bytes[PIPE_BUF];
	long long read = 0;

	(void)text;
	for (; read < n[0]; read++) {
		struct pollfd polled = {.fd = handle_fd("p:w"), .events = POLLOUT};

		must(impl->fd->poll(&polled, 1, 0) >= 0);
		if (polled.revents & POLLOUT)
			break;
		must_be(impl->fd->read(handle_fd("p:r"), bytes, 1), 1);
	}
	must(read > 0);
	must_be(impl->fd->write(handle_fd("p:w"), bytes, sizeof(bytes)), sizeof(bytes));
	return read;
}

TEST(event, ready_pipe_takes_pipe_buf)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.fill("p:w", 512));
	long long full = outcome_of(a)->value;
	does(a, fd.set_flags("p:w", O_NONBLOCK));
	does(a, call(read_until_writable, NULL, full, 0, 0));
	must(outcome_of(a)->value >= PIPE_BUF);
}

enum { WRITES = 2000 };

static long long write_bytes(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	for (int i = 0; i < WRITES; i++)
		must_be(impl->fd->write(handle_fd("p:w"), "xyz", (size_t)i % 3 + 1), i % 3 + 1);
	return impl->fd->close(handle_fd("p:w"));
}

static long long poll_and_read(const char *text, const long long *n)
{
	long long sum = 0;

	(void)text;
	(void)n;
	for (;;) {
		struct pollfd polled = {.fd = handle_fd("p:r"), .events = POLLIN};
		char bytes[2];

		must_be(impl->fd->poll(&polled, 1, -1), 1);
		ssize_t size = impl->fd->read(polled.fd, bytes, sizeof(bytes));
		if (size == 0)
			return sum;
		must(size > 0);
		sum += size;
	}
}

TEST(event, told_data_is_there)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	does(reader, fd.set_flags("p:r", O_NONBLOCK));
	actor *writer = forks(reader, "writer");
	does(reader, fd.close("p:w"));
	begin(reader, call(poll_and_read, NULL, 0, 0, 0));
	begin(writer, call(write_bytes, NULL, 0, 0, 0));
	succeeds(writer);
	gives(reader, WRITES / 3 * 6 + WRITES % 3 * (WRITES % 3 + 1) / 2);
}

static long long open_file(const char *text, const long long *n)
{
	int file = impl->fifo->open(path_of(text), O_RDWR | O_CREAT, 0600);

	(void)n;
	must(file >= 0);
	set_handle(text, file, NULL);
	return 0;
}

TEST(event, regular_file_is_always_ready)
{
	actor *a = cast("alice");

	does(a, call(open_file, "file", 0, 0, 0));
	does_give(a, fd.poll("file", POLLIN | POLLOUT, 0), POLLIN | POLLOUT);
	does_give(a, event.select("file", POLLIN | POLLOUT, 0), POLLIN | POLLOUT);
	does_give(a, fd.poll("file", POLLIN, -1), POLLIN);
}

TEST(event, data_before_the_wait_is_told)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	for (int i = 0; i < 2; i++) {
		does_give(a, fd.poll("p:r", POLLIN, -1), POLLIN);
		does_give(a, event.select("p:r", POLLIN, -1), POLLIN);
	}
	does_give(a, fd.read("p:r", 1), "x");
	does_give(a, fd.poll("p:r", POLLIN, 0), 0);
	does_give(a, event.select("p:r", POLLIN, 0), 0);
}
