/* SPDX-License-Identifier: MIT */
/*
 * Ways to make processes, and to send them signals: calls NAME right|broken.  And calls that can't
 * be explored: calls refused NAME.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "program.h"

extern char **environ;

static struct shared {
	_Atomic int counter;
	sem_t never, ready;
} * shared;

static bool broken;
static const char *own_path;
static volatile sig_atomic_t rings, sum;

static void ring(int signal)
{
	(void)signal;
	rings++;
}

static void handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	assert(sigaction(signal, &action, NULL) == 0);
}

static void reap(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		assert(errno == EINTR);
	assert(status == 0);
}

static void count_one(void)
{
	if (!broken)
		atomic_fetch_add(&shared->counter, 1);
	else
		atomic_store(&shared->counter, atomic_load(&shared->counter) + 1);
}

/* ---- processes ---- */

static int count_and_end(void *unused)
{
	(void)unused;
	count_one();
	return 0;
}

static void beside(pid_t child)
{
	assert(child > 0);
	count_one();
	reap(child);
	assert(atomic_load(&shared->counter) == 2);
}

static void cloned(void)
{
	static char stack[1 << 16] __attribute__((aligned(16)));

	beside(clone(count_and_end, stack + sizeof(stack), SIGCHLD, NULL));
}

static void cloned_by_number(void)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (child == 0)
		_exit(count_and_end(NULL));
	beside(child);
}

/* Another program, that finds what both write to in a file without a name. */
static void spawned(void)
{
	char memory[16];
	char *arguments[] = {(char *)own_path, "begin", broken ? "broken" : "right", memory, NULL};
	int fd = memfd_create("calls", 0);
	pid_t child;

	assert(fd >= 0 && ftruncate(fd, sizeof(*shared)) == 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert(shared != MAP_FAILED);
	snprintf(memory, sizeof(memory), "%d", fd);
	assert(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
	beside(child);
}

static int begin(int fd)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert(shared != MAP_FAILED);
	return count_and_end(NULL);
}

/* A program that isn't watched; and one that isn't there. */
static void spawned_strangers(void)
{
	char *arguments[] = {"sh", "-c", broken ? "exit 1" : "exit 0", NULL};
	pid_t child;

	atomic_store(&shared->counter, 1);
	assert(posix_spawn(&child, "/nowhere", NULL, NULL, arguments, environ) == ENOENT);
	assert(posix_spawnp(&child, "sh", NULL, NULL, arguments, environ) == 0);
	reap(child);
}

/* ---- signals ---- */

static void add(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	sum += info->si_value.sival_int;
}

/* Only signals of real time are as many as were sent. */
static void queued(void)
{
	int number = broken ? SIGUSR1 : SIGRTMIN;
	struct sigaction action = {.sa_sigaction = add, .sa_flags = SA_SIGINFO};
	sigset_t blocked, before;
	pid_t parent = getpid(), child;

	sigemptyset(&blocked);
	sigaddset(&blocked, number);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	assert(sigaction(number, &action, NULL) == 0);
	child = fork();
	if (child == 0) {
		assert(sigqueue(parent, number, (union sigval){.sival_int = 1}) == 0);
		assert(sigqueue(parent, number, (union sigval){.sival_int = 2}) == 0);
		_exit(0);
	}
	while (sum < 3)
		sigsuspend(&before);
	reap(child);
}

/* The signal may come between the look and the sleep, if nothing keeps it away. */
static void told_group(void)
{
	sigset_t blocked, before;
	pid_t child;

	assert(setpgid(0, 0) == 0);
	handle(SIGUSR1, ring, 0);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	child = fork();
	if (child == 0) {
		if (broken)
			sigprocmask(SIG_SETMASK, &before, NULL);
		while (!rings)
			if (broken)
				pause();
			else
				sigsuspend(&before);
		_exit(0);
	}
	atomic_fetch_add(&shared->counter, 1);
	assert(killpg(0, SIGUSR1) == 0);
	reap(child);
}

static void *await_told(void *set)
{
	int number;

	assert(sigwait(set, &number) == 0 && number == SIGUSR1);
	atomic_store(&shared->counter, 2);
	return NULL;
}

static void wait_and_be_told(bool as_process)
{
	int signal = broken ? 0 : SIGUSR1;
	sigset_t set;
	pthread_t thread;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	assert(pthread_create(&thread, NULL, await_told, &set) == 0);
	assert((as_process ? kill(getpid(), signal) : pthread_kill(thread, signal)) == 0);
	pthread_join(thread, NULL);
	assert(atomic_load(&shared->counter) == 2);
}

static void told_thread(void)
{
	wait_and_be_told(false);
}

/* No memory is shared, nor anything else. */
static void signals_alone(void)
{
	pid_t parent = getpid();
	sigset_t set, before;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &before);
	handle(SIGUSR1, ring, 0);
	pid_t child = fork();
	if (child == 0)
		_exit(kill(parent, SIGUSR1) < 0);
	if (broken) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		while (!rings)
			pause();
	} else
		assert(sigwait(&set, &number) == 0);
	reap(child);
}

