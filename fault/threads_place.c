/* SPDX-License-Identifier: MIT */
/*
 * A word of a file has as many addresses as there are mappings of it, and is one word: what is
 * released at one of them is acquired at another.  And by whom it was written last after a fence.
 * Who looks one up comes neither before nor after others by that, so the lock is none that valgrind
 * knows.
 */
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <valgrind/helgrind.h>

#include "fault/threads.h"

enum { MAPPINGS = 256, FENCED = 1 << 14 };

static struct table {
	int lock;
	struct mapped {
		uintptr_t begin, end; /* 0: none */
		uintptr_t file;	      /* where it begins, of all places of all files */
	} mapped[MAPPINGS];
	/* by a word's number; those that have the same are ordered by each other's fences, too */
	const void *fences[FENCED];
} table;

void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t size);
int __wrap_munmap(void *address, size_t size);

__attribute__((constructor)) static void hide(void)
{
	VALGRIND_HG_DISABLE_CHECKING(&table, sizeof(table));
	drd_ignores(&table, sizeof(table));
}

static void lock(void)
{
	while (__atomic_exchange_n(&table.lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void unlock(void)
{
	__atomic_store_n(&table.lock, 0, __ATOMIC_RELEASE);
}

static struct mapped *find(uintptr_t address)
{
	for (size_t i = 0; i < MAPPINGS; i++)
		if (table.mapped[i].begin <= address && address < table.mapped[i].end)
			return &table.mapped[i];
	return NULL;
}

const void *place_of(const void *address)
{
	uintptr_t place = (uintptr_t)address;

	lock();
	const struct mapped *mapped = find(place);
	if (mapped)
		place += mapped->file - mapped->begin;
	unlock();
	return (const void *)place;
}

static size_t number_of_word(const void *word)
{
	return (size_t)((uintptr_t)word * UINT64_C(0x9E3779B97F4A7C15) >> 40) % FENCED;
}

void comes_after_fence(const void *word, const void *fence)
{
	lock();
	table.fences[number_of_word(word)] = fence;
	unlock();
}

const void *fence_before(const void *word)
{
	lock();
	const void *fence = table.fences[number_of_word(word)];
	unlock();
	return fence;
}

/* A number of its own for each file, far from each other and from all addresses there are. */
static uintptr_t number_of(const struct stat *file)
{
	return (uintptr_t)((file->st_dev * 31 + file->st_ino) * UINT64_C(0x9E3779B97F4A7C15)) |
	       (uintptr_t)1 << (sizeof(uintptr_t) * 8 - 1);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	void *begin = __real_mmap(address, size, protection, flags, fd, offset);
	struct mapped *free = NULL;
	struct stat file;

	if (begin == MAP_FAILED || !(flags & MAP_SHARED) || fd < 0 || fstat(fd, &file) < 0)
		return begin;
	lock();
	for (size_t i = 0; i < MAPPINGS && !free; i++)
		if (table.mapped[i].end == 0)
			free = &table.mapped[i];
	if (free)
		*free = (struct mapped){(uintptr_t)begin, (uintptr_t)begin + size,
					number_of(&file) + (uintptr_t)offset};
	unlock();
	MUST(free != NULL);
	return begin;
}

/* Before it is, for another may be given its address at once. */
int __wrap_munmap(void *address, size_t size)
{
	lock();
	struct mapped *mapped = find((uintptr_t)address);
	if (mapped)
		*mapped = (struct mapped){0, 0, 0};
	unlock();
	return __real_munmap(address, size);
}
