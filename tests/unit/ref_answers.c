/* SPDX-License-Identifier: MIT */
/* Lives of processes that come into corners, and hear what the library answers there. */
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/ipcref.h"
#include "ref/lock.h"
#include "ref/mq.h"
#include "ref/semset.h"
#include "ref/socket.h"
#include "tests/unit/ref_lives.h"

enum { NOBODY = 61237 };

/* -- whom one waits with ---------------------------------------------------------------------- */

/* Room that has come is of him who waits for it, also while he is stopped. */
void live_with_a_stopped_sender(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
	int queue = (int)ipcref_mq_open("/q", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes);
	char bytes[8];
	int status;
	pid_t pid;

	MUST(queue >= 0 && ipcref_mq_send(queue, "a", 1, 0) == 0);
	if ((pid = forks()) == 0) {
		have_patience(PATIENCE_SECONDS);
		/* a description of his own, which waits */
		_exit(ipcref_mq_send(ipcref_mq_open("/q", O_WRONLY), "b", 1, 0));
	}
	await_sleep(pid);
	MUST(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
	MUST(ipcref_mq_receive(queue, bytes, sizeof(bytes), NULL) == 1 && *bytes == 'a');
	MUST_FAIL(ipcref_mq_send(queue, "c", 1, 0), EAGAIN);
	MUST(kill(pid, SIGCONT) == 0 && waitpid(pid, &status, 0) == pid && status == 0);
	MUST(ipcref_mq_receive(queue, bytes, sizeof(bytes), NULL) == 1 && *bytes == 'b');
	attributes.mq_flags = 0;
	MUST(ipcref_mq_setattr(queue, &attributes, NULL) == 0);
	MUST(ipcref_mq_close((mqd_t)queue) == 0 && ipcref_mq_unlink("/q") == 0);
}

/* Who polls is told by each change once he has said that he waits, and until then by none. */
void live_with_who_polls(void)
{
	uint64_t one = 1;
	int fd = ipcref_eventfd(0, 0);
	struct handle *h = descriptor_get(fd, OBJECT_ANY);

	MUST(h);
	struct bell *polled = &h->mapping.object->polled;
	uint32_t rings = atomic_load(&polled->rings);
	atomic_store(&polled->is_waited_for, 1);
	MUST(ipcref_write(fd, &one, sizeof(one)) == sizeof(one));
	MUST(atomic_load(&polled->rings) == rings + 1 && !atomic_load(&polled->is_waited_for));
	MUST(ipcref_write(fd, &one, sizeof(one)) == sizeof(one));
	MUST(atomic_load(&polled->rings) == rings + 1);
	MUST(ipcref_read(fd, &one, sizeof(one)) == sizeof(one));
	pid_t pid = forks();
	if (pid == 0) {
		struct pollfd waits = {fd, POLLIN, 0};

		_exit(ipcref_poll(&waits, 1, -1) == 1 ? 0 : 1);
	}
	/* not until it sleeps: where there is no futex_waitv it doesn't for long */
	while (!atomic_load(&polled->is_waited_for))
		sched_yield();
	MUST(ipcref_write(fd, &one, sizeof(one)) == sizeof(one));
	int status;
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	handle_put(h);
	MUST(ipcref_close(fd) == 0);
}

/* -- what is counted -------------------------------------------------------------------------- */

static uint32_t undoers_of(int id)
{
	struct semset_view view;

	MUST(semset_find(&view, id));
	uint32_t count = view.set->undoers;
	handle_put(view.handle);
	return count;
}

/* While nobody has anything to be undone, nobody looks after the dead. */
void live_with_nothing_to_undo(void)
{
	struct sembuf up = {0, 1, SEM_UNDO}, down = {0, -1, SEM_UNDO};
	/* what is behind the values is none */
	unsigned short values[] = {0, 0, 0, 0, USHRT_MAX};
	union {
		int val;
		unsigned short *array;
	} argument = {.array = values};
	int id = ipcref_semget(IPC_PRIVATE, 4, 0600);
	pid_t pid;

	MUST(id >= 0 && undoers_of(id) == 0);
	for (int i = 0; i < 2; i++) {
		MUST(ipcref_semop(id, &up, 1) == 0 && undoers_of(id) == 1);
		MUST(ipcref_semop(id, &down, 1) == 0 && undoers_of(id) == 0);
		MUST(ipcref_semop(id, &up, 1) == 0 && undoers_of(id) == 1);
		MUST(ipcref_semctl(id, 0, SETALL, argument) == 0 && undoers_of(id) == 0);
	}
	MUST(ipcref_semctl(id, 0, GETALL, argument) == 0 && values[4] == USHRT_MAX);
	argument.val = 0;
	MUST(ipcref_semctl(id, 0, SETVAL, argument) == 0);

	/* also beside somebody who has */
	MUST(ipcref_semop(id, &up, 1) == 0);
	if ((pid = forks()) == 0) {
		have_patience(PATIENCE_SECONDS);
		MUST(ipcref_semop(id, &up, 1) == 0);
		for (;;)
			pause();
	}
	while (undoers_of(id) < 2)
		sched_yield();
	MUST(ipcref_semop(id, &down, 1) == 0 && undoers_of(id) == 1);
	MUST(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	MUST(ipcref_semctl(id, 0, GETVAL) == 0 && undoers_of(id) == 0);
	MUST(ipcref_semctl(id, 0, IPC_RMID) == 0);
}

/* As many processes as there are places for have something to be undone, and no more. */
void live_with_too_much_to_undo(void)
{
	struct sembuf up = {0, 1, SEM_UNDO};
	int id = ipcref_semget(IPC_PRIVATE, 1, 0600);
	struct semset_view view;

	MUST(id >= 0 && semset_find(&view, id));
	/* all but one are that of a process that is there as long as any */
	for (unsigned i = 1; i < SEMSET_MOST_UNDOERS; i++) {
		semset_undoer_at(&view, i)->birth = thread_birth(1);
		semset_undoer_at(&view, i)->process = 1;
	}
	view.set->undoers = SEMSET_MOST_UNDOERS - 1;
	MUST(ipcref_semop(id, &up, 1) == 0 && undoers_of(id) == SEMSET_MOST_UNDOERS);
	semset_undoer_at(&view, 0)->birth = thread_birth(1);
	semset_undoer_at(&view, 0)->process = 1;
	MUST_FAIL(ipcref_semop(id, &up, 1), ENOSPC);
	MUST(ipcref_semctl(id, 0, GETVAL) == 1);
	handle_put(view.handle);
	MUST(ipcref_semctl(id, 0, IPC_RMID) == 0);
}

/* What is undone for the dead is an operation, too, and of now. */
void live_with_an_undo_of_now(void)
{
	struct sembuf up = {0, 1, SEM_UNDO};
	int id = ipcref_semget(IPC_PRIVATE, 1, 0600);
	struct semid_ds status;
	struct semset_view view;
	pid_t pid = forks();

	if (pid == 0) {
		MUST(ipcref_semop(id, &up, 1) == 0);
		kill(getpid(), SIGKILL);
	}
	MUST(waitpid(pid, NULL, 0) == pid && semset_find(&view, id));
	view.set->operated_at = 1;
	handle_put(view.handle);
	MUST(ipcref_semctl(id, 0, GETVAL) == 0 && ipcref_semctl(id, 0, IPC_STAT, &status) == 0);
	MUST(status.sem_otime > 1);
	MUST(ipcref_semctl(id, 0, IPC_RMID) == 0);
}

/* Who comes to wait for these operations, and asks for all of them at once. */
static pid_t waits_for(int id, struct sembuf *operations, size_t count)
{
	pid_t pid = forks();

	if (pid == 0) {
		have_patience(PATIENCE_SECONDS);
		_exit(ipcref_semop(id, operations, count) == 0 ? 0 : 1);
	}
	await_sleep(pid);
	return pid;
}

/* Who waits to take something waits behind who came before, whatever else he asks for. */
void live_in_a_line(void)
{
	struct sembuf up = {0, 1, 0}, take[] = {{0, -1, 0}, {1, 0, 0}};
	struct sembuf take_last[] = {{1, 0, 0}, {0, -1, 0}};
	int id = ipcref_semget(IPC_PRIVATE, 2, 0600), status;

	MUST(id >= 0);
	pid_t first = waits_for(id, take_last, 2), second = waits_for(id, take, 2);
	MUST(ipcref_semop(id, &up, 1) == 0);
	MUST(waitpid(first, &status, 0) == first && status == 0);
	MUST(ipcref_semctl(id, 0, GETNCNT) == 1 && ipcref_semop(id, &up, 1) == 0);
	MUST(waitpid(second, &status, 0) == second && status == 0);
	MUST(ipcref_semctl(id, 0, IPC_RMID) == 0);
}

/* How many messages of such a size there is room for, which are taken out again. */
static int fill(int id, size_t size)
{
	static struct {
		long type;
		char text[4096];
	} message = {.type = 1};
	int count = 0;

	while (ipcref_msgsnd(id, &message, size, IPC_NOWAIT) == 0)
		count++;
	MUST(errno == EAGAIN);
	for (int i = 0; i < count; i++)
		MUST(ipcref_msgrcv(id, &message, size, 0, IPC_NOWAIT) == (ssize_t)size);
	return count;
}

/* A queue has as much room as it had, however often it was full. */
void live_with_a_queue_filled_again(void)
{
	static const size_t sizes[] = {0, 1, 100, 4096};
	int id = ipcref_msgget(IPC_PRIVATE, 0600);

	MUST(id >= 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int room = fill(id, sizes[i]);

		MUST(room > 0 && fill(id, sizes[i]) == room && fill(id, sizes[i]) == room);
	}
	/* also if it may have more bytes than there is room for short messages */
	struct msqid_ds status;
	MUST(ipcref_msgctl(id, IPC_STAT, &status) == 0);
	status.msg_qbytes = 400000;
	if (ipcref_msgctl(id, IPC_SET, &status) == 0)
		MUST(fill(id, 0) == fill(id, 0));
	/* up to where each of the blocks, of which two hold forty bytes, would be full */
	enum { BLOCKS = 17644, MOST = 494032 };
	if (geteuid() == 0) {
		status.msg_qbytes = MOST + 1;
		MUST_FAIL(ipcref_msgctl(id, IPC_SET, &status), EINVAL);
		status.msg_qbytes = MOST;
		MUST(ipcref_msgctl(id, IPC_SET, &status) == 0 && fill(id, 40) == BLOCKS / 2);
	}
	MUST(ipcref_msgctl(id, IPC_RMID, NULL) == 0);
}

/* What is sent without a descriptor leaves nothing on the way of those that come with one. */
void live_with_much_talk(void)
{
	int ends[2], fd;
	char byte;

	MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	for (int i = 0; i < 2000; i++)
		MUST(ipcref_send(ends[0], "a", 1, 0) == 1 &&
		     ipcref_recv(ends[1], &byte, 1, 0) == 1);
	MUST(passes(ends[0], ends[0], 0));
	MUST((fd = take(ends[1])) >= 0 && ipcref_close(fd) == 0);

	/* and a copy has the way that the first had */
	MUST((fd = ipcref_fcntl(ends[0], F_DUPFD, 100)) >= 100 && ipcref_close(ends[0]) == 0);
	MUST(passes(fd, ends[1], 0) && ipcref_close(fd) == 0);
	MUST((fd = take(ends[1])) >= 0 && ipcref_close(fd) == 0 && ipcref_close(ends[1]) == 0);
}

/* Named semaphores are closed in any order. */
void live_with_several_named_semaphores(void)
{
	sem_t *sems[3];
	char name[] = "/s0";

	for (int first = 0; first < 3; first++) {
		for (int i = 0; i < 3; i++) {
			name[2] = (char)('0' + i);
			MUST((sems[i] = ipcref_sem_open(name, O_CREAT, 0600, 1)) != SEM_FAILED);
		}
		for (int i = 0; i < 3; i++)
			MUST(ipcref_sem_close(sems[(first + i) % 3]) == 0);
	}
	for (int i = 0; i < 3; i++) {
		name[2] = (char)('0' + i);
		MUST(ipcref_sem_unlink(name) == 0);
	}
}

/* -- datagrams -------------------------------------------------------------------------------- */

static int bind_as(const char *name, struct sockaddr_un *address, socklen_t *size)
{
	int fd = ipcref_socket(AF_UNIX, SOCK_DGRAM, 0);

	*size = name_of(address, name);
	MUST(fd >= 0 && ipcref_bind(fd, (struct sockaddr *)address, *size) == 0);
	return fd;
}

/* An empty one has a sender, too; what a peer has sent who is gone is gone with him. */
void live_with_datagrams(void)
{
	struct sockaddr_un ones, others, from;
	socklen_t its, others_size, size = sizeof(from);
	int one = bind_as("one", &ones, &its), other = bind_as("other", &others, &others_size);
	char bytes[8];

	MUST(ipcref_sendto(other, "", 0, 0, (struct sockaddr *)&ones, its) == 0);
	MUST(ipcref_recvfrom(one, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size) == 0);
	MUST(size == others_size && memcmp(&from, &others, size) == 0);

	for (int i = 0; i < 2; i++) {
		MUST(ipcref_connect(one, (struct sockaddr *)&others, others_size) == 0);
		MUST(ipcref_sendto(other, "past", 4, 0, (struct sockaddr *)&ones, its) == 4);
		MUST(ipcref_close(other) == 0);
		MUST_FAIL(ipcref_send(one, "a", 1, 0), ECONNREFUSED);
		MUST_FAIL(ipcref_recv(one, bytes, sizeof(bytes), MSG_DONTWAIT), EAGAIN);
		other = bind_as("other", &others, &others_size);
		MUST(ipcref_sendto(other, "now", 3, 0, (struct sockaddr *)&ones, its) == 3);
		MUST(ipcref_recv(one, bytes, sizeof(bytes), MSG_DONTWAIT) == 3);
		MUST(memcmp(bytes, "now", 3) == 0);
	}
	/* how much one may send is one's own to say */
	struct pollfd polled = {one, POLLOUT, 0};
	int little = 4608;

	MUST(ipcref_connect(one, (struct sockaddr *)&others, others_size) == 0);
	MUST(ipcref_setsockopt(one, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)) == 0);
	MUST(ipcref_poll(&polled, 1, 0) == 1);
	while (ipcref_send(one, "a", 1, MSG_DONTWAIT) == 1)
		continue;
	MUST(errno == EAGAIN && ipcref_poll(&polled, 1, 0) == 0);
	MUST(ipcref_close(one) == 0 && ipcref_close(other) == 0);
}

#ifdef SCM_CREDENTIALS
/* Root may say that it is anybody who is there, whatever an error was before. */
void live_with_a_claim(void)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control = {.header = {CMSG_LEN(sizeof(struct ucred)), SOL_SOCKET, SCM_CREDENTIALS}};
	struct ucred claim = {getpid(), geteuid(), getegid()};
	struct iovec part = {(char[]){"x"}, 1};
	const struct msghdr message = {.msg_iov = &part,
				       .msg_iovlen = 1,
				       .msg_control = &control,
				       .msg_controllen = sizeof(control)};
	int ends[2];

	MUST(ipcref_socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
	memcpy(CMSG_DATA(&control.header), &claim, sizeof(claim));
	errno = ESRCH;
	MUST(ipcref_sendmsg(ends[0], &message, 0) == 1);
	/* and others that they are who they are */
	if (geteuid() == 0) {
		MUST(setegid(NOBODY) == 0 && seteuid(NOBODY) == 0);
		claim.uid = claim.gid = NOBODY;
		memcpy(CMSG_DATA(&control.header), &claim, sizeof(claim));
		MUST(ipcref_sendmsg(ends[0], &message, 0) == 1);
		claim.gid++;
		memcpy(CMSG_DATA(&control.header), &claim, sizeof(claim));
		MUST_FAIL(ipcref_sendmsg(ends[0], &message, 0), EPERM);
		MUST(seteuid(0) == 0 && setegid(0) == 0);
	}
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
}
#else
void live_with_a_claim(void)
{
}
#endif

/* -- what can't be ---------------------------------------------------------------------------- */

/* What several messages at once are refused for, and a timeout a microsecond short of a second. */
void live_with_many_messages(void)
{
	struct timeval timeout = {.tv_usec = 999999};
	struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iovlen = 0}}};
	int ends[2];

	MUST(ipcref_socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
	long before = count_costs();
	MUST(ipcref_socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
	MUST(ipcref_setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
	timeout.tv_usec++;
	MUST_FAIL(ipcref_setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)),
		  EDOM);
	MUST_FAIL(ipcref_recvmmsg(ends[0], messages, 1, MSG_DONTWAIT, NULL), EAGAIN);
	MUST_FAIL(ipcref_recvmmsg(ends[0], messages, 1, 0, &(struct timespec){-1, 0}), EINVAL);
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
	MUST(count_costs() == before);
}

