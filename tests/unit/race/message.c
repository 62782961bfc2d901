/* SPDX-License-Identifier: MIT */
/* What is sent comes before what is received. */
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario.h"

#define EDGE(call) (broken ? (void)0 : (void)(call))

static char letter;

static void await_child(void)
{
	int status;

	waitpid(child, &status, 0);
}

#define MESSAGE(name, text, send, receive)                                                         \
	SCENARIO(name, text)                                                                       \
	{                                                                                          \
		shared->data = 1;                                                                  \
		must(send);                                                                        \
	}                                                                                          \
	OTHER(name)                                                                                \
	{                                                                                          \
		EDGE((must(receive), 0));                                                          \
		must(shared->data == 1 || broken);                                                 \
	}

/* clang-format off */
MESSAGE(pipe, "a byte in a pipe", write(channel[1], "x", 1) == 1, read(channel[0], &letter, 1) == 1)
MESSAGE(socket_pair, "a byte between two sockets",
	write(pair[0], "x", 1) == 1, read(pair[1], &letter, 1) == 1)
MESSAGE(socket_send, "send and recv", send(pair[0], "x", 1, 0) == 1, recv(pair[1], &letter, 1, 0) == 1)
MESSAGE(eventfd, "an eventfd", write(event_fd, &(uint64_t){1}, 8) == 8,
	read(event_fd, &(uint64_t){0}, 8) == 8)
MESSAGE(end_of_file, "the end of a pipe", !close(channel[1]), !close(channel[1]) && !read(channel[0], &letter, 1))
MESSAGE(hang_up, "a socket that is shut down", !shutdown(pair[0], SHUT_WR), !read(pair[1], &letter, 1))
/* clang-format on */

/* By streams, whose descriptors libc writes and reads. */
SCENARIO(streams, "a line from stream to stream")
{
	FILE *out = fdopen(channel[1], "w");

	shared->data = 1;
	fprintf(out, "%d\n", 5);
	fclose(out);
}

OTHER(streams)
{
	FILE *in = fdopen(channel[0], "r");
	char line[16];

	EDGE(must(fgets(line, sizeof(line), in)));
	must(shared->data == 1 || broken);
}

/* What is still in a stream goes when the process does. */
SCENARIO(stream_at_exit, "a line that is written at exit")
{
	char line[16];
	FILE *in = fdopen(channel[0], "r");

	if (!broken)
		must(fgets(line, sizeof(line), in) && line[0] == '5');
	shared->data++;
}

OTHER(stream_at_exit)
{
	FILE *out = fdopen(channel[1], "w");

	fputs("5\n", out);
	shared->data++;
	exit(0);
}

/* The shell's child is a program that is watched, too. */
SCENARIO(command, "a command that libc runs and waits for")
{
	char command[64];
	int *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 0);

	snprintf(command, sizeof(command), "/proc/%d/exe become %d", (int)getpid(), file_fd);
	memory[0] = 1;
	if (broken) {
		FILE *stream = popen(command, "r");

		memory[0]++;
		pclose(stream);
		return;
	}
	must(!system(command));
	must(++memory[0] == 3);
}

OTHER(command)
{
}

/* Nothing is sent back: what the other way goes orders nothing. */
SCENARIO(socket_ways, "each way of a socket by itself")
{
	shared->data = 1;
	must(write(pair[0], "x", 1) == 1);
}

OTHER(socket_ways)
{
	must(write(pair[1], "x", 1) == 1);
	EDGE(must(read(pair[1], &letter, 1) == 1));
	must(shared->data == 1 || broken);
}

SCENARIO(fifo, "a FIFO")
{
	char path[160];

	snprintf(path, sizeof(path), "%s/fifo", directory);
	mkfifo(path, 0600);
	int fd = open(path, O_RDWR);

	must(fd >= 0);
	shared->data = 1;
	must(write(fd, "x", 1) == 1);
	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
	await_child();
}

OTHER(fifo)
{
	char path[160];

	await_flag(&shared->flag, 1);
	if (!broken) {
		snprintf(path, sizeof(path), "%s/fifo", directory);
		int fd = open(path, O_RDONLY);

		must(read(fd, &letter, 1) == 1);
	}
	must(shared->data == 1 || broken);
}

/* ---- sockets with names: the client writes, and gets an answer
 * ------------------------------------- */

static int listening(int domain, struct sockaddr *address, socklen_t length)
{
	int fd = socket(domain, SOCK_STREAM, 0);

	must(fd >= 0 && !bind(fd, address, length) && !listen(fd, 1));
	return fd;
}

