/* SPDX-License-Identifier: MIT */
#include "ref/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ref/futex.h"
#include "ref/kernel.h"
#include "ref/loss.h"
#include "ref/step.h"

/* Turns of a short wait on another processor, before one sleeps. */
enum { LOCK_SPINS = 100 };
/* How long to sleep before one looks after the owner oneself. */
enum { LOOK_AFTER_MS = 10 };
/*
 * And where the kernel does: it wakes nobody for a waiter that was killed when it had been woken,
 * if another has taken the lock meanwhile without knowing of any waiter.  (The fuzzer has less time
 * than others.)
 */
#ifndef LOOK_AGAIN_MS
#define LOOK_AGAIN_MS 100
#endif
/*
 * An owner that isn't there, though the kernel would have said so, never was: a hostile peer has
 * written its number.  Unless it is one of another PID namespace, which works under the lock for
 * moments only; so nobody asks for so long.
 */
enum { TRUST_MS = 10 * LOOK_AGAIN_MS };
/*
 * Who has waited for so long, whoever had it meanwhile, has to do with no honest peers: then there
 * is no object any more.
 */
enum { LONGEST_WAIT_MS = 600 * LOOK_AGAIN_MS };

/* What a thread knows of itself. */
static _Thread_local struct {
	uint32_t id;
	bool knows_life, knows_world;
	struct life life;
	uint32_t world;
	/* What it has or is taking; a handler's come after those of the call it has interrupted. */
	const struct lock *locks[4];
	unsigned depth; /* how many, perhaps more than are noted */
#ifdef __linux__
	struct robust_list_head *list; /* libc's, known to the kernel; NULL: there is none */
	/* What was announced before each: libc's own, or the lock before it. */
	struct robust_list *before[4];
	struct robust_list *before_sleep;
#endif
} self;
enum { DEPTH = sizeof(self.locks) / sizeof(self.locks[0]) };

/* -- who is who ------------------------------------------------------------------------------- */

/* A child has another id, and its list is where its parent's was. */
static void forget_self(void)
{
	self.id = 0;
	self.knows_life = false;
	self.knows_world = false;
	self.depth = 0;
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, forget_self);
}

#ifdef SYS_get_robust_list
/* The one that the kernel knows of, of this thread; NULL: none. */
static struct robust_list_head *robust_list(void)
{
	struct robust_list_head *list = NULL;
	size_t size = 0;

	if (syscall(SYS_get_robust_list, 0, &list, &size) < 0 || size != sizeof(*list))
		return NULL;
	return list;
}

/* Makes libc tell the kernel of its list, which some do only when it is needed. */
static void need_robust_list(void)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t mutex;

	if (pthread_mutexattr_init(&attributes))
		return;
	/* musl has on its list only what is shared */
	if (pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
	    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
	    pthread_mutex_init(&mutex, &attributes) == 0) {
		if (pthread_mutex_lock(&mutex) == 0)
			pthread_mutex_unlock(&mutex);
		pthread_mutex_destroy(&mutex);
	}
	pthread_mutexattr_destroy(&attributes);
}
#endif

static void know_self(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int saved = errno;

	pthread_once(&once, watch_forks);
#ifdef __linux__
	self.id = (uint32_t)syscall(SYS_gettid);
#ifdef SYS_get_robust_list
	if (futex_is_there()) {
		self.list = robust_list();
		/* else not: libc's lock clears what is noted there, by one that this interrupts */
		if (!self.list) {
			need_robust_list();
			self.list = robust_list();
		}
	}
#endif
#else
	self.id = (uint32_t)getpid();
#endif
	errno = saved;
}

uint32_t thread_id(void)
{
	if (!self.id)
		know_self();
	return self.id;
}

bool kernel_minds_the_dead(void)
{
#ifdef __linux__
	thread_id();
	return self.list;
#else
	return false;
#endif
}

/* What /proc/ID/task/ID/stat tells of a thread; 0: nothing. */
struct status {
	char state;
	uint64_t flags, threads, birth, stack;
};
enum { STATE = 3, FLAGS = 9, THREADS = 20, BIRTH = 22, STACK = 28 };
enum { FLAG_EXITING = 4 }; /* Linux's PF_EXITING */

