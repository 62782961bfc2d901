/* SPDX-License-Identifier: MIT */
/* Who goes on when values change, and who is counted until then. */
#include "../waiters.h"

/* -- whatever changes a value ----------------------------------------------------------------- */

static op add_one(void)
{
	return semset.op("s", "0+1");
}

static op add_with_others(void)
{
	return semset.op("s", "1+1 0+1");
}

static op set_to_one(void)
{
	return semset.set("s", 0, 1);
}

static op set_all_to_one(void)
{
	return semset.set_all("s", "1 1");
}

static const struct change {
	const char *name;
	op (*change)(void); /* NULL: the death of one whose undo does it */
} increases[] = {
	{"semop", add_one},	{"semop_of_several", add_with_others},
	{"setval", set_to_one}, {"setall", set_all_to_one},
	{"undo", NULL},
};

TEST_EACH(semset, increase_wakes_whoever_can_go_on, increases)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 0"));
	actor *bob = forks(alice, "bob"), *holder = forks(alice, "holder");
	does(holder, semset.op("s", "0-1u"));
	begin(bob, semset.op("s", "0-1"));
	blocks(bob);
	if (row->change)
		does(alice, row->change());
	else
		dies(holder);
	succeeds(bob);
	does_give(alice, semset.value("s", 0), 0);
	does_give(alice, semset.waiting("s", 0), 0);
}

static op take_one(void)
{
	return semset.op("s", "0-1");
}

static op take_and_give_elsewhere(void)
{
	return semset.op("s", "0-1 1+1");
}

static op set_to_zero(void)
{
	return semset.set("s", 0, 0);
}

static op set_all_to_zero(void)
{
	return semset.set_all("s", "0 0");
}

static const struct change to_zero[] = {
	{"semop", take_one},	 {"semop_of_several", take_and_give_elsewhere},
	{"setval", set_to_zero}, {"setall", set_all_to_zero},
	{"undo", NULL},
};

TEST_EACH(semset, zero_wakes_whoever_waits_for_it, to_zero)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 0"));
	actor *bob = forks(alice, "bob"), *holder = forks(alice, "holder");
	does(holder, semset.op("s", "0+1u"));
	begin(bob, semset.op("s", "0=0"));
	blocks(bob);
	if (row->change)
		does(alice, row->change());
	else
		dies(holder);
	succeeds(bob);
	does_give(alice, semset.value("s", 0), 0);
	does_give(alice, semset.waiting_for_zero("s", 0), 0);
}

static const struct chain {
	const char *name;
	const char *before, *first, *second, *third, *change, *after;
	bool last_first; /* the last of the chain is the first to wait */
} chains[] = {
	{"increases", "0 0 0", "0-1 1+1", "1-1 2+1", "2-1", "0+1", "0 0 0", false},
	{"zeros", "1 1 1", "0=0 1-1", "1=0 2-1", "2=0", "0-1", "0 0 0", false},
	{"zero_then_increase", "1 0 0", "0=0 1+2", "1-2 2+1", "2-1", "0-1", "0 0 0", false},
	{"increase_then_zero", "0 1 1", "0-1 1-1", "1=0 2-1", "2=0 0+4", "0+1", "4 0 0", false},
	{"increases_last_first", "0 0 0", "0-1 1+1", "1-1 2+1", "2-1", "0+1", "0 0 0", true},
	{"zeros_last_first", "1 1 1", "0=0 1-1", "1=0 2-1", "2=0", "0-1", "0 0 0", true},
};

TEST_EACH(semset, woken_waiter_wakes_the_next, chains)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", row->before));
	actor *first = forks(alice, "first"), *second = forks(alice, "second"),
	      *third = forks(alice, "third");
	actor *waiters[] = {first, second, third};
	const char *operations[] = {row->first, row->second, row->third};
	for (int i = 0; i < 3; i++) {
		int next = row->last_first ? 2 - i : i;

		begin(waiters[next], semset.op("s", operations[next]));
		blocks(waiters[next]);
	}
	does(alice, semset.op("s", row->change));
	succeeds(first);
	succeeds(second);
	succeeds(third);
	does_give(alice, semset.values("s"), row->after);
}

/* -- how many go on --------------------------------------------------------------------------- */

enum { WAITERS = 3 };

static actor *waiters[WAITERS];

/* Takes a unit, and says that it is the n-th waiter who goes on. */
static long long take(const char *text, const long long *n)
{
	struct sembuf one = {.sem_num = 0, .sem_op = -1};

	must_be(impl->semset->semop((int)handle_number(text), &one, 1), 0);
	say_that_it_goes_on(n[0]);
	return 0;
}

TEST(semset, one_unit_lets_one_waiter_go_on)
{
	actor *alice = cast("alice");
	bool is_gone[WAITERS] = {false};

	does(alice, semset.make("s", "0"));
	cast_waiters(alice, waiters, WAITERS);
	for (int i = 0; i < WAITERS; i++)
		begin(waiters[i], call(take, "s", i, 0, 0));
	for (int i = 0; i < WAITERS; i++)
		blocks(waiters[i]);
	for (int released = 1; released <= WAITERS; released++) {
		does(alice, semset.op("s", "0+1"));
		one_goes_on(waiters, is_gone, WAITERS, released);
		does_give(alice, semset.value("s", 0), 0);
		does_give(alice, semset.waiting("s", 0), WAITERS - released);
	}
}