static void serve(int fd)
{
	int end = accept(fd, NULL, NULL);

	must(end >= 0 && read(end, &letter, 1) == 1);
	must(shared->data == 1 || broken);
	shared->more[0] = 2;
	must(send(end, "y", 1, MSG_NOSIGNAL) == 1 || broken);
}

static void ask(int domain, const struct sockaddr *address, socklen_t length)
{
	int fd = socket(domain, SOCK_STREAM, 0);

	must(!connect(fd, address, length));
	shared->data = 1;
	must(write(fd, "x", 1) == 1);
	EDGE(must(read(fd, &letter, 1) == 1));
	must(shared->more[0] == 2 || broken);
}

static struct sockaddr_un unix_address(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	/* the whole path may be too long for an address */
	must(!chdir(directory));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	return address;
}

SCENARIO(unix_stream, "a stream of AF_UNIX, both ways")
{
	struct sockaddr_un address = unix_address("socket");
	int fd = listening(AF_UNIX, (struct sockaddr *)&address, sizeof(address));

	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
	serve(fd);
	await_child();
}

OTHER(unix_stream)
{
	struct sockaddr_un address = unix_address("socket");

	await_flag(&shared->flag, 1);
	ask(AF_UNIX, (struct sockaddr *)&address, sizeof(address));
}

SCENARIO(tcp, "TCP, both ways")
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = listening(AF_INET, (struct sockaddr *)&address, sizeof(address));

	must(!getsockname(fd, (struct sockaddr *)&address, &length));
	atomic_store_explicit(&shared->flag, address.sin_port, memory_order_relaxed);
	serve(fd);
	await_child();
}

OTHER(tcp)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	while (!atomic_load_explicit(&shared->flag, memory_order_relaxed))
		;
	address.sin_port = (in_port_t)shared->flag;
	ask(AF_INET, (struct sockaddr *)&address, sizeof(address));
}

SCENARIO(datagram, "a datagram to a name")
{
	struct sockaddr_un address = unix_address("datagram");
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	await_flag(&shared->flag, 1);
	shared->data = 1;
	/* who receives nothing may be gone */
	must(sendto(fd, "x", 1, 0, (struct sockaddr *)&address, sizeof(address)) == 1 || broken);
	await_child();
}

OTHER(datagram)
{
	struct sockaddr_un address = unix_address("datagram");
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	must(!bind(fd, (struct sockaddr *)&address, sizeof(address)));
	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
	EDGE(must(recv(fd, &letter, 1, 0) == 1));
	must(shared->data == 1 || broken);
}

/* ---- queues
 * ------------------------------------------------------------------------------------------ */

SCENARIO(msg, "a System V message")
{
	struct {
		long type;
		char text[1];
	} message = {1, "x"};
	int id = msgget(ftok(directory, 1), IPC_CREAT | 0600);

	shared->data = 1;
	must(!msgsnd(id, &message, 1, 0));
	await_child();
	msgctl(id, IPC_RMID, NULL);
}

OTHER(msg)
{
	struct {
		long type;
		char text[1];
	} message;
	int id = msgget(ftok(directory, 1), IPC_CREAT | 0600);

	EDGE(must(msgrcv(id, &message, 1, 0, 0) == 1));
	must(shared->data == 1 || broken);
}

static mqd_t open_queue(char name[32])
{
	struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 16};

	snprintf(name, 32, "/scenario-%d", (int)(getpid() < child ? getpid() : child));
	mqd_t queue = mq_open(name, O_CREAT | O_RDWR, 0600, &attributes);

	must(queue != (mqd_t)-1);
	return queue;
}

SCENARIO(mq, "a POSIX message")
{
	char name[32];
	mqd_t queue = open_queue(name);

	shared->data = 1;
	must(!mq_send(queue, "x", 1, 0));
	await_child();
	mq_unlink(name);
}

OTHER(mq)
{
	char name[32], text[16];
	mqd_t queue = open_queue(name);

	EDGE(must(mq_receive(queue, text, sizeof(text), NULL) == 1));
	must(shared->data == 1 || broken);
}

/* ---- signals
 * ------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t came;

static void handle(int number)
{
	(void)number;
	if (!broken)
		must(shared->data == 1);
	came = 1;
}

/* broken: what comes behind the sending isn't ordered by it. */
SCENARIO(signal, "a signal and its handler")
{
	await_flag(&shared->flag, 1);
	if (!broken)
		shared->data = 1;
	kill(child, SIGUSR1);
	if (broken)
		shared->data = 1;
}

OTHER(signal)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handle}, NULL);
	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
	while (!came)
		sigsuspend(&old);
	must(shared->data == 1 || broken);
}

