/* SPDX-License-Identifier: MIT */
/* What tells a program by itself that time has passed.  The detector leaves it to the kernel. */
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

enum { MICROSECONDS = 1000000 };

/* ---- alarms ---- */

WRAP(int, setitimer, (int which, const struct itimerval *timer, struct itimerval *old))
{
	if (!MODELLED)
		return REAL(setitimer)(which, timer, old);
	/* the others count the processor's time */
	return which == ITIMER_REAL
		       ? model_setitimer(timer, old)
		       : model_refuse(HERE, "setitimer of another clock than ITIMER_REAL");
}

WRAP(int, getitimer, (int which, struct itimerval *old))
{
	if (!MODELLED || which != ITIMER_REAL)
		return REAL(getitimer)(which, old);
	model_getitimer(old);
	return 0;
}

static struct timeval set_alarm(struct itimerval timer)
{
	struct itimerval old;

	model_setitimer(&timer, &old);
	return old.it_value;
}

/* Seconds that were left, at least one. */
WRAP(unsigned, alarm, (unsigned seconds))
{
	if (!MODELLED)
		return REAL(alarm)(seconds);
	struct timeval left = set_alarm((struct itimerval){.it_value = {.tv_sec = seconds}});

	return (unsigned)left.tv_sec +
	       (left.tv_usec >= MICROSECONDS / 2 || (left.tv_sec == 0 && left.tv_usec > 0));
}

static struct timeval of_microseconds(useconds_t microseconds)
{
	return (struct timeval){microseconds / MICROSECONDS, microseconds % MICROSECONDS};
}

WRAP(useconds_t, ualarm, (useconds_t first, useconds_t interval))
{
	if (!MODELLED)
		return REAL(ualarm)(first, interval);
	struct timeval left =
		set_alarm((struct itimerval){of_microseconds(interval), of_microseconds(first)});

	return (useconds_t)(left.tv_sec * MICROSECONDS + left.tv_usec);
}

/* ---- what goes by the kernel's time, or tells of signals that the model keeps ---- */

WRAP(int, timer_create, (clockid_t clock, struct sigevent *event, timer_t *timer))
{
	return MODELLED ? model_refuse(HERE, "timer_create")
			: REAL(timer_create)(clock, event, timer);
}

WRAP(int, timerfd_create, (int clock, int flags))
{
	return MODELLED ? model_refuse(HERE, "timerfd_create") : REAL(timerfd_create)(clock, flags);
}

WRAP(int, signalfd, (int fd, const sigset_t *mask, int flags))
{
	return MODELLED ? model_refuse(HERE, "signalfd") : REAL(signalfd)(fd, mask, flags);
}