static void all_wait(const char *operations)
{
	for (int i = 0; i < WAITERS; i++)
		begin(waiters[i], semset.op("s", operations));
	for (int i = 0; i < WAITERS; i++)
		blocks(waiters[i]);
}

static void all_go_on(void)
{
	for (int i = 0; i < WAITERS; i++)
		succeeds(waiters[i]);
}

TEST(semset, several_units_wake_several)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	cast_waiters(alice, waiters, WAITERS);
	all_wait("0-1");
	does(alice, semset.op("s", "0+4"));
	all_go_on();
	does_give(alice, semset.value("s", 0), 1);
}

TEST(semset, zero_wakes_all_who_wait_for_it)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1"));
	cast_waiters(alice, waiters, WAITERS);
	all_wait("0=0");
	does_give(alice, semset.waiting_for_zero("s", 0), WAITERS);
	does(alice, semset.op("s", "0-1"));
	all_go_on();
	does_give(alice, semset.waiting_for_zero("s", 0), 0);
}

TEST(semset, small_waiter_passes_the_large)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *large = forks(alice, "large"), *small = forks(alice, "small");
	begin(large, semset.op("s", "0-5"));
	blocks(large);
	begin(small, semset.op("s", "0-1"));
	blocks(small);
	does(alice, semset.op("s", "0+1"));
	succeeds(small);
	blocks(large);
	does(alice, semset.op("s", "0+5"));
	succeeds(large);
}

static long long operate_many(const char *text, const long long *n)
{
	struct sembuf one = {.sem_num = 0, .sem_op = (short)n[1]};

	for (long long i = 0; i < n[0]; i++)
		must_be(impl->semset->semop((int)handle_number(text), &one, 1), 0);
	return 0;
}

TEST(semset, no_wakeup_is_lost_in_a_crowd)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol"),
	      *dave = forks(alice, "dave");
	begin(bob, call(operate_many, "s", 500, -1, 0));
	begin(carol, call(operate_many, "s", 500, -1, 0));
	begin(alice, call(operate_many, "s", 800, 1, 0));
	begin(dave, call(operate_many, "s", 200, 1, 0));
	succeeds(alice);
	succeeds(dave);
	succeeds(bob);
	succeeds(carol);
	does_give(alice, semset.value("s", 0), 0);
}

/* -- who is counted --------------------------------------------------------------------------- */

TEST(semset, waiters_for_an_increase_are_counted)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 0"));
	cast_waiters(alice, waiters, WAITERS);
	does_give(alice, semset.waiting("s", 0), 0);
	for (int i = 0; i < WAITERS; i++) {
		begin(waiters[i], semset.op("s", "0-1"));
		blocks(waiters[i]);
		does_give(alice, semset.waiting("s", 0), i + 1);
	}
	does_give(alice, semset.waiting_for_zero("s", 0), 0);
	does_give(alice, semset.waiting("s", 1), 0);
	does(alice, semset.op("s", "0+3"));
	all_go_on();
	does_give(alice, semset.waiting("s", 0), 0);
}

TEST(semset, waiters_for_zero_are_counted)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "7 7"));
	cast_waiters(alice, waiters, WAITERS);
	for (int i = 0; i < WAITERS; i++) {
		begin(waiters[i], semset.op("s", "1=0"));
		blocks(waiters[i]);
		does_give(alice, semset.waiting_for_zero("s", 1), i + 1);
	}
	does_give(alice, semset.waiting("s", 1), 0);
	does_give(alice, semset.waiting_for_zero("s", 0), 0);
	does(alice, semset.op("s", "1-7"));
	all_go_on();
	does_give(alice, semset.waiting_for_zero("s", 1), 0);
}

TEST(semset, waiter_is_counted_where_it_waits)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 0 1"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.op("s", "0-1 1-1 2=0"));
	blocks(bob);
	does_give(alice, semset.waiting("s", 0), 0);
	does_give(alice, semset.waiting("s", 1), 1);
	does_give(alice, semset.waiting_for_zero("s", 2), 0);
	does(alice, semset.op("s", "1+1"));
	blocks(bob);
	does_give(alice, semset.waiting("s", 1), 0);
	does_give(alice, semset.waiting_for_zero("s", 2), 1);
	does(alice, semset.op("s", "2-1"));
	succeeds(bob);
	does_give(alice, semset.waiting_for_zero("s", 2), 0);
	does_give(alice, semset.values("s"), "0 0 0");
}

enum end { GOES_ON, IS_INTERRUPTED, IS_KILLED };

static const struct leaving {
	const char *name;
	const char *operations;
	enum end end;
} leavings[] = {
	{"increase_goes_on", "0-1", GOES_ON},
	{"increase_interrupted", "0-1", IS_INTERRUPTED},
	{"increase_killed", "0-1", IS_KILLED},
	{"zero_goes_on", "1=0", GOES_ON},
	{"zero_interrupted", "1=0", IS_INTERRUPTED},
	{"zero_killed", "1=0", IS_KILLED},
	{"several_interrupted", "1-1 1+1 0-1", IS_INTERRUPTED},
	{"several_killed", "1-1 1+1 0-1", IS_KILLED},
};

