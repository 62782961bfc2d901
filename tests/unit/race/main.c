/* SPDX-License-Identifier: MIT */
/* scenarios list, scenarios NAME right|broken, scenarios become DESCRIPTOR [stay]: see scenario.h.
 */
#include "scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared *shared;
bool broken;
pid_t child;
int channel[2], pair[2], event_fd, file_fd;
char directory[128];

static struct scenario *scenarios;

void add_scenario(struct scenario *scenario)
{
	struct scenario **last = &scenarios;

	while (*last)
		last = &(*last)->next;
	*last = scenario;
}

void must_(bool holds, const char *what, int line)
{
	if (holds)
		return;
	fprintf(stderr, "scenario: line %d: not so: %s: %s\n", line, what, strerror(errno));
	_exit(3);
}

void await_flag(_Atomic int *flag, int value)
{
	while (atomic_load_explicit(flag, memory_order_relaxed) != value)
		;
}

static void make_locks(void)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;
	pthread_rwlockattr_t rwlock;
	pthread_barrierattr_t barrier;

	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->mutex, &mutex);
	pthread_mutex_init(&shared->other_mutex, &mutex);
	pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->robust, &mutex);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&shared->cond, &cond);
	pthread_rwlockattr_init(&rwlock);
	pthread_rwlockattr_setpshared(&rwlock, PTHREAD_PROCESS_SHARED);
	pthread_rwlock_init(&shared->rwlock, &rwlock);
	pthread_barrierattr_init(&barrier);
	pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->barrier, &barrier, 2);
	pthread_spin_init(&shared->spin, PTHREAD_PROCESS_SHARED);
	sem_init(&shared->sem, 1, 0);
	sem_init(&shared->permits, 1, 2);
}

static void prepare(void)
{
	const char *folder = getenv("TMPDIR");
	char path[160];

	snprintf(directory, sizeof(directory), "%s/scenario-XXXXXX", folder ? folder : "/tmp");
	must(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/file", directory);
	file_fd = open(path, O_RDWR | O_CREAT, 0600);
	must(file_fd >= 0 && !ftruncate(file_fd, 65536));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	must(shared != MAP_FAILED);
	must(!pipe(channel) && !socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	event_fd = eventfd(0, 0);
	make_locks();
}

static void clean_up(void)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	if (system(command))
		perror(directory);
}

static int play(const struct scenario *scenario)
{
	int status;

	prepare();
	child = fork();
	if (!child) {
		alarm(20);
		child = getppid();
		scenario->other();
		_exit(0);
	}
	alarm(20);
	scenario->one();
	pid_t pid = waitpid(child, &status, 0);

	clean_up();
	/* some wait for it, or kill it, by themselves */
	must(pid < 0 || (WIFEXITED(status) && (!WEXITSTATUS(status) || broken)) ||
	     (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	return 0;
}

/* A program that has the segment as a descriptor; it may stay until its input ends. */
static int become(int fd, bool stays)
{
	int *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(memory != MAP_FAILED);
	memory[0]++;
	if (stays) {
		puts("here");
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	return 0;
}

int main(int count, char **arguments)
{
	if (count == 2 && !strcmp(arguments[1], "list")) {
		for (struct scenario *it = scenarios; it; it = it->next)
			printf("%s\t%s\t%s\n", it->name, it->racy ? "racy" : "right", it->text);
		return 0;
	}
	if (count >= 3 && !strcmp(arguments[1], "become"))
		return become(atoi(arguments[2]), count > 3);
	for (struct scenario *it = scenarios; it && count == 3; it = it->next)
		if (!strcmp(it->name, arguments[1])) {
			broken = !strcmp(arguments[2], "broken");
			return play(it);
		}
	fprintf(stderr, "usage: scenarios list | NAME right|broken\n");
	return 2;
}
