/* SPDX-License-Identifier: MIT */
/* Lives with sockets: their names, what comes with what they carry, and what is left of them. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/ipcref.h"
#include "ref/socket.h"
#include "tests/unit/ref_lives.h"
#include "tests/unit/ref_world.h"

/* Binds it to a name in the world; 0, or -1 with errno. */
static int bind_to(int fd, const char *name)
{
	struct sockaddr_un address;
	socklen_t size = name_of(&address, name);

	return ipcref_bind(fd, (struct sockaddr *)&address, size);
}

static struct socket *shared_by(int fd)
{
	struct handle *h = descriptor_get(fd, OBJECT_SOCKET);

	MUST(h);
	struct socket *socket = socket_of(&h->mapping);
	/* as long as it is open */
	handle_put(h);
	return socket;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* -- names ------------------------------------------------------------------------------------ */

/* Who takes a dead socket's name takes nothing else, whatever number that says it had. */
void live_with_a_number_of_anothers(void)
{
	char path[PATH_MAX], carrier[PATH_MAX], own[PATH_MAX], own_carrier[PATH_MAX];
	int victim = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);
	int hostile = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);
	int next = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);

	MUST(bind_to(victim, "victim") == 0 && bind_to(hostile, "hostile") == 0);
	MUST(socket_path_of(path, shared_by(victim)->number));
	MUST(rights_path_of(carrier, shared_by(victim)->number));
	MUST(socket_path_of(own, shared_by(hostile)->number));
	MUST(rights_path_of(own_carrier, shared_by(hostile)->number));
	shared_by(hostile)->number = shared_by(victim)->number;
	MUST(ipcref_close(hostile) == 0 && bind_to(next, "hostile") == 0);
	MUST(is_there(path) && is_there(carrier));
	MUST(ipcref_close(next) == 0 && ipcref_close(victim) == 0);
	MUST(!is_there(path) && !is_there(carrier));
	MUST(unlink(own) == 0 && unlink(own_carrier) == 0);
}

static void remove_it(const char *path)
{
	MUST(unlink(path) == 0);
}

/* A name that can't be looked at is in use, and so is one that leads to no socket. */
void live_with_names_that_tell_nothing(void)
{
	char path[PATH_MAX];
	int one = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);
	int other = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(path, sizeof(path), "%s/sockname.61", getenv("IPCREF_NAMESPACE"));
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	MUST(fd >= 0 && close(fd) == 0);
	MUST_FAIL(bind_to(one, "a"), EADDRINUSE);
	/* but not one that is gone when it is looked at */
	world.opened = path;
	world.meanwhile = remove_it;
	MUST(bind_to(one, "a") == 0 && !world.opened);
	use_up_descriptors();
	MUST_FAIL(bind_to(other, "a"), EADDRINUSE);
	MUST(ipcref_close(one) == 0 && ipcref_close(other) == 0);
}

/* A name that was refused leaves nothing of it. */
void live_with_a_name_refused(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv("IPCREF_NAMESPACE"));
	int before = count_files("");
	MUST_FAIL(ipcref_bind(fd, (struct sockaddr *)&address, sizeof(address)), EADDRINUSE);
	MUST(count_files("") == before && ipcref_close(fd) == 0);
}

/* -- what is left ----------------------------------------------------------------------------- */

/* Who was sent the number of a socket isn't one who has still to accept it. */
void live_with_a_number_in_a_datagram(void)
{
	struct sockaddr_un address;
	socklen_t size = name_of(&address, "addressee");
	int addressee = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);
	int sender = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);
	uint64_t number = shared_by(sender)->number;
	char path[PATH_MAX];

	MUST(socket_path_of(path, number) && bind_to(addressee, "addressee") == 0);
	MUST(ipcref_connect(sender, (struct sockaddr *)&address, size) == 0);
	MUST(ipcref_send(sender, &number, sizeof(number), 0) == sizeof(number));
	MUST(is_there(path) && ipcref_close(sender) == 0 && !is_there(path));
	MUST(ipcref_close(addressee) == 0);
}

/* What the dead have left is looked for now and then: a socket doesn't cost what others do. */
void live_among_many_sockets(void)
{
	enum { FEW = 10, MANY = 300 };
	char world_of_its_own[PATH_MAX];
	pid_t pid;

	snprintf(world_of_its_own, sizeof(world_of_its_own), "%s/many", getenv("IPCREF_NAMESPACE"));
	MUST(mkdir(world_of_its_own, 0700) == 0);
	MUST(setenv("IPCREF_NAMESPACE", world_of_its_own, 1) == 0);
	MUST(ipcref_close(ipcref_socket(AF_UNIX, SOCK_STREAM, 0)) == 0);
	if ((pid = forks()) == 0) {
		MUST(ipcref_socket(AF_UNIX, SOCK_DGRAM, 0) >= 0);
		kill(getpid(), SIGKILL);
	}
	MUST(waitpid(pid, NULL, 0) == pid && count_files("sock.") == 1);
	for (int i = 0; i < MANY; i++) {
		MUST(i >= FEW || count_files("sock.") == 1);
		MUST(ipcref_close(ipcref_socket(AF_UNIX, SOCK_STREAM, 0)) == 0);
	}
	MUST(count_files("sock.") == 0);
}

