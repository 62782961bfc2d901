/* SPDX-License-Identifier: MIT */
/* What advice may change and what not, and memory locked in place. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "stage/story.h"

enum { NEW = O_RDWR | O_CREAT | O_EXCL };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

enum kind { OBJECT, MAPPED_FILE, SEGMENT, ANONYMOUS, PRIVATE };

/* Two pages "m" that hold 7 and 8. */
static void makes(actor *a, enum kind kind)
{
	if (kind == SEGMENT) {
		does(a, shm.get("s", 2 * page(), IPC_CREAT | IPC_EXCL | 0600));
		does(a, shm.attach("s", "m", 0));
	} else if (kind == ANONYMOUS || kind == PRIVATE) {
		int flags = kind == PRIVATE ? MAP_PRIVATE : MAP_SHARED;
		does(a, shm.map_anonymous("m", 2 * page(), flags));
	} else {
		does(a, kind == OBJECT ? shm.open("o", NEW) : shm.open_file("o", NEW));
		does(a, shm.resize("o", 2 * (long long)page()));
		does(a, shm.map("o", "m", 2 * page()));
	}
	does(a, shm.store("m", 0, 7));
	does(a, shm.store("m", (long long)page(), 8));
}

static void still_holds(actor *a)
{
	does_give(a, shm.load("m", 0), 7);
	does_give(a, shm.load("m", (long long)page()), 8);
}

