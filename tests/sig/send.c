/* SPDX-License-Identifier: MIT */
/* What signals are for; sending them, and what their receiver is told. */
#include <limits.h>

#include "stage/story.h"

TEST(sig, a_signal_synchronises)
{
	actor *waiter = cast("waiter"), *sender = cast("sender");

	does(waiter, sig.block(SIGNALS(SIGUSR1)));
	begin(waiter, sig.wait(SIGNALS(SIGUSR1)));
	blocks(waiter);
	does(sender, sig.kill(pid_of(waiter), SIGUSR1));
	gives(waiter, SIGUSR1);
}

TEST(sig, a_mask_excludes)
{
	actor *holder = cast("holder"), *other = cast("other");

	does(holder, sig.handle(SIGUSR1, 0));
	does(holder, sig.block(SIGNALS(SIGUSR1)));
	does(other, sig.kill(pid_of(holder), SIGUSR1));
	does_give(holder, sig.log(), "");
	does_give(holder, sig.pending(), SIGNALS(SIGUSR1));
	does(holder, sig.unblock(SIGNALS(SIGUSR1)));
	does_give(holder, sig.log(), "SIGUSR1");
	does_give(holder, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_signal_terminates)
{
	actor *parent = cast("parent"), *killer = cast("killer");
	actor *child = forks(parent, "child");

	begin(child, sig.pause());
	blocks(child);
	begin(parent, sig.reap(pid_of(child), 0));
	blocks(parent);
	does(killer, sig.kill(pid_of(child), SIGTERM));
	gives(parent, "killed by SIGTERM");
	must_be(outcome_of(parent)->value, pid_of(child));
	does_fail(killer, sig.kill(pid_of(child), 0), ESRCH);
}

TEST(sig, a_signal_suspends_and_resumes)
{
	actor *worker = cast("worker"), *boss = cast("boss");

	does(worker, sig.handle(SIGUSR1, 0));
	does(boss, sig.kill(pid_of(worker), SIGSTOP));
	is_stopped(worker, 1);
	does(boss, sig.kill(pid_of(worker), SIGUSR1));
	must_be(caught(worker, SIGUSR1), 0);
	does(boss, sig.kill(pid_of(worker), SIGCONT));
	is_stopped(worker, 0);
	catches(worker, SIGUSR1, 1);
}

TEST(sig, only_the_named_process_gets_it)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(alice, sig.handle(SIGUSR1, 0));
	does(bob, sig.handle(SIGUSR1, 0));
	does(carol, sig.handle(SIGUSR1, 0));
	does(carol, sig.kill(pid_of(alice), SIGUSR1));
	catches(alice, SIGUSR1, 1);
	does_give(alice, sig.log(), "SIGUSR1");
	does_give(bob, sig.log(), "");
	does_give(carol, sig.log(), "");
}

TEST_VARIANT(sig, only_the_named_process_gets_it, though_it_is_of_another_session)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, sig.new_session());
	does(bob, sig.new_session());
	does(bob, sig.handle(SIGUSR1, SA_SIGINFO));
	does(alice, sig.handle(SIGUSR1, 0));
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	catches(bob, SIGUSR1, 1);
	does_give(bob, sig.info(SIGUSR1), SIGUSR1);
	must_be(outcome_of(bob)->n[INFO_PID], pid_of(alice));
	does_give(alice, sig.log(), "");
}

/* -- to oneself ------------------------------------------------------------------------------- */

static volatile sig_atomic_t handled;

static void count(int signal)
{
	(void)signal;
	handled++;
}

static void handle_counting(void)
{
	struct sigaction action = {.sa_handler = count};

	entry(sig, sigemptyset)(&action.sa_mask);
	must_be(entry(sig, sigaction)(SIGUSR1, &action, NULL), 0);
}

static long long kills_itself(const char *text, const long long *n)
{
	(void)text, (void)n;
	handle_counting();
	must_be(entry(sig, kill)(entry(sig, getpid)(), SIGUSR1), 0);
	return handled;
}

TEST(sig, a_signal_to_oneself_is_delivered_before_kill_returns)
{
	actor *alice = cast("alice");

	does_give(alice, call(kills_itself, "", 0, 0, 0), 1);
}

static long long raises_it(const char *text, const long long *n)
{
	(void)text, (void)n;
	handle_counting();
	must_be(entry(sig, raise)(SIGUSR1), 0);
	return handled;
}

TEST(sig, raise_returns_after_the_handler)
{
	actor *alice = cast("alice");

	does_give(alice, call(raises_it, "", 0, 0, 0), 1);
}

static long long queues_to_itself(const char *text, const long long *n)
{
	const union sigval value = {0};

	(void)text, (void)n;
	handle_counting();
	must_be(entry(sig, sigqueue)(entry(sig, getpid)(), SIGUSR1, value), 0);
	return handled;
}

TEST(sig, a_signal_queued_to_oneself_is_delivered_before_it_returns)
{
	actor *alice = cast("alice");

	does_give(alice, call(queues_to_itself, "", 0, 0, 0), 1);
}

/* -- existence and errors -----------------------------------------------------------------------
 */

TEST(sig, signal_zero_only_asks)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(ALL_SIGNALS));
	does_give(alice, sig.kill(pid_of(bob), 0), 0);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, nobody_is_not_found)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	exits(child, 0);
	does(parent, sig.reap(pid_of(child), 0));
	does_fail(parent, sig.kill(pid_of(child), 0), ESRCH);
	does_fail(parent, sig.kill(pid_of(child), SIGTERM), ESRCH);
}

