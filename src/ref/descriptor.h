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
/* The number is about to be closed, or to become something else. */
void descriptor_forget(int fd);

/* Whether O_NONBLOCK is set. */
bool descriptor_is_nonblocking(int fd);

#endif
