/* SPDX-License-Identifier: MIT */
/*
 * Signals.  Those that have a handler are kept from the process by the kernel, all the time but
 * when it is its turn to take them: so a handler runs at a point, and who was sent what is in the
 * arena. Those without a handler do at once what they do.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/model.h"
#include "sched/real.h"
#include "sched/schedule.h"

int REAL(sigqueue)(pid_t pid, int signal, union sigval value);
int REAL(pthread_kill)(pthread_t thread, int signal);

enum { SIGNALS = 65, KERNEL_MASK_BYTES = 8 };

/* What the program has masked; the kernel masks all that has a handler as well. */
static __thread uint64_t masked;
static __thread bool knows_mask;

static uint64_t bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

static bool is_synchronous(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
	       signal == SIGTRAP || signal == SIGABRT || signal == SIGKILL || signal == SIGSTOP ||
	       signal == SIGSYS;
}

static void kernel_mask(int how, uint64_t set, uint64_t *old)
{
	REAL(syscall)(SYS_rt_sigprocmask, how, &set, old, KERNEL_MASK_BYTES);
}

static uint64_t set_of(const sigset_t *set)
{
	uint64_t bits = 0;

	for (int signal = 1; signal < SIGNALS; signal++)
		if (sigismember(set, signal) == 1)
			bits |= bit(signal);
	return bits;
}

static void to_set(uint64_t bits, sigset_t *set)
{
	sigemptyset(set);
	for (int signal = 1; signal < SIGNALS; signal++)
		if (bits & bit(signal))
			sigaddset(set, signal);
}

static struct actor *own_actor(void)
{
	return &arena->actor[runtime_self()];
}

static struct actor *process_of(unsigned actor)
{
	return &arena->actor[arena->actor[actor].process];
}

/* Who handles what. */
static struct actor *own_process(void)
{
	return process_of(runtime_self());
}

static void learn_mask(void)
{
	if (knows_mask)
		return;
	knows_mask = true;
	kernel_mask(SIG_BLOCK, 0, &masked);
	masked &= ~own_process()->handled;
	own_actor()->masked = masked;
}

/* After a change of handlers, or of what the program masks. */
static void mask_again(void)
{
	kernel_mask(SIG_SETMASK, masked | own_process()->handled, NULL);
}

void model_mask_again(void)
{
	learn_mask();
	mask_again();
}

void model_thread_masks(void)
{
	knows_mask = true;
	masked = own_actor()->masked;
	mask_again();
}

void model_mask_all(void)
{
	kernel_mask(SIG_SETMASK, UINT64_MAX, NULL);
}

static void put(uint64_t *set, int signal, bool in)
{
	*set = in ? *set | bit(signal) : *set & ~bit(signal);
}

void model_sigaction(int signal, const struct sigaction *action)
{
	struct actor *process = own_process();
	uint64_t handled = process->handled;
	bool ignores = !(action->sa_flags & SA_SIGINFO) && action->sa_handler == SIG_IGN;
	bool defaults = !(action->sa_flags & SA_SIGINFO) && action->sa_handler == SIG_DFL;

	if (is_synchronous(signal))
		return;
	learn_mask();
	put(&process->handled, signal, !ignores && !defaults);
	put(&process->ignored, signal, ignores);
	put(&process->restarts, signal, action->sa_flags & SA_RESTART);
	mask_again();
	if (process->handled != handled)
		schedule_masks();
}

void model_executed(void)
{
	struct actor *process = own_process();

	knows_mask = true;
	masked = own_actor()->masked;
	process->handled = process->restarts = 0;
	mask_again();
}

static uint64_t sent_to(const struct actor *actor)
{
	return atomic_load(&actor->signals) | atomic_load(&own_process()->common);
}

/* Those that are pending and not masked run their handlers now. */
static uint64_t take(void)
{
	struct actor *self = own_actor(), *process = own_process();
	uint64_t due = sent_to(self) & process->handled & ~masked;

	if (!due)
		return 0;
	atomic_fetch_and(&self->signals, ~due);
	atomic_fetch_and(&process->common, ~due);
	kernel_mask(SIG_SETMASK, masked | (process->handled & ~due), NULL);
	mask_again();
	return due;
}

void model_take_signals(void)
{
	int saved = errno;

	learn_mask();
	take();
	errno = saved;
}

int model_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	learn_mask();
	if (old)
		to_set(masked, old);
	if (!set)
		return 0;
	uint64_t bits = set_of(set);
	switch (how) {
	case SIG_BLOCK:
		masked |= bits;
		break;
	case SIG_UNBLOCK:
		masked &= ~bits;
		break;
	case SIG_SETMASK:
		masked = bits;
		break;
	default:
		errno = EINVAL;
		return -1;
	}
	mask_again();
	own_actor()->masked = masked;
	take();
	return 0;
}

/* ---- sending ---- */

static unsigned actor_of(pid_t pid)
{
	for (unsigned actor = 0; actor < atomic_load(&arena->actors); actor++)
		if (atomic_load(&arena->actor[actor].pid) == pid &&
		    atomic_load(&arena->actor[actor].state) != ACTOR_GONE)
			return actor;
	return NOBODY;
}

/* What it does to who has no handler. */
static bool kills_by_default(int signal)
{
	return signal != SIGCHLD && signal != SIGURG && signal != SIGWINCH && signal != SIGCONT &&
	       signal != SIGSTOP && signal != SIGTSTP && signal != SIGTTIN && signal != SIGTTOU;
}

