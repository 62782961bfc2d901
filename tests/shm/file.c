/* SPDX-License-Identifier: MIT */
/* The file behind a mapping, private memory, and memory without a file. */
#include <time.h>

#include "stage/story.h"

enum { NEW = O_RDWR | O_CREAT | O_EXCL };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The actor makes an object or a file "o" of one page, mapped as "m". */
static void makes_one_page(actor *a, bool is_file)
{
	does(a, is_file ? shm.open_file("o", NEW) : shm.open("o", NEW));
	does(a, shm.resize("o", (long long)page()));
	does(a, shm.map("o", "m", page()));
}

static const struct {
	const char *name;
	bool is_file;
} memories[] = {{"object", false}, {"file", true}};

/* -- the file behind -------------------------------------------------------------------------- */

TEST(shm, msync_brings_stores_to_the_file)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	does(alice, shm.open_file("f", NEW));
	does(alice, shm.resize("f", (long long)page()));
	does(alice, shm.map("f", "m", page()));
	does(alice, shm.write("m", 0, "through the map"));
	does(alice, shm.sync("m", 0, page(), MS_SYNC));
	does(bob, shm.open_file("f", O_RDONLY));
	does_give(bob, fd.pread("f", 15, 0), "through the map");
}

TEST(shm, map_and_file_are_one)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	does(alice, shm.open_file("f", NEW));
	does(alice, shm.resize("f", (long long)page()));
	does(alice, shm.map("f", "m", page()));
	does(bob, shm.open_file("f", O_RDWR));
	does(alice, shm.write("m", 3, "by map"));
	does_give(bob, fd.pread("f", 6, 3), "by map");
	does_give(bob, fd.pwrite("f", "by write", 3), 8);
	does_give(alice, shm.read("m", 3, 8), "by write");
	does_give(bob, fd.pwrite("f", "x", (long long)page() - 1), 1);
	does_give(alice, shm.read("m", (long long)page() - 1, 1), "x");
}

TEST(shm, stores_of_the_killed_are_in_the_file)
{
	actor *alice = cast("alice");

	does(alice, shm.open_file("f", NEW));
	does(alice, shm.resize("f", 100));
	does(alice, shm.map("f", "m", 100));
	does(alice, shm.write("m", 10, "stored"));
	dies(alice);
	actor *bob = cast("bob");
	does(bob, shm.open_file("f", O_RDONLY));
	does_give(bob, fd.pread("f", 6, 10), "stored");
}

TEST_EACH(shm, a_private_mapping_does_not_write_through, memories)
{
	actor *alice = cast("alice");
	int both = PROT_READ | PROT_WRITE;

	makes_one_page(alice, row->is_file);
	does(alice, shm.write("m", 0, "original"));
	does(alice, row->is_file ? shm.open_file("o:r", O_RDONLY) : shm.open("o:r", O_RDONLY));
	does(alice, shm.map_with("o:r", "p", page(), both, MAP_PRIVATE, 0));
	does_give(alice, shm.read("p", 0, 8), "original");
	does(alice, shm.write("p", 0, "my copy!"));
	does(alice, shm.sync("p", 0, page(), MS_SYNC));
	does_give(alice, shm.read("m", 0, 8), "original");
	does_give(alice, shm.read("p", 0, 8), "my copy!");
	if (row->is_file)
		does_give(alice, fd.pread("o", 8, 0), "original");
}

TEST(shm, private_memory_parts_at_fork)
{
	actor *alice = cast("alice");

	does(alice, shm.map_anonymous("m", page(), MAP_PRIVATE));
	does(alice, shm.write("m", 0, "before"));
	actor *bob = forks(alice, "bob");
	does(alice, shm.write("m", 0, "parent"));
	does_give(bob, shm.read("m", 0, 6), "before");
	does(bob, shm.write("m", 0, "child!"));
	does_give(alice, shm.read("m", 0, 6), "parent");
}

