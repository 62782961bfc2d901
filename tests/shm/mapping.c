/* SPDX-License-Identifier: MIT */
/* Mappings: their edges, their protection, what they may not be. */
#include "stage/story.h"

enum { NEW = O_RDWR | O_CREAT | O_EXCL };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The actor makes an object "o" of so many pages, mapped as "m". */
static void makes(actor *a, size_t pages)
{
	does(a, shm.open("o", NEW));
	does(a, shm.resize("o", (long long)(pages * page())));
	does(a, shm.map("o", "m", pages * page()));
}

/* -- edges ------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	bool is_file;
} memories[] = {{"object", false}, {"file", true}};

static void makes_one_page(actor *a, bool is_file)
{
	does(a, is_file ? shm.open_file("o", NEW) : shm.open("o", NEW));
	does(a, shm.resize("o", (long long)page()));
	does(a, shm.map("o", "m", 2 * page()));
}

TEST_EACH(shm, who_reads_beyond_the_end_gets_SIGBUS, memories)
{
	actor *alice = cast("alice");

	makes_one_page(alice, row->is_file);
	does_give(alice, shm.is_zero("m", 0, page()), 1);
	begin(alice, shm.load("m", (long long)page()));
	is_killed_by(alice, SIGBUS);
}

TEST_EACH(shm, who_writes_beyond_the_end_gets_SIGBUS, memories)
{
	actor *alice = cast("alice");

	makes_one_page(alice, row->is_file);
	does(alice, shm.store("m", (long long)page() - 4, 1));
	begin(alice, shm.store("m", (long long)page(), 1));
	is_killed_by(alice, SIGBUS);
}

TEST_EACH(shm, growth_reaches_what_is_mapped_already, memories)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	makes_one_page(alice, row->is_file);
	does(bob, row->is_file ? shm.open_file("o", O_RDWR) : shm.open("o", O_RDWR));
	does(bob, shm.resize("o", 2 * (long long)page()));
	does_give(alice, shm.is_zero("m", (long long)page(), page()), 1);
	does(alice, shm.write("m", (long long)page(), "grown"));
	does(bob, shm.map("o", "m", 2 * page()));
	does_give(bob, shm.read("m", (long long)page(), 5), "grown");
}

TEST_EACH(shm, shrinking_takes_what_is_mapped_already, memories)
{
	actor *alice = cast("alice");

	makes_one_page(alice, row->is_file);
	does(alice, shm.store("m", 0, 1));
	actor *bob = forks(alice, "bob");
	does(bob, shm.resize("o", 0));
	begin(alice, shm.load("m", 0));
	is_killed_by(alice, SIGBUS);
	does(bob, shm.resize("o", (long long)page()));
	does_give(bob, shm.is_zero("m", 0, page()), 1);
}

TEST_EACH(shm, the_last_page_is_zero_beyond_the_end, memories)
{
	actor *alice = cast("alice");

	does(alice, row->is_file ? shm.open_file("o", NEW) : shm.open("o", NEW));
	does(alice, shm.resize("o", 5));
	does(alice, shm.map("o", "m", 5));
	does_give(alice, shm.is_zero("m", 0, page()), 1);
}

TEST(shm, what_is_beyond_the_end_is_never_written_out)
{
	actor *alice = cast("alice");

	does(alice, shm.open_file("f", NEW));
	does(alice, fd.write("f", "five!"));
	does(alice, shm.map("f", "m", 5));
	does(alice, shm.write("m", 5, "beyond"));
	does(alice, shm.sync("m", 0, page(), MS_SYNC));
	does_give(alice, shm.size("f"), 5);
	does_give(alice, fd.pread("f", 100, 0), "five!");
}

TEST(shm, a_mapping_may_begin_at_a_later_page)
{
	actor *alice = cast("alice");
	long long one = (long long)page();

	makes(alice, 3);
	does(alice, shm.write("m", one, "second"));
	does(alice, shm.write("m", 2 * one, "third"));
	does(alice, shm.map_with("o", "n", 2 * page(), PROT_READ, MAP_SHARED, one));
	does_give(alice, shm.read("n", 0, 6), "second");
	does_give(alice, shm.read("n", one, 5), "third");
}

/* -- unmapping -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int page;
} pages[] = {{"first", 0}, {"middle", 1}, {"last", 2}};

TEST_EACH(shm, unmapping_a_part_leaves_the_rest, pages)
{
	actor *alice = cast("alice");
	long long one = (long long)page();

	makes(alice, 3);
	for (int i = 0; i < 3; i++)
		does(alice, shm.store("m", i * one, 100 + i));
	actor *bob = forks(alice, "bob");
	does(bob, shm.unmap("m", row->page * one, page()));
	for (int i = 0; i < 3; i++)
		if (i != row->page)
			does_give(bob, shm.load("m", i * one), 100 + i);
	begin(bob, shm.load("m", row->page * one));
	is_killed_by(bob, SIGSEGV);
	does_give(alice, shm.load("m", row->page * one), 100 + row->page);
}

TEST(shm, unmapping_nothing_is_no_error)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	does(alice, shm.unmap("m", 0, page()));
	does(alice, shm.unmap("m", 0, page()));
}

TEST(shm, unmapping_no_byte_is_invalid)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	does(alice, shm.write("m", 0, "mapped"));
	does_fail(alice, shm.unmap("m", 0, 0), EINVAL);
	does_give(alice, shm.read("m", 0, 6), "mapped");
}

TEST(shm, unmapping_between_pages_is_invalid)
{
	actor *alice = cast("alice");

	makes(alice, 2);
	does_fail(alice, shm.unmap("m", 1, page()), EINVAL);
	does_give(alice, shm.is_zero("m", 0, 2 * page()), 1);
}

TEST(shm, unmapping_takes_whole_pages)
{
	actor *alice = cast("alice");

	makes(alice, 2);
	does(alice, shm.unmap("m", 0, 1));
	does_give(alice, shm.is_zero("m", (long long)page(), page()), 1);
	begin(alice, shm.load("m", (long long)page() - 4));
	is_killed_by(alice, SIGSEGV);
}

TEST(shm, MAP_FIXED_replaces_what_was_there)
{
	actor *alice = cast("alice");
	long long one = (long long)page();

	makes(alice, 3);
	for (int i = 0; i < 3; i++)
		does(alice, shm.store("m", i * one, 100 + i));
	does(alice, shm.open("p", NEW));
	does(alice, shm.resize("p", one));
	does(alice, shm.map_at("p", "m", one, page(), MAP_SHARED | MAP_FIXED));
	does_give(alice, shm.is_zero("m", one, page()), 1);
	does(alice, shm.store("m", one, 7));
	does_give(alice, shm.load("m", 0), 100);
	does_give(alice, shm.load("m", 2 * one), 102);
	does(alice, shm.map("o", "n", 3 * page()));
	does_give(alice, shm.load("n", one), 101);
}

/* -- protection ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int protection;
	bool writes;
	bool by_mprotect;
} violations[] = {
	{"write_to_read_only", PROT_READ, true, false},
	{"read_from_none", PROT_NONE, false, false},
	{"write_to_none", PROT_NONE, true, false},
	{"write_to_protected", PROT_READ, true, true},
	{"read_from_protected", PROT_NONE, false, true},
};

TEST_EACH(shm, who_breaks_protection_gets_SIGSEGV, violations)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	does(alice, shm.store("m", 0, 7));
	actor *bob = forks(alice, "bob");
	if (row->by_mprotect)
		does(bob, shm.protect("m", 0, page(), row->protection));
	else
		does(bob, shm.map_with("o", "m", page(), row->protection, MAP_SHARED, 0));
	if (row->protection == PROT_READ)
		does_give(bob, shm.load("m", 0), 7);
	begin(bob, row->writes ? shm.store("m", 0, 8) : shm.load("m", 0));
	is_killed_by(bob, SIGSEGV);
	does_give(alice, shm.load("m", 0), 7);
}

TEST(shm, protection_is_each_process_own)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	actor *bob = forks(alice, "bob");
	does(bob, shm.protect("m", 0, page(), PROT_READ));
	does(alice, shm.write("m", 0, "written anyway"));
	does_give(bob, shm.read("m", 0, 14), "written anyway");
}

TEST(shm, protection_can_be_given_back)
{
	actor *alice = cast("alice");
	long long one = (long long)page();

	makes(alice, 3);
	does(alice, shm.store("m", one, 7));
	does(alice, shm.protect("m", one, page(), PROT_NONE));
	does(alice, shm.store("m", 0, 6));
	does(alice, shm.store("m", 2 * one, 8));
	does(alice, shm.protect("m", one, page(), PROT_READ | PROT_WRITE));
	does_give(alice, shm.load("m", one), 7);
	does(alice, shm.store("m", one, 9));
	does(alice, shm.map("o", "n", 3 * page()));
	does_give(alice, shm.load("n", one), 9);
}

TEST(shm, a_child_inherits_protection)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	does(alice, shm.protect("m", 0, page(), PROT_READ));
	actor *bob = forks(alice, "bob");
	begin(bob, shm.store("m", 0, 1));
	is_killed_by(bob, SIGSEGV);
}

TEST(shm, a_read_only_object_cannot_be_made_writable)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	does(alice, shm.open("o:read", O_RDONLY));
	does_fail(alice, shm.map_with("o:read", "r", page(), PROT_READ | PROT_WRITE, MAP_SHARED, 0),
		  EACCES);
	does(alice, shm.map_with("o:read", "r", page(), PROT_READ, MAP_SHARED, 0));
	does_fail(alice, shm.protect("r", 0, page(), PROT_READ | PROT_WRITE), EACCES);
	does(alice, shm.write("m", 0, "seen"));
	does_give(alice, shm.read("r", 0, 4), "seen");
}

TEST(shm, protecting_what_is_not_mapped_fails)
{
	actor *alice = cast("alice");

	makes(alice, 3);
	does(alice, shm.unmap("m", (long long)page(), page()));
	does_fail(alice, shm.protect("m", (long long)page(), page(), PROT_READ), ENOMEM);
	does_fail(alice, shm.protect("m", 0, 3 * page(), PROT_READ | PROT_WRITE), ENOMEM);
}

TEST(shm, protecting_between_pages_is_invalid)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	does_fail(alice, shm.protect("m", 1, 1, PROT_NONE), EINVAL);
	does_give(alice, shm.load("m", 0), 0);
}

/* -- what mmap refuses ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	const char *handle;
	size_t size;
	int protection, flags;
	long long offset;
	int error;
} refusals[] = {
	{"closed_descriptor", "closed", 1, PROT_READ, MAP_SHARED, 0, EBADF},
	{"no_byte", "o", 0, PROT_READ, MAP_SHARED, 0, EINVAL},
	{"neither_shared_nor_private", "o", 1, PROT_READ, 0, 0, EINVAL},
	{"offset_between_pages", "o", 1, PROT_READ, MAP_SHARED, 1, EINVAL},
	{"pipe", "p:r", 1, PROT_READ, MAP_SHARED, 0, ENODEV},
	{"more_than_there_are_addresses", "o", SIZE_MAX - 0xFFFF, PROT_READ, MAP_SHARED, 0, ENOMEM},
};

TEST_EACH(shm, mmap_refuses_what_it_cannot_map, refusals)
{
	actor *alice = cast("alice");

	does(alice, shm.open_file("o", NEW));
	does(alice, shm.resize("o", 100));
	does(alice, pipes.make("p"));
	does(alice, fd.dup("o", "closed"));
	does(alice, fd.close("closed"));
	does_fail(
		alice,
		shm.map_with(row->handle, "m", row->size, row->protection, row->flags, row->offset),
		row->error);
}

/* -- what Linux adds -------------------------------------------------------------------------- */

