/* SPDX-License-Identifier: MIT */
#include "report/baseline.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool matches(const char *glob, const char *name)
{
	return strcmp(glob, name) == 0 || fnmatch(glob, name, 0) == 0;
}

/* The name as far as the first of these characters. */
static bool matches_until(const char *glob, const char *test, const char *stops)
{
	size_t size = strcspn(test, stops);
	char *name = strndup(test, size);
	bool yes = name && test[size] && matches(glob, name);

	free(name);
	return yes;
}

bool glob_matches(const char *glob, const char *test)
{
	return matches(glob, test) || matches_until(glob, test, "/") ||
	       matches_until(glob, test, ".");
}

static const char blanks[] = " \t\r\n\v\f";

/* Cuts the line's blanks off both ends. */
static char *trim(char *line)
{
	line += strspn(line, blanks);
	for (size_t size = strlen(line); size && strchr(blanks, line[size - 1]); size--)
		line[size - 1] = '\0';
	return line;
}

static const char *add_deviation(struct baseline *baseline, char *text, const char *path, int line)
{
	size_t size = strcspn(text, blanks);
	char *reason = text + size;

	if (!*reason)
		return "no reason after the name";
	*reason++ = '\0';
	reason += strspn(reason, blanks);

	struct deviation *more = realloc(baseline->deviations,
					 (baseline->count + 1) * sizeof(*baseline->deviations));
	if (!more)
		return strerror(ENOMEM);
	baseline->deviations = more;
	more[baseline->count] = (struct deviation){strdup(text), strdup(reason), path, line};
	if (!more[baseline->count].glob || !more[baseline->count].reason)
		return strerror(ENOMEM);
	baseline->count++;
	return NULL;
}

/* What is wrong with a line; NULL: nothing. */
static const char *read_line(struct baseline *baseline, char *bytes, size_t size, const char *path,
			     int line)
{
	if (strlen(bytes) != size)
		return "a NUL byte";
	char *text = trim(bytes);
	if (!*text || *text == '#')
		return NULL;
	for (const unsigned char *s = (const unsigned char *)text; *s; s++)
		if ((*s < ' ' && *s != '\t') || *s == 0x7F)
			return "a control character";
	return add_deviation(baseline, text, path, line);
}

bool baseline_read(struct baseline *baseline, const char *path, char complaint[COMPLAINT_MAX])
{
	FILE *file = fopen(path, "re");
	char *bytes = NULL;
	size_t room = 0;
	ssize_t size;

	if (!file) {
		snprintf(complaint, COMPLAINT_MAX, "%s: %s", path, strerror(errno));
		baseline_free(baseline);
		return false;
	}

	bool good = true;
	errno = 0;
	for (int line = 1; good && (size = getline(&bytes, &room, file)) >= 0; line++) {
		const char *wrong = read_line(baseline, bytes, (size_t)size, path, line);

		if (wrong) {
			snprintf(complaint, COMPLAINT_MAX, "%s:%d: %s", path, line, wrong);
			good = false;
		}
	}
	if (good && ferror(file)) {
		snprintf(complaint, COMPLAINT_MAX, "%s: %s", path, strerror(errno));
		good = false;
	}
	free(bytes);
	fclose(file);
	if (!good)
		baseline_free(baseline);
	return good;
}

const char *baseline_reason(const struct baseline *baseline, const char *test)
{
	for (size_t i = 0; i < baseline->count; i++)
		if (glob_matches(baseline->deviations[i].glob, test))
			return baseline->deviations[i].reason;
	return NULL;
}

void baseline_free(struct baseline *baseline)
{
	for (size_t i = 0; i < baseline->count; i++) {
		free(baseline->deviations[i].glob);
		free(baseline->deviations[i].reason);
	}
	free(baseline->deviations);
	baseline->deviations = NULL;
	baseline->count = 0;
}
