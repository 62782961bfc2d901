/* SPDX-License-Identifier: MIT */
/* What a handler finds when it runs, what it may do, and how it comes to be set. */
#include <string.h>

#include "stage/story.h"

static sigset_t set_of(int signal)
{
	sigset_t set;

	entry(sig, sigemptyset)(&set);
	entry(sig, sigaddset)(&set, signal);
	return set;
}

static void block(int signal)
{
	sigset_t set = set_of(signal);

	must_be(entry(sig, sigprocmask)(SIG_BLOCK, &set, NULL), 0);
}

/* -- what it finds ------------------------------------------------------------------------------
 */

/* What the last handler saw: the mask it ran under, the action of its signal, and what it was told.
 */
static sigset_t inside, interrupted;
static struct sigaction action_inside;
static volatile sig_atomic_t runs;

static void looks_around(int signal, siginfo_t *info, void *context)
{
	(void)info;
	entry(sig, sigprocmask)(SIG_BLOCK, NULL, &inside);
	entry(sig, sigaction)(signal, NULL, &action_inside);
	interrupted = ((ucontext_t *)context)->uc_sigmask;
	runs++;
}

static void catches_masking(int signal, int flags, sigset_t mask)
{
	struct sigaction action = {
		.sa_sigaction = looks_around, .sa_flags = SA_SIGINFO | flags, .sa_mask = mask};

	must_be(entry(sig, sigaction)(signal, &action, NULL), 0);
	must_be(entry(sig, raise)(signal), 0);
	must_be(runs, 1);
}

static long long runs_under_a_union(const char *text, const long long *n)
{
	(void)text, (void)n;
	block(SIGTERM);
	catches_masking(SIGUSR1, 0, set_of(SIGUSR2));
	must_be(entry(sig, sigismember)(&inside, SIGTERM), 1);
	must_be(entry(sig, sigismember)(&inside, SIGUSR1), 1);
	must_be(entry(sig, sigismember)(&inside, SIGUSR2), 1);
	must_be(entry(sig, sigismember)(&inside, SIGHUP), 0);
	return 0;
}

TEST(sig, a_handlers_mask_is_added_to_the_threads)
{
	actor *alice = cast("alice");

	does(alice, call(runs_under_a_union, "", 0, 0, 0));
}

static long long masks_everything(const char *text, const long long *n)
{
	sigset_t all;

	(void)text, (void)n;
	entry(sig, sigfillset)(&all);
	catches_masking(SIGUSR1, 0, all);
	must_be(entry(sig, sigismember)(&inside, SIGTERM), 1);
	must_be(entry(sig, sigismember)(&inside, SIGKILL), 0);
	must_be(entry(sig, sigismember)(&inside, SIGSTOP), 0);
	return 0;
}

TEST(sig, a_handlers_mask_leaves_out_what_cannot_be_blocked)
{
	actor *alice = cast("alice");

	does(alice, call(masks_everything, "", 0, 0, 0));
}

static long long resets_early(const char *text, const long long *n)
{
	(void)text, (void)n;
	catches_masking(SIGUSR1, (int)SA_RESETHAND, set_of(SIGUSR1));
	must(action_inside.sa_handler == SIG_DFL);
	return 0;
}

TEST(sig, resethand_resets_before_the_handler_runs)
{
	actor *alice = cast("alice");

	does(alice, call(resets_early, "", 0, 0, 0));
}

static long long clears_a_flag(const char *text, const long long *n)
{
	struct sigaction action;

	(void)text, (void)n;
	catches_masking(SIGUSR1, (int)SA_RESETHAND, set_of(SIGUSR1));
	must(action_inside.sa_handler == SIG_DFL);
	must_be(action_inside.sa_flags & SA_SIGINFO, 0);
	/* and it does not come back */
	memset(&action, 0xEE, sizeof(action));
	must_be(entry(sig, sigaction)(SIGUSR1, NULL, &action), 0);
	must_be(action.sa_flags & SA_SIGINFO, 0);
	return 0;
}

TEST(sig, resethand_clears_SA_SIGINFO)
{
	actor *alice = cast("alice");

	does(alice, call(clears_a_flag, "", 0, 0, 0));
}

static long long is_told_a_context(const char *text, const long long *n)
{
	(void)text, (void)n;
	block(SIGTERM);
	catches_masking(SIGUSR1, 0, set_of(SIGUSR2));
	must_be(entry(sig, sigismember)(&interrupted, SIGTERM), 1);
	must_be(entry(sig, sigismember)(&interrupted, SIGUSR1), 0);
	must_be(entry(sig, sigismember)(&interrupted, SIGUSR2), 0);
	return 0;
}

TEST(sig, a_handler_is_told_the_interrupted_mask)
{
	actor *alice = cast("alice");

	does(alice, call(is_told_a_context, "", 0, 0, 0));
}

/* -- how it is set ------------------------------------------------------------------------------
 */

static void one(int signal)
{
	(void)signal;
	runs++;
}

static void two(int signal)
{
	(void)signal;
	runs += 100;
}