static bool look_up(const char *path, struct status *status)
{
	char line[512] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t size = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (size <= 0)
		return false;

	/* the name, which may contain anything, ends with the last bracket */
	const char *field = strrchr(line, ')');
	if (!field || field[1] != ' ')
		return false;
	memset(status, 0, sizeof(*status));
	status->state = field[2];
	for (int number = STATE; (field = strchr(field + 1, ' ')); number++) {
		if (number == FLAGS)
			status->flags = strtoull(field, NULL, 10);
		else if (number == THREADS)
			status->threads = strtoull(field, NULL, 10);
		else if (number == BIRTH)
			status->birth = strtoull(field, NULL, 10);
		else if (number == STACK)
			status->stack = strtoull(field, NULL, 10);
	}
	return true;
}

static bool look_up_thread(uint32_t id, struct status *status)
{
	char path[48];

	/* of /proc/ID/stat emulators make up what their own process gets to see */
	snprintf(path, sizeof(path), "/proc/%u/task/%u/stat", id, id);
	return look_up(path, status);
}

uint64_t thread_birth(uint32_t id)
{
	int saved = errno;
	struct status status;
	bool is_there = look_up_thread(id, &status);

	errno = saved;
	return is_there ? status.birth : 0;
}

static struct life life_of(const struct status *status)
{
	/* a stack begins at a multiple of 8 at least, and far apart from another's */
	return (struct life){(uint32_t)status->birth, (uint32_t)(status->stack >> 3)};
}

/* What isn't known on both sides is the same. */
static bool is_same(uint32_t one, uint32_t other)
{
	return one == other || one == 0 || other == 0;
}

bool life_goes_on(uint32_t id, struct life life)
{
	int saved = errno;
	struct status status;
	bool goes_on;

	if (look_up_thread(id, &status)) {
		struct life now = life_of(&status);

		goes_on = status.state != 'Z' && status.state != 'X' &&
			  !(status.flags & FLAG_EXITING) && is_same(life.birth, now.birth) &&
			  is_same(life.image, now.image);
	} else {
		goes_on = kill((pid_t)id, 0) == 0 || errno != ESRCH;
	}
	errno = saved;
	return goes_on;
}

bool thread_lives(uint32_t id, uint64_t birth)
{
	return life_goes_on(id, (struct life){.birth = (uint32_t)birth});
}

bool process_lives(uint32_t id, uint64_t birth)
{
	int saved = errno;
	struct status status;
	bool outlives_its_first_thread = look_up_thread(id, &status) && status.threads > 1 &&
					 is_same((uint32_t)birth, (uint32_t)status.birth);

	errno = saved;
	return outlives_its_first_thread || thread_lives(id, birth);
}

struct life thread_life(void)
{
	uint32_t id = thread_id();

	if (!self.knows_life) {
		int saved = errno;
		struct status status;

		/* under this name, for emulators answer for the others as for nobody else */
		if (id && look_up("/proc/thread-self/stat", &status))
			self.life = life_of(&status);
		else
			self.life = (struct life){0, 0};
		self.knows_life = true;
		errno = saved;
	}
	return self.life;
}

uint32_t thread_world(void)
{
	if (!self.knows_world) {
		int saved = errno;
		struct stat status;

		thread_id(); /* it is forgotten with that */
		self.world = stat("/proc/self/ns/pid", &status) == 0 ? (uint32_t)status.st_ino : 0;
		self.knows_world = true;
		errno = saved;
	}
	return self.world;
}

/* -- the lock --------------------------------------------------------------------------------- */

#ifdef __linux__
/* Never followed, only the offset is added again: no list is needed there. */
static struct robust_list *entry_of(const struct lock *lock)
{
	return (struct robust_list *)((char *)&lock->word - self.list->futex_offset);
}
#endif