/* A pipe is made whatever the umask is, by whomever. */
void live_with_a_umask(void)
{
	int ends[2];

	if (geteuid() == 0)
		MUST(chmod(getenv("IPCREF_NAMESPACE"), 0777) == 0 && seteuid(NOBODY) == 0);
	umask(0777);
	MUST(ipcref_pipe(ends) == 0 && ipcref_write(ends[1], "a", 1) == 1);
	umask(022);
	if (getuid() == 0)
		MUST(seteuid(0) == 0);
}

/* A peer says that an object is removed, and leaves it where it is. */
void live_with_a_removal_half_done(void)
{
	struct msqid_ds status;
	char path[PATH_MAX];
	int *id = share(sizeof(*id)), fd, ended;
	pid_t pid;

	MUST((*id = ipcref_msgget(IPC_PRIVATE, 0600)) >= 0);
	MUST(ipcref_msgctl(*id, IPC_RMID, NULL) == 0);
	long before = count_costs();
	if ((pid = forks()) == 0)
		_exit((*id = ipcref_msgget(IPC_PRIVATE, 0600)) >= 0 ? 0 : 1);
	MUST(waitpid(pid, &ended, 0) == pid && ended == 0);
	snprintf(path, sizeof(path), "%s/msg.%d", getenv("IPCREF_NAMESPACE"), *id);
	MUST((fd = open(path, O_RDWR)) >= 0);
	struct ipc_object *peers =
		mmap(NULL, sizeof(*peers), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(peers != MAP_FAILED && close(fd) == 0);
	atomic_store(&peers->is_removed, 1);
	munmap(peers, sizeof(*peers));
	MUST_FAIL(ipcref_msgctl(*id, IPC_STAT, &status), EINVAL);
	MUST(count_costs() == before);
	unlink(path);
}

/* A peer writes what it likes into what is on its way: the answer is an error. */
void live_with_a_broken_stream(void)
{
	int ends[2], size;
	char byte;

	MUST(ipcref_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	struct handle *h = descriptor_get(ends[0], OBJECT_SOCKET);
	MUST(h);
	atomic_store(&socket_of(&h->mapping)->queues[0].tail, 3);
	errno = 0;
	MUST_FAIL(ipcref_recv(ends[0], &byte, 1, MSG_DONTWAIT), EBADMSG);
	MUST_FAIL(ipcref_sockatmark(ends[0]), EBADMSG);
	handle_put(h);
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);

	MUST(ipcref_pipe(ends) == 0 && ipcref_write(ends[1], "a", 1) == 1);
	MUST(ftruncate(ends[0], 0) == 0);
	MUST_FAIL(ipcref_ioctl(ends[0], FIONREAD, &size), EBADMSG);
}

/* What another library's file has lost is no business of this one. */
void live_with_a_loss_of_ones_own(void)
{
	int ends[2], status;
	pid_t pid;

	MUST(signal(SIGBUS, SIG_DFL) != SIG_ERR);
	MUST(ipcref_pipe(ends) == 0 && ipcref_write(ends[1], "a", 1) == 1);
	struct handle *h = descriptor_get(ends[1], OBJECT_ANY);
	MUST(h);
	if ((pid = forks()) == 0) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/own", getenv("IPCREF_NAMESPACE"));
		int fd = open(path, O_RDWR | O_CREAT, 0600);
		MUST(fd >= 0 && unlink(path) == 0 && ftruncate(fd, 4096) == 0);
		/* before an object, if it can be had there */
		volatile char *own = mmap((char *)h->mapping.object - (1 << 24), 4096, PROT_READ,
					  MAP_SHARED, fd, 0);
		MUST((void *)own != MAP_FAILED && ftruncate(fd, 0) == 0);
		_exit(*own);
	}
	MUST(waitpid(pid, &status, 0) == pid);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	handle_put(h);
}

