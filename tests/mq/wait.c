/* SPDX-License-Identifier: MIT */
/* Who waits, and who is served. */
#include "stage/story.h"

/* A queue of two messages, and both are there. */
static actor *with_full_queue(void)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 2, 16));
	does(a, mq.send("q", "one", 1));
	does(a, mq.send("q", "two", 1));
	return a;
}

TEST(mq, receiver_waits_for_a_message)
{
	actor *sender = cast("sender");

	does(sender, mq.make("q", 4, 64));
	actor *receiver = forks(sender, "receiver");
	begin(receiver, mq.receive("q"));
	blocks(receiver);
	does(sender, mq.send("q", "at last", 6));
	gives(receiver, "at last");
	must_be(outcome_of(receiver)->n[0], 6);
	does_give(sender, mq.count("q"), 0);
}

TEST(mq, sender_waits_for_room)
{
	actor *alice = with_full_queue(), *sender = forks(alice, "sender");

	begin(sender, mq.send("q", "three", 1));
	blocks(sender);
	does_give(alice, mq.count("q"), 2);
	does_give(alice, mq.receive("q"), "one");
	succeeds(sender);
	does_give(alice, mq.receive("q"), "two");
	does_give(alice, mq.receive("q"), "three");
}

TEST(mq, nonblocking_receiver_is_refused)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 2, 16));
	does(a, mq.open("q:n", O_RDONLY | O_NONBLOCK));
	does_fail(a, mq.receive("q:n"), EAGAIN);
	does(a, mq.send("q", "one", 1));
	does_give(a, mq.receive("q:n"), "one");
	does_fail(a, mq.receive("q:n"), EAGAIN);
}

TEST(mq, nonblocking_sender_is_refused)
{
	actor *a = with_full_queue();

	does(a, mq.open("q:n", O_WRONLY | O_NONBLOCK));
	does_fail(a, mq.send("q:n", "three", 9), EAGAIN);
	does_give(a, mq.count("q"), 2);
	does_give(a, mq.receive("q"), "one");
	does(a, mq.send("q:n", "four", 1));
	does_give(a, mq.receive("q"), "two");
	does_give(a, mq.receive("q"), "four");
}

/* The size of what comes, after telling that it came, or what error ended the wait. */
static long long receive_and_tell(const char *h, const long long *n)
{
	char bytes[64];
	ssize_t size = impl->mq->mq_receive((mqd_t)handle_number(h), bytes, sizeof(bytes), NULL);

	if (size < 0 && errno == ENOSYS)
		skip("mq_receive is not there");
	if (size < 0)
		return -errno;
	shared()[1 + n[0]] = 1;
	shared()[0]++;
	return size;
}

TEST(mq, one_message_serves_one_receiver)
{
	actor *sender = cast("sender");

	does(sender, mq.make("q", 4, 64));
	actor *r[3] = {forks(sender, "alice"), forks(sender, "bob"), forks(sender, "carol")};
	for (int i = 0; i < 3; i++) {
		does(r[i], sig.handle(SIGUSR1, 0));
		begin(r[i], call(receive_and_tell, "q", i, 0, 0));
	}
	for (int i = 0; i < 3; i++)
		blocks(r[i]);
	does(sender, mq.send("q", "only", 0));
	awaits(shared(), 1);
	does_give(sender, mq.count("q"), 0);
	for (int i = 0; i < 3; i++) {
		if (!shared()[1 + i]) {
			blocks(r[i]);
			poke(r[i], SIGUSR1);
		}
		gives(r[i], shared()[1 + i] ? 4 : -EINTR);
	}
	must_be(shared()[0], 1);
}

TEST(mq, every_receiver_is_served)
{
	enum { MANY = 8 };
	actor *sender = cast("sender"), *r[MANY];
	long long sum = 0;

	does(sender, mq.make("q", 4, 64));
	for (int i = 0; i < MANY; i++) {
		r[i] = forks(sender, "receiver");
		begin(r[i], mq.receive("q"));
	}
	for (int i = 0; i < MANY; i++)
		blocks(r[i]);
	for (int i = 0; i < MANY; i++)
		does(sender, mq.send_bytes("q", "12345678", (size_t)i, 0));
	for (int i = 0; i < MANY; i++) {
		succeeds(r[i]);
		sum += 1 << outcome_of(r[i])->value;
	}
	must_be(sum, (1 << MANY) - 1); /* each length once */
	does_give(sender, mq.count("q"), 0);
}

TEST(mq, every_sender_goes_on)
{
	enum { MANY = 6 };
	actor *alice = with_full_queue(), *s[MANY];
	long long sum = 0;

	for (int i = 0; i < MANY; i++) {
		s[i] = forks(alice, "sender");
		begin(s[i], mq.send_bytes("q", "123456", (size_t)i, 0));
	}
	for (int i = 0; i < MANY; i++)
		blocks(s[i]);
	does_give(alice, mq.receive("q"), "one");
	does_give(alice, mq.receive("q"), "two");
	for (int i = 0; i < MANY; i++) {
		does(alice, mq.receive("q"));
		sum += 1 << outcome_of(alice)->value;
	}
	for (int i = 0; i < MANY; i++)
		succeeds(s[i]);
	must_be(sum, (1 << MANY) - 1);
	does_give(alice, mq.count("q"), 0);
}

