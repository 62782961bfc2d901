/* SPDX-License-Identifier: MIT */
#include "ref/futex.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ref/kernel.h"
#include "ref/step.h"

#if defined(SYS_futex_time64) && !defined(SYS_futex)
#define SYS_futex SYS_futex_time64
#endif

/* The intervals of a poll: each is twice as long as the one before. */
enum { SHORTEST_POLL_NS = 1000, POLL_NS = 1000000 };
/* The longest sleep of who must look again. */
enum { DOZE_MS = 100 };

/*
 * What a cancellation may cut off in the middle, so that it is never returned from: a sanitizer
 * must not lie in wait on its stack for whoever has that place next.
 */
#define CAN_BE_CUT_OFF __attribute__((no_sanitize("address")))
/* As many words as the kernel takes at once. */
enum { MOST_WORDS = 128 };

static bool is_there;

static void look_whether_it_is_there(void)
{
#ifdef SYS_futex
	const char *how = getenv("IPCREF_WAIT");
	uint32_t word = 0;

	is_there = !(how && strcmp(how, "poll") == 0) &&
		   syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0;
#endif
}

bool futex_is_there(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, look_whether_it_is_there);
	return is_there;
}

CAN_BE_CUT_OFF static struct timespec now(clockid_t clock)
{
	struct timespec moment;

	clock_gettime(clock, &moment);
	return moment;
}

/* Less than a second from now. */
CAN_BE_CUT_OFF static struct timespec in_future_ns(clockid_t clock, long nanoseconds)
{
	struct timespec moment = now(clock);

	moment.tv_nsec += nanoseconds;
	if (moment.tv_nsec >= 1000000000) {
		moment.tv_sec++;
		moment.tv_nsec -= 1000000000;
	}
	return moment;
}

CAN_BE_CUT_OFF struct timespec moment_after(clockid_t clock, int milliseconds)
{
	struct timespec moment = in_future_ns(clock, milliseconds % 1000 * 1000000L);

	moment.tv_sec += milliseconds / 1000;
	return moment;
}

bool moment_is_before(const struct timespec *one, const struct timespec *other)
{
	return one->tv_sec < other->tv_sec ||
	       (one->tv_sec == other->tv_sec && one->tv_nsec < other->tv_nsec);
}

bool moment_is_past(clockid_t clock, const struct timespec *moment)
{
	struct timespec time = now(clock);

	return !moment_is_before(&time, moment);
}

bool moment_is_valid(clockid_t clock, const struct timespec *moment)
{
	return (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC) && moment->tv_nsec >= 0 &&
	       moment->tv_nsec < 1000000000;
}

bool duration_is_valid(const struct timespec *duration)
{
	return duration->tv_sec >= 0 && moment_is_valid(CLOCK_MONOTONIC, duration);
}

const struct timespec *end_of_duration(const struct timespec *duration, struct timespec *end)
{
	if (!duration || duration->tv_sec > INT32_MAX / 2)
		return NULL;
	*end = now(CLOCK_MONOTONIC);
	end->tv_nsec += duration->tv_nsec;
	end->tv_sec += duration->tv_sec + end->tv_nsec / 1000000000;
	end->tv_nsec %= 1000000000;
	return end;
}

bool some_handler_interrupts(void)
{
	struct sigaction action;

	for (int signal = 1; signal <= SIGRTMAX; signal++)
		if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
		    action.sa_handler != SIG_IGN && !(action.sa_flags & SA_RESTART))
			return true;
	return false;
}

CAN_BE_CUT_OFF int futex_poll_until(_Atomic uint32_t *word, uint32_t value, clockid_t clock,
				    const struct timespec *moment)
{
	struct timespec interval = {0, SHORTEST_POLL_NS};
	sigset_t all, before;
	int saved = errno, result = 0, cancelling;

	/* libc's sleeps are cancellation points, and what waits here for a lock must be none */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling);
	/* a handler runs only while one sleeps, or it would be forgotten */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (!result && atomic_load(word) == value) {
		if (moment && moment_is_past(clock, moment))
			result = ETIMEDOUT;
		else if (pselect(0, NULL, NULL, NULL, &interval, &before) < 0 && errno == EINTR &&
			 (moment || some_handler_interrupts()))
			result = EINTR;
		else if (interval.tv_nsec < POLL_NS)
			interval.tv_nsec *= 2;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_setcancelstate(cancelling, NULL);
	errno = saved;
	return result;
}

