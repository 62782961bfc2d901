/* SPDX-License-Identifier: MIT */
/*
 * A hostile peer: what it may do to an object's file is read from the input, and what the library
 * makes of that must be an answer, not a crash, an access outside or a hang.
 *
 * The input is a kind of object and then steps: to write some bytes at a place, to cut the file
 * off, or to call an operation.  The word of an object's lock is left alone unless the library was
 * built to have less patience with an owner (LOOK_AGAIN_MS), as ci/fuzz does.
 *
 * With clang's libFuzzer it is its target; without, a program of its own:
 *
 *	fault/fuzz [--kind NAME] [--seconds N] [--seed N] | --list | FILE...
 *
 * A file is an input of the kind that its name begins with, as ci/fuzz names what it has found.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/lock.h"
#include "ref/object.h"
#include "ref/pipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Of one operation; more is a hang. */
static unsigned most_seconds = 10;
enum { MOST_STEPS = 200 };

static char directory[64];
static const char *namespace_file(const char *format, int number)
{
	static char path[128], name[32];

	snprintf(name, sizeof(name), format, number);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

/* -- the input -------------------------------------------------------------------------------- */

static struct input {
	const uint8_t *bytes;
	size_t left;
} input;

static unsigned next_byte(void)
{
	if (!input.left)
		return 0;
	input.left--;
	return *input.bytes++;
}

static unsigned next_word(void)
{
	unsigned high = next_byte();

	return high << 8 | next_byte();
}

/* -- kinds ------------------------------------------------------------------------------------ */

/* One object of each kind at a time: a number, and the file that it is in. */
static int object;
static int ends[2];
static sem_t *sem;
static char text[16384];

struct kind {
	const char *name;
	int (*begin)(void); /* a descriptor of the file */
	void (*operate)(unsigned which);
	void (*end)(void);
	/* Whether this process has it mapped for ever: so it can't be lost, and is put right again.
	 */
	bool is_kept;
	/* Whether it is locks, of which each begins with a guard, so far apart; 0: an object. */
	size_t guard_every;
};

static int file_of(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

static int mq_begin(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};

	object = ipcref_mq_open("/fuzz", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attributes);
	return open(namespace_file("mq.fuzz", 0), O_RDWR | O_CLOEXEC);
}

static void mq_operate(unsigned which)
{
	const struct timespec past = {0, 0};
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	struct pollfd poll = {.fd = object, .events = POLLIN | POLLOUT};
	struct mq_attr attributes;
	unsigned priority;

	switch (which % 8) {
	case 0:
	case 1:
		ipcref_mq_send(object, text, which % 64, which);
		break;
	case 2:
	case 3:
		ipcref_mq_receive(object, text, sizeof(text), &priority);
		break;
	case 4:
		ipcref_mq_getattr(object, &attributes);
		break;
	case 5:
		ipcref_poll(&poll, 1, 0);
		break;
	case 6:
		ipcref_mq_notify(object, which & 8 ? &event : NULL);
		break;
	default: /* waits, but not long */
		attributes.mq_flags = 0;
		ipcref_mq_setattr(object, &attributes, NULL);
		ipcref_mq_timedreceive(object, text, sizeof(text), &priority, &past);
		ipcref_mq_timedsend(object, text, 8, 0, &past);
		attributes.mq_flags = O_NONBLOCK;
		/* of a queue that is broken by now it isn't taken, and the next call would wait */
		if (ipcref_mq_setattr(object, &attributes, NULL) < 0)
			fcntl(object, F_SETFL, O_NONBLOCK);
	}
}

static void mq_end(void)
{
	ipcref_mq_close(object);
	ipcref_mq_unlink("/fuzz");
}

static int msg_begin(void)
{
	object = ipcref_msgget(IPC_PRIVATE, 0600);
	return open(namespace_file("msg.%d", object), O_RDWR | O_CLOEXEC);
}

static void msg_operate(unsigned which)
{
	struct msqid_ds status;

	*(long *)(void *)text = 1 + which % 3;
	switch (which % 8) {
	case 0:
	case 1:
	case 2:
		ipcref_msgsnd(object, text, which % 8 * 70 + which / 8, IPC_NOWAIT);
		break;
	case 3:
	case 4:
		ipcref_msgrcv(object, text, sizeof(text) - sizeof(long), (long)(which / 8 % 4) - 2,
			      IPC_NOWAIT | (which & 64 ? MSG_NOERROR : 0));
		break;
	case 5:
		ipcref_msgrcv(object, text, which, which / 8 % 4, IPC_NOWAIT | MSG_COPY);
		break;
	case 6:
		ipcref_msgctl(object, which & 8 ? MSG_STAT : IPC_STAT, &status);
		break;
	default:
		if (ipcref_msgctl(object, IPC_STAT, &status) == 0)
			ipcref_msgctl(object, IPC_SET, &status);
	}
}

static void msg_end(void)
{
	ipcref_msgctl(object, IPC_RMID, NULL);
}

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static int semset_begin(void)
{
	object = ipcref_semget(IPC_PRIVATE, 3, 0600);
	return open(namespace_file("sem.%d", object), O_RDWR | O_CLOEXEC);
}

static void semset_operate(unsigned which)
{
	static unsigned short values[1024]; /* as many as a peer may make of three */
	struct sembuf operations[] = {
		{(unsigned short)(which / 8 % 4), (short)(which % 3 - 1), SEM_UNDO | IPC_NOWAIT},
		{(unsigned short)(which / 16 % 3), (short)(which % 5 - 2), IPC_NOWAIT}};
	struct semid_ds status;

	switch (which % 8) {
	case 0:
	case 1:
	case 2:
		ipcref_semop(object, operations, 1 + which % 2);
		break;
	case 3: /* waits, but not long */
		operations[0].sem_flg = operations[1].sem_flg = 0;
		ipcref_semtimedop(object, operations, 2, &(struct timespec){0, 1000});
		break;
	case 4:
		ipcref_semctl(object, 0, which & 8 ? GETALL : SETALL,
			      (union semun){.array = values});
		break;
	case 5:
		ipcref_semctl(object, (int)(which / 8 % 4), SETVAL, (union semun){.val = 1});
		break;
	case 6:
		ipcref_semctl(object, 0, which & 8 ? GETNCNT : GETZCNT);
		break;
	default:
		ipcref_semctl(object, 0, IPC_STAT, (union semun){.buf = &status});
	}
}

static void semset_end(void)
{
	ipcref_semctl(object, 0, IPC_RMID);
}

static int sem_begin(void)
{
	sem = ipcref_sem_open("/fuzz", O_CREAT, 0600, 1);
	return open(namespace_file("sem.fuzz", 0), O_RDWR | O_CLOEXEC);
}

static void sem_operate(unsigned which)
{
	const struct timespec past = {0, 0};
	int value;

	switch (which % 4) {
	case 0:
		ipcref_sem_post(sem);
		break;
	case 1:
		ipcref_sem_trywait(sem);
		break;
	case 2:
		ipcref_sem_timedwait(sem, &past);
		break;
	default:
		ipcref_sem_getvalue(sem, &value);
		ipcref_sem_close(ipcref_sem_open("/fuzz", 0));
	}
}

static void sem_end(void)
{
	ipcref_sem_close(sem);
	ipcref_sem_unlink("/fuzz");
}

static int pipe_begin(void)
{
	if (ipcref_pipe2(ends, O_NONBLOCK) < 0)
		return -1;
	return file_of(ends[0]);
}

static void pipe_operate(unsigned which)
{
	struct pollfd poll = {.fd = ends[which & 1], .events = POLLIN | POLLOUT};
	int there;

	switch (which % 8) {
	case 0:
	case 1:
		ipcref_write(ends[1], text, which * 61);
		break;
	case 2:
	case 3:
		ipcref_read(ends[0], text, which * 61);
		break;
	case 4:
		ipcref_ioctl(ends[0], FIONREAD, &there);
		break;
	case 5:
		ipcref_fcntl(ends[1], F_SETPIPE_SZ, 4096 << (which / 8 % 9));
		break;
	case 6:
		ipcref_fcntl(ends[1], F_SETFL, O_NONBLOCK | (which & 8 ? O_DIRECT : 0));
		break;
	default:
		ipcref_poll(&poll, 1, 0);
	}
}

static void pipe_end(void)
{
	ipcref_close(ends[0]);
	ipcref_close(ends[1]);
}

static int event_begin(void)
{
	object = ipcref_eventfd(1, EFD_NONBLOCK);
	return file_of(object);
}

static void event_operate(unsigned which)
{
	struct pollfd poll = {.fd = object, .events = POLLIN | POLLOUT};
	uint64_t number = which;

	switch (which % 3) {
	case 0:
		ipcref_write(object, &number, sizeof(number));
		break;
	case 1:
		ipcref_read(object, &number, sizeof(number));
		break;
	default:
		ipcref_poll(&poll, 1, 0);
	}
}

static void event_end(void)
{
	ipcref_close(object);
}

static int shm_begin(void)
{
	object = ipcref_shmget(IPC_PRIVATE, 4096, 0600);
	return open(namespace_file("shm.%d", object), O_RDWR | O_CLOEXEC);
}

static void shm_operate(unsigned which)
{
	struct shmid_ds status;
	void *address;

	switch (which % 4) {
	case 0:
	case 1:
		address = ipcref_shmat(object, NULL, which & 8 ? SHM_RDONLY : 0);
		if (address != (void *)-1)
			ipcref_shmdt(address);
		break;
	case 2:
		ipcref_shmctl(object, which & 8 ? SHM_LOCK : IPC_STAT, &status);
		break;
	default:
		ipcref_shmctl(0, which & 8 ? SHM_INFO : SHM_STAT, &status);
	}
}

static void shm_end(void)
{
	ipcref_shmctl(object, IPC_RMID, NULL);
}

/* The registry of all sets; the objects are what is made by it. */
static int registry_begin(void)
{
	ipcref_semctl(ipcref_semget(IPC_PRIVATE, 1, 0600), 0, IPC_RMID);
	return open(namespace_file("sem.registry", 0), O_RDWR | O_CLOEXEC);
}

static void registry_operate(unsigned which)
{
	static const int flags[] = {0, IPC_CREAT | 0600, IPC_CREAT | IPC_EXCL | 0600};
	struct semid_ds status;
	int id = ipcref_semget((key_t)(which % 8), 1, flags[which / 8 % 3]);

	if (which & 64)
		ipcref_semctl((int)(which % 8), 0, SEM_STAT, (union semun){.buf = &status});
	if (which & 128)
		ipcref_semctl(id, 0, IPC_RMID);
}

static void registry_end(void)
{
	unlink(namespace_file("sem.registry", 0));
}

/* -- sockets -- */

static struct address {
	struct sockaddr_un name;
	socklen_t size;
} addresses[2];

static const struct sockaddr *name_of(unsigned which)
{
	return (const struct sockaddr *)&addresses[which].name;
}

/* One that has an abstract name, which is "a" or "b". */
static int named_socket(unsigned which, int type)
{
	int fd = ipcref_socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	addresses[which] = (struct address){{AF_UNIX, {0, (char)('a' + which)}},
					    offsetof(struct sockaddr_un, sun_path) + 2};
	ipcref_bind(fd, name_of(which), addresses[which].size);
	return fd;
}

static void ask_socket(int fd, unsigned which)
{
	static const int names[] = {SO_ERROR, SO_PEERCRED, SO_SNDBUF, SO_RCVLOWAT, SO_ACCEPTCONN};
	static const int wishes[] = {SO_SNDBUF, SO_RCVLOWAT, SO_PEEK_OFF, SO_PASSCRED,
				     SO_TIMESTAMP};
	struct pollfd poll = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};
	int value = (int)(which * 37 % 5000);
	struct sockaddr_un name;
	socklen_t size = sizeof(name);

	switch (which % 8) {
	case 0:
	case 1:
		ipcref_poll(&poll, 1, 0);
		break;
	case 2:
		ipcref_getsockname(fd, (struct sockaddr *)&name, &size);
		break;
	case 3:
		ipcref_getpeername(fd, (struct sockaddr *)&name, &size);
		break;
	case 4:
		ipcref_ioctl(fd, FIONREAD, &value);
		ipcref_sockatmark(fd);
		break;
	case 5:
		ipcref_getsockopt(fd, SOL_SOCKET, names[which / 8 % 5], text, &size);
		break;
	default:
		ipcref_setsockopt(fd, SOL_SOCKET, wishes[which / 8 % 5], &value, sizeof(value));
	}
}

