/* SPDX-License-Identifier: MIT */
/*
 * The objects of System V: a registry for each kind tells the key and the identifier of each; the
 * object is a file named after its identifier.  An identifier is a place in the registry and, above
 * it, how often the place was used, so that one that is gone is not soon another's.
 */
#ifndef IPCREF_REGISTRY_H
#define IPCREF_REGISTRY_H

#include <errno.h>
#include <sys/ipc.h>

#include "ref/handle.h"

enum { REGISTRY_PLACES = 32768 };

/* What every object of System V begins with. */
struct ipc_object {
	struct object object;
	int32_t key;
	/* struct ipc_perm, which the file's mode is never narrower than */
	uint32_t uid, gid, creator_uid, creator_gid, mode, sequence;
	_Atomic uint32_t is_removed;
	int64_t changed_at; /* seconds since the Epoch */
};

/* A kind of objects of System V. */
struct ipc_class {
	struct object_class class;
	const char *name; /* "msg", "sem", "shm": of the files */
	unsigned most;	  /* objects there may be, at most REGISTRY_PLACES */
	struct handle_table handles;
};

/* How an object is made that isn't there yet. */
struct ipc_wish {
	size_t size; /* of the object's file, in bytes; 0: there is none to be made (EINVAL) */
	/* Writes what follows struct ipc_object; runs before anybody sees it. */
	void (*make)(struct object *object, const void *wish);
	const void *wish;
};

/*
 * msgget and its kin, but for what the size asked for has to do with one that exists: the
 * identifier; -1 and errno: ENOENT, EEXIST, EACCES, ENOSPC, ENOMEM, EMFILE, ENFILE, EINVAL. *is_new
 * tells who made it.
 */
int ipc_get(struct ipc_class *class, key_t key, int flags, const struct ipc_wish *wish,
	    bool *is_new);
/*
 * The object, to be put back.  NULL with errno EINVAL: there is none of this identifier; EACCES: it
 * is nothing to this process, not even to look at; EBADMSG: it is broken; ENOMEM, EMFILE, ENFILE.
 * It may be removed at any time, which is_removed tells under its lock.
 */
struct handle *ipc_find(struct ipc_class *class, int id);
/* Whether this errno is no answer: whoever has descriptors and memory enough would get another. */
static inline bool ipc_is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}
/* Whether this process may, of 04 read and 02 write (alter); else errno EACCES. */
bool ipc_permits(const struct handle *h, unsigned bits);
/* Whether it may remove it or change its owner; else errno EPERM. */
bool ipc_is_owner(const struct handle *h);
/* Fills in what IPC_STAT tells of the owner. */
void ipc_stat(const struct handle *h, struct ipc_perm *permissions);
/*
 * IPC_SET: owner, group and the nine bits of the mode; the object is locked, and stays so.  What
 * was changed before is committed with it.  0, or -1 and errno: EINVAL, ENOMEM, EMFILE, ENFILE,
 * and nothing is changed.
 */
int ipc_set(struct ipc_class *class, struct handle *h, const struct ipc_perm *permissions);
/*
 * The object is no more: is_removed is set (under its lock, which is taken and dropped), the bells
 * are to be rung by ring, which may be NULL, under it; the identifier and the key are free.  0, or
 * -1 and errno EINVAL: another was first.
 */
int ipc_remove(struct ipc_class *class, struct handle *h, void (*ring)(struct handle *h));
/*
 * What of ipc_remove comes after is_removed was set, for who has set it himself under the object's
 * lock; done again, it does nothing.
 */
void ipc_removed(struct ipc_class *class, struct handle *h);
/*
 * Removes one that ipc_find finds to be broken, which tells nothing of itself any more: its
 * file's owner may.
 */
int ipc_remove_broken(struct ipc_class *class, int id);
/* From now on its key leads nowhere: the object is IPC_PRIVATE's.  It isn't locked. */
void ipc_hide(struct ipc_class *class, int id);
/* A new descriptor of its file (with FD_CLOEXEC); -1 with errno, as of open. */
int ipc_open(const struct ipc_class *class, int id, int flags);

/*
 * The registry as a table, for IPC_INFO and the like: the highest place in use (0 if none), how
 * many there are, and the identifier at a place (EINVAL: none there).  -1 with errno.
 */
int ipc_highest(struct ipc_class *class, unsigned *count);
int ipc_at(struct ipc_class *class, int place);

#endif
