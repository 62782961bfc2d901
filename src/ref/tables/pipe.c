/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include "ref/ipcref.h"

const struct pipe_calls ref_pipe = {
	.pipe = ipcref_pipe,
	.pipe2 = ipcref_pipe2,
	.dup3 = ipcref_dup3,
	.fsync = ipcref_fsync,
	.ftruncate = ipcref_ftruncate,
	.posix_fadvise = ipcref_posix_fadvise,
	.posix_fallocate = ipcref_posix_fallocate,
};
