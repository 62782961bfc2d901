/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/sendfile.h>
#endif

#include "posix/posix.h"

#ifdef SPLICE_F_MOVE
/* The libraries differ in what they call the offset's type. */
static ssize_t posix_splice(int from, off_t *offset, int to, off_t *to_offset, size_t size,
			    unsigned flags)
{
	_Static_assert(sizeof(off_t) == 8, "offsets of 64 bits");
	return splice(from, (void *)offset, to, (void *)to_offset, size, flags);
}
#endif

const struct pipe_calls posix_pipe = {
	.pipe = pipe,
	.pipe2 = pipe2,
	.dup3 = dup3,
	.fsync = fsync,
	.ftruncate = ftruncate,
	.posix_fadvise = posix_fadvise,
	.posix_fallocate = posix_fallocate,
#ifdef SPLICE_F_MOVE
	.splice = posix_splice,
	.tee = tee,
	.vmsplice = vmsplice,
	.sendfile = sendfile,
#endif
};
