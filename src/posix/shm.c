/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "posix/posix.h"

/* Functions with variable arguments. */
static int posix_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

#ifdef MREMAP_MAYMOVE
static void *posix_mremap(void *address, size_t size, size_t new_size, int flags, void *to)
{
	return mremap(address, size, new_size, flags, to);
}
#endif

const struct shm_calls posix_shm = {
	.shmget = shmget,
	.shmat = shmat,
	.shmdt = shmdt,
	.shmctl = shmctl,
	.shm_open = shm_open,
	.shm_unlink = shm_unlink,
	.open = posix_open,
	.ftruncate = ftruncate,
#ifdef MFD_HUGETLB /* of <sys/mman.h>, which has the function then */
	.memfd_create = memfd_create,
#endif
	.mmap = mmap,
	.munmap = munmap,
	.mprotect = mprotect,
	.msync = msync,
#ifdef MREMAP_MAYMOVE
	.mremap = posix_mremap,
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
