/* SPDX-License-Identifier: MIT */
/* Many processes, threads, signals and deaths: the detector goes on, and doesn't lose an edge. */
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario.h"

enum { PROCESSES = 150, KILLS = 100, SIGNALS = 300, STEPS = 300 };

/* More than there are places for: those of the dead are used again. */
SCENARIO(processes, "one process after the other, each waited for")
{
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		if (!pid) {
			shared->data++;
			_exit(0);
		}
		if (!broken)
			waitpid(pid, NULL, 0);
	}
	while (wait(NULL) > 0)
		;
	must(shared->data == PROCESSES || broken);
}

OTHER(processes)
{
}

/* By locks that aren't the kernel's, at whatever instruction of the runtime they are killed. */
SCENARIO(kills, "processes that are killed amid atomics, and waited for")
{
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = fork();

		if (!pid)
			for (;;) {
				atomic_fetch_add_explicit(&shared->third, 1, memory_order_acq_rel);
				atomic_store_explicit(&shared->turn, 1, memory_order_release);
				shared->more[i % 64]++;
			}
		for (int before = atomic_load(&shared->third), step = 0;
		     atomic_load(&shared->third) < before + 20 + i && step < 1000000; step++)
			;
		kill(pid, SIGKILL);
		if (!broken)
			waitpid(pid, NULL, 0);
		atomic_fetch_add_explicit(&shared->third, 1, memory_order_acq_rel);
		atomic_store_explicit(&shared->turn, 0, memory_order_release);
		shared->more[i % 64]++;
	}
	while (wait(NULL) > 0)
		;
}

OTHER(kills)
{
}

static _Atomic int handled;

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add_explicit(&shared->third, 1, memory_order_acq_rel);
	shared->more[0]++;
	atomic_fetch_add_explicit(&handled, 1, memory_order_relaxed);
}

/* A handler comes whenever it likes, also in the midst of the runtime. */
SCENARIO(signals, "signals upon signals, whose handler uses the same atomics")
{
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = count_signal, .sa_flags = SA_RESTART},
		  NULL);
	atomic_store(&shared->flag, 1);
	while (atomic_load_explicit(&shared->flag, memory_order_acquire) != 2) {
		atomic_fetch_add_explicit(&shared->third, 1, memory_order_acq_rel);
		for (int i = 1; i < 64; i++)
			shared->more[i]++;
	}
	/* the child's last act before the flag */
	shared->data++;
}

OTHER(signals)
{
	await_flag(&shared->flag, 1);
	for (int i = 0; i < SIGNALS; i++) {
		kill(child, SIGUSR1);
		atomic_fetch_add_explicit(&shared->third, 1, memory_order_acq_rel);
	}
	shared->data++;
	atomic_store_explicit(&shared->flag, 2,
			      broken ? memory_order_relaxed : memory_order_release);
}

static pthread_mutex_t own_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *count_in_thread(void *unused)
{
	for (int i = 0; i < STEPS; i++) {
		if (!broken)
			pthread_mutex_lock(&own_mutex);
		shared->data++;
		if (!broken)
			pthread_mutex_unlock(&own_mutex);
	}
	return unused;
}

SCENARIO(threads, "threads with a mutex of their process's own, and joined")
{
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		must(!pthread_create(&threads[i], NULL, count_in_thread, NULL));
	for (int i = 0; i < 3; i++)
		must(!pthread_join(threads[i], NULL));
	must(shared->data == 3 * STEPS || broken);
	must(write(channel[1], "x", 1) == 1);
}

OTHER(threads)
{
	char byte;

	must(read(channel[0], &byte, 1) == 1);
	shared->data++;
}
