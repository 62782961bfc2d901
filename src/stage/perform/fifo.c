/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "stage/perform.h"

PERFORM(fifo, make)
{
	CALL(fifo, mkfifo, path_of(o->handle), (mode_t)o->n[0]);
}

PERFORM(fifo, make_mode)
{
	CALL(fifo, mkfifo, path_of(o->handle), (mode_t)o->n[0]);
}

PERFORM(fifo, open)
{
	if (CALL(fifo, open, path_of(o->handle), (int)o->n[0], 0600))
		set_handle(o->handle, out->value, NULL);
}

PERFORM(fifo, unlink)
{
	CALL(fifo, unlink, path_of(o->handle));
}

PERFORM(fifo, mode)
{
	struct stat status;

	memset(&status, POISON, sizeof(status));
	if (CALL(fifo, stat, path_of(o->handle), &status))
		out->value = (long long)status.st_mode;
}

PERFORM(fifo, make_node)
{
	CALL(fifo, mknod, path_of(o->handle), (mode_t)o->n[0] | S_IFIFO, 0);
}

PERFORM(fifo, rename)
{
	CALL(fifo, rename, path_of(o->handle), path_of(o->other));
}

PERFORM(fifo, link)
{
	CALL(fifo, link, path_of(o->handle), path_of(o->other));
}

PERFORM(fifo, chmod)
{
	CALL(fifo, chmod, path_of(o->handle), (mode_t)o->n[0]);
}

PERFORM(fifo, open_and_close)
{
	if (CALL(fifo, open, path_of(o->handle), (int)o->n[0], 0600))
		outcome_is(out, impl->fd->close((int)out->value));
}
