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
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault/fuzz.h"
#include "ref/lock.h"
#include "ref/object.h"
#include "ref/pipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Of one operation; more is a hang. */
static unsigned most_seconds = 10;
enum { MOST_STEPS = 200 };

static char directory[64];

const char *namespace_file(const char *format, int number)
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

unsigned next_byte(void)
{
	if (!input.left)
		return 0;
	input.left--;
	return *input.bytes++;
}

unsigned next_word(void)
{
	unsigned high = next_byte();

	return high << 8 | next_byte();
}

/* -- kinds ------------------------------------------------------------------------------------ */

char text[16384];
int ends[2];

static const struct kind *const kinds[] = {
	&fuzz_mq,	&fuzz_msg, &fuzz_semset,   &fuzz_sem,	 &fuzz_pipe,
	&fuzz_event,	&fuzz_shm, &fuzz_registry, &fuzz_stream, &fuzz_datagram,
	&fuzz_listener, &fuzz_sig, &fuzz_locks,
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

int file_of(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

void close_ends(void)
{
	ipcref_close(ends[0]);
	ipcref_close(ends[1]);
}

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
		if (kind->guard_every)
			free_held_guards(library_has_time);
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
		if (strlen(kinds[i]->name) == length && strncmp(kinds[i]->name, name, length) == 0)
			return kinds[i];
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *wish = getenv("FUZZ_KIND");

	prepare();
	input = (struct input){bytes, size};
	unsigned any = next_byte() % KINDS;
	const struct kind *kind = wish ? find_kind(wish) : kinds[any];

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
		puts(kinds[i]->name);
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
