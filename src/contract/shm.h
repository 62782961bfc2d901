/* SPDX-License-Identifier: MIT */
/*
 * Shared memory of all kinds: segments (System V), objects (POSIX), mapped files, anonymous
 * mappings and memfds.
 */
#ifndef IPCTS_CONTRACT_SHM_H
#define IPCTS_CONTRACT_SHM_H

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/types.h>

/* AddressSanitizer has functions that do nothing in the place of mlock and its kin. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED_ADDRESSES
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED_ADDRESSES
#endif
#endif

struct shm_calls {
	int (*shmget)(key_t key, size_t size, int flags);
	void *(*shmat)(int id, const void *address, int flags);
	int (*shmdt)(const void *address);
	int (*shmctl)(int id, int command, struct shmid_ds *data);
	int (*shm_open)(const char *name, int flags, mode_t mode);
	int (*shm_unlink)(const char *name);
	int (*open)(const char *path, int flags, mode_t mode);
	int (*ftruncate)(int fd, off_t size);
	int (*memfd_create)(const char *name, unsigned flags);
	void *(*mmap)(void *address, size_t size, int protection, int flags, int fd, off_t offset);
	int (*munmap)(void *address, size_t size);
	int (*mprotect)(void *address, size_t size, int protection);
	int (*msync)(void *address, size_t size, int flags);
	void *(*mremap)(void *address, size_t size, size_t new_size, int flags, void *to);
	int (*madvise)(void *address, size_t size, int advice);
	int (*posix_madvise)(void *address, size_t size, int advice); /* an error number */
	int (*mlock)(const void *address, size_t size);
	int (*munlock)(const void *address, size_t size);
	int (*posix_fallocate)(int fd, off_t offset, off_t size); /* an error number */
	int (*fallocate)(int fd, int mode, off_t offset, off_t size);
	int (*fchmod)(int fd, mode_t mode);
	int (*fchown)(int fd, uid_t uid, gid_t gid);
	key_t (*ftok)(const char *path, int id);
};

/* What shm.field asks of a segment's shmid_ds, and the numbers of shm.stat's outcome. */
enum segment_field {
	SEGMENT_SIZE,
	SEGMENT_NATTCH,
	SEGMENT_CPID,
	SEGMENT_LPID,
	SEGMENT_MODE,
	SEGMENT_UID,
	SEGMENT_GID,
	SEGMENT_CUID,
	SEGMENT_CGID,
	SEGMENT_ATIME,
	SEGMENT_DTIME,
	SEGMENT_CTIME,
};

/* What headers older than their kernel lack. */
#if defined(__linux__)
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1U
#endif
#ifndef MFD_ALLOW_SEALING
#define MFD_ALLOW_SEALING 2U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC 16U
#endif
#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#define F_SEAL_SEAL 1
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW 4
#define F_SEAL_WRITE 8
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 32
#endif
#ifndef FALLOC_FL_PUNCH_HOLE
#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#define MADV_KEEPONFORK 19
#endif
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#endif

#endif
