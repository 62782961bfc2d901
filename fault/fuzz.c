/* SPDX-License-Identifier: MIT */
/*
 * A hostile peer: what it may do to an object's file is read from the input, and what the library
 * makes of that must be an answer, not a crash, an access outside or a hang.
 *
 * The input is a kind of object and then steps: to write some bytes at a place, to cut the file
 *off, or to call an operation.  The lock's word alone is left alone, for who may write that may as
 *well hold the lock for ever.
 *
 * With clang's libFuzzer it is its target; without, a program of its own:
 *
 *	fault/fuzz [--kind N] [--seconds N] [--seed N] | FILE...
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/object.h"
#include "ref/pipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Of one operation; more is a hang. */
enum { MOST_SECONDS = 10 };
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
		ipcref_mq_setattr(object, &attributes, NULL);
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

static const struct kind kinds[] = {
	{"mq", mq_begin, mq_operate, mq_end},
	{"msg", msg_begin, msg_operate, msg_end},
	{"semset", semset_begin, semset_operate, semset_end},
	{"sem", sem_begin, sem_operate, sem_end},
	{"pipe", pipe_begin, pipe_operate, pipe_end},
	{"event", event_begin, event_operate, event_end},
	{"shm", shm_begin, shm_operate, shm_end},
	{"registry", registry_begin, registry_operate, registry_end},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* -- the peer --------------------------------------------------------------------------------- */

/* Of an object's lock and, so that no more need be told, of where a pipe has its two. */
static bool is_lock(off_t offset, size_t length)
{
	static const off_t locks[] = {
		offsetof(struct object, lock),
		offsetof(struct pipe, readers.lock),
		offsetof(struct pipe, writers.lock),
	};

	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
		if (offset + (off_t)length > locks[i] &&
		    offset < locks[i] + (off_t)sizeof(struct lock))
			return true;
	return false;
}

/* Mostly into the head, where most that matters is, and over small numbers by small numbers. */
static void scribble(int fd)
{
	static const int64_t of_interest[] = {0, 1, 2, 0x7f, -1, INT32_MAX, INT32_MIN, INT64_MAX};
	off_t size = lseek(fd, 0, SEEK_END), offset;
	unsigned how = next_byte(), length = 1u << (how & 3);
	int64_t value;

	offset = next_word();
	if (how & 4)
		offset = sizeof(struct object) + offset % 512;
	else if (how & 8)
		offset = size > 0 ? (offset * 256 + next_byte()) % size : 0;
	else
		offset %= 1024;
	if (how & 16)
		value = of_interest[next_byte() % 8];
	else
		value = (int64_t)((uint64_t)next_word() << 16 | next_word());
	if (is_lock(offset, length))
		return;
	if (offset + (off_t)length > size)
		return; /* the file isn't to grow by this */
	if (pwrite(fd, &value, length, offset) < 0)
		return;
}

static void play(const struct kind *kind)
{
	int fd = kind->begin();

	if (fd < 0)
		return;
	for (int steps = 0; input.left && steps < MOST_STEPS; steps++) {
		unsigned what = next_byte();

		alarm(MOST_SECONDS);
		if (what < 100)
			scribble(fd);
		else if (what < 104 && ftruncate(fd, (off_t)next_word() * 16) < 0)
			break;
		else
			kind->operate(next_byte());
	}
	alarm(MOST_SECONDS);
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
	if (*directory)
		return;
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static int wished = -1;

	prepare();
	if (wished < 0) {
		const char *kind = getenv("FUZZ_KIND");

		for (wished = 0; kind && wished < KINDS && strcmp(kind, kinds[wished].name) != 0;)
			wished++;
		if (!kind)
			wished = KINDS;
	}
	input = (struct input){bytes, size};
	unsigned kind = next_byte() % KINDS;

	play(&kinds[wished < KINDS ? wished : (int)kind]);
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
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		exit(2);
	}
	LLVMFuzzerTestOneInput(bytes, fread(bytes, 1, sizeof(bytes), file));
	fclose(file);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"kind", required_argument, NULL, 'k'},
						{"seconds", required_argument, NULL, 's'},
						{"seed", required_argument, NULL, 'r'},
						{NULL, 0, NULL, 0}};
	uint64_t seed = (uint64_t)time(NULL) * 1000003, runs = 0;
	time_t seconds = 5, begin = time(NULL);

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'k')
			setenv("FUZZ_KIND", optarg, 1);
		else if (option == 's')
			seconds = atoi(optarg);
		else if (option == 'r')
			seed = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	for (int i = optind; i < argc; i++)
		play_file(argv[i]);
	while (optind == argc && time(NULL) < begin + seconds) {
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
#endif
