/* SPDX-License-Identifier: MIT */
#include "sched/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void guard(const int ends[2], void (*guards)(int ends, void *argument),
			    void *argument)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

	setsid();
	for (size_t index = 0; index < sizeof(signals) / sizeof(signals[0]); index++)
		signal(signals[index], SIG_IGN);
	close(ends[1]);
	guards(ends[0], argument);
	_exit(0);
}

bool guardian_post(struct guardian *guardian, void (*guards)(int ends, void *argument),
		   void *argument)
{
	int ends[2];

	*guardian = (struct guardian){.held = -1};
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		guard(ends, guards, argument);
	close(ends[0]);
	if (pid < 0) {
		close(ends[1]);
		return false;
	}
	*guardian = (struct guardian){pid, ends[1]};
	return true;
}

bool guardian_sees_the_end(int ends, int milliseconds)
{
	struct pollfd end = {.fd = ends, .events = POLLIN};
	int found;

	while ((found = poll(&end, 1, milliseconds)) < 0 && errno == EINTR && milliseconds < 0)
		continue;
	return found > 0;
}

void guardian_hide(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && null >= 0; fd++)
		dup2(null, fd);
}

bool guardian_dismiss(struct guardian *guardian)
{
	int status = -1;

	if (guardian->pid <= 0)
		return false;
	close(guardian->held);
	while (waitpid(guardian->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	guardian->pid = 0;
	return status == 0;
}
