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

/* The program of this name: beside this one, or where it was installed. */
static _Noreturn void execute(const char *name, char **argv)
{
	char path[PATH_MAX + 32];
	ssize_t size = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	path[size > 0 ? size : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash + 1, name);
		execv(path, argv);
	}
	snprintf(path, sizeof(path), PKGLIBEXECDIR "/%s", name);
	execv(path, argv);
	refuse("%s: %s", path, strerror(errno));
}

/* Programs of their own, for there the reference has its points. */
int fault_command(int argc, char **argv)
{
	(void)argc;
	execute("ipcts-fault", argv);
}

int race_command(int argc, char **argv)
{
	(void)argc;
	execute("ipcts-race", argv);
}
