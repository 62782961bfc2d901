/* SPDX-License-Identifier: MIT */
/* Locks that an open file description has: F_OFD_SETLK and flock. */
#include "stage/story.h"

/* -- OFD locks -------------------------------------------------------------------------------- */

static void opens(actor *a, int flags)
{
	does(a, lock.open("f", flags));
	begin(a, lock.ofd_bars_writer("f", 0, 0));
	returns(a);
	if (outcome_of(a)->error == EINVAL)
		skip("locks of open file descriptions are not known here");
	must_be(outcome_of(a)->value, 0);
}

TEST(lock, ofd_lock_keeps_others_out)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	opens(alice, O_RDWR);
	does(alice, lock.open("f:2", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	does_fail(bob, lock.ofd_read("f", 0, 10), EAGAIN);
	does_fail(alice, lock.ofd_read("f:2", 9, 1), EAGAIN);
	does(alice, lock.ofd_read("f:2", 10, 10));
	does(bob, lock.ofd_read("f", 10, 10));
	does_fail(alice, lock.ofd_write("f", 0, 11), EAGAIN);
	does(alice, lock.ofd_clear("f", 0, 10));
	does(alice, lock.ofd_write("f:2", 0, 5));
	does(bob, lock.ofd_write("f", 5, 5));
}

TEST_VARIANT(lock, ofd_lock_keeps_others_out, threads)
{
	actor *alice = cast("alice");

	opens(alice, O_RDWR);
	does(alice, lock.open("f:thread", O_RDWR));
	actor *thread = cast_thread(alice, "thread");
	does(alice, lock.ofd_write("f", 0, 0));
	does_fail(thread, lock.ofd_write("f:thread", 0, 1), EAGAIN);
	begin(thread, lock.ofd_write_wait("f:thread", 0, 1));
	blocks(thread);
	does(alice, lock.ofd_clear("f", 0, 0));
	succeeds(thread);
	does_fail(alice, lock.ofd_read("f", 0, 0), EAGAIN);
}

TEST(lock, ofd_lock_is_shared_with_child_and_duplicate)
{
	actor *parent = cast("parent"), *bob = cast("bob");

	opens(parent, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(parent, lock.ofd_write("f", 0, 10));
	does(parent, fd.dup("f", "f:2"));
	actor *child = forks(parent, "child");
	does(child, lock.ofd_write("f", 0, 10));
	does(parent, lock.ofd_write("f:2", 0, 10));
	does_fail(bob, lock.ofd_write("f", 0, 10), EAGAIN);
	does(child, lock.ofd_clear("f", 0, 10));
	does(bob, lock.ofd_write("f", 0, 10));
	does_fail(parent, lock.ofd_write("f", 0, 10), EAGAIN);
}

TEST(lock, ofd_lock_goes_with_the_last_descriptor)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(alice, lock.open("f:other", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	does(alice, fd.dup("f", "f:2"));
	does(alice, fd.close("f:other"));
	does_fail(bob, lock.ofd_write("f", 0, 10), EAGAIN);
	does(alice, fd.close("f"));
	begin(bob, lock.ofd_write_wait("f", 0, 10));
	blocks(bob);
	does(alice, fd.close("f:2"));
	succeeds(bob);
}

TEST(lock, ofd_lock_goes_with_its_processes)
{
	actor *parent = cast("parent"), *bob = cast("bob");

	opens(parent, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(parent, lock.ofd_write("f", 0, 10));
	actor *child = forks(parent, "child");
	begin(bob, lock.ofd_write_wait("f", 0, 10));
	blocks(bob);
	dies(child);
	blocks(bob);
	dies(parent);
	succeeds(bob);
}

TEST(lock, ofd_lock_outlives_exec)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	execs(alice);
	does_fail(bob, lock.ofd_write("f", 0, 10), EAGAIN);
	does(alice, lock.ofd_clear("f", 0, 0));
	does(bob, lock.ofd_write("f", 0, 10));
}

TEST_VARIANT(lock, ofd_lock_outlives_exec, not_if_closed)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR | O_CLOEXEC);
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	execs(alice);
	does(bob, lock.ofd_write("f", 0, 10));
}

TEST(lock, ofd_waits)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	begin(bob, lock.ofd_read_wait("f", 0, 10));
	begin(carol, lock.ofd_read_wait("f", 0, 1));
	blocks(bob);
	blocks(carol);
	freeze(bob);
	does(alice, lock.ofd_clear("f", 0, 10));
	succeeds(carol);
	thaw(bob);
	succeeds(bob);
}

