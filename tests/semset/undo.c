/* SPDX-License-Identifier: MIT */
/* SEM_UNDO: what a process's end gives back. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/story.h"

TEST(semset, undo_gives_back_at_exit)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 1"));
	actor *holder = forks(alice, "holder");
	does(holder, semset.op("s", "0-2u 1-1u"));
	does_give(alice, semset.values("s"), "1 0");
	exits(holder, 0);
	does_give(alice, semset.values("s"), "3 1");
}

TEST(semset, undo_gives_back_at_sigkill)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 1"));
	actor *holder = forks(alice, "holder");
	does(holder, semset.op("s", "0-2u 1-1u"));
	does_give(alice, semset.values("s"), "1 0");
	dies(holder);
	does_give(alice, semset.values("s"), "3 1");
}

TEST_VARIANT(semset, undo_gives_back_at_sigkill, after_blocking)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *holder = forks(alice, "holder");
	begin(holder, semset.op("s", "0-1u"));
	blocks(holder);
	does(alice, semset.op("s", "0+1"));
	succeeds(holder);
	does_give(alice, semset.value("s", 0), 0);
	dies(holder);
	does_give(alice, semset.value("s", 0), 1);
}

TEST_VARIANT(semset, undo_gives_back_at_sigkill, stranger)
{
	actor *alice = cast("alice"), *stranger = cast_stranger("stranger");

	does(alice, semset.make("s", "1"));
	does(stranger, semset.get("s", 1, 0));
	does(stranger, semset.op("s", "0-1u"));
	does_fail(alice, semset.op("s", "0-1n"), EAGAIN);
	dies(stranger);
	does(alice, semset.op("s", "0-1n"));
}

TEST(semset, undo_takes_back_what_was_added)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1"));
	actor *giver = forks(alice, "giver");
	does(giver, semset.op("s", "0+4u"));
	does_give(alice, semset.value("s", 0), 5);
	dies(giver);
	does_give(alice, semset.value("s", 0), 1);
}

static const struct history {
	const char *name;
	const char *operations[4];
	const char *then, *in_the_end;
} histories[] = {
	{"balanced", {"0-1u", "0+1u"}, "5 5", "5 5"},
	{"taken_twice", {"0-1u", "0-2u"}, "2 5", "5 5"},
	{"given_and_taken", {"0+3u", "0-1u", "1-5u"}, "7 0", "5 5"},
	{"in_one_call", {"0-1u 0-1u 1+1u"}, "3 6", "5 5"},
	{"not_what_had_no_undo", {"0-1u", "0-2", "1+1"}, "2 6", "3 6"},
	{"partly_in_one_call", {"0-1u 1-1"}, "4 4", "5 4"},
	{"given_back_without", {"0-1u", "0+1"}, "5 5", "6 5"},
};

TEST_EACH(semset, undo_is_the_sum_of_all_operations, histories)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "5 5"));
	actor *bob = forks(alice, "bob");
	for (int i = 0; row->operations[i]; i++)
		does(bob, semset.op("s", row->operations[i]));
	does_give(alice, semset.values("s"), row->then);
	exits(bob, 0);
	does_give(alice, semset.values("s"), row->in_the_end);
}

TEST(semset, undo_never_goes_below_zero)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 0"));
	actor *giver = forks(alice, "giver");
	does(giver, semset.op("s", "0+3u 1+1u"));
	does(alice, semset.op("s", "0-2"));
	exits(giver, 0);
	does_give(alice, semset.values("s"), "0 0");
}

TEST(semset, undo_wakes_waiters)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "2 0"));
	actor *holder = forks(alice, "holder"), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");
	does(holder, semset.op("s", "0-2u 1+1u"));
	begin(bob, semset.op("s", "0-1 1=0"));
	begin(carol, semset.op("s", "0-1"));
	blocks(bob);
	blocks(carol);
	dies(holder);
	succeeds(bob);
	succeeds(carol);
	does_give(alice, semset.values("s"), "0 0");
}

TEST_VARIANT(semset, undo_wakes_waiters, exit)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1"));
	actor *holder = forks(alice, "holder"), *bob = forks(alice, "bob");
	does(holder, semset.op("s", "0-1u"));
	begin(bob, semset.op("s", "0-1u"));
	blocks(bob);
	exits(holder, 0);
	succeeds(bob);
	dies(bob);
	does_give(alice, semset.value("s", 0), 1);
}

TEST(semset, undo_stays_across_exec)
{
	actor *alice = cast("alice"), *holder = cast("holder");

	does(alice, semset.make("s", "2"));
	does(holder, semset.get("s", 1, 0));
	does(holder, semset.op("s", "0-1u"));
	execs(holder);
	does_give(alice, semset.value("s", 0), 1);
	does(holder, semset.op("s", "0-1u"));
	does_give(alice, semset.value("s", 0), 0);
	dies(holder);
	does_give(alice, semset.value("s", 0), 2);
}

TEST(semset, undo_is_not_inherited_by_a_child)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "2"));
	actor *parent = forks(alice, "parent");
	does(parent, semset.op("s", "0-1u"));
	actor *child = forks(parent, "child");
	exits(child, 0);
	does_give(alice, semset.value("s", 0), 1);
	actor *other = forks(parent, "other");
	does(other, semset.op("s", "0-1u"));
	dies(other);
	does_give(alice, semset.value("s", 0), 1);
	dies(parent);
	does_give(alice, semset.value("s", 0), 2);
}

TEST(semset, undo_belongs_to_the_process_not_the_thread)
{
	actor *alice = cast("alice"), *host = cast("host");

	does(alice, semset.make("s", "1 1"));
	does(host, semset.get("s", 2, 0));
	actor *thread = cast_thread(host, "thread");
	does(thread, semset.op("s", "0-1u"));
	does(host, semset.op("s", "0+1u"));
	does(thread, semset.op("s", "1-1u"));
	does_give(alice, semset.values("s"), "1 0");
	dies(host);
	does_give(alice, semset.values("s"), "1 1");
}

static const struct setting {
	const char *name;
	bool all;
} settings[] = {{"setval", false}, {"setall", true}};

TEST_EACH(semset, setting_clears_the_adjustments, settings)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, semset.op("s", "0-1u"));
	does(carol, semset.op("s", "0+1u"));
	does(alice, row->all ? semset.set_all("s", "5") : semset.set("s", 0, 5));
	dies(bob);
	does_give(alice, semset.value("s", 0), 5);
	does(carol, semset.op("s", "0-2u"));
	exits(carol, 0);
	does_give(alice, semset.value("s", 0), 5);
}

TEST(semset, setting_one_keeps_the_adjustments_of_others)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 3"));
	actor *bob = forks(alice, "bob");
	does(bob, semset.op("s", "0-1u 1-1u"));
	does(alice, semset.set("s", 0, 7));
	dies(bob);
	does_give(alice, semset.values("s"), "7 3");
}

static const struct failure {
	const char *name;
	const char *operations;
	int error; /* EINTR: after blocking */
} failures[] = {
	{"refused", "0-1u 1-1un", EAGAIN},
	{"zero_refused", "1+1u 0=0un", EAGAIN},
	{"bad_number", "0-1u 2-1u", EFBIG},
	{"interrupted", "0-1u 1-1u", EINTR},
	{"zero_interrupted", "0-1u 1+1u 0=0u", EINTR},
};

