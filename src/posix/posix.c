/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct implementation posix_implementation = {
	.name = "posix",
	.fd = &posix_fd,
	.sig = &posix_sig,
	.pipe = &posix_pipe,
	.fifo = &posix_fifo,
	.msg = &posix_msg,
	.mq = &posix_mq,
	.shm = &posix_shm,
	.sem = &posix_sem,
	.semset = &posix_semset,
	.sock = &posix_sock,
	.lock = &posix_lock,
	.event = &posix_event,
};