static long long replaces_actions(const char *text, const long long *n)
{
	struct sigaction first = {.sa_handler = one, .sa_flags = SA_RESTART};
	struct sigaction second = {.sa_handler = two}, old;

	(void)text, (void)n;
	first.sa_mask = set_of(SIGTERM);
	entry(sig, sigemptyset)(&second.sa_mask);
	memset(&old, 0xEE, sizeof(old));
	must_be(entry(sig, sigaction)(SIGUSR1, &first, &old), 0);
	must(old.sa_handler == SIG_DFL);
	memset(&old, 0xEE, sizeof(old));
	must_be(entry(sig, sigaction)(SIGUSR1, &second, &old), 0);
	must(old.sa_handler == one);
	must_be(old.sa_flags & (SA_RESTART | SA_SIGINFO | SA_NODEFER), SA_RESTART);
	must_be(entry(sig, sigismember)(&old.sa_mask, SIGTERM), 1);
	must_be(entry(sig, sigismember)(&old.sa_mask, SIGHUP), 0);
	/* one structure for both */
	must_be(entry(sig, sigaction)(SIGUSR1, &old, &old), 0);
	must(old.sa_handler == two);
	must_be(entry(sig, raise)(SIGUSR1), 0);
	return runs;
}

TEST(sig, setting_an_action_tells_the_one_before)
{
	actor *alice = cast("alice");

	does_give(alice, call(replaces_actions, "", 0, 0, 0), 1);
}

static long long sets_with_signal(const char *text, const long long *n)
{
	(void)text, (void)n;
	must(entry(sig, signal)(SIGUSR1, one) == SIG_DFL);
	must_be(entry(sig, raise)(SIGUSR1), 0);
	must(entry(sig, signal)(SIGUSR1, SIG_IGN) != SIG_ERR);
	must_be(entry(sig, raise)(SIGUSR1), 0);
	must(entry(sig, signal)(SIGUSR1, two) == SIG_IGN);
	must(entry(sig, signal)(SIGUSR1, SIG_DFL) == two);
	return runs;
}

TEST(sig, signal_sets_the_handler_and_tells_the_one_before)
{
	actor *alice = cast("alice");

	does_give(alice, call(sets_with_signal, "", 0, 0, 0), 1);
}

static long long is_refused_by_signal(const char *text, const long long *n)
{
	(void)text;
	errno = 0;
	must(entry(sig, signal)((int)n[0], one) == SIG_ERR);
	return errno;
}

static const struct {
	const char *name;
	int number;
} uncatchable[] = {
	{"SIGKILL", SIGKILL}, {"SIGSTOP", SIGSTOP}, {"negative", -1}, {"beyond_all", 1000}};

TEST_EACH(sig, signal_refuses_what_is_not_to_be_caught, uncatchable)
{
	actor *alice = cast("alice");

	does_give(alice, call(is_refused_by_signal, "", row->number, 0, 0), EINVAL);
}

/* -- what it may do -----------------------------------------------------------------------------
 */

static void leaves(int signal)
{
	(void)signal;
	entry(sig, exit)(3);
}

static long long aborts_and_leaves(const char *text, const long long *n)
{
	struct sigaction action = {.sa_handler = leaves};
	int status = 0;
	pid_t child;

	(void)text, (void)n;
	entry(sig, sigemptyset)(&action.sa_mask);
	must_be(entry(sig, sigaction)(SIGABRT, &action, NULL), 0);
	child = entry(sig, fork)();
	if (child == 0)
		entry(sig, abort)();
	must_be(entry(sig, waitpid)(child, &status, 0), child);
	must(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(sig, a_handler_that_does_not_return_escapes_abort)
{
	actor *alice = cast("alice");

	does_give(alice, call(aborts_and_leaves, "", 0, 0, 0), 3);
}

/* Two handlers that answer each other, each so many times. */
enum { ROUNDS = 200 };

static void answers(int signal, siginfo_t *info, void *context)
{
	int error = errno;
	union sigval value = {.sival_int = info->si_value.sival_int + 1};

	(void)context;
	/* other processes of this user may have filled the queue, for a while */
	if (value.sival_int <= 2 * ROUNDS)
		while (entry(sig, sigqueue)(info->si_pid, signal, value) < 0)
			must_be(errno, EAGAIN);
	shared()[0]++;
	errno = error;
}

static long long is_ready_to_answer(const char *text, const long long *n)
{
	struct sigaction action = {.sa_sigaction = answers, .sa_flags = SA_SIGINFO | SA_RESTART};

	(void)text, (void)n;
	entry(sig, sigemptyset)(&action.sa_mask);
	return entry(sig, sigaction)(SIGRTMIN, &action, NULL);
}

TEST(sig, a_handler_answers_a_signal_with_a_signal)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, call(is_ready_to_answer, "", 0, 0, 0));
	does(bob, call(is_ready_to_answer, "", 0, 0, 0));
	does(alice, sig.queue(pid_of(bob), SIGRTMIN, 1));
	awaits(&shared()[0], 2 * ROUNDS);
	does_give(alice, sig.pending(), NO_SIGNALS);
	does_give(bob, sig.pending(), NO_SIGNALS);
	must_be(shared()[0], 2 * ROUNDS);
}

/* -- faults that are none -----------------------------------------------------------------------
 */

static const struct {
	const char *name;
	int number;
} faults[] = {{"SIGFPE", SIGFPE}, {"SIGILL", SIGILL}, {"SIGSEGV", SIGSEGV}, {"SIGBUS", SIGBUS}};

TEST_EACH(sig, faults_that_were_sent_are_held_back, faults)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(row->number, SA_SIGINFO));
	does(bob, sig.block(SIGNALS(row->number)));
	does(alice, sig.kill(pid_of(bob), row->number));
	does_give(bob, sig.pending(), SIGNALS(row->number));
	does_give(bob, sig.log(), "");
	does(bob, sig.set_mask(NO_SIGNALS));
	catches(bob, row->number, 1);
	does_give(bob, sig.info(row->number), row->number);
	must_be(outcome_of(bob)->n[INFO_CODE], SI_USER);
	must_be(outcome_of(bob)->n[INFO_PID], pid_of(alice));
}
