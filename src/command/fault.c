/* SPDX-License-Identifier: MIT */
#include "command/command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef PKGLIBEXECDIR
#define PKGLIBEXECDIR "."
#endif

/* The campaigns are a program of their own: beside this one, or where it was installed. */
int fault_command(int argc, char **argv)
{
	char path[PATH_MAX + 16];
	ssize_t size = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	(void)argc;
	path[size > 0 ? size : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash + 1, "ipcts-fault");
		execv(path, argv);
	}
	execv(PKGLIBEXECDIR "/ipcts-fault", argv);
	refuse(PKGLIBEXECDIR "/ipcts-fault: %s", strerror(errno));
}