/* What has been passed is closed. */
static void close_passed(struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= header->cmsg_len;
		     at += sizeof(int)) {
			int passed;

			memcpy(&passed, (char *)header + at, sizeof(passed));
			ipcref_close(passed);
		}
	}
}

/* The descriptor itself, with one byte. */
static void pass_itself(int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	struct iovec part = {text, 1};
	const struct msghdr message = {.msg_iov = &part,
				       .msg_iovlen = 1,
				       .msg_control = &control,
				       .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	ipcref_sendmsg(fd, &message, MSG_DONTWAIT);
}

static void receive_somehow(int fd, unsigned which)
{
	static const int flags[] = {0, MSG_PEEK, MSG_WAITALL, MSG_OOB, MSG_TRUNC};
	_Alignas(struct cmsghdr) char control[128];
	struct sockaddr_un name;
	struct iovec parts[] = {{text, which * 7}, {text + 4096, which * 61 % 4096}};
	struct msghdr message = {.msg_name = &name,
				 .msg_namelen = sizeof(name),
				 .msg_iov = parts,
				 .msg_iovlen = 1 + which % 2,
				 .msg_control = control,
				 .msg_controllen = which % 3 * 40};

	if (ipcref_recvmsg(fd, &message, MSG_DONTWAIT | flags[which % 5]) >= 0)
		close_passed(&message);
}

/* Of a pair or a connection. */
static void speak(int here, int there, unsigned which)
{
	switch (which % 8) {
	case 0:
	case 1:
		ipcref_send(there, text, which * 61, which & 8 ? MSG_OOB : 0);
		break;
	case 2:
		if (which & 8)
			pass_itself(which & 16 ? here : there);
		else
			ipcref_send(here, text, which, 0);
		break;
	case 3:
	case 4:
		receive_somehow(here, which / 8);
		break;
	case 5:
		receive_somehow(there, which / 8);
		break;
	case 6:
		ask_socket(which & 8 ? here : there, which / 16);
		break;
	default:
		if (which >= 192)
			ipcref_shutdown(which & 8 ? here : there, (int)(which / 16 % 3));
	}
}

static int stream_begin(void)
{
	int type = next_byte() % 2 ? SOCK_SEQPACKET : SOCK_STREAM;

	if (ipcref_socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends) < 0)
		return -1;
	return file_of(ends[0]);
}

