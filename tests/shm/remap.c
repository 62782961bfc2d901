/* SPDX-License-Identifier: MIT */
/* Moving and resizing mappings, and choosing where they go. */
#include "stage/story.h"

enum { NEW = O_RDWR | O_CREAT | O_EXCL, BOTH = PROT_READ | PROT_WRITE };

#ifndef MREMAP_MAYMOVE
enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2 };
#endif

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* An object "o" of so many pages, mapped as "m"; each page begins with its number and 100. */
static void makes(actor *a, int pages)
{
	does(a, shm.open("o", NEW));
	does(a, shm.resize("o", pages * (long long)page()));
	does(a, shm.map("o", "m", (size_t)pages * page()));
	for (int i = 0; i < pages; i++)
		does(a, shm.store("m", i * (long long)page(), 100 + i));
}

static void shows(actor *a, const char *m, int pages)
{
	for (int i = 0; i < pages; i++)
		does_give(a, shm.load(m, i * (long long)page()), 100 + i);
}

/* -- mremap ----------------------------------------------------------------------------------- */

TEST(shm, remapping_smaller_cuts_the_tail)
{
	actor *alice = cast("alice");

	makes(alice, 3);
	actor *bob = forks(alice, "bob");
	does(bob, shm.remap_with("m", 3 * page(), page(), 0, "n"));
	does_give(bob, shm.load("n", 0), 100);
	does(bob, shm.store("m", 0, 7));
	begin(bob, shm.load("m", (long long)page()));
	is_killed_by(bob, SIGSEGV);
	does_give(alice, shm.load("m", 0), 7);
	does_give(alice, shm.load("m", (long long)page()), 101);
}

TEST(shm, who_may_not_move_does_not_grow)
{
	actor *alice = cast("alice");

	makes(alice, 3);
	/* the second page is in the way of the first */
	does_fail(alice, shm.remap_with("m", page(), 2 * page(), 0, "n"), ENOMEM);
	shows(alice, "m", 3);
}

TEST(shm, MREMAP_FIXED_moves_there)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	actor *bob = forks(alice, "bob");
	does(alice, shm.map_anonymous("there", page(), MAP_SHARED));
	long long there = outcome_of(alice)->value;
	does(alice, shm.store("there", 0, 7));
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	does_give(alice, shm.remap_with("m", page(), page(), flags, "there"), there);
	shows(alice, "there", 1);
	does(bob, shm.store("m", 4, 8));
	does_give(alice, shm.load("there", 4), 8);
	begin(alice, shm.load("m", 0));
	is_killed_by(alice, SIGSEGV);
}

TEST(shm, remapping_no_byte_maps_once_more)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	does(alice, shm.remap_with("m", 0, page(), MREMAP_MAYMOVE, "n"));
	shows(alice, "n", 1);
	does(alice, shm.store("n", 0, 7));
	does_give(alice, shm.load("m", 0), 7);
	does(alice, shm.unmap("m", 0, page()));
	does_give(alice, shm.load("n", 0), 7);
}

TEST(shm, private_memory_is_not_mapped_once_more)
{
	actor *alice = cast("alice");

	does(alice, shm.map_anonymous("m", page(), MAP_PRIVATE));
	does(alice, shm.store("m", 0, 7));
	does_fail(alice, shm.remap_with("m", 0, page(), MREMAP_MAYMOVE, "n"), EINVAL);
	does_give(alice, shm.load("m", 0), 7);
}

static const struct {
	const char *name;
	long long offset;	  /* in bytes */
	long long size, new_size; /* in pages */
	int flags;
	int to; /* pages from the first, with MREMAP_FIXED */
	int error;
} moves[] = {
	{"from_between_pages", 1, 1, 2, MREMAP_MAYMOVE, 0, EINVAL},
	{"to_no_byte", 0, 1, 0, MREMAP_MAYMOVE, 0, EINVAL},
	{"unknown_flags", 0, 1, 2, 0x5EED00, 0, EINVAL},
	{"fixed_but_not_to_move", 0, 1, 1, MREMAP_FIXED, 8, EINVAL},
	{"over_itself", 0, 2, 2, MREMAP_MAYMOVE | MREMAP_FIXED, 1, EINVAL},
	{"beyond_what_is_mapped", 0, 4, 5, MREMAP_MAYMOVE, 0, EFAULT},
};

static long long move(const char *text, const long long *n)
{
	char *memory = handle_pointer(text);
	long long one = (long long)page(), which = n[0];
	size_t size = (size_t)(moves[which].size * one);
	size_t new_size = (size_t)(moves[which].new_size * one);
	void *to = memory + moves[which].to * one;

	if (!impl->shm->mremap)
		skip("no mremap");
	void *at = impl->shm->mremap(memory + moves[which].offset, size, new_size,
				     moves[which].flags, to);
	return at == MAP_FAILED ? -1 : 0;
}

