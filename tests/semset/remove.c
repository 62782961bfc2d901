/* SPDX-License-Identifier: MIT */
/* The end of a set, and what comes after it under the same key. */
#include <unistd.h>

#include "stage/story.h"

static const struct wait_kind {
	const char *name;
	const char *operations;
} kinds[] = {
	{"increase", "0-1"},
	{"zero", "1=0"},
	{"several", "1-1 1+1 0-1"},
	{"with_undo", "1-1u 0-1u"},
};

TEST_EACH(semset, removal_wakes_all_with_eidrm, kinds)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 1"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(bob, semset.op("s", row->operations));
	begin(carol, semset.op("s", row->operations));
	blocks(bob);
	blocks(carol);
	does(alice, semset.remove("s"));
	fails(bob, EIDRM);
	fails(carol, EIDRM);
}

TEST_VARIANT(semset, removal_wakes_all_with_eidrm, timed)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.timed_op("s", "0-1", 100000));
	blocks(bob);
	does(alice, semset.remove("s"));
	fails(bob, EIDRM);
}

TEST(semset, removed_set_is_refused)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, semset.make("s", "1 1"));
	does(bob, semset.get("s", 2, 0));
	does(alice, semset.remove("s"));
	does_fail(bob, semset.op("s", "0-1"), EINVAL);
	does_fail(bob, semset.op("s", "0+1u"), EINVAL);
	does_fail(bob, semset.value("s", 0), EINVAL);
	does_fail(bob, semset.set("s", 0, 1), EINVAL);
	does_fail(bob, semset.pid("s", 0), EINVAL);
	does_fail(bob, semset.stat("s"), EINVAL);
	does_fail(bob, semset.remove("s"), EINVAL);
	does_fail(bob, semset.get("s", 2, 0), ENOENT);
}

static void is_refused(actor *a, op o)
{
	begin(a, o);
	returns(a);
	must_be(outcome_of(a)->value, -1);
	must(outcome_of(a)->error == EINVAL || outcome_of(a)->error == EIDRM);
}

TEST(semset, old_identifier_does_not_reach_a_new_set)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, semset.make("s", "1"));
	begin(bob, semset.get("s", 1, 0));
	returns(bob);
	long long old = outcome_of(bob)->value;
	for (int i = 0; i < 3; i++) {
		does(alice, semset.remove("s"));
		does(alice, semset.make("s", "7"));
		begin(alice, semset.get("s", 1, 0));
		returns(alice);
		must(outcome_of(alice)->value != old);
		is_refused(bob, semset.op("s", "0-1"));
		is_refused(bob, semset.set("s", 0, 3));
		is_refused(bob, semset.remove("s"));
		does_give(alice, semset.value("s", 0), 7);
	}
}

TEST(semset, waiter_of_a_removed_set_does_not_get_the_new_one)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.op("s", "0-1"));
	blocks(bob);
	does(alice, semset.remove("s"));
	does(alice, semset.make("s", "5"));
	fails(bob, EIDRM);
	does_give(alice, semset.value("s", 0), 5);
}

/* Stopped, the waiter cannot have looked before the new set is there. */
TEST_VARIANT(semset, waiter_of_a_removed_set_does_not_get_the_new_one, frozen)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob");
	begin(bob, semset.op("s", "0-1"));
	blocks(bob);
	freeze(bob);
	does(alice, semset.remove("s"));
	does(alice, semset.make("s", "5"));
	thaw(bob);
	returns(bob);
	must_be(outcome_of(bob)->value, -1);
	must(outcome_of(bob)->error == EIDRM || outcome_of(bob)->error == EINTR);
	does_give(alice, semset.value("s", 0), 5);
}

/* -- races ------------------------------------------------------------------------------------ */

enum { ROUNDS = 100, ARRAY = 64 };
enum { ID, OVER };

/* Makes sets, shows each, and removes it. */
static long long make_and_remove(const char *text, const long long *n)
{
	unsigned short values[2] = {0, 1};
	union semset_argument argument = {.array = values};
	key_t key = key_of(text);

	(void)n;
	for (int i = 0; i < ROUNDS; i++) {
		int id = impl->semset->semget(key, 2, IPC_CREAT | IPC_EXCL | 0600);
		must(id >= 0);
		must_be(impl->semset->semctl(id, 0, SETALL, argument), 0);
		shared()[ID] = (uint64_t)id;
		must_be(impl->semset->semctl(id, 0, IPC_RMID, argument), 0);
	}
	shared()[OVER] = 1;
	return 0;
}

/* Takes and gives, in one call, and then waits for what nobody gives. */
static long long operate_on_shown(const char *text, const long long *n)
{
	struct sembuf operations[ARRAY];
	long long outcomes = 0;

	(void)text;
	for (int i = 0; i < ARRAY; i++) {
		operations[i].sem_num = 1;
		operations[i].sem_op = i % 2 ? 1 : -1;
		operations[i].sem_flg = (short)n[0];
	}
	operations[ARRAY - 1].sem_num = 0;
	operations[ARRAY - 1].sem_op = -1;
	while (!shared()[OVER]) {
		must_be(impl->semset->semop((int)shared()[ID], operations, ARRAY), -1);
		must(errno == EIDRM || errno == EINVAL);
		outcomes++;
	}
	return outcomes;
}

TEST(semset, removal_races_are_clean)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(alice, semset.make("s", "0"));
	does(alice, semset.remove("s"));
	shared()[ID] = 0x7FFFFFFF;
	begin(bob, call(operate_on_shown, NULL, SEM_UNDO, 0, 0));
	begin(carol, call(operate_on_shown, NULL, 0, 0, 0));
	begin(alice, call(make_and_remove, "s", 0, 0, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
}
