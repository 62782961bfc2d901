/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "stage/perform.h"

/* The ends of a pipe p: p:r and p:w. */
static void name_ends(const char *p, const int *ends)
{
	char end[HANDLE_MAX + 2];

	snprintf(end, sizeof(end), "%s:r", p);
	set_handle(end, ends[0], NULL);
	snprintf(end, sizeof(end), "%s:w", p);
	set_handle(end, ends[1], NULL);
}

PERFORM(pipe, make)
{
	int ends[2] = {-1, -1};

	if (CALL(pipe, pipe, ends))
		name_ends(o->handle, ends);
}

PERFORM(pipe, make_with)
{
	int ends[2] = {-1, -1};

	if (CALL(pipe, pipe2, ends, (int)o->n[0]))
		name_ends(o->handle, ends);
}

PERFORM(pipe, capacity)
{
#ifdef F_GETPIPE_SZ
	CALL(fd, fcntl, handle_fd(o->handle), F_GETPIPE_SZ, 0);
#else
	outcome_lacks(out, "F_GETPIPE_SZ");
#endif
}

PERFORM(pipe, set_capacity)
{
#ifdef F_SETPIPE_SZ
	CALL(fd, fcntl, handle_fd(o->handle), F_SETPIPE_SZ, (long)o->n[0]);
#else
	outcome_lacks(out, "F_SETPIPE_SZ");
#endif
}

PERFORM(pipe, splice)
{
	CALL(pipe, splice, handle_fd(o->handle), NULL, handle_fd(o->other), NULL, (size_t)o->n[0],
	     (unsigned)o->n[1]);
}

PERFORM(pipe, tee)
{
	CALL(pipe, tee, handle_fd(o->handle), handle_fd(o->other), (size_t)o->n[0],
	     (unsigned)o->n[1]);
}

/* The pipe may refer to the memory until it is read: so it's memory that the next order leaves
 * alone. */
PERFORM(pipe, vmsplice)
{
	static unsigned char kept[4096];
	struct iovec vector = {kept, o->size < sizeof(kept) ? o->size : sizeof(kept)};

	memcpy(kept, o->bytes, vector.iov_len);

	CALL(pipe, vmsplice, handle_fd(o->handle), &vector, 1, 0);
}

PERFORM(pipe, sendfile)
{
	CALL(pipe, sendfile, handle_fd(o->handle), handle_fd(o->other), NULL, (size_t)o->n[0]);
}
