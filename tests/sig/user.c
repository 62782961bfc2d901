/* SPDX-License-Identifier: MIT */
/* Who may signal whom, what is told of users, and what they may have pending. */
#include "stage/story.h"

/* Users that nobody else here has. */
enum { ALICES = 61237, BOBS = 61238 };

static void becomes(actor *a, long real, long effective, long saved)
{
	begin(a, sig.become(real, effective, saved));
	returns(a);
	if (outcome_of(a)->value == -1)
		skip("only the superuser can act as two users");
}

TEST(sig, another_users_process_is_not_signalled)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(ALL_SIGNALS));
	becomes(bob, BOBS, BOBS, BOBS);
	becomes(alice, ALICES, ALICES, ALICES);
	does_fail(alice, sig.kill(pid_of(bob), SIGUSR1), EPERM);
	does_fail(alice, sig.kill(pid_of(bob), 0), EPERM);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

TEST(sig, queue_to_another_users_process_is_refused)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(ALL_SIGNALS));
	becomes(bob, BOBS, BOBS, BOBS);
	becomes(alice, ALICES, ALICES, ALICES);
	does_fail(alice, sig.queue(pid_of(bob), SIGUSR1, 1), EPERM);
	does_give(bob, sig.pending(), NO_SIGNALS);
}

static const struct {
	const char *name;
	long sender[2], receiver[3]; /* real, effective (, saved) */
	int error;
} pairs[] = {
	{"real_to_real", {ALICES, BOBS}, {ALICES, 61240, 61240}, 0},
	{"real_to_saved", {ALICES, BOBS}, {61240, 61240, ALICES}, 0},
	{"effective_to_real", {BOBS, ALICES}, {ALICES, 61240, 61240}, 0},
	{"effective_to_saved", {BOBS, ALICES}, {61240, 61240, ALICES}, 0},
	{"nobody_to_effective", {ALICES, ALICES}, {61240, ALICES, 61240}, EPERM},
};

/* The receiver, who blocks what comes, and the sender have become what the row says. */
static void become_pair(const long *from, const long *to, actor **sender, actor **receiver)
{
	*sender = cast("sender");
	*receiver = cast("receiver");
	does(*receiver, sig.block(ALL_SIGNALS));
	becomes(*receiver, to[0], to[1], to[2]);
	becomes(*sender, from[0], from[1], 61241);
}

static void is_allowed_unless(int error, actor *sender, op sending, actor *receiver)
{
	if (error)
		does_fail(sender, sending, error);
	else
		does(sender, sending);
	does_give(receiver, sig.pending(), error ? NO_SIGNALS : SIGNALS(SIGUSR1));
}

TEST_EACH(sig, the_saved_user_is_the_one_that_counts, pairs)
{
	actor *sender, *receiver;

	become_pair(row->sender, row->receiver, &sender, &receiver);
	is_allowed_unless(row->error, sender, sig.kill(pid_of(receiver), SIGUSR1), receiver);
}

TEST_EACH(sig, queueing_needs_the_leave_that_kill_needs, pairs)
{
	actor *sender, *receiver;

	become_pair(row->sender, row->receiver, &sender, &receiver);
	is_allowed_unless(row->error, sender, sig.queue(pid_of(receiver), SIGUSR1, 1), receiver);
}

/* Which then can take it. */
TEST_VARIANT(sig, queueing_needs_the_leave_that_kill_needs, by_the_superuser)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, sig.block(ALL_SIGNALS));
	becomes(bob, BOBS, BOBS, BOBS);
	does(alice, sig.queue(pid_of(bob), SIGRTMIN, 7));
	does_give(bob, sig.wait_info(SIGNALS(SIGRTMIN)), SIGRTMIN);
	must_be(outcome_of(bob)->n[INFO_VALUE], 7);
}

TEST_EACH(sig, a_pidfd_gives_no_leave, pairs)
{
	actor *sender, *receiver;

	become_pair(row->sender, row->receiver, &sender, &receiver);
	does(sender, sig.pidfd("r", pid_of(receiver), 0));
	is_allowed_unless(row->error, sender, sig.pidfd_send("r", SIGUSR1), receiver);
}

