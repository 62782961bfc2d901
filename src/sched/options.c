/* SPDX-License-Identifier: MIT */
#include "sched/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sched/suppress.h"

struct race_options race_options = {.detect = true, .symbolize = true, .exitcode = 66};

_Noreturn static void refuse(const char *what, const char *value)
{
	fprintf(stderr, "ipcts-race: IPCTS_RACE_OPTIONS: %s%s\n", what, value);
	_exit(2);
}

static int number_of(const char *name, const char *value, int most)
{
	char *end;
	long number = strtol(value, &end, 10);
	char what[64];

	if (*value && !*end && number >= 0 && number <= most)
		return (int)number;
	snprintf(what, sizeof(what), "%s: not a number from 0 to %d: ", name, most);
	refuse(what, value);
}

static void text_of(char *to, const char *name, const char *value)
{
	if (!*value)
		refuse(name, ": no path");
	if (strlen(value) >= OPTION_PATH_ROOM)
		refuse(name, ": too long a path");
	strcpy(to, value);
}

static void take_option(const char *name, const char *value)
{
	if (!strcmp(name, "detect"))
		race_options.detect = number_of(name, value, 1);
	else if (!strcmp(name, "halt_on_error"))
		race_options.halt_on_error = number_of(name, value, 1);
	else if (!strcmp(name, "symbolize"))
		race_options.symbolize = number_of(name, value, 1);
	else if (!strcmp(name, "exitcode"))
		race_options.exitcode = number_of(name, value, 255);
	else if (!strcmp(name, "suppressions"))
		text_of(race_options.suppressions, name, value);
	else if (!strcmp(name, "log_path"))
		text_of(race_options.log_path, name, value);
	else if (!strcmp(name, "world"))
		text_of(race_options.world, name, value);
	else
		refuse("no such option: ", name);
}

void options_read(void)
{
	const char *text = getenv("IPCTS_RACE_OPTIONS");
	char part[OPTION_PATH_ROOM + 64];

	while (text && *text) {
		size_t length = strcspn(text, ": \t\n");

		if (length >= sizeof(part))
			refuse("too long: ", text);
		memcpy(part, text, length);
		part[length] = 0;
		text += length + (text[length] != 0);
		if (!length)
			continue;
		char *value = strchr(part, '=');

		if (!value)
			refuse("not NAME=VALUE: ", part);
		*value++ = 0;
		take_option(part, value);
	}
	if (race_options.suppressions[0])
		suppressions_read(race_options.suppressions);
}
