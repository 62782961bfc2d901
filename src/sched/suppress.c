/* SPDX-License-Identifier: MIT */
#include "sched/suppress.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SUPPRESSIONS_MAX = 256, PATTERN_ROOM = 256 };

static struct suppression {
	bool segment;
	char pattern[PATTERN_ROOM]; /* for fnmatch, open at both ends */
} suppressions[SUPPRESSIONS_MAX];
static unsigned count;

_Noreturn static void refuse(const char *path, unsigned line, const char *why)
{
	fprintf(stderr, "ipcts-race: %s:%u: %s\n", path, line, why);
	_exit(2);
}

/* As TSan: "^" and "$" tie the pattern to an end. */
static void set_pattern(struct suppression *it, const char *text)
{
	size_t length = strlen(text);
	bool from_start = *text == '^', to_end = length && text[length - 1] == '$';

	snprintf(it->pattern, sizeof(it->pattern), "%s%.*s%s", from_start ? "" : "*",
		 (int)(length - from_start - to_end), text + from_start, to_end ? "" : "*");
}

void suppressions_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[PATTERN_ROOM + 16];

	if (!file) {
		fprintf(stderr, "ipcts-race: %s: %s\n", path, strerror(errno));
		_exit(2);
	}
	for (unsigned number = 1; fgets(line, sizeof(line), file); number++) {
		size_t length = strcspn(line, "\n");

		if (length >= PATTERN_ROOM)
			refuse(path, number, "too long");
		while (length && strchr(" \t\r", line[length - 1]))
			length--;
		line[length] = 0;
		char *text = line + strspn(line, " \t");

		if (!*text || *text == '#')
			continue;
		bool segment = !strncmp(text, "segment:", 8);

		if (!segment && strncmp(text, "race:", 5))
			refuse(path, number, "neither race:PATTERN nor segment:PATTERN");
		text = strchr(text, ':') + 1;
		if (!*text)
			refuse(path, number, "no pattern");
		if (count == SUPPRESSIONS_MAX)
			refuse(path, number, "more than 256 suppressions");
		suppressions[count].segment = segment;
		set_pattern(&suppressions[count++], text);
	}
	if (ferror(file)) {
		fprintf(stderr, "ipcts-race: %s: %s\n", path, strerror(errno));
		_exit(2);
	}
	fclose(file);
}

static bool matches(bool segment, const char *text)
{
	for (unsigned i = 0; text && i < count; i++)
		if (suppressions[i].segment == segment &&
		    !fnmatch(suppressions[i].pattern, text, 0))
			return true;
	return false;
}

bool suppressed_frame(const char *function, const char *file, const char *module)
{
	return matches(false, function) || matches(false, file) || matches(false, module);
}

bool suppressed_segment(const char *name)
{
	return matches(true, name);
}
