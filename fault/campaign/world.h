/* SPDX-License-Identifier: MIT */
/* Worlds of a story's own, and what is left in them. */
#ifndef FAULT_WORLD_H
#define FAULT_WORLD_H

#include "stage/story.h"

/*
 * An actor in a new world, where nothing has a name yet: what it makes by name, and what its
 * children do, is seen by nobody else.  Names that are the system's own are so for it, too.
 */
actor *cast_alone(const char *name);
/*
 * The same, and what has a name there is on a file system of so many bytes.  Where that can't be
 * had, the campaign is skipped.
 */
actor *cast_confined(const char *name, size_t bytes);
/* In the actor's world nothing has a name any more, and no identifier is in use. */
#define leaves_nothing(a) does_give(a, call(count_what_is_left, "", 0, 0, 0), 0)

function count_what_is_left;

#endif
