/* SPDX-License-Identifier: MIT */
/* Locks of an open file description by flock. */
#include "stage/story.h"

struct pair {
	const char *name;
	int held, asked;
	bool is_refused;
};

static const struct pair pairs[] = {
	{"shared_and_shared", LOCK_SH, LOCK_SH, false},
	{"shared_and_exclusive", LOCK_SH, LOCK_EX, true},
	{"exclusive_and_shared", LOCK_EX, LOCK_SH, true},
	{"exclusive_and_exclusive", LOCK_EX, LOCK_EX, true},
};

/* What another opening is told, of the same process or of another one. */
static void asks(actor *a, const char *f, const struct pair *pair)
{
	if (pair->is_refused)
		does_fail(a, lock.flock(f, pair->asked | LOCK_NB), EWOULDBLOCK);
	else
		does(a, lock.flock(f, pair->asked | LOCK_NB));
	does(a, lock.flock(f, LOCK_UN));
}

TEST_EACH(lock, flock_excludes, pairs)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	does(alice, lock.open("f", O_RDWR));
	does(alice, lock.open("f:2", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.flock("f", row->held));
	asks(alice, "f:2", row);
	asks(bob, "f", row);
	does(alice, lock.flock("f", LOCK_UN));
	does(alice, lock.flock("f:2", row->asked | LOCK_NB));
	does(alice, lock.flock("f:2", LOCK_UN));
	does(bob, lock.flock("f", row->asked | LOCK_NB));
}

TEST(lock, flock_waits)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.flock("f", LOCK_EX));
	begin(bob, lock.flock("f", LOCK_SH));
	begin(carol, lock.flock("f", LOCK_SH));
	blocks(bob);
	blocks(carol);
	freeze(carol);
	does(alice, lock.flock("f", LOCK_UN));
	succeeds(bob);
	thaw(carol);
	succeeds(carol);
	begin(alice, lock.flock("f", LOCK_EX));
	blocks(alice);
	does(bob, lock.flock("f", LOCK_UN));
	blocks(alice);
	does(carol, lock.flock("f", LOCK_UN));
	succeeds(alice);
}

TEST(lock, flock_needs_no_access)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f:r", O_RDONLY));
	does(bob, lock.open("f:w", O_WRONLY));
	does(alice, lock.flock("f:r", LOCK_EX));
	does_fail(bob, lock.flock("f:w", LOCK_SH | LOCK_NB), EWOULDBLOCK);
	does(alice, lock.flock("f:r", LOCK_UN));
	does(bob, lock.flock("f:w", LOCK_SH));
}

TEST(lock, flock_is_shared_over_fork_and_dup)
{
	actor *parent = cast("parent"), *bob = cast("bob");

	does(parent, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(parent, lock.flock("f", LOCK_EX));
	does(parent, fd.dup("f", "f:2"));
	actor *child = forks(parent, "child");
	does(child, lock.flock("f", LOCK_EX | LOCK_NB));
	does(parent, lock.flock("f:2", LOCK_EX | LOCK_NB));
	begin(bob, lock.flock("f", LOCK_EX));
	blocks(bob);
	does(child, lock.flock("f:2", LOCK_UN));
	succeeds(bob);
	does_fail(parent, lock.flock("f", LOCK_SH | LOCK_NB), EWOULDBLOCK);
}

TEST(lock, flock_goes_with_the_last_descriptor)
{
	actor *parent = cast("parent"), *bob = cast("bob");

	does(parent, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(parent, fd.dup("f", "f:2"));
	does(parent, lock.flock("f", LOCK_EX));
	actor *child = forks(parent, "child"), *other = forks(parent, "other");
	begin(bob, lock.flock("f", LOCK_EX));
	does(parent, fd.close("f"));
	does(parent, fd.close("f:2"));
	blocks(bob);
	exits(other, 0);
	blocks(bob);
	dies(child);
	succeeds(bob);
}

TEST_VARIANT(lock, flock_goes_with_the_last_descriptor, at_exec)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR | O_CLOEXEC));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.flock("f", LOCK_EX));
	begin(bob, lock.flock("f", LOCK_EX));
	blocks(bob);
	execs(alice);
	succeeds(bob);
}