TEST(shm, anonymous_memory_is_shared_with_all_descendants)
{
	actor *alice = cast("alice");

	does(alice, shm.map_anonymous("m", page(), MAP_SHARED));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	actor *dave = forks(bob, "dave");
	does(dave, shm.write("m", 0, "a grandchild's"));
	does_give(carol, shm.read("m", 0, 14), "a grandchild's");
	dies(alice);
	does(carol, shm.write("m", 0, "an aunt's word"));
	does_give(dave, shm.read("m", 0, 14), "an aunt's word");
	does_give(bob, shm.read("m", 0, 14), "an aunt's word");
}

TEST(shm, anonymous_mappings_are_each_their_own)
{
	actor *alice = cast("alice");

	does(alice, shm.map_anonymous("m", page(), MAP_SHARED));
	does(alice, shm.map_anonymous("n", page(), MAP_SHARED));
	does(alice, shm.write("m", 0, "mine"));
	does_give(alice, shm.is_zero("n", 0, page()), 1);
}

static const struct {
	const char *name;
	int offset; /* in pages */
	int flags, error;
} syncs[] = {
	{"synchronously", 0, MS_SYNC, 0},
	{"asynchronously", 0, MS_ASYNC, 0},
	{"invalidating", 0, MS_SYNC | MS_INVALIDATE, 0},
	{"both_ways_at_once", 0, MS_SYNC | MS_ASYNC, EINVAL},
	{"in_an_unknown_way", 0, 0x5EED00, EINVAL},
	{"what_is_not_mapped", 1, MS_SYNC, ENOMEM},
};

TEST_EACH(shm, msync_knows_what_it_can_do, syncs)
{
	actor *alice = cast("alice");

	does(alice, shm.open_file("f", NEW));
	does(alice, shm.resize("f", 2 * (long long)page()));
	does(alice, shm.map("f", "m", 2 * page()));
	does(alice, shm.unmap("m", (long long)page(), page()));
	does(alice, shm.write("m", 0, "kept"));
	op sync = shm.sync("m", row->offset * (long long)page(), page(), row->flags);
	if (row->error)
		does_fail(alice, sync, row->error);
	else
		does(alice, sync);
	does_give(alice, shm.read("m", 0, 4), "kept");
}

TEST(shm, msync_between_pages_is_invalid)
{
	actor *alice = cast("alice");

	makes_one_page(alice, false);
	does_fail(alice, shm.sync("m", 1, 1, MS_SYNC), EINVAL);
}

/* -- times ------------------------------------------------------------------------------------ */

enum { LONG_AGO = 1000000000 };

static long long set_old_times(const char *text, const long long *n)
{
	struct timespec times[2] = {{LONG_AGO, 0}, {LONG_AGO, 0}};

	(void)n;
	return futimens(handle_fd(text), times);
}

static long long modified(const char *text, const long long *n)
{
	struct stat status;

	(void)n;
	must_be(impl->fd->fstat(handle_fd(text), &status), 0);
	return (long long)status.st_mtime;
}

TEST(shm, storing_marks_the_file_modified)
{
	actor *alice = cast("alice");
	time_t before = time(NULL);

	does(alice, shm.open_file("f", NEW));
	does(alice, shm.resize("f", (long long)page()));
	does(alice, call(set_old_times, "f", 0, 0, 0));
	does(alice, shm.map("f", "m", page()));
	does_give(alice, call(modified, "f", 0, 0, 0), LONG_AGO);
	does(alice, shm.store("m", 0, 7));
	does(alice, shm.sync("m", 0, page(), MS_SYNC));
	does(alice, call(modified, "f", 0, 0, 0));
	must(outcome_of(alice)->value >= (long long)before - 1);
}

TEST(shm, resizing_marks_the_file_modified)
{
	actor *alice = cast("alice");
	time_t before = time(NULL);

	does(alice, shm.open_file("f", NEW));
	does(alice, call(set_old_times, "f", 0, 0, 0));
	does(alice, shm.resize("f", 10));
	does(alice, call(modified, "f", 0, 0, 0));
	must(outcome_of(alice)->value >= (long long)before - 1);
}
