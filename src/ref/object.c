/* SPDX-License-Identifier: MIT */
#include "ref/object.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ref/loss.h"
#include "ref/step.h"

/* -- the life of an object -------------------------------------------------------------------- */

/* A file in the directory of this path: without a name, or under one that nobody looks for. */
int object_begin(int directory, const char *path, mode_t mode, char name[PATH_MAX])
{
	static _Atomic unsigned number;
	const char *slash = strrchr(path, '/');
	int length = slash ? (int)(slash - path) + 1 : 0, fd;

	*name = '\0';
#ifdef O_TMPFILE
	char parent[PATH_MAX];

	/* without /proc it could not be given a name */
	if (access("/proc/self/fd", X_OK) == 0) {
		snprintf(parent, sizeof(parent), "%.*s.", length, path);
		fd = FAULT("object/begin/open", EMFILE, ENFILE, ENOSPC, ENOMEM, EOPNOTSUPP)
			     ? -1
			     : openat(directory, parent, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
		if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
			return fd;
	}
#endif
	do {
		snprintf(name, PATH_MAX, "%.*s.new-%ld-%u", length, path, (long)getpid(), ++number);
		fd = FAULT("object/begin/create", EMFILE, ENFILE, ENOSPC, ENOMEM)
			     ? -1
			     : openat(directory, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
	} while (fd < 0 && errno == EEXIST);
	return fd;
}

/* Gives the file its name, if there is no other of that name. */
bool object_name(int fd, const char *nameless, int directory, const char *path)
{
	bool is_named = false;
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (FAULT("object/name/link", ENOSPC, ENOMEM))
		return false;
	if (*nameless)
		is_named = linkat(directory, nameless, directory, path, 0) == 0;
	else
		is_named = linkat(AT_FDCWD, self, directory, path, AT_SYMLINK_FOLLOW) == 0;
	if (is_named)
		STEP("object/name/linked");
	return is_named;
}

mode_t object_widened(mode_t mode)
{
	for (int class = 0; class < 9; class += 3)
		if (mode & (06 << class))
			mode |= 06 << class;
	return mode;
}

int object_allocate(int fd, off_t offset, off_t size)
{
	int error;

	if (FAULT("object/allocate/room", ENOSPC))
		return errno;
	do
		error = posix_fallocate(fd, offset, size);
	while (error == EINTR);
	return error;
}

static void *map_shared(int fd, size_t size)
{
	if (FAULT("object/map/memory", ENOMEM))
		return MAP_FAILED;
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

bool object_write(int fd, enum object_kind kind, size_t size, mode_t mode,
		  void (*make)(struct object *object, const void *wish), const void *wish)
{
	/* the pages must be there, for a full file system would kill who touches them later */
	int error = object_allocate(fd, 0, (off_t)size);

	if (error) {
		errno = error;
		return false;
	}
	void *place = map_shared(fd, size);
	if (place == MAP_FAILED)
		return false;
	struct object *object = place;

	object->magic = OBJECT_MAGIC;
	object->layout = OBJECT_LAYOUT;
	object->kind = kind;
	object->mode = mode;
	if (make)
		make(object, wish);
	munmap(place, size);
	return true;
}

bool object_lessen(int fd, mode_t *mode)
{
	struct stat status;

	if (FAULT("object/create/stat", ENOMEM) || fstat(fd, &status) < 0)
		return false;
	*mode = status.st_mode & 0777;
	return true;
}

bool object_widen(int fd, mode_t mode)
{
	return !FAULT("object/create/mode", ENOMEM) && fchmod(fd, object_widened(mode)) == 0;
}

static int create(const char *path, bool is_nameless, enum object_kind kind, size_t size,
		  mode_t mode, bool is_exact, void (*make)(struct object *object, const void *wish),
		  const void *wish)
{
	char nameless[PATH_MAX];
	int fd = object_begin(AT_FDCWD, path, mode, nameless);

	if (fd < 0)
		return -1;
	bool is_made = (is_exact || object_lessen(fd, &mode)) && object_widen(fd, mode) &&
		       object_write(fd, kind, size, mode, make, wish) &&
		       (is_nameless || object_name(fd, nameless, AT_FDCWD, path));
	int error = errno;

	if (*nameless)
		unlink(nameless);
	if (!is_made) {
		close(fd);
		fd = -1;
	}
	errno = error;
	return fd;
}

int object_create(const char *path, bool is_nameless, enum object_kind kind, size_t size,
		  mode_t mode, void (*make)(struct object *object, const void *wish),
		  const void *wish)
{
	return create(path, is_nameless, kind, size, mode, false, make, wish);
}

int object_create_exactly(const char *path, bool is_nameless, enum object_kind kind, size_t size,
			  mode_t mode, void (*make)(struct object *object, const void *wish),
			  const void *wish)
{
	return create(path, is_nameless, kind, size, mode, true, make, wish);
}

/* As much of a longer journal as there is room for behind the head, whatever the object says. */
static uint32_t more_words(const struct mapping *mapping)
{
	uint32_t words = *(volatile uint32_t *)&mapping->object->more_words;

	if (mapping->size < sizeof(struct object) || mapping->size % _Alignof(struct old_word) ||
	    words > (mapping->size - sizeof(struct object)) / sizeof(struct old_word))
		return 0;
	return words;
}

bool object_map_head(struct mapping *mapping, int fd, enum object_kind kind, size_t least,
		     size_t most)
{
	struct stat status;

	if (FAULT("object/map/stat", ENOMEM) || fstat(fd, &status) < 0)
		return false;
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)least) {
		errno = EINVAL;
		return false;
	}
	size_t size = (uintmax_t)status.st_size < most ? (size_t)status.st_size : most;
	void *place = map_shared(fd, size);
	if (place == MAP_FAILED)
		return false;

	mapping->size = size;
	mapping->object = place;
	mapping->watched = loss_watch(place, size);
	mapping->more_words = more_words(mapping);
	if (mapping->object->magic == OBJECT_MAGIC && mapping->object->layout == OBJECT_LAYOUT &&
	    mapping->object->kind == (uint32_t)kind)
		return true;
	object_unmap(mapping);
	errno = EINVAL;
	return false;
}

bool object_map(struct mapping *mapping, int fd, enum object_kind kind, size_t least)
{
	return object_map_head(mapping, fd, kind, least, SIZE_MAX);
}

void object_unmap(struct mapping *mapping)
{
	int saved = errno;

	loss_forget(mapping->watched);
	munmap(mapping->object, mapping->size);
	mapping->object = NULL;
	errno = saved;
}

bool is_in_group(gid_t gid)
{
	gid_t groups[256];
	int count = getgroups(256, groups);

	for (int i = 0; i < count; i++)
		if (groups[i] == gid)
			return true;
	return gid == getegid();
}

bool object_permits(mode_t mode, uid_t uid, gid_t gid, unsigned bits)
{
	unsigned class = geteuid() == uid ? 6 : is_in_group(gid) ? 3 : 0;

	return geteuid() == 0 || (mode >> class & bits) == bits;
}

/* -- changes ---------------------------------------------------------------------------------- */

void mapping_undo(struct mapping *mapping)
{
	struct object *object = mapping->object;
	uint32_t count = atomic_load(&object->journal_count);

	if (count > JOURNAL_WORDS + mapping->more_words)
		count = JOURNAL_WORDS + mapping->more_words;
	while (count--) {
		const struct old_word old = *old_word_at(mapping, count);

		/* of the head, no word is ever kept: a peer would have the lock changed */
		if (old.size <= sizeof(old.value) && old.offset >= sizeof(*object) &&
		    old.offset <= mapping->size - old.size)
			memcpy((char *)object + old.offset, &old.value, old.size);
		STEP("object/undo/word");
	}
	mapping_commit(mapping);
}

void mapping_commit(struct mapping *mapping)
{
	atomic_store_explicit(&mapping->object->journal_count, 0, memory_order_release);
	STEP("object/commit/done");
}

static void repair(struct mapping *mapping)
{
	mapping_undo(mapping);
	if (mapping->repair)
		mapping->repair(mapping);
}

void mapping_lock(struct mapping *mapping)
{
	bell_begin(mapping);
	if (!lock_take(&mapping->object->lock))
		repair(mapping);
}

void mapping_lock_again(struct mapping *mapping)
{
	if (!lock_take_again(&mapping->object->lock))
		repair(mapping);
}

void mapping_unlock_to_sleep(struct mapping *mapping)
{
	mapping_commit(mapping);
	lock_drop_to_sleep(&mapping->object->lock);
}

void mapping_unlock(struct mapping *mapping)
{
	mapping_commit(mapping);
	lock_drop_among_sleepers(&mapping->object->lock);
}
