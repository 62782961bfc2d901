/* SPDX-License-Identifier: MIT */
/* Sets of signals, and the masks they are put to as. */
#include <string.h>

#include "stage/story.h"

static bool is_valid(int signal)
{
	return signal <= 31 || (signal >= SIGRTMIN && signal <= SIGRTMAX);
}

static long long looks_through(const char *text, const long long *n)
{
	sigset_t set;

	(void)text;
	memset(&set, n[0] ? 0 : 0xEE, sizeof(set));
	must_be(n[0] ? entry(sig, sigfillset)(&set) : entry(sig, sigemptyset)(&set), 0);
	for (int s = 1; s <= SIGRTMAX; s++)
		if (is_valid(s))
			must_be(entry(sig, sigismember)(&set, s), n[0]);
	return 0;
}

TEST(sig, an_empty_set_has_no_signal)
{
	actor *alice = cast("alice");

	does(alice, call(looks_through, "", 0, 0, 0));
}

TEST(sig, a_full_set_has_every_signal)
{
	actor *alice = cast("alice");

	does(alice, call(looks_through, "", 1, 0, 0));
}

/* Whichever is put in or taken out, all others stay as they were. */
static long long puts_each(const char *text, const long long *n)
{
	int (*change)(sigset_t *, int) = n[0] ? entry(sig, sigaddset) : entry(sig, sigdelset);
	sigset_t set;

	(void)text;
	for (int s = 1; s <= SIGRTMAX; s++) {
		if (!is_valid(s))
			continue;
		if (n[0])
			entry(sig, sigemptyset)(&set);
		else
			entry(sig, sigfillset)(&set);
		must_be(change(&set, s), 0);
		must_be(change(&set, s), 0);
		for (int other = 1; other <= SIGRTMAX; other++)
			if (is_valid(other))
				must_be(entry(sig, sigismember)(&set, other),
					other == s ? n[0] : !n[0]);
	}
	return 0;
}

TEST(sig, a_signal_is_added_to_a_set)
{
	actor *alice = cast("alice");

	does(alice, call(puts_each, "", 1, 0, 0));
}

TEST(sig, a_signal_is_deleted_from_a_set)
{
	actor *alice = cast("alice");

	does(alice, call(puts_each, "", 0, 0, 0));
}

/* -- masks --------------------------------------------------------------------------------------
 */

static long long changes_and_asks(const char *text, const long long *n)
{
	sigset_t set, old;

	(void)text, (void)n;
	entry(sig, sigemptyset)(&set);
	entry(sig, sigaddset)(&set, SIGUSR1);
	memset(&old, 0xEE, sizeof(old));
	must_be(entry(sig, sigprocmask)(SIG_SETMASK, &set, &old), 0);
	must_be(entry(sig, sigismember)(&old, SIGUSR1), 0);
	memset(&old, 0xEE, sizeof(old));
	must_be(entry(sig, sigprocmask)(SIG_UNBLOCK, &set, &old), 0);
	must_be(entry(sig, sigismember)(&old, SIGUSR1), 1);
	must_be(entry(sig, sigismember)(&old, SIGUSR2), 0);
	/* one set for both */
	must_be(entry(sig, pthread_sigmask)(SIG_BLOCK, &set, &set), 0);
	must_be(entry(sig, sigismember)(&set, SIGUSR1), 0);
	return 0;
}

TEST(sig, changing_the_mask_tells_the_one_before)
{
	actor *alice = cast("alice");

	does(alice, call(changes_and_asks, "", 0, 0, 0));
	does_give(alice, sig.mask(), SIGNALS(SIGUSR1));
}

static long long asks_in_a_way(const char *text, const long long *n)
{
	sigset_t old;

	(void)text;
	memset(&old, 0xEE, sizeof(old));
	must_be(entry(sig, sigprocmask)((int)n[0], NULL, &old), 0);
	must_be(entry(sig, sigismember)(&old, SIGUSR1), 1);
	must_be(entry(sig, sigismember)(&old, SIGUSR2), 0);
	must_be(entry(sig, pthread_sigmask)((int)n[0], NULL, &old), 0);
	return 0;
}

static const struct {
	const char *name;
	int how;
} ways[] = {{"SIG_BLOCK", SIG_BLOCK},
	    {"SIG_UNBLOCK", SIG_UNBLOCK},
	    {"SIG_SETMASK", SIG_SETMASK},
	    {"no_way_at_all", 4711}};

TEST_EACH(sig, without_a_set_the_way_does_not_matter, ways)
{
	actor *alice = cast("alice");

	does(alice, sig.block(SIGNALS(SIGUSR1)));
	does(alice, call(asks_in_a_way, "", row->how, 0, 0));
	does_give(alice, sig.mask(), SIGNALS(SIGUSR1));
}

static long long masks_a_thread_oddly(const char *text, const long long *n)
{
	sigset_t set;

	(void)text, (void)n;
	entry(sig, sigemptyset)(&set);
	entry(sig, sigaddset)(&set, SIGUSR2);
	return entry(sig, pthread_sigmask)(4711, &set, NULL);
}

TEST(sig, a_thread_refuses_an_unknown_way_of_masking)
{
	actor *alice = cast("alice");

	does(alice, sig.block(SIGNALS(SIGUSR1)));
	does_give(alice, call(masks_a_thread_oddly, "", 0, 0, 0), EINVAL);
	does_give(alice, sig.mask(), SIGNALS(SIGUSR1));
}

/* -- suspension ---------------------------------------------------------------------------------
 */

TEST(sig, suspension_does_not_survive_a_death)
{
	actor *bob = cast("bob");

	does(bob, sig.block(SIGNALS(SIGTERM)));
	does(bob, sig.raise(SIGTERM));
	begin(bob, sig.suspend(NO_SIGNALS));
	is_killed_by(bob, SIGTERM);
}

TEST(sig, suspension_does_not_hold_back_what_cannot_be_blocked)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	begin(bob, sig.suspend(ALL_SIGNALS));
	blocks(bob);
	does(alice, sig.kill(pid_of(bob), SIGSTOP));
	is_stopped(bob, 1);
	does(alice, sig.kill(pid_of(bob), SIGCONT));
	is_stopped(bob, 0);
	does(alice, sig.kill(pid_of(bob), SIGKILL));
	is_killed_by(bob, SIGKILL);
}
