/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

/* sem_open takes two arguments more, if it is to create. */
static sem_t *posix_sem_open(const char *name, int flags, mode_t mode, unsigned value)
{
	return flags & O_CREAT ? sem_open(name, flags, mode, value) : sem_open(name, flags);
}

const struct sem_calls posix_sem = {
	.sem_init = sem_init,
	.sem_destroy = sem_destroy,
	.sem_open = posix_sem_open,
	.sem_close = sem_close,
	.sem_unlink = sem_unlink,
	.sem_wait = sem_wait,
	.sem_trywait = sem_trywait,
	.sem_timedwait = sem_timedwait,
#ifdef HAVE_SEM_CLOCKWAIT
	.sem_clockwait = sem_clockwait,
#endif
	.sem_post = sem_post,
	.sem_getvalue = sem_getvalue,
	.mmap = mmap,
	.munmap = munmap,
};
