/* SPDX-License-Identifier: MIT */
/*
 * Queued signals: each comes once, with its value and its sender's name, and of one sender and one
 * signal in order and without a gap.  Half of the workers send, to the others and to the storm
 * itself, which nobody kills and which misses nothing.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault/storm.h"
#include "ref/ipcref.h"

enum { SIGNALS = 3, STORM = WORKERS, BOXES };

/* Where letters go: a mailbox, by whose it is. */
struct box {
	_Atomic pid_t pid; /* 0: none yet */
	_Atomic unsigned life;
};

static struct post {
	struct box boxes[BOXES];
	_Atomic pid_t senders[LIVES];
	/* Of those to the storm: which is the next, begun and sent. */
	_Atomic uint32_t begun[LIVES][SIGNALS], sent[LIVES][SIGNALS];
} * post;

/* What a receiver expects next, of each sender and signal. */
static uint16_t expected[LIVES][SIGNALS];

/* In the bits that a pointer has everywhere. */
static union sigval value_of(unsigned from, unsigned to, unsigned number)
{
	return (union sigval){.sival_ptr =
				      (void *)(uintptr_t)((uint32_t)from << 24 |
							  (uint32_t)to << 16 | (number & 0xffff))};
}
_Static_assert(LIVES <= 256, "a life is eight bits of a value");

static bool is_sender(const struct worker *me)
{
	return me->slot % 2 == 0;
}

static sigset_t all_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < SIGNALS; i++)
		sigaddset(&set, SIGRTMIN + i);
	return set;
}

static void check(const siginfo_t *info, unsigned own_life)
{
	uint32_t value = (uint32_t)(uintptr_t)info->si_value.sival_ptr;
	unsigned from = value >> 24, to = value >> 16 & 0xff;
	int which = info->si_signo - SIGRTMIN;

	MUST(which >= 0 && which < SIGNALS && info->si_code == SI_QUEUE);
	MUST(to == own_life);
	MUST(info->si_pid == atomic_load(&post->senders[from]) && info->si_uid == getuid());
	if ((uint16_t)value != expected[from][which])
		fail("letter %u of %u came, and not %u", value & 0xffff, from,
		     expected[from][which]);
	expected[from][which]++;
}

/* Takes what there is. */
static void empty_own(unsigned own_life)
{
	const struct timespec at_once = {0, 0};
	const sigset_t set = all_signals();
	siginfo_t info;

	while (ipcref_sigtimedwait(&set, &info, &at_once) > 0)
		check(&info, own_life);
	MUST(errno == EAGAIN);
}

/* The storm's life is none of the workers'. */
enum { STORMS_LIFE = LIVES - 1 };

static void sig_begin(void)
{
	post = share(sizeof(*post));
	memset(expected, 0, sizeof(expected));
	empty_own(STORMS_LIFE);
	atomic_store(&post->boxes[STORM].life, STORMS_LIFE);
	atomic_store(&post->boxes[STORM].pid, getpid());
}

static void sig_join(struct worker *me)
{
	MUST(me->life != STORMS_LIFE);
	atomic_store(&post->senders[me->life], getpid());
	if (is_sender(me))
		return;
	memset(expected, 0, sizeof(expected)); /* which was the storm's */
	empty_own(me->life);		       /* from now on there is a mailbox */
	atomic_store(&post->boxes[me->slot].life, me->life);
	atomic_store(&post->boxes[me->slot].pid, getpid());
}

/* False: the box is full, or gone. */
static bool queue_one(const struct worker *me, unsigned to, pid_t pid, int which, unsigned number)
{
	if (ipcref_sigqueue(pid, SIGRTMIN + which, value_of(me->life, to, number)) == 0)
		return true;
	MUST(errno == EAGAIN || (errno == ESRCH && is_killed(to)));
	return false;
}

static void send_to_storm(struct worker *me, int which)
{
	_Atomic uint32_t *begun = &post->begun[me->life][which];
	_Atomic uint32_t *sent = &post->sent[me->life][which];

	atomic_fetch_add(begun, 1);
	if (queue_one(me, STORMS_LIFE, atomic_load(&post->boxes[STORM].pid), which, *sent))
		atomic_fetch_add(sent, 1);
	else
		atomic_fetch_sub(begun, 1);
}

static void send_to_worker(struct worker *me, unsigned slot, int which)
{
	static uint16_t next[LIVES][SIGNALS];
	struct box *box = &post->boxes[slot];
	pid_t pid = atomic_load(&box->pid);
	unsigned life = atomic_load(&box->life);

	/* of one life: its number is written before its pid, and the pid is taken away first */
	if (pid == 0 || pid != atomic_load(&box->pid))
		return;
	if (queue_one(me, life, pid, which, next[life][which]))
		next[life][which]++;
}

static void take_one(const struct worker *me)
{
	const struct timespec soon = {0, (long)chance(3000000)};
	const sigset_t set = all_signals();
	siginfo_t info;

	if ((chance(2) ? ipcref_sigwaitinfo(&set, &info)
		       : ipcref_sigtimedwait(&set, &info, &soon)) > 0)
		check(&info, me->life);
	else
		MUST(errno == EAGAIN);
}

static void sig_work(struct worker *me)
{
	int which = (int)chance(SIGNALS);
	sigset_t pending;

	if (!is_sender(me))
		take_one(me);
	else if (chance(8) == 0)
		send_to_storm(me, which);
	else
		send_to_worker(me, 1 + 2 * chance(WORKERS / 2), which);
	if (!is_sender(me) && chance(50) == 0)
		MUST(ipcref_sigpending(&pending) == 0);
}

static void sig_died(struct worker *dead)
{
	atomic_store(&post->boxes[dead->slot].pid, 0);
	empty_own(STORMS_LIFE);
}

/* Who makes a mailbox takes away those of the dead, and with its end its own. */
static void have_the_dead_buried(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		sigset_t pending;

		exit(ipcref_sigpending(&pending) != 0);
	}
	MUST(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void sig_end(void)
{
	empty_own(STORMS_LIFE);
	for (unsigned life = 0; life < LIVES; life++)
		for (int which = 0; which < SIGNALS; which++) {
			uint16_t came = expected[life][which];
			uint32_t begun = post->begun[life][which], sent = post->sent[life][which];

			if ((uint16_t)(came - sent) > (uint16_t)(begun - sent))
				fail("%u letters came of %u, and not %u to %u", came, life, sent,
				     begun);
		}
	have_the_dead_buried();
}

const struct mechanism storm_sig = {"sig", sig_begin, sig_join, sig_work, sig_died, sig_end};
