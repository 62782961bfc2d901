/* SPDX-License-Identifier: MIT */
/* Closing and unlinking. */
#include <string.h>

#include "stage/story.h"

/* What can be done with a descriptor. */
static const struct use {
	const char *name;
	int what;
} uses[] = {
	{"send", 's'},		 {"receive", 'r'},
	{"timed_send", 'S'},	 {"timed_receive", 'R'},
	{"get_attributes", '?'}, {"set_attributes", '!'},
	{"notify", 'n'},	 {"remove_notification", 'N'},
	{"close", 'c'},
};

static op use_of(int what, const char *h)
{
	switch (what) {
	case 's':
		return mq.send(h, "text", 0);
	case 'r':
		return mq.receive(h);
	case 'S':
		return mq.timed_send(h, "text", 0, 1000);
	case 'R':
		return mq.timed_receive(h, 1000);
	case '?':
		return mq.attributes(h);
	case '!':
		return mq.set_nonblock(h, 1);
	case 'n':
		return mq.notify_none(h);
	case 'N':
		return mq.notify_remove(h);
	default:
		return mq.close(h);
	}
}

TEST_EACH(mq, closed_descriptor_is_invalid, uses)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 4, 64));
	does(a, mq.send("q", "there", 0));
	does(a, mq.close("q"));
	does_fail(a, use_of(row->what, "q"), EBADF);
	does(a, mq.suppose("q", -1));
	does_fail(a, use_of(row->what, "q"), EBADF);
}

/* All but close, which may close what is no queue. */
static const struct use queue_uses[] = {
	{"send", 's'},		{"receive", 'r'},	 {"timed_send", 'S'},
	{"timed_receive", 'R'}, {"get_attributes", '?'}, {"set_attributes", '!'},
	{"notify", 'n'},
};

TEST_EACH(mq, other_descriptor_is_no_queue, queue_uses)
{
	actor *a = cast("alice");

	does(a, mq.make("probe", 1, 1));
	does(a, pipes.make("p"));
	does_fail(a, use_of(row->what, "p:r"), EBADF);
	does_fail(a, use_of(row->what, "p:w"), EBADF);
	does_give(a, fd.readable_bytes("p:r"), 0);
}

TEST(mq, closing_keeps_the_messages)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 4, 64));
	does(a, mq.send("q", "one", 1));
	does(a, mq.send("q", "two", 2));
	does(a, mq.close("q"));
	does(a, mq.open("q", O_RDONLY));
	does_give(a, mq.count("q"), 2);
	does_give(a, mq.receive("q"), "two");
	does_give(a, mq.receive("q"), "one");
}

TEST(mq, closing_one_keeps_another_opening)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 4, 64));
	does(a, mq.open("q:r", O_RDONLY));
	does(a, mq.open("q:w", O_WRONLY));
	does(a, mq.close("q"));
	does(a, mq.send("q:w", "on", 0));
	does(a, mq.close("q:w"));
	does_give(a, mq.receive("q:r"), "on");
	does_fail(a, mq.send("q:w", "off", 0), EBADF);
}

TEST(mq, parents_closing_leaves_the_childs)
{
	actor *parent = cast("parent"), *stranger = cast("stranger");

	does(parent, mq.make("q", 4, 64));
	does(stranger, mq.open("q", O_WRONLY));
	actor *child = forks(parent, "child");
	begin(child, mq.receive("q"));
	blocks(child);
	does(parent, mq.close("q"));
	blocks(child);
	does(stranger, mq.send("q", "one", 0));
	gives(child, "one");
	does(child, mq.send("q", "two", 0));
	does_give(child, mq.receive("q"), "two");
}

TEST(mq, closing_leaves_a_waiting_thread)
{
	actor *first = cast("first"), *second = cast_thread(first, "second");

	is_brief();
	does(first, mq.make("q", 4, 64));
	does(first, mq.open("q:again", O_RDWR));
	begin(second, mq.receive("q"));
	blocks(second);
	does(first, mq.close("q"));
	blocks(second);
	does(first, mq.send("q:again", "one", 0));
	gives(second, "one");
}

TEST(mq, unlinked_name_is_gone)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, mq.make("q", 4, 64));
	does(bob, mq.unlink("q"));
	does_fail(bob, mq.open("q", O_RDWR), ENOENT);
	does_fail(alice, mq.open("q:again", O_RDWR), ENOENT);
	does_fail(alice, mq.unlink("q"), ENOENT);
}

TEST(mq, unlinked_queue_serves_who_has_it)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, mq.make("q", 4, 64));
	does(bob, mq.open("q", O_RDWR));
	does(alice, mq.send("q", "before", 0));
	does(alice, mq.unlink("q"));
	does(alice, mq.send("q", "after", 0));
	does_give(bob, mq.receive("q"), "before");
	does_give(bob, mq.receive("q"), "after");
	begin(bob, mq.receive("q"));
	blocks(bob);
	does(alice, mq.send("q", "to who waits", 0));
	gives(bob, "to who waits");
}

TEST(mq, closed_and_unlinked_name_is_free)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, mq.make("q", 4, 64));
	does(bob, mq.open("q", O_RDWR));
	does(alice, mq.send("q", "old", 0));
	does(alice, mq.unlink("q"));
	does(alice, mq.close("q"));
	does(bob, mq.close("q"));
	does(bob, mq.make("q", 2, 32));
	does_give(bob, mq.count("q"), 0);
}

TEST(mq, unlinked_name_is_free_at_once)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, mq.make("q", 4, 64));
	does(alice, mq.send("q", "old", 0));
	does(alice, mq.unlink("q"));
	does(bob, mq.make("q", 2, 32));
	does_give(bob, mq.count("q"), 0);
	does(bob, mq.send("q", "new", 0));
	does_give(alice, mq.receive("q"), "old");
	does_give(alice, mq.count("q"), 0);
	does(alice, mq.close("q"));
	does_give(bob, mq.receive("q"), "new");
}

TEST(mq, absent_name_cannot_be_unlinked)
{
	actor *a = cast("alice");

	does_fail(a, mq.unlink("q"), ENOENT);
}

static const struct odd_name {
	const char *name;
	int length, error;
} odd_names[] = {{"slash_alone", 1, ENOENT}, {"too_long", 300, ENAMETOOLONG}};

static long long unlinks_a_name(const char *text, const long long *n)
{
	char name[512];

	(void)text;
	memset(name, 'n', sizeof(name));
	name[0] = '/';
	name[n[0]] = '\0';
	return impl->mq->mq_unlink(name);
}

TEST_EACH(mq, odd_names_are_not_unlinked, odd_names)
{
	actor *a = cast("alice");

	does(a, mq.make("probe", 1, 1));
	does_fail(a, call(unlinks_a_name, NULL, row->length, 0, 0), row->error);
}

TEST(mq, unlinking_wakes_nobody)
{
	actor *alice = cast("alice");

	does(alice, mq.make("q", 1, 16));
	actor *receiver = forks(alice, "receiver"), *sender = forks(alice, "sender");
	begin(receiver, mq.receive("q"));
	blocks(receiver);
	does(alice, mq.unlink("q"));
	blocks(receiver);
	does(alice, mq.send("q", "one", 0));
	gives(receiver, "one");
	does(alice, mq.send("q", "two", 0));
	begin(sender, mq.send("q", "three", 0));
	blocks(sender);
	does_give(alice, mq.receive("q"), "two");
	succeeds(sender);
	does_give(alice, mq.receive("q"), "three");
}