TEST(mq, one_receive_lets_one_sender_go_on)
{
	actor *alice = with_full_queue();
	actor *s[2] = {forks(alice, "bob"), forks(alice, "carol")};
	int sent = 0;

	for (int i = 0; i < 2; i++) {
		does(s[i], sig.handle(SIGUSR1, 0));
		begin(s[i], mq.send("q", "three", 1));
	}
	blocks(s[0]);
	blocks(s[1]);
	does_give(alice, mq.receive("q"), "one");
	for (int i = 0; i < 2; i++) {
		poke(s[i], SIGUSR1);
		returns(s[i]);
		sent += outcome_of(s[i])->value == 0;
		must(outcome_of(s[i])->value == 0 || outcome_of(s[i])->error == EINTR);
	}
	must_be(sent, 1);
	does_give(alice, mq.count("q"), 2);
}

static void need_priority_scheduling(void)
{
	if (sysconf(_SC_PRIORITY_SCHEDULING) <= 0)
		skip("no Priority Scheduling: who is served first is unspecified");
}

TEST(mq, longest_waiting_receiver_is_served)
{
	actor *sender = cast("sender");

	need_priority_scheduling();
	does(sender, mq.make("q", 4, 64));
	actor *first = forks(sender, "first"), *second = forks(sender, "second");
	begin(first, mq.receive("q"));
	blocks(first);
	begin(second, mq.receive("q"));
	blocks(second);
	does(sender, mq.send("q", "one", 0));
	gives(first, "one");
	blocks(second);
	does(sender, mq.send("q", "two", 0));
	gives(second, "two");
}

TEST(mq, longest_waiting_sender_goes_on)
{
	actor *alice = with_full_queue();

	need_priority_scheduling();
	actor *first = forks(alice, "first"), *second = forks(alice, "second");
	begin(first, mq.send("q", "three", 1));
	blocks(first);
	begin(second, mq.send("q", "four", 9)); /* the message's priority doesn't matter */
	blocks(second);
	does_give(alice, mq.receive("q"), "one");
	succeeds(first);
	blocks(second);
	does_give(alice, mq.receive("q"), "two");
	succeeds(second);
	does_give(alice, mq.receive("q"), "four");
	does_give(alice, mq.receive("q"), "three");
}

/* Whether a call whose time was up before it began is refused, and rightly. */
static bool is_told_of_none(actor *other)
{
	returns(other);
	if (outcome_of(other)->value >= 0)
		return false;
	must_be(outcome_of(other)->error, ETIMEDOUT);
	return true;
}

TEST(mq, refused_message_is_a_waiters)
{
	actor *sender = cast("sender");

	does(sender, mq.make("q", 4, 64));
	actor *waiter = forks(sender, "waiter"), *other = forks(sender, "other");
	begin(waiter, mq.receive("q"));
	blocks(waiter);
	freeze(waiter);
	does(sender, mq.send("q", "low", 1));
	begin(other, mq.timed_receive_at("q", 1, 0));
	bool is_refused = is_told_of_none(other);
	does(sender, mq.send("q", "high", 9));
	thaw(waiter);
	/* a call that a stop has ended begins again: then the other had it */
	gives(waiter, is_refused ? "low" : "high");
	if (is_refused)
		does_give(other, mq.receive("q"), "high");
	does_give(sender, mq.count("q"), 0);
}

TEST_VARIANT(mq, refused_message_is_a_waiters, beside_another)
{
	actor *sender = cast("sender");

	does(sender, mq.make("q", 4, 64));
	actor *waiter = forks(sender, "waiter"), *other = forks(sender, "other");
	begin(waiter, mq.receive("q"));
	blocks(waiter);
	freeze(waiter);
	does(sender, mq.send("q", "one", 1));
	begin(other, mq.timed_receive_at("q", 1, 0));
	bool is_refused = is_told_of_none(other);
	does(sender, mq.send("q", "two", 1));
	/* it comes behind the one that is a waiter's */
	if (is_refused)
		does_give(other, mq.receive("q"), "two");
	thaw(waiter);
	gives(waiter, is_refused ? "one" : "two");
	does_give(sender, mq.count("q"), 0);
}

/* Those that wait, stopped, and have the messages one and two, if so it is. */
static void are_served(actor *sender, actor *first, actor *second)
{
	actor *other = forks(sender, "other");

	freeze(first);
	freeze(second);
	does(sender, mq.send("q", "one", 0));
	does(sender, mq.send("q", "four", 0));
	begin(other, mq.timed_receive_at("q", 1, 0));
	bool is_refused = is_told_of_none(other);
	if (is_refused)
		does_fail(other, mq.timed_receive_at("q", 1, 0), ETIMEDOUT);
	else
		does(sender, mq.send("q", "one", 0));
	thaw(second);
	thaw(first);
	if (is_refused) {
		gives(first, "one");
		gives(second, "four");
	} else {
		succeeds(first);
		succeeds(second);
		must_be(outcome_of(first)->value + outcome_of(second)->value, 7);
	}
	does_give(sender, mq.count("q"), 0);
}

