/* SPDX-License-Identifier: MIT */
#include "sched/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sched/store_buffer.h"

#define FIRST_LINE "ipcts replay 1"

enum { LINE_MAX_BYTES = 1 << 20 };

void schedule_print(FILE *file, const struct schedule *schedule)
{
	for (uint32_t index = 0; index < schedule->count; index++) {
		const struct directive *directive = &schedule->directives[index];
		unsigned to = directive->to;
		const char *role = !schedule->shadowed || to < BUFFER_FROM ? ""
				   : to < DEATH_FROM			   ? "b"
									   : "k";
		fprintf(file, "%s%u@%" PRIu32 ">%s%u", index ? " " : "", directive->actor,
			directive->done, role, *role ? to % SHADOWED_MAX : to);
	}
}

bool replay_arguments(struct replay *replay, char *const *arguments)
{
	size_t used = 0, count = 0;

	for (; arguments[count]; count++) {
		size_t size = strlen(arguments[count]) + 1;
		if (count == ARGUMENTS_MAX || size > sizeof(replay->room) - used)
			return false;
		replay->arguments[count] = memcpy(replay->room + used, arguments[count], size);
		used += size;
	}
	replay->arguments[count] = NULL;
	return true;
}

/* One line, whatever is in it. */
static void print_escaped(FILE *file, const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == '%' || *text == '\177')
			fprintf(file, "%%%02X", (unsigned char)*text);
		else
			fputc(*text, file);
}

static bool unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		unsigned byte = (unsigned char)*text;
		if (*text == '%') {
			if (sscanf(text + 1, "%2X", &byte) != 1 || !byte || !text[1] || !text[2])
				return false;
			text += 2;
		}
		*to++ = (char)byte;
	}
	*to = '\0';
	return true;
}

bool replay_write(const char *path, const struct replay *replay)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return false;
	fprintf(file, FIRST_LINE "\n");
	for (char *const *argument = replay->arguments; *argument; argument++) {
		fprintf(file, "argument ");
		print_escaped(file, *argument);
		fputc('\n', file);
	}
	fprintf(file, "code %016" PRIx64 "\nengine %s\nseed %" PRIu64 "\nrun %" PRIu64 "\n",
		replay->code, engine_name(replay->engine), replay->seed, replay->run);
	if (replay->stores)
		fprintf(file, "memory tso %" PRIu32 "\n", replay->stores);
	if (replay->kills)
		fprintf(file, "kills %" PRIu32 "\n", replay->kills);
	fprintf(file, "ending %s\nstatus %x\nsteps %" PRIu32 "\nhash %016" PRIx64 "\nreason ",
		ending_name(replay->result.ending), (unsigned)replay->result.status,
		replay->result.steps, replay->result.hash);
	print_escaped(file, replay->result.reason);
	fprintf(file, "\nschedule ");
	schedule_print(file, &replay->schedule);
	fprintf(file, "\n");
	bool bad = ferror(file);
	return fclose(file) == 0 && !bad;
}

/* ---- reading ---- */

static bool parse_number(const char *text, int base, uint64_t most, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, base);
	return !errno && end != text && !*end && *text != '-' && *number <= most;
}

/* "1", or "b1" and "k1" of a schedule where actors are three each. */
static bool parse_target(const char *text, struct directive *directive, bool *shadowed)
{
	unsigned from = *text == 'b' ? BUFFER_FROM : *text == 'k' ? DEATH_FROM : 0;
	unsigned most = from ? SHADOWED_MAX : ACTORS_MAX;
	uint64_t to;

	if (!parse_number(text + (from != 0), 10, most - 1, &to))
		return false;
	*shadowed |= from != 0;
	directive->to = (uint8_t)(from + to);
	return true;
}

static bool parse_schedule(char *text, struct schedule *schedule)
{
	schedule->count = 0;
	schedule->shadowed = false;
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		struct directive *directive = &schedule->directives[schedule->count];
		unsigned actor;
		int used = 0;

		if (schedule->count++ == DIRECTIVES_MAX ||
		    sscanf(word, "%u@%" SCNu32 ">%n", &actor, &directive->done, &used) != 2 ||
		    !used || actor > ACTORS_MAX ||
		    !parse_target(word + used, directive, &schedule->shadowed))
			return false;
		directive->actor = (uint8_t)actor;
	}
	return true;
}

static bool add_argument(struct replay *replay, char *text, size_t *count, size_t *used)
{
	if (!unescape(text))
		return false;
	size_t size = strlen(text) + 1;
	if (*count == ARGUMENTS_MAX || size > sizeof(replay->room) - *used)
		return false;
	replay->arguments[(*count)++] = memcpy(replay->room + *used, text, size);
	replay->arguments[*count] = NULL;
	*used += size;
	return true;
}

