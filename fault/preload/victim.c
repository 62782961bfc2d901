/* SPDX-License-Identifier: MIT */
/*
 * victim FUNCTION [CALLS [wait]]: a program for libipcts-fault.so to fault.  It knows nothing of
 *that.
 *
 * Calls the function so often, three times by default, and prints what each call gave, 0 or the
 *name of an errno, and how many of them had their effect, or what remains in a pipe or a queue:
 *
 *	0 ENOMEM 0 done 2
 *
 * With "wait" it prints its process id before each call, and waits for a line.  Effects are seen by
 * other functions than the one called.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int error_of(bool succeeded)
{
	return succeeded ? 0 : errno;
}

__attribute__((noreturn)) static void give_up(const char *what, int status)
{
	fprintf(stderr, "victim: %s: %s\n", what, strerror(errno));
	exit(status);
}

enum {
	SKIPPED = 77 /* the platform lacks what is to be called */
};

static void need(bool succeeded, const char *what)
{
	if (!succeeded)
		give_up(what, errno == ENOSYS || errno == EACCES || errno == EPERM ? SKIPPED : 1);
}

/* -- what is called, and its effects ---------------------------------------------------------- */

static int id = -1, ends[2] = {-1, -1};
static long effects;

/* The lowest descriptor that is free shows how many were made, if none is closed. */
static int lowest;

static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void note_lowest(void)
{
	lowest = lowest_free();
}

static int call_pipe(void)
{
	int pair[2];

	return error_of(pipe(pair) == 0);
}

static long pairs_made(void)
{
	return (lowest_free() - lowest) / 2;
}

static char directory[] = "/tmp/ipcts-victim-XXXXXX", path[64];

static void make_directory(void)
{
	need(mkdtemp(directory), "mkdtemp");
	snprintf(path, sizeof(path), "%s/f", directory);
}

static int call_mkfifo(void)
{
	int error = error_of(mkfifo(path, 0600) == 0);

	if (unlink(path) == 0)
		effects++;
	return error;
}

static void remove_directory(void)
{
	rmdir(directory);
}

static long effects_seen(void)
{
	return effects;
}

static void make_msg(void)
{
	need((id = msgget(IPC_PRIVATE, 0600)) >= 0, "msgget");
}

static int call_msgsnd(void)
{
	static const struct {
		long type;
		char text[4];
	} message = {1, "one"};

	return error_of(msgsnd(id, &message, sizeof(message.text), IPC_NOWAIT) == 0);
}

static long messages_sent(void)
{
	struct msqid_ds status;

	return msgctl(id, IPC_STAT, &status) == 0 ? (long)status.msg_qnum : -1;
}

static void remove_msg(void)
{
	msgctl(id, IPC_RMID, NULL);
}

static mqd_t queue;

static void make_mq(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 8, .mq_msgsize = 8};
	char name[32];

	snprintf(name, sizeof(name), "/ipcts-victim-%d", (int)getpid());
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	need(queue != (mqd_t)-1, "mq_open");
	mq_unlink(name);
}

static int call_mq_send(void)
{
	return error_of(mq_send(queue, "one", 3, 0) == 0);
}

static long queue_length(void)
{
	struct mq_attr attributes;

	return mq_getattr(queue, &attributes) == 0 ? attributes.mq_curmsgs : -1;
}

static void make_semset(void)
{
	need((id = semget(IPC_PRIVATE, 1, 0600)) >= 0, "semget");
}

static int call_semop(void)
{
	struct sembuf one_more = {.sem_op = 1};

	return error_of(semop(id, &one_more, 1) == 0);
}

static long semset_value(void)
{
	return semctl(id, 0, GETVAL);
}

static void remove_semset(void)
{
	semctl(id, 0, IPC_RMID);
}

static sem_t semaphore;

static void make_sem(void)
{
	need(sem_init(&semaphore, 0, 0) == 0, "sem_init");
}

static int call_sem_post(void)
{
	return error_of(sem_post(&semaphore) == 0);
}

static int call_sem_open(void)
{
	sem_t *opened;
	char name[32];
	int error;

	snprintf(name, sizeof(name), "/ipcts-victim-%d", (int)getpid());
	opened = sem_open(name, O_CREAT | O_EXCL, 0600, 1U);
	error = error_of(opened != SEM_FAILED);
	if (sem_unlink(name) == 0)
		effects++;
	if (!error)
		sem_close(opened);
	return error;
}

static long semaphore_value(void)
{
	int value = -1;

	sem_getvalue(&semaphore, &value);
	return value;
}

static int call_shmget(void)
{
	int segment = shmget(IPC_PRIVATE, 1, 0600), error = error_of(segment >= 0);

	if (segment >= 0 && shmctl(segment, IPC_RMID, NULL) == 0)
		effects++;
	return error;
}

