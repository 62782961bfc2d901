/* SPDX-License-Identifier: MIT */
/* Limits, and keeping to them. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "stage/story.h"

enum { NEW = IPC_CREAT | IPC_EXCL | 0600, FILL = 0xEE };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* -- locking ---------------------------------------------------------------------------------- */

TEST(shm, a_segment_can_be_locked_in_memory)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	begin(alice, shm.control("s", SHM_LOCK));
	returns(alice);
	if (outcome_of(alice)->error == EPERM || outcome_of(alice)->error == ENOMEM)
		skip("no memory may be locked here");
	must_be(outcome_of(alice)->error, 0);
	does_give(alice, shm.field("s", SEGMENT_MODE), SHM_LOCKED | 0600);
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "locked"));
	does(alice, shm.control("s", SHM_UNLOCK));
	does_give(alice, shm.field("s", SEGMENT_MODE), 0600);
	does_give(alice, shm.read("m", 0, 6), "locked");
}

static long long allow_no_locking(const char *text, const long long *n)
{
	struct rlimit none = {0, 0};

	(void)text;
	(void)n;
	return setrlimit(RLIMIT_MEMLOCK, &none);
}

TEST(shm, who_may_lock_no_memory_locks_no_segment)
{
	actor *alice = cast("alice");

	does(alice, call(allow_no_locking, "", 0, 0, 0));
	renounces(alice);
	does(alice, shm.get("s", 100, NEW));
	does_fail(alice, shm.control("s", SHM_LOCK), EPERM);
	does_give(alice, shm.field("s", SEGMENT_MODE), 0600);
}

/* -- address space ---------------------------------------------------------------------------- */

static long long allow_no_more_addresses(const char *text, const long long *n)
{
	struct rlimit limit;

	(void)text;
	(void)n;
#ifdef SANITIZED_ADDRESSES
	skip("a sanitizer needs addresses of its own, and ends the process that has none");
#endif
	must_be(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = (rlim_t)page();
	return setrlimit(RLIMIT_AS, &limit);
}

TEST(shm, without_addresses_nothing_is_attached)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.get("s", 16 * page(), NEW));
	does(bob, shm.get("s", 0, 0));
	does(alice, call(allow_no_more_addresses, "", 0, 0, 0));
	does_fail(alice, shm.attach("s", "m", 0), ENOMEM);
	does_give(bob, shm.nattch("s"), 0);
}

TEST(shm, without_addresses_nothing_is_mapped)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", O_RDWR | O_CREAT | O_EXCL));
	does(alice, shm.resize("o", 16 * (long long)page()));
	does(alice, call(allow_no_more_addresses, "", 0, 0, 0));
	does_fail(alice, shm.map("o", "m", 16 * page()), ENOMEM);
	does_fail(alice, shm.map_anonymous("m", 16 * page(), MAP_SHARED), ENOMEM);
	does_give(alice, shm.size("o"), 16 * (long long)page());
}

TEST(shm, without_addresses_nothing_grows)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", O_RDWR | O_CREAT | O_EXCL));
	does(alice, shm.resize("o", 64 * (long long)page()));
	does(alice, shm.map("o", "m", page()));
	does(alice, shm.store("m", 0, 7));
	does(alice, call(allow_no_more_addresses, "", 0, 0, 0));
	does_fail(alice, shm.remap("m", page(), 64 * page()), ENOMEM);
	does_give(alice, shm.load("m", 0), 7);
	does(alice, shm.store("m", (long long)page() - 4, 8));
}

/* -- limits, in a namespace of one's own ------------------------------------------------------ */

TEST(shm, a_namespace_has_its_own_keys)
{
	actor *alice = cast("alice"), *bob = cast_apart("bob");

	does(alice, shm.get("s", 100, NEW));
	does_fail(bob, shm.get("s", 0, 0), ENOENT);
	does(bob, shm.get("s", 200, NEW));
	does_give(alice, shm.field("s", SEGMENT_SIZE), 100);
	does_give(bob, shm.field("s", SEGMENT_SIZE), 200);
}

TEST(shm, no_segment_beyond_shmmni)
{
	actor *alice = cast_apart("alice");

	does(alice, call(changes_setting, "kernel/shmmni", 2, 0, 0));
	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.get("t", 100, NEW));
	does_fail(alice, shm.get("u", 100, NEW), ENOSPC);
	does(alice, shm.get("t", 0, 0));
	does(alice, shm.remove("s"));
	does(alice, shm.get("u", 100, NEW));
}

TEST(shm, no_page_beyond_shmall)
{
	actor *alice = cast_apart("alice");

	does(alice, call(changes_setting, "kernel/shmall", 4, 0, 0));
	does(alice, shm.get("s", 3 * page(), NEW));
	does_fail(alice, shm.get("t", 2 * page(), NEW), ENOSPC);
	does_fail(alice, shm.get("t", 0, 0), ENOENT);
	does(alice, shm.get("t", page(), NEW));
	does_fail(alice, shm.get("u", 1, NEW), ENOSPC);
	does(alice, shm.remove("s"));
	does(alice, shm.get("u", 2 * page(), NEW));
}

TEST(shm, no_segment_larger_than_shmmax)
{
	actor *alice = cast_apart("alice");

	does(alice, call(changes_setting, "kernel/shmmax", 10000, 0, 0));
	does(alice, shm.get("s", 10000, NEW));
	does_fail(alice, shm.get("t", 10001, NEW), EINVAL);
	does_fail(alice, shm.get("t", 0, 0), ENOENT);
}

TEST(shm, an_attached_doomed_segment_counts_to_the_limit)
{
	actor *alice = cast_apart("alice");

	does(alice, call(changes_setting, "kernel/shmmni", 1, 0, 0));
	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.remove("s"));
	does_fail(alice, shm.get("t", 100, NEW), ENOSPC);
	does(alice, shm.detach("m"));
	does(alice, shm.get("t", 100, NEW));
}

TEST(shm, shm_rmid_forced_removes_what_nobody_uses)
{
	actor *alice = cast_apart("alice");

	does(alice, call(changes_setting, "kernel/shm_rmid_forced", 1, 0, 0));
	actor *bob = forks(alice, "bob");
	does(bob, shm.get("s", 100, NEW));
	does(bob, shm.get("t", 100, NEW));
	does(alice, shm.get("t", 0, 0));
	does(alice, shm.attach("t", "m", 0));
	exits(bob, 0);
	does_fail(alice, shm.get("s", 0, 0), ENOENT);
	does_give(alice, shm.nattch("t"), 1);
	does(alice, shm.write("m", 0, "in use"));
	does(alice, shm.detach("m"));
	does_fail(alice, shm.stat("t"), EINVAL);
}
