/* SPDX-License-Identifier: MIT */
#include "stage/adversary.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report/baseline.h"
#include "stage/actor.h"
#include "stage/scene.h"
#include "stage/wait.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

const char *const adversary_names[ADVERSARY_COUNT] = {
	[ADVERSARY_EINTR] = "eintr",	   [ADVERSARY_STOP] = "stop",
	[ADVERSARY_FAMINE] = "famine",	   [ADVERSARY_NICE] = "nice",
	[ADVERSARY_AFFINITY] = "affinity",
};

static unsigned adversary_named(const char *name, size_t size)
{
	for (unsigned i = 0; i < ADVERSARY_COUNT; i++)
		if (strlen(adversary_names[i]) == size &&
		    strncmp(adversary_names[i], name, size) == 0)
			return 1u << i;
	return 0;
}

unsigned adversaries_named(const char *list)
{
	unsigned set = 0;

	for (const char *name = list;; name++) {
		size_t size = strcspn(name, ",");
		unsigned one = adversary_named(name, size);

		if (!one)
			return 0;
		set |= one;
		name += size;
		if (!*name)
			return set;
	}
}

const char *adversaries_list(unsigned set, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < ADVERSARY_COUNT && used < size; i++)
		if (set & 1u << i)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "," : "",
						 adversary_names[i]);
	return text;
}

static bool is_met(enum adversary adversary)
{
	return scene->adversaries & 1u << adversary;
}

static bool interrupts(enum adversary adversary)
{
	return is_met(adversary) && !scene->left_alone;
}

static void note_deed(enum adversary adversary)
{
	scene->deeds[adversary]++;
}

unsigned adversaries_deeds(void)
{
	unsigned deeds = 0;

	for (size_t i = 0; i < ADVERSARY_COUNT; i++)
		deeds += scene->deeds[i];
	return deeds;
}

/* -- what can't be asked of a test ------------------------------------------------------------- */

enum { INTERRUPTING = 1 << ADVERSARY_EINTR | 1 << ADVERSARY_STOP };

static const struct excuse {
	unsigned from; /* 1 << adversary, or'ed */
	const char *glob, *reason;
} excuses[] = {
	/* signal(7): what has a timeout by SO_RCVTIMEO or SO_SNDTIMEO is not restarted */
	{INTERRUPTING, "sock.*_timeout_is_kept*", "an interrupted call forgets its timeout"},
	{INTERRUPTING, "sock.waiting_connect_has_a_timeout*",
	 "an interrupted call forgets its timeout"},
	/* nor is what has begun to have an effect */
	{INTERRUPTING, "sock.all_messages_are_waited_for*",
	 "an interrupted receive gives what is there"},
	{INTERRUPTING, "sock.low_water_mark_holds_back*",
	 "an interrupted receive gives what is there"},
	{INTERRUPTING, "sock.lingering_close_waits*", "an interrupted close lingers no longer"},
	/* and what is restarted is begun anew */
	{INTERRUPTING, "pipe.closing_under_a_waiting_call_leaves_it*",
	 "a restarted call looks for its descriptor again"},
	{INTERRUPTING, "*.*nonblocking_is_for_calls_to_come*", "a restarted call is one to come"},
	{INTERRUPTING, "fifo.rename_replaces_it", "a restarted open looks for its name again"},
	{INTERRUPTING, "fifo.waiting_opener_counts_as_open",
	 "who opens again was not opening meanwhile"},
	{INTERRUPTING, "fifo.renamed_fifo_is_the_same",
	 "a restarted open looks for its name again"},
	{INTERRUPTING, "fifo.new_fifo_of_the_name_is_another",
	 "a restarted open looks for its name again"},
	{INTERRUPTING, "lock.futex_waits_while_the_word_is_the_same",
	 "a restarted wait compares the word again"},
	{INTERRUPTING, "lock.futex_wake_op_computes_and_compares*",
	 "a restarted wait compares the word again"},
	{INTERRUPTING, "lock.futex_waiter_may_be_stopped",
	 "a restarted wait compares the word again"},
	{INTERRUPTING, "lock.*requeue*", "a restarted wait is for the first word again"},
	{INTERRUPTING, "mq.longest_waiting_*", "who waits again waits behind all others"},
	{INTERRUPTING, "msg.receiving_order_of_waiters", "who waits again waits behind all others"},
	{INTERRUPTING, "semset.*wait*counted*", "who waits again was not waiting meanwhile"},
	{INTERRUPTING, "semset.zero_wakes_all_*", "who waits again was not waiting meanwhile"},
	{INTERRUPTING, "semset.one_unit_lets_one_*", "who waits again was not waiting meanwhile"},
	{INTERRUPTING, "semset.waiter_of_a_removed_set_*",
	 "who waits again looks for the set again"},
	{INTERRUPTING, "lock.deadlock_of_*_is_refused*",
	 "who waits again is the one that closes the circle"},
	{INTERRUPTING, "msg.removal_reaches_a_stopped_receiver",
	 "who waits again looks for the queue again"},
	/* some are told apart by what they are scheduled by */
	{1 << ADVERSARY_NICE, "mq.longest_waiting_*", "who is nicer waits behind others"},
	{1 << ADVERSARY_AFFINITY, "lock.*priority*", "priorities are compared on one processor"},
	{1 << ADVERSARY_AFFINITY, "lock.*ceiling*", "priorities are compared on one processor"},
	/* and many need room */
	{1 << ADVERSARY_FAMINE, "sock.many_descriptors_pass_at_once/64",
	 "no room for so many descriptors"},
	{1 << ADVERSARY_FAMINE, "sock.many_descriptors_pass_at_once/25?",
	 "no room for so many descriptors"},
};

