/* SPDX-License-Identifier: MIT */
/* An actor's life: it takes orders from its mailbox, one at a time. */
#ifndef IPCTS_STAGE_ACTOR_H
#define IPCTS_STAGE_ACTOR_H

#include "stage/scene.h"

/* Becomes the actor of this mailbox, in a process (or thread) made for it. */
_Noreturn void actor_live(struct mailbox *mailbox);
/* Becomes a stranger: executes this program anew.  Ends the test if that's impossible. */
_Noreturn void actor_become_stranger(int index);
/* Signals, limits and descriptors as every process of a box has them; in the director, once. */
void actor_surroundings(void);

/* Whose mailbox this thread serves; NULL: it is no actor. */
struct mailbox *current_actor(void);

/* The handles of this process, across an exec: into the mailbox, and back. */
void handles_keep(struct mailbox *mailbox);
void handles_restore(const struct mailbox *mailbox);
void handles_forget(void);

#endif