/* ---- handlers are the process's ---- */

/* Without the post, who looks before it waits has come too late. */
static void ring_and_post(int signal)
{
	ring(signal);
	if (!broken)
		sem_post(&shared->never);
}

static void *await_ring(void *unused)
{
	while (!rings)
		sem_wait(&shared->never);
	return unused;
}

/* The thread was there before. */
static void handled_later(void)
{
	pthread_t thread;

	assert(sem_init(&shared->never, 1, 0) == 0);
	assert(pthread_create(&thread, NULL, await_ring, NULL) == 0);
	handle(SIGUSR1, ring_and_post, 0);
	assert(pthread_kill(thread, SIGUSR1) == 0);
	assert(pthread_join(thread, NULL) == 0);
	assert(rings == 1);
}

static void *handle_and_tell(void *unused)
{
	handle(SIGUSR1, ring_and_post, 0);
	sem_post(&shared->ready);
	return unused;
}

/* Another thread has set it; the signal is the process's. */
static void handled_by_another(void)
{
	pthread_t thread;

	assert(sem_init(&shared->never, 1, 0) == 0 && sem_init(&shared->ready, 1, 0) == 0);
	pid_t child = fork();
	if (child == 0) {
		while (sem_wait(&shared->ready) < 0)
			;
		_exit(kill(getppid(), SIGUSR1) < 0);
	}
	assert(pthread_create(&thread, NULL, handle_and_tell, NULL) == 0);
	await_ring(NULL);
	pthread_join(thread, NULL);
	reap(child);
	assert(rings == 1);
}

/* Whoever waits for a signal of the process takes it, if all others mask it. */
static void told_process(void)
{
	wait_and_be_told(true);
}

/* ---- alarms ---- */

/* Each ends one wait, and one alone is one too few. */
static void alarms(void)
{
	struct itimerval every = {{0, broken ? 0 : 10000}, {0, 10000}}, left;

	handle(SIGALRM, ring, 0);
	assert(sem_init(&shared->never, 1, 0) == 0 && setitimer(ITIMER_REAL, &every, NULL) == 0);
	assert(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_usec > 0);
	for (int waits = 0; waits < 2; waits++)
		assert(sem_wait(&shared->never) < 0 && errno == EINTR);
	assert(rings == 2);
}

/* What a child doesn't do within its time it is killed over, unless its parent lets it go on. */
static void watched(void)
{
	pid_t child;

	assert(sem_init(&shared->never, 1, 0) == 0);
	alarm(3);
	child = fork();
	if (child == 0) {
		assert(alarm(2) == 0); /* the parent's isn't its own */
		while (sem_wait(&shared->never) < 0)
			;
		assert(alarm(0) == 2); /* no time has passed */
		_exit(0);
	}
	if (!broken)
		sem_post(&shared->never);
	reap(child);
	assert(alarm(0) == 3);
}

/* ---- what can't be explored ---- */

static void alone(void)
{
}

static void make_timer(void)
{
	timer_t timer;

	timer_create(CLOCK_MONOTONIC, NULL, &timer);
}

static void make_timerfd(void)
{
	timerfd_create(CLOCK_MONOTONIC, 0);
}

static void make_signalfd(void)
{
	sigset_t none;

	sigemptyset(&none);
	signalfd(-1, &none, 0);
}

static void make_ring(void)
{
#ifdef SYS_io_uring_setup
	syscall(SYS_io_uring_setup, 1, NULL);
#endif
}

static void share_all(void)
{
	static char stack[1 << 16] __attribute__((aligned(16)));

	clone(count_and_end, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
}

static void take_processor_time(void)
{
	static const struct itimerval soon = {{0, 0}, {0, 1}};

	setitimer(ITIMER_PROF, &soon, NULL);
}

static void kill_all(void)
{
	kill(-1, 0);
}

static const struct program refused[] = {
	{"timer_create", make_timer}, {"timerfd_create", make_timerfd},
	{"signalfd", make_signalfd},  {"io_uring_setup", make_ring},
	{"clone", share_all},	      {"setitimer", take_processor_time},
	{"kill", kill_all},
};

static const struct program programs[] = {
	{"cloned", cloned},
	{"cloned_by_number", cloned_by_number},
	{"spawned", spawned},
	{"spawned_strangers", spawned_strangers},
	{"queued", queued},
	{"told_group", told_group},
	{"told_thread", told_thread},
	{"signals_alone", signals_alone},
	{"handled_later", handled_later},
	{"handled_by_another", handled_by_another},
	{"told_process", told_process},
	{"alarms", alarms},
	{"watched", watched},
	{"alone", alone},
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	own_path = argv[0];
	broken = argc > 2 && strcmp(argv[2], "broken") == 0;
	if (argc > 3)
		return begin(atoi(argv[3]));
	shared = share(sizeof(*shared));
	if (!shared)
		return NOT_PLAYED;
	if (argc > 2 && strcmp(name, "refused") == 0)
		return PLAY_PROGRAM(refused, argv[2]);
	return PLAY_PROGRAM(programs, name);
}