static void stream_operate(unsigned which)
{
	speak(ends[0], ends[1], which);
}

/* Whose the file is that is scribbled over, that of who has the name "a", sends and receives. */
static int datagram_begin(void)
{
	ends[0] = named_socket(0, SOCK_DGRAM);
	ends[1] = named_socket(1, SOCK_DGRAM);
	return file_of(ends[0]);
}

static void datagram_operate(unsigned which)
{
	unsigned from = which & 1, size = which * 61 % 5000;

	switch (which / 2 % 8) {
	case 0:
	case 1:
		ipcref_sendto(ends[from], text, size, 0, name_of(!from), addresses[!from].size);
		break;
	case 2:
		if (which & 128)
			pass_itself(ends[from]);
		else
			ipcref_send(ends[from], text, size, 0);
		break;
	case 3:
	case 4:
		receive_somehow(ends[from], which / 16);
		break;
	case 5:
		ipcref_connect(ends[from], name_of(!from), addresses[!from].size);
		break;
	default:
		ask_socket(ends[from], which / 16);
	}
}

/* The listener's file is; who connects, and is accepted, is ends[0] and ends[1]. */
static int listener_begin(void)
{
	object = named_socket(0, next_byte() % 2 ? SOCK_SEQPACKET : SOCK_STREAM);
	ipcref_listen(object, 3);
	ends[0] = ends[1] = -1;
	return file_of(object);
}

