/* SPDX-License-Identifier: MIT */
/* Semaphores that have names. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../shortage.h"
#include "stage/story.h"

TEST(sem, strangers_meet_at_a_name)
{
	actor *alice = cast("alice"), *stranger = cast_stranger("stranger");

	does(alice, sem.create("s", 0));
	does(stranger, sem.open("s"));
	begin(stranger, sem.wait("s"));
	blocks(stranger);
	does(alice, sem.post("s"));
	succeeds(stranger);
	begin(alice, sem.wait("s"));
	blocks(alice);
	does(stranger, sem.post("s"));
	succeeds(alice);
}

TEST(sem, created_one_has_its_value)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sem.create("s", 3));
	does(bob, sem.open("s"));
	does_give(bob, sem.value("s"), 3);
	does(bob, sem.wait("s"));
	does_give(alice, sem.value("s"), 2);
}

TEST(sem, creating_what_exists_opens_it)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sem.create("s", 1));
	does(bob, sem.open_with("s", O_CREAT, 0600, 7));
	does_give(bob, sem.value("s"), 1);
	does(alice, sem.wait("s"));
	does_fail(bob, sem.trywait("s"), EAGAIN);
}

TEST(sem, exclusive_creation_refuses_what_exists)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sem.create("s", 1));
	does_fail(bob, sem.create("s", 7), EEXIST);
	does_fail(alice, sem.create("s", 7), EEXIST);
	does_give(alice, sem.value("s"), 1);
	does(bob, sem.open("s"));
	does_give(bob, sem.value("s"), 1);
}

TEST(sem, missing_name_is_told)
{
	actor *alice = cast("alice");

	does_fail(alice, sem.open("s"), ENOENT);
	does_fail(alice, sem.unlink("s"), ENOENT);
	does(alice, sem.create("s", 0));
	does(alice, sem.unlink("s"));
	does_fail(alice, sem.unlink("s"), ENOENT);
}

static bool is_refusal(int error)
{
	return error == ENAMETOOLONG || error == EINVAL;
}

/* A name that no directory could hold. */
static long long use_long_name(const char *text, const long long *n)
{
	static char name[5000];

	(void)text;
	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[n[0]] = '\0';
	must(impl->sem->sem_open(name, 0, 0, 0) == SEM_FAILED);
	must(is_refusal(errno));
	must(impl->sem->sem_open(name, O_CREAT, 0600, 1) == SEM_FAILED);
	must(is_refusal(errno));
	must_be(impl->sem->sem_unlink(name), -1);
	must(is_refusal(errno) || errno == ENOENT);
	return 0;
}

TEST(sem, too_long_name_is_refused)
{
	actor *alice = cast("alice");

	does_fail(alice, sem.open("s"), ENOENT);
	does(alice, call(use_long_name, NULL, 300, 0, 0));
	does(alice, call(use_long_name, NULL, 4999, 0, 0));
}

/* -- openings --------------------------------------------------------------------------------- */

TEST(sem, opening_twice_gives_the_same_address)
{
	actor *alice = cast("alice");

	does(alice, sem.create("s:first", 0));
	does(alice, sem.open("s:second"));
	does_give(alice, sem.same("s:first", "s:second"), 1);
	does(alice, sem.open_with("s:third", O_CREAT, 0600, 5));
	does_give(alice, sem.same("s:first", "s:third"), 1);
	does(alice, sem.create("t", 0));
	does_give(alice, sem.same("s:first", "t"), 0);
}

TEST(sem, closing_once_keeps_another_opening)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sem.create("s:first", 0));
	does(bob, sem.open("s"));
	does(alice, sem.open("s:second"));
	does(alice, sem.close("s:first"));
	does(alice, sem.post("s:second"));
	does_give(bob, sem.value("s"), 1);
	does(alice, sem.close("s:second"));
	does(bob, sem.wait("s"));
}

