/* SPDX-License-Identifier: MIT */
/*
 * Time passes only when nobody has anything else to do.  So a timeout expires only if what is
 * waited for doesn't come by itself, and who sleeps goes on when all others wait.
 */
#include <errno.h>

#include "sched/model.h"
#include "sched/real.h"

int REAL(clock_gettime)(clockid_t clock, struct timespec *now);

enum { SECOND = 1000000000 };
/* What the clocks show when a run begins, in seconds. */
enum { BOOTED = 1000, TODAY = 1800000000 };

static int64_t shown(clockid_t clock)
{
	int64_t start = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? TODAY : BOOTED;

	return start * SECOND + sched_now();
}

int64_t model_until(clockid_t clock, const struct timespec *moment)
{
	int64_t left = moment->tv_sec * INT64_C(1000000000) + moment->tv_nsec - shown(clock);

	return left < 0 ? 0 : left;
}

int model_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
		return REAL(clock_gettime)(clock, now);
	int64_t time = shown(clock);
	now->tv_sec = time / SECOND;
	now->tv_nsec = time % SECOND;
	return 0;
}

int model_clock_nanosleep(const void *pc, clockid_t clock, int flags,
			  const struct timespec *request, struct timespec *left)
{
	struct operation sleeps = model_operation(OPERATION_SLEEP, 0, pc);

	if (request->tv_nsec < 0 || request->tv_nsec >= SECOND || request->tv_sec < 0)
		return EINVAL;
	int64_t duration = flags & TIMER_ABSTIME
				   ? model_until(clock, request)
				   : request->tv_sec * INT64_C(1000000000) + request->tv_nsec;
	int64_t end = arena->now + duration;

	sleeps.access = 0;
	if (sched_block(&sleeps, duration) != INTERRUPTED)
		return 0;
	int64_t rest = end > arena->now ? end - arena->now : 0;
	if (left && !(flags & TIMER_ABSTIME))
		*left = (struct timespec){rest / SECOND, rest % SECOND};
	return EINTR;
}

int model_sched_yield(const void *pc)
{
	struct operation yields = model_operation(OPERATION_YIELD, 0, pc);

	yields.access = 0;
	sched_point(&yields);
	return 0;
}
