/* SPDX-License-Identifier: MIT */
#include "stage/wait.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FUTEX_WAIT_OP = 0, FUTEX_WAKE_OP = 1, LOOK_US = 200 };

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void nap(unsigned microseconds)
{
	nanosleep(&(struct timespec){.tv_nsec = (long)microseconds * 1000}, NULL);
}

bool is_bare(void)
{
	static int bare = -1;

	if (bare < 0)
		bare = getenv("IPCTS_BARE") != NULL;
	return bare;
}

#ifdef SYS_futex
/* False: there's no futex here. */
static bool futex_wait(_Atomic(uint32_t) *word, uint32_t is, unsigned microseconds)
{
	/* what the kernel calls a timespec here: two longs, whatever the library's time_t */
	long timeout[2] = {microseconds / 1000000, (long)(microseconds % 1000000) * 1000};

	if (is_bare())
		return false;
	return syscall(SYS_futex, word, FUTEX_WAIT_OP, is, timeout, NULL, 0) == 0 ||
	       errno != ENOSYS;
}
#endif

static void look_again(_Atomic(uint32_t) *word, uint32_t is, unsigned microseconds)
{
	double until = seconds_now() + microseconds / 1e6;

	while (*word == is && seconds_now() < until)
		nap(LOOK_US);
}

void word_wait_us(_Atomic(uint32_t) *word, uint32_t is, unsigned microseconds)
{
	if (*word != is)
		return;
#ifdef SYS_futex
	if (futex_wait(word, is, microseconds))
		return;
#endif
	look_again(word, is, microseconds);
}

void word_wait(_Atomic(uint32_t) *word, uint32_t is, unsigned milliseconds)
{
	word_wait_us(word, is, milliseconds * 1000);
}

void word_wake(_Atomic(uint32_t) *word)
{
#ifdef SYS_futex
	int error = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_OP, 0x7FFFFFFF, NULL, NULL, 0);
	errno = error;
#else
	(void)word;
#endif
}
