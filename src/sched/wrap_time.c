/* SPDX-License-Identifier: MIT */
/* Time, which is virtual under the scheduler; it orders nothing. */
#include <errno.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

enum { NANO = 1000000000, MICRO = 1000000 };

WRAP(int, clock_gettime, (clockid_t clock, struct timespec *now))
{
	return MODELLED ? model_clock_gettime(clock, now) : REAL(clock_gettime)(clock, now);
}

WRAP(int, gettimeofday, (struct timeval * now, void *zone))
{
	struct timespec moment;

	if (!MODELLED || !now)
		return REAL(gettimeofday)(now, zone);
	model_clock_gettime(CLOCK_REALTIME, &moment);
	*now = (struct timeval){moment.tv_sec, moment.tv_nsec / (NANO / MICRO)};
	return 0;
}

WRAP(time_t, time, (time_t * now))
{
	struct timespec moment;

	if (!MODELLED)
		return REAL(time)(now);
	model_clock_gettime(CLOCK_REALTIME, &moment);
	if (now)
		*now = moment.tv_sec;
	return moment.tv_sec;
}

WRAP(int, clock_nanosleep,
     (clockid_t clock, int flags, const struct timespec *request, struct timespec *left))
{
	return MODELLED ? model_clock_nanosleep(HERE, clock, flags, request, left)
			: REAL(clock_nanosleep)(clock, flags, request, left);
}

/* As clock_nanosleep, but for how it fails. */
static int sleep_for(const void *pc, const struct timespec *request, struct timespec *left)
{
	int error = model_clock_nanosleep(pc, CLOCK_REALTIME, 0, request, left);

	if (!error)
		return 0;
	errno = error;
	return -1;
}

WRAP(int, nanosleep, (const struct timespec *request, struct timespec *left))
{
	return MODELLED ? sleep_for(HERE, request, left) : REAL(nanosleep)(request, left);
}

WRAP(int, usleep, (useconds_t microseconds))
{
	struct timespec request = {microseconds / MICRO,
				   (long)(microseconds % MICRO) * (NANO / MICRO)};

	return MODELLED ? sleep_for(HERE, &request, NULL) : REAL(usleep)(microseconds);
}

WRAP(unsigned, sleep, (unsigned seconds))
{
	struct timespec request = {seconds, 0}, left = {0};

	if (!MODELLED)
		return REAL(sleep)(seconds);
	return sleep_for(HERE, &request, &left) ? (unsigned)left.tv_sec + (left.tv_nsec > 0) : 0;
}
