/* SPDX-License-Identifier: MIT */
/*
 * What the kernel is asked with: of futex(2), futex_waitv(2) and get_robust_list(2).  It is here as
 * <linux/futex.h> has it, which not every libc comes with.
 */
#ifndef IPCREF_KERNEL_H
#define IPCREF_KERNEL_H
#ifdef __linux__

#include <stdint.h>

enum {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_REQUEUE = 3,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_CLOCK_REALTIME = 256,
	FUTEX_32 = 2, /* of futex_waitv: a word of 32 bits */
};

struct futex_waitv {
	uint64_t val, uaddr;
	uint32_t flags, __reserved;
};

/* What a thread's robust locks are found by when it dies; libc's, and the kernel's to follow. */
struct robust_list {
	struct robust_list *next;
};
struct robust_list_head {
	struct robust_list list;
	long futex_offset;
	struct robust_list *list_op_pending;
};

#endif
#endif
