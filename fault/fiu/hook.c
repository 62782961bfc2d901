/* SPDX-License-Identifier: MIT */
/*
 * Lets libfiu decide what happens at the points of the reference.  As of libipcts-fault(7), the
 * beginning of a name tells what, and failinfo how much of it; here the rest is the point's own:
 *
 *	ipcref/msg/send/enter		refused; failinfo: the errno
 *	ipcref-short/pipe/write/piece	a transfer ends with what it has moved
 *	ipcref-delay/msg/send/copied	delayed; failinfo: milliseconds
 *	ipcref-signal/...		a signal comes; failinfo: its number
 *	ipcref-stop/...			stopped, as by SIGSTOP
 *	ipcref-kill/...			killed, as by SIGKILL
 */
#define FIU_ENABLE 1 /* the prototypes of fiu.h */
#include <errno.h>
#include <fiu.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ref/step.h"

enum { DEFAULT_DELAY = 10 /* milliseconds */ };

/* Whether it is to happen; info: how much of it, or 0. */
static bool happens(const char *what, const char *point, long *info)
{
	char name[128];

	snprintf(name, sizeof(name), "%s/%s", what, point);
	if (!fiu_fail(name))
		return false;
	*info = (long)(intptr_t)fiu_failinfo();
	return true;
}

static void delay(long milliseconds)
{
	struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

static void step(const char *point)
{
	int error = errno;
	long info;

	if (happens("ipcref-delay", point, &info))
		delay(info > 0 ? info : DEFAULT_DELAY);
	if (happens("ipcref-signal", point, &info))
		raise(info > 0 ? (int)info : SIGUSR1);
	if (happens("ipcref-stop", point, &info))
		kill(getpid(), SIGSTOP);
	if (happens("ipcref-kill", point, &info))
		kill(getpid(), SIGKILL);
	errno = error;
}

/* With an errno that the point may give, or the first of them; or, where there is none, for good.
 */
static bool fault(const char *point, const int *errors)
{
	int error = errno;
	long info;

	if (!errors[0]) {
		bool is_short = happens("ipcref-short", point, &info);

		errno = error;
		return is_short;
	}
	if (!happens("ipcref", point, &info)) {
		errno = error;
		return false;
	}
	errno = errors[0];
	for (int i = 0; errors[i]; i++)
		if (errors[i] == info)
			errno = errors[i];
	return true;
}

struct ipcref_hook ipcref_hook = {.step = step, .fault = fault};

/* Whether or not anybody else does, before a point asks. */
__attribute__((constructor)) static void begin(void)
{
	fiu_init(0);
}
