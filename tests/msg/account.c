/* SPDX-License-Identifier: MIT */
/* What msqid_ds tells, field by field; the stage poisons the structure before every call. */
#include <string.h>
#include <time.h>

#include "stage/story.h"

/* The kernel's clock of seconds may be a tick behind or before the one we read. */
static long long begun;

static void must_be_now(long long seconds)
{
	must(seconds >= begun - 1);
	must(seconds <= (long long)time(NULL) + 1);
}

/* The status, as it is now. */
static void note_status(actor *a, long long *n)
{
	does(a, msg.status("q"));
	memcpy(n, outcome_of(a)->n, MSG_STATUS_NUMBERS * sizeof(*n));
}

static void must_have_status(actor *a, const long long *n)
{
	does(a, msg.status("q"));
	for (int i = 0; i < MSG_STATUS_NUMBERS; i++)
		must_be(outcome_of(a)->n[i], n[i]);
}

TEST(msg, new_queue_is_blank)
{
	actor *a = cast("alice");

	begun = time(NULL);
	does(a, msg.make("q"));
	does(a, msg.status("q"));
	const long long *n = outcome_of(a)->n;
	must_be(n[MSG_COUNT], 0);
	must_be(n[MSG_LAST_SENDER], 0);
	must_be(n[MSG_LAST_RECEIVER], 0);
	must_be(n[MSG_SENT_AT], 0);
	must_be(n[MSG_RECEIVED_AT], 0);
	must_be_now(n[MSG_CHANGED_AT]);
	must(n[MSG_CAPACITY] > 0);
}

TEST(msg, new_queue_has_the_limit)
{
	actor *a = cast("alice");

	does(a, msg.limits());
	long long limit = outcome_of(a)->n[MSG_LIMIT_CAPACITY];
	does(a, msg.make("q"));
	does_give(a, msg.capacity("q"), limit);
}

static long long ids_of_mine(const char *text, const long long *n)
{
	(void)text;
	must_be((long long)geteuid(), n[0]);
	must_be((long long)getegid(), n[1]);
	return 0;
}

TEST(msg, owner_is_its_maker)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.owner("q"));
	const outcome owner = *outcome_of(a);
	must_be(owner.n[MSG_UID], owner.n[MSG_CREATOR_UID]);
	must_be(owner.n[MSG_GID], owner.n[MSG_CREATOR_GID]);
	does(a, call(ids_of_mine, NULL, owner.n[MSG_UID], owner.n[MSG_GID], 0));
}

static const struct mode {
	const char *name;
	int mode;
} modes[] = {
	{"0400", 0400}, {"0600", 0600}, {"0640", 0640},
	{"0644", 0644}, {"0666", 0666}, {"0777", 0777},
};

TEST_EACH(msg, mode_is_exact, modes)
{
	actor *a = cast("alice");

	does(a, msg.make_mode("q", row->mode));
	does(a, msg.owner("q"));
	must_be(outcome_of(a)->n[MSG_MODE], row->mode);
}

TEST(msg, sending_is_accounted)
{
	actor *alice = cast("alice");

	begun = time(NULL);
	does(alice, msg.make("q"));
	actor *sender = forks(alice, "sender");
	long long before[MSG_STATUS_NUMBERS];
	note_status(alice, before);
	does(sender, msg.send("q", 1, "one"));
	does(sender, msg.send("q", 1, "two"));
	does(alice, msg.status("q"));
	const long long *n = outcome_of(alice)->n;
	must_be(n[MSG_COUNT], 2);
	must_be(n[MSG_LAST_SENDER], pid_of(sender));
	must_be_now(n[MSG_SENT_AT]);
	must_be(n[MSG_LAST_RECEIVER], 0);
	must_be(n[MSG_RECEIVED_AT], 0);
	must_be(n[MSG_CAPACITY], before[MSG_CAPACITY]);
	must_be(n[MSG_CHANGED_AT], before[MSG_CHANGED_AT]);
}

