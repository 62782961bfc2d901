/* SPDX-License-Identifier: MIT */
/*
 * A descriptor of ours is the kernel's, on the object's file: fork, exec, dup, FD_CLOEXEC,
 * O_NONBLOCK and what death closes are the kernel's business.  The position in the file, which
 * means nothing else here, tells what the descriptor may do or which end it is: like O_NONBLOCK it
 * belongs to all that were duplicated from it, also beyond exec.
 *
 * What this process needs to use it is kept by number (handle.h).  That must hear of every close
 * and dup: ipcref_close and its kin.
 */
#ifndef IPCREF_DESCRIPTOR_H
#define IPCREF_DESCRIPTOR_H

#include "ref/handle.h"

/* All kinds that descriptors lead to, by enum object_kind (fd.c). */
extern const struct object_class *const object_classes[];

/*
 * What the descriptor leads to, to be given back with handle_put; NULL with errno EBADF: it is not
 * open, or not one of ours and of that kind.
 */
struct handle *descriptor_get(int fd, enum object_kind kind);
/* A new descriptor (O_RDWR) becomes this end of its object.  Closes it and gives -1 if it can't. */
int descriptor_adopt(int fd, enum object_kind kind, unsigned end);
/*
 * The same of both ends of a new object, if all that had to be done to them before is_done: 0, and
 * ends has them; else both are closed, and -1 with errno.
 */
int descriptor_adopt_both(int made[2], bool is_done, enum object_kind kind, unsigned first,
			  unsigned second, int ends[2]);
/*
 * The number is about to be closed, or to become something else: what it led to, NULL if it was
 * nothing of ours.  Calls that others are in go on, as if it stayed open.
 */
struct handle *descriptor_leave(int fd);
/* It has been; gives back what descriptor_leave gave. */
void descriptor_left(int fd, struct handle *h);
/* The number is a new descriptor, made by the platform: what was known of it is forgotten. */
void descriptor_is_new(int fd);
/* The same, and it was duplicated from another one. */
void descriptor_is_copy(int fd, int copy);

/*
 * Ends, each a bit, are locked bytes of the file: shared, by every description that has it, and let
 * go by the kernel with its last descriptor, whoever dies.
 */
/* This description takes these ends; false with errno: ENOSYS, if there are no such locks. */
bool descriptor_take_end(int fd, unsigned ends);
/* Whether any description but this one has this end; -1 with errno if it can't be told. */
int descriptor_has_others(int fd, unsigned end);

/* Of one that is nobody's handle yet, or never will be. */
void close_keeping_errno(int fd);
/* The number that leads to it now, for a call that began with this one. */
int descriptor_number(int fd, const struct handle *h);
/* ioctl, whose request each libc has another type for. */
int platform_ioctl(int fd, unsigned long request, void *argument);
/* Whether O_NONBLOCK is set. */
bool descriptor_is_nonblocking(int fd);
/* The same for a call that may have to wait, which bears it in mind for the next. */
bool descriptor_mustnt_wait(int fd, struct handle *h);

#endif
