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
 *	P pipe   F FIFO, open for reading only   B FIFO, open for both, and a duplicate as x:w
 *	S stream   G datagram   Q seqpacket sockets
 *	C counter of 0   T timer   Z process, a child   N signal descriptor of SIGUSR1
 *	E epoll that watches a pipe, q:r
 *	L listening stream socket of AF_UNIX   I one of TCP   M message queue for two
 * and the others change it:
 *	w write a byte to x:w   f fill it   b read a byte from x:r   d drain   c write a byte to x:r
 *	r close x:r   W close x:w   o open the FIFO for writing, as x:w   O ... for reading, as x:r
 *	h shut x:w down for writing   H shut x:r down for writing
 *	1 add 1 to the counter   m add all it can hold   t take
 *	a arm the timer and wait until it expires   A arm it for an hour   k the child ends
 *	n raise SIGUSR1   g read the signal   q write a byte to the watched pipe   e read it
 *	j connect, as c   J the same over TCP   u close c   y accept   s send a message   v receive
 *one
 */

/* Where the listening socket is, if it has a port. */
static int port;

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
	case 'B':
		does(a, fifo.make("x"));
		does(a, fifo.open("x:r", O_RDWR));
		does(a, fd.dup("x:r", "x:w"));
		break;
	case 'L':
		does(a, sock.serve("x:r", UNIX_STREAM, 5));
		break;
	case 'I':
		does(a, sock.serve("x:r", TCP4, 5));
		port = (int)outcome_of(a)->value;
		break;
	case 'M':
		does(a, mq.make("x:r", 2, 16));
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
	case 'j':
		return sock.reach("c", UNIX_STREAM, "x:r", 0);
	case 'J':
		return sock.reach("c", TCP4, "", port);
	case 'u':
		return fd.close("c");
	case 'y':
		return sock.accept("x:r", "accepted");
	case 's':
		return mq.send("x:r", "x", 0);
	case 'v':
		return mq.receive("x:r");
	default:
		return fd.read("q:r", 1);
	}
}

/* The first letter; gives the child, if that is what was made. */
static actor *start(actor *a, char kind)
{
	actor *child = NULL;

	if (kind == 'Z') {
		child = forks(a, "child");
		does(a, sig.pidfd("x:r", pid_of(child), 0));
	} else {
		make(a, kind);
	}
	return child;
}

/* What comes over a network, even this one, may take a moment: it is over when an edge is told. */
static void arrive(actor *a)
{
	does(a, event.epoll("arrival", 0));
	does(a, event.watch("arrival", "x:r", POLLIN | EPOLLET));
	does(a, event.wait("arrival", 1, 0));
	does(a, step('J'));
	does_give(a, event.wait("arrival", 1, -1), "x:r IN");
	does(a, fd.close("arrival"));
}

/* Any other letter. */
static void proceed(actor *a, actor *child, char letter)
{
	if (letter == 'k') {
		exits(child, 0);
		return;
	}
	if (letter == 'J') {
		arrive(a);
		return;
	}
	does(a, step(letter));
	if (letter == 'a')
		does_give(a, fd.poll("x:r", POLLIN, -1), POLLIN);
}