TEST(sig, a_zombie_can_be_signalled)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	exits(child, 7);
	does_give(parent, sig.kill(pid_of(child), 0), 0);
	does_give(parent, sig.kill(pid_of(child), SIGKILL), 0);
	does_give(parent, sig.reap(pid_of(child), 0), "exited 7");
}

static const struct {
	const char *name;
	int number;
} no_signals[] = {{"negative", -1}, {"beyond_all", 1000}, {"large", INT_MAX}};

TEST_EACH(sig, no_such_signal, no_signals)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(ALL_SIGNALS));
	does_fail(alice, sig.kill(pid_of(bob), row->number), EINVAL);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST_EACH(sig, queue_refuses_what_is_no_signal, no_signals)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(ALL_SIGNALS));
	does_fail(alice, sig.queue(pid_of(bob), row->number, 1), EINVAL);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

static long long raises_no_signal(const char *text, const long long *n)
{
	(void)text;
	errno = 0;
	must(entry(sig, raise)((int)n[0]) != 0);
	return errno;
}

TEST_EACH(sig, raise_refuses_what_is_no_signal, no_signals)
{
	actor *alice = cast("alice");

	does_give(alice, call(raises_no_signal, "", row->number, 0, 0), EINVAL);
}

TEST(sig, queue_finds_nobody)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	exits(child, 0);
	does(parent, sig.reap(pid_of(child), 0));
	does_fail(parent, sig.queue(pid_of(child), SIGUSR1, 1), ESRCH);
}

TEST(sig, queue_of_signal_zero_only_asks)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(ALL_SIGNALS));
	does_give(alice, sig.queue(pid_of(bob), 0, 7), 0);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

/* -- what the receiver is told ------------------------------------------------------------------
 */

/* The last outcome of the receiver tells of this sender. */
static void tells(const actor *receiver, int code, const actor *sender, long long user)
{
	const outcome *out = outcome_of(receiver);

	must_be(out->value, out->n[INFO_SIGNO]);
	must_be(out->n[INFO_CODE], code);
	must_be(out->n[INFO_PID], pid_of(sender));
	must_be(out->n[INFO_UID], user);
}

static long long user_of(actor *a)
{
	does(a, sig.uid());
	return outcome_of(a)->value;
}

TEST(sig, kill_tells_the_sender)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	long long user = user_of(alice);

	does(bob, sig.handle(SIGUSR1, SA_SIGINFO));
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	catches(bob, SIGUSR1, 1);
	does_give(bob, sig.info(SIGUSR1), SIGUSR1);
	tells(bob, SI_USER, alice, user);
}

TEST_VARIANT(sig, kill_tells_the_sender, to_one_who_waits)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	long long user = user_of(alice);

	does(bob, sig.block(SIGNALS(SIGUSR1)));
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	does_give(bob, sig.wait_info(SIGNALS(SIGUSR1)), SIGUSR1);
	tells(bob, SI_USER, alice, user);
}

static const struct {
	const char *name;
	int value;
} values[] = {{"nothing", 0}, {"one", 1}, {"minus_one", -1}, {"least", INT_MIN}, {"most", INT_MAX}};

TEST_EACH(sig, queue_tells_sender_and_value, values)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	long long user = user_of(alice);

	does(bob, sig.handle(SIGUSR1, SA_SIGINFO));
	does(bob, sig.block(SIGNALS(SIGRTMIN)));
	does(alice, sig.queue(pid_of(bob), SIGUSR1, row->value));
	does(alice, sig.queue(pid_of(bob), SIGRTMIN, row->value));
	catches(bob, SIGUSR1, 1);
	does_give(bob, sig.info(SIGUSR1), SIGUSR1);
	tells(bob, SI_QUEUE, alice, user);
	must_be(outcome_of(bob)->n[INFO_VALUE], row->value);
	does_give(bob, sig.wait_info(SIGNALS(SIGRTMIN)), SIGRTMIN);
	tells(bob, SI_QUEUE, alice, user);
	must_be(outcome_of(bob)->n[INFO_VALUE], row->value);
}

TEST(sig, a_queued_value_keeps_a_whole_pointer)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	/* a different byte at every place of a pointer, however long it is */
	long long pointer = (intptr_t)0x1122334455667788;

	does(bob, sig.block(SIGNALS(SIGRTMIN)));
	does(alice, sig.queue_pointer(pid_of(bob), SIGRTMIN, pointer));
	does(bob, sig.wait_info(SIGNALS(SIGRTMIN)));
	must_be(outcome_of(bob)->n[INFO_POINTER], pointer);
}

TEST(sig, a_queued_signal_reaches_a_simple_handler)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(SIGUSR1, 0));
	does(alice, sig.queue(pid_of(bob), SIGUSR1, 7));
	catches(bob, SIGUSR1, 1);
	does_give(bob, sig.log(), "SIGUSR1");
}

TEST(sig, raise_tells_a_thread_sent_it)
{
	actor *alice = cast("alice");
	long long user = user_of(alice);

	does(alice, sig.handle(SIGUSR1, SA_SIGINFO));
	does(alice, sig.raise(SIGUSR1));
	does_give(alice, sig.info(SIGUSR1), SIGUSR1);
	tells(alice, SI_TKILL, alice, user);
}