TEST_EACH(shm, moved_memory_stays_shared, memories)
{
	actor *alice = cast("alice");

	makes_one_page(alice, row->is_file);
	does(alice, shm.resize("o", 64 * (long long)page()));
	does(alice, shm.store("m", 0, 7));
	actor *bob = forks(alice, "bob");
	does(bob, shm.remap("m", 2 * page(), 64 * page()));
	does_give(bob, shm.load("m", 0), 7);
	does(bob, shm.store("m", 4, 8));
	does_give(alice, shm.load("m", 4), 8);
	does(bob, shm.store("m", 63 * (long long)page(), 9));
	does(alice, shm.map("o", "n", 64 * page()));
	does_give(alice, shm.load("n", 63 * (long long)page()), 9);
	does(alice, shm.store("n", 0, 10));
	does_give(bob, shm.load("m", 0), 10);
}

TEST(shm, MADV_DONTFORK_keeps_memory_from_children)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	does(alice, shm.advise("m", page(), MADV_DONTFORK));
	actor *bob = forks(alice, "bob");
	does(alice, shm.store("m", 0, 1));
	begin(bob, shm.load("m", 0));
	is_killed_by(bob, SIGSEGV);
}

TEST(shm, MADV_DOFORK_shares_with_children_again)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	does(alice, shm.advise("m", page(), MADV_DONTFORK));
	does(alice, shm.advise("m", page(), MADV_DOFORK));
	actor *bob = forks(alice, "bob");
	does(bob, shm.store("m", 0, 1));
	does_give(alice, shm.load("m", 0), 1);
}