TEST(sig, whoever_shares_the_session_may_continue)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *other = cast("other");

	does(other, sig.new_session());
	does(bob, sig.block(SIGNALS(SIGCONT, SIGUSR1)));
	becomes(bob, BOBS, BOBS, BOBS);
	becomes(alice, ALICES, ALICES, ALICES);
	becomes(other, ALICES, ALICES, ALICES);
	does_fail(other, sig.kill(pid_of(bob), SIGCONT), EPERM);
	does_give(bob, sig.pending(), NO_SIGNALS);
	does(alice, sig.kill(pid_of(bob), SIGCONT));
	does_give(bob, sig.pending(), SIGNALS(SIGCONT));
}

TEST(sig, a_group_needs_one_who_may_be_signalled)
{
	actor *leader = cast("leader"), *member = cast("member"), *sender = cast("sender");

	does(leader, sig.handle(SIGUSR1, 0));
	does(member, sig.handle(SIGUSR1, 0));
	does(leader, sig.set_group(0, 0));
	does(member, sig.set_group(0, pid_of(leader)));
	becomes(member, BOBS, BOBS, BOBS);
	becomes(leader, ALICES, ALICES, ALICES);
	becomes(sender, ALICES, ALICES, ALICES);
	does(sender, sig.kill(-pid_of(leader), SIGUSR1));
	catches(leader, SIGUSR1, 1);
	does_give(member, sig.log(), "");
	exits(leader, 0);
	does_fail(sender, sig.kill(-pid_of(leader), SIGUSR1), EPERM);
	does_give(member, sig.log(), "");
}

/*
 * Everybody: only by a user whom nobody else is, and with a signal that does nothing to those who
 * don't catch it, should a platform send it to too many.
 */
static long long signals_everybody(const char *text, const long long *n)
{
	(void)text, (void)n;
	must(entry(sig, getuid)() != 0);
	return entry(sig, kill)(-1, SIGURG);
}

TEST(sig, minus_one_means_everybody_one_may_signal)
{
	actor *sender = cast("sender"), *alice = cast("alice"), *bob = cast("bob");
	/* the sender's number is nobody else's now: so is this user's */
	long user = 1000000 + (long)pid_of(sender);

	does(alice, sig.handle(SIGURG, 0));
	does(bob, sig.handle(SIGURG, 0));
	becomes(alice, user, user, user);
	becomes(bob, BOBS, BOBS, BOBS);
	becomes(sender, user, user, user);
	does(sender, sig.handle(SIGURG, 0));
	does(sender, call(signals_everybody, "", 0, 0, 0));
	catches(alice, SIGURG, 1);
	does_give(bob, sig.log(), "");
}

TEST(sig, everybody_is_not_oneself)
{
	actor *sender = cast("sender"), *alice = cast("alice");
	long user = 1000000 + (long)pid_of(sender);

	does(alice, sig.handle(SIGURG, 0));
	does(sender, sig.handle(SIGURG, 0));
	becomes(alice, user, user, user);
	becomes(sender, user, user, user);
	does(sender, call(signals_everybody, "", 0, 0, 0));
	catches(alice, SIGURG, 1);
	does_give(sender, sig.log(), "");
}

/* -- what is told of users ----------------------------------------------------------------------
 */

TEST(sig, the_senders_real_user_is_told)
{
	actor *sender = cast("sender"), *receiver = cast("receiver");
	long long both = SIGNALS(SIGUSR1, SIGRTMIN);

	does(receiver, sig.block(both));
	becomes(receiver, BOBS, BOBS, BOBS);
	becomes(sender, ALICES, BOBS, BOBS);
	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	does(sender, sig.queue(pid_of(receiver), SIGRTMIN, 1));
	does_give(receiver, sig.wait_info(SIGNALS(SIGUSR1)), SIGUSR1);
	must_be(outcome_of(receiver)->n[INFO_UID], ALICES);
	does_give(receiver, sig.wait_info(SIGNALS(SIGRTMIN)), SIGRTMIN);
	must_be(outcome_of(receiver)->n[INFO_UID], ALICES);
}

TEST(sig, a_childs_real_user_is_told)
{
	actor *parent = cast("parent");

	does(parent, sig.handle(SIGCHLD, SA_SIGINFO));
	actor *child = forks(parent, "child");
	becomes(child, ALICES, BOBS, BOBS);
	exits(child, 1);
	catches(parent, SIGCHLD, 1);
	does_give(parent, sig.info(SIGCHLD), SIGCHLD);
	must_be(outcome_of(parent)->n[INFO_UID], ALICES);
	does_give(parent, sig.reap_id(P_PID, pid_of(child), WEXITED), "exited 1");
	must_be(outcome_of(parent)->n[INFO_UID], ALICES);
}

