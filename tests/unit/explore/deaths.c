/* SPDX-License-Identifier: MIT */
/*
 * Small programs whose processes may be killed at any moment, but for the first: deaths NAME
 * right|broken.  The right ones survive whatever moment that is.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

static struct shared {
	pthread_mutex_t mutex;
	sem_t sem;
	int one, other; /* equal but for whoever has the lock */
	int made, taken;
	_Atomic int data, flag, done;
} * shared;

static bool broken;
static int ends[2], set_id;

static void make_locks(void)
{
	pthread_mutexattr_t mutex;

	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->mutex, &mutex);
	sem_init(&shared->sem, 1, 1);
}

/* Two processes do the same beside the first, which then looks what is left. */
static void two(void (*play)(void), void (*look)(void))
{
	for (int child = 0; child < 2; child++)
		if (fork() == 0) {
			play();
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	look();
}

static pid_t one(void (*play)(void))
{
	pid_t child = fork();

	if (child == 0) {
		play();
		_exit(0);
	}
	return child;
}

/* ---- a robust lock ---- */

static int lock(bool repairs, bool makes_consistent)
{
	int error = pthread_mutex_lock(&shared->mutex);

	if (error == EOWNERDEAD) {
		if (repairs)
			shared->other = shared->one;
		if (makes_consistent)
			pthread_mutex_consistent(&shared->mutex);
		error = 0;
	}
	return error;
}

static void change(void)
{
	assert(lock(true, true) == 0);
	shared->one++;
	shared->other++;
	pthread_mutex_unlock(&shared->mutex);
}

static void change_inconsistently(void)
{
	if (lock(true, !broken) == 0) {
		shared->one++;
		shared->other++;
		pthread_mutex_unlock(&shared->mutex);
	}
}

static void look_at_lock(void)
{
	assert(lock(true, true) == 0);
	assert(shared->one == shared->other);
	pthread_mutex_unlock(&shared->mutex);
}

static void not_made_consistent(void)
{
	two(change_inconsistently, look_at_lock);
}

static void not_repaired(void)
{
	pid_t child = one(change);

	assert(lock(!broken, true) == 0);
	assert(shared->one == shared->other);
	pthread_mutex_unlock(&shared->mutex);
	assert(waitpid(child, NULL, 0) == child);
}

/* ---- a semaphore that the dead has taken ---- */

static void hold(void)
{
	if (broken) {
		sem_wait(&shared->sem);
		shared->one++;
		sem_post(&shared->sem);
		return;
	}
	assert(semop(set_id, &(struct sembuf){0, -1, SEM_UNDO}, 1) == 0);
	shared->one++;
	assert(semop(set_id, &(struct sembuf){0, 1, SEM_UNDO}, 1) == 0);
}

static void leaked_permit(void)
{
	set_id = semget(IPC_PRIVATE, 1, 0600);
	assert(set_id >= 0 && semctl(set_id, 0, SETVAL, 1) == 0);
	pid_t child = one(hold);
	hold();
	assert(waitpid(child, NULL, 0) == child);
	semctl(set_id, 0, IPC_RMID);
}

/* ---- the end of a pipe ---- */

static void write_two(void)
{
	close(ends[0]);
	for (int record = 0; record < 2; record++)
		assert(write(ends[1], "a", 1) == 1);
	close(ends[1]);
}

static void cut_stream(void)
{
	char bytes[2];
	size_t got = 0;
	ssize_t part;

	assert(pipe(ends) == 0);
	pid_t child = one(write_two);
	close(ends[1]);
	while ((part = read(ends[0], bytes + got, sizeof(bytes) - got)) > 0)
		got += (size_t)part;
	assert(part == 0);
	assert(got == 2 || !broken);
	assert(waitpid(child, NULL, 0) == child);
}

/* ---- how it ended ---- */

static void nothing(void)
{
	atomic_store(&shared->done, 1);
}

static void status(void)
{
	int how;
	pid_t child = one(nothing);

	assert(waitpid(child, &how, 0) == child);
	assert(WIFEXITED(how) ? WEXITSTATUS(how) == 0
			      : WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL && !broken);
}

/* ---- a loop that waits for the dead ---- */

static void announce(void)
{
	atomic_store(&shared->flag, 1);
	atomic_store(&shared->done, 1);
}

static void awaits_for_ever(void)
{
	pid_t child = one(announce), found = 0;

	while (!atomic_load(&shared->done))
		if (!broken && (found = waitpid(child, NULL, WNOHANG)) == child)
			break;
	if (!found)
		assert(waitpid(child, NULL, 0) == child);
}

/* ---- what a process has stored is seen though it is killed, and in that order ---- */

static void publish(void)
{
	atomic_store_explicit(&shared->data, 1, memory_order_relaxed);
	atomic_store_explicit(broken ? &shared->done : &shared->flag, 1, memory_order_relaxed);
	atomic_store_explicit(broken ? &shared->flag : &shared->done, 1, memory_order_relaxed);
}

static void order(void)
{
	pid_t child = one(publish);

	assert(waitpid(child, NULL, 0) == child);
	assert(shared->data >= shared->flag && shared->flag >= shared->done);
}

/* ---- exactly known: the child's operations are five, and it can die before each but the last ----
 */

static const char *counts;

/* In the file that the program was given. */
static void note(const char *format, int value)
{
	int fd = open(counts, O_WRONLY | O_APPEND | O_CREAT, 0600);

	dprintf(fd, format, value);
	close(fd);
}

static void three_stores(void)
{
	for (int store = 0; store < 3; store++)
		atomic_fetch_add(&shared->data, 1);
}

static void three(void)
{
	pid_t child = one(three_stores);

	assert(waitpid(child, NULL, 0) == child);
	note("%d\n", atomic_load(&shared->data));
}

static const struct program programs[] = {
	{"not_made_consistent", not_made_consistent},
	{"not_repaired", not_repaired},
	{"leaked_permit", leaked_permit},
	{"cut_stream", cut_stream},
	{"status", status},
	{"awaits_for_ever", awaits_for_ever},
	{"order", order},
	{"three", three},
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	counts = argc > 2 ? argv[2] : "/dev/null";
	broken = argc > 2 && strcmp(argv[2], "broken") == 0;
	shared = share(sizeof(*shared));
	if (!shared)
		return NOT_PLAYED;
	make_locks();
	return PLAY_PROGRAM(programs, name);
}