#ifdef SYS_futex
/* What the kernel calls a struct timespec: not what every libc does. */
struct kernel_time {
	long seconds, nanoseconds;
};

CAN_BE_CUT_OFF static long call_futex(_Atomic uint32_t *word, int operation, uint32_t value,
				      const void *time, const void *other)
{
	return syscall(SYS_futex, word, operation, value, time, other, ~0u);
}

/* What came of a sleep. */
static int end_of_sleep(long answer)
{
	return answer < 0 && (errno == EINTR || errno == ETIMEDOUT) ? errno : 0;
}
#endif

int futex_wait(_Atomic uint32_t *word, uint32_t value, int milliseconds)
{
	struct timespec moment, *end = NULL;
	int saved = errno, result;

	if (milliseconds != FOR_EVER) {
		moment = moment_after(CLOCK_MONOTONIC, milliseconds);
		end = &moment;
	}
	result = futex_wait_until(word, value, CLOCK_MONOTONIC, end);
	errno = saved;
	return result;
}

CAN_BE_CUT_OFF int futex_wait_until(_Atomic uint32_t *word, uint32_t value, clockid_t clock,
				    const struct timespec *moment)
{
#ifdef SYS_futex
	if (futex_is_there()) {
		int saved = errno, operation = FUTEX_WAIT_BITSET, result;
		struct kernel_time end = {0, 0};

		if (moment && moment->tv_sec > 0) {
			end.seconds = moment->tv_sec > LONG_MAX ? LONG_MAX : (long)moment->tv_sec;
			end.nanoseconds = moment->tv_nsec;
		}
		if (clock == CLOCK_REALTIME)
			operation |= FUTEX_CLOCK_REALTIME;
		result = end_of_sleep(
			call_futex(word, operation, value, moment ? &end : NULL, NULL));
		errno = saved;
		return result;
	}
#endif
	return futex_poll_until(word, value, clock, moment);
}

CAN_BE_CUT_OFF int futex_doze_until(_Atomic uint32_t *word, uint32_t value, clockid_t clock,
				    const struct timespec *moment)
{
	struct timespec soon = moment_after(clock, DOZE_MS);
	bool is_last = moment && moment_is_before(moment, &soon);
	int result = futex_wait_until(word, value, clock, is_last ? moment : &soon);

	return result == ETIMEDOUT && !is_last ? EAGAIN : result;
}

CAN_BE_CUT_OFF int futex_doze_cancellably(_Atomic uint32_t *word, uint32_t value, clockid_t clock,
					  const struct timespec *moment)
{
	int result;

#ifdef __GLIBC__
	/* what is looked up once must not be cut off in the middle */
	if (futex_is_there()) {
		int before;

		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
		result = futex_doze_until(word, value, clock, moment);
		pthread_setcanceltype(before, NULL);
		return result;
	}
#endif
	/*
	 * musl jumps from wherever it is to what cleans up, without the alignment of the stack that
	 * compilers rely on; but whatever the type, it ends a sleep with EINTR.  Who polls is not
	 * cut off at all.  Between the two the cancellation is acted on a doze later.
	 */
	pthread_testcancel();
	result = futex_doze_until(word, value, clock, moment);
	pthread_testcancel();
	return result;
}

