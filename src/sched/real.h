/* SPDX-License-Identifier: MIT */
/*
 * libc's own functions, where a program is linked with --wrap: all that the runtime calls and that
 * has a wrapper it calls by these names.  In a program without wrappers real.c leads them to libc.
 */
#ifndef IPCTS_SCHED_REAL_H
#define IPCTS_SCHED_REAL_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* REAL(f) is what f would have been; WRAP(int, f, (int argument)) declares both, and begins ours.
 */
#define REAL(function) __real_##function
#define WRAP(type, function, arguments)                                                            \
	type __real_##function arguments;                                                          \
	type __wrap_##function arguments;                                                          \
	type __wrap_##function arguments

void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t length);
int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
int __real_fcntl(int fd, int command, ...);
int __real_flock(int fd, int operation);
ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __real_write(int fd, const void *buffer, size_t size);
long __real_syscall(long number, ...);
pid_t __real_fork(void);
pid_t __real_waitpid(pid_t pid, int *status, int options);
FILE *__real_fopen(const char *path, const char *mode);
char *__real_fgets(char *text, int room, FILE *stream);
int __real_fclose(FILE *stream);
int __real_kill(pid_t pid, int signal);
_Noreturn void __real__exit(int status);
int __real_usleep(unsigned microseconds);
int __real_sched_yield(void);

#endif
