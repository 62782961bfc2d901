/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stage/perform.h"

/* The outcome's value is the address; -1: none. */
static bool outcome_is_address(outcome *out, const void *address)
{
	if (!outcome_is(out, address == MAP_FAILED ? -1 : (long long)(intptr_t)address))
		return false;
	out->n[0] = (long long)(uintptr_t)address;
	return true;
}

/* A CALL whose function returns an address, (void *)-1 on failure. */
#define CALL_ADDRESS(function, ...)                                                                \
	(impl->shm && impl->shm->function                                                          \
		 ? (errno = 0, outcome_is_address(out, impl->shm->function(__VA_ARGS__)))          \
		 : outcome_lacks(out, "shm." #function))

static unsigned char *place(const char *handle, long long offset)
{
	/* where a handle led to there may be nothing now, and the sum may be no address at all */
	return (unsigned char *)((uintptr_t)handle_pointer(handle) + (uintptr_t)offset);
}

/* -- segments --------------------------------------------------------------------------------- */

static int id_of(const op *o)
{
	return (int)handle_number(o->handle);
}

PERFORM(shm, key)
{
	CALL(shm, ftok, path_of(o->handle), (int)o->n[0]);
}

PERFORM(shm, get)
{
	if (CALL(shm, shmget, key_of(o->handle), (size_t)o->n[0], (int)o->n[1]))
		set_handle(o->handle, out->value, NULL);
}

PERFORM(shm, make_private)
{
	if (!CALL(shm, shmget, IPC_PRIVATE, (size_t)o->n[0], (int)o->n[1] | IPC_CREAT))
		return;
	keep_private(PRIVATE_SEGMENT, (int)out->value);
	set_handle(o->handle, out->value, NULL);
}

PERFORM(shm, pretend)
{
	set_handle(o->handle, o->n[0], NULL);
	outcome_is(out, 0);
}

PERFORM(shm, attach)
{
	if (CALL_ADDRESS(shmat, id_of(o), NULL, (int)o->n[0]))
		set_handle(o->other, 0, (void *)(intptr_t)out->value);
}

PERFORM(shm, attach_at)
{
	if (CALL_ADDRESS(shmat, id_of(o), place(o->other, o->n[0]), (int)o->n[1]))
		set_handle(o->other, 0, (void *)(intptr_t)out->value);
}

PERFORM(shm, detach)
{
	CALL(shm, shmdt, handle_pointer(o->handle));
}

PERFORM(shm, detach_at)
{
	CALL(shm, shmdt, place(o->handle, o->n[0]));
}

PERFORM(shm, remove)
{
	CALL(shm, shmctl, id_of(o), IPC_RMID, NULL);
}

PERFORM(shm, stat)
{
	struct {
		struct shmid_ds data;
		unsigned char guard[64];
	} answer;

	memset(&answer, POISON, sizeof(answer));
	if (!CALL(shm, shmctl, id_of(o), IPC_STAT, &answer.data))
		return;
	for (size_t i = 0; i < sizeof(answer.guard); i++)
		must_be(answer.guard[i], POISON);
	out->n[SEGMENT_SIZE] = (long long)answer.data.shm_segsz;
	out->n[SEGMENT_NATTCH] = (long long)answer.data.shm_nattch;
	out->n[SEGMENT_CPID] = (long long)answer.data.shm_cpid;
	out->n[SEGMENT_LPID] = (long long)answer.data.shm_lpid;
	out->n[SEGMENT_MODE] = (long long)answer.data.shm_perm.mode;
	out->n[SEGMENT_UID] = (long long)answer.data.shm_perm.uid;
	out->n[SEGMENT_GID] = (long long)answer.data.shm_perm.gid;
	out->n[SEGMENT_CUID] = (long long)answer.data.shm_perm.cuid;
	out->n[SEGMENT_CGID] = (long long)answer.data.shm_perm.cgid;
	out->n[SEGMENT_ATIME] = (long long)answer.data.shm_atime;
	out->n[SEGMENT_DTIME] = (long long)answer.data.shm_dtime;
	out->n[SEGMENT_CTIME] = (long long)answer.data.shm_ctime;
}

PERFORM(shm, field)
{
	perform_shm_stat(o, out);
	if (!out->error)
		out->value = out->n[o->n[0]];
}

PERFORM(shm, nattch)
{
	perform_shm_stat(o, out);
	if (!out->error)
		out->value = out->n[SEGMENT_NATTCH];
}

PERFORM(shm, set)
{
	struct shmid_ds data;

	memset(&data, POISON, sizeof(data));
	data.shm_perm.uid = (uid_t)o->n[0];
	data.shm_perm.gid = (gid_t)o->n[1];
	data.shm_perm.mode = (mode_t)o->n[2];
	CALL(shm, shmctl, id_of(o), IPC_SET, &data);
}

PERFORM(shm, control)
{
	struct shmid_ds data = {0};

	CALL(shm, shmctl, id_of(o), (int)o->n[0], &data);
}

/* -- objects, files and memfds ---------------------------------------------------------------- */

PERFORM(shm, open)
{
	if (CALL(shm, shm_open, name_of(o->handle), (int)o->n[0], (mode_t)o->n[1]))
		set_handle(o->handle, out->value, NULL);
}

PERFORM(shm, open_mode)
{
	perform_shm_open(o, out);
}

PERFORM(shm, unlink)
{
	CALL(shm, shm_unlink, name_of(o->handle));
}

PERFORM(shm, open_file)
{
	if (CALL(shm, open, path_of(o->handle), (int)o->n[0], (mode_t)o->n[1]))
		set_handle(o->handle, out->value, NULL);
}

PERFORM(shm, memfd)
{
	if (CALL(shm, memfd_create, o->handle, (unsigned)o->n[0]))
		set_handle(o->handle, out->value, NULL);
}

PERFORM(shm, resize)
{
	CALL(shm, ftruncate, handle_fd(o->handle), (off_t)o->n[0]);
}

PERFORM(shm, reserve)
{
	CALL_ERROR(shm, posix_fallocate, handle_fd(o->handle), 0, (off_t)o->n[0]);
}

PERFORM(shm, allocate)
{
	CALL(shm, fallocate, handle_fd(o->handle), 0, (off_t)o->n[0], (off_t)o->n[1]);
}

/* FALLOC_FL_* are Linux's: elsewhere there's no fallocate to give them to. */
PERFORM(shm, punch)
{
#ifdef FALLOC_FL_PUNCH_HOLE
	CALL(shm, fallocate, handle_fd(o->handle), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	     (off_t)o->n[0], (off_t)o->n[1]);
#else
	outcome_lacks(out, "shm.fallocate");
#endif
}

PERFORM(shm, change_mode)
{
	CALL(shm, fchmod, handle_fd(o->handle), (mode_t)o->n[0]);
}

PERFORM(shm, change_owner)
{
	CALL(shm, fchown, handle_fd(o->handle), (uid_t)o->n[0], (gid_t)o->n[1]);
}

/* False: there's no status, and the outcome says why. */
static bool ask_status(const op *o, outcome *out, struct stat *status)
{
	memset(status, POISON, sizeof(*status));
	return CALL(fd, fstat, handle_fd(o->handle), status) && out->value == 0;
}

PERFORM(shm, size)
{
	struct stat status;

	if (ask_status(o, out, &status))
		out->value = (long long)status.st_size;
}

PERFORM(shm, mode)
{
	struct stat status;

	if (ask_status(o, out, &status))
		out->value = (long long)(status.st_mode & 07777);
}

PERFORM(shm, owner)
{
	struct stat status;

	if (ask_status(o, out, &status))
		out->value = (long long)status.st_uid;
}

/* -- mappings --------------------------------------------------------------------------------- */

static void map(const op *o, outcome *out, int fd, int protection, int flags, long long offset)
{
	if (CALL_ADDRESS(mmap, NULL, (size_t)o->n[0], protection, flags, fd, (off_t)offset))
		set_handle(o->other, o->n[0], (void *)(intptr_t)out->value);
}

PERFORM(shm, map)
{
	map(o, out, handle_fd(o->handle), PROT_READ | PROT_WRITE, MAP_SHARED, 0);
}

PERFORM(shm, map_with)
{
	map(o, out, handle_fd(o->handle), (int)o->n[1], (int)o->n[2], o->n[3]);
}

PERFORM(shm, map_anonymous)
{
	map(o, out, -1, PROT_READ | PROT_WRITE, (int)o->n[1] | MAP_ANONYMOUS, 0);
}

PERFORM(shm, map_at)
{
	CALL_ADDRESS(mmap, place(o->other, o->n[0]), (size_t)o->n[1], PROT_READ | PROT_WRITE,
		     (int)o->n[2], handle_fd(o->handle), 0);
}

PERFORM(shm, unmap)
{
	CALL(shm, munmap, place(o->handle, o->n[0]), (size_t)o->n[1]);
}

PERFORM(shm, protect)
{
	CALL(shm, mprotect, place(o->handle, o->n[0]), (size_t)o->n[1], (int)o->n[2]);
}

PERFORM(shm, sync)
{
	CALL(shm, msync, place(o->handle, o->n[0]), (size_t)o->n[1], (int)o->n[2]);
}

PERFORM(shm, remap)
{
#ifdef MREMAP_MAYMOVE
	if (CALL_ADDRESS(mremap, place(o->handle, 0), (size_t)o->n[0], (size_t)o->n[1],
			 MREMAP_MAYMOVE, NULL))
		set_handle(o->handle, o->n[1], (void *)(intptr_t)out->value);
#else
	outcome_lacks(out, "shm.mremap");
#endif
}

PERFORM(shm, remap_with)
{
#ifdef MREMAP_MAYMOVE
	void *to = o->n[2] & MREMAP_FIXED ? handle_pointer(o->other) : NULL;

	if (CALL_ADDRESS(mremap, place(o->handle, 0), (size_t)o->n[0], (size_t)o->n[1],
			 (int)o->n[2], to))
		set_handle(o->other, o->n[1], (void *)(intptr_t)out->value);
#else
	outcome_lacks(out, "shm.mremap");
#endif
}

PERFORM(shm, advise)
{
	CALL(shm, madvise, place(o->handle, 0), (size_t)o->n[0], (int)o->n[1]);
}

PERFORM(shm, posix_advise)
{
	CALL_ERROR(shm, posix_madvise, place(o->handle, 0), (size_t)o->n[0], (int)o->n[1]);
}

PERFORM(shm, lock_pages)
{
	CALL(shm, mlock, place(o->handle, o->n[0]), (size_t)o->n[1]);
}

PERFORM(shm, unlock_pages)
{
	CALL(shm, munlock, place(o->handle, o->n[0]), (size_t)o->n[1]);
}

/* -- memory ----------------------------------------------------------------------------------- */

PERFORM(shm, write)
{
	memcpy(place(o->handle, o->n[0]), o->bytes, o->size);
	outcome_is(out, 0);
}

PERFORM(shm, read)
{
	memcpy(out->bytes, place(o->handle, o->n[0]), (size_t)o->n[1]);
	outcome_is(out, o->n[1]);
	outcome_has_bytes(out, (size_t)o->n[1]);
}

PERFORM(shm, is_zero)
{
	const unsigned char *bytes = place(o->handle, o->n[0]);
	long long i = 0;

	while (i < o->n[1] && bytes[i] == 0)
		i++;
	outcome_is(out, i == o->n[1]);
}

static volatile uint32_t *number_at(const op *o)
{
	return (volatile uint32_t *)(void *)place(o->handle, o->n[0]);
}

PERFORM(shm, load)
{
	outcome_is(out, *number_at(o));
}

PERFORM(shm, store)
{
	*number_at(o) = (uint32_t)o->n[1];
	outcome_is(out, 0);
}

PERFORM(shm, increment)
{
	uint32_t value = *number_at(o);

	*number_at(o) = value + 1;
	outcome_is(out, 0);
}

PERFORM(shm, add)
{
	_Atomic(uint32_t) *number = (void *)place(o->handle, o->n[0]);

	outcome_is(out, atomic_fetch_add(number, (uint32_t)o->n[1]));
}

/* -- removal ---------------------------------------------------------------------------------- */

unsigned remove_shm(const char *name)
{
	return impl->shm && impl->shm->shm_unlink && impl->shm->shm_unlink(name) == 0;
}

static bool has_segments(void)
{
	return impl->shm && impl->shm->shmget && impl->shm->shmctl;
}

unsigned remove_segment_key(key_t key)
{
	int id = has_segments() ? impl->shm->shmget(key, 0, 0) : -1;

	return id >= 0 && impl->shm->shmctl(id, IPC_RMID, NULL) == 0;
}

/* Somebody else's by now, perhaps: only what has no key and is this user's. */
static bool may_be_ours(int id)
{
	struct shmid_ds data;

	return impl->shm->shmctl(id, IPC_STAT, &data) == 0 && data.shm_perm.__key == IPC_PRIVATE &&
	       data.shm_perm.uid == geteuid();
}

unsigned remove_segment(int id, bool is_ours_for_sure)
{
	if (!has_segments() || (!is_ours_for_sure && !may_be_ours(id)))
		return 0;
	return impl->shm->shmctl(id, IPC_RMID, NULL) == 0;
}
