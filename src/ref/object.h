/* SPDX-License-Identifier: MIT */
/*
 * An object is a file that all who use it have mapped.  It begins with this: what it is, its lock,
 * and the journal that makes what is done under the lock happen wholly or not at all, whoever dies
 * in the middle of it.
 *
 * Nothing read from an object is believed: a hostile peer can write to it at any time.  What a
 * process goes by (where the object is mapped, how large it is) is in its own struct mapping.
 */
#ifndef IPCREF_OBJECT_H
#define IPCREF_OBJECT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ref/bell.h"
#include "ref/lock.h"

enum object_kind {
	OBJECT_ANY,
	OBJECT_PIPE,
	OBJECT_MSG,
	OBJECT_MQ,
	OBJECT_SEGMENT,
	OBJECT_SEM,
	OBJECT_SEMSET,
	OBJECT_SOCKET,
	OBJECT_MAILBOX,
	OBJECT_EVENT,
	OBJECT_REGISTRY,
	OBJECT_KINDS
};

/* A word that is about to be changed: where it is in the object, and what it was. */
struct old_word {
	uint32_t offset, size;
	uint64_t value;
};
enum { JOURNAL_WORDS = 64 };

struct object {
	uint32_t magic, layout, kind;
	struct lock lock;
	struct bell polled; /* for who polls it: any other of its bells rings it too */
	_Atomic uint32_t journal_count;
	uint32_t mode; /* the permission bits, which the file's are somewhat wider than */
	/* How many words more the journal has, at the file's end; whoever makes the object says. */
	uint32_t more_words;
	struct old_word journal[JOURNAL_WORDS];
};

/* Where this process has an object. */
struct mapping {
	struct object *object;
	size_t size;	     /* in bytes: of all that is mapped */
	uint32_t more_words; /* of the journal, at the end of what is mapped */
	int watched;	     /* its place among those that are (loss.h) */
	/* Puts right what is there after an owner's death, beyond the journal; NULL: nothing. */
	void (*repair)(struct mapping *mapping);
};

/* -- the life of an object -------------------------------------------------------------------- */

/*
 * Makes the file, of so many bytes (all zero but for the head), with what make writes into it, and
 * gives it its name in one step: nobody ever sees half of it.  The mode is the file's, less the
 * umask; who may read or write may do both, for every user of an object changes it.  The name is
 * gone again, and the file without one, if is_nameless.  A descriptor (O_RDWR, FD_CLOEXEC), or -1
 * and errno: EEXIST, and all that open and posix_fallocate give.
 */
int object_create(const char *path, bool is_nameless, enum object_kind kind, size_t size,
		  mode_t mode, void (*make)(struct object *object, const void *wish),
		  const void *wish);
/* The same with a mode that no umask lessens. */
int object_create_exactly(const char *path, bool is_nameless, enum object_kind kind, size_t size,
			  mode_t mode, void (*make)(struct object *object, const void *wish),
			  const void *wish);
/*
 * The same step by step, for whose file has a length of its own: begin makes the file in the
 * directory of the path, its mode less the umask; write allocates so many bytes of it and writes
 * the head; name gives it its name, or EEXIST.  A nameless that isn't empty is to be unlinked.
 */
int object_begin(int directory, const char *path, mode_t mode, char nameless[PATH_MAX]);
bool object_write(int fd, enum object_kind kind, size_t size, mode_t mode,
		  void (*make)(struct object *object, const void *wish), const void *wish);
bool object_name(int fd, const char *nameless, int directory, const char *path);
/* The mode with, for whoever may read or write, the permission for both. */
mode_t object_widened(mode_t mode);
/* posix_fallocate, whatever signals come. */
int object_allocate(int fd, off_t offset, off_t size);
/*
 * Maps the object of this descriptor.  False with errno: EINVAL if it is none of the kind, or is
 * smaller than least bytes.
 */
bool object_map(struct mapping *mapping, int fd, enum object_kind kind, size_t least);
/* The same, but of its first bytes only: at most so many. */
bool object_map_head(struct mapping *mapping, int fd, enum object_kind kind, size_t least,
		     size_t most);
void object_unmap(struct mapping *mapping);
/* Whether there is an object still: its file may have been cut off, or its head overwritten. */
bool object_is_there(const struct mapping *mapping);

/*
 * Whether this process may do what the bits say (04: read, 02: write) with an object of this mode,
 * whose file's owner and group are these.
 */
bool object_permits(mode_t mode, uid_t uid, gid_t gid, unsigned bits);
/* Whether this process is of the group, by its effective id or besides. */
bool is_in_group(gid_t gid);

/* -- changes ---------------------------------------------------------------------------------- */

/* Locks it; what a dead owner has left undone is undone first. */
void mapping_lock(struct mapping *mapping);
void mapping_lock_again(struct mapping *mapping); /* after a sleep (bell.c) */
/* All changes since the lock was taken hold from here on. */
void mapping_commit(struct mapping *mapping);
/* None of them happens. */
void mapping_undo(struct mapping *mapping);
/* Commits and unlocks. */
void mapping_unlock(struct mapping *mapping);

/*
 * Changes a word of a locked object, so that it is as before if this process dies before the
 * commit.  At most JOURNAL_WORDS, and the object's more_words, between two commits.
 */
#define CHANGE(mapping, word, new_value)                                                           \
	(journal_keep((mapping), &(word), sizeof(word)), (word) = (new_value))
void journal_keep(struct mapping *mapping, const void *word, size_t size);

#endif