/* Bits of what was there: all of them have to be. */
enum {
	HAS_ARGUMENT = 1,
	HAS_CODE = 2,
	HAS_ENGINE = 4,
	HAS_SEED = 8,
	HAS_RUN = 16,
	HAS_ENDING = 32,
	HAS_STEPS = 64,
	HAS_HASH = 128,
	HAS_REASON = 256,
	HAS_SCHEDULE = 512,
	HAS_STATUS = 1024,
	HAS_ALL = 2047,
	HAS_EXTRA = 2048 /* what may be missing */
};

static unsigned parse_line(struct replay *replay, char *line, size_t *count, size_t *used)
{
	char *value = strchr(line, ' ');
	uint64_t number;

	if (!value)
		return 0;
	*value++ = '\0';
	if (strcmp(line, "argument") == 0)
		return add_argument(replay, value, count, used) ? HAS_ARGUMENT : 0;
	if (strcmp(line, "code") == 0)
		return parse_number(value, 16, UINT64_MAX, &replay->code) ? HAS_CODE : 0;
	if (strcmp(line, "engine") == 0)
		return engine_find(value, &replay->engine) ? HAS_ENGINE : 0;
	if (strcmp(line, "memory") == 0 && strncmp(value, "tso ", 4) == 0 &&
	    parse_number(value + 4, 10, STORES_MAX, &number) && number) {
		replay->stores = (uint32_t)number;
		return HAS_EXTRA;
	}
	if (strcmp(line, "kills") == 0 && parse_number(value, 10, KILLS_MAX, &number)) {
		replay->kills = (uint32_t)number;
		return HAS_EXTRA;
	}
	if (strcmp(line, "seed") == 0)
		return parse_number(value, 10, UINT64_MAX, &replay->seed) ? HAS_SEED : 0;
	if (strcmp(line, "run") == 0)
		return parse_number(value, 10, UINT64_MAX, &replay->run) ? HAS_RUN : 0;
	if (strcmp(line, "ending") == 0)
		return ending_find(value, &replay->result.ending) ? HAS_ENDING : 0;
	if (strcmp(line, "hash") == 0)
		return parse_number(value, 16, UINT64_MAX, &replay->result.hash) ? HAS_HASH : 0;
	if (strcmp(line, "schedule") == 0)
		return parse_schedule(value, &replay->schedule) ? HAS_SCHEDULE : 0;
	if (strcmp(line, "status") == 0 && parse_number(value, 16, UINT16_MAX, &number)) {
		replay->result.status = (int)number;
		return HAS_STATUS;
	}
	if (strcmp(line, "steps") == 0 && parse_number(value, 10, UINT32_MAX, &number)) {
		replay->result.steps = (uint32_t)number;
		return HAS_STEPS;
	}
	if (strcmp(line, "reason") == 0 && unescape(value)) {
		snprintf(replay->result.reason, sizeof(replay->result.reason), "%s", value);
		return HAS_REASON;
	}
	return 0;
}

static bool read_lines(FILE *file, struct replay *replay, char *complaint, size_t size)
{
	char *line = NULL;
	size_t room = 0, count = 0, used = 0;
	unsigned number = 0, has = 0;
	ssize_t length;

	while ((length = getline(&line, &room, file)) > 0 && length < LINE_MAX_BYTES) {
		unsigned found = 0;
		number++;
		if (line[length - 1] == '\n')
			line[--length] = '\0';
		if (strlen(line) == (size_t)length)
			found = number == 1 ? strcmp(line, FIRST_LINE) == 0
					    : parse_line(replay, line, &count, &used);
		if (!found) {
			snprintf(complaint, size,
				 number == 1 ? "line 1: not \"" FIRST_LINE "\", so no replay file"
					     : "line %u: not a line of a replay file",
				 number);
			free(line);
			return false;
		}
		if (number > 1)
			has |= found;
	}
	free(line);
	if ((has & HAS_ALL) != HAS_ALL)
		snprintf(complaint, size,
			 number ? "it ends too soon, after line %u" : "it is empty", number);
	return (has & HAS_ALL) == HAS_ALL;
}

bool replay_read(const char *path, struct replay *replay, char *complaint, size_t size)
{
	FILE *file = fopen(path, "r");

	if (!file) {
		snprintf(complaint, size, "%s", strerror(errno));
		return false;
	}
	bool good = read_lines(file, replay, complaint, size);
	if (!good && ferror(file))
		snprintf(complaint, size, "%s", strerror(errno));
	fclose(file);
	return good;
}
