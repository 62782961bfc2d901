/* SPDX-License-Identifier: MIT */
/*
 * loop processes|threads COUNT [LOOP]: two of them, over the same memory.  Without a LOOP each
 * counts COUNT times, without a lock; with one it is told how many nanoseconds a step of that
 * takes, and all is in order.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 4096, QUEUE = 64 };

static struct shared {
	long counter;
	long words[2][WORDS];
	pthread_mutex_t mutex;
	_Atomic long atomic;
	_Atomic unsigned head, tail;
	long queue[QUEUE];
} * shared;

static long count;
static const char *loop = "";
static long sums[2];

static void race(void)
{
	for (long i = 0; i < count; i++)
		shared->counter++;
}

/* Each over words of its own. */
static long sweep(int who)
{
	long steps = 0;

	for (int round = 0; round < 300; round++)
		for (int i = 0; i < WORDS; i++, steps++)
			shared->words[who][i] += shared->words[who][(i + 1) % WORDS] + round;
	return steps;
}

/* A lock, and some work on what it protects. */
static long locked(void)
{
	long steps = 0;

	for (; steps < 100000; steps++) {
		pthread_mutex_lock(&shared->mutex);
		for (int i = 0; i < 8; i++)
			shared->words[0][i]++;
		pthread_mutex_unlock(&shared->mutex);
	}
	return steps;
}

static long atomics(void)
{
	long steps = 0;

	for (; steps < 200000; steps++)
		atomic_fetch_add_explicit(&shared->atomic, 1, memory_order_acq_rel);
	return steps;
}

/* From the one to the other, by a ring. */
static long queue(int who)
{
	unsigned steps = 0;

	for (; steps < 100000; steps++) {
		if (who == 0) {
			while (steps - atomic_load_explicit(&shared->tail, memory_order_acquire) ==
			       QUEUE)
				sched_yield();
			shared->queue[steps % QUEUE] = steps;
			atomic_store_explicit(&shared->head, steps + 1, memory_order_release);
		} else {
			while (atomic_load_explicit(&shared->head, memory_order_acquire) == steps)
				sched_yield();
			sums[who] += shared->queue[steps % QUEUE];
			atomic_store_explicit(&shared->tail, steps + 1, memory_order_release);
		}
	}
	return steps;
}

static long play(int who)
{
	if (!strcmp(loop, "sweep"))
		return sweep(who);
	if (!strcmp(loop, "locked"))
		return locked();
	if (!strcmp(loop, "atomic"))
		return atomics();
	if (!strcmp(loop, "queue"))
		return queue(who);
	race();
	return count;
}

static void *thread(void *unused)
{
	play(1);
	return unused;
}

/* Of this one alone, for others load the machine. */
static double now(void)
{
	struct timespec moment;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &moment);
	return (double)moment.tv_sec * 1e9 + (double)moment.tv_nsec;
}

int main(int arguments, char **argument)
{
	if (arguments < 3)
		return 2;
	count = atol(argument[2]);
	if (arguments > 3)
		loop = argument[3];
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 2;
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->mutex, &attributes);
	memset(shared->words, 1, sizeof(shared->words));

	double start = now();
	long steps;

	if (!strcmp(argument[1], "processes")) {
		pid_t pid = fork();

		if (!pid) {
			play(1);
			_exit(0);
		}
		steps = play(0);
		waitpid(pid, NULL, 0);
	} else {
		pthread_t other;

		pthread_create(&other, NULL, thread, NULL);
		steps = play(0);
		pthread_join(other, NULL);
	}
	if (*loop)
		printf("%.2f\n", (now() - start) / (double)steps);
	return 0;
}
