/* SPDX-License-Identifier: MIT */
/* Lives whose witness looks at parts of the library that no call of it tells of. */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/futex.h"
#include "ref/hold.h"
#include "ref/ipcref.h"
#include "ref/lock.h"
#include "ref/socket.h"
#include "tests/unit/ref_lives.h"

/* -- threads ---------------------------------------------------------------------------------- */

static void *begin_to_hold(void *unused)
{
	(void)unused;
	return hold_own ? hold_own : hold_begin();
}

/* What a thread has hold of it writes down where no other thread does. */
void live_with_two_threads(void)
{
	struct hold *own = begin_to_hold(NULL);
	pthread_t thread;
	void *its;

	MUST(pthread_create(&thread, NULL, begin_to_hold, NULL) == 0);
	MUST(pthread_join(thread, &its) == 0);
	/* where that can't be, all are told that they have hold of something */
	MUST(its != own || atomic_load(&own->held));
}

static void *read_a_byte(void *given)
{
	char byte;

	return (void *)(intptr_t)ipcref_read(*(int *)given, &byte, 1);
}

/* A child has none of the threads that have hold of something, and what itself has hold of. */
void live_as_a_child_of_threads(void)
{
	pthread_t thread;
	void *result;
	int ends[2], status;

	MUST(ipcref_pipe(ends) == 0);
	struct handle *h = descriptor_get(ends[0], OBJECT_ANY);
	MUST(h && pthread_create(&thread, NULL, read_a_byte, &ends[0]) == 0);
	if (!hold_is_own(h))
		return; /* where threads have hold of nothing by themselves */
	while (!hold_is_elsewhere(h))
		sched_yield();
	pid_t pid = fork();
	if (pid == 0) {
		MUST(hold_is_own(h) && !hold_is_elsewhere(h));
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	handle_put(h);
	MUST(ipcref_write(ends[1], "a", 1) == 1);
	MUST(pthread_join(thread, &result) == 0 && (intptr_t)result == 1);
}

/* -- segments --------------------------------------------------------------------------------- */

/* What may be done with the memory at an address, as the kernel tells it; "": there is none. */
static const char *rights_to(const void *address)
{
	static char rights[5];
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long begin, end;
	char line[512];

	MUST(maps);
	while (fgets(line, sizeof(line), maps)) {
		MUST(sscanf(line, "%lx-%lx %4s", &begin, &end, rights) == 3);
		if (begin <= (uintptr_t)address && (uintptr_t)address < end)
			break;
		*rights = '\0';
	}
	fclose(maps);
	return rights;
}

/* A segment's memory is run by nobody who hasn't asked for that. */
void live_with_a_segment_of_data(void)
{
	int id = ipcref_shmget(IPC_PRIVATE, 1, 0700);

	MUST(id >= 0);
	void *memory = ipcref_shmat(id, NULL, 0);
	MUST(memory != MAP_FAILED && strcmp(rights_to(memory), "rw-s") == 0);
	MUST(ipcref_shmdt(memory) == 0);
	memory = ipcref_shmat(id, NULL, SHM_RDONLY);
	MUST(memory != MAP_FAILED && strcmp(rights_to(memory), "r--s") == 0);
	MUST(ipcref_shmdt(memory) == 0);
#ifdef SHM_EXEC
	memory = ipcref_shmat(id, NULL, SHM_EXEC);
	/* the directory may be where nothing may be run */
	MUST(memory == MAP_FAILED || strcmp(rights_to(memory), "rwxs") == 0);
#endif
	MUST(ipcref_shmctl(id, IPC_RMID, NULL) == 0);
}

/* -- connections ------------------------------------------------------------------------------ */

static struct handle *socket_at(int fd)
{
	struct handle *h = descriptor_get(fd, OBJECT_SOCKET);

	MUST(h);
	return h;
}

/* From now on no descriptor can be had. */
static void use_up_descriptors(void)
{
	struct rlimit limit;
	int first = open("/dev/null", O_RDONLY);

	MUST(first >= 0 && close(first) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = (rlim_t)first;
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	MUST_FAIL(open("/dev/null", O_RDONLY), EMFILE);
}

/* Of a connection that was accepted its own file tells all that one asks for. */
void live_without_a_descriptor_to_spare(void)
{
	int ends[2];
	char byte;

	connect_by("spare", ends);
	MUST(ipcref_send(ends[1], "a", 1, 0) == 1 && ipcref_close(ends[1]) == 0);
	use_up_descriptors();
	MUST(ipcref_recv(ends[0], &byte, 1, 0) == 1);
	MUST(ipcref_recv(ends[0], &byte, 1, 0) == 0);
}

/* Who has died in connecting has connected for all who have the socket. */
void live_with_a_connector_who_died(void)
{
	struct socket *socket;
	int ends[2];
	pid_t pid;

	connect_by("died", ends);
	struct handle *h = socket_at(ends[0]);
	socket = socket_of(&h->mapping);
	if ((pid = fork()) == 0)
		_exit(0);
	MUST(waitpid(pid, NULL, 0) == pid);
	atomic_store(&socket->connector, (uint32_t)pid);
	atomic_store(&socket->state, SOCKET_CONNECTING);
	MUST(ipcref_send(ends[0], "a", 1, 0) == 1);
	handle_put(h);
}

/* Who waits to be accepted, and may be asleep to send or to receive, is told that nobody will. */
void live_with_a_listener_that_closes(void)
{
	int listener = listen_as("closes"), clients[2];
	char path[PATH_MAX];

	/* the first is gone already */
	clients[0] = connect_to("closes");
	struct handle *h = socket_at(clients[0]);
	MUST(socket_path_of(path, socket_of(&h->mapping)->number) && unlink(path) == 0);
	handle_put(h);
	clients[1] = connect_to("closes");
	h = socket_at(clients[1]);
	const struct socket *socket = socket_of(&h->mapping);
	uint32_t put = atomic_load(&socket->queues[0].put.rings);
	uint32_t made_room = atomic_load(&socket->queues[1].made_room.rings);
	MUST(ipcref_close(listener) == 0);
	MUST(atomic_load(&socket->queues[0].put.rings) != put);
	MUST(atomic_load(&socket->queues[1].made_room.rings) != made_room);
	handle_put(h);

	/* and who waits for a place, that there are more */
	listener = listen_as("goes on");
	h = socket_at(listener);
	socket = socket_of(&h->mapping);
	made_room = atomic_load(&socket->queues[0].made_room.rings);
	MUST(ipcref_listen(listener, 5) == 0);
	MUST(atomic_load(&socket->queues[0].made_room.rings) != made_room);
	handle_put(h);
	MUST(ipcref_close(listener) == 0);
}

/* Descriptors whose sender has died before their message was there are nobody's. */
void live_with_descriptors_of_the_dead(void)
{
	struct rights rights = {.count = 1};
	uint32_t ticket;
	int ends[2], fd;

	MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	struct handle *h = socket_at(ends[0]);
	rights.fds[0] = ends[0];
	for (int i = 0; i < 3; i++) {
		mapping_lock(&h->mapping);
		MUST(rights_send(&rights, h, socket_of(&h->mapping), 1, &ticket) == 0);
		mapping_unlock(&h->mapping);
		MUST(passes(ends[0], ends[1], 0));
		MUST((fd = take(ends[1])) >= 0 && ipcref_close(fd) == 0);
	}
	handle_put(h);
}

/* What is shut wakes who sends and who receives, on both sides. */
void live_with_an_end_that_is_shut(void)
{
	int ends[2];

	MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	struct handle *h = socket_at(ends[0]);
	const struct socket *socket = socket_of(&h->mapping);
	uint32_t put[2], made_room[2];
	for (int i = 0; i < 2; i++) {
		put[i] = atomic_load(&socket->queues[i].put.rings);
		made_room[i] = atomic_load(&socket->queues[i].made_room.rings);
	}
	MUST(ipcref_shutdown(ends[0], SHUT_RDWR) == 0);
	for (int i = 0; i < 2; i++) {
		MUST(atomic_load(&socket->queues[i].put.rings) != put[i]);
		MUST(atomic_load(&socket->queues[i].made_room.rings) != made_room[i]);
	}
	handle_put(h);
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
}

static void path_of_carrier(char path[PATH_MAX], int fd)
{
	struct handle *h = socket_at(fd);

	MUST(rights_path_of(path, socket_of(&h->mapping)->number));
	handle_put(h);
}

/* Whether what is passed over a connection to such a listener arrives. */
static bool can_pass(int listener, const char *name)
{
	int client = connect_to(name), accepted = ipcref_accept(listener, NULL, NULL), fd = -1;

	MUST(accepted >= 0);
	errno = EMFILE;
	if (passes(client, client, 0)) {
		MUST((fd = take(accepted)) >= 0);
		MUST(ipcref_close(fd) == 0);
	} else {
		MUST(errno == ENOSYS);
	}
	MUST(ipcref_close(client) == 0 && ipcref_close(accepted) == 0);
	return fd >= 0;
}

/*
 * The name of a listener's carrier is another's: of one who is gone, whom it is taken from; of what
 * is no socket, or nobody's, and then nothing can be passed, and that costs nothing.
 */
void live_with_names_of_carriers_in_use(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX}, own;
	char path[PATH_MAX];

	enum { ABANDONED, DIRECTORY, GONE, WAYS };
	MUST(ipcref_close(listen_as("warm")) == 0);
	for (int way = ABANDONED; way < WAYS; way++) {
		long before = count_costs();
		int listener = ipcref_socket(AF_UNIX, SOCK_STREAM, 0);
		socklen_t size = name_of(&own, "carried");
		path_of_carrier(path, listener);
		MUST(strlen(path) < sizeof(address.sun_path));
		if (way == ABANDONED) {
			int other = socket(AF_UNIX, SOCK_SEQPACKET, 0);
			strcpy(address.sun_path, path);
			MUST(bind(other, (struct sockaddr *)&address, sizeof(address)) == 0);
			MUST(close(other) == 0);
		} else if (way == DIRECTORY) {
			MUST(mkdir(path, 0700) == 0);
		}
		MUST(ipcref_bind(listener, (struct sockaddr *)&own, size) == 0);
		MUST(ipcref_listen(listener, 1) == 0);
		MUST(way != GONE || unlink(path) == 0);
		MUST(can_pass(listener, "carried") == (way == ABANDONED));
		MUST(ipcref_close(listener) == 0);
		MUST(way != DIRECTORY || rmdir(path) == 0);
		MUST(count_files("carrier") == 0);
		MUST(count_costs() == before);
	}
}

/* -- what is read and told -------------------------------------------------------------------- */

/* What isn't there to be told of has a size, too, and who listens has nothing to be read. */
void live_with_questions(void)
{
	char path[PATH_MAX];
	struct stat status;
	int size = 7, listener = listen_as("asked");

	MUST_FAIL(ipcref_ioctl(listener, FIONREAD, &size), EINVAL);
	MUST(ipcref_close(listener) == 0);
	snprintf(path, sizeof(path), "%s/f", getenv("IPCREF_NAMESPACE"));
	MUST(ipcref_mkfifo(path, 0600) == 0 && ipcref_stat(path, &status) == 0);
	MUST(status.st_size == 0 && unlink(path) == 0);
}

/* Also four times over: what a call has found out is no more than a count of them tells. */
void live_with_settings_that_change(void)
{
	int ends[2];
	char byte;

	for (unsigned changes = 1; changes <= 64; changes++) {
		MUST(ipcref_pipe(ends) == 0);
		MUST(ipcref_write(ends[1], "a", 1) == 1 && ipcref_read(ends[0], &byte, 1) == 1);
		for (unsigned i = 0; i < changes; i++)
			MUST(ipcref_fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
		MUST_FAIL(ipcref_read(ends[0], &byte, 1), EAGAIN);
		MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
	}
}

#ifdef F_SETPIPE_SZ
/* What is in a pipe that gets another size is in it, also if that is but a byte. */
void live_with_a_pipe_of_another_size(void)
{
	char bytes[4];
	int ends[2];

	for (size_t size = 1; size <= sizeof(bytes); size++) {
		MUST(ipcref_pipe(ends) == 0 &&
		     ipcref_write(ends[1], "abcd", size) == (ssize_t)size);
		MUST(ipcref_fcntl(ends[1], F_SETPIPE_SZ, 1 << 17) == 1 << 17);
		MUST(ipcref_read(ends[0], bytes, sizeof(bytes)) == (ssize_t)size);
		MUST(memcmp(bytes, "abcd", size) == 0);
		MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
	}
}
#else
void live_with_a_pipe_of_another_size(void)
{
}
#endif

/* A moment is as far from now as was said. */
void live_until_a_moment(void)
{
	static const int after_ms[] = {0, 1, 999, 1000, 1001, 60000};

	for (size_t i = 0; i < sizeof(after_ms) / sizeof(after_ms[0]); i++) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		const struct timespec moment = moment_after(CLOCK_MONOTONIC, after_ms[i]);
		int64_t ns = (int64_t)(moment.tv_sec - now.tv_sec) * 1000000000 +
			     (moment.tv_nsec - now.tv_nsec);
		MUST(ns >= (int64_t)after_ms[i] * 1000000 && moment.tv_nsec < 1000000000);
	}
}

/* -- signals and locks ------------------------------------------------------------------------ */

/* The library watches for what is cut off, and leaves all else as it was. */
void live_without_minding_SIGBUS(void)
{
	int ends[2];

	MUST(signal(SIGBUS, SIG_IGN) != SIG_ERR);
	MUST(ipcref_pipe(ends) == 0);
	MUST(kill(getpid(), SIGBUS) == 0 && raise(SIGBUS) == 0);
}

/* Who has waited for a lock dies with another one as everybody does. */
void live_after_a_wait_for_a_lock(void)
{
	struct {
		pthread_rwlock_t rwlock;
		struct lock lock;
		_Atomic int is_there;
	} *shared = share(sizeof(*shared));
	int status;

	MUST(ipcref_rwlock_init(&shared->rwlock, NULL) == 0);
	MUST(ipcref_rwlock_wrlock(&shared->rwlock) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		atomic_store(&shared->is_there, 1);
		MUST(ipcref_rwlock_rdlock(&shared->rwlock) == 0);
		MUST(ipcref_rwlock_unlock(&shared->rwlock) == 0);
		lock_take(&shared->lock);
		raise(SIGKILL);
	}
	while (!atomic_load(&shared->is_there))
		sched_yield();
	await_sleep(pid);
	MUST(ipcref_rwlock_unlock(&shared->rwlock) == 0);
	MUST(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	MUST(!kernel_minds_the_dead() || atomic_load(&shared->lock.word) & LOCK_OWNER_DIED);
}
