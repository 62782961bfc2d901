/* SPDX-License-Identifier: MIT */
/* Queued signals: this process's own mailbox. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "fault/fuzz.h"

static int sig_begin(void)
{
	sigset_t set;

	ipcref_sigpending(&set);
	return open(namespace_file("sig.%d", (int)getpid()), O_RDWR | O_CLOEXEC);
}

static void sig_operate(unsigned which)
{
	const struct timespec at_once = {0, 0};
	siginfo_t info;
	sigset_t set;

	switch (which % 4) {
	case 0:
	case 1:
		ipcref_sigqueue(getpid(), which & 8 ? SIGUSR1 : SIGRTMIN + (int)(which / 16),
				(union sigval){.sival_int = (int)which});
		break;
	case 2:
		sigfillset(&set);
		ipcref_sigtimedwait(&set, &info, &at_once);
		break;
	default:
		ipcref_sigpending(&set);
	}
}

static void sig_end(void)
{
}

const struct kind fuzz_sig = {
	.name = "sig", .begin = sig_begin, .operate = sig_operate, .end = sig_end, .is_kept = true};