TEST_EACH(semset, failure_leaves_no_adjustment, failures)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "2 0"));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, 0));
	begin(bob, semset.op("s", row->operations));
	if (row->error == EINTR) {
		blocks(bob);
		poke(bob, SIGUSR1);
	}
	fails(bob, row->error);
	does_give(alice, semset.values("s"), "2 0");
	exits(bob, 0);
	does_give(alice, semset.values("s"), "2 0");
}

TEST(semset, adjustment_beyond_the_limit_has_no_effect)
{
	actor *alice = cast("alice");
	char give[32], take[32];

	does(alice, semset.make("s", "0"));
	begin(alice, semset.set_to_maximum("s", 0));
	returns(alice);
	long long most = outcome_of(alice)->value < 32767 ? outcome_of(alice)->value : 32767;
	does(alice, semset.set("s", 0, 0));
	snprintf(give, sizeof(give), "0+%lldu", most);
	snprintf(take, sizeof(take), "0-%lld", most);
	actor *bob = forks(alice, "bob");
	for (int i = 0; i < 4; i++) {
		begin(bob, semset.op("s", give));
		returns(bob);
		if (outcome_of(bob)->error) {
			must_be(outcome_of(bob)->error, ERANGE);
			does_give(alice, semset.value("s", 0), 0);
			break;
		}
		does(alice, semset.op("s", take));
	}
	exits(bob, 0);
	does_give(alice, semset.value("s", 0), 0);
}

TEST(semset, undo_does_not_touch_a_new_set)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3"));
	actor *bob = forks(alice, "bob");
	does(bob, semset.op("s", "0-1u"));
	does(alice, semset.remove("s"));
	does(alice, semset.make("s", "7"));
	exits(bob, 0);
	does_give(alice, semset.value("s", 0), 7);
}

