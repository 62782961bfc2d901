/* SPDX-License-Identifier: MIT */
/*
 * Text under construction, for a single write.  What a test, a user or the platform said is never
 * trusted: it reaches a report only through sheet_line, sheet_lines, sheet_json or sheet_xml, which
 * let no control byte and no broken UTF-8 through.
 */
#ifndef IPCTS_REPORT_SHEET_H
#define IPCTS_REPORT_SHEET_H

#include <stddef.h>

struct sheet {
	char *bytes;
	size_t size, room;
	int error; /* ENOMEM: something is missing from it */
};

/* Text of our own. */
void sheet_add(struct sheet *sheet, const char *text);
void sheet_printf(struct sheet *sheet, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Text of others, as one line: newlines become blanks, other controls and broken bytes '?'. */
void sheet_line(struct sheet *sheet, const char *text);
/* Text of others, each of its lines after the prefix and before a newline. */
void sheet_lines(struct sheet *sheet, const char *prefix, const char *text);
/* Text of others as a JSON string, with its quotes. */
void sheet_json(struct sheet *sheet, const char *text);
/* Text of others as the value of an XML attribute, and as XML character data. */
void sheet_xml(struct sheet *sheet, const char *text);
void sheet_xml_lines(struct sheet *sheet, const char *text);
/* Text of others as a word of a shell command. */
void sheet_shell(struct sheet *sheet, const char *text);

void sheet_free(struct sheet *sheet);

/* The next character of UTF-8, which *text then is behind; -1 for a byte that is none. */
long next_character(const char **text);

#endif
