/* SPDX-License-Identifier: MIT */
/*
 * What this process holds of an object, found by a number: a descriptor (descriptor.h) or an
 * identifier of System V (registry.h).  Who looks one up keeps it from being unmapped until he puts
 * it back, whatever other threads close meanwhile.
 */
#ifndef IPCREF_HANDLE_H
#define IPCREF_HANDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "ref/hold.h"
#include "ref/object.h"

/* What is known of the other side of a pipe, so that it need not be asked for (pipe_peer.c). */
struct pipe_notes {
	/* ticks: somebody had its end; its position was looked at, and was this */
	uint64_t lived_at, looked_at;
	uint32_t position;
	_Atomic uint32_t changes;  /* there had been, when the kernel was asked the last time */
	_Atomic uint32_t settings; /* how the description is set, after how many settings */
	_Atomic bool has_waited;   /* the last call had to wait for it */
};

struct handle {
	struct mapping mapping;
	const struct object_class *class;
	unsigned end; /* a descriptor: which end it is, or what it may do */
	int id;	      /* an identifier, whole */
	dev_t device; /* an identifier's file, which is found by name again (registry.c) */
	ino_t file;
	/* Who keeps it: the table, and calls that have no hold of it (hold.h). */
	_Atomic unsigned users;
	_Atomic bool is_left; /* the table keeps it only for those who have hold of it still; not
				 of one that nobody uses */
	/* Of these, those that outlast a call, and so are a forked child's too (handle_retain). */
	_Atomic unsigned lasting;
	/* What was closed while others used it is kept open under this number; -1: it wasn't. */
	_Atomic int kept;
	/* It could wait, the last time somebody asked: O_NONBLOCK is the kernel's to know. */
	_Atomic bool waits;
	struct pipe_notes notes;	   /* of a pipe's end */
	_Atomic bool is_entered;	   /* in a table, which is one of its users */
	_Atomic(struct carrier *) carrier; /* of descriptors, of a socket (socket_rights.c) */
	struct handle *next;		   /* of all */
};

/*
 * What can be done with a descriptor of a kind of object; what is NULL can't.  Errors as of the
 * function that is named like it.
 */
struct object_class {
	enum object_kind kind;
	size_t least; /* bytes of the smallest object */
	size_t most;  /* bytes that are mapped of a larger one; 0: all */
	void (*repair)(struct mapping *mapping);
	ssize_t (*readv)(int fd, struct handle *h, const struct iovec *vector, int count);
	ssize_t (*writev)(int fd, struct handle *h, const struct iovec *vector, int count);
	/* Those of POLLIN, POLLOUT, POLLERR, POLLHUP ... that hold now; no errors. */
	short (*ready)(int fd, struct handle *h);
	/* The number is closed, and the descriptor still open; perhaps not the last of its end. */
	void (*closing)(int fd, struct handle *h);
	/* The same after it: who waits for the end to be gone is to be woken. */
	void (*closed)(struct handle *h);
	/* The number of a new descriptor, which was duplicated from this one. */
	void (*copied)(struct handle *h, int copy);
	/* Nobody uses it any more. */
	void (*released)(struct handle *h);
	int (*fcntl)(int fd, struct handle *h, int command, long argument);
	int (*ioctl)(int fd, struct handle *h, unsigned long request, void *argument);
	int (*fstat)(int fd, struct handle *h, struct stat *status);
};

/* Numbers are looked up in chunks, which are made when needed and stay. */
enum { HANDLE_CHUNK = 1024, HANDLE_CHUNKS = 1024 };

struct handle_table {
	_Atomic(_Atomic(struct handle *) *) chunks[HANDLE_CHUNKS];
	/*
	 * Finds out about a number that isn't known yet; gives NULL if it is nothing of ours.  May
	 * itself be NULL: nothing can be found out by the number alone.
	 */
	struct handle *(*find_out)(int number);
};
#define HANDLE_TABLE(finds_out)                                                                    \
	{                                                                                          \
		.find_out = (finds_out)                                                            \
	}

/*
 * The locks of this, which may be taken by who has others, aren't left to a child by threads that
 * it doesn't have.  Who watches forks (pthread_atfork) for a lock of his own calls this before, so
 * that a fork takes them in the same order.
 */
void handle_watch_forks(void);
/* To be put back; NULL: it is nothing of ours.  errno stays. */
static inline struct handle *handle_get(struct handle_table *table, int number);
static inline void handle_put(struct handle *h);
/* The same once more, for who has it already. */
void handle_keep(struct handle *h);
/* Whether others use it than the table and its caller, who has got it. */
bool handle_is_shared(struct handle *h);
/*
 * Who looked it up keeps it when the call is over: it has to do with memory that a child inherits.
 * To be released instead of put back.
 */
void handle_retain(struct handle *h);
void handle_release(struct handle *h);
/* Maps the object of this file.  NULL with errno, as of object_map. */
struct handle *handle_make(int fd, const struct object_class *class);
/* False with errno ENOMEM, and h is no more. */
bool handle_enter(struct handle_table *table, int number, struct handle *h);
/* From now on the number is unknown. */
void handle_forget(struct handle_table *table, int number);
/* The same, if it is this one. */
void handle_forget_this(struct handle_table *table, int number, struct handle *h);

/* -- what every call does --------------------------------------------------------------------- */

/* Where the table has this number; NULL: nowhere yet. */
static inline _Atomic(struct handle *) *handle_place(struct handle_table *table, int number)
{
	if (number < 0 || number >= HANDLE_CHUNK * HANDLE_CHUNKS)
		return NULL;
	_Atomic(struct handle *) *chunk =
		atomic_load_explicit(&table->chunks[number / HANDLE_CHUNK], memory_order_acquire);

	return chunk ? &chunk[number % HANDLE_CHUNK] : NULL;
}

/* The same two without a hold: of what isn't known yet, or counted, or at its end. */
struct handle *handle_find(struct handle_table *table, int number);
void handle_stop_using(struct handle *h);
void handle_leave_if_unheld(struct handle *h);

static inline void handle_put(struct handle *h)
{
	if (!hold_drop(h))
		handle_stop_using(h);
	else if (atomic_load_explicit(&h->is_left, memory_order_relaxed))
		handle_leave_if_unheld(h);
}

static inline struct handle *handle_get(struct handle_table *table, int number)
{
	_Atomic(struct handle *) *place = handle_place(table, number);
	struct handle *h = place ? atomic_load(place) : NULL;

	if (h && hold_take(h)) {
		/* it may have become another number's between the look and this */
		if (atomic_load(place) == h)
			return h;
		handle_put(h);
	}
	return handle_find(table, number);
}

#endif