TEST(lock, flock_outlives_exec)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.flock("f", LOCK_EX));
	execs(alice);
	does_fail(bob, lock.flock("f", LOCK_EX | LOCK_NB), EWOULDBLOCK);
	does(alice, lock.flock("f", LOCK_UN));
	does(bob, lock.flock("f", LOCK_EX | LOCK_NB));
}

TEST(lock, flock_is_interrupted)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, sig.handle(SIGUSR2, SA_RESTART));
	does(alice, lock.flock("f", LOCK_EX));
	begin(bob, lock.flock("f", LOCK_EX));
	blocks(bob);
	poke(bob, SIGUSR2);
	catches(bob, SIGUSR2, 1);
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	does(alice, lock.flock("f", LOCK_UN));
	does(alice, lock.flock("f", LOCK_EX | LOCK_NB));
}

TEST(lock, flock_refuses_nonsense)
{
	actor *alice = cast("alice");

	does(alice, lock.open("f", O_RDWR));
	does_fail(alice, lock.flock("f", LOCK_NB), EINVAL);
	does_fail(alice, lock.flock("f", 0), EINVAL);
	does(alice, fd.close("f"));
	does_fail(alice, lock.flock("f", LOCK_SH), EBADF);
}

TEST(lock, flock_and_record_locks_are_independent)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.flock("f", LOCK_EX));
	does(bob, lock.write("f", 0, 0));
	does_give(alice, lock.bars_writer("f", 0, 0), pid_of(bob));
	does_fail(bob, lock.flock("f", LOCK_EX | LOCK_NB), EWOULDBLOCK);
}

TEST(lock, flock_downgrade_lets_readers_in)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.flock("f", LOCK_EX));
	begin(bob, lock.flock("f", LOCK_SH));
	blocks(bob);
	does(alice, lock.flock("f", LOCK_SH));
	succeeds(bob);
	does_fail(bob, lock.flock("f", LOCK_EX | LOCK_NB), EWOULDBLOCK);
}

TEST(lock, flock_upgrade_waits_for_the_other_reader)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.flock("f", LOCK_SH));
	does(bob, lock.flock("f", LOCK_SH));
	begin(alice, lock.flock("f", LOCK_EX));
	blocks(alice);
	does(bob, lock.flock("f", LOCK_UN));
	succeeds(alice);
	does_fail(bob, lock.flock("f", LOCK_SH | LOCK_NB), EWOULDBLOCK);
}

TEST(lock, flock_refused_upgrade_loses_the_lock)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.flock("f", LOCK_SH));
	does(bob, lock.flock("f", LOCK_SH));
	does_fail(alice, lock.flock("f", LOCK_EX | LOCK_NB), EWOULDBLOCK);
	does(bob, lock.flock("f", LOCK_EX | LOCK_NB));
}

TEST(lock, flock_killed_waiter_leaves_no_lock)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.flock("f", LOCK_EX));
	begin(bob, lock.flock("f", LOCK_EX));
	blocks(bob);
	begin(carol, lock.flock("f", LOCK_EX));
	blocks(carol);
	dies(bob);
	does(alice, lock.flock("f", LOCK_UN));
	succeeds(carol);
}

TEST(lock, flock_travels_with_its_descriptor)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	actor *bob = forks(alice, "bob"), *carol = cast("carol");
	does(alice, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.flock("f", LOCK_EX));
	does(alice, sock.pass("s:a", "f", "f"));
	dies(alice);
	does_fail(carol, lock.flock("f", LOCK_SH | LOCK_NB), EWOULDBLOCK);
	does_give(bob, sock.take("s:b", 10, "f:got", 1, 0), "f");
	does(bob, lock.flock("f:got", LOCK_EX | LOCK_NB));
	begin(carol, lock.flock("f", LOCK_EX));
	blocks(carol);
	does(bob, fd.close("f:got"));
	succeeds(carol);
}
