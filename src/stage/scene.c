/* SPDX-License-Identifier: MIT */
#include "stage/scene.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stage/wait.h"

struct scene *scene;

/* -- the memory ------------------------------------------------------------------------------- */

static int open_unlinked(const char *directory)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/ipcts-scene-XXXXXX", directory);
	int fd = mkstemp(path);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* A descriptor of memory that a program executed anew can map; -1: there is no such thing here. */
static int open_memory(void)
{
	const char *const directories[] = {getenv("TMPDIR"), "/tmp", "/dev/shm", "."};
	int fd = -1;

#ifdef SYS_memfd_create
	if (!is_bare())
		fd = (int)syscall(SYS_memfd_create, "ipcts", 0);
#endif
	for (size_t i = 0; fd < 0 && i < sizeof(directories) / sizeof(directories[0]); i++)
		if (directories[i] && *directories[i])
			fd = open_unlinked(directories[i]);
	if (fd >= 0 && ftruncate(fd, sizeof(struct scene)) < 0) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		return -1;

	/* out of the way of tests that count descriptors */
	int high = fcntl(fd, F_DUPFD_CLOEXEC, SCENE_FD);
	if (high < 0)
		high = fcntl(fd, F_DUPFD_CLOEXEC, 30);
	if (high < 0)
		return fd;
	close(fd);
	return high;
}

struct scene *scene_make(void)
{
	int fd = open_memory();
	void *memory = MAP_FAILED;

	if (fd >= 0)
		memory = mmap(NULL, sizeof(*scene), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		if (fd >= 0)
			close(fd);
		fd = -1;
		memory = mmap(NULL, sizeof(*scene), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	}
	if (memory == MAP_FAILED)
		return NULL;
	scene = memory;
	scene->fd = fd;
	return scene;
}

bool scene_attach(int fd)
{
	void *memory = mmap(NULL, sizeof(*scene), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return false;
	scene = memory;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return true;
}

void scene_clear(void)
{
	for (int i = 0; i < scene->actor_count; i++) {
		struct mailbox *mailbox = &scene->actors[i];

		memset(mailbox, 0, offsetof(struct mailbox, kept));
		mailbox->kept_count = 0;
	}
	size_t from = offsetof(struct scene, verdict);
	memset((char *)scene + from, 0, offsetof(struct scene, transcript) - from);
	memset(scene->words, 0, sizeof(scene->words));
	scene->transcript[0] = '\0';
}

/* -- the verdict ------------------------------------------------------------------------------ */

void scene_news(void)
{
	scene->news++;
	word_wake(&scene->news);
}

bool scene_has_verdict(void)
{
	return scene->verdict != NONE;
}

/*
 * Whoever takes the lock writes the message, then the verdict; a later one is not heard.  If the
 * writer is killed in between, there's no verdict, which is an error: never a pass.
 */
static void write_verdict(enum verdict verdict, enum how how, const char *format, va_list arguments)
{
	if (atomic_exchange(&scene->message_lock, 1))
		return;
	vsnprintf(scene->message, sizeof(scene->message), format, arguments);
	scene->how = how;
	scene->verdict = verdict;
	scene_news();
}

void scene_verdict(enum verdict verdict, enum how how, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_verdict(verdict, how, format, arguments);
	va_end(arguments);
}

void scene_end(enum verdict verdict, enum how how, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_verdict(verdict, how, format, arguments);
	va_end(arguments);
	_exit(1);
}

/* -- the processes ---------------------------------------------------------------------------- */

static long long own_serial;

void scene_join(long long serial)
{
	own_serial = serial;
}

bool scene_is_own(void)
{
	return scene->serial == own_serial;
}

static bool is_listed = true;

void scene_enlists(bool enlists)
{
	is_listed = enlists;
}

void scene_enlist(void)
{
	if (!is_listed)
		return;
	uint32_t place = scene->process_count++;

	/* who forks without end ends here */
	if (place >= PROCESS_MAX)
		scene_end(ERROR, HOW_PLAIN, "more than %d processes in one test", PROCESS_MAX);
	scene->processes[place] = getpid();
}