TEST(sem, reopened_one_has_kept_its_value)
{
	actor *alice = cast("alice");

	does(alice, sem.create("s", 1));
	does(alice, sem.post("s"));
	does(alice, sem.close("s"));
	does(alice, sem.open("s"));
	does_give(alice, sem.value("s"), 2);
}

TEST(sem, name_outlives_its_creator)
{
	actor *creator = cast("creator"), *killed = cast("killed");

	does(creator, sem.create("s", 1));
	does(killed, sem.open("s"));
	does(creator, sem.post("s"));
	exits(creator, 0);
	dies(killed);
	actor *heir = cast_stranger("heir");
	does(heir, sem.open("s"));
	does_give(heir, sem.value("s"), 2);
}

TEST(sem, child_inherits_open_ones)
{
	actor *parent = cast("parent");

	does(parent, sem.create("s", 0));
	actor *child = forks(parent, "child");
	begin(parent, sem.wait("s"));
	blocks(parent);
	does(child, sem.post("s"));
	succeeds(parent);
	does(child, sem.open("s:again"));
	does_give(child, sem.same("s", "s:again"), 1);
	does(child, sem.close("s"));
	does(parent, sem.post("s"));
	does_give(parent, sem.value("s"), 1);
}

TEST(sem, exec_closes_and_the_name_stays)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sem.create("s", 2));
	does(alice, sem.wait("s"));
	does(bob, sem.open("s"));
	execs(alice);
	does(alice, sem.open("s"));
	does_give(alice, sem.value("s"), 1);
	does(alice, sem.post("s"));
	does_give(bob, sem.value("s"), 2);
}

/* -- unlinking -------------------------------------------------------------------------------- */

TEST(sem, unlinked_name_is_gone_at_once)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *late = cast("late");

	does(alice, sem.create("s", 0));
	does(bob, sem.open("s"));
	does(alice, sem.unlink("s"));
	does_fail(late, sem.open("s"), ENOENT);
	does(alice, sem.post("s"));
	does(bob, sem.wait("s"));
	does_give(alice, sem.value("s"), 0);
}

TEST(sem, unlinked_semaphore_still_wakes)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sem.create("s", 0));
	does(bob, sem.open("s"));
	begin(bob, sem.wait("s"));
	blocks(bob);
	does(alice, sem.unlink("s"));
	blocks(bob);
	does(alice, sem.post("s"));
	succeeds(bob);
}

TEST(sem, unlinked_name_makes_a_new_semaphore)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, sem.create("s:old", 1));
	does(alice, sem.unlink("s"));
	does(alice, sem.create("s:new", 5));
	does_give(alice, sem.same("s:old", "s:new"), 0);
	does(bob, sem.open("s"));
	does_give(bob, sem.value("s"), 5);
	does(alice, sem.post("s:old"));
	does_give(bob, sem.value("s"), 5);
	does(bob, sem.post("s"));
	does_give(alice, sem.value("s:new"), 6);
	does_give(alice, sem.value("s:old"), 2);
}

/* -- races ------------------------------------------------------------------------------------ */

enum { CREATORS = 4, ROUNDS = 40 };

/* The name of a round. */
static void name_round(char *name, size_t size, const char *base, long long round)
{
	snprintf(name, size, "%s-%lld", base, round);
}

static void meet(long long round)
{
	shared()[0]++;
	awaits(shared(), (uint64_t)(CREATORS * (round + 1)));
}

/* All open, post once, and whoever was last unlinks. */
static long long create_and_post(const char *text, const long long *n)
{
	char name[128];

	(void)n;
	for (long long round = 0; round < ROUNDS; round++) {
		name_round(name, sizeof(name), text, round);
		sem_t *s = impl->sem->sem_open(name, O_CREAT, 0600, 10);
		must(s != SEM_FAILED);
		must_be(impl->sem->sem_post(s), 0);
		meet(round);
		int value = 0;
		must_be(impl->sem->sem_getvalue(s, &value), 0);
		must_be(value, 10 + CREATORS);
		must_be(impl->sem->sem_close(s), 0);
	}
	return 0;
}

