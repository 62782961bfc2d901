/* SPDX-License-Identifier: MIT */
/* What a signal does to its receiver: the default, nothing, or what a handler does. */
#include "stage/story.h"

#define ROW(s)                                                                                     \
	{                                                                                          \
#s, s                                                                              \
	}

static const struct {
	const char *name;
	int number;
} deadly[] = {
	ROW(SIGHUP),  ROW(SIGINT),  ROW(SIGQUIT), ROW(SIGILL),	ROW(SIGTRAP),
	ROW(SIGABRT), ROW(SIGBUS),  ROW(SIGFPE),  ROW(SIGKILL), ROW(SIGUSR1),
	ROW(SIGSEGV), ROW(SIGUSR2), ROW(SIGPIPE), ROW(SIGALRM), ROW(SIGTERM),
	ROW(SIGXCPU), ROW(SIGXFSZ), ROW(SIGSYS),  ROW(SIGPROF), ROW(SIGVTALRM),
};

TEST_EACH(sig, the_default_is_to_terminate, deadly)
{
	actor *victim = cast("victim"), *killer = cast("killer");

	does(killer, sig.kill(pid_of(victim), row->number));
	is_killed_by(victim, row->number);
}

static const struct {
	const char *name;
	int number;
} harmless[] = {ROW(SIGCHLD), ROW(SIGURG), ROW(SIGWINCH)};

TEST_EACH(sig, some_are_ignored_by_default, harmless)
{
	actor *alice = cast("alice");

	does_give(alice, sig.disposition(row->number), IS_DEFAULT);
	does(alice, sig.raise(row->number));
	does_give(alice, sig.pending(), NO_SIGNALS);
}

#ifdef __linux__
static const struct {
	const char *name;
	int number;
} further[] = {
	ROW(SIGIO),
	ROW(SIGPWR),
#ifdef SIGSTKFLT
	ROW(SIGSTKFLT),
#endif
};

TEST_EACH(sig, linux_has_further_signals_that_terminate, further)
{
	actor *victim = cast("victim"), *killer = cast("killer");

	does(killer, sig.kill(pid_of(victim), row->number));
	is_killed_by(victim, row->number);
}
#endif

TEST(sig, real_time_signals_terminate)
{
	actor *first = cast("first"), *last = cast("last"), *killer = cast("killer");

	does(killer, sig.queue(pid_of(first), SIGRTMIN, 1));
	is_killed_by(first, SIGRTMIN);
	does(killer, sig.kill(pid_of(last), SIGRTMAX));
	is_killed_by(last, SIGRTMAX);
}

static const struct {
	const char *name;
	int number;
} absolute[] = {ROW(SIGKILL), ROW(SIGSTOP)};

TEST_EACH(sig, some_are_neither_caught_nor_ignored, absolute)
{
	actor *alice = cast("alice");

	does_fail(alice, sig.handle(row->number, 0), EINVAL);
	does_fail(alice, sig.ignore(row->number), EINVAL);
	does_give(alice, sig.disposition(row->number), IS_DEFAULT);
}

TEST_EACH(sig, the_default_of_what_has_no_other_may_be_set, absolute)
{
	actor *alice = cast("alice");

	begin(alice, sig.restore(row->number));
	returns(alice);
	must(outcome_of(alice)->value == 0 || outcome_of(alice)->error == EINVAL);
	does_give(alice, sig.disposition(row->number), IS_DEFAULT);
}

static const struct {
	const char *name;
	int number;
} no_signals[] = {{"zero", 0}, {"negative", -1}, {"beyond_all", 1000}};

TEST_EACH(sig, no_action_for_what_is_no_signal, no_signals)
{
	actor *alice = cast("alice");

	does_fail(alice, sig.handle(row->number, 0), EINVAL);
	does_fail(alice, sig.ignore(row->number), EINVAL);
}

static void action_is(const actor *a, int flags, long long mask)
{
	must_be(outcome_of(a)->n[ACTION_FLAGS], flags);
	must_be(outcome_of(a)->n[ACTION_MASK], mask);
}