static void reach(actor *a, const char *steps)
{
	actor *child = start(a, *steps);

	while (*++steps)
		proceed(a, child, *steps);
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
		{"fifo-writer-with-a-new-reader", "ForO", "x:w", OUT},                             \
		{"fifo-for-both", "B", "x:r", OUT},                                                \
		{"fifo-for-both-with-a-byte", "Bw", "x:r", IN | OUT},                              \
		{"fifo-for-both-full", "Bf", "x:r", IN},                                           \
		{"fifo-for-both-drained", "Bfd", "x:r", OUT},

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

#define LISTENER_STATES                                                                            \
	{"listener-idle", "L", "x:r", 0}, {"listener-with-a-connection", "Lj", "x:r", IN},         \
		{"listener-with-two", "Ljj", "x:r", IN},                                           \
		{"listener-with-one-left", "Ljjy", "x:r", IN},                                     \
		{"listener-with-all-accepted", "Ljjyy", "x:r", 0},                                 \
		{"listener-with-another", "Ljyj", "x:r", IN},                                      \
		{"listener-with-one-that-has-left", "Lju", "x:r", IN},                             \
		{"listener-left-and-accepted", "Ljuy", "x:r", 0},                                  \
		{"tcp-listener-idle", "I", "x:r", 0},                                              \
		{"tcp-listener-with-a-connection", "IJ", "x:r", IN},                               \
		{"tcp-listener-with-two", "IJJ", "x:r", IN},                                       \
		{"tcp-listener-with-one-left", "IJJy", "x:r", IN},                                 \
		{"tcp-listener-with-all-accepted", "IJJyy", "x:r", 0},                             \
		{"tcp-listener-with-another", "IJyJ", "x:r", IN},                                  \
		{"tcp-listener-with-one-that-has-left", "IJu", "x:r", IN},                         \
		{"tcp-listener-left-and-accepted", "IJuy", "x:r", 0},

#define QUEUE_STATES                                                                               \
	{"queue-empty", "M", "x:r", OUT}, {"queue-with-a-message", "Ms", "x:r", IN | OUT},         \
		{"queue-full", "Mss", "x:r", IN}, {"queue-full-but-one", "Mssv", "x:r", IN | OUT}, \
		{"queue-emptied", "Mssvv", "x:r", OUT}, {"queue-full-again", "Mssvs", "x:r", IN},

static const struct state pipe_states[] = {PIPE_STATES};
static const struct state fifo_states[] = {FIFO_STATES};
static const struct state socket_states[] = {SOCKET_STATES};
static const struct state counter_states[] = {COUNTER_STATES};
static const struct state timer_states[] = {TIMER_STATES};
static const struct state process_states[] = {PROCESS_STATES};
static const struct state signal_states[] = {SIGNAL_STATES};
static const struct state epoll_states[] = {EPOLL_STATES};
static const struct state listener_states[] = {LISTENER_STATES};
static const struct state queue_states[] = {QUEUE_STATES};
static const struct state states[] = {
	PIPE_STATES FIFO_STATES SOCKET_STATES COUNTER_STATES TIMER_STATES PROCESS_STATES
		SIGNAL_STATES EPOLL_STATES LISTENER_STATES QUEUE_STATES};

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

TEST_EACH(event, listener_readiness, listener_states)
{
	poll_tells(row);
}

TEST_EACH(event, queue_readiness, queue_states)
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

/* Whether the descriptor that is to be watched exists, after this letter. */
static bool exists(const struct state *row, char letter)
{
	return strcmp(row->handle, "x:r") == 0 || row->steps[0] != 'F' || letter == 'o';
}

/* Watched from the beginning, and asked after each step. */
TEST_EACH(event, early_watch_tells_the_state, states)
{
	actor *a = cast("alice"), *child = start(a, row->steps[0]);
	bool watched = false;

	does(a, event.epoll("level", 0));
	for (const char *letter = row->steps;;) {
		if (!watched && exists(row, *letter)) {
			does(a, event.watch("level", row->handle, ALL));
			watched = true;
		}
		if (!*++letter)
			break;
		does(a, event.wait("level", 10, 0));
		proceed(a, child, *letter);
	}
	does_give(a, event.wait("level", 10, 0), ready_text(row));
}

/* -- edges --------------------------------------------------------------------------------------
 */

static const struct change {
	const char *name, *steps;
	char letter;
	const char *handle, *told[2];
} changes[] = {
	{"pipe-data", "P", 'w', "x:r", {" IN"}},
	{"pipe-more-data", "Pw", 'w', "x:r", {" IN"}},
	{"pipe-room", "Pf", 'd', "x:w", {" OUT"}},
	{"pipe-end", "P", 'W', "x:r", {" HUP"}},
	{"pipe-end-behind-data", "Pw", 'W', "x:r", {" IN", " HUP"}},
	{"pipe-without-a-reader", "P", 'r', "x:w", {" ERR"}},
	{"pipe-full-without-a-reader", "Pf", 'r', "x:w", {" ERR"}},
	{"fifo-data", "Fo", 'w', "x:r", {" IN"}},
	{"fifo-room", "Fof", 'd', "x:w", {" OUT"}},
	{"fifo-end", "Fo", 'W', "x:r", {" HUP"}},
	{"fifo-second-end", "FoWo", 'W', "x:r", {" HUP"}},
	{"fifo-without-a-reader", "Fo", 'r', "x:w", {" ERR"}},
	{"stream-data", "S", 'w', "x:r", {" IN"}},
	{"stream-more-data", "Sw", 'w', "x:r", {" IN"}},
	{"stream-room", "Sf", 'd', "x:w", {" OUT"}},
	{"stream-half-close", "S", 'h', "x:r", {" IN", " RDHUP"}},
	{"stream-second-half-close", "Sh", 'H', "x:r", {" HUP"}},
	{"stream-close", "S", 'W', "x:r", {" IN", " HUP"}},
	{"datagram", "G", 'w', "x:r", {" IN"}},
	{"datagram-room", "Gf", 'd', "x:w", {" OUT"}},
	{"seqpacket", "Q", 'w', "x:r", {" IN"}},
	{"seqpacket-room", "Qf", 'd', "x:w", {" OUT"}},
	{"seqpacket-close", "Q", 'W', "x:r", {" IN", " HUP"}},
	{"counter-count", "C", '1', "x:r", {" IN"}},
	{"counter-more", "C1", '1', "x:r", {" IN"}},
	{"counter-room", "Cm", 't', "x:r", {" OUT"}},
	{"timer-expiry", "T", 'a', "x:r", {" IN"}},
	{"timer-second-expiry", "Tat", 'a', "x:r", {" IN"}},
	{"process-end", "Z", 'k', "x:r", {" IN"}},
	{"signal", "N", 'n', "x:r", {" IN"}},
	{"signal-again", "Nng", 'n', "x:r", {" IN"}},
	{"epoll-readiness", "E", 'q', "x:r", {" IN"}},
	{"epoll-readiness-again", "Eqe", 'q', "x:r", {" IN"}},
	{"connection", "L", 'j', "x:r", {" IN"}},
	{"connection-again", "Ljy", 'j', "x:r", {" IN"}},
	{"more-connections", "Lj", 'j', "x:r", {" IN"}},
	{"tcp-connection", "I", 'J', "x:r", {" IN"}},
	{"tcp-connection-again", "IJy", 'J', "x:r", {" IN"}},
	{"tcp-more-connections", "IJ", 'J', "x:r", {" IN"}},
	{"queue-message", "M", 's', "x:r", {" IN"}},
	{"queue-message-again", "Msv", 's', "x:r", {" IN"}},
	{"queue-room", "Mss", 'v', "x:r", {" OUT"}},
};

TEST_EACH(event, edge_follows_each_change, changes)
{
	actor *a = cast("alice"), *child = start(a, row->steps[0]);
	char text[64];

	for (const char *letter = row->steps + 1; *letter; letter++)
		proceed(a, child, *letter);
	does(a, event.epoll("edge", 0));
	does(a, event.watch("edge", row->handle, ALL | EPOLLET));
	does(a, event.wait("edge", 10, 0));
	does_give(a, event.wait("edge", 10, 0), "");
	proceed(a, child, row->letter);
	/* who waits at another epoll may have been told a moment before */
	does(a, event.wait("edge", 10, row->letter == 'J' ? -1 : 0));
	snprintf(text, sizeof(text), "%.*s ", (int)outcome_of(a)->size, outcome_of(a)->bytes);
	for (int i = 0; i < 2 && row->told[i]; i++)
		must(strstr(text, row->told[i]));
}