/* From now on the kernel looks at this word when this thread dies. */
static inline void announce(struct lock *lock)
{
	unsigned depth = self.depth++;

	if (depth < DEPTH) {
		self.locks[depth] = lock;
#ifdef __linux__
		if (self.list) {
			self.before[depth] = self.list->list_op_pending;
			self.list->list_op_pending = entry_of(lock);
		}
#endif
	}
	atomic_signal_fence(memory_order_seq_cst);
}

/*
 * Whether the lock, whose owner has this thread's id, is indeed its own: it is in a handler that
 * has interrupted the very call that has taken it.  Processes with ids of their own (CLONE_NEWPID)
 * may share an object, so the id alone doesn't tell.
 */
static bool is_own(const struct lock *lock)
{
	/* but for the last, which it is taking now */
	for (unsigned i = 0; i + 1 < self.depth && i < DEPTH; i++)
		if (self.locks[i] == lock)
			return true;
	return false;
}

/*
 * It would wait for itself, and all others for it: when it dies, they go on.  To keep handlers from
 * running while something is locked would take longer than all that is done meanwhile.
 */
static _Noreturn void end_for_the_others(void)
{
	static const char why[] = "libipcref: the handler of a signal uses an object that the "
				  "call it has interrupted is changing\n";
	ssize_t ignored = write(STDERR_FILENO, why, sizeof(why) - 1);

	(void)ignored;
	abort();
}

static inline void withdraw(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	self.depth--;
#ifdef __linux__
	if (self.list && self.depth < DEPTH)
		self.list->list_op_pending = self.before[self.depth];
#endif
}

/*
 * The same for the time of a sleep in which nothing is locked.  Who leaves that by longjmp stays
 * announced, which costs others no more than a futile wakeup when he dies.
 */
static void announce_sleep(struct lock *lock)
{
#ifdef __linux__
	if (self.list && self.depth == 0) {
		self.before_sleep = self.list->list_op_pending;
		self.list->list_op_pending = entry_of(lock);
	}
#else
	(void)lock;
#endif
}

/*
 * The sleep is over, and the lock is being taken.  Nothing is withdrawn in between: who was woken
 * and is killed there would take along the wakeup that is the next one's.
 */
static inline void announce_after_sleep(struct lock *lock)
{
#ifdef __linux__
	if (self.list && self.depth == 0) {
		self.depth = 1;
		self.locks[0] = lock;
		self.before[0] = self.before_sleep;
		self.list->list_op_pending = entry_of(lock);
		atomic_signal_fence(memory_order_seq_cst);
		return;
	}
#endif
	announce(lock);
}

/* True: it is taken from somebody who died with it, and whom no kernel minded. */
static bool take_from_the_dead(struct lock *lock)
{
	uint32_t word = atomic_load(&lock->word);

	return (word & LOCK_OWNER) && !thread_lives(word & LOCK_OWNER, 0) &&
	       atomic_compare_exchange_strong(&lock->word, &word, thread_id() | LOCK_IS_WAITED_FOR);
}

/* How long somebody has waited: for one owner that didn't change, and at all. */
struct wait {
	uint32_t owner;
	int unchanged_ms;
	int64_t all_ns;
};

static int64_t nanoseconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Sleeps until the lock is dropped, or it is time to look again. */
static void sleep_for(struct lock *lock, uint32_t word, struct wait *wait)
{
	int interval = kernel_minds_the_dead() ? LOOK_AGAIN_MS : LOOK_AFTER_MS;
	int64_t begin = nanoseconds();
	int result = futex_wait(&lock->word, word, interval);
	int64_t most = interval * (int64_t)1000000, slept = nanoseconds() - begin;

	/* what is beyond is this thread's own delay: there were no more looks in it */
	wait->all_ns += slept < most ? slept : most;
	if (result == 0 || wait->owner != (word & LOCK_OWNER))
		wait->unchanged_ms = 0;
	else if (result == ETIMEDOUT)
		wait->unchanged_ms += interval;
	wait->owner = word & LOCK_OWNER;
}

