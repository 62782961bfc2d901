/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stage/perform.h"

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

unsigned remove_sem(const char *name)
{
	return impl->sem && impl->sem->sem_unlink && impl->sem->sem_unlink(name) == 0;
}

/* -- in memory -------------------------------------------------------------------------------- */

static bool map(const char *s, outcome *out)
{
	if (!impl->sem || !impl->sem->mmap)
		return outcome_lacks(out, "sem.mmap");
	errno = 0;

	void *page = impl->sem->mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return outcome_is(out, -1);
	set_handle(s, 0, page);
	return outcome_is(out, 0);
}

PERFORM(sem, map)
{
	map(o->handle, out);
}

PERFORM(sem, unmap)
{
	CALL(sem, munmap, handle_pointer(o->handle), page_size());
}

PERFORM(sem, init)
{
	CALL(sem, sem_init, handle_pointer(o->handle), (int)o->n[0], (unsigned)o->n[1]);
}

PERFORM(sem, destroy)
{
	CALL(sem, sem_destroy, handle_pointer(o->handle));
}

PERFORM(sem, make)
{
	if (map(o->handle, out))
		CALL(sem, sem_init, handle_pointer(o->handle), 1, (unsigned)o->n[0]);
}

PERFORM(sem, make_private)
{
	set_handle(o->handle, 0, calloc(1, sizeof(sem_t)));
	CALL(sem, sem_init, handle_pointer(o->handle), 0, (unsigned)o->n[0]);
}

/* -- by name ---------------------------------------------------------------------------------- */

static void open_sem(const char *s, int flags, long long mode, long long value, outcome *out)
{
	if (!impl->sem || !impl->sem->sem_open) {
		outcome_lacks(out, "sem.sem_open");
		return;
	}
	const char *name = name_of(s);
	errno = 0;

	sem_t *sem = impl->sem->sem_open(name, flags, (mode_t)mode, (unsigned)value);
	if (outcome_is(out, sem == SEM_FAILED ? -1 : 0))
		set_handle(s, 0, sem);
}

PERFORM(sem, open)
{
	open_sem(o->handle, 0, 0, 0, out);
}

PERFORM(sem, create)
{
	open_sem(o->handle, O_CREAT | O_EXCL, 0600, o->n[0], out);
}

PERFORM(sem, open_with)
{
	open_sem(o->handle, (int)o->n[0], o->n[1], o->n[2], out);
}

PERFORM(sem, close)
{
	CALL(sem, sem_close, handle_pointer(o->handle));
}

PERFORM(sem, unlink)
{
	CALL(sem, sem_unlink, name_of(o->handle));
}

PERFORM(sem, same)
{
	outcome_is(out, handle_pointer(o->handle) == handle_pointer(o->other));
}

/* -- counting --------------------------------------------------------------------------------- */

PERFORM(sem, wait)
{
	CALL(sem, sem_wait, handle_pointer(o->handle));
}

PERFORM(sem, trywait)
{
	CALL(sem, sem_trywait, handle_pointer(o->handle));
}

PERFORM(sem, timedwait)
{
	struct timespec deadline = from_now(CLOCK_REALTIME, o->n[0]);

	CALL(sem, sem_timedwait, handle_pointer(o->handle), &deadline);
	check_deadline(CLOCK_REALTIME, &deadline, out);
}

PERFORM(sem, timedwait_at)
{
	struct timespec deadline = {(time_t)o->n[0], (long)o->n[1]};

	CALL(sem, sem_timedwait, handle_pointer(o->handle), &deadline);
}

PERFORM(sem, clockwait)
{
	struct timespec deadline = from_now(CLOCK_MONOTONIC, o->n[0]);

	CALL(sem, sem_clockwait, handle_pointer(o->handle), CLOCK_MONOTONIC, &deadline);
	check_deadline(CLOCK_MONOTONIC, &deadline, out);
}

PERFORM(sem, post)
{
	CALL(sem, sem_post, handle_pointer(o->handle));
}

PERFORM(sem, value)
{
	int value;

	memset(&value, POISON, sizeof(value));
	if (CALL(sem, sem_getvalue, handle_pointer(o->handle), &value))
		out->value = value;
}
