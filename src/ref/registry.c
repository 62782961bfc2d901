/* SPDX-License-Identifier: MIT */
#include "ref/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ref/namespace.h"
#include "ref/step.h"

struct place {
	int32_t key;
	uint32_t is_used;
	uint32_t sequence; /* how often the place has been used */
};

struct registry {
	struct object object;
	uint32_t bound; /* no place from here on has ever been used */
	struct place places[REGISTRY_PLACES];
	uint32_t making; /* the place whose file is just being made, from 1; 0: none */
};

enum { SEQUENCES = INT_MAX / REGISTRY_PLACES, MOST_TRIES = 8, MOST_TURNS = 1000 };

/* -- the registry ----------------------------------------------------------------------------- */

static const struct object_class registry_class = {
	.kind = OBJECT_REGISTRY,
	.least = sizeof(struct registry),
};

static int open_file(const char *path)
{
	if (FAULT("registry/file/open", EMFILE, ENFILE, ENOMEM))
		return -1;
	return open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
}

/* Everybody's, and made by the first who needs it. */
static bool open_registry(const struct ipc_class *class, struct mapping *mapping)
{
	char path[PATH_MAX];
	int fd;

	if (!namespace_path(path, class->name, "registry"))
		return false;
	do {
		fd = open_file(path);
		if (fd >= 0 || errno != ENOENT)
			break;
		fd = object_create_exactly(path, false, OBJECT_REGISTRY, sizeof(struct registry),
					   0666, NULL, NULL);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		return false;
	bool is_mapped = object_map(mapping, fd, OBJECT_REGISTRY, registry_class.least);
	int error = !is_mapped && errno == EINVAL ? EBADMSG : errno;

	close(fd);
	errno = error;
	if (is_mapped)
		mapping->repair = NULL;
	return is_mapped;
}

static void unlock(struct mapping *registry)
{
	mapping_unlock(registry);
	object_unmap(registry);
}

static struct place *places_of(const struct mapping *registry)
{
	return ((struct registry *)registry->object)->places;
}

static int bound_of(const struct mapping *registry)
{
	uint32_t bound = *(volatile uint32_t *)&((struct registry *)registry->object)->bound;

	return bound < REGISTRY_PLACES ? (int)bound : REGISTRY_PLACES;
}

static int id_at(int index, uint32_t sequence)
{
	return (int)(sequence % SEQUENCES) * REGISTRY_PLACES + index;
}

static int id_of(int index, const struct place *place)
{
	return id_at(index, *(const volatile uint32_t *)&place->sequence);
}

static bool path_of(const struct ipc_class *class, int id, char path[PATH_MAX])
{
	char name[16];

	snprintf(name, sizeof(name), "%d", id);
	return namespace_path(path, class->name, name);
}

static int find_key(const struct mapping *registry, key_t key)
{
	const struct place *places = places_of(registry);
	int bound = bound_of(registry);

	for (int i = 0; i < bound; i++)
		if (places[i].is_used && places[i].key == key)
			return i;
	return -1;
}

/* A place that is free, if there may be one object more; else -1. */
static int find_place(const struct ipc_class *class, const struct mapping *registry)
{
	const struct place *places = places_of(registry);
	int bound = bound_of(registry), found = bound < REGISTRY_PLACES ? bound : -1;
	unsigned count = 0;

	for (int i = bound - 1; i >= 0; i--) {
		if (places[i].is_used)
			count++;
		else
			found = i;
	}
	return count < class->most ? found : -1;
}

/* Who died when he had made a file, and not entered it, has left it behind. */
static void sweep(const struct ipc_class *class, struct mapping *registry)
{
	struct registry *r = (struct registry *)registry->object;
	uint32_t making = *(volatile uint32_t *)&r->making;
	char path[PATH_MAX];

	if (!making)
		return;
	if (making <= REGISTRY_PLACES && !r->places[making - 1].is_used) {
		uint32_t sequence = r->places[making - 1].sequence % SEQUENCES;

		for (uint32_t i = 0; i <= MOST_TRIES; i++)
			if (path_of(class, id_at((int)making - 1, sequence + i), path))
				unlink(path);
		STEP("registry/sweep/unlinked");
	}
	r->making = 0;
}

static void lock(const struct ipc_class *class, struct mapping *registry)
{
	mapping_lock(registry);
	sweep(class, registry);
}

/*
 * Who has removed an object and then could not open the registry, or died before, has left its
 * place in use.
 */
static void free_places(const struct ipc_class *class, struct mapping *registry)
{
	struct place *places = places_of(registry);
	int bound = bound_of(registry);
	char path[PATH_MAX];

	for (int i = 0; i < bound; i++) {
		if (!places[i].is_used || !path_of(class, id_of(i, &places[i]), path) ||
		    access(path, F_OK) == 0 || errno != ENOENT)
			continue;
		CHANGE(registry, places[i].is_used, 0);
		mapping_commit(registry);
	}
}

/* What is left to do when an object is marked as removed, whoever has marked it. */
static void finish_removal(const struct ipc_class *class, int id)
{
	int index = id % REGISTRY_PLACES, saved = errno;
	struct mapping registry;
	char path[PATH_MAX];

	if (path_of(class, id, path))
		unlink(path);
	STEP("registry/remove/unlinked");
	if (open_registry(class, &registry)) {
		lock(class, &registry);
		struct place *place = &places_of(&registry)[index];

		if (place->is_used && id_of(index, place) == id)
			CHANGE(&registry, place->is_used, 0);
		unlock(&registry);
	}
	errno = saved;
}

/* -- making ----------------------------------------------------------------------------------- */

struct whole_wish {
	const struct ipc_wish *wish;
	key_t key;
	unsigned mode, sequence;
};

static void make_ipc_object(struct object *object, const void *given)
{
	struct ipc_object *ipc = (struct ipc_object *)object;
	const struct whole_wish *whole = given;

	ipc->key = (int32_t)whole->key;
	ipc->uid = ipc->creator_uid = geteuid();
	ipc->gid = ipc->creator_gid = getegid();
	ipc->mode = whole->mode;
	ipc->sequence = whole->sequence;
	ipc->changed_at = time(NULL);
	if (whole->wish->make)
		whole->wish->make(object, whole->wish->wish);
}

/*
 * Who may read or alter must be able to do both to the file.  Only root can give a file away: it
 * stays its creator's and, when the object's owner is somebody else, is open to all, so that what
 * the object says of the mode is all there is.
 */
static mode_t file_mode(unsigned mode, bool is_its_creators)
{
	mode_t wide = 0600; /* the owner may always remove it, and change the mode */

	for (int class = 0; class < 9; class += 3)
		if (mode & (06u << class))
			wide |= 06u << class;
	return is_its_creators ? wide : 0666;
}

/* Makes the file of the next identifier of this place. */
static int make_file(const struct ipc_class *class, int index, struct whole_wish *whole)
{
	char path[PATH_MAX];

	for (int tries = 0; tries < MOST_TRIES; tries++) {
		/* of somebody who might not unlink what he removed, or died before he had */
		if (!path_of(class, id_at(index, whole->sequence), path))
			return -1;
		unlink(path);
		whole->sequence = (whole->sequence + 1) % SEQUENCES;
		/* of somebody who died before he had entered it */
		if (!path_of(class, id_at(index, whole->sequence), path))
			return -1;
		unlink(path);
		int fd =
			object_create_exactly(path, false, class->class.kind, whole->wish->size,
					      file_mode(whole->mode, true), make_ipc_object, whole);
		if (fd >= 0) {
			close(fd);
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	/* a file system without room: ENOSPC is said of the registry */
	if (errno == ENOSPC)
		errno = ENOMEM;
	return -1;
}

static int create(struct ipc_class *class, struct mapping *registry, key_t key, int flags,
		  const struct ipc_wish *wish)
{
	int index = find_place(class, registry);

	if (index < 0) {
		free_places(class, registry);
		index = find_place(class, registry);
	}
	if (index < 0 || !wish->size) {
		errno = wish->size ? ENOSPC : EINVAL;
		return -1;
	}
	struct place *place = &places_of(registry)[index];
	struct whole_wish whole = {wish, key, (unsigned)flags & 0777, place->sequence % SEQUENCES};

	((struct registry *)registry->object)->making = (uint32_t)index + 1;
	STEP("registry/create/begun");
	if (make_file(class, index, &whole) < 0) {
		((struct registry *)registry->object)->making = 0;
		return -1;
	}
	STEP("registry/create/made");
	CHANGE(registry, ((struct registry *)registry->object)->making, 0);
	CHANGE(registry, place->key, (int32_t)key);
	CHANGE(registry, place->sequence, whole.sequence);
	CHANGE(registry, place->is_used, 1);
	if (index >= bound_of(registry))
		CHANGE(registry, ((struct registry *)registry->object)->bound, (uint32_t)index + 1);
	return id_at(index, whole.sequence);
}

/* The same, but for the rights to one that exists. */
static int find_or_create(struct ipc_class *class, key_t key, int flags,
			  const struct ipc_wish *wish, bool *is_new)
{
	struct mapping registry;
	int id = -1, error = errno;

	*is_new = false;
	if (!open_registry(class, &registry))
		return -1;
	lock(class, &registry);
	int index = key == IPC_PRIVATE ? -1 : find_key(&registry, key);

	if (index >= 0)
		id = id_of(index, &places_of(&registry)[index]);
	else if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
		error = ENOENT;
	else if ((id = create(class, &registry, key, flags, wish)) < 0)
		error = errno;
	else
		*is_new = true;
	unlock(&registry);
	errno = error;
	return id;
}

/* -- one object ------------------------------------------------------------------------------- */

static struct ipc_object *ipc_of(const struct handle *h)
{
	return (struct ipc_object *)h->mapping.object;
}

/* Of the object in this file; NULL with errno. */
static struct handle *make_handle(int fd, const struct ipc_class *class, int id)
{
	struct stat status;

	if (FAULT("registry/find/stat", ENOMEM) || fstat(fd, &status) < 0)
		return NULL;
	struct handle *h = handle_make(fd, &class->class);
	if (h) {
		h->id = id;
		h->device = status.st_dev;
		h->file = status.st_ino;
	} else if (errno == EINVAL) {
		errno = EBADMSG;
	}
	return h;
}

/* NULL with errno ENOENT: it is gone; else as of ipc_find. */
static struct handle *open_object(struct ipc_class *class, int id)
{
	char path[PATH_MAX];

	if (!path_of(class, id, path))
		return NULL;
	int fd = open_file(path);
	if (fd < 0)
		return NULL;
	struct handle *h = make_handle(fd, class, id);
	int error = errno;

	close(fd);
	errno = error;
	if (!h || !ipc_of(h)->is_removed)
		return h;
	handle_put(h);
	errno = ENOENT;
	return NULL;
}

/* The same, and it may be known already. */
static struct handle *find_object(struct ipc_class *class, int id)
{
	int place = id % REGISTRY_PLACES;
	struct handle *h = handle_get(&class->handles, place);

	if (h && h->id == id && object_is_there(&h->mapping) && !ipc_of(h)->is_removed)
		return h;
	if (h) {
		/* another of the same place, or one that is gone */
		handle_forget_this(&class->handles, place, h);
		handle_put(h);
	}
	h = open_object(class, id);
	if (!h) {
		/* what is marked, or was entered and has no file, is half removed */
		if (errno == ENOENT)
			finish_removal(class, id);
		return NULL;
	}
	handle_keep(h);
	if (handle_enter(&class->handles, place, h))
		return h;
	handle_put(h);
	return NULL;
}

struct handle *ipc_find(struct ipc_class *class, int id)
{
	struct handle *h = NULL;

	if (id < 0)
		errno = EINVAL;
	else if (!(h = find_object(class, id)) && errno == ENOENT)
		errno = EINVAL;
	return h;
}

bool ipc_permits(const struct handle *h, unsigned bits)
{
	const struct ipc_object *ipc = ipc_of(h);
	uid_t user = geteuid();
	unsigned class = 0;

	if (user == ipc->uid || user == ipc->creator_uid)
		class = 6;
	else if (is_in_group(ipc->gid) || is_in_group(ipc->creator_gid))
		class = 3;
	if (user == 0 || (ipc->mode >> class & bits) == bits)
		return true;
	errno = EACCES;
	return false;
}

bool ipc_is_owner(const struct handle *h)
{
	const struct ipc_object *ipc = ipc_of(h);
	uid_t user = geteuid();

	if (user == 0 || user == ipc->uid || user == ipc->creator_uid)
		return true;
	errno = EPERM;
	return false;
}

void ipc_stat(const struct handle *h, struct ipc_perm *permissions)
{
	const struct ipc_object *ipc = ipc_of(h);

	memset(permissions, 0, sizeof(*permissions));
#ifdef __GLIBC__
	permissions->__key = ipc->key;
	permissions->__seq = (unsigned short)ipc->sequence;
#else
	permissions->__ipc_perm_key = ipc->key;
	permissions->__ipc_perm_seq = (int)ipc->sequence;
#endif
	permissions->uid = ipc->uid;
	permissions->gid = ipc->gid;
	permissions->cuid = ipc->creator_uid;
	permissions->cgid = ipc->creator_gid;
	permissions->mode = (unsigned short)ipc->mode;
}

/*
 * The file is found by its name, for there is no descriptor of it; its owner may have put another
 * there, so that it is looked at first.  Who isn't its owner can't change its mode, and needn't: it
 * is open to all then.  False with errno: it could not be looked at.
 */
static bool open_file_to(const struct ipc_class *class, const struct handle *h, mode_t mode)
{
	char path[PATH_MAX];
	struct stat status;
	int fd = path_of(class, h->id, path) ? open_file(path) : -1;

	if (fd < 0 && ipc_is_shortage(errno))
		return false;
	if (fd >= 0) {
		if (fstat(fd, &status) == 0 && status.st_dev == h->device &&
		    status.st_ino == h->file)
			fchmod(fd, mode);
		close(fd);
	}
	return true;
}

int ipc_set(struct ipc_class *class, struct handle *h, const struct ipc_perm *permissions)
{
	struct ipc_object *ipc = ipc_of(h);
	uint32_t uid = permissions->uid, gid = permissions->gid;
	unsigned old = ipc->mode, mode = (old & ~0777u) | (permissions->mode & 0777u);
	bool was_its_creators = ipc->uid == ipc->creator_uid && ipc->gid == ipc->creator_gid;
	bool is_its_creators = uid == ipc->creator_uid && gid == ipc->creator_gid;

	if (uid == (uint32_t)-1 || gid == (uint32_t)-1) {
		errno = EINVAL;
		return -1;
	}
	/* whoever dies here leaves a file that is too wide rather than too narrow */
	if (!open_file_to(class, h,
			  file_mode(old, was_its_creators) | file_mode(mode, is_its_creators)))
		return -1;
	STEP("registry/set/widened");
	CHANGE(&h->mapping, ipc->uid, uid);
	CHANGE(&h->mapping, ipc->gid, gid);
	CHANGE(&h->mapping, ipc->mode, mode);
	CHANGE(&h->mapping, ipc->changed_at, time(NULL));
	mapping_commit(&h->mapping);
	/* which stays too wide, if it can't be looked at any more */
	open_file_to(class, h, file_mode(mode, is_its_creators));
	return 0;
}

int ipc_remove(struct ipc_class *class, struct handle *h, void (*ring)(struct handle *h))
{
	struct ipc_object *ipc = ipc_of(h);

	mapping_lock(&h->mapping);
	if (ipc->is_removed) {
		mapping_unlock(&h->mapping);
		errno = EINVAL;
		return -1;
	}
	if (ring)
		ring(h);
	STEP("registry/remove/rung");
	ipc->is_removed = 1;
	mapping_unlock(&h->mapping);
	STEP("registry/remove/told");
	ipc_removed(class, h);
	return 0;
}

void ipc_removed(struct ipc_class *class, struct handle *h)
{
	handle_forget_this(&class->handles, h->id % REGISTRY_PLACES, h);
	finish_removal(class, h->id);
}

int ipc_remove_broken(struct ipc_class *class, int id)
{
	char path[PATH_MAX];
	struct stat status;

	if (!path_of(class, id, path) || lstat(path, &status) < 0)
		return -1;
	if (geteuid() != 0 && geteuid() != status.st_uid) {
		errno = EPERM;
		return -1;
	}
	finish_removal(class, id);
	return 0;
}

/* -- getting ---------------------------------------------------------------------------------- */

/* Whether the identifier of an object that exists may be told; false with errno, ENOENT: it is
 * gone. */
static bool may_get(struct ipc_class *class, int id, int flags)
{
	/* the bits asked for, wherever in the mode they are */
	unsigned bits = ((unsigned)flags >> 6 | (unsigned)flags >> 3 | (unsigned)flags) & 06;
	struct handle *h = find_object(class, id);
	bool may = h ? ipc_permits(h, bits) : errno == EACCES && bits == 0;

	if (!h && errno == ENOENT)
		return false;
	if (h)
		handle_put(h);
	if (!(flags & IPC_CREAT) || !(flags & IPC_EXCL))
		return may;
	errno = EEXIST;
	return false;
}

int ipc_get(struct ipc_class *class, key_t key, int flags, const struct ipc_wish *wish,
	    bool *is_new)
{
	for (int turns = 1;; turns++) {
		int id = find_or_create(class, key, flags, wish, is_new);

		if (id < 0 || *is_new)
			return id;
		if (may_get(class, id, flags))
			return id;
		if (errno == ENOENT && turns == MOST_TURNS)
			errno = EBADMSG; /* a scribble: nobody removes and makes so quickly */
		if (errno != ENOENT)
			return -1;
		finish_removal(class, id);
	}
}

void ipc_hide(struct ipc_class *class, int id)
{
	int index = id % REGISTRY_PLACES;
	struct mapping registry;

	if (!open_registry(class, &registry))
		return;
	lock(class, &registry);
	struct place *place = &places_of(&registry)[index];

	if (place->is_used && id_of(index, place) == id)
		CHANGE(&registry, place->key, IPC_PRIVATE);
	unlock(&registry);
}

int ipc_open(const struct ipc_class *class, int id, int flags)
{
	char path[PATH_MAX];

	if (FAULT("registry/again/open", EMFILE, ENFILE, ENOMEM) || !path_of(class, id, path))
		return -1;
	return open(path, flags | O_CLOEXEC);
}

/* -- all of them ------------------------------------------------------------------------------ */

int ipc_highest(struct ipc_class *class, unsigned *count)
{
	struct mapping registry;
	int highest = 0;

	*count = 0;
	if (!open_registry(class, &registry))
		return -1;
	lock(class, &registry);
	free_places(class, &registry);
	int bound = bound_of(&registry);
	for (int i = 0; i < bound; i++)
		if (places_of(&registry)[i].is_used) {
			highest = i;
			++*count;
		}
	unlock(&registry);
	return highest;
}

int ipc_at(struct ipc_class *class, int place)
{
	struct mapping registry;
	int id = -1;

	if (place >= 0 && place < REGISTRY_PLACES) {
		if (!open_registry(class, &registry))
			return -1;
		lock(class, &registry);
		if (places_of(&registry)[place].is_used)
			id = id_of(place, &places_of(&registry)[place]);
		unlock(&registry);
	}
	if (id < 0)
		errno = EINVAL;
	return id;
}
