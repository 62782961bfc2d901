/* SPDX-License-Identifier: MIT */
/*
 * makes KIND: one object of the reference, which is removed again, and prints what came of it: the
 * word ok, or the error's name.  With a user's number besides, as that user.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ref/ipcref.h"

static bool make_pipe(void)
{
	int ends[2];

	return ipcref_pipe(ends) == 0;
}

static bool make_eventfd(void)
{
	return ipcref_eventfd(0, 0) >= 0;
}

static bool make_mq(void)
{
	return ipcref_mq_open("/q", O_RDWR | O_CREAT | O_EXCL, 0600, NULL) != (mqd_t)-1 &&
	       ipcref_mq_unlink("/q") == 0;
}

static bool make_sem(void)
{
	return ipcref_sem_open("/s", O_CREAT | O_EXCL, 0600, 1) != SEM_FAILED &&
	       ipcref_sem_unlink("/s") == 0;
}

static bool make_shm(void)
{
	return ipcref_shm_open("/m", O_RDWR | O_CREAT | O_EXCL, 0600) >= 0 &&
	       ipcref_shm_unlink("/m") == 0;
}

static bool make_msg(void)
{
	int id = ipcref_msgget(77, IPC_CREAT | IPC_EXCL | 0600);

	return id >= 0 && ipcref_msgctl(id, IPC_RMID, NULL) == 0;
}

static bool make_semset(void)
{
	int id = ipcref_semget(77, 1, IPC_CREAT | IPC_EXCL | 0600);

	return id >= 0 && ipcref_semctl(id, 0, IPC_RMID) == 0;
}

static bool make_segment(void)
{
	int id = ipcref_shmget(77, 100, IPC_CREAT | IPC_EXCL | 0600);

	return id >= 0 && ipcref_shmctl(id, IPC_RMID, NULL) == 0;
}

static const struct {
	const char *name;
	bool (*make)(void);
} kinds[] = {
	{"pipe", make_pipe},	 {"eventfd", make_eventfd}, {"mq", make_mq},
	{"sem", make_sem},	 {"shm", make_shm},	    {"msg", make_msg},
	{"semset", make_semset}, {"segment", make_segment},
};

static const struct {
	int number;
	const char *name;
} errors[] = {
	{ENOENT, "ENOENT"}, {ENOTDIR, "ENOTDIR"},
	{EACCES, "EACCES"}, {ENOSPC, "ENOSPC"},
	{EROFS, "EROFS"},   {EPROTONOSUPPORT, "EPROTONOSUPPORT"},
	{ELOOP, "ELOOP"},   {ENAMETOOLONG, "ENAMETOOLONG"},
};

static const char *name_of_error(int number)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].number == number)
			return errors[i].name;
	return strerror(number);
}

int main(int argc, char **argv)
{
	if (argc > 2) {
		unsigned user = (unsigned)strtoul(argv[2], NULL, 10);

		if (setgid(user) < 0 || setuid(user) < 0)
			return 2;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, argv[1]) == 0) {
			errno = 0;
			puts(kinds[i].make() ? "ok" : name_of_error(errno));
			return 0;
		}
	return 2;
}