TEST(msg, receiving_is_accounted)
{
	actor *alice = cast("alice");

	begun = time(NULL);
	does(alice, msg.make("q"));
	does(alice, msg.send("q", 1, "one"));
	does(alice, msg.send("q", 1, "two"));
	actor *receiver = forks(alice, "receiver");
	long long before[MSG_STATUS_NUMBERS];
	note_status(alice, before);
	does(receiver, msg.receive("q", 100, 0, 0));
	does(alice, msg.status("q"));
	const long long *n = outcome_of(alice)->n;
	must_be(n[MSG_COUNT], 1);
	must_be(n[MSG_LAST_RECEIVER], pid_of(receiver));
	must_be_now(n[MSG_RECEIVED_AT]);
	must_be(n[MSG_LAST_SENDER], pid_of(alice));
	must_be(n[MSG_SENT_AT], before[MSG_SENT_AT]);
	must_be(n[MSG_CHANGED_AT], before[MSG_CHANGED_AT]);
}

TEST(msg, waiting_peers_are_accounted)
{
	actor *alice = cast("alice");

	begun = time(NULL);
	does(alice, msg.make("q"));
	actor *sender = forks(alice, "sender"), *receiver = forks(alice, "receiver");
	begin(receiver, msg.receive("q", 100, 0, 0));
	blocks(receiver);
	does(alice, msg.status("q"));
	must_be(outcome_of(alice)->n[MSG_LAST_RECEIVER], 0);
	does(sender, msg.send("q", 1, "one"));
	gives(receiver, "one");
	does(alice, msg.status("q"));
	const long long *n = outcome_of(alice)->n;
	must_be(n[MSG_COUNT], 0);
	must_be(n[MSG_LAST_SENDER], pid_of(sender));
	must_be(n[MSG_LAST_RECEIVER], pid_of(receiver));
	must_be_now(n[MSG_SENT_AT]);
	must_be_now(n[MSG_RECEIVED_AT]);
}

TEST(msg, bytes_are_accounted)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does_give(a, msg.bytes("q"), 0);
	does(a, msg.send("q", 1, "one"));
	does(a, msg.send("q", 2, "four"));
	does(a, msg.send("q", 3, ""));
	does_give(a, msg.bytes("q"), 7);
	does(a, msg.receive("q", 100, 0, 0));
	does_give(a, msg.bytes("q"), 4);
	does(a, msg.receive("q", 100, 0, 0));
	does(a, msg.receive("q", 100, 0, 0));
	does_give(a, msg.bytes("q"), 0);
}

TEST(msg, truncation_frees_the_whole_message)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.set_capacity("q", 100));
	for (int i = 0; i < 10; i++) {
		does(a, msg.send_sized("q", 1, 100, IPC_NOWAIT));
		does_give(a, msg.bytes("q"), 100);
		does(a, msg.receive("q", i, 0, MSG_NOERROR));
		does_give(a, msg.bytes("q"), 0);
		does_give(a, msg.count("q"), 0);
	}
}

TEST_VARIANT(msg, truncation_frees_the_whole_message, by_a_waiting_receiver)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	does(alice, msg.set_capacity("q", 100));
	actor *receiver = forks(alice, "receiver");
	begin(receiver, msg.receive("q", 10, 0, MSG_NOERROR));
	blocks(receiver);
	does(alice, msg.send_sized("q", 1, 100, IPC_NOWAIT));
	gives(receiver, "abcdefghij");
	does_give(alice, msg.bytes("q"), 0);
	does(alice, msg.send_sized("q", 1, 100, IPC_NOWAIT));
}

/* A queue of ten bytes, with four of them taken; a child tries in vain. */
static const struct refusal {
	const char *name;
	long long type, size;
	int error;
} refusals[] = {{"full", 1, 7, EAGAIN}, {"no_type", 0, 1, EINVAL}, {"absurd_size", 1, -1, EINVAL}};

static actor *with_four_bytes(void)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.set_capacity("q", 10));
	does(a, msg.send("q", 1, "four"));
	return a;
}

TEST_EACH(msg, refused_send_is_not_accounted, refusals)
{
	actor *alice = with_four_bytes(), *bob = forks(alice, "bob");
	long long before[MSG_STATUS_NUMBERS];

	note_status(alice, before);
	does_fail(bob, msg.send_sized("q", row->type, row->size, IPC_NOWAIT), row->error);
	must_have_status(alice, before);
}

