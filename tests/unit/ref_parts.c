/* SPDX-License-Identifier: MIT */
/* Lives whose witness looks at parts of the library that no call of it tells of. */
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
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
#include "ref/loss.h"
#include "ref/mq.h"
#include "ref/pipe.h"
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
	pid_t pid = forks();
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

/* A segment is where one wishes, and not where there is something already. */
void live_with_an_address_of_ones_choice(void)
{
	const size_t much = (size_t)1 << 24; /* the library itself maps its own near the end */
	int id = ipcref_shmget(IPC_PRIVATE, 1, 0700);
	char *place = mmap(NULL, much, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(id >= 0 && place != MAP_FAILED && munmap(place, much) == 0);
	char *wish = place + much / 2;
	MUST(ipcref_shmat(id, wish, 0) == wish);
	MUST(ipcref_shmat(id, wish, 0) == MAP_FAILED && errno == EINVAL);
	MUST(ipcref_shmdt(wish) == 0 && ipcref_shmctl(id, IPC_RMID, NULL) == 0);
}

/* Of what goes wrong within, and is no failure, no error is told. */
void live_with_an_error_of_before(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int id = ipcref_shmget(IPC_PRIVATE, 2 * page, 0700), status;
	char *memory = ipcref_shmat(id, NULL, 0);

	MUST(id >= 0 && memory != MAP_FAILED && munmap(memory, page) == 0);
	errno = EDOM;
	MUST(ipcref_shmdt(memory) == 0 && errno == EDOM);
	memory = ipcref_shmat(id, NULL, 0);
	MUST(memory != MAP_FAILED && errno == EDOM);
	use_up_descriptors();
	errno = EDOM;
	pid_t pid = forks();
	if (pid == 0)
		_exit(errno == EDOM ? 0 : 1);
	MUST(errno == EDOM && waitpid(pid, &status, 0) == pid && status == 0);
	MUST(ipcref_shmctl(id, IPC_RMID, NULL) == 0 && errno == EDOM);
	MUST(ipcref_shmdt(memory) == 0);
}

/* -- connections ------------------------------------------------------------------------------ */

static struct handle *socket_at(int fd)
{
	struct handle *h = descriptor_get(fd, OBJECT_SOCKET);

	MUST(h);
	return h;
}

void use_up_descriptors(void)
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
	if ((pid = forks()) == 0)
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

	/* what was set behind the library's back isn't looked for as long as it was told of nothing
	 */
	MUST(ipcref_pipe(ends) == 0 && !(ipcref_fcntl(ends[1], F_GETFL) & O_DIRECT));
	MUST(lseek(ends[1], PIPE_WRITES | PIPE_IN_PACKETS, SEEK_SET) >= 0);
	MUST(!(ipcref_fcntl(ends[1], F_GETFL) & O_DIRECT));
	MUST(ipcref_fcntl(ends[0], F_SETFL, 0) == 0);
	MUST(ipcref_fcntl(ends[1], F_GETFL) & O_DIRECT);
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
}

/* It stays where it is as long as the descriptor is open. */
static struct pipe *pipe_at(int fd)
{
	struct handle *h = descriptor_get(fd, OBJECT_PIPE);

	MUST(h);
	struct pipe *pipe = pipe_of(&h->mapping);

	handle_put(h);
	return pipe;
}

/* A read of what was written as a stream ends where packets begin. */
void live_with_packets_behind_bytes(void)
{
	char bytes[8];
	int ends[2];

	MUST(ipcref_pipe(ends) == 0 && ipcref_write(ends[1], "ab", 2) == 2);
	MUST(ipcref_fcntl(ends[1], F_SETFL, O_DIRECT) == 0);
	MUST(ipcref_write(ends[1], "cde", 3) == 3);
	MUST(ipcref_read(ends[0], bytes, sizeof(bytes)) == 2 && memcmp(bytes, "ab", 2) == 0);
	MUST(ipcref_read(ends[0], bytes, sizeof(bytes)) == 3 && memcmp(bytes, "cde", 3) == 0);
	/* no side goes by what it has seen longer than it must, for positions come round */
	const struct pipe *pipe = pipe_at(ends[0]);
	MUST(atomic_load(&pipe->readers.seen) == atomic_load(&pipe->writers.position));
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
}

/*
 * Readers that haven't moved since the last look give no sign of life by that, however short a time
 * ago it was.
 */
