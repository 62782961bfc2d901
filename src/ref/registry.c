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
	struct place places[REGISTRY_PLACES];
};

enum { SEQUENCES = INT_MAX / REGISTRY_PLACES, MOST_TRIES = 8 };

/* -- the registry ----------------------------------------------------------------------------- */

static const struct object_class registry_class = {
	.kind = OBJECT_REGISTRY,
	.least = sizeof(struct registry),
};

/* Everybody's, and made by the first who needs it. */
static bool open_registry(const struct ipc_class *class, struct mapping *mapping)
{
	char path[PATH_MAX];
	int fd;

	if (!namespace_path(path, class->name, "registry"))
		return false;
	do {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			break;
		fd = object_create(path, false, OBJECT_REGISTRY, sizeof(struct registry), 0666,
				   NULL, NULL);
		if (fd >= 0)
			fchmod(fd, 0666);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		return false;
	bool is_mapped = object_map(mapping, fd, OBJECT_REGISTRY, registry_class.least);
	int error = errno;

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

static int id_of(int index, const struct place *place)
{
	return (int)(place->sequence % SEQUENCES) * REGISTRY_PLACES + index;
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

	for (int i = 0; i < REGISTRY_PLACES; i++)
		if (places[i].is_used && places[i].key == key)
			return i;
	return -1;
}

/* A place that is free, if there may be one object more; else -1. */
static int find_place(const struct ipc_class *class, const struct mapping *registry)
{
	const struct place *places = places_of(registry);
	unsigned count = 0;
	int found = -1;

	for (int i = REGISTRY_PLACES - 1; i >= 0; i--) {
		if (places[i].is_used)
			count++;
		else
			found = i;
	}
	return count < class->most ? found : -1;
}

/* The place is free from now on, if it is still this object's and, if asked for, has no file. */
static void free_place(const struct ipc_class *class, int id, bool is_without_file)
{
	int index = id % REGISTRY_PLACES, saved = errno;
	struct mapping registry;
	char path[PATH_MAX];

	if (path_of(class, id, path) && open_registry(class, &registry)) {
		mapping_lock(&registry);
		struct place *place = &places_of(&registry)[index];

		if (place->is_used && id_of(index, place) == id &&
		    (!is_without_file || (access(path, F_OK) < 0 && errno == ENOENT)))
			CHANGE(&registry, place->is_used, 0);
		unlock(&registry);
	}
	errno = saved;
}

/* What is left to do when an object is marked as removed, whoever has marked it. */
static void finish_removal(const struct ipc_class *class, int id)
{
	int saved = errno;
	char path[PATH_MAX];

	if (path_of(class, id, path))
		unlink(path);
	STEP("registry/remove/unlinked");
	free_place(class, id, false);
	errno = saved;
}

/* -- getting ---------------------------------------------------------------------------------- */

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

/* Who may read or alter must be able to do both to the file. */
static mode_t file_mode(unsigned mode)
{
	mode_t wide = 0600; /* the owner may always remove it, and change the mode */

	for (int class = 0; class < 9; class += 3)
		if (mode & (06u << class))
			wide |= 06u << class;
	return wide;
}

static int create(struct ipc_class *class, struct mapping *registry, key_t key, int flags,
		  const struct ipc_wish *wish)
{
	int index = find_place(class, registry);
	char path[PATH_MAX];

	if (index < 0 || !wish->size) {
		errno = wish->size ? ENOSPC : EINVAL;
		return -1;
	}
	struct place *place = &places_of(registry)[index];
	struct whole_wish whole = {wish, key, (unsigned)flags & 0777, place->sequence};
	int id, fd;

	/* a file that is there is of somebody who died before he had entered or removed it */
	for (int tries = 0;; tries++) {
		whole.sequence = (whole.sequence + 1) % SEQUENCES;
		id = (int)whole.sequence * REGISTRY_PLACES + index;
		if (!path_of(class, id, path))
			return -1;
		unlink(path);
		fd = object_create(path, false, class->class.kind, wish->size, 0600,
				   make_ipc_object, &whole);
		if (fd >= 0)
			break;
		if (errno != EEXIST || tries == MOST_TRIES)
			return -1;
	}
	fchmod(fd, file_mode(whole.mode));
	close(fd);
	STEP("registry/create/made");
	CHANGE(registry, place->key, (int32_t)key);
	CHANGE(registry, place->sequence, whole.sequence);
	CHANGE(registry, place->is_used, 1);
	return id;
}

/* The same, but for the rights to one that exists. */
static int find_or_create(struct ipc_class *class, key_t key, int flags,
			  const struct ipc_wish *wish, bool *is_new)
{
	struct mapping registry;
	int id = -1, error = 0;

	*is_new = false;
	if (!open_registry(class, &registry))
		return -1;
	mapping_lock(&registry);
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

int ipc_get(struct ipc_class *class, key_t key, int flags, const struct ipc_wish *wish,
	    bool *is_new)
{
	/* the bits asked for, wherever in the mode they are */
	unsigned bits = ((unsigned)flags >> 6 | (unsigned)flags >> 3 | (unsigned)flags) & 06;

	for (;;) {
		int id = find_or_create(class, key, flags, wish, is_new);

		if (id < 0 || *is_new)
			return id;
		struct handle *h = ipc_find(class, id);

		if (!h && errno == EINVAL) {
			finish_removal(class, id);
			continue;
		}
		/* its name is told also to those who may do nothing with it */
		bool is_permitted = h ? ipc_permits(h, bits) : errno == EACCES && !bits;

		if (h)
			handle_put(h);
		if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
			errno = EEXIST;
		else if (is_permitted)
			return id;
		return -1;
	}
}

/* -- one object ------------------------------------------------------------------------------- */

static struct handle *open_object(struct ipc_class *class, int id)
{
	struct handle *h = NULL;
	char path[PATH_MAX];
	int fd;

	if (id < 0 || !path_of(class, id, path)) {
		errno = EINVAL;
		return NULL;
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT)
			errno = EINVAL;
		return NULL;
	}
	h = handle_make(fd, &class->class);
	if (h)
		h->id = id;
	int error = errno;
	close(fd);
	errno = error;
	return h;
}

struct handle *ipc_find(struct ipc_class *class, int id)
{
	int place = id % REGISTRY_PLACES;
	struct handle *h = id < 0 ? NULL : handle_get(&class->handles, place);

	if (h && h->id == id && !((struct ipc_object *)h->mapping.object)->is_removed)
		return h;
	if (h) {
		/* another of the same place, or one that is gone */
		handle_forget_this(&class->handles, place, h);
		handle_put(h);
	}
	h = open_object(class, id);
	if (!h) {
		/* what was entered and has no file is half removed */
		if (id >= 0 && errno == EINVAL)
			free_place(class, id, true);
		return NULL;
	}
	if (((struct ipc_object *)h->mapping.object)->is_removed) {
		handle_put(h);
		finish_removal(class, id);
		errno = EINVAL;
		return NULL;
	}
	atomic_fetch_add(&h->users, 1);
	if (!handle_enter(&class->handles, place, h)) {
		handle_put(h);
		return NULL;
	}
	return h;
}

static struct ipc_object *ipc_of(const struct handle *h)
{
	return (struct ipc_object *)h->mapping.object;
}

bool ipc_permits(const struct handle *h, unsigned bits)
{
	const struct ipc_object *ipc = ipc_of(h);
	bool is_creator = geteuid() == ipc->creator_uid;

	if (object_permits(ipc->mode, is_creator ? ipc->creator_uid : ipc->uid, ipc->gid, bits))
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

/* The file is found by its name, for there is no descriptor of it. */
static int follow(const struct ipc_class *class, const struct handle *h, uid_t uid, gid_t gid,
		  unsigned mode)
{
	struct ipc_object *ipc = ipc_of(h);
	char path[PATH_MAX];

	if (!path_of(class, h->id, path))
		return -1;
	if ((uid != ipc->uid || gid != ipc->gid) && chown(path, uid, gid) < 0)
		return -1;
	return chmod(path, file_mode(mode));
}

int ipc_set(struct ipc_class *class, struct handle *h, const struct ipc_perm *permissions)
{
	struct ipc_object *ipc = ipc_of(h);
	unsigned mode = (ipc->mode & ~0777u) | (permissions->mode & 0777u);

	if (follow(class, h, permissions->uid, permissions->gid, mode) < 0)
		return -1;
	CHANGE(&h->mapping, ipc->uid, permissions->uid);
	CHANGE(&h->mapping, ipc->gid, permissions->gid);
	CHANGE(&h->mapping, ipc->mode, mode);
	CHANGE(&h->mapping, ipc->changed_at, time(NULL));
	return 0;
}

void ipc_remove(struct ipc_class *class, struct handle *h, void (*ring)(struct handle *h))
{
	mapping_lock(&h->mapping);
	if (ring)
		ring(h);
	STEP("registry/remove/rung");
	ipc_of(h)->is_removed = 1;
	mapping_unlock(&h->mapping);
	STEP("registry/remove/told");

	handle_forget_this(&class->handles, h->id % REGISTRY_PLACES, h);
	finish_removal(class, h->id);
}

void ipc_hide(struct ipc_class *class, int id)
{
	int index = id % REGISTRY_PLACES;
	struct mapping registry;

	if (!open_registry(class, &registry))
		return;
	mapping_lock(&registry);
	struct place *place = &places_of(&registry)[index];

	if (place->is_used && id_of(index, place) == id)
		CHANGE(&registry, place->key, IPC_PRIVATE);
	unlock(&registry);
}

int ipc_open(const struct ipc_class *class, int id, int flags)
{
	char path[PATH_MAX];

	return path_of(class, id, path) ? open(path, flags | O_CLOEXEC) : -1;
}

/* -- all of them ------------------------------------------------------------------------------ */

int ipc_highest(struct ipc_class *class, unsigned *count)
{
	struct mapping registry;
	int highest = 0;

	*count = 0;
	if (!open_registry(class, &registry))
		return 0;
	mapping_lock(&registry);
	for (int i = 0; i < REGISTRY_PLACES; i++)
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

	if (place >= 0 && place < REGISTRY_PLACES && open_registry(class, &registry)) {
		mapping_lock(&registry);
		if (places_of(&registry)[place].is_used)
			id = id_of(place, &places_of(&registry)[place]);
		unlock(&registry);
	}
	if (id < 0)
		errno = EINVAL;
	return id;
}
