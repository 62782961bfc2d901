/* SPDX-License-Identifier: MIT */
/* Notification by a signal, which stays blocked where the story asks whether it has come. */
#include <fcntl.h>
#include <limits.h>

#include "contract/rights.h"
#include "stage/story.h"

/* The receiver, with the queue open and SIGUSR1 blocked; the sender, its child. */
static actor *receiver, *sender;

static void cast_both(void)
{
	receiver = cast("receiver");
	does(receiver, mq.make("q", 4, 16));
	sender = forks(receiver, "sender");
	does(receiver, sig.block(SIGNALS(SIGUSR1)));
}

static void is_notified(int value)
{
	does(receiver, sig.wait_info(SIGNALS(SIGUSR1)));
	must_be(outcome_of(receiver)->n[INFO_VALUE], value);
	does_give(receiver, sig.pending(), NO_SIGNALS);
}

TEST(mq, arrival_on_an_empty_queue_notifies)
{
	cast_both();
	does(receiver, sig.handle(SIGUSR2, 0));
	does(receiver, mq.notify_signal("q", SIGUSR2, 0));
	must_be(caught(receiver, SIGUSR2), 0);
	does(sender, mq.send("q", "come and see", 0));
	catches(receiver, SIGUSR2, 1);
	does_give(receiver, mq.receive("q"), "come and see");
}

static const struct value {
	const char *name;
	int value;
} values[] = {{"zero", 0}, {"seven", 7}, {"negative", -1}, {"largest", INT_MAX}};

TEST_EACH(mq, signal_tells_its_cause, values)
{
	cast_both();
	does(receiver, mq.notify_signal("q", SIGUSR1, row->value));
	does(sender, mq.send("q", "x", 0));
	does(receiver, sig.wait_info(SIGNALS(SIGUSR1)));
	must_be(outcome_of(receiver)->n[INFO_SIGNO], SIGUSR1);
	must_be(outcome_of(receiver)->n[INFO_CODE], SI_MESGQ);
	must_be(outcome_of(receiver)->n[INFO_VALUE], row->value);
}

TEST(mq, signal_tells_the_sender)
{
	cast_both();
	does(sender, sig.uid());
	does(receiver, mq.notify_signal("q", SIGUSR1, 0));
	does(sender, mq.send("q", "x", 0));
	does(receiver, sig.wait_info(SIGNALS(SIGUSR1)));
	must_be(outcome_of(receiver)->n[INFO_PID], pid_of(sender));
	does(sender, sig.uid());
	must_be(outcome_of(receiver)->n[INFO_UID], outcome_of(sender)->value);
}

TEST_VARIANT(mq, signal_tells_the_sender, of_another_user)
{
	receiver = cast_as("receiver", OWNER, GROUP);
	does(receiver, mq.create("q", O_RDWR | O_EXCL, 0666, 4, 16));
	does(receiver, sig.block(SIGNALS(SIGUSR1)));
	does(receiver, mq.notify_signal("q", SIGUSR1, 0));
	sender = cast_as("sender", OTHER, OTHER_GROUP);
	does(sender, mq.open("q:w", O_WRONLY));
	does(sender, mq.send("q:w", "x", 0));
	does(receiver, sig.wait_info(SIGNALS(SIGUSR1)));
	must_be(outcome_of(receiver)->n[INFO_PID], pid_of(sender));
	must_be(outcome_of(receiver)->n[INFO_UID], OTHER);
}

TEST(mq, arrival_on_a_filled_queue_does_not_notify)
{
	cast_both();
	does(sender, mq.send("q", "before", 0));
	does(receiver, mq.notify_signal("q", SIGUSR1, 3));
	does(sender, mq.send("q", "beside it", 9));
	does_give(receiver, sig.pending(), NO_SIGNALS);
	does(receiver, mq.receive("q"));
	does(sender, mq.send("q", "beside it again", 0));
	does_give(receiver, sig.pending(), NO_SIGNALS);
	does(receiver, mq.receive("q"));
	does(receiver, mq.receive("q"));
	does_give(receiver, sig.pending(), NO_SIGNALS);
	does(sender, mq.send("q", "alone", 0));
	is_notified(3);
}

TEST(mq, notified_once)
{
	cast_both();
	does(receiver, mq.notify_signal("q", SIGUSR1, 1));
	does(sender, mq.send("q", "one", 0));
	is_notified(1);
	does_give(receiver, mq.receive("q"), "one");
	does(sender, mq.send("q", "two", 0));
	does_give(receiver, sig.pending(), NO_SIGNALS);
	does_give(receiver, mq.receive("q"), "two");
	does(receiver, mq.notify_signal("q", SIGUSR1, 3));
	does(sender, mq.send("q", "three", 0));
	is_notified(3);
}

