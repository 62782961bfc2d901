/* SPDX-License-Identifier: MIT */
/*
 * Passes points of the reference, and says how it fares:
 *
 *	passenger CALLS [wait]
 *	passenger stream
 *
 * A message is sent by a child, so many times, and a line tells of each the errno, 0, or the signal
 * that has ended the child; with wait, a line on standard input comes before each, and the first
 * line is the process.  The last is how many messages are in the queue.  Or it writes to a pipe,
 *and says how many bytes of how many went.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ref/ipcref.h"

static int send_one(int queue)
{
	const struct {
		long type;
		char text[8];
	} message = {1, "hello"};

	return ipcref_msgsnd(queue, &message, sizeof(message.text), IPC_NOWAIT) == 0 ? 0 : errno;
}

static int write_stream(void)
{
	static const char bytes[40000];
	int ends[2];

	if (ipcref_pipe(ends) < 0) {
		printf("pipe %d\n", errno);
		return 1;
	}
	printf("%zd of %zu\n", ipcref_write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "stream") == 0)
		return write_stream();

	int count = argc > 1 ? atoi(argv[1]) : 1;
	bool is_told_when = argc > 2;
	int queue = ipcref_msgget(IPC_PRIVATE, 0600);
	struct msqid_ds status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (queue < 0) {
		printf("msgget %d\n", errno);
		return 1;
	}
	if (is_told_when)
		printf("%d\n", (int)getpid());
	for (int i = 0; i < count; i++) {
		int how = 0;

		if (is_told_when && getchar() == EOF)
			return 1;
		pid_t pid = fork();

		if (pid == 0)
			_exit(send_one(queue));
		waitpid(pid, &how, 0);
		if (WIFSIGNALED(how))
			printf("signal %d\n", WTERMSIG(how));
		else
			printf("%d\n", WEXITSTATUS(how));
	}
	ipcref_msgctl(queue, IPC_STAT, &status);
	printf("sent %lu\n", (unsigned long)status.msg_qnum);
	ipcref_msgctl(queue, IPC_RMID, NULL);
	return 0;
}
