/* SPDX-License-Identifier: MIT */
/* Limits and the system's table of queues, in an IPC namespace of one's own. */
#include <limits.h>
#include <stdio.h>

#include "stage/story.h"

static long long has_setting(const char *path, const long long *n)
{
	must_be(system_setting(path), n[0]);
	return 0;
}

TEST(msg, namespace_has_its_own_queues)
{
	actor *alice = cast("alice"), *bob = cast_apart("bob");

	does(alice, msg.make("q"));
	does(alice, msg.send("q", 1, "alice's"));
	does_fail(bob, msg.find("q"), ENOENT);
	does(bob, msg.make("q"));
	does_give(bob, msg.count("q"), 0);
	does(bob, msg.send("q", 1, "bob's"));
	actor *child = forks(bob, "child");
	does_give(child, msg.receive("q", 100, 0, IPC_NOWAIT), "bob's");
	does(bob, msg.remove("q"));
	does_give(alice, msg.receive("q", 100, 0, IPC_NOWAIT), "alice's");
}

TEST(msg, count_of_queues_is_limited)
{
	actor *a = cast_apart("alice");

	does(a, call(changes_setting, "kernel/msgmni", 2, 0, 0));
	does(a, msg.make("p"));
	does(a, msg.make("q"));
	does_fail(a, msg.make("r"), ENOSPC);
	does_fail(a, msg.find("r"), ENOENT);
	does(a, msg.get("q", IPC_CREAT | 0600)); /* nothing new is needed for it */
	does(a, msg.remove("p"));
	does(a, msg.make("r"));
}

TEST(msg, size_of_messages_follows_msgmax)
{
	actor *a = cast_apart("alice");

	does(a, msg.make("q"));
	does(a, call(changes_setting, "kernel/msgmax", 10, 0, 0));
	does_fail(a, msg.send_now("q", 1, "0123456789 "), EINVAL);
	does(a, msg.send_now("q", 1, "0123456789"));
	does(a, msg.limits());
	must_be(outcome_of(a)->n[MSG_LIMIT_SIZE], 10);
	does(a, call(changes_setting, "kernel/msgmax", 11, 0, 0));
	does(a, msg.send_now("q", 1, "0123456789 "));
	does_give(a, msg.bytes("q"), 21);
}

TEST(msg, new_queues_follow_msgmnb)
{
	actor *a = cast_apart("alice");

	does(a, msg.make("old"));
	does(a, msg.capacity("old"));
	long long before = outcome_of(a)->value;
	does(a, call(changes_setting, "kernel/msgmnb", 20, 0, 0));
	does(a, msg.make("new"));
	does_give(a, msg.capacity("new"), 20);
	does_give(a, msg.capacity("old"), before);
	does(a, msg.send_now("new", 1, "01234567890123456789"));
	does_fail(a, msg.send_now("new", 1, "x"), EAGAIN);
}

TEST_VARIANT(msg, usage_is_told, exactly)
{
	actor *a = cast_apart("alice");

	does(a, msg.make("p"));
	does(a, msg.make("q"));
	does(a, msg.send("p", 1, "1234567"));
	does(a, msg.send("q", 1, ""));
	does(a, msg.send("q", 1, "cut to size"));
	does(a, msg.receive("q", 100, 0, IPC_NOWAIT));
	does(a, msg.usage());
	must_be(outcome_of(a)->n[MSG_USED_QUEUES], 2);
	must_be(outcome_of(a)->n[MSG_USED_MESSAGES], 2);
	must_be(outcome_of(a)->n[MSG_USED_BYTES], 18);
	does(a, msg.receive("q", 3, 0, MSG_NOERROR | IPC_NOWAIT));
	does(a, msg.remove("p"));
	does(a, msg.usage());
	must_be(outcome_of(a)->n[MSG_USED_QUEUES], 1);
	must_be(outcome_of(a)->n[MSG_USED_MESSAGES], 0);
	must_be(outcome_of(a)->n[MSG_USED_BYTES], 0);
}

static const struct command {
	const char *name;
	int command;
} commands[] = {{"stat", MSG_STAT}, {"stat_any", MSG_STAT_ANY}};

TEST_EACH(msg, index_beyond_the_last_is_invalid, commands)
{
	actor *a = cast_apart("alice");

	does(a, msg.make("p"));
	does(a, msg.make("q"));
	begin(a, msg.limits());
	succeeds(a);
	long long last = outcome_of(a)->value;
	must(last >= 1);
	does(a, msg.id("q"));
	long long id = outcome_of(a)->value;
	does(a, msg.suppose("index", last));
	begin(a, msg.control("index", row->command));
	returns(a);
	if (outcome_of(a)->error == EINVAL && row->command == MSG_STAT_ANY)
		skip("no MSG_STAT_ANY: Linux has it since 4.17");
	must_be(outcome_of(a)->value, id);
	does(a, msg.suppose("index", last + 1));
	does_fail(a, msg.control("index", row->command), EINVAL);
}

static const struct forced {
	const char *name;
	int id;
} forced[] = {{"zero", 0}, {"some", 12345}, {"large", INT_MAX - 1}, {"largest", INT_MAX}};

TEST_EACH(msg, forced_identifier_is_valid, forced)
{
	actor *a = cast_apart("alice");

	does(a, call(changes_setting, "kernel/msg_next_id", row->id, 0, 0));
	does(a, msg.make("q"));
	must(outcome_of(a)->value >= 0);
	does(a, call(has_setting, "kernel/msg_next_id", -1, 0, 0));
	does(a, msg.send("q", 1, "here"));
	does_give(a, msg.receive("q", 100, 0, IPC_NOWAIT), "here");
	does(a, msg.id("q"));
	long long id = outcome_of(a)->value;
	does_give(a, msg.get("q", 0), id);
	does(a, msg.make("r"));
	must(outcome_of(a)->value >= 0 && outcome_of(a)->value != id);
	does(a, msg.remove("q"));
	does_fail(a, msg.find("q"), ENOENT);
}

static long long gets_by_file(const char *file, const long long *n)
{
	long long id = impl->msg->msgget(impl->msg->ftok(path_of(file), 'q'), (int)n[0]);

	if (id >= 0)
		set_handle("q", id, NULL);
	return id;
}

/* Alone, for a key of a file may belong to somebody. */
TEST(msg, key_of_a_file_makes_a_queue)
{
	actor *alice = cast_apart("alice"), *bob = forks(alice, "bob");

	does(alice, fifo.make("f"));
	does_fail(bob, call(gets_by_file, "f", 0, 0, 0), ENOENT);
	does(alice, call(gets_by_file, "f", IPC_CREAT | IPC_EXCL | 0600, 0, 0));
	does(alice, msg.send("q", 1, "by a file"));
	does(bob, call(gets_by_file, "f", 0, 0, 0));
	does_give(bob, msg.receive("q", 100, 0, IPC_NOWAIT), "by a file");
}
