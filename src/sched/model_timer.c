/* SPDX-License-Identifier: MIT */
/*
 * Alarms ring in virtual time, as timeouts expire: when nobody has anything else to do.  The
 * scheduler sends the signal, see schedule.c.
 */
#include <errno.h>

#include "sched/model.h"
#include "sched/schedule.h"

enum { SECOND = 1000000000, MICROSECOND = 1000, MICROSECONDS = 1000000 };

static struct actor *own_process(void)
{
	return &arena->actor[arena->actor[runtime_self()].process];
}

static int64_t nanoseconds(const struct timeval *time)
{
	return time->tv_sec * INT64_C(1000000000) + time->tv_usec * INT64_C(1000);
}

static struct timeval duration(int64_t nanoseconds)
{
	return (struct timeval){nanoseconds / SECOND, nanoseconds % SECOND / MICROSECOND};
}

/* One that is about to ring has a microsecond left: nothing left is no alarm. */
static int64_t left_of(const struct actor *process)
{
	int64_t left = process->alarm - arena->now;

	if (process->alarm < 0)
		return 0;
	return left < MICROSECOND ? MICROSECOND : left;
}

static bool is_duration(const struct timeval *time)
{
	return time->tv_sec >= 0 && time->tv_usec >= 0 && time->tv_usec < MICROSECONDS;
}

void model_getitimer(struct itimerval *old)
{
	const struct actor *process = own_process();

	old->it_value = duration(left_of(process));
	old->it_interval = duration(process->alarm < 0 ? 0 : process->interval);
}

int model_setitimer(const struct itimerval *timer, struct itimerval *old)
{
	struct actor *process = own_process();

	if (!is_duration(&timer->it_value) || !is_duration(&timer->it_interval)) {
		errno = EINVAL;
		return -1;
	}
	if (old)
		model_getitimer(old);
	int64_t first = nanoseconds(&timer->it_value);

	process->alarm = first ? arena->now + first : FOREVER;
	process->interval = nanoseconds(&timer->it_interval);
	return 0;
}
