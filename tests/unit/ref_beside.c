/* SPDX-License-Identifier: MIT */
/* Lives of processes that have both, the library and the system beneath it. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/socket.h"
#include "tests/unit/ref_lives.h"

/* Whatever has a name, or is made like that, has none to be made in. */
void live_without_directory(void)
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
void live_with_numbers_closed_by_others(void)
{
	int ends[2];
	char byte;

	MUST(ipcref_pipe(ends) == 0 && ipcref_write(ends[1], "a", 1) == 1);
	MUST(close(ends[0]) == 0);
	MUST(ipcref_open("/dev/null", O_RDONLY) == ends[0]);
	MUST(ipcref_read(ends[0], &byte, 1) == 0);
	MUST(close(ends[1]) == 0);
	MUST_FAIL(ipcref_fcntl(ends[1], F_GETFL), EBADF);
	int fd = ipcref_socket(AF_INET, SOCK_DGRAM, 0);
	if (fd >= 0) {
		MUST(fd == ends[1]);
		MUST_FAIL(ipcref_write(fd, "b", 1), EDESTADDRREQ);
		MUST(ipcref_close(fd) == 0);
	}
	MUST(ipcref_close(ends[0]) == 0);
}

bool passes(int socket, int passed, int flags)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec part = {(char[]){"x"}, 1};
	const struct msghdr message = {.msg_iov = &part,
				       .msg_iovlen = 1,
				       .msg_control = &control,
				       .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.header), &passed, sizeof(passed));
	return ipcref_sendmsg(socket, &message, flags) == 1;
}

int take(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int taken = -1;

	MUST(ipcref_recvmsg(socket, &message, 0) == 1);
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&taken, CMSG_DATA(header), sizeof(taken));
	return taken;
}

socklen_t name_of(struct sockaddr_un *address, const char *name)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path + 1, name, strlen(name));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

int listen_as(const char *name)
{
	struct sockaddr_un address;
	socklen_t size = name_of(&address, name);
	int listener = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);

	MUST(ipcref_bind(listener, (struct sockaddr *)&address, size) == 0);
	MUST(ipcref_listen(listener, 1) == 0);
	return listener;
}

int connect_to(const char *name)
{
	struct sockaddr_un address;
	socklen_t size = name_of(&address, name);
	int client = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);

	MUST(ipcref_connect(client, (struct sockaddr *)&address, size) == 0);
	return client;
}

void connect_by(const char *name, int ends[2])
{
	int listener = listen_as(name);

	ends[0] = connect_to(name);
	ends[1] = ipcref_accept(listener, NULL, NULL);
	MUST(ends[1] >= 0 && ipcref_close(listener) == 0);
}

/* The path of a directory may be longer than an address of a socket can be. */
void live_in_a_deep_directory(void)
{
	char world[PATH_MAX];
	int ends[2], fd;

	snprintf(world, sizeof(world), "%s/%0120d", getenv("IPCREF_NAMESPACE"), 0);
	MUST(mkdir(world, 0700) == 0 && setenv("IPCREF_NAMESPACE", world, 1) == 0);
	connect_by("deep", ends);
	MUST(passes(ends[0], ends[1], 0));
	MUST((fd = take(ends[1])) >= 0 && ipcref_close(fd) == 0);
}

