/* SPDX-License-Identifier: MIT */
#include "sched/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The fields of /proc/PID/stat behind the name, which may hold anything, and how many there are. */
enum { FIELD_STATE = 0, FIELD_STATUS = 49, FIELDS = 50 };

static bool read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[length < 0 ? 0 : length] = '\0';
	return length > 0;
}

static bool read_stat(pid_t pid, char *state, int *status)
{
	char path[64], text[1024];

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (!read_file(path, text, sizeof(text)))
		return false;
	char *field = strrchr(text, ')');
	if (!field)
		return false;
	*state = field[2];
	field += 2;
	for (int number = FIELD_STATE; number < FIELD_STATUS && field; number++)
		field = strchr(field + 1, ' ');
	if (status && (*state == 'Z' || *state == 'X'))
		*status = field ? (int)strtol(field, NULL, 10) : 0;
	return true;
}

bool process_is_dead(pid_t pid, int *status)
{
	char state;

	if (!read_stat(pid, &state, status))
		return kill(pid, 0) < 0 && errno == ESRCH;
	return state == 'Z' || state == 'X';
}

char process_state(pid_t pid)
{
	char state;

	return read_stat(pid, &state, NULL) ? state : 0;
}

bool process_await_death(pid_t pid, int milliseconds, int *status)
{
	int fd = -1;
#ifdef SYS_pidfd_open
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
#endif
	if (fd >= 0) {
		poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, milliseconds);
		close(fd);
		return process_is_dead(pid, status);
	}
	for (int tenth = 0; !process_is_dead(pid, status); tenth++) {
		if (tenth >= milliseconds * 10)
			return false;
		nanosleep(&(struct timespec){0, 100000}, NULL);
	}
	return true;
}

static const struct {
	long number;
	const char *name;
} calls[] = {
	{SYS_read, "read"},
	{SYS_write, "write"},
	{SYS_readv, "readv"},
	{SYS_writev, "writev"},
	{SYS_futex, "futex"},
	{SYS_wait4, "wait4"},
	{SYS_waitid, "waitid"},
	{SYS_fcntl, "fcntl"},
	{SYS_flock, "flock"},
	{SYS_nanosleep, "nanosleep"},
	{SYS_clock_nanosleep, "clock_nanosleep"},
	{SYS_rt_sigsuspend, "sigsuspend"},
	{SYS_rt_sigtimedwait, "sigtimedwait"},
	{SYS_ppoll, "ppoll"},
	{SYS_pselect6, "pselect"},
	{SYS_epoll_pwait, "epoll_pwait"},
	{SYS_openat, "open"},
#ifdef SYS_accept
	{SYS_accept, "accept"},
#endif
	{SYS_accept4, "accept4"},
	{SYS_connect, "connect"},
	{SYS_recvmsg, "recvmsg"},
	{SYS_recvfrom, "recvfrom"},
	{SYS_sendmsg, "sendmsg"},
	{SYS_sendto, "sendto"},
	{SYS_mq_timedsend, "mq_timedsend"},
	{SYS_mq_timedreceive, "mq_timedreceive"},
#ifdef SYS_poll
	{SYS_poll, "poll"},
#endif
#ifdef SYS_select
	{SYS_select, "select"},
#endif
#ifdef SYS_epoll_wait
	{SYS_epoll_wait, "epoll_wait"},
#endif
#ifdef SYS_pause
	{SYS_pause, "pause"},
#endif
#ifdef SYS_msgrcv
	{SYS_msgrcv, "msgrcv"},
	{SYS_msgsnd, "msgsnd"},
#endif
#ifdef SYS_semop
	{SYS_semop, "semop"},
#endif
#ifdef SYS_semtimedop
	{SYS_semtimedop, "semtimedop"},
#endif
};

void process_call(pid_t pid, char *name, size_t size)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%ld/syscall", (long)pid);
	if (!read_file(path, text, sizeof(text)) || text[0] < '0' || text[0] > '9') {
		snprintf(name, size, "a system call");
		return;
	}
	long number = strtol(text, NULL, 10);
	for (size_t index = 0; index < sizeof(calls) / sizeof(calls[0]); index++)
		if (calls[index].number == number) {
			snprintf(name, size, "%s", calls[index].name);
			return;
		}
	snprintf(name, size, "system call %ld", number);
}

void process_kill_children(pid_t parent)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)parent, (long)parent);
	if (!read_file(path, text, sizeof(text)))
		return;
	for (char *rest = text, *end; (end = rest, strtol(rest, &end, 10)) > 0; rest = end)
		kill((pid_t)strtol(rest, NULL, 10), SIGKILL);
}