const char *adversaries_excuse(const char *test_name, char *text, size_t size)
{
	char list[ADVERSARY_LIST_MAX];

	for (size_t i = 0; i < sizeof(excuses) / sizeof(excuses[0]); i++) {
		unsigned from = scene->adversaries & excuses[i].from;

		if (!from || !glob_matches(excuses[i].glob, test_name))
			continue;
		snprintf(text, size, "not with %s: %s", adversaries_list(from, list, sizeof(list)),
			 excuses[i].reason);
		return text;
	}
	return NULL;
}

/* -- chance ----------------------------------------------------------------------------------- */

/* splitmix64: each thread has a sequence of its own. */
static _Thread_local uint64_t chance;

static uint64_t draw(uint64_t below)
{
	uint64_t z = chance += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return (z ^ z >> 31) % below;
}

/* -- famine ----------------------------------------------------------------------------------- */

/* Nothing is closed, nothing that was raised: the soft limits only, and only downwards. */
static void lower(__typeof__(RLIMIT_NOFILE) resource, rlim_t to)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0 || limit.rlim_cur <= to)
		return;
	limit.rlim_cur = to;
	if (setrlimit(resource, &limit) == 0)
		note_deed(ADVERSARY_FAMINE);
}

static void starve(void)
{
	enum { DESCRIPTORS = 64, STACK = 1 << 20, LOCKED = 64 << 10 };

	lower(RLIMIT_NOFILE, DESCRIPTORS);
	lower(RLIMIT_STACK, STACK);
	lower(RLIMIT_MEMLOCK, LOCKED);
}

/* -- niceness and processors ------------------------------------------------------------------ */

/* Who is not root only gets nicer, and from SCHED_IDLE nobody comes back: so once in a life. */
static void be_nice(void)
{
	static const int policies[] = {SCHED_OTHER, SCHED_OTHER, SCHED_BATCH, SCHED_IDLE};
	const struct sched_param none = {0};
	int policy = policies[draw(sizeof(policies) / sizeof(policies[0]))];
	int now = getpriority(PRIO_PROCESS, 0), nicest = 19;

	if (now < nicest)
		setpriority(PRIO_PROCESS, 0, now + 1 + (int)draw((uint64_t)(nicest - now)));
	if (policy != SCHED_OTHER)
		sched_setscheduler(0, policy, &none);
	note_deed(ADVERSARY_NICE);
}

static void move_to(uint64_t processor)
{
	cpu_set_t one;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &scene->processors) || processor-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one) == 0)
			note_deed(ADVERSARY_AFFINITY);
		return;
	}
}

static uint64_t processor_count(void)
{
	int count = CPU_COUNT(&scene->processors);

	return count > 0 ? (uint64_t)count : 1;
}

/* In every second test, all are on one processor; in the others each goes where it likes. */
static bool all_on_one(void)
{
	return scene->seed & 1;
}

/* -- a storm of signals ----------------------------------------------------------------------- */

/*
 * The kernel's timer sends them, to the very thread and only while it performs: nobody else has to
 * know when that is, and none is ever sent to whom it isn't meant for.  The gaps grow, so that what
 * sleeps is soon seen to sleep, and what has a timeout and is begun anew comes to its end.
 */
enum { FIRST_GAP_NS = 2000, LAST_GAP_NS = 1000000000 };

static _Thread_local struct {
	pid_t thread; /* whose timer it is; 0: there's none */
	timer_t timer;
	volatile sig_atomic_t rages;
	uint64_t gap;
	volatile uint32_t struck;
} storm;

/* The corpus uses the first real-time signals, and libraries those before them. */
static int storm_signal(void)
{
	return SIGRTMAX - 3;
}

static void set_timer(uint64_t nanoseconds)
{
	const struct itimerspec time = {.it_value = {
						(time_t)(nanoseconds / 1000000000),
						(long)(nanoseconds % 1000000000),
					}};

	timer_settime(storm.timer, 0, &time, NULL);
}

static void strike(int signal)
{
	int error = errno;

	(void)signal;
	storm.struck++;
	note_deed(ADVERSARY_EINTR);
	storm.gap += storm.gap * draw(256) / 128;
	if (storm.rages && storm.gap < LAST_GAP_NS && !scene->left_alone)
		set_timer(storm.gap);
	errno = error;
}

