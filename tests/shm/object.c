/* SPDX-License-Identifier: MIT */
/* Objects of POSIX: names, sizes, descriptors. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "stage/story.h"

enum { NEW = O_RDWR | O_CREAT | O_EXCL };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* -- creating and opening --------------------------------------------------------------------- */

TEST(shm, a_new_object_is_empty)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does_give(alice, shm.size("o"), 0);
}

static const struct {
	const char *name;
	bool exists;
	int flags;
	int error;
} opens[] = {
	{"to_read_existing", true, O_RDONLY, 0},
	{"to_write_existing", true, O_RDWR, 0},
	{"create_existing", true, O_RDWR | O_CREAT, 0},
	{"create_to_read_existing", true, O_RDONLY | O_CREAT, 0},
	{"exclusive_existing", true, O_RDWR | O_CREAT | O_EXCL, EEXIST},
	{"exclusive_to_read_existing", true, O_RDONLY | O_CREAT | O_EXCL, EEXIST},
	{"exclusive_truncating_existing", true, O_RDWR | O_CREAT | O_EXCL | O_TRUNC, EEXIST},
	{"to_read_missing", false, O_RDONLY, ENOENT},
	{"to_write_missing", false, O_RDWR, ENOENT},
	{"truncate_missing", false, O_RDWR | O_TRUNC, ENOENT},
	{"create_missing", false, O_RDWR | O_CREAT, 0},
	{"create_to_read_missing", false, O_RDONLY | O_CREAT, 0},
	{"exclusive_missing", false, O_RDWR | O_CREAT | O_EXCL, 0},
};

TEST_EACH(shm, shm_open_knows_what_is_there, opens)
{
	actor *alice = cast("alice");

	if (row->exists) {
		does(alice, shm.open("o:first", NEW));
		does(alice, shm.resize("o:first", 77));
	}
	if (row->error)
		does_fail(alice, shm.open("o", row->flags), row->error);
	else
		does(alice, shm.open("o", row->flags));
	if (row->exists)
		does_give(alice, shm.size("o:first"), 77);
	else if (row->error)
		does_fail(alice, shm.open("o", O_RDONLY), ENOENT);
	else
		does_give(alice, shm.size("o"), 0);
}

/* Comes back with whether it has made the object. */
static long long race_to_create(const char *text, const long long *n)
{
	const char *name = name_of(text);

	shared()[0]++;
	while (shared()[0] < (uint64_t)n[0])
		continue;
	int made = impl->shm->shm_open(name, NEW, 0600);
	must(made >= 0 || errno == EEXIST);
	return made >= 0;
}

TEST(shm, one_of_many_creates_an_object)
{
	actor *racers[4];
	long long winners = 0;

	for (int i = 0; i < 4; i++)
		racers[i] = cast("racer");
	for (int i = 0; i < 4; i++)
		begin(racers[i], call(race_to_create, "o", 4, 0, 0));
	for (int i = 0; i < 4; i++) {
		succeeds(racers[i]);
		winners += outcome_of(racers[i])->value;
	}
	must_be(winners, 1);
}

TEST(shm, an_object_is_closed_on_exec)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does_give(alice, fd.cloexec("o"), 1);
	does(alice, shm.open("o:read", O_RDONLY));
	does_give(alice, fd.cloexec("o:read"), 1);
	execs(alice);
	does_give(alice, fd.is_open("o"), 0);
	does(alice, shm.open("o", O_RDWR));
}

TEST(shm, an_object_gets_the_lowest_free_descriptor)
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	does(alice, fd.dup("p:r", "lowest"));
	long long lowest = outcome_of(alice)->value;
	does(alice, fd.close("lowest"));
	does_give(alice, shm.open("o:a", NEW), lowest);
	does_give(alice, shm.open("o:b", O_RDWR), lowest + 1);
	does(alice, fd.close("o:a"));
	does_give(alice, shm.open("o:c", O_RDONLY), lowest);
}

static long long set_umask(const char *text, const long long *n)
{
	(void)text;
	umask((mode_t)n[0]);
	return 0;
}

static const struct {
	const char *name;
	int mode, umask, becomes;
} modes[] = {
	{"0600_under_022", 0600, 022, 0600}, {"0666_under_022", 0666, 022, 0644},
	{"0777_under_027", 0777, 027, 0750}, {"0666_under_0", 0666, 0, 0666},
	{"0666_under_0777", 0666, 0777, 0},  {"0421_under_0", 0421, 0, 0421},
};

TEST_EACH(shm, mode_is_cut_by_the_umask, modes)
{
	actor *alice = cast("alice");

	does(alice, call(set_umask, "", row->umask, 0, 0));
	does(alice, shm.open_mode("o", NEW, row->mode));
	does_give(alice, shm.mode("o"), row->becomes);
}

TEST(shm, an_existing_object_keeps_its_mode)
{
	actor *alice = cast("alice");

	does(alice, shm.open_mode("o", NEW, 0600));
	does(alice, shm.open_mode("o:again", O_RDWR | O_CREAT, 0644));
	does_give(alice, shm.mode("o"), 0600);
}

static long long my_uid(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	return (long long)geteuid();
}

