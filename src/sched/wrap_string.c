/* SPDX-License-Identifier: MIT */
/* Functions of libc that read and write memory for the program, and are not instrumented. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sched/instrument.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)
#define READS(address, size) instrument_range(address, size, ACCESS_READ, HERE)
#define WRITES(address, size) instrument_range(address, size, ACCESS_WRITE, HERE)

WRAP(void *, memcpy, (void *to, const void *from, size_t size))
{
	READS(from, size);
	WRITES(to, size);
	return REAL(memcpy)(to, from, size);
}

WRAP(void *, mempcpy, (void *to, const void *from, size_t size))
{
	READS(from, size);
	WRITES(to, size);
	return (char *)REAL(memcpy)(to, from, size) + size;
}

WRAP(void *, memmove, (void *to, const void *from, size_t size))
{
	READS(from, size);
	WRITES(to, size);
	return REAL(memmove)(to, from, size);
}

WRAP(void *, memset, (void *to, int byte, size_t size))
{
	WRITES(to, size);
	return REAL(memset)(to, byte, size);
}

WRAP(void, bzero, (void *to, size_t size))
{
	WRITES(to, size);
	REAL(memset)(to, 0, size);
}

WRAP(void, explicit_bzero, (void *to, size_t size))
{
	WRITES(to, size);
	REAL(explicit_bzero)(to, size);
}

WRAP(int, memcmp, (const void *one, const void *other, size_t size))
{
	READS(one, size);
	READS(other, size);
	return REAL(memcmp)(one, other, size);
}

WRAP(void *, memchr, (const void *text, int byte, size_t size))
{
	void *found = REAL(memchr)(text, byte, size);

	READS(text, found ? (size_t)((const char *)found - (const char *)text) + 1 : size);
	return found;
}

WRAP(size_t, strlen, (const char *text))
{
	size_t length = REAL(strlen)(text);

	READS(text, length + 1);
	return length;
}

WRAP(size_t, strnlen, (const char *text, size_t room))
{
	size_t length = REAL(strnlen)(text, room);

	READS(text, length < room ? length + 1 : room);
	return length;
}

static size_t size_of(const char *text, size_t room)
{
	size_t length = strnlen(text, room);

	return length < room ? length + 1 : room;
}

WRAP(char *, strcpy, (char *to, const char *from))
{
	size_t size = size_of(from, SIZE_MAX / 2);

	READS(from, size);
	WRITES(to, size);
	return REAL(strcpy)(to, from);
}

WRAP(char *, stpcpy, (char *to, const char *from))
{
	size_t size = size_of(from, SIZE_MAX / 2);

	READS(from, size);
	WRITES(to, size);
	return REAL(stpcpy)(to, from);
}

WRAP(char *, strncpy, (char *to, const char *from, size_t room))
{
	READS(from, size_of(from, room));
	WRITES(to, room);
	return REAL(strncpy)(to, from, room);
}

WRAP(char *, strcat, (char *to, const char *from))
{
	size_t before = size_of(to, SIZE_MAX / 2), size = size_of(from, SIZE_MAX / 2);

	READS(to, before);
	READS(from, size);
	WRITES(to + before - 1, size);
	return REAL(strcat)(to, from);
}

WRAP(int, strcmp, (const char *one, const char *other))
{
	READS(one, size_of(one, SIZE_MAX / 2));
	READS(other, size_of(other, SIZE_MAX / 2));
	return REAL(strcmp)(one, other);
}

WRAP(int, strncmp, (const char *one, const char *other, size_t room))
{
	READS(one, size_of(one, room));
	READS(other, size_of(other, room));
	return REAL(strncmp)(one, other, room);
}

WRAP(char *, strchr, (const char *text, int byte))
{
	char *found = REAL(strchr)(text, byte);

	READS(text, found ? (size_t)(found - text) + 1 : size_of(text, SIZE_MAX / 2));
	return found;
}

/* ---- printing: what is written; what it reads by its arguments isn't seen
 * ------------------------ */

static int printed(char *to, size_t room, int length, const void *pc)
{
	size_t size = length < 0 ? 0 : (size_t)length + 1;

	instrument_filled(to, size < room ? size : room, pc);
	return length;
}

WRAP(int, vsnprintf, (char *to, size_t room, const char *format, va_list rest))
{
	runtime_drain();
	return printed(to, room, REAL(vsnprintf)(to, room, format, rest), HERE);
}

int __wrap_snprintf(char *to, size_t room, const char *format, ...);
int __wrap_snprintf(char *to, size_t room, const char *format, ...)
{
	va_list rest;

	runtime_drain();
	va_start(rest, format);
	int length = REAL(vsnprintf)(to, room, format, rest);

	va_end(rest);
	return printed(to, room, length, HERE);
}

int __wrap_sprintf(char *to, const char *format, ...);
int __wrap_sprintf(char *to, const char *format, ...)
{
	va_list rest;

	runtime_drain();
	va_start(rest, format);
	int length = vsprintf(to, format, rest);

	va_end(rest);
	return printed(to, SIZE_MAX, length, HERE);
}
