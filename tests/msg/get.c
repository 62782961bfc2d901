/* SPDX-License-Identifier: MIT */
/* Keys and identifiers. */
#include "../shortage.h"
#include "stage/story.h"

TEST(msg, private_queue_is_always_new)
{
	actor *a = cast("alice");

	does(a, msg.make_private("p"));
	does(a, msg.make_private("q"));
	does(a, msg.send("p", 1, "in p"));
	does_fail(a, msg.receive("q", 100, 0, IPC_NOWAIT), ENOMSG);
	does_give(a, msg.receive("p", 100, 0, 0), "in p");
}

TEST(msg, same_key_gives_the_same_identifier)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, msg.make("q"));
	does(alice, msg.id("q"));
	does_give(bob, msg.get("q", IPC_CREAT | 0600), outcome_of(alice)->value);
	does_give(bob, msg.get("q", 0), outcome_of(alice)->value);
	does_give(bob, msg.get("q", IPC_EXCL), outcome_of(alice)->value);
}

TEST(msg, exclusive_creation_refuses_what_exists)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, msg.make("q"));
	does(alice, msg.send("q", 1, "mine"));
	does_fail(bob, msg.get("q", IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	does_give(alice, msg.receive("q", 100, 0, IPC_NOWAIT), "mine");
}

TEST(msg, absent_key_is_not_found)
{
	actor *a = cast("alice");

	does_fail(a, msg.get("q", 0), ENOENT);
	does_fail(a, msg.get("q", IPC_EXCL), ENOENT);
	does(a, msg.get("q", IPC_CREAT | IPC_EXCL | 0600));
}

TEST(msg, second_get_changes_no_mode)
{
	actor *a = cast("alice");

	does(a, msg.make_mode("q", 0640));
	does(a, msg.get("q", IPC_CREAT | 0600));
	does(a, msg.owner("q"));
	must_be(outcome_of(a)->n[MSG_MODE] & 0777, 0640);
}

TEST(msg, key_is_free_after_removal)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, msg.make("q"));
	does(alice, msg.send("q", 1, "old"));
	does(alice, msg.remove("q"));
	does_fail(bob, msg.find("q"), ENOENT);
	does(bob, msg.make("q"));
	does_give(bob, msg.count("q"), 0);
	does_fail(bob, msg.receive("q", 100, 0, IPC_NOWAIT), ENOMSG);
}

TEST(msg, old_identifier_never_reaches_a_new_queue)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, msg.make("q"));
	does(bob, msg.find("q"));
	for (int i = 0; i < 10; i++) {
		does(alice, msg.remove("q"));
		does(alice, msg.make("q"));
		does_fail(bob, msg.send("q", 1, "to the old"), EINVAL);
	}
	does_give(alice, msg.count("q"), 0);
}

/* Waits for the others at a shared word, then creates. */
static long long creates_at_once(const char *text, const long long *n)
{
	key_t key = key_of(text);

	shared()[0]++;
	while (shared()[0] < (uint64_t)n[0])
		continue;
	int id = impl->msg->msgget(key, IPC_CREAT | IPC_EXCL | 0600);
	if (id < 0 && errno == ENOSYS)
		skip("msgget: ENOSYS");
	must(id >= 0 || errno == EEXIST);
	return id >= 0;
}

TEST(msg, one_of_many_creators_succeeds)
{
	enum { MANY = 3 };
	actor *a[MANY] = {cast("alice"), cast("bob"), cast("carol")};
	long long sum = 0;

	if (!impl->msg)
		skip("no System V messages");
	for (int i = 0; i < MANY; i++)
		begin(a[i], call(creates_at_once, "q", MANY, 0, 0));
	for (int i = 0; i < MANY; i++) {
		succeeds(a[i]);
		sum += outcome_of(a[i])->value;
	}
	must_be(sum, 1);
}

TEST(msg, identifiers_are_distinct)
{
	enum { MANY = 6 };
	actor *a = cast("alice");
	const char *const queues[MANY] = {"o", "p", "q", "r", "s", "t"};
	long long ids[MANY];

	for (int i = 0; i < MANY; i++) {
		does(a, i % 2 ? msg.make_private(queues[i]) : msg.make(queues[i]));
		does(a, msg.id(queues[i]));
		ids[i] = outcome_of(a)->value;
		must(ids[i] >= 0);
		for (int other = 0; other < i; other++)
			must(ids[other] != ids[i]);
	}
}

/* -- few descriptors -------------------------------------------------------------------------- */

TEST(msg, few_descriptors_make_no_half_queue)
{
	actor *alice = cast("alice"), *poor = cast("poor");

	for (int room = 0; lacks_descriptors(poor, room, msg.make("q")); room++)
		does_fail(alice, msg.get("q", 0), ENOENT);
	does(alice, msg.find("q"));
	does(alice, msg.send("q", 1, "hello"));
	does_give(poor, msg.receive("q", 100, 0, 0), "hello");
}