TEST(mq, waiting_receiver_comes_first)
{
	cast_both();
	actor *other = forks(sender, "other");
	does(receiver, mq.notify_signal("q", SIGUSR1, 2));
	begin(other, mq.receive("q"));
	blocks(other);
	does(sender, mq.send("q", "for who waits", 0));
	gives(other, "for who waits");
	does_give(receiver, sig.pending(), NO_SIGNALS);
	does_fail(sender, mq.notify_none("q"), EBUSY);
	does(sender, mq.send("q", "for nobody yet", 0));
	is_notified(2);
}

TEST_VARIANT(mq, waiting_receiver_comes_first, the_same_process)
{
	cast_both();
	actor *thread = cast_thread(receiver, "thread");
	does(receiver, mq.notify_signal("q", SIGUSR1, 2));
	does(thread, sig.thread_block(SIGNALS(SIGUSR1)));
	begin(thread, mq.receive("q"));
	blocks(thread);
	does(sender, mq.send("q", "for who waits", 0));
	gives(thread, "for who waits");
	does_give(receiver, sig.pending(), NO_SIGNALS);
	does(sender, mq.send("q", "for nobody yet", 0));
	is_notified(2);
}

TEST_VARIANT(mq, waiting_receiver_comes_first, with_a_time)
{
	cast_both();
	actor *other = forks(sender, "other");
	does(receiver, mq.notify_signal("q", SIGUSR1, 2));
	begin(other, mq.timed_receive("q", 60000));
	blocks(other);
	does(sender, mq.send("q", "for who waits", 0));
	gives(other, "for who waits");
	does_give(receiver, sig.pending(), NO_SIGNALS);
	does(sender, mq.send("q", "for nobody yet", 0));
	is_notified(2);
}

static const struct leaving {
	const char *name;
	int how;
} leavings[] = {{"interrupted", 'i'}, {"timed_out", 't'}, {"killed", 'k'}};

TEST_EACH(mq, receiver_that_left_hides_nothing, leavings)
{
	cast_both();
	actor *other = forks(sender, "other");
	does(other, sig.handle(SIGUSR2, 0));
	does(receiver, mq.notify_signal("q", SIGUSR1, 6));
	if (row->how == 't') {
		does_fail(other, mq.timed_receive("q", 10), ETIMEDOUT);
	} else {
		begin(other, mq.receive("q"));
		blocks(other);
	}
	if (row->how == 'i') {
		poke(other, SIGUSR2);
		fails(other, EINTR);
	} else if (row->how == 'k') {
		dies(other);
	}
	does(sender, mq.send("q", "x", 0));
	is_notified(6);
	does_give(receiver, mq.receive("q"), "x");
}

TEST(mq, one_is_registered)
{
	cast_both();
	does(receiver, mq.notify_signal("q", SIGUSR1, 1));
	does_fail(sender, mq.notify_signal("q", SIGUSR1, 2), EBUSY);
	does_fail(sender, mq.notify_none("q"), EBUSY);
	does_fail(receiver, mq.notify_signal("q", SIGUSR1, 3), EBUSY);
	does(sender, mq.send("q", "x", 0));
	is_notified(1);
}

TEST(mq, queues_notify_apart)
{
	cast_both();
	does(receiver, mq.make("p", 4, 16));
	does(sender, mq.open("p", O_RDWR));
	does(receiver, mq.notify_signal("p", SIGUSR1, 1));
	does(receiver, mq.notify_signal("q", SIGUSR1, 2));
	does(sender, mq.send("q", "x", 0));
	is_notified(2);
	does_fail(sender, mq.notify_none("p"), EBUSY);
	does(sender, mq.send("p", "x", 0));
	is_notified(1);
}

TEST(mq, notified_queue_is_free_to_register)
{
	cast_both();
	does(receiver, mq.notify_signal("q", SIGUSR1, 1));
	does(sender, mq.send("q", "x", 0));
	is_notified(1);
	does(sender, mq.notify_none("q"));
	does_fail(receiver, mq.notify_signal("q", SIGUSR1, 1), EBUSY);
}

TEST_VARIANT(mq, notified_queue_is_free_to_register, many_times)
{
	enum { TIMES = 40 };

	cast_both();
	for (int i = 0; i < TIMES; i++) {
		does(receiver, mq.notify_signal("q", SIGUSR1, i));
		does(sender, mq.send("q", "x", 0));
		is_notified(i);
		does(receiver, mq.receive("q"));
	}
	does(receiver, mq.notify_none("q"));
	does_fail(sender, mq.notify_signal("q", SIGUSR1, 1), EBUSY);
}