/* How one is sent: kill, sigqueue or pthread_kill. */
struct sending {
	pid_t pid;
	int signal;
	bool to_thread;
	pthread_t thread;
	union sigval value;
	int (*send)(const struct sending *sending);
};

static int by_kill(const struct sending *sending)
{
	return REAL(kill)(sending->pid, sending->signal);
}

static int by_queue(const struct sending *sending)
{
	return REAL(sigqueue)(sending->pid, sending->signal, sending->value);
}

static int by_thread(const struct sending *sending)
{
	return REAL(pthread_kill)(sending->thread, sending->signal);
}

/* It was sent what it has no handler for, or one that it handles. */
static void was_sent(unsigned target, int signal, bool to_thread)
{
	struct actor *process = process_of(target);
	bool masked_there = to_thread ? arena->actor[target].masked & bit(signal)
				      : schedule_all_mask(target, signal);

	if (signal == SIGSTOP || signal == SIGCONT)
		schedule_stop(target, signal == SIGSTOP);
	else if (process->handled & bit(signal) || masked_there)
		(to_thread ? schedule_signal : schedule_signal_process)(target, signal);
	else if (process != own_process() && kills_by_default(signal) &&
		 !(process->ignored & bit(signal)))
		schedule_kills(target);
	if (process == own_process())
		take();
}

static int send_to(const void *pc, unsigned target, const struct sending *sending)
{
	struct operation kills = model_operation(OPERATION_KILL, 0, pc);

	/* a process that is interrupted has its stores seen */
	schedule_awaits_stores(target == NOBODY ? NOBODY : arena->actor[target].process);
	sched_point(&kills);
	int result = sending->send(sending);
	if (result == 0 && target != NOBODY && sending->signal != 0)
		was_sent(target, sending->signal, sending->to_thread);
	return result;
}

static bool is_of_group(unsigned actor, pid_t group)
{
	const struct actor *other = &arena->actor[actor];

	return other->process == actor && atomic_load(&other->state) != ACTOR_GONE &&
	       atomic_load(&other->pid) > 0 && getpgid(atomic_load(&other->pid)) == group;
}

/* Those of the program that are in the group, one after the other and itself last; nobody else, for
 * the group may be the explorer's. */
static int kill_group(const void *pc, pid_t group, int signal)
{
	unsigned process = arena->actor[runtime_self()].process;
	bool own = is_of_group(process, group), any = own;

	for (unsigned actor = 0; actor < atomic_load(&arena->actors); actor++)
		if (actor != process && is_of_group(actor, group)) {
			model_kill(pc, atomic_load(&arena->actor[actor].pid), signal);
			any = true;
		}
	if (own)
		model_kill(pc, getpid(), signal);
	if (any)
		return 0;
	errno = ESRCH;
	return -1;
}

int model_kill(const void *pc, pid_t pid, int signal)
{
	struct sending sending = {.pid = pid, .signal = signal, .send = by_kill};

	if (pid == -1)
		return model_refuse(pc, "kill of all processes");
	if (pid <= 0)
		return kill_group(pc, pid == 0 ? getpgrp() : -pid, signal);
	return send_to(pc, actor_of(pid), &sending);
}

int model_sigqueue(const void *pc, pid_t pid, int signal, union sigval value)
{
	struct sending sending = {.pid = pid, .signal = signal, .value = value, .send = by_queue};

	return send_to(pc, pid > 0 ? actor_of(pid) : NOBODY, &sending);
}

int model_pthread_kill(const void *pc, pthread_t thread, int signal)
{
	struct sending sending = {
		.to_thread = true, .thread = thread, .signal = signal, .send = by_thread};

	return send_to(pc, model_thread_actor(thread), &sending);
}

/* ---- waiting ---- */

int model_sigsuspend(const void *pc, const sigset_t *mask)
{
	struct operation waits = model_operation(OPERATION_AWAIT_SIGNAL, 0, pc);
	uint64_t before;

	learn_mask();
	before = masked;
	sched_point(&waits);
	masked = mask ? set_of(mask) : masked;
	own_actor()->masked = masked;
	if (!take())
		while (sched_block(&waits, FOREVER) != INTERRUPTED)
			;
	masked = before;
	own_actor()->masked = masked;
	mask_again();
	errno = EINTR;
	return -1;
}

/* The thread's own comes before its process's. */
static void took(int signal)
{
	struct actor *self = own_actor();
	bool own = atomic_load(&self->signals) & bit(signal);

	atomic_fetch_and(own ? &self->signals : &own_process()->common, ~bit(signal));
}

int model_sigtimedwait(const void *pc, const sigset_t *set, siginfo_t *info,
		       const struct timespec *timeout)
{
	struct operation waits = model_operation(OPERATION_AWAIT_SIGNAL, 0, pc);
	int64_t left = timeout ? timeout->tv_sec * INT64_C(1000000000) + timeout->tv_nsec : FOREVER;
	static const struct timespec now = {0, 0};
	uint64_t wanted = set_of(set);
	struct actor *self = own_actor();
	siginfo_t own;

	learn_mask();
	sched_point(&waits);
	for (;;) {
		int signal = (int)REAL(syscall)(SYS_rt_sigtimedwait, &wanted, info ? info : &own,
						&now, KERNEL_MASK_BYTES);
		if (signal > 0) {
			took(signal);
			return signal;
		}
		self->awaited = wanted;
		enum wakening why = sched_block(&waits, left);
		self->awaited = 0;
		if (why == TIMED_OUT) {
			errno = EAGAIN;
			return -1;
		}
		if (why == INTERRUPTED && !(sent_to(self) & wanted)) {
			errno = EINTR;
			return -1;
		}
	}
}
