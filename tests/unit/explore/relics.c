/* SPDX-License-Identifier: MIT */
/*
 * What outlives its processes: relics WHAT KEY NAME FILE.  Objects of each kind are made, those of
 * System V under the key and without one; the file gets the identifiers of the latter.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

enum { MANY = 5000, BYTES = 64 };

static key_t key;
static const char *name, *file;
/* Where semaphores and shared memory have their names in one directory, two need two. */
static char sem_name[256];

/* ---- all there are ---- */

static void make_all(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 1};
	FILE *ids = fopen(file, "a");
	int set = semget(IPC_PRIVATE, 1, 0600), queue = msgget(IPC_PRIVATE, 0600),
	    segment = shmget(IPC_PRIVATE, BYTES, 0600);

	assert(ids && fprintf(ids, "%d %d %d\n", set, queue, segment) > 0 && fclose(ids) == 0);
	assert(semget(key, 1, IPC_CREAT | 0600) >= 0);
	assert(msgget(key, IPC_CREAT | 0600) >= 0);
	assert(shmget(key, BYTES, IPC_CREAT | 0600) >= 0);
	assert(shm_open(name, O_CREAT | O_RDWR, 0600) >= 0);
	assert(sem_open(sem_name, O_CREAT, 0600, 0) != SEM_FAILED);
	/* as many as a user may have are few */
	assert(mq_open(name, O_CREAT | O_RDWR, 0600, &attributes) != (mqd_t)-1 || errno == EMFILE ||
	       errno == ENOSPC || errno == ENOSYS);
}

static void remove_keyed(void)
{
	semctl(semget(key, 0, 0), 0, IPC_RMID);
	msgctl(msgget(key, 0), IPC_RMID, NULL);
	shmctl(shmget(key, 0, 0), IPC_RMID, NULL);
	shm_unlink(name);
	sem_unlink(sem_name);
	mq_unlink(name);
}

/* ---- who makes them ---- */

static void in_two(void (*child)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		child();
		_exit(0);
	}
	assert(waitpid(pid, NULL, 0) == pid);
}

/* In a call of which nobody knows, so that the explorer finds it there if it is patient. */
static void sleeps(void)
{
	int ends[2];
	char byte;

	assert(pipe(ends) == 0);
	syscall(SYS_read, ends[0], &byte, 1);
}

static void makes_and_sleeps(void)
{
	make_all();
	sleeps();
}

static void stays(void)
{
	in_two(makes_and_sleeps);
}

static void leaves(void)
{
	in_two(make_all);
}

static void comes_and_goes(void)
{
	in_two(make_all);
	remove_keyed();
}

static void fails(void)
{
	in_two(make_all);
	assert(!"it is right");
}

static void waits_for_ever(void)
{
	make_all();
	msgrcv(msgget(key, 0), &(struct { long type; }){0}, 0, 0, 0);
}

/* One after the other, and what is removed is no more. */
static void many(void)
{
	for (int time = 0; time < MANY; time++)
		assert(semctl(semget(key, 1, IPC_CREAT | 0600), 0, IPC_RMID) == 0);
	fails();
}

/* ---- what is there ---- */

static void tell(const char *what, int found)
{
	if (found)
		puts(what);
}

static void tell_keyless(void)
{
	FILE *ids = fopen(file, "r");
	int set, queue, segment;

	while (ids && fscanf(ids, "%d %d %d", &set, &queue, &segment) == 3) {
		tell("a set without a key", semctl(set, 0, GETVAL) >= 0);
		tell("a queue without a key", msgctl(queue, IPC_STAT, &(struct msqid_ds){0}) == 0);
		tell("a segment without a key",
		     shmctl(segment, IPC_STAT, &(struct shmid_ds){0}) == 0);
	}
	if (ids)
		fclose(ids);
}

static void list(void)
{
	tell_keyless();
	tell("a set", semget(key, 0, 0) >= 0);
	tell("a queue", msgget(key, 0) >= 0);
	tell("a segment", shmget(key, 0, 0) >= 0);
	tell("shared memory", shm_open(name, O_RDWR, 0) >= 0);
	tell("a semaphore", sem_open(sem_name, 0) != SEM_FAILED);
	tell("a queue of POSIX", mq_open(name, O_RDWR) != (mqd_t)-1);
}

static const struct program programs[] = {
	{"stays", stays},
	{"leaves", leaves},
	{"comes_and_goes", comes_and_goes},
	{"fails", fails},
	{"waits_for_ever", waits_for_ever},
	{"many", many},
	{"list", list},
	{"remove_keyed", remove_keyed},
};

int main(int argc, char **argv)
{
	if (argc != 5)
		return NOT_PLAYED;
	key = (key_t)strtol(argv[2], NULL, 0);
	name = argv[3];
	snprintf(sem_name, sizeof(sem_name), "%s-semaphore", name);
	file = argv[4];
	return PLAY_PROGRAM(programs, argv[1]);
}
