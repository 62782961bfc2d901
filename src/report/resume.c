/* SPDX-License-Identifier: MIT */
#include "report/resume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- a line of JSON --------------------------------------------------------------------------- */

/* Texts are copied without their escapes, into room that the caller has: size bytes at most. */
struct text {
	char *bytes;
	size_t size, room;
};

static void text_add(struct text *text, unsigned long c)
{
	char utf8[4];
	size_t size;

	if (c < 0x80) {
		utf8[0] = (char)c;
		size = 1;
	} else if (c < 0x800) {
		utf8[0] = (char)(0xC0 | c >> 6);
		utf8[1] = (char)(0x80 | (c & 0x3F));
		size = 2;
	} else {
		utf8[0] = (char)(0xE0 | c >> 12);
		utf8[1] = (char)(0x80 | (c >> 6 & 0x3F));
		utf8[2] = (char)(0x80 | (c & 0x3F));
		size = 3;
	}
	if (text->size + size >= text->room)
		return;
	memcpy(text->bytes + text->size, utf8, size);
	text->size += size;
}

static bool skip_blanks(const char **s)
{
	*s += strspn(*s, " \t\r");
	return **s != '\0';
}

static bool read_escape(const char **s, struct text *text)
{
	static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *letter = **s ? strchr(letters, **s) : NULL;

	if (letter) {
		(*s)++;
		text_add(text, (unsigned char)means[letter - letters]);
		return true;
	}
	if (**s != 'u' || strspn(*s + 1, "0123456789abcdefABCDEF") < 4)
		return false;

	char digits[5] = {(*s)[1], (*s)[2], (*s)[3], (*s)[4], '\0'};
	*s += 5;
	text_add(text, strtoul(digits, NULL, 16));
	return true;
}

/* "...": its bytes into text, ended by a NUL. */
static bool read_text(const char **s, struct text *text)
{
	text->size = 0;
	if (!skip_blanks(s) || *(*s)++ != '"')
		return false;
	while (**s && **s != '"') {
		if (**s != '\\') {
			if (text->size + 1 < text->room)
				text->bytes[text->size++] = **s;
			(*s)++;
			continue;
		}
		(*s)++;
		if (!read_escape(s, text))
			return false;
	}
	text->bytes[text->size] = '\0';
	return *(*s)++ == '"';
}

static bool skip_value(const char **s, int depth);

/* The members of an object or array, without what opens it. */
static bool skip_members(const char **s, char end, int depth)
{
	char key[2];
	struct text text = {key, 0, sizeof(key)};

	if (!skip_blanks(s))
		return false;
	if (**s == end) {
		(*s)++;
		return true;
	}
	for (;;) {
		if (end == '}' && (!read_text(s, &text) || !skip_blanks(s) || *(*s)++ != ':'))
			return false;
		if (!skip_value(s, depth) || !skip_blanks(s))
			return false;
		char c = *(*s)++;
		if (c == end)
			return true;
		if (c != ',')
			return false;
	}
}

static bool skip_value(const char **s, int depth)
{
	char none[2];
	struct text text = {none, 0, sizeof(none)};

	if (depth == 0 || !skip_blanks(s))
		return false;
	if (**s == '"')
		return read_text(s, &text);
	if (**s == '{' || **s == '[') {
		char end = *(*s)++ == '{' ? '}' : ']';
		return skip_members(s, end, depth - 1);
	}
	size_t size = strspn(*s, "0123456789+-.eEtrufalsn");
	*s += size;
	return size > 0;
}

/* What a line may say; every text is "" if it isn't there. */
struct line {
	char ipcts[64], implementation[64], seed[32], start[256], abandoned[256];
	char name[256], verdict[16], how[16];
	double seconds;
	bool summary;
	char message[MESSAGE_MAX], transcript[TRANSCRIPT_MAX];
};

static bool read_member(const char **s, struct line *line, const char *key)
{
	const struct {
		const char *key;
		struct text text;
	} texts[] = {
		{"ipcts", {line->ipcts, 0, sizeof(line->ipcts)}},
		{"implementation", {line->implementation, 0, sizeof(line->implementation)}},
		{"seed", {line->seed, 0, sizeof(line->seed)}},
		{"start", {line->start, 0, sizeof(line->start)}},
		{"abandoned", {line->abandoned, 0, sizeof(line->abandoned)}},
		{"name", {line->name, 0, sizeof(line->name)}},
		{"verdict", {line->verdict, 0, sizeof(line->verdict)}},
		{"how", {line->how, 0, sizeof(line->how)}},
		{"message", {line->message, 0, sizeof(line->message)}},
		{"transcript", {line->transcript, 0, sizeof(line->transcript)}},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct text text = texts[i].text;

		if (strcmp(key, texts[i].key) == 0)
			return read_text(s, &text);
	}
	if (strcmp(key, "seconds") == 0)
		line->seconds = strtod(*s, NULL);
	line->summary |= strcmp(key, "summary") == 0;
	return skip_value(s, 8);
}

/* One object, whose members may come in any order. */
static bool read_object(const char *s, struct line *line)
{
	char key[32];
	struct text text = {key, 0, sizeof(key)};

	memset(line, 0, sizeof(*line));
	if (!skip_blanks(&s) || *s++ != '{')
		return false;
	for (;;) {
		if (!read_text(&s, &text) || !skip_blanks(&s) || *s++ != ':' ||
		    !read_member(&s, line, key) || !skip_blanks(&s))
			return false;
		char c = *s++;
		if (c == '}')
			return !skip_blanks(&s);
		if (c != ',')
			return false;
	}
}

