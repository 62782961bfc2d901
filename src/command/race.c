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

/* Races are a program of their own, for the reference has its points there: as of ipcts fault. */
int race_command(int argc, char **argv)
{
	char path[PATH_MAX + 16];
	ssize_t size = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	(void)argc;
	path[size > 0 ? size : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash + 1, "ipcts-race");
		execv(path, argv);
	}
	execv(PKGLIBEXECDIR "/ipcts-race", argv);
	refuse(PKGLIBEXECDIR "/ipcts-race: %s", strerror(errno));
}