SCENARIO(signal_wait, "a signal that is waited for")
{
	await_flag(&shared->flag, 1);
	if (!broken)
		shared->data = 1;
	kill(child, SIGUSR1);
	if (broken)
		shared->data = 1;
}

OTHER(signal_wait)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
	must(!sigwait(&set, &number));
	must(shared->data == 1 || broken);
}

/* ---- processes
 * ------------------------------------------------------------------------------------------- */

SCENARIO(fork_and_wait, "what is before a fork, and behind a wait")
{
	EDGE(await_child());
	shared->data++;
}

OTHER(fork_and_wait)
{
	shared->data++;
}

SCENARIO(killed_and_waited, "what one did who was killed, and is waited for")
{
	await_flag(&shared->flag, 1);
	kill(child, SIGKILL);
	EDGE(await_child());
	shared->data++;
}

OTHER(killed_and_waited)
{
	shared->data++;
	atomic_store_explicit(&shared->flag, 1, memory_order_relaxed);
	for (;;)
		pause();
}

/* The file, mapped by each by itself, and once more by what the child becomes. */
SCENARIO(exec, "a program that is exec'd, and waited for")
{
	int *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 0);

	memory[0] = 1;
	pid_t pid = fork();

	if (!pid) {
		char fd[16];

		snprintf(fd, sizeof(fd), "%d", file_fd);
		execle("/proc/self/exe", "scenarios", "become", fd, (char *)NULL,
		       (char *[]){getenv("IPCTS_RACE_OPTIONS") ? "A=b" : "A=c", NULL});
		_exit(3);
	}
	if (broken)
		memory[0]++;
	int status;

	waitpid(pid, &status, 0);
	memory[0]++;
	must(memory[0] == 3 || broken);
}

OTHER(exec)
{
}

/* ---- places
 * --------------------------------------------------------------------------------------------------
 */

SCENARIO(two_addresses, "one file at two addresses of each process, and a pipe")
{
	char *low = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 0);
	int *high = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 8192);

	must(low != MAP_FAILED && high != MAP_FAILED);
	high[5] = 1;
	must(*(int *)(low + 8192 + 5 * sizeof(int)) == 1);
	must(write(channel[1], "x", 1) == 1);
}

OTHER(two_addresses)
{
	char *pad = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *low = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 4096);

	must(pad != MAP_FAILED && low != MAP_FAILED);
	EDGE(must(read(channel[0], &letter, 1) == 1));
	must(*(int *)(low + 4096 + 5 * sizeof(int)) == 1 || broken);
}

SCENARIO(system_v, "a System V segment, and a pipe")
{
	int id = shmget(ftok(directory, 1), 4096, IPC_CREAT | 0600);
	int *memory = shmat(id, NULL, 0);

	must(memory != (void *)-1);
	memory[0] = 1;
	must(write(channel[1], "x", 1) == 1);
	await_child();
	shmctl(id, IPC_RMID, NULL);
}

OTHER(system_v)
{
	int id = shmget(ftok(directory, 1), 4096, IPC_CREAT | 0600);
	int *memory = shmat(id, NULL, 0);

	must(memory != (void *)-1);
	EDGE(must(read(channel[0], &letter, 1) == 1));
	must(memory[0] == 1 || broken);
	shmdt(memory);
}

SCENARIO(published_by_name, "a file that gets its name when it is whole")
{
	char path[160], final[160];

	snprintf(path, sizeof(path), "%s/new", directory);
	snprintf(final, sizeof(final), "%s/whole", directory);
	int fd = open(broken ? final : path, O_RDWR | O_CREAT, 0600);

	must(fd >= 0 && !ftruncate(fd, 4096));
	int *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	memory[0] = 1;
	if (!broken)
		must(!rename(path, final));
	await_child();
}

OTHER(published_by_name)
{
	char final[160];
	int fd;
	struct stat status;

	snprintf(final, sizeof(final), "%s/whole", directory);
	while ((fd = open(final, O_RDWR)) < 0 || fstat(fd, &status) || !status.st_size)
		if (fd >= 0)
			close(fd);
	int *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(memory[0] == 1 || broken);
}

SCENARIO(passed_descriptor, "memory whose descriptor comes by a socket")
{
	int fd = memfd_create("scenario", 0);

	must(fd >= 0 && !ftruncate(fd, 4096));
	int *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = &(struct iovec){"x", 1},
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof(fd));
	if (!broken)
		memory[0] = 1;
	must(sendmsg(pair[0], &message, 0) == 1);
	if (broken)
		memory[0] = 1;
	await_child();
}

OTHER(passed_descriptor)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = &(struct iovec){&letter, 1},
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int fd;

	must(recvmsg(pair[1], &message, 0) == 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	int *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(memory[0] == 1 || broken);
}
