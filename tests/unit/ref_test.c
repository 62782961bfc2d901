/* SPDX-License-Identifier: MIT */
/*
 * The reference where its platform refuses what nearly every platform has: no campaign comes there,
 * for it is asked for once in a process's life, or by the library's own means.  And beside a
 * program that has the platform's own means as well, which a test of the corpus knows nothing of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ref/futex.h"
#include "ref/ipcref.h"
#include "ref/kernel.h"
#include "ref/lock.h"
#include "ref/object.h"

/* -- the platform that refuses ----------------------------------------------------------------
 */

static struct {
	long call;		 /* the system call that there is none of; 0: all are there */
	bool has_no_proc;	 /* no file below /proc can be opened */
	int no_tmpfile;		 /* how it says that no file can be made without a name */
	int interruptions;	 /* of posix_fallocate, before it is done */
	bool has_no_thread_data; /* pthread_setspecific */
	unsigned refusals;	 /* there have been */
} world;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_openat(int directory, const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...);
int __real_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size);
int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);

long __wrap_syscall(long number, ...)
{
	va_list list;
	long n[6];

	if (number == world.call) {
		world.refusals++;
		errno = ENOSYS;
		return -1;
	}
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		n[i] = va_arg(list, long);
	va_end(list);
	return __real_syscall(number, n[0], n[1], n[2], n[3], n[4], n[5]);
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list list;

	if (world.has_no_proc && strncmp(path, "/proc/", strlen("/proc/")) == 0) {
		world.refusals++;
		errno = ENOENT;
		return -1;
	}
	va_start(list, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
	va_end(list);
	return __real_open(path, flags, mode);
}

int __wrap_openat(int directory, const char *path, int flags, ...)
{
	va_list list;

	if (world.no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
		world.refusals++;
		errno = world.no_tmpfile;
		return -1;
	}
	va_start(list, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
	va_end(list);
	return __real_openat(directory, path, flags, mode);
}

int __wrap_posix_fallocate(int fd, off_t offset, off_t size)
{
	if (world.interruptions > 0) {
		world.interruptions--;
		world.refusals++;
		return EINTR;
	}
	return __real_posix_fallocate(fd, offset, size);
}

int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
	if (world.has_no_thread_data) {
		world.refusals++;
		return ENOMEM;
	}
	return __real_pthread_setspecific(key, value);
}

/* -- lives ------------------------------------------------------------------------------------ */

enum { PATIENCE_SECONDS = 60 };

#define MUST(condition) ((condition) ? (void)0 : give_up(__LINE__, #condition))

_Noreturn static void give_up(int line, const char *condition)
{
	fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, line, condition, errno);
	_exit(1);
}

/* What the library has once found out, it knows for the rest of the process: each has its own. */
static void in_process(void (*live)(void), bool is_refused)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(PATIENCE_SECONDS);
		live();
		/* 2: nothing was refused, so nothing was tested */
		_exit(is_refused == (world.refusals > 0) ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	return memory;
}

/* -- what is refused -------------------------------------------------------------------------- */

static void *read_one(void *ends)
{
	char byte;

	return (void *)(intptr_t)ipcref_read(((int *)ends)[0], &byte, 1);
}

/* One thread sleeps in a read while another closes the number. */
static void read_while_it_is_closed(void)
{
	pthread_t thread;
	void *result;
	int ends[2], copy;

	MUST(ipcref_pipe(ends) == 0);
	copy = ipcref_dup(ends[0]);
	MUST(copy >= 0);
	MUST(pthread_create(&thread, NULL, read_one, ends) == 0);
	MUST(ipcref_write(ends[1], "a", 1) == 1);
	MUST(pthread_join(thread, &result) == 0 && (intptr_t)result == 1);
	MUST(ipcref_close(ends[0]) == 0);
	MUST(ipcref_write(ends[1], "b", 1) == 1);
	ends[0] = copy;
	MUST((intptr_t)read_one(ends) == 1);
	MUST(ipcref_close(copy) == 0 && ipcref_close(ends[1]) == 0);
	MUST(ipcref_read(copy, ends, 1) == -1 && errno == EBADF);
}

static void live_without_membarrier(void)
{
	world.call = SYS_membarrier;
	read_while_it_is_closed();
}

static void live_without_thread_data(void)
{
	world.has_no_thread_data = true;
	read_while_it_is_closed();
}

