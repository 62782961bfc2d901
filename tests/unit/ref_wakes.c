/* SPDX-License-Identifier: MIT */
/* Lives that wait for others: who sleeps, is woken, and by whom; and who needn't be. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ref/futex.h"
#include "ref/ipcref.h"
#include "ref/lock.h"
#include "tests/unit/ref_lives.h"
#include "tests/unit/ref_world.h"

/* What all wait for, in shared memory. */
struct places {
	sem_t sem;
	pthread_rwlock_t rwlock;
	pthread_mutex_t mutex, robust;
	pthread_cond_t cond;
	pthread_barrier_t barrier;
	struct lock lock;
};

static struct places *make_places(void)
{
	struct places *places = share(sizeof(*places));
	pthread_mutexattr_t attributes;

	MUST(pthread_mutexattr_init(&attributes) == 0);
	MUST(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
	MUST(ipcref_sem_init(&places->sem, 1, 0) == 0);
	MUST(ipcref_rwlock_init(&places->rwlock, NULL) == 0);
	MUST(ipcref_mutex_init(&places->mutex, NULL) == 0);
	MUST(ipcref_mutex_init(&places->robust, &attributes) == 0);
	MUST(ipcref_cond_init(&places->cond, NULL) == 0);
	MUST(ipcref_barrier_init(&places->barrier, NULL, 3) == 0);
	MUST(pthread_mutexattr_destroy(&attributes) == 0);
	return places;
}

/* -- waking ----------------------------------------------------------------------------------- */

/* Somebody who does this, and is asleep in it when this returns; the result is how he ends. */
static pid_t is_asleep_in(int (*act)(struct places *), struct places *places)
{
	_Atomic int *is_there = share(sizeof(*is_there));
	pid_t pid = forks();

	if (pid == 0) {
		atomic_store(is_there, 1);
		_exit(act(places));
	}
	MUST(pid > 0);
	while (!atomic_load(is_there))
		sched_yield();
	await_sleep(pid);
	return pid;
}

/* Both of them come to their end, as this one. */
static void end_with(pid_t one, pid_t other, int result)
{
	int status;

	MUST(waitpid(one, &status, 0) == one && WIFEXITED(status));
	MUST(WEXITSTATUS(status) == result);
	MUST(waitpid(other, &status, 0) == other && WIFEXITED(status));
	MUST(WEXITSTATUS(status) == result);
}

static int take_one(struct places *places)
{
	return ipcref_sem_wait(&places->sem);
}

static int read_under(struct places *places)
{
	int error = ipcref_rwlock_rdlock(&places->rwlock);

	return error ? error : ipcref_rwlock_unlock(&places->rwlock);
}

static int write_under(struct places *places)
{
	int error = ipcref_rwlock_wrlock(&places->rwlock);

	return error ? error : ipcref_rwlock_unlock(&places->rwlock);
}

static int hold_to_write(struct places *places)
{
	MUST(ipcref_rwlock_wrlock(&places->rwlock) == 0);
	for (;;)
		pause();
}

static int hold(struct places *places)
{
	int error = ipcref_mutex_lock(&places->mutex);

	return error ? error : ipcref_mutex_unlock(&places->mutex);
}

static int hold_what_is_robust(struct places *places)
{
	return ipcref_mutex_lock(&places->robust);
}

static int hear(struct places *places)
{
	int error = ipcref_mutex_lock(&places->mutex);

	if (!error)
		error = ipcref_cond_wait(&places->cond, &places->mutex);
	return error ? error : ipcref_mutex_unlock(&places->mutex);
}

static int meet(struct places *places)
{
	return ipcref_barrier_wait(&places->barrier);
}

static int lock(struct places *places)
{
	MUST(lock_take(&places->lock));
	lock_drop(&places->lock);
	return 0;
}

/* Of a read-write lock: when it is free, to read and to write, and when its writer has died. */
static void wake_readers_and_writers(struct places *places)
{
	MUST(ipcref_rwlock_wrlock(&places->rwlock) == 0);
	pid_t one = is_asleep_in(read_under, places), other = is_asleep_in(write_under, places);
	MUST(ipcref_rwlock_unlock(&places->rwlock) == 0);
	end_with(one, other, 0);

	MUST(ipcref_rwlock_rdlock(&places->rwlock) == 0);
	one = is_asleep_in(write_under, places);
	other = is_asleep_in(write_under, places);
	MUST(ipcref_rwlock_unlock(&places->rwlock) == 0);
	end_with(one, other, 0);

	pid_t writer = is_asleep_in(hold_to_write, places);
	one = is_asleep_in(read_under, places);
	other = is_asleep_in(write_under, places);
	MUST(kill(writer, SIGKILL) == 0 && waitpid(writer, NULL, 0) == writer);
	MUST(ipcref_rwlock_tryrdlock(&places->rwlock) == ENOTRECOVERABLE);
	end_with(one, other, ENOTRECOVERABLE);
}

static void wake_holders(struct places *places)
{
	MUST(ipcref_mutex_lock(&places->mutex) == 0);
	pid_t one = is_asleep_in(hold, places), other = is_asleep_in(hold, places);
	MUST(ipcref_mutex_unlock(&places->mutex) == 0);
	end_with(one, other, 0);

	pid_t holder = forks();
	if (holder == 0)
		_exit(ipcref_mutex_lock(&places->robust));
	MUST(waitpid(holder, NULL, 0) == holder);
	MUST(ipcref_mutex_lock(&places->robust) == EOWNERDEAD);
	one = is_asleep_in(hold_what_is_robust, places);
	other = is_asleep_in(hold_what_is_robust, places);
	MUST(ipcref_mutex_unlock(&places->robust) == 0);
	end_with(one, other, ENOTRECOVERABLE);
}

static void wake_hearers(struct places *places)
{
	pid_t one = is_asleep_in(hear, places), other = is_asleep_in(hear, places);

	MUST(ipcref_cond_signal(&places->cond) == 0 && ipcref_cond_signal(&places->cond) == 0);
	end_with(one, other, 0);
	one = is_asleep_in(hear, places);
	other = is_asleep_in(hear, places);
	MUST(ipcref_cond_broadcast(&places->cond) == 0);
	end_with(one, other, 0);
}

static _Atomic pid_t cancelled;

static void unlock(void *places)
{
	MUST(ipcref_mutex_unlock(&((struct places *)places)->mutex) == 0);
}

static void *hear_and_linger(void *given)
{
	struct places *places = given;

	MUST(ipcref_mutex_lock(&places->mutex) == 0);
	pthread_cleanup_push(unlock, places);
	atomic_store(&cancelled, (pid_t)thread_id());
	lingers = true;
	ipcref_cond_wait(&places->cond, &places->mutex);
	pthread_cleanup_pop(1);
	return NULL;
}

/* Who is cancelled when he was woken leaves that to the next. */
static void wake_the_next_of_the_cancelled(struct places *places)
{
	pthread_t thread;
	void *result;
	int status;

	MUST(pthread_create(&thread, NULL, hear_and_linger, places) == 0);
	while (!atomic_load(&cancelled))
		sched_yield();
	await_sleep_of(getpid(), atomic_load(&cancelled));
	pid_t next = is_asleep_in(hear, places);
	MUST(ipcref_cond_signal(&places->cond) == 0 && pthread_cancel(thread) == 0);
	MUST(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
	MUST(waitpid(next, &status, 0) == next && status == 0);
}

/*
 * All who sleep look again before long, for who was to wake them may have died.  Where nobody dies
 * nobody needs to.
 */
void live_without_looking_again(void)
{
	struct places *places = make_places();

	/* to see so many fall asleep takes its time where there is much else to do */
	have_patience(4 * PATIENCE_SECONDS);
	world.has_no_limits = true;
	if (!futex_is_there())
		return;
	pid_t one = is_asleep_in(take_one, places), other = is_asleep_in(take_one, places);
	MUST(ipcref_sem_post(&places->sem) == 0 && ipcref_sem_post(&places->sem) == 0);
	end_with(one, other, 0);

	wake_readers_and_writers(places);
	wake_holders(places);
	wake_hearers(places);
	wake_the_next_of_the_cancelled(places);

	one = is_asleep_in(meet, places);
	other = is_asleep_in(meet, places);
	MUST(ipcref_barrier_wait(&places->barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
	end_with(one, other, 0);

	MUST(lock_take(&places->lock));
	one = is_asleep_in(lock, places);
	other = is_asleep_in(lock, places);
	lock_drop(&places->lock);
	end_with(one, other, 0);
}

/* -- needless calls --------------------------------------------------------------------------- */

static void use_all(struct places *places)
{
	MUST(ipcref_sem_post(&places->sem) == 0 && ipcref_sem_trywait(&places->sem) == 0);
	MUST_FAIL(ipcref_sem_trywait(&places->sem), EAGAIN);
	MUST(ipcref_sem_post(&places->sem) == 0 && ipcref_sem_wait(&places->sem) == 0);
	MUST(ipcref_rwlock_rdlock(&places->rwlock) == 0);
	MUST(ipcref_rwlock_unlock(&places->rwlock) == 0);
	MUST(ipcref_rwlock_wrlock(&places->rwlock) == 0);
	MUST(ipcref_rwlock_unlock(&places->rwlock) == 0);
	MUST(ipcref_mutex_lock(&places->mutex) == 0 && ipcref_mutex_unlock(&places->mutex) == 0);
	MUST(ipcref_mutex_trylock(&places->robust) == 0);
	MUST(ipcref_mutex_unlock(&places->robust) == 0);
	MUST(ipcref_cond_signal(&places->cond) == 0 && ipcref_cond_broadcast(&places->cond) == 0);
	MUST(lock_take(&places->lock));
	lock_drop_among_sleepers(&places->lock);
	MUST(lock_take(&places->lock));
	lock_drop(&places->lock);
}

/* Where nobody waits the system has nothing to do. */
void live_without_calls(void)
{
	struct places *places = make_places();

	use_all(places);
	world.futex_calls = 0;
	for (int i = 0; i < 3; i++)
		use_all(places);
	MUST(world.futex_calls == 0);
	/* and nobody is told to look out for who wakes */
	MUST(((uint32_t *)(void *)&places->sem)[1] == 0);
}

/* -- handlers --------------------------------------------------------------------------------- */

/* The signals that a process has blocked, by the kernel's word. */
static unsigned long long blocked_by(pid_t pid)
{
	unsigned long long blocked = 0;
	char path[64], line[128];

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	FILE *file = fopen(path, "re");
	MUST(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "SigBlk: %llx", &blocked);
	fclose(file);
	return blocked;
}

/* Who is woken in vain keeps signals waiting, and no longer than that. */
void live_with_wakes_in_vain(void)
{
	sem_t *sem = share(sizeof(*sem));
	int status;

	MUST(ipcref_sem_init(sem, 1, 0) == 0);
	/* nor is it woken by its own looking again */
	world.has_no_limits = true;
	pid_t pid = forks();
	if (pid == 0) {
		have_patience(PATIENCE_SECONDS);
		MUST(ipcref_sem_wait(sem) == 0 && blocked_by(getpid()) == 0);
		_exit(0);
	}
	/* till then none waits */
	await_sleep(pid);
	MUST(blocked_by(pid) == 0);
	while (!blocked_by(pid)) {
		futex_wake((_Atomic uint32_t *)(void *)sem, 1);
		sched_yield();
	}
	MUST(ipcref_sem_post(sem) == 0);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

/* -- the lock --------------------------------------------------------------------------------- */

/* Wakes who waits for the lock so often, and gives it up only then. */
static void wake_in_vain(struct lock *lock, int times)
{
	while (times > 0) {
		times -= futex_wake(&lock->word, 1);
		sched_yield();
	}
	lock_drop(lock);
}

/* Who is woken for nothing goes to sleep again, however often that is. */
void live_awake_for_nothing(void)
{
	struct lock *lock = share(sizeof(*lock));
	_Atomic int *is_taken = share(sizeof(*is_taken));
	int status;

	if (!futex_is_there())
		return;
	pid_t pid = forks();
	if (pid == 0) {
		MUST(lock_take(lock));
		atomic_store(is_taken, 1);
		wake_in_vain(lock, 300);
		_exit(0);
	}
	while (!atomic_load(is_taken))
		sched_yield();
	MUST(lock_take(lock));
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Of several who take it all the time, each has it alone. */
void live_with_a_crowd(void)
{
	enum { CROWD = 3, ROUNDS = 20000 };
	struct {
		struct lock lock;
		volatile unsigned rounds;
	} *shared = share(sizeof(*shared));
	pid_t pids[CROWD];
	int status;

	for (int i = 0; i < CROWD; i++) {
		if ((pids[i] = forks()) != 0)
			continue;
		for (int round = 0; round < ROUNDS; round++) {
			MUST(lock_take(&shared->lock));
			shared->rounds++;
			lock_drop(&shared->lock);
		}
		_exit(0);
	}
	for (int i = 0; i < CROWD; i++)
		MUST(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
	MUST(shared->rounds == CROWD * ROUNDS && lock_take(&shared->lock));
}

/* In another PID namespace somebody may have the number that this thread has here. */
void live_with_an_owner_of_the_same_number(void)
{
	struct lock *lock = share(sizeof(*lock));
	pid_t self = getpid(), pid;
	int status;

	atomic_store(&lock->word, thread_id());
	if ((pid = forks()) == 0) {
		await_sleep(self);
		lock_drop(lock);
		_exit(0);
	}
	MUST(lock_take(lock));
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

/* They were said to sleep for the lock, and a wake that finds nobody takes that back. */
void live_with_sleepers_who_are_gone(void)
{
	struct lock *lock = share(sizeof(*lock));

	MUST(lock_take(lock));
	atomic_fetch_or(&lock->word, LOCK_IS_WAITED_FOR);
	lock_drop_among_sleepers(lock);
	MUST(!futex_is_there() || atomic_load(&lock->word) == 0);
}

static void *mark_it(void *mark)
{
	/* NULL: for another has */
	return lock_mark(mark) ? mark : NULL;
}

/* A mark is one thread's, as long as it leaves it there. */
void live_with_a_mark(void)
{
	struct lock *mark = share(sizeof(*mark));
	pthread_t thread;
	void *result;

	if (!kernel_minds_the_dead())
		return;
	for (int i = 0; i < 2; i++) {
		MUST(!lock_is_marked(mark) && lock_mark(mark) && lock_is_marked(mark));
		MUST(pthread_create(&thread, NULL, mark_it, mark) == 0);
		MUST(pthread_join(thread, &result) == 0 && !result);
		lock_unmark(mark);
	}
	MUST(!lock_is_marked(mark));
	/* and not beyond its end, if it can't */
	MUST(pthread_create(&thread, NULL, mark_it, mark) == 0);
	MUST(pthread_join(thread, &result) == 0 && result == mark && !lock_is_marked(mark));
}

/* -- forks ------------------------------------------------------------------------------------ */

static sem_t *opened;
static _Atomic pid_t opener;
static _Atomic bool may_go_on, has_gone_on;

static void *open_it_or_close_it(void *unused)
{
	bool is_open = opened;

	atomic_store(&opener, (pid_t)syscall(SYS_gettid));
	while (!atomic_load(&may_go_on))
		sched_yield();
	if (is_open)
		MUST(ipcref_sem_close(opened) == 0);
	else
		MUST((opened = ipcref_sem_open("/s", 0)) != SEM_FAILED);
	atomic_store(&has_gone_on, true);
	return unused;
}

/* The library has got ready for the fork before. */
static void see_nobody_go_on(void)
{
	atomic_store(&may_go_on, true);
	await_sleep_of(getpid(), atomic_load(&opener));
	MUST(!atomic_load(&has_gone_on));
}

static void fork_beside_it(void)
{
	pthread_t thread;
	int status;

	atomic_store(&opener, 0);
	atomic_store(&may_go_on, false);
	atomic_store(&has_gone_on, false);
	MUST(pthread_create(&thread, NULL, open_it_or_close_it, NULL) == 0);
	while (!atomic_load(&opener))
		sched_yield();
	pid_t pid = forks();
	if (pid == 0)
		_exit(ipcref_sem_open("/s", 0) != SEM_FAILED ? 0 : 1);
	MUST(pthread_join(thread, NULL) == 0 && atomic_load(&has_gone_on));
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

/* What is open is listed, and a child finds the list whole: nobody changes it meanwhile. */
void live_with_threads_that_fork(void)
{
	MUST(pthread_atfork(see_nobody_go_on, NULL, NULL) == 0);
	sem_t *sem = ipcref_sem_open("/s", O_CREAT, 0600, 1);
	MUST(sem != SEM_FAILED);
	fork_beside_it();
	MUST(opened == sem);
	fork_beside_it();
	MUST(ipcref_sem_close(sem) == 0 && ipcref_sem_unlink("/s") == 0);
}

/* Numbers of processes are told apart by where they are such, also by who has asked once. */
void live_in_another_world(void)
{
	uint32_t here = thread_world();
	int status;

	/* which takes a privilege */
	if (!here || unshare(CLONE_NEWPID) < 0)
		return;
	pid_t pid = forks();
	if (pid == 0)
		_exit(thread_world() != here ? 0 : 1);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}