/* A path may be where no link leads to from the namespace. */
void live_with_a_path_of_another_file_system(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct sockaddr *to = (struct sockaddr *)&address;
	struct stat here, there;
	int ends[2], listener = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);
	int other = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);

	if (stat(getenv("IPCREF_NAMESPACE"), &here) < 0 || stat("/dev/shm", &there) < 0 ||
	    here.st_dev == there.st_dev)
		return;
	snprintf(address.sun_path, sizeof(address.sun_path), "/dev/shm/ipcts-ref-%ld",
		 (long)getpid());
	MUST(listener >= 0 && ipcref_bind(listener, to, sizeof(address)) == 0);
	MUST(ipcref_listen(listener, 1) == 0);
	MUST(ipcref_stat(address.sun_path, &there) == 0 && S_ISSOCK(there.st_mode));
	MUST_FAIL(ipcref_bind(other, to, sizeof(address)), EADDRINUSE);
	MUST_FAIL(ipcref_connect(other, to, sizeof(address)), EPROTOTYPE);
	ends[0] = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(ipcref_connect(ends[0], to, sizeof(address)) == 0);
	ends[1] = ipcref_accept(listener, NULL, NULL);
	MUST(ends[1] >= 0 && ipcref_send(ends[0], "a", 1, 0) == 1);
	MUST(ipcref_close(listener) == 0 && ipcref_close(ends[0]) == 0);
	ends[0] = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);
	MUST_FAIL(ipcref_connect(ends[0], to, sizeof(address)), ECONNREFUSED);
	MUST_FAIL(ipcref_bind(ends[0], to, sizeof(address)), EADDRINUSE);
	MUST(unlink(address.sun_path) == 0);

	/* if who binds dies before that is told, it didn't happen, and can */
	MUST(ipcref_bind(other, to, sizeof(address)) == 0);
	struct handle *h = descriptor_get(other, OBJECT_SOCKET);
	MUST(h);
	socket_of(&h->mapping)->ends[0].switches |= SWITCH_BINDING;
	handle_put(h);
	long before = count_costs();
	MUST(ipcref_bind(other, to, sizeof(address)) == 0);
	MUST(count_costs() == before && unlink(address.sun_path) == 0);
}

/* Where objects are that are laid out otherwise, nobody works. */
void live_beside_another_version(void)
{
	char world[PATH_MAX], mark[PATH_MAX + 16];
	int ends[2];

	snprintf(world, sizeof(world), "%s/other", getenv("IPCREF_NAMESPACE"));
	snprintf(mark, sizeof(mark), "%s/.ipcref-0", world);
	MUST(mkdir(world, 0700) == 0 && setenv("IPCREF_NAMESPACE", world, 1) == 0);
	int fd = open(mark, O_CREAT | O_RDONLY, 0444);
	MUST(fd >= 0 && close(fd) == 0);
	MUST_FAIL(ipcref_pipe(ends), EPROTONOSUPPORT);
}

int count_files(const char *prefix)
{
	DIR *stream = opendir(getenv("IPCREF_NAMESPACE"));
	int count = 0;

	MUST(stream);
	for (const struct dirent *entry; (entry = readdir(stream));)
		count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(stream);
	return count;
}

/* What the dead have left is buried by the next. */
void live_after_the_dead(void)
{
	char world[PATH_MAX];
	int fd;

	snprintf(world, sizeof(world), "%s/dead", getenv("IPCREF_NAMESPACE"));
	MUST(mkdir(world, 0700) == 0 && setenv("IPCREF_NAMESPACE", world, 1) == 0);
	pid_t pid = forks();
	if (pid == 0) {
		MUST(ipcref_socket(AF_UNIX, SOCK_DGRAM, 0) >= 0);
		kill(getpid(), SIGKILL);
	}
	MUST(waitpid(pid, NULL, 0) == pid && count_files("sock.") == 1);
	MUST((fd = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0);
	MUST(count_files("sock.") == 1 && ipcref_close(fd) == 0);
	MUST(count_files("sock.") == 0);
}

/* Everybody may make objects where nobody has said where they are to be. */
void live_in_the_default_directory(void)
{
	struct stat status;
	int ends[2];

	/* in a /dev/shm of its own, which takes a privilege */
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL) < 0)
		return;
	unsetenv("IPCREF_NAMESPACE");
	umask(077);
	MUST(ipcref_pipe(ends) == 0 && stat("/dev/shm/ipcref", &status) == 0);
	MUST((status.st_mode & 07777) == 01777);
}