void live_with_a_reader_gone_silently(void)
{
	/* longer than to the next look, and less than a sign is good for */
	enum { TRIES = 1000, A_LOOK_AGO = 2000 };
	int ends[2];

	MUST(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	MUST(ipcref_pipe(ends) == 0 && ipcref_write(ends[1], "a", 1) == 1);
	/* by the platform's own means, of which the library isn't told: as if killed */
	MUST(close(ends[0]) == 0);
	struct handle *h = descriptor_get(ends[1], OBJECT_PIPE);
	MUST(h);
	for (int i = 0; i < TRIES; i++) {
		h->notes.lived_at = 0;
		h->notes.looked_at = pipe_ticks() - A_LOOK_AGO;
		MUST_FAIL(ipcref_write(ends[1], "a", 1), EPIPE);
	}
	handle_put(h);
	MUST(ipcref_close(ends[1]) == 0);
}

static _Atomic bool is_over;

/* The ring is said to move, all the time. */
static void *moves(void *given)
{
	struct pipe *pipe = given;

	for (uint32_t turn = 1; !atomic_load(&is_over); turn++)
		atomic_store(&pipe->ring, PIPE_CAPACITY | (turn * RING_MOVE & RING_BITS));
	return NULL;
}

/* A peer who never lets one read in peace makes that fail, after some tries. */
void live_with_a_ring_that_moves(void)
{
	enum { TURNS = 1000, SIZE = 16384 };
	static char bytes[SIZE];
	ssize_t result = SIZE;
	pthread_t thread;
	int ends[2];

	MUST(ipcref_pipe(ends) == 0);
	MUST(pthread_create(&thread, NULL, moves, pipe_at(ends[0])) == 0);
	/* or does, if he isn't there often enough */
	for (int turn = 0; turn < TURNS && result == SIZE; turn++) {
		MUST(ipcref_write(ends[1], bytes, SIZE) == SIZE);
		result = ipcref_read(ends[0], bytes, SIZE);
	}
	MUST(result == SIZE || (result == -1 && errno == EBADMSG));
	atomic_store(&is_over, true);
	MUST(pthread_join(thread, NULL) == 0);
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
}

#ifdef F_SETPIPE_SZ
/* How much memory its file takes; what is given back it can't tell everywhere: 0. */
static off_t blocks_of(int fd)
{
	struct stat status;

	MUST(fstat(fd, &status) == 0);
	return status.st_blocks;
}

static bool can_give_back(void)
{
#ifdef FALLOC_FL_PUNCH_HOLE
	int fd = open(getenv("IPCREF_NAMESPACE"), O_TMPFILE | O_RDWR, 0600);
	bool can = false;

	if (fd < 0)
		return false;
	if (posix_fallocate(fd, 0, PIPE_MOST) == 0) {
		off_t before = blocks_of(fd);

		can = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PIPE_MOST) ==
			      0 &&
		      blocks_of(fd) < before;
	}
	close(fd);
	return can;
#else
	return false;
#endif
}

/* It is a pipe as before, has woken who waited for room, and takes no more memory than it needs. */
static void has_another_size(void)
{
	struct stat status;
	int ends[2];

	MUST(ipcref_pipe(ends) == 0);
	struct eventcount *moved = &pipe_at(ends[1])->writers.moved;
	uint32_t prepared = eventcount_prepare(moved);
	off_t before = blocks_of(ends[1]);

	MUST(ipcref_fcntl(ends[1], F_SETPIPE_SZ, PIPE_MOST) == PIPE_MOST);
	MUST(atomic_load(&moved->word) != prepared && !eventcount_is_waited_for(moved));
	MUST(ipcref_fstat(ends[1], &status) == 0 && S_ISFIFO(status.st_mode));
	MUST(ipcref_fcntl(ends[1], F_SETPIPE_SZ, PIPE_CAPACITY) == PIPE_CAPACITY);
	MUST(blocks_of(ends[1]) - before < PIPE_MOST / 512 / 2 || !can_give_back());
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
}

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
	has_another_size();
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
	/* until when one waits, unless it is for something that has happened, also by polling */
	const struct timespec soon = moment_after(CLOCK_MONOTONIC, 10);
	_Atomic uint32_t word = 0;
	MUST(futex_poll_until(&word, 1, CLOCK_MONOTONIC, NULL) == 0);
	MUST(futex_poll_until(&word, 0, CLOCK_MONOTONIC, &soon) == ETIMEDOUT);
	MUST(moment_is_past(CLOCK_MONOTONIC, &soon));
	MUST(futex_poll_until(&word, 0, CLOCK_MONOTONIC, &soon) == ETIMEDOUT);
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
	pid_t pid = forks();
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

/* -- losses, and the dead --------------------------------------------------------------------- */

/* Of two objects side by side the one is lost, from its first byte on. */
void live_beside_a_lost_neighbour(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* by a call that takes much stack: valgrind has none for a handler where none was */
	MUST(memory != MAP_FAILED && ipcref_close(ipcref_eventfd(0, 0)) == 0);
	for (int i = 0; i < 2; i++) {
		const char *path = file_of("neighbour");
		int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
		MUST(fd >= 0 && unlink(path) == 0 && ftruncate(fd, (off_t)page) == 0);
		char *its = mmap(memory + (size_t)i * page, page, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_FIXED, fd, 0);
		MUST(its != MAP_FAILED && loss_watch(its, page) >= 0);
		*its = (char)('a' + i);
		MUST(i == 0 || ftruncate(fd, 0) == 0);
		MUST(close(fd) == 0);
	}
	MUST(*(volatile char *)(memory + page) == 0 && *(volatile char *)memory == 'a');
}

/* Who comes to an object whose owner died puts right what is there, as its kind needs it. */
void live_with_owners_who_died(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 8};
	int fd = ipcref_eventfd(0, 0);
	uint64_t one = 1;
	char bytes[8];

	struct handle *h = descriptor_get(fd, OBJECT_ANY);
	MUST(h);
	atomic_store(&h->mapping.object->lock.word, LOCK_OWNER_DIED);
	handle_put(h);
	MUST(ipcref_write(fd, &one, sizeof(one)) == sizeof(one) && ipcref_close(fd) == 0);

	fd = (int)ipcref_mq_open("/q", O_RDWR | O_CREAT, 0600, &attributes);
	MUST(fd >= 0 && ipcref_mq_send(fd, "a", 1, 0) == 0);
	MUST((h = descriptor_get(fd, OBJECT_MQ)) != NULL);
	((struct mq_queue *)h->mapping.object)->first = 0;
	atomic_store(&h->mapping.object->lock.word, LOCK_OWNER_DIED);
	handle_put(h);
	MUST(ipcref_mq_send(fd, "b", 1, 1) == 0);
	MUST(ipcref_mq_receive(fd, bytes, sizeof(bytes), NULL) == 1 && *bytes == 'b');
	MUST(ipcref_mq_receive(fd, bytes, sizeof(bytes), NULL) == 1 && *bytes == 'a');
	MUST(ipcref_mq_close((mqd_t)fd) == 0 && ipcref_mq_unlink("/q") == 0);
}
