/* SPDX-License-Identifier: MIT */
/* POSIX semaphores: each post comes before the waits that follow. */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "sched/channel.h"
#include "sched/clock.h"
#include "sched/model.h"
#include "sched/place.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

static void released(sem_t *sem)
{
	sync_release(sync_key_of(sem), SYNC_SEM);
}

static int acquired(sem_t *sem, int result)
{
	if (!result)
		sync_acquire(sync_key_of(sem), SYNC_SEM);
	return result;
}

WRAP(int, sem_post, (sem_t * sem))
{
	released(sem);
	return MODELLED ? model_sem_post(HERE, sem) : REAL(sem_post)(sem);
}

WRAP(int, sem_wait, (sem_t * sem))
{
	return acquired(sem, MODELLED ? model_sem_wait(HERE, sem, CLOCK_REALTIME, NULL)
				      : REAL(sem_wait)(sem));
}

WRAP(int, sem_trywait, (sem_t * sem))
{
	return acquired(sem, MODELLED ? model_sem_trywait(HERE, sem) : REAL(sem_trywait)(sem));
}

WRAP(int, sem_timedwait, (sem_t * sem, const struct timespec *until))
{
	return acquired(sem, MODELLED ? model_sem_wait(HERE, sem, CLOCK_REALTIME, until)
				      : REAL(sem_timedwait)(sem, until));
}

#ifdef HAVE_SEM_CLOCKWAIT
WRAP(int, sem_clockwait, (sem_t * sem, clockid_t clock, const struct timespec *until))
{
	return acquired(sem, MODELLED ? model_sem_wait(HERE, sem, clock, until)
				      : REAL(sem_clockwait)(sem, clock, until));
}
#endif

WRAP(int, sem_getvalue, (sem_t * sem, int *value))
{
	return MODELLED ? model_sem_getvalue(HERE, sem, value) : REAL(sem_getvalue)(sem, value);
}

/* ---- named ones: libc has mapped their memory ------------------------------------------------ */

/* What is mapped there, as the kernel tells it. */
static bool identify(const void *address, struct segment_identity *identity)
{
	FILE *maps = REAL(fopen)("/proc/self/maps", "re");
	char line[512];
	bool found = false;

	while (maps && !found && REAL(fgets)(line, sizeof(line), maps)) {
		unsigned long start, end, offset, inode;
		unsigned major_number, minor_number;

		if (sscanf(line, "%lx-%lx %*s %lx %x:%x %lu", &start, &end, &offset, &major_number,
			   &minor_number, &inode) != 6 ||
		    (uintptr_t)address < start || (uintptr_t)address >= end)
			continue;
		*identity = (struct segment_identity){SEGMENT_FILE,
						      makedev(major_number, minor_number), inode};
		found = true;
	}
	if (maps)
		REAL(fclose)(maps);
	return found;
}

sem_t *__real_sem_open(const char *name, int flags, ...);
sem_t *__wrap_sem_open(const char *name, int flags, ...);
sem_t *__wrap_sem_open(const char *name, int flags, ...)
{
	struct segment_identity identity;
	va_list rest;

	va_start(rest, flags);
	mode_t mode = flags & O_CREAT ? (mode_t)va_arg(rest, int) : 0;
	unsigned value = flags & O_CREAT ? va_arg(rest, unsigned) : 0;

	va_end(rest);
	if (flags & O_CREAT)
		name_given(name);
	sem_t *sem = EXPLORED ? model_sem_open(HERE, name, flags, mode, value)
			      : REAL(sem_open)(name, flags, mode, value);
	int saved = errno;
	struct place known;

	if (sem == SEM_FAILED)
		return sem;
	name_found(name);
	if (world && !place_of(sem, &known) && identify(sem, &identity))
		place_map_segment(sem, sizeof(*sem), world_segment(&identity, name), 0);
	errno = saved;
	return sem;
}

/* Opened several times it stays until it is closed as often, and its place does no harm. */
WRAP(int, sem_unlink, (const char *name))
{
	name_given(name);
	if (MODELLED)
		model_name_point(HERE, OPERATION_FILE_NAME, true);
	return EXPLORED ? model_removed(LEFTOVER_SEM_NAME, 0, name, REAL(sem_unlink)(name))
			: REAL(sem_unlink)(name);
}
