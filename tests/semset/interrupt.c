/* SPDX-License-Identifier: MIT */
/* Time limits, signals and stops that come while somebody waits. */
#include "stage/story.h"

enum { SHORT = 20, LONG = 100000 };

static const struct wait_kind {
	const char *name;
	const char *operations;
} kinds[] = {
	{"increase", "0-1"},
	{"zero", "1=0"},
	{"several", "1-1 0-1"},
	{"with_undo", "1+1u 0-1u"},
};

TEST_EACH(semset, timed_operation_times_out, kinds)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 1"));
	does_fail(alice, semset.timed_op("s", row->operations, SHORT), EAGAIN);
	does_give(alice, semset.values("s"), "0 1");
	does_give(alice, semset.waiting("s", 0), 0);
	does_give(alice, semset.waiting_for_zero("s", 1), 0);
	does(alice, semset.op("s", "0+1"));
	does_give(alice, semset.values("s"), "1 1");
}

TEST(semset, zero_timeout_does_not_wait)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 1"));
	does(alice, semset.timed_op("s", "0-1", 0));
	does_fail(alice, semset.timed_op("s", "0-1", 0), EAGAIN);
	does_fail(alice, semset.timed_op("s", "1=0", 0), EAGAIN);
	does_give(alice, semset.values("s"), "0 1");
}

TEST(semset, timed_operation_goes_on_when_it_can)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.timed_op("s", "0-1", LONG));
	blocks(bob);
	does(alice, semset.op("s", "0+1"));
	succeeds(bob);
	does_give(alice, semset.value("s", 0), 0);
}

TEST_VARIANT(semset, timed_operation_goes_on_when_it_can, null_timeout)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.timed_op_for_ever("s", "0-1"));
	blocks(bob);
	does(alice, semset.op("s", "0+1"));
	succeeds(bob);
}

/* -- signals ---------------------------------------------------------------------------------- */

TEST_EACH(semset, handler_interrupts_a_wait, kinds)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 1"));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, 0));
	begin(bob, semset.op("s", row->operations));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	must_be(caught(bob, SIGUSR1), 1);
	does_give(alice, semset.values("s"), "0 1");
	does(alice, semset.op("s", "0+1"));
	does_give(alice, semset.values("s"), "1 1");
}

TEST_VARIANT(semset, handler_interrupts_a_wait, among_others_whose_end_undoes)
{
	enum { TIMES = 5 };
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 1"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, sig.handle(SIGUSR1, 0));
	does(carol, semset.op("s", "1-1u"));
	for (int i = 0; i < TIMES; i++) {
		begin(bob, semset.op("s", "0-1"));
		blocks(bob);
		does(carol, semset.op("s", "1+1u"));
		blocks(bob);
		does(carol, semset.op("s", "1-1u"));
		poke(bob, SIGUSR1);
		fails(bob, EINTR);
	}
	does_give(alice, semset.waiting("s", 0), 0);
}

TEST(semset, interrupted_call_is_never_restarted)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, SA_RESTART));
	begin(bob, semset.op("s", "0-1"));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	does_give(alice, semset.waiting("s", 0), 0);
}

TEST_VARIANT(semset, interrupted_call_is_never_restarted, timed)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, SA_RESTART));
	begin(bob, semset.timed_op("s", "0-1", LONG));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	does_give(alice, semset.waiting("s", 0), 0);
}

/* The waiter has gone on, and has its unit, or was interrupted, and it is there. */
static void has_taken_or_left(actor *waiter, actor *looker)
{
	returns(waiter);
	int error = outcome_of(waiter)->error;

	must(error == 0 || error == EINTR);
	does_give(looker, semset.value("s", 0), error ? 1 : 0);
	does_give(looker, semset.waiting("s", 0), 0);
}

TEST(semset, stop_and_continue_lose_nothing)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.op("s", "0-1"));
	blocks(bob);
	freeze(bob);
	does(alice, semset.op("s", "0+1"));
	thaw(bob);
	has_taken_or_left(bob, alice);
}

TEST_VARIANT(semset, stop_and_continue_lose_nothing, thawed_before)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.op("s", "0-1"));
	blocks(bob);
	freeze(bob);
	thaw(bob);
	does(alice, semset.op("s", "0+1"));
	has_taken_or_left(bob, alice);
}

TEST_VARIANT(semset, stop_and_continue_lose_nothing, other_waiter)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(bob, semset.op("s", "0-1"));
	blocks(bob);
	begin(carol, semset.op("s", "0-1"));
	blocks(carol);
	freeze(bob);
	does(alice, semset.op("s", "0+2"));
	succeeds(carol);
	thaw(bob);
	has_taken_or_left(bob, alice);
}

enum { UNITS = 500, POKES = 50 };

static long long give(const char *text, const long long *n)
{
	struct sembuf one = {.sem_num = 0, .sem_op = 1};

	for (long long i = 0; i < n[0]; i++)
		must_be(impl->semset->semop((int)handle_number(text), &one, 1), 0);
	return 0;
}

/* Takes so many, interrupted or not. */
static long long take(const char *text, const long long *n)
{
	struct sembuf one = {.sem_num = 0, .sem_op = -1};

	for (long long taken = 0; taken < n[0];) {
		if (impl->semset->semop((int)handle_number(text), &one, 1) == 0)
			taken++;
		else
			must_be(errno, EINTR);
	}
	return 0;
}

TEST(semset, units_survive_a_storm_of_signals)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, 0));
	begin(bob, call(take, "s", UNITS, 0, 0));
	for (unsigned i = 1; i <= POKES; i++) {
		begin(alice, call(give, "s", UNITS / POKES, 0, 0));
		poke(bob, SIGUSR1);
		succeeds(alice);
		catches(bob, SIGUSR1, i);
	}
	succeeds(bob);
	does_give(alice, semset.value("s", 0), 0);
	does_give(alice, semset.waiting("s", 0), 0);
}

/* Waits for an increase with a timeout, and looks whether that is as it was. */
static long long wait_and_look(const char *text, const long long *n)
{
	struct sembuf take = {0, -1, 0};
	struct timespec timeout = {(time_t)n[0], (long)n[1]};

	if (!impl->semset->semtimedop)
		skip("no semtimedop");
	long long result = impl->semset->semtimedop((int)handle_number(text), &take, 1, &timeout);
	int error = errno;

	must_be(timeout.tv_sec, n[0]);
	must_be(timeout.tv_nsec, n[1]);
	errno = error;
	return result;
}

TEST(semset, interrupted_call_leaves_its_timeout)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	does(alice, sig.handle(SIGUSR1, 0));
	begin(alice, call(wait_and_look, "s", 1000, 7, 0));
	blocks(alice);
	poke(alice, SIGUSR1);
	fails(alice, EINTR);
	must_be(caught(alice, SIGUSR1), 1);
}
