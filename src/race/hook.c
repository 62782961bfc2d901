/* SPDX-License-Identifier: MIT */
/*
 * Where the reference lets others go first: at its points (ref/step.h), wherever it sleeps on a
 * futex, wakes, or gives its processor away, and before it asks the kernel for something that
 * others may see.  The program is linked with --wrap for each function that has a __wrap_ here.
 */
#include "race/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "race/turns.h"
#include "ref/step.h"
#include "sched/arguments.h"
#include "sched/noise.h"

/* As <linux/futex.h> has it, which not every libc comes with. */
enum {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_REQUEUE = 3,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET = 10,
	FUTEX_COMMAND = 127,
	FUTEX_TID_MASK = 0x3fffffff,
};
struct waited_for {
	uint64_t value, address;
	uint32_t flags, reserved;
};

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_sched_yield(void);
int __wrap_sched_yield(void);
void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t length);
int __wrap_munmap(void *address, size_t length);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_linkat(int from, const char *path, int to, const char *other, int flags);
int __wrap_linkat(int from, const char *path, int to, const char *other, int flags);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);

/* -- places ----------------------------------------------------------------------------------- */

/* A shared mapping of this process, as it was the last time that one had to look. */
struct mapped {
	uintptr_t begin, end;
	uint64_t file, offset;
};
enum { MAPPED_MAX = 256 };
static struct mapped mapped[MAPPED_MAX];
static size_t mapped_count;
static bool is_known; /* there are no others */

/* Before a call that others may see the effect of. */
static void before(const char *call)
{
	if (turns_are_on())
		turns_point(OPERATION_STEP, 1, call);
}

void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	before("mmap");
	is_known = false;
	return __real_mmap(address, length, protection, flags, fd, offset);
}

int __wrap_munmap(void *address, size_t length)
{
	before("munmap");
	is_known = false;
	return __real_munmap(address, length);
}

static void look_at_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	mapped_count = 0;
	while (maps && mapped_count < MAPPED_MAX && fgets(line, sizeof(line), maps)) {
		unsigned long long begin, end, offset, node;
		unsigned major, minor;
		char rights[8];

		if (sscanf(line, "%llx-%llx %7s %llx %x:%x %llu", &begin, &end, rights, &offset,
			   &major, &minor, &node) == 7 &&
		    rights[3] == 's')
			mapped[mapped_count++] =
				(struct mapped){(uintptr_t)begin, (uintptr_t)end,
						node << 16 ^ (uint64_t)major << 8 ^ minor, offset};
	}
	if (maps)
		fclose(maps);
	is_known = true;
}

static const struct mapped *find_mapping(uintptr_t address)
{
	for (size_t i = 0; i < mapped_count; i++)
		if (mapped[i].begin <= address && address < mapped[i].end)
			return &mapped[i];
	return NULL;
}

static uint64_t key_of_file(const struct mapped *mapping)
{
	return mapping->file * UINT64_C(0x9e3779b97f4a7c15);
}

/* The same for all processes, wherever they have it; 0: it isn't shared. */
static uint64_t key_of(const void *address)
{
	if (!is_known)
		look_at_mappings();

	const struct mapped *mapping = find_mapping((uintptr_t)address);
	if (!mapping)
		return 0;
	return key_of_file(mapping) ^ ((uintptr_t)address - mapping->begin + mapping->offset);
}

/* Where this process has it; NULL: nowhere. */
static void *address_of(uint64_t key)
{
	for (size_t i = 0; i < mapped_count; i++) {
		uint64_t within = (key_of_file(&mapped[i]) ^ key) - mapped[i].offset;

		if (within < mapped[i].end - mapped[i].begin)
			return (void *)(mapped[i].begin + (uintptr_t)within);
	}
	return NULL;
}

/* -- files ------------------------------------------------------------------------------------ */

int __wrap_open(const char *path, int flags, ...)
{
	va_list rest;

	va_start(rest, flags);
	unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, unsigned) : 0;
	va_end(rest);
	before("open");
	return __real_open(path, flags, mode);
}

int __wrap_linkat(int from, const char *path, int to, const char *other, int flags)
{
	before("linkat");
	return __real_linkat(from, path, to, other, flags);
}

int __wrap_unlink(const char *path)
{
	before("unlink");
	return __real_unlink(path);
}

int __wrap_close(int fd)
{
	before("close");
	return __real_close(fd);
}

/* Every argument of it is a number or a pointer. */
int __wrap_fcntl(int fd, int command, ...)
{
	va_list rest;

	va_start(rest, command);
	long argument = va_arg(rest, long);
	va_end(rest);
	before("fcntl");
	return __real_fcntl(fd, command, argument);
}

/* -- futexes ---------------------------------------------------------------------------------- */

static long fail_with(int error)
{
	errno = error;
	return -1;
}

/* The later of two moments is the greater of two numbers, whatever clock they are of. */
static int64_t number_of(const long *moment)
{
	return moment ? moment[0] * INT64_C(1000000000) + moment[1] : -1;
}

bool race_hook_is_orphan(uint64_t key)
{
	if (!is_known)
		look_at_mappings();
	const _Atomic uint32_t *word = address_of(key);

	return !word || !(*word & FUTEX_TID_MASK);
}

