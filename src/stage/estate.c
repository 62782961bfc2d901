/* SPDX-License-Identifier: MIT */
#include "stage/estate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stage/observe.h"
#include "stage/perform.h"
#include "stage/scene.h"
#include "stage/wait.h"

#define JOURNAL "journal"
#define MAGIC "ipcts journal 1\n"

/* The journal: a header, then an entry an object, each appended by one write. */
struct header {
	char magic[16];
	long long runner; /* its process */
	long long born;	  /* when that began, in the kernel's ticks; 0: not known */
	char run_name[32];
};

struct entry {
	unsigned worker;
	struct object object;
};

static char run_name[32], directory[PATH_MAX], trouble[128];
static int journal = -1;
static unsigned swept;
static _Atomic unsigned *removed; /* shared with the processes that remove */

/* -- removing --------------------------------------------------------------------------------- */

/* Those that remove answer how many objects they have found. */
static unsigned remove_object(const struct object *object, bool is_ours_for_sure)
{
	switch (object->kind) {
	case OBJECT_NAME:
		return remove_mq(object->name) + remove_sem(object->name) +
		       remove_shm(object->name);
	case OBJECT_KEY:
		return remove_msg_key(object->number) + remove_semset_key(object->number) +
		       remove_segment_key(object->number);
	case OBJECT_MSG:
		return remove_msg(object->number, is_ours_for_sure);
	case OBJECT_SEMSET:
		return remove_semset(object->number, is_ours_for_sure);
	case OBJECT_SEGMENT:
		return remove_segment(object->number, is_ours_for_sure);
	default:
		return 0;
	}
}

static void remove_at(int parent, const char *name)
{
	if (unlinkat(parent, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
		return;

	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream)
		return;
	for (const struct dirent *entry; (entry = readdir(stream));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_at(fd, entry->d_name);
	closedir(stream);
	unlinkat(parent, name, AT_REMOVEDIR);
}

void remove_content(const char *path)
{
	DIR *stream = opendir(path);

	if (!stream)
		return;
	for (const struct dirent *entry; (entry = readdir(stream));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_at(dirfd(stream), entry->d_name);
	closedir(stream);
}

bool estate_is_clear(void)
{
	return scene->objects.count == 0;
}

void estate_clear(void)
{
	int count = scene->objects.count;

	for (int i = 0; i < count && i < OBJECT_MAX; i++)
		remove_object(&scene->objects.objects[i], true);
	scene->objects.count = 0;
}

/* -- recording -------------------------------------------------------------------------------- */

static bool is_listed(const struct object_list *list, const struct object *object)
{
	for (int i = 0; i < list->count && i < OBJECT_MAX; i++)
		if (list->objects[i].kind == object->kind &&
		    list->objects[i].number == object->number &&
		    strcmp(list->objects[i].name, object->name) == 0)
			return true;
	return false;
}

void estate_add(enum object_kind kind, int number, const char *name)
{
	struct entry entry = {.worker = scene->worker,
			      .object = {.kind = (int)kind, .number = number}};
	struct object_list *list = &scene->objects;

	snprintf(entry.object.name, sizeof(entry.object.name), "%s", name);
	if (is_listed(list, &entry.object))
		return;
	if (list->count >= OBJECT_MAX)
		scene_end(ERROR, HOW_PLAIN, "more than %d objects in one test", OBJECT_MAX);
	/* the holder may be killed: then the list is only as good as it was */
	for (int i = 0; i < 1000 && atomic_exchange(&list->lock, 1); i++)
		nap(50);
	int place = list->count;
	if (place < OBJECT_MAX) {
		list->objects[place] = entry.object;
		list->count = place + 1;
	}
	list->lock = 0;

	int error = errno;
	if (journal >= 0 && write(journal, &entry, sizeof(entry)) < 0)
		errno = error; /* a full disk: the next run can't sweep it, this one still will */
	errno = error;
}

/* -- what killed runs have left --------------------------------------------------------------- */

static bool read_header(int fd, struct header *header)
{
	return pread(fd, header, sizeof(*header), 0) == (ssize_t)sizeof(*header) &&
	       memcmp(header->magic, MAGIC, sizeof(header->magic)) == 0 &&
	       memchr(header->run_name, 0, sizeof(header->run_name));
}

/* In a process that may be lost: worker < 0: of all workers. */
static void remove_journalled(int fd, int worker, bool is_ours_for_sure)
{
	struct entry entry;
	off_t at = sizeof(struct header);

	for (; pread(fd, &entry, sizeof(entry), at) == (ssize_t)sizeof(entry);
	     at += sizeof(entry)) {
		entry.object.name[OBJECT_NAME_MAX - 1] = '\0';
		if (worker < 0 || entry.worker == (unsigned)worker)
			*removed += remove_object(&entry.object, is_ours_for_sure);
	}
}

/* Runs what may crash or hang on a platform under test, in a process of its own. */
static void run_apart(void (*work)(int fd, int worker), int fd, int worker)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(30);
		work(fd, worker);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

static void sweep_work(int fd, int worker)
{
	remove_journalled(fd, worker, false);
}

static void mourn_work(int fd, int worker)
{
	remove_journalled(fd, worker, true);
}

/*
 * Both must say so: the process is gone (or another one has its number), and nobody holds the lock,
 * which the run's last process would.  A live run in another pid namespace has only the second.
 */
static bool is_dead(int fd, const struct header *header)
{
	long long born = born_at((pid_t)header->runner);

	if (kill((pid_t)header->runner, 0) == 0 && (!born || born == header->born))
		return false;
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void sweep_run(const char *path)
{
	char file[PATH_MAX + 16];
	struct header header;

	snprintf(file, sizeof(file), "%s/" JOURNAL, path);
	int fd = open(file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		/* killed before it had a journal, or about to have one: only a run long gone is
		 * swept */
		struct stat status;
		if (errno == ENOENT && stat(path, &status) == 0 &&
		    time(NULL) - status.st_mtime > 600)
			rmdir(path);
		return;
	}
	if (read_header(fd, &header) && is_dead(fd, &header)) {
		run_apart(sweep_work, fd, -1);
		remove_content(path);
		if (rmdir(path) == 0)
			++*removed;
	}
	close(fd);
}

static void sweep(const char *parent)
{
	char prefix[32], path[PATH_MAX];
	DIR *stream = opendir(parent);

	if (!stream)
		return;
	snprintf(prefix, sizeof(prefix), "ipcts-%u-", (unsigned)geteuid());
	for (const struct dirent *entry; (entry = readdir(stream));) {
		struct stat status;

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
		    snprintf(path, sizeof(path), "%s/%s", parent, entry->d_name) >=
			    (int)sizeof(path))
			continue;
		if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode) &&
		    status.st_uid == geteuid())
			sweep_run(path);
	}
	closedir(stream);
}

/* -- the run's directory ---------------------------------------------------------------------- */

static void make_run_name(void)
{
	unsigned long long random = 0;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = (unsigned long long)now.tv_nsec << 32 ^
			 (unsigned long long)now.tv_sec << 20 ^ (unsigned long long)getpid();
	snprintf(run_name, sizeof(run_name), "%llx", random & 0xFFFFFFFFFFFF);
}

static int to_high_descriptor(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, SCENE_FD);

	if (high < 0)
		return fd;
	close(fd);
	return high;
}