TEST(sig, a_death_signal_is_lost_with_the_user)
{
	actor *parent = cast("parent");
	actor *child = forks(parent, "child");

	does(child, sig.death_signal(SIGUSR1));
	becomes(child, ALICES, ALICES, ALICES);
	does_give(child, sig.death_signal_set(), 0);
}

/* -- what they may have pending: of a user whom nobody else is, this can be counted
 * ----------------
 */

enum { ROOM = 3 };

static actor *sender, *receiver;

/* Both of one user, and the receiver may have so many signals pending. */
static void cast_user_with_room(void)
{
	sender = cast("sender");
	receiver = cast("receiver");
	long user = 1000000 + (long)pid_of(sender);

	does(receiver, sig.block(SIGNALS(SIGRTMIN)));
	does(sender, sig.block(SIGNALS(SIGRTMIN)));
	begin(receiver, sig.limit_pending(ROOM));
	returns(receiver);
	if (outcome_of(receiver)->value == -1)
		skip("how many signals may be pending can't be limited here");
	becomes(receiver, user, user, user);
	becomes(sender, user, user, user);
}

static void fills(actor *a)
{
	for (int i = 0; i < ROOM; i++)
		does(sender, sig.queue(pid_of(a), SIGRTMIN, i));
}

TEST(sig, a_signal_taken_makes_room_for_one)
{
	cast_user_with_room();
	fills(receiver);
	for (int i = 0; i < 2 * ROOM; i++) {
		does_fail(sender, sig.queue(pid_of(receiver), SIGRTMIN, 99), EAGAIN);
		does_give(receiver, sig.wait_info(SIGNALS(SIGRTMIN)), SIGRTMIN);
		must_be(outcome_of(receiver)->n[INFO_VALUE], i);
		does(sender, sig.queue(pid_of(receiver), SIGRTMIN, i + ROOM));
	}
	does_fail(sender, sig.queue(pid_of(receiver), SIGRTMIN, 99), EAGAIN);
}

TEST(sig, a_user_has_one_queue_for_all_processes)
{
	cast_user_with_room();
	/* what is pending for one takes the room of the other */
	fills(sender);
	does_fail(sender, sig.queue(pid_of(receiver), SIGRTMIN, 99), EAGAIN);
	does_give(sender, sig.wait(SIGNALS(SIGRTMIN)), SIGRTMIN);
	does(sender, sig.queue(pid_of(receiver), SIGRTMIN, 1));
	does_give(receiver, sig.pending(), SIGNALS(SIGRTMIN));
}

TEST(sig, the_dead_leave_their_room)
{
	cast_user_with_room();
	actor *third = forks(sender, "third");

	fills(third);
	does_fail(sender, sig.queue(pid_of(receiver), SIGRTMIN, 99), EAGAIN);
	exits(third, 0);
	does(sender, sig.reap(pid_of(third), 0));
	fills(receiver);
	does_fail(sender, sig.queue(pid_of(receiver), SIGRTMIN, 99), EAGAIN);
}

/* Forks children that stay until they are killed, as long as it can; n: how many that are. */
static long long forks_what_it_can(const char *text, const long long *n)
{
	pid_t children[ROOM + 1];
	int count = 0;

	(void)text, (void)n;
	for (; count <= ROOM; count++) {
		children[count] = entry(sig, fork)();
		if (children[count] < 0)
			break;
		if (children[count] == 0)
			for (;;)
				entry(sig, pause)();
	}
	must(count > ROOM || errno == EAGAIN);
	for (int i = 0; i < count; i++) {
		must_be(entry(sig, kill)(children[i], SIGKILL), 0);
		must_be(entry(sig, waitpid)(children[i], NULL, 0), children[i]);
	}
	must_be(entry(sig, waitpid)(-1, NULL, WNOHANG), -1);
	return count;
}

TEST(sig, a_user_has_so_many_processes)
{
	actor *alice = cast("alice");
	long user = 1000000 + (long)pid_of(alice);

	does(alice, sig.limit_processes(1 + ROOM - 1));
	becomes(alice, user, user, user);
	for (int i = 0; i < 2; i++)
		does_give(alice, call(forks_what_it_can, "", 0, 0, 0), ROOM - 1);
}
