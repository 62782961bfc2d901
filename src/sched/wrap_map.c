/* SPDX-License-Identifier: MIT */
/* What is mapped, and so may be shared. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "sched/clock.h"
#include "sched/model.h"
#include "sched/place.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

static void mapped(void *address, size_t length, int flags, int fd, uint64_t offset)
{
	struct segment_identity identity;
	char name[SEGMENT_NAME_ROOM] = "";

	if (!(flags & MAP_SHARED)) { /* also part of MAP_SHARED_VALIDATE */
		place_unmap(address, length);
		return;
	}
	if (flags & MAP_ANONYMOUS)
		identity = (struct segment_identity){SEGMENT_ANONYMOUS, 0, world_fresh()};
	else if (!place_identify(fd, &identity, name, sizeof(name)))
		return;
	place_map_segment(address, length, world_segment(&identity, name), offset);
}

WRAP(void *, mmap, (void *address, size_t length, int protection, int flags, int fd, off_t offset))
{
	runtime_drain(); /* what is undone is undone where it was */
	void *memory = REAL(mmap)(address, length, protection, flags, fd, offset);

	if (memory != MAP_FAILED && (flags & (MAP_SHARED | MAP_FIXED)))
		mapped(memory, length, flags, fd, (uint64_t)offset);
	return memory;
}

WRAP(void *, mmap64,
     (void *address, size_t length, int protection, int flags, int fd, off64_t offset))
{
	return __wrap_mmap(address, length, protection, flags, fd, (off_t)offset);
}

WRAP(int, munmap, (void *address, size_t length))
{
	runtime_drain();
	/* before: behind it others may get the address */
	place_unmap(address, length);
	return REAL(munmap)(address, length);
}

void *__real_mremap(void *old, size_t old_length, size_t length, int flags, ...);
void *__wrap_mremap(void *old, size_t old_length, size_t length, int flags, ...);
void *__wrap_mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
	struct mapping mapping = place_find((uintptr_t)old);
	va_list rest;

	runtime_drain();
	va_start(rest, flags);
	void *wanted = flags & MREMAP_FIXED ? va_arg(rest, void *) : NULL;

	va_end(rest);
	void *memory = REAL(mremap)(old, old_length, length, flags, wanted);

	if (memory == MAP_FAILED)
		return memory;
	if (old_length)
		place_unmap(old, old_length);
	if (mapping.shared)
		place_map_segment(memory, length, mapping.segment,
				  mapping.offset + ((uintptr_t)old - mapping.start));
	else
		place_unmap(memory, length);
	return memory;
}

WRAP(int, mprotect, (void *address, size_t length, int protection))
{
	runtime_drain();
	return REAL(mprotect)(address, length, protection);
}

WRAP(int, shmget, (key_t key, size_t size, int flags))
{
	return EXPLORED ? model_shmget(HERE, key, size, flags) : REAL(shmget)(key, size, flags);
}

int REAL(shmctl)(int id, int command, struct shmid_ds *status);

WRAP(void *, shmat, (int id, const void *address, int flags))
{
	void *memory = REAL(shmat)(id, address, flags);
	struct shmid_ds status;
	struct segment_identity identity = {SEGMENT_SYSV, 0, (uint64_t)id};
	char name[SEGMENT_NAME_ROOM];

	if (memory == (void *)-1 || REAL(shmctl)(id, IPC_STAT, &status))
		return memory;
	snprintf(name, sizeof(name), "System V %d", id);
	place_map_segment(memory, status.shm_segsz, world_segment(&identity, name), 0);
	return memory;
}

/* A segment that is still attached goes when it no longer is. */
WRAP(int, shmctl, (int id, int command, struct shmid_ds *status))
{
	int result = REAL(shmctl)(id, command, status);

	return EXPLORED && command == IPC_RMID ? model_removed(LEFTOVER_SHM, id, "", result)
					       : result;
}

WRAP(int, shmdt, (const void *address))
{
	struct mapping mapping = place_find((uintptr_t)address);

	runtime_drain();
	int result = REAL(shmdt)(address);

	if (!result && mapping.shared)
		place_unmap((void *)mapping.start, mapping.end - mapping.start);
	return result;
}
