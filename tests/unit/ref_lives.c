/* SPDX-License-Identifier: MIT */
#include "tests/unit/ref_lives.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ref/futex.h"
#include "ref/ipcref.h"
#include "ref/kernel.h"
#include "ref/socket.h"

_Noreturn void give_up(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: %s (errno %d)\n", file, line, condition, errno);
	_exit(1);
}

pid_t forks(void)
{
	pid_t pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	return memory;
}

const char *file_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", getenv("IPCREF_NAMESPACE"), name);
	return path;
}

/* -- deaths ----------------------------------------------------------------------------------- */

/* The kernel is told of a lock again when the one that was taken under it is dropped. */
void live_with_two_locks(void)
{
	struct lock *locks = share(2 * sizeof(*locks));
	pid_t pid = forks();

	if (pid == 0) {
		lock_take(&locks[0]);
		lock_take(&locks[1]);
		lock_drop(&locks[1]);
		kill(getpid(), SIGKILL);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
	if (kernel_minds_the_dead())
		MUST(atomic_load(&locks[0].word) & LOCK_OWNER_DIED);
	MUST(!lock_take(&locks[0]) && lock_take(&locks[1]));
	MUST((atomic_load(&locks[0].word) & ~LOCK_IS_WAITED_FOR) == thread_id());
}

#ifdef SYS_get_robust_list
/* A handler may have interrupted libc just as it was taking a lock of its own. */
void live_within_a_lock_of_libc(void)
{
	struct robust_list_head *list = NULL;
	struct robust_list its;
	size_t size;
	int ends[2];

	if (syscall(SYS_get_robust_list, 0, &list, &size) < 0 || !list)
		return;
	/* nor by the first call of a thread */
	list->list_op_pending = &its;
	MUST(ipcref_pipe(ends) == 0 && ipcref_write(ends[1], "a", 1) == 1);
	MUST(list->list_op_pending == &its);
	list->list_op_pending = NULL;
}
#else
void live_within_a_lock_of_libc(void)
{
}
#endif

void queue_to(pid_t pid)
{
	MUST(ipcref_sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = 1}) == 0);
}

static pid_t fork_asleep(void)
{
	_Atomic int *is_there = share(sizeof(*is_there));
	pid_t pid = forks();

	if (pid == 0) {
		atomic_store(is_there, 1);
		for (;;)
			pause();
	}
	/* it has got over the fork, as the library has it */
	while (!atomic_load(is_there))
		sched_yield();
	munmap((void *)is_there, sizeof(*is_there));
	MUST(pid > 0);
	return pid;
}

