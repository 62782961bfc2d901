/* SPDX-License-Identifier: MIT */
/* What comes and goes while others use its like: descriptors, identifiers, names, mappings. */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault/threads.h"
#include "ref/ipcref.h"

static int ends[2], segment;

/* -- descriptors ------------------------------------------------------------------------------ */

static void ends_begin(void)
{
	MUST(ipcref_pipe(ends) == 0);
}

static void ends_end(void)
{
	MUST(ipcref_close(ends[0]) == 0);
	MUST(ipcref_close(ends[1]) == 0);
}

/* Ends of one pipe, and of one's own. */
static void dup_play(unsigned thread)
{
	char byte = (char)thread;

	for (int i = 0; i < TURNS; i++) {
		int own[2], copy = ipcref_dup(ends[1]), another = ipcref_dup(ends[0]);

		MUST(copy >= 0 && another >= 0);
		MUST(ipcref_write(copy, &byte, 1) == 1);
		MUST(ipcref_pipe(own) == 0);
		MUST(ipcref_dup2(own[1], copy) == copy);
		MUST(ipcref_write(copy, "own", 3) == 3);
		struct pollfd polled = {.fd = own[0], .events = POLLIN};
		MUST(ipcref_poll(&polled, 1, -1) == 1);
		MUST(ipcref_read(another, &byte, 1) == 1);
		MUST(ipcref_close(own[0]) == 0);
		MUST(ipcref_close(own[1]) == 0);
		MUST(ipcref_close(copy) == 0);
		MUST(ipcref_close(another) == 0);
	}
}

/* Descriptors of pipes go over a socket that all use. */
static void pair_begin(void)
{
	MUST(ipcref_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
}

static void pass(int fd)
{
	char byte = 'p', space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = space,
				 .msg_controllen = sizeof(space)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	*header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
				   .cmsg_type = SCM_RIGHTS,
				   .cmsg_len = CMSG_LEN(sizeof(int))};
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	MUST(ipcref_sendmsg(ends[1], &message, 0) == 1);
}

static int take(void)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = space,
				 .msg_controllen = sizeof(space)};
	int fd;

	MUST(ipcref_recvmsg(ends[0], &message, 0) == 1);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	MUST(header && header->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void rights_play(unsigned thread)
{
	(void)thread;
	for (int i = 0; i < TURNS / 4; i++) {
		int own[2];
		char text[8];

		MUST(ipcref_pipe(own) == 0);
		MUST(ipcref_write(own[1], "hello", 5) == 5);
		pass(own[0]);
		int taken = take(); /* anybody's */
		MUST(ipcref_read(taken, text, sizeof(text)) == 5);
		MUST(ipcref_close(taken) == 0);
		MUST(ipcref_close(own[0]) == 0);
		MUST(ipcref_close(own[1]) == 0);
	}
}

/* -- identifiers and names -------------------------------------------------------------------- */

static void registry_play(unsigned thread)
{
	const struct {
		long type;
		char text[8];
	} message = {1, "hello"};

	for (int i = 0; i < TURNS / 2; i++) {
		struct msqid_ds status;
		int queue = ipcref_msgget((key_t)(0x7000 + (int)thread), IPC_CREAT | 0600);

		MUST(queue >= 0);
		MUST(ipcref_msgsnd(queue, &message, sizeof(message.text), 0) == 0);
		MUST(ipcref_msgctl(queue, IPC_STAT, &status) == 0 && status.msg_qnum == 1);
		MUST(ipcref_msgctl(queue, IPC_RMID, NULL) == 0);
		MUST(ipcref_msgctl(queue, IPC_STAT, &status) < 0);
	}
}

static void names_play(unsigned thread)
{
	struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 8};
	char name[32];

	snprintf(name, sizeof(name), "/threads-%u", thread / 2);
	for (int i = 0; i < TURNS / 2; i++) {
		mqd_t queue =
			ipcref_mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes);

		MUST(queue != (mqd_t)-1);
		MUST(ipcref_mq_send(queue, "hello", 5, 0) == 0 || errno == EAGAIN);
		MUST(ipcref_mq_unlink(name) == 0 || errno == ENOENT);
		MUST(ipcref_mq_close(queue) == 0);
	}
}

/* -- shared memory ---------------------------------------------------------------------------- */

static void segment_begin(void)
{
	segment = ipcref_shmget(IPC_PRIVATE, 4096, 0600);
	MUST(segment >= 0);
}

static void segment_play(unsigned thread)
{
	for (int i = 0; i < TURNS / 2; i++) {
		struct shmid_ds status;
		char *memory = ipcref_shmat(segment, NULL, 0);

		MUST(memory != (void *)-1);
		memory[thread] = (char)i;
		MUST(ipcref_shmctl(segment, IPC_STAT, &status) == 0 && status.shm_nattch >= 1);
		MUST(ipcref_shmdt(memory) == 0);
	}
}

static void segment_end(void)
{
	struct shmid_ds status;

	MUST(ipcref_shmctl(segment, IPC_STAT, &status) == 0 && status.shm_nattch == 0);
	MUST(ipcref_shmctl(segment, IPC_RMID, NULL) == 0);
}

const struct game table_games[] = {
	{"descriptors", ends_begin, dup_play, ends_end},
	{"rights", pair_begin, rights_play, ends_end},
	{"registry", NULL, registry_play, NULL},
	{"names", NULL, names_play, NULL},
	{"segment", segment_begin, segment_play, segment_end},
	{NULL, NULL, NULL, NULL},
};
