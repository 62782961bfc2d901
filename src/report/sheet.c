/* SPDX-License-Identifier: MIT */
#include "report/sheet.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool sheet_reserve(struct sheet *sheet, size_t more)
{
	if (sheet->room - sheet->size > more)
		return true;

	size_t room = sheet->room ? sheet->room : 1024;
	while (room - sheet->size <= more)
		room *= 2;
	char *bytes = realloc(sheet->bytes, room);
	if (!bytes) {
		sheet->error = ENOMEM;
		return false;
	}
	sheet->bytes = bytes;
	sheet->room = room;
	return true;
}

static void sheet_bytes(struct sheet *sheet, const char *bytes, size_t size)
{
	if (!sheet_reserve(sheet, size))
		return;
	memcpy(sheet->bytes + sheet->size, bytes, size);
	sheet->size += size;
	sheet->bytes[sheet->size] = '\0';
}

void sheet_add(struct sheet *sheet, const char *text)
{
	sheet_bytes(sheet, text, strlen(text));
}

void sheet_printf(struct sheet *sheet, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int size = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (size < 0 || !sheet_reserve(sheet, (size_t)size))
		return;

	va_start(arguments, format);
	vsnprintf(sheet->bytes + sheet->size, (size_t)size + 1, format, arguments);
	va_end(arguments);
	sheet->size += (size_t)size;
}

void sheet_free(struct sheet *sheet)
{
	free(sheet->bytes);
	*sheet = (struct sheet){0};
}

/* How many bytes follow this first one; -1 if it can't be a first one. */
static int bytes_after(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first >= 0xC2 && first <= 0xDF)
		return 1;
	if (first >= 0xE0 && first <= 0xEF)
		return 2;
	if (first >= 0xF0 && first <= 0xF4)
		return 3;
	return -1;
}

long next_character(const char **text)
{
	static const unsigned char mask[] = {0x7F, 0x1F, 0x0F, 0x07};
	static const long smallest[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)*text;
	int more = bytes_after(s[0]);

	(*text)++;
	if (more < 0)
		return -1;

	long c = s[0] & mask[more];
	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return -1;
		c = c << 6 | (s[i] & 0x3F);
	}
	if (c < smallest[more] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return -1;
	*text += more;
	return c;
}

/* Controls, and what some reader takes for the end of a line or for a change of direction. */
static bool is_control(long c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200E && c <= 0x200F) ||
	       (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

static bool is_blank(long c)
{
	return c == '\n' || c == '\r' || c == '\t';
}

void sheet_line(struct sheet *sheet, const char *text)
{
	while (*text) {
		const char *from = text;
		long c = next_character(&text);

		if (is_blank(c))
			sheet_add(sheet, " ");
		else if (c < 0 || is_control(c))
			sheet_add(sheet, "?");
		else
			sheet_bytes(sheet, from, (size_t)(text - from));
	}
}

void sheet_lines(struct sheet *sheet, const char *prefix, const char *text)
{
	while (*text) {
		size_t size = strcspn(text, "\n");
		char *line = strndup(text, size);

		if (!line) {
			sheet->error = ENOMEM;
			return;
		}
		sheet_add(sheet, prefix);
		sheet_line(sheet, line);
		sheet_add(sheet, "\n");
		free(line);
		text += size;
		if (*text)
			text++;
	}
}

void sheet_json(struct sheet *sheet, const char *text)
{
	sheet_add(sheet, "\"");
	while (*text) {
		const char *from = text;
		long c = next_character(&text);

		if (c < 0)
			sheet_add(sheet, "\\ufffd");
		else if (c == '\n')
			sheet_add(sheet, "\\n");
		else if (c == '\t')
			sheet_add(sheet, "\\t");
		else if (c == '"' || c == '\\')
			sheet_printf(sheet, "\\%c", (char)c);
		else if (is_control(c))
			sheet_printf(sheet, "\\u%04lx", (unsigned long)c);
		else
			sheet_bytes(sheet, from, (size_t)(text - from));
	}
	sheet_add(sheet, "\"");
}

static const char *xml_entity(long c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	default:
		return NULL;
	}
}

static void sheet_xml_character(struct sheet *sheet, const char **text)
{
	const char *from = *text;
	long c = next_character(text);

	if (c >= 0 && xml_entity(c))
		sheet_add(sheet, xml_entity(c));
	else if (c < 0)
		sheet_add(sheet, "?");
	else if (!is_control(c) && c != 0xFFFE && c != 0xFFFF)
		sheet_bytes(sheet, from, (size_t)(*text - from));
}

void sheet_xml(struct sheet *sheet, const char *text)
{
	while (*text) {
		if (*text == '\n' || *text == '\t') {
			sheet_printf(sheet, "&#%d;", *text);
			text++;
		} else {
			sheet_xml_character(sheet, &text);
		}
	}
}

void sheet_xml_lines(struct sheet *sheet, const char *text)
{
	while (*text) {
		if (*text == '\n' || *text == '\t')
			sheet_bytes(sheet, text++, 1);
		else
			sheet_xml_character(sheet, &text);
	}
}

void sheet_shell(struct sheet *sheet, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._/+:,=@%-";

	if (*text && text[strspn(text, plain)] == '\0') {
		sheet_add(sheet, text);
		return;
	}
	sheet_add(sheet, "'");
	for (const char *quote; (quote = strchr(text, '\'')); text = quote + 1) {
		char *part = strndup(text, (size_t)(quote - text));

		sheet_line(sheet, part ? part : "");
		sheet_add(sheet, "'\\''");
		free(part);
	}
	sheet_line(sheet, text);
	sheet_add(sheet, "'");
}