/* -- what the lines say ----------------------------------------------------------------------- */

static struct memory *memory_of(struct resume *resume, const char *name)
{
	for (size_t i = resume->count; i-- > 0;)
		if (strcmp(resume->memories[i].name, name) == 0)
			return &resume->memories[i];

	struct memory *more =
		realloc(resume->memories, (resume->count + 1) * sizeof(*resume->memories));
	char *copy = strdup(name);

	if (more)
		resume->memories = more;
	if (!more || !copy) {
		free(copy);
		return NULL;
	}
	more[resume->count] = (struct memory){.name = copy};
	return &more[resume->count++];
}

static int index_of(const char *name, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

static const char *remember_header(struct resume *resume, const struct line *line)
{
	char *end;

	errno = 0;
	uint64_t seed = strtoull(line->seed, &end, 10);
	if (!line->implementation[0] || !line->seed[0] || *end || errno)
		return "a header without implementation or seed";
	/* a file that was gone on with has several */
	if (resume->implementation && strcmp(resume->implementation, line->implementation) != 0)
		return "two implementations in one report";
	free(resume->implementation);
	resume->implementation = strdup(line->implementation);
	resume->seed = seed;
	return resume->implementation ? NULL : strerror(ENOMEM);
}

static const char *remember_result(struct resume *resume, const struct line *line)
{
	int verdict = index_of(line->verdict, verdict_names, VERDICT_COUNT);
	int how = index_of(line->how, how_names, HOW_COUNT);

	if (verdict <= NONE)
		return "a result without a verdict";

	struct memory *memory = memory_of(resume, line->name);
	if (memory && !memory->result)
		memory->result = calloc(1, sizeof(*memory->result));
	if (!memory || !memory->result)
		return strerror(ENOMEM);

	memory->ended = true;
	memory->started = false;
	memory->result->how = how < 0 ? HOW_PLAIN : how;
	memory->result->seconds = line->seconds;
	strcpy(memory->result->message, line->message);
	strcpy(memory->result->transcript, line->transcript);
	memory->result->verdict = verdict;
	return NULL;
}

/* What is wrong with a line; NULL: nothing. */
static const char *remember(struct resume *resume, const struct line *line)
{
	if (line->ipcts[0])
		return remember_header(resume, line);
	if (!resume->implementation)
		return "not the header of an ipcts report";
	if (line->name[0])
		return remember_result(resume, line);
	if (line->start[0] || line->abandoned[0]) {
		struct memory *memory =
			memory_of(resume, line->start[0] ? line->start : line->abandoned);

		if (!memory)
			return strerror(ENOMEM);
		memory->started = line->start[0] && !memory->ended;
		return NULL;
	}
	return line->summary ? NULL : "neither a start nor a result";
}

/* Whether the bytes, which end at a newline, are a line of JSON. */
static bool parse_line(char *bytes, size_t size, struct line *line)
{
	if (size == 0 || bytes[size - 1] != '\n')
		return false;
	bytes[size - 1] = '\0';
	return strlen(bytes) == size - 1 && read_object(bytes, line);
}

/*
 * Lines that are none are what a crash has made of the end of the file, and are forgiven, unless a
 * good one follows.  Returns what is wrong with line *number; NULL: nothing.
 */
static const char *read_lines(struct resume *resume, FILE *file, struct line *line, int *number)
{
	const char *wrong = NULL;
	char *bytes = NULL;
	size_t room = 0;
	ssize_t size;
	int broken = 0;

	for (*number = 1; !wrong && (size = getline(&bytes, &room, file)) >= 0; ++*number) {
		if (!parse_line(bytes, (size_t)size, line)) {
			broken = broken ? broken : *number;
			continue;
		}
		wrong = broken ? "not a line of JSON" : remember(resume, line);
		resume->good = (long long)ftello(file);
	}
	free(bytes);
	if (wrong)
		*number = broken ? broken : *number - 1;
	else if (ferror(file))
		wrong = strerror(errno);
	else if (!resume->implementation) {
		*number = 1;
		wrong = "not the header of an ipcts report";
	}
	return wrong;
}

bool resume_read(struct resume *resume, const char *path, char complaint[COMPLAINT_MAX])
{
	FILE *file = fopen(path, "re");
	struct line *line = malloc(sizeof(*line));
	int number;

	*resume = (struct resume){.path = path};
	complaint[0] = '\0';
	if (!file || !line) {
		snprintf(complaint, COMPLAINT_MAX, "%s: %s", path, strerror(errno));
	} else {
		const char *wrong = read_lines(resume, file, line, &number);

		if (wrong)
			snprintf(complaint, COMPLAINT_MAX, "%s:%d: %s", path, number, wrong);
	}
	free(line);
	if (file)
		fclose(file);
	if (complaint[0])
		resume_free(resume);
	return !complaint[0];
}

const struct memory *resume_find(const struct resume *resume, const char *test)
{
	for (size_t i = 0; i < resume->count; i++)
		if (strcmp(resume->memories[i].name, test) == 0)
			return &resume->memories[i];
	return NULL;
}

void resume_free(struct resume *resume)
{
	for (size_t i = 0; i < resume->count; i++) {
		free(resume->memories[i].name);
		free(resume->memories[i].result);
	}
	free(resume->memories);
	free(resume->implementation);
	resume->memories = NULL;
	resume->implementation = NULL;
	resume->count = 0;
}
