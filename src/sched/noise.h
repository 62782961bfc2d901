/* SPDX-License-Identifier: MIT */
/* Who is late where all go at once: of the points of a process some, each by chance. */
#ifndef IPCTS_SCHED_NOISE_H
#define IPCTS_SCHED_NOISE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* One point in so many is late, by so many microseconds at most, or only lets others go. */
enum { NOISE_ONE_IN = 20, NOISE_MICROSECONDS_MAX = 200 };

/* Whether this point is; a delay of 0: it lets others go. */
static inline bool noise_comes(uint64_t *state, struct timespec *delay)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	uint64_t random = *state >> 33;

	if (random % NOISE_ONE_IN)
		return false;
	random /= NOISE_ONE_IN;
	*delay = (struct timespec){
		0, random % 2 ? 0 : (long)(random / 2 % NOISE_MICROSECONDS_MAX * 1000)};
	return true;
}

#endif
