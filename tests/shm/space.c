/* SPDX-License-Identifier: MIT */
/* No room: for a larger file, for another object, for what is stored. */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#if defined(__linux__)
#include <sys/mount.h>
#endif

#include "stage/story.h"

enum { NEW = O_RDWR | O_CREAT | O_EXCL, PAGES = 16 };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* -- sizes that are not allowed --------------------------------------------------------------- */

static long long allow_file_sizes(const char *text, const long long *n)
{
	struct rlimit limit;

	(void)text;
	must_be(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = (rlim_t)n[0];
	return setrlimit(RLIMIT_FSIZE, &limit);
}

/* The actor has made the memory "o". */
static void cannot_grow_beyond_the_limit(actor *a)
{
	does(a, shm.resize("o", 1000));
	does(a, sig.handle(SIGXFSZ, 0));
	does(a, call(allow_file_sizes, "", 5000, 0, 0));
	does_fail(a, shm.resize("o", 5001), EFBIG);
	catches(a, SIGXFSZ, 1);
	does_give(a, shm.size("o"), 1000);
	does(a, shm.resize("o", 5000));
	does(a, shm.resize("o", 0));
	must_be(caught(a, SIGXFSZ), 1);
}

TEST(shm, no_file_grows_beyond_the_limit)
{
	actor *alice = cast("alice");

	does(alice, shm.open_file("o", NEW));
	cannot_grow_beyond_the_limit(alice);
}

static const struct {
	const char *name;
	bool is_memfd;
} memories[] = {{"object", false}, {"memfd", true}};

TEST_EACH(shm, no_memory_grows_beyond_the_limit, memories)
{
	actor *alice = cast("alice");

	does(alice, row->is_memfd ? shm.memfd("o", 0) : shm.open("o", NEW));
	cannot_grow_beyond_the_limit(alice);
}

/* -- a small world of one's own --------------------------------------------------------------- */

#if defined(__linux__)
static bool is_written(const char *path, const char *format, unsigned id)
{
	FILE *file = fopen(path, "w");
	bool done = file && fprintf(file, format, id, id) > 0;

	return file && fclose(file) == 0 && done;
}

/* As root one needs no more than a mount namespace; others become root of a user namespace. */
static bool has_own_mounts(void)
{
	unsigned uid = (unsigned)geteuid(), gid = (unsigned)getegid();

	if (unshare(CLONE_NEWNS) == 0)
		return true;
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       is_written("/proc/self/setgroups", "deny", 0) &&
	       is_written("/proc/self/uid_map", "%u %u 1", uid) &&
	       is_written("/proc/self/gid_map", "%u %u 1", gid);
}

/* From now on objects of this process, and of its children, have PAGES pages and n[0] names. */
static long long shrink_the_world(const char *text, const long long *n)
{
	char options[64];
	struct statvfs status;

	(void)text;
	snprintf(options, sizeof(options), "size=%zu,nr_inodes=%lld", PAGES * page(), n[0] + 1);
	if (!has_own_mounts() || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/dev/shm", "tmpfs", 0, options) < 0)
		skip("no file system of one's own to be had here");
	if (statvfs("/dev/shm", &status) < 0 || status.f_blocks * status.f_frsize != PAGES * page())
		skip("a file system's size can't be limited here");
	return 0;
}
#else
static long long shrink_the_world(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	skip("no file system of one's own to be had here");
}
#endif

static actor *cast_in_a_small_world(int names)
{
	actor *a = cast("alice");

	does(a, call(shrink_the_world, "", names, 0, 0));
	return a;
}

/* Makes the object and maps so many pages of it. */
static void makes(actor *a, const char *object, const char *as, size_t pages)
{
	does(a, shm.open(object, NEW));
	does(a, shm.resize(object, (long long)(pages * page())));
	does(a, shm.map(object, as, pages * page()));
}

static void stores_to(actor *a, const char *m, int first, int end)
{
	for (int i = first; i < end; i++)
		does(a, shm.store(m, i * (long long)page(), 100 + i));
}

static void shows(actor *a, const char *m, int end)
{
	for (int i = 0; i < end; i++)
		does_give(a, shm.load(m, i * (long long)page()), 100 + i);
}

TEST(shm, no_object_where_there_is_no_room)
{
	actor *alice = cast_in_a_small_world(2);

	does(alice, shm.open("o", NEW));
	does(alice, shm.open("p", NEW));
	does_fail(alice, shm.open("q", NEW), ENOSPC);
	does_fail(alice, shm.open("q", O_RDWR), ENOENT);
	does(alice, shm.open("o:again", O_RDWR | O_CREAT));
	does(alice, shm.unlink("p"));
	does(alice, fd.close("p"));
	does(alice, shm.open("q", NEW));
}

TEST(shm, storing_without_room_is_SIGBUS)
{
	actor *alice = cast_in_a_small_world(9);

	makes(alice, "o", "m", PAGES + 1);
	stores_to(alice, "m", 0, PAGES);
	actor *bob = forks(alice, "bob");
	begin(bob, shm.store("m", PAGES * (long long)page(), 1));
	is_killed_by(bob, SIGBUS);
}

TEST(shm, running_out_of_room_loses_nothing)
{
	actor *alice = cast_in_a_small_world(9);

	makes(alice, "p", "other", 4);
	stores_to(alice, "other", 0, 4);
	makes(alice, "o", "m", PAGES);
	stores_to(alice, "m", 0, PAGES - 4);
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	begin(bob, shm.store("m", (PAGES - 4) * (long long)page(), 1));
	is_killed_by(bob, SIGBUS);
	shows(carol, "m", PAGES - 4);
	shows(carol, "other", 4);
	/* room for four again */
	does(carol, shm.resize("p", 0));
	stores_to(carol, "m", PAGES - 4, PAGES);
	shows(alice, "m", PAGES);
}

TEST(shm, more_than_there_is_cannot_be_reserved)
{
	actor *alice = cast_in_a_small_world(9);

	makes(alice, "o", "m", 4);
	stores_to(alice, "m", 0, 4);
	does_fail(alice, shm.reserve("o", (PAGES + 1) * (long long)page()), ENOSPC);
	does_give(alice, shm.size("o"), 4 * (long long)page());
	shows(alice, "m", 4);
	does(alice, shm.reserve("o", PAGES * (long long)page()));
	does_give(alice, shm.size("o"), PAGES * (long long)page());
}

TEST(shm, reserved_room_is_there_when_needed)
{
	actor *alice = cast_in_a_small_world(9);

	makes(alice, "o", "m", 4);
	does(alice, shm.reserve("o", 4 * (long long)page()));
	makes(alice, "p", "other", PAGES);
	stores_to(alice, "other", 0, PAGES - 4);
	actor *bob = forks(alice, "bob");
	begin(bob, shm.store("other", (PAGES - 4) * (long long)page(), 1));
	is_killed_by(bob, SIGBUS);
	stores_to(alice, "m", 0, 4);
	shows(alice, "m", 4);
}

TEST(shm, reserving_makes_the_object_as_large)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", 10));
	does(alice, shm.map("o", "m", page()));
	does(alice, shm.write("m", 0, "0123456789"));
	does(alice, shm.reserve("o", 2 * (long long)page()));
	does(bob, shm.open("o", O_RDWR));
	does_give(bob, shm.size("o"), 2 * (long long)page());
	does(bob, shm.map("o", "n", 2 * page()));
	does_give(bob, shm.read("n", 0, 10), "0123456789");
	does_give(bob, shm.is_zero("n", 10, 2 * page() - 10), 1);
	does(bob, shm.reserve("o", 10));
	does_give(bob, shm.size("o"), 2 * (long long)page());
}
