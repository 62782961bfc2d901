/* SPDX-License-Identifier: MIT */
#include "stage/observe.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stage/wait.h"

static bool read_file(const char *path, char *text, size_t size)
{
	int fd = is_bare() ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;

	ssize_t n = read(fd, text, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return true;
}

/* The n-th field of a stat line (3: the state); the name in field 2 may contain anything. */
static const char *stat_field(const char *line, int n)
{
	const char *field = strrchr(line, ')');

	for (int i = 2; field && i < n; i++) {
		field = strchr(field, ' ');
		if (field)
			field++;
	}
	return field;
}

unsigned long long exactly_ran(pid_t pid, pid_t tid)
{
	char path[64], line[512];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)pid, (int)tid);
	return read_file(path, line, sizeof(line)) ? strtoull(line, NULL, 10) : 0;
}

struct look look_at(pid_t pid, pid_t tid)
{
	struct look look = {.state = '?'};
	char path[64], line[512];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	if (!read_file(path, line, sizeof(line))) {
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		if (!read_file(path, line, sizeof(line))) {
			look.state = can_look() ? '-' : '?';
			return look;
		}
	}
	const char *state = stat_field(line, 3), *ticks = stat_field(line, 14);
	if (state)
		look.state = *state;
	if (ticks) {
		char *system;
		unsigned long long user = strtoull(ticks, &system, 10);

		look.ran = (user + strtoull(system, NULL, 10)) * 10000000;
	}

	unsigned long long ran = exactly_ran(pid, tid);
	if (ran) {
		look.ran = ran;
		look.exact = true;
	}
	return look;
}

unsigned long long times_slept(pid_t pid, pid_t tid)
{
	static const char name[] = "\nvoluntary_ctxt_switches:";
	char path[64], text[8192];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)tid);
	const char *line = read_file(path, text, sizeof(text)) ? strstr(text, name) : NULL;
	return line ? strtoull(line + sizeof(name) - 1, NULL, 10) : 0;
}

bool sleeps_at_a_place(pid_t pid, pid_t tid)
{
	char path[64], place[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/wchan", (int)pid, (int)tid);
	return read_file(path, place, sizeof(place)) && strcmp(place, "0") != 0;
}

bool can_look(void)
{
	static int can = -1;
	char line[512];

	if (can < 0)
		can = read_file("/proc/self/stat", line, sizeof(line)) && stat_field(line, 3);
	return can;
}

long long born_at(pid_t pid)
{
	char path[64], line[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	const char *field = read_file(path, line, sizeof(line)) ? stat_field(line, 22) : NULL;
	return field ? strtoll(field, NULL, 10) : 0;
}

pid_t parent_of(pid_t pid)
{
	char path[64], line[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	const char *field = read_file(path, line, sizeof(line)) ? stat_field(line, 4) : NULL;
	return field ? (pid_t)strtol(field, NULL, 10) : 0;
}

int for_each_child(void (*found)(pid_t child))
{
	DIR *stream = is_bare() ? NULL : opendir("/proc");
	int count = 0;

	if (!stream)
		return 0;
	for (const struct dirent *entry; (entry = readdir(stream));) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && parent_of(pid) == getpid()) {
			found(pid);
			count++;
		}
	}
	closedir(stream);
	return count;
}
