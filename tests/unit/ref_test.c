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
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <sys/wait.h>
#include <unistd.h>

#include "ref/futex.h"
#include "ref/handle.h"
#include "ref/hold.h"
#include "ref/ipcref.h"
#include "ref/kernel.h"
#include "ref/lock.h"
#include "ref/object.h"
#include "ref/pipe.h"
#include "ref/socket.h"
#include "sched/arguments.h"
#include "tests/unit/ref_lives.h"
#include "tests/unit/ref_world.h"

static char directory[64]; /* of the objects */

/* -- the platform that refuses ----------------------------------------------------------------
 */

struct world world;
_Thread_local bool lingers;

/* As in futex.c: who sleeps may be cancelled. */
#define CAN_BE_CUT_OFF __attribute__((no_sanitize("address")))

void (*when_asked_where)(void);
void (*when_it_asks)(void);
void (*when_it_allocates)(void);

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_openat(int from, const char *path, int flags, ...);
int __wrap_openat(int from, const char *path, int flags, ...);
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __real_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_socketpair(int domain, int type, int protocol, int ends[2]);
int __wrap_socketpair(int domain, int type, int protocol, int ends[2]);
int __real_sched_getcpu(void);
int __wrap_sched_getcpu(void);
int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);

/* Whether a sleep until then is more than a look. */
CAN_BE_CUT_OFF static bool is_a_limit(const struct timespec *moment, clockid_t clock)
{
	const struct timespec soon = moment_after(clock, 1);

	return moment_is_before(&soon, moment);
}

CAN_BE_CUT_OFF static long call_futex(long n[ARGUMENTS_MAX])
{
	long operation = n[1] & ~FUTEX_CLOCK_REALTIME;
	clockid_t clock = operation == n[1] ? CLOCK_MONOTONIC : CLOCK_REALTIME;

	if (world.has_no_limits && operation == FUTEX_WAIT_BITSET && n[3] &&
	    is_a_limit((const struct timespec *)n[3], clock))
		n[3] = 0;
	if (world.has_no_limits && operation == FUTEX_WAKE && n[2] == 0)
		return 0;
	long result = __real_syscall(SYS_futex, ARGUMENTS(n));
	if (operation != FUTEX_WAIT_BITSET || !lingers)
		return result;
	lingers = false;
	for (;;)
		pause();
}

CAN_BE_CUT_OFF long __wrap_syscall(long number, ...)
{
	va_list list;
	long n[ARGUMENTS_MAX];

	if (number == world.call) {
		world.refusals++;
		errno = ENOSYS;
		return -1;
	}
#ifdef SYS_futex_waitv
	world.futex_calls += number == SYS_futex_waitv;
	world.calls_for_many += number == SYS_futex_waitv;
#endif
	world.futex_calls += number == SYS_futex;
	va_start(list, number);
	read_arguments(list, n);
	va_end(list);
	if (number == SYS_futex)
		return call_futex(n);
	return __real_syscall(number, ARGUMENTS(n));
}

static void let_it_happen(const char *path)
{
	const char *opened = world.opened;
	size_t size = opened ? strlen(opened) : 0;

	if (!opened || strncmp(path, opened, size) != 0 || (path[size] && opened[size - 1] != '/'))
		return;
	world.opened = NULL;
	world.meanwhile(path);
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list list;

	if (world.has_no_proc && strncmp(path, "/proc/", strlen("/proc/")) == 0) {
		world.refusals++;
		errno = ENOENT;
		return -1;
	}
	if (world.its_stat && strncmp(path, "/proc/", strlen("/proc/")) == 0)
		path = world.its_stat;
	let_it_happen(path);
	va_start(list, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
	va_end(list);
	return __real_open(path, flags, mode);
}

int __wrap_openat(int from, const char *path, int flags, ...)
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
	return __real_openat(from, path, flags, mode);
}

