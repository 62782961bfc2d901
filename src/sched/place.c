/* SPDX-License-Identifier: MIT */
#include "sched/place.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifdef __linux__
#include <fcntl.h>
#include <sys/syscall.h>
#endif

#include "sched/real.h"
#include "sched/world.h"

enum { MAPPINGS_MAX = 8192 };

uintptr_t place_low, place_span;
_Atomic uint32_t place_generation;

/* By address; only this process's, so fork copies it. */
static struct mapping mappings[MAPPINGS_MAX];
static size_t mapping_count;
/* Threads change and read it; so may a handler in the midst of it, which then finds nothing. */
static atomic_flag busy = ATOMIC_FLAG_INIT;
static _Thread_local bool mine;

static bool take(void)
{
	if (mine)
		return false;
	mine = true;
	while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
		;
	return true;
}

static void give(void)
{
	atomic_flag_clear_explicit(&busy, memory_order_release);
	mine = false;
}

void place_forked(void)
{
	mine = false;
	atomic_flag_clear(&busy);
}

static void count_change(void)
{
	place_low = mapping_count ? mappings[0].start : 0;
	place_span = mapping_count ? mappings[mapping_count - 1].end - place_low : 0;
	atomic_fetch_add(&place_generation, 1);
}

void place_forget(void)
{
	mapping_count = 0;
	count_change();
}

/* The first that ends behind the address. */
static size_t first_behind(uintptr_t address)
{
	size_t low = 0, high = mapping_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (mappings[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct mapping place_find(uintptr_t address)
{
	struct mapping found = {address, address + 1, 0, 0, false};

	if (!take())
		return found;
	size_t i = first_behind(address);

	if (i < mapping_count && mappings[i].start <= address)
		found = mappings[i];
	else
		found = (struct mapping){i ? mappings[i - 1].end : 0,
					 i < mapping_count ? mappings[i].start : UINTPTR_MAX, 0, 0,
					 false};
	give();
	return found;
}

bool place_of(const void *address, struct place *place)
{
	if (!place_may_be_shared((uintptr_t)address))
		return false;
	struct mapping mapping = place_find((uintptr_t)address);

	if (!mapping.shared)
		return false;
	place->segment = mapping.segment;
	place->offset = mapping.offset + ((uintptr_t)address - mapping.start);
	return true;
}

static void insert(size_t i, struct mapping mapping)
{
	if (mapping_count == MAPPINGS_MAX) {
		world_give_up("a process has more shared mappings than can be followed");
		return;
	}
	memmove(&mappings[i + 1], &mappings[i], (mapping_count - i) * sizeof(mappings[0]));
	mappings[i] = mapping;
	mapping_count++;
}

static void cut(uintptr_t start, uintptr_t end)
{
	size_t i = first_behind(start);

	while (i < mapping_count && mappings[i].start < end) {
		struct mapping *it = &mappings[i], rest = *it;

		rest.offset += end - rest.start;
		rest.start = end;
		if (it->start < start) {
			bool split = it->end > end;

			it->end = start;
			i++;
			if (split)
				insert(i, rest);
		} else if (it->end > end) {
			*it = rest;
			i++;
		} else {
			mapping_count--;
			memmove(it, it + 1, (mapping_count - i) * sizeof(*it));
		}
	}
}

static uintptr_t page_end(uintptr_t address)
{
	static uintptr_t page;

	if (!page)
		page = (uintptr_t)sysconf(_SC_PAGESIZE);
	return (address + page - 1) / page * page;
}

void place_unmap(void *address, size_t length)
{
	if (!length || !take())
		return;
	cut((uintptr_t)address, page_end((uintptr_t)address + length));
	count_change();
	give();
}

void place_map_segment(void *address, size_t length, uint32_t segment, uint64_t offset)
{
	uintptr_t start = (uintptr_t)address, end = page_end(start + length);

	if (!length || !take())
		return;
	cut(start, end);
	insert(first_behind(start), (struct mapping){start, end, offset, segment, true});
	count_change();
	give();
}

/* A file that has another's number, because that one is gone, was born later. */
static uint64_t birth_of(int fd)
{
#ifdef STATX_BTIME
	struct statx status;

	if (!REAL(syscall)(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BTIME, &status) &&
	    status.stx_mask & STATX_BTIME)
		return (uint64_t)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
#else
	(void)fd;
#endif
	return 0;
}

static void name_of(int fd, char *name, size_t room)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, name, room - 1);

	name[length < 0 ? 0 : length] = 0;
}

bool place_identify(int fd, struct segment_identity *identity, char *name, size_t room)
{
	struct stat status;

	if (fstat(fd, &status))
		return false;
	if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 5)) {
		*identity = (struct segment_identity){SEGMENT_ANONYMOUS, 0, world_fresh()};
		snprintf(name, room, "/dev/zero");
		return true;
	}
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode) && !S_ISCHR(status.st_mode))
		return false;
	*identity = (struct segment_identity){SEGMENT_FILE, status.st_dev,
					      status.st_ino ^ birth_of(fd) * 0x9e3779b97f4a7c15};
	name_of(fd, name, room);
	return true;
}
