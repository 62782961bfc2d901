/* SPDX-License-Identifier: MIT */
#include "ref/hold.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

_Thread_local struct hold *hold_own;

/* Not allocated, for a thread's first call may be in a handler that has interrupted malloc. */
enum { THREADS = 256 };
static struct hold holds[THREADS];
static _Atomic unsigned begun; /* as many of them as ever were taken, at most */
/* Of all threads that can't have one of those. */
static struct hold none = {.held = &none};

#ifdef SYS_membarrier
/* As of <linux/membarrier.h>, which not every libc's machine has. */
enum { BARRIER = 1 << 3, REGISTER = 1 << 4 };

static bool pass_barrier(void)
{
	/* whoever has not yet said that he wants to, as a child perhaps, is refused */
	return syscall(SYS_membarrier, BARRIER, 0, 0) == 0 ||
	       (syscall(SYS_membarrier, REGISTER, 0, 0) == 0 &&
		syscall(SYS_membarrier, BARRIER, 0, 0) == 0);
}
#else
static bool pass_barrier(void)
{
	return false;
}
#endif

/* -- a thread's ------------------------------------------------------------------------------- */

static pthread_key_t key;
static bool is_possible;

static void end(void *own)
{
	struct hold *hold = own;

	/* who was cancelled in a call has hold of something for ever */
	hold_own = NULL;
	if (!atomic_load(&hold->held))
		atomic_store(&hold->is_taken, false);
}

static void look_whether_it_is_possible(void)
{
	is_possible = pass_barrier() && pthread_key_create(&key, end) == 0;
}

/* One that no thread has; NULL: there are too many threads. */
static struct hold *find_free(void)
{
	for (unsigned i = 0; i < THREADS; i++) {
		if (atomic_exchange(&holds[i].is_taken, true))
			continue;
		unsigned before = atomic_load(&begun);

		while (before <= i && !atomic_compare_exchange_weak(&begun, &before, i + 1))
			continue;
		return &holds[i];
	}
	return NULL;
}

struct hold *hold_begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int saved = errno;

	pthread_once(&once, look_whether_it_is_possible);
	struct hold *own = is_possible ? find_free() : NULL;

	if (own && pthread_setspecific(key, own) != 0) {
		atomic_store(&own->is_taken, false);
		own = NULL;
	}
	hold_own = own ? own : &none;
	errno = saved;
	return hold_own;
}

/* -- all threads' ----------------------------------------------------------------------------- */

bool hold_look(void)
{
	int saved = errno;
	bool is_passed = atomic_load(&begun) == 0 || pass_barrier();

	errno = saved;
	return is_passed;
}

bool hold_is_elsewhere(const void *thing)
{
	unsigned count = atomic_load(&begun);

	for (unsigned i = 0; i < count; i++)
		if (&holds[i] != hold_own && atomic_load(&holds[i].held) == thing)
			return true;
	return false;
}

void hold_forget_others(void)
{
	for (unsigned i = 0; i < THREADS; i++)
		if (&holds[i] != hold_own) {
			atomic_store(&holds[i].held, NULL);
			atomic_store(&holds[i].is_taken, false);
		}
}