/* -- posix_madvise ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int advice;
	enum kind kind;
} advices[] = {
	{"normal_shared", POSIX_MADV_NORMAL, OBJECT},
	{"sequential_shared", POSIX_MADV_SEQUENTIAL, OBJECT},
	{"random_shared", POSIX_MADV_RANDOM, OBJECT},
	{"willneed_shared", POSIX_MADV_WILLNEED, OBJECT},
	{"dontneed_shared", POSIX_MADV_DONTNEED, OBJECT},
	{"dontneed_file", POSIX_MADV_DONTNEED, MAPPED_FILE},
	{"dontneed_segment", POSIX_MADV_DONTNEED, SEGMENT},
	{"willneed_private", POSIX_MADV_WILLNEED, PRIVATE},
	{"dontneed_private", POSIX_MADV_DONTNEED, PRIVATE},
};

TEST_EACH(shm, advice_changes_no_content, advices)
{
	actor *alice = cast("alice");

	makes(alice, row->kind);
	does(alice, shm.posix_advise("m", 2 * page(), row->advice));
	still_holds(alice);
	does(alice, shm.store("m", 0, 9));
	does_give(alice, shm.load("m", 0), 9);
}

TEST(shm, unknown_advice_is_invalid)
{
	actor *alice = cast("alice");

	makes(alice, OBJECT);
	does_fail(alice, shm.posix_advise("m", page(), 0x5EED), EINVAL);
	still_holds(alice);
}

/* -- madvise ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum kind kind;
} shared_kinds[] = {
	{"object", OBJECT},
	{"file", MAPPED_FILE},
	{"segment", SEGMENT},
	{"anonymous", ANONYMOUS},
};

TEST_EACH(shm, MADV_DONTNEED_keeps_shared_memory, shared_kinds)
{
	actor *alice = cast("alice");

	makes(alice, row->kind);
	actor *bob = forks(alice, "bob");
	does(alice, shm.advise("m", 2 * page(), MADV_DONTNEED));
	still_holds(bob);
	still_holds(alice);
	does(bob, shm.store("m", 0, 9));
	does_give(alice, shm.load("m", 0), 9);
}

TEST(shm, MADV_DONTNEED_empties_private_memory)
{
	actor *alice = cast("alice");

	makes(alice, PRIVATE);
	actor *bob = forks(alice, "bob");
	does(alice, shm.advise("m", page(), MADV_DONTNEED));
	does_give(alice, shm.is_zero("m", 0, page()), 1);
	does_give(alice, shm.load("m", (long long)page()), 8);
	still_holds(bob);
}

TEST(shm, MADV_DONTNEED_brings_back_what_the_file_holds)
{
	actor *alice = cast("alice");
	int both = PROT_READ | PROT_WRITE;

	makes(alice, OBJECT);
	does(alice, shm.map_with("o", "p", page(), both, MAP_PRIVATE, 0));
	does(alice, shm.store("p", 0, 70));
	does(alice, shm.store("m", 0, 9));
	does_give(alice, shm.load("p", 0), 70);
	does(alice, shm.advise("p", page(), MADV_DONTNEED));
	does_give(alice, shm.load("p", 0), 9);
}

static const struct {
	const char *name;
	enum kind kind;
} removable[] = {{"object", OBJECT}, {"segment", SEGMENT}, {"anonymous", ANONYMOUS}};

TEST_EACH(shm, MADV_REMOVE_empties_the_memory_for_all, removable)
{
	actor *alice = cast("alice");

	makes(alice, row->kind);
	actor *bob = forks(alice, "bob");
	does_give(bob, shm.load("m", 0), 7);
	does(alice, shm.advise("m", page(), MADV_REMOVE));
	does_give(alice, shm.is_zero("m", 0, page()), 1);
	does_give(bob, shm.is_zero("m", 0, page()), 1);
	does_give(bob, shm.load("m", (long long)page()), 8);
	does(bob, shm.store("m", 0, 9));
	does_give(alice, shm.load("m", 0), 9);
	if (row->kind == OBJECT)
		does_give(alice, shm.size("o"), 2 * (long long)page());
}

TEST(shm, MADV_WIPEONFORK_gives_children_zeros)
{
	actor *alice = cast("alice");

	makes(alice, PRIVATE);
	begin(alice, shm.advise("m", page(), MADV_WIPEONFORK));
	returns(alice);
	if (outcome_of(alice)->error == EINVAL)
		skip("MADV_WIPEONFORK is not known here");
	actor *bob = forks(alice, "bob");
	does_give(bob, shm.is_zero("m", 0, page()), 1);
	does_give(bob, shm.load("m", (long long)page()), 8);
	still_holds(alice);
	does(bob, shm.store("m", 0, 9));
	actor *carol = forks(bob, "carol");
	does_give(carol, shm.is_zero("m", 0, page()), 1);
}

TEST(shm, MADV_KEEPONFORK_gives_children_copies_again)
{
	actor *alice = cast("alice");

	makes(alice, PRIVATE);
	begin(alice, shm.advise("m", page(), MADV_WIPEONFORK));
	returns(alice);
	if (outcome_of(alice)->error == EINVAL)
		skip("MADV_WIPEONFORK is not known here");
	does(alice, shm.advise("m", page(), MADV_KEEPONFORK));
	actor *bob = forks(alice, "bob");
	still_holds(bob);
}

static const struct {
	const char *name;
	enum kind kind;
	enum { FIRST, BETWEEN, HOLE } where;
	int advice, error;
} refusals[] = {
	{"unknown_advice", OBJECT, FIRST, 0x5EED, EINVAL},
	{"between_pages", OBJECT, BETWEEN, MADV_DONTNEED, EINVAL},
	{"not_mapped", OBJECT, HOLE, MADV_DONTNEED, ENOMEM},
	{"removing_private", PRIVATE, FIRST, MADV_REMOVE, EINVAL},
	{"wiping_shared", OBJECT, FIRST, MADV_WIPEONFORK, EINVAL},
	{"wiping_anonymous_shared", ANONYMOUS, FIRST, MADV_WIPEONFORK, EINVAL},
};

static long long advise(const char *text, const long long *n)
{
	return impl->shm->madvise((char *)handle_pointer(text) + n[0], page(), (int)n[1]);
}

TEST_EACH(shm, madvise_refuses_what_it_cannot_do, refusals)
{
	actor *alice = cast("alice");
	long long offset = row->where == BETWEEN ? 1 : row->where == HOLE ? (long long)page() : 0;

	makes(alice, row->kind);
	does(alice, shm.unmap("m", (long long)page(), page()));
	does_fail(alice, call(advise, "m", offset, row->advice, 0), row->error);
	does_give(alice, shm.load("m", 0), 7);
}

/* -- memory locked in place ------------------------------------------------------------------- */

