/* SPDX-License-Identifier: MIT */
/* The settings of the system, which are numbers in files. */
#include <stdio.h>

#include "stage/story.h"

static FILE *open_setting(const char *path, const char *mode)
{
	char full[96];

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	FILE *file = fopen(full, mode);
	if (!file)
		skip("%s can't be opened", full);
	return file;
}

long long system_setting(const char *path)
{
	FILE *file = open_setting(path, "r");
	long long value;

	must_be(fscanf(file, "%lld", &value), 1);
	fclose(file);
	return value;
}

long long changes_setting(const char *path, const long long *n)
{
	FILE *file = open_setting(path, "w");
	bool done = fprintf(file, "%lld", n[0]) > 0;

	if (fclose(file) != 0 || !done)
		skip("%s can't be changed", path);
	return 0;
}