/* Number 0 is one like others: a daemon has closed its standard input. */
void live_with_number_zero(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct sembuf up = {.sem_op = 1};
	struct {
		long type;
		char text[1];
	} message = {1, "a"};
	int ends[2], id, fd;
	sigset_t set;
	struct shmid_ds status;
	fd_set readable;
	char byte;

	char world[PATH_MAX];

	snprintf(world, sizeof(world), "%s/zero", getenv("IPCREF_NAMESPACE"));
	MUST(mkdir(world, 0700) == 0 && setenv("IPCREF_NAMESPACE", world, 1) == 0);
	close(0);
	MUST(thread_birth(thread_id()) != 0);
	MUST(ipcref_pipe(ends) == 0 && ends[0] == 0);
	MUST(ipcref_write(ends[1], "a", 1) == 1 && ipcref_read(0, &byte, 1) == 1);
	MUST(ipcref_fcntl(0, F_GETFL) == O_RDONLY && ipcref_close(0) == 0);
	MUST(ipcref_eventfd(1, 0) == 0);
	FD_ZERO(&readable);
	FD_SET(0, &readable);
	MUST(ipcref_select(1, &readable, NULL, NULL, NULL) == 1 && ipcref_close(0) == 0);
	MUST(ipcref_close(ends[1]) == 0);

	/* what opens a descriptor for a moment only */
	MUST((id = ipcref_msgget(IPC_PRIVATE, 0600)) >= 0);
	MUST(ipcref_msgsnd(id, &message, 1, 0) == 0 && ipcref_msgctl(id, IPC_RMID, NULL) == 0);
	MUST((id = ipcref_semget(IPC_PRIVATE, 1, 0600)) >= 0);
	MUST(ipcref_semop(id, &up, 1) == 0 && ipcref_semctl(id, 0, IPC_RMID) == 0);
	MUST((id = ipcref_shmget(IPC_PRIVATE, 1, 0600)) >= 0);
	void *memory = ipcref_shmat(id, NULL, 0);
	MUST(memory != MAP_FAILED);
	MUST(ipcref_shmctl(id, IPC_STAT, &status) == 0 && status.shm_nattch == 1);
	MUST(ipcref_shmctl(id, IPC_RMID, NULL) == 0);
	MUST(ipcref_shmdt(memory) == 0);
	sem_t *sem = ipcref_sem_open("/s", O_CREAT | O_EXCL, 0600, 1);
	MUST(sem != SEM_FAILED && ipcref_sem_open("/s", 0) == sem);
	MUST(ipcref_sem_wait(sem) == 0 && ipcref_sem_unlink("/s") == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	queue_to(getpid());
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
	int listener = ipcref_dup(0), client;
	MUST(ipcref_close(0) == 0);
	MUST(ipcref_bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(ipcref_listen(listener, 1) == 0 && ipcref_eventfd(0, 0) == 0);
	MUST((client = ipcref_socket(AF_UNIX, SOCK_STREAM, 0)) > 0);
	MUST(ipcref_connect(client, (struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(ipcref_close(0) == 0 && (fd = ipcref_accept(listener, NULL, NULL)) == 0);
	MUST(ipcref_send(client, "a", 1, 0) == 1 && ipcref_recv(0, &byte, 1, 0) == 1);
	MUST(passes(client, listener, 0));
	MUST((fd = take(0)) > 0 && ipcref_close(fd) == 0);
	MUST(ipcref_close(0) == 0 && ipcref_close(client) == 0 && ipcref_close(listener) == 0);
	MUST(unlink(address.sun_path) == 0);
	MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && ends[0] == 0);
	MUST((client = ipcref_dup(0)) > 0 && ipcref_close(0) == 0);
	MUST(ipcref_dup3(client, 0, 0) == 0 && ipcref_close(client) == 0);
	MUST(passes(0, ends[1], 0) && (fd = take(ends[1])) > 0 && ipcref_close(fd) == 0);
	MUST(ipcref_close(0) == 0 && ipcref_close(ends[1]) == 0);
}
