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
#include <string.h>
#include <sys/types.h>

#include "ref/bell.h"
#include "ref/lock.h"
#include "ref/step.h"

/*
 * How objects are laid out: the namespace tells it too, so that those of another version are not
 * met one by one (namespace.c).
 */
#define OBJECT_LAYOUT 6
enum { OBJECT_MAGIC = 0x69706372 };

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

/*
 * What every operation changes is at the end, so that it shares a line of the cache with what the
 * kind of object puts first: with the lock another processor gets the rest.
 */
struct object {
	uint32_t magic, layout, kind;
	uint32_t mode; /* the permission bits, which the file's are somewhat wider than */
	/* How many words more the journal has, at the file's end; whoever makes the object says. */
	uint32_t more_words;
	uint32_t unused[11];
	struct old_word journal[JOURNAL_WORDS];
	struct lock lock;
	struct bell polled; /* for who polls it: any other of its bells rings it too */
	_Atomic uint32_t journal_count;
};
enum { CACHE_LINE = 64 };
_Static_assert(offsetof(struct object, lock) % CACHE_LINE == 0, "a line begins with the lock");

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
/*
 * Its mode is to be what the umask leaves of this one, which only a file that was made with it can
 * tell; and the file's is to be wider.  False with errno.
 */
bool object_lessen(int fd, mode_t *mode);
bool object_widen(int fd, mode_t mode);
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
static inline bool object_is_there(const struct mapping *mapping)
{
	return *(volatile uint32_t *)&mapping->object->magic == OBJECT_MAGIC;
}

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
void mapping_unlock_to_sleep(struct mapping *mapping); /* before a sleep, and */
void mapping_lock_again(struct mapping *mapping);      /* after it (bell.c) */
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
/* Where an old word is kept, by its number; the journal begins in the head and goes on at the end.
 */
static inline struct old_word *old_word_at(const struct mapping *mapping, uint32_t number)
{
	char *end = (char *)mapping->object + mapping->size;

	if (number < JOURNAL_WORDS)
		return &mapping->object->journal[number];
	return (struct old_word *)end - mapping->more_words + (number - JOURNAL_WORDS);
}

/* Here and not in object.c, for a word whose size is known is copied by one instruction. */
static inline void journal_keep(struct mapping *mapping, const void *word, size_t size)
{
	struct object *object = mapping->object;
	uint32_t count = atomic_load_explicit(&object->journal_count, memory_order_relaxed);

	if (count >= JOURNAL_WORDS + mapping->more_words)
		return; /* scribbled by a peer, who may as well have scribbled the word */
	struct old_word *old = old_word_at(mapping, count);

	old->offset = (uint32_t)((const char *)word - (const char *)object);
	old->size = (uint32_t)size;
	memcpy(&old->value, word, size);
	/* in this order also for who repairs it: it must be whole before it counts */
	atomic_store_explicit(&object->journal_count, count + 1, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	STEP("object/journal/kept");
}

#endif
