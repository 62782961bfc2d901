/* SPDX-License-Identifier: MIT */
/* Signals: what came before one was sent comes before its handler, and before sigwait returns. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched/clock.h"
#include "sched/instrument.h"
#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

enum { SIGNALS = 65, EVERYBODY = 0 };

/* What the program has set; the kernel knows the trampoline. */
static struct sigaction actions[SIGNALS];

static uint64_t key_of(pid_t target)
{
	return sync_key(SYNC_SIGNAL, 0, (uint64_t)target);
}

void signal_sent(pid_t target)
{
	sync_release(key_of(target > 0 ? target : EVERYBODY), SYNC_SIGNAL);
}

void signal_taken(void)
{
	if (!self.party)
		return;
	sync_acquire(key_of(self.pid), SYNC_SIGNAL);
	sync_acquire(key_of(EVERYBODY), SYNC_SIGNAL);
}

static void taken(const siginfo_t *info)
{
	signal_taken();
	if (info && info->si_signo == SIGCHLD &&
	    (info->si_code == CLD_EXITED || info->si_code == CLD_KILLED ||
	     info->si_code == CLD_DUMPED))
		party_join_process(info->si_pid);
}

/*
 * The handler may have come in the midst of the runtime, which finds its views as they were; and
 * may leave by longjmp, from where the runtime is to go on as if at rest.
 */
static void trampoline(int number, siginfo_t *info, void *context)
{
	const struct sigaction *action = &actions[number];
	struct view views[VIEWS];
	uint32_t generation = self.generation;
	bool busy = self.busy;
	int saved = errno;

	REAL(memcpy)(views, self.view, sizeof(views));
	self.busy = false;
	taken(info);
	errno = saved;
	if (action->sa_flags & SA_SIGINFO)
		action->sa_sigaction(number, info, context);
	else
		action->sa_handler(number);
	REAL(memcpy)(self.view, views, sizeof(views));
	self.generation = generation;
	self.busy = busy;
}

static bool is_ours(const struct sigaction *action)
{
	return action->sa_flags & SA_SIGINFO && action->sa_sigaction == trampoline;
}

WRAP(int, sigaction, (int number, const struct sigaction *action, struct sigaction *old))
{
	struct sigaction set, before;
	bool known = number > 0 && number < SIGNALS;
	struct sigaction previous;

	if (!known)
		return REAL(sigaction)(number, action, old);
	memcpy(&previous, &actions[number], sizeof(previous));
	if (action) {
		set = *action;
		if (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN) {
			actions[number] = *action;
			set.sa_sigaction = trampoline;
			set.sa_flags |= SA_SIGINFO;
		}
	}
	int result = REAL(sigaction)(number, action ? &set : NULL, &before);

	if (result) {
		actions[number] = previous;
		return result;
	}
	if (action && MODELLED)
		model_sigaction(number, action);
	if (old) {
		*old = before;
		if (is_ours(&before)) {
			old->sa_handler = previous.sa_handler;
			old->sa_flags =
				(before.sa_flags & ~SA_SIGINFO) | (previous.sa_flags & SA_SIGINFO);
		}
	}
	return result;
}

typedef void (*plain_handler)(int);

WRAP(plain_handler, signal, (int number, plain_handler handle))
{
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART}, old;

	sigemptyset(&action.sa_mask);
	if (__wrap_sigaction(number, &action, &old))
		return SIG_ERR;
	return old.sa_handler;
}

/* Who isn't there is dead. */
static int told(int result)
{
	if (result == -1 && errno == ESRCH) {
		party_join_dead();
		errno = ESRCH;
	}
	return result;
}

WRAP(int, kill, (pid_t pid, int number))
{
	if (number)
		signal_sent(pid);
	return told(MODELLED ? model_kill(HERE, pid, number) : REAL(kill)(pid, number));
}

WRAP(int, killpg, (pid_t group, int number))
{
	if (number)
		signal_sent(EVERYBODY);
	if (!MODELLED)
		return REAL(killpg)(group, number);
	if (group >= 0 && group != 1)
		return model_kill(HERE, -group, number);
	errno = EINVAL;
	return -1;
}

WRAP(int, sigqueue, (pid_t pid, int number, const union sigval value))
{
	if (number)
		signal_sent(pid);
	return told(MODELLED ? model_sigqueue(HERE, pid, number, value)
			     : REAL(sigqueue)(pid, number, value));
}

WRAP(int, pthread_kill, (pthread_t thread, int number))
{
	if (number)
		signal_sent(getpid());
	return MODELLED ? model_pthread_kill(HERE, thread, number)
			: REAL(pthread_kill)(thread, number);
}

WRAP(int, sigwait, (const sigset_t *set, int *number))
{
	int result;

	if (MODELLED) {
		*number = model_sigtimedwait(HERE, set, NULL, NULL);
		result = *number < 0 ? errno : 0;
	} else
		result = REAL(sigwait)(set, number);

	if (!result)
		signal_taken();
	return result;
}

WRAP(int, sigwaitinfo, (const sigset_t *set, siginfo_t *info))
{
	siginfo_t own;
	int number = MODELLED ? model_sigtimedwait(HERE, set, info ? info : &own, NULL)
			      : REAL(sigwaitinfo)(set, info ? info : &own);

	if (number > 0)
		taken(info ? info : &own);
	return number;
}

WRAP(int, sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *timeout))
{
	siginfo_t own;
	int number = MODELLED ? model_sigtimedwait(HERE, set, info ? info : &own, timeout)
			      : REAL(sigtimedwait)(set, info ? info : &own, timeout);

	if (number > 0)
		taken(info ? info : &own);
	return number;
}

/* ---- only the explorer cares ------------------------------------------------------------------
 */

WRAP(int, raise, (int number))
{
	return MODELLED ? model_kill(HERE, getpid(), number) : REAL(raise)(number);
}

WRAP(int, sigprocmask, (int how, const sigset_t *set, sigset_t *old))
{
	return MODELLED ? model_sigprocmask(how, set, old) : REAL(sigprocmask)(how, set, old);
}

WRAP(int, pthread_sigmask, (int how, const sigset_t *set, sigset_t *old))
{
	if (!MODELLED)
		return REAL(pthread_sigmask)(how, set, old);
	return model_sigprocmask(how, set, old) < 0 ? errno : 0;
}

WRAP(int, sigsuspend, (const sigset_t *mask))
{
	return MODELLED ? model_sigsuspend(HERE, mask) : REAL(sigsuspend)(mask);
}

WRAP(int, pause, (void))
{
	return MODELLED ? model_sigsuspend(HERE, NULL) : REAL(pause)();
}
