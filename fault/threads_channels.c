/* SPDX-License-Identifier: MIT */
/* What carries something from one thread to another: the number of a cell of plain memory. */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fault/threads.h"
#include "ref/ipcref.h"

/* Half of the threads send, and half receive. */
enum { SENDERS = THREADS / 2, CELLS = SENDERS * TURNS };

static uint64_t cells[CELLS];
static int ends[2], queue;
static mqd_t mq;

/* -- carriers: a number goes, and comes ---------------------------------------------------------
 */

static void put_bytes(int number)
{
	MUST(ipcref_write(ends[1], &number, sizeof(number)) == sizeof(number));
}

static int get_bytes(void)
{
	int number;

	MUST(ipcref_read(ends[0], &number, sizeof(number)) == sizeof(number));
	return number;
}

/* Several may be told of one, which is there for one of them. */
static int get_polled(void)
{
	struct pollfd polled = {.fd = ends[0], .events = POLLIN};
	int number;

	for (;;) {
		MUST(ipcref_poll(&polled, 1, -1) == 1);
		ssize_t size = ipcref_read(ends[0], &number, sizeof(number));
		if (size == sizeof(number))
			return number;
		MUST(size == -1 && errno == EAGAIN);
	}
}

static void put_packet(int number)
{
	MUST(ipcref_send(ends[1], &number, sizeof(number), 0) == sizeof(number));
}

static int get_packet(void)
{
	int number;

	MUST(ipcref_recv(ends[0], &number, sizeof(number), 0) == sizeof(number));
	return number;
}

struct letter {
	long type;
	int number;
};

static void put_msg(int number)
{
	const struct letter letter = {1 + number % 3, number};

	MUST(ipcref_msgsnd(queue, &letter, sizeof(letter.number), 0) == 0);
}

static int get_msg(void)
{
	struct letter letter;

	MUST(ipcref_msgrcv(queue, &letter, sizeof(letter.number), 0, 0) == sizeof(letter.number));
	return letter.number;
}

static void put_mq(int number)
{
	MUST(ipcref_mq_send(mq, (const char *)&number, sizeof(number), (unsigned)number % 3) == 0);
}

static int get_mq(void)
{
	int number;

	MUST(ipcref_mq_receive(mq, (char *)&number, sizeof(number), NULL) == sizeof(number));
	return number;
}

static void put_sig(int number)
{
	MUST(ipcref_sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = number}) == 0);
}

static int get_sig(void)
{
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	MUST(ipcref_sigwaitinfo(&set, &info) == SIGRTMIN + 1);
	return info.si_value.sival_int;
}

/* -- what is sent is written before, and read by who received it ------------------------------- */

static void begin_cells(void)
{
	memset(cells, 0, sizeof(cells));
}

static void play_cells(unsigned thread, void (*put)(int), int (*get)(void))
{
	for (unsigned i = 0; i < TURNS; i++) {
		if (thread < SENDERS) {
			unsigned number = thread * TURNS + i;

			cells[number] = number + 1;
			put((int)number);
		} else {
			int number = get();

			MUST(number >= 0 && number < CELLS);
			MUST(cells[number] == (uint64_t)number + 1);
			cells[number] = UINT64_MAX; /* it is received once */
		}
	}
}

static void end_cells(void)
{
	for (int i = 0; i < CELLS; i++)
		MUST(cells[i] == UINT64_MAX);
}

#define PLAYS(name, put, get)                                                                      \
	static void play_##name(unsigned thread)                                                   \
	{                                                                                          \
		play_cells(thread, put, get);                                                      \
	}
PLAYS(bytes, put_bytes, get_bytes)
PLAYS(polled, put_bytes, get_polled)
PLAYS(packets, put_packet, get_packet)
PLAYS(msg, put_msg, get_msg)
PLAYS(mq, put_mq, get_mq)
PLAYS(sig, put_sig, get_sig)

/* -- where it goes ---------------------------------------------------------------------------- */

static void pipe_begin(void)
{
	begin_cells();
	MUST(ipcref_pipe(ends) == 0);
}