/* -- what comes ------------------------------------------------------------------------------- */

/* Memory is had for what is sent, and for no more than a part of what could be. */
void live_with_a_ring_as_long_as_needed(void)
{
	enum { PIECE = 20000 };
	static char bytes[PIECE];
	int ends[2];

	MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	const struct socket_queue *queue = &shared_by(ends[0])->queues[1];
	MUST(ipcref_send(ends[0], bytes, PIECE, 0) == PIECE);
	for (int i = 0; i < 100; i++) {
		MUST(ipcref_send(ends[0], bytes, PIECE, 0) == PIECE);
		MUST(i > 0 || atomic_load(&queue->allocated) < SOCKET_RING);
		MUST(atomic_load(&queue->allocated) >= atomic_load(&queue->tail) % SOCKET_RING);
		MUST(ipcref_recv(ends[1], bytes, PIECE, MSG_WAITALL) == PIECE);
	}
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
}

#if defined(SYS_pidfd_open) && defined(SO_PASSPIDFD)
/* A sender's process may be had as number 0, as any descriptor. */
void live_with_a_process_at_zero(void)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {(char[]){"x"}, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int ends[2], on = 1, fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	/* where there is no such thing */
	if (fd < 0)
		return;
	MUST(close(fd) == 0 && ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	MUST(ipcref_setsockopt(ends[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) == 0);
	MUST(ipcref_send(ends[0], "a", 1, 0) == 1);
	close(0);
	MUST(ipcref_recvmsg(ends[1], &message, 0) == 1);
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	MUST(header && header->cmsg_type == SCM_PIDFD);
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	MUST(fd == 0 && close(fd) == 0);
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
}
#else
void live_with_a_process_at_zero(void)
{
}
#endif

static void close_zero(const char *path)
{
	(void)path;
	close(0);
}

/* Another thread gives up number 0 in the middle of a call, which has it then. */
void live_with_a_zero_that_others_lose(void)
{
	int ends[2];

	world.opened = "/proc/self/fd/";
	world.meanwhile = close_zero;
	MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	if (world.opened)
		return; /* where files begin with a name */
	MUST(ends[1] == 0 && ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
}

/* So may the directory be, where its path is too long for an address. */
void live_with_a_directory_at_zero(void)
{
	char deep[PATH_MAX];

	world.meanwhile = close_zero;
	snprintf(deep, sizeof(deep), "%s/%0120d", getenv("IPCREF_NAMESPACE"), 1);
	MUST(mkdir(deep, 0700) == 0 && setenv("IPCREF_NAMESPACE", deep, 1) == 0);
	int listener = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(bind_to(listener, "lost") == 0);
	world.opened = deep;
	MUST(ipcref_listen(listener, 1) == 0);
	MUST(!world.opened && fcntl(0, F_GETFD) == -1);
	int client = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(client == 0 && (client = ipcref_dup(0)) > 0 && ipcref_close(0) == 0);
	MUST(open("/dev/null", O_RDONLY) == 0);
	world.opened = deep;
	struct sockaddr_un address;
	socklen_t size = name_of(&address, "lost");
	MUST(ipcref_connect(client, (struct sockaddr *)&address, size) == 0);
	MUST(!world.opened && fcntl(0, F_GETFD) == -1);
	MUST(ipcref_close(client) == 0 && ipcref_close(listener) == 0);
}

/* Of other domains, some of which make pairs, too, a number may be that of something of ours. */
void live_with_pairs_of_the_platform(void)
{
	int ours[2], its[2];
	char byte;

	MUST(ipcref_pipe(ours) == 0 && close(ours[0]) == 0 && close(ours[1]) == 0);
	world.has_all_pairs = true;
	MUST(ipcref_socketpair(AF_INET, SOCK_STREAM, 0, its) == 0);
	MUST(its[0] == ours[0] && its[1] == ours[1]);
	MUST(ipcref_write(its[0], "a", 1) == 1 && ipcref_read(its[1], &byte, 1) == 1);
	MUST(ipcref_write(its[1], "b", 1) == 1 && ipcref_read(its[0], &byte, 1) == 1);
	MUST(ipcref_close(its[0]) == 0 && ipcref_close(its[1]) == 0);
}

/* -- what Linux says of who has no peer ------------------------------------------------------- */

void live_without_a_peer(void)
{
	int fd = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd polled = {fd, POLLIN | POLLOUT, 0};

	MUST(ipcref_poll(&polled, 1, 0) == 1 && polled.revents == (POLLOUT | POLLHUP));
#ifdef SO_PEERCRED
	struct ucred peer;
	socklen_t size = sizeof(peer);

	MUST(ipcref_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0);
	MUST(peer.pid == 0 && peer.uid == (uid_t)-1 && peer.gid == (gid_t)-1);
#endif
	MUST(ipcref_close(fd) == 0);
}
