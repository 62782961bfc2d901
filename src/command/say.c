/* SPDX-License-Identifier: MIT */
#include "command/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void vcomplain(const char *format, va_list arguments)
{
	struct sheet line = {0};
	char text[1024];

	vsnprintf(text, sizeof(text), format, arguments);
	sheet_add(&line, "ipcts: ");
	sheet_line(&line, text);
	sheet_add(&line, "\n");
	if (line.size && write(STDERR_FILENO, line.bytes, line.size) < 0)
		errno = 0; /* nobody is left to be told */
	sheet_free(&line);
}

void complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vcomplain(format, arguments);
	va_end(arguments);
}

void refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vcomplain(format, arguments);
	va_end(arguments);
	exit(TROUBLE);
}

int print(struct sheet *sheet)
{
	size_t done = 0;
	int error = sheet->error;

	while (!error && done < sheet->size) {
		ssize_t n = write(STDOUT_FILENO, sheet->bytes + done, sheet->size - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			error = errno;
	}
	sheet_free(sheet);
	if (error)
		complain("standard output: %s", strerror(error));
	return error ? TROUBLE : ALL_HELD;
}

uint64_t number_of(const char *command, const char *option, const char *text, uint64_t least,
		   uint64_t most)
{
	char *end;

	errno = 0;
	unsigned long long number = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || number < least || number > most)
		refuse("%s --%s %s: not a number from %" PRIu64 " to %" PRIu64, command, option,
		       text, least, most);
	return number;
}
