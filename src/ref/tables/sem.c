/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include "ref/ipcref.h"

static sem_t *sem_open_all(const char *name, int flags, mode_t mode, unsigned value)
{
	return ipcref_sem_open(name, flags, mode, value);
}

const struct sem_calls ref_sem = {
	.sem_init = ipcref_sem_init,
	.sem_destroy = ipcref_sem_destroy,
	.sem_open = sem_open_all,
	.sem_close = ipcref_sem_close,
	.sem_unlink = ipcref_sem_unlink,
	.sem_wait = ipcref_sem_wait,
	.sem_trywait = ipcref_sem_trywait,
	.sem_timedwait = ipcref_sem_timedwait,
	.sem_clockwait = ipcref_sem_clockwait,
	.sem_post = ipcref_sem_post,
	.sem_getvalue = ipcref_sem_getvalue,
	.mmap = mmap,
	.munmap = munmap,
};
