/* SPDX-License-Identifier: MIT */
/*
 * Atomics of 16 bytes, without libatomic: by the compare and swap of processors that have one, so a
 * load has to be of memory that may be written.
 */
#ifndef IPCTS_SCHED_WIDE_H
#define IPCTS_SCHED_WIDE_H

#include <stdbool.h>

#if defined __SIZEOF_INT128__ && (defined __x86_64__ || defined __aarch64__)
#define HAVE_WIDE 1
#ifdef __x86_64__
#define WIDE_TARGET __attribute__((target("cx16")))
#else
#define WIDE_TARGET
#endif

__extension__ typedef unsigned __int128 wide;

WIDE_TARGET static inline wide wide_swapped(volatile wide *at, wide expected, wide value)
{
	return __sync_val_compare_and_swap(at, expected, value);
}

static inline wide wide_load(const volatile wide *at)
{
	return wide_swapped((volatile wide *)at, 0, 0);
}

static inline bool wide_compare_exchange(volatile wide *at, wide *expected, wide value)
{
	wide before = wide_swapped(at, *expected, value);
	bool done = before == *expected;

	*expected = before;
	return done;
}

/* What there was before. */
#define WIDE_UPDATE(name, becomes)                                                                 \
	static inline wide wide_##name(volatile wide *at, wide value)                              \
	{                                                                                          \
		wide before = wide_load(at);                                                       \
                                                                                                   \
		while (!wide_compare_exchange(at, &before, becomes))                               \
			continue;                                                                  \
		return before;                                                                     \
	}

/* clang-format off */
WIDE_UPDATE(exchange, value)
WIDE_UPDATE(fetch_add, before + value)
WIDE_UPDATE(fetch_sub, before - value)
WIDE_UPDATE(fetch_and, before & value)
WIDE_UPDATE(fetch_or, before | value)
WIDE_UPDATE(fetch_xor, before ^ value)
WIDE_UPDATE(fetch_nand, ~(before & value))
/* clang-format on */

static inline void wide_store(volatile wide *at, wide value)
{
	wide_exchange(at, value);
}
#else
#define HAVE_WIDE 0
#endif

#endif
