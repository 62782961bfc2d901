/* SPDX-License-Identifier: MIT */
/* What counts: semaphores, sets of them, and eventfd. */
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault/fuzz.h"

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static int object;
static sem_t *sem;

static int semset_begin(void)
{
	object = ipcref_semget(IPC_PRIVATE, 3, 0600);
	return open(namespace_file("sem.%d", object), O_RDWR | O_CLOEXEC);
}

static void semset_operate(unsigned which)
{
	static unsigned short values[1024]; /* as many as a peer may make of three */
	struct sembuf operations[] = {
		{(unsigned short)(which / 8 % 4), (short)(which % 3 - 1), SEM_UNDO | IPC_NOWAIT},
		{(unsigned short)(which / 16 % 3), (short)(which % 5 - 2), IPC_NOWAIT}};
	struct semid_ds status;

	switch (which % 8) {
	case 0:
	case 1:
	case 2:
		ipcref_semop(object, operations, 1 + which % 2);
		break;
	case 3: /* waits, but not long */
		operations[0].sem_flg = operations[1].sem_flg = 0;
		ipcref_semtimedop(object, operations, 2, &(struct timespec){0, 1000});
		break;
	case 4:
		ipcref_semctl(object, 0, which & 8 ? GETALL : SETALL,
			      (union semun){.array = values});
		break;
	case 5:
		ipcref_semctl(object, (int)(which / 8 % 4), SETVAL, (union semun){.val = 1});
		break;
	case 6:
		ipcref_semctl(object, 0, which & 8 ? GETNCNT : GETZCNT);
		break;
	default:
		ipcref_semctl(object, 0, IPC_STAT, (union semun){.buf = &status});
	}
}

static void semset_end(void)
{
	ipcref_semctl(object, 0, IPC_RMID);
}

static int sem_begin(void)
{
	sem = ipcref_sem_open("/fuzz", O_CREAT, 0600, 1);
	return open(namespace_file("sem.fuzz", 0), O_RDWR | O_CLOEXEC);
}

static void sem_operate(unsigned which)
{
	const struct timespec past = {0, 0};
	int value;

	switch (which % 4) {
	case 0:
		ipcref_sem_post(sem);
		break;
	case 1:
		ipcref_sem_trywait(sem);
		break;
	case 2:
		ipcref_sem_timedwait(sem, &past);
		break;
	default:
		ipcref_sem_getvalue(sem, &value);
		ipcref_sem_close(ipcref_sem_open("/fuzz", 0));
	}
}

static void sem_end(void)
{
	ipcref_sem_close(sem);
	ipcref_sem_unlink("/fuzz");
}

static int event_begin(void)
{
	object = ipcref_eventfd(1, EFD_NONBLOCK);
	return file_of(object);
}

static void event_operate(unsigned which)
{
	struct pollfd poll = {.fd = object, .events = POLLIN | POLLOUT};
	uint64_t number = which;

	switch (which % 3) {
	case 0:
		ipcref_write(object, &number, sizeof(number));
		break;
	case 1:
		ipcref_read(object, &number, sizeof(number));
		break;
	default:
		ipcref_poll(&poll, 1, 0);
	}
}

static void event_end(void)
{
	ipcref_close(object);
}

const struct kind fuzz_semset = {
	.name = "semset", .begin = semset_begin, .operate = semset_operate, .end = semset_end};
const struct kind fuzz_sem = {
	.name = "sem", .begin = sem_begin, .operate = sem_operate, .end = sem_end};
const struct kind fuzz_event = {
	.name = "event", .begin = event_begin, .operate = event_operate, .end = event_end};