/* Somebody dies with the lock, and nobody but the next can find it out. */
static void take_a_lock_of_the_dead(void)
{
	struct lock *lock = share(sizeof(*lock));
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		lock_take(lock);
		kill(getpid(), SIGKILL);
	}
	MUST(waitpid(pid, &status, 0) == pid);
	MUST(!lock_take(lock));
	lock_drop(lock);
	MUST(lock_take(lock));
	lock_drop(lock);
}

static void live_without_robust_list(void)
{
	world.call = SYS_get_robust_list;
	take_a_lock_of_the_dead();
}

static void live_without_futex(void)
{
	sem_t *sem = share(sizeof(*sem));
	int status;

	world.call = SYS_futex;
	take_a_lock_of_the_dead();
	MUST(ipcref_sem_init(sem, 1, 0) == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(ipcref_sem_wait(sem) == 0 ? 0 : 1);
	MUST(ipcref_sem_post(sem) == 0);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	MUST(!futex_is_there());
}

/* Without /proc, who is there is told by kill alone, and nobody's birth is known. */
static void live_without_proc(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	world.has_no_proc = true;
	MUST(thread_lives(thread_id(), 0));
	MUST(thread_birth(thread_id()) == 0);
	MUST(!thread_lives((uint32_t)pid, 0));
	MUST(life_goes_on(thread_id(), thread_life()));
}

static void live_interrupted(void)
{
	int ends[2];

	world.interruptions = 3;
	MUST(ipcref_pipe(ends) == 0);
	MUST(world.interruptions == 0);
	MUST(ipcref_write(ends[1], "a", 1) == 1);
}

/* A file that is made without a name is what some file systems, and kernels, don't have. */
static void live_without_tmpfile(void)
{
	static const int says[] = {EOPNOTSUPP, EISDIR, EINVAL};
	char byte;

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		int ends[2], queue;

		world.no_tmpfile = says[i];
		world.refusals = 0;
		MUST(ipcref_pipe(ends) == 0);
		MUST(ipcref_write(ends[1], "a", 1) == 1 && ipcref_read(ends[0], &byte, 1) == 1);
		MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
		queue = (int)ipcref_mq_open("/q", O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
		MUST(queue >= 0 && world.refusals == 2);
		MUST(ipcref_mq_close((mqd_t)queue) == 0 && ipcref_mq_unlink("/q") == 0);
	}
}

/* -- deaths ----------------------------------------------------------------------------------- */

/* The kernel is told of a lock again when the one that was taken under it is dropped. */
static void live_with_two_locks(void)
{
	struct lock *locks = share(2 * sizeof(*locks));
	pid_t pid = fork();

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
}

#ifdef SYS_get_robust_list
/* A handler may have interrupted libc just as it was taking a lock of its own. */
static void live_within_a_lock_of_libc(void)
{
	struct robust_list_head *list = NULL;
	struct robust_list its;
	size_t size;
	int ends[2];

	if (syscall(SYS_get_robust_list, 0, &list, &size) < 0 || !list)
		return;
	/* for the first time the library itself takes a lock of libc's */
	MUST(ipcref_pipe(ends) == 0 && ipcref_write(ends[1], "a", 1) == 1);
	list->list_op_pending = &its;
	MUST(ipcref_write(ends[1], "b", 1) == 1);
	MUST(list->list_op_pending == &its);
	list->list_op_pending = NULL;
}
#else
static void live_within_a_lock_of_libc(void)
{
}
#endif

/* Queues a signal to a process that is asleep. */
static void send_to(pid_t pid)
{
	MUST(ipcref_sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = 1}) == 0);
}

static pid_t fork_asleep(void)
{
	pid_t pid = fork();

	while (pid == 0)
		pause();
	MUST(pid > 0);
	return pid;
}