TEST(shm, an_object_belongs_to_its_maker)
{
	actor *alice = cast("alice");

	does(alice, call(my_uid, "", 0, 0, 0));
	long long uid = outcome_of(alice)->value;
	does(alice, shm.open("o", NEW));
	does_give(alice, shm.owner("o"), uid);
}

/* 1: the object's group is this process's. */
static long long is_of_my_group(const char *text, const long long *n)
{
	struct stat status;

	(void)n;
	must_be(impl->fd->fstat(handle_fd(text), &status), 0);
	return status.st_gid == getegid();
}

TEST(shm, an_object_belongs_to_its_makers_group)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does_give(alice, call(is_of_my_group, "o", 0, 0, 0), 1);
}

TEST(shm, O_TRUNC_empties_an_object)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", (long long)page()));
	does(alice, shm.map("o", "m", page()));
	does(alice, shm.write("m", 0, "gone soon"));
	does(alice, shm.open("o:again", O_RDWR | O_TRUNC));
	does_give(alice, shm.size("o"), 0);
	does(alice, shm.resize("o", (long long)page()));
	does(alice, shm.map("o", "n", page()));
	does_give(alice, shm.is_zero("n", 0, page()), 1);
}

/* -- sizes ------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	long long size;
} sizes[] = {
	{"1", 1}, {"4095", 4095}, {"4096", 4096}, {"100000", 100000}, {"4_GiB_1", (1LL << 32) + 1}};

TEST_EACH(shm, an_object_has_the_size_it_was_given, sizes)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	if (row->size > (long long)((uint64_t)1 << (sizeof(off_t) * 8 - 2)))
		skip("files can't be that large here");
	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", row->size));
	does_give(alice, shm.size("o"), row->size);
	does(bob, shm.open("o", O_RDONLY));
	does_give(bob, shm.size("o"), row->size);
}

TEST(shm, a_grown_object_is_zero_where_it_is_new)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", 10));
	does(alice, shm.map("o", "m", 10));
	does(alice, shm.write("m", 0, "0123456789"));
	does(alice, shm.resize("o", 2 * (long long)page()));
	does(alice, shm.map("o", "n", 2 * page()));
	does_give(alice, shm.read("n", 0, 10), "0123456789");
	does_give(alice, shm.is_zero("n", 10, 2 * page() - 10), 1);
}

TEST(shm, shrinking_forgets_what_is_cut_off)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", 2 * (long long)page()));
	does(alice, shm.map("o", "m", 2 * page()));
	does(alice, shm.write("m", 0, "stays, goes"));
	does(alice, shm.write("m", (long long)page(), "goes"));
	does(alice, shm.unmap("m", 0, 2 * page()));
	does(alice, shm.resize("o", 5));
	does(alice, shm.resize("o", 2 * (long long)page()));
	does(alice, shm.map("o", "n", 2 * page()));
	does_give(alice, shm.read("n", 0, 5), "stays");
	does_give(alice, shm.is_zero("n", 5, 2 * page() - 5), 1);
}

TEST(shm, read_only_descriptor_cannot_resize)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", 100));
	does(alice, shm.open("o:read", O_RDONLY));
	begin(alice, shm.resize("o:read", 50));
	returns(alice);
	must_be(outcome_of(alice)->value, -1);
	must(outcome_of(alice)->error == EBADF || outcome_of(alice)->error == EINVAL);
	does_give(alice, shm.size("o"), 100);
}

TEST(shm, a_negative_size_is_invalid)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", 100));
	does_fail(alice, shm.resize("o", -1), EINVAL);
	does_give(alice, shm.size("o"), 100);
}

/* -- descriptors and mappings ----------------------------------------------------------------- */

TEST(shm, a_mapping_survives_closing)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", 100));
	does(alice, shm.map("o", "m", 100));
	does(alice, fd.close("o"));
	does(bob, shm.open("o", O_RDWR));
	does(bob, shm.map("o", "m", 100));
	does(alice, shm.write("m", 0, "closed, mapped"));
	does_give(bob, shm.read("m", 0, 14), "closed, mapped");
}

TEST(shm, a_child_inherits_descriptor_and_mapping)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", 100));
	does(alice, shm.map("o", "m", 100));
	does(alice, shm.unlink("o"));
	actor *bob = forks(alice, "bob");
	does(bob, shm.write("m", 0, "inherited"));
	does(bob, shm.resize("o", 300));
	does_give(alice, shm.size("o"), 300);
	does_give(alice, shm.read("m", 0, 9), "inherited");
	dies(alice);
	does_give(bob, shm.read("m", 0, 9), "inherited");
}

static long long allow_no_descriptor(const char *text, const long long *n)
{
	struct rlimit limit;

	(void)text;
	(void)n;
	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 0;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(shm, without_a_free_descriptor_nothing_is_opened_or_made)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(bob, shm.open("o", NEW));
	does(alice, call(allow_no_descriptor, "", 0, 0, 0));
	does_fail(alice, shm.open("o", O_RDWR), EMFILE);
	does_fail(alice, shm.open("p", NEW), EMFILE);
	does_fail(bob, shm.open("p", O_RDWR), ENOENT);
}
