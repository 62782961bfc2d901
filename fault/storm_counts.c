/* SPDX-License-Identifier: MIT */
/* Numbers: what was added is what was taken and what is left, but for what the dead were at. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "fault/storm.h"
#include "ref/ipcref.h"

/*
 * What each life has done, in a word of its own, so that who is killed has either counted it or is
 * one who perhaps has done it.
 */
static struct sums {
	_Atomic uint64_t begun[LIVES], done[LIVES];
	_Atomic uint64_t taken_begun[LIVES], taken[LIVES];
} * sums;

static bool adds(const struct worker *me)
{
	return me->slot % 2 == 0;
}

static void begin_sums(void)
{
	sums = share(sizeof(*sums));
}

static uint64_t sum_of(_Atomic uint64_t *each)
{
	uint64_t sum = 0;

	for (unsigned life = 0; life < LIVES; life++)
		sum += atomic_load(&each[life]);
	return sum;
}

/* How much may be left: at least, and at most. */
static void check_left(uint64_t left)
{
	uint64_t least = sum_of(sums->done) - sum_of(sums->taken_begun);
	uint64_t most = sum_of(sums->begun) - sum_of(sums->taken);

	if ((int64_t)(left - least) < 0 || (int64_t)(most - left) < 0)
		fail("%llu are left, and not between %lld and %lld", (unsigned long long)left,
		     (long long)least, (long long)most);
}

/* -- POSIX semaphores ---------------------------------------------------------------------------
 */

enum { MOST_POSTED = 8 };
static sem_t *sem;

static void sem_begin(void)
{
	begin_sums();
	sem = ipcref_sem_open("/storm", O_CREAT | O_EXCL, 0600, 0);
	MUST(sem != SEM_FAILED);
}

static void sem_join(struct worker *me)
{
	(void)me;
	if (chance(2)) {
		MUST(ipcref_sem_close(sem) == 0);
		sem = ipcref_sem_open("/storm", 0);
		MUST(sem != SEM_FAILED);
	}
}

static bool wait_somehow(void)
{
	struct timespec moment;

	switch (chance(3)) {
	case 0:
		return ipcref_sem_wait(sem) == 0;
	case 1:
		return ipcref_sem_trywait(sem) == 0;
	default:
		clock_gettime(CLOCK_REALTIME, &moment);
		moment.tv_nsec = (moment.tv_nsec + (long)chance(3000000)) % 1000000000;
		return ipcref_sem_timedwait(sem, &moment) == 0;
	}
}

static void sem_work(struct worker *me)
{
	int value;

	if (adds(me)) {
		MUST(ipcref_sem_getvalue(sem, &value) == 0);
		if (value >= MOST_POSTED)
			return;
		atomic_fetch_add(&sums->begun[me->life], 1);
		MUST(ipcref_sem_post(sem) == 0);
		atomic_fetch_add(&sums->done[me->life], 1);
		return;
	}
	atomic_fetch_add(&sums->taken_begun[me->life], 1);
	if (wait_somehow()) {
		atomic_fetch_add(&sums->taken[me->life], 1);
	} else {
		MUST(errno == EAGAIN || errno == ETIMEDOUT);
		atomic_fetch_sub(&sums->taken_begun[me->life], 1);
	}
}

static void sem_end(void)
{
	int value = -1;

	MUST(ipcref_sem_getvalue(sem, &value) == 0);
	check_left((uint64_t)value);
	while (ipcref_sem_trywait(sem) == 0)
		value--;
	MUST(value == 0);
	MUST(ipcref_sem_close(sem) == 0);
	MUST(ipcref_sem_unlink("/storm") == 0);
}

const struct mechanism storm_sem = {"sem", sem_begin, sem_join, sem_work, NULL, sem_end};

/* -- eventfd, as a semaphore, of which each takes one
 * ---------------------------------------------- */

static int event;

static void event_begin(void)
{
	begin_sums();
	event = ipcref_eventfd(0, EFD_SEMAPHORE);
	MUST(event >= 0);
}

static void event_work(struct worker *me)
{
	uint64_t number = 1 + chance(4);

	if (adds(me)) {
		struct pollfd readable = {.fd = event, .events = POLLIN};

		/* so that it is sometimes empty */
		if (ipcref_poll(&readable, 1, 0) == 1 && chance(4))
			return;
		atomic_fetch_add(&sums->begun[me->life], number);
		MUST(ipcref_write(event, &number, sizeof(number)) == sizeof(number));
		atomic_fetch_add(&sums->done[me->life], number);
		return;
	}
	atomic_fetch_add(&sums->taken_begun[me->life], 1);
	MUST(ipcref_read(event, &number, sizeof(number)) == sizeof(number) && number == 1);
	atomic_fetch_add(&sums->taken[me->life], 1);
}