/* False: this system has no such timers. */
static bool has_timer(void)
{
	pid_t thread = (pid_t)syscall(SYS_gettid);
	struct sigaction action = {.sa_handler = strike, .sa_flags = SA_RESTART};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = storm_signal()};

	if (storm.thread == thread)
		return true;
	sigemptyset(&action.sa_mask);
	event.sigev_notify_thread_id = thread;
	if (sigaction(storm_signal(), &action, NULL) < 0 ||
	    timer_create(CLOCK_MONOTONIC, &event, &storm.timer) < 0)
		return false;
	storm.thread = thread;
	return true;
}

static void end_storm(void)
{
	if (!storm.rages)
		return;
	storm.rages = 0;
	set_timer(0);
}

static void begin_storm(void)
{
	if (!has_timer())
		return;
	storm.rages = 1;
	storm.gap = FIRST_GAP_NS + draw(16 * FIRST_GAP_NS);
	set_timer(storm.gap);
}

/* -- stopped and continued -------------------------------------------------------------------- */

enum { STOP_LOOKS = 100, STOP_LOOK_US = 20, STOP_DELAY_US = 200, STOP_US = 300 };

/* A child of the director: what another has forked would be seen stopped by its parent. */
static bool can_be_stopped(const struct mailbox *a)
{
	return !a->gone && !a->is_frozen && a->pid > 0 &&
	       (a->kin == KIN_CHILD || a->kin == KIN_STRANGER);
}

static struct mailbox *draw_victim(void)
{
	struct mailbox *victims[ACTOR_MAX];
	size_t count = 0;

	for (int i = 0; i < scene->actor_count; i++)
		if (can_be_stopped(&scene->actors[i]))
			victims[count++] = &scene->actors[i];
	return count ? victims[draw(count)] : NULL;
}

/* Takes the news of it, which nobody else is to hear; a child that has ended stays to be waited
 * for. */
static bool has_changed(pid_t pid, int how)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)pid, &info, how | WNOHANG) == 0 && info.si_pid == pid;
}

/*
 * It is counted between the two, when the victim can't count: a call that is interrupted by it has
 * begun before, and comes back after.
 */
static void stop(struct mailbox *a)
{
	bool stopped = false;

	if (kill(a->pid, SIGSTOP) < 0)
		return;
	for (int look = 0; look < STOP_LOOKS && !stopped; look++) {
		nap(STOP_LOOK_US);
		stopped = has_changed(a->pid, WSTOPPED);
	}
	nap((unsigned)draw(STOP_US));
	a->stops++;
	kill(a->pid, SIGCONT);
	has_changed(a->pid, WCONTINUED);
	if (stopped)
		note_deed(ADVERSARY_STOP);
}

void adversaries_turn(void)
{
	struct mailbox *victim;

	if (!interrupts(ADVERSARY_STOP) || draw(2))
		return;
	victim = draw_victim();
	if (!victim)
		return;
	nap((unsigned)draw(STOP_DELAY_US));
	if (interrupts(ADVERSARY_STOP))
		stop(victim);
}

/* -- when they act ---------------------------------------------------------------------------- */

void adversaries_open(unsigned set)
{
	scene->adversaries = set;
	CPU_ZERO(&scene->processors);
	sched_getaffinity(0, sizeof(scene->processors), &scene->processors);
}

void adversaries_surround(void)
{
	chance = scene->seed;
	if (is_met(ADVERSARY_FAMINE))
		starve();
	if (is_met(ADVERSARY_AFFINITY) && all_on_one())
		move_to(draw(processor_count()));
}

void adversaries_meet(void)
{
	chance = scene->seed + (uint64_t)(current_actor() - scene->actors) + 1;
	storm.thread = 0;
	if (is_met(ADVERSARY_NICE))
		be_nice();
}

static bool is_of(enum op_code code, const char *mechanism)
{
	size_t size = strlen(mechanism);
	const char *name = op_descriptions[code].name;

	return strncmp(name, mechanism, size) == 0 && name[size] == '.';
}

bool is_of_signals(enum op_code code)
{
	return is_of(code, "sig");
}

/* What no implementation does: the stage's own, and the machines and cables it makes for sockets.
 */
static bool is_of_the_stage(enum op_code code)
{
	return is_of(code, "machine") || (is_of(code, "stage") && code != OP_stage_call);
}

void adversaries_begin(enum op_code code)
{
	if (is_of_the_stage(code))
		return;
	if (is_met(ADVERSARY_AFFINITY) && !all_on_one())
		move_to(draw(processor_count()));
	if (interrupts(ADVERSARY_EINTR))
		begin_storm();
}

void adversaries_end(void)
{
	end_storm();
}

void adversaries_leave(void)
{
	scene->left_alone = 1;
	end_storm();
}

uint32_t interruptions(void)
{
	const struct mailbox *me = current_actor();

	return storm.struck + (me ? scene->actors[me->host].stops : 0);
}

bool was_interrupted(uint32_t *seen)
{
	uint32_t before = *seen;

	*seen = interruptions();
	return *seen != before;
}