/* Waits for it where the one look has found it taken, or hasn't taken it for no reason. */
static __attribute__((noinline)) bool wait_and_take(struct lock *lock, uint32_t bits)
{
	uint32_t id = thread_id(), word = atomic_load_explicit(&lock->word, memory_order_relaxed);
	struct wait wait = {0, 0, 0};
	unsigned spins = 0;

	for (;;) {
		if (!(word & LOCK_OWNER)) {
			uint32_t taken = id | bits | (word & LOCK_IS_WAITED_FOR);

			if (atomic_compare_exchange_weak_explicit(&lock->word, &word, taken,
								  memory_order_acquire,
								  memory_order_relaxed))
				return !(word & LOCK_OWNER_DIED);
			continue;
		}
		if (spins++ < LOCK_SPINS) {
			pause_briefly();
			word = atomic_load_explicit(&lock->word, memory_order_relaxed);
			continue;
		}
		if ((word & LOCK_OWNER) == id && is_own(lock))
			end_for_the_others();
		if (!(word & LOCK_IS_WAITED_FOR) &&
		    !atomic_compare_exchange_weak(&lock->word, &word, word | LOCK_IS_WAITED_FOR))
			continue;
		STEP("lock/wait/told");
		bits = LOCK_IS_WAITED_FOR;
		sleep_for(lock, word | LOCK_IS_WAITED_FOR, &wait);
		if ((wait.unchanged_ms >= TRUST_MS || !kernel_minds_the_dead()) &&
		    take_from_the_dead(lock))
			return false;
		if (wait.all_ns >= LONGEST_WAIT_MS * (int64_t)1000000) {
			loss_declare(lock);
			wait.all_ns = 0;
		}
		word = atomic_load_explicit(&lock->word, memory_order_relaxed);
	}
}

/* It is announced; bits: LOCK_IS_WAITED_FOR, if others may sleep for it without its saying so. */
static inline bool take(struct lock *lock, uint32_t bits)
{
	uint32_t id = self.id, free = 0;

	bool is_whole =
		atomic_compare_exchange_weak_explicit(&lock->word, &free, id | bits,
						      memory_order_acquire, memory_order_relaxed) ||
		wait_and_take(lock, bits);

	STEP("lock/take/taken");
	return is_whole;
}

static inline void require_self(void)
{
	if (!self.id)
		know_self();
}

bool lock_take(struct lock *lock)
{
	require_self();
	announce(lock);
	return take(lock, 0);
}

void lock_drop(struct lock *lock)
{
	uint32_t word = atomic_exchange_explicit(&lock->word, 0, memory_order_release);

	STEP("lock/drop/free");
	if (word & LOCK_IS_WAITED_FOR)
		futex_wake(&lock->word, 1);
	withdraw();
}

static void drop_among_sleepers(struct lock *lock)
{
	uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(&lock->word, &word, word & LOCK_IS_WAITED_FOR,
						      memory_order_release, memory_order_relaxed))
		continue;
	STEP("lock/drop/free-among-sleepers");
	word &= LOCK_IS_WAITED_FOR;
	if (word && futex_wake(&lock->word, 1) == 0)
		atomic_compare_exchange_strong(&lock->word, &word, 0);
}

void lock_drop_among_sleepers(struct lock *lock)
{
	drop_among_sleepers(lock);
	withdraw();
}

void lock_drop_to_sleep(struct lock *lock)
{
	drop_among_sleepers(lock);
	withdraw();
	announce_sleep(lock);
}

bool lock_take_again(struct lock *lock)
{
	require_self();
	announce_after_sleep(lock);
	return take(lock, LOCK_IS_WAITED_FOR);
}

/* -- marks ------------------------------------------------------------------------------------ */

bool lock_mark(struct lock *mark)
{
	uint32_t word = atomic_load_explicit(&mark->word, memory_order_relaxed);

	if ((word & LOCK_OWNER) || !kernel_minds_the_dead())
		return false;
	announce(mark);
	if (atomic_compare_exchange_strong(&mark->word, &word, thread_id())) {
		STEP("lock/mark/set");
		return true;
	}
	withdraw();
	return false;
}

void lock_unmark(struct lock *mark)
{
	atomic_store_explicit(&mark->word, 0, memory_order_release);
	STEP("lock/mark/gone");
	withdraw();
}