int __wrap_fcntl(int fd, int command, ...)
{
	va_list list;

	if (when_it_asks && command == F_GETFL)
		when_it_asks();
	va_start(list, command);
	long argument = va_arg(list, long);
	va_end(list);
	return __real_fcntl(fd, command, argument);
}

int __wrap_posix_fallocate(int fd, off_t offset, off_t size)
{
	if (when_it_allocates)
		when_it_allocates();
	if (world.interruptions > 0) {
		world.interruptions--;
		world.refusals++;
		return EINTR;
	}
	return __real_posix_fallocate(fd, offset, size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	if (world.has_no_memory) {
		world.refusals++;
		errno = ENOMEM;
		return NULL;
	}
	return __real_calloc(count, size);
}

int __wrap_socketpair(int domain, int type, int protocol, int ends[2])
{
	if (world.has_no_pairs) {
		world.refusals++;
		errno = ENFILE;
		return -1;
	}
	return __real_socketpair(world.has_all_pairs ? AF_UNIX : domain, type, protocol, ends);
}

int __wrap_sched_getcpu(void)
{
	if (when_asked_where)
		when_asked_where();
	return __real_sched_getcpu();
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

void have_patience(unsigned seconds)
{
	const char *scale = getenv("IPCTS_TIMEOUT_SCALE");
	double times = scale ? atof(scale) : 1;

	alarm((unsigned)(seconds * (times > 1 ? times : 1)));
}

/* What the library has once found out, it knows for the rest of the process: each has its own. */
static void in_process(void (*live)(void), bool is_refused)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
	pid_t pid = forks();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		/* cmocka's handlers would have it go on with the other tests */
		for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
			signal(faults[i], SIG_DFL);
		have_patience(PATIENCE_SECONDS);
		live();
		/* 2: nothing was refused, so nothing was tested */
		_exit(is_refused == (world.refusals > 0) ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
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
	/* who can't be told of a thread's end lets it have hold of nothing by itself */
	MUST(hold_own && atomic_load(&hold_own->held) == hold_own);
}

/* Somebody dies with the lock, and nobody but the next can find it out. */
static void take_a_lock_of_the_dead(void)
{
	struct lock *lock = share(sizeof(*lock));
	pid_t pid = forks();
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
	pid_t pid = forks();
	if (pid == 0)
		_exit(ipcref_sem_wait(sem) == 0 ? 0 : 1);
	MUST(ipcref_sem_post(sem) == 0);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	MUST(!futex_is_there());
}

/* Without /proc, who is there is told by kill alone, and nobody's birth is known. */
static void live_without_proc(void)
{
	pid_t pid = forks();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	world.has_no_proc = true;
	MUST(thread_lives(thread_id(), 0));
	MUST(thread_birth(thread_id()) == 0);
	MUST(!thread_lives((uint32_t)pid, 0));
	MUST(life_goes_on(thread_id(), thread_life()));
}

/* What is in the file that is read for /proc/ID/stat. */
static void tell(const char *what)
{
	FILE *file = fopen(world.its_stat, "w");

	MUST(file && fputs(what, file) >= 0 && fclose(file) == 0);
}

/* Of a thread: fields 3, 9, 20, 22 and 28 among others. */
static void tell_of_a_thread(char state, unsigned long flags, int threads, int birth, long stack)
{
	char line[200];

	snprintf(line, sizeof(line),
		 "1 (a ) b) %c 2 3 4 5 6 %lu 8 9 10 11 12 13 14 15 16 17 %d 19 %d 21 22 23 24 25 "
		 "%ld 27\n",
		 state, flags, threads, birth, stack);
	tell(line);
}

static void live_with_a_thread_of_which_is_told(void)
{
	enum { EXITING = 4, BIRTH = 19, STACK = 4096 };
	static const char *const others[] = {"1 a Z 2\n", "1 (a) S 2\n", "1 (a)"};
	char path[PATH_MAX];
	uint32_t id = thread_id();
	struct life life = {BIRTH, STACK >> 3};

	snprintf(path, sizeof(path), "%s/stat", directory);
	world.its_stat = path;
	tell_of_a_thread('S', 64, 1, BIRTH, STACK);
	MUST(thread_birth(id) == BIRTH && thread_lives(id, BIRTH) && thread_lives(id, 0));
	MUST(!thread_lives(id, BIRTH + 1) && life_goes_on(id, life));
	life.image++;
	MUST(!life_goes_on(id, life));
	tell_of_a_thread('S', 64 | EXITING, 1, BIRTH, STACK);
	MUST(!thread_lives(id, BIRTH) && !process_lives(id, BIRTH));
	tell_of_a_thread('X', 64, 1, BIRTH, STACK);
	MUST(!thread_lives(id, BIRTH) && !process_lives(id, BIRTH));
	tell_of_a_thread('Z', 64, 1, BIRTH, STACK);
	MUST(!thread_lives(id, BIRTH) && !process_lives(id, BIRTH));
	tell_of_a_thread('Z', 64, 2, BIRTH, STACK);
	MUST(!thread_lives(id, BIRTH) && process_lives(id, BIRTH));
	MUST(!process_lives(id, BIRTH + 1));
	/* what isn't of that form tells nothing */
	tell_of_a_thread('Z', 64, 1, BIRTH, STACK);
	MUST(!thread_lives(id, BIRTH));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		tell(others[i]);
		MUST(thread_lives(id, BIRTH) && thread_lives(id, BIRTH + 1));
		MUST(thread_birth(id) == 0);
	}
	MUST(unlink(path) == 0);
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
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		int ends[2], queue;

		world.no_tmpfile = says[i];
		world.refusals = 0;
		MUST(ipcref_pipe(ends) == 0);
		MUST(ipcref_write(ends[1], "a", 1) == 1 && ipcref_read(ends[0], &byte, 1) == 1);
		MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
		queue = (int)ipcref_mq_open("/q", O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
		MUST(queue >= 0 && world.refusals == 2);
		MUST(ipcref_mq_close((mqd_t)queue) == 0 && ipcref_mq_unlink("/q") == 0);
		/* what a file was made for to see the umask is gone */
		snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
		MUST((queue = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0);
		MUST(ipcref_bind(queue, (struct sockaddr *)&address, sizeof(address)) == 0);
		MUST(ipcref_close(queue) == 0 && unlink(address.sun_path) == 0);
		MUST(ipcref_mkfifo(address.sun_path, 0600) == 0 && unlink(address.sun_path) == 0);
		MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
		MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
		MUST(count_files(".new-") == 0 && count_files("s") == 0);
	}
}

/* Whatever there is no memory for is refused, and costs nothing. */
static void live_without_memory(void)
{
	struct pollfd polled = {.events = POLLIN};
	int ends[2];

	world.has_no_memory = true;
	MUST_FAIL(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ENOMEM);
	MUST_FAIL(ipcref_pipe(ends), ENOMEM);
	world.has_no_memory = false;
	MUST(ipcref_pipe(ends) == 0 && ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
	long before = count_costs();
	MUST(ipcref_pipe(ends) == 0);
	polled.fd = ends[0];
	world.has_no_memory = true;
	MUST_FAIL(ipcref_poll(&polled, 1, 0), ENOMEM);
	world.has_no_memory = false;
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
	MUST(count_costs() == before);
}

/* What a handle that could not be made has taken is there for the next. */
static void live_with_memory_for_one(void)
{
	struct handle *h;
	int ends[2];

	MUST(ipcref_pipe(ends) == 0);
	world.has_no_memory = true;
	while ((h = handle_make(ends[0], &pipe_class)))
		continue;
	world.has_no_memory = false;
	MUST(!handle_make(ends[0], &socket_class) && errno == EINVAL);
	world.has_no_memory = true;
	MUST((h = handle_make(ends[0], &pipe_class)));
	handle_stop_using(h);
	world.has_no_memory = false;
}

/* A pair that nothing could be passed over, for want of room for now, is none. */
static void live_without_pairs(void)
{
	int ends[2];

	MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
	long before = count_costs();
	world.has_no_pairs = true;
	MUST_FAIL(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ENFILE);
	MUST(count_costs() == before);
}

/* Who waits for several things at once sleeps meanwhile. */
static void live_asleep_in_poll(void)
{
	/* as many as the kernel sleeps for at once */
	enum { MS = 100, MOST = 128 };
	static const nfds_t counts[] = {1, 2, MOST};
	struct pollfd polled[MOST];
	int ends[2];

	MUST(ipcref_pipe(ends) == 0);
	for (nfds_t i = 0; i < MOST; i++)
		polled[i] = (struct pollfd){.fd = ends[0], .events = POLLIN};
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		world.futex_calls = world.calls_for_many = 0;
		MUST(ipcref_poll(polled, counts[i], MS) == 0);
		MUST(world.futex_calls > 0 && world.futex_calls <= 2 * MS);
#ifdef SYS_futex_waitv
		bool can = futex_is_there() &&
			   (syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) == 0 || errno != ENOSYS);
		MUST(counts[i] == 1 || !can || world.futex_calls == world.calls_for_many);
#endif
	}
}

/* So does who waits for nearly a second, which ends in the next one of the clock. */
static void live_asleep_until_a_timeout(void)
{
	enum { MS = 990 };
	struct timeval timeout = {.tv_usec = MS * 1000};
	int ends[2];
	char byte;

	MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	MUST(ipcref_setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
	const struct timespec end = moment_after(CLOCK_MONOTONIC, MS);
	world.futex_calls = 0;
	MUST_FAIL(ipcref_recv(ends[0], &byte, 1, 0), EAGAIN);
	MUST(moment_is_past(CLOCK_MONOTONIC, &end));
	MUST(world.futex_calls > 0 && world.futex_calls <= MS);
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
TEST_OF(without_memory, true)
TEST_OF(with_memory_for_one, true)
TEST_OF(without_pairs, true)
TEST_OF(asleep_in_poll, false)
TEST_OF(asleep_until_a_timeout, false)
TEST_OF(with_a_thread_of_which_is_told, false)
#define TEST_OF_UNREFUSED(life) TEST_OF(life, false)
LIVES(TEST_OF_UNREFUSED)

/* -- the directory of the objects -------------------------------------------------------------- */

static int make_directory(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/ipcts-ref-test.XXXXXX");
	return mkdtemp(directory) ? setenv("IPCREF_NAMESPACE", directory, 1) : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status, (void)type, (void)at;
	return remove(path);
}

/* With what is there of each process or each world, not of an object: mailboxes, registries. */
static int remove_directory(void **state)
{
	(void)state;
	return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(without_membarrier_test),
					   cmocka_unit_test(without_thread_data_test),
					   cmocka_unit_test(without_robust_list_test),
					   cmocka_unit_test(without_futex_test),
					   cmocka_unit_test(without_proc_test),
					   cmocka_unit_test(interrupted_test),
					   cmocka_unit_test(without_tmpfile_test),
					   cmocka_unit_test(without_memory_test),
					   cmocka_unit_test(with_memory_for_one_test),
					   cmocka_unit_test(without_pairs_test),
					   cmocka_unit_test(asleep_in_poll_test),
					   cmocka_unit_test(asleep_until_a_timeout_test),
					   cmocka_unit_test(with_a_thread_of_which_is_told_test),
#define ENTRY_OF(life) cmocka_unit_test(life##_test),
					   LIVES(ENTRY_OF)};

	/* whoever is to do without a futex here says so */
	unsetenv("IPCREF_WAIT");
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