static long long create_exclusively(const char *text, const long long *n)
{
	char name[128];

	(void)n;
	for (long long round = 0; round < ROUNDS; round++) {
		name_round(name, sizeof(name), text, round);
		sem_t *s = impl->sem->sem_open(name, O_CREAT | O_EXCL, 0600, 0);
		if (s != SEM_FAILED)
			shared()[1 + round]++;
		else
			must_be(errno, EEXIST);
		meet(round);
		must_be(shared()[1 + round], 1);
		if (s != SEM_FAILED)
			must_be(impl->sem->sem_close(s), 0);
	}
	return 0;
}

/* The director names them all beforehand, so that they are removed whatever comes. */
static const char *name_rounds(void)
{
	static char base[128];
	char name[24];

	for (long long round = 0; round < ROUNDS; round++) {
		name_round(name, sizeof(name), "s", round);
		name_of(name);
	}
	snprintf(base, sizeof(base), "%s", name_of("s"));
	return base;
}

static void race(op creation)
{
	static const char *const names[CREATORS] = {"alice", "bob", "carol", "dave"};
	actor *creators[CREATORS];

	for (int i = 0; i < CREATORS; i++)
		creators[i] = cast(names[i]);
	for (int i = 0; i < CREATORS; i++)
		begin(creators[i], creation);
	for (int i = 0; i < CREATORS; i++)
		succeeds(creators[i]);
}

TEST(sem, racing_creators_meet)
{
	race(call(create_and_post, name_rounds(), 0, 0, 0));
}

TEST(sem, one_of_racing_exclusive_creators_wins)
{
	race(call(create_exclusively, name_rounds(), 0, 0, 0));
}

/* -- resources -------------------------------------------------------------------------------- */

static long long count_descriptors(const char *text, const long long *n)
{
	long long count = 0;

	(void)text;
	for (int i = 0; i < n[0]; i++)
		count += impl->fd->fcntl(i, F_GETFD, 0) >= 0;
	return count;
}

TEST(sem, openings_leave_no_descriptor)
{
	actor *alice = cast("alice");

	begin(alice, call(count_descriptors, NULL, 256, 0, 0));
	returns(alice);
	long long before = outcome_of(alice)->value;
	for (int i = 0; i < 3; i++) {
		does(alice, sem.create("s", 1));
		does_fail(alice, sem.create("s:again", 1), EEXIST);
		does(alice, sem.open("s:again"));
		does(alice, sem.close("s:again"));
		does(alice, sem.close("s"));
		does(alice, sem.unlink("s"));
		does_fail(alice, sem.open("s"), ENOENT);
	}
	does_give(alice, call(count_descriptors, NULL, 256, 0, 0), before);
}

/* From now on no descriptor can be opened in this process, or so many. */
static long long limit_descriptors(const char *text, const long long *n)
{
	struct rlimit limit;

	(void)text;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	limit.rlim_cur = n[0] ? limit.rlim_max : 3;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(sem, failed_creation_leaves_no_name)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, call(limit_descriptors, NULL, 0, 0, 0));
	begin(alice, sem.create("s", 1));
	returns(alice);
	if (outcome_of(alice)->value == 0)
		skip("a name is created without a descriptor");
	must_be(outcome_of(alice)->error, EMFILE);
	does_fail(bob, sem.open("s"), ENOENT);
	does(alice, call(limit_descriptors, NULL, 1, 0, 0));
	does(alice, sem.create("s", 1));
	does(bob, sem.open("s"));
	does_give(bob, sem.value("s"), 1);
}

TEST(sem, few_descriptors_make_no_half_semaphore)
{
	actor *alice = cast("alice"), *poor = cast("poor");

	for (int room = 0; lacks_descriptors(poor, room, sem.create("s", 3)); room++)
		does_fail(alice, sem.open("s"), ENOENT);
	does(alice, sem.open("s"));
	does(poor, sem.wait("s"));
	does_give(alice, sem.value("s"), 2);
}
