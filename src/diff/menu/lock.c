/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <time.h>

#include "contract/lock.h"
#include "diff/generate.h"

static const char *const all[] = {"f", "f:b", "m", "c", "b", "r", "s", NULL};
#define FILES NAMES("f", "f:b")
#define STARTS NUMBERS(0, 5, 10, -1)
#define LENGTHS NUMBERS(10, 0, 1, 5, -3)
#define REGION                                                                                     \
	{                                                                                          \
		STARTS, LENGTHS                                                                    \
	}

static const struct choice choices[] = {
	{OP_lock_open, 12, MAKES | ONCE, .handles = FILES,
	 .n = {NUMBERS(O_RDWR, O_RDWR, O_RDONLY, O_WRONLY)}},
	{OP_lock_read, 5, NEEDS, .handles = FILES, .n = REGION},
	{OP_lock_write, 5, NEEDS, .handles = FILES, .n = REGION},
	{OP_lock_clear, 5, NEEDS, .handles = FILES, .n = REGION},
	{OP_lock_read_wait, 4, NEEDS, .handles = FILES, .n = REGION},
	{OP_lock_write_wait, 5, NEEDS, .handles = FILES, .n = REGION},
	{OP_lock_bars_reader, 2, NEEDS, .handles = FILES, .n = REGION},
	{OP_lock_ofd_read, 3, NEEDS, .handles = FILES, .n = REGION},
	{OP_lock_ofd_write, 3, NEEDS, .handles = FILES, .n = REGION},
	{OP_lock_ofd_clear, 3, NEEDS, .handles = FILES, .n = REGION},
	{OP_lock_ofd_write_wait, 2, NEEDS, .handles = FILES, .n = REGION},
	{OP_lock_flock, 5, NEEDS, .handles = FILES,
	 .n = {NUMBERS(LOCK_EX | LOCK_NB, LOCK_UN, LOCK_SH | LOCK_NB, LOCK_EX, LOCK_SH, 0)}},
	{OP_fd_close, 3, NEEDS | DROPS, .handles = FILES},
	{OP_lock_make_mutex, 5, MAKES | ONCE, .handles = NAMES("m"),
	 .n = {NUMBERS(PTHREAD_MUTEX_ERRORCHECK), NUMBERS(0)}},
	{OP_lock_mutex_lock, 6, NEEDS, .handles = NAMES("m")},
	{OP_lock_mutex_trylock, 2, NEEDS, .handles = NAMES("m")},
	{OP_lock_mutex_timedlock, 2, NEEDS | COMES_BACK, .handles = NAMES("m"),
	 .n = {NUMBERS(-1000, 2)}},
	{OP_lock_mutex_unlock, 8, NEEDS, .handles = NAMES("m")},
	/* of an error-checking mutex: to wait without it is refused, not undefined */
	{OP_lock_make_cond, 4, MAKES | ONCE, .handles = NAMES("c"), .n = {NUMBERS(CLOCK_REALTIME)}},
	{OP_lock_cond_wait, 4, NEEDS | NEEDS_OTHER, .handles = NAMES("c"), .others = NAMES("m")},
	{OP_lock_cond_timedwait, 3, NEEDS | NEEDS_OTHER | COMES_BACK, .handles = NAMES("c"),
	 .others = NAMES("m"), .n = {NUMBERS(CLOCK_REALTIME), NUMBERS(-1000, 2)}},
	{OP_lock_cond_signal, 4, NEEDS, .handles = NAMES("c")},
	{OP_lock_cond_broadcast, 2, NEEDS, .handles = NAMES("c")},
	/* none for nobody: it fails, but its memory is there for a child to make it anew */
	{OP_lock_make_barrier, 2, MAKES | ONCE, .handles = NAMES("b"), .n = {NUMBERS(2, 1)}},
	{OP_lock_barrier_wait, 3, NEEDS, .handles = NAMES("b")},
	{OP_lock_make_rwlock, 5, MAKES | ONCE, .handles = NAMES("r"),
	 .n = {NUMBERS(PTHREAD_PROCESS_SHARED)}},
	{OP_lock_rdlock, 4, NEEDS | SHARES, .handles = NAMES("r")},
	{OP_lock_wrlock, 4, NEEDS | EXCLUDES, .handles = NAMES("r")},
	{OP_lock_tryrdlock, 2, NEEDS | SHARES | NEVER_WAITS, .handles = NAMES("r")},
	{OP_lock_trywrlock, 2, NEEDS | EXCLUDES | NEVER_WAITS, .handles = NAMES("r")},
	{OP_lock_timedrdlock, 2, NEEDS | SHARES | COMES_BACK, .handles = NAMES("r"),
	 .n = {NUMBERS(-1000, 2)}},
	{OP_lock_timedwrlock, 2, NEEDS | EXCLUDES | COMES_BACK, .handles = NAMES("r"),
	 .n = {NUMBERS(-1000, 2)}},
	{OP_lock_clockrdlock, 1, NEEDS | SHARES | COMES_BACK, .handles = NAMES("r"),
	 .n = {NUMBERS(-1000, 2)}},
	{OP_lock_clockwrlock, 1, NEEDS | EXCLUDES | COMES_BACK, .handles = NAMES("r"),
	 .n = {NUMBERS(-1000, 2)}},
	{OP_lock_rwlock_unlock, 10, NEEDS | RELEASES, .handles = NAMES("r")},
	{OP_lock_make_spin, 3, MAKES | ONCE, .handles = NAMES("s")},
	{OP_lock_spin_lock, 2, NEEDS | EXCLUDES | SPINS, .handles = NAMES("s")},
	{OP_lock_spin_trylock, 2, NEEDS | EXCLUDES | NEVER_WAITS, .handles = NAMES("s")},
	{OP_lock_spin_unlock, 4, NEEDS | RELEASES, .handles = NAMES("s")},
};

static const struct choice audits[] = {
	{OP_lock_bars_writer, .handles = FILES, .n = {NUMBERS(0), NUMBERS(0)}},
	{OP_lock_ofd_bars_writer, .handles = FILES, .n = {NUMBERS(0), NUMBERS(0)}},
};

const struct menu lock_menu = {MECHANISM_lock,
			       all,
			       choices,
			       audits,
			       sizeof(choices) / sizeof(choices[0]),
			       sizeof(audits) / sizeof(audits[0]),
			       .waiters = 1,
			       .never_execs = true};