TEST(mq, null_removes_the_registration)
{
	cast_both();
	does(receiver, mq.notify_signal("q", SIGUSR1, 1));
	does(receiver, mq.notify_remove("q"));
	does(sender, mq.send("q", "x", 0));
	does_give(receiver, sig.pending(), NO_SIGNALS);
	does(sender, mq.notify_none("q"));
}

TEST(mq, null_leaves_others_registrations)
{
	cast_both();
	does(receiver, mq.notify_signal("q", SIGUSR1, 1));
	begin(sender, mq.notify_remove("q"));
	returns(sender); /* EINVAL, or nothing: both are allowed */
	does_fail(sender, mq.notify_none("q"), EBUSY);
	does(sender, mq.send("q", "x", 0));
	is_notified(1);
}

TEST(mq, closing_removes_the_registration)
{
	cast_both();
	does(receiver, mq.notify_signal("q", SIGUSR1, 1));
	does_fail(sender, mq.notify_none("q"), EBUSY);
	does(receiver, mq.close("q"));
	does(sender, mq.notify_none("q"));
	does(sender, mq.send("q", "x", 0));
	does_give(receiver, sig.pending(), NO_SIGNALS);
}

/* That it ends with any closing by the process is widespread. */
TEST(mq, closing_another_keeps_the_registration)
{
	cast_both();
	does(receiver, mq.open("q:other", O_RDWR));
	does(receiver, mq.notify_signal("q", SIGUSR1, 1));
	does(receiver, mq.close("q:other"));
	does_fail(sender, mq.notify_none("q"), EBUSY);
}

static const struct ending {
	const char *name;
	bool by_force;
} endings[] = {{"exited", false}, {"killed", true}};

TEST_EACH(mq, end_removes_the_registration, endings)
{
	actor *mortal = cast("mortal"), *heir = cast("heir");

	does(mortal, mq.make("q", 4, 16));
	does(heir, mq.open("q", O_RDWR));
	does(mortal, mq.notify_signal("q", SIGUSR1, 1));
	does_fail(heir, mq.notify_none("q"), EBUSY);
	if (row->by_force)
		dies(mortal);
	else
		exits(mortal, 0);
	does(heir, mq.notify_none("q"));
}

TEST(mq, exec_removes_the_registration)
{
	cast_both();
	does(receiver, mq.notify_signal("q", SIGUSR1, 1));
	execs(receiver);
	does(sender, mq.notify_none("q"));
	does(sender, mq.send("q", "x", 0));
	does_give(receiver, sig.pending(), NO_SIGNALS);
}

TEST(mq, child_is_not_registered)
{
	cast_both();
	does(receiver, mq.notify_signal("q", SIGUSR1, 1));
	actor *child = forks(receiver, "child");
	does_fail(child, mq.notify_none("q"), EBUSY);
	does(child, mq.close("q"));
	does_fail(sender, mq.notify_none("q"), EBUSY);
	does(sender, mq.send("q", "x", 0));
	does_give(child, sig.pending(), NO_SIGNALS);
	is_notified(1);
}

TEST(mq, stopped_process_holds_up_no_sender)
{
	cast_both();
	does(receiver, mq.notify_signal("q", SIGUSR1, 4));
	freeze(receiver);
	does(sender, mq.send("q", "x", 0));
	does(sender, mq.notify_none("q"));
	thaw(receiver);
	is_notified(4);
}

TEST(mq, own_message_notifies)
{
	cast_both();
	does(receiver, mq.notify_signal("q", SIGUSR1, 5));
	does(receiver, mq.send("q", "to myself", 0));
	is_notified(5);
}

TEST(mq, silent_notification_is_one)
{
	cast_both();
	does(receiver, mq.notify_none("q"));
	does_fail(sender, mq.notify_none("q"), EBUSY);
	does(sender, mq.send("q", "x", 0));
	does_give(receiver, sig.pending(), NO_SIGNALS);
	does(sender, mq.notify_none("q"));
}

static const struct bad_event {
	const char *name;
	int how, signal;
} bad_events[] = {
	{"unknown_way", 0x5A5A, SIGUSR1},
	{"negative_signal", SIGEV_SIGNAL, -1},
	{"signal_beyond_all", SIGEV_SIGNAL, 1000},
};

TEST_EACH(mq, bad_event_is_refused, bad_events)
{
	cast_both();
	does_fail(receiver, mq.notify("q", row->how, row->signal), EINVAL);
	does(sender, mq.notify_none("q"));
}