static void end_of(pid_t pid)
{
	MUST(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

/* A number comes back: the mailbox of that name is of a process that is no more. */
static void live_with_a_predecessors_mailbox(void)
{
	char before[PATH_MAX], now[PATH_MAX];
	pid_t first = fork_asleep(), next;
	uint64_t birth = thread_birth((uint32_t)first);

	send_to(first);
	end_of(first);
	/* births are told in hundredths of a second */
	while (thread_birth((uint32_t)(next = fork_asleep())) == birth)
		end_of(next);
	snprintf(before, sizeof(before), "%s/sig.%ld", getenv("IPCREF_NAMESPACE"), (long)first);
	snprintf(now, sizeof(now), "%s/sig.%ld", getenv("IPCREF_NAMESPACE"), (long)next);
	MUST(rename(before, now) == 0);
	send_to(next);
	end_of(next);
	MUST(unlink(now) == 0);
}

/* -- what only a program can do that has both, the library and the system beneath it -------------
 */

#define MUST_FAIL(call, error) MUST((call) == -1 && errno == (error))

/* Whatever has a name, or is made like that, has none to be made in. */
static void live_without_directory(void)
{
	sigset_t set;
	int ends[2];

	MUST(setenv("IPCREF_NAMESPACE", "/nowhere/at/all", 1) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	MUST_FAIL(ipcref_pipe(ends), ENOENT);
	MUST_FAIL(ipcref_socket(AF_UNIX, SOCK_STREAM, 0), ENOENT);
	MUST_FAIL(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ENOENT);
	MUST_FAIL(ipcref_eventfd(0, 0), ENOENT);
	MUST_FAIL(ipcref_msgget(IPC_PRIVATE, 0600), ENOENT);
	MUST_FAIL(ipcref_semget(IPC_PRIVATE, 1, 0600), ENOENT);
	MUST_FAIL(ipcref_shmget(IPC_PRIVATE, 1, 0600), ENOENT);
	MUST_FAIL((int)ipcref_mq_open("/q", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
	MUST_FAIL(ipcref_mq_unlink("/q"), ENOENT);
	MUST_FAIL(ipcref_shm_open("/m", O_RDWR | O_CREAT, 0600), ENOENT);
	MUST_FAIL(ipcref_shm_unlink("/m"), ENOENT);
	MUST(ipcref_sem_open("/s", O_CREAT, 0600, 1) == SEM_FAILED && errno == ENOENT);
	MUST_FAIL(ipcref_sem_unlink("/s"), ENOENT);
	MUST_FAIL(ipcref_sigwaitinfo(&set, NULL), ENOENT);
	MUST_FAIL(ipcref_sigpending(&set), ENOENT);
}

/* A number that was closed behind the library's back is what it is opened as next. */
static void live_with_numbers_closed_by_others(void)
{
	int ends[2];
	char byte;

	MUST(ipcref_pipe(ends) == 0 && ipcref_write(ends[1], "a", 1) == 1);
	MUST(close(ends[0]) == 0);
	MUST(ipcref_open("/dev/null", O_RDONLY) == ends[0]);
	MUST(ipcref_read(ends[0], &byte, 1) == 0);
	MUST(close(ends[1]) == 0);
	int fd = ipcref_socket(AF_INET, SOCK_DGRAM, 0);
	if (fd >= 0) {
		MUST(fd == ends[1]);
		MUST_FAIL(ipcref_write(fd, "b", 1), EDESTADDRREQ);
		MUST(ipcref_close(fd) == 0);
	}
	MUST(ipcref_close(ends[0]) == 0);
}

/* Number 0 is one like others: a daemon has closed its standard input. */
static void live_with_number_zero(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct sembuf up = {.sem_op = 1};
	struct {
		long type;
		char text[1];
	} message = {1, "a"};
	int ends[2], id, fd;
	sigset_t set;
	char byte;

	close(0);
	MUST(ipcref_pipe(ends) == 0 && ends[0] == 0);
	MUST(ipcref_write(ends[1], "a", 1) == 1 && ipcref_read(0, &byte, 1) == 1);
	MUST(ipcref_fcntl(0, F_GETFL) == O_RDONLY && ipcref_close(0) == 0);
	MUST(ipcref_eventfd(1, 0) == 0 && ipcref_close(0) == 0);
	MUST(ipcref_close(ends[1]) == 0);

	/* what opens a descriptor for a moment only */
	MUST((id = ipcref_msgget(IPC_PRIVATE, 0600)) >= 0);
	MUST(ipcref_msgsnd(id, &message, 1, 0) == 0 && ipcref_msgctl(id, IPC_RMID, NULL) == 0);
	MUST((id = ipcref_semget(IPC_PRIVATE, 1, 0600)) >= 0);
	MUST(ipcref_semop(id, &up, 1) == 0 && ipcref_semctl(id, 0, IPC_RMID) == 0);
	MUST((id = ipcref_shmget(IPC_PRIVATE, 1, 0600)) >= 0);
	void *memory = ipcref_shmat(id, NULL, 0);
	MUST(memory != MAP_FAILED && ipcref_shmctl(id, IPC_RMID, NULL) == 0);
	MUST(ipcref_shmdt(memory) == 0);
	sem_t *sem = ipcref_sem_open("/s", O_CREAT | O_EXCL, 0600, 1);
	MUST(sem != SEM_FAILED && ipcref_sem_open("/s", 0) == sem);
	MUST(ipcref_sem_wait(sem) == 0 && ipcref_sem_unlink("/s") == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	send_to(getpid());
	MUST(ipcref_sigwaitinfo(&set, NULL) == SIGRTMIN);

	/* and what gives it */
	MUST((int)ipcref_mq_open("/q", O_RDWR | O_CREAT, 0600, NULL) == 0);
	MUST(ipcref_mq_send(0, "a", 1, 0) == 0 && ipcref_mq_close(0) == 0);
	MUST((int)ipcref_mq_open("/q", O_RDWR | O_NONBLOCK) == 0 && ipcref_mq_close(0) == 0);
	MUST(ipcref_mq_unlink("/q") == 0);
	MUST(ipcref_shm_open("/m", O_RDWR | O_CREAT, 0600) == 0 && ipcref_close(0) == 0);
	MUST(ipcref_shm_unlink("/m") == 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", getenv("IPCREF_NAMESPACE"));
	MUST(ipcref_mkfifo(address.sun_path, 0600) == 0);
	MUST(ipcref_open(address.sun_path, O_RDWR) == 0 && ipcref_write(0, "a", 1) == 1);
	MUST(ipcref_read(0, &byte, 1) == 1 && ipcref_close(0) == 0);
	MUST(unlink(address.sun_path) == 0);
	MUST(ipcref_socket(AF_UNIX, SOCK_STREAM, 0) == 0);
	int listener = ipcref_dup(0), client = -1;
	MUST(ipcref_bind(0, (struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(ipcref_listen(0, 1) == 0 && (client = ipcref_socket(AF_UNIX, SOCK_STREAM, 0)) > 0);
	MUST(ipcref_connect(client, (struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(ipcref_close(0) == 0 && (fd = ipcref_accept(listener, NULL, NULL)) == 0);
	MUST(ipcref_send(client, "a", 1, 0) == 1 && ipcref_recv(0, &byte, 1, 0) == 1);
	MUST(ipcref_close(0) == 0 && ipcref_close(client) == 0 && ipcref_close(listener) == 0);
	MUST(unlink(address.sun_path) == 0);
}

#define TEST_OF(life, is_refused)                                                                  \
	static void life##_test(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		in_process(live_##life, is_refused);                                               \
	}
TEST_OF(without_membarrier, true)
TEST_OF(without_thread_data, true)
TEST_OF(without_robust_list, true)
TEST_OF(without_futex, true)
TEST_OF(without_proc, true)
TEST_OF(interrupted, true)
TEST_OF(without_tmpfile, true)
TEST_OF(with_two_locks, false)
TEST_OF(within_a_lock_of_libc, false)
TEST_OF(with_a_predecessors_mailbox, false)
TEST_OF(without_directory, false)
TEST_OF(with_number_zero, false)
TEST_OF(with_numbers_closed_by_others, false)

/* -- the directory of the objects -------------------------------------------------------------- */

static char directory[64];

static int make_directory(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/ipcts-ref-test.XXXXXX");
	return mkdtemp(directory) ? setenv("IPCREF_NAMESPACE", directory, 1) : -1;
}

/* With what is there of each process or each world, not of an object: mailboxes, registries. */
static int remove_directory(void **state)
{
	DIR *stream = opendir(directory);
	char path[sizeof(directory) + 1 + NAME_MAX];

	(void)state;
	if (!stream)
		return -1;
	for (const struct dirent *entry; (entry = readdir(stream));) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
			unlink(path);
	}
	closedir(stream);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_membarrier_test),
		cmocka_unit_test(without_thread_data_test),
		cmocka_unit_test(without_robust_list_test),
		cmocka_unit_test(without_futex_test),
		cmocka_unit_test(without_proc_test),
		cmocka_unit_test(interrupted_test),
		cmocka_unit_test(without_tmpfile_test),
		cmocka_unit_test(with_two_locks_test),
		cmocka_unit_test(within_a_lock_of_libc_test),
		cmocka_unit_test(with_a_predecessors_mailbox_test),
		cmocka_unit_test(without_directory_test),
		cmocka_unit_test(with_number_zero_test),
		cmocka_unit_test(with_numbers_closed_by_others_test),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
