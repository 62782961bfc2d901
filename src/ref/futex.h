/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until a word in shared memory changes: Linux's futex(2) or, where there is none or
 * IPCREF_WAIT=poll says so, looking again and again, at ever longer intervals.
 */
#ifndef IPCREF_FUTEX_H
#define IPCREF_FUTEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { FOR_EVER = -1 };

bool futex_is_there(void);

/*
 * Sleeps while the word has the value, for at most so many milliseconds.  0: woken, or the word had
 * another value, or for no reason; else ETIMEDOUT or EINTR.  Without a limit, a handler with
 * SA_RESTART does not end the sleep.  errno stays as it is.
 */
int futex_wait(_Atomic uint32_t *word, uint32_t value, int milliseconds);
/*
 * The same until a moment of CLOCK_REALTIME or CLOCK_MONOTONIC (NULL: without limit); a moment that
 * is past gives ETIMEDOUT unless the word has another value.
 */
int futex_wait_until(_Atomic uint32_t *word, uint32_t value, clockid_t clock,
		     const struct timespec *moment);
/* The same, but nobody needs to wake it: it looks again and again, about every millisecond. */
int futex_poll_until(_Atomic uint32_t *word, uint32_t value, clockid_t clock,
		     const struct timespec *moment);
/*
 * Sleeps while each of the words has its value, for at most so many milliseconds; where the kernel
 * can't be asked for several, it looks again and again.  Signals are the caller's business, who has
 * them blocked, and so are cancellations.
 */
struct waited_word {
	_Atomic uint32_t *word;
	uint32_t value;
};
void futex_wait_any(const struct waited_word *words, unsigned count, int milliseconds);
/*
 * The same, but EAGAIN before long, for whoever has no kernel to tell him that the one who was to
 * change the word, or to wake him, was killed before he did: time to look again.
 */
int futex_doze_until(_Atomic uint32_t *word, uint32_t value, clockid_t clock,
		     const struct timespec *moment);
/* The same, and a cancellation point: with no other effect than that the sleep doesn't return. */
int futex_doze_cancellably(_Atomic uint32_t *word, uint32_t value, clockid_t clock,
			   const struct timespec *moment);
/* So many milliseconds from now. */
struct timespec moment_after(clockid_t clock, int milliseconds);
bool moment_is_before(const struct timespec *one, const struct timespec *other);
bool moment_is_past(clockid_t clock, const struct timespec *moment);
/* Whether it is one at all, of a clock that one can sleep by. */
bool moment_is_valid(clockid_t clock, const struct timespec *moment);
/* Whether so much time can pass. */
bool duration_is_valid(const struct timespec *duration);
/* When it has passed, by CLOCK_MONOTONIC; NULL: never (NULL), or later than anybody waits. */
const struct timespec *end_of_duration(const struct timespec *duration, struct timespec *end);
/*
 * Whether any handler of this process wants calls to end (no SA_RESTART): what there is to go by
 * where a sleep ended by EINTR that the kernel would have gone on with.
 */
bool some_handler_interrupts(void);
/* Wakes at most so many of those who sleep; how many there were. */
int futex_wake(_Atomic uint32_t *word, int count);
/* Those who sleep for the word sleep for the other from now on, and are not woken. */
void futex_move(_Atomic uint32_t *word, _Atomic uint32_t *other);

/*
 * Looking out before one sleeps, for to be woken by another processor takes long: only where
 * whoever was waited for the last time was on another one, and for no longer than that takes.
 */
struct outlook {
	unsigned turns;
	struct timespec end;
};
/* Notes which processor this is, for who waits the next time; to be done by who must wake. */
void say_where(_Atomic uint32_t *where);
/* Whether that was another one. */
bool is_elsewhere(const _Atomic uint32_t *where);
/* Whether it was this one. */
bool is_here(const _Atomic uint32_t *where);
/* Between two looks: a short while, or false: it's time to sleep.  Begins with {0}. */
bool outlook_goes_on(struct outlook *outlook);

/* A turn of a short wait for another processor. */
static inline void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#else
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

#endif
