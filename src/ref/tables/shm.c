/* SPDX-License-Identifier: MIT */
/*
 * Segments and the names of objects are the reference's.  Mappings, memfds, and what is done to
 * pages and files are the platform's: they are how the reference itself shares memory.
 */
#include "ref/tables/tables.h"

#include <unistd.h>

#include "ref/ipcref.h"

static int open_file(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

#ifdef MREMAP_MAYMOVE
static void *remap(void *address, size_t size, size_t new_size, int flags, void *to)
{
	return mremap(address, size, new_size, flags, to);
}
#endif

const struct shm_calls ref_shm = {
	.shmget = ipcref_shmget,
	.shmat = ipcref_shmat,
	.shmdt = ipcref_shmdt,
	.shmctl = ipcref_shmctl,
	.shm_open = ipcref_shm_open,
	.shm_unlink = ipcref_shm_unlink,
	/* the platform's */
	.open = open_file,
	.ftruncate = ftruncate,
#ifdef MFD_HUGETLB /* of <sys/mman.h>, which has the function then */
	.memfd_create = memfd_create,
#endif
	.mmap = ipcref_mmap,
	.munmap = munmap,
	.mprotect = mprotect,
	.msync = msync,
#ifdef MREMAP_MAYMOVE
	.mremap = remap,
#endif
	.madvise = madvise,
	.posix_madvise = posix_madvise,
#ifndef SANITIZED_ADDRESSES
	.mlock = mlock,
	.munlock = munlock,
#endif
	.posix_fallocate = posix_fallocate,
#ifdef __linux__
	.fallocate = fallocate,
#endif
	.fchmod = fchmod,
	.fchown = fchown,
	.ftok = ftok,
};