static long sleep_on(_Atomic uint32_t *word, uint32_t value, uint64_t key, const long *moment)
{
	turns_point(OPERATION_FUTEX_WAIT, key, "is about to sleep");
	if (atomic_load(word) != value)
		return fail_with(EAGAIN);
	return turns_sleep(key, number_of(moment), "sleeps") ? 0 : fail_with(ETIMEDOUT);
}

static long rouse(uint64_t key, unsigned count)
{
	turns_point(OPERATION_FUTEX_WAKE, key, "is about to wake others");
	return turns_wake(key, count);
}

/* Wakes so many, and as many as other_count of the rest sleep for the other from then on. */
static long move(uint64_t key, unsigned count, uint64_t other, unsigned other_count)
{
	turns_point(OPERATION_FUTEX_WAKE, key, "is about to move sleepers");
	unsigned woken = turns_wake(key, count);
	return woken + turns_move(key, other_count, other);
}

#ifdef SYS_futex_waitv
/*
 * Whoever sleeps for any of several words looks again each time that any of them is woken for: it
 * sleeps for the first, and until time passes.
 */
static long sleep_on_any(const struct waited_for *words, unsigned count)
{
	turns_point(OPERATION_FUTEX_WAIT, 1, "is about to sleep for several");
	for (unsigned i = 0; i < count; i++)
		if (atomic_load((_Atomic uint32_t *)(uintptr_t)words[i].address) !=
		    (uint32_t)words[i].value)
			return fail_with(EAGAIN);
	turns_yield("looks at several");
	return fail_with(ETIMEDOUT);
}
#endif

/* *is_ours: it was done here. */
static long do_futex(const long argument[ARGUMENTS_MAX], bool *is_ours)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)argument[0];
	int command = (int)argument[1] & FUTEX_COMMAND;
	uint64_t key = key_of((const void *)word);

	*is_ours = key != 0;
	if (!*is_ours)
		return 0;
	switch (command) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return sleep_on(word, (uint32_t)argument[2], key, (const long *)argument[3]);
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
		return rouse(key, (unsigned)argument[2]);
	case FUTEX_REQUEUE:
		return move(key, (unsigned)argument[2], key_of((const void *)argument[4]),
			    (unsigned)argument[3]);
	default:
		*is_ours = false;
		return 0;
	}
}

long __wrap_syscall(long number, ...)
{
	va_list rest;
	long argument[ARGUMENTS_MAX], result;
	bool is_ours = false;

	va_start(rest, number);
	read_arguments(rest, argument);
	va_end(rest);
	if (turns_are_on()) {
#ifdef SYS_futex
		if (number == SYS_futex) {
			result = do_futex(argument, &is_ours);
			if (is_ours)
				return result;
		}
#endif
#ifdef SYS_futex_waitv
		if (number == SYS_futex_waitv)
			return sleep_on_any((const struct waited_for *)argument[0],
					    (unsigned)argument[1]);
#endif
	}
	return __real_syscall(number, ARGUMENTS(argument));
}

int __wrap_sched_yield(void)
{
	if (!turns_are_on())
		return __real_sched_yield();
	turns_yield("lets others go");
	return 0;
}

/* What the points call. */
struct ipcref_hook ipcref_hook;

/* -- points ----------------------------------------------------------------------------------- */

static uint64_t noise; /* 0: there is none */
static bool at_accesses;

static void make_noise(void)
{
	struct timespec delay;

	if (!noise_comes(&noise, &delay))
		return;
	if (delay.tv_nsec)
		nanosleep(&delay, NULL);
	else
		__real_sched_yield();
}

void race_step(const char *what)
{
	int error = errno;

	if (turns_are_on())
		turns_point(OPERATION_STEP, 1, what);
	else if (noise)
		make_noise();
	errno = error;
}

static void memory_step(volatile void *place, size_t size, const char *what)
{
	int error = errno;

	if (!turns_are_on())
		race_step(what);
	else if (size)
		turns_store((void *)place, size, key_of((void *)place), what);
	else
		turns_load(key_of((void *)place), what);
	errno = error;
}

void race_stores(volatile void *place, size_t size)
{
	memory_step(place, size, "stores");
}

void race_loads(const volatile void *place)
{
	memory_step((volatile void *)place, 0, "loads");
}

/* A point of the reference, unless each of its accesses is one. */
static void step(const char *point)
{
	if (!at_accesses || !turns_are_on())
		race_step(point);
}

void race_access(const void *address, unsigned access, const void *pc)
{
	static const char *const names[] = {
		[ACCESS_READ] = "reads",
		[ACCESS_WRITE] = "writes",
		[ACCESS_READ | ACCESS_WRITE] = "updates",
	};

	if (!at_accesses || !turns_are_on())
		return;
	uint64_t key = key_of(address);
	if (key)
		turns_access(key | 7, access, names[access], pc); /* of eight bytes at once */
}

/* Whoever goes one at a time is in order. */
void race_order_before(const void *address, int order)
{
	(void)address;
	(void)order;
}

void race_order_after(const void *address, int order)
{
	(void)address;
	(void)order;
}

void race_hook_points(bool is_at_accesses, uint64_t noise_seed)
{
	at_accesses = is_at_accesses;
	noise = noise_seed;
	ipcref_hook.step = step;
}