/* -- the registries of System V --------------------------------------------------------------- */

/* From now on the objects are in a directory of their own. */
static void move_to(const char *name)
{
	char world[PATH_MAX];

	snprintf(world, sizeof(world), "%s/%s", getenv("IPCREF_NAMESPACE"), name);
	MUST(mkdir(world, 0700) == 0 && setenv("IPCREF_NAMESPACE", world, 1) == 0);
}

static void *map_file(const char *name, size_t size)
{
	int fd = open(file_of(name), O_RDWR);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	MUST(fd >= 0 && memory != MAP_FAILED && close(fd) == 0);
	return memory;
}

/* An object that was removed costs whoever has removed it nothing any more. */
void live_with_what_was_removed(void)
{
	int id;

	/* whatever is made or opened only once */
	MUST((id = ipcref_shmget(IPC_PRIVATE, 1, 0600)) >= 0);
	MUST(ipcref_shmctl(id, IPC_RMID, NULL) == 0);
	long before = count_costs();
	MUST((id = ipcref_msgget(IPC_PRIVATE, 0600)) >= 0);
	MUST(ipcref_msgctl(id, IPC_RMID, NULL) == 0 && count_costs() == before);
	MUST((id = ipcref_semget(IPC_PRIVATE, 1, 0600)) >= 0);
	MUST(ipcref_semctl(id, 0, IPC_RMID) == 0 && count_costs() == before);
}