static void see_the_end_of(pid_t pid)
{
	MUST(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

/* A number comes back: the mailbox of that name is of a process that is no more. */
void live_with_a_predecessors_mailbox(void)
{
	char before[PATH_MAX], now[PATH_MAX];
	pid_t first = fork_asleep(), next;
	uint64_t birth = thread_birth((uint32_t)first);

	queue_to(first);
	see_the_end_of(first);
	/* births are told in hundredths of a second */
	while (thread_birth((uint32_t)(next = fork_asleep())) == birth)
		see_the_end_of(next);
	snprintf(before, sizeof(before), "%s/sig.%ld", getenv("IPCREF_NAMESPACE"), (long)first);
	snprintf(now, sizeof(now), "%s/sig.%ld", getenv("IPCREF_NAMESPACE"), (long)next);
	MUST(rename(before, now) == 0);
	queue_to(next);
	see_the_end_of(next);
	MUST(unlink(now) == 0);
}

/* Who may send to everybody makes a mailbox that is the receiver's. */
void live_with_another_users_process(void)
{
	enum { SOMEBODY = 61237 };
	_Atomic int *is_sent = share(sizeof(*is_sent));
	sigset_t set;
	int status;

	if (geteuid() != 0)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	MUST(chmod(getenv("IPCREF_NAMESPACE"), 0777) == 0);
	pid_t pid = forks();
	if (pid == 0) {
		have_patience(PATIENCE_SECONDS);
		MUST(setuid(SOMEBODY) == 0);
		while (!atomic_load(is_sent))
			sched_yield();
		MUST(ipcref_sigwaitinfo(&set, NULL) == SIGRTMIN);
		_exit(0);
	}
	struct stat its;
	char path[64];
	snprintf(path, sizeof(path), "/proc/%ld", (long)pid);
	while (stat(path, &its) == 0 && its.st_uid != SOMEBODY)
		sched_yield();
	queue_to(pid);
	atomic_store(is_sent, 1);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Who comes to a lock that a writer has died with is told so, also who only tries. */
void live_with_a_writer_who_died(void)
{
	pthread_rwlock_t *rwlocks = share(2 * sizeof(*rwlocks));
	pid_t pid;

	MUST(ipcref_rwlock_init(&rwlocks[0], NULL) == 0 &&
	     ipcref_rwlock_init(&rwlocks[1], NULL) == 0);
	if ((pid = forks()) == 0)
		_exit(ipcref_rwlock_wrlock(&rwlocks[0]) + ipcref_rwlock_wrlock(&rwlocks[1]));
	MUST(waitpid(pid, NULL, 0) == pid);
	MUST(ipcref_rwlock_tryrdlock(&rwlocks[0]) == ENOTRECOVERABLE);
	MUST(ipcref_rwlock_trywrlock(&rwlocks[1]) == ENOTRECOVERABLE);
}

/* -- what the library is relied on by itself -------------------------------------------------- */

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* To wait for nothing takes its time. */
void live_with_words_that_stay(void)
{
	enum { MS = 20 };
	_Atomic uint32_t words[2] = {1, 1};
	const struct waited_word both[] = {{&words[0], 1}, {&words[1], 1}};
	int64_t began = milliseconds();

	MUST(futex_wait(&words[0], 1, MS) == ETIMEDOUT && milliseconds() - began >= MS);
	/* where several words can't be waited for, the first is, for a moment */
	began = milliseconds();
	futex_wait_any(both, 1, MS);
	MUST(milliseconds() - began >= MS);
	errno = 0;
	long number = syscall(SYS_futex_waitv, NULL, 0, 0, NULL, CLOCK_MONOTONIC);
	if (number == -1 && errno != ENOSYS) {
		began = milliseconds();
		futex_wait_any(both, 2, MS);
		MUST(milliseconds() - began >= MS);
	}
}

/* An owner that there isn't may be of another PID namespace: he is given his time. */
void live_with_an_owner_of_elsewhere(void)
{
	enum { TRUST_MS = 1000 };
	struct lock *lock = share(sizeof(*lock));
	pid_t nobody = fork_asleep();
	int64_t began = milliseconds();

	if (!kernel_minds_the_dead())
		return;
	see_the_end_of(nobody);
	atomic_store(&lock->word, (uint32_t)nobody);
	MUST(!lock_take(lock) && milliseconds() - began >= TRUST_MS);
}

long count_costs(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	DIR *open_now = opendir("/proc/self/fd");
	char line[512];
	long count = 0;

	MUST(maps && open_now);
	while (fgets(line, sizeof(line), maps))
		count += strchr(line, '/') != NULL;
	while (readdir(open_now))
		count++;
	fclose(maps);
	closedir(open_now);
	return count;
}

enum { KEY = 0x1bc };

/* Each opens what it closes again. */
static void do_all_once(void)
{
	char path[PATH_MAX], byte;
	struct pollfd polled = {.events = POLLIN};
	int ends[2], fd, id, size;
	socklen_t length = sizeof(size);
	struct msqid_ds queue;

	MUST(ipcref_pipe(ends) == 0 && ipcref_write(ends[1], "a", 1) == 1);
	polled.fd = ends[0];
	MUST(ipcref_poll(&polled, 1, -1) == 1 && (fd = ipcref_dup(ends[0])) >= 0);
	MUST(ipcref_read(fd, &byte, 1) == 1 && ipcref_close(fd) == 0);
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
	MUST((fd = ipcref_eventfd(1, 0)) >= 0 && ipcref_close(fd) == 0);
	MUST((fd = (int)ipcref_mq_open("/q", O_RDWR | O_CREAT, 0600, NULL)) >= 0);
	MUST(ipcref_mq_send(fd, "a", 1, 0) == 0 && ipcref_mq_notify(fd, NULL) == 0);
	polled.fd = fd;
	MUST(ipcref_poll(&polled, 1, -1) == 1);
	MUST_FAIL(ipcref_mq_receive(fd, &byte, 1, NULL), EMSGSIZE);
	MUST(ipcref_mq_close(fd) == 0 && ipcref_mq_unlink("/q") == 0);
	MUST((id = ipcref_msgget(IPC_PRIVATE, 0600)) >= 0);
	MUST(ipcref_msgctl(id, IPC_STAT, &queue) == 0 && ipcref_msgctl(id, IPC_RMID, NULL) == 0);
	MUST((id = ipcref_semget(IPC_PRIVATE, 1, 0600)) >= 0);
	MUST(ipcref_semctl(id, 0, GETVAL) == 0 && ipcref_semctl(id, 0, IPC_RMID) == 0);
	MUST((id = ipcref_shmget(IPC_PRIVATE, 1, 0600)) >= 0);
	void *memory = ipcref_shmat(id, NULL, 0);
	MUST(memory != MAP_FAILED && ipcref_shmdt(memory) == 0);
	MUST(ipcref_shmctl(id, IPC_RMID, NULL) == 0);
	MUST((id = ipcref_shmget(KEY, 1, 0600 | IPC_CREAT)) >= 0);
	MUST(ipcref_shmget(KEY, 1, 0) == id && ipcref_shmctl(id, IPC_RMID, NULL) == 0);
	sem_t *sem = ipcref_sem_open("/s", O_CREAT, 0600, 1);
	MUST(sem != SEM_FAILED && ipcref_sem_close(sem) == 0 && ipcref_sem_unlink("/s") == 0);
	MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	MUST(ipcref_getsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, &length) == 0);
	MUST(ipcref_setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, length) == 0);
	MUST(ipcref_send(ends[0], "a", 1, 0) == 1 && ipcref_recv(ends[1], &byte, 1, 0) == 1);
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
	snprintf(path, sizeof(path), "%s/f", getenv("IPCREF_NAMESPACE"));
	MUST(ipcref_mkfifo(path, 0600) == 0 && (fd = ipcref_open(path, O_RDWR)) >= 0);
	MUST(ipcref_close(fd) == 0 && unlink(path) == 0);
}

/* Datagrams to a name, and signals to oneself. */
static void send_letters(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int from = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);
	int to = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);
	struct pollfd polled = {from, POLLOUT, 0};
	sigset_t set;
	char byte;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/d", getenv("IPCREF_NAMESPACE"));
	MUST(ipcref_bind(to, (struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(ipcref_connect(from, (struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(ipcref_send(from, "a", 1, 0) == 1 && ipcref_poll(&polled, 1, -1) == 1);
	MUST(ipcref_recv(to, &byte, 1, 0) == 1);
	MUST(ipcref_close(to) == 0 && unlink(address.sun_path) == 0);
	MUST_FAIL(ipcref_send(from, "a", 1, 0), ECONNREFUSED);
	MUST_FAIL(ipcref_send(from, "a", 1, 0), ENOTCONN);
	MUST(ipcref_close(from) == 0);

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	queue_to(getpid());
	MUST(ipcref_sigwaitinfo(&set, NULL) == SIGRTMIN);
	for (int i = 0; i < 256; i++)
		queue_to(getpid());
	MUST_FAIL(ipcref_sigqueue(getpid(), SIGRTMIN, (union sigval){0}), EAGAIN);
	for (int i = 0; i < 256; i++)
		MUST(ipcref_sigwaitinfo(&set, NULL) == SIGRTMIN);
}

/* What is closed costs nothing any more, and what was locked isn't; so the kernel is told of the
 * next lock as of the first. */
void live_for_long(void)
{
	struct lock *lock = share(sizeof(*lock));
	long before;

	for (int i = 0; i < 3; i++)
		do_all_once();
	send_letters();
	before = count_costs();
	for (int i = 0; i < 10; i++)
		do_all_once();
	MUST(count_costs() == before);
	for (int i = 0; i < 3; i++)
		send_letters();
	MUST(count_costs() == before);

	pid_t pid = forks();
	if (pid == 0) {
		do_all_once();
		send_letters();
		lock_take(lock);
		kill(getpid(), SIGKILL);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
	MUST(!kernel_minds_the_dead() || atomic_load(&lock->word) & LOCK_OWNER_DIED);
}

static void *read_a_byte(void *given)
{
	char byte;

	return (void *)(intptr_t)ipcref_read(*(int *)given, &byte, 1);
}

/* Whether the thread of this process is in a sleep. */
static bool sleeps(pid_t process, pid_t thread)
{
	char path[64], line[512] = "";

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/stat", (long)process, (long)thread);
	FILE *file = fopen(path, "re");
	MUST(file && fgets(line, sizeof(line), file));
	fclose(file);
	const char *end = strrchr(line, ')');
	return end && end[2] == 'S';
}

/*
 * Of those looks, for so long: who waits in the library looks up every 16 ms at the most often, and
 * what it has to do before, it does not sleep for.
 */
enum { LOOKS_OF_A_SLEEP = 20, SLEEP_MS = 3 };

void await_sleep_of(pid_t process, pid_t thread)
{
	struct timespec since = {0, 0};
	int looks = 0;

	while (looks < LOOKS_OF_A_SLEEP || !moment_is_past(CLOCK_MONOTONIC, &since)) {
		sched_yield();
		if (!sleeps(process, thread))
			looks = 0;
		else if (looks++ == 0)
			since = moment_after(CLOCK_MONOTONIC, SLEEP_MS);
	}
}

void await_sleep(pid_t pid)
{
	await_sleep_of(pid, pid);
}

static _Atomic pid_t reader;

static void *tell_and_read(void *given)
{
	atomic_store(&reader, (pid_t)syscall(SYS_gettid));
	return read_a_byte(given);
}

static _Atomic unsigned companions;

/* Has used the library, and stays. */
static void *accompany(void *given)
{
	char byte;

	MUST(ipcref_read(*(int *)given, &byte, 1) == 1);
	atomic_fetch_add(&companions, 1);
	for (;;)
		pause();
}

/* What a thread is still using when its number is closed isn't a child's, which has no such thread.
 */
void live_with_a_thread_in_a_call(void)
{
	pthread_t thread;
	void *result;
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	MUST(ipcref_pipe(ends) == 0);
	for (unsigned i = 1; i <= 3; i++) {
		MUST(ipcref_write(ends[1], "c", 1) == 1);
		MUST(pthread_create(&thread, NULL, accompany, &ends[0]) == 0);
		while (atomic_load(&companions) < i)
			sched_yield();
	}
	MUST(pthread_create(&thread, NULL, tell_and_read, &ends[0]) == 0);
	while (!atomic_load(&reader))
		sched_yield();
	await_sleep_of(getpid(), atomic_load(&reader));
	MUST(ipcref_close(ends[0]) == 0);
	pid_t child = fork_asleep();
	MUST(ipcref_write(ends[1], "a", 1) == 1);
	MUST(pthread_join(thread, &result) == 0 && (intptr_t)result == 1);
	MUST_FAIL(ipcref_write(ends[1], "b", 1), EPIPE);
	see_the_end_of(child);
}

/* -- what Linux says, and no standard ---------------------------------------------------------- */

/* Of files that are none of ours, and of sockets. */
static void refuses_names(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int first = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);
	int second = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat status;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/n", getenv("IPCREF_NAMESPACE"));
	int fd = open(address.sun_path, O_CREAT | O_RDWR, 0600);
	MUST(fd >= 0 && close(fd) == 0);
	MUST_FAIL(ipcref_bind(first, (struct sockaddr *)&address, sizeof(address)), EADDRINUSE);
	MUST(unlink(address.sun_path) == 0);
	MUST(ipcref_bind(first, (struct sockaddr *)&address, sizeof(address)) == 0);
	MUST_FAIL(ipcref_bind(second, (struct sockaddr *)&address, sizeof(address)), EADDRINUSE);
	MUST_FAIL(ipcref_open(address.sun_path, O_RDWR), ENXIO);
	errno = 0;
	MUST_FAIL(ipcref_fcntl(second, F_SETFL, O_ASYNC), ENOSYS);
	MUST(ipcref_close(first) == 0 && ipcref_close(second) == 0);
	MUST(unlink(address.sun_path) == 0);

	/* a name may end with its size, whatever was told before */
	first = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);
	second = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);
	size_t length = strlen(address.sun_path);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	memset(address.sun_path + length, 'm', 8);
	MUST(ipcref_bind(first, (struct sockaddr *)&address, size + 8) == 0);
	MUST(unlink(address.sun_path) == 0);
	MUST(ipcref_bind(second, (struct sockaddr *)&address, size) == 0);
	address.sun_path[length] = '\0';
	MUST(unlink(address.sun_path) == 0);
	MUST(ipcref_close(first) == 0 && ipcref_close(second) == 0);

	/* a FIFO's mode is also that of who knows nothing of it */
	MUST(ipcref_mkfifo(address.sun_path, 0600) == 0 && chmod(address.sun_path, 0640) == 0);
	MUST(ipcref_stat(address.sun_path, &status) == 0 && status.st_mode == (S_IFIFO | 0640));
	/* to want none there means nothing if none is to be made */
	MUST((fd = ipcref_open(address.sun_path, O_RDWR | O_EXCL)) >= 0);
	MUST(ipcref_fcntl(fd, F_GETFL) >= 0 && ipcref_write(fd, "a", 1) == 1);
	MUST(ipcref_close(fd) == 0);
	MUST(unlink(address.sun_path) == 0);
}

static int operate(int id, int amount, int flags)
{
	struct sembuf operation = {0, (short)amount, (short)(flags | IPC_NOWAIT)};

	return ipcref_semop(id, &operation, 1);
}

/* An adjustment is 32767 at most, and -32768 at least. */
static void adjusts_as_far_as_it_may(int id)
{
	MUST(operate(id, 32767, SEM_UNDO) == 0 && operate(id, -32767, 0) == 0);
	MUST(operate(id, 1, SEM_UNDO) == 0);
	MUST_FAIL(operate(id, 1, SEM_UNDO), ERANGE);
	MUST(operate(id, -1, SEM_UNDO) == 0 && operate(id, 32767, 0) == 0);
	MUST(operate(id, -32767, SEM_UNDO) == 0 && operate(id, 32767, 0) == 0);
	MUST(operate(id, -32767, SEM_UNDO) == 0 && operate(id, 1, 0) == 0);
	MUST_FAIL(operate(id, -1, SEM_UNDO), ERANGE);
}

/* Of places, and of semaphores. */
static void refuses_numbers(void)
{
	struct sembuf beyond = {.sem_num = 1, .sem_op = 1};
	struct sembuf must_wait_and_is_beyond[] = {{0, -1, IPC_NOWAIT}, beyond};
	struct mq_attr attributes;
	struct msqid_ds queue;
	int id;

	errno = 0;
#ifdef MSG_STAT
	MUST_FAIL(ipcref_msgctl(30000, MSG_STAT, &queue), EINVAL);
#endif
#ifdef SEM_STAT
	MUST_FAIL(ipcref_semctl(30000, 0, SEM_STAT, &(struct semid_ds){.sem_nsems = 0}), EINVAL);
#endif
	MUST((id = ipcref_semget(IPC_PRIVATE, 1, 0600)) >= 0);
	MUST_FAIL(ipcref_semop(id, &beyond, 1), EFBIG);
	MUST_FAIL(ipcref_semop(id, must_wait_and_is_beyond, 2), EFBIG);
	adjusts_as_far_as_it_may(id);
	MUST(ipcref_semctl(id, 0, IPC_RMID) == 0);
	errno = 0;
	MUST_FAIL(ipcref_shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	MUST_FAIL(ipcref_mq_setattr(-1, &(struct mq_attr){0}, NULL), EBADF);
	MUST_FAIL(ipcref_mq_getattr(-1, &attributes), EBADF);
}

void live_by_what_linux_says(void)
{
	enum { MUCH = 180000 };
	pthread_rwlock_t *rwlock = share(sizeof(*rwlock));
	pthread_mutex_t *mutex = share(sizeof(*mutex));
	int ends[2], id, size = MUCH;
	socklen_t length = sizeof(size);

	MUST(ipcref_mutex_init(mutex, NULL) == 0 && ipcref_mutex_lock(mutex) == 0);
	MUST(ipcref_mutex_unlock(mutex) == 0 && ipcref_mutex_destroy(mutex) == 0);
	MUST(ipcref_rwlock_init(rwlock, NULL) == 0 && ipcref_rwlock_wrlock(rwlock) == 0);
	MUST(ipcref_rwlock_wrlock(rwlock) == EDEADLK && ipcref_rwlock_rdlock(rwlock) == EDEADLK);
	MUST((id = ipcref_shmget(IPC_PRIVATE, 1, 0600)) >= 0);
	MUST_FAIL(ipcref_shmctl(id, IPC_STAT, NULL), EFAULT);
	MUST(ipcref_shmctl(id, IPC_RMID, NULL) == 0);
	MUST(ipcref_pipe(ends) == 0);
#ifdef F_SETPIPE_SZ
	MUST_FAIL(ipcref_fcntl(ends[1], F_SETPIPE_SZ, -1), EINVAL);
#endif
	MUST(ipcref_readv(ends[0], NULL, 0) == 0 && ipcref_writev(ends[1], NULL, 0) == 0);
	MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	MUST(ipcref_setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, length) == 0);
	MUST(ipcref_getsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, &length) == 0);
	MUST(size == 2 * MUCH);
	size = 0;
	MUST(ipcref_setsockopt(ends[0], SOL_SOCKET, SO_RCVLOWAT, &size, length) == 0);
	MUST(ipcref_getsockopt(ends[0], SOL_SOCKET, SO_RCVLOWAT, &size, &length) == 0 && size == 1);
#ifdef SO_PEEK_OFF
	char text[16];

	size = 7;
	MUST(ipcref_setsockopt(ends[1], SOL_SOCKET, SO_PEEK_OFF, &size, length) == 0);
	MUST(ipcref_send(ends[0], "one", 3, 0) == 3 && ipcref_send(ends[0], "two", 3, 0) == 3);
	MUST(ipcref_send(ends[0], "three", 5, 0) == 5);
	MUST(ipcref_recv(ends[1], text, sizeof(text), MSG_PEEK) == 4);
	MUST(memcmp(text, "hree", 4) == 0);
#endif
	while (passes(ends[0], ends[1], MSG_DONTWAIT))
		continue;
	MUST(errno == EAGAIN || errno == ETOOMANYREFS);
	refuses_names();
	refuses_numbers();
}
