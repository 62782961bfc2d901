/* SPDX-License-Identifier: MIT */
#include "litmus/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

static bool fail(struct shared_memory *memory, const char *what)
{
	snprintf(memory->trouble, sizeof(memory->trouble), "%.100s: %s", what, strerror(errno));
	return false;
}

/* -- anonymous: inherited, so that all have it at one address ---------------------------------- */

static bool make_anonymous(struct shared_memory *memory)
{
	void *bytes =
		mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (bytes == MAP_FAILED)
		return fail(memory, "mmap");
	for (unsigned i = 0; i < memory->count; i++)
		memory->views[i] = bytes;
	return true;
}

static void unmap_anonymous(struct shared_memory *memory, unsigned view)
{
	/* there is but one */
	if (view == 0)
		munmap((void *)memory->views[0], memory->size);
}

/* -- what a descriptor refers to --------------------------------------------------------------- */

static void unmap(struct shared_memory *memory, unsigned view)
{
	munmap((void *)memory->views[view], memory->size);
}

/* The descriptor is closed. */
static bool map_all(struct shared_memory *memory, int fd, const char *name)
{
	unsigned mapped = 0;
	bool is_long_enough = ftruncate(fd, (off_t)memory->size) == 0;

	while (is_long_enough && mapped < memory->count) {
		void *bytes = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (bytes == MAP_FAILED)
			break;
		memory->views[mapped++] = bytes;
	}
	if (mapped < memory->count) {
		fail(memory, name);
		while (mapped > 0)
			unmap(memory, --mapped);
	}
	close(fd);
	return memory->trouble[0] == '\0';
}

static bool make_posix(struct shared_memory *memory)
{
	char name[64];

	snprintf(name, sizeof(name), "/ipcts-litmus-%ld", (long)getpid());
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return fail(memory, "shm_open");
	shm_unlink(name);
	return map_all(memory, fd, "shm_open");
}

static bool make_memfd(struct shared_memory *memory)
{
#ifdef MFD_CLOEXEC
	int fd = memfd_create("ipcts-litmus", MFD_CLOEXEC);
#else
	int fd = -1;
	errno = ENOSYS;
#endif
	return fd < 0 ? fail(memory, "memfd_create") : map_all(memory, fd, "memfd_create");
}

static bool make_file(struct shared_memory *memory, const char *directory)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s/ipcts-litmus-XXXXXX", directory) >=
	    sizeof(path)) {
		errno = ENAMETOOLONG;
		return fail(memory, "a file");
	}
	int fd = mkstemp(path);
	if (fd < 0)
		return fail(memory, path);
	unlink(path);
	return map_all(memory, fd, path);
}

static bool make_in_dev_shm(struct shared_memory *memory)
{
	return make_file(memory, "/dev/shm");
}

static bool make_on_disk(struct shared_memory *memory)
{
	const char *directory = getenv("TMPDIR");

	return make_file(memory, directory && directory[0] ? directory : "/var/tmp");
}

/* -- System V ---------------------------------------------------------------------------------- */

static void detach(struct shared_memory *memory, unsigned view)
{
	shmdt((const void *)memory->views[view]);
}

static bool make_system_v(struct shared_memory *memory)
{
	int id = shmget(IPC_PRIVATE, memory->size, 0600);
	unsigned attached = 0;

	if (id < 0)
		return fail(memory, "shmget");
	while (attached < memory->count) {
		void *bytes = shmat(id, NULL, 0);

		if (bytes == (void *)-1)
			break;
		memory->views[attached++] = bytes;
	}
	if (attached < memory->count) {
		fail(memory, "shmat");
		while (attached > 0)
			detach(memory, --attached);
	}
	shmctl(id, IPC_RMID, NULL);
	return memory->trouble[0] == '\0';
}

const struct memory_kind memory_kinds[] = {
	{"anonymous", "MAP_SHARED | MAP_ANONYMOUS, inherited: all have it at one address",
	 make_anonymous, unmap_anonymous},
	{"posix", "shm_open, each at an address of its own", make_posix, unmap},
	{"sysv", "shmget, each at an address of its own", make_system_v, detach},
	{"memfd", "memfd_create, each at an address of its own", make_memfd, unmap},
	{"dev-shm", "a file in /dev/shm, each at an address of its own", make_in_dev_shm, unmap},
	{"disk", "a file in TMPDIR or /var/tmp, each at an address of its own", make_on_disk,
	 unmap},
};
const size_t memory_kind_count = sizeof(memory_kinds) / sizeof(memory_kinds[0]);

bool memory_make(const struct memory_kind *kind, struct shared_memory *memory, unsigned views,
		 size_t size)
{
	*memory = (struct shared_memory){.size = size, .count = views};
	return kind->make(memory);
}

void memory_unmake(const struct memory_kind *kind, struct shared_memory *memory)
{
	for (unsigned i = 0; i < memory->count; i++)
		kind->unmap(memory, i);
}
