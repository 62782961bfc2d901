/* SPDX-License-Identifier: MIT */
/*
 * Whoever may write to an object's file may also cut it off, and who touches what is gone is killed
 * by SIGBUS.  So the library has a handler for that: what is gone of an object becomes empty
 * memory, nobody else's, and its first word, the magic, is set to 0, for all who have it: so that
 * it can still be unlocked, and every call from then on finds that there is no object (EBADMSG).  A
 * SIGBUS for anything else goes where it would have gone.
 */
#ifndef IPCREF_LOSS_H
#define IPCREF_LOSS_H

#include <stddef.h>

/* From now on this memory is looked after, if there is a place for it: which one; else -1. */
int loss_watch(void *memory, size_t size);
/* It is about to be unmapped. */
void loss_forget(int place);
/* As if the object with this memory were gone, but for this process only; if it is looked after. */
void loss_declare(const void *memory);

#endif