/* -- the dead --------------------------------------------------------------------------------- */

TEST(semset, killed_waiter_takes_nothing)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 2"));
	actor *waiter = forks(alice, "waiter"), *heir = forks(alice, "heir");
	begin(waiter, semset.op("s", "1-1u 0-1u"));
	blocks(waiter);
	dies(waiter);
	does_give(alice, semset.values("s"), "0 2");
	does(alice, semset.op("s", "0+1"));
	does_give(alice, semset.values("s"), "1 2");
	does(heir, semset.op("s", "0-1n"));
}

TEST_VARIANT(semset, killed_waiter_takes_nothing, others_are_woken)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol"),
	      *dave = forks(alice, "dave");
	begin(bob, semset.op("s", "0-1"));
	blocks(bob);
	begin(carol, semset.op("s", "0-1"));
	blocks(carol);
	begin(dave, semset.op("s", "0-1"));
	blocks(dave);
	dies(bob);
	dies(dave);
	does(alice, semset.op("s", "0+1"));
	succeeds(carol);
	does_give(alice, semset.value("s", 0), 0);
}

TEST(semset, holder_without_undo_takes_its_hold_to_the_grave)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1"));
	actor *holder = forks(alice, "holder"), *bob = forks(alice, "bob");
	does(holder, semset.op("s", "0-1"));
	begin(bob, semset.op("s", "0-1"));
	blocks(bob);
	dies(holder);
	blocks(bob);
	does_give(alice, semset.value("s", 0), 0);
	does(alice, semset.op("s", "0+1"));
	succeeds(bob);
}

/* Moves a token there and back, and says how often. */
static long long move_on_and_on(const char *text, const long long *n)
{
	struct sembuf there[] = {{.sem_num = 0, .sem_op = -1}, {.sem_num = 1, .sem_op = 1}};
	struct sembuf back[] = {{.sem_num = 1, .sem_op = -1}, {.sem_num = 0, .sem_op = 1}};

	(void)n;
	for (;;) {
		must_be(impl->semset->semop((int)handle_number(text), there, 2), 0);
		must_be(impl->semset->semop((int)handle_number(text), back, 2), 0);
		shared()[0]++;
	}
	return 0;
}

static long long sum_of(const char *text, const long long *n)
{
	unsigned short values[2];
	union semset_argument argument = {.array = values};

	(void)n;
	must_be(impl->semset->semctl((int)handle_number(text), 0, GETALL, argument), 0);
	return values[0] + values[1];
}

TEST(semset, killed_mover_leaves_whole_moves)
{
	enum { ROUNDS = 5 };
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 0"));
	for (int i = 0; i < ROUNDS; i++) {
		actor *mover = forks(alice, "mover");

		begin(mover, call(move_on_and_on, "s", 0, 0, 0));
		awaits(shared(), shared()[0] + 20);
		dies(mover);
		does_give(alice, call(sum_of, "s", 0, 0, 0), 1);
		does(alice, semset.set_all("s", "1 0"));
	}
}

/* Adds one and takes it again, and stays. */
_Noreturn static void balance(int id)
{
	struct sembuf add = {0, 1, SEM_UNDO}, take = {0, -1, SEM_UNDO};

	if (impl->semset->semop(id, &add, 1) < 0 || impl->semset->semop(id, &take, 1) < 0)
		_exit(1);
	raise(SIGSTOP);
	_exit(0);
}

/* n: how many live at once. */
static long long many_balance(const char *text, const long long *n)
{
	struct sembuf add = {0, 1, SEM_UNDO};
	int id = (int)handle_number(text), status;
	pid_t *pids = calloc((size_t)n[0], sizeof(*pids));

	must(pids);
	for (long long i = 0; i < n[0]; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			balance(id);
		must(pids[i] > 0);
		must_be(waitpid(pids[i], &status, WUNTRACED), pids[i]);
		must(WIFSTOPPED(status));
	}
	must_be(impl->semset->semop(id, &add, 1), 0);
	for (long long i = 0; i < n[0]; i++) {
		must_be(kill(pids[i], SIGKILL), 0);
		must_be(waitpid(pids[i], &status, 0), pids[i]);
	}
	free(pids);
	return 0;
}

TEST(semset, balanced_adjustments_take_no_place)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3"));
	actor *parent = forks(alice, "parent");
	does(parent, call(many_balance, "s", 300, 0, 0));
	does_give(alice, semset.values("s"), "4");
	exits(parent, 0);
	does_give(alice, semset.values("s"), "3");
}