TEST_EACH(semset, who_waits_no_more_is_not_counted, leavings)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 1"));
	actor *bob = forks(alice, "bob");
	if (row->end == IS_INTERRUPTED)
		does(bob, sig.handle(SIGUSR1, 0));
	begin(bob, semset.op("s", row->operations));
	blocks(bob);
	if (row->end == GOES_ON) {
		does(alice, semset.op("s", "0+1 1-1"));
		succeeds(bob);
		does(alice, semset.set_all("s", "0 1"));
	} else if (row->end == IS_INTERRUPTED) {
		poke(bob, SIGUSR1);
		fails(bob, EINTR);
	} else {
		dies(bob);
	}
	does_give(alice, semset.waiting("s", 0), 0);
	does_give(alice, semset.waiting_for_zero("s", 1), 0);
	does_give(alice, semset.values("s"), "0 1");
}

TEST(semset, waiting_threads_are_counted_each)
{
	actor *alice = cast("alice");

	does(alice, semset.make_private("s", "0"));
	actor *thread = cast_thread(alice, "thread"), *other = cast_thread(alice, "other");
	begin(thread, semset.op("s", "0-1"));
	begin(other, semset.op("s", "0-1"));
	blocks(thread);
	blocks(other);
	does_give(alice, semset.waiting("s", 0), 2);
	does(alice, semset.op("s", "0+2"));
	succeeds(thread);
	succeeds(other);
	does_give(alice, semset.waiting("s", 0), 0);
}

/* -- who was the last ------------------------------------------------------------------------- */

TEST(semset, last_operator_is_known)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 1 1"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(carol, semset.op("s", "0+1 1+1 2+1"));
	does(bob, semset.op("s", "0-1 2+1"));
	does_give(alice, semset.pid("s", 0), pid_of(bob));
	does_give(alice, semset.pid("s", 1), pid_of(carol));
	does_give(alice, semset.pid("s", 2), pid_of(bob));
}

TEST_VARIANT(semset, last_operator_is_known, zero_operation)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 0"));
	actor *bob = forks(alice, "bob");
	does(alice, semset.op("s", "0+1 1+1"));
	does(alice, semset.op("s", "0-1"));
	does(bob, semset.op("s", "0=0"));
	does_give(alice, semset.pid("s", 0), pid_of(bob));
	does_give(alice, semset.pid("s", 1), pid_of(alice));
}

TEST_VARIANT(semset, last_operator_is_known, after_blocking)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.op("s", "0-1"));
	blocks(bob);
	does(alice, semset.op("s", "0+1"));
	succeeds(bob);
	does_give(alice, semset.pid("s", 0), pid_of(bob));
}

TEST(semset, failure_leaves_the_last_operator)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 0"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does_fail(bob, semset.op("s", "0-1 1-1n"), EAGAIN);
	does_give(alice, semset.times("s"), "operated never, changed recently");
	does(carol, semset.op("s", "0+1 1=0"));
	does_fail(bob, semset.op("s", "0-1 1-1n"), EAGAIN);
	does_fail(bob, semset.op("s", "0-1 2-1"), EFBIG);
	does_give(alice, semset.pid("s", 0), pid_of(carol));
	does_give(alice, semset.pid("s", 1), pid_of(carol));
}

TEST(semset, setting_counts_as_operating)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 1"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(carol, semset.op("s", "0+1 1+1"));
	does(bob, semset.set("s", 0, 3));
	does_give(alice, semset.pid("s", 0), pid_of(bob));
	does_give(alice, semset.pid("s", 1), pid_of(carol));
	does(bob, semset.set_all("s", "1 1"));
	does_give(alice, semset.pid("s", 1), pid_of(bob));
}

TEST(semset, undo_counts_as_operating)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "2"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, semset.op("s", "0-1u"));
	does(carol, semset.op("s", "0-1"));
	does_give(alice, semset.pid("s", 0), pid_of(carol));
	pid_t pid = pid_of(bob);
	dies(bob);
	does_give(alice, semset.pid("s", 0), pid);
}

TEST(semset, time_of_the_last_operation_is_kept)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 0"));
	does(alice, semset.set("s", 0, 2));
	does_give(alice, semset.times("s"), "operated never, changed recently");
	does(alice, semset.op("s", "0-1"));
	does_give(alice, semset.times("s"), "operated recently, changed recently");
}

TEST_VARIANT(semset, time_of_the_last_operation_is_kept, zero_operation)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 0"));
	does(alice, semset.op("s", "1=0"));
	does_give(alice, semset.times("s"), "operated recently, changed recently");
}

TEST_VARIANT(semset, time_of_the_last_operation_is_kept, several_operations)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 0"));
	does(alice, semset.op("s", "1=0 0-1 1+1"));
	does_give(alice, semset.times("s"), "operated recently, changed recently");
}
