/* SPDX-License-Identifier: MIT */
/*
 * Streams, whose descriptors libc reads and writes by itself: any of these calls may be the one
 * that does.  And commands that libc runs.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/channel.h"
#include "sched/clock.h"
#include "sched/instrument.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

static void sends(FILE *stream)
{
	channel_sends(fileno(stream), NULL, 0);
}

static void received(FILE *stream, bool any)
{
	channel_received(fileno(stream), any);
}

/* ---- writing
 * ------------------------------------------------------------------------------------- */

WRAP(size_t, fwrite, (const void *items, size_t size, size_t count, FILE *stream))
{
	instrument_range(items, size * count, ACCESS_READ, HERE);
	sends(stream);
	return REAL(fwrite)(items, size, count, stream);
}

WRAP(int, fputs, (const char *text, FILE *stream))
{
	instrument_range(text, strlen(text) + 1, ACCESS_READ, HERE);
	sends(stream);
	return REAL(fputs)(text, stream);
}

WRAP(int, puts, (const char *text))
{
	instrument_range(text, strlen(text) + 1, ACCESS_READ, HERE);
	sends(stdout);
	return REAL(puts)(text);
}

WRAP(int, fputc, (int byte, FILE *stream))
{
	sends(stream);
	return REAL(fputc)(byte, stream);
}

WRAP(int, putc, (int byte, FILE *stream))
{
	sends(stream);
	return REAL(fputc)(byte, stream);
}

WRAP(int, putchar, (int byte))
{
	sends(stdout);
	return REAL(fputc)(byte, stdout);
}

WRAP(int, vfprintf, (FILE * stream, const char *format, va_list rest))
{
	sends(stream);
	return REAL(vfprintf)(stream, format, rest);
}

WRAP(int, vprintf, (const char *format, va_list rest))
{
	sends(stdout);
	return REAL(vfprintf)(stdout, format, rest);
}

WRAP(int, vdprintf, (int fd, const char *format, va_list rest))
{
	channel_sends(fd, NULL, 0);
	return REAL(vdprintf)(fd, format, rest);
}

/* PRINT(name, its parameters, what takes its arguments as a list). */
#define PRINT(name, parameters, call)                                                              \
	int __wrap_##name parameters;                                                              \
	int __wrap_##name parameters                                                               \
	{                                                                                          \
		va_list rest;                                                                      \
                                                                                                   \
		va_start(rest, format);                                                            \
		int length = call;                                                                 \
                                                                                                   \
		va_end(rest);                                                                      \
		return length;                                                                     \
	}

/* clang-format off */
PRINT(fprintf, (FILE *stream, const char *format, ...), __wrap_vfprintf(stream, format, rest))
PRINT(printf, (const char *format, ...), __wrap_vfprintf(stdout, format, rest))
PRINT(dprintf, (int fd, const char *format, ...), __wrap_vdprintf(fd, format, rest))
/* clang-format on */

WRAP(int, fflush, (FILE * stream))
{
	if (stream) {
		sends(stream);
	} else {
		sends(stdout);
		sends(stderr);
	}
	return REAL(fflush)(stream);
}

WRAP(int, fclose, (FILE * stream))
{
	sends(stream);
	lock_of_file_released(fileno(stream));
	return REAL(fclose)(stream);
}

/* ---- reading
 * ------------------------------------------------------------------------------------- */

WRAP(size_t, fread, (void *items, size_t size, size_t count, FILE *stream))
{
	runtime_drain();
	size_t got = REAL(fread)(items, size, count, stream);

	received(stream, got);
	instrument_filled(items, size * got, HERE);
	return got;
}

WRAP(char *, fgets, (char *text, int room, FILE *stream))
{
	runtime_drain();
	char *got = REAL(fgets)(text, room, stream);

	received(stream, got);
	if (got)
		instrument_filled(text, strlen(text) + 1, HERE);
	return got;
}

static int got_byte(FILE *stream, int byte)
{
	received(stream, byte != EOF);
	return byte;
}

WRAP(int, fgetc, (FILE * stream))
{
	return got_byte(stream, REAL(fgetc)(stream));
}

WRAP(int, getc, (FILE * stream))
{
	return got_byte(stream, REAL(fgetc)(stream));
}

WRAP(int, getchar, (void))
{
	return got_byte(stdin, REAL(fgetc)(stdin));
}

WRAP(ssize_t, getdelim, (char **line, size_t *room, int end, FILE *stream))
{
	ssize_t length = REAL(getdelim)(line, room, end, stream);

	received(stream, length > 0);
	return length;
}

WRAP(ssize_t, getline, (char **line, size_t *room, FILE *stream))
{
	return __wrap_getdelim(line, room, '\n', stream);
}

/* What newer headers call scanf. */
static int scanned(FILE *stream, int found)
{
	received(stream, found != EOF);
	return found;
}

/* clang-format off */
PRINT(__isoc99_fscanf, (FILE *stream, const char *format, ...), scanned(stream, vfscanf(stream, format, rest)))
PRINT(__isoc99_scanf, (const char *format, ...), scanned(stdin, vfscanf(stdin, format, rest)))
PRINT(fscanf, (FILE *stream, const char *format, ...), scanned(stream, vfscanf(stream, format, rest)))
PRINT(scanf, (const char *format, ...), scanned(stdin, vfscanf(stdin, format, rest)))
/* clang-format on */

WRAP(FILE *, fopen, (const char *path, const char *mode))
{
	if (*mode != 'r')
		name_given(path);
	FILE *stream = REAL(fopen)(path, mode);

	if (stream) {
		name_found(path);
		channel_opened(fileno(stream));
	}
	return stream;
}

/* ---- commands: libc waits for them
 * ----------------------------------------------------------------- */

WRAP(int, system, (const char *command))
{
	party_spawns();
	int status = REAL(system)(command);

	party_join_dead();
	return status;
}

WRAP(FILE *, popen, (const char *command, const char *mode))
{
	party_spawns();
	return REAL(popen)(command, mode);
}

WRAP(int, pclose, (FILE * stream))
{
	sends(stream);
	int status = REAL(pclose)(stream);

	party_join_dead();
	return status;
}
