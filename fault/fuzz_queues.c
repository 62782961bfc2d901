/* SPDX-License-Identifier: MIT */
/* Queues of messages. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "fault/fuzz.h"

#ifndef MSG_COPY
#define MSG_COPY 040000 /* Linux's, which musl leaves out */
#endif

static int object;

static int mq_begin(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};

	object = ipcref_mq_open("/fuzz", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attributes);
	return open(namespace_file("mq.fuzz", 0), O_RDWR | O_CLOEXEC);
}

static void mq_operate(unsigned which)
{
	const struct timespec past = {0, 0};
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	struct pollfd poll = {.fd = object, .events = POLLIN | POLLOUT};
	struct mq_attr attributes;
	unsigned priority;

	switch (which % 8) {
	case 0:
	case 1:
		ipcref_mq_send(object, text, which % 64, which);
		break;
	case 2:
	case 3:
		ipcref_mq_receive(object, text, sizeof(text), &priority);
		break;
	case 4:
		ipcref_mq_getattr(object, &attributes);
		break;
	case 5:
		ipcref_poll(&poll, 1, 0);
		break;
	case 6:
		ipcref_mq_notify(object, which & 8 ? &event : NULL);
		break;
	default: /* waits, but not long */
		attributes.mq_flags = 0;
		ipcref_mq_setattr(object, &attributes, NULL);
		ipcref_mq_timedreceive(object, text, sizeof(text), &priority, &past);
		ipcref_mq_timedsend(object, text, 8, 0, &past);
		attributes.mq_flags = O_NONBLOCK;
		/* of a queue that is broken by now it isn't taken, and the next call would wait */
		if (ipcref_mq_setattr(object, &attributes, NULL) < 0)
			fcntl(object, F_SETFL, O_NONBLOCK);
	}
}

static void mq_end(void)
{
	ipcref_mq_close(object);
	ipcref_mq_unlink("/fuzz");
}

static int msg_begin(void)
{
	object = ipcref_msgget(IPC_PRIVATE, 0600);
	return open(namespace_file("msg.%d", object), O_RDWR | O_CLOEXEC);
}

static void msg_operate(unsigned which)
{
	struct msqid_ds status;

	*(long *)(void *)text = 1 + which % 3;
	switch (which % 8) {
	case 0:
	case 1:
	case 2:
		ipcref_msgsnd(object, text, which % 8 * 70 + which / 8, IPC_NOWAIT);
		break;
	case 3:
	case 4:
		ipcref_msgrcv(object, text, sizeof(text) - sizeof(long), (long)(which / 8 % 4) - 2,
			      IPC_NOWAIT | (which & 64 ? MSG_NOERROR : 0));
		break;
	case 5:
		ipcref_msgrcv(object, text, which, which / 8 % 4, IPC_NOWAIT | MSG_COPY);
		break;
	case 6:
		ipcref_msgctl(object, which & 8 ? MSG_STAT : IPC_STAT, &status);
		break;
	default:
		if (ipcref_msgctl(object, IPC_STAT, &status) == 0)
			ipcref_msgctl(object, IPC_SET, &status);
	}
}

static void msg_end(void)
{
	ipcref_msgctl(object, IPC_RMID, NULL);
}

const struct kind fuzz_mq = {.name = "mq", .begin = mq_begin, .operate = mq_operate, .end = mq_end};
const struct kind fuzz_msg = {
	.name = "msg", .begin = msg_begin, .operate = msg_operate, .end = msg_end};
