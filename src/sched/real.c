/* SPDX-License-Identifier: MIT */
/* In a program that isn't linked with wrappers the real functions are libc's. */
#include "sched/real.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched/arguments.h"

int REAL(close)(int fd)
{
	return close(fd);
}

void *REAL(mmap)(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return mmap(address, length, protection, flags, fd, offset);
}

int REAL(munmap)(void *address, size_t length)
{
	return munmap(address, length);
}

int REAL(open)(const char *path, int flags, ...)
{
	return open(path, flags, 0600);
}

long REAL(syscall)(long number, ...)
{
	va_list rest;
	long argument[ARGUMENTS_MAX];

	va_start(rest, number);
	read_arguments(rest, argument);
	va_end(rest);
	return syscall(number, ARGUMENTS(argument));
}
