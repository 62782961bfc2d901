/* SPDX-License-Identifier: MIT */
#include "ref/bell.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "ref/futex.h"
#include "ref/object.h"

/* A moment that no sleep outlasts: what has a limit is ended by every handler. */
static const struct timespec far_away = {.tv_sec = INT32_MAX};

static int sleep_for(_Atomic uint32_t *word, uint32_t value, const struct sleep *sleep)
{
	clockid_t clock = sleep->deadline ? sleep->clock : CLOCK_MONOTONIC;
	int (*wait_until)(_Atomic uint32_t *, uint32_t, clockid_t, const struct timespec *) =
		futex_wait_until;

	if (sleep->looks_every) {
		const struct timespec look = moment_after(clock, sleep->looks_every);

		if (!sleep->deadline || moment_is_before(&look, sleep->deadline)) {
			int result = futex_wait_until(word, value, clock, &look);

			return result == ETIMEDOUT ? 0 : result;
		}
	}
	/* who has been moved (bell_ring) is woken by no kernel that minds no dead */
	if (!kernel_minds_the_dead())
		wait_until = futex_poll_until;
	if (sleep->deadline)
		return wait_until(word, value, clock, sleep->deadline);
	return wait_until(word, value, CLOCK_REALTIME,
			  sleep->when_interrupted == SLEEP_ENDS ? &far_away : NULL);
}

/*
 * Where this thread's sleep was ended by a ring and a handler at once.  The ring may have been
 * meant for it alone, so it looks once more; if it would sleep again then, it is told of the
 * handler.
 */
static _Thread_local const struct mapping *interrupted;

static bool was_interrupted(const struct mapping *mapping)
{
	if (interrupted != mapping)
		return false;
	interrupted = NULL;
	return true;
}

void bell_begin(const struct mapping *mapping)
{
	was_interrupted(mapping);
}

int bell_sleep(struct bell *bell, struct mapping *mapping, const struct sleep *sleep)
{
	uint32_t rings = atomic_load(&bell->rings);
	bool is_rung;
	int result;

	if (!object_is_there(mapping))
		return EBADMSG;
	if (was_interrupted(mapping))
		return EINTR;
	if (sleep->deadline && moment_is_past(sleep->clock, sleep->deadline))
		return ETIMEDOUT;
	atomic_store(&bell->is_waited_for, 1);
	STEP("bell/sleep/told");
	mapping_unlock_to_sleep(mapping);
	STEP("bell/sleep/unlocked");
	result = sleep_for(&bell->rings, rings, sleep);
	is_rung = atomic_load(&bell->rings) != rings;
	mapping_lock_again(mapping);

	if (!is_rung)
		return result;
	if (result == EINTR)
		interrupted = mapping;
	return 0;
}

/* -- vigils ----------------------------------------------------------------------------------- */

/* All signals but those that an instruction causes. */
static void keep_signals_waiting(sigset_t *before)
{
	static const int immediate[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(immediate) / sizeof(immediate[0]); i++)
		sigdelset(&set, immediate[i]);
	pthread_sigmask(SIG_BLOCK, &set, before);
}

/* Whether a handler of this signal ends such a sleep. */
static bool ends_sleep(int signal, const struct sleep *sleep)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
	       action.sa_handler != SIG_IGN &&
	       (sleep->when_interrupted == SLEEP_ENDS || !(action.sa_flags & SA_RESTART));
}

/* Lets those run that wait.  False: there were none; *result is EINTR if one ends the sleep. */
static bool let_handlers_run(const struct vigil *vigil, const struct sleep *sleep, int *result)
{
	bool is_any = false, is_end = false;
	sigset_t pending, mask;

	*result = 0;
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	for (int signal = 1; signal <= SIGRTMAX; signal++) {
		if (sigismember(&pending, signal) != 1 || sigismember(&vigil->mask, signal) == 1)
			continue;
		is_any = true;
		is_end |= ends_sleep(signal, sleep);
		sigdelset(&mask, signal);
	}
	/*
	 * Another thread may be quicker: ppoll tells whether a handler has run in this one.  Not
	 * every kernel lets one run where there is no time at all.  A signal that comes only now
	 * goes on waiting, for its handler would not be told from these.
	 */
	if (is_any && ppoll(NULL, 0, &(struct timespec){0, 1000000}, &mask) < 0 && is_end)
		*result = EINTR;
	return is_any;
}

/* False: it has begun before. */
static bool begin_vigil(struct vigil *vigil)
{
	if (vigil->is_kept)
		return false;
	keep_signals_waiting(&vigil->mask);
	vigil->is_kept = true;
	return true;
}

int bell_sleep_in_vigil(struct bell *bell, struct mapping *mapping, const struct sleep *sleep,
			struct vigil *vigil)
{
	uint32_t rings = atomic_load(&bell->rings);
	int result;

	if (!object_is_there(mapping))
		return EBADMSG;
	if (was_interrupted(mapping))
		return EINTR;
	if (sleep->deadline && moment_is_past(sleep->clock, sleep->deadline))
		return ETIMEDOUT;
	/* what came before was told, and what has come just now waits as long as what comes next */
	bool is_first = begin_vigil(vigil);