TEST_VARIANT(lock, ofd_waits, interrupted)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(bob, sig.handle(SIGUSR1, 0));
	does(alice, lock.ofd_write("f", 0, 10));
	begin(bob, lock.ofd_write_wait("f", 0, 10));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	does(alice, lock.ofd_clear("f", 0, 10));
	does_give(alice, lock.ofd_bars_writer("f", 0, 0), 0);
}

TEST(lock, ofd_and_process_locks_exclude)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	does_fail(bob, lock.read("f", 0, 10), EAGAIN);
	does_fail(alice, lock.read("f", 0, 10), EAGAIN);
	does(bob, lock.write("f", 10, 10));
	does_fail(alice, lock.ofd_write("f", 0, 20), EAGAIN);
	does(alice, lock.ofd_clear("f", 0, 10));
	does(alice, lock.write("f", 0, 10));
	does_fail(alice, lock.ofd_read("f", 0, 10), EAGAIN);
}

TEST(lock, ofd_holder_has_no_process)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_read("f", 5, 10));
	does(bob, lock.ofd_bars_writer("f", 0, 0));
	must_be(outcome_of(bob)->n[REGION_TYPE], F_RDLCK);
	must_be(outcome_of(bob)->n[REGION_WHENCE], SEEK_SET);
	must_be(outcome_of(bob)->n[REGION_START], 5);
	must_be(outcome_of(bob)->n[REGION_LENGTH], 10);
	must_be(outcome_of(bob)->n[REGION_PID], -1);
	does_give(alice, lock.ofd_bars_writer("f", 0, 0), 0);
	/* to who asks for a process's lock the number is told the same way */
	begin(bob, lock.bars_writer("f", 0, 0));
	returns(bob);
	must_be(outcome_of(bob)->error, 0);
	must_be(outcome_of(bob)->n[REGION_PID], -1);
}

TEST(lock, ofd_lock_takes_no_process)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does_fail(alice, lock.ofd_write_as("f", pid_of(alice)), EINVAL);
	does(bob, lock.ofd_write("f", 0, 0));
}

TEST(lock, ofd_has_no_deadlock_detection)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 1));
	does(bob, lock.ofd_write("f", 1, 1));
	begin(alice, lock.ofd_write_wait("f", 1, 1));
	blocks(alice);
	begin(bob, lock.ofd_write_wait("f", 0, 1));
	blocks(bob);
	dies(bob);
	succeeds(alice);
}

/* -- flock ------------------------------------------------------------------------------------ */

TEST(lock, flock_excludes)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	does(alice, lock.open("f", O_RDWR));
	does(alice, lock.open("f:2", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.flock("f", LOCK_SH));
	does(bob, lock.flock("f", LOCK_SH));
	does_fail(alice, lock.flock("f:2", LOCK_EX | LOCK_NB), EWOULDBLOCK);
	does(alice, lock.flock("f", LOCK_UN));
	does(bob, lock.flock("f", LOCK_EX | LOCK_NB));
	does_fail(alice, lock.flock("f", LOCK_SH | LOCK_NB), EWOULDBLOCK);
	does(bob, lock.flock("f", LOCK_UN));
	does(alice, lock.flock("f", LOCK_EX | LOCK_NB));
	does_fail(alice, lock.flock("f:2", LOCK_SH | LOCK_NB), EWOULDBLOCK);
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