static void locks(actor *a)
{
	begin(a, shm.lock_pages("m", 0, page()));
	returns(a);
	if (outcome_of(a)->error == EPERM || outcome_of(a)->error == ENOMEM)
		skip("no memory may be locked here");
	must_be(outcome_of(a)->error, 0);
}

TEST(shm, locked_pages_refuse_invalidation)
{
	actor *alice = cast("alice");

	makes(alice, MAPPED_FILE);
	locks(alice);
	does_fail(alice, shm.sync("m", 0, 2 * page(), MS_SYNC | MS_INVALIDATE), EBUSY);
	does(alice, shm.sync("m", 0, 2 * page(), MS_SYNC));
	does(alice, shm.sync("m", (long long)page(), page(), MS_SYNC | MS_INVALIDATE));
	does(alice, shm.unlock_pages("m", 0, page()));
	does(alice, shm.sync("m", 0, 2 * page(), MS_SYNC | MS_INVALIDATE));
	still_holds(alice);
}

TEST(shm, memory_locks_do_not_nest)
{
	actor *alice = cast("alice");

	makes(alice, MAPPED_FILE);
	locks(alice);
	locks(alice);
	does(alice, shm.unlock_pages("m", 0, page()));
	does(alice, shm.sync("m", 0, page(), MS_SYNC | MS_INVALIDATE));
}

TEST(shm, memory_locks_are_not_inherited)
{
	actor *alice = cast("alice");

	makes(alice, MAPPED_FILE);
	locks(alice);
	actor *bob = forks(alice, "bob");
	does(bob, shm.sync("m", 0, page(), MS_SYNC | MS_INVALIDATE));
	does_fail(alice, shm.sync("m", 0, page(), MS_SYNC | MS_INVALIDATE), EBUSY);
}

TEST(shm, unmapping_unlocks)
{
	actor *alice = cast("alice");

	makes(alice, MAPPED_FILE);
	locks(alice);
	does(alice, shm.map_at("o", "m", 0, page(), MAP_SHARED | MAP_FIXED));
	does(alice, shm.sync("m", 0, page(), MS_SYNC | MS_INVALIDATE));
	still_holds(alice);
}

TEST(shm, locking_what_is_not_mapped_fails)
{
	actor *alice = cast("alice");

	makes(alice, OBJECT);
	does(alice, shm.unmap("m", (long long)page(), page()));
	locks(alice);
	does_fail(alice, shm.lock_pages("m", (long long)page(), page()), ENOMEM);
	does_fail(alice, shm.lock_pages("m", 0, 2 * page()), ENOMEM);
	does_fail(alice, shm.unlock_pages("m", (long long)page(), page()), ENOMEM);
	does_give(alice, shm.load("m", 0), 7);
}

static long long allow_locking(const char *text, const long long *n)
{
	struct rlimit limit = {(rlim_t)n[0], (rlim_t)n[0]};

	(void)text;
	return setrlimit(RLIMIT_MEMLOCK, &limit);
}

static const struct {
	const char *name;
	int pages; /* that may be locked */
	int error;
} allowances[] = {{"none", 0, EPERM}, {"one", 1, ENOMEM}};

TEST_EACH(shm, no_more_memory_is_locked_than_allowed, allowances)
{
	actor *alice = cast("alice");

	makes(alice, OBJECT);
	does(alice, call(allow_locking, "", row->pages * (long long)page(), 0, 0));
	renounces(alice);
	does_fail(alice, shm.lock_pages("m", 0, 2 * page()), row->error);
	if (row->pages)
		does(alice, shm.lock_pages("m", 0, page()));
	still_holds(alice);
}
