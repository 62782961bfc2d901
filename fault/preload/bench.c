/* SPDX-License-Identifier: MIT */
/*
 * bench [CALLS]: nanoseconds of a call, to run with and without libipcts-fault.so.  The functions
 * are those with the least to do, of which the cost of a point shows most.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void call_sem(void)
{
	sem_post(&semaphore);
	sem_trywait(&semaphore);
}

static void call_mutex(void)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
}

static void call_kill(void)
{
	kill(getpid(), 0);
}

static double now(void)
{
	struct timespec moment;

	clock_gettime(CLOCK_MONOTONIC, &moment);
	return (double)moment.tv_sec * 1e9 + (double)moment.tv_nsec;
}

static double measure(void (*call)(void), long calls)
{
	double start = now();

	for (long i = 0; i < calls; i++)
		call();
	return (now() - start) / (double)calls;
}

/* The best of some: what disturbs a measurement only makes it longer. */
static void report(const char *name, void (*call)(void), long calls)
{
	double best = measure(call, calls);

	for (int i = 0; i < 9; i++) {
		double again = measure(call, calls);

		best = again < best ? again : best;
	}
	printf("%-28s %8.1f ns\n", name, best);
}

int main(int argc, char *argv[])
{
	long calls = argc > 1 ? atol(argv[1]) : 1000000;

	sem_init(&semaphore, 0, 0);
	report("sem_post, sem_trywait", call_sem, calls);
	report("pthread_mutex_lock, unlock", call_mutex, calls);
	report("kill", call_kill, calls);
	return 0;
}
