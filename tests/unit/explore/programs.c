/* SPDX-License-Identifier: MIT */
/*
 * Small programs of several processes, each right or with a classic bug: programs NAME
 * right|broken. What they do wrong they do under some schedules only, and mostly under few.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif

static struct shared {
	int counter, other, count, slots[4], head, tail, inside, answer;
	bool ready, initialised;
	int *pointer;
	_Atomic int flag, word;
	pthread_mutex_t mutex, second;
	pthread_cond_t cond;
	sem_t sem, items;
	pthread_barrier_t barrier;
} * shared;

static bool broken;

/* ---- what they have in common ---- */

static void make_locks(void)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;
	pthread_barrierattr_t barrier;

	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->mutex, &mutex);
	pthread_mutex_init(&shared->second, &mutex);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&shared->cond, &cond);
	pthread_barrierattr_init(&barrier);
	pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->barrier, &barrier, broken ? 3 : 2);
	sem_init(&shared->sem, 1, broken ? 2 : 1);
	sem_init(&shared->items, 1, 0);
}

static void together(void (*one)(void), void (*other)(void))
{
	pid_t child = fork();

	if (child == 0) {
		other();
		_exit(0);
	}
	one();
	while (waitpid(child, NULL, 0) < 0)
		assert(errno == EINTR);
}

/* ---- lost updates ---- */

static void count_once(void)
{
	if (!broken)
		pthread_mutex_lock(&shared->mutex);
	shared->counter++;
	if (!broken)
		pthread_mutex_unlock(&shared->mutex);
}

static void lost_update(void)
{
	together(count_once, count_once);
	assert(shared->counter == 2);
}

static void enter(void)
{
	sem_wait(&shared->sem);
	shared->inside++;
	assert(shared->inside == 1);
	shared->inside--;
	sem_post(&shared->sem);
}

static void permit_too_many(void)
{
	together(enter, enter);
}

static void initialise_once(void)
{
	if (!broken)
		pthread_mutex_lock(&shared->mutex);
	if (!shared->initialised) {
		shared->initialised = true;
		shared->count++;
	}
	if (!broken)
		pthread_mutex_unlock(&shared->mutex);
}

static void double_check(void)
{
	together(initialise_once, initialise_once);
	assert(shared->count == 1);
}

/* ---- deadlocks ---- */

static void lock_both(pthread_mutex_t *first, pthread_mutex_t *second)
{
	pthread_mutex_lock(first);
	pthread_mutex_lock(second);
	pthread_mutex_unlock(second);
	pthread_mutex_unlock(first);
}

static void lock_forwards(void)
{
	lock_both(&shared->mutex, &shared->second);
}

static void lock_backwards(void)
{
	if (broken)
		lock_both(&shared->second, &shared->mutex);
	else
		lock_forwards();
}

static void lock_order(void)
{
	together(lock_forwards, lock_backwards);
}

static void await_ready(void)
{
	pthread_mutex_lock(&shared->mutex);
	while (!shared->ready)
		pthread_cond_wait(&shared->cond, &shared->mutex);
	pthread_mutex_unlock(&shared->mutex);
}

static void make_ready(void)
{
	if (!broken)
		pthread_mutex_lock(&shared->mutex);
	shared->ready = true;
	pthread_cond_signal(&shared->cond);
	if (!broken)
		pthread_mutex_unlock(&shared->mutex);
}

static void lost_wakeup(void)
{
	together(await_ready, make_ready);
}

static void sleep_on_word(void)
{
	while (atomic_load(&shared->word) == 0)
		syscall(SYS_futex, &shared->word, FUTEX_WAIT, broken ? shared->word : 0, NULL, NULL,
			0);
}