static void close_end(unsigned which)
{
	if (ends[which] >= 0)
		ipcref_close(ends[which]);
	ends[which] = -1;
}

static void connect_anew(void)
{
	int type;
	socklen_t size = sizeof(type);

	close_end(0);
	if (ipcref_getsockopt(object, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return;
	ends[0] = named_socket(1, type);
	ipcref_connect(ends[0], name_of(0), addresses[0].size);
}

static void listener_operate(unsigned which)
{
	switch (which % 8) {
	case 0:
	case 1:
		connect_anew();
		break;
	case 2:
	case 3:
		close_end(1);
		ends[1] = ipcref_accept4(object, NULL, NULL, SOCK_NONBLOCK);
		break;
	case 4:
		close_end(which / 8 & 1);
		break;
	case 5:
		ipcref_listen(object, (int)which / 8 - 1);
		break;
	case 6:
		ask_socket(which & 8 ? object : ends[which / 16 & 1], which / 32);
		break;
	default:
		speak(ends[0], ends[1], which / 8);
	}
}

static void listener_end(void)
{
	close_end(0);
	close_end(1);
	ipcref_close(object);
}

/* -- queued signals: this process's own mailbox -- */

static int sig_begin(void)
{
	sigset_t set;

	ipcref_sigpending(&set);
	return open(namespace_file("sig.%d", (int)getpid()), O_RDWR | O_CLOEXEC);
}

static void sig_operate(unsigned which)
{
	const struct timespec at_once = {0, 0};
	siginfo_t info;
	sigset_t set;

	switch (which % 4) {
	case 0:
	case 1:
		ipcref_sigqueue(getpid(), which & 8 ? SIGUSR1 : SIGRTMIN + (int)(which / 16),
				(union sigval){.sival_int = (int)which});
		break;
	case 2:
		sigfillset(&set);
		ipcref_sigtimedwait(&set, &info, &at_once);
		break;
	default:
		ipcref_sigpending(&set);
	}
}

static void sig_end(void)
{
}

/* -- locks, in a file that is mapped -- */

enum { LOCK_SPACE = 64 };
static struct locks {
	_Alignas(LOCK_SPACE) pthread_mutex_t mutex;
	_Alignas(LOCK_SPACE) pthread_rwlock_t rwlock;
	_Alignas(LOCK_SPACE) pthread_barrier_t barrier;
	/* without a guard */
	_Alignas(LOCK_SPACE) pthread_cond_t cond;
	pthread_spinlock_t spin;
} * locks;
enum { GUARDS = offsetof(struct locks, cond) / LOCK_SPACE };

static int locks_begin(void)
{
	static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE,
				    PTHREAD_MUTEX_ERRORCHECK};
	unsigned how = next_byte();
	int fd = open(namespace_file("locks", 0), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	pthread_mutexattr_t attributes;

	if (fd < 0 || ftruncate(fd, sizeof(*locks)) < 0)
		return -1;
	locks = mmap(NULL, sizeof(*locks), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, types[how % 3]);
	pthread_mutexattr_setrobust(&attributes,
				    how & 8 ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED);
	ipcref_mutex_init(&locks->mutex, &attributes);
	ipcref_rwlock_init(&locks->rwlock, NULL);
	ipcref_barrier_init(&locks->barrier, NULL, 1);
	ipcref_cond_init(&locks->cond, NULL);
	ipcref_spin_init(&locks->spin, PTHREAD_PROCESS_SHARED);
	return fd;
}

/* Whether who comes is the last, as far as can be told: else he waits for those who don't come. */
static bool is_last_to_come(void)
{
	uint32_t words[2]; /* the guard, and how many are to come */

	memcpy(words, &locks->barrier, sizeof(words));
	return words[1] <= 1;
}

static void locks_operate(unsigned which)
{
	const struct timespec past = {0, 0};

	switch (which % 12) {
	case 0:
		ipcref_mutex_trylock(&locks->mutex);
		break;
	case 1:
		ipcref_mutex_timedlock(&locks->mutex, &past);
		break;
	case 2:
		ipcref_mutex_unlock(&locks->mutex);
		break;
	case 3:
		ipcref_mutex_consistent(&locks->mutex);
		break;
	case 4: /* it returns with the mutex, whoever has that */
		if (ipcref_mutex_trylock(&locks->mutex) == 0)
			ipcref_cond_timedwait(&locks->cond, &locks->mutex, &past);
		break;
	case 5:
		ipcref_cond_signal(&locks->cond);
		ipcref_cond_broadcast(&locks->cond);
		break;
	case 6:
		ipcref_rwlock_timedrdlock(&locks->rwlock, &past);
		break;
	case 7:
		ipcref_rwlock_timedwrlock(&locks->rwlock, &past);
		break;
	case 8:
		ipcref_rwlock_unlock(&locks->rwlock);
		break;
	case 9:
		if (is_last_to_come())
			ipcref_barrier_wait(&locks->barrier);
		break;
	case 10:
		ipcref_spin_trylock(&locks->spin);
		break;
	default:
		ipcref_spin_unlock(&locks->spin);
	}
}

static void locks_end(void)
{
	munmap(locks, sizeof(*locks));
}

static const struct kind kinds[] = {
	{"mq", mq_begin, mq_operate, mq_end, false, 0},
	{"msg", msg_begin, msg_operate, msg_end, false, 0},
	{"semset", semset_begin, semset_operate, semset_end, false, 0},
	{"sem", sem_begin, sem_operate, sem_end, false, 0},
	{"pipe", pipe_begin, pipe_operate, pipe_end, false, 0},
	{"event", event_begin, event_operate, event_end, false, 0},
	{"shm", shm_begin, shm_operate, shm_end, false, 0},
	{"registry", registry_begin, registry_operate, registry_end, false, 0},
	{"stream", stream_begin, stream_operate, pipe_end, false, 0},
	{"datagram", datagram_begin, datagram_operate, pipe_end, false, 0},
	{"listener", listener_begin, listener_operate, listener_end, false, 0},
	{"sig", sig_begin, sig_operate, sig_end, true, 0},
	{"locks", locks_begin, locks_operate, locks_end, true, LOCK_SPACE},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* -- the peer --------------------------------------------------------------------------------- */

#ifdef LOOK_AGAIN_MS
static const bool library_has_time = false;
#else
static const bool library_has_time = true;
#endif

/* Of an object's lock and, so that no more need be told, of where a pipe has its two. */
static bool is_lock(off_t offset, off_t end)
{
	static const off_t words[] = {
		offsetof(struct object, lock),
		offsetof(struct pipe, readers.lock),
		offsetof(struct pipe, writers.lock),
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (end > words[i] && offset < words[i] + (off_t)sizeof(struct lock))
			return true;
	return false;
}

/* Whether it is the word of a lock that would keep this process waiting. */
static bool is_left_alone(const struct kind *kind, off_t offset, off_t end)
{
	return !kind->guard_every && (kind->is_kept || library_has_time) && is_lock(offset, end);
}

struct writing {
	off_t offset;
	unsigned length;
	int64_t value;
};

static int64_t next_value(bool is_of_interest)
{
	static const int64_t of_interest[] = {0, 1, 2, 0x7f, -1, INT32_MAX, INT32_MIN, INT64_MAX};

	if (is_of_interest)
		return of_interest[next_byte() % 8];
	return (int64_t)((uint64_t)next_word() << 16 | next_word());
}

/*
 * Mostly into the head, where most that matters is, and over small numbers by small numbers.
 * False: there it is left alone.
 */
static bool next_writing(const struct kind *kind, int fd, struct writing *writing)
{
	off_t size = lseek(fd, 0, SEEK_END), offset;
	unsigned how = next_byte();

	writing->length = 1u << (how & 3);
	offset = next_word();
	if (kind->guard_every)
		offset %= size > 0 ? size : 1;
	else if (how & 4)
		offset = sizeof(struct object) + offset % 1024;
	else if (how & 8)
		offset = size > 0 ? (offset * 256 + next_byte()) % size : 0;
	else
		offset %= 1024;
	writing->offset = offset;
	writing->value = next_value(how & 16);
	/* the file isn't to grow by this */
	return offset + (off_t)writing->length <= size &&
	       !is_left_alone(kind, offset, offset + (off_t)writing->length);
}

static void write_once(int fd, const struct writing *writing)
{
	if (pwrite(fd, &writing->value, writing->length, writing->offset) < 0)
		perror("fuzz: pwrite");
}

/*
 * A peer that is at it while the library looks: what was checked may be something else when it is
 * used.
 */
static struct flip {
	_Atomic bool is_on;
	pthread_t thread;
	int fd;
	struct writing writings[2];
} flip;

static void *go_on_flipping(void *nothing)
{
	for (unsigned i = 0; atomic_load(&flip.is_on); i++)
		write_once(flip.fd, &flip.writings[i % 2]);
	return nothing;
}

static void stop_flipping(void)
{
	if (atomic_exchange(&flip.is_on, false))
		pthread_join(flip.thread, NULL);
}

static void begin_to_flip(int fd, const struct writing *writing)
{
	stop_flipping();
	flip.fd = fd;
	flip.writings[0] = flip.writings[1] = *writing;
	flip.writings[1].value = next_value(true);
	atomic_store(&flip.is_on, true);
	if (pthread_create(&flip.thread, NULL, go_on_flipping, NULL))
		atomic_store(&flip.is_on, false);
}

static void scribble(const struct kind *kind, int fd, bool goes_on)
{
	struct writing writing;

	if (!next_writing(kind, fd, &writing))
		return;
	if (goes_on)
		begin_to_flip(fd, &writing);
	else
		write_once(fd, &writing);
}

/*
 * A guard that somebody holds who lives is waited for, as any lock is: whoever may write to it may
 * hold it for ever.  One of nobody is not.
 */
static void free_held_guards(const struct kind *kind)
{
	for (unsigned i = 0; kind->guard_every && i < GUARDS; i++) {
		struct lock *guard = (struct lock *)(void *)((char *)locks + i * kind->guard_every);
		uint32_t owner = atomic_load(&guard->word) & LOCK_OWNER;

		if (library_has_time || (owner && thread_lives(owner, 0)))
			atomic_store(&guard->word, 0);
	}
}

/* What a process has mapped for ever is as before, for the next input. */
static char before[sizeof(struct object) + 65536];

static void keep(const struct kind *kind, int fd, ssize_t *size)
{
	*size = kind->is_kept ? pread(fd, before, sizeof(before), 0) : 0;
}

static void restore(int fd, ssize_t size)
{
	if (size > 0 && pwrite(fd, before, (size_t)size, 0) < 0)
		perror("fuzz: pwrite");
}

static void play(const struct kind *kind)
{
	int fd = kind->begin();
	ssize_t kept;

	if (fd < 0)
		return;
	keep(kind, fd, &kept);
	for (int steps = 0; input.left && steps < MOST_STEPS; steps++) {
		unsigned what = next_byte();

		alarm(most_seconds);
		if (what < 100)
			scribble(kind, fd, what < 10 && !kind->guard_every);
		else if (what < 104 && !kind->is_kept && ftruncate(fd, (off_t)next_word() * 16) < 0)
			break;
		free_held_guards(kind);
		if (what >= 100)
			kind->operate(next_byte());
	}
	alarm(most_seconds);
	stop_flipping();
	restore(fd, kept);
	close(fd);
	kind->end();
	alarm(0);
}

static void empty_directory(void)
{
	/* what an object that is broken couldn't be told to remove */
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command) != 0)
		perror("fuzz: rm");
}

static void on_alarm(int number)
{
	static const char line[] = "fuzz: an operation hangs\n";

	(void)number;
	if (write(STDERR_FILENO, line, sizeof(line) - 1) > 0)
		abort();
	abort();
}

static void prepare(void)
{
	const char *scale = getenv("IPCTS_TIMEOUT_SCALE");

	if (*directory)
		return;
	if (scale && atof(scale) > 0)
		most_seconds = (unsigned)(most_seconds * atof(scale)) + 1;
	snprintf(directory, sizeof(directory), "/dev/shm/fuzz.XXXXXX");
	if (!mkdtemp(directory)) {
		snprintf(directory, sizeof(directory), "/tmp/fuzz.XXXXXX");
		if (!mkdtemp(directory))
			exit(2);
	}
	setenv("IPCREF_NAMESPACE", directory, 1);
	signal(SIGALRM, on_alarm);
	signal(SIGPIPE, SIG_IGN);
	atexit(empty_directory);
}

/* The kind of this name, or of what it has before a dash; NULL: there is none. */
static const struct kind *find_kind(const char *name)
{
	size_t length = strcspn(name, "-");

	for (int i = 0; i < KINDS; i++)
		if (strlen(kinds[i].name) == length && strncmp(kinds[i].name, name, length) == 0)
			return &kinds[i];
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *wish = getenv("FUZZ_KIND");

	prepare();
	input = (struct input){bytes, size};
	unsigned any = next_byte() % KINDS;
	const struct kind *kind = wish ? find_kind(wish) : &kinds[any];

	if (!kind) {
		fprintf(stderr, "fuzz: %s: no such kind\n", wish);
		exit(2);
	}
	play(kind);
	return 0;
}

/* -- without libFuzzer ------------------------------------------------------------------------ */

#ifndef FUZZ_BY_LIBFUZZER
static uint64_t state;

static unsigned random_byte(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 40) & 0xff;
}

static void play_file(const char *path)
{
	static uint8_t bytes[65536];
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		exit(2);
	}
	if (find_kind(name))
		setenv("FUZZ_KIND", name, 1);
	LLVMFuzzerTestOneInput(bytes, fread(bytes, 1, sizeof(bytes), file));
	fclose(file);
}