static void make_journal(void)
{
	struct header header = {.runner = getpid(), .born = born_at(getpid())};
	char path[PATH_MAX + 16];

	memcpy(header.magic, MAGIC, sizeof(header.magic));
	memcpy(header.run_name, run_name, sizeof(header.run_name));
	snprintf(path, sizeof(path), "%s/" JOURNAL, directory);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	flock(fd, LOCK_EX | LOCK_NB);
	if (write(fd, &header, sizeof(header)) != (ssize_t)sizeof(header)) {
		close(fd);
		unlink(path);
		return;
	}
	journal = to_high_descriptor(fd);
}

void estate_open(const char *parent)
{
	char real[PATH_MAX];

	removed = mmap(NULL, sizeof(*removed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	make_run_name();
	if (removed == MAP_FAILED || !realpath(parent, real)) {
		snprintf(trouble, sizeof(trouble), "no directory %.60s: %s", parent,
			 strerror(errno));
		return;
	}
	sweep(real);
	swept = *removed;
	if (snprintf(directory, sizeof(directory), "%s/ipcts-%u-%s", real, (unsigned)geteuid(),
		     run_name) >= (int)sizeof(directory) ||
	    mkdir(directory, 0711) < 0) {
		snprintf(trouble, sizeof(trouble), "no writable directory %.60s: %s", parent,
			 strerror(errno));
		directory[0] = '\0';
		return;
	}
	make_journal();
}

unsigned estate_swept(void)
{
	return swept;
}

void estate_close(void)
{
	if (!directory[0])
		return;
	remove_content(directory);
	rmdir(directory);
	if (journal >= 0)
		close(journal);
	journal = -1;
	directory[0] = '\0';
}

const char *estate_directory(void)
{
	return directory[0] ? directory : NULL;
}

bool estate_make_common(char *path, size_t size)
{
	/* whatever the umask is */
	return directory[0] && snprintf(path, size, "%s/common", directory) < (int)size &&
	       (mkdir(path, 01777) == 0 || errno == EEXIST) && chmod(path, 01777) == 0;
}

const char *estate_no_directory(void)
{
	return trouble;
}

const char *estate_run_name(void)
{
	return run_name;
}

void estate_enter(unsigned worker)
{
	scene->worker = worker;
}

void estate_mourn(unsigned worker)
{
	if (journal >= 0)
		run_apart(mourn_work, journal, (int)worker);
}

int estate_fd(void)
{
	return journal;
}

void estate_attach(int fd)
{
	journal = fd;
	if (fd >= 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}