/* Where a peer has broken the registry, nobody finds or makes anything. */
void live_with_a_broken_registry(void)
{
	move_to("broken");
	int id = ipcref_msgget(IPC_PRIVATE, 0600);
	MUST(id >= 0 && truncate(file_of("msg.registry"), 0) == 0);
	MUST_FAIL(ipcref_msgget(IPC_PRIVATE, 0600), EBADMSG);
	/* but an object that was there, and one that wasn't, are told apart */
	struct msqid_ds status;
	MUST(ipcref_msgctl(id, IPC_STAT, &status) == 0);
	MUST_FAIL(ipcref_msgctl(id + REGISTRY_PLACES, IPC_STAT, &status), EINVAL);
}

static void dies(void)
{
	raise(SIGKILL);
}

/* Who died when he had made an object, and not entered it, has left it to whoever comes next. */
void live_with_a_maker_who_died(void)
{
	enum { KEY = 77 };
	char name[32];

	move_to("maker");
	int id = ipcref_msgget(IPC_PRIVATE, 0600);
	MUST(id >= 0 && id % REGISTRY_PLACES == 0 && ipcref_msgctl(id, IPC_RMID, NULL) == 0);
	pid_t pid = forks();
	if (pid == 0) {
		when_it_allocates = dies;
		ipcref_msgget(IPC_PRIVATE, 0600);
		_exit(1);
	}
	int status;
	MUST(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	/* as if he had come a little farther */
	snprintf(name, sizeof(name), "msg.%d", id + REGISTRY_PLACES);
	int fd = open(file_of(name), O_RDWR | O_CREAT | O_EXCL, 0600);
	MUST(fd >= 0 && close(fd) == 0);
	MUST_FAIL(ipcref_msgget(KEY, 0), ENOENT);
	MUST_FAIL(access(file_of(name), F_OK), ENOENT);
}

/* The last before 0 has been used of the first place of the registry, whose head is so. */
static void make_last(const char *name, int id)
{
	struct {
		struct object object;
		uint32_t bound;
		struct {
			uint32_t key, is_used, sequence;
		} first;
	} *registry = map_file(name, sizeof(*registry));

	MUST(registry->bound == 1 && registry->first.sequence == (uint32_t)(id / REGISTRY_PLACES));
	registry->first.sequence = INT_MAX / REGISTRY_PLACES - 1;
	munmap(registry, sizeof(*registry));
}

/* The identifier 0, of who comes after 65,534 others, is one like others. */
void live_with_identifier_zero(void)
{
	enum { KEY = 78 };
	struct sembuf up = {.sem_op = 1};
	struct {
		long type;
		char text[1];
	} message = {1, "a"};
	int id;

	move_to("zero-id");
	MUST((id = ipcref_msgget(IPC_PRIVATE, 0600)) > 0 && ipcref_msgctl(id, IPC_RMID, NULL) == 0);
	make_last("msg.registry", id);
	MUST(ipcref_msgget(KEY, IPC_CREAT | 0600) == 0 && ipcref_msgget(KEY, 0) == 0);
	MUST(ipcref_msgsnd(0, &message, 1, 0) == 0);
	MUST(ipcref_msgrcv(0, &message, 1, 0, IPC_NOWAIT) == 1);
#ifdef MSG_STAT
	struct msqid_ds queue;
	MUST(ipcref_msgctl(0, MSG_STAT, &queue) == 0 && queue.msg_perm.mode == 0600);
#endif
	MUST(ipcref_msgctl(0, IPC_RMID, NULL) == 0);

	MUST((id = ipcref_semget(IPC_PRIVATE, 1, 0600)) > 0 && ipcref_semctl(id, 0, IPC_RMID) == 0);
	make_last("sem.registry", id);
	MUST(ipcref_semget(KEY, 1, IPC_CREAT | 0600) == 0 && ipcref_semget(KEY, 0, 0) == 0);
	MUST(ipcref_semop(0, &up, 1) == 0 && ipcref_semctl(0, 0, GETVAL) == 1);
	MUST(ipcref_semctl(0, 0, IPC_RMID) == 0);
}

/* What begins the object of a queue of System V, and the first of its blocks. */
struct head_of_queue {
	struct ipc_object ipc;
	uint64_t capacity, bytes, count;
	int32_t last_sender, last_receiver;
	int64_t sent_at, received_at;
	uint32_t first, last, free, free_count;
	struct bell sent, received;
	_Alignas(16) struct {
		uint32_t rest, next;
		int64_t type;
	} block;
};

/* A peer writes what it likes into a queue: the answer is an error. */
void live_with_a_broken_queue(void)
{
	enum { NOWHERE = 99999 };
	struct {
		long type;
		char text[64];
	} message = {.type = 7};
	char name[32];
	int id = ipcref_msgget(IPC_PRIVATE, 0600);

	MUST(id >= 0 && ipcref_msgsnd(id, &message, sizeof(message.text), 0) == 0);
	snprintf(name, sizeof(name), "msg.%d", id);
	struct head_of_queue *peers = map_file(name, sizeof(*peers));
	MUST(peers->count == 1 && peers->first == 1 && peers->last == 1 && peers->block.type == 7);
	peers->block.type = 0;
	MUST_FAIL(ipcref_msgrcv(id, &message, sizeof(message.text), 0, IPC_NOWAIT), EBADMSG);
	peers->block.type = 7;
	uint32_t rest = peers->block.rest;
	peers->block.rest = NOWHERE;
	MUST_FAIL(ipcref_msgrcv(id, &message, sizeof(message.text), 0, IPC_NOWAIT), EBADMSG);
	peers->block.rest = rest;
	peers->first = NOWHERE;
	MUST_FAIL(ipcref_msgrcv(id, &message, sizeof(message.text), 0, IPC_NOWAIT), EBADMSG);
	peers->first = 1;
	peers->last = NOWHERE;
	MUST_FAIL(ipcref_msgsnd(id, &message, sizeof(message.text), 0), EBADMSG);
	peers->last = 1;
	uint32_t free = peers->free;
	peers->free = NOWHERE;
	MUST_FAIL(ipcref_msgsnd(id, &message, sizeof(message.text), 0), EBADMSG);
	peers->free = free;
	MUST(ipcref_msgrcv(id, &message, sizeof(message.text), 0, IPC_NOWAIT) ==
	     sizeof(message.text));
	munmap(peers, sizeof(*peers));
	MUST(ipcref_msgctl(id, IPC_RMID, NULL) == 0);
}
