/* SPDX-License-Identifier: MIT */
/* Who is attached to a segment: forks, ends, threads, and what is done to the pages. */
#include "stage/story.h"

enum { NEW = IPC_CREAT | IPC_EXCL | 0600 };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* -- who is attached -------------------------------------------------------------------------- */

TEST(shm, a_child_is_attached_too)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.attach("s", "n", 0));
	actor *bob = forks(alice, "bob");
	does_give(alice, shm.nattch("s"), 4);
	does(bob, shm.detach("m"));
	does_give(alice, shm.nattch("s"), 3);
	does(bob, shm.write("n", 0, "from the child"));
	does_give(alice, shm.read("m", 0, 14), "from the child");
}

TEST(shm, a_child_that_detaches_can_attach_again)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	actor *bob = forks(alice, "bob");
	does(bob, shm.detach("m"));
	does_give(bob, shm.nattch("s"), 1);
	does(bob, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "from the parent"));
	does_give(bob, shm.read("m", 0, 15), "from the parent");
	does_give(alice, shm.nattch("s"), 2);
}

static const struct {
	const char *name;
	enum { EXIT, KILL, EXEC, FAULT } end;
} ends[] = {{"exit", EXIT}, {"kill", KILL}, {"exec", EXEC}, {"fault", FAULT}};

TEST_EACH(shm, the_end_of_a_process_detaches, ends)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(bob, shm.get("s", 100, 0));
	does(bob, shm.attach("s", "m", 0));
	does(bob, shm.attach("s", "r", SHM_RDONLY));
	does_give(alice, shm.nattch("s"), 3);
	if (row->end == EXIT) {
		exits(bob, 0);
	} else if (row->end == KILL) {
		dies(bob);
	} else if (row->end == EXEC) {
		execs(bob);
	} else {
		begin(bob, shm.store("r", 0, 1));
		is_killed_by(bob, SIGSEGV);
	}
	does_give(alice, shm.nattch("s"), 1);
}

TEST(shm, a_segment_outlives_all_its_users)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "left"));
	dies(alice);
	actor *bob = cast("bob");
	does(bob, shm.get("s", 100, 0));
	does_give(bob, shm.nattch("s"), 0);
	does(bob, shm.attach("s", "m", 0));
	does_give(bob, shm.read("m", 0, 4), "left");
}

TEST(shm, threads_are_attached_as_one)
{
	actor *alice = cast("alice"), *thread = cast_thread(alice, "thread");

	does(alice, shm.get("s", 100, NEW));
	does(thread, shm.attach("s", "m", 0));
	does_give(alice, shm.nattch("s"), 1);
	does(alice, shm.detach("m"));
	does_give(thread, shm.nattch("s"), 0);
	does_fail(thread, shm.detach("m"), EINVAL);
}

/* Three pages attached, taken apart by protection or in memory, and put together again. */
static const struct {
	const char *name;
	enum {
		PROTECT,
		PROTECT_AND_BACK,
		UNMAP_FIRST,
		UNMAP_MIDDLE,
		UNMAP_ALL,
		MAP_OVER,
		SHRINK,
		MOVE
	} how;
} surgeries[] = {
	{"protected_in_the_middle", PROTECT}, {"protected_and_merged_again", PROTECT_AND_BACK},
	{"first_page_unmapped", UNMAP_FIRST}, {"middle_page_unmapped", UNMAP_MIDDLE},
	{"all_unmapped", UNMAP_ALL},	      {"last_page_mapped_over", MAP_OVER},
	{"shrunk_by_mremap", SHRINK},	      {"moved_by_mremap", MOVE},
};

#ifndef MREMAP_FIXED
enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2 };
#endif

static void moves(actor *a)
{
	does(a, shm.map_anonymous("there", 3 * page(), MAP_PRIVATE));
	does(a,
	     shm.remap_with("m", 3 * page(), 3 * page(), MREMAP_MAYMOVE | MREMAP_FIXED, "there"));
	does_give(a, shm.nattch("s"), 1);
	/* detach knows it by its new address only */
	does_fail(a, shm.detach("m"), EINVAL);
	does(a,
	     shm.remap_with("there", 3 * page(), 3 * page(), MREMAP_MAYMOVE | MREMAP_FIXED, "m"));
}

static void operates(actor *a, int how)
{
	long long one = (long long)page();

	if (how == PROTECT || how == PROTECT_AND_BACK)
		does(a, shm.protect("m", one, page(), PROT_READ));
	if (how == PROTECT_AND_BACK)
		does(a, shm.protect("m", one, page(), PROT_READ | PROT_WRITE));
	if (how == UNMAP_FIRST)
		does(a, shm.unmap("m", 0, page()));
	if (how == UNMAP_MIDDLE)
		does(a, shm.unmap("m", one, page()));
	if (how == UNMAP_ALL)
		does(a, shm.unmap("m", 0, 3 * page()));
	if (how == MAP_OVER) {
		does(a, shm.open("o", O_RDWR | O_CREAT | O_EXCL));
		does(a, shm.resize("o", one));
		does(a, shm.map_at("o", "m", 2 * one, page(), MAP_SHARED | MAP_FIXED));
	}
	if (how == SHRINK)
		does(a, shm.remap("m", 3 * page(), page()));
	if (how == MOVE)
		moves(a);
}

TEST_EACH(shm, nobody_is_attached_after_the_last_detach, surgeries)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 3 * page(), NEW));
	does(alice, shm.attach("s", "m", 0));
	operates(alice, row->how);
	actor *bob = forks(alice, "bob");
	if (row->how == UNMAP_ALL) {
		does_give(alice, shm.nattch("s"), 0);
		does_fail(alice, shm.detach("m"), EINVAL);
	} else {
		does(alice, shm.detach("m"));
	}
	dies(bob);
	does_give(alice, shm.nattch("s"), 0);
	does(alice, shm.attach("s", "m", 0));
	does_give(alice, shm.nattch("s"), 1);
}