#ifdef SYS_futex_waitv
/* False: it can't be had. */
static bool wait_for_each(const struct waited_word *words, unsigned count,
			  const struct timespec *moment)
{
	struct futex_waitv each[MOST_WORDS];
	/* of 64 bits, whatever libc's is */
	const int64_t end[2] = {moment->tv_sec, moment->tv_nsec};

	if (count > MOST_WORDS || !futex_is_there())
		return false;
	memset(each, 0, sizeof(each));
	for (unsigned i = 0; i < count; i++)
		each[i] = (struct futex_waitv){.val = words[i].value,
					       .uaddr = (uintptr_t)words[i].word,
					       .flags = FUTEX_32};
	return syscall(SYS_futex_waitv, each, count, 0, end, CLOCK_MONOTONIC) >= 0 ||
	       errno != ENOSYS;
}
#else
static bool wait_for_each(const struct waited_word *words, unsigned count,
			  const struct timespec *moment)
{
	(void)words, (void)count, (void)moment;
	return false;
}
#endif

static bool each_stays(const struct waited_word *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (atomic_load(words[i].word) != words[i].value)
			return false;
	return true;
}

static void poll_each(const struct waited_word *words, unsigned count,
		      const struct timespec *moment)
{
	struct timespec interval = {0, SHORTEST_POLL_NS};

	while (each_stays(words, count) && !moment_is_past(CLOCK_MONOTONIC, moment)) {
		nanosleep(&interval, NULL);
		if (interval.tv_nsec < POLL_NS)
			interval.tv_nsec *= 2;
	}
}

void futex_wait_any(const struct waited_word *words, unsigned count, int milliseconds)
{
	struct timespec moment = moment_after(CLOCK_MONOTONIC, milliseconds);
	int saved = errno;

	if (count == 1)
		futex_wait(words[0].word, words[0].value, milliseconds);
	else if (!wait_for_each(words, count, &moment))
		poll_each(words, count, &moment);
	errno = saved;
}

int futex_wake(_Atomic uint32_t *word, int count)
{
	int saved = errno, woken = 0;

#ifdef SYS_futex
	if (futex_is_there())
		woken = (int)call_futex(word, FUTEX_WAKE, (uint32_t)count, NULL, NULL);
#endif
	errno = saved;
	return woken;
}

void futex_move(_Atomic uint32_t *word, _Atomic uint32_t *other)
{
	int saved = errno;

#ifdef SYS_futex
	if (futex_is_there() &&
	    call_futex(word, FUTEX_REQUEUE, 0, (const void *)(intptr_t)INT_MAX, other) < 0)
		call_futex(word, FUTEX_WAKE, INT_MAX, NULL, NULL);
#endif
	errno = saved;
}

/* -- looking out ------------------------------------------------------------------------------ */

/* About what it costs to be woken, and how many looks there are to one at the clock. */
enum { LOOK_OUT_NS = 20000, TURNS = 64 };

/* From 1; 0: nobody knows. */
static uint32_t processor(void)
{
#ifdef __linux__
	int number = sched_getcpu();

	return number < 0 ? 0 : (uint32_t)number + 1;
#else
	return 0;
#endif
}

void say_where(_Atomic uint32_t *where)
{
	atomic_store_explicit(where, processor(), memory_order_relaxed);
}

/* 0: nobody knows, or it's of no use. */
static uint32_t where_it_was(const _Atomic uint32_t *where)
{
#ifdef IPCREF_POINTS
	/* nobody else runs before the next point */
	if (ipcref_hook.step)
		return 0;
#endif
	return atomic_load_explicit(where, memory_order_relaxed);
}

bool is_elsewhere(const _Atomic uint32_t *where)
{
	uint32_t there = where_it_was(where);

	return there && there != processor();
}

bool is_here(const _Atomic uint32_t *where)
{
	uint32_t there = where_it_was(where);

	return there && there == processor();
}

bool outlook_goes_on(struct outlook *outlook)
{
	pause_briefly();
	if (++outlook->turns % TURNS)
		return true;
	if (outlook->turns > TURNS)
		return !moment_is_past(CLOCK_MONOTONIC, &outlook->end);
	outlook->end = in_future_ns(CLOCK_MONOTONIC, LOOK_OUT_NS);
	return true;
}