static int list(void)
{
	for (int i = 0; i < KINDS; i++)
		puts(kinds[i].name);
	return 0;
}

/* In a child: of one that crashes or hangs no directory is left.  Its exit status. */
static int fuzz(int file_count, char **files, time_t seconds, uint64_t seed)
{
	uint64_t runs = 0;
	time_t begin = time(NULL);

	for (int i = 0; i < file_count; i++)
		play_file(files[i]);
	while (file_count == 0 && time(NULL) < begin + seconds) {
		uint8_t bytes[600];

		/* a run that fails is told by the last line, and played again by --seed */
		if (runs++ % 1000 == 0)
			fprintf(stderr, "# --seed %llu\n", (unsigned long long)seed);
		state = seed = seed * 6364136223846793005u + 1442695040888963407u;
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)random_byte();
		LLVMFuzzerTestOneInput(bytes, sizeof(bytes));
	}
	printf("%llu runs\n", (unsigned long long)runs);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"kind", required_argument, NULL, 'k'},
						{"seconds", required_argument, NULL, 's'},
						{"seed", required_argument, NULL, 'r'},
						{"list", no_argument, NULL, 'l'},
						{NULL, 0, NULL, 0}};
	uint64_t seed = (uint64_t)time(NULL) * 1000003;
	time_t seconds = 5;

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'k')
			setenv("FUZZ_KIND", optarg, 1);
		else if (option == 's')
			seconds = atoi(optarg);
		else if (option == 'r')
			seed = strtoull(optarg, NULL, 0);
		else
			return option == 'l' ? list() : 2;
	}
	prepare();
	fflush(NULL);
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(fuzz(argc - optind, argv + optind, seconds, seed));
	}
	if (child < 0 || waitpid(child, &status, 0) < 0) {
		perror("fuzz");
		return 2;
	}
	if (WIFSIGNALED(status))
		fprintf(stderr, "fuzz: killed by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
#endif