static const struct refusal failures[] = {{"too_long", 1, 3, E2BIG}, {"no_message", 2, 10, ENOMSG}};

TEST_EACH(msg, failed_receive_is_not_accounted, failures)
{
	actor *alice = with_four_bytes(), *bob = forks(alice, "bob");
	long long before[MSG_STATUS_NUMBERS];

	note_status(alice, before);
	does_fail(bob, msg.receive("q", row->size, row->type, IPC_NOWAIT), row->error);
	must_have_status(alice, before);
}

TEST(msg, interrupted_wait_is_not_accounted)
{
	actor *alice = with_four_bytes(), *bob = forks(alice, "bob");
	long long before[MSG_STATUS_NUMBERS];

	note_status(alice, before);
	does(bob, sig.handle(SIGUSR1, 0));
	begin(bob, msg.receive("q", 10, 2, 0));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	must_have_status(alice, before);
	begin(bob, msg.send("q", 2, "seven b"));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	must_have_status(alice, before);
}

TEST(msg, change_sets_what_it_says)
{
	actor *a = with_four_bytes();
	long long before[MSG_STATUS_NUMBERS];

	begun = time(NULL);
	note_status(a, before);
	does(a, msg.owner("q"));
	const outcome owner = *outcome_of(a);
	does(a, msg.set_mode("q", 0640));
	does(a, msg.set_capacity("q", 8));
	does(a, msg.status("q"));
	must_be_now(outcome_of(a)->n[MSG_CHANGED_AT]);
	before[MSG_CHANGED_AT] = outcome_of(a)->n[MSG_CHANGED_AT];
	before[MSG_CAPACITY] = 8;
	must_have_status(a, before);
	does(a, msg.owner("q"));
	must_be(outcome_of(a)->n[MSG_MODE], 0640);
	for (int i = 0; i < MSG_MODE; i++)
		must_be(outcome_of(a)->n[i], owner.n[i]);
	does_give(a, msg.receive("q", 10, 0, IPC_NOWAIT), "four");
}

TEST_VARIANT(msg, change_sets_what_it_says, nine_bits_of_mode)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.set_mode("q", 07777 & ~0111));
	does(a, msg.owner("q"));
	must_be(outcome_of(a)->n[MSG_MODE] & 0777, 0666);
}

/* What IPC_SET may not change is nonsense when it is called. */
static long long sets_with_nonsense(const char *text, const long long *n)
{
	int id = (int)handle_number("q");
	struct msqid_ds now, status;

	(void)text;
	(void)n;
	must_be(impl->msg->msgctl(id, IPC_STAT, &now), 0);
	memset(&status, 0x5A, sizeof(status));
	status.msg_perm.uid = now.msg_perm.uid;
	status.msg_perm.gid = now.msg_perm.gid;
	status.msg_perm.mode = now.msg_perm.mode;
	status.msg_qbytes = now.msg_qbytes;
	return impl->msg->msgctl(id, IPC_SET, &status);
}

TEST_VARIANT(msg, change_sets_what_it_says, nothing_else)
{
	actor *a = with_four_bytes();
	long long before[MSG_STATUS_NUMBERS];

	note_status(a, before);
	does(a, msg.owner("q"));
	const outcome owner = *outcome_of(a);
	does(a, call(sets_with_nonsense, NULL, 0, 0, 0));
	does(a, msg.status("q"));
	before[MSG_CHANGED_AT] = outcome_of(a)->n[MSG_CHANGED_AT];
	must_have_status(a, before);
	does(a, msg.owner("q"));
	for (int i = 0; i <= MSG_MODE; i++)
		must_be(outcome_of(a)->n[i], owner.n[i]);
	does_give(a, msg.receive("q", 10, 0, IPC_NOWAIT), "four");
}

TEST(msg, change_leaves_waiters)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *receiver = forks(alice, "receiver");
	begin(receiver, msg.receive("q", 100, 0, 0));
	blocks(receiver);
	does(alice, msg.set_mode("q", 0640));
	does(alice, msg.set_capacity("q", 10));
	blocks(receiver);
	does(alice, msg.send("q", 1, "here"));
	gives(receiver, "here");
}