static void polled_begin(void)
{
	begin_cells();
	MUST(ipcref_pipe2(ends, O_NONBLOCK) == 0);
}

static void close_ends(void)
{
	MUST(ipcref_close(ends[0]) == 0);
	MUST(ipcref_close(ends[1]) == 0);
}

static void end_of_ends(void)
{
	end_cells();
	close_ends();
}

static void fifo_begin(void)
{
	char path[256];

	begin_cells();
	snprintf(path, sizeof(path), "%s/fifo", getenv("IPCREF_NAMESPACE"));
	MUST(ipcref_mkfifo(path, 0600) == 0);
	ends[0] = ipcref_open(path, O_RDWR);
	ends[1] = ipcref_open(path, O_WRONLY);
	MUST(ends[0] >= 0 && ends[1] >= 0);
	MUST(unlink(path) == 0);
}

static void make_pair(int type)
{
	begin_cells();
	MUST(ipcref_socketpair(AF_UNIX, type, 0, ends) == 0);
}

static void stream_begin(void)
{
	make_pair(SOCK_STREAM);
}

static void seqpacket_begin(void)
{
	make_pair(SOCK_SEQPACKET);
}

static void datagram_begin(void)
{
	make_pair(SOCK_DGRAM);
}

static void msg_begin(void)
{
	begin_cells();
	queue = ipcref_msgget(IPC_PRIVATE, 0600);
	MUST(queue >= 0);
}

static void msg_end(void)
{
	end_cells();
	MUST(ipcref_msgctl(queue, IPC_RMID, NULL) == 0);
}

static void mq_begin(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = sizeof(int)};

	begin_cells();
	mq = ipcref_mq_open("/threads", O_RDWR | O_CREAT, 0600, &attributes);
	MUST(mq != (mqd_t)-1);
	MUST(ipcref_mq_unlink("/threads") == 0);
}

static void mq_end(void)
{
	end_cells();
	MUST(ipcref_mq_close(mq) == 0);
}

/* -- what comes by itself --------------------------------------------------------------------- */

enum { TELLINGS = 3 }; /* of each thread */
static unsigned told[THREADS * TELLINGS];

static void is_told(union sigval value)
{
	told[value.sival_int] = 1;
	put_bytes(value.sival_int);
}

/* Each registers for a message, sends it, and waits until a thread of the reference has told. */
static void play_notify(unsigned thread)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = is_told};
	char name[32], text[8];
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = sizeof(text)};

	snprintf(name, sizeof(name), "/threads-%u", thread);
	mqd_t own = ipcref_mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
	MUST(own != (mqd_t)-1);
	for (unsigned i = 0; i < TELLINGS; i++) {
		event.sigev_value.sival_int = (int)(thread * TELLINGS + i);
		MUST(ipcref_mq_notify(own, &event) == 0);
		MUST(ipcref_mq_send(own, "tell", 4, 0) == 0);
		unsigned which = (unsigned)get_bytes(); /* anybody's */
		MUST(which < THREADS * TELLINGS && told[which] == 1);
		MUST(ipcref_mq_receive(own, text, sizeof(text), NULL) == 4);
	}
	MUST(ipcref_mq_close(own) == 0);
	MUST(ipcref_mq_unlink(name) == 0);
}

const struct game channel_games[] = {
	{"pipe", pipe_begin, play_bytes, end_of_ends},
	{"fifo", fifo_begin, play_bytes, end_of_ends},
	{"poll", polled_begin, play_polled, end_of_ends},
	{"stream", stream_begin, play_packets, end_of_ends},
	{"seqpacket", seqpacket_begin, play_packets, end_of_ends},
	{"datagram", datagram_begin, play_packets, end_of_ends},
	{"msg", msg_begin, play_msg, msg_end},
	{"mq", mq_begin, play_mq, mq_end},
	{"sig", begin_cells, play_sig, end_cells},
	{"notify", pipe_begin, play_notify, close_ends},
	{NULL, NULL, NULL, NULL},
};
