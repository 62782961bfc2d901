/* SPDX-License-Identifier: MIT */
/* Sets and users: who may do what, and whose a set is. */
#include <stdio.h>
#include <unistd.h>

#include "stage/story.h"

/* Two users who are nobody in particular. */
enum { NOBODY = 65534, ANYBODY = 65533 };

static actor *owner, *user;

static void cast_user(int mode)
{
	owner = cast("owner");
	user = cast("user");
	does(owner, semset.make("s", "1 0"));
	does(user, semset.get("s", 2, 0));
	does(owner, semset.set_mode("s", mode));
	renounces(user);
}

static void values_are(const char *expected)
{
	does(owner, semset.set_mode("s", 0600));
	does_give(owner, semset.values("s"), expected);
}

TEST(semset, permissions_are_kept)
{
	cast_user(0);
	does_fail(user, semset.op("s", "0+1"), EACCES);
	does_fail(user, semset.op("s", "1=0"), EACCES);
	does_fail(user, semset.value("s", 0), EACCES);
	does_fail(user, semset.set("s", 0, 5), EACCES);
	does_fail(user, semset.stat("s"), EACCES);
	does_fail(user, semset.get("s", 2, 0600), EACCES);
	values_are("1 0");
}

TEST_VARIANT(semset, permissions_are_kept, read_only)
{
	cast_user(0444);
	does_give(user, semset.values("s"), "1 0");
	does_give(user, semset.value("s", 0), 1);
	does_give(user, semset.waiting("s", 0), 0);
	does(user, semset.stat("s"));
	does(user, semset.op("s", "1=0"));
	does_fail(user, semset.op("s", "0-1"), EACCES);
	does_fail(user, semset.op("s", "1=0 0+1"), EACCES);
	does_fail(user, semset.set("s", 0, 5), EACCES);
	does_fail(user, semset.set_all("s", "5 5"), EACCES);
	values_are("1 0");
}

TEST_VARIANT(semset, permissions_are_kept, alter_only)
{
	cast_user(0222);
	does(user, semset.op("s", "0+1"));
	does(user, semset.op("s", "0-1 1+2"));
	does_fail(user, semset.op("s", "1=0n"), EACCES);
	does_fail(user, semset.value("s", 0), EACCES);
	does_fail(user, semset.pid("s", 0), EACCES);
	does_fail(user, semset.values("s"), EACCES);
	does(user, semset.set("s", 0, 4));
	values_are("4 2");
}

TEST(semset, permission_is_asked_for_at_each_call)
{
	cast_user(0666);
	does(user, semset.op("s", "0+1"));
	does(owner, semset.set_mode("s", 0));
	does_fail(user, semset.op("s", "0+1"), EACCES);
	does_fail(user, semset.values("s"), EACCES);
	does(owner, semset.set_mode("s", 0666));
	does(user, semset.op("s", "0+1"));
	values_are("3 0");
}

/* -- whose it is ------------------------------------------------------------------------------ */

TEST(semset, only_the_owner_removes)
{
	actor *other = cast("other");

	owner = cast("owner");
	does(owner, semset.make("s", "4"));
	does(owner, semset.set_mode("s", 0666));
	does(other, semset.get("s", 1, 0));
	becomes_user(other, NOBODY, NOBODY);
	does_fail(other, semset.remove("s"), EPERM);
	does_fail(other, semset.set_mode("s", 0600), EPERM);
	does(other, semset.op("s", "0-1"));
	does_give(owner, semset.stat("s"), "1 of mode 666, owner me, creator me");
	does_give(owner, semset.value("s", 0), 3);
	does(owner, semset.remove("s"));
	does_fail(other, semset.op("s", "0-1"), EINVAL);
}

TEST(semset, owner_can_be_changed)
{
	char expected[80];

	owner = cast("owner");
	user = cast("user");
	does(owner, semset.make("s", "4"));
	does(user, semset.get("s", 1, 0));
	becomes_user(user, NOBODY, NOBODY);
	does_fail(user, semset.op("s", "0-1"), EACCES);
	does(owner, semset.give("s", NOBODY, NOBODY));
	snprintf(expected, sizeof(expected), "1 of mode 600, owner %d:%d, creator me", NOBODY,
		 NOBODY);
	does_give(owner, semset.stat("s"), expected);
	does(user, semset.op("s", "0-1"));
	does(user, semset.set_mode("s", 0640));
	does_give(owner, semset.value("s", 0), 3);
	does(user, semset.remove("s"));
	does_fail(owner, semset.value("s", 0), EINVAL);
}

TEST(semset, creator_stays_powerful)
{
	actor *creator = cast("creator");

	becomes_user(creator, NOBODY, NOBODY);
	does(creator, semset.make("s", "4"));
	does(creator, semset.give("s", ANYBODY, ANYBODY));
	does(creator, semset.op("s", "0-1"));
	does_give(creator, semset.value("s", 0), 3);
	does(creator, semset.set_mode("s", 0644));
	does_give(creator, semset.stat("s"), "1 of mode 644, owner me, creator me");
	does(creator, semset.give("s", ANYBODY, ANYBODY));
	does(creator, semset.remove("s"));
	does_fail(creator, semset.value("s", 0), EINVAL);
}

/* Shared words: the other one asks; all has been made. */
enum { ASKING, MADE };

/* Makes and removes it over and over. */
static long long make_and_remove(const char *text, const long long *n)
{
	union semset_argument nothing = {0};
	key_t key = key_of(text);

	awaits(&shared()[ASKING], 1);
	for (long long i = 0; i < n[0]; i++) {
		int id = impl->semset->semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);

		must(id >= 0);
		must_be(impl->semset->semctl(id, 0, IPC_RMID, nothing), 0);
	}
	shared()[MADE] = 1;
	return 0;
}

static long long ask_until_made(const char *text, const long long *n)
{
	key_t key = key_of(text);

	shared()[ASKING] = 1;
	while (!shared()[MADE]) {
		must_be(impl->semset->semget(key, 1, (int)n[0]), -1);
		must(errno == ENOENT || errno == EACCES);
	}
	return 0;
}

TEST(semset, nobody_comes_before_the_mode)
{
	owner = cast("owner");
	user = cast("user");
	becomes_user(user, NOBODY, NOBODY);
	begin(user, call(ask_until_made, "s", 0600, 0, 0));
	begin(owner, call(make_and_remove, "s", 1000, 0, 0));
	succeeds(owner);
	succeeds(user);
}