	atomic_store(&bell->is_waited_for, 1);
	STEP("bell/vigil/told");
	mapping_unlock_to_sleep(mapping);
	STEP("bell/vigil/unlocked");
	result = 0;
	if (is_first || !let_handlers_run(vigil, sleep, &result))
		sleep_for(&bell->rings, rings, sleep);
	mapping_lock_again(mapping);
	return result;
}

bool vigil_look(struct vigil *vigil, const struct sleep *sleep, int *result)
{
	return !begin_vigil(vigil) && let_handlers_run(vigil, sleep, result);
}

int vigil_sleep(struct vigil *vigil, const struct sleep *sleep, _Atomic uint32_t *word,
		uint32_t value, struct lock *mark)
{
	int result = 0;

	if (vigil_look(vigil, sleep, &result))
		return result;
	/* not while handlers run, one of which may never return here */
	bool is_marked = mark && lock_mark(mark);

	futex_wait(word, value, sleep->looks_every);
	if (is_marked)
		lock_unmark(mark);
	return 0;
}

void vigil_end(struct vigil *vigil)
{
	int saved = errno;

	if (vigil->is_kept)
		pthread_sigmask(SIG_SETMASK, &vigil->mask, NULL);
	vigil->is_kept = false;
	errno = saved;
}

/* -- looking out ------------------------------------------------------------------------------ */

/* A peer may ring for ever and leave nothing: then a call is to see that it may not wait. */
enum { MOST_LOOKS = 16 };

bool bell_look_out(struct bell *bell, struct mapping *mapping, struct vigil *vigil)
{
	uint32_t rings = atomic_load_explicit(&bell->rings, memory_order_relaxed);
	struct outlook outlook = {0};

	if (vigil->is_kept || vigil->looks >= MOST_LOOKS || !is_elsewhere(&bell->rung_on))
		return false;
	vigil->looks++;
	mapping_unlock(mapping);
	/* and until it is unlocked, which follows at once, for to ask earlier delays that */
	while (atomic_load_explicit(&bell->rings, memory_order_relaxed) == rings ||
	       lock_is_taken(&mapping->object->lock))
		if (!outlook_goes_on(&outlook))
			break;
	mapping_lock(mapping);
	/* only now: if it is rung no more, nothing has changed, and one may sleep */
	return atomic_load_explicit(&bell->rings, memory_order_relaxed) != rings;
}

/* How often this thread gives way: after a time in vain it lets twice as many chances go by. */
enum { MOST_LEFT_OUT = 127 };
static _Thread_local struct {
	unsigned left_out, to_leave_out;
} chances;

bool bell_give_way(struct bell *bell, struct mapping *mapping, struct vigil *vigil)
{
	uint32_t rings = atomic_load_explicit(&bell->rings, memory_order_relaxed);

	if (vigil->is_kept || vigil->looks >= MOST_LOOKS || !is_here(&bell->rung_on))
		return false;
	if (chances.left_out++ < chances.to_leave_out)
		return false;
	vigil->looks++;
	mapping_unlock(mapping);
	sched_yield();
	mapping_lock(mapping);
	uint32_t rung = atomic_load_explicit(&bell->rings, memory_order_relaxed) - rings;

	/* for a single thing one had better slept: others may have had the processor meanwhile */
	if (rung > 1)
		chances.to_leave_out = 0;
	else if (chances.to_leave_out < MOST_LEFT_OUT)
		chances.to_leave_out = 2 * chances.to_leave_out + 1;
	chances.left_out = 0;
	return rung > 0;
}

/* -- ringing ---------------------------------------------------------------------------------- */

/* They may wait for other objects too, and are not moved: they come to look. */
void bell_wake_pollers(struct mapping *mapping)
{
	struct bell *polled = &mapping->object->polled;

	if (!atomic_load(&polled->is_waited_for))
		return;
	/* first, for whoever comes after it waits for the next ring */
	atomic_store(&polled->is_waited_for, 0);
	STEP("bell/poll/told");
	atomic_fetch_add(&polled->rings, 1);
	STEP("bell/poll/rung");
	futex_wake(&polled->rings, INT_MAX);
	STEP("bell/poll/woken");
}

void bell_ring(struct bell *bell, struct mapping *mapping)
{
	/* one who has the lock is alone with these */
	uint32_t rings = atomic_load_explicit(&bell->rings, memory_order_relaxed);

	bell_wake_pollers(mapping);
	atomic_store_explicit(&bell->rings, rings + 1, memory_order_release);
	STEP("bell/ring/rung");
	if (!atomic_load_explicit(&bell->is_waited_for, memory_order_relaxed))
		return;
	say_where(&bell->rung_on);
	/* before anybody can have been moved: whoever unlocks then wakes the first */
	atomic_fetch_or(&mapping->object->lock.word, LOCK_IS_WAITED_FOR);
	STEP("bell/ring/marked");
	futex_move(&bell->rings, &mapping->object->lock.word);
	STEP("bell/ring/moved");
	/* last, for who dies before has moved nobody perhaps; and nobody can have come since */
	atomic_store(&bell->is_waited_for, 0);
}
