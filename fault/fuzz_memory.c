/* SPDX-License-Identifier: MIT */
/* Bytes: pipes, shared memory, and the registry of what has a key. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fault/fuzz.h"

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static int object;

static int pipe_begin(void)
{
	if (ipcref_pipe2(ends, O_NONBLOCK) < 0)
		return -1;
	return file_of(ends[0]);
}

static void pipe_operate(unsigned which)
{
	struct pollfd poll = {.fd = ends[which & 1], .events = POLLIN | POLLOUT};
	int there;

	switch (which % 8) {
	case 0:
	case 1:
		ipcref_write(ends[1], text, which * 61);
		break;
	case 2:
	case 3:
		ipcref_read(ends[0], text, which * 61);
		break;
	case 4:
		ipcref_ioctl(ends[0], FIONREAD, &there);
		break;
	case 5:
		ipcref_fcntl(ends[1], F_SETPIPE_SZ, 4096 << (which / 8 % 9));
		break;
	case 6:
		ipcref_fcntl(ends[1], F_SETFL, O_NONBLOCK | (which & 8 ? O_DIRECT : 0));
		break;
	default:
		ipcref_poll(&poll, 1, 0);
	}
}

static int shm_begin(void)
{
	object = ipcref_shmget(IPC_PRIVATE, 4096, 0600);
	return open(namespace_file("shm.%d", object), O_RDWR | O_CLOEXEC);
}

static void shm_operate(unsigned which)
{
	struct shmid_ds status;
	void *address;

	switch (which % 4) {
	case 0:
	case 1:
		address = ipcref_shmat(object, NULL, which & 8 ? SHM_RDONLY : 0);
		if (address != (void *)-1)
			ipcref_shmdt(address);
		break;
	case 2:
		ipcref_shmctl(object, which & 8 ? SHM_LOCK : IPC_STAT, &status);
		break;
	default:
		ipcref_shmctl(0, which & 8 ? SHM_INFO : SHM_STAT, &status);
	}
}

static void shm_end(void)
{
	ipcref_shmctl(object, IPC_RMID, NULL);
}

/* The registry of all sets; the objects are what is made by it. */
static int registry_begin(void)
{
	ipcref_semctl(ipcref_semget(IPC_PRIVATE, 1, 0600), 0, IPC_RMID);
	return open(namespace_file("sem.registry", 0), O_RDWR | O_CLOEXEC);
}

static void registry_operate(unsigned which)
{
	static const int flags[] = {0, IPC_CREAT | 0600, IPC_CREAT | IPC_EXCL | 0600};
	struct semid_ds status;
	int id = ipcref_semget((key_t)(which % 8), 1, flags[which / 8 % 3]);

	if (which & 64)
		ipcref_semctl((int)(which % 8), 0, SEM_STAT, (union semun){.buf = &status});
	if (which & 128)
		ipcref_semctl(id, 0, IPC_RMID);
}

static void registry_end(void)
{
	unlink(namespace_file("sem.registry", 0));
}

const struct kind fuzz_pipe = {
	.name = "pipe", .begin = pipe_begin, .operate = pipe_operate, .end = close_ends};
const struct kind fuzz_shm = {
	.name = "shm", .begin = shm_begin, .operate = shm_operate, .end = shm_end};
const struct kind fuzz_registry = {.name = "registry",
				   .begin = registry_begin,
				   .operate = registry_operate,
				   .end = registry_end};
