/* SPDX-License-Identifier: MIT */
/* Names of objects: which there may be, how they go and come again, and what a killed maker leaves.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "stage/story.h"

enum { NEW = O_RDWR | O_CREAT | O_EXCL };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* -- names ------------------------------------------------------------------------------------ */

/* A name that is none of the story's objects. */
static long long open_name(const char *text, const long long *n)
{
	return impl->shm->shm_open(text, (int)n[0], 0600);
}

static long long unlink_name(const char *text, const long long *n)
{
	(void)n;
	return impl->shm->shm_unlink(text);
}

static const struct {
	const char *name, *text;
} bad_names[] = {{"slash", "/"}, {"slash_within", "/ipcts/object"}, {"slash_after", "/ipcts-x/"}};

TEST_EACH(shm, an_impossible_name_is_invalid, bad_names)
{
	actor *alice = cast("alice");

	does_fail(alice, call(open_name, row->text, O_RDWR | O_CREAT, 0, 0), EINVAL);
	does_fail(alice, call(open_name, row->text, O_RDWR, 0, 0), EINVAL);
}

TEST(shm, a_name_may_be_too_long)
{
	actor *alice = cast("alice");
	char name[NAME_MAX + 3] = "/";

	memset(name + 1, 'n', NAME_MAX + 1);
	does_fail(alice, call(open_name, name, O_RDWR, 0, 0), ENAMETOOLONG);
	does_fail(alice, call(open_name, name, O_RDWR | O_CREAT, 0, 0), ENAMETOOLONG);
	does_fail(alice, call(unlink_name, name, 0, 0, 0), ENAMETOOLONG);
}

TEST(shm, a_reused_name_is_unlinked_by_itself)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o:first", NEW));
	does(alice, shm.resize("o:first", 100));
	does(alice, shm.map("o:first", "first", 100));
	for (int i = 0; i < 3; i++) {
		does(alice, shm.unlink("o"));
		does_fail(alice, shm.open("o", O_RDWR), ENOENT);
		does(alice, shm.open("o", NEW));
		does_give(alice, shm.size("o"), 0);
		does(alice, shm.resize("o", 10));
		does(alice, shm.map("o", "m", 10));
		does(alice, shm.store("m", 0, i));
		does_give(alice, shm.load("first", 0), 0);
	}
	does(alice, shm.unlink("o"));
	does_fail(alice, shm.unlink("o"), ENOENT);
	does_give(alice, shm.size("o:first"), 100);
}

/* How far the maker gets before it is killed. */
static const struct {
	const char *name;
	enum { OPENED, RESIZED, IS_MAPPED, STORED, UNLINKED } far;
} deaths[] = {{"opened", OPENED},
	      {"resized", RESIZED},
	      {"mapped", IS_MAPPED},
	      {"stored", STORED},
	      {"unlinked", UNLINKED}};

TEST_EACH(shm, a_killed_maker_leaves_what_it_has_made, deaths)
{
	actor *alice = cast("alice");
	bool is_there = row->far != UNLINKED;

	does(alice, shm.open("o", NEW));
	if (row->far >= RESIZED)
		does(alice, shm.resize("o", (long long)page()));
	if (row->far >= IS_MAPPED)
		does(alice, shm.map("o", "m", page()));
	if (row->far >= STORED)
		does(alice, shm.store("m", 0, 7));
	if (row->far == UNLINKED)
		does(alice, shm.unlink("o"));
	freeze(alice);
	dies(alice);
	actor *bob = cast("bob");
	does_fail(bob, shm.open("o", is_there ? NEW : O_RDWR), is_there ? EEXIST : ENOENT);
	does(bob, shm.open("o", is_there ? O_RDWR : NEW));
	bool is_sized = is_there && row->far >= RESIZED;
	does_give(bob, shm.size("o"), is_sized ? (long long)page() : 0);
	does(bob, shm.resize("o", (long long)page()));
	does(bob, shm.map("o", "m", page()));
	does_give(bob, shm.load("m", 0), row->far == STORED ? 7 : 0);
	does(bob, shm.store("m", 0, 8));
}

TEST(shm, unlinking_nothing_fails)
{
	actor *alice = cast("alice");

	does_fail(alice, shm.unlink("o"), ENOENT);
	does(alice, shm.open("o", NEW));
	does(alice, shm.unlink("o"));
	does_fail(alice, shm.unlink("o"), ENOENT);
}

TEST(shm, an_unlinked_name_leads_nowhere)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	does(alice, shm.open("o", NEW));
	does(bob, shm.open("o", O_RDWR));
	does(bob, shm.unlink("o"));
	does_fail(alice, shm.open("o:again", O_RDWR), ENOENT);
	does_fail(bob, shm.open("o:again", O_RDWR), ENOENT);
}

TEST(shm, an_unlinked_object_lives_for_its_users)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", (long long)page()));
	does(alice, shm.map("o", "m", page()));
	does(bob, shm.open("o", O_RDWR));
	does(alice, shm.unlink("o"));
	does(alice, shm.write("m", 0, "nameless"));
	does(bob, shm.map("o", "m", page()));
	does_give(bob, shm.read("m", 0, 8), "nameless");
	does(bob, shm.resize("o", 2 * (long long)page()));
	does_give(alice, shm.size("o"), 2 * (long long)page());
	dies(alice);
	does_give(bob, shm.read("m", 0, 8), "nameless");
}

TEST(shm, a_name_used_again_is_a_new_object)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o:old", NEW));
	does(alice, shm.resize("o:old", 100));
	does(alice, shm.map("o:old", "old", 100));
	does(alice, shm.write("old", 0, "old"));
	does(alice, shm.unlink("o"));
	actor *bob = cast_stranger("bob");
	does(bob, shm.open("o", NEW));
	does_give(bob, shm.size("o"), 0);
	does(bob, shm.resize("o", 200));
	does(bob, shm.map("o", "new", 200));
	does_give(bob, shm.is_zero("new", 0, 200), 1);
	does(bob, shm.write("new", 0, "new"));
	does_give(alice, shm.read("old", 0, 3), "old");
	does_give(alice, shm.size("o:old"), 100);
}

TEST(shm, different_names_are_different_objects)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", 100));
	does(alice, shm.open("p", NEW));
	does_give(alice, shm.size("p"), 0);
	does(alice, shm.unlink("o"));
	does(alice, shm.open("p:again", O_RDWR));
}

/* Opens the file that shows the object "o", as "f". */
static long long open_what_is_shown(const char *text, const long long *n)
{
	char path[128];

	(void)n;
	snprintf(path, sizeof(path), "/dev/shm%s", name_of(text));
	int file = impl->shm->open(path, O_RDWR, 0);
	if (file >= 0)
		set_handle("f", file, NULL);
	return file;
}

TEST(shm, an_object_is_a_file_in_dev_shm)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", 100));
	does(alice, shm.map("o", "m", 100));
	does(alice, shm.write("m", 0, "a file"));
	does(bob, call(open_what_is_shown, "o", 0, 0, 0));
	does_give(bob, shm.size("f"), 100);
	does_give(bob, fd.pread("f", 6, 0), "a file");
	does_give(bob, fd.pwrite("f", "really", 0), 6);
	does_give(alice, shm.read("m", 0, 6), "really");
	does(alice, shm.unlink("o"));
	does_fail(bob, call(open_what_is_shown, "o", 0, 0, 0), ENOENT);
}