TEST(sig, the_action_is_told_as_it_was_set)
{
	actor *alice = cast("alice");
	long long set = SIGNALS(SIGUSR2, SIGTERM);
	int flags = SA_SIGINFO | SA_RESTART | SA_NODEFER;

	does_give(alice, sig.disposition(SIGUSR1), IS_DEFAULT);
	does(alice, sig.handle_masking(SIGUSR1, flags, set));
	for (int i = 0; i < 2; i++) {
		does_give(alice, sig.disposition(SIGUSR1), IS_HANDLED);
		action_is(alice, flags, set);
	}
	does(alice, sig.handle_masking(SIGUSR1, 0, NO_SIGNALS));
	does_give(alice, sig.disposition(SIGUSR1), IS_HANDLED);
	action_is(alice, 0, NO_SIGNALS);
	does(alice, sig.ignore(SIGUSR1));
	does_give(alice, sig.disposition(SIGUSR1), IS_IGNORED);
	does(alice, sig.restore(SIGUSR1));
	does_give(alice, sig.disposition(SIGUSR1), IS_DEFAULT);
}

TEST(sig, an_ignored_signal_does_nothing)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.ignore(SIGTERM));
	does(bob, sig.ignore(SIGRTMIN));
	does(alice, sig.kill(pid_of(bob), SIGTERM));
	does(alice, sig.queue(pid_of(bob), SIGRTMIN, 1));
	does_give(bob, sig.pending(), NO_SIGNALS);
	/* nor does it come back */
	does(bob, sig.handle(SIGTERM, 0));
	does(bob, sig.handle(SIGRTMIN, 0));
	does_give(bob, sig.log(), "");
}

TEST(sig, ignoring_discards_what_is_pending)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGUSR1, SIGUSR2)));
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	does(alice, sig.kill(pid_of(bob), SIGUSR2));
	does(bob, sig.ignore(SIGUSR1));
	does_give(bob, sig.pending(), SIGNALS(SIGUSR2));
	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, sig.handle(SIGUSR2, 0));
	does(bob, sig.set_mask(NO_SIGNALS));
	does_give(bob, sig.log(), "SIGUSR2");
}

TEST_EACH(sig, the_default_discards_what_it_ignores, harmless)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(row->number, 0));
	does(bob, sig.block(SIGNALS(row->number)));
	does(alice, sig.kill(pid_of(bob), row->number));
	does_give(bob, sig.pending(), SIGNALS(row->number));
	does(bob, sig.restore(row->number));
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, resethand_catches_once)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.handle(SIGUSR1, (int)SA_RESETHAND));
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	catches(bob, SIGUSR1, 1);
	does_give(bob, sig.log(), "SIGUSR1");
	does_give(bob, sig.disposition(SIGUSR1), IS_DEFAULT);
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	is_killed_by(bob, SIGUSR1);
}

TEST(sig, a_handler_stays)
{
	actor *alice = cast("alice");

	does(alice, sig.handle(SIGUSR1, 0));
	for (int i = 0; i < 3; i++)
		does(alice, sig.raise(SIGUSR1));
	does_give(alice, sig.log(), "SIGUSR1 SIGUSR1 SIGUSR1");
	does_give(alice, sig.disposition(SIGUSR1), IS_HANDLED);
}

TEST(sig, abort_is_not_held_back)
{
	actor *blocking = cast("blocking"), *ignoring = cast("ignoring"),
	      *catching = cast("catching");

	does(blocking, sig.block(ALL_SIGNALS));
	begin(blocking, sig.abort());
	is_killed_by(blocking, SIGABRT);
	does(ignoring, sig.ignore(SIGABRT));
	begin(ignoring, sig.abort());
	is_killed_by(ignoring, SIGABRT);
	does(catching, sig.handle(SIGABRT, 0));
	begin(catching, sig.abort());
	is_killed_by(catching, SIGABRT);
	must_be(caught(catching, SIGABRT), 1);
}

TEST(sig, a_blocked_signal_terminates_when_let_in)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGTERM)));
	does(alice, sig.kill(pid_of(bob), SIGTERM));
	does_give(bob, sig.pending(), SIGNALS(SIGTERM));
	begin(bob, sig.unblock(SIGNALS(SIGTERM)));
	is_killed_by(bob, SIGTERM);
}

TEST(sig, the_action_is_that_of_the_delivery)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGTERM)));
	does(alice, sig.kill(pid_of(bob), SIGTERM));
	does(bob, sig.handle(SIGTERM, 0));
	does(bob, sig.unblock(SIGNALS(SIGTERM)));
	does_give(bob, sig.log(), "SIGTERM");
}

TEST(sig, a_signal_ignored_while_blocked)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGUSR1)));
	does(bob, sig.ignore(SIGUSR1));
	does(alice, sig.kill(pid_of(bob), SIGUSR1));
	does(bob, sig.pending());
	/* either way it is one of the two, and nothing else is pending */
	long long pending = outcome_of(bob)->value;
	must(pending == NO_SIGNALS || pending == SIGNALS(SIGUSR1));
}