TEST_EACH(shm, mremap_refuses_what_it_cannot_move, moves)
{
	actor *alice = cast("alice");

	/* sixteen pages, of which only the first three stay */
	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", 3 * (long long)page()));
	does(alice, shm.map("o", "m", 16 * page()));
	does(alice, shm.unmap("m", 3 * (long long)page(), 13 * page()));
	for (int i = 0; i < 3; i++)
		does(alice, shm.store("m", i * (long long)page(), 100 + i));
	does_fail(alice, call(move, "m", row - moves, 0, 0), row->error);
	shows(alice, "m", 3);
}

/* -- mmap where one wants it ------------------------------------------------------------------ */

TEST(shm, a_mapping_replaces_none_unasked)
{
	actor *alice = cast("alice");

	makes(alice, 2);
	does(alice, shm.map("o", "n", page()));
	does(alice, shm.open("p", NEW));
	does(alice, shm.resize("p", (long long)page()));
	for (int i = 0; i < 2; i++) {
		/* the address is a wish that can't be granted */
		does(alice, shm.map_at("p", "m", i * (long long)page(), page(), MAP_SHARED));
		must(outcome_of(alice)->n[0] != 0);
		shows(alice, "m", 2);
	}
	does_give(alice, shm.load("n", 0), 100);
}

TEST(shm, a_fixed_address_between_pages_is_invalid)
{
	actor *alice = cast("alice");

	makes(alice, 2);
	does_fail(alice, shm.map_at("o", "m", 1, page(), MAP_SHARED | MAP_FIXED), EINVAL);
	shows(alice, "m", 2);
}

TEST(shm, MAP_FIXED_NOREPLACE_replaces_nothing)
{
	actor *alice = cast("alice");
	int flags = MAP_SHARED | MAP_FIXED_NOREPLACE;

	makes(alice, 2);
	does(alice, shm.open("p", NEW));
	does(alice, shm.resize("p", 2 * (long long)page()));
	begin(alice, shm.map_at("p", "m", 0, page(), flags));
	returns(alice);
	if (!outcome_of(alice)->error) {
		shows(alice, "m", 2);
		skip("MAP_FIXED_NOREPLACE is not known here: the address was taken for a wish");
	}
	must_be(outcome_of(alice)->error, EEXIST);
	does(alice, shm.unmap("m", 0, page()));
	/* still in the way by half */
	does_fail(alice, shm.map_at("p", "m", 0, 2 * page(), flags), EEXIST);
	does_give(alice, shm.load("m", (long long)page()), 101);
}

TEST(shm, MAP_FIXED_NOREPLACE_takes_a_free_address)
{
	actor *alice = cast("alice");
	int flags = MAP_SHARED | MAP_FIXED_NOREPLACE;

	makes(alice, 3);
	does(alice, shm.map("o", "n", 3 * page()));
	long long address = outcome_of(alice)->value;
	does(alice, shm.unmap("n", 0, page()));
	does_give(alice, shm.map_at("o", "n", 0, page(), flags), address);
	shows(alice, "n", 3);
}

enum { UNKNOWN_FLAG = 0x800000 };

TEST(shm, MAP_SHARED_VALIDATE_refuses_unknown_flags)
{
	actor *alice = cast("alice");
	int flags = MAP_SHARED_VALIDATE | UNKNOWN_FLAG;

	makes(alice, 1);
	does_fail(alice, shm.map_with("o", "n", page(), BOTH, flags, 0), EOPNOTSUPP);
	does(alice, shm.map_with("o", "n", page(), BOTH, MAP_SHARED | UNKNOWN_FLAG, 0));
	shows(alice, "n", 1);
}

TEST(shm, MAP_SHARED_VALIDATE_shares)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	does(alice, shm.map_with("o", "n", page(), BOTH, MAP_SHARED_VALIDATE, 0));
	shows(alice, "n", 1);
	does(alice, shm.store("n", 0, 7));
	does_give(alice, shm.load("m", 0), 7);
}

/* -- munmap ----------------------------------------------------------------------------------- */

TEST(shm, unmapping_beyond_all_addresses_is_invalid)
{
	actor *alice = cast("alice");

	makes(alice, 2);
	does_fail(alice, shm.unmap("m", 0, SIZE_MAX - 2 * page() + 1), EINVAL);
	shows(alice, "m", 2);
}

TEST(shm, unmapping_forgets_private_stores)
{
	actor *alice = cast("alice");

	makes(alice, 1);
	does(alice, shm.map_with("o", "p", page(), BOTH, MAP_PRIVATE, 0));
	does(alice, shm.store("p", 0, 7));
	does(alice, shm.unmap("p", 0, page()));
	does(alice, shm.map_with("o", "p", page(), BOTH, MAP_PRIVATE, 0));
	shows(alice, "p", 1);
}