static void event_end(void)
{
	uint64_t count = 0, number;

	MUST(ipcref_fcntl(event, F_SETFL, O_NONBLOCK) == 0);
	while (ipcref_read(event, &number, sizeof(number)) == sizeof(number))
		count += number;
	MUST(errno == EAGAIN);
	check_left(count);
	MUST(ipcref_close(event) == 0);
}

const struct mechanism storm_event = {"event", event_begin, NULL, event_work, NULL, event_end};

/* -- semaphore sets: what was taken with SEM_UNDO comes back
 * --------------------------------------- */

enum { TOKENS, DOOR, BUSY, SEMAPHORES };
static const unsigned short at_first[SEMAPHORES] = {[TOKENS] = 5, [DOOR] = 1, [BUSY] = 0};
static int set;
/* Who is behind the door, by his life and 1. */
static _Atomic uint64_t *inside;

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static void semset_begin(void)
{
	unsigned short values[SEMAPHORES];

	for (int i = 0; i < SEMAPHORES; i++)
		values[i] = at_first[i];
	inside = share(sizeof(*inside));
	set = ipcref_semget(IPC_PRIVATE, SEMAPHORES, 0600);
	MUST(set >= 0);
	MUST(ipcref_semctl(set, 0, SETALL, (union semun){.array = values}) == 0);
}

static void pass_the_door(struct worker *me)
{
	uint64_t before = atomic_exchange(inside, me->life + 1);

	if (before && !is_killed((unsigned)before - 1))
		fail("two are behind a door for one: %u and %u", (unsigned)before - 1, me->life);
	for (unsigned i = chance(300); i > 0; i--)
		atomic_signal_fence(memory_order_seq_cst);
	uint64_t mine = me->life + 1;
	if (!atomic_compare_exchange_strong(inside, &mine, 0) && !is_killed(me->life))
		fail("another came in: %u to %u", (unsigned)mine - 1, me->life);
}

static void semset_work(struct worker *me)
{
	short count = (short)(1 + chance(3)), how = chance(3) ? 0 : IPC_NOWAIT;
	struct sembuf take[] = {{TOKENS, (short)-count, SEM_UNDO}, {DOOR, -1, SEM_UNDO}};
	struct sembuf give[] = {{DOOR, 1, SEM_UNDO}, {TOKENS, count, SEM_UNDO}};
	struct sembuf busy = {BUSY, 1, SEM_UNDO}, idle = {BUSY, -1, SEM_UNDO}, await = {BUSY, 0, 0};

	switch (chance(4)) {
	case 0: /* two at once */
		take[1].sem_flg = (short)(SEM_UNDO | how);
		if (ipcref_semop(set, take, 2) == 0) {
			pass_the_door(me);
			MUST(ipcref_semop(set, give, 2) == 0);
		} else {
			MUST(errno == EAGAIN);
		}
		break;
	case 1: /* one after the other */
		MUST(ipcref_semop(set, &take[0], 1) == 0);
		MUST(ipcref_semop(set, &give[1], 1) == 0);
		break;
	case 2:
		MUST(ipcref_semop(set, &busy, 1) == 0);
		MUST(ipcref_semop(set, &idle, 1) == 0);
		break;
	default:
		await.sem_flg = how;
		MUST(ipcref_semtimedop(set, &await, 1, &(struct timespec){0, 2000000}) == 0 ||
		     errno == EAGAIN);
	}
	if (chance(20) == 0)
		MUST(ipcref_semctl(set, TOKENS, GETVAL) <= at_first[TOKENS]);
}

static void semset_end(void)
{
	unsigned short values[SEMAPHORES];

	MUST(ipcref_semctl(set, 0, GETALL, (union semun){.array = values}) == 0);
	for (int i = 0; i < SEMAPHORES; i++) {
		if (values[i] != at_first[i])
			fail("semaphore %d is %u and not %u", i, values[i], at_first[i]);
		MUST(ipcref_semctl(set, i, GETNCNT) == 0);
		MUST(ipcref_semctl(set, i, GETZCNT) == 0);
	}
	MUST(ipcref_semctl(set, 0, IPC_RMID) == 0);
}

const struct mechanism storm_semset = {"semset", semset_begin, NULL, semset_work, NULL, semset_end};