TEST_VARIANT(mq, refused_message_is_a_waiters, of_two)
{
	actor *sender = cast("sender");

	need_priority_scheduling();
	does(sender, mq.make("q", 4, 64));
	actor *first = forks(sender, "first"), *second = forks(sender, "second");
	begin(first, mq.receive("q"));
	blocks(first);
	begin(second, mq.receive("q"));
	blocks(second);
	are_served(sender, first, second);
}

TEST_VARIANT(mq, refused_message_is_a_waiters, after_one_who_left)
{
	actor *sender = cast("sender");

	need_priority_scheduling();
	does(sender, mq.make("q", 4, 64));
	actor *left = forks(sender, "left"), *first = forks(sender, "first");
	does(left, sig.handle(SIGUSR1, 0));
	begin(left, mq.receive("q"));
	blocks(left);
	begin(first, mq.receive("q"));
	blocks(first);
	poke(left, SIGUSR1);
	fails(left, EINTR);
	/* perhaps where that was */
	begin(left, mq.receive("q"));
	blocks(left);
	are_served(sender, first, left);
}

TEST(mq, refused_message_makes_room)
{
	actor *sender = cast("sender");

	does(sender, mq.make("q", 1, 64));
	actor *waiter = forks(sender, "waiter"), *other = forks(sender, "other");
	begin(waiter, mq.receive("q"));
	blocks(waiter);
	freeze(waiter);
	does(sender, mq.send("q", "one", 1));
	begin(other, mq.timed_receive_at("q", 1, 0));
	bool is_refused = is_told_of_none(other);
	does(other, mq.timed_send_at("q", "two", 1, 0));
	thaw(waiter);
	gives(waiter, is_refused ? "one" : "two");
	if (is_refused)
		does_give(other, mq.receive("q"), "two");
	does_give(sender, mq.count("q"), 0);
}

TEST(mq, refused_room_is_a_waiters)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 1, 64));
	does(alice, mq.send("q", "one", 1));
	actor *waiter = forks(alice, "waiter"), *other = forks(alice, "other");
	begin(waiter, mq.send("q", "two", 1));
	blocks(waiter);
	freeze(waiter);
	does_give(alice, mq.receive("q"), "one");
	begin(other, mq.timed_send_at("q", "three", 1, 0));
	bool is_refused = is_told_of_none(other);
	does_give(alice, mq.timed_receive_at("q", 1, 0), is_refused ? "two" : "three");
	thaw(waiter);
	succeeds(waiter);
	/* a call that a stop has ended begins again: then the other was before it */
	if (!is_refused)
		does_give(alice, mq.receive("q"), "two");
	does_give(alice, mq.count("q"), 0);
}

TEST(mq, waiting_message_enters_by_its_priority)
{
	actor *alice = with_full_queue(), *sender = forks(alice, "sender");

	begin(sender, mq.send("q", "urgent", 9));
	blocks(sender);
	does_give(alice, mq.receive("q"), "one");
	succeeds(sender);
	does_give(alice, mq.receive("q"), "urgent");
	does_give(alice, mq.receive("q"), "two");
}

static const struct thawing {
	const char *name;
	int first;
} thawings[] = {{"in_order", 0}, {"in_reverse", 1}};

TEST_EACH(mq, thawed_receivers_are_served, thawings)
{
	actor *sender = cast("sender");

	does(sender, mq.make("q", 4, 64));
	actor *r[2] = {forks(sender, "alice"), forks(sender, "bob")};
	for (int i = 0; i < 2; i++) {
		begin(r[i], mq.receive("q"));
		blocks(r[i]);
		freeze(r[i]);
	}
	does(sender, mq.send("q", "one", 0));
	does(sender, mq.send("q", "four", 0));
	thaw(r[row->first]);
	thaw(r[!row->first]);
	succeeds(r[0]);
	succeeds(r[1]);
	must_be(outcome_of(r[0])->value + outcome_of(r[1])->value, 7);
	does_give(sender, mq.count("q"), 0);
}

TEST_EACH(mq, thawed_senders_go_on, thawings)
{
	actor *alice = with_full_queue(), *s[2] = {forks(alice, "bob"), forks(alice, "carol")};

	for (int i = 0; i < 2; i++) {
		begin(s[i], mq.send("q", "more", 0));
		blocks(s[i]);
		freeze(s[i]);
	}
	does_give(alice, mq.receive("q"), "one");
	does_give(alice, mq.receive("q"), "two");
	thaw(s[row->first]);
	thaw(s[!row->first]);
	succeeds(s[0]);
	succeeds(s[1]);
	does_give(alice, mq.receive("q"), "more");
	does_give(alice, mq.receive("q"), "more");
	does_give(alice, mq.count("q"), 0);
}