static void *map(int flags)
{
	return mmap(NULL, 1, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}

static bool is_mapped(void *address)
{
	return msync(address, 1, MS_ASYNC) == 0;
}

static int call_mmap(void)
{
	void *address = map(MAP_SHARED);
	int error = error_of(address != MAP_FAILED);

	effects += !error && is_mapped(address);
	return error;
}

/* Of memory that isn't shared, which is no business of IPC. */
static int call_mmap_private(void)
{
	void *address = map(MAP_PRIVATE);
	int error = error_of(address != MAP_FAILED);

	effects += !error && is_mapped(address);
	return error;
}

static int call_munmap(void)
{
	void *address = map(MAP_SHARED);
	int error = error_of(munmap(address, 1) == 0);

	effects += !is_mapped(address);
	return error;
}

static int call_munmap_private(void)
{
	void *address = map(MAP_PRIVATE);
	int error = error_of(munmap(address, 1) == 0);

	effects += !is_mapped(address);
	return error;
}

static void make_pair(void)
{
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
}

static void make_pipe(void)
{
	need(pipe(ends) == 0, "pipe");
	fcntl(ends[1], F_SETPIPE_SZ, 1 << 16);
}

static void make_full_pipe(void)
{
	make_pipe();
	need(write(ends[1], "0123456789", 10) == 10, "write");
}

static long bytes_waiting(void)
{
	int count = -1;

	ioctl(ends[0], FIONREAD, &count);
	return count;
}

static int call_send(void)
{
	return error_of(send(ends[1], "x", 1, 0) == 1);
}

static int call_write(void)
{
	return error_of(write(ends[1], "x", 1) == 1);
}

static int call_write_large(void)
{
	static const char bytes[2 * PIPE_BUF];

	return error_of(write(ends[1], bytes, sizeof(bytes)) > 0);
}

static int call_writev_large(void)
{
	static char bytes[2 * PIPE_BUF];
	struct iovec vector[] = {{bytes, 0}, {bytes, sizeof(bytes)}, {bytes, 1}};

	return error_of(writev(ends[1], vector, 3) > 0);
}

static int call_write_whole(void)
{
	static const char bytes[PIPE_BUF];

	return error_of(write(ends[1], bytes, sizeof(bytes)) > 0);
}

static int call_read(void)
{
	char bytes[4];

	return error_of(read(ends[0], bytes, sizeof(bytes)) > 0);
}

static int call_recvmsg(void)
{
	char bytes[4];
	struct iovec vector = {bytes, sizeof(bytes)};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	int error = error_of(recvmsg(ends[0], &message, 0) > 0);

	return message.msg_iov == &vector && message.msg_iovlen == 1 ? error : EPROTO;
}

static void make_full_pair(void)
{
	make_pair();
	need(send(ends[1], "0123456789", 10, 0) == 10, "send");
}

static int zero = -1;

static void open_zero(void)
{
	need((zero = open("/dev/zero", O_RDONLY)) >= 0, "/dev/zero");
}

/* Of a file, which is no business of IPC. */
static int call_read_file(void)
{
	char byte;
	int error = error_of(read(zero, &byte, 1) == 1);

	effects += !error;
	return error;
}

static int call_close(void)
{
	int fd = dup(ends[0]), error = error_of(close(fd) == 0);

	effects += fcntl(fd, F_GETFD) < 0;
	return error;
}

static void make_event(void)
{
	need((ends[0] = eventfd(0, EFD_NONBLOCK)) >= 0, "eventfd");
}

static int call_eventfd_write(void)
{
	return error_of(eventfd_write(ends[0], 1) == 0);
}

static long event_count(void)
{
	eventfd_t value = 0;

	return read(ends[0], &value, sizeof(value)) == sizeof(value) ? (long)value : 0;
}

static int call_poll(void)
{
	struct pollfd polled = {.fd = ends[0], .events = POLLIN};
	int error = error_of(poll(&polled, 1, 0) >= 0);

	effects += polled.revents == POLLIN;
	return error;
}

static void count_signal(int number)
{
	(void)number;
	effects++;
}

static void catch_signal(void)
{
	signal(SIGUSR1, count_signal);
}

static int call_kill(void)
{
	return error_of(kill(getpid(), SIGUSR1) == 0);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int call_mutex_lock(void)
{
	int error = pthread_mutex_lock(&mutex);

	if (pthread_mutex_trylock(&mutex) == EBUSY)
		effects++;
	pthread_mutex_unlock(&mutex);
	return error;
}

/* -- deaths and children ---------------------------------------------------------------------- */

enum {
	DIED = -1 /* no errno */
};

/* A child posts a semaphore that it shares. */
static sem_t *shared;

static void share_sem(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	need(shared != MAP_FAILED && sem_init(shared, 1, 0) == 0, "sem_init");
}

static int call_in_child(void)
{
	int status;
	pid_t child;

	fflush(stdout); /* or the child may print it, too: valgrind has it do so */
	child = fork();
	if (child == 0)
		_exit(error_of(sem_post(shared) == 0));
	need(waitpid(child, &status, 0) == child, "waitpid");
	return WIFSIGNALED(status) ? DIED : WEXITSTATUS(status);
}

static long shared_value(void)
{
	int value = -1;

	sem_getvalue(shared, &value);
	return value;
}

/* -- signal handlers -------------------------------------------------------------------------- */

/* What a handler may call, whatever it interrupts. */
static void call_all(int number)
{
	int saved = errno;

	(void)number;
	(void)!write(ends[1], "x", 1);
	(void)!read(ends[0], &(char){0}, 1);
	sem_post(&semaphore);
	kill(getpid(), 0);
	errno = saved;
}

/* Handlers interrupt questions of libfiu, and malloc(). */
static void start_storm(void)
{
	struct itimerspec often = {{0, 200000}, {0, 200000}};
	struct sigaction action = {.sa_handler = call_all, .sa_flags = SA_RESTART};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	timer_t timer;

	make_full_pipe();
	make_sem();
	sigaction(SIGUSR2, &action, NULL);
	need(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
	need(timer_settime(timer, 0, &often, NULL) == 0, "timer_settime");
}

static int call_under_storm(void)
{
	for (int i = 0; i < 10000; i++) {
		free(malloc(64 + (size_t)i));
		sem_post(&semaphore);
		sem_trywait(&semaphore);
	}
	return 0;
}

static long nothing_to_see(void)
{
	return 0;
}

/* -- the program ------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	void (*begin)(void);
	int (*call)(void);
	long (*done)(void);
	void (*end)(void);
} functions[] = {
	{"pipe", note_lowest, call_pipe, pairs_made, NULL},
	{"mkfifo", make_directory, call_mkfifo, effects_seen, remove_directory},
	{"msgsnd", make_msg, call_msgsnd, messages_sent, remove_msg},
	{"mq_send", make_mq, call_mq_send, queue_length, NULL},
	{"semop", make_semset, call_semop, semset_value, remove_semset},
	{"sem_post", make_sem, call_sem_post, semaphore_value, NULL},
	{"sem_open", NULL, call_sem_open, effects_seen, NULL},
	{"shmget", NULL, call_shmget, effects_seen, NULL},
	{"mmap", NULL, call_mmap, effects_seen, NULL},
	{"mmap-private", NULL, call_mmap_private, effects_seen, NULL},
	{"munmap", NULL, call_munmap, effects_seen, NULL},
	{"munmap-private", NULL, call_munmap_private, effects_seen, NULL},
	{"send", make_pair, call_send, bytes_waiting, NULL},
	{"write", make_pipe, call_write, bytes_waiting, NULL},
	{"write-large", make_pipe, call_write_large, bytes_waiting, NULL},
	{"writev-large", make_pipe, call_writev_large, bytes_waiting, NULL},
	{"write-whole", make_pipe, call_write_whole, bytes_waiting, NULL},
	{"read", make_full_pipe, call_read, bytes_waiting, NULL},
	{"read-file", open_zero, call_read_file, effects_seen, NULL},
	{"recvmsg", make_full_pair, call_recvmsg, bytes_waiting, NULL},
	{"close", make_pipe, call_close, effects_seen, NULL},
	{"eventfd_write", make_event, call_eventfd_write, event_count, NULL},
	{"poll", make_full_pipe, call_poll, effects_seen, NULL},
	{"kill", catch_signal, call_kill, effects_seen, NULL},
	{"pthread_mutex_lock", NULL, call_mutex_lock, effects_seen, NULL},
	{"child", share_sem, call_in_child, shared_value, NULL},
	{"storm", start_storm, call_under_storm, nothing_to_see, NULL},
};

static void print_result(int error)
{
	if (error == 0)
		printf("0 ");
	else if (error == DIED)
		printf("died ");
	else
#ifdef HAVE_STRERRORNAME_NP
		printf("%s ", strerrorname_np(error));
#else
		printf("%d ", error);
#endif
}

int main(int argc, char *argv[])
{
	int calls = argc > 2 ? atoi(argv[2]) : 3;
	bool waits = argc > 3;
	char line[8];

	for (size_t i = 0; argc > 1 && i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (strcmp(functions[i].name, argv[1]) != 0)
			continue;
		if (functions[i].begin)
			functions[i].begin();
		for (int call = 0; call < calls; call++) {
			if (waits && (printf("%d\n", (int)getpid()), fflush(stdout),
				      !fgets(line, sizeof(line), stdin)))
				return 1;
			print_result(functions[i].call());
		}
		printf("done %ld\n", functions[i].done());
		if (functions[i].end)
			functions[i].end();
		return 0;
	}
	fprintf(stderr, "usage: victim FUNCTION [CALLS [wait]]\n");
	return 2;
}