static void change_word(void)
{
	atomic_store(&shared->word, 1);
	syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void futex_value(void)
{
	together(sleep_on_word, change_word);
}

/* Two items, two takers; the second item's signal is thought to be needless. */
static void take_one(void)
{
	pthread_mutex_lock(&shared->mutex);
	while (shared->count == 0)
		pthread_cond_wait(&shared->cond, &shared->mutex);
	shared->count--;
	pthread_mutex_unlock(&shared->mutex);
}

static void put_two(void)
{
	for (int item = 0; item < 2; item++) {
		pthread_mutex_lock(&shared->mutex);
		if (shared->count++ == 0 || !broken)
			pthread_cond_signal(&shared->cond);
		pthread_mutex_unlock(&shared->mutex);
	}
}

static void take_beside(void)
{
	together(take_one, take_one);
}

static void signal_when_empty(void)
{
	together(put_two, take_beside);
}

static void meet(void)
{
	pthread_barrier_wait(&shared->barrier);
}

static void barrier_count(void)
{
	together(meet, meet);
}

/* ---- conditions ---- */

static void take_if(void)
{
	pthread_mutex_lock(&shared->mutex);
	if (broken && shared->count == 0)
		pthread_cond_wait(&shared->cond, &shared->mutex);
	while (!broken && shared->count == 0)
		pthread_cond_wait(&shared->cond, &shared->mutex);
	assert(shared->count > 0);
	shared->count--;
	pthread_mutex_unlock(&shared->mutex);
}

static void put_one(void)
{
	pthread_mutex_lock(&shared->mutex);
	shared->count++;
	pthread_cond_signal(&shared->cond);
	pthread_mutex_unlock(&shared->mutex);
}

/* Whoever doesn't wait may come first. */
static void take_if_there(void)
{
	pthread_mutex_lock(&shared->mutex);
	if (shared->count > 0)
		shared->count--;
	else
		shared->other = 1;
	pthread_mutex_unlock(&shared->mutex);
	if (!shared->other)
		put_one();
}

static void take_beside_one_who_looks(void)
{
	together(take_if, take_if_there);
}

static void if_for_while(void)
{
	together(put_one, take_beside_one_who_looks);
}

/* ---- publication ---- */

static void publish(void)
{
	if (broken)
		atomic_store(&shared->flag, 1);
	shared->answer = 42;
	atomic_store(&shared->flag, 1);
}

static void read_published(void)
{
	while (!atomic_load(&shared->flag))
		;
	assert(shared->answer == 42);
}

static void publication(void)
{
	together(read_published, publish);
}

static void never_set(void)
{
	if (!broken)
		atomic_store(&shared->flag, 1);
}

static void await_flag(void)
{
	while (!atomic_load(&shared->flag))
		;
}

static void flag_for_ever(void)
{
	together(await_flag, never_set);
}

static void use_pointer(void)
{
	if (!broken)
		pthread_mutex_lock(&shared->mutex);
	if (*(int *volatile *)&shared->pointer)
		**(volatile int *volatile *)&shared->pointer = 1;
	if (!broken)
		pthread_mutex_unlock(&shared->mutex);
}

static void drop_pointer(void)
{
	if (!broken)
		pthread_mutex_lock(&shared->mutex);
	*(int *volatile *)&shared->pointer = NULL;
	if (!broken)
		pthread_mutex_unlock(&shared->mutex);
}

static void pointer_gone(void)
{
	shared->pointer = &shared->other;
	together(use_pointer, drop_pointer);
}

/* ---- messages, signals, deaths ---- */

static int ends[2];

/* Two halves of a record: another's may come between. */
static void write_record(char letter)
{
	char record[2] = {letter, letter};

	if (broken) {
		assert(write(ends[1], record, 1) == 1);
		assert(write(ends[1], record + 1, 1) == 1);
	} else
		assert(write(ends[1], record, 2) == 2);
}

static void write_a(void)
{
	write_record('a');
}

static void write_b(void)
{
	write_record('b');
}

static void pipe_records(void)
{
	char records[4];
	size_t got = 0;

	assert(pipe(ends) == 0);
	together(write_a, write_b);
	while (got < sizeof(records)) {
		ssize_t part = read(ends[0], records + got, sizeof(records) - got);
		assert(part > 0);
		got += (size_t)part;
	}
	assert(records[0] == records[1] && records[2] == records[3]);
}

/* The first byte is no promise of a second. */
static void poll_once(void)
{
	struct pollfd ask = {.fd = ends[0], .events = POLLIN};
	struct epoll_event event = {.events = EPOLLIN};
	fd_set set;
	int all = epoll_create1(0);
	char bytes[2];

	assert(poll(&ask, 1, -1) == 1);
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	assert(select(ends[0] + 1, &set, NULL, NULL, NULL) == 1);
	assert(epoll_ctl(all, EPOLL_CTL_ADD, ends[0], &event) == 0);
	assert(epoll_wait(all, &event, 1, -1) == 1);
	ssize_t got = read(ends[0], bytes, sizeof(bytes));
	if (got == 1 && !broken)
		got += read(ends[0], bytes, 1);
	assert(got == 2);
}

static void write_twice(void)
{
	assert(write(ends[1], "a", 1) == 1);
	assert(write(ends[1], "b", 1) == 1);
}

static void ready_once(void)
{
	assert(pipe(ends) == 0);
	together(poll_once, write_twice);
}

static volatile sig_atomic_t signalled;

static void note(int number)
{
	(void)number;
	signalled = 1;
}

static void send_signal(void)
{
	kill(getppid(), SIGUSR1);
}

static void await_signal(void)
{
	sigset_t none;

	sigemptyset(&none);
	while (!signalled)
		broken ? pause() : sigsuspend(&none);
}

static void signal_before_pause(void)
{
	struct sigaction action = {.sa_handler = note};
	sigset_t set;

	sigemptyset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (!broken)
		sigprocmask(SIG_BLOCK, &set, NULL);
	together(await_signal, send_signal);
}

static void lock_and_die(void)
{
	if (pthread_mutex_lock(&shared->mutex) == 0)
		_exit(0);
}

static void lock_after_death(void)
{
	int error = pthread_mutex_lock(&shared->mutex);

	if (error == EOWNERDEAD && !broken)
		pthread_mutex_consistent(&shared->mutex);
	pthread_mutex_unlock(&shared->mutex);
	error = pthread_mutex_lock(&shared->mutex);
	assert(error == 0 || error == EOWNERDEAD);
	if (error == EOWNERDEAD)
		pthread_mutex_consistent(&shared->mutex);
	pthread_mutex_unlock(&shared->mutex);
}

static void not_made_consistent(void)
{
	together(lock_after_death, lock_and_die);
}

/* Whoever comes second finds the set before it has its value. */
static int set_id;

static void make_set(void)
{
	semctl(set_id, 0, SETVAL, 1);
	shared->flag = 1;
}

static void use_set(void)
{
	struct sembuf down = {.sem_op = -1, .sem_flg = IPC_NOWAIT};

	while (!broken && !atomic_load(&shared->flag))
		;
	assert(semop(set_id, &down, 1) == 0);
}

static void set_without_value(void)
{
	set_id = semget(IPC_PRIVATE, 1, 0600);
	dprintf(STDOUT_FILENO, "set %d\n", set_id);
	together(make_set, use_set);
	semctl(set_id, 0, IPC_RMID);
}

static void fail_if_first(void)
{
	if (broken && shared->counter == 0)
		shared->other = 1;
}

static void status(void)
{
	together(count_once, fail_if_first);
	if (shared->other)
		exit(3);
}

/* ---- threads ---- */

static void *count_in_thread(void *unused)
{
	count_once();
	return unused;
}

static void threads(void)
{
	pthread_t other;

	pthread_create(&other, NULL, count_in_thread, NULL);
	count_once();
	pthread_join(other, NULL);
	assert(shared->counter == 2);
}

/* ---- a race that changes nothing ---- */

static void store_unlocked(void)
{
	shared->answer = 1;
}

static void unlocked_store(void)
{
	together(store_unlocked, store_unlocked);
	assert(shared->answer == 1);
}

/* ---- what is exactly known ---- */

static void three_stores(void)
{
	for (int store = 0; store < 3; store++)
		atomic_fetch_add(&shared->flag, 1);
}

static void three_and_three(void)
{
	together(three_stores, three_stores);
	assert(atomic_load(&shared->flag) == 6);
}

/* ---- what can't be explored ---- */

static void wait_unknown(void)
{
	int never[2];
	char byte;

	assert(pipe(never) == 0);
	atomic_store(&shared->flag, 1);
	/* not the function, which is known */
	syscall(SYS_read, never[0], &byte, 1);
}

static void nothing(void)
{
}

static void unknown_call(void)
{
	together(wait_unknown, nothing);
}

static void without_end(void)
{
	atomic_store(&shared->flag, 1);
	for (volatile unsigned turn = 0;; turn++)
		;
}

static void runs_for_ever(void)
{
	together(without_end, nothing);
}

static void many_steps(void)
{
	for (;;)
		atomic_fetch_add(&shared->flag, 1);
}

static void steps_for_ever(void)
{
	together(many_steps, nothing);
}

static const struct program programs[] = {
	{"lost_update", lost_update},
	{"permit_too_many", permit_too_many},
	{"double_check", double_check},
	{"lock_order", lock_order},
	{"lost_wakeup", lost_wakeup},
	{"futex_value", futex_value},
	{"signal_when_empty", signal_when_empty},
	{"barrier_count", barrier_count},
	{"if_for_while", if_for_while},
	{"publication", publication},
	{"flag_for_ever", flag_for_ever},
	{"pointer_gone", pointer_gone},
	{"pipe_records", pipe_records},
	{"ready_once", ready_once},
	{"signal_before_pause", signal_before_pause},
	{"not_made_consistent", not_made_consistent},
	{"set_without_value", set_without_value},
	{"status", status},
	{"threads", threads},
	{"unlocked_store", unlocked_store},
	{"three_and_three", three_and_three},
	{"unknown_call", unknown_call},
	{"runs_for_ever", runs_for_ever},
	{"steps_for_ever", steps_for_ever},
	{"shares_nothing", nothing},
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	broken = argc > 2 && strcmp(argv[2], "broken") == 0;
	if (strcmp(name, "shares_nothing") == 0)
		return 0;
	shared = share(sizeof(*shared));
	if (!shared)
		return NOT_PLAYED;
	make_locks();
	return PLAY_PROGRAM(programs, name);
}
